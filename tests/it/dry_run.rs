//! `?dry_run=true` on every write: everything is checked and answered as if, and nothing is written.

use std::collections::BTreeMap;

use actix_web::http::Method;
use diesel::prelude::*;
use diesel::sql_types::Text;
use kakunin::db::Conn;
use serde_json::{Value, json};

use crate::access::records::Records;
use crate::files;
use crate::harness::{Actor, Answered, TestApp, seed};
use crate::openapi::{Operation, operations};

const NUMBER: &str = "7000012050002";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(conn: &mut Conn, query: &str) -> QueryResult<Vec<String>> {
    let lines: Vec<Line> = diesel::sql_query(query).load(conn)?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

/// Every row of every table.
fn everything(app: &TestApp) -> BTreeMap<String, Vec<String>> {
    app.db(|conn| {
        let columns = match conn {
            Conn::Sqlite(_) => {
                "SELECT t.name || ' ' || group_concat('quote(\"' || c.name || '\")', '||'',''||') AS line \
                 FROM sqlite_schema t, pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' GROUP BY t.name"
            }
            Conn::Postgres(_) => {
                "SELECT table_name || ' ' || table_name || '::text' AS line \
                 FROM information_schema.tables WHERE table_schema = 'public'"
            }
        };
        let mut found = BTreeMap::new();
        for table in lines(conn, columns)? {
            let (name, row) = table.split_once(' ').unwrap();
            let rows = lines(conn, &format!("SELECT {row} AS line FROM {name} ORDER BY 1"))?;
            found.insert(name.to_owned(), rows);
        }
        Ok(found)
    })
}

/// Asserts that not one row is another.
#[track_caller]
fn unchanged(app: &TestApp, before: &BTreeMap<String, Vec<String>>) {
    for (table, rows) in everything(app) {
        assert!(
            rows == before[&table],
            "{table} was {:#?}, is {rows:#?}",
            before[&table]
        );
    }
}

/// Every row, once the token is there: it is not what is tried here.
async fn before(app: &TestApp) -> BTreeMap<String, Vec<String>> {
    app.officer().get("/me").await.expect(200);
    everything(app)
}

/// Asserts that the answer is one of a trial.
#[track_caller]
fn tried(answered: Answered, status: u16) -> Answered {
    let answered = answered.expect(status);
    let headers = ["dry-run", "etag", "location"].map(|name| answered.header(name));
    assert_eq!(headers, ["true", "", ""], "{}", answered.call);
    answered
}

/// A body without what each write makes anew.
fn lasting(answered: &Answered) -> Value {
    let mut body = answered.body.clone();
    body.as_object_mut().unwrap().remove("id");
    body
}

db_test!(a_trial_answers_as_if_and_writes_nothing, |app| {
    let officer = app.officer();
    let new = json!({"name": "株式会社みどり情報サービス", "corporate_number": NUMBER});
    let before = before(&app).await;
    assert!(
        before.len() > 50 && before["organizations"].len() == 3,
        "every table is read"
    );
    let trial = tried(officer.post("/contractors?dry_run=true", new.clone()).await, 201);
    unchanged(&app, &before);
    let made = officer.post("/contractors?dry_run=false", new).await.expect(201);
    assert_eq!((lasting(&trial), made.header("dry-run")), (lasting(&made), ""));
    assert_ne!(everything(&app), before);

    let (path, before) = (made.header("location"), everything(&app));
    let patch = json!({"name": "株式会社あお"});
    let trial = officer
        .patch(&format!("{path}?dry_run=true"), &made.etag(), patch)
        .await;
    assert_eq!(tried(trial, 200).text("/name"), "株式会社あお");
    tried(officer.delete(&format!("{path}?dry_run=true"), &made.etag()).await, 204);
    unchanged(&app, &before);
    assert_eq!(officer.get(path).await.expect(200).body, made.body);
});

db_test!(a_trial_finds_what_would_be_wrong, |app| {
    let officer = app.officer();
    let new = json!({"name": "甲", "corporate_number": NUMBER});
    let made = officer.post("/contractors", new.clone()).await.expect(201);
    let reader = app.with_scopes(&["contractors:read"]);
    reader.get("/contractors").await.expect(200);
    let (path, before) = (made.header("location"), everything(&app));
    let taken = officer.post("/contractors?dry_run=true", new).await;
    taken.problem(409, "duplicate_corporate_number");
    let empty = officer.post("/contractors?dry_run=true", json!({"name": ""})).await;
    empty.invalid("/name", "too_short");
    let trial = format!("{path}?dry_run=true");
    let patch = json!({"name": "乙"});
    officer
        .patch(&trial, "", patch.clone())
        .await
        .problem(428, "precondition_required");
    officer
        .patch(&trial, "\"9.ja\"", patch)
        .await
        .problem(412, "stale_version");
    reader.delete(&trial, "*").await.problem(403, "insufficient_scope");
    unchanged(&app, &before);
});

db_test!(a_misspelt_trial_is_not_the_real_thing, |app| {
    let (officer, new) = (app.officer(), json!({"name": "甲"}));
    let before = before(&app).await;
    for query in ["dryrun=true", "dry_run=true&x=1", "Dry_Run=true"] {
        let refused = officer.post(&format!("/contractors?{query}"), new.clone()).await;
        refused.problem(400, "unknown_parameter");
    }
    for query in ["dry_run=yes", "dry_run", "dry_run=true&dry_run=false"] {
        let refused = officer.post(&format!("/contractors?{query}"), new.clone()).await;
        refused.problem(400, "invalid_parameter");
    }
    unchanged(&app, &before);
});

db_test!(a_trial_neither_takes_nor_uses_a_key, |app| {
    let officer = app.officer().header("Idempotency-Key", "1");
    let new = json!({"name": "甲"});
    tried(officer.post("/contractors?dry_run=true", new.clone()).await, 201);
    let made = officer.post("/contractors", new.clone()).await.expect(201);
    let trial = tried(officer.post("/contractors?dry_run=true", new).await, 201);
    for answered in [&made, &trial] {
        assert_eq!(answered.header("idempotency-replayed"), "");
    }
    assert_ne!(trial.id(), made.id());
});

db_test!(a_trial_uses_up_no_number, |app| {
    let officer = app.officer();
    let new = json!({"organization_id": seed::MAYOR, "name": "封入封緘業務"});
    let trial = tried(officer.post("/engagements?dry_run=true", new.clone()).await, 201);
    let made = officer.post("/engagements", new).await.expect(201);
    for answered in [trial, made] {
        assert_eq!(answered.text("/control_number"), "EN-2027-0001");
    }
});

/// Calls a write as a trial.
async fn trial(actor: &Actor<'_>, operation: &Operation, path: &str, body: Value) -> Answered {
    let path = format!("{path}?dry_run=true");
    match operation.method.as_str() {
        _ if operation.id() == "create_file" => {
            let form = files::form(
                &[("organization_id", seed::MAYOR)],
                Some(("覚書.txt", "覚書".as_bytes())),
            );
            actor.raw(Method::POST, &path, files::FORM, &form).await
        }
        "post" => actor.post(&path, body).await,
        "put" => actor.put(&path, "*", body).await,
        "patch" => actor.patch(&path, "*", body).await,
        _ => actor.delete(&path, "*").await,
    }
}

db_test!(every_write_can_be_tried, |app| {
    let mut own = Records::new(&app, app.officer(), seed::MAYOR);
    let (mut done, mut other) = (0, vec![]);
    let can_be_tried = |o: &&Operation| o.parameters().iter().any(|p| p["name"] == "dry_run");
    for operation in operations().iter().filter(can_be_tried) {
        // What it refers to is made before.
        let (path, body) = (own.path_of(operation).await, own.body_of(operation).await);
        let actor = own.actor().await;
        let (before, kept) = (everything(&app), files::on_disk(&app));
        let answered = trial(&actor, operation, &path, body).await;
        unchanged(&app, &before);
        assert_eq!(files::on_disk(&app), kept, "{}", operation.id());
        if answered.status < 300 {
            let status = answered.status;
            tried(answered, status);
            done += 1;
        } else {
            assert!(answered.status < 500, "{}: {:#}", answered.call, answered.body);
            other.push(operation.id());
        }
    }
    assert!(done >= 60, "only {done} were tried, not {other:?}");
});

#[test]
fn every_write_says_that_it_can_be_tried() {
    let asking = [
        "evaluate_risk",
        "plan_reminders",
        "preview_policy_version",
        "issue_token",
    ];
    for operation in operations() {
        let writes = operation.method != "get" && !asking.contains(&operation.id());
        let takes = operation.parameters().iter().filter(|p| p["name"] == "dry_run").count();
        assert_eq!(takes, usize::from(writes), "{}", operation.id());
        for (status, response) in operation.json["responses"].as_object().unwrap() {
            let declared = response["headers"].get("Dry-Run").is_some();
            assert_eq!(
                declared,
                writes && status.starts_with('2'),
                "{} {status}",
                operation.id()
            );
        }
    }
}
