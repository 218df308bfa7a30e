//! What other systems send by their own keys: created once, recognised by keys and never by a name, changed only by what
//! is new, and many at once.

use diesel::prelude::*;
use kakunin::db::schema::{contractors, journal};
use serde_json::{Value, json};

use crate::engagements::plain_facts;
use crate::harness::{Actor, Answered, TestApp, seed};

const NUMBER: &str = "7000012050002";
const OTHER_NUMBER: &str = "2000012020001";
const KEY: &str = "/contractors/by-external-id/zaimu/000123";

fn recorded(app: &TestApp) -> i64 {
    app.db(|conn| journal::table.count().get_result(conn))
}

fn companies(app: &TestApp) -> i64 {
    app.db(|conn| contractors::table.count().get_result(conn))
}

fn key(system: &str, value: &str) -> Value {
    json!({"system": system, "value": value})
}

async fn put(actor: &Actor<'_>, path: &str, body: Value) -> Answered {
    actor.put(path, "", body).await
}

db_test!(a_contractor_is_created_then_recognised_by_its_key, |app| {
    let officer = app.officer();
    let whole = json!({
        "name": "株式会社みどり情報サービス", "corporate_number": NUMBER, "note": "一行目",
        "contacts": [{"name": "窓口", "kind": "business"}],
    });
    let made = put(&officer, KEY, whole.clone()).await.expect(201);
    assert_eq!(made.at("/matched_by"), &Value::Null);
    assert_eq!(made.at("/external_ids"), &json!([key("zaimu", "000123")]));
    let read = officer.get(made.header("location")).await.expect(200);
    assert_eq!((read.etag(), read.text("/note")), (made.etag(), "一行目"));

    // The nightly transfer of everything changes nothing.
    let before = recorded(&app);
    let again = put(&officer, KEY, whole.clone()).await.expect(200);
    assert_eq!((again.text("/matched_by"), again.etag()), ("external_id", made.etag()));
    let sent_null =
        json!({"name": "株式会社みどり情報サービス", "note": null, "external_ids": [key("zaimu", "000123")]});
    assert_eq!(put(&officer, KEY, sent_null).await.expect(200).etag(), made.etag());
    assert_eq!((recorded(&app), companies(&app)), (before, 1));

    // What is not sent stays, lists that are sent replace.
    let changed = json!({"name": "株式会社あお", "contacts": []});
    let changed = put(&officer, KEY, changed).await.expect(200);
    assert_eq!(
        (changed.text("/name"), changed.text("/note")),
        ("株式会社あお", "一行目")
    );
    assert_eq!(
        (changed.text("/corporate_number"), changed.items("/contacts").len()),
        (NUMBER, 0)
    );
    assert_eq!((changed.at("/version"), changed.header("location")), (&json!(2), ""));
    assert_eq!(recorded(&app), before + 1);

    // Keys in other systems are replaced as a list, the one of the path is always there.
    let keys = json!({"name": "株式会社あお", "external_ids": [key("keiyaku", "A-1")]});
    let joined = put(&officer, KEY, keys).await.expect(200);
    let both = json!([key("keiyaku", "A-1"), key("zaimu", "000123")]);
    assert_eq!(joined.at("/external_ids"), &both);
    let by_other = put(
        &officer,
        "/contractors/by-external-id/keiyaku/A-1",
        json!({"name": "株式会社あお"}),
    )
    .await;
    assert_eq!((by_other.expect(200).etag(), companies(&app)), (joined.etag(), 1));
});

db_test!(a_number_recognises_and_the_key_is_learnt, |app| {
    let officer = app.officer();
    let number = json!({"name": "株式会社みどり", "corporate_number": NUMBER, "external_ids": [key("egp", "7")]});
    let made = officer.post("/contractors", number).await.expect(201);
    let sent = json!({"name": "（株）みどり", "corporate_number": NUMBER});
    let met = put(&officer, KEY, sent).await.expect(200);
    assert_eq!((met.id(), met.text("/matched_by")), (made.id(), "corporate_number"));
    assert_eq!(
        met.at("/external_ids"),
        &json!([key("egp", "7"), key("zaimu", "000123")])
    );
    let met = put(&officer, KEY, json!({"name": "（株）みどり"})).await.expect(200);
    assert_eq!((met.id(), met.text("/matched_by")), (made.id(), "external_id"));

    // The key outranks the number; that two companies have it is refused.
    let other = json!({"name": "株式会社あお", "corporate_number": OTHER_NUMBER});
    officer.post("/contractors", other.clone()).await.expect(201);
    let before = recorded(&app);
    put(&officer, KEY, other)
        .await
        .problem(409, "duplicate_corporate_number");
    assert_eq!((recorded(&app), companies(&app)), (before, 2));
});

db_test!(a_name_never_decides, |app| {
    let officer = app.officer();
    let first = json!({"name": "ＡＢＣ商事 株式会社"});
    let first = officer.post("/contractors", first).await.expect(201);
    let before = recorded(&app);
    for sent in [
        json!({"name": "ABC商事 株式会社"}),
        json!({"name": "abc商事 株式会社", "corporate_number": NUMBER}),
    ] {
        let stopped = put(&officer, KEY, sent).await.problem(409, "possible_duplicate");
        let candidate = json!({"id": first.id(), "name": "ＡＢＣ商事 株式会社", "corporate_number": null});
        assert_eq!(stopped.at("/candidates"), &json!([candidate]));
    }
    assert_eq!((recorded(&app), companies(&app)), (before, 1));

    // Two numbers are two companies, and a person may decide so by registering it.
    let patch = json!({"corporate_number": OTHER_NUMBER});
    officer.patch(first.header("location"), "*", patch).await.expect(200);
    let other = json!({"name": "ABC商事 株式会社", "corporate_number": NUMBER});
    put(&officer, KEY, other).await.expect(201);
    let third = json!({"name": "ABC商事 株式会社", "external_ids": [key("zaimu", "000124")]});
    officer.post("/contractors", third).await.expect(201);
    let sent = json!({"name": "ABC商事 株式会社"});
    put(&officer, "/contractors/by-external-id/zaimu/000124", sent.clone())
        .await
        .expect(200);

    // A name that was given up, or is archived, stops nobody.
    let fourth = json!({"name": "株式会社みどり"});
    let fourth = officer.post("/contractors", fourth).await.expect(201);
    officer.delete(fourth.header("location"), "*").await.expect(204);
    let path = "/contractors/by-external-id/zaimu/000125";
    put(&officer, path, json!({"name": "株式会社みどり"})).await.expect(201);
    assert_eq!(companies(&app), 5);
});

db_test!(whoever_sends_may_say_what_it_expects, |app| {
    let officer = app.officer();
    let create_only = officer.clone().header("If-None-Match", "*");
    let sent = json!({"name": "株式会社みどり"});
    let gone = officer
        .put(KEY, "\"1.ja\"", sent.clone())
        .await
        .problem(412, "stale_version");
    assert!(gone.body.get("current_etag").is_none() && companies(&app) == 0);
    let made = create_only.put(KEY, "", sent.clone()).await.expect(201);
    let refused = create_only
        .put(KEY, "", sent.clone())
        .await
        .problem(412, "already_exists");
    assert_eq!(refused.text("/current_etag"), made.etag());
    let changed = officer
        .put(KEY, &made.etag(), json!({"name": "株式会社あお"}))
        .await
        .expect(200);
    let stale = officer
        .put(KEY, &made.etag(), sent.clone())
        .await
        .problem(412, "stale_version");
    assert_eq!(stale.text("/current_etag"), changed.etag());
    let tag = officer
        .clone()
        .header("If-None-Match", "\"1.ja\"")
        .put(KEY, "", sent.clone())
        .await;
    tag.problem(400, "invalid_parameter");
    // What is wrong with the body comes first.
    create_only
        .put(KEY, "", json!({"name": ""}))
        .await
        .invalid("/name", "too_short");

    officer.delete(made.header("location"), "*").await.expect(204);
    put(&officer, KEY, sent).await.problem(409, "archived");
});

db_test!(a_contractor_is_created_and_recognised_by_its_number, |app| {
    let officer = app.officer();
    let path = format!("/contractors/by-corporate-number/{NUMBER}");
    let made = put(&officer, &path, json!({"name": "株式会社みどり"}))
        .await
        .expect(201);
    assert_eq!(
        (made.text("/corporate_number"), made.at("/matched_by")),
        (NUMBER, &Value::Null)
    );
    let again = put(
        &officer,
        &path,
        json!({"name": "株式会社みどり", "corporate_number": NUMBER}),
    )
    .await;
    let again = again.expect(200);
    assert_eq!(
        (again.text("/matched_by"), again.etag()),
        ("corporate_number", made.etag())
    );
    let other = json!({"name": "株式会社みどり", "corporate_number": OTHER_NUMBER});
    put(&officer, &path, other)
        .await
        .invalid("/corporate_number", "immutable_field");
    let wrong = put(
        &officer,
        "/contractors/by-corporate-number/8000012050002",
        json!({"name": "甲"}),
    )
    .await;
    wrong.invalid("corporate_number", "invalid_corporate_number_check_digit");
    assert_eq!(companies(&app), 1);
});

db_test!(a_key_is_any_text_and_belongs_to_one_local_government, |app| {
    let officer = app.officer();
    for (i, value) in ["R08%2F0123", "%E5%A5%91%E7%B4%84%20%E7%AC%AC1%E5%8F%B7", "a.b_c~d"]
        .into_iter()
        .enumerate()
    {
        let path = format!("/contractors/by-external-id/keiyaku/{value}");
        let made = put(&officer, &path, json!({"name": format!("会社その{i}")}))
            .await
            .expect(201);
        let read = ["R08/0123", "契約 第1号", "a.b_c~d"][i];
        assert_eq!(made.at("/external_ids"), &json!([key("keiyaku", read)]));
        put(&officer, &path, json!({"name": format!("会社その{i}")}))
            .await
            .expect(200);
    }
    for path in ["Zaimu/1", "z/1", "1z/1", "za.imu/1", "zaimu/%00", "zaimu/%0A"] {
        let refused = put(
            &officer,
            &format!("/contractors/by-external-id/{path}"),
            json!({"name": "甲"}),
        )
        .await;
        refused.problem(400, "invalid_parameter");
    }
    let long = format!("/contractors/by-external-id/zaimu/{}", "1".repeat(129));
    put(&officer, &long, json!({"name": "甲"}))
        .await
        .problem(400, "invalid_parameter");

    // Neither key nor number of another local government names its company.
    let own = put(&officer, KEY, json!({"name": "甲", "corporate_number": NUMBER}))
        .await
        .expect(201);
    let number = format!("/contractors/by-corporate-number/{NUMBER}");
    for (path, status) in [(KEY, 201), (number.as_str(), 200)] {
        let theirs = json!({"name": "乙", "corporate_number": NUMBER});
        let theirs = put(&app.stranger(), path, theirs).await.expect(status);
        assert_ne!(theirs.id(), own.id());
    }
    assert_eq!(
        officer.get(own.header("location")).await.expect(200).text("/name"),
        "甲"
    );
});

db_test!(an_engagement_and_its_period_come_from_the_contract_system, |app| {
    let officer = app.officer();
    let path = "/engagements/by-external-id/keiyaku/R09-0001";
    let sent = json!({
        "organization_id": seed::MAYOR, "name": "広報紙の発送業務", "facts": plain_facts(),
        "registered_as_existing": true, "status": "contracted",
        "period": {"contract_number": "R9-0001", "starts_on": "2027-04-01", "ends_on": "2028-03-31"},
    });
    let made = put(&officer, path, sent.clone()).await.expect(201);
    assert_eq!(made.at("/external_ids"), &json!([key("keiyaku", "R09-0001")]));
    let before = recorded(&app);
    let again = put(&officer, path, sent.clone()).await.expect(200);
    assert_eq!((again.body, recorded(&app)), (made.body.clone(), before));

    // Status and period are at their own paths once the engagement is there; facts merge.
    let mut changed = sent.clone();
    changed["status"] = json!("in_performance");
    changed["period"]["ends_on"] = json!("2029-03-31");
    changed["facts"] = json!({"confidentiality": "c3a"});
    let changed = put(&officer, path, changed).await.expect(200);
    assert_eq!(
        (changed.text("/status"), changed.text("/facts/confidentiality")),
        ("contracted", "c3a")
    );
    assert_eq!(changed.text("/facts/integrity"), "i1");
    assert_eq!(changed.text("/current_period/ends_on"), "2028-03-31");
    assert_ne!(changed.etag(), made.etag());
    for (name, value) in [("organization_id", seed::ASSEMBLY), ("control_number", "EN-1")] {
        let mut other = sent.clone();
        other[name] = json!(value);
        put(&officer, path, other)
            .await
            .invalid(&format!("/{name}"), "immutable_field");
    }
    // A key of one kind is none of another, and nothing is shown beyond the token's organizations.
    let cloud =
        json!({"organization_id": seed::MAYOR, "name": "オンライン会議", "service_model": "saas", "purpose": "会議"});
    let taken = put(&officer, "/cloud-services/by-external-id/keiyaku/R09-0001", cloud).await;
    taken.problem(409, "duplicate_external_id");
    let limited = app.limited(&[seed::ASSEMBLY]);
    put(&limited, path, sent).await.problem(404, "not_found");

    let path = "/engagement-periods/by-external-id/keiyaku/R10-0001";
    let next = json!({"starts_on": "2028-04-01", "ends_on": "2029-03-31", "amount_jpy": 1_200_000});
    put(&officer, path, next.clone())
        .await
        .invalid("/engagement_id", "required");
    let mut of = next.clone();
    of["engagement_id"] = made.at("/id").clone();
    let period = put(&officer, path, of.clone()).await.expect(201);
    assert_eq!(
        (period.at("/sequence"), period.at("/engagement_id")),
        (&json!(2), made.at("/id"))
    );
    let before = recorded(&app);
    assert_eq!(put(&officer, path, next).await.expect(200).etag(), period.etag());
    assert_eq!(recorded(&app), before);
    of["ends_on"] = json!("2030-03-31");
    let longer = put(&officer, path, of.clone()).await.expect(200);
    assert_eq!(
        (longer.text("/ends_on"), longer.at("/amount_jpy")),
        ("2030-03-31", &json!(1_200_000))
    );
    put(&limited, path, of.clone()).await.problem(404, "not_found");
    of["engagement_id"] = json!("01960000-0000-7000-8000-00000000ffff");
    put(&officer, path, of.clone())
        .await
        .invalid("/engagement_id", "immutable_field");
    let new = put(&officer, "/engagement-periods/by-external-id/keiyaku/R11-0001", of).await;
    new.invalid("/engagement_id", "reference_not_found");
});

db_test!(clouds_and_accounts_come_from_their_ledgers, |app| {
    let officer = app.officer();
    let path = "/cloud-services/by-external-id/daicho/12";
    let sent = json!({
        "organization_id": seed::MAYOR, "name": "オンライン会議", "service_model": "saas", "purpose": "会議",
        "data_countries": ["JP"],
    });
    let made = put(&officer, path, sent.clone()).await.expect(201);
    assert_eq!(put(&officer, path, sent.clone()).await.expect(200).etag(), made.etag());
    let mut changed = sent.clone();
    changed["data_countries"] = json!(["JP", "US"]);
    let changed = put(&officer, path, changed).await.expect(200);
    assert_eq!(
        (changed.at("/data_countries"), changed.text("/status")),
        (&json!(["JP", "US"]), "draft")
    );
    officer.delete(made.header("location"), "*").await.expect(204);
    put(&officer, path, sent).await.problem(409, "archived");

    let services = "/social-media-services";
    let service = json!({"organization_id": seed::MAYOR, "platform": "x"});
    let service = officer.post(services, service).await.expect(201).id();
    let other = json!({"organization_id": seed::MAYOR, "platform": "facebook"});
    let other = officer.post(services, other).await.expect(201).id();
    let path = "/social-media-accounts/by-external-id/daicho/13";
    let mut sent = json!({
        "organization_id": seed::MAYOR, "social_media_service_id": service, "name": "公式X", "handle": "@motosu_city",
        "url": "https://x.com/motosu_city", "purpose": "広報", "verified_badge": true,
    });
    let made = put(&officer, path, sent.clone()).await.expect(201);
    assert_eq!(put(&officer, path, sent.clone()).await.expect(200).etag(), made.etag());
    sent["handle"] = json!("@motosu");
    sent["verified_badge"].take();
    sent.as_object_mut().unwrap().remove("verified_badge");
    let changed = put(&officer, path, sent.clone()).await.expect(200);
    assert_eq!(
        (changed.items("/handles").len(), changed.at("/verified_badge")),
        (2, &json!(true))
    );
    sent["social_media_service_id"] = json!(other);
    let moved = put(&officer, path, sent).await;
    moved.invalid("/social_media_service_id", "immutable_field");
});

fn batch() -> Value {
    json!({"items": [
        {"name": "株式会社みどり", "corporate_number": NUMBER, "external_ids": [key("zaimu", "1")]},
        {"name": "", "external_ids": [key("zaimu", "2")]},
        {"name": "株式会社なし"},
        {"name": "株式会社あお", "external_ids": [key("zaimu", "3")]},
        // The number belongs to the first: the database refuses it, and the rest goes on.
        {"name": "株式会社きいろ", "corporate_number": NUMBER, "external_ids": [key("zaimu", "3")]},
        {"name": "株式会社みどり", "external_ids": [key("zaimu", "4")]},
        {"name": "株式会社みどり", "corporate_number": NUMBER},
        {"name": "株式会社あお", "note": "x", "external_ids": [key("zaimu", "3"), key("egp", "3")]},
        {"name": "甲", "external_ids": [key("zaimu", "1"), key("zaimu", "3")]},
        {"name": "乙", "external_ids": [key("zaimu", "5")], "parent_contractor_id": seed::MAYOR},
    ]})
}

db_test!(many_are_sent_at_once_and_each_is_judged_by_itself, |app| {
    let path = "/contractors/batch-upsert";
    let before = recorded(&app);
    app.officer()
        .post(path, batch())
        .await
        .problem(400, "idempotency_key_required");
    let trial = app
        .officer()
        .post(&format!("{path}?dry_run=true"), batch())
        .await
        .expect(207);
    assert_eq!((companies(&app), recorded(&app)), (0, before));

    let officer = app
        .officer()
        .header("Idempotency-Key", "night-1")
        .header("Request-Id", "night-1");
    let done = officer.post(path, batch()).await.expect(207);
    let said: Vec<(&Value, &Value, &Value)> = done
        .items("/items")
        .iter()
        .map(|item| {
            (
                &item["status"],
                &item["matched_by"],
                item["problem"].get("code").unwrap_or(&Value::Null),
            )
        })
        .collect();
    let (none, ours) = (Value::Null, |code: &str| json!(code));
    let expected = [
        (json!(201), none.clone(), none.clone()),
        (json!(422), none.clone(), ours("validation_failed")),
        (json!(422), none.clone(), ours("validation_failed")),
        (json!(201), none.clone(), none.clone()),
        (json!(409), none.clone(), ours("duplicate_corporate_number")),
        (json!(409), none.clone(), ours("possible_duplicate")),
        (json!(200), json!("corporate_number"), none.clone()),
        (json!(200), json!("external_id"), none.clone()),
        (json!(409), none.clone(), ours("duplicate_external_id")),
        (json!(422), none.clone(), ours("validation_failed")),
    ];
    let expected: Vec<(&Value, &Value, &Value)> = expected.iter().map(|(a, b, c)| (a, b, c)).collect();
    assert_eq!(said, expected);
    for (pointer, error) in [
        ("/items/1/problem/errors/0/pointer", "/name"),
        ("/items/2/problem/errors/0/code", "identifier_required"),
        ("/items/9/problem/errors/0/pointer", "/parent_contractor_id"),
        ("/items/9/problem/request_id", "night-1"),
    ] {
        assert_eq!(done.text(pointer), error);
    }
    assert_eq!(done.at("/items/7/id"), done.at("/items/3/id"));
    assert_eq!(
        (done.at("/items/7/version"), done.at("/items/6/version")),
        (&json!(2), &json!(1))
    );
    let counts = ["created", "updated", "unchanged", "failed"].map(|name| done.at(&format!("/{name}")).clone());
    assert_eq!(counts, [2, 1, 1, 6].map(|n| json!(n)));
    assert_eq!(
        counts,
        ["created", "updated", "unchanged", "failed"].map(|n| trial.at(&format!("/{n}")).clone())
    );
    // Nothing of what was refused is there, in the ledger or in the journal.
    assert_eq!((companies(&app), recorded(&app)), (2, before + 3));

    let again = officer.post(path, batch()).await.expect(207);
    assert_eq!(
        (again.header("idempotency-replayed"), &again.bytes),
        ("true", &done.bytes)
    );
    assert_eq!(recorded(&app), before + 3);
});

db_test!(a_batch_is_bounded_and_closed, |app| {
    let officer = app.officer().header("Idempotency-Key", "1");
    let path = "/contractors/batch-upsert";
    for (body, pointer, code) in [
        (json!({"items": []}), "/items", "out_of_range"),
        (json!({"items": vec![json!({}); 1001]}), "/items", "out_of_range"),
        (json!({"item": []}), "/items", "required"),
        (
            json!({"items": [{"name": "甲"}], "mode": "x"}),
            "/mode",
            "unknown_field",
        ),
        (json!([]), "", "wrong_type"),
    ] {
        officer.post(path, body).await.invalid(pointer, code);
    }
    // What is no record at all is an answer of its own.
    let odd = officer
        .post(path, json!({"items": [1, null, "x", {"nmae": "甲"}]}))
        .await
        .expect(207);
    assert_eq!((odd.at("/failed"), companies(&app)), (&json!(4), 0));
    let unknown = odd.items("/items/3/problem/errors");
    assert!(
        unknown.iter().any(|error| error["code"] == "unknown_field"),
        "{unknown:?}"
    );
});

db_test!(an_upsert_can_be_tried_first, |app| {
    let officer = app.officer();
    let trial = put(
        &officer,
        &format!("{KEY}?dry_run=true"),
        json!({"name": "株式会社みどり"}),
    )
    .await
    .expect(201);
    assert_eq!(
        (trial.header("dry-run"), trial.header("etag"), companies(&app)),
        ("true", "", 0)
    );
    let create_only = officer.clone().header("If-None-Match", "*");
    create_only
        .put(KEY, "", json!({"name": "株式会社みどり"}))
        .await
        .expect(201);
    let trial = create_only
        .put(&format!("{KEY}?dry_run=true"), "", json!({"name": "甲"}))
        .await;
    trial.problem(412, "already_exists");
});
