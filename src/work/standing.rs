//! How the work stands, read from rows: what waits, since when, and what was given up. For readiness, figures and
//! `doctor`, which all ask here, so that none of them is red where another is green.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::schema::{local_governments, messages, obligations, reminder_items};
use crate::http::error::ApiError;

/// Seconds that a due step may wait for the planner, which looks every half minute, before somebody has to look.
pub(crate) const LAG_LIMIT: i64 = 15 * 60;

/// What waits and what was given up, in one local government or in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Seconds that the oldest step of an obligation has been due without being planned; 0 when none is.
    pub planner_lag: i64,
    /// Seconds that the oldest mail or item has been ready without leaving; 0 when none is.
    pub oldest_ready: i64,
    /// Messages that have not been accepted, by kind and state; those that ended for as long as their bytes are kept.
    pub messages: BTreeMap<(String, String), i64>,
    /// Open obligations by kind: all, and those whose due date is past.
    pub open: BTreeMap<String, (i64, i64)>,
}

impl Standing {
    /// Messages in one of these states, of any kind.
    pub fn messages_in(&self, state: &str) -> i64 {
        let counts = self.messages.iter();
        counts.filter(|((_, at), _)| at == state).map(|(_, count)| count).sum()
    }

    fn join(&mut self, other: Self) {
        self.planner_lag = self.planner_lag.max(other.planner_lag);
        self.oldest_ready = self.oldest_ready.max(other.oldest_ready);
        for (key, count) in other.messages {
            *self.messages.entry(key).or_default() += count;
        }
        for (kind, (open, overdue)) in other.open {
            let sum = self.open.entry(kind).or_default();
            *sum = (sum.0 + open, sum.1 + overdue);
        }
    }
}

/// Every local government's standing in one.
///
/// # Errors
/// A database failure.
pub(crate) fn of_all(app: &App) -> Result<Standing, ApiError> {
    let mut total = Standing::default();
    for tenant in tenants(app)? {
        total.join(app.read_as(&tenant, of)?);
    }
    Ok(total)
}

/// The longest that a due step has waited for the planner, anywhere. Cheaper than the rest: a probe asks often.
///
/// # Errors
/// A database failure.
pub(crate) fn planner_lag_of_all(app: &App) -> Result<i64, ApiError> {
    let mut longest = 0;
    for tenant in tenants(app)? {
        longest = longest.max(app.read_as(&tenant, planner_lag)?);
    }
    Ok(longest)
}

/// One local government's standing.
///
/// # Errors
/// A database failure.
pub(crate) fn of(scope: &mut Scope<'_>) -> Result<Standing, ApiError> {
    let counted: Vec<(String, String, i64)> = messages::table
        .filter(messages::next_at.is_not_null())
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::state.ne("accepted"))
        .group_by((messages::kind, messages::state))
        .select((messages::kind, messages::state, count_star()))
        .load(scope.conn)?;
    let today = scope.today;
    let open = open_by_kind(scope, None)?;
    let mut overdue = open_by_kind(scope, Some(today))?;
    Ok(Standing {
        planner_lag: planner_lag(scope)?,
        oldest_ready: oldest_ready(scope)?,
        messages: counted
            .into_iter()
            .map(|(kind, state, count)| ((kind, state), count))
            .collect(),
        open: open
            .into_iter()
            .map(|(kind, count)| {
                let late = overdue.remove(&kind).unwrap_or_default();
                (kind, (count, late))
            })
            .collect(),
    })
}

/// Every local government.
///
/// # Errors
/// A database failure.
pub(super) fn tenants(app: &App) -> Result<Vec<Tenant>, ApiError> {
    let ids: Vec<String> = app.db.read(|conn| {
        Ok(local_governments::table
            .order(local_governments::id)
            .select(local_governments::id)
            .load(conn)?)
    })?;
    Ok(ids.iter().map(|id| Tenant::new(id)).collect())
}

/// A step is due from the beginning of its day, or from the moment at which its cycle was opened with that day past.
fn planner_lag(scope: &mut Scope<'_>) -> Result<i64, ApiError> {
    let waiting: Vec<(Option<NaiveDate>, Instant)> = obligations::table
        .filter(obligations::next_step_on.le(Some(scope.today)))
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::state.eq("open"))
        .order(obligations::next_step_on)
        .select((obligations::next_step_on, obligations::opened_at))
        // Behind so many the oldest day decides; what was opened late among them does not matter any more.
        .limit(1000)
        .load(scope.conn)?;
    let since = waiting
        .into_iter()
        .filter_map(|(on, opened_at)| Some(Instant::of_local(on?, 0, scope.zone).max(opened_at)))
        .min();
    Ok(seconds_since(scope, since))
}

fn oldest_ready(scope: &mut Scope<'_>) -> Result<i64, ApiError> {
    let message: Option<Option<Instant>> = messages::table
        .filter(messages::next_at.le(Some(scope.at)))
        .filter(messages::local_government_id.eq(&scope.lg))
        .filter(messages::state.eq_any(["queued", "leased", "committing", "in_doubt"]))
        .order(messages::next_at)
        .select(messages::next_at)
        .first(scope.conn)
        .optional()?;
    let mut since = message.flatten();
    for immediate in [true, false] {
        let item: Option<Option<Instant>> = reminder_items::table
            .filter(reminder_items::immediate.eq(immediate))
            .filter(reminder_items::send_at.le(Some(scope.at)))
            .filter(reminder_items::local_government_id.eq(&scope.lg))
            .filter(reminder_items::state.eq("planned"))
            .order(reminder_items::send_at)
            .select(reminder_items::send_at)
            .first(scope.conn)
            .optional()?;
        since = since.into_iter().chain(item.flatten()).min();
    }
    Ok(seconds_since(scope, since))
}

fn seconds_since(scope: &Scope<'_>, since: Option<Instant>) -> i64 {
    since.map_or(0, |since| (scope.at.unix_seconds() - since.unix_seconds()).max(0))
}

fn open_by_kind(scope: &mut Scope<'_>, due_before: Option<NaiveDate>) -> Result<BTreeMap<String, i64>, ApiError> {
    let mut query = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::state.eq("open"))
        .group_by(obligations::kind)
        .select((obligations::kind, count_star()))
        .into_boxed();
    if let Some(day) = due_before {
        query = query.filter(obligations::due_on.lt(day));
    }
    Ok(query.load::<(String, i64)>(scope.conn)?.into_iter().collect())
}
