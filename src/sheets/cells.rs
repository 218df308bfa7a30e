//! What a cell says: the value of a record in a column, as text, date or number.
//!
//! The record is the JSON of the API's own answer, so a sheet never shows what a list would not. Where a column refers to
//! another record, [`Names`] knows its code and name; they are loaded for many rows at once ([`super::names`]).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::columns::{By, Cell, Column, Target, Words};

/// The language of the header row and of labels in cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeaderLanguage {
    /// Japanese headers and labels.
    #[default]
    Ja,
    /// English headers; code words in cells.
    En,
    /// Keys and code words, for programs.
    Key,
}

impl HeaderLanguage {
    /// The header of a column.
    pub fn header(self, column: &Column) -> &str {
        match self {
            Self::Ja => &column.ja,
            Self::En => &column.en,
            Self::Key => &column.key,
        }
    }

    /// How yes and no are written.
    pub const fn yes_or_no(self, value: bool) -> &'static str {
        match (self, value) {
            (Self::Ja, true) => "○",
            (Self::Ja, false) => "×",
            (Self::En, true) => "yes",
            (Self::En, false) => "no",
            (Self::Key, true) => "true",
            (Self::Key, false) => "false",
        }
    }
}

/// What a cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    Nothing,
    /// A text, a code, labels.
    Text(String),
    /// A civil date.
    Date(NaiveDate),
    /// A whole number.
    Integer(i64),
    /// A number of hundredths.
    Hundredths(i64),
    /// The dash by which an import clears: no text that somebody wrote, so nothing shields it.
    Clear,
}

impl Said {
    /// The same as text: what a file without types holds.
    pub fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Clear => "-".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Date(on) => on.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Hundredths(number) => {
                let sign = if *number < 0 { "-" } else { "" };
                let number = number.unsigned_abs();
                format!("{sign}{}.{:02}", number / 100, number % 100)
            }
        }
    }
}

/// The code and name of a record that others refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// Its code, if it has one.
    pub code: Option<String>,
    /// Its name.
    pub name: String,
}

/// The names of records that rows refer to.
#[derive(Debug, Clone, Default)]
pub struct Names(pub BTreeMap<(Target, String), Name>);

/// How cells are written.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// The language of headers and labels.
    pub language: HeaderLanguage,
    /// The zone of moments.
    pub zone: Tz,
}

/// The values at a dotted way; a number is a place in a list, `*` every place.
fn values<'v>(record: &'v Value, way: &str) -> Vec<&'v Value> {
    let mut at = vec![record];
    for step in way.split('.') {
        at = at
            .into_iter()
            .flat_map(|value| match (value, step) {
                (Value::Array(items), "*") => items.iter().collect(),
                (Value::Array(items), place) => place
                    .parse::<usize>()
                    .ok()
                    .and_then(|place| items.get(place))
                    .into_iter()
                    .collect(),
                (value, name) => value.get(name).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    at.retain(|value| !value.is_null());
    at
}

/// The ids that these records refer to, by what they are to.
pub fn references(columns: &[Column], records: &[Value]) -> BTreeMap<Target, BTreeSet<String>> {
    let mut found: BTreeMap<Target, BTreeSet<String>> = BTreeMap::new();
    for column in columns {
        if let Cell::Reference(target, _) = column.cell {
            let ids = records.iter().flat_map(|record| values(record, &column.answer));
            let ids = ids.filter_map(Value::as_str).map(str::to_owned);
            found.entry(target).or_default().extend(ids);
        }
    }
    found
}

/// What the cell of a record says in a column.
pub fn said(column: &Column, record: &Value, names: &Names, manner: Manner) -> Said {
    if matches!(column.cell, Cell::External) {
        return external(column, record);
    }
    let found = values(record, &column.answer);
    let texts = || found.iter().filter_map(|value| value.as_str());
    let joined = |texts: Vec<String>, between: &str| {
        if texts.is_empty() {
            Said::Nothing
        } else {
            Said::Text(texts.join(between))
        }
    };
    let Some(first) = found.first().copied() else {
        return Said::Nothing;
    };
    match &column.cell {
        Cell::Text | Cell::Code => first.as_str().map_or(Said::Nothing, |text| Said::Text(text.to_owned())),
        Cell::Codes => {
            let inner = found.iter().flat_map(|value| match value {
                Value::Array(items) => items.iter().collect::<Vec<_>>(),
                one => vec![*one],
            });
            joined(inner.filter_map(Value::as_str).map(str::to_owned).collect(), "、")
        }
        Cell::Date => match first.as_str().and_then(|text| text.parse().ok()) {
            Some(on) => Said::Date(on),
            None => Said::Nothing,
        },
        Cell::Time => match first.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()) {
            Some(at) => Said::Text(at.with_timezone(&manner.zone).format("%Y-%m-%d %H:%M").to_string()),
            None => Said::Nothing,
        },
        Cell::Integer => first.as_i64().map_or(Said::Nothing, Said::Integer),
        Cell::Hundredths => first.as_i64().map_or(Said::Nothing, Said::Hundredths),
        Cell::Boolean => match first {
            Value::Bool(value) => Said::Text(manner.language.yes_or_no(*value).to_owned()),
            _ => Said::Nothing,
        },
        Cell::Word(words) => first
            .as_str()
            .map_or(Said::Nothing, |code| Said::Text(label(words, code, manner.language))),
        Cell::SeveralWords(words) => {
            let inner = found.iter().flat_map(|value| match value {
                Value::Array(items) => items.iter().collect::<Vec<_>>(),
                one => vec![*one],
            });
            let mut labels: Vec<String> = vec![];
            for code in inner.filter_map(Value::as_str) {
                let label = label(words, code, manner.language);
                if !labels.contains(&label) {
                    labels.push(label);
                }
            }
            joined(labels, "、")
        }
        Cell::Reference(target, by) => {
            let meant = texts().filter_map(|id| {
                let name = names.0.get(&(*target, id.to_owned()))?;
                match by {
                    By::Code => name.code.clone(),
                    By::Name => Some(name.name.clone()),
                }
            });
            joined(meant.collect(), "、")
        }
        Cell::External => Said::Nothing,
    }
}

fn label(words: &Words, code: &str, language: HeaderLanguage) -> String {
    let found = words.iter().find(|(known, _)| *known == code);
    match (language, found) {
        (HeaderLanguage::Ja, Some((_, ja))) => (*ja).to_owned(),
        _ => code.to_owned(),
    }
}

/// The keys in the column's system, one a line: a key has no line breaks.
fn external(column: &Column, record: &Value) -> Said {
    let system = column.answer.strip_prefix("external_ids.").unwrap_or_default();
    let keys = record
        .get("external_ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let keys: Vec<&str> = keys
        .filter(|key| key.get("system").and_then(Value::as_str) == Some(system))
        .filter_map(|key| key.get("value").and_then(Value::as_str))
        .collect();
    if keys.is_empty() {
        Said::Nothing
    } else {
        Said::Text(keys.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::vocabulary::CodeWord;
    use crate::sheets::columns::{Entity, external};

    fn manner(language: HeaderLanguage) -> Manner {
        Manner {
            language,
            zone: chrono_tz::Asia::Tokyo,
        }
    }

    fn column(entity: Entity, key: &str) -> Column {
        let mut all = entity.columns().into_iter();
        all.find(|column| column.key == key).unwrap()
    }

    #[test]
    fn cells_say_what_the_record_holds() {
        let record = json!({
            "name": "保守", "status": "in_performance", "phase": null, "updated_at": "2027-03-31T15:30:00Z",
            "current_period": {"amount_jpy": 1_200_000, "starts_on": "2027-04-01", "auto_renewal": false},
            "facts": {"handles_personal_information": true, "network_zones": ["my_number", "lgwan"]},
            "risk": {"residual_score_x100": 1572}, "owner": {"person_id": "p", "post_id": null},
            "external_ids": [{"system": "zaimu", "value": "001"}, {"system": "egp", "value": "x"},
                {"system": "zaimu", "value": "002"}],
        });
        let person = Name {
            code: Some("00123".to_owned()),
            name: "山田 花子".to_owned(),
        };
        let names = Names([((Target::Person, "p".to_owned()), person)].into());
        let text = |text: &str| Said::Text(text.to_owned());
        for (key, ja, coded) in [
            ("name", text("保守"), text("保守")),
            ("status", text("履行中"), text("in_performance")),
            ("phase", Said::Nothing, Said::Nothing),
            ("updated_at", text("2027-04-01 00:30"), text("2027-04-01 00:30")),
            ("amount_jpy", Said::Integer(1_200_000), Said::Integer(1_200_000)),
            ("auto_renewal", text("×"), text("false")),
            ("handles_personal_information", text("○"), text("true")),
            (
                "network_zones",
                text("マイナンバー利用事務系、LGWAN接続系"),
                text("my_number、lgwan"),
            ),
            ("risk_score", Said::Hundredths(1572), Said::Hundredths(1572)),
            ("owner_employee_code", text("00123"), text("00123")),
            ("owner_name", text("山田 花子"), text("山田 花子")),
            ("owner_post", Said::Nothing, Said::Nothing),
        ] {
            let column = column(Entity::Engagements, key);
            assert_eq!(said(&column, &record, &names, manner(HeaderLanguage::Ja)), ja, "{key}");
            let key_cell = said(&column, &record, &names, manner(HeaderLanguage::Key));
            assert_eq!(key_cell, coded, "{key}");
        }
        let zaimu = external("zaimu");
        let keys = said(&zaimu, &record, &names, manner(HeaderLanguage::Ja));
        assert_eq!(keys, text("001\n002"));
        let on = column(Entity::Engagements, "period_starts_on");
        let on = said(&on, &record, &names, manner(HeaderLanguage::Ja));
        assert_eq!(on.text(), "2027-04-01");
        assert_eq!(Said::Hundredths(1572).text(), "15.72");
        assert_eq!(Said::Hundredths(-5).text(), "-0.05");
    }

    #[test]
    fn labels_and_codes_of_a_set_are_distinct() {
        for entity in Entity::ALL {
            for column in entity.columns() {
                let (Cell::Word(set) | Cell::SeveralWords(set)) = &column.cell else {
                    continue;
                };
                let labels: BTreeSet<&str> = set.iter().map(|(_, ja)| *ja).collect();
                assert_eq!(labels.len(), set.len(), "{entity} {}", column.key);
                assert!(!set.iter().any(|(_, ja)| ja.contains('、')), "{entity} {}", column.key);
            }
        }
    }

    #[test]
    fn several_places_of_a_list_are_joined() {
        let person = json!({"roles": [{"role": "ciso"}, {"role": "csirt"}, {"role": "ciso"}],
            "appointments": [{"organization_id": "a"}, {"organization_id": "b"}]});
        let roles = column(Entity::People, "roles");
        let cell = said(&roles, &person, &Names::default(), manner(HeaderLanguage::Key));
        assert_eq!(cell.text(), "ciso、csirt");
        let found = references(&Entity::People.columns(), &[person]);
        assert_eq!(found[&Target::Organization], BTreeSet::from(["a".to_owned()]));
    }
}
