//! The embedded migrations, listed and run under one lock: without it replicas that start together race.

use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Conn, Db};
use crate::http::error::ApiError;

/// The migrations of the embedded database.
pub const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// The migrations of PostgreSQL, of the same names.
pub const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Brings the schema up to date and says how many migrations ran.
///
/// # Errors
/// When a migration fails; the ones before it stay.
pub fn run(db: &Db) -> Result<usize, ApiError> {
    let mut conn = db.writers.get()?;
    match &mut *conn {
        Conn::Sqlite(conn) => conn
            .run_pending_migrations(SQLITE)
            .map(|ran| ran.len())
            .map_err(ApiError::internal),
        Conn::Postgres(conn) => {
            // Any number does, as long as every version of this program uses the same.
            conn.batch_execute("SELECT pg_advisory_lock(5391204711)")?;
            let ran = conn
                .run_pending_migrations(POSTGRES)
                .map(|ran| ran.len())
                .map_err(ApiError::internal);
            conn.batch_execute("SELECT pg_advisory_unlock(5391204711)")?;
            ran
        }
    }
}

/// How many migrations are still to run.
///
/// # Errors
/// When the database does not answer.
pub fn pending(db: &Db) -> Result<usize, ApiError> {
    let mut conn = db.writers.get()?;
    match &mut *conn {
        Conn::Sqlite(conn) => conn.pending_migrations(SQLITE).map(|left| left.len()),
        Conn::Postgres(conn) => conn.pending_migrations(POSTGRES).map(|left| left.len()),
    }
    .map_err(ApiError::internal)
}
