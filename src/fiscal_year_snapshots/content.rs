//! The file of a snapshot: written from the rows piece by piece, checked with nothing but public keys.

use std::io::BufRead;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rows::SnapshotRow;
use crate::app::{App, Scope, Tenant};
use crate::db::schema::fiscal_year_snapshot_entries;
use crate::http::error::ApiError;
use crate::journal::chain::PublicKeys;

/// What the signature is of.
pub(super) const PURPOSE: &str = "fiscal_year_snapshot";
/// Its type.
pub(super) const TYP: &str = "kakunin-snapshot+jwt";
/// Lines of one piece.
const STEP: i64 = 200;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first one.
    Snapshot {
        format: u8,
        local_government_id: String,
        organization_id: String,
        snapshot_id: String,
        fiscal_year: i32,
        reason: String,
        taken_by_person_id: String,
        taken_at: String,
    },
    /// An entry.
    Entry(Value),
    /// The last one: a compact JWS over [`Statement`].
    Signature(String),
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    pub purpose: String,
    pub local_government_id: String,
    pub organization_id: String,
    pub snapshot_id: String,
    pub fiscal_year: i32,
    pub entries: i64,
    /// SHA-256 of every byte before the signature's line.
    pub before_sha256: String,
    pub at: String,
}

/// The next lines of a snapshot with the entries' ids.
pub(super) fn lines(scope: &mut Scope<'_>, snapshot_id: &str, after: &str) -> Result<Vec<(String, String)>, ApiError> {
    Ok(fiscal_year_snapshot_entries::table
        .filter(fiscal_year_snapshot_entries::local_government_id.eq(&scope.lg))
        .filter(fiscal_year_snapshot_entries::snapshot_id.eq(snapshot_id))
        .filter(fiscal_year_snapshot_entries::entry_id.gt(after))
        .order(fiscal_year_snapshot_entries::entry_id)
        .limit(STEP)
        .select((
            fiscal_year_snapshot_entries::entry_id,
            fiscal_year_snapshot_entries::line,
        ))
        .load(scope.conn)?)
}

/// The file, piece by piece, each read by itself: what was signed never changes.
pub(super) struct Pieces {
    app: App,
    tenant: Tenant,
    snapshot_id: String,
    header: Option<String>,
    after: String,
    signature: Option<String>,
}

impl Pieces {
    /// 409 while the snapshot is not signed.
    pub(super) fn of(app: App, tenant: Tenant, row: SnapshotRow) -> Result<Self, ApiError> {
        let Some(jws) = row.jws else {
            return Err(ApiError::Conflict {
                code: "snapshot_not_complete",
                ja: "この記録はまだ作成中です。completed_at が入ってから取得してください。".to_owned(),
                en: "The snapshot is not complete; fetch it once completed_at is set.".to_owned(),
            });
        };
        Ok(Self {
            app,
            tenant,
            snapshot_id: row.id,
            header: Some(row.header),
            after: String::new(),
            signature: Some(serde_json::to_string(&Line::Signature(jws))?),
        })
    }

    /// The next bytes; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        if let Some(header) = self.header.take() {
            return Ok(Some(format!("{header}\n").into_bytes()));
        }
        if self.signature.is_none() {
            return Ok(None);
        }
        let found = self
            .app
            .read_as(&self.tenant, |scope| lines(scope, &self.snapshot_id, &self.after))?;
        let Some((last, _)) = found.last() else {
            return Ok(self.signature.take().map(|line| format!("{line}\n").into_bytes()));
        };
        self.after.clone_from(last);
        let mut bytes = vec![];
        for (_, line) in &found {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        Ok(Some(bytes))
    }
}

/// What a file that holds says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The organization.
    pub organization_id: String,
    /// The fiscal year.
    pub fiscal_year: i32,
    /// Entries in it.
    pub entries: i64,
    /// When it was signed.
    pub signed_at: String,
}

/// Checks a snapshot with public keys that the auditor already holds.
///
/// # Errors
/// One sentence about the first thing that does not hold.
pub fn verify(mut file: impl BufRead, keys: &PublicKeys) -> Result<Verified, String> {
    let (mut digest, mut first, mut entries) = (Sha256::new(), None, 0);
    let mut bytes = vec![];
    for number in 1_u64.. {
        bytes.clear();
        let length = file
            .read_until(b'\n', &mut bytes)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        if length == 0 {
            return Err("it ends without its signature: something was cut off".to_owned());
        }
        let line: Line =
            serde_json::from_slice(&bytes).map_err(|_| format!("line {number} is not what a snapshot holds"))?;
        match line {
            Line::Snapshot { .. } if number == 1 => first = Some(line),
            Line::Entry(_) if number > 1 => entries += 1,
            Line::Signature(jws) if number > 1 => {
                let statement: Statement = keys
                    .open(&jws)
                    .ok_or("its signature is by no key that you trust, or of something else")?;
                let rest = file.read_until(b'\n', &mut bytes).unwrap_or(1);
                if rest > 0 || !bytes.ends_with(b"\n") {
                    return Err("something stands behind its signature".to_owned());
                }
                return matches(first, &statement, entries, &crate::journal::hex(digest));
            }
            _ => return Err(format!("line {number} stands in the wrong place")),
        }
        digest.update(&bytes);
    }
    Err("it does not end".to_owned())
}

fn matches(first: Option<Line>, statement: &Statement, entries: i64, sha256: &str) -> Result<Verified, String> {
    let Some(Line::Snapshot {
        format: 1,
        local_government_id,
        organization_id,
        snapshot_id,
        fiscal_year,
        ..
    }) = first
    else {
        return Err("its first line is of another format".to_owned());
    };
    let expected = Statement {
        purpose: PURPOSE.to_owned(),
        local_government_id,
        organization_id,
        snapshot_id,
        fiscal_year,
        entries,
        before_sha256: sha256.to_owned(),
        at: statement.at.clone(),
    };
    if expected != *statement {
        return Err("it was changed: its lines are not those that were signed".to_owned());
    }
    Ok(Verified {
        organization_id: expected.organization_id,
        fiscal_year,
        entries,
        signed_at: expected.at,
    })
}
