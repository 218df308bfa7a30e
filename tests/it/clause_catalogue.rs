//! The clause catalogue over the wire.

use serde_json::{Value, json};

db_test!(the_catalogue_is_listed_by_number_and_page, |app| {
    let officer = app.officer();
    let all = officer.get("/clauses").await.expect(200);
    let numbers: Vec<u64> = all
        .items("/items")
        .iter()
        .map(|item| item["number"].as_u64().unwrap())
        .collect();
    assert!(numbers.iter().copied().eq(1..=45));
    assert_eq!(
        (all.at("/has_more"), all.at("/next_cursor")),
        (&json!(false), &Value::Null)
    );
    let mut walked = vec![];
    let mut next = "/clauses?limit=20".to_owned();
    loop {
        let page = officer.get(&next).await.expect(200);
        walked.extend(page.items("/items").to_vec());
        let Some(cursor) = page.at("/next_cursor").as_str() else {
            break;
        };
        assert!(page.header("link").contains("rel=\"next\""));
        next = format!("/clauses?limit=20&cursor={cursor}");
    }
    assert_eq!(json!(walked), *all.at("/items"));
    let social = officer
        .get("/clauses?kind=social_media_account&group=social")
        .await
        .expect(200);
    assert!(!social.items("/items").is_empty());
    for item in social.items("/items") {
        assert!(
            item["group"] == "social"
                && item["applies_to"]
                    .as_array()
                    .unwrap()
                    .contains(&json!("social_media_account"))
        );
    }
    let cursor = officer
        .get("/clauses?limit=1")
        .await
        .expect(200)
        .text("/next_cursor")
        .to_owned();
    officer
        .get(&format!("/clauses?limit=1&group=cloud&cursor={cursor}"))
        .await
        .problem(400, "invalid_cursor");
    officer
        .get("/clauses?group=clouds")
        .await
        .problem(400, "invalid_parameter");
    officer.get("/clauses?q=x").await.problem(400, "unknown_parameter");
    app.with_scopes(&["risk:evaluate"])
        .get("/clauses")
        .await
        .problem(403, "insufficient_scope");
});

db_test!(a_clause_shows_where_it_comes_from, |app| {
    let officer = app.officer();
    let permission = officer
        .get("/clauses/my-number-subcontract-permission")
        .await
        .expect(200);
    assert_eq!(
        (permission.at("/number"), permission.at("/statutory")),
        (&json!(21), &json!(true))
    );
    assert!(
        permission
            .items("/sources")
            .iter()
            .all(|source| !source["title"].as_str().unwrap().is_empty())
    );
    assert_eq!(permission.text("/catalogue_version"), app.app.catalogue.version);
    let later = officer.get("/clauses/government-registered-product").await.expect(200);
    let level = json!({"fact": "procured_on", "from_on": "2027-07-01", "requirement_level": "mandatory"});
    assert_eq!(later.at("/requirement_level_from"), &level);
    let duty = app
        .officer()
        .lang("en")
        .get("/clauses/confidentiality-obligation")
        .await
        .expect(200);
    assert_eq!(duty.text("/title"), "Duty of confidentiality");
    assert_eq!(
        duty.at("/when/any/0"),
        &json!({"fact": "confidentiality", "op": "gte", "value": "c2"})
    );
    assert_eq!(
        duty.at("/gates/0"),
        &json!({"kind": "contractor_engagement", "transition": "conclude_contract", "min_status": "agreed"})
    );
    officer.get("/clauses/no-such-clause").await.problem(404, "not_found");
});
