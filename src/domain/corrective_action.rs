//! Corrective actions (是正措置): where they come from and how long they may take.
//!
//! The time is the response time of the entry's risk level (domain §4.2): so many business days where the policy counts
//! them, otherwise the fiscal year, but never less than the slowest level that is counted.

use super::calendar::{Calendar, fiscal_year_end};
use super::risk::RiskPolicy;
use super::vocabulary::{CodeWord, Level, code_words};
use chrono::NaiveDate;

code_words! {
    /// Where a corrective action stands. What is to be done again is a new one.
    CorrectiveActionState {
        Open = "open", "是正中";
        Closed = "closed", "完了";
    }
}

code_words! {
    /// What brought a corrective action about.
    CorrectiveActionOrigin {
        Verification = "verification", "確認";
        Incident = "incident", "インシデント";
        AuditFinding = "audit_finding", "監査の指摘";
        SelfInspection = "self_inspection", "自己点検";
        Manual = "manual", "個別の登録";
    }
}

/// The day on which a corrective action that is opened on `from` is due, by the risk level of its entry.
pub fn due_on(policy: &RiskPolicy, level: Level, from: NaiveDate, calendar: &Calendar) -> NaiveDate {
    let days = |level| policy.response(level).and_then(|response| response.business_days);
    if let Some(days) = days(level) {
        return calendar.add_business_days(from, days);
    }
    let slowest = Level::ALL.iter().filter_map(|level| days(*level)).max();
    let at_least = calendar.add_business_days(from, slowest.unwrap_or_default());
    fiscal_year_end(from).max(at_least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_decides_how_long_it_may_take() {
        let (policy, calendar) = (RiskPolicy::embedded().unwrap(), Calendar::default());
        for (level, from, expected) in [
            (Level::Critical, "2027-04-01", "2027-04-08"),
            (Level::High, "2027-04-01", "2027-04-15"),
            // Over 昭和の日 and the holidays of May.
            (Level::Critical, "2027-04-28", "2027-05-11"),
            (Level::Moderate, "2027-04-01", "2028-03-31"),
            (Level::Low, "2027-04-01", "2028-03-31"),
            // The last day of the year leaves as much time as a high risk has.
            (Level::Moderate, "2027-03-31", "2027-04-14"),
        ] {
            let found = due_on(&policy, level, from.parse().unwrap(), &calendar);
            assert_eq!(found.to_string(), expected, "{level} {from}");
        }
    }
}
