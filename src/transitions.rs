//! The life of an entry, step by step: which transitions exist from here, what is unmet, and the acts themselves.
//!
//! The tables and guards are [`crate::domain::lifecycle`]'s; [`standing`] fills what they read from the rows of an
//! entry, [`rows`] writes what was done. Confirming clauses is no transition of its own here: it happens at the
//! obligation ([`crate::obligations`]). What an act changes in the entry's risk and dates is [`crate::entries::state`]'s.

mod rows;
mod standing;
pub mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::domain::gate::{self, Step};
use crate::domain::lifecycle::{self, Transition, Unmet};
use crate::domain::vocabulary::{Kind, Role, Status};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::entries::state;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, clean_line, clean_lines, line, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError, Lang};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::{contractors, incidents};
use standing::{Known, Request};
use wire::{
    ApprovalCreate, EntryTransitions, TransitionApproval, TransitionCreate, TransitionFilter, TransitionOption,
    TransitionPage, TransitionTaken,
};

/// Recorded where it happens, at the obligation.
const RECORDED_ELSEWHERE: &str = "record_verification";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_entry_transitions)
        .service(take_entry_transition)
        .service(approve_entry_transition)
        .service(list_entry_transition_history);
}

/// What can be done with an entry
///
/// Every transition that exists from its status, who may take it, and what is unmet today. With `Acting-Person` also
/// whether that person may. Confirming clauses (`record_verification`) is done at the obligation.
#[utoipa::path(tag = "entries", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "ここから先の手続 / The transitions from here", body = EntryTransitions), Problems))]
#[get("/entries/{entry_id}/transitions")]
async fn get_entry_transitions(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let (kind, status, archived) = (entry.kind.0, entry.status.0, entry.archived_at.is_some());
            let entry_id = entry.id.clone();
            let known = Known::load(scope, entry, caller.acting_person.as_deref(), scope.today)?;
            let open = lifecycle::transitions_from(kind, status)
                .filter(|transition| !archived && transition.key != RECORDED_ELSEWHERE);
            let options = open
                .map(|transition| option(&known, transition, status, caller.lang))
                .collect();
            let approvals = known.approvals.clone();
            Answer::ok(&EntryTransitions {
                entry_id,
                status,
                options,
                approvals,
            })
        })
        .await
}

fn option(known: &Known<'_>, transition: &Transition, from: Status, lang: Lang) -> TransitionOption {
    let approvals = known.approvals_of(transition.key);
    let request = Request::default();
    let met = known.met(&request);
    let situation = known.situation(&approvals, transition.key, &request, &met);
    let (ja, en) = lifecycle::title(transition, known.legal_form);
    TransitionOption {
        transition: transition.key.to_owned(),
        title: lang.pick(ja, en).to_owned(),
        to_status: transition.leads_to(from),
        roles: transition.who.roles().to_vec(),
        allowed: known.person_id.as_ref().map(|_| transition.who.allows(&known.roles)),
        unmet: lifecycle::unmet(transition, &situation),
    }
}

/// Take a transition
///
/// In the name of the acting person, who answers for the conditions that are stated. 409 `transition_unmet` with what
/// stands against it; then nothing has changed. Applicant and approver are two persons, unless the reason for an
/// unavoidable double role is given.
#[utoipa::path(tag = "entries", request_body = TransitionCreate,
    params(("entry_id" = String, Path, description = "台帳のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "行う人のID / who acts")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "行った手続 / What was done", body = TransitionTaken), Problems, WriteProblems))]
#[post("/entries/{entry_id}/transitions")]
async fn take_entry_transition(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(mut new): Body<TransitionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person_id = caller.person()?.to_owned();
            check(scope, &entry, &mut new)?;
            entry_rows::require_live(&entry)?;
            let transition = existing(&entry, &new.transition)?;
            let effective_on = new.effective_on.unwrap_or(scope.today);
            let entry_id = entry.id.clone();
            rows::prepare(scope, &entry, &new)?;
            let known = Known::load(scope, entry, Some(&person_id), effective_on)?;
            check_day(&known, effective_on, scope)?;
            let from = known.entry.status.0;
            let approvals = known.approvals_of(transition.key);
            let request = Request::of(&new);
            let met = known.met(&request);
            let situation = known.situation(&approvals, transition.key, &request, &met);
            let to = match lifecycle::apply(known.entry.kind.0, from, transition.key, &situation) {
                Ok(to) => to,
                Err(lifecycle::Refusal::NoSuchTransition) => return Err(no_such(&new.transition)),
                Err(lifecycle::Refusal::NotAllowed { who }) => {
                    return Err(ApiError::TransitionUnmet(vec![lifecycle::role_required(who.roles())]));
                }
                Err(lifecycle::Refusal::Unmet(unmet)) => return Err(ApiError::TransitionUnmet(unmet)),
            };
            let taken = rows::take(scope, &known, &new, &person_id, effective_on, to)?;
            incidents::follow_transition(scope, &known.entry, &new.transition, &new.reason)?;
            state::refresh(scope, &entry_id, "transition")?;
            Answer::ok(&taken)
        })
        .await
}

/// What an entry lacks of all that the steps to its status ask for, if it was running already when it was registered,
/// and of what it needs at any time.
///
/// # Errors
/// A database failure.
pub(crate) fn gaps<'c>(scope: &mut Scope<'c>, of: &state::Situation<'c>) -> Result<Vec<Unmet>, ApiError> {
    let (kind, status, existing) = (of.entry.kind.0, of.entry.status.0, of.entry.registered_as_existing);
    let known = Known::of(scope, of, None, scope.today)?;
    let request = Request::default();
    let met = known.met(&request);
    let situation = known.situation(&[], "", &request, &met);
    let mut found = if existing {
        lifecycle::gaps(kind, status, &situation)
    } else {
        vec![]
    };
    for gap in lifecycle::standing_gaps(kind, status, &situation) {
        if !found.contains(&gap) {
            found.push(gap);
        }
    }
    Ok(found)
}

/// What a transition would lack on a day, from whichever status it is asked, and where the entry stands before it.
///
/// # Errors
/// A database failure.
pub(crate) fn lacks<'c>(
    scope: &mut Scope<'c>,
    of: &state::Situation<'c>,
    key: &str,
    on: NaiveDate,
) -> Result<(Step, Vec<Unmet>), ApiError> {
    let (kind, status) = (of.entry.kind.0, of.entry.status.0);
    let transition = lifecycle::transitions(kind)
        .iter()
        .find(|transition| transition.key == key)
        .ok_or_else(|| ApiError::internal(format!("no transition {key:?}")))?;
    let known = Known::of(scope, of, None, on)?;
    let approvals = known.approvals_of(key);
    let request = Request::default();
    let met = known.met(&request);
    let situation = known.situation(&approvals, key, &request, &met);
    Ok((gate::step(transition, status), lifecycle::unmet(transition, &situation)))
}

/// Checks that a person holds one of these roles for an entry today, ownership included.
///
/// # Errors
/// 409 `transition_unmet` that names the roles.
pub(crate) fn require_role(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    person_id: &str,
    roles: &[Role],
) -> Result<(), ApiError> {
    let held = standing::roles(scope, entry, person_id)?;
    if roles.iter().any(|role| held.contains(role)) {
        return Ok(());
    }
    Err(ApiError::TransitionUnmet(vec![lifecycle::role_required(roles)]))
}

/// The transition of this name that leads from here; 422 when the kind has none of this name at all.
fn existing(entry: &EntryRow, key: &str) -> Result<&'static Transition, ApiError> {
    let kind = entry.kind.0;
    let known = lifecycle::transition_keys(kind).contains(&key) && key != RECORDED_ELSEWHERE;
    if !known {
        return Err(ApiError::field(
            "/transition",
            "unknown_transition",
            "この種別にこの手続はありません。GET …/transitions で選べるものを確かめてください。",
            "This kind has no such transition; see GET …/transitions.",
        ));
    }
    lifecycle::transition(kind, entry.status.0, key).ok_or_else(|| no_such(key))
}

fn no_such(key: &str) -> ApiError {
    ApiError::Conflict {
        code: "no_such_transition",
        ja: format!("今の状態から {key} はできません。GET …/transitions で選べるものを確かめてください。"),
        en: format!("{key} does not lead from the present status; see GET …/transitions."),
    }
}

/// The values of the request by themselves.
fn check(scope: &mut Scope<'_>, entry: &EntryRow, new: &mut TransitionCreate) -> Result<(), ApiError> {
    let mut errors = vec![];
    new.reason = lines(&new.reason, "/reason", 1000, &mut errors);
    clean_lines(&mut new.double_role_reason, "/double_role_reason", 1000, &mut errors);
    for (i, condition) in new.conditions.iter().enumerate() {
        if !condition.is_stated() {
            errors.push(FieldError::new(
                &format!("/conditions/{i}"),
                "not_stated",
                "この条件は台帳の記録から判定します。該当する項目を登録してください。",
                "This condition is judged by the register; record it there.",
            ));
        }
    }
    if new.effective_on.is_some_and(|on| on > scope.today) {
        errors.push(FieldError::new(
            "/effective_on",
            "out_of_range",
            "効力発生日は今日以前にしてください。",
            "It must not be in the future.",
        ));
    }
    let only = |wrong: bool, pointer: &str, errors: &mut Vec<FieldError>| {
        if wrong {
            errors.push(FieldError::new(
                pointer,
                "not_for_this_transition",
                "この手続には使いません。",
                "It is not for this transition.",
            ));
        }
    };
    let selects = entry.kind.0 == Kind::ContractorEngagement && new.transition == "select";
    only(new.contractor_id.is_some() && !selects, "/contractor_id", &mut errors);
    let approves = matches!(new.transition.as_str(), "approve_use" | "renew_approval");
    let ends = new.approval_valid_until_on.is_some();
    only(ends && !approves, "/approval_valid_until_on", &mut errors);
    if let Some(id) = new.contractor_id.as_deref() {
        match contractors::require(scope, id, "/contractor_id") {
            Err(ApiError::Validation(more)) => errors.extend(more),
            other => other?,
        }
    }
    ApiError::unless_empty(errors)
}

/// A step does not take effect before the one that led here.
fn check_day(known: &Known<'_>, on: chrono::NaiveDate, scope: &Scope<'_>) -> Result<(), ApiError> {
    if on < scope.today && known.status_since.is_some_and(|since| on < since) {
        return Err(ApiError::field(
            "/effective_on",
            "out_of_range",
            "効力発生日は今の状態になった日以後にしてください。",
            "It must not be before the day of the present status.",
        ));
    }
    Ok(())
}

/// Approve or confirm a transition
///
/// The approval of a role that the transition waits for, by the acting person who holds it today, or recorded from
/// another decision system (電子決裁) with who decided, when and under which number. It serves the next taking of that
/// transition, once.
#[utoipa::path(tag = "entries", request_body = ApprovalCreate,
    params(("entry_id" = String, Path, description = "台帳のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "承認する人、又は記録する人のID / who approves or records")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "承認 / The approval", body = TransitionApproval), Problems, WriteProblems))]
#[post("/entries/{entry_id}/approvals")]
async fn approve_entry_transition(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(mut new): Body<ApprovalCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person_id = caller.person()?.to_owned();
            entry_rows::require_live(&entry)?;
            let mut errors = vec![];
            if let Some(decision) = &mut new.decided_elsewhere {
                let at = "/decided_elsewhere";
                decision.decided_by = line(&decision.decided_by, &format!("{at}/decided_by"), 100, &mut errors);
                let (number, pointer) = (&mut decision.document_number, format!("{at}/document_number"));
                clean_line(number, &pointer, 100, &mut errors);
                if decision.decided_on > scope.today {
                    errors.push(FieldError::new(
                        &format!("{at}/decided_on"),
                        "out_of_range",
                        "決定日は今日以前にしてください。",
                        "It must not be in the future.",
                    ));
                }
            }
            clean_lines(&mut new.note, "/note", 1000, &mut errors);
            ApiError::unless_empty(errors)?;
            let transition = existing(&entry, &new.transition)?;
            let known = Known::load(scope, entry, Some(&person_id), scope.today)?;
            if new.decided_elsewhere.is_none() && !known.roles.contains(&new.role) {
                return Err(ApiError::TransitionUnmet(vec![lifecycle::role_required(&[new.role])]));
            }
            let approval = rows::approve(scope, &known, transition, new, &person_id)?;
            Answer::ok(&approval)
        })
        .await
}

/// List what was done with an entry
///
/// The transitions it has taken, the first one first, with their approvals.
#[utoipa::path(tag = "entries", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid), TransitionFilter),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "行った手続の一覧 / A page of transitions", body = TransitionPage), Problems))]
#[get("/entries/{entry_id}/transition-history")]
async fn list_entry_transition_history(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
    request: HttpRequest,
    Params(filter): Params<TransitionFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_entry_transition_history", &entry.id);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let found = rows::page(scope, &entry.id, after.map(|after| after.id), limit)?;
            let (found, next) = page::cut(found, limit, None, &print, |row: &TransitionTaken| After {
                key: String::new(),
                id: row.id.clone(),
            });
            page::answer(
                &path,
                &query,
                &TransitionPage::new((found, next.clone())),
                next.as_deref(),
            )
        })
        .await
}
