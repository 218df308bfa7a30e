//! The life of a cloud service (クラウドサービス): apply, approve for a limited time, bring into use, leave with data
//! and accounts erased (MIC guideline 8.3, 8.4).
//!
//! `draft → applied → under_review → approved → onboarding → in_use ⇄ suspended → offboarding → retired`, aside
//! `returned`, `rejected` and `withdrawn`. Clause gates are the catalogue's; guards are explained in [`super::guard`].

use super::contractor_engagement::{SECTION, SECTION_MANAGER_OR_ABOVE};
use super::guard::Guard;
use super::situation::Cause;
use super::situation::Precondition::{
    CertificateValid, CorrectiveActionsClosed, DataLocationGiven, ExitPlanReady, NothingHandedOver, OwnerSet,
    PurposeGiven, TermsReread, TermsSnapshotTaken, UsersNamed,
};
use super::{Lifecycle, Target, Transition};
use crate::domain::vocabulary::{Kind, Role, Status};
use chrono::NaiveDate;

const KIND: Kind = Kind::CloudService;

/// Who may approve a use at all; [`APPROVERS`] narrows it by tier.
const APPROVER: &[Role] = &[Role::UsageApprover, Role::SupervisingSecurityOfficer, Role::Ciso];
/// Approval by inherent tier.
const APPROVERS: [&[Role]; 4] = [
    &[Role::Ciso],
    &[Role::SupervisingSecurityOfficer, Role::Ciso],
    APPROVER,
    APPROVER,
];
/// Who may stop a service and let it go on.
const STOPPERS: &[Role] = &[
    Role::CloudServiceAdministrator,
    Role::Csirt,
    Role::SupervisingSecurityOfficer,
];
/// Classification and network zone are facts.
const APPLICATION: &[Guard] = &[
    Guard::FactsKnown,
    Guard::Is(OwnerSet),
    Guard::Is(PurposeGiven),
    Guard::Is(UsersNamed),
    Guard::Is(DataLocationGiven),
    Guard::Is(TermsSnapshotTaken),
];

pub(super) static LIFECYCLE: Lifecycle = Lifecycle {
    statuses: &[
        Status::Draft,
        Status::Applied,
        Status::UnderReview,
        Status::Approved,
        Status::Onboarding,
        Status::InUse,
        Status::Suspended,
        Status::Offboarding,
        Status::Retired,
        Status::Returned,
        Status::Rejected,
        Status::Withdrawn,
    ],
    registrable: &[
        Status::Approved,
        Status::Onboarding,
        Status::InUse,
        Status::Suspended,
        Status::Offboarding,
    ],
    transitions: &[
        row(
            "apply",
            "利用を申請する",
            "Apply for use",
            &[Status::Draft],
            Target::To(Status::Applied),
        )
        .by(SECTION)
        .guarded(APPLICATION),
        row(
            "start_review",
            "審査を始める",
            "Start the review",
            &[Status::Applied],
            Target::To(Status::UnderReview),
        )
        .by(&[Role::UsageApprover]),
        // From `approved` too: an approval that lapsed before the service was brought in is applied for again.
        row(
            "return_for_correction",
            "差し戻す",
            "Return for correction",
            &[Status::UnderReview, Status::Approved],
            Target::To(Status::Returned),
        )
        .by(&[Role::UsageApprover]),
        row(
            "resubmit",
            "再申請する",
            "Resubmit",
            &[Status::Returned],
            Target::To(Status::Applied),
        )
        .by(SECTION)
        .guarded(APPLICATION),
        row(
            "approve_use",
            "利用を承認する",
            "Approve the use",
            &[Status::UnderReview],
            Target::To(Status::Approved),
        )
        .by(APPROVER)
        .approving()
        .guarded(&[
            Guard::ApprovedForTier(&APPROVERS),
            Guard::StandardTerms,
            Guard::ApprovalEnds,
        ]),
        row(
            "reject",
            "承認しない",
            "Reject",
            &[Status::UnderReview],
            Target::To(Status::Rejected),
        )
        .by(APPROVER),
        row(
            "withdraw",
            "取り下げる",
            "Withdraw",
            &[
                Status::Draft,
                Status::Applied,
                Status::UnderReview,
                Status::Returned,
                Status::Approved,
                Status::Onboarding,
            ],
            Target::To(Status::Withdrawn),
        )
        .by(SECTION)
        .guarded(&[Guard::Is(NothingHandedOver)]),
        row(
            "start_onboarding",
            "導入を始める",
            "Start onboarding",
            &[Status::Approved],
            Target::To(Status::Onboarding),
        )
        .by(&[Role::CloudServiceAdministrator])
        .guarded(&[Guard::ApprovalHolds]),
        row(
            "start_use",
            "利用を始める",
            "Start the use",
            &[Status::Onboarding],
            Target::To(Status::InUse),
        )
        .by(&[Role::CloudServiceAdministrator])
        .guarded(&[Guard::ConfirmedBy(SECTION_MANAGER_OR_ABOVE)]),
        row(
            "suspend",
            "利用を停止する",
            "Suspend",
            &[Status::InUse],
            Target::To(Status::Suspended),
        )
        .by(STOPPERS)
        .guarded(&[Guard::CauseIn(&[
            Cause::Incident,
            Cause::TermsChange,
            Cause::ForeignLawFinding,
        ])]),
        row(
            "resume",
            "利用を再開する",
            "Resume",
            &[Status::Suspended],
            Target::To(Status::InUse),
        )
        .by(STOPPERS)
        .guarded(&[Guard::Is(CorrectiveActionsClosed)]),
        row(
            "renew_approval",
            "利用承認を更新する",
            "Renew the approval",
            &[Status::InUse, Status::Suspended],
            Target::Stay,
        )
        .by(APPROVER)
        .approving()
        .guarded(&[
            Guard::ApprovedForTier(&APPROVERS),
            Guard::StandardTerms,
            Guard::Is(TermsReread),
            Guard::Is(CertificateValid),
            Guard::ApprovalEnds,
        ]),
        // From `onboarding` too: data may have been moved in before the use began, and `withdraw` refuses then.
        row(
            "begin_offboarding",
            "利用終了の手続を始める",
            "Begin offboarding",
            &[Status::Onboarding, Status::InUse, Status::Suspended],
            Target::To(Status::Offboarding),
        )
        .by(&[Role::CloudServiceAdministrator])
        .guarded(&[Guard::Is(ExitPlanReady)]),
        row(
            "complete_offboarding",
            "利用を終了する",
            "Complete offboarding",
            &[Status::Offboarding],
            Target::To(Status::Retired),
        )
        .by(&[Role::CloudServiceAdministrator]),
    ],
};

const fn row(key: &'static str, ja: &'static str, en: &'static str, from: &'static [Status], to: Target) -> Transition {
    Transition::new(KIND, key, ja, en, from, to)
}

/// The approval of a service that is still used has run out. A flag, never a switch: the status stays, escalation
/// starts, renewals and expansion are blocked.
pub fn approval_lapsed(status: Status, valid_until: Option<NaiveDate>, as_of: NaiveDate) -> bool {
    matches!(
        status,
        Status::Approved | Status::Onboarding | Status::InUse | Status::Suspended
    ) && valid_until.is_none_or(|until| until < as_of)
}

#[cfg(test)]
mod tests {
    use super::super::situation::fixture::{day, every_condition, well_prepared};
    use super::super::{Actor, Refusal, Situation, apply, transition_keys, transitions};
    use super::*;
    use Status::{
        Applied, Approved, Draft, InUse, Offboarding, Onboarding, Rejected, Retired, Returned, Suspended, UnderReview,
        Withdrawn,
    };

    #[test]
    fn the_table_is_the_one_of_the_rules() {
        let expected: &[(&str, &[Status], Option<Status>)] = &[
            ("apply", &[Draft], Some(Applied)),
            ("start_review", &[Applied], Some(UnderReview)),
            ("return_for_correction", &[UnderReview, Approved], Some(Returned)),
            ("resubmit", &[Returned], Some(Applied)),
            ("approve_use", &[UnderReview], Some(Approved)),
            ("reject", &[UnderReview], Some(Rejected)),
            (
                "withdraw",
                &[Draft, Applied, UnderReview, Returned, Approved, Onboarding],
                Some(Withdrawn),
            ),
            ("start_onboarding", &[Approved], Some(Onboarding)),
            ("start_use", &[Onboarding], Some(InUse)),
            ("suspend", &[InUse], Some(Suspended)),
            ("resume", &[Suspended], Some(InUse)),
            ("renew_approval", &[InUse, Suspended], None),
            ("begin_offboarding", &[Onboarding, InUse, Suspended], Some(Offboarding)),
            ("complete_offboarding", &[Offboarding], Some(Retired)),
        ];
        assert_eq!(
            transition_keys(KIND),
            expected.iter().map(|row| row.0).collect::<Vec<_>>()
        );
        for (key, from, to) in expected {
            let row = transitions(KIND).iter().find(|row| row.key == *key).unwrap();
            assert_eq!(row.from, *from, "{key}");
            assert_eq!(row.to, to.map_or(Target::Stay, Target::To), "{key}");
        }
    }

    #[test]
    fn the_approver_of_a_use_follows_the_tier() {
        let met = every_condition();
        let roles: [&[Role]; 3] = [
            &[Role::UsageApprover],
            &[Role::SupervisingSecurityOfficer],
            &[Role::Ciso],
        ];
        for (tier, enough) in [
            (1, [false, false, true]),
            (2, [false, true, true]),
            (3, [true; 3]),
            (4, [true; 3]),
        ] {
            for (roles, enough) in roles.iter().zip(enough) {
                let actor = Some(Actor {
                    person_id: "approver",
                    roles,
                });
                let situation = Situation {
                    tier,
                    actor,
                    approvals: &[],
                    ..well_prepared(&met)
                };
                for (from, key, to) in [(UnderReview, "approve_use", Approved), (InUse, "renew_approval", InUse)] {
                    let taken = apply(KIND, from, key, &situation);
                    assert_eq!(
                        taken.as_ref().ok().copied(),
                        enough.then_some(to),
                        "{key}, tier {tier}, {roles:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn who_applied_does_not_approve() {
        let met = every_condition();
        let own = Situation {
            applicant_person_id: Some("approver"),
            ..well_prepared(&met)
        };
        for (from, key) in [(UnderReview, "approve_use"), (InUse, "renew_approval")] {
            let Err(Refusal::Unmet(unmet)) = apply(KIND, from, key, &own) else {
                panic!("{key}")
            };
            assert_eq!(
                unmet.iter().map(|unmet| unmet.code).collect::<Vec<_>>(),
                ["self_approval_forbidden"]
            );
        }
        assert_eq!(apply(KIND, Draft, "apply", &own), Ok(Applied));
    }

    #[test]
    fn a_service_on_standard_terms_is_refused_c2_whatever_else_is_shown() {
        let met = every_condition();
        let c2 = Situation {
            c2_on_standard_terms: true,
            ..well_prepared(&met)
        };
        let Err(Refusal::Unmet(unmet)) = apply(KIND, UnderReview, "approve_use", &c2) else {
            panic!("approved")
        };
        assert_eq!(
            unmet.iter().map(|unmet| unmet.code).collect::<Vec<_>>(),
            ["c2_on_standard_terms"]
        );
    }

    #[test]
    fn a_lapsed_approval_blocks_the_way_in_and_can_be_applied_for_again() {
        let met = every_condition();
        let lapsed = Situation {
            approval_valid_until: Some(day(2028, 3, 30)),
            ..well_prepared(&met)
        };
        assert!(matches!(
            apply(KIND, Approved, "start_onboarding", &lapsed),
            Err(Refusal::Unmet(_))
        ));
        assert_eq!(apply(KIND, Approved, "return_for_correction", &lapsed), Ok(Returned));
    }

    #[test]
    fn an_approval_lapses_into_a_flag_the_day_after_its_last() {
        let until = Some(day(2027, 6, 30));
        for (status, valid_until, as_of, lapsed) in [
            (InUse, until, day(2027, 6, 30), false),
            (InUse, until, day(2027, 7, 1), true),
            (Suspended, until, day(2027, 7, 1), true),
            (InUse, None, day(2027, 7, 1), true),
            (Draft, None, day(2027, 7, 1), false),
            (Offboarding, until, day(2027, 7, 1), false),
            (Retired, until, day(2027, 7, 1), false),
        ] {
            assert_eq!(approval_lapsed(status, valid_until, as_of), lapsed, "{status} {as_of}");
        }
    }
}
