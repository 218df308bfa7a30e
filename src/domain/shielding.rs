//! The shield against formulas in spreadsheets: a text that Excel would compute is written behind an apostrophe, and the
//! apostrophe is taken off when the file is read again. The two are a pair: reading gives back what was written.
//!
//! Which columns there are is in [`crate::sheets`]; nothing here knows files.

use std::borrow::Cow;

/// Whether a spreadsheet may compute the text or read its first characters as something else (OWASP, CSV Injection).
fn is_dangerous(text: &str) -> bool {
    for c in text.chars() {
        if matches!(
            c,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠'
        ) {
            return true;
        }
        if !c.is_whitespace() {
            return false;
        }
    }
    false
}

/// Whether an import reads the text as "clear this": a dash and nothing else.
pub fn is_dash(text: &str) -> bool {
    matches!(text.trim(), "-" | "－" | "−" | "‐" | "–" | "—" | "―")
}

/// The text behind its apostrophes, when it has some.
fn behind(text: &str) -> &str {
    text.trim_start_matches('\'')
}

/// The text for a CSV file, which is opened by programs that compute.
pub fn for_csv(text: &str) -> Cow<'_, str> {
    let inner = behind(text);
    if is_dangerous(inner) || is_dash(inner) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text for a text cell of XLSX, which is never computed: only what would be read otherwise is written behind an
/// apostrophe.
pub fn for_xlsx(text: &str) -> Cow<'_, str> {
    let inner = behind(text);
    if is_dash(inner) || (inner.len() < text.len() && is_dangerous(inner)) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that was meant by one of a file.
pub fn read(text: &str) -> &str {
    let inner = behind(text);
    match text.strip_prefix('\'') {
        Some(meant) if is_dangerous(inner) || is_dash(inner) => meant,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_excel_would_compute_is_shielded() {
        let cases = [
            ("=1+1", "'=1+1", "=1+1"),
            ("  =1", "'  =1", "  =1"),
            ("+81-3-1234", "'+81-3-1234", "+81-3-1234"),
            ("-1", "'-1", "-1"),
            ("@SUM(A1)", "'@SUM(A1)", "@SUM(A1)"),
            ("\t=1", "'\t=1", "\t=1"),
            ("\0x", "'\0x", "\0x"),
            ("＝1", "'＝1", "＝1"),
            ("　＠x", "'　＠x", "　＠x"),
            ("-", "'-", "'-"),
            ("'-", "''-", "''-"),
            ("'=1", "''=1", "''=1"),
            ("'平成", "'平成", "'平成"),
            ("000123", "000123", "000123"),
            ("A-1", "A-1", "A-1"),
            ("", "", ""),
        ];
        for (text, csv, xlsx) in cases {
            assert_eq!((&*for_csv(text), &*for_xlsx(text)), (csv, xlsx), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(text in any::<String>(), start in "['=+@ 　＝－-]{0,4}[a-z]{0,2}") {
            for text in [text.clone(), start.clone(), format!("{start}{text}")] {
                let (csv, xlsx) = (for_csv(&text), for_xlsx(&text));
                prop_assert_eq!(read(&csv), text.as_str());
                prop_assert_eq!(read(&xlsx), text.as_str());
                prop_assert!(!is_dangerous(&csv));
            }
        }
    }
}
