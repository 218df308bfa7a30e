//! What is mailed about a due date, on which days, and to which roles.
//!
//! A due date never moves; sending days do: a lead goes out that day or on the business day before, an escalation that
//! day or on the next one. Nothing here knows the present: the planner says what it planned last and asks what follows.
//! Texts, addresses and "never twice" belong to the planner and the mail; the due dates of rounds to [`super::round`].
//! Rules: domain §6, design §6 and §9.

use super::calendar::{Calendar, days_between};
use super::vocabulary::{ObligationKind, Role};
use chrono::{Days, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;

mod immediate;
mod recipients;
mod stage_key;

pub use immediate::{audience, is_immediate};
pub use recipients::resolve;
pub use stage_key::{NotAStageKey, StageKey};

/// What closes an obligation's open cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedBy {
    /// A verification: somebody looked and answered.
    Verification,
    /// A decision about the contract: renew, retender or end.
    Decision,
    /// The work itself: the renewed evidence, the new approval, the ended exception, the finished measure, the accepted
    /// hand-over.
    Work,
}

/// What closes a cycle of this kind.
pub const fn closes_by(kind: ObligationKind) -> ClosedBy {
    match kind {
        ObligationKind::Reverification => ClosedBy::Verification,
        ObligationKind::ContractEnd | ObligationKind::NoticeDeadline => ClosedBy::Decision,
        ObligationKind::Evidence
        | ObligationKind::Exception
        | ObligationKind::ApprovalExpiry
        | ObligationKind::SubcontractExpiry
        | ObligationKind::Gap
        | ObligationKind::CorrectiveAction
        | ObligationKind::Handover
        | ObligationKind::SelfInspection
        | ObligationKind::DocumentReview
        | ObligationKind::AuditFollowUp
        | ObligationKind::MeasureAnswer
        | ObligationKind::StatutoryReport
        | ObligationKind::Incident
        | ObligationKind::AccountTakeover
        | ObligationKind::Webhook => ClosedBy::Work,
    }
}

/// The leads of a kind in days before the due date, longest first.
///
/// A contract's end and an approval's expiry also reach back to the budget request of the autumn before (180, 120);
/// dates that lie close to their cause start later.
pub const fn leads(kind: ObligationKind) -> &'static [u32] {
    match kind {
        ObligationKind::Reverification | ObligationKind::Evidence | ObligationKind::Exception => {
            &[90, 60, 30, 14, 7, 1]
        }
        ObligationKind::ContractEnd | ObligationKind::ApprovalExpiry => &[180, 120, 90, 60, 30, 14, 7, 1],
        ObligationKind::NoticeDeadline | ObligationKind::SubcontractExpiry | ObligationKind::Gap => &[60, 30, 14, 7, 1],
        ObligationKind::SelfInspection | ObligationKind::DocumentReview | ObligationKind::AuditFollowUp => {
            &[30, 14, 7, 1]
        }
        ObligationKind::CorrectiveAction | ObligationKind::MeasureAnswer => &[14, 7, 1],
        // The first one leaves on the day on which it was disabled.
        ObligationKind::Webhook => &[7, 1],
        // The first one leaves on the day of the move itself.
        ObligationKind::Handover => &[15, 7, 1],
        ObligationKind::StatutoryReport | ObligationKind::Incident | ObligationKind::AccountTakeover => &[14, 7, 3, 1],
    }
}

/// The steps of the escalation that a plan shows; from the last one on it repeats every 30 days.
const SHOWN_ESCALATIONS: u32 = 4;

/// The first stages and escalation steps of a due date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Plan {
    /// Mails before the due date, in the order in which they are sent.
    pub stages: Vec<Stage>,
    /// The first four steps after the due date; the last repeats every 30 days.
    pub escalations: Vec<Escalation>,
}

/// A mail before the due date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stage {
    /// Calendar days before the due date.
    pub days_before: u32,
    /// The due date less these days.
    pub nominal_on: NaiveDate,
    /// That day, or the business day before it.
    pub send_on: NaiveDate,
}

/// A mail after the due date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Escalation {
    /// Calendar days after the due date.
    pub days_after: u32,
    /// The due date plus these days.
    pub nominal_on: NaiveDate,
    /// That day, or the business day after it.
    pub send_on: NaiveDate,
    /// The roles that this step adds; the owner always gets a copy.
    pub to: Vec<Role>,
}

/// One thing to send in a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name within the cycle.
    pub key: StageKey,
    /// The business day on which it leaves.
    pub send_on: NaiveDate,
    /// Whom it concerns, the owner first; [`resolve`] makes recipients of it.
    pub to: Vec<Role>,
}

/// The steps that a planner has to deal with today.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueSteps {
    /// Missed and overtaken: recorded as superseded, never sent.
    pub superseded: Vec<Step>,
    /// The one to send.
    pub latest: Option<Step>,
}

/// Everything that decides when mail about one cycle leaves.
#[derive(Debug, Clone, Copy)]
pub struct Schedule<'c> {
    /// What the due date is about.
    pub kind: ObligationKind,
    /// The due date; it may be a closed day.
    pub due_on: NaiveDate,
    /// Days of the round's cycle; only a round's leads are limited, to a third of it.
    pub known_cycle_days: Option<i64>,
    /// No stage is sent before this day; what leaves at once has a stage on it.
    pub starts_on: Option<NaiveDate>,
    /// The closed days of the organization.
    pub calendar: &'c Calendar,
    /// A clause of critical severity on an entry of tier 1: each escalation step reaches one level higher.
    pub severe: bool,
}

/// The plan of a due date; the parameters are the fields of [`Schedule`].
pub fn plan(
    kind: ObligationKind,
    due_on: NaiveDate,
    known_cycle_days: Option<i64>,
    starts_on: Option<NaiveDate>,
    calendar: &Calendar,
    severe: bool,
) -> Plan {
    Schedule {
        kind,
        due_on,
        known_cycle_days,
        starts_on,
        calendar,
        severe,
    }
    .plan()
}

impl<'c> Schedule<'c> {
    /// The stages and the first four escalation steps.
    pub fn plan(&self) -> Plan {
        Plan {
            stages: self.stages(),
            escalations: (0..SHOWN_ESCALATIONS).map_while(|i| self.escalation_step(i)).collect(),
        }
    }

    /// The day itself for what leaves at once, any day; otherwise the business day that `by_business_day` finds.
    fn sent_on(&self, on: NaiveDate, by_business_day: impl Fn(NaiveDate) -> NaiveDate) -> NaiveDate {
        if is_immediate(self.kind) {
            on
        } else {
            by_business_day(on)
        }
    }

    /// The days before the due date on which to write.
    fn leads(&self) -> impl Iterator<Item = u32> + use<> {
        let opening = self
            .starts_on
            .filter(|_| is_immediate(self.kind))
            .and_then(|start| u32::try_from(days_between(start, self.due_on)).ok());
        let later = leads(self.kind).iter().copied();
        opening
            .into_iter()
            .chain(later.filter(move |days| opening.is_none_or(|opening| *days < opening)))
    }

    /// The stages in sending order. Of two leads that land on one day only the smaller stays.
    pub fn stages(&self) -> Vec<Stage> {
        let limit = self
            .known_cycle_days
            .filter(|_| self.kind == ObligationKind::Reverification);
        let mut stages: Vec<Stage> = Vec::new();
        for days_before in self.leads() {
            if limit.is_some_and(|cycle| i64::from(days_before) * 3 > cycle) {
                continue;
            }
            let Some(nominal_on) = self.due_on.checked_sub_days(Days::new(days_before.into())) else {
                continue;
            };
            let send_on = self.sent_on(nominal_on, |on| self.calendar.on_or_before(on));
            if self.starts_on.is_some_and(|start| send_on < start) {
                continue;
            }
            stages.pop_if(|longer| longer.send_on == send_on);
            stages.push(Stage {
                days_before,
                nominal_on,
                send_on,
            });
        }
        stages
    }

    /// The `i`-th step of the escalation, counted from zero: +1, +7, +14, +30, then every 30 days without end.
    /// `None` only where the calendar of the computer ends.
    pub fn escalation_step(&self, i: u32) -> Option<Escalation> {
        let days_after = match i {
            0 => 1,
            1 => 7,
            2 => 14,
            _ => (i - 2).checked_mul(30)?,
        };
        let nominal_on = self.due_on.checked_add_days(Days::new(days_after.into()))?;
        let to: &[Role] = match (i, self.severe) {
            (0, false) => &[Role::Owner, Role::Deputy],
            (0, true) => &[Role::Owner, Role::Deputy, Role::SectionSecurityManager],
            (1, false) => &[Role::SectionSecurityManager],
            (1, true) | (2, false) => &[Role::DivisionSecurityOfficer],
            _ => &[Role::SupervisingSecurityOfficer, Role::Ciso],
        };
        Some(Escalation {
            days_after,
            nominal_on,
            send_on: self.sent_on(nominal_on, |on| self.calendar.on_or_after(on)),
            to: to.to_vec(),
        })
    }

    /// All steps in sending order, without end. Escalation steps that land on one day become one, under the name of
    /// the later and with the roles of both.
    pub fn all_steps(&self) -> impl Iterator<Item = Step> + use<'c> {
        let schedule = *self;
        let leads = schedule.stages().into_iter().map(move |stage| Step {
            key: StageKey::Lead(stage.days_before),
            send_on: stage.send_on,
            to: schedule.owner_and_audience(),
        });
        let mut escalations = (0..).map_while(move |i| schedule.escalation_step(i)).peekable();
        let overdue = std::iter::from_fn(move || {
            let mut last = escalations.next()?;
            let mut to = schedule.owner_and_audience();
            add_roles(&mut to, &last.to);
            while let Some(next) = escalations.next_if(|next| next.send_on == last.send_on) {
                add_roles(&mut to, &next.to);
                last = next;
            }
            Some(Step {
                key: StageKey::Overdue(last.days_after),
                send_on: last.send_on,
                to,
            })
        });
        leads.chain(overdue)
    }

    fn owner_and_audience(&self) -> Vec<Role> {
        let mut to = vec![Role::Owner];
        add_roles(&mut to, audience(self.kind));
        to
    }

    /// The steps that leave on or before a day, in sending order.
    pub fn steps(&self, until: NaiveDate) -> Vec<Step> {
        self.all_steps().take_while(|step| step.send_on <= until).collect()
    }

    /// The step that follows the one planned last; without one, the first of the cycle.
    pub fn next_step_after(&self, after_step: Option<StageKey>) -> Option<Step> {
        self.all_steps()
            .find(|step| after_step.is_none_or(|after| step.key > after))
    }

    /// What is due today beyond the step planned last: after downtime only the latest is sent.
    pub fn due_steps(&self, after_step: Option<StageKey>, today: NaiveDate) -> DueSteps {
        let mut superseded = self.steps(today);
        superseded.retain(|step| after_step.is_none_or(|after| step.key > after));
        let latest = superseded.pop();
        DueSteps { superseded, latest }
    }
}

fn add_roles(to: &mut Vec<Role>, more: &[Role]) {
    for role in more {
        if !to.contains(role) {
            to.push(*role);
        }
    }
}

/// Whether a granted delay holds mail back on this day (its last day included). The due date stays.
pub fn paused(grace_until: Option<NaiveDate>, on: NaiveDate) -> bool {
    grace_until.is_some_and(|until| days_between(on, until) >= 0)
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::CodeWord;
    use super::*;
    use ObligationKind::{CorrectiveAction, Exception, Reverification};
    use Role::{Ciso, Deputy, DivisionSecurityOfficer, Owner, SectionSecurityManager, SupervisingSecurityOfficer};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn on<'c>(kind: ObligationKind, due_on: &str, calendar: &'c Calendar) -> Schedule<'c> {
        Schedule {
            kind,
            due_on: day(due_on),
            known_cycle_days: None,
            starts_on: None,
            calendar,
            severe: false,
        }
    }

    fn keys(steps: &[Step]) -> String {
        steps
            .iter()
            .map(|step| step.key.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn sent_leads(stages: &[Stage]) -> Vec<u32> {
        stages.iter().map(|stage| stage.days_before).collect()
    }

    #[test]
    fn the_plan_matches_the_vectors() {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/reminder.json"));
        let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(vectors.len(), 4);
        let calendar = Calendar::default();
        for vector in vectors {
            let due_on = vector["due"].as_str().unwrap();
            let stages: Vec<_> = vector["reminders"]
                .as_array()
                .unwrap()
                .iter()
                .map(|stage| json!({"days_before": stage[0], "nominal_on": stage[1], "send_on": stage[2]}))
                .collect();
            let escalations: Vec<_> = vector["overdue"]
                .as_array()
                .unwrap()
                .iter()
                .map(|step| {
                    let to = match step[1].as_str().unwrap() {
                        "owner" => json!(["owner", "deputy"]),
                        "section_manager" => json!(["section_security_manager"]),
                        "division_officer" => json!(["division_security_officer"]),
                        "supervising_officer_and_ciso" => json!(["supervising_security_officer", "ciso"]),
                        other => panic!("{other}"),
                    };
                    let nominal_on = day(due_on) + Days::new(step[0].as_u64().unwrap());
                    json!({"days_after": step[0], "nominal_on": nominal_on, "send_on": step[2], "to": to})
                })
                .collect();
            for kind in [Reverification, ObligationKind::Evidence, Exception] {
                let plan = serde_json::to_value(on(kind, due_on, &calendar).plan()).unwrap();
                assert_eq!(
                    plan,
                    json!({"stages": stages, "escalations": escalations}),
                    "{kind} {due_on}"
                );
            }
        }
    }

    #[test]
    fn every_kind_has_descending_leads_and_a_way_to_close() {
        for kind in ObligationKind::ALL {
            assert!(leads(*kind).is_sorted_by(|longer, shorter| longer > shorter), "{kind}");
            assert_eq!(leads(*kind).last(), Some(&1), "{kind}");
            let by_decision = matches!(kind, ObligationKind::ContractEnd | ObligationKind::NoticeDeadline);
            assert_eq!(closes_by(*kind) == ClosedBy::Decision, by_decision, "{kind}");
        }
        let calendar = Calendar::default();
        let stages = on(ObligationKind::ContractEnd, "2027-03-31", &calendar).stages();
        assert_eq!((stages[0].days_before, stages[0].send_on), (180, day("2026-10-02")));
        assert_eq!((stages[1].days_before, stages[1].send_on), (120, day("2026-12-01")));
    }

    #[test]
    fn only_a_round_is_limited_to_a_third_of_its_cycle() {
        let calendar = Calendar::default();
        for (cycle, expected) in [
            (None, &[90, 60, 30, 14, 7, 1][..]),
            (Some(270), &[90, 60, 30, 14, 7, 1]),
            (Some(269), &[60, 30, 14, 7, 1]),
            (Some(181), &[60, 30, 14, 7, 1]),
            (Some(59), &[14, 7, 1]),
            (Some(3), &[1]),
            (Some(0), &[]),
        ] {
            let with = |kind| Schedule {
                known_cycle_days: cycle,
                ..on(kind, "2026-09-17", &calendar)
            };
            assert_eq!(sent_leads(&with(Reverification).stages()), expected, "{cycle:?}");
            assert_eq!(with(Exception).stages().len(), 6, "{cycle:?}");
        }
    }

    #[test]
    fn no_stage_leaves_before_the_start() {
        let calendar = Calendar::default();
        for (starts_on, expected) in [
            ("2026-12-28", &[90, 60, 30, 14, 7, 1][..]),
            ("2026-12-29", &[60, 30, 14, 7, 1]),
            ("2027-03-30", &[1]),
            ("2027-04-01", &[]),
        ] {
            let schedule = Schedule {
                starts_on: Some(day(starts_on)),
                ..on(Reverification, "2027-03-31", &calendar)
            };
            assert_eq!(sent_leads(&schedule.stages()), expected, "{starts_on}");
        }
    }

    #[test]
    fn a_severe_escalation_reaches_one_level_higher_and_repeats_every_30_days() {
        let calendar = Calendar::default();
        let normal = on(Reverification, "2027-03-31", &calendar);
        let severe = Schedule { severe: true, ..normal };
        let top = vec![SupervisingSecurityOfficer, Ciso];
        for (i, days, normal_to, severe_to) in [
            (0, 1, vec![Owner, Deputy], vec![Owner, Deputy, SectionSecurityManager]),
            (1, 7, vec![SectionSecurityManager], vec![DivisionSecurityOfficer]),
            (2, 14, vec![DivisionSecurityOfficer], top.clone()),
            (3, 30, top.clone(), top.clone()),
            (4, 60, top.clone(), top.clone()),
            (14, 360, top.clone(), top.clone()),
        ] {
            let (a, b) = (normal.escalation_step(i).unwrap(), severe.escalation_step(i).unwrap());
            assert_eq!((a.days_after, b.days_after), (days, days));
            assert_eq!((a.to, b.to), (normal_to, severe_to), "step {i}");
        }
        assert_eq!(severe.plan().stages, normal.plan().stages);
        assert_eq!(normal.escalation_step(u32::MAX), None);
    }

    #[test]
    fn escalations_of_one_day_become_one_step_for_everybody() {
        let calendar = Calendar::default();
        // Both +1 and +7 fall on the first open day of the year.
        let steps = on(CorrectiveAction, "2026-12-28", &calendar).steps(day("2027-03-01"));
        assert_eq!(
            keys(&steps),
            "lead-14 lead-7 lead-1 overdue-7 overdue-14 overdue-30 overdue-60"
        );
        assert_eq!(steps[3].send_on, day("2027-01-04"));
        assert_eq!(steps[3].to, [Owner, Deputy, SectionSecurityManager]);
        assert_eq!(steps[4].to, [Owner, DivisionSecurityOfficer]);
    }

    #[test]
    fn after_downtime_only_the_latest_missed_step_is_sent() {
        let calendar = Calendar::default();
        let schedule = on(Reverification, "2027-03-31", &calendar);
        for (after, today, superseded, latest) in [
            (None, "2026-12-27", "", None),
            (None, "2026-12-28", "", Some(StageKey::Lead(90))),
            (Some(StageKey::Lead(90)), "2027-01-28", "", None),
            (
                Some(StageKey::Lead(90)),
                "2027-03-20",
                "lead-60 lead-30",
                Some(StageKey::Lead(14)),
            ),
            (
                Some(StageKey::Lead(7)),
                "2027-04-14",
                "lead-1 overdue-1 overdue-7",
                Some(StageKey::Overdue(14)),
            ),
            (
                Some(StageKey::Overdue(30)),
                "2027-07-01",
                "overdue-60",
                Some(StageKey::Overdue(90)),
            ),
        ] {
            let due = schedule.due_steps(after, day(today));
            assert_eq!(
                (keys(&due.superseded).as_str(), due.latest.map(|step| step.key)),
                (superseded, latest),
                "{today}"
            );
        }
        assert_eq!(schedule.next_step_after(None).unwrap().key, StageKey::Lead(90));
        assert_eq!(
            schedule.next_step_after(Some(StageKey::Lead(1))).unwrap().key,
            StageKey::Overdue(1)
        );
        assert_eq!(
            schedule.next_step_after(Some(StageKey::Overdue(90))).unwrap().key,
            StageKey::Overdue(120)
        );
    }

    #[test]
    fn a_granted_delay_pauses_mail_until_its_last_day() {
        for (grace_until, expected) in [(None, false), (Some("2027-03-30"), false), (Some("2027-03-31"), true)] {
            assert_eq!(
                paused(grace_until.map(day), day("2027-03-31")),
                expected,
                "{grace_until:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn steps_are_ordered_open_days_around_the_due_date(
            offset in 0..2500u64, kind in prop::sample::select(ObligationKind::ALL), cycle in prop::option::of(0..800i64),
            start in prop::option::of(0..2500u64), severe: bool,
        ) {
            let calendar = Calendar::default();
            let due_on = day("2026-01-05") + Days::new(offset);
            let starts_on = start.map(|offset| day("2026-01-05") + Days::new(offset));
            let schedule = Schedule { kind, due_on, known_cycle_days: cycle, starts_on, calendar: &calendar, severe };
            let plan = schedule.plan();
            prop_assert!(plan.stages.is_sorted_by(|a, b| a.send_on < b.send_on));
            // What leaves at once does so on any day, and on the due date if it begins then.
            let at_once = is_immediate(kind);
            let may_send = |on| at_once || calendar.is_open(on);
            for stage in &plan.stages {
                prop_assert!(may_send(stage.send_on) && stage.send_on <= stage.nominal_on);
                prop_assert!(stage.nominal_on < due_on || (at_once && starts_on == Some(due_on)));
                prop_assert!(starts_on.is_none_or(|start| stage.send_on >= start));
                if let (Reverification, Some(cycle)) = (kind, cycle) {
                    prop_assert!(i64::from(stage.days_before) * 3 <= cycle);
                }
            }
            prop_assert_eq!(plan.escalations.len(), 4);
            for step in &plan.escalations {
                prop_assert!(may_send(step.send_on) && step.send_on >= step.nominal_on && step.nominal_on > due_on);
            }
            let steps = schedule.steps(due_on + Days::new(200));
            prop_assert!(steps.is_sorted_by(|a, b| a.send_on < b.send_on && a.key < b.key));
            prop_assert_eq!(&steps, &schedule.steps(due_on + Days::new(200)));
            // Walking from step to step meets every one of them.
            let mut walked = None;
            for step in &steps {
                let next = schedule.next_step_after(walked);
                prop_assert_eq!(next.as_ref(), Some(step));
                walked = Some(step.key);
            }
        }
    }
}
