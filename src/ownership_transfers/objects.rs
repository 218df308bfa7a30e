//! What a person or a post owns and answers for: found before a move, stored at it, described for the wire.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::rows::{TransferRow, Who};
use super::wire::{TransferObject, TransferObjectKind};
use crate::app::Scope;
use crate::db::insert_new;
use crate::db::schema::{
    entries, obligations, ownership_transfer_objects, posts, round_clauses, social_media_services,
};
use crate::domain::vocabulary::{CodeWord, Status};
use crate::http::error::ApiError;
use crate::http::page;

/// Rows of one statement.
pub(super) const CHUNK: usize = 500;

/// One thing, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectRef {
    pub kind: TransferObjectKind,
    pub id: String,
    pub entry_id: Option<String>,
    pub organization_id: String,
}

/// What is looked for.
pub(super) struct Wanted<'w> {
    pub of: &'w Who,
    pub organization_id: Option<&'w str>,
    pub entry_ids: Option<&'w [String]>,
    /// The day on which posts must be held.
    pub on: NaiveDate,
    /// The most of each kind.
    pub limit: i64,
}

/// Everything that a person or a post has today, by kind and id.
pub(super) fn find(scope: &mut Scope<'_>, wanted: &Wanted<'_>) -> Result<Vec<ObjectRef>, ApiError> {
    let mut found = vec![];
    for kind in [TransferObjectKind::EntryOwner, TransferObjectKind::EntryDeputy] {
        found.extend(entries_of(scope, wanted, kind)?);
    }
    if wanted.entry_ids.is_none() {
        found.extend(services_of(scope, wanted)?);
    }
    if let Some(person) = &wanted.of.person_id {
        found.extend(obligations_of(scope, wanted, person)?);
        if wanted.entry_ids.is_none() {
            found.extend(posts_of(scope, wanted, person)?);
        }
    }
    Ok(found)
}

fn entries_of(
    scope: &mut Scope<'_>,
    wanted: &Wanted<'_>,
    kind: TransferObjectKind,
) -> Result<Vec<ObjectRef>, ApiError> {
    let over: Vec<&str> = Status::ALL
        .iter()
        .filter(|status| status.is_final())
        .map(|status| status.code())
        .collect();
    let mut query = entries::table
        .filter(entries::local_government_id.eq(scope.lg.clone()))
        .filter(entries::archived_at.is_null())
        .filter(entries::status.ne_all(over))
        .order(entries::id)
        .limit(wanted.limit)
        .select((entries::id, entries::organization_id))
        .into_boxed();
    query = match (kind, wanted.of.person_id.clone(), wanted.of.post_id.clone()) {
        (TransferObjectKind::EntryOwner, Some(person), _) => query.filter(entries::owner_person_id.eq(Some(person))),
        (TransferObjectKind::EntryOwner, None, post) => query.filter(entries::owner_post_id.eq(post)),
        (_, Some(person), _) => query.filter(entries::deputy_person_id.eq(Some(person))),
        (_, None, post) => query.filter(entries::deputy_post_id.eq(post)),
    };
    if let Some(organization) = wanted.organization_id {
        query = query.filter(entries::organization_id.eq(organization.to_owned()));
    }
    if let Some(ids) = wanted.entry_ids {
        query = query.filter(entries::id.eq_any(ids.to_vec()));
    }
    let rows: Vec<(String, String)> = query.load(scope.conn)?;
    let object = |(id, organization_id): (String, String)| ObjectRef {
        kind,
        entry_id: Some(id.clone()),
        id,
        organization_id,
    };
    Ok(rows.into_iter().map(object).collect())
}

fn services_of(scope: &mut Scope<'_>, wanted: &Wanted<'_>) -> Result<Vec<ObjectRef>, ApiError> {
    let mut query = social_media_services::table
        .filter(social_media_services::local_government_id.eq(scope.lg.clone()))
        .filter(social_media_services::archived_at.is_null())
        .order(social_media_services::id)
        .limit(wanted.limit)
        .select((social_media_services::id, social_media_services::organization_id))
        .into_boxed();
    query = match &wanted.of.person_id {
        Some(person) => query.filter(social_media_services::responsible_person_id.eq(Some(person.clone()))),
        None => query.filter(social_media_services::responsible_post_id.eq(wanted.of.post_id.clone())),
    };
    if let Some(organization) = wanted.organization_id {
        query = query.filter(social_media_services::organization_id.eq(organization.to_owned()));
    }
    let rows: Vec<(String, String)> = query.load(scope.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, organization_id)| ObjectRef {
            kind: TransferObjectKind::SocialMediaService,
            id,
            entry_id: None,
            organization_id,
        })
        .collect())
}

/// Open rounds in which clauses wait for the person.
fn obligations_of(scope: &mut Scope<'_>, wanted: &Wanted<'_>, person_id: &str) -> Result<Vec<ObjectRef>, ApiError> {
    let waiting: BTreeSet<(String, i32)> = round_clauses::table
        .filter(round_clauses::local_government_id.eq(&scope.lg))
        .filter(round_clauses::assignee_person_id.eq(Some(person_id)))
        .filter(round_clauses::answer.is_null())
        .order((round_clauses::obligation_id, round_clauses::cycle))
        .limit(page::BUDGET)
        .select((round_clauses::obligation_id, round_clauses::cycle))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let ids: BTreeSet<&str> = waiting.iter().map(|(id, _)| id.as_str()).collect();
    let mut query = obligations::table
        .filter(obligations::local_government_id.eq(scope.lg.clone()))
        .filter(obligations::id.eq_any(ids))
        .filter(obligations::state.eq("open"))
        .order(obligations::id)
        .limit(wanted.limit)
        .select((
            obligations::id,
            obligations::cycle,
            obligations::entry_id,
            obligations::organization_id,
        ))
        .into_boxed();
    if let Some(organization) = wanted.organization_id {
        query = query.filter(obligations::organization_id.eq(organization.to_owned()));
    }
    if let Some(ids) = wanted.entry_ids {
        let ids: Vec<Option<String>> = ids.iter().cloned().map(Some).collect();
        query = query.filter(obligations::entry_id.eq_any(ids));
    }
    let rows: Vec<(String, i32, Option<String>, String)> = query.load(scope.conn)?;
    Ok(rows
        .into_iter()
        .filter(|(id, cycle, ..)| waiting.contains(&(id.clone(), *cycle)))
        .map(|(id, _, entry_id, organization_id)| ObjectRef {
            kind: TransferObjectKind::Obligation,
            id,
            entry_id,
            organization_id,
        })
        .collect())
}

/// Posts that the person holds on the day.
fn posts_of(scope: &mut Scope<'_>, wanted: &Wanted<'_>, person_id: &str) -> Result<Vec<ObjectRef>, ApiError> {
    let held = crate::posts::held_by(scope, person_id, wanted.on)?;
    let mut query = posts::table
        .filter(posts::local_government_id.eq(scope.lg.clone()))
        .filter(posts::id.eq_any(held))
        .filter(posts::archived_at.is_null())
        .order(posts::id)
        .select((posts::id, posts::organization_id))
        .into_boxed();
    if let Some(organization) = wanted.organization_id {
        query = query.filter(posts::organization_id.eq(organization.to_owned()));
    }
    let rows: Vec<(String, String)> = query.load(scope.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, organization_id)| ObjectRef {
            kind: TransferObjectKind::Post,
            id,
            entry_id: None,
            organization_id,
        })
        .collect())
}

/// Keeps what was handed over.
pub(super) fn store(scope: &mut Scope<'_>, transfer_id: &str, objects: &[ObjectRef]) -> Result<(), ApiError> {
    let key = (
        ownership_transfer_objects::local_government_id,
        ownership_transfer_objects::transfer_id,
        ownership_transfer_objects::kind,
        ownership_transfer_objects::object_id,
    );
    for chunk in objects.chunks(CHUNK) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|object| {
                (
                    ownership_transfer_objects::local_government_id.eq(scope.lg.clone()),
                    ownership_transfer_objects::transfer_id.eq(transfer_id.to_owned()),
                    ownership_transfer_objects::kind.eq(object.kind.code()),
                    ownership_transfer_objects::object_id.eq(object.id.clone()),
                    ownership_transfer_objects::entry_id.eq(object.entry_id.clone()),
                    ownership_transfer_objects::organization_id.eq(object.organization_id.clone()),
                )
            })
            .collect();
        insert_new!(&mut *scope.conn, ownership_transfer_objects::table, &rows, key);
    }
    Ok(())
}

/// What was handed over.
pub(super) fn stored(scope: &mut Scope<'_>, transfer_id: &str, limit: i64) -> Result<Vec<ObjectRef>, ApiError> {
    let rows: Vec<(String, String, Option<String>, String)> = ownership_transfer_objects::table
        .filter(ownership_transfer_objects::local_government_id.eq(&scope.lg))
        .filter(ownership_transfer_objects::transfer_id.eq(transfer_id))
        .order((ownership_transfer_objects::kind, ownership_transfer_objects::object_id))
        .limit(limit)
        .select((
            ownership_transfer_objects::kind,
            ownership_transfer_objects::object_id,
            ownership_transfer_objects::entry_id,
            ownership_transfer_objects::organization_id,
        ))
        .load(scope.conn)?;
    Ok(rows
        .into_iter()
        .filter_map(|(kind, id, entry_id, organization_id)| {
            let kind = TransferObjectKind::ALL.into_iter().find(|known| known.code() == kind)?;
            Some(ObjectRef {
                kind,
                id,
                entry_id,
                organization_id,
            })
        })
        .collect())
}

/// What a transfer is about: found before the move, as stored after it.
pub(super) fn of(scope: &mut Scope<'_>, row: &TransferRow, limit: i64) -> Result<Vec<TransferObject>, ApiError> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut refs = if row.moved_at.is_some() {
        stored(scope, &row.id, limit)?
    } else {
        let (giver, entry_ids) = (row.giver(), row.entry_ids()?);
        let wanted = Wanted {
            of: &giver,
            organization_id: row.organization_id.as_deref(),
            entry_ids: entry_ids.as_deref(),
            on: row.effective_on,
            limit,
        };
        find(scope, &wanted)?
    };
    refs.truncate(most);
    describe(scope, refs)
}

/// The objects with their names, with one query per kind.
pub(super) fn describe(scope: &mut Scope<'_>, refs: Vec<ObjectRef>) -> Result<Vec<TransferObject>, ApiError> {
    let ids = |kind: TransferObjectKind| -> BTreeSet<&str> {
        refs.iter()
            .filter(|object| object.kind == kind)
            .map(|object| object.id.as_str())
            .collect()
    };
    let entry_ids: BTreeSet<&str> = refs.iter().filter_map(|object| object.entry_id.as_deref()).collect();
    let known: BTreeMap<String, (String, String, Option<NaiveDate>)> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(entry_ids))
        .select((
            entries::id,
            (entries::control_number, entries::name, entries::next_due_on),
        ))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let dues: BTreeMap<String, NaiveDate> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::id.eq_any(ids(TransferObjectKind::Obligation)))
        .select((obligations::id, obligations::due_on))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let mut names: BTreeMap<String, String> = social_media_services::table
        .filter(social_media_services::local_government_id.eq(&scope.lg))
        .filter(social_media_services::id.eq_any(ids(TransferObjectKind::SocialMediaService)))
        .select((social_media_services::id, social_media_services::platform))
        .load(scope.conn)?
        .into_iter()
        .collect();
    names.extend(
        posts::table
            .filter(posts::local_government_id.eq(&scope.lg))
            .filter(posts::id.eq_any(ids(TransferObjectKind::Post)))
            .select((posts::id, posts::name))
            .load::<(String, String)>(scope.conn)?,
    );
    Ok(refs
        .into_iter()
        .map(|object| {
            let entry = object.entry_id.as_deref().and_then(|id| known.get(id));
            let name = names.get(&object.id).cloned();
            TransferObject {
                control_number: entry.map(|(number, ..)| number.clone()),
                name: name
                    .or_else(|| entry.map(|(_, name, _)| name.clone()))
                    .unwrap_or_default(),
                next_due_on: dues
                    .get(&object.id)
                    .copied()
                    .or_else(|| entry.and_then(|(.., due)| *due)),
                moves: object.kind != TransferObjectKind::Post,
                kind: object.kind,
                id: object.id,
                organization_id: object.organization_id,
                entry_id: object.entry_id,
            }
        })
        .collect())
}
