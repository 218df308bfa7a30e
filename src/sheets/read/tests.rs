//! Files as offices make them, and files that were made to do harm.

use std::io::Write;

use encoding_rs::SHIFT_JIS;
use zip::write::SimpleFileOptions;

use super::*;

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn read(bytes: &[u8], format: SheetFormat) -> Result<(Vec<Row>, SheetEncoding), ReadError> {
    let mut found = vec![];
    let encoding = rows::<ReadError>(file(bytes), format, SheetEncoding::Auto, true, |row| {
        found.push(row);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((found, encoding))
}

fn table(bytes: &[u8], format: SheetFormat) -> Vec<(u32, String)> {
    let (rows, _) = read(bytes, format).unwrap();
    rows.into_iter().map(|row| (row.number, row.cells.join("|"))).collect()
}

fn lines(expected: &[(u32, &str)]) -> Vec<(u32, String)> {
    expected.iter().map(|(n, text)| (*n, (*text).to_owned())).collect()
}

#[test]
fn the_encoding_is_found_from_the_bytes() {
    let text = "番号,名称\r\n1,髙﨑①～\r\n";
    let cp932 = SHIFT_JIS.encode(text).0.into_owned();
    let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    let expected = lines(&[(1, "番号|名称"), (2, "1|髙﨑①～")]);
    for (bytes, encoding) in [
        (text.as_bytes(), SheetEncoding::Utf8),
        (marked.as_slice(), SheetEncoding::Utf8),
        (cp932.as_slice(), SheetEncoding::Cp932),
    ] {
        assert_eq!(table(bytes, SheetFormat::Csv), expected);
        assert_eq!(read(bytes, SheetFormat::Csv).unwrap().1, encoding);
    }
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("a,b".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert!(matches!(read(&utf16, SheetFormat::Csv), Err(ReadError::Utf16)));
    for bytes in [b"PK\x03\x04rest".as_slice(), b"a\0b"] {
        assert!(matches!(
            read(bytes, SheetFormat::Csv),
            Err(ReadError::Format(SheetFormat::Csv, _))
        ));
    }
}

#[test]
fn rows_are_counted_as_the_spreadsheet_shows_them() {
    let text = "a,b\n\n\n\"1行目\n2行目\",x\r\n , \n\"\"\"引用\"\"\",y,,\nlast";
    assert_eq!(
        table(text.as_bytes(), SheetFormat::Csv),
        lines(&[(1, "a|b"), (4, "1行目\n2行目|x"), (6, "\"引用\"|y"), (7, "last")])
    );
    assert_eq!(table(b"", SheetFormat::Csv), []);
    assert_eq!(table(b"\n\n", SheetFormat::Csv), []);
}

#[test]
fn a_broken_character_spoils_its_cell_and_no_other() {
    // 0x81 begins a character that 0x20 cannot end.
    let bytes = b"a,b\n1,\x81 \n\x82\xa0,2\n";
    let (rows, encoding) = read(bytes, SheetFormat::Csv).unwrap();
    assert_eq!(encoding, SheetEncoding::Cp932);
    let unreadable: Vec<_> = rows.iter().map(|row| row.unreadable.clone()).collect();
    assert_eq!(unreadable, [vec![], vec![1], vec![]]);
    assert_eq!(rows[2].cells, ["あ", "2"]);
}

#[test]
fn a_table_that_is_too_wide_or_a_quotation_that_never_ends_is_refused() {
    let wide = "x,".repeat(MOST_COLUMNS) + "x\n";
    assert!(matches!(
        read(wide.as_bytes(), SheetFormat::Csv),
        Err(ReadError::TooManyColumns(1))
    ));
    let blank = "x".to_owned() + &",".repeat(2 * MOST_COLUMNS) + "\n";
    assert_eq!(table(blank.as_bytes(), SheetFormat::Csv), lines(&[(1, "x")]));
    let open = "a,b\n\"".to_owned() + &"x,y\n".repeat(LONGEST_CELL / 3);
    assert!(matches!(
        read(open.as_bytes(), SheetFormat::Csv),
        Err(ReadError::TooLongCell(2))
    ));
}

#[test]
fn no_more_than_one_row_is_held() {
    let lines: Vec<String> = (0..100_000).map(|n| format!("{n:06},株式会社{n}\r\n")).collect();
    let csv = "番号,名称\r\n".to_owned() + &lines.concat();
    let (mut held, mut most, mut last) = (0, 0, 0);
    rows::<ReadError>(
        file(csv.as_bytes()),
        SheetFormat::Csv,
        SheetEncoding::Auto,
        false,
        |row| {
            held += 1;
            most = most.max(held);
            last = row.number;
            assert!(row.cells.capacity() <= 4);
            drop(row);
            held -= 1;
            Ok(ControlFlow::Continue(()))
        },
    )
    .unwrap();
    assert_eq!((most, last), (1, 100_001));
    // Whoever has read enough ends it.
    let mut seen = 0;
    rows::<ReadError>(
        file(csv.as_bytes()),
        SheetFormat::Csv,
        SheetEncoding::Auto,
        false,
        |_| {
            seen += 1;
            Ok(if seen == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        },
    )
    .unwrap();
    assert_eq!(seen, 3);
}

/// A workbook of these parts.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, bytes) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A workbook with one sheet of this XML; style 1 is a date.
fn book(sheet: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let workbook = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"隠し\" sheetId=\"2\" state=\"hidden\" \
         r:id=\"rId2\"/><sheet name=\"一覧\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let worksheet = format!("<worksheet xmlns=\"{main}\">{sheet}</worksheet>");
    let styles = format!(
        "<styleSheet xmlns=\"{main}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"
    );
    let strings =
        format!("<sst xmlns=\"{main}\"><si><t>委託先一覧</t></si><si><r><t>株式</t></r><r><t>会社</t></r></si></sst>");
    let root = format!(
        "<Relationships xmlns=\"{relations}\"><Relationship Id=\"rId1\" Type=\"{office}/officeDocument\" \
         Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let of_book = format!(
        "<Relationships xmlns=\"{relations}\">\
         <Relationship Id=\"rId1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
         <Relationship Id=\"rId2\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet2.xml\"/>\
         <Relationship Id=\"rId3\" Type=\"{office}/styles\" Target=\"styles.xml\"/>\
         <Relationship Id=\"rId4\" Type=\"{office}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
    );
    let hidden = format!("<worksheet xmlns=\"{main}\"><sheetData/></worksheet>");
    zipped(&[
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", of_book.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", worksheet.as_bytes()),
        ("xl/worksheets/sheet2.xml", hidden.as_bytes()),
    ])
}

#[test]
fn real_cells_come_out_as_people_write_them() {
    let sheet = "<sheetData>\
        <row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>\
        <row r=\"3\"><c r=\"A3\" t=\"s\"><v>1</v></c><c r=\"B3\" s=\"1\"><v>46478</v></c><c r=\"C3\"><v>7000012050002</v></c>\
        <c r=\"D3\"><v>1.5</v></c><c r=\"E3\" t=\"b\"><v>1</v></c><c r=\"F3\" t=\"inlineStr\"><is><t>000123</t></is></c>\
        <c r=\"G3\" t=\"str\"><f>A1&amp;\"x\"</f><v>計算</v></c><c r=\"H3\" t=\"e\"><v>#REF!</v></c><c r=\"J3\" s=\"1\"/>\
        <c r=\"K3\" s=\"1\"><v>46478.5</v></c></row></sheetData>";
    assert_eq!(
        table(&book(sheet), SheetFormat::Xlsx),
        lines(&[
            (1, "委託先一覧"),
            (
                3,
                "株式会社|2027-04-01|7000012050002|1.5|TRUE|000123|計算|#REF!|||2027-04-01 12:00:00"
            )
        ])
    );
}

#[test]
fn merged_cells_of_the_header_all_have_its_text() {
    let cell = |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let sheet = format!(
        "<sheetData><row r=\"1\">{}{}</row><row r=\"2\">{}{}</row><row r=\"30\">{}</row></sheetData>\
         <mergeCells count=\"3\"><mergeCell ref=\"A1:A2\"/><mergeCell ref=\"B1:C1\"/><mergeCell ref=\"A30:B30\"/></mergeCells>",
        cell("A1", "法人番号"),
        cell("B1", "住所"),
        cell("B2", "都道府県"),
        cell("C2", "所在地"),
        cell("A30", "x")
    );
    assert_eq!(
        table(&book(&sheet), SheetFormat::Xlsx),
        lines(&[(1, "法人番号|住所|住所"), (2, "法人番号|都道府県|所在地"), (30, "x")])
    );
}

#[test]
fn a_bomb_is_refused_before_anything_of_it_is_kept() {
    // 64 MiB of zeros pack to 64 KiB.
    let zeros = vec![0_u8; 64 * 1024 * 1024];
    for part in ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"] {
        let bomb = zipped(&[(part, &zeros)]);
        assert!(bomb.len() < 1024 * 1024, "{part}");
        assert!(
            matches!(read(&bomb, SheetFormat::Xlsx), Err(ReadError::TooLarge)),
            "{part}"
        );
    }
    let names: Vec<String> = (0..2_001).map(|n| format!("{n}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert!(matches!(
        read(&zipped(&many), SheetFormat::Xlsx),
        Err(ReadError::TooLarge)
    ));
}

#[test]
fn what_is_no_workbook_is_refused_in_words() {
    let entity = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>&a;</v></c></row></sheetData>";
    for (bytes, code) in [
        (b"a,b\n".to_vec(), "unreadable_file"),
        (b"PK\x03\x04".to_vec(), "unreadable_file"),
        (zipped(&[("word/document.xml", b"<x/>")]), "unreadable_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "password_protected"),
        (book(entity), "unreadable_file"),
        (
            book(
                "<sheetData><row r=\"2\"><c r=\"A2\"><v>1</v></c></row><row r=\"1\"><c r=\"A1\"><v>1</v></c></row></sheetData>",
            ),
            "unreadable_file",
        ),
    ] {
        let error = read(&bytes, SheetFormat::Xlsx).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message_ja().ends_with('。') && error.message_en().ends_with('.'));
    }
}

#[test]
fn columns_have_letters() {
    for (column, letters) in [
        (0, "A"),
        (25, "Z"),
        (26, "AA"),
        (51, "AZ"),
        (52, "BA"),
        (701, "ZZ"),
        (702, "AAA"),
    ] {
        assert_eq!(column_letters(column), letters);
    }
}

#[test]
fn the_extension_tells_the_format() {
    assert_eq!(SheetFormat::of_name("一覧.CSV"), Some(SheetFormat::Csv));
    assert_eq!(SheetFormat::of_name("一覧.v2.xlsx"), Some(SheetFormat::Xlsx));
    assert_eq!(SheetFormat::of_name("一覧.xls"), None);
    for encoding in [SheetEncoding::Auto, SheetEncoding::Utf8, SheetEncoding::Cp932] {
        assert_eq!(SheetEncoding::parse(encoding.code()), Some(encoding));
        assert_eq!(serde_json::to_value(encoding).unwrap(), encoding.code());
    }
}
