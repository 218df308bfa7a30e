//! The rows of subcontracts.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{Subcontract, SubcontractDecision, SubcontractFilter};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::on_tenant;
use crate::db::schema::{contractors, subcontracts};
use crate::db::types::Word;
use crate::domain::subcontract::{self, SubcontractState};
use crate::domain::vocabulary::CodeWord;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = subcontracts)]
pub(super) struct Row {
    pub id: String,
    pub organization_id: String,
    pub engagement_id: String,
    pub parent_subcontract_id: Option<String>,
    pub tier: i32,
    pub contractor_id: String,
    pub work: String,
    pub handles_personal_information: bool,
    pub handles_specific_personal_information: bool,
    pub amount_jpy: Option<i64>,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub state: Word<SubcontractState>,
    pub requested_on: NaiveDate,
    decided_on: Option<NaiveDate>,
    decided_by_person_id: Option<String>,
    decided_by: Option<String>,
    document_number: Option<String>,
    flow_down_confirmed: bool,
    decision_note: Option<String>,
    ended_on: Option<NaiveDate>,
    end_reason: Option<String>,
    pub note: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl Row {
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: "subcontract",
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: Some(&self.engagement_id),
        }
    }

    /// What the rules read.
    pub(super) fn known(&self) -> subcontract::Subcontract {
        subcontract::Subcontract {
            id: self.id.clone(),
            parent_id: self.parent_subcontract_id.clone(),
            tier: self.tier,
            contractor_id: self.contractor_id.clone(),
            state: self.state.0,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            handles_specific_personal_information: self.handles_specific_personal_information,
        }
    }

    pub(super) fn wire(self, today: NaiveDate) -> Subcontract {
        let permitted = self.known().is_permitted(today);
        let decision = self.decided_on.map(|decided_on| SubcontractDecision {
            decided_on,
            decided_by_person_id: self.decided_by_person_id,
            decided_by: self.decided_by,
            document_number: self.document_number,
            flow_down_confirmed: self.flow_down_confirmed,
            note: self.decision_note,
        });
        Subcontract {
            permitted,
            decision,
            id: self.id,
            organization_id: self.organization_id,
            engagement_id: self.engagement_id,
            parent_subcontract_id: self.parent_subcontract_id,
            tier: self.tier,
            contractor_id: self.contractor_id,
            work: self.work,
            handles_personal_information: self.handles_personal_information,
            handles_specific_personal_information: self.handles_specific_personal_information,
            amount_jpy: self.amount_jpy,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            state: self.state.0,
            requested_on: self.requested_on,
            ended_on: self.ended_on,
            end_reason: self.end_reason,
            note: self.note,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        }
    }
}

/// The row of a subcontract that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<Row, ApiError> {
    let row: Row = subcontracts::table
        .find((&scope.lg, id))
        .select(Row::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// The whole chain of an engagement, with one query.
///
/// # Errors
/// A database failure.
pub(crate) fn chain(scope: &mut Scope<'_>, engagement_id: &str) -> Result<Vec<subcontract::Subcontract>, ApiError> {
    let rows: Vec<Row> = subcontracts::table
        .filter(subcontracts::local_government_id.eq(&scope.lg))
        .filter(subcontracts::engagement_id.eq(engagement_id))
        .order(subcontracts::id)
        .select(Row::as_select())
        .load(scope.conn)?;
    Ok(rows.iter().map(Row::known).collect())
}

/// The subcontracts of these engagements, with one query.
///
/// # Errors
/// A database failure.
pub(crate) fn of_engagements(
    scope: &mut Scope<'_>,
    engagement_ids: &BTreeSet<String>,
) -> Result<Vec<Subcontract>, ApiError> {
    let rows: Vec<Row> = subcontracts::table
        .filter(subcontracts::local_government_id.eq(&scope.lg))
        .filter(subcontracts::engagement_id.eq_any(engagement_ids))
        .order((subcontracts::engagement_id, subcontracts::id))
        .select(Row::as_select())
        .load(scope.conn)?;
    let today = scope.today;
    Ok(rows.into_iter().map(|row| row.wire(today)).collect())
}

/// A subcontract that was applied for and is not decided.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct Waiting {
    /// The engagement that it is under.
    pub engagement_id: String,
    /// The company that is to do the work.
    pub contractor: String,
}

/// The subcontracts that wait for their decision, the oldest first.
///
/// # Errors
/// A database failure.
pub(crate) fn waiting(scope: &mut Scope<'_>, limit: i64) -> Result<Vec<Waiting>, ApiError> {
    Ok(subcontracts::table
        .inner_join(contractors::table.on(on_tenant!(subcontracts.contractor_id = contractors.id)))
        .filter(subcontracts::local_government_id.eq(&scope.lg))
        .filter(subcontracts::state.eq(SubcontractState::Requested.code()))
        .order(subcontracts::id)
        .limit(limit)
        .select((subcontracts::engagement_id, contractors::name))
        .load(scope.conn)?)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &SubcontractFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<Row>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = subcontracts::table
        .filter(subcontracts::local_government_id.eq(scope.lg.clone()))
        .filter(subcontracts::id.gt(start.clone()))
        .order(subcontracts::id)
        .limit(limit + 1)
        .select(Row::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(subcontracts::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(tier) = filter.tier {
        query = query.filter(subcontracts::tier.eq(tier));
    }
    if let Some(state) = filter.state {
        query = query.filter(subcontracts::state.eq(state.code()));
    }
    // An engagement and a contractor have an index of their own, and a handful of rows in it.
    let narrow = filter.engagement_id.is_some() || filter.contractor_id.is_some();
    if let Some(id) = &filter.engagement_id {
        query = query.filter(subcontracts::engagement_id.eq(id.clone()));
    }
    if let Some(id) = &filter.contractor_id {
        query = query.filter(subcontracts::contractor_id.eq(id.clone()));
    }
    if narrow {
        return Ok((query.load(scope.conn)?, None));
    }
    let bound: Option<String> = subcontracts::table
        .filter(subcontracts::local_government_id.eq(&scope.lg))
        .filter(subcontracts::id.gt(&start))
        .order(subcontracts::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(subcontracts::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(subcontracts::id.le(bound.clone()));
    }
    let bound = bound.map(|id| After { key: String::new(), id });
    Ok((query.load(scope.conn)?, bound))
}
