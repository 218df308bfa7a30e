//! The embedded database as a file: a snapshot of it, and whether it is whole.
//!
//! PostgreSQL has its own tools for both (`pg_dump`, `pg_amcheck`).

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::http::error::ApiError;

/// Up to this size a file is looked through at every start; a larger one only after a crash.
const QUICKLY_CHECKED: u64 = 64 * 1024 * 1024;

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

fn open(path: &Path) -> Result<SqliteConnection, ApiError> {
    let text = path
        .to_str()
        .ok_or_else(|| ApiError::internal("a path that is not UTF-8"))?;
    let mut conn = SqliteConnection::establish(text).map_err(ApiError::internal)?;
    conn.batch_execute("PRAGMA busy_timeout = 5000;")?;
    Ok(conn)
}

/// Writes a consistent copy while others read and write.
///
/// # Errors
/// A file that cannot be read or written.
pub(crate) fn snapshot(path: &Path, into: &Path) -> Result<(), ApiError> {
    let into = into
        .to_str()
        .ok_or_else(|| ApiError::internal("a path that is not UTF-8"))?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<diesel::sql_types::Text, _>(into)
        .execute(&mut open(path)?)?;
    Ok(())
}

/// Looks through the whole file.
///
/// # Errors
/// What is wrong with it, in the database's words.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let said = open(path).and_then(|mut conn| {
        diesel::sql_query("SELECT integrity_check AS line FROM pragma_integrity_check")
            .load::<Said>(&mut conn)
            .map_err(ApiError::internal)
    });
    match said {
        Ok(lines) if lines.iter().all(|said| said.line == "ok") => Ok(()),
        Ok(lines) => Err(lines.into_iter().map(|said| said.line).collect::<Vec<_>>().join("; ")),
        Err(error) => Err(error.to_string()),
    }
}

/// The check of a start: a small file, or one that a crash left behind, is looked through.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_at_start(path: &Path) -> Result<(), String> {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let left_behind = size(Path::new(&format!("{}-wal", path.display())));
    if size(path) > 0 && (size(path) <= QUICKLY_CHECKED || left_behind > 0) {
        check(path)
    } else {
        Ok(())
    }
}
