//! Social-media services: per organization and platform the responsible person or post, the operating procedure and
//! what may be published, as the policies want it per service used, not per account.
//!
//! The accounts are [`crate::social_media_accounts`]; they inherit what is set here.

mod rows;
pub mod wire;

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::db::on_tenant;
use crate::db::schema::{entries, social_media_accounts, social_media_services};
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;
use wire::{
    InheritedService, SocialMediaService, SocialMediaServiceCreate, SocialMediaServicePage, SocialMediaServicePatch,
};

/// The word of this resource in the journal.
const KIND: &str = "social_media_service";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_social_media_services)
        .service(create_social_media_service)
        .service(get_social_media_service)
        .service(update_social_media_service)
        .service(archive_social_media_service);
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SocialMediaServiceFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
    /// Archived ones too.
    #[param(nullable = false)]
    include_archived: Option<bool>,
}

/// List social-media services
///
/// Sorted by id, which is the order of registration.
#[utoipa::path(tag = "social_media", params(SocialMediaServiceFilter), security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "ソーシャルメディアサービスの一覧 / A page of social-media services", body = SocialMediaServicePage),
    Problems))]
#[get("/social-media-services")]
async fn list_social_media_services(
    caller: Caller<scope::DirectoryRead>,
    request: HttpRequest,
    Params(filter): Params<SocialMediaServiceFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint(
                "list_social_media_services",
                &(&filter.organization_id, filter.include_archived),
            );
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (rows, bound) = select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (rows, next) = page::cut(rows, limit, bound, &print, |row: &rows::ServiceRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows.into_iter().map(rows::ServiceRow::wire).collect::<Result<_, _>>()?;
            page::answer(
                &path,
                &query,
                &SocialMediaServicePage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &SocialMediaServiceFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<rows::ServiceRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound = social_media_services::table
        .filter(social_media_services::local_government_id.eq(&scope.lg))
        .filter(social_media_services::id.gt(&start))
        .order(social_media_services::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(social_media_services::id)
        .first::<String>(scope.conn)
        .optional()?;
    let mut query = social_media_services::table
        .filter(social_media_services::local_government_id.eq(scope.lg.clone()))
        .filter(social_media_services::id.gt(start))
        .order(social_media_services::id)
        .limit(limit + 1)
        .select(rows::ServiceRow::as_select())
        .into_boxed();
    if let Some(bound) = &bound {
        query = query.filter(social_media_services::id.le(bound.clone()));
    }
    if let Some(ids) = allowed.list() {
        query = query.filter(social_media_services::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(social_media_services::organization_id.eq(id.clone()));
    }
    if filter.include_archived != Some(true) {
        query = query.filter(social_media_services::archived_at.is_null());
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// Register a social-media service
///
/// Once per organization and platform (409 `duplicate_social_media_service`); an archived one is taken up again under
/// its old id.
#[utoipa::path(tag = "social_media", request_body = SocialMediaServiceCreate, security(("oauth2" = ["directory:write"])), responses(
    (status = 201, description = "登録したソーシャルメディアサービス / The social-media service", body = SocialMediaService,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/social-media-services")]
async fn create_social_media_service(
    caller: Caller<scope::DirectoryWrite>,
    Body(new): Body<SocialMediaServiceCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let service = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/social-media-services/{}", service.id);
            Ok(Answer::created(location, &service)?.version(service.version))
        })
        .await
}

/// Registers a social-media service.
///
/// # Errors
/// 422 with what is wrong, 409 when the organization has this platform already.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: SocialMediaServiceCreate,
) -> Result<SocialMediaService, ApiError> {
    if !allowed.contains(&new.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &new.organization_id, "/organization_id")?;
    let organization_id = new.organization_id.clone();
    let known = rows::of_platform(scope, &organization_id, new.platform)?;
    if known.as_ref().is_some_and(|service| service.archived_at.is_none()) {
        return Err(ApiError::Conflict {
            code: "duplicate_social_media_service",
            ja: "この機関のこのサービスは登録済みです。登録済みのものを使ってください。".to_owned(),
            en: "This organization has a service of this platform; use it.".to_owned(),
        });
    }
    let checked = rows::State::from_create(scope, new)?;
    let id = if let Some(archived) = known {
        rows::update(scope, &archived.id, &checked)?;
        archived.id
    } else {
        let id = scope.new_id();
        rows::insert(scope, &id, &organization_id, &checked)?;
        id
    };
    recorded(scope, &id, "social_media_service.created")
}

/// Notes what the service has become, and answers it.
fn recorded(scope: &mut Scope<'_>, id: &str, action: &'static str) -> Result<SocialMediaService, ApiError> {
    let service = rows::find(scope, id)?;
    let payload = serde_json::to_value(&service)?;
    scope.record(action, subject(&service), payload);
    Ok(service)
}

fn subject(service: &SocialMediaService) -> Subject<'_> {
    Subject {
        kind: KIND,
        id: &service.id,
        organization_id: Some(&service.organization_id),
        entry_id: None,
    }
}

/// A service that the caller may touch.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<SocialMediaService, ApiError> {
    let service = rows::find(scope, id)?;
    allowed.check(&service.organization_id)?;
    Ok(service)
}

/// Checks that an account of this organization can belong to the service.
///
/// # Errors
/// 422 at `/social_media_service_id`.
pub(crate) fn require(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    organization_id: &str,
) -> Result<(), ApiError> {
    let pointer = "/social_media_service_id";
    match find(scope, allowed, id) {
        Ok(service) if service.archived_at.is_some() => Err(ApiError::Validation(vec![FieldError::reference(pointer)])),
        Ok(service) if service.organization_id != organization_id => Err(ApiError::field(
            pointer,
            "reference_wrong_organization",
            "アカウントと同じ機関のサービスを指定してください。",
            "Name a service of the account's organization.",
        )),
        Ok(_) => Ok(()),
        Err(ApiError::NotFound) => Err(ApiError::Validation(vec![FieldError::reference(pointer)])),
        Err(error) => Err(error),
    }
}

/// What accounts inherit from these services, by id, with one query.
///
/// # Errors
/// A database failure.
pub(crate) fn inherited(scope: &mut Scope<'_>, ids: &[String]) -> Result<BTreeMap<String, InheritedService>, ApiError> {
    rows::inherited(scope, ids)
}

/// Get a social-media service
///
/// With its responsible person or post, the operating procedure and what may be published.
#[utoipa::path(tag = "social_media",
    params(("social_media_service_id" = String, Path, description = "ソーシャルメディアサービスのID", format = Uuid)),
    security(("oauth2" = ["directory:read"])), responses(
    (status = 200, description = "ソーシャルメディアサービス / The social-media service", body = SocialMediaService,
     headers(("ETag" = String, description = "版 / its version"))), Problems))]
#[get("/social-media-services/{social_media_service_id}")]
async fn get_social_media_service(
    caller: Caller<scope::DirectoryRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let service = find(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&service)?.version(service.version))
        })
        .await
}

/// Change a social-media service
///
/// Organization and platform stay. The accounts inherit the change, so their versions rise too.
#[utoipa::path(tag = "social_media", request_body(content(
        (SocialMediaServicePatch = "application/json"), (SocialMediaServicePatch = "application/merge-patch+json"))),
    params(("social_media_service_id" = String, Path, description = "ソーシャルメディアサービスのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 200, description = "変更後のソーシャルメディアサービス / The social-media service", body = SocialMediaService,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems, PreconditionProblems))]
#[patch("/social-media-services/{social_media_service_id}")]
async fn update_social_media_service(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    patch: Patch<SocialMediaServicePatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            let id = before.id.clone();
            if before.archived_at.is_some() {
                return Err(ApiError::Conflict {
                    code: "archived",
                    ja: "保管済みです。もう一度登録すると、また使えるようになります。".to_owned(),
                    en: "It is archived; register it again to take it up.".to_owned(),
                });
            }
            let checked = rows::State::from_patch(scope, before, &patch)?;
            rows::update(scope, &id, &checked)?;
            touch_accounts(scope, &id)?;
            let service = recorded(scope, &id, "social_media_service.updated")?;
            Ok(Answer::ok(&service)?.version(service.version))
        })
        .await
}

/// Raises the versions of the accounts of a service: their representation shows it.
fn touch_accounts(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    let accounts: Vec<String> = social_media_accounts::table
        .filter(social_media_accounts::local_government_id.eq(&scope.lg))
        .filter(social_media_accounts::social_media_service_id.eq(id))
        .select(social_media_accounts::id)
        .load(scope.conn)?;
    diesel::update(
        entries::table
            .filter(entries::local_government_id.eq(&scope.lg))
            .filter(entries::id.eq_any(accounts)),
    )
    .set(entries::version.eq(entries::version + 1))
    .execute(scope.conn)?;
    Ok(())
}

/// Archive a social-media service
///
/// 409 `in_use` while it has an account that is not archived.
#[utoipa::path(tag = "social_media",
    params(("social_media_service_id" = String, Path, description = "ソーシャルメディアサービスのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["directory:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/social-media-services/{social_media_service_id}")]
async fn archive_social_media_service(
    caller: Caller<scope::DirectoryWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let service = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(service.version, caller.lang)?;
            let used: Option<String> = social_media_accounts::table
                .inner_join(entries::table.on(on_tenant!(social_media_accounts.id = entries.id)))
                .filter(social_media_accounts::local_government_id.eq(&scope.lg))
                .filter(social_media_accounts::social_media_service_id.eq(&service.id))
                .filter(entries::archived_at.is_null())
                .select(entries::control_number)
                .first(scope.conn)
                .optional()?;
            if let Some(number) = used {
                return Err(ApiError::Conflict {
                    code: "in_use",
                    ja: format!("アカウント {number} がこのサービスにあります。先にそちらを終えてください。"),
                    en: format!("Account {number} belongs to it; finish that first."),
                });
            }
            rows::archive(scope, &service.id)?;
            scope.record(
                "social_media_service.archived",
                subject(&service),
                serde_json::Value::Null,
            );
            Ok(Answer::no_content())
        })
        .await
}
