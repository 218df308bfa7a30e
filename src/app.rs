//! What a handler, a worker and a command can reach, and the two ways they reach the database.
//!
//! [`Scope`] is a read or write within one local government; only the caller extractor, the worker and the commands
//! can build the [`Tenant`] it needs. A write collects its journal entries, which are appended as its last act.

use std::cell::Cell;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::Value;

use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::db::{self, Conn, Db, schema::local_governments};
use crate::domain::assurance::AssuranceSchemes;
use crate::domain::calendar::{Calendar, ClosedDay};
use crate::domain::catalogue::Catalogue;
use crate::domain::profile::{self, Profile};
use crate::domain::risk::RiskPolicy;
use crate::http::error::ApiError;
use crate::http::limits::Limits;
use crate::journal::{self, Actor, Record};
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::policies::Merged;
use crate::random::Random;
use crate::work::Wakes;

/// Everything that outlives a request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// The settings.
    pub config: Config,
    /// Master key, signing keys, and what they protect.
    pub keys: Keys,
    /// How many requests are answered.
    pub limits: Limits,
    /// Wakes the worker of this process.
    pub wakes: Wakes,
    /// What this process has counted.
    pub metrics: Metrics,
    /// The clause catalogue of the build; what holds for an organization is [`Scope::catalogue_of`].
    pub catalogue: Catalogue,
    /// The assurance schemes.
    pub assurance: AssuranceSchemes,
    /// The catalogues of the organizations' policy versions.
    pub(crate) merged: Merged,
    /// The risk policy.
    pub risk_policy: RiskPolicy,
    /// The policy profiles.
    pub profiles: Vec<Profile>,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Loads the data files and the keys of an opened, migrated database.
    ///
    /// # Errors
    /// A data file that does not hold together, or keys that the master key does not open.
    pub fn new(db: Db, clock: Clock, random: Random, config: Config) -> Result<Self, ApiError> {
        let keys = Keys::load(&db, &config, &clock, &random)?;
        Ok(Self(Arc::new(Parts {
            limits: Limits::new(&config.limits, &clock),
            keys,
            wakes: Wakes::default(),
            metrics: Metrics::default(),
            catalogue: Catalogue::embedded().map_err(ApiError::internal)?,
            assurance: AssuranceSchemes::embedded().map_err(ApiError::internal)?,
            merged: Merged::default(),
            risk_policy: RiskPolicy::embedded().map_err(ApiError::internal)?,
            profiles: profile::all().map_err(ApiError::internal)?,
            db,
            clock,
            random,
            config,
        })))
    }

    /// The profile of this key; every organization's key was checked when it was written.
    ///
    /// # Errors
    /// A key that no profile has.
    pub fn profile(&self, key: &str) -> Result<&Profile, ApiError> {
        profile::find(&self.profiles, key).ok_or_else(|| ApiError::internal(format!("no profile {key:?}")))
    }

    /// The business days of an organization that is closed on these days too.
    pub fn calendar(&self, closed: &[ClosedDay]) -> Calendar {
        Calendar::new(closed).with_overrides(self.config.holidays.iter().cloned())
    }

    /// Reads within a tenant, on the current thread.
    ///
    /// # Errors
    /// What `f` answers, or a database failure.
    pub fn read_as<T>(
        &self,
        tenant: &Tenant,
        f: impl FnOnce(&mut Scope<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.db
            .read(|conn| f(&mut Scope::begin(self, conn, tenant, Actor::system())?))
    }

    /// Writes within a tenant, on the current thread; appends the journal entries before the commit.
    ///
    /// # Errors
    /// What `f` answers, or a database failure; then nothing was written.
    pub fn write_as<T>(
        &self,
        tenant: &Tenant,
        actor: Actor,
        f: impl FnOnce(&mut Scope<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let posted = Cell::new(false);
        let value = self.db.write(|conn| {
            self.write_in(conn, tenant, actor, |scope| {
                let value = f(scope)?;
                posted.set(scope.has_posted);
                Ok(value)
            })
        })?;
        if posted.get() {
            self.wakes.mails.notify_one();
        }
        Ok(value)
    }

    /// Does all that [`App::write_as`] does, journal included, and takes it back.
    ///
    /// # Errors
    /// As [`App::write_as`].
    pub fn rehearse_as<T>(
        &self,
        tenant: &Tenant,
        actor: Actor,
        f: impl FnOnce(&mut Scope<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.db.rehearse(|conn| self.write_in(conn, tenant, actor, f))
    }

    /// The same in a transaction that has begun already: a tenant is made together with what it holds.
    ///
    /// # Errors
    /// What `f` answers, or a database failure; then the transaction must not be committed.
    pub(crate) fn write_in<T>(
        &self,
        conn: &mut Conn,
        tenant: &Tenant,
        actor: Actor,
        f: impl FnOnce(&mut Scope<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut scope = Scope::begin(self, conn, tenant, actor)?;
        let value = f(&mut scope)?;
        journal::append(&mut scope)?;
        Ok(value)
    }
}

/// The local government that a request, a worker's step or a command may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    local_government_id: String,
}

impl Tenant {
    /// For the caller extractor, the link of a calendar, the worker and the commands; nobody else has a reason to name a
    /// tenant.
    pub(crate) fn new(local_government_id: &str) -> Self {
        Self {
            local_government_id: local_government_id.to_owned(),
        }
    }

    /// The id that every query filters by.
    pub fn id(&self) -> &str {
        &self.local_government_id
    }
}

/// One transaction within one tenant.
pub struct Scope<'c> {
    /// The application.
    pub app: &'c App,
    /// The connection, inside its transaction.
    pub conn: &'c mut Conn,
    /// The tenant's id, for the filter of every query.
    pub lg: String,
    /// One reading of the clock for the whole transaction.
    pub at: Instant,
    /// The civil date there and then.
    pub today: NaiveDate,
    /// The tenant's time zone.
    pub zone: Tz,
    /// Who acts.
    pub actor: Actor,
    pub(crate) records: Vec<Record>,
    /// A mail was queued that somebody waits for.
    pub(crate) has_posted: bool,
}

impl<'c> Scope<'c> {
    fn begin(app: &'c App, conn: &'c mut Conn, tenant: &Tenant, actor: Actor) -> Result<Self, ApiError> {
        let zone: String = local_governments::table
            .find(tenant.id())
            .select(local_governments::time_zone)
            .first(conn)
            .optional()?
            .ok_or(ApiError::InvalidToken("the local government is gone"))?;
        let zone: Tz = zone
            .parse()
            .map_err(|_| ApiError::internal(format!("unknown time zone {zone:?}")))?;
        let at = app.clock.now();
        Ok(Self {
            app,
            conn,
            lg: tenant.id().to_owned(),
            at,
            today: at.date_in(zone),
            zone,
            actor,
            records: vec![],
            has_posted: false,
        })
    }

    /// Asks the rules about a day to come; afterwards it is today again. Nothing is written meanwhile: what is written
    /// bears today's date.
    ///
    /// # Errors
    /// What `ask` answers.
    pub(crate) fn ahead<T>(
        &mut self,
        on: NaiveDate,
        ask: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let today = std::mem::replace(&mut self.today, on);
        let answered = ask(self);
        self.today = today;
        answered
    }

    /// A new id.
    pub fn new_id(&self) -> String {
        self.app.random.id(self.at)
    }

    /// Who acts, as `created_by` and `updated_by` name it: `person:…`, `client:…` or `system`.
    pub fn by(&self) -> String {
        self.actor.name()
    }

    /// Tries a part of the transaction: when it fails, what it wrote and noted is taken back, and the rest goes on.
    ///
    /// # Errors
    /// What `f` answers, or a database failure.
    pub(crate) fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let noted = self.records.len();
        db::begin_part(self.conn)?;
        let answered = f(self);
        if answered.is_err() {
            self.records.truncate(noted);
        }
        db::end_part(self.conn, answered)
    }

    /// Notes a change for the journal; it is appended when the transaction commits.
    pub fn record(&mut self, action: &'static str, subject: Subject<'_>, payload: Value) {
        self.records.push(Record {
            action,
            subject_type: subject.kind,
            subject_id: subject.id.to_owned(),
            organization_id: subject.organization_id.map(str::to_owned),
            entry_id: subject.entry_id.map(str::to_owned),
            payload,
        });
    }
}

/// What a journal entry is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The resource type: `contractor`, `entry`, `obligation` …
    pub kind: &'static str,
    /// Its id.
    pub id: &'a str,
    /// The organization it belongs to.
    pub organization_id: Option<&'a str>,
    /// The register entry on whose timeline it shows.
    pub entry_id: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// A subject outside organizations and entries.
    pub const fn of(kind: &'static str, id: &'a str) -> Self {
        Self {
            kind,
            id,
            organization_id: None,
            entry_id: None,
        }
    }
}
