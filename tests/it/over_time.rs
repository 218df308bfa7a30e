//! Risk and register over time: what changed and why, what a day to come will bring, the rule of 1 July 2027, and the
//! ledger frozen at the end of a fiscal year.

use kakunin::fiscal_year_snapshots::verify;
use kakunin::journal::chain::PublicKeys;
use kakunin::work::Worker;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::engagements::{person, plain_facts, registered};
use crate::harness::{Answered, TestApp, seed};
use crate::program;

const CLAUSE: &str = "confidentiality-obligation";

/// What changed in a part of an assessment: name, before and after.
fn changed<'a>(assessment: &'a Value, part: &str) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let changes = assessment["changes"].as_array().unwrap().iter();
    changes
        .filter(|change| change["part"] == part)
        .map(|change| (change["name"].as_str().unwrap(), &change["before"], &change["after"]))
        .collect()
}

db_test!(each_assessment_says_what_changed_since_the_one_before, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let id = made.id();
    let risk = async |query: &str| officer.get(&format!("/entries/{id}/risk{query}")).await;
    let first = officer.get(&format!("/entries/{id}/risk")).await.expect(200);
    assert_eq!(
        (first.at("/previous_id"), first.at("/changes")),
        (&Value::Null, &json!([]))
    );

    app.at("2027-05-10T10:00");
    let agreed = json!({"agreed": {"article": "第8条"}});
    officer
        .put(&format!("/entries/{id}/clauses/{CLAUSE}"), "*", agreed)
        .await
        .expect(200);
    app.at("2027-06-10T10:00");
    let facts = json!({"facts": {"confidentiality": "c3b"}});
    officer
        .patch(&format!("/engagements/{id}"), "*", facts)
        .await
        .expect(200);

    let history = officer.get(&format!("/entries/{id}/risk-history")).await.expect(200);
    let (latest, agreement) = (&history.items("/items")[0], &history.items("/items")[1]);
    assert_eq!(latest["previous_id"], agreement["id"]);
    assert_eq!(
        (&latest["trigger"], &agreement["trigger"]),
        (&json!("changed"), &json!("clause_recorded"))
    );
    assert_eq!(
        changed(latest, "fact"),
        [("confidentiality", &json!("c2"), &json!("c3b"))]
    );
    assert!(!changed(latest, "impact_dimension").is_empty());
    let clause = changed(agreement, "clause");
    assert_eq!(
        clause,
        [(CLAUSE, &json!("missing, credit 0"), &json!("agreed, credit 60"))]
    );
    assert_eq!(changed(agreement, "fact"), []);
    assert!(
        changed(agreement, "result")
            .iter()
            .any(|(name, ..)| *name == "residual_score_x100")
    );

    // Page by page it is the same, also where a page ends.
    let mut items = vec![];
    let mut path = format!("/entries/{id}/risk-history?limit=1");
    loop {
        let page = officer.get(&path).await.expect(200);
        items.extend(page.items("/items").to_vec());
        let Some(cursor) = page.at("/next_cursor").as_str() else {
            break;
        };
        path = format!("/entries/{id}/risk-history?limit=1&cursor={cursor}");
    }
    assert_eq!(items, history.items("/items"));

    // What held on a day that is past.
    assert_eq!(risk("?as_of_on=2027-05-09").await.expect(200).body, first.body);
    assert_eq!(&risk("?as_of_on=2027-05-10").await.expect(200).body, agreement);
    assert_eq!(&risk("").await.expect(200).body, latest);
    risk("?as_of_on=2027-03-31").await.problem(400, "invalid_parameter");
});

db_test!(a_day_to_come_is_reckoned_and_not_stored, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let verified = json!({"agreed": {}, "verified_on": "2027-04-01"});
    officer
        .put(&format!("/entries/{id}/clauses/{CLAUSE}"), "*", verified)
        .await
        .expect(200);
    let before = officer.get(&format!("/entries/{id}")).await.expect(200);
    let then = officer
        .get(&format!("/entries/{id}/risk?as_of_on=2028-07-01"))
        .await
        .expect(200);
    assert_eq!((then.at("/id"), then.text("/trigger")), (&Value::Null, "projection"));
    let clauses = changed(&then.body, "clause");
    let of = clauses.iter().find(|(name, ..)| *name == CLAUSE).unwrap();
    assert_eq!(of.1, "verified, credit 100");
    assert!(of.2.as_str().unwrap().contains("days overdue"), "{of:?}");
    let history = officer.get(&format!("/entries/{id}/risk-history")).await.expect(200);
    assert!(history.items("/items").iter().all(|one| one["trigger"] != "projection"));
    let after = officer.get(&format!("/entries/{id}")).await.expect(200);
    assert_eq!(after.body, before.body);

    // An agreement of this period is none of the next one's.
    let gaps = async |query: &str| officer.get(&format!("/entries/{id}/gaps{query}")).await;
    let today = gaps("").await.expect(200);
    assert_eq!(today.text("/as_of_on"), "2027-04-01");
    assert_eq!(gaps("?as_of_on=2027-04-01").await.expect(200).body, today.body);
    let later = gaps("?as_of_on=2027-12-01").await.expect(200);
    assert_eq!(later.text("/as_of_on"), "2027-12-01");
    gaps("?as_of_on=2027-03-31").await.problem(400, "invalid_parameter");
});

db_test!(the_risk_model_is_published_number_by_number, |app| {
    let model = app.officer().get("/risk-models/current").await.expect(200);
    let id = registered(&app).await.id();
    let risk = app.officer().get(&format!("/entries/{id}/risk")).await.expect(200);
    assert_eq!(
        model.at("/risk_policy_version"),
        risk.at("/assessment/risk_policy_version")
    );
    assert_eq!(model.at("/catalogue_version"), risk.at("/catalogue_version"));
    assert_eq!(model.at("/parameters/impact/confidentiality/c3a"), &json!(5));
    assert_eq!(model.at("/parameters/retained/floor_bp"), &json!(2000));
    // Whoever follows the published formula with the published numbers gets the stored score.
    let number = |pointer: &str| risk.at(pointer).as_i64().unwrap();
    let parameter = |pointer: &str| model.at(&format!("/parameters{pointer}")).as_i64().unwrap();
    let score =
        number("/assessment/impact/value") * number("/assessment/exposure/value") * parameter("/inherent/scale");
    let coverage = number("/assessment/coverage_bp");
    let retained = parameter("/retained/floor_bp") + parameter("/retained/range_bp") * (10_000 - coverage) / 10_000;
    assert_eq!((score * retained + 50) / 100, number("/assessment/residual_score_x100"));
    assert!(model.items("/formula").len() > 5);
});

fn eight(state: &str) -> Vec<Value> {
    let areas = [
        "audit_and_review",
        "organizational_structure",
        "information_assets",
        "physical",
        "personnel",
        "technical",
        "operation",
        "outsourcing_and_cloud",
    ];
    areas
        .iter()
        .map(|area| json!({"area": area, "state": state, "due_on": null, "note": null}))
        .collect()
}

db_test!(each_organization_judges_the_rule_and_its_eight_areas, |app| {
    let path = format!("/organizations/{}/measure-areas", seed::MAYOR);
    let none = app.officer().get(&path).await.expect(200);
    assert_eq!(
        (none.at("/applies"), none.at("/areas"), none.at("/version")),
        (&Value::Null, &json!([]), &json!(0))
    );
    let judge = person(&app);
    let officer = app.officer().acting(&judge);
    let applies = json!({"applies": true, "reason": "LGWANに接続している。", "areas": eight("in_place")});
    app.officer()
        .put(&path, &none.etag(), applies.clone())
        .await
        .problem(422, "acting_person_required");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = applies.clone();
        change(&mut body);
        body
    };
    for (body, pointer, code) in [
        (with(&|b| b["areas"] = json!([])), "/areas", "areas_incomplete"),
        (
            with(&|b| b["areas"][1]["area"] = json!("physical")),
            "/areas",
            "areas_incomplete",
        ),
        (with(&|b| b["applies"] = json!(false)), "/areas", "areas_incomplete"),
        (
            with(&|b| b["areas"][0]["state"] = json!("partly")),
            "/areas/0/due_on",
            "due_on_unless_in_place",
        ),
        (
            with(&|b| b["areas"][0]["due_on"] = json!("2028-03-31")),
            "/areas/0/due_on",
            "due_on_unless_in_place",
        ),
        (with(&|b| b["reason"] = json!(" ")), "/reason", "required"),
    ] {
        officer.put(&path, &none.etag(), body).await.invalid(pointer, code);
    }
    let made = officer.put(&path, &none.etag(), applies.clone()).await.expect(200);
    assert_eq!(
        (made.at("/applies"), made.text("/judged_on")),
        (&json!(true), "2027-04-01")
    );
    assert_eq!(made.text("/judged_by_person_id"), judge);
    let order: Vec<&str> = made
        .items("/areas")
        .iter()
        .map(|one| one["area"].as_str().unwrap())
        .collect();
    assert_eq!(
        (order[0], order[7]),
        ("organizational_structure", "audit_and_review"),
        "the order of the rule"
    );
    officer
        .put(&path, &none.etag(), applies.clone())
        .await
        .problem(412, "stale_version");
    let not = json!({"applies": false, "reason": "LGWANに接続せず、個人情報が少ない。"});
    let not = officer.put(&path, &made.etag(), not).await.expect(200);
    assert_eq!(
        (not.at("/applies"), not.at("/areas"), not.at("/version")),
        (&json!(false), &json!([]), &json!(2))
    );
    app.stranger().get(&path).await.problem(404, "not_found");
    app.limited(&[seed::ASSEMBLY])
        .get(&path)
        .await
        .problem(404, "not_found");
    let log = app
        .officer()
        .get("/audit-log?action=organization.measure_areas_judged")
        .await
        .expect(200);
    assert_eq!(log.items("/items").len(), 2);
});

fn of<'a>(report: &'a Answered, entry_id: &str) -> Option<&'a Value> {
    report.items("/entries").iter().find(|one| one["entry_id"] == entry_id)
}

db_test!(what_the_rule_of_july_2027_makes_mandatory_and_exempts, |app| {
    let judge = person(&app);
    let officer = app.officer().acting(&judge);
    let old = registered(&app).await.id();
    let draft = json!({"organization_id": seed::MAYOR, "name": "これからの業務", "facts": plain_facts()});
    let draft = officer.post("/engagements", draft).await.expect(201).id();
    let report = officer.get("/reports/readiness").await.expect(200);
    assert_eq!(
        (report.text("/on"), report.at("/in_force")),
        ("2027-07-01", &json!(true))
    );
    assert!(
        report
            .items("/organizations")
            .iter()
            .all(|one| one["applies"].is_null())
    );
    let standing = |report: &Answered, id: &str| of(report, id).unwrap()["transitional_standing"].clone();
    assert_eq!(standing(&report, &old), "to_be_judged");
    assert_eq!(standing(&report, &draft), "applies");
    let lacking = of(&report, &old).unwrap()["lacking"].as_array().unwrap();
    assert!(
        lacking.contains(&json!({"clause_key": CLAUSE, "status": "missing"})),
        "{lacking:?}"
    );

    officer
        .put(&format!("/entries/{old}/clauses/{CLAUSE}"), "*", json!({"agreed": {}}))
        .await
        .expect(200);
    let judgement = json!({"treatment": "old_rule", "reason": "施行日に履行中の契約のため。"});
    officer
        .put(&format!("/entries/{old}/transitional-treatment"), "*", judgement)
        .await
        .expect(200);
    let report = officer.get("/reports/readiness?on=2027-07-01").await.expect(200);
    assert_eq!(standing(&report, &old), "exempt");
    let judged = &of(&report, &old).unwrap()["transitional_judgement"];
    assert_eq!(judged["judged_by_person_id"], judge.as_str());
    assert!(!of(&report, &old).unwrap()["lacking"].to_string().contains(CLAUSE));
    let early = officer.get("/reports/readiness?on=2027-06-30").await.expect(200);
    assert_eq!(
        (early.at("/in_force"), standing(&early, &old)),
        (&json!(false), json!("not_yet"))
    );

    // A clause that the organization's policy makes mandatory by then is named.
    let version = json!({"valid_from_on": "2027-07-01", "decided_on": "2027-04-01", "reason": "施行に合わせる。",
        "clauses": [{"key": "own-log-review", "applies_to": ["contractor_engagement"], "group": "operation",
            "requirement": {"ja": "記録を毎月点検する。", "en": "Logs are reviewed monthly."},
            "title": {"ja": "記録の点検", "en": "Log review"}, "requirement_level": "mandatory", "severity": "minor",
            "weight": 1, "phase_from": "selection", "reverify_months": 12, "verifier_role": "owner"}]});
    let path = format!("/organizations/{}/policy-versions", seed::MAYOR);
    let version = officer.post(&path, version).await.expect(201).id();
    let report = officer.get("/reports/readiness").await.expect(200);
    assert_eq!(
        of(&report, &old).unwrap()["becoming_mandatory"],
        json!(["own-log-review"])
    );
    let after = format!("/organizations/{}/policy-comparison?after={version}", seed::MAYOR);
    let compared = officer.get(&after).await.expect(200);
    assert_eq!(compared.items("/clauses").len(), 1);
    assert_eq!(
        (
            compared.at("/clauses/0/before"),
            compared.text("/clauses/0/after/title")
        ),
        (&Value::Null, "記録の点検")
    );
    let same = format!(
        "/organizations/{}/policy-comparison?before={version}&after={version}",
        seed::MAYOR
    );
    assert_eq!(officer.get(&same).await.expect(200).at("/clauses"), &json!([]));
    let strange = format!("/organizations/{}/policy-comparison?before={version}", seed::ASSEMBLY);
    officer.get(&strange).await.problem(404, "not_found");

    // Where the rule does not apply, nothing becomes mandatory by it.
    let areas = format!("/organizations/{}/measure-areas", seed::MAYOR);
    let not = json!({"applies": false, "reason": "個人情報が少ない。"});
    officer.put(&areas, "*", not).await.expect(200);
    let report = officer.get("/reports/readiness").await.expect(200);
    assert!(of(&report, &old).is_none());
    let mine = app
        .limited(&[seed::ASSEMBLY])
        .get("/reports/readiness")
        .await
        .expect(200);
    assert_eq!(
        (mine.items("/organizations").len(), mine.items("/entries").len()),
        (1, 0)
    );
});

/// The downloaded lines of a snapshot.
async fn content(app: &TestApp, path: &str) -> Vec<u8> {
    app.officer().get(&format!("{path}/content")).await.expect(200).bytes
}

async fn keys(app: &TestApp) -> Value {
    app.officer().get("/audit-log/keys").await.expect(200).body
}

db_test!(a_snapshot_freezes_the_ledger_under_a_signature, |app| {
    let officer = app.officer().acting(&person(&app));
    let id = registered(&app).await.id();
    let snapshot = json!({"organization_id": seed::MAYOR, "fiscal_year": 2027, "reason": "令和9年度末の確定"});
    let with = |name: &str, value: Value| {
        let mut body = snapshot.clone();
        body[name] = value;
        body
    };
    app.officer()
        .post("/fiscal-year-snapshots", snapshot.clone())
        .await
        .problem(422, "acting_person_required");
    for (body, pointer, code) in [
        (with("fiscal_year", json!(2028)), "/fiscal_year", "out_of_range"),
        (with("fiscal_year", json!(2025)), "/fiscal_year", "out_of_range"),
        (with("reason", json!(" ")), "/reason", "required"),
        (
            with("organization_id", json!(id)),
            "/organization_id",
            "reference_not_found",
        ),
    ] {
        officer
            .post("/fiscal-year-snapshots", body)
            .await
            .invalid(pointer, code);
    }
    let made = officer.post("/fiscal-year-snapshots", snapshot).await.expect(201);
    assert_eq!(
        (made.at("/entries_total"), made.at("/entries_done")),
        (&json!(1), &json!(1))
    );
    let path = made.header("location").to_owned();
    let file = content(&app, &path).await;
    let keys = PublicKeys::of_jwks(&keys(&app).await).unwrap();
    let found = verify(file.as_slice(), &keys).unwrap();
    assert_eq!(
        (found.fiscal_year, found.entries, found.organization_id.as_str()),
        (2027, 1, seed::MAYOR)
    );
    let lines: Vec<Value> = String::from_utf8(file.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let risk = officer.get(&format!("/entries/{id}/risk")).await.expect(200);
    let frozen = &lines[1]["entry"];
    assert_eq!(&frozen["assessment"], risk.at("/assessment"));
    assert_eq!(frozen["entry"]["id"], id.as_str());
    assert_eq!(frozen["period_ends_on"], "2028-03-31");
    let clauses = frozen["clauses"].as_array().unwrap();
    assert!(
        clauses
            .iter()
            .any(|clause| clause["clause_key"] == CLAUSE && clause["status"] == "missing")
    );
    let gaps = officer.get(&format!("/entries/{id}/gaps")).await.expect(200);
    assert_eq!(&frozen["gaps"], gaps.at("/gaps"));

    // What changes afterwards changes nothing in it.
    officer
        .put(&format!("/entries/{id}/clauses/{CLAUSE}"), "*", json!({"agreed": {}}))
        .await
        .expect(200);
    assert_eq!(content(&app, &path).await, file);
    let list = format!(
        "/fiscal-year-snapshots?fiscal_year=2027&organization_id={}",
        seed::MAYOR
    );
    assert_eq!(officer.get(&list).await.expect(200).at("/items"), &json!([made.body]));
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.get(&path).await.problem(404, "not_found");
        assert_eq!(
            outsider
                .get("/fiscal-year-snapshots")
                .await
                .expect(200)
                .items("/items")
                .len(),
            0
        );
    }

    // Whatever is altered in the file is found.
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..500 {
        let mut other = file.clone();
        let at = random.random_range(0..other.len());
        match random.random_range(0..3) {
            0 => other[at] ^= 1 << random.random_range(0..8),
            1 => drop(other.remove(at)),
            _ => other.truncate(at),
        }
        assert!(
            verify(other.as_slice(), &keys).is_err(),
            "{}",
            String::from_utf8_lossy(&other)
        );
    }
    let longer = [file.as_slice(), b"{}\n"].concat();
    assert!(verify(longer.as_slice(), &keys).is_err());
});

db_test!(a_long_ledger_is_frozen_in_the_background, |app| {
    let officer = app.officer().acting(&person(&app));
    for n in 0..203 {
        let new = json!({"organization_id": seed::MAYOR, "name": format!("業務その{n}"), "facts": {}});
        officer.post("/engagements", new).await.expect(201);
    }
    let snapshot = json!({"organization_id": seed::MAYOR, "fiscal_year": 2027, "reason": "令和9年度末の確定"});
    let made = officer.post("/fiscal-year-snapshots", snapshot).await.expect(201);
    let path = made.header("location").to_owned();
    assert_eq!(
        (
            made.at("/entries_total"),
            made.at("/entries_done"),
            made.at("/completed_at")
        ),
        (&json!(203), &json!(200), &Value::Null)
    );
    officer
        .get(&format!("{path}/content"))
        .await
        .problem(409, "snapshot_not_complete");
    let ticked = Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    assert_eq!(ticked.frozen, 3);
    let done = officer.get(&path).await.expect(200);
    assert_eq!(done.at("/entries_done"), &json!(203));
    let keys = PublicKeys::of_jwks(&keys(&app).await).unwrap();
    assert_eq!(
        verify(content(&app, &path).await.as_slice(), &keys).unwrap().entries,
        203
    );
});

db_test!(the_command_verifies_a_downloaded_snapshot, |app| {
    let officer = app.officer().acting(&person(&app));
    registered(&app).await;
    let snapshot = json!({"organization_id": seed::MAYOR, "fiscal_year": 2027, "reason": "令和9年度末の確定"});
    let made = officer.post("/fiscal-year-snapshots", snapshot).await.expect(201);
    let dir = tempfile::tempdir().unwrap();
    let bytes = content(&app, made.header("location")).await;
    let file = program::file(dir.path(), "ledger.ndjson", &bytes);
    let trusted = program::file(dir.path(), "keys.json", keys(&app).await.to_string());
    let said = program::run(dir.path(), &["verify-snapshot", &file, "--keys", &trusted]).well();
    assert!(said.starts_with("It holds: 1 entries of organization"), "{said}");
    let cut = program::file(dir.path(), "cut.ndjson", &bytes[..bytes.len() / 2]);
    let said = program::run(dir.path(), &["verify-snapshot", &cut, "--keys", &trusted]).refused();
    assert!(said.contains("does not hold"), "{said}");
});
