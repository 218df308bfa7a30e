//! `export-audit`, `verify-audit` and `verify-snapshot`: the journal as a file, and whether it and a downloaded snapshot
//! are what was written. Verifying needs nothing but the file and the keys that the auditor holds.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use clap::Args;
use diesel::prelude::*;

use super::Stop;
use crate::app::App;
use crate::db::schema::local_governments;
use crate::journal::chain::PublicKeys;
use crate::journal::{checkpoint, export};
use crate::{fiscal_year_snapshots, gate_checks};

/// Which journal, and where to.
#[derive(Debug, Clone, Args)]
pub(super) struct ExportAudit {
    /// Code of the local government (six digits)
    #[arg(long, env = "KAKUNIN_EXPORT_AUDIT_CODE")]
    code: String,
    /// The file to write
    #[arg(long, env = "KAKUNIN_EXPORT_AUDIT_OUT")]
    out: PathBuf,
    /// Also write the public keys here
    #[arg(long, env = "KAKUNIN_EXPORT_AUDIT_KEYS")]
    keys: Option<PathBuf>,
}

impl ExportAudit {
    pub(super) fn run(&self, app: &App) -> Result<(), Stop> {
        let tenant: Option<String> = app.db.read(|conn| {
            Ok(local_governments::table
                .filter(local_governments::code.eq(&self.code))
                .select(local_governments::id)
                .first(conn)
                .optional()?)
        })?;
        let tenant = tenant.ok_or_else(|| Stop(format!("there is no local government with the code {}", self.code)))?;
        let writing = |path: &PathBuf| {
            File::create(path).map_err(|error| Stop(format!("{} cannot be written: {error}", path.display())))
        };
        let mut out = BufWriter::new(writing(&self.out)?);
        let entries = export::write(app, &tenant, &mut out)?;
        if let Some(path) = &self.keys {
            let keys = app.db.read(checkpoint::key_set)?;
            std::fs::write(path, format!("{keys:#}\n"))?;
        }
        println!("{entries} entries are in {}.", self.out.display());
        Ok(())
    }
}

/// Which file, and whom to trust.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyAudit {
    /// The export
    #[arg(env = "KAKUNIN_VERIFY_AUDIT_FILE")]
    file: PathBuf,
    /// Public keys that you trust, a JSON Web Key Set from /api/v1/audit-log/keys or --keys of an earlier export
    #[arg(long, env = "KAKUNIN_VERIFY_AUDIT_KEYS")]
    keys: PathBuf,
}

impl VerifyAudit {
    pub(super) fn run(&self) -> Result<(), Stop> {
        let found = export::verify(opened(&self.file)?, &trusted(&self.keys)?)
            .map_err(|fault| Stop(format!("{} does not hold: {fault}", self.file.display())))?;
        println!(
            "It holds: entries 1 to {} of local government {}, {} checkpoints, {} payloads erased on record, exported at {}.",
            found.entries, found.local_government_id, found.checkpoints, found.erased, found.exported_at
        );
        Ok(())
    }
}

/// Which file, and whom to trust.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifySnapshot {
    /// The snapshot, from /api/v1/fiscal-year-snapshots/{id}/content
    #[arg(env = "KAKUNIN_VERIFY_SNAPSHOT_FILE")]
    file: PathBuf,
    /// Public keys that you trust, a JSON Web Key Set from /api/v1/audit-log/keys
    #[arg(long, env = "KAKUNIN_VERIFY_SNAPSHOT_KEYS")]
    keys: PathBuf,
}

impl VerifySnapshot {
    pub(super) fn run(&self) -> Result<(), Stop> {
        let found = fiscal_year_snapshots::verify(opened(&self.file)?, &trusted(&self.keys)?)
            .map_err(|fault| Stop(format!("{} does not hold: {fault}", self.file.display())))?;
        println!(
            "It holds: {} entries of organization {}, fiscal year {}, signed at {}.",
            found.entries, found.organization_id, found.fiscal_year, found.signed_at
        );
        Ok(())
    }
}

/// Which file, and whom to trust.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyGate {
    /// The answer of /api/v1/gate-checks, asked with "sign": true
    #[arg(env = "KAKUNIN_VERIFY_GATE_FILE")]
    file: PathBuf,
    /// Public keys that you trust, a JSON Web Key Set from /api/v1/audit-log/keys or /.well-known/jwks.json
    #[arg(long, env = "KAKUNIN_VERIFY_GATE_KEYS")]
    keys: PathBuf,
}

impl VerifyGate {
    pub(super) fn run(&self) -> Result<(), Stop> {
        let text = std::fs::read(&self.file).map_err(|error| cannot(&self.file, &error))?;
        let check = gate_checks::answer::verify(&text, &trusted(&self.keys)?)
            .map_err(|fault| Stop(format!("{} does not hold: {fault}", self.file.display())))?;
        println!(
            "It holds: {} was answered with {} at {}, {} reasons.",
            check.action,
            check.decision,
            check.evaluated_at,
            check.reasons.len()
        );
        Ok(())
    }
}

fn cannot(path: &Path, error: &dyn std::fmt::Display) -> Stop {
    Stop(format!("{} cannot be read: {error}", path.display()))
}

fn opened(path: &Path) -> Result<BufReader<File>, Stop> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|error| cannot(path, &error))
}

fn trusted(path: &Path) -> Result<PublicKeys, Stop> {
    let text = std::fs::read(path).map_err(|error| cannot(path, &error))?;
    let keys = serde_json::from_slice(&text).map_err(|error| cannot(path, &error))?;
    PublicKeys::of_jwks(&keys).map_err(|error| cannot(path, &error))
}
