//! When the clauses of an entry are confirmed again: one *round* with one due date, not one date per clause.
//!
//! Pure dates: which clauses count and when they were answered comes from the caller, what is mailed about the date is
//! [`super::reminder`]. Every alignment here moves a date earlier, never later, and never before the entry is active.
//! Answers given in a round count when the round closes: until then the caller passes the state from before it, so
//! that the date of an open cycle does not move under those who still have to answer.
//! Rules: design §6 "Few mails", "First due date" and §9 "Obligations and rounds"; intervals: domain §4.2 and PPC 4-8-9.

use super::calendar::{add_months, days_between};
use chrono::{Datelike, Days, Months, NaiveDate};

mod cycle;
#[cfg(test)]
mod mail_days;

pub use cycle::{CycleChange, days_overdue, next_cycle};

/// How early an answer still counts for its due date, and how much later a clause may be due and still join.
pub const ALIGNMENT_DAYS: i64 = 92;
/// A period is confirmed at the latest this long before its end, or a third of the period if that is less.
pub const BEFORE_PERIOD_END_DAYS: i64 = 60;
/// The review day never comes sooner than this after the start or the last answer.
const SHORTEST_REVIEW_CYCLE_DAYS: i64 = 90;
/// Every month has this day, so that adding months to a review day leads to a review day.
const REVIEW_DAY: u32 = 28;

/// The months between two confirmations of a clause on an entry of this inherent tier.
///
/// Tier 1 halves the clause's own interval (not below three months), tier 4 doubles it (not above 24), and neither
/// limit turns the direction round; personal information caps it at twelve (PPC 4-8-9: at least once a year).
pub fn interval_months(tier: u8, reverify_months: u32, personal_information: bool) -> u32 {
    let months = match tier {
        0 | 1 => (reverify_months / 2).max(3).min(reverify_months),
        2 | 3 => reverify_months,
        _ => reverify_months.saturating_mul(2).min(24).max(reverify_months),
    };
    if personal_information { months.min(12) } else { months }
}

/// A clause that is to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundClause {
    /// The clause's key.
    pub key: String,
    /// The day of the last answer.
    pub verified_on: Option<NaiveDate>,
    /// The due date of the round that this answer closed; `None` for an answer outside a round.
    pub answered_due_on: Option<NaiveDate>,
    /// From [`interval_months`].
    pub interval_months: u32,
    /// The last day of the evidence behind the answer.
    pub evidence_valid_until: Option<NaiveDate>,
    /// The clause counts less than verified today: its time runs from the start of the work at the earliest.
    pub below_verified: bool,
    /// What was confirmed before this day holds no longer, because people have moved: due on it.
    pub anew_on: Option<NaiveDate>,
}

/// What decides the due date of an entry's next round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundInput {
    /// Every applicable clause that can be confirmed.
    pub clauses: Vec<RoundClause>,
    /// The day on which performance, use or operation started; `None`: not started, no round.
    pub active_from: Option<NaiveDate>,
    /// First and last day of the current contract period; only engagements have one.
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// The profile's review month (1–12): rounds move to the 28th of it or of every third month from it.
    pub review_month: Option<u32>,
    /// The entry handles personal information: an early answer counts from its own day.
    pub personal_information: bool,
    /// The day of the question.
    pub as_of: NaiveDate,
}

/// The next round of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The one date of the round; `days_overdue` of its clauses counts from here.
    pub due_on: NaiveDate,
    /// Days from the last answer, or the start, to the due date: no lead is longer than a third of it.
    pub known_cycle_days: i64,
    /// The clauses of the round, in the order of the input.
    pub clauses: Vec<RoundMember>,
}

/// A clause of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundMember {
    /// The clause's key.
    pub key: String,
    /// When the clause alone would be due: base plus interval, capped by its evidence.
    pub own_due_on: NaiveDate,
}

/// The dates of one clause on the way to its round.
struct Candidate<'i> {
    clause: &'i RoundClause,
    base: NaiveDate,
    own_due_on: NaiveDate,
    /// Own due date, capped by the period.
    latest: NaiveDate,
    /// The same, moved to a review day.
    aligned: NaiveDate,
}

/// The next round of an entry; `None` before it is active and when nothing is to be confirmed.
pub fn next_round(input: &RoundInput) -> Option<Round> {
    let start = input.active_from.filter(|start| *start <= input.as_of)?;
    let candidates: Vec<_> = input
        .clauses
        .iter()
        .map(|clause| candidate(input, start, clause))
        .collect();
    let first = candidates
        .iter()
        .min_by_key(|candidate| (candidate.aligned, std::cmp::Reverse(candidate.base)))?;
    let due_on = first.aligned;
    let joins = |candidate: &&Candidate<'_>| {
        candidate.aligned == due_on || days_between(due_on, candidate.latest) <= ALIGNMENT_DAYS
    };
    Some(Round {
        due_on,
        known_cycle_days: days_between(first.base, due_on).max(0),
        clauses: candidates
            .iter()
            .filter(joins)
            .map(|candidate| RoundMember {
                key: candidate.clause.key.clone(),
                own_due_on: candidate.own_due_on,
            })
            .collect(),
    })
}

fn candidate<'i>(input: &RoundInput, start: NaiveDate, clause: &'i RoundClause) -> Candidate<'i> {
    let base = base(clause, start, input.personal_information);
    let months = i32::try_from(clause.interval_months).unwrap_or(i32::MAX);
    let by_interval = add_months(base, months);
    let anew_on = clause
        .anew_on
        .filter(|on| clause.verified_on.is_none_or(|verified_on| verified_on < *on));
    let own_due_on = [clause.evidence_valid_until, anew_on]
        .into_iter()
        .flatten()
        .fold(by_interval, NaiveDate::min);
    let latest = period_limit(input.period)
        .filter(|(first_day, limit)| !confirms_period(clause, *first_day, *limit))
        .map_or(own_due_on, |(_, limit)| own_due_on.min(limit))
        .max(start);
    // Asking before the evidence is renewed would only have the old one confirmed again.
    let bound_by_evidence = clause.evidence_valid_until.is_some_and(|until| until <= latest);
    let aligned = input
        .review_month
        .filter(|_| !bound_by_evidence && anew_on.is_none())
        .and_then(|month| review_day(latest, month))
        .filter(|day| days_between(base.max(start), *day) >= SHORTEST_REVIEW_CYCLE_DAYS)
        .unwrap_or(latest);
    Candidate {
        clause,
        base,
        own_due_on,
        latest,
        aligned,
    }
}

/// The day from which the interval of a clause runs.
fn base(clause: &RoundClause, start: NaiveDate, personal_information: bool) -> NaiveDate {
    let Some(answered_on) = clause.verified_on else {
        return start;
    };
    let counted = clause
        .answered_due_on
        .filter(|due_on| !personal_information && (0..=ALIGNMENT_DAYS).contains(&days_between(answered_on, *due_on)))
        .unwrap_or(answered_on);
    if clause.below_verified {
        counted.max(start)
    } else {
        counted
    }
}

/// The first day of the period and the latest day on which it may be confirmed.
fn period_limit(period: Option<(NaiveDate, NaiveDate)>) -> Option<(NaiveDate, NaiveDate)> {
    let (first_day, last_day) = period.filter(|(first_day, last_day)| first_day <= last_day)?;
    let length = days_between(first_day, last_day) + 1;
    let margin = u64::try_from((length / 3).min(BEFORE_PERIOD_END_DAYS)).ok()?;
    Some((first_day, last_day.checked_sub_days(Days::new(margin))?))
}

/// Whether the last answer already is this period's confirmation: given inside it and no earlier than an early answer
/// may be. Without this the limit would open the round again the moment it is answered.
fn confirms_period(clause: &RoundClause, first_day: NaiveDate, limit: NaiveDate) -> bool {
    clause
        .verified_on
        .is_some_and(|on| on >= first_day && days_between(on, limit) <= ALIGNMENT_DAYS)
}

/// The last review day on or before a date, at most [`ALIGNMENT_DAYS`] earlier.
///
/// A date from the 28th to the end of a review month stays where it is: the last day for a fiscal-year contract
/// (30 or 31 January) is one of them.
fn review_day(on: NaiveDate, review_month: u32) -> Option<NaiveDate> {
    let months_past = (on.month() + 12).checked_sub(review_month)? % 3;
    if months_past == 0 && on.day() >= REVIEW_DAY {
        return Some(on);
    }
    let months_back = if months_past == 0 { 3 } else { months_past };
    on.with_day(1)?
        .checked_sub_months(Months::new(months_back))?
        .with_day(REVIEW_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn clause(interval_months: u32) -> RoundClause {
        RoundClause {
            key: format!("every-{interval_months}"),
            verified_on: None,
            answered_due_on: None,
            interval_months,
            evidence_valid_until: None,
            below_verified: true,
            anew_on: None,
        }
    }

    fn answered(interval_months: u32, on: &str, due_on: Option<&str>) -> RoundClause {
        let (verified_on, answered_due_on) = (Some(day(on)), due_on.map(day));
        RoundClause {
            verified_on,
            answered_due_on,
            below_verified: false,
            ..clause(interval_months)
        }
    }

    fn input(clauses: Vec<RoundClause>, start: &str, period: Option<(&str, &str)>) -> RoundInput {
        RoundInput {
            clauses,
            active_from: Some(day(start)),
            period: period.map(|(first, last)| (day(first), day(last))),
            review_month: None,
            personal_information: false,
            as_of: day(start),
        }
    }

    fn due(input: &RoundInput) -> String {
        next_round(input).unwrap().due_on.to_string()
    }

    const FISCAL_2027: Option<(&str, &str)> = Some(("2027-04-01", "2028-03-31"));

    #[test]
    fn the_tier_decides_how_often_a_clause_is_confirmed() {
        for (tier, listed, plain, with_personal_information) in [
            (1, 6, 3, 3),
            (1, 12, 6, 6),
            (1, 24, 12, 12),
            (1, 3, 3, 3),
            (1, 2, 2, 2),
            (2, 6, 6, 6),
            (2, 24, 24, 12),
            (3, 12, 12, 12),
            (4, 6, 12, 12),
            (4, 12, 24, 12),
            (4, 24, 24, 12),
            (4, 36, 36, 12),
        ] {
            assert_eq!(interval_months(tier, listed, false), plain, "tier {tier}, {listed}");
            assert_eq!(
                interval_months(tier, listed, true),
                with_personal_information,
                "tier {tier}, {listed}, personal"
            );
        }
    }

    #[test]
    fn a_period_is_confirmed_inside_itself() {
        for (first, last, expected) in [
            ("2027-04-01", "2028-03-31", "2028-01-31"),
            ("2026-04-01", "2027-03-31", "2027-01-30"),
            ("2027-04-01", "2027-06-29", "2027-05-30"), // 90 days: a third is 30
            ("2027-04-01", "2027-04-01", "2027-04-01"),
            ("2027-04-01", "2032-03-31", "2028-04-01"), // the interval comes first
        ] {
            for review_month in [None, Some(1), Some(10)] {
                let input = RoundInput {
                    review_month,
                    ..input(vec![clause(12), clause(24)], first, Some((first, last)))
                };
                let expected = if last == "2032-03-31" && review_month.is_some() {
                    "2028-01-28"
                } else {
                    expected
                };
                assert_eq!(due(&input), expected, "{first} to {last}, {review_month:?}");
            }
        }
    }

    #[test]
    fn a_move_makes_a_clause_due_on_its_day_until_it_is_confirmed_anew() {
        for (verified_on, anew_on, expected) in [
            ("2027-04-10", None, "2028-04-10"),
            ("2027-04-10", Some("2027-10-01"), "2027-10-01"),
            ("2027-09-30", Some("2027-10-01"), "2027-10-01"),
            ("2027-10-01", Some("2027-10-01"), "2028-10-01"),
        ] {
            let moved = RoundClause {
                anew_on: anew_on.map(day),
                ..answered(12, verified_on, None)
            };
            let input = RoundInput {
                as_of: day("2027-10-02"),
                ..input(vec![moved], "2027-04-01", None)
            };
            assert_eq!(due(&input), expected, "{verified_on}, {anew_on:?}");
        }
    }

    #[test]
    fn nothing_is_due_before_the_work_starts() {
        let started = input(vec![clause(12)], "2027-04-01", None);
        assert_eq!(
            next_round(&RoundInput {
                active_from: None,
                ..started.clone()
            }),
            None
        );
        assert_eq!(
            next_round(&RoundInput {
                as_of: day("2027-03-31"),
                ..started.clone()
            }),
            None
        );
        assert_eq!(
            next_round(&RoundInput {
                clauses: vec![],
                ..started.clone()
            }),
            None
        );
        assert_eq!(due(&started), "2028-04-01");
        // Expired before the start: due on the first day, not before.
        let evidence = RoundClause {
            evidence_valid_until: Some(day("2027-02-28")),
            ..clause(12)
        };
        assert_eq!(
            due(&RoundInput {
                clauses: vec![evidence],
                ..started
            }),
            "2027-04-01"
        );
    }

    #[test]
    fn the_base_of_a_clause_is_its_answer_or_the_due_date_answered_early() {
        for (on, answered_due, plain, personal) in [
            ("2027-10-01", None, "2028-10-01", "2028-10-01"),
            ("2027-10-01", Some("2027-10-01"), "2028-10-01", "2028-10-01"),
            ("2027-10-01", Some("2028-01-01"), "2029-01-01", "2028-10-01"), // 92 days early
            ("2027-10-01", Some("2028-01-02"), "2028-10-01", "2028-10-01"), // 93
            ("2027-10-01", Some("2027-09-01"), "2028-10-01", "2028-10-01"), // late
            ("2028-02-29", None, "2029-02-28", "2029-02-28"),
            ("2027-03-01", None, "2028-03-01", "2028-03-01"), // confirmed before the start
        ] {
            let input = input(vec![answered(12, on, answered_due)], "2027-04-01", None);
            assert_eq!(due(&input), plain, "{on} for {answered_due:?}");
            assert_eq!(
                due(&RoundInput {
                    personal_information: true,
                    ..input
                }),
                personal,
                "{on} for {answered_due:?}"
            );
        }
        let lapsed = RoundClause {
            below_verified: true,
            ..answered(12, "2027-03-01", None)
        };
        assert_eq!(due(&input(vec![lapsed], "2027-04-01", None)), "2028-04-01");
    }

    #[test]
    fn evidence_caps_the_interval_and_is_not_asked_for_before_it_can_be_renewed() {
        let capped = |until| RoundClause {
            evidence_valid_until: Some(day(until)),
            ..answered(12, "2027-10-28", None)
        };
        let with = |until| RoundInput {
            review_month: Some(1),
            ..input(vec![capped(until)], "2027-04-01", None)
        };
        assert_eq!(due(&with("2028-09-15")), "2028-09-15");
        assert_eq!(due(&with("2030-09-15")), "2028-10-28");
    }

    #[test]
    fn what_falls_due_within_92_days_joins_and_the_rest_waits() {
        let clauses = vec![
            answered(12, "2027-06-01", None),
            answered(12, "2027-09-01", None), // 92 days later
            answered(12, "2027-09-02", None), // 93
        ];
        let round = next_round(&input(clauses, "2027-04-01", None)).unwrap();
        let own: Vec<_> = round
            .clauses
            .iter()
            .map(|member| member.own_due_on.to_string())
            .collect();
        assert_eq!(
            (round.due_on.to_string().as_str(), round.known_cycle_days),
            ("2028-06-01", 366)
        );
        assert_eq!(own, ["2028-06-01", "2028-09-01"]);
    }

    #[test]
    fn an_answered_period_stays_answered_and_an_amended_one_opens_again() {
        // Answered for the limit, late or up to 92 days early: the next round belongs to the next period.
        for (on, expected) in [
            ("2028-02-10", "2029-02-10"),
            ("2028-01-31", "2029-01-31"),
            ("2027-10-31", "2029-01-31"), // 92 days
            ("2027-10-30", "2028-01-31"), // 93: too early to stand for the end of the period
        ] {
            let answers = vec![
                answered(12, on, Some("2028-01-31")),
                answered(24, on, Some("2028-01-31")),
            ];
            assert_eq!(due(&input(answers, "2027-04-01", FISCAL_2027)), expected, "{on}");
        }
        let answers = vec![answered(12, "2028-01-10", Some("2028-01-31"))];
        let next = input(answers.clone(), "2027-04-01", Some(("2028-04-01", "2029-03-31")));
        assert_eq!(due(&next), "2029-01-30");
        let extended = input(answers, "2027-04-01", Some(("2027-04-01", "2028-09-30")));
        assert_eq!(due(&extended), "2028-08-01");

        // Open, then shortened and extended: each changed date is a new cycle.
        let open = input(vec![clause(12)], "2027-04-01", FISCAL_2027);
        let open_due = next_round(&open).map(|round| round.due_on);
        for (last, expected) in [
            ("2028-03-31", CycleChange::Unchanged),
            ("2027-12-31", CycleChange::Rescheduled(day("2027-11-01"))),
            ("2028-09-30", CycleChange::Rescheduled(day("2028-04-01"))),
        ] {
            let amended = RoundInput {
                period: Some((day("2027-04-01"), day(last))),
                ..open.clone()
            };
            assert_eq!(
                next_cycle(open_due, next_round(&amended).map(|round| round.due_on)),
                expected,
                "{last}"
            );
        }
    }

    #[test]
    fn a_review_day_is_at_most_92_days_back() {
        for (on, month, expected) in [
            ("2028-01-31", 1, "2028-01-31"),
            ("2027-01-30", 4, "2027-01-30"),
            ("2028-01-28", 10, "2028-01-28"),
            ("2028-01-27", 1, "2027-10-28"),
            ("2028-03-31", 1, "2028-01-28"),
            ("2028-04-27", 7, "2028-01-28"),
            ("2028-05-01", 1, "2028-04-28"),
            ("2028-01-31", 2, "2027-11-28"),
            ("2028-01-31", 12, "2027-12-28"),
        ] {
            assert_eq!(review_day(day(on), month), Some(day(expected)), "{on}, month {month}");
        }
    }

    fn dates() -> impl Strategy<Value = NaiveDate> {
        (0..1500u64).prop_map(|offset| day("2026-04-01") + Days::new(offset))
    }

    proptest! {
        #[test]
        fn a_round_is_never_later_than_its_clauses_nor_before_the_start(
            start in dates(), length in 0..1500u64, answers in prop::collection::vec((prop::option::of(dates()), 1..25u32), 1..6),
            month in prop::option::of(1..=12u32), personal_information: bool,
        ) {
            let clauses: Vec<_> = answers
                .into_iter()
                .map(|(verified_on, interval)| RoundClause { verified_on, below_verified: verified_on.is_none(), ..clause(interval) })
                .collect();
            let period = Some((start, start + Days::new(length)));
            let with = RoundInput { clauses, active_from: Some(start), period, review_month: month, personal_information, as_of: start };
            let round = next_round(&with).unwrap();
            let unaligned = next_round(&RoundInput { review_month: None, ..with.clone() }).unwrap();
            let uncapped = next_round(&RoundInput { period: None, review_month: None, ..with.clone() }).unwrap();
            prop_assert!(round.due_on >= start);
            prop_assert!(round.due_on <= unaligned.due_on && unaligned.due_on <= uncapped.due_on);
            prop_assert!(!round.clauses.is_empty() && round.known_cycle_days >= 0);
            for member in &round.clauses {
                prop_assert!(round.due_on <= member.own_due_on.max(start));
            }
            prop_assert_eq!(next_round(&with), Some(round));
        }

        #[test]
        fn a_review_day_is_never_later(on in dates(), month in 1..=12u32) {
            let moved = review_day(on, month).unwrap();
            prop_assert!((0..=ALIGNMENT_DAYS).contains(&days_between(moved, on)));
            prop_assert_eq!(review_day(moved, month), Some(moved));
        }
    }
}
