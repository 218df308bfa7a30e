//! `backup`, `restore` and `quarantine`: a copy of everything but the master key, and the way back from it.
//!
//! A backup is a tar archive: a manifest, the database as one file, the uploaded files. The master key is not in it, so
//! that a stolen backup signs nothing and opens nothing; keep the key elsewhere. PostgreSQL has `pg_dump`; what comes
//! back from it is recognised as older and put in quarantine like any other ([`crate::work::quarantine`]).

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use chrono::NaiveDate;
use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Options, Stop, connect, start};
use crate::app::App;
use crate::clock::{Clock, Instant};
use crate::config::{Config, MasterKeySource};
use crate::db::schema::local_governments;
use crate::db::{Db, Url, file, migrate};
use crate::http::error::ApiError;
use crate::journal;
use crate::random::Random;
use crate::work::quarantine;

const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "kakunin.db";
const FILES: &str = "files";
/// In the data directory: when the last backup was made.
const LAST_BACKUP: &str = "backup.made";

/// What a backup says about itself.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u8,
    version: String,
    database_sha256: String,
    made_at: String,
}

/// Where to.
#[derive(Debug, Clone, Args)]
pub(super) struct Backup {
    /// The file to write; it must not exist
    #[arg(env = "KAKUNIN_BACKUP_FILE")]
    file: PathBuf,
}

fn embedded(url: &Url) -> Result<PathBuf, Stop> {
    match url {
        Url::Sqlite(path) => Ok(PathBuf::from(path)),
        Url::Postgres(_) => Err(Stop(
            "this is for the embedded database; use pg_dump and pg_restore, and copy the files directory".to_owned(),
        )),
    }
}

fn digest(path: &Path) -> Result<String, Stop> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(journal::hex(hasher))
}

impl Backup {
    pub(super) fn run(&self, options: &Options) -> Result<(), Stop> {
        let (url, config) = options.database()?;
        let database = embedded(&url)?;
        if !database.exists() {
            return Err(Stop(format!("there is no database at {}", database.display())));
        }
        if self.file.exists() {
            return Err(Stop(format!("{} exists already; name a new file", self.file.display())));
        }
        let snapshot = self.file.with_added_extension("snapshot");
        let whole = self.write(&config, &database, &snapshot);
        if snapshot.exists() {
            fs::remove_file(&snapshot)?;
        }
        whole?;
        note_backup(&config.data_dir);
        println!(
            "{} holds the database and the files. The master key is not in it: keep that elsewhere.",
            self.file.display()
        );
        Ok(())
    }

    fn write(&self, config: &Config, database: &Path, snapshot: &Path) -> Result<(), Stop> {
        file::snapshot(database, snapshot)?;
        let manifest = Manifest {
            format: 1,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            database_sha256: digest(snapshot)?,
            made_at: Clock::system().now().to_string(),
        };
        let unfinished = self.file.with_added_extension("part");
        let mut archive = tar::Builder::new(File::create(&unfinished)?);
        let text = serde_json::to_vec(&manifest).map_err(ApiError::from)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        header.set_cksum();
        archive.append_data(&mut header, MANIFEST, text.as_slice())?;
        archive.append_path_with_name(snapshot, DATABASE)?;
        // After the snapshot: every file that a row of it names is there already.
        let files = config.data_dir.join(FILES);
        if files.is_dir() {
            archive.append_dir_all(FILES, &files)?;
        }
        archive.into_inner()?.sync_all()?;
        fs::rename(&unfinished, &self.file)?;
        Ok(())
    }
}

/// Remembers for `doctor` when the last backup was made. The backup is whole without it.
fn note_backup(data_dir: &Path) {
    if let Err(error) = fs::write(data_dir.join(LAST_BACKUP), Clock::system().now().to_string()) {
        tracing::warn!(%error, "the time of the backup could not be noted");
    }
}

/// When `kakunin backup` last made one of this data directory; `None` when it never did.
pub(super) fn last_backup(data_dir: &Path) -> Option<Instant> {
    let text = fs::read_to_string(data_dir.join(LAST_BACKUP)).ok()?;
    serde_json::from_value(serde_json::Value::String(text.trim().to_owned())).ok()
}

/// Where from.
#[derive(Debug, Clone, Args)]
pub(super) struct Restore {
    /// The backup
    #[arg(env = "KAKUNIN_RESTORE_FILE")]
    file: PathBuf,
    /// Move the database that stands there aside
    #[arg(long, env = "KAKUNIN_RESTORE_REPLACE", value_parser = BoolishValueParser::new())]
    replace: bool,
}

impl Restore {
    pub(super) fn run(&self, options: &Options) -> Result<(), Stop> {
        let (url, config) = options.database()?;
        let database = embedded(&url)?;
        let _owner = Options::own(&url)?;
        if database.exists() && !self.replace {
            return Err(Stop(format!(
                "{} exists; give --replace to move it aside, or another --data-dir",
                database.display()
            )));
        }
        if let MasterKeySource::DataDir = config.master_key
            && !config.data_dir.join("master.key").exists()
        {
            return Err(Stop(format!(
                "the master key is not in the backup: put it at {}, or give --master-key-file",
                config.data_dir.join("master.key").display()
            )));
        }
        let unpacked = tempfile::tempdir_in(&config.data_dir)?;
        self.unpack(unpacked.path())?;
        verified(&config, &unpacked.path().join(DATABASE))?;
        Self::put_in_place(&config, &database, unpacked.path())?;
        println!(
            "Restored. No mail leaves until `kakunin quarantine release --sent-until DATE` says until which day all had been sent."
        );
        Ok(())
    }

    /// Unpacks what a backup may hold, and nothing else.
    fn unpack(&self, into: &Path) -> Result<(), Stop> {
        let no_backup =
            |why: &dyn std::fmt::Display| Stop(format!("{} is no backup of kakunin: {why}", self.file.display()));
        let file =
            File::open(&self.file).map_err(|error| Stop(format!("{} cannot be read: {error}", self.file.display())))?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        let mut manifest: Option<Manifest> = None;
        for entry in archive.entries().map_err(|error| no_backup(&error))? {
            let mut entry = entry.map_err(|error| no_backup(&error))?;
            let path = entry.path().map_err(|error| no_backup(&error))?.into_owned();
            let kind = entry.header().entry_type();
            let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
            if path == Path::new(MANIFEST) {
                let mut text = String::new();
                entry.by_ref().take(64 * 1024).read_to_string(&mut text)?;
                manifest = Some(serde_json::from_str(&text).map_err(|error| no_backup(&error))?);
            } else if plain
                && (kind.is_file() || kind.is_dir())
                && (path == Path::new(DATABASE) || path.starts_with(FILES))
            {
                entry.unpack_in(into).map_err(|error| no_backup(&error))?;
            } else {
                return Err(no_backup(&format!("it holds {}", path.display())));
            }
        }
        let manifest = manifest.filter(|manifest| manifest.format == 1);
        let manifest = manifest.ok_or_else(|| no_backup(&"it has no manifest that this version knows"))?;
        let database = into.join(DATABASE);
        if !database.exists() || digest(&database)? != manifest.database_sha256 {
            return Err(no_backup(&"its database is not the one that was backed up"));
        }
        Ok(())
    }

    /// Moves aside what is there, and the restored things to their places.
    fn put_in_place(config: &Config, database: &Path, unpacked: &Path) -> Result<(), Stop> {
        let aside = |path: &Path| {
            let mut number = 1;
            loop {
                let aside = path.with_added_extension(format!("before-restore-{number}"));
                if !aside.exists() {
                    return aside;
                }
                number += 1;
            }
        };
        for suffix in ["", "-wal", "-shm"] {
            let old = PathBuf::from(format!("{}{suffix}", database.display()));
            if old.exists() {
                fs::rename(&old, aside(&old))?;
            }
        }
        let files = config.data_dir.join(FILES);
        if files.exists() {
            fs::rename(&files, aside(&files))?;
        }
        if unpacked.join(FILES).exists() {
            fs::rename(unpacked.join(FILES), &files)?;
        }
        fs::rename(unpacked.join(DATABASE), database)?;
        Ok(())
    }
}

/// Checks everything that can be checked, and puts the database in quarantine.
fn verified(config: &Config, database: &Path) -> Result<(), Stop> {
    file::check(database).map_err(|error| Stop(format!("the database in the backup is damaged: {error}")))?;
    let url = Url::Sqlite(database.display().to_string());
    let db = connect(&url, config)?;
    migrate::run(&db)?;
    // The ring opens only under the key of the time.
    let app = start(db, Clock::system(), config.clone())?;
    let tenants: Vec<(String, String)> = app.db.read(|conn| {
        Ok(local_governments::table
            .select((local_governments::id, local_governments::name))
            .load(conn)?)
    })?;
    for (id, name) in tenants {
        let held = app.db.read(|conn| journal::verify(conn, &id))?;
        if let Err(seq) = held {
            return Err(Stop(format!("the journal of {name} does not hold at entry {seq}")));
        }
    }
    let (now, random) = (app.clock.now(), Random::system());
    app.db.write(|conn| {
        crate::work::ensure_marks(conn, now, &random.id(now))?;
        quarantine::enter(conn, now, &random.id(now), "restored from a backup")
    })?;
    checkpointed(&app.db)
}

/// Everything into the one file, so that it can be moved.
fn checkpointed(db: &Db) -> Result<(), Stop> {
    db.checkpoint()?;
    Ok(())
}

/// `kakunin quarantine`.
#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// Say whether mails are held back, and why
    Status,
    /// Let mails leave again
    Release {
        /// Until which day (YYYY-MM-DD) everything that was due had been sent
        #[arg(long, env = "KAKUNIN_QUARANTINE_SENT_UNTIL")]
        sent_until: NaiveDate,
    },
}

impl QuarantineCommand {
    pub(super) fn run(&self, app: &App) -> Result<(), Stop> {
        let held = app.db.read(quarantine::quarantine)?;
        match (self, held) {
            (_, None) => println!("There is no quarantine: mails leave."),
            (Self::Status, Some(held)) => println!("In quarantine since {}: {}.", held.since, held.reason),
            (Self::Release { sent_until }, Some(_)) => {
                let released = quarantine::release(app, *sent_until)?;
                println!(
                    "Released: {} steps and mails until {sent_until} count as sent before; later ones go out.",
                    released.cancelled
                );
            }
        }
        Ok(())
    }
}
