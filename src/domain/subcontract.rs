//! Subcontracting (再委託): the chain below a contractor, and what permits each of its tiers.
//!
//! Whoever hands work on needs the permission of the body that gave the work out first, at every tier; for My Number
//! that is the law (番号法10条), and no exception replaces it. A tier ends with the one above it at the latest.
//! How a register entry stands against its chain: [`contradiction`] and [`unpermitted`].

use chrono::NaiveDate;

use super::facts::Subcontracting;
use super::vocabulary::code_words;

code_words! {
    /// Where a subcontract stands.
    SubcontractState {
        Requested = "requested", "申請中";
        Approved = "approved", "承認済み";
        Rejected = "rejected", "不承認";
        Ended = "ended", "終了";
    }
}

/// One subcontract as far as the rules need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subcontract {
    /// Id.
    pub id: String,
    /// The one above; `None`: directly under the contractor.
    pub parent_id: Option<String>,
    /// 1 directly under the contractor, 2 below that …
    pub tier: i32,
    /// The company.
    pub contractor_id: String,
    /// Where it stands.
    pub state: SubcontractState,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// My Number goes down this far.
    pub handles_specific_personal_information: bool,
}

impl Subcontract {
    /// Neither refused nor over.
    pub fn is_live(&self, on: NaiveDate) -> bool {
        match self.state {
            SubcontractState::Requested => true,
            SubcontractState::Approved => on <= self.ends_on,
            SubcontractState::Rejected | SubcontractState::Ended => false,
        }
    }

    /// Permitted on this day.
    pub fn is_permitted(&self, on: NaiveDate) -> bool {
        self.state == SubcontractState::Approved && on <= self.ends_on
    }

    /// Work goes on under it on this day: begun, and neither refused nor ended. What has outlived its last day without
    /// being ended still counts.
    pub fn is_at_work(&self, on: NaiveDate) -> bool {
        self.starts_on <= on && matches!(self.state, SubcontractState::Requested | SubcontractState::Approved)
    }
}

/// Those that are at work without a permission that holds.
pub fn unpermitted(chain: &[Subcontract], on: NaiveDate) -> impl Iterator<Item = &Subcontract> {
    chain
        .iter()
        .filter(move |one| one.is_at_work(on) && !one.is_permitted(on))
}

/// Whether more is handed on than the facts of the entry say.
pub fn contradiction(chain: &[Subcontract], said: Option<Subcontracting>, on: NaiveDate) -> bool {
    let deepest = chain.iter().filter(|one| one.is_at_work(on)).map(|one| one.tier).max();
    match (said, deepest) {
        (Some(Subcontracting::None), Some(1..)) | (Some(Subcontracting::OneTier), Some(2..)) => true,
        // What nobody has said counts as the worst already.
        _ => false,
    }
}

/// The companies from a subcontract up to the contractor, itself first. A chain is never longer than it has members.
pub fn ancestors<'c>(chain: &'c [Subcontract], id: &str) -> Vec<&'c Subcontract> {
    let mut found = vec![];
    let mut at = chain.iter().find(|one| one.id == id);
    while let Some(one) = at.filter(|_| found.len() < chain.len()) {
        found.push(one);
        at = one
            .parent_id
            .as_deref()
            .and_then(|parent| chain.iter().find(|other| other.id == parent));
    }
    found
}

/// A chain in the order of a tree: each one behind the one above it, with its place, `2-1` for the first below the
/// second. The order of the input is that of brothers; what names nobody above in the chain stands at the top.
pub fn tree(chain: &[(String, Option<String>)]) -> Vec<(String, String)> {
    let known = |id: &String| chain.iter().any(|(other, _)| other == id);
    let mut ordered = vec![];
    below(chain, &|above| !above.as_ref().is_some_and(known), "", &mut ordered);
    ordered
}

fn below(
    chain: &[(String, Option<String>)],
    is_child: &dyn Fn(&Option<String>) -> bool,
    prefix: &str,
    ordered: &mut Vec<(String, String)>,
) {
    let children = chain.iter().filter(|(_, above)| is_child(above));
    for (number, (id, _)) in (1..).zip(children) {
        let place = format!("{prefix}{number}");
        ordered.push((id.clone(), place.clone()));
        // A chain has no circle; should one be written, it ends here.
        if ordered.len() <= chain.len() {
            below(
                chain,
                &|above| above.as_ref() == Some(id),
                &format!("{place}-"),
                ordered,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_ordered_as_a_tree() {
        let chain = [
            ("a", None),
            ("b", None),
            ("c", Some("a")),
            ("d", Some("c")),
            ("e", Some("a")),
            ("f", Some("gone")),
        ];
        let chain = chain.map(|(id, above)| (id.to_owned(), above.map(str::to_owned)));
        let ordered = tree(&chain);
        let ordered: Vec<String> = ordered.into_iter().map(|(id, place)| format!("{id} {place}")).collect();
        assert_eq!(ordered, ["a 1", "c 1-1", "d 1-1-1", "e 1-2", "b 2", "f 3"]);
    }
    use crate::domain::vocabulary::CodeWord;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn one(id: &str, parent: Option<&str>, tier: i32, state: SubcontractState) -> Subcontract {
        Subcontract {
            id: id.to_owned(),
            parent_id: parent.map(str::to_owned),
            tier,
            contractor_id: format!("company {id}"),
            state,
            starts_on: day("2027-04-01"),
            ends_on: day("2027-09-30"),
            handles_specific_personal_information: false,
        }
    }

    #[test]
    fn a_permission_holds_to_its_last_day_and_work_goes_on_until_it_is_ended() {
        use SubcontractState::{Approved, Ended, Rejected, Requested};
        let cases = [
            // state, day, live, permitted, at work
            (Requested, "2027-03-31", true, false, false),
            (Requested, "2027-04-01", true, false, true),
            (Approved, "2027-03-31", true, true, false),
            (Approved, "2027-09-30", true, true, true),
            (Approved, "2027-10-01", false, false, true),
            (Rejected, "2027-05-01", false, false, false),
            (Ended, "2027-05-01", false, false, false),
        ];
        for (state, on, live, permitted, at_work) in cases {
            let one = one("a", None, 1, state);
            let found = (one.is_live(day(on)), one.is_permitted(day(on)), one.is_at_work(day(on)));
            assert_eq!(found, (live, permitted, at_work), "{state} {on}");
            let listed = unpermitted(std::slice::from_ref(&one), day(on)).count() == 1;
            assert_eq!(listed, at_work && !permitted, "{state} {on}");
        }
    }

    #[test]
    fn the_facts_are_contradicted_by_a_deeper_chain_only() {
        let on = day("2027-05-01");
        for (deepest, none, one_tier) in [(0, false, false), (1, true, false), (2, true, true), (3, true, true)] {
            let chain: Vec<_> = (1..=deepest)
                .map(|tier| one(&tier.to_string(), None, tier, SubcontractState::Approved))
                .collect();
            let said = |said| contradiction(&chain, said, on);
            assert_eq!(said(Some(Subcontracting::None)), none, "{deepest}");
            assert_eq!(said(Some(Subcontracting::OneTier)), one_tier, "{deepest}");
            assert!(!said(Some(Subcontracting::MultiTier)) && !said(Some(Subcontracting::Unknown)) && !said(None));
        }
        for state in SubcontractState::ALL {
            let ended = matches!(state, SubcontractState::Rejected | SubcontractState::Ended);
            let chain = [one("a", None, 1, *state)];
            assert_eq!(contradiction(&chain, Some(Subcontracting::None), on), !ended, "{state}");
        }
    }

    #[test]
    fn a_chain_is_followed_to_the_contractor_and_no_further() {
        let chain = [
            one("c", Some("b"), 3, SubcontractState::Approved),
            one("a", None, 1, SubcontractState::Approved),
            one("b", Some("a"), 2, SubcontractState::Approved),
            // Rows that point at each other must not hang the server.
            one("x", Some("y"), 1, SubcontractState::Approved),
            one("y", Some("x"), 2, SubcontractState::Approved),
        ];
        let ids = |id| {
            ancestors(&chain, id)
                .iter()
                .map(|one| one.id.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids("c"), ["c", "b", "a"]);
        assert_eq!(ids("a"), ["a"]);
        assert_eq!(ids("nobody"), [""; 0]);
        assert_eq!(ids("x").len(), chain.len());
    }
}
