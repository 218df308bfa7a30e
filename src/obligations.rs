//! Obligations: the due things. Reading them, confirming a round, deciding about a contract that ends.
//!
//! The obligation is the due thing, the verification the finished act (design §9). Cycles are kept in [`cycles`]; the
//! act of confirming is in [`mod@verify`], that of deciding in [`mod@decide`]; finished acts are
//! listed by [`crate::verifications`].

pub(crate) mod cycles;
mod decide;
pub(crate) mod personal;
mod verify;

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{obligations, round_clauses};
use crate::db::types::Word;
use crate::domain::reminder::{ClosedBy, closes_by};
use crate::domain::vocabulary::{ObligationKind, Role};
use crate::evidence;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After, page_of};

pub(crate) use decide::decide;
pub use decide::{DecisionCreate, DecisionWord};
pub use verify::{Answer as ClauseAnswer, AnswerWord, Method, VerificationCreate};
pub(crate) use verify::{verify, verify_entry};

const KIND: &str = "obligation";

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_obligations)
        .service(get_obligation)
        .service(verify_obligation)
        .service(decide_obligation);
}

/// Where a cycle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObligationState {
    /// To be done.
    Open,
    /// Done.
    Closed,
    /// Moved to another date (only in the history of cycles).
    Rescheduled,
    /// No longer asked for.
    Retired,
}

/// A clause of a round.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoundClause {
    /// The clause.
    pub clause_key: String,
    /// When the clause alone would be due.
    pub own_due_on: NaiveDate,
    /// In which role it is confirmed: the clause's verifier role, or `owner` where nobody holds that.
    pub assignee_role: Role,
    /// Who confirms it; null while there is no owner either.
    #[schema(required, format = Uuid)]
    pub assignee_person_id: Option<String>,
    /// The answer in this cycle, null while there is none.
    #[schema(required)]
    pub answer: Option<AnswerWord>,
}

/// A due thing in its current cycle.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Obligation {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What is due.
    pub kind: ObligationKind,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry that it is about.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// The evidence whose last day it is.
    #[schema(required, format = Uuid)]
    pub evidence_id: Option<String>,
    /// The number of the cycle, from 1.
    pub cycle: i32,
    /// When the cycle is due; it never changes within a cycle.
    pub due_on: NaiveDate,
    /// Where the cycle stands.
    pub state: ObligationState,
    /// Mail is paused until this day; the due date stays.
    #[schema(required)]
    pub grace_until_on: Option<NaiveDate>,
    /// The next day on which mail is planned.
    #[schema(required)]
    pub next_step_on: Option<NaiveDate>,
    /// The last planned stage: `lead-30`, `overdue-7` …
    #[schema(required)]
    pub last_stage: Option<String>,
    /// The clauses of a round.
    pub clauses: Vec<RoundClause>,
    /// When the cycle began.
    pub opened_at: Instant,
    /// When it was closed.
    #[schema(required)]
    pub closed_at: Option<Instant>,
    /// How: `verified`, `renewed`, `renew`, `retender`, `end` …
    #[schema(required)]
    pub outcome: Option<String>,
    /// Version.
    pub version: i64,
}

page_of! {
    /// A page of obligations.
    ObligationPage of Obligation
}

/// Filters of the list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ObligationFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    pub(crate) cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    pub(crate) limit: Option<i64>,
    /// Of this entry.
    #[param(nullable = false, format = Uuid)]
    pub(crate) entry_id: Option<String>,
    /// Of this organization.
    #[param(nullable = false, format = Uuid)]
    pub(crate) organization_id: Option<String>,
    /// Of this kind.
    #[param(nullable = false)]
    pub(crate) kind: Option<ObligationKind>,
    /// In this state; `open` without it.
    #[param(nullable = false)]
    pub(crate) state: Option<ObligationState>,
    /// Due on this day or later.
    #[param(nullable = false)]
    pub(crate) due_from: Option<NaiveDate>,
    /// Due on this day or earlier.
    #[param(nullable = false)]
    pub(crate) due_to: Option<NaiveDate>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = obligations)]
pub(crate) struct ObligationRow {
    pub id: String,
    pub kind: Word<ObligationKind>,
    pub organization_id: String,
    pub entry_id: Option<String>,
    pub subject_id: String,
    pub cycle: i32,
    pub due_on: NaiveDate,
    pub state: String,
    pub grace_until_on: Option<NaiveDate>,
    pub next_step_on: Option<NaiveDate>,
    pub last_stage: Option<String>,
    pub opened_at: Instant,
    pub closed_at: Option<Instant>,
    pub outcome: Option<String>,
    pub version: i64,
}

/// Adds the clauses of rounds, with one query.
fn complete(scope: &mut Scope<'_>, rows: Vec<ObligationRow>) -> Result<Vec<Obligation>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    type Member = (
        String,
        i32,
        String,
        NaiveDate,
        Word<Role>,
        Option<String>,
        Option<String>,
    );
    let members: Vec<Member> = round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::obligation_id.eq_any(ids))
        .order((round_clauses::obligation_id, round_clauses::clause_key))
        .select((
            round_clauses::obligation_id,
            round_clauses::cycle,
            round_clauses::clause_key,
            round_clauses::own_due_on,
            round_clauses::assignee_role,
            round_clauses::assignee_person_id,
            round_clauses::answer,
        ))
        .load(scope.conn)?;
    rows.into_iter()
        .map(|row| {
            let clauses = members
                .iter()
                .filter(|(id, cycle, ..)| *id == row.id && *cycle == row.cycle)
                .map(|(_, _, key, own_due_on, role, person, answer)| RoundClause {
                    clause_key: key.clone(),
                    own_due_on: *own_due_on,
                    assignee_role: role.0,
                    assignee_person_id: person.clone(),
                    answer: answer.as_deref().and_then(AnswerWord::parse),
                })
                .collect();
            Ok(Obligation {
                clauses,
                evidence_id: evidence::of_subject(&row.subject_id).filter(|_| row.kind.0 == ObligationKind::Evidence),
                id: row.id,
                kind: row.kind.0,
                organization_id: row.organization_id,
                entry_id: row.entry_id,
                cycle: row.cycle,
                due_on: row.due_on,
                state: serde_json::from_value(row.state.into())?,
                grace_until_on: row.grace_until_on,
                next_step_on: row.next_step_on,
                last_stage: row.last_stage,
                opened_at: row.opened_at,
                closed_at: row.closed_at,
                outcome: row.outcome,
                version: row.version,
            })
        })
        .collect()
}

/// The row of an obligation that the caller may touch.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<ObligationRow, ApiError> {
    let row: ObligationRow = obligations::table
        .find((&scope.lg, id))
        .select(ObligationRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// The row of the open round of an entry.
fn open_round_of(scope: &mut Scope<'_>, entry_id: &str) -> Result<Option<ObligationRow>, ApiError> {
    Ok(obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::kind.eq(Word(ObligationKind::Reverification)))
        .filter(obligations::subject_id.eq(entry_id))
        .filter(obligations::state.eq("open"))
        .select(ObligationRow::as_select())
        .first(scope.conn)
        .optional()?)
}

/// List obligations
///
/// Sorted by due date. Open ones without `state`.
#[utoipa::path(tag = "obligations", params(ObligationFilter), security(("oauth2" = ["verifications:read"])), responses(
    (status = 200, description = "期限の一覧 / A page of obligations", body = ObligationPage), Problems))]
#[get("/obligations")]
async fn list_obligations(
    caller: Caller<scope::VerificationsRead>,
    request: HttpRequest,
    Params(filter): Params<ObligationFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let (items, next) = listed(scope, &caller.organizations, &filter, "list_obligations")?;
            page::answer(
                &path,
                &query,
                &ObligationPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// A page of due things and where it goes on; reports use it with their own `operation`.
///
/// # Errors
/// 400 for a filter that cannot be.
pub(crate) fn listed(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &ObligationFilter,
    operation: &str,
) -> Result<(Vec<Obligation>, Option<String>), ApiError> {
    let limit = page::limit(filter.limit)?;
    let mut unpaged = filter.clone();
    (unpaged.cursor, unpaged.limit) = (None, None);
    let print = page::fingerprint(operation, &unpaged);
    let after = page::after(filter.cursor.as_deref(), &print)?;
    let (rows, bound) = select_page(scope, allowed, filter, after, limit)?;
    let (rows, next) = page::cut(rows, limit, bound, &print, |row: &ObligationRow| After {
        key: row.due_on.to_string(),
        id: row.id.clone(),
    });
    Ok((complete(scope, rows)?, next))
}

/// What of this kind is open for these entries.
///
/// # Errors
/// A database failure.
pub(crate) fn open_of_entries(
    scope: &mut Scope<'_>,
    entry_ids: &BTreeSet<String>,
    kind: ObligationKind,
) -> Result<Vec<Obligation>, ApiError> {
    let rows: Vec<ObligationRow> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::entry_id.eq_any(entry_ids.iter().map(Some)))
        .filter(obligations::kind.eq(Word(kind)))
        .filter(obligations::state.eq("open"))
        .order((obligations::due_on, obligations::id))
        .select(ObligationRow::as_select())
        .load(scope.conn)?;
    complete(scope, rows)
}

fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &ObligationFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<ObligationRow>, Option<After>), ApiError> {
    let state = match filter.state.unwrap_or(ObligationState::Open) {
        ObligationState::Open => "open",
        ObligationState::Closed => "closed",
        ObligationState::Rescheduled => "rescheduled",
        ObligationState::Retired => "retired",
    };
    let start = match after {
        Some(After { key, id }) => Some((key.parse::<NaiveDate>().map_err(|_| ApiError::InvalidCursor)?, id)),
        None => None,
    };
    let mut window = obligations::table
        .filter(obligations::local_government_id.eq(scope.lg.clone()))
        .order((obligations::due_on, obligations::id))
        .into_boxed();
    let mut query = obligations::table
        .filter(obligations::local_government_id.eq(scope.lg.clone()))
        .filter(obligations::state.eq(state))
        .order((obligations::due_on, obligations::id))
        .limit(limit + 1)
        .select(ObligationRow::as_select())
        .into_boxed();
    if let Some((on, id)) = start {
        let later = obligations::due_on
            .gt(on)
            .or(obligations::due_on.eq(on).and(obligations::id.gt(id.clone())));
        window = window.filter(obligations::due_on.ge(on)).filter(later.clone());
        query = query.filter(obligations::due_on.ge(on)).filter(later);
    }
    if let Some(from) = filter.due_from {
        window = window.filter(obligations::due_on.ge(from));
        query = query.filter(obligations::due_on.ge(from));
    }
    if let Some(to) = filter.due_to {
        window = window.filter(obligations::due_on.le(to));
        query = query.filter(obligations::due_on.le(to));
    }
    if let Some(ids) = allowed.list() {
        query = query.filter(obligations::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(obligations::organization_id.eq(id.clone()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(obligations::kind.eq(Word(kind)));
    }
    if let Some(id) = &filter.entry_id {
        // The entry's own index answers; an entry has a handful.
        return Ok((
            query
                .filter(obligations::entry_id.eq(Some(id.clone())))
                .load(scope.conn)?,
            None,
        ));
    }
    let bound: Option<(NaiveDate, String)> = window
        .offset(page::BUDGET)
        .limit(1)
        .select((obligations::due_on, obligations::id))
        .first(scope.conn)
        .optional()?;
    if let Some((on, id)) = &bound {
        query = query.filter(
            obligations::due_on
                .lt(*on)
                .or(obligations::due_on.eq(*on).and(obligations::id.le(id.clone()))),
        );
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|(on, id)| After {
            key: on.to_string(),
            id,
        }),
    ))
}

/// Get an obligation
///
/// With the clauses of a round and what is answered.
#[utoipa::path(tag = "obligations", params(("obligation_id" = String, Path, description = "期限のID", format = Uuid)),
    security(("oauth2" = ["verifications:read"])), responses(
    (status = 200, description = "期限 / The obligation", body = Obligation, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/obligations/{obligation_id}")]
async fn get_obligation(
    caller: Caller<scope::VerificationsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let row = find(scope, &caller.organizations, &path_id(&id)?)?;
            let obligation = complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)?;
            Ok(Answer::ok(&obligation)?.version(obligation.version))
        })
        .await
}

/// Confirm
///
/// Records the answers of the acting person. A round closes with the last of its clauses; then the next due date,
/// fulfilment, risk and the mails that are still queued follow in the same transaction.
#[utoipa::path(tag = "obligations", request_body = VerificationCreate,
    params(("obligation_id" = String, Path, description = "期限のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "確認した人のID / who confirms")),
    security(("oauth2" = ["verifications:write"])), responses(
    (status = 201, description = "確認 / The verification", body = crate::verifications::Verification,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/obligations/{obligation_id}/verifications")]
async fn verify_obligation(
    caller: Caller<scope::VerificationsWrite>,
    id: web::Path<String>,
    Body(new): Body<VerificationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            let verification = verify(scope, &row, &person, new)?;
            Answer::created(format!("/api/v1/verifications/{}", verification.id), verification)
        })
        .await
}

/// Decide about a contract that ends
///
/// Closes a contract end or a notice deadline: renew, retender or end. Other kinds are closed by confirming or by the
/// work itself (409 `wrong_obligation_kind`).
#[utoipa::path(tag = "obligations", request_body = DecisionCreate,
    params(("obligation_id" = String, Path, description = "期限のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "決めた人のID / who decides")),
    security(("oauth2" = ["entries:decide"])), responses(
    (status = 200, description = "閉じた期限 / The obligation", body = Obligation, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/obligations/{obligation_id}/decisions")]
async fn decide_obligation(
    caller: Caller<scope::EntriesDecide>,
    id: web::Path<String>,
    Body(new): Body<DecisionCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = find(scope, &caller.organizations, &path_id(&id)?)?;
            caller.person()?;
            decide(scope, &row, new)?;
            let row = find(scope, &caller.organizations, &row.id)?;
            let obligation = complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)?;
            Ok(Answer::ok(&obligation)?.version(obligation.version))
        })
        .await
}

/// Only an open cycle is closed, and only in the way of its kind.
fn require_open(row: &ObligationRow, by: ClosedBy) -> Result<(), ApiError> {
    if row.state != "open" {
        return Err(ApiError::Conflict {
            code: "already_closed",
            ja: "この期限は既に済んでいます。読み直してください。".to_owned(),
            en: "It is closed already; read it again.".to_owned(),
        });
    }
    if closes_by(row.kind.0) != by {
        return Err(ApiError::Conflict {
            code: "wrong_obligation_kind",
            ja: "この種類の期限は、この方法では閉じられません。".to_owned(),
            en: "An obligation of this kind is closed in another way.".to_owned(),
        });
    }
    Ok(())
}
