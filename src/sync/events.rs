//! Journal entries as events: for the feed here, and for the webhooks, which send the same.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::wire::{Event, EventData, EventFilter, EventPage, GateChange};
use super::{KEEP_SECONDS, check_age, head};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{entries, journal, journal_payloads};
use crate::db::types::Word;
use crate::domain::event;
use crate::domain::vocabulary::Kind;
use crate::http::caller::{Caller, Organizations, Permission};
use crate::http::error::ApiError;
use crate::http::page::{self, After, BUDGET};
use crate::{contractors, external_ids};

/// The page that a cursor asks for.
///
/// # Errors
/// 400 for a filter or cursor that cannot be, 410 for a cursor that is too old.
pub(super) fn page<P: Permission>(
    scope: &mut Scope<'_>,
    caller: &Caller<P>,
    filter: &EventFilter,
    path: &str,
) -> Result<EventPage, ApiError> {
    let limit = page::limit_to(filter.limit, 100, 500)?;
    let types: Option<Vec<String>> = filter
        .types
        .as_ref()
        .map(|types| types.split(',').map(str::to_owned).collect());
    check_types(types.as_deref().unwrap_or_default()).map_err(|unknown| ApiError::InvalidParameter {
        name: "types".to_owned(),
        ja: format!("{unknown} というイベントはありません。"),
        en: format!("there is no event {unknown}."),
    })?;
    let print = page::fingerprint("list_events", &(&types, caller.organizations.list()));
    let position = match page::after(filter.cursor.as_deref(), &print)? {
        Some(after) => after.id.parse().map_err(|_| ApiError::InvalidCursor)?,
        None => oldest(scope)? - 1,
    };
    check_age(scope, position, path)?;
    let read = since(scope, &caller.organizations, types.as_deref(), position, limit)?;
    let after = After {
        key: String::new(),
        id: read.reached.to_string(),
    };
    Ok(EventPage {
        items: read.events,
        next_cursor: page::cursor(after, &print),
        has_more: read.has_more,
    })
}

/// Checks the names of events.
///
/// # Errors
/// The first name that no event has.
pub(crate) fn check_types(types: &[String]) -> Result<(), &str> {
    match types.iter().find(|code| event::find(code).is_none()) {
        Some(unknown) => Err(unknown),
        None => Ok(()),
    }
}

/// The first entry that a cursor can still stand before.
fn oldest(scope: &mut Scope<'_>) -> Result<i64, ApiError> {
    let first: Option<i64> = journal::table
        .filter(journal::local_government_id.eq(&scope.lg))
        .filter(journal::at.ge(scope.at.plus_seconds(-KEEP_SECONDS)))
        .order((journal::at, journal::seq))
        .select(journal::seq)
        .first(scope.conn)
        .optional()?;
    match first {
        Some(seq) => Ok(seq),
        None => Ok(head(scope)? + 1),
    }
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Read {
    /// The events, in their order.
    pub events: Vec<Event>,
    /// The number up to which nothing was missed.
    pub reached: i64,
    /// Whether there is more.
    pub has_more: bool,
}

/// The events behind a number, of these types, about what these organizations may see.
///
/// # Errors
/// A database failure.
pub(crate) fn since(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    types: Option<&[String]>,
    after: i64,
    limit: i64,
) -> Result<Read, ApiError> {
    // The head first: what is committed while this is read belongs to the next page.
    let head = head(scope)?;
    let bound = head.min(after + BUDGET);
    let mut query = journal::table
        .filter(journal::local_government_id.eq(scope.lg.clone()))
        .filter(journal::seq.gt(after))
        .filter(journal::seq.le(bound))
        .filter(journal::action.eq_any(event::actions().collect::<Vec<_>>()))
        .order(journal::seq)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(only) = allowed.list() {
        // What belongs to no organization, as contractors do, is everybody's.
        let mine = journal::organization_id.eq_any(only.to_vec());
        query = query.filter(mine.assume_not_null().or(journal::organization_id.is_null()));
    }
    let rows: Vec<Row> = query.load(scope.conn)?;
    let full = i64::try_from(rows.len()).unwrap_or(limit) >= limit;
    let reached = rows.last().filter(|_| full).map_or(bound, |row| row.seq);
    Ok(Read {
        events: complete(scope, rows, types)?,
        reached,
        has_more: reached < head,
    })
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = journal)]
struct Row {
    seq: i64,
    at: Instant,
    action: String,
    subject_type: String,
    subject_id: String,
    organization_id: Option<String>,
    entry_id: Option<String>,
}

fn complete(scope: &mut Scope<'_>, rows: Vec<Row>, types: Option<&[String]>) -> Result<Vec<Event>, ApiError> {
    let entry_ids: Vec<String> = rows.iter().filter_map(|row| row.entry_id.clone()).collect();
    let kinds: Vec<(String, Word<Kind>)> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(&entry_ids))
        .select((entries::id, entries::kind))
        .load(scope.conn)?;
    let kinds: BTreeMap<String, Kind> = kinds.into_iter().map(|(id, kind)| (id, kind.0)).collect();
    let contractor_ids: Vec<String> = rows
        .iter()
        .filter(|row| row.subject_type == contractors::KIND)
        .map(|row| row.subject_id.clone())
        .collect();
    let of_entries = external_ids::of(scope, crate::entries::rows::KIND, &entry_ids)?;
    let of_contractors = external_ids::of(scope, contractors::KIND, &contractor_ids)?;
    let changes: Vec<i64> = rows
        .iter()
        .filter(|row| row.action == event::GATE_CHANGED)
        .map(|row| row.seq)
        .collect();
    let payloads: Vec<(i64, Option<String>)> = journal_payloads::table
        .filter(journal_payloads::local_government_id.eq(&scope.lg))
        .filter(journal_payloads::seq.eq_any(changes))
        .select((journal_payloads::seq, journal_payloads::body))
        .load(scope.conn)?;
    let mut gates: BTreeMap<i64, GateChange> = BTreeMap::new();
    for (seq, body) in payloads {
        if let Some(body) = body {
            gates.insert(seq, serde_json::from_str(&body)?);
        }
    }
    let mut events = vec![];
    for row in rows {
        let kind = row.entry_id.as_ref().and_then(|id| kinds.get(id).copied());
        let Some(of) = event::of_action(&row.action, kind) else {
            continue;
        };
        if types.is_some_and(|types| !types.iter().any(|code| code == of.code)) {
            continue;
        }
        let external_ids = match &row.entry_id {
            Some(id) => of_entries.get(id),
            None => of_contractors.get(&row.subject_id),
        };
        events.push(Event {
            id: format!("evt_{}_{}", scope.lg, row.seq),
            r#type: of.code.to_owned(),
            timestamp: row.at,
            data: EventData {
                seq: row.seq,
                href: event::collection(&row.subject_type)
                    .map(|collection| format!("/api/v1/{collection}/{}", row.subject_id)),
                external_ids: external_ids.cloned().unwrap_or_default(),
                gate: gates.remove(&row.seq),
                resource_type: row.subject_type,
                resource_id: row.subject_id,
                organization_id: row.organization_id,
                entry_id: row.entry_id,
            },
        });
    }
    Ok(events)
}
