//! Changes and events on the wire.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::cloud_services::wire::CloudService;
use crate::contractors::Contractor;
use crate::departments::Department;
use crate::domain::gate::{ErpFlags, GateAction, GateDecision, GateReason};
use crate::engagements::wire::Engagement;
use crate::external_ids::ExternalId;
use crate::organizations::Organization;
use crate::social_media_accounts::wire::SocialMediaAccount;

/// A type of record that can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeType {
    /// 機関.
    Organization,
    /// 所属.
    Department,
    /// 事業者.
    Contractor,
    /// 業務委託.
    ContractorEngagement,
    /// クラウドサービス.
    CloudService,
    /// SNSアカウント.
    SocialMediaAccount,
}

impl ChangeType {
    /// All, in the order in which a copy is made: what is referred to comes first.
    pub const ALL: [Self; 6] = [
        Self::Organization,
        Self::Department,
        Self::Contractor,
        Self::ContractorEngagement,
        Self::CloudService,
        Self::SocialMediaAccount,
    ];

    /// Its name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Department => "department",
            Self::Contractor => "contractor",
            Self::ContractorEngagement => "contractor_engagement",
            Self::CloudService => "cloud_service",
            Self::SocialMediaAccount => "social_media_account",
        }
    }

    /// The scope without which it cannot be read.
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Organization | Self::Department => "directory:read",
            Self::Contractor => "contractors:read",
            Self::ContractorEngagement | Self::CloudService | Self::SocialMediaAccount => "entries:read",
        }
    }
}

/// What to do with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOp {
    /// Put the record in place of what is there.
    Upsert,
    /// Remove it.
    Delete,
}

/// Why a record is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeleteReason {
    /// It was archived; lists leave it out.
    Archived,
    /// It went to an organization that this token may not touch.
    OutOfScope,
}

/// One change. Of the records named after the types exactly one is there with `upsert`, none with `delete`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Change {
    /// Its place in the order; several may share one while the records are copied.
    pub seq: i64,
    /// The type of the record.
    pub r#type: ChangeType,
    /// The id of the record.
    #[schema(format = Uuid)]
    pub id: String,
    /// What to do.
    pub op: ChangeOp,
    /// Why it is to be removed; null with `upsert`.
    #[schema(required)]
    pub reason: Option<DeleteReason>,
    /// The version of the record; null with `delete`.
    #[schema(required)]
    pub version: Option<i64>,
    /// When it changed last.
    pub changed_at: Instant,
    /// The organization.
    #[schema(required)]
    pub organization: Option<Organization>,
    /// The department.
    #[schema(required)]
    pub department: Option<Department>,
    /// The contractor.
    #[schema(required)]
    pub contractor: Option<Contractor>,
    /// The engagement.
    #[schema(required)]
    pub engagement: Option<Engagement>,
    /// The cloud service.
    #[schema(required)]
    pub cloud_service: Option<CloudService>,
    /// The social-media account.
    #[schema(required)]
    pub social_media_account: Option<SocialMediaAccount>,
}

impl Change {
    /// A change that removes; the caller puts the record in for one that does not.
    pub(super) const fn bare(of: ChangeType, id: String, changed_at: Instant) -> Self {
        Self {
            seq: 0,
            r#type: of,
            id,
            op: ChangeOp::Delete,
            reason: None,
            version: None,
            changed_at,
            organization: None,
            department: None,
            contractor: None,
            engagement: None,
            cloud_service: None,
            social_media_account: None,
        }
    }
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangePage {
    /// The changes, in their order.
    pub items: Vec<Change>,
    /// Keep it and send it as `cursor` to read on, now or later.
    pub next_cursor: String,
    /// Whether there is more now.
    pub has_more: bool,
}

/// What to follow.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Changes on a page, 1 to 500; 100 without it.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    pub limit: Option<i64>,
    /// These types, separated by commas; all that the token may read without it.
    #[param(nullable = false, max_length = 200, example = "contractor,contractor_engagement")]
    pub types: Option<String>,
}

/// What to be told.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Events on a page, 1 to 500; 100 without it.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    pub limit: Option<i64>,
    /// These events, separated by commas; all without it.
    #[param(
        nullable = false,
        max_length = 2000,
        example = "gate_decision.changed,incident.opened"
    )]
    pub types: Option<String>,
}

/// Something that happened; what a webhook sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its id: the `webhook-id` of its deliveries, the same in every one.
    #[schema(max_length = 80, example = "evt_01934c1e-8e0b-7c55-9d5e-0a4c6f1f2b3d_1042")]
    pub id: String,
    /// What happened; the list grows.
    #[schema(max_length = 60, example = "gate_decision.changed")]
    pub r#type: String,
    /// When.
    pub timestamp: Instant,
    /// To what.
    pub data: EventData,
}

/// What an event is about: enough to know whether to look, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventData {
    /// Its number in the journal: the order of events; 0 in a test.
    pub seq: i64,
    /// The type of the record: `contractor`, `entry`, `incident` …
    #[schema(max_length = 60, example = "entry")]
    pub resource_type: String,
    /// Its id.
    #[schema(max_length = 60)]
    pub resource_id: String,
    /// Where to read it; null when it has no address of its own.
    #[schema(
        required,
        max_length = 200,
        example = "/api/v1/entries/01934c1e-8e0b-7c55-9d5e-0a4c6f1f2b3d"
    )]
    pub href: Option<String>,
    /// The organization that it belongs to.
    #[schema(required, format = Uuid, max_length = 36)]
    pub organization_id: Option<String>,
    /// The register entry that it concerns.
    #[schema(required, format = Uuid, max_length = 36)]
    pub entry_id: Option<String>,
    /// The keys by which other systems know the contractor or the entry.
    pub external_ids: Vec<ExternalId>,
    /// With `gate_decision.changed`: what changed.
    #[schema(required)]
    pub gate: Option<GateChange>,
}

/// A decision of the gate that is another than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateChange {
    /// What may or may not be done.
    pub action: GateAction,
    /// The decision before.
    pub old_decision: GateDecision,
    /// The decision now.
    pub new_decision: GateDecision,
    /// What the organization makes of it now.
    pub enforced_decision: GateDecision,
    /// Why.
    pub reasons: Vec<GateReason>,
    /// The same in the words of purchasing systems.
    pub erp: ErpFlags,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events, in their order.
    pub items: Vec<Event>,
    /// Keep it and send it as `cursor` to read on, now or later.
    pub next_cursor: String,
    /// Whether there is more now.
    pub has_more: bool,
}
