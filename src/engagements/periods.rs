//! The periods (契約期間) of an engagement: each with contract number, dates and amount. What is agreed belongs to a
//! period, what is verified to the engagement.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, put, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::KIND;
use super::wire::{Period, PeriodCreate, PeriodPage, PeriodPatch, PeriodPut};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::engagement_periods;
use crate::entries::rows::EntryRow;
use crate::entries::{rows as entry_rows, state, upsert};
use crate::external_ids::{self, ExternalId};
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, clean_line, clean_lines, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, UpsertProblems, WriteProblems};
use crate::http::page::{self, After};
use crate::http::upsert::{Expected, Upsert};

const RESOURCE: &str = "engagement_period";

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_engagement_periods)
        .service(create_engagement_period)
        .service(get_engagement_period)
        .service(update_engagement_period)
        .service(upsert_engagement_period_by_external_id);
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = engagement_periods)]
struct PeriodRow {
    id: String,
    engagement_id: String,
    sequence: i32,
    contract_number: Option<String>,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    notice_deadline_on: Option<NaiveDate>,
    amount_jpy: Option<i64>,
    auto_renewal: bool,
    note: Option<String>,
    version: i64,
    updated_at: Instant,
}

fn complete(scope: &mut Scope<'_>, rows: Vec<PeriodRow>) -> Result<Vec<Period>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut external = external_ids::of(scope, RESOURCE, &ids)?;
    Ok(rows
        .into_iter()
        .map(|row| Period {
            external_ids: external.remove(&row.id).unwrap_or_default(),
            id: row.id,
            engagement_id: row.engagement_id,
            sequence: row.sequence,
            contract_number: row.contract_number,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            notice_deadline_on: row.notice_deadline_on,
            amount_jpy: row.amount_jpy,
            auto_renewal: row.auto_renewal,
            note: row.note,
            version: row.version,
            updated_at: row.updated_at,
        })
        .collect())
}

/// These periods by id, with two queries.
pub(super) fn by_id(scope: &mut Scope<'_>, ids: &[String]) -> Result<BTreeMap<String, Period>, ApiError> {
    let rows: Vec<PeriodRow> = engagement_periods::table
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::id.eq_any(ids))
        .select(PeriodRow::as_select())
        .load(scope.conn)?;
    Ok(complete(scope, rows)?
        .into_iter()
        .map(|period| (period.id.clone(), period))
        .collect())
}

fn check(starts_on: NaiveDate, ends_on: NaiveDate, notice: Option<NaiveDate>, at: &str) -> Result<(), ApiError> {
    let mut errors = vec![];
    if ends_on < starts_on {
        errors.push(FieldError::new(
            &format!("{at}/ends_on"),
            "date_order",
            "終了日は開始日以降にしてください。",
            "The last day must not be before the first.",
        ));
    }
    if notice.is_some_and(|on| on > ends_on) {
        errors.push(FieldError::new(
            &format!("{at}/notice_deadline_on"),
            "date_order",
            "通知期限は終了日以前にしてください。",
            "The notice deadline must not be after the last day.",
        ));
    }
    ApiError::unless_empty(errors)
}

/// Cleans the texts of a period.
fn clean(contract_number: &mut Option<String>, note: &mut Option<String>, at: &str) -> Result<(), ApiError> {
    let mut errors = vec![];
    clean_line(contract_number, &format!("{at}/contract_number"), 100, &mut errors);
    clean_lines(note, &format!("{at}/note"), 1000, &mut errors);
    ApiError::unless_empty(errors)
}

/// Inserts the next period of an engagement; `at` is where it stands in the request.
pub(crate) fn insert(
    scope: &mut Scope<'_>,
    engagement_id: &str,
    mut new: PeriodCreate,
    at: &str,
) -> Result<String, ApiError> {
    check(new.starts_on, new.ends_on, new.notice_deadline_on, at)?;
    clean(&mut new.contract_number, &mut new.note, at)?;
    let last: Option<i32> = engagement_periods::table
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::engagement_id.eq(engagement_id))
        .select(diesel::dsl::max(engagement_periods::sequence))
        .first(scope.conn)?;
    let id = scope.new_id();
    diesel::insert_into(engagement_periods::table)
        .values((
            engagement_periods::local_government_id.eq(&scope.lg),
            engagement_periods::id.eq(&id),
            engagement_periods::engagement_id.eq(engagement_id),
            engagement_periods::sequence.eq(last.unwrap_or(0) + 1),
            engagement_periods::contract_number.eq(&new.contract_number),
            engagement_periods::starts_on.eq(new.starts_on),
            engagement_periods::ends_on.eq(new.ends_on),
            engagement_periods::notice_deadline_on.eq(new.notice_deadline_on),
            engagement_periods::amount_jpy.eq(new.amount_jpy),
            engagement_periods::auto_renewal.eq(new.auto_renewal),
            engagement_periods::note.eq(&new.note),
            engagement_periods::version.eq(1),
            engagement_periods::created_at.eq(scope.at),
            engagement_periods::created_by.eq(scope.by()),
            engagement_periods::updated_at.eq(scope.at),
            engagement_periods::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    external_ids::replace(scope, RESOURCE, &id, &new.external_ids)?;
    Ok(id)
}

/// Where to read on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeriodFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// List the periods of an engagement
///
/// In the order of registration.
#[utoipa::path(tag = "engagements",
    params(("engagement_id" = String, Path, description = "業務委託のID", format = Uuid), PeriodFilter),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "契約期間の一覧 / A page of periods", body = PeriodPage), Problems))]
#[get("/engagements/{engagement_id}/periods")]
async fn list_engagement_periods(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<PeriodFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let entry = entry_rows::find_kind(scope, &caller.organizations, KIND, &path_id(&id)?)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_engagement_periods", &entry.id);
            let start = match page::after(filter.cursor.as_deref(), &print)? {
                Some(after) => after.key.parse::<i32>().map_err(|_| ApiError::InvalidCursor)?,
                None => 0,
            };
            let rows: Vec<PeriodRow> = engagement_periods::table
                .filter(engagement_periods::local_government_id.eq(&scope.lg))
                .filter(engagement_periods::engagement_id.eq(&entry.id))
                .filter(engagement_periods::sequence.gt(start))
                .order(engagement_periods::sequence)
                .limit(limit + 1)
                .select(PeriodRow::as_select())
                .load(scope.conn)?;
            let (rows, next) = page::cut(rows, limit, None, &print, |row: &PeriodRow| After {
                key: row.sequence.to_string(),
                id: row.id.clone(),
            });
            let items = complete(scope, rows)?;
            page::answer(&path, &query, &PeriodPage::new((items, next.clone())), next.as_deref())
        })
        .await
}

/// Add a period
///
/// What was agreed in the period before does not carry over: each contract agrees its clauses anew.
#[utoipa::path(tag = "engagements", request_body = PeriodCreate,
    params(("engagement_id" = String, Path, description = "業務委託のID", format = Uuid)),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 201, description = "契約期間 / The period", body = Period,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/engagements/{engagement_id}/periods")]
async fn create_engagement_period(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    Body(new): Body<PeriodCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = entry_rows::find_kind(scope, &caller.organizations, KIND, &path_id(&id)?)?;
            entry_rows::require_live(&entry)?;
            let period = add(scope, &entry, new)?;
            let location = format!("/api/v1/engagement-periods/{}", period.id);
            Ok(Answer::created(location, &period)?.version(period.version))
        })
        .await
}

/// Adds a period to an engagement; due dates follow.
fn add(scope: &mut Scope<'_>, entry: &EntryRow, new: PeriodCreate) -> Result<Period, ApiError> {
    let id = insert(scope, &entry.id, new, "")?;
    entry_rows::touch(scope, &entry.id)?;
    state::refresh(scope, &entry.id, "period_added")?;
    let period = one(scope, &id)?;
    scope.record(
        "engagement.period_added",
        entry.subject(),
        serde_json::to_value(&period)?,
    );
    Ok(period)
}

fn one(scope: &mut Scope<'_>, id: &str) -> Result<Period, ApiError> {
    by_id(scope, &[id.to_owned()])?.remove(id).ok_or(ApiError::NotFound)
}

/// Get a period
///
/// Its days, notice deadline and contract.
#[utoipa::path(tag = "engagements",
    params(("engagement_period_id" = String, Path, description = "契約期間のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "契約期間 / The period", body = Period, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/engagement-periods/{engagement_period_id}")]
async fn get_engagement_period(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let period = one(scope, &path_id(&id)?)?;
            entry_rows::find(scope, &caller.organizations, &period.engagement_id)?;
            Ok(Answer::ok(&period)?.version(period.version))
        })
        .await
}

/// Change a period
///
/// A moved end moves the contract end, its notice deadline and, if need be, the round; mails planned for the old dates
/// are cancelled.
#[utoipa::path(tag = "engagements", request_body(content(
        (PeriodPatch = "application/json"), (PeriodPatch = "application/merge-patch+json"))),
    params(("engagement_period_id" = String, Path, description = "契約期間のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "変更後の契約期間 / The period", body = Period, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/engagement-periods/{engagement_period_id}")]
async fn update_engagement_period(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    patch: Patch<PeriodPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let period = one(scope, &path_id(&id)?)?;
            let entry = entry_rows::find(scope, &caller.organizations, &period.engagement_id)?;
            if_match.check(period.version, caller.lang)?;
            entry_rows::require_live(&entry)?;
            let period = change(scope, &entry, period, &patch)?;
            Ok(Answer::ok(&period)?.version(period.version))
        })
        .await
}

/// Changes a period; due dates follow.
fn change(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    mut period: Period,
    patch: &Patch<PeriodPatch>,
) -> Result<Period, ApiError> {
    let id = period.id.clone();
    let set = patch.set.clone();
    Patch::<()>::value(&mut period.starts_on, set.starts_on);
    Patch::<()>::value(&mut period.ends_on, set.ends_on);
    Patch::<()>::value(&mut period.auto_renewal, set.auto_renewal);
    patch.nullable(&mut period.contract_number, set.contract_number, "contract_number");
    patch.nullable(
        &mut period.notice_deadline_on,
        set.notice_deadline_on,
        "notice_deadline_on",
    );
    patch.nullable(&mut period.amount_jpy, set.amount_jpy, "amount_jpy");
    patch.nullable(&mut period.note, set.note, "note");
    check(period.starts_on, period.ends_on, period.notice_deadline_on, "")?;
    clean(&mut period.contract_number, &mut period.note, "")?;
    diesel::update(engagement_periods::table.find((&scope.lg, &id)))
        .set((
            engagement_periods::contract_number.eq(&period.contract_number),
            engagement_periods::starts_on.eq(period.starts_on),
            engagement_periods::ends_on.eq(period.ends_on),
            engagement_periods::notice_deadline_on.eq(period.notice_deadline_on),
            engagement_periods::amount_jpy.eq(period.amount_jpy),
            engagement_periods::auto_renewal.eq(period.auto_renewal),
            engagement_periods::note.eq(&period.note),
            engagement_periods::version.eq(engagement_periods::version + 1),
            engagement_periods::updated_at.eq(scope.at),
            engagement_periods::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    if let Some(external) = &set.external_ids {
        external_ids::replace(scope, RESOURCE, &id, external)?;
    }
    entry_rows::touch(scope, &entry.id)?;
    state::refresh(scope, &entry.id, "period_changed")?;
    let period = one(scope, &id)?;
    scope.record(
        "engagement.period_changed",
        entry.subject(),
        serde_json::to_value(&period)?,
    );
    Ok(period)
}

/// Create or change a period by an external id
///
/// Created for `engagement_id` when the key is new; then that is needed. One that is there is changed: what is not sent,
/// or is null, stays; another `engagement_id` is refused (422 `immutable_field`). A body that says nothing new changes
/// nothing.
#[utoipa::path(tag = "engagements", request_body = PeriodPut,
    params(("system" = String, Path, description = "外部システム / the other system", pattern = "^[a-z][a-z0-9_-]{1,31}$"),
           ("value" = String, Path, description = "そのキー / its key there", min_length = 1, max_length = 128)),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "登録済みの契約期間 / The period that was there", body = Period,
     headers(("ETag" = String, description = "版 / its version"))),
    (status = 201, description = "登録した契約期間 / The new period", body = Period,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems, UpsertProblems))]
#[put("/engagement-periods/by-external-id/{system}/{value}")]
async fn upsert_engagement_period_by_external_id(
    caller: Caller<scope::EntriesWrite>,
    path: web::Path<(String, String)>,
    mut sent: Upsert<PeriodPut, PeriodPatch>,
    expected: Expected,
) -> Result<HttpResponse, ApiError> {
    let key = ExternalId::of_path(path.into_inner())?;
    caller
        .write(move |caller, scope| {
            let Some(id) = external_ids::find(scope, RESOURCE, &key)? else {
                expected.check_absent()?;
                let (engagement_id, mut new) = sent.create.split()?;
                let entry = engagement(scope, &caller.organizations, &engagement_id)?;
                entry_rows::require_live(&entry)?;
                new.external_ids = ExternalId::joined(new.external_ids, Some(&key));
                let period = add(scope, &entry, new)?;
                let location = format!("/api/v1/engagement-periods/{}", period.id);
                return Ok(Answer::created(location, &period)?.version(period.version));
            };
            let mut period = one(scope, &id)?;
            let entry = entry_rows::find(scope, &caller.organizations, &period.engagement_id)?;
            expected.check_there(period.version, caller.lang)?;
            if sent.create.engagement_id.as_ref().is_some_and(|id| *id != entry.id) {
                return Err(ApiError::Validation(vec![upsert::immutable("/engagement_id")]));
            }
            entry_rows::require_live(&entry)?;
            let same = upsert::complete_keys(&period.external_ids, &mut sent.change.set.external_ids, &key);
            if !same || !sent.says_nothing_new(&period)? {
                period = change(scope, &entry, period, &sent.change)?;
            }
            Ok(Answer::ok(&period)?.version(period.version))
        })
        .await
}

/// The engagement that a body names.
fn engagement(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<EntryRow, ApiError> {
    entry_rows::find_kind(scope, allowed, KIND, id).map_err(|error| match error {
        ApiError::NotFound => ApiError::Validation(vec![FieldError::reference("/engagement_id")]),
        other => other,
    })
}
