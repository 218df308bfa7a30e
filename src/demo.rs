//! The trial: the five policies with an invented ledger, reminders as files, and the API on this machine.
//!
//! What is in the ledger stands in [`ledger`]; it is loaded once, relative to the day of the demo. A demo tenant is
//! marked in its row and its mails only ever become files (`crate::work::dispatch` refuses anything else).

mod ledger;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::{Options, Stop, all_scopes, block_on, listen, serve};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::db::{Db, Url, migrate};
use crate::random::Random;
use crate::work::{self, Worker};

/// `kakunin demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the demo lives; reused when it is there
    #[arg(long, env = "KAKUNIN_DEMO_DIR", default_value = "./kakunin-demo")]
    dir: PathBuf,
    /// Address and port to listen on
    #[arg(long, env = "KAKUNIN_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The day that the demo takes for today
    #[arg(long)]
    as_of: Option<NaiveDate>,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<(), Stop> {
        std::fs::create_dir_all(&self.dir)
            .map_err(|e| Stop(format!("the directory {} cannot be made: {e}", self.dir.display())))?;
        let url = Url::Sqlite(self.dir.join("kakunin.db").display().to_string());
        let _owner = Options::own(&url)?;
        let listener = listen(self.listen)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let config = Config {
            public_url: base_url.clone(),
            ..Config::in_dir(&self.dir)
        };
        let db = Db::open(&url, config.connections)?;
        migrate::run(&db)?;
        let clock = self.clock(&db)?;
        let app = App::new(db, clock, Random::system(), config)?;
        work::raise_high_water(&app)?;
        let document = self.dir.join("demo.json");
        let made = ledger::load(&app, &all_scopes())?;
        let clients = if made.is_empty() {
            known_clients(&document)?
        } else {
            made
        };
        let described = describe(&base_url, clients);
        crate::keys::write_private(
            &document,
            &(serde_json::to_string_pretty(&described).map_err(|e| Stop(e.to_string()))? + "\n"),
        )?;
        block_on(async move {
            let ticked = Worker::new(app.clone())?.tick().await?;
            introduce(&described, &self.dir, ticked.accepted)?;
            serve(app, listener, true).await
        })
    }

    /// Starts at `--as-of` or now, never before what this demo has seen already, and runs on.
    fn clock(&self, db: &Db) -> Result<Clock, Stop> {
        let wanted = match self.as_of {
            // Nine in the morning, when an office opens.
            Some(on) => Instant::of_local(on, 9 * 60, chrono_tz::Asia::Tokyo),
            None => Clock::system().now(),
        };
        let seen = work::high_water(db)?;
        Ok(Clock::running_from(seen.map_or(wanted, |seen| seen.max(wanted))))
    }
}

/// The clients of a demo that was loaded before.
fn known_clients(document: &Path) -> Result<Vec<Value>, Stop> {
    let text = std::fs::read_to_string(document).map_err(|e| {
        Stop(format!(
            "{} is missing ({e}); remove the directory and start again",
            document.display()
        ))
    })?;
    let known: Value = serde_json::from_str(&text).map_err(|e| Stop(format!("{}: {e}", document.display())))?;
    Ok(known
        .get("clients")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

/// What a program needs to call the demo.
fn describe(base_url: &str, clients: Vec<Value>) -> Value {
    let first = clients.first().cloned().unwrap_or_default();
    let of_first = |name: &str| first.get(name).cloned().unwrap_or_default();
    json!({
        "base_url": base_url,
        "docs_url": format!("{base_url}/docs/"),
        "token_url": format!("{base_url}/oauth/token"),
        "client_id": of_first("client_id"),
        "client_secret": of_first("client_secret"),
        "organizations": of_first("organizations"),
        "clients": clients,
    })
}

fn introduce(described: &Value, dir: &Path, accepted: usize) -> Result<(), Stop> {
    let text = |name: &str| described.get(name).and_then(Value::as_str).unwrap_or_default();
    let mails = std::fs::read_dir(dir.join("mail"))?.count();
    println!(
        "\n確認（Kakunin）のデモを始めました。データはすべて架空です。\n\
         Kakunin demo: five policies, invented data.\n\n  \
         API      {base}\n  \
         docs     {docs}\n  \
         mails    {mail} （{accepted} new, {mails} in all）\n  \
         clients  {json}\n\n\
         Try / 次に試すこと:\n\n  \
         TOKEN=$(curl -s -u '{id}:{secret}' -d grant_type=client_credentials {token} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n  \
         curl -s -H \"Authorization: Bearer $TOKEN\" '{base}/api/v1/entries?sort=-residual_score&limit=3'\n\n\
         Ctrl+C で終了します。\n",
        base = text("base_url"),
        docs = text("docs_url"),
        mail = dir.join("mail").display(),
        json = dir.join("demo.json").display(),
        id = text("client_id"),
        secret = text("client_secret"),
        token = text("token_url"),
    );
    Ok(())
}
