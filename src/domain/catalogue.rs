//! The clause catalogue: `catalogue.yaml`, loaded and checked as a whole before anything uses it.
//!
//! Whatever the file says wrongly (an unknown fact, value, operator, transition, source, role or status, a key or number
//! used twice) is one error that names the line, so that an editor of the catalogue is led to the place. Which clauses
//! an entry needs is in [`super::requirement`]; what they weigh together is in [`super::risk`]. What the transitions do
//! is in the lifecycle module; the table of their names here only catches misspelt gates.

mod file;

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::facts::{FactName, FactValue};
use super::vocabulary::{FulfilmentStatus, Kind, Phase, RequirementLevel, Role, Severity, code_words};

/// The transitions a gate may name, for each kind.
pub const KNOWN_TRANSITIONS: &[(Kind, &[&str])] = &[
    (
        Kind::ContractorEngagement,
        &[
            "submit_for_selection",
            "select",
            "reject",
            "conclude_contract",
            "start_performance",
            "record_verification",
            "suspend",
            "resume",
            "renew",
            "amend",
            "begin_closing",
            "complete_closing",
            "cancel",
        ],
    ),
    (
        Kind::CloudService,
        &[
            "apply",
            "start_review",
            "return_for_correction",
            "resubmit",
            "approve_use",
            "reject",
            "withdraw",
            "start_onboarding",
            "start_use",
            "suspend",
            "resume",
            "renew_approval",
            "begin_offboarding",
            "complete_offboarding",
        ],
    ),
    (
        Kind::SocialMediaAccount,
        &[
            "apply",
            "reject",
            "approve_opening",
            "provision",
            "start_operation",
            "mark_dormant",
            "reactivate",
            "report_compromise",
            "recover",
            "suspend",
            "resume",
            "begin_closing",
            "complete_closing",
        ],
    ),
];

/// How the key of a clause begins that an organization has made its own; no clause of the catalogue does.
pub const OWN_PREFIX: &str = "own-";

/// The one clause that the law itself demands record by record (番号法第10条): nobody can grant an exception from it.
const STATUTORY_CLAUSE: &str = "my-number-subcontract-permission";

code_words! {
    /// The chapters of the catalogue.
    ClauseGroup {
        Contract = "contract", "契約項目";
        Selection = "selection", "選定・サプライチェーン";
        Privacy = "privacy", "個人情報・マイナンバー";
        Operation = "operation", "情報システム・履行確認";
        Cloud = "cloud", "クラウドサービス";
        Social = "social", "ソーシャルメディア";
    }
}

code_words! {
    /// How well a source is known.
    Basis {
        /// The text itself was read.
        Primary = "primary", "原文";
        /// Read through somebody who reproduces or summarises it.
        Secondary = "secondary", "二次資料";
        /// To be confirmed against the original before the section number is relied on.
        Memory = "memory", "要確認";
    }
}

code_words! {
    /// How a condition compares a fact.
    Op {
        Eq = "eq", "等しい";
        In = "in", "いずれか";
        Gte = "gte", "以上";
        IsTrue = "is_true", "該当";
    }
}

/// What is wrong with the catalogue, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueError {
    /// The line of the file, counted from 1; none when the file as a whole is unreadable.
    pub line: Option<u64>,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "clause catalogue, line {line}: {}", self.message),
            None => write!(f, "clause catalogue: {}", self.message),
        }
    }
}

impl std::error::Error for CatalogueError {}

impl From<serde_saphyr::Error> for CatalogueError {
    fn from(error: serde_saphyr::Error) -> Self {
        Self {
            line: error.location().map(|at| at.line()),
            message: error.without_snippet().to_string(),
        }
    }
}

/// The catalogue in force.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Its name.
    pub key: String,
    /// Its version, stored with every result.
    pub version: String,
    /// The first day it holds.
    pub effective_from: NaiveDate,
    /// Title in Japanese.
    pub title_ja: String,
    /// Title in English.
    pub title_en: String,
    /// The documents that clauses cite, by short name.
    pub sources: BTreeMap<String, Source>,
    /// The credit in percent that the file shows its readers for each status; the risk policy is what counts.
    pub credits: BTreeMap<FulfilmentStatus, Option<u32>>,
    /// The kinds of evidence, with their names in Japanese.
    pub evidence: BTreeMap<String, String>,
    /// The clauses, by number.
    pub clauses: Vec<Clause>,
    /// The policy version of an organization whose overlay is merged in; none in the catalogue itself.
    pub policy_version_id: Option<String>,
}

/// A document that clauses cite.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Title in Japanese.
    pub title_ja: String,
    /// Year, month or day of the document.
    pub date: Option<String>,
    /// How well it is known.
    pub basis: Basis,
    /// Where it is published.
    pub url: Option<String>,
    /// What to know about the reading.
    pub note: Option<String>,
}

/// A required clause (必要条項).
#[derive(Debug, Clone)]
pub struct Clause {
    /// Its stable name.
    pub key: String,
    /// Its number, for people.
    pub number: u32,
    /// Its chapter.
    pub group: ClauseGroup,
    /// Title in Japanese.
    pub title_ja: String,
    /// Title in English.
    pub title_en: String,
    /// What is required, in Japanese.
    pub requirement_ja: String,
    /// What is required, in English.
    pub requirement_en: String,
    /// The kinds of entry it concerns.
    pub applies_to: Vec<Kind>,
    /// The facts that call for it; none: always.
    pub when: Option<When>,
    /// Mandatory or recommended.
    pub requirement_level: RequirementLevel,
    /// A later, stricter level.
    pub requirement_level_from: Option<LevelFrom>,
    /// What its absence does.
    pub severity: Severity,
    /// Its weight in the coverage, 1 to 5.
    pub weight: u32,
    /// The phase from which it counts.
    pub phase_from: Phase,
    /// The transitions it guards, for each kind.
    pub gates: BTreeMap<Kind, Vec<Gate>>,
    /// The kinds of evidence that show it.
    pub evidence: Vec<String>,
    /// Months after which it is confirmed again.
    pub reverify_months: u32,
    /// Who confirms it.
    pub verifier_role: Role,
    /// The number among the thirteen contract items of the ministry's guideline.
    pub mic_contract_item: Option<u32>,
    /// Where it comes from.
    pub sources: Vec<SourceRef>,
    /// The paragraphs of the bodies' own policies that ask for it.
    pub seed_basis: Vec<String>,
    /// What to know about it, in Japanese.
    pub note_ja: Option<String>,
}

impl Clause {
    /// Whether a contract must contain it before some transition of this kind.
    pub fn has_agreed_gate(&self, kind: Kind) -> bool {
        self.gates
            .get(&kind)
            .is_some_and(|gates| gates.iter().any(|gate| gate.min_status == FulfilmentStatus::Agreed))
    }

    /// Whether the law itself demands it, so that no exception is possible.
    pub fn is_statutory(&self) -> bool {
        self.key == STATUTORY_CLAUSE
    }

    /// Whether an organization has added it.
    pub fn is_own(&self) -> bool {
        self.key.starts_with(OWN_PREFIX)
    }
}

/// The facts that call for a clause: everything in `all`, and at least one of `any` if there are some.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, try_from = "file::RawWhen")]
pub struct When {
    /// Each must hold.
    pub all: Vec<Condition>,
    /// One must hold, unless the list is empty.
    pub any: Vec<Condition>,
}

impl When {
    /// Every condition, in the order of the file.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.all.iter().chain(&self.any)
    }
}

/// One comparison of one fact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(try_from = "file::RawCondition")]
pub struct Condition {
    /// The fact.
    pub fact: FactName,
    /// How it is compared.
    pub op: Op,
    /// With what; nothing for `is_true`.
    #[schema(required)]
    pub value: Option<FactValue>,
}

/// A level that replaces the first one for what is procured from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelFrom {
    /// The first day.
    pub date: NaiveDate,
    /// The level from then on.
    pub level: RequirementLevel,
    /// The date that is compared.
    pub fact: LevelFact,
}

/// The one fact that a later level can depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelFact {
    /// The day of introduction.
    ProcuredOn,
}

/// A transition that waits for a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The transition.
    #[schema(max_length = 60)]
    pub transition: String,
    /// How far the clause must be fulfilled.
    pub min_status: FulfilmentStatus,
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceRef {
    /// The short name of the source.
    pub source: String,
    /// The section.
    pub section: String,
    /// How well this place is known.
    pub basis: Basis,
}

impl Catalogue {
    /// The catalogue of this build.
    pub fn embedded() -> Result<Self, CatalogueError> {
        Self::load(include_str!("catalogue.yaml"))
    }

    /// Reads a catalogue and checks all of it.
    pub fn load(yaml: &str) -> Result<Self, CatalogueError> {
        file::read(yaml)
    }

    /// The clause with this key.
    pub fn clause(&self, key: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.key == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_catalogue_of_this_build_is_sound() {
        let catalogue = Catalogue::embedded().unwrap();
        assert_eq!(
            (catalogue.key.as_str(), catalogue.version.as_str()),
            ("lg-vendor-clauses", "2026.1")
        );
        assert_eq!(catalogue.clauses.len(), 45);
        assert!(catalogue.clauses.iter().map(|clause| clause.number).eq(1..=45));
        let items: Vec<u32> = catalogue
            .clauses
            .iter()
            .filter_map(|clause| clause.mic_contract_item)
            .collect();
        assert_eq!(items, (1..=13).collect::<Vec<_>>());
        let evidence: BTreeSet<_> = catalogue.clauses.iter().flat_map(|clause| &clause.evidence).collect();
        assert!(
            evidence.iter().copied().eq(catalogue.evidence.keys()),
            "each kind of evidence is named, and used"
        );
        assert_eq!(evidence.len(), 77);
        for clause in &catalogue.clauses {
            assert!(
                !clause.sources.is_empty() && !clause.evidence.is_empty(),
                "{}",
                clause.key
            );
            assert!(
                clause.applies_to.iter().all(|kind| clause.gates.contains_key(kind)),
                "{}",
                clause.key
            );
        }
    }

    #[test]
    fn clauses_are_found_by_key_and_know_their_gates() {
        let catalogue = Catalogue::embedded().unwrap();
        assert!(catalogue.clause("no-such-clause").is_none());
        let agreed = catalogue.clause("return-and-disposal").unwrap();
        assert!(agreed.has_agreed_gate(Kind::ContractorEngagement) && !agreed.has_agreed_gate(Kind::CloudService));
        assert!(
            !catalogue
                .clause("cloud-access-control")
                .unwrap()
                .has_agreed_gate(Kind::CloudService)
        );
        let statutory: Vec<u32> = catalogue
            .clauses
            .iter()
            .filter(|clause| clause.is_statutory())
            .map(|clause| clause.number)
            .collect();
        assert_eq!(statutory, [21]);
        assert_eq!(
            catalogue.clause("performance-verification").unwrap().phase_from,
            Phase::Active
        );
        let later = catalogue
            .clause("government-registered-product")
            .unwrap()
            .requirement_level_from
            .clone()
            .unwrap();
        assert_eq!(
            (later.date.to_string().as_str(), later.level),
            ("2027-07-01", RequirementLevel::Mandatory)
        );
    }
}
