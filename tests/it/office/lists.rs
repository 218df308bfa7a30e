//! The lists behind the figures, departments to filter by, what waits for a decision, and the words of mails.

use kakunin::mail::templates::samples;
use serde_json::json;

use super::{CISO, MANAGER, OPERATOR, OWNER, Office};
use crate::harness::{Page, seed};
use crate::mailroom::planner;

/// Every figure of a page that is a link: the address and the number.
fn figures(page: &Page) -> Vec<(String, usize)> {
    let main = page.html.split_once("<main").unwrap().1;
    let mut found = vec![];
    for rest in main.split("href=\"").skip(1) {
        let (url, rest) = rest.split_once('"').unwrap();
        // The number stands in the link, or in the cell after it.
        let beside = rest.split_once("</a></th><td class=\"number\">").map(|(_, cell)| cell);
        let places = [rest.strip_prefix("><strong>"), rest.strip_prefix('>'), beside];
        let number = places
            .into_iter()
            .flatten()
            .find_map(|text| text.split('<').next()?.parse().ok());
        if let Some(number) = number {
            found.push((url.replace("&#38;", "&").replace("&amp;", "&"), number));
        }
    }
    found
}

db_test!(every_figure_leads_to_the_list_of_what_it_counts, |app| {
    let office = Office::new(&app).await;
    app.at("2028-06-01T09:00");
    planner(&app).tick().await.unwrap();
    for filter in ["", &format!("?organization_id={}", seed::MAYOR)] {
        let browser = office.browser(CISO).await;
        let overview = browser.get(&format!("/overview{filter}")).await.expect(200);
        let mut lists = 0;
        for (url, number) in figures(&overview) {
            let page = browser.get(&url).await.expect(200);
            let rows = page.html.matches("<tr><th scope=\"row\">").count();
            assert_eq!(rows, number, "{url}");
            lists += 1;
        }
        // What is overdue, due soon and in each of twelve months, without an owner, by level, kind and square.
        assert!(lists > 2 + 12 + 1 + 2 + 4 + 3, "{lists}: {}", overview.html);
    }
    let browser = office.browser(CISO).await;
    let late = browser.get("/due-dates?when=overdue").await.expect(200);
    late.says("広報紙の&#60;発送&#62;業務");
    late.says("日超過");
    browser.get("/due-dates?when=2028-13").await.expect(404);
    browser
        .get("/entries?owner=none&status=living")
        .await
        .expect(200)
        .says("グループウェア");
});

db_test!(a_department_is_picked_by_name_with_those_below_it, |app| {
    let office = Office::new(&app).await;
    let officer = app.officer();
    let below =
        json!({"organization_id": seed::MAYOR, "code": "010101", "name": "文書係", "parent_id": office.department});
    let below = officer.post("/departments", below).await.expect(201).id();
    let other = json!({"organization_id": seed::MAYOR, "code": "0201", "name": "税務課"});
    let other = officer.post("/departments", other).await.expect(201).id();
    let cloud = json!({"organization_id": seed::MAYOR, "name": "文書管理サービス", "service_model": "saas",
        "purpose": "文書の管理", "department_id": below});
    officer.post("/cloud-services", cloud).await.expect(201);
    let browser = office.browser(CISO).await;
    let page = browser.get("/entries").await.expect(200);
    page.says(&format!(
        "<option value=\"{}\">総務課</option><option value=\"{below}\">　文書係</option>",
        office.department
    ));
    let page = browser
        .get(&format!("/entries?department_id={}", office.department))
        .await
        .expect(200);
    page.says(&format!("<option value=\"{}\" selected>総務課", office.department));
    page.says("広報紙");
    page.says("文書管理サービス");
    page.is_silent_about("グループウェア");
    let page = browser
        .get(&format!("/entries?department_id={below}"))
        .await
        .expect(200);
    page.says("文書管理サービス");
    page.is_silent_about("広報紙");
    browser
        .get(&format!("/entries?department_id={other}"))
        .await
        .expect(200)
        .says("該当する記録はありません");
    // The head of a section sees that section, and what is below it.
    let page = office.browser(MANAGER).await.get("/entries").await.expect(200);
    page.says("　文書係</option>");
    page.is_silent_about("税務課");
    office
        .browser(OWNER)
        .await
        .get("/entries")
        .await
        .expect(200)
        .is_silent_about("総務課</option>");
});

db_test!(a_subcontract_waits_for_whoever_permits_it, |app| {
    let office = Office::new(&app).await;
    let page = office.browser(MANAGER).await.get("/my-work").await.expect(200);
    page.says("再委託の承認の申請（株式会社封入）");
    page.says(&format!("href=\"/entries/{}#below\"", office.entry));
    let page = office.browser(OWNER).await.get("/my-work").await.expect(200);
    page.is_silent_about("再委託の承認");
    let browser = office.browser(MANAGER).await;
    browser
        .get(&format!("/entries/{}", office.entry))
        .await
        .expect(200)
        .says("id=\"below\"");
});

db_test!(every_mail_can_be_seen_before_it_is_sent, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(OPERATOR).await;
    browser.get("/mails").await.expect(200).says("href=\"/mails/preview\"");
    for (name, mail) in samples() {
        let page = browser.get(&format!("/mails/preview?mail={name}")).await.expect(200);
        page.says(&format!("<option value=\"{name}\" selected>"));
        page.says(&format!("<strong>{}</strong>", mail.subject));
        for line in mail.body.lines() {
            page.says(line);
        }
    }
    let page = browser.get("/mails/preview").await.expect(200);
    page.is_silent_about("広報紙");
    page.is_silent_about("責任 五郎");
    browser.get("/mails/preview?mail=nothing").await.expect(404);
});
