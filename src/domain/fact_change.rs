//! A change of the facts of an entry, as people make one on a form: which facts a kind is asked for, what was entered for
//! them, and what the facts are then. What follows from them is [`super::requirement`]'s and [`super::risk`]'s.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, When};
use super::facts::{FactName, FactType, FactValue, Facts};
use super::vocabulary::{CodeWord, Kind};

/// Facts that every kind is asked for, beside those that its clauses ask for.
const ALWAYS: [FactName; 5] = [
    FactName::Confidentiality,
    FactName::Integrity,
    FactName::Availability,
    FactName::HandlesPersonalInformation,
    FactName::DataSubjects,
];

/// New values, and facts that are not known any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactChange {
    /// The new values.
    pub set: Facts,
    /// What is not known any more.
    pub clear: BTreeSet<FactName>,
}

/// The facts that a kind is asked for: those that decide about its clauses, those that always weigh, and whatever is
/// recorded.
pub fn asked(catalogue: &Catalogue, kind: Kind, now: &Facts) -> Vec<FactName> {
    let clauses = catalogue
        .clauses
        .iter()
        .filter(|clause| clause.applies_to.contains(&kind));
    let conditions = clauses.flat_map(|clause| clause.when.iter().flat_map(When::conditions));
    let named: BTreeSet<FactName> = ALWAYS.into_iter().chain(conditions.map(|one| one.fact)).collect();
    let all = FactName::ALL.iter().copied();
    all.filter(|name| named.contains(name) || now.get(*name).is_some())
        .collect()
}

impl FactChange {
    /// What was entered on a form: texts by the name of the fact, several for a set. A fact that the form did not send
    /// stays as it is; one that was sent empty is not known any more.
    ///
    /// # Errors
    /// The facts whose text is no value of theirs.
    pub fn entered<'t>(
        asked: &[FactName],
        sent: impl Iterator<Item = (&'t str, &'t str)>,
        now: &Facts,
    ) -> Result<Self, Vec<FactName>> {
        let mut texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, text) in sent {
            texts.entry(name).or_default().push(text.trim());
        }
        let (mut change, mut wrong) = (Self::default(), vec![]);
        for name in asked {
            let Some(texts) = texts.get(name.code()) else {
                continue;
            };
            let words: Vec<&str> = texts.iter().copied().filter(|text| !text.is_empty()).collect();
            let known = now.get(*name).is_some();
            match value(name.fact_type(), &words) {
                None if known => {
                    change.clear.insert(*name);
                }
                None => {}
                // A set that nobody has recorded and nobody has ticked stays unknown.
                Some(_) if words.is_empty() && !known => {}
                Some(value) => {
                    let one = Map::from_iter([(name.code().to_owned(), value)]);
                    match serde_json::from_value::<Facts>(Value::Object(one)) {
                        Ok(one) if one.get(*name).is_some() => change.set.merge(&one),
                        _ => wrong.push(*name),
                    }
                }
            }
        }
        if wrong.is_empty() { Ok(change) } else { Err(wrong) }
    }

    /// The facts when it has happened.
    #[must_use]
    pub fn after(&self, now: &Facts) -> Facts {
        let mut after = now.clone();
        after.merge(&self.set);
        for name in &self.clear {
            after.clear(name.code());
        }
        after
    }
}

/// The texts of a field as a value; `None` where nothing was entered.
fn value(kind: FactType, words: &[&str]) -> Option<Value> {
    match (kind, words) {
        // An empty set is a fact too: the form says so by a field that is always sent.
        (FactType::Set, words) => Some(json!(words)),
        (_, []) => None,
        (FactType::Boolean, ["true", ..]) => Some(json!(true)),
        (FactType::Boolean, ["false", ..]) => Some(json!(false)),
        (FactType::Integer, [word, ..]) => Some(word.parse::<u64>().map_or(Value::Null, |number| json!(number))),
        (_, [word, ..]) => Some(json!(word)),
    }
}

impl FactName {
    /// A recorded value in Japanese.
    pub fn said(self, value: Option<&FactValue>) -> String {
        match value {
            None => "未登録".to_owned(),
            Some(FactValue::Boolean(true)) => "はい".to_owned(),
            Some(FactValue::Boolean(false)) => "いいえ".to_owned(),
            Some(FactValue::Integer(number)) => number.to_string(),
            Some(FactValue::Word(word)) => self.label(word).to_owned(),
            Some(FactValue::Words(words)) if words.is_empty() => "なし".to_owned(),
            Some(FactValue::Words(words)) => words.iter().map(|word| self.label(word)).collect::<Vec<_>>().join("、"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Confidentiality, DataSubjects};
    use super::super::vocabulary::Zone;
    use super::*;

    const ASKED: [FactName; 6] = [
        FactName::Confidentiality,
        FactName::HandlesPersonalInformation,
        FactName::DataSubjects,
        FactName::NetworkZones,
        FactName::ProcuredOn,
        FactName::AudienceSize,
    ];

    fn now() -> Facts {
        Facts {
            confidentiality: Some(Confidentiality::C2),
            data_subjects: Some(DataSubjects::UpTo100),
            ..Facts::default()
        }
    }

    fn entered(sent: &[(&str, &str)]) -> Result<FactChange, Vec<FactName>> {
        FactChange::entered(&ASKED, sent.iter().copied(), &now())
    }

    #[test]
    fn what_was_entered_changes_what_was_sent_and_nothing_else() {
        let change = entered(&[
            ("handles_personal_information", "true"),
            ("data_subjects", ""),
            ("network_zones", ""),
            ("network_zones", Zone::ALL[0].code()),
            ("procured_on", ""),
            ("audience_size", " 120 "),
            ("substitutability", "easy"),
        ]);
        let after = change.unwrap().after(&now());
        assert_eq!(
            after,
            Facts {
                confidentiality: Some(Confidentiality::C2),
                handles_personal_information: Some(true),
                network_zones: Some(BTreeSet::from([Zone::ALL[0]])),
                audience_size: Some(120),
                ..Facts::default()
            }
        );
        // The same form sent as it was shown changes nothing.
        let same = entered(&[
            ("confidentiality", "c2"),
            ("data_subjects", "up_to_100"),
            ("network_zones", ""),
        ]);
        assert_eq!(same.unwrap().after(&now()), now());
    }

    #[test]
    fn a_text_that_is_no_value_is_named() {
        let wrong = entered(&[
            ("confidentiality", "c9"),
            ("handles_personal_information", "perhaps"),
            ("network_zones", "moon"),
            ("procured_on", "2027-02-30"),
            ("audience_size", "-1"),
            ("data_subjects", "none"),
        ]);
        let named = [0, 1, 3, 4, 5].map(|at| ASKED[at]);
        assert_eq!(wrong.unwrap_err(), named);
    }

    #[test]
    fn a_kind_is_asked_for_what_weighs_and_for_what_is_recorded() {
        let catalogue = Catalogue::embedded().unwrap();
        let asked = asked(&catalogue, Kind::SocialMediaAccount, &Facts::default());
        assert!(ALWAYS.iter().all(|name| asked.contains(name)));
        assert!(!asked.contains(&FactName::EngagementKind));
        let recorded = Facts {
            engagement_kind: Some(super::super::facts::EngagementKind::Other),
            ..Facts::default()
        };
        let asked = super::asked(&catalogue, Kind::SocialMediaAccount, &recorded);
        assert!(asked.contains(&FactName::EngagementKind));
    }

    #[test]
    fn values_are_said_in_japanese() {
        let name = FactName::DataSubjects;
        assert_eq!(name.said(None), "未登録");
        assert_eq!(name.said(Some(&FactValue::Word("up_to_100".to_owned()))), "100人以下");
        let zones = FactName::NetworkZones;
        assert_eq!(zones.said(Some(&FactValue::Words(vec![]))), "なし");
        assert_eq!(
            FactName::InternetFacing.said(Some(&FactValue::Boolean(false))),
            "いいえ"
        );
    }
}
