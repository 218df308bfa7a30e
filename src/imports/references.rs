//! Who is meant by a code or a name in a cell: the id of the record, looked up once for all rows of a chunk.
//!
//! A name that several records have names none of them. Whether the author of the import may refer to the record is
//! asked where it is written, by the functions of the API.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::app::Scope;
use crate::db::schema::{
    contractors, departments, entries, external_ids, organizations, people, posts, social_media_services,
};
use crate::domain::cell;
use crate::domain::text::fold;
use crate::http::error::ApiError;
use crate::sheets::columns::{By, Target};

/// Why nobody is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nobody {
    /// There is no such record.
    NotFound,
    /// There are several.
    Ambiguous,
}

type Key = (Target, bool, String, Option<String>);

/// The records that were looked up.
#[derive(Debug, Default)]
pub(super) struct References {
    known: BTreeMap<Key, Result<String, Nobody>>,
}

impl References {
    /// The id of the record that a text names; codes of departments and the like are of this organization, where one is
    /// known. What is not there is asked for again: an earlier row may bring it.
    pub(super) fn find(
        &mut self,
        scope: &mut Scope<'_>,
        (target, by): (Target, By),
        text: &str,
        organization_id: Option<&str>,
    ) -> Result<Result<String, Nobody>, ApiError> {
        let within = match target {
            Target::Department | Target::Post | Target::SocialMediaService => organization_id.map(str::to_owned),
            _ => None,
        };
        let key = (target, by == By::Code, text.to_owned(), within);
        if let Some(Ok(id)) = self.known.get(&key) {
            return Ok(Ok(id.clone()));
        }
        let found = if let Ok(id) = uuid::Uuid::try_parse(text) {
            Ok(id.to_string())
        } else {
            one(look_up(scope, target, by, text, key.3.as_deref())?)
        };
        self.known.insert(key, found.clone());
        Ok(found)
    }
}

fn one(mut found: Vec<String>) -> Result<String, Nobody> {
    found.sort();
    found.dedup();
    match found.pop() {
        Some(id) if found.is_empty() => Ok(id),
        Some(_) => Err(Nobody::Ambiguous),
        None => Err(Nobody::NotFound),
    }
}

/// A name as people type it: with one kind of blank or another, or none.
fn spellings(name: &str) -> Vec<String> {
    let plain = cell::code(name);
    let joined = |blank: &str| plain.split_whitespace().collect::<Vec<_>>().join(blank);
    let mut all = vec![
        name.trim().to_owned(),
        joined(" "),
        joined("\u{3000}"),
        joined(""),
        plain.clone(),
    ];
    all.sort();
    all.dedup();
    all
}

fn look_up(
    scope: &mut Scope<'_>,
    target: Target,
    by: By,
    text: &str,
    organization_id: Option<&str>,
) -> Result<Vec<String>, ApiError> {
    let (code, names, lg) = (cell::code(text), spellings(text), scope.lg.clone());
    let conn = &mut *scope.conn;
    let found: Vec<String> = match (target, by) {
        (Target::Organization, By::Code) => organizations::table
            .filter(organizations::local_government_id.eq(&lg))
            .filter(organizations::key.eq(&code))
            .filter(organizations::archived_at.is_null())
            .select(organizations::id)
            .load(conn)?,
        (Target::Organization, By::Name) => organizations::table
            .filter(organizations::local_government_id.eq(&lg))
            .filter(organizations::name.eq_any(names))
            .filter(organizations::archived_at.is_null())
            .select(organizations::id)
            .load(conn)?,
        (Target::Department, _) => {
            let mut query = departments::table
                .filter(departments::local_government_id.eq(lg))
                .filter(departments::archived_at.is_null())
                .select(departments::id)
                .into_boxed();
            if let Some(id) = organization_id {
                query = query.filter(departments::organization_id.eq(id.to_owned()));
            }
            match by {
                By::Code => query.filter(departments::code.eq(code)).load(conn)?,
                By::Name => query.filter(departments::name.eq_any(names)).load(conn)?,
            }
        }
        (Target::Person, By::Code) => people::table
            .filter(people::local_government_id.eq(&lg))
            .filter(people::employee_code.eq(Some(&code)))
            .filter(people::archived_at.is_null())
            .select(people::id)
            .load(conn)?,
        (Target::Person, By::Name) => people::table
            .filter(people::local_government_id.eq(&lg))
            .filter(people::name.eq_any(names))
            .filter(people::archived_at.is_null())
            .select(people::id)
            .load(conn)?,
        (Target::Post, _) => {
            let mut query = posts::table
                .filter(posts::local_government_id.eq(lg))
                .filter(posts::archived_at.is_null())
                .filter(posts::name.eq_any(names))
                .select(posts::id)
                .into_boxed();
            if let Some(id) = organization_id {
                query = query.filter(posts::organization_id.eq(id.to_owned()));
            }
            query.load(conn)?
        }
        (Target::Contractor, By::Code) => {
            let by_number: Vec<String> = contractors::table
                .filter(contractors::local_government_id.eq(&lg))
                .filter(contractors::corporate_number.eq(Some(&code)))
                .select(contractors::id)
                .load(conn)?;
            if by_number.is_empty() {
                of_other_system(scope, "contractor", &code)?
            } else {
                by_number
            }
        }
        (Target::Contractor, By::Name) => contractors::table
            .filter(contractors::local_government_id.eq(&lg))
            .filter(contractors::name_key.eq(Some(fold(text))))
            .filter(contractors::archived_at.is_null())
            .select(contractors::id)
            .limit(2)
            .load(conn)?,
        (Target::SocialMediaService, _) => {
            let mut query = social_media_services::table
                .filter(social_media_services::local_government_id.eq(lg))
                .filter(social_media_services::platform.eq(code.to_lowercase()))
                .select(social_media_services::id)
                .into_boxed();
            if let Some(id) = organization_id {
                query = query.filter(social_media_services::organization_id.eq(id.to_owned()));
            }
            query.load(conn)?
        }
        (Target::Entry, By::Code) => {
            let by_number: Vec<String> = entries::table
                .filter(entries::local_government_id.eq(&lg))
                .filter(entries::control_number.eq(&code))
                .select(entries::id)
                .load(conn)?;
            if by_number.is_empty() {
                of_other_system(scope, "entry", &code)?
            } else {
                by_number
            }
        }
        (Target::Entry, By::Name) => entries::table
            .filter(entries::local_government_id.eq(&lg))
            .filter(entries::name.eq_any(names))
            .filter(entries::archived_at.is_null())
            .select(entries::id)
            .limit(2)
            .load(conn)?,
    };
    Ok(found)
}

/// The records that have this key in any other system.
fn of_other_system(scope: &mut Scope<'_>, resource_type: &str, value: &str) -> Result<Vec<String>, ApiError> {
    Ok(external_ids::table
        .filter(external_ids::local_government_id.eq(&scope.lg))
        .filter(external_ids::resource_type.eq(resource_type))
        .filter(external_ids::value.eq(value))
        .select(external_ids::resource_id)
        .limit(2)
        .load(scope.conn)?)
}
