//! Cloud services (クラウドサービス): what is used, from whom, where the data is, until when the use is approved.
//!
//! What a cloud service shares with the other kinds is [`crate::entries`]; the provider may be one of
//! [`crate::contractors`]. The end of the approval becomes a due date ([`crate::entries::state`]); a lapsed approval
//! never ends the use by itself.

mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::domain::vocabulary::Kind;
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
use wire::{CloudService, CloudServiceCreate, CloudServicePage, CloudServicePatch};

const KIND: Kind = Kind::CloudService;

pub(crate) use rows::complete;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_cloud_services)
        .service(create_cloud_service)
        .service(get_cloud_service)
        .service(update_cloud_service)
        .service(archive_cloud_service)
        .service(upsert_cloud_service_by_external_id);
}

/// List cloud services
///
/// The entries of this kind with their providers and approvals; filters and orders are those of `/entries`.
#[utoipa::path(tag = "cloud_services", params(EntryFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "クラウドサービスの一覧 / A page of cloud services", body = CloudServicePage), Problems))]
#[get("/cloud-services")]
async fn list_cloud_services(
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
                &CloudServicePage::new((items, next.clone())),
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
) -> Result<(Vec<CloudService>, Option<String>), ApiError> {
    let filter = filter.of_kind(KIND)?;
    let (found, next) = select_page(scope, allowed, &filter, "list_cloud_services")?;
    Ok((rows::complete(scope, found)?, next))
}

/// Register a cloud service
///
/// Draft by default. With `registered_as_existing` a service in use enters in its true state.
#[utoipa::path(tag = "cloud_services", request_body = CloudServiceCreate, security(("oauth2" = ["entries:write"])), responses(
    (status = 201, description = "登録したクラウドサービス / The cloud service", body = CloudService,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/cloud-services")]
async fn create_cloud_service(
    caller: Caller<scope::EntriesWrite>,
    Body(new): Body<CloudServiceCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let service = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/cloud-services/{}", service.entry.id);
            Ok(Answer::created(location, &service)?.version(service.entry.version))
        })
        .await
}

/// Registers a cloud service; clauses, risk and due dates follow.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: CloudServiceCreate,
) -> Result<CloudService, ApiError> {
    let checked = rows::State::from_create(scope, &new)?;
    let id = entry_rows::insert(scope, allowed, KIND, &new.entry())?;
    rows::insert(scope, &id, &checked)?;
    state::refresh(scope, &id, "created")?;
    recorded(scope, allowed, &id, "cloud_service.created")
}

/// Notes what the cloud service has become, and answers it.
fn recorded(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    action: &'static str,
) -> Result<CloudService, ApiError> {
    let row = entry_rows::find_kind(scope, allowed, KIND, id)?;
    let service = rows::complete(scope, vec![row.clone()])?
        .pop()
        .ok_or(ApiError::NotFound)?;
    scope.record(action, row.subject(), serde_json::to_value(&service)?);
    Ok(service)
}

/// A cloud service that the caller may touch.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<CloudService, ApiError> {
    let row = entry_rows::find_kind(scope, allowed, KIND, id)?;
    rows::complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

/// Get a cloud service
///
/// With its provider, places of data, terms and approval.
#[utoipa::path(tag = "cloud_services", params(("cloud_service_id" = String, Path, description = "クラウドサービスのID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "クラウドサービス / The cloud service", body = CloudService, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/cloud-services/{cloud_service_id}")]
async fn get_cloud_service(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let service = find(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&service)?.version(service.entry.version))
        })
        .await
}

/// Change a cloud service
///
/// Facts merge key by key; clauses, risk and due dates, also that of the approval, follow in the same transaction.
#[utoipa::path(tag = "cloud_services", request_body(content(
        (CloudServicePatch = "application/json"), (CloudServicePatch = "application/merge-patch+json"))),
    params(("cloud_service_id" = String, Path, description = "クラウドサービスのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "変更後のクラウドサービス / The cloud service", body = CloudService, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/cloud-services/{cloud_service_id}")]
async fn update_cloud_service(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    patch: Patch<CloudServicePatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = entry_rows::find_kind(scope, &caller.organizations, KIND, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            entry_rows::require_live(&row)?;
            let before = find(scope, &caller.organizations, &row.id)?;
            let service = change(scope, &caller.organizations, row, before, &patch)?;
            Ok(Answer::ok(&service)?.version(service.entry.version))
        })
        .await
}

/// Changes a cloud service; clauses, risk and due dates follow.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn change(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    row: EntryRow,
    before: CloudService,
    patch: &Patch<CloudServicePatch>,
) -> Result<CloudService, ApiError> {
    let id = row.id.clone();
    let checked = rows::State::from_patch(scope, before, patch)?;
    entry_rows::update(scope, row, patch.set.entry(), patch)?;
    rows::update(scope, &id, &checked)?;
    state::refresh(scope, &id, "changed")?;
    recorded(scope, allowed, &id, "cloud_service.updated")
}

/// Create or change a cloud service by an external id
///
/// Created when the key is new. One that is there is changed: what is not sent, or is null, stays, and `status`,
/// `registered_as_existing` and `started_on` count at the creation only. Another `organization_id` or `control_number` is
/// refused (422 `immutable_field`); a body that says nothing new changes nothing.
#[utoipa::path(tag = "cloud_services", request_body = CloudServiceCreate,
    params(("system" = String, Path, description = "外部システム / the other system", pattern = "^[a-z][a-z0-9_-]{1,31}$"),
           ("value" = String, Path, description = "そのキー / its key there", min_length = 1, max_length = 128)),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "登録済みのクラウドサービス / The service that was there", body = CloudService,
     headers(("ETag" = String, description = "版 / its version"))),
    (status = 201, description = "登録したクラウドサービス / The new service", body = CloudService,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems, UpsertProblems))]
#[put("/cloud-services/by-external-id/{system}/{value}")]
async fn upsert_cloud_service_by_external_id(
    caller: Caller<scope::EntriesWrite>,
    path: web::Path<(String, String)>,
    mut sent: Upsert<CloudServiceCreate, CloudServicePatch>,
    expected: Expected,
) -> Result<HttpResponse, ApiError> {
    let key = ExternalId::of_path(path.into_inner())?;
    caller
        .write(move |caller, scope| {
            let allowed = &caller.organizations;
            let Some(row) = upsert::recognised(scope, allowed, KIND, &key)? else {
                expected.check_absent()?;
                sent.create.external_ids = ExternalId::joined(sent.create.external_ids, Some(&key));
                let service = create(scope, allowed, sent.create)?;
                let location = format!("/api/v1/cloud-services/{}", service.entry.id);
                return Ok(Answer::created(location, &service)?.version(service.entry.version));
            };
            expected.check_there(row.version, caller.lang)?;
            upsert::check_same(&row, &sent.create.entry())?;
            entry_rows::require_live(&row)?;
            let mut service = find(scope, allowed, &row.id)?;
            let same = upsert::complete_keys(&service.entry.external_ids, &mut sent.change.set.external_ids, &key);
            if !same || !sent.says_nothing_new(&service)? {
                service = change(scope, allowed, row, service, &sent.change)?;
            }
            Ok(Answer::ok(&service)?.version(service.entry.version))
        })
        .await
}

/// Archive a cloud service
///
/// A draft or a finished one; 409 `open_items_remain` otherwise.
#[utoipa::path(tag = "cloud_services",
    params(("cloud_service_id" = String, Path, description = "クラウドサービスのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/cloud-services/{cloud_service_id}")]
async fn archive_cloud_service(
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
            scope.record("cloud_service.archived", row.subject(), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}
