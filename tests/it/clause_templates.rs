//! Clause templates: editions and their articles, and what applying one to a period does and leaves to do.

use serde_json::{Value, json};

use crate::engagements::{obligation, registered};
use crate::files;
use crate::harness::{Answered, TestApp, seed};

const NOBODY: &str = "01960000-0000-7000-8000-0000000000ff";
const CONFIDENTIALITY: &str = "confidentiality-obligation";
const PURPOSE: &str = "purpose-limitation";
const RETURN: &str = "return-and-disposal";
const UNNEEDED: &str = "my-number-supervision";

fn article(clause_key: &str, article: &str) -> Value {
    json!({"clause_key": clause_key, "article": article})
}

fn annex(edition: &str) -> Value {
    json!({"organization_id": seed::MAYOR, "name": "情報セキュリティ特記仕様書", "edition": edition,
        "valid_from_on": "2027-04-01", "articles": [
            {"clause_key": RETURN, "article": "第9条", "quotation": "受託者は、業務の終了後直ちに返還する。"},
            article(CONFIDENTIALITY, "第4条"), article(PURPOSE, "第5条"), article(UNNEEDED, "第12条")]})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn made(app: &TestApp, body: Value) -> Answered {
    app.officer().post("/clause-templates", body).await.expect(201)
}

async fn house_evidence(app: &TestApp, valid_until_on: Option<&str>) -> Answered {
    let mut body = json!({"organization_id": seed::MAYOR, "kind": "contract_clause", "title": "標準特記仕様書"});
    if let Some(on) = valid_until_on {
        body["valid_until_on"] = json!(on);
    }
    app.officer().post("/evidence", body).await.expect(201)
}

async fn clause(app: &TestApp, entry_id: &str, key: &str) -> Value {
    let path = format!("/entries/{entry_id}/clauses");
    let list = app.officer().get(&path).await.expect(200);
    let found = list.items("/items").iter().find(|item| item["clause_key"] == key);
    found.cloned().unwrap_or_default()
}

fn keys(answered: &Answered, list: &str) -> Vec<String> {
    let text = |item: &Value| item["clause_key"].as_str().unwrap().to_owned();
    answered.items(list).iter().map(text).collect()
}

db_test!(a_template_is_registered_changed_and_archived, |app| {
    let officer = app.officer();
    let file = files::paper(&officer, seed::MAYOR).await.id();
    let template = made(&app, with(annex("令和9年4月版"), "file_id", json!(file))).await;
    let path = template.header("location").to_owned();
    assert_eq!(path, format!("/api/v1/clause-templates/{}", template.id()));
    assert_eq!(
        keys(&template, "/articles"),
        [RETURN, CONFIDENTIALITY, PURPOSE, UNNEEDED]
    );
    let read = officer.get(&path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&template.body, template.etag()));
    officer
        .post("/clause-templates", annex("令和9年4月版"))
        .await
        .problem(409, "duplicate_clause_template");
    let other = made(&app, with(annex("令和10年4月版"), "valid_from_on", json!("2028-04-01"))).await;

    let changes = json!({"articles": [article(PURPOSE, "第6条")], "valid_to_on": "2028-03-31", "note": "改訂予定"});
    let changed = officer.patch(&path, &template.etag(), changes).await.expect(200);
    assert_eq!(keys(&changed, "/articles"), [PURPOSE]);
    officer
        .patch(&path, &template.etag(), json!({"note": "別"}))
        .await
        .problem(412, "stale_version");
    officer
        .patch(&path, "", json!({"note": "別"}))
        .await
        .problem(428, "precondition_required");
    let same = json!({"edition": "令和10年4月版"});
    officer
        .patch(&path, "*", same)
        .await
        .problem(409, "duplicate_clause_template");
    for (query, count) in [
        ("", 2),
        ("?valid_on=2027-04-01", 1),
        ("?valid_on=2028-03-31", 1),
        ("?valid_on=2028-04-01", 1),
        ("?valid_on=2027-03-31", 0),
        ("?limit=1", 1),
    ] {
        let list = officer.get(&format!("/clause-templates{query}")).await.expect(200);
        assert_eq!(list.items("/items").len(), count, "{query}");
        assert!(list.items("/items").iter().all(|item| item.get("articles").is_none()));
    }
    let cleared = officer
        .merge_patch(&path, "*", json!({"valid_to_on": null}))
        .await
        .expect(200);
    assert_eq!(cleared.at("/valid_to_on"), &Value::Null);

    let archived = officer.patch(&path, "*", json!({"archived": true})).await.expect(200);
    assert_ne!(archived.at("/archived_at"), &Value::Null);
    officer
        .patch(&path, "*", json!({"note": "別"}))
        .await
        .problem(409, "archived");
    let list = officer.get("/clause-templates").await.expect(200);
    assert_eq!(list.items("/items").len(), 1);
    assert_eq!(list.text("/items/0/id"), other.id());
    let all = officer.get("/clause-templates?include_archived=true").await.expect(200);
    assert_eq!(all.items("/items").len(), 2);
    let back = officer
        .patch(&path, "*", json!({"archived": false, "note": "別"}))
        .await
        .expect(200);
    assert_eq!((back.at("/archived_at"), back.text("/note")), (&Value::Null, "別"));
});

db_test!(a_template_keeps_the_rules_or_nothing_is_kept, |app| {
    let officer = app.officer();
    let file = files::paper(&officer, seed::ASSEMBLY).await.id();
    let entry = registered(&app).await.id();
    let of_entry =
        json!({"organization_id": seed::MAYOR, "entry_id": entry, "kind": "contract_clause", "title": "契約書"});
    let of_entry = officer.post("/evidence", of_entry).await.expect(201).id();
    let first = |key: &str, value: Value| {
        let mut body = annex("初版");
        body["articles"][0][key] = value;
        body
    };
    for (body, pointer, code) in [
        (with(annex("初版"), "articles", json!([])), "/articles", "out_of_range"),
        (
            first("clause_key", json!("no-such-clause")),
            "/articles/0/clause_key",
            "reference_not_found",
        ),
        (
            first("clause_key", json!("cloud-logging")),
            "/articles/0/clause_key",
            "clause_of_another_kind",
        ),
        (
            first("clause_key", json!(PURPOSE)),
            "/articles/2/clause_key",
            "duplicate_in_request",
        ),
        (first("article", json!(" ")), "/articles/0/article", "required"),
        (
            first("article", json!("条".repeat(101))),
            "/articles/0/article",
            "too_long",
        ),
        (
            first("quotation", json!("改\u{7}竄")),
            "/articles/0/quotation",
            "control_character",
        ),
        (first("weight", json!(1)), "/articles/0/weight", "unknown_field"),
        (with(annex("初版"), "name", json!("")), "/name", "required"),
        (annex(" "), "/edition", "required"),
        (
            with(annex("初版"), "valid_to_on", json!("2027-03-31")),
            "/valid_to_on",
            "date_order",
        ),
        (
            with(annex("初版"), "file_id", json!(file)),
            "/file_id",
            "reference_not_found",
        ),
        (
            with(annex("初版"), "evidence_id", json!(NOBODY)),
            "/evidence_id",
            "reference_not_found",
        ),
        (
            with(annex("初版"), "evidence_id", json!(of_entry)),
            "/evidence_id",
            "evidence_of_another_entry",
        ),
        (
            with(annex("初版"), "organization_id", json!(NOBODY)),
            "/organization_id",
            "reference_not_found",
        ),
    ] {
        officer.post("/clause-templates", body).await.invalid(pointer, code);
    }
    let list = officer.get("/clause-templates?include_archived=true").await.expect(200);
    assert_eq!(list.items("/items").len(), 0);
    let template = made(&app, annex("初版")).await;
    let path = template.header("location");
    for (change, pointer, code) in [
        (json!({"articles": []}), "/articles", "out_of_range"),
        (
            json!({"organization_id": seed::ASSEMBLY}),
            "/organization_id",
            "unknown_field",
        ),
        (json!({"valid_to_on": "2027-03-31"}), "/valid_to_on", "date_order"),
        (json!({"name": null}), "/name", "null_not_allowed"),
    ] {
        officer.merge_patch(path, "*", change).await.invalid(pointer, code);
    }
    assert_eq!(officer.get(path).await.expect(200).body, template.body);
});

db_test!(applying_a_template_agrees_what_is_covered_and_lists_the_rest, |app| {
    let officer = app.officer();
    let entry = registered(&app).await;
    let (id, period) = (entry.id(), entry.text("/current_period/id").to_owned());
    let paper = house_evidence(&app, Some("2028-03-31")).await;
    let template = made(&app, with(annex("初版"), "evidence_id", json!(paper.id()))).await;
    // What is recorded already stays, but for the agreement.
    let known = json!({"agreed": {"article": "第1条", "agreed_on": "2027-03-20"}, "verified_on": "2027-04-01",
        "declared": true, "note": "担当に確認"});
    let path = format!("/entries/{id}/clauses/{CONFIDENTIALITY}");
    let before = officer.put(&path, "*", known).await.expect(200);
    let version = officer.get(&format!("/entries/{id}")).await.expect(200);

    let apply = format!("/engagement-periods/{period}/clause-template-applications");
    let applied = officer
        .post(&apply, json!({"template_id": template.id()}))
        .await
        .expect(200);
    assert_eq!(keys(&applied, "/applied"), [RETURN, CONFIDENTIALITY, PURPOSE]);
    assert_eq!(applied.text("/applied/0/status"), "agreed");
    assert_eq!(applied.text("/applied/1/status"), "verified");
    assert_eq!(keys(&applied, "/not_required"), [UNNEEDED]);
    let missing = keys(&applied, "/still_missing");
    for key in [
        "policy-compliance",
        "subcontracting-restriction",
        "completion-inspection",
    ] {
        assert!(missing.contains(&key.to_owned()), "{key}: {missing:?}");
    }
    for key in [RETURN, CONFIDENTIALITY, UNNEEDED] {
        assert!(!missing.contains(&key.to_owned()), "{key}: {missing:?}");
    }
    let of = |key: &str| {
        let items = applied.items("/still_missing").iter();
        items.clone().find(|item| item["clause_key"] == key).cloned().unwrap()
    };
    assert_eq!(of("policy-compliance")["agreement_required"], true);
    assert_eq!(of("completion-inspection")["agreement_required"], false);

    let now = clause(&app, &id, CONFIDENTIALITY).await;
    assert_eq!(now["agreement"]["article"], "第4条");
    assert_eq!(now["agreement"]["agreed_on"], "2027-03-20");
    assert_eq!(now["agreement"]["evidence_id"], paper.id());
    for name in ["verified_on", "declared", "note", "evidence_id"] {
        assert_eq!(now[name], before.body[name], "{name}");
    }
    let quoted = clause(&app, &id, RETURN).await;
    assert_eq!(
        quoted["agreement"]["quotation"],
        "受託者は、業務の終了後直ちに返還する。"
    );
    assert_eq!(
        (&quoted["status"], &quoted["required"]),
        (&json!("agreed"), &json!(true))
    );
    assert_eq!(clause(&app, &id, UNNEEDED).await, Value::Null);
    let after = officer.get(&format!("/entries/{id}")).await.expect(200);
    assert_ne!(after.etag(), version.etag());
    let score = |entry: &Answered| entry.at("/risk/residual_score_x100").as_i64().unwrap();
    assert!(score(&after) < score(&version));
    assert_eq!(
        obligation(&officer, &id, "evidence").await.text("/due_on"),
        "2028-03-31"
    );
    let timeline = officer.get(&format!("/entries/{id}/timeline")).await.expect(200);
    let timeline = timeline.body.to_string();
    assert_eq!(timeline.matches("clause_template.applied").count(), 1);
    assert_eq!(
        timeline.matches("\"risk.assessed\"").count(),
        3,
        "registered, recorded, applied"
    );

    // The template holds its evidence fast, and follows its renewal.
    officer
        .delete(paper.header("location"), "*")
        .await
        .problem(409, "in_use");
    let renewed = json!({"organization_id": seed::MAYOR, "kind": "contract_clause", "title": "標準特記仕様書 改版",
        "replaces_id": paper.id()});
    let renewed = officer.post("/evidence", renewed).await.expect(201).id();
    let read = officer.get(template.header("location")).await.expect(200);
    assert_eq!(
        (read.text("/evidence_id"), read.at("/version")),
        (renewed.as_str(), &json!(2))
    );
    assert_eq!(clause(&app, &id, PURPOSE).await["agreement"]["evidence_id"], renewed);
});

db_test!(an_application_counts_over_the_whole_life_and_in_its_period, |app| {
    let officer = app.officer();
    let entry = registered(&app).await;
    let (id, current) = (entry.id(), entry.text("/current_period/id").to_owned());
    let next = json!({"starts_on": "2028-04-01", "ends_on": "2029-03-31"});
    let next = officer
        .post(&format!("/engagements/{id}/periods"), next)
        .await
        .expect(201)
        .id();
    // A clause of the end, which the running entry does not need yet.
    let closing = "completion-inspection";
    assert_eq!(clause(&app, &id, closing).await, Value::Null);
    let mut body = annex("初版");
    body["articles"] = json!([article(closing, "第15条"), article(PURPOSE, "第5条")]);
    let template = made(&app, body).await;
    let contract =
        json!({"organization_id": seed::MAYOR, "entry_id": id, "kind": "contract_clause", "title": "契約書"});
    let contract = officer.post("/evidence", contract).await.expect(201).id();
    let path = format!("/engagement-periods/{next}/clause-template-applications");
    let request = json!({"template_id": template.id(), "evidence_id": contract, "agreed_on": "2028-03-20"});
    let applied = officer.post(&path, request).await.expect(200);
    assert_eq!(keys(&applied, "/applied"), [closing, PURPOSE]);
    assert_eq!(
        applied.text("/applied/1/status"),
        "missing",
        "it is not agreed in the current period"
    );
    assert_eq!(clause(&app, &id, PURPOSE).await["agreement"], Value::Null);
    assert!(keys(&applied, "/still_missing").iter().all(|key| key != PURPOSE));
    let path = format!("/engagement-periods/{current}/clause-template-applications");
    let applied = officer
        .post(&path, json!({"template_id": template.id()}))
        .await
        .expect(200);
    assert_eq!(applied.text("/applied/1/status"), "agreed");
    assert_eq!(
        clause(&app, &id, PURPOSE).await["agreement"]["evidence_id"],
        Value::Null
    );

    // Nothing that it covers is needed: nothing happens.
    let mut body = annex("改訂版");
    body["articles"] = json!([article(UNNEEDED, "第12条")]);
    let other = made(&app, body).await;
    let before = officer.get(&format!("/entries/{id}")).await.expect(200).etag();
    let applied = officer
        .post(&path, json!({"template_id": other.id()}))
        .await
        .expect(200);
    assert_eq!(keys(&applied, "/applied").len(), 0);
    assert_eq!(keys(&applied, "/not_required"), [UNNEEDED]);
    assert_eq!(officer.get(&format!("/entries/{id}")).await.expect(200).etag(), before);
});

db_test!(an_application_that_does_not_fit_changes_nothing, |app| {
    let officer = app.officer();
    let entry = registered(&app).await;
    let (id, period) = (entry.id(), entry.text("/current_period/id").to_owned());
    let path = format!("/engagement-periods/{period}/clause-template-applications");
    let template = made(&app, annex("初版")).await.id();
    let assembly = with(annex("議会版"), "organization_id", json!(seed::ASSEMBLY));
    let assembly = made(&app, assembly).await.id();
    let future = made(&app, with(annex("次版"), "valid_from_on", json!("2027-04-02")))
        .await
        .id();
    let archived = made(&app, annex("旧版")).await;
    officer
        .patch(archived.header("location"), "*", json!({"archived": true}))
        .await
        .expect(200);
    let foreign = json!({"organization_id": seed::ASSEMBLY, "kind": "contract_clause", "title": "契約書"});
    let foreign = officer.post("/evidence", foreign).await.expect(201).id();
    let before = officer.get(&format!("/entries/{id}")).await.expect(200);
    for (body, pointer, code) in [
        (json!({}), "/template_id", "required"),
        (json!({"template_id": NOBODY}), "/template_id", "reference_not_found"),
        (
            json!({"template_id": assembly}),
            "/template_id",
            "reference_wrong_organization",
        ),
        (json!({"template_id": future}), "/template_id", "template_not_in_effect"),
        (
            json!({"template_id": archived.id()}),
            "/template_id",
            "template_archived",
        ),
        (
            json!({"template_id": template, "agreed_on": "2027-03-31"}),
            "/template_id",
            "template_not_in_effect",
        ),
        (
            json!({"template_id": template, "evidence_id": NOBODY}),
            "/evidence_id",
            "reference_not_found",
        ),
        (
            json!({"template_id": template, "evidence_id": foreign}),
            "/evidence_id",
            "reference_not_found",
        ),
        (
            json!({"template_id": template, "force": true}),
            "/force",
            "unknown_field",
        ),
    ] {
        officer.post(&path, body).await.invalid(pointer, code);
    }
    let body = json!({"template_id": template});
    let nowhere = format!("/engagement-periods/{NOBODY}/clause-template-applications");
    officer.post(&nowhere, body.clone()).await.problem(404, "not_found");
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.post(&path, body.clone()).await.problem(404, "not_found");
    }
    let after = officer.get(&format!("/entries/{id}")).await.expect(200);
    assert_eq!((after.etag(), &after.body), (before.etag(), &before.body));
    app.with_scopes(&["clauses:write", "entries:read"])
        .post(&path, body)
        .await
        .problem(403, "insufficient_scope");
});

db_test!(a_template_belongs_to_its_organization, |app| {
    let template = made(&app, annex("初版")).await;
    let path = template.header("location");
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.get(path).await.problem(404, "not_found");
        outsider
            .patch(path, "*", json!({"archived": true}))
            .await
            .problem(404, "not_found");
        let list = outsider.get("/clause-templates").await.expect(200);
        assert_eq!(list.items("/items").len(), 0);
    }
    app.limited(&[seed::ASSEMBLY])
        .post("/clause-templates", annex("別版"))
        .await
        .invalid("/organization_id", "reference_not_found");
    app.with_scopes(&["clauses:read"])
        .post("/clause-templates", annex("別版"))
        .await
        .problem(403, "insufficient_scope");
});
