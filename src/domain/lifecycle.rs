//! The three lifecycles: which statuses a kind of entry has, what leads from one to the next, who may take each
//! transition and what is still unmet. The policies ask that selection, contract, confirmation and end of a commissioned
//! work each *happened*; the tables keep that order (MIC guideline 8.1–8.4 and 6.1(22), design §9 "Phases").
//!
//! A [`Kind`] owns its table: one file per kind below this one. Named guards are [`Guard`]s; clause gates come from the
//! catalogue (`clause_gate.rs`), so a body's own clause blocks where its catalogue says. Nothing here knows the
//! database: a slice fills a [`Situation`], asks, and writes what was decided.

mod approval;
mod clause_gate;
mod cloud_service;
mod contractor_engagement;
mod gap;
mod guard;
mod situation;
mod social_media_account;
mod transition;
mod unmet;

pub use clause_gate::Since;
pub use cloud_service::approval_lapsed;
pub use gap::{gaps, standing_gaps};
pub use guard::Guard;
pub use situation::{Actor, Approval, Cause, Period, Precondition, Situation, Standing};
pub use social_media_account::{DORMANT_AFTER_DAYS, looks_dormant};
pub use transition::{Target, Transition, Who};
pub use unmet::Unmet;

use super::vocabulary::{Kind, LegalForm, Role, Status};

/// Everything one kind says about its life.
struct Lifecycle {
    statuses: &'static [Status],
    registrable: &'static [Status],
    transitions: &'static [Transition],
}

fn lifecycle(kind: Kind) -> &'static Lifecycle {
    match kind {
        Kind::ContractorEngagement => &contractor_engagement::LIFECYCLE,
        Kind::CloudService => &cloud_service::LIFECYCLE,
        Kind::SocialMediaAccount => &social_media_account::LIFECYCLE,
    }
}

/// That the acting person has none of the roles, said like everything else that stands against a transition.
pub fn role_required(roles: &[Role]) -> Unmet {
    Unmet::of_roles(
        "role_required",
        roles,
        "次のいずれかの役割の者が行います",
        "It is taken by one of",
    )
}

/// Why a transition was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing of this name leads from this status.
    NoSuchTransition,
    /// The acting person has none of these roles.
    NotAllowed {
        /// Who may.
        who: Who,
    },
    /// These conditions do not hold; never empty.
    Unmet(Vec<Unmet>),
}

/// Every status of a kind, in the order of its life, side and final ones last. New entries begin with the first.
pub fn statuses(kind: Kind) -> &'static [Status] {
    lifecycle(kind).statuses
}

/// The statuses in which a running thing may be registered directly (`registered_as_existing`): all in which a
/// contract, an approval or an account exists, none that is over.
pub fn registrable_statuses(kind: Kind) -> &'static [Status] {
    lifecycle(kind).registrable
}

/// Every transition of a kind, in the order of its life.
pub fn transitions(kind: Kind) -> &'static [Transition] {
    lifecycle(kind).transitions
}

/// The words of a kind's transitions: what a gate of the catalogue may name.
pub fn transition_keys(kind: Kind) -> Vec<&'static str> {
    transitions(kind).iter().map(|transition| transition.key).collect()
}

/// Who takes one of these is the applicant of the approvals that follow.
pub const APPLICATIONS: &[&str] = &["submit_for_selection", "apply", "resubmit"];

/// The name of a transition, in Japanese and English, as the legal form of the work calls it.
pub fn title(transition: &Transition, form: Option<LegalForm>) -> (&'static str, &'static str) {
    form.filter(|_| transition.kind == Kind::ContractorEngagement)
        .and_then(|form| contractor_engagement::title(transition.key, form))
        .unwrap_or((transition.ja, transition.en))
}

/// What exists from here.
pub fn transitions_from(kind: Kind, status: Status) -> impl Iterator<Item = &'static Transition> {
    transitions(kind)
        .iter()
        .filter(move |transition| transition.from.contains(&status))
}

/// The transition of this name that leads from this status.
pub fn transition(kind: Kind, from: Status, key: &str) -> Option<&'static Transition> {
    transitions_from(kind, from).find(|transition| transition.key == key)
}

/// What stands against taking the transition now: own guards, clause gates, separation of duties, the reason.
/// Empty means that anyone whom [`Transition::who`] names may take it.
pub fn unmet(transition: &Transition, situation: &Situation<'_>) -> Vec<Unmet> {
    let mut all = Vec::new();
    for guard in transition.guards {
        guard.check(situation, &mut all);
    }
    clause_gate::clause_gates(transition.kind, transition.key, situation, &mut all);
    if transition.needs_separate_approver {
        approval::separate_approver(situation, &mut all);
    }
    guard::reason_given(situation, &mut all);
    all
}

/// Takes the transition: the status afterwards, or why not. Without an acting person nothing is taken.
pub fn apply(kind: Kind, from: Status, key: &str, situation: &Situation<'_>) -> Result<Status, Refusal> {
    let transition = transition(kind, from, key).ok_or(Refusal::NoSuchTransition)?;
    if !situation.actor.is_some_and(|actor| transition.who.allows(actor.roles)) {
        return Err(Refusal::NotAllowed { who: transition.who });
    }
    let unmet = unmet(transition, situation);
    if unmet.is_empty() {
        Ok(transition.leads_to(from))
    } else {
        Err(Refusal::Unmet(unmet))
    }
}

#[cfg(test)]
mod tests {
    use super::situation::fixture::{day, every_condition, well_prepared};
    use super::*;
    use crate::domain::catalogue::Catalogue;
    use crate::domain::vocabulary::{CodeWord, Phase};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Takes nothing but the table into account: every role, every guard met.
    fn take(kind: Kind, from: Status, key: &str) -> Result<Status, Refusal> {
        apply(kind, from, key, &well_prepared(&every_condition()))
    }

    #[test]
    fn a_well_prepared_situation_passes_every_transition_of_the_tables() {
        for kind in Kind::ALL {
            for transition in transitions(*kind) {
                for from in transition.from {
                    assert_eq!(
                        take(*kind, *from, transition.key),
                        Ok(transition.leads_to(*from)),
                        "{}",
                        transition.key
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_refused() {
        let keys: BTreeSet<_> = Kind::ALL.iter().flat_map(|kind| transition_keys(*kind)).collect();
        for kind in Kind::ALL {
            for from in Status::ALL {
                for key in keys.iter().copied().chain(["", "no_such_transition", "SELECT"]) {
                    let listed = transitions(*kind).iter().any(|t| t.key == key && t.from.contains(from));
                    assert_eq!(
                        take(*kind, *from, key) == Err(Refusal::NoSuchTransition),
                        !listed,
                        "{kind} {from} {key}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_status_is_reachable_and_nothing_leads_out_of_a_final_one() {
        for kind in Kind::ALL {
            let mut reached = BTreeSet::from([Status::Draft]);
            for _ in statuses(*kind) {
                for transition in transitions(*kind) {
                    let from: Vec<_> = transition
                        .from
                        .iter()
                        .filter(|from| reached.contains(from))
                        .copied()
                        .collect();
                    reached.extend(from.into_iter().map(|from| transition.leads_to(from)));
                }
            }
            assert_eq!(reached, statuses(*kind).iter().copied().collect(), "{kind}");
            for status in statuses(*kind) {
                assert_eq!(
                    transitions_from(*kind, *status).next().is_none(),
                    status.is_final(),
                    "{kind} {status}"
                );
            }
        }
    }

    #[test]
    fn from_every_status_some_way_leads_to_an_end() {
        for kind in Kind::ALL {
            let mut ends: BTreeSet<_> = statuses(*kind)
                .iter()
                .copied()
                .filter(|status| status.is_final())
                .collect();
            for _ in statuses(*kind) {
                for transition in transitions(*kind) {
                    let from = transition.from.iter().copied();
                    let more: Vec<_> = from.filter(|from| ends.contains(&transition.leads_to(*from))).collect();
                    ends.extend(more);
                }
            }
            assert_eq!(ends, statuses(*kind).iter().copied().collect(), "{kind}");
        }
    }

    #[test]
    fn a_table_names_each_status_and_each_key_once_and_begins_with_the_draft() {
        for kind in Kind::ALL {
            let distinct: BTreeSet<_> = statuses(*kind).iter().collect();
            assert_eq!(distinct.len(), statuses(*kind).len());
            assert_eq!(statuses(*kind).first(), Some(&Status::Draft));
            let keys: BTreeSet<_> = transition_keys(*kind).into_iter().collect();
            assert_eq!(keys.len(), transitions(*kind).len());
            for transition in transitions(*kind) {
                assert_eq!(transition.kind, *kind);
                assert!(!transition.from.is_empty() && !transition.ja.is_empty() && !transition.en.is_empty());
                assert!(
                    !transition.who.roles().is_empty(),
                    "{} can be taken by nobody",
                    transition.key
                );
                for status in transition
                    .from
                    .iter()
                    .copied()
                    .chain(transition.from.iter().map(|s| transition.leads_to(*s)))
                {
                    assert!(
                        statuses(*kind).contains(&status),
                        "{} leaves {kind} for {status}",
                        transition.key
                    );
                }
            }
        }
    }

    #[test]
    fn a_running_thing_is_registered_in_a_status_of_its_kind_that_is_not_over() {
        for kind in Kind::ALL {
            for status in registrable_statuses(*kind) {
                assert!(
                    statuses(*kind).contains(status) && !status.is_final(),
                    "{kind} {status}"
                );
            }
        }
    }

    #[test]
    fn every_gate_of_the_catalogue_names_a_transition_of_its_kind() {
        let catalogue = Catalogue::embedded().unwrap();
        for clause in &catalogue.clauses {
            for (kind, gates) in &clause.gates {
                for gate in gates {
                    assert!(
                        transition_keys(*kind).contains(&gate.transition.as_str()),
                        "{} {}",
                        clause.key,
                        gate.transition
                    );
                }
            }
        }
    }

    #[test]
    fn the_end_of_use_can_begin_from_every_active_status() {
        for kind in Kind::ALL {
            let key = if *kind == Kind::CloudService {
                "begin_offboarding"
            } else {
                "begin_closing"
            };
            for status in statuses(*kind).iter().filter(|s| s.phase() == Phase::Active) {
                assert!(transition(*kind, *status, key).is_some(), "{kind} {status}");
            }
        }
    }

    #[test]
    fn a_person_without_the_role_is_refused_before_anything_is_said_about_the_entry() {
        for kind in Kind::ALL {
            for transition in transitions(*kind).iter().filter(|t| t.who != Who::Anyone) {
                let from = *transition.from.first().unwrap();
                let met = every_condition();
                let situation = well_prepared(&met);
                let others: Vec<Role> = Role::ALL
                    .iter()
                    .copied()
                    .filter(|role| !transition.who.roles().contains(role))
                    .collect();
                let stranger = Situation {
                    actor: Some(Actor {
                        person_id: "stranger",
                        roles: &others,
                    }),
                    ..situation
                };
                let refusal = Refusal::NotAllowed { who: transition.who };
                assert_eq!(apply(*kind, from, transition.key, &stranger), Err(refusal.clone()));
                let nobody = Situation {
                    actor: None,
                    ..situation
                };
                assert_eq!(apply(*kind, from, transition.key, &nobody), Err(refusal));
            }
        }
    }

    #[test]
    fn with_nothing_known_every_transition_says_what_is_missing() {
        let nothing = Situation::new(day(2027, 4, 1), &[], None);
        for kind in Kind::ALL {
            for transition in transitions(*kind) {
                let codes: Vec<_> = unmet(transition, &nothing)
                    .into_iter()
                    .map(|unmet| unmet.code)
                    .collect();
                assert!(codes.contains(&"reason_required"), "{}", transition.key);
            }
        }
    }

    proptest! {
        #[test]
        fn walking_allowed_transitions_never_leaves_the_statuses_of_the_kind(
            kind in proptest::sample::select(Kind::ALL), steps in proptest::collection::vec(any::<u16>(), 0..60),
        ) {
            let mut status = Status::Draft;
            for step in steps {
                let open: Vec<_> = transitions_from(kind, status).collect();
                if open.is_empty() {
                    prop_assert!(status.is_final());
                    break;
                }
                status = take(kind, status, open[usize::from(step) % open.len()].key).unwrap();
                prop_assert!(statuses(kind).contains(&status));
            }
        }
    }
}
