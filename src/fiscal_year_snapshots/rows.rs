//! The rows of snapshots.

use diesel::prelude::*;

use super::wire::{FiscalYearSnapshot, FiscalYearSnapshotFilter};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::fiscal_year_snapshots;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = fiscal_year_snapshots)]
pub(super) struct SnapshotRow {
    pub id: String,
    pub organization_id: String,
    pub fiscal_year: i32,
    reason: String,
    pub header: String,
    taken_by_person_id: String,
    taken_at: Instant,
    pub entries_total: i64,
    pub entries_done: i64,
    pub last_entry_id: String,
    pub completed_at: Option<Instant>,
    sha256: Option<String>,
    kid: Option<String>,
    pub jws: Option<String>,
}

impl SnapshotRow {
    pub(super) fn wire(self) -> FiscalYearSnapshot {
        FiscalYearSnapshot {
            id: self.id,
            organization_id: self.organization_id,
            fiscal_year: self.fiscal_year,
            reason: self.reason,
            taken_by_person_id: self.taken_by_person_id,
            taken_at: self.taken_at,
            entries_total: self.entries_total,
            entries_done: self.entries_done,
            completed_at: self.completed_at,
            sha256: self.sha256,
            kid: self.kid,
            jws: self.jws,
        }
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            organization_id: Some(&self.organization_id),
            ..Subject::of("fiscal_year_snapshot", &self.id)
        }
    }
}

/// The snapshot that the caller may see.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<SnapshotRow, ApiError> {
    let row: SnapshotRow = fiscal_year_snapshots::table
        .find((&scope.lg, id))
        .select(SnapshotRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// The next ones, one more than the limit at most, and where the search ended when it was cut short.
pub(super) fn page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &FiscalYearSnapshotFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<SnapshotRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = fiscal_year_snapshots::table
        .filter(fiscal_year_snapshots::local_government_id.eq(scope.lg.clone()))
        .filter(fiscal_year_snapshots::id.gt(start.clone()))
        .order(fiscal_year_snapshots::id)
        .limit(limit + 1)
        .select(SnapshotRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(fiscal_year_snapshots::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(fiscal_year_snapshots::organization_id.eq(id.clone()));
    }
    if let Some(year) = filter.fiscal_year {
        query = query.filter(fiscal_year_snapshots::fiscal_year.eq(year));
    }
    let bound: Option<String> = fiscal_year_snapshots::table
        .filter(fiscal_year_snapshots::local_government_id.eq(&scope.lg))
        .filter(fiscal_year_snapshots::id.gt(&start))
        .order(fiscal_year_snapshots::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(fiscal_year_snapshots::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(fiscal_year_snapshots::id.le(bound.clone()));
    }
    let bound = bound.map(|id| After { key: String::new(), id });
    Ok((query.load(scope.conn)?, bound))
}
