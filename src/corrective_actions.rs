//! Corrective actions (是正措置): what has to be put right, by whom and until when.
//!
//! A clause that is found not met opens one in the transaction of the verification; others are opened by hand, from an
//! incident or by an audit ([`open`]). The due date is an obligation whose mails go to the owner of the action; it moves
//! only by a decision, and only forward. An action closes with evidence of what was done, never without; what is to be
//! done again is a new one. How long one may take: [`crate::domain::corrective_action`].

mod rows;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Scope, Subject};
use crate::db::schema::{
    corrective_action_evidence, corrective_action_extensions, corrective_actions, entries, verifications,
};
use crate::domain::corrective_action::{CorrectiveActionOrigin, CorrectiveActionState, due_on};
use crate::domain::vocabulary::{CodeWord, Level, ObligationKind};
use crate::entries::rows::{self as entry_rows, EntryRow, check_holder, holder};
use crate::entries::{state, wire::Holder};
use crate::evidence;
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, clean_lines, line, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::obligations::cycles::{self, Due};
use crate::people::holders::Directory;
use crate::{incidents, organizations};
use rows::ActionRow;
use wire::{
    ClosureCreate, CorrectiveAction, CorrectiveActionCreate, CorrectiveActionFilter, CorrectiveActionPage,
    CorrectiveActionPatch, ExtensionCreate,
};

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

/// A corrective action as it is opened.
#[derive(Debug, Clone)]
pub(crate) struct NewAction {
    pub organization_id: String,
    pub entry_id: Option<String>,
    pub clause_key: Option<String>,
    pub origin_kind: CorrectiveActionOrigin,
    pub origin_id: Option<String>,
    pub title: String,
    /// Nobody: the owner of the entry.
    pub owner: Option<Holder>,
    pub due_on: NaiveDate,
    pub note: Option<String>,
}

/// Opens a corrective action; its due date follows when the entry is brought in line ([`settle`]).
///
/// # Errors
/// A database failure.
pub(crate) fn open(scope: &mut Scope<'_>, new: &NewAction) -> Result<String, ApiError> {
    let id = scope.new_id();
    let owner = new.owner.as_ref();
    diesel::insert_into(corrective_actions::table)
        .values((
            (
                corrective_actions::local_government_id.eq(&scope.lg),
                corrective_actions::id.eq(&id),
                corrective_actions::organization_id.eq(&new.organization_id),
                corrective_actions::entry_id.eq(&new.entry_id),
                corrective_actions::clause_key.eq(&new.clause_key),
                corrective_actions::origin_kind.eq(new.origin_kind.code()),
                corrective_actions::origin_id.eq(&new.origin_id),
                corrective_actions::title.eq(&new.title),
                corrective_actions::owner_person_id.eq(owner.and_then(|owner| owner.person_id.as_ref())),
                corrective_actions::owner_post_id.eq(owner.and_then(|owner| owner.post_id.as_ref())),
                corrective_actions::opened_on.eq(scope.today),
                corrective_actions::due_on.eq(new.due_on),
                corrective_actions::state.eq(CorrectiveActionState::Open.code()),
                corrective_actions::note.eq(&new.note),
            ),
            (
                corrective_actions::version.eq(1),
                corrective_actions::created_at.eq(scope.at),
                corrective_actions::created_by.eq(scope.by()),
                corrective_actions::updated_at.eq(scope.at),
                corrective_actions::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    let subject = Subject {
        organization_id: Some(&new.organization_id),
        entry_id: new.entry_id.as_deref(),
        ..Subject::of("corrective_action", &id)
    };
    let payload = json!({"clause_key": new.clause_key, "origin_kind": new.origin_kind, "origin_id": new.origin_id,
        "title": new.title, "owner": new.owner, "due_on": new.due_on, "note": new.note});
    scope.record("corrective_action.opened", subject, payload);
    Ok(id)
}

/// Opens one for each clause that a verification found not met and that none is open about yet.
///
/// # Errors
/// A database failure.
pub(crate) fn open_not_met(
    scope: &mut Scope<'_>,
    entry_id: &str,
    verification_id: &str,
    clause_keys: &[&str],
) -> Result<(), ApiError> {
    let known = rows::open_clauses(scope, entry_id)?;
    let entry = entry_rows::by_id(scope, entry_id)?;
    let on = due_by_level(scope, &entry)?;
    let mut opened = false;
    for key in clause_keys.iter().filter(|key| !known.contains(**key)) {
        let title = scope
            .app
            .catalogue
            .clause(key)
            .map_or(*key, |clause| clause.title_ja.as_str());
        let new = NewAction {
            organization_id: entry.organization_id.clone(),
            entry_id: Some(entry.id.clone()),
            clause_key: Some((*key).to_owned()),
            origin_kind: CorrectiveActionOrigin::Verification,
            origin_id: Some(verification_id.to_owned()),
            title: format!("「{title}」の是正"),
            owner: None,
            due_on: on,
            note: None,
        };
        open(scope, &new)?;
        opened = true;
    }
    if opened {
        state::refresh(scope, entry_id, "corrective_action_opened")?;
    }
    Ok(())
}

/// When one that is opened today is due, by the risk level of the entry; the worst level while there is none.
fn due_by_level(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<NaiveDate, ApiError> {
    let level = entry
        .risk_level
        .as_deref()
        .and_then(Level::parse)
        .unwrap_or(Level::Critical);
    let calendar = organizations::row(scope, &entry.organization_id)?.calendar(scope.app)?;
    Ok(due_on(&scope.app.risk_policy, level, scope.today, &calendar))
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
/// By hand, or from a verification or an incident. A clause that a verification finds not met opens one by itself.
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
            let entry = match entry_rows::find(scope, &caller.organizations, &new.entry_id) {
                Err(ApiError::NotFound) => Err(ApiError::Validation(vec![FieldError::reference("/entry_id")])),
                other => other,
            }?;
            let new = checked(scope, &entry, new)?;
            entry_rows::require_live(&entry)?;
            let id = open(scope, &new)?;
            settle(scope, &id)?;
            let action = rows::one(scope, &id)?;
            Ok(Answer::created(format!("/api/v1/corrective-actions/{id}"), &action)?.version(action.version))
        })
        .await
}

fn checked(scope: &mut Scope<'_>, entry: &EntryRow, new: CorrectiveActionCreate) -> Result<NewAction, ApiError> {
    let mut errors = vec![];
    let title = line(&new.title, "/title", 200, &mut errors);
    let mut note = new.note;
    clean_lines(&mut note, "/note", 4000, &mut errors);
    if new
        .clause_key
        .as_ref()
        .is_some_and(|key| scope.app.catalogue.clause(key).is_none())
    {
        errors.push(FieldError::reference("/clause_key"));
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
    if new.verification_id.is_some() && new.incident_id.is_some() {
        errors.push(FieldError::new(
            "/incident_id",
            "one_of_two",
            "verification_id か incident_id のどちらか一方を指定してください。",
            "Give either verification_id or incident_id.",
        ));
    }
    if new.due_on.is_some_and(|on| on < scope.today) {
        errors.push(FieldError::new(
            "/due_on",
            "date_in_past",
            "期限は今日以後の日にしてください。",
            "It must not be in the past.",
        ));
    }
    check_holder(scope, new.owner.as_ref(), "/owner", &mut errors)?;
    ApiError::unless_empty(errors)?;
    let (origin_kind, origin_id) = match (new.verification_id, new.incident_id) {
        (Some(id), _) => (CorrectiveActionOrigin::Verification, Some(id)),
        (None, Some(id)) => (CorrectiveActionOrigin::Incident, Some(id)),
        (None, None) => (CorrectiveActionOrigin::Manual, None),
    };
    Ok(NewAction {
        organization_id: entry.organization_id.clone(),
        entry_id: Some(entry.id.clone()),
        clause_key: new.clause_key,
        origin_kind,
        origin_id,
        title,
        owner: new.owner,
        due_on: match new.due_on {
            Some(on) => on,
            None => due_by_level(scope, entry)?,
        },
        note,
    })
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
