//! The rules that keep the project small enough to hold in one's head, read from its source.

use std::path::Path;

use crate::source::{File, rust_files};

/// The lines of the product below `directory` that hold one of `words`, apart from files that may.
fn lines_with(directory: &str, words: &[&str], may: impl Fn(&File) -> bool) -> Vec<String> {
    let mut found = vec![];
    for file in rust_files(directory).iter().filter(|file| !may(file)) {
        for (number, line) in file.product_lines() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn the_domain_is_pure() {
    let words = [
        "diesel",
        "actix",
        "tokio",
        "crate::db",
        "crate::http",
        "crate::app",
        "crate::clock",
        "std::env",
        "std::fs",
        "std::net",
        "std::time",
        "::now()",
        "rand::",
    ];
    none(
        &lines_with("src/domain", &words, |_| false),
        "src/domain knows no database, no HTTP, no clock, no environment",
    );
}

#[test]
fn every_route_is_in_the_document() {
    let words = [".route(", "web::resource(", "web::scope("];
    none(
        &lines_with("src", &words, |_| false),
        "only #[get] and friends with .service() reach the document",
    );
}

#[test]
fn only_the_database_layer_knows_two_databases() {
    let words = ["Sqlite", "Postgres", "PgConnection"];
    let may = |file: &File| {
        file.path.starts_with("src/db")
            || file.text.contains("on_each_backend")
            // They choose or describe the database of an installation.
            || ["src/cli", "src/demo", "src/config"].iter().any(|prefix| file.path.starts_with(prefix))
    };
    none(
        &lines_with("src", &words, may),
        "only src/db and statements for each backend know the two databases",
    );
}

#[test]
fn every_join_stays_within_the_tenant() {
    let mut found = vec![];
    for file in rust_files("src").iter().filter(|file| !file.path.starts_with("src/db")) {
        // A condition may stand on the line after `.on(`.
        let text: String = file.product_lines().map(|(_, line)| line.trim()).collect();
        for (at, _) in text.match_indices(".on(") {
            let condition: String = text[at + 4..].chars().take(60).collect();
            if !condition.starts_with("on_tenant!") {
                found.push(format!("{}: .on({condition}", file.path));
            }
        }
    }
    none(&found, "a join needs on_tenant!");
}

#[test]
fn the_environment_the_time_and_chance_have_one_door_each() {
    let words = [
        "std::env::var",
        "env::var_os",
        "Utc::now",
        "Local::now",
        "SystemTime::now",
        "new_v4",
        "now_v7",
    ];
    let may = |file: &File| ["src/clock.rs", "src/random.rs"].contains(&file.path.as_str());
    none(
        &lines_with("src", &words, may),
        "read settings from Config, the time from Clock, chance from Random",
    );
}

#[test]
fn no_sql_is_put_together_from_text() {
    let words = ["sql_query(", "sql::<"];
    let may = |file: &File| file.path.starts_with("src/db") || file.path.starts_with("src/cli");
    none(&lines_with("src", &words, may), "queries are written with diesel");
}

#[test]
fn no_file_is_too_long_to_read() {
    let long: Vec<String> = rust_files("src")
        .iter()
        // Tables, and tables of cases.
        .filter(|file| file.path != "src/db/schema.rs" && !file.path.ends_with("/tests.rs"))
        .map(|file| (file.text.lines().count(), file))
        .filter(|(lines, _)| *lines > 600)
        .map(|(lines, file)| format!("{}: {lines} lines", file.path))
        .collect();
    none(&long, "a file has at most 600 lines");
}

#[test]
fn every_file_says_what_is_in_it() {
    let silent: Vec<String> = rust_files("src")
        .into_iter()
        .chain(rust_files("tests"))
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| file.path)
        .collect();
    none(&silent, "a file begins with what is in it");
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    none(
        &lines_with("src", &["#[allow(", "#![allow("], |_| false),
        "#[expect(…, reason = …)] instead of #[allow(…)]",
    );
}

#[test]
fn the_architecture_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    // Every second piece stands between backquotes.
    let named = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| Path::new(code).extension().is_some_and(|end| end == "rs"));
    let (there, gone): (Vec<String>, Vec<String>) = named.map(str::to_owned).partition(|name| {
        [root.join("src"), root.to_owned()]
            .iter()
            .any(|base| base.join(name).is_file())
    });
    assert!(there.len() > 20, "{there:?}");
    none(&gone, "docs/ARCHITECTURE.md names files that are gone");
}
