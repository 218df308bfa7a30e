//! `bounce`: brings a mail that came back, from the mail system's pipe, to [`crate::work::bounces`].

use std::io::Read;
use std::process::ExitCode;

use clap::Args;

use super::Stop;
use crate::app::App;
use crate::mail::bounce::read;
use crate::work::bounces::{Taken, forget, take};

/// As much of a mail as is read: the report stands before what it returns.
const MOST: u64 = 1024 * 1024;
/// The mail system keeps the mail and tries again (`EX_TEMPFAIL` of sysexits.h).
const TRY_AGAIN: u8 = 75;

/// `kakunin bounce`.
#[derive(Debug, Args)]
pub(super) struct Bounce {
    /// The address at which the mail arrived, `bounces+…@…`; found in the mail without it
    #[arg(long, env = "KAKUNIN_BOUNCE_RECIPIENT")]
    recipient: Option<String>,
    /// Read no mail; let mails go again to this address, which had come back
    #[arg(long, env = "KAKUNIN_BOUNCE_FORGET", conflicts_with = "recipient")]
    forget: Option<String>,
}

impl Bounce {
    pub(super) fn run(&self, app: &App) -> Result<ExitCode, Stop> {
        if let Some(address) = &self.forget {
            if forget(app, address)? == 0 {
                return Err(Stop(format!("{address} was not given up: mails go there already")));
            }
            println!("Mails go to {address} again.");
            return Ok(ExitCode::SUCCESS);
        }
        let mut bytes = vec![];
        std::io::stdin().take(MOST).read_to_end(&mut bytes)?;
        let mail = String::from_utf8_lossy(&bytes);
        let report = read(&mail, self.recipient.as_deref(), app.config.bounce_address.as_ref());
        // Whatever is no report of ours is done with: a mail system that got an error would send a bounce of a bounce.
        match take(app, &report) {
            Ok(Taken::PassedOn(told)) => {
                println!("The mail is marked; what it carried went to {told} other contact(s).");
            }
            Ok(Taken::Before) => println!("This mail had come back before; nothing was changed."),
            Ok(Taken::Passing) => println!("The mail is still tried or has arrived; nothing was changed."),
            Ok(Taken::NoReport) => println!("This is no report of a delivery; nothing was changed."),
            Ok(Taken::Unknown) => println!("No mail of this installation is meant; nothing was changed."),
            Err(error) => {
                tracing::error!(%error, "a mail that came back could not be taken");
                return Ok(ExitCode::from(TRY_AGAIN));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
