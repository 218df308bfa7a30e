//! How an import is carried out: staged, checked, applied, at most 500 rows in a transaction, each step from rows and
//! never from memory, so that it goes on after a restart and may be cancelled between steps.
//!
//! A step looks whether the import is still where it was read, because another replica may be at it. Checking writes
//! nothing: it tries the rows of a chunk in one transaction that is taken back, so that a row may refer to one before it.
//! Reading the file is [`staging`]'s, what is done with one row [`super::apply`]'s; the call that takes an import on is [`super`]'s.

mod staging;

use std::collections::BTreeMap;

use diesel::dsl::min;
use diesel::prelude::*;
use serde_json::json;

use super::apply::{self, Outcome};
use super::plan::Plan;
use super::references::References;
use super::rows::{self, ImportRow, Problem, RowError, StagedRow, StoredHeader};
use super::wire::{ImportMode, ImportPhase, ImportStatus, OnError};
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::locked;
use crate::db::schema::{import_errors, import_rows, imports};
use crate::domain::vocabulary::CodeWord;
use crate::http::error::ApiError;
use crate::journal::Actor;

/// Rows of one transaction.
const CHUNK: usize = 500;
/// Steps of one tick: other local governments have their turn too.
const STEPS: usize = 20;
/// How long rows and errors are kept after the end, in seconds.
const KEPT_SECONDS: i64 = 30 * 24 * 3600;

/// Goes on with the imports of the tenant, the earliest first; answers how many rows and steps were done. `is_stopping`
/// is asked between steps.
///
/// # Errors
/// A database failure; finished steps stay.
pub(crate) fn go_on(app: &App, tenant: &Tenant, is_stopping: &dyn Fn() -> bool) -> Result<usize, ApiError> {
    let mut done = 0;
    for _ in 0..STEPS {
        if is_stopping() {
            break;
        }
        let waiting = app.read_as(tenant, |scope| {
            Ok(imports::table
                .filter(imports::local_government_id.eq(&scope.lg))
                .filter(imports::status.eq_any([ImportStatus::Queued.code(), ImportStatus::Running.code()]))
                .order(imports::id)
                .select(ImportRow::as_select())
                .first(scope.conn)
                .optional()?)
        })?;
        let Some(import) = waiting else { break };
        match step(app, tenant, &import)? {
            Some(rows) => done += rows,
            // Another replica is at it.
            None => break,
        }
    }
    Ok(done)
}

/// Cancels: whoever is at the next rows finds that it is over and takes them back.
pub(super) fn cancel(scope: &mut Scope<'_>, row: ImportRow) -> Result<ImportRow, ApiError> {
    finish(scope, &row, ImportStatus::Cancelled, None)?;
    rows::by_id(scope, &row.id)
}

/// Does the next step of an import; `None` when it has moved on meanwhile.
pub(super) fn step(app: &App, tenant: &Tenant, import: &ImportRow) -> Result<Option<usize>, ApiError> {
    match import.phase.0 {
        ImportPhase::Staging => staging::step(app, tenant, import),
        ImportPhase::Checking => check(app, tenant, import),
        ImportPhase::Applying => apply(app, tenant, import),
        ImportPhase::Done => Ok(None),
    }
}

/// The import for this transaction, if it is still where it was read.
fn claimed(scope: &mut Scope<'_>, import: &ImportRow) -> Result<Option<ImportRow>, ApiError> {
    let query = imports::table
        .filter(imports::local_government_id.eq(scope.lg.clone()))
        .filter(imports::id.eq(import.id.clone()))
        .filter(imports::status.eq_any([ImportStatus::Queued.code(), ImportStatus::Running.code()]))
        .filter(imports::phase.eq(import.phase.0.code()))
        .filter(imports::last_row.eq(import.last_row));
    let mut found: Vec<ImportRow> =
        locked!(skip &mut *scope.conn, query.select(ImportRow::as_select()), |q, c| q.load(c))?;
    Ok(found.pop())
}

/// Notes how far an import is.
fn save(scope: &mut Scope<'_>, import: &ImportRow) -> Result<(), ApiError> {
    diesel::update(imports::table.find((&scope.lg, &import.id)))
        .set((
            imports::status.eq(ImportStatus::Running.code()),
            imports::last_row.eq(import.last_row),
            imports::rows_total.eq(import.rows_total),
            imports::rows_done.eq(import.rows_done),
            imports::created.eq(import.created),
            imports::updated.eq(import.updated),
            imports::unchanged.eq(import.unchanged),
            imports::failed.eq(import.failed),
        ))
        .execute(scope.conn)?;
    Ok(())
}

fn begin_phase(scope: &mut Scope<'_>, import: &ImportRow, phase: ImportPhase) -> Result<(), ApiError> {
    diesel::update(imports::table.find((&scope.lg, &import.id)))
        .set((
            imports::phase.eq(phase.code()),
            imports::last_row.eq(0_i64),
            imports::rows_done.eq(0_i64),
            imports::created.eq(0_i64),
            imports::updated.eq(0_i64),
            imports::unchanged.eq(0_i64),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Ends an import.
fn finish(
    scope: &mut Scope<'_>,
    import: &ImportRow,
    status: ImportStatus,
    problem: Option<&Problem>,
) -> Result<(), ApiError> {
    diesel::update(imports::table.find((&scope.lg, &import.id)))
        .set((
            imports::status.eq(status.code()),
            imports::phase.eq(ImportPhase::Done.code()),
            imports::storage_name.eq(None::<String>),
            imports::problem.eq(problem.map(serde_json::to_string).transpose()?),
            imports::finished_at.eq(Some(scope.at)),
            imports::expires_at.eq(Some(scope.at.plus_seconds(KEPT_SECONDS))),
        ))
        .execute(scope.conn)?;
    // The rows that were right are in the register now, or nowhere.
    diesel::delete(
        import_rows::table
            .filter(import_rows::local_government_id.eq(&scope.lg))
            .filter(import_rows::import_id.eq(&import.id))
            .filter(import_rows::failed.eq(false)),
    )
    .execute(scope.conn)?;
    let counts = json!({"created": import.created, "updated": import.updated, "unchanged": import.unchanged,
        "failed": import.failed});
    let payload = json!({"entity": import.entity(), "status": status, "mode": import.settings()?.mode,
        "counts": counts, "problem": problem.map(|problem| problem.code.clone())});
    scope.record("import.finished", import.subject(), payload);
    Ok(())
}

/// What became of the rows of a chunk.
#[derive(Default)]
struct Chunk {
    wrong: Vec<(i64, Vec<RowError>)>,
    created: i64,
    updated: i64,
    unchanged: i64,
    done: i64,
    last: i64,
}

impl Chunk {
    fn note(&mut self, number: i64, outcome: Result<Outcome, Vec<RowError>>) {
        match outcome {
            Ok(Outcome::Created) => self.created += 1,
            Ok(Outcome::Updated) => self.updated += 1,
            Ok(Outcome::Unchanged) => self.unchanged += 1,
            Err(errors) => self.wrong.push((number, errors)),
        }
    }

    fn add_to(&self, import: &mut ImportRow) {
        import.created += self.created;
        import.updated += self.updated;
        import.unchanged += self.unchanged;
        import.failed += i64::try_from(self.wrong.len()).unwrap_or(i64::MAX);
        import.rows_done += self.done;
        import.last_row = self.last;
    }
}

fn plan_of(import: &ImportRow) -> Result<Plan, ApiError> {
    let header: StoredHeader = import
        .header()?
        .ok_or_else(|| ApiError::internal("an import without its header"))?;
    Plan::of(import, &header)
}

/// Does the rows of a chunk, each by itself; `first` names the first row of each key, where that is asked.
fn each(
    scope: &mut Scope<'_>,
    plan: &Plan,
    staged: &[StagedRow],
    first: &BTreeMap<String, i64>,
) -> Result<Chunk, ApiError> {
    let (mut chunk, mut references) = (Chunk::default(), References::default());
    for row in staged {
        chunk.last = row.row_number;
        chunk.done += 1;
        if row.failed {
            continue;
        }
        let first = row.row_key.as_ref().and_then(|key| first.get(key)).copied();
        let outcome = if let Some(first) = first.filter(|first| *first < row.row_number) {
            Err(vec![twice(first)])
        } else {
            let cells: Vec<String> = serde_json::from_str(&row.cells)?;
            apply::row(scope, plan, &cells, &mut references)?
        };
        chunk.note(row.row_number, outcome);
    }
    Ok(chunk)
}

/// The next rows of an import.
fn next_rows(scope: &mut Scope<'_>, import: &ImportRow) -> Result<Vec<StagedRow>, ApiError> {
    rows::staged(
        scope,
        &import.id,
        import.last_row,
        i64::try_from(CHUNK).unwrap_or(i64::MAX),
    )
}

/// Tries the next rows; after the last one says what comes next.
fn check(app: &App, tenant: &Tenant, import: &ImportRow) -> Result<Option<usize>, ApiError> {
    let plan = plan_of(import)?;
    let (staged, first) = app.read_as(tenant, |scope| {
        let staged = next_rows(scope, import)?;
        let first = first_of_key(scope, import, &staged)?;
        Ok((staged, first))
    })?;
    // What is tried is taken back with all that it wrote.
    let chunk = app.rehearse_as(tenant, import.actor(), |scope| each(scope, &plan, &staged, &first))?;
    app.write_as(tenant, import.actor(), |scope| {
        let Some(mut now) = claimed(scope, import)? else {
            return Ok(None);
        };
        rows::note_errors(scope, &now.id, &chunk.wrong)?;
        if !staged.is_empty() {
            chunk.add_to(&mut now);
            save(scope, &now)?;
        }
        if staged.len() < CHUNK {
            after_check(scope, &now)?;
        }
        Ok(Some(staged.len() + 1))
    })
}

/// The first row of each key of these rows.
fn first_of_key(
    scope: &mut Scope<'_>,
    import: &ImportRow,
    staged: &[StagedRow],
) -> Result<BTreeMap<String, i64>, ApiError> {
    let keys: Vec<&String> = staged.iter().filter_map(|row| row.row_key.as_ref()).collect();
    let found: Vec<(Option<String>, Option<i64>)> = import_rows::table
        .filter(import_rows::local_government_id.eq(&scope.lg))
        .filter(import_rows::import_id.eq(&import.id))
        .filter(import_rows::row_key.eq_any(keys))
        .group_by(import_rows::row_key)
        .select((import_rows::row_key, min(import_rows::row_number)))
        .load(scope.conn)?;
    Ok(found
        .into_iter()
        .filter_map(|(key, first)| Some((key?, first?)))
        .collect())
}

fn twice(first: i64) -> RowError {
    RowError {
        column: None,
        field: None,
        code: "duplicate_in_file".to_owned(),
        ja: format!("{first}行目と同じ記録です。一つの記録は一行にしてください。"),
        en: format!("The same record as row {first}; give each record one row."),
    }
}

fn after_check(scope: &mut Scope<'_>, import: &ImportRow) -> Result<(), ApiError> {
    let settings = import.settings()?;
    if import.failed > 0 && settings.on_error == OnError::AllOrNothing {
        let problem = Problem {
            code: "rows_with_errors".to_owned(),
            ja: format!("{}行に誤りがあるため、何も反映しませんでした。", import.failed),
            en: format!("{} row(s) have errors, so nothing was written.", import.failed),
        };
        return finish(scope, import, ImportStatus::Failed, Some(&problem));
    }
    match settings.mode {
        ImportMode::DryRun => finish(scope, import, ImportStatus::Succeeded, None),
        ImportMode::Apply => begin_phase(scope, import, ImportPhase::Applying),
    }
}

/// Writes the next rows.
fn apply(app: &App, tenant: &Tenant, import: &ImportRow) -> Result<Option<usize>, ApiError> {
    let plan = plan_of(import)?;
    let whole = import.settings()?.on_error == OnError::AllOrNothing;
    let mut stopped = None;
    let done = app.write_as(tenant, import.actor(), |scope| {
        let Some(mut now) = claimed(scope, import)? else {
            return Ok(None);
        };
        let staged = next_rows(scope, &now)?;
        // Keys were compared when the rows were checked.
        let chunk = each(scope, &plan, &staged, &BTreeMap::new())?;
        if whole && !chunk.wrong.is_empty() {
            stopped = Some(chunk.wrong);
            // Takes the chunk back.
            return Err(ApiError::Unavailable);
        }
        rows::note_errors(scope, &now.id, &chunk.wrong)?;
        if !staged.is_empty() {
            chunk.add_to(&mut now);
            save(scope, &now)?;
        }
        if staged.len() < CHUNK {
            finish(scope, &now, ImportStatus::Succeeded, None)?;
        }
        Ok(Some(staged.len() + 1))
    });
    let Some(wrong) = stopped else { return done };
    app.write_as(tenant, import.actor(), |scope| {
        let Some(mut now) = claimed(scope, import)? else {
            return Ok(None);
        };
        rows::note_errors(scope, &now.id, &wrong)?;
        now.failed += i64::try_from(wrong.len()).unwrap_or(i64::MAX);
        save(scope, &now)?;
        let problem = Problem {
            code: "changed_meanwhile".to_owned(),
            ja: format!(
                "確認のあとで登録内容が変わり、{}行を反映できませんでした。それまでの{}行は反映済みです。",
                wrong.len(),
                now.rows_done
            ),
            en: format!(
                "The register changed after the check: {} row(s) could not be written. The {} rows before them are.",
                wrong.len(),
                now.rows_done
            ),
        };
        finish(scope, &now, ImportStatus::Failed, Some(&problem))?;
        Ok(Some(1))
    })
}

/// Erases the rows and errors of imports whose time is over; answers of how many.
///
/// # Errors
/// A database failure.
pub(crate) fn forget(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let over: Vec<String> = app.read_as(tenant, |scope| {
        Ok(imports::table
            .filter(imports::local_government_id.eq(&scope.lg))
            .filter(imports::expires_at.le(Some(scope.at)))
            .order(imports::expires_at)
            .limit(20)
            .select(imports::id)
            .load(scope.conn)?)
    })?;
    // A tick that has nothing to do takes no lock.
    if over.is_empty() {
        return Ok(0);
    }
    app.write_as(tenant, Actor::system(), |scope| {
        diesel::delete(
            import_errors::table
                .filter(import_errors::local_government_id.eq(&scope.lg))
                .filter(import_errors::import_id.eq_any(&over)),
        )
        .execute(scope.conn)?;
        diesel::delete(
            import_rows::table
                .filter(import_rows::local_government_id.eq(&scope.lg))
                .filter(import_rows::import_id.eq_any(&over)),
        )
        .execute(scope.conn)?;
        diesel::update(
            imports::table
                .filter(imports::local_government_id.eq(&scope.lg))
                .filter(imports::id.eq_any(&over)),
        )
        .set(imports::expires_at.eq(None::<Instant>))
        .execute(scope.conn)?;
        Ok(over.len())
    })
}
