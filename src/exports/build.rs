//! A file made of an order: page after page of records, each in a read of its own, written as they come.
//!
//! Neither rows nor file are ever in memory; what changes while the file is made is in it or not. Queue, lease and
//! result are [`super::queue`]'s.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::ocds;
use super::wire::{Format, Order};
use crate::app::{App, Scope, Tenant};
use crate::http::error::ApiError;
use crate::sheets::cells::{self, Manner, Said};
use crate::sheets::columns::{Column, recognise};
use crate::sheets::names;
use crate::sheets::write::{CsvFile, JsonFile, WriteError, XlsxFile};

/// Records of one read.
const STEP: i64 = 200;

/// Why no file came of it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The file cannot hold what stands in the rows.
    File(WriteError),
    /// Ours, or the order's.
    Api(ApiError),
    /// Somebody said stop.
    Stopped,
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::File(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}

/// The columns that an order asks for, in its order.
///
/// # Errors
/// The place of a column that the sheet does not have.
pub(super) fn columns(scope: &mut Scope<'_>, order: &Order) -> Result<Vec<Column>, (usize, ApiError)> {
    let all = order.subject.columns(scope).map_err(|error| (0, error))?;
    let Some(keys) = &order.columns else { return Ok(all) };
    let found = keys.iter().enumerate().map(|(place, key)| {
        let known = all.iter().find(|column| column.key == *key).cloned();
        // Keys of a system that no record has are an empty column.
        let known = known.or_else(|| recognise(&[], key).filter(|column| column.key == *key));
        known.ok_or((place, ApiError::NotFound))
    });
    found.collect()
}

/// A file under way.
enum Writer {
    Csv(CsvFile<BufWriter<File>>),
    Xlsx(Box<XlsxFile>, File),
    Json(JsonFile<BufWriter<File>>),
}

impl Writer {
    fn begin(directory: &Path, order: &Order, head: &Head) -> Result<Self, Failure> {
        let file = tempfile::tempfile_in(directory)?;
        let headers: Vec<&str> = head
            .columns
            .iter()
            .map(|column| order.language.header(column))
            .collect();
        Ok(match order.format {
            Format::Csv => Self::Csv(CsvFile::begin(BufWriter::new(file), order.encoding, &headers)?),
            Format::Xlsx => {
                let title = order.subject.ja();
                let sheet = XlsxFile::begin(directory, title, head.today, &headers)?;
                Self::Xlsx(Box::new(sheet), file)
            }
            Format::Ndjson => Self::Json(JsonFile::lines(BufWriter::new(file))),
            Format::Json => Self::Json(JsonFile::document(BufWriter::new(file), "{\"items\":[")?),
            Format::Ocds => Self::Json(JsonFile::document(BufWriter::new(file), &head.package)?),
        })
    }

    fn row(&mut self, cells: &[Said]) -> Result<(), WriteError> {
        match self {
            Self::Csv(file) => file.row(cells),
            Self::Xlsx(sheet, _) => sheet.row(cells),
            Self::Json(_) => Ok(()),
        }
    }

    fn finish(self) -> Result<File, Failure> {
        let whole = |file: BufWriter<File>| file.into_inner().map_err(io::IntoInnerError::into_error);
        let mut file = match self {
            Self::Csv(file) => whole(file.finish())?,
            Self::Json(file) => whole(file.finish()?)?,
            Self::Xlsx(sheet, file) => {
                sheet.finish(&file)?;
                file
            }
        };
        file.flush()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

/// What is known before the first row.
struct Head {
    columns: Vec<Column>,
    manner: Manner,
    today: chrono::NaiveDate,
    /// How an OCDS package begins.
    package: String,
}

/// Makes the file; `go_on` is asked after each page with the rows so far. Answers the file, from its beginning, and its
/// rows.
pub(crate) fn build(
    app: &App,
    tenant: &Tenant,
    order: &Order,
    directory: &Path,
    mut go_on: impl FnMut(i64) -> Result<bool, ApiError>,
) -> Result<(File, i64), Failure> {
    let head = app.read_as(tenant, |scope| {
        let columns = if order.format.is_sheet() {
            columns(scope, order).map_err(|(_, error)| error)?
        } else {
            vec![]
        };
        Ok(Head {
            columns,
            manner: Manner {
                language: order.language,
                zone: scope.zone,
            },
            today: scope.today,
            package: ocds::package(scope)?,
        })
    })?;
    let mut writer = Writer::begin(directory, order, &head)?;
    let (mut rows, mut cursor) = (0_i64, None);
    loop {
        let (records, cells, next) = app.read_as(tenant, |scope| {
            let (mut records, next) = order.subject.chunk(scope, order, cursor.as_deref(), STEP)?;
            if order.format == Format::Ocds {
                records = ocds::releases(scope, records)?;
            }
            let mut cells = vec![];
            if order.format.is_sheet() {
                records = order.subject.rows(records);
                let names = names::load(scope, cells::references(&head.columns, &records))?;
                for record in records.drain(..) {
                    let said = |column| cells::said(column, &record, &names, head.manner);
                    cells.push(head.columns.iter().map(said).collect::<Vec<_>>());
                }
            }
            Ok((records, cells, next))
        })?;
        for row in &cells {
            writer.row(row)?;
        }
        if let Writer::Json(file) = &mut writer {
            for record in &records {
                file.record(record)?;
            }
        }
        rows += i64::try_from(cells.len() + records.len()).unwrap_or(STEP);
        if !go_on(rows)? {
            return Err(Failure::Stopped);
        }
        cursor = next;
        if cursor.is_none() {
            return Ok((writer.finish()?, rows));
        }
    }
}
