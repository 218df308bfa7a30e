//! What comes after an engagement: its next period, or a new engagement for another contractor.

use diesel::prelude::*;
use serde_json::json;

use super::rows;
use super::wire::{EntrySuccessor, EntrySuccessorCreate};
use crate::app::Scope;
use crate::contractors;
use crate::db::schema::{engagements, entry_origins};
use crate::domain::vocabulary::{Kind, ObligationKind, Phase};
use crate::engagements::wire::{Candidate, CandidateResult, CheckResult, EngagementCreate};
use crate::engagements::{self as engagement, periods};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::entries::state;
use crate::evidence;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::obligations::cycles;

/// # Errors
/// 409 for what has no successor, 422 with what is wrong.
pub(super) fn create(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    entry: &EntryRow,
    new: EntrySuccessorCreate,
) -> Result<EntrySuccessor, ApiError> {
    let running = matches!(
        entry.status.0.phase(),
        Phase::Contracting | Phase::Active | Phase::Closing
    );
    if entry.kind.0 != Kind::ContractorEngagement || !running {
        return Err(ApiError::Conflict {
            code: "nothing_to_succeed",
            ja: "契約した業務委託だけに次の期間や後継を作れます。".to_owned(),
            en: "Only an engagement under contract has a next period or a successor.".to_owned(),
        });
    }
    if let Some(contractor_id) = &new.contractor_id {
        contractors::require(scope, contractor_id, "/contractor_id")?;
    }
    let contractor_id: Option<String> = engagements::table
        .find((&scope.lg, &entry.id))
        .select(engagements::contractor_id)
        .first(scope.conn)?;
    match &new.contractor_id {
        Some(other) if Some(other) != contractor_id.as_ref() => another(scope, allowed, entry, other.clone(), new),
        _ => next_period(scope, entry, new),
    }
}

/// The present contractor goes on.
fn next_period(scope: &mut Scope<'_>, entry: &EntryRow, new: EntrySuccessorCreate) -> Result<EntrySuccessor, ApiError> {
    let Some(period) = new.period else {
        return Err(ApiError::field(
            "/period",
            "required",
            "次の契約期間を入れてください。",
            "Give the next period.",
        ));
    };
    if state::last_day(scope, &entry.id)?.is_some_and(|last| period.starts_on <= last) {
        return Err(ApiError::field(
            "/period/starts_on",
            "overlaps",
            "開始日は今の契約期間の終了日より後にしてください。",
            "It must begin after the present period ends.",
        ));
    }
    let period_id = periods::insert(scope, &entry.id, period, "/period")?;
    let payload = json!({"period_id": period_id});
    scope.record("entry.successor_created", entry.subject(), payload);
    entry_rows::touch(scope, &entry.id)?;
    state::refresh(scope, &entry.id, "changed")?;
    Ok(EntrySuccessor {
        entry_id: entry.id.clone(),
        predecessor_id: None,
        period_id: Some(period_id),
        evidence_ids: vec![],
    })
}

/// Another contractor takes over: a new engagement begins, the old one goes to its end.
fn another(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    entry: &EntryRow,
    contractor_id: String,
    new: EntrySuccessorCreate,
) -> Result<EntrySuccessor, ApiError> {
    let old = engagement::find(scope, allowed, &entry.id)?;
    let candidate = Candidate {
        contractor_id,
        result: CandidateResult::Pending,
        decided_on: None,
        check_result: CheckResult::Pending,
        checked_on: None,
        check_sheet_file_id: None,
        note: None,
    };
    let made = engagement::create(
        scope,
        allowed,
        EngagementCreate {
            organization_id: entry.organization_id.clone(),
            contracting_organization_id: Some(entry.contracting_organization_id.clone()),
            department_id: entry.department_id.clone(),
            control_number: None,
            name: new.name.unwrap_or_else(|| entry.name.clone()),
            name_kana: entry.name_kana.clone(),
            owner: old.entry.owner,
            deputy: old.entry.deputy,
            facts: entry.facts()?,
            status: None,
            registered_as_existing: false,
            started_on: None,
            note: None,
            external_ids: vec![],
            contractor_id: None,
            legal_form: Some(old.legal_form),
            procurement_method: old.procurement_method,
            period: new.period,
            candidates: vec![candidate],
        },
    )?;
    let id = made.entry.id;
    rows::ensure(scope, &id)?;
    diesel::update(entry_origins::table.find((&scope.lg, &id)))
        .set(entry_origins::predecessor_id.eq(Some(&entry.id)))
        .execute(scope.conn)?;
    let evidence_ids = evidence::carry_over(scope, &entry.id, &id)?;
    // What becomes of the contract that ends is decided by this; nobody has to be asked any more.
    if let Some(period) = &old.current_period {
        for kind in [ObligationKind::ContractEnd, ObligationKind::NoticeDeadline] {
            cycles::close(scope, kind, &period.id, "retender")?;
        }
    }
    let payload = json!({"successor_id": id});
    scope.record("entry.successor_created", entry.subject(), payload);
    entry_rows::touch(scope, &entry.id)?;
    state::refresh(scope, &entry.id, "changed")?;
    Ok(EntrySuccessor {
        entry_id: id,
        predecessor_id: Some(entry.id.clone()),
        period_id: None,
        evidence_ids,
    })
}
