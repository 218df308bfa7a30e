//! Questions and answers of the what-if operations. The assessment and the reminder plan are the domain's own types.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::domain::calendar::{ClosedDay, Day};
use crate::domain::catalogue::{Gate, Op};
use crate::domain::facts::{FactName, FactValue, Facts, Note};
use crate::domain::requirement::{Reason, Requirement};
use crate::domain::risk::ClauseInput;
use crate::domain::vocabulary::{CodeWord, FulfilmentStatus, Kind, ObligationKind, Phase, RequirementLevel, Severity};
use crate::http::error::Lang;

/// The phases of a living entry: [`Phase::None`] needs no clause and has no risk.
fn living_phase() -> RefOr<Schema> {
    let words = Phase::ALL
        .iter()
        .filter(|phase| **phase != Phase::None)
        .map(|phase| phase.code());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .description(Some("Where in its life it stands."))
        .into()
}

/// What would the risk be?
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskEvaluationRequest {
    /// The kind of entry.
    pub kind: Kind,
    /// Where in its life it stands.
    #[schema(schema_with = living_phase)]
    pub phase: Phase,
    /// What is known about it.
    pub facts: Facts,
    /// How far its clauses are fulfilled, each clause at most once.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub fulfilments: Vec<ClauseInput>,
    /// The status of every applicable clause that is not listed; `missing` without it.
    #[schema(nullable = false)]
    pub default_status: Option<FulfilmentStatus>,
    /// Nobody holds the ownership.
    #[serde(default)]
    pub owner_missing: bool,
    /// A major incident is open.
    #[serde(default)]
    pub open_major_incident: bool,
    /// With the defaults of this organization's policy profile; without it a missing fact counts at its worst.
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub organization_id: Option<String>,
    /// The day of the assessment; today without it.
    #[schema(nullable = false)]
    pub as_of_on: Option<NaiveDate>,
}

/// Which clauses would be needed?
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClausePlanRequest {
    /// The kind of entry.
    pub kind: Kind,
    /// Where in its life it stands.
    #[schema(schema_with = living_phase)]
    pub phase: Phase,
    /// What is known about it.
    pub facts: Facts,
    /// With the defaults of this organization's policy profile; without it a missing fact counts at its worst.
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub organization_id: Option<String>,
    /// The day of the question; today without it.
    #[schema(nullable = false)]
    pub as_of_on: Option<NaiveDate>,
    /// Registers the annex as a clause template of `organization_id`, which must be given then.
    #[schema(nullable = false)]
    pub register_as: Option<AnnexRegistration>,
}

/// How an annex is registered.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnexRegistration {
    /// Name of the clause template; the annex's title without it.
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Its edition; once per name.
    #[schema(max_length = 100, example = "令和9年4月版")]
    pub edition: String,
    /// The first day on which a contract can take it.
    pub valid_from_on: NaiveDate,
    /// The last such day.
    #[schema(nullable = false)]
    pub valid_to_on: Option<NaiveDate>,
    /// Note.
    #[schema(nullable = false, max_length = 4000)]
    pub note: Option<String>,
}

/// The clauses that are needed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClausePlan {
    /// The clauses, by number.
    pub requirements: Vec<PlannedClause>,
    /// What was taken for granted.
    pub notes: Vec<Note>,
    /// The clause template that was registered.
    #[schema(required, format = Uuid)]
    pub clause_template_id: Option<String>,
}

/// A clause that is needed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlannedClause {
    /// The clause.
    pub clause_key: String,
    /// Title, in the language of the request.
    pub title: String,
    /// What is required, in the language of the request.
    pub requirement: String,
    /// Mandatory or recommended, on the day of the question.
    pub requirement_level: RequirementLevel,
    /// What its absence does.
    pub severity: Severity,
    /// Its weight in the coverage.
    #[schema(minimum = 1, maximum = 5)]
    pub weight: u32,
    /// Why it is needed; at least one.
    pub reasons: Vec<PlannedReason>,
    /// The transitions of this kind of entry that wait for it.
    pub gates: Vec<Gate>,
    /// The kinds of evidence that show it.
    pub evidence: Vec<String>,
    /// Months after which it is confirmed again, at the latest.
    pub reverify_months: u32,
}

/// One reason why a clause is needed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlannedReason {
    /// The fact that calls for it; null when every entry of the kind needs the clause.
    #[schema(required)]
    pub fact: Option<FactName>,
    /// How the fact is compared.
    #[schema(required)]
    pub op: Option<Op>,
    /// With what it is compared.
    #[schema(required)]
    pub value: Option<FactValue>,
    /// What is given, or the profile's default; null when it is not known, which counts as fulfilling the condition.
    #[schema(required)]
    pub actual: Option<FactValue>,
    /// The reason for people, in the language of the request.
    pub message: String,
}

impl PlannedClause {
    pub(super) fn of(requirement: &Requirement<'_>, kind: Kind, lang: Lang) -> Self {
        let Requirement { clause, level, reasons } = requirement;
        Self {
            clause_key: clause.key.clone(),
            title: lang.pick(&clause.title_ja, &clause.title_en).clone(),
            requirement: lang.pick(&clause.requirement_ja, &clause.requirement_en).clone(),
            requirement_level: *level,
            severity: clause.severity,
            weight: clause.weight,
            reasons: reasons.iter().map(|reason| PlannedReason::of(reason, lang)).collect(),
            gates: clause.gates.get(&kind).cloned().unwrap_or_default(),
            evidence: clause.evidence.clone(),
            reverify_months: clause.reverify_months,
        }
    }
}

impl PlannedReason {
    fn of(reason: &Reason, lang: Lang) -> Self {
        Self {
            fact: reason.fact,
            op: reason.op,
            value: reason.value.clone(),
            actual: reason.actual.clone(),
            message: lang.pick(&reason.message, &reason.message_en).clone(),
        }
    }
}

/// When would mail be sent about a due date?
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReminderPlanRequest {
    /// The due date, in the years 2007 to 2099.
    pub due_on: NaiveDate,
    /// What it is about.
    pub obligation: ObligationKind,
    /// No stage is sent before this day.
    #[schema(nullable = false)]
    pub starts_on: Option<NaiveDate>,
    /// Months from the due date before to this one: no stage of a re-verification reaches back more than a third.
    #[schema(nullable = false, minimum = 1, maximum = 120)]
    pub cycle_months: Option<i32>,
    /// Closed days beside weekends, holidays, the year end and the organization's own.
    #[serde(default)]
    #[schema(value_type = Vec<ClosedDay>, max_items = 400)]
    pub extra_closed_days: Vec<String>,
    /// With the closed days of this organization.
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub organization_id: Option<String>,
    /// A clause of critical severity on an entry of tier 1: each escalation step reaches one level higher.
    #[serde(default)]
    pub severe: bool,
}

/// A report on days.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BusinessDays {
    /// Every day of the time asked for.
    pub items: Vec<Day>,
}
