//! Engagements (業務委託): the contracted work, its contractor, its periods and candidates.
//!
//! What an engagement shares with the other kinds is [`crate::entries`]; the company is [`crate::contractors`]. Periods
//! are in [`periods`].

pub mod periods;
mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::contractors;
use crate::db::schema::engagements;
use crate::domain::vocabulary::{Kind, LegalForm, Phase};
use crate::entries::list::{EntryFilter, select_page};
use crate::entries::rows::EntryRow;
use crate::entries::{rows as entry_rows, state, upsert};
use crate::external_ids::ExternalId;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{PreconditionProblems, Problems, UpsertProblems, WriteProblems};
use crate::http::page;
use crate::http::upsert::{Expected, Upsert};
use wire::{Engagement, EngagementCreate, EngagementPage, EngagementPatch};

const KIND: Kind = Kind::ContractorEngagement;

pub(crate) use rows::complete;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_engagements)
        .service(create_engagement)
        .service(get_engagement)
        .service(update_engagement)
        .service(archive_engagement)
        .service(upsert_engagement_by_external_id)
        .configure(periods::routes);
}

/// List engagements
///
/// The entries of this kind with their contractor and current period; filters and orders are those of `/entries`.
#[utoipa::path(tag = "engagements", params(EntryFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "業務委託の一覧 / A page of engagements", body = EngagementPage), Problems))]
#[get("/engagements")]
async fn list_engagements(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    Params(filter): Params<EntryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, filter)?;
            page::answer(
                &path,
                &query,
                &EngagementPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// A page of the list and where it goes on.
///
/// # Errors
/// 400 for a filter that cannot be.
pub(crate) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: EntryFilter,
) -> Result<(Vec<Engagement>, Option<String>), ApiError> {
    let filter = filter.of_kind(KIND)?;
    let (found, next) = select_page(scope, allowed, &filter, "list_engagements")?;
    Ok((rows::complete(scope, found)?, next))
}

/// Register an engagement
///
/// Draft by default. With `registered_as_existing` a running contract enters in its true state, with its period.
#[utoipa::path(tag = "engagements", request_body = EngagementCreate, security(("oauth2" = ["entries:write"])), responses(
    (status = 201, description = "登録した業務委託 / The engagement", body = Engagement,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/engagements")]
async fn create_engagement(
    caller: Caller<scope::EntriesWrite>,
    Body(new): Body<EngagementCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let engagement = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/engagements/{}", engagement.entry.id);
            Ok(Answer::created(location, &engagement)?.version(engagement.entry.version))
        })
        .await
}

/// Registers an engagement with its first period; clauses, risk and due dates follow.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: EngagementCreate,
) -> Result<Engagement, ApiError> {
    if let Some(contractor) = &new.contractor_id {
        contractors::require(scope, contractor, "/contractor_id")?;
    }
    let contracted = new
        .status
        .is_some_and(|status| matches!(status.phase(), Phase::Active | Phase::Closing));
    if contracted && new.contractor_id.is_none() {
        return Err(required(
            "/contractor_id",
            "委託事業者を指定してください。",
            "Name the contractor.",
        ));
    }
    if contracted && new.period.is_none() {
        return Err(required(
            "/period",
            "契約期間を入れてください。",
            "Give the period of the contract.",
        ));
    }
    let id = entry_rows::insert(scope, allowed, KIND, &new.entry())?;
    diesel::insert_into(engagements::table)
        .values((
            engagements::local_government_id.eq(&scope.lg),
            engagements::id.eq(&id),
            engagements::contractor_id.eq(&new.contractor_id),
            engagements::legal_form.eq(rows::word(&new.legal_form.unwrap_or(LegalForm::Contract))?),
            engagements::procurement_method.eq(new.procurement_method.as_ref().map(rows::word).transpose()?),
        ))
        .execute(scope.conn)?;
    rows::replace_candidates(scope, &id, &new.organization_id, &new.candidates)?;
    if let Some(period) = new.period {
        periods::insert(scope, &id, period, "/period")?;
    }
    state::refresh(scope, &id, "created")?;
    let engagement = find(scope, allowed, &id)?;
    let row = entry_rows::find(scope, allowed, &id)?;
    scope.record("engagement.created", row.subject(), serde_json::to_value(&engagement)?);
    Ok(engagement)
}

fn required(pointer: &str, ja: &str, en: &str) -> ApiError {
    ApiError::field(pointer, "required", ja, en)
}

/// An engagement that the caller may touch.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<Engagement, ApiError> {
    let row = entry_rows::find_kind(scope, allowed, KIND, id)?;
    rows::complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

/// Get an engagement
///
/// With its contractor, current period and candidates.
#[utoipa::path(tag = "engagements", params(("engagement_id" = String, Path, description = "業務委託のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "業務委託 / The engagement", body = Engagement, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/engagements/{engagement_id}")]
async fn get_engagement(caller: Caller<scope::EntriesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let engagement = find(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&engagement)?.version(engagement.entry.version))
        })
        .await
}

/// Change an engagement
///
/// Facts merge key by key; when they change, clauses, risk and due dates follow in the same transaction.
#[utoipa::path(tag = "engagements", request_body(content(
        (EngagementPatch = "application/json"), (EngagementPatch = "application/merge-patch+json"))),
    params(("engagement_id" = String, Path, description = "業務委託のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "変更後の業務委託 / The engagement", body = Engagement, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/engagements/{engagement_id}")]
async fn update_engagement(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    patch: Patch<EngagementPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = find(scope, &caller.organizations, &path_id(&id)?)?;
            let row = entry_rows::find(scope, &caller.organizations, &before.entry.id)?;
            if_match.check(row.version, caller.lang)?;
            entry_rows::require_live(&row)?;
            let engagement = change(scope, &caller.organizations, row, before, &patch)?;
            Ok(Answer::ok(&engagement)?.version(engagement.entry.version))
        })
        .await
}

/// Changes an engagement; clauses, risk and due dates follow.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn change(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    row: EntryRow,
    before: Engagement,
    patch: &Patch<EngagementPatch>,
) -> Result<Engagement, ApiError> {
    let (id, organization_id) = (row.id.clone(), row.organization_id.clone());
    let mut contractor = before.contractor_id;
    patch.nullable(&mut contractor, patch.set.contractor_id.clone(), "contractor_id");
    if let Some(contractor) = &contractor {
        contractors::require(scope, contractor, "/contractor_id")?;
    }
    let mut method = before.procurement_method;
    patch.nullable(&mut method, patch.set.procurement_method, "procurement_method");
    entry_rows::update(scope, row, patch.set.entry(), patch)?;
    diesel::update(engagements::table.find((&scope.lg, &id)))
        .set((
            engagements::contractor_id.eq(contractor),
            engagements::legal_form.eq(rows::word(&patch.set.legal_form.unwrap_or(before.legal_form))?),
            engagements::procurement_method.eq(method.as_ref().map(rows::word).transpose()?),
        ))
        .execute(scope.conn)?;
    if let Some(candidates) = &patch.set.candidates {
        rows::replace_candidates(scope, &id, &organization_id, candidates)?;
    }
    state::refresh(scope, &id, "changed")?;
    let engagement = find(scope, allowed, &id)?;
    let row = entry_rows::find(scope, allowed, &id)?;
    scope.record("engagement.updated", row.subject(), serde_json::to_value(&engagement)?);
    Ok(engagement)
}

/// Create or change an engagement by an external id
///
/// Created when the key is new. One that is there is changed: what is not sent, or is null, stays, and `status`,
/// `registered_as_existing`, `started_on` and `period` count at the creation only. Another `organization_id` or
/// `control_number` is refused (422 `immutable_field`); a body that says nothing new changes nothing.
#[utoipa::path(tag = "engagements", request_body = EngagementCreate,
    params(("system" = String, Path, description = "外部システム / the other system", pattern = "^[a-z][a-z0-9_-]{1,31}$"),
           ("value" = String, Path, description = "そのキー / its key there", min_length = 1, max_length = 128)),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "登録済みの業務委託 / The engagement that was there", body = Engagement,
     headers(("ETag" = String, description = "版 / its version"))),
    (status = 201, description = "登録した業務委託 / The new engagement", body = Engagement,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems, UpsertProblems))]
#[put("/engagements/by-external-id/{system}/{value}")]
async fn upsert_engagement_by_external_id(
    caller: Caller<scope::EntriesWrite>,
    path: web::Path<(String, String)>,
    mut sent: Upsert<EngagementCreate, EngagementPatch>,
    expected: Expected,
) -> Result<HttpResponse, ApiError> {
    let key = ExternalId::of_path(path.into_inner())?;
    caller
        .write(move |caller, scope| {
            let allowed = &caller.organizations;
            let Some(row) = upsert::recognised(scope, allowed, KIND, &key)? else {
                expected.check_absent()?;
                sent.create.external_ids = ExternalId::joined(sent.create.external_ids, Some(&key));
                let engagement = create(scope, allowed, sent.create)?;
                let location = format!("/api/v1/engagements/{}", engagement.entry.id);
                return Ok(Answer::created(location, &engagement)?.version(engagement.entry.version));
            };
            expected.check_there(row.version, caller.lang)?;
            upsert::check_same(&row, &sent.create.entry())?;
            entry_rows::require_live(&row)?;
            let mut engagement = find(scope, allowed, &row.id)?;
            let same = upsert::complete_keys(&engagement.entry.external_ids, &mut sent.change.set.external_ids, &key);
            if !same || !sent.says_nothing_new(&engagement)? {
                engagement = change(scope, allowed, row, engagement, &sent.change)?;
            }
            Ok(Answer::ok(&engagement)?.version(engagement.entry.version))
        })
        .await
}

/// Archive an engagement
///
/// A draft or a finished one; 409 `open_items_remain` otherwise.
#[utoipa::path(tag = "engagements",
    params(("engagement_id" = String, Path, description = "業務委託のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/engagements/{engagement_id}")]
async fn archive_engagement(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = entry_rows::find_kind(scope, &caller.organizations, KIND, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            entry_rows::require_live(&row)?;
            entry_rows::archive(scope, &row)?;
            scope.record("engagement.archived", row.subject(), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}
