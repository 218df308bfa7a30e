//! The five policies and `default`, each part compared with what the policies say.

use super::*;
use crate::domain::facts::{Availability, Confidentiality, Integrity};

const BODIES: [&str; 5] = [
    "motosu",
    "kashiwa_election",
    "kanagawa_coop",
    "miyako",
    "kagoshima_assembly",
];

/// The requirement matrix, rows 1 to 18: where each body's policy states the duty, or "–".
const MATRIX: [(DutyKey, [&str; 5]); 18] = [
    (
        DutyKey::OrganizationsCovered,
        ["4-1、別表1、別表2", "–", "4(1)", "第4条(1)", "4"],
    ),
    (DutyKey::BoundPersons, ["位置付け、5", "5", "5", "第5条", "4、5"]),
    (
        DutyKey::AssetScope,
        [
            "4-2(1)から(3)まで、2-15",
            "4①から③まで",
            "4(2)①から③まで",
            "第4条(2)①から③まで",
            "2(1)①から③まで",
        ],
    ),
    (
        DutyKey::OrganizationAndRoles,
        ["6-1、2-14", "–", "6(1)", "第6条(1)", "6(1)"],
    ),
    (DutyKey::Classification, ["6-2", "6(1)", "–", "第6条(2)", "6(2)"]),
    (
        DutyKey::NetworkZones,
        [
            "2-9から2-13まで、6-3(1)から(3)まで",
            "2(8)から(12)まで、6(2)①から③まで",
            "2(5)、2(6)、6(2)①②",
            "第2条(8)から(12)まで、第6条(3)①から③まで",
            "2(12)、6(3)",
        ],
    ),
    (
        DutyKey::ContractorChain,
        [
            "6-8 第1段落",
            "6(7) 第1段落",
            "6(7) 第1段落",
            "第6条(8) 第1段落",
            "6(8) 第1段落",
        ],
    ),
    (
        DutyKey::OutsourcingWording,
        [
            "3(2)、6-7、6-8",
            "6(6)、6(7)、3(2)",
            "6(7)、3(2)",
            "第6条(7)、第6条(8)",
            "6(7)、6(8)",
        ],
    ),
    (
        DutyKey::CloudUsage,
        [
            "6-8 第2段落",
            "6(7) 第2段落",
            "6(7) 第2段落",
            "第6条(8) 第2段落",
            "6(8) 第2段落",
        ],
    ),
    (
        DutyKey::SocialMediaUsage,
        ["–", "6(7) 第3段落", "–", "第6条(8) 第3段落", "6(8) 第3段落"],
    ),
    (DutyKey::Operation, ["6-7", "6(6)", "6(6)①", "第6条(7)", "6(7)"]),
    (
        DutyKey::EmergencyResponse,
        ["位置付け、6-7", "6(6)", "6(6)②", "第6条(7)", "6(7)"],
    ),
    (
        DutyKey::AuditAndSelfInspection,
        ["7", "6(8)、7", "6(8)、7", "第7条", "6(9)、7"],
    ),
    (DutyKey::PolicyReview, ["8", "6(8)、8", "6(8)、8", "第8条", "6(9)、8"]),
    (DutyKey::ControlStandard, ["9", "9", "9", "第9条", "9"]),
    (DutyKey::IndividualStandard, ["10", "–", "–", "–", "–"]),
    (DutyKey::NonDisclosedDocuments, ["10、11", "10", "–", "第10条", "10"]),
    (
        DutyKey::SpecificPersonalInformationRegulation,
        ["–", "–", "–", "第11条", "–"],
    ),
];

fn profile(key: &str) -> Profile {
    find(&all().unwrap(), key).unwrap().clone()
}

#[test]
fn the_duties_are_those_of_the_matrix() {
    assert!(MATRIX.iter().map(|(key, _)| key).eq(DutyKey::ALL));
    for (at, body) in BODIES.into_iter().enumerate() {
        let profile = profile(body);
        for (key, sections) in MATRIX {
            let section = profile.duty(key).map_or("–", |duty| &duty.section);
            assert_eq!(section, sections[at], "{body} {key}");
        }
        assert!(
            profile.duties.iter().all(|duty| duty.basis == TextBasis::Primary),
            "{body}"
        );
    }
}

#[test]
fn the_covered_organizations_are_those_of_each_policy() {
    use OrganizationKind as O;
    let committees = [
        O::BoardOfEducation,
        O::ElectionCommission,
        O::AuditCommittee,
        O::AgriculturalCommittee,
        O::PropertyValuationCommittee,
    ];
    let cases = [
        (
            "motosu",
            [&[O::MayorOffice, O::Assembly], committees.as_slice()].concat(),
        ),
        ("kashiwa_election", vec![O::ElectionCommission]),
        (
            "kanagawa_coop",
            vec![O::PartialAffairsAssociation, O::AuditCommittee, O::Assembly],
        ),
        (
            "miyako",
            [
                &[O::MayorOffice, O::PublicEnterprise],
                committees.as_slice(),
                &[O::Assembly],
            ]
            .concat(),
        ),
        ("kagoshima_assembly", vec![O::Assembly]),
    ];
    for (body, kinds) in cases {
        let profile = profile(body);
        assert_eq!(
            profile.organizations.iter().map(|o| o.kind).collect::<Vec<_>>(),
            kinds,
            "{body}"
        );
        for organization in &profile.organizations {
            assert!(
                organization.name.starts_with(&profile.local_government.name),
                "{}",
                organization.name
            );
        }
    }
}

#[test]
fn every_kind_can_be_registered_and_only_the_cited_source_changes() {
    for body in BODIES {
        let profile = profile(body);
        for (kind, duty) in [
            (Kind::ContractorEngagement, DutyKey::ContractorChain),
            (Kind::CloudService, DutyKey::CloudUsage),
            (Kind::SocialMediaAccount, DutyKey::SocialMediaUsage),
        ] {
            let module = profile.module(kind);
            if let Some(duty) = profile.duty(duty) {
                assert_eq!(
                    (module.ground, &module.section),
                    (Ground::BasicPolicy, &duty.section),
                    "{body} {kind}"
                );
                assert_eq!(
                    module.document,
                    profile.document(DocumentKind::BasicPolicy).unwrap().title
                );
            } else {
                assert!(["motosu", "kanagawa_coop"].contains(&body) && kind == Kind::SocialMediaAccount);
                assert_eq!(module.ground, Ground::ControlStandard);
                assert_eq!(
                    (module.document.as_str(), module.section.as_str()),
                    ("総務省ガイドライン", "対策基準 6.1(22)")
                );
            }
        }
    }
    let default = profile("default");
    assert!(
        Kind::ALL
            .iter()
            .all(|kind| default.module(*kind).ground == Ground::ControlStandard)
    );
}

#[test]
fn zones_are_those_of_each_policy() {
    use Zone::{Internet, Lgwan, MyNumber, Standalone};
    for (body, zones) in [
        ("motosu", vec![MyNumber, Lgwan, Internet]),
        ("kashiwa_election", vec![MyNumber, Lgwan, Internet]),
        ("kanagawa_coop", vec![MyNumber, Internet]),
        ("miyako", vec![MyNumber, Lgwan, Internet]),
        ("kagoshima_assembly", vec![Internet]),
        ("default", vec![MyNumber, Lgwan, Internet, Standalone]),
    ] {
        let profile = profile(body);
        assert_eq!(profile.zones(), zones, "{body}");
        // A policy defines the My Number only where it has a zone for it.
        assert_eq!(
            profile.my_number_definition.is_some(),
            zones.contains(&MyNumber),
            "{body}"
        );
    }
    assert!(
        profile("kanagawa_coop")
            .my_number_definition
            .unwrap()
            .text
            .contains("所得税及び地方税")
    );
}

#[test]
fn unclassified_entries_have_defaults_only_where_the_policy_has_no_classification() {
    let defaults = FactDefaults {
        confidentiality: Some(Confidentiality::C2),
        integrity: Some(Integrity::I1),
        availability: Some(Availability::A1),
        confidentiality_with_personal_information: Some(Confidentiality::C3b),
    };
    for (body, has_defaults) in [
        ("motosu", false),
        ("kashiwa_election", false),
        ("kanagawa_coop", true),
        ("miyako", false),
        ("kagoshima_assembly", false),
        ("default", true),
    ] {
        let expected = if has_defaults {
            defaults.clone()
        } else {
            FactDefaults::default()
        };
        assert!(profile(body).fact_defaults() == expected, "{body}");
    }
}

#[test]
fn restricted_documents_are_those_of_rows_16_to_18() {
    use DocumentKind as D;
    for (body, restricted) in [
        ("motosu", vec![D::IndividualStandard, D::ImplementationProcedure]),
        ("kashiwa_election", vec![D::ImplementationProcedure]),
        ("kanagawa_coop", vec![]),
        ("miyako", vec![D::ImplementationProcedure]),
        (
            "kagoshima_assembly",
            vec![D::ControlStandard, D::ImplementationProcedure],
        ),
        ("default", vec![D::ImplementationProcedure]),
    ] {
        let profile = profile(body);
        let documents = profile
            .documents
            .iter()
            .filter(|document| document.visibility == Visibility::Restricted);
        assert_eq!(
            documents.map(|document| document.kind).collect::<Vec<_>>(),
            restricted,
            "{body}"
        );
        let managed = profile.document(D::SpecificPersonalInformationRegulation);
        assert_eq!(
            managed.map(|document| document.section.as_str()),
            (body == "miyako").then_some("第11条")
        );
    }
    assert!(profile("kanagawa_coop").document(D::ImplementationProcedure).is_none());
    assert!(
        profile("miyako")
            .document(D::OutsourcingRegulation)
            .is_some_and(|d| d.section == "第6条(8) 第2段落")
    );
}

#[test]
fn emergencies_audits_and_reviews_are_worded_as_each_policy_does() {
    use AuditOccasion::{PeriodicAndAsNeeded as And, PeriodicOrAsNeeded as Or};
    use EmergencyForm::{Measures, Plan};
    for (body, form, occasion, risk_analysis) in [
        ("motosu", Plan, And, true),
        ("kashiwa_election", Plan, Or, true),
        ("kanagawa_coop", Measures, Or, false),
        ("miyako", Plan, Or, true),
        ("kagoshima_assembly", Measures, Or, true),
    ] {
        let profile = profile(body);
        assert_eq!(
            (profile.emergency.form, profile.audit.occasion),
            (form, occasion),
            "{body}"
        );
        assert_eq!(profile.review.risk_analysis, risk_analysis, "{body}");
        assert_eq!(
            profile.document(DocumentKind::EmergencyResponsePlan).is_some(),
            form == Plan,
            "{body}"
        );
    }
}

#[test]
fn labels_and_titles_are_the_body_s_own() {
    for (body, work, contractor) in [
        ("motosu", "業務委託等", "業務委託事業者等"),
        ("kashiwa_election", "業務委託", "委託事業者"),
        ("kanagawa_coop", "業務委託", "委託事業者"),
        ("miyako", "業務委託", "委託事業者"),
        ("kagoshima_assembly", "業務委託", "委託事業者"),
    ] {
        let profile = profile(body);
        assert_eq!(profile.label(Kind::ContractorEngagement), work, "{body}");
        assert_eq!(profile.labels.contractor.text, contractor, "{body}");
    }
    let miyako = profile("miyako").labels.contractor_engagement.wordings;
    assert!(
        miyako
            .iter()
            .any(|wording| (wording.text.as_str(), wording.section.as_str()) == ("外部委託", "第6条(7)"))
    );
    let assembly = profile("kagoshima_assembly");
    assert!(
        assembly
            .document(DocumentKind::SocialOperatingProcedure)
            .unwrap()
            .title
            .ends_with("運用ポリシー")
    );
    assert_eq!(assembly.bound_persons.label, "議員等");
    assert_eq!(assembly.role_title(Role::SystemManager), "情報システム管理者");
    assert_eq!(
        profile("motosu").role_title(Role::Ciso),
        "情報セキュリティ最高責任者（CISO）"
    );
    assert_eq!(
        profile("motosu").roles[0].held_by.as_deref(),
        Some("情報化推進本部の本部長")
    );
}

#[test]
fn in_motosu_the_ciso_prepares_the_cloud_usage_standard() {
    let profile = profile("motosu");
    let actors = &profile.duty(DutyKey::CloudUsage).unwrap().actors;
    assert!(
        actors
            .iter()
            .any(|actor| actor.role == Some(Role::Ciso) && actor.act_ja.contains("利用基準の整備"))
    );
    assert!(actors.iter().any(|actor| actor.title == "対策基準で定める責任者"));
}

#[test]
fn local_government_codes_have_a_valid_check_digit() {
    for (body, code) in [
        ("motosu", "212181"),
        ("kashiwa_election", "122173"),
        ("miyako", "406252"),
        ("kagoshima_assembly", "462012"),
    ] {
        assert_eq!(profile(body).local_government.code.as_deref(), Some(code));
    }
    assert_eq!(profile("default").local_government.code, None);
    for body in BODIES {
        let code = profile(body).local_government.code.unwrap();
        let digits: Vec<u32> = code.chars().map(|digit| digit.to_digit(10).unwrap()).collect();
        let sum: u32 = digits
            .iter()
            .zip([6, 5, 4, 3, 2])
            .map(|(digit, weight)| digit * weight)
            .sum();
        assert_eq!((digits.len(), digits[5]), (6, (11 - sum % 11) % 10), "{body}");
    }
}
