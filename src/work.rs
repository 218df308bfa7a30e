//! The worker: reconcilers without input that plan, deliver and tidy up, from rows and never from memory.
//!
//! People move first ([`ownership_transfers`], [`departments`]), then [`plan`] turns due steps into items, [`dispatch`]
//! turns items into mails, [`prune`] erases what need not be kept, and entries whose risk time has changed are assessed
//! again. A tick that comes late, twice or on several replicas changes nothing but the hour (design §6); so the
//! scheduler only wakes the worker, and a wake-up that never comes is replaced. A database that has gone back in time
//! sends nothing ([`quarantine`]). Events go to the receivers of webhooks by a loop of their own
//! ([`crate::webhooks::queue`]): one that is slow delays no mail.
//! Where a crash may happen: [`Faults`].

pub mod bounces;
pub(crate) mod contents;
mod dispatch;
mod faults;
mod finish;
mod intent;
pub(crate) mod matters;
pub(crate) mod notice;
mod outbox;
pub(crate) mod plan;
mod prune;
pub mod quarantine;
pub(crate) mod recipients;
pub(crate) mod redrive;
pub(crate) mod standing;
mod wakes;
mod weekly;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use diesel::prelude::*;
use futures_util::stream::{self, StreamExt};
use tokio::sync::{Notify, watch};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::app::{App, Tenant};
use crate::clock::Instant;
use crate::config::{Config, MailConfig};
use crate::db::schema::{clock_marks, local_governments};
use crate::db::{Conn, Db, on_each_backend};
use crate::files::store;
use crate::http::error::ApiError;
use crate::journal::checkpoint;
use crate::keys;
use crate::mail::file::FileTransport;
use crate::mail::smtp::Relay;
use crate::mail::{Envelope, Outcome, Transport};
use crate::webhooks::{self, Poster};
use crate::{
    departments, entries, exports, fiscal_year_snapshots, gate_checks, imports, ownership_transfers, policies,
    self_inspections, sessions,
};
pub use faults::Faults;
use faults::is_kill;
use finish::Finished;
use outbox::Sender;
pub use wakes::Wakes;

/// How often the scheduler wakes the worker.
const WAKE: Duration = Duration::from_secs(30);
/// When the worker wakes by itself, should the scheduler have fallen silent.
const OVERSLEPT: Duration = Duration::from_mins(5);
/// How often files without a record are looked for.
const SWEEP_SECONDS: i64 = 24 * 60 * 60;
/// Mails that are handed over at a time.
const LANES: usize = 4;
/// Receivers of webhooks that are sent to at a time.
const RECEIVERS: usize = 4;
/// Events that one receiver is sent in a row, before the others have their turn again.
const MOST_EVENTS: usize = 100;
/// How far the clock may fall behind what was seen before mails are held back, in seconds.
pub(crate) const CLOCK_SLACK: i64 = 300;

/// Plans and delivers for all local governments. Any number of replicas may run on `PostgreSQL`.
#[derive(Debug)]
pub struct Worker {
    app: App,
    transport: Option<Transport>,
    /// Made when something is to be sent: reading the system's certificates takes a while.
    poster: OnceLock<Poster>,
    node: String,
    lanes: usize,
    faults: Faults,
    pace: dispatch::Pace,
    stopping: Arc<AtomicBool>,
    /// What the clock and the time that passes showed at the last look.
    seen_clock: Mutex<Option<(Instant, Monotonic)>>,
    /// When files without a record were last looked for, in seconds; a restart looks again.
    swept_at: AtomicI64,
    /// What was seen in the watched folder; a restart looks twice again.
    seen: Arc<imports::folder::Seen>,
}

/// The parts of a tick that do not wait for each other.
#[derive(Debug, Clone, Copy)]
enum Part {
    Mails,
    Files,
    Events,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Mails => "mails",
            Self::Files => "files",
            Self::Events => "events",
        }
    }
}

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Hand-overs and reorganisations whose day came, and posts and people that were looked at.
    pub settled: usize,
    /// Items that were planned or recorded as superseded.
    pub planned: usize,
    /// Weekly summaries that were written.
    pub summarised: usize,
    /// Messages that the relay took.
    pub accepted: usize,
    /// Messages that may have been taken.
    pub in_doubt: usize,
    /// Messages that were refused and wait.
    pub queued: usize,
    /// Messages that were given up.
    pub dead: usize,
    /// Entries that were assessed again.
    pub reassessed: usize,
    /// Messages whose bytes were erased.
    pub pruned: usize,
    /// Answers, kept for requests sent again, whose time was over.
    pub forgotten: usize,
    /// Files without a record that were removed.
    pub swept: usize,
    /// Checkpoints of the journal that were signed.
    pub checkpoints: usize,
    /// Entries that were frozen in a snapshot.
    pub frozen: usize,
    /// Decisions of the gate that are others than before.
    pub changed_decisions: usize,
    /// Events that were queued for the receivers of webhooks.
    pub events_queued: usize,
    /// Events that their receivers took.
    pub events_delivered: usize,
    /// Exports that ended, and those that were removed.
    pub exported: usize,
    /// Rows and steps of imports, and files of the watched folder.
    pub imported: usize,
}

impl Ticked {
    fn add(&mut self, other: Self) {
        self.settled += other.settled;
        self.planned += other.planned;
        self.summarised += other.summarised;
        self.accepted += other.accepted;
        self.in_doubt += other.in_doubt;
        self.queued += other.queued;
        self.dead += other.dead;
        self.reassessed += other.reassessed;
        self.pruned += other.pruned;
        self.forgotten += other.forgotten;
        self.swept += other.swept;
        self.checkpoints += other.checkpoints;
        self.frozen += other.frozen;
        self.changed_decisions += other.changed_decisions;
        self.events_queued += other.events_queued;
        self.events_delivered += other.events_delivered;
        self.exported += other.exported;
        self.imported += other.imported;
    }

    fn count(&mut self, finished: Option<Finished>) {
        match finished {
            Some(Finished::Accepted) => self.accepted += 1,
            Some(Finished::InDoubt) => self.in_doubt += 1,
            Some(Finished::Queued) => self.queued += 1,
            Some(Finished::Dead) => self.dead += 1,
            Some(Finished::Lost) | None => {}
        }
    }
}

impl Worker {
    /// A worker that sends as the settings say.
    ///
    /// # Errors
    /// A relay that cannot be used as it is set.
    pub fn new(app: App) -> Result<Self, ApiError> {
        Ok(Self {
            transport: transport(&app.config)?,
            poster: OnceLock::new(),
            node: app.random.id(app.clock.now()),
            app,
            lanes: LANES,
            faults: Faults::default(),
            pace: dispatch::Pace::default(),
            stopping: Arc::default(),
            seen_clock: Mutex::default(),
            swept_at: AtomicI64::new(i64::MIN),
            seen: Arc::default(),
        })
    }

    /// The same with another transport and with fault points: tests.
    #[must_use]
    pub fn with(mut self, transport: Transport, faults: Faults) -> Self {
        self.transport = Some(transport);
        self.faults = faults;
        self
    }

    /// The same, handing over so many mails at a time.
    #[must_use]
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes;
        self
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Does everything that is due now, in every local government. Trouble in one does not stop the others.
    ///
    /// # Errors
    /// The first failure; what was finished stays, and the next tick goes on from there.
    pub async fn tick(&self) -> Result<Ticked, ApiError> {
        let mut total = Ticked::default();
        if let Some(senders) = self.senders().await? {
            for part in [Part::Mails, Part::Files, Part::Events] {
                total.add(self.do_part(part, &senders).await?);
            }
        }
        Ok(total)
    }

    async fn do_part(&self, part: Part, senders: &[Sender]) -> Result<Ticked, ApiError> {
        let done = match part {
            Part::Mails => self.plan_and_mail(senders).await,
            Part::Files => self.move_files(senders).await,
            Part::Events => self.send_events(senders).await,
        };
        self.app.metrics.tick(part.name(), done.is_ok());
        done
    }

    /// Counts when the clock went another way than the time that passed since the last look: set by hand, a machine
    /// that slept, a wrong server of the time.
    fn watch_clock(&self) {
        let (now, passing) = (self.app.clock.now(), Monotonic::now());
        let mut seen = self.seen_clock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, since)) = seen.replace((now, passing)) {
            let passed = i64::try_from(passing.saturating_duration_since(since).as_secs()).unwrap_or(i64::MAX);
            let jump = now.unix_seconds() - then.unix_seconds() - passed;
            if jump.abs() > CLOCK_SLACK {
                tracing::warn!(jump_seconds = jump, "the clock of this machine has jumped");
                self.app.metrics.clock_jump();
            }
        }
    }

    /// Everything but files of many rows and webhooks, whose receivers may be slow.
    async fn plan_and_mail(&self, senders: &[Sender]) -> Result<Ticked, ApiError> {
        let (mut total, mut failed) = (Ticked::default(), None);
        for sender in senders {
            match self.tick_of(sender).await {
                Ok(ticked) => total.add(ticked),
                Err(error) if is_kill(&error) => return Err(error),
                Err(error) => {
                    tracing::error!(%error, local_government_id = sender.id, "a tick broke off");
                    failed.get_or_insert(error);
                }
            }
        }
        match self.sweep().await {
            Ok(swept) => total.swept += swept,
            Err(error) => {
                tracing::error!(%error, "files without a record were not looked for");
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(total), Err)
    }

    /// Queues what happened for the receivers of webhooks and sends what is due, to several receivers at a time.
    async fn send_events(&self, senders: &[Sender]) -> Result<Ticked, ApiError> {
        let mut total = Ticked::default();
        for sender in senders {
            let tenant = Tenant::new(&sender.id);
            let (app, of) = (self.app.clone(), tenant.clone());
            let (queued, endpoints) = blocking(move || {
                webhooks::queue::prune(&app, &of)?;
                Ok((
                    webhooks::queue::fill(&app, &of)?,
                    webhooks::queue::due_endpoints(&app, &of)?,
                ))
            })
            .await?;
            total.events_queued += queued;
            let lanes = stream::iter(endpoints).map(|endpoint_id| self.send_to(tenant.clone(), endpoint_id));
            let done: Vec<Result<usize, ApiError>> = lanes.buffer_unordered(RECEIVERS).collect().await;
            for delivered in done {
                total.events_delivered += delivered?;
            }
        }
        Ok(total)
    }

    fn poster(&self) -> Result<Poster, ApiError> {
        if let Some(poster) = self.poster.get() {
            return Ok(poster.clone());
        }
        let made = Poster::new(&self.app.config.webhooks)?;
        Ok(self.poster.get_or_init(|| made).clone())
    }

    /// Sends what is due for one receiver, one event after another; answers how many it took.
    async fn send_to(&self, tenant: Tenant, endpoint_id: String) -> Result<usize, ApiError> {
        let mut delivered = 0;
        for _ in 0..MOST_EVENTS {
            if self.is_stopping() {
                break;
            }
            let (app, of, endpoint_id) = (self.app.clone(), tenant.clone(), endpoint_id.clone());
            let poster = self.poster()?;
            let taken = blocking(move || {
                let Some(claimed) = webhooks::queue::claim(&app, &of, &endpoint_id)? else {
                    return Ok(None);
                };
                let sent = poster.post(&claimed)?;
                webhooks::queue::finish(&app, &of, &claimed, &sent).map(Some)
            })
            .await?;
            match taken {
                Some(taken) => delivered += usize::from(taken),
                None => break,
            }
        }
        Ok(delivered)
    }

    /// Removes files that no record names, once a day.
    async fn sweep(&self) -> Result<usize, ApiError> {
        let now = self.app.clock.now().unix_seconds();
        if now.saturating_sub(self.swept_at.load(Ordering::SeqCst)) < SWEEP_SECONDS {
            return Ok(0);
        }
        self.swept_at.store(now, Ordering::SeqCst);
        let app = self.app.clone();
        blocking(move || store::sweep(&app)).await
    }

    async fn tick_of(&self, sender: &Sender) -> Result<Ticked, ApiError> {
        let tenant = Tenant::new(&sender.id);
        let mut ticked = {
            let (app, tenant, faults) = (self.app.clone(), tenant.clone(), self.faults.clone());
            blocking(move || {
                self_inspections::open_due(&app, &tenant)?;
                Ok(Ticked {
                    settled: ownership_transfers::settle(&app, &tenant)? + departments::settle(&app, &tenant)?,
                    reassessed: entries::reassess_due(&app, &tenant)? + policies::reassess(&app, &tenant)?,
                    changed_decisions: gate_checks::go_on(&app, &tenant)?,
                    planned: plan::plan(&app, &tenant, &faults)?,
                    summarised: weekly::write(&app, &tenant)?,
                    pruned: prune::prune(&app, &tenant)?,
                    forgotten: prune::forget_answers(&app, &tenant)?
                        + imports::forget(&app, &tenant)?
                        + sessions::forget(&app, &tenant)?,
                    checkpoints: checkpoint::close_days(&app, &tenant)?,
                    frozen: fiscal_year_snapshots::go_on(&app, &tenant)?,
                    ..Ticked::default()
                })
            })
            .await?
        };
        let per_minute = usize::try_from(sender.mails_per_minute).unwrap_or_default();
        ticked.add(self.dispatch(&tenant, per_minute).await?);
        Ok(ticked)
    }

    /// Takes imports on, step by step, and makes the files that wait.
    async fn move_files(&self, senders: &[Sender]) -> Result<Ticked, ApiError> {
        let mut total = Ticked::default();
        for sender in senders {
            let (app, stopping, seen) = (self.app.clone(), self.stopping.clone(), self.seen.clone());
            let tenant = Tenant::new(&sender.id);
            let done = blocking(move || {
                let is_stopping = || stopping.load(Ordering::SeqCst);
                Ok(Ticked {
                    imported: imports::folder::look(&app, &tenant, &seen)?
                        + imports::go_on(&app, &tenant, &is_stopping)?,
                    exported: exports::go_on(&app, &tenant, &is_stopping)? + exports::prune(&app, &tenant)?,
                    ..Ticked::default()
                })
            });
            total.add(done.await?);
        }
        Ok(total)
    }

    /// Delivers what is due now, without planning anything new.
    ///
    /// # Errors
    /// As [`Worker::tick`], but at the first failure.
    pub async fn deliver_until_idle(&self) -> Result<Ticked, ApiError> {
        let mut total = Ticked::default();
        for sender in self.senders().await?.unwrap_or_default() {
            let per_minute = usize::try_from(sender.mails_per_minute).unwrap_or_default();
            total.add(self.dispatch(&Tenant::new(&sender.id), per_minute).await?);
        }
        Ok(total)
    }

    /// The local governments, unless the clock cannot be right.
    async fn senders(&self) -> Result<Option<Vec<Sender>>, ApiError> {
        self.watch_clock();
        let app = self.app.clone();
        blocking(move || {
            if !raise_high_water(&app)? || !quarantine::is_clear(&app)? {
                return Ok(None);
            }
            let now = app.clock.now();
            app.db
                .write(|conn| keys::maintain(conn, &app.keys.master, &app.random, now))?;
            app.db.read(|conn| {
                let rows = local_governments::table
                    .order(local_governments::id)
                    .select(Sender::as_select());
                Ok(Some(rows.load(conn)?))
            })
        })
        .await
    }

    /// Ticks when woken, until told to stop; the delivery that is under way is finished first.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        if self.transport.is_none() {
            tracing::warn!("no mail relay is set: reminders are planned and wait");
        }
        let wakes = &self.app.wakes;
        let scheduler = wake_every_half_minute(wakes.clone()).await;
        if let Err(error) = &scheduler {
            tracing::error!(%error, "the scheduler does not run; the worker wakes by itself");
        }
        tokio::join!(
            self.again_and_again(stop.clone(), &wakes.mails, Part::Mails),
            self.again_and_again(stop.clone(), &wakes.files, Part::Files),
            self.again_and_again(stop, &wakes.events, Part::Events),
        );
    }

    /// Does it whenever it is woken, until told to stop; what is under way is finished first.
    async fn again_and_again(&self, mut stop: watch::Receiver<bool>, wake: &Notify, part: Part) {
        loop {
            let ended = {
                let tick = async {
                    match self.senders().await? {
                        Some(senders) => self.do_part(part, &senders).await,
                        None => Ok(Ticked::default()),
                    }
                };
                tokio::pin!(tick);
                let (done, ended) = tokio::select! {
                    done = &mut tick => (done, false),
                    () = told(&mut stop) => {
                        self.stopping.store(true, Ordering::SeqCst);
                        (tick.await, true)
                    }
                };
                match done {
                    Ok(ticked) if ticked == Ticked::default() => {}
                    Ok(ticked) => {
                        tracing::info!(?ticked, "tick");
                        // Rows of an import may be left.
                        if ticked.imported > 0 {
                            wake.notify_one();
                        }
                    }
                    Err(error) => tracing::error!(%error, "a tick ended early; the next one goes on"),
                }
                ended
            };
            if ended {
                return;
            }
            tokio::select! {
                () = told(&mut stop) => return,
                () = wake.notified() => {}
                () = tokio::time::sleep(OVERSLEPT) => {}
            }
        }
    }
}

async fn wake_every_half_minute(wakes: Wakes) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    scheduler.add(Job::new_repeated(WAKE, move |_, _| wakes.all())?).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

/// Returns when the signal says stop, or nobody can say so any more.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Runs database work where it may block. It is not cancelled with its caller, so a transaction always ends.
async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T, ApiError> + Send + 'static) -> Result<T, ApiError> {
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

/// Makes sure that the row of marks is there, with a name for the database.
pub(crate) fn ensure_marks(conn: &mut Conn, now: Instant, epoch: &str) -> Result<(), ApiError> {
    let row = (
        clock_marks::one.eq(1),
        clock_marks::high_water.eq(now),
        clock_marks::db_epoch.eq(epoch),
    );
    on_each_backend!(conn, |c| diesel::insert_into(clock_marks::table)
        .values(row)
        .on_conflict(clock_marks::one)
        .do_nothing()
        .execute(c))?;
    Ok(())
}

/// Notes the time, which never goes back; a clock far behind must not mail anybody.
pub(crate) fn raise_high_water(app: &App) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let epoch = app.random.id(now);
    app.db.write(|conn| {
        ensure_marks(conn, now, &epoch)?;
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
