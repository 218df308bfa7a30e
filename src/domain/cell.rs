//! What a cell of a spreadsheet says: dates in every way Japan writes them, numbers, yes and no, codes with their leading
//! zeros, words by code or label.
//!
//! Texts come in as people typed them, full-width digits and all; numbers are settled by NFKC before they are read. A
//! blank cell says nothing and a lone `-` clears, so both are told apart from values here. Which column holds what is in
//! [`crate::sheets`]; single values of the API are [`super::identifier`]'s and [`super::text`]'s.

use std::fmt;

use chrono::{Days, NaiveDate};
use unicode_normalization::UnicodeNormalization;

use super::shielding::is_dash;

/// Why a cell cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellError {
    /// Not a date.
    Date,
    /// A date that its era does not have.
    Era,
    /// Not a whole number.
    Integer,
    /// Neither yes nor no.
    Boolean,
    /// Not one of the words.
    Word,
}

impl CellError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Date => "invalid_date",
            Self::Era => "invalid_era_date",
            Self::Integer => "invalid_integer",
            Self::Boolean => "invalid_boolean",
            Self::Word => "not_in_enum",
        }
    }

    /// Japanese message.
    pub const fn message_ja(self) -> &'static str {
        match self {
            Self::Date => "日付として読めません。2027-04-01、2027/4/1、令和9年4月1日、R9.4.1 のように入れてください。",
            Self::Era => "その元号にない日付です。元号と年を確かめてください。",
            Self::Integer => "整数として読めません。数字だけを入れてください。",
            Self::Boolean => "「はい」か「いいえ」（○・×、有・無、true・false）で入れてください。",
            Self::Word => "決められた値ではありません。",
        }
    }

    /// English message.
    pub const fn message_en(self) -> &'static str {
        match self {
            Self::Date => "Not a date; write it as 2027-04-01, 2027/4/1, 令和9年4月1日 or R9.4.1.",
            Self::Era => "The era has no such date; check era and year.",
            Self::Integer => "Not a whole number; enter digits only.",
            Self::Boolean => "Enter yes or no (○ ×, 有 無, true false).",
            Self::Word => "Not one of the allowed values.",
        }
    }
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message_en())
    }
}

impl std::error::Error for CellError {}

/// What a cell wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// Blank: what is recorded stays (空欄=変更なし).
    Nothing,
    /// A lone `-`: what is recorded is cleared.
    Clear,
    /// This value, without the blanks around it.
    Value(&'a str),
}

/// Tells a blank cell, a lone `-` and a value apart.
pub fn meaning(text: &str) -> Meaning<'_> {
    match text.trim() {
        "" => Meaning::Nothing,
        // What looks like a dash is typed for one; the writer of sheets shields all of them.
        dash if is_dash(dash) => Meaning::Clear,
        value => Meaning::Value(value),
    }
}

/// A code as it is compared: NFKC, so that full-width digits and letters are plain ones, without blanks around it.
/// Leading zeros stay.
pub fn code(text: &str) -> String {
    text.nfkc().collect::<String>().trim().to_owned()
}

/// A whole number, also with separators of thousands, with `円` behind it or `¥` before it.
///
/// # Errors
/// [`CellError::Integer`].
pub fn integer(text: &str) -> Result<i64, CellError> {
    let plain = code(text);
    let plain = plain.trim_start_matches(['¥', '\\']).trim_end_matches('円').trim();
    let (sign, digits) = match plain.strip_prefix(['-', '△', '▲', '\u{2212}']) {
        Some(rest) => ("-", rest),
        None => ("", plain),
    };
    let mut groups = digits.split(',');
    let first = groups.next().unwrap_or_default();
    let is_number = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    let mut whole = first.to_owned();
    let grouped = digits.contains(',');
    if !is_number(first) || (grouped && first.len() > 3) {
        return Err(CellError::Integer);
    }
    for group in groups {
        if group.len() != 3 || !is_number(group) {
            return Err(CellError::Integer);
        }
        whole.push_str(group);
    }
    format!("{sign}{whole}").parse().map_err(|_| CellError::Integer)
}

/// Yes or no.
///
/// # Errors
/// [`CellError::Boolean`].
pub fn boolean(text: &str) -> Result<bool, CellError> {
    match code(text).to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "○" | "〇" | "◯" | "o" | "有" | "あり" | "有り" | "はい" | "該当" | "済"
        | "レ" | "✓" | "✔" | "☑" => Ok(true),
        "false" | "no" | "n" | "0" | "×" | "x" | "✕" | "無" | "なし" | "無し" | "いいえ" | "非該当" | "未" | "☐" => {
            Ok(false)
        }
        _ => Err(CellError::Boolean),
    }
}

/// The code of a word that is given by its code or its label, compared as [`super::text::fold`] has them.
///
/// # Errors
/// [`CellError::Word`].
pub fn word<'w>(text: &str, words: impl IntoIterator<Item = (&'w str, &'w str)>) -> Result<&'w str, CellError> {
    let wanted = super::text::fold(text);
    words
        .into_iter()
        .find(|(code, label)| super::text::fold(code) == wanted || super::text::fold(label) == wanted)
        .map(|(code, _)| code)
        .ok_or(CellError::Word)
}

/// The values of a cell that holds several, separated by commas, semicolons, `、`, upright bars or new lines.
pub fn several(text: &str) -> Vec<&str> {
    text.split([',', ';', '、', '，', '；', '\n', '|'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// The eras: name, its first character, its letter, the year before its first, and its first day.
const ERAS: [(&str, char, char, i32, (i32, u32, u32)); 5] = [
    ("令和", '令', 'R', 2018, (2019, 5, 1)),
    ("平成", '平', 'H', 1988, (1989, 1, 8)),
    ("昭和", '昭', 'S', 1925, (1926, 12, 25)),
    ("大正", '大', 'T', 1911, (1912, 7, 30)),
    ("明治", '明', 'M', 1867, (1868, 10, 23)),
];
/// The serial numbers of spreadsheets that are taken for a date: 1927 to 2119. Others are more likely a mistake.
const SERIALS: std::ops::RangeInclusive<u64> = 10_000..=80_000;

/// A date: `2027-04-01`, `2027/4/1`, `2027.4.1`, `20270401`, `2027年4月1日`, 和暦 as `令和9年4月1日`, `令和元年5月1日`,
/// `R9.4.1`, or a spreadsheet's serial number. A weekday in brackets and midnight behind it are passed over. A date after
/// the last day of an era is taken, because contracts say `平成35年3月31日`; one before its first day is not.
///
/// # Errors
/// [`CellError::Date`], [`CellError::Era`].
pub fn date(text: &str) -> Result<NaiveDate, CellError> {
    let plain: String = code(text).chars().filter(|c| !c.is_whitespace() || *c == ' ').collect();
    let plain = without_weekday(&plain);
    let plain = without_midnight(plain);
    let squeezed: String = plain.chars().filter(|c| *c != ' ').collect();
    if squeezed.bytes().all(|b| b.is_ascii_digit()) {
        return digits(&squeezed);
    }
    let (era, rest) = era(&squeezed);
    let (year, month, day) = parts(rest, era.is_some()).ok_or(CellError::Date)?;
    match era {
        None if (1868..=2199).contains(&year) => NaiveDate::from_ymd_opt(year, month, day).ok_or(CellError::Date),
        None => Err(CellError::Date),
        Some((before, (y, m, d))) => {
            let date = NaiveDate::from_ymd_opt(before + year, month, day).ok_or(CellError::Era)?;
            let first = NaiveDate::from_ymd_opt(y, m, d).ok_or(CellError::Era)?;
            if (1..=99).contains(&year) && date >= first {
                Ok(date)
            } else {
                Err(CellError::Era)
            }
        }
    }
}

/// Eight digits are a date written without separators, five a serial number.
fn digits(text: &str) -> Result<NaiveDate, CellError> {
    let number: u64 = text.parse().map_err(|_| CellError::Date)?;
    match text.len() {
        8 => NaiveDate::parse_from_str(text, "%Y%m%d")
            .ok()
            .filter(|date| (1868..=2199).contains(&chrono::Datelike::year(date)))
            .ok_or(CellError::Date),
        5 if SERIALS.contains(&number) => serial(number).ok_or(CellError::Date),
        _ => Err(CellError::Date),
    }
}

/// The day of a serial number of the 1900 system; after February 1900 it counts from the last day but one of 1899, because
/// its inventors thought 1900 a leap year.
pub fn serial(number: u64) -> Option<NaiveDate> {
    let start = NaiveDate::from_ymd_opt(1899, 12, 30)?;
    (number > 60).then_some(())?;
    start.checked_add_days(Days::new(number))
}

/// `(木)` or `(木曜日)` at the end says nothing new.
fn without_weekday(text: &str) -> &str {
    match text.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
        Some((date, day))
            if day.chars().count() <= 3 && day.starts_with(['月', '火', '水', '木', '金', '土', '日']) =>
        {
            date
        }
        _ => text,
    }
}

/// `0:00` or `T00:00:00` at the end is what programs add to a date.
fn without_midnight(text: &str) -> &str {
    match text.split_once([' ', 'T']) {
        Some((date, time)) if time.contains(':') && time.chars().all(|c| matches!(c, '0' | ':' | '.')) => date,
        _ => text,
    }
}

/// The era that a date begins with, if any: the year before its first and its first day; and what stands behind it.
fn era(text: &str) -> (Option<(i32, (i32, u32, u32))>, &str) {
    for (name, short, letter, before, first) in ERAS {
        let rest = text
            .strip_prefix(name)
            .or_else(|| text.strip_prefix(short))
            .or_else(|| text.strip_prefix(letter))
            .or_else(|| text.strip_prefix(letter.to_ascii_lowercase()));
        if let Some(rest) = rest {
            return (Some((before, first)), rest.trim_start_matches('.'));
        }
    }
    (None, text)
}

/// Year, month and day, separated by `年月日` or by one of `-/.` used alike; the first year of an era may be `元`.
fn parts(text: &str, of_era: bool) -> Option<(i32, u32, u32)> {
    let (year, month, day) = if let Some((year, rest)) = text.split_once('年') {
        let (month, rest) = rest.split_once('月')?;
        (year, month, rest.strip_suffix('日')?)
    } else {
        let separator = text.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
        let mut parts = text.split(separator);
        let found = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        found
    };
    let number = |text: &str| {
        let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<u32>().ok()).flatten()
    };
    let year = match (year, of_era) {
        ("元", true) => 1,
        (year, true) => number(year).filter(|_| year.len() <= 2)?,
        // Two digits could be of this era or of the century.
        (year, false) => number(year).filter(|_| year.len() == 4)?,
    };
    Some((i32::try_from(year).ok()?, number(month)?, number(day)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn a_date_is_read_in_every_way_it_is_written() {
        let first_of_april = [
            "2027-04-01",
            "2027-4-1",
            "2027/4/1",
            "2027/04/01",
            "2027.4.1",
            "20270401",
            "２０２７／４／１",
            "2027年4月1日",
            "2027年04月01日",
            " 2027 年 4 月 1 日 ",
            "2027年4月1日（木）",
            "2027/4/1(木曜日)",
            "2027-04-01 00:00:00",
            "2027/4/1 0:00",
            "2027-04-01T00:00:00",
            "令和9年4月1日",
            "令和９年４月１日",
            "㋿9年4月1日",
            "令和 9年 4月 1日",
            "R9.4.1",
            "R09.04.01",
            "r9/4/1",
            "Ｒ９．４．１",
            "R9-4-1",
            "R.9.4.1",
            "令9.4.1",
            "平成39年4月1日",
            "46478",
        ];
        for text in first_of_april {
            assert_eq!(date(text), Ok(on(2027, 4, 1)), "{text}");
        }
        for (text, expected) in [
            ("令和元年5月1日", on(2019, 5, 1)),
            ("R元.5.1", on(2019, 5, 1)),
            ("R1.5.1", on(2019, 5, 1)),
            ("平成31年4月30日", on(2019, 4, 30)),
            ("H元.1.8", on(1989, 1, 8)),
            ("㍻35年3月31日", on(2023, 3, 31)),
            ("昭和64年1月7日", on(1989, 1, 7)),
            ("S1.12.25", on(1926, 12, 25)),
            ("T1.7.30", on(1912, 7, 30)),
            ("M1.10.23", on(1868, 10, 23)),
            ("2028-02-29", on(2028, 2, 29)),
            ("36526", on(2000, 1, 1)),
        ] {
            assert_eq!(date(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "不明",
            "2027",
            "2027年4月",
            "2027年度",
            "27/4/1",
            "4/1/2027",
            "2027-02-29",
            "2027/13/1",
            "2027-4/1",
            "2027/4/1/1",
            "2027/4/1 9:30",
            "2027年4月1",
            "1234",
            "99999",
            "20271301",
            "00010101",
            "R9.4",
            "+2027-04-01",
            "2027-04-01-",
            "2027年4月1日(見込)",
        ] {
            assert_eq!(date(text), Err(CellError::Date), "{text}");
        }
        for text in [
            "令和元年4月30日",
            "令和0年4月1日",
            "平成元年1月7日",
            "R9.2.30",
            "M1.1.1",
        ] {
            assert_eq!(date(text), Err(CellError::Era), "{text}");
        }
    }

    #[test]
    fn a_number_is_read_with_its_separators() {
        for (text, expected) in [
            ("0", Ok(0)),
            ("1234", Ok(1234)),
            ("１，２３４", Ok(1234)),
            ("1,234,567円", Ok(1_234_567)),
            ("¥1,234", Ok(1234)),
            ("￥1,234", Ok(1234)),
            ("-5", Ok(-5)),
            ("△5", Ok(-5)),
            ("007", Ok(7)),
            (" 12 ", Ok(12)),
            ("9223372036854775807", Ok(i64::MAX)),
            ("9223372036854775808", Err(CellError::Integer)),
            ("", Err(CellError::Integer)),
            ("-", Err(CellError::Integer)),
            ("1.5", Err(CellError::Integer)),
            ("1e3", Err(CellError::Integer)),
            ("12,34", Err(CellError::Integer)),
            ("1234,567", Err(CellError::Integer)),
            (",123", Err(CellError::Integer)),
            ("1,", Err(CellError::Integer)),
            ("十", Err(CellError::Integer)),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    #[test]
    fn yes_and_no_have_many_signs() {
        for text in [
            "○",
            "◯",
            "〇",
            "有",
            "あり",
            "はい",
            "true",
            "TRUE",
            "ＴＲＵＥ",
            "1",
            "Yes",
            "レ",
            " はい ",
        ] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["×", "無", "なし", "いいえ", "false", "FALSE", "0", "No", "x"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "△", "不明", "2", "有無", "はいいえ"] {
            assert_eq!(boolean(text), Err(CellError::Boolean), "{text}");
        }
    }

    #[test]
    fn a_word_is_meant_by_its_code_or_its_label() {
        let words = [
            ("contract", "委託契約"),
            ("standard_terms", "約款"),
            ("c3a", "機密性3A"),
        ];
        for (text, code) in [
            ("contract", "contract"),
            ("Contract", "contract"),
            ("委託契約", "contract"),
            (" 約款 ", "standard_terms"),
            ("機密性３Ａ", "c3a"),
            ("C3A", "c3a"),
        ] {
            assert_eq!(word(text, words), Ok(code), "{text}");
        }
        for text in ["", "委託", "3A"] {
            assert_eq!(word(text, words), Err(CellError::Word), "{text}");
        }
    }

    #[test]
    fn blank_stays_and_a_lone_hyphen_clears() {
        for text in ["", " ", "\u{3000}", "\r\n"] {
            assert_eq!(meaning(text), Meaning::Nothing, "{text:?}");
        }
        for text in ["-", " - ", "－", "−"] {
            assert_eq!(meaning(text), Meaning::Clear, "{text:?}");
        }
        for text in ["--", "ー", "-1", "なし"] {
            assert_eq!(meaning(text), Meaning::Value(text), "{text:?}");
        }
        assert_eq!(meaning(" 甲 "), Meaning::Value("甲"));
    }

    #[test]
    fn codes_keep_their_zeros() {
        assert_eq!(code(" ０００１２３ "), "000123");
        assert_eq!(code("Ａ－００１"), "A-001");
        assert_eq!(several("甲、乙, 丙；丁\n戊"), ["甲", "乙", "丙", "丁", "戊"]);
        assert_eq!(several(" , "), Vec::<&str>::new());
    }

    #[test]
    fn a_mistake_has_a_code_and_says_what_to_do() {
        for error in [
            CellError::Date,
            CellError::Era,
            CellError::Integer,
            CellError::Boolean,
            CellError::Word,
        ] {
            assert!(error.message_ja().ends_with('。') && !error.code().is_empty());
            assert_eq!(error.to_string(), error.message_en());
        }
    }

    proptest! {
        #[test]
        fn a_day_survives_every_way_of_writing_it(days in 0_u64..74_000) {
            let day = on(1926, 12, 25) + Days::new(days);
            let (year, month, of_month) = (chrono::Datelike::year(&day), chrono::Datelike::month(&day), chrono::Datelike::day(&day));
            prop_assert_eq!(date(&day.to_string()), Ok(day));
            prop_assert_eq!(date(&format!("{year}/{month}/{of_month}")), Ok(day));
            prop_assert_eq!(date(&format!("{year}年{month}月{of_month}日")), Ok(day));
            prop_assert_eq!(date(&format!("{year}{month:02}{of_month:02}")), Ok(day));
            if (2020..2117).contains(&year) {
                prop_assert_eq!(date(&format!("R{}.{month}.{of_month}", year - 2018)), Ok(day));
                prop_assert_eq!(date(&format!("令和{}年{month}月{of_month}日", year - 2018)), Ok(day));
            }
        }

        #[test]
        fn no_text_breaks_a_reader(text in any::<String>()) {
            let _ = (date(&text), integer(&text), boolean(&text), several(&text), word(&text, [("a", "あ")]));
            prop_assert_eq!(code(&code(&text)), code(&text));
        }

        #[test]
        fn a_number_survives_being_written(number in any::<i64>()) {
            prop_assert_eq!(integer(&number.to_string()), Ok(number));
        }
    }
}
