//! The rows of measures.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{ContractMeasure, ContractMeasureFilter, MeasureAnswer};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::contract_measures;
use crate::db::types::Word;
use crate::domain::measure::MeasureKind;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};

/// The word of measures in the journal.
const KIND: &str = "contract_measure";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = contract_measures)]
pub(super) struct MeasureRow {
    pub id: String,
    organization_id: String,
    pub entry_id: String,
    period_id: Option<String>,
    kind: Word<MeasureKind>,
    contract_article: String,
    reason: String,
    pub notice_on: NaiveDate,
    document_number: String,
    decided_by_person_id: String,
    corrective_action_id: Option<String>,
    incident_id: Option<String>,
    verification_id: Option<String>,
    pub answer_due_on: Option<NaiveDate>,
    pub answered_on: Option<NaiveDate>,
    pub answer: Option<String>,
    pub result: Option<String>,
    pub note: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl MeasureRow {
    /// What a journal entry about it names.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: Some(&self.entry_id),
        }
    }

    /// The answer, once it is there.
    pub(super) fn answered(&self) -> Option<MeasureAnswer> {
        let (answered_on, text) = self.answered_on.zip(self.answer.clone())?;
        Some(MeasureAnswer { answered_on, text })
    }

    pub(super) fn wire(self) -> ContractMeasure {
        ContractMeasure {
            answer: self.answered(),
            id: self.id,
            organization_id: self.organization_id,
            entry_id: self.entry_id,
            period_id: self.period_id,
            kind: self.kind.0,
            contract_article: self.contract_article,
            reason: self.reason,
            notice_on: self.notice_on,
            document_number: self.document_number,
            decided_by_person_id: self.decided_by_person_id,
            corrective_action_id: self.corrective_action_id,
            incident_id: self.incident_id,
            verification_id: self.verification_id,
            answer_due_on: self.answer_due_on,
            result: self.result,
            note: self.note,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        }
    }
}

/// The row of a measure that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<MeasureRow, ApiError> {
    let row: MeasureRow = contract_measures::table
        .find((&scope.lg, id))
        .select(MeasureRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &ContractMeasureFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<MeasureRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = contract_measures::table
        .filter(contract_measures::local_government_id.eq(scope.lg.clone()))
        .filter(contract_measures::id.gt(start.clone()))
        .order(contract_measures::id)
        .limit(limit + 1)
        .select(MeasureRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(contract_measures::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(contract_measures::organization_id.eq(id.clone()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(contract_measures::kind.eq(Word(kind)));
    }
    if let Some(id) = &filter.entry_id {
        // The entry's own index answers; an entry has a handful.
        return Ok((
            query
                .filter(contract_measures::entry_id.eq(id.clone()))
                .load(scope.conn)?,
            None,
        ));
    }
    let bound: Option<String> = contract_measures::table
        .filter(contract_measures::local_government_id.eq(&scope.lg))
        .filter(contract_measures::id.gt(&start))
        .order(contract_measures::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(contract_measures::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(contract_measures::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// The measures of an entry whose answer is still to come, with the day on which it is due.
///
/// # Errors
/// A database failure.
pub(crate) fn awaited(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<(String, NaiveDate)>, ApiError> {
    Ok(contract_measures::table
        .filter(contract_measures::local_government_id.eq(&scope.lg))
        .filter(contract_measures::entry_id.eq(entry_id))
        .filter(contract_measures::answered_on.is_null())
        .filter(contract_measures::answer_due_on.is_not_null())
        .order(contract_measures::id)
        .select((
            contract_measures::id,
            contract_measures::answer_due_on.assume_not_null(),
        ))
        .load(scope.conn)?)
}
