//! The rows of engagements beside their entries.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::periods;
use super::wire::{Candidate, Engagement};
use crate::app::Scope;
use crate::contractors;
use crate::db::schema::{engagement_candidates, engagements};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::files;
use crate::http::body::clean_lines;
use crate::http::error::ApiError;

/// The spelling of a code word of this slice.
pub(super) fn word(value: &impl Serialize) -> Result<String, ApiError> {
    Ok(serde_json::from_value(serde_json::to_value(value)?)?)
}

fn parse<T: DeserializeOwned>(text: String) -> Result<T, ApiError> {
    Ok(serde_json::from_value(text.into())?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = engagement_candidates)]
struct CandidateRow {
    engagement_id: String,
    contractor_id: String,
    result: String,
    decided_on: Option<NaiveDate>,
    check_sheet_file_id: Option<String>,
    check_result: String,
    checked_on: Option<NaiveDate>,
    note: Option<String>,
}

/// The engagements of these entries: a constant number of queries.
pub(crate) fn complete(scope: &mut Scope<'_>, rows: Vec<EntryRow>) -> Result<Vec<Engagement>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let entries = entry_rows::complete(scope, rows)?;
    type Row = (
        String,
        Option<String>,
        String,
        Option<String>,
        Option<String>,
        Option<NaiveDate>,
    );
    let found: Vec<Row> = engagements::table
        .filter(engagements::local_government_id.eq(&scope.lg))
        .filter(engagements::id.eq_any(&ids))
        .select((
            engagements::id,
            engagements::contractor_id,
            engagements::legal_form,
            engagements::procurement_method,
            engagements::current_period_id,
            engagements::subcontract_list_confirmed_on,
        ))
        .load(scope.conn)?;
    let current: Vec<String> = found.iter().filter_map(|row| row.4.clone()).collect();
    let mut current = periods::by_id(scope, &current)?;
    let mut extensions: BTreeMap<String, Row> = found.into_iter().map(|row| (row.0.clone(), row)).collect();
    let mut candidates: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    let rows: Vec<CandidateRow> = engagement_candidates::table
        .filter(engagement_candidates::local_government_id.eq(&scope.lg))
        .filter(engagement_candidates::engagement_id.eq_any(&ids))
        .order((engagement_candidates::engagement_id, engagement_candidates::id))
        .select(CandidateRow::as_select())
        .load(scope.conn)?;
    for row in rows {
        let candidate = Candidate {
            contractor_id: row.contractor_id,
            result: parse(row.result)?,
            decided_on: row.decided_on,
            check_result: parse(row.check_result)?,
            checked_on: row.checked_on,
            check_sheet_file_id: row.check_sheet_file_id,
            note: row.note,
        };
        candidates.entry(row.engagement_id).or_default().push(candidate);
    }
    entries
        .into_iter()
        .map(|entry| {
            let (_, contractor_id, legal_form, method, period, subcontract_list_confirmed_on) =
                extensions.remove(&entry.id).ok_or(ApiError::NotFound)?;
            Ok(Engagement {
                candidates: candidates.remove(&entry.id).unwrap_or_default(),
                current_period: period.and_then(|id| current.remove(&id)),
                contractor_id,
                subcontract_list_confirmed_on,
                legal_form: parse(legal_form)?,
                procurement_method: method.map(parse).transpose()?,
                entry,
            })
        })
        .collect()
}

/// Replaces the candidates of an engagement.
pub(super) fn replace_candidates(
    scope: &mut Scope<'_>,
    id: &str,
    organization_id: &str,
    new: &[Candidate],
) -> Result<(), ApiError> {
    diesel::delete(
        engagement_candidates::table
            .filter(engagement_candidates::local_government_id.eq(&scope.lg))
            .filter(engagement_candidates::engagement_id.eq(id)),
    )
    .execute(scope.conn)?;
    for (i, candidate) in new.iter().enumerate() {
        let (mut note, mut errors) = (candidate.note.clone(), vec![]);
        clean_lines(&mut note, &format!("/candidates/{i}/note"), 1000, &mut errors);
        ApiError::unless_empty(errors)?;
        contractors::require(
            scope,
            &candidate.contractor_id,
            &format!("/candidates/{i}/contractor_id"),
        )?;
        if let Some(file_id) = &candidate.check_sheet_file_id {
            files::require(
                scope,
                file_id,
                organization_id,
                &format!("/candidates/{i}/check_sheet_file_id"),
            )?;
        }
        diesel::insert_into(engagement_candidates::table)
            .values((
                engagement_candidates::local_government_id.eq(&scope.lg),
                engagement_candidates::id.eq(scope.new_id()),
                engagement_candidates::engagement_id.eq(id),
                engagement_candidates::contractor_id.eq(&candidate.contractor_id),
                engagement_candidates::result.eq(word(&candidate.result)?),
                engagement_candidates::decided_on.eq(candidate.decided_on),
                engagement_candidates::check_sheet_file_id.eq(&candidate.check_sheet_file_id),
                engagement_candidates::check_result.eq(word(&candidate.check_result)?),
                engagement_candidates::checked_on.eq(candidate.checked_on),
                engagement_candidates::note.eq(&note),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}
