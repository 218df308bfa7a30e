//! The rules of the gate: every cell of the table, payments, enforcement, and that nothing wrong ever makes it milder.

use chrono::NaiveDate;

use super::*;
use crate::domain::lifecycle::{registrable_statuses, transitions};
use crate::domain::vocabulary::{CodeWord, Level};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn company() -> ContractorState {
    ContractorState {
        id: "c".to_owned(),
        name: "株式会社甲".to_owned(),
        suspended: false,
        debarred_from_on: None,
        archived: false,
        identified: true,
    }
}

fn sound(kind: Kind) -> EntryState {
    EntryState {
        id: "e".to_owned(),
        kind,
        status: *registrable_statuses(kind).first().unwrap(),
        archived: false,
        step: Step::At,
        lacks: vec![],
        exceptions: vec![],
        residual_level: Level::Low,
        residual_score_x100: 800,
        owner_missing: false,
        incident_open: false,
        major_incident_open: false,
        corrective_action_late_since: None,
        verification_late_since: None,
        approval_lapsed_on: None,
        contract_ends_on: Some(day("2028-03-31")),
        unpermitted_subcontracts: false,
        withholdings: vec![],
    }
}

fn input(action: GateAction, entry: Option<EntryState>) -> GateInput {
    GateInput {
        action,
        as_of_on: day("2027-04-01"),
        contractors: vec![company()],
        contractor_unknown: false,
        entry,
        invoice_received_on: None,
    }
}

fn decided(input: &GateInput) -> GateDecision {
    decide(input, &reasons(input))
}

fn codes(input: &GateInput) -> Vec<String> {
    reasons(input).into_iter().map(|reason| reason.code).collect()
}

fn lack(clause: Option<&str>, code: &str) -> Lack {
    Lack {
        code: code.to_owned(),
        item: None,
        clause_key: clause.map(str::to_owned),
        message: "…".to_owned(),
        message_en: "…".to_owned(),
    }
}

#[test]
fn every_cell_of_the_table_names_a_transition_of_its_kind_and_answers() {
    for (action, kind, transition) in TABLE {
        if let Some(key) = transition {
            assert!(transitions(*kind).iter().any(|one| one.key == *key), "{action} {kind}");
        }
        assert_eq!(super::transition(*action, *kind), Some(*transition));
        // Nothing wrong: yes. A clause missing: no, but for a payment. An exception: on condition.
        let mut entry = sound(*kind);
        assert_eq!(
            decided(&input(*action, Some(entry.clone()))),
            GateDecision::Allow,
            "{action} {kind}"
        );
        entry.lacks = vec![lack(Some("confidentiality-obligation"), "clause_below_gate")];
        let expected = if *action == GateAction::Pay {
            GateDecision::AllowWithConditions
        } else {
            GateDecision::Block
        };
        let asked = input(*action, Some(entry.clone()));
        assert_eq!(decided(&asked), expected, "{action} {kind}");
        let found = reasons(&asked);
        let remedy = found.first().and_then(|reason| reason.remedy.clone()).unwrap();
        assert_eq!(remedy.href, "/api/v1/entries/e/clauses/confidentiality-obligation");
        entry.lacks.clear();
        entry.exceptions = vec![ExceptionState {
            id: "x".to_owned(),
            clause_key: "confidentiality-obligation".to_owned(),
            expires_on: day("2027-09-30"),
        }];
        assert_eq!(
            decided(&input(*action, Some(entry))),
            GateDecision::AllowWithConditions,
            "{action} {kind}"
        );
    }
    for action in GateAction::ALL {
        assert!(
            TABLE.iter().any(|(of, ..)| of == action),
            "{action} is asked of no kind"
        );
    }
    let cells: Vec<_> = TABLE.iter().map(|(action, kind, _)| (action, kind)).collect();
    let mut once = cells.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), cells.len());
}

#[test]
fn a_company_that_must_not_be_chosen_stops_what_is_not_begun_and_its_parents_block_is_inherited() {
    use GateAction::{AdoptCloud, Amend, ApproveSubcontract, Invite, Pay, Renew, Sign, Start};
    for (action, expected) in [
        (Invite, GateDecision::Block),
        (Sign, GateDecision::Block),
        (Renew, GateDecision::Block),
        (ApproveSubcontract, GateDecision::Block),
        (AdoptCloud, GateDecision::Block),
        (Amend, GateDecision::AllowWithConditions),
        (Start, GateDecision::AllowWithConditions),
        (Pay, GateDecision::AllowWithConditions),
    ] {
        let mut asked = input(action, None);
        asked.contractors[0].debarred_from_on = Some(day("2027-01-01"));
        assert_eq!(decided(&asked), expected, "{action}");
        let mut asked = input(action, None);
        asked.contractors.push(ContractorState {
            id: "above".to_owned(),
            suspended: true,
            ..company()
        });
        assert_eq!(decided(&asked), expected, "{action} by the company above");
        assert_eq!(reasons(&asked)[0].subject_id.as_deref(), Some("above"));
    }
    let mut asked = input(Sign, None);
    asked.contractors.clear();
    asked.contractor_unknown = true;
    assert_eq!(decided(&asked), GateDecision::Unknown);
    assert_eq!(codes(&asked), ["contractor_not_registered"]);
}

#[test]
fn a_payment_is_held_by_a_recorded_measure_and_by_nothing_else() {
    let worst = EntryState {
        lacks: vec![lack(Some("x"), "clause_below_gate"), lack(None, "approval_missing")],
        residual_level: Level::Critical,
        owner_missing: true,
        incident_open: true,
        major_incident_open: true,
        archived: true,
        unpermitted_subcontracts: true,
        verification_late_since: Some(day("2026-01-01")),
        ..sound(Kind::ContractorEngagement)
    };
    let mut asked = input(GateAction::Pay, Some(worst.clone()));
    asked.contractors[0].debarred_from_on = Some(day("2027-01-01"));
    asked.invoice_received_on = Some(day("2027-03-20"));
    assert_eq!(decided(&asked), GateDecision::AllowWithConditions);
    let due = reasons(&asked)
        .into_iter()
        .find(|reason| reason.code == "statutory_payment_date");
    assert_eq!(due.unwrap().on, Some(day("2027-04-19")));
    let held = EntryState {
        withholdings: vec![Withholding {
            contract_article: "第20条".to_owned(),
            document_number: "本情第7号".to_owned(),
            notice_on: day("2027-03-01"),
        }],
        ..sound(Kind::ContractorEngagement)
    };
    let asked = input(GateAction::Pay, Some(held));
    assert_eq!(decided(&asked), GateDecision::Block);
    let first = reasons(&asked).remove(0);
    assert!(
        first.message.contains("第20条") && first.message.contains("本情第7号"),
        "{first:?}"
    );
    let flags = erp(&asked, GateDecision::Block, &reasons(&asked));
    assert_eq!(
        (flags.on_hold, flags.hold_type.as_str(), flags.prevent_pos),
        (true, "payments", false)
    );
}

#[test]
fn what_was_done_in_an_ended_period_is_payable_until_the_accounts_close() {
    let mut asked = input(GateAction::Pay, Some(sound(Kind::ContractorEngagement)));
    asked.entry.as_mut().unwrap().contract_ends_on = Some(day("2027-03-31"));
    for (on, code, decision) in [
        ("2027-04-01", "payable_after_end", GateDecision::Allow),
        ("2027-05-31", "payable_after_end", GateDecision::Allow),
        ("2027-06-01", "accounts_closed", GateDecision::AllowWithConditions),
    ] {
        asked.as_of_on = day(on);
        assert!(codes(&asked).contains(&code.to_owned()), "{on}");
        assert_eq!(decided(&asked), decision, "{on}");
    }
    asked.as_of_on = day("2027-03-31");
    assert_eq!(codes(&asked), ["statutory_payment_date"]);
}

#[test]
fn what_is_made_of_an_answer_is_the_bodys_decision() {
    use EnforcementMode as Mode;
    use GateDecision::{Allow, AllowWithConditions, Block, Unknown};
    for (mode, decision, of_sign, of_pay) in [
        (Mode::Observe, Block, Allow, Allow),
        (Mode::Observe, Unknown, Allow, Allow),
        (Mode::Warn, Block, AllowWithConditions, AllowWithConditions),
        (Mode::Warn, Unknown, AllowWithConditions, AllowWithConditions),
        (Mode::Warn, Allow, Allow, Allow),
        (Mode::Block, Block, Block, Block),
        (Mode::Block, Unknown, Block, AllowWithConditions),
        (
            Mode::Block,
            AllowWithConditions,
            AllowWithConditions,
            AllowWithConditions,
        ),
        (Mode::Block, Allow, Allow, Allow),
    ] {
        assert_eq!(enforced(GateAction::Sign, decision, mode), of_sign, "{mode} {decision}");
        assert_eq!(enforced(GateAction::Pay, decision, mode), of_pay, "{mode} {decision}");
    }
}

#[test]
fn what_comes_before_stops_and_what_is_behind_only_warns() {
    let lacks = vec![
        lack(Some("purpose-limitation"), "clause_below_gate"),
        lack(None, "approval_missing"),
    ];
    let at = |step| {
        let entry = EntryState {
            step,
            lacks: lacks.clone(),
            ..sound(Kind::ContractorEngagement)
        };
        input(GateAction::Sign, Some(entry))
    };
    assert_eq!(
        codes(&at(Step::Before)),
        ["earlier_step_missing", "clause_missing", "approval_missing"]
    );
    assert_eq!(codes(&at(Step::At)), ["clause_missing", "approval_missing"]);
    assert_eq!(codes(&at(Step::After)), ["clause_missing"]);
    assert_eq!(decided(&at(Step::After)), GateDecision::AllowWithConditions);
    let sign = transitions(Kind::ContractorEngagement)
        .iter()
        .find(|one| one.key == "conclude_contract")
        .unwrap();
    for (status, expected) in [
        (Status::Draft, Step::Before),
        (Status::UnderSelection, Step::Before),
        (Status::Selected, Step::At),
        (Status::InPerformance, Step::After),
        (Status::Closed, Step::After),
    ] {
        assert_eq!(step(sign, status), expected, "{status}");
    }
}

#[test]
fn one_more_thing_that_is_wrong_never_makes_the_answer_milder() {
    let worsen: [fn(&mut EntryState); 10] = [
        |entry| entry.archived = true,
        |entry| entry.step = Step::Before,
        |entry| entry.lacks.push(lack(Some("x"), "clause_below_gate")),
        |entry| entry.residual_level = Level::Critical,
        |entry| entry.owner_missing = true,
        |entry| (entry.incident_open, entry.major_incident_open) = (true, true),
        |entry| entry.corrective_action_late_since = Some(day("2027-01-01")),
        |entry| entry.verification_late_since = Some(day("2027-01-01")),
        |entry| entry.unpermitted_subcontracts = true,
        |entry| entry.contract_ends_on = Some(day("2026-03-31")),
    ];
    // Every set of the ten, and one more of them: 1,024 × 10 for each cell.
    for (action, kind, _) in TABLE {
        let of = |set: u32| {
            let mut entry = sound(*kind);
            for (bit, change) in worsen.iter().enumerate() {
                if set & (1 << bit) != 0 {
                    change(&mut entry);
                }
            }
            let asked = input(*action, Some(entry));
            assert_eq!(
                reasons(&asked),
                reasons(&asked.clone()),
                "the same question, the same answer"
            );
            decided(&asked)
        };
        let decisions: Vec<GateDecision> = (0..1024).map(of).collect();
        for set in 0..1024_usize {
            for bit in 0..worsen.len() {
                assert!(
                    decisions[set] <= decisions[set | (1 << bit)],
                    "{action} {kind} {set:b} {bit}"
                );
            }
        }
    }
}
