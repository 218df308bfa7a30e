//! Exceptions (例外措置): how long one may run, and what becomes of it by time alone.
//!
//! Rule: domain §5. At most twelve months, never past 31 March of the fiscal year unless the CISO says so; an emergency
//! exception runs from its request for at most fourteen days and ends there unless the CISO ratifies it. The statutory
//! clause has none ([`super::catalogue::Clause::is_statutory`]). What an exception is worth is [`super::fulfilment`]'s
//! and [`super::risk`]'s.

use super::calendar::{add_months, fiscal_year_end};
use super::vocabulary::code_words;
use chrono::{Days, NaiveDate};

/// The longest life of an exception.
const LONGEST_MONTHS: i32 = 12;
/// The longest life of an emergency exception, counted from the day after its request.
const EMERGENCY_DAYS: u64 = 14;

code_words! {
    /// Where an exception stands. `expired` follows from the date and is never stored.
    ExceptionState {
        Requested = "requested", "申請中";
        Approved = "approved", "承認済み";
        Rejected = "rejected", "不承認";
        Revoked = "revoked", "取消し";
        Expired = "expired", "期限切れ";
    }
}

code_words! {
    /// What is wrong with the last day of an exception.
    ExpiryFault {
        Past = "date_in_past", "期限は今日以後の日にしてください。";
        TooLong = "longer_than_twelve_months", "例外措置は12か月以内にしてください。";
        TooLongForEmergency = "longer_than_fourteen_days", "緊急の例外措置は14日以内にしてください。";
        BeyondFiscalYear = "beyond_fiscal_year", "例外措置は年度末（3月31日）を越えられません。越えるにはCISOの決定が要ります。";
    }
}

impl ExpiryFault {
    /// The same in English.
    pub const fn en(self) -> &'static str {
        match self {
            Self::Past => "It must not be in the past.",
            Self::TooLong => "An exception runs for at most twelve months.",
            Self::TooLongForEmergency => "An emergency exception runs for at most fourteen days.",
            Self::BeyondFiscalYear => "An exception ends on 31 March at the latest, unless the CISO decides otherwise.",
        }
    }
}

/// Checks the last day of an exception that begins on `from`.
///
/// # Errors
/// The first limit that it breaks.
pub fn check_expiry(
    from: NaiveDate,
    expires_on: NaiveDate,
    emergency: bool,
    beyond_fiscal_year: bool,
) -> Result<(), ExpiryFault> {
    let emergency_end = from.checked_add_days(Days::new(EMERGENCY_DAYS)).unwrap_or(from);
    if expires_on < from {
        Err(ExpiryFault::Past)
    } else if emergency && expires_on > emergency_end {
        Err(ExpiryFault::TooLongForEmergency)
    } else if expires_on > add_months(from, LONGEST_MONTHS) {
        Err(ExpiryFault::TooLong)
    } else if !beyond_fiscal_year && expires_on > fiscal_year_end(from) {
        Err(ExpiryFault::BeyondFiscalYear)
    } else {
        Ok(())
    }
}

/// Whether an exception stands in for its clause until its last day: once approved, in an emergency from its request.
pub const fn takes_effect(stored: ExceptionState, emergency: bool) -> bool {
    matches!(stored, ExceptionState::Approved) || (matches!(stored, ExceptionState::Requested) && emergency)
}

/// Where an exception stands on a day.
pub fn state_on(stored: ExceptionState, emergency: bool, expires_on: NaiveDate, as_of: NaiveDate) -> ExceptionState {
    if takes_effect(stored, emergency) && expires_on < as_of {
        ExceptionState::Expired
    } else {
        stored
    }
}

/// Whether an exception that is over still weighs on its clause: until somebody has looked at the clause again.
pub fn still_counts(expires_on: NaiveDate, answered_on: Option<NaiveDate>, as_of: NaiveDate) -> bool {
    expires_on >= as_of || answered_on.is_none_or(|answered_on| answered_on <= expires_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExceptionState::{Approved, Expired, Rejected, Requested, Revoked};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_day_has_three_limits() {
        use ExpiryFault::{BeyondFiscalYear, Past, TooLong, TooLongForEmergency};
        for (from, expires_on, emergency, beyond, expected) in [
            ("2027-04-01", "2027-04-01", false, false, Ok(())),
            ("2027-04-01", "2027-03-31", false, true, Err(Past)),
            ("2027-04-01", "2028-03-31", false, false, Ok(())),
            ("2027-04-01", "2028-04-01", false, false, Err(BeyondFiscalYear)),
            ("2027-04-01", "2028-04-01", false, true, Ok(())),
            ("2027-04-01", "2028-04-02", false, true, Err(TooLong)),
            ("2028-02-29", "2028-03-31", false, false, Ok(())),
            ("2028-02-29", "2028-04-01", false, false, Err(BeyondFiscalYear)),
            ("2028-02-29", "2029-02-28", false, true, Ok(())),
            ("2028-02-29", "2029-03-01", false, true, Err(TooLong)),
            ("2027-04-01", "2027-04-15", true, false, Ok(())),
            ("2027-04-01", "2027-04-16", true, false, Err(TooLongForEmergency)),
            ("2028-03-25", "2028-03-31", true, false, Ok(())),
            ("2028-03-25", "2028-04-01", true, false, Err(BeyondFiscalYear)),
            ("2028-03-25", "2028-04-08", true, true, Ok(())),
        ] {
            assert_eq!(
                check_expiry(day(from), day(expires_on), emergency, beyond),
                expected,
                "{from} to {expires_on}, emergency {emergency}, beyond {beyond}"
            );
        }
    }

    #[test]
    fn time_ends_what_was_in_effect_and_nothing_else() {
        for (stored, emergency, on_its_last_day, the_day_after) in [
            (Requested, false, Requested, Requested),
            (Requested, true, Requested, Expired),
            (Approved, false, Approved, Expired),
            (Approved, true, Approved, Expired),
            (Rejected, true, Rejected, Rejected),
            (Revoked, true, Revoked, Revoked),
        ] {
            let of = |as_of| state_on(stored, emergency, day("2027-09-30"), day(as_of));
            assert_eq!(of("2027-09-30"), on_its_last_day, "{stored}");
            assert_eq!(of("2027-10-01"), the_day_after, "{stored}");
        }
    }

    #[test]
    fn what_is_over_weighs_until_somebody_looks() {
        for (answered_on, as_of, expected) in [
            (None, "2027-10-01", true),
            (Some("2027-09-30"), "2027-10-01", true),
            (Some("2027-10-01"), "2027-10-01", false),
            (Some("2027-10-01"), "2027-09-30", true),
        ] {
            let counts = still_counts(day("2027-09-30"), answered_on.map(day), day(as_of));
            assert_eq!(counts, expected, "{answered_on:?} {as_of}");
        }
    }
}
