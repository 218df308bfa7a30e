//! A mail that is no reminder: written as a whole in the transaction that causes it, and then sent like any other
//! message, with the same attempts, doubts and outcome ([`super::dispatch`]).
//!
//! It leaves at once, at any hour, and carries no items. Its text is fixed here, so nothing of it is made at the intent.

use diesel::prelude::*;

use super::intent::{PURPOSE, address};
use super::outbox::{DIGEST, Row, Sender};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::on_each_backend;
use crate::db::schema::messages;
use crate::http::error::ApiError;
use crate::journal::sha256_hex;
use crate::keys;
use crate::mail::compose::{Mail, MessageId, Party, compose};
use crate::mail::templates::{Rendered, VERSION};

/// The template of a mail to sign in with.
pub(crate) const SIGN_IN: &str = "sign_in";
/// A link to sign in with is of no use after this, so its mail is not sent any more.
pub(crate) const SIGN_IN_SECONDS: i64 = 600;
/// How often another number is tried, when a message to the same address is formed at the same moment.
const TRIES: i32 = 5;

/// Whether it is too late to send a letter.
pub(super) fn is_over(row: &Row, now: Instant) -> bool {
    row.template.as_deref() == Some(SIGN_IN) && row.created_at.plus_seconds(SIGN_IN_SECONDS) <= now
}

/// Posts a letter to an address; it commits with whatever caused it.
///
/// # Errors
/// An address or a text that no mail can carry, or a database failure.
pub(crate) fn post(
    scope: &mut Scope<'_>,
    to: &str,
    template: &'static str,
    rendered: &Rendered,
) -> Result<(), ApiError> {
    let sender = Sender::of(scope)?;
    let from = address(&sender.mail_from)?;
    let recipient = address(to)?;
    let mail_key = keys::mail_key(scope.conn, &scope.app.keys.master)?;
    let id = scope.new_id();
    let message_id = MessageId::derive(&mail_key, &format!("l1|{}|{id}", scope.lg), &from);
    let bytes = compose(&Mail {
        from: Party {
            address: from,
            name: Some(sender.mail_from_name).filter(|name| !name.is_empty()),
        },
        to: Party {
            address: recipient,
            name: None,
        },
        subject: rendered.subject.clone(),
        message_id: message_id.clone(),
        references: vec![],
        date: scope.at.to_utc().with_timezone(&scope.zone).fixed_offset(),
        body: rendered.body.clone(),
    });
    let sealed = scope.app.keys.master.seal(&scope.app.random, PURPOSE, &bytes)?;
    for _ in 0..TRIES {
        let last: Option<i32> = messages::table
            .filter(messages::local_government_id.eq(&scope.lg))
            .filter(messages::address.eq(to))
            .filter(messages::local_day.eq(scope.today))
            .select(diesel::dsl::max(messages::sequence))
            .first(scope.conn)?;
        let row = (
            (
                messages::local_government_id.eq(&scope.lg),
                messages::id.eq(&id),
                messages::kind.eq("immediate"),
                messages::address.eq(to),
                messages::local_day.eq(scope.today),
                messages::sequence.eq(last.unwrap_or(DIGEST).max(DIGEST) + 1),
                messages::state.eq("queued"),
                messages::next_at.eq(Some(scope.at)),
                messages::token.eq(0),
                messages::attempts.eq(0),
                messages::doubts.eq(0),
                messages::resends.eq(0),
            ),
            (
                messages::rfc_message_id.eq(Some(message_id.as_str())),
                messages::template.eq(Some(template)),
                messages::template_version.eq(Some(VERSION.to_string())),
                messages::subject.eq(Some(&rendered.subject)),
                messages::sealed_bytes.eq(Some(&sealed)),
                messages::master_key_id.eq(Some(scope.app.keys.master.id())),
                messages::body_sha256.eq(Some(sha256_hex(&bytes))),
                messages::created_at.eq(scope.at),
            ),
        );
        let posted = on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(messages::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn))?;
        if posted > 0 {
            return Ok(());
        }
    }
    Err(ApiError::internal("a letter found no place among the day's messages"))
}
