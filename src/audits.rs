//! Audits (監査): periodic and ad hoc, their findings with the follow-up, and the report.
//!
//! Nobody audits themselves, by person ([`crate::domain::audit`]). [`findings`] follows up what was found, [`report`] says
//! what the year looked like, with the double roles that the CISO has to confirm.

mod findings;
pub(crate) mod proof;
mod report;
pub(crate) mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;
use rows::AuditRow;
use wire::{Audit, AuditCreate, AuditFilter, AuditPage, AuditPatch};

pub(crate) use findings::open_finding;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_audit)
        .service(list_audits)
        .service(get_audit)
        .service(update_audit)
        .service(report::get_audit_report)
        .service(report::confirm_double_roles)
        .service(report::list_double_role_confirmations)
        .service(findings::create_audit_finding)
        .service(findings::list_audit_findings)
        .service(findings::get_audit_finding)
        .service(findings::update_audit_finding)
        .service(findings::close_audit_finding);
}

/// Notes what an audit has become, and answers it.
fn recorded(scope: &mut Scope<'_>, allowed: &Organizations, id: &str, action: &'static str) -> Result<Audit, ApiError> {
    let row = rows::find(scope, allowed, id)?;
    let audit = row.clone().wire();
    scope.record(action, row.subject(), serde_json::to_value(&audit)?);
    Ok(audit)
}

/// Record an audit
///
/// With its auditor, a person who is not the one that is audited, or somebody from outside by name.
#[utoipa::path(tag = "audits", request_body = AuditCreate, security(("oauth2" = ["audits:write"])), responses(
    (status = 201, description = "登録した監査 / The audit", body = Audit,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/audits")]
async fn create_audit(
    caller: Caller<scope::AuditsWrite>,
    Body(new): Body<AuditCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            if !caller.organizations.contains(&new.organization_id) {
                return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
            }
            organizations::require(scope, &new.organization_id, "/organization_id")?;
            let state = rows::State::from_create(scope, &new)?;
            let id = rows::insert(scope, &new, &state)?;
            let audit = recorded(scope, &caller.organizations, &id, "audit.created")?;
            Ok(Answer::created(format!("/api/v1/audits/{id}"), &audit)?.version(audit.version))
        })
        .await
}

/// List audits
///
/// Sorted by id, which is the order of recording.
#[utoipa::path(tag = "audits", params(AuditFilter), security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "監査の一覧 / A page of audits", body = AuditPage), Problems))]
#[get("/audits")]
async fn list_audits(
    caller: Caller<scope::AuditsRead>,
    request: HttpRequest,
    Params(filter): Params<AuditFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_audits", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &AuditRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(AuditRow::wire).collect();
            let page = AuditPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get an audit
///
/// Its findings are at `/audit-findings?audit_id=…`, its report at `/report`.
#[utoipa::path(tag = "audits", params(("audit_id" = String, Path, description = "監査のID", format = Uuid)),
    security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "監査 / The audit", body = Audit, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/audits/{audit_id}")]
async fn get_audit(caller: Caller<scope::AuditsRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let audit = rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire();
            Ok(Answer::ok(&audit)?.version(audit.version))
        })
        .await
}

/// Change an audit
///
/// Organization, kind and fiscal year stay. Whoever settles a finding cannot become its auditor.
#[utoipa::path(tag = "audits", request_body(content(
        (AuditPatch = "application/json"), (AuditPatch = "application/merge-patch+json"))),
    params(("audit_id" = String, Path, description = "監査のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 200, description = "変更後の監査 / The audit", body = Audit, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/audits/{audit_id}")]
async fn update_audit(
    caller: Caller<scope::AuditsWrite>,
    id: web::Path<String>,
    patch: Patch<AuditPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let before = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(before.version, caller.lang)?;
            let id = before.id.clone();
            let state = rows::State::from_patch(scope, before, &patch)?;
            rows::update(scope, &id, &state)?;
            let audit = recorded(scope, &caller.organizations, &id, "audit.updated")?;
            Ok(Answer::ok(&audit)?.version(audit.version))
        })
        .await
}
