//! Reminders arrive: planned from due obligations, one digest per address and day, never twice, whatever dies.

use std::time::Duration;

use kakunin::app::App;
use kakunin::db::Db;
use kakunin::domain::vocabulary::Role;
use kakunin::mail::Transport;
use kakunin::mail::smtp::{Limits, Relay, Security, SmtpConfig};
use kakunin::random::Random;
use kakunin::work::{Faults, Worker};
use serde_json::{Value, json};

use crate::engagements::plain_facts;
use crate::harness::{TestApp, seed};
use crate::mailroom;
use crate::smtp_server::{At, Behaviour, FakeSmtp, Fault};

/// A relay of this machine, with time limits that no healthy answer comes near.
fn relay(server: &FakeSmtp) -> Transport {
    let patient = Duration::from_secs(20);
    let config = SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        security: Security::PlainWithoutAuth,
        credentials: None,
        hello_name: "kakunin.example.lg.jp".to_owned(),
        extra_authorities_pem: None,
        limits: Limits {
            step: patient,
            dot: patient,
        },
    };
    Transport::Smtp(Relay::new(config).unwrap())
}

fn worker(app: &TestApp, server: &FakeSmtp, faults: Faults) -> Worker {
    Worker::new(app.app.clone()).unwrap().with(relay(server), faults)
}

async fn person(app: &TestApp, name: &str, email: &str) -> String {
    let new = json!({"name": name, "email": email});
    app.officer()
        .post("/people", new)
        .await
        .expect(201)
        .text("/id")
        .to_owned()
}

/// A contract that ends in thirty days, owned and deputised.
async fn engagement(app: &TestApp, name: &str, owner: &str, deputy: &str) {
    let contractor = app
        .officer()
        .post("/contractors", json!({"name": format!("株式会社{name}")}))
        .await
        .expect(201);
    let new = json!({
        "organization_id": seed::MAYOR, "name": name, "contractor_id": contractor.text("/id"),
        "owner": {"person_id": owner}, "deputy": {"person_id": deputy},
        "facts": {"confidentiality": "c1", "access_mode": "none"},
        "registered_as_existing": true, "status": "in_performance", "started_on": "2027-03-01",
        "period": {"starts_on": "2027-03-01", "ends_on": "2027-05-01"},
    });
    app.officer().post("/engagements", new).await.expect(201);
}

async fn states(app: &TestApp, path: &str) -> Vec<String> {
    let page = app.officer().get(&format!("{path}?limit=200")).await.expect(200);
    let items = page.body["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["state"].as_str().unwrap().to_owned())
        .collect()
}

db_test!(what_is_due_arrives_in_one_mail_and_never_again, |app| {
    let server = FakeSmtp::start(Behaviour::ok());
    let (owner, deputy) = (
        person(&app, "責任 花子", "owner@motosu.example.lg.jp").await,
        person(&app, "代理 太郎", "deputy@motosu.example.lg.jp").await,
    );
    engagement(&app, "清掃業務", &owner, &deputy).await;
    engagement(&app, "警備業務", &owner, &deputy).await;
    let worker = worker(&app, &server, Faults::default());
    worker.tick().await.unwrap();
    assert_eq!(server.accepted().len(), 1, "two contracts of one owner make one mail");
    assert_eq!(server.accepted()[0].to, ["owner@motosu.example.lg.jp"]);
    worker.tick().await.unwrap();
    assert_eq!(server.accepted().len(), 1, "a second tick of the day changes nothing");
    let sent = states(&app, "/reminders").await;
    assert!(sent.iter().any(|state| state == "sent"));
    assert!(
        sent.iter().all(|state| state == "sent" || state == "superseded"),
        "{sent:?}"
    );
    assert_eq!(states(&app, "/messages").await, ["accepted"]);
});

db_test!(after_downtime_only_the_latest_stage_is_sent, |app| {
    let server = FakeSmtp::start(Behaviour::ok());
    let (owner, deputy) = (
        person(&app, "責任 花子", "owner@motosu.example.lg.jp").await,
        person(&app, "代理 太郎", "deputy@motosu.example.lg.jp").await,
    );
    engagement(&app, "清掃業務", &owner, &deputy).await;
    app.at("2027-04-28T12:00");
    let worker = worker(&app, &server, Faults::default());
    worker.tick().await.unwrap();
    assert_eq!(server.accepted().len(), 1);
    let page = app.officer().get("/reminders?limit=200").await.expect(200);
    let contract_end: Vec<&Value> = page.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["state"] == "superseded")
        .collect();
    assert!(!contract_end.is_empty(), "the missed stages are on record");
});

db_test!(an_answer_stops_the_mails_that_wait, |app| {
    let server = FakeSmtp::start(Behaviour::ok());
    let (owner, deputy) = (
        person(&app, "責任 花子", "owner@motosu.example.lg.jp").await,
        person(&app, "代理 太郎", "deputy@motosu.example.lg.jp").await,
    );
    engagement(&app, "清掃業務", &owner, &deputy).await;
    let open = app.officer().get("/obligations?kind=contract_end").await.expect(200);
    let id = open.text("/items/0/id").to_owned();
    let decide = format!("/obligations/{id}/decisions");
    app.officer()
        .acting(&owner)
        .post(&decide, json!({"decision": "retender"}))
        .await
        .expect(200);
    let before = app.officer().get("/obligations").await.expect(200);
    assert!(
        before.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["kind"] != "contract_end")
    );
    worker(&app, &server, Faults::default()).tick().await.unwrap();
    for mail in server.accepted() {
        let text = String::from_utf8_lossy(&mail.data).into_owned();
        assert!(!text.contains("contract_end"));
    }
});

db_test!(a_relay_that_refuses_for_a_while_gets_the_mail_later, |app| {
    let server = FakeSmtp::start(Behaviour::at(At::Rcpt, Fault::Refuse(450)));
    let (owner, deputy) = (
        person(&app, "責任 花子", "owner@motosu.example.lg.jp").await,
        person(&app, "代理 太郎", "deputy@motosu.example.lg.jp").await,
    );
    engagement(&app, "清掃業務", &owner, &deputy).await;
    let worker = worker(&app, &server, Faults::default());
    worker.tick().await.unwrap();
    assert!(server.accepted().is_empty());
    assert_eq!(states(&app, "/messages").await, ["queued"]);
    server.set(Behaviour::ok());
    app.at("2027-04-01T09:05");
    worker.tick().await.unwrap();
    assert_eq!(server.accepted().len(), 1);
    assert_eq!(states(&app, "/messages").await, ["accepted"]);
});

db_test!(
    an_address_that_is_refused_for_good_passes_the_item_to_the_deputy,
    |app| {
        let server = FakeSmtp::start(Behaviour::ok());
        server.script([Behaviour::at(At::Rcpt, Fault::Refuse(550))]);
        let (owner, deputy) = (
            person(&app, "責任 花子", "owner@motosu.example.lg.jp").await,
            person(&app, "代理 太郎", "deputy@motosu.example.lg.jp").await,
        );
        engagement(&app, "清掃業務", &owner, &deputy).await;
        worker(&app, &server, Faults::default()).tick().await.unwrap();
        let accepted = server.accepted();
        assert_eq!(accepted.len(), 1);
        assert_eq!(accepted[0].to, ["deputy@motosu.example.lg.jp"]);
        let mut found = states(&app, "/messages").await;
        found.sort();
        assert_eq!(found, ["accepted", "dead"]);
    }
);

db_test!(
    one_connection_is_enough_because_no_transaction_asks_for_another,
    |app| {
        let server = FakeSmtp::start(Behaviour::ok());
        let (owner, deputy) = (
            person(&app, "責任 花子", "owner@motosu.example.lg.jp").await,
            person(&app, "代理 太郎", "deputy@motosu.example.lg.jp").await,
        );
        engagement(&app, "清掃業務", &owner, &deputy).await;
        // Long enough for everything that is cached to be read again.
        app.at("2027-04-05T09:00");
        let db = Db::open(app.app.db.url(), 1, Duration::from_secs(2)).unwrap();
        let narrow = App::new(db, app.clock.clone(), Random::seeded(2), app.app.config.clone()).unwrap();
        let worker = Worker::new(narrow)
            .unwrap()
            .with(relay(&server), Faults::default())
            .lanes(1);
        assert!(worker.tick().await.unwrap().accepted > 0);
    }
);

db_test!(whoever_verifies_a_clause_is_asked_about_it_and_nothing_else, |app| {
    let server = FakeSmtp::start(Behaviour::ok());
    let owner = person(&app, "責任 花子", "owner@motosu.example.lg.jp").await;
    let manager = person(&app, "情報 一郎", "system@motosu.example.lg.jp").await;
    mailroom::role(&app, 1, seed::MAYOR, Role::SystemManager, &manager);
    let contractor = app.officer().post("/contractors", json!({"name": "株式会社甲"})).await;
    let new = json!({
        "organization_id": seed::MAYOR, "name": "保守業務", "contractor_id": contractor.id(), "facts": plain_facts(),
        "owner": {"person_id": owner}, "registered_as_existing": true, "status": "in_performance",
        "started_on": "2027-04-01", "period": {"starts_on": "2027-04-01", "ends_on": "2028-03-31"},
    });
    let id = app.officer().post("/engagements", new).await.expect(201).id();
    let open = format!("/obligations?entry_id={id}&kind=reverification");
    let round = app.officer().get(&open).await.expect(200);
    let clauses = round.items("/items/0/clauses");
    let of = |person: &str| {
        clauses
            .iter()
            .filter(|clause| clause["assignee_person_id"] == person)
            .count()
    };
    let (own, theirs) = (of(&owner), of(&manager));
    assert!(
        own > 0 && theirs > 0 && own + theirs == clauses.len(),
        "{own} + {theirs}"
    );
    for clause in clauses {
        let expected = if clause["assignee_person_id"] == manager.as_str() {
            "system_manager"
        } else {
            "owner"
        };
        assert_eq!(clause["assignee_role"], expected);
    }
    app.at(&format!("{}T09:00", round.text("/items/0/next_step_on")));
    worker(&app, &server, Faults::default()).tick().await.unwrap();
    let mails = mailroom::received(&server);
    let to = |address: &str| mails.iter().find(|mail| mail.to == address).unwrap().text.clone();
    assert_eq!(mails.len(), 2);
    let count = |clauses: usize| format!("期限が近い条項が{clauses}件");
    assert!(to("system@motosu.example.lg.jp").contains(&count(theirs)));
    assert!(
        to("owner@motosu.example.lg.jp").contains(&count(clauses.len())),
        "the owner sees all"
    );
});
