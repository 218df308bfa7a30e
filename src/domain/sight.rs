//! What somebody who signed in may see: which role opens which room, and how far a role looks.
//!
//! A role that is held for a department looks at what that department and those below it are in charge of; held for a
//! whole organization it looks at all of it. Beside that everybody sees what they own or stand in for, whatever their
//! roles. Rooms that are about a whole organization open only to a role that is held for all of it. Who holds what on a
//! day is [`crate::people::holders`]'; a page asks [`crate::sessions`].

use std::collections::{BTreeMap, BTreeSet};

use super::vocabulary::Role;

/// A part of the pages that not everybody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// The figures of an organization, and everything it has on paper.
    Overview,
    /// Every mail with every attempt: those who see that mail flows.
    Mails,
    /// Files that are taken into the register.
    Imports,
}

impl Room {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Overview, Self::Mails, Self::Imports];
}

/// Whether a role, held for a whole organization, opens a room there.
pub const fn opens(role: Role, room: Room) -> bool {
    match room {
        Room::Overview => matches!(
            role,
            Role::Ciso
                | Role::SupervisingSecurityOfficer
                | Role::DivisionSecurityOfficer
                | Role::SystemManager
                | Role::AuditSupervisor
                | Role::Csirt
        ),
        Room::Mails | Room::Imports => {
            matches!(
                role,
                Role::Ciso | Role::SupervisingSecurityOfficer | Role::SystemManager
            )
        }
    }
}

/// Whether a role looks at more than what its holder owns.
pub const fn looks_around(role: Role) -> bool {
    !matches!(role, Role::Owner | Role::Deputy | Role::SocialAccountOwner)
}

/// A role with the place for which it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The role.
    pub role: Role,
    /// In this organization.
    pub organization_id: String,
    /// For this department and those below it; for the whole organization without one.
    pub department_id: Option<String>,
}

/// What somebody may see by their roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Organizations of which everything is seen.
    pub organizations: BTreeSet<String>,
    /// Departments whose entries are seen.
    pub departments: BTreeSet<String>,
    rooms: BTreeMap<Room, BTreeSet<String>>,
}

impl Sight {
    /// What these roles show together; `below` answers a department with all that are under it.
    pub fn of(held: &[Held], below: impl Fn(&str) -> Vec<String>) -> Self {
        let mut sight = Self::default();
        for held in held.iter().filter(|held| looks_around(held.role)) {
            if let Some(department) = &held.department_id {
                sight.departments.extend(below(department));
                continue;
            }
            sight.organizations.insert(held.organization_id.clone());
            for room in Room::ALL.into_iter().filter(|room| opens(held.role, *room)) {
                let open = sight.rooms.entry(room).or_default();
                open.insert(held.organization_id.clone());
            }
        }
        sight
    }

    /// The organizations whose room is open.
    pub fn room(&self, room: Room) -> impl Iterator<Item = &String> {
        self.rooms.get(&room).into_iter().flatten()
    }

    /// Whether the room is open in any organization.
    pub fn enters(&self, room: Room) -> bool {
        self.room(room).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vocabulary::CodeWord;

    /// Each role: whether it looks around, and which rooms it opens.
    const CASES: &[(Role, bool, &[Room])] = &[
        (Role::Ciso, true, &[Room::Overview, Room::Mails, Room::Imports]),
        (
            Role::SupervisingSecurityOfficer,
            true,
            &[Room::Overview, Room::Mails, Room::Imports],
        ),
        (Role::DivisionSecurityOfficer, true, &[Room::Overview]),
        (Role::SectionSecurityManager, true, &[]),
        (Role::SystemManager, true, &[Room::Overview, Room::Mails, Room::Imports]),
        (Role::AuditSupervisor, true, &[Room::Overview]),
        (Role::UsageApprover, true, &[]),
        (Role::CloudServiceAdministrator, true, &[]),
        (Role::SocialAccountOwner, false, &[]),
        (Role::ProcurementOfficer, true, &[]),
        (Role::PublicRelationsOfficer, true, &[]),
        (Role::Csirt, true, &[Room::Overview]),
        (Role::SectionStaff, true, &[]),
        (Role::Owner, false, &[]),
        (Role::Deputy, false, &[]),
    ];

    fn held(role: Role, organization: &str, department: Option<&str>) -> Held {
        Held {
            role,
            organization_id: organization.to_owned(),
            department_id: department.map(str::to_owned),
        }
    }

    /// Department `a` has `a1` below it.
    fn below(department: &str) -> Vec<String> {
        let mut all = vec![department.to_owned()];
        all.extend((department == "a").then(|| "a1".to_owned()));
        all
    }

    #[test]
    fn every_role_sees_what_the_table_says() {
        assert_eq!(CASES.len(), Role::ALL.len());
        for (role, around, rooms) in CASES {
            let whole = Sight::of(&[held(*role, "o", None)], below);
            assert_eq!(whole.organizations.contains("o"), *around, "{role}");
            let open: Vec<Room> = Room::ALL.into_iter().filter(|room| whole.enters(*room)).collect();
            assert_eq!(open, *rooms, "{role}");
            let part = Sight::of(&[held(*role, "o", Some("a"))], below);
            assert!(part.organizations.is_empty(), "{role}");
            assert!(!Room::ALL.into_iter().any(|room| part.enters(room)), "{role}");
            let seen: Vec<&str> = part.departments.iter().map(String::as_str).collect();
            assert_eq!(seen, if *around { vec!["a", "a1"] } else { vec![] }, "{role}");
        }
    }

    #[test]
    fn several_roles_show_what_each_of_them_shows() {
        let all = [
            held(Role::Ciso, "o", None),
            held(Role::AuditSupervisor, "p", None),
            held(Role::SectionStaff, "q", Some("b")),
        ];
        let sight = Sight::of(&all, below);
        assert_eq!(sight.room(Room::Overview).collect::<Vec<_>>(), ["o", "p"]);
        assert_eq!(sight.room(Room::Mails).collect::<Vec<_>>(), ["o"]);
        assert_eq!(sight.departments.iter().collect::<Vec<_>>(), ["b"]);
    }
}
