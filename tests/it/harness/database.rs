//! A database for each test, copied from one that was migrated and seeded once per process.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use kakunin::db::{Conn, Url, migrate};
use tempfile::TempDir;

use super::seed;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one.
    Sqlite,
    /// A server, named by `TEST_POSTGRES_URL`.
    Postgres,
}

/// A database that is gone when the test ends.
pub struct Database {
    dir: TempDir,
    /// The name on the server.
    postgres: Option<String>,
}

impl Database {
    /// A seeded copy.
    pub fn create(backend: Backend) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let postgres = match backend {
            Backend::Sqlite => {
                std::fs::copy(sqlite_template(), dir.path().join("kakunin.db")).unwrap();
                None
            }
            Backend::Postgres => Some(postgres_copy(&postgres_template())),
        };
        Self { dir, postgres }
    }

    /// A database of this backend without any table.
    pub fn empty(backend: Backend) -> Self {
        let postgres = (backend == Backend::Postgres).then(|| postgres_copy("template0"));
        Self {
            dir: tempfile::tempdir().unwrap(),
            postgres,
        }
    }

    /// The data directory of the test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where the database is.
    pub fn url(&self) -> Url {
        match &self.postgres {
            None => Url::Sqlite(self.dir.path().join("kakunin.db").to_str().unwrap().to_owned()),
            Some(name) => Url::Postgres(server(Some(name))),
        }
    }

    /// A plain connection to it.
    pub fn connect(&self) -> Conn {
        match self.url() {
            Url::Sqlite(path) => Conn::Sqlite(SqliteConnection::establish(&path).unwrap()),
            Url::Postgres(url) => Conn::Postgres(PgConnection::establish(&url).unwrap()),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(name) = &self.postgres {
            // A worker that a test left running may still be connected.
            let dropped = PgConnection::establish(&server(None))
                .map(|mut conn| conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
            if !matches!(dropped, Ok(Ok(()))) {
                eprintln!("the database {name} stays behind: {dropped:?}");
            }
        }
    }
}

/// Migrates and seeds.
fn prepare(mut conn: Conn) {
    match &mut conn {
        Conn::Sqlite(conn) => conn
            .run_pending_migrations(migrate::SQLITE)
            .map(|ran| ran.len())
            .unwrap(),
        Conn::Postgres(conn) => conn
            .run_pending_migrations(migrate::POSTGRES)
            .map(|ran| ran.len())
            .unwrap(),
    };
    seed::tenants(&mut conn).unwrap();
}

fn sqlite_template() -> std::path::PathBuf {
    static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
    let dir = TEMPLATE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("template.db");
        prepare(Conn::Sqlite(
            SqliteConnection::establish(path.to_str().unwrap()).unwrap(),
        ));
        dir
    });
    dir.path().join("template.db")
}

/// The server's URL, with another database in place of its own. Never skipped: half of the tests would be missing.
fn server(database: Option<&str>) -> String {
    let url = std::env::var_os("TEST_POSTGRES_URL").and_then(|url| url.into_string().ok());
    let Some(url) = url else {
        panic!("TEST_POSTGRES_URL is not set: run `tests/postgres cargo test`, which starts a server of its own");
    };
    let Some(database) = database else { return url };
    let (base, options) = url
        .split_once('?')
        .map_or((url.as_str(), String::new()), |(b, o)| (b, format!("?{o}")));
    let (base, _) = base.rsplit_once('/').expect("TEST_POSTGRES_URL ends with /DATABASE");
    format!("{base}/{database}{options}")
}

fn postgres_template() -> String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let made = TEMPLATE.get_or_init(|| {
        let name = postgres_copy("template0");
        prepare(Conn::Postgres(PgConnection::establish(&server(Some(&name))).unwrap()));
        name
    });
    made.clone()
}

/// Copies a database; one copy at a time, because a template must have no other user.
fn postgres_copy(template: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static ONE: Mutex<()> = Mutex::new(());
    let name = format!(
        "kakunin_test_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut conn = PgConnection::establish(&server(None)).unwrap();
    conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        .unwrap();
    // Copied as files, a tenth of the time of a copy through the write-ahead log (PostgreSQL 15 and later).
    conn.batch_execute(&format!(
        "CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
    ))
    .unwrap();
    name
}
