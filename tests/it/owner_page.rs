//! The owner's minute: a link read out of a mail that was really sent, the sheet behind it, the answer, the receipt; and
//! everything that must not happen there. What goes around an answer is in the modules below.

mod around;
mod shared;
mod sheet;

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::test::TestRequest;
use diesel::prelude::*;
use kakunin::db::schema::{journal, journal_heads};
use serde_json::{Value, json};

use crate::engagements::plain_facts;
use crate::harness::{Browser, Page, TestApp, seed};
use crate::mailroom::{Mail, received, worker};
use crate::smtp_server::{Behaviour, FakeSmtp};

/// Somebody of 本巣市 who can be written to.
pub async fn person(app: &TestApp, name: &str, address: &str) -> String {
    let new = json!({"name": name, "email": address});
    app.officer().post("/people", new).await.expect(201).id()
}

/// An engagement in performance with this owner, whose first confirmation has been asked for.
pub async fn engagement(app: &TestApp, name: &str, more: Value) -> String {
    let contractor = json!({"name": "株式会社みどり情報サービス", "corporate_number": "7000012050002"});
    let contractor = app.officer().post("/contractors", contractor).await;
    let contractor = if contractor.status == 201 {
        contractor.id()
    } else {
        let known = app
            .officer()
            .get("/contractors/by-corporate-number/7000012050002")
            .await;
        known.expect(200).id()
    };
    let mut new = json!({
        "organization_id": seed::MAYOR, "name": name, "contractor_id": contractor, "facts": plain_facts(),
        "registered_as_existing": true, "status": "in_performance", "started_on": "2026-03-31",
        "period": {"starts_on": "2026-03-01", "ends_on": "2029-03-31"},
    });
    for (name, value) in more.as_object().unwrap() {
        new[name] = value.clone();
    }
    app.officer().post("/engagements", new).await.expect(201).id()
}

/// What the post office has handed over so far.
pub struct PostOffice {
    relay: FakeSmtp,
}

impl PostOffice {
    pub fn open() -> Self {
        Self {
            relay: FakeSmtp::start(Behaviour::ok()),
        }
    }

    /// Plans and delivers, and answers the last mail to this address.
    #[track_caller]
    pub fn last_to(&self, address: &str) -> Mail {
        let mail = received(&self.relay).into_iter().rfind(|mail| mail.to == address);
        mail.unwrap_or_else(|| panic!("no mail to {address}"))
    }

    pub fn count_to(&self, address: &str) -> usize {
        received(&self.relay).iter().filter(|mail| mail.to == address).count()
    }

    pub async fn deliver(&self, app: &TestApp) {
        worker(app, &self.relay).tick().await.unwrap();
    }
}

/// The path of the link in a mail: `/r/…`.
#[track_caller]
pub fn link(mail: &Mail) -> String {
    let line = mail.text.lines().map(str::trim).find(|line| line.contains("/r/"));
    let line = line.unwrap_or_else(|| panic!("no link in {}", mail.text));
    line.strip_prefix("https://kakunin.city.example.lg.jp")
        .unwrap()
        .to_owned()
}

/// The code in a mail.
#[track_caller]
pub fn code(mail: &Mail) -> String {
    let (_, rest) = mail.text.split_once("番号「").unwrap();
    rest.split_once('」').unwrap().0.to_owned()
}

/// What stands in a form: each field's name with what is in it, and every choice.
pub fn hidden(page: &Page, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = page
        .html
        .split_once(&mark)
        .unwrap_or_else(|| panic!("no {name} in {}", page.html));
    rest.split_once('"').unwrap().0.to_owned()
}

/// The names of the questions about clauses: `a.OBLIGATION.CLAUSE`.
pub fn questions(page: &Page) -> Vec<String> {
    let mut found: Vec<String> = page
        .html
        .match_indices("name=\"a.")
        .map(|(at, _)| page.html[at + 6..].split_once('"').unwrap().0.to_owned())
        .collect();
    found.dedup();
    found
}

/// The obligation that a question is about.
pub fn obligation_of(question: &str) -> String {
    question.split('.').nth(1).unwrap().to_owned()
}

/// Sends a sheet as a browser does: as parts, with an empty file field and perhaps a file.
pub async fn send(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Page {
    let boundary = "----kakunin-test";
    let mut body = vec![];
    for (name, value) in fields {
        body.extend(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    for (name, file, bytes) in files {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    let request = TestRequest::post()
        .uri(path)
        .insert_header(("sec-fetch-site", "same-origin"))
        .insert_header((
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={boundary}"),
        ))
        .set_payload(body);
    browser.send(request).await
}

/// A whole sheet with this answer to every question.
pub fn filled(page: &Page, answer: &str, name: &str) -> Vec<(String, String)> {
    let mut fields = vec![("sheet".to_owned(), hidden(page, "sheet"))];
    fields.extend(
        questions(page)
            .into_iter()
            .map(|question| (question, answer.to_owned())),
    );
    fields.push(("name".to_owned(), name.to_owned()));
    fields
}

pub fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// How long the journal is: what is inert does not make it longer.
pub fn journal_length(app: &TestApp) -> i64 {
    app.db(|conn| {
        journal_heads::table
            .find(seed::MOTOSU)
            .select(journal_heads::seq)
            .first(conn)
    })
}

/// How often each action stands in the journal by a link.
pub fn by_link(app: &TestApp) -> BTreeMap<String, usize> {
    let actions: Vec<String> = app.db(|conn| {
        journal::table
            .filter(journal::via.eq("link"))
            .order(journal::seq)
            .select(journal::action)
            .load(conn)
    });
    let mut counts = BTreeMap::new();
    for action in actions {
        *counts.entry(action).or_default() += 1;
    }
    counts
}

/// Where an answer sends the browser.
#[track_caller]
pub fn location(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.html);
    page.header("location").to_owned()
}

/// A running engagement whose round is so near that its owner has a mail; answers the link's path and the entry.
pub async fn asked(app: &TestApp, office: &PostOffice) -> (String, String) {
    let owner = person(app, "責任 花子", "owner@motosu.example.lg.jp").await;
    let entry = engagement(app, "広報紙の発送業務", json!({"owner": {"person_id": owner}})).await;
    office.deliver(app).await;
    (link(&office.last_to("owner@motosu.example.lg.jp")), entry)
}
