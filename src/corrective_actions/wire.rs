//! What a corrective action looks like on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::corrective_action::{CorrectiveActionOrigin, CorrectiveActionState};
use crate::entries::wire::Holder;
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// A corrective action (是正措置).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CorrectiveAction {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry; null when it is about none.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The clause that is not met, if it is about one.
    #[schema(required)]
    pub clause_key: Option<String>,
    /// What brought it about.
    pub origin_kind: CorrectiveActionOrigin,
    /// The id of that; null when it was opened by hand.
    #[schema(required, format = Uuid)]
    pub origin_id: Option<String>,
    /// What is to be done.
    pub title: String,
    /// Who answers for it; null: the owner of the entry.
    #[schema(required)]
    pub owner: Option<Holder>,
    /// When it was opened.
    pub opened_on: NaiveDate,
    /// When it is due; it moves only by an extension.
    pub due_on: NaiveDate,
    /// Where it stands.
    pub state: CorrectiveActionState,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// Its extensions, the first one first.
    pub extensions: Vec<Extension>,
    /// Its end, once it is closed.
    #[schema(required)]
    pub closure: Option<Closure>,
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

/// More time, decided by a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Extension {
    /// When it was due before.
    pub before_on: NaiveDate,
    /// When it is due since.
    pub due_on: NaiveDate,
    /// Why.
    pub reason: String,
    /// Who decided it.
    #[schema(format = Uuid)]
    pub decided_by_person_id: String,
    /// When.
    pub created_at: Instant,
}

/// The end of a corrective action.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Closure {
    /// When.
    pub closed_on: NaiveDate,
    /// By whom.
    #[schema(format = Uuid)]
    pub closed_by_person_id: String,
    /// What was done.
    pub done: String,
    /// The evidence of it.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub evidence_ids: Vec<String>,
}

page_of! {
    /// A page of corrective actions.
    CorrectiveActionPage of CorrectiveAction
}

/// A corrective action that is opened by hand.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectiveActionCreate {
    /// The entry; only an action about a finding of an audit can do without.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub entry_id: Option<String>,
    /// The clause that is not met.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100, example = "performance-verification")]
    pub clause_key: Option<String>,
    /// The verification that brought it about.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub verification_id: Option<String>,
    /// The incident that brought it about.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub incident_id: Option<String>,
    /// The finding of an audit that brought it about; one of the three at most. It is not settled while this is open.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub audit_finding_id: Option<String>,
    /// What is to be done.
    #[schema(max_length = 200, example = "接続記録の保存期間を1年に改める")]
    pub title: String,
    /// Who answers for it; without it the owner of the entry, or of the finding where there is no entry.
    #[serde(default)]
    #[schema(nullable = false)]
    pub owner: Option<Holder>,
    /// When it is due; without it on the finding's day, or by the response time of the entry's risk level.
    #[serde(default)]
    #[schema(nullable = false)]
    pub due_on: Option<NaiveDate>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    pub note: Option<String>,
}

/// A change of a corrective action. Its due date moves by an extension, its end is a closure.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CorrectiveActionPatch {
    /// What is to be done.
    #[schema(nullable = false, max_length = 200)]
    pub title: Option<String>,
    /// Who answers for it; cleared: the owner of the entry.
    pub owner: Option<Holder>,
    /// Note.
    #[schema(max_length = 4000)]
    pub note: Option<String>,
    /// Fields to clear, for `application/json`.
    #[schema(max_items = 2)]
    pub clear: Vec<String>,
}

impl Clearable for CorrectiveActionPatch {
    const CLEARABLE: &'static [&'static str] = &["owner", "note"];
}

/// More time for a corrective action.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionCreate {
    /// The new due date, later than the present one.
    pub due_on: NaiveDate,
    /// Why.
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// The end of a corrective action.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosureCreate {
    /// What was done.
    #[schema(max_length = 4000)]
    pub done: String,
    /// The evidence of it.
    #[schema(value_type = Vec<uuid::Uuid>, min_items = 1, max_items = 20)]
    pub evidence_ids: Vec<String>,
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CorrectiveActionFilter {
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
    /// In this state.
    #[param(nullable = false)]
    pub state: Option<CorrectiveActionState>,
    /// Brought about by this.
    #[param(nullable = false)]
    pub origin_kind: Option<CorrectiveActionOrigin>,
    /// Due on this day or earlier.
    #[param(nullable = false)]
    pub due_to: Option<NaiveDate>,
}
