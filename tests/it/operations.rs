//! What those who run the service see: readiness with its reasons, the figures, and a log that tells of every request
//! without telling who was written about.

use std::sync::mpsc;
use std::time::Duration;

use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use kakunin::app::App;
use kakunin::db::schema::clock_marks;
use kakunin::db::{Db, Url};
use kakunin::domain::vocabulary::ObligationKind::CorrectiveAction;
use kakunin::metrics::render;
use kakunin::random::Random;
use kakunin::work::Faults;
use serde_json::{Value, json};

use crate::harness::{TestApp, document, seed};
use crate::mailroom::{entry, mortal, obligation, owned_by, person, planner};
use crate::program::{Running, call, kakunin, run, token};
use crate::smtp_server::{At, Behaviour, FakeSmtp, Fault};

/// An obligation of which a step is due on 2027-04-01.
fn due(app: &TestApp) {
    let owner = person(app, 1, true);
    let entry = entry(app, 1, seed::MAYOR, owned_by(&owner));
    obligation(app, 1, seed::MAYOR, &entry, CorrectiveAction, "2027-04-15");
}

/// The value of a figure, named as it stands in the text.
#[track_caller]
fn figure(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
}

db_test!(a_planner_that_leaves_due_steps_alone_is_not_ready, |app| {
    due(&app);
    app.anon().get("/health/ready").await.expect(200);
    app.at("2027-04-01T09:15");
    app.anon().get("/health/ready").await.expect(200);
    app.at("2027-04-01T09:16");
    let behind = app.anon().get("/health/ready").await.problem(503, "planner_behind");
    assert_eq!(behind.header("retry-after"), "60");
    assert_eq!(figure(&render(&app.app).unwrap(), "planner_lag_seconds"), "960");
    planner(&app).tick().await.unwrap();
    app.anon().get("/health/ready").await.expect(200);
    assert_eq!(figure(&render(&app.app).unwrap(), "planner_lag_seconds"), "0");
});

db_test!(only_a_process_that_plans_answers_for_the_plan, |app| {
    due(&app);
    app.at("2027-04-01T12:00");
    let app = app.with_config(|config| config.plans = false).await;
    app.anon().get("/health/ready").await.expect(200);
});

db_test!(in_quarantine_nothing_is_meant_to_be_planned, |app| {
    due(&app);
    planner(&app).tick().await.unwrap();
    app.db(|conn| {
        diesel::update(clock_marks::table.find(1))
            .set(clock_marks::quarantined_at.eq(Some(app.clock.now())))
            .execute(conn)
    });
    // The next step is due on the 8th, and nobody plans it.
    app.at("2027-04-08T12:00");
    app.anon().get("/health/ready").await.expect(200);
    let text = render(&app.app).unwrap();
    assert_eq!(figure(&text, "quarantined"), "1");
    assert_ne!(figure(&text, "planner_lag_seconds"), "0");
});

db_test!(a_disk_with_too_little_room_is_not_ready, |app| {
    let app = app.with_config(|config| config.disk_reserve = u64::MAX).await;
    app.anon().get("/health/ready").await.problem(503, "disk_nearly_full");
    app.anon().get("/health/live").await.expect(200);
});

db_test!(a_schema_that_is_behind_is_not_ready, |app| {
    app.db(|conn| {
        conn.batch_execute(
            "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT MAX(version) FROM __diesel_schema_migrations)",
        )
    });
    app.anon().get("/health/ready").await.problem(503, "migrations_pending");
});

db_test!(a_database_that_does_not_answer_is_not_ready, |app| {
    // Its only connection is busy, as one is that hangs.
    let db = Db::open(app.app.db.url(), 1, Duration::from_millis(200)).unwrap();
    let stuck = App::new(db.clone(), app.clock.clone(), Random::seeded(2), app.app.config.clone()).unwrap();
    let service = init_service(kakunin::http::application(stuck.clone(), document())).await;
    let (taken, is_taken) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let holder = std::thread::spawn(move || {
        db.write(|_| {
            taken.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        })
    });
    is_taken.recv().unwrap();
    let request = TestRequest::get().uri("/health/ready").to_request();
    let answer = call_service(&service, request).await;
    assert_eq!(answer.status().as_u16(), 503);
    let body: Value = read_body_json(answer).await;
    assert_eq!(body["code"], "database_down", "{body:#}");
    // SQLite's readers are other connections than its writer.
    if matches!(app.app.db.url(), Url::Postgres(_)) {
        assert_eq!(figure(&render(&stuck).unwrap(), "database_up"), "0");
    }
    release.send(()).unwrap();
    holder.join().unwrap().unwrap();
    assert_eq!(figure(&render(&stuck).unwrap(), "database_up"), "1");
});

db_test!(the_figures_follow_a_mail_from_its_plan_to_its_end, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    relay.script([
        Behaviour::at(At::Rcpt, Fault::Refuse(450)),
        Behaviour::at(At::AfterDot, Fault::Close),
    ]);
    due(&app);
    let hands = mortal(&app, &relay, Faults::default());
    hands.tick().await.unwrap();
    let text = render(&app.app).unwrap();
    assert_eq!(
        figure(&text, "mail_attempts_total{phase=\"rcpt_to\",code=\"450\"}"),
        "1"
    );
    assert_eq!(figure(&text, "outbox_messages{kind=\"digest\",state=\"queued\"}"), "1");
    assert_eq!(figure(&text, "outbox_oldest_ready_seconds"), "0");
    assert_eq!(figure(&text, "worker_ticks_total{part=\"mails\",result=\"ok\"}"), "1");
    assert_eq!(figure(&text, "clock_jump_total"), "0");
    app.at("2027-04-01T09:10");
    assert!(
        figure(&render(&app.app).unwrap(), "outbox_oldest_ready_seconds")
            .parse::<i64>()
            .unwrap()
            > 400,
        "it could have left minutes ago"
    );
    hands.tick().await.unwrap();
    let text = render(&app.app).unwrap();
    assert_eq!(figure(&text, "mail_attempts_total{phase=\"dot\",code=\"none\"}"), "1");
    assert_eq!(figure(&text, "outbox_in_doubt"), "1");
    assert_eq!(figure(&text, "clock_jump_total"), "1", "ten minutes passed in none");
    app.at("2027-04-01T09:30");
    hands.tick().await.unwrap();
    let text = render(&app.app).unwrap();
    assert_eq!(figure(&text, "mail_attempts_total{phase=\"dot\",code=\"250\"}"), "1");
    assert_eq!(
        (figure(&text, "outbox_in_doubt"), figure(&text, "outbox_dead")),
        ("0".to_owned(), "0".to_owned())
    );
    assert_eq!(figure(&text, "obligations_open{kind=\"corrective_action\"}"), "1");
    assert_eq!(figure(&text, "obligations_overdue{kind=\"corrective_action\"}"), "0");
    app.at("2027-04-16T09:00");
    let text = render(&app.app).unwrap();
    assert_eq!(figure(&text, "obligations_overdue{kind=\"corrective_action\"}"), "1");
});

db_test!(requests_are_counted_by_template_and_name_nobody, |app| {
    let person = crate::engagements::person(&app);
    let officer = app.officer();
    officer.get(&format!("/people/{person}")).await.expect(200);
    officer.get("/people?q=%E8%A6%8B%E6%9C%AC").await.expect(200);
    app.anon().get("/nothing/of/the/kind").await.expect(404);
    app.anon().get("/people").await.expect(401);
    let text = render(&app.app).unwrap();
    let count = |labels: &str| figure(&text, &format!("http_request_duration_seconds_count{{{labels}}}"));
    assert_eq!(
        count("method=\"GET\",route=\"/api/v1/people/{person_id}\",status=\"2xx\""),
        "1"
    );
    assert_eq!(count("method=\"GET\",route=\"/api/v1/people\",status=\"4xx\""), "1");
    assert_eq!(count("method=\"GET\",route=\"none\",status=\"4xx\""), "1");
    assert_eq!(figure(&text, "panics_total"), "0");
    for secret in [
        person.as_str(),
        seed::MOTOSU,
        seed::MOTOSU_CLIENT,
        "本巣",
        "見本",
        "nothing/of",
        "@",
    ] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
});

/// What must never stand in a log, under the name by which a failure tells it.
fn secrets_of(found: &[(&'static str, String)], log: &str) -> Vec<&'static str> {
    let told = found.iter().filter(|(_, secret)| log.contains(secret));
    told.map(|(name, _)| *name).collect()
}

#[test]
fn the_log_tells_of_every_request_and_of_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mails = dir.path().join("mail");
    let mails = mails.to_str().unwrap();
    let address = "canary.person@city.example.lg.jp";
    let arguments = [
        "init",
        "--code",
        "212181",
        "--profile",
        "motosu",
        "--mail-dir",
        mails,
        "--person-email",
        address,
        "--person-name",
        "金糸雀花子",
    ];
    let made = run(dir.path(), &arguments);
    let (id, secret) = (made.value("client_id:"), made.value("client_secret:"));
    let mut command = kakunin(dir.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
    command.args(["--mail-dir", mails, "--log", "kakunin=trace,info", "--log-json"]);
    let mut running = Running::follow_log(command);
    let metrics = address_in(&running.line_with("telling figures"), "metrics");
    let api = address_in(&running.line_with("listening"), "address");

    let (_, answer) = token(&api, &id, &secret);
    let access_token = answer["access_token"].as_str().unwrap().to_owned();
    for path in [
        "/api/v1/people?q=%E9%87%91%E7%B3%B8%E9%9B%80",
        "/api/v1/people?email=canary.query%40city.example.lg.jp",
        "/api/v1/contractors/canarycontractor",
        "/calendar/canarycalendarlink.ics",
        "/r/canaryownerlink",
        "/canaryunknownpath",
    ] {
        call(&api, Some(&access_token), path, None);
    }
    call(&api, Some("canarybadtoken"), "/api/v1/people", None);
    token(&api, &id, "canarybadsecret");
    let (status, _) = call(&metrics, None, "/health/ready", None);
    assert_eq!(status, 200);
    let (status, _) = call(&metrics, None, "/api/v1/people", None);
    assert_eq!(status, 404, "the figures' listener is not the API's");

    let log = running.rest();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<&Value> = lines
        .iter()
        .map(|line| &line["fields"])
        .filter(|fields| fields["message"] == "request")
        .collect();
    let told = |route: &str, status: u64| {
        requests
            .iter()
            .find(|fields| fields["route"] == route && fields["status"] == status)
            .unwrap_or_else(|| panic!("no {route} {status} in\n{log}"))
    };
    let listed = told("/api/v1/people", 400);
    assert_eq!(
        (listed["method"].as_str(), listed["client_id"].as_str()),
        (Some("GET"), Some(id.as_str()))
    );
    assert!(listed["ms"].is_u64() && listed["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(told("/api/v1/people", 401)["client_id"], Value::Null);
    told("/oauth/token", 200);
    told("/oauth/token", 401);
    told("/calendar/{feed_token}.ics", 404);
    told("none", 404);

    let secrets = [
        ("client secret", secret),
        ("access token", access_token),
        ("name", "金糸雀".to_owned()),
        ("address", address.to_owned()),
        ("query", "%E9%87%91".to_owned()),
        ("query", "canary.query".to_owned()),
        ("path", "canarycontractor".to_owned()),
        ("calendar link", "canarycalendarlink".to_owned()),
        ("owner's link", "canaryownerlink".to_owned()),
        ("unknown path", "canaryunknownpath".to_owned()),
        ("bad token", "canarybadtoken".to_owned()),
        ("bad secret", "canarybadsecret".to_owned()),
    ];
    assert_eq!(secrets_of(&secrets, &log), Vec::<&str>::new(), "{log}");
    let found = secrets_of(&secrets, &json!({"text": address}).to_string());
    assert_eq!(found, ["address"], "the search finds what is there");
}

/// The base address of a listener in a line of the log.
fn address_in(line: &str, field: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap();
    format!("http://{}", line["fields"][field].as_str().unwrap())
}

#[test]
fn a_port_for_figures_that_is_taken_ends_the_start_with_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(
        dir.path(),
        &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &address],
    );
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("choose another --metrics-listen"), "{}", ended.err);
}

#[test]
fn doctor_looks_at_the_running_service_the_key_and_the_backup() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["init", "--code", "212181", "--profile", "motosu"]).value("client_id:");
    let mut command = kakunin(dir.path());
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--log-json",
    ]);
    let mut running = Running::follow_log(command);
    let metrics = address_in(&running.line_with("telling figures"), "metrics");
    let address = metrics.strip_prefix("http://").unwrap();
    running.line_with("listening");
    let doctor = |arguments: &[&str]| run(dir.path(), &[&["doctor"], arguments].concat());
    let out = doctor(&["--metrics-listen", address]).out;
    for line in [
        "ok  service: ready",
        "ok  key file: ",
        "ok  disk: ",
        "ok  planner: ",
        "ok  outbox: 0 wait, 0 in doubt, 0 given up",
        "ok  backup: `kakunin backup` has made none here",
    ] {
        assert!(out.lines().any(|found| found.starts_with(line)), "no {line} in {out}");
    }
    let alone = doctor(&["--metrics-listen", address, "--only-service"]);
    assert_eq!((alone.code, alone.out.lines().count()), (Some(0), 1), "{}", alone.out);

    let archive = dir.path().join("backup.tar");
    run(dir.path(), &["backup", archive.to_str().unwrap()]).well();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = dir.path().join("master.key");
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let out = doctor(&["--disk-reserve-mib", "99999999999"]).out;
    for line in ["NG  key file: ", "NG  disk: ", "ok  backup: the last one is 0 days old"] {
        assert!(out.lines().any(|found| found.starts_with(line)), "no {line} in {out}");
    }
    std::fs::write(dir.path().join("backup.made"), "2020-01-01T00:00:00.000000Z\n").unwrap();
    assert!(doctor(&[]).out.contains("NG  backup: the last one is "));

    drop(running);
    let gone = doctor(&["--metrics-listen", address, "--only-service"]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.out.starts_with("NG  service: nobody answers at "), "{}", gone.out);
}

#[test]
fn a_mail_that_came_back_is_read_from_standard_input() {
    use std::io::Write;
    use std::process::Stdio;

    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["init", "--code", "212181", "--profile", "motosu"]).value("client_id:");
    let mut command = kakunin(dir.path());
    command.args(["--bounce-address", "bounces@example.lg.jp", "bounce"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"To: bounces@example.lg.jp\nSubject: away\n\nI am on holiday.\n")
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert!(
        String::from_utf8(ended.stdout)
            .unwrap()
            .starts_with("This is no report")
    );
    let refused = run(dir.path(), &["bounce", "--forget", "nobody@example.lg.jp"]).refused();
    assert!(refused.contains("was not given up"), "{refused}");
}
