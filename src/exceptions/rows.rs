//! The rows of exceptions.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{Exception, ExceptionDecision, ExceptionFilter, Revocation, RiskAtDecision};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::exceptions;
use crate::db::types::Word;
use crate::domain::exception::{ExceptionState, state_on, takes_effect};
use crate::domain::vocabulary::{CodeWord, Level};
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};

/// The word of exceptions in the journal.
const KIND: &str = "exception";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = exceptions)]
pub(super) struct ExceptionRow {
    pub id: String,
    pub organization_id: String,
    pub entry_id: String,
    pub clause_key: String,
    pub state: Word<ExceptionState>,
    pub emergency: bool,
    reason: String,
    compensating_measures: String,
    pub requested_by_person_id: String,
    pub requested_on: NaiveDate,
    pub expires_on: NaiveDate,
    beyond_fiscal_year: bool,
    decided_on: Option<NaiveDate>,
    decided_by_person_id: Option<String>,
    decided_by: Option<String>,
    decision_document_number: Option<String>,
    decision_recorded_by_person_id: Option<String>,
    decision_note: Option<String>,
    assessment_id: Option<String>,
    residual_level: Option<String>,
    residual_score_x100: Option<i32>,
    revoked_on: Option<NaiveDate>,
    revoked_by_person_id: Option<String>,
    revocation_reason: Option<String>,
    version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl ExceptionRow {
    /// Where it stands on a day.
    pub(super) fn state_on(&self, today: NaiveDate) -> ExceptionState {
        state_on(self.state.0, self.emergency, self.expires_on, today)
    }

    /// What a journal entry about it names.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: Some(&self.entry_id),
        }
    }

    /// The exception as it stands on a day.
    pub(super) fn wire(self, today: NaiveDate) -> Exception {
        let state = self.state_on(today);
        let risk = self
            .assessment_id
            .zip(self.residual_score_x100)
            .map(|(assessment_id, residual_score_x100)| RiskAtDecision {
                assessment_id,
                residual_level: self.residual_level.as_deref().and_then(Level::parse),
                residual_score_x100,
            });
        let decision = self.decided_on.map(|decided_on| ExceptionDecision {
            decided_on,
            decided_by_person_id: self.decided_by_person_id,
            decided_by: self.decided_by,
            document_number: self.decision_document_number,
            recorded_by_person_id: self.decision_recorded_by_person_id,
            beyond_fiscal_year: self.beyond_fiscal_year,
            note: self.decision_note,
            risk,
        });
        let revocation = match (self.revoked_on, self.revoked_by_person_id, self.revocation_reason) {
            (Some(revoked_on), Some(revoked_by_person_id), Some(reason)) => Some(Revocation {
                revoked_on,
                revoked_by_person_id,
                reason,
            }),
            _ => None,
        };
        Exception {
            state,
            in_effect: takes_effect(state, self.emergency),
            decision,
            revocation,
            id: self.id,
            organization_id: self.organization_id,
            entry_id: self.entry_id,
            clause_key: self.clause_key,
            emergency: self.emergency,
            reason: self.reason,
            compensating_measures: self.compensating_measures,
            requested_by_person_id: self.requested_by_person_id,
            requested_on: self.requested_on,
            expires_on: self.expires_on,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        }
    }
}

/// The row of an exception that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<ExceptionRow, ApiError> {
    let row: ExceptionRow = exceptions::table
        .find((&scope.lg, id))
        .select(ExceptionRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &ExceptionFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<ExceptionRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = exceptions::table
        .filter(exceptions::local_government_id.eq(scope.lg.clone()))
        .filter(exceptions::id.gt(start.clone()))
        .order(exceptions::id)
        .limit(limit + 1)
        .select(ExceptionRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(exceptions::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(exceptions::organization_id.eq(id.clone()));
    }
    if let Some(key) = &filter.clause_key {
        query = query.filter(exceptions::clause_key.eq(key.clone()));
    }
    if let Some(to) = filter.expires_to {
        query = query.filter(exceptions::expires_on.le(to));
    }
    let over = exceptions::expires_on.lt(scope.today);
    let emergency = exceptions::state
        .eq(ExceptionState::Requested.code())
        .and(exceptions::emergency);
    let stored = filter.state.map(|state| exceptions::state.eq(Word(state)));
    query = match (filter.state, stored) {
        (Some(ExceptionState::Expired), _) => {
            query.filter(over.and(exceptions::state.eq(ExceptionState::Approved.code()).or(emergency)))
        }
        (Some(ExceptionState::Approved), Some(stored)) => {
            query.filter(stored).filter(exceptions::expires_on.ge(scope.today))
        }
        (Some(ExceptionState::Requested), Some(stored)) => query.filter(stored).filter(
            exceptions::emergency
                .eq(false)
                .or(exceptions::expires_on.ge(scope.today)),
        ),
        (_, Some(stored)) => query.filter(stored),
        (_, None) => query,
    };
    if let Some(id) = &filter.entry_id {
        // The entry's own index answers; an entry has a handful.
        return Ok((
            query.filter(exceptions::entry_id.eq(id.clone())).load(scope.conn)?,
            None,
        ));
    }
    let bound: Option<String> = exceptions::table
        .filter(exceptions::local_government_id.eq(&scope.lg))
        .filter(exceptions::id.gt(&start))
        .order(exceptions::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(exceptions::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(exceptions::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// An application for the clause of the entry that nobody has decided yet.
pub(super) fn undecided(scope: &mut Scope<'_>, entry_id: &str, clause_key: &str) -> Result<bool, ApiError> {
    let rows: Vec<ExceptionRow> = exceptions::table
        .filter(exceptions::local_government_id.eq(&scope.lg))
        .filter(exceptions::entry_id.eq(entry_id))
        .filter(exceptions::clause_key.eq(clause_key))
        .filter(exceptions::state.eq(ExceptionState::Requested.code()))
        .select(ExceptionRow::as_select())
        .load(scope.conn)?;
    Ok(rows
        .iter()
        .any(|row| row.state_on(scope.today) == ExceptionState::Requested))
}

/// An exception that stands in for its clause until its last day, past or to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExceptionInEffect {
    pub id: String,
    pub clause_key: String,
    pub expires_on: NaiveDate,
}

/// Those of an entry, with one query.
///
/// # Errors
/// A database failure.
pub(crate) fn in_effect(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<ExceptionInEffect>, ApiError> {
    type Row = (String, String, Word<ExceptionState>, bool, NaiveDate);
    let rows: Vec<Row> = exceptions::table
        .filter(exceptions::local_government_id.eq(&scope.lg))
        .filter(exceptions::entry_id.eq(entry_id))
        .select((
            exceptions::id,
            exceptions::clause_key,
            exceptions::state,
            exceptions::emergency,
            exceptions::expires_on,
        ))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .filter(|(_, _, state, emergency, _)| takes_effect(state.0, *emergency))
        .map(|(id, clause_key, _, _, expires_on)| ExceptionInEffect {
            id,
            clause_key,
            expires_on,
        })
        .collect())
}
