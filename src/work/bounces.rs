//! Mails that came back after the relay had taken them: what they carried goes to the next contact, as if it had been
//! refused at once, and an address that does not exist any more is not written to again.
//!
//! What a mail that came back says is read by [`crate::mail::bounce`]; who brings it is the mail system, through
//! `kakunin bounce`. A second report about the same mail changes nothing.

use diesel::prelude::*;
use serde_json::json;

use super::finish::pass_on;
use super::intent::Item;
use super::outbox::{KIND, Row, Sender};
use super::standing::tenants;
use crate::app::{App, Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{bounced_addresses, messages, reminder_items};
use crate::db::{locked, on_each_backend};
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::mail::bounce::{self, Bounce, Verdict};
use crate::mail::compose::MessageId;

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The mail is marked, and what it carried went to so many others.
    PassedOn(usize),
    /// It was marked before.
    Before,
    /// It is still tried, or has arrived: nothing to do.
    Passing,
    /// No report of a delivery.
    NoReport,
    /// About no mail of ours.
    Unknown,
}

/// The address that a mail is sent from, so that it comes back to where it is recognised; the sender without a mailbox
/// for that.
pub(super) fn return_address(app: &App, sender: &Sender, rfc_message_id: &str) -> String {
    match (&app.config.bounce_address, MessageId::code(rfc_message_id)) {
        (Some(mailbox), Some(code)) => bounce::return_address(mailbox, code),
        _ => sender.mail_from.clone(),
    }
}

/// Takes a report.
///
/// # Errors
/// A database failure; then the mail system should bring it again.
pub fn take(app: &App, report: &Bounce) -> Result<Taken, ApiError> {
    let status = match &report.verdict {
        Verdict::Permanent(status) => status,
        Verdict::Passing => return Ok(Taken::Passing),
        Verdict::NoReport => return Ok(Taken::NoReport),
    };
    let Some(mark) = &report.mark else {
        return Ok(Taken::Unknown);
    };
    for tenant in tenants(app)? {
        let taken = app.write_as(&tenant, Actor::system(), |scope| {
            let Some((row, before)) = marked(scope, mark)? else {
                return Ok(None);
            };
            if before.is_some() {
                return Ok(Some(Taken::Before));
            }
            bounced(scope, &row, status, report.verdict.address_is_gone()).map(|told| Some(Taken::PassedOn(told)))
        })?;
        if let Some(taken) = taken {
            return Ok(taken);
        }
    }
    Ok(Taken::Unknown)
}

/// The mail with this mark, locked, and whether it came back before.
fn marked(scope: &mut Scope<'_>, mark: &str) -> Result<Option<(Row, Option<Instant>)>, ApiError> {
    let query = messages::table
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::rfc_message_id.like(format!("<r1.{mark}@%")))
        .limit(1);
    // Selected within, because what a row is differs between the two databases.
    let found = locked!(
        &mut *scope.conn,
        query.select((Row::as_select(), messages::bounced_at)),
        |q, c| q.load(c)
    )?;
    Ok(found.into_iter().next())
}

fn bounced(scope: &mut Scope<'_>, row: &Row, status: &str, address_is_gone: bool) -> Result<usize, ApiError> {
    diesel::update(messages::table.find((&scope.lg, &row.id)))
        .set((
            messages::bounced_at.eq(Some(scope.at)),
            messages::bounce_status.eq(Some(status)),
        ))
        .execute(scope.conn)?;
    if address_is_gone {
        let new = (
            bounced_addresses::local_government_id.eq(&scope.lg),
            bounced_addresses::address.eq(&row.address),
            bounced_addresses::status.eq(status),
            bounced_addresses::message_id.eq(&row.id),
            bounced_addresses::bounced_at.eq(scope.at),
        );
        on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(bounced_addresses::table)
            .values(new)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    let items: Vec<Item> = reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::message_id.eq(Some(&row.id)))
        .filter(reminder_items::state.eq("sent"))
        .order(reminder_items::id)
        .select(Item::as_select())
        .load(scope.conn)?;
    let told = pass_on(scope, row, &items)?;
    tracing::warn!(
        message_id = row.id,
        status,
        items = items.len(),
        passed_on = told.len(),
        "a mail came back"
    );
    let payload = json!({"address": row.address, "subject": row.subject, "rfc_message_id": row.rfc_message_id,
        "status": status, "address_is_gone": address_is_gone, "passed_on_to": &told});
    scope.record("message.bounced", Subject::of(KIND, &row.id), payload);
    Ok(told.len())
}

/// Lets mails go to an address again, in every local government; answers in how many it had been given up.
///
/// # Errors
/// A database failure.
pub fn forget(app: &App, address: &str) -> Result<usize, ApiError> {
    let mut forgotten = 0;
    for tenant in tenants(app)? {
        forgotten += app.write_as(&tenant, Actor::system(), |scope| {
            let gone = diesel::delete(bounced_addresses::table.find((&scope.lg, address))).execute(scope.conn)?;
            if gone > 0 {
                let lg = scope.lg.clone();
                let subject = Subject::of("local_government", &lg);
                scope.record("bounced_address.forgotten", subject, json!({"address": address}));
            }
            Ok(gone)
        })?;
    }
    Ok(forgotten)
}
