//! Few mails: rounds and reminders together, simulated for one owner over years (design §6 "Few mails").

use super::super::calendar::{Calendar, add_months, days_between};
use super::super::reminder::{Schedule, StageKey};
use super::super::vocabulary::ObligationKind;
use super::{RoundClause, RoundInput, interval_months, next_round};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn unanswered(number: usize, interval_months: u32) -> RoundClause {
    RoundClause {
        key: number.to_string(),
        verified_on: None,
        answered_due_on: None,
        interval_months,
        evidence_valid_until: None,
        below_verified: true,
        anew_on: None,
    }
}

/// One owner, eight entries of 21 clauses, each round answered on the day of its 30-day mail (or of the first
/// later one): the days on which mail leaves.
fn mail_days(starts: &[NaiveDate], with_periods: bool, personal_information: bool) -> BTreeSet<NaiveDate> {
    let calendar = Calendar::default();
    let mut days = BTreeSet::new();
    for start in starts {
        let listed = [6, 6, 24, 24].into_iter().chain(std::iter::repeat_n(12, 17));
        let clauses: Vec<_> = listed
            .enumerate()
            .map(|(number, listed)| {
                let interval = interval_months(2, listed, personal_information);
                unanswered(number, interval)
            })
            .collect();
        let mut entry = RoundInput {
            clauses,
            active_from: Some(*start),
            period: None,
            review_month: Some(1),
            personal_information,
            as_of: *start,
        };
        let end = add_months(*start, 48);
        while entry.as_of < end {
            let year = days_between(*start, entry.as_of) / 365;
            let period_start = add_months(*start, i32::try_from(year).unwrap() * 12);
            entry.period = with_periods.then(|| (period_start, add_months(period_start, 12).pred_opt().unwrap()));
            let round = next_round(&entry).unwrap();
            let schedule = Schedule {
                kind: ObligationKind::Reverification,
                due_on: round.due_on,
                known_cycle_days: Some(round.known_cycle_days),
                starts_on: Some(entry.as_of),
                calendar: &calendar,
                severe: false,
            };
            for step in schedule.steps(round.due_on + Days::new(40)) {
                days.insert(step.send_on);
                if matches!(step.key, StageKey::Lead(days) if days > 30) {
                    continue;
                }
                for clause in &mut entry.clauses {
                    if round.clauses.iter().any(|member| member.key == clause.key) {
                        clause.verified_on = Some(step.send_on);
                        clause.answered_due_on = Some(round.due_on);
                        clause.below_verified = false;
                    }
                }
                entry.as_of = step.send_on + Days::new(1);
                break;
            }
        }
    }
    days
}

/// The most mail days in any 365 days.
fn busiest_year(days: &BTreeSet<NaiveDate>) -> usize {
    days.iter()
        .map(|first| days.range(*first..*first + Days::new(365)).count())
        .max()
        .unwrap_or(0)
}

#[test]
fn an_owner_of_eight_entries_gets_mail_on_at_most_twenty_days_a_year() {
    let starts = [
        "2027-04-01",
        "2027-05-17",
        "2027-06-30",
        "2027-08-16",
        "2027-10-01",
        "2027-11-15",
        "2028-01-04",
        "2028-02-21",
    ]
    .map(day);
    for with_periods in [false, true] {
        for personal_information in [false, true] {
            let days = mail_days(&starts, with_periods, personal_information);
            assert!(
                (4..=20).contains(&busiest_year(&days)),
                "{with_periods} {personal_information}: {days:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_eight_starts_need_at_most_twenty_mail_days(
        offsets in prop::collection::btree_set(0..365u64, 8), with_periods: bool, personal_information: bool,
    ) {
        let starts: Vec<_> = offsets.into_iter().map(|offset| day("2027-04-01") + Days::new(offset)).collect();
        let days = mail_days(&starts, with_periods, personal_information);
        prop_assert!(busiest_year(&days) <= 20, "{} {:?}", busiest_year(&days), days);
    }
}
