//! The reconciler behind a policy version: from its first day on it assesses the organization's entries by it, a chunk
//! in each transaction, and notes how far it is.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::in_force::in_force;
use crate::app::{App, Scope, Tenant};
use crate::db::locked;
use crate::db::schema::{entries, policy_versions};
use crate::entries::state;
use crate::http::error::ApiError;
use crate::journal::Actor;

/// How many entries one transaction takes.
const STEP: i64 = 100;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policy_versions)]
struct Waiting {
    id: String,
    organization_id: String,
    entries_total: Option<i64>,
    entries_done: i64,
    last_entry_id: Option<String>,
}

/// Goes on with every version of the tenant that has begun; answers how many entries were assessed.
///
/// # Errors
/// A database failure; finished chunks stay.
pub(crate) fn reassess(app: &App, tenant: &Tenant) -> Result<usize, ApiError> {
    let mut done = 0;
    while let Some(step) = app.write_as(tenant, Actor::system(), chunk)? {
        done += step;
    }
    Ok(done)
}

/// One transaction: how many entries it took; none when nothing waits.
fn chunk(scope: &mut Scope<'_>) -> Result<Option<usize>, ApiError> {
    let query = policy_versions::table
        .filter(policy_versions::local_government_id.eq(scope.lg.clone()))
        .filter(policy_versions::reassessed_at.is_null())
        .filter(policy_versions::valid_from_on.le(scope.today))
        .order((policy_versions::valid_from_on, policy_versions::id))
        .limit(1);
    let waiting: Vec<Waiting> = locked!(skip &mut *scope.conn, query.select(Waiting::as_select()), |q, c| q.load(c))?;
    let Some(version) = waiting.into_iter().next() else {
        return Ok(None);
    };
    let current = in_force(scope, &version.organization_id, scope.today)?;
    if current.as_ref() != Some(&version.id) {
        // Another one has taken its place, and assesses every entry itself.
        finish(scope, &version.id)?;
        return Ok(Some(0));
    }
    let total = match version.entries_total {
        Some(total) => total,
        None => entries::table
            .filter(entries::local_government_id.eq(&scope.lg))
            .filter(entries::organization_id.eq(&version.organization_id))
            .filter(entries::archived_at.is_null())
            .select(count_star())
            .first(scope.conn)?,
    };
    let ids: Vec<String> = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::organization_id.eq(&version.organization_id))
        .filter(entries::archived_at.is_null())
        .filter(entries::id.gt(version.last_entry_id.clone().unwrap_or_default()))
        .order(entries::id)
        .limit(STEP)
        .select(entries::id)
        .load(scope.conn)?;
    for id in &ids {
        state::refresh(scope, id, "policy_version")?;
    }
    let taken = i64::try_from(ids.len()).unwrap_or(STEP);
    let done = version.entries_done + taken;
    diesel::update(policy_versions::table.find((&scope.lg, &version.id)))
        .set((
            // Entries that came meanwhile are counted too.
            policy_versions::entries_total.eq(Some(total.max(done))),
            policy_versions::entries_done.eq(done),
            policy_versions::last_entry_id.eq(ids.last().cloned().or(version.last_entry_id)),
        ))
        .execute(scope.conn)?;
    if taken < STEP {
        finish(scope, &version.id)?;
    }
    Ok(Some(ids.len()))
}

fn finish(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(policy_versions::table.find((&scope.lg, id)))
        .set(policy_versions::reassessed_at.eq(Some(scope.at)))
        .execute(scope.conn)?;
    Ok(())
}
