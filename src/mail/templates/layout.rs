//! Plain text that keeps its shape in a mail client with fixed-width Japanese characters.
//!
//! A column is half a full-width character, which in CP932 is one byte. No line is wider than 80 columns, 40 full-width
//! characters, unless it is a link.

use super::{Link, Recipient};
use crate::domain::text::cp932_safe;

/// Wrapped lines stay within this; one closing mark may hang two columns over, up to 80.
const WIDTH: usize = 78;
/// Full-width characters of a label, as `管理番号　　　`.
const LABEL: usize = 7;

/// How wide a text is: ASCII and half-width katakana one column, everything else two.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    if c.is_ascii() || matches!(c, '\u{ff61}'..='\u{ff9f}') {
        1
    } else {
        2
    }
}

/// Free text as part of a line: no line breaks or control characters, only characters of CP932.
pub fn inline(text: &str) -> String {
    let spaced: String = cp932_safe(text)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    spaced
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The text cut to so many columns, with an ellipsis.
pub fn cut(text: &str, max: usize) -> String {
    if columns(text) <= max {
        return text.to_owned();
    }
    let mut used = width('…');
    let fits = |c: &char| {
        used += width(*c);
        used <= max
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// The text padded with full-width and half-width spaces to so many columns.
pub fn padded(text: &str, to: usize) -> String {
    let missing = to.saturating_sub(columns(text));
    format!("{text}{}{}", "　".repeat(missing / 2), " ".repeat(missing % 2))
}

/// Lines of at most `max` columns. Words of ASCII stay whole where they fit; no line starts with a closing mark (it may
/// hang over by one character) or ends with an opening one, unless the line is too narrow for both.
pub fn wrap(text: &str, max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(text, max) {
        let used = columns(&line);
        let hangs = is_closing(&word) && used <= max;
        if used + columns(word.trim_end()) > max && !hangs && !line.is_empty() {
            let kept = line.trim_end_matches(is_opening).len();
            let moves = kept > 0 && columns(&line[kept..]) + columns(word.trim_end()) <= max;
            let (whole, opening) = line.split_at(if moves { kept } else { line.len() });
            let next = format!("{opening}{word}");
            lines.push(whole.trim_end().to_owned());
            line = next;
        } else {
            line.push_str(&word);
        }
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Runs of ASCII with the space behind them, cut where longer than a line; every other character alone.
fn words(text: &str, max: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut ascii = 0;
    for c in text.chars() {
        let joins = c.is_ascii() && ascii > 0 && (ascii < max || c == ' ');
        match words.last_mut() {
            Some(word) if joins && !word.ends_with(' ') => word.push(c),
            _ => {
                words.push(c.to_string());
                ascii = 0;
            }
        }
        ascii = if c.is_ascii() { ascii + 1 } else { 0 };
    }
    words
}

fn is_closing(word: &str) -> bool {
    matches!(
        word,
        "、" | "。" | "，" | "．" | "）" | "」" | "』" | "】" | "〕" | "・" | "ー" | "：" | "／"
    )
}

fn is_opening(c: char) -> bool {
    matches!(c, '（' | '「' | '『' | '【' | '〔')
}

/// A body that grows line by line.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// One line, as it is.
    pub fn line(&mut self, line: &str) -> &mut Self {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
        self
    }

    /// An empty line.
    pub fn blank(&mut self) -> &mut Self {
        self.line("")
    }

    /// Wrapped text.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.indented("", text)
    }

    /// Wrapped text whose further lines are indented like the first.
    pub fn indented(&mut self, indent: &str, text: &str) -> &mut Self {
        for line in wrap(text, WIDTH - columns(indent)) {
            self.line(&format!("{indent}{line}"));
        }
        self
    }

    /// `　管理番号　　　：EN-2026-0012`, further lines under the first.
    pub fn field(&mut self, label: &str, value: &str) -> &mut Self {
        self.list(label, &[value.to_owned()])
    }

    /// A field of several values, each on its own lines.
    pub fn list(&mut self, label: &str, values: &[String]) -> &mut Self {
        let mut head = format!("　{}：", padded(label, 2 * LABEL));
        let rest = "　".repeat(LABEL + 2);
        for line in values.iter().flat_map(|value| wrap(value, WIDTH - columns(&rest))) {
            self.line(&format!("{head}{line}"));
            head.clone_from(&rest);
        }
        self
    }

    /// Department and name.
    pub fn salutation(&mut self, recipient: &Recipient) -> &mut Self {
        let department = recipient
            .department
            .as_deref()
            .map(inline)
            .filter(|text| !text.is_empty());
        let name = recipient.name.as_deref().map(inline).filter(|text| !text.is_empty());
        let whom = match (department, name) {
            (Some(department), Some(name)) => format!("{department} {name} 様"),
            (Some(department), None) => format!("{department} ご担当者 様"),
            (None, Some(name)) => format!("{name} 様"),
            (None, None) => "ご担当者 様".to_owned(),
        };
        self.paragraph(&whom).blank()
    }

    /// Where to answer.
    pub fn link(&mut self, invitation: &str, link: &Link) -> &mut Self {
        self.line(invitation).line(&inline(&link.url));
        if let Some(by_hand) = &link.by_hand {
            self.line(&format!(
                "上のリンクを開けないときは、次の画面で番号「{}」を入力してください。",
                inline(&by_hand.code)
            ));
            self.line(&inline(&by_hand.url));
        }
        self.blank()
    }

    /// Contact and the note that a machine wrote this.
    pub fn farewell(mut self, contact: &str) -> String {
        self.paragraph(&format!("問合せ先：{}", inline(contact)));
        self.line("※このメールは自動で送信しています。");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_wrapped_as_a_reader_expects() {
        let cases: [(&str, usize, &[&str]); 10] = [
            ("", 10, &[""]),
            ("あいうえお", 10, &["あいうえお"]),
            ("あいうえおか", 10, &["あいうえお", "か"]),
            ("あいうえお。か", 10, &["あいうえお。", "か"]),
            ("あいうえ「お", 10, &["あいうえ", "「お"]),
            ("abc defg hij", 8, &["abc defg", "hij"]),
            ("あいうISO27001", 10, &["あいう", "ISO27001"]),
            ("abcdefghijkl", 10, &["abcdefghij", "kl"]),
            ("A（（A00a", 5, &["A（（", "A00a"]),
            ("ｱｲｳｴｵあい", 7, &["ｱｲｳｴｵあ", "い"]),
        ];
        for (text, max, lines) in cases {
            assert_eq!(wrap(text, max), lines, "{text}");
        }
    }

    #[test]
    fn a_field_keeps_its_further_lines_under_the_first() {
        let mut page = Page::default();
        page.field("管理番号", "EN-2026-0012")
            .list("所管課・責任者", &["あ".repeat(31), "い".to_owned()]);
        assert_eq!(
            page.0,
            format!(
                "　管理番号　　　：EN-2026-0012\n　所管課・責任者：{}\n　　　　　　　　　あ\n　　　　　　　　　い\n",
                "あ".repeat(30)
            ),
        );
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(cut("あいうえお", 10), "あいうえお");
        assert_eq!(cut("あいうえおか", 10), "あいうえ…");
        assert_eq!(cut("abcあい", 6), "abc…");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_character_is_lost(text in "[a-zA-Z0-9 あ-ん、。「」（）ｱ-ｳ・]{0,200}", max in 4usize..80) {
            let text = inline(&text);
            let lines = wrap(&text, max);
            for line in &lines {
                prop_assert!(columns(line) <= max + 2, "{} {:?}", max, line);
            }
            let squeeze = |text: &str| text.replace(' ', "");
            prop_assert_eq!(squeeze(&lines.concat()), squeeze(&text));
        }
    }
}
