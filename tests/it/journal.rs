//! The journal: every change is one more entry of a chain, and whatever is altered in it afterwards is found.

use diesel::prelude::*;
use kakunin::http::error::ApiError;
use kakunin::journal::chain::{Fault, PublicKeys};
use kakunin::journal::{checkpoint, export, sha256_hex, verify};
use kakunin::work::Worker;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::engagements::registered;
use crate::harness::{Backend, TestApp, seed};

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
        // Personal data may be erased, but an entry must say so.
        (
            format!("UPDATE journal_payloads SET body = NULL WHERE seq = {seq}"),
            Err(seq),
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

/// The journal as an auditor gets it, and the public keys.
fn exported(app: &TestApp) -> (Vec<u8>, PublicKeys) {
    let mut file = vec![];
    export::write(&app.app, seed::MOTOSU, &mut file).unwrap();
    let keys = app.app.db.read(checkpoint::key_set).unwrap();
    (file, PublicKeys::of_jwks(&keys).unwrap())
}

async fn three_days(app: &TestApp) {
    for (day, name) in [("01", "株式会社甲"), ("02", "株式会社乙"), ("03", "株式会社丙")] {
        app.at(&format!("2027-04-{day}T10:00"));
        contractor(app, name).await;
        Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    }
}

db_test!(the_end_of_each_day_is_signed_and_can_be_verified_offline, |app| {
    three_days(&app).await;
    let list = app.officer().get("/audit-log/checkpoints").await.expect(200);
    let days: Vec<&str> = list
        .items("/items")
        .iter()
        .map(|one| one["day"].as_str().unwrap())
        .collect();
    assert_eq!(days, ["2027-04-02", "2027-04-01"], "the third has not ended");
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    let again = app.officer().get("/audit-log/checkpoints").await.expect(200);
    assert_eq!(again.body, list.body, "a day is closed once");
    let keys = app.officer().get("/audit-log/keys").await.expect(200);
    let keys = PublicKeys::of_jwks(&keys.body).unwrap();
    let (file, _) = exported(&app);
    let found = export::verify(file.as_slice(), &keys).unwrap();
    assert_eq!((found.entries, found.checkpoints), (verified(&app).unwrap(), 3));
    assert_eq!(found.erased, 0);

    // Keys of somebody else verify nothing.
    let other = json!({"keys": [{"kid": "x", "x": "x", "y": "y"}]});
    let other = PublicKeys::of_jwks(&other).unwrap();
    assert!(matches!(
        export::verify(file.as_slice(), &other),
        Err(Fault::Signature(_))
    ));
    for wrong in [json!({}), json!({"keys": []}), json!({"keys": [{"kid": "x"}]})] {
        assert!(PublicKeys::of_jwks(&wrong).is_err());
    }
});

db_test!(erased_is_only_what_an_entry_says_was_erased, |app| {
    let person = json!({"name": "本巣 花子", "email": "hanako@city.example.lg.jp"});
    let made = app.officer().post("/people", person).await.expect(201);
    let officer = json!({"name": "記録 太郎", "email": "taro@city.example.lg.jp"});
    let officer = app.officer().post("/people", officer).await.expect(201).id();
    let path = format!("/people/{}", made.id());
    let order = json!({"reason": "保存期間の満了による。"});
    let acting = app.officer().acting(&officer);
    acting
        .post(&format!("{path}/erasures"), order.clone())
        .await
        .problem(409, "person_is_there");
    let left = json!({"left_on": "2027-03-31"});
    app.officer().patch(&path, &made.etag(), left).await.expect(200);
    app.officer()
        .post(&format!("{path}/erasures"), order.clone())
        .await
        .problem(422, "acting_person_required");
    acting
        .post(&format!("{path}/erasures"), json!({"reason": " "}))
        .await
        .invalid("/reason", "required");
    let erased = acting.post(&format!("{path}/erasures"), order).await.expect(200);
    assert_eq!(erased.at("/erased_payloads"), &json!(2));
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!((read.text("/name"), read.at("/email")), ("（消去済み）", &Value::Null));
    let log = app.officer().get("/audit-log?limit=200").await.expect(200);
    let text = log.body.to_string();
    assert!(!text.contains("本巣 花子") && !text.contains("hanako@"), "{text}");
    assert!(verified(&app).is_ok());
    let (file, keys) = exported(&app);
    assert_eq!(export::verify(file.as_slice(), &keys).unwrap().erased, 2);
    assert!(!String::from_utf8(file).unwrap().contains("hanako@"));

    // What nobody declared is found, in the database and in an export: the second entry made another person.
    let gone = "UPDATE journal_payloads SET body = NULL, salt = '' WHERE seq = 2";
    assert_eq!(app.db(|conn| diesel::sql_query(gone).execute(conn)), 1);
    assert_eq!(verified(&app), Err(2));
    let (file, keys) = exported(&app);
    assert_eq!(export::verify(file.as_slice(), &keys), Err(Fault::Erased(2)));
});

db_test!(a_contractors_contacts_are_erased_and_the_company_stays, |app| {
    let person = json!({"name": "記録 太郎", "email": "taro@city.example.lg.jp"});
    let person = app.officer().post("/people", person).await.expect(201).id();
    let new = json!({"name": "株式会社甲", "contacts": [{"name": "窓口 次郎", "email": "jiro@example.co.jp", "kind": "security"}]});
    let made = app.officer().post("/contractors", new).await.expect(201);
    let path = format!("/contractors/{}", made.id());
    let order = json!({"reason": "本人の申出による。"});
    app.officer()
        .acting(&person)
        .post(&format!("{path}/contact-erasures"), order)
        .await
        .expect(200);
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!((read.text("/name"), read.at("/contacts")), ("株式会社甲", &json!([])));
    let log = app.officer().get("/audit-log?limit=200").await.expect(200);
    assert!(!log.body.to_string().contains("窓口 次郎"));
    assert!(verified(&app).is_ok());
});

/// An export with one thing changed at random: a byte, a line, an order, the end.
fn tampered(file: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = file
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let line = random.random_range(0..lines.len());
    match random.random_range(0..8) {
        0 | 1 => {
            let at = random.random_range(0..lines[line].len());
            lines[line][at] ^= 1 << random.random_range(0..8);
        }
        2 => {
            let at = random.random_range(0..lines[line].len());
            lines[line].insert(at, random.random());
        }
        3 => {
            let at = random.random_range(0..lines[line].len());
            lines[line].remove(at);
        }
        4 => drop(lines.remove(line)),
        5 => lines.insert(line, lines[line].clone()),
        6 => {
            let other = (line + random.random_range(1..lines.len())) % lines.len();
            lines.swap(line, other);
        }
        _ => {
            let keep = random.random_range(0..file.len());
            return file[..keep].to_vec();
        }
    }
    lines.concat()
}

#[actix_web::test]
async fn ten_thousand_random_tamperings_are_all_found() {
    let app = TestApp::start(Backend::Sqlite).await;
    three_days(&app).await;
    let (file, keys) = exported(&app);
    export::verify(file.as_slice(), &keys).unwrap();
    let mut random = StdRng::seed_from_u64(20_270_401);
    let (mut tried, mut unseen) = (0, vec![]);
    while tried < 10_000 {
        let changed = tampered(&file, &mut random);
        if changed == file {
            continue;
        }
        tried += 1;
        if export::verify(changed.as_slice(), &keys).is_ok() {
            unseen.push(String::from_utf8_lossy(&changed).into_owned());
        }
    }
    assert!(unseen.is_empty(), "{} were not found: {}", unseen.len(), unseen[0]);
}

db_test!(a_chain_that_is_written_anew_lacks_the_signature, |app| {
    three_days(&app).await;
    let (file, keys) = exported(&app);
    // Everything is consistent again but the signatures: text, hashes, payloads.
    let mut previous = String::new();
    let forged: Vec<String> = String::from_utf8(file)
        .unwrap()
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            if let Some(entry) = line.get_mut("entry") {
                let mut text: Value = serde_json::from_str(entry["hashed_text"].as_str().unwrap()).unwrap();
                text["previous_hash"] = json!(previous);
                text["via"] = json!("system");
                let text = text.to_string();
                previous = sha256_hex(text.as_bytes());
                entry["hash"] = json!(previous);
                entry["hashed_text"] = json!(text);
            }
            line.to_string() + "\n"
        })
        .collect();
    let found = export::verify(forged.concat().as_bytes(), &keys);
    assert!(
        matches!(found, Err(Fault::Checkpoint(_) | Fault::Payload(_) | Fault::Entry(_))),
        "{found:?}"
    );
});
