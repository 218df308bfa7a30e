//! Stub.
use crate::{
    app::{App, Scope},
    domain::calendar::Calendar,
    http::error::ApiError,
};
use utoipa_actix_web::service_config::ServiceConfig;
pub(crate) fn routes(_: &mut ServiceConfig<'_>) {}
pub(crate) struct OrganizationRow {
    pub profile_key: String,
    pub review_month: Option<u32>,
}
impl OrganizationRow {
    pub(crate) fn calendar(&self, _app: &App) -> Result<Calendar, ApiError> {
        Ok(Calendar::default())
    }
}
pub(crate) fn row(_: &mut Scope<'_>, _: &str) -> Result<OrganizationRow, ApiError> {
    Err(ApiError::NotFound)
}
pub(crate) fn require(_: &mut Scope<'_>, _: &str, _: &str) -> Result<(), ApiError> {
    Ok(())
}
