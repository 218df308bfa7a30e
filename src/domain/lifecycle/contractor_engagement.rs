//! The life of a commissioned work (業務委託): select, contract with the security requirements, perform under
//! confirmation, end with everything returned or erased (MIC guideline 8.1, 8.2; the chain of all five seeds).
//!
//! `draft → under_selection → selected → contracted → in_performance ⇄ suspended → closing → closed`, aside
//! `not_selected` and `cancelled`. Clause gates are the catalogue's; guards are explained in [`super::guard`].

use super::clause_gate::Since;
use super::guard::Guard;
use super::situation::Cause;
use super::situation::Precondition::{
    AssemblyResolved, CandidateChecked, ContractorSet, CorporateNumberValid, CorrectiveActionsClosed, DeputySet,
    EvidenceAttached, LeasedEquipmentErased, NotDebarred, NothingHandedOver, OwnerSet, SelectionConditionsSet,
    StandardTermsKept, SubcontractListRefreshed, SubcontractsAsStated, SubcontractsPermitted, VerifierNotSupplier,
};
use super::{Lifecycle, Target, Transition};
use crate::domain::vocabulary::{Kind, LegalForm, Role, Status};

const KIND: Kind = Kind::ContractorEngagement;

/// Staff of the section that has the work done, the owner and deputy of the entry among them.
pub(super) const SECTION: &[Role] = &[Role::SectionStaff, Role::Owner, Role::Deputy];
/// The head of the section; if the post is empty or taken by the actor, anybody above.
pub(super) const SECTION_MANAGER_OR_ABOVE: &[Role] = &[
    Role::SectionSecurityManager,
    Role::DivisionSecurityOfficer,
    Role::SupervisingSecurityOfficer,
    Role::Ciso,
];

/// Approval by inherent tier: the officer of the tier or one above.
const APPROVERS: [&[Role]; 4] = [
    &[Role::Ciso],
    &[Role::SupervisingSecurityOfficer, Role::Ciso],
    &[
        Role::DivisionSecurityOfficer,
        Role::SupervisingSecurityOfficer,
        Role::Ciso,
    ],
    SECTION_MANAGER_OR_ABOVE,
];

pub(super) static LIFECYCLE: Lifecycle = Lifecycle {
    statuses: &[
        Status::Draft,
        Status::UnderSelection,
        Status::Selected,
        Status::Contracted,
        Status::InPerformance,
        Status::Suspended,
        Status::Closing,
        Status::Closed,
        Status::NotSelected,
        Status::Cancelled,
    ],
    registrable: &[
        Status::Contracted,
        Status::InPerformance,
        Status::Suspended,
        Status::Closing,
    ],
    transitions: &[
        row(
            "submit_for_selection",
            "選定に付す",
            "Submit for selection",
            &[Status::Draft],
            Target::To(Status::UnderSelection),
        )
        .by(SECTION)
        .guarded(&[
            Guard::FactsKnown,
            Guard::Is(OwnerSet),
            Guard::Is(DeputySet),
            Guard::Is(SelectionConditionsSet),
        ]),
        row(
            "select",
            "選定する",
            "Select",
            &[Status::UnderSelection],
            Target::To(Status::Selected),
        )
        .by(&[Role::ProcurementOfficer])
        .approving()
        .guarded(&[
            Guard::Is(ContractorSet),
            Guard::Is(CorporateNumberValid),
            Guard::Is(NotDebarred),
            Guard::Is(CandidateChecked),
            Guard::ConfirmedBy(SECTION_MANAGER_OR_ABOVE),
        ]),
        row(
            "reject",
            "選定しない",
            "Do not select",
            &[Status::UnderSelection],
            Target::To(Status::NotSelected),
        )
        .by(&[Role::ProcurementOfficer]),
        row(
            "conclude_contract",
            "契約を締結する",
            "Conclude the contract",
            &[Status::Selected],
            Target::To(Status::Contracted),
        )
        .by(&[Role::ProcurementOfficer])
        .guarded(&[
            Guard::ContractPeriod,
            Guard::OfForm(LegalForm::DesignatedManagement, AssemblyResolved),
            Guard::OfForm(LegalForm::StandardTerms, StandardTermsKept),
        ]),
        row(
            "start_performance",
            "履行を開始する",
            "Start performance",
            &[Status::Contracted],
            Target::To(Status::InPerformance),
        )
        .by(&[Role::SectionSecurityManager])
        .approving()
        .guarded(&[
            Guard::ApprovedForTier(&APPROVERS),
            Guard::Is(SubcontractsPermitted),
            Guard::Is(SubcontractsAsStated),
        ]),
        row(
            "record_verification",
            "確認を記録する",
            "Record a verification",
            &[Status::InPerformance],
            Target::Stay,
        )
        .by(&[
            Role::SectionSecurityManager,
            Role::SystemManager,
            Role::ProcurementOfficer,
            Role::DivisionSecurityOfficer,
            Role::Owner,
        ])
        .guarded(&[
            Guard::ClauseVerifier,
            Guard::Is(EvidenceAttached),
            Guard::Is(VerifierNotSupplier),
        ]),
        row(
            "suspend",
            "履行を停止する",
            "Suspend",
            &[Status::InPerformance],
            Target::To(Status::Suspended),
        )
        .by(&[Role::DivisionSecurityOfficer, Role::Csirt])
        .guarded(&[Guard::CauseIn(&[
            Cause::Incident,
            Cause::Misuse,
            Cause::UnremediedBreach,
        ])]),
        row(
            "resume",
            "履行を再開する",
            "Resume",
            &[Status::Suspended],
            Target::To(Status::InPerformance),
        )
        .by(&[Role::DivisionSecurityOfficer])
        .guarded(&[Guard::Is(CorrectiveActionsClosed)]),
        row(
            "renew",
            "契約を更新する",
            "Renew for the next period",
            &[Status::InPerformance],
            Target::Stay,
        )
        .by(&[Role::ProcurementOfficer])
        .guarded(&[
            Guard::VerifiedSince("performance-verification", Since::PeriodStart),
            Guard::NextPeriod,
            Guard::Reagreed,
            Guard::Is(SubcontractListRefreshed),
            Guard::Is(SubcontractsPermitted),
            Guard::Is(SubcontractsAsStated),
            Guard::OfForm(LegalForm::DesignatedManagement, AssemblyResolved),
            Guard::OfForm(LegalForm::StandardTerms, StandardTermsKept),
        ]),
        row(
            "amend",
            "契約を変更する",
            "Amend the contract",
            &[Status::Contracted, Status::InPerformance, Status::Suspended],
            Target::Stay,
        )
        .by(&[Role::ProcurementOfficer])
        .guarded(&[Guard::ContractPeriod]),
        // From `contracted` too: what was handed over before the start has to come back, and `cancel` refuses then.
        row(
            "begin_closing",
            "終了手続を始める",
            "Begin closing",
            &[Status::Contracted, Status::InPerformance, Status::Suspended],
            Target::To(Status::Closing),
        )
        .by(&[Role::SectionSecurityManager])
        .guarded(&[Guard::EndReachedOr(&[Cause::Breach, Cause::Expiry, Cause::Convenience])]),
        row(
            "complete_closing",
            "終了する",
            "Complete closing",
            &[Status::Closing],
            Target::To(Status::Closed),
        )
        .by(&[Role::SectionSecurityManager])
        .guarded(&[Guard::OfForm(LegalForm::Lease, LeasedEquipmentErased)]),
        row(
            "cancel",
            "取り消す",
            "Cancel",
            &[
                Status::Draft,
                Status::UnderSelection,
                Status::Selected,
                Status::Contracted,
            ],
            Target::To(Status::Cancelled),
        )
        .by(&[Role::SectionSecurityManager])
        .guarded(&[Guard::Is(NothingHandedOver)]),
    ],
};

/// What a legal form calls a step, where that is not what a contract calls it.
pub(super) fn title(key: &str, form: LegalForm) -> Option<(&'static str, &'static str)> {
    use LegalForm::{Agreement, Contract, DesignatedManagement, Lease, StandardTerms};
    Some(match (form, key) {
        (DesignatedManagement, "select") => ("指定管理者の候補者を選定する", "Select the candidate to designate"),
        (DesignatedManagement, "conclude_contract") => {
            ("指定し、協定を締結する", "Designate, and conclude the agreement")
        }
        (DesignatedManagement, "renew") => ("次の期間について指定する", "Designate for the next period"),
        (DesignatedManagement, "begin_closing") => ("指定の終了手続を始める", "Begin the end of the designation"),
        (DesignatedManagement | Agreement, "amend") => ("協定を変更する", "Amend the agreement"),
        (Agreement, "conclude_contract") => ("協定を締結する", "Conclude the agreement"),
        (Agreement, "renew") => ("協定を更新する", "Renew the agreement"),
        (Lease, "conclude_contract") => ("賃貸借契約を締結する", "Conclude the lease"),
        (Lease, "start_performance") => ("機器の使用を開始する", "Start the use of the equipment"),
        (Lease, "complete_closing") => ("機器を返却し、終了する", "Return the equipment and complete closing"),
        (StandardTerms, "conclude_contract") => ("約款により申し込む", "Apply under the standard terms"),
        (StandardTerms, "amend") => ("約款の変更を受け入れる", "Accept changed terms"),
        // A contract is what the table speaks of.
        (Contract | DesignatedManagement | Agreement | Lease | StandardTerms, _) => return None,
    })
}

const fn row(key: &'static str, ja: &'static str, en: &'static str, from: &'static [Status], to: Target) -> Transition {
    Transition::new(KIND, key, ja, en, from, to)
}

#[cfg(test)]
mod tests {
    use super::super::situation::fixture::{day, every_condition, well_prepared};
    use super::super::{Actor, Refusal, Situation, Standing, apply, transition_keys, transitions};
    use super::*;
    use crate::domain::catalogue::Catalogue;
    use crate::domain::vocabulary::{CodeWord, FulfilmentStatus, RequirementLevel};
    use Status::{
        Cancelled, Closed, Closing, Contracted, Draft, InPerformance, NotSelected, Selected, Suspended, UnderSelection,
    };

    #[test]
    fn the_table_is_the_one_of_the_rules() {
        let expected: &[(&str, &[Status], Option<Status>)] = &[
            ("submit_for_selection", &[Draft], Some(UnderSelection)),
            ("select", &[UnderSelection], Some(Selected)),
            ("reject", &[UnderSelection], Some(NotSelected)),
            ("conclude_contract", &[Selected], Some(Contracted)),
            ("start_performance", &[Contracted], Some(InPerformance)),
            ("record_verification", &[InPerformance], None),
            ("suspend", &[InPerformance], Some(Suspended)),
            ("resume", &[Suspended], Some(InPerformance)),
            ("renew", &[InPerformance], None),
            ("amend", &[Contracted, InPerformance, Suspended], None),
            ("begin_closing", &[Contracted, InPerformance, Suspended], Some(Closing)),
            ("complete_closing", &[Closing], Some(Closed)),
            (
                "cancel",
                &[Draft, UnderSelection, Selected, Contracted],
                Some(Cancelled),
            ),
        ];
        assert_eq!(
            transition_keys(KIND),
            expected.iter().map(|row| row.0).collect::<Vec<_>>()
        );
        for (key, from, to) in expected {
            let row = transitions(KIND).iter().find(|row| row.key == *key).unwrap();
            assert_eq!(row.from, *from, "{key}");
            assert_eq!(row.to, to.map_or(Target::Stay, Target::To), "{key}");
        }
    }

    /// Every clause of the kind, all in this status.
    fn clauses(catalogue: &Catalogue, status: FulfilmentStatus) -> Vec<Standing<'_>> {
        let of_kind = catalogue
            .clauses
            .iter()
            .filter(|clause| clause.applies_to.contains(&KIND));
        let standing = |clause| Standing {
            clause,
            level: RequirementLevel::Mandatory,
            status,
            exception_expires_on: None,
            verified_on: Some(day(2028, 1, 15)),
            agreed_in_next_period: true,
        };
        of_kind.map(standing).collect()
    }

    #[test]
    fn clause_gates_are_those_of_the_catalogue() {
        let (catalogue, met) = (Catalogue::embedded().unwrap(), every_condition());
        let gated = |from, key, status| {
            let clauses = clauses(&catalogue, status);
            match apply(
                KIND,
                from,
                key,
                &Situation {
                    clauses: &clauses,
                    ..well_prepared(&met)
                },
            ) {
                Ok(_) => Vec::new(),
                Err(Refusal::Unmet(unmet)) => {
                    let numbers = unmet.iter().filter(|unmet| unmet.code == "clause_below_gate");
                    numbers
                        .map(|unmet| catalogue.clause(unmet.clause_key.as_deref().unwrap()).unwrap().number)
                        .collect()
                }
                Err(other) => panic!("{other:?}"),
            }
        };
        let (missing, agreed) = (FulfilmentStatus::Missing, FulfilmentStatus::Agreed);
        assert_eq!(gated(UnderSelection, "select", agreed), [14]);
        assert_eq!(gated(UnderSelection, "select", missing), [14, 15, 16, 17]);
        assert_eq!(gated(Contracted, "start_performance", agreed), [2, 20, 21, 22]);
        assert_eq!(gated(Closing, "complete_closing", agreed), [9, 23, 25, 27]);
        assert_eq!(gated(InPerformance, "renew", agreed), [26]);
        assert_eq!(gated(Selected, "conclude_contract", agreed), [0; 0]);
        for row in transitions(KIND) {
            for from in row.from {
                assert_eq!(gated(*from, row.key, FulfilmentStatus::Verified), [0; 0], "{}", row.key);
            }
        }
    }

    #[test]
    fn every_verifier_of_a_clause_may_record_a_verification() {
        let catalogue = Catalogue::embedded().unwrap();
        let row = transitions(KIND)
            .iter()
            .find(|row| row.key == "record_verification")
            .unwrap();
        for clause in catalogue
            .clauses
            .iter()
            .filter(|clause| clause.applies_to.contains(&KIND))
        {
            assert!(
                row.who.allows(&[clause.verifier_role]),
                "{} {}",
                clause.key,
                clause.verifier_role
            );
        }
        assert!(
            row.who.allows(&[Role::Owner]),
            "the owner stands in for an empty verifier role"
        );
    }

    #[test]
    fn a_tier_one_work_starts_with_the_approval_of_the_ciso_attached() {
        let met = every_condition();
        let manager = Actor {
            person_id: "manager",
            roles: &[Role::SectionSecurityManager],
        };
        let start = |tier, approvals| {
            let situation = Situation {
                actor: Some(manager),
                tier,
                approvals,
                ..well_prepared(&met)
            };
            apply(KIND, Contracted, "start_performance", &situation)
        };
        assert_eq!(start(4, &[]), Ok(InPerformance));
        for tier in [1, 2, 3] {
            let Err(Refusal::Unmet(unmet)) = start(tier, &[]) else {
                panic!("tier {tier}")
            };
            assert_eq!(
                unmet.iter().map(|unmet| unmet.code).collect::<Vec<_>>(),
                ["approval_missing"]
            );
            assert!(unmet[0].roles.contains(&Role::Ciso));
        }
        let ciso = [super::super::Approval {
            role: Role::Ciso,
            person_id: Some("ciso"),
        }];
        assert_eq!(start(1, &ciso), Ok(InPerformance));
    }

    #[test]
    fn a_legal_form_has_its_own_guards_and_names() {
        let all = every_condition();
        let without = |condition| all.iter().copied().filter(|c| *c != condition).collect::<Vec<_>>();
        for (form, from, key, condition) in [
            (
                LegalForm::DesignatedManagement,
                Selected,
                "conclude_contract",
                AssemblyResolved,
            ),
            (
                LegalForm::DesignatedManagement,
                InPerformance,
                "renew",
                AssemblyResolved,
            ),
            (
                LegalForm::StandardTerms,
                Selected,
                "conclude_contract",
                StandardTermsKept,
            ),
            (LegalForm::Lease, Closing, "complete_closing", LeasedEquipmentErased),
        ] {
            let met = without(condition);
            for other in LegalForm::ALL {
                let situation = Situation {
                    legal_form: Some(*other),
                    ..well_prepared(&met)
                };
                let passes = apply(KIND, from, key, &situation).is_ok();
                assert_eq!(passes, *other != form, "{key} {other}");
            }
        }
        for row in transitions(KIND) {
            assert_eq!(super::title(row.key, LegalForm::Contract), None);
        }
        let named = |form, key: &str| super::title(key, form).map(|(ja, _)| ja);
        assert_eq!(
            named(LegalForm::Lease, "conclude_contract"),
            Some("賃貸借契約を締結する")
        );
        assert_eq!(named(LegalForm::Lease, "select"), None);
    }

    #[test]
    fn csirt_may_suspend_and_not_resume() {
        let met = every_condition();
        let csirt = Situation {
            actor: Some(Actor {
                person_id: "csirt",
                roles: &[Role::Csirt],
            }),
            ..well_prepared(&met)
        };
        assert_eq!(apply(KIND, InPerformance, "suspend", &csirt), Ok(Suspended));
        assert!(matches!(
            apply(KIND, Suspended, "resume", &csirt),
            Err(Refusal::NotAllowed { .. })
        ));
    }

    #[test]
    fn each_guard_of_each_transition_can_refuse() {
        let met = every_condition();
        let bare = Situation {
            actor: well_prepared(&met).actor,
            ..Situation::new(day(2027, 4, 1), &[], None)
        };
        for row in transitions(KIND) {
            let Err(Refusal::Unmet(unmet)) = apply(KIND, row.from[0], row.key, &bare) else {
                panic!("{}", row.key)
            };
            let items: Vec<_> = unmet.iter().filter_map(|unmet| unmet.item.as_deref()).collect();
            for guard in row.guards {
                if let Guard::Is(condition) = guard {
                    assert!(items.contains(&condition.code()), "{} {condition}", row.key);
                }
            }
        }
    }
}
