//! What time alone does to ownership: planned transfers move, new holders take over what their post owns, ends of terms
//! without a successor are asked about, and acceptance that is far too late counts as no owner.
//!
//! A reconciler without input, like the planner of mails: every row carries the next day on which somebody has to look
//! at it (`settle_on`), so a tick that comes late or twice changes nothing but the hour.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::moving;
use super::objects::{self, ObjectRef, Wanted};
use super::rows::{self, NewTransfer, TransferRow, Who};
use super::wire::TransferObjectKind;
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::schema::{ownership_transfers, people, post_holders, posts};
use crate::db::types::Word;
use crate::db::{locked, on_each_backend};
use crate::domain::hand_over::{
    HandOverCause, HandOverState, acceptance_due_as_of, is_history, late_from, term_notice_on,
};
use crate::http::error::ApiError;
use crate::journal::Actor;

/// Rows of each sort that one transaction takes.
const STEP: i64 = 50;
/// The most objects of a kind that are kept of a hand-over.
const MOST_KEPT: i64 = 5_000;

/// Settles everything that is due in a tenant, a transaction per step; answers how many rows it looked at.
///
/// # Errors
/// A database failure; finished steps stay.
pub(crate) fn settle(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut done = 0;
    loop {
        let step = app.write_as(tenant, Actor::system(), |scope| {
            Ok(transfers(scope)? + holders(scope)? + leavers(scope)?)
        })?;
        done += step;
        if step == 0 {
            return Ok(done);
        }
    }
}

/// Transfers whose day has come, and those that nobody has accepted in time.
fn transfers(scope: &mut Scope<'_>) -> Result<usize, ApiError> {
    let due = ownership_transfers::table
        .filter(ownership_transfers::settle_on.le(Some(scope.today)))
        .filter(ownership_transfers::local_government_id.eq(&scope.lg))
        .order(ownership_transfers::settle_on)
        .limit(STEP);
    let rows: Vec<TransferRow> =
        locked!(skip &mut *scope.conn, due.select(TransferRow::as_select()), |q, c| q.load(c))?;
    for row in &rows {
        if row.moved_at.is_none() {
            moving::apply(scope, row)?;
            continue;
        }
        diesel::update(ownership_transfers::table.find((&scope.lg, &row.id)))
            .set(ownership_transfers::settle_on.eq(None::<NaiveDate>))
            .execute(scope.conn)?;
        let owner = match row.cause.0 {
            HandOverCause::Requested => row.taker(),
            HandOverCause::PostHolder | HandOverCause::TermEnd => row.giver(),
        };
        moving::reassess(scope, &owner)?;
    }
    Ok(rows.len())
}

/// A holder of a post with the day on which they really end.
struct Held {
    id: String,
    person_id: String,
    starts_on: NaiveDate,
    ends_on: Option<NaiveDate>,
}

/// Posts whose holders change or end.
fn holders(scope: &mut Scope<'_>) -> Result<usize, ApiError> {
    let due = post_holders::table
        .filter(post_holders::settle_on.le(Some(scope.today)))
        .filter(post_holders::local_government_id.eq(&scope.lg))
        .order(post_holders::settle_on)
        .limit(STEP)
        .select(post_holders::post_id);
    let mut posts: Vec<String> = locked!(skip &mut *scope.conn, due, |q, c| q.load(c))?;
    posts.sort_unstable();
    posts.dedup();
    for post in &posts {
        look_at_post(scope, post)?;
    }
    Ok(posts.len())
}

fn held(scope: &mut Scope<'_>, post_id: &str) -> Result<Vec<Held>, ApiError> {
    let rows: Vec<(String, String, NaiveDate, Option<NaiveDate>)> = post_holders::table
        .filter(post_holders::local_government_id.eq(&scope.lg))
        .filter(post_holders::post_id.eq(post_id))
        .order((post_holders::starts_on, post_holders::id))
        .select((
            post_holders::id,
            post_holders::person_id,
            post_holders::starts_on,
            post_holders::ends_on,
        ))
        .load(scope.conn)?;
    let mut held = vec![];
    for (id, person_id, starts_on, ends_on) in rows {
        let left_on = leaves_on(scope, &person_id)?;
        held.push(Held {
            ends_on: [ends_on, left_on].into_iter().flatten().min(),
            id,
            person_id,
            starts_on,
        });
    }
    Ok(held)
}

/// The last day of a person, if there is one.
fn leaves_on(scope: &mut Scope<'_>, person_id: &str) -> Result<Option<NaiveDate>, ApiError> {
    let (left_on, archived_at): (Option<NaiveDate>, Option<Instant>) = people::table
        .find((&scope.lg, person_id))
        .select((people::left_on, people::archived_at))
        .first(scope.conn)?;
    let archived_on = archived_at.and_then(|at| at.date_in(scope.zone).pred_opt());
    Ok([left_on, archived_on].into_iter().flatten().min())
}

fn look_at_post(scope: &mut Scope<'_>, post_id: &str) -> Result<(), ApiError> {
    let held = held(scope, post_id)?;
    let of = Who {
        person_id: None,
        post_id: Some(post_id.to_owned()),
    };
    let organization_id: String = posts::table
        .find((&scope.lg, post_id))
        .select(posts::organization_id)
        .first(scope.conn)?;
    let today = scope.today;
    let current = held
        .iter()
        .rposition(|one| one.starts_on <= today && one.ends_on.is_none_or(|end| end >= today));
    if let Some(at) = current
        && let Some(now) = held.get(at)
        && let Some(before) = at.checked_sub(1).and_then(|before| held.get(before))
        && before.person_id != now.person_id
        && !is_history(now.starts_on, today)
    {
        let key = format!("holder|{post_id}|{}|{}", now.person_id, now.starts_on);
        let due_on = acceptance_due_as_of(now.starts_on, today);
        let new = NewTransfer {
            organization_id: Some(organization_id.clone()),
            from_person_id: Some(before.person_id.clone()),
            from_post_id: Some(post_id.to_owned()),
            to_person_id: Some(now.person_id.clone()),
            settle_on: Some(late_from(due_on)),
            ..NewTransfer::new(scope, HandOverCause::PostHolder, now.starts_on, due_on)
        };
        if open(scope, &of, key, new)? {
            credentials(scope, &of, now.starts_on)?;
        }
    }
    let end = last_day(&held, today).filter(|end| term_notice_on(*end) <= today && !is_history(*end, today));
    let key = end.map(|end| format!("term|{post_id}|{end}"));
    if let (Some(key), Some(end)) = (&key, end) {
        let from_person_id = held.iter().rfind(|one| one.ends_on == Some(end));
        let new = NewTransfer {
            organization_id: Some(organization_id),
            from_person_id: from_person_id.map(|one| one.person_id.clone()),
            from_post_id: Some(post_id.to_owned()),
            ..NewTransfer::new(scope, HandOverCause::TermEnd, end.succ_opt().unwrap_or(end), end)
        };
        open(scope, &of, key.clone(), new)?;
    }
    end_others(scope, &of, key.as_deref(), current.and_then(|at| held.get(at)))?;
    moving::reassess(scope, &of)?;
    for one in &held {
        let end = one.ends_on;
        let days = [
            Some(one.starts_on),
            end.map(term_notice_on),
            end.and_then(|end| end.succ_opt()),
        ];
        diesel::update(post_holders::table.find((&scope.lg, &one.id)))
            .set(post_holders::settle_on.eq(days.into_iter().flatten().filter(|on| *on > today).min()))
            .execute(scope.conn)?;
    }
    Ok(())
}

/// The last day on which the post has a holder, if that is known; also one that is past.
fn last_day(held: &[Held], today: NaiveDate) -> Option<NaiveDate> {
    let started = held.iter().filter(|one| one.starts_on <= today);
    let ends: Option<Vec<NaiveDate>> = started.map(|one| one.ends_on).collect();
    let mut last = ends?.into_iter().max()?;
    // In the order of their first days, so each one that follows without a gap carries it on.
    for next in held.iter().filter(|one| one.starts_on > today) {
        if last.succ_opt().is_none_or(|free| next.starts_on > free) {
            break;
        }
        last = last.max(next.ends_on?);
    }
    Some(last)
}

/// Opens a hand-over that happens without a call; whether it is new.
fn open(scope: &mut Scope<'_>, of: &Who, key: String, new: NewTransfer) -> Result<bool, ApiError> {
    let wanted = Wanted {
        of,
        organization_id: None,
        entry_ids: None,
        on: new.effective_on,
        limit: MOST_KEPT,
    };
    let mut objects: Vec<ObjectRef> = objects::find(scope, &wanted)?;
    objects.retain(|object| !matches!(object.kind, TransferObjectKind::Post | TransferObjectKind::Obligation));
    if objects.is_empty() {
        return Ok(false);
    }
    let new = NewTransfer {
        state: Word(HandOverState::Pending),
        change_key: Some(key),
        moved_at: Some(scope.at),
        ..new
    };
    let inserted = on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(ownership_transfers::table)
        .values(&new)
        .on_conflict_do_nothing()
        .execute(conn))?;
    if inserted == 0 {
        return Ok(false);
    }
    let row = rows::load(scope, &new.id)?;
    objects::store(scope, &row.id, &objects)?;
    moving::ask(scope, &row, &objects, row.due_on)?;
    let payload = json!({"cause": row.cause.0, "effective_on": row.effective_on, "due_on": row.due_on,
        "from_person_id": row.from_person_id, "from_post_id": row.from_post_id, "to_person_id": row.to_person_id,
        "objects": objects.len()});
    scope.record("ownership_transfer.opened", row.subject(), payload);
    Ok(true)
}

fn credentials(scope: &mut Scope<'_>, of: &Who, on: NaiveDate) -> Result<(), ApiError> {
    let wanted = Wanted {
        of,
        organization_id: None,
        entry_ids: None,
        on,
        limit: MOST_KEPT,
    };
    let ids: Vec<String> = objects::find(scope, &wanted)?
        .into_iter()
        .filter_map(|object| object.entry_id)
        .collect();
    for ids in ids.chunks(objects::CHUNK) {
        moving::credentials_are_due(scope, ids, on)?;
    }
    Ok(())
}

/// Ends what is overtaken: the hand-over to a holder who is not the holder any more, the question for a successor that
/// is answered or is asked for another day.
fn end_others(scope: &mut Scope<'_>, of: &Who, term: Option<&str>, current: Option<&Held>) -> Result<(), ApiError> {
    let mut query = ownership_transfers::table
        .filter(ownership_transfers::local_government_id.eq(scope.lg.clone()))
        .filter(ownership_transfers::state.eq_any(["pending", "declined"]))
        .filter(ownership_transfers::cause.ne("requested"))
        .select((TransferRow::as_select(), ownership_transfers::change_key))
        .into_boxed();
    query = match (&of.post_id, &of.person_id) {
        (Some(post), _) => query.filter(ownership_transfers::from_post_id.eq(Some(post.clone()))),
        (None, person) => query
            .filter(ownership_transfers::from_person_id.eq(person.clone()))
            .filter(ownership_transfers::from_post_id.is_null()),
    };
    let rows: Vec<(TransferRow, Option<String>)> = query.load(scope.conn)?;
    for (row, key) in rows {
        let stands = match row.cause.0 {
            HandOverCause::PostHolder => current.is_some_and(|now| {
                Some(&now.person_id) == row.to_person_id.as_ref() && now.starts_on == row.effective_on
            }),
            HandOverCause::TermEnd => key.as_deref() == term,
            HandOverCause::Requested => true,
        };
        if !stands {
            moving::end(scope, &row)?;
        }
    }
    Ok(())
}

/// People who leave and own something themselves.
fn leavers(scope: &mut Scope<'_>) -> Result<usize, ApiError> {
    let due = people::table
        .filter(people::settle_on.le(Some(scope.today)))
        .filter(people::local_government_id.eq(&scope.lg))
        .order(people::settle_on)
        .limit(STEP)
        .select(people::id);
    let ids: Vec<String> = locked!(skip &mut *scope.conn, due, |q, c| q.load(c))?;
    for id in &ids {
        look_at_person(scope, id)?;
    }
    Ok(ids.len())
}

fn look_at_person(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    let end = leaves_on(scope, id)?;
    let today = scope.today;
    let of = Who {
        person_id: Some(id.to_owned()),
        post_id: None,
    };
    let mut key = None;
    if let Some(end) = end.filter(|end| term_notice_on(*end) <= today && !is_history(*end, today)) {
        let wanted = Wanted {
            of: &of,
            organization_id: None,
            entry_ids: None,
            on: end,
            limit: 1,
        };
        let owns = objects::find(scope, &wanted)?
            .into_iter()
            .any(|object| !matches!(object.kind, TransferObjectKind::Post | TransferObjectKind::Obligation));
        if owns {
            let name = format!("leaves|{id}|{end}");
            let new = NewTransfer {
                from_person_id: Some(id.to_owned()),
                ..NewTransfer::new(scope, HandOverCause::TermEnd, end.succ_opt().unwrap_or(end), end)
            };
            open(scope, &of, name.clone(), new)?;
            key = Some(name);
        }
    }
    end_others(scope, &of, key.as_deref(), None)?;
    moving::reassess(scope, &of)?;
    let days = [end.map(term_notice_on), end.and_then(|end| end.succ_opt())];
    diesel::update(people::table.find((&scope.lg, id)))
        .set(people::settle_on.eq(days.into_iter().flatten().filter(|on| *on > today).min()))
        .execute(scope.conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn held(starts_on: &str, ends_on: Option<&str>) -> Held {
        Held {
            id: String::new(),
            person_id: String::new(),
            starts_on: day(starts_on),
            ends_on: ends_on.map(day),
        }
    }

    #[test]
    fn a_post_falls_vacant_where_nobody_follows_without_a_gap() {
        type Case<'a> = (&'a [(&'a str, Option<&'a str>)], Option<&'a str>);
        let cases: &[Case<'_>] = &[
            (&[], None),
            (&[("2026-04-01", None)], None),
            (&[("2026-04-01", Some("2027-03-31"))], Some("2027-03-31")),
            (&[("2026-04-01", Some("2027-03-31")), ("2027-04-01", None)], None),
            (
                &[("2026-04-01", Some("2027-03-31")), ("2027-04-02", None)],
                Some("2027-03-31"),
            ),
            (
                &[("2026-04-01", Some("2027-03-31")), ("2027-04-01", Some("2027-09-30"))],
                Some("2027-09-30"),
            ),
            (&[("2020-04-01", Some("2021-03-31")), ("2021-04-01", None)], None),
        ];
        for (rows, expected) in cases {
            let held: Vec<Held> = rows.iter().map(|(from, to)| held(from, *to)).collect();
            assert_eq!(last_day(&held, day("2027-03-10")), expected.map(day), "{rows:?}");
        }
    }
}
