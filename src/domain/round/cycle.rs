//! The cycles of an obligation: the date of a cycle never changes, a changed date is a new cycle (design §9).

use super::super::calendar::days_between;
use chrono::NaiveDate;

/// The days by which a due date has passed, zero until then.
pub fn days_overdue(due_on: NaiveDate, as_of: NaiveDate) -> i64 {
    days_between(due_on, as_of).max(0)
}

/// What becomes of an obligation's open cycle once its date is computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleChange {
    /// The open cycle stays as it is, or there is none and none is needed.
    Unchanged,
    /// Nothing is open: the next cycle opens with this date.
    Opens(NaiveDate),
    /// The open cycle ends as `rescheduled`, its unsent items are cancelled, and the next one opens with this date.
    Rescheduled(NaiveDate),
    /// The open cycle ends and none follows.
    Retires,
}

/// Compares the date of the open cycle with the date computed now; the date of a cycle itself never changes.
pub fn next_cycle(open_due_on: Option<NaiveDate>, new_due_on: Option<NaiveDate>) -> CycleChange {
    match (open_due_on, new_due_on) {
        (None, None) => CycleChange::Unchanged,
        (None, Some(new)) => CycleChange::Opens(new),
        (Some(_), None) => CycleChange::Retires,
        (Some(open), Some(new)) if open == new => CycleChange::Unchanged,
        (Some(_), Some(new)) => CycleChange::Rescheduled(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_changes_only_with_its_date() {
        let (a, b) = ("2028-01-31".parse().unwrap(), "2028-02-01".parse().unwrap());
        for (open, new, expected) in [
            (None, None, CycleChange::Unchanged),
            (None, Some(a), CycleChange::Opens(a)),
            (Some(a), Some(a), CycleChange::Unchanged),
            (Some(a), Some(b), CycleChange::Rescheduled(b)),
            (Some(a), None, CycleChange::Retires),
        ] {
            assert_eq!(next_cycle(open, new), expected);
        }
        assert_eq!((days_overdue(a, a), days_overdue(a, b), days_overdue(b, a)), (0, 1, 0));
    }
}
