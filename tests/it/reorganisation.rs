//! Reorganisation of departments (機構改革): what a department had goes to its successors on the day, once.

use serde_json::{Value, json};

use crate::hand_over::{engagement, person};
use crate::harness::{Answered, TestApp, seed};
use crate::mailroom::planner;

async fn department(app: &TestApp, code: &str) -> String {
    let new = json!({"organization_id": seed::MAYOR, "code": code, "name": format!("{code}課"),
        "mailbox": format!("d{code}@city.example.lg.jp")});
    app.officer().post("/departments", new).await.expect(201).id()
}

async fn get(app: &TestApp, path: &str) -> Answered {
    app.officer().get(path).await.expect(200)
}

async fn tick(app: &TestApp) {
    planner(app).tick().await.unwrap();
}

db_test!(a_department_goes_up_in_another_on_the_day, |app| {
    let (old, next) = (department(&app, "1").await, department(&app, "2").await);
    let below = json!({"organization_id": seed::MAYOR, "code": "11", "name": "11係", "parent_id": old});
    let below = app.officer().post("/departments", below).await.expect(201).id();
    let head = json!({"name": "課長 一郎", "appointments":
            [{"organization_id": seed::MAYOR, "department_id": old, "starts_on": "2025-04-01"}],
        "roles": [
            {"organization_id": seed::MAYOR, "department_id": old, "role": "section_security_manager", "starts_on": "2025-04-01"},
            {"organization_id": seed::MAYOR, "department_id": old, "role": "procurement_officer", "starts_on": "2025-04-01"}]});
    let head = app.officer().post("/people", head).await.expect(201).id();
    let other = json!({"name": "課長 二郎", "roles": [
        {"organization_id": seed::MAYOR, "department_id": next, "role": "section_security_manager", "starts_on": "2025-04-01"}]});
    app.officer().post("/people", other).await.expect(201);
    let post = json!({"organization_id": seed::MAYOR, "department_id": old, "name": "1課長"});
    let post = app.officer().post("/posts", post).await.expect(201).id();
    let owner = json!({"person_id": head});
    let entry = engagement(&app, "清掃業務", owner, json!({"department_id": old})).await;

    let path = format!("/departments/{old}/successions");
    let new = json!({"kind": "merge", "successors": [{"department_id": next}], "effective_on": "2027-07-01", "reason": "機構改革"});
    let tried = app
        .officer()
        .post(&format!("{path}?dry_run=true"), new.clone())
        .await
        .expect(200);
    let expected = json!({"successors": [{"department_id": next, "entries": 1}], "posts": 1, "roles": 2,
        "appointments": 1, "departments": 1});
    assert_eq!(tried.body, expected);
    let list = format!("/department-successions?department_id={old}");
    assert!(get(&app, &list).await.items("/items").is_empty());
    let planned = app.officer().post(&path, new.clone()).await.expect(201);
    assert_eq!(planned.at("/done_at"), &Value::Null);
    assert_eq!(
        get(&app, planned.header("location")).await.at("/items/0"),
        &planned.body
    );
    app.officer()
        .post(&path, new.clone())
        .await
        .problem(409, "already_succeeded");
    app.officer()
        .delete(&path, "\"9.ja\"")
        .await
        .problem(412, "stale_version");
    app.officer().delete(&path, "*").await.expect(204);
    app.officer().delete(&path, "*").await.problem(409, "nothing_planned");
    app.officer().post(&path, new).await.expect(201);
    tick(&app).await;
    assert_eq!(
        get(&app, &format!("/entries/{entry}")).await.text("/department_id"),
        old
    );

    app.at("2027-07-01T00:10");
    tick(&app).await;
    tick(&app).await;
    assert_eq!(
        get(&app, &format!("/entries/{entry}")).await.text("/department_id"),
        next
    );
    assert_eq!(get(&app, &format!("/posts/{post}")).await.text("/department_id"), next);
    assert_eq!(
        get(&app, &format!("/departments/{below}")).await.text("/parent_id"),
        next
    );
    let closed = get(&app, &format!("/departments/{old}")).await;
    assert_eq!(
        (closed.text("/valid_to_on"), closed.text("/successor_id")),
        ("2027-06-30", next.as_str())
    );
    let person = get(&app, &format!("/people/{head}")).await;
    let of = |name: &str, department: &str| -> Vec<Value> {
        let all = person.items(&format!("/{name}")).iter();
        all.filter(|one| one["department_id"] == department).cloned().collect()
    };
    assert_eq!(of("appointments", &old)[0]["ends_on"], "2027-06-30");
    assert_eq!(of("appointments", &next)[0]["starts_on"], "2027-07-01");
    assert!(of("roles", &old).iter().all(|role| role["ends_on"] == "2027-06-30"));
    let roles: Vec<Value> = of("roles", &next).iter().map(|role| role["role"].clone()).collect();
    assert_eq!(roles, ["procurement_officer"], "the successor has a manager of its own");
    assert_ne!(get(&app, &list).await.at("/items/0/done_at"), &Value::Null);
    let timeline = get(&app, &format!("/entries/{entry}/timeline")).await;
    let told = timeline
        .items("/items")
        .iter()
        .filter(|item| item["action"] == "entry.department_changed");
    assert_eq!(told.count(), 1, "once");
    let named = json!({"organization_id": seed::MAYOR, "name": "新規", "department_id": old});
    app.officer()
        .post("/engagements", named)
        .await
        .invalid("/department_id", "department_closed");
    let path = format!("/entries/{entry}");
    let etag = get(&app, &format!("/engagements/{entry}")).await.etag();
    app.officer()
        .patch(&path.replace("entries", "engagements"), &etag, json!({"note": "確認"}))
        .await
        .expect(200);
});

db_test!(a_department_is_split_and_what_nobody_names_goes_to_the_first, |app| {
    let (old, first, second) = (
        department(&app, "1").await,
        department(&app, "2").await,
        department(&app, "3").await,
    );
    let owner = json!({"person_id": person(&app, "責任 花子").await});
    let place = json!({"department_id": old});
    let named = engagement(&app, "清掃業務", owner.clone(), place.clone()).await;
    let unnamed = engagement(&app, "警備業務", owner.clone(), place).await;
    let elsewhere = engagement(&app, "印刷業務", owner, json!({"department_id": first})).await;
    let path = format!("/departments/{old}/successions");
    let split = |successors: Value| json!({"kind": "split", "successors": successors, "effective_on": "2027-04-01", "reason": "分割"});
    let good = json!([{"department_id": first}, {"department_id": second, "entry_ids": [named]}]);
    let with = |name: &str, value: Value| {
        let mut body = split(good.clone());
        body[name] = value;
        body
    };
    for (body, pointer, code) in [
        (split(json!([{"department_id": first}])), "/successors", "wrong_count"),
        (with("kind", json!("merge")), "/successors", "wrong_count"),
        (
            split(json!([{"department_id": first}, {"department_id": old}])),
            "/successors/1/department_id",
            "same_department",
        ),
        (
            split(json!([{"department_id": first}, {"department_id": first}])),
            "/successors/1/department_id",
            "duplicate_in_request",
        ),
        (
            split(json!([{"department_id": first}, {"department_id": second, "entry_ids": [elsewhere]}])),
            "/successors/1/entry_ids/0",
            "reference_not_found",
        ),
        (
            with("effective_on", json!("2027-03-31")),
            "/effective_on",
            "date_in_past",
        ),
        (with("reason", json!(" ")), "/reason", "required"),
    ] {
        app.officer().post(&path, body).await.invalid(pointer, code);
    }
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider
            .post(&path, split(good.clone()))
            .await
            .problem(404, "not_found");
    }
    assert_eq!(
        get(&app, &format!("/departments/{old}")).await.at("/valid_to_on"),
        &Value::Null
    );

    let done = app.officer().post(&path, split(good)).await.expect(201);
    assert_ne!(done.at("/done_at"), &Value::Null, "its day is there");
    for (entry, department) in [(named, second), (unnamed, first.clone()), (elsewhere, first)] {
        assert_eq!(
            get(&app, &format!("/entries/{entry}")).await.text("/department_id"),
            department
        );
    }
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        assert!(
            outsider
                .get("/department-successions")
                .await
                .expect(200)
                .items("/items")
                .is_empty()
        );
    }
});
