//! The one append-only record of a local government: every change appends one entry in its own transaction.
//!
//! Entries are numbered without gaps and each carries the hash of the one before. The hashed bytes are stored as text
//! and never serialised again; what may hold personal data sits beside them, salted, and can be erased without
//! breaking the chain (design §4.7). Audit log, change feed and timeline are views of it.

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::Scope;
use crate::db::schema::{journal, journal_heads, journal_payloads};
use crate::db::{Conn, on_each_backend};
use crate::http::error::ApiError;

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

#[derive(Serialize)]
struct Hashed<'a> {
    v: u8,
    local_government_id: &'a str,
    seq: i64,
    at: String,
    via: &'a str,
    client_id: Option<&'a str>,
    person_id: Option<&'a str>,
    action: &'a str,
    subject_type: &'a str,
    subject_id: &'a str,
    payload_hash: &'a str,
    previous_hash: &'a str,
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes)
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
    let (mut seq, mut previous_hash): (i64, String) = match &mut *scope.conn {
        Conn::Sqlite(conn) => head.first(conn)?,
        Conn::Postgres(conn) => head.for_update().first(conn)?,
    };
    for record in records {
        seq += 1;
        let salt = scope.app.random.secret();
        let body = serde_json::to_string(&record.payload)?;
        let payload_hash = sha256_hex(format!("{salt}|{body}").as_bytes());
        let hashed_text = serde_json::to_string(&Hashed {
            v: 1,
            local_government_id: &scope.lg,
            seq,
            at: scope.at.to_string(),
            via: scope.actor.via,
            client_id: scope.actor.client_id.as_deref(),
            person_id: scope.actor.person_id.as_deref(),
            action: record.action,
            subject_type: record.subject_type,
            subject_id: &record.subject_id,
            payload_hash: &payload_hash,
            previous_hash: &previous_hash,
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

/// Checks the whole chain of a tenant and answers the number of its entries.
///
/// # Errors
/// The first sequence number that does not hold.
pub fn verify(conn: &mut Conn, local_government_id: &str) -> Result<Result<i64, i64>, ApiError> {
    let mut previous = (0_i64, String::new());
    loop {
        let rows: Vec<(i64, String, String, String, String)> = journal::table
            .filter(journal::local_government_id.eq(local_government_id))
            .filter(journal::seq.gt(previous.0))
            .order(journal::seq)
            .limit(1000)
            .select((
                journal::seq,
                journal::hashed_text,
                journal::hash,
                journal::previous_hash,
                journal::payload_hash,
            ))
            .load(conn)?;
        if rows.is_empty() {
            break;
        }
        for (seq, text, hash, before, payload_hash) in rows {
            let payload: Option<(String, Option<String>)> = journal_payloads::table
                .find((local_government_id, seq))
                .select((journal_payloads::salt, journal_payloads::body))
                .first(conn)
                .optional()?;
            let payload_holds = match payload {
                Some((salt, Some(body))) => sha256_hex(format!("{salt}|{body}").as_bytes()) == payload_hash,
                Some((_, None)) => true,
                None => false,
            };
            let text_names = |part: &str| text.contains(part);
            let holds = seq == previous.0 + 1
                && before == previous.1
                && sha256_hex(text.as_bytes()) == hash
                && text_names(&format!("\"previous_hash\":\"{before}\""))
                && text_names(&format!("\"payload_hash\":\"{payload_hash}\""))
                && payload_holds;
            if !holds {
                return Ok(Err(seq));
            }
            previous = (seq, hash);
        }
    }
    let head: (i64, String) = journal_heads::table
        .find(local_government_id)
        .select((journal_heads::seq, journal_heads::hash))
        .first(conn)?;
    Ok(if head == previous {
        Ok(previous.0)
    } else {
        Err(previous.0 + 1)
    })
}
