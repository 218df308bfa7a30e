//! The protocol of the outbox under crashes: a kill at every fault point of a whole cycle, seeded kills over three
//! years, and three workers on one queue. The relay's own journal is the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::{Months, NaiveDate};
use diesel::prelude::*;
use kakunin::db::schema::{messages, obligations, reminder_items};
use kakunin::domain::calendar::Calendar;
use kakunin::domain::vocabulary::{ObligationKind, Role};
use kakunin::http::error::ApiError;
use kakunin::work::{Faults, Worker};

use crate::harness::{Backend, TestApp, seed, tokyo};
use crate::mailroom::{
    People, answer, audit, entry, mortal, next_event, obligation, pass, per_minute, person, planner, replica, role,
    schedule, today, transport, worker,
};
use crate::smtp_server::{At, Behaviour, FakeSmtp, Fault};

/// Dies at the n-th point it comes to, and stays dead.
fn dies_at(n: usize, seen: &Arc<AtomicUsize>) -> Faults {
    let seen = seen.clone();
    Faults::new(move |_| seen.fetch_add(1, Ordering::SeqCst) + 1 >= n)
}

fn is_kill(error: &ApiError) -> bool {
    error.to_string().contains("killed at")
}

/// 30 obligations of two owners through one cycle: three leads, the day after, and then the answer. The worker dies at
/// the n-th fault point and another takes over. Answers how many points the first one came to.
async fn one_cycle(backend: Backend, n: usize) -> usize {
    let (app, relay) = (TestApp::start(backend).await, FakeSmtp::start(Behaviour::ok()));
    per_minute(&app, 10_000);
    let (a, b) = (person(&app, 1, true), person(&app, 2, true));
    let mut all = vec![];
    for number in 0..30 {
        let owner = if number % 2 == 0 { &a } else { &b };
        let entry = entry(
            &app,
            number,
            seed::MAYOR,
            People {
                owner: Some(owner),
                ..People::default()
            },
        );
        all.push(obligation(
            &app,
            number,
            seed::MAYOR,
            &entry,
            ObligationKind::CorrectiveAction,
            "2027-04-30",
        ));
    }
    let seen = Arc::new(AtomicUsize::new(0));
    let mut hands = mortal(&app, &relay, dies_at(n, &seen));
    let end = tokyo("2027-05-06T12:00");
    loop {
        match hands.tick().await {
            Ok(_) => {}
            Err(error) if is_kill(&error) => {
                hands = worker(&app, &relay);
                continue;
            }
            Err(error) => panic!("{error}"),
        }
        match next_event(&app).filter(|at| *at < end) {
            None => break,
            Some(next) => app.clock.set(next.max(app.clock.now().plus_seconds(30))),
        }
    }
    for id in &all {
        answer(&app, id, None);
    }
    let twice = audit(&app, &relay);
    assert!(twice <= 1, "one kill repeats one mail at most");
    let items: Vec<(String, String, String)> = app.db(|conn| {
        reminder_items::table
            .order((reminder_items::obligation_id, reminder_items::planned_on))
            .select((
                reminder_items::obligation_id,
                reminder_items::stage,
                reminder_items::state,
            ))
            .load(conn)
    });
    let stages = ["lead-14", "lead-7", "lead-1", "overdue-1"];
    let expected: Vec<_> = all
        .iter()
        .flat_map(|id| stages.map(|stage| (id.clone(), stage.to_owned(), "sent".to_owned())))
        .collect();
    assert_eq!(items, expected, "killed at point {n}");
    seen.load(Ordering::SeqCst)
}

async fn a_kill_at_every_point_loses_and_repeats_nothing(backend: Backend) {
    let points = one_cycle(backend, usize::MAX).await;
    assert!(points > 50, "{points}");
    for n in 1..=points {
        assert_eq!(one_cycle(backend, n).await, n);
    }
}

#[actix_web::test]
async fn a_kill_at_every_point_loses_and_repeats_nothing_on_sqlite() {
    a_kill_at_every_point_loses_and_repeats_nothing(Backend::Sqlite).await;
}

#[actix_web::test]
async fn a_kill_at_every_point_loses_and_repeats_nothing_on_postgres() {
    a_kill_at_every_point_loses_and_repeats_nothing(Backend::Postgres).await;
}

/// A small repeatable generator for the course of a test.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Faults of the relay, each a different way to be unsure or refused.
fn trouble(dice: &mut Dice) -> Behaviour {
    match dice.below(6) {
        0 => Behaviour::at(At::AfterDot, Fault::Close),
        1 => Behaviour::at(At::Dot, Fault::Refuse(452)),
        2 => Behaviour::at(At::Rcpt, Fault::Refuse(450)),
        3 => Behaviour::at(At::Greeting, Fault::Refuse(421)),
        4 => Behaviour::at(At::Body, Fault::Close),
        _ => Behaviour::at(At::Dot, Fault::Close),
    }
}

/// 200 obligations of ten owners over three years, answered sooner or later, while workers die, the relay misbehaves
/// and the machine is off for weeks.
async fn three_years(backend: Backend, seed: u64) {
    let (app, relay) = (TestApp::start(backend).await, FakeSmtp::start(Behaviour::ok()));
    per_minute(&app, 10_000);
    let people: Vec<String> = (0..12).map(|n| person(&app, n, true)).collect();
    role(&app, 1, seed::MAYOR, Role::SectionSecurityManager, &people[10]);
    role(&app, 2, seed::MAYOR, Role::Ciso, &people[11]);
    let due = ["2027-06-30", "2027-09-30", "2027-12-28", "2028-03-31"];
    let kind = ObligationKind::Reverification;
    let mut open: BTreeMap<String, (i32, NaiveDate)> = BTreeMap::new();
    for number in 0..200_u64 {
        let owner = usize::try_from(number % 10).unwrap();
        let entry = entry(
            &app,
            number,
            seed::MAYOR,
            People {
                owner: Some(&people[owner]),
                deputy: Some(&people[(owner + 1) % 10]),
                ..People::default()
            },
        );
        let due = due[usize::try_from(number / 10 % 4).unwrap()];
        let id = obligation(&app, number, seed::MAYOR, &entry, kind, due);
        open.insert(id, (1, due.parse().unwrap()));
    }
    let dice = Arc::new(std::sync::Mutex::new(Dice(seed)));
    let fresh = || {
        let (dice, dead) = (dice.clone(), AtomicBool::new(false));
        let dies = move |_| {
            if dice.lock().unwrap().below(80) == 0 {
                dead.store(true, Ordering::SeqCst);
            }
            dead.load(Ordering::SeqCst)
        };
        mortal(&app, &relay, Faults::new(dies))
    };
    let roll = |n| dice.lock().unwrap().below(n);
    let calendar = Calendar::default();
    let account = |obligation: &str, cycle: i32, due_on: NaiveDate, until: NaiveDate| {
        let expected: BTreeSet<String> = schedule(kind, due_on, &calendar)
            .steps(until)
            .iter()
            .map(|step| step.key.to_string())
            .collect();
        let found: Vec<(String, String)> = app.db(|conn| {
            reminder_items::table
                .filter(reminder_items::obligation_id.eq(obligation))
                .filter(reminder_items::cycle.eq(cycle))
                .select((reminder_items::stage, reminder_items::state))
                .load(conn)
        });
        let stages: BTreeSet<String> = found.iter().map(|(stage, _)| stage.clone()).collect();
        assert_eq!(
            stages, expected,
            "seed {seed}: {obligation} cycle {cycle} due {due_on} until {until}"
        );
        let told = found
            .iter()
            .filter(|(_, state)| state == "sent" || state == "fixed" || state == "planned")
            .count();
        assert!(
            told > 0 || found.iter().any(|(_, state)| state == "cancelled"),
            "{obligation} cycle {cycle}"
        );
    };
    let end = tokyo("2030-04-01T09:00");
    let (mut hands, mut kills) = (fresh(), 0);
    while app.clock.now() < end {
        if roll(12) == 0 {
            relay.script([trouble(&mut dice.lock().unwrap())]);
        }
        match hands.tick().await {
            Ok(_) => {}
            Err(error) if is_kill(&error) => {
                kills += 1;
                hands = fresh();
                pass(&app, 5);
                continue;
            }
            Err(error) => panic!("{error}"),
        }
        // Some owners who have been told answer now.
        let told: Vec<String> = app.db(|conn| {
            obligations::table
                .filter(obligations::last_stage.is_not_null())
                .order(obligations::id)
                .select(obligations::id)
                .load(conn)
        });
        for id in told {
            if roll(16) == 0 {
                let (cycle, due_on) = open[&id];
                account(&id, cycle, due_on, today(&app));
                let next = due_on.checked_add_months(Months::new(12)).unwrap();
                answer(&app, &id, Some(next));
                open.insert(id, (cycle + 1, next));
            }
        }
        let off = if roll(150) == 0 { 20 * 24 * 3600 } else { 0 };
        let next = next_event(&app).unwrap().max(app.clock.now().plus_seconds(30));
        app.clock.set(next.plus_seconds(off));
    }
    // The relay behaves, nobody dies any more, and what is on its way arrives.
    relay.set(Behaviour::ok());
    let calm = worker(&app, &relay);
    let last = app.clock.now().plus_seconds(7 * 24 * 3600);
    loop {
        calm.tick().await.unwrap();
        let waiting: i64 = app.db(|conn| {
            messages::table
                .filter(messages::state.eq_any(["queued", "leased", "committing", "in_doubt"]))
                .count()
                .get_result(conn)
        });
        if waiting == 0 || app.clock.now() > last {
            assert_eq!(waiting, 0);
            break;
        }
        let next = next_event(&app).unwrap();
        app.clock.set(next.max(app.clock.now().plus_seconds(60)));
    }
    for (id, (cycle, due_on)) in &open {
        let known: (i32, NaiveDate) = app.db(|conn| {
            obligations::table
                .find((seed::MOTOSU, id))
                .select((obligations::cycle, obligations::due_on))
                .first(conn)
        });
        assert_eq!(known, (*cycle, *due_on));
        if schedule(kind, *due_on, &calendar).steps(today(&app)).is_empty() {
            continue;
        }
        account(id, *cycle, *due_on, today(&app));
    }
    let twice = audit(&app, &relay);
    let mails = relay.accepted().len();
    assert!(
        mails > 500 && kills > 20 && twice > 0,
        "{mails} mails, {kills} kills, {twice} repeated"
    );
    println!("seed {seed} on {backend:?}: {mails} mails, {kills} kills, {twice} repeated after a recorded doubt");
}

#[actix_web::test]
async fn three_years_of_kills_are_accounted_for_on_sqlite() {
    three_years(Backend::Sqlite, 0x5eed_0001).await;
}

#[actix_web::test]
async fn three_years_of_kills_are_accounted_for_on_postgres() {
    three_years(Backend::Postgres, 0x5eed_0002).await;
}

#[actix_web::test]
async fn three_workers_on_one_queue_send_nothing_twice() {
    let (app, relay) = (
        TestApp::start(Backend::Postgres).await,
        FakeSmtp::start(Behaviour::ok()),
    );
    per_minute(&app, 10_000);
    for number in 0..60 {
        let owner = person(&app, number, true);
        let entry = entry(
            &app,
            number,
            seed::MAYOR,
            People {
                owner: Some(&owner),
                ..People::default()
            },
        );
        for kind in [ObligationKind::CorrectiveAction, ObligationKind::Handover] {
            let n = number * 2 + u64::from(kind == ObligationKind::Handover);
            obligation(&app, n, seed::MAYOR, &entry, kind, "2027-04-15");
        }
    }
    let workers = [11, 12, 13].map(|seed| {
        Worker::new(replica(&app, seed, |_| ()))
            .unwrap()
            .with(transport(relay.port()), Faults::default())
            .lanes(2)
    });
    let planner = planner(&app);
    for on in [
        "2027-04-01T09:00",
        "2027-04-08T08:30",
        "2027-04-14T08:30",
        "2027-04-16T08:30",
    ] {
        app.at(on);
        // Planned first: who plans locks everything, and the others would find nothing to race for.
        planner.tick().await.unwrap();
        let (a, b, c) = tokio::join!(workers[0].tick(), workers[1].tick(), workers[2].tick());
        let each = [a.unwrap(), b.unwrap(), c.unwrap()].map(|ticked| ticked.accepted);
        assert_eq!(each.iter().sum::<usize>(), 60, "{each:?} on {on}");
        assert!(
            each.iter().filter(|mails| **mails > 0).count() >= 2,
            "no race on {on}: {each:?}"
        );
    }
    assert_eq!(audit(&app, &relay), 0);
    assert_eq!(relay.accepted().len(), 240);
    let unsent: i64 = app.db(|conn| {
        reminder_items::table
            .filter(reminder_items::state.ne("sent"))
            .count()
            .get_result(conn)
    });
    assert_eq!(unsent, 0);
}
