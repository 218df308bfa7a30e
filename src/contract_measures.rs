//! Measures under the contract (契約に基づく措置): what a body did when a contractor did not keep its promise, from the
//! demand to put it right to the end of the contract, with article, notice and number.
//!
//! What caused it is named. The contractor's answer has a due date of its own, whose mails go to the owner of the
//! engagement; it is done with when the answer is recorded.

mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use diesel::prelude::*;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::{contract_measures, corrective_actions, engagement_periods, engagements, verifications};
use crate::domain::vocabulary::{CodeWord, Kind, ObligationKind};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::entries::state;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, clean_lines, line, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::incidents;
use crate::obligations::cycles;
use rows::MeasureRow;
use wire::{ContractMeasure, ContractMeasureCreate, ContractMeasureFilter, ContractMeasurePage, ContractMeasurePatch};

pub(crate) use rows::awaited;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_contract_measure)
        .service(list_contract_measures)
        .service(get_contract_measure)
        .service(update_contract_measure);
}

/// Record a measure under the contract
///
/// Decided by the acting person, with the article it rests on, the notice and its number. Only an engagement has one.
#[utoipa::path(tag = "deviations", request_body = ContractMeasureCreate,
    params(("Acting-Person" = String, Header, description = "決めた人のID / who decides")),
    security(("oauth2" = ["actions:write"])), responses(
    (status = 201, description = "措置 / The measure", body = ContractMeasure,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/contract-measures")]
async fn create_contract_measure(
    caller: Caller<scope::ActionsWrite>,
    Body(mut new): Body<ContractMeasureCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = match entry_rows::find(scope, &caller.organizations, &new.entry_id) {
                Err(ApiError::NotFound) => Err(ApiError::Validation(vec![FieldError::reference("/entry_id")])),
                other => other,
            }?;
            check(scope, &entry, &mut new)?;
            let person = caller.person()?.to_owned();
            entry_rows::require_live(&entry)?;
            let id = insert(scope, &entry, &new, &person)?;
            let payload = json!({"kind": new.kind, "contract_article": new.contract_article, "reason": new.reason,
                "notice_on": new.notice_on, "document_number": new.document_number, "period_id": new.period_id,
                "decided_by_person_id": person, "corrective_action_id": new.corrective_action_id,
                "incident_id": new.incident_id, "verification_id": new.verification_id,
                "answer_due_on": new.answer_due_on, "note": new.note});
            let measure = settle(scope, &id, "contract_measure.taken", payload)?;
            Ok(Answer::created(format!("/api/v1/contract-measures/{id}"), &measure)?.version(measure.version))
        })
        .await
}

/// Cleans the texts, checks the values and fills the period in.
fn check(scope: &mut Scope<'_>, entry: &EntryRow, new: &mut ContractMeasureCreate) -> Result<(), ApiError> {
    let mut errors = vec![];
    new.contract_article = line(&new.contract_article, "/contract_article", 200, &mut errors);
    new.reason = lines(&new.reason, "/reason", 4000, &mut errors);
    new.document_number = line(&new.document_number, "/document_number", 100, &mut errors);
    clean_lines(&mut new.note, "/note", 4000, &mut errors);
    if entry.kind.0 != Kind::ContractorEngagement {
        errors.push(FieldError::new(
            "/entry_id",
            "not_an_engagement",
            "契約に基づく措置は業務委託にだけ登録できます。",
            "Only an engagement has measures under its contract.",
        ));
    }
    if new.notice_on > scope.today {
        errors.push(FieldError::new(
            "/notice_on",
            "out_of_range",
            "通知日は今日以前にしてください。",
            "It must not be in the future.",
        ));
    }
    if new.answer_due_on.is_some_and(|on| on < new.notice_on) {
        errors.push(answer_before_notice("/answer_due_on"));
    }
    match &new.period_id {
        Some(id) => {
            let of: Option<String> = engagement_periods::table
                .find((&scope.lg, id))
                .select(engagement_periods::engagement_id)
                .first(scope.conn)
                .optional()?;
            if of.as_ref() != Some(&entry.id) {
                errors.push(FieldError::reference("/period_id"));
            }
        }
        None => {
            new.period_id = engagements::table
                .find((&scope.lg, &entry.id))
                .select(engagements::current_period_id)
                .first::<Option<String>>(scope.conn)
                .optional()?
                .flatten();
        }
    }
    if let Some(id) = &new.corrective_action_id {
        let of: Option<Option<String>> = corrective_actions::table
            .find((&scope.lg, id))
            .select(corrective_actions::entry_id)
            .first(scope.conn)
            .optional()?;
        if of.flatten().as_ref() != Some(&entry.id) {
            errors.push(FieldError::reference("/corrective_action_id"));
        }
    }
    if let Some(id) = &new.verification_id {
        let of: Option<Option<String>> = verifications::table
            .find((&scope.lg, id))
            .select(verifications::entry_id)
            .first(scope.conn)
            .optional()?;
        if of.flatten().as_ref() != Some(&entry.id) {
            errors.push(FieldError::reference("/verification_id"));
        }
    }
    if let Some(id) = &new.incident_id
        && !incidents::concerns(scope, id, &entry.id)?
    {
        errors.push(FieldError::reference("/incident_id"));
    }
    ApiError::unless_empty(errors)
}

fn answer_before_notice(pointer: &str) -> FieldError {
    FieldError::new(
        pointer,
        "out_of_range",
        "通知日以後の日にしてください。",
        "It must not be before the notice.",
    )
}

fn insert(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    new: &ContractMeasureCreate,
    person_id: &str,
) -> Result<String, ApiError> {
    let id = scope.new_id();
    diesel::insert_into(contract_measures::table)
        .values((
            (
                contract_measures::local_government_id.eq(&scope.lg),
                contract_measures::id.eq(&id),
                contract_measures::organization_id.eq(&entry.organization_id),
                contract_measures::entry_id.eq(&entry.id),
                contract_measures::period_id.eq(&new.period_id),
                contract_measures::kind.eq(new.kind.code()),
                contract_measures::contract_article.eq(&new.contract_article),
                contract_measures::reason.eq(&new.reason),
                contract_measures::notice_on.eq(new.notice_on),
                contract_measures::document_number.eq(&new.document_number),
                contract_measures::decided_by_person_id.eq(person_id),
            ),
            (
                contract_measures::corrective_action_id.eq(&new.corrective_action_id),
                contract_measures::incident_id.eq(&new.incident_id),
                contract_measures::verification_id.eq(&new.verification_id),
                contract_measures::answer_due_on.eq(new.answer_due_on),
                contract_measures::note.eq(&new.note),
                contract_measures::version.eq(1),
                contract_measures::created_at.eq(scope.at),
                contract_measures::created_by.eq(scope.by()),
                contract_measures::updated_at.eq(scope.at),
                contract_measures::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    Ok(id)
}

/// Notes a change of a measure and brings the due date of its answer in line.
fn settle(scope: &mut Scope<'_>, id: &str, action: &'static str, payload: Value) -> Result<ContractMeasure, ApiError> {
    let row: MeasureRow = contract_measures::table
        .find((&scope.lg, id))
        .select(MeasureRow::as_select())
        .first(scope.conn)?;
    scope.record(action, row.subject(), payload);
    if row.answered_on.is_some() {
        cycles::close(scope, ObligationKind::MeasureAnswer, id, "answered")?;
    }
    entry_rows::touch(scope, &row.entry_id)?;
    state::refresh(scope, &row.entry_id, "contract_measure_changed")?;
    Ok(row.wire())
}

/// List measures under contracts
///
/// Sorted by id, which is the order of recording.
#[utoipa::path(tag = "deviations", params(ContractMeasureFilter), security(("oauth2" = ["actions:read"])), responses(
    (status = 200, description = "措置の一覧 / A page of measures", body = ContractMeasurePage), Problems))]
#[get("/contract-measures")]
async fn list_contract_measures(
    caller: Caller<scope::ActionsRead>,
    request: HttpRequest,
    Params(filter): Params<ContractMeasureFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_contract_measures", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &MeasureRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(MeasureRow::wire).collect();
            let page = ContractMeasurePage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get a measure under a contract
///
/// With the answer and what came of it.
#[utoipa::path(tag = "deviations",
    params(("contract_measure_id" = String, Path, description = "措置のID", format = Uuid)),
    security(("oauth2" = ["actions:read"])), responses(
    (status = 200, description = "措置 / The measure", body = ContractMeasure,
     headers(("ETag" = String, description = "版 / its version"))), Problems))]
#[get("/contract-measures/{contract_measure_id}")]
async fn get_contract_measure(
    caller: Caller<scope::ActionsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let measure = rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire();
            Ok(Answer::ok(&measure)?.version(measure.version))
        })
        .await
}

/// Record what came of a measure
///
/// The contractor's answer, another due date for it, the result. The measure itself stays as it was decided.
#[utoipa::path(tag = "deviations", request_body = ContractMeasurePatch,
    params(("contract_measure_id" = String, Path, description = "措置のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["actions:write"])), responses(
    (status = 200, description = "変更後の措置 / The measure", body = ContractMeasure,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems, PreconditionProblems))]
#[patch("/contract-measures/{contract_measure_id}")]
async fn update_contract_measure(
    caller: Caller<scope::ActionsWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
    patch: Patch<ContractMeasurePatch>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let mut row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            let entry = entry_rows::by_id(scope, &row.entry_id)?;
            entry_rows::require_live(&entry)?;
            let mut errors = vec![];
            let change = &patch.set;
            patch.nullable(&mut row.answer_due_on, change.answer_due_on, "answer_due_on");
            if row.answer_due_on.is_some_and(|on| on < row.notice_on) {
                errors.push(answer_before_notice("/answer_due_on"));
            }
            let mut answer = row.answered();
            let mut new = change.answer.clone();
            if let Some(new) = &mut new {
                new.text = lines(&new.text, "/answer/text", 4000, &mut errors);
                if new.answered_on > scope.today {
                    errors.push(FieldError::new(
                        "/answer/answered_on",
                        "out_of_range",
                        "回答日は今日以前にしてください。",
                        "It must not be in the future.",
                    ));
                } else if new.answered_on < row.notice_on {
                    errors.push(answer_before_notice("/answer/answered_on"));
                }
            }
            patch.nullable(&mut answer, new, "answer");
            let result = change
                .result
                .as_ref()
                .map(|result| lines(result, "/result", 4000, &mut errors));
            patch.nullable(&mut row.result, result, "result");
            let note = change.note.as_ref().map(|note| lines(note, "/note", 4000, &mut errors));
            patch.nullable(&mut row.note, note, "note");
            ApiError::unless_empty(errors)?;
            diesel::update(contract_measures::table.find((&scope.lg, &row.id)))
                .set((
                    contract_measures::answer_due_on.eq(row.answer_due_on),
                    contract_measures::answered_on.eq(answer.as_ref().map(|answer| answer.answered_on)),
                    contract_measures::answer.eq(answer.as_ref().map(|answer| &answer.text)),
                    contract_measures::result.eq(&row.result),
                    contract_measures::note.eq(&row.note),
                    contract_measures::version.eq(contract_measures::version + 1),
                    contract_measures::updated_at.eq(scope.at),
                    contract_measures::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let payload = json!({"answer_due_on": row.answer_due_on, "answer": answer, "result": row.result,
                "note": row.note});
            let measure = settle(scope, &row.id, "contract_measure.updated", payload)?;
            Ok(Answer::ok(&measure)?.version(measure.version))
        })
        .await
}
