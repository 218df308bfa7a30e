//! Policy versions on the wire; what they change is [`crate::domain::overlay`]'s.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::catalogue::Gate;
use crate::domain::overlay::{ClauseChange, ClauseDifference, OwnClause};
use crate::domain::vocabulary::{Kind, Level, RequirementLevel, Severity};
use crate::http::page::page_of;

/// What an organization's policy adds to the clause catalogue from a day on. It never changes: another version, also of
/// the same day, takes its place.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyVersion {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The first day.
    pub valid_from_on: NaiveDate,
    /// When it was decided.
    pub decided_on: NaiveDate,
    /// Number of the document of the decision.
    #[schema(required)]
    pub document_number: Option<String>,
    /// Why.
    pub reason: String,
    /// Changes of clauses of the catalogue.
    pub changes: Vec<ClauseChange>,
    /// Clauses of its own.
    pub clauses: Vec<OwnClause>,
    /// The version of the catalogue that it was checked against.
    #[schema(example = "2026.1")]
    pub catalogue_version: String,
    /// How far the organization's entries are assessed by it.
    pub reassessment: Reassessment,
    /// Who recorded it.
    #[schema(format = Uuid)]
    pub recorded_by_person_id: String,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
}

/// How far the entries of the organization are assessed by a version; it begins on the version's first day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reassessment {
    /// How many there are; null before it begins.
    #[schema(required)]
    pub entries_total: Option<i64>,
    /// How many are done.
    pub entries_done: i64,
    /// When the last one was; also set when another version had taken its place before.
    #[schema(required)]
    pub finished_at: Option<Instant>,
}

page_of! {
    /// A page of policy versions.
    PolicyVersionPage of PolicyVersion
}

/// A new version. It holds all that the organization asks for beyond the catalogue, not only what is new.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyVersionCreate {
    /// The first day.
    pub valid_from_on: NaiveDate,
    /// When it was decided.
    pub decided_on: NaiveDate,
    /// Number of the document of the decision (電子決裁).
    #[serde(default)]
    #[schema(nullable = false, max_length = 100)]
    pub document_number: Option<String>,
    /// Why.
    #[schema(max_length = 1000)]
    pub reason: String,
    /// Changes of clauses of the catalogue, at most one for each.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub changes: Vec<ClauseChange>,
    /// Clauses of its own.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub clauses: Vec<OwnClause>,
}

/// What would a version change?
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyVersionPreviewCreate {
    /// The first day.
    pub valid_from_on: NaiveDate,
    /// Changes of clauses of the catalogue, at most one for each.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub changes: Vec<ClauseChange>,
    /// Clauses of its own.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub clauses: Vec<OwnClause>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    #[schema(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
}

/// What a version would change; nothing is stored.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyVersionPreview {
    /// How many entries were looked at: up to 5,000 in one answer.
    pub entries_examined: u32,
    /// How many of them would change.
    pub entries_affected: u32,
    /// The first 50 of those, by id.
    pub entries: Vec<AffectedEntry>,
    /// Send it as `cursor` to look at the others; null when all were looked at.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// An entry that a version would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AffectedEntry {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its control number.
    pub control_number: String,
    /// Its name.
    pub name: String,
    /// What changes, clause by clause.
    pub changes: Vec<ClauseDifference>,
    /// Its residual level today.
    #[schema(required)]
    pub residual_level_before: Option<Level>,
    /// Its residual level if the version were in force today.
    pub residual_level_after: Level,
    /// Its residual score today, times 100.
    pub residual_score_x100_before: i32,
    /// Its residual score if the version were in force today, times 100.
    pub residual_score_x100_after: u32,
}

/// What is in force on a day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CurrentPolicy {
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The day.
    pub as_of_on: NaiveDate,
    /// The version of the catalogue.
    #[schema(example = "2026.1")]
    pub catalogue_version: String,
    /// The organization's version; null while the catalogue alone holds.
    #[schema(required)]
    pub policy_version: Option<PolicyVersion>,
}

/// Where to read on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyVersionFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}

/// The day of the question.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CurrentPolicyFilter {
    /// The day; today without it.
    #[param(nullable = false)]
    pub as_of_on: Option<NaiveDate>,
}

/// Which versions.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyComparisonFilter {
    /// A version of the organization; the catalogue alone without it.
    #[param(nullable = false, format = Uuid)]
    pub before: Option<String>,
    /// Another one; the catalogue alone without it.
    #[param(nullable = false, format = Uuid)]
    pub after: Option<String>,
}

/// Two versions side by side.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyComparison {
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The one version; null: the catalogue alone.
    #[schema(required, format = Uuid)]
    pub before: Option<String>,
    /// The other one; null: the catalogue alone.
    #[schema(required, format = Uuid)]
    pub after: Option<String>,
    /// The version of the catalogue beneath both.
    #[schema(example = "2026.1")]
    pub catalogue_version: String,
    /// The clauses that differ, by number.
    pub clauses: Vec<ComparedClause>,
}

/// A clause under both.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComparedClause {
    /// The clause.
    pub clause_key: String,
    /// What it says under the one; null where there is none.
    #[schema(required)]
    pub before: Option<ClauseUnderPolicy>,
    /// What it says under the other; null where there is none.
    #[schema(required)]
    pub after: Option<ClauseUnderPolicy>,
}

/// What a clause says under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClauseUnderPolicy {
    /// Title, in the language of the request.
    pub title: String,
    /// What is required, in the language of the request.
    pub requirement: String,
    /// Mandatory or recommended.
    pub requirement_level: RequirementLevel,
    /// What its absence does.
    pub severity: Severity,
    /// Its weight in the coverage.
    #[schema(minimum = 1, maximum = 5)]
    pub weight: u32,
    /// Months after which it is confirmed again, at the latest.
    pub reverify_months: u32,
    /// The transitions that wait for it, by kind.
    pub gates: Vec<GatesOfKind>,
}

/// The transitions of a kind of entry that wait for a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GatesOfKind {
    /// The kind.
    pub kind: Kind,
    /// The transitions, each with the status it asks for.
    pub gates: Vec<Gate>,
}
