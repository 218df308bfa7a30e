//! Imports of files from Excel (取込): contractors, entries, clauses, people and departments from CSV and XLSX.
//!
//! A call stores the file and answers 202; the worker does the rest ([`steps`]): it stages the rows, tries every one of
//! them by the very functions of the API ([`apply`]) in a transaction that is taken back, and writes them when nothing
//! stands against it. [`plan`] says which column is which field, [`parse`] what a row says, [`references`] who is meant
//! by a code or name. What is wrong is listed by row and cell, and given back as a file ([`error_file`]). Files that
//! arrive in a directory are [`folder`]'s. Columns and formats are [`crate::sheets`]', exports `crate::exports`'.

mod apply;
mod error_file;
pub(crate) mod folder;
mod parse;
mod plan;
mod references;
pub(crate) mod rows;
pub(crate) mod session;
pub(crate) mod steps;
mod upload;
pub mod wire;

use std::sync::OnceLock;

use actix_multipart::Multipart;
use actix_web::http::header::{self, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{App, Scope};
use crate::files::store::Incoming;
use crate::http::answer::Answer;
use crate::http::body::{Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError, Problem};
use crate::http::openapi::{Document, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::organizations;
use crate::sheets::columns::Entity;
use rows::{ImportRow, Settings};
use wire::{
    ErrorFileContent, Import, ImportCreate, ImportErrorFilter, ImportFilter, ImportPage, ImportRowErrorPage,
    ImportStatus,
};

pub(crate) use steps::{forget, go_on};

/// The word of this resource in the journal.
const KIND: &str = "import";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_import)
        .service(list_imports)
        .service(get_import)
        .service(cancel_import)
        .service(list_import_errors)
        .service(download_import_error_file);
}

/// The document whose schemas check the rows: the same that check the bodies of the API.
fn document() -> Result<&'static Document, ApiError> {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    if let Some(document) = DOCUMENT.get() {
        return Ok(document);
    }
    let document = crate::http::document()?;
    Ok(DOCUMENT.get_or_init(|| document))
}

/// Takes an order on; the worker carries it out.
///
/// # Errors
/// A file that cannot be kept, or a database failure.
pub(crate) fn take_on(
    scope: &mut Scope<'_>,
    entity: Entity,
    mut settings: Settings,
    incoming: &mut Incoming,
    keep: bool,
    allowed: &Organizations,
) -> Result<ImportRow, ApiError> {
    if keep {
        incoming.keep().map_err(ApiError::internal)?;
    }
    let (id, sha256) = (scope.new_id(), incoming.sha256());
    settings.same_as_id = rows::same_file(scope, entity, &sha256)?;
    let new = rows::New {
        id: &id,
        entity,
        settings: &settings,
        sha256: &sha256,
        storage_name: incoming.storage_name(),
        allowed,
    };
    rows::insert(scope, &new)?;
    let row = rows::by_id(scope, &id)?;
    let payload = json!({"entity": entity, "file_name": settings.file_name, "sha256": sha256, "mode": settings.mode});
    scope.record("import.created", row.subject(), payload);
    Ok(row)
}

/// Import a file
///
/// CSV (UTF-8 or CP932) or XLSX, one record a row; columns by their Japanese or English header, their key or `mapping`.
/// A blank cell leaves what is recorded, a single `-` clears it. Needs the scope that writes the entity, and an
/// `Idempotency-Key`. The answer comes at once; follow `Location` until `status` is `succeeded`, `failed` or `cancelled`.
#[utoipa::path(tag = "sheets", request_body(content = ImportCreate, content_type = "multipart/form-data"),
    security(("oauth2" = ["imports:write"])), responses(
    (status = 202, description = "受け付けた取込 / The import that was taken on", body = Import,
     headers(("Location" = String, description = "URL"), ("Retry-After" = String, description = "次に尋ねるまでの秒数 / seconds"))),
    (status = 503, description = "ウイルス検査ができない / The malware scanner is away", body = Problem,
     content_type = "application/problem+json"),
    Problems, WriteProblems))]
#[post("/imports")]
async fn create_import(
    caller: Caller<scope::ImportsWrite>,
    request: HttpRequest,
    form: Multipart,
) -> Result<HttpResponse, ApiError> {
    let mut upload = upload::receive(caller.app(), &request, form).await?;
    caller.require_scope(upload.entity.write_scope())?;
    caller.require_key()?;
    let said = serde_json::to_string(&(upload.entity, &upload.settings, upload.incoming.sha256()))?;
    caller
        .saying(&said)
        .write(move |caller, scope| {
            if let Some(id) = &upload.settings.organization_id {
                if !caller.organizations.contains(id) {
                    return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
                }
                organizations::require(scope, id, "/organization_id")?;
            }
            let (entity, settings) = (upload.entity, upload.settings.clone());
            let (incoming, keep) = (&mut upload.incoming, !caller.dry_run);
            let row = take_on(scope, entity, settings, incoming, keep, &caller.organizations)?;
            Answer::accepted(format!("/api/v1/imports/{}", row.id), row.wire(caller.lang)?)
        })
        .await
}

/// List imports
///
/// Those of the client; of a token of all organizations everybody's. Sorted by id, which is the order of arrival.
#[utoipa::path(tag = "sheets", params(ImportFilter), security(("oauth2" = ["imports:write"])), responses(
    (status = 200, description = "取込の一覧 / A page of imports", body = ImportPage), Problems))]
#[get("/imports")]
async fn list_imports(
    caller: Caller<scope::ImportsWrite>,
    request: HttpRequest,
    Params(filter): Params<ImportFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_imports", &());
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::page(scope, &caller.organizations, &caller.client_id, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &ImportRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found
                .iter()
                .map(|row| row.wire(caller.lang))
                .collect::<Result<Vec<_>, _>>()?;
            page::answer(&path, &query, &ImportPage::new((items, next.clone())), next.as_deref())
        })
        .await
}

/// Get an import
///
/// How far it is, what becomes of the rows, and which columns were not understood.
#[utoipa::path(tag = "sheets", params(("import_id" = String, Path, description = "取込のID", format = Uuid)),
    security(("oauth2" = ["imports:write"])), responses(
    (status = 200, description = "取込 / The import", body = Import), Problems))]
#[get("/imports/{import_id}")]
async fn get_import(caller: Caller<scope::ImportsWrite>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row = found(caller, scope, &id)?;
            Answer::ok(row.wire(caller.lang)?)
        })
        .await
}

/// The import of a path, as far as the caller may see it.
fn found(caller: &Caller<scope::ImportsWrite>, scope: &mut Scope<'_>, id: &str) -> Result<ImportRow, ApiError> {
    let row = rows::find(scope, &caller.organizations, &caller.client_id, &path_id(id)?)?;
    caller.require_scope(row.entity().write_scope())?;
    Ok(row)
}

/// Cancel an import
///
/// Before the next 500 rows. What was written before stays; 409 `import_is_over` for one that has ended.
#[utoipa::path(tag = "sheets", params(("import_id" = String, Path, description = "取込のID", format = Uuid)),
    security(("oauth2" = ["imports:write"])), responses(
    (status = 200, description = "取込 / The import", body = Import), Problems, WriteProblems))]
#[post("/imports/{import_id}/cancel")]
async fn cancel_import(caller: Caller<scope::ImportsWrite>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = found(caller, scope, &id)?;
            if !matches!(row.status.0, ImportStatus::Queued | ImportStatus::Running) {
                return Err(ApiError::Conflict {
                    code: "import_is_over",
                    ja: "この取込は終わっています。".to_owned(),
                    en: "This import has ended.".to_owned(),
                });
            }
            let row = steps::cancel(scope, row)?;
            Answer::ok(row.wire(caller.lang)?)
        })
        .await
}

/// List the errors of an import
///
/// By row and column, with the cell as the spreadsheet names it. Erased 30 days after the end.
#[utoipa::path(tag = "sheets", params(("import_id" = String, Path, description = "取込のID", format = Uuid), ImportErrorFilter),
    security(("oauth2" = ["imports:write"])), responses(
    (status = 200, description = "誤りの一覧 / A page of errors", body = ImportRowErrorPage), Problems))]
#[get("/imports/{import_id}/errors")]
async fn list_import_errors(
    caller: Caller<scope::ImportsWrite>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<ImportErrorFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let row = found(caller, scope, &id)?;
            let limit = page::limit(filter.limit)?;
            let (items, next) = session::errors(scope, &row.id, filter.cursor.as_deref(), limit, caller.lang)?;
            let page = ImportRowErrorPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Download the rows with errors
///
/// The rows as they came, in the format of the file, with a column of messages behind them: correct them there and
/// import the file again. Without errors, or 30 days after the end, it has a header only.
#[utoipa::path(tag = "sheets", params(("import_id" = String, Path, description = "取込のID", format = Uuid)),
    security(("oauth2" = ["imports:write"])), responses(
    (status = 200, description = "誤りのある行 / The rows", body = ErrorFileContent, content_type = "application/octet-stream",
     headers(("Content-Disposition" = String, description = "attachment と名前 / attachment with the name"))),
    Problems))]
#[get("/imports/{import_id}/error-file")]
async fn download_import_error_file(
    caller: Caller<scope::ImportsWrite>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (app, tenant, lang) = (caller.app().clone(), caller.tenant.clone(), caller.lang);
    let row = caller.fetch(move |caller, scope| found(caller, scope, &id)).await?;
    let (name, bytes) = web::block(move || error_file::make(&app, &tenant, &row, lang))
        .await
        .map_err(ApiError::internal)??;
    Ok(HttpResponse::Ok()
        .insert_header(disposition(&name))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ))
        .content_type("application/octet-stream")
        .body(bytes))
}

fn disposition(name: &str) -> ContentDisposition {
    let extension = name.rsplit('.').next().unwrap_or_default();
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![
            DispositionParam::Filename(format!("errors.{extension}")),
            DispositionParam::FilenameExt(ExtendedValue {
                charset: Charset::Ext("UTF-8".to_owned()),
                language_tag: None,
                value: name.as_bytes().to_vec(),
            }),
        ],
    }
}

/// The rows with errors as a file: the commands.
///
/// # Errors
/// A database failure.
pub(crate) fn error_file_of(
    app: &App,
    tenant: &crate::app::Tenant,
    row: &ImportRow,
) -> Result<(String, Vec<u8>), ApiError> {
    error_file::make(app, tenant, row, crate::http::error::Lang::Ja)
}

/// Carries an order out on this thread, without waiting for the worker: the commands.
///
/// # Errors
/// A database failure.
pub(crate) fn run(app: &App, tenant: &crate::app::Tenant, id: &str) -> Result<ImportRow, ApiError> {
    loop {
        let row = app.read_as(tenant, |scope| rows::by_id(scope, id))?;
        if !matches!(row.status.0, ImportStatus::Queued | ImportStatus::Running) {
            return Ok(row);
        }
        if steps::step(app, tenant, &row)?.is_none() {
            // A worker is at it.
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
}
