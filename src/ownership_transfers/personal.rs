//! Transfers as one person meets them: those that wait for them or that they hand over, and everything they hold today.

use diesel::prelude::*;

use super::objects::{self, Wanted};
use super::rows::{TransferRow, Who};
use super::wire::{AcceptanceCreate, OwnershipTransfer, TransferObject};
use super::{MOST_OBJECTS, answer, rows, shown};
use crate::app::Scope;
use crate::db::schema::ownership_transfers;
use crate::http::error::ApiError;

/// Transfers that a page shows.
const MOST: i64 = 50;

/// The announced transfers to or from a person or the posts that they hold, which are not over.
///
/// # Errors
/// A database failure.
pub(crate) fn of_person(
    scope: &mut Scope<'_>,
    person_id: &str,
    posts: &[String],
) -> Result<Vec<OwnershipTransfer>, ApiError> {
    let posts: Vec<Option<String>> = posts.iter().cloned().map(Some).collect();
    let found: Vec<TransferRow> = ownership_transfers::table
        .filter(ownership_transfers::local_government_id.eq(&scope.lg))
        .filter(ownership_transfers::state.eq_any(["announced", "pending", "declined"]))
        .filter(
            ownership_transfers::announced_on
                .is_null()
                .or(ownership_transfers::announced_on.le(Some(scope.today))),
        )
        .filter(
            ownership_transfers::to_person_id
                .eq(Some(person_id))
                .or(ownership_transfers::from_person_id.eq(Some(person_id)))
                .or(ownership_transfers::to_post_id.eq_any(posts.clone()))
                .or(ownership_transfers::from_post_id.eq_any(posts)),
        )
        .order(ownership_transfers::id)
        .limit(MOST)
        .select(TransferRow::as_select())
        .load(scope.conn)?;
    found.into_iter().map(|row| row.wire(None)).collect()
}

/// A transfer that is announced, with everything that it concerns.
///
/// # Errors
/// 404, also before it is announced.
pub(crate) fn announced(scope: &mut Scope<'_>, id: &str) -> Result<OwnershipTransfer, ApiError> {
    let row = rows::load(scope, id)?;
    if row.announced_on.is_some_and(|on| on > scope.today) {
        return Err(ApiError::NotFound);
    }
    shown(scope, id)
}

/// The answer of the new owner, or of whoever stands in for them.
///
/// # Errors
/// 409 for anybody else or when it is over, 422 without a reason to decline.
pub(crate) fn answer_as(
    scope: &mut Scope<'_>,
    id: &str,
    person_id: &str,
    new: AcceptanceCreate,
) -> Result<(), ApiError> {
    let row = rows::load(scope, id)?;
    answer(scope, &row, person_id, new)
}

/// Everything that a person and the posts that they hold own and answer for today: what a hand-over would be about.
///
/// # Errors
/// A database failure.
pub(crate) fn held_by(
    scope: &mut Scope<'_>,
    person_id: &str,
    posts: &[String],
) -> Result<Vec<TransferObject>, ApiError> {
    let person = Who {
        person_id: Some(person_id.to_owned()),
        post_id: None,
    };
    let posts = posts.iter().map(|post| Who {
        person_id: None,
        post_id: Some(post.clone()),
    });
    let mut found = vec![];
    for of in std::iter::once(person).chain(posts) {
        let wanted = Wanted {
            of: &of,
            organization_id: None,
            entry_ids: None,
            on: scope.today,
            limit: MOST_OBJECTS,
        };
        found.extend(objects::find(scope, &wanted)?);
    }
    objects::describe(scope, found)
}
