//! What a measure under the contract looks like on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::measure::MeasureKind;
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// A measure under the contract (契約に基づく措置).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractMeasure {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The engagement.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// The contract period that it rests on.
    #[schema(required, format = Uuid)]
    pub period_id: Option<String>,
    /// What is done.
    pub kind: MeasureKind,
    /// The article of the contract.
    pub contract_article: String,
    /// Why.
    pub reason: String,
    /// When the contractor was told.
    pub notice_on: NaiveDate,
    /// Number of the notice.
    pub document_number: String,
    /// Who decided it.
    #[schema(format = Uuid)]
    pub decided_by_person_id: String,
    /// The corrective action that caused it.
    #[schema(required, format = Uuid)]
    pub corrective_action_id: Option<String>,
    /// The incident that caused it.
    #[schema(required, format = Uuid)]
    pub incident_id: Option<String>,
    /// The verification that caused it.
    #[schema(required, format = Uuid)]
    pub verification_id: Option<String>,
    /// Until when the contractor has to answer.
    #[schema(required)]
    pub answer_due_on: Option<NaiveDate>,
    /// The answer, once it is there.
    #[schema(required)]
    pub answer: Option<MeasureAnswer>,
    /// What came of it.
    #[schema(required)]
    pub result: Option<String>,
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
}

/// What the contractor answered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureAnswer {
    /// When.
    pub answered_on: NaiveDate,
    /// What.
    #[schema(max_length = 4000)]
    pub text: String,
}

page_of! {
    /// A page of measures.
    ContractMeasurePage of ContractMeasure
}

/// A measure, decided by the acting person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractMeasureCreate {
    /// The engagement.
    #[schema(format = Uuid, max_length = 36)]
    pub entry_id: String,
    /// The contract period that it rests on; the current one without it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub period_id: Option<String>,
    /// What is done.
    pub kind: MeasureKind,
    /// The article of the contract.
    #[schema(max_length = 200, example = "第12条第2項")]
    pub contract_article: String,
    /// Why.
    #[schema(max_length = 4000)]
    pub reason: String,
    /// When the contractor was told.
    pub notice_on: NaiveDate,
    /// Number of the notice.
    #[schema(max_length = 100, example = "本情第45号")]
    pub document_number: String,
    /// The corrective action that caused it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub corrective_action_id: Option<String>,
    /// The incident that caused it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub incident_id: Option<String>,
    /// The verification that caused it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub verification_id: Option<String>,
    /// Until when the contractor has to answer.
    #[serde(default)]
    #[schema(nullable = false)]
    pub answer_due_on: Option<NaiveDate>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    pub note: Option<String>,
}

/// What came of a measure.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContractMeasurePatch {
    /// Until when the contractor has to answer.
    pub answer_due_on: Option<NaiveDate>,
    /// What the contractor answered; it can be corrected, not taken back.
    #[schema(nullable = false)]
    pub answer: Option<MeasureAnswer>,
    /// What came of it.
    #[schema(max_length = 4000)]
    pub result: Option<String>,
    /// Note.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// Fields to clear, for `application/json`.
    #[schema(max_items = 3)]
    pub clear: Vec<String>,
}

impl Clearable for ContractMeasurePatch {
    const CLEARABLE: &'static [&'static str] = &["answer_due_on", "result", "note"];
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContractMeasureFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// On this engagement.
    #[param(nullable = false, format = Uuid)]
    pub entry_id: Option<String>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// Of this kind.
    #[param(nullable = false)]
    pub kind: Option<MeasureKind>,
}
