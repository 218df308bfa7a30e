//! Subcontracts on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::subcontract::SubcontractState;
use crate::http::page::page_of;

/// A subcontract (再委託) in the chain below an engagement's contractor.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Subcontract {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization of the engagement.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The engagement.
    #[schema(format = Uuid)]
    pub engagement_id: String,
    /// The subcontract above; null directly under the contractor.
    #[schema(required, format = Uuid)]
    pub parent_subcontract_id: Option<String>,
    /// 1 directly under the contractor, 2 below that (再々委託) …
    #[schema(minimum = 1)]
    pub tier: i32,
    /// The subcontractor.
    #[schema(format = Uuid)]
    pub contractor_id: String,
    /// What is handed on.
    pub work: String,
    /// Personal information goes with it.
    pub handles_personal_information: bool,
    /// My Number goes with it: 番号法10条 applies.
    pub handles_specific_personal_information: bool,
    /// Amount in yen.
    #[schema(required, minimum = 0)]
    pub amount_jpy: Option<i64>,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Where it stands.
    pub state: SubcontractState,
    /// Whether it is permitted today.
    pub permitted: bool,
    /// When it was applied for.
    pub requested_on: NaiveDate,
    /// The decision; null while there is none.
    #[schema(required)]
    pub decision: Option<SubcontractDecision>,
    /// When the work under it ended.
    #[schema(required)]
    pub ended_on: Option<NaiveDate>,
    /// Why.
    #[schema(required)]
    pub end_reason: Option<String>,
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

/// What was decided about a subcontract.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubcontractDecision {
    /// When.
    pub decided_on: NaiveDate,
    /// By whom; null when a decision taken elsewhere names nobody of the directory.
    #[schema(required, format = Uuid)]
    pub decided_by_person_id: Option<String>,
    /// Who decided elsewhere, as the document names them.
    #[schema(required)]
    pub decided_by: Option<String>,
    /// Number of the document.
    #[schema(required)]
    pub document_number: Option<String>,
    /// The clauses of the contract were seen in the subcontract.
    pub flow_down_confirmed: bool,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
}

page_of! {
    /// A page of subcontracts.
    SubcontractPage of Subcontract
}

/// An application to subcontract.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubcontractCreate {
    /// The engagement.
    #[schema(format = Uuid, max_length = 36)]
    pub engagement_id: String,
    /// The subcontract above, of the same engagement; absent directly under the contractor.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub parent_subcontract_id: Option<String>,
    /// The subcontractor.
    #[schema(format = Uuid, max_length = 36)]
    pub contractor_id: String,
    /// What is handed on.
    #[schema(max_length = 1000, example = "データ入力作業の一部")]
    pub work: String,
    /// Personal information goes with it.
    pub handles_personal_information: bool,
    /// My Number goes with it.
    pub handles_specific_personal_information: bool,
    /// Amount in yen.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991i64)]
    pub amount_jpy: Option<i64>,
    /// First day.
    #[schema(example = "2027-04-01")]
    pub starts_on: NaiveDate,
    /// Last day; not after the one above ends.
    #[schema(example = "2027-09-30")]
    pub ends_on: NaiveDate,
    /// When it was applied for; today without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub requested_on: Option<NaiveDate>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// A change of a subcontract: everything while it is applied for, afterwards only amount and note.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubcontractPatch {
    /// What is handed on.
    #[schema(nullable = false, max_length = 1000)]
    pub work: Option<String>,
    /// Personal information goes with it.
    #[schema(nullable = false)]
    pub handles_personal_information: Option<bool>,
    /// My Number goes with it.
    #[schema(nullable = false)]
    pub handles_specific_personal_information: Option<bool>,
    /// Amount in yen.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991i64)]
    pub amount_jpy: Option<i64>,
    /// First day.
    #[schema(nullable = false)]
    pub starts_on: Option<NaiveDate>,
    /// Last day.
    #[schema(nullable = false)]
    pub ends_on: Option<NaiveDate>,
    /// Note.
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 10)]
    pub clear: Option<std::collections::BTreeSet<String>>,
}

impl crate::http::body::Clearable for SubcontractPatch {
    const CLEARABLE: &'static [&'static str] = &["amount_jpy", "note"];
}

impl SubcontractPatch {
    /// Touches what was decided about.
    pub(super) const fn changes_the_application(&self) -> bool {
        self.work.is_some()
            || self.handles_personal_information.is_some()
            || self.handles_specific_personal_information.is_some()
            || self.starts_on.is_some()
            || self.ends_on.is_some()
    }
}

/// What is decided about an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubcontractDecisionWord {
    /// It is permitted until its last day.
    Approve,
    /// It is not.
    Reject,
}

/// A decision about a subcontract.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubcontractDecisionCreate {
    /// What is decided.
    pub decision: SubcontractDecisionWord,
    /// The clauses of the contract were seen in the subcontract; an approval needs it.
    #[serde(default)]
    pub flow_down_confirmed: bool,
    /// Number of the document; an approval with My Number needs it.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100)]
    pub document_number: Option<String>,
    /// Who decided elsewhere (電子決裁), post or name; without it the acting person decides.
    #[serde(default)]
    #[schema(nullable = false, max_length = 200)]
    pub decided_by: Option<String>,
    /// When it was decided; today without it, and before today only for a decision taken elsewhere.
    #[serde(default)]
    #[schema(nullable = false)]
    pub decided_on: Option<NaiveDate>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// The end of the work under a subcontract.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubcontractEndingCreate {
    /// The last day of the work.
    #[schema(example = "2027-04-01")]
    pub ended_on: NaiveDate,
    /// Why, and how the information came back.
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// That the list of subcontractors was gone through.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubcontractListConfirmationCreate {
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// When the list of subcontractors of an engagement was last gone through.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubcontractListConfirmation {
    /// The engagement.
    #[schema(format = Uuid)]
    pub engagement_id: String,
    /// When.
    pub confirmed_on: NaiveDate,
    /// By whom.
    #[schema(format = Uuid)]
    pub person_id: String,
    /// How many subcontracts are at work.
    #[schema(minimum = 0)]
    pub at_work: usize,
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SubcontractFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Under this engagement.
    #[param(nullable = false, format = Uuid)]
    pub engagement_id: Option<String>,
    /// With this subcontractor.
    #[param(nullable = false, format = Uuid)]
    pub contractor_id: Option<String>,
    /// Of this tier.
    #[param(nullable = false, minimum = 1)]
    pub tier: Option<i32>,
    /// In this state.
    #[param(nullable = false)]
    pub state: Option<SubcontractState>,
}
