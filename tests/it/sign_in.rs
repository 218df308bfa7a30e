//! Signing in by a link from a mail: once, for ten minutes, told to nobody else; and sessions that end.

use actix_web::test::TestRequest;
use diesel::prelude::*;
use kakunin::db::schema::{journal, messages, sessions, sign_in_links};
use serde_json::{Value, json};

use crate::harness::{TestApp, seed};
use crate::mailroom::{received, worker};
use crate::program::{run, run_with};
use crate::smtp_server::{Behaviour, FakeSmtp};

const ADDRESS: &str = "hanako@city.example.lg.jp";

/// Somebody of 本巣市 with this address and these roles in the mayor's office.
pub async fn somebody(app: &TestApp, address: &str, roles: &[&str]) -> String {
    let roles: Vec<Value> = roles
        .iter()
        .map(|role| json!({"organization_id": seed::MAYOR, "role": role, "starts_on": "2027-01-01"}))
        .collect();
    let new = json!({"name": "見本 花子", "email": address, "roles": roles});
    app.officer().post("/people", new).await.expect(201).id()
}

/// An address of somebody who has left, and one that two share: neither is one person's.
pub const NO_ONES: [&str; 2] = ["left@city.example.lg.jp", "shared@city.example.lg.jp"];

/// Registers the people behind [`NO_ONES`].
pub async fn people_without_an_address_of_their_own(app: &TestApp) {
    let [left, shared] = NO_ONES;
    let left = somebody(app, left, &["ciso"]).await;
    let officer = app.officer();
    let etag = officer.get(&format!("/people/{left}")).await.etag();
    let gone = json!({"left_on": "2027-03-31"});
    officer.patch(&format!("/people/{left}"), &etag, gone).await.expect(200);
    for _ in 0..2 {
        somebody(app, shared, &["ciso"]).await;
    }
}

/// The path of the link in a mail.
fn link_in(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("/s/")).unwrap();
    line.strip_prefix("https://kakunin.city.example.lg.jp")
        .unwrap()
        .to_owned()
}

/// Asks for a link and answers what the mail says.
async fn mailed(app: &TestApp, relay: &FakeSmtp, then: &str) -> String {
    let before = received(relay).len();
    let fields = [("email", ADDRESS), ("then", then)];
    app.browser().post("/sign-in", &fields).await.expect(200);
    worker(app, relay).tick().await.unwrap();
    let mails = received(relay);
    assert_eq!(mails.len(), before + 1);
    assert_eq!(mails[before].to, ADDRESS);
    mails[before].text.clone()
}

db_test!(a_mailed_link_signs_in_once, |app| {
    somebody(&app, ADDRESS, &["ciso"]).await;
    let relay = FakeSmtp::start(Behaviour::default());
    let text = mailed(&app, &relay, "/entries?kind=cloud_service").await;
    assert!(text.starts_with("見本 花子 様"), "{text}");
    assert!(text.contains("9:10まで、1回限り"), "{text}");
    let path = link_in(&text);
    let browser = app.browser();
    // Whatever opens the link changes nothing.
    for _ in 0..2 {
        browser.get(&path).await.expect(200).says("見本 花子");
        let head = TestRequest::default().method(actix_web::http::Method::HEAD).uri(&path);
        assert!(browser.send(head).await.status >= 200);
    }
    assert_eq!(browser.cookie("session"), None);
    // Nor does whatever presses buttons without the page's fields.
    browser.post(&path, &[]).await.expect(404);
    let page = browser.post(&path, &[("sign_in", "yes")]).await.expect(303);
    assert_eq!(page.header("location"), "/entries?kind=cloud_service");
    let set = page.header("set-cookie");
    for part in ["session=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "over plain HTTP it would be dropped: {set}");
    browser.get("/my-work").await.expect(200).says("見本 花子");
    // Once.
    let other = app.browser();
    other
        .post(&path, &[("sign_in", "yes")])
        .await
        .expect(404)
        .says("リンクは使えません");
    other.get(&path).await.expect(404);
    let secret = browser.cookie("session").unwrap();
    let stored: Vec<String> = app.db(|conn| sessions::table.select(sessions::secret_sha256).load(conn));
    assert_eq!(stored, [kakunin::journal::sha256_hex(secret.as_bytes())]);
    let done: Vec<(String, String)> = app.db(|conn| {
        journal::table
            .filter(journal::subject_type.eq_any(["session", "sign_in_link"]))
            .order(journal::seq)
            .select((journal::action, journal::via))
            .load(conn)
    });
    let expected = [("sign_in_link.made", "system"), ("session.started", "session")];
    assert_eq!(done, expected.map(|(action, via)| (action.to_owned(), via.to_owned())));
});

db_test!(a_link_ends_after_ten_minutes_and_its_mail_is_not_sent_late, |app| {
    somebody(&app, ADDRESS, &[]).await;
    let relay = FakeSmtp::start(Behaviour::default());
    let path = link_in(&mailed(&app, &relay, "/").await);
    app.at("2027-04-01T09:10");
    app.browser().get(&path).await.expect(404);
    app.browser().post(&path, &[("sign_in", "yes")]).await.expect(404);
    // A mail that waits longer than its link lives is dropped.
    app.browser().post("/sign-in", &[("email", ADDRESS)]).await.expect(200);
    app.at("2027-04-01T09:20");
    worker(&app, &relay).tick().await.unwrap();
    assert_eq!(received(&relay).len(), 1);
    let states: Vec<String> = app.db(|conn| messages::table.order(messages::id).select(messages::state).load(conn));
    assert_eq!(states, ["accepted", "cancelled"]);
});

db_test!(the_answer_is_the_same_whether_an_address_is_known_or_not, |app| {
    people_without_an_address_of_their_own(&app).await;
    somebody(&app, ADDRESS, &[]).await;
    let known = app.browser().post("/sign-in", &[("email", ADDRESS)]).await.expect(200);
    let links = || app.db(|conn| sign_in_links::table.count().get_result::<i64>(conn));
    assert_eq!(links(), 1);
    for address in NO_ONES.into_iter().chain(["nobody@city.example.lg.jp"]) {
        let page = app.browser().post("/sign-in", &[("email", address)]).await.expect(200);
        assert_eq!(page.html, known.html, "{address}");
    }
    assert_eq!(links(), 1);
    app.browser()
        .post("/sign-in", &[("email", "<b>no address")])
        .await
        .expect(422)
        .says("aria-invalid");
    // However often it is asked for, a mailbox is not filled.
    for _ in 0..5 {
        app.browser().post("/sign-in", &[("email", ADDRESS)]).await.expect(200);
    }
    assert_eq!(links(), 3);
    app.at("2027-04-01T09:11");
    app.browser()
        .post("/sign-in", &[("email", "Hanako@city.example.lg.jp")])
        .await
        .expect(200);
    assert_eq!(links(), 4, "the case of an address does not matter");
});

db_test!(guessing_is_limited_by_where_it_comes_from, |app| {
    let attempt = |from: &str| {
        TestRequest::get()
            .uri("/s/aaaaaaaaaaaaaaaaaaaaaaaaaa")
            .peer_addr(format!("{from}:4711").parse().unwrap())
    };
    let browser = app.browser();
    for _ in 0..20 {
        browser.send(attempt("192.0.2.1")).await.expect(404);
    }
    let refused = browser.send(attempt("192.0.2.1")).await.expect(429);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    browser.send(attempt("192.0.2.2")).await.expect(404);
});

db_test!(a_session_ends_when_idle_after_twelve_hours_and_when_signed_out, |app| {
    somebody(&app, ADDRESS, &["ciso"]).await;
    let browser = app.signed_in(ADDRESS).await;
    app.at("2027-04-01T09:29");
    browser.get("/my-work").await.expect(200);
    app.at("2027-04-01T09:59");
    let page = browser.get("/my-work?lang=ja").await.expect(303);
    assert_eq!(page.header("location"), "/sign-in?then=/my-work%3Flang%3Dja");

    let browser = app.signed_in(ADDRESS).await;
    for hour in 10..21 {
        for minute in [0, 20, 40] {
            app.at(&format!("2027-04-01T{hour}:{minute:02}"));
            browser.get("/my-work").await.expect(200);
        }
    }
    for minute in [0, 20, 40] {
        app.at(&format!("2027-04-01T21:{minute:02}"));
        browser.get("/my-work").await.expect(200);
    }
    app.at("2027-04-01T21:59");
    browser.get("/my-work").await.expect(303);

    let (here, there) = (app.signed_in(ADDRESS).await, app.signed_in(ADDRESS).await);
    let kept = there.cookie("session").unwrap();
    here.post("/sign-out", &[("where", "here")]).await.expect(303);
    assert_eq!(here.cookie("session"), None);
    here.get("/my-work").await.expect(303);
    there.get("/my-work").await.expect(200);
    app.signed_in(ADDRESS)
        .await
        .post("/sign-out", &[("where", "everywhere")])
        .await
        .expect(303);
    assert_eq!(there.cookie("session"), Some(kept));
    there.get("/my-work").await.expect(303);
});

db_test!(whoever_leaves_is_signed_in_no_more, |app| {
    let person = somebody(&app, ADDRESS, &["ciso"]).await;
    let browser = app.signed_in(ADDRESS).await;
    browser.get("/").await.expect(303);
    let officer = app.officer();
    let etag = officer.get(&format!("/people/{person}")).await.etag();
    officer
        .patch(&format!("/people/{person}"), &etag, json!({"left_on": "2027-03-31"}))
        .await
        .expect(200);
    browser.get("/").await.expect(303).is_silent_about("見本");
    let location = browser.get("/my-work").await;
    assert_eq!(location.header("location"), "/sign-in?then=/my-work");
});

db_test!(the_cookie_is_bound_to_the_host_where_there_is_tls, |app| {
    let app = app
        .with_config(|config| config.public_url = "https://kakunin.city.example.lg.jp".to_owned())
        .await;
    somebody(&app, ADDRESS, &[]).await;
    let browser = app.signed_in(ADDRESS).await;
    assert!(browser.cookie("__Host-session").is_some());
    browser.get("/my-work").await.expect(200);
    let url = kakunin::sessions::link_at_terminal(&app.app, ADDRESS).unwrap();
    let path = url.strip_prefix("https://kakunin.city.example.lg.jp").unwrap();
    let page = app.browser().post(path, &[("sign_in", "yes")]).await.expect(303);
    assert!(
        page.header("set-cookie").contains("Secure"),
        "{}",
        page.header("set-cookie")
    );
});

db_test!(a_form_of_another_site_signs_nobody_in_or_out, |app| {
    somebody(&app, ADDRESS, &[]).await;
    let browser = app.signed_in(ADDRESS).await;
    let foreign = TestRequest::post()
        .uri("/sign-out")
        .insert_header(("sec-fetch-site", "cross-site"))
        .set_form([("where", "everywhere")]);
    browser.send(foreign).await.expect(403).says("foreign_form");
    browser.get("/my-work").await.expect(200);
});

db_test!(what_leads_elsewhere_is_not_gone_on_to, |app| {
    somebody(&app, ADDRESS, &[]).await;
    let relay = FakeSmtp::start(Behaviour::default());
    for then in ["https://evil.example/", "//evil.example/", "/\\evil.example"] {
        let path = link_in(&mailed(&app, &relay, then).await);
        let page = app.browser().post(&path, &[("sign_in", "yes")]).await.expect(303);
        assert_eq!(page.header("location"), "/");
    }
});

db_test!(links_and_sessions_are_forgotten_after_a_day, |app| {
    somebody(&app, ADDRESS, &[]).await;
    app.signed_in(ADDRESS).await;
    let relay = FakeSmtp::start(Behaviour::default());
    app.at("2027-04-02T21:01");
    let ticked = worker(&app, &relay).tick().await.unwrap();
    assert_eq!(ticked.forgotten, 2);
    let left: (i64, i64) = app.db(|conn| {
        Ok((
            sessions::table.count().get_result(conn)?,
            sign_in_links::table.count().get_result(conn)?,
        ))
    });
    assert_eq!(left, (0, 0));
});

#[test]
fn an_operator_prints_a_link_for_somebody_who_gets_no_mail() {
    let dir = tempfile::tempdir().unwrap();
    let mails = dir.path().join("mail").display().to_string();
    let init = [
        "init",
        "--code",
        "212181",
        "--profile",
        "motosu",
        "--person-email",
        ADDRESS,
    ];
    run_with(dir.path(), &[("KAKUNIN_MAIL_DIR", &mails)], &init).well();
    let printed = run(dir.path(), &["sign-in-link", "--person", ADDRESS]).well();
    assert!(printed.starts_with("http://127.0.0.1:8080/s/"), "{printed}");
    let refused = run(dir.path(), &["sign-in-link", "--person", "nobody@city.example.lg.jp"]).refused();
    assert!(refused.contains("no active person"), "{refused}");
}
