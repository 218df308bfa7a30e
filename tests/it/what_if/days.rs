//! Reminder plans and business days over the wire: the vectors to the day.

use serde_json::{Value, json};

use super::{set_organization, vectors, with};
use crate::harness::{Answered, seed};

db_test!(every_reminder_vector_is_answered_to_the_day, |app| {
    let officer = app.officer();
    for vector in vectors(include_str!("../../vectors/reminder.json")) {
        let stages: Value = vector["reminders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| json!({"days_before": stage[0], "nominal_on": stage[1], "send_on": stage[2]}))
            .collect();
        let body = json!({"due_on": vector["due"], "obligation": "reverification"});
        let got = officer.post("/reminder-plans", body).await.expect(200);
        assert_eq!(got.at("/stages"), &stages, "{}", vector["due"]);
        let steps: Value = got
            .items("/escalations")
            .iter()
            .map(|step| {
                let to = match step["to"].to_string().as_str() {
                    r#"["owner","deputy"]"# => "owner",
                    r#"["section_security_manager"]"# => "section_manager",
                    r#"["division_security_officer"]"# => "division_officer",
                    r#"["supervising_security_officer","ciso"]"# => "supervising_officer_and_ciso",
                    other => panic!("{other}"),
                };
                json!([step["days_after"], to, step["send_on"]])
            })
            .collect();
        assert_eq!(steps, vector["overdue"], "{}", vector["due"]);
        assert_eq!(got.body.as_object().unwrap().len(), 2);
    }
});

db_test!(kind_start_cycle_severity_and_closed_days_shape_a_reminder_plan, |app| {
    let officer = app.officer();
    set_organization(&app, seed::MAYOR, "motosu", r#"["2027-03-29"]"#);
    let leads = |got: &Answered| -> Vec<Value> {
        got.items("/stages")
            .iter()
            .map(|stage| stage["days_before"].clone())
            .collect()
    };
    let base = json!({"due_on": "2027-03-31", "obligation": "reverification"});
    for (changes, expected) in [
        (
            json!({"obligation": "contract_end"}),
            vec![180, 120, 90, 60, 30, 14, 7, 1],
        ),
        (
            json!({"obligation": "approval_expiry"}),
            vec![180, 120, 90, 60, 30, 14, 7, 1],
        ),
        (json!({"obligation": "handover"}), vec![15, 7, 1]),
        (json!({"starts_on": "2027-03-01"}), vec![30, 14, 7, 1]),
        (json!({"cycle_months": 12}), vec![90, 60, 30, 14, 7, 1]),
        (json!({"cycle_months": 6}), vec![60, 30, 14, 7, 1]),
        (json!({"cycle_months": 3}), vec![30, 14, 7, 1]),
        (
            json!({"cycle_months": 3, "obligation": "exception"}),
            vec![90, 60, 30, 14, 7, 1],
        ),
    ] {
        let got = officer
            .post("/reminder-plans", with(base.clone(), &changes))
            .await
            .expect(200);
        assert_eq!(leads(&got), expected, "{changes}");
        assert_eq!(got.items("/escalations").len(), 4);
    }
    for (changes, last_lead) in [
        (json!({}), "2027-03-30"),
        (json!({"extra_closed_days": ["2027-03-30"]}), "2027-03-29"),
        (
            json!({"extra_closed_days": ["03-30"], "organization_id": seed::MAYOR}),
            "2027-03-26",
        ),
    ] {
        let got = officer
            .post("/reminder-plans", with(base.clone(), &changes))
            .await
            .expect(200);
        assert_eq!(got.text("/stages/5/send_on"), last_lead, "{changes}");
    }
    let severe = officer
        .post("/reminder-plans", with(base, &json!({"severe": true})))
        .await
        .expect(200);
    assert_eq!(
        severe.at("/escalations/0/to"),
        &json!(["owner", "deputy", "section_security_manager"])
    );
    assert_eq!(severe.at("/escalations/1/to"), &json!(["division_security_officer"]));
});

db_test!(reminders_that_cannot_be_planned_are_refused_with_their_place, |app| {
    let officer = app.officer();
    let reminder = json!({"due_on": "2027-03-31", "obligation": "reverification"});
    for (changes, pointer, code) in [
        (json!({"obligation": null}), "/obligation", "required"),
        (json!({"obligation": "birthday"}), "/obligation", "not_in_enum"),
        (json!({"due_on": "2027-3-31"}), "/due_on", "invalid_date"),
        (json!({"due_on": "0001-01-01"}), "/due_on", "out_of_range"),
        (json!({"cycle_months": 0}), "/cycle_months", "out_of_range"),
        (
            json!({"extra_closed_days": ["06-23", "02-30"]}),
            "/extra_closed_days/1",
            "invalid_date",
        ),
        (
            json!({"extra_closed_days": ["tomorrow"]}),
            "/extra_closed_days/0",
            "pattern_mismatch",
        ),
    ] {
        officer
            .post("/reminder-plans", with(reminder.clone(), &changes))
            .await
            .invalid(pointer, code);
    }
    let reader = app.with_scopes(&["clauses:read"]);
    reader
        .post("/reminder-plans", reminder)
        .await
        .problem(403, "insufficient_scope");
});

db_test!(business_days_name_why_an_office_is_closed, |app| {
    let officer = app.officer();
    let got = officer
        .get("/business-days?from=2026-04-28&to=2026-05-07")
        .await
        .expect(200);
    let day = |on: &str, reason: Value, name: Value| json!({"on": on, "open": reason.is_null(), "reason": reason, "name": name});
    let holiday = |on: &str, name: &str| day(on, json!("public_holiday"), json!(name));
    assert_eq!(
        got.body,
        json!({"items": [
            day("2026-04-28", Value::Null, Value::Null),
            holiday("2026-04-29", "昭和の日"),
            day("2026-04-30", Value::Null, Value::Null),
            day("2026-05-01", Value::Null, Value::Null),
            day("2026-05-02", json!("weekend"), Value::Null),
            holiday("2026-05-03", "憲法記念日"),
            holiday("2026-05-04", "みどりの日"),
            holiday("2026-05-05", "こどもの日"),
            holiday("2026-05-06", "振替休日"),
            day("2026-05-07", Value::Null, Value::Null),
        ]})
    );
    let between = officer
        .get("/business-days?from=2026-09-22&to=2026-09-22")
        .await
        .expect(200);
    assert_eq!(between.at("/items"), &json!([holiday("2026-09-22", "国民の休日")]));
    set_organization(&app, seed::MAYOR, "motosu", r#"["10-01"]"#);
    let own = format!(
        "/business-days?from=2026-09-30&to=2026-10-01&organization_id={}",
        seed::MAYOR
    );
    let own = officer.get(&own).await.expect(200);
    assert_eq!(own.at("/items/1"), &day("2026-10-01", json!("extra"), Value::Null));
    let year_end = officer
        .get("/business-days?from=2026-12-29&to=2026-12-29")
        .await
        .expect(200);
    assert_eq!(year_end.at("/items/0/reason"), "year_end");
    // Any valid token may ask.
    app.with_scopes(&["reminders:read"])
        .get("/business-days?from=2026-09-22&to=2026-09-22")
        .await
        .expect(200);
    assert_eq!(
        officer
            .get("/business-days?from=2027-01-01&to=2028-02-04")
            .await
            .expect(200)
            .items("/items")
            .len(),
        400
    );
});

db_test!(days_that_cannot_be_reported_are_refused, |app| {
    let officer = app.officer();
    for query in [
        "from=2027-01-01&to=2028-02-05",
        "from=2027-01-02&to=2027-01-01",
        "from=2027-01-01",
        "from=2027-02-30&to=2027-03-01",
        "from=2006-12-31&to=2007-01-01",
        "from=2099-12-31&to=2100-01-01",
        "from=%2B262142-01-01&to=%2B262142-01-02",
        "from=2027-01-01&to=2027-01-02&organization_id=mayor",
        "from=2027-01-01&to=2027-01-02&organization_id=01960000-0000-7000-8000-000000000021",
    ] {
        officer
            .get(&format!("/business-days?{query}"))
            .await
            .problem(400, "invalid_parameter");
    }
    let misspelt = officer.get("/business-days?from=2027-01-01&until=2027-01-02").await;
    misspelt.problem(400, "unknown_parameter");
    app.anon()
        .get("/business-days?from=2027-01-01&to=2027-01-02")
        .await
        .problem(401, "missing_token");
});
