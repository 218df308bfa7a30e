//! The rows of an entry: what the three kinds share, read and written in one place.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::wire::{Entry, EntryChange, EntryInput, EntryRisk, Holder};
use crate::app::{Scope, Subject};
use crate::clock::Instant;
use crate::db::schema::entries;
use crate::db::search;
use crate::db::types::Word;
use crate::domain::calendar::fiscal_year;
use crate::domain::facts::Facts;
use crate::domain::lifecycle;
use crate::domain::vocabulary::{CodeWord, Kind, Level, Phase, Status};
use crate::external_ids;
use crate::http::body::{Patch, line, lines};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::{corrective_actions, departments, incidents, number_series, organizations, people, posts};

/// The word of entries in journal, search and external ids.
pub(crate) const KIND: &str = "entry";

/// The row of an entry.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = entries)]
pub(crate) struct EntryRow {
    pub id: String,
    pub kind: Word<Kind>,
    pub control_number: String,
    pub organization_id: String,
    pub contracting_organization_id: String,
    pub department_id: Option<String>,
    pub name: String,
    pub name_kana: Option<String>,
    pub owner_person_id: Option<String>,
    pub owner_post_id: Option<String>,
    pub deputy_person_id: Option<String>,
    pub deputy_post_id: Option<String>,
    pub status: Word<Status>,
    pub facts: String,
    pub registered_as_existing: bool,
    pub started_on: Option<NaiveDate>,
    pub risk_level: Option<String>,
    pub risk_score_x100: i32,
    pub inherent_tier: i32,
    pub next_due_on: Option<NaiveDate>,
    pub assessment_id: Option<String>,
    pub note: Option<String>,
    pub version: i64,
    pub created_at: Instant,
    pub created_by: String,
    pub updated_at: Instant,
    pub updated_by: String,
    pub archived_at: Option<Instant>,
}

impl EntryRow {
    /// What the entry handles.
    pub(crate) fn facts(&self) -> Result<Facts, ApiError> {
        Ok(serde_json::from_str(&self.facts)?)
    }

    /// What a journal entry about it names.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            kind: KIND,
            id: &self.id,
            organization_id: Some(&self.organization_id),
            entry_id: Some(&self.id),
        }
    }
}

/// The holder that two columns name.
pub(crate) fn holder(person_id: Option<String>, post_id: Option<String>) -> Option<Holder> {
    (person_id.is_some() || post_id.is_some()).then_some(Holder { person_id, post_id })
}

/// The entries of these rows on the wire, with one more query for their external ids.
pub(crate) fn complete(scope: &mut Scope<'_>, rows: Vec<EntryRow>) -> Result<Vec<Entry>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut external = external_ids::of(scope, KIND, &ids)?;
    rows.into_iter()
        .map(|row| {
            Ok(Entry {
                external_ids: external.remove(&row.id).unwrap_or_default(),
                facts: row.facts()?,
                kind: row.kind.0,
                control_number: row.control_number,
                organization_id: row.organization_id,
                contracting_organization_id: row.contracting_organization_id,
                department_id: row.department_id,
                name: row.name,
                name_kana: row.name_kana,
                owner: holder(row.owner_person_id, row.owner_post_id),
                deputy: holder(row.deputy_person_id, row.deputy_post_id),
                status: row.status.0,
                phase: row.status.0.phase(),
                registered_as_existing: row.registered_as_existing,
                started_on: row.started_on,
                risk: EntryRisk {
                    residual_level: row.risk_level.as_deref().and_then(Level::parse),
                    residual_score_x100: row.risk_score_x100,
                    inherent_tier: row.inherent_tier,
                },
                next_due_on: row.next_due_on,
                note: row.note,
                version: row.version,
                created_at: row.created_at,
                created_by: row.created_by,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
                archived_at: row.archived_at,
                id: row.id,
            })
        })
        .collect()
}

/// The row of an entry that the caller may touch.
///
/// # Errors
/// 404 for another tenant's, or one outside the token's organizations.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<EntryRow, ApiError> {
    let row: EntryRow = entries::table
        .find((&scope.lg, id))
        .select(EntryRow::as_select())
        .first(scope.conn)?;
    allowed.check(&row.organization_id)?;
    Ok(row)
}

/// The row of an entry of the tenant.
///
/// # Errors
/// A database failure.
pub(crate) fn by_id(scope: &mut Scope<'_>, id: &str) -> Result<EntryRow, ApiError> {
    Ok(entries::table
        .find((&scope.lg, id))
        .select(EntryRow::as_select())
        .first(scope.conn)?)
}

/// The row of an entry of this kind that the caller may touch.
///
/// # Errors
/// 404, also for an entry of another kind.
pub(crate) fn find_kind(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    kind: Kind,
    id: &str,
) -> Result<EntryRow, ApiError> {
    let row = find(scope, allowed, id)?;
    if row.kind.0 == kind {
        Ok(row)
    } else {
        Err(ApiError::NotFound)
    }
}

/// Checks and inserts the common part of a new entry; the kind's own row and [`super::state::refresh`] follow.
///
/// # Errors
/// 422 with every wrong value.
pub(crate) fn insert(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    kind: Kind,
    input: &EntryInput,
) -> Result<String, ApiError> {
    let mut errors = vec![];
    if !allowed.contains(&input.organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference("/organization_id")]));
    }
    organizations::require(scope, &input.organization_id, "/organization_id")?;
    let contracting = input
        .contracting_organization_id
        .as_ref()
        .unwrap_or(&input.organization_id);
    organizations::require(scope, contracting, "/contracting_organization_id")?;
    let status = initial_status(scope, kind, input, &mut errors);
    let name = line(&input.name, "/name", 200, &mut errors);
    let name_kana = input
        .name_kana
        .as_ref()
        .map(|kana| line(kana, "/name_kana", 200, &mut errors));
    let note = input.note.as_ref().map(|note| lines(note, "/note", 4000, &mut errors));
    check_holder(scope, input.owner.as_ref(), "/owner", &mut errors)?;
    check_holder(scope, input.deputy.as_ref(), "/deputy", &mut errors)?;
    if let Some(department) = &input.department_id {
        departments::require_open(scope, department, "/department_id")?;
    }
    ApiError::unless_empty(errors)?;
    let control_number = match &input.control_number {
        Some(number) => number.clone(),
        None => next_control_number(scope, kind)?,
    };
    let id = scope.new_id();
    let text = search::folded([Some(name.as_str()), name_kana.as_deref(), Some(control_number.as_str())]);
    let owner = input.owner.as_ref();
    let deputy = input.deputy.as_ref();
    diesel::insert_into(entries::table)
        .values((
            (
                entries::local_government_id.eq(&scope.lg),
                entries::id.eq(&id),
                entries::kind.eq(kind.code()),
                entries::control_number.eq(&control_number),
                entries::organization_id.eq(&input.organization_id),
                entries::contracting_organization_id.eq(contracting),
                entries::department_id.eq(&input.department_id),
                entries::name.eq(&name),
                entries::name_kana.eq(&name_kana),
                entries::owner_person_id.eq(owner.and_then(|h| h.person_id.as_ref())),
                entries::owner_post_id.eq(owner.and_then(|h| h.post_id.as_ref())),
                entries::deputy_person_id.eq(deputy.and_then(|h| h.person_id.as_ref())),
                entries::deputy_post_id.eq(deputy.and_then(|h| h.post_id.as_ref())),
            ),
            (
                entries::status.eq(status.code()),
                entries::facts.eq(serde_json::to_string(&input.facts)?),
                entries::registered_as_existing.eq(input.registered_as_existing),
                entries::started_on.eq(input.started_on),
                entries::risk_score_x100.eq(0),
                entries::inherent_tier.eq(4),
                entries::note.eq(&note),
                entries::search_text.eq(&text),
                entries::version.eq(1),
                entries::created_at.eq(scope.at),
                entries::created_by.eq(scope.by()),
                entries::updated_at.eq(scope.at),
                entries::updated_by.eq(scope.by()),
            ),
        ))
        .execute(scope.conn)?;
    search::index(scope, KIND, &id, &text)?;
    external_ids::replace(scope, KIND, &id, &input.external_ids)?;
    Ok(id)
}

/// A new entry is a draft, unless it already runs and is registered in its true state.
fn initial_status(scope: &Scope<'_>, kind: Kind, input: &EntryInput, errors: &mut Vec<FieldError>) -> Status {
    let status = input.status.unwrap_or(Status::Draft);
    if !input.registered_as_existing {
        if status != Status::Draft {
            errors.push(FieldError::new(
                "/status",
                "status_needs_existing",
                "下書き以外の状態で登録するには registered_as_existing を true にしてください。",
                "A status other than draft needs registered_as_existing.",
            ));
        }
        return status;
    }
    if !lifecycle::registrable_statuses(kind).contains(&status) {
        errors.push(FieldError::new(
            "/status",
            "not_in_enum",
            "この種類ではこの状態で登録できません。",
            "This kind cannot be registered in this status.",
        ));
    }
    if status.phase() == Phase::Active {
        match input.started_on {
            None => errors.push(FieldError::new(
                "/started_on",
                "required",
                "履行・利用・運用を始めた日を入れてください。",
                "Give the first day of performance, use or operation.",
            )),
            Some(on) if on > scope.today => errors.push(FieldError::new(
                "/started_on",
                "out_of_range",
                "開始日は今日以前にしてください。",
                "It must not be in the future.",
            )),
            Some(_) => {}
        }
    }
    status
}

/// Checks that a holder is one person or one post of this tenant.
pub(crate) fn check_holder(
    scope: &mut Scope<'_>,
    holder: Option<&Holder>,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Result<(), ApiError> {
    match holder {
        None => Ok(()),
        Some(Holder {
            person_id: Some(id),
            post_id: None,
        }) => people::require(scope, id, &format!("{pointer}/person_id")),
        Some(Holder {
            person_id: None,
            post_id: Some(id),
        }) => posts::require(scope, id, &format!("{pointer}/post_id")),
        Some(_) => {
            errors.push(FieldError::new(
                pointer,
                "one_of_two",
                "person_id か post_id のどちらか一方を指定してください。",
                "Give either person_id or post_id.",
            ));
            Ok(())
        }
    }
}

/// `EN-2027-0012`: the kind, the fiscal year, a running number.
fn next_control_number(scope: &mut Scope<'_>, kind: Kind) -> Result<String, ApiError> {
    let prefix = match kind {
        Kind::ContractorEngagement => "EN",
        Kind::CloudService => "CL",
        Kind::SocialMediaAccount => "SN",
    };
    let series = format!("{prefix}-{}", fiscal_year(scope.today));
    let number = number_series::next(scope, &series)?;
    Ok(format!("{series}-{number:04}"))
}

/// Applies the common part of a change and raises the version.
///
/// # Errors
/// 422 with every wrong value.
pub(crate) fn update<P>(
    scope: &mut Scope<'_>,
    mut row: EntryRow,
    change: EntryChange,
    patch: &Patch<P>,
) -> Result<(), ApiError> {
    let mut errors = vec![];
    if let Some(organization) = change.contracting_organization_id {
        organizations::require(scope, &organization, "/contracting_organization_id")?;
        row.contracting_organization_id = organization;
    }
    let before = row.department_id.clone();
    patch.nullable(&mut row.department_id, change.department_id, "department_id");
    if let Some(department) = row.department_id.as_ref().filter(|_| before != row.department_id) {
        departments::require_open(scope, department, "/department_id")?;
    }
    if let Some(name) = change.name {
        row.name = line(&name, "/name", 200, &mut errors);
    }
    let kana = change.name_kana.map(|kana| line(&kana, "/name_kana", 200, &mut errors));
    patch.nullable(&mut row.name_kana, kana, "name_kana");
    let note = change.note.map(|note| lines(&note, "/note", 4000, &mut errors));
    patch.nullable(&mut row.note, note, "note");
    check_holder(scope, change.owner.as_ref(), "/owner", &mut errors)?;
    check_holder(scope, change.deputy.as_ref(), "/deputy", &mut errors)?;
    let mut owner = holder(row.owner_person_id, row.owner_post_id);
    patch.nullable(&mut owner, change.owner, "owner");
    let mut deputy = holder(row.deputy_person_id, row.deputy_post_id);
    patch.nullable(&mut deputy, change.deputy, "deputy");
    let mut facts: Facts = serde_json::from_str(&row.facts)?;
    if let Some(new) = &change.facts {
        facts.merge(new);
    }
    for name in patch.clear.iter().filter_map(|name| name.strip_prefix("facts.")) {
        if !facts.clear(name) {
            errors.push(FieldError::new(
                &format!("/facts/{name}"),
                "unknown_field",
                "この項目はありません。綴りを確かめてください。",
                "There is no such fact; check the spelling.",
            ));
        }
    }
    ApiError::unless_empty(errors)?;
    let text = search::folded([
        Some(row.name.as_str()),
        row.name_kana.as_deref(),
        Some(row.control_number.as_str()),
    ]);
    let (owner, deputy) = (owner.unwrap_or(NOBODY), deputy.unwrap_or(NOBODY));
    diesel::update(entries::table.find((&scope.lg, &row.id)))
        .set((
            entries::contracting_organization_id.eq(&row.contracting_organization_id),
            entries::department_id.eq(&row.department_id),
            entries::name.eq(&row.name),
            entries::name_kana.eq(&row.name_kana),
            entries::owner_person_id.eq(&owner.person_id),
            entries::owner_post_id.eq(&owner.post_id),
            entries::deputy_person_id.eq(&deputy.person_id),
            entries::deputy_post_id.eq(&deputy.post_id),
            entries::facts.eq(serde_json::to_string(&facts)?),
            entries::note.eq(&row.note),
            entries::search_text.eq(&text),
        ))
        .execute(scope.conn)?;
    search::index(scope, KIND, &row.id, &text)?;
    if let Some(external) = &change.external_ids {
        external_ids::replace(scope, KIND, &row.id, external)?;
    }
    touch(scope, &row.id)
}

const NOBODY: Holder = Holder {
    person_id: None,
    post_id: None,
};

/// Raises the version of an entry: something of it changed.
///
/// # Errors
/// A database failure.
pub(crate) fn touch(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(entries::table.find((&scope.lg, id)))
        .set((
            entries::version.eq(entries::version + 1),
            entries::updated_at.eq(scope.at),
            entries::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    Ok(())
}

/// An archived entry is only read.
///
/// # Errors
/// 409 `archived`.
pub(crate) fn require_live(row: &EntryRow) -> Result<(), ApiError> {
    if row.archived_at.is_none() {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "archived",
        ja: "この記録は保管済みのため変更できません。必要なら新しく登録してください。".to_owned(),
        en: "The entry is archived and is not changed any more; register a new one if it is needed.".to_owned(),
    })
}

/// Archives an entry that is not running.
///
/// # Errors
/// 409 `open_items_remain` while it runs, or something has to be put right.
pub(crate) fn archive(scope: &mut Scope<'_>, row: &EntryRow) -> Result<(), ApiError> {
    if row.status.0 != Status::Draft && !row.status.0.is_final() {
        return Err(ApiError::Conflict {
            code: "open_items_remain",
            ja: "下書きか、終了した記録だけを保管できます。先に終了の手続をしてください。".to_owned(),
            en: "Only a draft or a finished entry can be archived; finish it first.".to_owned(),
        });
    }
    let open_action = !corrective_actions::open_dues(scope, &row.id)?.is_empty();
    if open_action || incidents::is_open(scope, &row.id)? {
        return Err(ApiError::Conflict {
            code: "open_items_remain",
            ja: "完了していない是正措置かインシデントがあります。先に終わらせてください。".to_owned(),
            en: "A corrective action or an incident is open; finish it first.".to_owned(),
        });
    }
    diesel::update(entries::table.find((&scope.lg, &row.id)))
        .set(entries::archived_at.eq(Some(scope.at)))
        .execute(scope.conn)?;
    crate::obligations::cycles::retire_all(scope, &row.id)?;
    touch(scope, &row.id)
}
