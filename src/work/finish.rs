//! What came of an attempt: accepted, in doubt, refused for now, refused for good. And who is written to then.
//!
//! A finish counts only with the token of its claim; it finds the message `committing`, or `in_doubt` if it took longer
//! than its lease. A refusal is certain, so the message goes back to the queue with its bytes; doubt is not.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::{Value, json};

use super::faults::Faults;
use super::intent::{Item, due_items, thread};
use super::outbox::{Claimed, KIND, Row, doubt, held_by, set_fixed_items};
use super::recipients::{About, Around, NewItem, insert_one};
use crate::app::{App, Scope, Subject, Tenant};
use crate::clock::Instant;
use crate::db::schema::{message_attempts, messages, obligations, reminder_items};
use crate::db::types::Word;
use crate::domain::vocabulary::Role;
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::mail::{DeliveryPhase, Outcome, Refusal};
use crate::people::holders::Contact;

/// Minutes until the next attempt after the first refusals; four hours after the others.
const BACKOFF_MINUTES: [i64; 7] = [1, 2, 4, 8, 15, 30, 60];
/// Five days of refusals (RFC 5321 §4.5.4.1): two hours in the first seven, then thirty times four hours.
const GIVE_UP_AFTER: i32 = 37;
/// Bytes are kept this long after the end.
const KEEP_SECONDS: i64 = 30 * 24 * 3600;

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub node: &'a str,
    pub started_at: Instant,
    /// Whether the intent was committed: only then can the relay have the message.
    pub intended: bool,
    pub outcome: Outcome,
}

/// How the message stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finished {
    Accepted,
    InDoubt,
    Queued,
    Dead,
    Lost,
}

/// Records the outcome of an attempt.
///
/// # Errors
/// A database failure; the lease then runs out, and an intended message is in doubt.
pub(super) fn finish(
    app: &App,
    tenant: &Tenant,
    claimed: &Claimed,
    attempt: &Attempt<'_>,
    faults: &Faults,
) -> Result<Finished, ApiError> {
    let states: &[&'static str] = if attempt.intended {
        &["committing", "in_doubt"]
    } else {
        &["leased"]
    };
    let finished = app.write_as(tenant, Actor::system(), |scope| {
        let Some(row) = held_by(scope, claimed, states)? else {
            tracing::warn!(
                message_id = claimed.id,
                "an attempt ended after its message was given to another"
            );
            return Ok(Finished::Lost);
        };
        note(scope, &row, attempt)?;
        let finished = match &attempt.outcome {
            Outcome::Accepted { remote_ref } => accepted(scope, &row, remote_ref)?,
            Outcome::InDoubt { text, .. } => {
                // If the lease ran out first, this doubt is recorded already.
                if row.state == "committing" {
                    doubt(scope, &row, text)?;
                }
                Finished::InDoubt
            }
            Outcome::NotAccepted(refusal) => refused(scope, &row, refusal)?,
        };
        faults.at("finish: before the commit")?;
        Ok(finished)
    })?;
    faults.at("finish: after the commit")?;
    Ok(finished)
}

/// Appends the attempt to the message's history.
fn note(scope: &mut Scope<'_>, row: &Row, attempt: &Attempt<'_>) -> Result<(), ApiError> {
    let last: Option<i32> = message_attempts::table
        .filter(message_attempts::local_government_id.eq(&scope.lg))
        .filter(message_attempts::message_id.eq(&row.id))
        .select(diesel::dsl::max(message_attempts::number))
        .first(scope.conn)?;
    let (phase, code, text) = match &attempt.outcome {
        Outcome::Accepted { remote_ref } => (DeliveryPhase::Dot, Some(250), remote_ref),
        Outcome::InDoubt { phase, text } => (*phase, None, text),
        Outcome::NotAccepted(refusal) => (refusal.phase, refusal.code.map(i32::from), &refusal.text),
    };
    diesel::insert_into(message_attempts::table)
        .values((
            message_attempts::local_government_id.eq(&scope.lg),
            message_attempts::message_id.eq(&row.id),
            message_attempts::number.eq(last.unwrap_or(0) + 1),
            message_attempts::node.eq(attempt.node),
            message_attempts::phase.eq(phase.to_string()),
            message_attempts::code.eq(code),
            message_attempts::text.eq(Some(text)),
            message_attempts::started_at.eq(attempt.started_at),
            message_attempts::ended_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

fn accepted(scope: &mut Scope<'_>, row: &Row, remote_ref: &str) -> Result<Finished, ApiError> {
    end(scope, row, "accepted", Some(remote_ref), None)?;
    let items = fixed_items(scope, &row.id)?;
    set_fixed_items(scope, &row.id, "sent")?;
    record(
        scope,
        "message.accepted",
        row,
        &items,
        json!({"remote_ref": remote_ref}),
    );
    Ok(Finished::Accepted)
}

fn refused(scope: &mut Scope<'_>, row: &Row, refusal: &Refusal) -> Result<Finished, ApiError> {
    // Trouble that every message would have says nothing about this one.
    let attempts = row.attempts + i32::from(!refusal.relay_wide);
    if refusal.permanent || attempts >= GIVE_UP_AFTER {
        dead(scope, row, &refusal.to_string())?;
        return Ok(Finished::Dead);
    }
    let wait = if refusal.relay_wide { 60 } else { backoff(attempts) };
    let next_at = scope.at.plus_seconds(jitter(wait, scope.app.random.bytes::<1>()));
    diesel::update(messages::table.find((&scope.lg, &row.id)))
        .set((
            messages::state.eq("queued"),
            messages::attempts.eq(attempts),
            messages::next_at.eq(Some(next_at)),
            messages::lease_owner.eq(None::<String>),
            messages::lease_until.eq(None::<Instant>),
            messages::last_error.eq(Some(refusal.to_string())),
        ))
        .execute(scope.conn)?;
    Ok(Finished::Queued)
}

/// Seconds until the attempt after so many refusals.
fn backoff(attempts: i32) -> i64 {
    let nth = usize::try_from(attempts - 1).unwrap_or(0);
    BACKOFF_MINUTES.get(nth).copied().unwrap_or(240) * 60
}

/// Up to 20 % more or less, so that what failed together does not return together.
fn jitter(seconds: i64, [chance]: [u8; 1]) -> i64 {
    seconds * (80 + i64::from(chance) * 40 / 255) / 100
}

/// Ends a message whose bytes stay for a while.
fn end(
    scope: &mut Scope<'_>,
    row: &Row,
    state: &'static str,
    remote_ref: Option<&str>,
    error: Option<&str>,
) -> Result<(), ApiError> {
    diesel::update(messages::table.find((&scope.lg, &row.id)))
        .set((
            messages::state.eq(state),
            messages::remote_ref.eq(remote_ref),
            messages::last_error.eq(error),
            messages::next_at.eq(Some(scope.at.plus_seconds(KEEP_SECONDS))),
            messages::lease_owner.eq(None::<String>),
            messages::lease_until.eq(None::<Instant>),
            messages::done_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// The address is given up for these items; each goes to the next contact.
fn dead(scope: &mut Scope<'_>, row: &Row, error: &str) -> Result<(), ApiError> {
    let items = if row.intent_at.is_some() || row.is_notice() {
        fixed_items(scope, &row.id)?
    } else {
        due_items(scope, row)?
    };
    end(scope, row, "dead", None, Some(error))?;
    tracing::warn!(message_id = row.id, error, items = items.len(), "a message is given up");
    let next = pass_on(scope, row, &items)?;
    record(
        scope,
        "message.dead",
        row,
        &items,
        json!({"error": error, "passed_on_to": next}),
    );
    Ok(())
}

fn fixed_items(scope: &mut Scope<'_>, message_id: &str) -> Result<Vec<Item>, ApiError> {
    Ok(reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::message_id.eq(Some(message_id)))
        .filter(reminder_items::state.eq("fixed"))
        .order(reminder_items::id)
        .select(Item::as_select())
        .load(scope.conn)?)
}

/// Gives the items of a dead message to the next contact: deputy, section manager, and up. Answers to whom they went.
fn pass_on(scope: &mut Scope<'_>, row: &Row, items: &[Item]) -> Result<Vec<String>, ApiError> {
    let organization_ids: BTreeSet<String> = items.iter().map(|item| item.organization_id.clone()).collect();
    let entry_ids: BTreeSet<String> = items.iter().filter_map(|item| item.entry_id.clone()).collect();
    let obligation_ids: BTreeSet<&str> = items.iter().map(|item| item.obligation_id.as_str()).collect();
    let around = Around::load(scope, &organization_ids, &entry_ids, &[], &obligation_ids)?;
    let open: BTreeSet<(String, i32)> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(obligation_ids))
        .filter(obligations::state.eq("open"))
        .select((obligations::id, obligations::cycle))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let mut told = vec![];
    for item in items {
        let asked = open.contains(&(item.obligation_id.clone(), item.cycle));
        let next = if asked {
            pass_item_on(scope, row, item, &around)?
        } else {
            None
        };
        if asked && next.is_none() {
            tracing::warn!(
                item_id = item.id,
                "a reminder reaches nobody: no further role is filled"
            );
        }
        let state = if next.is_some() { "superseded" } else { "cancelled" };
        diesel::update(reminder_items::table.find((&scope.lg, &item.id)))
            .set((
                reminder_items::state.eq(state),
                reminder_items::superseded_by.eq(&next),
                reminder_items::message_id.eq(Some(&row.id)),
                reminder_items::send_at.eq(None::<Instant>),
                reminder_items::updated_at.eq(scope.at),
            ))
            .execute(scope.conn)?;
        told.extend(next);
    }
    told.sort_unstable();
    told.dedup();
    Ok(told)
}

/// Plans the item for the first further contact at another address that does not have it yet.
fn pass_item_on(scope: &mut Scope<'_>, row: &Row, item: &Item, around: &Around) -> Result<Option<String>, ApiError> {
    let about = About {
        obligation_id: &item.obligation_id,
        organization_id: &item.organization_id,
        entry_id: item.entry_id.as_deref(),
    };
    let mut roles = vec![];
    let mut role = higher(item.role.0);
    while let Some(at) = role {
        roles.push(at);
        role = higher(at);
    }
    let holders = roles.into_iter().flat_map(|role| {
        let holders = around.holders(about, role);
        holders.into_iter().map(move |contact| (role, contact))
    });
    let mailbox = around.mailbox(about).map(|mailbox| (Role::Owner, mailbox));
    let candidates: Vec<(Role, Contact)> = holders
        .chain(mailbox)
        .filter(|(_, contact)| contact.address != row.address)
        .collect();
    for (role, contact) in candidates {
        let new = NewItem {
            local_government_id: scope.lg.clone(),
            id: scope.new_id(),
            obligation_id: item.obligation_id.clone(),
            cycle: item.cycle,
            stage: item.stage.clone(),
            recipient: contact.key.clone(),
            person_id: contact.person_id,
            department_id: contact.department_id,
            address: contact.address,
            role: Word(role),
            organization_id: item.organization_id.clone(),
            entry_id: item.entry_id.clone(),
            planned_on: item.planned_on,
            immediate: item.immediate,
            send_at: Some(scope.at),
            state: "planned",
            superseded_by: None,
            created_at: scope.at,
            updated_at: scope.at,
        };
        // Who has the item already is passed over, and the next one up is told.
        if insert_one(scope, &new)? {
            return Ok(Some(contact.key));
        }
    }
    Ok(None)
}

/// Whom a mail goes to that this role does not get: from the owner to the deputy, then up.
fn higher(role: Role) -> Option<Role> {
    match role {
        Role::Owner => Some(Role::Deputy),
        other => other.next_up(),
    }
}

/// Journals what became of a message; on the entry's timeline if it is about one.
fn record(scope: &mut Scope<'_>, action: &'static str, row: &Row, items: &[Item], more: Value) {
    let listed: Vec<Value> = items
        .iter()
        .map(|item| json!({"id": item.id, "obligation_id": item.obligation_id, "cycle": item.cycle, "stage": item.stage}))
        .collect();
    let mut payload =
        json!({"address": row.address, "subject": row.subject, "rfc_message_id": row.rfc_message_id, "items": listed});
    if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more) {
        payload.extend(more);
    }
    let entry_id = thread(items);
    let organization_id = items
        .first()
        .filter(|_| entry_id.is_some())
        .map(|item| item.organization_id.as_str());
    let subject = Subject {
        organization_id,
        entry_id,
        ..Subject::of(KIND, &row.id)
    };
    scope.record(action, subject, payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_up_after_five_days_of_refusals() {
        let waits: Vec<i64> = (1..GIVE_UP_AFTER).map(|attempts| backoff(attempts) / 60).collect();
        assert_eq!(waits[..8], [1, 2, 4, 8, 15, 30, 60, 240]);
        let days = waits.iter().sum::<i64>() / (24 * 60);
        assert!((4..=5).contains(&days), "{days}");
    }

    #[test]
    fn the_next_attempt_is_at_most_a_fifth_earlier_or_later() {
        assert_eq!([0, 128, 255].map(|chance| jitter(600, [chance])), [480, 600, 720]);
    }

    #[test]
    fn an_item_climbs_from_the_owner_to_the_top() {
        let mut roles = vec![Role::Owner];
        while let Some(next) = roles.last().copied().and_then(higher) {
            roles.push(next);
        }
        assert_eq!(
            roles,
            [
                Role::Owner,
                Role::Deputy,
                Role::SectionSecurityManager,
                Role::DivisionSecurityOfficer,
                Role::SupervisingSecurityOfficer,
                Role::Ciso,
            ]
        );
    }
}
