//! Stub.
use utoipa_actix_web::service_config::ServiceConfig;
use crate::{app::Scope, http::error::ApiError};
pub(crate) fn routes(_: &mut ServiceConfig<'_>) {}
pub(crate) fn require_active(_: &mut Scope<'_>, _: &str) -> Result<(), ApiError> { Ok(()) }
