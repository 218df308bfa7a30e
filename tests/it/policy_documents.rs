//! Documents of the policies: who may read them by each body's policy, what a restricted one never gives out, when one is
//! reviewed.

use diesel::prelude::*;
use kakunin::db::schema::organizations;
use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use crate::engagements::person;
use crate::files::paper;
use crate::harness::{Answered, TestApp, seed};
use crate::mailroom;
use crate::smtp_server::{Behaviour, FakeSmtp};

const PATH: &str = "/policy-documents";

pub fn document(kind: &str) -> Value {
    json!({"organization_id": seed::MAYOR, "kind": kind, "title": "情報セキュリティ文書", "edition": "3.1版"})
}

fn restricted() -> Value {
    let mut body = document("individual_standard");
    (body["place"], body["custodian"]) = (json!("情報政策課 鍵付き書庫"), json!("情報政策課長"));
    body
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// The organization under another profile.
pub fn profile(app: &TestApp, organization_id: &str, key: &str) {
    app.db(|conn| {
        diesel::update(organizations::table.filter(organizations::id.eq(organization_id)))
            .set(organizations::profile_key.eq(key))
            .execute(conn)
    });
}

async fn obligations(app: &TestApp) -> Vec<Value> {
    let list = app.officer().get("/obligations?kind=document_review").await.expect(200);
    list.items("/items").to_vec()
}

db_test!(each_body_discloses_what_its_policy_says, |app| {
    let officer = app.officer();
    for (key, restricted) in [
        ("motosu", &["individual_standard", "implementation_procedure"][..]),
        ("kashiwa_election", &["implementation_procedure"]),
        ("kanagawa_coop", &[]),
        ("miyako", &["implementation_procedure"]),
        ("kagoshima_assembly", &["control_standard", "implementation_procedure"]),
    ] {
        profile(&app, seed::MAYOR, key);
        for kind in [
            "control_standard",
            "individual_standard",
            "implementation_procedure",
            "cloud_usage_regulation",
        ] {
            let made = officer.post(PATH, document(kind)).await;
            if restricted.contains(&kind) {
                // It needs its place; and no word of the caller makes it readable.
                made.invalid("/place", "required");
                for visibility in ["internal", "public"] {
                    let body = with(document(kind), "visibility", json!(visibility));
                    officer
                        .post(PATH, body)
                        .await
                        .invalid("/visibility", "restricted_by_profile");
                }
            } else {
                assert_eq!(made.expect(201).text("/visibility"), "internal", "{key} {kind}");
            }
        }
        let basic = officer.post(PATH, document("basic_policy")).await.expect(201);
        assert_eq!(basic.text("/visibility"), "public");
    }
});

db_test!(the_basic_policy_is_to_be_published, |app| {
    let officer = app.officer();
    let made = officer
        .post(PATH, with(document("basic_policy"), "adopted_on", json!("2027-04-01")))
        .await
        .expect(201);
    assert_eq!(made.at("/publication_missing"), true);
    let missing = format!("{PATH}?publication_missing=true");
    assert_eq!(
        officer.get(&missing).await.expect(200).at("/items"),
        &json!([made.body])
    );
    let path = made.header("location");
    let published = json!({"published_on": "2027-04-01", "url": "https://www.city.example.lg.jp/policy"});
    officer
        .patch(path, "", published.clone())
        .await
        .problem(428, "precondition_required");
    let done = officer.patch(path, &made.etag(), published).await.expect(200);
    assert_eq!(done.at("/publication_missing"), false);
    assert_eq!(officer.get(&missing).await.expect(200).items("/items").len(), 0);
    // The next edition is to be published again.
    app.at("2027-06-01T09:00");
    let next = officer
        .patch(
            path,
            &done.etag(),
            json!({"edition": "4版", "adopted_on": "2027-06-01"}),
        )
        .await
        .expect(200);
    assert_eq!(next.at("/publication_missing"), true);
    for visibility in ["internal", "restricted"] {
        let hidden = json!({"visibility": visibility});
        officer
            .patch(path, &next.etag(), hidden)
            .await
            .invalid("/visibility", "basic_policy_is_public");
    }
    assert_eq!(officer.get(path).await.expect(200).body, next.body);
});

db_test!(what_is_restricted_never_leaves, |app| {
    let officer = app.officer();
    let file = paper(&officer, seed::MAYOR).await.id();
    for (body, pointer, code) in [
        (
            with(restricted(), "file_id", json!(file)),
            "/file_id",
            "restricted_document",
        ),
        (
            with(restricted(), "url", json!("https://www.city.example.lg.jp/x")),
            "/url",
            "restricted_document",
        ),
        (
            with(restricted(), "published_on", json!("2027-04-01")),
            "/published_on",
            "restricted_document",
        ),
        (with(restricted(), "custodian", json!(" ")), "/custodian", "required"),
    ] {
        officer.post(PATH, body).await.invalid(pointer, code);
    }
    let made = officer.post(PATH, restricted()).await.expect(201);
    assert_eq!(
        (made.text("/visibility"), made.at("/file_id")),
        ("restricted", &Value::Null)
    );
    officer
        .patch(made.header("location"), &made.etag(), json!({"file_id": file}))
        .await
        .invalid("/file_id", "restricted_document");

    // A file of a document that becomes restricted stays where it is and is not given out any more.
    let open = officer
        .post(PATH, with(document("control_standard"), "file_id", json!(file)))
        .await
        .expect(201);
    let content = format!("/files/{file}/content");
    officer.get(&content).await.expect(200);
    let path = open.header("location");
    let closing = json!({"visibility": "restricted", "place": "書庫", "custodian": "課長"});
    let closed = officer.patch(path, &open.etag(), closing).await.expect(200);
    assert_eq!(
        (closed.at("/file_id"), closed.at("/file_withheld")),
        (&Value::Null, &json!(true))
    );
    officer.get(&content).await.problem(409, "restricted_document");
    let release = json!({"clear": ["file_id"]});
    officer
        .patch(path, &closed.etag(), release)
        .await
        .invalid("/file_id", "restricted_document");
    let around = with(document("outsourcing_regulation"), "file_id", json!(file));
    officer
        .post(PATH, around)
        .await
        .invalid("/file_id", "restricted_document");
    officer.delete(path, &closed.etag()).await.expect(204);
    officer.get(&content).await.problem(409, "restricted_document");
    let foreign = paper(&officer, seed::ASSEMBLY).await.id();
    let foreign = with(document("outsourcing_regulation"), "file_id", json!(foreign));
    officer
        .post(PATH, foreign)
        .await
        .invalid("/file_id", "reference_not_found");
});

db_test!(a_review_is_due_is_mailed_and_closes_what_called_for_it, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let officer = app.officer();
    let manager = mailroom::person(&app, 1, true);
    mailroom::role(&app, 1, seed::MAYOR, Role::SectionSecurityManager, &manager);
    let mut secret = restricted();
    (secret["title"], secret["review_due_on"]) = (json!("秘密の個別基準"), json!("2027-04-08"));
    let secret = officer.post(PATH, secret).await.expect(201);
    let mut plain = document("control_standard");
    (plain["title"], plain["review_due_on"]) = (json!("情報セキュリティ対策基準"), json!("2027-04-08"));
    let plain = officer.post(PATH, plain).await.expect(201);
    assert_eq!(obligations(&app).await.len(), 2);
    mailroom::worker(&app, &relay).tick().await.unwrap();
    app.at("2027-04-02T08:31");
    mailroom::worker(&app, &relay).tick().await.unwrap();
    let mails = mailroom::received(&relay);
    assert_eq!(mails.len(), 1);
    let text = &mails[0].text;
    assert!(
        text.contains("文書の見直し") && text.contains("情報セキュリティ対策基準"),
        "{text}"
    );
    assert!(
        text.contains("（非公開の文書）") && !text.contains("秘密の個別基準"),
        "{text}"
    );
    assert!(
        !text.contains("書庫") && !text.contains("管理番号") && !text.contains("代理者として"),
        "{text}"
    );

    let path = plain.header("location").to_owned();
    let reasons = format!("{path}/review-reasons");
    for (kind, note) in [
        ("circumstances", "ガイドラインが改定された。"),
        ("incident", "誤送信があった。"),
    ] {
        let reason = json!({"kind": kind, "note": note, "origin_reference": "本情第9号"});
        let raised = officer.post(&reasons, reason).await.expect(200);
        assert_eq!((raised.text("/kind"), raised.at("/review_id")), (kind, &Value::Null));
    }
    officer
        .post(&reasons, json!({"kind": "incident", "note": " "}))
        .await
        .invalid("/note", "required");
    let needed = officer.get(&path).await.expect(200);
    assert_eq!(
        (needed.at("/review_needed"), needed.at("/open_review_reasons")),
        (&json!(true), &json!(2))
    );
    let list = officer.get(&format!("{PATH}?review_needed=true")).await.expect(200);
    assert_eq!(list.at("/items"), &json!([needed.body]));

    let reviews = format!("{path}/reviews");
    let review = json!({"decision": "revise", "note": "クラウドの章を改める。", "next_review_due_on": "2028-03-31",
        "risk_analysis": "起こりやすさは中、損失は大。"});
    officer
        .post(&reviews, review.clone())
        .await
        .problem(422, "acting_person_required");
    let staff = officer.clone().acting(&manager);
    let mut without = review.clone();
    without.as_object_mut().unwrap().remove("risk_analysis");
    staff
        .post(&reviews, without.clone())
        .await
        .invalid("/risk_analysis", "required");
    staff
        .post(
            &reviews,
            with(review.clone(), "next_review_due_on", json!("2027-04-01")),
        )
        .await
        .invalid("/next_review_due_on", "date_in_past");
    staff
        .post(&reviews, with(review.clone(), "reviewed_on", json!("2027-04-03")))
        .await
        .invalid("/reviewed_on", "out_of_range");
    let done = staff.post(&reviews, review).await.expect(200);
    let after = officer.get(&path).await.expect(200);
    assert_eq!(
        (after.at("/review_needed"), after.text("/review_due_on")),
        (&json!(false), "2028-03-31")
    );
    let closed = officer.get(&reasons).await.expect(200);
    assert!(
        closed
            .items("/items")
            .iter()
            .all(|reason| reason["review_id"] == *done.at("/id"))
    );
    assert_eq!(
        officer.get(&reviews).await.expect(200).at("/items"),
        &json!([done.body])
    );
    let open = obligations(&app).await;
    assert_eq!(
        (open[0]["due_on"].clone(), open[1]["due_on"].clone()),
        (json!("2027-04-08"), json!("2028-03-31"))
    );
    assert_eq!(open[1]["cycle"], 2);
    // Where the policy does not speak of an analysis, none is asked for.
    profile(&app, seed::MAYOR, "kanagawa_coop");
    staff.post(&reviews, without).await.expect(200);
    officer
        .delete(secret.header("location"), &secret.etag())
        .await
        .expect(204);
    assert_eq!(obligations(&app).await.len(), 1);
    let archived = officer.get(secret.header("location")).await.expect(200);
    let again = json!({"edition": "4版"});
    officer
        .patch(secret.header("location"), &archived.etag(), again)
        .await
        .problem(409, "archived");
});

db_test!(documents_belong_to_their_organization, |app| {
    let staff = app.officer().acting(&person(&app));
    let made: Answered = staff.post(PATH, document("control_standard")).await.expect(201);
    for outsider in [app.stranger(), app.limited(&[seed::ASSEMBLY])] {
        outsider.get(made.header("location")).await.problem(404, "not_found");
        assert_eq!(outsider.get(PATH).await.expect(200).items("/items").len(), 0);
        outsider
            .post(PATH, document("control_standard"))
            .await
            .invalid("/organization_id", "reference_not_found");
        let reason = json!({"kind": "incident", "note": "誤送信"});
        let path = format!("{}/review-reasons", made.header("location"));
        outsider.post(&path, reason).await.problem(404, "not_found");
    }
});
