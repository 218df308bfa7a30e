//! Reports over the register, as pages and as files.

use kakunin::domain::vocabulary::CodeWord;
use kakunin::reports::ReportKey;
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements;
use crate::harness::{Answered, TestApp, seed};

async fn report(app: &TestApp, path: &str) -> Vec<Value> {
    let answered = app.officer().get(&format!("/reports/{path}")).await.expect(200);
    answered.items("/items").to_vec()
}

/// A contract of 2027 with a company, an owner by post, and a subcontract below a subcontract.
async fn contract(app: &TestApp) -> Answered {
    let officer = app.officer();
    let person = engagements::person(app);
    let post = json!({"organization_id": seed::MAYOR, "name": "広報課長",
        "holders": [{"person_id": person, "starts_on": "2027-04-01"}]});
    let post = officer.post("/posts", post).await.expect(201).id();
    let company = json!({"name": "株式会社みどり情報サービス", "corporate_number": "7000012050002"});
    let company = officer.post("/contractors", company).await.expect(201).id();
    let new = json!({
        "organization_id": seed::MAYOR, "name": "広報紙の発送業務", "contractor_id": company,
        "facts": engagements::plain_facts(), "registered_as_existing": true, "status": "in_performance",
        "started_on": "2027-04-01", "owner": {"post_id": post},
        "period": {"contract_number": "R9-0001", "starts_on": "2027-04-01", "ends_on": "2028-03-31", "amount_jpy": 500_000},
    });
    officer.post("/engagements", new).await.expect(201)
}

db_test!(the_register_names_what_the_ledger_refers_to, |app| {
    let made = contract(&app).await;
    let lines = report(&app, "register?kind=contractor_engagement").await;
    let line = &lines[0];
    assert_eq!(lines.len(), 1);
    for (pointer, expected) in [
        ("/entry/entry_id", json!(made.id())),
        ("/entry/organization_name", json!("本巣市長部局")),
        ("/entry/owner_post_name", json!("広報課長")),
        ("/entry/owner_name", json!("本巣 花子")),
        ("/contractor/corporate_number", json!("7000012050002")),
        ("/contract_number", json!("R9-0001")),
        ("/period_ends_on", json!("2028-03-31")),
        ("/facts/confidentiality", json!("c2")),
        ("/last_verified_on", json!(null)),
    ] {
        assert_eq!(line.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert!(report(&app, "register?kind=cloud_service").await.is_empty());
    let companies = report(&app, "contractor-register").await;
    assert_eq!(companies[0]["engagements"], 1);
    assert_eq!(companies[0]["control_numbers"], json!([made.text("/control_number")]));
    let limited = app.limited(&[seed::ASSEMBLY]);
    let theirs = limited.get("/reports/contractor-register").await.expect(200);
    assert_eq!(theirs.at("/items/0/engagements"), 0);
});

db_test!(renewals_are_those_of_the_fiscal_year, |app| {
    let made = contract(&app).await;
    let officer = app.officer();
    let cloud = json!({"organization_id": seed::ASSEMBLY, "name": "電子申請", "service_model": "saas", "purpose": "申請",
        "registered_as_existing": true, "status": "in_use", "started_on": "2027-04-01",
        "approval_valid_until_on": "2027-04-30"});
    let cloud = officer.post("/cloud-services", cloud).await.expect(201);
    let kinds = |items: &[Value]| -> Vec<(String, String)> {
        let both = items.iter().map(|item| {
            (
                item["kind"].as_str().unwrap().to_owned(),
                item["ends_on"].as_str().unwrap().to_owned(),
            )
        });
        both.collect()
    };
    let both = report(&app, "renewals").await;
    let approval = ("cloud_approval".to_owned(), "2027-04-30".to_owned());
    let period = ("contract_period".to_owned(), "2028-03-31".to_owned());
    assert_eq!(kinds(&both), [approval.clone(), period.clone()]);
    assert_eq!(
        (&both[0]["entry"]["entry_id"], &both[1]["is_renewed"]),
        (&json!(cloud.id()), &json!(false))
    );
    // Page by page the two meet in one order.
    let first = officer.get("/reports/renewals?limit=1").await.expect(200);
    let next = officer
        .get(&format!(
            "/reports/renewals?limit=1&cursor={}",
            first.text("/next_cursor")
        ))
        .await;
    let next = next.expect(200);
    assert_eq!(
        (kinds(first.items("/items")), kinds(next.items("/items"))),
        (vec![approval], vec![period])
    );
    assert_eq!(next.at("/next_cursor"), &Value::Null);
    for year in [2026, 2028] {
        assert!(
            report(&app, &format!("renewals?fiscal_year={year}")).await.is_empty(),
            "{year}"
        );
    }
    assert_eq!(
        report(&app, &format!("renewals?organization_id={}", seed::MAYOR))
            .await
            .len(),
        1
    );

    let later = json!({"starts_on": "2028-04-01", "ends_on": "2029-03-31"});
    officer
        .post(&format!("/engagements/{}/periods", made.id()), later)
        .await
        .expect(201);
    assert_eq!(report(&app, "renewals").await[1]["is_renewed"], true);
    assert_eq!(
        kinds(&report(&app, "renewals?fiscal_year=2028").await),
        [("contract_period".to_owned(), "2029-03-31".to_owned())]
    );
});

db_test!(what_is_late_and_lacking_is_reported_with_who_answers, |app| {
    let app = app.since("2027-04-01T09:00").await;
    let made = contract(&app).await;
    assert!(report(&app, "overdue").await.is_empty());
    let gaps = report(&app, "clause-gaps").await;
    assert_eq!(gaps[0]["entry"]["entry_id"], made.id());
    let first = &gaps[0]["gaps"][0];
    assert_eq!(first["status"], "missing");
    assert!(!first["title"].as_str().unwrap().is_empty());
    app.at("2028-05-01T09:00");
    let late = report(&app, "overdue").await;
    assert!(!late.is_empty());
    let days: Vec<i64> = late.iter().map(|one| one["days_overdue"].as_i64().unwrap()).collect();
    assert!(
        days.iter().all(|days| *days > 0) && days.is_sorted_by(|a, b| a >= b),
        "{days:?}"
    );
    assert_eq!(late[0]["entry"]["owner_name"], "本巣 花子");
    assert_eq!(late[0]["contractor"]["name"], "株式会社みどり情報サービス");
});

db_test!(the_yearly_inspection_says_what_is_confirmed, |app| {
    let app = app.since("2027-04-01T09:00").await;
    let made = contract(&app).await;
    let officer = app.officer();
    let before = report(&app, "yearly-inspection").await;
    assert_eq!((before.len(), &before[0]["is_confirmed"]), (1, &json!(false)));
    let clauses = before[0]["clauses"].as_array().unwrap();
    assert!(!clauses.is_empty() && clauses.iter().all(|clause| clause["is_answered"] == false));
    let round = officer
        .get(&format!("/obligations?entry_id={}&kind=reverification", made.id()))
        .await
        .expect(200);
    let round = &round.items("/items")[0];
    assert_eq!(before[0]["due_on"], round["due_on"]);
    let answers: Vec<Value> = round["clauses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|clause| json!({"clause_key": clause["clause_key"], "answer": "met"}))
        .collect();
    let person = before[0]["entry"]["owner_person_id"].as_str().unwrap();
    let path = format!("/obligations/{}/verifications", round["id"].as_str().unwrap());
    let verification = json!({"method": "on_site", "answers": answers});
    officer.acting(person).post(&path, verification).await.expect(201);
    let after = report(&app, "yearly-inspection").await;
    assert_eq!(
        (&after[0]["is_confirmed"], &after[0]["last_verified_on"]),
        (&json!(true), &json!("2027-04-01"))
    );
    assert_eq!(after[0]["last_on_site_on"], "2027-04-01");
    let year_before = report(&app, "yearly-inspection?fiscal_year=2026").await;
    assert_eq!(year_before[0]["last_verified_on"], Value::Null);
});

db_test!(the_chain_below_a_contractor_is_a_tree, |app| {
    let made = contract(&app).await;
    let officer = app.officer();
    assert!(report(&app, "subcontract-tree").await.is_empty());
    let mut above = Value::Null;
    for name in ["株式会社再委託", "株式会社再々委託"] {
        let company = officer
            .post("/contractors", json!({"name": name}))
            .await
            .expect(201)
            .id();
        let mut new = json!({"engagement_id": made.id(), "contractor_id": company, "work": "封入",
            "handles_personal_information": true, "handles_specific_personal_information": false,
            "starts_on": "2027-04-01", "ends_on": "2027-12-31"});
        if !above.is_null() {
            new["parent_subcontract_id"] = above.clone();
        }
        above = json!(officer.post("/subcontracts", new).await.expect(201).id());
    }
    let tree = report(&app, "subcontract-tree").await;
    let places: Vec<(&str, &str)> = tree[0]["subcontracts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["place"].as_str().unwrap(),
                line["contractor"]["name"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [("1", "株式会社再委託"), ("1-1", "株式会社再々委託")]);
});

db_test!(the_register_of_accounts_shows_procedure_and_owner, |app| {
    let officer = app.officer();
    let person = engagements::person(&app);
    let service = json!({"organization_id": seed::MAYOR, "platform": "x", "operating_procedure": "運用手順 第1版",
        "responsible": {"person_id": person}});
    let service = officer.post("/social-media-services", service).await.expect(201);
    let account = json!({"organization_id": seed::MAYOR, "name": "公式X", "social_media_service_id": service.id(),
        "handle": "@motosu", "url": "https://x.com/motosu", "purpose": "広報", "verified_badge": true});
    officer.post("/social-media-accounts", account).await.expect(201);
    let line = report(&app, "social-media-register").await.remove(0);
    for (name, expected) in [
        ("platform", json!("x")),
        ("handle", json!("@motosu")),
        ("service_responsible_name", json!("本巣 花子")),
        ("operating_procedure", json!("運用手順 第1版")),
        ("verified_badge", json!(true)),
        ("former_handles", json!([])),
    ] {
        assert_eq!(line[name], expected, "{name}");
    }
});

db_test!(every_report_is_a_file_too, |app| {
    let made = contract(&app).await;
    let officer = app.officer();
    for key in ReportKey::ALL {
        for format in ["csv", "xlsx", "json"] {
            let order = json!({"report_key": key.code(), "format": format});
            let actor = officer.clone().header("Idempotency-Key", &format!("{key}-{format}"));
            let asked = actor.post("/exports", order).await.expect(202);
            assert_eq!(
                (asked.at("/entity"), asked.text("/report_key")),
                (&Value::Null, key.code())
            );
            Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
            let done = officer.get(asked.header("location")).await.expect(200);
            assert_eq!(done.text("/status"), "succeeded", "{key} {format}: {:#}", done.body);
            assert!(done.text("/file_name").starts_with(key.ja()), "{:#}", done.body);
            let content = officer
                .get(&format!("{}/content", asked.header("location")))
                .await
                .expect(200);
            let text = String::from_utf8_lossy(&content.bytes);
            if format == "csv" && *key == ReportKey::ClauseGaps {
                // A row for each clause.
                let number = format!("\r\n\"{}\"", made.text("/control_number"));
                assert!(text.matches(&number).count() > 3, "{text}");
            }
            if format == "csv" && *key == ReportKey::Register {
                assert!(text.contains("\"広報課長\",\"本巣 花子\""), "{text}");
            }
        }
    }
});
