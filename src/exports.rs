//! Exports (出力): registers and reports as files for Excel and for other systems, made by the worker, kept for a week.
//!
//! What can be exported is [`subject`]'s, how a file is made [`build`]'s, the queue [`queue`]'s; columns and formats are
//! [`crate::sheets`]. An export belongs to the client that asked for it and never shows more than its lists do.

pub(crate) mod build;
mod ocds;
mod queue;
mod rows;
pub(crate) mod subject;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject as JournalSubject};
use crate::files;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::sheets::columns::Entity;
use rows::ExportRow;
use subject::Subject;
use wire::{Export, ExportContent, ExportCreate, ExportFilter, ExportPage, ExportStatus, Format, Order};

pub(crate) use queue::{go_on, prune};

/// The word of exports in the journal.
const KIND: &str = "export";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_export)
        .service(list_exports)
        .service(get_export)
        .service(download_export);
}

/// Export a register or a report
///
/// The worker makes the file within a minute or so; ask `Location` until `status` is `succeeded`. It holds the rows that
/// the list with the same `filter` shows to this token, and needs the scope that reads them. CSV is shielded against
/// formulas with an apostrophe; imports take it off again. File and export are removed after 7 days.
#[utoipa::path(tag = "exports", request_body = ExportCreate, security(("oauth2" = ["exports:create"])), responses(
    (status = 202, description = "受け付けた出力 / The export that was taken on", body = Export,
     headers(("Location" = String, description = "URL"), ("Retry-After" = u32, description = "秒 / seconds until it is worth asking"))),
    Problems, WriteProblems))]
#[post("/exports")]
async fn create_export(
    caller: Caller<scope::ExportsCreate>,
    Body(new): Body<ExportCreate>,
) -> Result<HttpResponse, ApiError> {
    caller.require_key()?;
    caller
        .write(move |caller, scope| {
            let order = ordered(caller, new)?;
            caller.require_scope(order.subject.read_scope())?;
            check(scope, &order)?;
            let id = rows::insert(scope, &caller.client_id, &order)?;
            let export = rows::find(scope, caller, &id)?.wire(caller.lang)?;
            let payload = json!({"subject": order.subject.code(), "format": order.format, "filter": order.filter});
            scope.record("export.requested", JournalSubject::of(KIND, &id), payload);
            Answer::accepted(format!("/api/v1/exports/{id}"), &export)
        })
        .await
}

/// The order of a request.
fn ordered(caller: &Caller<scope::ExportsCreate>, new: ExportCreate) -> Result<Order, ApiError> {
    let subject = match (new.entity, new.report_key) {
        (Some(entity), None) => Subject::Entity(entity),
        (None, Some(report)) => Subject::Report(report),
        _ => {
            return Err(ApiError::field(
                "/entity",
                "one_of_two",
                "entity か report_key のどちらか一方を指定してください。",
                "Give either entity or report_key.",
            ));
        }
    };
    Ok(Order {
        subject,
        format: new.format,
        encoding: new.encoding.unwrap_or_default(),
        language: new.header_language.unwrap_or_default(),
        columns: new.columns.map(|keys| keys.into_iter().map(|key| key.0).collect()),
        filter: new.filter.unwrap_or_default(),
        organization_ids: caller.organizations.list().map(<[String]>::to_vec),
        planned: caller.sees_planned_moves(),
    })
}

/// Checks that the worker will be able to carry an order out: format, columns, and the filter by asking for one record.
///
/// # Errors
/// 422 with what cannot be.
pub(crate) fn check(scope: &mut Scope<'_>, order: &Order) -> Result<(), ApiError> {
    if order.format == Format::Ocds && order.subject != Subject::Entity(Entity::Engagements) {
        return Err(ApiError::field(
            "/format",
            "format_not_for_this",
            "OCDSで出力できるのは業務委託だけです。",
            "Only engagements are exported as OCDS.",
        ));
    }
    if order.columns.is_some() && !order.format.is_sheet() {
        return Err(ApiError::field(
            "/columns",
            "format_not_for_this",
            "列を選べるのはCSVとXLSXだけです。",
            "Columns are chosen for CSV and XLSX only.",
        ));
    }
    build::columns(scope, order).map_err(|(place, error)| match error {
        ApiError::NotFound => ApiError::field(
            &format!("/columns/{place}"),
            "unknown_column",
            "この列はありません。綴りを確かめてください。",
            "There is no such column; check the spelling.",
        ),
        other => other,
    })?;
    for own in ["cursor", "limit"] {
        if order.filter.contains_key(own) {
            return Err(ApiError::field(
                &format!("/filter/{own}"),
                "unknown_field",
                "出力は全件です。cursor と limit は指定できません。",
                "An export has all rows; neither cursor nor limit is given.",
            ));
        }
    }
    order
        .subject
        .chunk(scope, order, None, 1)
        .map(drop)
        .map_err(|error| match error {
            // A list names its parameter; here it stands in the filter.
            ApiError::InvalidParameter { name, ja, en } => {
                ApiError::field(&format!("/filter/{name}"), "invalid", ja, en)
            }
            ApiError::Validation(errors) => ApiError::Validation(errors.into_iter().map(in_filter).collect()),
            other => other,
        })
}

fn in_filter(error: FieldError) -> FieldError {
    let pointer = if error.pointer.starts_with('/') {
        error.pointer
    } else {
        format!("/filter/{}", error.pointer)
    };
    FieldError { pointer, ..error }
}

/// List exports
///
/// Those that this client asked for, sorted by id, which is the order of asking.
#[utoipa::path(tag = "exports", params(ExportFilter), security(("oauth2" = ["exports:create"])), responses(
    (status = 200, description = "出力の一覧 / A page of exports", body = ExportPage), Problems))]
#[get("/exports")]
async fn list_exports(
    caller: Caller<scope::ExportsCreate>,
    request: HttpRequest,
    Params(filter): Params<ExportFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_exports", &filter.status);
            let start = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::page(scope, &caller.client_id, &filter, start, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &ExportRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items: Result<Vec<Export>, ApiError> = found.into_iter().map(|row| row.wire(caller.lang)).collect();
            page::answer(&path, &query, &ExportPage::new((items?, next.clone())), next.as_deref())
        })
        .await
}

/// Get an export
///
/// How far it is, and its file when it is done.
#[utoipa::path(tag = "exports", params(("export_id" = String, Path, description = "出力のID", format = Uuid)),
    security(("oauth2" = ["exports:create"])), responses(
    (status = 200, description = "出力 / The export", body = Export), Problems))]
#[get("/exports/{export_id}")]
async fn get_export(caller: Caller<scope::ExportsCreate>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| Answer::ok(rows::find(scope, caller, &path_id(&id)?)?.wire(caller.lang)?))
        .await
}

/// Download an export
///
/// The file, always as an attachment of no particular type, so that no browser shows it. 409 `export_not_complete` while
/// it is being made, or when it failed.
#[utoipa::path(tag = "exports", params(("export_id" = String, Path, description = "出力のID", format = Uuid)),
    security(("oauth2" = ["exports:create"])), responses(
    (status = 200, description = "ファイルの中身 / The bytes", body = ExportContent, content_type = "application/octet-stream",
     headers(("Content-Disposition" = String, description = "attachment と名前 / attachment with the name"))),
    Problems))]
#[get("/exports/{export_id}/content")]
async fn download_export(
    caller: Caller<scope::ExportsCreate>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let app = caller.app().clone();
    let row = caller
        .fetch(move |caller, scope| rows::find(scope, caller, &path_id(&id)?))
        .await?;
    let plain = format!("export.{}", row.order()?.format.extension());
    let (Some(storage_name), Some(size), Some(name)) = (row.storage_name, row.size_bytes, row.file_name) else {
        let (ja, en) = match row.status.0 {
            ExportStatus::Failed => (
                "この出力は失敗しました。error を確かめて、もう一度出力してください。",
                "The export failed; look at its error and export again.",
            ),
            _ => (
                "この出力はまだ作成中です。status が succeeded になってから取得してください。",
                "The export is not complete; fetch it once status is succeeded.",
            ),
        };
        return Err(ApiError::Conflict {
            code: "export_not_complete",
            ja: ja.to_owned(),
            en: en.to_owned(),
        });
    };
    files::attachment(app, storage_name, size, &name, &plain).await
}
