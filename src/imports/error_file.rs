//! The rows with errors as a file of the format that they came in: every cell as it was, and behind them what is wrong,
//! so that people correct the file and import it again.
//!
//! The column of messages is none of the entity's, so the next import passes over it. Errors one by one are the list's
//! ([`super::rows::errors`]).

use std::io::{Cursor, Read, Seek, SeekFrom};

use diesel::prelude::*;

use super::rows::{self, ErrorRow, ImportRow, StagedRow};
use crate::app::{App, Scope, Tenant};
use crate::db::schema::import_rows;
use crate::domain::cell::{self, Meaning};
use crate::domain::shielding;
use crate::files::store;
use crate::http::error::{ApiError, Lang};
use crate::sheets::cells::Said;
use crate::sheets::read::{SheetEncoding, SheetFormat};
use crate::sheets::write::{CsvFile, Encoding, WriteError, XlsxFile};

/// Rows that are read at a time.
const STEP: i64 = 500;
/// Errors of one row that are named in its cell.
const NAMED: i64 = 20;

/// A file under way.
enum Sink {
    Csv(CsvFile<Vec<u8>>),
    Xlsx(Box<XlsxFile>),
}

/// The name and the bytes of the file.
///
/// # Errors
/// A database failure.
pub(crate) fn make(app: &App, tenant: &Tenant, import: &ImportRow, lang: Lang) -> Result<(String, Vec<u8>), ApiError> {
    match written(app, tenant, import, lang, false) {
        // A message may hold a character that CP932 lacks, a cell of UTF-8 too.
        Err(Failure::Write(WriteError::Unmappable { .. })) => written(app, tenant, import, lang, true),
        other => other,
    }
    .map_err(|failure| match failure {
        Failure::Write(error) => ApiError::internal(error.message_en()),
        Failure::Api(error) => error,
    })
}

enum Failure {
    Api(ApiError),
    Write(WriteError),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

fn written(
    app: &App,
    tenant: &Tenant,
    import: &ImportRow,
    lang: Lang,
    in_utf8: bool,
) -> Result<(String, Vec<u8>), Failure> {
    let settings = import.settings()?;
    // Before it is read a file has no header, and without errors the file has no rows.
    let titles = import.header()?.map(|header| header.cells).unwrap_or_default();
    let (first, today) = app.read_as(tenant, |scope| Ok((failed_rows(scope, &import.id, 0)?, scope.today)))?;
    let width = titles.len();
    let (row_title, message_title) = lang.pick(("元の行", "取込の誤り"), ("Row of the file", "Errors of the import"));
    let mut titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    titles.extend([row_title, message_title]);
    let mut sink = match (settings.format, settings.encoding) {
        (SheetFormat::Xlsx, _) => {
            let directory = store::workplace(app).map_err(ApiError::internal)?;
            Sink::Xlsx(Box::new(XlsxFile::begin(&directory, message_title, today, &titles)?))
        }
        (SheetFormat::Csv, SheetEncoding::Cp932) if !in_utf8 => {
            Sink::Csv(CsvFile::begin(vec![], Encoding::Cp932, &titles)?)
        }
        (SheetFormat::Csv, _) => Sink::Csv(CsvFile::begin(vec![], Encoding::Utf8Bom, &titles)?),
    };
    let mut rows = first;
    while let Some(last) = rows.last().map(|row| row.row_number) {
        let messages = app.read_as(tenant, |scope| messages(scope, import, &rows, lang))?;
        for (row, message) in rows.iter().zip(messages) {
            let mut cells: Vec<String> = serde_json::from_str(&row.cells).map_err(ApiError::from)?;
            cells.resize(width, String::new());
            cells.extend([row.row_number.to_string(), message]);
            let cells: Vec<Said> = cells.iter().map(|text| said(text)).collect();
            match &mut sink {
                Sink::Csv(file) => file.row(&cells)?,
                Sink::Xlsx(file) => file.row(&cells)?,
            }
        }
        rows = app.read_as(tenant, |scope| failed_rows(scope, &import.id, last))?;
    }
    let stem = settings
        .file_name
        .rsplit_once('.')
        .map_or(settings.file_name.as_str(), |(stem, _)| stem);
    let name = format!("{stem}_errors.{}", settings.format.code());
    let bytes = match sink {
        Sink::Csv(file) => file.finish(),
        Sink::Xlsx(file) => {
            let mut bytes = Cursor::new(vec![]);
            file.finish(&mut bytes)?;
            let mut whole = vec![];
            bytes.seek(SeekFrom::Start(0)).map_err(ApiError::internal)?;
            bytes.read_to_end(&mut whole).map_err(ApiError::internal)?;
            whole
        }
    };
    Ok((name, bytes))
}

/// A cell as it was: what it means when it is read again is what it meant.
fn said(text: &str) -> Said {
    match cell::meaning(text) {
        Meaning::Nothing => Said::Nothing,
        Meaning::Clear => Said::Clear,
        Meaning::Value(_) => Said::Text(shielding::read(text).to_owned()),
    }
}

fn failed_rows(scope: &mut Scope<'_>, import_id: &str, after: i64) -> Result<Vec<StagedRow>, ApiError> {
    Ok(import_rows::table
        .filter(import_rows::local_government_id.eq(&scope.lg))
        .filter(import_rows::import_id.eq(import_id))
        .filter(import_rows::row_number.gt(after))
        .filter(import_rows::failed.eq(true))
        .order(import_rows::row_number)
        .limit(STEP)
        .select(StagedRow::as_select())
        .load(scope.conn)?)
}

/// What is wrong with each of these rows, in a cell.
fn messages(
    scope: &mut Scope<'_>,
    import: &ImportRow,
    rows: &[StagedRow],
    lang: Lang,
) -> Result<Vec<String>, ApiError> {
    let mut all = vec![];
    for row in rows {
        let found = rows::errors(scope, &import.id, (row.row_number, -1), NAMED)?;
        let own = found.into_iter().filter(|error| error.row_number == row.row_number);
        let texts = own.map(|error: ErrorRow| {
            let error = error.wire(lang);
            error
                .cell
                .map_or(error.message.clone(), |cell| format!("{cell}: {}", error.message))
        });
        all.push(texts.collect::<Vec<_>>().join(" / "));
    }
    Ok(all)
}
