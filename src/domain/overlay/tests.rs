//! What is refused, what a merge does, and the law that it never weakens.

use std::sync::LazyLock;

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::super::facts::{FactDefaults, Facts};
use super::super::requirement::requirements;
use super::super::risk::{ClauseInput, RiskInput, RiskPolicy, assess};
use super::super::vocabulary::CodeWord;
use super::*;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
static POLICY: LazyLock<RiskPolicy> = LazyLock::new(|| RiskPolicy::embedded().unwrap());

const STATUTORY_KEY: &str = "my-number-subcontract-permission";

fn today() -> NaiveDate {
    "2027-04-01".parse().unwrap()
}

fn change(mut value: Value) -> Overlay {
    if value.get("clause_key").is_none() {
        value["clause_key"] = json!("remote-access-control");
    }
    serde_json::from_value(json!({"changes": [value], "clauses": []})).unwrap()
}

fn own(more: &Value) -> Value {
    let mut clause = json!({"key": "own-printing-log", "title": {"ja": "印刷の記録", "en": "Printing log"},
        "requirement": {"ja": "印刷の記録を残す。", "en": "Keep a log."}, "group": "operation",
        "applies_to": ["contractor_engagement"], "requirement_level": "mandatory", "severity": "major", "weight": 3,
        "phase_from": "active", "reverify_months": 6, "verifier_role": "owner"});
    clause
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    clause
}

fn with_own(more: &Value) -> Overlay {
    serde_json::from_value(json!({"changes": [], "clauses": [own(more)]})).unwrap()
}

#[test]
fn what_is_weaker_or_makes_no_sense_is_refused_where_it_stands() {
    let gate = |kind: &str, transition: &str, status: &str| json!({"gates": [{"kind": kind, "transition": transition, "min_status": status}]});
    let engagement = "contractor_engagement";
    let cases = [
        (change(json!({"reverify_months": 6})), None),
        (change(json!({"reverify_months": 3})), None),
        (
            change(json!({"reverify_months": 7})),
            Some(("/changes/0/reverify_months", "weaker_than_catalogue")),
        ),
        (change(json!({"requirement_level": "mandatory"})), None),
        (
            change(json!({"requirement_level": "recommended"})),
            Some(("/changes/0/requirement_level", "weaker_than_catalogue")),
        ),
        (
            change(json!({"clause_key": "government-registered-product", "requirement_level": "recommended"})),
            None,
        ),
        (
            change(json!({"clause_key": "no-such-clause"})),
            Some(("/changes/0/clause_key", "reference_not_found")),
        ),
        (change(gate(engagement, "start_performance", "verified")), None),
        (
            change(gate(engagement, "start_performance", "declared")),
            Some(("/changes/0/gates/0/min_status", "weaker_than_catalogue")),
        ),
        (
            change(gate(engagement, "start_performance", "missing")),
            Some(("/changes/0/gates/0/min_status", "not_in_enum")),
        ),
        (
            change(gate(engagement, "start_use", "agreed")),
            Some(("/changes/0/gates/0/transition", "unknown_transition")),
        ),
        (
            change(gate("cloud_service", "start_use", "agreed")),
            Some(("/changes/0/gates/0/kind", "clause_of_another_kind")),
        ),
        (
            change(json!({"clause_key": STATUTORY_KEY, "reverify_months": 6})),
            Some(("/changes/0/reverify_months", "statutory_clause")),
        ),
        (
            change(json!({"clause_key": STATUTORY_KEY, "wording": {"ja": "許諾は不要", "en": "None"}})),
            Some(("/changes/0/wording", "statutory_clause")),
        ),
        (
            change(json!({"clause_key": STATUTORY_KEY, "addition": {"ja": "様式第1号による。", "en": "By form 1."}})),
            None,
        ),
        (with_own(&json!({})), None),
        (
            with_own(&json!({"key": "policy-compliance"})),
            Some(("/clauses/0/key", "own_prefix_required")),
        ),
        (
            with_own(&json!({"key": "own-"})),
            Some(("/clauses/0/key", "own_prefix_required")),
        ),
        (
            with_own(&json!({"evidence": ["no_such"]})),
            Some(("/clauses/0/evidence/0", "reference_not_found")),
        ),
        (
            with_own(&json!({"phase_from": "none"})),
            Some(("/clauses/0/phase_from", "not_in_enum")),
        ),
        (
            with_own(&json!({"when": {"all": [{"fact": "confidentiality", "op": "gte", "values": ["c2"]}]}})),
            None,
        ),
        (
            with_own(&json!({"when": {"any": [{"fact": "emergency_channel", "op": "is_true"}]}})),
            None,
        ),
        (
            with_own(&json!({"when": {"all": [{"fact": "confidentiality", "op": "gte", "values": ["c9"]}]}})),
            Some(("/clauses/0/when", "invalid_condition")),
        ),
        (
            with_own(&json!({"when": {"all": []}})),
            Some(("/clauses/0/when", "invalid_condition")),
        ),
        (
            with_own(&gate("cloud_service", "start_use", "agreed")),
            Some(("/clauses/0/gates/0/kind", "clause_of_another_kind")),
        ),
    ];
    for (overlay, expected) in cases {
        let faults = check(&CATALOGUE, &overlay);
        let found: Vec<_> = faults
            .iter()
            .map(|fault| (fault.pointer.as_str(), fault.code))
            .collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{overlay:?}");
    }
    let mut twice = change(json!({}));
    twice.changes.push(twice.changes[0].clone());
    twice.clauses = [with_own(&json!({})).clauses, with_own(&json!({})).clauses].concat();
    let found: Vec<_> = check(&CATALOGUE, &twice)
        .into_iter()
        .map(|fault| fault.pointer)
        .collect();
    assert_eq!(found, ["/changes/1/clause_key", "/clauses/1/key"]);
}

#[test]
fn a_merge_does_what_the_overlay_says() {
    let mut overlay = change(
        json!({"reverify_months": 3, "wording": {"ja": "接続は許可制とする。", "en": "By permission."},
        "addition": {"ja": "記録は3年残す。", "en": "Logs stay three years."},
        "sources": [{"title": "本巣市 個別基準", "section": "3"}]}),
    );
    overlay.changes.extend(
        change(
            json!({"clause_key": "government-registered-product", "requirement_level": "mandatory",
            "sources": [{"title": "本巣市 個別基準", "section": "5"}]}),
        )
        .changes,
    );
    overlay.clauses =
        with_own(&json!({"when": {"all": [{"fact": "access_mode", "op": "in", "values": ["onsite", "remote"]}]}}))
            .clauses;
    let merged = merge(&CATALOGUE, &overlay);
    let remote = merged.clause("remote-access-control").unwrap();
    assert_eq!(
        (remote.reverify_months, remote.requirement_ja.as_str()),
        (3, "接続は許可制とする。\n記録は3年残す。")
    );
    assert_eq!(remote.requirement_en, "By permission.\nLogs stay three years.");
    let product = merged.clause("government-registered-product").unwrap();
    assert_eq!(
        (product.requirement_level, &product.requirement_level_from),
        (RequirementLevel::Mandatory, &None)
    );
    // One document, cited twice.
    assert_eq!(
        remote.sources.last().unwrap().source,
        product.sources.last().unwrap().source
    );
    assert_eq!(merged.sources["own-1"].title_ja, "本巣市 個別基準");
    let own = merged.clause("own-printing-log").unwrap();
    assert_eq!((own.number, own.is_own(), remote.is_own()), (1001, true, false));
    let ask = |mode: &str| {
        let facts: Facts = serde_json::from_value(json!({"access_mode": mode})).unwrap();
        let (list, _) = requirements(
            &merged,
            Kind::ContractorEngagement,
            &facts,
            &FactDefaults::default(),
            Phase::Active,
            today(),
        );
        list.iter()
            .any(|requirement| requirement.clause.key == "own-printing-log")
    };
    assert!(ask("onsite") && !ask("hosted"));
}

#[test]
fn differences_name_what_changes_for_an_entry() {
    let mut overlay = change(json!({"reverify_months": 3}));
    overlay.clauses = with_own(&json!({})).clauses;
    let merged = merge(&CATALOGUE, &overlay);
    let of = |catalogue: &Catalogue, other: &Catalogue| {
        let ask = |catalogue| {
            requirements(
                catalogue,
                Kind::ContractorEngagement,
                &Facts::default(),
                &FactDefaults::default(),
                Phase::Active,
                today(),
            )
            .0
        };
        differences(&ask(catalogue), &ask(other))
            .into_iter()
            .map(|difference| (difference.clause_key, difference.differences))
            .collect::<Vec<_>>()
    };
    let (remote, printing) = ("remote-access-control".to_owned(), "own-printing-log".to_owned());
    assert_eq!(
        of(&CATALOGUE, &merged),
        [
            (remote.clone(), vec![DifferenceKind::IntervalShortened]),
            (printing.clone(), vec![DifferenceKind::Added])
        ]
    );
    assert_eq!(
        of(&merged, &CATALOGUE),
        [
            (remote, vec![DifferenceKind::IntervalLengthened]),
            (printing, vec![DifferenceKind::Removed])
        ]
    );
    assert_eq!(of(&merged, &merged), []);
}

prop_compose! {
    fn any_gate()(
        (kind, transition) in select(KNOWN_TRANSITIONS.iter().flat_map(|(kind, names)| names.iter().map(|name| (*kind, *name))).collect::<Vec<_>>()),
        min_status in select(FulfilmentStatus::ALL),
    ) -> OwnGate {
        OwnGate { kind, transition: transition.to_owned(), min_status }
    }
}

prop_compose! {
    fn any_change()(
        clause_key in select(CATALOGUE.clauses.iter().map(|clause| clause.key.clone()).collect::<Vec<_>>()),
        words in any::<(bool, bool)>(),
        requirement_level in proptest::option::of(select(RequirementLevel::ALL)),
        reverify_months in proptest::option::of(0_u32..40),
        gates in proptest::collection::vec(any_gate(), 0..4),
    ) -> ClauseChange {
        let text = || Wording { ja: "文".to_owned(), en: "text".to_owned() };
        ClauseChange {
            clause_key, wording: words.0.then(text), addition: words.1.then(text), requirement_level, reverify_months,
            gates, sources: vec![],
        }
    }
}

prop_compose! {
    fn any_own()(
        name in "(own-)?[a-z]{1,3}",
        kind in select(Kind::ALL),
        requirement_level in select(RequirementLevel::ALL),
        severity in select(Severity::ALL),
        weight in 0_u32..9,
        gates in proptest::collection::vec(any_gate(), 0..2),
    ) -> OwnClause {
        let base: OwnClause = serde_json::from_value(own(&json!({}))).unwrap();
        OwnClause { key: name, applies_to: vec![kind], requirement_level, severity, weight, gates, phase_from: Phase::Selection, ..base }
    }
}

prop_compose! {
    fn any_overlay()(
        changes in proptest::collection::vec(any_change(), 0..8),
        clauses in proptest::collection::vec(any_own(), 0..4),
    ) -> Overlay {
        Overlay { changes, clauses }
    }
}

proptest! {
    /// Whatever an overlay says, also one that [`check`] refuses, no clause of the catalogue asks for less.
    #[test]
    fn a_merge_never_weakens_a_clause(overlay in any_overlay()) {
        let merged = merge(&CATALOGUE, &overlay);
        prop_assert!(merged.clauses.len() >= CATALOGUE.clauses.len());
        for base in &CATALOGUE.clauses {
            let clause = merged.clause(&base.key).unwrap();
            prop_assert!(clause.requirement_level >= base.requirement_level);
            let later = |clause: &Clause| clause.requirement_level_from.as_ref().map_or(clause.requirement_level, |from| from.level);
            prop_assert!(later(clause) >= later(base));
            prop_assert!((1..=base.reverify_months).contains(&clause.reverify_months));
            for (kind, gates) in &base.gates {
                prop_assert!(gates.iter().all(|gate| clause.gates[kind].contains(gate)));
                prop_assert!(clause.has_agreed_gate(*kind) || !base.has_agreed_gate(*kind));
            }
            prop_assert_eq!((&clause.when, clause.weight, clause.severity, clause.phase_from), (&base.when, base.weight, base.severity, base.phase_from));
            prop_assert_eq!(&clause.applies_to, &base.applies_to);
            if base.is_statutory() {
                prop_assert!(clause.requirement_ja.starts_with(&base.requirement_ja));
                prop_assert_eq!((clause.reverify_months, &clause.gates), (base.reverify_months, &base.gates));
            }
        }
        // Nothing that is refused takes part, and everything that passes does.
        if check(&CATALOGUE, &overlay).is_empty() {
            for change in &overlay.changes {
                let clause = merged.clause(&change.clause_key).unwrap();
                prop_assert!(change.reverify_months.is_none_or(|months| clause.reverify_months == months));
                prop_assert!(change.requirement_level.is_none_or(|level| clause.requirement_level == level));
            }
            prop_assert_eq!(merged.clauses.len(), CATALOGUE.clauses.len() + overlay.clauses.len());
        }
    }

    /// Own clauses that are met do not make up for those of the catalogue that are not.
    #[test]
    fn a_merge_never_lessens_the_risk(
        overlay in any_overlay(),
        kind in select(Kind::ALL),
        default_status in select(FulfilmentStatus::ALL),
        own_status in select(FulfilmentStatus::ALL),
    ) {
        let merged = merge(&CATALOGUE, &overlay);
        let fulfilments = merged.clauses.iter().filter(|clause| clause.is_own()).map(|clause| ClauseInput {
            clause_key: clause.key.clone(), status: own_status, days_overdue: 0,
        }).collect();
        let mut input = RiskInput {
            kind, phase: Phase::Closing, facts: Facts::default(), fact_defaults: FactDefaults::default(),
            fulfilments, default_status, owner_missing: false, open_major_incident: false, as_of: today(),
        };
        if default_status == FulfilmentStatus::NotApplicable {
            input.default_status = FulfilmentStatus::Verified;
        }
        let under = assess(&POLICY, &merged, &input);
        input.fulfilments = vec![];
        let bare = assess(&POLICY, &CATALOGUE, &input);
        prop_assert!(under.residual_score_x100 >= bare.residual_score_x100);
        prop_assert!(under.residual_level >= bare.residual_level);
    }
}
