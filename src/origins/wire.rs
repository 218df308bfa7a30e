//! Origins on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::lifecycle::Unmet;
use crate::domain::transitional::{TransitionalStanding, TransitionalTreatment};
use crate::engagements::wire::PeriodCreate;

/// What an existing thing lacks.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryGaps {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// The day of the question.
    pub as_of_on: NaiveDate,
    /// Until when it has to be made good; null when nothing is missing.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    /// What is missing.
    pub gaps: Vec<Unmet>,
}

/// The day of the question.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GapFilter {
    /// Today or a later day; today without it.
    #[param(nullable = false)]
    pub as_of_on: Option<NaiveDate>,
}

/// How an entry came into the register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryOrigin {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// It was running already.
    pub registered_as_existing: bool,
    /// First day of performance, use or operation.
    #[schema(required)]
    pub started_on: Option<NaiveDate>,
    /// What it succeeds.
    #[schema(required, format = Uuid)]
    pub predecessor_id: Option<String>,
    /// What succeeds it, the first one first.
    pub successor_ids: Vec<String>,
    /// How it stands to the rule of 1 July 2027 today.
    pub transitional_standing: TransitionalStanding,
    /// What was judged; null while nobody has.
    #[schema(required)]
    pub transitional_judgement: Option<TransitionalJudgement>,
}

/// What was judged about the transitional rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransitionalJudgement {
    /// The treatment.
    pub treatment: TransitionalTreatment,
    /// Why.
    pub reason: String,
    /// When it was judged.
    pub judged_on: NaiveDate,
    /// By whom.
    #[schema(format = Uuid)]
    pub judged_by_person_id: String,
}

/// A judgement.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitionalTreatmentPut {
    /// The treatment.
    pub treatment: TransitionalTreatment,
    /// Why.
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// What comes after an engagement.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntrySuccessorCreate {
    /// The company; without it the present contractor goes on.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub contractor_id: Option<String>,
    /// The next period; needed when the present contractor goes on, and fixed later for another.
    #[serde(default)]
    #[schema(nullable = false)]
    pub period: Option<PeriodCreate>,
    /// The name of a new engagement; the old one's without it.
    #[serde(default)]
    #[schema(nullable = false, max_length = 200)]
    pub name: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntrySuccessor {
    /// The engagement that goes on: the same one, or the new one.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// The engagement it succeeds; null for a period of the same one.
    #[schema(required, format = Uuid)]
    pub predecessor_id: Option<String>,
    /// The new period.
    #[schema(required, format = Uuid)]
    pub period_id: Option<String>,
    /// Evidence that was carried over.
    pub evidence_ids: Vec<String>,
}
