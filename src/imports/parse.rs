//! What a row says: its cells as values of the fields, and the bodies that create or change a record with them.
//!
//! A blank cell says nothing, a lone `-` clears. A record that is there takes what may change; what counts at its creation
//! only must be what it is, because a value that is silently passed over would be believed. Which column is which field
//! is [`super::plan`]'s; the bodies are checked and written by [`super::apply`].

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::references::{Nobody, References};
use super::rows::RowError;
use crate::app::Scope;
use crate::domain::cell::{self, CellError, Meaning};
use crate::domain::shielding;
use crate::http::error::ApiError;
use crate::sheets::columns::{Cell, Column, Entity, Target, Words, Written};

/// What a filled cell wants of its field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    /// What is recorded is cleared.
    Clear,
    /// This value.
    Value(Value),
    /// These keys in the other system of the column.
    Keys(Vec<String>),
}

/// A filled cell.
#[derive(Debug, Clone)]
pub(super) struct Filled<'p> {
    pub place: usize,
    pub column: &'p Column,
    pub given: Given,
}

/// The error of a cell.
pub(super) fn error(
    place: usize,
    column: &Column,
    code: &str,
    ja: impl Into<String>,
    en: impl Into<String>,
) -> RowError {
    RowError {
        column: Some(place),
        field: Some(column.key.to_string()),
        code: code.to_owned(),
        ja: ja.into(),
        en: en.into(),
    }
}

/// Reads the cells of a row; every wrong one is named.
pub(super) fn read<'p>(
    scope: &mut Scope<'_>,
    plan: &'p Plan,
    cells: &[String],
    references: &mut References,
) -> Result<Result<Vec<Filled<'p>>, Vec<RowError>>, ApiError> {
    let (mut filled, mut wrong, mut taken) = (vec![], vec![], BTreeSet::new());
    let mut organization = plan.organization_id.clone();
    let is_organization = |column: &Column| matches!(column.cell, Cell::Reference(Target::Organization, _));
    // Codes of departments and services are those of the row's organization, so that one comes first.
    let (first, rest): (Vec<_>, Vec<_>) = plan.columns.iter().partition(|(_, column)| is_organization(column));
    for (place, column) in first.into_iter().chain(rest) {
        let is_key = matches!(column.key.as_ref(), "id" | "clause_key");
        let text = cells.get(*place).map(String::as_str).unwrap_or_default();
        if (column.written == Written::Never && !is_key) || taken.contains(column.body.as_ref()) {
            continue;
        }
        let given = match cell::meaning(text) {
            Meaning::Nothing => continue,
            Meaning::Clear => Ok(Given::Clear),
            Meaning::Value(text) => {
                let text = shielding::read(text);
                match &column.cell {
                    Cell::Reference(target, by) => {
                        let found = references.find(scope, (*target, *by), text, organization.as_deref())?;
                        found
                            .map(|id| Given::Value(Value::String(id)))
                            .map_err(|nobody| nobody_meant(*place, column, text, nobody))
                    }
                    other => value(other, text).map_err(|wrong| unreadable(*place, column, wrong)),
                }
            }
        };
        match given {
            Ok(given) => {
                if let (Given::Value(Value::String(id)), "organization_id" | "appointments.0.organization_id") =
                    (&given, column.body.as_ref())
                {
                    organization = Some(id.clone());
                }
                if matches!(column.cell, Cell::Reference(..)) {
                    taken.insert(column.body.to_string());
                }
                filled.push(Filled {
                    place: *place,
                    column,
                    given,
                });
            }
            Err(error) => wrong.push(error),
        }
    }
    Ok(if wrong.is_empty() { Ok(filled) } else { Err(wrong) })
}

fn value(cell: &Cell, text: &str) -> Result<Given, CellError> {
    Ok(Given::Value(match cell {
        Cell::Code => Value::String(cell::code(text)),
        Cell::Codes => {
            let codes: BTreeSet<String> = cell::several(text).into_iter().map(cell::code).collect();
            json!(codes)
        }
        Cell::Date => json!(cell::date(text)?),
        Cell::Integer => json!(cell::integer(text)?),
        Cell::Boolean => json!(cell::boolean(text)?),
        Cell::Word(words) => json!(cell::word(text, words.iter().copied())?),
        Cell::SeveralWords(words) => json!(several_words(text, words)?),
        Cell::External => return Ok(Given::Keys(cell::several(text).into_iter().map(cell::code).collect())),
        Cell::Text | Cell::Time | Cell::Hundredths | Cell::Reference(..) => Value::String(text.replace("\r\n", "\n")),
    }))
}

/// In the order of the words, as records have them.
fn several_words(text: &str, words: &Words) -> Result<Vec<&'static str>, CellError> {
    let named = cell::several(text)
        .into_iter()
        .map(|part| cell::word(part, words.iter().copied()))
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(words
        .iter()
        .map(|(code, _)| *code)
        .filter(|code| named.contains(code))
        .collect())
}

fn unreadable(place: usize, column: &Column, wrong: CellError) -> RowError {
    let (Cell::Word(words) | Cell::SeveralWords(words), CellError::Word) = (&column.cell, wrong) else {
        return error(place, column, wrong.code(), wrong.message_ja(), wrong.message_en());
    };
    let labels = words.iter().map(|(_, label)| *label).collect::<Vec<_>>().join("、");
    let codes = words.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", ");
    error(
        place,
        column,
        wrong.code(),
        format!("決められた値ではありません。次のどれかにしてください: {labels}"),
        format!("Not one of: {codes}."),
    )
}

fn nobody_meant(place: usize, column: &Column, text: &str, nobody: Nobody) -> RowError {
    match nobody {
        Nobody::NotFound => error(
            place,
            column,
            "reference_not_found",
            format!("「{text}」の記録がありません。先に登録するか、コードや名前を確かめてください。"),
            format!("There is no record {text:?}; register it first, or check the code or name."),
        ),
        Nobody::Ambiguous => error(
            place,
            column,
            "ambiguous_reference",
            format!("「{text}」に当たる記録が二つ以上あります。コードの列で指定してください。"),
            format!("More than one record is {text:?}; give its code."),
        ),
    }
}

/// Puts a value at a dotted place; a number is a place in a list.
fn put(target: &mut Value, place: &str, value: Value) {
    let (head, rest) = place
        .split_once('.')
        .map_or((place, None), |(head, rest)| (head, Some(rest)));
    let inner = if let Ok(index) = head.parse::<usize>() {
        if !target.is_array() {
            *target = json!([]);
        }
        let Value::Array(items) = target else { return };
        while items.len() <= index {
            items.push(Value::Null);
        }
        items.get_mut(index)
    } else {
        if !target.is_object() {
            *target = json!({});
        }
        target
            .as_object_mut()
            .map(|object| object.entry(head).or_insert(Value::Null))
    };
    match (inner, rest) {
        (Some(inner), Some(rest)) => put(inner, rest, value),
        (Some(inner), None) => *inner = value,
        (None, _) => {}
    }
}

fn value_at<'v>(record: &'v Value, place: &str) -> &'v Value {
    static NULL: Value = Value::Null;
    let step = |at: &'v Value, name: &str| match name.parse::<usize>() {
        Ok(index) => at.get(index),
        Err(_) => at.get(name),
    };
    place.split('.').try_fold(record, step).unwrap_or(&NULL)
}

fn system(column: &Column) -> &str {
    column.key.strip_prefix("external_ids.").unwrap_or_default()
}

/// The body of a new record.
pub(super) fn creation(plan: &Plan, filled: &[Filled<'_>], today: NaiveDate) -> Map<String, Value> {
    let (mut body, mut keys) = (json!({}), vec![]);
    for cell in filled.iter().filter(|cell| cell.column.written != Written::Never) {
        match &cell.given {
            Given::Clear => {}
            Given::Value(value) => put(&mut body, &cell.column.body, value.clone()),
            Given::Keys(values) => {
                keys.extend(
                    values
                        .iter()
                        .map(|value| json!({"system": system(cell.column), "value": value})),
                );
            }
        }
    }
    if !keys.is_empty() {
        put(&mut body, "external_ids", Value::Array(keys));
    }
    let of_organization = !matches!(plan.entity, Entity::Contractors | Entity::People);
    if let (Some(id), true) = (
        &plan.organization_id,
        of_organization && body.get("organization_id").is_none(),
    ) {
        put(&mut body, "organization_id", json!(id));
    }
    // What is in a ledger of Excel is there already; a record that says its state says so.
    let runs = body.get("status").is_some_and(|status| *status != "draft") && plan.entity.kind().is_some();
    if runs && body.get("registered_as_existing").is_none() {
        put(&mut body, "registered_as_existing", json!(true));
    }
    if body.get("contacts").is_some() && value_at(&body, "contacts.0.kind").is_null() {
        put(&mut body, "contacts.0.kind", json!("business"));
    }
    if body.get("appointments").is_some() {
        if value_at(&body, "appointments.0.starts_on").is_null() {
            put(&mut body, "appointments.0.starts_on", json!(today));
        }
        if let (Some(id), true) = (
            &plan.organization_id,
            value_at(&body, "appointments.0.organization_id").is_null(),
        ) {
            put(&mut body, "appointments.0.organization_id", json!(id));
        }
    }
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

/// The change of a record that is there, null where something is cleared.
///
/// # Errors
/// What only a creation takes and the record has otherwise.
pub(super) fn change(filled: &[Filled<'_>], record: &Value) -> Result<Map<String, Value>, Vec<RowError>> {
    let (mut body, mut wrong) = (json!({}), vec![]);
    let mut keys: Option<Vec<Value>> = None;
    // Of two cells of one object a value wins over a clearing.
    let (clearing, rest): (Vec<_>, Vec<_>) = filled.iter().partition(|cell| cell.given == Given::Clear);
    for cell in clearing.into_iter().chain(rest) {
        let (column, place) = (cell.column, cell.column.body.as_ref());
        match (column.written, &cell.given) {
            (Written::Never, _) => {}
            (Written::Always, Given::Keys(values)) => replace_keys(&mut keys, record, system(column), values),
            (Written::Always, Given::Clear) if column.cell == Cell::External => {
                replace_keys(&mut keys, record, system(column), &[]);
            }
            (Written::Always, Given::Value(value)) => {
                begin(&mut body, record, place);
                put(&mut body, place, value.clone());
            }
            (Written::Always, Given::Clear) => {
                begin(&mut body, record, place);
                put(&mut body, place, Value::Null);
            }
            (Written::AtCreation, given) => {
                let new = match given {
                    Given::Value(value) => value,
                    Given::Clear | Given::Keys(_) => &Value::Null,
                };
                if value_at(record, &column.answer) != new {
                    wrong.push(error(
                        cell.place,
                        column,
                        "immutable_field",
                        "登録済みの記録のこの項目は取込では変えられません。セルを空にするか、登録されている値にしてください。",
                        "An import cannot change this field of a record that is there; leave it blank or as it is.",
                    ));
                }
            }
        }
    }
    let Value::Object(mut body) = body else {
        return Err(wrong);
    };
    for (name, value) in &mut body {
        let emptied = value
            .as_object()
            .is_some_and(|inner| !inner.is_empty() && inner.values().all(Value::is_null));
        if emptied && name != "facts" {
            *value = Value::Null;
        }
    }
    if let Some(mut keys) = keys {
        keys.sort_by_key(|key| (key["system"].to_string(), key["value"].to_string()));
        body.insert("external_ids".to_owned(), Value::Array(keys));
    }
    if wrong.is_empty() { Ok(body) } else { Err(wrong) }
}

/// An object of which a part is given goes on from what is recorded; facts merge by themselves, and an owner is one person
/// or one post, never both.
fn begin(body: &mut Value, record: &Value, place: &str) {
    let Some((root, _)) = place.split_once('.') else { return };
    if matches!(root, "facts" | "owner" | "deputy") || body.get(root).is_some() {
        return;
    }
    if let Some(recorded) = record.get(root).filter(|recorded| recorded.is_object()) {
        put(body, root, recorded.clone());
    }
}

fn replace_keys(keys: &mut Option<Vec<Value>>, record: &Value, system: &str, values: &[String]) {
    let recorded = || {
        record
            .get("external_ids")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let keys = keys.get_or_insert_with(recorded);
    keys.retain(|key| key.get("system").is_none_or(|known| known != system));
    keys.extend(values.iter().map(|value| json!({"system": system, "value": value})));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(column: &Column, given: Given) -> Filled<'_> {
        Filled {
            place: 0,
            column,
            given,
        }
    }

    #[test]
    fn a_place_is_made_as_it_is_needed() {
        let mut body = json!({});
        put(&mut body, "name", json!("甲"));
        put(&mut body, "owner.person_id", json!("1"));
        put(&mut body, "contacts.0.name", json!("窓口"));
        put(&mut body, "contacts.0.kind", json!("business"));
        assert_eq!(
            body,
            json!({"name": "甲", "owner": {"person_id": "1"}, "contacts": [{"name": "窓口", "kind": "business"}]})
        );
        assert_eq!(value_at(&body, "contacts.0.name"), "窓口");
        assert_eq!(value_at(&body, "contacts.1.name"), &Value::Null);
    }

    #[test]
    fn a_change_goes_on_from_what_is_recorded() {
        let record = json!({"debarment": {"from_on": "2027-04-01", "to_on": "2027-09-30", "reason": "x"},
            "owner": {"person_id": null, "post_id": "9"}, "note": "旧", "control_number": "A-1",
            "external_ids": [{"system": "egp", "value": "7"}, {"system": "zaimu", "value": "1"}]});
        let to_on = Column::new("debarred_to_on", "", "", Cell::Date).at("debarment.to_on");
        let owner = Column::new("owner", "", "", Cell::Text).at("owner.person_id");
        let note = Column::new("note", "", "", Cell::Text);
        let fact = Column::new("integrity", "", "", Cell::Text).at("facts.integrity");
        let zaimu = crate::sheets::columns::external("zaimu");
        let body = change(
            &[
                filled(&to_on, Given::Clear),
                filled(&owner, Given::Value(json!("5"))),
                filled(&note, Given::Clear),
                filled(&fact, Given::Clear),
                filled(&zaimu, Given::Keys(vec!["2".to_owned()])),
            ],
            &record,
        );
        assert_eq!(
            Value::Object(body.unwrap()),
            json!({"debarment": {"from_on": "2027-04-01", "to_on": null, "reason": "x"}, "note": null,
                "facts": {"integrity": null}, "owner": {"person_id": "5"},
                "external_ids": [{"system": "egp", "value": "7"}, {"system": "zaimu", "value": "2"}]})
        );
        let from_on = Column::new("debarred_from_on", "", "", Cell::Date).at("debarment.from_on");
        let reason = Column::new("reason", "", "", Cell::Text).at("debarment.reason");
        let all = [&from_on, &to_on, &reason].map(|column| filled(column, Given::Clear));
        assert_eq!(
            Value::Object(change(&all, &record).unwrap()),
            json!({"debarment": null})
        );
    }

    #[test]
    fn what_counts_at_the_creation_only_must_be_what_it_is() {
        let number = Column::new("control_number", "", "", Cell::Code).at_creation();
        let record = json!({"control_number": "A-1"});
        assert_eq!(
            change(&[filled(&number, Given::Value(json!("A-1")))], &record),
            Ok(Map::new())
        );
        for given in [Given::Value(json!("A-2")), Given::Clear] {
            let wrong = change(&[filled(&number, given)], &record).unwrap_err();
            assert_eq!(wrong[0].code, "immutable_field");
        }
    }
}
