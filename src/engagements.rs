//! Engagements (業務委託): the contracted work, its contractor, its periods and candidates.
//!
//! What an engagement shares with the other kinds is [`crate::entries`]; the company is [`crate::contractors`]. Periods
//! are in [`periods`].

pub mod periods;
mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::contractors;
use crate::db::schema::engagements;
use crate::domain::vocabulary::{Kind, LegalForm, Phase};
use crate::entries::list::{EntryFilter, select_page};
use crate::entries::{rows as entry_rows, state};
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page;
use wire::{Engagement, EngagementCreate, EngagementPage, EngagementPatch};

const KIND: Kind = Kind::ContractorEngagement;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_engagements)
        .service(create_engagement)
        .service(get_engagement)
        .service(update_engagement)
        .service(archive_engagement)
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
            let filter = filter.of_kind(KIND)?;
            let (found, next) = select_page(scope, &caller.organizations, &filter, "list_engagements")?;
            let items = rows::complete(scope, found)?;
            page::answer(
                &path,
                &query,
                &EngagementPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
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
            let (id, organization_id) = (row.id.clone(), row.organization_id.clone());
            let mut contractor = before.contractor_id;
            patch.nullable(&mut contractor, patch.set.contractor_id.clone(), "contractor_id");
            if let Some(contractor) = &contractor {
                contractors::require(scope, contractor, "/contractor_id")?;
            }
            let mut method = before.procurement_method;
            patch.nullable(&mut method, patch.set.procurement_method, "procurement_method");
            entry_rows::update(scope, row, patch.set.entry(), &patch)?;
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
            let engagement = find(scope, &caller.organizations, &id)?;
            let row = entry_rows::find(scope, &caller.organizations, &id)?;
            scope.record("engagement.updated", row.subject(), serde_json::to_value(&engagement)?);
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
