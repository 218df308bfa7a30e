//! The rows of people with their appointments and roles.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::KIND;
use super::planned::{self, Dated};
use super::wire::{Appointment, HeldRole, Person, PersonFilter, State};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{appointments, people, post_holders, role_assignments, search_grams};
use crate::db::search;
use crate::db::types::Word;
use crate::domain::vocabulary::{CodeWord, Role};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::http::page::{self, After};
use crate::{departments, organizations};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = people)]
pub(super) struct PersonRow {
    pub id: String,
    name: String,
    name_kana: Option<String>,
    email: Option<String>,
    employee_code: Option<String>,
    left_on: Option<NaiveDate>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
    archived_at: Option<Instant>,
}

impl Dated for Appointment {
    fn announced_on(&self) -> Option<NaiveDate> {
        self.announced_on
    }

    fn ends_on_mut(&mut self) -> &mut Option<NaiveDate> {
        &mut self.ends_on
    }
}

impl Dated for HeldRole {
    fn announced_on(&self) -> Option<NaiveDate> {
        self.announced_on
    }

    fn ends_on_mut(&mut self) -> &mut Option<NaiveDate> {
        &mut self.ends_on
    }
}

/// The person with everything that is planned.
pub(crate) fn find(scope: &mut Scope<'_>, allowed: &Organizations, id: &str) -> Result<Person, ApiError> {
    find_as(scope, allowed, id, true)
}

pub(super) fn find_as(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    planned: bool,
) -> Result<Person, ApiError> {
    let row = people::table
        .find((&scope.lg, id))
        .select(PersonRow::as_select())
        .first(scope.conn)?;
    complete(scope, allowed, vec![row], planned)?
        .pop()
        .ok_or(ApiError::NotFound)
}

pub(super) fn select_page(
    scope: &mut Scope<'_>,
    filter: &PersonFilter,
    after: Option<After>,
    limit: i64,
) -> Result<(Vec<PersonRow>, Option<After>), ApiError> {
    let start = after.map(|after| after.id).unwrap_or_default();
    let mut select = people::table
        .filter(people::local_government_id.eq(scope.lg.clone()))
        .order(people::id)
        .limit(limit + 1)
        .select(PersonRow::as_select())
        .into_boxed();
    if filter.include_archived != Some(true) {
        select = select.filter(people::archived_at.is_null());
    }
    if let Some(q) = &filter.q {
        let q = search::query(scope, KIND, q)?;
        let ids = search_grams::table
            .filter(search_grams::local_government_id.eq(&scope.lg))
            .filter(search_grams::kind.eq(KIND))
            .filter(search_grams::gram.eq(&q.gram))
            .filter(search_grams::id.gt(&start))
            .order(search_grams::id)
            .limit(page::BUDGET)
            .select(search_grams::id)
            .load::<String>(scope.conn)?;
        let bound = search::bound(&ids);
        select = select
            .filter(people::id.eq_any(ids))
            .filter(people::search_text.like(q.pattern).escape('\\'));
        return Ok((select.load(scope.conn)?, bound));
    }
    let bound: Option<String> = people::table
        .filter(people::local_government_id.eq(&scope.lg))
        .filter(people::id.gt(&start))
        .order(people::id)
        .offset(page::BUDGET)
        .limit(1)
        .select(people::id)
        .first(scope.conn)
        .optional()?;
    select = select.filter(people::id.gt(start));
    if let Some(bound) = &bound {
        select = select.filter(people::id.le(bound.clone()));
    }
    Ok((
        select.load(scope.conn)?,
        bound.map(|id| After { key: String::new(), id }),
    ))
}

/// Adds appointments and roles as far as the caller may see them, with one query each; without `planned` those that
/// everybody may know of.
pub(super) fn complete(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    rows: Vec<PersonRow>,
    planned: bool,
) -> Result<Vec<Person>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    type AppointmentRow = (
        String,
        String,
        Option<String>,
        NaiveDate,
        Option<NaiveDate>,
        Option<NaiveDate>,
    );
    let found: Vec<AppointmentRow> = appointments::table
        .filter(appointments::local_government_id.eq(&scope.lg))
        .filter(appointments::person_id.eq_any(&ids))
        .order((appointments::person_id, appointments::starts_on, appointments::id))
        .select((
            appointments::person_id,
            appointments::organization_id,
            appointments::department_id,
            appointments::starts_on,
            appointments::ends_on,
            appointments::announced_on,
        ))
        .load(scope.conn)?;
    let mut held: BTreeMap<String, Vec<Appointment>> = BTreeMap::new();
    for (person, organization_id, department_id, starts_on, ends_on, announced_on) in found {
        if allowed.contains(&organization_id) {
            let appointment = Appointment {
                organization_id,
                department_id,
                starts_on,
                ends_on,
                announced_on,
            };
            held.entry(person).or_default().push(appointment);
        }
    }
    type RoleRow = (
        Option<String>,
        String,
        Option<String>,
        Word<Role>,
        NaiveDate,
        Option<NaiveDate>,
        Option<NaiveDate>,
    );
    let found: Vec<RoleRow> = role_assignments::table
        .filter(role_assignments::local_government_id.eq(&scope.lg))
        .filter(role_assignments::person_id.eq_any(&ids))
        .order((
            role_assignments::person_id,
            role_assignments::starts_on,
            role_assignments::id,
        ))
        .select((
            role_assignments::person_id,
            role_assignments::organization_id,
            role_assignments::department_id,
            role_assignments::role,
            role_assignments::starts_on,
            role_assignments::ends_on,
            role_assignments::announced_on,
        ))
        .load(scope.conn)?;
    let mut roles: BTreeMap<String, Vec<HeldRole>> = BTreeMap::new();
    for (person, organization_id, department_id, role, starts_on, ends_on, announced_on) in found {
        if let Some(person) = person.filter(|_| allowed.contains(&organization_id)) {
            let role = HeldRole {
                organization_id,
                department_id,
                role: role.0,
                starts_on,
                ends_on,
                announced_on,
            };
            roles.entry(person).or_default().push(role);
        }
    }
    if !planned {
        for appointments in held.values_mut() {
            planned::hide(appointments, scope.today);
        }
        for roles in roles.values_mut() {
            planned::hide(roles, scope.today);
        }
    }
    Ok(rows
        .into_iter()
        .map(|row| Person {
            appointments: held.remove(&row.id).unwrap_or_default(),
            roles: roles.remove(&row.id).unwrap_or_default(),
            id: row.id,
            name: row.name,
            name_kana: row.name_kana,
            email: row.email,
            employee_code: row.employee_code,
            left_on: row.left_on,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            archived_at: row.archived_at,
        })
        .collect())
}

pub(super) fn insert(scope: &mut Scope<'_>, allowed: &Organizations, id: &str, state: &State) -> Result<(), ApiError> {
    let text = search::folded([Some(state.name.as_str()), state.name_kana.as_deref()]);
    diesel::insert_into(people::table)
        .values((
            people::local_government_id.eq(&scope.lg),
            people::id.eq(id),
            people::name.eq(&state.name),
            people::name_kana.eq(&state.name_kana),
            people::email.eq(&state.email),
            people::employee_code.eq(&state.employee_code),
            people::left_on.eq(state.left_on),
            people::settle_on.eq(state.left_on.map(|_| scope.today)),
            people::search_text.eq(&text),
            people::version.eq(1),
            people::created_at.eq(scope.at),
            people::created_by.eq(scope.by()),
            people::updated_at.eq(scope.at),
            people::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    write_lists(scope, allowed, id, state, &text)
}

pub(super) fn update(scope: &mut Scope<'_>, allowed: &Organizations, id: &str, state: &State) -> Result<(), ApiError> {
    let text = search::folded([Some(state.name.as_str()), state.name_kana.as_deref()]);
    diesel::update(people::table.find((&scope.lg, id)))
        .set((
            people::name.eq(&state.name),
            people::name_kana.eq(&state.name_kana),
            people::email.eq(&state.email),
            people::employee_code.eq(&state.employee_code),
            people::left_on.eq(state.left_on),
            people::search_text.eq(&text),
            people::version.eq(people::version + 1),
            people::updated_at.eq(scope.at),
            people::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    write_lists(scope, allowed, id, state, &text)
}

/// Has what a person owns and the posts they hold looked at again: they leave, or stay after all.
pub(super) fn look_at(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(people::table.find((&scope.lg, id)))
        .set(people::settle_on.eq(Some(scope.today)))
        .execute(scope.conn)?;
    diesel::update(
        post_holders::table
            .filter(post_holders::local_government_id.eq(scope.lg.clone()))
            .filter(post_holders::person_id.eq(id)),
    )
    .set(post_holders::settle_on.eq(Some(scope.today)))
    .execute(scope.conn)?;
    Ok(())
}

fn write_lists(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    id: &str,
    state: &State,
    text: &str,
) -> Result<(), ApiError> {
    search::index(scope, KIND, id, text)?;
    if let Some(new) = &state.appointments {
        let mine = appointments::table
            .filter(appointments::local_government_id.eq(scope.lg.clone()))
            .filter(appointments::person_id.eq(id));
        match allowed.list() {
            None => diesel::delete(mine).execute(scope.conn)?,
            Some(ids) => diesel::delete(mine.filter(appointments::organization_id.eq_any(ids))).execute(scope.conn)?,
        };
        for (i, appointment) in new.iter().enumerate() {
            let at = format!("/appointments/{i}");
            place(
                scope,
                allowed,
                &appointment.organization_id,
                appointment.department_id.as_deref(),
                &at,
            )?;
            diesel::insert_into(appointments::table)
                .values((
                    appointments::local_government_id.eq(&scope.lg),
                    appointments::id.eq(scope.new_id()),
                    appointments::person_id.eq(id),
                    appointments::organization_id.eq(&appointment.organization_id),
                    appointments::department_id.eq(&appointment.department_id),
                    appointments::starts_on.eq(appointment.starts_on),
                    appointments::ends_on.eq(appointment.ends_on),
                    appointments::announced_on.eq(appointment.announced_on),
                ))
                .execute(scope.conn)?;
        }
    }
    if let Some(new) = &state.roles {
        let mine = role_assignments::table
            .filter(role_assignments::local_government_id.eq(scope.lg.clone()))
            .filter(role_assignments::person_id.eq(Some(id)));
        match allowed.list() {
            None => diesel::delete(mine).execute(scope.conn)?,
            Some(ids) => {
                diesel::delete(mine.filter(role_assignments::organization_id.eq_any(ids))).execute(scope.conn)?
            }
        };
        for (i, held) in new.iter().enumerate() {
            let at = format!("/roles/{i}");
            place(
                scope,
                allowed,
                &held.organization_id,
                held.department_id.as_deref(),
                &at,
            )?;
            diesel::insert_into(role_assignments::table)
                .values((
                    role_assignments::local_government_id.eq(&scope.lg),
                    role_assignments::id.eq(scope.new_id()),
                    role_assignments::organization_id.eq(&held.organization_id),
                    role_assignments::department_id.eq(&held.department_id),
                    role_assignments::role.eq(held.role.code()),
                    role_assignments::person_id.eq(Some(id)),
                    role_assignments::starts_on.eq(held.starts_on),
                    role_assignments::ends_on.eq(held.ends_on),
                    role_assignments::announced_on.eq(held.announced_on),
                ))
                .execute(scope.conn)?;
        }
    }
    Ok(())
}

/// An organization that the caller may touch, and a department of the tenant.
fn place(
    scope: &mut Scope<'_>,
    allowed: &Organizations,
    organization_id: &str,
    department_id: Option<&str>,
    at: &str,
) -> Result<(), ApiError> {
    if !allowed.contains(organization_id) {
        return Err(ApiError::Validation(vec![FieldError::reference(&format!(
            "{at}/organization_id"
        ))]));
    }
    organizations::require(scope, organization_id, &format!("{at}/organization_id"))?;
    match department_id {
        Some(department) => departments::require(scope, department, &format!("{at}/department_id")),
        None => Ok(()),
    }
}
