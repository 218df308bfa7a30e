//! The risk model in force: every number of the formula, so that another system can be set up alike and an auditor can
//! compute a score by hand. Assessments are in [`crate::risk`] and [`crate::what_if`].

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domain::risk::RiskPolicy;
use crate::http::answer::Answer;
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_risk_model);
}

/// The numbers of the risk formula.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RiskModel {
    /// Its version; every assessment names the one it was made by.
    pub risk_policy_version: String,
    /// The version of the clause catalogue, where the clauses' weights are.
    pub catalogue_version: String,
    /// The formula, one step a line.
    pub formula: Vec<String>,
    /// Every table and threshold: impact, exposure, tiers, credits, retained risk, levels, floors, and what tier and level
    /// ask for.
    #[schema(value_type = Object)]
    pub parameters: serde_json::Value,
}

/// Get the risk model in force
///
/// Weights, points, thresholds and floors, with the formula that uses them.
#[utoipa::path(tag = "risk", security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "リスク評価の算定表 / The risk model", body = RiskModel), Problems))]
#[get("/risk-models/current")]
async fn get_risk_model(caller: Caller<scope::EntriesRead>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |_, scope| {
            Answer::ok(&RiskModel {
                risk_policy_version: scope.app.risk_policy.version.clone(),
                catalogue_version: scope.app.catalogue.version.clone(),
                formula: RiskPolicy::FORMULA.map(str::to_owned).to_vec(),
                parameters: RiskPolicy::parameters().map_err(ApiError::internal)?,
            })
        })
        .await
}
