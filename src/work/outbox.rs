//! The outbox's rows and the first half of a message's life: waiting, claimed, given up for today.
//!
//! `queued → leased → committing → accepted | in_doubt | dead | cancelled | held`. Items are the queue: a message is
//! formed for an address when something is due for it, at most one digest per address and local day, and a unique key
//! says so. `next_at` is when a row needs somebody: the next attempt, the end of a lease, or when its bytes may go. A
//! lease is only a hint about speed; what makes a mail unique is the token, the intent ([`super::intent`]) and its
//! outcome ([`super::finish`]). Protocol: design §6 and §9 "Digest".

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde_json::json;

use super::bounces;
use super::faults::Faults;
use super::notice;
use crate::app::{App, Scope, Subject, Tenant};
use crate::clock::Instant;
use crate::db::schema::{local_governments, messages, obligations, reminder_items};
use crate::db::{locked, on_each_backend, on_tenant};
use crate::domain::calendar::Calendar;
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::keys;
use crate::mail::Address;
use crate::mail::compose::MessageId;
use crate::organizations;

/// The resource's name in the journal.
pub(super) const KIND: &str = "message";
/// How long a claim holds before the intent.
const LEASE_SECONDS: i64 = 120;
/// A resend begins no earlier than this after the intent: the slowest delivery has ended by then.
pub(super) const DOUBT_SECONDS: i64 = 15 * 60;
/// The sequence of the digest among the messages of an address and day; what leaves at once has those after it.
pub(super) const DIGEST: i32 = 1;
/// The kind of a message that carries no items and was written when it was queued ([`super::notice`]).
pub(super) const NOTICE: &str = "notice";
/// Items of one digest.
pub(super) const MOST_ITEMS: i64 = 500;

/// A message's row without its bytes.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub(super) struct Row {
    pub id: String,
    pub kind: String,
    pub address: String,
    pub local_day: NaiveDate,
    pub sequence: i32,
    pub state: String,
    pub lease_until: Option<Instant>,
    pub token: i64,
    pub attempts: i32,
    pub doubts: i32,
    pub intent_at: Option<Instant>,
    pub rfc_message_id: Option<String>,
    pub subject: Option<String>,
    pub template: Option<String>,
    pub created_at: Instant,
}

impl Row {
    /// It carries what leaves at once; the first message of an address and day is its digest.
    pub(super) const fn is_immediate(&self) -> bool {
        self.sequence > DIGEST
    }

    /// It asks about no items: nothing is collected for it, and nothing is passed on.
    pub(super) fn is_notice(&self) -> bool {
        self.kind == NOTICE
    }
}

/// How a tenant sends.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = local_governments)]
pub(super) struct Sender {
    pub id: String,
    pub sending_minute: i32,
    pub mails_per_minute: i32,
    pub mail_from: String,
    pub mail_from_name: String,
    pub contact: String,
    pub is_demo: bool,
}

impl Sender {
    /// The sender of a scope's tenant.
    pub(super) fn of(scope: &mut Scope<'_>) -> Result<Self, ApiError> {
        Ok(local_governments::table
            .find(&scope.lg)
            .select(Self::as_select())
            .first(scope.conn)?)
    }

    /// When a mail that is due now leaves: in office hours of a business day, or at once in a demonstration, which
    /// nobody waits a weekend for.
    pub(super) fn leaves_at(&self, scope: &Scope<'_>, calendar: &Calendar) -> Instant {
        if self.is_demo {
            return scope.at;
        }
        self.sending_time(calendar.on_or_after(scope.today), scope)
            .max(scope.at)
    }

    fn sending_time(&self, on: NaiveDate, scope: &Scope<'_>) -> Instant {
        Instant::of_local(on, u32::try_from(self.sending_minute).unwrap_or_default(), scope.zone)
    }
}

/// A message that this worker holds.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub id: String,
    pub token: i64,
    pub from: String,
    pub to: String,
}

/// What a look at the queue found.
#[derive(Debug)]
pub(super) enum Claim {
    /// Deliver this.
    Message(Claimed),
    /// A row moved on without a delivery: look again.
    Again,
    /// Nothing is due.
    Nothing,
}

/// Who claims, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimant<'w> {
    /// Name of this process.
    pub node: &'w str,
    /// Mail leaves the house; data of a demonstration must not.
    pub real: bool,
    /// The fault points.
    pub faults: &'w Faults,
}

/// Takes the next due message of a tenant, or forms one for the next due address.
///
/// # Errors
/// A database failure; then nothing is claimed.
pub(super) fn claim(app: &App, tenant: &Tenant, by: Claimant<'_>) -> Result<Claim, ApiError> {
    let claim = app.write_as(tenant, Actor::system(), |scope| {
        let sender = Sender::of(scope)?;
        let claim = match due_message(scope)? {
            Some(row) => take(scope, &sender, row, by)?,
            None => match form_immediate(scope, &sender, by)? {
                Claim::Nothing => form(scope, &sender, by)?,
                claim => claim,
            },
        };
        if !matches!(claim, Claim::Nothing) {
            by.faults.at("claim: before the commit")?;
        }
        Ok(claim)
    })?;
    if !matches!(claim, Claim::Nothing) {
        by.faults.at("claim: after the commit")?;
    }
    Ok(claim)
}

/// The message that has waited longest, locked: another replica takes the next.
fn due_message(scope: &mut Scope<'_>) -> Result<Option<Row>, ApiError> {
    let query = messages::table
        .filter(messages::next_at.le(Some(scope.at)))
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::state.eq_any(["queued", "leased", "committing", "in_doubt", "held"]))
        .order((messages::next_at, messages::id));
    Ok(locked!(skip &mut *scope.conn, query.select(Row::as_select()).limit(1), |q, c| q.load(c))?.pop())
}

fn take(scope: &mut Scope<'_>, sender: &Sender, row: Row, by: Claimant<'_>) -> Result<Claim, ApiError> {
    if row.state == "committing" {
        doubt(scope, &row, "the worker that sent it did not come back")?;
        return Ok(Claim::Again);
    }
    let over = match row.intent_at {
        _ if row.is_notice() => notice::is_over(&row, scope.at),
        // Its items are due again, in the digest of today.
        None => row.local_day < scope.today,
        // Everybody has answered since the refusal; what is in doubt is sent again all the same.
        Some(_) => row.doubts == 0 && !asks_for_anything(scope, &row.id)?,
    };
    if over {
        cancel(scope, &row.id)?;
        return Ok(Claim::Again);
    }
    if by.real && sender.is_demo {
        hold(scope, &row.id)?;
        return Ok(Claim::Again);
    }
    let lease_until = scope.at.plus_seconds(LEASE_SECONDS);
    diesel::update(messages::table.find((&scope.lg, &row.id)))
        .set((
            messages::state.eq("leased"),
            messages::token.eq(row.token + 1),
            messages::lease_owner.eq(Some(by.node)),
            messages::lease_until.eq(Some(lease_until)),
            messages::next_at.eq(Some(lease_until)),
        ))
        .execute(scope.conn)?;
    let from = match &row.rfc_message_id {
        Some(known) => bounces::return_address(scope.app, sender, known),
        None => sender_of_unwritten(scope, sender, &row.address, row.local_day, row.sequence)?,
    };
    Ok(Claim::Message(Claimed {
        id: row.id,
        token: row.token + 1,
        from,
        to: row.address,
    }))
}

/// The return address of a mail whose id follows from its place in the day, and is stored with the intent only.
fn sender_of_unwritten(
    scope: &mut Scope<'_>,
    sender: &Sender,
    address: &str,
    local_day: NaiveDate,
    sequence: i32,
) -> Result<String, ApiError> {
    let from = Address::parse(&sender.mail_from).ok();
    let Some(from) = from.filter(|_| scope.app.config.bounce_address.is_some()) else {
        return Ok(sender.mail_from.clone());
    };
    let mail_key = keys::mail_key(scope.conn, &scope.app.keys.master)?;
    let id = MessageId::of_day(&mail_key, (&scope.lg, address, local_day, sequence), &from);
    Ok(bounces::return_address(scope.app, sender, id.as_str()))
}

/// Forms today's digest of the next due address.
fn form(scope: &mut Scope<'_>, sender: &Sender, by: Claimant<'_>) -> Result<Claim, ApiError> {
    // Items that yesterday's digest did not carry wait for the hour, not for midnight.
    if !sender.is_demo && scope.at < sender.sending_time(scope.today, scope) {
        return Ok(Claim::Nothing);
    }
    let address: Option<String> = reminder_items::table
        .filter(reminder_items::immediate.eq(false))
        .filter(reminder_items::send_at.le(Some(scope.at)))
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::state.eq("planned"))
        .filter(not(exists(
            messages::table
                .filter(messages::local_government_id.eq(&scope.lg))
                .filter(messages::address.eq(reminder_items::address))
                .filter(messages::local_day.eq(scope.today))
                .filter(messages::sequence.eq(DIGEST)),
        )))
        .order((reminder_items::send_at, reminder_items::address))
        .select(reminder_items::address)
        .first(scope.conn)
        .optional()?;
    let Some(address) = address else {
        defer(scope, sender)?;
        return Ok(Claim::Nothing);
    };
    new_message(scope, sender, by, address, DIGEST)
}

/// Forms a message of its own, at any hour of any day, for the next address that something cannot wait for. While one
/// is on its way to the intent, what is due for its address joins it there.
fn form_immediate(scope: &mut Scope<'_>, sender: &Sender, by: Claimant<'_>) -> Result<Claim, ApiError> {
    let address: Option<String> = reminder_items::table
        .filter(reminder_items::immediate.eq(true))
        .filter(reminder_items::send_at.le(Some(scope.at)))
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::state.eq("planned"))
        .filter(not(exists(
            messages::table
                .filter(messages::local_government_id.eq(&scope.lg))
                .filter(messages::address.eq(reminder_items::address))
                .filter(messages::local_day.eq(scope.today))
                .filter(messages::sequence.gt(DIGEST))
                .filter(messages::kind.ne(NOTICE))
                .filter(messages::intent_at.is_null())
                .filter(messages::state.eq_any(["queued", "leased", "held"])),
        )))
        .order((reminder_items::send_at, reminder_items::address))
        .select(reminder_items::address)
        .first(scope.conn)
        .optional()?;
    let Some(address) = address else {
        return Ok(Claim::Nothing);
    };
    let last: Option<i32> = messages::table
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::address.eq(&address))
        .filter(messages::local_day.eq(scope.today))
        .select(diesel::dsl::max(messages::sequence))
        .first(scope.conn)?;
    new_message(scope, sender, by, address, last.unwrap_or(DIGEST).max(DIGEST) + 1)
}

fn new_message(
    scope: &mut Scope<'_>,
    sender: &Sender,
    by: Claimant<'_>,
    address: String,
    sequence: i32,
) -> Result<Claim, ApiError> {
    let id = scope.new_id();
    let held = by.real && sender.is_demo;
    let lease_until = scope.at.plus_seconds(LEASE_SECONDS);
    let refusals = refusals_so_far(scope, &address, sequence > DIGEST)?;
    let kind = if sequence > DIGEST { "immediate" } else { "digest" };
    let row = (
        messages::local_government_id.eq(&scope.lg),
        messages::id.eq(&id),
        messages::kind.eq(kind),
        messages::address.eq(&address),
        messages::local_day.eq(scope.today),
        messages::sequence.eq(sequence),
        messages::state.eq("leased"),
        messages::next_at.eq(Some(lease_until)),
        messages::lease_owner.eq(Some(by.node)),
        messages::lease_until.eq(Some(lease_until)),
        messages::token.eq(1),
        messages::attempts.eq(refusals),
        messages::doubts.eq(0),
        messages::resends.eq(0),
        messages::created_at.eq(scope.at),
    );
    let formed = on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(messages::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    if formed == 0 {
        // Another replica was faster.
        return Ok(Claim::Again);
    }
    if held {
        hold(scope, &id)?;
        return Ok(Claim::Again);
    }
    Ok(Claim::Message(Claimed {
        id,
        token: 1,
        from: sender_of_unwritten(scope, sender, &address, scope.today, sequence)?,
        to: address,
    }))
}

/// The refusals of the message of this sort before, if its day ended before anything was fixed: its items moved on, and so does the
/// count that ends in giving the address up.
fn refusals_so_far(scope: &mut Scope<'_>, address: &str, immediate: bool) -> Result<i32, ApiError> {
    let last: Option<(String, Option<Instant>, i32)> = messages::table
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::address.eq(address))
        .filter(messages::sequence.gt(DIGEST).eq(immediate))
        .filter(messages::kind.ne(NOTICE))
        .filter(messages::local_day.lt(scope.today))
        .order((messages::local_day.desc(), messages::sequence.desc()))
        .select((messages::state, messages::intent_at, messages::attempts))
        .first(scope.conn)
        .optional()?;
    Ok(match last {
        Some((state, None, attempts)) if state == "cancelled" || state == "queued" => attempts,
        _ => 0,
    })
}

/// Lets items wait for the next business day whose address has had its digest today.
fn defer(scope: &mut Scope<'_>, sender: &Sender) -> Result<(), ApiError> {
    let late: Vec<(String, String)> = reminder_items::table
        .filter(reminder_items::immediate.eq(false))
        .filter(reminder_items::send_at.le(Some(scope.at)))
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::state.eq("planned"))
        .filter(exists(
            messages::table
                .filter(messages::local_government_id.eq(&scope.lg))
                .filter(messages::address.eq(reminder_items::address))
                .filter(messages::local_day.eq(scope.today))
                .filter(messages::sequence.eq(DIGEST))
                .filter(messages::intent_at.is_not_null().or(messages::state.eq_any([
                    "accepted",
                    "dead",
                    "cancelled",
                    "held",
                ]))),
        ))
        .limit(2 * MOST_ITEMS)
        .select((reminder_items::organization_id, reminder_items::id))
        .load(scope.conn)?;
    let mut by_organization: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (organization, id) in late {
        by_organization.entry(organization).or_default().push(id);
    }
    let tomorrow = scope.today.checked_add_days(Days::new(1)).unwrap_or(scope.today);
    for (organization, ids) in by_organization {
        let day = organizations::row(scope, &organization)?
            .calendar(scope.app)?
            .on_or_after(tomorrow);
        let send_at = sender.sending_time(day, scope);
        diesel::update(
            reminder_items::table
                .filter(reminder_items::local_government_id.eq(&scope.lg))
                .filter(reminder_items::id.eq_any(ids))
                .filter(reminder_items::state.eq("planned")),
        )
        .set((
            reminder_items::send_at.eq(Some(send_at)),
            reminder_items::updated_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    }
    Ok(())
}

/// Whether a cycle that a fixed message asks about is still open.
fn asks_for_anything(scope: &mut Scope<'_>, message_id: &str) -> Result<bool, ApiError> {
    let open: Option<String> = reminder_items::table
        .inner_join(obligations::table.on(on_tenant!(reminder_items.obligation_id = obligations.id)))
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::message_id.eq(Some(message_id)))
        .filter(reminder_items::state.eq("fixed"))
        .filter(obligations::state.eq("open"))
        .filter(obligations::cycle.eq(reminder_items::cycle))
        .select(reminder_items::id)
        .first(scope.conn)
        .optional()?;
    Ok(open.is_some())
}

/// Ends a message that never left; what was fixed in it is not asked any more.
pub(super) fn cancel(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(messages::table.find((&scope.lg, id)))
        .set((
            messages::state.eq("cancelled"),
            messages::next_at.eq(None::<Instant>),
            messages::lease_owner.eq(None::<String>),
            messages::lease_until.eq(None::<Instant>),
            messages::sealed_bytes.eq(None::<Vec<u8>>),
            messages::done_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    set_fixed_items(scope, id, "cancelled")
}

/// Keeps a demonstration's message from leaving the house. It is cancelled when its day is over.
fn hold(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    tracing::warn!(
        message_id = id,
        "held: data of a demonstration is only written to files"
    );
    let tomorrow = scope.today.checked_add_days(Days::new(1)).unwrap_or(scope.today);
    diesel::update(messages::table.find((&scope.lg, id)))
        .set((
            messages::state.eq("held"),
            messages::next_at.eq(Some(Instant::of_local(tomorrow, 0, scope.zone))),
            messages::lease_owner.eq(None::<String>),
            messages::lease_until.eq(None::<Instant>),
            messages::last_error.eq(Some("data of a demonstration is only written to files")),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Nobody knows whether the relay has it: recorded, and repeated with the same bytes when the attempt is surely over.
pub(super) fn doubt(scope: &mut Scope<'_>, row: &Row, why: &str) -> Result<(), ApiError> {
    let again = row
        .intent_at
        .unwrap_or(scope.at)
        .plus_seconds(DOUBT_SECONDS)
        .max(scope.at);
    diesel::update(messages::table.find((&scope.lg, &row.id)))
        .set((
            messages::state.eq("in_doubt"),
            messages::doubts.eq(messages::doubts + 1),
            messages::next_at.eq(Some(again)),
            messages::last_error.eq(Some(why)),
        ))
        .execute(scope.conn)?;
    tracing::warn!(message_id = row.id, "a message is in doubt and will be repeated");
    let payload = json!({"address": row.address, "rfc_message_id": row.rfc_message_id, "reason": why});
    scope.record("message.in_doubt", Subject::of(KIND, &row.id), payload);
    Ok(())
}

/// Moves the items that a message fixed.
pub(super) fn set_fixed_items(scope: &mut Scope<'_>, message_id: &str, state: &'static str) -> Result<(), ApiError> {
    diesel::update(
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::message_id.eq(Some(message_id)))
            .filter(reminder_items::state.eq("fixed")),
    )
    .set((reminder_items::state.eq(state), reminder_items::updated_at.eq(scope.at)))
    .execute(scope.conn)?;
    Ok(())
}

/// The row of a message while this worker's token still holds it, locked; `None`: it went to somebody else.
pub(super) fn held_by(
    scope: &mut Scope<'_>,
    claimed: &Claimed,
    states: &[&'static str],
) -> Result<Option<Row>, ApiError> {
    let query = messages::table.find((&scope.lg, &claimed.id));
    let row: Row = locked!(&mut *scope.conn, query.select(Row::as_select()), |q, c| q.first(c))?;
    let mine = row.token == claimed.token && states.contains(&row.state.as_str());
    Ok(mine.then_some(row))
}
