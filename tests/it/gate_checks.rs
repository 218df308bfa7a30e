//! The gate: what another system is answered, what its body makes of it, and what stays on file.

use kakunin::gate_checks::answer::verify;
use kakunin::journal::chain::PublicKeys;
use serde_json::{Value, json};

use crate::engagements::{person, plain_facts, registered};
use crate::harness::{Actor, Answered, TestApp, seed};
use crate::program;
use crate::transitions::{Office, draft};

const CLAUSE: &str = "confidentiality-obligation";
const NUMBER: &str = "5835678256246";

async fn ask(officer: &Actor<'_>, question: Value) -> Answered {
    officer.post("/gate-checks", question).await.expect(200)
}

fn codes(answer: &Answered) -> Vec<&str> {
    let reasons = answer.items("/reasons").iter();
    reasons.map(|reason| reason["code"].as_str().unwrap()).collect()
}

async fn company(app: &TestApp, more: Value) -> String {
    let mut new = json!({"name": "株式会社甲"});
    for (name, value) in more.as_object().unwrap() {
        new[name] = value.clone();
    }
    app.officer().post("/contractors", new).await.expect(201).id()
}

db_test!(a_contract_waits_for_its_clauses_and_is_told_which, |app| {
    let officer = app.officer();
    let office = Office::new(&app);
    let way = draft(&app, &office).await;
    let id = way.path.rsplit('/').next().unwrap().to_owned();
    let period = json!({"starts_on": "2027-04-01", "ends_on": "2028-03-31"});
    officer
        .post(&format!("/engagements/{id}/periods"), period)
        .await
        .expect(201);
    let sign = json!({"action": "sign", "entry_id": id});
    let early = ask(&officer, sign.clone()).await;
    assert_eq!(
        (early.text("/decision"), early.text("/enforced_decision")),
        ("block", "allow")
    );
    assert_eq!(early.text("/enforcement_mode"), "observe");
    assert!(codes(&early).contains(&"earlier_step_missing"), "{:?}", codes(&early));
    assert!(codes(&early).contains(&"clause_missing"));
    let reasons = early.items("/reasons");
    let clause = reasons.iter().find(|reason| reason["clause_key"] == CLAUSE).unwrap();
    let remedy = &clause["remedy"];
    assert_eq!(remedy["href"], format!("/api/v1/entries/{id}/clauses/{CLAUSE}"));
    let agreed = json!({"declared": true, "agreed": {"article": "第8条"}});
    let path = remedy["href"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    officer.put(path, "*", agreed).await.expect(200);
    let later = ask(&officer, sign).await;
    assert!(
        later
            .items("/reasons")
            .iter()
            .all(|reason| reason["clause_key"] != CLAUSE)
    );
    assert!(
        early.text("/valid_until") == "2027-04-01T15:00:00.000000Z",
        "the end of the day in Tokyo"
    );

    // What is kept is what was answered, and the question is evidence.
    let kept = officer.get(&format!("/gate-checks/{}", early.id())).await.expect(200);
    assert_eq!(kept.body, early.body);
    let list = format!("/gate-checks?entry_id={id}&action=sign&decision=block");
    let list = officer.get(&list).await.expect(200);
    assert_eq!(list.at("/items"), &json!([early.body, later.body]));
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        let path = format!("/gate-checks/{}", early.id());
        outsider.get(&path).await.problem(404, "not_found");
        assert_eq!(outsider.get("/gate-checks").await.expect(200).items("/items").len(), 0);
    }
});

db_test!(the_same_question_has_the_same_answer, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    for action in [
        "invite",
        "sign",
        "renew",
        "amend",
        "start",
        "pay",
        "approve_subcontract",
    ] {
        let question = json!({"action": action, "entry_id": id});
        let (mut one, mut two) = (ask(&officer, question.clone()).await, ask(&officer, question).await);
        assert_ne!(one.id(), two.id());
        for answer in [&mut one, &mut two] {
            answer.body.as_object_mut().unwrap().remove("id");
        }
        assert_eq!(one.body, two.body, "{action}");
    }
    for action in ["publish_account", "adopt_cloud"] {
        officer
            .post("/gate-checks", json!({"action": action, "entry_id": id}))
            .await
            .invalid("/action", "not_for_this_kind");
    }
    let table = officer.get("/gate-actions").await.expect(200);
    assert_eq!(table.items("/rules").len(), 12);
    let sign = table
        .items("/rules")
        .iter()
        .find(|rule| rule["action"] == "sign")
        .unwrap();
    assert!(sign["clauses"].to_string().contains(CLAUSE), "{sign}");
});

db_test!(a_company_is_asked_about_by_its_number_and_by_what_it_will_do, |app| {
    let officer = app.officer();
    let by_number = |action: &str| json!({"action": action, "corporate_number": NUMBER});
    let unknown = ask(&officer, by_number("sign")).await;
    assert_eq!(
        (unknown.text("/decision"), unknown.at("/contractor_id")),
        ("unknown", &Value::Null)
    );
    assert_eq!(codes(&unknown), ["contractor_not_registered"]);

    let above = company(&app, json!({"name": "株式会社親"})).await;
    let known = json!({"corporate_number": NUMBER, "parent_contractor_id": above,
        "external_ids": [{"system": "zaimu", "value": "000123"}]});
    let id = company(&app, known).await;
    let fine = ask(&officer, by_number("sign")).await;
    assert_eq!(
        (fine.text("/decision"), fine.text("/contractor_id")),
        ("allow", id.as_str())
    );
    let by_key = json!({"action": "invite", "contractor_external_id": {"system": "zaimu", "value": "000123"}});
    assert_eq!(ask(&officer, by_key).await.text("/contractor_id"), id);

    // Whoever asked about a company finds the answer again, whatever organizations the token is for.
    let limited = app.limited(&[seed::ASSEMBLY]);
    let asked = ask(&limited, by_number("sign")).await;
    let kept = limited.get(&format!("/gate-checks/{}", asked.id())).await.expect(200);
    assert_eq!(kept.body, asked.body);
    let list = limited.get("/gate-checks").await.expect(200);
    assert!(list.items("/items").contains(&asked.body));

    // What the contract will have to say, in the words of the catalogue.
    let mut planned = by_number("sign");
    planned["planned"] = json!({"kind": "contractor_engagement", "organization_id": seed::MAYOR,
        "facts": plain_facts()});
    let planned = ask(&officer, planned).await;
    let keys: Vec<&Value> = planned
        .items("/conditions")
        .iter()
        .map(|one| &one["clause_key"])
        .collect();
    assert!(keys.contains(&&json!(CLAUSE)), "{keys:?}");
    assert_eq!(planned.text("/organization_id"), seed::MAYOR);

    // What stops the company above stops this one.
    let path = format!("/contractors/{above}");
    let debarred = json!({"status": "debarred", "debarment": {"from_on": "2027-04-01", "reason": "談合"}});
    officer.patch(&path, "*", debarred).await.expect(200);
    let inherited = ask(&officer, by_number("invite")).await;
    assert_eq!(
        (inherited.text("/decision"), codes(&inherited)),
        ("block", vec!["debarred"])
    );
    assert_eq!(inherited.text("/reasons/0/subject_id"), above);
    // A candidate of an engagement is asked about in place of its contractor.
    let entry = registered(&app).await.id();
    let candidate = json!({"action": "renew", "entry_id": entry, "candidate": {"corporate_number": NUMBER}});
    let candidate = ask(&officer, candidate).await;
    assert_eq!(candidate.text("/contractor_id"), id);
    assert!(codes(&candidate).contains(&"debarred"));
});

db_test!(an_exception_makes_a_condition_of_what_it_stands_in_for, |app| {
    let office = Office::new(&app);
    let way = draft(&app, &office).await;
    let id = way.path.rsplit('/').next().unwrap().to_owned();
    let application = json!({"clause_key": CLAUSE, "reason": "契約変更の手続中のため。",
        "compensating_measures": "受渡しを庁内に限る。", "expires_on": "2027-09-30"});
    let made = way
        .by(&office.owner)
        .post(&format!("{}/exceptions", way.path), application)
        .await
        .expect(201);
    let question = json!({"action": "sign", "entry_id": id});
    let of_clause = |answer: &Answered| {
        let reasons = answer.items("/reasons").iter();
        let one = reasons
            .filter(|reason| reason["clause_key"] == CLAUSE)
            .collect::<Vec<_>>();
        assert_eq!(one.len(), 1);
        one[0].clone()
    };
    assert_eq!(
        of_clause(&ask(&app.officer(), question.clone()).await)["severity"],
        "block"
    );
    let decisions = format!("{}/decisions", made.header("location"));
    way.by(&office.ciso)
        .post(&decisions, json!({"decision": "approve"}))
        .await
        .expect(200);
    let with = of_clause(&ask(&app.officer(), question.clone()).await);
    assert_eq!(
        (&with["code"], &with["exception_id"]),
        (&json!("exception_in_effect"), &json!(made.id()))
    );
    assert_eq!((&with["severity"], &with["on"]), (&json!("info"), &json!("2027-09-30")));
    // On a day after its end it stands in for nothing.
    let mut later = question;
    later["as_of_on"] = json!("2027-10-01");
    assert_eq!(of_clause(&ask(&app.officer(), later).await)["severity"], "block");
});

db_test!(the_organization_decides_from_which_day_an_answer_stops, |app| {
    let head = person(&app);
    let officer = app.officer().acting(&head);
    let id = registered(&app).await.id();
    let path = format!("/organizations/{}/gate-enforcements", seed::MAYOR);
    let decision = |mode: &str, on: &str| json!({"action": "renew", "mode": mode, "valid_from_on": on, "reason": "試行を終えた。"});
    app.officer()
        .post(&path, decision("warn", "2027-04-01"))
        .await
        .problem(422, "acting_person_required");
    officer
        .post(&path, decision("warn", "2027-03-31"))
        .await
        .invalid("/valid_from_on", "date_in_past");
    officer.post(&path, decision("warn", "2027-05-01")).await.expect(201);
    officer.post(&path, decision("block", "2027-07-01")).await.expect(201);
    for (on, mode, enforced, prevent) in [
        ("2027-04-30", "observe", "allow", false),
        ("2027-05-01", "warn", "allow_with_conditions", false),
        ("2027-07-01", "block", "block", true),
    ] {
        let answer = ask(&officer, json!({"action": "renew", "entry_id": id, "as_of_on": on})).await;
        assert_eq!(answer.text("/decision"), "block");
        assert_eq!(
            (answer.text("/enforcement_mode"), answer.text("/enforced_decision")),
            (mode, enforced),
            "{on}"
        );
        assert_eq!(answer.at("/erp/prevent_pos"), &json!(prevent));
        // Another action is still observed.
        let other = ask(&officer, json!({"action": "amend", "entry_id": id, "as_of_on": on})).await;
        assert_eq!(other.text("/enforcement_mode"), "observe");
    }
    let list = officer.get(&path).await.expect(200);
    assert_eq!(list.items("/items").len(), 2);
});

db_test!(a_payment_stops_for_a_recorded_measure_alone, |app| {
    let chief = person(&app);
    let id = registered(&app).await.id();
    let pay = json!({"action": "pay", "entry_id": id, "invoice_received_on": "2027-04-01"});
    let officer = app.officer();
    let free = ask(&officer, pay.clone()).await;
    assert_eq!(free.text("/decision"), "allow_with_conditions", "{:?}", codes(&free));
    let reasons = free.items("/reasons");
    let due = reasons
        .iter()
        .find(|reason| reason["code"] == "statutory_payment_date")
        .unwrap();
    assert_eq!(due["on"], "2027-05-01");
    let measure = json!({"entry_id": id, "kind": "payment_withholding", "contract_article": "第20条",
        "reason": "履行を確認できない。", "notice_on": "2027-04-01", "document_number": "本情第50号"});
    let measure = officer
        .clone()
        .acting(&chief)
        .post("/contract-measures", measure)
        .await
        .expect(201);
    let held = ask(&officer, pay.clone()).await;
    assert_eq!(
        (held.text("/decision"), held.text("/reasons/0/code")),
        ("block", "payment_withheld")
    );
    let done = json!({"result": "履行を確認した。"});
    officer
        .patch(measure.header("location"), &measure.etag(), done)
        .await
        .expect(200);
    assert_eq!(ask(&officer, pay).await.text("/decision"), "allow_with_conditions");
    let other = json!({"action": "sign", "entry_id": id, "invoice_received_on": "2027-04-01"});
    officer
        .post("/gate-checks", other)
        .await
        .invalid("/invoice_received_on", "not_for_this_action");
});

db_test!(several_questions_are_answered_each_by_itself, |app| {
    let officer = app.officer().header("Idempotency-Key", "payment-run-1");
    let made = registered(&app).await;
    let period = made.text("/current_period/id");
    let checks = json!([
        {"action": "pay", "engagement_period_id": period, "reference": {"system": "zaimu", "value": "支出-1"}},
        {"action": "pay"},
        {"action": "sign", "corporate_number": NUMBER},
        {"action": "pay", "entry_id": made.id(), "contractor_id": made.text("/contractor_id")},
    ]);
    let answers = officer
        .post("/gate-checks/batch", json!({"checks": checks}))
        .await
        .expect(207);
    let status: Vec<&Value> = answers.items("/items").iter().map(|one| &one["status"]).collect();
    assert_eq!(status, [200, 422, 200, 422]);
    let first = answers.at("/items/0/check");
    assert_eq!(
        (&first["entry_id"], &first["reference"]["value"]),
        (&json!(made.id()), &json!("支出-1"))
    );
    assert_eq!(first["engagement_period_id"], period);
    assert_eq!(answers.text("/items/1/problem/errors/0/code"), "one_subject");
    let again = officer.post("/gate-checks/batch", json!({"checks": checks})).await;
    assert_eq!(again.expect(207).body, answers.body, "read again, not given twice");
    app.officer()
        .post("/gate-checks/batch", json!({"checks": checks}))
        .await
        .problem(400, "idempotency_key_required");
    assert_eq!(answers.text("/items/2/check/decision"), "unknown");
    let kept = officer.get("/gate-checks").await.expect(200);
    assert_eq!(kept.items("/items").len(), 2, "what was no question is not kept");
    let officer = app.officer().header("Idempotency-Key", "payment-run-2");
    let many: Vec<Value> = (0..501)
        .map(|_| json!({"action": "pay", "entry_id": made.id()}))
        .collect();
    officer
        .post("/gate-checks/batch", json!({"checks": many}))
        .await
        .problem(422, "validation_failed");
});

db_test!(what_is_no_question_is_refused_by_its_pointer, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let id = made.id();
    let none = "01960000-0000-7000-8000-00000000ffff";
    for (question, pointer, code) in [
        (json!({"action": "sign"}), "", "one_subject"),
        (
            json!({"action": "sign", "entry_id": none}),
            "/entry_id",
            "reference_not_found",
        ),
        (
            json!({"action": "sign", "contractor_id": none}),
            "/contractor_id",
            "reference_not_found",
        ),
        (
            json!({"action": "sign", "entry_external_id": {"system": "zaimu", "value": "x"}}),
            "/entry_external_id",
            "reference_not_found",
        ),
        (json!({"action": "destroy", "entry_id": id}), "/action", "not_in_enum"),
        (
            json!({"action": "sign", "entry_id": id, "as_of_on": "2027-03-31"}),
            "/as_of_on",
            "out_of_range",
        ),
        (
            json!({"action": "sign", "entry_id": id, "candidate": {}}),
            "/candidate",
            "one_subject",
        ),
        (
            json!({"action": "sign", "entry_id": id,
                "planned": {"kind": "cloud_service", "organization_id": seed::MAYOR, "facts": {}}}),
            "/planned",
            "needs_contractor",
        ),
    ] {
        officer.post("/gate-checks", question).await.invalid(pointer, code);
    }
    assert_eq!(officer.get("/gate-checks").await.expect(200).items("/items").len(), 0);
});

db_test!(a_signed_answer_can_be_filed_and_verified_offline, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let answer = ask(&officer, json!({"action": "sign", "entry_id": id, "sign": true})).await;
    let keys = officer.get("/audit-log/keys").await.expect(200).body;
    let trusted = PublicKeys::of_jwks(&keys).unwrap();
    assert_eq!(verify(&answer.bytes, &trusted).unwrap().id, answer.id());
    // In whatever order and form its members are written.
    let pretty = format!("{:#}", answer.body);
    verify(pretty.as_bytes(), &trusted).unwrap();
    // Whatever is altered is found.
    for name in answer.body.as_object().unwrap().keys() {
        for other in [Value::Null, json!("allow"), json!([]), json!(7)] {
            let mut changed = answer.body.clone();
            if changed[name] == other {
                continue;
            }
            changed[name] = other;
            assert!(verify(changed.to_string().as_bytes(), &trusted).is_err(), "{name}");
        }
    }
    let mut more = answer.body.clone();
    more["note"] = json!("可");
    assert!(verify(more.to_string().as_bytes(), &trusted).is_err());

    let dir = tempfile::tempdir().unwrap();
    let file = program::file(dir.path(), "gate.json", &answer.bytes);
    let keys = program::file(dir.path(), "keys.json", keys.to_string());
    let said = program::run(dir.path(), &["verify-gate", &file, "--keys", &keys]).well();
    assert!(said.starts_with("It holds: sign was answered with block"), "{said}");
    let other = program::file(dir.path(), "other.json", pretty.replace("\"block\"", "\"allow\""));
    let said = program::run(dir.path(), &["verify-gate", &other, "--keys", &keys]).refused();
    assert!(said.contains("does not hold"), "{said}");
});
