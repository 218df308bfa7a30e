//! What a piece of evidence looks like on the wire.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::assurance::ValidityRule;
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// A piece of evidence (証跡): what shows that a clause is kept, and until when it does.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Evidence {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry that it is about.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The contractor that it is about.
    #[schema(required, format = Uuid)]
    pub contractor_id: Option<String>,
    /// Its kind, one of the catalogue's.
    #[schema(example = "certificate")]
    pub kind: String,
    /// The kind's name, in Japanese.
    #[schema(example = "認証の登録証")]
    pub kind_name: String,
    /// Title.
    pub title: String,
    /// The assurance scheme: a key of `GET /assurance-schemes`, or the name of another one.
    #[schema(required, example = "iso27001")]
    pub scheme: Option<String>,
    /// What it covers: sites, services, processes.
    #[schema(required)]
    pub scope_text: Option<String>,
    /// Number of the certificate, registration or document.
    #[schema(required)]
    pub document_number: Option<String>,
    /// The pages that show it.
    #[schema(required, example = "12-15")]
    pub pages: Option<String>,
    /// When it was issued; its first day.
    #[schema(required)]
    pub issued_on: Option<NaiveDate>,
    /// The last day of the period that was audited.
    #[schema(required)]
    pub period_ends_on: Option<NaiveDate>,
    /// Its last day; null: it does not expire.
    #[schema(required)]
    pub valid_until_on: Option<NaiveDate>,
    /// Whether that day follows from the rule of the scheme; entered otherwise.
    pub valid_until_by_rule: bool,
    /// By when the scheme looks at it again before its last day.
    #[schema(required)]
    pub next_surveillance_on: Option<NaiveDate>,
    /// The file.
    #[schema(required, format = Uuid)]
    pub file_id: Option<String>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// The piece that took its place.
    #[schema(required, format = Uuid)]
    pub replaced_by_id: Option<String>,
    /// Version.
    pub version: i64,
    /// When it was registered.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
    /// When it was archived: it stays readable and is not named anew.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

page_of! {
    /// A page of evidence.
    EvidencePage of Evidence
}

/// A new piece of evidence: of an entry, of a contractor, or of the organization as a whole.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The entry that it is about; one of the organization's.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub entry_id: Option<String>,
    /// The contractor that it is about, for every entry of theirs; not beside `entry_id`.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub contractor_id: Option<String>,
    /// Its kind: one of those that the clauses of `GET /clauses` name in `evidence`.
    #[schema(max_length = 60, example = "certificate")]
    pub kind: String,
    /// Title.
    #[schema(max_length = 200)]
    pub title: String,
    /// The assurance scheme: a key of `GET /assurance-schemes`, or the name of another one.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100, example = "iso27001")]
    pub scheme: Option<String>,
    /// What it covers: sites, services, processes.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2000)]
    pub scope_text: Option<String>,
    /// Number of the certificate, registration or document.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100)]
    pub document_number: Option<String>,
    /// The pages that show it.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100, example = "12-15")]
    pub pages: Option<String>,
    /// When it was issued; its first day.
    #[serde(default)]
    #[schema(nullable = false)]
    pub issued_on: Option<NaiveDate>,
    /// The last day of the period that was audited.
    #[serde(default)]
    #[schema(nullable = false)]
    pub period_ends_on: Option<NaiveDate>,
    /// Its last day. Without it the rule of the scheme decides; without a rule it does not expire.
    #[serde(default)]
    #[schema(nullable = false)]
    pub valid_until_on: Option<NaiveDate>,
    /// The file, one of the same organization.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    pub note: Option<String>,
    /// The piece that it renews, about the same entry or contractor: what leans on that one leans on this from now on,
    /// and that one is archived.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub replaces_id: Option<String>,
}

/// A change of a piece of evidence; absent fields stay. What it is about stays too.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidencePatch {
    /// Its kind.
    #[schema(nullable = false, max_length = 60, example = "certificate")]
    pub kind: Option<String>,
    /// Title.
    #[schema(nullable = false, max_length = 200)]
    pub title: Option<String>,
    /// The assurance scheme.
    #[schema(max_length = 100)]
    pub scheme: Option<String>,
    /// What it covers.
    #[schema(max_length = 2000)]
    pub scope_text: Option<String>,
    /// Number of the certificate, registration or document.
    #[schema(max_length = 100)]
    pub document_number: Option<String>,
    /// The pages that show it.
    #[schema(max_length = 100)]
    pub pages: Option<String>,
    /// When it was issued.
    pub issued_on: Option<NaiveDate>,
    /// The last day of the period that was audited.
    pub period_ends_on: Option<NaiveDate>,
    /// Its last day; cleared, the rule of the scheme decides again.
    pub valid_until_on: Option<NaiveDate>,
    /// The file.
    #[schema(format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
    /// Note.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for EvidencePatch {
    const CLEARABLE: &'static [&'static str] = &[
        "scheme",
        "scope_text",
        "document_number",
        "pages",
        "issued_on",
        "period_ends_on",
        "valid_until_on",
        "file_id",
        "note",
    ];
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EvidenceFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// About this entry itself.
    #[param(nullable = false, format = Uuid)]
    pub entry_id: Option<String>,
    /// About this contractor.
    #[param(nullable = false, format = Uuid)]
    pub contractor_id: Option<String>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// Of this kind.
    #[param(nullable = false, max_length = 60)]
    pub kind: Option<String>,
    /// Of this scheme.
    #[param(nullable = false, max_length = 100)]
    pub scheme: Option<String>,
    /// With a last day on this one or later.
    #[param(nullable = false)]
    pub valid_until_from: Option<NaiveDate>,
    /// With a last day on this one or earlier.
    #[param(nullable = false)]
    pub valid_until_to: Option<NaiveDate>,
    /// Archived ones too.
    #[param(nullable = false)]
    pub include_archived: Option<bool>,
}

/// The assurance schemes that have rules.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssuranceSchemes {
    /// The version of the rules.
    pub version: String,
    /// The schemes.
    pub schemes: Vec<AssuranceScheme>,
}

/// A scheme under which somebody else attests security.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssuranceScheme {
    /// Its stable name.
    #[schema(example = "ismap")]
    pub key: String,
    /// Title.
    pub title: String,
    /// Where the last day of its papers comes from.
    pub rule: ValidityRule,
    /// The date that the rule cannot do without, unless `valid_until_on` is entered.
    #[schema(required, example = "period_ends_on")]
    pub needs: Option<String>,
    /// For how many months a paper holds.
    #[schema(required)]
    pub months: Option<u32>,
    /// After how many months it is looked at again in between.
    #[schema(required)]
    pub surveillance_months: Option<u32>,
    /// Where the rule comes from.
    pub source: String,
}
