//! `doctor`: what works, what does not, and what to do about it.

use std::process::ExitCode;

use chrono_tz::Tz;
use diesel::prelude::*;

use super::{Options, Stop, setup, start};
use crate::app::Tenant;
use crate::clock::Clock;
use crate::config::MailConfig;
use crate::db::schema::{local_governments, messages};
use crate::db::{Db, migrate};
use crate::mail::smtp::Relay;
use crate::people::holders;
use crate::work;

/// Prints one line per check; anything that is not well ends with status 1.
pub(super) fn run(options: &Options) -> Result<ExitCode, Stop> {
    let mut well = true;
    let mut say = |name: &str, result: Result<String, String>| match result {
        Ok(text) => println!("ok  {name}: {text}"),
        Err(text) => {
            well = false;
            println!("NG  {name}: {text}");
        }
    };
    let (url, config) = options.database()?;
    let db = match Db::open(&url, 2) {
        Ok(db) => db,
        Err(error) => {
            say(
                "database",
                Err(format!("{error}; check --database-url and that the server runs")),
            );
            return Ok(ExitCode::FAILURE);
        }
    };
    say("database", Ok("answers".to_owned()));
    match migrate::pending(&db) {
        Ok(0) => say("migrations", Ok("up to date".to_owned())),
        Ok(n) => say("migrations", Err(format!("{n} missing; run `kakunin migrate`"))),
        Err(error) => say("migrations", Err(error.to_string())),
    }
    let clock = Clock::system();
    let app = match start(db, clock.clone(), config.clone()) {
        Ok(app) => app,
        Err(stop) => {
            say(
                "keys",
                Err(format!("{stop}; restore the master key that belongs to this database")),
            );
            return Ok(ExitCode::FAILURE);
        }
    };
    say("keys", Ok(format!("master key {}", app.keys.master.id())));
    match &config.mail {
        MailConfig::Unset => say(
            "mail",
            Err("no relay is set; give --smtp-host, reminders wait until then".to_owned()),
        ),
        MailConfig::Files(dir) => say("mail", Ok(format!("written to {}", dir.display()))),
        MailConfig::Smtp(smtp) => {
            let name = format!("{}:{}", smtp.host, smtp.port);
            let greeted = Relay::new(smtp.clone()).map_err(|e| e.to_string()).and_then(|relay| {
                actix_web::rt::System::new()
                    .block_on(relay.greeting())
                    .map_err(|e| format!("{name} does not answer well: {}", e.text))
            });
            say(
                "mail",
                greeted.map(|greeting| format!("{name} greets: {}", greeting.banner)),
            );
        }
    }
    let now = clock.now();
    match work::high_water(&app.db)? {
        Some(mark) if now < mark.plus_seconds(-300) => {
            say(
                "clock",
                Err(format!(
                    "{now} is before {mark}, which was seen already; set the clock of this machine"
                )),
            );
        }
        _ => say("clock", Ok(now.to_string())),
    }
    let tenants: Vec<(String, String, String)> = app.db.read(|conn| {
        Ok(local_governments::table
            .order(local_governments::id)
            .select((
                local_governments::id,
                local_governments::name,
                local_governments::time_zone,
            ))
            .load(conn)?)
    })?;
    if tenants.is_empty() {
        say(
            "local governments",
            Err("none; run `kakunin init --code … --profile …`".to_owned()),
        );
    }
    for (id, name, zone) in tenants {
        let known = zone.parse::<Tz>().is_ok();
        say(
            "time zone",
            if known {
                Ok(format!("{name}: {zone}"))
            } else {
                Err(format!("{name}: {zone} is unknown"))
            },
        );
        let tenant = Tenant::new(&id);
        for (organization, role) in app.read_as(&tenant, holders::unfilled_roles)? {
            let title = setup::role_title(role);
            say(
                "roles",
                Err(format!(
                    "{organization}: nobody is {title}; mails go one level up (PATCH /people)"
                )),
            );
        }
        let stuck: i64 = app.read_as(&tenant, |scope| {
            Ok(messages::table
                .filter(messages::local_government_id.eq(&scope.lg))
                .filter(messages::state.eq_any(["held", "dead", "in_doubt"]))
                .count()
                .get_result(scope.conn)?)
        })?;
        if stuck > 0 {
            say(
                "messages",
                Err(format!(
                    "{name}: {stuck} held, dead or in doubt; see GET /api/v1/messages"
                )),
            );
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
