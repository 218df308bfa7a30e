//! Both databases have the same shape, the one that the program thinks they have.

use std::collections::{BTreeMap, BTreeSet};

use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use kakunin::db::{Conn, migrate};

use crate::harness::{Backend, Database};

/// Table and column, and whether it must have a value.
type Columns = BTreeMap<(String, String), bool>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn columns(conn: &mut Conn) -> Columns {
    let rows: Vec<Column> = match conn {
        Conn::Sqlite(conn) => diesel::sql_query(
            "SELECT t.name AS \"table\", c.name AS name, (c.\"notnull\" <> 0) AS required \
             FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .load(conn)
        .unwrap(),
        Conn::Postgres(conn) => diesel::sql_query(
            "SELECT table_name::text AS \"table\", column_name::text AS name, (is_nullable = 'NO') AS required \
             FROM information_schema.columns WHERE table_schema = 'public'",
        )
        .load(conn)
        .unwrap(),
    };
    rows.into_iter()
        .filter(|row| row.table != "__diesel_schema_migrations")
        .map(|row| ((row.table, row.name), row.required))
        .collect()
}

fn migrated(backend: Backend) -> (Conn, Database) {
    let database = Database::empty(backend);
    let mut conn = database.connect();
    up(&mut conn);
    (conn, database)
}

fn up(conn: &mut Conn) {
    match conn {
        Conn::Sqlite(conn) => conn
            .run_pending_migrations(migrate::SQLITE)
            .map(|ran| ran.len())
            .unwrap(),
        Conn::Postgres(conn) => conn
            .run_pending_migrations(migrate::POSTGRES)
            .map(|ran| ran.len())
            .unwrap(),
    };
}

/// What `src/db/schema.rs` says, read from its text: `column -> Nullable<…>` below `table (…) {`.
fn declared() -> Columns {
    let text = include_str!("../../src/db/schema.rs");
    let (mut table, mut columns) = (String::new(), Columns::new());
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            name.clone_into(&mut table);
        } else if let Some((column, kind)) = line.split_once(" -> ") {
            columns.insert((table.clone(), column.to_owned()), !kind.starts_with("Nullable<"));
        }
    }
    columns
}

fn names(migrations: &EmbeddedMigrations) -> Vec<String> {
    let all: Vec<Box<dyn Migration<Sqlite>>> = migrations.migrations().unwrap();
    all.iter().map(|migration| migration.name().to_string()).collect()
}

#[test]
fn both_databases_have_the_columns_that_the_program_thinks_they_have() {
    let declared = declared();
    assert!(declared.len() > 200, "the text of schema.rs was read");
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let found = columns(&mut migrated(backend).0);
        let missing: Vec<_> = declared
            .iter()
            .filter(|(column, must)| found.get(*column) != Some(must))
            .collect();
        let extra: Vec<_> = found
            .iter()
            .filter(|(column, _)| !declared.contains_key(*column))
            .collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{backend:?}: not there {missing:?}, not declared {extra:?}"
        );
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    assert_eq!(names(&migrate::SQLITE), names(&migrate::POSTGRES));
}

#[test]
fn every_migration_can_be_taken_back_and_run_again() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let (mut conn, _database) = migrated(backend);
        let before = columns(&mut conn);
        match &mut conn {
            Conn::Sqlite(conn) => conn
                .revert_all_migrations(migrate::SQLITE)
                .map(|ran| ran.len())
                .unwrap(),
            Conn::Postgres(conn) => conn
                .revert_all_migrations(migrate::POSTGRES)
                .map(|ran| ran.len())
                .unwrap(),
        };
        assert_eq!(columns(&mut conn), Columns::new(), "{backend:?}");
        up(&mut conn);
        assert_eq!(columns(&mut conn), before, "{backend:?}");
    }
}

/// The indexes of a table, by name.
fn indexes(conn: &mut Conn) -> BTreeSet<String> {
    let rows: Vec<Name> = match conn {
        Conn::Sqlite(conn) => {
            diesel::sql_query("SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%'")
                .load(conn)
                .unwrap()
        }
        // Those of primary and unique keys have no name in SQLite.
        Conn::Postgres(conn) => diesel::sql_query(
            "SELECT indexname::text AS name FROM pg_indexes WHERE schemaname = 'public' \
             AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key'",
        )
        .load(conn)
        .unwrap(),
    };
    rows.into_iter().map(|row| row.name).collect()
}

#[test]
fn both_databases_have_the_same_indexes() {
    assert_eq!(
        indexes(&mut migrated(Backend::Sqlite).0),
        indexes(&mut migrated(Backend::Postgres).0)
    );
}
