//! Notices: mails that are no reminders — a receipt, a question to somebody. They go through the outbox like all mails.
//!
//! A notice is written when its cause is: bytes and Message-ID are fixed and committed with it, so what the reader is
//! told is what was so at that moment. It leaves at once, carries no items, and is tried as long as any other mail.

use diesel::prelude::*;

use super::outbox::{DIGEST, NOTICE, Sender};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::on_each_backend;
use crate::db::schema::messages;
use crate::http::error::ApiError;
use crate::journal::sha256_hex;
use crate::keys;
use crate::mail::Address;
use crate::mail::compose::{Mail, MessageId, Party, compose};
use crate::mail::templates::{Rendered, VERSION};

/// What the bytes are sealed for, as those of every message.
pub(super) const PURPOSE: &str = "message";
/// How often a place in the day's order is tried, while others take the same.
const TRIES: usize = 8;

/// A mail that is to be sent.
#[derive(Debug)]
pub(crate) struct Notice<'n> {
    /// Where it goes.
    pub address: &'n str,
    /// The name of its template.
    pub template: &'static str,
    /// What it says.
    pub rendered: Rendered,
    /// The entry that it is about, with whose reminders mail clients show it.
    pub entry_id: Option<&'n str>,
}

/// Queues a notice and answers the message's id.
///
/// # Errors
/// An address that cannot be written to, or a database failure.
pub(crate) fn post(scope: &mut Scope<'_>, notice: &Notice<'_>) -> Result<String, ApiError> {
    let sender = Sender::of(scope)?;
    let from = Address::parse(&sender.mail_from).map_err(ApiError::internal)?;
    let to = Address::parse(notice.address).map_err(ApiError::internal)?;
    let mail_key = keys::mail_key(scope.conn, &scope.app.keys.master)?;
    let thread = notice
        .entry_id
        .map(|entry| MessageId::derive(&mail_key, &format!("t1|{}|{entry}", scope.lg), &from));
    for _ in 0..TRIES {
        let last: Option<i32> = messages::table
            .filter(messages::local_government_id.eq(&scope.lg))
            .filter(messages::address.eq(notice.address))
            .filter(messages::local_day.eq(scope.today))
            .select(diesel::dsl::max(messages::sequence))
            .first(scope.conn)?;
        let sequence = last.unwrap_or(DIGEST).max(DIGEST) + 1;
        let key = format!("m1|{}|{}|{}|{sequence}", scope.lg, notice.address, scope.today);
        let message_id = MessageId::derive(&mail_key, &key, &from);
        let bytes = compose(&Mail {
            from: Party {
                address: from.clone(),
                name: Some(sender.mail_from_name.clone()).filter(|name| !name.is_empty()),
            },
            to: Party {
                address: to.clone(),
                name: None,
            },
            subject: notice.rendered.subject.clone(),
            message_id: message_id.clone(),
            references: thread.clone().into_iter().collect(),
            date: scope.at.to_utc().with_timezone(&scope.zone).fixed_offset(),
            body: notice.rendered.body.clone(),
        });
        let id = scope.new_id();
        let row = (
            (
                messages::local_government_id.eq(&scope.lg),
                messages::id.eq(&id),
                messages::kind.eq(NOTICE),
                messages::address.eq(notice.address),
                messages::local_day.eq(scope.today),
                messages::sequence.eq(sequence),
                messages::state.eq("queued"),
                messages::next_at.eq(Some(scope.at)),
                messages::lease_until.eq(None::<Instant>),
                messages::token.eq(0),
            ),
            (
                messages::attempts.eq(0),
                messages::doubts.eq(0),
                messages::resends.eq(0),
                messages::rfc_message_id.eq(Some(message_id.as_str())),
                messages::template.eq(Some(notice.template)),
                messages::template_version.eq(Some(VERSION.to_string())),
                messages::subject.eq(Some(&notice.rendered.subject)),
                messages::sealed_bytes.eq(Some(scope.app.keys.master.seal(&scope.app.random, PURPOSE, &bytes)?)),
                messages::master_key_id.eq(Some(scope.app.keys.master.id())),
                messages::body_sha256.eq(Some(sha256_hex(&bytes))),
                messages::created_at.eq(scope.at),
            ),
        );
        let queued = on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(messages::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn))?;
        if queued == 1 {
            return Ok(id);
        }
    }
    Err(ApiError::internal("no place in the day's order is free"))
}
