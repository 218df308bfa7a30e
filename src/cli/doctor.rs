//! `doctor`: what works, what does not, and what to do about it. It changes nothing: without a database it makes none.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use chrono_tz::Tz;
use clap::Args;
use clap::builder::BoolishValueParser;
use diesel::prelude::*;

use super::serve::Operations;
use super::{Options, Stop, backup, connect, setup, start};
use crate::app::{App, Tenant};
use crate::clock::Clock;
use crate::config::{Config, MailConfig, MasterKeySource, OpenIdConfig};
use crate::db::schema::{local_governments, messages};
use crate::db::{Db, Url, migrate};
use crate::health;
use crate::mail::smtp::Relay;
use crate::people::holders;
use crate::sessions;
use crate::work::{self, quarantine, standing};

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

    const fn ended(&self) -> ExitCode {
        if self.well {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// How long a mail may wait before somebody should look: the relay has been away for a while.
const MAIL_WAITS: i64 = 60 * 60;
/// How old the last backup may be: a week, and a day for the machine that was off.
const BACKUP_DAYS: i64 = 8;

/// `kakunin doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    operations: Operations,
    /// Ask only the service at --metrics-listen whether it is ready: for a container's health check
    #[arg(
        long,
        env = "KAKUNIN_DOCTOR_ONLY_SERVICE",
        requires = "metrics_listen",
        value_parser = BoolishValueParser::new()
    )]
    only_service: bool,
}

impl Doctor {
    /// Ends with status 1 when anything is not well.
    pub(super) fn run(&self, options: &Options) -> Result<ExitCode, Stop> {
        match self.operations.address() {
            Some(address) if self.only_service => {
                let mut report = Report { well: true };
                report.say("service", running(address));
                Ok(report.ended())
            }
            address => run(options, address),
        }
    }
}

fn run(options: &Options, metrics: Option<SocketAddr>) -> Result<ExitCode, Stop> {
    let (url, config) = options.database()?;
    let mut report = Report { well: true };
    mail(&mut report, &config.mail);
    if let Some(setting) = &config.openid {
        openid(&mut report, setting, &config.public_url);
    }
    key_file(&mut report, &config);
    if let Some(address) = metrics {
        report.say("service", running(address));
    }
    if let Some(db) = database(&mut report, &url, &config) {
        if matches!(url, Url::Sqlite(_)) {
            backup_age(&mut report, &config);
        }
        match start(db, Clock::system(), config) {
            Ok(app) => {
                report.say("keys", Ok(format!("master key {}", app.keys.master.id())));
                clock(&mut report, &app)?;
                disk(&mut report, &app);
                reminders(&mut report, &app)?;
                tenants(&mut report, &app)?;
            }
            Err(stop) => report.say(
                "keys",
                Err(format!("{stop}; restore the master key that belongs to this database")),
            ),
        }
    }
    Ok(report.ended())
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

/// Whether the provider of sign-ins answers as it should.
fn openid(report: &mut Report, setting: &OpenIdConfig, public_url: &str) {
    let result = sessions::openid::examine(setting).map(|text| {
        format!(
            "{text}; redirect URI to register there: {}",
            sessions::openid::redirect_uri(public_url)
        )
    });
    report.say("openid", result);
}

fn clock(report: &mut Report, app: &App) -> Result<(), Stop> {
    let now = app.clock.now();
    let result = match work::high_water(&app.db)? {
        Some(mark) if now < mark.plus_seconds(-work::CLOCK_SLACK) => Err(format!(
            "{now} is before {mark}, which was seen already; set the clock of this machine"
        )),
        _ => Ok(now.to_string()),
    };
    report.say("clock", result);
    Ok(())
}

/// Whether others of this machine could read the master key.
#[cfg(unix)]
fn key_file(report: &mut Report, config: &Config) {
    use std::os::unix::fs::PermissionsExt;
    let path = match &config.master_key {
        MasterKeySource::File(path) => path.clone(),
        MasterKeySource::DataDir => config.data_dir.join("master.key"),
    };
    // One that is not there is said where it is needed, or made.
    let Ok(found) = std::fs::metadata(&path) else { return };
    let mode = found.permissions().mode() & 0o777;
    let others = mode & 0o077;
    let result = if others == 0 {
        Ok(format!("{} is its owner's alone", path.display()))
    } else {
        Err(format!(
            "{path} may be read by others (mode {mode:03o}); run `chmod 600 {path}`",
            path = path.display()
        ))
    };
    report.say("key file", result);
}

#[cfg(not(unix))]
fn key_file(_report: &mut Report, _config: &Config) {}

/// What the service that runs says of itself, on the listener for figures.
fn running(address: SocketAddr) -> Result<String, String> {
    let silent = |error: ureq::Error| {
        format!("nobody answers at {address} ({error}); is `kakunin serve --metrics-listen {address}` running?")
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent
        .get(format!("http://{address}/health/ready"))
        .call()
        .map_err(silent)?;
    if answer.status().is_success() {
        return Ok(format!("ready, and tells its figures at http://{address}/metrics"));
    }
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let code = problem.get("code").and_then(serde_json::Value::as_str);
    Err(format!(
        "the service at {address} is not ready: {}",
        code.unwrap_or("it does not say why")
    ))
}

fn backup_age(report: &mut Report, config: &Config) {
    let days = backup::last_backup(&config.data_dir)
        .map(|made| (Clock::system().now().unix_seconds() - made.unix_seconds()) / (24 * 60 * 60));
    let result = match days {
        Some(days) if days > BACKUP_DAYS => Err(format!(
            "the last one is {days} days old; run `kakunin backup FILE` every night"
        )),
        Some(days) => Ok(format!("the last one is {days} days old")),
        // Whoever copies disks or machines needs none of ours.
        None => Ok("`kakunin backup` has made none here; make sure that something else does".to_owned()),
    };
    report.say("backup", result);
}

fn disk(report: &mut Report, app: &App) {
    let Some(free) = health::free_bytes(&app.config.data_dir) else {
        return;
    };
    let text = format!(
        "{} MiB free for {}",
        free / (1024 * 1024),
        app.config.data_dir.display()
    );
    let result = if health::is_nearly_full(app) {
        Err(format!("{text}; make room, the service calls itself not ready"))
    } else {
        Ok(text)
    };
    report.say("disk", result);
}

/// Whether what is due is planned and what is planned leaves.
fn reminders(report: &mut Report, app: &App) -> Result<(), Stop> {
    if let Some(held) = app.db.read(quarantine::quarantine)? {
        let text = format!(
            "nothing is planned or sent since {} ({}); run `kakunin quarantine release`",
            held.since, held.reason
        );
        report.say("quarantine", Err(text));
        return Ok(());
    }
    let found = standing::of_all(app)?;
    let planner = if found.planner_lag > standing::LAG_LIMIT {
        Err(format!(
            "what is due has waited for {} minutes; is `kakunin serve` (or `work`) running? its log says what stops it",
            found.planner_lag / 60
        ))
    } else {
        Ok(format!("nothing waits longer than {} s", found.planner_lag))
    };
    report.say("planner", planner);
    let [waiting, in_doubt, dead] = ["queued", "in_doubt", "dead"].map(|state| found.messages_in(state));
    let text = format!("{waiting} wait, {in_doubt} in doubt, {dead} given up in 30 days");
    let outbox = if found.oldest_ready > MAIL_WAITS {
        Err(format!(
            "{text}; the oldest could have left {} minutes ago: see the check of the mail relay and GET /api/v1/messages",
            found.oldest_ready / 60
        ))
    } else {
        Ok(text)
    };
    report.say("outbox", outbox);
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
