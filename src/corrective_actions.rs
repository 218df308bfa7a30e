//! Corrective actions (是正措置): what has to be put right, by whom and until when.
//!
//! A clause that is found not met opens one in the transaction of the verification; others are opened by hand, from an
//! incident or by an audit ([`opening`]). The due date is an obligation whose mails go to the owner of the action; it moves
//! only by a decision, and only forward. An action closes with evidence of what was done, never without; what is to be
//! done again is a new one. How long one may take: [`crate::domain::corrective_action`].

mod opening;
mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use diesel::prelude::*;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::db::schema::{corrective_action_evidence, corrective_action_extensions, corrective_actions, entries};
use crate::domain::corrective_action::CorrectiveActionState;
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::entries::rows::{self as entry_rows, check_holder, holder};
use crate::entries::state;
use crate::evidence;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, line, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::obligations::cycles::{self, Due};
use crate::people::holders::Directory;
use rows::ActionRow;
use wire::{
    ClosureCreate, CorrectiveAction, CorrectiveActionCreate, CorrectiveActionFilter, CorrectiveActionPage,
    CorrectiveActionPatch, ExtensionCreate,
};

pub(crate) use opening::{NewAction, open, open_not_met};
pub(crate) use rows::{is_open_from, open_dues, owners};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_corrective_action)
        .service(list_corrective_actions)
        .service(get_corrective_action)
        .service(update_corrective_action)
        .service(extend_corrective_action)
        .service(close_corrective_action);
}

/// Brings the due date in line: with the entry's others, or by itself where there is no entry.
///
/// # Errors
/// A database failure.
pub(crate) fn settle(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    let row: ActionRow = corrective_actions::table
        .find((&scope.lg, id))
        .select(ActionRow::as_select())
        .first(scope.conn)?;
    if row.state.0 == CorrectiveActionState::Closed {
        cycles::close(scope, ObligationKind::CorrectiveAction, id, "closed")?;
    }
    if let Some(entry_id) = &row.entry_id {
        entry_rows::touch(scope, entry_id)?;
        return state::refresh(scope, entry_id, "corrective_action_changed");
    }
    if row.state.0 == CorrectiveActionState::Open {
        let due = Due {
            kind: ObligationKind::CorrectiveAction,
            subject_id: row.id,
            organization_id: row.organization_id,
            entry_id: None,
            on: row.due_on,
            known_cycle_days: None,
            starts_on: None,
            severe: false,
        };
        cycles::ensure(scope, &due)?;
    }
    Ok(())
}

/// Open a corrective action
///
/// By hand, or from a verification, an incident or a finding of an audit. A clause that a verification finds not met opens
/// one by itself, and so does what a self-inspection promises to improve.
#[utoipa::path(tag = "deviations", request_body = CorrectiveActionCreate, security(("oauth2" = ["actions:write"])), responses(
    (status = 201, description = "是正措置 / The corrective action", body = CorrectiveAction,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/corrective-actions")]
async fn create_corrective_action(
    caller: Caller<scope::ActionsWrite>,
    Body(new): Body<CorrectiveActionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let new = opening::checked(scope, &caller.organizations, new)?;
            let id = open(scope, &new)?;
            settle(scope, &id)?;
            let action = rows::one(scope, &id)?;
            Ok(Answer::created(format!("/api/v1/corrective-actions/{id}"), &action)?.version(action.version))
        })
        .await
}

/// List corrective actions
///
/// Sorted by id, which is the order of opening.
#[utoipa::path(tag = "deviations", params(CorrectiveActionFilter), security(("oauth2" = ["actions:read"])), responses(
    (status = 200, description = "是正措置の一覧 / A page of corrective actions", body = CorrectiveActionPage), Problems))]
#[get("/corrective-actions")]
async fn list_corrective_actions(
    caller: Caller<scope::ActionsRead>,
    request: HttpRequest,
    Params(filter): Params<CorrectiveActionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_corrective_actions", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = rows::select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &ActionRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = rows::complete(scope, found)?;
            let page = CorrectiveActionPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Get a corrective action
///
/// With its extensions and its closure.
#[utoipa::path(tag = "deviations",
    params(("corrective_action_id" = String, Path, description = "是正措置のID", format = Uuid)),
    security(("oauth2" = ["actions:read"])), responses(
    (status = 200, description = "是正措置 / The corrective action", body = CorrectiveAction,
     headers(("ETag" = String, description = "版 / its version"))), Problems))]
#[get("/corrective-actions/{corrective_action_id}")]
async fn get_corrective_action(
    caller: Caller<scope::ActionsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let action = rows::one(scope, &row.id)?;
            Ok(Answer::ok(&action)?.version(action.version))
        })
        .await
}

/// Change a corrective action
///
/// What is to be done, who answers for it, the note, while it is open.
#[utoipa::path(tag = "deviations", request_body = CorrectiveActionPatch,
    params(("corrective_action_id" = String, Path, description = "是正措置のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["actions:write"])), responses(
    (status = 200, description = "変更後の是正措置 / The corrective action", body = CorrectiveAction,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems, PreconditionProblems))]
#[patch("/corrective-actions/{corrective_action_id}")]
async fn update_corrective_action(
    caller: Caller<scope::ActionsWrite>,
    id: web::Path<String>,
    if_match: IfMatch,
    patch: Patch<CorrectiveActionPatch>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let mut row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            require_open(&row)?;
            let change = &patch.set;
            let mut errors = vec![];
            Patch::<CorrectiveActionPatch>::value(
                &mut row.title,
                change
                    .title
                    .as_ref()
                    .map(|title| line(title, "/title", 200, &mut errors)),
            );
            let note = change.note.as_ref().map(|note| lines(note, "/note", 4000, &mut errors));
            patch.nullable(&mut row.note, note, "note");
            check_holder(scope, change.owner.as_ref(), "/owner", &mut errors)?;
            let mut owner = holder(row.owner_person_id.clone(), row.owner_post_id.clone());
            patch.nullable(&mut owner, change.owner.clone(), "owner");
            if owner.is_none() && row.entry_id.is_none() {
                errors.push(FieldError::new(
                    "/owner",
                    "required",
                    "台帳のない是正措置には担当者が必要です。",
                    "An action without an entry needs an owner.",
                ));
            }
            ApiError::unless_empty(errors)?;
            diesel::update(corrective_actions::table.find((&scope.lg, &row.id)))
                .set((
                    corrective_actions::title.eq(&row.title),
                    corrective_actions::note.eq(&row.note),
                    corrective_actions::owner_person_id.eq(owner.as_ref().and_then(|owner| owner.person_id.as_ref())),
                    corrective_actions::owner_post_id.eq(owner.as_ref().and_then(|owner| owner.post_id.as_ref())),
                ))
                .execute(scope.conn)?;
            let payload = json!({"title": row.title, "note": row.note, "owner": owner});
            let action = changed(scope, &row, "corrective_action.updated", payload)?;
            Ok(Answer::ok(&action)?.version(action.version))
        })
        .await
}

fn require_open(row: &ActionRow) -> Result<(), ApiError> {
    if row.state.0 == CorrectiveActionState::Open {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "already_closed",
        ja: "この是正措置は完了しています。さらに必要なら新しく登録してください。".to_owned(),
        en: "It is closed; open a new one if more is needed.".to_owned(),
    })
}

/// Raises the version, notes the change and brings the due date in line.
fn changed(
    scope: &mut Scope<'_>,
    row: &ActionRow,
    action: &'static str,
    payload: Value,
) -> Result<CorrectiveAction, ApiError> {
    diesel::update(corrective_actions::table.find((&scope.lg, &row.id)))
        .set((
            corrective_actions::version.eq(corrective_actions::version + 1),
            corrective_actions::updated_at.eq(scope.at),
            corrective_actions::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    scope.record(action, row.subject(), payload);
    settle(scope, &row.id)?;
    rows::one(scope, &row.id)
}

/// Give more time for a corrective action
///
/// By the decision of a person who is not its owner; only forward.
#[utoipa::path(tag = "deviations", request_body = ExtensionCreate,
    params(("corrective_action_id" = String, Path, description = "是正措置のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "決めた人のID / who decides")),
    security(("oauth2" = ["actions:write"])), responses(
    (status = 200, description = "延ばした是正措置 / The corrective action", body = CorrectiveAction,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems))]
#[post("/corrective-actions/{corrective_action_id}/extensions")]
async fn extend_corrective_action(
    caller: Caller<scope::ActionsWrite>,
    id: web::Path<String>,
    Body(new): Body<ExtensionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let mut errors = vec![];
            let reason = lines(&new.reason, "/reason", 1000, &mut errors);
            if new.due_on <= row.due_on || new.due_on < scope.today {
                errors.push(FieldError::new(
                    "/due_on",
                    "out_of_range",
                    "新しい期限は今の期限より後の日にしてください。",
                    "The new date must be later than the present one.",
                ));
            }
            ApiError::unless_empty(errors)?;
            require_open(&row)?;
            if owner_of(scope, &row)?.as_ref() == Some(&person) {
                return Err(ApiError::Conflict {
                    code: "self_approval_forbidden",
                    ja: "是正措置の担当者は自分で期限を延ばせません。別の人が決めてください。".to_owned(),
                    en: "The owner of the action cannot give more time; another person decides.".to_owned(),
                });
            }
            let extension_id = scope.new_id();
            diesel::insert_into(corrective_action_extensions::table)
                .values((
                    corrective_action_extensions::local_government_id.eq(&scope.lg),
                    corrective_action_extensions::id.eq(extension_id),
                    corrective_action_extensions::corrective_action_id.eq(&row.id),
                    corrective_action_extensions::before_on.eq(row.due_on),
                    corrective_action_extensions::due_on.eq(new.due_on),
                    corrective_action_extensions::reason.eq(&reason),
                    corrective_action_extensions::decided_by_person_id.eq(&person),
                    corrective_action_extensions::created_at.eq(scope.at),
                    corrective_action_extensions::created_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            diesel::update(corrective_actions::table.find((&scope.lg, &row.id)))
                .set(corrective_actions::due_on.eq(new.due_on))
                .execute(scope.conn)?;
            let payload = json!({"before_on": row.due_on, "due_on": new.due_on, "reason": reason,
                "decided_by_person_id": person});
            let action = changed(scope, &row, "corrective_action.extended", payload)?;
            Ok(Answer::ok(&action)?.version(action.version))
        })
        .await
}

/// The person who owns it today: its own owner, or the entry's.
fn owner_of(scope: &mut Scope<'_>, row: &ActionRow) -> Result<Option<String>, ApiError> {
    let mut owner = (row.owner_person_id.clone(), row.owner_post_id.clone());
    if let (None, None, Some(entry_id)) = (&owner.0, &owner.1, &row.entry_id) {
        owner = entries::table
            .find((&scope.lg, entry_id))
            .select((entries::owner_person_id, entries::owner_post_id))
            .first(scope.conn)?;
    }
    let (person, post) = owner;
    let organization = std::slice::from_ref(&row.organization_id);
    let persons: Vec<String> = person.iter().cloned().collect();
    let posts: Vec<String> = post.iter().cloned().collect();
    let directory = Directory::load(scope, organization, &persons, &posts, scope.today)?;
    Ok(directory
        .owner(person.as_deref(), post.as_deref())
        .map(|person| person.id.clone()))
}

/// Close a corrective action
///
/// With what was done and the evidence of it. Its due date is done with; mails that did not leave are cancelled.
#[utoipa::path(tag = "deviations", request_body = ClosureCreate,
    params(("corrective_action_id" = String, Path, description = "是正措置のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "完了とした人のID / who closes it")),
    security(("oauth2" = ["actions:write"])), responses(
    (status = 200, description = "完了した是正措置 / The corrective action", body = CorrectiveAction,
     headers(("ETag" = String, description = "版 / its version"))), Problems, WriteProblems))]
#[post("/corrective-actions/{corrective_action_id}/closures")]
async fn close_corrective_action(
    caller: Caller<scope::ActionsWrite>,
    id: web::Path<String>,
    Body(mut new): Body<ClosureCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let mut errors = vec![];
            let done = lines(&new.done, "/done", 4000, &mut errors);
            let named = new.evidence_ids.iter().enumerate();
            let named: Vec<(&str, String)> = named
                .map(|(i, id)| (id.as_str(), format!("/evidence_ids/{i}")))
                .collect();
            let place = evidence::place(scope, &row.organization_id, row.entry_id.as_deref())?;
            evidence::check_named(scope, &place, &named, &mut errors)?;
            ApiError::unless_empty(errors)?;
            require_open(&row)?;
            new.evidence_ids.sort_unstable();
            new.evidence_ids.dedup();
            for evidence_id in &new.evidence_ids {
                diesel::insert_into(corrective_action_evidence::table)
                    .values((
                        corrective_action_evidence::local_government_id.eq(&scope.lg),
                        corrective_action_evidence::corrective_action_id.eq(&row.id),
                        corrective_action_evidence::evidence_id.eq(evidence_id),
                    ))
                    .execute(scope.conn)?;
            }
            diesel::update(corrective_actions::table.find((&scope.lg, &row.id)))
                .set((
                    corrective_actions::state.eq(CorrectiveActionState::Closed.code()),
                    corrective_actions::closed_on.eq(Some(scope.today)),
                    corrective_actions::closed_by_person_id.eq(Some(&person)),
                    corrective_actions::done.eq(Some(&done)),
                ))
                .execute(scope.conn)?;
            let payload = json!({"done": done, "evidence_ids": new.evidence_ids, "closed_by_person_id": person});
            let action = changed(scope, &row, "corrective_action.closed", payload)?;
            Ok(Answer::ok(&action)?.version(action.version))
        })
        .await
}
