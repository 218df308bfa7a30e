//! Standing in for somebody who is away (不在代理): mail goes to both, the delegate acts and it shows, and the two never
//! count as two persons.

use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use crate::engagements::obligation;
use crate::hand_over::{engagement, person};
use crate::harness::{TestApp, seed};
use crate::mailroom::{self, received, worker};
use crate::smtp_server::{Behaviour, FakeSmtp};

async fn stand_in(app: &TestApp, from: &str, to: &str) -> String {
    let new = json!({"organization_id": seed::MAYOR, "from_person_id": from, "to_person_id": to,
        "starts_on": "2027-04-01", "ends_on": "2027-07-31", "reason": "育児休業"});
    let made = app.officer().post("/delegations", new).await.expect(201);
    made.header("location").to_owned()
}

db_test!(a_delegation_is_registered_listed_and_ended, |app| {
    let (away, there) = (person(&app, "不在 花子").await, person(&app, "代理 太郎").await);
    let new = json!({"organization_id": seed::MAYOR, "from_person_id": away, "to_person_id": there,
        "starts_on": "2027-04-01", "ends_on": "2027-07-31", "reason": "育児休業"});
    let with = |name: &str, value: Value| {
        let mut body = new.clone();
        body[name] = value;
        body
    };
    for (body, pointer, code) in [
        (with("to_person_id", json!(away)), "/to_person_id", "same_person"),
        (with("ends_on", json!("2027-03-31")), "/ends_on", "date_order"),
        (with("ends_on", json!("2028-05-01")), "/ends_on", "longer_than_one_year"),
        (with("reason", json!("")), "/reason", "required"),
        (
            with("from_person_id", json!(seed::MAYOR)),
            "/from_person_id",
            "reference_not_found",
        ),
    ] {
        app.officer().post("/delegations", body).await.invalid(pointer, code);
    }
    let mut past = with("ends_on", json!("2027-03-31"));
    past["starts_on"] = json!("2027-03-01");
    app.officer()
        .post("/delegations", past)
        .await
        .invalid("/ends_on", "date_in_past");
    let outside = app.limited(&[seed::ASSEMBLY]);
    outside
        .post("/delegations", new.clone())
        .await
        .invalid("/organization_id", "reference_not_found");
    assert!(
        app.officer()
            .get("/delegations")
            .await
            .expect(200)
            .items("/items")
            .is_empty()
    );

    let made = app.officer().post("/delegations", new).await.expect(201);
    let path = made.header("location");
    let read = app.officer().get(path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));
    for (query, count) in [
        ("on=2027-07-31", 1),
        ("on=2027-08-01", 0),
        (&*format!("person_id={there}"), 1),
    ] {
        let list = app.officer().get(&format!("/delegations?{query}")).await.expect(200);
        assert_eq!(list.items("/items").len(), count, "{query}");
    }
    for outsider in [app.stranger(), outside] {
        outsider.get(path).await.problem(404, "not_found");
        assert!(
            outsider
                .get("/delegations")
                .await
                .expect(200)
                .items("/items")
                .is_empty()
        );
    }
    app.officer()
        .delete(path, "\"7.ja\"")
        .await
        .problem(412, "stale_version");
    app.officer().delete(path, &made.etag()).await.expect(204);
    let list = app.officer().get("/delegations?on=2027-04-01").await.expect(200);
    assert!(list.items("/items").is_empty());
    assert_ne!(
        app.officer().get(path).await.expect(200).at("/archived_at"),
        &Value::Null
    );
});

db_test!(mail_goes_to_both_while_somebody_is_away, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let (away, there) = (mailroom::person(&app, 1, true), mailroom::person(&app, 2, true));
    let more = json!({"started_on": "2027-03-01", "period": {"starts_on": "2027-03-01", "ends_on": "2027-05-01"}});
    engagement(&app, "清掃業務", json!({"person_id": away}), more).await;
    stand_in(&app, &away, &there).await;
    worker(&app, &relay).tick().await.unwrap();
    let mails = received(&relay);
    let to = |number: u32| {
        mails
            .iter()
            .find(|mail| mail.to == format!("p{number}@city.example.lg.jp"))
            .unwrap()
    };
    assert_eq!(mails.len(), 2);
    assert!(to(2).text.contains("不在代理"), "{}", to(2).text);
    assert!(!to(1).text.contains("不在代理"));
});

db_test!(a_delegate_acts_in_the_role_of_the_absent_and_it_shows, |app| {
    let (chief, delegate) = (mailroom::person(&app, 1, true), mailroom::person(&app, 2, true));
    mailroom::role(&app, 1, seed::MAYOR, Role::Ciso, &chief);
    let staff = person(&app, "担当 一郎").await;
    let entry = engagement(&app, "清掃業務", json!({"person_id": staff}), json!({})).await;
    let exceptions = format!("/entries/{entry}/exceptions");
    let application = json!({"clause_key": "confidentiality-obligation", "reason": "手続中。",
        "compensating_measures": "庁内に限る。", "expires_on": "2027-09-30"});
    let approve = json!({"decision": "approve"});
    let made = app
        .officer()
        .acting(&staff)
        .post(&exceptions, application.clone())
        .await
        .expect(201);
    let decisions = format!("{}/decisions", made.header("location"));
    let acting = app.officer().acting(&delegate);
    acting
        .post(&decisions, approve.clone())
        .await
        .problem(409, "role_required");
    stand_in(&app, &chief, &delegate).await;
    let decided = acting.post(&decisions, approve.clone()).await.expect(200);
    assert_eq!(decided.text("/decision/decided_by_person_id"), delegate);
    let log = format!("/audit-log?subject_id={}&action=exception.decided", made.id());
    let log = app.officer().get(&log).await.expect(200);
    assert_eq!(log.text("/items/0/person_id"), delegate);
    assert_eq!(log.at("/items/0/payload/acting_for_person_ids"), &json!([chief]));

    // Neither of the two approves what the other applied for.
    let mut second = application;
    second["clause_key"] = json!("policy-compliance");
    for (applicant, approver) in [(&delegate, &chief), (&chief, &delegate)] {
        let made = app
            .officer()
            .acting(applicant)
            .post(&exceptions, second.clone())
            .await
            .expect(201);
        let decisions = format!("{}/decisions", made.header("location"));
        let approver = app.officer().acting(approver);
        approver
            .post(&decisions, approve.clone())
            .await
            .problem(409, "self_approval_forbidden");
        let revoke = format!("{}/revocations", made.header("location"));
        approver.post(&revoke, json!({"reason": "取下げ"})).await.expect(200);
    }
    app.at("2027-08-01T09:00");
    let made = app.officer().acting(&staff).post(&exceptions, second).await.expect(201);
    let decisions = format!("{}/decisions", made.header("location"));
    acting.post(&decisions, approve).await.problem(409, "role_required");
});

db_test!(a_delegate_answers_a_round_and_it_shows_for_whom, |app| {
    let (owner, delegate) = (person(&app, "責任 花子").await, person(&app, "代理 太郎").await);
    let entry = engagement(&app, "清掃業務", json!({"person_id": owner}), json!({})).await;
    stand_in(&app, &owner, &delegate).await;
    let round = obligation(&app.officer(), &entry, "reverification").await;
    let answers: Vec<Value> = round
        .items("/clauses")
        .iter()
        .map(|clause| json!({"clause_key": clause["clause_key"], "answer": "met"}))
        .collect();
    let path = format!("/obligations/{}/verifications", round.id());
    let done = app
        .officer()
        .acting(&delegate)
        .post(&path, json!({"answers": answers}))
        .await
        .expect(201);
    assert_eq!(done.text("/verifier_person_id"), delegate);
    let log = format!("/audit-log?subject_id={}&action=obligation.verified", round.id());
    let log = app.officer().get(&log).await.expect(200);
    assert_eq!(log.at("/items/0/payload/acting_for_person_ids"), &json!([owner]));
});

db_test!(a_delegate_takes_and_approves_transitions_but_the_two_are_one, |app| {
    let (manager, delegate) = (mailroom::person(&app, 1, true), mailroom::person(&app, 2, true));
    for (number, role) in [(1, Role::SectionSecurityManager), (2, Role::SectionStaff)] {
        mailroom::role(&app, number, seed::MAYOR, role, &manager);
    }
    let new = json!({"organization_id": seed::MAYOR, "name": "封入業務", "owner": {"person_id": manager}});
    let entry = app.officer().post("/engagements", new).await.expect(201).id();
    let path = format!("/entries/{entry}/transitions");
    let allowed = async |person: &str| {
        let options = app.officer().acting(person).get(&path).await.expect(200);
        options.items("/options").iter().any(|option| option["allowed"] == true)
    };
    assert!(allowed(&manager).await);
    assert!(!allowed(&delegate).await);
    let delegation = stand_in(&app, &manager, &delegate).await;
    assert!(allowed(&delegate).await);
    app.officer().delete(&delegation, "*").await.expect(204);
    assert!(!allowed(&delegate).await);
});
