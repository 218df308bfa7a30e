//! What clauses ask of a transition: the gates of the catalogue, verification anew, agreement anew.
//!
//! Only a *mandatory* clause blocks, and a live exception stands in for one. A statutory clause (My Number Act
//! article 10) has no exception; nor can it be declared not applicable, because the facts say that the law applies.

use super::situation::{Situation, Standing};
use super::unmet::Unmet;
use crate::domain::vocabulary::{CodeWord, FulfilmentStatus, Kind};

/// From when a verification has to be new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The first day of the period that ends.
    PeriodStart,
    /// The day the entry came into its status.
    StatusEntered,
}

/// The gates that the catalogue puts on this transition.
pub(super) fn clause_gates(kind: Kind, key: &str, on: &Situation<'_>, unmet: &mut Vec<Unmet>) {
    for standing in on.clauses.iter().filter(|standing| !standing.is_released(on.as_of)) {
        let gates = standing
            .clause
            .gates
            .get(&kind)
            .into_iter()
            .flatten()
            .filter(|gate| gate.transition == key);
        for gate in gates.filter(|gate| !standing.reaches(gate.min_status)) {
            let ja = format!("は「{}」以上が必要です。", gate.min_status.ja());
            let en = format!("must be at least {}", gate.min_status);
            unmet.push(Unmet::clause("clause_below_gate", standing, gate.min_status, &ja, &en));
        }
    }
}

/// Agreements are never carried over: each clause of the contract is agreed anew for the next period.
pub(super) fn reagreed(on: &Situation<'_>, unmet: &mut Vec<Unmet>) {
    let contractual = on
        .clauses
        .iter()
        .filter(|standing| standing.clause.has_agreed_gate(Kind::ContractorEngagement));
    let open = contractual.filter(|standing| !standing.is_released(on.as_of) && !standing.agreed_in_next_period);
    unmet.extend(open.map(|standing| {
        let (ja, en) = (
            "を次の契約期間について合意してください。",
            "is not agreed for the next period",
        );
        Unmet::clause("clause_not_reagreed", standing, FulfilmentStatus::Agreed, ja, en)
    }));
}

/// The clause was verified since the day, or nothing has to be shown for it.
pub(super) fn verified_since(on: &Situation<'_>, standing: &Standing<'_>, since: Since) -> Option<Unmet> {
    let (from, ja, en) = match since {
        Since::PeriodStart => (
            on.period.map(|period| period.starts_on),
            "は今の契約期間のうちに確認が必要です。",
            "must be verified in the period that ends",
        ),
        Since::StatusEntered => (on.status_since, "は改めて確認が必要です。", "must be verified anew"),
    };
    let verified_on = standing
        .verified_on
        .filter(|_| standing.status == FulfilmentStatus::Verified);
    let renewed = verified_on
        .zip(from)
        .is_some_and(|(verified_on, from)| from <= verified_on);
    let missing = || Unmet::clause("clause_not_reverified", standing, FulfilmentStatus::Verified, ja, en);
    (!renewed && !standing.is_released(on.as_of)).then(missing)
}

#[cfg(test)]
mod tests {
    use super::super::guard::Guard;
    use super::super::situation::fixture::{day, every_condition, standing, well_prepared};
    use super::*;
    use crate::domain::catalogue::Catalogue;
    use crate::domain::vocabulary::RequirementLevel;

    const SINCE_PERIOD: Guard = Guard::VerifiedSince("performance-verification", Since::PeriodStart);
    const SINCE_STATUS: Guard = Guard::VerifiedSince("social-credential-management", Since::StatusEntered);

    fn codes(guard: Guard, situation: &Situation<'_>) -> Vec<&'static str> {
        let mut unmet = Vec::new();
        guard.check(situation, &mut unmet);
        unmet.into_iter().map(|unmet| unmet.code).collect()
    }

    #[test]
    fn a_mandatory_clause_blocks_its_gate_until_it_is_far_enough_or_excepted() {
        use FulfilmentStatus::{Agreed, Declared, Excepted, Missing, NotApplicable, Verified};
        let catalogue = Catalogue::embedded().unwrap();
        let on = day(2027, 4, 1);
        // clause, status, level mandatory, last day of the exception, blocks
        let cases = [
            ("purpose-limitation", Missing, true, None, true),
            ("purpose-limitation", Declared, true, None, true),
            ("purpose-limitation", Agreed, true, None, false),
            ("purpose-limitation", Verified, true, None, false),
            ("purpose-limitation", NotApplicable, true, None, false),
            ("purpose-limitation", Missing, false, None, false),
            ("purpose-limitation", Excepted, true, None, true),
            ("purpose-limitation", Excepted, true, Some(day(2027, 3, 31)), true),
            ("purpose-limitation", Excepted, true, Some(on), false),
            ("purpose-limitation", Missing, true, Some(day(2027, 6, 30)), false),
            ("responsible-persons-and-sites", Missing, true, None, false),
        ];
        for (key, status, mandatory, exception_expires_on, blocks) in cases {
            let level = if mandatory {
                RequirementLevel::Mandatory
            } else {
                RequirementLevel::Recommended
            };
            let clauses = [Standing {
                level,
                exception_expires_on,
                ..standing(&catalogue, key, status)
            }];
            let mut unmet = Vec::new();
            let situation = Situation::new(on, &clauses, Some(&[]));
            clause_gates(Kind::ContractorEngagement, "conclude_contract", &situation, &mut unmet);
            let found: Vec<_> = unmet
                .iter()
                .map(|u| (u.code, u.clause_key.as_deref(), u.required, u.actual))
                .collect();
            let expected = [("clause_below_gate", Some(key), Some(Agreed), Some(status))];
            assert_eq!(
                found,
                if blocks { &expected[..] } else { &[] },
                "{key} {status} {exception_expires_on:?}"
            );
        }
    }

    #[test]
    fn a_statutory_clause_knows_neither_exception_nor_not_applicable() {
        use FulfilmentStatus::{Agreed, Excepted, NotApplicable, Verified};
        let catalogue = Catalogue::embedded().unwrap();
        for (status, blocks) in [
            (Agreed, true),
            (Excepted, true),
            (NotApplicable, true),
            (Verified, false),
        ] {
            let clauses = [Standing {
                exception_expires_on: Some(day(2027, 6, 30)),
                ..standing(&catalogue, "my-number-subcontract-permission", status)
            }];
            let mut unmet = Vec::new();
            let situation = Situation::new(day(2027, 4, 1), &clauses, Some(&[]));
            clause_gates(Kind::ContractorEngagement, "start_performance", &situation, &mut unmet);
            assert_eq!(!unmet.is_empty(), blocks, "{status}");
        }
    }

    #[test]
    fn a_verification_from_before_the_period_or_the_rest_does_not_count() {
        use FulfilmentStatus::{Declared, Missing, Verified};
        let (catalogue, all) = (Catalogue::embedded().unwrap(), every_condition());
        let keys = [
            (SINCE_PERIOD, "performance-verification"),
            (SINCE_STATUS, "social-credential-management"),
        ];
        for (guard, key) in keys {
            let first = if guard == SINCE_PERIOD {
                day(2027, 4, 1)
            } else {
                day(2027, 10, 1)
            };
            let cases = [
                (Verified, Some(first), true),
                (Verified, first.pred_opt(), false),
                (Verified, None, false),
                (Declared, Some(first), false),
                (Missing, None, false),
            ];
            for (status, verified_on, met) in cases {
                let clauses = [Standing {
                    verified_on,
                    ..standing(&catalogue, key, status)
                }];
                let situation = Situation {
                    clauses: &clauses,
                    ..well_prepared(&all)
                };
                assert_eq!(
                    codes(guard, &situation),
                    if met { &[][..] } else { &["clause_not_reverified"] },
                    "{key} {status}"
                );
                let unknown = Situation {
                    period: None,
                    status_since: None,
                    ..situation
                };
                assert_eq!(codes(guard, &unknown), ["clause_not_reverified"], "{key}");
            }
            assert!(codes(guard, &well_prepared(&all)).is_empty(), "{key} does not apply");
        }
    }

    #[test]
    fn each_contractual_clause_is_agreed_anew_for_the_next_period() {
        let (catalogue, all) = (Catalogue::embedded().unwrap(), every_condition());
        let open = standing(&catalogue, "purpose-limitation", FulfilmentStatus::Verified);
        let done = Standing {
            agreed_in_next_period: true,
            ..standing(&catalogue, "policy-compliance", FulfilmentStatus::Agreed)
        };
        let not_contractual = standing(&catalogue, "performance-verification", FulfilmentStatus::Verified);
        let clauses = [open, done, not_contractual];
        let mut unmet = Vec::new();
        Guard::Reagreed.check(
            &Situation {
                clauses: &clauses,
                ..well_prepared(&all)
            },
            &mut unmet,
        );
        let found: Vec<_> = unmet
            .iter()
            .map(|unmet| (unmet.code, unmet.clause_key.as_deref()))
            .collect();
        assert_eq!(found, [("clause_not_reagreed", Some("purpose-limitation"))]);
    }
}
