//! Policy versions: what an organization adds to the catalogue, what that changes at once and in the background, and that
//! nothing becomes weaker.

use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements::{person, plain_facts, registered};
use crate::harness::{Actor, Answered, TestApp, seed};

fn own(key: &str) -> Value {
    json!({"key": key, "title": {"ja": "印刷の記録", "en": "Printing log"},
        "requirement": {"ja": "印刷した枚数の記録を残す。", "en": "Keep a log of what is printed."}, "group": "operation",
        "applies_to": ["contractor_engagement"], "requirement_level": "mandatory", "severity": "major", "weight": 3,
        "phase_from": "selection", "reverify_months": 6, "verifier_role": "owner", "evidence": ["contract_clause"],
        "gates": [{"kind": "contractor_engagement", "transition": "begin_closing", "min_status": "verified"}],
        "sources": [{"title": "本巣市 個別基準", "section": "3"}]})
}

fn version(valid_from_on: &str) -> Value {
    json!({"valid_from_on": valid_from_on, "decided_on": "2027-03-31", "document_number": "本情第5号",
        "reason": "個別基準の改正に合わせる。", "clauses": [own("own-printing-log")],
        "changes": [{"clause_key": "confidentiality-obligation", "reverify_months": 6,
            "addition": {"ja": "退職後も同様とする。", "en": "Also after leaving."},
            "gates": [{"kind": "contractor_engagement", "transition": "begin_closing", "min_status": "verified"}]}]})
}

const PATH: &str = "/organizations/01960000-0000-7000-8000-000000000011/policy-versions";
const PREVIEWS: &str = "/organizations/01960000-0000-7000-8000-000000000011/policy-version-previews";
const CURRENT: &str = "/organizations/01960000-0000-7000-8000-000000000011/current-policy";

async fn clause(officer: &Actor<'_>, entry_id: &str, key: &str) -> Option<Value> {
    let list = officer.get(&format!("/entries/{entry_id}/clauses")).await.expect(200);
    list.items("/items")
        .iter()
        .find(|item| item["clause_key"] == key)
        .cloned()
}

async fn tick(app: &TestApp) -> usize {
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap().reassessed
}

fn preview_of(mut version: Value) -> Value {
    for name in ["decided_on", "document_number", "reason"] {
        version.as_object_mut().unwrap().remove(name);
    }
    version
}

db_test!(a_version_holds_from_its_day_and_the_entries_follow, |app| {
    let officer = app.officer();
    let entry = registered(&app).await.id();
    let of_assembly = json!({"organization_id": seed::ASSEMBLY, "name": "会議録の作成", "facts": plain_facts()});
    let elsewhere = officer.post("/engagements", of_assembly).await.expect(201).id();
    officer
        .post(PATH, version("2027-04-05"))
        .await
        .problem(422, "acting_person_required");
    let staff = officer.clone().acting(&person(&app));
    let made = staff.post(PATH, version("2027-04-05")).await.expect(201);
    assert_eq!(
        made.at("/reassessment"),
        &json!({"entries_total": null, "entries_done": 0, "finished_at": null})
    );
    assert_eq!(officer.get(made.header("location")).await.expect(200).body, made.body);
    let before = officer.get(&format!("/entries/{entry}/risk")).await.expect(200);
    assert_eq!(before.at("/policy_version_id"), &Value::Null);

    // Not in force before its day.
    assert_eq!(tick(&app).await, 0);
    assert_eq!(clause(&officer, &entry, "own-printing-log").await, None);
    assert_eq!(
        officer.get(CURRENT).await.expect(200).at("/policy_version"),
        &Value::Null
    );
    let later = officer.get(&format!("{CURRENT}?as_of_on=2027-04-05")).await.expect(200);
    assert_eq!(later.at("/policy_version"), &made.body);
    let plan = json!({"kind": "contractor_engagement", "phase": "active", "facts": plain_facts(),
        "organization_id": seed::MAYOR, "as_of_on": "2027-04-05"});
    let planned = |plan: &Answered| {
        let mut keys = plan
            .items("/requirements")
            .iter()
            .map(|item| item["clause_key"].as_str().unwrap().to_owned());
        keys.any(|key| key == "own-printing-log")
    };
    assert!(planned(&officer.post("/clause-plans", plan.clone()).await.expect(200)));
    let mut other = plan.clone();
    other["as_of_on"] = json!("2027-04-04");
    assert!(!planned(
        &officer.post("/clause-plans", other.clone()).await.expect(200)
    ));
    (other["as_of_on"], other["organization_id"]) = (json!("2027-04-05"), json!(seed::ASSEMBLY));
    assert!(!planned(&officer.post("/clause-plans", other).await.expect(200)));

    // The catalogue is shown as the policy of an organization has it.
    let shown = |id: &str, on: &str| format!("/clauses/own-printing-log?organization_id={id}&as_of_on={on}");
    officer
        .get(&shown(seed::MAYOR, "2027-04-04"))
        .await
        .problem(404, "not_found");
    officer
        .get(&shown(seed::ASSEMBLY, "2027-04-05"))
        .await
        .problem(404, "not_found");
    let own = officer.get(&shown(seed::MAYOR, "2027-04-05")).await.expect(200);
    let last = format!("/clauses?limit=200&organization_id={}&as_of_on=2027-04-05", seed::MAYOR);
    let last = officer.get(&last).await.expect(200);
    assert_eq!(last.items("/items").last(), Some(&own.body));
    let alone = officer.get("/clauses?limit=200").await.expect(200);
    assert_eq!(alone.items("/items").len() + 1, last.items("/items").len());

    app.at("2027-04-05T00:30");
    let own = clause(&officer, &entry, "own-printing-log").await.unwrap();
    assert_eq!((&own["status"], &own["required"]), (&json!("missing"), &json!(true)));
    let changed = clause(&officer, &entry, "confidentiality-obligation").await.unwrap();
    assert!(
        changed["requirement"]
            .as_str()
            .unwrap()
            .ends_with("\n退職後も同様とする。")
    );
    assert_eq!(clause(&officer, &elsewhere, "own-printing-log").await, None);
    // The stored assessment follows in the background.
    assert_eq!(tick(&app).await, 1);
    let after = officer.get(&format!("/entries/{entry}/risk")).await.expect(200);
    assert_eq!(
        (after.at("/policy_version_id"), after.text("/trigger")),
        (made.at("/id"), "policy_version")
    );
    let score = |risk: &Answered| risk.at("/assessment/residual_score_x100").as_i64().unwrap();
    assert!(score(&after) >= score(&before));
    let progress = officer.get(made.header("location")).await.expect(200);
    assert_eq!(
        (
            progress.at("/reassessment/entries_total"),
            progress.at("/reassessment/entries_done")
        ),
        (&json!(1), &json!(1))
    );
    assert!(progress.at("/reassessment/finished_at").is_string());
    assert_eq!(tick(&app).await, 0);
    let history = officer.get(&format!("/entries/{entry}/risk-history")).await.expect(200);
    let last = history.items("/items").last().unwrap();
    assert_eq!(
        last["policy_version_id"],
        Value::Null,
        "the old assessment keeps what it was made by"
    );

    // Its gate stands in the way, and the own clause is recorded like any other.
    let unmet = |answered: Answered| {
        let option = answered
            .items("/options")
            .iter()
            .find(|o| o["transition"] == "begin_closing")
            .cloned()
            .unwrap();
        option["unmet"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|u| u["clause_key"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let transitions = format!("/entries/{entry}/transitions");
    let found = unmet(officer.get(&transitions).await.expect(200));
    assert_eq!(found, ["confidentiality-obligation", "own-printing-log"]);
    let record = json!({"verified_on": "2027-04-05"});
    let path = format!("/entries/{entry}/clauses/own-printing-log");
    officer.put(&path, "*", record.clone()).await.expect(200);
    assert_eq!(
        clause(&officer, &entry, "own-printing-log").await.unwrap()["status"],
        "verified"
    );
    let found = unmet(officer.get(&transitions).await.expect(200));
    assert_eq!(found, ["confidentiality-obligation"]);
    let path = format!("/entries/{elsewhere}/clauses/own-printing-log");
    officer.put(&path, "*", record).await.problem(404, "not_found");
});

db_test!(of_several_versions_the_latest_that_has_begun_holds, |app| {
    let officer = app.officer();
    let entry = registered(&app).await.id();
    let staff = officer.clone().acting(&person(&app));
    let first = staff.post(PATH, version("2027-04-01")).await.expect(201);
    let bare = json!({"valid_from_on": "2027-04-01", "decided_on": "2027-04-01", "reason": "取りやめる。"});
    let second = staff.post(PATH, bare).await.expect(201);
    let third = staff.post(PATH, version("2027-05-01")).await.expect(201);
    let list = officer.get(PATH).await.expect(200);
    let ids: Vec<&Value> = list.items("/items").iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [first.at("/id"), second.at("/id"), third.at("/id")]);
    let page = officer.get(&format!("{PATH}?limit=1")).await.expect(200);
    let rest = officer
        .get(&format!("{PATH}?cursor={}", page.text("/next_cursor")))
        .await
        .expect(200);
    assert_eq!(rest.items("/items").len(), 2);
    assert_eq!(clause(&officer, &entry, "own-printing-log").await, None);
    tick(&app).await;
    let overtaken = officer.get(first.header("location")).await.expect(200);
    assert_eq!(
        (
            overtaken.at("/reassessment/entries_done"),
            overtaken.at("/reassessment/finished_at").is_string()
        ),
        (&json!(0), true)
    );
    let risk = officer.get(&format!("/entries/{entry}/risk")).await.expect(200);
    assert_eq!(risk.at("/policy_version_id"), second.at("/id"));
    app.at("2027-05-01T06:00");
    assert!(clause(&officer, &entry, "own-printing-log").await.is_some());
});

db_test!(a_preview_says_what_would_change_and_changes_nothing, |app| {
    let officer = app.officer();
    let entry = registered(&app).await;
    let printing = json!({"organization_id": seed::MAYOR, "name": "広報アカウント",
        "facts": plain_facts(), "registered_as_existing": true, "status": "in_use", "started_on": "2027-04-01", "service_model": "saas",
        "purpose": "庁内の予定の共有"});
    officer.post("/cloud-services", printing).await.expect(201);
    let journal = officer.get("/audit-log").await.status;
    let preview = officer
        .post(PREVIEWS, preview_of(version("2027-04-01")))
        .await
        .expect(200);
    assert_eq!(
        (preview.at("/entries_examined"), preview.at("/next_cursor")),
        (&json!(2), &Value::Null)
    );
    let of = |key: &str, changes: &Value| {
        changes
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["clause_key"] == key)
            .cloned()
    };
    let first = preview
        .items("/entries")
        .iter()
        .find(|e| e["entry_id"] == entry.id().as_str())
        .unwrap();
    assert_eq!(
        of("own-printing-log", &first["changes"]).unwrap(),
        json!({"clause_key": "own-printing-log",
        "differences": ["added"], "level_before": null, "level_after": "mandatory"})
    );
    assert_eq!(
        of("confidentiality-obligation", &first["changes"]).unwrap()["differences"],
        json!(["interval_shortened", "gates_changed", "wording_changed"])
    );
    assert_eq!(first["residual_level_before"], *entry.at("/risk/residual_level"));
    assert!(first["residual_score_x100_after"].as_i64() >= first["residual_score_x100_before"].as_i64());
    assert_eq!(officer.get(PATH).await.expect(200).items("/items").len(), 0);
    assert_eq!(officer.get("/audit-log").await.status, journal);
    // What the level of a clause would be.
    let raise = json!({"valid_from_on": "2027-04-01", "changes": [
        {"clause_key": "government-registered-product", "requirement_level": "mandatory"}]});
    let raised = officer.post(PREVIEWS, raise).await.expect(200);
    for entry in raised.items("/entries") {
        for change in entry["changes"].as_array().unwrap() {
            assert_eq!(change["differences"], json!(["level_raised"]));
            assert_eq!(
                (&change["level_before"], &change["level_after"]),
                (&json!("recommended"), &json!("mandatory"))
            );
        }
    }
    let none = officer
        .post(PREVIEWS, json!({"valid_from_on": "2027-04-01"}))
        .await
        .expect(200);
    assert_eq!(none.at("/entries_affected"), 0);
});

db_test!(what_is_weaker_or_wrong_is_refused_and_changes_nothing, |app| {
    let officer = app.officer();
    let staff = officer.clone().acting(&person(&app));
    let with = |change: Value| {
        let mut body = version("2027-04-01");
        body["changes"] = json!([change]);
        body
    };
    let statutory = with(json!({"clause_key": "my-number-subcontract-permission", "reverify_months": 6}));
    let mut twice = version("2027-04-01");
    twice["clauses"] = json!([own("own-printing-log"), own("own-printing-log")]);
    let mut early = version("2027-04-01");
    early["decided_on"] = json!("2027-04-02");
    let mut blank = version("2027-04-01");
    blank["reason"] = json!("　");
    let mut untitled = version("2027-04-01");
    untitled["clauses"][0]["title"]["ja"] = json!(" ");
    for (body, pointer, code) in [
        (
            with(json!({"clause_key": "remote-access-control", "reverify_months": 12})),
            "/changes/0/reverify_months",
            "weaker_than_catalogue",
        ),
        (
            with(json!({"clause_key": "remote-access-control", "requirement_level": "recommended"})),
            "/changes/0/requirement_level",
            "weaker_than_catalogue",
        ),
        (
            with(
                json!({"clause_key": "remote-access-control", "gates": [{"kind": "contractor_engagement",
            "transition": "start_performance", "min_status": "declared"}]}),
            ),
            "/changes/0/gates/0/min_status",
            "weaker_than_catalogue",
        ),
        (statutory, "/changes/0/reverify_months", "statutory_clause"),
        (
            with(json!({"clause_key": "no-such-clause"})),
            "/changes/0/clause_key",
            "reference_not_found",
        ),
        (twice, "/clauses/1/key", "duplicate_in_request"),
        (early, "/decided_on", "out_of_range"),
        (blank, "/reason", "required"),
        (untitled, "/clauses/0/title/ja", "required"),
    ] {
        staff.post(PATH, body.clone()).await.invalid(pointer, code);
        if body.get("changes").is_some() && !["/decided_on", "/reason"].contains(&pointer) {
            officer.post(PREVIEWS, preview_of(body)).await.invalid(pointer, code);
        }
    }
    let mut foreign = version("2027-04-01");
    foreign["clauses"][0]["key"] = json!("policy-compliance");
    staff.post(PATH, foreign).await.problem(422, "validation_failed");
    assert_eq!(officer.get(PATH).await.expect(200).items("/items").len(), 0);
});

db_test!(a_policy_is_the_organization_s_own, |app| {
    let staff = app.officer().acting(&person(&app));
    let made = staff.post(PATH, version("2027-04-01")).await.expect(201);
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        for path in [PATH, CURRENT, made.header("location")] {
            outsider.get(path).await.problem(404, "not_found");
        }
        outsider
            .post(PATH, version("2027-04-01"))
            .await
            .problem(404, "not_found");
        outsider
            .post(PREVIEWS, preview_of(version("2027-04-01")))
            .await
            .problem(404, "not_found");
    }
});
