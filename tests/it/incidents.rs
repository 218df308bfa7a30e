//! Incidents: who is written to at once, what the law wants until when, what they do to the risk, and how they end.

use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use crate::corrective_actions::paper;
use crate::engagements::{contractor, obligation, plain_facts};
use crate::harness::{Answered, TestApp, seed};
use crate::mailroom::{self, received, worker};
use crate::policy_documents;
use crate::smtp_server::{Behaviour, FakeSmtp};

/// Owner, CSIRT, CISO and public relations.
struct Office {
    owner: String,
    csirt: String,
}

fn office(app: &TestApp) -> Office {
    let person = |number| mailroom::person(app, number, true);
    let office = Office {
        owner: person(1),
        csirt: person(2),
    };
    mailroom::role(app, 2, seed::MAYOR, Role::Csirt, &office.csirt);
    mailroom::role(app, 3, seed::MAYOR, Role::Ciso, &person(3));
    mailroom::role(app, 4, seed::MAYOR, Role::PublicRelationsOfficer, &person(4));
    office
}

async fn engagement(app: &TestApp, owner: &str, name: &str) -> String {
    let new = json!({
        "organization_id": seed::MAYOR, "name": name, "contractor_id": contractor(app).await, "facts": plain_facts(), "owner": {"person_id": owner},
        "registered_as_existing": true, "status": "in_performance", "started_on": "2027-04-01",
        "period": {"starts_on": "2027-04-01", "ends_on": "2029-03-31"},
    });
    app.officer().post("/engagements", new).await.expect(201).id()
}

fn leak(entry_ids: &[&str]) -> Value {
    json!({"entry_ids": entry_ids, "kind": "leak", "severity": "major", "title": "帳票の誤送付",
        "description": "宛名の異なる帳票を240通送付した。"})
}

async fn opened(app: &TestApp, new: Value) -> Answered {
    app.officer().post("/incidents", new).await.expect(201)
}

fn addresses(relay: &FakeSmtp) -> Vec<String> {
    let mut to: Vec<String> = received(relay).into_iter().map(|mail| mail.to).collect();
    to.sort();
    to
}

async fn floors(app: &TestApp, entry_id: &str) -> String {
    let risk = app
        .officer()
        .get(&format!("/entries/{entry_id}/risk"))
        .await
        .expect(200);
    risk.at("/assessment/floors").to_string()
}

db_test!(an_incident_is_told_at_once_on_any_day_and_says_nothing, |app| {
    let (relay, office) = (FakeSmtp::start(Behaviour::ok()), office(&app));
    let (one, two) = (
        engagement(&app, &office.owner, "発送業務").await,
        engagement(&app, &office.owner, "印刷業務").await,
    );
    // Saturday night, long after the hour at which digests leave.
    app.at("2027-04-03T23:10");
    let made = opened(&app, leak(&[&one, &two])).await;
    worker(&app, &relay).tick().await.unwrap();
    let told = [1, 2, 3].map(|number| format!("p{number}@city.example.lg.jp"));
    assert_eq!(addresses(&relay), told, "owner, CSIRT and CISO, one mail each");
    for mail in received(&relay) {
        assert!(mail.text.contains("至急"), "{}", mail.text);
        assert!(
            mail.text.contains("発送業務") && mail.text.contains("印刷業務"),
            "{}",
            mail.text
        );
        assert!(
            !mail.text.contains("240") && !mail.text.contains("誤送付"),
            "{}",
            mail.text
        );
    }
    let messages = app.officer().get("/messages").await.expect(200);
    for message in messages.items("/items") {
        assert_eq!(message["kind"], "immediate");
    }
    worker(&app, &relay).tick().await.unwrap();
    assert_eq!(received(&relay).len(), 3, "never twice");

    // Another one in the same hour has a message of its own.
    opened(&app, leak(&[&one])).await;
    worker(&app, &relay).tick().await.unwrap();
    assert_eq!(received(&relay).len(), 6);
    assert_eq!(made.text("/state"), "open");

    // Known for 30 days already: the day of the first mail is the last one.
    app.at("2027-04-05T01:00");
    let mut late = leak(&[&two]);
    late["noticed_at"] = json!("2027-03-05T00:00:00Z");
    opened(&app, late).await;
    for _ in 0..2 {
        worker(&app, &relay).tick().await.unwrap();
        assert_eq!(received(&relay).len(), 9, "once");
    }
    assert_eq!(mailroom::audit(&app, &relay), 0);
});

db_test!(the_clocks_of_the_law_start_follow_what_is_known_and_stop, |app| {
    let (relay, office) = (FakeSmtp::start(Behaviour::ok()), office(&app));
    let id = engagement(&app, &office.owner, "発送業務").await;
    let mut new = leak(&[&id]);
    new["breach"] = json!({"affected_persons": 240});
    new["contractor_noticed_on"] = json!("2027-03-31");
    let made = opened(&app, new).await;
    let report = |kind: &str, target: Value, due: &str| json!({"kind": kind, "target_on": target, "due_on": due, "reported_on": null, "reference": null});
    assert_eq!(
        made.at("/reports"),
        &json!([
            report("contractor_notice", json!("2027-04-02"), "2027-04-04"),
            report("ppc_preliminary", json!("2027-04-03"), "2027-04-05"),
            report("ppc_final", Value::Null, "2027-04-30"),
        ])
    );
    worker(&app, &relay).tick().await.unwrap();
    let mails = received(&relay);
    assert_eq!(mails.len(), 3);
    for name in [
        "委託先からの報告",
        "個人情報保護委員会への速報",
        "個人情報保護委員会への確報",
    ] {
        assert!(mails[0].text.contains(name), "{name} is not in\n{}", mails[0].text);
    }

    // Harm was meant: 60 days, and only that clock moves.
    let path = made.header("location").to_owned();
    let change = json!({"breach": {"affected_persons": 240, "malicious": true}});
    let changed = app.officer().patch(&path, &made.etag(), change).await.expect(200);
    assert_eq!(changed.text("/reports/2/due_on"), "2027-05-31");
    let reports = format!("{path}/reports");
    let done = json!({"kind": "ppc_preliminary", "reference": "個情第1号"});
    app.officer()
        .post(
            &reports,
            json!({"kind": "ppc_preliminary", "reported_on": "2027-04-02"}),
        )
        .await
        .invalid("/reported_on", "out_of_range");
    let reported = app.officer().post(&reports, done.clone()).await.expect(200);
    assert_eq!(reported.text("/reports/1/reported_on"), "2027-04-01");
    app.officer().post(&reports, done).await.problem(409, "already_closed");
    let open = format!("/obligations?entry_id={id}&kind=statutory_report");
    assert_eq!(app.officer().get(&open).await.expect(200).items("/items").len(), 2);
    let closed = app.officer().get(&format!("{open}&state=closed")).await.expect(200);
    assert_eq!(closed.text("/items/0/outcome"), "reported");

    // Nobody's information after all: what was reported stays, the other clocks go.
    let none = app
        .officer()
        .merge_patch(&path, &reported.etag(), json!({"breach": null}))
        .await
        .expect(200);
    assert_eq!(none.items("/reports").len(), 1);
    assert_eq!(app.officer().get(&open).await.expect(200).items("/items").len(), 0);
    app.officer()
        .post(&reports, json!({"kind": "ppc_final"}))
        .await
        .problem(409, "report_not_asked");
});

db_test!(a_major_incident_holds_the_risk_up_until_it_is_closed, |app| {
    let office = office(&app);
    let (id, other) = (
        engagement(&app, &office.owner, "発送業務").await,
        engagement(&app, &office.owner, "印刷業務").await,
    );
    let mut minor = leak(&[&id]);
    minor["severity"] = json!("minor");
    let made = opened(&app, minor).await;
    assert!(!floors(&app, &id).await.contains("open_incident_major"));
    let path = made.header("location").to_owned();
    let change = json!({"severity": "critical", "entry_ids": [id, other]});
    let worse = app.officer().patch(&path, &made.etag(), change).await.expect(200);
    for entry in [&id, &other] {
        assert!(floors(&app, entry).await.contains("open_incident_major"));
    }
    let change = json!({"entry_ids": [id], "state": "contained"});
    let contained = app.officer().patch(&path, &worse.etag(), change).await.expect(200);
    assert_eq!(
        (contained.text("/state"), contained.text("/contained_on")),
        ("contained", "2027-04-01")
    );
    assert!(!floors(&app, &other).await.contains("open_incident_major"), "released");
    let due = obligation(&app.officer(), &id, "incident").await;
    assert_eq!(due.text("/due_on"), "2027-04-30");

    let events = format!("{path}/events");
    app.officer()
        .post(&events, json!({"text": "宛先に電話し、未開封であることを確かめた。"}))
        .await
        .expect(200);
    app.officer()
        .post(&events, json!({"text": "未来", "happened_at": "2027-04-01T00:00:01Z"}))
        .await
        .invalid("/happened_at", "out_of_range");
    let list = app.officer().get(&events).await.expect(200);
    assert_eq!(list.items("/items").len(), 1);

    let action = json!({"entry_id": id, "incident_id": made.id(), "title": "宛名の照合を二人で行う"});
    let action = app.officer().post("/corrective-actions", action).await.expect(201);
    assert_eq!(action.text("/origin_kind"), "incident");
    let closures = format!("{path}/closures");
    let close = json!({"cause": "照合を省いた。", "prevention": "二人で照合する。"});
    app.officer()
        .post(&closures, close.clone())
        .await
        .problem(422, "acting_person_required");
    let csirt = app.officer().acting(&office.csirt);
    csirt
        .post(&closures, close.clone())
        .await
        .problem(409, "open_items_remain");
    csirt
        .post(&closures, json!({"cause": "照合を省いた。", "prevention": ""}))
        .await
        .problem(422, "validation_failed");
    let done = json!({"done": "手順を改めた。", "evidence_ids": [paper(&app, &id).await]});
    csirt
        .post(&format!("{}/closures", action.header("location")), done)
        .await
        .expect(200);
    // What caused it may call for another policy.
    let document = app
        .officer()
        .post("/policy-documents", policy_documents::document("control_standard"))
        .await
        .expect(201);
    let strange =
        json!({"cause": "照合を省いた。", "prevention": "二人で照合する。", "policy_document_ids": [made.id()]});
    csirt
        .post(&closures, strange)
        .await
        .invalid("/policy_document_ids/0", "reference_not_found");
    let mut with = close.clone();
    with["policy_document_ids"] = json!([document.id()]);
    let closed = csirt.post(&closures, with).await.expect(200);
    assert_eq!(closed.text("/state"), "closed");
    let reasons = format!("{}/review-reasons", document.header("location"));
    let reasons = app.officer().get(&reasons).await.expect(200);
    assert_eq!(
        (reasons.text("/items/0/kind"), reasons.at("/items/0/origin_id")),
        ("incident", made.at("/id"))
    );
    assert_eq!(closed.text("/closure/cause"), "照合を省いた。");
    assert!(!floors(&app, &id).await.contains("open_incident_major"));
    let open = format!("/obligations?entry_id={id}&kind=incident");
    assert_eq!(app.officer().get(&open).await.expect(200).items("/items").len(), 0);
    csirt.post(&closures, close).await.problem(409, "already_closed");
    app.officer()
        .patch(&path, &closed.etag(), json!({"title": "改題"}))
        .await
        .problem(409, "already_closed");
    for (query, count) in [
        ("?state=closed", 1),
        ("?state=open", 0),
        ("?kind=leak", 1),
        (format!("?entry_id={id}").as_str(), 1),
        (format!("?entry_id={other}").as_str(), 0),
    ] {
        let list = app.officer().get(&format!("/incidents{query}")).await.expect(200);
        assert_eq!(list.items("/items").len(), count, "{query}");
    }
});

db_test!(a_takeover_opens_an_incident_and_is_told_at_once, |app| {
    let (relay, office) = (FakeSmtp::start(Behaviour::ok()), office(&app));
    let service = json!({"organization_id": seed::MAYOR, "platform": "x"});
    let service = app
        .officer()
        .post("/social-media-services", service)
        .await
        .expect(201)
        .id();
    let new = json!({
        "organization_id": seed::MAYOR, "name": "公式X", "social_media_service_id": service, "handle": "@motosu",
        "url": "https://x.com/motosu", "purpose": "市政の情報", "facts": {"operation_delegated": false},
        "owner": {"person_id": office.owner}, "registered_as_existing": true, "status": "operating",
        "started_on": "2027-04-01",
    });
    let id = app.officer().post("/social-media-accounts", new).await.expect(201).id();
    app.at("2027-05-02T03:00");
    let path = format!("/entries/{id}/transitions");
    let report = json!({"transition": "report_compromise", "reason": "身に覚えのない投稿がある。"});
    app.officer()
        .acting(&office.owner)
        .post(&path, report)
        .await
        .expect(200);
    worker(&app, &relay).tick().await.unwrap();
    let told = [1, 2, 3, 4].map(|number| format!("p{number}@city.example.lg.jp"));
    assert_eq!(
        addresses(&relay),
        told,
        "owner, CSIRT, CISO and public relations, on a Sunday night"
    );
    let mail = &received(&relay)[0];
    assert!(
        mail.text.contains("乗っ取り") && !mail.text.contains("身に覚えのない"),
        "{}",
        mail.text
    );
    assert!(floors(&app, &id).await.contains("open_incident_major"));

    let list = app.officer().get("/incidents?kind=account_takeover").await.expect(200);
    assert_eq!(list.items("/items").len(), 1);
    assert_eq!(list.at("/items/0/entry_ids"), &json!([id]));
    let incident = format!("/incidents/{}", list.text("/items/0/id"));
    let approve = json!({"transition": "recover", "role": "csirt"});
    app.officer()
        .acting(&office.csirt)
        .post(&format!("/entries/{id}/approvals"), approve)
        .await
        .expect(200);
    let recover = json!({"transition": "recover", "reason": "認証情報を改めた。",
        "conditions": ["credentials_changed", "linked_apps_reviewed", "notice_published"]});
    app.officer()
        .acting(&office.owner)
        .post(&path, recover)
        .await
        .expect(200);
    let contained = app.officer().get(&incident).await.expect(200);
    assert_eq!(contained.text("/state"), "contained");
    let events = app.officer().get(&format!("{incident}/events")).await.expect(200);
    assert_eq!(events.text("/items/0/text"), "認証情報を改めた。");
    assert!(
        floors(&app, &id).await.contains("open_incident_major"),
        "until it is closed"
    );
});

db_test!(what_cannot_have_happened_is_refused_by_its_pointer, |app| {
    let office = office(&app);
    let id = engagement(&app, &office.owner, "発送業務").await;
    let council = json!({"organization_id": seed::ASSEMBLY, "name": "会議録", "facts": plain_facts()});
    let council = app.officer().post("/engagements", council).await.expect(201).id();
    for (name, value, pointer, code) in [
        ("entry_ids", json!([]), "/entry_ids", "out_of_range"),
        ("entry_ids", json!([seed::MAYOR]), "/entry_ids/0", "reference_not_found"),
        ("entry_ids", json!([id, id]), "/entry_ids/1", "duplicate_in_request"),
        ("entry_ids", json!([id, council]), "/entry_ids/1", "other_organization"),
        (
            "noticed_at",
            json!("2027-04-01T00:00:01Z"),
            "/noticed_at",
            "out_of_range",
        ),
        (
            "occurred_at",
            json!("2027-04-01T00:00:01Z"),
            "/occurred_at",
            "date_order",
        ),
        (
            "contractor_noticed_on",
            json!("2027-04-02"),
            "/contractor_noticed_on",
            "out_of_range",
        ),
        ("kind", json!("earthquake"), "/kind", "not_in_enum"),
        ("severity", json!("high"), "/severity", "not_in_enum"),
        ("title", json!(""), "/title", "required"),
    ] {
        let mut new = leak(&[&id]);
        new[name] = value;
        app.officer().post("/incidents", new).await.invalid(pointer, code);
    }
    let list = app.officer().get("/incidents").await.expect(200);
    assert_eq!(list.items("/items").len(), 0);
    app.limited(&[seed::ASSEMBLY])
        .post("/incidents", leak(&[&id]))
        .await
        .invalid("/entry_ids/0", "reference_not_found");
});

db_test!(what_is_open_stands_against_resuming, |app| {
    let office = office(&app);
    let id = engagement(&app, &office.owner, "発送業務").await;
    let division = mailroom::person(&app, 5, true);
    mailroom::role(&app, 5, seed::MAYOR, Role::DivisionSecurityOfficer, &division);
    let division = app.officer().acting(&division);
    let path = format!("/entries/{id}/transitions");
    let suspend = json!({"transition": "suspend", "reason": "誤送付のため。", "cause": "incident"});
    division.post(&path, suspend).await.expect(200);
    let action = json!({"entry_id": id, "title": "手順を改める"});
    let action = app.officer().post("/corrective-actions", action).await.expect(201);
    let resume = json!({"transition": "resume", "reason": "是正した。"});
    let stated = json!({"transition": "resume", "reason": "是正した。", "conditions": ["corrective_actions_closed"]});
    division
        .post(&path, stated)
        .await
        .invalid("/conditions/0", "not_stated");
    let refused = division
        .post(&path, resume.clone())
        .await
        .problem(409, "transition_unmet");
    assert_eq!(refused.text("/unmet/0/item"), "corrective_actions_closed");
    let done = json!({"done": "手順を改めた。", "evidence_ids": [paper(&app, &id).await]});
    division
        .post(&format!("{}/closures", action.header("location")), done)
        .await
        .expect(200);
    division.post(&path, resume).await.expect(200);
});
