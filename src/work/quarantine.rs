//! Quarantine: a database that has gone back in time mails nobody until an operator says so.
//!
//! A restored database does not know what was sent since its backup, so it would send it again. `restore` puts it in
//! quarantine; a copy that somebody put back by hand is recognised by the marker file in the data directory, which
//! names the database and the heads of its journals as they were last seen. Releasing says until which day everything
//! had left already: those steps are recorded as cancelled, the later ones go out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::faults::Faults;
use super::plan;
use crate::app::{App, Subject, Tenant};
use crate::clock::Instant;
use crate::db::Conn;
use crate::db::schema::{clock_marks, journal, journal_heads, local_governments, messages, reminder_items};
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::keys::write_private;

/// What the worker has last seen of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    database: String,
    heads: BTreeMap<String, (i64, String)>,
}

/// Why nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Since when.
    pub since: Instant,
    /// Why.
    pub reason: String,
}

fn marker_path(app: &App) -> PathBuf {
    app.config.data_dir.join("database.seen")
}

/// The quarantine that holds, if one does.
///
/// # Errors
/// A database failure.
pub fn quarantine(conn: &mut Conn) -> Result<Option<Quarantine>, ApiError> {
    let found: Option<(Option<Instant>, Option<String>)> = clock_marks::table
        .find(1)
        .select((clock_marks::quarantined_at, clock_marks::quarantine_reason))
        .first(conn)
        .optional()?;
    Ok(found.and_then(|(since, reason)| {
        since.map(|since| Quarantine {
            since,
            reason: reason.unwrap_or_default(),
        })
    }))
}

/// Puts the database in quarantine, with a new name of its own.
///
/// # Errors
/// A database failure.
pub(crate) fn enter(conn: &mut Conn, now: Instant, name: &str, reason: &str) -> Result<(), ApiError> {
    diesel::update(clock_marks::table.find(1))
        .set((
            clock_marks::db_epoch.eq(name),
            clock_marks::quarantined_at.eq(Some(now)),
            clock_marks::quarantine_reason.eq(Some(reason)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether mails may leave. Compares the database with the marker, and moves the marker on.
///
/// # Errors
/// A database failure, or a data directory that cannot be written.
pub(super) fn is_clear(app: &App) -> Result<bool, ApiError> {
    let path = marker_path(app);
    let seen: Option<Marker> = match std::fs::read(&path) {
        // A marker that cannot be read is as good as none: it is written anew.
        Ok(bytes) => serde_json::from_slice(&bytes).ok(),
        Err(_) => None,
    };
    let (now, name) = (app.clock.now(), app.random.id(app.clock.now()));
    let marker = app.db.write(|conn| {
        if quarantine(conn)?.is_some() {
            return Ok(None);
        }
        if let Some(seen) = &seen
            && let Some(reason) = went_back(conn, seen)?
        {
            tracing::error!(reason, "nothing is sent until `kakunin quarantine release`");
            enter(conn, now, &name, reason)?;
            return Ok(None);
        }
        Ok(Some(Marker {
            database: epoch(conn)?,
            heads: heads(conn)?,
        }))
    })?;
    let Some(marker) = marker else { return Ok(false) };
    if seen.as_ref() != Some(&marker) {
        write_private(&path, &serde_json::to_string(&marker)?)?;
    }
    Ok(true)
}

fn epoch(conn: &mut Conn) -> Result<String, ApiError> {
    Ok(clock_marks::table.find(1).select(clock_marks::db_epoch).first(conn)?)
}

fn heads(conn: &mut Conn) -> Result<BTreeMap<String, (i64, String)>, ApiError> {
    let rows: Vec<(String, i64, String)> = journal_heads::table
        .select((
            journal_heads::local_government_id,
            journal_heads::seq,
            journal_heads::hash,
        ))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, seq, hash)| (id, (seq, hash))).collect())
}

/// Why the database is not the one that was seen, or is behind it.
fn went_back(conn: &mut Conn, seen: &Marker) -> Result<Option<&'static str>, ApiError> {
    if epoch(conn)? != seen.database {
        return Ok(Some("another database than before stands here"));
    }
    for (tenant, (seq, hash)) in &seen.heads {
        if *seq == 0 {
            continue;
        }
        let there: Option<String> = journal::table
            .find((tenant, *seq))
            .select(journal::hash)
            .first(conn)
            .optional()?;
        if there.as_ref() != Some(hash) {
            return Ok(Some("the database is older than what was seen of it"));
        }
    }
    Ok(None)
}

/// What a release did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// Steps and mails that are recorded as sent before, and stay unsent.
    pub cancelled: usize,
}

/// Ends the quarantine. Everything due until `sent_until` counts as sent before; what is due later goes out.
///
/// # Errors
/// A database failure; the quarantine then goes on.
pub fn release(app: &App, sent_until: NaiveDate) -> Result<Released, ApiError> {
    let tenants: Vec<String> = app.db.read(|conn| {
        Ok(local_governments::table
            .order(local_governments::id)
            .select(local_governments::id)
            .load(conn)?)
    })?;
    let mut cancelled = 0;
    for id in tenants {
        let tenant = Tenant::new(&id);
        // What is due becomes items first, so that there is a record of every step that is left out.
        plan::plan(app, &tenant, &Faults::default())?;
        cancelled += app.write_as(&tenant, Actor::system(), |scope| {
            let items = diesel::update(
                reminder_items::table
                    .filter(reminder_items::local_government_id.eq(&scope.lg))
                    .filter(reminder_items::state.eq_any(["planned", "fixed"]))
                    .filter(reminder_items::planned_on.le(sent_until)),
            )
            .set((
                reminder_items::state.eq("cancelled"),
                reminder_items::send_at.eq(None::<Instant>),
                reminder_items::updated_at.eq(scope.at),
            ))
            .execute(scope.conn)?;
            let mails = diesel::update(
                messages::table
                    .filter(messages::local_government_id.eq(&scope.lg))
                    .filter(messages::state.eq_any(["queued", "leased", "committing", "in_doubt"]))
                    .filter(messages::local_day.le(sent_until)),
            )
            .set((
                messages::state.eq("cancelled"),
                messages::next_at.eq(None::<Instant>),
                messages::done_at.eq(Some(scope.at)),
                messages::last_error.eq(Some("cancelled at the release of the quarantine")),
            ))
            .execute(scope.conn)?;
            let lg = scope.lg.clone();
            scope.record(
                "quarantine.released",
                Subject::of("local_government", &lg),
                json!({"sent_until": sent_until, "items": items, "messages": mails}),
            );
            Ok(items + mails)
        })?;
    }
    app.db.write(|conn| {
        diesel::update(clock_marks::table.find(1))
            .set((
                clock_marks::quarantined_at.eq(None::<Instant>),
                clock_marks::quarantine_reason.eq(None::<String>),
            ))
            .execute(conn)?;
        Ok(())
    })?;
    // The next tick writes it as the database is now.
    match std::fs::remove_file(marker_path(app)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ApiError::internal(error)),
        _ => Ok(Released { cancelled }),
    }
}
