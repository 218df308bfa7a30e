//! The move itself: columns change hands, an obligation to accept opens, and what follows for risk is computed by the
//! next tick ([`crate::entries::reassess_due`]), because a move may concern hundreds of entries.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::objects::{self, CHUNK, ObjectRef, Wanted};
use super::rows::{self, TransferRow, Who};
use super::wire::TransferObjectKind;
use crate::app::{Scope, Subject};
use crate::db::schema::{
    entries, obligations, ownership_transfers, people, post_holders, round_clauses, social_media_accounts,
    social_media_services,
};
use crate::domain::hand_over::{HandOverCause, HandOverState, acceptance_due_as_of, late_from};
use crate::domain::vocabulary::{CodeWord, ObligationKind, Status};
use crate::entries::rows::KIND as ENTRY;
use crate::http::error::ApiError;
use crate::links;
use crate::obligations::cycles::{self, Due};

/// The most objects of a kind that one transfer moves.
const MOST_MOVED: i64 = 5_000;

/// Moves what is due to move and opens the obligation to accept it.
///
/// # Errors
/// A database failure.
pub(super) fn apply(scope: &mut Scope<'_>, row: &TransferRow) -> Result<(), ApiError> {
    let (giver, taker, entry_ids) = (row.giver(), row.taker(), row.entry_ids()?);
    let wanted = Wanted {
        of: &giver,
        organization_id: row.organization_id.as_deref(),
        entry_ids: entry_ids.as_deref(),
        on: row.effective_on,
        limit: MOST_MOVED,
    };
    let mut objects = objects::find(scope, &wanted)?;
    objects.retain(|object| object.kind != TransferObjectKind::Post);
    if objects.is_empty() {
        return end(scope, row);
    }
    change_hands(scope, row, &objects, &giver, &taker)?;
    let due_on = acceptance_due_as_of(row.effective_on, scope.today);
    diesel::update(ownership_transfers::table.find((&scope.lg, &row.id)))
        .set((
            ownership_transfers::moved_at.eq(Some(scope.at)),
            ownership_transfers::due_on.eq(due_on),
        ))
        .execute(scope.conn)?;
    objects::store(scope, &row.id, &objects)?;
    if row.state.0 == HandOverState::Accepted {
        rows::set_state(scope, &row.id, HandOverState::Accepted, None)?;
    } else {
        rows::set_state(scope, &row.id, HandOverState::Pending, Some(late_from(due_on)))?;
        ask(scope, row, &objects, due_on)?;
    }
    let count = objects.len();
    scope.record(
        "ownership_transfer.moved",
        row.subject(),
        json!({"effective_on": row.effective_on, "due_on": due_on, "objects": count}),
    );
    look_again(scope, &giver)
}

/// Opens the obligation to accept, or to name a successor.
pub(super) fn ask(
    scope: &mut Scope<'_>,
    row: &TransferRow,
    objects: &[ObjectRef],
    due_on: NaiveDate,
) -> Result<(), ApiError> {
    let Some(organization_id) = row.organization_id.clone().or_else(|| most_frequent(objects)) else {
        return Ok(());
    };
    let due = Due {
        kind: ObligationKind::Handover,
        subject_id: row.id.clone(),
        organization_id,
        entry_id: None,
        on: due_on,
        known_cycle_days: None,
        starts_on: None,
        severe: false,
    };
    cycles::ensure(scope, &due).map(drop)
}

fn most_frequent(objects: &[ObjectRef]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *counts.entry(&object.organization_id).or_default() += 1;
    }
    let (id, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(id.to_owned())
}

/// Ends a transfer that is no longer needed.
pub(super) fn end(scope: &mut Scope<'_>, row: &TransferRow) -> Result<(), ApiError> {
    rows::set_state(scope, &row.id, HandOverState::Ended, None)?;
    cycles::retire(scope, ObligationKind::Handover, &row.id)?;
    let payload = json!({"cause": row.cause.0, "announced_on": row.announced_on, "effective_on": row.effective_on});
    scope.record("ownership_transfer.ended", row.subject(), payload);
    Ok(())
}

/// Gives everything that is still the taker's back to the giver.
pub(super) fn give_back(scope: &mut Scope<'_>, row: &TransferRow) -> Result<(), ApiError> {
    let moved = objects::stored(scope, &row.id, i64::MAX)?;
    let (giver, taker) = (row.giver(), row.taker());
    let wanted = Wanted {
        of: &taker,
        organization_id: row.organization_id.as_deref(),
        entry_ids: None,
        on: scope.today,
        limit: i64::MAX,
    };
    let mut still = objects::find(scope, &wanted)?;
    still.retain(|object| moved.contains(object));
    change_hands(scope, row, &still, &taker, &giver)?;
    look_again(scope, &giver)
}

fn change_hands(
    scope: &mut Scope<'_>,
    row: &TransferRow,
    objects: &[ObjectRef],
    from: &Who,
    to: &Who,
) -> Result<(), ApiError> {
    let of = |kind: TransferObjectKind| -> Vec<String> {
        objects
            .iter()
            .filter(|object| object.kind == kind)
            .map(|object| object.id.clone())
            .collect()
    };
    for (kind, part) in [
        (TransferObjectKind::EntryOwner, "owner"),
        (TransferObjectKind::EntryDeputy, "deputy"),
    ] {
        for ids in of(kind).chunks(CHUNK) {
            let mine = entries::table
                .filter(entries::local_government_id.eq(scope.lg.clone()))
                .filter(entries::id.eq_any(ids));
            let common = (
                entries::version.eq(entries::version + 1),
                entries::updated_at.eq(scope.at),
                entries::updated_by.eq(scope.by()),
                entries::holds_until_on.eq(Some(scope.today)),
            );
            if kind == TransferObjectKind::EntryOwner {
                diesel::update(mine)
                    .set((
                        entries::owner_person_id.eq(&to.person_id),
                        entries::owner_post_id.eq(&to.post_id),
                        common,
                    ))
                    .execute(scope.conn)?;
            } else {
                diesel::update(mine)
                    .set((
                        entries::deputy_person_id.eq(&to.person_id),
                        entries::deputy_post_id.eq(&to.post_id),
                        common,
                    ))
                    .execute(scope.conn)?;
            }
            credentials_are_due(scope, ids, row.effective_on)?;
        }
        close_links(scope, from, objects.iter().filter(|object| object.kind == kind))?;
        for object in objects.iter().filter(|object| object.kind == kind) {
            let payload = json!({"transfer_id": row.id, "part": part,
                "from": {"person_id": from.person_id, "post_id": from.post_id},
                "to": {"person_id": to.person_id, "post_id": to.post_id}});
            let subject = Subject {
                kind: ENTRY,
                id: &object.id,
                organization_id: Some(&object.organization_id),
                entry_id: Some(&object.id),
            };
            scope.record("entry.handed_over", subject, payload);
        }
    }
    for ids in of(TransferObjectKind::SocialMediaService).chunks(CHUNK) {
        diesel::update(
            social_media_services::table
                .filter(social_media_services::local_government_id.eq(scope.lg.clone()))
                .filter(social_media_services::id.eq_any(ids)),
        )
        .set((
            social_media_services::responsible_person_id.eq(&to.person_id),
            social_media_services::responsible_post_id.eq(&to.post_id),
            social_media_services::version.eq(social_media_services::version + 1),
            social_media_services::updated_at.eq(scope.at),
            social_media_services::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    }
    // A round that some have answered keeps its members; what waits for the one waits for the other now.
    let person = rows::person_of(scope, to, scope.today)?;
    if let (Some(before), Some(person)) = (&from.person_id, person) {
        for ids in of(TransferObjectKind::Obligation).chunks(CHUNK) {
            diesel::update(
                round_clauses::table
                    .filter(round_clauses::local_government_id.eq(scope.lg.clone()))
                    .filter(round_clauses::obligation_id.eq_any(ids))
                    .filter(round_clauses::assignee_person_id.eq(Some(before.clone())))
                    .filter(round_clauses::answer.is_null()),
            )
            .set(round_clauses::assignee_person_id.eq(Some(&person)))
            .execute(scope.conn)?;
        }
    }
    Ok(())
}

/// Ends the links by which whoever had these things was asked about them.
fn close_links<'o>(
    scope: &mut Scope<'_>,
    from: &Who,
    objects: impl Iterator<Item = &'o ObjectRef>,
) -> Result<(), ApiError> {
    let moved: BTreeSet<&str> = objects.map(|object| object.id.as_str()).collect();
    let person = match &from.person_id {
        Some(person) => Some(person.clone()),
        None => rows::person_of(scope, from, scope.today)?,
    };
    if let Some(person) = person.filter(|_| !moved.is_empty()) {
        links::revoke_about(scope, &person, &moved)?;
    }
    Ok(())
}

/// The credentials of social-media accounts are changed on the day of a move (条項 social-credential-management).
pub(super) fn credentials_are_due(scope: &mut Scope<'_>, entry_ids: &[String], on: NaiveDate) -> Result<(), ApiError> {
    diesel::update(
        social_media_accounts::table
            .filter(social_media_accounts::local_government_id.eq(scope.lg.clone()))
            .filter(social_media_accounts::id.eq_any(entry_ids)),
    )
    .set(social_media_accounts::credentials_due_on.eq(Some(on)))
    .execute(scope.conn)?;
    Ok(())
}

/// Has what a person or a post owns assessed again by the next tick.
pub(super) fn reassess(scope: &mut Scope<'_>, of: &Who) -> Result<(), ApiError> {
    let over: Vec<&str> = Status::ALL
        .iter()
        .filter(|status| status.is_final())
        .map(|status| status.code())
        .collect();
    let mine = entries::table
        .filter(entries::local_government_id.eq(scope.lg.clone()))
        .filter(entries::archived_at.is_null())
        .filter(entries::status.ne_all(over));
    let today = entries::holds_until_on.eq(Some(scope.today));
    if let Some(post) = &of.post_id {
        let owned = mine.filter(entries::owner_post_id.eq(Some(post.clone())));
        diesel::update(owned).set(today).execute(scope.conn)?;
    } else if let Some(person) = &of.person_id {
        let owned = mine.filter(entries::owner_person_id.eq(Some(person.clone())));
        diesel::update(owned).set(today).execute(scope.conn)?;
    }
    Ok(())
}

/// Has the next tick look whether somebody's or a post's end still needs a successor.
fn look_again(scope: &mut Scope<'_>, of: &Who) -> Result<(), ApiError> {
    if let Some(person) = &of.person_id {
        diesel::update(people::table.find((&scope.lg, person)))
            .set(people::settle_on.eq(Some(scope.today)))
            .execute(scope.conn)?;
    }
    if let Some(post) = &of.post_id {
        diesel::update(
            post_holders::table
                .filter(post_holders::local_government_id.eq(scope.lg.clone()))
                .filter(post_holders::post_id.eq(post)),
        )
        .set(post_holders::settle_on.eq(Some(scope.today)))
        .execute(scope.conn)?;
    }
    Ok(())
}

/// Whether the obligation to accept is open; a post's hand-over may still be accepted after it was declined.
pub(super) fn is_asked(scope: &mut Scope<'_>, row: &TransferRow) -> Result<bool, ApiError> {
    let open: Option<String> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::kind.eq(ObligationKind::Handover.code()))
        .filter(obligations::subject_id.eq(&row.id))
        .filter(obligations::state.eq("open"))
        .select(obligations::id)
        .first(scope.conn)
        .optional()?;
    Ok(open.is_some() && row.cause.0 != HandOverCause::TermEnd)
}
