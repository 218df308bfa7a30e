//! What a person may see today, from the rows: organizations, departments, and what they own or stand in for. The rule
//! itself is [`crate::domain::sight`].

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{entries, organizations};
use crate::domain::sight::{Held, Room, Sight};
use crate::domain::vocabulary::Role;
use crate::entries::list::Within;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::people::holders::Directory;
use crate::posts;

/// Entries of an absent person that are looked up; somebody who owns more is no single person's stand-in.
const MOST_OF_ABSENT: i64 = 1_000;

/// An organization that can be chosen in a filter.
#[derive(Debug, Clone)]
pub(crate) struct OrganizationName {
    pub id: String,
    pub name: String,
}

/// What somebody may see.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Every organization of the local government, by name.
    pub organizations: Vec<OrganizationName>,
    pub sight: Sight,
    /// The posts that they hold.
    pub posts: Vec<String>,
    /// The entries that they see; `None`: all of the local government.
    pub within: Option<Within>,
    /// What they own or stand in for, whatever their roles.
    pub own: Within,
    held: Vec<Held>,
}

impl Seen {
    /// The organizations whose room is open, as lists ask for them; everything when it is open in each.
    pub(crate) fn room(&self, room: Room) -> Organizations {
        let open: Vec<String> = self.sight.room(room).cloned().collect();
        self.only(open)
    }

    fn only(&self, ids: Vec<String>) -> Organizations {
        if self.organizations.iter().all(|one| ids.contains(&one.id)) {
            Organizations::All
        } else {
            Organizations::Only(ids)
        }
    }

    /// The organizations whose room is open, with their names.
    pub(crate) fn open(&self, room: Room) -> Vec<&OrganizationName> {
        let open: BTreeSet<&String> = self.sight.room(room).collect();
        self.organizations.iter().filter(|one| open.contains(&one.id)).collect()
    }

    /// The organizations in which a role is held for the whole.
    pub(crate) fn holding(&self, role: Role) -> Vec<String> {
        let held = self
            .held
            .iter()
            .filter(|held| held.role == role && held.department_id.is_none());
        held.map(|held| held.organization_id.clone()).collect()
    }

    /// The roles that are held, each once.
    pub(crate) fn roles(&self) -> BTreeSet<Role> {
        self.held.iter().map(|held| held.role).collect()
    }

    /// The name of an organization.
    pub(crate) fn organization_name(&self, id: &str) -> &str {
        let found = self.organizations.iter().find(|one| one.id == id);
        found.map_or("", |one| one.name.as_str())
    }
}

/// What this person may see today.
///
/// # Errors
/// A database failure.
pub(crate) fn of(scope: &mut Scope<'_>, person_id: &str) -> Result<Seen, ApiError> {
    let found: Vec<(String, String)> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::archived_at.is_null())
        .order(organizations::id)
        .select((organizations::id, organizations::name))
        .load(scope.conn)?;
    let ids: Vec<String> = found.iter().map(|(id, _)| id.clone()).collect();
    let directory = Directory::load(scope, &ids, &[person_id.to_owned()], &[], scope.today)?;
    let held = directory.held(person_id);
    let sight = Sight::of(&held, |department| directory.with_below(department));
    let posts = posts::held_by(scope, person_id, scope.today)?;
    let mut stood_in_for = vec![];
    for (organization, absent) in directory.absences(person_id) {
        stood_in_for.extend(owned_by(scope, organization, absent)?);
    }
    let own = Within {
        persons: vec![person_id.to_owned()],
        posts: posts.clone(),
        entries: stood_in_for,
        ..Within::default()
    };
    let all = ids.iter().all(|id| sight.organizations.contains(id));
    let within = (!all).then(|| Within {
        organizations: sight.organizations.iter().cloned().collect(),
        departments: sight.departments.iter().cloned().collect(),
        ..own.clone()
    });
    let organizations = found.into_iter().map(|(id, name)| OrganizationName { id, name });
    Ok(Seen {
        organizations: organizations.collect(),
        sight,
        posts,
        within,
        own,
        held,
    })
}

/// The entries of an organization that an absent person owns or deputises.
fn owned_by(scope: &mut Scope<'_>, organization_id: &str, person_id: &str) -> Result<Vec<String>, ApiError> {
    let posts: Vec<Option<String>> = posts::held_by(scope, person_id, scope.today)?
        .into_iter()
        .map(Some)
        .collect();
    Ok(entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::organization_id.eq(organization_id))
        .filter(
            entries::owner_person_id
                .eq(Some(person_id))
                .or(entries::deputy_person_id.eq(Some(person_id)))
                .or(entries::owner_post_id.eq_any(posts.clone()))
                .or(entries::deputy_post_id.eq_any(posts)),
        )
        .order(entries::id)
        .limit(MOST_OF_ABSENT)
        .select(entries::id)
        .load(scope.conn)?)
}
