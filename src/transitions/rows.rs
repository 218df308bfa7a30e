//! The rows of transitions and their approvals, and what an act changes on the entry itself.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::standing::Known;
use super::wire::{ApprovalCreate, TransitionApproval, TransitionCreate, TransitionTaken};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{
    cloud_services, engagement_candidates, engagements, entries, transition_approvals, transitions,
};
use crate::db::types::Word;
use crate::domain::lifecycle::{APPLICATIONS, Cause, Transition};
use crate::domain::vocabulary::{CodeWord, Phase, Role, Status};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::http::error::ApiError;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = transitions)]
struct Row {
    id: String,
    entry_id: String,
    transition: String,
    from_status: Word<Status>,
    to_status: Word<Status>,
    effective_on: NaiveDate,
    reason: String,
    cause: Option<String>,
    conditions: String,
    person_id: String,
    double_role_reason: Option<String>,
    approval_valid_until_on: Option<NaiveDate>,
    created_at: Instant,
    created_by: String,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = transition_approvals)]
struct ApprovalRow {
    id: String,
    transition: String,
    role: Word<Role>,
    person_id: Option<String>,
    decided_by: Option<String>,
    decided_on: NaiveDate,
    document_number: Option<String>,
    note: Option<String>,
    transition_id: Option<String>,
}

impl ApprovalRow {
    fn wire(self) -> TransitionApproval {
        TransitionApproval {
            id: self.id,
            transition: self.transition,
            role: self.role.0,
            person_id: self.person_id,
            decided_by: self.decided_by,
            decided_on: self.decided_on,
            document_number: self.document_number,
            note: self.note,
        }
    }
}

/// The approvals of an entry that no transition has used.
pub(super) fn open_approvals(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<TransitionApproval>, ApiError> {
    let rows: Vec<ApprovalRow> = transition_approvals::table
        .filter(transition_approvals::local_government_id.eq(&scope.lg))
        .filter(transition_approvals::entry_id.eq(entry_id))
        .filter(transition_approvals::transition_id.is_null())
        .order(transition_approvals::id)
        .select(ApprovalRow::as_select())
        .load(scope.conn)?;
    Ok(rows.into_iter().map(ApprovalRow::wire).collect())
}

/// Who applied last, and since when the entry is in its status, as far as transitions say so.
pub(super) fn last(
    scope: &mut Scope<'_>,
    entry_id: &str,
    status: Status,
) -> Result<(Option<String>, Option<NaiveDate>), ApiError> {
    let mine = || {
        transitions::table
            .filter(transitions::local_government_id.eq(scope.lg.clone()))
            .filter(transitions::entry_id.eq(entry_id.to_owned()))
            .order(transitions::id.desc())
    };
    let applicant = mine()
        .filter(transitions::transition.eq_any(APPLICATIONS))
        .select(transitions::person_id);
    let since = mine()
        .filter(transitions::to_status.eq(status.code()))
        .filter(transitions::from_status.ne(status.code()))
        .select(transitions::effective_on);
    Ok((
        applicant.first(scope.conn).optional()?,
        since.first(scope.conn).optional()?,
    ))
}

/// What the request settles before the guards look: who was selected, until when a use is approved.
pub(super) fn prepare(scope: &mut Scope<'_>, entry: &EntryRow, new: &TransitionCreate) -> Result<(), ApiError> {
    let Some(contractor_id) = &new.contractor_id else {
        return Ok(());
    };
    diesel::update(engagements::table.find((&scope.lg, &entry.id)))
        .set(engagements::contractor_id.eq(Some(contractor_id)))
        .execute(scope.conn)?;
    diesel::update(
        engagement_candidates::table
            .filter(engagement_candidates::local_government_id.eq(&scope.lg))
            .filter(engagement_candidates::engagement_id.eq(&entry.id))
            .filter(engagement_candidates::contractor_id.eq(contractor_id)),
    )
    .set((
        engagement_candidates::result.eq("selected"),
        engagement_candidates::decided_on.eq(Some(new.effective_on.unwrap_or(scope.today))),
    ))
    .execute(scope.conn)?;
    Ok(())
}

/// Records the act, uses up its approvals and moves the entry.
pub(super) fn take(
    scope: &mut Scope<'_>,
    known: &Known<'_>,
    new: &TransitionCreate,
    person_id: &str,
    effective_on: NaiveDate,
    to: Status,
) -> Result<TransitionTaken, ApiError> {
    let (entry, id) = (&known.entry, scope.new_id());
    let approves = matches!(new.transition.as_str(), "approve_use" | "renew_approval");
    let until = approves.then(|| new.approval_valid_until_on.unwrap_or(known.approval_default()));
    diesel::insert_into(transitions::table)
        .values((
            transitions::local_government_id.eq(&scope.lg),
            transitions::id.eq(&id),
            transitions::entry_id.eq(&entry.id),
            transitions::organization_id.eq(&entry.organization_id),
            transitions::transition.eq(&new.transition),
            transitions::from_status.eq(entry.status.0.code()),
            transitions::to_status.eq(to.code()),
            transitions::effective_on.eq(effective_on),
            transitions::reason.eq(&new.reason),
            transitions::cause.eq(new.cause.map(CodeWord::code)),
            transitions::conditions.eq(serde_json::to_string(&new.conditions)?),
            transitions::person_id.eq(person_id),
            transitions::double_role_reason.eq(&new.double_role_reason),
            transitions::approval_valid_until_on.eq(until),
            transitions::created_at.eq(scope.at),
            transitions::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    diesel::update(
        transition_approvals::table
            .filter(transition_approvals::local_government_id.eq(&scope.lg))
            .filter(transition_approvals::entry_id.eq(&entry.id))
            .filter(transition_approvals::transition.eq(&new.transition))
            .filter(transition_approvals::transition_id.is_null()),
    )
    .set(transition_approvals::transition_id.eq(Some(&id)))
    .execute(scope.conn)?;
    // The first step into the active phase is the start that due dates count from.
    let starts = entry.started_on.is_none() && to.phase() == Phase::Active;
    diesel::update(entries::table.find((&scope.lg, &entry.id)))
        .set((
            entries::status.eq(to.code()),
            entries::started_on.eq(entry.started_on.or(starts.then_some(effective_on))),
        ))
        .execute(scope.conn)?;
    if let Some(until) = until {
        diesel::update(cloud_services::table.find((&scope.lg, &entry.id)))
            .set(cloud_services::approval_valid_until_on.eq(Some(until)))
            .execute(scope.conn)?;
    }
    let taken = one(scope, &id)?;
    let payload = in_place_of(serde_json::to_value(&taken)?, &known.acting_for);
    scope.record("entry.transition_taken", entry.subject(), payload);
    entry_rows::touch(scope, &entry.id)?;
    Ok(taken)
}

/// Notes for whom a delegate (不在代理) acted.
fn in_place_of(mut payload: Value, acting_for: &[String]) -> Value {
    if let Value::Object(payload) = &mut payload
        && !acting_for.is_empty()
    {
        payload.insert("acting_for_person_ids".to_owned(), acting_for.into());
    }
    payload
}

/// Records an approval for the next taking of a transition.
pub(super) fn approve(
    scope: &mut Scope<'_>,
    known: &Known<'_>,
    transition: &Transition,
    new: ApprovalCreate,
    person_id: &str,
) -> Result<TransitionApproval, ApiError> {
    let (entry, elsewhere) = (&known.entry, new.decided_elsewhere);
    let acting_for = if elsewhere.is_none() {
        known.acting_for.as_slice()
    } else {
        &[]
    };
    let approval = TransitionApproval {
        id: scope.new_id(),
        transition: transition.key.to_owned(),
        role: new.role,
        person_id: elsewhere.is_none().then(|| person_id.to_owned()),
        decided_on: elsewhere.as_ref().map_or(scope.today, |decision| decision.decided_on),
        document_number: elsewhere.as_ref().and_then(|decision| decision.document_number.clone()),
        decided_by: elsewhere.map(|decision| decision.decided_by),
        note: new.note,
    };
    diesel::insert_into(transition_approvals::table)
        .values((
            transition_approvals::local_government_id.eq(&scope.lg),
            transition_approvals::id.eq(&approval.id),
            transition_approvals::entry_id.eq(&entry.id),
            transition_approvals::transition.eq(&approval.transition),
            transition_approvals::role.eq(approval.role.code()),
            transition_approvals::person_id.eq(&approval.person_id),
            transition_approvals::decided_by.eq(&approval.decided_by),
            transition_approvals::decided_on.eq(approval.decided_on),
            transition_approvals::document_number.eq(&approval.document_number),
            transition_approvals::note.eq(&approval.note),
            transition_approvals::created_at.eq(scope.at),
            transition_approvals::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    let payload = json!({"approval": approval, "recorded_by_person_id": person_id});
    scope.record(
        "entry.transition_approved",
        entry.subject(),
        in_place_of(payload, acting_for),
    );
    Ok(approval)
}

fn one(scope: &mut Scope<'_>, id: &str) -> Result<TransitionTaken, ApiError> {
    let row = transitions::table
        .find((&scope.lg, id))
        .select(Row::as_select())
        .first(scope.conn)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

/// A page of what an entry has been through, and one more.
pub(super) fn page(
    scope: &mut Scope<'_>,
    entry_id: &str,
    after: Option<String>,
    limit: i64,
) -> Result<Vec<TransitionTaken>, ApiError> {
    let rows = transitions::table
        .filter(transitions::local_government_id.eq(&scope.lg))
        .filter(transitions::entry_id.eq(entry_id))
        .filter(transitions::id.gt(after.unwrap_or_default()))
        .order(transitions::id)
        .limit(limit + 1)
        .select(Row::as_select())
        .load(scope.conn)?;
    complete(scope, rows)
}

/// With their approvals, by one more query.
fn complete(scope: &mut Scope<'_>, rows: Vec<Row>) -> Result<Vec<TransitionTaken>, ApiError> {
    let ids: Vec<Option<String>> = rows.iter().map(|row| Some(row.id.clone())).collect();
    let entry_ids: Vec<String> = rows.iter().map(|row| row.entry_id.clone()).collect();
    let mut approvals: Vec<ApprovalRow> = transition_approvals::table
        .filter(transition_approvals::local_government_id.eq(&scope.lg))
        .filter(transition_approvals::entry_id.eq_any(entry_ids))
        .filter(transition_approvals::transition_id.eq_any(ids))
        .order(transition_approvals::id)
        .select(ApprovalRow::as_select())
        .load(scope.conn)?;
    rows.into_iter()
        .map(|row| {
            let (own, rest) = approvals
                .drain(..)
                .partition(|approval: &ApprovalRow| approval.transition_id.as_ref() == Some(&row.id));
            approvals = rest;
            let own: Vec<ApprovalRow> = own;
            Ok(TransitionTaken {
                id: row.id,
                entry_id: row.entry_id,
                transition: row.transition,
                from_status: row.from_status.0,
                to_status: row.to_status.0,
                effective_on: row.effective_on,
                reason: row.reason,
                cause: row.cause.as_deref().and_then(Cause::parse),
                conditions: serde_json::from_str(&row.conditions)?,
                person_id: row.person_id,
                double_role_reason: row.double_role_reason,
                approval_valid_until_on: row.approval_valid_until_on,
                approvals: own.into_iter().map(ApprovalRow::wire).collect(),
                created_at: row.created_at,
                created_by: row.created_by,
            })
        })
        .collect()
}
