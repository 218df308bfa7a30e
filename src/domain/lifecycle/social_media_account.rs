//! The life of an official social-media account: apply with the operating procedure, open under the section's own
//! address, show that it is genuine, survive a takeover, close in public (MIC guideline 6.1(22)).
//!
//! `draft → applied → approved → provisioned → operating ⇄ dormant`, `operating → compromised → operating | suspended`,
//! `→ closing → closed`, aside `rejected`. Clause gates are the catalogue's; guards are explained in [`super::guard`].

use super::clause_gate::Since;
use super::contractor_engagement::SECTION;
use super::guard::Guard;
use super::situation::Cause;
use super::situation::Precondition::{
    AccountDeletedOrLocked, AccountExists, AudienceGiven, ClosingAnnounced, ContentGiven, CorrectiveActionsClosed,
    CredentialsChanged, HandleGiven, HoursGiven, LinkedAppsReviewed, ListedOnOfficialSite, NoticePublished,
    OfficialMailAddress, OfficialSiteListUpdated, PostersNamed, PublicRelationsConsulted, PurposeGiven, ServiceNamed,
    UrlGiven,
};
use super::{Lifecycle, Target, Transition};
use crate::domain::vocabulary::{Kind, Role, Status};
use chrono::{NaiveDate, TimeDelta};

const KIND: Kind = Kind::SocialMediaAccount;

/// After how many days without a post an account counts as dormant, unless the profile says otherwise.
pub const DORMANT_AFTER_DAYS: i32 = 180;

/// The responsible person of the account, or who stands in.
const OWNER: &[Role] = &[Role::SocialAccountOwner, Role::Owner, Role::Deputy];
/// Who may approve an opening at all; [`APPROVERS`] narrows it by tier.
const APPROVER: &[Role] = &[
    Role::DivisionSecurityOfficer,
    Role::SupervisingSecurityOfficer,
    Role::Ciso,
];
/// Approval by inherent tier.
const APPROVERS: [&[Role]; 4] = [
    &[Role::Ciso],
    &[Role::SupervisingSecurityOfficer, Role::Ciso],
    APPROVER,
    APPROVER,
];
/// The clause on credentials and users of the account.
const CREDENTIALS: &str = "social-credential-management";

pub(super) static LIFECYCLE: Lifecycle = Lifecycle {
    statuses: &[
        Status::Draft,
        Status::Applied,
        Status::Approved,
        Status::Provisioned,
        Status::Operating,
        Status::Dormant,
        Status::Compromised,
        Status::Suspended,
        Status::Closing,
        Status::Closed,
        Status::Rejected,
    ],
    registrable: &[
        Status::Provisioned,
        Status::Operating,
        Status::Dormant,
        Status::Suspended,
        Status::Closing,
    ],
    transitions: &[
        row(
            "apply",
            "開設を申請する",
            "Apply for opening",
            &[Status::Draft],
            Target::To(Status::Applied),
        )
        .by(SECTION)
        .guarded(&[
            Guard::Is(ServiceNamed),
            Guard::Is(HandleGiven),
            Guard::Is(UrlGiven),
            Guard::Is(PurposeGiven),
            Guard::Is(AudienceGiven),
            Guard::Is(ContentGiven),
            Guard::Is(PostersNamed),
            Guard::Is(HoursGiven),
        ]),
        row(
            "approve_opening",
            "開設を承認する",
            "Approve the opening",
            &[Status::Applied],
            Target::To(Status::Approved),
        )
        .by(APPROVER)
        .approving()
        .guarded(&[Guard::ApprovedForTier(&APPROVERS), Guard::Is(PublicRelationsConsulted)]),
        // From `approved` too: while no account exists, an approval that is not used can be taken back.
        row(
            "reject",
            "承認しない",
            "Reject",
            &[Status::Applied, Status::Approved],
            Target::To(Status::Rejected),
        )
        .by(APPROVER),
        row(
            "provision",
            "開設を準備する",
            "Provision",
            &[Status::Approved],
            Target::To(Status::Provisioned),
        )
        .by(OWNER)
        .guarded(&[Guard::Is(AccountExists), Guard::Is(OfficialMailAddress)]),
        row(
            "start_operation",
            "運用を始める",
            "Start operation",
            &[Status::Provisioned],
            Target::To(Status::Operating),
        )
        .by(OWNER)
        .guarded(&[Guard::Is(ListedOnOfficialSite), Guard::DelegationLive, Guard::DataPath]),
        // The flag comes by itself (`looks_dormant`); whether the account rests is a person's decision, at any time.
        row(
            "mark_dormant",
            "休眠とする",
            "Mark dormant",
            &[Status::Operating],
            Target::To(Status::Dormant),
        )
        .by(OWNER),
        row(
            "reactivate",
            "運用を再開する",
            "Reactivate",
            &[Status::Dormant],
            Target::To(Status::Operating),
        )
        .by(OWNER)
        .guarded(&[
            Guard::VerifiedSince(CREDENTIALS, Since::StatusEntered),
            Guard::DelegationLive,
            Guard::DataPath,
        ]),
        // A resting account is the one taken over most easily.
        row(
            "report_compromise",
            "乗っ取りを報告する",
            "Report a compromise",
            &[Status::Operating, Status::Dormant],
            Target::To(Status::Compromised),
        ),
        row(
            "recover",
            "乗っ取りから復旧する",
            "Recover",
            &[Status::Compromised],
            Target::To(Status::Operating),
        )
        .by(OWNER)
        .guarded(&[
            Guard::Is(CredentialsChanged),
            Guard::Is(LinkedAppsReviewed),
            Guard::Is(NoticePublished),
            Guard::ConfirmedBy(&[Role::Csirt, Role::SupervisingSecurityOfficer, Role::Ciso]),
            Guard::DelegationLive,
        ]),
        row(
            "suspend",
            "運用を停止する",
            "Suspend",
            &[Status::Operating, Status::Compromised],
            Target::To(Status::Suspended),
        )
        .by(&[
            Role::DivisionSecurityOfficer,
            Role::Csirt,
            Role::SocialAccountOwner,
            Role::Owner,
        ])
        .guarded(&[Guard::CauseIn(&[
            Cause::Incident,
            Cause::Misuse,
            Cause::UnremediedBreach,
            Cause::TermsChange,
        ])]),
        // The way round `recover` asks no less: credentials anew, corrective actions of the incident closed.
        row(
            "resume",
            "停止を解く",
            "Resume",
            &[Status::Suspended],
            Target::To(Status::Operating),
        )
        .by(&[Role::DivisionSecurityOfficer])
        .guarded(&[
            Guard::VerifiedSince(CREDENTIALS, Since::StatusEntered),
            Guard::Is(CorrectiveActionsClosed),
            Guard::DelegationLive,
        ]),
        // From `provisioned` too: the account exists already.
        row(
            "begin_closing",
            "終了手続を始める",
            "Begin closing",
            &[
                Status::Provisioned,
                Status::Operating,
                Status::Dormant,
                Status::Compromised,
                Status::Suspended,
            ],
            Target::To(Status::Closing),
        )
        .by(OWNER)
        .guarded(&[Guard::Is(ClosingAnnounced)]),
        row(
            "complete_closing",
            "終了する",
            "Complete closing",
            &[Status::Closing],
            Target::To(Status::Closed),
        )
        .by(OWNER)
        .guarded(&[
            Guard::Is(AccountDeletedOrLocked),
            Guard::Is(OfficialSiteListUpdated),
            Guard::DelegationEnded,
        ]),
    ],
};

const fn row(key: &'static str, ja: &'static str, en: &'static str, from: &'static [Status], to: Target) -> Transition {
    Transition::new(KIND, key, ja, en, from, to)
}

/// Nobody has posted for `after_days` days: a flag for the owner, who decides. Counted from the start of operation
/// while nothing was posted.
pub fn looks_dormant(
    status: Status,
    last_posted_on: Option<NaiveDate>,
    started_on: NaiveDate,
    after_days: i32,
    as_of: NaiveDate,
) -> bool {
    let last = last_posted_on.unwrap_or(started_on);
    status == Status::Operating
        && last
            .checked_add_signed(TimeDelta::days(after_days.into()))
            .is_some_and(|from| from <= as_of)
}

#[cfg(test)]
mod tests {
    use super::super::situation::fixture::{day, every_condition, well_prepared};
    use super::super::{Actor, Refusal, Situation, Who, apply, transition_keys, transitions};
    use super::*;
    use Status::{
        Applied, Approved, Closed, Closing, Compromised, Dormant, Draft, Operating, Provisioned, Rejected, Suspended,
    };

    #[test]
    fn the_table_is_the_one_of_the_rules() {
        let expected: &[(&str, &[Status], Status)] = &[
            ("apply", &[Draft], Applied),
            ("approve_opening", &[Applied], Approved),
            ("reject", &[Applied, Approved], Rejected),
            ("provision", &[Approved], Provisioned),
            ("start_operation", &[Provisioned], Operating),
            ("mark_dormant", &[Operating], Dormant),
            ("reactivate", &[Dormant], Operating),
            ("report_compromise", &[Operating, Dormant], Compromised),
            ("recover", &[Compromised], Operating),
            ("suspend", &[Operating, Compromised], Suspended),
            ("resume", &[Suspended], Operating),
            (
                "begin_closing",
                &[Provisioned, Operating, Dormant, Compromised, Suspended],
                Closing,
            ),
            ("complete_closing", &[Closing], Closed),
        ];
        assert_eq!(
            transition_keys(KIND),
            expected.iter().map(|row| row.0).collect::<Vec<_>>()
        );
        for (key, from, to) in expected {
            let row = transitions(KIND).iter().find(|row| row.key == *key).unwrap();
            assert_eq!(row.from, *from, "{key}");
            assert_eq!(row.to, Target::To(*to), "{key}");
        }
    }

    #[test]
    fn anyone_may_report_a_takeover_and_nobody_else_is_anyone() {
        let met = every_condition();
        let passer_by = Situation {
            actor: Some(Actor {
                person_id: "passer-by",
                roles: &[],
            }),
            ..well_prepared(&met)
        };
        assert_eq!(apply(KIND, Operating, "report_compromise", &passer_by), Ok(Compromised));
        let open: Vec<_> = transitions(KIND)
            .iter()
            .filter(|row| row.who == Who::Anyone)
            .map(|row| row.key)
            .collect();
        assert_eq!(open, ["report_compromise"]);
    }

    #[test]
    fn an_account_comes_back_with_new_credentials_reviewed_apps_a_notice_and_csirt() {
        let owner = Some(Actor {
            person_id: "owner",
            roles: &[Role::SocialAccountOwner],
        });
        for lacking in [CredentialsChanged, LinkedAppsReviewed, NoticePublished] {
            let met: Vec<_> = every_condition()
                .into_iter()
                .filter(|condition| *condition != lacking)
                .collect();
            let situation = Situation {
                actor: owner,
                ..well_prepared(&met)
            };
            assert!(
                matches!(apply(KIND, Compromised, "recover", &situation), Err(Refusal::Unmet(_))),
                "{lacking}"
            );
        }
        let met = every_condition();
        let situation = Situation {
            actor: owner,
            ..well_prepared(&met)
        };
        assert_eq!(apply(KIND, Compromised, "recover", &situation), Ok(Operating));
        let alone = Situation {
            approvals: &[],
            ..situation
        };
        assert!(matches!(
            apply(KIND, Compromised, "recover", &alone),
            Err(Refusal::Unmet(_))
        ));
    }

    #[test]
    fn an_account_run_by_a_contractor_operates_only_while_the_engagement_is_in_performance() {
        let met = every_condition();
        let ways_in = [
            (Provisioned, "start_operation"),
            (Dormant, "reactivate"),
            (Compromised, "recover"),
            (Suspended, "resume"),
        ];
        for (from, key) in ways_in {
            for (linked_engagement, live) in [
                (None, false),
                (Some(Status::Contracted), false),
                (Some(Closed), false),
                (Some(Status::InPerformance), true),
            ] {
                let situation = Situation {
                    operation_delegated: true,
                    linked_engagement,
                    ..well_prepared(&met)
                };
                assert_eq!(
                    apply(KIND, from, key, &situation).is_ok(),
                    live,
                    "{key} {linked_engagement:?}"
                );
            }
        }
    }

    #[test]
    fn the_dormancy_flag_comes_after_the_days_without_a_post() {
        let started = day(2027, 4, 1);
        for (status, last, as_of, flagged) in [
            (Operating, Some(day(2027, 5, 1)), day(2027, 10, 27), false),
            (Operating, Some(day(2027, 5, 1)), day(2027, 10, 28), true),
            (Operating, None, day(2027, 9, 28), true),
            (Dormant, None, day(2028, 4, 1), false),
        ] {
            assert_eq!(
                looks_dormant(status, last, started, DORMANT_AFTER_DAYS, as_of),
                flagged,
                "{status} {as_of}"
            );
        }
    }
}
