//! The pruner: sealed bytes go 30 days after their message has ended. Rows, hashes and items stay: they are the record.
//! Answers that were kept for requests sent again go with their rows when their time is over.

use diesel::prelude::*;

use crate::app::{App, Tenant};
use crate::clock::Instant;
use crate::db::schema::{idempotency_keys, messages};
use crate::http::error::ApiError;
use crate::journal::Actor;

/// Rows of one transaction.
const BATCH: usize = 500;

/// Erases the bytes of messages whose time has come; answers of how many.
///
/// # Errors
/// A database failure; finished batches stay.
pub(crate) fn prune(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut pruned = 0;
    loop {
        let taken = app.write_as(tenant, Actor::system(), |scope| {
            // A message that has ended needs nobody until then, so the index on next_at finds it.
            let ids: Vec<String> = messages::table
                .filter(messages::next_at.le(Some(scope.at)))
                .filter(messages::local_government_id.eq(&scope.lg))
                .filter(messages::state.eq_any(["accepted", "dead"]))
                .order((messages::next_at, messages::id))
                .limit(i64::try_from(BATCH).unwrap_or(i64::MAX))
                .select(messages::id)
                .load(scope.conn)?;
            if !ids.is_empty() {
                diesel::update(
                    messages::table
                        .filter(messages::local_government_id.eq(&scope.lg))
                        .filter(messages::id.eq_any(&ids)),
                )
                .set((
                    messages::sealed_bytes.eq(None::<Vec<u8>>),
                    messages::next_at.eq(None::<Instant>),
                ))
                .execute(scope.conn)?;
            }
            Ok(ids.len())
        })?;
        pruned += taken;
        if taken < BATCH {
            return Ok(pruned);
        }
    }
}

/// Forgets the kept answers whose time is over; answers of how many.
///
/// # Errors
/// A database failure; finished batches stay.
pub(crate) fn forget_answers(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut forgotten = 0;
    loop {
        let taken = app.write_as(tenant, Actor::system(), |scope| {
            let over: Vec<Instant> = idempotency_keys::table
                .filter(idempotency_keys::local_government_id.eq(&scope.lg))
                .filter(idempotency_keys::expires_at.le(scope.at))
                .order(idempotency_keys::expires_at)
                .limit(i64::try_from(BATCH).unwrap_or(i64::MAX))
                .select(idempotency_keys::expires_at)
                .load(scope.conn)?;
            let Some(last) = over.last() else { return Ok(0) };
            Ok(diesel::delete(
                idempotency_keys::table
                    .filter(idempotency_keys::local_government_id.eq(&scope.lg))
                    .filter(idempotency_keys::expires_at.le(last)),
            )
            .execute(scope.conn)?)
        })?;
        forgotten += taken;
        if taken < BATCH {
            return Ok(forgotten);
        }
    }
}
