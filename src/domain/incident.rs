//! Incidents: what they are, which of them the law wants reported, and until when.
//!
//! Reports to the Personal Information Protection Commission (個人情報保護法 第68条, 番号法 第29条の4; domain §2.9): the
//! preliminary one in three to five days, the final one in 30 days, 60 if somebody meant harm. The day on which it
//! became known is day 1 and weekends count; if day 30 or 60 is a weekend, a holiday or 12/29 to 1/3, the next day that
//! is none. A contractor tells its consignor within three to five days of knowing. Who is written to is
//! [`super::reminder`]'s.

use super::calendar::Calendar;
use super::vocabulary::{Severity, code_words};
use chrono::{Days, NaiveDate};

/// More persons than this have to be reported, whatever it is about.
const REPORTED_ABOVE_PERSONS: i32 = 100;
/// When a quick report should and must be there.
const QUICK_DAYS: (u64, u64) = (3, 5);
const FINAL_DAYS: u64 = 30;
const FINAL_DAYS_IF_MALICIOUS: u64 = 60;

code_words! {
    /// What happened.
    IncidentKind {
        Leak = "leak", "漏えい";
        Loss = "loss", "紛失・滅失・毀損";
        Malware = "malware", "マルウェア感染";
        AccountTakeover = "account_takeover", "アカウントの乗っ取り";
        Impersonation = "impersonation", "なりすまし";
        Misposting = "misposting", "誤った発信";
        Outage = "outage", "停止・障害";
        PolicyViolation = "policy_violation", "ポリシー違反";
        SupplyChain = "supply_chain", "サプライチェーンの侵害";
        Other = "other", "その他";
    }
}

code_words! {
    /// Where an incident stands.
    IncidentState {
        Open = "open", "対応中";
        Contained = "contained", "封じ込め済み";
        Closed = "closed", "終結";
    }
}

code_words! {
    /// A report that the law asks for.
    ReportKind {
        ContractorNotice = "contractor_notice", "委託先からの報告";
        PpcPreliminary = "ppc_preliminary", "個人情報保護委員会への速報";
        PpcFinal = "ppc_final", "個人情報保護委員会への確報";
    }
}

/// An incident of this severity holds the risk of its entries up while it is not closed.
pub const fn is_major(severity: Severity) -> bool {
    matches!(severity, Severity::Major | Severity::Critical)
}

/// What is known of the personal information concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// How many persons; unknown counts as many.
    pub affected_persons: Option<i32>,
    /// 要配慮個人情報.
    pub sensitive_information: bool,
    /// Persons may lose money by it.
    pub financial_damage: bool,
    /// Somebody meant harm.
    pub malicious: bool,
}

impl Breach {
    /// Whether the Commission has to be told.
    pub fn is_reportable(&self) -> bool {
        self.sensitive_information
            || self.financial_damage
            || self.malicious
            || self
                .affected_persons
                .is_none_or(|persons| persons > REPORTED_ABOVE_PERSONS)
    }
}

/// A report and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Which report.
    pub kind: ReportKind,
    /// When it should be there, where the rule names a span.
    pub target_on: Option<NaiveDate>,
    /// When it must be there.
    pub due_on: NaiveDate,
}

/// The clocks of a breach that became known here on `noticed_on`, and to the contractor on `contractor_noticed_on`.
/// The calendar is the common one: a body's own closed days move no date of the law.
pub fn clocks(
    breach: &Breach,
    noticed_on: NaiveDate,
    contractor_noticed_on: Option<NaiveDate>,
    calendar: &Calendar,
) -> Vec<Clock> {
    if !breach.is_reportable() {
        return vec![];
    }
    let quick = |kind, from| Clock {
        kind,
        target_on: Some(nth_day(from, QUICK_DAYS.0)),
        due_on: nth_day(from, QUICK_DAYS.1),
    };
    let last = Clock {
        kind: ReportKind::PpcFinal,
        target_on: None,
        due_on: final_on(noticed_on, breach.malicious, calendar),
    };
    contractor_noticed_on
        .map(|on| quick(ReportKind::ContractorNotice, on))
        .into_iter()
        .chain([quick(ReportKind::PpcPreliminary, noticed_on), last])
        .collect()
}

/// The day by which an incident that became known on `noticed_on` should be closed: that of a final report, whether one
/// is asked for or not.
pub fn final_on(noticed_on: NaiveDate, malicious: bool, calendar: &Calendar) -> NaiveDate {
    let days = if malicious { FINAL_DAYS_IF_MALICIOUS } else { FINAL_DAYS };
    calendar.on_or_after(nth_day(noticed_on, days))
}

/// The `n`-th day from `from` on, which is the first.
fn nth_day(from: NaiveDate, n: u64) -> NaiveDate {
    from.checked_add_days(Days::new(n.saturating_sub(1))).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const HARMLESS: Breach = Breach {
        affected_persons: Some(100),
        sensitive_information: false,
        financial_damage: false,
        malicious: false,
    };

    #[test]
    fn the_law_wants_to_know_of_these() {
        for (breach, expected) in [
            (HARMLESS, false),
            (
                Breach {
                    affected_persons: Some(101),
                    ..HARMLESS
                },
                true,
            ),
            (
                Breach {
                    affected_persons: None,
                    ..HARMLESS
                },
                true,
            ),
            (
                Breach {
                    affected_persons: Some(1),
                    sensitive_information: true,
                    ..HARMLESS
                },
                true,
            ),
            (
                Breach {
                    affected_persons: Some(1),
                    financial_damage: true,
                    ..HARMLESS
                },
                true,
            ),
            (
                Breach {
                    affected_persons: Some(1),
                    malicious: true,
                    ..HARMLESS
                },
                true,
            ),
        ] {
            assert_eq!(breach.is_reportable(), expected, "{breach:?}");
            let clocks = clocks(&breach, day("2027-04-01"), None, &Calendar::default());
            assert_eq!(clocks.is_empty(), !expected);
        }
    }

    #[test]
    fn a_final_report_is_due_on_day_30_or_60_or_the_next_open_day() {
        let calendar = Calendar::default();
        for (noticed_on, malicious, expected) in [
            // 2027-04-30 is a Friday.
            ("2027-04-01", false, "2027-04-30"),
            // Day 30 is Saturday, 1 May; Sunday, 憲法記念日 to こどもの日 follow.
            ("2027-04-02", false, "2027-05-06"),
            ("2027-04-01", true, "2027-05-31"),
            // Day 60 is a Sunday.
            ("2027-04-07", true, "2027-06-07"),
            // Day 30 is 29 December (Wednesday): closed to 3 January.
            ("2027-11-30", false, "2028-01-04"),
            // The day before: open.
            ("2027-11-29", false, "2027-12-28"),
            // Day 60 is 元日 2028, a Saturday.
            ("2027-11-03", true, "2028-01-04"),
            // 国民の休日 between two holidays: 2026-09-21 to 23.
            ("2026-08-23", false, "2026-09-24"),
        ] {
            let found = final_on(day(noticed_on), malicious, &calendar);
            assert_eq!(found, day(expected), "{noticed_on} {malicious}");
        }
    }

    #[test]
    fn quick_reports_count_every_day_from_the_first() {
        let breach = Breach {
            malicious: true,
            ..HARMLESS
        };
        // Friday; days 3 and 5 are a Sunday and a Tuesday.
        let found = clocks(
            &breach,
            day("2027-04-02"),
            Some(day("2027-03-30")),
            &Calendar::default(),
        );
        let dates: Vec<_> = found
            .iter()
            .map(|clock| (clock.kind, clock.target_on, clock.due_on))
            .collect();
        assert_eq!(
            dates,
            [
                (ReportKind::ContractorNotice, Some(day("2027-04-01")), day("2027-04-03")),
                (ReportKind::PpcPreliminary, Some(day("2027-04-04")), day("2027-04-06")),
                (ReportKind::PpcFinal, None, day("2027-05-31")),
            ]
        );
    }

    #[test]
    fn a_minor_incident_holds_no_risk_up() {
        assert_eq!(
            [Severity::Minor, Severity::Major, Severity::Critical].map(is_major),
            [false, true, true]
        );
    }
}
