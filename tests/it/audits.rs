//! Audits: who may audit, what is found and followed up, and the report with the double roles that the CISO confirms.

use diesel::prelude::*;
use kakunin::db::schema::transitions;
use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use crate::engagements::{person, registered};
use crate::files::paper;
use crate::harness::{Answered, TestApp, seed};
use crate::mailroom;
use crate::policy_documents::document;
use crate::smtp_server::{Behaviour, FakeSmtp};

fn audit(auditee: &str) -> Value {
    json!({"organization_id": seed::MAYOR, "kind": "periodic", "fiscal_year": 2027, "scope": "業務委託の管理",
        "external_auditor": "監査法人見本", "auditee_person_id": auditee, "started_on": "2027-04-01"})
}

fn finding(owner: &str) -> Value {
    json!({"severity": "major", "clause_key": "confidentiality-obligation", "finding": "誓約書が綴られていない。",
        "recommendation": "誓約書を集める。", "due_on": "2027-04-08", "owner_person_id": owner})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn without(mut body: Value, name: &str) -> Value {
    body.as_object_mut().unwrap().remove(name);
    body
}

async fn follow_up(app: &TestApp, state: &str) -> Vec<Value> {
    let path = format!("/obligations?kind=audit_follow_up&state={state}");
    app.officer().get(&path).await.expect(200).items("/items").to_vec()
}

db_test!(an_audit_is_recorded_changed_and_listed, |app| {
    let officer = app.officer();
    let (auditor, auditee) = (mailroom::person(&app, 1, true), mailroom::person(&app, 2, true));
    let inside = with(
        without(audit(&auditee), "external_auditor"),
        "auditor_person_id",
        json!(auditor),
    );
    let made = officer.post("/audits", inside.clone()).await.expect(201);
    let path = made.header("location");
    assert_eq!(officer.get(path).await.expect(200).body, made.body);
    let reported = json!({"finished_on": "2027-04-01", "reported_on": "2027-04-01"});
    let done = officer.patch(path, &made.etag(), reported).await.expect(200);
    officer
        .patch(path, &made.etag(), json!({"note": "x"}))
        .await
        .problem(412, "stale_version");
    let outside = json!({"clear": ["auditor_person_id"], "external_auditor": "監査法人見本"});
    officer.patch(path, &done.etag(), outside).await.expect(200);
    for (query, count) in [
        ("?fiscal_year=2027", 1),
        ("?fiscal_year=2026", 0),
        ("?kind=ad_hoc", 0),
        ("?kind=periodic", 1),
    ] {
        let list = officer.get(&format!("/audits{query}")).await.expect(200);
        assert_eq!(list.items("/items").len(), count, "{query}");
    }
    for (body, pointer, code) in [
        (
            with(inside.clone(), "auditor_person_id", json!(auditee)),
            "/auditor_person_id",
            "auditor_is_auditee",
        ),
        (
            with(inside.clone(), "external_auditor", json!("監査法人見本")),
            "/auditor_person_id",
            "one_of_two",
        ),
        (
            without(inside.clone(), "auditor_person_id"),
            "/auditor_person_id",
            "one_of_two",
        ),
        (
            with(inside.clone(), "finished_on", json!("2027-03-31")),
            "/finished_on",
            "date_order",
        ),
        (
            with(inside.clone(), "started_on", json!("2027-04-02")),
            "/started_on",
            "out_of_range",
        ),
        (with(inside.clone(), "scope", json!(" ")), "/scope", "required"),
        (
            with(inside.clone(), "organization_id", json!(seed::KAGOSHIMA_ASSEMBLY)),
            "/organization_id",
            "reference_not_found",
        ),
    ] {
        officer.post("/audits", body).await.invalid(pointer, code);
    }
    assert_eq!(officer.get("/audits").await.expect(200).items("/items").len(), 1);
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        for path in [path.to_owned(), format!("{path}/report")] {
            outsider.get(&path).await.problem(404, "not_found");
        }
        assert_eq!(outsider.get("/audits").await.expect(200).items("/items").len(), 0);
        outsider
            .post(&format!("{path}/findings"), finding(&auditee))
            .await
            .problem(404, "not_found");
    }
});

db_test!(a_finding_is_followed_up_until_it_is_settled, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let officer = app.officer();
    let (auditor, owner) = (mailroom::person(&app, 1, true), mailroom::person(&app, 2, true));
    let entry = registered(&app).await.id();
    let standard = officer
        .post("/policy-documents", document("control_standard"))
        .await
        .expect(201);
    let inside = with(
        without(audit(&owner), "external_auditor"),
        "auditor_person_id",
        json!(auditor),
    );
    let made = officer.post("/audits", inside).await.expect(201);
    let findings = format!("{}/findings", made.header("location"));
    for (body, pointer, code) in [
        (
            with(finding(&owner), "owner_person_id", json!(auditor)),
            "/owner_person_id",
            "auditor_is_auditee",
        ),
        (
            with(finding(&owner), "clause_key", json!("no-such-clause")),
            "/clause_key",
            "reference_not_found",
        ),
        (
            with(finding(&owner), "entry_id", json!(made.id())),
            "/entry_id",
            "reference_not_found",
        ),
        (
            with(finding(&owner), "policy_document_id", json!(entry)),
            "/policy_document_id",
            "reference_not_found",
        ),
        (
            with(finding(&owner), "due_on", json!("2027-03-31")),
            "/due_on",
            "date_in_past",
        ),
        (with(finding(&owner), "finding", json!("")), "/finding", "required"),
    ] {
        officer.post(&findings, body).await.invalid(pointer, code);
    }
    assert_eq!(follow_up(&app, "open").await.len(), 0);
    let mut body = with(finding(&owner), "entry_id", json!(entry));
    body["policy_document_id"] = json!(standard.id());
    let found = officer.post(&findings, body).await.expect(201);
    let open = follow_up(&app, "open").await;
    assert_eq!((open.len(), &open[0]["due_on"]), (1, &json!("2027-04-08")));
    // The document that it is about is to be reviewed.
    let needed = officer.get(standard.header("location")).await.expect(200);
    assert_eq!(needed.at("/review_needed"), true);
    let reasons = officer
        .get(&format!("{}/review-reasons", standard.header("location")))
        .await
        .expect(200);
    assert_eq!(
        (reasons.text("/items/0/kind"), reasons.at("/items/0/origin_id")),
        ("audit_finding", found.at("/id"))
    );
    // A change of the entry leaves the follow-up alone.
    officer
        .put(
            &format!("/entries/{entry}/clauses/policy-compliance"),
            "*",
            json!({"declared": true}),
        )
        .await
        .expect(200);
    assert_eq!(follow_up(&app, "open").await.len(), 1);

    mailroom::worker(&app, &relay).tick().await.unwrap();
    app.at("2027-04-02T08:31");
    mailroom::worker(&app, &relay).tick().await.unwrap();
    let mails = mailroom::received(&relay);
    let mail = mails
        .iter()
        .find(|mail| mail.to.contains("p2@"))
        .expect("the owner is told");
    assert!(
        mail.text.contains("監査の指摘") && mail.text.contains("令和9年度 定期監査"),
        "{}",
        mail.text
    );
    assert!(!mail.text.contains("誓約書"), "{}", mail.text);

    let path = found.header("location");
    let later = json!({"due_on": "2027-05-31"});
    let moved = officer.patch(path, &found.etag(), later).await.expect(200);
    assert_eq!(follow_up(&app, "open").await[0]["due_on"], "2027-05-31");
    officer
        .patch(path, &moved.etag(), json!({"owner_person_id": auditor}))
        .await
        .invalid("/owner_person_id", "auditor_is_auditee");
    // Nor does the owner become the auditor.
    let swap = json!({"auditor_person_id": owner, "auditee_person_id": auditor});
    officer
        .patch(made.header("location"), &made.etag(), swap)
        .await
        .invalid("/auditor_person_id", "auditor_is_auditee");

    let closures = format!("{path}/closures");
    let file = paper(&officer, seed::MAYOR).await.id();
    let elsewhere = paper(&officer, seed::ASSEMBLY).await.id();
    let closure = json!({"result": "全員の誓約書を綴った。", "file_id": file});
    officer
        .post(&closures, closure.clone())
        .await
        .problem(422, "acting_person_required");
    let checker = officer.clone().acting(&auditor);
    for (body, pointer, code) in [
        (without(closure.clone(), "file_id"), "/evidence_id", "required"),
        (
            with(closure.clone(), "file_id", json!(elsewhere)),
            "/file_id",
            "reference_not_found",
        ),
        (
            with(closure.clone(), "evidence_id", json!(entry)),
            "/evidence_id",
            "reference_not_found",
        ),
        (
            with(closure.clone(), "closed_on", json!("2027-04-03")),
            "/closed_on",
            "out_of_range",
        ),
        (
            with(closure.clone(), "closed_on", json!("2027-03-31")),
            "/closed_on",
            "out_of_range",
        ),
        (with(closure.clone(), "result", json!(" ")), "/result", "required"),
    ] {
        checker.post(&closures, body).await.invalid(pointer, code);
    }
    officer
        .clone()
        .acting(&owner)
        .post(&closures, closure.clone())
        .await
        .problem(409, "self_approval_forbidden");
    assert_eq!(officer.get(path).await.expect(200).body, moved.body);

    // What has to be put right about it is its owner's by its day, and it is not settled before.
    let action = json!({"title": "誓約書を集める", "audit_finding_id": moved.id()});
    let mut both = action.clone();
    both["incident_id"] = json!(moved.id());
    let wrong = officer.post("/corrective-actions", both).await.expect(422);
    assert!(wrong.body.to_string().contains("one_of_several"), "{}", wrong.body);
    let elsewhere = json!({"title": "誓約書を集める", "audit_finding_id": made.id()});
    officer
        .post("/corrective-actions", elsewhere)
        .await
        .invalid("/audit_finding_id", "reference_not_found");
    officer
        .post("/corrective-actions", json!({"title": "誓約書を集める"}))
        .await
        .invalid("/entry_id", "required");
    let action = officer.post("/corrective-actions", action).await.expect(201);
    assert_eq!(
        (
            action.text("/origin_kind"),
            action.text("/due_on"),
            action.at("/origin_id")
        ),
        ("audit_finding", "2027-05-31", moved.at("/id"))
    );
    checker
        .post(&closures, closure.clone())
        .await
        .problem(409, "open_items_remain");
    let named = json!({"organization_id": seed::MAYOR, "kind": "training_record", "title": "誓約書の綴り"});
    let named = officer.post("/evidence", named).await.expect(201).id();
    let done = json!({"done": "全員から集めた。", "evidence_ids": [named]});
    officer
        .clone()
        .acting(&owner)
        .post(&format!("{}/closures", action.header("location")), done)
        .await
        .expect(200);

    let closed = checker.post(&closures, closure.clone()).await.expect(200);
    assert_eq!(
        (closed.text("/state"), closed.text("/closure/closed_by_person_id")),
        ("closed", auditor.as_str())
    );
    checker.post(&closures, closure).await.problem(409, "already_closed");
    officer
        .patch(path, &closed.etag(), json!({"due_on": "2027-06-30"}))
        .await
        .problem(409, "already_closed");
    assert_eq!(
        (
            follow_up(&app, "open").await.len(),
            follow_up(&app, "closed").await.len()
        ),
        (0, 1)
    );
    for (query, count) in [("state=open", 0), ("state=closed", 1), ("due_to=2027-05-30", 0)] {
        let list = officer.get(&format!("/audit-findings?{query}")).await.expect(200);
        assert_eq!(list.items("/items").len(), count, "{query}");
    }
    let reported = json!({"finished_on": "2027-04-02", "reported_on": "2027-04-02"});
    officer
        .patch(made.header("location"), &made.etag(), reported)
        .await
        .expect(200);
    officer
        .post(&findings, finding(&owner))
        .await
        .problem(409, "audit_reported");
});

/// A transition in which one person had both roles.
fn double_role(app: &TestApp, entry_id: &str, person_id: &str, effective_on: &str) {
    let at = app.clock.now();
    let effective_on: chrono::NaiveDate = effective_on.parse().unwrap();
    app.db(|conn| {
        diesel::insert_into(transitions::table)
            .values((
                transitions::local_government_id.eq(seed::MOTOSU),
                transitions::id.eq(app.app.random.id(at)),
                transitions::entry_id.eq(entry_id),
                transitions::organization_id.eq(seed::MAYOR),
                transitions::transition.eq("suspend"),
                transitions::from_status.eq("in_performance"),
                transitions::to_status.eq("suspended"),
                transitions::effective_on.eq(effective_on),
                transitions::reason.eq("事故のため。"),
                transitions::conditions.eq("[]"),
                transitions::person_id.eq(person_id),
                transitions::double_role_reason.eq(Some("職員が2人のため。")),
                transitions::created_at.eq(at),
                transitions::created_by.eq("system"),
            ))
            .execute(conn)
    });
}

db_test!(
    the_report_shows_the_double_roles_and_whether_the_ciso_confirmed_them,
    |app| {
        let officer = app.officer();
        let (staff, chief) = (person(&app), mailroom::person(&app, 1, true));
        mailroom::role(&app, 1, seed::MAYOR, Role::Ciso, &chief);
        let entry = registered(&app).await;
        let made = officer.post("/audits", audit(&staff)).await.expect(201);
        officer
            .post(&format!("{}/findings", made.header("location")), finding(&staff))
            .await
            .expect(201);
        let path = format!("{}/report", made.header("location"));
        let report = officer.get(&path).await.expect(200);
        assert_eq!(
            (report.at("/findings_total"), report.at("/findings_open")),
            (&json!(1), &json!(1))
        );
        assert_eq!(
            (report.text("/period_from_on"), report.text("/period_to_on")),
            ("2027-04-01", "2028-03-31")
        );
        assert_eq!(
            (report.at("/double_roles_total"), report.at("/confirmation_missing")),
            (&json!(0), &json!(false))
        );
        double_role(&app, &entry.id(), &staff, "2027-04-01");
        double_role(&app, &entry.id(), &staff, "2027-03-31");
        let report = officer.get(&path).await.expect(200);
        assert_eq!(
            (report.at("/double_roles_total"), report.at("/confirmation_missing")),
            (&json!(1), &json!(true))
        );
        assert_eq!(report.text("/double_roles/0/reason"), "職員が2人のため。");
        assert_eq!(report.at("/double_roles/0/control_number"), entry.at("/control_number"));
        assert_eq!(report.at("/double_roles/0/confirmed"), false);

        let body = json!({"organization_id": seed::MAYOR, "fiscal_year": 2027, "note": "やむを得ない。"});
        let confirmations = "/double-role-confirmations";
        officer
            .post(confirmations, body.clone())
            .await
            .problem(422, "acting_person_required");
        officer
            .clone()
            .acting(&staff)
            .post(confirmations, body.clone())
            .await
            .problem(409, "role_required");
        let ciso = officer.clone().acting(&chief);
        ciso.post(confirmations, with(body.clone(), "fiscal_year", json!(2028)))
            .await
            .invalid("/fiscal_year", "out_of_range");
        ciso.post(confirmations, with(body.clone(), "note", json!(" ")))
            .await
            .invalid("/note", "required");
        let of_another = with(body.clone(), "organization_id", json!(seed::ASSEMBLY));
        ciso.post(confirmations, of_another).await.problem(409, "role_required");
        assert_eq!(officer.get(confirmations).await.expect(200).items("/items").len(), 0);
        let confirmed: Answered = ciso.post(confirmations, body).await.expect(200);
        let report = officer.get(&path).await.expect(200);
        assert_eq!(
            (report.at("/confirmation"), report.at("/confirmation_missing")),
            (&confirmed.body, &json!(false))
        );
        assert_eq!(report.at("/double_roles/0/confirmed"), true);
        // What comes afterwards is not covered.
        app.at("2027-06-01T09:00");
        double_role(&app, &entry.id(), &staff, "2027-06-01");
        let report = officer.get(&path).await.expect(200);
        assert_eq!(
            (
                report.at("/double_roles_unconfirmed"),
                report.at("/confirmation_missing")
            ),
            (&json!(1), &json!(true))
        );
        assert_eq!(
            app.limited(&[seed::ASSEMBLY])
                .get(confirmations)
                .await
                .expect(200)
                .items("/items")
                .len(),
            0
        );
    }
);
