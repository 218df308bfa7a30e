//! The file of the catalogue: how it is written, and every check between reading and use.
//!
//! What concerns one value alone (a word, a number, a condition against the type of its fact) is refused while it is
//! read, and the reader knows the line; what concerns two places (a source, a key used twice, a gate's kind) is checked
//! afterwards on values that kept theirs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::super::facts::{FactName, FactType, FactValue};
use super::super::vocabulary::{CodeWord, FulfilmentStatus, Kind, Phase, RequirementLevel, Role, Severity};
use super::{
    Basis, Catalogue, CatalogueError, Clause, ClauseGroup, Condition, Gate, KNOWN_TRANSITIONS, LevelFrom, Op, Source,
    SourceRef, When,
};

pub(super) fn read(yaml: &str) -> Result<Catalogue, CatalogueError> {
    let file: File = serde_saphyr::from_str(yaml)?;
    ensure(
        file.schema_version.value == 1,
        &file.schema_version,
        "the only known schema_version is 1",
    )?;
    complete(&file.entity_types, file.entity_types.value.iter(), "entity_types")?;
    complete(&file.statuses, file.statuses.value.keys(), "statuses")?;
    complete(&file.severities, file.severities.value.keys(), "severities")?;
    complete(&file.facts, file.facts.value.keys(), "facts")?;
    for (name, fact) in &file.facts.value {
        let words: Vec<_> = name.words().into_iter().map(|(code, _)| code).collect();
        let same = fact.value.kind == name.fact_type() && fact.value.values == words && fact.value.ja == name.ja();
        ensure(
            same,
            fact,
            &format!("fact {name} is declared otherwise in the program", name = name.code()),
        )?;
    }
    let mut clauses = Vec::new();
    let (mut keys, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for raw in file.clauses {
        ensure(
            keys.insert(raw.key.value.clone()),
            &raw.key,
            &format!("key {} is used twice", raw.key.value),
        )?;
        ensure(
            numbers.insert(raw.number.value),
            &raw.number,
            &format!("number {} is used twice", raw.number.value),
        )?;
        clauses.push(raw.checked(&file.sources, &file.evidence)?);
    }
    clauses.sort_by_key(|clause| clause.number);
    let Head {
        key,
        version,
        effective_from,
        title_ja,
        title_en,
    } = file.catalogue;
    let (sources, credits) = (file.sources, file.statuses.value);
    Ok(Catalogue {
        key,
        version,
        effective_from,
        title_ja,
        title_en,
        sources,
        credits,
        evidence: file.evidence,
        clauses,
        policy_version_id: None,
    })
}

fn ensure<T>(holds: bool, at: &Spanned<T>, message: &str) -> Result<(), CatalogueError> {
    if holds {
        Ok(())
    } else {
        Err(CatalogueError {
            line: Some(at.referenced.line()),
            message: message.to_owned(),
        })
    }
}

fn complete<'w, W: CodeWord, T>(
    at: &Spanned<T>,
    words: impl Iterator<Item = &'w W>,
    section: &str,
) -> Result<(), CatalogueError> {
    let listed: Vec<W> = words.copied().collect();
    let missing = W::ALL.iter().find(|word| !listed.contains(word));
    ensure(
        missing.is_none(),
        at,
        &format!("{section} lacks {}", missing.map_or("", |word| word.code())),
    )
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema_version: Spanned<u32>,
    catalogue: Head,
    sources: BTreeMap<String, Source>,
    entity_types: Spanned<Vec<Kind>>,
    statuses: Spanned<BTreeMap<FulfilmentStatus, Option<u32>>>,
    severities: Spanned<BTreeMap<Severity, String>>,
    facts: Spanned<BTreeMap<FactName, Spanned<RawFact>>>,
    evidence: BTreeMap<String, String>,
    clauses: Vec<RawClause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    key: String,
    version: String,
    effective_from: NaiveDate,
    title_ja: String,
    title_en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFact {
    #[serde(rename = "type")]
    kind: FactType,
    #[serde(default)]
    values: Vec<String>,
    ja: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClause {
    key: Spanned<String>,
    number: Spanned<u32>,
    group: ClauseGroup,
    title_ja: String,
    title_en: String,
    requirement_ja: String,
    requirement_en: String,
    applies_to: Vec<Kind>,
    when: Option<When>,
    requirement_level: RequirementLevel,
    requirement_level_from: Option<LevelFrom>,
    severity: Severity,
    weight: Within<1, 5>,
    phase_from: Option<CountedPhase>,
    gates: BTreeMap<Kind, Spanned<Vec<RawGate>>>,
    evidence: Vec<Spanned<String>>,
    reverify_months: Within<1, 24>,
    verifier_role: Role,
    mic_contract_item: Option<Within<1, 13>>,
    sources: Vec<RawSourceRef>,
    #[serde(default)]
    seed_basis: Vec<Spanned<String>>,
    note_ja: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGate {
    transition: Spanned<String>,
    min_status: FulfilmentStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSourceRef {
    source: Spanned<String>,
    section: String,
    basis: Basis,
}

impl RawClause {
    /// The clause, once what it names elsewhere in the file is there.
    fn checked(
        self,
        sources: &BTreeMap<String, Source>,
        evidence: &BTreeMap<String, String>,
    ) -> Result<Clause, CatalogueError> {
        let mut gates = BTreeMap::new();
        for (kind, list) in self.gates {
            ensure(
                self.applies_to.contains(&kind),
                &list,
                &format!("a gate for {kind}, which the clause does not concern"),
            )?;
            let known = KNOWN_TRANSITIONS
                .iter()
                .filter(|(of, _)| *of == kind)
                .flat_map(|(_, names)| *names);
            let known: BTreeSet<&str> = known.copied().collect();
            let mut checked = Vec::new();
            for RawGate { transition, min_status } in list.value {
                let name = transition.value.as_str();
                ensure(
                    known.contains(name),
                    &transition,
                    &format!("{kind} has no transition {name}"),
                )?;
                checked.push(Gate {
                    transition: transition.value,
                    min_status,
                });
            }
            gates.insert(kind, checked);
        }
        let mut cited = Vec::new();
        for RawSourceRef { source, section, basis } in self.sources {
            ensure(
                sources.contains_key(&source.value),
                &source,
                &format!("unknown source {}", source.value),
            )?;
            cited.push(SourceRef {
                source: source.value,
                section,
                basis,
            });
        }
        let mut named = Vec::new();
        for code in self.evidence {
            let known = evidence.contains_key(&code.value);
            ensure(known, &code, &format!("evidence {} has no name", code.value))?;
            named.push(code.value);
        }
        let mut seed_basis = Vec::new();
        for place in self.seed_basis {
            let name = place.value.split(' ').next().unwrap_or_default();
            ensure(sources.contains_key(name), &place, &format!("unknown source {name}"))?;
            seed_basis.push(place.value);
        }
        Ok(Clause {
            key: self.key.value,
            number: self.number.value,
            group: self.group,
            title_ja: self.title_ja,
            title_en: self.title_en,
            requirement_ja: self.requirement_ja,
            requirement_en: self.requirement_en,
            applies_to: self.applies_to,
            when: self.when,
            requirement_level: self.requirement_level,
            requirement_level_from: self.requirement_level_from,
            severity: self.severity,
            weight: self.weight.0,
            phase_from: self.phase_from.map_or(Phase::Selection, |phase| phase.0),
            gates,
            evidence: named,
            reverify_months: self.reverify_months.0,
            verifier_role: self.verifier_role,
            mic_contract_item: self.mic_contract_item.map(|item| item.0),
            sources: cited,
            seed_basis,
            note_ja: self.note_ja,
        })
    }
}

/// A number that must lie between two others; refused while it is read, so that the error has its line.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct Within<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> TryFrom<u32> for Within<LEAST, MOST> {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (LEAST..=MOST).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("{number} is not between {LEAST} and {MOST}"))
        }
    }
}

/// A phase in which clauses count.
#[derive(Deserialize)]
#[serde(try_from = "Phase")]
struct CountedPhase(Phase);

impl TryFrom<Phase> for CountedPhase {
    type Error = &'static str;

    fn try_from(phase: Phase) -> Result<Self, Self::Error> {
        if phase == Phase::None {
            Err("no clause counts in phase none")
        } else {
            Ok(Self(phase))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWhen {
    #[serde(default)]
    all: Vec<Condition>,
    #[serde(default)]
    any: Vec<Condition>,
}

impl TryFrom<RawWhen> for When {
    type Error = &'static str;

    fn try_from(RawWhen { all, any }: RawWhen) -> Result<Self, Self::Error> {
        if all.is_empty() && any.is_empty() {
            return Err("`when` without a condition: leave it out if the clause always applies");
        }
        Ok(Self { all, any })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCondition {
    fact: FactName,
    op: Op,
    value: Option<FactValue>,
}

impl TryFrom<RawCondition> for Condition {
    type Error = String;

    fn try_from(RawCondition { fact, op, value }: RawCondition) -> Result<Self, Self::Error> {
        let of_type = match op {
            Op::IsTrue => fact.fact_type() == FactType::Boolean,
            Op::Gte => fact.fact_type() == FactType::OrderedEnum,
            Op::Eq => matches!(fact.fact_type(), FactType::Enum | FactType::OrderedEnum),
            Op::In => matches!(fact.fact_type(), FactType::Enum | FactType::OrderedEnum | FactType::Set),
        };
        if !of_type {
            return Err(format!("fact {} cannot be compared with {op}", fact.code()));
        }
        let words: &[String] = match (op, &value) {
            (Op::IsTrue, None) => &[],
            (Op::Eq | Op::Gte, Some(FactValue::Word(word))) => std::slice::from_ref(word),
            (Op::In, Some(FactValue::Words(words))) if !words.is_empty() => words,
            _ => return Err(format!("{op} needs another form of value")),
        };
        let allowed = fact.words();
        if let Some(unknown) = words.iter().find(|word| allowed.iter().all(|(code, _)| code != word)) {
            return Err(format!("fact {} has no value {unknown}", fact.code()));
        }
        Ok(Self { fact, op, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = include_str!("../catalogue.yaml");

    /// Clause ("": the head of the file), what stands there, what a slip makes of it, a word that the error must say.
    const MISTAKES: &[(&str, &str, &str, &str)] = &[
        // conditions
        ("service-level", "{fact: availability", "{fact: avail", "avail"),
        ("service-level", "value: hosted", "value: housed", "housed"),
        (
            "service-level",
            "[information_system_operation, outsourced_service]",
            "[information_system_operation, x]",
            "x",
        ),
        ("service-level", "op: eq", "op: equals", "equals"),
        ("service-level", "op: eq", "op: gte", "gte"),
        ("service-level", "op: in", "op: eq", "eq"),
        ("service-level", "value: hosted", "valu: hosted", "valu"),
        (
            "social-mirror-on-official-site",
            "op: is_true",
            "op: eq, value: true",
            "eq",
        ),
        (
            "cloud-logging",
            "when: {any: [{fact: confidentiality, op: gte, value: c2}]}",
            "when: {any: []}",
            "when",
        ),
        // gates
        (
            "service-level",
            "transition: conclude_contract",
            "transition: conclude",
            "conclude",
        ),
        (
            "service-level",
            "transition: approve_use",
            "transition: conclude_contract",
            "conclude_contract",
        ),
        (
            "service-level",
            "    contractor_engagement:\n      - {transition: conclude",
            "    contractor:\n      - {transition: conclude",
            "contractor",
        ),
        ("service-level", "min_status: agreed", "min_status: agree", "agree"),
        // words
        (
            "service-level",
            "verifier_role: system_manager",
            "verifier_role: system_admin",
            "system_admin",
        ),
        (
            "service-level",
            "applies_to: [contractor_engagement, cloud_service]",
            "applies_to: [contract]",
            "contract",
        ),
        ("service-level", "severity: major", "severity: grave", "grave"),
        ("service-level", "group: contract", "group: contracts", "contracts"),
        (
            "service-level",
            "requirement_level: mandatory",
            "requirement_level: must",
            "must",
        ),
        (
            "performance-verification",
            "phase_from: active",
            "phase_from: alive",
            "alive",
        ),
        (
            "performance-verification",
            "phase_from: active",
            "phase_from: none",
            "none",
        ),
        (
            "government-registered-product",
            "fact: procured_on",
            "fact: audience_size",
            "audience_size",
        ),
        (
            "government-registered-product",
            "2027-07-01",
            "2027-07-32",
            "out of range",
        ),
        // numbers
        ("service-level", "weight: 2", "weight: 6", "6"),
        ("service-level", "reverify_months: 12", "reverify_months: 25", "25"),
        ("service-level", "mic_contract_item: 3", "mic_contract_item: 14", "14"),
        // names used twice, or unknown
        (
            "service-level",
            "- key: service-level",
            "- key: policy-compliance",
            "policy-compliance",
        ),
        ("service-level", "number: 3", "number: 2", "2"),
        ("service-level", "weight: 2", "severity: major", "severity"),
        ("service-level", "weight: 2", "wait: 2", "wait"),
        (
            "service-level",
            "source: mext_handbook_r7",
            "source: mext_handbook",
            "mext_handbook",
        ),
        ("policy-compliance", "seed_motosu 6-8", "seed_motos 6-8", "seed_motos"),
        ("service-level", "basis: primary", "basis: hearsay", "hearsay"),
        // the head of the file
        ("", "schema_version: 1", "schema_version: 2", "schema_version"),
        ("", "  seed_miyako:", "  seed_motosu:", "seed_motosu"),
        ("", "  verified: 100", "  confirmed: 100", "confirmed"),
        ("", "  audience_size: {", "  audience: {", "audience"),
        ("", "values: [i1, i2]", "values: [i1]", "integrity"),
        ("", "type: integer", "type: date", "audience_size"),
    ];

    /// The catalogue with one change inside the clause (or, with "", the head of the file), and the changed line.
    fn changed(clause: &str, from: &str, to: &str) -> (String, u64) {
        let start = if clause.is_empty() {
            0
        } else {
            YAML.find(&format!("- key: {clause}\n")).expect(clause)
        };
        let at = start + YAML[start..].find(from).expect(from);
        let line = YAML[..at].matches('\n').count() + 1;
        (
            format!("{}{to}{}", &YAML[..at], &YAML[at + from.len()..]),
            u64::try_from(line).unwrap(),
        )
    }

    #[test]
    fn every_mistake_is_refused_with_its_line() {
        for (clause, from, to, word) in MISTAKES {
            let (yaml, line) = changed(clause, from, to);
            let error = Catalogue::load(&yaml).expect_err(to);
            assert_eq!(error.line, Some(line), "{to}: {error}");
            assert!(error.to_string().contains(word), "{to}: {error}");
            assert!(error.to_string().contains(&format!("line {line}")), "{to}: {error}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (from, to, word) in [
            (
                "  operation_delegated: {type: boolean, ja: 運用を外部に委託}\n",
                "",
                "operation_delegated",
            ),
            ("  missing: 0\n", "", "missing"),
            (
                ", social_media_account]\nstatuses",
                "]\nstatuses",
                "social_media_account",
            ),
            ("  weight: 3\n", "", "weight"),
        ] {
            let error = Catalogue::load(&changed("", from, to).0).expect_err(word);
            assert!(error.line.is_some() && error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn a_gate_for_a_kind_that_the_clause_does_not_concern_is_refused() {
        let (yaml, line) = changed(
            "service-level",
            "applies_to: [contractor_engagement, cloud_service]",
            "applies_to: [cloud_service]",
        );
        let error = Catalogue::load(&yaml).unwrap_err();
        assert!(
            error.line.unwrap() > line && error.message.contains("contractor_engagement"),
            "{error}"
        );
    }

    #[test]
    fn the_order_of_the_file_does_not_matter() {
        let at = YAML.find("- key: service-level").unwrap();
        let end = YAML.find("- key: information-scope-and-access").unwrap();
        let moved = format!("{}{}{}", &YAML[..at], &YAML[end..], &YAML[at..end]);
        let numbers: Vec<u32> = Catalogue::load(&moved)
            .unwrap()
            .clauses
            .iter()
            .map(|clause| clause.number)
            .collect();
        assert_eq!(numbers, (1..=45).collect::<Vec<_>>());
    }
}
