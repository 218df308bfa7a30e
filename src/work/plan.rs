//! The planner: open obligations whose next step has come → items for their recipients.
//!
//! After downtime only the latest missed stage of a cycle is sent, the earlier ones are recorded as superseded. The
//! unique key (obligation, cycle, stage, recipient) makes "never twice" true whoever plans, and how often.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::outbox::send_at;
use crate::app::{App, Scope, Tenant};
use crate::db::on_each_backend;
use crate::db::schema::{entries, local_governments, obligations, reminder_items, round_clauses};
use crate::db::types::Word;
use crate::domain::reminder::{self, Schedule, StageKey, Step};
use crate::domain::vocabulary::{CodeWord, ObligationKind, Role};
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::organizations;
use crate::people::holders::{Contact, Directory};

/// Obligations per transaction.
const BATCH: i64 = 200;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = obligations)]
struct DueRow {
    id: String,
    organization_id: String,
    entry_id: Option<String>,
    kind: Word<ObligationKind>,
    cycle: i32,
    due_on: NaiveDate,
    known_cycle_days: Option<i64>,
    starts_on: Option<NaiveDate>,
    severe: bool,
    grace_until_on: Option<NaiveDate>,
    last_stage: Option<String>,
}

/// The people of an entry.
#[derive(Debug, Clone, Default, Queryable, Selectable)]
#[diesel(table_name = entries)]
pub(super) struct EntryPeople {
    pub id: String,
    pub department_id: Option<String>,
    pub owner_person_id: Option<String>,
    pub owner_post_id: Option<String>,
    pub deputy_person_id: Option<String>,
    pub deputy_post_id: Option<String>,
}

impl EntryPeople {
    /// Who holds a role for this entry: its owner and deputy, or the holders of the role for its department.
    pub(super) fn holders(&self, directory: &Directory, organization_id: &str, role: Role) -> Vec<Contact> {
        let department = self.department_id.as_deref();
        let one = |person: &Option<String>, post: &Option<String>| {
            let person = directory.owner(person.as_deref(), post.as_deref());
            person
                .and_then(|person| directory.contact(person, department))
                .into_iter()
                .collect()
        };
        match role {
            Role::Owner => one(&self.owner_person_id, &self.owner_post_id),
            Role::Deputy => one(&self.deputy_person_id, &self.deputy_post_id),
            _ => directory.holders(organization_id, department, role),
        }
    }
}

/// Plans what is due today in a tenant; answers the number of obligations.
pub(crate) fn plan(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut done = 0;
    loop {
        let step = app.write_as(tenant, Actor::system(), |scope| {
            let due: Vec<DueRow> = obligations::table
                .filter(obligations::next_step_on.le(Some(scope.today)))
                .filter(obligations::local_government_id.eq(&scope.lg))
                .filter(obligations::state.eq("open"))
                .order(obligations::next_step_on)
                .limit(BATCH)
                .select(DueRow::as_select())
                .load(scope.conn)?;
            plan_batch(scope, &due)?;
            Ok(due.len())
        })?;
        done += step;
        if i64::try_from(step).unwrap_or(0) < BATCH {
            return Ok(done);
        }
    }
}

fn plan_batch(scope: &mut Scope<'_>, due: &[DueRow]) -> Result<(), ApiError> {
    if due.is_empty() {
        return Ok(());
    }
    let people = entry_people(scope, due.iter().filter_map(|row| row.entry_id.clone()).collect())?;
    let mut organization_ids: Vec<String> = due.iter().map(|row| row.organization_id.clone()).collect();
    organization_ids.sort();
    organization_ids.dedup();
    let directory = directory(scope, &organization_ids, people.values())?;
    let mut calendars = BTreeMap::new();
    for id in &organization_ids {
        calendars.insert(id.clone(), organizations::row(scope, id)?.calendar(scope.app)?);
    }
    let sending_minute: i32 = local_governments::table
        .find(&scope.lg)
        .select(local_governments::sending_minute)
        .first(scope.conn)?;
    for row in due {
        let Some(calendar) = calendars.get(&row.organization_id) else {
            continue;
        };
        if let Some(until) = row
            .grace_until_on
            .filter(|_| reminder::paused(row.grace_until_on, scope.today))
        {
            set_next(scope, row, row.last_stage.clone(), until.succ_opt())?;
            continue;
        }
        let schedule = Schedule {
            kind: row.kind.0,
            due_on: row.due_on,
            known_cycle_days: row.known_cycle_days,
            starts_on: row.starts_on,
            calendar,
            severe: row.severe,
        };
        let last: Option<StageKey> = row.last_stage.as_deref().and_then(|text| text.parse().ok());
        let steps = schedule.due_steps(last, scope.today);
        let nobody = EntryPeople::default();
        let people = row.entry_id.as_ref().and_then(|id| people.get(id)).unwrap_or(&nobody);
        let at = send_at(scope.today, sending_minute, scope.zone);
        for step in &steps.superseded {
            let overtaken = steps.latest.as_ref().map(|latest| latest.key.to_string());
            insert_items(scope, row, people, &directory, step, None, overtaken)?;
        }
        if let Some(step) = &steps.latest {
            insert_items(scope, row, people, &directory, step, Some(at), None)?;
        }
        let reached = steps
            .latest
            .or_else(|| steps.superseded.last().cloned())
            .map(|step| step.key)
            .or(last);
        let next = schedule.next_step_after(reached).map(|step| step.send_on);
        set_next(scope, row, reached.map(|key| key.to_string()), next)?;
    }
    Ok(())
}

/// The people of these entries.
pub(super) fn entry_people(scope: &mut Scope<'_>, ids: Vec<String>) -> Result<BTreeMap<String, EntryPeople>, ApiError> {
    let rows: Vec<EntryPeople> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(ids))
        .select(EntryPeople::as_select())
        .load(scope.conn)?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// The directory that these entries need today.
pub(super) fn directory<'p>(
    scope: &mut Scope<'_>,
    organization_ids: &[String],
    people: impl Iterator<Item = &'p EntryPeople>,
) -> Result<Directory, ApiError> {
    let (mut persons, mut posts) = (vec![], vec![]);
    for entry in people {
        persons.extend(entry.owner_person_id.iter().chain(&entry.deputy_person_id).cloned());
        posts.extend(entry.owner_post_id.iter().chain(&entry.deputy_post_id).cloned());
    }
    let today = scope.today;
    Directory::load(scope, organization_ids, &persons, &posts, today)
}

fn set_next(
    scope: &mut Scope<'_>,
    row: &DueRow,
    last_stage: Option<String>,
    next: Option<NaiveDate>,
) -> Result<(), ApiError> {
    diesel::update(obligations::table.find((&scope.lg, &row.id)))
        .filter(obligations::cycle.eq(row.cycle))
        .set((
            obligations::last_stage.eq(last_stage),
            obligations::next_step_on.eq(next),
        ))
        .execute(scope.conn)?;
    Ok(())
}

fn insert_items(
    scope: &mut Scope<'_>,
    row: &DueRow,
    people: &EntryPeople,
    directory: &Directory,
    step: &Step,
    at: Option<crate::clock::Instant>,
    superseded_by: Option<String>,
) -> Result<(), ApiError> {
    let mut to = step.to.clone();
    if row.kind.0 == ObligationKind::Reverification && at.is_some() {
        // Those whose role verifies a clause answer it, beside the owner.
        let roles: Vec<String> = round_clauses::table
            .filter(round_clauses::local_government_id.eq(&scope.lg))
            .filter(round_clauses::obligation_id.eq(&row.id))
            .filter(round_clauses::cycle.eq(row.cycle))
            .filter(round_clauses::assignee_person_id.is_not_null())
            .filter(round_clauses::answer.is_null())
            .select(round_clauses::assignee_role)
            .distinct()
            .load(scope.conn)?;
        to.extend(roles.iter().filter_map(|role| Role::parse(role)));
    }
    let recipients = reminder::resolve(&to, |role| people.holders(directory, &row.organization_id, role));
    if recipients.is_empty() {
        tracing::warn!(obligation = row.id, stage = %step.key, "nobody can be told; fill the roles (kakunin doctor)");
        return insert_item(scope, row, step, None, Role::Ciso, None, superseded_by);
    }
    for (role, contact) in recipients {
        insert_item(scope, row, step, Some(&contact), role, at, superseded_by.clone())?;
    }
    Ok(())
}

/// One item; a stage that nobody can be told of is recorded too, as cancelled.
fn insert_item(
    scope: &mut Scope<'_>,
    row: &DueRow,
    step: &Step,
    contact: Option<&Contact>,
    role: Role,
    at: Option<crate::clock::Instant>,
    superseded_by: Option<String>,
) -> Result<(), ApiError> {
    let state = match (contact, at) {
        (None, _) => "cancelled",
        (Some(_), None) => "superseded",
        (Some(_), Some(_)) => "planned",
    };
    let values = (
        (
            reminder_items::local_government_id.eq(&scope.lg),
            reminder_items::id.eq(scope.new_id()),
            reminder_items::obligation_id.eq(&row.id),
            reminder_items::cycle.eq(row.cycle),
            reminder_items::stage.eq(step.key.to_string()),
            reminder_items::recipient.eq(contact.map_or("nobody", |contact| &contact.key)),
            reminder_items::person_id.eq(contact.and_then(|contact| contact.person_id.as_ref())),
            reminder_items::department_id.eq(contact.and_then(|contact| contact.department_id.as_ref())),
            reminder_items::address.eq(contact.map_or("", |contact| &contact.address)),
        ),
        (
            reminder_items::role.eq(role.code()),
            reminder_items::organization_id.eq(&row.organization_id),
            reminder_items::entry_id.eq(&row.entry_id),
            reminder_items::planned_on.eq(step.send_on),
            reminder_items::send_at.eq(at.filter(|_| contact.is_some())),
            reminder_items::state.eq(state),
            reminder_items::superseded_by.eq(superseded_by),
            reminder_items::created_at.eq(scope.at),
            reminder_items::updated_at.eq(scope.at),
        ),
    );
    on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(reminder_items::table)
        .values(values)
        .on_conflict((
            reminder_items::local_government_id,
            reminder_items::obligation_id,
            reminder_items::cycle,
            reminder_items::stage,
            reminder_items::recipient
        ))
        .do_nothing()
        .execute(c))?;
    Ok(())
}
