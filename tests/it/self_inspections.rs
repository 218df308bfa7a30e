//! Self-inspections: each body is asked what its own policy states, every duty is answered, a manager completes it, and the
//! next year's comes by itself.

use kakunin::domain::profile;
use kakunin::domain::vocabulary::CodeWord;
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements::person;
use crate::harness::{TestApp, seed};
use crate::mailroom;
use crate::policy_documents::profile as under;

const PATH: &str = "/self-inspections";

fn body(fiscal_year: i32) -> Value {
    json!({"organization_id": seed::MAYOR, "fiscal_year": fiscal_year})
}

async fn due(app: &TestApp, state: &str) -> Vec<Value> {
    let path = format!("/obligations?kind=self_inspection&state={state}");
    app.officer().get(&path).await.expect(200).items("/items").to_vec()
}

db_test!(each_body_is_asked_what_its_policy_states, |app| {
    let officer = app.officer();
    let profiles = profile::all().unwrap();
    for (key, duties) in [
        ("motosu", 16),
        ("kashiwa_election", 14),
        ("kanagawa_coop", 13),
        ("miyako", 17),
        ("kagoshima_assembly", 16),
    ] {
        let profile = profile::find(&profiles, key).unwrap();
        let new = json!({"key": format!("body_{key}"), "name": profile.title_ja, "name_kana": "きかん",
            "kind": "other", "profile_key": key});
        let organization = officer.post("/organizations", new).await.expect(201).id();
        let new = json!({"organization_id": organization, "fiscal_year": 2027});
        let made = officer.post(PATH, new).await.expect(201);
        let expected: Vec<Value> = profile
            .duties
            .iter()
            .map(|duty| json!([duty.key.code(), duty.section, duty.summary_ja]))
            .collect();
        let asked: Vec<Value> = made
            .items("/duties")
            .iter()
            .map(|duty| json!([duty["duty"], duty["section"], duty["summary"]]))
            .collect();
        assert_eq!(asked, expected, "{key}");
        assert_eq!(asked.len(), duties, "{key}");
        assert_eq!(made.at("/unanswered"), &json!(asked.len()));
        assert_eq!(made.text("/profile_version"), format!("{key}@{}", profile.version));
        let states = |duty: &str| asked.iter().any(|asked| asked[0] == duty);
        assert_eq!(states("individual_standard"), key == "motosu");
        assert_eq!(states("classification"), key != "kanagawa_coop");
        assert_eq!(states("specific_personal_information_regulation"), key == "miyako");
        assert_eq!(
            states("social_media_usage"),
            !["motosu", "kanagawa_coop"].contains(&key)
        );
    }
});

db_test!(every_duty_is_answered_and_a_manager_completes_it, |app| {
    let officer = app.officer();
    let staff = person(&app);
    let department = mailroom::department(&app, 1, None);
    let role = json!([{"organization_id": seed::MAYOR, "department_id": department, "role": "section_security_manager",
        "starts_on": "2027-04-01"}]);
    let manager = json!({"name": "見本 課長", "email": "kacho@city.example.lg.jp", "roles": role});
    let manager = officer.post("/people", manager).await.expect(201).id();
    let made = officer.post(PATH, body(2027)).await.expect(201);
    assert_eq!(made.text("/due_on"), "2028-03-31");
    let open = due(&app, "open").await;
    assert_eq!((open.len(), &open[0]["due_on"]), (1, &json!("2028-03-31")));
    // It is closed by its completion, not at the obligation.
    let verifications = format!("/obligations/{}/verifications", open[0]["id"].as_str().unwrap());
    officer
        .clone()
        .acting(&staff)
        .post(&verifications, json!({"answers": []}))
        .await
        .problem(409, "wrong_obligation_kind");

    let path = made.header("location").to_owned();
    let answer_of = |duty: &str| format!("{path}/answers/{duty}");
    let actor = officer.clone().acting(&staff);
    let met = json!({"answer": "met", "note": "台帳で確かめた。"});
    officer
        .put(&answer_of("contractor_chain"), "*", met.clone())
        .await
        .problem(422, "acting_person_required");
    actor
        .put(&answer_of("contractor_chain"), "", met.clone())
        .await
        .problem(428, "precondition_required");
    actor
        .put(&answer_of("contractor_chain"), "\"9.ja\"", met.clone())
        .await
        .problem(412, "stale_version");
    for duty in ["no_such_duty", "social_media_usage"] {
        actor
            .put(&answer_of(duty), "*", met.clone())
            .await
            .problem(404, "not_found");
    }
    for (answer, pointer, code) in [
        (json!({"answer": "not_applicable"}), "/reason", "required"),
        (json!({"answer": "not_met"}), "/improvement", "required"),
        (
            json!({"answer": "not_met", "improvement": "改める。"}),
            "/improvement_due_on",
            "required",
        ),
        (
            json!({"answer": "not_met", "improvement": "改める。", "improvement_due_on": "2027-03-31"}),
            "/improvement_due_on",
            "date_in_past",
        ),
        (
            json!({"answer": "met", "improvement": "改める。"}),
            "/improvement",
            "only_when_not_met",
        ),
        (
            json!({"answer": "met", "file_id": made.id()}),
            "/file_id",
            "reference_not_found",
        ),
        (
            json!({"answer": "met", "evidence_id": made.id()}),
            "/evidence_id",
            "reference_not_found",
        ),
    ] {
        actor
            .put(&answer_of("contractor_chain"), "*", answer)
            .await
            .invalid(pointer, code);
    }
    assert_eq!(officer.get(&path).await.expect(200).body, made.body);

    let completions = format!("{path}/completions");
    let chief = officer.clone().acting(&manager);
    chief
        .post(&completions, json!({}))
        .await
        .problem(409, "unanswered_duties");
    let mut last = made.clone();
    for (n, duty) in made.items("/duties").iter().enumerate() {
        let answer = match n {
            0 => json!({"answer": "not_met", "improvement": "研修をする。", "improvement_due_on": "2027-09-30"}),
            1 => json!({"answer": "not_applicable", "reason": "該当する者がいない。"}),
            _ => met.clone(),
        };
        last = actor
            .put(&answer_of(duty["duty"].as_str().unwrap()), &last.etag(), answer)
            .await
            .expect(200);
    }
    assert_eq!(
        (last.at("/unanswered"), last.text("/duties/0/improvement")),
        (&json!(0), "研修をする。")
    );
    assert_eq!(last.text("/duties/0/answered_by_person_id"), staff);
    officer
        .post(&completions, json!({}))
        .await
        .problem(422, "acting_person_required");
    actor.post(&completions, json!({})).await.problem(409, "role_required");
    let done = chief
        .post(&completions, json!({"note": "確かめた。"}))
        .await
        .expect(200);
    assert_eq!(
        (done.text("/completed_on"), done.text("/completed_by_person_id")),
        ("2027-04-01", manager.as_str())
    );
    // What is promised is followed up like any other corrective action.
    let actions = officer
        .get("/corrective-actions?origin_kind=self_inspection")
        .await
        .expect(200);
    assert_eq!(actions.items("/items").len(), 1);
    assert_eq!(
        (actions.text("/items/0/note"), actions.text("/items/0/due_on")),
        ("研修をする。", "2027-09-30")
    );
    assert_eq!(actions.text("/items/0/owner/person_id"), staff);
    let mailed = officer.get("/obligations?kind=corrective_action").await.expect(200);
    assert_eq!(mailed.text("/items/0/due_on"), "2027-09-30");
    chief.post(&completions, json!({})).await.problem(409, "already_closed");
    actor
        .put(&answer_of("contractor_chain"), "*", met)
        .await
        .problem(409, "already_closed");
    assert_eq!((due(&app, "open").await.len(), due(&app, "closed").await.len()), (0, 1));
});

db_test!(there_is_one_a_year_and_the_next_comes_by_itself, |app| {
    let officer = app.officer();
    let made = officer.post(PATH, body(2027)).await.expect(201);
    officer
        .post(PATH, body(2027))
        .await
        .problem(409, "duplicate_self_inspection");
    for year in [2025, 2028] {
        officer
            .post(PATH, body(year))
            .await
            .invalid("/fiscal_year", "out_of_range");
    }
    let worker = Worker::new(app.app.clone()).unwrap();
    worker.tick().await.unwrap();
    assert_eq!(officer.get(PATH).await.expect(200).items("/items").len(), 1);
    // A policy that changed meanwhile asks its own duties.
    under(&app, seed::MAYOR, "miyako");
    app.at("2028-04-01T00:10");
    for _ in 0..2 {
        worker.tick().await.unwrap();
    }
    let list = officer.get(&format!("{PATH}?fiscal_year=2028")).await.expect(200);
    assert_eq!(
        list.items("/items").len(),
        1,
        "the assembly has none, because it never had one"
    );
    assert_eq!(
        (list.text("/items/0/organization_id"), list.text("/items/0/due_on")),
        (seed::MAYOR, "2029-03-31")
    );
    assert!(list.text("/items/0/profile_version").starts_with("miyako@"));
    assert_eq!(
        officer.get(made.header("location")).await.expect(200).at("/duties"),
        made.at("/duties")
    );
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.get(made.header("location")).await.problem(404, "not_found");
        assert_eq!(outsider.get(PATH).await.expect(200).items("/items").len(), 0);
        outsider
            .post(PATH, body(2028))
            .await
            .invalid("/organization_id", "reference_not_found");
    }
});
