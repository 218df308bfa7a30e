//! The queue of exports: the worker takes one, makes its file, and puts file and result where the client finds them.
//!
//! A taken export is leased: a worker that dies while it makes the file leaves no trace, and another begins anew when the
//! lease is over. What is over its time is removed with its file ([`prune`]).

use std::fs::File;
use std::io::Read;

use diesel::prelude::*;
use serde_json::json;

use super::build::{self, Failure};
use super::rows::ExportRow;
use super::wire::{ExportStatus, Order};
use crate::app::{App, Scope, Subject, Tenant};
use crate::clock::Instant;
use crate::db::locked;
use crate::db::schema::exports;
use crate::db::types::Word;
use crate::files::store::{self, Incoming};
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::sheets::write::WriteError;

/// How long nobody else takes up an export, in seconds; renewed page by page.
const LEASE_SECONDS: i64 = 600;
/// Rows between two notes of how far it is.
const NOTE_EVERY: i64 = 2_000;
/// Bytes that are copied at a time.
const STEP: usize = 64 * 1024;
/// Exports that one prune takes.
const BATCH: i64 = 100;

/// Makes every file of the tenant that waits; answers how many ended. `is_stopping` is asked between pages.
///
/// # Errors
/// A database failure; the others wait.
pub(crate) fn go_on(app: &App, tenant: &Tenant, is_stopping: &dyn Fn() -> bool) -> Result<usize, ApiError> {
    let mut done = 0;
    while waits(app, tenant)? {
        let Some(row) = app.write_as(tenant, Actor::system(), take)? else {
            // Another replica is at it.
            break;
        };
        if !carry_out(app, tenant, row, is_stopping)? {
            break;
        }
        done += 1;
    }
    Ok(done)
}

/// Whether something waits; asked in a read, so that an idle worker takes no lock.
fn waits(app: &App, tenant: &Tenant) -> Result<bool, ApiError> {
    app.read_as(tenant, |scope| {
        let found: Option<String> = exports::table
            .filter(exports::local_government_id.eq(&scope.lg))
            .filter(exports::status.eq_any([Word(ExportStatus::Queued), Word(ExportStatus::Running)]))
            .filter(
                exports::lease_until
                    .is_null()
                    .or(exports::lease_until.le(Some(scope.at))),
            )
            .select(exports::id)
            .first(scope.conn)
            .optional()?;
        Ok(found.is_some())
    })
}

/// Takes the oldest that waits.
fn take(scope: &mut Scope<'_>) -> Result<Option<ExportRow>, ApiError> {
    let query = exports::table
        .filter(exports::local_government_id.eq(scope.lg.clone()))
        .filter(exports::status.eq_any([Word(ExportStatus::Queued), Word(ExportStatus::Running)]))
        .filter(
            exports::lease_until
                .is_null()
                .or(exports::lease_until.le(Some(scope.at))),
        )
        .order(exports::id)
        .limit(1);
    let waiting: Vec<ExportRow> =
        locked!(skip &mut *scope.conn, query.select(ExportRow::as_select()), |q, c| q.load(c))?;
    let Some(row) = waiting.into_iter().next() else {
        return Ok(None);
    };
    diesel::update(exports::table.find((&scope.lg, &row.id)))
        .set((
            exports::status.eq(Word(ExportStatus::Running)),
            exports::rows_done.eq(0),
            exports::lease_until.eq(Some(scope.at.plus_seconds(LEASE_SECONDS))),
        ))
        .execute(scope.conn)?;
    Ok(Some(row))
}

/// Makes one file; false when the worker was told to stop meanwhile.
fn carry_out(app: &App, tenant: &Tenant, row: ExportRow, is_stopping: &dyn Fn() -> bool) -> Result<bool, ApiError> {
    let order = row.order()?;
    let mut noted = 0;
    let made = store::workplace(app).map_err(Failure::from).and_then(|directory| {
        build::build(app, tenant, &order, &directory, |rows| {
            if rows - noted >= NOTE_EVERY {
                noted = rows;
                note(app, tenant, &row.id, rows, Some(LEASE_SECONDS))?;
            }
            Ok(!is_stopping())
        })
    });
    match made.and_then(|(file, rows)| Ok((keep(app, file)?, rows))) {
        Ok((kept, rows)) => app.write_as(tenant, Actor::system(), |scope| {
            succeed(scope, &row, &order, kept, rows)
        })?,
        Err(Failure::Stopped) => {
            // Whoever comes next begins at once.
            note(app, tenant, &row.id, 0, None)?;
            return Ok(false);
        }
        Err(failure) => app.write_as(tenant, Actor::system(), |scope| fail(scope, &row, failure))?,
    }
    Ok(true)
}

fn note(app: &App, tenant: &Tenant, id: &str, rows: i64, lease: Option<i64>) -> Result<(), ApiError> {
    app.write_as(tenant, Actor::system(), |scope| {
        let until: Option<Instant> = lease.map(|seconds| scope.at.plus_seconds(seconds));
        diesel::update(exports::table.find((&scope.lg, id)))
            .set((exports::rows_done.eq(rows), exports::lease_until.eq(until)))
            .execute(scope.conn)?;
        Ok(())
    })
}

/// Copies the file to the files' own disk, under a random name.
fn keep(app: &App, mut file: File) -> Result<Incoming, Failure> {
    let mut incoming = Incoming::begin(app)?;
    let mut bytes = vec![0; STEP];
    loop {
        let count = file.read(&mut bytes)?;
        if count == 0 {
            break;
        }
        incoming.take(bytes.get(..count).unwrap_or_default())?;
    }
    incoming.end()?;
    Ok(incoming)
}

fn succeed(
    scope: &mut Scope<'_>,
    row: &ExportRow,
    order: &Order,
    mut kept: Incoming,
    rows: i64,
) -> Result<(), ApiError> {
    // The file first: a row without its file cannot be.
    kept.keep().map_err(ApiError::internal)?;
    let size = i64::try_from(kept.size()).map_err(ApiError::internal)?;
    let file_name = format!(
        "{}_{}.{}",
        order.subject.ja(),
        scope.today.format("%Y%m%d"),
        order.format.extension()
    );
    diesel::update(exports::table.find((&scope.lg, &row.id)))
        .set((
            exports::status.eq(Word(ExportStatus::Succeeded)),
            exports::rows_done.eq(rows),
            exports::lease_until.eq(None::<Instant>),
            exports::file_name.eq(Some(file_name)),
            exports::storage_name.eq(Some(kept.storage_name())),
            exports::size_bytes.eq(Some(size)),
            exports::sha256.eq(Some(kept.sha256())),
            exports::finished_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    let payload = json!({"rows": rows, "size_bytes": size, "sha256": kept.sha256()});
    scope.record("export.completed", Subject::of(super::KIND, &row.id), payload);
    Ok(())
}

fn fail(scope: &mut Scope<'_>, row: &ExportRow, failure: Failure) -> Result<(), ApiError> {
    let (code, ja, en) = match failure {
        Failure::File(error) => {
            if let WriteError::Io(cause) = &error {
                tracing::error!(%cause, export_id = row.id, "an export failed");
            }
            (error.code().to_owned(), error.message_ja(), error.message_en())
        }
        Failure::Api(ApiError::Validation(errors)) => {
            let ja: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            let en: Vec<&str> = errors.iter().map(|error| error.message_en.as_str()).collect();
            ("invalid_filter".to_owned(), ja.join(" "), en.join(" "))
        }
        Failure::Api(error) => {
            tracing::error!(%error, export_id = row.id, "an export failed");
            let ours = WriteError::Io(std::io::Error::other("database"));
            (ours.code().to_owned(), ours.message_ja(), ours.message_en())
        }
        Failure::Stopped => return Ok(()),
    };
    diesel::update(exports::table.find((&scope.lg, &row.id)))
        .set((
            exports::status.eq(Word(ExportStatus::Failed)),
            exports::lease_until.eq(None::<Instant>),
            exports::error_code.eq(Some(&code)),
            exports::error_ja.eq(Some(ja)),
            exports::error_en.eq(Some(en)),
            exports::finished_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    scope.record(
        "export.failed",
        Subject::of(super::KIND, &row.id),
        json!({"code": code}),
    );
    Ok(())
}

/// Removes exports whose time is over, with their files; answers how many.
///
/// # Errors
/// A database failure; what was removed stays removed.
pub(crate) fn prune(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let is_due = app.read_as(tenant, |scope| {
        let first: Option<String> = exports::table
            .filter(exports::local_government_id.eq(&scope.lg))
            .filter(exports::expires_at.le(scope.at))
            .select(exports::id)
            .first(scope.conn)
            .optional()?;
        Ok(first.is_some())
    })?;
    // A tick that has nothing to do takes no lock.
    if !is_due {
        return Ok(0);
    }
    let mut pruned = 0;
    loop {
        let over: Vec<(String, Option<String>)> = app.write_as(tenant, Actor::system(), |scope| {
            let over: Vec<(String, Option<String>)> = exports::table
                .filter(exports::local_government_id.eq(&scope.lg))
                .filter(exports::expires_at.le(scope.at))
                .order(exports::expires_at)
                .limit(BATCH)
                .select((exports::id, exports::storage_name))
                .load(scope.conn)?;
            let ids: Vec<&String> = over.iter().map(|(id, _)| id).collect();
            diesel::delete(
                exports::table
                    .filter(exports::local_government_id.eq(&scope.lg))
                    .filter(exports::id.eq_any(ids)),
            )
            .execute(scope.conn)?;
            Ok(over)
        })?;
        // After the commit: a file that stays is swept, a row without its file would be a lie.
        for name in over.iter().filter_map(|(_, name)| name.as_ref()) {
            if let Err(error) = store::remove(app, name) {
                tracing::warn!(%error, "the file of an export stays until it is swept");
            }
        }
        pruned += over.len();
        if i64::try_from(over.len()).unwrap_or(BATCH) < BATCH {
            return Ok(pruned);
        }
    }
}
