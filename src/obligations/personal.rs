//! What is open for one person: due dates of what they own or stand in for, and rounds in which clauses wait for them.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{Obligation, ObligationRow, complete};
use crate::app::Scope;
use crate::db::on_tenant;
use crate::db::schema::{obligations, round_clauses};
use crate::entries::list::{self, Within};
use crate::http::error::ApiError;

/// Rounds that are looked through for clauses of a person.
const MOST_ROUNDS: i64 = 500;

/// The earliest open due dates of what is within, and of rounds whose clauses this person confirms.
///
/// # Errors
/// A database failure.
pub(crate) fn of_person(
    scope: &mut Scope<'_>,
    own: &Within,
    person_id: &str,
    limit: i64,
) -> Result<Vec<Obligation>, ApiError> {
    let owned = list::due_within(scope, own, limit)?;
    let assigned: Vec<String> = round_clauses::table
        .inner_join(obligations::table.on(on_tenant!(round_clauses.obligation_id = obligations.id)))
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::assignee_person_id.eq(Some(person_id)))
        .filter(round_clauses::answer.is_null())
        .filter(obligations::state.eq("open"))
        .filter(obligations::cycle.eq(round_clauses::cycle))
        .order((obligations::due_on, obligations::id))
        .limit(MOST_ROUNDS)
        .select(obligations::id)
        .load(scope.conn)?;
    let assigned: BTreeSet<String> = assigned.into_iter().collect();
    let rows: Vec<ObligationRow> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::state.eq("open"))
        .filter(
            obligations::entry_id
                .eq_any(owned.into_iter().map(Some).collect::<Vec<_>>())
                .or(obligations::id.eq_any(assigned)),
        )
        .order((obligations::due_on, obligations::id))
        .limit(limit)
        .select(ObligationRow::as_select())
        .load(scope.conn)?;
    complete(scope, rows)
}
