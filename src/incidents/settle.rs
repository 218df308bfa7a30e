//! What follows from an incident: the clocks of the law, due dates, risk; and a takeover from the life of its account.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::rows::{self, IncidentRow};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{incident_entries, incident_events, incident_reports, incidents};
use crate::db::types::Word;
use crate::domain::incident::{IncidentKind, IncidentState, ReportKind, clocks, final_on};
use crate::domain::vocabulary::{CodeWord, ObligationKind, Severity};
use crate::entries::rows::{self as entry_rows, EntryRow};
use crate::entries::state;
use crate::http::error::ApiError;
use crate::obligations::cycles;

/// The day by which an incident should be closed.
pub(super) fn closing_due(scope: &Scope<'_>, row: &IncidentRow) -> NaiveDate {
    let malicious = row.breach().is_some_and(|breach| breach.malicious);
    // The common calendar: a body's own closed days move no date of the law.
    final_on(row.noticed_at.date_in(scope.zone), malicious, &scope.app.calendar(&[]))
}

/// An incident as it is recorded.
pub(super) struct NewIncident<'a> {
    pub organization_id: &'a str,
    pub kind: IncidentKind,
    pub severity: Severity,
    pub title: &'a str,
    pub description: Option<&'a str>,
    pub occurred_at: Option<Instant>,
    pub noticed_at: Instant,
}

/// Inserts an incident; personal information and entries follow.
pub(super) fn insert(scope: &mut Scope<'_>, new: &NewIncident<'_>) -> Result<String, ApiError> {
    let id = scope.new_id();
    diesel::insert_into(incidents::table)
        .values((
            (
                incidents::local_government_id.eq(&scope.lg),
                incidents::id.eq(&id),
                incidents::organization_id.eq(new.organization_id),
                incidents::kind.eq(new.kind.code()),
                incidents::severity.eq(new.severity.code()),
                incidents::state.eq(IncidentState::Open.code()),
                incidents::title.eq(new.title),
                incidents::description.eq(new.description),
                incidents::occurred_at.eq(new.occurred_at),
                incidents::noticed_at.eq(new.noticed_at),
            ),
            (
                incidents::personal_information.eq(false),
                incidents::sensitive_information.eq(false),
                incidents::financial_damage.eq(false),
                incidents::malicious.eq(false),
                incidents::version.eq(1),
                incidents::created_at.eq(scope.at),
                incidents::created_by.eq(scope.by()),
                incidents::updated_at.eq(scope.at),
                incidents::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    Ok(id)
}

/// Replaces the entries of an incident; answers those that it concerned before and does not any more.
pub(super) fn set_entries(scope: &mut Scope<'_>, id: &str, entry_ids: &[String]) -> Result<Vec<String>, ApiError> {
    let before = rows::entries_of(scope, &[id])?.remove(id).unwrap_or_default();
    diesel::delete(
        incident_entries::table
            .filter(incident_entries::local_government_id.eq(&scope.lg))
            .filter(incident_entries::incident_id.eq(id)),
    )
    .execute(scope.conn)?;
    for (position, entry_id) in (0_i32..).zip(entry_ids) {
        diesel::insert_into(incident_entries::table)
            .values((
                incident_entries::local_government_id.eq(&scope.lg),
                incident_entries::incident_id.eq(id),
                incident_entries::position.eq(position),
                incident_entries::entry_id.eq(entry_id),
            ))
            .execute(scope.conn)?;
    }
    Ok(before.into_iter().filter(|entry| !entry_ids.contains(entry)).collect())
}

/// Appends an event to the timeline.
pub(super) fn add_event(scope: &mut Scope<'_>, id: &str, happened_at: Instant, text: &str) -> Result<String, ApiError> {
    let event_id = scope.new_id();
    diesel::insert_into(incident_events::table)
        .values((
            incident_events::local_government_id.eq(&scope.lg),
            incident_events::id.eq(&event_id),
            incident_events::incident_id.eq(id),
            incident_events::happened_at.eq(happened_at),
            incident_events::text.eq(text),
            incident_events::created_at.eq(scope.at),
            incident_events::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(event_id)
}

/// Brings the reports in line with what is known: a clock that is not asked for any more goes, a report that was made
/// stays as it is.
fn settle_reports(scope: &mut Scope<'_>, row: &IncidentRow) -> Result<(), ApiError> {
    let noticed_on = row.noticed_at.date_in(scope.zone);
    let wanted = row.breach().map_or_else(Vec::new, |breach| {
        clocks(&breach, noticed_on, row.contractor_noticed_on, &scope.app.calendar(&[]))
    });
    let known: Vec<(String, Word<ReportKind>, Option<NaiveDate>)> = incident_reports::table
        .filter(incident_reports::local_government_id.eq(&scope.lg))
        .filter(incident_reports::incident_id.eq(&row.id))
        .select((
            incident_reports::id,
            incident_reports::kind,
            incident_reports::reported_on,
        ))
        .load(scope.conn)?;
    for (id, kind, reported_on) in &known {
        if reported_on.is_none() && !wanted.iter().any(|clock| clock.kind == kind.0) {
            diesel::delete(incident_reports::table.find((&scope.lg, id))).execute(scope.conn)?;
        }
    }
    for clock in wanted {
        match known.iter().find(|(_, kind, _)| kind.0 == clock.kind) {
            Some((_, _, Some(_))) => {}
            Some((id, _, None)) => {
                diesel::update(incident_reports::table.find((&scope.lg, id)))
                    .set((
                        incident_reports::target_on.eq(clock.target_on),
                        incident_reports::due_on.eq(clock.due_on),
                    ))
                    .execute(scope.conn)?;
            }
            None => {
                let id = scope.new_id();
                diesel::insert_into(incident_reports::table)
                    .values((
                        incident_reports::local_government_id.eq(&scope.lg),
                        incident_reports::id.eq(id),
                        incident_reports::incident_id.eq(&row.id),
                        incident_reports::kind.eq(clock.kind.code()),
                        incident_reports::target_on.eq(clock.target_on),
                        incident_reports::due_on.eq(clock.due_on),
                    ))
                    .execute(scope.conn)?;
            }
        }
    }
    Ok(())
}

/// Notes a change of an incident and brings its clocks and its entries in line; `released` it concerned before.
pub(super) fn settle(
    scope: &mut Scope<'_>,
    id: &str,
    released: Vec<String>,
    action: &'static str,
    payload: Value,
) -> Result<(), ApiError> {
    let row = rows::by_id(scope, id)?;
    let entry_ids = rows::entries_of(scope, &[id])?.remove(id).unwrap_or_default();
    scope.record(action, row.subject(entry_ids.first().map(String::as_str)), payload);
    if row.state.0 == IncidentState::Closed {
        for entry_id in &entry_ids {
            let subject = rows::subject_of(entry_id, id);
            cycles::close(scope, rows::obligation_kind(row.kind.0), &subject, "closed")?;
        }
    } else {
        settle_reports(scope, &row)?;
    }
    // In the order of ids: two incidents that share entries lock them alike.
    let all: BTreeSet<String> = entry_ids.into_iter().chain(released).collect();
    for entry_id in all {
        entry_rows::touch(scope, &entry_id)?;
        state::refresh(scope, &entry_id, "incident_changed")?;
    }
    Ok(())
}

/// Raises the version of an incident.
pub(super) fn touch(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(incidents::table.find((&scope.lg, id)))
        .set((
            incidents::version.eq(incidents::version + 1),
            incidents::updated_at.eq(scope.at),
            incidents::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// Records that a report was made.
pub(super) fn set_reported(
    scope: &mut Scope<'_>,
    id: &str,
    kind: ReportKind,
    reported_on: NaiveDate,
    reference: Option<&str>,
) -> Result<bool, ApiError> {
    let report: Option<String> = incident_reports::table
        .filter(incident_reports::local_government_id.eq(&scope.lg))
        .filter(incident_reports::incident_id.eq(id))
        .filter(incident_reports::kind.eq(kind.code()))
        .select(incident_reports::id)
        .first(scope.conn)
        .optional()?;
    let Some(report) = report else { return Ok(false) };
    diesel::update(incident_reports::table.find((&scope.lg, &report)))
        .set((
            incident_reports::reported_on.eq(Some(reported_on)),
            incident_reports::reference.eq(reference),
        ))
        .execute(scope.conn)?;
    for entry_id in rows::entries_of(scope, &[id])?.remove(id).unwrap_or_default() {
        let subject = rows::subject_of(&entry_id, &report);
        cycles::close(scope, ObligationKind::StatutoryReport, &subject, "reported")?;
    }
    Ok(true)
}

/// What a transition of an account means for incidents: a reported compromise opens a takeover, unless one is open;
/// a recovery is an event of it and contains it. The entry is brought in line by the transition.
///
/// # Errors
/// A database failure.
pub(crate) fn follow_transition(
    scope: &mut Scope<'_>,
    entry: &EntryRow,
    transition: &str,
    reason: &str,
) -> Result<(), ApiError> {
    match transition {
        "report_compromise" => report_compromise(scope, entry, reason),
        "recover" => {
            for row in rows::open_takeovers(scope, &entry.id)? {
                add_event(scope, &row.id, scope.at, reason)?;
                diesel::update(incidents::table.find((&scope.lg, &row.id)))
                    .set((
                        incidents::state.eq(IncidentState::Contained.code()),
                        incidents::contained_on.eq(Some(row.contained_on.unwrap_or(scope.today))),
                    ))
                    .execute(scope.conn)?;
                touch(scope, &row.id)?;
                let payload = json!({"state": IncidentState::Contained, "reason": reason});
                scope.record("incident.contained", row.subject(Some(&entry.id)), payload);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn report_compromise(scope: &mut Scope<'_>, entry: &EntryRow, reason: &str) -> Result<(), ApiError> {
    let open = rows::open_takeovers(scope, &entry.id)?;
    if let Some(row) = open.first() {
        add_event(scope, &row.id, scope.at, reason)?;
        return Ok(());
    }
    let new = NewIncident {
        organization_id: &entry.organization_id,
        kind: IncidentKind::AccountTakeover,
        severity: Severity::Major,
        title: "アカウントの乗っ取り",
        description: Some(reason),
        occurred_at: None,
        noticed_at: scope.at,
    };
    let id = insert(scope, &new)?;
    set_entries(scope, &id, std::slice::from_ref(&entry.id))?;
    let row = rows::by_id(scope, &id)?;
    let payload = json!({"kind": new.kind, "severity": new.severity, "title": new.title,
        "description": new.description, "noticed_at": new.noticed_at, "entry_ids": [entry.id]});
    scope.record("incident.opened", row.subject(Some(&entry.id)), payload);
    Ok(())
}
