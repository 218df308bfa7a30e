//! Who holds what on a day: owners through posts or persons, roles per organization and department, mailboxes.
//!
//! Loaded once per transaction for the organizations, persons and posts in question, with a constant number of queries.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{
    bounced_addresses, delegations, departments, organizations, people, post_holders, role_assignments,
};
use crate::domain::sight::Held;
use crate::domain::vocabulary::{CodeWord, Role};
use crate::http::error::ApiError;

/// A person who is there on the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PersonRef {
    pub id: String,
    pub name: String,
    pub address: Option<String>,
}

/// Somebody who can be written to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Contact {
    /// `person:ID` or `department:ID`.
    pub key: String,
    pub person_id: Option<String>,
    pub department_id: Option<String>,
    pub name: String,
    pub address: String,
}

struct Assignment {
    organization_id: String,
    department_id: Option<String>,
    role: Role,
    person_id: Option<String>,
    post_id: Option<String>,
}

struct Department {
    name: String,
    parent_id: Option<String>,
    mailbox: Option<String>,
}

/// The people, posts, roles and departments of some organizations on one day.
pub(crate) struct Directory {
    persons: BTreeMap<String, PersonRef>,
    posts: BTreeMap<String, String>,
    assignments: Vec<Assignment>,
    departments: BTreeMap<String, Department>,
    /// Who stands in for whom on the day: organization, whose place, by whom.
    delegations: Vec<(String, String, String)>,
}

/// Those of these addresses that mails came back from as if they did not exist; nobody is written to there.
fn bounced<'a>(scope: &mut Scope<'_>, addresses: impl Iterator<Item = &'a str>) -> Result<BTreeSet<String>, ApiError> {
    let addresses: BTreeSet<&str> = addresses.collect();
    if addresses.is_empty() {
        return Ok(BTreeSet::new());
    }
    Ok(bounced_addresses::table
        .filter(bounced_addresses::local_government_id.eq(&scope.lg))
        .filter(bounced_addresses::address.eq_any(addresses))
        .select(bounced_addresses::address)
        .load(scope.conn)?
        .into_iter()
        .collect())
}

impl Directory {
    /// Loads what is needed for these organizations, persons and posts.
    ///
    /// # Errors
    /// A database failure.
    pub(crate) fn load(
        scope: &mut Scope<'_>,
        organization_ids: &[String],
        person_ids: &[String],
        post_ids: &[String],
        on: NaiveDate,
    ) -> Result<Self, ApiError> {
        type AssignmentRow = (String, Option<String>, String, Option<String>, Option<String>);
        let rows: Vec<AssignmentRow> = role_assignments::table
            .filter(role_assignments::local_government_id.eq(&scope.lg))
            .filter(role_assignments::organization_id.eq_any(organization_ids))
            .filter(role_assignments::starts_on.le(on))
            .filter(
                role_assignments::ends_on
                    .is_null()
                    .or(role_assignments::ends_on.ge(Some(on))),
            )
            .order(role_assignments::id)
            .select((
                role_assignments::organization_id,
                role_assignments::department_id,
                role_assignments::role,
                role_assignments::person_id,
                role_assignments::post_id,
            ))
            .load(scope.conn)?;
        let assignments: Vec<Assignment> = rows
            .into_iter()
            .filter_map(|(organization_id, department_id, role, person_id, post_id)| {
                Role::parse(&role).map(|role| Assignment {
                    organization_id,
                    department_id,
                    role,
                    person_id,
                    post_id,
                })
            })
            .collect();
        let wanted_posts: BTreeSet<String> = assignments
            .iter()
            .filter_map(|a| a.post_id.clone())
            .chain(post_ids.iter().cloned())
            .collect();
        let holders: Vec<(String, String, NaiveDate)> = post_holders::table
            .filter(post_holders::local_government_id.eq(&scope.lg))
            .filter(post_holders::post_id.eq_any(&wanted_posts))
            .filter(post_holders::starts_on.le(on))
            .filter(post_holders::ends_on.is_null().or(post_holders::ends_on.ge(Some(on))))
            .order((post_holders::post_id, post_holders::starts_on))
            .select((post_holders::post_id, post_holders::person_id, post_holders::starts_on))
            .load(scope.conn)?;
        // The latest holder of a day wins, should two overlap.
        let posts: BTreeMap<String, String> = holders.into_iter().map(|(post, person, _)| (post, person)).collect();
        let delegations: Vec<(String, String, String)> = delegations::table
            .filter(delegations::local_government_id.eq(&scope.lg))
            .filter(delegations::organization_id.eq_any(organization_ids))
            .filter(delegations::ends_on.ge(on))
            .filter(delegations::starts_on.le(on))
            .filter(delegations::archived_at.is_null())
            .order(delegations::id)
            .select((
                delegations::organization_id,
                delegations::from_person_id,
                delegations::to_person_id,
            ))
            .load(scope.conn)?;
        let wanted: BTreeSet<String> = posts
            .values()
            .cloned()
            .chain(delegations.iter().map(|(.., to)| to.clone()))
            .chain(assignments.iter().filter_map(|a| a.person_id.clone()))
            .chain(person_ids.iter().cloned())
            .collect();
        let rows: Vec<(String, String, Option<String>)> = people::table
            .filter(people::local_government_id.eq(&scope.lg))
            .filter(people::id.eq_any(&wanted))
            .filter(people::archived_at.is_null())
            .filter(people::left_on.is_null().or(people::left_on.ge(Some(on))))
            .select((people::id, people::name, people::email))
            .load(scope.conn)?;
        let gone = bounced(scope, rows.iter().filter_map(|(.., address)| address.as_deref()))?;
        let persons = rows
            .into_iter()
            .map(|(id, name, address)| {
                let address = address.filter(|address| !gone.contains(address));
                (id.clone(), PersonRef { id, name, address })
            })
            .collect();
        Ok(Self {
            persons,
            posts,
            assignments,
            departments: Self::departments(scope, organization_ids, on)?,
            delegations,
        })
    }

    /// The departments of these organizations; nothing is written to the mailbox of one that is closed.
    fn departments(
        scope: &mut Scope<'_>,
        organization_ids: &[String],
        on: NaiveDate,
    ) -> Result<BTreeMap<String, Department>, ApiError> {
        type Row = (String, String, Option<String>, Option<String>, Option<NaiveDate>);
        let rows: Vec<Row> = departments::table
            .filter(departments::local_government_id.eq(&scope.lg))
            .filter(departments::organization_id.eq_any(organization_ids))
            .select((
                departments::id,
                departments::name,
                departments::parent_id,
                departments::mailbox,
                departments::valid_to_on,
            ))
            .load(scope.conn)?;
        let gone = bounced(
            scope,
            rows.iter().filter_map(|(_, _, _, mailbox, _)| mailbox.as_deref()),
        )?;
        let department = |(id, name, parent_id, mailbox, valid_to_on): Row| {
            let is_open = valid_to_on.is_none_or(|last| on <= last);
            let department = Department {
                name,
                parent_id,
                mailbox: mailbox.filter(|mailbox| is_open && !gone.contains(mailbox)),
            };
            (id, department)
        };
        Ok(rows.into_iter().map(department).collect())
    }

    /// A person who is there on the day.
    pub(crate) fn person(&self, id: &str) -> Option<&PersonRef> {
        self.persons.get(id)
    }

    /// Everybody that was loaded and is there on the day.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &PersonRef> {
        self.persons.values()
    }

    /// Who holds a post on the day.
    pub(crate) fn holder_of_post(&self, post_id: &str) -> Option<&PersonRef> {
        self.posts.get(post_id).and_then(|person| self.person(person))
    }

    /// The owner: the person, or the holder of the post.
    pub(crate) fn owner(&self, person_id: Option<&str>, post_id: Option<&str>) -> Option<&PersonRef> {
        match (person_id, post_id) {
            (Some(person), _) => self.person(person),
            (None, Some(post)) => self.holder_of_post(post),
            (None, None) => None,
        }
    }

    /// How to write to a person: their own address, else the mailbox of the department.
    pub(crate) fn contact(&self, person: &PersonRef, department_id: Option<&str>) -> Option<Contact> {
        match &person.address {
            Some(address) => Some(Contact {
                key: format!("person:{}", person.id),
                person_id: Some(person.id.clone()),
                department_id: None,
                name: person.name.clone(),
                address: address.clone(),
            }),
            None => department_id.and_then(|department| self.mailbox(department)),
        }
    }

    /// The mailbox of a department, or of the nearest one above that has one.
    pub(crate) fn mailbox(&self, department_id: &str) -> Option<Contact> {
        self.upwards(department_id).find_map(|(id, department)| {
            department.mailbox.as_ref().map(|address| Contact {
                key: format!("department:{id}"),
                person_id: None,
                department_id: Some(id.to_owned()),
                name: department.name.clone(),
                address: address.clone(),
            })
        })
    }

    /// The name of a department.
    pub(crate) fn department_name(&self, id: &str) -> Option<&str> {
        self.departments.get(id).map(|department| department.name.as_str())
    }

    fn upwards<'d>(&'d self, department_id: &'d str) -> impl Iterator<Item = (&'d str, &'d Department)> {
        let mut at = Some(department_id);
        let mut left = 20;
        std::iter::from_fn(move || {
            left -= 1;
            let id = at.filter(|_| left > 0)?;
            let department = self.departments.get(id)?;
            at = department.parent_id.as_deref();
            Some((id, department))
        })
    }

    /// The roles that a person holds for a department on the day: there, above it, or in the whole organization; also
    /// those of whoever they stand in for.
    pub(crate) fn roles_of(&self, person_id: &str, organization_id: &str, department_id: Option<&str>) -> Vec<Role> {
        let mut roles = self.own_roles_of(person_id, organization_id, department_id);
        for absent in self.stands_in_for(organization_id, person_id) {
            roles.extend(self.own_roles_of(absent, organization_id, department_id));
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// The same without what comes from standing in for others.
    pub(crate) fn own_roles_of(
        &self,
        person_id: &str,
        organization_id: &str,
        department_id: Option<&str>,
    ) -> Vec<Role> {
        let line: Vec<&str> = department_id
            .into_iter()
            .flat_map(|department| self.upwards(department))
            .map(|(id, _)| id)
            .collect();
        let mut roles: Vec<Role> = self
            .assignments
            .iter()
            .filter(|a| a.organization_id == organization_id)
            .filter(|a| a.department_id.as_deref().is_none_or(|id| line.contains(&id)))
            .filter(|a| {
                let holder = self.owner(a.person_id.as_deref(), a.post_id.as_deref());
                holder.is_some_and(|person| person.id == person_id)
            })
            .map(|a| a.role)
            .collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// The roles of a person with the places for which they are held, and those of whoever they stand in for.
    pub(crate) fn held(&self, person_id: &str) -> Vec<Held> {
        let counts = |assignment: &&Assignment| {
            let holder = self.owner(assignment.person_id.as_deref(), assignment.post_id.as_deref());
            holder.is_some_and(|holder| {
                let mut absent = self.stands_in_for(&assignment.organization_id, person_id);
                holder.id == person_id || absent.any(|absent| absent == holder.id)
            })
        };
        let held = self.assignments.iter().filter(counts).map(|assignment| Held {
            role: assignment.role,
            organization_id: assignment.organization_id.clone(),
            department_id: assignment.department_id.clone(),
        });
        held.collect()
    }

    /// A department and all that are below it.
    pub(crate) fn with_below(&self, department_id: &str) -> Vec<String> {
        let is_below = |id: &&String| self.upwards(id).any(|(above, _)| above == department_id);
        self.departments.keys().filter(is_below).cloned().collect()
    }

    /// Whose place a person takes on the day: the organization, and the absent person.
    pub(crate) fn absences(&self, person_id: &str) -> impl Iterator<Item = (&str, &str)> {
        let mine = self.delegations.iter().filter(move |(.., to)| to == person_id);
        mine.map(|(organization, from, _)| (organization.as_str(), from.as_str()))
    }

    /// The persons whose place this one takes in the organization on the day (不在代理).
    pub(crate) fn stands_in_for<'d>(
        &'d self,
        organization_id: &'d str,
        person_id: &'d str,
    ) -> impl Iterator<Item = &'d str> {
        self.delegations
            .iter()
            .filter(move |(organization, _, to)| organization == organization_id && to == person_id)
            .map(|(_, from, _)| from.as_str())
    }

    /// Whether one stands in for the other, so that they do not count as two.
    pub(crate) fn are_one(&self, organization_id: &str, a: &str, b: &str) -> bool {
        a == b
            || self.stands_in_for(organization_id, a).any(|absent| absent == b)
            || self.stands_in_for(organization_id, b).any(|absent| absent == a)
    }

    /// A person and whoever stands in for them.
    pub(crate) fn with_delegates<'d>(
        &'d self,
        organization_id: &'d str,
        person: &'d PersonRef,
    ) -> impl Iterator<Item = &'d PersonRef> {
        let delegates = self
            .delegations
            .iter()
            .filter(move |(organization, from, _)| organization == organization_id && *from == person.id)
            .filter_map(|(.., to)| self.person(to));
        std::iter::once(person).chain(delegates)
    }

    /// Whether a person holds a role anywhere in an organization on the day.
    pub(crate) fn holds(&self, person_id: &str, organization_id: &str, role: Role) -> bool {
        self.assignments
            .iter()
            .filter(|a| a.organization_id == organization_id && a.role == role)
            .filter_map(|a| self.owner(a.person_id.as_deref(), a.post_id.as_deref()))
            .any(|holder| holder.id == person_id)
    }

    /// Who holds a role for a department: those of the nearest department upwards that has holders, else those of the
    /// whole organization.
    pub(crate) fn holders(&self, organization_id: &str, department_id: Option<&str>, role: Role) -> Vec<Contact> {
        self.contacts(organization_id, department_id, role, false)
    }

    /// Those to write to when a role is told something: its holders, and who stands in for them.
    pub(crate) fn recipients(&self, organization_id: &str, department_id: Option<&str>, role: Role) -> Vec<Contact> {
        self.contacts(organization_id, department_id, role, true)
    }

    fn contacts(
        &self,
        organization_id: &str,
        department_id: Option<&str>,
        role: Role,
        delegates: bool,
    ) -> Vec<Contact> {
        let of = |department: Option<&str>| -> Vec<Contact> {
            self.assignments
                .iter()
                .filter(|a| a.organization_id == organization_id && a.role == role)
                .filter(|a| a.department_id.as_deref() == department)
                .filter_map(|a| self.owner(a.person_id.as_deref(), a.post_id.as_deref()))
                .flat_map(|person| {
                    self.with_delegates(organization_id, person)
                        .take(if delegates { usize::MAX } else { 1 })
                })
                .filter_map(|person| self.contact(person, department_id))
                .collect()
        };
        let near = department_id
            .into_iter()
            .flat_map(|department| self.upwards(department))
            .map(|(id, _)| of(Some(id)))
            .find(|found| !found.is_empty());
        near.unwrap_or_else(|| of(None))
    }
}

/// The roles of the line of command that nobody holds today, per organization; `doctor` lists them.
///
/// # Errors
/// A database failure.
pub(crate) fn unfilled_roles(scope: &mut Scope<'_>) -> Result<Vec<(String, Role)>, ApiError> {
    let ids: Vec<(String, String)> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::archived_at.is_null())
        .select((organizations::id, organizations::name))
        .load(scope.conn)?;
    let all: Vec<String> = ids.iter().map(|(id, _)| id.clone()).collect();
    let directory = Directory::load(scope, &all, &[], &[], scope.today)?;
    let mut missing = vec![];
    for (id, name) in ids {
        for role in [
            Role::SectionSecurityManager,
            Role::DivisionSecurityOfficer,
            Role::SupervisingSecurityOfficer,
            Role::Ciso,
        ] {
            let filled = directory.assignments.iter().any(|a| {
                a.organization_id == id
                    && a.role == role
                    && directory.owner(a.person_id.as_deref(), a.post_id.as_deref()).is_some()
            });
            if !filled {
                missing.push((name.clone(), role));
            }
        }
    }
    Ok(missing)
}
