//! The only place that knows that there are two databases, chosen by the URL's scheme.
//!
//! [`Db::read`] and [`Db::write`] are the two ways in. SQLite has one writer (`BEGIN IMMEDIATE`, `synchronous=FULL`,
//! WAL) and several query-only readers; PostgreSQL has one pool. A write transaction appends its journal entries as its
//! last act ([`crate::journal`]), so the lock on the head is short. Tables: [`schema`]; migrations: [`migrate`].

pub mod error;
pub mod migrate;
#[expect(missing_docs, reason = "the columns are documented by the migrations")]
pub mod schema;
pub mod search;
pub mod types;

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{self, ManageConnection, Pool, R2D2Connection};

use crate::http::error::ApiError;

mod connection {
    #![expect(missing_docs, reason = "the derive writes public items without documentation")]
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to either database; queries of the common subset are written once.
    #[derive(diesel::MultiConnection)]
    pub enum Conn {
        /// The embedded default.
        Sqlite(SqliteConnection),
        /// For several replicas.
        Postgres(PgConnection),
    }
}
pub use connection::{Conn, MultiBackend};

/// Runs one statement, written once, on whichever backend `conn` is.
/// Only for what the common subset lacks: `ON CONFLICT`, multi-row inserts, row locks.
macro_rules! on_each_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => $body,
            $crate::db::Conn::Postgres($c) => $body,
        }
    };
}
pub(crate) use on_each_backend;

/// Runs a query and holds its rows until the transaction ends; with `skip` those that another replica holds are left
/// out. SQLite has one writer and nothing to lock.
macro_rules! locked {
    (skip $conn:expr, $query:expr, |$q:ident, $c:ident| $run:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => {
                let $q = $query;
                $run
            }
            $crate::db::Conn::Postgres($c) => {
                let $q = $query.for_update().skip_locked();
                $run
            }
        }
    };
    ($conn:expr, $query:expr, |$q:ident, $c:ident| $run:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => {
                let $q = $query;
                $run
            }
            $crate::db::Conn::Postgres($c) => {
                let $q = $query.for_update();
                $run
            }
        }
    };
}
pub(crate) use locked;

/// Inserts those rows whose key is new and answers how many; PostgreSQL takes them in one statement.
macro_rules! insert_new {
    ($conn:expr, $table:expr, $rows:expr, $key:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite(conn) => {
                let mut count = 0;
                for row in $rows {
                    count += diesel::insert_into($table)
                        .values(row)
                        .on_conflict($key)
                        .do_nothing()
                        .execute(conn)?;
                }
                count
            }
            $crate::db::Conn::Postgres(conn) => diesel::insert_into($table)
                .values($rows)
                .on_conflict($key)
                .do_nothing()
                .execute(conn)?,
        }
    };
}
pub(crate) use insert_new;

/// The condition of a join between two tables of one tenant: same local government and these two columns equal.
macro_rules! on_tenant {
    ($left:ident . $lcol:ident = $right:ident . $rcol:ident) => {{
        use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _};
        $crate::db::schema::$left::local_government_id
            .eq($crate::db::schema::$right::local_government_id)
            .and(
                $crate::db::schema::$left::$lcol
                    .nullable()
                    .eq($crate::db::schema::$right::$rcol.nullable()),
            )
    }};
}
pub(crate) use on_tenant;

/// Which database a URL names, and how to open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Url {
    /// `sqlite://PATH`.
    Sqlite(String),
    /// `postgres://…`, as libpq reads it.
    Postgres(String),
}

impl Url {
    /// Reads the scheme; anything unknown is refused instead of becoming a file of that name.
    ///
    /// # Errors
    /// One sentence that says what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            Ok(Self::Sqlite(path.to_owned()))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Self::Postgres(text.to_owned()))
        } else {
            Err("the database URL must begin with sqlite:// followed by a path, or with postgres://".to_owned())
        }
    }
}

struct Manager {
    url: Url,
    query_only: bool,
    wait: Duration,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Conn, r2d2::Error> {
        match &self.url {
            Url::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path).map_err(r2d2::Error::ConnectionError)?;
                // One PRAGMA a statement, busy_timeout first, as diesel's documentation advises.
                let busy_timeout = format!("busy_timeout = {}", self.wait.as_millis());
                for pragma in [
                    busy_timeout.as_str(),
                    "journal_mode = WAL",
                    "synchronous = FULL",
                    "foreign_keys = ON",
                    "trusted_schema = OFF",
                    if self.query_only {
                        "query_only = ON"
                    } else {
                        "query_only = OFF"
                    },
                ] {
                    conn.batch_execute(&format!("PRAGMA {pragma};"))
                        .map_err(r2d2::Error::QueryError)?;
                }
                Ok(Conn::Sqlite(conn))
            }
            Url::Postgres(url) => {
                let mut conn = PgConnection::establish(url).map_err(r2d2::Error::ConnectionError)?;
                conn.batch_execute("SET TIME ZONE 'UTC'; SET client_min_messages = warning;")
                    .map_err(r2d2::Error::QueryError)?;
                Ok(Conn::Postgres(conn))
            }
        }
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), r2d2::Error> {
        conn.ping().map_err(r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        conn.is_broken()
    }
}

/// The pools.
#[derive(Clone)]
pub struct Db {
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    url: Url,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Db")
    }
}

impl Db {
    /// Opens the pools without touching the schema; `connections` is the size of the pool of readers, `wait` how long a
    /// caller waits for a free connection or for another process's lock.
    ///
    /// # Errors
    /// When the first connection cannot be made.
    pub fn open(url: &Url, connections: u32, wait: Duration) -> Result<Self, ApiError> {
        let pool = |size: u32, query_only: bool| {
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(wait)
                .build(Manager {
                    url: url.clone(),
                    query_only,
                    wait,
                })
                .map_err(ApiError::internal)
        };
        let (readers, writers) = match url {
            Url::Sqlite(_) => {
                // The writer first: it makes the file, which a query-only connection cannot.
                let writers = pool(1, false)?;
                (pool(connections, true)?, writers)
            }
            Url::Postgres(_) => {
                let both = pool(connections, false)?;
                (both.clone(), both)
            }
        };
        Ok(Self {
            readers,
            writers,
            url: url.clone(),
        })
    }

    /// The database that this is.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Runs `f` in a read transaction: one snapshot, nothing can be written.
    ///
    /// # Errors
    /// What `f` answers, or a database failure.
    pub fn read<T>(&self, f: impl FnOnce(&mut Conn) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let mut conn = self.readers.get()?;
        let begin = match &mut *conn {
            Conn::Sqlite(_) => "BEGIN",
            Conn::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        within(&mut conn, begin, f)
    }

    /// Runs `f` in a write transaction; SQLite takes its one write lock at once, because a deferred transaction that
    /// reads and then writes fails with `SQLITE_BUSY`, which no time limit waits out.
    ///
    /// # Errors
    /// What `f` answers, or a database failure; then nothing was written.
    pub fn write<T>(&self, f: impl FnOnce(&mut Conn) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let mut conn = self.writers.get()?;
        let begin = match &mut *conn {
            Conn::Sqlite(_) => "BEGIN IMMEDIATE",
            Conn::Postgres(_) => "BEGIN",
        };
        within(&mut conn, begin, f)
    }
}

fn within<T>(conn: &mut Conn, begin: &str, f: impl FnOnce(&mut Conn) -> Result<T, ApiError>) -> Result<T, ApiError> {
    type Manager = <Conn as Connection>::TransactionManager;
    match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, begin)?,
        Conn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(c, begin)?,
    }
    match f(conn) {
        Ok(value) => {
            Manager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(failure) = Manager::rollback_transaction(conn) {
                tracing::error!(error = %failure, "roll-back failed");
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_url_is_refused_and_makes_no_file() {
        assert!(Url::parse("postgress://db").is_err());
        assert!(Url::parse("kakunin.db").is_err());
        assert!(Url::parse("sqlite://").is_err());
        assert_eq!(Url::parse("sqlite://a.db"), Ok(Url::Sqlite("a.db".to_owned())));
    }
}
