//! The one append-only record of a local government: every change appends one entry in its own transaction.
//!
//! Entries are numbered without gaps and each carries the hash of the one before. The hashed bytes are stored as text
//! and never serialised again; what may hold personal data sits beside them, salted, and can be erased without
//! breaking the chain (design §4.7). Audit log, change feed and timeline are views of it ([`crate::audit_log`]).
//!
//! [`chain`] says what holds, with nothing but the entries and public keys; [`stored`] asks it about a database,
//! [`export`] writes and checks the file that an auditor takes away, [`checkpoint`] signs the head each day, [`erase`]
//! erases personal data.

pub mod chain;
pub mod checkpoint;
pub mod erase;
pub mod export;
mod stored;

use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::Scope;
use crate::db::schema::{journal, journal_heads, journal_payloads};
use crate::db::{locked, on_each_backend};
use crate::http::error::ApiError;
use chain::Hashed;
pub use stored::verify;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The API client, when one called.
    pub client_id: Option<String>,
    /// The person in whose name it was done, when known.
    pub person_id: Option<String>,
    /// How: `api`, `link`, `session` or `system`.
    pub via: &'static str,
}

impl Actor {
    /// The worker or a command of the operator.
    pub const fn system() -> Self {
        Self {
            client_id: None,
            person_id: None,
            via: "system",
        }
    }

    /// `person:…`, `client:…` or `system`, as rows name who changed them.
    pub fn name(&self) -> String {
        match (&self.person_id, &self.client_id) {
            (Some(person), _) => format!("person:{person}"),
            (None, Some(client)) => format!("client:{client}"),
            (None, None) => "system".to_owned(),
        }
    }
}

/// A change that waits for its place in the chain.
#[derive(Debug)]
pub struct Record {
    pub(crate) action: &'static str,
    pub(crate) subject_type: &'static str,
    pub(crate) subject_id: String,
    pub(crate) organization_id: Option<String>,
    pub(crate) entry_id: Option<String>,
    pub(crate) payload: Value,
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

pub(crate) fn hex(digest: Sha256) -> String {
    use std::fmt::Write;
    digest
        .finalize()
        .iter()
        .fold(String::with_capacity(64), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Numbers, hashes and inserts what the transaction recorded; the head row is locked last, so the lock is short.
pub(crate) fn append(scope: &mut Scope<'_>) -> Result<(), ApiError> {
    let records = std::mem::take(&mut scope.records);
    if records.is_empty() {
        return Ok(());
    }
    let head = journal_heads::table
        .find(&scope.lg)
        .select((journal_heads::seq, journal_heads::hash));
    let (mut seq, mut previous_hash): (i64, String) = locked!(&mut *scope.conn, head, |q, c| q.first(c))?;
    for record in records {
        seq += 1;
        let salt = scope.app.random.secret();
        let body = serde_json::to_string(&record.payload)?;
        let payload_hash = chain::payload_hash(&salt, &body);
        let hashed_text = serde_json::to_string(&Hashed {
            v: 1,
            local_government_id: scope.lg.clone(),
            seq,
            at: scope.at.to_string(),
            via: scope.actor.via.to_owned(),
            client_id: scope.actor.client_id.clone(),
            person_id: scope.actor.person_id.clone(),
            action: record.action.to_owned(),
            subject_type: record.subject_type.to_owned(),
            subject_id: record.subject_id.clone(),
            organization_id: record.organization_id.clone(),
            entry_id: record.entry_id.clone(),
            payload_hash: payload_hash.clone(),
            previous_hash: previous_hash.clone(),
        })?;
        let hash = sha256_hex(hashed_text.as_bytes());
        let row = (
            journal::local_government_id.eq(&scope.lg),
            journal::seq.eq(seq),
            journal::at.eq(scope.at),
            journal::action.eq(record.action),
            journal::subject_type.eq(record.subject_type),
            journal::subject_id.eq(&record.subject_id),
            journal::organization_id.eq(&record.organization_id),
            journal::entry_id.eq(&record.entry_id),
            journal::actor_client_id.eq(&scope.actor.client_id),
            journal::actor_person_id.eq(&scope.actor.person_id),
            journal::via.eq(scope.actor.via),
            journal::hashed_text.eq(&hashed_text),
            journal::payload_hash.eq(&payload_hash),
            journal::previous_hash.eq(&previous_hash),
            journal::hash.eq(&hash),
        );
        on_each_backend!(&mut *scope.conn, |conn| diesel::insert_into(journal::table)
            .values(row)
            .execute(conn))?;
        diesel::insert_into(journal_payloads::table)
            .values((
                journal_payloads::local_government_id.eq(&scope.lg),
                journal_payloads::seq.eq(seq),
                journal_payloads::salt.eq(&salt),
                journal_payloads::body.eq(&body),
            ))
            .execute(scope.conn)?;
        previous_hash = hash;
    }
    diesel::update(journal_heads::table.find(&scope.lg))
        .set((journal_heads::seq.eq(seq), journal_heads::hash.eq(&previous_hash)))
        .execute(scope.conn)?;
    Ok(())
}
