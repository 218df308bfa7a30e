//! What an engagement adds to an entry: the contractor, the legal form, its periods and candidates.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Instant;
use crate::domain::vocabulary::LegalForm;
use crate::entries::wire::{Entry, entry_requests};
use crate::external_ids::ExternalId;
use crate::http::error::ApiError;
use crate::http::page::page_of;

/// How the contractor is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProcurementMethod {
    /// Open bidding (一般競争入札).
    OpenBid,
    /// Designated bidding (指名競争入札).
    DesignatedBid,
    /// Negotiated contract (随意契約).
    Negotiated,
    /// Proposal (プロポーザル).
    Proposal,
    /// Another way.
    Other,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CandidateResult {
    /// Not decided.
    Pending,
    /// Chosen.
    Selected,
    /// Not chosen.
    NotSelected,
}

/// What a candidate's check sheet showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// Nobody has gone through it.
    #[default]
    Pending,
    /// It meets the requirements.
    Passed,
    /// It meets them once what the note says is done.
    Conditional,
    /// It does not.
    Failed,
}

/// A bidder under selection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The contractor.
    #[schema(format = Uuid, max_length = 36)]
    pub contractor_id: String,
    /// What became of it.
    pub result: CandidateResult,
    /// When that was decided.
    #[serde(default)]
    pub decided_on: Option<NaiveDate>,
    /// What the check sheet of security requirements (チェックシート) showed.
    #[serde(default)]
    pub check_result: CheckResult,
    /// When it was gone through.
    #[serde(default)]
    pub checked_on: Option<NaiveDate>,
    /// The file of the check sheet, of the same organization.
    #[serde(default)]
    #[schema(format = Uuid, max_length = 36)]
    pub check_sheet_file_id: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// A contract period (契約期間).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Period {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The engagement.
    #[schema(format = Uuid)]
    pub engagement_id: String,
    /// 1, 2, 3 … in the order of registration.
    pub sequence: i32,
    /// Contract number.
    #[schema(required)]
    pub contract_number: Option<String>,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Until when a renewal or an end must be announced.
    #[schema(required)]
    pub notice_deadline_on: Option<NaiveDate>,
    /// Amount in yen.
    #[schema(required, minimum = 0)]
    pub amount_jpy: Option<i64>,
    /// Goes on by itself.
    pub auto_renewal: bool,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// Keys in other systems.
    pub external_ids: Vec<ExternalId>,
    /// Version, as in the entity tag.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Instant,
}

page_of! {
    /// A page of periods.
    PeriodPage of Period
}

/// A new period.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodCreate {
    /// Contract number.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub contract_number: Option<String>,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Until when a renewal or an end must be announced.
    #[serde(default)]
    pub notice_deadline_on: Option<NaiveDate>,
    /// Amount in yen.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991i64)]
    pub amount_jpy: Option<i64>,
    /// Goes on by itself.
    #[serde(default)]
    pub auto_renewal: bool,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Keys in other systems.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub external_ids: Vec<ExternalId>,
}

/// A period as another system sends it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodPut {
    /// The engagement; needed when the period is new.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub engagement_id: Option<String>,
    /// Contract number.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub contract_number: Option<String>,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Until when a renewal or an end must be announced.
    #[serde(default)]
    pub notice_deadline_on: Option<NaiveDate>,
    /// Amount in yen.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991i64)]
    pub amount_jpy: Option<i64>,
    /// Goes on by itself.
    #[serde(default)]
    #[schema(nullable = false)]
    pub auto_renewal: Option<bool>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Keys in other systems, beside the one of the path.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub external_ids: Vec<ExternalId>,
}

impl PeriodPut {
    /// The engagement and the new period of it.
    pub(super) fn split(self) -> Result<(String, PeriodCreate), ApiError> {
        let engagement_id = self.engagement_id.ok_or_else(|| {
            ApiError::field(
                "/engagement_id",
                "required",
                "新しい契約期間には業務委託のIDを入れてください。",
                "A new period needs its engagement.",
            )
        })?;
        let new = PeriodCreate {
            contract_number: self.contract_number,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            notice_deadline_on: self.notice_deadline_on,
            amount_jpy: self.amount_jpy,
            auto_renewal: self.auto_renewal.unwrap_or_default(),
            note: self.note,
            external_ids: self.external_ids,
        };
        Ok((engagement_id, new))
    }
}

/// A change of a period.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodPatch {
    /// Contract number.
    #[schema(max_length = 100)]
    pub contract_number: Option<String>,
    /// First day.
    #[schema(nullable = false)]
    pub starts_on: Option<NaiveDate>,
    /// Last day.
    #[schema(nullable = false)]
    pub ends_on: Option<NaiveDate>,
    /// Until when a renewal or an end must be announced.
    pub notice_deadline_on: Option<NaiveDate>,
    /// Amount in yen.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991i64)]
    pub amount_jpy: Option<i64>,
    /// Goes on by itself.
    #[schema(nullable = false)]
    pub auto_renewal: Option<bool>,
    /// Note.
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Keys in other systems, replaced whole.
    #[schema(nullable = false, max_items = 20)]
    pub external_ids: Option<Vec<ExternalId>>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<std::collections::BTreeSet<String>>,
}

impl crate::http::body::Clearable for PeriodPatch {
    const CLEARABLE: &'static [&'static str] = &["contract_number", "notice_deadline_on", "amount_jpy", "note"];
}

/// An engagement (業務委託): the entry, its contractor and its periods.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Engagement {
    /// What every entry has.
    #[serde(flatten)]
    pub entry: Entry,
    /// The contractor, once one is selected.
    #[schema(required, format = Uuid)]
    pub contractor_id: Option<String>,
    /// Legal form.
    pub legal_form: LegalForm,
    /// How the contractor is found.
    #[schema(required)]
    pub procurement_method: Option<ProcurementMethod>,
    /// The period that runs, or the nearest one.
    #[schema(required)]
    pub current_period: Option<Period>,
    /// When the list of subcontractors was last gone through.
    #[schema(required)]
    pub subcontract_list_confirmed_on: Option<NaiveDate>,
    /// Bidders.
    pub candidates: Vec<Candidate>,
}

page_of! {
    /// A page of engagements.
    EngagementPage of Engagement
}

entry_requests! {
    /// A new engagement.
    create EngagementCreate {
        /// The contractor, once one is selected.
        #[serde(default)]
        #[schema(format = Uuid, max_length = 36)]
        contractor_id: Option<String>,
        /// Legal form; `contract` without it.
        #[serde(default)]
        #[schema(nullable = false)]
        legal_form: Option<LegalForm>,
        /// How the contractor is found.
        #[serde(default)]
        procurement_method: Option<ProcurementMethod>,
        /// The first period; needed when the work is already contracted.
        #[serde(default)]
        period: Option<PeriodCreate>,
        /// Bidders.
        #[serde(default)]
        #[schema(max_items = 100)]
        candidates: Vec<Candidate>,
    }
    /// A change of an engagement; its status changes by transitions, its periods at their own path.
    patch EngagementPatch clears ["contractor_id", "procurement_method"] {
        /// The contractor.
        #[schema(format = Uuid, max_length = 36)]
        contractor_id: Option<String>,
        /// Legal form.
        #[schema(nullable = false)]
        legal_form: Option<LegalForm>,
        /// How the contractor is found.
        procurement_method: Option<ProcurementMethod>,
        /// Bidders, replaced whole.
        #[schema(nullable = false, max_items = 100)]
        candidates: Option<Vec<Candidate>>,
    }
}
