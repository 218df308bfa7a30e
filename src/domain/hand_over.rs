//! Hand-over (引継ぎ) on transfer of personnel: when it is announced, until when it is to be accepted, when it is too late.
//!
//! Rule: domain §6 "人事異動" and design §2. Moves of 1 April are announced on 15 March and accepted by 15 April; any other
//! move is accepted within 15 days. Only 30 days after that a thing counts as having no owner. What is handed over is
//! [`crate::ownership_transfers`]'s.

use super::vocabulary::code_words;
use chrono::{Datelike, Days, NaiveDate};

/// The days within which a move that is not of 1 April is accepted.
const ACCEPTANCE_DAYS: u64 = 15;
/// How long acceptance may be overdue before the thing counts as having no owner.
const LATE_DAYS: u64 = 30;
/// How long before the end of a term its successor is asked for.
const TERM_NOTICE_DAYS: u64 = 30;
/// A change of holder that becomes known later than this is history, and nobody is asked about it.
const HISTORY_DAYS: u64 = 31;

code_words! {
    /// Where a hand-over stands.
    HandOverState {
        /// Planned; nothing has moved.
        Announced = "announced", "予定";
        /// Moved; the new owner has not accepted.
        Pending = "pending", "引受け待ち";
        /// Accepted by the new owner, also before the day.
        Accepted = "accepted", "引受け済み";
        /// Declined; what was moved went back, except what a post owns.
        Declined = "declined", "引受け拒否";
        /// No longer needed: cancelled before the day, or a successor is named.
        Ended = "ended", "終了";
    }
}

code_words! {
    /// Why things are handed over.
    HandOverCause {
        /// Somebody asked for it.
        Requested = "requested", "申請";
        /// A post has a new holder.
        PostHolder = "post_holder", "職の交代";
        /// A term or an employment ends and no successor is named.
        TermEnd = "term_end", "任期・在職の終了";
    }
}

/// The last day for acceptance of a move.
pub fn acceptance_due(effective_on: NaiveDate) -> NaiveDate {
    let april = (effective_on.month(), effective_on.day()) == (4, 1);
    april
        .then(|| effective_on.with_day(15))
        .flatten()
        .unwrap_or_else(|| later(effective_on, ACCEPTANCE_DAYS))
}

/// The same as it is asked on a day: a move that becomes known late is not overdue at once.
pub fn acceptance_due_as_of(effective_on: NaiveDate, today: NaiveDate) -> NaiveDate {
    let due_on = acceptance_due(effective_on);
    if due_on < today {
        later(today, ACCEPTANCE_DAYS)
    } else {
        due_on
    }
}

/// When a planned move is announced if nobody says: those of 1 April on 15 March (内示), others at once.
pub fn announced_by_default(effective_on: NaiveDate, today: NaiveDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(effective_on.year(), 3, 15)
        .filter(|on| (effective_on.month(), effective_on.day()) == (4, 1) && today < *on)
}

/// The first day on which acceptance is so late that there is no owner.
pub fn late_from(due_on: NaiveDate) -> NaiveDate {
    later(due_on, LATE_DAYS + 1)
}

/// The latest due date of a hand-over that is too late today.
pub fn late_before(today: NaiveDate) -> NaiveDate {
    earlier(today, LATE_DAYS + 1)
}

/// When the successor of somebody who ends on this day is asked for.
pub fn term_notice_on(ends_on: NaiveDate) -> NaiveDate {
    earlier(ends_on, TERM_NOTICE_DAYS)
}

/// Whether a change of this day, seen today, is so old that it is history.
pub fn is_history(changed_on: NaiveDate, today: NaiveDate) -> bool {
    changed_on < earlier(today, HISTORY_DAYS)
}

fn later(on: NaiveDate, days: u64) -> NaiveDate {
    on.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

fn earlier(on: NaiveDate, days: u64) -> NaiveDate {
    on.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_move_is_accepted_by_mid_april_or_within_fifteen_days() {
        for (effective_on, due_on) in [
            ("2027-04-01", "2027-04-15"),
            ("2028-04-01", "2028-04-15"),
            ("2027-04-02", "2027-04-17"),
            ("2027-10-01", "2027-10-16"),
            ("2027-12-20", "2028-01-04"),
        ] {
            assert_eq!(acceptance_due(day(effective_on)), day(due_on), "{effective_on}");
        }
        assert_eq!(
            acceptance_due_as_of(day("2027-04-01"), day("2027-04-15")),
            day("2027-04-15")
        );
        assert_eq!(
            acceptance_due_as_of(day("2027-04-01"), day("2027-04-16")),
            day("2027-05-01")
        );
    }

    #[test]
    fn only_the_moves_of_april_are_announced_in_march() {
        for (effective_on, today, announced) in [
            ("2027-04-01", "2027-02-01", Some("2027-03-15")),
            ("2027-04-01", "2027-03-14", Some("2027-03-15")),
            ("2027-04-01", "2027-03-15", None),
            ("2027-07-01", "2027-02-01", None),
        ] {
            let found = announced_by_default(day(effective_on), day(today));
            assert_eq!(found, announced.map(day), "{effective_on} on {today}");
        }
    }

    #[test]
    fn acceptance_may_be_thirty_days_late() {
        let due_on = day("2027-04-15");
        assert_eq!(late_from(due_on), day("2027-05-16"));
        for (today, late) in [("2027-05-15", false), ("2027-05-16", true)] {
            assert_eq!(due_on <= late_before(day(today)), late, "{today}");
        }
    }

    #[test]
    fn a_successor_is_asked_for_a_month_before_and_history_is_left_alone() {
        assert_eq!(term_notice_on(day("2027-04-30")), day("2027-03-31"));
        for (changed_on, history) in [("2027-04-01", false), ("2027-03-01", false), ("2027-02-28", true)] {
            assert_eq!(is_history(day(changed_on), day("2027-04-01")), history, "{changed_on}");
        }
    }
}
