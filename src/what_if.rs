//! What-if (試算): what the rules would say about facts, dates and days, without storing anything but an annex that is to
//! be registered ([`mod@annex`]).
//!
//! Each operation asks one pure function of [`crate::domain`]; the types are in [`wire`]. An `organization_id` brings in
//! the defaults of that organization's policy profile and its closed days; without it a missing fact counts at its
//! worst (design §9 "Names and shapes"). Stored assessments are in [`crate::risk`], real reminders in
//! [`crate::reminders`].

mod annex;
mod wire;

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{App, Scope};
use crate::clause_templates::{self, ClauseTemplateCreate, TemplateArticle};
use crate::db::schema::organizations;
use crate::domain::annex::{Annex, annex};
use crate::domain::calendar::{Calendar, ClosedDay, add_months, days_between};
use crate::domain::catalogue::Catalogue;
use crate::domain::facts::FactDefaults;
use crate::domain::profile::Profile;
use crate::domain::reminder::{self, Plan};
use crate::domain::requirement::requirements;
use crate::domain::risk::{ClauseInput, RiskAssessment, RiskInput, assess};
use crate::domain::vocabulary::FulfilmentStatus;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params};
use crate::http::caller::{Caller, Permission, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{Problems, WriteProblems};

pub use annex::AnnexFile;
use annex::Form;
pub use wire::{
    AnnexRegistration, BusinessDays, ClausePlan, ClausePlanRequest, PlannedClause, PlannedReason, ReminderPlanRequest,
    RiskEvaluationRequest,
};

/// The years that the calendar knows: holidays by today's law from the first on, equinoxes up to the last.
const KNOWN_YEARS: std::ops::RangeInclusive<i32> = 2007..=2099;

/// Days of the longest report.
const MOST_DAYS: i64 = 400;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(evaluate_risk)
        .service(plan_clauses)
        .service(plan_reminders)
        .service(list_business_days);
}

/// Evaluate a risk
///
/// The risk of an entry with these facts and fulfilments, with every factor it is computed from. `default_status` fills
/// every applicable clause that is not listed; for an exception `days_overdue` counts from its expiry.
#[utoipa::path(tag = "what_if", request_body = RiskEvaluationRequest, security(("oauth2" = ["risk:evaluate"])), responses(
    (status = 200, description = "リスク評価 / The assessment", body = RiskAssessment), Problems, WriteProblems))]
#[post("/risk-evaluations")]
async fn evaluate_risk(
    caller: Caller<scope::RiskEvaluate>,
    Body(request): Body<RiskEvaluationRequest>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let organization = Organization::find(caller, scope, request.organization_id.as_deref())?;
            let as_of = request.as_of_on.unwrap_or(scope.today);
            let catalogue = organization.catalogue(scope, as_of)?;
            check_clauses(catalogue, &request.fulfilments)?;
            let input = RiskInput {
                kind: request.kind,
                phase: request.phase,
                facts: request.facts,
                fact_defaults: organization.fact_defaults(),
                fulfilments: request.fulfilments,
                default_status: request.default_status.unwrap_or(FulfilmentStatus::Missing),
                owner_missing: request.owner_missing,
                open_major_incident: request.open_major_incident,
                as_of,
            };
            Answer::ok(assess(&scope.app.risk_policy, catalogue, &input))
        })
        .await
}

/// Plan clauses
///
/// The clauses that an entry with these facts needs in this phase, why, and what waits for them. With `Accept:
/// text/markdown` or DOCX they are answered as the annex to the specification or contract (特記仕様書): numbered articles
/// in Japanese, with the parameters they were chosen by. `register_as` registers that annex as a clause template in the same
/// call, which needs `clauses:write` too; without it nothing is stored.
#[utoipa::path(tag = "what_if", request_body = ClausePlanRequest, security(("oauth2" = ["risk:evaluate"])), responses(
    (status = 200, description = "必要条項、または特記仕様書 / The clauses, or the annex",
     content((ClausePlan = "application/json"), (String = "text/markdown"),
             (AnnexFile = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")),
     headers(("Location" = String, description = "登録した標準特記仕様書 / the clause template that was registered"))),
    Problems, WriteProblems))]
#[post("/clause-plans")]
async fn plan_clauses(
    request: HttpRequest,
    caller: Caller<scope::RiskEvaluate>,
    Body(question): Body<ClausePlanRequest>,
) -> Result<HttpResponse, ApiError> {
    let form = Form::of(&request);
    // The same question again for the annex: an answer that is given again was not made by this request.
    let again = (caller.clone(), question.clone());
    let answered = match &question.register_as {
        None => {
            caller
                .read(move |caller, scope| Answer::ok(planned(caller, scope, &question)?.0))
                .await?
        }
        Some(_) if !caller.scopes.iter().any(|held| held == "clauses:write") => {
            return Err(ApiError::InsufficientScope("clauses:write"));
        }
        Some(_) => {
            caller
                .write(move |caller, scope| {
                    let (mut plan, annex) = planned(caller, scope, &question)?;
                    let id = register(caller, scope, question, annex)?;
                    let location = format!("/api/v1/clause-templates/{id}");
                    plan.clause_template_id = Some(id);
                    Ok(Answer::ok(plan)?.at(location))
                })
                .await?
        }
    };
    if form == Form::Json {
        return Ok(answered);
    }
    let (caller, question) = again;
    let annex = caller
        .fetch(move |caller, scope| Ok(planned(caller, scope, &question)?.1))
        .await?;
    form.render(answered, &annex)
}

/// The plan, and the annex that says the same.
fn planned<P: Permission>(
    caller: &Caller<P>,
    scope: &mut Scope<'_>,
    question: &ClausePlanRequest,
) -> Result<(ClausePlan, Annex), ApiError> {
    let organization = Organization::find(caller, scope, question.organization_id.as_deref())?;
    let as_of = question.as_of_on.unwrap_or(scope.today);
    let defaults = organization.fact_defaults();
    let catalogue = organization.catalogue(scope, as_of)?;
    let ClausePlanRequest { kind, phase, facts, .. } = question;
    let (list, notes) = requirements(catalogue, *kind, facts, &defaults, *phase, as_of);
    let plan = ClausePlan {
        requirements: list
            .iter()
            .map(|requirement| PlannedClause::of(requirement, *kind, caller.lang))
            .collect(),
        notes,
        clause_template_id: None,
    };
    Ok((plan, annex(catalogue, *kind, &facts.with_defaults(&defaults), &list)))
}

/// Registers the annex as a clause template of the organization in question, and answers its id.
fn register<P: Permission>(
    caller: &Caller<P>,
    scope: &mut Scope<'_>,
    question: ClausePlanRequest,
    annex: Annex,
) -> Result<String, ApiError> {
    let (Some(organization_id), Some(new)) = (question.organization_id, question.register_as) else {
        return Err(ApiError::field(
            "/organization_id",
            "required",
            "登録する機関を指定してください。",
            "Name the organization to register it for.",
        ));
    };
    if annex.articles.is_empty() {
        return Err(ApiError::field(
            "/facts",
            "nothing_to_register",
            "必須の条項がなく、登録する特記仕様書がありません。",
            "No clause is mandatory, so there is no annex to register.",
        ));
    }
    let articles = annex.articles.iter().map(|article| TemplateArticle {
        clause_key: article.clause_key.clone(),
        article: article.number.clone(),
        quotation: Some(article.text()),
    });
    let template = clause_templates::create(
        scope,
        &caller.organizations,
        ClauseTemplateCreate {
            organization_id,
            name: new.name.unwrap_or(annex.title),
            edition: new.edition,
            valid_from_on: new.valid_from_on,
            valid_to_on: new.valid_to_on,
            file_id: None,
            evidence_id: None,
            note: new.note,
            articles: articles.collect(),
        },
    )?;
    Ok(template.head.id)
}

/// Plan reminders
///
/// The mails about a due date: the stages before it and the first four steps of the escalation after it.
#[utoipa::path(tag = "what_if", request_body = ReminderPlanRequest, security(("oauth2" = ["risk:evaluate"])), responses(
    (status = 200, description = "督促の予定 / The mails", body = Plan), Problems, WriteProblems))]
#[post("/reminder-plans")]
async fn plan_reminders(
    caller: Caller<scope::RiskEvaluate>,
    Body(request): Body<ReminderPlanRequest>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let organization = Organization::find(caller, scope, request.organization_id.as_deref())?;
            let due_on = request.due_on;
            if !KNOWN_YEARS.contains(&due_on.year()) {
                return Err(ApiError::field("/due_on", "out_of_range", years_ja(), years_en()));
            }
            let extra = closed_days(&request.extra_closed_days)?;
            let known_cycle_days = request
                .cycle_months
                .map(|months| days_between(add_months(due_on, -months), due_on));
            let calendar = organization.calendar(scope.app, &extra);
            let ReminderPlanRequest {
                obligation,
                starts_on,
                severe,
                ..
            } = request;
            Answer::ok(reminder::plan(
                obligation,
                due_on,
                known_cycle_days,
                starts_on,
                &calendar,
                severe,
            ))
        })
        .await
}

/// The days to report on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BusinessDayFilter {
    /// First day.
    from: NaiveDate,
    /// Last day, at most 400 days in all.
    to: NaiveDate,
    /// With the closed days of this organization.
    #[param(nullable = false, format = Uuid, max_length = 36)]
    organization_id: Option<String>,
}

/// List business days
///
/// Every day from `from` to `to`, open or not and why: weekends, public holidays by the law's rule (2007 to 2099), the
/// year end (12/29 to 1/3) and, with `organization_id`, that organization's own closed days.
#[utoipa::path(tag = "what_if", params(BusinessDayFilter), security(("oauth2" = [])), responses(
    (status = 200, description = "開庁日と閉庁日 / The days", body = BusinessDays), Problems))]
#[get("/business-days")]
async fn list_business_days(
    caller: Caller<scope::AnyToken>,
    Params(filter): Params<BusinessDayFilter>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let BusinessDayFilter {
                from,
                to,
                organization_id,
            } = filter;
            for (name, on) in [("from", from), ("to", to)] {
                if !KNOWN_YEARS.contains(&on.year()) {
                    return Err(invalid(name, years_ja(), years_en()));
                }
            }
            if !(0..MOST_DAYS).contains(&days_between(from, to)) {
                let ja = format!("from 以降で、両端を含めて{MOST_DAYS}日以内にしてください。");
                return Err(invalid(
                    "to",
                    ja,
                    format!("must not be before from, and at most {MOST_DAYS} days in all."),
                ));
            }
            let organization =
                Organization::find(caller, scope, organization_id.as_deref()).map_err(|error| match error {
                    ApiError::Validation(_) => invalid(
                        "organization_id",
                        "この機関はありません。".to_owned(),
                        "there is no such organization.".to_owned(),
                    ),
                    error => error,
                })?;
            let calendar = organization.calendar(scope.app, &[]);
            let items = from
                .iter_days()
                .take_while(|on| *on <= to)
                .map(|on| calendar.day(on))
                .collect();
            Answer::ok(BusinessDays { items })
        })
        .await
}

fn invalid(name: &str, ja: String, en: String) -> ApiError {
    ApiError::InvalidParameter {
        name: name.to_owned(),
        ja,
        en,
    }
}

fn years_ja() -> String {
    format!(
        "{}年から{}年までにしてください。",
        KNOWN_YEARS.start(),
        KNOWN_YEARS.end()
    )
}

fn years_en() -> String {
    format!("must be in the years {} to {}.", KNOWN_YEARS.start(), KNOWN_YEARS.end())
}

/// The organization of the question; the default is none.
#[derive(Default)]
struct Organization<'a> {
    id: Option<String>,
    profile: Option<&'a Profile>,
    extra_closed_days: Vec<ClosedDay>,
}

impl<'a> Organization<'a> {
    /// The organization that a request names, if it names one.
    ///
    /// # Errors
    /// 422 when it is not one of the token's.
    fn find<P: Permission>(caller: &Caller<P>, scope: &mut Scope<'a>, id: Option<&str>) -> Result<Self, ApiError> {
        let Some(id) = id else { return Ok(Self::default()) };
        let unknown = || {
            let ja = "この機関はありません。";
            ApiError::field(
                "/organization_id",
                "reference_not_found",
                ja,
                "There is no such organization.",
            )
        };
        let id = uuid::Uuid::try_parse(id).map_err(|_| unknown())?.to_string();
        if !caller.organizations.contains(&id) {
            return Err(unknown());
        }
        let (profile, own): (String, String) = organizations::table
            .filter(organizations::local_government_id.eq(&scope.lg))
            .filter(organizations::id.eq(&id))
            .select((organizations::profile_key, organizations::extra_closed_days))
            .first(scope.conn)
            .optional()?
            .ok_or_else(unknown)?;
        let profile = scope.app.profile(&profile)?;
        let mut extra_closed_days: Vec<ClosedDay> = serde_json::from_str(&own)?;
        extra_closed_days.extend(&profile.extra_closed_days);
        Ok(Self {
            id: Some(id),
            profile: Some(profile),
            extra_closed_days,
        })
    }

    fn fact_defaults(&self) -> FactDefaults {
        self.profile.map(Profile::fact_defaults).unwrap_or_default()
    }

    /// The catalogue as the organization's policy has it.
    fn catalogue(&self, scope: &mut Scope<'a>, on: NaiveDate) -> Result<&'a Catalogue, ApiError> {
        match &self.id {
            Some(id) => scope.catalogue_of(id, on),
            None => Ok(&scope.app.catalogue),
        }
    }

    fn calendar(&self, app: &App, more: &[ClosedDay]) -> Calendar {
        app.calendar(&[&self.extra_closed_days, more].concat())
    }
}

/// Every clause is one of the catalogue's, and none is given twice.
fn check_clauses(catalogue: &Catalogue, fulfilments: &[ClauseInput]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    let mut errors = vec![];
    for (n, ClauseInput { clause_key, .. }) in fulfilments.iter().enumerate() {
        let (code, ja, en) = if catalogue.clause(clause_key).is_none() {
            (
                "reference_not_found",
                "この条項はカタログにありません。",
                "The catalogue has no such clause.",
            )
        } else if !seen.insert(clause_key) {
            (
                "duplicate_in_request",
                "同じ条項が2回あります。",
                "The same clause is given twice.",
            )
        } else {
            continue;
        };
        errors.push(FieldError::new(&format!("/fulfilments/{n}/clause_key"), code, ja, en));
    }
    ApiError::unless_empty(errors)
}

/// The closed days of a request; the schema leaves days like 02-30 to us.
fn closed_days(texts: &[String]) -> Result<Vec<ClosedDay>, ApiError> {
    let mut days = vec![];
    let mut errors = vec![];
    for (n, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(day) => days.push(day),
            Err(_) => errors.push(FieldError::new(
                &format!("/extra_closed_days/{n}"),
                "invalid_date",
                "この日はありません。YYYY-MM-DD、または毎年の MM-DD としてください。",
                "There is no such day; write YYYY-MM-DD, or MM-DD for each year.",
            )),
        }
    }
    if errors.is_empty() {
        Ok(days)
    } else {
        Err(ApiError::Validation(errors))
    }
}
