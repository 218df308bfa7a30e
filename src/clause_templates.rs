//! Clause templates (標準特記仕様書): an organization's standard annex in its editions, with the article that covers each
//! clause. Applying one to a contract period agrees the covered clauses there in one call ([`mod@apply`]).

mod apply;
mod rows;
mod wire;

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
use rows::TemplateRow;

pub(crate) use apply::apply;
pub use wire::{
    AppliedClause, ClauseTemplate, ClauseTemplateApplication, ClauseTemplateApplicationCreate, ClauseTemplateCreate,
    ClauseTemplateFilter, ClauseTemplateHead, ClauseTemplatePage, ClauseTemplatePatch, MissingClause, TemplateArticle,
    UnneededClause,
};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_clause_templates)
        .service(create_clause_template)
        .service(get_clause_template)
        .service(update_clause_template)
        .service(apply_clause_template);
}

/// List clause templates
///
/// Sorted by id, which is the order of registration; without their articles.
#[utoipa::path(tag = "clauses", params(ClauseTemplateFilter), security(("oauth2" = ["clauses:read"])), responses(
    (status = 200, description = "標準特記仕様書の一覧 / A page of clause templates", body = ClauseTemplatePage), Problems))]
#[get("/clause-templates")]
async fn list_clause_templates(
    caller: Caller<scope::ClausesRead>,
    request: HttpRequest,
    Params(filter): Params<ClauseTemplateFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_clause_templates", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &TemplateRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(TemplateRow::head).collect();
            let page = ClauseTemplatePage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Register a clause template
///
/// An edition of the annex, with the article that covers each clause. Name and edition are there once per organization
/// (409 `duplicate_clause_template`).
#[utoipa::path(tag = "clauses", request_body = ClauseTemplateCreate, security(("oauth2" = ["clauses:write"])), responses(
    (status = 201, description = "登録した標準特記仕様書 / The clause template", body = ClauseTemplate,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/clause-templates")]
async fn create_clause_template(
    caller: Caller<scope::ClausesWrite>,
    Body(new): Body<ClauseTemplateCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let template = create(scope, &caller.organizations, new)?;
            let location = format!("/api/v1/clause-templates/{}", template.head.id);
            Ok(Answer::created(location, &template)?.version(template.head.version))
        })
        .await
}

/// Registers a clause template.
///
/// # Errors
/// 422 with what is wrong, 409 when the edition is there already.
pub(crate) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    new: ClauseTemplateCreate,
) -> Result<ClauseTemplate, ApiError> {
    if !allowed.contains(&new.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &new.organization_id, "/organization_id")?;
    let (mut row, mut articles) = TemplateRow::from_create(scope, new);
    row.check(scope, Some(&mut articles))?;
    row.insert(scope)?;
    rows::replace_articles(scope, &row.id, &articles)?;
    recorded(scope, row, "clause_template.created")
}

/// Notes what the template has become, and answers it.
fn recorded(scope: &mut Scope<'_>, row: TemplateRow, action: &'static str) -> Result<ClauseTemplate, ApiError> {
    let template = row.clone().complete(scope)?;
    scope.record(action, row.subject(), serde_json::to_value(&template)?);
    Ok(template)
}

/// Get a clause template
///
/// With its articles.
#[utoipa::path(tag = "clauses",
    params(("clause_template_id" = String, Path, description = "標準特記仕様書のID", format = Uuid)),
    security(("oauth2" = ["clauses:read"])), responses(
    (status = 200, description = "標準特記仕様書 / The clause template", body = ClauseTemplate,
     headers(("ETag" = String, description = "版 / its version"))), Problems))]
#[get("/clause-templates/{clause_template_id}")]
async fn get_clause_template(
    caller: Caller<scope::ClausesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let template = rows::find(scope, &caller.organizations, &path_id(&id)?)?.complete(scope)?;
            Ok(Answer::ok(&template)?.version(template.head.version))
        })
        .await
}

/// Change or archive a clause template
///
/// The organization stays. What was agreed by it stays as it was agreed. `archived` takes it out of use and back.
#[utoipa::path(tag = "clauses", request_body(content(
        (ClauseTemplatePatch = "application/json"), (ClauseTemplatePatch = "application/merge-patch+json"))),
    params(("clause_template_id" = String, Path, description = "標準特記仕様書のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["clauses:write"])), responses(
    (status = 200, description = "変更後の標準特記仕様書 / The clause template", body = ClauseTemplate,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems, PreconditionProblems))]
#[patch("/clause-templates/{clause_template_id}")]
async fn update_clause_template(
    caller: Caller<scope::ClausesWrite>,
    id: web::Path<String>,
    patch: Patch<ClauseTemplatePatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let mut row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            if row.archived_at.is_some() && patch.set.archived != Some(false) {
                return Err(ApiError::Conflict {
                    code: "archived",
                    ja: "保管済みです。また使うには archived を false にしてください。".to_owned(),
                    en: "It is archived; set archived to false to take it up again.".to_owned(),
                });
            }
            let mut articles = row.patch(patch, scope.at);
            row.check(scope, articles.as_mut())?;
            row.update(scope)?;
            if let Some(articles) = &articles {
                rows::replace_articles(scope, &row.id, articles)?;
            }
            let template = recorded(scope, row, "clause_template.updated")?;
            Ok(Answer::ok(&template)?.version(template.head.version))
        })
        .await
}

/// Apply a clause template to a period
///
/// Every clause that the template covers and that the entry needs at some time of its life is agreed in this period,
/// with article, quotation and evidence; what else is recorded about it stays. Answers what it leaves to do.
#[utoipa::path(tag = "clauses", request_body = ClauseTemplateApplicationCreate,
    params(("engagement_period_id" = String, Path, description = "契約期間のID", format = Uuid)),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "適用の結果 / What it did", body = ClauseTemplateApplication), Problems, WriteProblems))]
#[post("/engagement-periods/{engagement_period_id}/clause-template-applications")]
async fn apply_clause_template(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    Body(new): Body<ClauseTemplateApplicationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| Answer::ok(apply(scope, &caller.organizations, &path_id(&id)?, &new, caller.lang)?))
        .await
}
