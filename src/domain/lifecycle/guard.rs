//! What a transition asks for beside the gates of the catalogue. Which transition asks for which guard is in the table
//! of each kind; the data they read is in [`super::situation`], what clauses ask in [`super::clause_gate`].

use super::approval::{approved_for_tier, confirmed_by_another};
use super::clause_gate::{Since, reagreed, verified_since};
use super::situation::{Cause, Period, Precondition, Situation, is_written};
use super::unmet::Unmet;
use crate::domain::calendar::add_months;
use crate::domain::vocabulary::{LegalForm, Role, Status};

/// The clause whose live exception alone lets c2 or higher onto standard terms.
const STANDARD_TERMS_CLAUSE: &str = "cloud-standard-terms-restriction";
/// A usage approval holds a year at most.
const APPROVAL_MONTHS: i32 = 12;

/// What a transition asks for beside the gates of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// No fact that the rules need is unknown.
    FactsKnown,
    /// A plain condition.
    Is(Precondition),
    /// The current period has an end date that is not before its start.
    ContractPeriod,
    /// So has the next one, which begins after the current one began.
    NextPeriod,
    /// The period's last day has come, or the work is ended for one of these causes.
    EndReachedOr(&'static [Cause]),
    /// One of these causes is given.
    CauseIn(&'static [Cause]),
    /// Approved by a role of the entry's tier: who may, for tiers 1 to 4. The acting person's own role counts.
    ApprovedForTier(&'static [&'static [Role]; 4]),
    /// Another person, with one of these roles, has confirmed it.
    ConfirmedBy(&'static [Role]),
    /// The acting person holds the verifier role of the clause at hand.
    ClauseVerifier,
    /// The approval is given an end, at most twelve months ahead.
    ApprovalEnds,
    /// The approval has not lapsed.
    ApprovalHolds,
    /// Nothing of c2 or higher on standard terms, unless the CISO has excepted it.
    StandardTerms,
    /// This clause was verified anew.
    VerifiedSince(&'static str, Since),
    /// Every clause that is agreed by contract is agreed for the next period.
    Reagreed,
    /// A plain condition of one legal form.
    OfForm(LegalForm, Precondition),
    /// What citizens send through the account is carried by an engagement or cloud service that runs.
    DataPath,
    /// Run by a contractor only while that engagement is in performance.
    DelegationLive,
    /// If it was run by a contractor, that has ended.
    DelegationEnded,
}

impl Guard {
    /// Appends what is unmet.
    pub(super) fn check(self, on: &Situation<'_>, unmet: &mut Vec<Unmet>) {
        match self {
            Self::FactsKnown => facts_known(on, unmet),
            Self::Reagreed => reagreed(on, unmet),
            _ => unmet.extend(self.single(on)),
        }
    }

    /// The guards that say one thing at most.
    fn single(self, on: &Situation<'_>) -> Option<Unmet> {
        let holds = |met: bool, condition: Precondition| (!met).then(|| Unmet::condition(condition));
        match self {
            Self::FactsKnown | Self::Reagreed => None,
            Self::Is(condition) => holds(on.met.contains(&condition), condition),
            Self::OfForm(form, condition) => {
                holds(on.legal_form != Some(form) || on.met.contains(&condition), condition)
            }
            Self::DataPath => on.data_path_missing.then(data_path_missing),
            Self::ContractPeriod => holds(on.period.is_some_and(Period::is_whole), Precondition::ContractPeriodSet),
            Self::NextPeriod => {
                let later = |next: Period| on.period.is_none_or(|current| current.starts_on < next.starts_on);
                holds(
                    on.next_period.is_some_and(|next| next.is_whole() && later(next)),
                    Precondition::NextPeriodSet,
                )
            }
            Self::EndReachedOr(causes) => {
                let ended = on
                    .period
                    .and_then(|period| period.ends_on)
                    .is_some_and(|ends_on| ends_on <= on.as_of);
                (!ended && !on.cause.is_some_and(|cause| causes.contains(&cause)))
                    .then(|| Unmet::cause("end_not_reached", causes))
            }
            Self::CauseIn(causes) => {
                (!on.cause.is_some_and(|cause| causes.contains(&cause))).then(|| Unmet::cause("cause_required", causes))
            }
            Self::ApprovedForTier(by_tier) => approved_for_tier(on, by_tier),
            Self::ConfirmedBy(roles) => confirmed_by_another(on, roles),
            Self::ClauseVerifier => {
                let wanted = on.verifier_role.as_slice();
                let missing = || {
                    Unmet::of_roles(
                        "verifier_role_required",
                        wanted,
                        "条項の確認者の役割が必要です",
                        "Needs the clause's verifier role",
                    )
                };
                (!on.actor_has_one_of(wanted)).then(missing)
            }
            Self::ApprovalEnds => approval_ends(on),
            Self::ApprovalHolds => holds(
                on.approval_valid_until.is_some_and(|until| on.as_of <= until),
                Precondition::ApprovalLive,
            ),
            Self::StandardTerms => {
                let excepted = on
                    .standing(STANDARD_TERMS_CLAUSE)
                    .is_some_and(|clause| clause.is_excepted(on.as_of));
                (on.c2_on_standard_terms && !excepted).then(|| Unmet {
                    clause_key: Some(STANDARD_TERMS_CLAUSE.to_owned()),
                    ..Unmet::new(
                        "c2_on_standard_terms",
                        "定型約款のサービスで自治体機密性2以上の情報を扱うには、CISOの例外措置が必要です。",
                        "Information of c2 or higher on standard terms needs an exception by the CISO.",
                    )
                })
            }
            Self::VerifiedSince(clause_key, since) => on
                .standing(clause_key)
                .and_then(|clause| verified_since(on, clause, since)),
            Self::DelegationLive => {
                let live = on.linked_engagement == Some(Status::InPerformance);
                holds(
                    !on.operation_delegated || live,
                    Precondition::DelegatedEngagementInPerformance,
                )
            }
            Self::DelegationEnded => {
                let ended = on.linked_engagement.is_some_and(Status::is_final)
                    || on.met.contains(&Precondition::DelegatedContractEnded);
                holds(!on.operation_delegated || ended, Precondition::DelegatedContractEnded)
            }
        }
    }
}

fn data_path_missing() -> Unmet {
    Unmet::new(
        "data_path_missing",
        "申込みや相談を受ける情報の流れ（業務委託又はクラウドサービス）が登録されていないか、終わっています。",
        "Applications or consultations come in, but no running engagement or cloud service is named that carries them.",
    )
}

fn facts_known(on: &Situation<'_>, unmet: &mut Vec<Unmet>) {
    let Some(unknown) = on.unknown_facts else {
        unmet.push(Unmet::new(
            "facts_not_assessed",
            "取扱いの内容が評価されていません。",
            "The facts have not been assessed.",
        ));
        return;
    };
    unmet.extend(unknown.iter().map(|fact| Unmet {
        item: Some((*fact).to_owned()),
        ..Unmet::new(
            "fact_unknown",
            format!("「{fact}」が登録されていません。"),
            format!("The fact {fact} is not known."),
        )
    }));
}

fn approval_ends(on: &Situation<'_>) -> Option<Unmet> {
    let Some(until) = on.approval_valid_until.filter(|until| on.as_of <= *until) else {
        let (ja, en) = (
            "承認の終了日（承認日以降）を指定してください。",
            "The approval needs an end that is not in the past.",
        );
        return Some(Unmet::new("approval_end_required", ja, en).answerable());
    };
    let (ja, en) = (
        "承認の期間は12か月以内にしてください。",
        "An approval may not hold longer than 12 months.",
    );
    (until > add_months(on.as_of, APPROVAL_MONTHS)).then(|| Unmet::new("approval_too_long", ja, en).answerable())
}

/// Every transition needs a reason.
pub(super) fn reason_given(on: &Situation<'_>, unmet: &mut Vec<Unmet>) {
    if !is_written(on.reason) {
        unmet.push(Unmet::new("reason_required", "理由を記入してください。", "A reason is required.").answerable());
    }
}

#[cfg(test)]
mod tests {
    use super::super::situation::Standing;
    use super::super::situation::fixture::{day, every_condition, standing, well_prepared};
    use super::*;
    use crate::domain::catalogue::Catalogue;
    use crate::domain::vocabulary::{CodeWord, FulfilmentStatus};

    const MANAGER: &[Role] = &[Role::SectionSecurityManager];
    const TIERS: [&[Role]; 4] = [
        &[Role::Ciso],
        &[Role::SupervisingSecurityOfficer, Role::Ciso],
        MANAGER,
        MANAGER,
    ];

    fn codes(guard: Guard, situation: &Situation<'_>) -> Vec<&'static str> {
        let mut unmet = Vec::new();
        guard.check(situation, &mut unmet);
        unmet.into_iter().map(|unmet| unmet.code).collect()
    }

    #[test]
    fn every_guard_is_met_by_what_it_asks_for_and_unmet_without_it() {
        let all = every_condition();
        let good = well_prepared(&all);
        let nothing = Situation::new(good.as_of, &[], None);
        let cases: &[(Guard, Situation<'_>, &str)] = &[
            (Guard::FactsKnown, nothing, "facts_not_assessed"),
            (
                Guard::FactsKnown,
                Situation {
                    unknown_facts: Some(&["confidentiality"]),
                    ..good
                },
                "fact_unknown",
            ),
            (Guard::ContractPeriod, nothing, "condition_unmet"),
            (Guard::NextPeriod, nothing, "condition_unmet"),
            (
                Guard::NextPeriod,
                Situation {
                    next_period: good.period,
                    ..good
                },
                "condition_unmet",
            ),
            (
                Guard::EndReachedOr(&[Cause::Breach]),
                Situation {
                    as_of: day(2028, 3, 30),
                    ..good
                },
                "end_not_reached",
            ),
            (
                Guard::CauseIn(&[Cause::Incident]),
                Situation {
                    cause: Some(Cause::Expiry),
                    ..good
                },
                "cause_required",
            ),
            (Guard::CauseIn(&[Cause::Incident]), nothing, "cause_required"),
            (Guard::ApprovedForTier(&TIERS), nothing, "approval_missing"),
            (Guard::ConfirmedBy(MANAGER), nothing, "confirmation_missing"),
            (Guard::ClauseVerifier, nothing, "verifier_role_required"),
            (Guard::ApprovalEnds, nothing, "approval_end_required"),
            (
                Guard::ApprovalEnds,
                Situation {
                    approval_valid_until: Some(day(2028, 3, 30)),
                    ..good
                },
                "approval_end_required",
            ),
            (
                Guard::ApprovalEnds,
                Situation {
                    approval_valid_until: Some(day(2029, 4, 1)),
                    ..good
                },
                "approval_too_long",
            ),
            (Guard::ApprovalHolds, nothing, "condition_unmet"),
            (
                Guard::ApprovalHolds,
                Situation {
                    approval_valid_until: Some(day(2028, 3, 30)),
                    ..good
                },
                "condition_unmet",
            ),
            (Guard::StandardTerms, nothing, "c2_on_standard_terms"),
            (Guard::DataPath, nothing, "data_path_missing"),
            (
                Guard::OfForm(LegalForm::Lease, Precondition::LeasedEquipmentErased),
                Situation {
                    legal_form: Some(LegalForm::Lease),
                    ..nothing
                },
                "condition_unmet",
            ),
            (Guard::DelegationLive, nothing, "condition_unmet"),
            (
                Guard::DelegationLive,
                Situation {
                    linked_engagement: Some(Status::Suspended),
                    ..good
                },
                "condition_unmet",
            ),
            (
                Guard::DelegationEnded,
                Situation { met: &[], ..good },
                "condition_unmet",
            ),
        ];
        for (guard, unmet, code) in cases {
            assert_eq!(codes(*guard, unmet), [*code], "{guard:?}");
            assert!(codes(*guard, &good).is_empty(), "{guard:?}");
        }
    }

    #[test]
    fn every_plain_condition_is_unmet_until_it_is_listed() {
        for condition in Precondition::ALL {
            let (all, mut unmet) = (every_condition(), Vec::new());
            assert!(codes(Guard::Is(*condition), &well_prepared(&all)).is_empty());
            Guard::Is(*condition).check(
                &Situation {
                    met: &[],
                    ..well_prepared(&all)
                },
                &mut unmet,
            );
            assert_eq!(
                unmet.iter().map(|unmet| unmet.item.as_deref()).collect::<Vec<_>>(),
                [Some(condition.code())]
            );
        }
    }

    #[test]
    fn c2_on_standard_terms_passes_with_a_live_exception_only() {
        let catalogue = Catalogue::embedded().unwrap();
        let verified = standing(&catalogue, STANDARD_TERMS_CLAUSE, FulfilmentStatus::Verified);
        let live = Standing {
            exception_expires_on: Some(day(2027, 4, 1)),
            ..verified
        };
        let over = Standing {
            exception_expires_on: Some(day(2027, 3, 31)),
            ..verified
        };
        for (clause, passes) in [(verified, false), (over, false), (live, true)] {
            let clauses = [clause];
            let found = codes(Guard::StandardTerms, &Situation::new(day(2027, 4, 1), &clauses, None));
            assert_eq!(found.is_empty(), passes);
        }
    }

    #[test]
    fn the_end_is_reached_on_the_last_day_or_brought_by_a_cause() {
        let all = every_condition();
        let early = Situation {
            as_of: day(2027, 12, 1),
            cause: None,
            ..well_prepared(&all)
        };
        let guard = Guard::EndReachedOr(&[Cause::Breach, Cause::Expiry, Cause::Convenience]);
        assert_eq!(codes(guard, &early), ["end_not_reached"]);
        assert!(
            codes(
                guard,
                &Situation {
                    as_of: day(2028, 3, 31),
                    ..early
                }
            )
            .is_empty()
        );
        assert!(
            codes(
                guard,
                &Situation {
                    cause: Some(Cause::Convenience),
                    ..early
                }
            )
            .is_empty()
        );
        assert_eq!(
            codes(
                guard,
                &Situation {
                    cause: Some(Cause::Incident),
                    ..early
                }
            ),
            ["end_not_reached"]
        );
    }

    #[test]
    fn an_account_that_nobody_else_runs_needs_no_engagement() {
        let own = Situation {
            operation_delegated: false,
            ..Situation::new(day(2027, 4, 1), &[], None)
        };
        assert!(codes(Guard::DelegationLive, &own).is_empty());
        assert!(codes(Guard::DelegationEnded, &own).is_empty());
        let ended = Situation {
            operation_delegated: true,
            linked_engagement: Some(Status::Closed),
            ..own
        };
        assert!(codes(Guard::DelegationEnded, &ended).is_empty());
    }

    #[test]
    fn a_blank_reason_is_no_reason() {
        let all = every_condition();
        for (reason, given) in [
            (None, false),
            (Some(""), false),
            (Some("　 "), false),
            (Some("議会の議決"), true),
        ] {
            let mut unmet = Vec::new();
            reason_given(
                &Situation {
                    reason,
                    ..well_prepared(&all)
                },
                &mut unmet,
            );
            assert_eq!(unmet.is_empty(), given);
            assert!(unmet.iter().all(|unmet| unmet.in_request));
        }
    }
}
