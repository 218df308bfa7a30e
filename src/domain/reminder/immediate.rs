//! What cannot wait for a digest: incidents, takeovers and the clocks of the law (design §6).
//!
//! Their mails leave at once, on any day, outside the digest: first on the day on which the clock starts, then by their
//! leads, none of them moved to a business day. Beside the owner they reach those who handle incidents.

use super::super::vocabulary::{ObligationKind, Role};

/// Whether mails about it leave at once.
pub const fn is_immediate(kind: ObligationKind) -> bool {
    !audience(kind).is_empty()
}

/// Who is written to beside the owner, at every step.
pub const fn audience(kind: ObligationKind) -> &'static [Role] {
    match kind {
        ObligationKind::Incident | ObligationKind::StatutoryReport => &[Role::Csirt, Role::Ciso],
        ObligationKind::AccountTakeover => &[Role::Csirt, Role::PublicRelationsOfficer, Role::Ciso],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::calendar::Calendar;
    use super::super::Schedule;
    use super::*;
    use ObligationKind::{AccountTakeover, Incident, StatutoryReport};

    fn sent(kind: ObligationKind, starts_on: &str, due_on: &str) -> Vec<String> {
        let calendar = Calendar::default();
        let schedule = Schedule {
            kind,
            due_on: due_on.parse().unwrap(),
            known_cycle_days: None,
            starts_on: Some(starts_on.parse().unwrap()),
            calendar: &calendar,
            severe: true,
        };
        let steps = schedule.all_steps().take(6);
        steps.map(|step| format!("{} {}", step.key, step.send_on)).collect()
    }

    #[test]
    fn what_cannot_wait_is_sent_from_the_first_day_on_and_on_any_day() {
        // 2027-05-01 is a Saturday, the days to the 5th are closed.
        assert_eq!(
            sent(StatutoryReport, "2027-05-01", "2027-05-05"),
            [
                "lead-4 2027-05-01",
                "lead-3 2027-05-02",
                "lead-1 2027-05-04",
                "overdue-1 2027-05-06",
                "overdue-7 2027-05-12",
                "overdue-14 2027-05-19",
            ]
        );
        assert_eq!(
            sent(Incident, "2027-05-05", "2027-05-05")[..2],
            ["lead-0 2027-05-05", "overdue-1 2027-05-06"]
        );
        assert_eq!(
            sent(AccountTakeover, "2027-05-20", "2027-05-05")[0],
            "overdue-1 2027-05-06",
            "what is registered too late is late at once"
        );
    }

    #[test]
    fn those_who_handle_incidents_read_every_step() {
        let calendar = Calendar::default();
        let schedule = Schedule {
            kind: AccountTakeover,
            due_on: "2027-05-05".parse().unwrap(),
            known_cycle_days: None,
            starts_on: None,
            calendar: &calendar,
            severe: true,
        };
        for step in schedule.all_steps().take(8) {
            for role in audience(AccountTakeover) {
                assert!(step.to.contains(role), "{}: {role}", step.key);
            }
        }
        assert!(!is_immediate(ObligationKind::CorrectiveAction));
    }
}
