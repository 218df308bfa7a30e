//! The rows of self-inspections, and how one is made from the duties of the organization's policy.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{InspectedDuty, InspectionAnswerPut, SelfInspection, SelfInspectionFilter};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{self_inspection_items, self_inspections};
use crate::db::types::Word;
use crate::domain::audit::InspectionAnswer;
use crate::domain::calendar::fiscal_year_days;
use crate::domain::profile::DutyKey;
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};
use crate::obligations::cycles::{self, Due};
use crate::organizations;

/// The word of self-inspections in the journal.
const KIND: &str = "self_inspection";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = self_inspections)]
pub(super) struct InspectionRow {
    pub id: String,
    pub organization_id: String,
    pub fiscal_year: i32,
    profile_version: String,
    due_on: NaiveDate,
    pub completed_on: Option<NaiveDate>,
    completed_by_person_id: Option<String>,
    note: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = self_inspection_items)]
struct ItemRow {
    self_inspection_id: String,
    duty: Word<DutyKey>,
    section: String,
    summary: String,
    answer: Option<String>,
    reason: Option<String>,
    note: Option<String>,
    improvement: Option<String>,
    improvement_due_on: Option<NaiveDate>,
    evidence_id: Option<String>,
    file_id: Option<String>,
    answered_on: Option<NaiveDate>,
    answered_by_person_id: Option<String>,
}

impl ItemRow {
    fn wire(self) -> InspectedDuty {
        InspectedDuty {
            duty: self.duty.0,
            section: self.section,
            summary: self.summary,
            answer: self.answer.as_deref().and_then(InspectionAnswer::parse),
            reason: self.reason,
            note: self.note,
            improvement: self.improvement,
            improvement_due_on: self.improvement_due_on,
            evidence_id: self.evidence_id,
            file_id: self.file_id,
            answered_on: self.answered_on,
            answered_by_person_id: self.answered_by_person_id,
        }
    }
}

impl InspectionRow {
    fn wire(self, duties: Vec<InspectedDuty>) -> SelfInspection {
        let unanswered = duties.iter().filter(|duty| duty.answer.is_none()).count();
        SelfInspection {
            unanswered: u32::try_from(unanswered).unwrap_or(u32::MAX),
            duties,
            id: self.id,
            organization_id: self.organization_id,
            fiscal_year: self.fiscal_year,
            profile_version: self.profile_version,
            due_on: self.due_on,
            completed_on: self.completed_on,
            completed_by_person_id: self.completed_by_person_id,
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

    /// A completed one is only read.
    pub(super) fn require_open(&self) -> Result<(), ApiError> {
        if self.completed_on.is_none() {
            return Ok(());
        }
        Err(ApiError::Conflict {
            code: "already_closed",
            ja: "この自己点検は完了しています。読み直してください。".to_owned(),
            en: "The self-inspection is complete; read it again.".to_owned(),
        })
    }
}

/// The row of a self-inspection that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<InspectionRow, ApiError> {
    let row: InspectionRow = self_inspections::table
        .find((&scope.lg, id))
        .select(InspectionRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// With their duties, by one more query.
pub(super) fn complete(scope: &mut Scope<'_>, rows: Vec<InspectionRow>) -> Result<Vec<SelfInspection>, ApiError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let items: Vec<ItemRow> = self_inspection_items::table
        .filter(self_inspection_items::local_government_id.eq(&scope.lg))
        .filter(self_inspection_items::self_inspection_id.eq_any(ids))
        .order((
            self_inspection_items::self_inspection_id,
            self_inspection_items::position,
        ))
        .select(ItemRow::as_select())
        .load(scope.conn)?;
    let mut duties: BTreeMap<String, Vec<InspectedDuty>> = BTreeMap::new();
    for item in items {
        duties
            .entry(item.self_inspection_id.clone())
            .or_default()
            .push(item.wire());
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let own = duties.remove(&row.id).unwrap_or_default();
            row.wire(own)
        })
        .collect())
}

/// One self-inspection as the API shows it.
pub(super) fn one(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<SelfInspection, ApiError> {
    let row = find(scope, allowed, id)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &SelfInspectionFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<InspectionRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let bound: Option<String> = self_inspections::table
        .filter(self_inspections::local_government_id.eq(&scope.lg))
        .filter(self_inspections::id.gt(&start))
        .order(self_inspections::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(self_inspections::id)
        .first(scope.conn)
        .optional()?;
    let mut query = self_inspections::table
        .filter(self_inspections::local_government_id.eq(scope.lg.clone()))
        .filter(self_inspections::id.gt(start))
        .order(self_inspections::id)
        .limit(limit + 1)
        .select(InspectionRow::as_select())
        .into_boxed();
    if let Some(bound) = &bound {
        query = query.filter(self_inspections::id.le(bound.clone()));
    }
    if let Some(ids) = allowed.list() {
        query = query.filter(self_inspections::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(self_inspections::organization_id.eq(id.clone()));
    }
    if let Some(year) = filter.fiscal_year {
        query = query.filter(self_inspections::fiscal_year.eq(year));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// The organizations that inspect themselves in this fiscal year.
pub(super) fn of_year(scope: &mut Scope<'_>, fiscal_year: i32) -> Result<Vec<String>, ApiError> {
    Ok(self_inspections::table
        .filter(self_inspections::local_government_id.eq(&scope.lg))
        .filter(self_inspections::fiscal_year.eq(fiscal_year))
        .order(self_inspections::organization_id)
        .select(self_inspections::organization_id)
        .load(scope.conn)?)
}

/// Whether there is one of this organization and year.
pub(super) fn is_open(scope: &mut Scope<'_>, organization_id: &str, fiscal_year: i32) -> Result<bool, ApiError> {
    let found: Option<String> = self_inspections::table
        .filter(self_inspections::local_government_id.eq(&scope.lg))
        .filter(self_inspections::organization_id.eq(organization_id))
        .filter(self_inspections::fiscal_year.eq(fiscal_year))
        .select(self_inspections::id)
        .first(scope.conn)
        .optional()?;
    Ok(found.is_some())
}

/// Opens a self-inspection: one item for each duty that the organization's policy states, due at the end of the year.
pub(crate) fn open(scope: &mut Scope<'_>, organization_id: &str, fiscal_year: i32) -> Result<String, ApiError> {
    let organization = organizations::row(scope, organization_id)?;
    let profile = scope.app.profile(&organization.profile_key)?;
    let (_, due_on) = fiscal_year_days(fiscal_year);
    let id = scope.new_id();
    diesel::insert_into(self_inspections::table)
        .values((
            self_inspections::local_government_id.eq(&scope.lg),
            self_inspections::id.eq(&id),
            self_inspections::organization_id.eq(organization_id),
            self_inspections::fiscal_year.eq(fiscal_year),
            self_inspections::profile_version.eq(format!("{}@{}", profile.key, profile.version)),
            self_inspections::due_on.eq(due_on),
            self_inspections::version.eq(1),
            self_inspections::created_at.eq(scope.at),
            self_inspections::created_by.eq(scope.by()),
            self_inspections::updated_at.eq(scope.at),
            self_inspections::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    for (position, duty) in (1..).zip(&profile.duties) {
        diesel::insert_into(self_inspection_items::table)
            .values((
                self_inspection_items::local_government_id.eq(&scope.lg),
                self_inspection_items::self_inspection_id.eq(&id),
                self_inspection_items::duty.eq(duty.key.code()),
                self_inspection_items::position.eq(position),
                self_inspection_items::section.eq(&duty.section),
                self_inspection_items::summary.eq(&duty.summary_ja),
            ))
            .execute(scope.conn)?;
    }
    let due = Due {
        kind: ObligationKind::SelfInspection,
        subject_id: id.clone(),
        organization_id: organization_id.to_owned(),
        entry_id: None,
        on: due_on,
        known_cycle_days: None,
        starts_on: None,
        severe: false,
    };
    cycles::ensure(scope, &due)?;
    let row = find(scope, &Organizations::All, &id)?;
    let payload = serde_json::json!({"fiscal_year": fiscal_year, "due_on": due_on, "duties": profile.duties.len()});
    scope.record("self_inspection.opened", row.subject(), payload);
    Ok(id)
}

/// Replaces the answer about a duty; 404 for one that the policy did not state.
pub(super) fn answer(
    scope: &mut Scope<'_>,
    row: &InspectionRow,
    duty: DutyKey,
    person_id: &str,
    new: &InspectionAnswerPut,
) -> Result<(), ApiError> {
    let replaced = diesel::update(self_inspection_items::table.find((&scope.lg, &row.id, duty.code())))
        .set((
            self_inspection_items::answer.eq(Some(new.answer.code())),
            self_inspection_items::reason.eq(&new.reason),
            self_inspection_items::note.eq(&new.note),
            self_inspection_items::improvement.eq(&new.improvement),
            self_inspection_items::improvement_due_on.eq(new.improvement_due_on),
            self_inspection_items::evidence_id.eq(&new.evidence_id),
            self_inspection_items::file_id.eq(&new.file_id),
            self_inspection_items::answered_on.eq(Some(scope.today)),
            self_inspection_items::answered_by_person_id.eq(Some(person_id)),
        ))
        .execute(scope.conn)?;
    if replaced == 0 {
        return Err(ApiError::NotFound);
    }
    diesel::update(self_inspections::table.find((&scope.lg, &row.id)))
        .set((
            self_inspections::version.eq(self_inspections::version + 1),
            self_inspections::updated_at.eq(scope.at),
            self_inspections::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Completes a self-inspection and closes what was due.
pub(super) fn finish(
    scope: &mut Scope<'_>,
    row: &InspectionRow,
    person_id: &str,
    note: Option<&str>,
) -> Result<(), ApiError> {
    diesel::update(self_inspections::table.find((&scope.lg, &row.id)))
        .set((
            self_inspections::completed_on.eq(Some(scope.today)),
            self_inspections::completed_by_person_id.eq(Some(person_id)),
            self_inspections::note.eq(note),
            self_inspections::version.eq(self_inspections::version + 1),
            self_inspections::updated_at.eq(scope.at),
            self_inspections::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    cycles::close(scope, ObligationKind::SelfInspection, &row.id, "completed")
}
