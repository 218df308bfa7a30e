//! A day of the year without a year, such as the day on which approvals end.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// A day that every year has, `MM-DD`; so not 29 February.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay {
    month: u32,
    day: u32,
}

impl MonthDay {
    /// The first such day that is not before `from`.
    pub fn on_or_after(self, from: NaiveDate) -> NaiveDate {
        [from.year(), from.year() + 1]
            .into_iter()
            .filter_map(|year| NaiveDate::from_ymd_opt(year, self.month, self.day))
            .find(|on| *on >= from)
            .unwrap_or(NaiveDate::MAX)
    }
}

impl TryFrom<String> for MonthDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // 2001 is not a leap year.
        match (
            text.len(),
            NaiveDate::parse_from_str(&format!("2001-{text}"), "%Y-%m-%d"),
        ) {
            (5, Ok(on)) => Ok(Self {
                month: on.month(),
                day: on.day(),
            }),
            _ => Err(format!("{text:?} is not a day of every year; write MM-DD")),
        }
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> Self {
        day.to_string()
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_day_comes_every_year() {
        let end = MonthDay::try_from("06-30".to_owned()).unwrap();
        assert_eq!(end.to_string(), "06-30");
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        assert_eq!(end.on_or_after(day(2026, 6, 30)), day(2026, 6, 30));
        assert_eq!(end.on_or_after(day(2026, 7, 1)), day(2027, 6, 30));
        for wrong in ["6-30", "06-31", "02-29", "06-300", "", "06/30"] {
            assert!(MonthDay::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
