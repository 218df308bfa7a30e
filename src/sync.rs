//! What other systems follow: `/changes` brings a copy up to date, `/events` tells what happened.
//!
//! Both read the journal by its numbers, which are given under a lock as the last act of each transaction: whoever has
//! read up to a number has missed nothing, whatever wrote at the same time. A cursor holds for 90 days. The same events
//! are sent to receivers by [`crate::webhooks`]; what is published as an event says [`crate::domain::event`].

mod changes;
pub(crate) mod events;
mod wire;

use actix_web::{HttpRequest, HttpResponse, get};
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::journal;
use crate::http::body::Params;
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page;

pub use wire::{Change, ChangeOp, ChangePage, ChangeType, DeleteReason, Event, EventData, EventPage, GateChange};
use wire::{ChangeFilter, EventFilter};

/// How long a cursor holds.
const KEEP_SECONDS: i64 = 90 * 24 * 3600;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_changes).service(list_events);
}

/// Follow what changes
///
/// Without `cursor` the records as they are come first, type by type, then what changes from there on, in the order in
/// which it happened. Keep `next_cursor` and ask again with it: a reader that applies every item in turn ends with
/// exactly what the lists show. An item may come twice. Records that were archived, or that this token may no longer
/// see, come as `delete`. 410 `cursor_expired` after 90 days: begin again without `cursor`.
///
/// Needs the reading scope of each type beside `sync:read`: `contractors:read` for contractors, `entries:read` for
/// engagements, cloud services and social-media accounts, `directory:read` for organizations and departments; without
/// `types` come those that the token may read. People and posts are not here: what is shown of them depends on the day.
#[utoipa::path(tag = "sync", params(ChangeFilter), security(("oauth2" = ["sync:read"])), responses(
    (status = 200, description = "変更の一覧 / A page of changes", body = ChangePage), Problems))]
#[get("/changes")]
async fn list_changes(
    caller: Caller<scope::SyncRead>,
    request: HttpRequest,
    Params(filter): Params<ChangeFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let page = changes::page(scope, caller, &filter, &path)?;
            page::answer(&path, &query, &page, Some(&page.next_cursor))
        })
        .await
}

/// Follow what happened
///
/// The events that webhooks send, for clients that cannot be called: those of the last 90 days, oldest first. Keep
/// `next_cursor` and ask again with it. 410 `cursor_expired` after 90 days: begin again without `cursor`.
#[utoipa::path(tag = "sync", params(EventFilter), security(("oauth2" = ["sync:read"])), responses(
    (status = 200, description = "イベントの一覧 / A page of events", body = EventPage), Problems))]
#[get("/events")]
async fn list_events(
    caller: Caller<scope::SyncRead>,
    request: HttpRequest,
    Params(filter): Params<EventFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let page = events::page(scope, caller, &filter, &path)?;
            page::answer(&path, &query, &page, Some(&page.next_cursor))
        })
        .await
}

/// The number of the last journal entry that the transaction sees.
fn head(scope: &mut Scope<'_>) -> Result<i64, ApiError> {
    use crate::db::schema::journal_heads;
    Ok(journal_heads::table
        .find(&scope.lg)
        .select(journal_heads::seq)
        .first(scope.conn)?)
}

/// A position is lost once the entry after it is older than cursors hold.
///
/// # Errors
/// 410 with the address to begin again at.
fn check_age(scope: &mut Scope<'_>, position: i64, restart: &str) -> Result<(), ApiError> {
    let next: Option<crate::clock::Instant> = journal::table
        .find((&scope.lg, position + 1))
        .select(journal::at)
        .first(scope.conn)
        .optional()?;
    match next {
        Some(at) if at < scope.at.plus_seconds(-KEEP_SECONDS) => Err(ApiError::CursorExpired(restart.to_owned())),
        _ => Ok(()),
    }
}
