//! The files that can be kept as evidence: a closed list, by extension, and what their content must look like.
//!
//! The list holds what people read and print, and nothing that runs or packs: no archives, because what is inside
//! could neither be told nor checked; no macros; no HTML or SVG, which a browser would run. A name promises a type and
//! the content must keep the promise. Text is UTF-8 or CP932 (Windows-31J), as spreadsheets in Japan write it.

use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{Decoder, DecoderResult, SHIFT_JIS, UTF_8};

use super::vocabulary::code_words;

code_words! {
    /// The type of a file that is kept.
    FileType {
        Pdf = "pdf", "PDF文書";
        Png = "png", "PNG画像";
        Jpeg = "jpeg", "JPEG画像";
        Docx = "docx", "Word文書";
        Xlsx = "xlsx", "Excelブック";
        Csv = "csv", "CSV";
        Txt = "txt", "テキスト";
    }
}

/// The extensions that a client may use, for messages.
pub const EXTENSIONS: &str = "pdf, png, jpg, jpeg, docx, xlsx, csv, txt";

impl FileType {
    /// The type that the extension of a name promises; `None` for a name without one of [`EXTENSIONS`].
    pub fn of_name(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        if stem.is_empty() {
            return None;
        }
        match extension.to_ascii_lowercase().as_str() {
            "pdf" => Some(Self::Pdf),
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "docx" => Some(Self::Docx),
            "xlsx" => Some(Self::Xlsx),
            "csv" => Some(Self::Csv),
            "txt" => Some(Self::Txt),
            _ => None,
        }
    }

    /// The media type, without a character set: text may be either of two.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv",
            Self::Txt => "text/plain",
        }
    }

    /// Whether a content is of this type; `text` has seen all of it.
    ///
    /// # Errors
    /// When the content cannot be read.
    pub fn is_type_of(self, content: &mut (impl Read + Seek), text: &TextCheck) -> io::Result<bool> {
        let head = head(content)?;
        Ok(match self {
            Self::Pdf => infer::archive::is_pdf(&head),
            Self::Png => infer::image::is_png(&head),
            Self::Jpeg => infer::image::is_jpeg(&head),
            Self::Docx | Self::Xlsx => infer::archive::is_zip(&head) && office(content)? == Some(self),
            // Of the other types only a PDF could pass for text.
            Self::Csv | Self::Txt => text.is_text() && !infer::archive::is_pdf(&head),
        })
    }
}

/// What signatures are told from.
const HEAD: u64 = 64;

fn head(content: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    content.seek(SeekFrom::Start(0))?;
    let mut head = vec![];
    content.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether a content that passes by in pieces is text: valid UTF-8 or CP932 throughout, without control characters
/// other than white space and the end mark (0x1A) of old programs.
#[derive(Debug)]
pub struct TextCheck {
    decoders: Vec<Decoder>,
}

impl std::default::Default for TextCheck {
    fn default() -> Self {
        Self {
            decoders: vec![
                UTF_8.new_decoder_with_bom_removal(),
                SHIFT_JIS.new_decoder_without_bom_handling(),
            ],
        }
    }
}

impl TextCheck {
    /// Takes the next piece; `last` with the last one, which may be empty.
    pub fn take(&mut self, bytes: &[u8], last: bool) {
        self.decoders.retain_mut(|decoder| {
            let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
            let mut text = String::with_capacity(room.unwrap_or_default());
            let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, last);
            let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1a}');
            result == DecoderResult::InputEmpty && !text.contains(control)
        });
    }

    fn is_text(&self) -> bool {
        !self.decoders.is_empty()
    }
}

/// Which Office document (ECMA-376) a ZIP archive is, by the names in its directory; `None` for any other archive and
/// for one with macros. Archives that need ZIP64 are larger than any file that is kept.
fn office(content: &mut (impl Read + Seek)) -> io::Result<Option<FileType>> {
    let Some((entries, start)) = directory(content)? else {
        return Ok(None);
    };
    content.seek(SeekFrom::Start(start))?;
    let mut content = io::BufReader::new(content);
    let (mut types, mut word, mut excel) = (false, false, false);
    for _ in 0..entries {
        let mut fixed = [0; 46];
        if content.read_exact(&mut fixed).is_err() || !fixed.starts_with(b"PK\x01\x02") {
            return Ok(None);
        }
        let mut name = vec![];
        (&mut content).take(u16_at(&fixed, 28)).read_to_end(&mut name)?;
        let rest = u16_at(&fixed, 30) + u16_at(&fixed, 32);
        io::copy(&mut (&mut content).take(rest), &mut io::sink())?;
        types |= name == b"[Content_Types].xml";
        word |= name == b"word/document.xml";
        excel |= name == b"xl/workbook.xml";
        if name.ends_with(b"vbaProject.bin") {
            return Ok(None);
        }
    }
    Ok(match (types, word, excel) {
        (true, true, false) => Some(FileType::Docx),
        (true, false, true) => Some(FileType::Xlsx),
        _ => None,
    })
}

/// The number of entries of a ZIP archive and where its directory begins: from the end record, before which a comment
/// of up to 64 KiB may stand.
fn directory(content: &mut (impl Read + Seek)) -> io::Result<Option<(u64, u64)>> {
    const RECORD: u64 = 22;
    let size = content.seek(SeekFrom::End(0))?;
    content.seek(SeekFrom::Start(size.saturating_sub(RECORD + 0xffff)))?;
    let mut tail = vec![];
    content.read_to_end(&mut tail)?;
    let Some(at) = tail.windows(4).rposition(|four| four == b"PK\x05\x06") else {
        return Ok(None);
    };
    let record = tail.get(at..).unwrap_or_default();
    let whole = u64::try_from(record.len()).unwrap_or_default() >= RECORD;
    Ok(whole.then(|| (u16_at(record, 10), u16_at(record, 16) | (u16_at(record, 18) << 16))))
}

/// Two bytes, the lesser first; zero behind the end.
fn u16_at(bytes: &[u8], at: usize) -> u64 {
    let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or_default());
    byte(at) | (byte(at + 1) << 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vocabulary::CodeWord;
    use std::io::Cursor;

    /// A ZIP archive of empty files.
    fn zip(names: &[&str]) -> Vec<u8> {
        let (mut out, mut directory) = (vec![], vec![]);
        for name in names {
            let length = u16::try_from(name.len()).unwrap().to_le_bytes();
            let offset = u32::try_from(out.len()).unwrap().to_le_bytes();
            out.extend([&b"PK\x03\x04"[..], &[0; 22], &length, &[0; 2], name.as_bytes()].concat());
            directory.extend(
                [
                    &b"PK\x01\x02"[..],
                    &[0; 24],
                    &length,
                    &[0; 12],
                    &offset,
                    name.as_bytes(),
                ]
                .concat(),
            );
        }
        let count = u16::try_from(names.len()).unwrap().to_le_bytes();
        let start = u32::try_from(out.len()).unwrap().to_le_bytes();
        let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
        out.extend(directory);
        out.extend([&b"PK\x05\x06"[..], &[0; 4], &count, &count, &size, &start, &[0; 2]].concat());
        out
    }

    fn types_of(content: &[u8]) -> Vec<FileType> {
        let mut text = TextCheck::default();
        // In pieces that cut characters apart.
        for piece in content.chunks(3) {
            text.take(piece, false);
        }
        text.take(&[], true);
        let is = |kind: &FileType| kind.is_type_of(&mut Cursor::new(content), &text).unwrap();
        FileType::ALL.iter().copied().filter(is).collect()
    }

    #[test]
    fn a_content_is_of_its_type_only() {
        use FileType::{Csv, Docx, Jpeg, Pdf, Png, Txt, Xlsx};
        let word = ["[Content_Types].xml", "docProps/app.xml", "word/document.xml"];
        let excel = ["xl/workbook.xml", "[Content_Types].xml"];
        let macros = ["[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"];
        let text: &[FileType] = &[Csv, Txt];
        let cp932 = SHIFT_JIS.encode("番号,業務名\r\n1,広報紙の発送①\r\n").0.into_owned();
        for (name, content, expected) in [
            ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), &[Pdf][..]),
            ("pdf in letters only", b"%PDF-1.4\n1 0 obj\n".to_vec(), &[Pdf]),
            ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), &[Png]),
            ("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(), &[Jpeg]),
            ("docx", zip(&word), &[Docx]),
            ("xlsx", zip(&excel), &[Xlsx]),
            ("docm", zip(&macros), &[]),
            ("zip", zip(&["word/document.xml.exe"]), &[]),
            ("zip of nothing", zip(&[]), &[]),
            ("utf-8", "番号,業務名\n1,広報紙\n".as_bytes().to_vec(), text),
            ("utf-8 with mark", [b"\xef\xbb\xbf", "業務名".as_bytes()].concat(), text),
            ("cp932", cp932, text),
            ("cp932 with end mark", b"a\r\n\x1a".to_vec(), text),
            ("cut character", "業務".as_bytes()[..4].to_vec(), &[]),
            ("utf-16", b"\xff\xfea\0b\0".to_vec(), &[]),
            ("control", b"a\x1b[31mb".to_vec(), &[]),
            ("program", b"MZ\x90\0\x03\0\0\0".to_vec(), &[]),
        ] {
            assert_eq!(types_of(&content), expected, "{name}");
        }
        let whole = zip(&word);
        for end in 0..whole.len() {
            assert!(!types_of(&whole[..end]).contains(&Docx), "cut at {end}");
        }
    }

    #[test]
    fn a_name_promises_a_type() {
        for (name, expected) in [
            ("契約書.pdf", Some(FileType::Pdf)),
            ("写真.JPG", Some(FileType::Jpeg)),
            ("a.b.xlsx", Some(FileType::Xlsx)),
            ("台帳.csv", Some(FileType::Csv)),
            ("macro.xlsm", None),
            ("page.html", None),
            ("image.svg", None),
            ("archive.zip", None),
            (".pdf", None),
            ("pdf", None),
            ("契約書.pdf.exe", None),
        ] {
            assert_eq!(FileType::of_name(name), expected, "{name}");
        }
    }
}
