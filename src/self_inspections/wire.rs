//! Self-inspections on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::audit::InspectionAnswer;
use crate::domain::profile::DutyKey;
use crate::http::page::page_of;

/// The self-inspection (自己点検) of an organization in a fiscal year: one item for each duty of its policy.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SelfInspection {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The fiscal year, named by the year in which it begins.
    #[schema(example = 2027)]
    pub fiscal_year: i32,
    /// Key and version of the policy profile that the duties were taken from.
    #[schema(example = "motosu@2026.1")]
    pub profile_version: String,
    /// When it is due.
    pub due_on: NaiveDate,
    /// The duties, in the order of the policy.
    pub duties: Vec<InspectedDuty>,
    /// How many are not answered.
    pub unanswered: u32,
    /// When it was completed; from then on it does not change.
    #[schema(required)]
    pub completed_on: Option<NaiveDate>,
    /// By whom.
    #[schema(required, format = Uuid)]
    pub completed_by_person_id: Option<String>,
    /// What was said on completion.
    #[schema(required)]
    pub note: Option<String>,
    /// Version.
    pub version: i64,
    /// When it was opened.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
}

/// A duty of the policy, and how it is kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InspectedDuty {
    /// The duty.
    pub duty: DutyKey,
    /// Where the policy states it.
    #[schema(example = "6-8 第1段落")]
    pub section: String,
    /// What it demands.
    pub summary: String,
    /// How it is kept; null while it is not answered.
    #[schema(required)]
    pub answer: Option<InspectionAnswer>,
    /// Why it does not apply.
    #[schema(required)]
    pub reason: Option<String>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// What will be done about what is not met.
    #[schema(required)]
    pub improvement: Option<String>,
    /// By when.
    #[schema(required)]
    pub improvement_due_on: Option<NaiveDate>,
    /// The evidence.
    #[schema(required, format = Uuid)]
    pub evidence_id: Option<String>,
    /// The file that shows it.
    #[schema(required, format = Uuid)]
    pub file_id: Option<String>,
    /// When it was answered.
    #[schema(required)]
    pub answered_on: Option<NaiveDate>,
    /// By whom.
    #[schema(required, format = Uuid)]
    pub answered_by_person_id: Option<String>,
}

page_of! {
    /// A page of self-inspections.
    SelfInspectionPage of SelfInspection
}

/// A self-inspection to open.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfInspectionCreate {
    /// The organization.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// The fiscal year: the present one or the one before.
    #[schema(minimum = 2000, maximum = 2100, example = 2027)]
    pub fiscal_year: i32,
}

/// How a duty is kept. The whole answer is replaced; what is absent is empty.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectionAnswerPut {
    /// How it is kept.
    pub answer: InspectionAnswer,
    /// Why it does not apply; needed then.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2000)]
    pub reason: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2000)]
    pub note: Option<String>,
    /// What will be done about it; needed when it is not met.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2000)]
    pub improvement: Option<String>,
    /// By when.
    #[serde(default)]
    #[schema(nullable = false)]
    pub improvement_due_on: Option<NaiveDate>,
    /// The evidence.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub evidence_id: Option<String>,
    /// The file that shows it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub file_id: Option<String>,
}

/// That a self-inspection is complete.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectionCompletionCreate {
    /// What the manager says about it.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2000)]
    pub note: Option<String>,
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SelfInspectionFilter {
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
