//! Once a year somebody goes there: the on-site rule for commissioned work with personal information.
//!
//! PPC 事務対応ガイド 4-8-9(3), domain §2.9: at least once a year per commissioned work, on site as a rule; by video or
//! photographs where going there is impractical in that year, for a reason that is recorded. The confirmation of the
//! clauses below is that inspection; between two of them lie at most twelve months.

use super::calendar::add_months;
use super::facts::{Facts, Note};
use super::vocabulary::Kind;
use chrono::NaiveDate;

/// The clauses whose confirmation is the yearly inspection.
pub const CLAUSES: &[&str] = &["personal-information-safeguards", "my-number-supervision"];
/// The longest time between two inspections.
const INTERVAL_MONTHS: i32 = 12;

/// Whether the rule is about this entry: work done by a contractor with personal information, or nobody knows.
pub fn applies(kind: Kind, facts: &Facts) -> bool {
    kind == Kind::ContractorEngagement && facts.may_handle_personal_information()
}

/// The last day for the next inspection: twelve months after the last one, or after the start of the work.
pub fn due_on(last: Option<NaiveDate>, started_on: Option<NaiveDate>) -> Option<NaiveDate> {
    last.or(started_on).map(|from| add_months(from, INTERVAL_MONTHS))
}

/// Whether an inspection in the twelve months before stands in for going there on this day.
pub fn is_covered(last: Option<NaiveDate>, on: NaiveDate) -> bool {
    last.is_some_and(|last| on <= add_months(last, INTERVAL_MONTHS))
}

/// What the explanation of the risk says while the inspection is overdue.
pub fn note(due_on: NaiveDate) -> Note {
    Note {
        code: "onsite_inspection_due".to_owned(),
        fact: None,
        clause_key: CLAUSES.first().map(|key| (*key).to_owned()),
        message: format!("個人情報を取り扱う委託の年1回の実地確認（期限 {due_on}）が済んでいません。"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Catalogue;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_year_counts_from_the_last_inspection_or_the_start() {
        for (last, started_on, expected) in [
            (None, None, None),
            (None, Some("2027-04-01"), Some("2028-04-01")),
            (Some("2027-10-15"), Some("2027-04-01"), Some("2028-10-15")),
            (Some("2028-02-29"), None, Some("2029-02-28")),
        ] {
            assert_eq!(due_on(last.map(day), started_on.map(day)), expected.map(day));
        }
        assert!(!is_covered(None, day("2027-04-01")));
        assert!(is_covered(Some(day("2027-04-01")), day("2028-04-01")));
        assert!(!is_covered(Some(day("2027-04-01")), day("2028-04-02")));
    }

    #[test]
    fn the_rule_is_about_commissioned_work_with_personal_information() {
        let with = |handles| Facts {
            handles_personal_information: handles,
            ..Facts::default()
        };
        assert!(applies(Kind::ContractorEngagement, &with(Some(true))));
        assert!(applies(Kind::ContractorEngagement, &with(None)));
        assert!(!applies(Kind::ContractorEngagement, &with(Some(false))));
        assert!(!applies(Kind::CloudService, &with(Some(true))));
        let catalogue = Catalogue::embedded().unwrap();
        assert!(CLAUSES.iter().all(|key| catalogue.clause(key).is_some()));
    }
}
