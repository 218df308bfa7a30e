//! Gate checks on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::facts::Facts;
use crate::domain::gate::{EnforcementMode, ErpFlags, GateAction, GateDecision, GateReason};
use crate::domain::vocabulary::{Kind, Level};
use crate::external_ids::ExternalId;
use crate::http::error::Problem;
use crate::http::page::page_of;

/// A question: one subject, and what is to be done with it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCheckCreate {
    /// What is about to be done.
    pub action: GateAction,
    /// The subject: this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub entry_id: Option<String>,
    /// The subject: the entry that another system knows by this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entry_external_id: Option<ExternalId>,
    /// The subject: the engagement of this contract period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub engagement_period_id: Option<String>,
    /// The subject: this contractor, for work that is not registered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub contractor_id: Option<String>,
    /// The subject: the contractor with this corporate number (法人番号).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 13, example = "5835678256246")]
    pub corporate_number: Option<String>,
    /// The subject: the contractor that another system knows by this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contractor_external_id: Option<ExternalId>,
    /// With an entry: ask about this company in place of its contractor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub candidate: Option<GateCandidate>,
    /// With a contractor: what the work will be, to learn which clauses it will need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub planned: Option<PlannedWork>,
    /// The day, today or later; today without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub as_of_on: Option<NaiveDate>,
    /// For a payment: when the proper invoice came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invoice_received_on: Option<NaiveDate>,
    /// The document in the other system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reference: Option<ExternalId>,
    /// Who asks there, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200, example = "契約課 担当")]
    pub on_behalf_of: Option<String>,
    /// Sign the answer, so that it can be filed with the contract and verified offline.
    #[serde(default)]
    pub sign: bool,
}

impl GateCheckCreate {
    /// The bare question about an entry.
    pub(super) fn of_entry(action: GateAction, entry_id: &str) -> Self {
        Self {
            action,
            entry_id: Some(entry_id.to_owned()),
            entry_external_id: None,
            engagement_period_id: None,
            contractor_id: None,
            corporate_number: None,
            contractor_external_id: None,
            candidate: None,
            planned: None,
            as_of_on: None,
            invoice_received_on: None,
            reference: None,
            on_behalf_of: None,
            sign: false,
        }
    }
}

/// A company; exactly one of the three.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCandidate {
    /// This one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub contractor_id: Option<String>,
    /// The one with this corporate number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 13)]
    pub corporate_number: Option<String>,
    /// The one that another system knows by this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contractor_external_id: Option<ExternalId>,
}

impl GateCandidate {
    /// How many of the three are given.
    pub(super) fn given(&self) -> usize {
        [
            self.contractor_id.is_some(),
            self.corporate_number.is_some(),
            self.contractor_external_id.is_some(),
        ]
        .into_iter()
        .filter(|given| *given)
        .count()
    }
}

/// Work that is planned.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedWork {
    /// The kind of entry that it will be.
    pub kind: Kind,
    /// The organization whose policy will apply.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// What is known about it.
    pub facts: Facts,
}

/// The answer; it is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateCheck {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What was asked about.
    pub action: GateAction,
    /// The answer.
    pub decision: GateDecision,
    /// What the organization makes of it.
    pub enforced_decision: GateDecision,
    /// How it is enforced: shipped, answers are only observed.
    pub enforcement_mode: EnforcementMode,
    /// The organization whose policy was applied; null where only a company was asked about.
    #[schema(required, format = Uuid)]
    pub organization_id: Option<String>,
    /// The entry.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The contract period that was current.
    #[schema(required, format = Uuid)]
    pub engagement_period_id: Option<String>,
    /// The contractor.
    #[schema(required, format = Uuid)]
    pub contractor_id: Option<String>,
    /// The day.
    pub as_of_on: NaiveDate,
    /// When it was evaluated.
    pub evaluated_at: Instant,
    /// Until when it can be relied on: the end of the day.
    pub valid_until: Instant,
    /// Why, the heaviest first.
    pub reasons: Vec<GateReason>,
    /// What the contract must say, for planned work: the clauses that its conclusion will wait for.
    pub conditions: Vec<GateCondition>,
    /// The risk of the entry on the day.
    #[schema(required)]
    pub risk: Option<GateRisk>,
    /// The same in the words of ERPNext and Odoo.
    pub erp: ErpFlags,
    /// Version of the risk model.
    pub risk_policy_version: String,
    /// Version of the clause catalogue.
    pub catalogue_version: String,
    /// The organization's policy version.
    #[schema(required, format = Uuid)]
    pub policy_version_id: Option<String>,
    /// The document in the other system.
    #[schema(required)]
    pub reference: Option<ExternalId>,
    /// Who asked there.
    #[schema(required)]
    pub on_behalf_of: Option<String>,
    /// The detached signature (RFC 7515 appendix F, ES256) over this object without it, its members sorted; null unless
    /// it was asked for.
    #[schema(required)]
    pub jws: Option<String>,
}

/// A clause that planned work will need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateCondition {
    /// The clause.
    pub clause_key: String,
    /// Its title in Japanese.
    pub title: String,
    /// Its title in English.
    pub title_en: String,
}

/// The risk of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateRisk {
    /// The residual level.
    pub residual_level: Level,
    /// The residual score in hundredths.
    #[schema(minimum = 0, maximum = 10000)]
    pub residual_score_x100: u32,
}

page_of! {
    /// A page of gate checks.
    GateCheckPage of GateCheck
}

/// Several questions.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCheckBatchCreate {
    /// The questions.
    #[schema(min_items = 1, max_items = 500)]
    pub checks: Vec<GateCheckCreate>,
}

/// The answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GateCheckBatch {
    /// One for each question, in their order.
    pub items: Vec<GateCheckResult>,
}

/// One answer of several.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GateCheckResult {
    /// The place of the question in the request, from 0.
    pub index: usize,
    /// The status that it would have been answered with alone.
    #[schema(minimum = 200, maximum = 599, example = 200)]
    pub status: u16,
    /// The answer; null where there is none.
    #[schema(required)]
    pub check: Option<GateCheck>,
    /// What is wrong with the question; null where it was answered.
    #[schema(required)]
    pub problem: Option<Problem>,
}

/// Filters of the list.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GateCheckFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// About this entry.
    #[param(nullable = false, format = Uuid)]
    pub entry_id: Option<String>,
    /// About this contractor.
    #[param(nullable = false, format = Uuid)]
    pub contractor_id: Option<String>,
    /// With this action.
    #[param(nullable = false, inline)]
    pub action: Option<GateAction>,
    /// With this answer.
    #[param(nullable = false, inline)]
    pub decision: Option<GateDecision>,
}

/// What an action means for a kind of entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GateActionRule {
    /// The action.
    pub action: GateAction,
    /// The kind of entry.
    pub kind: Kind,
    /// The transition that it is about; null where none is.
    #[schema(required)]
    pub transition: Option<String>,
    /// The clauses of the catalogue that guard it.
    pub clauses: Vec<String>,
    /// How it is enforced unless an organization decides otherwise.
    pub default_mode: EnforcementMode,
}

/// The published table of the gate.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GateActions {
    /// One line for each action and kind that go together.
    pub rules: Vec<GateActionRule>,
}

/// What an organization makes of the answers to an action, from a day on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GateEnforcement {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The action.
    pub action: GateAction,
    /// What is made of it.
    pub mode: EnforcementMode,
    /// The first day.
    pub valid_from_on: NaiveDate,
    /// Why.
    pub reason: String,
    /// Who decided it.
    #[schema(format = Uuid)]
    pub decided_by_person_id: String,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
}

page_of! {
    /// A page of enforcements.
    GateEnforcementPage of GateEnforcement
}

/// A decision about enforcement.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateEnforcementCreate {
    /// The action.
    pub action: GateAction,
    /// What is made of it.
    pub mode: EnforcementMode,
    /// The first day, today or later.
    pub valid_from_on: NaiveDate,
    /// Why.
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// Where to read on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GateEnforcementFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}
