//! Rules that all records of the register share: what is archived is only read, texts are cleaned, a list of one kind is
//! of that kind. What is particular to engagements is in `engagements.rs`.

use serde_json::{Value, json};

use crate::engagements::{obligation, person, registered};
use crate::harness::{Actor, Answered, seed};

const PATHS: [(&str, &str); 3] = [
    ("/engagements", "contractor_engagement"),
    ("/cloud-services", "cloud_service"),
    ("/social-media-accounts", "social_media_account"),
];

async fn draft(officer: &Actor<'_>, name: &str) -> Answered {
    let new = json!({"organization_id": seed::MAYOR, "name": name,
        "period": {"starts_on": "2028-04-01", "ends_on": "2029-03-31"}});
    officer.post("/engagements", new).await.expect(201)
}

db_test!(a_list_of_one_kind_is_of_that_kind, |app| {
    let officer = app.officer();
    for (path, own) in PATHS {
        for (_, kind) in PATHS {
            let listed = officer.get(&format!("{path}?kind={kind}")).await;
            if kind == own {
                listed.expect(200);
            } else {
                listed.problem(400, "invalid_parameter");
            }
        }
    }
});

db_test!(what_is_archived_is_only_read, |app| {
    let officer = app.officer();
    let made = draft(&officer, "取りやめた業務").await;
    let path = format!("/engagements/{}", made.id());
    let period = made.text("/current_period/id").to_owned();
    officer.delete(&path, &made.etag()).await.expect(204);
    let archived = officer.get(&path).await.expect(200);
    assert_ne!(archived.at("/archived_at"), &Value::Null);
    let etag = archived.etag();
    officer
        .patch(&path, &etag, json!({"name": "別の名前"}))
        .await
        .problem(409, "archived");
    officer.delete(&path, &etag).await.problem(409, "archived");
    let next = json!({"starts_on": "2029-04-01", "ends_on": "2030-03-31"});
    officer
        .post(&format!("{path}/periods"), next)
        .await
        .problem(409, "archived");
    officer
        .patch(&format!("/engagement-periods/{period}"), "*", json!({"note": "追記"}))
        .await
        .problem(409, "archived");
    let clause = format!("/entries/{}/clauses/policy-compliance", made.id());
    officer
        .put(&clause, "*", json!({"declared": true}))
        .await
        .problem(409, "archived");
    let after = officer.get(&path).await.expect(200);
    assert_eq!(after.body, archived.body);
});

db_test!(texts_are_cleaned_or_refused_wherever_they_stand, |app| {
    let officer = app.officer();
    let made = draft(&officer, "　広報紙の  発送業務 ").await;
    let id = made.id();
    let periods = format!("/engagements/{id}/periods");
    let period = |number: &str| json!({"contract_number": number, "starts_on": "2029-04-01", "ends_on": "2030-03-31"});
    officer
        .post(&periods, period("R11\u{7}-1"))
        .await
        .invalid("/contract_number", "control_character");
    let made = officer.post(&periods, period(" R11-1 ")).await.expect(201);
    assert_eq!(made.text("/contract_number"), "R11-1");

    let end = obligation(&officer, &registered(&app).await.id(), "contract_end").await;
    let owner = officer.clone().acting(&person(&app));
    let decide = format!("/obligations/{}/decisions", end.id());
    for field in ["document_number", "note"] {
        let mut decision = json!({"decision": "renew"});
        decision[field] = json!("令\u{1b}9");
        owner
            .post(&decide, decision)
            .await
            .invalid(&format!("/{field}"), "control_character");
    }
});

db_test!(one_decision_answers_the_end_and_the_notice_deadline, |app| {
    let officer = app.officer();
    let id = registered(&app).await.id();
    let engagement = officer.get(&format!("/engagements/{id}")).await.expect(200);
    let period = format!("/engagement-periods/{}", engagement.text("/current_period/id"));
    let notice = json!({"notice_deadline_on": "2027-12-28"});
    officer.patch(&period, "*", notice).await.expect(200);
    let owner = officer.clone().acting(&person(&app));
    let deadline = obligation(&officer, &id, "notice_deadline").await;
    let end = obligation(&officer, &id, "contract_end").await;
    let decide = format!("/obligations/{}/decisions", deadline.id());
    owner.post(&decide, json!({"decision": "end"})).await.expect(200);
    let closed = officer.get(&format!("/obligations/{}", end.id())).await.expect(200);
    assert_eq!((closed.text("/state"), closed.text("/outcome")), ("closed", "end"));
});

db_test!(an_organization_without_records_is_archived, |app| {
    let officer = app.officer();
    let new = json!({"key": "old_body", "name": "旧一部事務組合", "name_kana": "きゅうくみあい", "kind": "other",
        "profile_key": "motosu"});
    let made = officer.post("/organizations", new).await.expect(201);
    let path = format!("/organizations/{}", made.id());
    officer.delete(&path, "\"9\"").await.problem(412, "stale_version");
    officer.delete(&path, &made.etag()).await.expect(204);
    let listed = officer.get("/organizations?limit=200").await.expect(200);
    assert!(!listed.items("/items").iter().any(|one| one["id"] == made.id().as_str()));
});
