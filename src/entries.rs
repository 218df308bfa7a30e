//! Register entries (台帳) of every kind: the cross-register ledger and what the kinds share.
//!
//! One thing under governance lives once in `entries`; what differs lives in the extension of its kind
//! ([`crate::engagements`], [`crate::cloud_services`], [`crate::social_media_accounts`]). Clauses, risk and due dates of
//! an entry follow in [`state`].

mod dates;
pub(crate) mod list;
pub(crate) mod rows;
pub(crate) mod state;
pub(crate) mod upsert;
pub mod wire;

use actix_web::{HttpResponse, get, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{App, Tenant};
use crate::db::schema::entries;
use crate::http::answer::Answer;
use crate::http::body::path_id;
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::journal::Actor;
use wire::Entry;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list::list_entries).service(get_entry);
}

/// Get an entry
///
/// What every kind has; the fields of its kind are at `/engagements/…`, `/cloud-services/…` or
/// `/social-media-accounts/…` with the same id.
#[utoipa::path(tag = "entries", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "台帳の1件 / The entry", body = Entry, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/entries/{entry_id}")]
async fn get_entry(caller: Caller<scope::EntriesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let entry = rows::complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)?;
            Ok(Answer::ok(&entry)?.version(entry.version))
        })
        .await
}

/// How many entries one step of the reconciler takes.
const STEP: i64 = 100;

/// Assesses again what time alone has changed (design §9), a transaction per step; answers how many entries.
///
/// # Errors
/// A database failure; finished steps stay.
pub(crate) fn reassess_due(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut done = 0;
    loop {
        let step = app.write_as(tenant, Actor::system(), |scope| {
            let due: Vec<String> = entries::table
                .filter(entries::holds_until_on.le(Some(scope.today)))
                .filter(entries::local_government_id.eq(&scope.lg))
                .order(entries::holds_until_on)
                .limit(STEP)
                .select(entries::id)
                .load(scope.conn)?;
            for id in &due {
                state::refresh(scope, id, "time")?;
                // Whatever the rules say next, a day is never assessed twice for the same reason.
                diesel::update(entries::table.find((&scope.lg, id)))
                    .filter(entries::holds_until_on.le(Some(scope.today)))
                    .set(entries::holds_until_on.eq(None::<NaiveDate>))
                    .execute(scope.conn)?;
            }
            Ok(due.len())
        })?;
        done += step;
        if i64::try_from(step).unwrap_or(0) < STEP {
            return Ok(done);
        }
    }
}
