//! What the gate looks at: a contractor with the companies above it, and an entry, each on a day. Stored with every answer.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::lifecycle::Unmet;
use super::super::vocabulary::{Kind, Level, Status};
use super::{GateAction, Step};

/// A contractor, or a company above it, on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractorState {
    /// Which one.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Not to be chosen for now.
    pub suspended: bool,
    /// Excluded from bidding since then.
    pub debarred_from_on: Option<NaiveDate>,
    /// Put away.
    pub archived: bool,
    /// Its corporate number is recorded.
    pub identified: bool,
}

/// An exception in effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionState {
    /// Which one.
    pub id: String,
    /// The clause.
    pub clause_key: String,
    /// Its last day.
    pub expires_on: NaiveDate,
}

/// A measure by which payment is withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withholding {
    /// The article of the contract.
    pub contract_article: String,
    /// Number of the notice.
    pub document_number: String,
    /// When the contractor was told.
    pub notice_on: NaiveDate,
}

/// What a transition lacks, as far as the gate looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// The code of what is unmet.
    pub code: String,
    /// The condition or fact.
    pub item: Option<String>,
    /// The clause.
    pub clause_key: Option<String>,
    /// For people, in Japanese.
    pub message: String,
    /// For people, in English.
    pub message_en: String,
}

impl Lack {
    /// What of a transition's lacks another system has to wait for: not what only the person who takes it supplies.
    pub fn of(unmet: &[Unmet]) -> Vec<Self> {
        unmet
            .iter()
            .filter(|one| !one.in_request && !matches!(one.code, "self_approval_forbidden" | "role_required"))
            // The contractor is looked at by itself, its companies above included.
            .filter(|one| !matches!(one.item.as_deref(), Some("not_debarred" | "contractor_set")))
            .map(|one| Self {
                code: one.code.to_owned(),
                item: one.item.clone(),
                clause_key: one.clause_key.clone(),
                message: one.message.clone(),
                message_en: one.message_en.clone(),
            })
            .collect()
    }
}

/// An entry on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is wrong with it or not, each by itself"
)]
pub struct EntryState {
    /// Which one.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Put away.
    pub archived: bool,
    /// Where it stands before the transition of the action.
    pub step: Step,
    /// What that transition lacks.
    pub lacks: Vec<Lack>,
    /// Exceptions in effect on clauses that guard that transition.
    pub exceptions: Vec<ExceptionState>,
    /// Its residual risk on that day.
    pub residual_level: Level,
    /// The score, in hundredths.
    pub residual_score_x100: u32,
    /// Nobody is responsible.
    pub owner_missing: bool,
    /// An incident is open.
    pub incident_open: bool,
    /// One that holds the level up.
    pub major_incident_open: bool,
    /// The earliest corrective action that is late.
    pub corrective_action_late_since: Option<NaiveDate>,
    /// The round of confirmation that is late.
    pub verification_late_since: Option<NaiveDate>,
    /// The approval of a cloud service that has lapsed.
    pub approval_lapsed_on: Option<NaiveDate>,
    /// The last day of the contract.
    pub contract_ends_on: Option<NaiveDate>,
    /// Subcontracts at work without a permission.
    pub unpermitted_subcontracts: bool,
    /// Payment is withheld by these.
    pub withholdings: Vec<Withholding>,
}

/// Everything an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateInput {
    /// What is to be done.
    pub action: GateAction,
    /// The day.
    pub as_of_on: NaiveDate,
    /// The contractor, then the companies above it; empty where none is concerned.
    pub contractors: Vec<ContractorState>,
    /// Somebody was named who is not registered.
    pub contractor_unknown: bool,
    /// The entry.
    pub entry: Option<EntryState>,
    /// When a proper invoice came in.
    pub invoice_received_on: Option<NaiveDate>,
}
