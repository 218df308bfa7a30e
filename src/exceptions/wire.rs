//! What an exception looks like on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::exception::ExceptionState;
use crate::domain::vocabulary::Level;
use crate::http::page::page_of;

/// An exception (例外措置) for one clause of one entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Exception {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// The clause that it stands in for.
    pub clause_key: String,
    /// Where it stands today.
    pub state: ExceptionState,
    /// Whether it stands in for the clause today: approved, or an emergency that still waits for the CISO.
    pub in_effect: bool,
    /// Taken first and reported afterwards; it ends after 14 days unless the CISO ratifies it.
    pub emergency: bool,
    /// Why the clause cannot be met.
    pub reason: String,
    /// What is done instead.
    pub compensating_measures: String,
    /// Who applied for it.
    #[schema(format = Uuid)]
    pub requested_by_person_id: String,
    /// When.
    pub requested_on: NaiveDate,
    /// Its last day.
    pub expires_on: NaiveDate,
    /// The decision; null while there is none.
    #[schema(required)]
    pub decision: Option<ExceptionDecision>,
    /// Its end before the last day, if it was revoked.
    #[schema(required)]
    pub revocation: Option<Revocation>,
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
}

/// What the CISO decided.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExceptionDecision {
    /// When.
    pub decided_on: NaiveDate,
    /// By whom; null when a decision taken elsewhere names nobody of the directory.
    #[schema(required, format = Uuid)]
    pub decided_by_person_id: Option<String>,
    /// Who decided elsewhere, as the document names them.
    #[schema(required)]
    pub decided_by: Option<String>,
    /// Number of the document of a decision taken elsewhere.
    #[schema(required)]
    pub document_number: Option<String>,
    /// Who recorded it.
    #[schema(required, format = Uuid)]
    pub recorded_by_person_id: Option<String>,
    /// The CISO let it run past 31 March.
    pub beyond_fiscal_year: bool,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// The risk of the entry at the decision, before the exception counted; it never changes afterwards.
    #[schema(required)]
    pub risk: Option<RiskAtDecision>,
}

/// The risk that the decision was taken on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RiskAtDecision {
    /// The stored assessment.
    #[schema(format = Uuid)]
    pub assessment_id: String,
    /// Its level.
    #[schema(required)]
    pub residual_level: Option<Level>,
    /// Its score times 100.
    pub residual_score_x100: i32,
}

/// The end of an exception before its last day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Revocation {
    /// When.
    pub revoked_on: NaiveDate,
    /// By whom.
    #[schema(format = Uuid)]
    pub revoked_by_person_id: String,
    /// Why.
    pub reason: String,
}

page_of! {
    /// A page of exceptions.
    ExceptionPage of Exception
}

/// An application for an exception.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionCreate {
    /// The clause.
    #[schema(max_length = 100, example = "confidentiality-obligation")]
    pub clause_key: String,
    /// Why it cannot be met.
    #[schema(max_length = 4000)]
    pub reason: String,
    /// What is done instead.
    #[schema(max_length = 4000)]
    pub compensating_measures: String,
    /// Its last day: within twelve months (an emergency: 14 days) and not past 31 March.
    pub expires_on: NaiveDate,
    /// Taken already, in an emergency: it counts at once and needs the CISO afterwards.
    #[serde(default)]
    pub emergency: bool,
}

/// What is decided about an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionDecisionWord {
    /// It may run.
    Approve,
    /// It may not; an emergency exception ends.
    Reject,
}

/// A decision that was taken in another system or on paper (電子決裁).
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidedElsewhereCreate {
    /// Who decided, as the document names them.
    #[schema(max_length = 200, example = "副市長（CISO）")]
    pub decided_by: String,
    /// The same as a person of the directory, so that applicant and approver can be told apart.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub decided_by_person_id: Option<String>,
    /// When.
    pub decided_on: NaiveDate,
    /// Number of the document.
    #[schema(max_length = 100, example = "本情第123号")]
    pub document_number: String,
}

/// A decision about an exception.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionDecisionCreate {
    /// What is decided.
    pub decision: ExceptionDecisionWord,
    /// Another last day than the one applied for; a ratified emergency may get up to twelve months this way.
    #[serde(default)]
    #[schema(nullable = false)]
    pub expires_on: Option<NaiveDate>,
    /// Let it run past 31 March.
    #[serde(default)]
    pub beyond_fiscal_year: bool,
    /// Taken elsewhere and recorded here; without it the acting person decides and must be the CISO today.
    #[serde(default)]
    #[schema(nullable = false)]
    pub elsewhere: Option<DecidedElsewhereCreate>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub note: Option<String>,
}

/// The end of an exception before its last day.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationCreate {
    /// Why.
    #[schema(max_length = 4000)]
    pub reason: String,
}

/// Filters of the list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExceptionFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Of this entry.
    #[param(nullable = false, format = Uuid)]
    pub entry_id: Option<String>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// For this clause.
    #[param(nullable = false, max_length = 100)]
    pub clause_key: Option<String>,
    /// In this state today.
    #[param(nullable = false)]
    pub state: Option<ExceptionState>,
    /// With a last day on or before this one.
    #[param(nullable = false)]
    pub expires_to: Option<NaiveDate>,
}
