//! stub
use serde_json::Value;
use crate::app::App;
use crate::http::error::ApiError;
pub(super) fn load(_app: &App, _scopes: &[String]) -> Result<Vec<Value>, ApiError> { Ok(vec![]) }
