//! How reports name a register entry: with names instead of ids, and who holds it today. Loaded for many rows with a
//! constant number of queries. What a list of entries shows is [`crate::entries`]'.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Scope;
use crate::db::schema::{cloud_services, contractors, engagements, entries};
use crate::domain::vocabulary::{Kind, Status};
use crate::entries::rows::EntryRow;
use crate::http::error::ApiError;
use crate::people::holders::Directory;
use crate::sheets::cells::Name;
use crate::sheets::columns::{Cell, Column, Target, words};
use crate::sheets::names;

/// A register entry as reports name it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryLine {
    /// The entry.
    #[schema(format = Uuid)]
    pub entry_id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its control number.
    pub control_number: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// The organization.
    #[schema(format = Uuid)]
    pub organization_id: String,
    /// Its name.
    pub organization_name: String,
    /// The department.
    #[schema(required, format = Uuid)]
    pub department_id: Option<String>,
    /// Its name.
    #[schema(required)]
    pub department_name: Option<String>,
    /// Who holds the ownership today.
    #[schema(required, format = Uuid)]
    pub owner_person_id: Option<String>,
    /// Their name.
    #[schema(required)]
    pub owner_name: Option<String>,
    /// The post that holds it.
    #[schema(required)]
    pub owner_post_name: Option<String>,
}

/// The company behind an entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Counterpart {
    /// The contractor.
    #[schema(format = Uuid)]
    pub contractor_id: String,
    /// Its name.
    pub name: String,
    /// Its corporate number.
    #[schema(required)]
    pub corporate_number: Option<String>,
}

/// The lines of these entries, by id.
pub(crate) fn lines(scope: &mut Scope<'_>, rows: &[EntryRow]) -> Result<BTreeMap<String, EntryLine>, ApiError> {
    let distinct =
        |of: fn(&EntryRow) -> Option<&String>| -> BTreeSet<String> { rows.iter().filter_map(of).cloned().collect() };
    let persons = distinct(|row| row.owner_person_id.as_ref());
    let posts = distinct(|row| row.owner_post_id.as_ref());
    let wanted = BTreeMap::from([
        (Target::Organization, distinct(|row| Some(&row.organization_id))),
        (Target::Department, distinct(|row| row.department_id.as_ref())),
        (Target::Post, posts.clone()),
    ]);
    let names = names::load(scope, wanted)?;
    let list = |ids: BTreeSet<String>| ids.into_iter().collect::<Vec<_>>();
    let directory = if persons.is_empty() && posts.is_empty() {
        None
    } else {
        Some(Directory::load(scope, &[], &list(persons), &list(posts), scope.today)?)
    };
    let name = |target: Target, id: &String| -> Option<&Name> { names.0.get(&(target, id.clone())) };
    let named = |target: Target, id: &Option<String>| name(target, id.as_ref()?).map(|name| name.name.clone());
    let line = |row: &EntryRow| {
        let (person, post) = (row.owner_person_id.as_deref(), row.owner_post_id.as_deref());
        let holder = directory.as_ref().and_then(|directory| directory.owner(person, post));
        let line = EntryLine {
            entry_id: row.id.clone(),
            kind: row.kind.0,
            control_number: row.control_number.clone(),
            name: row.name.clone(),
            status: row.status.0,
            organization_id: row.organization_id.clone(),
            organization_name: name(Target::Organization, &row.organization_id)
                .map(|name| name.name.clone())
                .unwrap_or_default(),
            department_id: row.department_id.clone(),
            department_name: named(Target::Department, &row.department_id),
            owner_person_id: holder.map(|person| person.id.clone()),
            owner_name: holder.map(|person| person.name.clone()),
            owner_post_name: named(Target::Post, &row.owner_post_id),
        };
        (row.id.clone(), line)
    };
    Ok(rows.iter().map(line).collect())
}

/// The rows of these entries, by id.
pub(crate) fn rows(scope: &mut Scope<'_>, ids: &BTreeSet<String>) -> Result<Vec<EntryRow>, ApiError> {
    Ok(entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::id.eq_any(ids))
        .order(entries::id)
        .select(EntryRow::as_select())
        .load(scope.conn)?)
}

/// The companies behind these entries, by the entry's id: contractors of commissioned work, providers of services.
pub(crate) fn counterparts(
    scope: &mut Scope<'_>,
    rows: &[EntryRow],
) -> Result<BTreeMap<String, Counterpart>, ApiError> {
    let of_kind = |kind: Kind| -> Vec<&String> {
        let found = rows.iter().filter(|row| row.kind.0 == kind);
        found.map(|row| &row.id).collect()
    };
    let (engaged, provided) = (of_kind(Kind::ContractorEngagement), of_kind(Kind::CloudService));
    let mut named: Vec<(String, Option<String>)> = vec![];
    if !engaged.is_empty() {
        let found: Vec<(String, Option<String>)> = engagements::table
            .filter(engagements::local_government_id.eq(&scope.lg))
            .filter(engagements::id.eq_any(engaged))
            .select((engagements::id, engagements::contractor_id))
            .load(scope.conn)?;
        named.extend(found);
    }
    if !provided.is_empty() {
        let found: Vec<(String, Option<String>)> = cloud_services::table
            .filter(cloud_services::local_government_id.eq(&scope.lg))
            .filter(cloud_services::id.eq_any(provided))
            .select((cloud_services::id, cloud_services::provider_contractor_id))
            .load(scope.conn)?;
        named.extend(found);
    }
    let of: BTreeMap<String, String> = named
        .into_iter()
        .filter_map(|(entry, contractor)| Some((entry, contractor?)))
        .collect();
    let companies = companies(scope, &of.values().cloned().collect())?;
    Ok(of
        .into_iter()
        .filter_map(|(entry, contractor)| Some((entry, companies.get(&contractor)?.clone())))
        .collect())
}

/// These contractors, by id.
pub(crate) fn companies(
    scope: &mut Scope<'_>,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Counterpart>, ApiError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, String, Option<String>)> = contractors::table
        .filter(contractors::local_government_id.eq(&scope.lg))
        .filter(contractors::id.eq_any(ids))
        .select((contractors::id, contractors::name, contractors::corporate_number))
        .load(scope.conn)?;
    let company = |(contractor_id, name, corporate_number): (String, String, Option<String>)| {
        let company = Counterpart {
            contractor_id: contractor_id.clone(),
            name,
            corporate_number,
        };
        (contractor_id, company)
    };
    Ok(rows.into_iter().map(company).collect())
}

/// A column of a report: nothing of it is ever read back.
pub(super) fn shown(key: &'static str, ja: &'static str, cell: Cell, at: &'static str) -> Column {
    Column::new(key, ja, key, cell).at(at).shown()
}

/// The columns of a line under `entry`.
pub(super) fn line_columns() -> Vec<Column> {
    vec![
        shown("control_number", "管理番号", Cell::Code, "entry.control_number"),
        shown("kind", "種別", Cell::Word(words::<Kind>()), "entry.kind"),
        shown("name", "名称", Cell::Text, "entry.name"),
        shown("status", "状態", Cell::Word(words::<Status>()), "entry.status"),
        shown("organization_name", "機関名", Cell::Text, "entry.organization_name"),
        shown("department_name", "所管課", Cell::Text, "entry.department_name"),
        shown("owner_post_name", "責任者の職", Cell::Text, "entry.owner_post_name"),
        shown("owner_name", "責任者氏名", Cell::Text, "entry.owner_name"),
    ]
}

/// The columns of the company behind an entry.
pub(super) fn counterpart_columns() -> Vec<Column> {
    vec![
        shown("contractor_name", "事業者名", Cell::Text, "contractor.name"),
        shown(
            "contractor_corporate_number",
            "法人番号",
            Cell::Code,
            "contractor.corporate_number",
        ),
    ]
}
