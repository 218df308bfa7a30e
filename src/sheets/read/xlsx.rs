//! XLSX: the first visible sheet of a workbook, its cells in their order, never all at once.
//!
//! A workbook is a zip of XML, and both can hide far more than they show, so it is unpacked once into nothing under caps
//! before anything is kept of it. The XML is read without document types: nothing in it names another file. CSV is
//! [`super::csv`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use calamine::{DataRef, Dimensions, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::{LONGEST_CELL, MOST_COLUMNS, ReadError, Row, SheetFormat};

/// The most parts of a workbook.
const MOST_PARTS: usize = 2_000;
/// The most bytes of all its parts.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// The most bytes of a part that is kept in memory: the texts, the styles, the list of sheets.
const MOST_KEPT_BYTES: u64 = 48 * 1024 * 1024;
/// Above this a part may be at most so many times larger than packed; XML of tables packs to a tenth or so.
const RATIO_FROM: u64 = 8 * 1024 * 1024;
const MOST_RATIO: u64 = 200;
/// How far down merged cells are spread: no header is below.
pub(super) const HEADER_ROWS: u32 = 20;

/// Each row with its number.
pub(super) fn rows<E: From<ReadError>>(
    mut file: File,
    spread: bool,
    each: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    check(&file)?;
    file.seek(SeekFrom::Start(0)).map_err(ReadError::Io)?;
    let mut book = Xlsx::new(BufReader::new(file)).map_err(unreadable)?;
    let name = book
        .sheets_metadata()
        .iter()
        .find(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .ok_or_else(|| ReadError::Format(SheetFormat::Xlsx, "no visible sheet".to_owned()))?;
    let merged = if spread {
        book.merge_cells_by_sheet_name(&name).map_err(unreadable)?
    } else {
        vec![]
    };
    let mut spreading = Spreading::of(merged);
    let mut cells = book.worksheet_cells_reader(&name).map_err(unreadable)?;
    let mut row = Row {
        number: 0,
        cells: vec![],
        unreadable: vec![],
    };
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        let (at, column) = cell.get_position();
        let number = at.saturating_add(1);
        let text = text(cell.get_value());
        if text.is_empty() && number > HEADER_ROWS {
            continue;
        }
        if number != row.number {
            if number < row.number {
                let cause = format!("row {number} after row {}", row.number);
                return Err(ReadError::Format(SheetFormat::Xlsx, cause).into());
            }
            if let ControlFlow::Break(()) = hand_over(&mut row, number, &mut spreading, each)? {
                return Ok(());
            }
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= MOST_COLUMNS {
            if text.trim().is_empty() {
                continue;
            }
            return Err(ReadError::TooManyColumns(number).into());
        }
        if text.chars().nth(LONGEST_CELL).is_some() {
            return Err(ReadError::TooLongCell(number).into());
        }
        put(&mut row.cells, column, text);
    }
    hand_over(&mut row, 0, &mut spreading, each).map(drop)
}

/// Gives the row that is whole to `each` and begins the next one.
fn hand_over<E>(
    row: &mut Row,
    next: u32,
    spreading: &mut Spreading,
    each: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    let mut whole = std::mem::replace(
        row,
        Row {
            number: next,
            cells: vec![],
            unreadable: vec![],
        },
    );
    if whole.number == 0 {
        return Ok(ControlFlow::Continue(()));
    }
    spreading.fill(&mut whole);
    each(whole)
}

fn put(cells: &mut Vec<String>, column: usize, text: String) {
    if cells.len() <= column {
        cells.resize(column + 1, String::new());
    }
    if let Some(cell) = cells.get_mut(column) {
        *cell = text;
    }
}

/// The merged cells of the first rows: a header over several cells is the header of each.
struct Spreading {
    merged: Vec<Dimensions>,
    texts: BTreeMap<(u32, u32), String>,
}

impl Spreading {
    fn of(merged: Vec<Dimensions>) -> Self {
        let merged = merged.into_iter().filter(|area| area.start.0 < HEADER_ROWS).collect();
        Self {
            merged,
            texts: BTreeMap::new(),
        }
    }

    fn fill(&mut self, row: &mut Row) {
        let at = row.number.saturating_sub(1);
        if at >= HEADER_ROWS {
            return;
        }
        for area in self
            .merged
            .iter()
            .filter(|area| (area.start.0..=area.end.0).contains(&at))
        {
            let (Ok(first), Ok(last)) = (usize::try_from(area.start.1), usize::try_from(area.end.1)) else {
                continue;
            };
            if at == area.start.0 {
                let text = row.cells.get(first).cloned().unwrap_or_default();
                self.texts.insert(area.start, text);
            }
            let Some(text) = self.texts.get(&area.start).filter(|text| !text.is_empty()) else {
                continue;
            };
            for column in first..=last.min(MOST_COLUMNS - 1) {
                put(&mut row.cells, column, text.clone());
            }
        }
    }
}

/// A cell as text.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => self::number(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(at) if at.is_datetime() && at.as_f64() >= 1.0 => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }
        DataRef::DateTime(at) => self::number(at.as_f64()),
        DataRef::Error(error) => error.to_string(),
    }
}

/// A number as a person would write it: a code of digits stays one.
fn number(number: f64) -> String {
    // Display writes a whole number without a fraction and never with an exponent; minus nought is nought.
    (number + 0.0).to_string()
}

fn unreadable(error: XlsxError) -> ReadError {
    match error {
        XlsxError::Password => ReadError::Password,
        XlsxError::Io(error) if error.kind() != io::ErrorKind::InvalidData => ReadError::Io(error),
        other => ReadError::Format(SheetFormat::Xlsx, other.to_string()),
    }
}

/// Unpacks every part into nothing and refuses what is too many, too large, or packed too well to be a table.
fn check(file: &File) -> Result<(), ReadError> {
    let mut file = file.try_clone()?;
    let mut head = [0; 4];
    file.seek(SeekFrom::Start(0))?;
    let read = file.read(&mut head)?;
    // What Office encrypts is an OLE container.
    if read == 4 && head == *b"\xd0\xcf\x11\xe0" {
        return Err(ReadError::Password);
    }
    let not_a_zip = |error: zip::result::ZipError| ReadError::Format(SheetFormat::Xlsx, error.to_string());
    file.seek(SeekFrom::Start(0))?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(not_a_zip)?;
    if archive.len() > MOST_PARTS {
        return Err(ReadError::TooLarge);
    }
    let mut total = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(not_a_zip)?;
        let (name, packed) = (part.name().map_err(not_a_zip)?.to_lowercase(), part.compressed_size());
        // A worksheet is read as it comes; pictures are never read.
        let passes = name.contains("worksheets/") || name.contains("media/");
        let most = if passes { MOST_BYTES } else { MOST_KEPT_BYTES };
        let most = most.min(MOST_BYTES - total);
        let size = io::copy(&mut part.take(most + 1), &mut io::sink())
            .map_err(|error| ReadError::Format(SheetFormat::Xlsx, error.to_string()))?;
        if size > most || (size > RATIO_FROM && size / packed.max(1) > MOST_RATIO) {
            return Err(ReadError::TooLarge);
        }
        total += size;
    }
    Ok(())
}
