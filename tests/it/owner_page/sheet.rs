//! The sheet: what it asks, what an answer does, what a second one does, and who cannot answer.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use diesel::prelude::*;
use kakunin::db::schema::{links, verifications};
use serde_json::json;

use super::{
    PostOffice, asked, borrowed, by_link, code, engagement, filled, hidden, journal_length, link, location,
    obligation_of, person, questions, send,
};
use crate::harness::{TestApp, seed};

fn verified(app: &TestApp) -> i64 {
    app.db(|conn| verifications::table.count().get_result(conn))
}

db_test!(an_owner_answers_from_the_mail_in_one_go, |app| {
    let office = PostOffice::open();
    let (path, entry) = asked(&app, &office).await;
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    for said in [
        "責任 花子",
        "広報紙の発送業務",
        "株式会社みどり情報サービス",
        "7000012050002",
        "前回の回答はありません",
        "根拠：",
        "期限",
    ] {
        page.says(said);
    }
    page.is_silent_about(" checked");
    let questions = questions(&page);
    assert!(questions.len() > 3, "{questions:?}");

    let mut fields = filled(&page, "met", "責任花子");
    let first = &questions[0];
    fields.push((first.replacen('a', "n", 1), "接続記録を確認した。".to_owned()));
    let receipt = location(&send(&browser, &path, &borrowed(&fields), &[]).await);
    assert!(receipt.starts_with(&format!("{path}/receipts/R9-")), "{receipt}");
    let shown = browser.get(&receipt).await.expect(200);
    shown.says("実施を確認した");
    shown.says("接続記録を確認した。");
    shown.says("R9-000001");

    let made = app
        .officer()
        .get(&format!("/verifications?entry_id={entry}"))
        .await
        .expect(200);
    assert_eq!(made.items("/items").len(), 1);
    assert_eq!(made.items("/items/0/answers").len(), questions.len());
    assert_eq!(made.text("/items/0/result"), "met");
    let obligation = obligation_of(first);
    let counts = by_link(&app);
    assert_eq!(
        (counts["obligation.verified"], counts["receipt.issued"]),
        (1, 1),
        "{counts:?}"
    );
    let log = app
        .officer()
        .get(&format!(
            "/audit-log?subject_id={obligation}&action=obligation.verified"
        ))
        .await
        .expect(200);
    assert_eq!(log.text("/items/0/via"), "link");

    // The receipt comes by mail, at once, and says nothing of the answers.
    office.deliver(&app).await;
    let mail = office.last_to("owner@motosu.example.lg.jp");
    assert!(mail.text.contains("受付番号　　　：R9-000001"), "{}", mail.text);
    assert!(mail.text.contains(&receipt), "{}", mail.text);
    assert!(!mail.text.contains("接続記録"));
    // What is left is nothing; the page says so and shows the receipt.
    let left = browser.get(&path).await.expect(200);
    left.says("今、お願いしている項目はありません");
    left.says("R9-000001");
});

db_test!(a_sheet_that_is_sent_again_shows_the_first_answer, |app| {
    let office = PostOffice::open();
    let (path, _) = asked(&app, &office).await;
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    let first = location(&send(&browser, &path, &borrowed(&filled(&page, "met", "責任 花子")), &[]).await);
    let (length, count) = (journal_length(&app), verified(&app));
    let again = location(&send(&browser, &path, &borrowed(&filled(&page, "not_met", "責任 花子")), &[]).await);
    assert_eq!(again, first);
    assert_eq!((journal_length(&app), verified(&app)), (length, count));
    browser
        .get(&again)
        .await
        .expect(200)
        .is_silent_about("実施されていない");
    // Another sheet about the same questions, opened before: nobody should believe that it counted.
    let mut late = filled(&page, "not_met", "責任 花子");
    late[0].1 = "another".to_owned();
    let late = send(&browser, &path, &borrowed(&late), &[]).await.expect(422);
    late.says("既に回答されたか");
    assert_eq!(verified(&app), count);
});

db_test!(
    what_is_missing_is_said_at_its_field_and_comes_back_as_it_was_sent,
    |app| {
        let office = PostOffice::open();
        let (path, _) = asked(&app, &office).await;
        let browser = app.browser();
        let page = browser.get(&path).await.expect(200);
        let before = journal_length(&app);
        let questions = questions(&page);
        let note = questions[0].replacen('a', "n", 1);
        let fields = [
            ("sheet".to_owned(), hidden(&page, "sheet")),
            (questions[0].clone(), "cannot_tell".to_owned()),
            (note.clone(), "記録を <まだ> 見ていない".to_owned()),
            ("name".to_owned(), "別人 太郎".to_owned()),
        ];
        let wrong = send(&browser, &path, &borrowed(&fields), &[]).await.expect(422);
        wrong.says("role=\"alert\"");
        for question in &questions[1..] {
            wrong.says(&format!("<a href=\"#{question}\">"));
            wrong.says(&format!("id=\"{question}.error\""));
        }
        wrong.says("<a href=\"#name\">");
        wrong.says("責任 花子さん宛てです");
        wrong.says("value=\"cannot_tell\" checked");
        wrong.says("記録を &#60;まだ&#62; 見ていない");
        wrong.says("value=\"別人 太郎\"");
        assert_eq!(hidden(&wrong, "sheet"), fields[0].1);
        assert_eq!(journal_length(&app), before);
    }
);

db_test!(
    who_opens_a_link_or_presses_its_button_without_answers_changes_nothing,
    |app| {
        let office = PostOffice::open();
        let (path, _) = asked(&app, &office).await;
        let before = journal_length(&app);
        let browser = app.browser();
        for _ in 0..3 {
            browser.get(&path).await.expect(200).says("<h1>");
            let head = TestRequest::default().method(Method::HEAD).uri(&path);
            assert_eq!(browser.send(head).await.status, 200);
            // A scanner that presses the button: with nothing, or with what stands in the page already.
            send(&browser, &path, &[], &[])
                .await
                .expect(422)
                .says("まだ何も選ばれていません");
            browser
                .post(&path, &[])
                .await
                .expect(422)
                .says("まだ何も選ばれていません");
            let page = browser.get(&path).await.expect(200);
            let sheet = hidden(&page, "sheet");
            send(&browser, &path, &[("sheet", &sheet), ("name", "")], &[])
                .await
                .expect(422)
                .says("氏名を入れてください");
        }
        assert_eq!((journal_length(&app), verified(&app)), (before, 0));
        // Another site's form is refused, whatever it says.
        let page = browser.get(&path).await.expect(200);
        let foreign = TestRequest::post()
            .uri(&path)
            .insert_header(("sec-fetch-site", "cross-site"))
            .set_form(filled(&page, "met", "責任 花子"));
        assert_eq!(browser.send(foreign).await.status, 403);
        assert_eq!(verified(&app), 0);
    }
);

db_test!(a_file_becomes_evidence_of_its_clause, |app| {
    let office = PostOffice::open();
    let (path, entry) = asked(&app, &office).await;
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    let questions = questions(&page);
    let suffix = questions[0].strip_prefix("a.").unwrap().to_owned();
    let (file, kind) = (format!("f.{suffix}"), format!("k.{suffix}"));
    let select = page.html.split_once(&format!("<select id=\"{kind}\"")).unwrap().1;
    let options = select.split_once("</select>").unwrap().0;
    let chosen = options
        .split("<option value=\"")
        .skip(1)
        .map(|option| option.split_once('"').unwrap().0)
        .find(|code| !code.is_empty())
        .unwrap();
    let empty = format!("f.{}", questions[1].strip_prefix("a.").unwrap());

    // A file that is not what it says is refused, and everything with it.
    let mut fields = filled(&page, "met", "責任 花子");
    fields.push((kind, chosen.to_owned()));
    let wrong = send(
        &browser,
        &path,
        &borrowed(&fields),
        &[(&file, "record.pdf", b"MZ no pdf")],
    )
    .await;
    let wrong = wrong.expect(422);
    wrong.says(&format!("id=\"{file}.error\""));
    wrong.says("もう一度選んでください");
    assert_eq!(verified(&app), 0);

    let files: [(&str, &str, &[u8]); 2] = [(&file, "記録.txt", "接続の記録\n".as_bytes()), (&empty, "", b"")];
    let receipt = location(&send(&browser, &path, &borrowed(&fields), &files).await);
    browser.get(&receipt).await.expect(200).says("記録.txt");
    let evidence = app
        .officer()
        .get(&format!("/evidence?entry_id={entry}"))
        .await
        .expect(200);
    assert_eq!(evidence.items("/items").len(), 1);
    assert_eq!(evidence.text("/items/0/title"), "記録.txt");
    assert_eq!(evidence.text("/items/0/kind"), chosen);
    let made = app
        .officer()
        .get(&format!("/verifications?entry_id={entry}"))
        .await
        .expect(200);
    let key = suffix.split_once('.').unwrap().1;
    let answers = made.items("/items/0/answers");
    let shown = answers.iter().find(|answer| answer["clause_key"] == key).unwrap();
    assert_eq!(shown["evidence_id"], evidence.items("/items")[0]["id"]);
});

db_test!(several_things_are_answered_on_one_page_most_urgent_first, |app| {
    let office = PostOffice::open();
    let owner = person(&app, "責任 花子", "owner@motosu.example.lg.jp").await;
    let holder = json!({"person_id": owner});
    engagement(&app, "後の業務", json!({"owner": holder})).await;
    let soon = json!({"owner": holder, "started_on": "2025-06-01",
        "period": {"starts_on": "2025-06-01", "ends_on": "2027-05-10"}});
    let soon = engagement(&app, "先の業務", soon).await;
    office.deliver(&app).await;
    let path = link(&office.last_to("owner@motosu.example.lg.jp"));
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    let at = |text: &str| {
        page.html
            .find(text)
            .unwrap_or_else(|| panic!("no {text} in {}", page.html))
    };
    assert!(at("先の業務") < at("後の業務"));
    // The end of the contract asks for a decision on the same page.
    let end = app
        .officer()
        .get(&format!("/obligations?entry_id={soon}&kind=contract_end"))
        .await
        .expect(200);
    let decision = format!("d.{}", end.text("/items/0/id"));
    page.says(&format!("name=\"{decision}\" value=\"retender\""));
    // A comment alone does not decide.
    let comment = format!("comment.{}", end.text("/items/0/id"));
    let sheet = hidden(&page, "sheet");
    let begun = [("sheet", sheet.as_str()), (&comment, "検討中"), ("name", "責任花子")];
    send(&browser, &path, &begun, &[])
        .await
        .expect(422)
        .says(&format!("href=\"#{decision}\""));
    let sent = [("sheet", sheet.as_str()), (&decision, "retender"), ("name", "責任花子")];
    let receipt = location(&send(&browser, &path, &sent, &[]).await);
    browser.get(&receipt).await.expect(200).says("改めて選定する");
    let closed = app
        .officer()
        .get(&format!("/obligations/{}", end.text("/items/0/id")))
        .await
        .expect(200);
    assert_eq!((closed.text("/state"), closed.text("/outcome")), ("closed", "retender"));
    // What was not answered waits on the same page.
    let left = browser.get(&path).await.expect(200);
    assert!(!questions(&left).is_empty());
    left.is_silent_about(&decision);
});

db_test!(a_code_opens_what_its_link_does_and_guessing_is_slow, |app| {
    let office = PostOffice::open();
    let (path, _) = asked(&app, &office).await;
    let mail = office.last_to("owner@motosu.example.lg.jp");
    let code = code(&mail);
    assert_eq!(code.len(), 11, "{code}");
    let browser = app.browser();
    browser.get("/r").await.expect(200).says("番号");
    let typed = code.to_lowercase().replace('-', " ");
    assert_eq!(location(&browser.post("/r", &[("code", &typed)]).await), path);
    browser
        .post("/r", &[("code", "000-000-000")])
        .await
        .expect(422)
        .says("この番号のお知らせは見つかりません");
    let mut refused = 0;
    for _ in 0..12 {
        refused += usize::from(browser.post("/r", &[("code", "000-000-001")]).await.status == 429);
    }
    assert!(refused >= 2, "{refused}");
    // Not even the right one is looked up above the limit.
    browser
        .post("/r", &[("code", &code)])
        .await
        .expect(429)
        .says("rate_limited");
    browser.get(&path).await.expect(200).says("責任 花子");
});

db_test!(a_token_that_nobody_was_sent_opens_nothing, |app| {
    let office = PostOffice::open();
    let (path, _) = asked(&app, &office).await;
    let browser = app.browser();
    let wrong = format!("/r/{}", "a".repeat(26));
    let mut answered = vec![];
    for _ in 0..24 {
        answered.push(browser.get(&wrong).await.status);
    }
    assert_eq!(answered[..20], [404; 20]);
    assert_eq!(answered[20..], [429; 4]);
    browser.get(&path).await.expect(200).says("<h1>");
    for odd in ["/r/x", "/r/AAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!([404, 429].contains(&browser.get(odd).await.status));
    }
    browser
        .post(&wrong, &[("name", "責任 花子")])
        .await
        .expect(429)
        .says("<h1>");
});

db_test!(a_link_ends_with_its_time_and_when_its_reader_leaves, |app| {
    let office = PostOffice::open();
    let (path, _) = asked(&app, &office).await;
    let expires: kakunin::clock::Instant = app.db(|conn| links::table.select(links::expires_at).first(conn));
    app.clock.set(expires.plus_seconds(-60));
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    app.clock.set(expires);
    let over = browser.get(&path).await.expect(410);
    over.says("責任 花子");
    over.says("期限を過ぎた");
    over.is_silent_about("広報紙の発送業務");
    send(&browser, &path, &borrowed(&filled(&page, "met", "責任 花子")), &[])
        .await
        .expect(410)
        .says("<h1>");
    assert_eq!(verified(&app), 0);

    app.at("2027-04-01T10:00");
    browser.get(&path).await.expect(200).says("<h1>");
    let people = app.officer().get("/people?q=%E8%B2%AC%E4%BB%BB").await.expect(200);
    let person = format!("/people/{}", people.text("/items/0/id"));
    app.officer()
        .patch(&person, "*", json!({"left_on": "2027-03-31"}))
        .await
        .expect(200);
    browser.get(&path).await.expect(410).says("異動・退職");
});

db_test!(another_local_government_sees_nothing_of_ours, |app| {
    let office = PostOffice::open();
    let (path, _) = asked(&app, &office).await;
    // The same person id in another tenant's link opens nothing of ours.
    let person: Option<String> = app.db(|conn| links::table.select(links::person_id).first(conn));
    assert!(person.is_some());
    let page = app.browser().get(&path).await.expect(200);
    let obligation = obligation_of(&questions(&page)[0]);
    let theirs: Vec<String> = app.db(|conn| {
        links::table
            .filter(links::local_government_id.ne(seed::MOTOSU))
            .select(links::id)
            .load(conn)
    });
    assert!(theirs.is_empty(), "nobody of theirs was asked");
    let new = json!({"name": "他市 花子", "email": "owner@kagoshima.example.lg.jp"});
    let stranger = app.stranger().post("/people", new).await.expect(201).id();
    let ours = app.app.random.id(app.clock.now());
    // A link of theirs that names our obligation: the row cannot even be written.
    let written = app.app.db.write(|conn| {
        diesel::insert_into(links::table)
            .values((
                links::local_government_id.eq(seed::KAGOSHIMA),
                links::id.eq(&ours),
                links::purpose.eq("prepare"),
                links::person_id.eq(Some(&stranger)),
                links::obligation_id.eq(Some(&obligation)),
                links::cycle.eq(Some(1)),
                links::token_hash.eq("t"),
                links::code_hash.eq("c"),
                links::expires_at.eq(app.clock.now().plus_seconds(3600)),
                links::created_at.eq(app.clock.now()),
            ))
            .execute(conn)
            .map_err(kakunin::http::error::ApiError::from)
    });
    assert!(written.is_err());
});

db_test!(a_resend_carries_the_same_link_and_a_later_mail_another, |app| {
    let office = PostOffice::open();
    let (path, _) = asked(&app, &office).await;
    assert_eq!(office.count_to("owner@motosu.example.lg.jp"), 1);
    let stored: Vec<(String, String)> =
        app.db(|conn| links::table.select((links::token_hash, links::code_hash)).load(conn));
    assert_eq!(stored.len(), 1);
    let token = path.strip_prefix("/r/").unwrap();
    assert!(!stored[0].0.contains(token) && stored[0].0 != kakunin::journal::sha256_hex(token.as_bytes()));
    // The next stage has a link of its own; both open the same page.
    app.at("2027-04-30T09:00");
    office.deliver(&app).await;
    let later = link(&office.last_to("owner@motosu.example.lg.jp"));
    assert_ne!(later, path);
    let browser = app.browser();
    let (one, other) = (
        browser.get(&path).await.expect(200),
        browser.get(&later).await.expect(200),
    );
    assert_eq!(questions(&one), questions(&other));
});
