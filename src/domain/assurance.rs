//! How long an attestation holds: assurance schemes (ISMAP, ISO/IEC 27001 …) and their rules, as `assurance.yaml` has
//! them (domain §2.8).
//!
//! A scheme says from which day its papers count and for how many months; a month count ends on the day before the
//! corresponding day, or with the month that has no such day (民法第143条第2項).

use std::collections::BTreeSet;
use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;

use super::calendar::add_months;
use super::vocabulary::code_words;

code_words! {
    /// Where the last day of a paper comes from.
    ValidityRule {
        AfterPeriodEnd = "after_period_end", "監査対象期間の末日の翌日から";
        AfterIssue = "after_issue", "発行日から";
        AsEntered = "as_entered", "証書の期限を入力";
        Open = "open", "定めなし";
    }
}

impl ValidityRule {
    /// The date that the rule cannot do without.
    pub const fn needs(self) -> Option<&'static str> {
        match self {
            Self::AfterPeriodEnd => Some("period_ends_on"),
            Self::AfterIssue => Some("issued_on"),
            Self::AsEntered => Some("valid_until_on"),
            Self::Open => None,
        }
    }
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssuranceError(String);

impl fmt::Display for AssuranceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "assurance schemes: {}", self.0)
    }
}

impl std::error::Error for AssuranceError {}

/// The schemes in force.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssuranceSchemes {
    /// Their version.
    pub version: String,
    /// The schemes, in the order of the file.
    pub schemes: Vec<AssuranceScheme>,
}

/// A scheme under which somebody else attests security.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssuranceScheme {
    /// Its stable name.
    pub key: String,
    /// Title in Japanese.
    pub title_ja: String,
    /// Title in English.
    pub title_en: String,
    /// Where the last day of its papers comes from.
    pub rule: ValidityRule,
    /// For how many months they hold, where a date is counted from.
    pub months: Option<u32>,
    /// After how many months it is looked at again in between.
    pub surveillance_months: Option<u32>,
    /// Where that comes from.
    pub source: String,
}

impl AssuranceSchemes {
    /// The schemes of this build.
    ///
    /// # Errors
    /// A file that does not hold together.
    pub fn embedded() -> Result<Self, AssuranceError> {
        Self::load(include_str!("assurance.yaml"))
    }

    /// Reads schemes and checks them.
    ///
    /// # Errors
    /// What is wrong, in one sentence.
    pub fn load(yaml: &str) -> Result<Self, AssuranceError> {
        let read: Self =
            serde_saphyr::from_str(yaml).map_err(|error| AssuranceError(error.without_snippet().to_string()))?;
        let mut seen = BTreeSet::new();
        for scheme in &read.schemes {
            let counted = matches!(scheme.rule, ValidityRule::AfterPeriodEnd | ValidityRule::AfterIssue);
            if counted != scheme.months.is_some_and(|months| months > 0) {
                return Err(AssuranceError(format!("{}: months go with a counted rule", scheme.key)));
            }
            if scheme.surveillance_months == Some(0) {
                return Err(AssuranceError(format!("{}: surveillance_months is 0", scheme.key)));
            }
            if !seen.insert(&scheme.key) {
                return Err(AssuranceError(format!("{} is there twice", scheme.key)));
            }
        }
        Ok(read)
    }

    /// The scheme of this name; any other text is a scheme that nobody has rules for.
    pub fn scheme(&self, key: &str) -> Option<&AssuranceScheme> {
        self.schemes.iter().find(|scheme| scheme.key == key)
    }
}

impl AssuranceScheme {
    /// The last day of a paper, where the rule counts one from these dates.
    pub fn valid_until(&self, issued_on: Option<NaiveDate>, period_ends_on: Option<NaiveDate>) -> Option<NaiveDate> {
        let from = match self.rule {
            ValidityRule::AfterPeriodEnd => period_ends_on?.succ_opt()?,
            ValidityRule::AfterIssue => issued_on?,
            ValidityRule::AsEntered | ValidityRule::Open => return None,
        };
        last_day(from, self.months?)
    }

    /// The next day, today or later, by which the paper is looked at again before its last day.
    pub fn next_surveillance(
        &self,
        issued_on: Option<NaiveDate>,
        valid_until_on: Option<NaiveDate>,
        as_of: NaiveDate,
    ) -> Option<NaiveDate> {
        let (issued_on, until, months) = (issued_on?, valid_until_on?, self.surveillance_months?);
        (1..)
            .map_while(|n: u32| last_day(issued_on, months.checked_mul(n)?))
            .take_while(|on| *on < until)
            .find(|on| *on >= as_of)
    }
}

/// The last day of this many months from a first day.
fn last_day(from: NaiveDate, months: u32) -> Option<NaiveDate> {
    let corresponding = add_months(from, i32::try_from(months).ok()?);
    if corresponding.day() == from.day() {
        corresponding.pred_opt()
    } else {
        Some(corresponding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_scheme_has_its_last_day() {
        let schemes = AssuranceSchemes::embedded().unwrap();
        for (key, issued_on, period_ends_on, expected) in [
            ("ismap", "2027-06-20", "2027-03-31", Some("2028-07-31")),
            ("ismap", "2027-06-20", "2027-02-28", Some("2028-06-30")),
            ("ismap_liu", "2027-06-20", "2026-12-31", Some("2028-04-30")),
            ("iso27001", "2027-04-01", "2027-03-31", Some("2030-03-31")),
            ("iso27017", "2028-02-29", "2027-03-31", Some("2031-02-28")),
            ("iso27018", "2027-03-01", "2027-03-31", Some("2030-02-28")),
            ("p_mark", "2027-04-10", "2027-03-31", Some("2029-04-09")),
            ("soc2_type2", "2027-05-10", "2027-03-31", Some("2028-03-31")),
            ("jc_star_1", "2027-08-31", "2027-03-31", Some("2029-08-30")),
            ("jc_star", "2027-08-31", "2027-03-31", None),
            ("scs", "2027-08-31", "2027-03-31", None),
        ] {
            let scheme = schemes.scheme(key).unwrap();
            let until = scheme.valid_until(Some(day(issued_on)), Some(day(period_ends_on)));
            assert_eq!(until, expected.map(day), "{key} {issued_on} {period_ends_on}");
            assert_eq!(scheme.valid_until(None, None), None, "{key} without dates");
            assert_eq!(scheme.rule.needs().is_some(), key != "scs", "{key}");
        }
        assert_eq!(schemes.schemes.len(), 10);
        assert_eq!(schemes.scheme("ISMAP"), None, "a name is no key");
    }

    #[test]
    fn surveillance_comes_every_year_until_the_paper_ends() {
        let schemes = AssuranceSchemes::embedded().unwrap();
        let scheme = schemes.scheme("iso27001").unwrap();
        for (as_of, expected) in [
            ("2027-04-01", Some("2028-03-31")),
            ("2028-03-31", Some("2028-03-31")),
            ("2028-04-01", Some("2029-03-31")),
            ("2029-04-01", None),
            ("2031-01-01", None),
        ] {
            let next = scheme.next_surveillance(Some(day("2027-04-01")), Some(day("2030-03-31")), day(as_of));
            assert_eq!(next, expected.map(day), "{as_of}");
        }
        assert_eq!(
            scheme.next_surveillance(None, Some(day("2030-03-31")), day("2027-04-01")),
            None
        );
        let yearless = schemes.scheme("p_mark").unwrap();
        let dates = (Some(day("2027-04-01")), Some(day("2029-03-31")));
        assert_eq!(yearless.next_surveillance(dates.0, dates.1, day("2027-04-01")), None);
    }

    #[test]
    fn a_file_that_does_not_hold_together_is_refused() {
        let one = |fields: &str| {
            let scheme = format!("{{key: a, title_ja: あ, title_en: a, source: s, {fields}}}");
            AssuranceSchemes::load(&format!("version: '1'\nschemes: [{scheme}]"))
        };
        assert!(one("rule: after_issue, months: 12").is_ok());
        for broken in [
            "rule: after_issue",
            "rule: after_issue, months: 0",
            "rule: open, months: 12",
            "rule: after_issue, months: 12, surveillance_months: 0",
            "rule: sometimes",
        ] {
            assert!(one(broken).is_err(), "{broken}");
        }
        let scheme = "{key: a, title_ja: あ, title_en: a, rule: open, source: s}";
        let twice = AssuranceSchemes::load(&format!("version: '1'\nschemes: [{scheme}, {scheme}]"));
        assert!(twice.unwrap_err().to_string().contains("twice"));
    }
}
