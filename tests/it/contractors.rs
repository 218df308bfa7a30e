//! Contractors over the wire.

use serde_json::{Value, json};

use crate::harness::{Actor, Answered};

const NUMBER: &str = "7000012050002";

async fn register(officer: &Actor<'_>, body: Value) -> Answered {
    officer.post("/contractors", body).await.expect(201)
}

fn names(answered: &Answered) -> Vec<&str> {
    answered
        .items("/items")
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

fn whole() -> Value {
    json!({
        "name": "株式会社みどり情報サービス",
        "name_kana": "カブシキガイシャミドリジョウホウサービス",
        "legal_form": "株式会社",
        "corporate_number": NUMBER,
        "invoice_registration_number": format!("T{NUMBER}"),
        "prefecture_code": "21",
        "address": "岐阜県本巣市早野1番地",
        "certifications": [{"scheme": "iso27001", "number": "JP-1", "scope": "全社", "valid_until_on": "2028-03-31"}],
        "contacts": [{"name": "窓口", "email": "madoguchi@midori.example.co.jp", "phone": "058-000-0000", "kind": "business"}],
        "external_ids": [{"system": "zaimu", "value": "000123"}],
        "note": "一行目\n二行目",
    })
}

db_test!(a_contractor_is_registered_read_and_listed, |app| {
    let officer = app.officer();
    let made = register(&officer, whole()).await;
    for (name, value) in whole().as_object().unwrap() {
        assert_eq!(&made.body[name], value, "{name}");
    }
    assert_eq!(
        (made.at("/version"), made.at("/status"), made.at("/country")),
        (&json!(1), &json!("active"), &json!("JP"))
    );
    let read = officer.get(made.header("location")).await.expect(200);
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));
    let by_number = officer
        .get(&format!("/contractors/by-corporate-number/{NUMBER}"))
        .await
        .expect(200);
    assert_eq!(by_number.body, made.body);
    let list = officer.get("/contractors").await.expect(200);
    assert_eq!(list.items("/items"), std::slice::from_ref(&made.body));

    let stranger = app.stranger();
    stranger.get(made.header("location")).await.problem(404, "not_found");
    stranger
        .get(&format!("/contractors/by-corporate-number/{NUMBER}"))
        .await
        .problem(404, "not_found");
    assert!(
        stranger
            .get("/contractors")
            .await
            .expect(200)
            .items("/items")
            .is_empty()
    );
    // Another local government registers the same company for itself.
    register(&stranger, whole()).await;
});

db_test!(both_kinds_of_patch_set_and_clear, |app| {
    let officer = app.officer();
    let made = register(&officer, whole()).await;
    let path = made.header("location").to_owned();

    // Generated clients send null for what was never set: in plain JSON it means nothing.
    let body = json!({"name": "株式会社あお", "note": null, "address": null});
    let plain = officer.patch(&path, &made.etag(), body).await.expect(200);
    assert_eq!(
        (plain.text("/name"), plain.text("/note")),
        ("株式会社あお", "一行目\n二行目")
    );
    assert_eq!(plain.at("/version"), 2);
    let cleared = officer
        .patch(&path, &plain.etag(), json!({"clear": ["note", "address"]}))
        .await
        .expect(200);
    assert!(cleared.at("/note").is_null() && cleared.at("/address").is_null());

    let merged = json!({"corporate_number": null, "contacts": [], "name_kana": "アオ"});
    let merged = officer.merge_patch(&path, &cleared.etag(), merged).await.expect(200);
    assert!(merged.at("/corporate_number").is_null());
    assert_eq!(
        (merged.items("/contacts").len(), merged.text("/name_kana")),
        (0, "アオ")
    );
    assert_eq!(merged.items("/certifications").len(), 1, "absent fields stay");

    officer
        .merge_patch(&path, "*", json!({"name": null}))
        .await
        .invalid("/name", "null_not_allowed");
    officer
        .patch(&path, "*", json!({"clear": ["name"]}))
        .await
        .invalid("/name", "null_not_allowed");
    let both = json!({"note": "x", "clear": ["note"]});
    officer
        .patch(&path, "*", both)
        .await
        .invalid("/note", "set_and_cleared");
    officer
        .patch(&path, "*", json!({"nmae": "x"}))
        .await
        .invalid("/nmae", "unknown_field");
    officer
        .patch(&path, "*", json!({"id": made.id()}))
        .await
        .invalid("/id", "unknown_field");
});

db_test!(a_change_needs_the_version_that_was_read, |app| {
    let officer = app.officer();
    let made = register(&officer, whole()).await;
    let path = made.header("location");
    officer
        .patch(path, "", json!({"name": "A"}))
        .await
        .problem(428, "precondition_required");
    let changed = officer
        .patch(path, &made.etag(), json!({"name": "A"}))
        .await
        .expect(200);
    let stale = officer
        .patch(path, &made.etag(), json!({"name": "B"}))
        .await
        .problem(412, "stale_version");
    assert_eq!(stale.text("/current_etag"), changed.etag());
    officer.delete(path, "").await.problem(428, "precondition_required");
    officer.delete(path, &made.etag()).await.problem(412, "stale_version");
    // The tag of an answer in English is the tag of the record all the same.
    let english = app.officer().lang("en").get(path).await.expect(200);
    officer.delete(path, &english.etag()).await.expect(204);
});

db_test!(an_archived_contractor_is_kept_and_hidden, |app| {
    let officer = app.officer();
    let made = register(&officer, whole()).await;
    officer.delete(made.header("location"), &made.etag()).await.expect(204);
    assert!(
        !officer
            .get(made.header("location"))
            .await
            .expect(200)
            .at("/archived_at")
            .is_null()
    );
    assert!(officer.get("/contractors").await.expect(200).items("/items").is_empty());
    assert_eq!(
        officer
            .get("/contractors?include_archived=true")
            .await
            .expect(200)
            .items("/items")
            .len(),
        1
    );
    let child = json!({"name": "子会社", "parent_contractor_id": made.id()});
    officer
        .post("/contractors", child)
        .await
        .invalid("/parent_contractor_id", "reference_not_found");
});

db_test!(a_company_is_registered_once, |app| {
    let officer = app.officer();
    register(&officer, whole()).await;
    let mut again = whole();
    again["external_ids"] = json!([]);
    officer
        .post("/contractors", again.clone())
        .await
        .problem(409, "duplicate_corporate_number");
    again["corporate_number"] = Value::Null;
    again["external_ids"] = whole()["external_ids"].clone();
    officer
        .post("/contractors", again)
        .await
        .problem(409, "duplicate_external_id");
    assert_eq!(
        officer.get("/contractors").await.expect(200).items("/items").len(),
        1,
        "nothing half-written stays"
    );
    let other = register(&officer, json!({"name": "株式会社あお"})).await;
    let patch = json!({"corporate_number": NUMBER});
    officer
        .patch(other.header("location"), "*", patch)
        .await
        .problem(409, "duplicate_corporate_number");
});

db_test!(a_value_that_is_wrong_is_named_with_its_place, |app| {
    let officer = app.officer();
    for (name, value, pointer, code) in [
        (
            "corporate_number",
            json!("8000012050002"),
            "/corporate_number",
            "invalid_corporate_number_check_digit",
        ),
        (
            "corporate_number",
            json!("123"),
            "/corporate_number",
            "pattern_mismatch",
        ),
        (
            "invoice_registration_number",
            json!("7000012050002"),
            "/invoice_registration_number",
            "pattern_mismatch",
        ),
        ("name", json!(""), "/name", "too_short"),
        ("name", json!("あ".repeat(201)), "/name", "too_long"),
        ("name", json!(7), "/name", "wrong_type"),
        ("name", json!("a\u{7}b"), "/name", "control_character"),
        ("status", json!("unknown"), "/status", "not_in_enum"),
        ("status", json!("debarred"), "/debarment", "required"),
        ("country", json!(null), "/country", "null_not_allowed"),
        (
            "debarment",
            json!({"from_on": "2027-04-02", "to_on": "2027-04-01", "reason": "x"}),
            "/debarment/to_on",
            "date_order",
        ),
        (
            "debarment",
            json!({"from_on": "2027-02-30", "reason": "x"}),
            "/debarment/from_on",
            "invalid_date",
        ),
        (
            "parent_contractor_id",
            json!("01960000-0000-7000-8000-00000000ffff"),
            "/parent_contractor_id",
            "reference_not_found",
        ),
        (
            "parent_contractor_id",
            json!("x"),
            "/parent_contractor_id",
            "invalid_format",
        ),
    ] {
        let mut body = json!({"name": "株式会社みどり"});
        body[name] = value;
        officer.post("/contractors", body).await.invalid(pointer, code);
    }
    let all = officer
        .post("/contractors", json!({"name": "", "country": "jp", "x": 1}))
        .await
        .problem(422, "validation_failed");
    assert_eq!(all.items("/errors").len(), 3, "all mistakes at once: {:#}", all.body);
    let own = register(&officer, json!({"name": "A"})).await;
    let itself = json!({"parent_contractor_id": own.id()});
    officer
        .patch(own.header("location"), "*", itself)
        .await
        .invalid("/parent_contractor_id", "reference_not_found");
});

db_test!(two_characters_inside_a_name_or_its_kana_find_it, |app| {
    let officer = app.officer();
    for (name, kana) in [
        ("株式会社みどり情報サービス", "カブシキガイシャミドリジョウホウサービス"),
        ("あお情報合同会社", "アオジョウホウゴウドウガイシャ"),
        ("ＡＢＣシステム有限会社", "エービーシーシステムユウゲンガイシャ"),
        ("100%_クラウド\\社", "ヒャクパーセントクラウドシャ"),
    ] {
        register(&officer, json!({"name": name, "name_kana": kana})).await;
    }
    for (q, found) in [
        ("情報", vec!["株式会社みどり情報サービス", "あお情報合同会社"]),
        ("報サ", vec!["株式会社みどり情報サービス"]),
        ("どり", vec!["株式会社みどり情報サービス"]),
        ("じょうほう", vec!["株式会社みどり情報サービス", "あお情報合同会社"]),
        ("ゴウドウ", vec!["あお情報合同会社"]),
        ("ｺﾞｳﾄﾞｳ", vec!["あお情報合同会社"]),
        ("abc", vec!["ＡＢＣシステム有限会社"]),
        ("ｼｽﾃﾑ", vec!["ＡＢＣシステム有限会社"]),
        ("0%", vec!["100%_クラウド\\社"]),
        ("%_", vec!["100%_クラウド\\社"]),
        ("ド\\", vec!["100%_クラウド\\社"]),
        ("みど報", vec![]),
        ("__", vec![]),
        ("%%", vec![]),
    ] {
        let answered = officer.get(&format!("/contractors?q={}", escaped(q))).await.expect(200);
        assert_eq!(names(&answered), found, "{q}");
    }
    officer
        .get(&format!("/contractors?q={}", escaped("情")))
        .await
        .problem(400, "invalid_parameter");
    assert!(
        app.stranger()
            .get(&format!("/contractors?q={}", escaped("情報")))
            .await
            .expect(200)
            .items("/items")
            .is_empty()
    );
    // A name that was given up is not found any more.
    let first = officer.get(&format!("/contractors?q={}", escaped("どり"))).await;
    let path = format!("/contractors/{}", first.text("/items/0/id"));
    officer
        .patch(&path, "*", json!({"name": "きいろ", "name_kana": "キイロ"}))
        .await
        .expect(200);
    assert!(
        officer
            .get(&format!("/contractors?q={}", escaped("どり")))
            .await
            .items("/items")
            .is_empty()
    );
    assert_eq!(
        names(&officer.get(&format!("/contractors?q={}", escaped("キイ"))).await),
        ["きいろ"]
    );
});

fn escaped(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

db_test!(pages_follow_one_another_and_belong_to_their_filters, |app| {
    let officer = app.officer();
    for n in 1..=5 {
        register(
            &officer,
            json!({"name": format!("会社{n}"), "status": if n == 3 { "suspended" } else { "active" }}),
        )
        .await;
        app.clock.set(app.clock.now().plus_seconds(1));
    }
    let (mut path, mut read) = ("/contractors?limit=2".to_owned(), vec![]);
    let mut pages = 0;
    loop {
        let page = officer.get(&path).await.expect(200);
        read.extend(names(&page).into_iter().map(str::to_owned));
        pages += 1;
        if page.at("/has_more") == false {
            assert!(page.at("/next_cursor").is_null() && page.header("link").is_empty());
            break;
        }
        // The link is the whole next request.
        let link = page
            .header("link")
            .strip_prefix('<')
            .unwrap()
            .strip_suffix(">; rel=\"next\"")
            .unwrap();
        assert!(link.contains("limit=2") && link.ends_with(page.text("/next_cursor")));
        path = link.to_owned();
    }
    assert_eq!((pages, read), (3, (1..=5).map(|n| format!("会社{n}")).collect()));

    let first = officer.get("/contractors?limit=2").await;
    let cursor = first.text("/next_cursor");
    for other in ["status=active", "q=%E4%BC%9A%E7%A4%BE", "include_archived=true"] {
        officer
            .get(&format!("/contractors?cursor={cursor}&{other}"))
            .await
            .problem(400, "invalid_cursor");
    }
    // The size of the page may change on the way.
    assert_eq!(
        officer
            .get(&format!("/contractors?cursor={cursor}&limit=9"))
            .await
            .expect(200)
            .items("/items")
            .len(),
        3
    );
    assert_eq!(names(&officer.get("/contractors?status=suspended").await), ["会社3"]);
});

db_test!(whoever_asks_in_english_is_answered_in_english, |app| {
    let english = app.officer().lang("en");
    let made = register(&english, whole()).await;
    assert_eq!(made.header("content-language"), "en");
    let wrong = english
        .post(
            "/contractors",
            json!({"name": "A", "corporate_number": "8000012050002"}),
        )
        .await;
    let wrong = wrong.invalid("/corporate_number", "invalid_corporate_number_check_digit");
    assert!(wrong.text("/errors/0/message").is_ascii() && wrong.text("/detail").is_ascii());
    let again = english
        .post("/contractors", whole())
        .await
        .problem(409, "duplicate_corporate_number");
    assert!(again.text("/detail").is_ascii());
});
