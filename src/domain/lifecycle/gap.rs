//! What a thing that was already running when it was registered still lacks: the guards that it never passed.
//!
//! It stands in its true state, so nobody can refuse it any more; what every step on the way there would have asked for
//! is a gap instead, with a due date. Steps ask for two sorts of things. What is true of the thing (its clauses, its
//! facts, its records) can be made good. Who decided, when and why is history that nobody can make good, so approvals,
//! reasons and causes are no gaps.

use std::collections::{BTreeMap, VecDeque};

use super::{Target, Transition, Unmet, guard::Guard, situation::Situation, transitions, unmet};
use crate::domain::vocabulary::{Kind, Phase, Status};

/// The shortest way from the draft to a status; empty for the draft itself and for what cannot be reached.
fn way(kind: Kind, to: Status) -> Vec<&'static Transition> {
    let mut before: BTreeMap<Status, &'static Transition> = BTreeMap::new();
    let mut came_from: BTreeMap<Status, Status> = BTreeMap::new();
    let mut open = VecDeque::from([Status::Draft]);
    while let Some(from) = open.pop_front() {
        for transition in transitions(kind).iter().filter(|t| t.from.contains(&from)) {
            let Target::To(next) = transition.to else { continue };
            if next != Status::Draft && !before.contains_key(&next) {
                before.insert(next, transition);
                came_from.insert(next, from);
                open.push_back(next);
            }
        }
    }
    let (mut found, mut at) = (vec![], to);
    while let Some(transition) = before.get(&at) {
        found.push(*transition);
        at = came_from.get(&at).copied().unwrap_or(Status::Draft);
    }
    found.reverse();
    found
}

/// What is still missing of all that the steps to `status` ask for, each thing once, in the order of the steps.
pub fn gaps(kind: Kind, status: Status, situation: &Situation<'_>) -> Vec<Unmet> {
    let mut found: Vec<Unmet> = vec![];
    for transition in way(kind, status) {
        for one in unmet(transition, situation) {
            let can_be_made_good = one.roles.is_empty() && !one.in_request && one.code != "self_approval_forbidden";
            if can_be_made_good && !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

/// What a thing in operation may lack at any time, however it came there: the ways of what citizens send.
pub fn standing_gaps(kind: Kind, status: Status, situation: &Situation<'_>) -> Vec<Unmet> {
    let mut found = vec![];
    if kind == Kind::SocialMediaAccount && status.phase() == Phase::Active {
        Guard::DataPath.check(situation, &mut found);
        Guard::DelegationLive.check(situation, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::situation::fixture::{day, every_condition, well_prepared};
    use super::super::{Precondition, registrable_statuses};
    use super::*;
    use crate::domain::vocabulary::CodeWord;

    fn keys(kind: Kind, to: Status) -> Vec<&'static str> {
        way(kind, to).iter().map(|transition| transition.key).collect()
    }

    #[test]
    fn the_way_is_the_shortest_of_the_table() {
        let engagement = Kind::ContractorEngagement;
        assert_eq!(keys(engagement, Status::Draft), [""; 0]);
        let begun = [
            "submit_for_selection",
            "select",
            "conclude_contract",
            "start_performance",
        ];
        assert_eq!(keys(engagement, Status::InPerformance), begun);
        assert_eq!(keys(engagement, Status::Contracted), begun[..3]);
        assert_eq!(
            keys(Kind::SocialMediaAccount, Status::Operating),
            ["apply", "approve_opening", "provision", "start_operation"]
        );
    }

    #[test]
    fn every_status_that_can_be_registered_has_a_way_and_nothing_is_missing_when_all_is_shown() {
        let met = every_condition();
        for kind in Kind::ALL {
            for status in registrable_statuses(*kind) {
                assert!(!way(*kind, *status).is_empty(), "{kind} {status}");
                assert_eq!(gaps(*kind, *status, &well_prepared(&met)), [], "{kind} {status}");
            }
        }
    }

    #[test]
    fn what_is_true_of_the_thing_is_a_gap_and_who_decided_is_not() {
        let bare = Situation::new(day(2027, 4, 1), &[], None);
        for kind in Kind::ALL {
            for status in registrable_statuses(*kind) {
                let found = gaps(*kind, *status, &bare);
                assert!(!found.is_empty(), "{kind} {status}");
                for gap in &found {
                    assert!(gap.roles.is_empty() && !gap.in_request, "{kind} {status} {}", gap.code);
                    let stated = Precondition::ALL
                        .iter()
                        .any(|c| c.is_stated() && gap.item.as_deref() == Some(c.code()));
                    assert!(!stated, "{kind} {status} {:?}", gap.item);
                }
                let mut once = found.clone();
                once.dedup();
                assert_eq!(once.len(), found.len());
            }
        }
    }

    #[test]
    fn an_account_in_operation_needs_its_data_path_and_its_contractor_all_the_time() {
        let bare = Situation::new(day(2027, 4, 1), &[], None);
        let found = standing_gaps(Kind::SocialMediaAccount, Status::Operating, &bare);
        let codes: Vec<_> = found.iter().map(|gap| gap.code).collect();
        assert_eq!(codes, ["data_path_missing", "condition_unmet"]);
        assert_eq!(standing_gaps(Kind::SocialMediaAccount, Status::Closing, &bare), []);
        assert_eq!(standing_gaps(Kind::CloudService, Status::InUse, &bare), []);
    }
}
