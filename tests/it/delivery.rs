//! Reminders from plan to delivery: who is told on which day, what one mail carries, and what the relay's mistakes lead
//! to. Crashes are in `outbox_faults.rs`.

use diesel::prelude::*;
use kakunin::db::schema::{
    journal, local_governments, messages, obligation_cycles, obligations, reminder_items, round_clauses,
};
use kakunin::domain::vocabulary::{ObligationKind, Role};
use kakunin::mail::Transport;
use kakunin::mail::file::FileTransport;
use kakunin::work::{Faults, Worker};

use crate::harness::{TestApp, seed, tokyo};
use crate::mailroom::{
    Mail, People, answer, audit, control_number, day, department, drive, entry, items, next_event, obligation,
    owned_by, pass, per_minute, person, planner, received, role, states, worker,
};
use crate::smtp_server::{At, Behaviour, FakeSmtp, Fault, closed_port};

use ObligationKind::{ContractEnd, CorrectiveAction, Handover};

fn relay() -> FakeSmtp {
    FakeSmtp::start(Behaviour::ok())
}

/// One owner, one engagement, one corrective action due on 2027-04-15: stages on 1, 8 and 14 April, then 16 April …
fn one(app: &TestApp) -> String {
    let owner = person(app, 1, true);
    let entry = entry(app, 1, seed::MAYOR, owned_by(&owner));
    obligation(app, 1, seed::MAYOR, &entry, CorrectiveAction, "2027-04-15")
}

fn to(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|mail| mail.to.as_str()).collect()
}

fn sums(app: &TestApp) -> (i32, i32, i32) {
    let all: Vec<(i32, i32, i32)> = app.db(|conn| {
        messages::table
            .select((messages::attempts, messages::doubts, messages::resends))
            .load(conn)
    });
    all.iter()
        .fold((0, 0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1, sum.2 + row.2))
}

db_test!(one_mail_carries_everything_that_an_address_is_asked_for, |app| {
    let (relay, owner, deputy) = (relay(), person(&app, 1, true), person(&app, 2, true));
    let section = department(&app, 1, None);
    for number in 0..3 {
        let organization = if number == 2 { seed::ASSEMBLY } else { seed::MAYOR };
        let people = People {
            owner: Some(&owner),
            deputy: Some(&deputy),
            department: Some(&section),
        };
        let entry = entry(&app, number, organization, people);
        obligation(&app, number, organization, &entry, CorrectiveAction, "2027-04-15");
    }
    let ticked = worker(&app, &relay).tick().await.unwrap();
    assert_eq!((ticked.planned, ticked.accepted), (3, 1));
    let mails = received(&relay);
    assert_eq!(to(&mails), ["p1@city.example.lg.jp"]);
    for expected in [
        "見本1課",
        "見本 1郎",
        "見本業務その0",
        "本巣市長部局",
        "本巣市議会",
        "EN-2027-0002",
        "代理：見本 2郎",
        "令和9年4月15日（木）　残り14日",
        "情報政策課 内線1234",
    ] {
        assert!(
            mails[0].text.contains(expected),
            "{expected} is not in\n{}",
            mails[0].text
        );
    }
    assert_eq!(
        worker(&app, &relay).tick().await.unwrap().accepted,
        0,
        "a second tick changes nothing"
    );
    assert_eq!(audit(&app, &relay), 0);
});

db_test!(whoever_is_owner_and_deputy_under_one_address_is_asked_once, |app| {
    let (relay, section) = (relay(), department(&app, 1, Some("section@city.example.lg.jp")));
    let (owner, deputy) = (person(&app, 1, false), person(&app, 2, false));
    let people = People {
        owner: Some(&owner),
        deputy: Some(&deputy),
        department: Some(&section),
    };
    let entry = entry(&app, 1, seed::MAYOR, people);
    obligation(&app, 1, seed::MAYOR, &entry, CorrectiveAction, "2027-03-31");
    worker(&app, &relay).tick().await.unwrap();
    let mails = received(&relay);
    assert_eq!(to(&mails), ["section@city.example.lg.jp"]);
    assert_eq!(mails[0].text.matches("期限超過1日").count(), 1, "{}", mails[0].text);
});

db_test!(after_downtime_only_the_latest_stage_is_sent, |app| {
    let relay = relay();
    let id = one(&app);
    app.at("2027-04-14T12:00");
    worker(&app, &relay).tick().await.unwrap();
    assert_eq!(received(&relay).len(), 1);
    let address = "p1@city.example.lg.jp".to_owned();
    let row = |stage: &str, state: &str| (id.clone(), stage.to_owned(), address.clone(), state.to_owned());
    assert_eq!(
        items(&app),
        [
            row("lead-14", "superseded"),
            row("lead-7", "superseded"),
            row("lead-1", "sent")
        ]
    );
    let by: Vec<Option<String>> = app.db(|conn| {
        reminder_items::table
            .filter(reminder_items::state.eq("superseded"))
            .select(reminder_items::superseded_by)
            .load(conn)
    });
    assert_eq!(by, [Some("lead-1".to_owned()), Some("lead-1".to_owned())]);
});

db_test!(
    a_relay_that_is_down_uses_up_no_attempt_and_later_stages_overtake,
    |app| {
        let id = one(&app);
        let dead_port = closed_port();
        let hands = Worker::new(app.app.clone())
            .unwrap()
            .with(crate::mailroom::transport(dead_port), Faults::default())
            .lanes(1);
        for day in 1..=9 {
            for hour in [9, 10, 11, 12] {
                app.at(&format!("2027-04-{day:02}T{hour:02}:00"));
                hands.tick().await.unwrap();
            }
        }
        assert_eq!(sums(&app), (0, 0, 0));
        pass(&app, 3600);
        let relay = relay();
        let ticked = worker(&app, &relay).tick().await.unwrap();
        assert_eq!(ticked.accepted, 1);
        let found = items(&app);
        let stages: Vec<(&str, &str)> = found.iter().map(|item| (item.1.as_str(), item.3.as_str())).collect();
        assert_eq!(stages, [("lead-14", "superseded"), ("lead-7", "sent")], "{id}");
        assert_eq!(audit(&app, &relay), 0);
    }
);

db_test!(what_is_answered_before_the_intent_drops_out, |app| {
    let (relay, owner) = (relay(), person(&app, 1, true));
    let ids: Vec<String> = (0..2)
        .map(|number| {
            let entry = entry(&app, number, seed::MAYOR, owned_by(&owner));
            obligation(&app, number, seed::MAYOR, &entry, CorrectiveAction, "2027-04-15")
        })
        .collect();
    // Planned in the night, answered before the hour of sending.
    app.at("2027-04-01T00:10");
    let hands = worker(&app, &relay);
    assert_eq!(hands.tick().await.unwrap().planned, 2);
    assert!(received(&relay).is_empty(), "nothing leaves at night");
    // Closed without touching the items, as a race would leave it.
    app.db(|conn| {
        diesel::update(obligations::table.find((seed::MOTOSU, &ids[0])))
            .set(obligations::state.eq("closed"))
            .execute(conn)
    });
    app.at("2027-04-01T08:30");
    hands.tick().await.unwrap();
    let mails = received(&relay);
    assert!(mails[0].text.contains(&control_number(1)) && !mails[0].text.contains(&control_number(0)));
    let states: Vec<String> = items(&app).into_iter().map(|item| item.3).collect();
    assert_eq!(states, ["cancelled", "sent"]);
});

db_test!(a_digest_left_empty_is_cancelled, |app| {
    let relay = FakeSmtp::start(Behaviour::at(At::Rcpt, Fault::Refuse(450)));
    let id = one(&app);
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    assert_eq!(states(&app), ["queued"]);
    answer(&app, &id, None);
    relay.set(Behaviour::ok());
    pass(&app, 120);
    hands.tick().await.unwrap();
    assert_eq!(
        (states(&app), received(&relay).len()),
        (vec!["cancelled".to_owned()], 0)
    );
});

db_test!(a_refused_message_is_repeated_with_the_same_bytes, |app| {
    let relay = relay();
    one(&app);
    relay.script([
        Behaviour::at(At::Dot, Fault::Refuse(452)),
        Behaviour::at(At::Rcpt, Fault::Refuse(450)),
        Behaviour::at(At::Greeting, Fault::Refuse(421)),
    ]);
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    type Fixed = (Option<String>, Option<String>);
    let fixed = || -> Fixed {
        app.db(|conn| {
            messages::table
                .select((messages::rfc_message_id, messages::body_sha256))
                .first(conn)
        })
    };
    let before = fixed();
    assert!(before.0.is_some());
    drive(&app, &hands, "2027-04-01T12:00").await;
    assert_eq!((states(&app), fixed()), (vec!["accepted".to_owned()], before));
    assert_eq!(sums(&app), (2, 0, 0), "the relay's own trouble is not counted");
    assert_eq!(audit(&app, &relay), 0);
});

db_test!(what_was_refused_and_is_answered_since_is_not_repeated, |app| {
    let relay = relay();
    let id = one(&app);
    relay.script([Behaviour::at(At::Dot, Fault::Refuse(452))]);
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    answer(&app, &id, None);
    drive(&app, &hands, "2027-04-01T12:00").await;
    assert_eq!(
        (states(&app), received(&relay).len()),
        (vec!["cancelled".to_owned()], 0)
    );
    assert_eq!(items(&app)[0].3, "cancelled");
});

db_test!(
    a_lost_reply_is_in_doubt_and_repeated_a_quarter_of_an_hour_later,
    |app| {
        let relay = relay();
        one(&app);
        relay.script([Behaviour::at(At::AfterDot, Fault::Close)]);
        let hands = worker(&app, &relay);
        assert_eq!(hands.tick().await.unwrap().in_doubt, 1);
        let intent = app.clock.now();
        pass(&app, 14 * 60);
        hands.tick().await.unwrap();
        assert_eq!((states(&app), received(&relay).len()), (vec!["in_doubt".to_owned()], 1));
        app.clock.set(intent.plus_seconds(15 * 60));
        hands.tick().await.unwrap();
        let mails = received(&relay);
        assert_eq!((states(&app), mails.len()), (vec!["accepted".to_owned()], 2));
        assert_eq!(mails[0].bytes, mails[1].bytes);
        assert_eq!(sums(&app), (0, 1, 1));
        assert_eq!(audit(&app, &relay), 1);
        let doubts: i64 = app.db(|conn| {
            journal::table
                .filter(journal::action.eq("message.in_doubt"))
                .count()
                .get_result(conn)
        });
        assert_eq!(doubts, 1);
    }
);

db_test!(
    an_address_that_does_not_exist_is_given_up_at_once_and_the_next_contact_is_told,
    |app| {
        let relay = relay();
        let people: Vec<String> = (1..=4).map(|number| person(&app, number, true)).collect();
        role(&app, 1, seed::MAYOR, Role::SectionSecurityManager, &people[0]);
        role(&app, 2, seed::MAYOR, Role::DivisionSecurityOfficer, &people[2]);
        let people = People {
            owner: Some(&people[0]),
            deputy: Some(&people[1]),
            department: None,
        };
        let entry = entry(&app, 1, seed::MAYOR, people);
        obligation(&app, 1, seed::MAYOR, &entry, CorrectiveAction, "2027-04-15");
        let no_such = || Behaviour::at(At::Rcpt, Fault::Refuse(550));
        relay.script([no_such(), no_such()]);
        let hands = worker(&app, &relay);
        let ticked = hands.tick().await.unwrap();
        assert_eq!((ticked.dead, ticked.accepted), (2, 1));
        // The section manager is the owner, whose address failed: the item goes past them.
        assert_eq!(to(&received(&relay)), ["p3@city.example.lg.jp"]);
        let mut found: Vec<(String, String)> = items(&app).into_iter().map(|item| (item.2, item.3)).collect();
        found.sort();
        let row = |n: u32, state: &str| (format!("p{n}@city.example.lg.jp"), state.to_owned());
        assert_eq!(found, [row(1, "superseded"), row(2, "superseded"), row(3, "sent")]);
        let dead: i64 = app.db(|conn| {
            journal::table
                .filter(journal::action.eq("message.dead"))
                .count()
                .get_result(conn)
        });
        assert_eq!(dead, 2);
        audit(&app, &relay);
    }
);

db_test!(five_days_of_refusals_are_enough, |app| {
    let relay = FakeSmtp::start(Behaviour::at(At::Rcpt, Fault::Refuse(450)));
    let (owner, deputy) = (person(&app, 1, true), person(&app, 2, true));
    let people = People {
        owner: Some(&owner),
        deputy: Some(&deputy),
        department: None,
    };
    let entry = entry(&app, 1, seed::MAYOR, people);
    // The next stage is far away: nothing overtakes.
    obligation(&app, 1, seed::MAYOR, &entry, ContractEnd, "2027-09-28");
    let hands = worker(&app, &relay);
    let start = app.clock.now();
    loop {
        let ticked = hands.tick().await.unwrap();
        if ticked.dead > 0 {
            break;
        }
        let next = next_event(&app).unwrap();
        app.clock.set(next.max(app.clock.now().plus_seconds(3600)));
    }
    let days = (app.clock.now().unix_seconds() - start.unix_seconds()) / (24 * 3600);
    assert!((3..=8).contains(&days), "{days} days");
    relay.set(Behaviour::ok());
    drive(&app, &hands, "2027-04-20T12:00").await;
    assert_eq!(to(&received(&relay)), ["p2@city.example.lg.jp"]);
    audit(&app, &relay);
});

db_test!(
    what_comes_due_after_todays_mail_waits_for_the_next_business_day,
    |app| {
        let (relay, owner) = (relay(), person(&app, 1, true));
        app.at("2027-04-02T09:00");
        let hands = worker(&app, &relay);
        for (number, expected) in [(0, 1), (1, 1)] {
            let entry = entry(&app, number, seed::MAYOR, owned_by(&owner));
            obligation(&app, number, seed::MAYOR, &entry, CorrectiveAction, "2027-04-16");
            hands.tick().await.unwrap();
            assert_eq!(received(&relay).len(), expected);
        }
        // 2 April 2027 is a Friday.
        app.at("2027-04-05T08:29");
        hands.tick().await.unwrap();
        assert_eq!(received(&relay).len(), 1);
        app.at("2027-04-05T08:30");
        hands.tick().await.unwrap();
        assert_eq!(received(&relay).len(), 2);
        audit(&app, &relay);
    }
);

db_test!(a_granted_delay_pauses_the_mail_and_nothing_else, |app| {
    let relay = relay();
    let id = one(&app);
    app.db(|conn| {
        diesel::update(obligations::table.find((seed::MOTOSU, &id)))
            .set(obligations::grace_until_on.eq(Some(day("2027-04-12"))))
            .execute(conn)
    });
    let hands = worker(&app, &relay);
    drive(&app, &hands, "2027-04-12T18:00").await;
    assert!(received(&relay).is_empty());
    drive(&app, &hands, "2027-04-13T18:00").await;
    let found = items(&app);
    let stages: Vec<(&str, &str)> = found.iter().map(|item| (item.1.as_str(), item.3.as_str())).collect();
    assert_eq!(stages, [("lead-14", "superseded"), ("lead-7", "sent")]);
});

db_test!(
    escalation_reaches_the_superiors_and_nobody_is_left_out_silently,
    |app| {
        let relay = relay();
        let people: Vec<String> = (1..=4).map(|number| person(&app, number, true)).collect();
        role(&app, 1, seed::MAYOR, Role::SectionSecurityManager, &people[2]);
        role(&app, 2, seed::MAYOR, Role::Ciso, &people[3]);
        let owned = People {
            owner: Some(&people[0]),
            deputy: Some(&people[1]),
            department: None,
        };
        let asked = entry(&app, 1, seed::MAYOR, owned);
        obligation(&app, 1, seed::MAYOR, &asked, CorrectiveAction, "2027-04-15");
        let nobodys = entry(&app, 2, seed::ASSEMBLY, People::default());
        let unreachable = obligation(&app, 2, seed::ASSEMBLY, &nobodys, CorrectiveAction, "2027-04-15");
        drive(&app, &worker(&app, &relay), "2027-05-01T00:00").await;
        let mut told: Vec<(String, String)> = items(&app)
            .into_iter()
            .filter(|item| item.0 != unreachable && item.3 == "sent")
            .map(|item| (item.1, item.2[..2].to_owned()))
            .collect();
        told.sort();
        let expected = [
            ("lead-1", "p1"),
            ("lead-14", "p1"),
            ("lead-7", "p1"),
            ("overdue-1", "p1"),
            ("overdue-1", "p2"),
            ("overdue-14", "p1"),
            ("overdue-14", "p4"),
            ("overdue-7", "p1"),
            ("overdue-7", "p3"),
        ];
        assert_eq!(told, expected.map(|(stage, who)| (stage.to_owned(), who.to_owned())));
        let lost: Vec<_> = items(&app).into_iter().filter(|item| item.0 == unreachable).collect();
        assert!(
            lost.len() == 6 && lost.iter().all(|item| item.3 == "cancelled"),
            "{lost:?}"
        );
        audit(&app, &relay);
    }
);

db_test!(the_verifiers_of_a_round_are_told_before_the_due_date, |app| {
    let (relay, owner, verifier) = (relay(), person(&app, 1, true), person(&app, 2, true));
    let entry = entry(&app, 1, seed::MAYOR, owned_by(&owner));
    let id = obligation(
        &app,
        1,
        seed::MAYOR,
        &entry,
        ObligationKind::Reverification,
        "2027-04-15",
    );
    app.db(|conn| {
        for (key, answer) in [("confidentiality", None::<&str>), ("audit-and-inspection", Some("met"))] {
            diesel::insert_into(round_clauses::table)
                .values((
                    round_clauses::local_government_id.eq(seed::MOTOSU),
                    round_clauses::obligation_id.eq(&id),
                    round_clauses::cycle.eq(1),
                    round_clauses::clause_key.eq(key),
                    round_clauses::own_due_on.eq(day("2027-04-15")),
                    round_clauses::assignee_role.eq("system_manager"),
                    round_clauses::assignee_person_id.eq(Some(&verifier)),
                    round_clauses::answer.eq(answer),
                ))
                .execute(conn)?;
        }
        Ok(())
    });
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    let mails = received(&relay);
    let mut addresses = to(&mails);
    addresses.sort_unstable();
    assert_eq!(addresses, ["p1@city.example.lg.jp", "p2@city.example.lg.jp"]);
    let verifiers = mails.iter().find(|mail| mail.to.starts_with("p2")).unwrap();
    assert!(
        verifiers.text.contains("確認を担当する情報システム管理者として"),
        "{}",
        verifiers.text
    );
    app.at("2027-04-16T08:30");
    hands.tick().await.unwrap();
    assert_eq!(
        received(&relay).len(),
        3,
        "past the date the line of command is told, not the verifiers"
    );
});

db_test!(data_of_a_demonstration_only_becomes_files, |app| {
    let relay = relay();
    one(&app);
    app.db(|conn| {
        diesel::update(local_governments::table.find(seed::MOTOSU))
            .set(local_governments::is_demo.eq(true))
            .execute(conn)
    });
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    hands.tick().await.unwrap();
    assert_eq!((states(&app), relay.connections()), (vec!["held".to_owned()], 0));
    let dir = tempfile::tempdir().unwrap();
    let files = Transport::File(FileTransport {
        dir: dir.path().to_owned(),
    });
    app.at("2027-04-02T08:30");
    let files = Worker::new(app.app.clone()).unwrap().with(files, Faults::default());
    assert_eq!(files.tick().await.unwrap().accepted, 1);
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 1);
});

db_test!(without_a_relay_reminders_are_planned_and_wait, |app| {
    one(&app);
    let ticked = planner(&app).tick().await.unwrap();
    assert_eq!((ticked.planned, states(&app).len()), (1, 0));
    assert_eq!(items(&app)[0].3, "planned");
});

db_test!(a_clock_that_was_set_back_sends_nothing, |app| {
    let relay = relay();
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    one(&app);
    app.at("2027-03-31T09:00");
    assert_eq!(hands.tick().await.unwrap().accepted, 0);
    app.at("2027-04-01T08:57");
    assert_eq!(hands.tick().await.unwrap().accepted, 1, "three minutes are nothing");
});

db_test!(no_more_mails_leave_in_a_minute_than_may, |app| {
    let relay = relay();
    per_minute(&app, 2);
    for number in 0..5 {
        let owner = person(&app, number, true);
        let entry = entry(&app, number, seed::MAYOR, owned_by(&owner));
        obligation(&app, number, seed::MAYOR, &entry, Handover, "2027-04-15");
    }
    let hands = worker(&app, &relay);
    for expected in [2, 4, 5, 5] {
        hands.tick().await.unwrap();
        assert_eq!(received(&relay).len(), expected);
        pass(&app, 60);
    }
});

db_test!(bytes_are_erased_a_month_after_the_end_and_the_record_stays, |app| {
    let relay = relay();
    let id = one(&app);
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    answer(&app, &id, None);
    let kept = || -> (Option<Vec<u8>>, Option<String>) {
        app.db(|conn| {
            messages::table
                .select((messages::sealed_bytes, messages::body_sha256))
                .first(conn)
        })
    };
    let (sealed, hash) = kept();
    let sealed = sealed.unwrap();
    assert!(
        !sealed.windows(8).any(|window| window == b"Subject:"),
        "sealed, not in clear"
    );
    app.at("2027-05-01T08:59");
    assert_eq!(hands.tick().await.unwrap().pruned, 0);
    app.at("2027-05-01T09:01");
    assert_eq!(hands.tick().await.unwrap().pruned, 1);
    assert_eq!(kept(), (None, hash));
});

db_test!(a_moved_date_sends_the_latest_stage_of_the_new_cycle, |app| {
    let relay = relay();
    let id = one(&app);
    let hands = worker(&app, &relay);
    hands.tick().await.unwrap();
    app.at("2027-04-07T12:00");
    answer(&app, &id, Some(day("2027-04-08")));
    hands.tick().await.unwrap();
    let cycles: Vec<(i32, String, String)> = app.db(|conn| {
        reminder_items::table
            .order((reminder_items::cycle, reminder_items::planned_on))
            .select((reminder_items::cycle, reminder_items::stage, reminder_items::state))
            .load(conn)
    });
    let row = |cycle, stage: &str, state: &str| (cycle, stage.to_owned(), state.to_owned());
    assert_eq!(
        cycles,
        [
            row(1, "lead-14", "sent"),
            row(2, "lead-14", "superseded"),
            row(2, "lead-7", "superseded"),
            row(2, "lead-1", "sent"),
        ]
    );
    let opened: i64 = app.db(|conn| obligation_cycles::table.count().get_result(conn));
    assert_eq!(opened, 1, "the planner does not open cycles");
});

db_test!(a_limited_client_reads_only_what_concerns_its_organizations, |app| {
    let relay = relay();
    one(&app);
    worker(&app, &relay).tick().await.unwrap();
    let officer = app.officer();
    let reminders = officer.get("/reminders").await.expect(200);
    let messages = officer.get("/messages").await.expect(200);
    assert_eq!(
        (reminders.items("/items").len(), messages.items("/items").len()),
        (1, 1)
    );
    let (reminder, message) = (reminders.text("/items/0/id"), messages.text("/items/0/id"));
    assert_eq!(reminders.text("/items/0/message_id"), message);
    assert_eq!(messages.items("/items/0/attempts").len(), 1);
    assert!(messages.at("/items/0/next_at").is_null(), "nothing more happens to it");
    let entry = reminders.text("/items/0/entry_id");
    for (filter, expected) in [
        (format!("entry_id={entry}"), 1),
        (format!("message_id={message}"), 1),
        ("state=planned".to_owned(), 0),
        (format!("obligation_id={message}"), 0),
    ] {
        let page = officer.get(&format!("/reminders?{filter}")).await.expect(200);
        assert_eq!(page.items("/items").len(), expected, "{filter}");
    }
    let mayor = app.limited(&[seed::MAYOR]);
    let assembly = app.limited(&[seed::ASSEMBLY]);
    for (who, status, count) in [(&mayor, 200, 1), (&assembly, 404, 0), (&app.stranger(), 404, 0)] {
        who.get(&format!("/reminders/{reminder}")).await.expect(status);
        who.get(&format!("/messages/{message}")).await.expect(status);
        for list in ["/reminders", "/messages"] {
            assert_eq!(who.get(list).await.expect(200).items("/items").len(), count, "{list}");
        }
    }
    app.with_scopes(&["entries:read"]).get("/messages").await.expect(403);
    assert_eq!(tokyo("2027-04-01T09:00"), app.clock.now());
});
