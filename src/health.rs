//! Whether the service lives and can work; for load balancers, service managers and `doctor`. Figures for monitoring are
//! [`crate::metrics`]'.

use std::path::Path;

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::db::migrate;
use crate::http::error::{ApiError, Problem};
use crate::work::{quarantine, standing};

/// The state of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The version of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

const OK: Health = Health {
    status: "ok",
    version: env!("CARGO_PKG_VERSION"),
};

/// Why the service cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    /// The database does not answer.
    DatabaseDown,
    /// Its schema is behind the program.
    MigrationsPending,
    /// What is due is not planned, so nobody is reminded of it.
    PlannerBehind,
    /// Soon nothing can be written any more.
    DiskNearlyFull,
}

impl Unready {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DatabaseDown => "database_down",
            Self::MigrationsPending => "migrations_pending",
            Self::PlannerBehind => "planner_behind",
            Self::DiskNearlyFull => "disk_nearly_full",
        }
    }
}

/// The process lives
///
/// Asks nobody else.
#[utoipa::path(tag = "meta", security(()), responses(
    (status = 200, description = "稼働中 / Alive", body = Health),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/health/live")]
pub async fn get_liveness() -> HttpResponse {
    HttpResponse::Ok().json(OK)
}

/// The service can work
///
/// Otherwise 503, and `code` says why: the database does not answer (`database_down`), its migrations are not up to date
/// (`migrations_pending`), the disk of the data directory is nearly full (`disk_nearly_full`), or the worker in this
/// process has left due reminders unplanned for more than 15 minutes (`planner_behind`). A process without a worker
/// (`--no-worker`) does not answer for those that have one.
#[utoipa::path(tag = "meta", security(()), responses(
    (status = 200, description = "利用可 / Ready", body = Health),
    (status = 503, description = "利用不可 / Not ready", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/health/ready")]
pub async fn get_readiness(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let app = app.get_ref().clone();
    let reason = web::block(move || unready(&app)).await.map_err(ApiError::internal)?;
    match reason {
        None => Ok(HttpResponse::Ok().json(OK)),
        Some(reason) => Err(ApiError::NotReady(reason)),
    }
}

/// What keeps the service from working, the first of it.
fn unready(app: &App) -> Option<Unready> {
    let of_database = |error: ApiError| {
        tracing::error!(%error, "the database does not answer");
        Unready::DatabaseDown
    };
    match migrate::pending(&app.db) {
        Err(error) => return Some(of_database(error)),
        Ok(1..) => return Some(Unready::MigrationsPending),
        Ok(0) => {}
    }
    if is_nearly_full(app) {
        return Some(Unready::DiskNearlyFull);
    }
    if app.config.plans {
        match is_behind(app) {
            Err(error) => return Some(of_database(error)),
            Ok(true) => return Some(Unready::PlannerBehind),
            Ok(false) => {}
        }
    }
    None
}

/// Whether due steps wait too long. In quarantine they are meant to.
fn is_behind(app: &App) -> Result<bool, ApiError> {
    Ok(standing::planner_lag_of_all(app)? > standing::LAG_LIMIT && app.db.read(quarantine::quarantine)?.is_none())
}

/// Whether there is less room for the data directory than is to be kept free.
pub(crate) fn is_nearly_full(app: &App) -> bool {
    free_bytes(&app.config.data_dir).is_some_and(|free| free < app.config.disk_reserve)
}

/// How many bytes an ordinary user may still write there; `None` where nobody can say.
#[cfg(unix)]
pub(crate) fn free_bytes(directory: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(directory).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// How many bytes may still be written there: not known on this system.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_directory: &Path) -> Option<u64> {
    None
}
