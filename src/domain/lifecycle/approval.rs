//! Whose approval a transition needs, and that one person is not two: applicant ≠ approver, and a confirmation is
//! another person's (MIC guideline, organization: 兼務の禁止).
//!
//! Compared by person, never by API client. A double role that cannot be avoided (a secretariat of two) passes with a
//! written reason. A decision recorded from elsewhere without a person counts as somebody else's.

use super::situation::{Situation, is_written};
use super::unmet::Unmet;
use crate::domain::vocabulary::Role;

/// A role of the entry's tier has approved: the acting person by acting, or somebody other than the applicant before.
pub(super) fn approved_for_tier(on: &Situation<'_>, [first, second, third, fourth]: &[&[Role]; 4]) -> Option<Unmet> {
    let roles = match on.tier {
        2 => second,
        3 => third,
        4 => fourth,
        _ => first,
    };
    let approved = on.actor_has_one_of(roles) || given_apart_from(on.applicant_person_id, roles, on);
    let (ja, en) = ("承認が必要です", "Needs the approval of one of");
    (!approved).then(|| Unmet::of_roles("approval_missing", roles, ja, en))
}

/// Somebody other than the acting person has confirmed.
pub(super) fn confirmed_by_another(on: &Situation<'_>, roles: &[Role]) -> Option<Unmet> {
    let confirmed = given_apart_from(on.actor.map(|actor| actor.person_id), roles, on);
    let (ja, en) = ("別の者の確認が必要です", "Needs another person's confirmation, one of");
    (!confirmed).then(|| Unmet::of_roles("confirmation_missing", roles, ja, en))
}

/// Applicant ≠ approver, by person. Where either is not recorded there is nothing to compare.
pub(super) fn separate_approver(on: &Situation<'_>, unmet: &mut Vec<Unmet>) {
    let actor = on.actor.map(|actor| actor.person_id);
    if actor.is_some() && actor == on.applicant_person_id && !is_written(on.double_role_reason) {
        unmet.push(Unmet::new(
            "self_approval_forbidden",
            "申請した本人は承認できません。やむを得ない兼務のときは、その理由を記録してください。",
            "The applicant may not approve. Record the reason if the double role cannot be avoided.",
        ));
    }
}

fn given_apart_from(other: Option<&str>, roles: &[Role], on: &Situation<'_>) -> bool {
    on.approvals
        .iter()
        .filter(|approval| roles.contains(&approval.role))
        .any(|approval| {
            approval.person_id.is_none() || approval.person_id != other || is_written(on.double_role_reason)
        })
}

#[cfg(test)]
mod tests {
    use super::super::guard::Guard;
    use super::super::situation::fixture::{every_condition, well_prepared};
    use super::super::situation::{Actor, Approval};
    use super::*;

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
    fn the_tier_decides_whose_approval_is_enough() {
        let all = every_condition();
        let manager = Situation {
            actor: Some(Actor {
                person_id: "manager",
                roles: MANAGER,
            }),
            approvals: &[],
            ..well_prepared(&all)
        };
        for (tier, enough) in [(1, false), (2, false), (3, true), (4, true), (0, false), (9, false)] {
            assert_eq!(
                codes(Guard::ApprovedForTier(&TIERS), &Situation { tier, ..manager }).is_empty(),
                enough,
                "{tier}"
            );
        }
        let ciso = [Approval {
            role: Role::Ciso,
            person_id: None,
        }];
        let attached = Situation {
            tier: 1,
            approvals: &ciso,
            ..manager
        };
        assert!(codes(Guard::ApprovedForTier(&TIERS), &attached).is_empty());
        let own = [Approval {
            role: Role::Ciso,
            person_id: Some("applicant"),
        }];
        assert_eq!(
            codes(
                Guard::ApprovedForTier(&TIERS),
                &Situation {
                    approvals: &own,
                    ..attached
                }
            ),
            ["approval_missing"]
        );
    }

    #[test]
    fn one_person_is_not_two_unless_the_double_role_is_explained() {
        let all = every_condition();
        let own = [Approval {
            role: Role::SectionSecurityManager,
            person_id: Some("approver"),
        }];
        let alone = Situation {
            applicant_person_id: Some("approver"),
            approvals: &own,
            ..well_prepared(&all)
        };
        let explained = Situation {
            double_role_reason: Some("事務局は2名のため"),
            ..alone
        };
        let said = |situation: &Situation<'_>| {
            let mut unmet = Vec::new();
            separate_approver(situation, &mut unmet);
            unmet.into_iter().map(|unmet| unmet.code).collect::<Vec<_>>()
        };
        assert_eq!(said(&alone), ["self_approval_forbidden"]);
        assert_eq!(
            said(&Situation {
                double_role_reason: Some(" 　"),
                ..alone
            }),
            ["self_approval_forbidden"]
        );
        assert_eq!(codes(Guard::ConfirmedBy(MANAGER), &alone), ["confirmation_missing"]);
        assert!(said(&explained).is_empty());
        assert!(codes(Guard::ConfirmedBy(MANAGER), &explained).is_empty());
        assert!(
            said(&Situation {
                actor: None,
                applicant_person_id: None,
                ..alone
            })
            .is_empty()
        );
    }
}
