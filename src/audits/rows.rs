//! The rows of audits: read, checked, written.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{Audit, AuditCreate, AuditFilter, AuditPatch};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{audit_findings, audits};
use crate::db::types::Word;
use crate::domain::audit::{AuditFault, AuditKind, AuditPlan, SELF_AUDIT, check_audit};
use crate::domain::vocabulary::CodeWord;
use crate::http::body::{Patch, clean_line, clean_lines, lines};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::http::page::{self, After};
use crate::people;

/// The word of audits in the journal.
const KIND: &str = "audit";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audits)]
pub(super) struct AuditRow {
    pub id: String,
    pub organization_id: String,
    pub kind: Word<AuditKind>,
    pub fiscal_year: i32,
    scope: String,
    pub auditor_person_id: Option<String>,
    external_auditor: Option<String>,
    auditee_person_id: String,
    planned_on: Option<NaiveDate>,
    started_on: Option<NaiveDate>,
    finished_on: Option<NaiveDate>,
    pub reported_on: Option<NaiveDate>,
    note: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl AuditRow {
    pub(super) fn wire(self) -> Audit {
        Audit {
            id: self.id,
            organization_id: self.organization_id,
            kind: self.kind.0,
            fiscal_year: self.fiscal_year,
            scope: self.scope,
            auditor_person_id: self.auditor_person_id,
            external_auditor: self.external_auditor,
            auditee_person_id: self.auditee_person_id,
            planned_on: self.planned_on,
            started_on: self.started_on,
            finished_on: self.finished_on,
            reported_on: self.reported_on,
            note: self.note,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        }
    }

    /// What a journal entry about it names.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: None,
        }
    }
}

/// The row of an audit that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<AuditRow, ApiError> {
    let row: AuditRow = audits::table
        .find((&scope.lg, id))
        .select(AuditRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &AuditFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<AuditRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound: Option<String> = audits::table
        .filter(audits::local_government_id.eq(&scope.lg))
        .filter(audits::id.gt(&start))
        .order(audits::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(audits::id)
        .first(scope.conn)
        .optional()?;
    let mut query = audits::table
        .filter(audits::local_government_id.eq(scope.lg.clone()))
        .filter(audits::id.gt(start))
        .order(audits::id)
        .limit(limit + 1)
        .select(AuditRow::as_select())
        .into_boxed();
    if let Some(bound) = &bound {
        query = query.filter(audits::id.le(bound.clone()));
    }
    if let Some(ids) = allowed.list() {
        query = query.filter(audits::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(audits::organization_id.eq(id.clone()));
    }
    if let Some(year) = filter.fiscal_year {
        query = query.filter(audits::fiscal_year.eq(year));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(audits::kind.eq(Word(kind)));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// The fields that can be written.
#[derive(Debug, Clone)]
pub(super) struct State {
    scope: String,
    auditor_person_id: Option<String>,
    external_auditor: Option<String>,
    auditee_person_id: String,
    planned_on: Option<NaiveDate>,
    started_on: Option<NaiveDate>,
    finished_on: Option<NaiveDate>,
    reported_on: Option<NaiveDate>,
    note: Option<String>,
}

impl State {
    pub(super) fn from_create(scope: &mut Scope<'_>, new: &AuditCreate) -> Result<Self, ApiError> {
        Self {
            scope: new.scope.clone(),
            auditor_person_id: new.auditor_person_id.clone(),
            external_auditor: new.external_auditor.clone(),
            auditee_person_id: new.auditee_person_id.clone(),
            planned_on: new.planned_on,
            started_on: new.started_on,
            finished_on: new.finished_on,
            reported_on: new.reported_on,
            note: new.note.clone(),
        }
        .checked(scope, None)
    }

    pub(super) fn from_patch(
        scope: &mut Scope<'_>,
        now: AuditRow,
        patch: &Patch<AuditPatch>,
    ) -> Result<Self, ApiError> {
        let set = patch.set.clone();
        let mut state = Self {
            scope: now.scope,
            auditor_person_id: now.auditor_person_id,
            external_auditor: now.external_auditor,
            auditee_person_id: now.auditee_person_id,
            planned_on: now.planned_on,
            started_on: now.started_on,
            finished_on: now.finished_on,
            reported_on: now.reported_on,
            note: now.note,
        };
        Patch::<AuditPatch>::value(&mut state.scope, set.scope);
        patch.nullable(&mut state.auditor_person_id, set.auditor_person_id, "auditor_person_id");
        patch.nullable(&mut state.external_auditor, set.external_auditor, "external_auditor");
        Patch::<AuditPatch>::value(&mut state.auditee_person_id, set.auditee_person_id);
        patch.nullable(&mut state.planned_on, set.planned_on, "planned_on");
        patch.nullable(&mut state.started_on, set.started_on, "started_on");
        patch.nullable(&mut state.finished_on, set.finished_on, "finished_on");
        patch.nullable(&mut state.reported_on, set.reported_on, "reported_on");
        patch.nullable(&mut state.note, set.note, "note");
        state.checked(scope, Some(&now.id))
    }

    fn checked(mut self, scope: &mut Scope<'_>, audit_id: Option<&str>) -> Result<Self, ApiError> {
        let mut errors = vec![];
        self.scope = lines(&self.scope, "/scope", 4000, &mut errors);
        clean_line(&mut self.external_auditor, "/external_auditor", 200, &mut errors);
        clean_lines(&mut self.note, "/note", 4000, &mut errors);
        people::require(scope, &self.auditee_person_id, "/auditee_person_id")?;
        if let Some(id) = &self.auditor_person_id {
            people::require(scope, id, "/auditor_person_id")?;
        }
        let plan = AuditPlan {
            auditor_person_id: self.auditor_person_id.as_deref(),
            external: self.external_auditor.is_some(),
            auditee_person_id: &self.auditee_person_id,
            started_on: self.started_on,
            finished_on: self.finished_on,
            reported_on: self.reported_on,
            today: scope.today,
        };
        errors.extend(check_audit(&plan).iter().map(field_error));
        if let (Some(audit_id), Some(auditor)) = (audit_id, &self.auditor_person_id) {
            // Whoever settles a finding is audited too.
            let owned: Option<String> = audit_findings::table
                .filter(audit_findings::local_government_id.eq(&scope.lg))
                .filter(audit_findings::audit_id.eq(audit_id))
                .filter(audit_findings::owner_person_id.eq(auditor))
                .select(audit_findings::id)
                .first(scope.conn)
                .optional()?;
            errors.extend(owned.map(|_| field_error(&SELF_AUDIT)));
        }
        ApiError::unless_empty(errors)?;
        Ok(self)
    }
}

/// A fault as the API names it.
pub(crate) fn field_error(fault: &AuditFault) -> FieldError {
    FieldError::new(&format!("/{}", fault.field), fault.code, fault.ja, fault.en)
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = audits, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Values<'a> {
    scope: &'a str,
    auditor_person_id: Option<&'a str>,
    external_auditor: Option<&'a str>,
    auditee_person_id: &'a str,
    planned_on: Option<NaiveDate>,
    started_on: Option<NaiveDate>,
    finished_on: Option<NaiveDate>,
    reported_on: Option<NaiveDate>,
    note: Option<&'a str>,
    updated_at: Instant,
    updated_by: String,
}

fn values<'a>(scope: &Scope<'_>, state: &'a State) -> Values<'a> {
    Values {
        scope: &state.scope,
        auditor_person_id: state.auditor_person_id.as_deref(),
        external_auditor: state.external_auditor.as_deref(),
        auditee_person_id: &state.auditee_person_id,
        planned_on: state.planned_on,
        started_on: state.started_on,
        finished_on: state.finished_on,
        reported_on: state.reported_on,
        note: state.note.as_deref(),
        updated_at: scope.at,
        updated_by: scope.by(),
    }
}

pub(super) fn insert(scope: &mut Scope<'_>, new: &AuditCreate, state: &State) -> Result<String, ApiError> {
    let id = scope.new_id();
    diesel::insert_into(audits::table)
        .values((
            audits::local_government_id.eq(&scope.lg),
            audits::id.eq(&id),
            audits::organization_id.eq(&new.organization_id),
            audits::kind.eq(new.kind.code()),
            audits::fiscal_year.eq(new.fiscal_year),
            values(scope, state),
            audits::version.eq(1),
            audits::created_at.eq(scope.at),
            audits::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(id)
}

pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::update(audits::table.find((&scope.lg, id)))
        .set((values(scope, state), audits::version.eq(audits::version + 1)))
        .execute(scope.conn)?;
    Ok(())
}
