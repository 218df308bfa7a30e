//! Backup, restore, and the quarantine of a database that has gone back in time.

use std::fs;
use std::path::Path;

use diesel::prelude::*;
use kakunin::db::schema::{obligations, reminder_items};
use kakunin::domain::vocabulary::ObligationKind;
use kakunin::work::quarantine::{quarantine, release};

use crate::harness::{TestApp, seed};
use crate::mailroom::{self, day, owned_by, worker};
use crate::program::{Ended, Running, kakunin, run, run_with, text_of};
use crate::smtp_server::{Behaviour, FakeSmtp};

fn quarantined(app: &TestApp) -> Option<String> {
    app.app.db.read(quarantine).unwrap().map(|held| held.reason)
}

/// Takes the database back to before anything was sent, as a copy of then would be.
fn go_back(app: &TestApp, head: (i64, String), steps: &[(String, Option<chrono::NaiveDate>)]) {
    app.db(|conn| {
        for statement in [
            "DELETE FROM message_attempts".to_owned(),
            "DELETE FROM reminder_items".to_owned(),
            "DELETE FROM links".to_owned(),
            "DELETE FROM messages".to_owned(),
            format!(
                "DELETE FROM journal_payloads WHERE seq > {} AND local_government_id = '{}'",
                head.0,
                seed::MOTOSU
            ),
            format!(
                "DELETE FROM journal WHERE seq > {} AND local_government_id = '{}'",
                head.0,
                seed::MOTOSU
            ),
            format!(
                "UPDATE journal_heads SET seq = {}, hash = '{}' WHERE local_government_id = '{}'",
                head.0,
                head.1,
                seed::MOTOSU
            ),
        ] {
            diesel::sql_query(statement).execute(conn)?;
        }
        for (id, next_step_on) in steps {
            diesel::update(obligations::table.find((seed::MOTOSU, id)))
                .set((
                    obligations::last_stage.eq(None::<String>),
                    obligations::next_step_on.eq(next_step_on),
                ))
                .execute(conn)?;
        }
        Ok(())
    });
}

db_test!(a_database_that_went_back_mails_nobody_until_it_is_released, |app| {
    use kakunin::db::schema::journal_heads;
    let relay = FakeSmtp::start(Behaviour::ok());
    let person = mailroom::person(&app, 1, true);
    let entry = mailroom::entry(&app, 1, seed::MAYOR, owned_by(&person));
    let kind = ObligationKind::ContractEnd;
    let obligation = mailroom::obligation(&app, 1, seed::MAYOR, &entry, kind, "2027-04-30");
    let head: (i64, String) = app.db(|conn| {
        journal_heads::table
            .find(seed::MOTOSU)
            .select((journal_heads::seq, journal_heads::hash))
            .first(conn)
    });
    let steps: Vec<(String, Option<chrono::NaiveDate>)> = app.db(|conn| {
        obligations::table
            .filter(obligations::id.eq(&obligation))
            .select((obligations::id, obligations::next_step_on))
            .load(conn)
    });
    let ticked = worker(&app, &relay).tick().await.unwrap();
    assert_eq!((ticked.accepted, quarantined(&app)), (1, None));
    // The marker moves with the next tick, past what was sent.
    worker(&app, &relay).tick().await.unwrap();

    go_back(&app, head, &steps);
    for _ in 0..2 {
        assert_eq!(worker(&app, &relay).tick().await.unwrap().accepted, 0);
    }
    assert_eq!(
        mailroom::received(&relay).len(),
        1,
        "it was sent once before, and never again"
    );
    assert_eq!(
        quarantined(&app).as_deref(),
        Some("the database is older than what was seen of it")
    );

    // Released: what was due until today counts as sent, and is on record as left out.
    let released = release(&app.app, day("2027-04-01")).unwrap();
    assert_eq!((released.cancelled, quarantined(&app)), (1, None));
    let states: Vec<String> = app.db(|conn| reminder_items::table.select(reminder_items::state).load(conn));
    assert!(
        states.iter().all(|state| state == "cancelled" || state == "superseded"),
        "{states:?}"
    );
    assert_eq!(worker(&app, &relay).tick().await.unwrap().accepted, 0);
    assert_eq!(mailroom::received(&relay).len(), 1);
    // The next step of the same date goes out.
    app.at("2027-04-16T09:00");
    assert_eq!(worker(&app, &relay).tick().await.unwrap().accepted, 1);
    assert_eq!(mailroom::received(&relay).len(), 2);
});

fn copied(from: &Path, to: &Path, name: &str) {
    fs::copy(from.join(name), to.join(name)).unwrap();
}

fn motosu() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let ended = run(dir.path(), &["init", "--code", "212181", "--profile", "motosu"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    dir
}

fn said(ended: &Ended) -> String {
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    ended.out.clone()
}

#[test]
fn a_backup_comes_back_in_quarantine_and_only_under_its_key() {
    let (old, new) = (motosu(), tempfile::tempdir().unwrap());
    fs::create_dir_all(old.path().join("files")).unwrap();
    fs::write(old.path().join("files/paper"), b"%PDF-1.7").unwrap();
    // While the service runs.
    let mut command = kakunin(old.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    let mut running = Running::follow_log(command);
    running.line_with("address=");
    let backup = text_of(old.path().join("backup.tar").as_os_str());
    said(&run(old.path(), &["backup", &backup]));
    assert!(
        run(old.path(), &["backup", &backup])
            .refused()
            .contains("exists already")
    );
    assert_eq!(running.terminate(), Some(0));
    let bytes = fs::read(&backup).unwrap();
    let key = fs::read_to_string(old.path().join("master.key")).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("manifest.json") && !holds(key.trim()));

    // Not over what is there, not without the key, not under another.
    let refused = run(old.path(), &["restore", &backup]).refused();
    assert!(refused.contains("--replace"), "{refused}");
    let refused = run(new.path(), &["restore", &backup]).refused();
    assert!(refused.contains("master key"), "{refused}");
    fs::write(new.path().join("master.key"), "0".repeat(64)).unwrap();
    let refused = run(new.path(), &["restore", &backup]).refused();
    assert!(refused.contains("does not open"), "{refused}");
    assert!(!new.path().join("kakunin.db").exists());
    copied(old.path(), new.path(), "master.key");

    let out = said(&run(new.path(), &["restore", &backup]));
    assert!(out.contains("quarantine release"), "{out}");
    assert_eq!(fs::read(new.path().join("files/paper")).unwrap(), b"%PDF-1.7");
    let status = said(&run(new.path(), &["quarantine", "status"]));
    assert!(status.contains("restored from a backup"), "{status}");
    let released = said(&run(
        new.path(),
        &["quarantine", "release", "--sent-until", "2027-04-01"],
    ));
    assert!(released.starts_with("Released"), "{released}");
    let status = said(&run(new.path(), &["quarantine", "status"]));
    assert!(status.contains("no quarantine"), "{status}");
    said(&run(new.path(), &["client", "list", "--code", "212181"]));

    // With --replace the old one stays beside it.
    said(&run(old.path(), &["restore", &backup, "--replace"]));
    assert!(old.path().join("kakunin.db.before-restore-1").exists());
}

#[test]
fn what_is_no_backup_changes_nothing() {
    let (old, new) = (motosu(), tempfile::tempdir().unwrap());
    copied(old.path(), new.path(), "master.key");
    let backup = old.path().join("backup.tar");
    said(&run(old.path(), &["backup", &text_of(backup.as_os_str())]));
    let whole = fs::read(&backup).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (name, bytes) in [
        ("flipped.tar", flipped),
        ("half.tar", whole[..whole.len() / 2].to_vec()),
        ("text.tar", b"no archive at all".to_vec()),
        ("empty.tar", vec![]),
    ] {
        let path = old.path().join(name);
        fs::write(&path, bytes).unwrap();
        let refused = run(new.path(), &["restore", &text_of(path.as_os_str())]).refused();
        assert!(refused.contains("is no backup of kakunin"), "{name}: {refused}");
        assert!(!new.path().join("kakunin.db").exists(), "{name}");
    }
    let postgres = [
        ("KAKUNIN_DATABASE_URL", "postgres://localhost/x"),
        ("KAKUNIN_MASTER_KEY_FILE", "x"),
    ];
    let refused = run_with(new.path(), &postgres, &["backup", "x.tar"]).refused();
    assert!(refused.contains("pg_dump"), "{refused}");
}

#[test]
fn a_damaged_database_stops_the_start_and_names_the_way_back() {
    let dir = motosu();
    let path = dir.path().join("kakunin.db");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    for byte in &mut bytes[at..at + 20_000] {
        *byte ^= 0x55;
    }
    fs::write(&path, &bytes).unwrap();
    let refused = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]).refused();
    assert!(
        refused.contains("is damaged") && refused.contains("kakunin restore"),
        "{refused}"
    );
    fs::write(&path, "not a database, but long enough to be looked at as one").unwrap();
    let refused = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]).refused();
    assert!(refused.contains("is damaged"), "{refused}");
}

#[test]
fn an_export_of_the_journal_is_verified_without_the_database() {
    let (dir, elsewhere) = (motosu(), tempfile::tempdir().unwrap());
    let path = |name: &str| text_of(elsewhere.path().join(name).as_os_str());
    let (export, keys) = (path("audit.ndjson"), path("keys.json"));
    let out = said(&run(
        dir.path(),
        &["export-audit", "--code", "212181", "--out", &export, "--keys", &keys],
    ));
    assert!(out.contains("entries are in"), "{out}");
    let refused = run(dir.path(), &["export-audit", "--code", "122173", "--out", &export]).refused();
    assert!(refused.contains("122173"), "{refused}");
    let out = said(&run(elsewhere.path(), &["verify-audit", &export, "--keys", &keys]));
    assert!(out.starts_with("It holds: entries 1 to"), "{out}");
    assert!(!elsewhere.path().join("kakunin.db").exists(), "it needs no database");
    let mut bytes = fs::read(&export).unwrap();
    let at = bytes.len() / 3;
    bytes[at] ^= 1;
    fs::write(&export, &bytes).unwrap();
    let refused = run(elsewhere.path(), &["verify-audit", &export, "--keys", &keys]).refused();
    assert!(refused.contains("does not hold"), "{refused}");
    let refused = run(elsewhere.path(), &["verify-audit", &export, "--keys", &export]).refused();
    assert!(refused.contains("cannot be read"), "{refused}");
}
