//! Snapshots on the wire, and the lines of their content.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::risk::RiskAssessment;
use crate::domain::vocabulary::{FulfilmentStatus, RequirementLevel};
use crate::entries::wire::Entry;
use crate::http::page::page_of;

/// The ledger of an organization as it was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FiscalYearSnapshot {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The fiscal year that it closes, named by the year in which it begins.
    #[schema(example = 2027)]
    pub fiscal_year: i32,
    /// Why it was taken.
    pub reason: String,
    /// By whom.
    #[schema(format = Uuid)]
    pub taken_by_person_id: String,
    /// When it was begun.
    pub taken_at: Instant,
    /// How many entries there were then.
    pub entries_total: i64,
    /// How many are frozen.
    pub entries_done: i64,
    /// When the last one was, and the whole was signed; null while it goes on.
    #[schema(required)]
    pub completed_at: Option<Instant>,
    /// SHA-256 of all lines before the signature, in hexadecimal.
    #[schema(required)]
    pub sha256: Option<String>,
    /// The key that signed; its public half is at `/audit-log/keys`.
    #[schema(required)]
    pub kid: Option<String>,
    /// The signature, a compact JWS (RFC 7515, ES256) over what it is and the digest.
    #[schema(required)]
    pub jws: Option<String>,
}

page_of! {
    /// A page of snapshots.
    FiscalYearSnapshotPage of FiscalYearSnapshot
}

/// A snapshot to take.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FiscalYearSnapshotCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The fiscal year that it closes: the present one or the one before.
    #[schema(minimum = 2000, maximum = 2100, example = 2027)]
    pub fiscal_year: i32,
    /// Why.
    #[schema(max_length = 1000, example = "令和9年度末の台帳の確定")]
    pub reason: String,
}

/// Filters of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FiscalYearSnapshotFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// Of this fiscal year.
    #[param(nullable = false)]
    pub fiscal_year: Option<i32>,
}

/// The lines of a snapshot: NDJSON, one object a line.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct SnapshotContent(pub Vec<u8>);

/// A clause of a frozen entry.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FrozenClause {
    pub clause_key: String,
    pub requirement_level: RequirementLevel,
    pub status: FulfilmentStatus,
    pub days_overdue: i64,
}

/// An entry as it was.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FrozenEntry {
    pub entry: Entry,
    pub period_starts_on: Option<NaiveDate>,
    pub period_ends_on: Option<NaiveDate>,
    pub catalogue_version: String,
    pub profile_version: String,
    pub policy_version_id: Option<String>,
    pub clauses: Vec<FrozenClause>,
    pub gaps: serde_json::Value,
    pub assessment: RiskAssessment,
}
