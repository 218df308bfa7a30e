//! The figures of organizations at one look: what is overdue and due, what remains as risk, how far clauses are
//! fulfilled, what reminders came to, and what changed in a week. Counted by the database, so that it costs the same
//! however the page looks; the page itself is [`crate::pages`]'.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use diesel::dsl::{count_star, sum};
use diesel::prelude::*;

use crate::app::Scope;
use crate::clock::Instant;
use crate::db::on_tenant;
use crate::db::schema::{entries, journal, obligations, reminder_items, risk_assessments};
use crate::db::types::Word;
use crate::domain::calendar::add_months;
use crate::domain::vocabulary::{CodeWord, Kind, Level, Status};
use crate::http::error::ApiError;

/// Months of the chart of what is due.
const MONTHS: i32 = 12;
/// Days over which reminders and changes are counted.
const REMINDER_DAYS: u64 = 30;
const CHANGE_DAYS: u64 = 7;

/// What one look shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overview {
    /// Living entries of each kind.
    pub kinds: BTreeMap<Kind, KindFigures>,
    /// Living entries at each residual level.
    pub levels: BTreeMap<Level, i64>,
    /// Living entries by impact and exposure, each 1 to 5, and the highest level there.
    pub matrix: BTreeMap<(i32, i32), Square>,
    /// Open due dates before today.
    pub overdue: i64,
    /// Open due dates in the next 30 days, today among them.
    pub soon: i64,
    /// Open due dates of each month from this one on; what is overdue is not among them.
    pub months: Vec<(NaiveDate, i64)>,
    /// Entries without an owner's post or person.
    pub ownerless: i64,
    pub reminders: Reminders,
    /// What was done in a week, by action, the most frequent first.
    pub changes: Vec<(String, i64)>,
}

/// The entries of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KindFigures {
    pub count: i64,
    /// The mean of the clause coverage, in basis points.
    pub coverage_bp: i64,
}

/// A square of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Square {
    pub count: i64,
    pub highest: Level,
}

/// What the reminders of the last 30 days came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reminders {
    /// Sent.
    pub sent: i64,
    /// Of those, about a cycle that is closed since.
    pub answered: i64,
    /// Planned and not sent yet.
    pub waiting: i64,
}

/// The first day of a month.
fn month(on: NaiveDate) -> NaiveDate {
    on.with_day(1).unwrap_or(on)
}

/// The figures of these organizations.
///
/// # Errors
/// A database failure.
pub(crate) fn of(scope: &mut Scope<'_>, organizations: &[String]) -> Result<Overview, ApiError> {
    let mut overview = Overview::default();
    risks(scope, organizations, &mut overview)?;
    due(scope, organizations, &mut overview)?;
    overview.reminders = reminders(scope, organizations)?;
    overview.changes = changes(scope, organizations)?;
    overview.ownerless = entries::table
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::organization_id.eq_any(organizations))
        .filter(entries::archived_at.is_null())
        .filter(entries::status.ne_all(finished()))
        .filter(entries::owner_person_id.is_null())
        .filter(entries::owner_post_id.is_null())
        .count()
        .get_result(scope.conn)?;
    Ok(overview)
}

/// The statuses of entries that are not counted any more.
fn finished() -> Vec<&'static str> {
    let finished = Status::ALL.iter().filter(|status| status.is_final());
    finished.map(|status| status.code()).collect()
}

fn risks(scope: &mut Scope<'_>, organizations: &[String], overview: &mut Overview) -> Result<(), ApiError> {
    type Row = (Word<Kind>, Option<String>, i32, i32, i64, Option<i64>);
    let rows: Vec<Row> = entries::table
        .inner_join(risk_assessments::table.on(on_tenant!(entries.assessment_id = risk_assessments.id)))
        .filter(entries::local_government_id.eq(&scope.lg))
        .filter(entries::organization_id.eq_any(organizations))
        .filter(entries::archived_at.is_null())
        .filter(entries::status.ne_all(finished()))
        .group_by((
            entries::kind,
            entries::risk_level,
            risk_assessments::impact,
            risk_assessments::exposure,
        ))
        .select((
            entries::kind,
            entries::risk_level,
            risk_assessments::impact,
            risk_assessments::exposure,
            count_star(),
            sum(risk_assessments::coverage_bp),
        ))
        .load(scope.conn)?;
    for (kind, level, impact, exposure, count, coverage) in rows {
        let level = level.as_deref().and_then(Level::parse).unwrap_or(Level::Low);
        let figures = overview.kinds.entry(kind.0).or_default();
        figures.count += count;
        figures.coverage_bp += coverage.unwrap_or_default();
        *overview.levels.entry(level).or_default() += count;
        let square = overview.matrix.entry((impact, exposure)).or_insert(Square {
            count: 0,
            highest: level,
        });
        square.count += count;
        square.highest = square.highest.max(level);
    }
    for figures in overview.kinds.values_mut() {
        figures.coverage_bp /= figures.count.max(1);
    }
    Ok(())
}

fn due(scope: &mut Scope<'_>, organizations: &[String], overview: &mut Overview) -> Result<(), ApiError> {
    let first = month(scope.today);
    let end = add_months(first, MONTHS);
    overview.overdue = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::organization_id.eq_any(organizations))
        .filter(obligations::state.eq("open"))
        .filter(obligations::due_on.lt(scope.today))
        .count()
        .get_result(scope.conn)?;
    let days: Vec<(NaiveDate, i64)> = obligations::table
        .filter(obligations::local_government_id.eq(&scope.lg))
        .filter(obligations::organization_id.eq_any(organizations))
        .filter(obligations::state.eq("open"))
        .filter(obligations::due_on.ge(scope.today))
        .filter(obligations::due_on.lt(end))
        .group_by(obligations::due_on)
        .select((obligations::due_on, count_star()))
        .load(scope.conn)?;
    let soon = scope.today.checked_add_days(Days::new(30)).unwrap_or(scope.today);
    overview.soon = days.iter().filter(|(on, _)| *on <= soon).map(|(_, count)| count).sum();
    overview.months = (0..MONTHS)
        .map(|nth| {
            let at = add_months(first, nth);
            let count = days
                .iter()
                .filter(|(on, _)| month(*on) == at)
                .map(|(_, count)| count)
                .sum();
            (at, count)
        })
        .collect();
    Ok(())
}

fn reminders(scope: &mut Scope<'_>, organizations: &[String]) -> Result<Reminders, ApiError> {
    let since = scope
        .today
        .checked_sub_days(Days::new(REMINDER_DAYS))
        .unwrap_or(scope.today);
    let states: Vec<(String, i64)> = reminder_items::table
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::planned_on.ge(since))
        .filter(reminder_items::organization_id.eq_any(organizations))
        .group_by(reminder_items::state)
        .select((reminder_items::state, count_star()))
        .load(scope.conn)?;
    let in_state = |wanted: &[&str]| -> i64 {
        let found = states.iter().filter(|(state, _)| wanted.contains(&state.as_str()));
        found.map(|(_, count)| count).sum()
    };
    let answered = reminder_items::table
        .inner_join(obligations::table.on(on_tenant!(reminder_items.obligation_id = obligations.id)))
        .filter(reminder_items::local_government_id.eq(&scope.lg))
        .filter(reminder_items::planned_on.ge(since))
        .filter(reminder_items::organization_id.eq_any(organizations))
        .filter(reminder_items::state.eq("sent"))
        .filter(
            obligations::state
                .ne("open")
                .or(obligations::cycle.gt(reminder_items::cycle)),
        )
        .count()
        .get_result(scope.conn)?;
    Ok(Reminders {
        sent: in_state(&["sent"]),
        answered,
        waiting: in_state(&["planned", "fixed"]),
    })
}

fn changes(scope: &mut Scope<'_>, organizations: &[String]) -> Result<Vec<(String, i64)>, ApiError> {
    let from = scope
        .today
        .checked_sub_days(Days::new(CHANGE_DAYS))
        .unwrap_or(scope.today);
    let organizations: Vec<Option<String>> = organizations.iter().cloned().map(Some).collect();
    let mut found: Vec<(String, i64)> = journal::table
        .filter(journal::local_government_id.eq(&scope.lg))
        .filter(journal::at.ge(Instant::of_local(from, 0, scope.zone)))
        .filter(journal::organization_id.eq_any(organizations))
        .group_by(journal::action)
        .select((journal::action, count_star()))
        .load(scope.conn)?;
    found.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    Ok(found)
}
