//! API clients over the wire: what they may give, and what becomes of their secrets.

use diesel::prelude::*;
use kakunin::db::schema::{api_client_secrets, journal_payloads};
use serde_json::{Value, json};

use crate::harness::{TestApp, seed};

async fn token_status(app: &TestApp, client_id: &str, secret: &str) -> u16 {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", secret),
    ];
    app.anon().form("/oauth/token", &form).await.status
}

fn finance() -> Value {
    json!({"name": "財務会計システム", "scopes": ["entries:read", "contractors:read", "entries:read"]})
}

db_test!(a_client_is_registered_and_works, |app| {
    let officer = app.officer();
    let mut body = finance();
    body["organization_ids"] = json!([seed::ASSEMBLY]);
    body["contact_email"] = json!("zaimu@city.example.lg.jp");
    let made = officer.post("/api-clients", body).await.expect(201);
    assert_eq!(
        made.at("/client/scopes"),
        &json!(["contractors:read", "entries:read"]),
        "sorted, each once"
    );
    let (id, secret) = (made.text("/client/id"), made.text("/client_secret"));
    assert!(
        secret.starts_with(&format!("kk_{}_", &id[..8])) && secret.len() == 55,
        "{secret}"
    );
    assert_eq!(token_status(&app, id, secret).await, 200);

    let read = officer.get(made.header("location")).await.expect(200);
    assert_eq!((read.etag(), read.text("/name")), (made.etag(), "財務会計システム"));
    assert!(!read.body.to_string().contains(secret), "the secret is shown once");
    assert_eq!(read.items("/secrets").len(), 1);
    assert!(!read.at("/last_used_at").is_null());
    let listed = officer.get("/api-clients").await.expect(200);
    assert!(listed.items("/items").contains(&read.body));

    // Neither the table nor the journal holds the secret.
    let hashes: Vec<String> = app.db(|conn| {
        api_client_secrets::table
            .select(api_client_secrets::secret_sha256)
            .load(conn)
    });
    let payloads: Vec<Option<String>> =
        app.db(|conn| journal_payloads::table.select(journal_payloads::body).load(conn));
    assert!(!format!("{hashes:?}{payloads:?}").contains(secret));
});

db_test!(me_says_who_calls_and_where_it_may_look, |app| {
    let me = app.officer().get("/me").await.expect(200);
    assert_eq!(me.text("/client_id"), seed::MOTOSU_CLIENT);
    assert_eq!(
        me.at("/local_government"),
        &json!({"id": seed::MOTOSU, "code": "212181", "name": "本巣市"})
    );
    assert_eq!(
        (me.at("/all_organizations"), me.items("/organizations").len()),
        (&json!(true), 2)
    );
    assert_eq!(me.at("/may_act_for_people"), &json!(true));

    let limited = app.limited(&[seed::ASSEMBLY]).get("/me").await.expect(200);
    assert_eq!(limited.at("/all_organizations"), &json!(false));
    let own = json!([{"id": seed::ASSEMBLY, "key": "assembly", "name": "本巣市議会"}]);
    assert_eq!(limited.at("/organizations"), &own);
    assert_eq!(
        app.with_scopes(&["risk:evaluate"])
            .get("/me")
            .await
            .expect(200)
            .at("/may_act_for_people"),
        &json!(false)
    );
});

db_test!(values_that_are_wrong_are_named, |app| {
    let officer = app.officer();
    let post = |body: Value| {
        let officer = officer.clone();
        async move { officer.post("/api-clients", body).await }
    };
    post(json!({"name": "A", "scopes": ["entries:read", "everything"]}))
        .await
        .invalid("/scopes/1", "not_in_enum");
    post(json!({"name": "A", "scopes": []}))
        .await
        .invalid("/scopes", "out_of_range");
    let foreign = json!({"name": "A", "scopes": ["entries:read"], "organization_ids": [seed::KAGOSHIMA_ASSEMBLY]});
    post(foreign)
        .await
        .invalid("/organization_ids/0", "reference_not_found");
    let email = json!({"name": "A", "scopes": ["entries:read"], "contact_email": "nobody"});
    let named = post(email).await.problem(422, "validation_failed");
    assert_eq!(named.text("/errors/0/pointer"), "/contact_email");
});

db_test!(nobody_gives_more_than_it_holds, |app| {
    let narrow = app.with_scopes(&["clients:manage", "entries:read"]);
    narrow
        .post("/api-clients", finance())
        .await
        .problem(403, "insufficient_scope");
    let made = narrow
        .post("/api-clients", json!({"name": "A", "scopes": ["entries:read"]}))
        .await
        .expect(201);
    let path = made.header("location");
    let more = json!({"scopes": ["entries:read", "entries:write"]});
    narrow
        .patch(path, &made.etag(), more.clone())
        .await
        .problem(403, "insufficient_scope");
    let strong = app.officer().patch(path, &made.etag(), more).await.expect(200);
    // Who gets the secret of a stronger client has its strength.
    narrow
        .post(&format!("{path}/secrets"), json!({}))
        .await
        .problem(403, "insufficient_scope");
    // Taking away needs nothing.
    narrow
        .patch(path, &strong.etag(), json!({"scopes": ["entries:read"]}))
        .await
        .expect(200);
});

db_test!(a_client_of_one_organization_manages_only_clients_within_it, |app| {
    let limited = app.limited(&[seed::ASSEMBLY]);
    limited
        .post("/api-clients", finance())
        .await
        .invalid("/organization_ids", "required");
    let mut body = finance();
    body["organization_ids"] = json!([seed::MAYOR]);
    limited
        .post("/api-clients", body.clone())
        .await
        .invalid("/organization_ids/0", "reference_not_found");
    body["organization_ids"] = json!([seed::ASSEMBLY]);
    let own = limited.post("/api-clients", body).await.expect(201);
    let wider = json!({"clear": ["organization_ids"]});
    limited
        .patch(own.header("location"), "*", wider)
        .await
        .invalid("/organization_ids", "required");

    let other = app.officer().post("/api-clients", finance()).await.expect(201);
    let path = other.header("location");
    limited.get(path).await.problem(404, "not_found");
    limited
        .patch(path, "*", json!({"name": "B"}))
        .await
        .problem(404, "not_found");
    limited
        .post(&format!("{path}/secrets"), json!({}))
        .await
        .problem(404, "not_found");
    limited.delete(path, "*").await.problem(404, "not_found");
    let listed = limited.get("/api-clients").await.expect(200);
    let ids: Vec<&str> = listed
        .items("/items")
        .iter()
        .map(|client| client["id"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&own.text("/client/id")) && !ids.contains(&other.text("/client/id")));
});

db_test!(a_new_secret_leaves_the_old_one_for_the_overlap, |app| {
    let officer = app.officer();
    let made = officer.post("/api-clients", finance()).await.expect(201);
    let (id, old) = (made.text("/client/id"), made.text("/client_secret"));
    let path = format!("/api-clients/{id}/secrets");
    let issued = officer.post(&path, json!({"overlap_hours": 2})).await.expect(201);
    assert_eq!(issued.text("/previous_expire_at"), "2027-04-01T02:00:00.000000Z");
    let new = issued.text("/client_secret");
    assert_eq!(officer.get(made.header("location")).await.items("/secrets").len(), 2);
    app.at("2027-04-01T10:59");
    assert_eq!(
        (token_status(&app, id, old).await, token_status(&app, id, new).await),
        (200, 200)
    );
    app.at("2027-04-01T11:00");
    assert_eq!(
        (token_status(&app, id, old).await, token_status(&app, id, new).await),
        (401, 200)
    );
    let last = officer.post(&path, json!({"overlap_hours": 0})).await.expect(201);
    assert_eq!(token_status(&app, id, new).await, 401);
    assert_eq!(token_status(&app, id, last.text("/client_secret")).await, 200);
    officer
        .post(&path, json!({"overlap_hours": 169}))
        .await
        .invalid("/overlap_hours", "out_of_range");
});

db_test!(a_revoked_client_stays_revoked, |app| {
    let officer = app.officer();
    let made = officer.post("/api-clients", finance()).await.expect(201);
    let (path, id) = (made.header("location"), made.text("/client/id"));
    officer.delete(path, "").await.problem(428, "precondition_required");
    officer.delete(path, "\"9\"").await.problem(412, "stale_version");
    officer.delete(path, &made.etag()).await.expect(204);
    assert_eq!(token_status(&app, id, made.text("/client_secret")).await, 401);
    officer
        .patch(path, "*", json!({"name": "B"}))
        .await
        .problem(409, "client_revoked");
    officer
        .post(&format!("{path}/secrets"), json!({}))
        .await
        .problem(409, "client_revoked");
    officer.delete(path, "*").await.expect(204);
    let has = |body: &Value| {
        body["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|client| client["id"] == id)
    };
    assert!(!has(&officer.get("/api-clients").await.expect(200).body));
    assert!(has(&officer
        .get("/api-clients?include_revoked=true")
        .await
        .expect(200)
        .body));
});
