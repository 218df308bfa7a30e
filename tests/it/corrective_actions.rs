//! Corrective actions: what opens one, who is written to about it, how it ends; and the confirmations between two rounds
//! and on site that bring them about.

use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use crate::engagements::{contractor, obligation, person, plain_facts, registered};
use crate::harness::{Answered, TestApp, seed};
use crate::mailroom;
use crate::smtp_server::{Behaviour, FakeSmtp};

const CLAUSE: &str = "confidentiality-obligation";

/// Evidence of an entry of 本巣市.
pub async fn paper(app: &TestApp, entry_id: &str) -> String {
    let new = json!({"organization_id": seed::MAYOR, "entry_id": entry_id, "kind": "corrective_action_record",
        "title": "是正報告書"});
    app.officer().post("/evidence", new).await.expect(201).id()
}

async fn actions(app: &TestApp, query: &str) -> Vec<Value> {
    let list = app
        .officer()
        .get(&format!("/corrective-actions{query}"))
        .await
        .expect(200);
    list.items("/items").to_vec()
}

/// The day on which an action opened on 2027-04-01 is due by the level of the entry.
async fn due_by_level(app: &TestApp, entry_id: &str) -> &'static str {
    let entry = app.officer().get(&format!("/entries/{entry_id}")).await.expect(200);
    match entry.text("/risk/residual_level") {
        "critical" => "2027-04-08",
        "high" => "2027-04-15",
        _ => "2028-03-31",
    }
}

fn answer(key: &str, word: &str) -> Value {
    json!({"clause_key": key, "answer": word})
}

async fn verify(app: &TestApp, entry_id: &str, person: &str, body: Value) -> Answered {
    let path = format!("/entries/{entry_id}/verifications");
    app.officer().acting(person).post(&path, body).await
}

/// One by hand.
async fn opened(app: &TestApp, entry_id: &str) -> Answered {
    let new = json!({"entry_id": entry_id, "title": "接続記録の保存期間を改める", "due_on": "2027-04-30"});
    app.officer().post("/corrective-actions", new).await.expect(201)
}

db_test!(a_clause_that_is_not_met_opens_a_corrective_action, |app| {
    let id = registered(&app).await.id();
    let verifier = person(&app);
    let round = obligation(&app.officer(), &id, "reverification").await;
    let answers: Vec<Value> = round
        .items("/clauses")
        .iter()
        .map(|clause| {
            let key = clause["clause_key"].as_str().unwrap();
            answer(key, if key == CLAUSE { "not_met" } else { "met" })
        })
        .collect();
    assert!(answers.contains(&answer(CLAUSE, "not_met")));
    let path = format!("/obligations/{}/verifications", round.id());
    let act = app
        .officer()
        .acting(&verifier)
        .post(&path, json!({"answers": answers, "method": "remote"}))
        .await
        .expect(201);
    assert_eq!(act.text("/result"), "not_met");
    assert_eq!(act.text("/answers/0/method"), "remote");
    assert_eq!(act.at("/on_site"), false);

    let open = actions(&app, &format!("?entry_id={id}")).await;
    assert_eq!(open.len(), 1, "{open:#?}");
    let action = &open[0];
    assert_eq!(action["clause_key"], CLAUSE);
    assert_eq!(action["origin_kind"], "verification");
    assert_eq!(action["origin_id"], act.at("/id").clone());
    assert_eq!((&action["state"], &action["owner"]), (&json!("open"), &Value::Null));
    assert_eq!(action["due_on"], due_by_level(&app, &id).await);
    let due = obligation(&app.officer(), &id, "corrective_action").await;
    assert_eq!(due.at("/due_on"), &action["due_on"]);

    // Found not met again between two rounds: what is open stays the only one.
    let again = json!({"answers": [answer(CLAUSE, "not_met"), answer("breach-remedies", "not_met")]});
    let again = verify(&app, &id, &verifier, again).await.expect(201);
    assert_eq!(
        (again.at("/obligation_id"), again.at("/cycle")),
        (&Value::Null, &Value::Null)
    );
    let keys: Vec<Value> = actions(&app, &format!("?entry_id={id}&state=open"))
        .await
        .iter()
        .map(|action| action["clause_key"].clone())
        .collect();
    assert_eq!(keys, [CLAUSE, "breach-remedies"]);
    assert_eq!(actions(&app, "?origin_kind=manual").await, Vec::<Value>::new());
});

db_test!(an_action_closes_with_evidence_and_never_without, |app| {
    let id = registered(&app).await.id();
    let (closer, strange) = (person(&app), registered(&app).await.id());
    let action = opened(&app, &id).await;
    let path = action.header("location").to_owned();
    let closures = format!("{path}/closures");
    let (own, other) = (paper(&app, &id).await, paper(&app, &strange).await);
    let closure = |ids: Value| json!({"done": "保存期間を1年に改めた。", "evidence_ids": ids});
    app.officer()
        .post(&closures, closure(json!([own])))
        .await
        .problem(422, "acting_person_required");
    let closer = app.officer().acting(&closer);
    closer
        .post(&closures, closure(json!([])))
        .await
        .problem(422, "validation_failed");
    closer
        .post(&closures, closure(json!([own, other])))
        .await
        .invalid("/evidence_ids/1", "evidence_of_another_entry");
    closer
        .post(&closures, json!({"done": " ", "evidence_ids": [own]}))
        .await
        .problem(422, "validation_failed");
    let read = app.officer().get(&path).await.expect(200);
    assert_eq!(
        (&read.body, read.etag()),
        (&action.body, action.etag()),
        "nothing has changed"
    );

    let closed = closer.post(&closures, closure(json!([own, own]))).await.expect(200);
    assert_eq!(closed.text("/state"), "closed");
    assert_eq!(closed.at("/closure/evidence_ids"), &json!([own]));
    assert_eq!(closed.text("/closure/closed_on"), "2027-04-01");
    closer
        .post(&closures, closure(json!([own])))
        .await
        .problem(409, "already_closed");
    app.officer()
        .patch(&path, &closed.etag(), json!({"note": "追記"}))
        .await
        .problem(409, "already_closed");
    let done = format!("/obligations?entry_id={id}&kind=corrective_action&state=closed");
    let done = app.officer().get(&done).await.expect(200);
    assert_eq!(done.text("/items/0/outcome"), "closed");
});

db_test!(a_due_date_moves_forward_by_the_decision_of_another, |app| {
    let (owner, chief) = (person(&app), person(&app));
    let id = registered(&app).await.id();
    let action = opened(&app, &id).await;
    let path = action.header("location").to_owned();
    let change = json!({"owner": {"person_id": owner}, "note": "委託先と協議中"});
    app.officer()
        .patch(&path, "", change.clone())
        .await
        .problem(428, "precondition_required");
    let changed = app.officer().patch(&path, &action.etag(), change).await.expect(200);
    assert_eq!(changed.text("/owner/person_id"), owner);
    app.officer()
        .patch(&path, &action.etag(), json!({"title": "別の件名"}))
        .await
        .problem(412, "stale_version");

    let extensions = format!("{path}/extensions");
    let more = |on: &str| json!({"due_on": on, "reason": "委託先の改修に日数を要するため。"});
    app.officer()
        .post(&extensions, more("2027-05-31"))
        .await
        .problem(422, "acting_person_required");
    app.officer()
        .acting(&owner)
        .post(&extensions, more("2027-05-31"))
        .await
        .problem(409, "self_approval_forbidden");
    let chief = app.officer().acting(&chief);
    for backward in ["2027-04-30", "2027-04-29"] {
        chief
            .post(&extensions, more(backward))
            .await
            .invalid("/due_on", "out_of_range");
    }
    let extended = chief.post(&extensions, more("2027-05-31")).await.expect(200);
    assert_eq!(extended.text("/due_on"), "2027-05-31");
    assert_eq!(extended.text("/extensions/0/before_on"), "2027-04-30");
    let due = obligation(&app.officer(), &id, "corrective_action").await;
    assert_eq!((due.text("/due_on"), due.at("/cycle")), ("2027-05-31", &json!(2)));

    let merged = app
        .officer()
        .merge_patch(&path, &extended.etag(), json!({"owner": null, "note": null}))
        .await
        .expect(200);
    assert_eq!((merged.at("/owner"), merged.at("/note")), (&Value::Null, &Value::Null));
});

db_test!(the_mails_go_to_the_owner_of_the_action, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let (of_entry, of_action, manager) = (
        mailroom::person(&app, 1, true),
        mailroom::person(&app, 2, true),
        mailroom::person(&app, 3, true),
    );
    mailroom::role(&app, 3, seed::MAYOR, Role::SectionSecurityManager, &manager);
    let new = json!({
        "organization_id": seed::MAYOR, "name": "庁内LAN保守", "contractor_id": contractor(&app).await, "facts": plain_facts(), "owner": {"person_id": of_entry},
        "registered_as_existing": true, "status": "in_performance", "started_on": "2027-04-01",
        "period": {"starts_on": "2027-04-01", "ends_on": "2029-03-31"},
    });
    let id = app.officer().post("/engagements", new).await.expect(201).id();
    let new = json!({"entry_id": id, "title": "特権IDの棚卸し", "owner": {"person_id": of_action},
        "due_on": "2027-04-15"});
    app.officer().post("/corrective-actions", new).await.expect(201);
    mailroom::worker(&app, &relay).tick().await.unwrap();
    let mails = mailroom::received(&relay);
    let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["p2@city.example.lg.jp"]);
    assert!(mails[0].text.contains("是正措置の期限"), "{}", mails[0].text);
    assert!(!mails[0].text.contains("特権ID"), "what is lacking is not mailed");

    app.at("2027-04-22T12:00");
    mailroom::worker(&app, &relay).tick().await.unwrap();
    let mut to: Vec<String> = mailroom::received(&relay)
        .into_iter()
        .skip(1)
        .map(|mail| mail.to)
        .collect();
    to.sort();
    assert_eq!(
        to,
        ["p2@city.example.lg.jp", "p3@city.example.lg.jp"],
        "seven days late"
    );
});

db_test!(what_cannot_be_opened_is_refused_by_its_pointer, |app| {
    let id = registered(&app).await.id();
    let strange = registered(&app).await.id();
    let verifier = person(&app);
    let act = verify(&app, &strange, &verifier, json!({"answers": [answer(CLAUSE, "met")]}))
        .await
        .expect(201);
    let whole = || json!({"entry_id": id, "title": "是正する"});
    for (name, value, pointer, code) in [
        ("entry_id", json!(seed::MAYOR), "/entry_id", "reference_not_found"),
        (
            "clause_key",
            json!("no-such-clause"),
            "/clause_key",
            "reference_not_found",
        ),
        (
            "verification_id",
            json!(act.id()),
            "/verification_id",
            "reference_not_found",
        ),
        ("incident_id", json!(seed::MAYOR), "/incident_id", "reference_not_found"),
        ("due_on", json!("2027-03-31"), "/due_on", "date_in_past"),
        ("owner", json!({}), "/owner", "one_of_two"),
        (
            "owner",
            json!({"person_id": seed::MAYOR}),
            "/owner/person_id",
            "reference_not_found",
        ),
        ("title", json!(" "), "/title", "required"),
        ("state", json!("closed"), "/state", "unknown_field"),
    ] {
        let mut new = whole();
        new[name] = value;
        app.officer()
            .post("/corrective-actions", new)
            .await
            .invalid(pointer, code);
    }
    assert_eq!(actions(&app, "").await, Vec::<Value>::new());
    let limited = app.limited(&[seed::ASSEMBLY]);
    limited
        .post("/corrective-actions", whole())
        .await
        .invalid("/entry_id", "reference_not_found");
});

db_test!(an_entry_with_an_open_action_is_not_archived, |app| {
    let new = json!({"organization_id": seed::MAYOR, "name": "試行", "facts": plain_facts()});
    let made = app.officer().post("/engagements", new).await.expect(201);
    opened(&app, &made.id()).await;
    let path = made.header("location").to_owned();
    let read = app.officer().get(&path).await.expect(200);
    app.officer()
        .delete(&path, &read.etag())
        .await
        .problem(409, "open_items_remain");
});

db_test!(a_clause_is_confirmed_between_two_rounds, |app| {
    let id = registered(&app).await.id();
    let verifier = person(&app);
    let before = obligation(&app.officer(), &id, "reverification").await;
    let path = format!("/entries/{id}/verifications");
    let one = json!({"answers": [answer(CLAUSE, "met")], "verified_on": "2027-04-01"});
    app.officer()
        .post(&path, one.clone())
        .await
        .problem(422, "acting_person_required");
    for (body, pointer, code) in [
        (json!({"answers": []}), "/answers", "required"),
        (
            json!({"answers": [answer("social-authenticity", "met")]}),
            "/answers/0/clause_key",
            "clause_of_another_kind",
        ),
        (
            json!({"answers": [answer("no-such-clause", "met")]}),
            "/answers/0/clause_key",
            "reference_not_found",
        ),
        (
            json!({"answers": [answer(CLAUSE, "met"), answer(CLAUSE, "not_met")]}),
            "/answers/1/clause_key",
            "duplicate_in_request",
        ),
        (
            json!({"answers": [answer(CLAUSE, "met")], "verified_on": "2027-04-02"}),
            "/verified_on",
            "out_of_range",
        ),
    ] {
        verify(&app, &id, &verifier, body).await.invalid(pointer, code);
    }
    let made = verify(&app, &id, &verifier, one).await.expect(201);
    let location = made.header("location").to_owned();
    assert_eq!(app.officer().get(&location).await.expect(200).body, made.body);
    let after = obligation(&app.officer(), &id, "reverification").await;
    assert_eq!(made.at("/next_due_on"), after.at("/due_on"));
    let asks = |round: &Answered| {
        round
            .items("/clauses")
            .iter()
            .any(|clause| clause["clause_key"] == CLAUSE)
    };
    assert!(asks(&before));
    let clauses = app.officer().get(&format!("/entries/{id}/clauses")).await.expect(200);
    let clause = clauses.items("/items").iter().find(|item| item["clause_key"] == CLAUSE);
    assert_eq!(clause.unwrap()["verified_on"], "2027-04-01");

    // Somebody has answered the round already: then it is one of its answers, and the last one closes it.
    let round = after;
    let keys: Vec<String> = round
        .items("/clauses")
        .iter()
        .map(|clause| clause["clause_key"].as_str().unwrap().to_owned())
        .collect();
    let (first, rest) = keys.split_first().unwrap();
    let path = format!("/obligations/{}/verifications", round.id());
    app.officer()
        .acting(&verifier)
        .post(&path, json!({"answers": [answer(first, "met")]}))
        .await
        .expect(201);
    let answers: Vec<Value> = rest.iter().map(|key| answer(key, "met")).collect();
    verify(&app, &id, &verifier, json!({"answers": answers}))
        .await
        .expect(201);
    let next = obligation(&app.officer(), &id, "reverification").await;
    assert_ne!(next.at("/cycle"), round.at("/cycle"), "{:#}", next.body);
    let answered = next
        .items("/clauses")
        .iter()
        .any(|clause| clause["answer"] != Value::Null);
    assert!(!answered, "{:#}", next.body);
});

db_test!(the_supplier_does_not_confirm_its_own_work, |app| {
    let company = json!({"name": "株式会社乙", "contacts": [{"name": "営業 一郎", "email": "P5@city.example.lg.jp", "kind": "sales"}]});
    let company = app.officer().post("/contractors", company).await.expect(201).id();
    let new = json!({
        "organization_id": seed::MAYOR, "name": "窓口業務", "facts": plain_facts(), "contractor_id": company,
        "registered_as_existing": true, "status": "in_performance", "started_on": "2027-04-01",
        "period": {"starts_on": "2027-04-01", "ends_on": "2028-03-31"},
    });
    let id = app.officer().post("/engagements", new).await.expect(201).id();
    let theirs = mailroom::person(&app, 5, true);
    verify(&app, &id, &theirs, json!({"answers": [answer(CLAUSE, "met")]}))
        .await
        .problem(409, "verifier_is_supplier");
});

db_test!(personal_information_is_inspected_on_site_once_a_year, |app| {
    const SAFEGUARDS: &str = "personal-information-safeguards";
    let mut facts = plain_facts();
    facts["handles_personal_information"] = json!(true);
    facts["data_subjects"] = json!("up_to_100");
    let new = json!({
        "organization_id": seed::MAYOR, "name": "健診の委託", "contractor_id": contractor(&app).await, "facts": facts, "registered_as_existing": true,
        "status": "in_performance", "started_on": "2026-03-01",
        "period": {"starts_on": "2026-03-01", "ends_on": "2029-03-31"},
    });
    let id = app.officer().post("/engagements", new).await.expect(201).id();
    let verifier = person(&app);
    let overdue = async || {
        let risk = app.officer().get(&format!("/entries/{id}/risk")).await.expect(200);
        let notes = risk.items("/assessment/notes").to_vec();
        notes.iter().any(|note| note["code"] == "onsite_inspection_due")
    };
    assert!(overdue().await, "thirteen months after the start");
    let by = |method: &str| json!({"answers": [{"clause_key": SAFEGUARDS, "answer": "met", "method": method}]});
    verify(&app, &id, &verifier, by("document"))
        .await
        .invalid("/onsite_reason", "onsite_reason_required");
    assert!(overdue().await);
    let mut remote = by("remote");
    remote["onsite_reason"] = json!("離島のため、映像で確認した。");
    let act = verify(&app, &id, &verifier, remote).await.expect(201);
    assert_eq!(act.at("/on_site"), false);
    assert!(!overdue().await, "with its reason it counts for this year");
    // Within the year nobody has to go there again.
    verify(&app, &id, &verifier, by("document")).await.expect(201);
    app.at("2028-04-01T09:00");
    assert!(!overdue().await);
    app.at("2028-04-02T09:00");
    kakunin::work::Worker::new(app.app.clone())
        .unwrap()
        .tick()
        .await
        .unwrap();
    assert!(overdue().await, "time alone brings it back");
    let act = verify(&app, &id, &verifier, by("on_site")).await.expect(201);
    assert_eq!(act.at("/on_site"), true);
    assert!(!overdue().await);
});
