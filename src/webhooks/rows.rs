//! The rows of endpoints and deliveries, as the API shows them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;

use super::wire::{
    DeliveryState, EndpointStatus, WebhookAttempt, WebhookDelivery, WebhookDeliveryDetail, WebhookEndpoint,
};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{webhook_attempts, webhook_deliveries, webhook_endpoints};
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::After;

/// The word of endpoints in the journal.
pub(super) const KIND: &str = "webhook_endpoint";
/// What a secret is sealed for.
const PURPOSE: &str = "webhook_secret";
/// Characters of a secret that are shown.
const SHOWN: usize = 10;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_endpoints)]
pub(super) struct EndpointRow {
    pub id: String,
    pub organization_id: String,
    pub contact_person_id: String,
    pub url: String,
    event_types: String,
    organization_ids: Option<String>,
    note: Option<String>,
    status: String,
    secret_prefix: String,
    previous_secret_until: Option<Instant>,
    pub position: i64,
    pub failing_since: Option<Instant>,
    disabled_reason: Option<String>,
    version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl EndpointRow {
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            organization_id: Some(&self.organization_id),
            ..Subject::of(KIND, &self.id)
        }
    }

    /// The events that it wants; `None`: all.
    pub(super) fn types(&self) -> Result<Option<Vec<String>>, ApiError> {
        let types: Vec<String> = serde_json::from_str(&self.event_types)?;
        Ok(Some(types).filter(|types| !types.is_empty()))
    }

    /// The organizations whose events it is sent.
    pub(super) fn organizations(&self) -> Result<Organizations, ApiError> {
        Ok(match &self.organization_ids {
            Some(ids) => Organizations::Only(serde_json::from_str(ids)?),
            None => Organizations::All,
        })
    }

    pub(super) fn wire(self) -> Result<WebhookEndpoint, ApiError> {
        Ok(WebhookEndpoint {
            event_types: serde_json::from_str(&self.event_types)?,
            organization_ids: self.organization_ids.as_deref().map(serde_json::from_str).transpose()?,
            status: serde_json::from_value(self.status.into())?,
            id: self.id,
            organization_id: self.organization_id,
            contact_person_id: self.contact_person_id,
            url: self.url,
            note: self.note,
            disabled_reason: self.disabled_reason,
            failing_since: self.failing_since,
            secret_prefix: self.secret_prefix,
            previous_secret_until: self.previous_secret_until,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        })
    }
}

/// An endpoint that is not archived; 404 for one that may be sent more than the caller may see.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<EndpointRow, ApiError> {
    let row: EndpointRow = webhook_endpoints::table
        .find((&scope.lg, id))
        .filter(webhook_endpoints::archived_at.is_null())
        .select(EndpointRow::as_select())
        .first(scope.conn)?;
    if is_seen(&row, allowed)? {
        Ok(row)
    } else {
        Err(ApiError::NotFound)
    }
}

fn is_seen(row: &EndpointRow, allowed: &Organizations) -> Result<bool, ApiError> {
    let within = match row.organizations()? {
        Organizations::All => allowed.list().is_none(),
        Organizations::Only(ids) => ids.iter().all(|id| allowed.contains(id)),
    };
    Ok(within && allowed.contains(&row.organization_id))
}

/// The endpoints of a page that the caller sees; a page may be short.
pub(super) fn select_page(
    scope: &mut Scope<'_>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<EndpointRow>, ApiError> {
    Ok(webhook_endpoints::table
        .filter(webhook_endpoints::local_government_id.eq(&scope.lg))
        .filter(webhook_endpoints::id.gt(after.map(|after| after.id).unwrap_or_default()))
        .filter(webhook_endpoints::archived_at.is_null())
        .order(webhook_endpoints::id)
        .limit(limit + 1)
        .select(EndpointRow::as_select())
        .load(scope.conn)?)
}

/// Those that the caller sees, as they are shown.
pub(super) fn seen(rows: Vec<EndpointRow>, allowed: &Organizations) -> Result<Vec<WebhookEndpoint>, ApiError> {
    let mut found = vec![];
    for row in rows {
        if is_seen(&row, allowed)? {
            found.push(row.wire()?);
        }
    }
    Ok(found)
}

/// What of an endpoint its owner decides.
#[derive(Debug)]
pub(super) struct State {
    pub contact_person_id: String,
    pub url: String,
    pub event_types: Vec<String>,
    pub organization_ids: Option<Vec<String>>,
    pub note: Option<String>,
    pub status: EndpointStatus,
}

/// Inserts an endpoint that is sent what happens from now on; answers its secret.
pub(super) fn insert(
    scope: &mut Scope<'_>,
    id: &str,
    organization_id: &str,
    state: &State,
    position: i64,
) -> Result<String, ApiError> {
    let secret = scope.app.random.bytes::<32>();
    let shown = shown(&secret);
    diesel::insert_into(webhook_endpoints::table)
        .values((
            webhook_endpoints::local_government_id.eq(&scope.lg),
            webhook_endpoints::id.eq(id),
            webhook_endpoints::organization_id.eq(organization_id),
            webhook_endpoints::contact_person_id.eq(&state.contact_person_id),
            webhook_endpoints::url.eq(&state.url),
            webhook_endpoints::event_types.eq(serde_json::to_string(&state.event_types)?),
            webhook_endpoints::organization_ids.eq(state
                .organization_ids
                .as_ref()
                .map(serde_json::to_string)
                .transpose()?),
            webhook_endpoints::note.eq(&state.note),
            webhook_endpoints::status.eq(state.status.code()),
            webhook_endpoints::sealed_secret.eq(seal(scope, &secret)?),
            webhook_endpoints::secret_prefix.eq(prefix(&shown)),
            webhook_endpoints::position.eq(position),
            webhook_endpoints::version.eq(1),
            webhook_endpoints::created_at.eq(scope.at),
            webhook_endpoints::created_by.eq(scope.by()),
            webhook_endpoints::updated_at.eq(scope.at),
            webhook_endpoints::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(shown)
}

/// Writes what its owner decides.
pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::update(webhook_endpoints::table.find((&scope.lg, id)))
        .set((
            webhook_endpoints::contact_person_id.eq(&state.contact_person_id),
            webhook_endpoints::url.eq(&state.url),
            webhook_endpoints::event_types.eq(serde_json::to_string(&state.event_types)?),
            webhook_endpoints::note.eq(&state.note),
            webhook_endpoints::status.eq(state.status.code()),
        ))
        .execute(scope.conn)?;
    touch(scope, id)
}

/// Forgets that it failed: somebody says that it is well.
pub(super) fn revive(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(webhook_endpoints::table.find((&scope.lg, id)))
        .set((
            webhook_endpoints::failing_since.eq(None::<Instant>),
            webhook_endpoints::disabled_reason.eq(None::<String>),
        ))
        .execute(scope.conn)?;
    diesel::update(
        webhook_deliveries::table
            .filter(webhook_deliveries::local_government_id.eq(&scope.lg))
            .filter(webhook_deliveries::endpoint_id.eq(id))
            .filter(webhook_deliveries::state.eq("queued")),
    )
    .set(webhook_deliveries::next_at.eq(Some(scope.at)))
    .execute(scope.conn)?;
    Ok(())
}

pub(super) fn archive(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(webhook_endpoints::table.find((&scope.lg, id)))
        .set((
            webhook_endpoints::status.eq(EndpointStatus::Disabled.code()),
            webhook_endpoints::archived_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    diesel::update(
        webhook_deliveries::table
            .filter(webhook_deliveries::local_government_id.eq(&scope.lg))
            .filter(webhook_deliveries::endpoint_id.eq(id))
            .filter(webhook_deliveries::done_at.is_null()),
    )
    .set((
        webhook_deliveries::state.eq("dead"),
        webhook_deliveries::next_at.eq(None::<Instant>),
        webhook_deliveries::done_at.eq(Some(scope.at)),
    ))
    .execute(scope.conn)?;
    touch(scope, id)
}

/// Raises the version.
pub(super) fn touch(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(webhook_endpoints::table.find((&scope.lg, id)))
        .set((
            webhook_endpoints::version.eq(webhook_endpoints::version + 1),
            webhook_endpoints::updated_at.eq(scope.at),
            webhook_endpoints::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Gives it another secret; the one before goes on until then.
pub(super) fn rotate(scope: &mut Scope<'_>, id: &str, until: Instant) -> Result<String, ApiError> {
    let before: Vec<u8> = webhook_endpoints::table
        .find((&scope.lg, id))
        .select(webhook_endpoints::sealed_secret)
        .first(scope.conn)?;
    let secret = scope.app.random.bytes::<32>();
    let shown = shown(&secret);
    diesel::update(webhook_endpoints::table.find((&scope.lg, id)))
        .set((
            webhook_endpoints::sealed_secret.eq(seal(scope, &secret)?),
            webhook_endpoints::secret_prefix.eq(prefix(&shown)),
            webhook_endpoints::previous_sealed_secret.eq(Some(before)),
            webhook_endpoints::previous_secret_until.eq(Some(until)),
        ))
        .execute(scope.conn)?;
    touch(scope, id)?;
    Ok(shown)
}

/// The secrets that an endpoint's events are signed with now, the newest first.
pub(super) fn secrets(scope: &mut Scope<'_>, id: &str) -> Result<Vec<Vec<u8>>, ApiError> {
    type Row = (Vec<u8>, Option<Vec<u8>>, Option<Instant>);
    let (current, previous, until): Row = webhook_endpoints::table
        .find((&scope.lg, id))
        .select((
            webhook_endpoints::sealed_secret,
            webhook_endpoints::previous_sealed_secret,
            webhook_endpoints::previous_secret_until,
        ))
        .first(scope.conn)?;
    let previous = previous.filter(|_| until.is_some_and(|until| scope.at < until));
    let master = &scope.app.keys.master;
    [Some(current), previous]
        .into_iter()
        .flatten()
        .map(|sealed| master.open(PURPOSE, &sealed))
        .collect()
}

fn seal(scope: &Scope<'_>, secret: &[u8]) -> Result<Vec<u8>, ApiError> {
    scope.app.keys.master.seal(&scope.app.random, PURPOSE, secret)
}

fn shown(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

fn prefix(shown: &str) -> String {
    shown.chars().take(SHOWN).collect()
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_deliveries)]
pub(super) struct DeliveryRow {
    pub id: String,
    pub endpoint_id: String,
    event_id: String,
    event_type: String,
    body: String,
    state: String,
    attempts: i32,
    next_at: Option<Instant>,
    created_at: Instant,
    done_at: Option<Instant>,
}

impl DeliveryRow {
    pub(super) fn wire(self) -> Result<WebhookDelivery, ApiError> {
        Ok(WebhookDelivery {
            state: serde_json::from_value(self.state.into())?,
            id: self.id,
            endpoint_id: self.endpoint_id,
            event_id: self.event_id,
            event_type: self.event_type,
            attempts: self.attempts,
            next_at: self.next_at,
            created_at: self.created_at,
            done_at: self.done_at,
        })
    }
}

/// The deliveries of an endpoint, the newest first.
pub(super) fn select_deliveries(
    scope: &mut Scope<'_>,
    endpoint_id: &str,
    state: Option<DeliveryState>,
    before: Option<After>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, ApiError> {
    let mut query = webhook_deliveries::table
        .filter(webhook_deliveries::local_government_id.eq(scope.lg.clone()))
        .filter(webhook_deliveries::endpoint_id.eq(endpoint_id.to_owned()))
        .order(webhook_deliveries::id.desc())
        .limit(limit + 1)
        .select(DeliveryRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(webhook_deliveries::id.lt(before.id));
    }
    if let Some(state) = state {
        let word: String = serde_json::from_value(serde_json::to_value(state)?)?;
        query = query.filter(webhook_deliveries::state.eq(word));
    }
    Ok(query.load(scope.conn)?)
}

/// A delivery; 404 for one of an endpoint that the caller does not see.
pub(super) fn find_delivery(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<DeliveryRow, ApiError> {
    let row: DeliveryRow = webhook_deliveries::table
        .find((&scope.lg, id))
        .select(DeliveryRow::as_select())
        .first(scope.conn)?;
    find(scope, allowed, &row.endpoint_id)?;
    Ok(row)
}

/// A delivery with its attempts.
pub(super) fn detail(scope: &mut Scope<'_>, row: DeliveryRow) -> Result<WebhookDeliveryDetail, ApiError> {
    type Row = (i32, Instant, Instant, Option<i32>, Option<String>, Option<String>);
    let attempts: Vec<Row> = webhook_attempts::table
        .filter(webhook_attempts::local_government_id.eq(&scope.lg))
        .filter(webhook_attempts::delivery_id.eq(&row.id))
        .order(webhook_attempts::number)
        .select((
            webhook_attempts::number,
            webhook_attempts::started_at,
            webhook_attempts::ended_at,
            webhook_attempts::response_status,
            webhook_attempts::error,
            webhook_attempts::response_text,
        ))
        .load(scope.conn)?;
    Ok(WebhookDeliveryDetail {
        body: row.body.clone(),
        delivery: row.wire()?,
        attempts: attempts
            .into_iter()
            .map(
                |(number, started_at, ended_at, response_status, error, response_text)| WebhookAttempt {
                    number,
                    started_at,
                    ended_at,
                    response_status,
                    error,
                    response_text,
                },
            )
            .collect(),
    })
}

/// Queues a delivery again, as if it had never been tried; its bytes stay the same.
pub(super) fn queue_again(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(webhook_deliveries::table.find((&scope.lg, id)))
        .set((
            webhook_deliveries::state.eq("queued"),
            webhook_deliveries::attempts.eq(0),
            webhook_deliveries::next_at.eq(Some(scope.at)),
            webhook_deliveries::done_at.eq(None::<Instant>),
        ))
        .execute(scope.conn)?;
    Ok(())
}
