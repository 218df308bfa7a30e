//! The commands. Each option is also a variable `KAKUNIN_…`; a secret can also come from a file (`…_FILE`).
//!
//! What a command does is in the file of its name; settings become a [`Config`] in [`options`]. A wrong option or a
//! mistyped URL ends the start with one sentence.

mod audit;
mod backup;
mod bounce;
mod doctor;
mod document;
mod export;
mod import;
mod options;
mod serve;
mod setup;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Url, file, migrate};

use crate::demo;
use crate::http::error::ApiError;
use crate::keys::{self, Rotation};
use crate::mail::templates;
use crate::random::Random;
use crate::sessions;
pub(crate) use options::Options;
pub(crate) use serve::{block_on, listen, serve};
pub(crate) use setup::{NewTenant, all_scopes, make_tenant};

/// 委託先・クラウド・SNSの台帳と再確認 / Register and re-verification of contractors, clouds and social media
#[derive(Debug, Parser)]
#[command(name = "kakunin", version, about)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the first local government of this installation, its organizations, first person and first client
    Init(setup::Setup),
    /// Local governments
    LocalGovernment {
        #[command(subcommand)]
        command: setup::LocalGovernmentCommand,
    },
    /// Serve the API, and the worker unless told otherwise
    Serve(serve::Serve),
    /// Plan and deliver reminders only (`PostgreSQL`)
    Work(serve::Work),
    /// Bring the database schema up to date
    Migrate,
    /// Try it with the five policies and invented data
    Demo(demo::Demo),
    /// Print the `OpenAPI` document
    Openapi(document::Openapi),
    /// API clients
    Client {
        #[command(subcommand)]
        command: setup::ClientCommand,
    },
    /// Copy the embedded database and the files to one archive, while the service runs; the master key is not in it
    Backup(backup::Backup),
    /// Bring a backup back; no mail leaves until the quarantine is released
    Restore(backup::Restore),
    /// Whether mails are held back after a restore, and their release
    Quarantine {
        #[command(subcommand)]
        command: backup::QuarantineCommand,
    },
    /// Write a register or a report to a file
    Export(export::Export),
    /// Write the journal of a local government to a file that an auditor can verify
    ExportAudit(audit::ExportAudit),
    /// Verify such a file, offline, with public keys that you trust
    VerifyAudit(audit::VerifyAudit),
    /// Verify a fiscal-year snapshot that was downloaded, offline, with public keys that you trust
    VerifySnapshot(audit::VerifySnapshot),
    /// Verify a signed gate check that was filed, offline, with public keys that you trust
    VerifyGate(audit::VerifyGate),
    /// Signing keys
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Check a file from Excel, or take it into the register
    Import(import::Import),
    /// Print a link to sign in with: for the first person, and when no mail arrives
    SignInLink {
        /// The person's mail address
        #[arg(long, env = "KAKUNIN_SIGN_IN_PERSON")]
        person: String,
    },
    /// Check database, keys, mail relay, clock, disk, reminders, backup and the running service, and say what to do
    Doctor(doctor::Doctor),
    /// Take a mail that came back, from standard input: for the mail system that receives at --bounce-address
    Bounce(bounce::Bounce),
    /// Mails
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Let the next signing key sign now; it must have been shown for 24 hours
    Rotate {
        /// Use it at once and retire every other key: their tokens are refused
        #[arg(long, env = "KAKUNIN_KEYS_EMERGENCY", value_parser = BoolishValueParser::new())]
        emergency: bool,
    },
}

#[derive(Debug, Subcommand)]
enum MailCommand {
    /// Print every template with sample data
    Preview {
        /// Only this one
        #[arg(env = "KAKUNIN_MAIL_TEMPLATE")]
        template: Option<String>,
    },
}

/// Why a command ended: one sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stop(pub String);

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self(match error {
            ApiError::Validation(errors) => {
                let texts: Vec<String> = errors
                    .iter()
                    .map(|error| format!("{}: {}", error.pointer, error.message_en))
                    .collect();
                texts.join("; ")
            }
            ApiError::Conflict { en, .. } => en,
            error => error.to_string(),
        })
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Reads the command line, runs the command, and says in one sentence what went wrong.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    arguments.options.log();
    match run(arguments) {
        Ok(code) => code,
        Err(stop) => {
            eprintln!("kakunin: {stop}");
            ExitCode::from(2)
        }
    }
}

/// Help and version are no mistakes; everything else is one sentence and status 2.
fn refuse(error: &clap::Error) -> ExitCode {
    let asked_for = [
        ErrorKind::DisplayHelp,
        ErrorKind::DisplayVersion,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    if asked_for.contains(&error.kind()) {
        let _ = error.print();
    } else {
        // What follows the first paragraph is usage.
        let text = error.render().to_string();
        let sentence = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = sentence.trim_start_matches("error:").split_whitespace().collect();
        eprintln!("kakunin: {}{}; see `kakunin --help`", words.join(" "), variable(error));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The variable of the option that was wrong: the value may have come from there.
fn variable(error: &clap::Error) -> String {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return String::new();
    };
    let mut command = Arguments::command();
    command.build();
    // Two commands may have an option of one name: it is the one that was called.
    std::env::args()
        .fold(&command, |at, word| at.find_subcommand(word).unwrap_or(at))
        .get_arguments()
        .find(|argument| argument.to_string() == *option)
        .and_then(|argument| argument.get_env()?.to_str())
        .map(|name| format!(" (also set by {name})"))
        .unwrap_or_default()
}

/// To standard output; a reader that has seen enough, as `head`, is no fault.
fn print(text: &str) -> Result<(), Stop> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Stop> {
    let options = arguments.options;
    match arguments.command {
        Command::Openapi(openapi) => openapi.run()?,
        Command::Mail {
            command: MailCommand::Preview { template },
        } => {
            let samples = templates::samples();
            if let Some(wanted) = &template
                && !samples.iter().any(|(name, _)| name == wanted)
            {
                let names: Vec<&str> = samples.iter().map(|(name, _)| *name).collect();
                return Err(Stop(format!("no template {wanted:?}; there are {}", names.join(", "))));
            }
            for (name, mail) in samples {
                if template.as_deref().is_some_and(|wanted| wanted != name) {
                    continue;
                }
                print(&format!("=== {name}\nSubject: {}\n\n{}\n\n", mail.subject, mail.body))?;
            }
        }
        Command::Demo(demo) => demo.run(&options)?,
        Command::Import(import) => return import.run(&open(&options)?),
        Command::Doctor(doctor) => return doctor.run(&options),
        Command::Bounce(bounce) => return bounce.run(&open(&options)?),
        Command::Migrate => {
            let (url, config) = options.database()?;
            let _owner = Options::own(&url)?;
            let ran = migrate::run(&connect(&url, &config)?)?;
            println!("{ran} migration(s) ran; the schema is up to date.");
        }
        Command::Serve(serve) => serve.run(&options)?,
        Command::Work(work) => work.run(&options)?,
        Command::Init(setup) => setup.run(&open(&options)?)?,
        Command::LocalGovernment { command } => command.run(&open(&options)?)?,
        Command::Client { command } => command.run(&open(&options)?)?,
        Command::Backup(backup) => backup.run(&options)?,
        Command::Restore(restore) => restore.run(&options)?,
        Command::Quarantine { command } => command.run(&open(&options)?)?,
        Command::Export(export) => export.run(&open(&options)?)?,
        Command::ExportAudit(export) => export.run(&open(&options)?)?,
        Command::VerifyAudit(verify) => verify.run()?,
        Command::VerifySnapshot(verify) => verify.run()?,
        Command::VerifyGate(verify) => verify.run()?,
        Command::SignInLink { person } => {
            let url = sessions::link_at_terminal(&open(&options)?, &person).map_err(|error| match error {
                ApiError::NotFound => Stop(format!("no active person has the address {person} alone")),
                error => error.into(),
            })?;
            println!("{url}\nIt works once, within ten minutes; open it on the device that is to be signed in.");
        }
        Command::Keys {
            command: KeysCommand::Rotate { emergency },
        } => {
            let app = open(&options)?;
            let now = app.clock.now();
            let done = app
                .db
                .write(|conn| keys::rotate(conn, &app.keys.master, &app.random, now, emergency))?;
            match done {
                Rotation::Done => println!("The next key signs now; replicas follow within a minute."),
                Rotation::TooEarly => {
                    return Err(Stop(
                        "the next key has not been shown for 24 hours yet; wait, or use --emergency".to_owned(),
                    ));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the application of a command that writes shortly; an embedded database that is new is made ready.
fn open(options: &Options) -> Result<App, Stop> {
    let (url, config) = options.database()?;
    let db = connect(&url, &config)?;
    match &url {
        Url::Sqlite(_) if migrate::pending(&db)? > 0 => {
            let _owner = Options::own(&url)?;
            migrate::run(&db)?;
        }
        _ => migrated(&db)?,
    }
    start(db, Clock::system(), config)
}

/// Opens the database, or says in one sentence why not.
pub(crate) fn connect(url: &Url, config: &Config) -> Result<Db, Stop> {
    if let Url::Sqlite(path) = url {
        file::check_at_start(Path::new(path)).map_err(|error| {
            Stop(format!(
                "the database {path} is damaged: {error}; keep a copy of it, and bring the last backup back with `kakunin restore FILE --replace`"
            ))
        })?;
    }
    Db::open(url, config.connections, config.database_wait).map_err(|error| {
        let cause = error.to_string();
        // PostgreSQL's own words have several lines.
        let words: Vec<&str> = cause.trim_start_matches("internal error:").split_whitespace().collect();
        Stop(format!(
            "the database cannot be opened: {}; check --database-url, and that its server runs or its directory is there",
            words.join(" ")
        ))
    })
}

/// Refuses a database whose schema is behind.
fn migrated(db: &Db) -> Result<(), Stop> {
    match migrate::pending(db)? {
        0 => Ok(()),
        pending => Err(Stop(format!(
            "{pending} migration(s) are missing; run `kakunin migrate` first"
        ))),
    }
}

/// The application over an opened, migrated database.
pub(crate) fn start(db: Db, clock: Clock, config: Config) -> Result<App, Stop> {
    Ok(App::new(db, clock, Random::system(), config)?)
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::Arguments;

    /// Options and arguments without a variable `KAKUNIN_…`, with the command they are of.
    fn without_variable(command: &Command, found: &mut Vec<String>) {
        for argument in command
            .get_arguments()
            .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        {
            let variable = argument.get_env().and_then(|name| name.to_str()).unwrap_or_default();
            if !variable.starts_with("KAKUNIN_") {
                found.push(format!("{} {}", command.get_name(), argument.get_id()));
            }
        }
        for inner in command.get_subcommands() {
            without_variable(inner, found);
        }
    }

    #[test]
    fn every_option_is_a_variable_too() {
        let mut found = vec![];
        without_variable(&Arguments::command(), &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}
