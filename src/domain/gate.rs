//! The gate: may a procurement or finance system go on, and if not, what has to be done first.
//!
//! Pure: [`reasons`] turns what is known of a contractor and an entry on a day ([`state`]) into reasons, [`decide`] takes
//! the strictest, [`enforced`] says what the body has decided to make of it, [`erp()`] says it in the words of ERPNext
//! and Odoo. Which transition an action asks about stands in [`TABLE`]. A payment is never stopped by risk, clauses or
//! dates (政府契約の支払遅延防止等に関する法律 第6条・第14条): only by a recorded withholding measure.

mod erp;
mod reason;
pub mod state;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lifecycle::{Transition, statuses};
use super::vocabulary::{Kind, Status, code_words};

pub use erp::{ErpFlags, ErpStanding, erp};
pub use reason::reasons;
pub use state::{ContractorState, EntryState, ExceptionState, GateInput, Lack, Withholding};

code_words! {
    /// What the other system is about to do.
    GateAction {
        Invite = "invite", "入札・見積の依頼";
        Sign = "sign", "契約の締結";
        Renew = "renew", "契約の更新";
        Amend = "amend", "契約の変更";
        Start = "start", "業務・利用の開始";
        Pay = "pay", "支払";
        ApproveSubcontract = "approve_subcontract", "再委託の承認";
        PublishAccount = "publish_account", "アカウントの公開";
        AdoptCloud = "adopt_cloud", "クラウドサービスの採用";
    }
}

code_words! {
    /// The answer, mildest first; `unknown` where the subject is not registered.
    GateDecision {
        Allow = "allow", "可";
        AllowWithConditions = "allow_with_conditions", "条件付き可";
        Unknown = "unknown", "不明";
        Block = "block", "不可";
    }
}

code_words! {
    /// What a body makes of an answer: nothing yet, a warning, or a stop.
    EnforcementMode {
        Observe = "observe", "記録のみ";
        Warn = "warn", "警告";
        Block = "block", "停止";
    }
}

code_words! {
    /// How heavy a reason is.
    ReasonSeverity {
        Info = "info", "参考";
        Warn = "warn", "注意";
        Block = "block", "停止";
    }
}

code_words! {
    /// What a reason is about.
    ReasonSubject {
        Contractor = "contractor", "事業者";
        Entry = "entry", "台帳";
    }
}

/// Which transition an action is about, for each kind of entry that it can be asked of.
pub const TABLE: &[(GateAction, Kind, Option<&str>)] = &[
    (
        GateAction::Invite,
        Kind::ContractorEngagement,
        Some("submit_for_selection"),
    ),
    (GateAction::Sign, Kind::ContractorEngagement, Some("conclude_contract")),
    (GateAction::Renew, Kind::ContractorEngagement, Some("renew")),
    (GateAction::Renew, Kind::CloudService, Some("renew_approval")),
    (GateAction::Amend, Kind::ContractorEngagement, Some("amend")),
    (GateAction::Start, Kind::ContractorEngagement, Some("start_performance")),
    (GateAction::Start, Kind::CloudService, Some("start_use")),
    (GateAction::Start, Kind::SocialMediaAccount, Some("start_operation")),
    (GateAction::Pay, Kind::ContractorEngagement, None),
    (GateAction::ApproveSubcontract, Kind::ContractorEngagement, None),
    (
        GateAction::PublishAccount,
        Kind::SocialMediaAccount,
        Some("start_operation"),
    ),
    (GateAction::AdoptCloud, Kind::CloudService, Some("approve_use")),
];

/// The transition that an action is about; the outer `None` where it cannot be asked of this kind.
pub fn transition(action: GateAction, kind: Kind) -> Option<Option<&'static str>> {
    TABLE
        .iter()
        .find(|(of, on, _)| *of == action && *on == kind)
        .map(|(_, _, transition)| *transition)
}

code_words! {
    /// Where an entry stands before a transition.
    Step {
        Before = "before", "まだ先";
        At = "at", "ここ";
        After = "after", "済み";
    }
}

/// Where a status stands before a transition: in the order of the kind's life, before the first it starts from, among
/// them, or behind.
pub fn step(transition: &Transition, status: Status) -> Step {
    if transition.from.contains(&status) {
        return Step::At;
    }
    let order = statuses(transition.kind);
    let at = |wanted: Status| order.iter().position(|one| *one == wanted);
    let first = transition.from.iter().filter_map(|from| at(*from)).min();
    if at(status) < first { Step::Before } else { Step::After }
}

/// What can be done about a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Remedy {
    /// What: `record_clause`, `get_approval`, `name_owner`, `look_at_contractor` …
    pub action: String,
    /// Where in this API.
    pub href: String,
}

/// One reason of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateReason {
    /// What it is. Known values are listed at `/gate-actions`; more may come.
    pub code: String,
    /// How heavy it is for this action.
    pub severity: ReasonSeverity,
    /// For people, in Japanese.
    pub message: String,
    /// For people, in English.
    pub message_en: String,
    /// What it is about.
    pub subject_type: ReasonSubject,
    /// Its id; null for a company that is not registered.
    #[schema(required, format = Uuid)]
    pub subject_id: Option<String>,
    /// Since when, or until when it can wait; null where no day belongs to it.
    #[schema(required)]
    pub on: Option<NaiveDate>,
    /// The clause.
    #[schema(required)]
    pub clause_key: Option<String>,
    /// The exception that stands in for the clause.
    #[schema(required, format = Uuid)]
    pub exception_id: Option<String>,
    /// What can be done about it.
    #[schema(required)]
    pub remedy: Option<Remedy>,
}

/// The strictest answer that the reasons give.
pub fn decide(input: &GateInput, reasons: &[GateReason]) -> GateDecision {
    let heaviest = reasons.iter().map(|reason| reason.severity).max();
    let excepted = reasons.iter().any(|reason| reason.exception_id.is_some());
    match heaviest {
        Some(ReasonSeverity::Block) => GateDecision::Block,
        _ if input.contractor_unknown => GateDecision::Unknown,
        Some(ReasonSeverity::Warn) => GateDecision::AllowWithConditions,
        _ if excepted => GateDecision::AllowWithConditions,
        _ => GateDecision::Allow,
    }
}

/// What the body makes of it. Where nobody is known a payment goes on and everything else waits, once answers are
/// enforced at all.
pub const fn enforced(action: GateAction, decision: GateDecision, mode: EnforcementMode) -> GateDecision {
    use EnforcementMode::{Block, Observe, Warn};
    match (mode, decision) {
        (Observe, _) => GateDecision::Allow,
        (Warn, GateDecision::Block | GateDecision::Unknown) => GateDecision::AllowWithConditions,
        (Block, GateDecision::Unknown) => match action {
            GateAction::Pay => GateDecision::AllowWithConditions,
            _ => GateDecision::Block,
        },
        (Warn | Block, decision) => decision,
    }
}

#[cfg(test)]
mod tests;
