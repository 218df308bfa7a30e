//! `doctor`: what works, what does not, and what to do about it. It changes nothing: without a database it makes none.

use std::path::Path;
use std::process::ExitCode;

use chrono_tz::Tz;
use diesel::prelude::*;

use super::{Options, Stop, connect, setup, start};
use crate::app::{App, Tenant};
use crate::clock::Clock;
use crate::config::{Config, MailConfig};
use crate::db::schema::{local_governments, messages};
use crate::db::{Db, Url, migrate};
use crate::mail::smtp::Relay;
use crate::people::holders;
use crate::work;

/// Prints one line per check and remembers whether all is well.
struct Report {
    well: bool,
}

impl Report {
    fn say(&mut self, name: &str, result: Result<String, String>) {
        self.well &= result.is_ok();
        match result {
            Ok(text) => println!("ok  {name}: {text}"),
            Err(text) => println!("NG  {name}: {text}"),
        }
    }
}

/// Ends with status 1 when anything is not well.
pub(super) fn run(options: &Options) -> Result<ExitCode, Stop> {
    let (url, config) = options.database()?;
    let mut report = Report { well: true };
    mail(&mut report, &config.mail);
    if let Some(db) = database(&mut report, &url, &config) {
        match start(db, Clock::system(), config) {
            Ok(app) => {
                report.say("keys", Ok(format!("master key {}", app.keys.master.id())));
                clock(&mut report, &app)?;
                tenants(&mut report, &app)?;
            }
            Err(stop) => report.say(
                "keys",
                Err(format!("{stop}; restore the master key that belongs to this database")),
            ),
        }
    }
    Ok(if report.well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The database, when it answers and its schema is up to date; the other checks read it.
fn database(report: &mut Report, url: &Url, config: &Config) -> Option<Db> {
    if let Url::Sqlite(path) = url
        && !Path::new(path).exists()
    {
        let text = format!("there is none at {path} yet; run `kakunin init --code … --profile …`");
        report.say("database", Err(text));
        return None;
    }
    let db = match connect(url, config) {
        Ok(db) => db,
        Err(stop) => {
            report.say("database", Err(stop.to_string()));
            return None;
        }
    };
    report.say("database", Ok("answers".to_owned()));
    let migrations = match migrate::pending(&db) {
        Ok(0) => Ok("up to date".to_owned()),
        Ok(n) => Err(format!("{n} missing; run `kakunin migrate`")),
        Err(error) => Err(error.to_string()),
    };
    let ready = migrations.is_ok();
    report.say("migrations", migrations);
    ready.then_some(db)
}

fn mail(report: &mut Report, mail: &MailConfig) {
    let result = match mail {
        MailConfig::Unset => Err("no relay is set; give --smtp-host, reminders wait until then".to_owned()),
        MailConfig::Files(dir) => Ok(format!("written to {}", dir.display())),
        MailConfig::Smtp(smtp) => {
            let name = format!("{}:{}", smtp.host, smtp.port);
            let greeting = Relay::new(smtp.clone()).map_err(|e| e.to_string()).and_then(|relay| {
                actix_web::rt::System::new()
                    .block_on(relay.greeting())
                    .map_err(|e| format!("{name} does not answer well: {}", e.text))
            });
            greeting.map(|greeting| format!("{name} greets: {}", greeting.banner))
        }
    };
    report.say("mail", result);
}

fn clock(report: &mut Report, app: &App) -> Result<(), Stop> {
    let now = app.clock.now();
    let result = match work::high_water(&app.db)? {
        Some(mark) if now < mark.plus_seconds(-300) => Err(format!(
            "{now} is before {mark}, which was seen already; set the clock of this machine"
        )),
        _ => Ok(now.to_string()),
    };
    report.say("clock", result);
    Ok(())
}

fn tenants(report: &mut Report, app: &App) -> Result<(), Stop> {
    let tenants: Vec<(String, String, String, String)> = app.db.read(|conn| {
        Ok(local_governments::table
            .order(local_governments::id)
            .select((
                local_governments::id,
                local_governments::code,
                local_governments::name,
                local_governments::time_zone,
            ))
            .load(conn)?)
    })?;
    if tenants.is_empty() {
        let text = "none; run `kakunin init --code … --profile …`".to_owned();
        report.say("local governments", Err(text));
    }
    for (id, code, name, zone) in tenants {
        let text = format!("{name} ({code}): {zone}");
        let known = zone.parse::<Tz>().is_ok();
        report.say(
            "time zone",
            if known {
                Ok(text)
            } else {
                Err(format!("{text} is unknown"))
            },
        );
        let tenant = Tenant::new(&id);
        for (organization, role) in app.read_as(&tenant, holders::unfilled_roles)? {
            let title = setup::role_title(role);
            report.say(
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
            report.say(
                "messages",
                Err(format!(
                    "{name}: {stuck} held, dead or in doubt; see GET /api/v1/messages"
                )),
            );
        }
    }
    Ok(())
}
