//! The dated holders of posts: read as far as the caller may know of them, written row by row.
//!
//! A row keeps its id as long as person and first day stay, and each write asks [`crate::ownership_transfers::settle`]
//! to look at the post again: whose turn it is, what is handed over, whether a term ends without a successor.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::{PostHolder, check_span};
use crate::app::Scope;
use crate::db::schema::post_holders;
use crate::http::error::ApiError;
use crate::people;
use crate::people::planned::{self, Dated};

impl Dated for PostHolder {
    fn announced_on(&self) -> Option<NaiveDate> {
        self.announced_on
    }

    fn ends_on_mut(&mut self) -> &mut Option<NaiveDate> {
        &mut self.ends_on
    }
}

/// The posts that a person holds on a day.
///
/// # Errors
/// A database failure.
pub(crate) fn held_by(scope: &mut Scope<'_>, person_id: &str, on: NaiveDate) -> Result<Vec<String>, ApiError> {
    Ok(post_holders::table
        .filter(post_holders::local_government_id.eq(&scope.lg))
        .filter(post_holders::person_id.eq(person_id))
        .filter(post_holders::starts_on.le(on))
        .filter(post_holders::ends_on.is_null().or(post_holders::ends_on.ge(Some(on))))
        .order(post_holders::post_id)
        .select(post_holders::post_id)
        .load(scope.conn)?)
}

/// The holders of these posts by post, in the order of their first days; without `planned` as everybody may know them.
pub(super) fn of(
    scope: &mut Scope<'_>,
    ids: &[String],
    planned: bool,
) -> Result<BTreeMap<String, Vec<PostHolder>>, ApiError> {
    let found: Vec<(String, String, NaiveDate, Option<NaiveDate>, Option<NaiveDate>)> = post_holders::table
        .filter(post_holders::local_government_id.eq(&scope.lg))
        .filter(post_holders::post_id.eq_any(ids))
        .order((post_holders::post_id, post_holders::starts_on))
        .select((
            post_holders::post_id,
            post_holders::person_id,
            post_holders::starts_on,
            post_holders::ends_on,
            post_holders::announced_on,
        ))
        .load(scope.conn)?;
    let mut holders: BTreeMap<String, Vec<PostHolder>> = BTreeMap::new();
    for (post, person_id, starts_on, ends_on, announced_on) in found {
        holders.entry(post).or_default().push(PostHolder {
            person_id,
            starts_on,
            ends_on,
            announced_on,
        });
    }
    if !planned {
        for held in holders.values_mut() {
            planned::hide(held, scope.today);
        }
    }
    Ok(holders)
}

/// Brings the holders of a post in line with the list.
pub(super) fn write(scope: &mut Scope<'_>, id: &str, new: &[PostHolder]) -> Result<(), ApiError> {
    let mut known: Vec<(String, String, NaiveDate)> = post_holders::table
        .filter(post_holders::local_government_id.eq(&scope.lg))
        .filter(post_holders::post_id.eq(id))
        .select((post_holders::id, post_holders::person_id, post_holders::starts_on))
        .load(scope.conn)?;
    for (i, holder) in new.iter().enumerate() {
        let at = known
            .iter()
            .position(|(_, person, starts_on)| *person == holder.person_id && *starts_on == holder.starts_on);
        if at.is_none() {
            people::require(scope, &holder.person_id, &format!("/holders/{i}/person_id"))?;
        }
        check_span(holder.starts_on, holder.ends_on, &format!("/holders/{i}/ends_on"))?;
        planned::check(
            holder.announced_on,
            holder.starts_on,
            &format!("/holders/{i}/announced_on"),
        )?;
        let dates = (
            post_holders::ends_on.eq(holder.ends_on),
            post_holders::announced_on.eq(holder.announced_on),
            post_holders::settle_on.eq(Some(scope.today)),
        );
        if let Some(at) = at {
            let (row, ..) = known.swap_remove(at);
            diesel::update(post_holders::table.find((&scope.lg, row)))
                .set(dates)
                .execute(scope.conn)?;
        } else {
            diesel::insert_into(post_holders::table)
                .values((
                    post_holders::local_government_id.eq(&scope.lg),
                    post_holders::id.eq(scope.new_id()),
                    post_holders::post_id.eq(id),
                    post_holders::person_id.eq(&holder.person_id),
                    post_holders::starts_on.eq(holder.starts_on),
                    dates,
                ))
                .execute(scope.conn)?;
        }
    }
    let gone: Vec<String> = known.into_iter().map(|(row, ..)| row).collect();
    diesel::delete(
        post_holders::table
            .filter(post_holders::local_government_id.eq(scope.lg.clone()))
            .filter(post_holders::id.eq_any(gone)),
    )
    .execute(scope.conn)?;
    Ok(())
}
