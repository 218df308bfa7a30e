//! Exceptions (例外措置): for a time, something else stands in for one clause of one entry.
//!
//! Whoever needs one applies, the CISO decides, or the decision of another system is recorded. From then on
//! the clause counts as excepted, until the last day is over and its credit is gone ([`crate::domain::exception`],
//! [`crate::clauses::stored`]).

mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::exceptions;
use crate::domain::exception::{ExceptionState, check_expiry};
use crate::domain::vocabulary::{CodeWord, Role};
use crate::entries::rows::EntryRow;
use crate::entries::{rows as entries, state};
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, clean_lines, line, lines, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::people::holders::Directory;
use crate::{delegations, people};
use rows::ExceptionRow;
use wire::{
    Exception, ExceptionCreate, ExceptionDecisionCreate, ExceptionDecisionWord, ExceptionFilter, ExceptionPage,
    RevocationCreate,
};

pub(crate) use rows::{ExceptionInEffect, in_effect};

/// Exceptions that a page shows at once.
const WAITING: i64 = 50;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_exception)
        .service(list_exceptions)
        .service(get_exception)
        .service(decide_exception)
        .service(revoke_exception);
}

/// Apply for an exception
///
/// For one clause; the statutory permission (番号法第10条) has none. An emergency exception counts at once. The acting
/// person is the applicant.
#[utoipa::path(tag = "deviations", request_body = ExceptionCreate,
    params(("entry_id" = String, Path, description = "台帳のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "申請する人のID / who applies")),
    security(("oauth2" = ["entries:write"])), responses(
    (status = 201, description = "申請した例外措置 / The exception", body = Exception,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/entries/{entry_id}/exceptions")]
async fn create_exception(
    caller: Caller<scope::EntriesWrite>,
    id: web::Path<String>,
    Body(new): Body<ExceptionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = entries::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            entries::require_live(&entry)?;
            let id = apply(scope, &entry, &person, new)?;
            let exception = rows::find(scope, &caller.organizations, &id)?.wire(scope.today);
            let location = format!("/api/v1/exceptions/{id}");
            Ok(Answer::created(location, &exception)?.version(exception.version))
        })
        .await
}

/// Records an application.
fn apply(scope: &mut Scope<'_>, entry: &EntryRow, person_id: &str, new: ExceptionCreate) -> Result<String, ApiError> {
    let mut errors = vec![];
    let reason = lines(&new.reason, "/reason", 4000, &mut errors);
    let measures = lines(&new.compensating_measures, "/compensating_measures", 4000, &mut errors);
    let catalogue = scope.catalogue_of(&entry.organization_id, scope.today)?;
    match catalogue.clause(&new.clause_key) {
        Some(clause) if clause.is_statutory() => errors.push(FieldError::new(
            "/clause_key",
            "statutory_clause",
            "法律が求める条項に例外措置は認められません。",
            "A statutory clause knows no exception.",
        )),
        Some(clause) if !clause.applies_to.contains(&entry.kind.0) => errors.push(FieldError::new(
            "/clause_key",
            "clause_of_another_kind",
            "この種類の台帳にない条項です。",
            "This clause is not one of this kind of entry.",
        )),
        Some(_) => {}
        None => errors.push(FieldError::reference("/clause_key")),
    }
    errors.extend(expiry_error(scope.today, new.expires_on, new.emergency, false));
    ApiError::unless_empty(errors)?;
    if entry.status.0.is_final() {
        return Err(ApiError::Conflict {
            code: "entry_is_over",
            ja: "この台帳は終了しているため、例外措置は要りません。".to_owned(),
            en: "The entry is over and needs no exception.".to_owned(),
        });
    }
    if rows::undecided(scope, &entry.id, &new.clause_key)? {
        return Err(ApiError::Conflict {
            code: "exception_undecided",
            ja: "この条項には決定を待つ例外措置があります。その決定か取消しを先にしてください。".to_owned(),
            en: "An application for this clause waits for its decision; decide or revoke it first.".to_owned(),
        });
    }
    let id = scope.new_id();
    diesel::insert_into(exceptions::table)
        .values((
            (
                exceptions::local_government_id.eq(&scope.lg),
                exceptions::id.eq(&id),
                exceptions::organization_id.eq(&entry.organization_id),
                exceptions::entry_id.eq(&entry.id),
                exceptions::clause_key.eq(&new.clause_key),
                exceptions::state.eq(ExceptionState::Requested.code()),
                exceptions::emergency.eq(new.emergency),
                exceptions::reason.eq(&reason),
                exceptions::compensating_measures.eq(&measures),
                exceptions::requested_by_person_id.eq(person_id),
                exceptions::requested_on.eq(scope.today),
                exceptions::expires_on.eq(new.expires_on),
                exceptions::beyond_fiscal_year.eq(false),
            ),
            (
                exceptions::version.eq(1),
                exceptions::created_at.eq(scope.at),
                exceptions::created_by.eq(scope.by()),
                exceptions::updated_at.eq(scope.at),
                exceptions::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    let payload = json!({"clause_key": new.clause_key, "emergency": new.emergency, "reason": reason,
        "compensating_measures": measures, "expires_on": new.expires_on});
    settle(scope, &id, "exception.requested", payload)?;
    Ok(id)
}

fn expiry_error(from: NaiveDate, on: NaiveDate, emergency: bool, beyond_fiscal_year: bool) -> Option<FieldError> {
    check_expiry(from, on, emergency, beyond_fiscal_year)
        .err()
        .map(|fault| FieldError::new("/expires_on", fault.code(), fault.ja(), fault.en()))
}

/// Notes a change of an exception and brings its entry in line.
fn settle(scope: &mut Scope<'_>, id: &str, action: &'static str, payload: serde_json::Value) -> Result<(), ApiError> {
    let row: ExceptionRow = exceptions::table
        .find((&scope.lg, id))
        .select(ExceptionRow::as_select())
        .first(scope.conn)?;
    scope.record(action, row.subject(), payload);
    entries::touch(scope, &row.entry_id)?;
    state::refresh(scope, &row.entry_id, "exception_changed")
}

/// List exceptions
///
/// Sorted by id, which is the order of application.
#[utoipa::path(tag = "deviations", params(ExceptionFilter), security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "例外措置の一覧 / A page of exceptions", body = ExceptionPage), Problems))]
#[get("/exceptions")]
async fn list_exceptions(
    caller: Caller<scope::EntriesRead>,
    request: HttpRequest,
    Params(filter): Params<ExceptionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_exceptions", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &ExceptionRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(|row| row.wire(scope.today)).collect();
            let page = ExceptionPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Exceptions of these organizations that wait for their decision, the oldest first.
///
/// # Errors
/// A database failure.
pub(crate) fn waiting(scope: &mut Scope<'_>, organizations: Vec<String>) -> Result<Vec<Exception>, ApiError> {
    let filter = ExceptionFilter {
        state: Some(ExceptionState::Requested),
        ..ExceptionFilter::default()
    };
    let allowed = Organizations::Only(organizations);
    let (found, _) = rows::select_page(scope, &allowed, &filter, None, WAITING)?;
    Ok(found.into_iter().map(|row| row.wire(scope.today)).collect())
}

/// Get an exception
///
/// With its decision, and the risk on which it was taken.
#[utoipa::path(tag = "deviations", params(("exception_id" = String, Path, description = "例外措置のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "例外措置 / The exception", body = Exception, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/exceptions/{exception_id}")]
async fn get_exception(caller: Caller<scope::EntriesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let exception = rows::find(scope, &caller.organizations, &path_id(&id)?)?.wire(scope.today);
            Ok(Answer::ok(&exception)?.version(exception.version))
        })
        .await
}

/// Decide about an exception
///
/// The acting person is the organization's CISO today and not the applicant; or the decision was taken `elsewhere` and
/// the acting person records it. The risk of the moment is kept with the decision.
#[utoipa::path(tag = "deviations", request_body = ExceptionDecisionCreate,
    params(("exception_id" = String, Path, description = "例外措置のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "決めた人、又は記録する人のID / who decides, or records")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "決定後の例外措置 / The exception", body = Exception, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/exceptions/{exception_id}/decisions")]
async fn decide_exception(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<ExceptionDecisionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let entry = entries::find(scope, &caller.organizations, &row.entry_id)?;
            decide(scope, &row, &entry, &person, new)?;
            let exception = rows::find(scope, &caller.organizations, &row.id)?.wire(scope.today);
            Ok(Answer::ok(&exception)?.version(exception.version))
        })
        .await
}

/// Records a decision.
fn decide(
    scope: &mut Scope<'_>,
    row: &ExceptionRow,
    entry: &EntryRow,
    person_id: &str,
    mut new: ExceptionDecisionCreate,
) -> Result<(), ApiError> {
    check_decision(scope, row, &mut new)?;
    entries::require_live(entry)?;
    if row.state_on(scope.today) != ExceptionState::Requested {
        return Err(ApiError::Conflict {
            code: "already_closed",
            ja: "この例外措置は決定済みか、期限を過ぎています。必要なら新しく申請してください。".to_owned(),
            en: "It is decided or over; apply for a new one if it is needed.".to_owned(),
        });
    }
    let decided_by = match &new.elsewhere {
        Some(elsewhere) => elsewhere.decided_by_person_id.clone(),
        None => Some(person_id.to_owned()),
    };
    let applicant = &row.requested_by_person_id;
    let same = match &decided_by {
        Some(person) => delegations::are_one(scope, &row.organization_id, person, applicant)?,
        None => false,
    };
    if same {
        return Err(ApiError::Conflict {
            code: "self_approval_forbidden",
            ja: "申請した本人と、その不在代理者は決定できません。CISOが決定してください。".to_owned(),
            en: "Neither the applicant nor whoever stands in for them decides; the CISO does.".to_owned(),
        });
    }
    let acting_for = if new.elsewhere.is_none() {
        require_ciso(scope, &row.organization_id, person_id)?
    } else {
        vec![]
    };
    let approved = new.decision == ExceptionDecisionWord::Approve;
    let state = if approved {
        ExceptionState::Approved
    } else {
        ExceptionState::Rejected
    };
    let elsewhere = new.elsewhere.as_ref();
    let decided_on = elsewhere.map_or(scope.today, |elsewhere| elsewhere.decided_on);
    diesel::update(exceptions::table.find((&scope.lg, &row.id)))
        .set((
            (
                exceptions::state.eq(state.code()),
                exceptions::expires_on.eq(new.expires_on.unwrap_or(row.expires_on)),
                exceptions::beyond_fiscal_year.eq(approved && new.beyond_fiscal_year),
                exceptions::decided_on.eq(Some(decided_on)),
                exceptions::decided_by_person_id.eq(&decided_by),
                exceptions::decided_by.eq(elsewhere.map(|elsewhere| &elsewhere.decided_by)),
                exceptions::decision_document_number.eq(elsewhere.map(|elsewhere| &elsewhere.document_number)),
                exceptions::decision_recorded_by_person_id.eq(Some(person_id)),
                exceptions::decision_note.eq(&new.note),
            ),
            (
                exceptions::assessment_id.eq(&entry.assessment_id),
                exceptions::residual_level.eq(&entry.risk_level),
                exceptions::residual_score_x100.eq(Some(entry.risk_score_x100)),
                exceptions::version.eq(exceptions::version + 1),
                exceptions::updated_at.eq(scope.at),
                exceptions::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    let payload = json!({"clause_key": row.clause_key, "decision": new.decision, "decided_on": decided_on,
        "decided_by_person_id": decided_by, "decided_by": elsewhere.map(|elsewhere| &elsewhere.decided_by),
        "document_number": elsewhere.map(|elsewhere| &elsewhere.document_number), "note": new.note,
        "expires_on": new.expires_on.unwrap_or(row.expires_on), "assessment_id": entry.assessment_id,
        "residual_score_x100": entry.risk_score_x100, "acting_for_person_ids": acting_for});
    settle(scope, &row.id, "exception.decided", payload)
}

/// Cleans the texts of a decision and checks its values.
fn check_decision(
    scope: &mut Scope<'_>,
    row: &ExceptionRow,
    new: &mut ExceptionDecisionCreate,
) -> Result<(), ApiError> {
    let mut errors = vec![];
    clean_lines(&mut new.note, "/note", 4000, &mut errors);
    let mut decided_on = scope.today;
    if let Some(elsewhere) = &mut new.elsewhere {
        elsewhere.decided_by = line(&elsewhere.decided_by, "/elsewhere/decided_by", 200, &mut errors);
        let number = line(
            &elsewhere.document_number,
            "/elsewhere/document_number",
            100,
            &mut errors,
        );
        elsewhere.document_number = number;
        if elsewhere.decided_on > scope.today || elsewhere.decided_on < row.requested_on {
            errors.push(FieldError::new(
                "/elsewhere/decided_on",
                "out_of_range",
                "決定日は申請の日から今日までの日にしてください。",
                "It must lie between the application and today.",
            ));
        } else {
            decided_on = elsewhere.decided_on;
        }
        if let Some(person) = &elsewhere.decided_by_person_id {
            people::require(scope, person, "/elsewhere/decided_by_person_id")?;
        }
    }
    match (new.decision, new.expires_on) {
        (ExceptionDecisionWord::Approve, Some(on)) if on < scope.today => {
            errors.extend(expiry_error(scope.today, on, false, true));
        }
        // What the CISO has seen follows the ordinary limits, an emergency too.
        (ExceptionDecisionWord::Approve, Some(on)) => {
            errors.extend(expiry_error(decided_on, on, false, new.beyond_fiscal_year));
        }
        (ExceptionDecisionWord::Approve, None) if row.expires_on < scope.today => {
            errors.push(FieldError::new(
                "/expires_on",
                "required",
                "申請された期限は過ぎています。新しい期限を入れてください。",
                "The last day applied for is over; give another one.",
            ));
        }
        (ExceptionDecisionWord::Reject, Some(_)) => errors.push(FieldError::new(
            "/expires_on",
            "only_with_approval",
            "期限は承認するときだけ指定できます。",
            "Only an approval has a last day.",
        )),
        (_, None) => {}
    }
    ApiError::unless_empty(errors)
}

/// The person holds the role of CISO in the organization today, or stands in for whoever does; answers for whom.
fn require_ciso(scope: &mut Scope<'_>, organization_id: &str, person_id: &str) -> Result<Vec<String>, ApiError> {
    let organizations = [organization_id.to_owned()];
    let directory = Directory::load(scope, &organizations, &[person_id.to_owned()], &[], scope.today)?;
    let holds = |roles: Vec<Role>| roles.contains(&Role::Ciso);
    if holds(directory.roles_of(person_id, organization_id, None)) {
        if holds(directory.own_roles_of(person_id, organization_id, None)) {
            return Ok(vec![]);
        }
        let absent = directory.stands_in_for(organization_id, person_id);
        let absent = absent.filter(|absent| holds(directory.own_roles_of(absent, organization_id, None)));
        return Ok(absent.map(str::to_owned).collect());
    }
    Err(ApiError::Conflict {
        code: "role_required",
        ja: "例外措置を決定できるのはこの機関のCISOだけです。ほかで決定したものは elsewhere に記録してください。"
            .to_owned(),
        en: "Only the organization's CISO decides here; record a decision taken elsewhere in `elsewhere`.".to_owned(),
    })
}

/// Revoke an exception
///
/// Ends it today, or withdraws an application that is not decided. The clause then counts as it would without it.
#[utoipa::path(tag = "deviations", request_body = RevocationCreate,
    params(("exception_id" = String, Path, description = "例外措置のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "取り消す人のID / who revokes it")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "取り消した例外措置 / The exception", body = Exception, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/exceptions/{exception_id}/revocations")]
async fn revoke_exception(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<RevocationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let mut errors = vec![];
            let reason = lines(&new.reason, "/reason", 4000, &mut errors);
            ApiError::unless_empty(errors)?;
            let entry = entries::find(scope, &caller.organizations, &row.entry_id)?;
            entries::require_live(&entry)?;
            let state = row.state_on(scope.today);
            if !matches!(state, ExceptionState::Requested | ExceptionState::Approved) {
                return Err(ApiError::Conflict {
                    code: "already_closed",
                    ja: "この例外措置は既に終わっています。読み直してください。".to_owned(),
                    en: "It is over already; read it again.".to_owned(),
                });
            }
            diesel::update(exceptions::table.find((&scope.lg, &row.id)))
                .set((
                    exceptions::state.eq(ExceptionState::Revoked.code()),
                    exceptions::revoked_on.eq(Some(scope.today)),
                    exceptions::revoked_by_person_id.eq(Some(&person)),
                    exceptions::revocation_reason.eq(Some(&reason)),
                    exceptions::version.eq(exceptions::version + 1),
                    exceptions::updated_at.eq(scope.at),
                    exceptions::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            let payload = json!({"clause_key": row.clause_key, "before": state, "reason": reason});
            settle(scope, &row.id, "exception.revoked", payload)?;
            let exception = rows::find(scope, &caller.organizations, &row.id)?.wire(scope.today);
            Ok(Answer::ok(&exception)?.version(exception.version))
        })
        .await
}
