//! The plain data that guards read: what is known of an entry on the day, who acts, what has been shown.
//!
//! What is not known is not met: [`Situation::new`] starts with nothing shown, so a slice that forgets a field refuses
//! too much, never too little. What the guards make of it is in [`super::guard`] and [`super::clause_gate`].

use crate::domain::catalogue::Clause;
use crate::domain::vocabulary::{FulfilmentStatus, LegalForm, RequirementLevel, Role, Status, code_words};
use chrono::NaiveDate;

code_words! {
    /// A plain condition that a slice has looked up or a person has stated; listed in [`Situation::met`] when it holds.
    Precondition {
        OwnerSet = "owner_set", "責任者の指定";
        DeputySet = "deputy_set", "代理者の指定";
        SelectionConditionsSet = "selection_conditions_set", "仕様書への選定条件の記載";
        ContractorSet = "contractor_set", "委託事業者の登録";
        CorporateNumberValid = "corporate_number_valid", "委託事業者の正しい法人番号";
        NotDebarred = "not_debarred", "委託事業者が指名停止中でないこと";
        ContractPeriodSet = "contract_period_set", "終了日のある契約期間";
        NextPeriodSet = "next_period_set", "終了日のある次の契約期間";
        EvidenceAttached = "evidence_attached", "証跡の登録";
        VerifierNotSupplier = "verifier_not_supplier", "確認者が委託事業者の者でないこと";
        CorrectiveActionsClosed = "corrective_actions_closed", "是正措置の完了";
        SubcontractListRefreshed = "subcontract_list_refreshed", "契約期間内の再委託先一覧の確認";
        SubcontractsPermitted = "subcontracts_permitted", "すべての再委託の承認（個人番号は番号法第10条の許諾）";
        SubcontractsAsStated = "subcontracts_as_stated", "再委託の実態と取扱内容の一致";
        CandidateChecked = "candidate_checked", "選定した候補者のチェックシートの確認";
        AssemblyResolved = "assembly_resolved", "指定についての議会の議決（地方自治法第244条の2第6項）";
        StandardTermsKept = "standard_terms_kept", "申し込む約款の確認と写しの保存";
        LeasedEquipmentErased = "leased_equipment_erased", "返却する機器の情報の消去";
        NothingHandedOver = "nothing_handed_over", "情報を渡していないこと";
        PurposeGiven = "purpose_given", "利用目的";
        UsersNamed = "users_named", "利用者の範囲";
        DataLocationGiven = "data_location_given", "情報を保存する国・地域";
        TermsSnapshotTaken = "terms_snapshot_taken", "約款の写し（ハッシュ値と取得日）";
        TermsReread = "terms_reread", "約款の読み直し";
        /// Holds also where no certificate is asked for.
        CertificateValid = "certificate_valid", "認証・監査報告が有効期間内であること";
        ApprovalLive = "approval_live", "利用承認が有効期間内であること";
        ExitPlanReady = "exit_plan_ready", "移行・終了の計画";
        ServiceNamed = "service_named", "ソーシャルメディアサービスの名称";
        HandleGiven = "handle_given", "アカウント名";
        UrlGiven = "url_given", "アカウントのURL";
        AudienceGiven = "audience_given", "発信の対象";
        ContentGiven = "content_given", "発信する内容";
        PostersNamed = "posters_named", "投稿する者";
        HoursGiven = "hours_given", "運用する時間";
        PublicRelationsConsulted = "public_relations_consulted", "広報主管課との協議";
        AccountExists = "account_exists", "アカウントの作成";
        OfficialMailAddress = "official_mail_address", "個人のものでない公用メールアドレスでの登録";
        ListedOnOfficialSite = "listed_on_official_site", "公式サイトへの掲載";
        CredentialsChanged = "credentials_changed", "認証情報の変更";
        LinkedAppsReviewed = "linked_apps_reviewed", "連携アプリの点検";
        NoticePublished = "notice_published", "乗っ取りについてのお知らせの公表";
        ClosingAnnounced = "closing_announced", "運用終了のお知らせの公表";
        AccountDeletedOrLocked = "account_deleted_or_locked", "アカウントの削除又は凍結";
        OfficialSiteListUpdated = "official_site_list_updated", "公式サイトの一覧の更新";
        DelegatedEngagementInPerformance = "delegated_engagement_in_performance", "運用を委託する業務委託が履行中であること";
        DelegatedContractEnded = "delegated_contract_ended", "運用の委託の終了";
    }
}

impl Precondition {
    /// Nothing that is recorded elsewhere shows it: whoever takes the transition states it, and answers for it by name.
    pub const fn is_stated(self) -> bool {
        matches!(
            self,
            Self::SelectionConditionsSet
                | Self::EvidenceAttached
                | Self::VerifierNotSupplier
                | Self::NothingHandedOver
                | Self::AssemblyResolved
                | Self::StandardTermsKept
                | Self::LeasedEquipmentErased
                | Self::TermsReread
                | Self::CertificateValid
                | Self::ExitPlanReady
                | Self::PublicRelationsConsulted
                | Self::AccountExists
                | Self::OfficialMailAddress
                | Self::CredentialsChanged
                | Self::LinkedAppsReviewed
                | Self::NoticePublished
                | Self::ClosingAnnounced
                | Self::AccountDeletedOrLocked
                | Self::OfficialSiteListUpdated
                | Self::DelegatedContractEnded
        )
    }
}

code_words! {
    /// Why something is stopped or ended, where a table asks for one of several causes.
    Cause {
        Incident = "incident", "情報セキュリティインシデント";
        Misuse = "misuse", "目的外利用その他の不適切な取扱い";
        UnremediedBreach = "unremedied_breach", "是正されない契約違反";
        TermsChange = "terms_change", "受け入れられない約款の変更";
        ForeignLawFinding = "foreign_law_finding", "外国法による強制開示のおそれ";
        Breach = "breach", "契約違反による解除";
        Expiry = "expiry", "期間の満了";
        Convenience = "convenience", "都合による終了";
    }
}

/// The person who acts, and the roles they hold on the day. The API client behind them plays no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor<'a> {
    /// Who.
    pub person_id: &'a str,
    /// Roles in the organization of the entry, with `owner` and `deputy` of this entry.
    pub roles: &'a [Role],
}

/// A recorded approval or confirmation of the transition at hand, here or in another decision system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval<'a> {
    /// In which role it was given.
    pub role: Role,
    /// By whom; `None` when a decision taken elsewhere names a post only.
    pub person_id: Option<&'a str>,
}

/// A contract period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day; `None` while it is not agreed.
    pub ends_on: Option<NaiveDate>,
}

impl Period {
    pub(super) fn is_whole(self) -> bool {
        self.ends_on.is_some_and(|ends_on| self.starts_on <= ends_on)
    }
}

/// How one applicable clause stands on the entry.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The clause, with its gates.
    pub clause: &'a Clause,
    /// Mandatory or recommended on the day (the level may change by date).
    pub level: RequirementLevel,
    /// Its derived status.
    pub status: FulfilmentStatus,
    /// Last day of the approved exception, if there is one.
    pub exception_expires_on: Option<NaiveDate>,
    /// Day of the last verification.
    pub verified_on: Option<NaiveDate>,
    /// Agreed anew for the period that a renewal begins; agreements are never carried over.
    pub agreed_in_next_period: bool,
}

impl Standing<'_> {
    /// An approved exception stands in for the clause on this day; never for a statutory one.
    pub fn is_excepted(&self, as_of: NaiveDate) -> bool {
        !self.clause.is_statutory() && self.exception_expires_on.is_some_and(|expires_on| as_of <= expires_on)
    }

    /// Nothing has to be shown for it: recommended, rightly not applicable, or excepted.
    pub(super) fn is_released(&self, as_of: NaiveDate) -> bool {
        self.level != RequirementLevel::Mandatory
            || self.is_excepted(as_of)
            || (self.status == FulfilmentStatus::NotApplicable && !self.clause.is_statutory())
    }

    pub(super) fn reaches(&self, required: FulfilmentStatus) -> bool {
        self.status >= required && self.status != FulfilmentStatus::NotApplicable
    }
}

/// Everything the guards read, as plain data. One situation serves every transition of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The day on which the transition takes effect.
    pub as_of: NaiveDate,
    /// Every clause that applies to the facts, *whatever its phase*: a gate belongs to the phase it opens.
    pub clauses: &'a [Standing<'a>],
    /// Facts that the rules needed and did not find; `None` when nobody has looked.
    pub unknown_facts: Option<&'a [&'a str]>,
    /// The conditions that hold.
    pub met: &'a [Precondition],
    /// Who acts; `None` when only listing.
    pub actor: Option<Actor<'a>>,
    /// Who applied for what is to be approved, where that is recorded.
    pub applicant_person_id: Option<&'a str>,
    /// Why applicant and approver cannot be two people here (a secretariat of two).
    pub double_role_reason: Option<&'a str>,
    /// The reason given for the transition.
    pub reason: Option<&'a str>,
    /// The cause, where the transition asks for one.
    pub cause: Option<Cause>,
    /// Approvals and confirmations recorded for this transition.
    pub approvals: &'a [Approval<'a>],
    /// Inherent tier, 1 (highest) to 4; anything else counts as 1.
    pub tier: u8,
    /// The current contract period.
    pub period: Option<Period>,
    /// The period that a renewal begins.
    pub next_period: Option<Period>,
    /// Since when the entry is in its status.
    pub status_since: Option<NaiveDate>,
    /// Last day of the usage approval that stands or is being given.
    pub approval_valid_until: Option<NaiveDate>,
    /// Information of c2 or higher on uniform terms that cannot be negotiated.
    pub c2_on_standard_terms: bool,
    /// The account is run by a contractor.
    pub operation_delegated: bool,
    /// Status of the linked engagement under which it is run.
    pub linked_engagement: Option<Status>,
    /// The legal form of commissioned work.
    pub legal_form: Option<LegalForm>,
    /// Citizens send applications or consultations through the account, and nothing that runs carries them.
    pub data_path_missing: bool,
    /// Who has to verify the clause at hand: its verifier role, or the role that stands in for an empty one.
    pub verifier_role: Option<Role>,
}

impl<'a> Situation<'a> {
    /// A situation in which nothing else has been shown yet; fill it with struct update syntax.
    pub const fn new(as_of: NaiveDate, clauses: &'a [Standing<'a>], unknown_facts: Option<&'a [&'a str]>) -> Self {
        Self {
            as_of,
            clauses,
            unknown_facts,
            met: &[],
            actor: None,
            applicant_person_id: None,
            double_role_reason: None,
            reason: None,
            cause: None,
            approvals: &[],
            tier: 1,
            period: None,
            next_period: None,
            status_since: None,
            approval_valid_until: None,
            c2_on_standard_terms: true,
            operation_delegated: true,
            linked_engagement: None,
            legal_form: None,
            data_path_missing: true,
            verifier_role: None,
        }
    }

    pub(super) fn actor_has_one_of(&self, roles: &[Role]) -> bool {
        self.actor
            .is_some_and(|actor| actor.roles.iter().any(|role| roles.contains(role)))
    }

    pub(super) fn standing(&self, clause_key: &str) -> Option<&Standing<'a>> {
        self.clauses.iter().find(|standing| standing.clause.key == clause_key)
    }
}

/// Something other than blanks is written.
pub(super) fn is_written(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

/// Situations for the tests of the tables.
#[cfg(test)]
pub(super) mod fixture {
    use super::{Actor, Approval, Cause, Period, Precondition, Situation, Standing};
    use crate::domain::catalogue::Catalogue;
    use crate::domain::vocabulary::{CodeWord, FulfilmentStatus, RequirementLevel, Role, Status};
    use chrono::NaiveDate;

    pub fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    pub fn every_condition() -> Vec<Precondition> {
        Precondition::ALL.to_vec()
    }

    pub const APPROVED_BY_ALL: &[Approval<'static>] = &[
        Approval {
            role: Role::Ciso,
            person_id: Some("ciso"),
        },
        Approval {
            role: Role::Csirt,
            person_id: Some("csirt"),
        },
        Approval {
            role: Role::SectionSecurityManager,
            person_id: Some("manager"),
        },
    ];

    /// The last day of a period, everything shown, somebody who holds every role acts; no clause applies.
    pub fn well_prepared(met: &[Precondition]) -> Situation<'_> {
        Situation {
            met,
            actor: Some(Actor {
                person_id: "approver",
                roles: Role::ALL,
            }),
            applicant_person_id: Some("applicant"),
            reason: Some("理由"),
            cause: Some(Cause::Incident),
            approvals: APPROVED_BY_ALL,
            period: Some(Period {
                starts_on: day(2027, 4, 1),
                ends_on: Some(day(2028, 3, 31)),
            }),
            next_period: Some(Period {
                starts_on: day(2028, 4, 1),
                ends_on: Some(day(2029, 3, 31)),
            }),
            status_since: Some(day(2027, 10, 1)),
            approval_valid_until: Some(day(2029, 3, 31)),
            c2_on_standard_terms: false,
            linked_engagement: Some(Status::InPerformance),
            data_path_missing: false,
            verifier_role: Some(Role::SectionSecurityManager),
            ..Situation::new(day(2028, 3, 31), &[], Some(&[]))
        }
    }

    /// A mandatory clause in this status, otherwise untouched.
    pub fn standing<'a>(catalogue: &'a Catalogue, clause_key: &str, status: FulfilmentStatus) -> Standing<'a> {
        Standing {
            clause: catalogue.clause(clause_key).unwrap(),
            level: RequirementLevel::Mandatory,
            status,
            exception_expires_on: None,
            verified_on: None,
            agreed_in_next_period: false,
        }
    }
}
