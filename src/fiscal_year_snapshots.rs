//! Snapshots of an organization's ledger at the end of a fiscal year (年度末の記録): entries, clauses, gaps and scores as
//! they were, frozen line by line and signed, so that a figure can be explained when everything has changed since.
//!
//! The first entries are frozen in the call, the others by the worker ([`freeze::go_on`]); when the last one is, the
//! whole is signed. [`content`] is the file that an auditor takes away and how it is checked without this program's
//! database. What an entry looks like today is in [`crate::entries`].

mod content;
mod freeze;
mod rows;
pub mod wire;

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domain::calendar::fiscal_year;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;
use rows::SnapshotRow;
use wire::{
    FiscalYearSnapshot, FiscalYearSnapshotCreate, FiscalYearSnapshotFilter, FiscalYearSnapshotPage, SnapshotContent,
};

pub use content::{Verified, verify};
pub(crate) use freeze::go_on;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_fiscal_year_snapshot)
        .service(list_fiscal_year_snapshots)
        .service(get_fiscal_year_snapshot)
        .service(download_fiscal_year_snapshot);
}

/// Take a snapshot
///
/// Freezes every living entry of the organization with its clauses, gaps and score, and signs them. A ledger of more than
/// 200 entries goes on in the background: `completed_at` says when it is done.
#[utoipa::path(tag = "audits", request_body = FiscalYearSnapshotCreate,
    params(("Acting-Person" = String, Header, description = "記録する人のID / who takes it")),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 201, description = "年度末の記録 / The snapshot", body = FiscalYearSnapshot,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/fiscal-year-snapshots")]
async fn create_fiscal_year_snapshot(
    caller: Caller<scope::AuditsWrite>,
    Body(new): Body<FiscalYearSnapshotCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let mut errors = vec![];
            let reason = lines(&new.reason, "/reason", 1000, &mut errors);
            let this = fiscal_year(scope.today);
            if !(this - 1..=this).contains(&new.fiscal_year) {
                errors.push(FieldError::new(
                    "/fiscal_year",
                    "out_of_range",
                    "今年度か前年度を指定してください。",
                    "Give the present fiscal year or the one before.",
                ));
            }
            if caller.organizations.check(&new.organization_id).is_err() {
                errors.push(FieldError::reference("/organization_id"));
            }
            ApiError::unless_empty(errors)?;
            organizations::require(scope, &new.organization_id, "/organization_id")?;
            let person_id = caller.person()?.to_owned();
            let id = freeze::begin(scope, &new.organization_id, new.fiscal_year, &reason, &person_id)?;
            let snapshot = rows::find(scope, &caller.organizations, &id)?.wire();
            Answer::created(format!("/api/v1/fiscal-year-snapshots/{id}"), &snapshot)
        })
        .await
}

/// List snapshots
///
/// Of the token's organizations, sorted by id, which is the order of taking.
#[utoipa::path(tag = "audits", params(FiscalYearSnapshotFilter), security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "年度末の記録の一覧 / A page of snapshots", body = FiscalYearSnapshotPage), Problems))]
#[get("/fiscal-year-snapshots")]
async fn list_fiscal_year_snapshots(
    caller: Caller<scope::AuditsRead>,
    request: HttpRequest,
    Params(filter): Params<FiscalYearSnapshotFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_fiscal_year_snapshots", &unpaged);
            let start = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::page(scope, &caller.organizations, &filter, start, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &SnapshotRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(SnapshotRow::wire).collect();
            let page = FiscalYearSnapshotPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get a snapshot
///
/// Its digest and signature; the entries are at `/content`.
#[utoipa::path(tag = "audits",
    params(("fiscal_year_snapshot_id" = String, Path, description = "記録のID", format = Uuid)),
    security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "年度末の記録 / The snapshot", body = FiscalYearSnapshot), Problems))]
#[get("/fiscal-year-snapshots/{fiscal_year_snapshot_id}")]
async fn get_fiscal_year_snapshot(
    caller: Caller<scope::AuditsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| Answer::ok(rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire()))
        .await
}

/// Download a snapshot
///
/// One JSON object a line: what it is, each entry, and at the end the signature over all lines before it.
/// `kakunin verify-snapshot` checks the file with keys that the auditor holds. 409 `snapshot_not_complete` before it is.
#[utoipa::path(tag = "audits",
    params(("fiscal_year_snapshot_id" = String, Path, description = "記録のID", format = Uuid)),
    security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "記録の内容 / The lines", body = SnapshotContent, content_type = "application/x-ndjson",
     headers(("Content-Disposition" = String, description = "attachment と名前 / attachment with the name"))),
    Problems))]
#[get("/fiscal-year-snapshots/{fiscal_year_snapshot_id}/content")]
async fn download_fiscal_year_snapshot(
    caller: Caller<scope::AuditsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (app, tenant) = (caller.app().clone(), caller.tenant.clone());
    let row = caller
        .fetch(move |caller, scope| rows::find(scope, &caller.organizations, &path_id(&id)?))
        .await?;
    let name = format!("ledger-{}-{}.ndjson", row.fiscal_year, row.id);
    let pieces = content::Pieces::of(app, tenant, row)?;
    let bytes = futures_util::stream::try_unfold(pieces, |mut pieces| async move {
        let (pieces, bytes) = web::block(move || pieces.next().map(|bytes| (pieces, bytes)))
            .await
            .map_err(ApiError::internal)??;
        Ok::<_, ApiError>(bytes.map(|bytes| (web::Bytes::from(bytes), pieces)))
    });
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name)],
    };
    Ok(HttpResponse::Ok()
        .insert_header(disposition)
        .content_type("application/x-ndjson")
        .streaming(Box::pin(bytes)))
}
