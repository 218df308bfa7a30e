//! API clients: the systems that call us, what each may do, and their secrets.
//!
//! A client gives only what it holds: no scope and no organization beyond its own, and a client that may look further
//! than the caller does not exist for it. The secret is shown once and kept as a hash; tokens are made from it in
//! [`crate::tokens`]. The caller's own view is [`me`].

mod me;
mod rows;
mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::Deserialize;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};

pub use me::{OrganizationRef, Principal, PrincipalLocalGovernment};
pub use wire::{
    ApiClient, ApiClientCreate, ApiClientPage, ApiClientPatch, ApiClientSecret, IssuedApiClient, IssuedSecret,
    SecretRotate,
};

/// The word of this resource in the journal.
const KIND: &str = "api_client";

/// Ready-made sets of scopes for the usual callers, by name.
pub const PROFILES: &[(&str, &[&str])] = &[
    (
        "procurement",
        &[
            "directory:read",
            "contractors:read",
            "contractors:write",
            "entries:read",
            "entries:write",
            "gate:check",
            "sync:read",
            "webhooks:manage",
        ],
    ),
    (
        "finance",
        &["contractors:read", "entries:read", "gate:check", "sync:read"],
    ),
    (
        "auditor",
        &[
            "directory:read",
            "contractors:read",
            "entries:read",
            "clauses:read",
            "files:read",
            "verifications:read",
            "actions:read",
            "incidents:read",
            "reminders:read",
            "policies:read",
            "audits:read",
            "audit_log:read",
            "reports:read",
            "sync:read",
        ],
    ),
];

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(me::get_current_principal)
        .service(list_api_clients)
        .service(create_api_client)
        .service(get_api_client)
        .service(update_api_client)
        .service(revoke_api_client)
        .service(rotate_api_client_secret);
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApiClientFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Revoked ones too.
    #[param(nullable = false)]
    include_revoked: Option<bool>,
}

/// List API clients
///
/// Sorted by id, which is the order of registration. A page may be short while `has_more` is true: clients that may
/// look further than the caller are left out.
#[utoipa::path(tag = "auth", params(ApiClientFilter), security(("oauth2" = ["clients:manage"])), responses(
    (status = 200, description = "クライアントの一覧 / A page of clients", body = ApiClientPage), Problems))]
#[get("/api-clients")]
async fn list_api_clients(
    caller: Caller<scope::ClientsManage>,
    request: HttpRequest,
    Params(filter): Params<ApiClientFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_api_clients", &filter.include_revoked);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let rows = rows::select_page(scope, filter.include_revoked == Some(true), after, limit)?;
            let (rows, next) = page::cut(rows, limit, None, &print, |row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let mut items = rows::complete(scope, rows)?;
            items.retain(|client| within(client.organization_ids.as_deref(), &caller.organizations));
            page::answer(
                &path,
                &query,
                &ApiClientPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// Register an API client
///
/// The secret is in this answer only. Give it no more scopes and organizations than it needs; none that the caller
/// does not hold.
#[utoipa::path(tag = "auth", request_body = ApiClientCreate, security(("oauth2" = ["clients:manage"])), responses(
    (status = 201, description = "登録したクライアントと秘密 / The client and its secret", body = IssuedApiClient,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/api-clients")]
async fn create_api_client(
    caller: Caller<scope::ClientsManage>,
    Body(new): Body<ApiClientCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let state = wire::State::from_create(new)?;
            holds_scopes(&caller.scopes, &state.scopes)?;
            wire::check_organizations(state.organization_ids.as_deref(), &caller.organizations)?;
            let (client, client_secret) = insert(scope, &state)?;
            let location = format!("/api/v1/api-clients/{}", client.id);
            let version = client.version;
            Ok(Answer::created(location, IssuedApiClient { client, client_secret })?.version(version))
        })
        .await
}

/// Get an API client
///
/// Its secrets are listed by their times only.
#[utoipa::path(tag = "auth", params(("client_id" = String, Path, description = "クライアントのID", format = Uuid)),
    security(("oauth2" = ["clients:manage"])), responses(
    (status = 200, description = "クライアント / The client", body = ApiClient, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/api-clients/{client_id}")]
async fn get_api_client(caller: Caller<scope::ClientsManage>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let client = visible(scope, &path_id(&id)?, &caller.organizations)?;
            Ok(Answer::ok(&client)?.version(client.version))
        })
        .await
}

/// Change an API client
///
/// Tokens that it holds keep what they carry until they expire, ten minutes at most. 409 `client_revoked` when it was
/// revoked.
#[utoipa::path(tag = "auth", request_body(content(
        (ApiClientPatch = "application/json"), (ApiClientPatch = "application/merge-patch+json"))),
    params(("client_id" = String, Path, description = "クライアントのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["clients:manage"])), responses(
    (status = 200, description = "変更後のクライアント / The client", body = ApiClient, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/api-clients/{client_id}")]
async fn update_api_client(
    caller: Caller<scope::ClientsManage>,
    id: web::Path<String>,
    patch: Patch<ApiClientPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let before = visible(scope, &id, &caller.organizations)?;
            if_match.check(before.version, caller.lang)?;
            not_revoked(&before)?;
            let (had_scopes, had_organizations) = (before.scopes.clone(), before.organization_ids.clone());
            let state = wire::State::from_patch(before, patch)?;
            let added: Vec<String> = state
                .scopes
                .iter()
                .filter(|s| !had_scopes.contains(s))
                .cloned()
                .collect();
            holds_scopes(&caller.scopes, &added)?;
            if state.organization_ids != had_organizations {
                wire::check_organizations(state.organization_ids.as_deref(), &caller.organizations)?;
                rows::require_organizations(scope, state.organization_ids.as_deref())?;
            }
            rows::update(scope, &id, &state)?;
            let client = rows::find(scope, &id)?;
            scope.record(
                "api_client.updated",
                Subject::of(KIND, &id),
                serde_json::to_value(&client)?,
            );
            Ok(Answer::ok(&client)?.version(client.version))
        })
        .await
}

/// Revoke an API client
///
/// For good: it gets no token, and the tokens that it holds are refused at once here and within a minute by other
/// replicas.
#[utoipa::path(tag = "auth",
    params(("client_id" = String, Path, description = "クライアントのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["clients:manage"])), responses(
    (status = 204, description = "失効させた / Revoked"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/api-clients/{client_id}")]
async fn revoke_api_client(
    caller: Caller<scope::ClientsManage>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let app = caller.app().clone();
    let answer = caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let before = visible(scope, &id, &caller.organizations)?;
            if_match.check(before.version, caller.lang)?;
            if before.revoked_at.is_none() {
                revoke(scope, &id)?;
            }
            Ok(Answer::no_content())
        })
        .await?;
    // After the commit: a ring that is read before it would not know of the revocation.
    app.keys.forget();
    Ok(answer)
}

/// Issue another secret
///
/// The new secret is in this answer only. The older ones go on for `overlap_hours`, so that the client can be changed
/// over without a gap; 0 ends them at once. Needs every scope and organization of the client itself.
#[utoipa::path(tag = "auth", request_body = SecretRotate,
    params(("client_id" = String, Path, description = "クライアントのID", format = Uuid)),
    security(("oauth2" = ["clients:manage"])), responses(
    (status = 201, description = "新しい秘密 / The new secret", body = IssuedSecret), Problems, WriteProblems))]
#[post("/api-clients/{client_id}/secrets")]
async fn rotate_api_client_secret(
    caller: Caller<scope::ClientsManage>,
    id: web::Path<String>,
    Body(rotate): Body<SecretRotate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = path_id(&id)?;
            let client = visible(scope, &id, &caller.organizations)?;
            // Who gets the secret can do all that the client can.
            holds_scopes(&caller.scopes, &client.scopes)?;
            not_revoked(&client)?;
            let previous_expire_at = scope.at.plus_seconds(rotate.overlap_hours.unwrap_or(24) * 3600);
            rows::expire_secrets(scope, &id, previous_expire_at)?;
            let client_secret = rows::insert_secret(scope, &id)?;
            rows::touch(scope, &id)?;
            let payload = json!({"previous_expire_at": previous_expire_at});
            scope.record("api_client.secret_issued", Subject::of(KIND, &id), payload);
            let location = format!("/api/v1/api-clients/{id}");
            Answer::created(
                location,
                IssuedSecret {
                    client_id: id,
                    client_secret,
                    previous_expire_at,
                },
            )
        })
        .await
}

/// Registers a client; the caller's own limits are checked by the handler.
///
/// # Errors
/// 422 for values that are wrong.
pub(crate) fn create(scope: &mut Scope<'_>, new: ApiClientCreate) -> Result<(ApiClient, String), ApiError> {
    let state = wire::State::from_create(new)?;
    insert(scope, &state)
}

fn insert(scope: &mut Scope<'_>, state: &wire::State) -> Result<(ApiClient, String), ApiError> {
    rows::require_organizations(scope, state.organization_ids.as_deref())?;
    let id = scope.new_id();
    rows::insert(scope, &id, state)?;
    let secret = rows::insert_secret(scope, &id)?;
    let client = rows::find(scope, &id)?;
    scope.record(
        "api_client.created",
        Subject::of(KIND, &id),
        serde_json::to_value(&client)?,
    );
    Ok((client, secret))
}

/// Every client of the tenant, for the command line.
///
/// # Errors
/// A database failure.
pub(crate) fn all(scope: &mut Scope<'_>) -> Result<Vec<ApiClient>, ApiError> {
    let rows = rows::select_page(scope, true, None, page::BUDGET)?;
    rows::complete(scope, rows)
}

/// Revokes a client. The caller forgets the key ring after the commit ([`crate::keys::Keys::forget`]).
///
/// # Errors
/// 404.
pub(crate) fn revoke(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    rows::find(scope, id)?;
    rows::revoke(scope, id)?;
    scope.record("api_client.revoked", Subject::of(KIND, id), serde_json::Value::Null);
    Ok(())
}

/// A client that may look further than the caller does not exist for the caller.
fn visible(scope: &mut Scope<'_>, id: &str, organizations: &Organizations) -> Result<ApiClient, ApiError> {
    let client = rows::find(scope, id)?;
    if within(client.organization_ids.as_deref(), organizations) {
        Ok(client)
    } else {
        Err(ApiError::NotFound)
    }
}

/// Whether these organizations (`None`: all) are within the caller's.
fn within(ids: Option<&[String]>, held: &Organizations) -> bool {
    match ids {
        None => *held == Organizations::All,
        Some(ids) => ids.iter().all(|id| held.contains(id)),
    }
}

/// Nobody gives a scope that it does not hold.
fn holds_scopes(held: &[String], given: &[String]) -> Result<(), ApiError> {
    match scope::ALL
        .iter()
        .find(|(name, _)| given.iter().any(|g| g == name) && !held.iter().any(|h| h == name))
    {
        None => Ok(()),
        Some((missing, _)) => Err(ApiError::InsufficientScope(missing)),
    }
}

fn not_revoked(client: &ApiClient) -> Result<(), ApiError> {
    if client.revoked_at.is_none() {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "client_revoked",
        ja: "このクライアントは失効しています。新しいクライアントを登録してください。".to_owned(),
        en: "This client is revoked; register a new one.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_only_scopes_that_exist() {
        for (name, scopes) in PROFILES {
            for given in *scopes {
                assert!(scope::ALL.iter().any(|(known, _)| known == given), "{name}: {given}");
            }
        }
    }

    #[test]
    fn the_auditor_reads_everything_and_writes_nothing() {
        let (_, auditor) = PROFILES.iter().find(|(name, _)| *name == "auditor").unwrap();
        let reads: Vec<&str> = scope::ALL
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| name.ends_with(":read"))
            .collect();
        assert_eq!(*auditor, reads);
    }

    #[test]
    fn nobody_gives_what_it_does_not_hold() {
        let held = vec!["entries:read".to_owned()];
        assert!(holds_scopes(&held, &held).is_ok());
        assert!(holds_scopes(&held, &["entries:write".to_owned()]).is_err());
        let one = Organizations::Only(vec!["a".to_owned()]);
        assert!(within(Some(&["a".to_owned()]), &one));
        assert!(!within(Some(&["b".to_owned()]), &one));
        assert!(!within(None, &one));
        assert!(within(None, &Organizations::All));
    }
}
