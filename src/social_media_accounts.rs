//! Social-media accounts (ソーシャルメディアアカウント): each with its own owner, its place on the platform and the history
//! of its handles.
//!
//! What an account shares with the other kinds is [`crate::entries`]; responsible person, procedure and publishable
//! information it inherits from its [`crate::social_media_services`].

mod rows;
pub mod wire;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::social_media_accounts;
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
use wire::{SocialMediaAccount, SocialMediaAccountCreate, SocialMediaAccountPage, SocialMediaAccountPatch};

const KIND: Kind = Kind::SocialMediaAccount;
/// The clause by which credentials change on the day somebody moves.
pub(crate) const CREDENTIALS_CLAUSE: &str = "social-credential-management";

pub(crate) use rows::complete;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_social_media_accounts)
        .service(create_social_media_account)
        .service(get_social_media_account)
        .service(update_social_media_account)
        .service(archive_social_media_account)
        .service(upsert_social_media_account_by_external_id);
}

/// The day of the last move around an account, on which its credentials were to be changed; `None` for other kinds.
///
/// # Errors
/// A database failure.
pub(crate) fn credentials_due_on(
    scope: &mut Scope<'_>,
    entry: &entry_rows::EntryRow,
) -> Result<Option<NaiveDate>, ApiError> {
    if entry.kind.0 != KIND {
        return Ok(None);
    }
    Ok(social_media_accounts::table
        .find((&scope.lg, &entry.id))
        .select(social_media_accounts::credentials_due_on)
        .first(scope.conn)?)
}

/// List social-media accounts
///
/// The entries of this kind with their services and handles; filters and orders are those of `/entries`.
#[utoipa::path(tag = "social_media", params(EntryFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "アカウントの一覧 / A page of accounts", body = SocialMediaAccountPage), Problems))]
#[get("/social-media-accounts")]
async fn list_social_media_accounts(
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
                &SocialMediaAccountPage::new((items, next.clone())),
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
) -> Result<(Vec<SocialMediaAccount>, Option<String>), ApiError> {
    let filter = filter.of_kind(KIND)?;
    let (found, next) = select_page(scope, allowed, &filter, "list_social_media_accounts")?;
    Ok((rows::complete(scope, found)?, next))
}

/// The handles of these accounts, by the entry's id.
///
/// # Errors
/// A database failure.
pub(crate) fn handles(scope: &mut Scope<'_>, ids: &BTreeSet<&str>) -> Result<BTreeMap<String, String>, ApiError> {
    let rows: Vec<(String, String)> = social_media_accounts::table
        .filter(social_media_accounts::local_government_id.eq(&scope.lg))
        .filter(social_media_accounts::id.eq_any(ids))
        .select((social_media_accounts::id, social_media_accounts::handle))
        .load(scope.conn)?;
    Ok(rows.into_iter().collect())
}

/// Register a social-media account
///
/// Draft by default. With `registered_as_existing` an account in operation enters in its true state. The service must
/// be of the same organization (422 `reference_wrong_organization`).
#[utoipa::path(tag = "social_media", request_body = SocialMediaAccountCreate, security(("oauth2" = ["entries:write"])), responses(
    (status = 201, description = "登録したアカウント / The account", body = SocialMediaAccount,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/social-media-accounts")]
async fn create_social_media_account(
    caller: Caller<scope::EntriesWrite>,
    Body(new): Body<SocialMediaAccountCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let account = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/social-media-accounts/{}", account.entry.id);
            Ok(Answer::created(location, &account)?.version(account.entry.version))
        })
        .await
}

/// Registers a social-media account; clauses, risk and due dates follow.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: SocialMediaAccountCreate,
) -> Result<SocialMediaAccount, ApiError> {
    let checked = rows::State::from_create(scope, allowed, &new)?;
    let id = entry_rows::insert(scope, allowed, KIND, &new.entry())?;
    rows::insert(scope, &id, &checked)?;
    state::refresh(scope, &id, "created")?;
    recorded(scope, allowed, &id, "social_media_account.created")
}

/// Notes what the social-media account has become, and answers it.
fn recorded(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    action: &'static str,
) -> Result<SocialMediaAccount, ApiError> {
    let row = entry_rows::find_kind(scope, allowed, KIND, id)?;
    let account = rows::complete(scope, vec![row.clone()])?
        .pop()
        .ok_or(ApiError::NotFound)?;
    scope.record(action, row.subject(), serde_json::to_value(&account)?);
    Ok(account)
}

/// A social-media account that the caller may touch.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<SocialMediaAccount, ApiError> {
    let row = entry_rows::find_kind(scope, allowed, KIND, id)?;
    rows::complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

/// Get a social-media account
///
/// With its handles and what it inherits from its service.
#[utoipa::path(tag = "social_media", params(("social_media_account_id" = String, Path, description = "アカウントのID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "アカウント / The account", body = SocialMediaAccount, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/social-media-accounts/{social_media_account_id}")]
async fn get_social_media_account(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let account = find(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&account)?.version(account.entry.version))
        })
        .await
}

/// Change a social-media account
///
/// Facts merge key by key; clauses, risk and due dates follow in the same transaction. A new handle joins the
/// history.
#[utoipa::path(tag = "social_media", request_body(content(
        (SocialMediaAccountPatch = "application/json"), (SocialMediaAccountPatch = "application/merge-patch+json"))),
    params(("social_media_account_id" = String, Path, description = "アカウントのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "変更後のアカウント / The account", body = SocialMediaAccount, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/social-media-accounts/{social_media_account_id}")]
async fn update_social_media_account(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    patch: Patch<SocialMediaAccountPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = entry_rows::find_kind(scope, &caller.organizations, KIND, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            entry_rows::require_live(&row)?;
            let before = find(scope, &caller.organizations, &row.id)?;
            let account = change(scope, &caller.organizations, row, before, &patch)?;
            Ok(Answer::ok(&account)?.version(account.entry.version))
        })
        .await
}

/// Changes a social-media account; clauses, risk and due dates follow.
///
/// # Errors
/// 422 with what is wrong.
pub(crate) fn change(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    row: EntryRow,
    before: SocialMediaAccount,
    patch: &Patch<SocialMediaAccountPatch>,
) -> Result<SocialMediaAccount, ApiError> {
    let (id, old_handle) = (row.id.clone(), before.handle.clone());
    let checked = rows::State::from_patch(scope, allowed, before, patch)?;
    entry_rows::update(scope, row, patch.set.entry(), patch)?;
    rows::update(scope, &id, &checked, &old_handle)?;
    state::refresh(scope, &id, "changed")?;
    recorded(scope, allowed, &id, "social_media_account.updated")
}

/// Create or change a social-media account by an external id
///
/// Created when the key is new. One that is there is changed: what is not sent, or is null, stays, and `status`,
/// `registered_as_existing` and `started_on` count at the creation only. Another `organization_id`, `control_number` or
/// `social_media_service_id` is refused (422 `immutable_field`); a body that says nothing new changes nothing.
#[utoipa::path(tag = "social_media", request_body = SocialMediaAccountCreate,
    params(("system" = String, Path, description = "外部システム / the other system", pattern = "^[a-z][a-z0-9_-]{1,31}$"),
           ("value" = String, Path, description = "そのキー / its key there", min_length = 1, max_length = 128)),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "登録済みのアカウント / The account that was there", body = SocialMediaAccount,
     headers(("ETag" = String, description = "版 / its version"))),
    (status = 201, description = "登録したアカウント / The new account", body = SocialMediaAccount,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems, UpsertProblems))]
#[put("/social-media-accounts/by-external-id/{system}/{value}")]
async fn upsert_social_media_account_by_external_id(
    caller: Caller<scope::EntriesWrite>,
    path: web::Path<(String, String)>,
    mut sent: Upsert<SocialMediaAccountCreate, SocialMediaAccountPatch>,
    expected: Expected,
) -> Result<HttpResponse, ApiError> {
    let key = ExternalId::of_path(path.into_inner())?;
    caller
        .write(move |caller, scope| {
            let allowed = &caller.organizations;
            let Some(row) = upsert::recognised(scope, allowed, KIND, &key)? else {
                expected.check_absent()?;
                sent.create.external_ids = ExternalId::joined(sent.create.external_ids, Some(&key));
                let account = create(scope, allowed, sent.create)?;
                let location = format!("/api/v1/social-media-accounts/{}", account.entry.id);
                return Ok(Answer::created(location, &account)?.version(account.entry.version));
            };
            expected.check_there(row.version, caller.lang)?;
            upsert::check_same(&row, &sent.create.entry())?;
            let mut account = find(scope, allowed, &row.id)?;
            if sent.create.social_media_service_id != account.social_media_service_id {
                return Err(ApiError::Validation(vec![upsert::immutable(
                    "/social_media_service_id",
                )]));
            }
            entry_rows::require_live(&row)?;
            let same = upsert::complete_keys(&account.entry.external_ids, &mut sent.change.set.external_ids, &key);
            if !same || !sent.says_nothing_new(&account)? {
                account = change(scope, allowed, row, account, &sent.change)?;
            }
            Ok(Answer::ok(&account)?.version(account.entry.version))
        })
        .await
}

/// Archive a social-media account
///
/// A draft or a finished one; 409 `open_items_remain` otherwise.
#[utoipa::path(tag = "social_media",
    params(("social_media_account_id" = String, Path, description = "アカウントのID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/social-media-accounts/{social_media_account_id}")]
async fn archive_social_media_account(
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
            scope.record("social_media_account.archived", row.subject(), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}
