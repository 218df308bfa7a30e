//! The worker: plans mails from due obligations and hands them over, by rows alone. Nothing due lives in memory.
//!
//! [`plan`] makes items, [`dispatch`] forms one message per address and day and hands it over by the protocol of
//! intents ([`outbox`]), [`letter`] writes it. Each step is a reconciler: idempotent, without input, safe on several
//! nodes at once. The scheduler only wakes [`Worker::tick`]; removing or doubling a wake-up changes only when.

pub(crate) mod dispatch;
mod letter;
pub(crate) mod outbox;
pub(crate) mod plan;

use std::sync::Arc;

use diesel::prelude::*;
use tokio::sync::{Notify, watch};
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::app::{App, Tenant};
use crate::clock::Instant;
use crate::config::{Config, MailConfig};
use crate::db::schema::{clock_marks, local_governments};
use crate::db::{Db, on_each_backend};
use crate::http::error::ApiError;
use crate::keys;
use crate::mail::file::FileTransport;
use crate::mail::smtp::Relay;
use crate::mail::{Envelope, Outcome, Transport};

/// How far the clock may fall behind what was seen before mails are held back, in seconds.
const CLOCK_SLACK: i64 = 300;

/// Where a test can end the process; in production nothing is listening.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<dyn Fn(&'static str) -> bool + Send + Sync>>);

impl Faults {
    /// Asks at every point whether the process dies there.
    pub fn new(dies: impl Fn(&'static str) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(dies)))
    }

    pub(crate) fn at(&self, point: &'static str) -> Result<(), ApiError> {
        match &self.0 {
            Some(dies) if dies(point) => Err(ApiError::internal(format!("killed at {point}"))),
            _ => Ok(()),
        }
    }
}

/// What one tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Entries assessed again because time passed.
    pub reassessed: usize,
    /// Obligations whose next step was planned.
    pub planned: usize,
    /// Messages handed over.
    pub accepted: usize,
}

/// Plans and delivers.
#[derive(Clone)]
pub struct Worker {
    pub(crate) app: App,
    pub(crate) transport: Option<Transport>,
    pub(crate) node: String,
    pub(crate) faults: Faults,
}

impl Worker {
    /// A worker with the transport of the settings.
    ///
    /// # Errors
    /// A relay that cannot be used as it is set.
    pub fn new(app: App) -> Result<Self, ApiError> {
        let transport = transport(&app.config)?;
        let node = app.random.id(app.clock.now());
        Ok(Self {
            app,
            transport,
            node,
            faults: Faults::default(),
        })
    }

    /// The same with another transport and with fault points: tests.
    #[must_use]
    pub fn with(mut self, transport: Transport, faults: Faults) -> Self {
        self.transport = Some(transport);
        self.faults = faults;
        self
    }

    /// One round of everything, until nothing is due.
    ///
    /// # Errors
    /// A database failure; the next tick goes on where this one ended.
    pub async fn tick(&self) -> Result<Ticked, ApiError> {
        let app = self.app.clone();
        let (mut ticked, may_send) = blocking(move || {
            let may_send = raise_high_water(&app)?;
            let mut ticked = Ticked::default();
            for tenant in tenants(&app)? {
                ticked.reassessed += crate::entries::reassess_due(&app, &tenant)?;
                ticked.planned += plan::plan(&app, &tenant)?;
            }
            let now = app.clock.now();
            app.db
                .write(|conn| keys::maintain(conn, &app.keys.master, &app.random, now))?;
            Ok((ticked, may_send))
        })
        .await?;
        self.faults.at("planned")?;
        if may_send && let Some(transport) = &self.transport {
            ticked.accepted = dispatch::dispatch(self, transport).await?;
        }
        Ok(ticked)
    }

    /// Ticks when woken, until told to stop.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let wake = Arc::new(Notify::new());
        let scheduler = wake_every_half_minute(wake.clone()).await;
        if let Err(error) = &scheduler {
            tracing::error!(%error, "the scheduler does not run");
        }
        loop {
            if let Err(error) = self.tick().await {
                tracing::error!(%error, "a tick ended early; the next one goes on");
            }
            tokio::select! {
                () = wake.notified() => {}
                _ = stopped.changed() => break,
            }
        }
    }
}

async fn wake_every_half_minute(wake: Arc<Notify>) -> Result<JobScheduler, tokio_cron_scheduler::JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let job = Job::new("1/30 * * * * *", move |_, _| wake.notify_one())?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

/// Runs database work beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(f).await.map_err(ApiError::internal)?
}

/// The transport of the settings; `None`: messages wait.
///
/// # Errors
/// A relay that cannot be used as it is set.
pub fn transport(config: &Config) -> Result<Option<Transport>, ApiError> {
    Ok(match &config.mail {
        MailConfig::Unset => None,
        MailConfig::Files(dir) => {
            std::fs::create_dir_all(dir).map_err(ApiError::internal)?;
            Some(Transport::File(FileTransport { dir: dir.clone() }))
        }
        MailConfig::Smtp(smtp) => Some(Transport::Smtp(Relay::new(smtp.clone()).map_err(ApiError::internal)?)),
    })
}

/// Hands one message over outside the outbox: the test mail of `init`. Says in words how it ended.
pub(crate) async fn deliver(transport: &Transport, envelope: &Envelope, bytes: &[u8]) -> String {
    let outcome = match transport.open(envelope).await {
        Ok(session) => session.finish(bytes).await,
        Err(refusal) => refusal.into(),
    };
    match outcome {
        Outcome::Accepted { remote_ref } => format!("accepted ({remote_ref})"),
        Outcome::NotAccepted(refusal) => format!("not accepted at {}: {}", refusal.phase, refusal.text),
        Outcome::InDoubt { phase, text } => format!("in doubt at {phase}: {text}"),
    }
}

/// Every tenant of the installation.
pub(crate) fn tenants(app: &App) -> Result<Vec<Tenant>, ApiError> {
    let ids: Vec<String> = app.db.read(|conn| {
        Ok(local_governments::table
            .order(local_governments::id)
            .select(local_governments::id)
            .load(conn)?)
    })?;
    Ok(ids.iter().map(|id| Tenant::new(id)).collect())
}

/// The latest time that this database has seen.
///
/// # Errors
/// A database failure.
pub(crate) fn high_water(db: &Db) -> Result<Option<Instant>, ApiError> {
    db.read(|conn| {
        Ok(clock_marks::table
            .find(1)
            .select(clock_marks::high_water)
            .first(conn)
            .optional()?)
    })
}

/// Notes the time, which never goes back; a clock far behind must not mail anybody.
pub(crate) fn raise_high_water(app: &App) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let epoch = app.random.id(now);
    app.db.write(|conn| {
        let row = (
            clock_marks::one.eq(1),
            clock_marks::high_water.eq(now),
            clock_marks::db_epoch.eq(epoch),
        );
        on_each_backend!(&mut *conn, |c| diesel::insert_into(clock_marks::table)
            .values(row)
            .on_conflict(clock_marks::one)
            .do_nothing()
            .execute(c))?;
        let seen: Instant = clock_marks::table.find(1).select(clock_marks::high_water).first(conn)?;
        if now < seen.plus_seconds(-CLOCK_SLACK) {
            tracing::error!(%now, %seen, "the clock is behind what was seen; mails are held back");
            return Ok(false);
        }
        diesel::update(clock_marks::table.find(1))
            .filter(clock_marks::high_water.lt(now))
            .set(clock_marks::high_water.eq(now))
            .execute(conn)?;
        Ok(true)
    })
}
