//! Who gets a step: roles become recipients, and what would reach nobody new goes upward.
//!
//! Pure: who holds a role today is the caller's answer. Rule: design §6 "Few mails" and domain §6.

use super::super::vocabulary::Role;

/// The recipients of a step, each once, with the role under which they get it.
///
/// A superior's role that is empty, or whose every holder already has the item, goes to the next role up. Owner and
/// deputy are one step: only when the mail would reach nobody does it go from the owner to the deputy and from there
/// to the section's manager and up. An empty answer means that no role above is filled either; `doctor` lists
/// unfilled roles, and the caller still has the department's mailbox.
pub fn resolve<R: Eq + Clone>(to: &[Role], holders: impl Fn(Role) -> Vec<R>) -> Vec<(Role, R)> {
    let mut found = Vec::new();
    let (owners, superiors): (Vec<Role>, Vec<Role>) = to.iter().partition(|role| is_ownership(**role));
    for role in &owners {
        add_holders(&mut found, *role, &holders);
    }
    for role in superiors {
        climb(&mut found, role, &holders);
    }
    if found.is_empty() && !owners.is_empty() && !add_holders(&mut found, Role::Deputy, &holders) {
        climb(&mut found, Role::SectionSecurityManager, &holders);
    }
    found
}

const fn is_ownership(role: Role) -> bool {
    matches!(role, Role::Owner | Role::Deputy)
}

fn climb<R: Eq + Clone>(found: &mut Vec<(Role, R)>, from: Role, holders: &impl Fn(Role) -> Vec<R>) {
    let mut role = Some(from);
    while let Some(at) = role {
        if add_holders(found, at, holders) {
            return;
        }
        role = at.next_up();
    }
}

/// Adds the holders that do not have the item yet; whether there were any.
fn add_holders<R: Eq + Clone>(found: &mut Vec<(Role, R)>, role: Role, holders: &impl Fn(Role) -> Vec<R>) -> bool {
    let before = found.len();
    for holder in holders(role) {
        if !found.iter().any(|(_, present)| *present == holder) {
            found.push((role, holder));
        }
    }
    found.len() > before
}

#[cfg(test)]
mod tests {
    use super::super::super::vocabulary::CodeWord;
    use super::*;
    use Role::{Ciso, Deputy, DivisionSecurityOfficer, Owner, SectionSecurityManager, SupervisingSecurityOfficer};
    use proptest::prelude::*;

    #[test]
    fn an_empty_or_repeated_role_goes_to_the_next_one_up() {
        type Holders = &'static [(Role, &'static [&'static str])];
        type Case<'a> = (Holders, &'a [Role], &'a [(Role, &'a str)]);
        const ALL: Holders = &[
            (Owner, &["owner"]),
            (Deputy, &["deputy"]),
            (SectionSecurityManager, &["section"]),
            (DivisionSecurityOfficer, &["division"]),
            (SupervisingSecurityOfficer, &["supervising"]),
            (Ciso, &["ciso"]),
        ];
        const OWNER_IS_MANAGER: Holders = &[
            (Owner, &["a"]),
            (Deputy, &["b"]),
            (SectionSecurityManager, &["a"]),
            (DivisionSecurityOfficer, &["c"]),
        ];
        const NO_OWNER: Holders = &[(Deputy, &["b"]), (SectionSecurityManager, &["s"])];
        const NEITHER: Holders = &[(DivisionSecurityOfficer, &["c", "d"]), (Ciso, &["z"])];
        const ONE_AT_THE_TOP: Holders = &[(Owner, &["a"]), (SupervisingSecurityOfficer, &["z"]), (Ciso, &["z"])];
        const ONLY_CISO: Holders = &[(Owner, &["a"]), (Ciso, &["z"])];
        let table: &[Case<'_>] = &[
            (ALL, &[Owner], &[(Owner, "owner")]),
            (ALL, &[Owner, Deputy], &[(Owner, "owner"), (Deputy, "deputy")]),
            (
                ALL,
                &[Owner, SectionSecurityManager],
                &[(Owner, "owner"), (SectionSecurityManager, "section")],
            ),
            (
                ALL,
                &[SupervisingSecurityOfficer, Ciso],
                &[(SupervisingSecurityOfficer, "supervising"), (Ciso, "ciso")],
            ),
            (
                OWNER_IS_MANAGER,
                &[Owner, SectionSecurityManager],
                &[(Owner, "a"), (DivisionSecurityOfficer, "c")],
            ),
            (
                OWNER_IS_MANAGER,
                &[Owner, Deputy, SectionSecurityManager],
                &[(Owner, "a"), (Deputy, "b"), (DivisionSecurityOfficer, "c")],
            ),
            (NO_OWNER, &[Owner], &[(Deputy, "b")]),
            (NO_OWNER, &[Owner, Deputy], &[(Deputy, "b")]),
            (
                NO_OWNER,
                &[Owner, SectionSecurityManager],
                &[(SectionSecurityManager, "s")],
            ),
            (
                NEITHER,
                &[Owner, Deputy],
                &[(DivisionSecurityOfficer, "c"), (DivisionSecurityOfficer, "d")],
            ),
            (NEITHER, &[Owner, SupervisingSecurityOfficer, Ciso], &[(Ciso, "z")]),
            (
                ONE_AT_THE_TOP,
                &[Owner, SupervisingSecurityOfficer, Ciso],
                &[(Owner, "a"), (SupervisingSecurityOfficer, "z")],
            ),
            (
                ONLY_CISO,
                &[Owner, SectionSecurityManager],
                &[(Owner, "a"), (Ciso, "z")],
            ),
            (ONLY_CISO, &[Role::SystemManager], &[(Ciso, "z")]),
            (&[], &[Owner, Deputy], &[]),
        ];
        for (holders, to, expected) in table {
            let holding = |role| {
                holders
                    .iter()
                    .filter(|(held, _)| *held == role)
                    .flat_map(|(_, who)| who.iter().copied())
                    .collect::<Vec<_>>()
            };
            assert_eq!(resolve(to, holding), *expected, "{to:?} of {holders:?}");
        }
    }

    proptest! {
        #[test]
        fn everybody_gets_a_step_once_and_somebody_gets_it_if_the_top_is_filled(
            people in prop::collection::vec((prop::sample::select(Role::ALL), 0..5u8), 0..8),
            to in prop::collection::vec(prop::sample::select(Role::ALL), 1..5),
        ) {
            let holding = |role| people.iter().filter(|(held, _)| *held == role).map(|(_, who)| *who).collect();
            let found = resolve(&to, holding);
            for (n, (role, who)) in found.iter().enumerate() {
                prop_assert!(people.contains(&(*role, *who)));
                prop_assert!(found[..n].iter().all(|(_, earlier)| earlier != who));
            }
            prop_assert!(!found.is_empty() || people.iter().all(|(role, _)| *role != Ciso));
        }
    }
}
