//! Who is written to about an obligation: roles become contacts of a day, contacts become items.
//!
//! The rule which roles a step has and how an empty one climbs is [`crate::domain::reminder::resolve`]'s; who holds a
//! role is [`Directory`]'s. Here the two meet the entry, which names its owner and deputy.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{entries, reminder_items};
use crate::db::types::Word;
use crate::db::{insert_new, on_each_backend};
use crate::domain::vocabulary::Role;
use crate::http::error::ApiError;
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
pub(super) struct Around {
    /// Everybody else.
    pub directory: Directory,
    entries: BTreeMap<String, Ownership>,
}

impl Around {
    /// Loads with a constant number of statements.
    pub(super) fn load(
        scope: &mut Scope<'_>,
        organization_ids: &BTreeSet<String>,
        entry_ids: &BTreeSet<String>,
        person_ids: &[String],
    ) -> Result<Self, ApiError> {
        let rows: Vec<Ownership> = entries::table
            .filter(entries::local_government_id.eq(&scope.lg))
            .filter(entries::id.eq_any(entry_ids))
            .select(Ownership::as_select())
            .load(scope.conn)?;
        let entries: BTreeMap<String, Ownership> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        let mut persons = person_ids.to_vec();
        let mut posts = vec![];
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
        let organizations: Vec<String> = organization_ids.iter().cloned().collect();
        let directory = Directory::load(scope, &organizations, &persons, &posts, scope.today)?;
        Ok(Self { directory, entries })
    }

    fn entry(&self, entry_id: Option<&str>) -> Option<&Ownership> {
        entry_id.and_then(|id| self.entries.get(id))
    }

    /// The department in charge.
    pub(super) fn department(&self, entry_id: Option<&str>) -> Option<&str> {
        self.entry(entry_id).and_then(|entry| entry.department_id.as_deref())
    }

    /// The owner today.
    pub(super) fn owner(&self, entry_id: Option<&str>) -> Option<&PersonRef> {
        let entry = self.entry(entry_id)?;
        self.directory
            .owner(entry.owner_person_id.as_deref(), entry.owner_post_id.as_deref())
    }

    /// The deputy today.
    pub(super) fn deputy(&self, entry_id: Option<&str>) -> Option<&PersonRef> {
        let entry = self.entry(entry_id)?;
        self.directory
            .owner(entry.deputy_person_id.as_deref(), entry.deputy_post_id.as_deref())
    }

    /// How to write to a person of this entry.
    pub(super) fn contact(&self, person: &PersonRef, entry_id: Option<&str>) -> Option<Contact> {
        self.directory.contact(person, self.department(entry_id))
    }

    /// The mailbox of the department in charge, for when nobody else can be written to.
    pub(super) fn mailbox(&self, entry_id: Option<&str>) -> Option<Contact> {
        self.department(entry_id)
            .and_then(|department| self.directory.mailbox(department))
    }

    /// Who holds a role for an entry: its own people, or those of the organization and the department.
    pub(super) fn holders(&self, organization_id: &str, entry_id: Option<&str>, role: Role) -> Vec<Contact> {
        let person = match role {
            Role::Owner => self.owner(entry_id),
            Role::Deputy => self.deputy(entry_id),
            _ => return self.directory.holders(organization_id, self.department(entry_id), role),
        };
        person
            .and_then(|person| self.contact(person, entry_id))
            .into_iter()
            .collect()
    }
}
