//! The rows of incidents with their entries, reports and events, and what others need to know of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{BreachWire, Incident, IncidentClosure, IncidentEvent, IncidentFilter, IncidentReport};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::on_tenant;
use crate::db::schema::{incident_entries, incident_events, incident_reports, incidents, obligations};
use crate::db::types::Word;
use crate::domain::incident::{Breach, IncidentKind, IncidentState, ReportKind, is_major};
use crate::domain::vocabulary::{CodeWord, ObligationKind, Severity};
use crate::http::caller::Organizations;
use crate::http::error::ApiError;
use crate::http::page::{self, After};

/// The word of incidents in the journal.
const KIND: &str = "incident";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = incidents)]
#[expect(clippy::struct_excessive_bools, reason = "the columns, as the law asks about each")]
pub(super) struct IncidentRow {
    pub id: String,
    pub organization_id: String,
    pub kind: Word<IncidentKind>,
    pub severity: Word<Severity>,
    pub state: Word<IncidentState>,
    pub title: String,
    pub description: Option<String>,
    pub occurred_at: Option<Instant>,
    pub noticed_at: Instant,
    pub contractor_noticed_on: Option<NaiveDate>,
    personal_information: bool,
    affected_persons: Option<i32>,
    sensitive_information: bool,
    financial_damage: bool,
    malicious: bool,
    pub contained_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    closed_by_person_id: Option<String>,
    cause: Option<String>,
    prevention: Option<String>,
    pub version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
}

impl IncidentRow {
    /// What a journal entry about it names: it shows on the timeline of its first entry.
    pub(super) fn subject<'a>(&'a self, entry_id: Option<&'a str>) -> Subject<'a> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id,
        }
    }

    /// The personal information concerned, as the rules read it.
    pub(super) fn breach(&self) -> Option<Breach> {
        self.personal_information.then_some(Breach {
            affected_persons: self.affected_persons,
            sensitive_information: self.sensitive_information,
            financial_damage: self.financial_damage,
            malicious: self.malicious,
        })
    }

    /// The same on the wire.
    pub(super) fn breach_wire(&self) -> Option<BreachWire> {
        self.breach().map(|breach| BreachWire {
            affected_persons: breach.affected_persons,
            sensitive_information: breach.sensitive_information,
            financial_damage: breach.financial_damage,
            malicious: breach.malicious,
        })
    }
}

type ReportRow = (
    String,
    Word<ReportKind>,
    Option<NaiveDate>,
    NaiveDate,
    Option<NaiveDate>,
    Option<String>,
);

/// The incidents of these rows on the wire, with two more queries.
pub(super) fn complete(scope: &mut Scope<'_>, rows: Vec<IncidentRow>) -> Result<Vec<Incident>, ApiError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut entries = entries_of(scope, &ids)?;
    let found: Vec<ReportRow> = incident_reports::table
        .filter(incident_reports::local_government_id.eq(&scope.lg))
        .filter(incident_reports::incident_id.eq_any(&ids))
        .order((
            incident_reports::incident_id,
            incident_reports::due_on,
            incident_reports::id,
        ))
        .select((
            incident_reports::incident_id,
            incident_reports::kind,
            incident_reports::target_on,
            incident_reports::due_on,
            incident_reports::reported_on,
            incident_reports::reference,
        ))
        .load(scope.conn)?;
    let mut reports: BTreeMap<String, Vec<IncidentReport>> = BTreeMap::new();
    for (id, kind, target_on, due_on, reported_on, reference) in found {
        reports.entry(id).or_default().push(IncidentReport {
            kind: kind.0,
            target_on,
            due_on,
            reported_on,
            reference,
        });
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let closure = match (&row.closed_on, &row.closed_by_person_id, &row.cause, &row.prevention) {
                (Some(closed_on), Some(person), Some(cause), Some(prevention)) => Some(IncidentClosure {
                    closed_on: *closed_on,
                    closed_by_person_id: person.clone(),
                    cause: cause.clone(),
                    prevention: prevention.clone(),
                }),
                _ => None,
            };
            Incident {
                entry_ids: entries.remove(&row.id).unwrap_or_default(),
                breach: row.breach_wire(),
                reports: reports.remove(&row.id).unwrap_or_default(),
                closure,
                id: row.id,
                organization_id: row.organization_id,
                kind: row.kind.0,
                severity: row.severity.0,
                state: row.state.0,
                title: row.title,
                description: row.description,
                occurred_at: row.occurred_at,
                noticed_at: row.noticed_at,
                contractor_noticed_on: row.contractor_noticed_on,
                contained_on: row.contained_on,
                version: row.version,
                created_at: row.created_at,
                created_by: row.created_by,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
            }
        })
        .collect())
}

/// The entries of incidents, the most concerned first.
pub(super) fn entries_of(scope: &mut Scope<'_>, ids: &[&str]) -> Result<BTreeMap<String, Vec<String>>, ApiError> {
    let pairs: Vec<(String, String)> = incident_entries::table
        .filter(incident_entries::local_government_id.eq(&scope.lg))
        .filter(incident_entries::incident_id.eq_any(ids))
        .order((incident_entries::incident_id, incident_entries::position))
        .select((incident_entries::incident_id, incident_entries::entry_id))
        .load(scope.conn)?;
    let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, entry_id) in pairs {
        entries.entry(id).or_default().push(entry_id);
    }
    Ok(entries)
}

/// The row of an incident of the tenant.
pub(super) fn by_id(scope: &mut Scope<'_>, id: &str) -> Result<IncidentRow, ApiError> {
    Ok(incidents::table
        .find((&scope.lg, id))
        .select(IncidentRow::as_select())
        .first(scope.conn)?)
}

/// The row of an incident that the caller may touch.
pub(super) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<IncidentRow, ApiError> {
    let row = by_id(scope, id)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// An incident of the tenant.
pub(super) fn one(scope: &mut Scope<'_>, id: &str) -> Result<Incident, ApiError> {
    let row = by_id(scope, id)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    filter: &IncidentFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<IncidentRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut query = incidents::table
        .filter(incidents::local_government_id.eq(scope.lg.clone()))
        .filter(incidents::id.gt(start.clone()))
        .order(incidents::id)
        .limit(limit + 1)
        .select(IncidentRow::as_select())
        .into_boxed();
    if let Some(ids) = allowed.list() {
        query = query.filter(incidents::organization_id.eq_any(ids.to_vec()));
    }
    if let Some(id) = &filter.organization_id {
        query = query.filter(incidents::organization_id.eq(id.clone()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(incidents::kind.eq(Word(kind)));
    }
    if let Some(state) = filter.state {
        query = query.filter(incidents::state.eq(Word(state)));
    }
    if let Some(id) = &filter.entry_id {
        // The entry's own index answers; an entry has a handful.
        let ids: Vec<String> = incident_entries::table
            .filter(incident_entries::local_government_id.eq(&scope.lg))
            .filter(incident_entries::entry_id.eq(id))
            .filter(incident_entries::incident_id.gt(&start))
            .order(incident_entries::incident_id)
            .limit(page::BUDGET)
            .select(incident_entries::incident_id)
            .load(scope.conn)?;
        return Ok((query.filter(incidents::id.eq_any(ids)).load(scope.conn)?, None));
    }
    let bound: Option<String> = incidents::table
        .filter(incidents::local_government_id.eq(&scope.lg))
        .filter(incidents::id.gt(&start))
        .order(incidents::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(incidents::id)
        .first(scope.conn)
        .optional()?;
    if let Some(bound) = &bound {
        query = query.filter(incidents::id.le(bound.clone()));
    }
    Ok((
        query.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// A page of the timeline and one more.
pub(super) fn events(
    scope: &mut Scope<'_>,
    incident_id: &str,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<IncidentEvent>, ApiError> {
    let rows: Vec<(String, Instant, String, Instant, String)> = incident_events::table
        .filter(incident_events::local_government_id.eq(&scope.lg))
        .filter(incident_events::incident_id.eq(incident_id))
        .filter(incident_events::id.gt(after.map(|after| after.id).unwrap_or_default()))
        .order(incident_events::id)
        .limit(limit + 1)
        .select((
            incident_events::id,
            incident_events::happened_at,
            incident_events::text,
            incident_events::created_at,
            incident_events::created_by,
        ))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, happened_at, text, created_at, created_by)| IncidentEvent {
            id,
            happened_at,
            text,
            created_at,
            created_by,
        })
        .collect())
}

/// The incidents of an entry that are not closed: kind, severity, and the row's id.
fn unclosed(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<IncidentRow>, ApiError> {
    let ids: Vec<String> = incident_entries::table
        .filter(incident_entries::local_government_id.eq(&scope.lg))
        .filter(incident_entries::entry_id.eq(entry_id))
        .select(incident_entries::incident_id)
        .load(scope.conn)?;
    if ids.is_empty() {
        return Ok(vec![]);
    }
    Ok(incidents::table
        .filter(incidents::local_government_id.eq(&scope.lg))
        .filter(incidents::id.eq_any(ids))
        .filter(incidents::state.ne(IncidentState::Closed.code()))
        .order(incidents::id)
        .select(IncidentRow::as_select())
        .load(scope.conn)?)
}

/// Whether an incident of the entry is not closed.
///
/// # Errors
/// A database failure.
pub(crate) fn is_open(scope: &mut Scope<'_>, entry_id: &str) -> Result<bool, ApiError> {
    Ok(!unclosed(scope, entry_id)?.is_empty())
}

/// Whether one that holds the risk up is not closed.
///
/// # Errors
/// A database failure.
pub(crate) fn is_major_open(scope: &mut Scope<'_>, entry_id: &str) -> Result<bool, ApiError> {
    let rows = unclosed(scope, entry_id)?;
    Ok(rows.iter().any(|row| is_major(row.severity.0)))
}

/// The takeovers of an account that are not closed.
pub(super) fn open_takeovers(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<IncidentRow>, ApiError> {
    let mut rows = unclosed(scope, entry_id)?;
    rows.retain(|row| row.kind.0 == IncidentKind::AccountTakeover);
    Ok(rows)
}

/// Whether the incident exists and concerns the entry.
///
/// # Errors
/// A database failure.
pub(crate) fn concerns(scope: &mut Scope<'_>, incident_id: &str, entry_id: &str) -> Result<bool, ApiError> {
    let found: Option<i32> = incident_entries::table
        .filter(incident_entries::local_government_id.eq(&scope.lg))
        .filter(incident_entries::incident_id.eq(incident_id))
        .filter(incident_entries::entry_id.eq(entry_id))
        .select(incident_entries::position)
        .first(scope.conn)
        .optional()?;
    Ok(found.is_some())
}

/// A due date that an incident brings to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IncidentDue {
    pub kind: ObligationKind,
    pub subject_id: String,
    pub on: NaiveDate,
    /// The first mail leaves on this day.
    pub starts_on: NaiveDate,
}

/// What an entry's obligation about an incident, or about a report, is about.
pub(super) fn subject_of(entry_id: &str, id: &str) -> String {
    format!("{entry_id}/{id}")
}

fn report_of(subject_id: &str) -> &str {
    subject_id.split_once('/').map_or(subject_id, |(_, id)| id)
}

/// The kind of obligation that an incident is.
pub(super) const fn obligation_kind(kind: IncidentKind) -> ObligationKind {
    match kind {
        IncidentKind::AccountTakeover => ObligationKind::AccountTakeover,
        _ => ObligationKind::Incident,
    }
}

/// The due dates of an entry by its incidents: to close each, and the reports of those that it is the first entry of.
///
/// # Errors
/// A database failure.
pub(crate) fn dues(scope: &mut Scope<'_>, entry_id: &str) -> Result<Vec<IncidentDue>, ApiError> {
    let mut dues = vec![];
    for row in unclosed(scope, entry_id)? {
        dues.push(IncidentDue {
            kind: obligation_kind(row.kind.0),
            subject_id: subject_of(entry_id, &row.id),
            on: super::settle::closing_due(scope, &row),
            starts_on: row.created_at.date_in(scope.zone),
        });
    }
    let open: Vec<(String, NaiveDate, Instant)> = incident_entries::table
        .inner_join(incident_reports::table.on(on_tenant!(incident_entries.incident_id = incident_reports.incident_id)))
        .inner_join(incidents::table.on(on_tenant!(incident_entries.incident_id = incidents.id)))
        .filter(incident_entries::local_government_id.eq(&scope.lg))
        .filter(incident_entries::entry_id.eq(entry_id))
        .filter(incident_entries::position.eq(0))
        .filter(incident_reports::reported_on.is_null())
        .order(incident_reports::id)
        .select((incident_reports::id, incident_reports::due_on, incidents::created_at))
        .load(scope.conn)?;
    dues.extend(open.into_iter().map(|(id, on, at)| IncidentDue {
        kind: ObligationKind::StatutoryReport,
        subject_id: subject_of(entry_id, &id),
        on,
        starts_on: at.date_in(scope.zone),
    }));
    Ok(dues)
}

/// What the reports among these obligations are called, by obligation.
///
/// # Errors
/// A database failure.
pub(crate) fn report_names(
    scope: &mut Scope<'_>,
    obligation_ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let dues: Vec<(String, String)> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(obligation_ids))
        .filter(obligations::kind.eq(ObligationKind::StatutoryReport.code()))
        .select((obligations::id, obligations::subject_id))
        .load(scope.conn)?;
    let kinds: Vec<(String, Word<ReportKind>)> = incident_reports::table
        .filter(incident_reports::local_government_id.eq(&scope.lg))
        .filter(incident_reports::id.eq_any(dues.iter().map(|(_, subject)| report_of(subject))))
        .select((incident_reports::id, incident_reports::kind))
        .load(scope.conn)?;
    let kinds: BTreeMap<String, Word<ReportKind>> = kinds.into_iter().collect();
    Ok(dues
        .into_iter()
        .filter_map(|(obligation, subject)| Some((obligation, kinds.get(report_of(&subject))?.0.ja().to_owned())))
        .collect())
}
