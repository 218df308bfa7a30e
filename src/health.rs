//! Whether the service lives and can work; for load balancers and `doctor`.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::db::migrate;
use crate::http::error::{ApiError, Problem};

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
/// The database answers and its migrations are up to date; otherwise 503.
#[utoipa::path(tag = "meta", security(()), responses(
    (status = 200, description = "利用可 / Ready", body = Health),
    (status = 503, description = "利用不可 / Not ready", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "問題 / Problem", body = Problem, content_type = "application/problem+json")))]
#[get("/health/ready")]
pub async fn get_readiness(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let app = app.get_ref().clone();
    let pending = web::block(move || migrate::pending(&app.db))
        .await
        .map_err(ApiError::internal)?;
    match pending {
        Ok(0) => Ok(HttpResponse::Ok().json(OK)),
        _ => Err(ApiError::Unavailable),
    }
}
