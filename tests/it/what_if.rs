//! What-if over the wire: the risk vectors to the digit, the clauses that facts call for, what an organization brings
//! in, and what is refused. Due dates and business days are in [`days`].

mod days;

use diesel::prelude::*;
use kakunin::db::schema::organizations;
use serde_json::{Value, json};

use crate::harness::{TestApp, seed};

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn risk_vectors() -> Vec<Value> {
    vectors(include_str!("../vectors/risk.json"))
}

/// The request of a vector: the vectors spell kind, statuses and flags their own way.
fn evaluation(vector: &Value) -> Value {
    let input = &vector["input"];
    let flag = |name: &str| input["flags"].as_array().unwrap().contains(&json!(name));
    let fulfilments: Vec<Value> = input["statuses"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, given)| json!({"clause_key": key, "status": given[0], "days_overdue": given[1]}))
        .collect();
    json!({"kind": input["entity_type"], "phase": input["phase"], "facts": input["facts"], "fulfilments": fulfilments,
        "default_status": input["default_status"], "owner_missing": flag("owner_missing"),
        "open_major_incident": flag("open_incident_major")})
}

fn plan(vector: &Value) -> Value {
    let input = &vector["input"];
    json!({"kind": input["entity_type"], "phase": input["phase"], "facts": input["facts"]})
}

/// The same object with other values; null takes a field out.
fn with(mut body: Value, changes: &Value) -> Value {
    let object = body.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    body
}

fn set_organization(app: &TestApp, id: &str, profile_key: &str, extra_closed_days: &str) {
    app.db(|conn| {
        diesel::update(organizations::table.filter(organizations::id.eq(id)))
            .set((
                organizations::profile_key.eq(profile_key),
                organizations::extra_closed_days.eq(extra_closed_days),
            ))
            .execute(conn)
    });
}

fn keys(items: &[Value], key: &str) -> Vec<String> {
    items
        .iter()
        .map(|item| item[key].as_str().unwrap().to_owned())
        .collect()
}

db_test!(every_risk_vector_is_answered_to_the_digit, |app| {
    let officer = app.officer();
    assert_eq!(risk_vectors().len(), 6);
    for vector in risk_vectors() {
        let expected = &vector["expected"];
        let got = officer.post("/risk-evaluations", evaluation(&vector)).await.expect(200);
        let renamed = |list: &Value, names: &[(&str, &str)]| -> Value {
            let items = list.as_array().unwrap().iter().map(|item| {
                let fields = names
                    .iter()
                    .map(|(ours, theirs)| ((*ours).to_owned(), item[theirs].clone()));
                Value::Object(fields.collect())
            });
            items.collect()
        };
        let clauses = [
            ("clause_key", "key"),
            ("weight", "weight"),
            ("severity", "severity"),
            ("status", "status"),
            ("days_overdue", "overdue_days"),
            ("credit", "credit"),
        ];
        let floors = [("rule", "rule"), ("level", "level"), ("clause_key", "clause")];
        let all = json!({
            "risk_policy_version": app.app.risk_policy.version,
            "impact": {"value": expected["impact"], "dimensions": expected["impact_dimensions"]},
            "exposure": {"value": expected["exposure"], "points": expected["exposure_sum"], "factors": expected["exposure_points"]},
            "inherent": {"product": expected["inherent_product"], "score": expected["inherent_score"], "tier": expected["inherent_tier"]},
            "clauses": renamed(&expected["clauses"], &clauses),
            "coverage_bp": expected["coverage_bp"],
            "retained_bp": expected["retained_bp"],
            "residual_score_x100": expected["residual_score_x100"],
            "score_level": expected["score_level"],
            "floors": renamed(&expected["floors"], &floors),
            "residual_level": expected["residual_level"],
            "notes": [],
        });
        assert_eq!(got.body, all, "{}", vector["id"]);
    }
});

db_test!(a_clause_that_is_not_listed_is_missing_unless_said_otherwise, |app| {
    let officer = app.officer();
    let bare = with(
        evaluation(&risk_vectors()[0]),
        &json!({"default_status": null, "fulfilments": null,
        "owner_missing": null, "open_major_incident": null}),
    );
    let got = officer.post("/risk-evaluations", bare).await.expect(200);
    assert!(got.items("/clauses").iter().all(|clause| clause["status"] == "missing"));
    assert_eq!(got.at("/coverage_bp"), 0);
});

db_test!(
    missing_facts_count_at_their_worst_or_by_the_organizations_profile,
    |app| {
        let officer = app.officer();
        set_organization(&app, seed::MAYOR, "default", "[]");
        let body = json!({"kind": "cloud_service", "phase": "active", "facts": {}});
        let worst = officer.post("/risk-evaluations", body.clone()).await.expect(200);
        assert_eq!(worst.at("/impact/dimensions/confidentiality"), 5);
        assert!(worst.items("/notes").iter().all(|note| note["code"] == "fact_unknown"));
        let named = with(body.clone(), &json!({"organization_id": seed::MAYOR}));
        let usual = officer.post("/risk-evaluations", named.clone()).await.expect(200);
        // Nobody knows whether personal information is handled, so the profile's higher default counts.
        assert_eq!(usual.at("/impact/dimensions/confidentiality"), 4);
        let defaulted: Vec<&Value> = usual
            .items("/notes")
            .iter()
            .filter(|note| note["code"] == "fact_defaulted")
            .map(|note| &note["fact"])
            .collect();
        assert_eq!(defaulted, ["confidentiality", "integrity", "availability"]);
        // A profile with a classification of its own takes nothing for granted.
        let own = with(body.clone(), &json!({"organization_id": seed::ASSEMBLY}));
        assert_eq!(
            officer.post("/risk-evaluations", own).await.expect(200).body,
            worst.body
        );
        for path in ["/clause-plans", "/risk-evaluations"] {
            for id in [seed::KAGOSHIMA_ASSEMBLY, "01960000-0000-7000-8000-0000000000ff"] {
                let body = with(body.clone(), &json!({"organization_id": id}));
                officer
                    .post(path, body)
                    .await
                    .invalid("/organization_id", "reference_not_found");
            }
            let limited = app.limited(&[seed::ASSEMBLY]);
            limited
                .post(path, named.clone())
                .await
                .invalid("/organization_id", "reference_not_found");
        }
    }
);

db_test!(the_plan_lists_the_clauses_of_every_vector, |app| {
    let officer = app.officer();
    for vector in risk_vectors() {
        let got = officer.post("/clause-plans", plan(&vector)).await.expect(200);
        let expected = vector["expected"]["clauses"].as_array().unwrap();
        assert_eq!(
            keys(got.items("/requirements"), "clause_key"),
            keys(expected, "key"),
            "{}",
            vector["id"]
        );
        assert_eq!(got.at("/notes"), &json!([]), "{}", vector["id"]);
        for (clause, expected) in got.items("/requirements").iter().zip(expected) {
            assert_eq!(
                (&clause["weight"], &clause["severity"]),
                (&expected["weight"], &expected["severity"])
            );
            assert!(!clause["reasons"].as_array().unwrap().is_empty());
        }
    }
});

db_test!(a_planned_clause_says_what_why_and_what_waits_for_it, |app| {
    let officer = app.officer();
    let printing = plan(&risk_vectors()[0]);
    let ja = officer.post("/clause-plans", printing.clone()).await.expect(200);
    let numbers: Vec<u32> = keys(ja.items("/requirements"), "clause_key")
        .iter()
        .map(|key| app.app.catalogue.clause(key).unwrap().number)
        .collect();
    assert_eq!(numbers, [1, 12, 13]);
    let first = app.app.catalogue.clause("policy-compliance").unwrap();
    let clause = |title: &str, requirement: &str, message: &str| {
        json!({"clause_key": first.key, "title": title, "requirement": requirement, "requirement_level": "mandatory",
            "severity": "major", "weight": 3,
            "reasons": [{"fact": null, "op": null, "value": null, "actual": null, "message": message}],
            "gates": [{"transition": "conclude_contract", "min_status": "agreed"}],
            "evidence": first.evidence, "reverify_months": first.reverify_months})
    };
    assert_eq!(
        ja.at("/requirements/0"),
        &clause(&first.title_ja, &first.requirement_ja, "すべての業務委託に必要")
    );
    assert_eq!(ja.header("content-language"), "ja");
    let en = officer
        .lang("en")
        .post("/clause-plans", printing.clone())
        .await
        .expect(200);
    let message = "needed for every contractor engagement";
    assert_eq!(
        en.at("/requirements/0"),
        &clause(&first.title_en, &first.requirement_en, message)
    );

    let mut secret = printing;
    secret["facts"]["confidentiality"] = json!("c2");
    let got = app.officer().post("/clause-plans", secret).await.expect(200);
    let duty = got
        .items("/requirements")
        .iter()
        .find(|item| item["clause_key"] == "confidentiality-obligation")
        .unwrap();
    let reason = &duty["reasons"][0];
    assert_eq!(
        (&reason["fact"], &reason["op"]),
        (&json!("confidentiality"), &json!("gte"))
    );
    assert_eq!((&reason["value"], &reason["actual"]), (&json!("c2"), &json!("c2")));
});

db_test!(a_level_depends_on_the_day_of_the_question, |app| {
    let officer = app.officer();
    let later = app
        .app
        .catalogue
        .clauses
        .iter()
        .find(|clause| clause.requirement_level_from.is_some())
        .unwrap();
    for (as_of_on, level) in [
        ("2027-06-30", later.requirement_level),
        ("2027-07-01", later.requirement_level_from.as_ref().unwrap().level),
    ] {
        let body = json!({"kind": later.applies_to[0], "phase": "active", "facts": {}, "as_of_on": as_of_on});
        let got = officer.post("/clause-plans", body).await.expect(200);
        let clause = got
            .items("/requirements")
            .iter()
            .find(|item| item["clause_key"] == later.key)
            .unwrap();
        assert_eq!(clause["requirement_level"], json!(level), "{as_of_on}");
    }
});

db_test!(what_cannot_be_asked_is_refused_with_its_place, |app| {
    let officer = app.officer();
    let body = evaluation(&risk_vectors()[0]);
    let clause = |key: &str| json!({"clause_key": key, "status": "verified"});
    for (changes, pointer, code) in [
        (json!({"phase": "none"}), "/phase", "not_in_enum"),
        (json!({"kind": "contractor"}), "/kind", "not_in_enum"),
        (json!({"facts": null}), "/facts", "required"),
        (
            json!({"facts": {"confidentialty": "c2"}}),
            "/facts/confidentialty",
            "unknown_field",
        ),
        (
            json!({"facts": {"confidentiality": "c9"}}),
            "/facts/confidentiality",
            "not_in_enum",
        ),
        (json!({"default_status": "done"}), "/default_status", "not_in_enum"),
        (
            json!({"fulfilments": [clause("policy-compliance"), clause("no-such-clause")]}),
            "/fulfilments/1/clause_key",
            "reference_not_found",
        ),
        (
            json!({"fulfilments": [clause("policy-compliance"), clause("breach-remedies"), clause("policy-compliance")]}),
            "/fulfilments/2/clause_key",
            "duplicate_in_request",
        ),
        (
            json!({"organization_id": "mayor"}),
            "/organization_id",
            "invalid_format",
        ),
        (json!({"as_of_on": "2027-02-30"}), "/as_of_on", "invalid_date"),
        (json!({"defaultstatus": "verified"}), "/defaultstatus", "unknown_field"),
    ] {
        officer
            .post("/risk-evaluations", with(body.clone(), &changes))
            .await
            .invalid(pointer, code);
    }
    let planned = with(plan(&risk_vectors()[0]), &json!({"phase": "none"}));
    officer
        .post("/clause-plans", planned)
        .await
        .invalid("/phase", "not_in_enum");
    let reader = app.with_scopes(&["clauses:read"]);
    for (path, body) in [("/risk-evaluations", body), ("/clause-plans", plan(&risk_vectors()[0]))] {
        reader.post(path, body).await.problem(403, "insufficient_scope");
    }
});

/// What the plan says is what the annex says, in the form that is asked for.
fn personal_data() -> Value {
    json!({
        "kind": "contractor_engagement",
        "phase": "contracting",
        "organization_id": seed::MAYOR,
        "facts": {"handles_personal_information": true, "confidentiality": "c3a"},
    })
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

db_test!(the_annex_to_the_contract_is_a_file, |app| {
    let plan = app.officer().post("/clause-plans", personal_data()).await.expect(200);
    let mandatory = plan
        .items("/requirements")
        .iter()
        .filter(|clause| clause["requirement_level"] == "mandatory");
    let asked = app.officer().header("Accept", "text/markdown");
    let annex = asked.post("/clause-plans", personal_data()).await.expect(200);
    assert_eq!(annex.header("content-type"), "text/markdown; charset=utf-8");
    let text = String::from_utf8(annex.bytes).unwrap();
    assert!(
        text.starts_with("# 情報セキュリティに関する特記仕様書（業務委託）"),
        "{text}"
    );
    assert!(text.contains("| 保有個人情報を取り扱う | 該当する |"), "{text}");
    let mut number = 0;
    for clause in mandatory {
        number += 1;
        let heading = format!("## 第{number}条（{}）\n", clause["title"].as_str().unwrap());
        assert!(text.contains(&heading), "{heading}: {text}");
        assert!(text.contains(clause["requirement"].as_str().unwrap()));
    }
    assert!(
        number > 10 && !text.contains(&format!("第{}条", number + 1)),
        "{number}"
    );

    let file = app
        .officer()
        .header("Accept", DOCX)
        .post("/clause-plans", personal_data())
        .await
        .expect(200);
    assert_eq!(file.header("content-type"), DOCX);
    assert!(file.bytes.starts_with(b"PK"), "a DOCX file is a ZIP archive");
});

db_test!(the_annex_is_registered_in_the_same_call_by_whoever_may, |app| {
    let mut body = personal_data();
    body["register_as"] = json!({"edition": "令和9年4月版", "valid_from_on": "2027-04-01"});
    let refused = app
        .with_scopes(&["risk:evaluate"])
        .post("/clause-plans", body.clone())
        .await;
    refused.problem(403, "insufficient_scope");
    let mut nobodys = body.clone();
    nobodys.as_object_mut().unwrap().remove("organization_id");
    let nobodys = app.officer().post("/clause-plans", nobodys).await;
    nobodys.invalid("/organization_id", "required");

    let asked = app
        .officer()
        .header("Accept", "text/markdown")
        .header("Idempotency-Key", "annex-1");
    let first = asked.post("/clause-plans", body.clone()).await.expect(200);
    let template = app.officer().get(first.header("location")).await.expect(200);
    assert_eq!(template.text("/name"), "情報セキュリティに関する特記仕様書（業務委託）");
    let text = String::from_utf8(first.bytes.clone()).unwrap();
    for article in template.items("/articles") {
        let heading = format!("## {}（", article["article"].as_str().unwrap());
        assert!(text.contains(&heading), "{heading}");
        for paragraph in article["quotation"].as_str().unwrap().lines() {
            assert!(text.contains(paragraph), "{paragraph}");
        }
    }
    let again = asked.post("/clause-plans", body.clone()).await.expect(200);
    assert_eq!(
        (again.header("idempotency-replayed"), &again.bytes),
        ("true", &first.bytes)
    );
    assert_eq!(again.header("location"), first.header("location"));
    let taken = app.officer().post("/clause-plans", body).await;
    taken.problem(409, "duplicate_clause_template");
});
