//! Text that people type: bounded and clean on the way in, folded for search and sorting, safe for Japanese mail and
//! spreadsheets (CP932) on the way out.
//!
//! Input is refused rather than repaired where a character could deceive (control characters, marks that turn the
//! writing direction); only its form is settled: trimmed, NFC. Both databases compare folded columns (design §4.15), so
//! the folding here is the one collation of the product. Numbers, codes and addresses are [`super::identifier`]'s.

use std::{collections::BTreeSet, fmt};

use encoding_rs::SHIFT_JIS;
use unicode_normalization::UnicodeNormalization;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// Nothing is left after trimming.
    Required,
    /// More characters than there is room for.
    TooLong {
        /// The most characters allowed.
        max: usize,
    },
    /// A control character, a line separator, a byte-order mark or a mark that turns the writing direction.
    ControlCharacter,
}

impl TextError {
    /// The stable code of the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "control_character",
        }
    }

    /// Japanese message.
    pub fn message_ja(self) -> String {
        match self {
            Self::Required => "入力してください。".to_owned(),
            Self::TooLong { max } => format!("{max}文字以内で入力してください。"),
            Self::ControlCharacter => "改行などの制御文字や、見えない文字は使えません。".to_owned(),
        }
    }

    /// English message.
    pub fn message_en(self) -> String {
        match self {
            Self::Required => "Enter a text.".to_owned(),
            Self::TooLong { max } => format!("Enter at most {max} characters."),
            Self::ControlCharacter => "Control characters and invisible marks are not allowed.".to_owned(),
        }
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message_en())
    }
}

impl std::error::Error for TextError {}

/// One line of 1 to `max` characters, trimmed and in NFC.
///
/// # Errors
/// The first reason against the text, in the order of [`TextError`]'s checks: empty, control character, length.
pub fn single_line(input: &str, max: usize) -> Result<String, TextError> {
    parse(input, max, |_| false)
}

/// Several lines of together 1 to `max` characters, trimmed and in NFC; tabs are allowed, and CRLF becomes LF.
///
/// # Errors
/// As [`single_line`].
pub fn multi_line(input: &str, max: usize) -> Result<String, TextError> {
    parse(&input.replace("\r\n", "\n"), max, |c| matches!(c, '\n' | '\t'))
}

fn parse(input: &str, max: usize, allowed: fn(char) -> bool) -> Result<String, TextError> {
    let text: String = input.trim().nfc().collect();
    if text.is_empty() {
        Err(TextError::Required)
    } else if text.chars().any(|c| is_deceptive(c) && !allowed(c)) {
        Err(TextError::ControlCharacter)
    } else if text.chars().count() > max {
        Err(TextError::TooLong { max })
    } else {
        Ok(text)
    }
}

/// C0, DEL, C1, line and paragraph separator, byte-order mark, and marks that turn the writing direction.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The form in which texts are compared and sorted: NFKC, lower case, hiragana for katakana, no white space.
/// Folding twice changes nothing.
pub fn fold(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace())
        .map(hiragana)
        // Lower case and lost spaces let marks meet letters that they compose with.
        .nfkc()
        .collect()
}

/// Hiragana for the katakana that have one.
fn hiragana(c: char) -> char {
    match c {
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => u32::from(c).checked_sub(0x60).and_then(char::from_u32).unwrap_or(c),
        other => other,
    }
}

/// The pairs of neighbouring characters of a folded text; a single character is its own gram.
pub fn bigrams(folded: &str) -> BTreeSet<String> {
    let mut rest = folded.chars();
    if rest.next().is_some() && rest.next().is_none() {
        return BTreeSet::from([folded.to_owned()]);
    }
    folded
        .chars()
        .zip(folded.chars().skip(1))
        .map(|(left, right)| String::from_iter([left, right]))
        .collect()
}

/// A text as a part of an address or of a form: what is neither letter, digit nor `/-._~` is a percent sign and its bytes.
pub fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The text with every character in CP932: look-alikes where Unicode has several for one sign, 〓 for what is lacking.
/// Selectors of glyph variants go without a trace, as the character before them stays readable.
pub fn cp932_safe(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'))
        .map(look_alike)
        .map(|c| if is_in_cp932(c) { c } else { '〓' })
        .collect()
}

/// The character that CP932 has for the same sign.
fn look_alike(c: char) -> char {
    match c {
        '\u{301c}' => '\u{ff5e}',              // 〜 wave dash
        '\u{2212}' => '\u{ff0d}',              // − minus
        '\u{2014}' => '\u{2015}',              // — dash
        '\u{2016}' => '\u{2225}',              // ‖ double vertical line
        '\u{2011}' | '\u{2013}' => '\u{2010}', // ‑ – hyphens
        '\u{a0}' => ' ',
        // The encoder would write these as a backslash and a tilde.
        '\u{a5}' => '\u{ffe5}',   // ¥
        '\u{203e}' => '\u{ffe3}', // ‾
        '\u{a2}' => '\u{ffe0}',   // ¢
        '\u{a3}' => '\u{ffe1}',   // £
        '\u{ac}' => '\u{ffe2}',   // ¬
        '\u{a6}' => '\u{ffe4}',   // ¦
        other => other,
    }
}

fn is_in_cp932(c: char) -> bool {
    c.is_ascii() || !SHIFT_JIS.encode(c.encode_utf8(&mut [0; 4])).2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_trimmed_composed_and_bounded() {
        use TextError::{ControlCharacter, Required, TooLong};
        let cases = [
            ("情報政策課", Ok("情報政策課")),
            (" \u{3000}情報政策課\n", Ok("情報政策課")),
            ("カ\u{3099}ス", Ok("ガス")),
            ("高 橋", Ok("高 橋")),
            ("五文字です", Ok("五文字です")),
            ("六文字です。", Err(TooLong { max: 5 })),
            ("𠮷𠮷𠮷𠮷𠮷", Ok("𠮷𠮷𠮷𠮷𠮷")),
            ("", Err(Required)),
            (" \t\u{3000}\r\n", Err(Required)),
            ("a\nb", Err(ControlCharacter)),
            ("a\tb", Err(ControlCharacter)),
            ("a\0b", Err(ControlCharacter)),
            ("a\u{7f}b", Err(ControlCharacter)),
            ("a\u{85}b", Err(ControlCharacter)),
            ("a\u{2028}b", Err(ControlCharacter)),
            ("a\u{2029}b", Err(ControlCharacter)),
            ("a\u{202e}b", Err(ControlCharacter)),
            ("a\u{2066}b", Err(ControlCharacter)),
            ("\u{feff}ab", Err(ControlCharacter)),
        ];
        for (input, expected) in cases {
            assert_eq!(single_line(input, 5), expected.map(str::to_owned), "{input:?}");
        }
    }

    #[test]
    fn several_lines_keep_their_breaks_and_tabs() {
        assert_eq!(multi_line("一\r\n\t二\n", 9), Ok("一\n\t二".to_owned()));
        for wrong in ["一\r二", "一\0二", "一\u{2028}二", "一\u{202a}二", "一\u{1b}[31m二"] {
            assert_eq!(multi_line(wrong, 9), Err(TextError::ControlCharacter), "{wrong:?}");
        }
        assert_eq!(multi_line("一\n二", 2), Err(TextError::TooLong { max: 2 }));
    }

    #[test]
    fn an_error_has_a_code_and_says_what_to_do() {
        let codes = [
            TextError::Required,
            TextError::TooLong { max: 9 },
            TextError::ControlCharacter,
        ]
        .map(TextError::code);
        assert_eq!(codes, ["required", "too_long", "control_character"]);
        assert_eq!(
            TextError::TooLong { max: 100 }.message_ja(),
            "100文字以内で入力してください。"
        );
        assert_eq!(
            TextError::TooLong { max: 100 }.to_string(),
            "Enter at most 100 characters."
        );
    }

    #[test]
    fn spellings_of_the_same_name_fold_alike() {
        let cases = [
            ("サーバー", "さーばー"),
            ("ｻｰﾊﾞｰ", "さーばー"),
            ("さーばー", "さーばー"),
            ("ＡＢＣ　Ｓｙｓｔｅｍ", "abcsystem"),
            ("株式会社 甲", "株式会社甲"),
            ("㈱甲", "(株)甲"),
            ("①", "1"),
            ("ヴァイオリン", "ゔぁいおりん"),
            ("ヶ丘", "ゖ丘"),
            ("タ゛", "だ"),
            ("", ""),
        ];
        for (text, folded) in cases {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn grams_are_pairs_of_characters() {
        let grams = |text| bigrams(text).into_iter().collect::<Vec<_>>().join(" ");
        for (text, expected) in [
            ("", ""),
            ("市", "市"),
            ("柏市", "柏市"),
            ("本巣市", "巣市 本巣"),
            ("ああああ", "ああ"),
        ] {
            assert_eq!(grams(text), expected, "{text}");
        }
    }

    #[test]
    fn mail_keeps_what_cp932_has() {
        let kept = "①㈱Ⅳ髙﨑～－―∥￥ｱ「請求」\r\n\t100% \\~";
        assert_eq!(cp932_safe(kept), kept);
        for (text, safe) in [
            ("10〜12時", "10～12時"),
            ("−5", "－5"),
            ("a—b", "a―b"),
            ("‖", "∥"),
            ("𠮷野家", "〓野家"),
            ("¥100", "￥100"),
            ("2024–2026", "2024‐2026"),
            ("葛\u{e0100}城", "葛城"),
            ("😀", "〓"),
            ("한", "〓"),
        ] {
            assert_eq!(cp932_safe(text), safe, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_line_is_accepted_again_as_it_is(input in any::<String>(), max in 1_usize..80) {
            if let Ok(line) = single_line(&input, max) {
                prop_assert!(line.chars().count() <= max && !line.chars().any(char::is_control));
                prop_assert_eq!(single_line(&line, max), Ok(line.clone()));
                prop_assert_eq!(multi_line(&line, max), Ok(line));
            }
        }

        #[test]
        fn folding_twice_changes_nothing(text in any::<String>(), kana in "[ぁ-ヿ゙゚ｦ-ﾟ A-Zａ-ｚ　]*") {
            for text in [text, kana] {
                let folded = fold(&text);
                prop_assert!(!folded.chars().any(char::is_whitespace));
                prop_assert_eq!(fold(&folded), folded);
            }
        }

        #[test]
        fn every_part_of_a_text_is_found_by_its_grams(text in "[あ-お]{0,12}", from in 0_usize..12, length in 2_usize..6) {
            let part: String = text.chars().skip(from).take(length).collect();
            if part.chars().count() > 1 {
                prop_assert!(bigrams(&part).is_subset(&bigrams(&text)));
            }
        }

        #[test]
        fn safe_text_survives_cp932(text in any::<String>()) {
            let safe = cp932_safe(&text);
            let (bytes, _, failed) = SHIFT_JIS.encode(&safe);
            prop_assert!(!failed);
            prop_assert_eq!(SHIFT_JIS.decode_without_bom_handling(&bytes).0, safe.as_str());
            prop_assert_eq!(cp932_safe(&safe), safe);
        }
    }
}
