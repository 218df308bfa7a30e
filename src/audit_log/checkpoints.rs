//! The signed checkpoints of the journal, and the public keys that verify them.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{number, place};
use crate::clock::Instant;
use crate::db::schema::journal_checkpoints;
use crate::http::answer::Answer;
use crate::http::body::Params;
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, page_of};
use crate::journal::checkpoint;

/// What the head of the journal was at the end of a day, signed.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable)]
#[diesel(table_name = journal_checkpoints)]
pub struct JournalCheckpoint {
    /// The number of the last entry.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// The last day with an entry.
    pub day: NaiveDate,
    /// The key that signed.
    pub kid: String,
    /// The signature, a compact JWS (RFC 7515, ES256) over tenant, number, hash and day.
    pub jws: String,
    /// When it was signed.
    pub created_at: Instant,
}

page_of! {
    /// A page of checkpoints.
    JournalCheckpointPage of JournalCheckpoint
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditKeySet {
    /// Public keys, the oldest first.
    #[schema(value_type = Vec<Object>)]
    pub keys: serde_json::Value,
}

/// Where to read on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CheckpointFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// List the checkpoints of the journal
///
/// Newest first. Whoever keeps them elsewhere can prove later that nothing before them was rewritten.
#[utoipa::path(tag = "audit", params(CheckpointFilter), security(("oauth2" = ["audit_log:read"])), responses(
    (status = 200, description = "署名した確定点の一覧 / A page of checkpoints", body = JournalCheckpointPage), Problems))]
#[get("/audit-log/checkpoints")]
pub(super) async fn list_audit_log_checkpoints(
    caller: Caller<scope::AuditLogRead>,
    request: HttpRequest,
    Params(filter): Params<CheckpointFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |_, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_audit_log_checkpoints", &"");
            let before = number(page::after(filter.cursor.as_deref(), &print)?)?;
            let found: Vec<JournalCheckpoint> = journal_checkpoints::table
                .filter(journal_checkpoints::local_government_id.eq(&scope.lg))
                .filter(journal_checkpoints::seq.lt(before.unwrap_or(i64::MAX)))
                .order(journal_checkpoints::seq.desc())
                .limit(limit + 1)
                .select(JournalCheckpoint::as_select())
                .load(scope.conn)?;
            let (items, next) = page::cut(found, limit, None, &print, |one: &JournalCheckpoint| place(one.seq));
            let page = JournalCheckpointPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get the keys of the checkpoints
///
/// The public halves of every key that ever signed, as a JSON Web Key Set. Keep a copy of your own: `kakunin verify-audit`
/// trusts the keys that it is given.
#[utoipa::path(tag = "audit", security(("oauth2" = ["audit_log:read"])), responses(
    (status = 200, description = "検証用の公開鍵 / The public keys", body = AuditKeySet), Problems))]
#[get("/audit-log/keys")]
pub(super) async fn get_audit_log_keys(caller: Caller<scope::AuditLogRead>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |_, scope| {
            let set = checkpoint::key_set(scope.conn)?;
            let keys = set.get("keys").cloned().unwrap_or_default();
            Answer::ok(&AuditKeySet { keys })
        })
        .await
}
