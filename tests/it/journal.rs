//! The journal: every change is one more entry of a chain, and whatever is altered in it afterwards is found.

use diesel::prelude::*;
use kakunin::http::error::ApiError;
use kakunin::journal::verify;
use serde_json::{Value, json};

use crate::engagements::registered;
use crate::harness::{TestApp, seed};

/// The number of entries, or the first that does not hold.
fn verified(app: &TestApp) -> Result<i64, i64> {
    app.app.db.read(|conn| verify(conn, seed::MOTOSU)).unwrap()
}

async fn contractor(app: &TestApp, name: &str) {
    app.officer()
        .post("/contractors", json!({"name": name}))
        .await
        .expect(201);
}

db_test!(each_change_is_one_entry_and_a_refused_one_is_none, |app| {
    let before = verified(&app).unwrap();
    contractor(&app, "株式会社甲").await;
    assert_eq!(verified(&app), Ok(before + 1));
    app.officer()
        .post("/contractors", json!({"name": "乙", "corporate_number": "1"}))
        .await
        .expect(422);
    assert_eq!(verified(&app), Ok(before + 1));
});

/// What is found after these statements, which are then undone.
fn after(app: &TestApp, statements: &[&str]) -> Result<i64, i64> {
    let mut found = Ok(0);
    let undone = app.app.db.write(|conn| {
        for statement in statements {
            let changed = diesel::sql_query(*statement).execute(conn)?;
            assert_eq!(changed, 1, "{statement}");
        }
        found = verify(conn, seed::MOTOSU)?;
        Err::<(), _>(ApiError::NotFound)
    });
    assert!(undone.is_err());
    found
}

db_test!(whatever_is_altered_afterwards_is_found, |app| {
    for n in 0..3 {
        contractor(&app, &format!("株式会社その{n}")).await;
    }
    let last = verified(&app).unwrap();
    let seq = last - 1;
    let texts = [
        "action",
        "subject_type",
        "subject_id",
        "organization_id",
        "entry_id",
        "actor_client_id",
        "actor_person_id",
        "via",
        "hashed_text",
        "payload_hash",
        "previous_hash",
        "hash",
    ];
    for column in texts {
        let alter = format!("UPDATE journal SET {column} = 'x' WHERE seq = {seq}");
        assert_eq!(after(&app, &[&alter]), Err(seq), "{column}");
    }
    let cases = [
        (format!("UPDATE journal SET at = at + 1 WHERE seq = {seq}"), Err(seq)),
        (
            format!("UPDATE journal_payloads SET body = '{{}}' WHERE seq = {seq}"),
            Err(seq),
        ),
        (
            format!("UPDATE journal_payloads SET salt = 'x' WHERE seq = {seq}"),
            Err(seq),
        ),
        (
            format!("UPDATE journal_heads SET seq = {seq} WHERE seq = {last}"),
            Err(last + 1),
        ),
        // Personal data may be erased; its hash stays.
        (
            format!("UPDATE journal_payloads SET body = NULL WHERE seq = {seq}"),
            Ok(last),
        ),
    ];
    for (statement, expected) in cases {
        assert_eq!(after(&app, &[&statement]), expected, "{statement}");
    }
    let gone = [
        format!("DELETE FROM journal_payloads WHERE seq = {seq}"),
        format!("DELETE FROM journal WHERE seq = {seq}"),
    ];
    assert_eq!(after(&app, &[&gone[0]]), Err(seq));
    assert_eq!(after(&app, &[&gone[0], &gone[1]]), Err(seq));
    assert_eq!(verified(&app), Ok(last));
});

db_test!(the_audit_log_and_the_timeline_are_views_of_it, |app| {
    let id = registered(&app).await.id();
    contractor(&app, "株式会社その後").await;
    let officer = app.officer();
    let log = officer.get("/audit-log?limit=200").await.expect(200);
    let seqs: Vec<i64> = log
        .items("/items")
        .iter()
        .map(|item| item["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(
        seqs,
        (1..=verified(&app).unwrap()).rev().collect::<Vec<_>>(),
        "newest first, without gaps"
    );
    assert_eq!(log.text("/items/0/action"), "contractor.created");
    let timeline = officer.get(&format!("/entries/{id}/timeline")).await.expect(200);
    let about: Vec<&Value> = log
        .items("/items")
        .iter()
        .filter(|item| item["entry_id"] == id.as_str())
        .collect();
    assert!(about.len() > 1);
    assert_eq!(timeline.items("/items").iter().collect::<Vec<_>>(), about);

    // Page by page it is the same.
    let (mut path, mut read) = ("/audit-log?limit=1".to_owned(), vec![]);
    loop {
        let page = officer.get(&path).await.expect(200);
        read.extend(page.items("/items").to_vec());
        let Some(cursor) = page.at("/next_cursor").as_str() else {
            break;
        };
        path = format!("/audit-log?limit=1&cursor={cursor}");
    }
    assert_eq!(read, log.items("/items"));

    let created = officer
        .get("/audit-log?action=contractor.created&subject_type=contractor")
        .await
        .expect(200);
    assert!(
        created
            .items("/items")
            .iter()
            .all(|item| item["action"] == "contractor.created")
    );
    assert_eq!(created.items("/items").len(), 2);
    // Whoever may touch one organization sees what concerns it alone.
    let limited = app.limited(&[seed::ASSEMBLY]).get("/audit-log").await.expect(200);
    assert_eq!(limited.items("/items").len(), 0);
});
