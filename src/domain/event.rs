//! What other systems are told about: the published name of each change, and where to read what changed.
//!
//! An event is a journal entry whose action is in this list, seen from outside; both the event feed and the webhooks
//! read it here, so that they say the same. Reading and sending are [`crate::sync`]'s and [`crate::webhooks`]'.

use super::vocabulary::Kind;

/// A published event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Its name; stable.
    pub code: &'static str,
    /// What happened, in Japanese.
    pub ja: &'static str,
    /// What happened, in English.
    pub en: &'static str,
}

/// The event that a receiver is tested with; it is in no journal.
pub const TEST: &str = "webhook.test";

/// The decision of the gate about an entry is another than before.
pub const GATE_CHANGED: &str = "gate_decision.changed";

/// The action of a transition, which has a name for each kind.
const TRANSITION: &str = "entry.transition_taken";

macro_rules! events {
    ($($code:literal = $ja:literal, $en:literal;)+) => {
        /// Every event, in the order of the document.
        pub const EVENTS: &[EventType] = &[$(EventType { code: $code, ja: $ja, en: $en }),+];
    };
}

events! {
    "contractor.created" = "事業者を登録した", "a contractor was registered";
    "contractor.updated" = "事業者を変更した", "a contractor was changed";
    "contractor.archived" = "事業者を廃止した", "a contractor was archived";
    "engagement.created" = "業務委託を登録した", "an engagement was registered";
    "engagement.updated" = "業務委託を変更した", "an engagement was changed";
    "engagement.archived" = "業務委託を廃止した", "an engagement was archived";
    "engagement.status_changed" = "業務委託の状態が変わった", "an engagement took a transition";
    "engagement.period_added" = "契約期間を加えた", "a contract period was added";
    "engagement.period_changed" = "契約期間を変更した", "a contract period was changed";
    "cloud_service.created" = "クラウドサービスを登録した", "a cloud service was registered";
    "cloud_service.updated" = "クラウドサービスを変更した", "a cloud service was changed";
    "cloud_service.archived" = "クラウドサービスを廃止した", "a cloud service was archived";
    "cloud_service.status_changed" = "クラウドサービスの状態が変わった", "a cloud service took a transition";
    "social_media_account.created" = "SNSアカウントを登録した", "a social-media account was registered";
    "social_media_account.updated" = "SNSアカウントを変更した", "a social-media account was changed";
    "social_media_account.archived" = "SNSアカウントを廃止した", "a social-media account was archived";
    "social_media_account.status_changed" = "SNSアカウントの状態が変わった", "a social-media account took a transition";
    "entry.handed_over" = "責任者を引き継いだ", "the responsible owner changed";
    "entry.verified" = "再確認が済んだ", "a round of confirmation was finished";
    "clause.recorded" = "条項の状態を記録した", "the status of a clause was recorded";
    "risk.assessed" = "リスクを評価した", "the risk was assessed";
    "subcontract.requested" = "再委託の申請を受けた", "a subcontract was requested";
    "subcontract.decided" = "再委託を決定した", "a subcontract was decided";
    "subcontract.ended" = "再委託が終わった", "a subcontract ended";
    "exception.requested" = "例外措置を申請した", "an exception was requested";
    "exception.decided" = "例外措置を決定した", "an exception was decided";
    "exception.revoked" = "例外措置を取り消した", "an exception was revoked";
    "incident.opened" = "インシデントを登録した", "an incident was opened";
    "incident.updated" = "インシデントを変更した", "an incident was changed";
    "incident.contained" = "インシデントの拡大を止めた", "an incident was contained";
    "incident.closed" = "インシデントを終結した", "an incident was closed";
    "corrective_action.opened" = "是正措置を登録した", "a corrective action was opened";
    "corrective_action.updated" = "是正措置を変更した", "a corrective action was changed";
    "corrective_action.closed" = "是正措置を終えた", "a corrective action was closed";
    "contract_measure.taken" = "契約に基づく措置をとった", "a measure was taken under the contract";
    "contract_measure.updated" = "契約に基づく措置を変更した", "a measure under the contract was changed";
    "import.finished" = "取込みが終わった", "an import ended";
    "export.completed" = "出力ができた", "an export is ready";
    "gate_decision.changed" = "進めてよいかの判定が変わった", "the answer of a gate check is another than before";
}

/// The event of this name.
pub fn find(code: &str) -> Option<&'static EventType> {
    EVENTS.iter().find(|event| event.code == code)
}

/// The actions of the journal that are events.
pub fn actions() -> impl Iterator<Item = &'static str> {
    let named = EVENTS.iter().map(|event| event.code);
    named
        .filter(|code| !code.ends_with(".status_changed"))
        .chain([TRANSITION])
}

/// The event that an action of the journal is, on an entry of this kind.
pub fn of_action(action: &str, kind: Option<Kind>) -> Option<&'static EventType> {
    if action != TRANSITION {
        return find(action);
    }
    find(match kind? {
        Kind::ContractorEngagement => "engagement.status_changed",
        Kind::CloudService => "cloud_service.status_changed",
        Kind::SocialMediaAccount => "social_media_account.status_changed",
    })
}

/// The path below the API's base at which a record of this type is read, without its id.
pub fn collection(subject_type: &str) -> Option<&'static str> {
    Some(match subject_type {
        "contractor" => "contractors",
        "entry" => "entries",
        "subcontract" => "subcontracts",
        "exception" => "exceptions",
        "incident" => "incidents",
        "corrective_action" => "corrective-actions",
        "contract_measure" => "contract-measures",
        "import" => "imports",
        "export" => "exports",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_one_action_and_one_name() {
        let mut codes: Vec<&str> = EVENTS.iter().map(|event| event.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), EVENTS.len());
        for action in actions() {
            assert!(of_action(action, Some(Kind::CloudService)).is_some(), "{action}");
        }
    }

    #[test]
    fn a_transition_is_named_by_its_kind() {
        let of = |kind| of_action("entry.transition_taken", kind).map(|event| event.code);
        assert_eq!(of(Some(Kind::ContractorEngagement)), Some("engagement.status_changed"));
        assert_eq!(of(Some(Kind::CloudService)), Some("cloud_service.status_changed"));
        assert_eq!(
            of(Some(Kind::SocialMediaAccount)),
            Some("social_media_account.status_changed")
        );
        assert_eq!(of(None), None);
        assert_eq!(of_action("file.created", None), None);
    }
}
