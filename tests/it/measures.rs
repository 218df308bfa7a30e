//! Measures under the contract: what they rest on, what caused them, and the answer that is waited for.

use serde_json::{Value, json};

use crate::engagements::{obligation, person, plain_facts, registered};
use crate::harness::{TestApp, seed};

fn demand(entry_id: &str) -> Value {
    json!({"entry_id": entry_id, "kind": "correction_demand", "contract_article": "第12条第2項",
        "reason": "接続記録が保存されていない。", "notice_on": "2027-04-01", "document_number": "本情第45号",
        "answer_due_on": "2027-04-20"})
}

async fn count(app: &TestApp, query: &str) -> usize {
    let list = app
        .officer()
        .get(&format!("/contract-measures{query}"))
        .await
        .expect(200);
    list.items("/items").len()
}

db_test!(a_measure_is_decided_answered_and_concluded, |app| {
    let (engagement, chief) = (registered(&app).await, person(&app));
    let id = engagement.id();
    let action = json!({"entry_id": id, "title": "接続記録を保存する"});
    let action = app.officer().post("/corrective-actions", action).await.expect(201).id();
    let mut new = demand(&id);
    new["corrective_action_id"] = json!(action);
    app.officer()
        .post("/contract-measures", new.clone())
        .await
        .problem(422, "acting_person_required");
    let made = app
        .officer()
        .acting(&chief)
        .post("/contract-measures", new)
        .await
        .expect(201);
    assert_eq!(made.text("/decided_by_person_id"), chief);
    assert_eq!(made.at("/period_id"), engagement.at("/current_period/id"));
    let path = made.header("location").to_owned();
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));
    let due = obligation(&app.officer(), &id, "measure_answer").await;
    assert_eq!(due.text("/due_on"), "2027-04-20");

    let later = json!({"answer_due_on": "2027-04-27"});
    let later = app.officer().patch(&path, &made.etag(), later).await.expect(200);
    let due = obligation(&app.officer(), &id, "measure_answer").await;
    assert_eq!((due.text("/due_on"), due.at("/cycle")), ("2027-04-27", &json!(2)));
    for (answer, pointer) in [
        (
            json!({"answered_on": "2027-03-31", "text": "改めた"}),
            "/answer/answered_on",
        ),
        (
            json!({"answered_on": "2027-04-02", "text": "改めた"}),
            "/answer/answered_on",
        ),
    ] {
        app.officer()
            .patch(&path, &later.etag(), json!({"answer": answer}))
            .await
            .invalid(pointer, "out_of_range");
    }
    app.at("2027-04-19T10:00");
    let answer =
        json!({"answer": {"answered_on": "2027-04-19", "text": "保存を始めた。"}, "result": "現地で確かめた。"});
    app.officer()
        .patch(&path, &made.etag(), answer.clone())
        .await
        .problem(412, "stale_version");
    let answered = app.officer().patch(&path, &later.etag(), answer).await.expect(200);
    assert_eq!(answered.text("/answer/answered_on"), "2027-04-19");
    assert_eq!(answered.text("/result"), "現地で確かめた。");
    let closed = format!("/obligations?entry_id={id}&kind=measure_answer&state=closed");
    let closed = app.officer().get(&closed).await.expect(200);
    assert_eq!(closed.text("/items/0/outcome"), "answered");
    assert_eq!(count(&app, &format!("?entry_id={id}")).await, 1);
    assert_eq!(count(&app, "?kind=termination").await, 0);
    assert_eq!(count(&app, "?kind=correction_demand").await, 1);
    let cleared = json!({"clear": ["answer"]});
    app.officer()
        .patch(&path, &answered.etag(), cleared)
        .await
        .invalid("/answer", "null_not_allowed");
});

db_test!(a_measure_without_its_contract_is_refused_by_its_pointer, |app| {
    let (id, other, chief) = (registered(&app).await.id(), registered(&app).await, person(&app));
    let cloud = json!({"organization_id": seed::MAYOR, "name": "電子申請", "facts": plain_facts(), "purpose": "申請の受付", "service_model": "saas"});
    let cloud = app.officer().post("/cloud-services", cloud).await.expect(201).id();
    let foreign = json!({"entry_id": other.id(), "title": "別の件"});
    let foreign = app
        .officer()
        .post("/corrective-actions", foreign)
        .await
        .expect(201)
        .id();
    let chief = app.officer().acting(&chief);
    for (name, value, pointer, code) in [
        ("entry_id", json!(cloud), "/entry_id", "not_an_engagement"),
        ("entry_id", json!(seed::MAYOR), "/entry_id", "reference_not_found"),
        (
            "period_id",
            other.at("/current_period/id").clone(),
            "/period_id",
            "reference_not_found",
        ),
        (
            "corrective_action_id",
            json!(foreign),
            "/corrective_action_id",
            "reference_not_found",
        ),
        ("incident_id", json!(foreign), "/incident_id", "reference_not_found"),
        (
            "verification_id",
            json!(foreign),
            "/verification_id",
            "reference_not_found",
        ),
        ("notice_on", json!("2027-04-02"), "/notice_on", "out_of_range"),
        ("answer_due_on", json!("2027-03-31"), "/answer_due_on", "out_of_range"),
        ("kind", json!("punishment"), "/kind", "not_in_enum"),
    ] {
        let mut new = demand(&id);
        new[name] = value;
        chief.post("/contract-measures", new).await.invalid(pointer, code);
    }
    assert_eq!(count(&app, "").await, 0);
});
