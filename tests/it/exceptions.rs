//! Exceptions: who applies and who decides, how long they run, and what they do to clause, risk and due dates.

use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements::{obligation, registered};
use crate::harness::{Answered, TestApp, seed};

const CLAUSE: &str = "confidentiality-obligation";
const STATUTORY: &str = "my-number-subcontract-permission";

async fn person(app: &TestApp, name: &str, roles: Value) -> String {
    let email = format!("{}@city.example.lg.jp", app.app.random.id(app.clock.now()));
    let new = json!({"name": name, "email": email, "roles": roles});
    app.officer().post("/people", new).await.expect(201).id()
}

async fn ciso(app: &TestApp) -> String {
    let role = json!([{"organization_id": seed::MAYOR, "role": "ciso", "starts_on": "2027-04-01"}]);
    person(app, "副市長", role).await
}

fn application() -> Value {
    json!({"clause_key": CLAUSE, "reason": "契約変更の手続中のため。", "compensating_measures": "受渡しを庁内に限る。",
        "expires_on": "2027-09-30"})
}

async fn clause(app: &TestApp, entry_id: &str) -> Value {
    let list = app
        .officer()
        .get(&format!("/entries/{entry_id}/clauses"))
        .await
        .expect(200);
    let found = list.items("/items").iter().find(|item| item["clause_key"] == CLAUSE);
    found.unwrap().clone()
}

async fn entry(app: &TestApp, id: &str) -> Answered {
    app.officer().get(&format!("/entries/{id}")).await.expect(200)
}

db_test!(an_approved_exception_counts_until_its_last_day_is_over, |app| {
    let id = registered(&app).await.id();
    let (applicant, chief) = (person(&app, "担当 一郎", json!([])).await, ciso(&app).await);
    let path = format!("/entries/{id}/exceptions");
    app.officer()
        .post(&path, application())
        .await
        .problem(422, "acting_person_required");
    let staff = app.officer().acting(&applicant);
    let made = staff.post(&path, application()).await.expect(201);
    assert_eq!(
        (made.text("/state"), made.at("/in_effect")),
        ("requested", &json!(false))
    );
    assert_eq!(
        clause(&app, &id).await["status"],
        "missing",
        "an application changes nothing"
    );
    staff
        .post(&path, application())
        .await
        .problem(409, "exception_undecided");
    let before = entry(&app, &id).await;

    let decisions = format!("{}/decisions", made.header("location"));
    let approve = json!({"decision": "approve", "note": "期限内に契約を変更すること。"});
    app.officer()
        .post(&decisions, approve.clone())
        .await
        .problem(422, "acting_person_required");
    staff
        .post(&decisions, approve.clone())
        .await
        .problem(409, "self_approval_forbidden");
    let other = person(&app, "課長", json!([])).await;
    let other = app.officer().acting(&other);
    other
        .post(&decisions, approve.clone())
        .await
        .problem(409, "role_required");
    let chief = app.officer().acting(&chief);
    let approved = chief.post(&decisions, approve.clone()).await.expect(200);
    assert_eq!(
        (approved.text("/state"), approved.at("/in_effect")),
        ("approved", &json!(true))
    );
    assert_eq!(
        approved.at("/decision/risk/residual_score_x100"),
        before.at("/risk/residual_score_x100"),
        "the risk on which it was decided"
    );
    chief.post(&decisions, approve).await.problem(409, "already_closed");
    let read = app.officer().get(made.header("location")).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&approved.body, approved.etag()));

    let during = entry(&app, &id).await;
    assert_ne!(during.etag(), before.etag());
    let score = |entry: &Answered| entry.at("/risk/residual_score_x100").as_i64().unwrap();
    assert!(score(&during) < score(&before));
    assert_eq!(clause(&app, &id).await["status"], "excepted");
    let due = obligation(&app.officer(), &id, "exception").await;
    assert_eq!(due.text("/due_on"), "2027-09-30");
    assert_eq!(due.text("/next_step_on"), "2027-07-02");
    let risk = app.officer().get(&format!("/entries/{id}/risk")).await.expect(200);
    assert_eq!(risk.text("/holds_until_on"), "2027-10-01");

    app.at("2027-09-30T23:00");
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    assert_eq!(
        score(&entry(&app, &id).await),
        score(&during),
        "it runs to the end of its last day"
    );
    app.at("2027-10-01T00:30");
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    assert_eq!(
        score(&entry(&app, &id).await),
        score(&before),
        "its credit is gone at once"
    );
    let over = clause(&app, &id).await;
    assert_eq!(
        (&over["status"], &over["days_overdue"]),
        (&json!("excepted"), &json!(1))
    );
    for (state, count) in [
        ("expired", 1),
        ("approved", 0),
        ("requested", 0),
        ("rejected", 0),
        ("revoked", 0),
    ] {
        let list = app
            .officer()
            .get(&format!("/exceptions?state={state}"))
            .await
            .expect(200);
        assert_eq!(list.items("/items").len(), count, "{state}");
    }
    // It stays due until the clause is met.
    obligation(&app.officer(), &id, "exception").await;
    let met = json!({"agreed": {"article": "第12条"}, "verified_on": "2027-10-01"});
    app.officer()
        .put(&format!("/entries/{id}/clauses/{CLAUSE}"), "*", met)
        .await
        .expect(200);
    assert_eq!(clause(&app, &id).await["status"], "verified");
    let open = format!("/obligations?entry_id={id}&kind=exception");
    assert_eq!(app.officer().get(&open).await.expect(200).items("/items").len(), 0);
});

db_test!(an_application_keeps_the_limits_or_changes_nothing, |app| {
    let id = registered(&app).await.id();
    let staff = app.officer().acting(&person(&app, "担当 一郎", json!([])).await);
    let path = format!("/entries/{id}/exceptions");
    let with = |name: &str, value: Value| {
        let mut body = application();
        body[name] = value;
        body
    };
    let mut emergency = with("expires_on", json!("2027-04-16"));
    emergency["emergency"] = json!(true);
    let before = entry(&app, &id).await;
    for (body, pointer, code) in [
        (with("expires_on", json!("2027-03-31")), "/expires_on", "date_in_past"),
        (
            with("expires_on", json!("2028-04-01")),
            "/expires_on",
            "beyond_fiscal_year",
        ),
        (
            with("expires_on", json!("2028-04-02")),
            "/expires_on",
            "longer_than_twelve_months",
        ),
        (emergency, "/expires_on", "longer_than_fourteen_days"),
        (with("clause_key", json!(STATUTORY)), "/clause_key", "statutory_clause"),
        (
            with("clause_key", json!("cloud-logging")),
            "/clause_key",
            "clause_of_another_kind",
        ),
        (
            with("clause_key", json!("no-such-clause")),
            "/clause_key",
            "reference_not_found",
        ),
        (with("reason", json!(" ")), "/reason", "required"),
        (
            with("compensating_measures", json!("")),
            "/compensating_measures",
            "required",
        ),
    ] {
        staff.post(&path, body).await.invalid(pointer, code);
    }
    let after = entry(&app, &id).await;
    assert_eq!((after.etag(), &after.body), (before.etag(), &before.body));
    assert_eq!(
        app.officer().get("/exceptions").await.expect(200).items("/items").len(),
        0
    );
});

db_test!(an_emergency_counts_at_once_and_ends_without_the_ciso, |app| {
    let id = registered(&app).await.id();
    let staff = app.officer().acting(&person(&app, "担当 一郎", json!([])).await);
    let mut body = application();
    (body["emergency"], body["expires_on"]) = (json!(true), json!("2027-04-15"));
    let path = format!("/entries/{id}/exceptions");
    let made = staff.post(&path, body.clone()).await.expect(201);
    assert_eq!(
        (made.text("/state"), made.at("/in_effect")),
        ("requested", &json!(true))
    );
    assert_eq!(clause(&app, &id).await["status"], "excepted");
    app.at("2027-04-16T09:00");
    let read = app.officer().get(made.header("location")).await.expect(200);
    assert_eq!((read.text("/state"), read.at("/in_effect")), ("expired", &json!(false)));
    assert_eq!(clause(&app, &id).await["days_overdue"], 1);
    let chief = app.officer().acting(&ciso(&app).await);
    let late = json!({"decision": "approve", "expires_on": "2027-09-30"});
    let decisions = format!("{}/decisions", made.header("location"));
    chief
        .post(&decisions, late.clone())
        .await
        .problem(409, "already_closed");

    body["expires_on"] = json!("2027-04-30");
    let again = staff.post(&path, body).await.expect(201);
    let decisions = format!("{}/decisions", again.header("location"));
    let beyond = json!({"decision": "approve", "expires_on": "2028-04-16"});
    chief
        .post(&decisions, beyond)
        .await
        .invalid("/expires_on", "beyond_fiscal_year");
    let said = json!({"decision": "approve", "expires_on": "2028-04-16", "beyond_fiscal_year": true});
    let ratified = chief.post(&decisions, said).await.expect(200);
    assert_eq!(
        (ratified.text("/state"), ratified.text("/expires_on")),
        ("approved", "2028-04-16")
    );
    assert_eq!(ratified.at("/decision/beyond_fiscal_year"), true);
});

db_test!(
    a_decision_taken_elsewhere_is_recorded_and_an_exception_is_revoked,
    |app| {
        let id = registered(&app).await.id();
        let (applicant, chief) = (person(&app, "担当 一郎", json!([])).await, ciso(&app).await);
        let staff = app.officer().acting(&applicant);
        let path = format!("/entries/{id}/exceptions");
        let made = staff.post(&path, application()).await.expect(201);
        let decisions = format!("{}/decisions", made.header("location"));
        let elsewhere = |person: &str, on: &str| {
            json!({"decision": "approve", "elsewhere": {"decided_by": "副市長（CISO）", "decided_by_person_id": person,
            "decided_on": on, "document_number": "本情第123号"}})
        };
        let none = "01960000-0000-7000-8000-0000000000ff";
        staff
            .post(&decisions, elsewhere(none, "2027-04-01"))
            .await
            .invalid("/elsewhere/decided_by_person_id", "reference_not_found");
        for on in ["2027-03-31", "2027-04-02"] {
            staff
                .post(&decisions, elsewhere(&chief, on))
                .await
                .invalid("/elsewhere/decided_on", "out_of_range");
        }
        staff
            .post(&decisions, elsewhere(&applicant, "2027-04-01"))
            .await
            .problem(409, "self_approval_forbidden");
        let recorded = staff
            .post(&decisions, elsewhere(&chief, "2027-04-01"))
            .await
            .expect(200);
        assert_eq!(recorded.text("/decision/document_number"), "本情第123号");
        assert_eq!(recorded.text("/decision/recorded_by_person_id"), applicant);
        assert_eq!(recorded.text("/decision/decided_by_person_id"), chief);
        assert_eq!(clause(&app, &id).await["status"], "excepted");

        let revocations = format!("{}/revocations", made.header("location"));
        let why = json!({"reason": "契約を変更した。"});
        app.officer()
            .post(&revocations, why.clone())
            .await
            .problem(422, "acting_person_required");
        let revoked = staff.post(&revocations, why.clone()).await.expect(200);
        assert_eq!(
            (revoked.text("/state"), revoked.at("/in_effect")),
            ("revoked", &json!(false))
        );
        assert_eq!(revoked.text("/revocation/reason"), "契約を変更した。");
        assert_eq!(clause(&app, &id).await["status"], "missing");
        staff.post(&revocations, why).await.problem(409, "already_closed");
        let open = format!("/obligations?entry_id={id}&kind=exception");
        assert_eq!(app.officer().get(&open).await.expect(200).items("/items").len(), 0);

        let refused = staff.post(&path, application()).await.expect(201);
        let decisions = format!("{}/decisions", refused.header("location"));
        let chief = app.officer().acting(&chief);
        chief
            .post(&decisions, json!({"decision": "reject", "expires_on": "2027-09-30"}))
            .await
            .invalid("/expires_on", "only_with_approval");
        let refused = chief.post(&decisions, json!({"decision": "reject"})).await.expect(200);
        assert_eq!(refused.text("/state"), "rejected");
        assert_eq!(clause(&app, &id).await["status"], "missing");

        let list = app
            .officer()
            .get(&format!("/exceptions?entry_id={id}"))
            .await
            .expect(200);
        assert_eq!(list.items("/items").len(), 2);
        for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
            outsider.get(made.header("location")).await.problem(404, "not_found");
            assert_eq!(outsider.get("/exceptions").await.expect(200).items("/items").len(), 0);
        }
    }
);
