//! Imports as somebody at a page meets them: what they sent, or everybody's where they see everything. The orders and
//! steps are those of the API.

use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::prelude::*;

use super::rows::{self, ErrorRow, ImportRow};
use super::wire::{Import, ImportRowError, ImportStatus};
use super::{disposition, error_file, steps, take_on, upload};
use crate::app::{App, Scope, Tenant};
use crate::db::schema::imports;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError, Lang};
use crate::http::page::{self, After};
use crate::organizations;

/// Imports of a page.
const MOST: i64 = 50;

/// Whose imports are shown.
pub(crate) struct Reader<'r> {
    pub organizations: &'r Organizations,
    pub person_id: &'r str,
}

impl Reader<'_> {
    /// An import shows what is in its file.
    fn sees(&self, row: &ImportRow) -> bool {
        *self.organizations == Organizations::All || row.is_of(self.person_id)
    }
}

/// A file that was sent with its order, checked but for what only the database knows.
pub(crate) struct Sent(upload::Upload);

/// Receives a form with a file.
///
/// # Errors
/// What is wrong with the form or the file.
pub(crate) async fn receive(app: &App, request: &HttpRequest, form: Multipart) -> Result<Sent, ApiError> {
    upload::receive(app, request, form).await.map(Sent)
}

/// Takes a sent file on; answers its id.
///
/// # Errors
/// 422 for an organization that is not the reader's.
pub(crate) fn begin(scope: &mut Scope<'_>, allowed: &Organizations, mut sent: Sent) -> Result<String, ApiError> {
    let settings = sent.0.settings.clone();
    if let Some(id) = &settings.organization_id {
        if !allowed.contains(id) {
            return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
        }
        organizations::require(scope, id, "/organization_id")?;
    }
    let row = take_on(scope, sent.0.entity, settings, &mut sent.0.incoming, true, allowed)?;
    Ok(row.id)
}

/// The latest imports.
///
/// # Errors
/// A database failure.
pub(crate) fn newest(scope: &mut Scope<'_>, reader: &Reader<'_>, lang: Lang) -> Result<Vec<Import>, ApiError> {
    let mut query = imports::table
        .filter(imports::local_government_id.eq(scope.lg.clone()))
        .order(imports::id.desc())
        .limit(MOST)
        .select(ImportRow::as_select())
        .into_boxed();
    if *reader.organizations != Organizations::All {
        query = query.filter(imports::person_id.eq(Some(reader.person_id.to_owned())));
    }
    let rows: Vec<ImportRow> = query.load(scope.conn)?;
    rows.iter().map(|row| row.wire(lang)).collect()
}

fn row(scope: &mut Scope<'_>, reader: &Reader<'_>, id: &str) -> Result<ImportRow, ApiError> {
    let row = rows::by_id(scope, id)?;
    if reader.sees(&row) {
        Ok(row)
    } else {
        Err(ApiError::NotFound)
    }
}

/// One import.
///
/// # Errors
/// 404.
pub(crate) fn find(scope: &mut Scope<'_>, reader: &Reader<'_>, id: &str, lang: Lang) -> Result<Import, ApiError> {
    row(scope, reader, id)?.wire(lang)
}

/// Cancels one that has not ended; one that has stays as it is.
///
/// # Errors
/// 404.
pub(crate) fn cancel(scope: &mut Scope<'_>, reader: &Reader<'_>, id: &str) -> Result<(), ApiError> {
    let row = row(scope, reader, id)?;
    if matches!(row.status.0, ImportStatus::Queued | ImportStatus::Running) {
        steps::cancel(scope, row)?;
    }
    Ok(())
}

/// What is wrong with its rows, and where it goes on.
///
/// # Errors
/// 400 for a cursor of another list.
pub(crate) fn errors(
    scope: &mut Scope<'_>,
    id: &str,
    cursor: Option<&str>,
    limit: i64,
    lang: Lang,
) -> Result<(Vec<ImportRowError>, Option<String>), ApiError> {
    let print = page::fingerprint("list_import_errors", &id);
    let after = page::after(cursor, &print)?;
    let start = after.and_then(|after| Some((after.key.parse().ok()?, after.id.parse().ok()?)));
    let found = rows::errors(scope, id, start.unwrap_or((0, -1)), limit)?;
    let (found, next) = page::cut(found, limit, None, &print, |error: &ErrorRow| After {
        key: error.row_number.to_string(),
        id: error.position.to_string(),
    });
    Ok((found.into_iter().map(|error| error.wire(lang)).collect(), next))
}

/// The rows with errors, as a file to correct and send again.
///
/// # Errors
/// 404, or a database failure.
pub(crate) async fn download(
    app: App,
    tenant: Tenant,
    (organizations, person_id): (Organizations, String),
    id: String,
    lang: Lang,
) -> Result<HttpResponse, ApiError> {
    let (name, bytes) = web::block(move || {
        let reader = Reader {
            organizations: &organizations,
            person_id: &person_id,
        };
        let row = app.read_as(&tenant, |scope| row(scope, &reader, &id))?;
        error_file::make(&app, &tenant, &row, lang)
    })
    .await
    .map_err(ApiError::internal)??;
    Ok(HttpResponse::Ok()
        .insert_header(disposition(&name))
        .content_type("application/octet-stream")
        .body(bytes))
}
