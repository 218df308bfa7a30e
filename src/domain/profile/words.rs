//! The code words that only profiles use. Words of the whole project are in [`crate::domain::vocabulary`].

use crate::domain::vocabulary::code_words;

code_words! {
    /// What sort of body an organization (機関) is.
    OrganizationKind {
        MayorOffice = "mayor_office", "首長部局";
        Assembly = "assembly", "議会";
        BoardOfEducation = "board_of_education", "教育委員会";
        ElectionCommission = "election_commission", "選挙管理委員会";
        AuditCommittee = "audit_committee", "監査委員";
        AgriculturalCommittee = "agricultural_committee", "農業委員会";
        PropertyValuationCommittee = "property_valuation_committee", "固定資産評価審査委員会";
        PublicEnterprise = "public_enterprise", "公営企業";
        PartialAffairsAssociation = "partial_affairs_association", "一部事務組合";
        Other = "other", "その他";
    }
}

code_words! {
    /// The document that governs a kind of entry. Registering is possible under each; only the cited source changes.
    Ground {
        BasicPolicy = "basic_policy", "基本方針";
        ControlStandard = "control_standard", "対策基準";
        Unused = "unused", "利用しない";
    }
}

code_words! {
    /// How the cited section is known: the text was read, a reproduction of it was, or it is from memory.
    TextBasis {
        Primary = "primary", "原文";
        Secondary = "secondary", "二次資料";
        Memory = "memory", "未照合";
    }
}

code_words! {
    /// The duties that the policies are compared by, one for each row of the requirement matrix, in its order.
    DutyKey {
        OrganizationsCovered = "organizations_covered", "適用機関";
        BoundPersons = "bound_persons", "遵守義務を負う者";
        AssetScope = "asset_scope", "情報資産の範囲";
        OrganizationAndRoles = "organization_and_roles", "組織体制";
        Classification = "classification", "情報資産の分類";
        NetworkZones = "network_zones", "情報システム全体の強靱性";
        ContractorChain = "contractor_chain", "業務委託の選定・契約・確認・措置";
        OutsourcingWording = "outsourcing_wording", "業務委託の呼び方";
        CloudUsage = "cloud_usage", "クラウドサービスの利用";
        SocialMediaUsage = "social_media_usage", "ソーシャルメディアサービスの利用";
        Operation = "operation", "運用";
        EmergencyResponse = "emergency_response", "緊急時の対応";
        AuditAndSelfInspection = "audit_and_self_inspection", "監査及び自己点検";
        PolicyReview = "policy_review", "ポリシーの見直し";
        ControlStandard = "control_standard", "対策基準の策定";
        IndividualStandard = "individual_standard", "個別基準の策定";
        NonDisclosedDocuments = "non_disclosed_documents", "非公開の文書";
        SpecificPersonalInformationRegulation = "specific_personal_information_regulation", "特定個人情報の管理規程";
    }
}

code_words! {
    /// What a document of the policy is.
    DocumentKind {
        BasicPolicy = "basic_policy", "基本方針";
        ControlStandard = "control_standard", "対策基準";
        IndividualStandard = "individual_standard", "個別基準";
        ImplementationProcedure = "implementation_procedure", "実施手順";
        EmergencyResponsePlan = "emergency_response_plan", "緊急時対応計画";
        SpecificPersonalInformationRegulation = "specific_personal_information_regulation", "特定個人情報の取扱いに関する管理規程";
        CloudUsageRegulation = "cloud_usage_regulation", "クラウドサービスの利用規定";
        OutsourcingRegulation = "outsourcing_regulation", "業務委託の規定";
        SocialOperatingProcedure = "social_operating_procedure", "ソーシャルメディアサービスの運用手順";
    }
}

code_words! {
    /// Who may read a document. A restricted one never leaves through API or mail.
    Visibility {
        Public = "public", "公開";
        Internal = "internal", "庁内";
        Restricted = "restricted", "非公開";
    }
}

code_words! {
    /// The three kinds of information asset that every policy lists.
    AssetKind {
        NetworksAndSystems = "networks_and_systems", "ネットワーク・情報システムと設備・電磁的記録媒体";
        Information = "information", "取り扱う情報（印刷した文書を含む。）";
        SystemDocuments = "system_documents", "仕様書・ネットワーク図等の関連文書";
    }
}

code_words! {
    /// What the policy prepares for an emergency: a written plan, or measures only.
    EmergencyForm {
        Plan = "plan", "緊急時対応計画";
        Measures = "measures", "緊急時の対策";
    }
}

code_words! {
    /// When audits and self-inspections are held: some policies say "and", some "or".
    AuditOccasion {
        PeriodicAndAsNeeded = "periodic_and_as_needed", "定期的及び必要に応じて";
        PeriodicOrAsNeeded = "periodic_or_as_needed", "定期的又は必要に応じて";
    }
}

code_words! {
    /// What makes a review of the policy necessary.
    ReviewTrigger {
        AuditResult = "audit_result", "監査・自己点検など検証の結果";
        SituationChange = "situation_change", "情報セキュリティに関する状況の変化";
    }
}
