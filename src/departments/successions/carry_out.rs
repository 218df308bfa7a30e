//! What a reorganisation moves, in one transaction on its day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::{DepartmentSuccession, KIND};
use crate::app::{Scope, Subject};
use crate::db::schema::{appointments, department_successions, departments, entries, posts, role_assignments};
use crate::departments::{find, record};
use crate::entries::rows::KIND as ENTRY;
use crate::http::caller::Organizations;
use crate::http::error::ApiError;

/// Does everything that a reorganisation says, once.
pub(super) fn carry_out(scope: &mut Scope<'_>, planned: &DepartmentSuccession) -> Result<(), ApiError> {
    let Some(first) = planned.successors.first() else {
        return Ok(());
    };
    let moved = move_entries(scope, planned)?;
    diesel::update(
        posts::table
            .filter(posts::local_government_id.eq(scope.lg.clone()))
            .filter(posts::department_id.eq(Some(planned.department_id.clone()))),
    )
    .set((
        posts::department_id.eq(Some(&first.department_id)),
        posts::version.eq(posts::version + 1),
        posts::updated_at.eq(scope.at),
        posts::updated_by.eq(scope.by()),
    ))
    .execute(scope.conn)?;
    diesel::update(
        departments::table
            .filter(departments::local_government_id.eq(scope.lg.clone()))
            .filter(departments::parent_id.eq(Some(planned.department_id.clone())))
            .filter(departments::id.ne(&first.department_id)),
    )
    .set((
        departments::parent_id.eq(Some(&first.department_id)),
        departments::version.eq(departments::version + 1),
        departments::updated_at.eq(scope.at),
        departments::updated_by.eq(scope.by()),
    ))
    .execute(scope.conn)?;
    let last_day = planned.effective_on.pred_opt();
    move_roles(scope, planned, &first.department_id, last_day)?;
    move_appointments(scope, planned, &first.department_id, last_day)?;
    // A successor that stood below it takes its place.
    let parent: Option<String> = departments::table
        .find((&scope.lg, &planned.department_id))
        .select(departments::parent_id)
        .first(scope.conn)?;
    diesel::update(departments::table.find((&scope.lg, &first.department_id)))
        .filter(departments::parent_id.eq(Some(&planned.department_id)))
        .set(departments::parent_id.eq(parent))
        .execute(scope.conn)?;
    diesel::update(departments::table.find((&scope.lg, &planned.department_id)))
        .set((
            departments::valid_to_on.eq(last_day),
            departments::successor_id.eq(Some(&first.department_id)),
            departments::version.eq(departments::version + 1),
            departments::updated_at.eq(scope.at),
            departments::updated_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    diesel::update(department_successions::table.find((&scope.lg, &planned.id)))
        .set((
            department_successions::settle_on.eq(None::<NaiveDate>),
            department_successions::done_at.eq(Some(scope.at)),
        ))
        .execute(scope.conn)?;
    let subject = Subject {
        organization_id: Some(&planned.organization_id),
        ..Subject::of(KIND, &planned.id)
    };
    scope.record("department_succession.done", subject, json!({"entries": moved}));
    let closed = find(scope, &Organizations::All, &planned.department_id)?;
    record(scope, "department.closed", &closed)
}

/// Moves the entries to their successors; answers how many.
fn move_entries(scope: &mut Scope<'_>, planned: &DepartmentSuccession) -> Result<usize, ApiError> {
    let ids: Vec<String> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::department_id.eq(Some(&planned.department_id)))
        .filter(entries::archived_at.is_null())
        .select(entries::id)
        .load(scope.conn)?;
    let mut shares: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for id in &ids {
        let named = planned
            .successors
            .iter()
            .find(|successor| successor.entry_ids.contains(id));
        if let Some(successor) = named.or_else(|| planned.successors.first()) {
            shares.entry(&successor.department_id).or_default().push(id);
        }
    }
    for (department_id, ids) in shares {
        for ids in ids.chunks(500) {
            diesel::update(
                entries::table
                    .filter(entries::local_government_id.eq(scope.lg.clone()))
                    .filter(entries::id.eq_any(ids)),
            )
            .set((
                entries::department_id.eq(Some(department_id)),
                // Roles go by department, so those who confirm may be others now.
                entries::holds_until_on.eq(Some(scope.today)),
                entries::version.eq(entries::version + 1),
                entries::updated_at.eq(scope.at),
                entries::updated_by.eq(scope.by()),
            ))
            .execute(scope.conn)?;
            for id in ids {
                let subject = Subject {
                    kind: ENTRY,
                    id,
                    organization_id: Some(&planned.organization_id),
                    entry_id: Some(id),
                };
                let payload = json!({"succession_id": planned.id, "from_department_id": planned.department_id,
                    "to_department_id": department_id});
                scope.record("entry.department_changed", subject, payload);
            }
        }
    }
    Ok(ids.len())
}

/// Ends the roles of the department the day before; the successor gets those that nobody holds there.
fn move_roles(
    scope: &mut Scope<'_>,
    planned: &DepartmentSuccession,
    to: &str,
    last_day: Option<NaiveDate>,
) -> Result<(), ApiError> {
    type RoleRow = (
        String,
        String,
        Option<String>,
        Option<String>,
        NaiveDate,
        Option<NaiveDate>,
        Option<NaiveDate>,
    );
    let on = planned.effective_on;
    let rows: Vec<RoleRow> = role_assignments::table
        .filter(role_assignments::local_government_id.eq(&scope.lg))
        .filter(role_assignments::department_id.eq(Some(&planned.department_id)))
        .filter(
            role_assignments::ends_on
                .is_null()
                .or(role_assignments::ends_on.ge(Some(on))),
        )
        .order(role_assignments::id)
        .select((
            role_assignments::id,
            role_assignments::role,
            role_assignments::person_id,
            role_assignments::post_id,
            role_assignments::starts_on,
            role_assignments::ends_on,
            role_assignments::announced_on,
        ))
        .load(scope.conn)?;
    let taken: BTreeSet<String> = role_assignments::table
        .filter(role_assignments::local_government_id.eq(&scope.lg))
        .filter(role_assignments::department_id.eq(Some(to)))
        .filter(
            role_assignments::ends_on
                .is_null()
                .or(role_assignments::ends_on.ge(Some(on))),
        )
        .select(role_assignments::role)
        .load::<String>(scope.conn)?
        .into_iter()
        .collect();
    for (id, role, person_id, post_id, starts_on, ends_on, announced_on) in rows {
        if starts_on >= on {
            // It has not begun: there is nothing to keep of it here.
            diesel::delete(role_assignments::table.find((&scope.lg, &id))).execute(scope.conn)?;
        } else {
            diesel::update(role_assignments::table.find((&scope.lg, &id)))
                .set(role_assignments::ends_on.eq(last_day))
                .execute(scope.conn)?;
        }
        if taken.contains(&role) {
            continue;
        }
        diesel::insert_into(role_assignments::table)
            .values((
                role_assignments::local_government_id.eq(&scope.lg),
                role_assignments::id.eq(scope.new_id()),
                role_assignments::organization_id.eq(&planned.organization_id),
                role_assignments::department_id.eq(Some(to)),
                role_assignments::role.eq(role),
                role_assignments::person_id.eq(person_id),
                role_assignments::post_id.eq(post_id),
                role_assignments::starts_on.eq(starts_on.max(on)),
                role_assignments::ends_on.eq(ends_on),
                role_assignments::announced_on.eq(announced_on),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}

fn move_appointments(
    scope: &mut Scope<'_>,
    planned: &DepartmentSuccession,
    to: &str,
    last_day: Option<NaiveDate>,
) -> Result<(), ApiError> {
    type AppointmentRow = (String, String, NaiveDate, Option<NaiveDate>, Option<NaiveDate>);
    let on = planned.effective_on;
    let rows: Vec<AppointmentRow> = appointments::table
        .filter(appointments::local_government_id.eq(&scope.lg))
        .filter(appointments::department_id.eq(Some(&planned.department_id)))
        .filter(appointments::ends_on.is_null().or(appointments::ends_on.ge(Some(on))))
        .order(appointments::id)
        .select((
            appointments::id,
            appointments::person_id,
            appointments::starts_on,
            appointments::ends_on,
            appointments::announced_on,
        ))
        .load(scope.conn)?;
    for (id, person_id, starts_on, ends_on, announced_on) in rows {
        if starts_on >= on {
            diesel::update(appointments::table.find((&scope.lg, &id)))
                .set(appointments::department_id.eq(Some(to)))
                .execute(scope.conn)?;
            continue;
        }
        diesel::update(appointments::table.find((&scope.lg, &id)))
            .set(appointments::ends_on.eq(last_day))
            .execute(scope.conn)?;
        diesel::insert_into(appointments::table)
            .values((
                appointments::local_government_id.eq(&scope.lg),
                appointments::id.eq(scope.new_id()),
                appointments::person_id.eq(person_id),
                appointments::organization_id.eq(&planned.organization_id),
                appointments::department_id.eq(Some(to)),
                appointments::starts_on.eq(on),
                appointments::ends_on.eq(ends_on),
                appointments::announced_on.eq(announced_on),
            ))
            .execute(scope.conn)?;
    }
    Ok(())
}
