//! The stored risk of an entry with its whole sum, and its history. What-ifs are in [`crate::what_if`], the formula in
//! [`crate::domain::risk`].

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::clock::Instant;
use crate::db::schema::risk_assessments;
use crate::domain::risk::RiskAssessment;
use crate::entries::rows;
use crate::http::answer::Answer;
use crate::http::body::{Params, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_entry_risk).service(list_entry_risk_history);
}

/// A stored assessment with the versions it was made by.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StoredAssessment {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// When it was made.
    pub assessed_at: Instant,
    /// What caused it: `created`, `facts_changed`, `clause_recorded`, `verified`, `time` …
    #[schema(example = "clause_recorded")]
    pub trigger: String,
    /// Version of the clause catalogue.
    pub catalogue_version: String,
    /// Key and version of the policy profile.
    #[schema(example = "motosu@2026.1")]
    pub profile_version: String,
    /// The organization's policy version that was merged into the catalogue; null while that alone held.
    #[schema(required, format = Uuid)]
    pub policy_version_id: Option<String>,
    /// The first day on which time alone changes it.
    #[schema(required)]
    pub holds_until_on: Option<NaiveDate>,
    /// Everything that went in.
    pub inputs: serde_json::Value,
    /// The whole sum.
    pub assessment: RiskAssessment,
}

page_of! {
    /// A page of assessments, newest first.
    StoredAssessmentPage of StoredAssessment
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = risk_assessments)]
struct AssessmentRow {
    id: String,
    entry_id: String,
    assessed_at: Instant,
    trigger: String,
    catalogue_version: String,
    profile_version: String,
    policy_version_id: Option<String>,
    holds_until_on: Option<NaiveDate>,
    inputs: String,
    result: String,
}

impl AssessmentRow {
    fn wire(self) -> Result<StoredAssessment, ApiError> {
        Ok(StoredAssessment {
            inputs: serde_json::from_str(&self.inputs)?,
            assessment: serde_json::from_str(&self.result)?,
            id: self.id,
            entry_id: self.entry_id,
            assessed_at: self.assessed_at,
            trigger: self.trigger,
            catalogue_version: self.catalogue_version,
            profile_version: self.profile_version,
            policy_version_id: self.policy_version_id,
            holds_until_on: self.holds_until_on,
        })
    }
}

/// Get the risk of an entry
///
/// The assessment that holds now, with every factor, every clause's credit and every floor, so that anyone can follow
/// the sum.
#[utoipa::path(tag = "risk", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "評価 / The assessment", body = StoredAssessment), Problems))]
#[get("/entries/{entry_id}/risk")]
async fn get_entry_risk(caller: Caller<scope::EntriesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let entry = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let row: AssessmentRow = risk_assessments::table
                .find((&scope.lg, entry.assessment_id.unwrap_or_default()))
                .select(AssessmentRow::as_select())
                .first(scope.conn)?;
            Answer::ok(row.wire()?)
        })
        .await
}

/// Where to read on in the history.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// List the risk history of an entry
///
/// Every stored assessment, newest first.
#[utoipa::path(tag = "risk", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid), HistoryFilter),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "評価の履歴 / A page of assessments", body = StoredAssessmentPage), Problems))]
#[get("/entries/{entry_id}/risk-history")]
async fn list_entry_risk_history(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<HistoryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let entry = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_entry_risk_history", &entry.id);
            let mut select = risk_assessments::table
                .filter(risk_assessments::local_government_id.eq(scope.lg.clone()))
                .filter(risk_assessments::entry_id.eq(entry.id.clone()))
                .order(risk_assessments::id.desc())
                .limit(limit + 1)
                .select(AssessmentRow::as_select())
                .into_boxed();
            if let Some(after) = page::after(filter.cursor.as_deref(), &print)? {
                select = select.filter(risk_assessments::id.lt(after.id));
            }
            let rows = select.load(scope.conn)?;
            let (rows, next) = page::cut(rows, limit, None, &print, |row: &AssessmentRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows
                .into_iter()
                .map(AssessmentRow::wire)
                .collect::<Result<Vec<_>, _>>()?;
            page::answer(
                &path,
                &query,
                &StoredAssessmentPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}
