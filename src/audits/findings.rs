//! Findings of an audit (指摘事項) and their follow-up: an owner, a day, and the end with what shows it.

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::NaiveDate;
use diesel::prelude::*;

use super::proof;
use super::rows::{self, AuditRow, field_error};
use super::wire::{
    AuditFinding, AuditFindingCreate, AuditFindingFilter, AuditFindingPage, AuditFindingPatch, FindingClosure,
    FindingClosureCreate,
};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::audit_findings;
use crate::db::types::Word;
use crate::domain::audit::{AuditFault, FindingState, SELF_AUDIT};
use crate::domain::corrective_action::CorrectiveActionOrigin;
use crate::domain::policy_document::ReviewReasonKind;
use crate::domain::vocabulary::{CodeWord, ObligationKind, Severity};
use crate::http::answer::Answer;
use crate::http::body::{Body, IfMatch, Params, Patch, lines, path_id};
use crate::http::caller::{Caller, Organizations, scope};
use crate::http::error::{ApiError, FieldError};
use crate::http::openapi::{PreconditionProblems, Problems, WriteProblems};
use crate::http::page::{self, After};
use crate::obligations::cycles::{self, Due};
use crate::policy_documents::{self, NewReason};
use crate::{corrective_actions, entries, people};

/// The word of findings in the journal.
const KIND: &str = "audit_finding";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audit_findings)]
pub(crate) struct FindingRow {
    pub id: String,
    pub audit_id: String,
    pub organization_id: String,
    severity: Word<Severity>,
    clause_key: Option<String>,
    pub entry_id: Option<String>,
    policy_document_id: Option<String>,
    finding: String,
    recommendation: String,
    pub due_on: NaiveDate,
    pub owner_person_id: String,
    state: Word<FindingState>,
    closed_on: Option<NaiveDate>,
    closed_by_person_id: Option<String>,
    result: Option<String>,
    evidence_id: Option<String>,
    file_id: Option<String>,
    version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl FindingRow {
    pub(super) fn wire(self) -> AuditFinding {
        let closure = match (self.closed_on, self.closed_by_person_id, self.result) {
            (Some(closed_on), Some(closed_by_person_id), Some(result)) => Some(FindingClosure {
                closed_on,
                closed_by_person_id,
                result,
                evidence_id: self.evidence_id,
                file_id: self.file_id,
            }),
            _ => None,
        };
        AuditFinding {
            closure,
            id: self.id,
            audit_id: self.audit_id,
            organization_id: self.organization_id,
            severity: self.severity.0,
            clause_key: self.clause_key,
            entry_id: self.entry_id,
            policy_document_id: self.policy_document_id,
            finding: self.finding,
            recommendation: self.recommendation,
            due_on: self.due_on,
            owner_person_id: self.owner_person_id,
            state: self.state.0,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        }
    }

    fn due(&self, on: NaiveDate) -> Due {
        Due {
            kind: ObligationKind::AuditFollowUp,
            subject_id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            // It is the finding's: the dates of an entry follow from the entry alone.
            entry_id: None,
            on,
            known_cycle_days: None,
            starts_on: None,
            severe: self.severity.0 == Severity::Critical,
        }
    }

    fn require_open(&self) -> Result<(), ApiError> {
        if self.state.0 == FindingState::Open {
            return Ok(());
        }
        Err(ApiError::Conflict {
            code: "already_closed",
            ja: "この指摘事項への対応は完了しています。読み直してください。".to_owned(),
            en: "The finding is settled already; read it again.".to_owned(),
        })
    }
}

/// The row of a finding that the caller may touch.
fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<FindingRow, ApiError> {
    let row: FindingRow = audit_findings::table
        .find((&scope.lg, id))
        .select(FindingRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// The same while it is open: what has to be put right can still be added.
///
/// # Errors
/// One that is not there, or settled.
pub(crate) fn open_finding(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<FindingRow, ApiError> {
    let row = find(scope, allowed, id)?;
    row.require_open()?;
    Ok(row)
}

/// Notes what a finding has become, and answers it.
fn recorded(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    action: &'static str,
) -> Result<AuditFinding, ApiError> {
    let finding = find(scope, allowed, id)?.wire();
    let subject = Subject {
        kind: KIND,
        id: &finding.id,
        organization_id: Some(&finding.organization_id),
        entry_id: finding.entry_id.as_deref(),
    };
    scope.record(action, subject, serde_json::to_value(&finding)?);
    Ok(finding)
}

/// Record a finding
///
/// It is followed up: its owner, who is never the auditor, is reminded until it is settled. The document that it is
/// about shows that a review is needed. Not after the report (409 `audit_reported`).
#[utoipa::path(tag = "audits", request_body = AuditFindingCreate,
    params(("audit_id" = String, Path, description = "監査のID", format = Uuid)),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 201, description = "指摘事項 / The finding", body = AuditFinding,
     headers(("ETag" = String, description = "版 / its version"), ("Location" = String, description = "URL"))),
    Problems, WriteProblems))]
#[post("/audits/{audit_id}/findings")]
pub(super) async fn create_audit_finding(
    caller: Caller<scope::AuditsWrite>,
    id: web::Path<String>,
    Body(new): Body<AuditFindingCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let audit = rows::find(scope, &caller.organizations, &path_id(&id)?)?;
            let id = insert(scope, &caller.organizations, &audit, new)?;
            let finding = recorded(scope, &caller.organizations, &id, "audit_finding.created")?;
            let location = format!("/api/v1/audit-findings/{id}");
            Ok(Answer::created(location, &finding)?.version(finding.version))
        })
        .await
}

fn insert(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    audit: &AuditRow,
    new: AuditFindingCreate,
) -> Result<String, ApiError> {
    let mut errors = vec![];
    let text = lines(&new.finding, "/finding", 4000, &mut errors);
    let recommendation = lines(&new.recommendation, "/recommendation", 4000, &mut errors);
    check_owner(scope, audit, &new.owner_person_id, &mut errors)?;
    errors.extend(past(scope, new.due_on));
    let organization_id = &audit.organization_id;
    if let Some(key) = &new.clause_key
        && scope.catalogue_of(organization_id, scope.today)?.clause(key).is_none()
    {
        errors.push(FieldError::reference("/clause_key"));
    }
    if let Some(id) = &new.entry_id {
        match entries::rows::find(scope, allowed, id) {
            Ok(entry) if entry.organization_id == *organization_id => {}
            Ok(_) | Err(ApiError::NotFound) => errors.push(FieldError::reference("/entry_id")),
            Err(error) => return Err(error),
        }
    }
    let document = match &new.policy_document_id {
        Some(id) => policy_documents::of_organization(scope, organization_id, id)?,
        None => None,
    };
    if new.policy_document_id.is_some() && document.is_none() {
        errors.push(FieldError::reference("/policy_document_id"));
    }
    ApiError::unless_empty(errors)?;
    if audit.reported_on.is_some() {
        return Err(ApiError::Conflict {
            code: "audit_reported",
            ja: "この監査は報告済みです。指摘事項を加えるには、先に報告日を取り消してください。".to_owned(),
            en: "The audit is reported; clear the day of the report before a finding is added.".to_owned(),
        });
    }
    let id = scope.new_id();
    diesel::insert_into(audit_findings::table)
        .values((
            (
                audit_findings::local_government_id.eq(&scope.lg),
                audit_findings::id.eq(&id),
                audit_findings::audit_id.eq(&audit.id),
                audit_findings::organization_id.eq(organization_id),
                audit_findings::severity.eq(new.severity.code()),
                audit_findings::clause_key.eq(&new.clause_key),
                audit_findings::entry_id.eq(&new.entry_id),
                audit_findings::policy_document_id.eq(&new.policy_document_id),
                audit_findings::finding.eq(&text),
                audit_findings::recommendation.eq(&recommendation),
                audit_findings::due_on.eq(new.due_on),
                audit_findings::owner_person_id.eq(&new.owner_person_id),
                audit_findings::state.eq(FindingState::Open.code()),
            ),
            (
                audit_findings::version.eq(1),
                audit_findings::created_at.eq(scope.at),
                audit_findings::created_by.eq(scope.by()),
                audit_findings::updated_at.eq(scope.at),
                audit_findings::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    let row = find(scope, allowed, &id)?;
    cycles::ensure(scope, &row.due(row.due_on))?;
    if let Some(document) = document {
        let reason = NewReason {
            kind: ReviewReasonKind::AuditFinding,
            note: &text,
            origin_id: Some(&id),
            origin_reference: None,
        };
        policy_documents::raise(scope, &document, &reason)?;
    }
    Ok(id)
}

/// The owner is of the local government and not the auditor.
fn check_owner(
    scope: &mut Scope<'_>,
    audit: &AuditRow,
    person_id: &str,
    errors: &mut Vec<FieldError>,
) -> Result<(), ApiError> {
    people::require(scope, person_id, "/owner_person_id")?;
    if audit.auditor_person_id.as_deref() == Some(person_id) {
        errors.push(field_error(&AuditFault {
            field: "owner_person_id",
            ..SELF_AUDIT
        }));
    }
    Ok(())
}

fn past(scope: &Scope<'_>, due_on: NaiveDate) -> Option<FieldError> {
    (due_on < scope.today).then(|| {
        FieldError::new(
            "/due_on",
            "date_in_past",
            "期限は今日以後の日にしてください。",
            "It must not lie in the past.",
        )
    })
}

/// List findings
///
/// Sorted by id, which is the order of recording.
#[utoipa::path(tag = "audits", params(AuditFindingFilter), security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "指摘事項の一覧 / A page of findings", body = AuditFindingPage), Problems))]
#[get("/audit-findings")]
pub(super) async fn list_audit_findings(
    caller: Caller<scope::AuditsRead>,
    request: HttpRequest,
    Params(filter): Params<AuditFindingFilter>,
) -> Result<HttpResponse, ApiError> {
    let (path, query) = (request.path().to_owned(), request.query_string().to_owned());
    caller
        .read(move |caller, scope| {
            let limit = page::limit(filter.limit)?;
            let mut unpaged = filter.clone();
            (unpaged.cursor, unpaged.limit) = (None, None);
            let print = page::fingerprint("list_audit_findings", &unpaged);
            let after = page::after(filter.cursor.as_deref(), &print)?;
            let (found, bound) = select_page(scope, &caller.organizations, &filter, after, limit)?;
            let (found, next) = page::cut(found, limit, bound, &print, |row: &FindingRow| After {
                key: String::new(),
                id: row.id.clone(),
            });
            let items = found.into_iter().map(FindingRow::wire).collect();
            let page = AuditFindingPage::new((items, next.clone()));
            page::answer(&path, &query, &page, next.as_deref())
        })
        .await
}

fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &AuditFindingFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<FindingRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = audit_findings::table
        .filter(audit_findings::local_government_id.eq(scope.lg.clone()))
        .filter(audit_findings::id.gt(start.clone()))
        .order(audit_findings::id)
        .limit(limit + 1)
        .select(FindingRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(audit_findings::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(audit_findings::organization_id.eq(id.clone()));
    }
    if let Some(state) = filter.state {
        query = query.filter(audit_findings::state.eq(Word(state)));
    }
    if let Some(to) = filter.due_to {
        query = query.filter(audit_findings::due_on.le(to));
    }
    if let Some(id) = &filter.audit_id {
        // The audit's own index answers; an audit has a handful.
        return Ok((
            query.filter(audit_findings::audit_id.eq(id.clone())).load(scope.conn)?,
            None,
        ));
    }
    let bound: Option<String> = audit_findings::table
        .filter(audit_findings::local_government_id.eq(&scope.lg))
        .filter(audit_findings::id.gt(&start))
        .order(audit_findings::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(audit_findings::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(audit_findings::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// The first findings of an audit.
pub(super) fn of_audit(scope: &mut Scope<'_>, audit_id: &str, most: i64) -> Result<Vec<AuditFinding>, ApiError> {
    let found: Vec<FindingRow> = audit_findings::table
        .filter(audit_findings::local_government_id.eq(&scope.lg))
        .filter(audit_findings::audit_id.eq(audit_id))
        .order(audit_findings::id)
        .limit(most)
        .select(FindingRow::as_select())
        .load(scope.conn)?;
    Ok(found.into_iter().map(FindingRow::wire).collect())
}

/// Get a finding
///
/// With its follow-up.
#[utoipa::path(tag = "audits",
    params(("audit_finding_id" = String, Path, description = "指摘事項のID", format = Uuid)),
    security(("oauth2" = ["audits:read"])), responses(
    (status = 200, description = "指摘事項 / The finding", body = AuditFinding, headers(("ETag" = String, description = "版 / its version"))),
    Problems))]
#[get("/audit-findings/{audit_finding_id}")]
pub(super) async fn get_audit_finding(
    caller: Caller<scope::AuditsRead>,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller
        .read(move |caller, scope| {
            let finding = find(scope, &caller.organizations, &path_id(&id)?)?.wire();
            Ok(Answer::ok(&finding)?.version(finding.version))
        })
        .await
}

/// Change a finding
///
/// While it is open: what is recommended, who settles it and by when. What was found stays.
#[utoipa::path(tag = "audits", request_body(content(
        (AuditFindingPatch = "application/json"), (AuditFindingPatch = "application/merge-patch+json"))),
    params(("audit_finding_id" = String, Path, description = "指摘事項のID", format = Uuid),
           ("If-Match" = String, Header, description = "読み取ったときの ETag / the ETag that you read")),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 200, description = "変更後の指摘事項 / The finding", body = AuditFinding, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems, PreconditionProblems))]
#[patch("/audit-findings/{audit_finding_id}")]
pub(super) async fn update_audit_finding(
    caller: Caller<scope::AuditsWrite>,
    id: web::Path<String>,
    patch: Patch<AuditFindingPatch>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = find(scope, &caller.organizations, &path_id(&id)?)?;
            if_match.check(row.version, caller.lang)?;
            let audit = rows::find(scope, &caller.organizations, &row.audit_id)?;
            let set = patch.set;
            let mut errors = vec![];
            let recommendation = match &set.recommendation {
                Some(text) => lines(text, "/recommendation", 4000, &mut errors),
                None => row.recommendation.clone(),
            };
            if let Some(owner) = &set.owner_person_id {
                check_owner(scope, &audit, owner, &mut errors)?;
            }
            errors.extend(set.due_on.and_then(|on| past(scope, on)));
            ApiError::unless_empty(errors)?;
            row.require_open()?;
            let due_on = set.due_on.unwrap_or(row.due_on);
            diesel::update(audit_findings::table.find((&scope.lg, &row.id)))
                .set((
                    audit_findings::recommendation.eq(&recommendation),
                    audit_findings::due_on.eq(due_on),
                    audit_findings::owner_person_id.eq(set.owner_person_id.as_ref().unwrap_or(&row.owner_person_id)),
                    audit_findings::version.eq(audit_findings::version + 1),
                    audit_findings::updated_at.eq(scope.at),
                    audit_findings::updated_by.eq(scope.by()),
                ))
                .execute(scope.conn)?;
            cycles::ensure(scope, &row.due(due_on))?;
            let finding = recorded(scope, &caller.organizations, &row.id, "audit_finding.updated")?;
            Ok(Answer::ok(&finding)?.version(finding.version))
        })
        .await
}

/// Settle a finding
///
/// The acting person, who is not its owner, finds that it is settled; evidence or a file shows it. Not while a corrective
/// action about it is open (409 `open_items_remain`).
#[utoipa::path(tag = "audits", request_body = FindingClosureCreate,
    params(("audit_finding_id" = String, Path, description = "指摘事項のID", format = Uuid),
           ("Acting-Person" = String, Header, description = "完了を確かめた人のID / who finds it settled")),
    security(("oauth2" = ["audits:write"])), responses(
    (status = 200, description = "完了した指摘事項 / The finding", body = AuditFinding, headers(("ETag" = String, description = "版 / its version"))),
    Problems, WriteProblems))]
#[post("/audit-findings/{audit_finding_id}/closures")]
pub(super) async fn close_audit_finding(
    caller: Caller<scope::AuditsWrite>,
    id: web::Path<String>,
    Body(new): Body<FindingClosureCreate>,
) -> Result<HttpResponse, ApiError> {
    caller
        .write(move |caller, scope| {
            let row = find(scope, &caller.organizations, &path_id(&id)?)?;
            let person = caller.person()?.to_owned();
            close(scope, &row, &person, &new)?;
            let finding = recorded(scope, &caller.organizations, &row.id, "audit_finding.closed")?;
            Ok(Answer::ok(&finding)?.version(finding.version))
        })
        .await
}

fn close(scope: &mut Scope<'_>, row: &FindingRow, person_id: &str, new: &FindingClosureCreate) -> Result<(), ApiError> {
    let mut errors = vec![];
    let result = lines(&new.result, "/result", 4000, &mut errors);
    let closed_on = new.closed_on.unwrap_or(scope.today);
    if closed_on > scope.today || closed_on < row.created_at.date_in(scope.zone) {
        errors.push(FieldError::new(
            "/closed_on",
            "out_of_range",
            "完了日は指摘の日から今日までの日にしてください。",
            "It must lie between the finding and today.",
        ));
    }
    let (evidence_id, file_id) = (new.evidence_id.as_deref(), new.file_id.as_deref());
    if evidence_id.is_none() && file_id.is_none() {
        errors.push(FieldError::new(
            "/evidence_id",
            "required",
            "完了を示す証跡（evidence_id）かファイル（file_id）を指定してください。",
            "Name the evidence or the file that shows it.",
        ));
    }
    proof::check(scope, &row.organization_id, evidence_id, file_id, &mut errors)?;
    ApiError::unless_empty(errors)?;
    row.require_open()?;
    if row.owner_person_id == person_id {
        return Err(ApiError::Conflict {
            code: "self_approval_forbidden",
            ja: "対応した本人は完了を確かめられません。別の人が確かめてください。".to_owned(),
            en: "The owner cannot find it settled; somebody else does.".to_owned(),
        });
    }
    if corrective_actions::is_open_from(scope, CorrectiveActionOrigin::AuditFinding, &row.id)? {
        return Err(ApiError::Conflict {
            code: "open_items_remain",
            ja: "この指摘事項の是正措置が終わっていません。先に是正措置を完了してください。".to_owned(),
            en: "A corrective action about the finding is open; close it first.".to_owned(),
        });
    }
    diesel::update(audit_findings::table.find((&scope.lg, &row.id)))
        .set((
            audit_findings::state.eq(FindingState::Closed.code()),
            audit_findings::closed_on.eq(Some(closed_on)),
            audit_findings::closed_by_person_id.eq(Some(person_id)),
            audit_findings::result.eq(Some(&result)),
            audit_findings::evidence_id.eq(evidence_id),
            audit_findings::file_id.eq(file_id),
            audit_findings::version.eq(audit_findings::version + 1),
            audit_findings::updated_at.eq(scope.at),
            audit_findings::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    cycles::close(scope, ObligationKind::AuditFollowUp, &row.id, "settled")
}
