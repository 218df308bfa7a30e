//! Database failures as answers: a broken unique key becomes a named conflict, everything else is ours to fix.

use diesel::result::{DatabaseErrorKind, Error};

use crate::http::error::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound => Self::NotFound,
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::duplicate(&unique_key(info.constraint_name(), info.message()))
            }
            Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Unavailable,
            Error::DatabaseError(_, info) if info.message().contains("database is locked") => Self::Unavailable,
            _ => Self::internal(error),
        }
    }
}

impl From<diesel::r2d2::PoolError> for ApiError {
    fn from(error: diesel::r2d2::PoolError) -> Self {
        tracing::error!(%error, "no database connection is free");
        Self::Unavailable
    }
}

/// The name of a unique key, `<table>_<columns>_key`, on either backend.
///
/// PostgreSQL names the constraint. SQLite says only `UNIQUE constraint failed: t.a, t.b`, so the same name is rebuilt
/// from it; constraints are never named by hand. The tenant's column is left out of both.
fn unique_key(constraint: Option<&str>, message: &str) -> String {
    let name = constraint.map_or_else(
        || {
            let columns = message.rsplit(": ").next().unwrap_or_default();
            let mut parts = columns.split(", ").filter_map(|column| column.split_once('.'));
            let Some((table, first)) = parts.next() else {
                return String::new();
            };
            let columns: Vec<&str> = std::iter::once(first).chain(parts.map(|(_, column)| column)).collect();
            format!("{table}_{}_key", columns.join("_"))
        },
        str::to_owned,
    );
    name.replace("_local_government_id", "")
}

#[cfg(test)]
mod tests {
    use super::unique_key;

    #[test]
    fn both_databases_name_a_unique_key_alike() {
        assert_eq!(
            unique_key(Some("people_local_government_id_employee_code_key"), "…"),
            "people_employee_code_key"
        );
        let message = "UNIQUE constraint failed: people.local_government_id, people.employee_code";
        assert_eq!(unique_key(None, message), "people_employee_code_key");
    }
}
