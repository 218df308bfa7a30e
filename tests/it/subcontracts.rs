//! The chain below a contractor: applied for, decided tier by tier, ended from below, and what it stops meanwhile.

use diesel::prelude::*;
use kakunin::db::schema::obligations;
use serde_json::{Value, json};

use crate::engagements::{obligation, plain_facts, registered};
use crate::harness::{Answered, TestApp, seed};
use crate::transitions::{Office, Way, lacks};

async fn company(app: &TestApp, name: &str) -> String {
    app.officer()
        .post("/contractors", json!({"name": name}))
        .await
        .expect(201)
        .id()
}

fn application(engagement_id: &str, contractor_id: &str) -> Value {
    json!({"engagement_id": engagement_id, "contractor_id": contractor_id, "work": "発送物の封入",
        "handles_personal_information": true, "handles_specific_personal_information": false,
        "starts_on": "2027-04-01", "ends_on": "2027-12-31"})
}

async fn apply(app: &TestApp, body: Value) -> Answered {
    app.officer().post("/subcontracts", body).await.expect(201)
}

fn approve() -> Value {
    json!({"decision": "approve", "flow_down_confirmed": true, "document_number": "本情第7号"})
}

db_test!(a_chain_is_permitted_from_above_and_ended_from_below, |app| {
    let office = Office::new(&app);
    let id = registered(&app).await.id();
    let (first, second) = (company(&app, "株式会社乙").await, company(&app, "株式会社丙").await);
    let one = apply(&app, application(&id, &first)).await;
    assert_eq!(
        (one.at("/tier"), one.text("/state"), one.at("/permitted")),
        (&json!(1), "requested", &json!(false))
    );
    let mut below = application(&id, &second);
    below["parent_subcontract_id"] = json!(one.id());
    let two = apply(&app, below.clone()).await;
    assert_eq!(two.at("/tier"), &json!(2));

    // Who decides, and in which order.
    let decisions = |id: &str| format!("/subcontracts/{id}/decisions");
    let manager = app.officer().acting(&office.manager);
    app.officer()
        .post(&decisions(&one.id()), approve())
        .await
        .problem(422, "acting_person_required");
    let refused = app
        .officer()
        .acting(&office.owner)
        .post(&decisions(&one.id()), approve())
        .await;
    assert_eq!(
        refused.problem(409, "transition_unmet").at("/unmet/0/code"),
        "role_required"
    );
    manager
        .post(&decisions(&two.id()), approve())
        .await
        .problem(409, "parent_not_permitted");
    manager
        .post(&decisions(&one.id()), json!({"decision": "approve"}))
        .await
        .invalid("/flow_down_confirmed", "required");
    let approved = manager.post(&decisions(&one.id()), approve()).await.expect(200);
    assert_eq!(
        (approved.text("/state"), approved.at("/permitted")),
        ("approved", &json!(true))
    );
    assert_eq!(approved.text("/decision/decided_by_person_id"), office.manager);
    manager
        .post(&decisions(&one.id()), approve())
        .await
        .problem(409, "already_closed");
    let elsewhere = json!({"decision": "approve", "flow_down_confirmed": true, "decided_by": "総務部長",
        "decided_on": "2027-04-01", "document_number": "本総第3号"});
    let recorded = app
        .officer()
        .acting(&office.owner)
        .post(&decisions(&two.id()), elsewhere)
        .await
        .expect(200);
    assert_eq!(recorded.at("/decision/decided_by_person_id"), &Value::Null);
    assert_eq!(recorded.text("/decision/decided_by"), "総務部長");

    // What is decided stands; only the amount and the note may still change.
    let path = format!("/subcontracts/{}", one.id());
    let longer = json!({"ends_on": "2028-03-31"});
    app.officer()
        .patch(&path, &approved.etag(), longer)
        .await
        .problem(409, "already_closed");
    let noted = app
        .officer()
        .patch(&path, &approved.etag(), json!({"amount_jpy": 1_200_000}))
        .await
        .expect(200);
    assert_eq!(noted.at("/amount_jpy"), &json!(1_200_000));

    // One that ends before its parent is a due date; two ends with one.
    let due = obligation(&app.officer(), &id, "subcontract_expiry").await;
    assert_eq!(due.text("/due_on"), "2027-12-31");
    let about: String = app.db(|conn| {
        obligations::table
            .filter(obligations::id.eq(due.id()))
            .select(obligations::subject_id)
            .first(conn)
    });
    assert_eq!(about, one.id());

    // A list of the chain.
    let chain = app
        .officer()
        .get(&format!("/subcontracts?engagement_id={id}"))
        .await
        .expect(200);
    assert_eq!(chain.items("/items").len(), 2);
    let deep = app.officer().get("/subcontracts?tier=2").await.expect(200);
    assert_eq!(deep.items("/items").len(), 1);

    let over = json!({"ended_on": "2027-04-01", "reason": "作業の完了。データの返却を確認した。"});
    let endings = |id: &str| format!("/subcontracts/{id}/endings");
    manager
        .post(&endings(&one.id()), over.clone())
        .await
        .problem(409, "in_use");
    manager.post(&endings(&two.id()), over.clone()).await.expect(200);
    let ended = manager.post(&endings(&one.id()), over).await.expect(200);
    assert_eq!((ended.text("/state"), ended.text("/ended_on")), ("ended", "2027-04-01"));
    let open = format!("/obligations?entry_id={id}&kind=subcontract_expiry&state=open");
    assert_eq!(app.officer().get(&open).await.expect(200).items("/items").len(), 0);
});

db_test!(my_number_goes_no_further_without_a_document, |app| {
    let office = Office::new(&app);
    let id = registered(&app).await.id();
    let mut new = application(&id, &company(&app, "株式会社乙").await);
    new["handles_specific_personal_information"] = json!(true);
    let one = apply(&app, new).await;
    let manager = app.officer().acting(&office.manager);
    let path = format!("/subcontracts/{}/decisions", one.id());
    let without = json!({"decision": "approve", "flow_down_confirmed": true});
    manager
        .post(&path, without)
        .await
        .invalid("/document_number", "required");
    manager.post(&path, approve()).await.expect(200);
    // 番号法10条 knows no exception.
    let exception = json!({"clause_key": "my-number-subcontract-permission", "reason": "急ぐため",
        "compensating_measures": "なし", "expires_on": "2027-09-30"});
    manager
        .post(&format!("/entries/{id}/exceptions"), exception)
        .await
        .invalid("/clause_key", "statutory_clause");
});

db_test!(work_does_not_go_on_while_somebody_below_has_no_permission, |app| {
    let office = Office::new(&app);
    let mut new = json!({
        "organization_id": seed::MAYOR, "name": "保守業務", "contractor_id": company(&app, "株式会社甲").await,
        "facts": plain_facts(), "registered_as_existing": true, "status": "in_performance",
        "started_on": "2027-04-01", "period": {"starts_on": "2027-04-01", "ends_on": "2028-03-31"},
    });
    new["facts"]["subcontracting"] = json!("one_tier");
    let id = app.officer().post("/engagements", new).await.expect(201).id();
    let way = Way {
        app: &app,
        path: format!("/entries/{id}"),
    };
    let lists = |unmet: Vec<String>| -> Vec<String> {
        unmet
            .into_iter()
            .filter(|what| what.starts_with("subcontract") && !what.contains('-'))
            .collect()
    };
    assert_eq!(lists(way.unmet("renew").await), ["subcontract_list_refreshed"]);
    let one = apply(&app, application(&id, &company(&app, "株式会社乙").await)).await;
    assert_eq!(
        lists(way.unmet("renew").await),
        ["subcontract_list_refreshed", "subcontracts_permitted"]
    );
    let manager = app.officer().acting(&office.manager);
    let confirm = format!("/engagements/{id}/subcontract-list-confirmations");
    manager
        .post(&confirm, json!({}))
        .await
        .problem(409, "subcontract_not_permitted");
    let decisions = format!("/subcontracts/{}/decisions", one.id());
    manager.post(&decisions, approve()).await.expect(200);
    let confirmed = manager
        .post(&confirm, json!({"note": "更新前の確認"}))
        .await
        .expect(200);
    assert_eq!(
        (confirmed.text("/confirmed_on"), confirmed.at("/at_work")),
        ("2027-04-01", &json!(1))
    );
    assert_eq!(lists(way.unmet("renew").await), [""; 0]);

    // A second tier contradicts what the facts say.
    let mut below = application(&id, &company(&app, "株式会社丙").await);
    below["parent_subcontract_id"] = json!(one.id());
    let two = apply(&app, below).await;
    let decisions = format!("/subcontracts/{}/decisions", two.id());
    manager.post(&decisions, approve()).await.expect(200);
    assert_eq!(lists(way.unmet("renew").await), ["subcontracts_as_stated"]);
    let gaps = app.officer().get(&format!("/entries/{id}/gaps")).await.expect(200);
    assert!(lacks(gaps.at("/gaps")).contains(&"subcontracts_as_stated".to_owned()));

    // A permission that has run out is none.
    app.at("2028-01-01T10:00");
    assert_eq!(
        lists(way.unmet("renew").await),
        ["subcontracts_permitted", "subcontracts_as_stated"]
    );
});

db_test!(an_application_that_cannot_be_is_refused_by_its_pointer, |app| {
    let office = Office::new(&app);
    let made = registered(&app).await;
    let (id, contractor) = (made.id(), made.text("/contractor_id").to_owned());
    let other = company(&app, "株式会社乙").await;
    let wrong = |name: &str, value: Value| {
        let mut body = application(&id, &other);
        body[name] = value;
        body
    };
    let nobody = "01960000-0000-7000-8000-00000000ffff";
    for (body, pointer, code) in [
        (
            wrong("engagement_id", json!(nobody)),
            "/engagement_id",
            "reference_not_found",
        ),
        (
            wrong("contractor_id", json!(nobody)),
            "/contractor_id",
            "reference_not_found",
        ),
        (
            wrong("contractor_id", json!(contractor)),
            "/contractor_id",
            "circular_chain",
        ),
        (
            wrong("parent_subcontract_id", json!(nobody)),
            "/parent_subcontract_id",
            "reference_not_found",
        ),
        (wrong("ends_on", json!("2027-03-31")), "/ends_on", "date_order"),
        (wrong("ends_on", json!("2028-04-01")), "/ends_on", "longer_than_above"),
        (
            wrong("requested_on", json!("2027-04-02")),
            "/requested_on",
            "out_of_range",
        ),
        (wrong("work", json!("  ")), "/work", "required"),
    ] {
        app.officer().post("/subcontracts", body).await.invalid(pointer, code);
    }
    assert_eq!(
        app.officer()
            .get("/subcontracts")
            .await
            .expect(200)
            .items("/items")
            .len(),
        0
    );
    let one = apply(&app, application(&id, &other)).await;
    let mut below = application(&id, &other);
    below["parent_subcontract_id"] = json!(one.id());
    app.officer()
        .post("/subcontracts", below.clone())
        .await
        .invalid("/contractor_id", "circular_chain");
    below["contractor_id"] = json!(company(&app, "株式会社丙").await);
    below["ends_on"] = json!("2028-01-31");
    app.officer()
        .post("/subcontracts", below)
        .await
        .invalid("/ends_on", "longer_than_above");
    let manager = app.officer().acting(&office.manager);
    let decisions = format!("/subcontracts/{}/decisions", one.id());
    let early = json!({"decision": "reject", "decided_on": "2027-03-31"});
    manager
        .post(&decisions, early)
        .await
        .invalid("/decided_on", "out_of_range");
    let rejected = manager
        .post(&decisions, json!({"decision": "reject"}))
        .await
        .expect(200);
    assert_eq!(rejected.text("/state"), "rejected");
    app.limited(&[seed::ASSEMBLY])
        .get(&format!("/subcontracts/{}", one.id()))
        .await
        .problem(404, "not_found");
});
