//! How an entry came into the register, and what follows from it: what an existing thing still lacks, what it succeeds,
//! and how it stands to the rule of 1 July 2027.
//!
//! What counts as a gap is [`crate::domain::lifecycle`]'s, from the same data as the guards of transitions; the gaps of
//! an entry have one due date together, which [`crate::entries::state`] keeps. The rule is
//! [`crate::domain::transitional`].

mod rows;
mod successors;
pub mod wire;

use actix_web::{HttpResponse, get, post, put, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::entries::rows as entry_rows;
use crate::entries::state;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{Problems, WriteProblems};
use crate::transitions;
use wire::{EntryGaps, EntryOrigin, EntrySuccessor, EntrySuccessorCreate, GapFilter, TransitionalTreatmentPut};

pub(crate) use rows::{gap_due, judgements};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_entry_gaps)
        .service(get_entry_origin)
        .service(judge_entry_transitional_treatment)
        .service(create_entry_successor);
}

/// What an existing thing lacks
///
/// What each step on the way to its status would have asked for and the register does not show yet: clauses, facts,
/// records; for an account also what carries what citizens send. Approvals are no gaps: nobody can make good who decided
/// before it was registered. All have one due date, and a mail before it. On a day to come: what is missing then if
/// nothing is recorded meanwhile.
#[utoipa::path(tag = "entries", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid), GapFilter),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "未充足事項 / What it lacks", body = EntryGaps), Problems))]
#[get("/entries/{entry_id}/gaps")]
async fn get_entry_gaps(
    caller: Caller<scope::EntriesRead>,
    id: web::Path<String>,
    Params(filter): Params<GapFilter>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let as_of_on = filter.as_of_on.unwrap_or(scope.today);
            if as_of_on < scope.today {
                return Err(ApiError::InvalidParameter {
                    name: "as_of_on".to_owned(),
                    ja: "今日以後の日を指定してください。過去の状態は年度末の記録（fiscal-year-snapshots）にあります。"
                        .to_owned(),
                    en: "Give today or a later day; what was is in the fiscal-year snapshots.".to_owned(),
                });
            }
            let due_on = rows::origin(scope, &entry.id)?.gaps_due_on;
            let entry_id = entry.id.clone();
            let gaps = scope.ahead(as_of_on, |scope| {
                let situation = state::situation(scope, entry)?;
                transitions::gaps(scope, &situation)
            })?;
            Answer::ok(&EntryGaps {
                entry_id,
                as_of_on,
                due_on,
                gaps,
            })
        })
        .await
}

/// How an entry came here
///
/// Whether it was running already, what it succeeds and what succeeds it, and what was judged about the transitional
/// rule of 1 July 2027.
#[utoipa::path(tag = "entries", params(("entry_id" = String, Path, description = "台帳のID", format = Uuid)),
    security(("oauth2" = ["entries:read"])), responses(
    (status = 200, description = "登録の経緯 / Its origin", body = EntryOrigin), Problems))]
#[get("/entries/{entry_id}/origin")]
async fn get_entry_origin(caller: Caller<scope::EntriesRead>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            Answer::ok(&rows::wire(scope, &entry)?)
        })
        .await
}

/// Judge the transitional treatment
///
/// Whether an entry that was there before 1 July 2027 stays under the old rule (附則2) or counts as new, with the reason,
/// by the acting person. A later judgement replaces it; the timeline keeps both.
#[utoipa::path(tag = "entries", request_body = TransitionalTreatmentPut,
    params(("entry_id" = String, Path, description = "台帳のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "判断する人のID / who judges")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "登録の経緯 / Its origin", body = EntryOrigin), Problems, WriteProblems))]
#[put("/entries/{entry_id}/transitional-treatment")]
async fn judge_entry_transitional_treatment(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<TransitionalTreatmentPut>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person_id = caller.person()?.to_owned();
            let mut errors = vec![];
            let reason = lines(&new.reason, "/reason", 1000, &mut errors);
            ApiError::unless_empty(errors)?;
            entry_rows::require_live(&entry)?;
            rows::judge(scope, &entry, new.treatment, &reason, &person_id)?;
            let origin = rows::wire(scope, &entry)?;
            scope.record(
                "entry.transitional_treatment_judged",
                entry.subject(),
                serde_json::to_value(&origin)?,
            );
            entry_rows::touch(scope, &entry.id)?;
            Answer::ok(&origin)
        })
        .await
}

/// Begin what comes after
///
/// With the same contractor the next period of the engagement (then take `renew`). With another contractor a linked new
/// engagement in draft, with this company as its candidate, while the old one goes to its end: facts, owner and valid
/// evidence about the work carry over, agreements never.
#[utoipa::path(tag = "entries", request_body = EntrySuccessorCreate,
    params(("entry_id" = String, Path, description = "業務委託のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "決めた人のID / who decides")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 201, description = "次に来るもの / What comes after", body = EntrySuccessor,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/entries/{entry_id}/successors")]
async fn create_entry_successor(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<EntrySuccessorCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = entry_rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            caller.person()?;
            entry_rows::require_live(&entry)?;
            let successor = successors::create(scope, &caller.organizations, &entry, new)?;
            let location = match &successor.period_id {
                Some(id) => format!("/api/v1/engagement-periods/{id}"),
                None => format!("/api/v1/engagements/{}", successor.entry_id),
            };
            Answer::created(location, &successor)
        })
        .await
}
