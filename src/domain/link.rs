//! Links in mails: what they are for, how they are spelled, how long they hold. Who may open one is [`crate::links`]'.

use chrono::{Days, NaiveDate};

use super::text::fold;
use super::vocabulary::code_words;

code_words! {
    /// What a link lets its reader do, and nothing else.
    LinkPurpose {
        /// Answer what the reader is asked.
        Answer = "answer", "回答";
        /// Fill in answers for the responsible person, who confirms them.
        Prepare = "prepare", "下書き";
        /// Grant more time, or not.
        Grace = "grace", "猶予の判断";
        /// Say who answers, where an address is that of several people.
        Choose = "choose", "回答者の選択";
    }
}

/// Letters of a token: 130 bits in base32 (RFC 4648, lower case), which no mail client breaks or underlines halfway.
pub const TOKEN_LETTERS: usize = 26;
/// Letters of a code: 45 bits.
pub const CODE_LETTERS: usize = 9;
/// A link holds so many days after the last due date, and after it was sent.
const DAYS: u64 = 30;

const TOKEN: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
    'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
];
/// Without I, L, O and U (Crockford): nobody who reads it over the telephone is misunderstood.
const CODE: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M', 'N', 'P',
    'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];

/// The token that these bytes make.
pub fn token(bytes: &[u8]) -> String {
    letters(bytes, &TOKEN).take(TOKEN_LETTERS).collect()
}

/// The code that these bytes make, without its hyphens.
pub fn code(bytes: &[u8]) -> String {
    letters(bytes, &CODE).take(CODE_LETTERS).collect()
}

/// A code as a mail shows it: `3F7-K92-QMX`.
pub fn shown(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    let groups: Vec<String> = letters.chunks(3).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// Whether a text is spelled as a token.
pub fn is_token(text: &str) -> bool {
    text.len() == TOKEN_LETTERS && text.chars().all(|letter| TOKEN.contains(&letter))
}

/// The code that somebody typed, however they write it: full width, small letters, O for 0, without hyphens.
pub fn read_code(typed: &str) -> Option<String> {
    let read: String = fold(typed)
        .to_uppercase()
        .chars()
        // Also the long vowel mark, which is the key of the hyphen.
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| match letter {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let known = read.chars().all(|letter| CODE.contains(&letter));
    (known && read.chars().count() == CODE_LETTERS).then_some(read)
}

/// The last day of a link that was sent on this day about things that are due on those.
pub fn last_day(sent_on: NaiveDate, due: impl IntoIterator<Item = NaiveDate>) -> NaiveDate {
    let latest = due.into_iter().fold(sent_on, NaiveDate::max);
    latest.checked_add_days(Days::new(DAYS)).unwrap_or(NaiveDate::MAX)
}

/// Five bits for each letter, from the first byte on.
fn letters<'b>(bytes: &'b [u8], alphabet: &'b [char; 32]) -> impl Iterator<Item = char> + 'b {
    let bit = |at: usize| bytes.get(at / 8).map(|byte| usize::from(byte >> (7 - at % 8) & 1));
    (0..)
        .map_while(move |letter| (letter * 5..letter * 5 + 5).try_fold(0, |value, at| Some(value << 1 | bit(at)?)))
        .filter_map(|value: usize| alphabet.get(value).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_a_code_are_letters_of_their_bytes() {
        let bytes: Vec<u8> = (0..32_u8).map(|n| n.wrapping_mul(37)).collect();
        let (token, code) = (token(&bytes), code(&bytes));
        assert!(is_token(&token), "{token}");
        assert_eq!(token, super::token(&bytes));
        assert_eq!(code.len(), CODE_LETTERS);
        assert_eq!(read_code(&code), Some(code.clone()));
        assert_eq!(read_code(&shown(&code)), Some(code));
        // RFC 4648 §10: "foobar".
        assert_eq!(letters(b"foobar", &TOKEN).collect::<String>(), "mzxw6ytbo");
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in [
            "3F7-K92-0M1",
            "3f7k920m1",
            "３Ｆ７－Ｋ９２－ＯＭＬ",
            " 3F7 K92 OMI ",
            "3f7ーk92ー0m1",
        ] {
            assert_eq!(read_code(typed).as_deref(), Some("3F7K920M1"), "{typed}");
        }
        for wrong in ["", "3F7-K92", "3F7-K92-0M1-X", "3F7-K92-0MU", "確認確認確認確認確"] {
            assert_eq!(read_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_link_outlives_what_it_is_about_by_thirty_days() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (due, last) in [
            (vec![], "2027-05-01"),
            (vec!["2027-03-31"], "2027-05-01"),
            (vec!["2027-03-31", "2027-06-30"], "2027-07-30"),
        ] {
            assert_eq!(last_day(day("2027-04-01"), due.into_iter().map(day)), day(last));
        }
    }
}
