//! The pages of people who are signed in, and the public one: what each shows, to whom, and that looking changes nothing.
//! The lists behind figures, and what waits for a decision, are in [`lists`].

mod lists;

use actix_web::test::TestRequest;
use diesel::prelude::*;
use kakunin::db::schema::{journal_heads, messages};
use kakunin::work::Worker;
use serde_json::{Value, json};

use crate::engagements::plain_facts;
use crate::files::{FORM, form};
use crate::harness::{Browser, TestApp, seed};
use crate::mailroom::{planner, worker};
use crate::smtp_server::{Behaviour, FakeSmtp};
use crate::source::rust_files;

/// Who may open a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Anybody, without signing in.
    Public,
    /// Whoever is signed in.
    SignedIn,
    /// The roles that see figures of a whole organization.
    Overview,
    /// The roles that see that mail flows, and take files in.
    Operators,
    /// Somebody who has a link from a mail.
    Link,
    /// Nobody, unless the operator names a provider to sign in at.
    Provider,
}

/// Every page that is read, by the name of its handler: how it is reached and by whom. A new page is added here, or
/// `every_page_is_in_the_table` fails; then it is walked by the tests below.
const PAGES: &[(&str, &str, Open)] = &[
    ("get_style_sheet", "/assets/kakunin.css", Open::Public),
    ("get_icon", "/assets/kakunin.svg", Open::Public),
    ("get_sign_in", "/sign-in", Open::Public),
    ("get_link", "/s/{token}", Open::Link),
    ("get_openid", "/sign-in/openid", Open::Provider),
    ("get_openid_back", "/sign-in/openid/back", Open::Provider),
    ("get_public", "/public/{organization}", Open::Public),
    ("get_home", "/", Open::SignedIn),
    ("get_overview", "/overview", Open::Overview),
    ("get_due_dates", "/due-dates", Open::Overview),
    ("get_paper", "/paper", Open::Overview),
    ("get_entries", "/entries", Open::SignedIn),
    ("get_engagements", "/engagements", Open::SignedIn),
    ("get_cloud_services", "/cloud-services", Open::SignedIn),
    ("get_social_media_accounts", "/social-media-accounts", Open::SignedIn),
    ("get_contractors", "/contractors", Open::SignedIn),
    ("get_entry", "/entries/{entry}", Open::SignedIn),
    ("get_my_work", "/my-work", Open::SignedIn),
    ("get_own_hand_over", "/hand-over", Open::SignedIn),
    ("get_hand_over", "/hand-overs/{transfer}", Open::SignedIn),
    ("get_mails", "/mails", Open::Operators),
    ("get_mail_previews", "/mails/preview", Open::Operators),
    ("get_mail", "/mails/{mail}", Open::Operators),
    ("get_imports", "/imports", Open::Operators),
    ("get_import", "/imports/{import}", Open::Operators),
    ("get_error_file", "/imports/{import}/error-file", Open::Operators),
];

/// A local government with somebody in each position.
struct Office<'a> {
    app: &'a TestApp,
    entry: String,
    cloud: String,
    account: String,
    transfer: String,
    mail: String,
    import: String,
    department: String,
}

const CISO: &str = "ciso@city.example.lg.jp";
const AUDITOR: &str = "auditor@city.example.lg.jp";
const OPERATOR: &str = "operator@city.example.lg.jp";
const MANAGER: &str = "manager@city.example.lg.jp";
const OWNER: &str = "owner@city.example.lg.jp";
const TAKER: &str = "taker@city.example.lg.jp";
const NEWCOMER: &str = "newcomer@city.example.lg.jp";
const FOREIGNER: &str = "ciso@kagoshima.example.lg.jp";

async fn person(app: &TestApp, name: &str, email: &str, roles: Value) -> String {
    let new = json!({"name": name, "email": email, "roles": roles});
    app.officer().post("/people", new).await.expect(201).id()
}

fn role(organization: &str, role: &str) -> Value {
    json!({"organization_id": organization, "role": role, "starts_on": "2027-01-01"})
}

impl<'a> Office<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let officer = app.officer();
        let new = json!({"organization_id": seed::MAYOR, "code": "0101", "name": "総務課"});
        let department = officer.post("/departments", new).await.expect(201).id();
        let whole = json!([role(seed::MAYOR, "ciso"), role(seed::ASSEMBLY, "ciso")]);
        person(app, "最高 一郎", CISO, whole).await;
        person(
            app,
            "監査 二郎",
            AUDITOR,
            json!([role(seed::ASSEMBLY, "audit_supervisor")]),
        )
        .await;
        let operates = json!([
            role(seed::MAYOR, "system_manager"),
            role(seed::ASSEMBLY, "system_manager")
        ]);
        person(app, "運用 三郎", OPERATOR, operates).await;
        let mut of_department = role(seed::MAYOR, "section_security_manager");
        of_department["department_id"] = json!(department);
        person(app, "総務 課長", MANAGER, json!([of_department])).await;
        let owner = person(app, "責任 五郎", OWNER, json!([])).await;
        let taker = person(app, "後任 六郎", TAKER, json!([])).await;
        person(app, "新人 七郎", NEWCOMER, json!([])).await;
        let new = json!({"name": "鹿児 八郎", "email": FOREIGNER,
            "roles": [role(seed::KAGOSHIMA_ASSEMBLY, "ciso")]});
        app.stranger().post("/people", new).await.expect(201);

        let contractor = json!({"name": "株式会社みどり情報サービス", "corporate_number": "7000012050002"});
        let contractor = officer.post("/contractors", contractor).await.expect(201).id();
        let engagement = json!({
            "organization_id": seed::MAYOR, "name": "広報紙の<発送>業務", "contractor_id": contractor,
            "department_id": department, "facts": plain_facts(), "owner": {"person_id": owner},
            "registered_as_existing": true, "status": "in_performance", "started_on": "2027-02-01",
            "period": {"contract_number": "R8-0001", "starts_on": "2027-02-01", "ends_on": "2029-03-31"},
        });
        let entry = officer.post("/engagements", engagement).await.expect(201).id();
        let second = json!({"name": "株式会社封入"});
        let second = officer.post("/contractors", second).await.expect(201).id();
        let below = json!({"engagement_id": entry, "contractor_id": second, "work": "封入と発送",
            "handles_personal_information": true, "handles_specific_personal_information": false,
            "starts_on": "2027-04-01", "ends_on": "2028-03-31"});
        officer.post("/subcontracts", below).await.expect(201);
        let cloud = json!({
            "organization_id": seed::MAYOR, "name": "グループウェア", "service_model": "saas", "purpose": "庁内の連絡",
            "facts": {"confidentiality": "c2", "access_mode": "hosted"}, "registered_as_existing": true,
            "status": "in_use", "started_on": "2027-04-01",
        });
        let cloud = officer.post("/cloud-services", cloud).await.expect(201).id();
        let service = json!({"organization_id": seed::MAYOR, "platform": "x"});
        let service = officer.post("/social-media-services", service).await.expect(201).id();
        let account = json!({
            "organization_id": seed::MAYOR, "name": "本巣市公式X", "social_media_service_id": service,
            "handle": "@motosu_city", "url": "https://x.com/motosu_city", "purpose": "市政の情報を届ける",
            "hours": "平日 8:30–17:15", "facts": {"confidentiality": "c1"},
            "registered_as_existing": true, "status": "operating", "started_on": "2027-04-01",
        });
        let account = officer.post("/social-media-accounts", account).await.expect(201).id();
        let transfer = json!({"from_person_id": owner, "to_person_id": taker, "effective_on": "2027-04-01",
            "reason": "人事異動のため"});
        let transfer = officer.post("/ownership-transfers", transfer).await.expect(201).id();
        let import = crate::imports::taken(&officer).await.id();
        planner(app).tick().await.unwrap();
        let relay = FakeSmtp::start(Behaviour::default());
        worker(app, &relay).tick().await.unwrap();
        let mail: String = app.db(|conn| messages::table.order(messages::id).select(messages::id).first(conn));
        Self {
            app,
            entry,
            cloud,
            account,
            transfer,
            mail,
            import,
            department,
        }
    }

    /// The path of a page with its records.
    fn path(&self, template: &str) -> String {
        [
            ("{organization}", seed::MAYOR),
            ("{entry}", self.entry.as_str()),
            ("{transfer}", &self.transfer),
            ("{mail}", &self.mail),
            ("{import}", &self.import),
            ("{token}", "aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ]
        .iter()
        .fold(template.to_owned(), |path, (name, value)| path.replace(name, value))
    }

    async fn browser(&self, address: &str) -> Browser<'_> {
        self.app.signed_in(address).await
    }
}

/// The handlers that `src/pages.rs` registers, with their module and method.
fn registered() -> Vec<(String, String)> {
    let files = rust_files("src");
    let routes = files.iter().find(|file| file.path == "src/pages.rs").unwrap();
    let names = routes.text.split(".service(").skip(1);
    names
        .map(|rest| {
            let (module, name) = rest.split(')').next().unwrap().split_once("::").unwrap();
            (module.to_owned(), name.to_owned())
        })
        .collect()
}

#[test]
fn every_page_is_in_the_table() {
    let all = registered();
    assert!(all.len() > 15, "{all:?}");
    let read: Vec<&str> = all
        .iter()
        .map(|(_, name)| name.as_str())
        .filter(|name| name.starts_with("get_"))
        // The owner's page has tables of its own.
        .collect();
    for name in &read {
        assert!(PAGES.iter().any(|(known, ..)| known == name), "who may open {name}?");
    }
    for (name, ..) in PAGES {
        assert!(read.contains(name), "{name} is no page any more");
    }
}

db_test!(nobody_opens_a_page_without_signing_in, |app| {
    let office = Office::new(&app).await;
    for (name, template, open) in PAGES {
        let path = office.path(template);
        let page = app.browser().get(&path).await;
        match open {
            Open::Public => assert_eq!(page.status, 200, "{name}"),
            Open::Link | Open::Provider => assert_eq!(page.status, 404, "{name}"),
            _ => {
                assert_eq!(page.status, 303, "{name}");
                assert_eq!(page.header("location"), format!("/sign-in?then={path}"), "{name}");
                assert_eq!(page.html, "", "{name}");
            }
        }
    }
});

db_test!(a_page_opens_to_the_roles_of_the_table_and_to_nobody_else, |app| {
    let office = Office::new(&app).await;
    // Who, what they enter, and whether they see the entry and take part in the hand-over.
    let cases = [
        (CISO, true, true, true, true),
        (OPERATOR, true, true, true, true),
        (AUDITOR, true, false, false, false),
        (MANAGER, false, false, true, false),
        (OWNER, false, false, false, true),
        (TAKER, false, false, true, true),
        (NEWCOMER, false, false, false, false),
        (FOREIGNER, true, true, false, false),
    ];
    for (who, overview, operates, entry, transfer) in cases {
        let browser = office.browser(who).await;
        for (name, template, open) in PAGES {
            let of_motosu = ["{mail}", "{import}"].iter().any(|id| template.contains(id)) && who == FOREIGNER;
            let expected = match (open, *template) {
                (Open::Link | Open::Provider, _) => 404,
                (_, "/") => 303,
                (_, "/entries/{entry}") if !entry => 404,
                (_, "/hand-overs/{transfer}") if !transfer => 404,
                (Open::Overview, _) if !overview => 404,
                (Open::Operators, _) if !operates || of_motosu => 404,
                _ => 200,
            };
            let page = browser.get(&office.path(template)).await;
            assert_eq!(page.status, expected, "{who}: {name}");
            if who == FOREIGNER && !template.contains("/public/") {
                page.is_silent_about("広報紙");
                page.is_silent_about("みどり情報");
                page.is_silent_about("本巣");
            }
        }
    }
});

db_test!(looking_changes_nothing, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(CISO).await;
    let heads = || {
        app.db(|conn| {
            journal_heads::table
                .select(journal_heads::seq)
                .order(journal_heads::seq)
                .load::<i64>(conn)
        })
    };
    let before = heads();
    for (_, template, _) in PAGES {
        let path = office.path(template);
        browser.get(&path).await;
        let head = TestRequest::default().method(actix_web::http::Method::HEAD).uri(&path);
        browser.send(head).await;
    }
    assert_eq!(heads(), before);
});

db_test!(head_answers_what_get_does_without_the_page, |app| {
    let office = Office::new(&app).await;
    for browser in [office.browser(CISO).await, app.browser()] {
        for (name, template, _) in PAGES {
            let path = office.path(template);
            let get = browser.get(&path).await;
            let head = TestRequest::default().method(actix_web::http::Method::HEAD).uri(&path);
            let head = browser.send(head).await;
            assert_eq!(head.status, get.status, "{name}");
            assert_eq!(head.html, "", "{name}");
            for header in [
                "content-type",
                "content-language",
                "content-security-policy",
                "cache-control",
                "location",
            ] {
                assert_eq!(head.header(header), get.header(header), "{name}: {header}");
            }
        }
    }
});

db_test!(every_page_speaks_both_languages_and_names_its_fields, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(CISO).await;
    for (name, template, open) in PAGES
        .iter()
        .filter(|(name, ..)| !["get_style_sheet", "get_icon", "get_error_file"].contains(name))
    {
        let path = office.path(template);
        for (lang, word) in [("en", "Skip to content"), ("ja", "本文へ")] {
            let page = browser.get(&format!("{path}?lang={lang}")).await;
            if page.status != 200 {
                assert!(
                    matches!(open, Open::Link | Open::Provider) || *template == "/",
                    "{name}: {}",
                    page.status
                );
                continue;
            }
            page.says(word);
            // One first heading, and every field with a label.
            assert_eq!(page.html.matches("<h1").count(), 1, "{name}");
            for (at, _) in page.html.match_indices(" id=\"") {
                let start = page.html[..at].rfind('<').unwrap();
                let tag = &page.html[start..at];
                let id = page.html[at + 5..].split('"').next().unwrap();
                let is_field = ["<input", "<select", "<textarea", "<progress"]
                    .iter()
                    .any(|field| tag.starts_with(field));
                if is_field {
                    assert!(
                        page.html.contains(&format!("for=\"{id}\"")),
                        "{name}: {id} has no label"
                    );
                }
            }
            for table in page.html.split("<table").skip(1) {
                let table = table.split("</table>").next().unwrap();
                assert!(table.contains("<caption"), "{name}: a table without a caption");
                assert!(!table.contains("<th>"), "{name}: a header without a scope");
                // On a phone its cells stand below each other, each with its name.
                let stacks = table.split('>').next().unwrap().contains("stacks");
                for cell in table.split("<td").skip(1).filter(|_| stacks) {
                    let cell = cell.split('>').next().unwrap();
                    assert!(cell.contains("data-label=\""), "{name}: a cell without a name");
                }
            }
        }
    }
});

db_test!(the_overview_counts_and_draws_with_a_table_beside, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(CISO).await;
    let page = browser.get("/overview").await.expect(200);
    page.says("団体の全体");
    assert_eq!(page.html.matches("<svg class=\"chart\"").count(), 3);
    assert_eq!(page.html.matches("role=\"img\"").count(), 3);
    page.says("令和9年4月1日（木）");
    let figures: Vec<&str> = page
        .html
        .split("<strong>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    assert_eq!(figures[0], "0", "nothing is overdue yet: {figures:?}");
    app.at("2028-06-01T09:00");
    planner(&app).tick().await.unwrap();
    let page = office.browser(CISO).await.get("/overview").await.expect(200);
    page.says("広報紙の&#60;発送&#62;業務");
    page.is_silent_about("<発送>");
    page.says("日超過");
    // An organization alone, and one that is not the viewer's.
    let of_assembly = format!("/overview?organization_id={}", seed::ASSEMBLY);
    let browser = office.browser(AUDITOR).await;
    let page = browser.get(&of_assembly).await.expect(200);
    page.says("本巣市議会");
    page.is_silent_about("広報紙");
    browser
        .get(&format!("/overview?organization_id={}", seed::MAYOR))
        .await
        .expect(404);
});

db_test!(
    a_register_shows_what_its_viewer_sees_and_its_filters_stay_in_the_address,
    |app| {
        let office = Office::new(&app).await;
        let browser = office.browser(CISO).await;
        let page = browser.get("/entries").await.expect(200);
        for name in [
            "広報紙の&#60;発送&#62;業務",
            "グループウェア",
            "本巣市公式X",
            "@motosu_city",
            "株式会社みどり情報サービス",
        ] {
            page.says(name);
        }
        let page = browser
            .get("/cloud-services?status=in_use&q=&organization_id=")
            .await
            .expect(200);
        page.says("グループウェア");
        page.is_silent_about("本巣市公式X");
        page.says("<option value=\"in_use\" selected>");
        let english = "/cloud-services?status=in_use&amp;q=&amp;organization_id=&amp;lang=en".replace("&amp;", "&");
        browser.get(&english).await.expect(200).says("in use");
        browser
            .get("/entries?lang=ja&status=closed")
            .await
            .expect(200)
            .says("該当する記録はありません");
        browser
            .get("/entries?status=nonsense")
            .await
            .expect(422)
            .says("validation_failed");
        browser
            .get("/contractors?q=%E3%81%BF%E3%81%A9%E3%82%8A")
            .await
            .expect(200)
            .says("7000012050002");
        // Of the department, and what one owns.
        let page = office.browser(MANAGER).await.get("/entries").await.expect(200);
        page.says("広報紙");
        page.is_silent_about("グループウェア");
        let manager = office.browser(MANAGER).await;
        manager.get(&format!("/entries/{}", office.cloud)).await.expect(404);
        manager.get(&format!("/entries/{}", office.account)).await.expect(404);
        manager
            .get(&format!("/entries?department_id={}", office.department))
            .await
            .expect(200)
            .says("広報紙");
        let page = office.browser(TAKER).await.get("/entries").await.expect(200);
        page.says("広報紙");
        page.is_silent_about("グループウェア");
        office
            .browser(NEWCOMER)
            .await
            .get("/entries")
            .await
            .expect(200)
            .says("該当する記録はありません");
    }
);

db_test!(a_register_goes_on_by_cursors, |app| {
    let office = Office::new(&app).await;
    for number in 0..60 {
        let new = json!({"organization_id": seed::MAYOR, "name": format!("サービス{number:02}"), "service_model": "saas",
            "purpose": "試行"});
        app.officer().post("/cloud-services", new).await.expect(201);
    }
    let browser = office.browser(CISO).await;
    let page = browser.get("/cloud-services?status=draft").await.expect(200);
    page.says("サービス49");
    page.is_silent_about("サービス50");
    let next = page
        .html
        .split("href=\"")
        .find(|rest| rest.contains("cursor="))
        .unwrap();
    let next = next
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    assert!(next.starts_with("/cloud-services?status=draft&cursor="), "{next}");
    let page = browser.get(&next).await.expect(200);
    page.says("サービス59");
    page.is_silent_about("サービス49");
});

db_test!(the_page_of_an_entry_tells_everything_about_it, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(CISO).await;
    let page = browser.get(&format!("/entries/{}", office.entry)).await.expect(200);
    for text in [
        "広報紙の&#60;発送&#62;業務",
        "EN-2027-0001",
        "後任 六郎",
        "株式会社みどり情報サービス",
        "履行中",
        "R8-0001",
        "封入と発送",
        "個人情報あり",
        "業務委託を登録した",
        "再確認",
        "残存リスクの水準",
    ] {
        page.says(text);
    }
    // The sum can be followed, and is the API's.
    let risk = app
        .officer()
        .get(&format!("/entries/{}/risk", office.entry))
        .await
        .expect(200);
    let score = risk.at("/assessment/residual_score_x100").as_i64().unwrap();
    page.says(&format!("{}.{:02}", score / 100, score % 100));
    let clauses = app
        .officer()
        .get(&format!("/entries/{}/clauses", office.entry))
        .await
        .expect(200);
    for clause in clauses.items("/items") {
        page.says(clause["title"].as_str().unwrap());
    }
    for id in [&office.cloud, &office.account] {
        browser.get(&format!("/entries/{id}")).await.expect(200);
    }
    browser.get("/entries/nonsense").await.expect(404);
});

db_test!(ones_work_lists_what_is_open_and_a_hand_over_is_accepted_there, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(TAKER).await;
    let page = browser.get("/my-work").await.expect(200);
    page.says("広報紙");
    page.says(&format!("/hand-overs/{}", office.transfer));
    page.is_silent_about("グループウェア");
    let path = format!("/hand-overs/{}", office.transfer);
    let page = browser.get(&path).await.expect(200);
    page.says("責任 五郎");
    page.says("name=\"answer\"");
    // Whoever gives sees it and is not asked; whoever has no part sees nothing.
    let page = office.browser(OWNER).await.get(&path).await.expect(200);
    page.is_silent_about("name=\"answer\"");
    office
        .browser(NEWCOMER)
        .await
        .post(&path, &[("answer", "accept")])
        .await
        .expect(404);
    office
        .browser(OWNER)
        .await
        .post(&path, &[("answer", "accept")])
        .await
        .expect(422);
    browser.post(&path, &[]).await.expect(422).says("引き受けない");
    browser
        .post(&path, &[("answer", "decline")])
        .await
        .expect(422)
        .says("理由");
    browser.post(&path, &[("answer", "accept")]).await.expect(303);
    let transfer = app
        .officer()
        .get(&format!("/ownership-transfers/{}", office.transfer))
        .await
        .expect(200);
    assert_eq!(transfer.text("/state"), "accepted");
    let log = app
        .officer()
        .get("/audit-log?action=ownership_transfer.accepted")
        .await
        .expect(200);
    assert_eq!(log.text("/items/0/via"), "session");
    let page = browser.get("/hand-over").await.expect(200);
    page.says("広報紙");
    let page = office.browser(OWNER).await.get("/hand-over").await.expect(200);
    page.says("対象はありません");
});

db_test!(decisions_wait_at_the_page_of_whoever_decides, |app| {
    let office = Office::new(&app).await;
    let applicant = person(&app, "申請 九郎", "applicant@city.example.lg.jp", json!([])).await;
    let exception = json!({"clause_key": "confidentiality-obligation", "reason": "契約変更の手続中のため。",
        "compensating_measures": "受渡しを庁内に限る。", "expires_on": "2027-09-30"});
    let path = format!("/entries/{}/exceptions", office.entry);
    app.officer()
        .acting(&applicant)
        .post(&path, exception)
        .await
        .expect(201);
    let page = office.browser(CISO).await.get("/my-work").await.expect(200);
    page.says("例外措置の申請（令和9年9月30日（木）まで）");
    let page = office.browser(MANAGER).await.get("/my-work").await.expect(200);
    page.is_silent_about("例外措置の申請");
});

db_test!(the_mail_log_shows_every_attempt_and_tries_again, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(OPERATOR).await;
    let page = browser.get("/mails").await.expect(200);
    page.says(&format!("/mails/{}", office.mail));
    page.says("受領済み");
    let path = format!("/mails/{}", office.mail);
    let page = browser.get(&path).await.expect(200);
    page.says("250");
    page.is_silent_about("name=\"again\"");
    browser
        .post(&path, &[("again", "yes")])
        .await
        .expect(409)
        .says("送り直せません");
    // One that was given up goes again, in the same bytes.
    app.db(|conn| {
        diesel::update(messages::table.filter(messages::id.eq(&office.mail)))
            .set((messages::state.eq("dead"), messages::last_error.eq(Some("550 unknown"))))
            .execute(conn)
    });
    browser.get("/mails?state=dead").await.expect(200).says("550 unknown");
    browser.get(&path).await.expect(200).says("name=\"again\"");
    browser.post(&path, &[]).await.expect(404);
    browser.post(&path, &[("again", "yes")]).await.expect(303);
    let state: String = app.db(|conn| {
        messages::table
            .filter(messages::id.eq(&office.mail))
            .select(messages::state)
            .first(conn)
    });
    assert_eq!(state, "queued");
    let log = app
        .officer()
        .get("/audit-log?action=message.redriven")
        .await
        .expect(200);
    assert_eq!(log.text("/items/0/payload/was"), "dead");
});

async fn send_file(browser: &Browser<'_>, fields: &[(&str, &str)], name: &str, bytes: &[u8]) -> crate::harness::Page {
    let request = TestRequest::post()
        .uri("/imports")
        .insert_header(("content-type", FORM))
        .insert_header(("sec-fetch-site", "same-origin"))
        .set_payload(form(fields, Some((name, bytes))));
    browser.send(request).await
}

db_test!(a_file_is_imported_with_its_errors_by_cell, |app| {
    let office = Office::new(&app).await;
    let browser = office.browser(OPERATOR).await;
    let fields = [
        ("entity", "contractors"),
        ("organization_id", seed::MAYOR),
        ("mode", "apply"),
        ("on_error", "skip_row"),
    ];
    let sheet = "法人番号,事業者名\n7000012050003,株式会社誤り\n,株式会社正しい\n".as_bytes();
    let page = send_file(&browser, &fields, "業者.csv", sheet).await.expect(303);
    let path = page.header("location").to_owned();
    let page = browser.get(&path).await.expect(200);
    page.says("<progress");
    page.says("http-equiv=\"refresh\"");
    while Worker::new(app.app.clone()).unwrap().tick().await.unwrap().imported > 0 {}
    let page = browser.get(&path).await.expect(200);
    page.is_silent_about("http-equiv=\"refresh\"");
    page.says("A2");
    page.says("検査用数字");
    let file = browser.get(&format!("{path}/error-file")).await.expect(200);
    assert!(file.header("content-disposition").starts_with("attachment"));
    browser.get("/imports").await.expect(200).says("業者.csv");
    // What a form of another site sends, and what is no file of these.
    let foreign = TestRequest::post()
        .uri("/imports")
        .insert_header(("content-type", FORM))
        .insert_header(("sec-fetch-site", "cross-site"))
        .set_payload(form(&fields, Some(("a.csv", sheet))));
    browser.send(foreign).await.expect(403);
    send_file(&browser, &fields, "a.pdf", sheet)
        .await
        .expect(422)
        .says("csv, xlsx");
    let other = send_file(&browser, &fields, "b.csv", sheet).await.expect(303);
    let path = other.header("location").to_owned();
    browser.post(&path, &[("cancel", "yes")]).await.expect(303);
    browser.get(&path).await.expect(200).says("取消し");
    office
        .browser(MANAGER)
        .await
        .post(&path, &[("cancel", "yes")])
        .await
        .expect(404);
});

db_test!(a_body_prints_everything_it_has, |app| {
    let office = Office::new(&app).await;
    let page = office.browser(CISO).await.get("/paper").await.expect(200);
    for text in ["広報紙", "グループウェア", "本巣市公式X", "本巣市長部局、本巣市議会"] {
        page.says(text);
    }
    office.browser(MANAGER).await.get("/paper").await.expect(404);
});

db_test!(anybody_asks_whether_an_account_is_ours, |app| {
    let office = Office::new(&app).await;
    let browser = app.browser();
    let path = format!("/public/{}", seed::MAYOR);
    let page = browser.get(&path).await.expect(200);
    page.says("@motosu_city");
    page.says("市政の情報を届ける");
    // Nothing of the register behind it.
    for secret in ["広報紙", "グループウェア", "残存リスク", "責任 五郎", &office.account] {
        page.is_silent_about(secret);
    }
    for (asked, said) in [
        ("motosu_city", "公式アカウントです"),
        ("https%3A%2F%2Ftwitter.com%2Fmotosu_city", "公式アカウントです"),
        ("motosu_c1ty", "公式アカウントではありません"),
    ] {
        browser
            .get(&format!("{path}?account={asked}"))
            .await
            .expect(200)
            .says(said);
    }
    // By its key where that is unambiguous, and with the code of the local government.
    browser.get("/public/mayor").await.expect(200);
    browser
        .get("/public/212181-assembly")
        .await
        .expect(200)
        .says("公式アカウントはありません");
    for unclear in ["assembly", "nothing", "000000-mayor"] {
        browser.get(&format!("/public/{unclear}")).await.expect(404);
    }
});
