//! The chain of a tenant as its database holds it: the columns beside the hashed text are compared too.

use diesel::prelude::*;

use super::chain::{Chain, Fault, Hashed, Link};
use crate::clock::Instant;
use crate::db::Conn;
use crate::db::schema::{journal, journal_heads, journal_payloads};
use crate::http::error::ApiError;

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = journal)]
pub(super) struct Row {
    local_government_id: String,
    pub seq: i64,
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
    /// What its columns say.
    fn columns(&self) -> Hashed {
        Hashed {
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
        }
    }
}

/// The next entries behind a number, at most a thousand, with their payloads.
pub(super) fn links(conn: &mut Conn, local_government_id: &str, after: i64) -> Result<Vec<(Row, Link)>, ApiError> {
    let rows: Vec<Row> = journal::table
        .filter(journal::local_government_id.eq(local_government_id))
        .filter(journal::seq.gt(after))
        .order(journal::seq)
        .limit(1000)
        .select(Row::as_select())
        .load(conn)?;
    let last = rows.last().map_or(after, |row| row.seq);
    let payloads: Vec<(i64, String, Option<String>)> = journal_payloads::table
        .filter(journal_payloads::local_government_id.eq(local_government_id))
        .filter(journal_payloads::seq.gt(after))
        .filter(journal_payloads::seq.le(last))
        .order(journal_payloads::seq)
        .select((journal_payloads::seq, journal_payloads::salt, journal_payloads::body))
        .load(conn)?;
    let mut payloads = payloads.into_iter().peekable();
    Ok(rows
        .into_iter()
        .map(|row| {
            while payloads.next_if(|(seq, ..)| *seq < row.seq).is_some() {}
            // An entry whose payload row is missing fails like one with another payload: no salt has its hash.
            let (salt, body) = payloads
                .next_if(|(seq, ..)| *seq == row.seq)
                .map_or_else(|| (String::new(), Some(String::new())), |(_, salt, body)| (salt, body));
            let link = Link {
                hashed_text: row.hashed_text.clone(),
                hash: row.hash.clone(),
                salt,
                body,
            };
            (row, link)
        })
        .collect())
}

/// Checks the whole chain of a tenant and answers the number of its entries.
///
/// # Errors
/// A database failure; the inner one is the first sequence number that does not hold.
pub fn verify(conn: &mut Conn, local_government_id: &str) -> Result<Result<i64, i64>, ApiError> {
    let mut chain = Chain::of(local_government_id);
    loop {
        let links = links(conn, local_government_id, chain.seq())?;
        if links.is_empty() {
            break;
        }
        for (row, link) in links {
            let next = chain.seq() + 1;
            match chain.entry(&link) {
                Ok(hashed) if hashed == row.columns() => {}
                _ => return Ok(Err(next)),
            }
        }
    }
    if let Err(Fault::Erased(seq)) = chain.end() {
        return Ok(Err(seq));
    }
    let head: (i64, String) = journal_heads::table
        .find(local_government_id)
        .select((journal_heads::seq, journal_heads::hash))
        .first(conn)?;
    Ok(if head.0 == chain.seq() && head.1 == chain.hash() {
        Ok(head.0)
    } else {
        Err(chain.seq() + 1)
    })
}
