//! Files from rows: CSV as Excel in Japan opens it (byte-order mark, CRLF, every cell quoted, shielded against formulas),
//! XLSX with real dates and texts and never a formula, NDJSON and JSON of whole records.
//!
//! A row is written as it comes, so a file of any length needs the memory of one row; XLSX keeps its rows in a temporary
//! file of its library. What the cells say is [`super::cells`]'.

use std::io::{self, Seek, Write};
use std::path::Path;

use chrono::{Datelike, NaiveDate};
use encoding_rs::SHIFT_JIS;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format as CellFormat, Workbook, XlsxError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::cells::Said;
use crate::domain::shielding;

/// The most characters that Excel keeps in a cell.
const CELL_LIMIT: usize = 32_767;
/// The most rows that Excel keeps in a sheet, the header among them.
const ROW_LIMIT: u32 = 1_048_576;

/// The encoding of a CSV file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Encoding {
    /// UTF-8 with a byte-order mark, by which Excel knows it.
    #[default]
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// UTF-8 without one.
    #[serde(rename = "utf-8")]
    Utf8,
    /// CP932 (`Shift_JIS` as Windows has it); a character that it lacks is refused.
    #[serde(rename = "cp932")]
    Cp932,
}

/// Why a file could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// A character that CP932 lacks.
    Unmappable {
        /// The cell as Excel names it: `C5`.
        cell: String,
        /// The character.
        character: char,
    },
    /// A text that is too long for a cell of XLSX.
    TooLong {
        /// The cell as Excel names it.
        cell: String,
    },
    /// More rows than a sheet of XLSX holds.
    TooManyRows,
    /// The disk, or the library.
    Io(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<XlsxError> for WriteError {
    fn from(error: XlsxError) -> Self {
        Self::Io(io::Error::other(error))
    }
}

impl From<serde_json::Error> for WriteError {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(error.into())
    }
}

impl From<csv::Error> for WriteError {
    fn from(error: csv::Error) -> Self {
        Self::Io(io::Error::other(error))
    }
}

impl WriteError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unmappable { .. } => "unmappable_character",
            Self::TooLong { .. } => "cell_too_long",
            Self::TooManyRows => "too_many_rows",
            Self::Io(_) => "internal_error",
        }
    }

    /// Japanese message.
    pub fn message_ja(&self) -> String {
        match self {
            Self::Unmappable { cell, character } => format!(
                "セル{cell}の「{character}」(U+{:04X})はCP932にありません。UTF-8かXLSXで出力してください。",
                u32::from(*character)
            ),
            Self::TooLong { cell } => {
                format!("セル{cell}の文字数がXLSXの上限（{CELL_LIMIT}字）を超えます。CSVで出力してください。")
            }
            Self::TooManyRows => {
                format!("行数がXLSXの上限（{ROW_LIMIT}行）を超えます。CSVで出力するか、絞り込んでください。")
            }
            Self::Io(_) => "ファイルを作れませんでした。もう一度出力してください。".to_owned(),
        }
    }

    /// English message.
    pub fn message_en(&self) -> String {
        match self {
            Self::Unmappable { cell, character } => format!(
                "CP932 lacks \"{character}\" (U+{:04X}) of cell {cell}; export as UTF-8 or XLSX.",
                u32::from(*character)
            ),
            Self::TooLong { cell } => {
                format!("Cell {cell} has more than the {CELL_LIMIT} characters of XLSX; export as CSV.")
            }
            Self::TooManyRows => format!("XLSX holds {ROW_LIMIT} rows; export as CSV, or filter."),
            Self::Io(_) => "The file could not be made; export again.".to_owned(),
        }
    }
}

/// The name of a cell in Excel, from its places counted from 0: (2, 4) is `C5`.
pub fn cell_name(column: usize, row: u32) -> String {
    let mut letters = vec![];
    let mut rest = column + 1;
    while rest > 0 {
        let place = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + place));
        rest = (rest - 1) / 26;
    }
    let letters: String = letters.into_iter().rev().collect();
    format!("{letters}{}", u64::from(row) + 1)
}

/// A CSV file under way.
#[derive(Debug)]
pub struct CsvFile<W: Write> {
    sink: W,
    encoding: Encoding,
    rows: u32,
}

impl<W: Write> CsvFile<W> {
    /// Begins a file with its header row.
    ///
    /// # Errors
    /// A header that the encoding lacks, or the sink's failure.
    pub fn begin(mut sink: W, encoding: Encoding, headers: &[&str]) -> Result<Self, WriteError> {
        if encoding == Encoding::Utf8Bom {
            sink.write_all("\u{feff}".as_bytes())?;
        }
        let mut file = Self {
            sink,
            encoding,
            rows: 0,
        };
        file.line(headers.iter().map(|header| (*header).to_owned()).collect())?;
        Ok(file)
    }

    /// Adds a row. Numbers and dates need no shield.
    ///
    /// # Errors
    /// A character that the encoding lacks, or the sink's failure.
    pub fn row(&mut self, cells: &[Said]) -> Result<(), WriteError> {
        let texts = cells.iter().map(|said| match said {
            Said::Text(text) => shielding::for_csv(text).into_owned(),
            other => other.text(),
        });
        self.line(texts.collect())
    }

    fn line(&mut self, texts: Vec<String>) -> Result<(), WriteError> {
        let mut line = csv::WriterBuilder::new()
            .quote_style(csv::QuoteStyle::Always)
            .terminator(csv::Terminator::CRLF)
            .from_writer(vec![]);
        line.write_record(&texts)?;
        let line = line
            .into_inner()
            .map_err(|error| WriteError::Io(io::Error::other(error.to_string())))?;
        if self.encoding == Encoding::Cp932 {
            for (column, text) in texts.iter().enumerate() {
                if let Some(character) = text.chars().find(|c| !is_in_cp932(*c)) {
                    return Err(WriteError::Unmappable {
                        cell: cell_name(column, self.rows),
                        character,
                    });
                }
            }
            let text = String::from_utf8(line).map_err(|error| WriteError::Io(io::Error::other(error)))?;
            self.sink.write_all(&SHIFT_JIS.encode(&text).0)?;
        } else {
            self.sink.write_all(&line)?;
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// Ends the file.
    pub fn finish(self) -> W {
        self.sink
    }
}

/// Whether CP932 has the character and gives it back: the encoder writes the yen sign and the overline as other signs.
fn is_in_cp932(c: char) -> bool {
    if c.is_ascii() {
        return true;
    }
    let mut bytes = [0; 4];
    let text: &str = c.encode_utf8(&mut bytes);
    let (encoded, _, lacks) = SHIFT_JIS.encode(text);
    !lacks && SHIFT_JIS.decode_without_bom_handling(&encoded).0 == text
}

/// An XLSX file under way.
pub struct XlsxFile {
    book: Workbook,
    date: CellFormat,
    hundredths: CellFormat,
    rows: u32,
}

impl std::fmt::Debug for XlsxFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "XlsxFile of {} rows", self.rows)
    }
}

impl XlsxFile {
    /// Begins a file of one sheet with its header row; `directory` takes the rows until the end, `on` is the day that it
    /// says it was made.
    ///
    /// # Errors
    /// A title that no sheet can have, or the disk's failure.
    pub fn begin(directory: &Path, title: &str, on: NaiveDate, headers: &[&str]) -> Result<Self, WriteError> {
        let mut book = Workbook::new();
        book.set_tempdir(directory)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&excel_date(on)?));
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(title.chars().take(31).collect::<String>())?;
        sheet.set_freeze_panes(1, 0)?;
        let bold = CellFormat::new().set_bold();
        for (column, header) in (0_u16..).zip(headers) {
            sheet.write_string_with_format(0, column, *header, &bold)?;
        }
        Ok(Self {
            book,
            date: CellFormat::new().set_num_format("yyyy-mm-dd"),
            hundredths: CellFormat::new().set_num_format("0.00"),
            rows: 1,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// What XLSX cannot hold, or the disk's failure.
    pub fn row(&mut self, cells: &[Said]) -> Result<(), WriteError> {
        if self.rows >= ROW_LIMIT {
            return Err(WriteError::TooManyRows);
        }
        let row = self.rows;
        let sheet = self.book.worksheet_from_index(0)?;
        for (column, said) in (0_u16..).zip(cells) {
            match said {
                Said::Nothing => {}
                Said::Clear => {
                    sheet.write_string(row, column, "-")?;
                }
                Said::Text(text) => {
                    let text = shielding::for_xlsx(text);
                    if text.chars().count() > CELL_LIMIT {
                        let cell = cell_name(usize::from(column), row);
                        return Err(WriteError::TooLong { cell });
                    }
                    sheet.write_string(row, column, &*text)?;
                }
                Said::Date(on) => match excel_date(*on) {
                    Ok(date) => {
                        sheet.write_datetime_with_format(row, column, &date, &self.date)?;
                    }
                    // Excel has no days before 1900.
                    Err(_) => {
                        sheet.write_string(row, column, on.to_string())?;
                    }
                },
                Said::Integer(_) => {
                    sheet.write_number(row, column, number(&said.text()))?;
                }
                Said::Hundredths(_) => {
                    sheet.write_number_with_format(row, column, number(&said.text()), &self.hundredths)?;
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Puts the file together.
    ///
    /// # Errors
    /// The disk's failure.
    pub fn finish(mut self, sink: impl Write + Seek + Send) -> Result<(), WriteError> {
        Ok(self.book.save_to_writer(sink)?)
    }
}

/// The number that a decimal text says; Excel knows no other numbers than these.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or_default()
}

fn excel_date(on: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    let year = u16::try_from(on.year()).unwrap_or_default();
    let (month, day) = (u8::try_from(on.month()), u8::try_from(on.day()));
    ExcelDateTime::from_ymd(year, month.unwrap_or_default(), day.unwrap_or_default())
}

/// Whole records, one a line or in one document.
#[derive(Debug)]
pub struct JsonFile<W: Write> {
    sink: W,
    is_document: bool,
    rows: u64,
}

impl<W: Write> JsonFile<W> {
    /// Begins NDJSON, one record a line.
    pub const fn lines(sink: W) -> Self {
        Self {
            sink,
            is_document: false,
            rows: 0,
        }
    }

    /// Begins one JSON document; `head` is what stands before the records, as `{"items":[`.
    ///
    /// # Errors
    /// The sink's failure.
    pub fn document(mut sink: W, head: &str) -> Result<Self, WriteError> {
        sink.write_all(head.as_bytes())?;
        Ok(Self {
            sink,
            is_document: true,
            rows: 0,
        })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// The sink's failure.
    pub fn record(&mut self, record: &Value) -> Result<(), WriteError> {
        if self.is_document && self.rows > 0 {
            self.sink.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut self.sink, record)?;
        if !self.is_document {
            self.sink.write_all(b"\n")?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The sink's failure.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.is_document {
            self.sink.write_all(b"]}\n")?;
        }
        Ok(self.sink)
    }
}

#[cfg(test)]
mod tests;
