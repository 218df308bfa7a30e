//! Reviews of a document (見直し): the reasons that call for one, and the review that answers them.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::rows::{self, DocumentRow};
use super::wire::{
    DocumentHistoryFilter, DocumentReview, DocumentReviewCreate, DocumentReviewPage, ReviewReason, ReviewReasonCreate,
    ReviewReasonPage,
};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{policy_document_review_reasons, policy_document_reviews};
use crate::db::types::Word;
use crate::domain::policy_document::{ReviewDecision, ReviewReasonKind};
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::http::answer::Answer;
use crate::http::body::{Body, Params, clean_line, clean_lines, lines, path_id};
use crate::http::caller::{Caller, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::obligations::cycles;
use crate::organizations;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policy_document_review_reasons)]
struct ReasonRow {
    id: String,
    policy_document_id: String,
    kind: Word<ReviewReasonKind>,
    note: String,
    origin_id: Option<String>,
    origin_reference: Option<String>,
    raised_on: NaiveDate,
    person_id: Option<String>,
    review_id: Option<String>,
}

impl ReasonRow {
    fn wire(self) -> ReviewReason {
        ReviewReason {
            id: self.id,
            policy_document_id: self.policy_document_id,
            kind: self.kind.0,
            note: self.note,
            origin_id: self.origin_id,
            origin_reference: self.origin_reference,
            raised_on: self.raised_on,
            person_id: self.person_id,
            review_id: self.review_id,
        }
    }
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policy_document_reviews)]
struct ReviewRow {
    id: String,
    policy_document_id: String,
    reviewed_on: NaiveDate,
    decision: Word<ReviewDecision>,
    note: String,
    risk_analysis: Option<String>,
    next_review_due_on: NaiveDate,
    person_id: String,
    created_at: Instant,
    created_by: String,
}

impl ReviewRow {
    fn wire(self) -> DocumentReview {
        DocumentReview {
            id: self.id,
            policy_document_id: self.policy_document_id,
            reviewed_on: self.reviewed_on,
            decision: self.decision.0,
            note: self.note,
            risk_analysis: self.risk_analysis,
            next_review_due_on: self.next_review_due_on,
            person_id: self.person_id,
            created_at: self.created_at,
            created_by: self.created_by,
        }
    }
}

/// Why a document has to be reviewed, as it is raised.
#[derive(Debug, Clone)]
pub(crate) struct NewReason<'a> {
    pub kind: ReviewReasonKind,
    pub note: &'a str,
    pub origin_id: Option<&'a str>,
    pub origin_reference: Option<&'a str>,
}

/// Raises a reason; the document shows that a review is needed until one closes it.
///
/// # Errors
/// A database failure.
pub(crate) fn raise(scope: &mut Scope<'_>, document: &DocumentRow, new: &NewReason<'_>) -> Result<String, ApiError> {
    let id = scope.new_id();
    diesel::insert_into(policy_document_review_reasons::table)
        .values((
            policy_document_review_reasons::local_government_id.eq(&scope.lg),
            policy_document_review_reasons::id.eq(&id),
            policy_document_review_reasons::policy_document_id.eq(&document.id),
            policy_document_review_reasons::kind.eq(new.kind.code()),
            policy_document_review_reasons::note.eq(new.note),
            policy_document_review_reasons::origin_id.eq(new.origin_id),
            policy_document_review_reasons::origin_reference.eq(new.origin_reference),
            policy_document_review_reasons::raised_on.eq(scope.today),
            policy_document_review_reasons::person_id.eq(scope.actor.person_id.clone()),
            policy_document_review_reasons::created_at.eq(scope.at),
            policy_document_review_reasons::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    let payload = json!({"reason_id": id, "kind": new.kind, "note": new.note, "origin_id": new.origin_id,
        "origin_reference": new.origin_reference});
    scope.record("policy_document.review_reason_raised", document.subject(), payload);
    rows::touch(scope, &document.id)?;
    Ok(id)
}

/// Raise a reason for a review
///
/// An audit finding, an incident, or a change of circumstances that calls for a review before it is due. The document
/// shows `review_needed` until a review closes it.
#[utoipa::path(tag = "policies", request_body = ReviewReasonCreate,
    params(("policy_document_id" = String, Path, description = "文書のID", format = Uuid)),
    security(("oauth2" = ["policies:write"])), responses(
    (status = 200, description = "見直しの理由 / The reason", body = ReviewReason), Problems, WriteProblems))]
#[post("/policy-documents/{policy_document_id}/review-reasons")]
pub(super) async fn raise_review_reason(
    caller: Caller<scope::PoliciesWrite>,
    id: web::Path<String>,
    Body(mut new): Body<ReviewReasonCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let document = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            document.require_live()?;
            let mut errors = vec![];
            new.note = lines(&new.note, "/note", 2000, &mut errors);
            clean_line(&mut new.origin_reference, "/origin_reference", 200, &mut errors);
            ApiError::unless_empty(errors)?;
            let reason = NewReason {
                kind: new.kind,
                note: &new.note,
                origin_id: None,
                origin_reference: new.origin_reference.as_deref(),
            };
            let id = raise(scope, &document, &reason)?;
            let row: ReasonRow = policy_document_review_reasons::table
                .find((&scope.lg, &id))
                .select(ReasonRow::as_select())
                .first(scope.conn)?;
            Answer::ok(row.wire())
        })
        .await
}

/// List the reasons for reviews of a document
///
/// Open and closed ones, in the order in which they were raised.
#[utoipa::path(tag = "policies",
    params(("policy_document_id" = String, Path, description = "文書のID", format = Uuid), DocumentHistoryFilter),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "見直しの理由の一覧 / A page of reasons", body = ReviewReasonPage), Problems))]
#[get("/policy-documents/{policy_document_id}/review-reasons")]
pub(super) async fn list_review_reasons(
    caller: Caller<scope::PoliciesRead>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<DocumentHistoryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let document = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_review_reasons", &document.id);
            let start = page::after(filter.cursor.as_deref(), &print)?.map(|after| after.id);
            let found: Vec<ReasonRow> = policy_document_review_reasons::table
                .filter(policy_document_review_reasons::local_government_id.eq(&scope.lg))
                .filter(policy_document_review_reasons::policy_document_id.eq(&document.id))
                .filter(policy_document_review_reasons::id.gt(start.unwrap_or_default()))
                .order(policy_document_review_reasons::id)
                .limit(limit + 1)
                .select(ReasonRow::as_select())
                .load(scope.conn)?;
            let (found, next) = page::cut(found, limit, None, &print, |row: &ReasonRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(ReasonRow::wire).collect();
            let page = ReviewReasonPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

/// Review a document
///
/// Records what the acting person decided, closes every open reason and sets the date of the next review. Where the
/// policy asks for it, a revision needs the analysis of likelihood and loss.
#[utoipa::path(tag = "policies", request_body = DocumentReviewCreate,
    params(("policy_document_id" = String, Path, description = "文書のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "見直した人のID / who reviews it")),
    security(("oauth2" = ["policies:write"])), responses(
    (status = 200, description = "見直し / The review", body = DocumentReview), Problems, WriteProblems))]
#[post("/policy-documents/{policy_document_id}/reviews")]
pub(super) async fn review_policy_document(
    caller: Caller<scope::PoliciesWrite>,
    id: web::Path<String>,
    Body(new): Body<DocumentReviewCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let document = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            document.require_live()?;
            Answer::ok(review(scope, &document, &person, new)?)
        })
        .await
}

fn review(
    scope: &mut Scope<'_>,
    document: &DocumentRow,
    person_id: &str,
    mut new: DocumentReviewCreate,
) -> Result<DocumentReview, ApiError> {
    let mut errors = vec![];
    let note = lines(&new.note, "/note", 2000, &mut errors);
    clean_lines(&mut new.risk_analysis, "/risk_analysis", 4000, &mut errors);
    let reviewed_on = new.reviewed_on.unwrap_or(scope.today);
    if reviewed_on > scope.today {
        errors.push(FieldError::new(
            "/reviewed_on",
            "out_of_range",
            "見直した日は今日以前にしてください。",
            "It must not be in the future.",
        ));
    }
    if new.next_review_due_on <= scope.today {
        errors.push(FieldError::new(
            "/next_review_due_on",
            "date_in_past",
            "次の見直しの期限は明日以降にしてください。",
            "The next review must lie in the future.",
        ));
    }
    let organization = organizations::row(scope, &document.organization_id)?;
    let analysed = scope.app.profile(&organization.profile_key)?.review.risk_analysis;
    if new.decision == ReviewDecision::Revise && analysed && new.risk_analysis.is_none() {
        errors.push(FieldError::new(
            "/risk_analysis",
            "required",
            "この機関のポリシーは、改定の前に脅威の起こりやすさと損失の分析を求めています。",
            "The organization's policy asks for an analysis of likelihood and loss before a revision.",
        ));
    }
    ApiError::unless_empty(errors)?;
    let id = scope.new_id();
    diesel::insert_into(policy_document_reviews::table)
        .values((
            policy_document_reviews::local_government_id.eq(&scope.lg),
            policy_document_reviews::id.eq(&id),
            policy_document_reviews::policy_document_id.eq(&document.id),
            policy_document_reviews::reviewed_on.eq(reviewed_on),
            policy_document_reviews::decision.eq(new.decision.code()),
            policy_document_reviews::note.eq(&note),
            policy_document_reviews::risk_analysis.eq(&new.risk_analysis),
            policy_document_reviews::next_review_due_on.eq(new.next_review_due_on),
            policy_document_reviews::person_id.eq(person_id),
            policy_document_reviews::created_at.eq(scope.at),
            policy_document_reviews::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    diesel::update(
        policy_document_review_reasons::table
            .filter(policy_document_review_reasons::local_government_id.eq(&scope.lg))
            .filter(policy_document_review_reasons::policy_document_id.eq(&document.id))
            .filter(policy_document_review_reasons::review_id.is_null()),
    )
    .set(policy_document_review_reasons::review_id.eq(Some(&id)))
    .execute(scope.conn)?;
    cycles::close(scope, ObligationKind::DocumentReview, &document.id, new.decision.code())?;
    rows::review_due(scope, document, new.next_review_due_on)?;
    rows::touch(scope, &document.id)?;
    let row: ReviewRow = policy_document_reviews::table
        .find((&scope.lg, &id))
        .select(ReviewRow::as_select())
        .first(scope.conn)?;
    let review = row.wire();
    let payload = serde_json::to_value(&review)?;
    scope.record("policy_document.reviewed", document.subject(), payload);
    Ok(review)
}

/// List the reviews of a document
///
/// In the order in which they were recorded.
#[utoipa::path(tag = "policies",
    params(("policy_document_id" = String, Path, description = "文書のID", format = Uuid), DocumentHistoryFilter),
    security(("oauth2" = ["policies:read"])), responses(
    (status = 200, description = "見直しの一覧 / A page of reviews", body = DocumentReviewPage), Problems))]
#[get("/policy-documents/{policy_document_id}/reviews")]
pub(super) async fn list_policy_document_reviews(
    caller: Caller<scope::PoliciesRead>,
    request: HttpRequest,
    id: web::Path<String>,
    Params(filter): Params<DocumentHistoryFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let document = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let limit = page::limit(filter.limit)?;
            let print = page::fingerprint("list_policy_document_reviews", &document.id);
            let start = page::after(filter.cursor.as_deref(), &print)?.map(|after| after.id);
            let found: Vec<ReviewRow> = policy_document_reviews::table
                .filter(policy_document_reviews::local_government_id.eq(&scope.lg))
                .filter(policy_document_reviews::policy_document_id.eq(&document.id))
                .filter(policy_document_reviews::id.gt(start.unwrap_or_default()))
                .order(policy_document_reviews::id)
                .limit(limit + 1)
                .select(ReviewRow::as_select())
                .load(scope.conn)?;
            let (found, next) = page::cut(found, limit, None, &print, |row: &ReviewRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(ReviewRow::wire).collect();
            let page = DocumentReviewPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}
