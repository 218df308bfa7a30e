//! Decisions that change: whoever asked the gate once is told when the answer is another (`gate_decision.changed`).
//!
//! Watched are the pairs of entry and action that were asked about. The journal says whose entry or company changed;
//! those are marked to be looked at today, and every pair is looked at again on the day until which its answer held.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::answer;
use super::wire::{GateCheck, GateCheckCreate};
use crate::app::{App, Scope, Subject, Tenant};
use crate::contractors;
use crate::db::schema::{
    contractors as contractor_table, engagements, gate_watch_positions, gate_watches, journal, journal_heads,
};
use crate::db::{locked, on_each_backend};
use crate::domain::event;
use crate::domain::gate::GateAction;
use crate::domain::vocabulary::CodeWord;
use crate::entries::rows as entry_rows;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::sync::GateChange;

/// Journal entries of one transaction.
const READ: i64 = 500;
/// Pairs that are asked again in one transaction.
const STEP: i64 = 50;
/// Companies below a contractor that are followed.
const MOST_BELOW: usize = 200;

/// Notes that this was asked, when it was about an entry as it stands today.
pub(super) fn note(scope: &mut Scope<'_>, new: &GateCheckCreate, check: &GateCheck) -> Result<(), ApiError> {
    let Some(entry_id) = check.entry_id.as_ref() else {
        return Ok(());
    };
    // The bare question is what is asked again.
    if new.candidate.is_some() || new.invoice_received_on.is_some() || check.as_of_on != scope.today {
        return Ok(());
    }
    let row = (
        gate_watches::local_government_id.eq(&scope.lg),
        gate_watches::entry_id.eq(entry_id),
        gate_watches::action.eq(check.action.code()),
        gate_watches::decision.eq(check.decision.code()),
        gate_watches::look_on.eq(tomorrow(scope.today)),
    );
    let known = on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(gate_watches::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    if known == 1 {
        // What happened before anybody asked changes nothing.
        let head: i64 = journal_heads::table
            .find(&scope.lg)
            .select(journal_heads::seq)
            .first(scope.conn)?;
        let row = (
            gate_watch_positions::local_government_id.eq(&scope.lg),
            gate_watch_positions::position.eq(head),
        );
        on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(
            gate_watch_positions::table
        )
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    } else {
        // What was asked is what is known; whoever follows the events is told of it all the same.
        diesel::update(gate_watches::table.find((&scope.lg, entry_id, check.action.code())))
            .set(gate_watches::look_on.eq(scope.today))
            .execute(scope.conn)?;
    }
    Ok(())
}

fn tomorrow(today: NaiveDate) -> NaiveDate {
    today.succ_opt().unwrap_or(today)
}

/// Looks at what changed and at what is due; answers how many decisions changed.
///
/// # Errors
/// A database failure; finished steps stay.
pub(crate) fn go_on(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    // A tick that has nothing to do takes no lock.
    if app.read_as(tenant, is_behind)? {
        while app.write_as(tenant, Actor::system(), mark)? {}
    }
    let mut changed = 0;
    while app.read_as(tenant, is_due)? {
        let (asked, told) = app.write_as(tenant, Actor::system(), step)?;
        changed += told;
        // Another replica has the rest.
        if asked == 0 {
            break;
        }
    }
    Ok(changed)
}

/// Whether the journal has gone on since the pairs were marked; nothing is watched before anybody has asked.
fn is_behind(scope: &mut Scope<'_>) -> Result<bool, ApiError> {
    let position: Option<i64> = gate_watch_positions::table
        .find(&scope.lg)
        .select(gate_watch_positions::position)
        .first(scope.conn)
        .optional()?;
    let head: i64 = journal_heads::table
        .find(&scope.lg)
        .select(journal_heads::seq)
        .first(scope.conn)?;
    Ok(position.is_some_and(|position| position < head))
}

fn is_due(scope: &mut Scope<'_>) -> Result<bool, ApiError> {
    let first: Option<String> = gate_watches::table
        .filter(gate_watches::look_on.le(scope.today))
        .filter(gate_watches::local_government_id.eq(&scope.lg))
        .select(gate_watches::entry_id)
        .first(scope.conn)
        .optional()?;
    Ok(first.is_some())
}

/// Marks the pairs that the next journal entries concern; whether there may be more of them.
fn mark(scope: &mut Scope<'_>) -> Result<bool, ApiError> {
    let query = gate_watch_positions::table
        .find(scope.lg.clone())
        .select(gate_watch_positions::position);
    let position: Option<i64> = locked!(&mut *scope.conn, query, |q, c| q.first(c)).optional()?;
    let Some(after) = position else { return Ok(false) };
    type Row = (i64, String, String, String, Option<String>);
    let rows: Vec<Row> = journal::table
        .filter(journal::local_government_id.eq(&scope.lg))
        .filter(journal::seq.gt(after))
        .order(journal::seq)
        .limit(READ)
        .select((
            journal::seq,
            journal::action,
            journal::subject_type,
            journal::subject_id,
            journal::entry_id,
        ))
        .load(scope.conn)?;
    let Some(reached) = rows.last().map(|row| row.0) else {
        return Ok(false);
    };
    let full = i64::try_from(rows.len()).unwrap_or(READ) >= READ;
    let (mut entry_ids, mut companies): (BTreeSet<String>, BTreeSet<String>) = <_>::default();
    for (_, action, subject_type, subject_id, entry_id) in rows {
        match entry_id {
            // Asking changes nothing.
            _ if action == event::GATE_CHANGED || action == "gate_check.answered" => {}
            Some(id) => drop(entry_ids.insert(id)),
            None if subject_type == contractors::KIND => drop(companies.insert(subject_id)),
            None => {}
        }
    }
    entry_ids.extend(entries_of(scope, companies)?);
    let ids: Vec<String> = entry_ids.into_iter().collect();
    diesel::update(
        gate_watches::table
            .filter(gate_watches::local_government_id.eq(&scope.lg))
            .filter(gate_watches::entry_id.eq_any(&ids)),
    )
    .set(gate_watches::look_on.eq(scope.today))
    .execute(scope.conn)?;
    diesel::update(gate_watch_positions::table.find(&scope.lg))
        .set(gate_watch_positions::position.eq(reached))
        .execute(scope.conn)?;
    Ok(full)
}

/// The engagements of these companies and of those below them, which inherit what stands against them.
fn entries_of(scope: &mut Scope<'_>, mut companies: BTreeSet<String>) -> Result<Vec<String>, ApiError> {
    if companies.is_empty() {
        return Ok(vec![]);
    }
    let mut next: Vec<String> = companies.iter().cloned().collect();
    while !next.is_empty() && companies.len() < MOST_BELOW {
        let below: Vec<String> = contractor_table::table
            .filter(contractor_table::local_government_id.eq(&scope.lg))
            .filter(contractor_table::parent_contractor_id.eq_any(next.iter().map(Some)))
            .select(contractor_table::id)
            .load(scope.conn)?;
        next = below.into_iter().filter(|id| companies.insert(id.clone())).collect();
    }
    Ok(engagements::table
        .filter(engagements::local_government_id.eq(&scope.lg))
        .filter(engagements::contractor_id.eq_any(companies.iter().map(Some)))
        .select(engagements::id)
        .load(scope.conn)?)
}

/// Asks again about the next pairs that are due; how many, and how many answers are others.
fn step(scope: &mut Scope<'_>) -> Result<(i64, usize), ApiError> {
    let query = gate_watches::table
        .filter(gate_watches::look_on.le(scope.today))
        .filter(gate_watches::local_government_id.eq(scope.lg.clone()))
        .order((gate_watches::look_on, gate_watches::entry_id, gate_watches::action))
        .limit(STEP)
        .select((gate_watches::entry_id, gate_watches::action, gate_watches::decision));
    let due: Vec<(String, String, String)> = locked!(skip &mut *scope.conn, query, |q, c| q.load(c))?;
    let mut told = 0;
    for (entry_id, action, known) in &due {
        let new = decision(scope, entry_id, action)?;
        let decision = new.as_ref().map_or(known.as_str(), |check| check.decision.code());
        diesel::update(gate_watches::table.find((&scope.lg, entry_id, action)))
            .set((
                gate_watches::decision.eq(decision),
                gate_watches::look_on.eq(tomorrow(scope.today)),
            ))
            .execute(scope.conn)?;
        if let Some(check) = new.filter(|check| check.decision.code() != known) {
            tell(scope, entry_id, known, check)?;
            told += 1;
        }
    }
    Ok((i64::try_from(due.len()).unwrap_or(STEP), told))
}

/// The decision as it is now; none about what the lists do not show any more.
fn decision(scope: &mut Scope<'_>, entry_id: &str, action: &str) -> Result<Option<GateCheck>, ApiError> {
    let action = GateAction::parse(action).ok_or_else(|| ApiError::internal(format!("no action {action:?}")))?;
    let entry = entry_rows::by_id(scope, entry_id)?;
    if entry.archived_at.is_some() {
        return Ok(None);
    }
    answer::now(scope, &Organizations::All, &GateCheckCreate::of_entry(action, entry_id)).map(Some)
}

fn tell(scope: &mut Scope<'_>, entry_id: &str, known: &str, check: GateCheck) -> Result<(), ApiError> {
    let change = GateChange {
        action: check.action,
        old_decision: CodeWord::parse(known).ok_or_else(|| ApiError::internal(format!("no decision {known:?}")))?,
        new_decision: check.decision,
        enforced_decision: check.enforced_decision,
        reasons: check.reasons,
        erp: check.erp,
    };
    let subject = Subject {
        organization_id: check.organization_id.as_deref(),
        entry_id: Some(entry_id),
        ..Subject::of(entry_rows::KIND, entry_id)
    };
    scope.record(event::GATE_CHANGED, subject, serde_json::to_value(&change)?);
    Ok(())
}
