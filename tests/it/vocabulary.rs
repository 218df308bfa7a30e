//! One spelling for every code word: the vocabulary against the catalogue, the lifecycles, the vectors, the database's
//! code tables and the published document.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;
use kakunin::domain::assurance::ValidityRule;
use kakunin::domain::audit::{AuditKind, FindingState, InspectionAnswer};
use kakunin::domain::calendar::Calendar;
use kakunin::domain::catalogue::{Basis, ClauseGroup, KNOWN_TRANSITIONS, Op};
use kakunin::domain::corrective_action::{CorrectiveActionOrigin, CorrectiveActionState};
use kakunin::domain::exception::ExceptionState;
use kakunin::domain::facts::FactName;
use kakunin::domain::file_type::FileType;
use kakunin::domain::hand_over::{HandOverCause, HandOverState};
use kakunin::domain::incident::{IncidentKind, IncidentState, ReportKind};
use kakunin::domain::lifecycle;
use kakunin::domain::link::LinkPurpose;
use kakunin::domain::measure::MeasureKind;
use kakunin::domain::overlay::DifferenceKind;
use kakunin::domain::policy_document::{ReviewDecision, ReviewReasonKind};
use kakunin::domain::profile::{DocumentKind, DutyKey, Visibility};
use kakunin::domain::reminder;
use kakunin::domain::risk::FloorRule;
use kakunin::domain::vocabulary::{
    CodeWord, FulfilmentStatus, Kind, Level, ObligationKind, Phase, RequirementLevel, Role, Severity, Status, Zone,
};
use kakunin::messages::MessageKind;
use serde_json::Value;

use crate::harness;

/// The words of a set, in any order.
fn words<W: CodeWord>() -> BTreeSet<String> {
    W::ALL.iter().map(|word| word.code().to_owned()).collect()
}

fn texts<'v>(values: impl IntoIterator<Item = &'v Value>) -> BTreeSet<String> {
    values
        .into_iter()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

/// Every string at a field of this name, at any depth.
fn everywhere<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if key == name && value.is_string() {
                    found.push(value);
                }
                everywhere(value, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| everywhere(item, name, found)),
        _ => {}
    }
}

fn used(value: &Value, name: &str) -> BTreeSet<String> {
    let mut found = vec![];
    everywhere(value, name, &mut found);
    assert!(!found.is_empty(), "{name} is nowhere");
    texts(found)
}

#[track_caller]
fn known<W: CodeWord>(used: BTreeSet<String>) {
    let unknown: Vec<String> = used.into_iter().filter(|word| W::parse(word).is_none()).collect();
    assert!(unknown.is_empty(), "not in the vocabulary: {unknown:?}");
}

#[test]
fn the_catalogue_spells_as_the_vocabulary_does() {
    let catalogue: Value = serde_saphyr::from_str(include_str!("../../src/domain/catalogue.yaml")).unwrap();
    let names =
        |section: &str| -> BTreeSet<String> { catalogue[section].as_object().unwrap().keys().cloned().collect() };
    assert_eq!(texts(catalogue["entity_types"].as_array().unwrap()), words::<Kind>());
    assert_eq!(names("statuses"), words::<FulfilmentStatus>());
    assert_eq!(names("severities"), words::<Severity>());
    assert_eq!(names("facts"), words::<FactName>());
    let clauses = &catalogue["clauses"];
    assert_eq!(used(clauses, "group"), words::<ClauseGroup>());
    known::<Role>(used(clauses, "verifier_role"));
    known::<Severity>(used(clauses, "severity"));
    known::<RequirementLevel>(used(clauses, "requirement_level"));
    known::<FulfilmentStatus>(used(clauses, "min_status"));
    known::<FactName>(used(clauses, "fact"));
    known::<Op>(used(clauses, "op"));
    known::<Basis>(used(&catalogue, "basis"));
    let zones = catalogue["facts"]["network_zones"]["values"].as_array().unwrap();
    assert_eq!(texts(zones), words::<Zone>());
}

#[test]
fn a_gate_can_name_exactly_the_transitions_that_exist() {
    assert_eq!(KNOWN_TRANSITIONS.len(), Kind::ALL.len());
    for (kind, named) in KNOWN_TRANSITIONS {
        let exist: BTreeSet<&str> = lifecycle::transition_keys(*kind).into_iter().collect();
        assert_eq!(named.iter().copied().collect::<BTreeSet<_>>(), exist, "{kind}");
        assert_eq!(named.len(), exist.len(), "{kind}");
    }
    let lived: BTreeSet<Status> = Kind::ALL
        .iter()
        .flat_map(|kind| lifecycle::statuses(*kind).iter().copied())
        .collect();
    assert_eq!(lived, Status::ALL.iter().copied().collect());
    for kind in Kind::ALL {
        for transition in lifecycle::transitions(*kind) {
            for from in transition.from {
                assert!(lifecycle::statuses(*kind).contains(from), "{kind} {}", transition.key);
                assert!(
                    lifecycle::statuses(*kind).contains(&transition.leads_to(*from)),
                    "{kind} {}",
                    transition.key
                );
            }
        }
    }
}

#[test]
fn the_vectors_spell_as_the_vocabulary_does() {
    let risk: Value = serde_json::from_str(include_str!("../vectors/risk.json")).unwrap();
    known::<Kind>(used(&risk, "entity_type"));
    known::<Phase>(used(&risk, "phase"));
    known::<FulfilmentStatus>(used(&risk, "default_status"));
    known::<FulfilmentStatus>(used(&risk, "status"));
    known::<Severity>(used(&risk, "severity"));
    known::<Level>(used(&risk, "level"));
    known::<Level>(used(&risk, "residual_level"));
    known::<FloorRule>(used(&risk, "rule"));
    for vector in risk.as_array().unwrap() {
        known::<FactName>(vector["input"]["facts"].as_object().unwrap().keys().cloned().collect());
        for given in vector["input"]["statuses"].as_object().unwrap().values() {
            known::<FulfilmentStatus>(texts([&given[0]]));
        }
        for flag in vector["input"]["flags"].as_array().unwrap() {
            known::<FloorRule>(texts([flag]));
        }
    }
    // The reminder vectors name the steps of the escalation in short.
    let reminders: Vec<Value> = serde_json::from_str(include_str!("../vectors/reminder.json")).unwrap();
    for vector in reminders {
        let due_on: NaiveDate = vector["due"].as_str().unwrap().parse().unwrap();
        let plan = reminder::plan(
            ObligationKind::Reverification,
            due_on,
            None,
            None,
            &Calendar::default(),
            false,
        );
        let named = vector["overdue"].as_array().unwrap();
        assert_eq!(named.len(), plan.escalations.len());
        for (step, planned) in named.iter().zip(plan.escalations) {
            let roles = match step[1].as_str().unwrap() {
                "owner" => vec![Role::Owner, Role::Deputy],
                "section_manager" => vec![Role::SectionSecurityManager],
                "division_officer" => vec![Role::DivisionSecurityOfficer],
                "supervising_officer_and_ciso" => vec![Role::SupervisingSecurityOfficer, Role::Ciso],
                other => panic!("{other} is no step"),
            };
            assert_eq!(planned.to, roles, "{step}");
        }
    }
}

#[test]
fn the_document_spells_as_the_vocabulary_does() {
    fn published<W: CodeWord>(name: &str) {
        let schema = &harness::document().json["components"]["schemas"][name];
        let listed = schema["enum"]
            .as_array()
            .unwrap_or_else(|| panic!("the document has no words for {name}"));
        let expected: Vec<&str> = W::ALL.iter().map(|word| word.code()).collect();
        assert_eq!(listed, &expected, "{name}");
    }
    published::<AuditKind>("AuditKind");
    published::<Basis>("Basis");
    published::<ClauseGroup>("ClauseGroup");
    published::<DifferenceKind>("DifferenceKind");
    published::<DocumentKind>("DocumentKind");
    published::<DutyKey>("DutyKey");
    published::<CorrectiveActionOrigin>("CorrectiveActionOrigin");
    published::<CorrectiveActionState>("CorrectiveActionState");
    published::<ExceptionState>("ExceptionState");
    published::<FactName>("FactName");
    published::<FileType>("FileType");
    published::<FindingState>("FindingState");
    published::<FloorRule>("FloorRule");
    published::<FulfilmentStatus>("FulfilmentStatus");
    published::<HandOverCause>("HandOverCause");
    published::<HandOverState>("HandOverState");
    published::<InspectionAnswer>("InspectionAnswer");
    published::<IncidentKind>("IncidentKind");
    published::<IncidentState>("IncidentState");
    published::<Kind>("Kind");
    published::<Level>("Level");
    published::<MeasureKind>("MeasureKind");
    published::<ObligationKind>("ObligationKind");
    published::<Op>("Op");
    published::<Phase>("Phase");
    published::<ReportKind>("ReportKind");
    published::<RequirementLevel>("RequirementLevel");
    published::<ReviewDecision>("ReviewDecision");
    published::<ReviewReasonKind>("ReviewReasonKind");
    published::<Role>("Role");
    published::<Severity>("Severity");
    published::<Status>("Status");
    published::<ValidityRule>("ValidityRule");
    published::<Visibility>("Visibility");
    published::<Zone>("Zone");
}

#[derive(QueryableByName)]
struct Code {
    #[diesel(sql_type = Text)]
    code: String,
}

db_test!(the_code_tables_spell_as_the_vocabulary_does, |app| {
    for (table, expected) in [
        ("entry_statuses", words::<Status>()),
        ("obligation_kinds", words::<ObligationKind>()),
        ("exception_states", words::<ExceptionState>()),
        ("corrective_action_origins", words::<CorrectiveActionOrigin>()),
        ("corrective_action_states", words::<CorrectiveActionState>()),
        ("incident_kinds", words::<IncidentKind>()),
        ("incident_report_kinds", words::<ReportKind>()),
        ("incident_states", words::<IncidentState>()),
        ("measure_kinds", words::<MeasureKind>()),
        ("file_types", words::<FileType>()),
        ("hand_over_causes", words::<HandOverCause>()),
        ("hand_over_states", words::<HandOverState>()),
        ("audit_kinds", words::<AuditKind>()),
        ("audit_finding_states", words::<FindingState>()),
        ("inspection_answers", words::<InspectionAnswer>()),
        ("policy_document_kinds", words::<DocumentKind>()),
        ("document_visibilities", words::<Visibility>()),
        ("review_reason_kinds", words::<ReviewReasonKind>()),
        ("link_purposes", words::<LinkPurpose>()),
        ("message_kinds", words::<MessageKind>()),
    ] {
        let stored = app.db(|conn| diesel::sql_query(format!("SELECT code FROM {table}")).load::<Code>(conn));
        assert_eq!(
            stored.into_iter().map(|row| row.code).collect::<BTreeSet<_>>(),
            expected,
            "{table}"
        );
    }
});
