//! Audits and self-inspections (監査・自己点検): who may audit whom, the order of the days, what an answer needs.

use chrono::NaiveDate;

use super::vocabulary::code_words;

code_words! {
    /// Why an audit is held.
    AuditKind {
        Periodic = "periodic", "定期監査";
        AdHoc = "ad_hoc", "随時監査";
    }
}

code_words! {
    /// Where the follow-up of a finding stands.
    FindingState {
        Open = "open", "対応中";
        Closed = "closed", "完了";
    }
}

code_words! {
    /// How a duty of the policy is kept.
    InspectionAnswer {
        Met = "met", "できている";
        NotMet = "not_met", "できていない";
        NotApplicable = "not_applicable", "該当しない";
    }
}

/// Something that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditFault {
    /// The field.
    pub field: &'static str,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong, in Japanese.
    pub ja: &'static str,
    /// What is wrong, in English.
    pub en: &'static str,
}

/// Who audits, who is audited, and when.
#[derive(Debug, Clone, Copy)]
pub struct AuditPlan<'a> {
    /// The auditor, if they are of the local government.
    pub auditor_person_id: Option<&'a str>,
    /// Whether an auditor from outside is named.
    pub external: bool,
    /// Who answers for what is audited.
    pub auditee_person_id: &'a str,
    /// Its first day.
    pub started_on: Option<NaiveDate>,
    /// Its last day.
    pub finished_on: Option<NaiveDate>,
    /// The day of its report.
    pub reported_on: Option<NaiveDate>,
    /// The present day.
    pub today: NaiveDate,
}

/// Nobody audits themselves, by person; and nothing is reported before it is finished.
pub fn check_audit(plan: &AuditPlan<'_>) -> Vec<AuditFault> {
    let mut faults = vec![];
    if plan.auditor_person_id.is_some() == plan.external {
        faults.push(AuditFault {
            field: "auditor_person_id",
            code: "one_of_two",
            ja: "auditor_person_id か external_auditor のどちらか一方を指定してください。",
            en: "Give either auditor_person_id or external_auditor.",
        });
    }
    if plan.auditor_person_id == Some(plan.auditee_person_id) {
        faults.push(SELF_AUDIT);
    }
    let mut before: Option<NaiveDate> = None;
    let days = [
        ("started_on", plan.started_on),
        ("finished_on", plan.finished_on),
        ("reported_on", plan.reported_on),
    ];
    for (n, (field, on)) in days.into_iter().enumerate() {
        let Some(on) = on else {
            before = None;
            continue;
        };
        if on > plan.today {
            faults.push(AuditFault {
                field,
                code: "out_of_range",
                ja: "今日以前の日にしてください。",
                en: "It must not be in the future.",
            });
        } else if n > 0 && before.is_none_or(|before| on < before) {
            faults.push(AuditFault {
                field,
                code: "date_order",
                ja: "開始・終了・報告の順に、前の日以後の日を入れてください。",
                en: "Start, end and report follow one another.",
            });
        }
        before = Some(on);
    }
    faults
}

/// The auditor is somebody else than the one who is audited.
pub const SELF_AUDIT: AuditFault = AuditFault {
    field: "auditor_person_id",
    code: "auditor_is_auditee",
    ja: "監査を受ける人は監査人になれません。別の人にしてください。",
    en: "Whoever is audited cannot audit; name somebody else.",
};

/// What is said about a duty.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// The answer.
    pub answer: InspectionAnswer,
    /// A reason is given.
    pub has_reason: bool,
    /// An improvement is given.
    pub has_improvement: bool,
    /// The improvement has its day.
    pub has_improvement_due: bool,
}

/// A duty that does not apply needs its reason, one that is not kept its improvement and by when.
pub fn check_answer(said: Said) -> Vec<AuditFault> {
    let mut faults = vec![];
    if said.answer == InspectionAnswer::NotApplicable && !said.has_reason {
        faults.push(AuditFault {
            field: "reason",
            code: "required",
            ja: "該当しない理由を書いてください。",
            en: "Say why it does not apply.",
        });
    }
    let needed = said.answer == InspectionAnswer::NotMet;
    for (given, field) in [
        (said.has_improvement, "improvement"),
        (said.has_improvement_due, "improvement_due_on"),
    ] {
        if needed && !given {
            faults.push(AuditFault {
                field,
                code: "required",
                ja: "できていない事項には、改善の内容と期限を入れてください。",
                en: "What is not met needs an improvement and its date.",
            });
        } else if given && !needed {
            faults.push(AuditFault {
                field,
                code: "only_when_not_met",
                ja: "改善は、できていない事項にだけ入れてください。",
                en: "An improvement belongs to what is not met.",
            });
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }

    #[test]
    fn nobody_audits_themselves_and_the_days_follow_one_another() {
        let cases: [(&str, bool, [&str; 3], &[&str]); 10] = [
            ("a", false, ["", "", ""], &[]),
            ("", true, ["2027-04-01", "2027-04-05", "2027-04-05"], &[]),
            ("", false, ["", "", ""], &["auditor_person_id one_of_two"]),
            ("a", true, ["", "", ""], &["auditor_person_id one_of_two"]),
            ("b", false, ["", "", ""], &["auditor_person_id auditor_is_auditee"]),
            (
                "a",
                false,
                ["2027-04-05", "2027-04-01", ""],
                &["finished_on date_order"],
            ),
            ("a", false, ["", "2027-04-01", ""], &["finished_on date_order"]),
            (
                "a",
                false,
                ["2027-04-01", "", "2027-04-05"],
                &["reported_on date_order"],
            ),
            ("a", false, ["2027-04-11", "", ""], &["started_on out_of_range"]),
            (
                "a",
                false,
                ["2027-04-01", "2027-04-02", "2027-04-01"],
                &["reported_on date_order"],
            ),
        ];
        for (auditor, external, [started, finished, reported], expected) in cases {
            let plan = AuditPlan {
                auditor_person_id: Some(auditor).filter(|id| !id.is_empty()),
                external,
                auditee_person_id: "b",
                started_on: day(started),
                finished_on: day(finished),
                reported_on: day(reported),
                today: day("2027-04-10").unwrap(),
            };
            let found: Vec<_> = check_audit(&plan)
                .iter()
                .map(|f| format!("{} {}", f.field, f.code))
                .collect();
            assert_eq!(found, expected, "{plan:?}");
        }
    }

    #[test]
    fn an_answer_says_what_it_needs_to() {
        use InspectionAnswer::{Met, NotApplicable, NotMet};
        for (answer, given, expected) in [
            (Met, "", &[][..]),
            (Met, "reason", &[]),
            (Met, "improvement", &["improvement only_when_not_met"]),
            (NotApplicable, "", &["reason required"]),
            (NotApplicable, "reason", &[]),
            (NotApplicable, "reason due", &["improvement_due_on only_when_not_met"]),
            (NotMet, "", &["improvement required", "improvement_due_on required"]),
            (NotMet, "improvement", &["improvement_due_on required"]),
            (NotMet, "improvement due", &[]),
        ] {
            let said = Said {
                answer,
                has_reason: given.contains("reason"),
                has_improvement: given.contains("improvement"),
                has_improvement_due: given.contains("due"),
            };
            let found: Vec<_> = check_answer(said)
                .iter()
                .map(|f| format!("{} {}", f.field, f.code))
                .collect();
            assert_eq!(found, expected, "{said:?}");
        }
    }
}
