//! The life of a delivery: queued from the journal, claimed, answered; and of an endpoint that fails for too long.
//!
//! The same protocol as for mails ([`crate::work`]): a claim is a lease with a token, and only the holder of the token
//! may finish. A receiver may get an event twice, never another one under the same id.

use diesel::prelude::*;
use serde_json::json;

use super::rows::{self, EndpointRow};
use super::send::Sent;
use super::wire::EndpointStatus;
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::schema::{webhook_attempts, webhook_deliveries, webhook_endpoints};
use crate::db::{locked, on_each_backend};
use crate::domain::event;
use crate::domain::vocabulary::ObligationKind;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::obligations::cycles::{self, Due};
use crate::sync::{Event, EventData, events};

/// Events that are queued in one transaction.
const BATCH: i64 = 200;
/// Longer than an attempt can take, in seconds.
const LEASE_SECONDS: i64 = 120;
/// Seconds before each further attempt (Standard Webhooks); after the last a delivery is given up.
const WAITS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The longest wait that a receiver can ask for.
const MOST_WAIT: i64 = 86_400;
/// An endpoint that has failed for so long is disabled.
const PATIENCE_SECONDS: i64 = 5 * 86_400;
/// Until when somebody is asked to look at it.
const LOOK_WITHIN_DAYS: i64 = 7;
/// How long deliveries are kept after they ended.
const KEEP_SECONDS: i64 = 90 * 86_400;

/// A delivery that this worker holds.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub id: String,
    pub endpoint_id: String,
    pub event_id: String,
    pub url: String,
    pub body: String,
    pub secrets: Vec<Vec<u8>>,
    token: i64,
    started_at: Instant,
}

impl Claimed {
    /// The moment that is signed, in seconds.
    pub(crate) const fn timestamp(&self) -> i64 {
        self.started_at.unix_seconds()
    }
}

/// Queues what happened for the endpoints that want it; answers how many events.
///
/// # Errors
/// A database failure; finished batches stay.
pub(crate) fn fill(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut queued = 0;
    let ids: Vec<String> = app.read_as(tenant, |scope| {
        Ok(webhook_endpoints::table
            .filter(webhook_endpoints::local_government_id.eq(&scope.lg))
            .filter(webhook_endpoints::status.eq(EndpointStatus::Enabled.code()))
            .select(webhook_endpoints::id)
            .load(scope.conn)?)
    })?;
    for id in ids {
        loop {
            let (count, more) = app.write_as(tenant, Actor::system(), |scope| fill_one(scope, &id))?;
            queued += count;
            if !more {
                break;
            }
        }
    }
    Ok(queued)
}

fn fill_one(scope: &mut Scope<'_>, id: &str) -> Result<(usize, bool), ApiError> {
    let query = webhook_endpoints::table
        .find((scope.lg.clone(), id.to_owned()))
        .filter(webhook_endpoints::status.eq(EndpointStatus::Enabled.code()));
    let endpoint: Option<EndpointRow> = locked!(&mut *scope.conn, query.select(EndpointRow::as_select()), |q, c| q
        .first(c))
    .optional()?;
    let Some(endpoint) = endpoint else {
        return Ok((0, false));
    };
    let types = endpoint.types()?;
    let read = events::since(
        scope,
        &endpoint.organizations()?,
        types.as_deref(),
        endpoint.position,
        BATCH,
    )?;
    for event in &read.events {
        insert(scope, &endpoint.id, event)?;
    }
    if read.reached > endpoint.position {
        diesel::update(webhook_endpoints::table.find((&scope.lg, &endpoint.id)))
            .set(webhook_endpoints::position.eq(read.reached))
            .execute(scope.conn)?;
    }
    Ok((read.events.len(), read.has_more))
}

fn insert(scope: &mut Scope<'_>, endpoint_id: &str, event: &Event) -> Result<String, ApiError> {
    let id = scope.new_id();
    let row = (
        webhook_deliveries::local_government_id.eq(&scope.lg),
        webhook_deliveries::id.eq(&id),
        webhook_deliveries::endpoint_id.eq(endpoint_id),
        webhook_deliveries::event_id.eq(&event.id),
        webhook_deliveries::event_type.eq(&event.r#type),
        webhook_deliveries::body.eq(serde_json::to_string(event)?),
        webhook_deliveries::state.eq("queued"),
        webhook_deliveries::attempts.eq(0),
        webhook_deliveries::next_at.eq(Some(scope.at)),
        webhook_deliveries::token.eq(0),
        webhook_deliveries::created_at.eq(scope.at),
    );
    on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(webhook_deliveries::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(id)
}

/// Queues a test event; answers its delivery.
pub(super) fn test(scope: &mut Scope<'_>, endpoint: &EndpointRow) -> Result<String, ApiError> {
    let event = Event {
        id: format!("evt_{}", scope.new_id()),
        r#type: event::TEST.to_owned(),
        timestamp: scope.at,
        data: EventData {
            seq: 0,
            resource_type: rows::KIND.to_owned(),
            resource_id: endpoint.id.clone(),
            href: Some(format!("/api/v1/webhook-endpoints/{}", endpoint.id)),
            organization_id: Some(endpoint.organization_id.clone()),
            entry_id: None,
            external_ids: vec![],
            gate: None,
        },
    };
    insert(scope, &endpoint.id, &event)
}

/// The endpoints that something is due for.
///
/// # Errors
/// A database failure.
pub(crate) fn due_endpoints(app: &App, tenant: &Tenant) -> Result<Vec<String>, ApiError> {
    app.read_as(tenant, |scope| {
        let waiting: Vec<String> = webhook_deliveries::table
            .filter(webhook_deliveries::next_at.le(Some(scope.at)))
            .filter(webhook_deliveries::local_government_id.eq(&scope.lg))
            .select(webhook_deliveries::endpoint_id)
            .distinct()
            .load(scope.conn)?;
        Ok(webhook_endpoints::table
            .filter(webhook_endpoints::local_government_id.eq(&scope.lg))
            .filter(webhook_endpoints::id.eq_any(&waiting))
            .filter(webhook_endpoints::status.eq(EndpointStatus::Enabled.code()))
            .order(webhook_endpoints::id)
            .select(webhook_endpoints::id)
            .load(scope.conn)?)
    })
}

/// Takes the next due delivery of an endpoint.
///
/// # Errors
/// A database failure; then nothing is claimed.
pub(crate) fn claim(app: &App, tenant: &Tenant, endpoint_id: &str) -> Result<Option<Claimed>, ApiError> {
    app.write_as(tenant, Actor::system(), |scope| {
        let query = webhook_deliveries::table
            .filter(webhook_deliveries::local_government_id.eq(scope.lg.clone()))
            .filter(webhook_deliveries::endpoint_id.eq(endpoint_id.to_owned()))
            .filter(webhook_deliveries::next_at.le(Some(scope.at)))
            .order((webhook_deliveries::next_at, webhook_deliveries::id))
            .limit(1)
            .select((
                webhook_deliveries::id,
                webhook_deliveries::event_id,
                webhook_deliveries::body,
                webhook_deliveries::token,
            ));
        let due: Vec<(String, String, String, i64)> = locked!(skip &mut *scope.conn, query, |q, c| q.load(c))?;
        let Some((id, event_id, body, token)) = due.into_iter().next() else {
            return Ok(None);
        };
        let url: Option<String> = webhook_endpoints::table
            .find((&scope.lg, endpoint_id))
            .filter(webhook_endpoints::status.eq(EndpointStatus::Enabled.code()))
            .select(webhook_endpoints::url)
            .first(scope.conn)
            .optional()?;
        // Disabled meanwhile: it waits.
        let Some(url) = url else { return Ok(None) };
        diesel::update(webhook_deliveries::table.find((&scope.lg, &id)))
            .set((
                webhook_deliveries::state.eq("leased"),
                webhook_deliveries::token.eq(token + 1),
                webhook_deliveries::next_at.eq(Some(scope.at.plus_seconds(LEASE_SECONDS))),
            ))
            .execute(scope.conn)?;
        Ok(Some(Claimed {
            secrets: rows::secrets(scope, endpoint_id)?,
            id,
            endpoint_id: endpoint_id.to_owned(),
            event_id,
            url,
            body,
            token: token + 1,
            started_at: scope.at,
        }))
    })
}

/// Writes down what came of an attempt; whether the receiver took the event.
///
/// # Errors
/// A database failure; then the lease runs out and the event is sent again.
pub(crate) fn finish(app: &App, tenant: &Tenant, claimed: &Claimed, sent: &Sent) -> Result<bool, ApiError> {
    app.write_as(tenant, Actor::system(), |scope| {
        let attempts: Option<i32> = webhook_deliveries::table
            .find((&scope.lg, &claimed.id))
            .filter(webhook_deliveries::token.eq(claimed.token))
            .filter(webhook_deliveries::state.eq("leased"))
            .select(webhook_deliveries::attempts)
            .first(scope.conn)
            .optional()?;
        // Another worker took it over when the lease had run out.
        let Some(attempts) = attempts else { return Ok(false) };
        log(scope, claimed, sent)?;
        if matches!(sent, Sent::Answered { status: 200..=299, .. }) {
            end(scope, &claimed.id, "succeeded")?;
            diesel::update(webhook_endpoints::table.find((&scope.lg, &claimed.endpoint_id)))
                .set(webhook_endpoints::failing_since.eq(None::<Instant>))
                .execute(scope.conn)?;
            return Ok(true);
        }
        failed(scope, claimed, sent, attempts)?;
        Ok(false)
    })
}

fn failed(scope: &mut Scope<'_>, claimed: &Claimed, sent: &Sent, attempts: i32) -> Result<(), ApiError> {
    let endpoint = rows::find(scope, &Organizations::All, &claimed.endpoint_id)?;
    let wait = usize::try_from(attempts).ok().and_then(|nth| WAITS.get(nth).copied());
    match wait {
        None => end(scope, &claimed.id, "dead")?,
        Some(wait) => {
            let [chance] = scope.app.random.bytes::<1>();
            let wait = jitter(wait, chance).max(asked(sent)).min(MOST_WAIT);
            let next_at = scope.at.plus_seconds(wait);
            diesel::update(webhook_deliveries::table.find((&scope.lg, &claimed.id)))
                .set((
                    webhook_deliveries::state.eq("queued"),
                    webhook_deliveries::attempts.eq(attempts + 1),
                    webhook_deliveries::next_at.eq(Some(next_at)),
                ))
                .execute(scope.conn)?;
            if is_down(sent) {
                postpone(scope, &claimed.endpoint_id, next_at)?;
            }
        }
    }
    let since = endpoint.failing_since.unwrap_or(scope.at);
    diesel::update(webhook_endpoints::table.find((&scope.lg, &endpoint.id)))
        .set(webhook_endpoints::failing_since.eq(Some(since)))
        .execute(scope.conn)?;
    if matches!(sent, Sent::Answered { status: 410, .. }) {
        disable(scope, &endpoint, "410 Gone")
    } else if since.plus_seconds(PATIENCE_SECONDS) <= scope.at {
        disable(scope, &endpoint, "5 days of failed attempts")
    } else {
        Ok(())
    }
}

/// Seconds that the receiver asks to be left alone for, as it may when it is busy.
fn asked(sent: &Sent) -> i64 {
    match sent {
        Sent::Answered {
            status: 429 | 502 | 503 | 504,
            retry_after,
            ..
        } => retry_after.unwrap_or(0),
        _ => 0,
    }
}

/// Whether the others of the endpoint would fare alike.
const fn is_down(sent: &Sent) -> bool {
    matches!(
        sent,
        Sent::Failed(_)
            | Sent::Answered {
                status: 429 | 500..,
                ..
            }
    )
}

/// Up to 20 % more or less, so that what failed together does not return together.
fn jitter(seconds: i64, chance: u8) -> i64 {
    seconds * (80 + i64::from(chance) * 40 / 255) / 100
}

/// What waits for an endpoint that is down waits with the one that found out.
fn postpone(scope: &mut Scope<'_>, endpoint_id: &str, until: Instant) -> Result<(), ApiError> {
    diesel::update(
        webhook_deliveries::table
            .filter(webhook_deliveries::local_government_id.eq(&scope.lg))
            .filter(webhook_deliveries::endpoint_id.eq(endpoint_id))
            .filter(webhook_deliveries::state.eq("queued"))
            .filter(webhook_deliveries::next_at.lt(Some(until))),
    )
    .set(webhook_deliveries::next_at.eq(Some(until)))
    .execute(scope.conn)?;
    Ok(())
}

/// Disables an endpoint and asks its contact to look at it.
fn disable(scope: &mut Scope<'_>, endpoint: &EndpointRow, reason: &str) -> Result<(), ApiError> {
    diesel::update(webhook_endpoints::table.find((&scope.lg, &endpoint.id)))
        .set((
            webhook_endpoints::status.eq(EndpointStatus::AutoDisabled.code()),
            webhook_endpoints::disabled_reason.eq(Some(reason)),
        ))
        .execute(scope.conn)?;
    rows::touch(scope, &endpoint.id)?;
    cycles::ensure(
        scope,
        &Due {
            kind: ObligationKind::Webhook,
            subject_id: endpoint.id.clone(),
            organization_id: endpoint.organization_id.clone(),
            entry_id: None,
            on: scope.today + chrono::TimeDelta::days(LOOK_WITHIN_DAYS),
            known_cycle_days: None,
            starts_on: Some(scope.today),
            severe: false,
        },
    )?;
    scope.record(
        "webhook_endpoint.disabled",
        endpoint.subject(),
        json!({"reason": reason}),
    );
    Ok(())
}

fn end(scope: &mut Scope<'_>, id: &str, state: &str) -> Result<(), ApiError> {
    diesel::update(webhook_deliveries::table.find((&scope.lg, id)))
        .set((
            webhook_deliveries::state.eq(state),
            webhook_deliveries::next_at.eq(None::<Instant>),
            webhook_deliveries::done_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

fn log(scope: &mut Scope<'_>, claimed: &Claimed, sent: &Sent) -> Result<(), ApiError> {
    let last: Option<i32> = webhook_attempts::table
        .filter(webhook_attempts::local_government_id.eq(&scope.lg))
        .filter(webhook_attempts::delivery_id.eq(&claimed.id))
        .select(diesel::dsl::max(webhook_attempts::number))
        .first(scope.conn)?;
    let (status, text, error) = match sent {
        Sent::Answered { status, text, .. } => (Some(i32::from(*status)), Some(text), None),
        Sent::Failed(error) => (None, None, Some(error)),
    };
    diesel::insert_into(webhook_attempts::table)
        .values((
            webhook_attempts::local_government_id.eq(&scope.lg),
            webhook_attempts::delivery_id.eq(&claimed.id),
            webhook_attempts::number.eq(last.unwrap_or(0) + 1),
            webhook_attempts::started_at.eq(claimed.started_at),
            webhook_attempts::ended_at.eq(scope.at),
            webhook_attempts::response_status.eq(status),
            webhook_attempts::error.eq(error),
            webhook_attempts::response_text.eq(text),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Forgets the deliveries that ended long ago; answers how many.
///
/// # Errors
/// A database failure; finished batches stay.
pub(crate) fn prune(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let is_due = app.read_as(tenant, |scope| {
        let first: Option<String> = webhook_deliveries::table
            .filter(webhook_deliveries::local_government_id.eq(&scope.lg))
            .filter(webhook_deliveries::done_at.le(Some(scope.at.plus_seconds(-KEEP_SECONDS))))
            .select(webhook_deliveries::id)
            .first(scope.conn)
            .optional()?;
        Ok(first.is_some())
    })?;
    // A tick that has nothing to do takes no lock.
    if !is_due {
        return Ok(0);
    }
    let mut pruned = 0;
    loop {
        let taken = app.write_as(tenant, Actor::system(), |scope| {
            let ids: Vec<String> = webhook_deliveries::table
                .filter(webhook_deliveries::local_government_id.eq(&scope.lg))
                .filter(webhook_deliveries::done_at.le(Some(scope.at.plus_seconds(-KEEP_SECONDS))))
                .order((webhook_deliveries::done_at, webhook_deliveries::id))
                .limit(BATCH)
                .select(webhook_deliveries::id)
                .load(scope.conn)?;
            diesel::delete(
                webhook_attempts::table
                    .filter(webhook_attempts::local_government_id.eq(&scope.lg))
                    .filter(webhook_attempts::delivery_id.eq_any(&ids)),
            )
            .execute(scope.conn)?;
            diesel::delete(
                webhook_deliveries::table
                    .filter(webhook_deliveries::local_government_id.eq(&scope.lg))
                    .filter(webhook_deliveries::id.eq_any(&ids)),
            )
            .execute(scope.conn)?;
            Ok(ids.len())
        })?;
        pruned += taken;
        if i64::try_from(taken).unwrap_or(BATCH) < BATCH {
            return Ok(pruned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<i64>) -> Sent {
        Sent::Answered {
            status,
            retry_after,
            text: String::new(),
        }
    }

    #[test]
    fn a_receiver_that_is_busy_may_ask_for_time_and_one_that_refuses_may_not() {
        assert_eq!(asked(&answered(429, Some(90))), 90);
        assert_eq!(asked(&answered(503, None)), 0);
        assert_eq!(asked(&answered(400, Some(90))), 0);
        assert_eq!(asked(&Sent::Failed(String::new())), 0);
    }

    #[test]
    fn an_event_that_is_refused_does_not_hold_up_the_others() {
        for status in [400, 401, 404, 410, 422, 302] {
            assert!(!is_down(&answered(status, None)), "{status}");
        }
        for status in [429, 500, 502, 503] {
            assert!(is_down(&answered(status, None)), "{status}");
        }
        assert!(is_down(&Sent::Failed(String::new())));
    }

    #[test]
    fn waits_differ_by_a_fifth_at_most() {
        assert_eq!((jitter(100, 0), jitter(100, 255)), (80, 120));
    }
}
