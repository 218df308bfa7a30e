//! The journal, read: the timeline of an entry and the audit log of the local government. Both are views; nothing is
//! written here, and nothing can be changed ([`crate::journal`] appends and verifies).

mod checkpoints;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::on_tenant;
use crate::db::schema::{journal, journal_payloads};
use crate::entries::rows as entry_rows;
use crate::http::body::{Params, path_id};
use crate::http::caller::{Caller, Organizations, Permission, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};
use crate::people::planned;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(checkpoints::list_audit_log_checkpoints)
        .service(checkpoints::get_audit_log_keys)
        .service(list_audit_log)
        .service(list_entry_timeline);
}

/// An entry of the journal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JournalEntry {
    /// Its number, without gaps in a local government.
    pub seq: i64,
    /// When.
    pub at: Instant,
    /// What was done, such as `entry.transition_taken`; the list grows.
    pub action: String,
    /// To what kind of record.
    pub subject_type: String,
    /// To which one.
    pub subject_id: String,
    /// The organization it concerns.
    #[schema(required, format = Uuid)]
    pub organization_id: Option<String>,
    /// The register entry it concerns.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The API client that called.
    #[schema(required, format = Uuid)]
    pub client_id: Option<String>,
    /// The person in whose name it was done.
    #[schema(required, format = Uuid)]
    pub person_id: Option<String>,
    /// How: `api`, `link`, `session` or `system`.
    pub via: String,
    /// What was written; null when there was nothing, or after it was erased. Its shape goes with the action. Moves
    /// that are not announced yet are left out unless the token has `directory:write`.
    #[schema(required, value_type = Option<Object>)]
    pub payload: Option<serde_json::Value>,
    /// The hash that holds the chain together.
    pub hash: String,
}

page_of! {
    /// A page of the journal.
    JournalPage of JournalEntry
}

/// Filters of the audit log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditLogFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// This action.
    #[param(nullable = false, max_length = 60)]
    action: Option<String>,
    /// About a record of this kind.
    #[param(nullable = false, max_length = 60)]
    subject_type: Option<String>,
    /// About this record.
    #[param(nullable = false, max_length = 60)]
    subject_id: Option<String>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// In the name of this person.
    #[param(nullable = false, format = Uuid)]
    person_id: Option<String>,
    /// By this API client.
    #[param(nullable = false, format = Uuid)]
    client_id: Option<String>,
}

/// Where to read on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = journal)]
struct Row {
    seq: i64,
    at: Instant,
    action: String,
    subject_type: String,
    subject_id: String,
    organization_id: Option<String>,
    entry_id: Option<String>,
    actor_client_id: Option<String>,
    actor_person_id: Option<String>,
    via: String,
    hash: String,
}

impl Row {
    /// As shown to a caller; `hidden_on` is the day on which moves not announced by then are left out.
    fn wire(self, payload: Option<String>, hidden_on: Option<NaiveDate>) -> Result<JournalEntry, ApiError> {
        let mut payload: Option<serde_json::Value> = payload.map(|text| serde_json::from_str(&text)).transpose()?;
        if let Some(today) = hidden_on {
            payload = payload.and_then(|payload| planned::hide_in(payload, today));
        }
        Ok(JournalEntry {
            seq: self.seq,
            at: self.at,
            action: self.action,
            subject_type: self.subject_type,
            subject_id: self.subject_id,
            organization_id: self.organization_id,
            entry_id: self.entry_id,
            client_id: self.actor_client_id,
            person_id: self.actor_person_id,
            via: self.via,
            payload: payload.filter(|payload| !payload.is_null()),
            hash: self.hash,
        })
    }
}

/// Whose eyes the journal is read with.
#[derive(Clone, Copy)]
struct Reader<'r> {
    organizations: &'r Organizations,
    sees_planned_moves: bool,
}

impl<'r> Reader<'r> {
    fn of<P: Permission>(caller: &'r Caller<P>) -> Self {
        Self {
            organizations: &caller.organizations,
            sees_planned_moves: caller.sees_planned_moves(),
        }
    }
}

/// The entries of the journal that these filters leave, newest first, and one more than the limit; with where the
/// budget ended.
fn select(
    scope: &mut Scope<'_>,
    by: Reader<'_>,
    filter: &AuditLogFilter,
    entry_id: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<(Vec<JournalEntry>, Option<After>), ApiError> {
    let before = before.unwrap_or(i64::MAX);
    let mut query = journal::table
        .inner_join(journal_payloads::table.on(on_tenant!(journal.seq = journal_payloads.seq)))
        .filter(journal::local_government_id.eq(scope.lg.clone()))
        .filter(journal::seq.lt(before))
        .order(journal::seq.desc())
        .limit(limit + 1)
        .select((Row::as_select(), journal_payloads::body))
        .into_boxed();
    if let Some(ids) = by.organizations.list() {
        query = query.filter(journal::organization_id.eq_any(ids.iter().cloned().map(Some).collect::<Vec<_>>()));
    }
    if let Some(action) = &filter.action {
        query = query.filter(journal::action.eq(action.clone()));
    }
    if let Some(kind) = &filter.subject_type {
        query = query.filter(journal::subject_type.eq(kind.clone()));
    }
    if let Some(id) = &filter.subject_id {
        query = query.filter(journal::subject_id.eq(id.clone()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(journal::organization_id.eq(Some(id.clone())));
    }
    if let Some(id) = &filter.person_id {
        query = query.filter(journal::actor_person_id.eq(Some(id.clone())));
    }
    if let Some(id) = &filter.client_id {
        query = query.filter(journal::actor_client_id.eq(Some(id.clone())));
    }
    let mut bound = None;
    if let Some(id) = entry_id {
        // An index of its own answers.
        query = query.filter(journal::entry_id.eq(Some(id.to_owned())));
    } else {
        // The numbers have no gaps, so the budget is a matter of counting.
        let start = before.min(newest(scope)? + 1);
        let last = start - page::BUDGET;
        query = query.filter(journal::seq.ge(last));
        bound = (last > 1).then(|| place(last));
    }
    let rows: Vec<(Row, Option<String>)> = query.load(scope.conn)?;
    let hidden_on = (!by.sees_planned_moves).then_some(scope.today);
    let entries: Result<_, ApiError> = rows
        .into_iter()
        .map(|(row, payload)| row.wire(payload, hidden_on))
        .collect();
    Ok((entries?, bound))
}

fn newest(scope: &mut Scope<'_>) -> Result<i64, ApiError> {
    let newest: Option<i64> = journal::table
        .filter(journal::local_government_id.eq(&scope.lg))
        .order(journal::seq.desc())
        .select(journal::seq)
        .first(scope.conn)
        .optional()?;
    Ok(newest.unwrap_or(0))
}

fn place(seq: i64) -> After {
    After {
        key: String::new(),
        id: seq.to_string(),
    }
}

/// The number that a cursor stands at.
fn number(after: Option<After>) -> Result<Option<i64>, ApiError> {
    after
        .map(|after| after.id.parse().map_err(|_| ApiError::InvalidCursor))
        .transpose()
}

/// A page of the timeline of an entry that may be looked at, without moves that are not announced.
///
/// # Errors
/// 400 for a cursor of another list.
pub(crate) fn timeline(
    scope: &mut Scope<'_>,
    entry_id: &str,
    cursor: Option<&str>,
    limit: Option<i64>,
) -> Result<(Vec<JournalEntry>, Option<String>), ApiError> {
    let by = Reader {
        organizations: &Organizations::All,
        sees_planned_moves: false,
    };
    timeline_as(scope, by, entry_id, cursor, limit)
}

fn timeline_as(
    scope: &mut Scope<'_>,
    by: Reader<'_>,
    entry_id: &str,
    cursor: Option<&str>,
    limit: Option<i64>,
) -> Result<(Vec<JournalEntry>, Option<String>), ApiError> {
    let limit = page::limit(limit)?;
    let print = page::fingerprint("list_entry_timeline", &entry_id);
    let before = number(page::after(cursor, &print)?)?;
    let all = AuditLogFilter::default();
    let (entries, bound) = select(scope, by, &all, Some(entry_id), before, limit)?;
    Ok(page::cut(entries, limit, bound, &print, |entry: &JournalEntry| {
        place(entry.seq)
    }))
}

/// List the audit log
///
/// Every change in the local government, newest first. A page that looked through 5,000 entries comes back short with
/// `next_cursor`.
#[utoipa::path(tag = "audit", params(AuditLogFilter), security(("oauth2" = ["audit_log:read"])), responses(
    (status = 200, description = "監査ログ / A page of the audit log", body = JournalPage), Problems))]
#[get("/audit-log")]
async fn list_audit_log(
    caller: Caller<scope::AuditLogRead>,
    request: HttpRequest,
    Params(filter): Params<AuditLogFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_audit_log", &unpaged);
            let before = number(page::after(filter.cursor.as_deref(), &print)?)?;
            let (entries, bound) = select(scope, Reader::of(caller), &filter, None, before, limit)?;
            let (items, next) = page::cut(entries, limit, bound, &print, |entry: &JournalEntry| place(entry.seq));
            page::answer(&path, &query, &JournalPage::new((items, next.clone())), next.as_deref())
        })
        .await
}

/// List the timeline of an entry
///
/// Everything that was done to it and around it, newest first.
#[utoipa::path(tag = "entries", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid), TimelineFilter),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "経過 / A page of the timeline", body = JournalPage), Problems))]
#[get("/entries/{entry_id}/timeline")]
async fn list_entry_timeline(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<TimelineFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let organizations = &caller.organizations;
            let sees_planned_moves = caller.sees_planned_moves();
            let by = Reader {
                organizations,
                sees_planned_moves,
            };
            let (items, next) = timeline_as(scope, by, &entry.id, filter.cursor.as_deref(), filter.limit)?;
            page::answer(&path, &query, &JournalPage::new((items, next.clone())), next.as_deref())
        })
        .await
}
