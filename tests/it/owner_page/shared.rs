//! An address that several people read: one mail, and behind its link the question who answers.

use serde_json::json;

use super::{
    PostOffice, asked, borrowed, engagement, filled, journal_length, link, location, obligation_of, person, questions,
    send,
};
use crate::harness::Page;

const ADDRESS: &str = "kakari@motosu.example.lg.jp";

/// The path behind a name on the page that asks who answers.
#[track_caller]
fn way(page: &Page, name: &str) -> String {
    let (before, _) = page
        .html
        .split_once(name)
        .unwrap_or_else(|| panic!("no {name} in {}", page.html));
    let (_, path) = before.rsplit_once("href=\"").unwrap();
    path.split('"').next().unwrap().to_owned()
}

db_test!(a_mail_to_several_people_asks_who_answers, |app| {
    let office = PostOffice::open();
    let one = person(&app, "責任 花子", ADDRESS).await;
    let two = person(&app, "担当 次郎", ADDRESS).await;
    let after = person(&app, "後任 三郎", "after@motosu.example.lg.jp").await;
    engagement(&app, "清掃業務", json!({"owner": {"person_id": one}})).await;
    engagement(&app, "警備業務", json!({"owner": {"person_id": two}})).await;
    office.deliver(&app).await;
    assert_eq!(office.count_to(ADDRESS), 1);
    let mail = office.last_to(ADDRESS);
    for text in ["責任 花子、担当 次郎 様", "清掃業務", "警備業務"] {
        assert!(mail.text.contains(text), "{}", mail.text);
    }

    // The link answers nothing itself, whoever presses what.
    let (path, browser) = (link(&mail), app.browser());
    let before = journal_length(&app);
    let choice = browser.get(&path).await.expect(200);
    choice.says("どなたが回答しますか");
    choice.says("責任 花子（1件）");
    choice.says("担当 次郎（1件）");
    choice.is_silent_about("清掃業務");
    choice.is_silent_about("name=\"sheet\"");
    send(&browser, &path, &[("name", "責任花子")], &[])
        .await
        .expect(404)
        .says("<h1>");

    // Behind each name is what that person is asked, and only that person signs.
    let (of_one, of_two) = (way(&choice, "責任 花子"), way(&choice, "担当 次郎"));
    assert_ne!(of_one, of_two);
    let sheet = browser.get(&of_two).await.expect(200);
    sheet.says("警備業務");
    sheet.is_silent_about("清掃業務");
    browser.get(&of_one).await.expect(200).says("清掃業務");
    send(&browser, &of_two, &borrowed(&filled(&sheet, "met", "責任花子")), &[])
        .await
        .expect(422)
        .says("担当 次郎さんの氏名");
    assert_eq!(journal_length(&app), before);
    let receipt = location(&send(&browser, &of_two, &borrowed(&filled(&sheet, "met", "担当次郎")), &[]).await);
    browser.get(&receipt).await.expect(200).says("警備業務");
    let choice = browser.get(&path).await.expect(200);
    choice.says("担当 次郎</a>");
    choice.says("責任 花子（1件）");

    // What is handed over ends the link of whoever gave it, and of nobody else.
    let page = browser.get(&of_one).await.expect(200);
    let form = format!("{of_one}/hand-over/{}", obligation_of(&questions(&page)[0]));
    let fields = [("to", after.as_str()), ("text", "異動"), ("name", "責任花子")];
    browser.post(&form, &fields).await.expect(200).says("後任 三郎");
    browser.get(&of_one).await.expect(410).says("責任 花子");
    let choice = browser.get(&path).await.expect(200);
    choice.is_silent_about("責任 花子");
    choice.says("担当 次郎");
});

db_test!(a_mail_to_one_person_asks_nobody_who_they_are, |app| {
    let office = PostOffice::open();
    let (path, _) = asked(&app, &office).await;
    app.browser()
        .get(&path)
        .await
        .expect(200)
        .is_silent_about("どなたが回答しますか");
});
