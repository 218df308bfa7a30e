//! Engagements over the wire, and what follows from them: periods, clauses, risk, rounds, decisions.

use diesel::prelude::*;
use kakunin::db::schema::{obligation_cycles, people, round_clauses};
use serde_json::{Value, json};

use crate::harness::{Actor, Answered, TestApp, seed};

/// A contractor's id.
pub async fn contractor(app: &TestApp) -> String {
    let new = json!({"name": "株式会社みどり情報サービス"});
    app.officer().post("/contractors", new).await.expect(201).id()
}

/// Facts of an engagement without personal information, in tier 3.
pub fn plain_facts() -> Value {
    json!({
        "confidentiality": "c2", "integrity": "i1", "availability": "a1", "handles_personal_information": false,
        "handles_sensitive_personal_information": false, "handles_specific_personal_information": false,
        "data_subjects": "none", "subcontracting": "none", "network_zones": ["internet"],
        "access_mode": "offsite_copy", "internet_facing": false, "jurisdiction": "domestic",
        "terms_form": "negotiated", "substitutability": "easy", "engagement_kind": "clerical_work",
        "includes_equipment": false, "procured_on": "2027-04-01", "emergency_channel": false,
        "audience_size": 0, "operation_delegated": false,
    })
}

/// A contract of the fiscal year 2027 that is being performed.
fn running(name: &str, contractor_id: &str) -> Value {
    json!({
        "organization_id": seed::MAYOR, "name": name, "contractor_id": contractor_id, "facts": plain_facts(),
        "registered_as_existing": true, "status": "in_performance", "started_on": "2027-04-01",
        "period": {"contract_number": "R9-0001", "starts_on": "2027-04-01", "ends_on": "2028-03-31"},
    })
}

pub async fn registered(app: &TestApp) -> Answered {
    let new = running("広報紙の発送業務", &contractor(app).await);
    app.officer().post("/engagements", new).await.expect(201)
}

/// Someone of 本巣市, put there directly.
pub fn person(app: &TestApp) -> String {
    let at = app.clock.now();
    let id = app.app.random.id(at);
    app.db(|conn| {
        diesel::insert_into(people::table)
            .values((
                people::local_government_id.eq(seed::MOTOSU),
                people::id.eq(&id),
                people::name.eq("本巣 花子"),
                people::search_text.eq("本巣花子"),
                people::version.eq(1),
                people::created_at.eq(at),
                people::created_by.eq("system"),
                people::updated_at.eq(at),
                people::updated_by.eq("system"),
            ))
            .execute(conn)
    });
    id
}

/// The open obligation of this kind of an entry.
pub async fn obligation(officer: &Actor<'_>, entry_id: &str, kind: &str) -> Answered {
    let path = format!("/obligations?entry_id={entry_id}&kind={kind}");
    let list = officer.get(&path).await.expect(200);
    assert_eq!(list.items("/items").len(), 1, "{kind}: {:#}", list.body);
    let id = list.text("/items/0/id").to_owned();
    let one = officer.get(&format!("/obligations/{id}")).await.expect(200);
    assert_eq!(one.at(""), list.at("/items/0"));
    one
}

async fn score(officer: &Actor<'_>, entry_id: &str) -> i64 {
    let risk = officer.get(&format!("/entries/{entry_id}/risk")).await.expect(200);
    let score = risk.at("/assessment/residual_score_x100").as_i64().unwrap();
    let entry = officer.get(&format!("/entries/{entry_id}")).await.expect(200);
    assert_eq!(entry.at("/risk/residual_score_x100"), score);
    assert_eq!(entry.at("/risk/residual_level"), risk.at("/assessment/residual_level"));
    score
}

fn names(list: &Answered) -> Vec<&str> {
    list.items("/items")
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

db_test!(an_engagement_is_drafted_read_listed_and_archived, |app| {
    let officer = app.officer();
    let made = officer
        .post(
            "/engagements",
            json!({"organization_id": seed::MAYOR, "name": "封入封緘業務"}),
        )
        .await
        .expect(201);
    assert_eq!(made.text("/status"), "draft");
    assert_eq!(made.text("/control_number"), "EN-2027-0001");
    assert_eq!(made.text("/legal_form"), "contract");
    assert_eq!(made.at("/current_period"), &Value::Null);
    let path = made.header("location").to_owned();
    let read = officer.get(&path).await.expect(200);
    assert_eq!((read.body.clone(), read.etag()), (made.body.clone(), made.etag()));
    let list = officer.get("/engagements").await.expect(200);
    assert_eq!(list.at("/items"), &json!([made.body]));
    let entry = officer.get(&format!("/entries/{}", made.id())).await.expect(200);
    assert_eq!(entry.etag(), made.etag());
    officer.delete(&path, "").await.problem(428, "precondition_required");
    officer.delete(&path, "\"0.ja\"").await.problem(412, "stale_version");
    officer.delete(&path, &made.etag()).await.expect(204);
    assert_eq!(officer.get("/engagements").await.expect(200).items("/items").len(), 0);
    let all = officer.get("/engagements?include_archived=true").await.expect(200);
    assert!(all.at("/items/0/archived_at").is_string());
});

db_test!(facts_merge_key_by_key_and_null_means_what_the_media_type_says, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let path = made.header("location").to_owned();
    let body = json!({
        "name": "広報紙の発送", "name_kana": "コウホウシノハッソウ", "procurement_method": "negotiated",
        "note": null, "facts": {"confidentiality": "c1", "integrity": null},
    });
    let changed = officer.patch(&path, &made.etag(), body).await.expect(200);
    assert_eq!(changed.text("/name"), "広報紙の発送");
    assert_eq!(changed.text("/facts/confidentiality"), "c1");
    assert_eq!(
        changed.text("/facts/integrity"),
        "i1",
        "null means nothing in application/json"
    );
    assert_eq!(
        changed.text("/facts/access_mode"),
        "offsite_copy",
        "what is absent stays"
    );
    officer
        .patch(&path, &made.etag(), json!({"name": "遅れた変更"}))
        .await
        .problem(412, "stale_version");

    let clear = json!({"clear": ["name_kana", "facts.integrity"], "facts": {"audience_size": 10}});
    let cleared = officer.patch(&path, &changed.etag(), clear).await.expect(200);
    assert_eq!(cleared.at("/name_kana"), &Value::Null);
    assert_eq!(cleared.body["facts"].get("integrity"), None);
    assert_eq!(cleared.at("/facts/audience_size"), 10);
    let both = json!({"clear": ["facts.integrity"], "facts": {"integrity": "i2"}});
    officer
        .patch(&path, &cleared.etag(), both)
        .await
        .invalid("/facts/integrity", "set_and_cleared");
    officer
        .patch(&path, &cleared.etag(), json!({"clear": ["facts.colour"]}))
        .await
        .invalid("/facts/colour", "unknown_field");
    officer
        .patch(&path, &cleared.etag(), json!({"clear": ["name"]}))
        .await
        .invalid("/name", "null_not_allowed");
    officer
        .patch(&path, &cleared.etag(), json!({"clear": ["owner.post_id"]}))
        .await
        .invalid("/owner/post_id", "null_not_allowed");

    let merge = json!({"procurement_method": null, "facts": {"audience_size": null, "subcontracting": "one_tier"}});
    let merged = officer.merge_patch(&path, &cleared.etag(), merge).await.expect(200);
    assert_eq!(merged.at("/procurement_method"), &Value::Null);
    assert_eq!(merged.body["facts"].get("audience_size"), None);
    assert_eq!(merged.text("/facts/subcontracting"), "one_tier");
    assert_eq!(merged.text("/facts/confidentiality"), "c1");
    let read = officer.get(&path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&merged.body, merged.etag()));
});

db_test!(
    a_running_contract_enters_in_its_true_state_or_is_told_what_is_missing,
    |app| {
        let made = registered(&app).await;
        assert_eq!(made.text("/status"), "in_performance");
        assert_eq!(made.text("/phase"), "active");
        assert_eq!(made.text("/current_period/ends_on"), "2028-03-31");
        // What the guards would have asked for is a gap, due within six months.
        assert_eq!(made.text("/next_due_on"), "2027-10-01");
        assert_eq!(made.at("/risk/inherent_tier"), 3);

        let full = running("確かめる業務", made.text("/contractor_id"));
        let without = |name: &str| {
            let mut body = full.clone();
            body.as_object_mut().unwrap().remove(name);
            body
        };
        let with = |name: &str, value: Value| {
            let mut body = full.clone();
            body[name] = value;
            body
        };
        let none = "01960000-0000-7000-8000-0000000000ff";
        for (body, pointer, code) in [
            (
                with("registered_as_existing", json!(false)),
                "/status",
                "status_needs_existing",
            ),
            (with("status", json!("in_use")), "/status", "not_in_enum"),
            (without("started_on"), "/started_on", "required"),
            (with("started_on", json!("2027-04-02")), "/started_on", "out_of_range"),
            (without("contractor_id"), "/contractor_id", "required"),
            (without("period"), "/period", "required"),
            (
                with("contractor_id", json!(none)),
                "/contractor_id",
                "reference_not_found",
            ),
            (
                with("organization_id", json!(none)),
                "/organization_id",
                "reference_not_found",
            ),
            (
                with("contracting_organization_id", json!(none)),
                "/contracting_organization_id",
                "reference_not_found",
            ),
            (
                with("period", json!({"starts_on": "2027-04-01", "ends_on": "2027-03-31"})),
                "/period/ends_on",
                "date_order",
            ),
            (with("owner", json!({})), "/owner", "one_of_two"),
        ] {
            app.officer().post("/engagements", body).await.invalid(pointer, code);
        }
        let list = app.officer().get("/engagements").await.expect(200);
        assert_eq!(list.items("/items").len(), 1, "a refused one leaves nothing behind");
    }
);

db_test!(candidates_keep_their_order_and_are_replaced_whole, |app| {
    let officer = app.officer();
    let mut bidders = vec![];
    for _ in 0..4 {
        bidders.push(contractor(&app).await);
    }
    bidders.swap(0, 3);
    let pending: Vec<Value> = bidders
        .iter()
        .map(|id| json!({"contractor_id": id, "result": "pending"}))
        .collect();
    let new = json!({"organization_id": seed::MAYOR, "name": "健診業務", "candidates": pending});
    let made = officer.post("/engagements", new).await.expect(201);
    let named: Vec<_> = made
        .items("/candidates")
        .iter()
        .map(|c| c["contractor_id"].as_str().unwrap())
        .collect();
    assert_eq!(named, bidders);
    let path = made.header("location").to_owned();
    let none = json!({"candidates": []});
    let changed = officer.patch(&path, &made.etag(), none).await.expect(200);
    assert_eq!(changed.items("/candidates").len(), 0);
    let unknown = json!({"candidates": [{"contractor_id": made.id(), "result": "pending"}]});
    officer
        .patch(&path, &changed.etag(), unknown)
        .await
        .invalid("/candidates/0/contractor_id", "reference_not_found");
});

db_test!(a_period_that_moves_arms_its_end_anew, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let before = obligation(&officer, &made.id(), "contract_end").await;
    assert_eq!((before.text("/due_on"), before.at("/cycle")), ("2028-03-31", &json!(1)));

    let periods = format!("/engagements/{}/periods", made.id());
    let period = officer.get(&periods).await.expect(200);
    assert_eq!(period.at("/items/0"), made.at("/current_period"));
    let path = format!("/engagement-periods/{}", period.text("/items/0/id"));
    let longer = json!({"ends_on": "2028-09-30", "notice_deadline_on": "2028-06-30"});
    officer
        .patch(&path, "\"9.ja\"", longer.clone())
        .await
        .problem(412, "stale_version");
    let changed = officer.patch(&path, "\"1.ja\"", longer).await.expect(200);
    assert_eq!(
        (changed.at("/version"), changed.etag().as_str()),
        (&json!(2), "\"2.ja\"")
    );

    let after = obligation(&officer, &made.id(), "contract_end").await;
    assert_eq!(after.id(), before.id());
    assert_eq!((after.text("/due_on"), after.at("/cycle")), ("2028-09-30", &json!(2)));
    let notice = obligation(&officer, &made.id(), "notice_deadline").await;
    assert_eq!(notice.text("/due_on"), "2028-06-30");
    let cycles: Vec<(i32, String)> = app.db(|conn| {
        obligation_cycles::table
            .filter(obligation_cycles::obligation_id.eq(before.id()))
            .order(obligation_cycles::cycle)
            .select((obligation_cycles::cycle, obligation_cycles::state))
            .load(conn)
    });
    assert_eq!(cycles, [(1, "rescheduled".to_owned()), (2, "open".to_owned())]);
    // The round follows the period: sixty days before its new end, but no later than a year after the start.
    let round = obligation(&officer, &made.id(), "reverification").await;
    assert_eq!(round.text("/due_on"), "2028-01-28");

    let cleared = officer
        .merge_patch(
            &path,
            &changed.etag(),
            json!({"notice_deadline_on": null, "ends_on": "2028-03-31"}),
        )
        .await
        .expect(200);
    assert_eq!(cleared.at("/notice_deadline_on"), &Value::Null);
    let open = officer
        .get(&format!("/obligations?entry_id={}", made.id()))
        .await
        .expect(200);
    let due: Vec<_> = open
        .items("/items")
        .iter()
        .map(|o| (o["kind"].as_str().unwrap(), &o["due_on"]))
        .collect();
    assert_eq!(
        due,
        [
            ("gap", &json!("2027-10-01")),
            ("reverification", &json!("2028-01-31")),
            ("contract_end", &json!("2028-03-31"))
        ]
    );

    // The next period waits for its first day.
    let next = json!({"starts_on": "2028-04-01", "ends_on": "2029-03-31"});
    let added = officer.post(&periods, next).await.expect(201);
    assert_eq!(added.at("/sequence"), 2);
    let engagement = officer.get(made.header("location")).await.expect(200);
    assert_eq!(engagement.text("/current_period/ends_on"), "2028-03-31");
    officer
        .post(&periods, json!({"starts_on": "2028-04-01", "ends_on": "2028-03-01"}))
        .await
        .invalid("/ends_on", "date_order");
});

db_test!(the_stored_risk_explains_itself_and_follows_the_clauses, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let risk = officer.get(&format!("/entries/{id}/risk")).await.expect(200);
    assert_eq!(risk.text("/trigger"), "created");
    assert!(risk.text("/profile_version").starts_with("motosu@"));
    let before = score(&officer, &id).await;

    let clauses = officer.get(&format!("/entries/{id}/clauses")).await.expect(200);
    let required = clauses.items("/items").to_vec();
    assert_eq!(required.len(), risk.items("/assessment/clauses").len());
    let clause = required
        .iter()
        .find(|c| c["clause_key"] == "confidentiality-obligation")
        .unwrap();
    assert_eq!(clause["status"], "missing");
    let path = format!("/entries/{id}/clauses/confidentiality-obligation");
    let agreed = json!({"agreed": {"article": "第12条", "agreed_on": "2027-04-01"}, "verified_on": "2027-04-01"});
    officer
        .put(&path, "", agreed.clone())
        .await
        .problem(428, "precondition_required");
    let tag = clause["etag"].as_str().unwrap();
    let put = officer.put(&path, tag, agreed).await.expect(200);
    assert_eq!(put.text("/status"), "verified");
    assert_eq!(put.text("/agreement/article"), "第12条");
    officer.put(&path, tag, json!({})).await.problem(412, "stale_version");
    let after = score(&officer, &id).await;
    assert!(after < before, "{after} is not below {before}");
    officer.put(&path, &put.etag(), json!({})).await.expect(200);
    assert_eq!(score(&officer, &id).await, before);
    let history = officer.get(&format!("/entries/{id}/risk-history")).await.expect(200);
    let scores: Vec<_> = history
        .items("/items")
        .iter()
        .map(|a| a["assessment"]["residual_score_x100"].as_i64().unwrap())
        .collect();
    assert_eq!(scores, [before, after, before], "newest first");
    officer
        .put(&format!("/entries/{id}/clauses/no-such-clause"), "*", json!({}))
        .await
        .problem(404, "not_found");
});

db_test!(changed_facts_change_clauses_risk_and_dates_at_once, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let before = score(&officer, &made.id()).await;
    let facts = json!({"facts": {"confidentiality": "c3b", "handles_personal_information": true,
        "handles_specific_personal_information": true, "data_subjects": "over_10000", "access_mode": "remote",
        "integrity": "i2", "availability": "a2", "network_zones": ["my_number"], "subcontracting": "one_tier"}});
    let changed = officer
        .patch(made.header("location"), &made.etag(), facts)
        .await
        .expect(200);
    assert_eq!(changed.at("/risk/inherent_tier"), 1);
    assert!(score(&officer, &made.id()).await > before);
    // Tier 1: every six months.
    let round = obligation(&officer, &made.id(), "reverification").await;
    assert!(round.text("/due_on") < "2027-10-02", "{:#}", round.body);
    assert_eq!(round.at("/cycle"), 2);
    let keys: Vec<_> = round
        .items("/clauses")
        .iter()
        .map(|c| c["clause_key"].as_str().unwrap())
        .collect();
    assert!(keys.contains(&"my-number-subcontract-permission"), "{keys:?}");
});

db_test!(the_ledger_filters_and_sorts, |app| {
    let officer = app.officer();
    let company = contractor(&app).await;
    officer
        .post(
            "/engagements",
            json!({"organization_id": seed::MAYOR, "name": "下書きの業務", "facts": {"confidentiality": "c1"}}),
        )
        .await
        .expect(201);
    officer
        .post("/engagements", running("住民健診業務", &company))
        .await
        .expect(201);
    let mut other = running("議会中継業務", &company);
    other["organization_id"] = json!(seed::ASSEMBLY);
    other["control_number"] = json!("A-001");
    other["period"]["ends_on"] = json!("2027-09-30");
    officer.post("/engagements", other).await.expect(201);

    for (query, expected) in [
        ("", vec!["下書きの業務", "住民健診業務", "議会中継業務"]),
        (
            "sort=control_number",
            vec!["議会中継業務", "下書きの業務", "住民健診業務"],
        ),
        ("sort=next_due_on", vec!["議会中継業務", "住民健診業務"]),
        ("status=draft", vec!["下書きの業務"]),
        ("phase=active", vec!["住民健診業務", "議会中継業務"]),
        ("kind=cloud_service", vec![]),
        (
            "kind=contractor_engagement&status=in_performance",
            vec!["住民健診業務", "議会中継業務"],
        ),
        (&format!("organization_id={}", seed::ASSEMBLY), vec!["議会中継業務"]),
        ("next_due_from=2027-10-01", vec!["住民健診業務"]),
        ("next_due_to=2027-09-30", vec!["議会中継業務"]),
        ("inherent_tier=3&limit=1", vec!["住民健診業務"]),
        ("q=%E5%81%A5%E8%A8%BA", vec!["住民健診業務"]),
        ("q=a-001", vec!["議会中継業務"]),
    ] {
        let list = officer.get(&format!("/entries?{query}")).await.expect(200);
        assert_eq!(names(&list), expected, "{query}");
    }
    let by_risk = officer.get("/entries?sort=-residual_score").await.expect(200);
    let scores: Vec<_> = by_risk
        .items("/items")
        .iter()
        .map(|i| i["risk"]["residual_score_x100"].as_i64())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for sort in ["id", "next_due_on", "-residual_score", "control_number"] {
        let whole = officer.get(&format!("/entries?sort={sort}")).await.expect(200);
        let mut seen = vec![];
        let mut next = format!("/entries?sort={sort}&limit=1");
        loop {
            let page = officer.get(&next).await.expect(200);
            seen.extend(page.items("/items").to_vec());
            let Some(cursor) = page.body["next_cursor"].as_str() else {
                break;
            };
            next = format!("/entries?sort={sort}&limit=1&cursor={cursor}");
        }
        assert_eq!(seen, whole.items("/items"), "{sort}");
    }
    officer
        .get("/entries?colour=red")
        .await
        .problem(400, "unknown_parameter");
    officer.get("/entries?limit=0").await.problem(400, "invalid_parameter");
});

db_test!(a_fiscal_year_contract_is_confirmed_by_the_end_of_january, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let round = obligation(&officer, &id, "reverification").await;
    assert_eq!((round.text("/due_on"), round.at("/cycle")), ("2028-01-31", &json!(1)));
    let keys: Vec<String> = round
        .items("/clauses")
        .iter()
        .map(|clause| clause["clause_key"].as_str().unwrap().to_owned())
        .collect();
    assert!(keys.len() > 5, "{keys:?}");
    let before = score(&officer, &id).await;

    app.at("2028-01-11T10:00");
    let path = format!("/obligations/{}/verifications", round.id());
    let answers = |keys: &[String]| -> Vec<Value> {
        keys.iter()
            .map(|key| json!({"clause_key": key, "answer": "met"}))
            .collect()
    };
    officer
        .post(&path, json!({"answers": answers(&keys)}))
        .await
        .problem(422, "acting_person_required");
    let owner = officer.clone().acting(&person(&app));
    owner.post(&path, json!({})).await.invalid("/answers", "required");
    let strange = json!({"answers": [{"clause_key": "no-such-clause", "answer": "met"}]});
    owner
        .post(&path, strange)
        .await
        .invalid("/answers/0/clause_key", "reference_not_found");
    let early = json!({"answers": answers(&keys), "verified_on": "2028-01-12"});
    owner.post(&path, early).await.invalid("/verified_on", "out_of_range");

    let first = owner
        .post(&path, json!({"answers": answers(&keys[..1])}))
        .await
        .expect(201);
    assert_eq!(first.at("/next_due_on"), &Value::Null);
    let half = obligation(&officer, &id, "reverification").await;
    assert_eq!((half.text("/state"), half.at("/cycle")), ("open", &json!(1)));
    let answered: Vec<_> = half.items("/clauses").iter().filter(|c| c["answer"] == "met").collect();
    assert_eq!(answered.len(), 1);
    owner
        .post(&path, json!({"answers": answers(&keys[..1])}))
        .await
        .invalid("/answers/0/clause_key", "already_answered");

    let rest = json!({"answers": answers(&keys[1..]), "method": "on_site"});
    let last = owner.post(&path, rest).await.expect(201);
    assert_eq!((last.text("/result"), last.text("/next_due_on")), ("met", "2029-01-31"));
    let read = officer.get(last.header("location")).await.expect(200);
    assert_eq!(read.body, last.body);
    let list = officer.get(&format!("/verifications?entry_id={id}")).await.expect(200);
    assert_eq!(list.items("/items").len(), 2);
    let next = obligation(&officer, &id, "reverification").await;
    assert_eq!((next.text("/due_on"), next.at("/cycle")), ("2029-01-31", &json!(2)));
    assert!(next.items("/clauses").iter().all(|clause| clause["answer"].is_null()));
    let after = score(&officer, &id).await;
    assert!(after < before, "{after} is not below {before}");
    // What is met but not agreed in the contract is worth a declaration.
    let clauses = officer.get(&format!("/entries/{id}/clauses")).await.expect(200);
    let statuses: Vec<_> = clauses
        .items("/items")
        .iter()
        .map(|clause| clause["status"].as_str().unwrap())
        .collect();
    assert!(
        statuses.contains(&"verified") && statuses.contains(&"declared"),
        "{statuses:?}"
    );
    assert!(!statuses.contains(&"missing"), "{statuses:?}");
    let entry = officer.get(&format!("/entries/{id}")).await.expect(200);
    // Met is not agreed: the gap of the registration stays until the contract says it.
    assert_eq!(entry.text("/next_due_on"), "2027-10-01");
});

db_test!(what_is_found_unmet_closes_the_round_and_stays_missing, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let round = obligation(&officer, &id, "reverification").await;
    app.at("2028-01-11T10:00");
    let answers: Vec<Value> = round
        .items("/clauses")
        .iter()
        .enumerate()
        .map(
            |(i, clause)| json!({"clause_key": clause["clause_key"], "answer": if i == 0 { "not_met" } else { "met" }}),
        )
        .collect();
    let path = format!("/obligations/{}/verifications", round.id());
    let made = officer
        .clone()
        .acting(&person(&app))
        .post(&path, json!({"answers": answers}))
        .await
        .expect(201);
    assert_eq!(made.text("/result"), "not_met");
    let clauses = officer.get(&format!("/entries/{id}/clauses")).await.expect(200);
    let unmet = clauses
        .items("/items")
        .iter()
        .find(|c| c["clause_key"] == round.body["clauses"][0]["clause_key"]);
    assert_eq!(unmet.unwrap()["status"], "missing");
    assert_eq!(obligation(&officer, &id, "reverification").await.at("/cycle"), 2);
});

db_test!(
    a_round_that_ends_with_its_evidence_is_asked_again_for_the_same_day,
    |app| {
        let officer = app.officer();
        let id = registered(&app).await.id();
        let certificate = json!({"organization_id": seed::MAYOR, "entry_id": id, "kind": "certificate",
            "title": "ISMS認証登録証", "valid_until_on": "2027-09-30"});
        let certificate = officer.post("/evidence", certificate).await.expect(201).id();
        let clause = format!("/entries/{id}/clauses/confidentiality-obligation");
        let agreed = json!({"agreed": {}, "verified_on": "2027-04-01", "evidence_id": certificate});
        officer.put(&clause, "*", agreed).await.expect(200);
        let round = obligation(&officer, &id, "reverification").await;
        assert_eq!(round.text("/due_on"), "2027-09-30");
        app.at("2027-09-10T09:00");
        let answers: Vec<Value> = round
            .items("/clauses")
            .iter()
            .map(|clause| json!({"clause_key": clause["clause_key"], "answer": "met", "evidence_id": certificate}))
            .collect();
        let path = format!("/obligations/{}/verifications", round.id());
        let made = officer
            .clone()
            .acting(&person(&app))
            .post(&path, json!({"answers": answers}))
            .await
            .expect(201);
        assert_eq!(made.text("/next_due_on"), "2027-09-30");
        let again = obligation(&officer, &id, "reverification").await;
        assert_eq!((again.text("/due_on"), again.text("/state")), ("2027-09-30", "open"));
        let kept: i64 = app.db(|conn| {
            round_clauses::table
                .filter(round_clauses::obligation_id.eq(round.id()))
                .filter(round_clauses::answer.eq(Some("met")))
                .count()
                .get_result(conn)
        });
        assert_eq!(
            usize::try_from(kept),
            Ok(answers.len()),
            "the answers of the closed cycle stay"
        );
    }
);

db_test!(a_decision_closes_the_contract_end, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let end = obligation(&officer, &id, "contract_end").await;
    let path = format!("/obligations/{}/decisions", end.id());
    let decision = json!({"decision": "renew", "decided_on": "2027-12-01", "document_number": "本情第123号"});
    app.at("2027-12-02T10:00");
    officer
        .post(&path, decision.clone())
        .await
        .problem(422, "acting_person_required");
    let owner = officer.clone().acting(&person(&app));
    owner
        .post(&path, json!({"decision": "renew", "decided_on": "2027-12-03"}))
        .await
        .invalid("/decided_on", "out_of_range");
    let verification = format!("/obligations/{}/verifications", end.id());
    owner
        .post(&verification, json!({}))
        .await
        .problem(409, "wrong_obligation_kind");
    let before = officer.get(&format!("/entries/{id}")).await.expect(200);
    let closed = owner.post(&path, decision.clone()).await.expect(200);
    let after = officer.get(&format!("/entries/{id}")).await.expect(200);
    assert_eq!(before.body == after.body, before.etag() == after.etag());
    assert_eq!((closed.text("/state"), closed.text("/outcome")), ("closed", "renew"));
    assert_eq!(closed.at("/next_step_on"), &Value::Null);
    owner.post(&path, decision).await.problem(409, "already_closed");
    let round = obligation(&officer, &id, "reverification").await;
    let wrong = format!("/obligations/{}/decisions", round.id());
    owner
        .post(&wrong, json!({"decision": "end"}))
        .await
        .problem(409, "wrong_obligation_kind");
    let open = officer.get(&format!("/obligations?entry_id={id}")).await.expect(200);
    let kinds: Vec<_> = open
        .items("/items")
        .iter()
        .map(|o| o["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["gap", "reverification"]);
    let shut = officer
        .get(&format!("/obligations?entry_id={id}&state=closed"))
        .await
        .expect(200);
    assert_eq!(shut.text("/items/0/id"), end.id());

    // Decided once, it is asked again only when the end moves.
    let engagement = officer.get(&format!("/engagements/{id}")).await.expect(200);
    let facts = json!({"facts": {"audience_size": 5}});
    officer
        .patch(&format!("/engagements/{id}"), &engagement.etag(), facts)
        .await
        .expect(200);
    let still = officer.get(&format!("/obligations/{}", end.id())).await.expect(200);
    assert_eq!(still.text("/state"), "closed");
    let period = format!("/engagement-periods/{}", engagement.text("/current_period/id"));
    officer
        .patch(&period, "*", json!({"ends_on": "2028-06-30"}))
        .await
        .expect(200);
    let again = obligation(&officer, &id, "contract_end").await;
    assert_eq!((again.text("/due_on"), again.at("/cycle")), ("2028-06-30", &json!(2)));
});

db_test!(a_running_engagement_is_not_archived_and_a_draft_has_no_dates, |app| {
    let officer = app.officer();
    let made = registered(&app).await;
    let path = made.header("location").to_owned();
    officer
        .delete(&path, &made.etag())
        .await
        .problem(409, "open_items_remain");
    let draft = json!({"organization_id": seed::MAYOR, "name": "来年度の業務",
        "period": {"starts_on": "2028-04-01", "ends_on": "2029-03-31"}});
    let draft = officer.post("/engagements", draft).await.expect(201);
    assert_eq!(draft.at("/next_due_on"), &Value::Null);
    let open = officer
        .get(&format!("/obligations?entry_id={}", draft.id()))
        .await
        .expect(200);
    assert_eq!(open.items("/items").len(), 0);
});

db_test!(nothing_is_seen_from_another_tenant_or_organization, |app| {
    let made = registered(&app).await;
    let (id, officer) = (made.id(), app.officer());
    let round = obligation(&officer, &id, "reverification").await.id();
    let period = made.text("/current_period/id");
    let limited = app.limited(&[seed::ASSEMBLY]);
    for outsider in [app.stranger(), limited.clone()] {
        for path in [
            format!("/engagements/{id}"),
            format!("/engagements/{id}/periods"),
            format!("/entries/{id}"),
            format!("/entries/{id}/clauses"),
            format!("/entries/{id}/risk"),
            format!("/entries/{id}/risk-history"),
            format!("/obligations/{round}"),
        ] {
            outsider.get(&path).await.problem(404, "not_found");
        }
        for list in [
            "/engagements".to_owned(),
            "/entries".to_owned(),
            format!("/obligations?entry_id={id}"),
        ] {
            assert_eq!(outsider.get(&list).await.expect(200).items("/items").len(), 0, "{list}");
        }
        let path = format!("/engagements/{id}");
        outsider
            .patch(&path, "*", json!({"name": "奪取"}))
            .await
            .problem(404, "not_found");
        outsider.delete(&path, "*").await.problem(404, "not_found");
        let period = format!("/engagement-periods/{period}");
        outsider
            .patch(&period, "*", json!({"amount_jpy": 1}))
            .await
            .problem(404, "not_found");
        let new = json!({"starts_on": "2028-04-01", "ends_on": "2029-03-31"});
        outsider
            .post(&format!("/engagements/{id}/periods"), new)
            .await
            .problem(404, "not_found");
        let clause = format!("/entries/{id}/clauses/confidentiality-obligation");
        outsider
            .put(&clause, "*", json!({"declared": true}))
            .await
            .problem(404, "not_found");
        outsider
            .post(
                "/engagements",
                json!({"organization_id": seed::MAYOR, "name": "よその業務"}),
            )
            .await
            .invalid("/organization_id", "reference_not_found");
    }
    let mine = json!({"organization_id": seed::ASSEMBLY, "name": "議事録作成業務"});
    let mine = limited.post("/engagements", mine).await.expect(201);
    assert_eq!(limited.get("/entries").await.expect(200).items("/items").len(), 1);
    limited.get(mine.header("location")).await.expect(200);
    officer
        .get(&format!("/cloud-services/{id}"))
        .await
        .problem(404, "not_found");
    app.with_scopes(&["entries:read"])
        .post(
            "/engagements",
            json!({"organization_id": seed::MAYOR, "name": "権限のない登録"}),
        )
        .await
        .problem(403, "insufficient_scope");
});
