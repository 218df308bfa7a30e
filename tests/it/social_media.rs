//! Social-media services and the accounts that inherit from them.

use diesel::prelude::*;
use kakunin::db::schema::posts;
use serde_json::{Value, json};

use crate::harness::{Answered, TestApp, seed};

/// A post of 本巣市, put there directly.
fn post(app: &TestApp) -> String {
    let at = app.clock.now();
    let id = app.app.random.id(at);
    app.db(|conn| {
        diesel::insert_into(posts::table)
            .values((
                posts::local_government_id.eq(seed::MOTOSU),
                posts::id.eq(&id),
                posts::organization_id.eq(seed::MAYOR),
                posts::name.eq("広報課長"),
                posts::search_text.eq("広報課長"),
                posts::version.eq(1),
                posts::created_at.eq(at),
                posts::created_by.eq("system"),
                posts::updated_at.eq(at),
                posts::updated_by.eq("system"),
            ))
            .execute(conn)
    });
    id
}

async fn service(app: &TestApp, organization_id: &str) -> Answered {
    let new = json!({"organization_id": organization_id, "platform": "x", "operating_procedure": "運用手順 第1版\n第1条 …",
        "operating_procedure_revised_on": "2026-04-01", "publishable_information": "公表した行事、防災の情報"});
    app.officer().post("/social-media-services", new).await.expect(201)
}

fn account(service_id: &str) -> Value {
    json!({
        "organization_id": seed::MAYOR, "name": "本巣市公式X", "social_media_service_id": service_id,
        "handle": "@motosu_city", "url": "https://x.com/motosu_city", "purpose": "市政の情報を届ける",
        "platform_account_id": "1234567890", "hours": "平日 8:30–17:15", "verified_badge": true,
        "facts": {"confidentiality": "c1", "emergency_channel": true},
    })
}

db_test!(a_service_is_registered_once_per_organization_and_platform, |app| {
    let officer = app.officer();
    let made = service(&app, seed::MAYOR).await;
    let path = made.header("location").to_owned();
    let read = officer.get(&path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));
    let again = json!({"organization_id": seed::MAYOR, "platform": "x"});
    officer
        .post("/social-media-services", again.clone())
        .await
        .problem(409, "duplicate_social_media_service");
    let other = service(&app, seed::ASSEMBLY).await;
    let list = officer.get("/social-media-services").await.expect(200);
    assert_eq!(list.at("/items"), &json!([made.body, other.body]));
    let mine = format!("/social-media-services?organization_id={}", seed::ASSEMBLY);
    assert_eq!(officer.get(&mine).await.expect(200).at("/items"), &json!([other.body]));
    let first = officer.get("/social-media-services?limit=1").await.expect(200);
    let next = format!("/social-media-services?limit=1&cursor={}", first.text("/next_cursor"));
    assert_eq!(officer.get(&next).await.expect(200).at("/items"), &json!([other.body]));

    let chief = post(&app);
    let change = json!({"responsible": {"post_id": chief}, "publishable_information": null});
    let changed = officer.patch(&path, &made.etag(), change).await.expect(200);
    assert_eq!(
        changed.at("/responsible"),
        &json!({"person_id": null, "post_id": chief})
    );
    assert_eq!(changed.text("/publishable_information"), "公表した行事、防災の情報");
    officer
        .patch(&path, &made.etag(), json!({}))
        .await
        .problem(412, "stale_version");
    let both = json!({"responsible": {"post_id": chief, "person_id": chief}});
    officer
        .patch(&path, &changed.etag(), both)
        .await
        .invalid("/responsible", "one_of_two");
    let merge = json!({"responsible": null, "operating_procedure_revised_on": null});
    let merged = officer.merge_patch(&path, &changed.etag(), merge).await.expect(200);
    assert_eq!(merged.at("/responsible"), &Value::Null);
    assert_eq!(merged.at("/operating_procedure_revised_on"), &Value::Null);

    officer.delete(&path, &merged.etag()).await.expect(204);
    assert_eq!(
        officer.get("/social-media-services").await.expect(200).at("/items"),
        &json!([other.body])
    );
    officer.patch(&path, "*", json!({})).await.problem(409, "archived");
    let back = officer.post("/social-media-services", again).await.expect(201);
    assert_eq!((back.id(), back.at("/archived_at")), (made.id(), &Value::Null));
    assert_eq!(back.at("/operating_procedure"), &Value::Null);
});

db_test!(an_account_inherits_from_its_service, |app| {
    let officer = app.officer();
    let service = service(&app, seed::MAYOR).await;
    let made = officer
        .post("/social-media-accounts", account(&service.id()))
        .await
        .expect(201);
    assert_eq!(made.text("/kind"), "social_media_account");
    assert_eq!(made.text("/control_number"), "SN-2027-0001");
    assert_eq!(made.text("/service/platform"), "x");
    assert_eq!(
        made.at("/service/operating_procedure"),
        service.at("/operating_procedure")
    );
    let path = made.header("location").to_owned();
    let read = officer.get(&path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));
    assert_eq!(
        officer.get("/social-media-accounts").await.expect(200).at("/items"),
        &json!([made.body])
    );
    let clauses = officer
        .get(&format!("/entries/{}/clauses", made.id()))
        .await
        .expect(200);
    assert!(!clauses.items("/items").is_empty());

    let revised = json!({"publishable_information": "公表済みの情報だけ"});
    officer
        .patch(service.header("location"), &service.etag(), revised)
        .await
        .expect(200);
    let read = officer.get(&path).await.expect(200);
    assert_eq!(read.text("/service/publishable_information"), "公表済みの情報だけ");
    assert_ne!(read.etag(), made.etag(), "another representation has another tag");

    officer
        .delete(service.header("location"), "*")
        .await
        .problem(409, "in_use");
    officer.delete(&path, &read.etag()).await.expect(204);
    officer.delete(service.header("location"), "*").await.expect(204);
    officer
        .post("/social-media-accounts", account(&service.id()))
        .await
        .invalid("/social_media_service_id", "reference_not_found");
});

db_test!(a_new_handle_joins_the_history, |app| {
    let officer = app.officer();
    let service = service(&app, seed::MAYOR).await.id();
    let made = officer
        .post("/social-media-accounts", account(&service))
        .await
        .expect(201);
    let path = made.header("location").to_owned();
    app.at("2027-05-10T13:00");
    let same = json!({"handle": "@motosu_city", "audience": "市民", "facts": {"audience_size": 3000}});
    let same = officer.patch(&path, &made.etag(), same).await.expect(200);
    assert_eq!(same.items("/handles").len(), 1);
    let renamed = json!({"handle": "@motosu_official", "url": "https://x.com/motosu_official"});
    let renamed = officer.patch(&path, &same.etag(), renamed).await.expect(200);
    assert_eq!(
        renamed.at("/handles"),
        &json!([
            {"handle": "@motosu_city", "used_from_at": "2027-04-01T00:00:00.000000Z"},
            {"handle": "@motosu_official", "used_from_at": "2027-05-10T04:00:00.000000Z"},
        ])
    );
    assert_eq!(renamed.text("/handle"), "@motosu_official");
    assert_eq!(renamed.text("/facts/confidentiality"), "c1");
    let clear = json!({"clear": ["audience", "platform_account_id"], "hours": null});
    let cleared = officer.patch(&path, &renamed.etag(), clear).await.expect(200);
    assert_eq!(
        (cleared.at("/audience"), cleared.at("/platform_account_id")),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(cleared.text("/hours"), "平日 8:30–17:15");
    let merge = json!({"hours": null, "verified_badge": false});
    let merged = officer.merge_patch(&path, &cleared.etag(), merge).await.expect(200);
    assert_eq!(
        (merged.at("/hours"), merged.at("/verified_badge")),
        (&Value::Null, &json!(false))
    );
    assert_eq!(merged.items("/handles").len(), 2);
});

db_test!(an_account_names_a_service_and_an_engagement_that_fit, |app| {
    let officer = app.officer();
    let (mine, other) = (
        service(&app, seed::MAYOR).await.id(),
        service(&app, seed::ASSEMBLY).await.id(),
    );
    let none = "01960000-0000-7000-8000-0000000000ff";
    let new = json!({"organization_id": seed::MAYOR, "name": "SNS運用業務"});
    let engagement = officer.post("/engagements", new).await.expect(201).id();
    let pointer = "/social_media_service_id";
    for (field, value, pointer, code) in [
        (
            "social_media_service_id",
            json!(other),
            pointer,
            "reference_wrong_organization",
        ),
        ("social_media_service_id", json!(none), pointer, "reference_not_found"),
        (
            "delegated_engagement_id",
            json!(none),
            "/delegated_engagement_id",
            "reference_not_found",
        ),
        ("last_post_on", json!("2027-04-02"), "/last_post_on", "out_of_range"),
        ("handle", json!(" "), "/handle", "required"),
        ("status", json!("operating"), "/status", "status_needs_existing"),
    ] {
        let mut body = account(&mine);
        body[field] = value;
        officer
            .post("/social-media-accounts", body)
            .await
            .invalid(pointer, code);
    }
    for url in [
        "ftp://x.com/a",
        "https://",
        "x.com/motosu",
        "https://x.com/a b",
        "https://x.com@evil.example/",
    ] {
        let mut body = account(&mine);
        body["url"] = json!(url);
        officer
            .post("/social-media-accounts", body)
            .await
            .problem(422, "validation_failed");
    }
    let mut body = account(&mine);
    body["delegated_engagement_id"] = json!(engagement);
    body["registered_as_existing"] = json!(true);
    body["status"] = json!("operating");
    body["started_on"] = json!("2020-07-01");
    body["last_post_on"] = json!("2027-03-31");
    let made = officer.post("/social-media-accounts", body).await.expect(201);
    assert_eq!(made.text("/delegated_engagement_id"), engagement);
    assert_eq!((made.text("/status"), made.text("/phase")), ("operating", "active"));
    assert!(made.at("/next_due_on").is_string());
    let account_id = json!({"delegated_engagement_id": made.id()});
    officer
        .patch(made.header("location"), &made.etag(), account_id)
        .await
        .invalid("/delegated_engagement_id", "reference_not_found");
    officer
        .delete(made.header("location"), "*")
        .await
        .problem(409, "open_items_remain");
});

db_test!(
    services_and_accounts_are_not_seen_from_another_tenant_or_organization,
    |app| {
        let officer = app.officer();
        let service = service(&app, seed::MAYOR).await;
        let made = officer
            .post("/social-media-accounts", account(&service.id()))
            .await
            .expect(201);
        for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
            for path in [service.header("location"), made.header("location")] {
                outsider.get(path).await.problem(404, "not_found");
                outsider.patch(path, "*", json!({})).await.problem(404, "not_found");
                outsider.delete(path, "*").await.problem(404, "not_found");
            }
            for list in ["/social-media-services", "/social-media-accounts"] {
                assert_eq!(outsider.get(list).await.expect(200).items("/items").len(), 0);
            }
            let new = json!({"organization_id": seed::MAYOR, "platform": "line"});
            outsider
                .post("/social-media-services", new)
                .await
                .invalid("/organization_id", "reference_not_found");
            let mut foreign = account(&service.id());
            foreign["organization_id"] = json!(seed::ASSEMBLY);
            outsider
                .post("/social-media-accounts", foreign)
                .await
                .problem(422, "validation_failed");
        }
        let reader = app.with_scopes(&["entries:read"]);
        reader.get(made.header("location")).await.expect(200);
        reader
            .get(service.header("location"))
            .await
            .problem(403, "insufficient_scope");
    }
);
