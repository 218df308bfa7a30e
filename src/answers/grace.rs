//! More time (猶予): asked for by whoever answers, granted or not by a superior. It moves no due date; it lets mail rest
//! until its last day, once per cycle. What may be asked for is [`crate::domain::grace`]'s.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde_json::json;

use super::asked::{Asked, described};
use super::reader_name;
use crate::app::{Scope, Subject};
use crate::db::schema::{grace_requests, obligations, reminder_items};
use crate::domain::grace::{self, NoGrace};
use crate::domain::link::LinkPurpose;
use crate::domain::vocabulary::Role;
use crate::http::error::ApiError;
use crate::links::{self, Reader};
use crate::people::holders::{Contact, Directory};

/// A request for more time.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = grace_requests)]
pub(crate) struct GraceRow {
    /// Id.
    pub id: String,
    /// About which obligation.
    pub obligation_id: String,
    /// In which cycle.
    pub cycle: i32,
    /// Who asks.
    pub requested_by_person_id: String,
    /// Until when.
    pub until_on: NaiveDate,
    /// Why.
    pub reason: String,
    /// What was said to it; `None`: nothing yet.
    pub granted: Option<bool>,
}

/// The requests about these obligations, by obligation and cycle.
pub(super) fn of(
    scope: &mut Scope<'_>,
    obligation_ids: &BTreeSet<&str>,
) -> Result<BTreeMap<(String, i32), Vec<GraceRow>>, ApiError> {
    let rows: Vec<GraceRow> = grace_requests::table
        .filter(grace_requests::local_government_id.eq(&scope.lg))
        .filter(grace_requests::obligation_id.eq_any(obligation_ids))
        .order(grace_requests::id)
        .select(GraceRow::as_select())
        .load(scope.conn)?;
    let mut by_cycle: BTreeMap<(String, i32), Vec<GraceRow>> = BTreeMap::new();
    for row in rows {
        by_cycle
            .entry((row.obligation_id.clone(), row.cycle))
            .or_default()
            .push(row);
    }
    Ok(by_cycle)
}

/// The first and the last day until which more time may be asked for.
///
/// # Errors
/// Why it may not.
pub(crate) fn days(asked: &Asked, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), NoGrace> {
    let known = grace::Asked {
        kind: asked.row.kind.0,
        statutory: asked.is_statutory(),
        granted: asked.row.grace_until_on.is_some() || asked.graces.iter().any(|row| row.granted == Some(true)),
        waiting: asked.graces.iter().any(|row| row.granted.is_none()),
    };
    grace::days(known, asked.row.due_on, today)
}

/// Whoever decides about more time: the nearest superior who can be written to and is not the one who asks.
///
/// # Errors
/// A database failure.
pub(crate) fn superior(scope: &mut Scope<'_>, asked: &Asked, person_id: &str) -> Result<Option<Contact>, ApiError> {
    let organization_id = asked.row.organization_id.clone();
    let department_id = asked.entry.as_ref().and_then(|entry| entry.department_id.clone());
    let directory = Directory::load(scope, std::slice::from_ref(&organization_id), &[], &[], scope.today)?;
    let mut role = Some(Role::SectionSecurityManager);
    while let Some(at) = role {
        let holders = directory.holders(&organization_id, department_id.as_deref(), at);
        let other = holders
            .into_iter()
            .find(|contact| contact.person_id.as_deref().is_some_and(|id| id != person_id));
        if other.is_some() {
            return Ok(other);
        }
        role = at.next_up();
    }
    Ok(None)
}

/// A request that waits for somebody's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The page on which it is decided: behind the link of the mail that asked.
    pub path: String,
    /// What it is about.
    pub name: String,
    /// Its control number, where it has one.
    pub control_number: String,
    /// Who asks.
    pub by: String,
    /// Until when.
    pub until_on: NaiveDate,
}

/// The requests that this person was asked about by mail and nobody has decided, while their links open.
///
/// # Errors
/// A database failure.
pub(crate) fn waiting_for(scope: &mut Scope<'_>, person_id: &str) -> Result<Vec<Waiting>, ApiError> {
    let mut found = vec![];
    for (path, link) in links::open_of(scope, person_id, LinkPurpose::Grace)? {
        let (Some(id), Some(cycle), Some(by)) = (&link.obligation_id, link.cycle, &link.by_person_id) else {
            continue;
        };
        let Some(asked) = described(scope, id, cycle)? else {
            continue;
        };
        let of = |row: &&GraceRow| row.requested_by_person_id == *by;
        let Some(request) = asked.graces.iter().rfind(of).filter(|row| row.granted.is_none()) else {
            continue;
        };
        found.push(Waiting {
            path,
            control_number: asked
                .entry
                .as_ref()
                .map(|entry| entry.control_number.clone())
                .unwrap_or_default(),
            by: reader_name(scope, Reader::Person(by))?,
            until_on: request.until_on,
            name: asked.name.clone(),
        });
    }
    Ok(found)
}

/// Notes a request and answers its id.
///
/// # Errors
/// A database failure.
pub(crate) fn ask(
    scope: &mut Scope<'_>,
    asked: &Asked,
    person_id: &str,
    until_on: NaiveDate,
    reason: &str,
) -> Result<String, ApiError> {
    let id = scope.new_id();
    diesel::insert_into(grace_requests::table)
        .values((
            grace_requests::local_government_id.eq(&scope.lg),
            grace_requests::id.eq(&id),
            grace_requests::obligation_id.eq(&asked.row.id),
            grace_requests::cycle.eq(asked.row.cycle),
            grace_requests::requested_by_person_id.eq(person_id),
            grace_requests::until_on.eq(until_on),
            grace_requests::reason.eq(reason),
            grace_requests::created_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    record(
        scope,
        "obligation.grace_requested",
        asked,
        json!({"grace_request_id": id, "cycle": asked.row.cycle, "until_on": until_on, "reason": reason}),
    );
    Ok(id)
}

/// Grants a request or not. What is planned and has not left rests with the grace; the planner goes on behind it.
///
/// # Errors
/// A database failure.
pub(crate) fn decide(
    scope: &mut Scope<'_>,
    asked: &Asked,
    request: &GraceRow,
    person_id: &str,
    granted: bool,
    note: Option<&str>,
) -> Result<(), ApiError> {
    diesel::update(grace_requests::table.find((&scope.lg, &request.id)))
        .set((
            grace_requests::granted.eq(Some(granted)),
            grace_requests::decided_by_person_id.eq(Some(person_id)),
            grace_requests::decided_at.eq(Some(scope.at)),
            grace_requests::note.eq(note),
        ))
        .execute(scope.conn)?;
    if granted {
        let next = request.until_on.checked_add_days(Days::new(1));
        diesel::update(obligations::table.find((&scope.lg, &asked.row.id)))
            .set((
                obligations::grace_until_on.eq(Some(request.until_on)),
                obligations::next_step_on.eq(next),
                obligations::version.eq(obligations::version + 1),
            ))
            .execute(scope.conn)?;
        diesel::update(
            reminder_items::table
                .filter(reminder_items::local_government_id.eq(&scope.lg))
                .filter(reminder_items::obligation_id.eq(&asked.row.id))
                .filter(reminder_items::cycle.eq(asked.row.cycle))
                .filter(reminder_items::state.eq("planned")),
        )
        .set((
            reminder_items::state.eq("cancelled"),
            reminder_items::send_at.eq(None::<crate::clock::Instant>),
            reminder_items::updated_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    }
    let action = if granted {
        "obligation.grace_granted"
    } else {
        "obligation.grace_refused"
    };
    let payload = json!({"grace_request_id": request.id, "cycle": asked.row.cycle, "due_on": asked.row.due_on,
        "until_on": request.until_on, "note": note});
    record(scope, action, asked, payload);
    Ok(())
}

fn record(scope: &mut Scope<'_>, action: &'static str, asked: &Asked, payload: serde_json::Value) {
    let subject = Subject {
        kind: "obligation",
        id: &asked.row.id,
        organization_id: Some(&asked.row.organization_id),
        entry_id: asked.row.entry_id.as_deref(),
    };
    scope.record(action, subject, payload);
}
