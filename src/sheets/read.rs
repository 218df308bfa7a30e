//! Reading a spreadsheet row by row, from CSV ([`csv`]) or XLSX ([`xlsx`]), without holding more than one row.
//!
//! Every cell comes out as text: dates of real date cells as `2027-04-01`, numbers without a useless fraction. What a text
//! means is [`crate::domain::cell`]'s, which column is which [`header`]'s. Rows are counted as the spreadsheet shows them,
//! from 1, so that a message can name a cell.

mod csv;
pub mod header;
mod xlsx;

use std::fmt;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most rows below the header.
pub const MOST_ROWS: u32 = 100_000;
/// The most columns.
pub const MOST_COLUMNS: usize = 256;
/// The longest text of a cell, in characters: the most that a spreadsheet program keeps.
pub const LONGEST_CELL: usize = 32_767;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SheetFormat {
    /// Texts with commas.
    Csv,
    /// A workbook; its first visible sheet.
    Xlsx,
}

impl SheetFormat {
    /// Its spelling, which is the extension too.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The format that the extension of a name promises.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        [Self::Csv, Self::Xlsx]
            .into_iter()
            .find(|format| extension.eq_ignore_ascii_case(format.code()))
    }
}

/// How the texts of a CSV file are written in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SheetEncoding {
    /// By its byte-order mark; UTF-8 when all of it is; otherwise CP932.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// UTF-8, with or without a byte-order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// CP932 (Windows-31J), as spreadsheets in Japan write it.
    #[serde(rename = "cp932")]
    Cp932,
}

impl SheetEncoding {
    /// Its spelling.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Utf8 => "utf-8",
            Self::Cp932 => "cp932",
        }
    }

    /// The encoding of this spelling.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Auto, Self::Utf8, Self::Cp932]
            .into_iter()
            .find(|encoding| encoding.code() == code)
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number in the spreadsheet, from 1.
    pub number: u32,
    /// Its cells from column A on; the blank ones at its end are left out.
    pub cells: Vec<String>,
    /// The columns, from 0, whose text is not in the encoding of the file.
    pub unreadable: Vec<usize>,
}

impl Row {
    /// Whether it says nothing.
    pub fn is_blank(&self) -> bool {
        self.unreadable.is_empty() && self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// Why a file cannot be read, or no further.
#[derive(Debug)]
pub enum ReadError {
    /// Its bytes are not what the format says.
    Format(SheetFormat, String),
    /// It is locked with a password.
    Password,
    /// It is larger unpacked than it may be, or packed in a way that only bombs are.
    TooLarge,
    /// It has more than [`MOST_COLUMNS`].
    TooManyColumns(u32),
    /// A cell is longer than a spreadsheet keeps: a quotation mark was never closed, most likely.
    TooLongCell(u32),
    /// UTF-16, which spreadsheets call Unicode text.
    Utf16,
    /// The disk.
    Io(std::io::Error),
}

impl ReadError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Format(..) => "unreadable_file",
            Self::Password => "password_protected",
            Self::TooLarge => "unpacked_too_large",
            Self::TooManyColumns(_) => "too_many_columns",
            Self::TooLongCell(_) => "too_long_cell",
            Self::Utf16 => "unsupported_encoding",
            Self::Io(_) => "io",
        }
    }

    /// Japanese message.
    pub fn message_ja(&self) -> String {
        match self {
            Self::Format(SheetFormat::Csv, _) => {
                "CSVとして読めません。CSV（カンマ区切り）で保存し直してください。".to_owned()
            }
            Self::Format(SheetFormat::Xlsx, _) => {
                "Excelブックとして読めません。.xlsx の形式で保存し直してください。".to_owned()
            }
            Self::Password => "パスワードで保護されています。保護を解除して保存し直してください。".to_owned(),
            Self::TooLarge => {
                "展開した大きさが上限を超えます。画像や余分なシートを除いて保存し直してください。".to_owned()
            }
            Self::TooManyColumns(row) => format!("{row}行目の列が{MOST_COLUMNS}列を超えています。"),
            Self::TooLongCell(row) => {
                format!(
                    "{row}行目に{LONGEST_CELL}字を超えるセルがあります。閉じていない引用符（\"）がないか確かめてください。"
                )
            }
            Self::Utf16 => "UTF-16 のテキストは読めません。「CSV UTF-8」か「CSV」で保存し直してください。".to_owned(),
            Self::Io(_) => "ファイルを読み取れませんでした。もう一度送ってください。".to_owned(),
        }
    }

    /// English message.
    pub fn message_en(&self) -> String {
        match self {
            Self::Format(format, _) => format!("Cannot be read as {}; save it in that format again.", format.code()),
            Self::Password => "Protected by a password; remove it and save again.".to_owned(),
            Self::TooLarge => "Too large when unpacked; remove pictures and spare sheets and save again.".to_owned(),
            Self::TooManyColumns(row) => format!("Row {row} has more than {MOST_COLUMNS} columns."),
            Self::TooLongCell(row) => {
                format!(
                    "Row {row} has a cell of more than {LONGEST_CELL} characters; look for a quotation mark that is not closed."
                )
            }
            Self::Utf16 => "UTF-16 is not read; save it as CSV UTF-8 or CSV.".to_owned(),
            Self::Io(_) => "The file could not be read; send it again.".to_owned(),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message_en())?;
        match self {
            Self::Format(_, cause) => write!(f, " ({cause})"),
            Self::Io(cause) => write!(f, " ({cause})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the rows that are not blank, from the first on, until `each` breaks off; answers the encoding that was found, for
/// a CSV file. With `spread` the cells of the first rows that are merged all have their text, as headers need.
///
/// # Errors
/// A file that cannot be read, or what `each` answers.
pub fn rows<E: From<ReadError>>(
    mut file: File,
    format: SheetFormat,
    encoding: SheetEncoding,
    spread: bool,
    mut each: impl FnMut(Row) -> Result<ControlFlow<()>, E>,
) -> Result<SheetEncoding, E> {
    file.seek(SeekFrom::Start(0)).map_err(ReadError::Io)?;
    let mut each = |mut row: Row| {
        while row.cells.last().is_some_and(|cell| cell.trim().is_empty())
            && !row.unreadable.contains(&(row.cells.len() - 1))
        {
            row.cells.pop();
        }
        if row.is_blank() {
            Ok(ControlFlow::Continue(()))
        } else {
            each(row)
        }
    };
    match format {
        SheetFormat::Csv => csv::rows(file, encoding, &mut each),
        SheetFormat::Xlsx => xlsx::rows(file, spread, &mut each).map(|()| SheetEncoding::Utf8),
    }
}

/// The letters of a column, from 0: `A`, `B` … `AA`.
pub fn column_letters(column: usize) -> String {
    let mut letters = vec![];
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests;
