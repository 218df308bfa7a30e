//! How ready the register is for 地方自治法施行規則第16条の3: what it makes mandatory on a day, what its transitional rule
//! exempts, and who judged so. The rule is [`crate::domain::transitional`]'s.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::WINDOW;
use crate::app::Scope;
use crate::db::schema::{entries, organizations, risk_assessments};
use crate::domain::catalogue::Catalogue;
use crate::domain::facts::FactDefaults;
use crate::domain::requirement::requirements;
use crate::domain::risk::RiskAssessment;
use crate::domain::transitional::{self, TransitionalStanding};
use crate::domain::vocabulary::{FulfilmentStatus, Kind, RequirementLevel};
use crate::entries::rows::EntryRow;
use crate::http::answer::Answer;
use crate::http::body::Params;
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::Problems;
use crate::http::page::{self, After};
use crate::measure_areas::{self, MeasureAreas};
use crate::origins;
use crate::origins::wire::TransitionalJudgement;
use crate::policies;

/// Which day, and where to read on.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadinessFilter {
    /// Where to read on: `next_cursor` of the answer before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Entries in one answer, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The day; 1 July 2027 without it, when the rule begins.
    #[param(nullable = false)]
    on: Option<NaiveDate>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    organization_id: Option<String>,
}

/// How ready the register is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReadinessReport {
    /// The day.
    pub on: NaiveDate,
    /// The rule is in force then.
    pub in_force: bool,
    /// The organizations, with what was judged about the rule and its eight areas.
    pub organizations: Vec<MeasureAreas>,
    /// Commissioned work and cloud services of the organizations to which the rule applies, by id.
    pub entries: Vec<ReadinessEntry>,
    /// Send it as `cursor` to read on; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// How an entry stands to the rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReadinessEntry {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its control number.
    pub control_number: String,
    /// Its name.
    pub name: String,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// First day of performance or use.
    #[schema(required)]
    pub started_on: Option<NaiveDate>,
    /// How it stands to the rule then.
    pub transitional_standing: TransitionalStanding,
    /// Who judged about the transitional rule, and how; null while nobody has.
    #[schema(required)]
    pub transitional_judgement: Option<TransitionalJudgement>,
    /// Clauses that are mandatory then and are not today.
    pub becoming_mandatory: Vec<String>,
    /// Clauses that are mandatory then and are neither agreed, verified nor excepted today.
    pub lacking: Vec<LackingClause>,
}

/// A clause that is lacking.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LackingClause {
    /// The clause.
    pub clause_key: String,
    /// How far it is fulfilled today.
    pub status: FulfilmentStatus,
}

/// Report readiness for 1 July 2027
///
/// What 地方自治法施行規則第16条の3 makes mandatory for each living piece of commissioned work and cloud service, what its
/// transitional rule exempts and who judged so, and how each organization's eight areas stand.
#[utoipa::path(tag = "policies", params(ReadinessFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "施行への準備状況 / How ready it is", body = ReadinessReport), Problems))]
#[get("/reports/readiness")]
pub(super) async fn report_readiness(
    caller: Caller<scope::EntriesRead>,
    Params(filter): Params<ReadinessFilter>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let on = filter.on.unwrap_or_else(transitional::begins_on);
            let print = page::fingerprint("report_readiness", &(on, &filter.organization_id));
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let bodies = bodies(scope, &caller.organizations, filter.organization_id.as_deref(), on)?;
            let (found, bound) = window(scope, &bodies, &start, limit)?;
            let (found, next_cursor) = page::cut(found, limit, bound, &print, |row: &EntryRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let entries = described(scope, &bodies, found, on)?;
            let ids = bodies.keys().cloned().collect();
            Answer::ok(&ReadinessReport {
                on,
                in_force: on >= transitional::begins_on(),
                organizations: measure_areas::of(scope, &ids)?,
                entries,
                next_cursor,
            })
        })
        .await
}

/// What an organization's entries are measured by.
struct Body<'c> {
    applies: bool,
    defaults: FactDefaults,
    today: &'c Catalogue,
    then: &'c Catalogue,
}

fn bodies<'c>(
    scope: &mut Scope<'c>,
    allowed: &Organizations,
    only: Option<&str>,
    on: NaiveDate,
) -> Result<BTreeMap<String, Body<'c>>, ApiError> {
    let rows: Vec<(String, String)> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::archived_at.is_null())
        .select((organizations::id, organizations::profile_key))
        .load(scope.conn)?;
    let rows: Vec<(String, String)> = rows
        .into_iter()
        .filter(|(id, _)| allowed.contains(id) && only.is_none_or(|only| only == id))
        .collect();
    let ids: BTreeSet<String> = rows.iter().map(|(id, _)| id.clone()).collect();
    let judged = measure_areas::of(scope, &ids)?;
    let today = scope.today;
    let today = policies::catalogues_of(scope, &ids, today)?;
    let then = policies::catalogues_of(scope, &ids, on)?;
    let alone = &scope.app.catalogue;
    let mut found = BTreeMap::new();
    for (id, profile_key) in rows {
        let exempt = judged
            .iter()
            .any(|one| one.organization_id == id && one.applies == Some(false));
        let body = Body {
            applies: !exempt,
            defaults: scope.app.profile(&profile_key)?.fact_defaults(),
            today: today.get(&id).copied().unwrap_or(alone),
            then: then.get(&id).copied().unwrap_or(alone),
        };
        found.insert(id, body);
    }
    Ok(found)
}

/// The next entries that the rule is about, one more than the limit at most, and where the search ended.
fn window(
    scope: &mut Scope<'_>,
    bodies: &BTreeMap<String, Body<'_>>,
    start: &str,
    limit: i64,
) -> Result<(Vec<EntryRow>, Option<After>), ApiError> {
    let rows: Vec<EntryRow> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.gt(start))
        .order(entries::id)
        .limit(WINDOW)
        .select(EntryRow::as_select())
        .load(scope.conn)?;
    let whole = i64::try_from(rows.len()).is_ok_and(|count| count == WINDOW);
    let bound = rows.last().filter(|_| whole).map(|row| After {
        key: String::new(),
        id: row.id.clone(),
    });
    let most = usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX);
    let concerned = rows.into_iter().filter(|row| {
        let living = row.archived_at.is_none() && !row.status.0.is_final();
        let concerned = row.kind.0 != Kind::SocialMediaAccount;
        living && concerned && bodies.get(&row.organization_id).is_some_and(|body| body.applies)
    });
    Ok((concerned.take(most).collect(), bound))
}

fn described(
    scope: &mut Scope<'_>,
    bodies: &BTreeMap<String, Body<'_>>,
    rows: Vec<EntryRow>,
    on: NaiveDate,
) -> Result<Vec<ReadinessEntry>, ApiError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut judgements = origins::judgements(scope, &ids)?;
    let assessments: BTreeSet<&String> = rows.iter().filter_map(|row| row.assessment_id.as_ref()).collect();
    let results: Vec<(String, String)> = risk_assessments::table
        .filter(risk_assessments::local_government_id.eq(&scope.lg))
        .filter(risk_assessments::id.eq_any(assessments))
        .select((risk_assessments::entry_id, risk_assessments::result))
        .load(scope.conn)?;
    let results: BTreeMap<String, String> = results.into_iter().collect();
    let mut found = vec![];
    for row in rows {
        let Some(body) = bodies.get(&row.organization_id) else {
            continue;
        };
        let assessment: Option<RiskAssessment> = results
            .get(&row.id)
            .map(|text| serde_json::from_str(text))
            .transpose()?;
        let judgement = judgements.remove(&row.id);
        let treatment = judgement.as_ref().map(|judgement| judgement.treatment);
        let (facts, phase) = (row.facts()?, row.status.0.phase());
        let mandatory = |catalogue: &Catalogue, on: NaiveDate| -> BTreeSet<String> {
            let (list, _) = requirements(catalogue, row.kind.0, &facts, &body.defaults, phase, on);
            let mandatory = list.into_iter().filter(|one| one.level == RequirementLevel::Mandatory);
            mandatory.map(|one| one.clause.key.clone()).collect()
        };
        let (today, then) = (mandatory(body.today, scope.today), mandatory(body.then, on));
        let clauses = assessment
            .as_ref()
            .map(|assessment| assessment.clauses.as_slice())
            .unwrap_or_default();
        let lacking = then.iter().filter_map(|key| {
            // What does not apply by judgement is left out of the assessment, what came later is missing.
            let known = clauses.iter().find(|clause| clause.clause_key == *key);
            let status = match known {
                Some(clause) => clause.status,
                None if today.contains(key) => FulfilmentStatus::NotApplicable,
                None => FulfilmentStatus::Missing,
            };
            let lacks = matches!(status, FulfilmentStatus::Missing | FulfilmentStatus::Declared);
            lacks.then(|| LackingClause {
                clause_key: key.clone(),
                status,
            })
        });
        found.push(ReadinessEntry {
            lacking: lacking.collect(),
            becoming_mandatory: then.difference(&today).cloned().collect(),
            transitional_standing: transitional::standing(row.started_on, treatment, on),
            transitional_judgement: judgement,
            entry_id: row.id,
            kind: row.kind.0,
            control_number: row.control_number,
            name: row.name,
            organization_id: row.organization_id,
            started_on: row.started_on,
        });
    }
    Ok(found)
}
