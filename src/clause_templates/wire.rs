//! What a clause template and its application look like on the wire.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::vocabulary::{FulfilmentStatus, RequirementLevel, Severity};
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// Which clause an article of the annex covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateArticle {
    /// The clause.
    #[schema(max_length = 100, example = "confidentiality-obligation")]
    pub clause_key: String,
    /// The article (条番号).
    #[schema(max_length = 100, example = "第4条")]
    pub article: String,
    /// Its words.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub quotation: Option<String>,
}

/// A clause template without its articles, as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClauseTemplateHead {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// Name of the annex.
    #[schema(example = "個人情報等取扱特記仕様書")]
    pub name: String,
    /// Its edition.
    #[schema(example = "令和9年4月版")]
    pub edition: String,
    /// The first day on which a contract can take it.
    pub valid_from_on: NaiveDate,
    /// The last such day; null: until another edition is used.
    #[schema(required)]
    pub valid_to_on: Option<NaiveDate>,
    /// The file with the annex.
    #[schema(required, format = Uuid)]
    pub file_id: Option<String>,
    /// The evidence that agreements name, unless the application names another.
    #[schema(required, format = Uuid)]
    pub evidence_id: Option<String>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
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
    /// When it was archived: it is not applied any more.
    #[schema(required)]
    pub archived_at: Option<Instant>,
}

/// A clause template (標準特記仕様書): an organization's standard annex, and which article covers which clause.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClauseTemplate {
    /// What lists show too.
    #[serde(flatten)]
    pub head: ClauseTemplateHead,
    /// Its articles, in its own order.
    pub articles: Vec<TemplateArticle>,
}

page_of! {
    /// A page of clause templates.
    ClauseTemplatePage of ClauseTemplateHead
}

/// A new clause template.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClauseTemplateCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// Name of the annex.
    #[schema(max_length = 200, example = "個人情報等取扱特記仕様書")]
    pub name: String,
    /// Its edition; once per name.
    #[schema(max_length = 100, example = "令和9年4月版")]
    pub edition: String,
    /// The first day on which a contract can take it.
    pub valid_from_on: NaiveDate,
    /// The last such day.
    #[serde(default)]
    #[schema(nullable = false)]
    pub valid_to_on: Option<NaiveDate>,
    /// The file with the annex, one of the same organization.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
    /// The evidence that agreements name: one of the organization as a whole.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    pub note: Option<String>,
    /// Which article covers which clause; each clause once.
    #[schema(min_items = 1, max_items = 200)]
    pub articles: Vec<TemplateArticle>,
}

/// A change of a clause template; absent fields stay. What was agreed by it stays as it was.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClauseTemplatePatch {
    /// Name of the annex.
    #[schema(nullable = false, max_length = 200)]
    pub name: Option<String>,
    /// Its edition.
    #[schema(nullable = false, max_length = 100)]
    pub edition: Option<String>,
    /// The first day on which a contract can take it.
    #[schema(nullable = false)]
    pub valid_from_on: Option<NaiveDate>,
    /// The last such day.
    pub valid_to_on: Option<NaiveDate>,
    /// The file with the annex.
    #[schema(format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
    /// The evidence that agreements name.
    #[schema(format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
    /// Note.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// Which article covers which clause; replaces all of them.
    #[schema(nullable = false, min_items = 1, max_items = 200)]
    pub articles: Option<Vec<TemplateArticle>>,
    /// `true` archives it, `false` takes it up again; an archived one changes in no other way.
    #[schema(nullable = false)]
    pub archived: Option<bool>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for ClauseTemplatePatch {
    const CLEARABLE: &'static [&'static str] = &["valid_to_on", "file_id", "evidence_id", "note"];
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClauseTemplateFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// That a contract can take on this day.
    #[param(nullable = false)]
    pub valid_on: Option<NaiveDate>,
    /// Archived ones too.
    #[param(nullable = false)]
    pub include_archived: Option<bool>,
}

/// An application of a template to a period.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClauseTemplateApplicationCreate {
    /// The template; one of the entry's organization.
    #[schema(format = Uuid, max_length = 36)]
    pub template_id: String,
    /// The evidence that the agreements name, such as the signed contract; the template's without it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
    /// When it was agreed; the template must be valid on this day, or on the first day of the period without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub agreed_on: Option<NaiveDate>,
}

/// What an application did, and what it leaves to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClauseTemplateApplication {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// The period.
    #[schema(format = Uuid)]
    pub period_id: String,
    /// The template.
    #[schema(format = Uuid)]
    pub template_id: String,
    /// The clauses that are agreed by it now.
    pub applied: Vec<AppliedClause>,
    /// The clauses of the template that this entry does not need, at any time of its life.
    pub not_required: Vec<UnneededClause>,
    /// The clauses that this entry needs at some time of its life and that this period does not agree.
    pub still_missing: Vec<MissingClause>,
}

/// A clause that is agreed by the template.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AppliedClause {
    /// The clause.
    pub clause_key: String,
    /// Its title.
    pub title: String,
    /// The article.
    pub article: String,
    /// How far it is fulfilled now, counted in the current period.
    pub status: FulfilmentStatus,
}

/// A clause of the template that is not needed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnneededClause {
    /// The clause.
    pub clause_key: String,
    /// Its title.
    pub title: String,
    /// The article.
    pub article: String,
}

/// A required clause that the period does not agree.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MissingClause {
    /// The clause.
    pub clause_key: String,
    /// Its title.
    pub title: String,
    /// Whether it must be there.
    pub requirement_level: RequirementLevel,
    /// What its absence does.
    pub severity: Severity,
    /// How far it is fulfilled now, counted in the current period.
    pub status: FulfilmentStatus,
    /// Whether the contract must contain it; the others are met outside of it.
    pub agreement_required: bool,
}
