//! The trial: the five policies with an invented ledger, reminders as files, and the API on this machine.
//!
//! What is in the ledger stands in [`ledger`]; it is loaded once, relative to the day of the demo. Who may call it
//! stands in [`clients`]. Every start completes what an earlier one left and changes nothing twice. A demo tenant is
//! marked in its row and its mails only ever become files (`crate::work::dispatch` refuses anything else).

mod clients;
mod ledger;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;

use crate::app::App;
use crate::cli::{Options, Stop, block_on, connect, listen, serve};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::db::{Db, Url, migrate};
use crate::random::Random;
use crate::sessions;
use crate::work::{self, Worker};
use clients::Document;

/// `kakunin demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the demo lives; reused when it is there
    #[arg(long, env = "KAKUNIN_DEMO_DIR", default_value = "./kakunin-demo")]
    dir: PathBuf,
    /// Address and port to listen on
    #[arg(long, env = "KAKUNIN_DEMO_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The day that the demo takes for today
    #[arg(long, env = "KAKUNIN_DEMO_AS_OF")]
    as_of: Option<NaiveDate>,
}

impl Demo {
    pub(crate) fn run(&self, options: &Options) -> Result<(), Stop> {
        std::fs::create_dir_all(&self.dir)
            .map_err(|e| Stop(format!("the directory {} cannot be made: {e}", self.dir.display())))?;
        let url = Url::Sqlite(self.dir.join("kakunin.db").display().to_string());
        let _owner = Options::own(&url)?;
        let listener = listen(self.listen)?;
        let config = Config {
            public_url: format!("http://{}", listener.local_addr()?),
            webhooks: options.webhooks()?,
            openid: options.openid()?,
            limits: options.limits(),
            ..Config::in_dir(&self.dir)
        };
        let db = connect(&url, &config)?;
        migrate::run(&db)?;
        let clock = self.clock(&db)?;
        let app = App::new(db, clock, Random::system(), config)?;
        work::raise_high_water(&app)?;
        ledger::load(&app)?;
        let document = clients::provide(&app, &self.dir.join("demo.json"))?;
        block_on(async move {
            let ticked = Worker::new(app.clone())?.tick().await?;
            let sign_in = sessions::link_at_terminal(&app, &ledger::first_address(&app))?;
            introduce(&document, &self.dir, ticked.accepted, &sign_in)?;
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

fn introduce(document: &Document, dir: &Path, accepted: usize, sign_in: &str) -> Result<(), Stop> {
    let mails = std::fs::read_dir(dir.join("mail"))?.count();
    println!(
        "\n確認（Kakunin）のデモを始めました。データはすべて架空です。\n\
         Kakunin demo: five policies, invented data.\n\n  \
         pages    {sign_in} （10分間、1回限り / ten minutes, once）\n  \
         API      {base}\n  \
         docs     {docs}\n  \
         mails    {mail} （{accepted} new, {mails} in all）\n  \
         clients  {json}\n\n\
         Try / 次に試すこと:\n\n  \
         TOKEN=$(curl -s -u '{id}:{secret}' -d grant_type=client_credentials {token} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n  \
         curl -s -H \"Authorization: Bearer $TOKEN\" '{base}/api/v1/entries?sort=-residual_score&limit=3'\n\n\
         Ctrl+C で終了します。\n",
        base = document.base_url,
        docs = document.docs_url,
        mail = dir.join("mail").display(),
        json = dir.join("demo.json").display(),
        id = document.client_id,
        secret = document.client_secret,
        token = document.token_url,
    );
    Ok(())
}
