//! How a snapshot is taken: a chunk of entries in each transaction, then the signature over all of them.

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::content::{self, Line, Statement};
use super::rows::SnapshotRow;
use super::wire::{FrozenClause, FrozenEntry};
use crate::app::{App, Scope, Tenant};
use crate::db::locked;
use crate::db::schema::{entries, fiscal_year_snapshot_entries, fiscal_year_snapshots};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::entries::state;
use crate::http::error::ApiError;
use crate::journal::{Actor, checkpoint};
use crate::transitions;

/// Entries of one transaction.
const STEP: i64 = 200;

/// Begins a snapshot and freezes the first entries; answers its id.
pub(super) fn begin(
    scope: &mut Scope<'_>,
    organization_id: &str,
    fiscal_year: i32,
    reason: &str,
    person_id: &str,
) -> Result<String, ApiError> {
    let id = scope.new_id();
    let total: i64 = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::organization_id.eq(organization_id))
        .filter(entries::archived_at.is_null())
        .select(count_star())
        .first(scope.conn)?;
    let header = Line::Snapshot {
        format: 1,
        local_government_id: scope.lg.clone(),
        organization_id: organization_id.to_owned(),
        snapshot_id: id.clone(),
        fiscal_year,
        reason: reason.to_owned(),
        taken_by_person_id: person_id.to_owned(),
        taken_at: scope.at.to_string(),
    };
    diesel::insert_into(fiscal_year_snapshots::table)
        .values((
            fiscal_year_snapshots::local_government_id.eq(&scope.lg),
            fiscal_year_snapshots::id.eq(&id),
            fiscal_year_snapshots::organization_id.eq(organization_id),
            fiscal_year_snapshots::fiscal_year.eq(fiscal_year),
            fiscal_year_snapshots::reason.eq(reason),
            fiscal_year_snapshots::header.eq(serde_json::to_string(&header)?),
            fiscal_year_snapshots::taken_by_person_id.eq(person_id),
            fiscal_year_snapshots::taken_at.eq(scope.at),
            fiscal_year_snapshots::entries_total.eq(total),
            fiscal_year_snapshots::entries_done.eq(0),
            fiscal_year_snapshots::last_entry_id.eq(""),
        ))
        .execute(scope.conn)?;
    let row: SnapshotRow = fiscal_year_snapshots::table
        .find((&scope.lg, &id))
        .select(SnapshotRow::as_select())
        .first(scope.conn)?;
    let payload = json!({"fiscal_year": fiscal_year, "reason": reason, "entries_total": total});
    scope.record("fiscal_year_snapshot.taken", row.subject(), payload);
    step(scope, row)?;
    Ok(id)
}

/// Goes on with every snapshot of the tenant; answers how many entries were frozen.
///
/// # Errors
/// A database failure; finished chunks stay.
pub(crate) fn go_on(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut done = 0;
    let waits = |scope: &mut Scope<'_>| -> Result<bool, ApiError> {
        let found: Option<String> = fiscal_year_snapshots::table
            .filter(fiscal_year_snapshots::local_government_id.eq(&scope.lg))
            .filter(fiscal_year_snapshots::completed_at.is_null())
            .select(fiscal_year_snapshots::id)
            .first(scope.conn)
            .optional()?;
        Ok(found.is_some())
    };
    while app.read_as(tenant, waits)? {
        let taken = app.write_as(tenant, Actor::system(), |scope| {
            let query = fiscal_year_snapshots::table
                .filter(fiscal_year_snapshots::local_government_id.eq(scope.lg.clone()))
                .filter(fiscal_year_snapshots::completed_at.is_null())
                .order(fiscal_year_snapshots::id)
                .limit(1);
            let waiting: Vec<SnapshotRow> =
                locked!(skip &mut *scope.conn, query.select(SnapshotRow::as_select()), |q, c| q.load(c))?;
            match waiting.into_iter().next() {
                Some(row) => Ok(Some(step(scope, row)?)),
                None => Ok(None),
            }
        })?;
        match taken {
            Some(taken) => done += taken,
            // Another replica is at it.
            None => break,
        }
    }
    Ok(done)
}

/// Freezes the next entries, and signs when they were the last.
fn step(scope: &mut Scope<'_>, row: SnapshotRow) -> Result<usize, ApiError> {
    let found: Vec<EntryRow> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::organization_id.eq(&row.organization_id))
        .filter(entries::archived_at.is_null())
        .filter(entries::id.gt(&row.last_entry_id))
        .order(entries::id)
        .limit(STEP)
        .select(EntryRow::as_select())
        .load(scope.conn)?;
    let taken = found.len();
    let last = found.last().map(|entry| entry.id.clone());
    for entry in found {
        freeze(scope, &row.id, entry)?;
    }
    let count = i64::try_from(taken).unwrap_or(STEP);
    let done = row.entries_done + count;
    diesel::update(fiscal_year_snapshots::table.find((&scope.lg, &row.id)))
        .set((
            // Entries that came meanwhile are frozen too.
            fiscal_year_snapshots::entries_total.eq(row.entries_total.max(done)),
            fiscal_year_snapshots::entries_done.eq(done),
            fiscal_year_snapshots::last_entry_id.eq(last.as_ref().unwrap_or(&row.last_entry_id)),
        ))
        .execute(scope.conn)?;
    if count < STEP {
        complete(scope, &row, done)?;
    }
    Ok(taken)
}

fn freeze(scope: &mut Scope<'_>, snapshot_id: &str, entry: EntryRow) -> Result<(), ApiError> {
    let entry_id = entry.id.clone();
    let whole = entry_rows::complete(scope, vec![entry.clone()])?.pop();
    let situation = state::situation(scope, entry)?;
    let gaps = serde_json::to_value(transitions::gaps(scope, &situation)?)?;
    let (assessment, _) = state::assess(scope, &situation)?;
    let clauses = situation
        .requirements
        .iter()
        .map(|requirement| {
            let (status, days_overdue) = situation.status(requirement, scope.today);
            FrozenClause {
                clause_key: requirement.clause.key.clone(),
                requirement_level: requirement.level,
                status,
                days_overdue,
            }
        })
        .collect();
    let period = |of: fn(&state::PeriodRow) -> NaiveDate| situation.period.as_ref().map(of);
    let frozen = FrozenEntry {
        entry: whole.ok_or(ApiError::NotFound)?,
        period_starts_on: period(|period| period.starts_on),
        period_ends_on: period(|period| period.ends_on),
        catalogue_version: situation.catalogue.version.clone(),
        profile_version: situation.profile_version.clone(),
        policy_version_id: situation.catalogue.policy_version_id.clone(),
        clauses,
        gaps,
        assessment,
    };
    let line = serde_json::to_string(&Line::Entry(serde_json::to_value(&frozen)?))?;
    diesel::insert_into(fiscal_year_snapshot_entries::table)
        .values((
            fiscal_year_snapshot_entries::local_government_id.eq(&scope.lg),
            fiscal_year_snapshot_entries::snapshot_id.eq(snapshot_id),
            fiscal_year_snapshot_entries::entry_id.eq(&entry_id),
            fiscal_year_snapshot_entries::line.eq(line),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Signs what the file will say before its last line.
fn complete(scope: &mut Scope<'_>, row: &SnapshotRow, entries: i64) -> Result<(), ApiError> {
    let mut digest = Sha256::new();
    digest.update(&row.header);
    digest.update("\n");
    let mut after = String::new();
    loop {
        let lines = content::lines(scope, &row.id, &after)?;
        let Some((last, _)) = lines.last() else { break };
        after.clone_from(last);
        for (_, line) in &lines {
            digest.update(line);
            digest.update("\n");
        }
    }
    let sha256 = crate::journal::hex(digest);
    let statement = Statement {
        purpose: content::PURPOSE.to_owned(),
        local_government_id: scope.lg.clone(),
        organization_id: row.organization_id.clone(),
        snapshot_id: row.id.clone(),
        fiscal_year: row.fiscal_year,
        entries,
        before_sha256: sha256.clone(),
        at: scope.at.to_string(),
    };
    let (kid, jws) = checkpoint::sign(scope, content::TYP, &statement)?;
    diesel::update(fiscal_year_snapshots::table.find((&scope.lg, &row.id)))
        .set((
            fiscal_year_snapshots::completed_at.eq(Some(scope.at)),
            fiscal_year_snapshots::sha256.eq(Some(&sha256)),
            fiscal_year_snapshots::kid.eq(Some(&kid)),
            fiscal_year_snapshots::jws.eq(Some(&jws)),
        ))
        .execute(scope.conn)?;
    let payload = json!({"entries": entries, "sha256": sha256, "kid": kid});
    scope.record("fiscal_year_snapshot.signed", row.subject(), payload);
    Ok(())
}
