//! The one append-only record of a local government: every change appends one entry in its own transaction.
//!
//! Entries are numbered without gaps and each carries the hash of the one before. The hashed bytes are stored as text
//! and never serialised again; what may hold personal data sits beside them, salted, and can be erased without
//! breaking the chain (design §4.7). Audit log, change feed and timeline are views of it.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{journal, journal_heads, journal_payloads};
use crate::db::{Conn, locked, on_each_backend};
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

/// What an entry is hashed over, as text in this order; every column of the row but the hash itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hashed {
    v: u8,
    local_government_id: String,
    seq: i64,
    at: String,
    via: String,
    client_id: Option<String>,
    person_id: Option<String>,
    action: String,
    subject_type: String,
    subject_id: String,
    organization_id: Option<String>,
    entry_id: Option<String>,
    payload_hash: String,
    previous_hash: String,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = journal)]
struct Row {
    local_government_id: String,
    seq: i64,
    at: Instant,
    action: String,
    subject_type: String,
    subject_id: String,
    organization_id: Option<String>,
    entry_id: Option<String>,
    actor_client_id: Option<String>,
    actor_person_id: Option<String>,
    via: String,
    hashed_text: String,
    payload_hash: String,
    previous_hash: String,
    hash: String,
}

impl Row {
    /// Whether the row says what was hashed, behind an entry with this number and hash.
    fn holds(&self, number: i64, hash: &str) -> bool {
        let hashed = Hashed {
            v: 1,
            local_government_id: self.local_government_id.clone(),
            seq: self.seq,
            at: self.at.to_string(),
            via: self.via.clone(),
            client_id: self.actor_client_id.clone(),
            person_id: self.actor_person_id.clone(),
            action: self.action.clone(),
            subject_type: self.subject_type.clone(),
            subject_id: self.subject_id.clone(),
            organization_id: self.organization_id.clone(),
            entry_id: self.entry_id.clone(),
            payload_hash: self.payload_hash.clone(),
            previous_hash: self.previous_hash.clone(),
        };
        self.seq == number + 1
            && self.previous_hash == hash
            && sha256_hex(self.hashed_text.as_bytes()) == self.hash
            && serde_json::from_str::<Hashed>(&self.hashed_text).is_ok_and(|text| text == hashed)
    }
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
    let (mut seq, mut previous_hash): (i64, String) = locked!(&mut *scope.conn, head, |q, c| q.first(c))?;
    for record in records {
        seq += 1;
        let salt = scope.app.random.secret();
        let body = serde_json::to_string(&record.payload)?;
        let payload_hash = sha256_hex(format!("{salt}|{body}").as_bytes());
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

/// Checks the whole chain of a tenant and answers the number of its entries.
///
/// # Errors
/// The first sequence number that does not hold.
pub fn verify(conn: &mut Conn, local_government_id: &str) -> Result<Result<i64, i64>, ApiError> {
    let mut previous = (0_i64, String::new());
    loop {
        let rows: Vec<Row> = journal::table
            .filter(journal::local_government_id.eq(local_government_id))
            .filter(journal::seq.gt(previous.0))
            .order(journal::seq)
            .limit(1000)
            .select(Row::as_select())
            .load(conn)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let payload: Option<(String, Option<String>)> = journal_payloads::table
                .find((local_government_id, row.seq))
                .select((journal_payloads::salt, journal_payloads::body))
                .first(conn)
                .optional()?;
            let payload_holds = match payload {
                Some((salt, Some(body))) => sha256_hex(format!("{salt}|{body}").as_bytes()) == row.payload_hash,
                // Erased on purpose; the hash of what it was remains.
                Some((_, None)) => true,
                None => false,
            };
            if !(payload_holds && row.holds(previous.0, &previous.1)) {
                return Ok(Err(previous.0 + 1));
            }
            previous = (row.seq, row.hash);
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
