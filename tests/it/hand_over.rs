//! Transfer of personnel (人事異動): planned in silence, on the day one mail and a new owner, then acceptance; without it
//! nobody owns the thing after 30 days.

use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use crate::engagements::plain_facts;
use crate::harness::{Answered, TestApp, seed};
use crate::mailroom::{self, planner, received, worker};
use crate::smtp_server::{Behaviour, FakeSmtp};

pub async fn person(app: &TestApp, name: &str) -> String {
    let email = format!("{}@city.example.lg.jp", app.app.random.id(app.clock.now()));
    let new = json!({"name": name, "email": email});
    app.officer().post("/people", new).await.expect(201).id()
}

async fn address(app: &TestApp, id: &str) -> String {
    let person = app.officer().get(&format!("/people/{id}")).await.expect(200);
    person.text("/email").to_owned()
}

pub async fn engagement(app: &TestApp, name: &str, owner: Value, more: Value) -> String {
    let contractor = app.officer().post("/contractors", json!({"name": "株式会社甲"})).await;
    let mut new = json!({
        "organization_id": seed::MAYOR, "name": name, "contractor_id": contractor.id(), "facts": plain_facts(),
        "owner": owner, "registered_as_existing": true, "status": "in_performance", "started_on": "2027-02-01",
        "period": {"starts_on": "2027-02-01", "ends_on": "2029-03-31"},
    });
    for (name, value) in more.as_object().unwrap() {
        new[name] = value.clone();
    }
    app.officer().post("/engagements", new).await.expect(201).id()
}

async fn post(app: &TestApp, name: &str, holders: Value) -> String {
    let new = json!({"organization_id": seed::MAYOR, "name": name, "holders": holders});
    app.officer().post("/posts", new).await.expect(201).id()
}

async fn tick(app: &TestApp) {
    planner(app).tick().await.unwrap();
}

async fn owner_missing(app: &TestApp, entry: &str) -> bool {
    let risk = app.officer().get(&format!("/entries/{entry}/risk")).await.expect(200);
    let floors = risk.items("/assessment/floors");
    floors.iter().any(|floor| floor["rule"] == "owner_missing")
}

async fn transfers(app: &TestApp, query: &str) -> Answered {
    app.officer()
        .get(&format!("/ownership-transfers?{query}"))
        .await
        .expect(200)
}

async fn open_hand_overs(app: &TestApp) -> Vec<Value> {
    let open = app.officer().get("/obligations?kind=handover").await.expect(200);
    open.items("/items").to_vec()
}

db_test!(the_moves_of_april_from_announcement_to_acceptance, |app| {
    let app = app.since("2027-03-01T09:00").await;
    let relay = FakeSmtp::start(Behaviour::ok());
    let (before, after) = (person(&app, "前任 太郎").await, person(&app, "後任 花子").await);
    let (deputy, other) = (person(&app, "代理 次郎").await, person(&app, "他人 三郎").await);
    let head = post(
        &app,
        "総務課長",
        json!([{"person_id": before, "starts_on": "2025-04-01"}]),
    )
    .await;
    let of_post = json!({"post_id": head});
    let more = json!({"deputy": {"person_id": deputy}});
    let first = engagement(&app, "清掃業務", of_post.clone(), more.clone()).await;
    engagement(&app, "警備業務", of_post, more).await;
    tick(&app).await;

    let path = format!("/posts/{head}");
    let holders = json!([
        {"person_id": before, "starts_on": "2025-04-01", "ends_on": "2027-03-31"},
        {"person_id": after, "starts_on": "2027-04-01", "announced_on": "2027-03-15"},
    ]);
    let changed = app
        .officer()
        .patch(&path, "*", json!({"holders": holders}))
        .await
        .expect(200);
    assert_eq!(
        changed.items("/holders").len(),
        2,
        "whoever keeps the directory sees the plan"
    );
    // Nobody else learns of it: not from the post, not from the list, not from the audit log.
    let reader = app.with_scopes(&["directory:read"]);
    let shown = json!([{"person_id": before, "starts_on": "2025-04-01", "ends_on": null, "announced_on": null}]);
    assert_eq!(reader.get(&path).await.expect(200).at("/holders"), &shown);
    assert_eq!(reader.get("/posts").await.expect(200).at("/items/0/holders"), &shown);
    let log = format!("/audit-log?subject_id={head}&action=post.updated");
    let auditor = app.with_scopes(&["audit_log:read"]);
    assert_eq!(
        auditor.get(&log).await.expect(200).at("/items/0/payload/holders"),
        &shown
    );
    let all = app.with_scopes(&["audit_log:read", "directory:write"]);
    assert_eq!(
        all.get(&log).await.expect(200).items("/items/0/payload/holders").len(),
        2
    );
    tick(&app).await;
    assert!(open_hand_overs(&app).await.is_empty(), "a successor is named");
    app.at("2027-03-15T09:00");
    assert_eq!(reader.get(&path).await.expect(200).items("/holders").len(), 2);

    app.at("2027-03-31T23:00");
    tick(&app).await;
    assert!(open_hand_overs(&app).await.is_empty());
    app.at("2027-04-01T09:00");
    let post_office = worker(&app, &relay);
    post_office.tick().await.unwrap();
    post_office.tick().await.unwrap();
    let to = address(&app, &after).await;
    let mails: Vec<_> = received(&relay).into_iter().filter(|mail| mail.to == to).collect();
    assert_eq!(mails.len(), 1, "one mail on the day");
    let text = &mails[0].text;
    for said in [
        "職　　　　　　：総務課長",
        "件数　　　　　：2件",
        "清掃業務（最初の期限：",
        "令和9年4月15日",
    ] {
        assert!(text.contains(said), "{said} is missing:\n{text}");
    }
    let list = transfers(&app, "state=pending").await;
    assert_eq!(list.items("/items").len(), 1);
    assert_eq!(list.text("/items/0/cause"), "post_holder");
    assert_eq!(
        (list.text("/items/0/from_person_id"), list.text("/items/0/to_person_id")),
        (before.as_str(), after.as_str())
    );
    let open = open_hand_overs(&app).await;
    assert_eq!((open.len(), &open[0]["due_on"]), (1, &json!("2027-04-15")));
    let transfer = format!("/ownership-transfers/{}", list.text("/items/0/id"));
    let one = app.officer().get(&transfer).await.expect(200);
    assert_eq!(one.items("/objects").len(), 2);
    assert!(
        !owner_missing(&app, &first).await,
        "the new holder is the owner on the day"
    );

    app.at("2027-05-15T09:00");
    tick(&app).await;
    assert!(!owner_missing(&app, &first).await, "30 days late");
    app.at("2027-05-16T09:00");
    tick(&app).await;
    assert!(owner_missing(&app, &first).await, "31 days late");

    let acceptance = format!("{transfer}/acceptance");
    let accept = json!({"answer": "accept"});
    app.officer()
        .post(&acceptance, accept.clone())
        .await
        .problem(422, "acting_person_required");
    let stranger = app.officer().acting(&other);
    stranger
        .post(&acceptance, accept.clone())
        .await
        .problem(409, "not_the_new_owner");
    let new_owner = app.officer().acting(&after);
    let decline = json!({"answer": "decline"});
    new_owner.post(&acceptance, decline).await.invalid("/note", "required");
    let declined = json!({"answer": "decline", "note": "引継書を受け取っていないため。"});
    let declined = new_owner.post(&acceptance, declined).await.expect(200);
    assert_eq!(declined.text("/state"), "declined");
    assert_eq!(
        open_hand_overs(&app).await.len(),
        1,
        "what the post owns stays with the post, and is asked for"
    );
    let accepted = new_owner.post(&acceptance, accept.clone()).await.expect(200);
    assert_eq!(
        (accepted.text("/state"), accepted.text("/answered_on")),
        ("accepted", "2027-05-16")
    );
    assert!(open_hand_overs(&app).await.is_empty());
    tick(&app).await;
    assert!(!owner_missing(&app, &first).await);
    new_owner.post(&acceptance, accept).await.problem(409, "already_closed");
    tick(&app).await;
    assert_eq!(
        transfers(&app, "").await.items("/items").len(),
        1,
        "nothing is handed over twice"
    );
});

db_test!(a_transfer_is_tried_planned_accepted_early_and_moved_on_its_day, |app| {
    let app = app.since("2027-03-01T09:00").await;
    let (from, to) = (person(&app, "前任 太郎").await, person(&app, "後任 花子").await);
    let owned = engagement(&app, "清掃業務", json!({"person_id": from}), json!({})).await;
    let deputy = json!({"deputy": {"person_id": from}});
    let beside = engagement(&app, "警備業務", json!({"person_id": to}), deputy).await;
    let held = post(
        &app,
        "総務係長",
        json!([{"person_id": from, "starts_on": "2025-04-01"}]),
    )
    .await;
    let path = "/ownership-transfers";
    let new = json!({"from_person_id": from, "to_person_id": to, "effective_on": "2027-04-01", "reason": "人事異動"});
    let with = |name: &str, value: Value| {
        let mut body = new.clone();
        body[name] = value;
        body
    };
    for (body, pointer, code) in [
        (with("to_person_id", json!(from)), "/to_person_id", "same_owner"),
        (with("to_post_id", json!(held)), "/to_person_id", "one_of_two"),
        (
            with("effective_on", json!("2027-01-29")),
            "/effective_on",
            "out_of_range",
        ),
        (
            with("effective_on", json!("2028-03-02")),
            "/effective_on",
            "out_of_range",
        ),
        (with("announced_on", json!("2027-04-02")), "/announced_on", "date_order"),
        (with("reason", json!(" ")), "/reason", "required"),
        (with("entry_ids", json!([held])), "/entry_ids/0", "reference_not_found"),
    ] {
        app.officer().post(path, body).await.invalid(pointer, code);
    }
    let empty = with("from_person_id", json!(person(&app, "無関係 一郎").await));
    app.officer()
        .post(path, empty)
        .await
        .problem(409, "nothing_to_hand_over");
    let limited = app.limited(&[seed::MAYOR]);
    limited
        .post(path, new.clone())
        .await
        .invalid("/organization_id", "required");
    assert!(transfers(&app, "").await.items("/items").is_empty());

    let tried = app
        .officer()
        .post(&format!("{path}?dry_run=true"), new.clone())
        .await
        .expect(200);
    assert_eq!(
        (tried.text("/announced_on"), tried.text("/due_on")),
        ("2027-03-15", "2027-04-15")
    );
    let kinds: Vec<&str> = tried
        .items("/objects")
        .iter()
        .map(|o| o["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["entry_owner", "entry_deputy", "obligation", "post"]);
    assert_eq!(tried.at("/objects/3/moves"), false);
    assert!(
        transfers(&app, "").await.items("/items").is_empty(),
        "nothing was written"
    );

    let made = app.officer().post(path, new.clone()).await.expect(201);
    let location = made.header("location").to_owned();
    assert_eq!((made.text("/state"), made.items("/objects").len()), ("announced", 4));
    let reader = app.with_scopes(&["directory:read"]);
    reader.get(&location).await.problem(404, "not_found");
    assert!(reader.get(path).await.expect(200).items("/items").is_empty());
    let auditor = app.with_scopes(&["audit_log:read"]);
    let log = format!("/audit-log?subject_id={}", made.id());
    assert_eq!(auditor.get(&log).await.expect(200).at("/items/0/payload"), &Value::Null);
    tick(&app).await;
    let entry = |id: &str| format!("/entries/{id}");
    assert_eq!(
        app.officer()
            .get(&entry(&owned))
            .await
            .expect(200)
            .text("/owner/person_id"),
        from
    );

    app.at("2027-03-15T09:00");
    reader.get(&location).await.expect(200);
    let accept = json!({"answer": "accept", "note": "引継書を確認した。"});
    let accepted = app
        .officer()
        .acting(&to)
        .post(&format!("{location}/acceptance"), accept)
        .await
        .expect(200);
    assert_eq!(
        (accepted.text("/state"), accepted.at("/moved_at")),
        ("accepted", &Value::Null)
    );
    app.at("2027-04-01T00:10");
    tick(&app).await;
    let moved = app.officer().get(&location).await.expect(200);
    assert_eq!((moved.text("/state"), moved.items("/objects").len()), ("accepted", 3));
    assert_eq!(
        app.officer()
            .get(&entry(&owned))
            .await
            .expect(200)
            .text("/owner/person_id"),
        to
    );
    assert_eq!(
        app.officer()
            .get(&entry(&beside))
            .await
            .expect(200)
            .text("/deputy/person_id"),
        to
    );
    assert!(open_hand_overs(&app).await.is_empty(), "it is accepted already");
    let timeline = app
        .officer()
        .get(&format!("/entries/{owned}/timeline"))
        .await
        .expect(200);
    let told = timeline
        .items("/items")
        .iter()
        .filter(|item| item["action"] == "entry.handed_over");
    assert_eq!(told.count(), 1);
    app.officer().delete(&location, "*").await.problem(409, "already_moved");
});

db_test!(what_is_declined_goes_back_and_a_plan_is_cancelled, |app| {
    let (from, to) = (person(&app, "前任 太郎").await, person(&app, "後任 花子").await);
    let owned = engagement(&app, "清掃業務", json!({"person_id": from}), json!({})).await;
    let new = json!({"from_person_id": from, "to_person_id": to, "effective_on": "2027-04-01", "reason": "人事異動",
        "organization_id": seed::MAYOR});
    let made = app
        .officer()
        .post("/ownership-transfers", new.clone())
        .await
        .expect(201);
    assert_eq!(made.text("/state"), "pending", "it moves at once when its day is there");
    let owner = async || {
        let entry = app.officer().get(&format!("/entries/{owned}")).await.expect(200);
        entry.text("/owner/person_id").to_owned()
    };
    assert_eq!(owner().await, to);
    assert_eq!(open_hand_overs(&app).await.len(), 1);
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.get(made.header("location")).await.problem(404, "not_found");
        assert!(
            outsider
                .get("/ownership-transfers")
                .await
                .expect(200)
                .items("/items")
                .is_empty()
        );
    }
    let decline = json!({"answer": "decline", "note": "担当外のため。"});
    let acceptance = format!("{}/acceptance", made.header("location"));
    let declined = app.officer().acting(&to).post(&acceptance, decline).await.expect(200);
    assert_eq!(
        (declined.text("/state"), declined.text("/answer_note")),
        ("declined", "担当外のため。")
    );
    assert_eq!(owner().await, from);
    assert!(open_hand_overs(&app).await.is_empty());

    let mut later = new;
    later["effective_on"] = json!("2027-06-01");
    let made = app.officer().post("/ownership-transfers", later).await.expect(201);
    assert_eq!((made.text("/state"), made.text("/due_on")), ("announced", "2027-06-16"));
    let path = made.header("location");
    app.officer()
        .delete(path, "")
        .await
        .problem(428, "precondition_required");
    app.officer().delete(path, &made.etag()).await.expect(204);
    app.at("2027-06-01T09:00");
    tick(&app).await;
    assert_eq!(owner().await, from);
    assert_eq!(app.officer().get(path).await.expect(200).text("/state"), "ended");
});

db_test!(a_term_that_ends_without_a_successor_is_asked_about, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let member = person(&app, "議員 一郎").await;
    let manager = mailroom::person(&app, 9, true);
    mailroom::role(&app, 9, seed::MAYOR, Role::SectionSecurityManager, &manager);
    let chair = json!([{"person_id": member, "starts_on": "2025-05-01", "ends_on": "2027-05-10"}]);
    let chair_id = post(&app, "広報委員長", chair).await;
    let entry = engagement(&app, "会議録作成", json!({"post_id": chair_id}), json!({})).await;
    tick(&app).await;
    assert!(transfers(&app, "").await.items("/items").is_empty(), "too early");
    app.at("2027-04-10T09:00");
    tick(&app).await;
    let list = transfers(&app, "").await;
    assert_eq!(
        (list.text("/items/0/cause"), list.text("/items/0/state")),
        ("term_end", "pending")
    );
    assert_eq!(list.text("/items/0/due_on"), "2027-05-10");
    app.at("2027-04-26T09:00");
    worker(&app, &relay).tick().await.unwrap();
    let mails = received(&relay);
    let mail = mails.iter().find(|mail| mail.to == "p9@city.example.lg.jp").unwrap();
    assert!(mail.text.contains("後任の責任者が決まっていません"), "{}", mail.text);

    app.at("2027-05-11T09:00");
    tick(&app).await;
    assert!(owner_missing(&app, &entry).await, "nobody holds the post");
    let report = app.officer().get("/reports/ownerless-entries").await.expect(200);
    assert_eq!(report.items("/items").len(), 1);
    assert_eq!(
        (report.text("/items/0/entry_id"), report.text("/items/0/reason")),
        (entry.as_str(), "post_empty")
    );
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        assert!(
            outsider
                .get("/reports/ownerless-entries")
                .await
                .expect(200)
                .items("/items")
                .is_empty()
        );
    }

    let next = person(&app, "議員 二郎").await;
    let holders = json!([{"person_id": member, "starts_on": "2025-05-01", "ends_on": "2027-05-10"},
        {"person_id": next, "starts_on": "2027-05-11"}]);
    let path = format!("/posts/{chair_id}");
    app.officer()
        .patch(&path, "*", json!({"holders": holders}))
        .await
        .expect(200);
    tick(&app).await;
    let states: Vec<(String, String)> = transfers(&app, "")
        .await
        .items("/items")
        .iter()
        .map(|item| {
            (
                item["cause"].as_str().unwrap().to_owned(),
                item["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [("term_end", "ended"), ("post_holder", "pending")];
    assert_eq!(
        states,
        expected.map(|(cause, state)| (cause.to_owned(), state.to_owned()))
    );
    assert!(!owner_missing(&app, &entry).await);
    assert!(
        app.officer()
            .get("/reports/ownerless-entries")
            .await
            .expect(200)
            .items("/items")
            .is_empty()
    );
});

db_test!(an_owner_who_leaves_is_asked_about_and_reported, |app| {
    let owner = person(&app, "退職 太郎").await;
    let entry = engagement(&app, "清掃業務", json!({"person_id": owner}), json!({})).await;
    let path = format!("/people/{owner}");
    app.officer()
        .patch(&path, "*", json!({"left_on": "2027-04-20"}))
        .await
        .expect(200);
    tick(&app).await;
    let list = transfers(&app, "state=pending").await;
    assert_eq!(
        (list.text("/items/0/cause"), list.text("/items/0/from_person_id")),
        ("term_end", owner.as_str())
    );
    let nobody = app.officer().acting(&owner);
    let acceptance = format!("/ownership-transfers/{}/acceptance", list.text("/items/0/id"));
    nobody
        .post(&acceptance, json!({"answer": "accept"}))
        .await
        .problem(409, "already_closed");
    app.at("2027-04-21T09:00");
    tick(&app).await;
    assert!(owner_missing(&app, &entry).await);
    let report = app.officer().get("/reports/ownerless-entries").await.expect(200);
    assert_eq!(report.text("/items/0/reason"), "person_left");
    let next = person(&app, "後任 花子").await;
    let new = json!({"from_person_id": owner, "to_person_id": next, "effective_on": "2027-04-21", "reason": "退職"});
    app.officer().post("/ownership-transfers", new).await.expect(201);
    tick(&app).await;
    assert!(!owner_missing(&app, &entry).await);
    assert_eq!(
        transfers(&app, "state=ended").await.items("/items").len(),
        1,
        "the question is answered"
    );
});

db_test!(the_credentials_of_an_account_are_due_on_the_day_of_the_move, |app| {
    let (before, after) = (person(&app, "前任 太郎").await, person(&app, "後任 花子").await);
    let head = post(
        &app,
        "広報課長",
        json!([{"person_id": before, "starts_on": "2025-04-01"}]),
    )
    .await;
    let service = json!({"organization_id": seed::MAYOR, "platform": "x", "responsible": {"post_id": head}});
    let service = app
        .officer()
        .post("/social-media-services", service)
        .await
        .expect(201)
        .id();
    let account = json!({
        "organization_id": seed::MAYOR, "name": "本巣市公式X", "social_media_service_id": service, "handle": "@motosu",
        "url": "https://x.com/motosu", "purpose": "市政の情報を届ける", "owner": {"post_id": head},
        "facts": {"confidentiality": "c1"}, "registered_as_existing": true, "status": "operating",
        "started_on": "2027-03-01",
    });
    let account = app
        .officer()
        .post("/social-media-accounts", account)
        .await
        .expect(201)
        .id();
    let clause = "social-credential-management";
    let verified = json!({"verified_on": "2027-04-01"});
    app.officer()
        .put(&format!("/entries/{account}/clauses/{clause}"), "*", verified)
        .await
        .expect(200);
    let holders = json!([{"person_id": before, "starts_on": "2025-04-01", "ends_on": "2027-04-30"},
        {"person_id": after, "starts_on": "2027-05-01"}]);
    app.officer()
        .patch(&format!("/posts/{head}"), "*", json!({"holders": holders}))
        .await
        .expect(200);
    app.at("2027-05-01T09:00");
    tick(&app).await;
    let round = app
        .officer()
        .get(&format!("/obligations?entry_id={account}&kind=reverification"))
        .await
        .expect(200);
    assert_eq!(round.text("/items/0/due_on"), "2027-05-01");
    let asked = round
        .items("/items/0/clauses")
        .iter()
        .find(|asked| asked["clause_key"] == clause);
    assert_eq!(asked.unwrap()["own_due_on"], "2027-05-01");
    let again = json!({"verified_on": "2027-05-01"});
    app.officer()
        .put(&format!("/entries/{account}/clauses/{clause}"), "*", again)
        .await
        .expect(200);
    let round = app
        .officer()
        .get(&format!("/obligations?entry_id={account}&kind=reverification"))
        .await
        .expect(200);
    assert_ne!(
        round.text("/items/0/due_on"),
        "2027-05-01",
        "the credentials were changed"
    );
    let list = transfers(&app, "state=pending").await;
    let one = format!("/ownership-transfers/{}", list.text("/items/0/id"));
    assert_eq!(
        app.officer().get(&one).await.expect(200).items("/objects").len(),
        2,
        "account and service"
    );
});

db_test!(appointments_and_roles_are_planned_in_silence_too, |app| {
    let reader = app.with_scopes(&["directory:read"]);
    let planned = json!({"name": "異動 花子", "appointments": [
            {"organization_id": seed::MAYOR, "starts_on": "2025-04-01", "ends_on": "2027-06-30"},
            {"organization_id": seed::ASSEMBLY, "starts_on": "2027-07-01", "announced_on": "2027-06-15"}],
        "roles": [{"organization_id": seed::ASSEMBLY, "role": "ciso", "starts_on": "2027-07-01", "announced_on": "2027-06-15"}]});
    let made = app.officer().post("/people", planned.clone()).await.expect(201);
    assert_eq!((made.items("/appointments").len(), made.items("/roles").len()), (2, 1));
    for answered in [
        reader.get(made.header("location")).await.expect(200).body,
        reader.get("/people").await.expect(200).body["items"][0].clone(),
    ] {
        assert_eq!(answered["appointments"].as_array().unwrap().len(), 1);
        assert_eq!(
            answered["appointments"][0]["ends_on"],
            Value::Null,
            "its end gives the move away"
        );
        assert_eq!(answered["roles"], json!([]));
    }
    let mut wrong = planned;
    wrong["roles"][0]["announced_on"] = json!("2027-07-02");
    app.officer()
        .post("/people", wrong)
        .await
        .invalid("/roles", "date_order");
    app.at("2027-06-15T09:00");
    let shown = reader.get(made.header("location")).await.expect(200);
    assert_eq!(
        (shown.items("/appointments").len(), shown.items("/roles").len()),
        (2, 1)
    );
});
