//! Finding somebody by name or by department, for a page on which a person is chosen. The list for programs is
//! [`super::listed`].

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::KIND;
use crate::app::Scope;
use crate::db::schema::{appointments, departments, people, search_grams};
use crate::db::search;
use crate::http::error::ApiError;

/// The most that are shown.
const MOST: i64 = 30;
/// Departments that one word may name.
const MOST_DEPARTMENTS: i64 = 20;

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// The names of their departments today.
    pub departments: Vec<String>,
    /// Whether they can be written to.
    pub has_address: bool,
}

/// Those who are there today and whose name, or the name of whose department, contains the words.
///
/// # Errors
/// 422 for fewer than two characters.
pub(crate) fn search(scope: &mut Scope<'_>, words: &str) -> Result<Vec<Found>, ApiError> {
    let mut ids: BTreeSet<String> = by_name(scope, words)?.into_iter().collect();
    let departments = departments_named(scope, words)?;
    ids.extend(
        appointments::table
            .filter(appointments::local_government_id.eq(&scope.lg))
            .filter(appointments::department_id.eq_any(departments.into_iter().map(Some)))
            .filter(appointments::starts_on.le(scope.today))
            .filter(
                appointments::ends_on
                    .is_null()
                    .or(appointments::ends_on.ge(Some(scope.today))),
            )
            .limit(MOST)
            .select(appointments::person_id)
            .load::<String>(scope.conn)?,
    );
    let rows: Vec<(String, String, Option<String>)> = people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.eq_any(&ids))
        .filter(people::archived_at.is_null())
        .filter(people::left_on.is_null().or(people::left_on.ge(Some(scope.today))))
        .order(people::id)
        .limit(MOST)
        .select((people::id, people::name, people::email))
        .load(scope.conn)?;
    let mut places = places(scope, &rows)?;
    Ok(rows
        .into_iter()
        .map(|(id, name, email)| Found {
            departments: places.remove(&id).unwrap_or_default(),
            has_address: email.is_some(),
            id,
            name,
        })
        .collect())
}

fn by_name(scope: &mut Scope<'_>, words: &str) -> Result<Vec<String>, ApiError> {
    let q = search::query(scope, KIND, words)?;
    let ids: Vec<String> = search_grams::table
        .filter(search_grams::local_government_id.eq(&scope.lg))
        .filter(search_grams::kind.eq(KIND))
        .filter(search_grams::gram.eq(&q.gram))
        .order(search_grams::id)
        .limit(crate::http::page::BUDGET)
        .select(search_grams::id)
        .load(scope.conn)?;
    Ok(people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.eq_any(ids))
        .filter(people::search_text.like(q.pattern).escape('\\'))
        .limit(MOST)
        .select(people::id)
        .load(scope.conn)?)
}

fn departments_named(scope: &mut Scope<'_>, words: &str) -> Result<Vec<String>, ApiError> {
    let kind = crate::departments::KIND;
    let q = search::query(scope, kind, words)?;
    let ids: Vec<String> = search_grams::table
        .filter(search_grams::local_government_id.eq(&scope.lg))
        .filter(search_grams::kind.eq(kind))
        .filter(search_grams::gram.eq(&q.gram))
        .order(search_grams::id)
        .limit(crate::http::page::BUDGET)
        .select(search_grams::id)
        .load(scope.conn)?;
    Ok(departments::table
        .filter(departments::local_government_id.eq(&scope.lg))
        .filter(departments::id.eq_any(ids))
        .filter(departments::search_text.like(q.pattern).escape('\\'))
        .limit(MOST_DEPARTMENTS)
        .select(departments::id)
        .load(scope.conn)?)
}

/// The departments of people today, by person.
fn places(
    scope: &mut Scope<'_>,
    rows: &[(String, String, Option<String>)],
) -> Result<BTreeMap<String, Vec<String>>, ApiError> {
    let held: Vec<(String, Option<String>)> = appointments::table
        .filter(appointments::local_government_id.eq(&scope.lg))
        .filter(appointments::person_id.eq_any(rows.iter().map(|(id, ..)| id)))
        .filter(appointments::starts_on.le(scope.today))
        .filter(
            appointments::ends_on
                .is_null()
                .or(appointments::ends_on.ge(Some(scope.today))),
        )
        .order(appointments::id)
        .select((appointments::person_id, appointments::department_id))
        .load(scope.conn)?;
    let names: BTreeMap<String, String> = departments::table
        .filter(departments::local_government_id.eq(&scope.lg))
        .filter(departments::id.eq_any(held.iter().filter_map(|(_, department)| department.as_ref())))
        .select((departments::id, departments::name))
        .load(scope.conn)?
        .into_iter()
        .collect();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (person, department) in held {
        let name = department.and_then(|id| names.get(&id).cloned());
        places.entry(person).or_default().extend(name);
    }
    Ok(places)
}
