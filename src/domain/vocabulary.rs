//! The one table of code words: every kind, status, phase, role, zone and level has its only spelling here.
//!
//! Catalogue, profiles, document, database and test vectors are compared with this file by tests. What a word
//! *does* is elsewhere: transitions in [`super::lifecycle`], facts and their values in [`super::facts`].

use std::fmt;

/// A closed or growing set of code words, each with its one spelling and its Japanese label.
pub trait CodeWord: Copy + Eq + fmt::Debug + Send + Sync + 'static {
    /// Every word of the set, in the order of the table.
    const ALL: &'static [Self];
    /// The spelling in API, database, catalogue and mail headers.
    fn code(self) -> &'static str;
    /// The Japanese label for people.
    fn ja(self) -> &'static str;
    /// The word with this spelling.
    fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.code() == code)
    }
}

/// Declares a set of code words: the enum, its spelling, its label, serde and the schema of the document.
/// (`tt`, because the schema's derive does not see through a `literal` and would show the variant's name.)
macro_rules! code_words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:tt, $ja:tt;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vmeta])* #[doc = $ja] #[serde(rename = $code)] $variant,)+
        }
        impl $crate::domain::vocabulary::CodeWord for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            fn code(self) -> &'static str { match self { $(Self::$variant => $code),+ } }
            fn ja(self) -> &'static str { match self { $(Self::$variant => $ja),+ } }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::domain::vocabulary::CodeWord::code(*self))
            }
        }
    };
}
pub(crate) use code_words;

code_words! {
    /// The three kinds of register entry (台帳の1件).
    Kind {
        ContractorEngagement = "contractor_engagement", "業務委託";
        CloudService = "cloud_service", "クラウドサービス";
        SocialMediaAccount = "social_media_account", "ソーシャルメディアアカウント";
    }
}

code_words! {
    /// Where in its life an entry stands; a clause enters the sums once its phase is reached.
    Phase {
        Selection = "selection", "選定";
        Contracting = "contracting", "契約・準備";
        Active = "active", "履行・利用中";
        Closing = "closing", "終了";
        /// Never came to life: its obligations retire.
        None = "none", "対象外";
    }
}

code_words! {
    /// Every lifecycle status of the three kinds. Which kind has which, and what leads where: [`super::lifecycle`].
    Status {
        Draft = "draft", "下書き";
        UnderSelection = "under_selection", "選定中";
        Applied = "applied", "申請済み";
        UnderReview = "under_review", "審査中";
        Returned = "returned", "差戻し";
        Selected = "selected", "選定済み";
        Contracted = "contracted", "契約済み";
        Approved = "approved", "承認済み";
        Onboarding = "onboarding", "導入中";
        Provisioned = "provisioned", "開設準備済み";
        InPerformance = "in_performance", "履行中";
        InUse = "in_use", "利用中";
        Operating = "operating", "運用中";
        Dormant = "dormant", "休眠";
        Compromised = "compromised", "乗っ取り対応中";
        Suspended = "suspended", "停止中";
        Closing = "closing", "終了手続中";
        Closed = "closed", "終了";
        Offboarding = "offboarding", "利用終了手続中";
        Retired = "retired", "利用終了";
        NotSelected = "not_selected", "不採用";
        Cancelled = "cancelled", "取消し";
        Rejected = "rejected", "不承認";
        Withdrawn = "withdrawn", "取下げ";
    }
}

impl Status {
    /// The phase of this status, the same for every kind (design §9).
    pub const fn phase(self) -> Phase {
        match self {
            Self::Draft | Self::UnderSelection | Self::Applied | Self::UnderReview | Self::Returned => Phase::Selection,
            Self::Selected | Self::Contracted | Self::Approved | Self::Onboarding | Self::Provisioned => {
                Phase::Contracting
            }
            Self::InPerformance
            | Self::InUse
            | Self::Operating
            | Self::Dormant
            | Self::Compromised
            | Self::Suspended => Phase::Active,
            Self::Closing | Self::Closed | Self::Offboarding | Self::Retired => Phase::Closing,
            Self::NotSelected | Self::Cancelled | Self::Rejected | Self::Withdrawn => Phase::None,
        }
    }

    /// Nothing leads out of it: its obligations retire and no mail is planned.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Closed | Self::Retired | Self::NotSelected | Self::Cancelled | Self::Rejected | Self::Withdrawn
        )
    }
}

code_words! {
    /// Roles of people and posts, and the two parts of ownership.
    Role {
        Ciso = "ciso", "最高情報セキュリティ責任者（CISO）";
        SupervisingSecurityOfficer = "supervising_security_officer", "統括情報セキュリティ責任者";
        DivisionSecurityOfficer = "division_security_officer", "情報セキュリティ責任者";
        SectionSecurityManager = "section_security_manager", "情報セキュリティ管理者";
        SystemManager = "system_manager", "情報システム管理者";
        AuditSupervisor = "audit_supervisor", "情報セキュリティ監査統括責任者";
        UsageApprover = "usage_approver", "許可権限者";
        CloudServiceAdministrator = "cloud_service_administrator", "クラウドサービス管理者";
        SocialAccountOwner = "social_account_owner", "ソーシャルメディア責任者";
        ProcurementOfficer = "procurement_officer", "契約担当";
        PublicRelationsOfficer = "public_relations_officer", "広報主管課";
        Csirt = "csirt", "CSIRT";
        SectionStaff = "section_staff", "所管課職員";
        Owner = "owner", "責任者";
        Deputy = "deputy", "代理者";
    }
}

impl Role {
    /// The next role up when this one is empty or already has the item: section → division → supervising → CISO.
    /// The CISO has nobody above.
    pub const fn next_up(self) -> Option<Self> {
        match self {
            Self::Ciso => None,
            Self::SupervisingSecurityOfficer => Some(Self::Ciso),
            Self::DivisionSecurityOfficer => Some(Self::SupervisingSecurityOfficer),
            Self::SectionSecurityManager => Some(Self::DivisionSecurityOfficer),
            _ => Some(Self::SectionSecurityManager),
        }
    }
}

code_words! {
    /// Network zones (三層の対策, and bodies that have fewer): which ones exist is the profile's.
    Zone {
        MyNumber = "my_number", "マイナンバー利用事務系";
        Lgwan = "lgwan", "LGWAN接続系";
        Internet = "internet", "インターネット接続系";
        Standalone = "standalone", "独立系";
    }
}

code_words! {
    /// Risk levels, ascending.
    Level {
        Low = "low", "低";
        Moderate = "moderate", "中";
        High = "high", "高";
        Critical = "critical", "重大";
    }
}

code_words! {
    /// How far a clause is fulfilled on an entry. The order is the order of "at least".
    FulfilmentStatus {
        Missing = "missing", "未対応";
        Excepted = "excepted", "例外措置";
        Declared = "declared", "申告";
        Agreed = "agreed", "契約で合意";
        Verified = "verified", "確認済み";
        NotApplicable = "not_applicable", "適用外";
    }
}

code_words! {
    /// What the absence of a clause does.
    Severity {
        Minor = "minor", "軽微";
        Major = "major", "重要";
        Critical = "critical", "重大";
    }
}

code_words! {
    /// Whether a clause must be there.
    RequirementLevel {
        Recommended = "recommended", "推奨";
        Mandatory = "mandatory", "必須";
    }
}

code_words! {
    /// The legal form of commissioned work; labels and guards follow it.
    LegalForm {
        Contract = "contract", "委託契約";
        DesignatedManagement = "designated_management", "指定管理";
        Lease = "lease", "賃貸借";
        Agreement = "agreement", "協定";
        StandardTerms = "standard_terms", "約款";
    }
}

code_words! {
    /// What a due date is about.
    ObligationKind {
        Reverification = "reverification", "再確認";
        Evidence = "evidence", "証跡の期限";
        Exception = "exception", "例外措置の期限";
        ContractEnd = "contract_end", "契約期間の満了";
        NoticeDeadline = "notice_deadline", "更新・解約の通知期限";
        ApprovalExpiry = "approval_expiry", "利用承認の期限";
        SubcontractExpiry = "subcontract_expiry", "再委託の期限";
        CorrectiveAction = "corrective_action", "是正措置の期限";
        SelfInspection = "self_inspection", "自己点検";
        Handover = "handover", "引継ぎ";
        Gap = "gap", "未充足事項の解消期限";
        DocumentReview = "document_review", "文書の見直し";
        AuditFollowUp = "audit_follow_up", "監査の指摘への対応";
        MeasureAnswer = "measure_answer", "措置への回答期限";
        StatutoryReport = "statutory_report", "法定の報告期限";
        Incident = "incident", "インシデントへの対応";
        AccountTakeover = "account_takeover", "アカウント乗っ取りへの対応";
        Webhook = "webhook", "Webhookの停止";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn distinct<W: CodeWord + serde::Serialize + utoipa::PartialSchema>() {
        let spelled: Vec<_> = W::ALL.iter().map(|w| w.code()).collect();
        assert_eq!(serde_json::to_value(W::ALL).unwrap(), serde_json::json!(spelled));
        assert_eq!(
            serde_json::to_value(W::schema()).unwrap()["enum"],
            serde_json::json!(spelled)
        );
        let codes: BTreeSet<_> = W::ALL.iter().map(|w| w.code()).collect();
        assert_eq!(codes.len(), W::ALL.len());
        for word in W::ALL {
            assert_eq!(W::parse(word.code()), Some(*word));
            assert!(!word.ja().is_empty());
        }
        assert_eq!(W::parse("no such word"), None);
    }

    #[test]
    fn every_word_has_one_spelling() {
        distinct::<Kind>();
        distinct::<Phase>();
        distinct::<Status>();
        distinct::<Role>();
        distinct::<Zone>();
        distinct::<Level>();
        distinct::<FulfilmentStatus>();
        distinct::<Severity>();
        distinct::<RequirementLevel>();
        distinct::<ObligationKind>();
        distinct::<LegalForm>();
    }

    #[test]
    fn every_role_leads_up_to_the_ciso() {
        for role in Role::ALL {
            let mut at = *role;
            for _ in 0..5 {
                at = at.next_up().unwrap_or(at);
            }
            assert_eq!(at, Role::Ciso, "{role}");
        }
    }
}
