//! The due dates of an entry beside its round: contract end, notice deadline, approval, evidence, exceptions, subcontracts,
//! gaps, corrective actions, measures, incidents. Each follows from rows; cycles are kept by [`crate::obligations::cycles`].

use chrono::NaiveDate;
use diesel::prelude::*;

use super::state::{Situation, last_day};
use crate::app::Scope;
use crate::db::schema::cloud_services;
use crate::domain::subcontract::SubcontractState;
use crate::domain::vocabulary::{FulfilmentStatus, Kind, ObligationKind, Phase};
use crate::http::error::ApiError;
use crate::obligations::cycles::{self, Due};
use crate::{contract_measures, corrective_actions, evidence, incidents, origins, subcontracts};

/// Brings the open obligations of the entry in line: what is wanted has a cycle with its date, the rest retires.
///
/// # Errors
/// A database failure.
pub(super) fn settle<'c>(scope: &mut Scope<'c>, situation: &Situation<'c>) -> Result<(), ApiError> {
    let entry = &situation.entry;
    let lives = matches!(entry.status.0.phase(), Phase::Contracting | Phase::Active) && entry.archived_at.is_none();
    let due = |kind, subject_id: &str, on| Due {
        kind,
        subject_id: subject_id.to_owned(),
        organization_id: entry.organization_id.clone(),
        entry_id: Some(entry.id.clone()),
        on,
        known_cycle_days: None,
        starts_on: None,
        severe: false,
    };
    let mut wanted: Vec<Due> = vec![];
    if let Some(period) = situation.period.as_ref().filter(|_| lives) {
        wanted.push(due(ObligationKind::ContractEnd, &period.id, period.ends_on));
        if let Some(on) = period.notice_deadline_on {
            wanted.push(due(ObligationKind::NoticeDeadline, &period.id, on));
        }
    }
    if entry.kind.0 == Kind::ContractorEngagement && lives {
        let chain = subcontracts::chain(scope, &entry.id)?;
        let last = last_day(scope, &entry.id)?;
        for one in chain.iter().filter(|one| one.state == SubcontractState::Approved) {
            let above = one.parent_id.as_ref();
            let until = above.map_or(last, |id| chain.iter().find(|other| other.id == *id).map(|o| o.ends_on));
            if until.is_none_or(|until| one.ends_on < until) {
                wanted.push(due(ObligationKind::SubcontractExpiry, &one.id, one.ends_on));
            }
        }
    }
    if entry.kind.0 == Kind::CloudService && lives {
        let until: Option<NaiveDate> = cloud_services::table
            .find((&scope.lg, &entry.id))
            .select(cloud_services::approval_valid_until_on)
            .first(scope.conn)?;
        wanted.extend(until.map(|on| due(ObligationKind::ApprovalExpiry, &entry.id, on)));
    }
    if lives {
        for (id, on) in situation.expiring_evidence(scope.today) {
            wanted.push(due(ObligationKind::Evidence, &evidence::subject_id(&entry.id, id), on));
        }
    }
    if !entry.status.0.is_final() && entry.archived_at.is_none() {
        // One that is over stays due until the clause is met, answered anew or excepted again.
        for clause in &situation.catalogue.clauses {
            let Some(exception) = situation.stored.exception(&clause.key, scope.today) else {
                continue;
            };
            if situation.status_of(clause, scope.today).0 == FulfilmentStatus::Excepted {
                wanted.push(due(ObligationKind::Exception, &exception.id, exception.expires_on));
            }
        }
    }
    if entry.archived_at.is_none() {
        // These stay, however the entry's life goes on.
        for (id, on) in corrective_actions::open_dues(scope, &entry.id)? {
            wanted.push(due(ObligationKind::CorrectiveAction, &id, on));
        }
        for (id, on) in contract_measures::awaited(scope, &entry.id)? {
            wanted.push(due(ObligationKind::MeasureAnswer, &id, on));
        }
        for clock in incidents::dues(scope, &entry.id)? {
            wanted.push(Due {
                starts_on: Some(clock.starts_on),
                severe: true,
                ..due(clock.kind, &clock.subject_id, clock.on)
            });
        }
    }
    if let Some(on) = origins::gap_due(scope, situation)? {
        wanted.push(due(ObligationKind::Gap, &entry.id, on));
    }
    let known = cycles::subjects(scope, &entry.id)?;
    for (kind, subject) in known {
        let kept = kind == ObligationKind::Reverification
            || wanted.iter().any(|due| due.kind == kind && due.subject_id == subject);
        if !kept {
            cycles::retire(scope, kind, &subject)?;
        }
    }
    for due in &wanted {
        cycles::ensure(scope, due)?;
    }
    Ok(())
}
