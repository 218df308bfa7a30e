//! An operator has a message tried again: one that was given up, in the same bytes, or one that waits for its turn.
//!
//! What was given up had its reminders passed on to the next contact; those are asked about again here, and whoever was
//! told instead keeps what they were told. A message in doubt repeats itself and must not be hurried.

use diesel::prelude::*;
use serde_json::json;

use super::outbox::{KIND, Row};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{messages, obligations, reminder_items};
use crate::http::error::ApiError;

/// Whether a message in this state can be tried again.
pub(crate) fn is_possible(state: &str, has_bytes: bool) -> bool {
    state == "queued" || (state == "dead" && has_bytes)
}

/// Whether the bytes of a message are kept.
///
/// # Errors
/// 404.
pub(crate) fn has_bytes(scope: &mut Scope<'_>, id: &str) -> Result<bool, ApiError> {
    Ok(messages::table
        .find((&scope.lg, id))
        .select(messages::sealed_bytes.is_not_null())
        .first(scope.conn)?)
}

/// Puts a message back at the head of the queue.
///
/// # Errors
/// 409 `cannot_be_sent_again` for one that left, is on its way, or whose bytes are gone.
pub(crate) fn redrive(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    let row: Row = messages::table
        .find((&scope.lg, id))
        .select(Row::as_select())
        .first(scope.conn)?;
    if !is_possible(&row.state, has_bytes(scope, id)?) {
        return Err(ApiError::Conflict {
            code: "cannot_be_sent_again",
            ja: "このメールは送り直せません。受け付けられたか、送信中か、内容の保存期間が過ぎています。".to_owned(),
            en: "The message cannot be sent again: it was accepted, is on its way, or is not kept any more.".to_owned(),
        });
    }
    if row.state == "dead" {
        let passed_on: Vec<(String, String, i32)> = reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::message_id.eq(Some(id)))
            .filter(reminder_items::state.eq_any(["superseded", "cancelled"]))
            .select((reminder_items::id, reminder_items::obligation_id, reminder_items::cycle))
            .load(scope.conn)?;
        for (item, obligation, cycle) in passed_on {
            let open: Option<i32> = obligations::table
                .find((&scope.lg, &obligation))
                .filter(obligations::state.eq("open"))
                .filter(obligations::cycle.eq(cycle))
                .select(obligations::cycle)
                .first(scope.conn)
                .optional()?;
            if open.is_some() {
                diesel::update(reminder_items::table.find((&scope.lg, &item)))
                    .set((
                        reminder_items::state.eq("fixed"),
                        reminder_items::updated_at.eq(scope.at),
                    ))
                    .execute(scope.conn)?;
            }
        }
    }
    diesel::update(messages::table.find((&scope.lg, id)))
        .set((
            messages::state.eq("queued"),
            messages::attempts.eq(0),
            messages::next_at.eq(Some(scope.at)),
            messages::done_at.eq(None::<Instant>),
        ))
        .execute(scope.conn)?;
    scope.record("message.redriven", Subject::of(KIND, id), json!({"was": row.state}));
    Ok(())
}
