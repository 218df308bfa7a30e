//! The file that an auditor takes away: one JSON object a line, checked without database and network.
//!
//! The first line names the tenant; then come the entries in their order, each checkpoint behind the entry that it is
//! about, and at the end a checkpoint made for this export that signs the digest of all lines before it, so that nothing
//! can be changed, left out or cut off.

use std::io::{BufRead, Write};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::chain::{Chain, Checkpoint, Fault, Link, PublicKeys};
use super::{checkpoint, hex, stored};
use crate::app::{App, Scope, Tenant};
use crate::db::schema::journal_checkpoints;
use crate::http::error::ApiError;

/// A line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The first one.
    Journal { format: u8, local_government_id: String },
    /// An entry.
    Entry(Link),
    /// A checkpoint, as compact JWS.
    Checkpoint(String),
}

/// What an export that holds covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The tenant.
    pub local_government_id: String,
    /// Entries, 1 to this number without a gap.
    pub entries: i64,
    /// Signed checkpoints among them.
    pub checkpoints: usize,
    /// Payloads that were erased on record.
    pub erased: usize,
    /// When the export was made.
    pub exported_at: String,
}

/// Where the lines go, with the digest of what has gone.
struct Out<'w, W> {
    file: &'w mut W,
    digest: Sha256,
}

impl<W: Write> Out<'_, W> {
    fn put(&mut self, line: &Line) -> Result<(), ApiError> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.digest.update(&bytes);
        self.file.write_all(&bytes).map_err(ApiError::internal)
    }
}

/// Writes the journal of a tenant.
///
/// # Errors
/// A database failure, or a file that cannot be written.
pub fn write(app: &App, local_government_id: &str, out: &mut impl Write) -> Result<i64, ApiError> {
    app.read_as(&Tenant::new(local_government_id), |scope| write_all(scope, out))
}

fn write_all(scope: &mut Scope<'_>, out: &mut impl Write) -> Result<i64, ApiError> {
    let first = Line::Journal {
        format: 1,
        local_government_id: scope.lg.clone(),
    };
    let mut out = Out {
        file: out,
        digest: Sha256::new(),
    };
    out.put(&first)?;
    let checkpoints: Vec<(i64, String)> = journal_checkpoints::table
        .filter(journal_checkpoints::local_government_id.eq(&scope.lg))
        .order(journal_checkpoints::seq)
        .select((journal_checkpoints::seq, journal_checkpoints::jws))
        .load(scope.conn)?;
    let mut checkpoints = checkpoints.into_iter().peekable();
    let (mut seq, mut hash) = (0, String::new());
    loop {
        let links = stored::links(scope.conn, &scope.lg, seq)?;
        if links.is_empty() {
            break;
        }
        for (row, link) in links {
            (seq, hash) = (row.seq, link.hash.clone());
            out.put(&Line::Entry(link))?;
            while let Some((_, jws)) = checkpoints.next_if(|(at, _)| *at == seq) {
                out.put(&Line::Checkpoint(jws))?;
            }
        }
    }
    let last = Checkpoint {
        purpose: "export".to_owned(),
        local_government_id: scope.lg.clone(),
        seq,
        hash,
        day: scope.today.to_string(),
        at: scope.at.to_string(),
        before_sha256: Some(hex(out.digest.clone())),
    };
    let (_, jws) = checkpoint::sign(scope, checkpoint::TYP, &last)?;
    out.put(&Line::Checkpoint(jws))?;
    out.file.flush().map_err(ApiError::internal)?;
    Ok(seq)
}

/// Checks an export with public keys that the auditor already holds.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(mut file: impl BufRead, keys: &PublicKeys) -> Result<Verified, Fault> {
    let mut digest = Sha256::new();
    let mut chain: Option<Chain> = None;
    let mut last = None;
    let mut checkpoints = 0;
    let mut tenant = String::new();
    let mut text = vec![];
    for number in 1.. {
        let wrong = Fault::Line(number);
        let before = hex(digest.clone());
        text.clear();
        if file.read_until(b'\n', &mut text).map_err(|_| wrong.clone())? == 0 {
            break;
        }
        digest.update(&text);
        let line: Line = serde_json::from_slice(&text).map_err(|_| wrong.clone())?;
        match (line, &mut chain) {
            (
                Line::Journal {
                    format: 1,
                    local_government_id,
                },
                None,
            ) => {
                chain = Some(Chain::of(&local_government_id));
                tenant = local_government_id;
            }
            (Line::Entry(link), Some(chain)) => {
                chain.entry(&link)?;
                last = None;
            }
            (Line::Checkpoint(jws), Some(chain)) => {
                checkpoints += 1;
                let checkpoint = chain.checkpoint(&jws, keys)?;
                if checkpoint
                    .before_sha256
                    .as_ref()
                    .is_some_and(|digest| *digest != before)
                {
                    return Err(wrong);
                }
                last = Some(checkpoint).filter(|_| text.ends_with(b"\n"));
            }
            _ => return Err(wrong),
        }
    }
    let Some(chain) = chain else { return Err(Fault::Line(1)) };
    let erased = chain.end()?;
    match last.filter(|last| last.purpose == "export" && last.before_sha256.is_some()) {
        Some(last) => Ok(Verified {
            local_government_id: tenant,
            entries: chain.seq(),
            checkpoints,
            erased,
            exported_at: last.at,
        }),
        None => Err(Fault::End(chain.seq())),
    }
}
