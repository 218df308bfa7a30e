//! More time (猶予): for which things it can be granted, and until when. The due date stays; mail rests until the last day
//! of the grace ([`super::reminder::paused`]).

use chrono::{Days, NaiveDate};

use super::vocabulary::ObligationKind;

/// The longest grace in days.
const MOST_DAYS: u64 = 30;

/// Why no more time can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGrace {
    /// The date is not the body's to move: a clock of the law, an end of a contract, what somebody else waits for.
    Kind,
    /// The law itself demands one of the clauses.
    Statutory,
    /// It was granted in this cycle already.
    Granted,
    /// Somebody has asked, and waits for the answer.
    Asked,
}

/// What is known about the cycle of a due thing.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// What is due.
    pub kind: ObligationKind,
    /// A clause that the law itself demands is not answered yet.
    pub statutory: bool,
    /// A grace was granted in this cycle.
    pub granted: bool,
    /// A request waits for its answer.
    pub waiting: bool,
}

/// The first and the last day until which time may be asked for.
///
/// # Errors
/// Why it cannot be.
pub fn days(asked: Asked, due_on: NaiveDate, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), NoGrace> {
    if !may_wait(asked.kind) {
        return Err(NoGrace::Kind);
    }
    if asked.statutory {
        return Err(NoGrace::Statutory);
    }
    if asked.granted {
        return Err(NoGrace::Granted);
    }
    if asked.waiting {
        return Err(NoGrace::Asked);
    }
    // Before the due date there is still time, so the grace begins behind it.
    let from = due_on.max(today);
    let after = |days| from.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
    Ok((after(1), after(MOST_DAYS)))
}

/// Whether a delay of this kind harms nobody but the plan.
const fn may_wait(kind: ObligationKind) -> bool {
    match kind {
        ObligationKind::Reverification
        | ObligationKind::CorrectiveAction
        | ObligationKind::Gap
        | ObligationKind::SelfInspection
        | ObligationKind::DocumentReview
        | ObligationKind::AuditFollowUp => true,
        ObligationKind::Evidence
        | ObligationKind::Exception
        | ObligationKind::ContractEnd
        | ObligationKind::NoticeDeadline
        | ObligationKind::ApprovalExpiry
        | ObligationKind::SubcontractExpiry
        | ObligationKind::Handover
        | ObligationKind::MeasureAnswer
        | ObligationKind::StatutoryReport
        | ObligationKind::Incident
        | ObligationKind::AccountTakeover
        | ObligationKind::Webhook => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::reminder::is_immediate;
    use super::super::vocabulary::CodeWord;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const ROUND: Asked = Asked {
        kind: ObligationKind::Reverification,
        statutory: false,
        granted: false,
        waiting: false,
    };

    #[test]
    fn a_grace_lies_behind_the_due_date_and_is_thirty_days_at_most() {
        for (due_on, today, first, last) in [
            ("2027-04-30", "2027-04-01", "2027-05-01", "2027-05-30"),
            ("2027-04-01", "2027-04-01", "2027-04-02", "2027-05-01"),
            ("2027-03-20", "2027-04-01", "2027-04-02", "2027-05-01"),
        ] {
            assert_eq!(days(ROUND, day(due_on), day(today)), Ok((day(first), day(last))));
        }
    }

    #[test]
    fn it_is_granted_once_and_never_for_what_the_law_demands() {
        let asked = |change: fn(&mut Asked)| {
            let mut asked = ROUND;
            change(&mut asked);
            days(asked, day("2027-04-30"), day("2027-04-01")).unwrap_err()
        };
        assert_eq!(asked(|a| a.statutory = true), NoGrace::Statutory);
        assert_eq!(asked(|a| a.granted = true), NoGrace::Granted);
        assert_eq!(asked(|a| a.waiting = true), NoGrace::Asked);
        assert_eq!(asked(|a| a.kind = ObligationKind::ContractEnd), NoGrace::Kind);
        // No clock of the law and nothing that leaves at once can wait.
        for kind in ObligationKind::ALL.iter().filter(|kind| is_immediate(**kind)) {
            assert!(!may_wait(*kind), "{kind}");
        }
    }
}
