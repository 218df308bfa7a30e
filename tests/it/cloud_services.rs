//! Cloud services over the wire.

use serde_json::{Value, json};

use crate::harness::seed;

fn in_use() -> Value {
    json!({
        "organization_id": seed::MAYOR, "name": "グループウェア", "service_model": "saas", "purpose": "庁内の連絡",
        "data_countries": ["US", "JP"], "terms_url": "https://groupware.example.co.jp/terms?lang=ja",
        "terms_checked_on": "2027-03-31", "approval_valid_until_on": "2028-03-31", "ismap_status": "registered",
        "facts": {"confidentiality": "c2", "access_mode": "hosted"},
        "registered_as_existing": true, "status": "in_use", "started_on": "2027-04-01",
    })
}

db_test!(a_cloud_service_is_registered_read_listed_changed_and_archived, |app| {
    let officer = app.officer();
    let new =
        json!({"organization_id": seed::MAYOR, "name": "電子申請", "service_model": "saas", "purpose": "住民の申請"});
    let made = officer.post("/cloud-services", new).await.expect(201);
    assert_eq!(made.text("/kind"), "cloud_service");
    assert_eq!(made.text("/control_number"), "CL-2027-0001");
    assert_eq!((made.text("/status"), made.text("/ismap_status")), ("draft", "unknown"));
    assert_eq!(made.items("/data_countries").len(), 0);
    let path = made.header("location").to_owned();
    let read = officer.get(&path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));
    assert_eq!(
        officer.get("/cloud-services").await.expect(200).at("/items"),
        &json!([made.body])
    );
    let ledger = officer.get("/entries?kind=cloud_service").await.expect(200);
    assert_eq!(ledger.text("/items/0/id"), made.id());
    assert_eq!(officer.get("/engagements").await.expect(200).items("/items").len(), 0);

    let provider = officer
        .post("/contractors", json!({"name": "みどりクラウド株式会社"}))
        .await
        .expect(201)
        .id();
    let change = json!({"provider_contractor_id": provider, "plan": "自治体プラン", "users": "全職員",
        "data_countries": ["JP"], "purpose": null, "facts": {"confidentiality": "c1"}});
    let changed = officer.patch(&path, &made.etag(), change).await.expect(200);
    assert_eq!(changed.text("/provider_contractor_id"), provider);
    assert_eq!(
        (changed.text("/plan"), changed.text("/purpose")),
        ("自治体プラン", "住民の申請")
    );
    assert_eq!(changed.at("/data_countries"), &json!(["JP"]));
    officer
        .patch(&path, &made.etag(), json!({"plan": "遅れた変更"}))
        .await
        .problem(412, "stale_version");
    officer
        .patch(&path, "", json!({"plan": "条件なし"}))
        .await
        .problem(428, "precondition_required");
    let clear = json!({"clear": ["plan", "facts.confidentiality"]});
    let cleared = officer.patch(&path, &changed.etag(), clear).await.expect(200);
    assert_eq!((cleared.at("/plan"), cleared.at("/facts")), (&Value::Null, &json!({})));
    let merge = json!({"users": null, "provider_contractor_id": null, "ismap_status": "ismap_liu"});
    let merged = officer.merge_patch(&path, &cleared.etag(), merge).await.expect(200);
    assert_eq!(
        (merged.at("/users"), merged.at("/provider_contractor_id")),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(merged.text("/ismap_status"), "ismap_liu");
    officer
        .merge_patch(&path, &merged.etag(), json!({"purpose": null}))
        .await
        .invalid("/purpose", "null_not_allowed");

    officer.delete(&path, &merged.etag()).await.expect(204);
    assert_eq!(
        officer.get("/cloud-services").await.expect(200).items("/items").len(),
        0
    );
});

db_test!(the_end_of_the_approval_is_due, |app| {
    let officer = app.officer();
    let made = officer.post("/cloud-services", in_use()).await.expect(201);
    assert_eq!((made.text("/status"), made.text("/phase")), ("in_use", "active"));
    assert_eq!(made.at("/data_countries"), &json!(["JP", "US"]));
    let open = format!("/obligations?entry_id={}&kind=approval_expiry", made.id());
    let due = officer.get(&open).await.expect(200);
    assert_eq!(due.text("/items/0/due_on"), "2028-03-31");
    let path = made.header("location").to_owned();
    let longer = json!({"approval_valid_until_on": "2028-09-30"});
    let changed = officer.patch(&path, &made.etag(), longer).await.expect(200);
    let moved = officer.get(&open).await.expect(200);
    assert_eq!(moved.text("/items/0/id"), due.text("/items/0/id"));
    assert_eq!(
        (moved.text("/items/0/due_on"), moved.at("/items/0/cycle")),
        ("2028-09-30", &json!(2))
    );
    let gone = json!({"clear": ["approval_valid_until_on"]});
    officer.patch(&path, &changed.etag(), gone).await.expect(200);
    assert_eq!(officer.get(&open).await.expect(200).items("/items").len(), 0);
    officer.delete(&path, "*").await.problem(409, "open_items_remain");
    let risk = officer.get(&format!("/entries/{}/risk", made.id())).await.expect(200);
    assert!(!risk.items("/assessment/clauses").is_empty());
});

db_test!(a_wrong_cloud_service_is_refused_with_the_place, |app| {
    let none = "01960000-0000-7000-8000-0000000000ff";
    for (field, value, pointer, code) in [
        (
            "provider_contractor_id",
            json!(none),
            "/provider_contractor_id",
            "reference_not_found",
        ),
        (
            "organization_id",
            json!(none),
            "/organization_id",
            "reference_not_found",
        ),
        (
            "terms_checked_on",
            json!("2027-04-02"),
            "/terms_checked_on",
            "out_of_range",
        ),
        ("purpose", json!(" \u{3000}"), "/purpose", "required"),
        ("status", json!("in_performance"), "/status", "not_in_enum"),
        (
            "registered_as_existing",
            json!(false),
            "/status",
            "status_needs_existing",
        ),
    ] {
        let mut body = in_use();
        body[field] = value;
        app.officer().post("/cloud-services", body).await.invalid(pointer, code);
    }
    for (field, value) in [
        ("terms_url", json!("javascript:alert(1)")),
        ("terms_url", json!("https://user:secret@example.co.jp/")),
        ("data_countries", json!(["Japan"])),
        ("data_countries", json!(["JP", "JP"])),
        ("service_model", json!("faas")),
        ("ismap_status", json!("yes")),
        ("colour", json!("red")),
    ] {
        let mut body = in_use();
        body[field] = value;
        app.officer()
            .post("/cloud-services", body)
            .await
            .problem(422, "validation_failed");
    }
    assert_eq!(app.officer().get("/entries").await.expect(200).items("/items").len(), 0);
});

db_test!(a_cloud_service_is_not_seen_from_another_tenant_or_organization, |app| {
    let made = app.officer().post("/cloud-services", in_use()).await.expect(201);
    let path = made.header("location").to_owned();
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.get(&path).await.problem(404, "not_found");
        outsider
            .patch(&path, "*", json!({"plan": "奪取"}))
            .await
            .problem(404, "not_found");
        outsider.delete(&path, "*").await.problem(404, "not_found");
        assert_eq!(
            outsider.get("/cloud-services").await.expect(200).items("/items").len(),
            0
        );
        outsider
            .post("/cloud-services", in_use())
            .await
            .invalid("/organization_id", "reference_not_found");
    }
    let reader = app.with_scopes(&["entries:read"]);
    reader.get(&path).await.expect(200);
    reader
        .post("/cloud-services", in_use())
        .await
        .problem(403, "insufficient_scope");
    app.officer()
        .get(&format!("/engagements/{}", made.id()))
        .await
        .problem(404, "not_found");
});
