//! Mails that come back after the relay had taken them: whose they were, who is told instead, and that an address that
//! does not exist any more is left alone.

use diesel::prelude::*;
use kakunin::app::App;
use kakunin::db::schema::{bounced_addresses, journal, messages, people};
use kakunin::domain::vocabulary::ObligationKind::CorrectiveAction;
use kakunin::mail::Address;
use kakunin::mail::bounce::{Bounce, Verdict, read};
use kakunin::random::Random;
use kakunin::work::bounces::{Taken, forget, take};
use kakunin::work::{Faults, Worker};

use crate::harness::{TestApp, seed};
use crate::mailroom::{People, department, entry, items, obligation, person, received, transport};
use crate::smtp_server::{Behaviour, FakeSmtp};

fn mailbox() -> Address {
    Address::parse("bounces@kakunin.example.lg.jp").unwrap()
}

/// The same application, which gives its mails a return address of their own.
fn returning(app: &TestApp) -> App {
    let mut config = app.app.config.clone();
    config.bounce_address = Some(mailbox());
    App::new(app.app.db.clone(), app.clock.clone(), Random::seeded(7), config).unwrap()
}

fn worker(app: &App, relay: &FakeSmtp) -> Worker {
    Worker::new(app.clone())
        .unwrap()
        .with(transport(relay.port()), Faults::default())
        .lanes(1)
}

/// The return addresses of the mails that the relay took.
fn from(relay: &FakeSmtp) -> Vec<String> {
    relay.accepted().iter().map(|mail| mail.from.clone()).collect()
}

fn report(from: &str, action: &str, status: &str) -> Bounce {
    let mail = format!(
        "To: <{from}>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay\r\n\r\nAction: {action}\r\nStatus: {status}\r\n--b--\r\n"
    );
    read(&mail, None, Some(&mailbox()))
}

/// Somebody responsible with a deputy, and something to do until 2027-04-15.
fn asked(app: &TestApp) {
    let (owner, deputy) = (person(app, 1, true), person(app, 2, true));
    let section = department(app, 1, Some("section@city.example.lg.jp"));
    let people = People {
        owner: Some(&owner),
        deputy: Some(&deputy),
        department: Some(&section),
    };
    let entry = entry(app, 1, seed::MAYOR, people);
    obligation(app, 1, seed::MAYOR, &entry, CorrectiveAction, "2027-04-15");
}

fn bounced(app: &TestApp) -> i64 {
    app.db(|conn| {
        journal::table
            .filter(journal::action.eq("message.bounced"))
            .count()
            .get_result(conn)
    })
}

db_test!(what_came_back_for_good_goes_to_the_deputy, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let sending = returning(&app);
    asked(&app);
    let hands = worker(&sending, &relay);
    assert_eq!(hands.tick().await.unwrap().accepted, 1);
    let sent_from = from(&relay).remove(0);
    let mark = sent_from.strip_prefix("bounces+").unwrap();
    assert_eq!(mark.split_once('@').unwrap().1, "kakunin.example.lg.jp");

    assert_eq!(
        take(&sending, &report(&sent_from, "delayed", "4.4.1")).unwrap(),
        Taken::Passing
    );
    assert_eq!(hands.tick().await.unwrap().accepted, 0, "a delay is none of ours");

    let gone = report(&sent_from, "failed", "5.1.1");
    assert_eq!(take(&sending, &gone).unwrap(), Taken::PassedOn(1));
    assert_eq!(take(&sending, &gone).unwrap(), Taken::Before, "reports come twice");
    assert_eq!(hands.tick().await.unwrap().accepted, 1);
    let told: Vec<String> = received(&relay).into_iter().map(|mail| mail.to).collect();
    assert_eq!(told, ["p1@city.example.lg.jp", "p2@city.example.lg.jp"]);
    let mut found: Vec<(String, String)> = items(&app).into_iter().map(|item| (item.2, item.3)).collect();
    found.sort();
    let row = |n: u32, state: &str| (format!("p{n}@city.example.lg.jp"), state.to_owned());
    assert_eq!(found, [row(1, "superseded"), row(2, "sent")]);
    assert_eq!(bounced(&app), 1);

    let id: String = app.db(|conn| {
        messages::table
            .filter(messages::bounced_at.is_not_null())
            .select(messages::id)
            .first(conn)
    });
    let shown = app.officer().get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!(
        (shown.text("/state"), shown.text("/bounce_status")),
        ("accepted", "5.1.1")
    );
});

db_test!(
    nothing_is_written_to_an_address_that_is_gone_until_it_is_corrected,
    |app| {
        let relay = FakeSmtp::start(Behaviour::ok());
        let sending = returning(&app);
        asked(&app);
        let hands = worker(&sending, &relay);
        hands.tick().await.unwrap();
        take(&sending, &report(&from(&relay)[0], "failed", "5.1.1")).unwrap();
        hands.tick().await.unwrap();
        // The next step goes to the owner again, who has no address any more: the section's mailbox has it.
        app.at("2027-04-08T09:00");
        hands.tick().await.unwrap();
        let told: Vec<String> = received(&relay).into_iter().skip(2).map(|mail| mail.to).collect();
        assert!(told.contains(&"section@city.example.lg.jp".to_owned()), "{told:?}");
        assert!(!told.contains(&"p1@city.example.lg.jp".to_owned()), "{told:?}");
        app.db(|conn| {
            diesel::update(people::table.filter(people::email.eq(Some("p1@city.example.lg.jp"))))
                .set(people::email.eq(Some("p1.new@city.example.lg.jp")))
                .execute(conn)
        });
        app.at("2027-04-14T09:00");
        hands.tick().await.unwrap();
        let last = received(&relay).pop().unwrap();
        assert_eq!(last.to, "p1.new@city.example.lg.jp");
    }
);

db_test!(a_full_mailbox_is_still_somebodys, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let sending = returning(&app);
    asked(&app);
    worker(&sending, &relay).tick().await.unwrap();
    let full = report(&from(&relay)[0], "failed", "5.2.2");
    assert_eq!(take(&sending, &full).unwrap(), Taken::PassedOn(1));
    let gone = |app: &TestApp| app.db(|conn| bounced_addresses::table.count().get_result::<i64>(conn));
    assert_eq!(gone(&app), 0);
    app.db(|conn| {
        diesel::update(messages::table)
            .set(messages::bounced_at.eq(None::<kakunin::clock::Instant>))
            .execute(conn)
    });
    take(&sending, &report(&from(&relay)[0], "failed", "5.1.1")).unwrap();
    assert_eq!(gone(&app), 1);
    assert_eq!(forget(&sending, "p1@city.example.lg.jp").unwrap(), 1);
    assert_eq!((forget(&sending, "p1@city.example.lg.jp").unwrap(), gone(&app)), (0, 0));
});

db_test!(a_report_about_nothing_of_ours_changes_nothing, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let sending = returning(&app);
    asked(&app);
    worker(&sending, &relay).tick().await.unwrap();
    let stranger = report(
        "bounces+aaaaaaaaaaaaaaaaaaaaaaaaaa@kakunin.example.lg.jp",
        "failed",
        "5.1.1",
    );
    assert_eq!(take(&sending, &stranger).unwrap(), Taken::Unknown);
    let holiday = Bounce {
        verdict: Verdict::NoReport,
        ..report(&from(&relay)[0], "failed", "5.1.1")
    };
    assert_eq!(take(&sending, &holiday).unwrap(), Taken::NoReport);
    assert_eq!(bounced(&app), 0);
});

db_test!(without_a_mailbox_for_them_mails_come_back_to_the_sender, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    asked(&app);
    worker(&app.app, &relay).tick().await.unwrap();
    assert_eq!(from(&relay), ["kakunin@city.example.lg.jp"]);
});
