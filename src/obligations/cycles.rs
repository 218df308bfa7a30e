//! The cycles of obligations: opened, moved to another date, closed, retired (design §9 "Obligations and rounds").
//!
//! `due_on` of a cycle never changes: another date ends the cycle as `rescheduled`, cancels what was not sent and opens
//! the next one. Mail is planned from these rows by [`crate::work::plan`].

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::Scope;
use crate::db::locked;
use crate::db::schema::{obligation_cycles, obligations, reminder_items, round_clauses};
use crate::domain::reminder::Schedule;
use crate::domain::round::{CycleChange, next_cycle};
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::http::error::ApiError;
use crate::organizations;

/// A due thing as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub kind: ObligationKind,
    pub subject_id: String,
    pub organization_id: String,
    pub entry_id: Option<String>,
    pub on: NaiveDate,
    pub known_cycle_days: Option<i64>,
    pub starts_on: Option<NaiveDate>,
    pub severe: bool,
}

/// The open round of an entry.
#[derive(Debug, Clone)]
pub(crate) struct OpenRound {
    pub due_on: NaiveDate,
    pub clauses: BTreeSet<String>,
    pub answered: usize,
}

/// What becomes of a cycle that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Rescheduled,
    Retired,
}

impl End {
    const fn code(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Rescheduled => "rescheduled",
            Self::Retired => "retired",
        }
    }
}

type Known = (String, i32, NaiveDate, String, bool, Option<i64>);

fn known(scope: &mut Scope<'_>, kind: ObligationKind, subject_id: &str) -> Result<Option<Known>, ApiError> {
    Ok(obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::kind.eq(kind.code()))
        .filter(obligations::subject_id.eq(subject_id))
        .select((
            obligations::id,
            obligations::cycle,
            obligations::due_on,
            obligations::state,
            obligations::severe,
            obligations::known_cycle_days,
        ))
        .first(scope.conn)
        .optional()?)
}

/// The open round of an entry and how many of its clauses are answered.
pub(crate) fn open_round(scope: &mut Scope<'_>, entry_id: &str) -> Result<Option<OpenRound>, ApiError> {
    let Some((id, cycle, due_on, state, ..)) = known(scope, ObligationKind::Reverification, entry_id)? else {
        return Ok(None);
    };
    if state != "open" {
        return Ok(None);
    }
    let members: Vec<(String, Option<String>)> = round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq(&id))
        .filter(round_clauses::cycle.eq(cycle))
        .select((round_clauses::clause_key, round_clauses::answer))
        .load(scope.conn)?;
    let answered = members.iter().filter(|(_, answer)| answer.is_some()).count();
    Ok(Some(OpenRound {
        due_on,
        clauses: members.into_iter().map(|(key, _)| key).collect(),
        answered,
    }))
}

/// Makes sure that the thing has an open cycle with this date; answers the obligation and the cycle.
///
/// A contract end that was decided stays closed as long as its date does.
///
/// # Errors
/// A database failure.
pub(crate) fn ensure(scope: &mut Scope<'_>, due: &Due) -> Result<(String, i32), ApiError> {
    let first_step = first_step(scope, due)?;
    let Some((id, cycle, known_due, state, severe, days)) = known(scope, due.kind, &due.subject_id)? else {
        let id = scope.new_id();
        diesel::insert_into(obligations::table)
            .values((
                obligations::local_government_id.eq(&scope.lg),
                obligations::id.eq(&id),
                obligations::organization_id.eq(&due.organization_id),
                obligations::entry_id.eq(&due.entry_id),
                obligations::kind.eq(due.kind.code()),
                obligations::subject_id.eq(&due.subject_id),
                obligations::cycle.eq(1),
                obligations::due_on.eq(due.on),
                obligations::state.eq("open"),
                obligations::known_cycle_days.eq(due.known_cycle_days),
                obligations::starts_on.eq(due.starts_on),
                obligations::severe.eq(due.severe),
                obligations::next_step_on.eq(first_step),
                obligations::opened_at.eq(scope.at),
                obligations::version.eq(1),
            ))
            .execute(scope.conn)?;
        open_cycle(scope, &id, 1, due.on)?;
        return Ok((id, 1));
    };
    let open = state == "open";
    let moved = match next_cycle(Some(known_due), Some(due.on)) {
        CycleChange::Unchanged | CycleChange::Retires => false,
        CycleChange::Opens(_) | CycleChange::Rescheduled(_) => true,
    };
    if open && !moved {
        if severe != due.severe || days != due.known_cycle_days {
            diesel::update(obligations::table.find((&scope.lg, &id)))
                .set((
                    obligations::severe.eq(due.severe),
                    obligations::known_cycle_days.eq(due.known_cycle_days),
                ))
                .execute(scope.conn)?;
        }
        return Ok((id, cycle));
    }
    // A round that ends with its evidence is asked again for the same date, until the evidence is renewed; so is a
    // document that is reviewed twice before it is due.
    let asked_again = matches!(
        due.kind,
        ObligationKind::Reverification | ObligationKind::DocumentReview
    );
    if state == "closed" && !moved && !asked_again {
        return Ok((id, cycle));
    }
    if open {
        end_cycle(scope, &id, cycle, End::Rescheduled, None)?;
    }
    let next = cycle + 1;
    diesel::update(obligations::table.find((&scope.lg, &id)))
        .set((
            obligations::cycle.eq(next),
            obligations::due_on.eq(due.on),
            obligations::state.eq("open"),
            obligations::known_cycle_days.eq(due.known_cycle_days),
            obligations::starts_on.eq(due.starts_on),
            obligations::severe.eq(due.severe),
            obligations::grace_until_on.eq(None::<NaiveDate>),
            obligations::last_stage.eq(None::<String>),
            obligations::next_step_on.eq(first_step),
            obligations::opened_at.eq(scope.at),
            obligations::closed_at.eq(None::<crate::clock::Instant>),
            obligations::outcome.eq(None::<String>),
            obligations::version.eq(obligations::version + 1),
        ))
        .execute(scope.conn)?;
    open_cycle(scope, &id, next, due.on)?;
    Ok((id, next))
}

/// The day of the first mail about it; it may be past, then only the latest stage is sent.
fn first_step(scope: &mut Scope<'_>, due: &Due) -> Result<Option<NaiveDate>, ApiError> {
    let calendar = organizations::row(scope, &due.organization_id)?.calendar(scope.app)?;
    let schedule = Schedule {
        kind: due.kind,
        due_on: due.on,
        known_cycle_days: due.known_cycle_days,
        starts_on: due.starts_on,
        calendar: &calendar,
        severe: due.severe,
    };
    Ok(schedule.next_step_after(None).map(|step| step.send_on))
}

fn open_cycle(scope: &mut Scope<'_>, id: &str, cycle: i32, due_on: NaiveDate) -> Result<(), ApiError> {
    diesel::insert_into(obligation_cycles::table)
        .values((
            obligation_cycles::local_government_id.eq(&scope.lg),
            obligation_cycles::obligation_id.eq(id),
            obligation_cycles::cycle.eq(cycle),
            obligation_cycles::due_on.eq(due_on),
            obligation_cycles::state.eq("open"),
            obligation_cycles::opened_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Ends the cycle and cancels its mails that were not sent.
///
/// # Errors
/// A database failure.
pub(crate) fn end_cycle(
    scope: &mut Scope<'_>,
    id: &str,
    cycle: i32,
    end: End,
    outcome: Option<&str>,
) -> Result<(), ApiError> {
    diesel::update(obligation_cycles::table.find((&scope.lg, id, cycle)))
        .set((
            obligation_cycles::state.eq(end.code()),
            obligation_cycles::ended_at.eq(Some(scope.at)),
            obligation_cycles::outcome.eq(outcome),
        ))
        .execute(scope.conn)?;
    diesel::update(
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::obligation_id.eq(id))
            .filter(reminder_items::cycle.eq(cycle))
            .filter(reminder_items::state.eq("planned")),
    )
    .set((
        reminder_items::state.eq("cancelled"),
        reminder_items::send_at.eq(None::<crate::clock::Instant>),
        reminder_items::updated_at.eq(scope.at),
    ))
    .execute(scope.conn)?;
    if end != End::Rescheduled {
        diesel::update(obligations::table.find((&scope.lg, id)))
            .set((
                obligations::state.eq(end.code()),
                obligations::closed_at.eq(Some(scope.at)),
                obligations::outcome.eq(outcome),
                obligations::next_step_on.eq(None::<NaiveDate>),
                obligations::grace_until_on.eq(None::<NaiveDate>),
                obligations::version.eq(obligations::version + 1),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}

/// Retires the obligation about this thing, if it is open.
///
/// # Errors
/// A database failure.
pub(crate) fn retire(scope: &mut Scope<'_>, kind: ObligationKind, subject_id: &str) -> Result<(), ApiError> {
    match known(scope, kind, subject_id)? {
        Some((id, cycle, _, state, ..)) if state == "open" => end_cycle(scope, &id, cycle, End::Retired, None),
        _ => Ok(()),
    }
}

/// Closes the obligation about this thing with its outcome, if it is open.
///
/// # Errors
/// A database failure.
pub(crate) fn close(
    scope: &mut Scope<'_>,
    kind: ObligationKind,
    subject_id: &str,
    outcome: &str,
) -> Result<(), ApiError> {
    match known(scope, kind, subject_id)? {
        Some((id, cycle, _, state, ..)) if state == "open" => end_cycle(scope, &id, cycle, End::Closed, Some(outcome)),
        _ => Ok(()),
    }
}

/// Kind and subject of every open obligation of an entry.
///
/// # Errors
/// A database failure.
pub(crate) fn subjects(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<(ObligationKind, String)>, ApiError> {
    let rows: Vec<(String, String)> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::entry_id.eq(Some(entry_id)))
        .filter(obligations::state.eq("open"))
        .select((obligations::kind, obligations::subject_id))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .filter_map(|(kind, subject)| ObligationKind::parse(&kind).map(|kind| (kind, subject)))
        .collect())
}

/// Retires everything that is open on an entry.
///
/// # Errors
/// A database failure.
pub(crate) fn retire_all(scope: &mut Scope<'_>, entry_id: &str) -> Result<(), ApiError> {
    for (kind, subject) in subjects(scope, entry_id)? {
        retire(scope, kind, &subject)?;
    }
    Ok(())
}

/// The earliest open due date of an entry.
///
/// # Errors
/// A database failure.
pub(crate) fn next_due(scope: &mut Scope<'_>, entry_id: &str) -> Result<Option<NaiveDate>, ApiError> {
    // The least of few rows, found here: SQLite, asked for it, walks the due dates of the whole tenant.
    let dates: Vec<NaiveDate> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::entry_id.eq(Some(entry_id)))
        .filter(obligations::state.eq("open"))
        .select(obligations::due_on)
        .load(scope.conn)?;
    Ok(dates.into_iter().min())
}

/// Holds obligations until the transaction ends, so that each is answered once.
///
/// # Errors
/// A database failure.
pub(crate) fn hold(scope: &mut Scope<'_>, ids: &[&str]) -> Result<(), ApiError> {
    let query = obligations::table
        .filter(obligations::local_government_id.eq(scope.lg.clone()))
        .filter(obligations::id.eq_any(ids))
        .order(obligations::id)
        .select(obligations::id);
    let held: Result<Vec<String>, diesel::result::Error> = locked!(&mut *scope.conn, query, |q, c| q.load(c));
    held?;
    Ok(())
}
