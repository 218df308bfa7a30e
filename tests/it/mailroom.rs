//! What the tests of reminders and of the outbox share: rows that are due, a worker on a misbehaving relay, time that
//! jumps from one due instant to the next, and an audit that compares the database with what the relay really took.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use chrono_tz::Asia::Tokyo;
use diesel::prelude::*;
use kakunin::app::App;
use kakunin::clock::Instant;
use kakunin::config::{Config, MailConfig};
use kakunin::db::Db;
use kakunin::db::schema::{
    departments, entries, journal, local_governments, messages, obligation_cycles, obligations, people, reminder_items,
    role_assignments,
};
use kakunin::domain::calendar::Calendar;
use kakunin::domain::reminder::Schedule;
use kakunin::domain::vocabulary::{CodeWord, ObligationKind, Role};
use kakunin::journal::{sha256_hex, verify};
use kakunin::mail::Transport;
use kakunin::mail::smtp::{Limits, Relay, Security, SmtpConfig};
use kakunin::random::Random;
use kakunin::work::{Faults, Worker};

use crate::harness::{TestApp, seed};
use crate::smtp_server::FakeSmtp;

/// The minute of the day at which every test sends.
pub const SENDING_MINUTE: u32 = 510;

/// An invented id.
pub fn id(area: u64, number: u64) -> String {
    format!("01960000-0000-7000-9{area:03x}-{number:012x}")
}

/// A civil date.
pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The civil date in Tokyo.
pub fn today(app: &TestApp) -> NaiveDate {
    app.clock.now().date_in(Tokyo)
}

/// Moves the clock by so many seconds.
pub fn pass(app: &TestApp, seconds: i64) {
    app.clock.set(app.clock.now().plus_seconds(seconds));
}

/// A worker that hands over to this relay, one mail after the other.
pub fn worker(app: &TestApp, relay: &FakeSmtp) -> Worker {
    mortal(app, relay, Faults::default())
}

/// A worker that dies where it is told.
pub fn mortal(app: &TestApp, relay: &FakeSmtp, faults: Faults) -> Worker {
    Worker::new(app.app.clone())
        .unwrap()
        .with(transport(relay.port()), faults)
        .lanes(1)
}

/// The same application on connections of its own, as another process has, with these settings.
pub fn replica(app: &TestApp, seed: u64, change: impl FnOnce(&mut Config)) -> App {
    let mut config = app.app.config.clone();
    change(&mut config);
    let db = Db::open(app.app.db.url(), 4, config.database_wait).unwrap();
    App::new(db, app.clock.clone(), Random::seeded(seed), config).unwrap()
}

/// A worker that plans and delivers nothing. Its ids go on where those of the application are.
pub fn planner(app: &TestApp) -> Worker {
    let config = Config {
        mail: MailConfig::Unset,
        ..app.app.config.clone()
    };
    let random = app.app.random.clone();
    let silent = App::new(app.app.db.clone(), app.clock.clone(), random, config).unwrap();
    Worker::new(silent).unwrap()
}

/// The way to a plain relay on this port.
pub fn transport(port: u16) -> Transport {
    let limit = Duration::from_secs(20);
    let relay = Relay::new(SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::PlainWithoutAuth,
        credentials: None,
        hello_name: "kakunin.city.example.lg.jp".to_owned(),
        extra_authorities_pem: None,
        limits: Limits {
            step: limit,
            dot: limit,
        },
    });
    Transport::Smtp(relay.unwrap())
}

/// Sets 本巣市's limit of mails per minute.
pub fn per_minute(app: &TestApp, mails: i32) {
    app.db(|conn| {
        diesel::update(local_governments::table.find(seed::MOTOSU))
            .set(local_governments::mails_per_minute.eq(mails))
            .execute(conn)
    });
}

/// A person of 本巣市 with the address `p<number>@…`, or without one.
pub fn person(app: &TestApp, number: u64, address: bool) -> String {
    let id = id(1, number);
    app.db(|conn| {
        diesel::insert_into(people::table)
            .values((
                people::local_government_id.eq(seed::MOTOSU),
                people::id.eq(&id),
                people::name.eq(format!("見本 {number}郎")),
                people::email.eq(address.then(|| format!("p{number}@city.example.lg.jp"))),
                people::search_text.eq(""),
                people::version.eq(1),
                people::created_at.eq(0),
                people::created_by.eq("system"),
                people::updated_at.eq(0),
                people::updated_by.eq("system"),
            ))
            .execute(conn)
    });
    id
}

/// A department of the mayor's office, with a mailbox if it says so.
pub fn department(app: &TestApp, number: u64, mailbox: Option<&str>) -> String {
    let id = id(2, number);
    app.db(|conn| {
        diesel::insert_into(departments::table)
            .values((
                departments::local_government_id.eq(seed::MOTOSU),
                departments::id.eq(&id),
                departments::organization_id.eq(seed::MAYOR),
                departments::code.eq(number.to_string()),
                departments::name.eq(format!("見本{number}課")),
                departments::mailbox.eq(mailbox),
                departments::search_text.eq(""),
                departments::version.eq(1),
                departments::created_at.eq(0),
                departments::created_by.eq("system"),
                departments::updated_at.eq(0),
                departments::updated_by.eq("system"),
            ))
            .execute(conn)
    });
    id
}

/// Gives a role in an organization to a person.
pub fn role(app: &TestApp, number: u64, organization: &str, role: Role, person: &str) {
    app.db(|conn| {
        diesel::insert_into(role_assignments::table)
            .values((
                role_assignments::local_government_id.eq(seed::MOTOSU),
                role_assignments::id.eq(id(3, number)),
                role_assignments::organization_id.eq(organization),
                role_assignments::role.eq(role.code()),
                role_assignments::person_id.eq(Some(person)),
                role_assignments::starts_on.eq(day("2020-04-01")),
            ))
            .execute(conn)
    });
}

/// Who is responsible for an entry.
#[derive(Debug, Clone, Copy, Default)]
pub struct People<'a> {
    pub owner: Option<&'a str>,
    pub deputy: Option<&'a str>,
    pub department: Option<&'a str>,
}

/// The owner alone.
pub fn owned_by(owner: &str) -> People<'_> {
    People {
        owner: Some(owner),
        ..People::default()
    }
}

/// The control number of an entry of this file.
pub fn control_number(number: u64) -> String {
    format!("EN-2027-{number:04}")
}

/// An engagement in performance.
pub fn entry(app: &TestApp, number: u64, organization: &str, people: People<'_>) -> String {
    let id = id(4, number);
    app.db(|conn| {
        diesel::insert_into(entries::table)
            .values((
                (
                    entries::local_government_id.eq(seed::MOTOSU),
                    entries::id.eq(&id),
                    entries::kind.eq("contractor_engagement"),
                    entries::control_number.eq(control_number(number)),
                    entries::organization_id.eq(organization),
                    entries::contracting_organization_id.eq(organization),
                    entries::department_id.eq(people.department),
                    entries::name.eq(format!("見本業務その{number}")),
                    entries::owner_person_id.eq(people.owner),
                    entries::deputy_person_id.eq(people.deputy),
                ),
                (
                    entries::status.eq("in_performance"),
                    entries::facts.eq("{}"),
                    entries::registered_as_existing.eq(true),
                    entries::risk_score_x100.eq(0),
                    entries::inherent_tier.eq(3),
                    entries::search_text.eq(""),
                    entries::version.eq(1),
                    entries::created_at.eq(0),
                    entries::created_by.eq("system"),
                    entries::updated_at.eq(0),
                    entries::updated_by.eq("system"),
                ),
            ))
            .execute(conn)
    });
    id
}

/// The schedule of a due date of this file.
pub fn schedule(kind: ObligationKind, due_on: NaiveDate, calendar: &Calendar) -> Schedule<'_> {
    Schedule {
        kind,
        due_on,
        known_cycle_days: None,
        starts_on: None,
        calendar,
        severe: false,
    }
}

/// An open obligation about an entry, in its first cycle.
pub fn obligation(
    app: &TestApp,
    number: u64,
    organization: &str,
    entry: &str,
    kind: ObligationKind,
    due_on: &str,
) -> String {
    let (id, due_on, calendar) = (id(5, number), day(due_on), Calendar::default());
    let first = schedule(kind, due_on, &calendar).next_step_after(None).unwrap().send_on;
    app.db(|conn| {
        diesel::insert_into(obligations::table)
            .values((
                obligations::local_government_id.eq(seed::MOTOSU),
                obligations::id.eq(&id),
                obligations::organization_id.eq(organization),
                obligations::entry_id.eq(Some(entry)),
                obligations::kind.eq(kind.code()),
                obligations::subject_id.eq(&id),
                obligations::cycle.eq(1),
                obligations::due_on.eq(due_on),
                obligations::state.eq("open"),
                obligations::severe.eq(false),
                obligations::next_step_on.eq(Some(first)),
                obligations::opened_at.eq(app.clock.now()),
                obligations::version.eq(1),
            ))
            .execute(conn)?;
        diesel::insert_into(obligation_cycles::table)
            .values((
                obligation_cycles::local_government_id.eq(seed::MOTOSU),
                obligation_cycles::obligation_id.eq(&id),
                obligation_cycles::cycle.eq(1),
                obligation_cycles::due_on.eq(due_on),
                obligation_cycles::state.eq("open"),
                obligation_cycles::opened_at.eq(app.clock.now()),
            ))
            .execute(conn)
    });
    id
}

/// Answers an obligation: its cycle ends, what was not sent is cancelled, and perhaps the next one opens.
pub fn answer(app: &TestApp, obligation: &str, next_due_on: Option<NaiveDate>) {
    let (now, calendar) = (app.clock.now(), Calendar::default());
    app.db(|conn| {
        let this = obligations::table.find((seed::MOTOSU, obligation));
        let (kind, cycle): (String, i32) = this.select((obligations::kind, obligations::cycle)).first(conn)?;
        diesel::update(
            reminder_items::table
                .filter(reminder_items::local_government_id.eq(seed::MOTOSU))
                .filter(reminder_items::obligation_id.eq(obligation))
                .filter(reminder_items::state.eq("planned")),
        )
        .set((
            reminder_items::state.eq("cancelled"),
            reminder_items::send_at.eq(None::<Instant>),
        ))
        .execute(conn)?;
        let first = next_due_on.and_then(|due_on| {
            let kind = ObligationKind::parse(&kind).unwrap();
            schedule(kind, due_on, &calendar)
                .next_step_after(None)
                .map(|step| step.send_on)
        });
        diesel::update(this)
            .set((
                obligations::state.eq(if next_due_on.is_some() { "open" } else { "closed" }),
                obligations::last_stage.eq(None::<String>),
                obligations::next_step_on.eq(first),
                obligations::opened_at.eq(now),
            ))
            .execute(conn)?;
        if let Some(due_on) = next_due_on {
            diesel::update(this)
                .set((obligations::cycle.eq(cycle + 1), obligations::due_on.eq(due_on)))
                .execute(conn)?;
        }
        Ok(())
    });
}

/// The next instant at which something is due, if it is later than now.
pub fn next_event(app: &TestApp) -> Option<Instant> {
    let (step, item, message): (Option<NaiveDate>, Option<Instant>, Option<Instant>) = app.db(|conn| {
        Ok((
            obligations::table
                .filter(obligations::state.eq("open"))
                .select(diesel::dsl::min(obligations::next_step_on))
                .first(conn)?,
            reminder_items::table
                .filter(reminder_items::state.eq("planned"))
                .order(reminder_items::send_at)
                .select(reminder_items::send_at)
                .first::<Option<Instant>>(conn)
                .optional()?
                .flatten(),
            messages::table
                .filter(messages::state.eq_any(["queued", "leased", "committing", "in_doubt"]))
                .order(messages::next_at)
                .select(messages::next_at)
                .first::<Option<Instant>>(conn)
                .optional()?
                .flatten(),
        ))
    });
    let step = step.map(|on| Instant::of_local(on, SENDING_MINUTE, Tokyo));
    [step, item, message].into_iter().flatten().min()
}

/// Ticks, and lets time pass to the next due instant, until nothing is due before `until`. What is overdue, because the
/// relay is down, is tried every ten minutes.
pub async fn drive(app: &TestApp, worker: &Worker, until: &str) {
    let until = crate::harness::tokyo(until);
    loop {
        worker.tick().await.unwrap();
        let Some(next) = next_event(app) else { break };
        let next = next.max(app.clock.now().plus_seconds(600));
        if next >= until {
            break;
        }
        app.clock.set(next);
    }
    app.clock.set(until);
}

/// Rows of (obligation, stage, recipient's address, state), in order of planning.
pub fn items(app: &TestApp) -> Vec<(String, String, String, String)> {
    app.db(|conn| {
        reminder_items::table
            .order((
                reminder_items::planned_on,
                reminder_items::obligation_id,
                reminder_items::address,
                reminder_items::stage,
            ))
            .select((
                reminder_items::obligation_id,
                reminder_items::stage,
                reminder_items::address,
                reminder_items::state,
            ))
            .load(conn)
    })
}

/// States of the messages, in order of forming.
pub fn states(app: &TestApp) -> Vec<String> {
    app.db(|conn| messages::table.order(messages::id).select(messages::state).load(conn))
}

/// A mail, read.
#[derive(Debug, Clone)]
pub struct Mail {
    pub to: String,
    pub message_id: String,
    pub text: String,
    pub bytes: Vec<u8>,
}

/// What the relay took, in order.
pub fn received(relay: &FakeSmtp) -> Vec<Mail> {
    relay
        .accepted()
        .into_iter()
        .map(|mail| {
            let raw = String::from_utf8(mail.data.clone()).unwrap();
            let (head, body) = raw.split_once("\r\n\r\n").unwrap();
            let message_id = head
                .lines()
                .find_map(|line| line.strip_prefix("Message-ID: "))
                .unwrap()
                .to_owned();
            let body = STANDARD.decode(body.replace("\r\n", "")).unwrap();
            Mail {
                to: mail.to.join(" "),
                message_id,
                text: String::from_utf8(body).unwrap(),
                bytes: mail.data,
            }
        })
        .collect()
}

/// Compares rows and relay: whatever happened, no mail is lost and none repeated without a recorded doubt.
/// Answers how many mails the relay took twice.
pub fn audit(app: &TestApp, relay: &FakeSmtp) -> usize {
    type Row = (String, String, i32, i32, Option<String>, Option<String>);
    let rows: Vec<Row> = app.db(|conn| {
        messages::table
            .select((
                messages::id,
                messages::state,
                messages::doubts,
                messages::resends,
                messages::rfc_message_id,
                messages::body_sha256,
            ))
            .load(conn)
    });
    let carried: Vec<(Option<String>, String, String)> = app.db(|conn| {
        reminder_items::table
            .inner_join(entries::table.on(reminder_items::entry_id.eq(entries::id.nullable())))
            .select((
                reminder_items::message_id,
                reminder_items::state,
                entries::control_number,
            ))
            .load(conn)
    });
    let mut numbers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (message, state, number) in &carried {
        match (state.as_str(), message) {
            ("sent" | "fixed", Some(message)) => {
                numbers.entry(message).or_default().insert(number);
            }
            ("sent" | "fixed", None) | ("planned", Some(_)) => panic!("{state} with {message:?}"),
            _ => {}
        }
    }
    let mut copies: BTreeMap<String, Vec<Mail>> = BTreeMap::new();
    for mail in received(relay) {
        copies.entry(mail.message_id.clone()).or_default().push(mail);
    }
    let mut twice = 0;
    for (id, state, doubts, resends, message_id, sha256) in &rows {
        let copies = message_id.as_ref().and_then(|id| copies.remove(id)).unwrap_or_default();
        if state == "accepted" {
            assert!(
                !copies.is_empty(),
                "{id} is called accepted, and the relay never took it"
            );
        }
        let most = 1 + usize::try_from(*resends.min(doubts)).unwrap();
        assert!(
            copies.len() <= most,
            "{id}: {} copies, {doubts} doubts, {resends} resends",
            copies.len()
        );
        twice += copies.len().saturating_sub(1);
        for copy in &copies {
            // The journal of the relay is without the dot's own line end.
            let hash = sha256_hex(&copy.bytes);
            assert_eq!(Some(hash), *sha256, "{id} was sent with other bytes than were fixed");
            if state == "accepted" {
                let named: BTreeSet<&str> = copy
                    .text
                    .match_indices("EN-2027-")
                    .map(|(at, _)| &copy.text[at..at + control_number(0).len()])
                    .collect();
                // A notice carries no items, and names none.
                let carried = numbers.get(id.as_str()).cloned().unwrap_or_default();
                assert_eq!(named, carried, "{id}");
            }
        }
    }
    assert!(
        copies.is_empty(),
        "the relay took mails that no row knows: {:?}",
        copies.keys()
    );
    let accepted = rows.iter().filter(|row| row.1 == "accepted").count();
    let recorded: i64 = app.db(|conn| {
        journal::table
            .filter(journal::action.eq("message.accepted"))
            .count()
            .get_result(conn)
    });
    assert_eq!(usize::try_from(recorded).unwrap(), accepted);
    app.app.db.read(|conn| verify(conn, seed::MOTOSU)).unwrap().unwrap();
    twice
}
