//! Who is written to about an obligation: roles become contacts of a day, contacts become items.
//!
//! The rule which roles a step has and how an empty one climbs is [`crate::domain::reminder::resolve`]'s; who holds a
//! role is [`Directory`]'s. Here the two meet the entry, which names its owner and deputy.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::clock::Instant;
use crate::corrective_actions;
use crate::db::schema::{entries, reminder_items};
use crate::db::types::Word;
use crate::db::{insert_new, on_each_backend};
use crate::domain::vocabulary::Role;
use crate::http::error::ApiError;
use crate::ownership_transfers::{HandOver, hand_overs};
use crate::people::holders::{Contact, Directory, PersonRef};

/// Rows of one insert: far below the 65,535 parameters of a PostgreSQL statement.
const ROWS: usize = 500;

/// An item as it is planned.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = reminder_items)]
pub(super) struct NewItem {
    pub local_government_id: String,
    pub id: String,
    pub obligation_id: String,
    pub cycle: i32,
    pub stage: String,
    pub recipient: String,
    pub person_id: Option<String>,
    pub department_id: Option<String>,
    pub address: String,
    pub role: Word<Role>,
    pub organization_id: String,
    pub entry_id: Option<String>,
    pub planned_on: NaiveDate,
    pub immediate: bool,
    pub send_at: Option<Instant>,
    pub state: &'static str,
    pub superseded_by: Option<String>,
    pub created_at: Instant,
    pub updated_at: Instant,
}

/// Inserts items; one that (obligation, cycle, stage, recipient) has already stays as it is: never twice.
pub(super) fn insert(scope: &mut Scope<'_>, items: &[NewItem]) -> Result<usize, ApiError> {
    let key = (
        reminder_items::local_government_id,
        reminder_items::obligation_id,
        reminder_items::cycle,
        reminder_items::stage,
        reminder_items::recipient,
    );
    let mut inserted = 0;
    for rows in items.chunks(ROWS) {
        inserted += insert_new!(&mut *scope.conn, reminder_items::table, rows, key);
    }
    Ok(inserted)
}

/// Inserts one item; whether it is new.
pub(super) fn insert_one(scope: &mut Scope<'_>, item: &NewItem) -> Result<bool, ApiError> {
    let new = on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(reminder_items::table)
        .values(item)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(new == 1)
}

/// What an entry says about its people.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = entries)]
struct Ownership {
    id: String,
    department_id: Option<String>,
    owner_person_id: Option<String>,
    owner_post_id: Option<String>,
    deputy_person_id: Option<String>,
    deputy_post_id: Option<String>,
}

/// The people around some entries of some organizations on one day.
pub(crate) struct Around {
    /// Everybody else.
    pub directory: Directory,
    entries: BTreeMap<String, Ownership>,
    /// What is handed over, by the obligation to accept it.
    hand_overs: BTreeMap<String, HandOver>,
    /// Person and post of what has an owner of its own, by obligation.
    owners: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// What a mail is about.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "they are ids of three things")]
pub(crate) struct About<'a> {
    pub obligation_id: &'a str,
    pub organization_id: &'a str,
    pub entry_id: Option<&'a str>,
}

impl Around {
    /// Loads with a constant number of statements.
    pub(crate) fn load(
        scope: &mut Scope<'_>,
        organization_ids: &BTreeSet<String>,
        entry_ids: &BTreeSet<String>,
        person_ids: &[String],
        obligation_ids: &BTreeSet<&str>,
    ) -> Result<Self, ApiError> {
        let rows: Vec<Ownership> = entries::table
            .filter(entries::local_government_id.eq(&scope.lg))
            .filter(entries::id.eq_any(entry_ids))
            .select(Ownership::as_select())
            .load(scope.conn)?;
        let entries: BTreeMap<String, Ownership> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        let owners = corrective_actions::owners(scope, obligation_ids)?;
        let mut persons = person_ids.to_vec();
        persons.extend(owners.values().filter_map(|(person, _)| person.clone()));
        let mut posts: Vec<String> = owners.values().filter_map(|(_, post)| post.clone()).collect();
        for entry in entries.values() {
            persons.extend(
                [&entry.owner_person_id, &entry.deputy_person_id]
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            posts.extend(
                [&entry.owner_post_id, &entry.deputy_post_id]
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
        }
        let hand_overs = hand_overs(scope, obligation_ids)?;
        for hand_over in hand_overs.values() {
            persons.extend(hand_over.persons());
            posts.extend(hand_over.posts());
        }
        let organizations: Vec<String> = organization_ids.iter().cloned().collect();
        let directory = Directory::load(scope, &organizations, &persons, &posts, scope.today)?;
        Ok(Self {
            directory,
            entries,
            hand_overs,
            owners,
        })
    }

    fn entry(&self, entry_id: Option<&str>) -> Option<&Ownership> {
        entry_id.and_then(|id| self.entries.get(id))
    }

    /// What is handed over, if the obligation is to accept that.
    pub(super) fn hand_over(&self, obligation_id: &str) -> Option<&HandOver> {
        self.hand_overs.get(obligation_id)
    }

    /// The department in charge.
    pub(crate) fn department(&self, about: About<'_>) -> Option<&str> {
        match self.hand_over(about.obligation_id) {
            Some(hand_over) => hand_over.department_id.as_deref(),
            None => self.entry(about.entry_id)?.department_id.as_deref(),
        }
    }

    /// The owner today: of a hand-over the new one, of what has an owner of its own that one, else the entry's.
    pub(crate) fn owner(&self, about: About<'_>) -> Option<&PersonRef> {
        let (person, post) = match (
            self.hand_over(about.obligation_id),
            self.owners.get(about.obligation_id),
        ) {
            (Some(hand_over), _) => (&hand_over.to_person_id, &hand_over.to_post_id),
            (None, Some((person, post))) => (person, post),
            (None, None) => {
                let entry = self.entry(about.entry_id)?;
                (&entry.owner_person_id, &entry.owner_post_id)
            }
        };
        self.directory.owner(person.as_deref(), post.as_deref())
    }

    /// The deputies today; of a hand-over those of what is handed over, once nobody else has it.
    pub(crate) fn deputies(&self, about: About<'_>) -> Vec<&PersonRef> {
        let mut found: Vec<&PersonRef> = vec![];
        let one;
        let deputies = match (self.hand_over(about.obligation_id), self.entry(about.entry_id)) {
            (Some(hand_over), _) => hand_over.deputies.as_slice(),
            (None, Some(entry)) => {
                one = [(entry.deputy_person_id.clone(), entry.deputy_post_id.clone())];
                &one
            }
            (None, None) => &[],
        };
        for (person, post) in deputies {
            let deputy = self.directory.owner(person.as_deref(), post.as_deref());
            found.extend(deputy.filter(|deputy| !found.contains(deputy)));
        }
        found
    }

    /// How to write to a person about this.
    pub(crate) fn contact(&self, person: &PersonRef, about: About<'_>) -> Option<Contact> {
        self.directory.contact(person, self.department(about))
    }

    /// A person and who stands in for them, as far as they can be written to.
    pub(crate) fn contacts(&self, person: &PersonRef, about: About<'_>) -> Vec<Contact> {
        self.directory
            .with_delegates(about.organization_id, person)
            .filter_map(|person| self.contact(person, about))
            .collect()
    }

    /// The mailbox of the department in charge, for when nobody else can be written to.
    pub(super) fn mailbox(&self, about: About<'_>) -> Option<Contact> {
        self.department(about)
            .and_then(|department| self.directory.mailbox(department))
    }

    /// Who is written to when a role is told something: the thing's own people, or those of the organization and the
    /// department; with each of them whoever stands in for them.
    pub(crate) fn holders(&self, about: About<'_>, role: Role) -> Vec<Contact> {
        let persons: Vec<&PersonRef> = match role {
            Role::Owner => self.owner(about).into_iter().collect(),
            Role::Deputy => self.deputies(about),
            _ => {
                return self
                    .directory
                    .recipients(about.organization_id, self.department(about), role);
            }
        };
        persons
            .into_iter()
            .flat_map(|person| self.contacts(person, about))
            .collect()
    }
}
