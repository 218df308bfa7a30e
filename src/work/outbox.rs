//! The outbox: every statement about messages and their items, and the protocol they follow.
//!
//! `queued → leased → committing → accepted | in_doubt | dead | cancelled | held`. The intent (`committing`, the fixed
//! bytes, the fixed items) is committed before the final dot: everything before it may be repeated, after it the
//! message counts as in doubt until the relay's word is stored (reliability protocol §3.3, design §6 and §9).

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{local_governments, message_attempts, messages, obligations, reminder_items};
use crate::db::types::Word;
use crate::db::{Conn, on_each_backend, on_tenant};
use crate::domain::vocabulary::{ObligationKind, Role};
use crate::http::error::ApiError;
use crate::journal::sha256_hex;
use crate::mail::Refusal;

/// A lease before the intent, in seconds.
const LEASE: i64 = 120;
/// A lease from the intent on: longer than the longest final dot.
const INTENT_LEASE: i64 = 12 * 60;
/// A message in doubt is sent again this long after its intent at the earliest.
const RESEND_AFTER: i64 = 15 * 60;
/// Given up after five days (RFC 5321 §4.5.4.1).
const GIVE_UP_AFTER: i64 = 5 * 24 * 3600;
/// Minutes between attempts; the last one goes on.
const BACKOFF: [i64; 8] = [1, 2, 4, 8, 15, 30, 60, 240];

/// The instant at which mails of a day leave.
pub(crate) fn send_at(on: NaiveDate, sending_minute: i32, zone: Tz) -> Instant {
    Instant::of_local(on, u32::try_from(sending_minute).unwrap_or(0), zone)
}

/// A message that this worker holds.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub(crate) struct Held {
    pub id: String,
    pub address: String,
    pub local_day: NaiveDate,
    pub sequence: i32,
    pub token: i64,
    pub attempts: i32,
    pub sealed_bytes: Option<Vec<u8>>,
    pub created_at: Instant,
}

/// An item on its way into a message.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = reminder_items)]
pub(crate) struct ItemRow {
    pub id: String,
    pub obligation_id: String,
    pub cycle: i32,
    pub stage: String,
    pub recipient: String,
    pub person_id: Option<String>,
    pub department_id: Option<String>,
    pub role: Word<Role>,
    pub organization_id: String,
    pub entry_id: Option<String>,
}

/// What an item is about.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = obligations)]
pub(crate) struct ItemObligation {
    pub id: String,
    pub kind: Word<ObligationKind>,
    pub due_on: NaiveDate,
    pub known_cycle_days: Option<i64>,
    pub severe: bool,
}

/// Lets leases that ran out go: a leased message was not sent, a committed one is in doubt.
pub(crate) fn expire(scope: &mut Scope<'_>) -> Result<(), ApiError> {
    let mine = |state: &'static str| {
        messages::table
            .filter(messages::next_at.le(Some(scope.at)))
            .filter(messages::local_government_id.eq(scope.lg.clone()))
            .filter(messages::state.eq(state))
    };
    let (leased, committing) = (mine("leased"), mine("committing"));
    diesel::update(leased)
        .set(messages::state.eq("queued"))
        .execute(scope.conn)?;
    let lost: Vec<(String, Option<Instant>)> = committing
        .select((messages::id, messages::intent_at))
        .load(scope.conn)?;
    for (id, intent_at) in lost {
        let next = intent_at.unwrap_or(scope.at).plus_seconds(RESEND_AFTER);
        diesel::update(messages::table.find((&scope.lg, &id)))
            .filter(messages::state.eq("committing"))
            .set((
                messages::state.eq("in_doubt"),
                messages::doubts.eq(messages::doubts + 1),
                messages::next_at.eq(Some(next)),
                messages::last_error.eq(Some("the process ended after the intent")),
            ))
            .execute(scope.conn)?;
        scope.record(
            "message.in_doubt",
            Subject::of("message", &id),
            json!({"why": "lease expired"}),
        );
    }
    Ok(())
}

/// Takes the next message that is ready, or forms the digest of the next address; `None`: nothing is due.
pub(crate) fn take(scope: &mut Scope<'_>, node: &str) -> Result<Option<Held>, ApiError> {
    expire(scope)?;
    let ready = messages::table
        .filter(messages::next_at.le(Some(scope.at)))
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::state.eq_any(["queued", "in_doubt"]))
        .order((messages::next_at, messages::id))
        .limit(1)
        .select((messages::id, messages::state));
    let found: Option<(String, String)> = match &mut *scope.conn {
        Conn::Sqlite(conn) => ready.first(conn).optional()?,
        Conn::Postgres(conn) => ready.for_update().skip_locked().first(conn).optional()?,
    };
    let id = match found {
        Some((id, state)) => {
            let again = i32::from(state == "in_doubt");
            lease(scope, &id, node, again)?;
            id
        }
        None => match form(scope, node)? {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    Ok(Some(
        messages::table
            .find((&scope.lg, &id))
            .select(Held::as_select())
            .first(scope.conn)?,
    ))
}

fn lease(scope: &mut Scope<'_>, id: &str, node: &str, again: i32) -> Result<(), ApiError> {
    let until = scope.at.plus_seconds(LEASE);
    diesel::update(messages::table.find((&scope.lg, id)))
        .set((
            messages::state.eq("leased"),
            messages::lease_owner.eq(Some(node)),
            messages::lease_until.eq(Some(until)),
            messages::next_at.eq(Some(until)),
            messages::token.eq(messages::token + 1),
            messages::resends.eq(messages::resends + again),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Forms today's digest of the address that has waited longest. One mail per address per day: when today's is out
/// already, what came later waits for tomorrow.
fn form(scope: &mut Scope<'_>, node: &str) -> Result<Option<String>, ApiError> {
    loop {
        let address: Option<String> = reminder_items::table
            .filter(reminder_items::send_at.le(Some(scope.at)))
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::state.eq("planned"))
            .order((reminder_items::send_at, reminder_items::address))
            .select(reminder_items::address)
            .first(scope.conn)
            .optional()?;
        let Some(address) = address else { return Ok(None) };
        let id = scope.new_id();
        let until = scope.at.plus_seconds(LEASE);
        let values = (
            (
                messages::local_government_id.eq(&scope.lg),
                messages::id.eq(&id),
                messages::kind.eq("digest"),
                messages::address.eq(&address),
                messages::local_day.eq(scope.today),
                messages::sequence.eq(1),
                messages::state.eq("leased"),
                messages::next_at.eq(Some(until)),
                messages::lease_owner.eq(Some(node)),
                messages::lease_until.eq(Some(until)),
            ),
            (
                messages::token.eq(1_i64),
                messages::attempts.eq(0),
                messages::doubts.eq(0),
                messages::resends.eq(0),
                messages::created_at.eq(scope.at),
            ),
        );
        let made = on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(messages::table)
            .values(values)
            .on_conflict((
                messages::local_government_id,
                messages::address,
                messages::local_day,
                messages::sequence
            ))
            .do_nothing()
            .execute(c))?;
        if made == 1 {
            return Ok(Some(id));
        }
        let waiting: Option<Option<Instant>> = messages::table
            .filter(messages::local_government_id.eq(&scope.lg))
            .filter(messages::address.eq(&address))
            .filter(messages::local_day.eq(scope.today))
            .filter(messages::sequence.eq(1))
            .filter(messages::sealed_bytes.is_null())
            .filter(messages::state.eq_any(["queued", "leased"]))
            .select(messages::next_at)
            .first(scope.conn)
            .optional()?;
        put_off(scope, &address, waiting.flatten())?;
    }
}

/// Today's digest of this address exists: what is due joins it while it waits for its first intent (`waiting`: until
/// when), and otherwise waits for the next day's sending hour.
fn put_off(scope: &mut Scope<'_>, address: &str, waiting: Option<Instant>) -> Result<(), ApiError> {
    let minute: i32 = local_governments::table
        .find(&scope.lg)
        .select(local_governments::sending_minute)
        .first(scope.conn)?;
    let tomorrow = send_at(scope.today.succ_opt().unwrap_or(scope.today), minute, scope.zone);
    diesel::update(
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::address.eq(address))
            .filter(reminder_items::state.eq("planned"))
            .filter(reminder_items::send_at.le(Some(scope.at))),
    )
    .set(reminder_items::send_at.eq(Some(waiting.unwrap_or(tomorrow))))
    .execute(scope.conn)?;
    Ok(())
}

/// The items of a message's first intent: all that are due for the address and still open; what was answered meanwhile
/// is cancelled.
pub(crate) fn collect(scope: &mut Scope<'_>, held: &Held) -> Result<Vec<(ItemRow, ItemObligation)>, ApiError> {
    let rows: Vec<(ItemRow, ItemObligation, i32, String)> = reminder_items::table
        .inner_join(obligations::table.on(on_tenant!(reminder_items.obligation_id = obligations.id)))
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::address.eq(&held.address))
        .filter(reminder_items::state.eq("planned"))
        .filter(reminder_items::planned_on.le(scope.today))
        .order((obligations::due_on, reminder_items::id))
        .select((
            ItemRow::as_select(),
            ItemObligation::as_select(),
            obligations::cycle,
            obligations::state,
        ))
        .load(scope.conn)?;
    let mut kept = vec![];
    for (item, obligation, cycle, state) in rows {
        if state == "open" && cycle == item.cycle {
            kept.push((item, obligation));
        } else {
            set_item(scope, &item.id, "cancelled", None)?;
        }
    }
    Ok(kept)
}

fn set_item(scope: &mut Scope<'_>, id: &str, state: &'static str, message_id: Option<&str>) -> Result<(), ApiError> {
    diesel::update(reminder_items::table.find((&scope.lg, id)))
        .set((
            reminder_items::state.eq(state),
            reminder_items::send_at.eq(None::<Instant>),
            reminder_items::message_id.eq(message_id),
            reminder_items::updated_at.eq(scope.at),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Whether this worker still holds the message.
pub(crate) fn holds(scope: &mut Scope<'_>, held: &Held) -> Result<bool, ApiError> {
    let mine = messages::table
        .find((&scope.lg, &held.id))
        .filter(messages::token.eq(held.token))
        .filter(messages::state.eq("leased"))
        .filter(messages::lease_until.gt(Some(scope.at)))
        .select(messages::id);
    let found: Option<String> = match &mut *scope.conn {
        Conn::Sqlite(conn) => mine.first(conn).optional()?,
        Conn::Postgres(conn) => mine.for_update().first(conn).optional()?,
    };
    Ok(found.is_some())
}

/// The fixed form of a message.
pub(crate) struct Fixed<'a> {
    pub bytes: &'a [u8],
    pub subject: &'a str,
    pub message_id: &'a str,
    pub template_version: String,
}

/// Fixes bytes and items: from here on the message only ever leaves in these bytes.
pub(crate) fn fix(scope: &mut Scope<'_>, held: &Held, fixed: &Fixed<'_>, items: &[ItemRow]) -> Result<(), ApiError> {
    let app = scope.app;
    let sealed = app.keys.master.seal(&app.random, "message", fixed.bytes)?;
    diesel::update(messages::table.find((&scope.lg, &held.id)))
        .set((
            messages::sealed_bytes.eq(Some(sealed)),
            messages::master_key_id.eq(Some(app.keys.master.id())),
            messages::body_sha256.eq(Some(sha256_hex(fixed.bytes))),
            messages::rfc_message_id.eq(Some(fixed.message_id)),
            messages::subject.eq(Some(fixed.subject)),
            messages::template.eq(Some("digest")),
            messages::template_version.eq(Some(&fixed.template_version)),
        ))
        .execute(scope.conn)?;
    for item in items {
        set_item(scope, &item.id, "fixed", Some(&held.id))?;
    }
    Ok(())
}

/// The intent itself.
pub(crate) fn intend(scope: &mut Scope<'_>, held: &Held) -> Result<(), ApiError> {
    let until = scope.at.plus_seconds(INTENT_LEASE);
    diesel::update(messages::table.find((&scope.lg, &held.id)))
        .set((
            messages::state.eq("committing"),
            messages::intent_at.eq(Some(scope.at)),
            messages::lease_until.eq(Some(until)),
            messages::next_at.eq(Some(until)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Ends a message before anything was sent: empty, or of a day that is over. Its items move on by themselves.
pub(crate) fn cancel(scope: &mut Scope<'_>, held: &Held) -> Result<(), ApiError> {
    end(scope, held, "cancelled", None)
}

/// Holds a message back until an operator looks.
pub(crate) fn hold(scope: &mut Scope<'_>, held: &Held, why: &str) -> Result<(), ApiError> {
    scope.record("message.held", Subject::of("message", &held.id), json!({"why": why}));
    end(scope, held, "held", Some(why))
}

fn end(scope: &mut Scope<'_>, held: &Held, state: &'static str, why: Option<&str>) -> Result<(), ApiError> {
    diesel::update(messages::table.find((&scope.lg, &held.id)))
        .filter(messages::token.eq(held.token))
        .set((
            messages::state.eq(state),
            messages::next_at.eq(None::<Instant>),
            messages::lease_until.eq(None::<Instant>),
            messages::last_error.eq(why),
            messages::done_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// The relay has the message.
pub(crate) fn accepted(scope: &mut Scope<'_>, held: &Held, remote_ref: &str) -> Result<bool, ApiError> {
    let changed = diesel::update(messages::table.find((&scope.lg, &held.id)))
        .filter(messages::token.eq(held.token))
        .filter(messages::state.eq_any(["committing", "in_doubt"]))
        .set((
            messages::state.eq("accepted"),
            messages::remote_ref.eq(Some(remote_ref)),
            messages::next_at.eq(None::<Instant>),
            messages::lease_until.eq(None::<Instant>),
            messages::done_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    if changed == 0 {
        return Ok(false);
    }
    diesel::update(
        reminder_items::table
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::message_id.eq(Some(&held.id)))
            .filter(reminder_items::state.eq("fixed")),
    )
    .set((
        reminder_items::state.eq("sent"),
        reminder_items::updated_at.eq(scope.at),
    ))
    .execute(scope.conn)?;
    attempt(scope, held, "dot", Some(250), None)?;
    scope.record(
        "message.accepted",
        Subject::of("message", &held.id),
        json!({"remote_ref": remote_ref}),
    );
    Ok(true)
}

/// Nobody knows whether the relay has it.
pub(crate) fn in_doubt(scope: &mut Scope<'_>, held: &Held, phase: &str, text: &str) -> Result<(), ApiError> {
    let next = scope.at.plus_seconds(RESEND_AFTER);
    let changed = diesel::update(messages::table.find((&scope.lg, &held.id)))
        .filter(messages::token.eq(held.token))
        .filter(messages::state.eq("committing"))
        .set((
            messages::state.eq("in_doubt"),
            messages::doubts.eq(messages::doubts + 1),
            messages::next_at.eq(Some(next)),
            messages::lease_until.eq(None::<Instant>),
            messages::last_error.eq(Some(text)),
        ))
        .execute(scope.conn)?;
    if changed == 1 {
        attempt(scope, held, phase, None, Some(text))?;
        scope.record(
            "message.in_doubt",
            Subject::of("message", &held.id),
            json!({"phase": phase, "text": text}),
        );
    }
    Ok(())
}

/// The relay certainly does not have it: again later, or given up. Answers whether it was given up.
pub(crate) fn refused(scope: &mut Scope<'_>, held: &Held, refusal: &Refusal) -> Result<bool, ApiError> {
    let phase = refusal.phase.to_string();
    attempt(scope, held, &phase, refusal.code.map(i32::from), Some(&refusal.text))?;
    let old = scope.at.unix_seconds() - held.created_at.unix_seconds() > GIVE_UP_AFTER;
    if refusal.permanent || old {
        scope.record(
            "message.dead",
            Subject::of("message", &held.id),
            json!({"phase": phase, "code": refusal.code}),
        );
        end(scope, held, "dead", Some(&refusal.text))?;
        return Ok(true);
    }
    let counted = i32::from(!refusal.relay_wide);
    let step = usize::try_from(held.attempts).unwrap_or(0).min(BACKOFF.len() - 1);
    let minutes = if refusal.relay_wide {
        1
    } else {
        BACKOFF.get(step).copied().unwrap_or(240)
    };
    // ±20 %, so that a relay that comes back is not met by everybody at once.
    let [jitter] = scope.app.random.bytes::<1>();
    let seconds = minutes * 60 * (80 + i64::from(jitter) * 40 / 255) / 100;
    diesel::update(messages::table.find((&scope.lg, &held.id)))
        .filter(messages::token.eq(held.token))
        .set((
            messages::state.eq("queued"),
            messages::attempts.eq(messages::attempts + counted),
            messages::next_at.eq(Some(scope.at.plus_seconds(seconds))),
            messages::lease_until.eq(None::<Instant>),
            messages::last_error.eq(Some(&refusal.text)),
        ))
        .execute(scope.conn)?;
    Ok(false)
}

/// The items that a dead message leaves without a reader: those fixed to it, or due for its address.
pub(crate) fn orphans(scope: &mut Scope<'_>, held: &Held) -> Result<Vec<ItemRow>, ApiError> {
    let fixed: Vec<ItemRow> = reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::message_id.eq(Some(&held.id)))
        .filter(reminder_items::state.eq("fixed"))
        .select(ItemRow::as_select())
        .load(scope.conn)?;
    if !fixed.is_empty() {
        return Ok(fixed);
    }
    Ok(reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::address.eq(&held.address))
        .filter(reminder_items::state.eq("planned"))
        .filter(reminder_items::planned_on.le(scope.today))
        .select(ItemRow::as_select())
        .load(scope.conn)?)
}

/// Gives an orphaned item to another contact; the old one is cancelled.
pub(crate) fn hand_on(
    scope: &mut Scope<'_>,
    item: &ItemRow,
    to: Option<(Role, crate::people::holders::Contact)>,
) -> Result<(), ApiError> {
    use crate::domain::vocabulary::CodeWord;
    set_item(scope, &item.id, "cancelled", None)?;
    let Some((role, contact)) = to else { return Ok(()) };
    let values = (
        (
            reminder_items::local_government_id.eq(&scope.lg),
            reminder_items::id.eq(scope.new_id()),
            reminder_items::obligation_id.eq(&item.obligation_id),
            reminder_items::cycle.eq(item.cycle),
            reminder_items::stage.eq(&item.stage),
            reminder_items::recipient.eq(&contact.key),
            reminder_items::person_id.eq(&contact.person_id),
            reminder_items::department_id.eq(&contact.department_id),
            reminder_items::address.eq(&contact.address),
        ),
        (
            reminder_items::role.eq(role.code()),
            reminder_items::organization_id.eq(&item.organization_id),
            reminder_items::entry_id.eq(&item.entry_id),
            reminder_items::planned_on.eq(scope.today),
            reminder_items::send_at.eq(Some(scope.at)),
            reminder_items::state.eq("planned"),
            reminder_items::created_at.eq(scope.at),
            reminder_items::updated_at.eq(scope.at),
        ),
    );
    on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(reminder_items::table)
        .values(values)
        .on_conflict((
            reminder_items::local_government_id,
            reminder_items::obligation_id,
            reminder_items::cycle,
            reminder_items::stage,
            reminder_items::recipient
        ))
        .do_nothing()
        .execute(c))?;
    Ok(())
}

fn attempt(
    scope: &mut Scope<'_>,
    held: &Held,
    phase: &str,
    code: Option<i32>,
    text: Option<&str>,
) -> Result<(), ApiError> {
    let last: Option<i32> = message_attempts::table
        .filter(message_attempts::local_government_id.eq(&scope.lg))
        .filter(message_attempts::message_id.eq(&held.id))
        .select(diesel::dsl::max(message_attempts::number))
        .first(scope.conn)?;
    let node: Option<String> = messages::table
        .find((&scope.lg, &held.id))
        .select(messages::lease_owner)
        .first(scope.conn)?;
    diesel::insert_into(message_attempts::table)
        .values((
            message_attempts::local_government_id.eq(&scope.lg),
            message_attempts::message_id.eq(&held.id),
            message_attempts::number.eq(last.unwrap_or(0) + 1),
            message_attempts::node.eq(node.unwrap_or_default()),
            message_attempts::phase.eq(phase),
            message_attempts::code.eq(code),
            message_attempts::text.eq(text),
            message_attempts::started_at.eq(scope.at),
            message_attempts::ended_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    Ok(())
}
