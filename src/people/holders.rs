//! Stub.
use crate::{app::Scope, http::error::ApiError};
pub(crate) struct Directory;
pub(crate) struct PersonRef;
impl Directory {
    pub(crate) fn load(
        _: &mut Scope<'_>,
        _: &[String],
        _: &[String],
        _: &[String],
        _: chrono::NaiveDate,
    ) -> Result<Self, ApiError> {
        Ok(Self)
    }
    pub(crate) fn owner(&self, _: Option<&str>, _: Option<&str>) -> Option<&PersonRef> {
        None
    }
}
