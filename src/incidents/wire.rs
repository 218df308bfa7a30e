//! What an incident looks like on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::incident::{IncidentKind, IncidentState, ReportKind};
use crate::domain::vocabulary::Severity;
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// An incident. What happened is read here and never mailed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Incident {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// What happened.
    pub kind: IncidentKind,
    /// How bad it is; major and critical hold the risk of the entries up until it is closed.
    pub severity: Severity,
    /// Where it stands.
    pub state: IncidentState,
    /// In a few words.
    pub title: String,
    /// What is known.
    #[schema(required)]
    pub description: Option<String>,
    /// The entries concerned; the owner of the first one is asked for the reports.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub entry_ids: Vec<String>,
    /// When it happened, as far as known.
    #[schema(required)]
    pub occurred_at: Option<Instant>,
    /// When it became known here.
    pub noticed_at: Instant,
    /// When it became known to the contractor.
    #[schema(required)]
    pub contractor_noticed_on: Option<NaiveDate>,
    /// Personal information that may have been leaked, lost or damaged; null: none.
    #[schema(required)]
    pub breach: Option<BreachWire>,
    /// The reports that the law asks for.
    pub reports: Vec<IncidentReport>,
    /// When it was contained.
    #[schema(required)]
    pub contained_on: Option<NaiveDate>,
    /// Its end, once it is closed.
    #[schema(required)]
    pub closure: Option<IncidentClosure>,
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

/// What is known of the personal information concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Breach)]
pub struct BreachWire {
    /// How many persons; null: unknown, which counts as many.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub affected_persons: Option<i32>,
    /// Information that needs special care (要配慮個人情報).
    #[serde(default)]
    pub sensitive_information: bool,
    /// Persons may lose money by it.
    #[serde(default)]
    pub financial_damage: bool,
    /// Somebody meant harm: the final report has 60 days instead of 30.
    #[serde(default)]
    pub malicious: bool,
}

/// A report that the law asks for, with its clock.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentReport {
    /// Which one.
    pub kind: ReportKind,
    /// When it should be there, where the rule names a span of days.
    #[schema(required)]
    pub target_on: Option<NaiveDate>,
    /// When it must be there.
    pub due_on: NaiveDate,
    /// When it was made; null: not yet.
    #[schema(required)]
    pub reported_on: Option<NaiveDate>,
    /// Under which number it was received.
    #[schema(required)]
    pub reference: Option<String>,
}

/// The end of an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentClosure {
    /// When.
    pub closed_on: NaiveDate,
    /// By whom.
    #[schema(format = Uuid)]
    pub closed_by_person_id: String,
    /// What caused it.
    pub cause: String,
    /// What keeps it from happening again.
    pub prevention: String,
}

page_of! {
    /// A page of incidents.
    IncidentPage of Incident
}

/// An event of an incident's timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentEvent {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// When it happened.
    pub happened_at: Instant,
    /// What.
    pub text: String,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
}

page_of! {
    /// A page of events.
    IncidentEventPage of IncidentEvent
}

/// An incident as it is reported.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentCreate {
    /// The entries concerned, of one organization, the most concerned first.
    #[schema(value_type = Vec<uuid::Uuid>, min_items = 1, max_items = 50)]
    pub entry_ids: Vec<String>,
    /// What happened.
    pub kind: IncidentKind,
    /// How bad it is.
    pub severity: Severity,
    /// In a few words.
    #[schema(max_length = 200, example = "委託先での帳票の誤送付")]
    pub title: String,
    /// What is known.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    pub description: Option<String>,
    /// When it happened, as far as known.
    #[serde(default)]
    #[schema(nullable = false)]
    pub occurred_at: Option<Instant>,
    /// When it became known here; now without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub noticed_at: Option<Instant>,
    /// When it became known to the contractor.
    #[serde(default)]
    #[schema(nullable = false)]
    pub contractor_noticed_on: Option<NaiveDate>,
    /// Personal information that may have been leaked, lost or damaged.
    #[serde(default)]
    #[schema(nullable = false)]
    pub breach: Option<BreachWire>,
}

/// How far an incident is while it is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentProgress {
    /// It goes on.
    Open,
    /// It does not spread any more.
    Contained,
}

/// A change of an incident that is not closed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentPatch {
    /// The entries concerned.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, nullable = false, min_items = 1, max_items = 50)]
    pub entry_ids: Option<Vec<String>>,
    /// What happened.
    #[schema(nullable = false)]
    pub kind: Option<IncidentKind>,
    /// How bad it is.
    #[schema(nullable = false)]
    pub severity: Option<Severity>,
    /// How far it is.
    #[schema(nullable = false)]
    pub state: Option<IncidentProgress>,
    /// In a few words.
    #[schema(nullable = false, max_length = 200)]
    pub title: Option<String>,
    /// What is known.
    #[schema(max_length = 4000)]
    pub description: Option<String>,
    /// When it happened.
    pub occurred_at: Option<Instant>,
    /// When it became known here.
    #[schema(nullable = false)]
    pub noticed_at: Option<Instant>,
    /// When it became known to the contractor.
    pub contractor_noticed_on: Option<NaiveDate>,
    /// Personal information concerned; the whole of it is replaced.
    pub breach: Option<BreachWire>,
    /// Fields to clear, for `application/json`.
    #[schema(max_items = 4)]
    pub clear: Vec<String>,
}

impl Clearable for IncidentPatch {
    const CLEARABLE: &'static [&'static str] = &["description", "occurred_at", "contractor_noticed_on", "breach"];
}

/// An event of the timeline.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentEventCreate {
    /// When it happened; now without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub happened_at: Option<Instant>,
    /// What.
    #[schema(max_length = 4000)]
    pub text: String,
}

/// A report that was made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentReportCreate {
    /// Which one.
    pub kind: ReportKind,
    /// When; today without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub reported_on: Option<NaiveDate>,
    /// Under which number it was received.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100)]
    pub reference: Option<String>,
}

/// The end of an incident.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentClosureCreate {
    /// What caused it.
    #[schema(max_length = 4000)]
    pub cause: String,
    /// What keeps it from happening again.
    #[schema(max_length = 4000)]
    pub prevention: String,
    /// Policy documents of the organization that the cause calls to review; each shows it until a review closes it.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>, max_items = 20)]
    pub policy_document_ids: Vec<String>,
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IncidentFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// That concern this entry.
    #[param(nullable = false, format = Uuid)]
    pub entry_id: Option<String>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub organization_id: Option<String>,
    /// Of this kind.
    #[param(nullable = false)]
    pub kind: Option<IncidentKind>,
    /// In this state.
    #[param(nullable = false)]
    pub state: Option<IncidentState>,
}

/// Where to read on in the timeline.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IncidentEventFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}
