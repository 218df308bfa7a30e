//! The intent: the commit that fixes a message's items and bytes before the relay may take it.
//!
//! Before it everything can be repeated, because nothing was sent; after it a lost worker means doubt, and a resend has
//! the same bytes and the same Message-ID. What was answered since the claim drops out here; a digest left empty is
//! cancelled.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::contents;
use super::faults::Faults;
use super::notice::PURPOSE;
use super::outbox::{Claimed, MOST_ITEMS, Row, Sender, cancel, held_by};
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::locked;
use crate::db::schema::{messages, obligations, reminder_items};
use crate::db::types::Word;
use crate::domain::link::{LinkPurpose, last_day};
use crate::domain::vocabulary::Role;
use crate::http::error::ApiError;
use crate::journal::{Actor, sha256_hex};
use crate::keys;
use crate::links::{self, NewLink, Reader};
use crate::mail::Address;
use crate::mail::compose::{Mail, MessageId, Party, compose};
use crate::mail::templates::{Link, VERSION};

/// The slowest delivery ends before this; then its message is in doubt.
const INTENT_SECONDS: i64 = 12 * 60;

/// An item that is due for the address of a message.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = reminder_items)]
pub(super) struct Item {
    pub id: String,
    pub obligation_id: String,
    pub cycle: i32,
    pub stage: String,
    pub person_id: Option<String>,
    pub department_id: Option<String>,
    pub role: Word<Role>,
    pub organization_id: String,
    pub entry_id: Option<String>,
    pub planned_on: NaiveDate,
    pub immediate: bool,
}

/// What the intent decided.
#[derive(Debug)]
pub(super) enum Intent {
    /// Hand over these bytes.
    Send(Vec<u8>),
    /// Nothing is asked any more.
    Cancelled,
    /// The lease ran out and somebody else has it.
    Lost,
}

/// Fixes the message and says what to hand over.
///
/// # Errors
/// A database failure, or a text that cannot be rendered; then nothing is fixed.
pub(super) fn intend(app: &App, tenant: &Tenant, claimed: &Claimed, faults: &Faults) -> Result<Intent, ApiError> {
    let intent = app.write_as(tenant, Actor::system(), |scope| {
        let Some(row) = held_by(scope, claimed, &["leased"])? else {
            return Ok(Intent::Lost);
        };
        if row.lease_until.is_none_or(|until| until <= scope.at) {
            return Ok(Intent::Lost);
        }
        // A notice was written when it was queued.
        let intent = if row.intent_at.is_some() || row.is_notice() {
            repeat(scope, &row)?
        } else {
            fix(scope, &row)?
        };
        faults.at("intent: before the commit")?;
        Ok(intent)
    })?;
    faults.at("intent: after the commit")?;
    Ok(intent)
}

/// The stored bytes once more.
fn repeat(scope: &mut Scope<'_>, row: &Row) -> Result<Intent, ApiError> {
    let (sealed, sha256): (Option<Vec<u8>>, Option<String>) = messages::table
        .find((&scope.lg, &row.id))
        .select((messages::sealed_bytes, messages::body_sha256))
        .first(scope.conn)?;
    let sealed = sealed.ok_or_else(|| ApiError::internal("a message with an intent has no bytes"))?;
    let bytes = scope.app.keys.master.open(PURPOSE, &sealed)?;
    if sha256.as_deref() != Some(sha256_hex(&bytes).as_str()) {
        return Err(ApiError::internal("the stored bytes of a message have changed"));
    }
    let resend = i32::from(row.doubts > 0);
    diesel::update(messages::table.find((&scope.lg, &row.id)))
        .set(messages::resends.eq(messages::resends + resend))
        .execute(scope.conn)?;
    commit(scope, &row.id)?;
    Ok(Intent::Send(bytes))
}

/// Collects what is due for the address, writes the mail and stores it.
fn fix(scope: &mut Scope<'_>, row: &Row) -> Result<Intent, ApiError> {
    let items = if row.local_day == scope.today {
        collect(scope, row)?
    } else {
        vec![]
    };
    if items.is_empty() {
        cancel(scope, &row.id)?;
        return Ok(Intent::Cancelled);
    }
    let sender = Sender::of(scope)?;
    let from = address(&sender.mail_from)?;
    let link = link(scope, row, &items)?;
    let digest = contents::digest(scope, &sender, row.local_day, &items, link)?;
    let rendered = digest.render();
    let mail_key = keys::mail_key(scope.conn, &scope.app.keys.master)?;
    let place = (scope.lg.as_str(), row.address.as_str(), row.local_day, row.sequence);
    let message_id = MessageId::of_day(&mail_key, place, &from);
    let bytes = compose(&Mail {
        from: Party {
            address: from.clone(),
            name: Some(sender.mail_from_name.clone()).filter(|name| !name.is_empty()),
        },
        to: Party {
            address: address(&row.address)?,
            name: None,
        },
        subject: rendered.subject.clone(),
        message_id: message_id.clone(),
        references: thread(&items)
            .map(|entry| MessageId::derive(&mail_key, &format!("t1|{}|{entry}", scope.lg), &from))
            .into_iter()
            .collect(),
        date: row.created_at.to_utc().with_timezone(&scope.zone).fixed_offset(),
        body: rendered.body,
    });
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    diesel::update(
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::id.eq_any(ids)),
    )
    .set((
        reminder_items::state.eq("fixed"),
        reminder_items::message_id.eq(Some(&row.id)),
        reminder_items::send_at.eq(None::<Instant>),
        reminder_items::updated_at.eq(scope.at),
    ))
    .execute(scope.conn)?;
    diesel::update(messages::table.find((&scope.lg, &row.id)))
        .set((
            messages::rfc_message_id.eq(Some(message_id.as_str())),
            messages::template.eq(Some("reminder")),
            messages::template_version.eq(Some(VERSION.to_string())),
            messages::subject.eq(Some(&rendered.subject)),
            messages::sealed_bytes.eq(Some(scope.app.keys.master.seal(&scope.app.random, PURPOSE, &bytes)?)),
            messages::master_key_id.eq(Some(scope.app.keys.master.id())),
            messages::body_sha256.eq(Some(sha256_hex(&bytes))),
        ))
        .execute(scope.conn)?;
    commit(scope, &row.id)?;
    Ok(Intent::Send(bytes))
}

/// Those whom these items are for: persons, and departments by their mailboxes, each once.
fn readers(items: &[Item]) -> Vec<Reader<'_>> {
    let mut readers: Vec<Reader<'_>> = vec![];
    for item in items {
        let person = item.person_id.as_deref().map(Reader::Person);
        let reader = person.or_else(|| item.department_id.as_deref().map(Reader::Mailbox));
        readers.extend(reader.filter(|reader| !readers.contains(reader)));
    }
    readers
}

/// Where the readers of these items answer: each has a link of their own. Where several read the address, the mail's link
/// is one more, which asks who they are.
fn link(scope: &mut Scope<'_>, row: &Row, items: &[Item]) -> Result<Option<Link>, ApiError> {
    let ids: BTreeSet<&str> = items.iter().map(|item| item.obligation_id.as_str()).collect();
    let due: Vec<NaiveDate> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(ids))
        .select(obligations::due_on)
        .load(scope.conn)?;
    let last_day = last_day(row.local_day, due);
    let new = |purpose, reader| NewLink {
        purpose,
        reader,
        by_person_id: None,
        about: None,
        message_id: Some(&row.id),
        last_day,
    };
    let readers = readers(items);
    let mut link = None;
    for reader in &readers {
        link = Some(links::make(scope, &new(LinkPurpose::Answer, Some(*reader)))?.1);
    }
    if readers.len() > 1 {
        link = Some(links::make(scope, &new(LinkPurpose::Choose, None))?.1);
    }
    Ok(link)
}

fn commit(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    let until = scope.at.plus_seconds(INTENT_SECONDS);
    diesel::update(messages::table.find((&scope.lg, id)))
        .set((
            messages::state.eq("committing"),
            messages::intent_at.eq(Some(scope.at)),
            messages::lease_until.eq(Some(until)),
            messages::next_at.eq(Some(until)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// The due items of an address, locked, whose cycles are still open; the others end here.
fn collect(scope: &mut Scope<'_>, row: &Row) -> Result<Vec<Item>, ApiError> {
    let items = due_items(scope, row)?;
    let ids: BTreeSet<&str> = items.iter().map(|item| item.obligation_id.as_str()).collect();
    let open: BTreeSet<(String, i32)> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(ids))
        .filter(obligations::state.eq("open"))
        .select((obligations::id, obligations::cycle))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let (items, ended): (Vec<Item>, Vec<Item>) = items
        .into_iter()
        .partition(|item| open.contains(&(item.obligation_id.clone(), item.cycle)));
    let ended: Vec<String> = ended.into_iter().map(|item| item.id).collect();
    diesel::update(
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::id.eq_any(ended)),
    )
    .set((
        reminder_items::state.eq("cancelled"),
        reminder_items::send_at.eq(None::<Instant>),
        reminder_items::updated_at.eq(scope.at),
    ))
    .execute(scope.conn)?;
    Ok(items)
}

/// The due items of a message's address, locked: for a digest or for what leaves at once.
pub(super) fn due_items(scope: &mut Scope<'_>, row: &Row) -> Result<Vec<Item>, ApiError> {
    let query = reminder_items::table
        .filter(reminder_items::send_at.le(Some(scope.at)))
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::address.eq(&row.address))
        .filter(reminder_items::immediate.eq(row.is_immediate()))
        .filter(reminder_items::state.eq("planned"))
        .order(reminder_items::id)
        .limit(MOST_ITEMS);
    Ok(locked!(&mut *scope.conn, query.select(Item::as_select()), |q, c| q.load(c))?)
}

/// The entry whose reminders mail clients show together, if the mail is about one.
pub(super) fn thread(items: &[Item]) -> Option<&str> {
    let first = items.first()?.entry_id.as_deref()?;
    items
        .iter()
        .all(|item| item.entry_id.as_deref() == Some(first))
        .then_some(first)
}

pub(super) fn address(text: &str) -> Result<Address, ApiError> {
    Address::parse(text).map_err(ApiError::internal)
}
