//! The weekly summary: who gets it on which day, that it comes when there is nothing to tell, and never twice.

use diesel::prelude::*;
use kakunin::app::App;
use kakunin::db::schema::messages;
use kakunin::domain::vocabulary::ObligationKind::CorrectiveAction;
use kakunin::domain::vocabulary::Role;
use kakunin::mail::Address;
use kakunin::random::Random;
use kakunin::work::{Faults, Worker};

use crate::harness::{TestApp, seed};
use crate::mailroom::{Mail, entry, obligation, owned_by, person, received, role, transport};
use crate::smtp_server::{At, Behaviour, FakeSmtp, Fault};

/// The same application with an operator, and a worker on it.
fn hands(app: &TestApp, relay: &FakeSmtp, operator: Option<&str>) -> Worker {
    let mut config = app.app.config.clone();
    config.operator_email = operator.map(|address| Address::parse(address).unwrap());
    let app = App::new(app.app.db.clone(), app.clock.clone(), Random::seeded(9), config).unwrap();
    Worker::new(app)
        .unwrap()
        .with(transport(relay.port()), Faults::default())
        .lanes(1)
}

fn summaries(relay: &FakeSmtp) -> Vec<Mail> {
    let mut mails: Vec<Mail> = received(relay)
        .into_iter()
        .filter(|mail| mail.text.contains("■先週の通知メール"))
        .collect();
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    mails
}

db_test!(
    it_comes_on_monday_at_the_hour_even_when_there_is_nothing_to_tell,
    |app| {
        let relay = FakeSmtp::start(Behaviour::ok());
        let ciso = person(&app, 1, true);
        role(&app, 1, seed::MAYOR, Role::Ciso, &ciso);
        role(&app, 2, seed::ASSEMBLY, Role::Ciso, &ciso);
        let hands = hands(&app, &relay, Some("operator@city.example.lg.jp"));
        // Thursday: nobody has had one yet, so the first comes on the next Monday.
        hands.tick().await.unwrap();
        app.at("2027-04-05T08:29");
        hands.tick().await.unwrap();
        assert_eq!(summaries(&relay).len(), 0);
        app.at("2027-04-05T08:30");
        hands.tick().await.unwrap();
        hands.tick().await.unwrap();
        let mails = summaries(&relay);
        let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
        // The other local government has no CISO, but the same operator.
        assert_eq!(
            to,
            [
                "operator@city.example.lg.jp",
                "operator@city.example.lg.jp",
                "p1@city.example.lg.jp"
            ]
        );
        let mine = &mails[2];
        for expected in [
            "見本 1郎 様",
            "令和9年4月5日（月）から令和9年4月11日（日）",
            "■本巣市長部局",
            "■本巣市議会",
            "期限超過　　　：0件",
            "本巣市長部局の情報セキュリティ管理者が登録されていません",
        ] {
            assert!(mine.text.contains(expected), "{expected} is not in\n{}", mine.text);
        }
        app.at("2027-04-09T12:00");
        hands.tick().await.unwrap();
        assert_eq!(summaries(&relay).len(), 3, "one a week");
        app.at("2027-04-12T09:00");
        hands.tick().await.unwrap();
        assert_eq!(summaries(&relay).len(), 6);
    }
);

db_test!(it_counts_what_is_late_and_what_became_of_the_mails, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let (ciso, owner) = (person(&app, 1, true), person(&app, 2, true));
    role(&app, 1, seed::MAYOR, Role::Ciso, &ciso);
    for (number, due_on) in [(1, "2027-04-02"), (2, "2027-04-09"), (3, "2027-06-30")] {
        let entry = entry(&app, number, seed::MAYOR, owned_by(&owner));
        obligation(&app, number, seed::MAYOR, &entry, CorrectiveAction, due_on);
    }
    let hands = hands(&app, &relay, None);
    hands.tick().await.unwrap();
    app.at("2027-04-05T09:00");
    hands.tick().await.unwrap();
    let mails = summaries(&relay);
    assert_eq!(mails.len(), 1);
    let text = &mails[0].text;
    for expected in [
        "期限超過　　　：1件",
        "今週が期限　　：1件",
        "送信済み　　　：1通",
        "送信待ち　　　：0通",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let subject: Option<String> = app.db(|conn| {
        messages::table
            .filter(messages::template.eq(Some("weekly_summary")))
            .select(messages::subject)
            .first(conn)
    });
    assert_eq!(
        subject.as_deref(),
        Some("【週次報告】期限超過1件・今週が期限1件／本巣市")
    );
});

db_test!(a_week_that_begins_with_a_holiday_has_it_on_the_first_open_day, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let ciso = person(&app, 1, true);
    role(&app, 1, seed::MAYOR, Role::Ciso, &ciso);
    let hands = hands(&app, &relay, None);
    // 2027-05-03 to 05-05 are holidays.
    app.at("2027-05-03T09:00");
    hands.tick().await.unwrap();
    assert_eq!(summaries(&relay).len(), 0);
    app.at("2027-05-06T09:00");
    hands.tick().await.unwrap();
    assert_eq!(summaries(&relay).len(), 1);
});

db_test!(one_that_was_missed_is_made_up_for_on_the_next_open_day, |app| {
    let relay = FakeSmtp::start(Behaviour::ok());
    let ciso = person(&app, 1, true);
    role(&app, 1, seed::MAYOR, Role::Ciso, &ciso);
    let hands = hands(&app, &relay, None);
    app.at("2027-04-05T09:00");
    hands.tick().await.unwrap();
    // A fortnight of standstill, over a Monday; on Saturday nobody is at work.
    app.at("2027-04-17T09:00");
    hands.tick().await.unwrap();
    assert_eq!(summaries(&relay).len(), 1);
    app.at("2027-04-20T09:00");
    hands.tick().await.unwrap();
    assert_eq!(summaries(&relay).len(), 2);
});

db_test!(
    it_is_kept_through_a_refusal_and_a_lost_reply_and_sent_in_the_same_bytes,
    |app| {
        let relay = FakeSmtp::start(Behaviour::ok());
        let ciso = person(&app, 1, true);
        role(&app, 1, seed::MAYOR, Role::Ciso, &ciso);
        let hands = hands(&app, &relay, None);
        app.at("2027-04-05T09:00");
        relay.script([
            Behaviour::at(At::Rcpt, Fault::Refuse(450)),
            Behaviour::at(At::AfterDot, Fault::Close),
        ]);
        hands.tick().await.unwrap();
        app.at("2027-04-06T09:00");
        hands.tick().await.unwrap();
        app.at("2027-04-06T09:15");
        hands.tick().await.unwrap();
        let mails = summaries(&relay);
        assert_eq!(mails.len(), 2, "the lost reply, and its repetition");
        assert_eq!(mails[0].bytes, mails[1].bytes);
        let states: Vec<String> = app.db(|conn| messages::table.select(messages::state).load(conn));
        assert_eq!(states, ["accepted"]);
    }
);
