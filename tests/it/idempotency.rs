//! A POST that is sent again with its `Idempotency-Key`: one effect, one answer, and neither without the other.

use std::collections::HashMap;

use actix_web::http::Method;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::join_all;
use kakunin::db::Conn;
use kakunin::db::schema::{api_clients, contractors, idempotency_keys, journal};
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::access::records::Records;
use crate::engagements;
use crate::files;
use crate::harness::{Actor, Answered, TestApp, seed};
use crate::openapi::operations;

const HEADER: &str = "Idempotency-Key";
const WEEK: i64 = 7 * 24 * 3600;

fn company() -> Value {
    json!({"name": "株式会社みどり情報サービス", "corporate_number": "7000012050002"})
}

fn is_replay(answered: &Answered) -> bool {
    answered.header("idempotency-replayed") == "true"
}

/// Asserts that the second answer is the first, given again.
#[track_caller]
fn same(again: &Answered, first: &Answered) {
    assert!(
        is_replay(again) && !is_replay(first),
        "{}: {:#}",
        again.call,
        again.body
    );
    assert_eq!(
        (again.status, &again.bytes),
        (first.status, &first.bytes),
        "{}",
        again.call
    );
    for name in ["etag", "location", "content-language", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{}: {name}", again.call);
    }
}

fn companies(app: &TestApp) -> i64 {
    app.db(|conn| contractors::table.count().get_result(conn))
}

fn kept(app: &TestApp) -> i64 {
    app.db(|conn| idempotency_keys::table.count().get_result(conn))
}

fn recorded(app: &TestApp) -> i64 {
    app.db(|conn| journal::table.count().get_result(conn))
}

db_test!(a_request_that_is_sent_again_has_its_effect_once, |app| {
    let officer = app.officer().header(HEADER, "R9-0001");
    let first = officer.post("/contractors", company()).await.expect(201);
    let before = recorded(&app);
    same(&officer.post("/contractors", company()).await, &first);
    let quoted = app.officer().header(HEADER, "\"R9-0001\"");
    same(&quoted.post("/contractors", company()).await, &first);
    // Whoever asks again is answered as the first time, also in its language.
    same(
        &officer.clone().lang("en").post("/contractors", company()).await,
        &first,
    );
    assert_eq!((companies(&app), recorded(&app)), (1, before));

    // The record lives on; the answer is what it was.
    let patch = json!({"name": "株式会社あお"});
    officer
        .patch(first.header("location"), &first.etag(), patch)
        .await
        .expect(200);
    same(&officer.post("/contractors", company()).await, &first);

    // Without the key it is another request.
    app.officer()
        .post("/contractors", company())
        .await
        .problem(409, "duplicate_corporate_number");
});

db_test!(a_key_belongs_to_one_client, |app| {
    let first = app
        .officer()
        .header(HEADER, "1")
        .post("/contractors", json!({"name": "甲"}))
        .await;
    first.expect(201);
    for other in [app.limited(&[seed::MAYOR]), app.stranger()] {
        let made = other
            .header(HEADER, "1")
            .post("/contractors", json!({"name": "甲"}))
            .await;
        assert!(!is_replay(&made.expect(201)));
    }
    assert_eq!((companies(&app), kept(&app)), (3, 3));
});

db_test!(a_key_belongs_to_one_request, |app| {
    let officer = app.officer().header(HEADER, "1");
    officer.post("/contractors", json!({"name": "甲"})).await.expect(201);
    let person = engagements::person(&app);
    let before = recorded(&app);
    let others = [
        officer.post("/contractors", json!({"name": "乙"})).await,
        officer.post("/people", json!({"name": "甲"})).await,
        officer
            .clone()
            .acting(&person)
            .post("/contractors", json!({"name": "甲"}))
            .await,
    ];
    for other in others {
        other.problem(422, "idempotency_key_reused");
    }
    let english = officer.lang("en").post("/contractors", json!({"name": "乙"})).await;
    assert!(
        english
            .problem(422, "idempotency_key_reused")
            .text("/detail")
            .is_ascii()
    );
    assert_eq!((companies(&app), kept(&app), recorded(&app)), (1, 1, before));
});

db_test!(a_replay_shows_nothing_that_the_token_may_not_see, |app| {
    let id = app.client(seed::MOTOSU, &seed::all_scopes(), None);
    let department = json!({"organization_id": seed::MAYOR, "code": "0101", "name": "総務課"});
    let client = app.client_actor(&id).header(HEADER, "1");
    client.post("/departments", department.clone()).await.expect(201);
    app.db(|conn| {
        let assembly_only = serde_json::to_string(&[seed::ASSEMBLY]).unwrap();
        diesel::update(api_clients::table.filter(api_clients::id.eq(&id)))
            .set(api_clients::organization_ids.eq(assembly_only))
            .execute(conn)
    });
    // A new token knows of it.
    app.clock.set(app.clock.now().plus_seconds(600));
    let refused = client.post("/departments", department).await;
    refused.problem(422, "idempotency_key_reused");
});

db_test!(a_request_that_failed_may_be_corrected, |app| {
    let officer = app.officer().header(HEADER, "1");
    officer.post("/contractors", json!({"name": ""})).await.expect(422);
    let taken = app.officer().post("/contractors", company()).await.expect(201);
    officer
        .post("/contractors", company())
        .await
        .problem(409, "duplicate_corporate_number");
    assert_eq!(kept(&app), 0, "no problem is kept");
    let made = officer.post("/contractors", json!({"name": "甲"})).await.expect(201);
    assert!(!is_replay(&made) && made.id() != taken.id());
    assert_eq!(kept(&app), 1);
});

db_test!(a_key_that_cannot_be_one_is_refused, |app| {
    let longest = "k".repeat(255);
    let made = app
        .officer()
        .header(HEADER, &longest)
        .post("/contractors", company())
        .await;
    made.expect(201);
    for key in ["", "a b", "\"a", &"k".repeat(256)] {
        let refused = app
            .officer()
            .header(HEADER, key)
            .post("/contractors", json!({"name": "甲"}))
            .await;
        refused.problem(400, "invalid_idempotency_key");
    }
    assert_eq!((companies(&app), kept(&app)), (1, 1));
});

db_test!(requests_that_come_at_once_have_one_effect, |app| {
    let officer = app.officer().header(HEADER, "1");
    // The token first: it is not what is tried here.
    officer.get("/me").await.expect(200);
    let answers = join_all((0..6).map(|_| officer.post("/contractors", company()))).await;
    let (again, first): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_replay);
    assert_eq!((first.len(), again.len(), companies(&app)), (1, 5, 1));
    for answered in &again {
        same(answered, &first[0]);
    }
});

/// From now on the commit of a transaction that registers a contractor fails, by a key that is checked there only.
fn doom(conn: &mut Conn) -> QueryResult<()> {
    let tables = "CREATE TABLE doom_parents (id INTEGER PRIMARY KEY); \
         CREATE TABLE dooms (id INTEGER REFERENCES doom_parents (id) DEFERRABLE INITIALLY DEFERRED);";
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute(&format!(
            "{tables} CREATE TRIGGER doomed AFTER INSERT ON contractors BEGIN INSERT INTO dooms VALUES (1); END"
        )),
        Conn::Postgres(conn) => conn.batch_execute(&format!(
            "{tables} CREATE RULE doomed AS ON INSERT TO contractors DO ALSO INSERT INTO dooms VALUES (1)"
        )),
    }
}

fn save(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute("DROP TRIGGER doomed"),
        Conn::Postgres(conn) => conn.batch_execute("DROP RULE doomed ON contractors"),
    }
}

db_test!(an_effect_and_its_answer_are_committed_together, |app| {
    let officer = app.officer().header(HEADER, "1");
    let before = recorded(&app);
    app.db(doom);
    for _ in 0..2 {
        let failed = officer.post("/contractors", company()).await;
        failed.problem(500, "internal_error");
        assert_eq!((companies(&app), kept(&app), recorded(&app)), (0, 0, before));
    }
    app.db(save);
    let first = officer.post("/contractors", company()).await.expect(201);
    same(&officer.post("/contractors", company()).await, &first);
    assert_eq!(companies(&app), 1);
});

db_test!(an_answer_is_kept_sealed_and_opens_at_its_place_only, |app| {
    let officer = app.officer().header(HEADER, "1");
    let new = json!({"name": "財務会計システム", "scopes": ["entries:read"]});
    let first = officer.post("/api-clients", new.clone()).await.expect(201);
    same(&officer.post("/api-clients", new.clone()).await, &first);
    let sealed: Vec<u8> = app.db(|conn| {
        idempotency_keys::table
            .select(idempotency_keys::sealed_answer)
            .first(conn)
    });
    let text = String::from_utf8_lossy(&sealed).into_owned();
    for clear in [first.text("/client_secret"), "client_secret", "201", "財務会計"] {
        assert!(!text.contains(clear), "{clear}");
    }
    // Whoever can write the table cannot have one key answered by what belongs to another.
    app.db(|conn| {
        diesel::update(idempotency_keys::table)
            .set(idempotency_keys::key.eq("2"))
            .execute(conn)
    });
    let moved = app.officer().header(HEADER, "2").post("/api-clients", new).await;
    moved.problem(500, "internal_error");
});

db_test!(an_answer_is_kept_for_seven_days, |app| {
    let start = app.clock.now();
    let first = app
        .officer()
        .header(HEADER, "1")
        .post("/contractors", json!({"name": "甲"}))
        .await;
    let first = first.expect(201);
    app.officer()
        .header(HEADER, "2")
        .post("/contractors", json!({"name": "乙"}))
        .await
        .expect(201);
    let worker = Worker::new(app.app.clone()).unwrap();

    app.clock.set(kakunin::clock::Instant(start.plus_seconds(WEEK).0 - 1));
    let officer = app.officer().header(HEADER, "1");
    assert_eq!(worker.tick().await.unwrap().forgotten, 0);
    same(&officer.post("/contractors", json!({"name": "甲"})).await, &first);

    // At its second it is over, also when the worker is late.
    app.clock.set(start.plus_seconds(WEEK));
    let again = officer.post("/contractors", json!({"name": "甲"})).await.expect(201);
    assert!(!is_replay(&again) && again.id() != first.id());
    assert_eq!(kept(&app), 2);
    assert_eq!(worker.tick().await.unwrap().forgotten, 1, "that of the other key");
    assert_eq!(kept(&app), 1);
    same(&officer.post("/contractors", json!({"name": "甲"})).await, &again);
});

/// Sends a file in a form of this boundary: each client makes up another one each time.
async fn upload(actor: &Actor<'_>, boundary: &'static str, bytes: &[u8]) -> Answered {
    let form = files::form(&[("organization_id", seed::MAYOR)], Some(("覚書.txt", bytes)));
    let form = String::from_utf8(form)
        .unwrap()
        .replace("--limit", &format!("--{boundary}"));
    let media_type = match boundary {
        "one" => "multipart/form-data; boundary=one",
        _ => "multipart/form-data; boundary=two",
    };
    actor.raw(Method::POST, "/files", media_type, form.as_bytes()).await
}

db_test!(a_file_is_the_same_file_whatever_its_form, |app| {
    let officer = app.officer().header(HEADER, "1");
    let first = upload(&officer, "one", "覚書".as_bytes()).await.expect(201);
    same(&upload(&officer, "two", "覚書".as_bytes()).await, &first);
    let other = upload(&officer, "one", "別の覚書".as_bytes()).await;
    other.problem(422, "idempotency_key_reused");
    assert_eq!(files::on_disk(&app).len(), 1, "what came again is not kept");
});

db_test!(every_post_that_writes_can_be_sent_again, |app| {
    let mut own = Records::new(&app, app.officer(), seed::MAYOR);
    let mut seen: HashMap<bool, Vec<&str>> = HashMap::new();
    let takes_key = |operation: &&crate::openapi::Operation| {
        operation
            .parameters()
            .iter()
            .any(|parameter| parameter["name"] == HEADER)
    };
    let mut calls = vec![];
    // What the calls refer to is there before the first of them: some codes are taken once.
    for operation in operations().iter().filter(takes_key) {
        calls.push((operation, own.path_of(operation).await, own.body_of(operation).await));
    }
    for (operation, path, body) in calls {
        let actor = own.actor().await.header(HEADER, operation.id());
        let (first, again) = if operation.id() == "create_file" {
            let text = "覚書".as_bytes();
            (upload(&actor, "one", text).await, upload(&actor, "two", text).await)
        } else {
            let first = actor.post(&path, body.clone()).await;
            let before = recorded(&app);
            let again = actor.post(&path, body).await;
            assert_eq!(recorded(&app), before, "{}", operation.id());
            (first, again)
        };
        let done = (200..300).contains(&first.status);
        if done {
            same(&again, &first);
        } else {
            // Made from the document alone, not every request fits the state of things.
            assert!(first.status < 500 && again.status == first.status && !is_replay(&again));
        }
        seen.entry(done).or_default().push(operation.id());
    }
    let done = seen.remove(&true).unwrap_or_default().len();
    assert!(done >= 30, "only {done} were tried, not {seen:?}");
});

/// The document says which POSTs write: those that only ask take no key.
#[test]
fn every_post_that_writes_takes_a_key() {
    let asking = ["evaluate_risk", "plan_reminders", "preview_policy_version"];
    for operation in operations() {
        let takes = operation
            .parameters()
            .iter()
            .any(|parameter| parameter["name"] == HEADER);
        let writes = operation.method == "post" && operation.id() != "issue_token" && !asking.contains(&operation.id());
        assert_eq!(takes, writes, "{}", operation.id());
        let responses = operation.json["responses"].as_object().unwrap();
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
            let declared = response["headers"].get("Idempotency-Replayed").is_some();
            assert_eq!(declared, writes, "{} {status}", operation.id());
        }
    }
}
