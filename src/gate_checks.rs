//! Gate checks: "may I invite, sign, renew, pay …?", asked by the systems that procurement and finance have already.
//!
//! A well-formed question is always answered with 200; the answer is evaluated at the clock, stored with everything it
//! depended on and never changed. What speaks for and against is [`crate::domain::gate`]'s; [`subject`] gathers what is
//! known, [`answer`] puts the answer together and keeps it, [`enforcement`] is what an organization makes of answers.

pub mod answer;
mod enforcement;
mod subject;
mod watch;
pub mod wire;

use actix_web::guard::GuardContext;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use diesel::prelude::*;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::gate_checks;
use crate::domain::gate::{EnforcementMode, TABLE};
use crate::domain::vocabulary::CodeWord;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use wire::{
    GateActionRule, GateActions, GateCheck, GateCheckBatch, GateCheckBatchCreate, GateCheckCreate, GateCheckFilter,
    GateCheckPage, GateCheckResult,
};

pub(crate) use watch::go_on;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_gate_check)
        .service(batch_create_gate_checks)
        .service(list_gate_checks)
        .service(get_gate_check)
        .service(get_gate_actions)
        .service(enforcement::create_gate_enforcement)
        .service(enforcement::list_gate_enforcements);
}

/// Whether a path names a kept answer; the methods that `batch` does not have are 405 and not a search for it.
fn is_gate_check(context: &GuardContext<'_>) -> bool {
    !context.head().uri.path().ends_with("/gate-checks/batch")
}

/// Ask the gate
///
/// May another system go on? 200 for every well-formed question: the strictest of the reasons decides, an exception in
/// effect makes a condition of what it stands in for, and `enforced_decision` is what the organization makes of it. A
/// payment is never stopped by risk, clauses or dates, only by a recorded withholding measure.
#[utoipa::path(tag = "gate", request_body = GateCheckCreate, security(("oauth2" = ["gate:check"])), responses(
    (status = 200, description = "判定 / The answer", body = GateCheck), Problems, WriteProblems))]
#[post("/gate-checks")]
async fn create_gate_check(
    caller: Caller<scope::GateCheck>,
    Body(new): Body<GateCheckCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| Answer::ok(&answer::ask(scope, &caller.organizations, new)?))
        .await
}

/// Ask the gate several questions
///
/// Up to 500, answered in their order. A question that is not well-formed has its problem in its place and changes
/// nothing for the others. Needs an `Idempotency-Key` (400 `idempotency_key_required`), so that answers that were lost are
/// read again and not given twice.
#[utoipa::path(tag = "gate", request_body = GateCheckBatchCreate, security(("oauth2" = ["gate:check"])), responses(
    (status = 207, description = "判定の一覧 / The answers", body = GateCheckBatch), Problems, WriteProblems))]
#[post("/gate-checks/batch")]
async fn batch_create_gate_checks(
    caller: Caller<scope::GateCheck>,
    Body(new): Body<GateCheckBatchCreate>,
) -> Result<HttpResponse, ApiError> {
    caller.require_key()?;
    caller
        .write(move |caller, scope| {
            let mut items = vec![];
            for (index, question) in new.checks.into_iter().enumerate() {
                let answered = scope.attempt(|scope| answer::ask(scope, &caller.organizations, question));
                items.push(match answered {
                    Ok(check) => GateCheckResult {
                        index,
                        status: 200,
                        check: Some(check),
                        problem: None,
                    },
                    Err(error) => {
                        let problem = error.problem(caller.lang, &caller.request_id);
                        // What is ours to fix, or may go well later, ends the whole batch.
                        if problem.status >= 500 {
                            return Err(error);
                        }
                        GateCheckResult {
                            index,
                            status: problem.status,
                            check: None,
                            problem: Some(problem),
                        }
                    }
                });
            }
            Answer::multi_status(&GateCheckBatch { items })
        })
        .await
}

/// List gate checks
///
/// The kept answers, in the order in which they were given: evidence that the question was asked.
#[utoipa::path(tag = "gate", params(GateCheckFilter), security(("oauth2" = ["gate:check"])), responses(
    (status = 200, description = "判定の記録 / A page of answers", body = GateCheckPage), Problems))]
#[get("/gate-checks")]
async fn list_gate_checks(
    caller: Caller<scope::GateCheck>,
    request: HttpRequest,
    Params(filter): Params<GateCheckFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_gate_checks", &unpaged);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let (found, bound) = select_page(scope, &caller.organizations, &filter, &start, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |(id, _): &(String, String)| After {
                key: String::new(),
                id: id.clone(),
            });
            let items = found
                .into_iter()
                .map(|(_, text)| serde_json::from_str(&text))
                .collect::<Result<Vec<GateCheck>, _>>()?;
            let page = GateCheckPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// The next answers, one more than the limit at most, and where the search ended when it was cut short.
fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &GateCheckFilter,
    start: &str,
    limit: i64,
) -> Result<(Vec<(String, String)>, Option<After>), ApiError> {
    let mut query = gate_checks::table
        .filter(gate_checks::local_government_id.eq(scope.lg.clone()))
        .filter(gate_checks::id.gt(start.to_owned()))
        .order(gate_checks::id)
        .limit(limit + 1)
        .select((gate_checks::id, gate_checks::answer))
        .into_boxed();
    if let Some(ids) = allowed.list() {
        // About a company alone it belongs to no organization, as the company does.
        let mine = gate_checks::organization_id.eq_any(ids.to_vec());
        query = query.filter(mine.assume_not_null().or(gate_checks::organization_id.is_null()));
    }
    if let Some(id) = &filter.entry_id {
        query = query.filter(gate_checks::entry_id.eq(id.clone()));
    }
    if let Some(id) = &filter.contractor_id {
        query = query.filter(gate_checks::contractor_id.eq(id.clone()));
    }
    if let Some(action) = filter.action {
        query = query.filter(gate_checks::action.eq(action.code()));
    }
    if let Some(decision) = filter.decision {
        query = query.filter(gate_checks::decision.eq(decision.code()));
    }
    let bound: Option<String> = gate_checks::table
        .filter(gate_checks::local_government_id.eq(&scope.lg))
        .filter(gate_checks::id.gt(start))
        .order(gate_checks::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(gate_checks::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(gate_checks::id.le(bound.clone()));
    }
    let bound = bound.map(|id| After { key: String::new(), id });
    Ok((query.load(scope.conn)?, bound))
}

/// Get a gate check
///
/// The answer as it was given.
#[utoipa::path(tag = "gate", params(("gate_check_id" = String, Path, description = "判定のID", format = Uuid)),
    security(("oauth2" = ["gate:check"])), responses(
    (status = 200, description = "判定 / The answer", body = GateCheck), Problems))]
#[get("/gate-checks/{gate_check_id}", guard = "is_gate_check")]
async fn get_gate_check(caller: Caller<scope::GateCheck>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let (organization_id, text): (Option<String>, String) = gate_checks::table
                .find((&scope.lg, &path_id(&id)?))
                .select((gate_checks::organization_id, gate_checks::answer))
                .first(scope.conn)?;
            // About a company alone it belongs to no organization, as the company does.
            if let Some(id) = organization_id {
                caller.organizations.check(&id)?;
            }
            let check: GateCheck = serde_json::from_str(&text)?;
            Answer::ok(&check)
        })
        .await
}

/// Get the table of the gate
///
/// Which transition and clauses an action means for each kind of entry, and how it is enforced by default.
#[utoipa::path(tag = "gate", security(("oauth2" = ["gate:check"])), responses(
    (status = 200, description = "操作の対応表 / The table", body = GateActions), Problems))]
#[get("/gate-actions")]
async fn get_gate_actions(caller: Caller<scope::GateCheck>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |_, scope| {
            let catalogue = &scope.app.catalogue;
            let rules = TABLE.iter().map(|(action, kind, transition)| GateActionRule {
                action: *action,
                kind: *kind,
                transition: transition.map(str::to_owned),
                clauses: catalogue
                    .clauses
                    .iter()
                    .filter(|clause| {
                        let gates = clause.gates.get(kind).into_iter().flatten();
                        gates
                            .into_iter()
                            .any(|gate| Some(gate.transition.as_str()) == *transition)
                    })
                    .map(|clause| clause.key.clone())
                    .collect(),
                default_mode: EnforcementMode::Observe,
            });
            Answer::ok(&GateActions { rules: rules.collect() })
        })
        .await
}
