//! Subcontracts (再委託): the chain below the contractor of an engagement, applied for, decided, and ended.
//!
//! The rules of the chain are [`crate::domain::subcontract`]'s. That it is permitted and gone through again is what
//! transitions ask for ([`crate::transitions`]); what ends before the tier above is a due date
//! ([`crate::entries::state`]). The company itself is a [`crate::contractors`] record.

mod application;
mod decision;
mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use diesel::prelude::*;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::{engagements, subcontracts};
use crate::domain::subcontract::SubcontractState;
use crate::domain::vocabulary::{CodeWord, Kind};
use crate::entries::rows as entry_rows;
use crate::entries::state;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, clean_lines, lines, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use rows::Row;
use wire::{
    Subcontract, SubcontractCreate, SubcontractDecisionCreate, SubcontractEndingCreate, SubcontractFilter,
    SubcontractListConfirmation, SubcontractListConfirmationCreate, SubcontractPage, SubcontractPatch,
};

pub(crate) use application::apply;
pub(crate) use decision::may_decide;
pub(crate) use rows::{Waiting, chain, of_engagements, waiting};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_subcontracts)
        .service(create_subcontract)
        .service(get_subcontract)
        .service(update_subcontract)
        .service(decide_subcontract)
        .service(end_subcontract)
        .service(confirm_subcontract_list);
}

/// List subcontracts
///
/// Sorted by id, which is the order of registration; with `engagement_id` the chain of one engagement.
#[utoipa::path(tag = "subcontracts", params(SubcontractFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "再委託の一覧 / A page of subcontracts", body = SubcontractPage), Problems))]
#[get("/subcontracts")]
async fn list_subcontracts(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    Params(filter): Params<SubcontractFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_subcontracts", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &Row| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(|row| row.wire(scope.today)).collect();
            let page = SubcontractPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Apply to subcontract
///
/// Recorded for the contractor by the section. It is not permitted until it is decided.
#[utoipa::path(tag = "subcontracts", request_body = SubcontractCreate, security(("oauth2" = ["entries:write"])), responses(
    (status = 201, description = "申請した再委託 / The subcontract", body = Subcontract,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/subcontracts")]
async fn create_subcontract(
    caller: Caller<scope::EntriesWrite>,
    Body(new): Body<SubcontractCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let id = apply(scope, &caller.organizations, new)?;
            let subcontract = rows::find(scope, &caller.organizations, &id)?.wire(scope.today);
            let location = format!("/api/v1/subcontracts/{id}");
            Ok(Answer::created(location, &subcontract)?.version(subcontract.version))
        })
        .await
}

fn not_in_the_future(pointer: &str) -> FieldError {
    FieldError::new(
        pointer,
        "out_of_range",
        "今日以前の日にしてください。",
        "It must not be in the future.",
    )
}

/// Notes a change in the journal and brings the engagement in line.
fn settle(scope: &mut Scope<'_>, allowed: &Organizations, id: &str, action: &'static str) -> Result<(), ApiError> {
    let row = rows::find(scope, allowed, id)?;
    scope.record(
        action,
        row.subject(),
        serde_json::to_value(row.clone().wire(scope.today))?,
    );
    entry_rows::touch(scope, &row.engagement_id)?;
    state::refresh(scope, &row.engagement_id, "subcontract_changed")
}

/// Get a subcontract
///
/// With its decision.
#[utoipa::path(tag = "subcontracts", params(("subcontract_id" = String, Path, description = "再委託のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "再委託 / The subcontract", body = Subcontract, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/subcontracts/{subcontract_id}")]
async fn get_subcontract(caller: Caller<scope::EntriesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let subcontract = rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire(scope.today);
            Ok(Answer::ok(&subcontract)?.version(subcontract.version))
        })
        .await
}

/// Change a subcontract
///
/// Everything while it is applied for. What is decided stands: a longer term or other work is applied for anew (409
/// `already_closed`); amount and note can still be changed.
#[utoipa::path(tag = "subcontracts", request_body(content(
        (SubcontractPatch = "application/json"), (SubcontractPatch = "application/merge-patch+json"))),
    params(("subcontract_id" = String, Path, description = "再委託のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 200, description = "変更後の再委託 / The subcontract", body = Subcontract, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/subcontracts/{subcontract_id}")]
async fn update_subcontract(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    patch: Patch<SubcontractPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            let entry = entry_rows::find(scope, &caller.organizations, &row.engagement_id)?;
            entry_rows::require_live(&entry)?;
            let id = row.id.clone();
            application::change(scope, &entry, row, &patch)?;
            settle(scope, &caller.organizations, &id, "subcontract.updated")?;
            let subcontract = rows::find(scope, &caller.organizations, &id)?.wire(scope.today);
            Ok(Answer::ok(&subcontract)?.version(subcontract.version))
        })
        .await
}

fn already_decided() -> ApiError {
    ApiError::Conflict {
        code: "already_closed",
        ja: "この再委託は決定済みか終了しています。内容や期間を変えるには、新しく申請してください。".to_owned(),
        en: "It is decided or over; apply anew for other work or another term.".to_owned(),
    }
}

/// Decide about a subcontract
///
/// By the head of the section or above, or recorded from another decision system (`decided_by`). An approval needs the
/// tier above to be permitted, the clauses seen in the subcontract (`flow_down_confirmed`), a company that is not
/// debarred and, with My Number, the number of the document (番号法10条: at every tier, without exception).
#[utoipa::path(tag = "subcontracts", request_body = SubcontractDecisionCreate,
    params(("subcontract_id" = String, Path, description = "再委託のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "決めた人、又は記録する人のID / who decides, or records")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "決定後の再委託 / The subcontract", body = Subcontract, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/subcontracts/{subcontract_id}/decisions")]
async fn decide_subcontract(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<SubcontractDecisionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let entry = entry_rows::find(scope, &caller.organizations, &row.engagement_id)?;
            decision::decide(scope, &row, &entry, &person, new)?;
            settle(scope, &caller.organizations, &row.id, "subcontract.decided")?;
            let subcontract = rows::find(scope, &caller.organizations, &row.id)?.wire(scope.today);
            Ok(Answer::ok(&subcontract)?.version(subcontract.version))
        })
        .await
}

/// End a subcontract
///
/// When the work under it is over, or its term has run out and the information is back. 409 `in_use` while a tier below
/// it is at work. An application that is not decided is withdrawn this way.
#[utoipa::path(tag = "subcontracts", request_body = SubcontractEndingCreate,
    params(("subcontract_id" = String, Path, description = "再委託のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "終える人のID / who ends it")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "終了した再委託 / The subcontract", body = Subcontract, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/subcontracts/{subcontract_id}/endings")]
async fn end_subcontract(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<SubcontractEndingCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let _ = caller.person()?;
            let mut errors = vec![];
            let reason = lines(&new.reason, "/reason", 1000, &mut errors);
            if new.ended_on > scope.today {
                errors.push(not_in_the_future("/ended_on"));
            }
            ApiError::unless_empty(errors)?;
            let entry = entry_rows::find(scope, &caller.organizations, &row.engagement_id)?;
            entry_rows::require_live(&entry)?;
            if !matches!(row.state.0, SubcontractState::Requested | SubcontractState::Approved) {
                return Err(already_decided());
            }
            let below = chain(scope, &row.engagement_id)?;
            let open = |state| matches!(state, SubcontractState::Requested | SubcontractState::Approved);
            if below
                .iter()
                .any(|one| one.parent_id.as_ref() == Some(&row.id) && open(one.state))
            {
                return Err(ApiError::Conflict {
                    code: "in_use",
                    ja: "下位の再委託が終わっていません。先にそちらを終えてください。".to_owned(),
                    en: "A tier below it is not over; end that first.".to_owned(),
                });
            }
            diesel::update(subcontracts::table.find((&scope.lg, &row.id)))
                .set((
                    subcontracts::state.eq(SubcontractState::Ended.code()),
                    subcontracts::ended_on.eq(Some(new.ended_on)),
                    subcontracts::end_reason.eq(Some(&reason)),
                    subcontracts::version.eq(subcontracts::version + 1),
                    subcontracts::updated_at.eq(scope.at),
                    subcontracts::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            settle(scope, &caller.organizations, &row.id, "subcontract.ended")?;
            let subcontract = rows::find(scope, &caller.organizations, &row.id)?.wire(scope.today);
            Ok(Answer::ok(&subcontract)?.version(subcontract.version))
        })
        .await
}

/// Confirm the list of subcontractors
///
/// That the chain of an engagement, as the register has it today, is the one at work. A renewal asks for it in the
/// period that is about to end. 409 `subcontract_not_permitted` while somebody works without a permission.
#[utoipa::path(tag = "subcontracts", request_body = SubcontractListConfirmationCreate,
    params(("engagement_id" = String, Path, description = "業務委託のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "確かめた人のID / who went through it")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "確かめた記録 / The confirmation", body = SubcontractListConfirmation),
    Problems, WriteProblems))]
#[post("/engagements/{engagement_id}/subcontract-list-confirmations")]
async fn confirm_subcontract_list(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(mut new): Body<SubcontractListConfirmationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let kind = Kind::ContractorEngagement;
            let entry = entry_rows::find_kind(scope, &caller.organizations, kind, &path_id(&id)?)?;
            let person_id = caller.person()?.to_owned();
            let mut errors = vec![];
            clean_lines(&mut new.note, "/note", 1000, &mut errors);
            ApiError::unless_empty(errors)?;
            entry_rows::require_live(&entry)?;
            let chain = chain(scope, &entry.id)?;
            if crate::domain::subcontract::unpermitted(&chain, scope.today)
                .next()
                .is_some()
            {
                return Err(ApiError::Conflict {
                    code: "subcontract_not_permitted",
                    ja: "承認のない再委託があります。決定するか、終了を記録してください。".to_owned(),
                    en: "Somebody works without a permission; decide it or record its end.".to_owned(),
                });
            }
            diesel::update(engagements::table.find((&scope.lg, &entry.id)))
                .set(engagements::subcontract_list_confirmed_on.eq(Some(scope.today)))
                .execute(scope.conn)?;
            let confirmation = SubcontractListConfirmation {
                engagement_id: entry.id.clone(),
                confirmed_on: scope.today,
                person_id,
                at_work: chain.iter().filter(|one| one.is_at_work(scope.today)).count(),
            };
            let payload = json!({"confirmation": confirmation, "note": new.note});
            scope.record("engagement.subcontract_list_confirmed", entry.subject(), payload);
            entry_rows::touch(scope, &entry.id)?;
            Answer::ok(&confirmation)
        })
        .await
}
