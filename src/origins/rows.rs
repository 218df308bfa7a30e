//! The rows of origins, and the due date of what is missing.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{EntryOrigin, TransitionalJudgement};
use crate::app::Scope;
use crate::db::schema::entry_origins;
use crate::db::types::Word;
use crate::domain::calendar::add_months;
use crate::domain::transitional::{self, TransitionalTreatment};
use crate::domain::vocabulary::{CodeWord, Kind};
use crate::entries::rows::EntryRow;
use crate::entries::state::Situation;
use crate::http::error::ApiError;
use crate::transitions;

/// How long an existing thing has to make good what it lacks, unless the organization sets a date.
const MONTHS: i32 = 6;

#[derive(Debug, Clone, Default, Queryable, Selectable)]
#[diesel(table_name = entry_origins)]
pub(super) struct Origin {
    pub predecessor_id: Option<String>,
    pub gaps_due_on: Option<NaiveDate>,
    transitional_treatment: Option<Word<TransitionalTreatment>>,
    transitional_reason: Option<String>,
    transitional_judged_on: Option<NaiveDate>,
    transitional_judged_by_person_id: Option<String>,
}

impl Origin {
    /// What was judged; none while nobody has.
    fn judgement(self) -> Option<TransitionalJudgement> {
        Some(TransitionalJudgement {
            treatment: self.transitional_treatment?.0,
            reason: self.transitional_reason.unwrap_or_default(),
            judged_on: self.transitional_judged_on?,
            judged_by_person_id: self.transitional_judged_by_person_id?,
        })
    }
}

/// What was judged about each of these entries; those of which nothing was are left out.
///
/// # Errors
/// A database failure.
pub(crate) fn judgements(
    scope: &mut Scope<'_>,
    entry_ids: &[&str],
) -> Result<BTreeMap<String, TransitionalJudgement>, ApiError> {
    let rows: Vec<(String, Origin)> = entry_origins::table
        .filter(entry_origins::local_government_id.eq(&scope.lg))
        .filter(entry_origins::entry_id.eq_any(entry_ids))
        .select((entry_origins::entry_id, Origin::as_select()))
        .load(scope.conn)?;
    let judged = rows.into_iter().map(|(id, origin)| (id, origin.judgement()));
    Ok(judged.filter_map(|(id, judgement)| Some((id, judgement?))).collect())
}

/// The origin of an entry; empty while nothing was recorded.
pub(super) fn origin(scope: &mut Scope<'_>, entry_id: &str) -> Result<Origin, ApiError> {
    let found = entry_origins::table
        .find((&scope.lg, entry_id))
        .select(Origin::as_select())
        .first(scope.conn)
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Makes sure that the row is there.
pub(super) fn ensure(scope: &mut Scope<'_>, entry_id: &str) -> Result<(), ApiError> {
    let there: i64 = entry_origins::table
        .find((&scope.lg, entry_id))
        .count()
        .get_result(scope.conn)?;
    if there == 0 {
        diesel::insert_into(entry_origins::table)
            .values((
                entry_origins::local_government_id.eq(&scope.lg),
                entry_origins::entry_id.eq(entry_id),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}

pub(super) fn wire(scope: &mut Scope<'_>, entry: &EntryRow) -> Result<EntryOrigin, ApiError> {
    let origin = origin(scope, &entry.id)?;
    let successor_ids = entry_origins::table
        .filter(entry_origins::local_government_id.eq(&scope.lg))
        .filter(entry_origins::predecessor_id.eq(Some(&entry.id)))
        .order(entry_origins::entry_id)
        .select(entry_origins::entry_id)
        .load(scope.conn)?;
    let predecessor_id = origin.predecessor_id.clone();
    let judgement = origin.judgement();
    let treatment = judgement.as_ref().map(|judgement| judgement.treatment);
    Ok(EntryOrigin {
        entry_id: entry.id.clone(),
        registered_as_existing: entry.registered_as_existing,
        started_on: entry.started_on,
        predecessor_id,
        successor_ids,
        transitional_standing: transitional::standing(entry.started_on, treatment, scope.today),
        transitional_judgement: judgement,
    })
}

pub(super) fn judge(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    treatment: TransitionalTreatment,
    reason: &str,
    person_id: &str,
) -> Result<(), ApiError> {
    ensure(scope, &entry.id)?;
    diesel::update(entry_origins::table.find((&scope.lg, &entry.id)))
        .set((
            entry_origins::transitional_treatment.eq(Some(treatment.code())),
            entry_origins::transitional_reason.eq(Some(reason)),
            entry_origins::transitional_judged_on.eq(Some(scope.today)),
            entry_origins::transitional_judged_by_person_id.eq(Some(person_id)),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Until when an entry has to make good what it lacks. The clock starts when something is first seen missing, at the
/// registration of what runs already, and is forgotten when nothing is.
///
/// # Errors
/// A database failure.
pub(crate) fn gap_due<'c>(scope: &mut Scope<'c>, situation: &Situation<'c>) -> Result<Option<NaiveDate>, ApiError> {
    let entry = &situation.entry;
    let possible = entry.registered_as_existing || entry.kind.0 == Kind::SocialMediaAccount;
    if !possible || entry.status.0.is_final() || entry.archived_at.is_some() {
        return Ok(None);
    }
    let before = origin(scope, &entry.id)?.gaps_due_on;
    let due = if transitions::gaps(scope, situation)?.is_empty() {
        None
    } else if before.is_some() {
        before
    } else {
        let set = situation.organization.existing_gaps_due_on;
        Some(
            set.filter(|on| *on >= scope.today)
                .unwrap_or_else(|| add_months(scope.today, MONTHS)),
        )
    };
    if due != before {
        ensure(scope, &entry.id)?;
        diesel::update(entry_origins::table.find((&scope.lg, &entry.id)))
            .set(entry_origins::gaps_due_on.eq(due))
            .execute(scope.conn)?;
    }
    Ok(due)
}
