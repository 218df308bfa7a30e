//! Recognising a record that another system sends: by its keys there, then by its corporate number, never by its name
//! (design §4.11). What the rows say is asked by the slices; how it is weighed is here.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// By what a record was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// By a key in another system.
    ExternalId,
    /// By the corporate number (法人番号).
    CorporateNumber,
}

/// The keys sent together belong to different records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous;

/// The record that is meant: of the external ids if one of them is known, otherwise of the corporate number. A number
/// that another record than theirs has is for the unique key to refuse.
///
/// # Errors
/// External ids of different records.
pub fn recognise(
    by_external_ids: &[String],
    by_number: Option<&str>,
) -> Result<Option<(String, MatchedBy)>, Ambiguous> {
    match by_external_ids {
        [] => Ok(by_number.map(|id| (id.to_owned(), MatchedBy::CorporateNumber))),
        [first, others @ ..] if others.iter().all(|other| other == first) => {
            Ok(Some((first.clone(), MatchedBy::ExternalId)))
        }
        _ => Err(Ambiguous),
    }
}

/// Whether two companies of one name may be the same: not when both have a number, because then the numbers differ.
pub const fn may_be_same(number: Option<&str>, other: Option<&str>) -> bool {
    number.is_none() || other.is_none()
}

/// Whether what is sent says nothing that the record does not say already, so that a nightly transfer of everything
/// changes only what changed. Fields that are not sent stay, and facts merge key by key; any other value replaces whole.
pub fn says_nothing_new(sent: &Map<String, Value>, record: &Value) -> bool {
    sent.iter().all(|(name, value)| {
        let known = record.get(name).unwrap_or(&Value::Null);
        match (name.as_str(), value) {
            ("facts", Value::Object(facts)) => facts.iter().all(|(fact, value)| is_same(value, known.get(fact))),
            _ => is_same(value, Some(known)),
        }
    })
}

/// Whether a value is the same; a field that is absent is null.
fn is_same(sent: &Value, known: Option<&Value>) -> bool {
    match (sent, known.unwrap_or(&Value::Null)) {
        (Value::Object(sent), Value::Object(known)) => {
            sent.iter().all(|(name, value)| is_same(value, known.get(name)))
                && known
                    .iter()
                    .all(|(name, value)| value.is_null() || sent.contains_key(name))
        }
        (Value::Array(sent), Value::Array(known)) => {
            sent.len() == known.len() && sent.iter().zip(known).all(|(sent, known)| is_same(sent, Some(known)))
        }
        (sent, known) => sent == known,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn external_ids_come_before_the_number() {
        let (a, b) = (String::from("a"), String::from("b"));
        for (by_ids, by_number, found) in [
            (vec![], None, Ok(None)),
            (vec![], Some("b"), Ok(Some((b.clone(), MatchedBy::CorporateNumber)))),
            (vec![a.clone()], None, Ok(Some((a.clone(), MatchedBy::ExternalId)))),
            (vec![a.clone()], Some("b"), Ok(Some((a.clone(), MatchedBy::ExternalId)))),
            (
                vec![a.clone(), a.clone()],
                None,
                Ok(Some((a.clone(), MatchedBy::ExternalId))),
            ),
            (vec![a.clone(), b.clone()], None, Err(Ambiguous)),
            (vec![a.clone(), a, b.clone()], Some("b"), Err(Ambiguous)),
        ] {
            assert_eq!(recognise(&by_ids, by_number), found, "{by_ids:?} {by_number:?}");
        }
    }

    #[test]
    fn two_numbers_are_two_companies() {
        assert!(may_be_same(None, None) && may_be_same(Some("1"), None) && may_be_same(None, Some("1")));
        assert!(!may_be_same(Some("1"), Some("2")));
    }

    #[test]
    fn only_what_is_new_is_a_change() {
        let record = json!({
            "name": "甲", "note": null, "facts": {"confidentiality": "c2", "integrity": "i1"},
            "debarment": {"from_on": "2027-04-01", "to_on": null, "reason": "x"},
            "contacts": [{"name": "窓口", "email": null}], "external_ids": [],
        });
        for (sent, nothing_new) in [
            (json!({}), true),
            (json!({"name": "甲"}), true),
            (json!({"name": "乙"}), false),
            (json!({"note": "x"}), false),
            (json!({"facts": {"integrity": "i1"}}), true),
            (json!({"facts": {"integrity": "i2"}}), false),
            (json!({"facts": {"availability": "a1"}}), false),
            (json!({"debarment": {"from_on": "2027-04-01", "reason": "x"}}), true),
            (json!({"debarment": {"from_on": "2027-04-01"}}), false),
            (json!({"contacts": [{"name": "窓口"}]}), true),
            (json!({"contacts": []}), false),
            (json!({"contacts": [{"name": "窓口", "email": "a@example.jp"}]}), false),
            (json!({"external_ids": [{"system": "zaimu", "value": "1"}]}), false),
        ] {
            assert_eq!(
                says_nothing_new(sent.as_object().unwrap(), &record),
                nothing_new,
                "{sent}"
            );
        }
    }
}
