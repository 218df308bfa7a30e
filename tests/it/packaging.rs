//! The files for those who install and run the service, held against the program: what they name exists in it.
//!
//! `systemd-analyze verify` and `nginx -t` are run by hand when these files change; here they are only read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kakunin::metrics::render;
use kakunin::work::Faults;

use crate::harness::{TestApp, seed};
use crate::mailroom::{entry, mortal, obligation, owned_by, person};
use crate::program::run;
use crate::smtp_server::{Behaviour, FakeSmtp};
use kakunin::domain::vocabulary::ObligationKind::CorrectiveAction;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file for operators, with its text.
fn files() -> Vec<(PathBuf, String)> {
    let mut found = vec![root().join("Containerfile")];
    for directory in ["packaging", "docs/operations"] {
        found.extend(
            fs::read_dir(root().join(directory))
                .unwrap()
                .map(|entry| entry.unwrap().path()),
        );
    }
    assert!(found.len() > 8, "{found:?}");
    found
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

fn text_of(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The help of a command and of all below it.
fn help(command: &[&str], all: &mut String, commands: &mut BTreeSet<String>) {
    let dir = tempfile::tempdir().unwrap();
    let text = run(dir.path(), &[command, &["--help"]].concat()).well();
    if let Some((_, listed)) = text.split_once("Commands:\n") {
        let listed = listed.lines().take_while(|line| !line.trim().is_empty());
        for name in listed.filter_map(|line| line.split_whitespace().next()) {
            if name != "help" {
                let below = [command, &[name]].concat();
                commands.insert(below.join(" "));
                help(&below, all, commands);
            }
        }
    }
    all.push_str(&text);
}

/// The words of a text that begin so, as far as these characters go.
fn words<'t>(text: &'t str, start: &str, of: impl Fn(char) -> bool + Copy) -> BTreeSet<&'t str> {
    text.match_indices(start)
        .map(|(at, _)| {
            let word = &text[at..];
            let rest = &word[start.len()..];
            &word[..start.len() + rest.find(|c| !of(c)).unwrap_or(rest.len())]
        })
        .filter(|word| word.len() > start.len())
        .collect()
}

#[test]
fn every_option_that_is_named_exists() {
    let (mut known, mut commands) = (String::new(), BTreeSet::new());
    help(&[], &mut known, &mut commands);
    assert!(commands.contains("quarantine release"), "{commands:?}");
    let of_variable = |c: char| c.is_ascii_uppercase() || c == '_';
    let of_option = |c: char| c.is_ascii_lowercase() || c == '-';
    let variables = words(&known, "KAKUNIN_", of_variable);
    let options = words(&known, "--", of_option);
    let mut wrong = vec![];
    let mut seen = 0;
    for (path, text) in files() {
        for variable in words(&text, "KAKUNIN_", of_variable) {
            seen += 1;
            if !variables.contains(variable) {
                wrong.push(format!("{}: {variable}", path.display()));
            }
        }
        for line in text.lines() {
            // What stands before the program's name is somebody else's.
            let mut calls = line.split("kakunin ");
            calls.next();
            for call in calls {
                let call = call.split(['`', '|', '#', '\'', '"']).next().unwrap_or_default();
                for option in words(call, "--", of_option) {
                    seen += 1;
                    if !options.contains(option) {
                        wrong.push(format!("{}: {option}", path.display()));
                    }
                }
            }
            let called = line.split("/usr/bin/kakunin ").nth(1);
            let command = called.and_then(|call| call.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next());
            if let Some(command) = command.filter(|command| !command.is_empty() && !command.starts_with('-')) {
                seen += 1;
                if !commands.contains(command) {
                    wrong.push(format!("{}: kakunin {command}", path.display()));
                }
            }
        }
    }
    assert!(seen > 40, "only {seen} names were found");
    assert!(wrong.is_empty(), "the program has no\n{}", wrong.join("\n"));
}

db_test!(every_figure_is_documented_and_every_alarm_has_its_figure, |app| {
    // Each family of figures has one at least.
    let relay = FakeSmtp::start(Behaviour::ok());
    let owner = person(&app, 1, true);
    let entry = entry(&app, 1, seed::MAYOR, owned_by(&owner));
    obligation(&app, 1, seed::MAYOR, &entry, CorrectiveAction, "2027-04-15");
    app.anon().get("/health/live").await.expect(200);
    mortal(&app, &relay, Faults::default()).tick().await.unwrap();
    waiting(&app);
    let text = render(&app.app).unwrap();
    let exported: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            format!("{name}{}", if kind == "counter" { "_total" } else { "" })
        })
        .collect();
    let page = text_of("docs/operations/monitoring.md");
    let documented: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| line.split(['`', '{']).next().unwrap().to_owned())
        .collect();
    assert_eq!(exported, documented);

    let alarms = text_of("packaging/alerts.yml");
    let expressions: Vec<&str> = alarms
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .collect();
    assert!(expressions.len() > 8, "{alarms}");
    for expression in expressions {
        let named = exported.iter().any(|name| expression.contains(name.as_str()));
        assert!(named, "no figure of ours in {expression}");
        for word in expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            let base = ["_count", "_bucket", "_sum"]
                .iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word);
            if word.contains('_') && !["histogram_quantile"].contains(&word) {
                assert!(exported.contains(base), "{word} of {expression} is not exported");
            }
        }
    }
});

/// A mail on its way, so that messages are counted.
fn waiting(app: &TestApp) {
    use diesel::prelude::*;
    use kakunin::db::schema::messages;
    app.db(|conn| {
        diesel::update(messages::table)
            .set(messages::state.eq("queued"))
            .execute(conn)
    });
}

#[test]
fn the_unit_gives_the_service_no_more_than_it_needs() {
    let unit = text_of("packaging/kakunin.service");
    for line in [
        "ExecStart=/usr/bin/kakunin serve",
        "DynamicUser=yes",
        "StateDirectory=kakunin",
        "LoadCredential=master.key:/etc/kakunin/master.key",
        "Environment=KAKUNIN_MASTER_KEY_FILE=%d/master.key",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
    ] {
        assert!(unit.lines().any(|found| found == line), "no {line}");
    }
    // Requests may take 25 seconds to end, and the worker as many.
    assert!(unit.lines().any(|line| line == "TimeoutStopSec=60"));
    assert!(
        !unit.contains("PASSWORD") && !unit.contains("SECRET"),
        "secrets come as credentials"
    );
}

#[test]
fn the_proxy_lets_through_what_the_service_takes_and_nothing_else() {
    let proxy = text_of("packaging/nginx.conf");
    for line in [
        "client_max_body_size 26m;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "access_log /var/log/nginx/kakunin.log kakunin if=$kakunin_logged;",
    ] {
        assert!(proxy.lines().any(|found| found.trim() == line), "no {line}");
    }
    assert!(!proxy.contains("9464"), "the figures stay inside");
    // The size and time of every door that takes files, in the block that opens it.
    for (door, size) in [
        ("location = /api/v1/files {", "26m"),
        ("location /r/ {", "510m"),
        ("location ~ ^(/api/v1)?/imports$ {", "11m"),
    ] {
        let (_, after) = proxy.split_once(door).unwrap_or_else(|| panic!("no {door}"));
        let (block, _) = after.split_once('}').unwrap();
        let size = format!("client_max_body_size {size};");
        for line in [
            size.as_str(),
            "proxy_read_timeout 190s;",
            "proxy_request_buffering off;",
        ] {
            assert!(block.contains(line), "{door} {line}");
        }
    }
}

#[test]
fn the_container_runs_as_nobody() {
    let file = text_of("Containerfile");
    let user = file.lines().position(|line| line == "USER 10001:10001").unwrap();
    let start = file.lines().position(|line| line.starts_with("ENTRYPOINT")).unwrap();
    assert!(user < start && file.contains("HEALTHCHECK"));
}
