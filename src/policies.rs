//! Policy versions: what an organization's own policy adds to the clause catalogue, from a day on.
//!
//! What may be added, and that nothing becomes weaker, is [`crate::domain::overlay`]'s. [`in_force`] gives everybody the
//! catalogue of an organization on a day, [`preview`] says what a version would change, [`mod@reassess`] carries it out.

mod comparison;
mod in_force;
mod preview;
mod reassess;
mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;
use rows::VersionRow;
use wire::{
    CurrentPolicy, CurrentPolicyFilter, PolicyComparison, PolicyComparisonFilter, PolicyVersion, PolicyVersionCreate,
    PolicyVersionFilter, PolicyVersionPage, PolicyVersionPreview, PolicyVersionPreviewCreate,
};

pub(crate) use in_force::{Merged, catalogues_of};
pub(crate) use reassess::reassess;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_policy_version)
        .service(list_policy_versions)
        .service(get_policy_version)
        .service(get_current_policy)
        .service(compare_policy_versions)
        .service(preview_policy_version);
}

/// The organization of the path, if the caller may touch it.
fn organization(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<String, ApiError> {
    let id = path_id(id)?;
    allowed.check(&id)?;
    organizations::row(scope, &id)?;
    Ok(id)
}

/// Record a policy version
///
/// All that the organization asks for beyond the catalogue from a day on: 422 `weaker_than_catalogue` where it would ask
/// for less. From that day requirements, gates and risk follow it; the entries are assessed again in the background.
#[utoipa::path(tag = "policies", request_body = PolicyVersionCreate,
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "登録する人のID / who records it")),
    security(("oauth2" = ["policies:write"])), responses(
    (status = 201, description = "登録した版 / The version", body = PolicyVersion,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/organizations/{organization_id}/policy-versions")]
async fn create_policy_version(
    caller: Caller<scope::PoliciesWrite>,
    id: web::Path<String>,
    Body(new): Body<PolicyVersionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let organization_id = organization(scope, &caller.organizations, &id)?;
            let person = caller.person()?.to_owned();
            let id = rows::insert(scope, &organization_id, &person, new)?;
            let version = rows::find(scope, &caller.organizations, &id)?.wire()?;
            Answer::created(format!("/api/v1/policy-versions/{id}"), version)
        })
        .await
}

/// List policy versions
///
/// Those of the organization by their first day, with how far the entries are assessed by them.
#[utoipa::path(tag = "policies",
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid), PolicyVersionFilter),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "版の一覧 / A page of versions", body = PolicyVersionPage), Problems))]
#[get("/organizations/{organization_id}/policy-versions")]
async fn list_policy_versions(
    caller: Caller<scope::PoliciesRead>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<PolicyVersionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let organization_id = organization(scope, &caller.organizations, &id)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_policy_versions", &organization_id);
            let start = match page::after(filter.cursor.as_deref(), &print)? {
                Some(After { key, id }) => Some((key.parse::<NaiveDate>().map_err(|_| ApiError::InvalidCursor)?, id)),
                None => None,
            };
            let found = rows::page(scope, &organization_id, start, limit)?;
            let (found, next) = page::cut(found, limit, None, &print, |row: &VersionRow| After {
                key: row.valid_from_on.to_string(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(VersionRow::wire).collect::<Result<Vec<_>, _>>()?;
            let page = PolicyVersionPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get a policy version
///
/// With what it changes and how far the entries are assessed by it.
#[utoipa::path(tag = "policies",
    params(("policy_version_id" = String, Path, description = "版のID", format = Uuid)),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "版 / The version", body = PolicyVersion), Problems))]
#[get("/policy-versions/{policy_version_id}")]
async fn get_policy_version(
    caller: Caller<scope::PoliciesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| Answer::ok(rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire()?))
        .await
}

/// Get the policy in force
///
/// The version of the organization that holds on a day, or none while the catalogue alone does.
#[utoipa::path(tag = "policies",
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid), CurrentPolicyFilter),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "その日に有効な版 / What is in force", body = CurrentPolicy), Problems))]
#[get("/organizations/{organization_id}/current-policy")]
async fn get_current_policy(
    caller: Caller<scope::PoliciesRead>,
    id: web::Path<String>,
    Params(filter): Params<CurrentPolicyFilter>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let organization_id = organization(scope, &caller.organizations, &id)?;
            let as_of_on = filter.as_of_on.unwrap_or(scope.today);
            let policy_version = match in_force::in_force(scope, &organization_id, as_of_on)? {
                Some(id) => Some(rows::find(scope, &caller.organizations, &id)?.wire()?),
                None => None,
            };
            Answer::ok(CurrentPolicy {
                organization_id,
                as_of_on,
                catalogue_version: scope.app.catalogue.version.clone(),
                policy_version,
            })
        })
        .await
}

/// Compare policy versions
///
/// What each clause says under one version and under another, side by side; those that say the same are left out.
#[utoipa::path(tag = "policies",
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid), PolicyComparisonFilter),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "二つの版の対照 / Both side by side", body = PolicyComparison), Problems))]
#[get("/organizations/{organization_id}/policy-comparison")]
async fn compare_policy_versions(
    caller: Caller<scope::PoliciesRead>,
    id: web::Path<String>,
    Params(filter): Params<PolicyComparisonFilter>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let organization_id = organization(scope, &caller.organizations, &id)?;
            Answer::ok(&comparison::compare(scope, &organization_id, filter, caller.lang)?)
        })
        .await
}

/// Preview a policy version
///
/// Which entries of the organization it would change, and what: clauses that are added, levels that are raised, and the
/// risk before and after. Nothing is stored. An overlay that could not be recorded is refused here too.
#[utoipa::path(tag = "policies", request_body = PolicyVersionPreviewCreate,
    params(("organization_id" = String, Path, description = "機関のID", format = Uuid)),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "影響を受ける台帳 / The entries affected", body = PolicyVersionPreview),
    Problems, WriteProblems))]
#[post("/organizations/{organization_id}/policy-version-previews")]
async fn preview_policy_version(
    caller: Caller<scope::PoliciesRead>,
    id: web::Path<String>,
    Body(new): Body<PolicyVersionPreviewCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let organization_id = organization(scope, &caller.organizations, &id)?;
            Answer::ok(preview::preview(scope, &organization_id, new)?)
        })
        .await
}
