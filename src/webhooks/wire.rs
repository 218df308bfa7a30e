//! Webhooks on the wire.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Instant;
use crate::http::body::Clearable;
use crate::http::page::page_of;

/// Whether an endpoint is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// It is.
    Enabled,
    /// Somebody switched it off; events wait.
    Disabled,
    /// It failed for too long, or said that it is gone; events wait until somebody enables it.
    AutoDisabled,
}

impl EndpointStatus {
    /// Its spelling in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::AutoDisabled => "auto_disabled",
        }
    }
}

/// What somebody can make of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointSwitch {
    /// Send to it.
    Enabled,
    /// Let the events wait.
    Disabled,
}

/// A receiver of events.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The organization that runs it.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// Who is written to when it fails for too long.
    #[schema(format = Uuid)]
    pub contact_person_id: String,
    /// Where events are sent.
    #[schema(example = "https://zaimu.example.lg.jp/kakunin")]
    pub url: String,
    /// These events; all if empty.
    pub event_types: Vec<String>,
    /// Events of these organizations; null for all, also future ones.
    #[schema(required)]
    pub organization_ids: Option<Vec<String>>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// Whether it is sent to.
    pub status: EndpointStatus,
    /// Why it was disabled by itself.
    #[schema(required)]
    pub disabled_reason: Option<String>,
    /// Since when every attempt has failed.
    #[schema(required)]
    pub failing_since: Option<Instant>,
    /// How the secret begins, to tell secrets apart.
    #[schema(example = "whsec_MfKQ")]
    pub secret_prefix: String,
    /// Until when events are also signed with the secret before.
    #[schema(required)]
    pub previous_secret_until: Option<Instant>,
    /// Version, as in the entity tag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
}

page_of! {
    /// A page of endpoints.
    WebhookEndpointPage of WebhookEndpoint
}

/// A new endpoint with its secret.
#[derive(Serialize, ToSchema)]
pub struct IssuedWebhookEndpoint {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// What signatures are checked with; it is shown here only.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1aBbbd1bbd0=")]
    pub secret: String,
}

/// A new secret of an endpoint.
#[derive(Serialize, ToSchema)]
pub struct IssuedWebhookSecret {
    /// What signatures are checked with; it is shown here only.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1aBbbd1bbd0=")]
    pub secret: String,
    /// Until when events are also signed with the secret before.
    pub previous_secret_until: Instant,
}

/// A new endpoint.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpointCreate {
    /// The organization that runs it.
    #[schema(format = Uuid, max_length = 36)]
    pub organization_id: String,
    /// Who is written to when it fails for too long.
    #[schema(format = Uuid, max_length = 36)]
    pub contact_person_id: String,
    /// Where events are sent: https; http where the operator allows it.
    #[schema(min_length = 9, max_length = 500, example = "https://zaimu.example.lg.jp/kakunin")]
    pub url: String,
    /// These events; all if absent or empty.
    #[schema(nullable = false, max_items = 100, value_type = Option<Vec<EventName>>)]
    pub event_types: Option<Vec<String>>,
    /// Events of these organizations; null or absent for all that the token may touch.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, min_items = 1, max_items = 100)]
    pub organization_ids: Option<Vec<String>>,
    /// Note.
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// A change of an endpoint; absent fields stay.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpointPatch {
    /// Who is written to when it fails for too long.
    #[schema(nullable = false, format = Uuid, max_length = 36)]
    pub contact_person_id: Option<String>,
    /// Where events are sent.
    #[schema(nullable = false, min_length = 9, max_length = 500)]
    pub url: Option<String>,
    /// These events; all if empty.
    #[schema(nullable = false, max_items = 100, value_type = Option<Vec<EventName>>)]
    pub event_types: Option<Vec<String>>,
    /// Note.
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Whether it is sent to. What happened while it was disabled is sent when it is enabled.
    #[schema(nullable = false)]
    pub status: Option<EndpointSwitch>,
    /// Names of fields to clear (`application/json` only).
    #[schema(nullable = false, max_items = 20)]
    pub clear: Option<BTreeSet<String>>,
}

impl Clearable for WebhookEndpointPatch {
    const CLEARABLE: &'static [&'static str] = &["note"];
}

/// The name of an event in a request: one of those that exist now.
pub struct EventName;

impl utoipa::PartialSchema for EventName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let names = crate::domain::event::EVENTS.iter().map(|event| event.code);
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("An event; `GET /event-types` says what each is."))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for EventName {}

/// Issues another secret.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSecretRotate {
    /// How long events are signed with both secrets; 24 without it.
    #[schema(nullable = false, minimum = 0, maximum = 720)]
    pub overlap_hours: Option<i64>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Queued,
    /// It is being sent.
    Leased,
    /// The receiver took it.
    Succeeded,
    /// It was given up.
    Dead,
}

/// An event on its way to an endpoint.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookDelivery {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The endpoint.
    #[schema(format = Uuid)]
    pub endpoint_id: String,
    /// The event, sent as `webhook-id`.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Failed attempts since it was queued.
    pub attempts: i32,
    /// When the next attempt is due; null when it has ended.
    #[schema(required)]
    pub next_at: Option<Instant>,
    /// When it was queued.
    pub created_at: Instant,
    /// When it ended.
    #[schema(required)]
    pub done_at: Option<Instant>,
}

page_of! {
    /// A page of deliveries.
    WebhookDeliveryPage of WebhookDelivery
}

/// A delivery with all that was tried.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookDeliveryDetail {
    /// The delivery.
    pub delivery: WebhookDelivery,
    /// The bytes that are sent.
    pub body: String,
    /// The attempts, in their order.
    pub attempts: Vec<WebhookAttempt>,
}

/// One attempt to deliver.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookAttempt {
    /// Its number.
    pub number: i32,
    /// When it began.
    pub started_at: Instant,
    /// When it ended.
    pub ended_at: Instant,
    /// What the receiver answered; null when it did not.
    #[schema(required)]
    pub response_status: Option<i32>,
    /// Why there was no answer.
    #[schema(required)]
    pub error: Option<String>,
    /// How its answer began, 1,000 characters at most.
    #[schema(required)]
    pub response_text: Option<String>,
}

/// The events that there are.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventTypes {
    /// Each with its meaning.
    pub event_types: Vec<EventTypeInfo>,
}

/// An event that there is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventTypeInfo {
    /// Its name; stable.
    pub code: String,
    /// What happened, in Japanese.
    pub ja: String,
    /// What happened, in English.
    pub en: String,
}

/// Filters of the list of endpoints.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookEndpointFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}

/// Filters of the list of deliveries.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookDeliveryFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Those that stand so.
    #[param(nullable = false, inline)]
    pub state: Option<DeliveryState>,
}
