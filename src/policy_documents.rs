//! Documents of the policies (基本方針, 対策基準, 実施手順 …): what there is, who may read it, when it is reviewed.
//!
//! A restricted document is here by its title, place and custodian only; what it says never enters, and a file that was
//! linked before is not given out any more ([`require_unrestricted`]). Rules: [`crate::domain::policy_document`].

mod reviews;
mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;
use rows::DocumentRow;
use wire::{PolicyDocument, PolicyDocumentCreate, PolicyDocumentFilter, PolicyDocumentPage, PolicyDocumentPatch};

pub(crate) use reviews::{NewReason, raise};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_policy_document)
        .service(list_policy_documents)
        .service(get_policy_document)
        .service(update_policy_document)
        .service(archive_policy_document)
        .service(reviews::raise_review_reason)
        .service(reviews::list_review_reasons)
        .service(reviews::review_policy_document)
        .service(reviews::list_policy_document_reviews);
}

/// A file of a restricted document is not given out.
///
/// # Errors
/// 409 `restricted_document`.
pub(crate) fn require_unrestricted(scope: &mut Scope<'_>, file_id: &str) -> Result<(), ApiError> {
    if !rows::is_withheld(scope, file_id)? {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "restricted_document",
        ja: "このファイルは非公開の文書のものです。文書の保管場所と管理者を確かめて、そこで見てください。".to_owned(),
        en: "The file belongs to a restricted document; ask its custodian where it is kept.".to_owned(),
    })
}

/// A live document of the organization.
///
/// # Errors
/// A database failure.
pub(crate) fn of_organization(
    scope: &mut Scope<'_>,
    organization_id: &str,
    id: &str,
) -> Result<Option<DocumentRow>, ApiError> {
    match rows::find(scope, &Organizations::Only(vec![organization_id.to_owned()]), id) {
        Ok(row) => Ok(row.require_live().is_ok().then_some(row)),
        Err(ApiError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes what a document has become, and answers it.
fn recorded(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    action: &'static str,
) -> Result<PolicyDocument, ApiError> {
    let row = rows::find(scope, allowed, id)?;
    let document = rows::one(scope, allowed, id)?;
    scope.record(action, row.subject(), serde_json::to_value(&document)?);
    Ok(document)
}

/// Record a document
///
/// Who may read it is what the organization's policy says, or stricter. Of a restricted document only place and
/// custodian are taken (422 `restricted_document`). The basic policy is published with its address when it is adopted.
#[utoipa::path(tag = "policies", request_body = PolicyDocumentCreate, security(("oauth2" = ["policies:write"])), responses(
    (status = 201, description = "登録した文書 / The document", body = PolicyDocument,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/policy-documents")]
async fn create_policy_document(
    caller: Caller<scope::PoliciesWrite>,
    Body(new): Body<PolicyDocumentCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let document = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/policy-documents/{}", document.id);
            Ok(Answer::created(location, &document)?.version(document.version))
        })
        .await
}

/// Registers a document.
///
/// # Errors
/// 422 for wrong values.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: PolicyDocumentCreate,
) -> Result<PolicyDocument, ApiError> {
    if !allowed.contains(&new.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &new.organization_id, "/organization_id")?;
    let state = rows::State::from_create(scope, new)?;
    let id = rows::insert(scope, &state)?;
    recorded(scope, allowed, &id, "policy_document.created")
}

/// List documents
///
/// Sorted by id, which is the order of recording.
#[utoipa::path(tag = "policies", params(PolicyDocumentFilter), security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "文書の一覧 / A page of documents", body = PolicyDocumentPage), Problems))]
#[get("/policy-documents")]
async fn list_policy_documents(
    caller: Caller<scope::PoliciesRead>,
    request: HttpRequest,
    Params(filter): Params<PolicyDocumentFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_policy_documents", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &DocumentRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows::complete(scope, found)?;
            let page = PolicyDocumentPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get a document
///
/// With whether its publication is missing and a review is needed.
#[utoipa::path(tag = "policies",
    params(("policy_document_id" = String, Path, description = "文書のID", format = Uuid)),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "文書 / The document", body = PolicyDocument, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/policy-documents/{policy_document_id}")]
async fn get_policy_document(
    caller: Caller<scope::PoliciesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let document = rows::one(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&document)?.version(document.version))
        })
        .await
}

/// Change a document
///
/// Organization and kind stay. A file of a document that becomes restricted stays linked and is not given out any more.
#[utoipa::path(tag = "policies", request_body(content(
        (PolicyDocumentPatch = "application/json"), (PolicyDocumentPatch = "application/merge-patch+json"))),
    params(("policy_document_id" = String, Path, description = "文書のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["policies:write"])), responses(
    (status = 200, description = "変更後の文書 / The document", body = PolicyDocument, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/policy-documents/{policy_document_id}")]
async fn update_policy_document(
    caller: Caller<scope::PoliciesWrite>,
    id: web::Path<String>,
    patch: Patch<PolicyDocumentPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            before.require_live()?;
            let id = before.id.clone();
            let state = rows::State::from_patch(scope, before, &patch)?;
            rows::update(scope, &id, &state)?;
            let document = recorded(scope, &caller.organizations, &id, "policy_document.updated")?;
            Ok(Answer::ok(&document)?.version(document.version))
        })
        .await
}

/// Archive a document
///
/// It is not reviewed any more; a file of a restricted one stays withheld.
#[utoipa::path(tag = "policies",
    params(("policy_document_id" = String, Path, description = "文書のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["policies:write"])), responses(
    (status = 204, description = "保管した / Archived"), Problems, WriteProblems, PreconditionProblems))]
#[delete("/policy-documents/{policy_document_id}")]
async fn archive_policy_document(
    caller: Caller<scope::PoliciesWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            row.require_live()?;
            rows::archive(scope, &row)?;
            scope.record("policy_document.archived", row.subject(), serde_json::Value::Null);
            Ok(Answer::no_content())
        })
        .await
}
