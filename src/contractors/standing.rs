//! How a contractor stands on a day, and the companies above it: what must be known before work is given to it.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::KIND;
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::contractors;
use crate::domain::gate::ContractorState;
use crate::external_ids::{self, ExternalId};
use crate::http::error::ApiError;

/// Companies above a contractor that are looked at.
const MOST_ABOVE: usize = 10;

/// How a contractor stands on a day.
///
/// # Errors
/// A database failure.
pub(crate) fn standing(scope: &mut Scope<'_>, id: &str, on: NaiveDate) -> Result<ContractorState, ApiError> {
    Ok(load(scope, id, on)?.0)
}

/// The same with the companies above it, the nearest first.
///
/// # Errors
/// A database failure.
pub(crate) fn companies(scope: &mut Scope<'_>, id: &str, on: NaiveDate) -> Result<Vec<ContractorState>, ApiError> {
    let (first, mut above) = load(scope, id, on)?;
    let mut found = vec![first];
    while let Some(id) = above.take() {
        if found.len() > MOST_ABOVE || found.iter().any(|known| known.id == id) {
            break;
        }
        let (next, parent) = load(scope, &id, on)?;
        found.push(next);
        above = parent;
    }
    Ok(found)
}

/// The contractor that another system knows by a key.
///
/// # Errors
/// A database failure.
pub(crate) fn of_key(scope: &mut Scope<'_>, key: &ExternalId) -> Result<Option<String>, ApiError> {
    external_ids::find(scope, KIND, key)
}

/// A contractor on a day, and the company above it.
fn load(scope: &mut Scope<'_>, id: &str, on: NaiveDate) -> Result<(ContractorState, Option<String>), ApiError> {
    type Row = (
        String,
        String,
        Option<String>,
        Option<NaiveDate>,
        Option<NaiveDate>,
        Option<Instant>,
        Option<String>,
    );
    let (name, status, number, from, to, archived_at, above): Row = contractors::table
        .find((&scope.lg, id))
        .select((
            contractors::name,
            contractors::status,
            contractors::corporate_number,
            contractors::debarred_from_on,
            contractors::debarred_to_on,
            contractors::archived_at,
            contractors::parent_contractor_id,
        ))
        .first(scope.conn)?;
    let debarred = from.is_some_and(|from| from <= on) && to.is_none_or(|to| on <= to);
    let state = ContractorState {
        id: id.to_owned(),
        name,
        suspended: status == "suspended",
        debarred_from_on: from.filter(|_| debarred),
        archived: archived_at.is_some(),
        identified: number.is_some(),
    };
    Ok((state, above))
}
