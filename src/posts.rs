//! Stub.
use crate::{app::Scope, http::error::ApiError};
use utoipa_actix_web::service_config::ServiceConfig;
pub(crate) fn routes(_: &mut ServiceConfig<'_>) {}
pub(crate) fn require(_: &mut Scope<'_>, _: &str, _: &str) -> Result<(), ApiError> {
    Ok(())
}
