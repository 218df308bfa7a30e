//! The planner: due steps of open obligations become items, which are the queue of the dispatcher.
//!
//! A reconciler without input: it reads `next_step_on <= today`, so a tick that never came, came twice or came on three
//! replicas changes nothing but the hour. After downtime only the latest step of a cycle is sent; the ones before it are
//! recorded as superseded. Days and roles of the steps: [`crate::domain::reminder`]; sending: [`super::dispatch`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use diesel::prelude::*;

use super::faults::Faults;
use super::matters::{self, Matter};
use super::outbox::Sender;
use super::recipients::{About, Around, NewItem, insert};
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::locked;
use crate::db::schema::{obligations, reminder_items, round_clauses};
use crate::db::types::Word;
use crate::domain::calendar::Calendar;
use crate::domain::reminder::{Schedule, StageKey, Step, is_immediate, paused, resolve};
use crate::domain::vocabulary::{ObligationKind, Role};
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::organizations;
use crate::people::holders::Contact;

/// Obligations of one transaction.
const BATCH: usize = 500;
/// Stands for the recipient of a step that concerns somebody, but reaches nobody.
const NOBODY: &str = "nobody";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = obligations)]
struct DueRow {
    id: String,
    organization_id: String,
    entry_id: Option<String>,
    kind: Word<ObligationKind>,
    subject_id: String,
    cycle: i32,
    due_on: NaiveDate,
    known_cycle_days: Option<i64>,
    starts_on: Option<NaiveDate>,
    severe: bool,
    grace_until_on: Option<NaiveDate>,
    last_stage: Option<String>,
}

/// Plans everything that is due in a tenant; answers how many items it made.
///
/// # Errors
/// A database failure; finished batches stay.
pub(crate) fn plan(app: &App, tenant: &Tenant, faults: &Faults) -> Result<usize, ApiError> {
    let mut planned = 0;
    loop {
        let (taken, items) = app.write_as(tenant, Actor::system(), |scope| {
            let done = batch(scope)?;
            if done.0 > 0 {
                faults.at("plan: before the commit")?;
            }
            Ok(done)
        })?;
        planned += items;
        if taken > 0 {
            faults.at("plan: after the commit")?;
        }
        if taken < BATCH {
            return Ok(planned);
        }
    }
}

/// One transaction: how many obligations it took and how many items it made.
fn batch(scope: &mut Scope<'_>) -> Result<(usize, usize), ApiError> {
    let rows = due(scope)?;
    if rows.is_empty() {
        return Ok((0, 0));
    }
    let organization_ids: BTreeSet<String> = rows.iter().map(|row| row.organization_id.clone()).collect();
    let entry_ids: BTreeSet<String> = rows.iter().filter_map(|row| row.entry_id.clone()).collect();
    let mut calendars = BTreeMap::new();
    for id in &organization_ids {
        calendars.insert(id.clone(), organizations::row(scope, id)?.calendar(scope.app)?);
    }
    let assignees = assignees(scope, &rows)?;
    let without_entry = rows.iter().filter(|row| row.entry_id.is_none());
    let matters = matters::of(scope, without_entry.map(|row| (row.kind.0, row.subject_id.as_str())))?;
    let answering = matters.values().filter_map(|matter| matter.person_id.clone());
    let person_ids: Vec<String> = assignees
        .iter()
        .map(|(.., person)| person.clone())
        .chain(answering)
        .collect();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let around = Around::load(scope, &organization_ids, &entry_ids, &person_ids, &ids)?;
    let sender = Sender::of(scope)?;

    let (mut items, mut overtaken): (Vec<NewItem>, BTreeMap<String, Vec<String>>) = <_>::default();
    for row in &rows {
        let Some(calendar) = calendars.get(&row.organization_id) else {
            continue;
        };
        let next = if let Some(until) = row.grace_until_on.filter(|_| paused(row.grace_until_on, scope.today)) {
            Next {
                last: row.last_stage.clone(),
                on: until.checked_add_days(Days::new(1)),
            }
        } else {
            let batch = Batch {
                around: &around,
                assignees: &assignees,
                matters: &matters,
                calendar,
                sender: &sender,
            };
            let (next, latest) = batch.plan(scope, row, &mut items);
            if let Some(latest) = latest {
                overtaken.entry(latest).or_default().push(row.id.clone());
            }
            next
        };
        diesel::update(obligations::table.find((&scope.lg, &row.id)))
            .set((
                obligations::last_stage.eq(next.last),
                obligations::next_step_on.eq(next.on),
            ))
            .execute(scope.conn)?;
    }
    // What was planned before and never left, because the relay was down, is overtaken too.
    for (latest, ids) in overtaken {
        diesel::update(
            reminder_items::table
                .filter(reminder_items::local_government_id.eq(&scope.lg))
                .filter(reminder_items::obligation_id.eq_any(ids))
                .filter(reminder_items::state.eq("planned")),
        )
        .set((
            reminder_items::state.eq("superseded"),
            reminder_items::superseded_by.eq(Some(latest)),
            reminder_items::send_at.eq(None::<Instant>),
            reminder_items::updated_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    }
    Ok((rows.len(), insert(scope, &items)?))
}

/// Due obligations, locked: another replica takes others.
fn due(scope: &mut Scope<'_>) -> Result<Vec<DueRow>, ApiError> {
    let query = obligations::table
        .filter(obligations::next_step_on.le(Some(scope.today)))
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::state.eq("open"))
        .order((obligations::next_step_on, obligations::id))
        .limit(i64::try_from(BATCH).unwrap_or(i64::MAX));
    Ok(locked!(skip &mut *scope.conn, query.select(DueRow::as_select()), |q, c| q.load(c))?)
}

type Assignee = (String, i32, Word<Role>, String);

/// Who was named for clauses of these rounds that are not answered yet.
fn assignees(scope: &mut Scope<'_>, rows: &[DueRow]) -> Result<Vec<Assignee>, ApiError> {
    let rounds: Vec<&str> = rows
        .iter()
        .filter(|row| row.kind.0 == ObligationKind::Reverification)
        .map(|row| row.id.as_str())
        .collect();
    if rounds.is_empty() {
        return Ok(vec![]);
    }
    Ok(round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq_any(rounds))
        .filter(round_clauses::answer.is_null())
        .filter(round_clauses::assignee_person_id.is_not_null())
        .select((
            round_clauses::obligation_id,
            round_clauses::cycle,
            round_clauses::assignee_role,
            round_clauses::assignee_person_id.assume_not_null(),
        ))
        .distinct()
        .load(scope.conn)?)
}

/// What an obligation's planning goes on with.
struct Next {
    last: Option<String>,
    on: Option<NaiveDate>,
}

/// What the rows of a batch share.
struct Batch<'b> {
    around: &'b Around,
    assignees: &'b [Assignee],
    matters: &'b BTreeMap<String, Matter>,
    calendar: &'b Calendar,
    sender: &'b Sender,
}

impl Batch<'_> {
    /// Adds the items of the due steps; answers what comes next and the step that overtakes all before it.
    fn plan(&self, scope: &Scope<'_>, row: &DueRow, items: &mut Vec<NewItem>) -> (Next, Option<String>) {
        let schedule = Schedule {
            kind: row.kind.0,
            due_on: row.due_on,
            known_cycle_days: row.known_cycle_days,
            starts_on: row.starts_on,
            calendar: self.calendar,
            severe: row.severe,
        };
        let after = row
            .last_stage
            .as_deref()
            .and_then(|stage| stage.parse::<StageKey>().ok());
        let due = schedule.due_steps(after, scope.today);
        let last = due.latest.as_ref().map(|step| step.key).or(after);
        let next = Next {
            last: last.map(|stage| stage.to_string()),
            on: schedule.next_step_after(last).map(|step| step.send_on),
        };
        let Some(latest) = due.latest else {
            return (next, None);
        };
        let key = latest.key.to_string();
        for step in &due.superseded {
            // Once, under its first recipient: it says that nothing was sent, not to how many.
            let first = self.recipients(row, step).into_iter().next();
            items.push(NewItem {
                state: "superseded",
                superseded_by: Some(key.clone()),
                ..item(scope, row, step, first)
            });
        }
        let send_at = if is_immediate(row.kind.0) {
            scope.at
        } else {
            self.sender.leaves_at(scope, self.calendar)
        };
        let recipients = self.recipients(row, &latest);
        if recipients.is_empty() {
            tracing::warn!(
                obligation_id = row.id,
                stage = key,
                "a reminder reaches nobody: no role is filled"
            );
            items.push(item(scope, row, &latest, None));
        }
        for recipient in recipients {
            items.push(NewItem {
                state: "planned",
                send_at: Some(send_at),
                ..item(scope, row, &latest, Some(recipient))
            });
        }
        (next, Some(key))
    }

    /// The contacts of a step, each once: its roles, the verifiers named in a round before the due date, and if there
    /// is nobody at all the department's mailbox.
    fn recipients(&self, row: &DueRow, step: &Step) -> Vec<(Role, Contact)> {
        let about = About {
            obligation_id: &row.id,
            organization_id: &row.organization_id,
            entry_id: row.entry_id.as_deref(),
        };
        let answering = self
            .matters
            .get(&row.subject_id)
            .and_then(|matter| matter.person_id.as_deref());
        let owner = answering.and_then(|id| self.around.directory.person(id));
        let mut found = resolve(&step.to, |role| match (role, owner) {
            (Role::Owner, Some(owner)) => self.around.contacts(owner, about).into_iter().collect(),
            _ => self.around.holders(about, role),
        });
        if matches!(step.key, StageKey::Lead(_)) {
            for (id, cycle, role, person) in self.assignees {
                let person = Some(person)
                    .filter(|_| *id == row.id && *cycle == row.cycle)
                    .and_then(|person| self.around.directory.person(person));
                for contact in person
                    .into_iter()
                    .flat_map(|person| self.around.contacts(person, about))
                {
                    if !found.iter().any(|(_, known)| *known == contact) {
                        found.push((role.0, contact));
                    }
                }
            }
        }
        if found.is_empty() {
            found.extend(self.around.mailbox(about).map(|mailbox| (Role::Owner, mailbox)));
        }
        found
    }
}

/// An item that is not sent; the caller says what becomes of it.
fn item(scope: &Scope<'_>, row: &DueRow, step: &Step, recipient: Option<(Role, Contact)>) -> NewItem {
    let (role, contact) = recipient.unwrap_or_else(|| {
        let nobody = Contact {
            key: NOBODY.to_owned(),
            person_id: None,
            department_id: None,
            name: String::new(),
            address: String::new(),
        };
        (Role::Owner, nobody)
    });
    NewItem {
        local_government_id: scope.lg.clone(),
        id: scope.new_id(),
        obligation_id: row.id.clone(),
        cycle: row.cycle,
        stage: step.key.to_string(),
        recipient: contact.key,
        person_id: contact.person_id,
        department_id: contact.department_id,
        address: contact.address,
        role: Word(role),
        organization_id: row.organization_id.clone(),
        entry_id: row.entry_id.clone(),
        planned_on: step.send_on,
        immediate: is_immediate(row.kind.0),
        send_at: None,
        state: "cancelled",
        superseded_by: None,
        created_at: scope.at,
        updated_at: scope.at,
    }
}
