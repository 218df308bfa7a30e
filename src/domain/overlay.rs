//! What an organization's own policy adds to the clause catalogue, and how the two become one.
//!
//! A body may ask for more than the catalogue and never for less: a level is only raised, an interval only shortened, a
//! gate only added; a statutory clause keeps its words and takes an addition. [`check`] names what would be weaker;
//! [`merge`] takes the stricter of both whatever it is given, so that a later catalogue cannot be undercut by an overlay
//! that was checked against an earlier one. Which overlay is in force on a day is the policy version's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::{
    Basis, Catalogue, Clause, ClauseGroup, Gate, KNOWN_TRANSITIONS, OWN_PREFIX, Op, Source, SourceRef, When,
};
use super::facts::FactName;
use super::requirement::Requirement;
use super::vocabulary::{FulfilmentStatus, Kind, Phase, RequirementLevel, Role, Severity, code_words};

/// Numbers of own clauses begin after this one, behind any catalogue's.
const OWN_NUMBERS: u32 = 1000;

/// What an organization changes and adds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// Changes of clauses of the catalogue, at most one for each.
    pub changes: Vec<ClauseChange>,
    /// Clauses of its own.
    pub clauses: Vec<OwnClause>,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// In Japanese.
    #[schema(max_length = 2000)]
    pub ja: String,
    /// In English.
    #[schema(max_length = 2000)]
    pub en: String,
}

/// A transition that waits for a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnGate {
    /// The kind of entry.
    pub kind: Kind,
    /// The transition.
    #[schema(max_length = 60, example = "conclude_contract")]
    pub transition: String,
    /// How far the clause must be fulfilled: `declared`, `agreed` or `verified`.
    pub min_status: FulfilmentStatus,
}

/// A document of the organization that asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnSource {
    /// Title of the document.
    #[schema(max_length = 200)]
    pub title: String,
    /// The section.
    #[schema(max_length = 100)]
    pub section: String,
    /// Where it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 500)]
    pub url: Option<String>,
}

/// A change of a clause of the catalogue. What is absent stays as the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClauseChange {
    /// The clause.
    #[schema(max_length = 100, example = "confidentiality-obligation")]
    pub clause_key: String,
    /// The organization's own words instead of the catalogue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wording: Option<Wording>,
    /// What it says beyond them; the one change that a statutory clause takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub addition: Option<Wording>,
    /// A stricter level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub requirement_level: Option<RequirementLevel>,
    /// A shorter interval, in months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 24)]
    pub reverify_months: Option<u32>,
    /// Further or stricter gates.
    #[serde(default)]
    #[schema(max_items = 40)]
    pub gates: Vec<OwnGate>,
    /// Where the change comes from.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub sources: Vec<OwnSource>,
}

/// The facts that call for an own clause: everything in `all`, and at least one of `any` if there are some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnWhen {
    /// Each must hold.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub all: Vec<OwnCondition>,
    /// One must hold, unless the list is empty.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub any: Vec<OwnCondition>,
}

/// One comparison of one fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnCondition {
    /// The fact.
    pub fact: FactName,
    /// How it is compared.
    pub op: Op,
    /// With what: nothing for `is_true`, one word for `eq` and `gte`, any number for `in`.
    #[serde(default)]
    #[schema(value_type = Vec<FactWord>, max_items = 20)]
    pub values: Vec<String>,
}

/// A value of a fact.
#[derive(Debug, ToSchema)]
#[schema(max_length = 60, example = "c2")]
pub struct FactWord(pub String);

/// A clause of the organization's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnClause {
    /// Its name, which begins with `own-` and never changes its meaning.
    #[schema(
        min_length = 5,
        max_length = 64,
        pattern = "^own-[a-z0-9-]+$",
        example = "own-printing-log"
    )]
    pub key: String,
    /// Title.
    pub title: Wording,
    /// What is required.
    pub requirement: Wording,
    /// Its chapter.
    pub group: ClauseGroup,
    /// The kinds of entry it concerns.
    #[schema(min_items = 1, max_items = 3)]
    pub applies_to: Vec<Kind>,
    /// The facts that call for it; without it every entry of its kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub when: Option<OwnWhen>,
    /// Mandatory or recommended.
    pub requirement_level: RequirementLevel,
    /// What its absence does.
    pub severity: Severity,
    /// Its weight in the coverage.
    #[schema(minimum = 1, maximum = 5)]
    pub weight: u32,
    /// The phase from which it counts.
    pub phase_from: Phase,
    /// The transitions that wait for it.
    #[serde(default)]
    #[schema(max_items = 40)]
    pub gates: Vec<OwnGate>,
    /// The kinds of evidence that show it, by the catalogue's codes.
    #[serde(default)]
    #[schema(value_type = Vec<EvidenceCode>, max_items = 20)]
    pub evidence: Vec<String>,
    /// Months after which it is confirmed again.
    #[schema(minimum = 1, maximum = 24)]
    pub reverify_months: u32,
    /// Who confirms it.
    pub verifier_role: Role,
    /// Where it comes from.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub sources: Vec<OwnSource>,
}

/// The code of a kind of evidence.
#[derive(Debug, ToSchema)]
#[schema(max_length = 60, example = "contract_clause")]
pub struct EvidenceCode(pub String);

/// Something in an overlay that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON Pointer into the overlay.
    pub pointer: String,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong, in Japanese.
    pub ja: &'static str,
    /// What is wrong, in English.
    pub en: &'static str,
}

fn fault(pointer: String, (code, ja, en): (&'static str, &'static str, &'static str)) -> Fault {
    Fault { pointer, code, ja, en }
}

type Text = (&'static str, &'static str, &'static str);
const WEAKER: Text = (
    "weaker_than_catalogue",
    "条項カタログより緩くはできません。同じか、より厳しい内容にしてください。",
    "It must not be weaker than the catalogue; make it equal or stricter.",
);
const STATUTORY: Text = (
    "statutory_clause",
    "法律が求める条項は変えられません。addition に文を加えることだけができます。",
    "A statutory clause stays as it is; only `addition` can be given.",
);
const UNKNOWN: Text = (
    "reference_not_found",
    "条項カタログにありません。",
    "The catalogue has none of this name.",
);
const TWICE: Text = (
    "duplicate_in_request",
    "同じ条項が2回あります。",
    "The same clause is given twice.",
);
const OTHER_KIND: Text = (
    "clause_of_another_kind",
    "この条項はこの種類の台帳を対象にしていません。",
    "The clause does not concern this kind of entry.",
);
const NO_TRANSITION: Text = (
    "unknown_transition",
    "この種類にこの手続はありません。",
    "This kind has no such transition.",
);
const NO_GATE_STATUS: Text = (
    "not_in_enum",
    "declared、agreed、verified のいずれかにしてください。",
    "Use declared, agreed or verified.",
);
const PREFIX: Text = (
    "own_prefix_required",
    "独自の条項のキーは own- で始め、英小文字・数字・ハイフンにしてください。",
    "The key of an own clause begins with own- and has lower-case letters, digits and hyphens.",
);
const NO_CONDITION: Text = (
    "invalid_condition",
    "この事実はこの比べ方や値を取りません。GET /clauses の when を参考にしてください。",
    "This fact cannot be compared in this way; see `when` in GET /clauses.",
);
const NO_PHASE: Text = (
    "not_in_enum",
    "条項が数えられる段階にしてください。",
    "Name a phase in which clauses count.",
);

/// Everything in an overlay that is weaker than the catalogue or does not hold together; empty when it can be used.
pub fn check(base: &Catalogue, overlay: &Overlay) -> Vec<Fault> {
    let mut faults = vec![];
    let mut seen = BTreeSet::new();
    for (n, change) in overlay.changes.iter().enumerate() {
        let at = format!("/changes/{n}");
        match base.clause(&change.clause_key) {
            None => faults.push(fault(format!("{at}/clause_key"), UNKNOWN)),
            Some(_) if !seen.insert(change.clause_key.as_str()) => {
                faults.push(fault(format!("{at}/clause_key"), TWICE));
            }
            Some(clause) => check_change(clause, change, &at, &mut faults),
        }
    }
    for (n, own) in overlay.clauses.iter().enumerate() {
        let at = format!("/clauses/{n}");
        let rest = own.key.strip_prefix(OWN_PREFIX).unwrap_or_default();
        let spelled = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if rest.is_empty() || !rest.chars().all(spelled) {
            faults.push(fault(format!("{at}/key"), PREFIX));
        } else if !seen.insert(own.key.as_str()) {
            faults.push(fault(format!("{at}/key"), TWICE));
        }
        if own.phase_from == Phase::None {
            faults.push(fault(format!("{at}/phase_from"), NO_PHASE));
        }
        if own.when.as_ref().is_some_and(|when| when.known().is_none()) {
            faults.push(fault(format!("{at}/when"), NO_CONDITION));
        }
        for (i, code) in own.evidence.iter().enumerate() {
            if !base.evidence.contains_key(code) {
                faults.push(fault(format!("{at}/evidence/{i}"), UNKNOWN));
            }
        }
        check_gates(&own.applies_to, &own.gates, &at, &mut faults);
    }
    faults
}

fn check_change(clause: &Clause, change: &ClauseChange, at: &str, faults: &mut Vec<Fault>) {
    if clause.is_statutory() {
        for (given, name) in [
            (change.wording.is_some(), "wording"),
            (change.requirement_level.is_some(), "requirement_level"),
            (change.reverify_months.is_some(), "reverify_months"),
            (!change.gates.is_empty(), "gates"),
        ] {
            if given {
                faults.push(fault(format!("{at}/{name}"), STATUTORY));
            }
        }
        return;
    }
    if change
        .requirement_level
        .is_some_and(|level| level < clause.requirement_level)
    {
        faults.push(fault(format!("{at}/requirement_level"), WEAKER));
    }
    if change
        .reverify_months
        // 0 would be never.
        .is_some_and(|months| months == 0 || months > clause.reverify_months)
    {
        faults.push(fault(format!("{at}/reverify_months"), WEAKER));
    }
    check_gates(&clause.applies_to, &change.gates, at, faults);
    for (i, gate) in change.gates.iter().enumerate() {
        let known = clause.gates.get(&gate.kind).into_iter().flatten();
        let weaker = known
            .filter(|known| known.transition == gate.transition)
            .any(|known| gate.min_status < known.min_status);
        if weaker && is_gate_status(gate.min_status) {
            faults.push(fault(format!("{at}/gates/{i}/min_status"), WEAKER));
        }
    }
}

fn check_gates(applies_to: &[Kind], gates: &[OwnGate], at: &str, faults: &mut Vec<Fault>) {
    for (i, gate) in gates.iter().enumerate() {
        let at = format!("{at}/gates/{i}");
        if !applies_to.contains(&gate.kind) {
            faults.push(fault(format!("{at}/kind"), OTHER_KIND));
        } else if !is_transition(gate.kind, &gate.transition) {
            faults.push(fault(format!("{at}/transition"), NO_TRANSITION));
        }
        if !is_gate_status(gate.min_status) {
            faults.push(fault(format!("{at}/min_status"), NO_GATE_STATUS));
        }
    }
}

fn is_transition(kind: Kind, transition: &str) -> bool {
    KNOWN_TRANSITIONS
        .iter()
        .any(|(of, names)| *of == kind && names.contains(&transition))
}

const fn is_gate_status(status: FulfilmentStatus) -> bool {
    matches!(
        status,
        FulfilmentStatus::Declared | FulfilmentStatus::Agreed | FulfilmentStatus::Verified
    )
}

/// The catalogue with an overlay: of each value the stricter one, own clauses behind the others.
pub fn merge(base: &Catalogue, overlay: &Overlay) -> Catalogue {
    let mut merged = base.clone();
    for change in &overlay.changes {
        let cited = cite(&mut merged.sources, &change.sources);
        if let Some(clause) = merged.clauses.iter_mut().find(|clause| clause.key == change.clause_key) {
            apply(clause, change);
            clause.sources.extend(cited);
        }
    }
    for (number, own) in (OWN_NUMBERS + 1..).zip(&overlay.clauses) {
        if own.key.starts_with(OWN_PREFIX) && merged.clause(&own.key).is_none() {
            let cited = cite(&mut merged.sources, &own.sources);
            merged.clauses.push(own.clause(number, cited));
        }
    }
    merged
}

fn apply(clause: &mut Clause, change: &ClauseChange) {
    if !clause.is_statutory() {
        if let Some(wording) = &change.wording {
            clause.requirement_ja.clone_from(&wording.ja);
            clause.requirement_en.clone_from(&wording.en);
        }
        if change.requirement_level == Some(RequirementLevel::Mandatory) {
            clause.requirement_level = RequirementLevel::Mandatory;
            clause.requirement_level_from = None;
        }
        if let Some(months) = change.reverify_months {
            clause.reverify_months = clause.reverify_months.min(months.max(1));
        }
        // Beside the catalogue's own gate, not in its place: one that asks for the agreement keeps asking for it.
        add_gates(&clause.applies_to, &mut clause.gates, &change.gates);
    }
    if let Some(addition) = &change.addition {
        clause.requirement_ja = format!("{}\n{}", clause.requirement_ja, addition.ja);
        clause.requirement_en = format!("{}\n{}", clause.requirement_en, addition.en);
    }
}

fn add_gates(applies_to: &[Kind], gates: &mut BTreeMap<Kind, Vec<Gate>>, more: &[OwnGate]) {
    for own in more.iter().filter(|own| applies_to.contains(&own.kind)) {
        if !is_transition(own.kind, &own.transition) || !is_gate_status(own.min_status) {
            continue;
        }
        let known = gates.entry(own.kind).or_default();
        let covered = known
            .iter()
            .any(|gate| gate.transition == own.transition && gate.min_status >= own.min_status);
        if !covered {
            known.push(Gate {
                transition: own.transition.clone(),
                min_status: own.min_status,
            });
        }
    }
}

/// Adds the documents to the catalogue's; one that is cited twice stands there once.
fn cite(sources: &mut BTreeMap<String, Source>, own: &[OwnSource]) -> Vec<SourceRef> {
    let mut cited = vec![];
    for place in own {
        let same = |source: &Source| source.title_ja == place.title && source.url == place.url;
        let known = sources
            .iter()
            .find(|(key, source)| key.starts_with(OWN_PREFIX) && same(source))
            .map(|(key, _)| key.clone());
        let source = known.unwrap_or_else(|| {
            let count = sources.keys().filter(|key| key.starts_with(OWN_PREFIX)).count();
            let key = format!("{OWN_PREFIX}{}", count + 1);
            let source = Source {
                title_ja: place.title.clone(),
                date: None,
                basis: Basis::Primary,
                url: place.url.clone(),
                note: None,
            };
            sources.insert(key.clone(), source);
            key
        });
        cited.push(SourceRef {
            source,
            section: place.section.clone(),
            basis: Basis::Primary,
        });
    }
    cited
}

impl OwnWhen {
    /// The same as the catalogue has it, if every comparison is one.
    fn known(&self) -> Option<When> {
        let conditions = |own: &[OwnCondition]| own.iter().map(OwnCondition::json).collect::<Vec<_>>();
        let when = serde_json::json!({"all": conditions(&self.all), "any": conditions(&self.any)});
        serde_json::from_value(when).ok()
    }
}

impl OwnCondition {
    fn json(&self) -> serde_json::Value {
        let (fact, op) = (self.fact, self.op);
        match (op, self.values.as_slice()) {
            (Op::Eq | Op::Gte, [only]) => serde_json::json!({"fact": fact, "op": op, "value": only}),
            (_, []) => serde_json::json!({"fact": fact, "op": op}),
            (_, several) => serde_json::json!({"fact": fact, "op": op, "value": several}),
        }
    }
}

impl OwnClause {
    fn clause(&self, number: u32, sources: Vec<SourceRef>) -> Clause {
        let mut gates: BTreeMap<Kind, Vec<Gate>> = self.applies_to.iter().map(|kind| (*kind, vec![])).collect();
        add_gates(&self.applies_to, &mut gates, &self.gates);
        Clause {
            key: self.key.clone(),
            number,
            group: self.group,
            title_ja: self.title.ja.clone(),
            title_en: self.title.en.clone(),
            requirement_ja: self.requirement.ja.clone(),
            requirement_en: self.requirement.en.clone(),
            applies_to: self.applies_to.clone(),
            // A condition that a later catalogue no longer knows asks of every entry, rather than of none.
            when: self.when.as_ref().and_then(OwnWhen::known),
            requirement_level: self.requirement_level,
            requirement_level_from: None,
            severity: self.severity,
            weight: self.weight.clamp(1, 5),
            phase_from: self.phase_from,
            gates,
            evidence: self.evidence.clone(),
            reverify_months: self.reverify_months.clamp(1, 24),
            verifier_role: self.verifier_role,
            mic_contract_item: None,
            sources,
            seed_basis: vec![],
            note_ja: None,
        }
    }
}

code_words! {
    /// What changes for a clause of an entry.
    DifferenceKind {
        Added = "added", "新たに必要";
        Removed = "removed", "不要になる";
        LevelRaised = "level_raised", "必須になる";
        LevelLowered = "level_lowered", "推奨になる";
        IntervalShortened = "interval_shortened", "再確認の間隔が短くなる";
        IntervalLengthened = "interval_lengthened", "再確認の間隔が長くなる";
        GatesChanged = "gates_changed", "手続の条件が変わる";
        WordingChanged = "wording_changed", "文言が変わる";
    }
}

/// What changes for one clause of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClauseDifference {
    /// The clause.
    pub clause_key: String,
    /// What changes; at least one.
    pub differences: Vec<DifferenceKind>,
    /// Its level before; null when it was not required.
    #[schema(required)]
    pub level_before: Option<RequirementLevel>,
    /// Its level afterwards; null when it is no longer required.
    #[schema(required)]
    pub level_after: Option<RequirementLevel>,
}

/// What changes between the requirements under two catalogues, clause by clause.
pub fn differences(before: &[Requirement<'_>], after: &[Requirement<'_>]) -> Vec<ClauseDifference> {
    let find = |list: &[Requirement<'_>], key: &str| list.iter().position(|r| r.clause.key == key);
    let mut found = vec![];
    for new in after {
        let old = find(before, &new.clause.key).and_then(|at| before.get(at));
        let differences = old.map_or_else(|| vec![DifferenceKind::Added], |old| between(old, new));
        if !differences.is_empty() {
            found.push(ClauseDifference {
                clause_key: new.clause.key.clone(),
                differences,
                level_before: old.map(|old| old.level),
                level_after: Some(new.level),
            });
        }
    }
    for old in before.iter().filter(|old| find(after, &old.clause.key).is_none()) {
        found.push(ClauseDifference {
            clause_key: old.clause.key.clone(),
            differences: vec![DifferenceKind::Removed],
            level_before: Some(old.level),
            level_after: None,
        });
    }
    found
}

fn between(old: &Requirement<'_>, new: &Requirement<'_>) -> Vec<DifferenceKind> {
    let (was, is) = (old.clause, new.clause);
    let changed = [
        (old.level < new.level, DifferenceKind::LevelRaised),
        (old.level > new.level, DifferenceKind::LevelLowered),
        (
            is.reverify_months < was.reverify_months,
            DifferenceKind::IntervalShortened,
        ),
        (
            is.reverify_months > was.reverify_months,
            DifferenceKind::IntervalLengthened,
        ),
        (is.gates != was.gates, DifferenceKind::GatesChanged),
        (
            is.requirement_ja != was.requirement_ja || is.title_ja != was.title_ja,
            DifferenceKind::WordingChanged,
        ),
    ];
    changed
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, kind)| kind)
        .collect()
}

#[cfg(test)]
mod tests;
