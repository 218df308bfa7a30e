//! Documents of a policy on the wire.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::policy_document::{ReviewDecision, ReviewReasonKind};
use crate::domain::profile::{DocumentKind, Visibility};
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// A document of an organization's policy. Of a restricted one there is the place and the custodian, never the content.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyDocument {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// What it is.
    pub kind: DocumentKind,
    /// Title.
    pub title: String,
    /// Its edition as printed.
    #[schema(example = "3.1版")]
    pub edition: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// When this edition was adopted.
    #[schema(required)]
    pub adopted_on: Option<NaiveDate>,
    /// When it was published.
    #[schema(required)]
    pub published_on: Option<NaiveDate>,
    /// Where it is published.
    #[schema(required)]
    pub url: Option<String>,
    /// The basic policy has not been published since it was adopted (地方自治法第244条の6第2項).
    pub publication_missing: bool,
    /// The file; null of a restricted document, also where one was linked before.
    #[schema(required, format = Uuid)]
    pub file_id: Option<String>,
    /// A file that was linked before the document became restricted; it is not given out any more.
    pub file_withheld: bool,
    /// Where it is kept.
    #[schema(required)]
    pub place: Option<String>,
    /// Who keeps it.
    #[schema(required)]
    pub custodian: Option<String>,
    /// When it is to be reviewed; an obligation follows from it.
    #[schema(required)]
    pub review_due_on: Option<NaiveDate>,
    /// Whether a review is needed already, because of the reasons that are open.
    pub review_needed: bool,
    /// How many reasons are open.
    pub open_review_reasons: i64,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// Version.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
    /// When it was archived.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

page_of! {
    /// A page of documents.
    PolicyDocumentPage of PolicyDocument
}

/// A document to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocumentCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// What it is.
    pub kind: DocumentKind,
    /// Title.
    #[schema(max_length = 200)]
    pub title: String,
    /// Its edition as printed.
    #[schema(max_length = 100, example = "3.1版")]
    pub edition: String,
    /// Who may read it; what the organization's policy says without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub visibility: Option<Visibility>,
    /// When this edition was adopted.
    #[serde(default)]
    #[schema(nullable = false)]
    pub adopted_on: Option<NaiveDate>,
    /// When it was published.
    #[serde(default)]
    #[schema(nullable = false)]
    pub published_on: Option<NaiveDate>,
    /// Where it is published.
    #[serde(default)]
    #[schema(nullable = false, max_length = 500, pattern = r"^https?://[^\s/?#@]+([/?#]\S*)?$")]
    pub url: Option<String>,
    /// The file; refused of a restricted document.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
    /// Where it is kept; a restricted document needs it.
    #[serde(default)]
    #[schema(nullable = false, max_length = 200)]
    pub place: Option<String>,
    /// Who keeps it; a restricted document needs it.
    #[serde(default)]
    #[schema(nullable = false, max_length = 200)]
    pub custodian: Option<String>,
    /// When it is to be reviewed.
    #[serde(default)]
    #[schema(nullable = false)]
    pub review_due_on: Option<NaiveDate>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2000)]
    pub note: Option<String>,
}

/// A change of a document; absent fields stay.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocumentPatch {
    /// Title.
    #[schema(nullable = false, max_length = 200)]
    pub title: Option<String>,
    /// Its edition as printed.
    #[schema(nullable = false, max_length = 100)]
    pub edition: Option<String>,
    /// Who may read it. A file of a document that becomes restricted is not given out any more.
    #[schema(nullable = false)]
    pub visibility: Option<Visibility>,
    /// When this edition was adopted.
    pub adopted_on: Option<NaiveDate>,
    /// When it was published.
    pub published_on: Option<NaiveDate>,
    /// Where it is published.
    #[schema(max_length = 500, pattern = r"^https?://[^\s/?#@]+([/?#]\S*)?$")]
    pub url: Option<String>,
    /// The file.
    #[schema(format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
    /// Where it is kept.
    #[schema(max_length = 200)]
    pub place: Option<String>,
    /// Who keeps it.
    #[schema(max_length = 200)]
    pub custodian: Option<String>,
    /// When it is to be reviewed.
    pub review_due_on: Option<NaiveDate>,
    /// Note.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for PolicyDocumentPatch {
    const CLEARABLE: &'static [&'static str] = &[
        "adopted_on",
        "published_on",
        "url",
        "file_id",
        "place",
        "custodian",
        "review_due_on",
        "note",
    ];
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyDocumentFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// Of this kind.
    #[param(nullable = false, inline)]
    pub kind: Option<DocumentKind>,
    /// Only basic policies that have not been published.
    #[param(nullable = false)]
    pub publication_missing: Option<bool>,
    /// Only those that need a review already.
    #[param(nullable = false)]
    pub review_needed: Option<bool>,
    /// Archived ones too.
    #[param(nullable = false)]
    pub include_archived: Option<bool>,
}

/// Why a document has to be reviewed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReviewReason {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The document.
    #[schema(format = Uuid)]
    pub policy_document_id: String,
    /// What it is.
    pub kind: ReviewReasonKind,
    /// What happened.
    pub note: String,
    /// The finding or incident that raised it by itself.
    #[schema(required, format = Uuid)]
    pub origin_id: Option<String>,
    /// What it comes from, as the people name it.
    #[schema(required)]
    pub origin_reference: Option<String>,
    /// When it was raised.
    pub raised_on: NaiveDate,
    /// By whom.
    #[schema(required, format = Uuid)]
    pub person_id: Option<String>,
    /// The review that closed it; null while it is open.
    #[schema(required, format = Uuid)]
    pub review_id: Option<String>,
}

page_of! {
    /// A page of reasons.
    ReviewReasonPage of ReviewReason
}

/// A reason to raise.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewReasonCreate {
    /// What it is.
    pub kind: ReviewReasonKind,
    /// What happened.
    #[schema(max_length = 2000)]
    pub note: String,
    /// What it comes from, as the people name it: the number of a report, of a law.
    #[serde(default)]
    #[schema(nullable = false, max_length = 200)]
    pub origin_reference: Option<String>,
}

/// A review of a document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentReview {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The document.
    #[schema(format = Uuid)]
    pub policy_document_id: String,
    /// When.
    pub reviewed_on: NaiveDate,
    /// What was decided.
    pub decision: ReviewDecision,
    /// Why.
    pub note: String,
    /// How likely the threats are and what they would cost.
    #[schema(required)]
    pub risk_analysis: Option<String>,
    /// When the next one is due.
    pub next_review_due_on: NaiveDate,
    /// Who decided.
    #[schema(format = Uuid)]
    pub person_id: String,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
}

page_of! {
    /// A page of reviews.
    DocumentReviewPage of DocumentReview
}

/// A review to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentReviewCreate {
    /// What was decided.
    pub decision: ReviewDecision,
    /// Why.
    #[schema(max_length = 2000)]
    pub note: String,
    /// How likely the threats are and what they would cost; needed for a revision where the policy asks for it.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    pub risk_analysis: Option<String>,
    /// When; today without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub reviewed_on: Option<NaiveDate>,
    /// When the next one is due.
    pub next_review_due_on: NaiveDate,
}

/// Where to read on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentHistoryFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}
