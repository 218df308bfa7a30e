//! Self-inspections (自己点検): once a year each organization asks itself how it keeps the duties of its own policy.
//!
//! The duties are the profile's ([`crate::domain::profile`]), so each body is asked what its policy states and nothing
//! else. The first one is opened by a call; from then on the worker opens one each fiscal year ([`open_due`]).

mod rows;
pub mod wire;

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{App, Scope, Tenant};
use crate::audits::proof;
use crate::audits::rows::field_error;
use crate::corrective_actions::{self, NewAction};
use crate::domain::audit::{Said, check_answer};
use crate::domain::calendar::fiscal_year;
use crate::domain::corrective_action::CorrectiveActionOrigin;
use crate::domain::profile::DutyKey;
use crate::domain::vocabulary::{CodeWord, Role};
use crate::entries::wire::Holder;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, clean_lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::journal::Actor;
use crate::organizations;
use crate::people::holders::Directory;
use rows::InspectionRow;
pub(crate) use rows::open;
use wire::{
    InspectionAnswerPut, InspectionCompletionCreate, SelfInspection, SelfInspectionCreate, SelfInspectionFilter,
    SelfInspectionPage,
};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_self_inspection)
        .service(list_self_inspections)
        .service(get_self_inspection)
        .service(put_self_inspection_answer)
        .service(complete_self_inspection);
}

/// Opens the self-inspections of the fiscal year for those organizations that had one in the year before; answers how
/// many.
///
/// # Errors
/// A database failure; then none is opened.
pub(crate) fn open_due(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let due = |scope: &mut Scope<'_>| -> Result<Vec<String>, ApiError> {
        let year = fiscal_year(scope.today);
        let opened: BTreeSet<String> = rows::of_year(scope, year)?.into_iter().collect();
        let mut before = rows::of_year(scope, year - 1)?;
        before.retain(|id| !opened.contains(id));
        let mut live = vec![];
        for id in before {
            if organizations::require(scope, &id, "").is_ok() {
                live.push(id);
            }
        }
        Ok(live)
    };
    if app.read_as(tenant, due)?.is_empty() {
        return Ok(0);
    }
    app.write_as(tenant, Actor::system(), |scope| {
        let organizations = due(scope)?;
        for id in &organizations {
            rows::open(scope, id, fiscal_year(scope.today))?;
        }
        Ok(organizations.len())
    })
}

/// Open a self-inspection
///
/// One item for each duty that the organization's policy states, with its section; due at the end of the fiscal year.
/// Once for each year (409 `duplicate_self_inspection`). The next years' are opened by themselves on 1 April.
#[utoipa::path(tag = "audits", request_body = SelfInspectionCreate, security(("oauth2" = ["audits:write"])), responses(
    (status = 201, description = "自己点検 / The self-inspection", body = SelfInspection,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/self-inspections")]
async fn create_self_inspection(
    caller: Caller<scope::AuditsWrite>,
    Body(new): Body<SelfInspectionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            if !caller.organizations.contains(&new.organization_id) {
                return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
            }
            organizations::require(scope, &new.organization_id, "/organization_id")?;
            let year = fiscal_year(scope.today);
            if !(year - 1..=year).contains(&new.fiscal_year) {
                return Err(ApiError::field(
                    "/fiscal_year",
                    "out_of_range",
                    "今年度か前年度にしてください。",
                    "It must be the present fiscal year or the one before.",
                ));
            }
            if rows::is_open(scope, &new.organization_id, new.fiscal_year)? {
                return Err(ApiError::Conflict {
                    code: "duplicate_self_inspection",
                    ja: "この機関のこの年度の自己点検はあります。それに回答してください。".to_owned(),
                    en: "The organization has a self-inspection of this year; answer that.".to_owned(),
                });
            }
            let id = rows::open(scope, &new.organization_id, new.fiscal_year)?;
            let inspection = rows::one(scope, &caller.organizations, &id)?;
            let location = format!("/api/v1/self-inspections/{id}");
            Ok(Answer::created(location, &inspection)?.version(inspection.version))
        })
        .await
}

/// List self-inspections
///
/// Sorted by id, which is the order of opening; each with its duties.
#[utoipa::path(tag = "audits", params(SelfInspectionFilter), security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "自己点検の一覧 / A page of self-inspections", body = SelfInspectionPage), Problems))]
#[get("/self-inspections")]
async fn list_self_inspections(
    caller: Caller<scope::AuditsRead>,
    request: HttpRequest,
    Params(filter): Params<SelfInspectionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_self_inspections", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &InspectionRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows::complete(scope, found)?;
            let page = SelfInspectionPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get a self-inspection
///
/// With its duties and their answers.
#[utoipa::path(tag = "audits",
    params(("self_inspection_id" = String, Path, description = "自己点検のID", format = Uuid)),
    security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "自己点検 / The self-inspection", body = SelfInspection, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/self-inspections/{self_inspection_id}")]
async fn get_self_inspection(
    caller: Caller<scope::AuditsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let inspection = rows::one(scope, &caller.organizations, &path_id(&id)?)?;
            Ok(Answer::ok(&inspection)?.version(inspection.version))
        })
        .await
}

/// Answer about a duty
///
/// How the acting person finds it kept. What does not apply needs its reason, what is not met its improvement and the
/// day. Needs `If-Match` with the self-inspection's entity tag; not once it is complete.
#[utoipa::path(tag = "audits", request_body = InspectionAnswerPut,
    params(("self_inspection_id" = String, Path, description = "自己点検のID", format = Uuid),
           ("duty" = String, Path, description = "義務のキー / the duty", example = "contractor_chain", max_length = 60),
           ("If-Match" = String, Header, description = "自己点検の ETag / the self-inspection's ETag"),
           ("Acting-Person" = String, Header, description = "回答する人のID / who answers")),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 200, description = "自己点検 / The self-inspection", body = SelfInspection, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[put("/self-inspections/{self_inspection_id}/answers/{duty}")]
async fn put_self_inspection_answer(
    caller: Caller<scope::AuditsWrite>,
    path: web::Path<(String, String)>,
    Body(mut new): Body<InspectionAnswerPut>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let (id, duty) = path.into_inner();
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let duty = DutyKey::parse(&duty).ok_or(ApiError::NotFound)?;
            let person = caller.person()?.to_owned();
            if_match.check(row.version, caller.lang)?;
            check(scope, &row, &mut new)?;
            row.require_open()?;
            rows::answer(scope, &row, duty, &person, &new)?;
            let payload = json!({"duty": duty, "answer": new.answer, "reason": new.reason, "note": new.note,
                "improvement": new.improvement, "improvement_due_on": new.improvement_due_on,
                "evidence_id": new.evidence_id, "file_id": new.file_id});
            scope.record("self_inspection.answered", row.subject(), payload);
            let inspection = rows::one(scope, &caller.organizations, &row.id)?;
            Ok(Answer::ok(&inspection)?.version(inspection.version))
        })
        .await
}

/// Cleans the texts of an answer and checks what it says.
fn check(scope: &mut Scope<'_>, row: &InspectionRow, new: &mut InspectionAnswerPut) -> Result<(), ApiError> {
    let mut errors = vec![];
    clean_lines(&mut new.reason, "/reason", 2000, &mut errors);
    clean_lines(&mut new.note, "/note", 2000, &mut errors);
    clean_lines(&mut new.improvement, "/improvement", 2000, &mut errors);
    let said = Said {
        answer: new.answer,
        has_reason: new.reason.is_some(),
        has_improvement: new.improvement.is_some(),
        has_improvement_due: new.improvement_due_on.is_some(),
    };
    errors.extend(check_answer(said).iter().map(field_error));
    if new.improvement_due_on.is_some_and(|on| on < scope.today) {
        errors.push(FieldError::new(
            "/improvement_due_on",
            "date_in_past",
            "期限は今日以後の日にしてください。",
            "It must not lie in the past.",
        ));
    }
    let (evidence_id, file_id) = (new.evidence_id.as_deref(), new.file_id.as_deref());
    proof::check(scope, &row.organization_id, evidence_id, file_id, &mut errors)?;
    ApiError::unless_empty(errors)
}

/// Complete a self-inspection
///
/// The acting person is a section's security manager (情報セキュリティ管理者) of the organization today. Every duty must be
/// answered (409 `unanswered_duties`); from then on nothing changes, and each improvement is a corrective action.
#[utoipa::path(tag = "audits", request_body = InspectionCompletionCreate,
    params(("self_inspection_id" = String, Path, description = "自己点検のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "情報セキュリティ管理者のID / the manager")),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 200, description = "完了した自己点検 / The self-inspection", body = SelfInspection, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/self-inspections/{self_inspection_id}/completions")]
async fn complete_self_inspection(
    caller: Caller<scope::AuditsWrite>,
    id: web::Path<String>,
    Body(mut new): Body<InspectionCompletionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let mut errors = vec![];
            clean_lines(&mut new.note, "/note", 2000, &mut errors);
            ApiError::unless_empty(errors)?;
            row.require_open()?;
            require_manager(scope, &row.organization_id, &person)?;
            let unanswered: Vec<&str> = rows::one(scope, &caller.organizations, &row.id)?
                .duties
                .iter()
                .filter(|duty| duty.answer.is_none())
                .map(|duty| duty.duty.ja())
                .collect();
            if !unanswered.is_empty() {
                return Err(ApiError::Conflict {
                    code: "unanswered_duties",
                    ja: format!(
                        "回答のない義務があります：{}。先に回答してください。",
                        unanswered.join("、")
                    ),
                    en: format!("{} duties are not answered; answer them first.", unanswered.len()),
                });
            }
            rows::finish(scope, &row, &person, new.note.as_deref())?;
            let inspection = rows::one(scope, &caller.organizations, &row.id)?;
            open_improvements(scope, &inspection)?;
            let payload = json!({"fiscal_year": row.fiscal_year, "note": new.note, "duties": inspection.duties});
            scope.record("self_inspection.completed", row.subject(), payload);
            Ok(Answer::ok(&inspection)?.version(inspection.version))
        })
        .await
}

/// What is promised becomes a corrective action of whoever answered, so that it is followed up like any other.
fn open_improvements(scope: &mut Scope<'_>, inspection: &SelfInspection) -> Result<(), ApiError> {
    for duty in &inspection.duties {
        let (Some(improvement), Some(due_on)) = (&duty.improvement, duty.improvement_due_on) else {
            continue;
        };
        let new = NewAction {
            organization_id: inspection.organization_id.clone(),
            entry_id: None,
            clause_key: None,
            origin_kind: CorrectiveActionOrigin::SelfInspection,
            origin_id: Some(inspection.id.clone()),
            title: format!("自己点検「{}」の改善", duty.duty.ja()),
            owner: Some(Holder {
                person_id: duty.answered_by_person_id.clone(),
                post_id: None,
            }),
            due_on: due_on.max(scope.today),
            note: Some(improvement.clone()),
        };
        let id = corrective_actions::open(scope, &new)?;
        corrective_actions::settle(scope, &id)?;
    }
    Ok(())
}

fn require_manager(scope: &mut Scope<'_>, organization_id: &str, person_id: &str) -> Result<(), ApiError> {
    let organization = [organization_id.to_owned()];
    let directory = Directory::load(scope, &organization, &[person_id.to_owned()], &[], scope.today)?;
    if directory.holds(person_id, organization_id, Role::SectionSecurityManager) {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "role_required",
        ja: "自己点検を完了できるのはこの機関の情報セキュリティ管理者です。".to_owned(),
        en: "A section's security manager of the organization completes it.".to_owned(),
    })
}
