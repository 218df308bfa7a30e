//! CSV: its encoding, found from its bytes, and its rows, one at a time.
//!
//! The bytes are split before they are decoded: neither comma, quotation mark nor line end can be the second byte of a
//! character in CP932, so a broken character spoils its own cell and no other. XLSX is [`super::xlsx`].

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use ::csv::{ByteRecord, ErrorKind, ReaderBuilder};
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};

use super::{LONGEST_CELL, MOST_COLUMNS, ReadError, Row, SheetEncoding, SheetFormat};

/// The byte-order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Each row with its number; answers the encoding.
pub(super) fn rows<E: From<ReadError>>(
    mut file: File,
    encoding: SheetEncoding,
    each: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, E>,
) -> Result<SheetEncoding, E> {
    let (encoding, skip) = detect(&mut file, encoding)?;
    file.seek(SeekFrom::Start(skip)).map_err(ReadError::Io)?;
    let decoder = match encoding {
        SheetEncoding::Cp932 => SHIFT_JIS,
        SheetEncoding::Auto | SheetEncoding::Utf8 => UTF_8,
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(Lines(BufReader::new(file)));
    let (mut record, mut number) = (ByteRecord::new(), 0);
    loop {
        let line = reader.position().line();
        if !reader.read_byte_record(&mut record).map_err(unreadable)? {
            return Ok(encoding);
        }
        // The reader passes over blank lines, which are rows of the spreadsheet all the same.
        let taken = reader.position().line().saturating_sub(line);
        let inner = record.as_slice().split(|byte| *byte == b'\n').count() - 1;
        let blank = taken
            .saturating_sub(u64::try_from(inner).unwrap_or(u64::MAX))
            .saturating_sub(1);
        number += u32::try_from(blank).unwrap_or(u32::MAX).saturating_add(1);
        if let ControlFlow::Break(()) = each(decoded(&record, number, decoder)?)? {
            return Ok(encoding);
        }
    }
}

/// The bytes of a file with LF for CRLF, so that each line is counted where it ends.
struct Lines(BufReader<File>);

impl Read for Lines {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < out.len() {
            let waiting = self.0.fill_buf()?;
            let Some(byte) = waiting.first().copied() else { break };
            self.0.consume(1);
            if byte == b'\r' && self.0.fill_buf()?.first() == Some(&b'\n') {
                continue;
            }
            if let Some(place) = out.get_mut(written) {
                *place = byte;
            }
            written += 1;
        }
        Ok(written)
    }
}

fn decoded(record: &ByteRecord, number: u32, decoder: &'static Encoding) -> Result<Row, ReadError> {
    if record.len() > MOST_COLUMNS
        && record
            .iter()
            .skip(MOST_COLUMNS)
            .any(|cell| !cell.trim_ascii().is_empty())
    {
        return Err(ReadError::TooManyColumns(number));
    }
    let mut row = Row {
        number,
        cells: Vec::with_capacity(record.len().min(MOST_COLUMNS)),
        unreadable: vec![],
    };
    for (column, bytes) in record.iter().take(MOST_COLUMNS).enumerate() {
        let (text, broken) = decoder.decode_without_bom_handling(bytes);
        if broken {
            row.unreadable.push(column);
        }
        if text.chars().nth(LONGEST_CELL).is_some() {
            return Err(ReadError::TooLongCell(number));
        }
        row.cells.push(text.into_owned());
    }
    Ok(row)
}

fn unreadable(error: ::csv::Error) -> ReadError {
    match error.into_kind() {
        ErrorKind::Io(error) => ReadError::Io(error),
        other => ReadError::Format(SheetFormat::Csv, format!("{other:?}")),
    }
}

/// The encoding, and how many bytes its mark takes.
fn detect(file: &mut File, said: SheetEncoding) -> Result<(SheetEncoding, u64), ReadError> {
    let mut head = vec![];
    file.by_ref().take(4).read_to_end(&mut head)?;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(ReadError::Utf16);
    }
    if head.starts_with(b"PK\x03\x04") || head.contains(&0) {
        return Err(ReadError::Format(SheetFormat::Csv, "binary".to_owned()));
    }
    let skip = if head.starts_with(MARK) { MARK.len() } else { 0 };
    let skip = u64::try_from(skip).unwrap_or_default();
    let encoding = match said {
        SheetEncoding::Auto if skip > 0 || is_utf8(file)? => SheetEncoding::Utf8,
        SheetEncoding::Auto => SheetEncoding::Cp932,
        said => said,
    };
    Ok((encoding, if encoding == SheetEncoding::Utf8 { skip } else { 0 }))
}

/// Whether all of the file is UTF-8, looked through a piece at a time.
fn is_utf8(file: &mut File) -> Result<bool, ReadError> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let mut decoder = UTF_8.new_decoder_without_bom_handling();
    let (mut bytes, mut text) = (vec![0; 64 * 1024], String::with_capacity(256 * 1024));
    loop {
        let read = reader.read(&mut bytes)?;
        let piece = bytes.get(..read).unwrap_or_default();
        text.clear();
        let (_, _, broken) = decoder.decode_to_string(piece, &mut text, read == 0);
        if broken {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}
