//! What goes around an answer: somebody else is in charge, more time, staff that prepares, facts that changed; and the pages
//! of those who are only told.

use diesel::prelude::*;
use kakunin::db::schema::{links, obligations};
use kakunin::domain::vocabulary::Role;
use serde_json::{Value, json};

use super::{
    PostOffice, asked, borrowed, by_link, engagement, filled, hidden, journal_length, link, location, obligation_of,
    person, questions, send,
};
use crate::harness::{TestApp, seed};
use crate::mailroom;

async fn obligation(app: &TestApp, entry: &str, kind: &str) -> Value {
    let path = format!("/obligations?entry_id={entry}&kind={kind}");
    let page = app.officer().get(&path).await.expect(200);
    assert_eq!(page.items("/items").len(), 1, "{:#}", page.body);
    page.items("/items")[0].clone()
}

db_test!(somebody_else_takes_over_and_the_old_link_ends, |app| {
    let office = PostOffice::open();
    let (path, entry) = asked(&app, &office).await;
    let after = person(&app, "後任 次郎", "after@motosu.example.lg.jp").await;
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    let round = obligation_of(&questions(&page)[0]);
    let form = format!("{path}/hand-over/{round}");
    page.says(&format!("href=\"{form}\""));
    let before = journal_length(&app);
    browser.get(&form).await.expect(200).says("広報紙の発送業務");
    browser
        .get(&format!("{form}?q=%E5%BE%8C"))
        .await
        .expect(200)
        .says("見つかりません");
    browser
        .get(&format!("{form}?q=%E5%BE%8C%E4%BB%BB"))
        .await
        .expect(200)
        .says("後任 次郎");
    // Nobody hands over to themselves.
    browser
        .get(&format!("{form}?q=%E8%B2%AC%E4%BB%BB"))
        .await
        .expect(200)
        .says("見つかりません");
    let own = app.officer().get("/people?q=%E8%B2%AC%E4%BB%BB").await.expect(200);
    let own = [("to", own.text("/items/0/id")), ("text", "異動"), ("name", "責任花子")];
    browser.post(&form, &own).await.expect(422).says("あなた以外の人");
    let wrong = browser
        .post(&form, &[("to", &after), ("q", "後任"), ("name", "責任花子")])
        .await;
    wrong.expect(422).says("理由を入れてください");
    assert_eq!(journal_length(&app), before);

    let fields = [
        ("to", after.as_str()),
        ("q", "後任"),
        ("text", "4月1日付けの異動"),
        ("name", "責任花子"),
    ];
    browser
        .post(&form, &fields)
        .await
        .expect(200)
        .says("後任 次郎さんになりました");
    let owner = app.officer().get(&format!("/engagements/{entry}")).await.expect(200);
    assert_eq!(owner.text("/owner/person_id"), after);
    assert_eq!(by_link(&app)["entry.handed_over"], 1);
    // Its mail asked about nothing else: it is revoked, says whom it was for, and answers nothing.
    let over = browser.get(&path).await.expect(410);
    over.says("責任 花子");
    over.says("担当が替わった");
    send(&browser, &path, &borrowed(&filled(&page, "met", "責任 花子")), &[])
        .await
        .expect(410)
        .says("<h1>");
    browser.post(&form, &fields).await.expect(410).says("<h1>");

    // The new owner is asked to accept, sees what waits, and accepts on the page.
    office.deliver(&app).await;
    let theirs = link(&office.last_to("after@motosu.example.lg.jp"));
    let page = browser.get(&theirs).await.expect(200);
    page.says("引き受けますか");
    assert!(!questions(&page).is_empty(), "what waits with it is theirs too");
    let handover = app.officer().get("/obligations?kind=handover").await.expect(200);
    let accept = format!("h.{}", handover.text("/items/0/id"));
    let sheet = hidden(&page, "sheet");
    let decline = [("sheet", sheet.as_str()), (&accept, "decline"), ("name", "後任次郎")];
    send(&browser, &theirs, &decline, &[])
        .await
        .expect(422)
        .says("引き受けない理由");
    let yes = [("sheet", sheet.as_str()), (&accept, "accept"), ("name", "後任次郎")];
    let receipt = location(&send(&browser, &theirs, &yes, &[]).await);
    browser.get(&receipt).await.expect(200).says("引き受けた");
    let open = app.officer().get("/obligations?kind=handover").await.expect(200);
    assert!(open.items("/items").is_empty());
});

db_test!(a_link_whose_mail_asked_about_more_stays_open_for_the_rest, |app| {
    let office = PostOffice::open();
    let owner = person(&app, "責任 花子", "owner@motosu.example.lg.jp").await;
    let after = person(&app, "後任 次郎", "after@motosu.example.lg.jp").await;
    let holder = json!({"owner": {"person_id": owner}});
    let gone = engagement(&app, "清掃業務", holder.clone()).await;
    engagement(&app, "警備業務", holder).await;
    office.deliver(&app).await;
    let path = link(&office.last_to("owner@motosu.example.lg.jp"));
    let round = obligation(&app, &gone, "reverification").await;
    let form = format!("{path}/hand-over/{}", round["id"].as_str().unwrap());
    let fields = [("to", after.as_str()), ("text", "異動"), ("name", "責任花子")];
    let browser = app.browser();
    browser.post(&form, &fields).await.expect(200).says("<h1>");
    let page = browser.get(&path).await.expect(200);
    page.says("警備業務");
    page.is_silent_about("清掃業務");
    browser.get(&form).await.expect(404).says("<h1>");
});

db_test!(more_time_is_granted_once_by_the_superior_and_moves_no_date, |app| {
    let office = PostOffice::open();
    let (path, entry) = asked(&app, &office).await;
    let head = person(&app, "課長 三郎", "head@motosu.example.lg.jp").await;
    mailroom::role(&app, 1, seed::MAYOR, Role::SectionSecurityManager, &head);
    let round = obligation(&app, &entry, "reverification").await;
    let form = format!("{path}/more-time/{}", round["id"].as_str().unwrap());
    let browser = app.browser();
    browser.get(&form).await.expect(200).says("課長 三郎");
    let ask = |until: &'static str| {
        [
            ("until", until),
            ("text", "事業者の記録を待っている"),
            ("name", "責任花子"),
        ]
    };
    browser
        .post(&form, &ask("2027-05-02"))
        .await
        .expect(422)
        .says("id=\"until.error\"");
    browser.post(&form, &ask("2027-04-01")).await.expect(422).says("<h1>");
    browser
        .post(&form, &ask("2027-04-20"))
        .await
        .expect(200)
        .says("課長 三郎さんにメールで伝えました");
    browser
        .post(&form, &ask("2027-04-20"))
        .await
        .expect(422)
        .says("猶予を申し出ています");

    office.deliver(&app).await;
    let mail = office.last_to("head@motosu.example.lg.jp");
    assert!(!mail.text.contains("事業者の記録"), "a reason stays on the page");
    let decide = link(&mail);
    let page = browser.get(&decide).await.expect(200);
    page.says("事業者の記録を待っている");
    page.is_silent_about(" checked");
    // Whoever is signed in need not look for the mail; nobody else is shown it.
    let superior = app.signed_in("head@motosu.example.lg.jp").await;
    let waits = superior.get("/my-work").await.expect(200);
    waits.says("責任 花子さんからの猶予の申出");
    waits.says(&format!("href=\"{decide}\""));
    let asks = app.signed_in("owner@motosu.example.lg.jp").await;
    asks.get("/my-work").await.expect(200).is_silent_about(&decide);
    let before = journal_length(&app);
    browser
        .post(&decide, &[])
        .await
        .expect(422)
        .says("認めるかどうかを選んでください");
    browser
        .post(&decide, &[("granted", "yes"), ("name", "責任花子")])
        .await
        .expect(422)
        .says("<h1>");
    assert_eq!(journal_length(&app), before);
    assert_eq!(
        location(&browser.post(&decide, &[("granted", "yes"), ("name", "課長三郎")]).await),
        decide
    );
    browser.get(&decide).await.expect(200).says("猶予を認めました");
    superior.get("/my-work").await.expect(200).is_silent_about(&decide);
    let granted = journal_length(&app);
    // Sent again with another word: the first one stands.
    location(&browser.post(&decide, &[("granted", "no"), ("name", "課長三郎")]).await);
    browser.get(&decide).await.expect(200).says("猶予を認めました");
    assert_eq!(journal_length(&app), granted);

    let after = obligation(&app, &entry, "reverification").await;
    assert_eq!(after["due_on"], round["due_on"], "a due date never moves");
    assert_eq!(after["grace_until_on"], "2027-04-20");
    assert_eq!(after["next_step_on"], "2027-04-21");
    office.deliver(&app).await;
    let told = office.last_to("owner@motosu.example.lg.jp");
    assert!(told.text.contains("令和9年4月20日まで認められました"), "{}", told.text);
    // Nothing is sent until then, not even what would have been due; and it is granted once.
    let count = office.count_to("owner@motosu.example.lg.jp");
    app.at("2027-04-20T09:00");
    office.deliver(&app).await;
    assert_eq!(office.count_to("owner@motosu.example.lg.jp"), count);
    browser
        .get(&form)
        .await
        .expect(200)
        .says("猶予は1回の確認につき1度だけ");
    browser.post(&form, &ask("2027-04-28")).await.expect(422).says("<h1>");
});

db_test!(what_the_law_or_a_contract_dates_knows_no_more_time, |app| {
    let office = PostOffice::open();
    let owner = person(&app, "責任 花子", "owner@motosu.example.lg.jp").await;
    let soon = json!({"owner": {"person_id": owner}, "period": {"starts_on": "2026-03-01", "ends_on": "2027-05-10"}});
    let entry = engagement(&app, "先の業務", soon).await;
    office.deliver(&app).await;
    let path = link(&office.last_to("owner@motosu.example.lg.jp"));
    let end = obligation(&app, &entry, "contract_end").await;
    let form = format!("{path}/more-time/{}", end["id"].as_str().unwrap());
    let browser = app.browser();
    browser.get(&path).await.expect(200).is_silent_about(&form);
    browser.get(&form).await.expect(200).says("猶予はありません");
    let ask = [("until", "2027-05-12"), ("text", "理由"), ("name", "責任花子")];
    browser.post(&form, &ask).await.expect(422).says("猶予はありません");
});

db_test!(
    staff_prepares_and_the_responsible_person_confirms_with_name_and_button,
    |app| {
        let office = PostOffice::open();
        let (path, entry) = asked(&app, &office).await;
        let staff = person(&app, "担当 四郎", "staff@motosu.example.lg.jp").await;
        let browser = app.browser();
        let page = browser.get(&path).await.expect(200);
        let round = obligation_of(&questions(&page)[0]);
        let form = format!("{path}/staff/{round}");
        let ask = [
            ("to", staff.as_str()),
            ("text", "接続記録を見てください。"),
            ("name", "責任花子"),
        ];
        browser.post(&form, &ask).await.expect(200).says("担当 四郎さんに");
        office.deliver(&app).await;
        let mail = office.last_to("staff@motosu.example.lg.jp");
        assert!(mail.text.contains("接続記録を見てください。"), "{}", mail.text);
        let theirs = link(&mail);
        let sheet = browser.get(&theirs).await.expect(200);
        sheet.says("責任 花子さんが下書きを頼みました");
        sheet.is_silent_about(" checked");
        sheet.is_silent_about("hand-over");
        // Half of it is a draft as well.
        let mut fields = filled(&sheet, "met", "担当四郎");
        let last = fields.remove(fields.len() - 2);
        let note = fields[1].0.replacen('a', "n", 1);
        fields.push((note, "3月分まで確認した".to_owned()));
        send(&browser, &theirs, &borrowed(&fields), &[])
            .await
            .expect(200)
            .says("責任 花子さんに");
        let before = journal_length(&app);
        send(&browser, &theirs, &borrowed(&fields), &[])
            .await
            .expect(200)
            .says("<h1>");
        assert_eq!(journal_length(&app), before, "the button pressed twice prepares once");
        let none = app
            .officer()
            .get(&format!("/verifications?entry_id={entry}"))
            .await
            .expect(200);
        assert!(none.items("/items").is_empty(), "what is prepared is no answer");

        office.deliver(&app).await;
        let told = office.last_to("owner@motosu.example.lg.jp");
        assert!(told.text.contains("下書きができました"), "{}", told.text);
        let confirm = link(&told);
        let page = browser.get(&confirm).await.expect(200);
        page.says("担当 四郎さんの下書き");
        page.says("3月分まで確認した");
        let ready = page.html.matches("value=\"met\" checked").count();
        assert_eq!(ready, questions(&page).len() - 1);
        page.is_silent_about(&format!("name=\"{}\" value=\"met\" checked", last.0));
        // What stands in the page is sent with name and button, and what was left is answered.
        let mut fields = filled(&page, "met", "責任 花子");
        fields
            .iter_mut()
            .filter(|(name, _)| *name == last.0)
            .for_each(|(_, value)| "cannot_tell".clone_into(value));
        let receipt = location(&send(&browser, &confirm, &borrowed(&fields), &[]).await);
        browser.get(&receipt).await.expect(200).says("責任 花子");
        let made = app
            .officer()
            .get(&format!("/verifications?entry_id={entry}"))
            .await
            .expect(200);
        assert_eq!(made.text("/items/0/result"), "cannot_tell");
        browser
            .get(&theirs)
            .await
            .expect(200)
            .says("お願いしている項目はありません");
    }
);

db_test!(changed_facts_are_shown_with_what_follows_before_they_are_saved, |app| {
    let office = PostOffice::open();
    let (path, entry) = asked(&app, &office).await;
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    let round = obligation_of(&questions(&page)[0]);
    let form = format!("{path}/changes/{round}");
    let empty = browser.get(&form).await.expect(200);
    empty.says("name=\"fact.handles_personal_information\"");
    empty.is_silent_about("value=\"save\"");
    let version = hidden(&empty, "version");
    let before = journal_length(&app);
    let change = |step: &'static str, name: &'static str| {
        [
            ("version", version.as_str()),
            ("fact.handles_personal_information", "true"),
            ("fact.data_subjects", "up_to_10000"),
            ("step", step),
            ("name", name),
        ]
    };
    let nothing = [("version", version.as_str()), ("step", "preview")];
    browser
        .post(&form, &nothing)
        .await
        .expect(422)
        .says("変わったところがありません");
    let wrong = [
        ("version", version.as_str()),
        ("fact.data_subjects", "many"),
        ("step", "preview"),
    ];
    browser
        .post(&form, &wrong)
        .await
        .expect(422)
        .says("id=\"fact.data_subjects.error\"");
    let shown = browser.post(&form, &change("preview", "")).await.expect(200);
    shown.says("保有個人情報を取り扱う：いいえ → はい");
    shown.says("新しく必要になる条項");
    shown.says("value=\"save\"");
    browser
        .post(&form, &change("save", ""))
        .await
        .expect(422)
        .says("責任 花子さんの氏名");
    assert_eq!(
        journal_length(&app),
        before,
        "nothing is saved before the name is there"
    );
    browser
        .post(&form, &change("save", "責任花子"))
        .await
        .expect(200)
        .says("登録しました");
    let changed = app.officer().get(&format!("/engagements/{entry}")).await.expect(200);
    assert_eq!(changed.at("/facts/handles_personal_information"), &json!(true));
    assert_eq!(
        changed.at("/facts/network_zones"),
        &json!(["internet"]),
        "what was not sent stays"
    );
    assert_eq!(by_link(&app)["engagement.updated"], 1);
    browser
        .post(&form, &change("save", "責任花子"))
        .await
        .expect(422)
        .says("<h1>");
});

db_test!(a_superior_is_told_and_answers_nothing, |app| {
    let office = PostOffice::open();
    let head = person(&app, "課長 三郎", "head@motosu.example.lg.jp").await;
    mailroom::role(&app, 1, seed::MAYOR, Role::Ciso, &head);
    let owner = person(&app, "責任 花子", "owner@motosu.example.lg.jp").await;
    let late = json!({"owner": {"person_id": owner}, "started_on": "2026-03-01"});
    let entry = engagement(&app, "広報紙の発送業務", late).await;
    office.deliver(&app).await;
    let round = obligation(&app, &entry, "reverification").await;
    let path = link(&office.last_to("head@motosu.example.lg.jp"));
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    page.says("回答するのは責任者（責任 花子）です");
    assert!(questions(&page).is_empty());
    let field = format!("a.{}.mfa", round["id"].as_str().unwrap());
    let forced = [("sheet", "x"), (field.as_str(), "met"), ("name", "課長三郎")];
    send(&browser, &path, &forced, &[]).await.expect(422).says("<h1>");
    browser
        .get(&format!("{path}/hand-over/{}", round["id"].as_str().unwrap()))
        .await
        .expect(404)
        .says("<h1>");
});

db_test!(whoever_reads_a_departments_mailbox_says_who_they_are, |app| {
    let office = PostOffice::open();
    let department = mailroom::department(&app, 7, Some("soumu@motosu.example.lg.jp"));
    let new = json!({"name": "無線 五郎",
        "appointments": [{"organization_id": seed::MAYOR, "department_id": department, "starts_on": "2020-04-01"}]});
    let owner = app.officer().post("/people", new).await.expect(201).id();
    let more = json!({"owner": {"person_id": owner}, "department_id": department});
    engagement(&app, "警備業務", more).await;
    office.deliver(&app).await;
    let path = link(&office.last_to("soumu@motosu.example.lg.jp"));
    let browser = app.browser();
    let page = browser.get(&path).await.expect(200);
    page.says("代表アドレス宛て");
    page.says(&format!("name=\"who\" value=\"{owner}\""));
    let mut fields = filled(&page, "met", "無線五郎");
    send(&browser, &path, &borrowed(&fields), &[])
        .await
        .expect(422)
        .says("回答する人を選んでください");
    fields.push(("who".to_owned(), owner.clone()));
    let receipt = location(&send(&browser, &path, &borrowed(&fields), &[]).await);
    browser.get(&receipt).await.expect(200).says("無線 五郎");
    office.deliver(&app).await;
    assert!(office.last_to("soumu@motosu.example.lg.jp").text.contains("受付番号"));
    let purposes: Vec<String> = app.db(|conn| links::table.select(links::purpose).load(conn));
    assert_eq!(purposes, ["answer"]);
    let open: i64 = app.db(|conn| {
        obligations::table
            .filter(obligations::state.eq("open"))
            .count()
            .get_result(conn)
    });
    assert!(open > 0);
});
