//! Erasing personal data from a journal: the payload goes, the entry and its hash stay, and an entry says what went.

use diesel::prelude::*;
use serde_json::json;

use super::chain::ERASED;
use crate::app::{Scope, Subject};
use crate::db::schema::{journal, journal_payloads};
use crate::http::error::ApiError;

/// Erases what the entries about a record say, and answers how many payloads went.
///
/// # Errors
/// A database failure.
pub(crate) fn erase(
    scope: &mut Scope<'_>,
    subject_type: &'static str,
    subject_id: &str,
    reason: &str,
) -> Result<usize, ApiError> {
    let about: Vec<i64> = journal::table
        .filter(journal::local_government_id.eq(&scope.lg))
        .filter(journal::subject_type.eq(subject_type))
        .filter(journal::subject_id.eq(subject_id))
        .filter(journal::action.ne(ERASED))
        .select(journal::seq)
        .load(scope.conn)?;
    let mut gone: Vec<i64> = journal_payloads::table
        .filter(journal_payloads::local_government_id.eq(&scope.lg))
        .filter(journal_payloads::seq.eq_any(&about))
        .filter(journal_payloads::body.is_not_null())
        .select(journal_payloads::seq)
        .load(scope.conn)?;
    gone.sort_unstable();
    // The salt goes too: with it a short payload could be guessed from its hash.
    diesel::update(
        journal_payloads::table
            .filter(journal_payloads::local_government_id.eq(&scope.lg))
            .filter(journal_payloads::seq.eq_any(&gone)),
    )
    .set((journal_payloads::salt.eq(""), journal_payloads::body.eq(None::<String>)))
    .execute(scope.conn)?;
    let payload = json!({"erased": gone, "reason": reason});
    scope.record(ERASED, Subject::of(subject_type, subject_id), payload);
    Ok(gone.len())
}
