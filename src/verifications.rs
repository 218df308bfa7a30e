//! Verifications: the finished acts of confirming, immutable. They are made at the obligation
//! ([`crate::obligations`]) or, between two rounds, at the entry; here they are read.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{verification_answers, verifications};
use crate::entries::rows as entries;
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::ApiError;
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After, page_of};
use crate::obligations::{AnswerWord, ClauseAnswer, Method, VerificationCreate, verify_entry};

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_verifications)
        .service(get_verification)
        .service(create_entry_verification);
}

/// A finished act of confirming.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Verification {
    /// Id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What was due; null between two rounds.
    #[schema(required, format = Uuid)]
    pub obligation_id: Option<String>,
    /// In which cycle.
    #[schema(required)]
    pub cycle: Option<i32>,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// The entry.
    #[schema(required, format = Uuid)]
    pub entry_id: Option<String>,
    /// When.
    pub verified_on: NaiveDate,
    /// How.
    pub method: Method,
    /// Somebody went there for at least one of the clauses.
    pub on_site: bool,
    /// Why nobody did, where the yearly inspection is answered in another way.
    #[schema(required)]
    pub onsite_reason: Option<String>,
    /// By whom.
    #[schema(format = Uuid)]
    pub verifier_person_id: String,
    /// The worst of the answers.
    pub result: AnswerWord,
    /// One answer per clause.
    pub answers: Vec<ClauseAnswer>,
    /// Note.
    #[schema(required)]
    pub note: Option<String>,
    /// When the next cycle is due, if this one is closed and there is a next.
    #[schema(required)]
    pub next_due_on: Option<NaiveDate>,
    /// When it was recorded.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
}

page_of! {
    /// A page of verifications.
    VerificationPage of Verification
}

/// Filters of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerificationFilter {
    /// Where to read on: `next_cursor` of the page before.
    #[param(nullable = false, max_length = 512)]
    cursor: Option<String>,
    /// Records on a page, 1 to 200; 50 without it.
    #[param(nullable = false, minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Of this entry.
    #[param(nullable = false, format = Uuid)]
    entry_id: Option<String>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = verifications)]
struct VerificationRow {
    id: String,
    obligation_id: Option<String>,
    cycle: Option<i32>,
    organization_id: String,
    entry_id: Option<String>,
    verified_on: NaiveDate,
    method: String,
    verifier_person_id: String,
    on_site: bool,
    onsite_reason: Option<String>,
    result: String,
    note: Option<String>,
    next_due_on: Option<NaiveDate>,
    created_at: Instant,
    created_by: String,
}

fn complete(scope: &mut Scope<'_>, rows: Vec<VerificationRow>) -> Result<Vec<Verification>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let found: Vec<(String, String, String, String, Option<String>, Option<String>)> = verification_answers::table
        .filter(verification_answers::local_government_id.eq(&scope.lg))
        .filter(verification_answers::verification_id.eq_any(ids))
        .order((verification_answers::verification_id, verification_answers::clause_key))
        .select((
            verification_answers::verification_id,
            verification_answers::clause_key,
            verification_answers::answer,
            verification_answers::method,
            verification_answers::evidence_id,
            verification_answers::note,
        ))
        .load(scope.conn)?;
    let mut answers: BTreeMap<String, Vec<ClauseAnswer>> = BTreeMap::new();
    for (id, clause_key, word, method, evidence_id, note) in found {
        let answer = AnswerWord::parse(&word).ok_or_else(|| ApiError::internal(format!("unknown answer {word:?}")))?;
        answers.entry(id).or_default().push(ClauseAnswer {
            clause_key,
            answer,
            method: Method::parse(&method),
            evidence_id,
            note,
        });
    }
    rows.into_iter()
        .map(|row| {
            Ok(Verification {
                answers: answers.remove(&row.id).unwrap_or_default(),
                method: serde_json::from_value(row.method.into())?,
                result: serde_json::from_value(row.result.into())?,
                id: row.id,
                obligation_id: row.obligation_id,
                cycle: row.cycle,
                organization_id: row.organization_id,
                entry_id: row.entry_id,
                verified_on: row.verified_on,
                verifier_person_id: row.verifier_person_id,
                on_site: row.on_site,
                onsite_reason: row.onsite_reason,
                note: row.note,
                next_due_on: row.next_due_on,
                created_at: row.created_at,
                created_by: row.created_by,
            })
        })
        .collect()
}

/// A verification of the tenant.
pub(crate) fn find(scope: &mut Scope<'_>, id: &str) -> Result<Verification, ApiError> {
    let row = verifications::table
        .find((&scope.lg, id))
        .select(VerificationRow::as_select())
        .first(scope.conn)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

/// List verifications
///
/// Sorted by id, which is the order of recording.
#[utoipa::path(tag = "obligations", params(VerificationFilter), security(("oauth2" = ["verifications:read"])), responses(
    (status = 200, description = "確認の一覧 / A page of verifications", body = VerificationPage), Problems))]
#[get("/verifications")]
async fn list_verifications(
    caller: Caller<scope::VerificationsRead>,
    request: HttpRequest,
    Params(filter): Params<VerificationFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_verifications", &filter.entry_id);
            let start = page::after(filter.cursor.as_deref(), &print)?
                .map(|after| after.id)
                .unwrap_or_default();
            let mut select = verifications::table
                .filter(verifications::local_government_id.eq(scope.lg.clone()))
                .filter(verifications::id.gt(start.clone()))
                .order(verifications::id)
                .limit(limit + 1)
                .select(VerificationRow::as_select())
                .into_boxed();
            if let Some(ids) = caller.organizations.list() {
                select = select.filter(verifications::organization_id.eq_any(ids.to_vec()));
            }
            let bound: Option<String> = if let Some(entry) = &filter.entry_id {
                select = select.filter(verifications::entry_id.eq(Some(entry.clone())));
                None
            } else {
                verifications::table
                    .filter(verifications::local_government_id.eq(&scope.lg))
                    .filter(verifications::id.gt(&start))
                    .order(verifications::id)
                    .offset(page::BUDGET)
                    .limit(1)
                    .select(verifications::id)
                    .first(scope.conn)
                    .optional()?
            };
            if let Some(bound) = &bound {
                select = select.filter(verifications::id.le(bound.clone()));
            }
            let rows = select.load(scope.conn)?;
            let bound = bound.map(|id| After { key: String::new(), id });
            let (rows, next) = page::cut(rows, limit, bound, &print, |row: &VerificationRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = complete(scope, rows)?;
            page::answer(
                &path,
                &query,
                &VerificationPage::new((items, next.clone())),
                next.as_deref(),
            )
        })
        .await
}

/// Get a verification
///
/// With its answers.
#[utoipa::path(tag = "obligations", params(("verification_id" = String, Path, description = "確認のID", format = Uuid)),
    security(("oauth2" = ["verifications:read"])), responses(
    (status = 200, description = "確認 / The verification", body = Verification), Problems))]
#[get("/verifications/{verification_id}")]
async fn get_verification(
    caller: Caller<scope::VerificationsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let verification = find(scope, &path_id(&id)?)?;
            caller.organizations.check(&verification.organization_id)?;
            Answer::ok(verification)
        })
        .await
}

/// Confirm clauses between two rounds
///
/// Any clauses of the entry, answered by the acting person. Fulfilment, risk, the next due date, queued mails and a
/// corrective action for each clause that is not met follow in the same transaction.
#[utoipa::path(tag = "obligations", request_body = VerificationCreate,
    params(("entry_id" = String, Path, description = "台帳のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "確認した人のID / who confirms")),
    security(("oauth2" = ["verifications:write"])), responses(
    (status = 201, description = "確認 / The verification", body = Verification,
     headers(("Location" = String, description = "URL"))), Problems, WriteProblems))]
#[post("/entries/{entry_id}/verifications")]
async fn create_entry_verification(
    caller: Caller<scope::VerificationsWrite>,
    id: web::Path<String>,
    Body(new): Body<VerificationCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let entry = entries::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            entries::require_live(&entry)?;
            let verification = verify_entry(scope, &entry, &person, new)?;
            Answer::created(format!("/api/v1/verifications/{}", verification.id), verification)
        })
        .await
}
