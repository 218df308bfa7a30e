//! What stands in the files, byte for byte or read back by another program's reader.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use serde_json::json;

use super::*;

fn text(text: &str) -> Said {
    Said::Text(text.to_owned())
}

fn day() -> NaiveDate {
    "2027-04-01".parse().unwrap()
}

fn csv_of(encoding: Encoding, rows: &[Vec<Said>]) -> Result<Vec<u8>, WriteError> {
    let mut file = CsvFile::begin(vec![], encoding, &["法人番号", "名称"])?;
    for row in rows {
        file.row(row)?;
    }
    Ok(file.finish())
}

#[test]
fn excel_opens_the_csv_as_it_is() {
    let rows = [
        vec![text("0001"), text("株式会社\"甲\"\n支店")],
        vec![text("=1+1"), text("-")],
        vec![Said::Integer(-5), Said::Date(day())],
        vec![Said::Nothing, Said::Hundredths(1572)],
    ];
    let body = "\"法人番号\",\"名称\"\r\n\"0001\",\"株式会社\"\"甲\"\"\n支店\"\r\n\"'=1+1\",\"'-\"\r\n\
                \"-5\",\"2027-04-01\"\r\n\"\",\"15.72\"\r\n";
    let with_mark = csv_of(Encoding::Utf8Bom, &rows).unwrap();
    assert_eq!(with_mark, format!("\u{feff}{body}").into_bytes());
    assert_eq!(csv_of(Encoding::Utf8, &rows).unwrap(), body.as_bytes());
    let cp932 = csv_of(Encoding::Cp932, &rows).unwrap();
    assert_eq!(SHIFT_JIS.decode_without_bom_handling(&cp932).0, body);
}

#[test]
fn a_character_that_cp932_lacks_is_named_with_its_cell() {
    for (odd, code) in [
        ("𠮷", "U+20BB7"),
        ("¥", "U+00A5"),
        ("😀", "U+1F600"),
        ("10〜12", "U+301C"),
    ] {
        let refused = csv_of(
            Encoding::Cp932,
            &[vec![text("1"), text("甲")], vec![text("2"), text(odd)]],
        );
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), "unmappable_character");
        for message in [refused.message_ja(), refused.message_en()] {
            assert!(message.contains("B3") && message.contains(code), "{message}");
        }
    }
    csv_of(Encoding::Cp932, &[vec![text("①髙﨑～"), text("㈱甲")]]).unwrap();
}

#[test]
fn cells_have_the_names_of_excel() {
    for (column, row, name) in [
        (0, 0, "A1"),
        (2, 4, "C5"),
        (25, 0, "Z1"),
        (26, 9, "AA10"),
        (701, 0, "ZZ1"),
        (702, 0, "AAA1"),
    ] {
        assert_eq!(cell_name(column, row), name);
    }
}

#[test]
fn xlsx_has_texts_dates_and_numbers_and_no_formula() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = XlsxFile::begin(directory.path(), "委託事業者", day(), &["番号", "日", "額", "点"]).unwrap();
    file.row(&[
        text("0001"),
        Said::Date(day()),
        Said::Integer(9_007_199_254_740_991),
        Said::Hundredths(1572),
    ])
    .unwrap();
    file.row(&[text("=1+1"), Said::Nothing, Said::Nothing, text("-")])
        .unwrap();
    let mut bytes = Cursor::new(vec![]);
    file.finish(&mut bytes).unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.into_inner())).unwrap();
    assert_eq!(book.sheet_names(), ["委託事業者"]);
    let formulas = book.worksheet_formula("委託事業者").unwrap();
    assert!(formulas.used_cells().next().is_none());
    let range = book.worksheet_range("委託事業者").unwrap();
    let cell = |row, column| range.get_value((row, column)).cloned().unwrap_or(Data::Empty);
    assert_eq!(cell(0, 0), Data::String("番号".to_owned()));
    assert_eq!(cell(1, 0), Data::String("0001".to_owned()));
    // 1 April 2027 in the count of Excel.
    assert!(matches!(cell(1, 1), Data::DateTime(at) if at.is_datetime() && (at.as_f64() - 46478.0).abs() < 0.001));
    assert_eq!(cell(1, 2), Data::Float(9_007_199_254_740_991.0));
    assert_eq!(cell(1, 3), Data::Float(15.72));
    assert_eq!(cell(2, 0), Data::String("=1+1".to_owned()));
    assert_eq!((cell(2, 1), cell(2, 3)), (Data::Empty, Data::String("'-".to_owned())));
    assert!(
        directory.path().read_dir().unwrap().next().is_none(),
        "nothing is left behind"
    );
}

#[test]
fn xlsx_refuses_what_excel_cannot_hold() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = XlsxFile::begin(directory.path(), "x", day(), &["a"]).unwrap();
    let refused = file.row(&[text(&"あ".repeat(CELL_LIMIT + 1))]).unwrap_err();
    assert!(refused.code() == "cell_too_long" && refused.message_ja().contains("A2"));
    file.rows = ROW_LIMIT;
    assert_eq!(file.row(&[Said::Nothing]).unwrap_err().code(), "too_many_rows");
    // A day that Excel does not know is a text.
    let mut file = XlsxFile::begin(directory.path(), "x", day(), &["a"]).unwrap();
    file.row(&[Said::Date("1868-10-23".parse().unwrap())]).unwrap();
}

#[test]
fn records_are_written_whole() {
    let mut lines = JsonFile::lines(vec![]);
    let mut document = JsonFile::document(vec![], "{\"items\":[").unwrap();
    for record in [json!({"a": "改\n行"}), json!({"a": 2})] {
        lines.record(&record).unwrap();
        document.record(&record).unwrap();
    }
    let lines = String::from_utf8(lines.finish().unwrap()).unwrap();
    assert_eq!(lines, "{\"a\":\"改\\n行\"}\n{\"a\":2}\n");
    let document: Value = serde_json::from_slice(&document.finish().unwrap()).unwrap();
    assert_eq!(document, json!({"items": [{"a": "改\n行"}, {"a": 2}]}));
}
