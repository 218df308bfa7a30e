//! Evidence: what a piece can be about, how long it holds, where it can be named, when it is due, and how it is renewed.

use diesel::prelude::*;
use kakunin::db::schema::reminder_items;
use kakunin::domain::assurance;
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements::{contractor, obligation, person, registered};
use crate::files;
use crate::harness::{Actor, Answered, TestApp, seed};

const CLAUSE: &str = "confidentiality-obligation";
const OTHER: &str = "purpose-limitation";
const NOBODY: &str = "01960000-0000-7000-8000-0000000000ff";

/// A certificate of an entry with this last day.
fn certificate(entry_id: &str, valid_until_on: &str) -> Value {
    json!({"organization_id": seed::MAYOR, "entry_id": entry_id, "kind": "certificate", "title": "ISMS認証登録証",
        "valid_until_on": valid_until_on})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn registers(app: &TestApp, body: Value) -> Answered {
    app.officer().post("/evidence", body).await.expect(201)
}

/// Records a clause with this evidence behind its answer and its agreement.
async fn names(app: &TestApp, entry_id: &str, clause: &str, answer: Option<&str>, agreement: Option<&str>) -> Answered {
    let body = json!({"agreed": {"article": "第7条", "evidence_id": agreement}, "verified_on": "2027-04-01",
        "evidence_id": answer});
    let path = format!("/entries/{entry_id}/clauses/{clause}");
    app.officer().put(&path, "*", body).await
}

async fn clause(app: &TestApp, entry_id: &str, key: &str) -> Value {
    let path = format!("/entries/{entry_id}/clauses");
    let list = app.officer().get(&path).await.expect(200);
    let found = list.items("/items").iter().find(|item| item["clause_key"] == key);
    found.unwrap().clone()
}

/// The obligations about evidence of an entry in this state, as (evidence, due date, outcome).
async fn expiries(officer: &Actor<'_>, entry_id: &str, state: &str) -> Vec<(String, String, Value)> {
    let path = format!("/obligations?entry_id={entry_id}&kind=evidence&state={state}");
    let list = officer.get(&path).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.items("/items")
        .iter()
        .map(|one| (text(&one["evidence_id"]), text(&one["due_on"]), one["outcome"].clone()))
        .collect()
}

/// An engagement of the same organization.
async fn another(app: &TestApp, organization_id: &str) -> Answered {
    let new = json!({"organization_id": organization_id, "name": "会議録作成支援業務"});
    app.officer().post("/engagements", new).await.expect(201)
}

db_test!(evidence_is_registered_found_changed_and_archived, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let file = files::paper(&officer, seed::MAYOR).await;
    let body = json!({"organization_id": seed::MAYOR, "entry_id": id, "kind": "certificate",
        "title": " ISMS認証登録証 ", "scheme": "iso27001", "scope_text": "本社\nデータセンター", "document_number": "IS 123456",
        "pages": "1-2", "issued_on": "2027-04-01", "file_id": file.id(), "note": "写し"});
    let made = registers(&app, body).await;
    let path = made.header("location").to_owned();
    assert_eq!(path, format!("/api/v1/evidence/{}", made.id()));
    assert_eq!(made.text("/title"), "ISMS認証登録証");
    assert_eq!(made.text("/kind_name"), "認証の登録証");
    assert_eq!(
        (made.text("/valid_until_on"), made.at("/valid_until_by_rule")),
        ("2030-03-31", &json!(true))
    );
    assert_eq!(made.text("/next_surveillance_on"), "2028-03-31");
    let read = officer.get(&path).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));

    registers(
        &app,
        json!({"organization_id": seed::MAYOR, "kind": "audit_report", "title": "外部監査報告書"}),
    )
    .await;
    let of = contractor(&app).await;
    let theirs = json!({"organization_id": seed::MAYOR, "contractor_id": of, "kind": "attestation", "title": "報告書",
        "scheme": "soc2_type2", "period_ends_on": "2027-03-31"});
    assert_eq!(registers(&app, theirs).await.text("/valid_until_on"), "2028-03-31");
    for (query, count) in [
        (String::new(), 3),
        (format!("?entry_id={id}"), 1),
        (format!("?contractor_id={of}"), 1),
        (format!("?organization_id={}", seed::ASSEMBLY), 0),
        ("?kind=audit_report".to_owned(), 1),
        ("?scheme=soc2_type2".to_owned(), 1),
        ("?valid_until_to=2028-03-31".to_owned(), 1),
        ("?valid_until_from=2028-04-01".to_owned(), 1),
        (
            "?valid_until_from=2028-03-31&valid_until_to=2030-03-31&limit=1".to_owned(),
            1,
        ),
    ] {
        let list = officer.get(&format!("/evidence{query}")).await.expect(200);
        assert_eq!(list.items("/items").len(), count, "{query}");
    }

    officer
        .patch(&path, "", json!({"title": "認証登録証"}))
        .await
        .problem(428, "precondition_required");
    let changed = officer
        .patch(&path, &made.etag(), json!({"issued_on": "2027-03-01"}))
        .await
        .expect(200);
    assert_eq!(changed.text("/valid_until_on"), "2030-02-28", "the rule counts again");
    officer
        .patch(&path, &made.etag(), json!({}))
        .await
        .problem(412, "stale_version");
    let by_hand = json!({"valid_until_on": "2029-12-31"});
    let changed = officer.merge_patch(&path, &changed.etag(), by_hand).await.expect(200);
    assert_eq!(changed.at("/valid_until_by_rule"), false);
    let changed = officer
        .merge_patch(&path, &changed.etag(), json!({"issued_on": "2027-02-01"}))
        .await
        .expect(200);
    assert_eq!(changed.text("/valid_until_on"), "2029-12-31", "what was entered stays");
    let cleared = json!({"valid_until_on": null, "note": null, "file_id": null});
    let changed = officer.merge_patch(&path, &changed.etag(), cleared).await.expect(200);
    assert_eq!(
        (changed.text("/valid_until_on"), changed.at("/note")),
        ("2030-01-31", &Value::Null)
    );
    let free = json!({"scheme": "JASA 格付", "issued_on": null});
    let changed = officer.merge_patch(&path, &changed.etag(), free).await.expect(200);
    assert_eq!(changed.at("/valid_until_on"), &Value::Null, "a scheme without rules");

    officer.delete(&path, "").await.problem(428, "precondition_required");
    officer.delete(&path, &changed.etag()).await.expect(204);
    assert_eq!(officer.get("/evidence").await.expect(200).items("/items").len(), 2);
    let all = officer.get("/evidence?include_archived=true").await.expect(200);
    assert_eq!(all.items("/items").len(), 3);
    let kept = officer.get(&path).await.expect(200);
    assert_ne!(kept.at("/archived_at"), &Value::Null);
    officer
        .patch(&path, "*", json!({"title": "別"}))
        .await
        .problem(409, "archived");
    officer.delete(&path, "*").await.problem(409, "archived");
    let timeline = officer.get(&format!("/entries/{id}/timeline")).await.expect(200);
    assert!(timeline.body.to_string().contains("evidence.archived"));
});

db_test!(a_piece_of_evidence_keeps_the_rules_or_nothing_is_kept, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let elsewhere = another(&app, seed::ASSEMBLY).await.id();
    let company = contractor(&app).await;
    let file = files::paper(&officer, seed::ASSEMBLY).await.id();
    let good = || certificate(&id, "2027-09-30");
    for (body, pointer, code) in [
        (with(good(), "kind", json!("diploma")), "/kind", "not_in_enum"),
        (with(good(), "title", json!(" ")), "/title", "required"),
        (with(good(), "title", json!("改\u{7}竄")), "/title", "control_character"),
        (with(good(), "title", json!("長".repeat(201))), "/title", "too_long"),
        (
            with(good(), "issued_on", json!("2027-10-01")),
            "/valid_until_on",
            "date_order",
        ),
        (
            with(good(), "issued_on", json!("2027-02-30")),
            "/issued_on",
            "invalid_date",
        ),
        (with(good(), "colour", json!("red")), "/colour", "unknown_field"),
        (
            with(good(), "contractor_id", json!(company)),
            "/contractor_id",
            "one_of_two",
        ),
        (
            with(good(), "organization_id", json!(seed::KAGOSHIMA_ASSEMBLY)),
            "/organization_id",
            "reference_not_found",
        ),
        (
            with(good(), "entry_id", json!(NOBODY)),
            "/entry_id",
            "reference_not_found",
        ),
        (
            with(good(), "entry_id", json!(elsewhere)),
            "/entry_id",
            "reference_wrong_organization",
        ),
        (
            with(good(), "file_id", json!(NOBODY)),
            "/file_id",
            "reference_not_found",
        ),
        (with(good(), "file_id", json!(file)), "/file_id", "reference_not_found"),
        (
            with(good(), "replaces_id", json!(NOBODY)),
            "/replaces_id",
            "reference_not_found",
        ),
    ] {
        officer.post("/evidence", body).await.invalid(pointer, code);
    }
    let mut of_nobody = good();
    of_nobody["entry_id"] = Value::Null;
    officer
        .post("/evidence", of_nobody)
        .await
        .problem(422, "validation_failed");
    let whole = json!({"organization_id": seed::MAYOR, "kind": "certificate", "title": "登録証"});
    officer
        .post("/evidence", with(whole.clone(), "contractor_id", json!(NOBODY)))
        .await
        .invalid("/contractor_id", "reference_not_found");
    for (scheme, pointer) in [
        ("ismap", "/period_ends_on"),
        ("iso27001", "/issued_on"),
        ("jc_star", "/valid_until_on"),
    ] {
        let body = with(whole.clone(), "scheme", json!(scheme));
        officer.post("/evidence", body).await.invalid(pointer, "required");
    }
    assert_eq!(
        officer
            .get("/evidence?include_archived=true")
            .await
            .expect(200)
            .items("/items")
            .len(),
        0
    );
    let log = officer.get("/audit-log?action=evidence.created").await.expect(200);
    assert_eq!(log.items("/items").len(), 0);

    let made = registers(&app, good()).await;
    let path = format!("/evidence/{}", made.id());
    for (change, pointer, code) in [
        (json!({"title": null}), "/title", "null_not_allowed"),
        (json!({"entry_id": elsewhere}), "/entry_id", "unknown_field"),
        (
            json!({"scheme": "ismap", "valid_until_on": null}),
            "/period_ends_on",
            "required",
        ),
        (json!({"file_id": file}), "/file_id", "reference_not_found"),
    ] {
        officer.merge_patch(&path, "*", change).await.invalid(pointer, code);
    }
    assert_eq!(officer.get(&path).await.expect(200).body, made.body);
});

db_test!(one_rule_says_where_evidence_can_be_named, |app| {
    let officer = app.officer();
    let entry = registered(&app).await;
    let (id, company) = (entry.id(), entry.text("/contractor_id").to_owned());
    let other = another(&app, seed::MAYOR).await.id();
    let piece = |name: &str, value: &str| {
        with(
            json!({"organization_id": seed::MAYOR, "kind": "certificate", "title": "登録証"}),
            name,
            json!(value),
        )
    };
    let own = registers(&app, piece("entry_id", &id)).await;
    let theirs = registers(&app, piece("contractor_id", &company)).await;
    let house = registers(&app, piece("organization_id", seed::MAYOR)).await;
    let of_other = registers(&app, piece("entry_id", &other)).await;
    let stranger = json!({"name": "別の会社"});
    let stranger = officer.post("/contractors", stranger).await.expect(201).id();
    let of_stranger = registers(&app, piece("contractor_id", &stranger)).await;
    let assembly = registers(&app, piece("organization_id", seed::ASSEMBLY)).await;
    let archived = registers(&app, piece("entry_id", &id)).await;
    officer.delete(archived.header("location"), "*").await.expect(204);

    let before = officer.get(&format!("/entries/{id}")).await.expect(200);
    let round = obligation(&officer, &id, "reverification").await;
    let answer = format!("/obligations/{}/verifications", round.id());
    let by = officer.clone().acting(&person(&app));
    let refused = [
        (of_other.id(), "evidence_of_another_entry"),
        (of_stranger.id(), "evidence_of_another_contractor"),
        (assembly.id(), "reference_not_found"),
        (archived.id(), "evidence_archived"),
        (NOBODY.to_owned(), "reference_not_found"),
    ];
    for (piece, code) in &refused {
        names(&app, &id, CLAUSE, Some(piece), None)
            .await
            .invalid("/evidence_id", code);
        names(&app, &id, CLAUSE, None, Some(piece))
            .await
            .invalid("/agreed/evidence_id", code);
        let answers = json!({"answers": [{"clause_key": CLAUSE, "answer": "met", "evidence_id": piece}]});
        by.post(&answer, answers).await.invalid("/answers/0/evidence_id", code);
    }
    let after = officer.get(&format!("/entries/{id}")).await.expect(200);
    assert_eq!((after.etag(), &after.body), (before.etag(), &before.body));
    names(&app, &other, CLAUSE, Some(&theirs.id()), None)
        .await
        .invalid("/evidence_id", "evidence_of_another_contractor");
    for piece in [own.id(), theirs.id(), house.id()] {
        names(&app, &id, CLAUSE, Some(&piece), Some(&piece)).await.expect(200);
    }
    let answers = json!({"answers": [{"clause_key": CLAUSE, "answer": "met", "evidence_id": theirs.id()}]});
    by.post(&answer, answers).await.expect(201);
    assert_eq!(clause(&app, &id, CLAUSE).await["evidence_id"], theirs.id());
});

db_test!(what_a_required_clause_leans_on_is_due_on_its_last_day, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let made = registers(&app, certificate(&id, "2027-09-30")).await;
    assert_eq!(expiries(&officer, &id, "open").await, [], "nothing leans on it");
    let none = [(made.id(), "2027-09-30".to_owned(), Value::Null)];
    names(&app, &id, CLAUSE, Some(&made.id()), None).await.expect(200);
    assert_eq!(expiries(&officer, &id, "open").await, none);
    let due = obligation(&officer, &id, "evidence").await;
    assert_eq!(due.text("/next_step_on"), "2027-07-02", "90 days before");
    let round = obligation(&officer, &id, "reverification").await;
    assert_eq!(round.text("/due_on"), "2027-09-30", "capped by the evidence");
    officer
        .clone()
        .acting(&person(&app))
        .post(
            &format!("/obligations/{}/verifications", due.id()),
            json!({"answers": []}),
        )
        .await
        .problem(409, "wrong_obligation_kind");

    // Not by the answer any more, but by the agreement; two clauses, one date.
    names(&app, &id, CLAUSE, None, Some(&made.id())).await.expect(200);
    names(&app, &id, OTHER, None, Some(&made.id())).await.expect(200);
    assert_eq!(expiries(&officer, &id, "open").await, none);
    let round = obligation(&officer, &id, "reverification").await;
    assert_ne!(round.text("/due_on"), "2027-09-30", "no answer leans on it");

    // Its date moves, and all that leans on it.
    let moved = json!({"valid_until_on": "2027-12-31"});
    officer.patch(made.header("location"), "*", moved).await.expect(200);
    let due = obligation(&officer, &id, "evidence").await;
    assert_eq!((due.text("/due_on"), due.at("/cycle")), ("2027-12-31", &json!(2)));
    app.at("2027-10-03T09:00");
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    let planned: Vec<String> = app.db(|conn| {
        reminder_items::table
            .filter(reminder_items::obligation_id.eq(due.id()))
            .select(reminder_items::stage)
            .distinct()
            .load(conn)
    });
    assert_eq!(planned, ["lead-90"]);

    let used = officer
        .delete(made.header("location"), "*")
        .await
        .problem(409, "in_use");
    assert!(used.text("/detail").contains("EN-2027-0001"), "{:#}", used.body);
    for key in [CLAUSE, OTHER] {
        names(&app, &id, key, None, None).await.expect(200);
    }
    assert_eq!(expiries(&officer, &id, "open").await, []);
    assert_eq!(expiries(&officer, &id, "retired").await.len(), 1);
    officer.delete(made.header("location"), "*").await.expect(204);
});

db_test!(evidence_that_does_not_count_is_not_due, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let made = registers(&app, certificate(&id, "2027-09-30")).await.id();
    // A clause that this entry does not need, and one that is declared not applicable.
    names(&app, &id, "my-number-supervision", Some(&made), None)
        .await
        .expect(200);
    assert_eq!(expiries(&officer, &id, "open").await, []);
    let not_applicable = json!({"not_applicable_reason": "該当する情報を渡さない。", "evidence_id": made});
    let path = format!("/entries/{id}/clauses/{CLAUSE}");
    officer.put(&path, "*", not_applicable).await.expect(200);
    assert_eq!(expiries(&officer, &id, "open").await, []);
    // A draft has no dates yet.
    let draft = another(&app, seed::MAYOR).await.id();
    let its = registers(&app, certificate(&draft, "2027-09-30")).await.id();
    let declared = json!({"declared": true, "evidence_id": its});
    officer
        .put(&format!("/entries/{draft}/clauses/{CLAUSE}"), "*", declared)
        .await
        .expect(200);
    assert_eq!(expiries(&officer, &draft, "open").await, []);
    // An archived entry holds nothing fast.
    officer
        .delete(&format!("/evidence/{its}"), "*")
        .await
        .problem(409, "in_use");
    officer.delete(&format!("/engagements/{draft}"), "*").await.expect(204);
    officer.delete(&format!("/evidence/{its}"), "*").await.expect(204);
    officer
        .post("/evidence", certificate(&draft, "2027-09-30"))
        .await
        .problem(409, "archived");
});

db_test!(a_renewal_takes_over_what_leans_on_the_old_piece, |app| {
    let officer = app.officer();
    let entry = registered(&app).await;
    let (id, company) = (entry.id(), entry.text("/contractor_id").to_owned());
    let old = json!({"organization_id": seed::MAYOR, "contractor_id": company, "kind": "certificate",
        "title": "Pマーク", "scheme": "p_mark", "issued_on": "2025-10-01"});
    let old = registers(&app, old).await;
    assert_eq!(old.text("/valid_until_on"), "2027-09-30");
    names(&app, &id, CLAUSE, Some(&old.id()), None).await.expect(200);
    names(&app, &id, OTHER, None, Some(&old.id())).await.expect(200);
    let before = [clause(&app, &id, CLAUSE).await, clause(&app, &id, OTHER).await];
    let version = officer.get(&format!("/entries/{id}")).await.expect(200).etag();

    let new = json!({"organization_id": seed::MAYOR, "contractor_id": company, "kind": "certificate",
        "title": "Pマーク（更新）", "scheme": "p_mark", "issued_on": "2027-10-01", "replaces_id": old.id()});
    for (name, value, code) in [
        ("contractor_id", Value::Null, "evidence_of_another_subject"),
        ("organization_id", json!(seed::ASSEMBLY), "evidence_of_another_subject"),
    ] {
        let mut wrong = new.clone();
        if value.is_null() {
            wrong.as_object_mut().unwrap().remove(name);
        } else {
            wrong[name] = value;
        }
        officer.post("/evidence", wrong).await.invalid("/replaces_id", code);
    }
    let made = registers(&app, new.clone()).await;
    for (key, before) in [CLAUSE, OTHER].iter().zip(before) {
        let after = clause(&app, &id, key).await;
        assert_ne!(after["etag"], before["etag"], "{key}");
        let named = [&after["evidence_id"], &after["agreement"]["evidence_id"]];
        assert!(
            named.contains(&&json!(made.id())) && !named.contains(&&json!(old.id())),
            "{key}: {after:#}"
        );
    }
    assert_ne!(officer.get(&format!("/entries/{id}")).await.expect(200).etag(), version);
    assert_eq!(
        expiries(&officer, &id, "open").await,
        [(made.id(), "2029-09-30".to_owned(), Value::Null)]
    );
    assert_eq!(
        expiries(&officer, &id, "closed").await,
        [(old.id(), "2027-09-30".to_owned(), json!("renewed"))]
    );
    let replaced = officer.get(old.header("location")).await.expect(200);
    assert_eq!(replaced.text("/replaced_by_id"), made.id());
    assert_ne!(replaced.at("/archived_at"), &Value::Null);
    officer
        .post("/evidence", new)
        .await
        .invalid("/replaces_id", "evidence_archived");
    let timeline = officer.get(&format!("/entries/{id}/timeline")).await.expect(200);
    assert!(timeline.body.to_string().contains("clause.evidence_renewed"));
});

db_test!(what_a_past_period_agreed_keeps_its_evidence, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let first = officer.get(&format!("/engagements/{id}/periods")).await.expect(200);
    let (first, last_day) = (
        first.text("/items/0/id").to_owned(),
        first.text("/items/0/ends_on").to_owned(),
    );
    assert_eq!(last_day, "2028-03-31");
    let next = json!({"starts_on": "2028-04-01", "ends_on": "2029-03-31"});
    let next = officer
        .post(&format!("/engagements/{id}/periods"), next)
        .await
        .expect(201)
        .id();
    let old = registers(&app, certificate(&id, "2028-09-30")).await.id();
    let path = format!("/entries/{id}/clauses/{CLAUSE}");
    for period in [&first, &next] {
        let body = json!({"period_id": period, "agreed": {"evidence_id": old}});
        officer.put(&path, "*", body).await.expect(200);
    }
    app.at("2028-04-02T09:00");
    Worker::new(app.app.clone()).unwrap().tick().await.unwrap();
    let new = with(certificate(&id, "2031-09-30"), "replaces_id", json!(old));
    let new = registers(&app, new).await.id();
    let stored: Vec<(Option<String>, Option<String>)> = app.db(|conn| {
        use kakunin::db::schema::clause_agreements;
        clause_agreements::table
            .filter(clause_agreements::clause_key.eq(CLAUSE))
            .select((clause_agreements::period_id, clause_agreements::evidence_id))
            .load(conn)
    });
    assert!(stored.contains(&(Some(first), Some(old))), "{stored:?}");
    assert!(stored.contains(&(Some(next), Some(new))), "{stored:?}");
});

db_test!(evidence_belongs_to_its_organization, |app| {
    let made = registers(
        &app,
        json!({"organization_id": seed::MAYOR, "kind": "certificate", "title": "登録証"}),
    )
    .await;
    let path = made.header("location");
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.get(path).await.problem(404, "not_found");
        outsider
            .patch(path, "*", json!({"title": "別"}))
            .await
            .problem(404, "not_found");
        outsider.delete(path, "*").await.problem(404, "not_found");
        assert_eq!(outsider.get("/evidence").await.expect(200).items("/items").len(), 0);
    }
    let limited = app.limited(&[seed::ASSEMBLY]);
    let body = json!({"organization_id": seed::MAYOR, "kind": "certificate", "title": "登録証"});
    limited
        .post("/evidence", body)
        .await
        .invalid("/organization_id", "reference_not_found");
    let body = json!({"organization_id": seed::ASSEMBLY, "kind": "certificate", "title": "登録証",
        "replaces_id": made.id()});
    limited
        .post("/evidence", body)
        .await
        .invalid("/replaces_id", "reference_not_found");
    let body = json!({"organization_id": seed::MAYOR, "kind": "certificate", "title": "登録証"});
    app.with_scopes(&["entries:read"])
        .post("/evidence", body)
        .await
        .problem(403, "insufficient_scope");
});

db_test!(the_schemes_are_there_to_read, |app| {
    let read = app.officer().get("/assurance-schemes").await.expect(200);
    let known = assurance::AssuranceSchemes::embedded().unwrap();
    assert_eq!(read.text("/version"), known.version);
    assert_eq!(read.items("/schemes").len(), known.schemes.len());
    let first = json!({"key": "ismap", "title": "ISMAP", "rule": "after_period_end", "needs": "period_ends_on",
        "months": 16, "surveillance_months": null, "source": "ISMAP基本規程3.5"});
    assert_eq!(read.at("/schemes/0"), &first);
    let english = app.officer().lang("en").get("/assurance-schemes").await.expect(200);
    assert_eq!(english.text("/schemes/5/title"), "PrivacyMark");
});
