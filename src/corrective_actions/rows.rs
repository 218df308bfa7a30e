//! The rows of corrective actions, and what others need to know of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{Closure, CorrectiveAction, CorrectiveActionFilter, Extension};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::{corrective_action_evidence, corrective_action_extensions, corrective_actions, obligations};
use crate::db::types::Word;
use crate::domain::corrective_action::{CorrectiveActionOrigin, CorrectiveActionState};
use crate::domain::vocabulary::{CodeWord, ObligationKind};
use crate::entries::rows::holder;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};

/// The word of corrective actions in the journal.
const KIND: &str = "corrective_action";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = corrective_actions)]
pub(super) struct ActionRow {
    pub id: String,
    pub organization_id: String,
    pub entry_id: Option<String>,
    clause_key: Option<String>,
    origin_kind: Word<CorrectiveActionOrigin>,
    origin_id: Option<String>,
    pub title: String,
    pub owner_person_id: Option<String>,
    pub owner_post_id: Option<String>,
    opened_on: NaiveDate,
    pub due_on: NaiveDate,
    pub state: Word<CorrectiveActionState>,
    pub note: Option<String>,
    closed_on: Option<NaiveDate>,
    closed_by_person_id: Option<String>,
    done: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl ActionRow {
    /// What a journal entry about it names.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: self.entry_id.as_deref(),
        }
    }
}

/// The corrective actions of these rows on the wire, with two more queries.
pub(super) fn complete(scope: &mut Scope<'_>, rows: Vec<ActionRow>) -> Result<Vec<CorrectiveAction>, ApiError> {
    type Moved = (String, NaiveDate, NaiveDate, String, String, Instant);
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let moved: Vec<Moved> = corrective_action_extensions::table
        .filter(corrective_action_extensions::local_government_id.eq(&scope.lg))
        .filter(corrective_action_extensions::corrective_action_id.eq_any(&ids))
        .order((
            corrective_action_extensions::corrective_action_id,
            corrective_action_extensions::id,
        ))
        .select((
            corrective_action_extensions::corrective_action_id,
            corrective_action_extensions::before_on,
            corrective_action_extensions::due_on,
            corrective_action_extensions::reason,
            corrective_action_extensions::decided_by_person_id,
            corrective_action_extensions::created_at,
        ))
        .load(scope.conn)?;
    let mut extensions: BTreeMap<String, Vec<Extension>> = BTreeMap::new();
    for (id, before_on, due_on, reason, decided_by_person_id, created_at) in moved {
        extensions.entry(id).or_default().push(Extension {
            before_on,
            due_on,
            reason,
            decided_by_person_id,
            created_at,
        });
    }
    let shown: Vec<(String, String)> = corrective_action_evidence::table
        .filter(corrective_action_evidence::local_government_id.eq(&scope.lg))
        .filter(corrective_action_evidence::corrective_action_id.eq_any(&ids))
        .order((
            corrective_action_evidence::corrective_action_id,
            corrective_action_evidence::evidence_id,
        ))
        .select((
            corrective_action_evidence::corrective_action_id,
            corrective_action_evidence::evidence_id,
        ))
        .load(scope.conn)?;
    let mut evidence: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, evidence_id) in shown {
        evidence.entry(id).or_default().push(evidence_id);
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let closure = match (row.closed_on, row.closed_by_person_id, row.done) {
                (Some(closed_on), Some(closed_by_person_id), Some(done)) => Some(Closure {
                    closed_on,
                    closed_by_person_id,
                    done,
                    evidence_ids: evidence.remove(&row.id).unwrap_or_default(),
                }),
                _ => None,
            };
            CorrectiveAction {
                extensions: extensions.remove(&row.id).unwrap_or_default(),
                closure,
                id: row.id,
                organization_id: row.organization_id,
                entry_id: row.entry_id,
                clause_key: row.clause_key,
                origin_kind: row.origin_kind.0,
                origin_id: row.origin_id,
                title: row.title,
                owner: holder(row.owner_person_id, row.owner_post_id),
                opened_on: row.opened_on,
                due_on: row.due_on,
                state: row.state.0,
                note: row.note,
                version: row.version,
                created_at: row.created_at,
                created_by: row.created_by,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
            }
        })
        .collect())
}

/// The row of a corrective action that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<ActionRow, ApiError> {
    let row: ActionRow = corrective_actions::table
        .find((&scope.lg, id))
        .select(ActionRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// A corrective action of the tenant.
pub(super) fn one(scope: &mut Scope<'_>, id: &str) -> Result<CorrectiveAction, ApiError> {
    let row = corrective_actions::table
        .find((&scope.lg, id))
        .select(ActionRow::as_select())
        .first(scope.conn)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &CorrectiveActionFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<ActionRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = corrective_actions::table
        .filter(corrective_actions::local_government_id.eq(scope.lg.clone()))
        .filter(corrective_actions::id.gt(start.clone()))
        .order(corrective_actions::id)
        .limit(limit + 1)
        .select(ActionRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(corrective_actions::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(corrective_actions::organization_id.eq(id.clone()));
    }
    if let Some(state) = filter.state {
        query = query.filter(corrective_actions::state.eq(Word(state)));
    }
    if let Some(kind) = filter.origin_kind {
        query = query.filter(corrective_actions::origin_kind.eq(Word(kind)));
    }
    if let Some(to) = filter.due_to {
        query = query.filter(corrective_actions::due_on.le(to));
    }
    if let Some(id) = &filter.entry_id {
        // The entry's own index answers; an entry has a handful.
        return Ok((
            query
                .filter(corrective_actions::entry_id.eq(Some(id.clone())))
                .load(scope.conn)?,
            None,
        ));
    }
    let bound: Option<String> = corrective_actions::table
        .filter(corrective_actions::local_government_id.eq(&scope.lg))
        .filter(corrective_actions::id.gt(&start))
        .order(corrective_actions::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(corrective_actions::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(corrective_actions::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// The open ones of an entry with their due dates.
///
/// # Errors
/// A database failure.
pub(crate) fn open_dues(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<(String, NaiveDate)>, ApiError> {
    Ok(corrective_actions::table
        .filter(corrective_actions::local_government_id.eq(&scope.lg))
        .filter(corrective_actions::entry_id.eq(Some(entry_id)))
        .filter(corrective_actions::state.eq(CorrectiveActionState::Open.code()))
        .order(corrective_actions::id)
        .select((corrective_actions::id, corrective_actions::due_on))
        .load(scope.conn)?)
}

/// Whether one that this brought about is open.
///
/// # Errors
/// A database failure.
pub(crate) fn is_open_from(
    scope: &mut Scope<'_>,
    origin: CorrectiveActionOrigin,
    origin_id: &str,
) -> Result<bool, ApiError> {
    let found: Option<String> = corrective_actions::table
        .filter(corrective_actions::local_government_id.eq(&scope.lg))
        .filter(corrective_actions::origin_id.eq(Some(origin_id)))
        .filter(corrective_actions::origin_kind.eq(origin.code()))
        .filter(corrective_actions::state.eq(CorrectiveActionState::Open.code()))
        .select(corrective_actions::id)
        .first(scope.conn)
        .optional()?;
    Ok(found.is_some())
}

/// The clauses of an entry that an open one is about.
pub(super) fn open_clauses(scope: &mut Scope<'_>, entry_id: &str) -> Result<BTreeSet<String>, ApiError> {
    let keys: Vec<Option<String>> = corrective_actions::table
        .filter(corrective_actions::local_government_id.eq(&scope.lg))
        .filter(corrective_actions::entry_id.eq(Some(entry_id)))
        .filter(corrective_actions::state.eq(CorrectiveActionState::Open.code()))
        .select(corrective_actions::clause_key)
        .load(scope.conn)?;
    Ok(keys.into_iter().flatten().collect())
}

/// A person and a post: whichever owns.
type Owner = (Option<String>, Option<String>);

/// Person or post that owns a corrective action, where it is not the entry's owner, by the obligation of its due date.
///
/// # Errors
/// A database failure.
pub(crate) fn owners(
    scope: &mut Scope<'_>,
    obligation_ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Owner>, ApiError> {
    let dues: Vec<(String, String)> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(obligation_ids))
        .filter(obligations::kind.eq(ObligationKind::CorrectiveAction.code()))
        .select((obligations::id, obligations::subject_id))
        .load(scope.conn)?;
    let owned: Vec<(String, Option<String>, Option<String>)> = corrective_actions::table
        .filter(corrective_actions::local_government_id.eq(&scope.lg))
        .filter(corrective_actions::id.eq_any(dues.iter().map(|(_, action)| action)))
        .select((
            corrective_actions::id,
            corrective_actions::owner_person_id,
            corrective_actions::owner_post_id,
        ))
        .load(scope.conn)?;
    let owned: BTreeMap<String, Owner> = owned
        .into_iter()
        .filter(|(_, person, post)| person.is_some() || post.is_some())
        .map(|(id, person, post)| (id, (person, post)))
        .collect();
    Ok(dues
        .into_iter()
        .filter_map(|(obligation, action)| Some((obligation, owned.get(&action)?.clone())))
        .collect())
}
