//! How entries come into the register: what an existing thing lacks, what comes after an engagement, and the rule of
//! 1 July 2027.

use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements::{obligation, plain_facts, registered};
use crate::harness::{TestApp, seed};
use crate::transitions::{Office, Way, draft, lacks};

async fn gaps(app: &TestApp, id: &str) -> (Value, Vec<String>) {
    let found = app.officer().get(&format!("/entries/{id}/gaps")).await.expect(200);
    (found.at("/due_on").clone(), lacks(found.at("/gaps")))
}

db_test!(what_an_existing_thing_lacks_is_due_in_half_a_year, |app| {
    let office = Office::new(&app);
    let id = registered(&app).await.id();
    let (due_on, lacking) = gaps(&app, &id).await;
    assert_eq!(due_on, "2027-10-01");
    for lack in [
        "owner_set",
        "deputy_set",
        "corporate_number_valid",
        "confidentiality-obligation",
    ] {
        assert!(lacking.contains(&lack.to_owned()), "{lack}: {lacking:?}");
    }
    for decided in ["approval_missing", "reason_required", "selection_conditions_set"] {
        assert!(!lacking.contains(&decided.to_owned()), "{decided}");
    }
    let due = obligation(&app.officer(), &id, "gap").await;
    assert_eq!(due.text("/due_on"), "2027-10-01");

    // Each thing made good is one gap less; the date stands until the last.
    let entry = app.officer().get(&format!("/engagements/{id}")).await.expect(200);
    let owner = json!({"owner": {"person_id": office.owner}, "deputy": {"person_id": office.deputy}});
    app.officer()
        .patch(&format!("/engagements/{id}"), &entry.etag(), owner)
        .await
        .expect(200);
    app.at("2027-05-06T10:00");
    let contractor = entry.text("/contractor_id").to_owned();
    let path = format!("/contractors/{contractor}");
    let company = app.officer().get(&path).await.expect(200);
    let number = json!({"corporate_number": "5835678256246"});
    app.officer().patch(&path, &company.etag(), number).await.expect(200);
    let mut left = gaps(&app, &id).await.1;
    assert!(!left.contains(&"owner_set".to_owned()) && !left.contains(&"corporate_number_valid".to_owned()));
    assert_eq!(gaps(&app, &id).await.0, "2027-10-01");
    left.sort();
    for key in left {
        let body = json!({"declared": true, "agreed": {"article": "第8条"}, "verified_on": "2027-05-06",
            "verified_by_person_id": office.manager});
        app.officer()
            .put(&format!("/entries/{id}/clauses/{key}"), "*", body)
            .await
            .expect(200);
    }
    assert_eq!(gaps(&app, &id).await, (Value::Null, vec![]));
    let open = format!("/obligations?entry_id={id}&kind=gap&state=open");
    assert_eq!(app.officer().get(&open).await.expect(200).items("/items").len(), 0);
});

db_test!(an_organization_may_set_the_day_for_all, |app| {
    let path = format!("/organizations/{}", seed::MAYOR);
    let before = app.officer().get(&path).await.expect(200);
    let day = json!({"existing_gaps_due_on": "2028-03-31"});
    app.officer().patch(&path, &before.etag(), day).await.expect(200);
    let id = registered(&app).await.id();
    assert_eq!(gaps(&app, &id).await.0, "2028-03-31");
    // What was made here passed its guards and lacks nothing.
    let office = Office::new(&app);
    let way = draft(&app, &office).await;
    let id = way.path.rsplit('/').next().unwrap();
    assert_eq!(gaps(&app, id).await, (Value::Null, vec![]));
});

async fn account(app: &TestApp, more: Value) -> String {
    let service = json!({"organization_id": seed::MAYOR, "platform": "x"});
    let services = app.officer().get("/social-media-services").await.expect(200);
    let service = match services.items("/items").first() {
        Some(service) => service["id"].as_str().unwrap().to_owned(),
        None => app
            .officer()
            .post("/social-media-services", service)
            .await
            .expect(201)
            .id(),
    };
    let mut new = json!({
        "organization_id": seed::MAYOR, "name": "子育て相談アカウント", "social_media_service_id": service,
        "handle": "@motosu_kosodate", "url": "https://x.com/motosu_kosodate", "purpose": "子育ての相談",
        "facts": plain_facts(), "registered_as_existing": true, "status": "operating", "started_on": "2027-04-01",
        "last_post_on": "2027-04-01",
    });
    for (name, value) in more.as_object().unwrap() {
        new[name] = value.clone();
    }
    app.officer().post("/social-media-accounts", new).await.expect(201).id()
}

db_test!(an_account_that_is_written_to_needs_something_that_carries_it, |app| {
    let carried = registered(&app).await.id();
    let id = account(&app, json!({"takes_applications": true})).await;
    let (_, lacking) = gaps(&app, &id).await;
    assert!(lacking.contains(&"data_path_missing".to_owned()), "{lacking:?}");
    let path = format!("/social-media-accounts/{id}");
    let before = app.officer().get(&path).await.expect(200);
    app.officer()
        .patch(&path, &before.etag(), json!({"data_path_entry_id": id}))
        .await
        .invalid("/data_path_entry_id", "reference_not_found");
    app.officer()
        .patch(&path, &before.etag(), json!({"data_path_entry_id": carried}))
        .await
        .expect(200);
    assert!(!gaps(&app, &id).await.1.contains(&"data_path_missing".to_owned()));
    // What is carried by nothing that runs is carried by nothing.
    let office = Office::new(&app);
    let way = Way {
        app: &app,
        path: format!("/entries/{carried}"),
    };
    let ended = way
        .take(&office.manager, "begin_closing", json!({"cause": "convenience"}))
        .await;
    ended.expect(200);
    assert!(gaps(&app, &id).await.1.contains(&"data_path_missing".to_owned()));
});

db_test!(an_account_without_posts_looks_dormant_and_nothing_else_happens, |app| {
    let id = account(&app, json!({})).await;
    let path = format!("/social-media-accounts/{id}");
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!(read.at("/looks_dormant"), &json!(false));
    app.at("2027-09-29T10:00");
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!(
        (read.at("/looks_dormant"), read.text("/status")),
        (&json!(true), "operating")
    );
    // How long that takes is the body's to say, for each of its services.
    let service = format!("/social-media-services/{}", read.text("/social_media_service_id"));
    let longer = json!({"dormant_after_days": 365});
    app.officer().patch(&service, "*", longer).await.expect(200);
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!(
        (read.at("/looks_dormant"), read.at("/service/dormant_after_days")),
        (&json!(false), &json!(365))
    );
    let never = json!({"dormant_after_days": 0});
    app.officer()
        .patch(&service, "*", never)
        .await
        .invalid("/dormant_after_days", "out_of_range");
});

db_test!(an_approval_that_runs_out_is_a_flag_and_stops_nothing, |app| {
    let new = json!({
        "organization_id": seed::MAYOR, "name": "オンライン会議", "service_model": "saas", "purpose": "会議",
        "facts": plain_facts(), "registered_as_existing": true, "status": "in_use", "started_on": "2027-04-01",
        "approval_valid_until_on": "2027-06-30",
    });
    let id = app.officer().post("/cloud-services", new).await.expect(201).id();
    let path = format!("/cloud-services/{id}");
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!(read.at("/approval_lapsed"), &json!(false));
    app.at("2027-07-01T09:00");
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!(
        (read.at("/approval_lapsed"), read.text("/status")),
        (&json!(true), "in_use")
    );
    let due = obligation(&app.officer(), &id, "approval_expiry").await;
    assert_eq!((due.text("/state"), due.text("/due_on")), ("open", "2027-06-30"));
});

db_test!(the_same_contractor_goes_on_in_the_next_period, |app| {
    let office = Office::new(&app);
    let id = registered(&app).await.id();
    let officer = app.officer().acting(&office.owner);
    let path = format!("/entries/{id}/successors");
    officer.post(&path, json!({})).await.invalid("/period", "required");
    let overlapping = json!({"period": {"starts_on": "2028-03-31", "ends_on": "2029-03-31"}});
    officer
        .post(&path, overlapping)
        .await
        .invalid("/period/starts_on", "overlaps");
    let next = json!({"period": {"contract_number": "R10-0001", "starts_on": "2028-04-01", "ends_on": "2029-03-31"}});
    let made = officer.post(&path, next).await.expect(201);
    assert_eq!(
        (made.text("/entry_id"), made.at("/predecessor_id")),
        (id.as_str(), &Value::Null)
    );
    let period = app.officer().get(made.header("location")).await.expect(200);
    assert_eq!(period.text("/contract_number"), "R10-0001");
    let way = Way {
        app: &app,
        path: format!("/entries/{id}"),
    };
    assert!(!way.unmet("renew").await.contains(&"next_period_set".to_owned()));
});

db_test!(another_contractor_takes_over_in_a_new_engagement, |app| {
    let office = Office::new(&app);
    let old = registered(&app).await;
    let id = old.id();
    let owner = json!({"owner": {"person_id": office.owner}});
    app.officer()
        .patch(&format!("/engagements/{id}"), &old.etag(), owner)
        .await
        .expect(200);
    let agreed = json!({"agreed": {"article": "第8条"}});
    app.officer()
        .put(
            &format!("/entries/{id}/clauses/confidentiality-obligation"),
            "*",
            agreed,
        )
        .await
        .expect(200);
    let kept = json!({"organization_id": seed::MAYOR, "entry_id": id, "kind": "information_asset_register",
        "title": "情報資産の台帳", "valid_until_on": "2028-03-31"});
    app.officer().post("/evidence", kept.clone()).await.expect(201);
    let mut of_the_company = kept;
    of_the_company["title"] = json!("認証の登録証");
    of_the_company["scheme"] = json!("jc_star");
    app.officer().post("/evidence", of_the_company).await.expect(201);
    let company = json!({"name": "株式会社乙", "corporate_number": "5835678256246"});
    let company = app.officer().post("/contractors", company).await.expect(201).id();
    let officer = app.officer().acting(&office.owner);
    let body = json!({"contractor_id": company, "name": "広報紙の発送業務（第2期）"});
    let made = officer
        .post(&format!("/entries/{id}/successors"), body)
        .await
        .expect(201);
    assert_eq!(
        (made.text("/predecessor_id"), made.at("/period_id")),
        (id.as_str(), &Value::Null)
    );
    let new = app.officer().get(made.header("location")).await.expect(200);
    assert_eq!(new.text("/status"), "draft");
    assert_eq!(
        new.at("/contractor_id"),
        &Value::Null,
        "it is selected by the procedure"
    );
    assert_eq!(new.text("/candidates/0/contractor_id"), company);
    assert_eq!(new.at("/facts"), old.at("/facts"));
    assert_eq!(new.text("/owner/person_id"), office.owner);
    let carried = app
        .officer()
        .get(&format!("/evidence?entry_id={}", new.id()))
        .await
        .expect(200);
    assert_eq!(carried.items("/items").len(), 1, "{:#}", carried.body);
    assert_eq!(carried.text("/items/0/title"), "情報資産の台帳");
    assert_eq!(made.at("/evidence_ids"), &json!([carried.text("/items/0/id")]));
    let clauses = format!("/entries/{}/clauses?phase=closing", new.id());
    let clauses = app.officer().get(&clauses).await.expect(200);
    for clause in clauses.items("/items") {
        assert_eq!(clause["status"], "missing", "agreements never carry over: {clause:#}");
    }
    let origin = app
        .officer()
        .get(&format!("/entries/{}/origin", new.id()))
        .await
        .expect(200);
    assert_eq!(origin.text("/predecessor_id"), id);
    let origin = app.officer().get(&format!("/entries/{id}/origin")).await.expect(200);
    assert_eq!(origin.at("/successor_ids"), &json!([new.id()]));
    let end = format!("/obligations?entry_id={id}&kind=contract_end&state=closed");
    let end = app.officer().get(&end).await.expect(200);
    assert_eq!(end.text("/items/0/outcome"), "retender");
    // A draft has nothing that could be succeeded.
    officer
        .post(
            &format!("/entries/{}/successors", new.id()),
            json!({"contractor_id": company}),
        )
        .await
        .problem(409, "nothing_to_succeed");

    // The candidate is checked before it is selected.
    let way = Way {
        app: &app,
        path: format!("/entries/{}", new.id()),
    };
    let stated = json!({"conditions": ["selection_conditions_set"]});
    let entry = app
        .officer()
        .get(&format!("/engagements/{}", new.id()))
        .await
        .expect(200);
    let deputy = json!({"deputy": {"person_id": office.deputy}});
    app.officer()
        .patch(&format!("/engagements/{}", new.id()), &entry.etag(), deputy)
        .await
        .expect(200);
    way.take(&office.owner, "submit_for_selection", stated)
        .await
        .expect(200);
    way.fulfil("select", &office.manager).await;
    way.approve(&office.manager, "select", "section_security_manager")
        .await
        .expect(200);
    let select = json!({"contractor_id": company});
    let refused = way.take(&office.procurement, "select", select.clone()).await;
    assert_eq!(
        lacks(refused.problem(409, "transition_unmet").at("/unmet")),
        ["candidate_checked"]
    );
    let entry = app
        .officer()
        .get(&format!("/engagements/{}", new.id()))
        .await
        .expect(200);
    let mut candidate = entry.at("/candidates/0").clone();
    candidate["check_result"] = json!("passed");
    candidate["checked_on"] = json!("2027-04-01");
    app.officer()
        .patch(
            &format!("/engagements/{}", new.id()),
            &entry.etag(),
            json!({"candidates": [candidate]}),
        )
        .await
        .expect(200);
    way.take(&office.procurement, "select", select).await.expect(200);
    let entry = app
        .officer()
        .get(&format!("/engagements/{}", new.id()))
        .await
        .expect(200);
    assert_eq!(
        (entry.text("/contractor_id"), entry.text("/candidates/0/result")),
        (company.as_str(), "selected")
    );
});

db_test!(a_legal_form_names_its_steps, |app| {
    let office = Office::new(&app);
    let way = draft(&app, &office).await;
    let id = way.path.rsplit('/').next().unwrap().to_owned();
    let entry = app.officer().get(&format!("/engagements/{id}")).await.expect(200);
    let form = json!({"legal_form": "designated_management"});
    app.officer()
        .patch(&format!("/engagements/{id}"), &entry.etag(), form)
        .await
        .expect(200);
    let stated = json!({"conditions": ["selection_conditions_set"]});
    way.take(&office.owner, "submit_for_selection", stated)
        .await
        .expect(200);
    let options = way.options().await;
    let select = options
        .items("/options")
        .iter()
        .find(|option| option["transition"] == "select");
    assert_eq!(select.unwrap()["title"], "指定管理者の候補者を選定する");
});

db_test!(the_transitional_rule_is_judged_by_somebody, |app| {
    let office = Office::new(&app);
    let id = registered(&app).await.id();
    let origin = || async { app.officer().get(&format!("/entries/{id}/origin")).await.expect(200) };
    assert_eq!(origin().await.text("/transitional_standing"), "not_yet");
    app.at("2027-07-01T09:00");
    assert_eq!(origin().await.text("/transitional_standing"), "to_be_judged");
    let path = format!("/entries/{id}/transitional-treatment");
    let judgement = json!({"treatment": "old_rule", "reason": "附則第2項。施行の日に履行中の業務委託である。"});
    app.officer()
        .put(&path, "", judgement.clone())
        .await
        .problem(422, "acting_person_required");
    let officer = app.officer().acting(&office.supervisor);
    let mut blank = judgement.clone();
    blank["reason"] = json!("　");
    officer.put(&path, "", blank).await.invalid("/reason", "required");
    let judged = officer.put(&path, "", judgement).await.expect(200);
    assert_eq!(judged.text("/transitional_standing"), "exempt");
    assert_eq!(
        judged.text("/transitional_judgement/judged_by_person_id"),
        office.supervisor
    );
    let new = json!({"treatment": "new_rule", "reason": "契約の更新に当たり新しい規定によることとした。"});
    assert_eq!(
        officer
            .put(&path, "", new)
            .await
            .expect(200)
            .text("/transitional_standing"),
        "applies"
    );
    let timeline = app.officer().get(&format!("/entries/{id}/timeline")).await.expect(200);
    let judged = timeline.items("/items").iter();
    let judged = judged.filter(|item| item["action"] == "entry.transitional_treatment_judged");
    assert_eq!(judged.count(), 2);
});
