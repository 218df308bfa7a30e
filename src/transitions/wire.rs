//! Transitions on the wire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::domain::lifecycle::{Cause, Precondition, Unmet};
use crate::domain::vocabulary::{Role, Status};
use crate::http::page::page_of;

/// What can be done with an entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryTransitions {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// Where it stands.
    pub status: Status,
    /// What exists from here.
    pub options: Vec<TransitionOption>,
    /// Approvals that wait for their transition.
    pub approvals: Vec<TransitionApproval>,
}

/// A transition that exists from here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransitionOption {
    /// Its word.
    #[schema(example = "conclude_contract")]
    pub transition: String,
    /// Its name.
    pub title: String,
    /// Where it leads; the present status when the act itself is what counts.
    pub to_status: Status,
    /// Who may take it.
    pub roles: Vec<Role>,
    /// Whether the acting person holds one of the roles; null without `Acting-Person`.
    #[schema(required)]
    pub allowed: Option<bool>,
    /// What stands against it today; a reason is always asked for.
    pub unmet: Vec<Unmet>,
}

/// An act.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitionCreate {
    /// Which transition.
    #[schema(max_length = 60, example = "conclude_contract")]
    pub transition: String,
    /// Why.
    #[schema(max_length = 1000)]
    pub reason: String,
    /// Since when; today without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub effective_on: Option<NaiveDate>,
    /// The cause, where the transition asks for one.
    #[serde(default)]
    #[schema(nullable = false)]
    pub cause: Option<Cause>,
    /// Conditions that the acting person states to hold.
    #[serde(default)]
    #[schema(max_items = 40)]
    pub conditions: Vec<Precondition>,
    /// Why applicant and approver cannot be two persons here.
    #[serde(default)]
    #[schema(nullable = false, max_length = 1000)]
    pub double_role_reason: Option<String>,
    /// `select`: who was selected; the one recorded without it.
    #[serde(default)]
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub contractor_id: Option<String>,
    /// `approve_use`, `renew_approval`: the last day; the profile's without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub approval_valid_until_on: Option<NaiveDate>,
}

/// A transition that was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransitionTaken {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// Which transition.
    pub transition: String,
    /// From where.
    pub from_status: Status,
    /// To where.
    pub to_status: Status,
    /// Since when.
    pub effective_on: NaiveDate,
    /// Why.
    pub reason: String,
    /// The cause.
    #[schema(required)]
    pub cause: Option<Cause>,
    /// What the acting person stated to hold.
    pub conditions: Vec<Precondition>,
    /// Who acted.
    #[schema(format = Uuid)]
    pub person_id: String,
    /// Why applicant and approver could not be two persons.
    #[schema(required)]
    pub double_role_reason: Option<String>,
    /// Until when the use is approved.
    #[schema(required)]
    pub approval_valid_until_on: Option<NaiveDate>,
    /// The approvals it was taken on.
    pub approvals: Vec<TransitionApproval>,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
}

page_of! {
    /// A page of transitions.
    TransitionPage of TransitionTaken
}

/// A decision that was taken in another system (電子決裁).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidedElsewhere {
    /// Who decided: post or name.
    #[schema(max_length = 100)]
    pub decided_by: String,
    /// When.
    pub decided_on: NaiveDate,
    /// Number of the document.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub document_number: Option<String>,
}

/// An approval or confirmation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalCreate {
    /// Of which transition.
    #[schema(max_length = 60, example = "start_performance")]
    pub transition: String,
    /// In which role.
    pub role: Role,
    /// Recorded from another system; without it the acting person approves here.
    #[serde(default)]
    #[schema(nullable = false)]
    pub decided_elsewhere: Option<DecidedElsewhere>,
    /// Note.
    #[serde(default)]
    #[schema(nullable = false, max_length = 1000)]
    pub note: Option<String>,
}

/// An approval or confirmation of a transition.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransitionApproval {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Of which transition.
    pub transition: String,
    /// In which role.
    pub role: Role,
    /// By whom, if decided here.
    #[schema(required, format = Uuid)]
    pub person_id: Option<String>,
    /// By whom, if decided elsewhere.
    #[schema(required)]
    pub decided_by: Option<String>,
    /// When.
    pub decided_on: NaiveDate,
    /// Number of the document.
    #[schema(required)]
    pub document_number: Option<String>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
}

/// Where to read on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TransitionFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}
