//! Which clauses an entry needs, and why: kind, facts and phase against the catalogue.
//!
//! A clause counts once the entry has reached the clause's first phase and the facts call for it. A fact that nobody
//! recorded makes its condition true (domain §4.1: never silently best) and is noted. The reasons go out with each
//! requirement, so that a section can answer 「なぜ必要なのか」 without reading the catalogue. How far a clause is
//! fulfilled is in the fulfilment module; the sums are in [`super::risk`].

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::{Catalogue, Clause, Condition, Op, When};
use super::facts::{FactDefaults, FactName, FactValue, Facts, Note};
use super::vocabulary::{CodeWord, Kind, Phase, RequirementLevel};

/// A clause that applies to an entry.
#[derive(Debug, Clone)]
pub struct Requirement<'c> {
    /// The clause.
    pub clause: &'c Clause,
    /// Mandatory or recommended, on the day of the question.
    pub level: RequirementLevel,
    /// Why it applies; at least one.
    pub reasons: Vec<Reason>,
}

/// One reason for a requirement: a condition that holds, or that the clause always applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// The fact that calls for it; null when every entry of the kind needs the clause.
    #[schema(required)]
    pub fact: Option<FactName>,
    /// How the fact is compared.
    #[schema(required)]
    pub op: Option<Op>,
    /// With what it is compared.
    #[schema(required)]
    pub value: Option<FactValue>,
    /// What is recorded, or the profile's default; null when nobody knows, which counts as fulfilling the condition.
    #[schema(required)]
    pub actual: Option<FactValue>,
    /// The reason for people, in Japanese.
    pub message: String,
    /// The reason for people, in English.
    pub message_en: String,
}

/// The clauses that apply, by number, and a note for every fact of the conditions that had to be assumed.
pub fn requirements<'c>(
    catalogue: &'c Catalogue,
    kind: Kind,
    facts: &Facts,
    defaults: &FactDefaults,
    phase: Phase,
    as_of: NaiveDate,
) -> (Vec<Requirement<'c>>, Vec<Note>) {
    let filled = facts.with_defaults(defaults);
    let notes = facts.notes(&filled, &facts_used(catalogue, kind, &filled, as_of));
    (applicable(catalogue, kind, &filled, phase, as_of), notes)
}

/// The same without notes, on facts whose defaults are filled in.
pub(super) fn applicable<'c>(
    catalogue: &'c Catalogue,
    kind: Kind,
    facts: &Facts,
    phase: Phase,
    as_of: NaiveDate,
) -> Vec<Requirement<'c>> {
    let reached = |clause: &&Clause| phase != Phase::None && clause.phase_from <= phase;
    let clauses = catalogue
        .clauses
        .iter()
        .filter(|clause| clause.applies_to.contains(&kind))
        .filter(reached);
    clauses
        .filter_map(|clause| {
            let reasons = reasons(clause, kind, facts)?;
            Some(Requirement {
                clause,
                level: level(clause, facts, as_of),
                reasons,
            })
        })
        .collect()
}

/// The facts that decide which clauses this kind needs, and how strictly.
pub(super) fn facts_used(catalogue: &Catalogue, kind: Kind, facts: &Facts, as_of: NaiveDate) -> BTreeSet<FactName> {
    let mut used = BTreeSet::new();
    for clause in catalogue
        .clauses
        .iter()
        .filter(|clause| clause.applies_to.contains(&kind))
    {
        used.extend(
            clause
                .when
                .iter()
                .flat_map(When::conditions)
                .map(|condition| condition.fact),
        );
        let stricter_by_now = clause
            .requirement_level_from
            .as_ref()
            .is_some_and(|from| from.date <= as_of);
        if stricter_by_now && reasons(clause, kind, facts).is_some() {
            used.insert(FactName::ProcuredOn);
        }
    }
    used
}

/// The level for what was procured when this was; on an unknown day, the level that today's procurement would have.
fn level(clause: &Clause, facts: &Facts, as_of: NaiveDate) -> RequirementLevel {
    let later = clause.requirement_level_from.as_ref();
    let later = later.filter(|later| later.date <= facts.procured_on.unwrap_or(as_of));
    later.map_or(clause.requirement_level, |later| later.level)
}

/// Why the clause applies; `None` when it does not.
fn reasons(clause: &Clause, kind: Kind, facts: &Facts) -> Option<Vec<Reason>> {
    let Some(when) = &clause.when else {
        return Some(vec![always(kind)]);
    };
    let holding = |conditions: &[Condition]| -> Vec<Reason> {
        conditions
            .iter()
            .filter_map(|condition| reason(condition, facts.get(condition.fact)))
            .collect()
    };
    let (all, any) = (holding(&when.all), holding(&when.any));
    let applies = all.len() == when.all.len() && (when.any.is_empty() || !any.is_empty());
    applies.then(|| [all, any].concat())
}

fn always(kind: Kind) -> Reason {
    let message = format!("すべての{}に必要", kind.ja());
    let message_en = format!("needed for every {}", kind.code().replace('_', " "));
    Reason {
        fact: None,
        op: None,
        value: None,
        actual: None,
        message,
        message_en,
    }
}

/// The condition as a reason, if it holds. What nobody knows holds.
fn reason(condition: &Condition, actual: Option<FactValue>) -> Option<Reason> {
    if !actual.as_ref().is_none_or(|actual| holds(condition, actual)) {
        return None;
    }
    let (message, message_en) = (
        message_ja(condition, actual.as_ref()),
        message_en(condition, actual.as_ref()),
    );
    let Condition { fact, op, value } = condition.clone();
    Some(Reason {
        fact: Some(fact),
        op: Some(op),
        value,
        actual,
        message,
        message_en,
    })
}

fn holds(condition: &Condition, actual: &FactValue) -> bool {
    match (condition.op, &condition.value, actual) {
        (Op::IsTrue, _, actual) => *actual == FactValue::Boolean(true),
        (Op::Eq, Some(value), actual) => value == actual,
        (Op::In, Some(FactValue::Words(values)), FactValue::Word(actual)) => values.contains(actual),
        (Op::In, Some(FactValue::Words(values)), FactValue::Words(actual)) => {
            actual.iter().any(|word| values.contains(word))
        }
        (Op::Gte, Some(FactValue::Word(least)), FactValue::Word(actual)) => {
            let words = condition.fact.words();
            let rank = |word: &str| words.iter().position(|(code, _)| *code == word);
            rank(actual) >= rank(least)
        }
        _ => false,
    }
}

fn message_ja(condition: &Condition, actual: Option<&FactValue>) -> String {
    let fact = condition.fact;
    let quoted = |value: &FactValue| {
        let labels: Vec<&str> = words_of(value).map(|word| fact.label(word)).collect();
        format!("「{}」", labels.join("」「"))
    };
    let values = condition.value.as_ref().map(quoted).unwrap_or_default();
    let compared = match condition.op {
        Op::Eq => format!("{}が{values}", fact.ja()),
        Op::In => format!("{}が{values}のいずれか", fact.ja()),
        Op::Gte => format!("{}が{values}以上", fact.ja()),
        Op::IsTrue => format!("「{}」に該当", fact.ja()),
    };
    match actual {
        None => format!("{compared}（未登録のため該当として扱う）"),
        Some(_) if matches!(condition.op, Op::Eq | Op::IsTrue) => compared,
        Some(actual) => format!("{compared}（現在は{}）", quoted(actual)),
    }
}

fn message_en(condition: &Condition, actual: Option<&FactValue>) -> String {
    let fact = condition.fact.code();
    let listed = |value: &FactValue| words_of(value).collect::<Vec<_>>().join(", ");
    let values = condition.value.as_ref().map(listed).unwrap_or_default();
    let compared = match condition.op {
        Op::Eq => format!("{fact} is {values}"),
        Op::In => format!("{fact} is one of {values}"),
        Op::Gte => format!("{fact} is {values} or higher"),
        Op::IsTrue => format!("{fact} is true"),
    };
    match actual {
        None => format!("{compared} (not recorded: taken as true)"),
        Some(_) if matches!(condition.op, Op::Eq | Op::IsTrue) => compared,
        Some(actual) => format!("{compared} (now {})", listed(actual)),
    }
}

fn words_of(value: &FactValue) -> impl Iterator<Item = &str> {
    let words = match value {
        FactValue::Word(word) => std::slice::from_ref(word),
        FactValue::Words(words) => words,
        FactValue::Boolean(_) | FactValue::Integer(_) => &[],
    };
    words.iter().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn facts(value: serde_json::Value) -> Facts {
        serde_json::from_value(value).unwrap()
    }

    /// Numbers of the clauses that apply, without profile defaults, on 2026-11-21.
    fn numbers(kind: Kind, record: serde_json::Value, phase: Phase) -> Vec<u32> {
        let catalogue = Catalogue::embedded().unwrap();
        let (list, _) = requirements(
            &catalogue,
            kind,
            &facts(record),
            &FactDefaults::default(),
            phase,
            day("2026-11-21"),
        );
        list.iter().map(|requirement| requirement.clause.number).collect()
    }

    fn printing() -> serde_json::Value {
        json!({"confidentiality": "c1", "integrity": "i1", "availability": "a1", "handles_personal_information": false,
            "handles_sensitive_personal_information": false, "handles_specific_personal_information": false,
            "data_subjects": "none", "subcontracting": "none", "network_zones": ["standalone"], "access_mode": "none",
            "internet_facing": false, "jurisdiction": "domestic", "terms_form": "negotiated", "substitutability": "easy",
            "engagement_kind": "other", "includes_equipment": false, "emergency_channel": false, "audience_size": 0,
            "operation_delegated": false})
    }

    fn with(changes: serde_json::Value) -> serde_json::Value {
        let mut record = facts(printing());
        record.merge(&facts(changes));
        serde_json::to_value(record).unwrap()
    }

    #[test]
    fn public_manuscripts_need_three_clauses() {
        assert_eq!(
            numbers(Kind::ContractorEngagement, printing(), Phase::Active),
            [1, 12, 13]
        );
    }

    #[test]
    fn facts_call_for_clauses() {
        use Kind::{CloudService, ContractorEngagement, SocialMediaAccount};
        for (kind, change, number, applies) in [
            (ContractorEngagement, json!({"confidentiality": "c2"}), 7, true),
            (ContractorEngagement, json!({"confidentiality": "c3a"}), 7, true),
            (ContractorEngagement, json!({"access_mode": "onsite"}), 7, true),
            (ContractorEngagement, json!({"access_mode": "remote"}), 22, true),
            (ContractorEngagement, json!({"access_mode": "hosted"}), 22, false),
            (
                ContractorEngagement,
                json!({"handles_specific_personal_information": true}),
                21,
                false,
            ),
            (ContractorEngagement, json!({"subcontracting": "one_tier"}), 21, false),
            (
                ContractorEngagement,
                json!({"handles_specific_personal_information": true, "subcontracting": "unknown"}),
                21,
                true,
            ),
            (ContractorEngagement, json!({"confidentiality": "c2"}), 25, false),
            (
                ContractorEngagement,
                json!({"confidentiality": "c2", "includes_equipment": true}),
                25,
                true,
            ),
            (ContractorEngagement, json!({"includes_equipment": true}), 25, false),
            (
                CloudService,
                json!({"confidentiality": "c2", "access_mode": "remote"}),
                30,
                false,
            ),
            (
                CloudService,
                json!({"confidentiality": "c2", "access_mode": "hosted"}),
                30,
                true,
            ),
            (CloudService, json!({"jurisdiction": "domestic"}), 31, false),
            (CloudService, json!({"jurisdiction": "unknown"}), 31, true),
            (SocialMediaAccount, json!({"emergency_channel": true}), 45, true),
            (SocialMediaAccount, json!({}), 45, false),
        ] {
            let found = numbers(kind, with(change.clone()), Phase::Active).contains(&number);
            assert_eq!(found, applies, "{kind} {change} {number}");
        }
    }

    #[test]
    fn a_clause_counts_once_its_phase_is_reached() {
        let record = with(json!({"confidentiality": "c2"}));
        for (phase, confirmation, inspection) in [
            (Phase::Selection, false, false),
            (Phase::Contracting, false, false),
            (Phase::Active, true, false),
            (Phase::Closing, true, true),
        ] {
            let found = numbers(Kind::ContractorEngagement, record.clone(), phase);
            assert_eq!(
                (found.contains(&26), found.contains(&27)),
                (confirmation, inspection),
                "{phase}"
            );
            assert!(found.contains(&1));
        }
        assert_eq!(
            numbers(Kind::ContractorEngagement, record, Phase::None),
            Vec::<u32>::new()
        );
    }

    #[test]
    fn what_nobody_knows_calls_for_every_clause_of_the_kind_and_is_noted() {
        let catalogue = Catalogue::embedded().unwrap();
        for (kind, known) in [
            (
                Kind::ContractorEngagement,
                "jurisdiction terms_form network_zones audience_size",
            ),
            (Kind::CloudService, "subcontract network_zones"),
            (
                Kind::SocialMediaAccount,
                "confidentiality integrity engagement_kind jurisdiction",
            ),
        ] {
            let nothing = (Facts::default(), FactDefaults::default());
            let (list, notes) = requirements(
                &catalogue,
                kind,
                &nothing.0,
                &nothing.1,
                Phase::Closing,
                day("2026-11-21"),
            );
            let of_kind = catalogue
                .clauses
                .iter()
                .filter(|clause| clause.applies_to.contains(&kind))
                .count();
            assert_eq!(list.len(), of_kind);
            assert!(notes.iter().all(|note| note.code == "fact_unknown"));
            let named: Vec<_> = notes.iter().filter_map(|note| note.fact.as_deref()).collect();
            assert!(
                known.split(' ').all(|other| !named.contains(&other)),
                "{kind}: {named:?}"
            );
            assert!(
                named.contains(&"availability") && !named.contains(&"procured_on"),
                "{kind}: {named:?}"
            );
        }
    }

    #[test]
    fn a_profiles_default_decides_like_a_recorded_fact() {
        let catalogue = Catalogue::embedded().unwrap();
        let defaults = FactDefaults {
            confidentiality: Some(super::super::facts::Confidentiality::C1),
            ..Default::default()
        };
        let mut record = facts(printing());
        record.clear("confidentiality");
        let (list, notes) = requirements(
            &catalogue,
            Kind::ContractorEngagement,
            &record,
            &defaults,
            Phase::Active,
            day("2026-11-21"),
        );
        assert_eq!(list.len(), 3);
        assert_eq!(notes.len(), 1);
        assert_eq!(
            (notes[0].code.as_str(), notes[0].fact.as_deref()),
            ("fact_defaulted", Some("confidentiality"))
        );
    }

    #[test]
    fn registered_products_become_mandatory_for_what_is_procured_from_july_2027() {
        let catalogue = Catalogue::embedded().unwrap();
        for (procured_on, as_of, level, noted) in [
            (Some("2027-06-30"), "2030-01-01", RequirementLevel::Recommended, false),
            (Some("2027-07-01"), "2030-01-01", RequirementLevel::Mandatory, false),
            (Some("2027-07-01"), "2026-11-21", RequirementLevel::Mandatory, false),
            (None, "2027-06-30", RequirementLevel::Recommended, false),
            (None, "2027-07-01", RequirementLevel::Mandatory, true),
        ] {
            let mut record = facts(with(json!({"includes_equipment": true})));
            record.procured_on = procured_on.map(day);
            let nothing = FactDefaults::default();
            let (list, notes) = requirements(
                &catalogue,
                Kind::ContractorEngagement,
                &record,
                &nothing,
                Phase::Active,
                day(as_of),
            );
            let product = list.iter().find(|requirement| requirement.clause.number == 17).unwrap();
            assert_eq!(product.level, level, "{procured_on:?} {as_of}");
            assert_eq!(
                notes.iter().any(|note| note.fact.as_deref() == Some("procured_on")),
                noted,
                "{procured_on:?} {as_of}"
            );
        }
        let nothing = FactDefaults::default();
        let (_, notes) = requirements(
            &catalogue,
            Kind::ContractorEngagement,
            &facts(printing()),
            &nothing,
            Phase::Active,
            day("2027-07-01"),
        );
        assert_eq!(notes, vec![], "the clause does not apply, so its date does not matter");
    }

    #[test]
    fn every_requirement_says_why() {
        let catalogue = Catalogue::embedded().unwrap();
        let record = facts(with(
            json!({"access_mode": "remote", "handles_specific_personal_information": true, "confidentiality": "c3b"}),
        ));
        let mut record_without = record.clone();
        record_without.clear("subcontracting");
        let nothing = FactDefaults::default();
        let (list, _) = requirements(
            &catalogue,
            Kind::ContractorEngagement,
            &record_without,
            &nothing,
            Phase::Active,
            day("2026-11-21"),
        );
        let why = |number: u32| {
            &list
                .iter()
                .find(|requirement| requirement.clause.number == number)
                .unwrap()
                .reasons
        };
        assert_eq!(
            serde_json::to_value(why(1)).unwrap(),
            json!([{"fact": null, "op": null, "value": null, "actual": null, "message": "すべての業務委託に必要",
                "message_en": "needed for every contractor engagement"}])
        );
        assert_eq!(
            serde_json::to_value(why(22)).unwrap(),
            json!([{"fact": "access_mode", "op": "eq", "value": "remote", "actual": "remote",
                "message": "情報への接し方が「リモート接続」", "message_en": "access_mode is remote"}])
        );
        assert_eq!(
            serde_json::to_value(why(21)).unwrap(),
            json!([
                {"fact": "handles_specific_personal_information", "op": "is_true", "value": null, "actual": true,
                    "message": "「特定個人情報（マイナンバー）を取り扱う」に該当",
                    "message_en": "handles_specific_personal_information is true"},
                {"fact": "subcontracting", "op": "in", "value": ["one_tier", "multi_tier", "unknown"], "actual": null,
                    "message": "再委託が「1段階」「2段階以上」「不明」のいずれか（未登録のため該当として扱う）",
                    "message_en": "subcontracting is one of one_tier, multi_tier, unknown (not recorded: taken as true)"},
            ])
        );
        let seven: Vec<_> = why(7).iter().map(|reason| reason.message_en.as_str()).collect();
        assert_eq!(
            seven,
            [
                "confidentiality is c2 or higher (now c3b)",
                "access_mode is one of onsite, offsite_copy, remote, hosted (now remote)"
            ]
        );
    }
}
