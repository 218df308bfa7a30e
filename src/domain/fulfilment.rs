//! The status of a clause on an entry, derived from what is known about it; it is never stored alone.
//!
//! *Agreed* belongs to a contract period, *verified* to the entry. A clause that must be in the contract (one with an
//! `agreed` gate for this kind) is therefore `verified` only while it is agreed in the current period; without that it
//! is worth a declaration. Cloud services and social-media accounts have no periods: their agreement is the entry's.
//! What a status is worth is [`super::risk`]; when it must be confirmed again is [`super::round`].
//! Rule: design §9 "Fulfilment".

use super::calendar::days_between;
use super::catalogue::Clause;
use super::vocabulary::{FulfilmentStatus, Kind};
use chrono::NaiveDate;

/// What is known about one clause of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClauseState {
    /// Agreed in the contract of the current period; without periods: agreed on the entry.
    pub agreed_in_current_period: bool,
    /// The contractor or the section says that the clause is met; nobody has looked.
    pub declared: bool,
    /// The day on which the last confirmation found the clause met.
    pub verified_on: Option<NaiveDate>,
    /// The clause does not apply here, for a reason that passed [`is_reason`].
    pub not_applicable: bool,
    /// The last day of an approved exception, past or to come.
    pub exception_expires_on: Option<NaiveDate>,
}

/// The status of a clause on the day `as_of`.
///
/// An exception shows only where nothing better is there than a declaration; an expired one keeps showing, with
/// [`days_overdue`] above zero, so that its credit falls to nothing instead of back to the declaration it replaced.
/// A statutory clause knows no exception. A confirmation dated after `as_of` has not happened yet.
pub fn status(clause: &Clause, kind: Kind, state: &ClauseState, as_of: NaiveDate) -> FulfilmentStatus {
    if state.not_applicable {
        return FulfilmentStatus::NotApplicable;
    }
    let verified = state.verified_on.is_some_and(|on| on <= as_of);
    if verified && (state.agreed_in_current_period || !clause.has_agreed_gate(kind)) {
        FulfilmentStatus::Verified
    } else if state.agreed_in_current_period {
        FulfilmentStatus::Agreed
    } else if state.exception_expires_on.is_some() && !clause.is_statutory() {
        FulfilmentStatus::Excepted
    } else if state.declared || verified {
        FulfilmentStatus::Declared
    } else {
        FulfilmentStatus::Missing
    }
}

/// The days by which a status has outlived its date, for the credit of the risk model: an exception counts from its
/// expiry, a confirmation or declaration from the due date of the clause's round; nothing else ages.
pub fn days_overdue(
    status: FulfilmentStatus,
    state: &ClauseState,
    round_due_on: Option<NaiveDate>,
    as_of: NaiveDate,
) -> i64 {
    let due_on = match status {
        FulfilmentStatus::Excepted => state.exception_expires_on,
        FulfilmentStatus::Verified | FulfilmentStatus::Declared => round_due_on,
        FulfilmentStatus::Missing | FulfilmentStatus::Agreed | FulfilmentStatus::NotApplicable => None,
    };
    due_on.map_or(0, |due_on| days_between(due_on, as_of).max(0))
}

/// Whether a text can stand as the reason for "not applicable": something other than white space.
pub fn is_reason(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

/// Whether a required clause of this status is lacking: nothing but a declaration is there, or its exception has run out.
pub const fn is_lacking(status: FulfilmentStatus, days_overdue: i64) -> bool {
    match status {
        FulfilmentStatus::Missing | FulfilmentStatus::Declared => true,
        FulfilmentStatus::Excepted => days_overdue > 0,
        FulfilmentStatus::Agreed | FulfilmentStatus::Verified | FulfilmentStatus::NotApplicable => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Catalogue;
    use super::*;
    use FulfilmentStatus::{Agreed, Declared, Excepted, Missing, NotApplicable, Verified};
    use Kind::{CloudService, ContractorEngagement, SocialMediaAccount};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn clause<'c>(catalogue: &'c Catalogue, key: &str) -> &'c Clause {
        catalogue.clause(key).unwrap()
    }

    /// Bits: verified, agreed, declared.
    fn state(bits: [u8; 3], exception: Option<&str>) -> ClauseState {
        ClauseState {
            verified_on: (bits[0] == 1).then(|| day("2027-10-01")),
            agreed_in_current_period: bits[1] == 1,
            declared: bits[2] == 1,
            not_applicable: false,
            exception_expires_on: exception.map(day),
        }
    }

    #[test]
    fn every_combination_has_its_status() {
        let catalogue = Catalogue::embedded().unwrap();
        // verified, agreed, declared → with an agreed gate, without one, the same two with an exception
        let table = [
            ([0, 0, 0], [Missing, Missing, Excepted, Excepted]),
            ([0, 0, 1], [Declared, Declared, Excepted, Excepted]),
            ([0, 1, 0], [Agreed, Agreed, Agreed, Agreed]),
            ([0, 1, 1], [Agreed, Agreed, Agreed, Agreed]),
            ([1, 0, 0], [Declared, Verified, Excepted, Verified]),
            ([1, 0, 1], [Declared, Verified, Excepted, Verified]),
            ([1, 1, 0], [Verified, Verified, Verified, Verified]),
            ([1, 1, 1], [Verified, Verified, Verified, Verified]),
        ];
        let gated = clause(&catalogue, "purpose-limitation");
        let open = clause(&catalogue, "remote-access-control");
        let today = day("2028-01-31");
        for (bits, [gated_plain, open_plain, gated_excepted, open_excepted]) in table {
            let of = |clause, exception| status(clause, ContractorEngagement, &state(bits, exception), today);
            assert_eq!(of(gated, None), gated_plain, "{bits:?}");
            assert_eq!(of(open, None), open_plain, "{bits:?}");
            for exception in ["2028-03-31", "2028-01-31", "2028-01-30"] {
                assert_eq!(of(gated, Some(exception)), gated_excepted, "{bits:?} {exception}");
                assert_eq!(of(open, Some(exception)), open_excepted, "{bits:?} {exception}");
            }
            let not_applicable = ClauseState {
                not_applicable: true,
                ..state(bits, Some("2028-03-31"))
            };
            assert_eq!(
                status(gated, ContractorEngagement, &not_applicable, today),
                NotApplicable,
                "{bits:?}"
            );
        }
    }

    #[test]
    fn the_agreed_gate_is_the_one_of_the_kind() {
        let catalogue = Catalogue::embedded().unwrap();
        let verified = state([1, 0, 0], None);
        let today = day("2028-01-31");
        for (key, kind, expected) in [
            ("subcontracting-restriction", ContractorEngagement, Declared),
            ("subcontracting-restriction", CloudService, Verified),
            ("purpose-limitation", CloudService, Declared),
            ("social-takeover-response", SocialMediaAccount, Declared),
        ] {
            assert_eq!(
                status(clause(&catalogue, key), kind, &verified, today),
                expected,
                "{key} {kind}"
            );
        }
    }

    #[test]
    fn a_statutory_clause_knows_no_exception() {
        let catalogue = Catalogue::embedded().unwrap();
        let permission = clause(&catalogue, "my-number-subcontract-permission");
        let of = |bits| {
            status(
                permission,
                ContractorEngagement,
                &state(bits, Some("2028-03-31")),
                day("2028-01-31"),
            )
        };
        assert_eq!(of([0, 0, 0]), Missing);
        assert_eq!(of([0, 0, 1]), Declared);
    }

    #[test]
    fn a_confirmation_of_tomorrow_does_not_count_today() {
        let catalogue = Catalogue::embedded().unwrap();
        let remote = clause(&catalogue, "remote-access-control");
        let verified = state([1, 0, 0], None);
        for (today, expected) in [("2027-09-30", Missing), ("2027-10-01", Verified)] {
            assert_eq!(
                status(remote, ContractorEngagement, &verified, day(today)),
                expected,
                "{today}"
            );
        }
    }

    #[test]
    fn an_exception_ages_from_its_expiry_and_a_confirmation_from_its_round() {
        let state = state([1, 1, 1], Some("2028-01-21"));
        let due = Some(day("2028-01-01"));
        for (status, expected) in [
            (Excepted, 10),
            (Verified, 30),
            (Declared, 30),
            (Agreed, 0),
            (Missing, 0),
            (NotApplicable, 0),
        ] {
            assert_eq!(
                days_overdue(status, &state, due, day("2028-01-31")),
                expected,
                "{status}"
            );
            assert_eq!(
                days_overdue(status, &state, due, day("2027-12-31")),
                0,
                "{status} before the date"
            );
            assert_eq!(
                days_overdue(status, &ClauseState::default(), None, day("2028-01-31")),
                0,
                "{status} undated"
            );
        }
    }

    #[test]
    fn a_reason_is_more_than_white_space() {
        for (text, expected) in [
            (None, false),
            (Some(""), false),
            (Some(" \u{3000}\n"), false),
            (Some("公開情報のみ"), true),
        ] {
            assert_eq!(is_reason(text), expected, "{text:?}");
        }
    }

    #[test]
    fn more_knowledge_never_lowers_the_status() {
        let catalogue = Catalogue::embedded().unwrap();
        for key in ["purpose-limitation", "remote-access-control"] {
            let clause = clause(&catalogue, key);
            let of = |bits| status(clause, ContractorEngagement, &state(bits, None), day("2028-01-31"));
            for number in 0..8u8 {
                let bits = [number & 1, number >> 1 & 1, number >> 2 & 1];
                for raised in 0..3 {
                    let mut better = bits;
                    better[raised] = 1;
                    assert!(of(better) >= of(bits), "{key} {bits:?} {better:?}");
                }
            }
        }
    }
}
