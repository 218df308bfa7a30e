//! The risk of an entry with its whole sum, on any day, and its history with what changed each time. What-ifs are in
//! [`crate::what_if`], the formula in [`crate::domain::risk`], its numbers in [`crate::risk_model`].

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::risk_assessments;
use crate::domain::facts::Facts;
use crate::domain::risk::RiskAssessment;
use crate::domain::risk::change::{AssessmentChange, Recorded, changes};
use crate::entries::rows::{self, EntryRow};
use crate::entries::state;
use crate::http::answer::Answer;
use crate::http::body::{Params, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After, page_of};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_entry_risk).service(list_entry_risk_history);
}

/// An assessment with the versions it was made by.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StoredAssessment {
    /// Id; null for one of a day to come, which is not stored.
    #[schema(required, format = Uuid)]
    pub id: Option<String>,
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// When it was made.
    pub assessed_at: Instant,
    /// What caused it: `created`, `changed`, `clause_recorded`, `verified`, `time` …; `projection` on a day to come.
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
    /// The stored one before; null for the first.
    #[schema(required, format = Uuid)]
    pub previous_id: Option<String>,
    /// What differs from it, causes first; empty for the first.
    pub changes: Vec<AssessmentChange>,
}

impl StoredAssessment {
    /// The same with what differs from the one before.
    fn after(mut self, before: Option<&Self>) -> Result<Self, ApiError> {
        if let Some(before) = before {
            let (old, new) = (before.facts()?, self.facts()?);
            self.changes = changes(&before.recorded(&old), &self.recorded(&new))?;
            self.previous_id.clone_from(&before.id);
        }
        Ok(self)
    }

    fn facts(&self) -> Result<Facts, ApiError> {
        Ok(serde_json::from_value(
            self.inputs.get("facts").cloned().unwrap_or_default(),
        )?)
    }

    fn recorded<'a>(&'a self, facts: &'a Facts) -> Recorded<'a> {
        Recorded {
            catalogue_version: &self.catalogue_version,
            profile_version: &self.profile_version,
            policy_version_id: self.policy_version_id.as_deref(),
            facts,
            assessment: &self.assessment,
        }
    }
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
            id: Some(self.id),
            entry_id: self.entry_id,
            assessed_at: self.assessed_at,
            trigger: self.trigger,
            catalogue_version: self.catalogue_version,
            profile_version: self.profile_version,
            policy_version_id: self.policy_version_id,
            holds_until_on: self.holds_until_on,
            previous_id: None,
            changes: vec![],
        })
    }
}

/// The day of the question.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RiskFilter {
    /// The day; today without it.
    #[param(nullable = false)]
    as_of_on: Option<NaiveDate>,
}

/// Get the risk of an entry
///
/// The assessment that holds on the day, with every factor, every clause's credit and every floor, so that anyone can
/// follow the sum. On a past day the stored one that held at its end; on a day to come what time alone will make of what
/// is recorded today, which is not stored (`trigger` `projection`).
#[utoipa::path(tag = "risk", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid), RiskFilter),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "評価 / The assessment", body = StoredAssessment), Problems))]
#[get("/entries/{entry_id}/risk")]
async fn get_entry_risk(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
    Params(filter): Params<RiskFilter>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let entry = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            match filter.as_of_on {
                Some(on) if on > scope.today => Answer::ok(&projected(scope, entry, on)?),
                on => Answer::ok(&held(scope, &entry.id, on.unwrap_or(scope.today))?),
            }
        })
        .await
}

/// The stored assessment that held at the end of a day, with what had changed by it.
///
/// # Errors
/// 400 for a day before there was any.
pub(crate) fn held(scope: &mut Scope<'_>, entry_id: &str, on: NaiveDate) -> Result<StoredAssessment, ApiError> {
    let end = Instant::of_local(on.succ_opt().unwrap_or(on), 0, scope.zone);
    let found: Vec<AssessmentRow> = risk_assessments::table
        .filter(risk_assessments::local_government_id.eq(&scope.lg))
        .filter(risk_assessments::entry_id.eq(entry_id))
        .filter(risk_assessments::assessed_at.lt(end))
        .order(risk_assessments::id.desc())
        .limit(2)
        .select(AssessmentRow::as_select())
        .load(scope.conn)?;
    let mut found = found.into_iter().map(AssessmentRow::wire);
    let one = found.next().ok_or_else(|| ApiError::InvalidParameter {
        name: "as_of_on".to_owned(),
        ja: format!("{on} にはまだ登録されていませんでした。登録の日以後の日を指定してください。"),
        en: format!("It was not registered yet on {on}; give a later day."),
    })??;
    one.after(found.next().transpose()?.as_ref())
}

/// What time alone makes of what is recorded today.
fn projected(scope: &mut Scope<'_>, entry: EntryRow, on: NaiveDate) -> Result<StoredAssessment, ApiError> {
    let today = held(scope, &entry.id, scope.today)?;
    let (situation, (assessment, input)) = scope.ahead(on, |scope| {
        let situation = state::situation(scope, entry)?;
        let assessed = state::assess(scope, &situation)?;
        Ok((situation, assessed))
    })?;
    let then = StoredAssessment {
        id: None,
        entry_id: situation.entry.id,
        assessed_at: scope.at,
        trigger: "projection".to_owned(),
        catalogue_version: situation.catalogue.version.clone(),
        profile_version: situation.profile_version,
        policy_version_id: situation.catalogue.policy_version_id.clone(),
        holds_until_on: None,
        inputs: serde_json::to_value(&input)?,
        assessment,
        previous_id: None,
        changes: vec![],
    };
    then.after(Some(&today))
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
/// Every stored assessment, newest first, with what caused it and what differs from the one before: versions, facts,
/// factors, clauses, floors, and what follows from them.
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
            let rows: Vec<AssessmentRow> = select.load(scope.conn)?;
            // One row more than the page is read: it is what the last of the page is compared with.
            let before = usize::try_from(limit).ok().and_then(|limit| rows.get(limit)).cloned();
            let (rows, next) = page::cut(rows, limit, None, &print, |row: &AssessmentRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let before = before.map(AssessmentRow::wire).transpose()?;
            let mut items: Vec<StoredAssessment> = vec![];
            // From the oldest on, each is compared with the one below it.
            for row in rows.into_iter().rev() {
                let one = row.wire()?.after(items.last().or(before.as_ref()))?;
                items.push(one);
            }
            items.reverse();
            let page = StoredAssessmentPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}
