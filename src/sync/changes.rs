//! A page of changes: first the records as they are, then what the journal says changed since.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::wire::{Change, ChangeFilter, ChangeOp, ChangePage, ChangeType, DeleteReason};
use super::{check_age, head};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{
    contractors as contractor_table, departments as department_table, entries, journal,
    organizations as organization_table,
};
use crate::db::types::Word;
use crate::domain::vocabulary::{CodeWord, Kind};
use crate::entries::rows::EntryRow;
use crate::http::caller::{Caller, Organizations, Permission};
use crate::http::error::ApiError;
use crate::http::page::{self, After, BUDGET};
use crate::{cloud_services, contractors, departments, engagements, organizations, social_media_accounts};

/// Where a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Copying the records of this type (its place in [`ChangeType::ALL`]); the journal follows from `from`.
    Copy { from: i64, of: usize },
    /// Behind this journal entry.
    Journal(i64),
}

impl Place {
    fn key(self) -> String {
        match self {
            Self::Copy { from, of } => format!("copy:{from}:{of}"),
            Self::Journal(seq) => format!("journal:{seq}"),
        }
    }

    fn parse(key: &str) -> Option<Self> {
        match key.split(':').collect::<Vec<_>>().as_slice() {
            ["copy", from, of] => Some(Self::Copy {
                from: from.parse().ok()?,
                of: of.parse().ok()?,
            }),
            ["journal", seq] => Some(Self::Journal(seq.parse().ok()?)),
            _ => None,
        }
    }

    const fn seq(self) -> i64 {
        match self {
            Self::Copy { from, .. } => from,
            Self::Journal(seq) => seq,
        }
    }
}

/// The page that a cursor asks for.
///
/// # Errors
/// 400 for a filter or cursor that cannot be, 403 for a type that the token may not read, 410 for a cursor that is too old.
pub(super) fn page<P: Permission>(
    scope: &mut Scope<'_>,
    caller: &Caller<P>,
    filter: &ChangeFilter,
    path: &str,
) -> Result<ChangePage, ApiError> {
    let limit = page::limit_to(filter.limit, 100, 500)?;
    let types = types(caller, filter.types.as_deref())?;
    // A token that may look elsewhere than the one before has another copy.
    let print = page::fingerprint("list_changes", &(&types, caller.organizations.list()));
    let (place, id) = match page::after(filter.cursor.as_deref(), &print)? {
        None => (
            Place::Copy {
                from: head(scope)?,
                of: 0,
            },
            String::new(),
        ),
        Some(after) => (Place::parse(&after.key).ok_or(ApiError::InvalidCursor)?, after.id),
    };
    check_age(scope, place.seq(), path)?;
    let (items, place, id, has_more) = match place {
        Place::Copy { from, of } => copy(scope, &caller.organizations, &types, (from, of), id, limit)?,
        Place::Journal(seq) => since(scope, &caller.organizations, &types, seq, limit)?,
    };
    Ok(ChangePage {
        items,
        next_cursor: page::cursor(After { key: place.key(), id }, &print),
        has_more,
    })
}

/// The types that are asked for; without a word, those that the token may read.
fn types<P: Permission>(caller: &Caller<P>, wanted: Option<&str>) -> Result<BTreeSet<ChangeType>, ApiError> {
    let holds = |of: &ChangeType| caller.scopes.iter().any(|held| held == of.scope());
    let Some(wanted) = wanted else {
        return Ok(ChangeType::ALL.into_iter().filter(holds).collect());
    };
    let mut types = BTreeSet::new();
    for word in wanted.split(',') {
        let of = ChangeType::ALL.into_iter().find(|of| of.code() == word);
        let of = of.ok_or_else(|| ApiError::InvalidParameter {
            name: "types".to_owned(),
            ja: "organization,department,contractor,contractor_engagement,cloud_service,social_media_account から選んでください。".to_owned(),
            en: "organization,department,contractor,contractor_engagement,cloud_service,social_media_account.".to_owned(),
        })?;
        if !holds(&of) {
            return Err(ApiError::InsufficientScope(of.scope()));
        }
        types.insert(of);
    }
    Ok(types)
}

type Page = (Vec<Change>, Place, String, bool);

/// Records as they are, behind the one of this id.
fn copy(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    types: &BTreeSet<ChangeType>,
    (from, of): (i64, usize),
    id: String,
    limit: i64,
) -> Result<Page, ApiError> {
    let mut next = ChangeType::ALL.iter().enumerate().skip(of);
    let Some((of, current)) = next.find(|(_, of)| types.contains(of)) else {
        return since(scope, allowed, types, from, limit);
    };
    let ids = ids(scope, allowed, *current, &id, limit)?;
    let full = i64::try_from(ids.len()).unwrap_or(limit) >= limit;
    let last = ids.last().cloned().unwrap_or_default();
    let mut found = load(scope, allowed, *current, &ids)?;
    let items: Vec<Change> = ids.iter().filter_map(|id| found.remove(id)).collect();
    let items = items.into_iter().map(|change| Change { seq: from, ..change });
    let (of, id) = if full { (of, last) } else { (of + 1, String::new()) };
    Ok((items.collect(), Place::Copy { from, of }, id, true))
}

/// The ids of the records that are seen, in their order.
fn ids(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    of: ChangeType,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, ApiError> {
    let lg = scope.lg.clone();
    Ok(match of {
        ChangeType::Organization => {
            let mut query = organization_table::table
                .filter(organization_table::local_government_id.eq(lg))
                .filter(organization_table::id.gt(after.to_owned()))
                .filter(organization_table::archived_at.is_null())
                .order(organization_table::id)
                .limit(limit)
                .select(organization_table::id)
                .into_boxed();
            if let Some(only) = allowed.list() {
                query = query.filter(organization_table::id.eq_any(only.to_vec()));
            }
            query.load(scope.conn)?
        }
        ChangeType::Department => {
            let mut query = department_table::table
                .filter(department_table::local_government_id.eq(lg))
                .filter(department_table::id.gt(after.to_owned()))
                .filter(department_table::archived_at.is_null())
                .order(department_table::id)
                .limit(limit)
                .select(department_table::id)
                .into_boxed();
            if let Some(only) = allowed.list() {
                query = query.filter(department_table::organization_id.eq_any(only.to_vec()));
            }
            query.load(scope.conn)?
        }
        ChangeType::Contractor => contractor_table::table
            .filter(contractor_table::local_government_id.eq(lg))
            .filter(contractor_table::id.gt(after))
            .filter(contractor_table::archived_at.is_null())
            .order(contractor_table::id)
            .limit(limit)
            .select(contractor_table::id)
            .load(scope.conn)?,
        ChangeType::ContractorEngagement | ChangeType::CloudService | ChangeType::SocialMediaAccount => {
            let mut query = entries::table
                .filter(entries::local_government_id.eq(lg))
                .filter(entries::kind.eq(of.code()))
                .filter(entries::id.gt(after.to_owned()))
                .filter(entries::archived_at.is_null())
                .order(entries::id)
                .limit(limit)
                .select(entries::id)
                .into_boxed();
            if let Some(only) = allowed.list() {
                query = query.filter(entries::organization_id.eq_any(only.to_vec()));
            }
            query.load(scope.conn)?
        }
    })
}

/// Those of these records that are seen, each as the change that puts it in place.
fn load(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    of: ChangeType,
    ids: &[String],
) -> Result<BTreeMap<String, Change>, ApiError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let upsert = |id: &str, version: i64, changed_at: Instant| Change {
        op: ChangeOp::Upsert,
        version: Some(version),
        ..Change::bare(of, id.to_owned(), changed_at)
    };
    let changes: Vec<Change> = match of {
        ChangeType::Organization => organizations::of_ids(scope, allowed, ids)?
            .into_iter()
            .map(|record| Change {
                organization: Some(record.clone()),
                ..upsert(&record.id, record.version, record.updated_at)
            })
            .collect(),
        ChangeType::Department => departments::of_ids(scope, allowed, ids)?
            .into_iter()
            .map(|record| Change {
                department: Some(record.clone()),
                ..upsert(&record.id, record.version, record.updated_at)
            })
            .collect(),
        ChangeType::Contractor => contractors::of_ids(scope, ids)?
            .into_iter()
            .map(|record| Change {
                contractor: Some(record.clone()),
                ..upsert(&record.id, record.version, record.updated_at)
            })
            .collect(),
        ChangeType::ContractorEngagement => {
            let rows = entry_rows(scope, allowed, of, ids)?;
            engagements::complete(scope, rows)?
                .into_iter()
                .map(|record| Change {
                    engagement: Some(record.clone()),
                    ..upsert(&record.entry.id, record.entry.version, record.entry.updated_at)
                })
                .collect()
        }
        ChangeType::CloudService => {
            let rows = entry_rows(scope, allowed, of, ids)?;
            cloud_services::complete(scope, rows)?
                .into_iter()
                .map(|record| Change {
                    cloud_service: Some(record.clone()),
                    ..upsert(&record.entry.id, record.entry.version, record.entry.updated_at)
                })
                .collect()
        }
        ChangeType::SocialMediaAccount => {
            let rows = entry_rows(scope, allowed, of, ids)?;
            social_media_accounts::complete(scope, rows)?
                .into_iter()
                .map(|record| Change {
                    social_media_account: Some(record.clone()),
                    ..upsert(&record.entry.id, record.entry.version, record.entry.updated_at)
                })
                .collect()
        }
    };
    Ok(changes.into_iter().map(|change| (change.id.clone(), change)).collect())
}

fn entry_rows(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    of: ChangeType,
    ids: &[String],
) -> Result<Vec<EntryRow>, ApiError> {
    let rows: Vec<EntryRow> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(ids))
        .filter(entries::kind.eq(of.code()))
        .filter(entries::archived_at.is_null())
        .select(EntryRow::as_select())
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .filter(|row| allowed.contains(&row.organization_id))
        .collect())
}

/// What the journal says changed behind this number; each record once, at its last change on the page.
fn since(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    types: &BTreeSet<ChangeType>,
    after: i64,
    limit: i64,
) -> Result<Page, ApiError> {
    // The head first: what is committed while this page is read belongs to the next one.
    let head = head(scope)?;
    let bound = head.min(after + BUDGET);
    type Row = (i64, Instant, String, String, Option<String>);
    let rows: Vec<Row> = journal::table
        .filter(journal::local_government_id.eq(&scope.lg))
        .filter(journal::seq.gt(after))
        .filter(journal::seq.le(bound))
        .filter(journal::entry_id.is_not_null().or(journal::subject_type.eq_any([
            "organization",
            "department",
            "contractor",
        ])))
        .order(journal::seq)
        .limit(limit)
        .select((
            journal::seq,
            journal::at,
            journal::subject_type,
            journal::subject_id,
            journal::entry_id,
        ))
        .load(scope.conn)?;
    let full = i64::try_from(rows.len()).unwrap_or(limit) >= limit;
    let reached = rows.last().filter(|_| full).map_or(bound, |row| row.0);
    let entry_ids: Vec<&String> = rows.iter().filter_map(|row| row.4.as_ref()).collect();
    let kinds: Vec<(String, Word<Kind>)> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(entry_ids))
        .select((entries::id, entries::kind))
        .load(scope.conn)?;
    let kinds: BTreeMap<String, Kind> = kinds.into_iter().map(|(id, kind)| (id, kind.0)).collect();
    let mut last: BTreeMap<(ChangeType, String), (i64, Instant)> = BTreeMap::new();
    for (seq, at, subject_type, subject_id, entry_id) in rows {
        let of = |code: &str| ChangeType::ALL.into_iter().find(|of| of.code() == code);
        let found = match entry_id {
            Some(id) => kinds.get(&id).and_then(|kind| of(kind.code())).map(|of| (of, id)),
            None => of(&subject_type).map(|of| (of, subject_id)),
        };
        if let Some((of, id)) = found.filter(|(of, _)| types.contains(of)) {
            last.insert((of, id), (seq, at));
        }
    }
    let mut items = vec![];
    for of in types {
        let ids: Vec<String> = last
            .keys()
            .filter(|key| key.0 == *of)
            .map(|key| key.1.clone())
            .collect();
        let mut found = load(scope, allowed, *of, &ids)?;
        for id in ids {
            let Some((seq, at)) = last.get(&(*of, id.clone())).copied() else {
                continue;
            };
            match found.remove(&id) {
                Some(change) => items.push(Change { seq, ..change }),
                None => items.extend(gone(scope, allowed, *of, id, (seq, at))?),
            }
        }
    }
    items.sort_by(|a, b| (a.seq, &a.id).cmp(&(b.seq, &b.id)));
    Ok((items, Place::Journal(reached), String::new(), reached < head))
}

/// The removal of a record that is not seen now; none if this token has never seen it.
fn gone(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    of: ChangeType,
    id: String,
    (seq, at): (i64, Instant),
) -> Result<Option<Change>, ApiError> {
    let here = match of {
        ChangeType::Contractor => true,
        ChangeType::Organization => allowed.contains(&id),
        ChangeType::Department => {
            let of: String = department_table::table
                .find((&scope.lg, &id))
                .select(department_table::organization_id)
                .first(scope.conn)?;
            allowed.contains(&of)
        }
        ChangeType::ContractorEngagement | ChangeType::CloudService | ChangeType::SocialMediaAccount => {
            let of: String = entries::table
                .find((&scope.lg, &id))
                .select(entries::organization_id)
                .first(scope.conn)?;
            allowed.contains(&of)
        }
    };
    if !here && !was_here(scope, allowed, of, &id)? {
        return Ok(None);
    }
    Ok(Some(Change {
        seq,
        reason: Some(if here {
            DeleteReason::Archived
        } else {
            DeleteReason::OutOfScope
        }),
        ..Change::bare(of, id, at)
    }))
}

/// Whether a record was once of an organization of the token: only then does the reader know of it.
fn was_here(scope: &mut Scope<'_>, allowed: &Organizations, of: ChangeType, id: &str) -> Result<bool, ApiError> {
    let Some(only) = allowed.list() else { return Ok(true) };
    let mut query = journal::table
        .filter(journal::local_government_id.eq(scope.lg.clone()))
        .filter(journal::organization_id.eq_any(only.to_vec()))
        .select(journal::seq)
        .into_boxed();
    query = match of {
        ChangeType::Organization | ChangeType::Department | ChangeType::Contractor => query
            .filter(journal::subject_type.eq(of.code()))
            .filter(journal::subject_id.eq(id.to_owned())),
        _ => query.filter(journal::entry_id.eq(id.to_owned())),
    };
    Ok(query.first::<i64>(scope.conn).optional()?.is_some())
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for place in [Place::Copy { from: 7, of: 2 }, Place::Journal(9)] {
            assert_eq!(Place::parse(&place.key()), Some(place));
        }
        for wrong in ["", "copy:1", "journal:x", "copy:1:2:3", "other:1"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }
}
