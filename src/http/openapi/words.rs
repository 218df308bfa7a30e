//! What a pattern or a format of the document asks for, in the words of people: they never read a regular expression.

/// One of them.
struct Shape {
    shape: &'static str,
    ja: &'static str,
    en: &'static str,
}

const fn shape(shape: &'static str, ja: &'static str, en: &'static str) -> Shape {
    Shape { shape, ja, en }
}

/// Each pattern that a request can break, and each format.
const SHAPES: &[Shape] = &[
    shape(
        "^[1-9][0-9]{12}$",
        "法人番号は、半角数字13桁（先頭は0以外）で入れてください。",
        "A corporate number has 13 digits, the first of which is not 0.",
    ),
    shape(
        "^T[1-9][0-9]{12}$",
        "登録番号は、T に続く半角数字13桁で入れてください。",
        "A registration number is T and 13 digits.",
    ),
    shape(
        "^[A-Z]{2}$",
        "国コードは、JP のような半角の英大文字2文字で入れてください。",
        "A country code has two capital letters, as JP.",
    ),
    shape(
        "^[0-9]{2}$",
        "都道府県コードは、21 のような半角数字2桁で入れてください。",
        "A prefecture code has two digits, as 21.",
    ),
    shape(
        "^[a-z][a-z0-9_-]{1,31}$",
        "外部システムの名前は、zaimu のような半角の英小文字・数字・_・- の2から32文字で、英字から始めてください。",
        "The name of a system has 2 to 32 small letters, digits, _ or -, and begins with a letter, as zaimu.",
    ),
    shape(
        "^[A-Za-z0-9][A-Za-z0-9._/-]*$",
        "管理番号は、半角の英数字と . _ / - だけで、英数字から始めてください。",
        "A control number has letters, digits and . _ / - only, and begins with a letter or digit.",
    ),
    shape(
        "^[a-z][a-z0-9_]{0,39}$",
        "キーは、半角の英小文字・数字・_ の40文字以内で、英字から始めてください。",
        "A key has at most 40 small letters, digits or _, and begins with a letter.",
    ),
    shape(
        "^[a-z][a-z0-9_]*$",
        "コードは、半角の英小文字・数字・_ で、英字から始めてください。",
        "A code has small letters, digits and _, and begins with a letter.",
    ),
    shape(
        "^[a-z][a-z_-]*$",
        "コードは、半角の英小文字・_・- で、英字から始めてください。",
        "A code has small letters, _ and -, and begins with a letter.",
    ),
    shape(
        "^own-[a-z0-9-]+$",
        "独自の条項のキーは、own- に続く半角の英小文字・数字・- で付けてください。",
        "The key of a clause of your own is own- with small letters, digits and -.",
    ),
    shape(
        r"^https?://[^\s/?#@]+([/?#]\S*)?$",
        "https:// で始まるアドレス（URL）を入れてください。",
        "Give an address (URL) that begins with https://.",
    ),
    shape(
        "^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        "日は、2027-12-29 か、毎年なら 12-29 のように入れてください。",
        "Give a day as 2027-12-29, or as 12-29 for every year.",
    ),
    shape(
        r#"^("([!#-\[\]-~]|\\["\\])+"|[!#-~][!-~]*)$"#,
        "UUID などを、そのままか引用符で囲んで入れてください。",
        "Give a UUID or the like, bare or in quotation marks.",
    ),
    shape(
        "date",
        "日付を、2027-04-01 の形で入れてください。",
        "Give a date as 2027-04-01.",
    ),
    shape(
        "date-time",
        "日時を、2027-04-01T09:00:00+09:00 の形で入れてください。",
        "Give a time as 2027-04-01T09:00:00+09:00.",
    ),
    shape(
        "uuid",
        "ID は、01960000-0000-7000-8000-000000000001 の形です。一覧や詳細にある id をそのまま入れてください。",
        "An id looks like 01960000-0000-7000-8000-000000000001; give it as lists and records have it.",
    ),
];

/// What a pattern or format asks for, in Japanese and English.
pub(super) fn of(shape: &str) -> Option<(&'static str, &'static str)> {
    let found = SHAPES.iter().find(|known| known.shape == shape)?;
    Some((found.ja, found.en))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// The patterns and formats below a value, through its references.
    fn shapes<'d>(value: &'d Value, document: &'d Value, seen: &mut BTreeSet<&'d str>, found: &mut BTreeSet<&'d str>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| shapes(item, document, seen, found)),
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(Value::as_str)
                    && seen.insert(target)
                {
                    shapes(document.pointer(&target[1..]).unwrap(), document, seen, found);
                }
                for name in ["pattern", "format"] {
                    found.extend(members.get(name).and_then(Value::as_str));
                }
                // An example is no schema.
                let schemas = members.iter().filter(|(name, _)| !name.starts_with("example"));
                schemas.for_each(|(_, member)| shapes(member, document, seen, found));
            }
            _ => {}
        }
    }

    #[test]
    fn whatever_a_request_can_break_has_words() {
        let document: Value = serde_json::from_str(include_str!("../../../openapi/openapi.json")).unwrap();
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for operations in document["paths"].as_object().unwrap().values() {
            for operation in operations.as_object().unwrap().values() {
                for part in ["requestBody", "parameters"] {
                    if let Some(part) = operation.get(part) {
                        shapes(part, &document, &mut seen, &mut found);
                    }
                }
            }
        }
        // Whole numbers are told by their range, files by themselves.
        let plain = ["int32", "int64", "binary"];
        let silent: Vec<_> = found
            .iter()
            .filter(|shape| of(shape).is_none() && !plain.contains(shape))
            .collect();
        assert!(found.len() > 10, "{found:?}");
        assert!(silent.is_empty(), "no words for {silent:?}");
    }
}
