//! How one item of a reminder reads: its state in words and its block of fields.

use super::{AddressedAs, Item, Takeover};
use crate::{
    domain::{
        calendar::{days_between, wareki, wareki_with_weekday},
        reminder::is_immediate,
        vocabulary::{CodeWord, Kind, ObligationKind},
    },
    mail::templates::layout::{Page, inline},
};
use chrono::NaiveDate;

/// Clauses and kinds of evidence that an item names before it only counts them.
const MOST_NAMED: usize = 10;

/// How an item stands on the day of the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Overdue(i64),
    Handover(i64),
    Exception(i64),
    Urgent(i64),
    Remaining(i64),
}

impl Item {
    pub(super) fn state(&self, as_of: NaiveDate) -> State {
        let left = days_between(as_of, self.due_on);
        match self.obligation {
            _ if left < 0 => State::Overdue(-left),
            ObligationKind::Handover => State::Handover(left),
            ObligationKind::Exception => State::Exception(left),
            kind if is_immediate(kind) => State::Urgent(left),
            _ => State::Remaining(left),
        }
    }

    /// What is asked, for the subject.
    pub(super) const fn request(&self) -> &'static str {
        match self.obligation {
            ObligationKind::Handover if self.is_vacant() => "後任の責任者の決定のお願い",
            ObligationKind::Reverification => "再確認のお願い",
            ObligationKind::Evidence => "証跡の更新のお願い",
            ObligationKind::Exception => "例外措置の見直しのお願い",
            ObligationKind::ContractEnd => "契約満了後の対応決定のお願い",
            ObligationKind::NoticeDeadline => "更新・解約の通知のお願い",
            ObligationKind::ApprovalExpiry => "利用承認の更新のお願い",
            ObligationKind::SubcontractExpiry => "再委託の確認のお願い",
            ObligationKind::CorrectiveAction => "是正措置の報告のお願い",
            ObligationKind::SelfInspection => "自己点検のお願い",
            ObligationKind::Handover => "責任者の引継ぎのお願い",
            ObligationKind::Gap => "登録時の未充足事項の解消のお願い",
            ObligationKind::DocumentReview => "文書の見直しのお願い",
            ObligationKind::AuditFollowUp => "監査の指摘への対応のお願い",
            ObligationKind::MeasureAnswer => "措置への回答の確認のお願い",
            ObligationKind::StatutoryReport => "法定の報告のお願い",
            ObligationKind::Incident => "インシデントへの対応のお願い",
            ObligationKind::AccountTakeover => "アカウント乗っ取りへの対応のお願い",
            ObligationKind::Webhook => "停止したWebhookの確認のお願い",
        }
    }

    /// What the due date is, for a sentence.
    pub(super) const fn deadline(&self) -> &'static str {
        match self.obligation {
            ObligationKind::Handover if self.is_vacant() => "任期・在職の終わり",
            ObligationKind::Reverification => "再確認の期限",
            ObligationKind::Evidence => "証跡の有効期限",
            ObligationKind::Exception => "例外措置の期限",
            ObligationKind::ContractEnd => "契約期間の満了日",
            ObligationKind::NoticeDeadline => "更新・解約の通知期限",
            ObligationKind::ApprovalExpiry => "利用承認の期限",
            ObligationKind::SubcontractExpiry => "再委託の期限",
            ObligationKind::CorrectiveAction => "是正措置の期限",
            ObligationKind::SelfInspection => "自己点検の期限",
            ObligationKind::Handover => "引継ぎの期限",
            ObligationKind::Gap => "未充足事項の解消期限",
            ObligationKind::DocumentReview => "見直しの期限",
            ObligationKind::AuditFollowUp => "対応の期限",
            ObligationKind::MeasureAnswer => "措置への回答期限",
            ObligationKind::StatutoryReport => "法定の報告期限",
            ObligationKind::Incident => "インシデント対応の期限",
            ObligationKind::AccountTakeover => "乗っ取り対応の期限",
            ObligationKind::Webhook => "確認の期限",
        }
    }

    /// Nobody takes over what is left behind.
    pub(super) const fn is_vacant(&self) -> bool {
        matches!(&self.takeover, Some(takeover) if takeover.vacant)
    }

    /// What an entry of this kind is to the house, for the subject.
    pub(super) const fn role_of_entry(&self) -> &'static str {
        match self.kind {
            Some(Kind::ContractorEngagement) => "委託先",
            Some(Kind::CloudService) => "クラウドサービス",
            Some(Kind::SocialMediaAccount) => "アカウント",
            None => "機関",
        }
    }

    const fn counterpart_label(&self) -> &'static str {
        match self.kind {
            Some(Kind::ContractorEngagement) | None => "相手方",
            Some(Kind::CloudService | Kind::SocialMediaAccount) => "提供者",
        }
    }

    pub(super) fn describe(&self, page: &mut Page, as_of: NaiveDate) {
        if let Some(takeover) = &self.takeover {
            takeover.describe(page);
        } else {
            if self.kind.is_some() {
                page.field("管理番号", &inline(&self.control_number));
            }
            page.field(
                "区分・名称",
                &format!("{}／{}", inline(&self.kind_label), inline(&self.name)),
            );
        }
        if let Some(counterpart) = &self.counterpart {
            let number = counterpart.corporate_number.as_deref();
            let number = number.map_or_else(String::new, |number| format!("（法人番号 {}）", inline(number)));
            page.field(
                self.counterpart_label(),
                &format!("{}{number}", inline(&counterpart.name)),
            );
        }
        let owner = self.owner.as_deref().map_or_else(|| "（不在）".to_owned(), inline);
        let deputy = self
            .deputy
            .as_deref()
            .map_or_else(String::new, |deputy| format!("（代理：{}）", inline(deputy)));
        if self.kind.is_some() {
            page.field("所管課・責任者", &format!("{}／{owner}{deputy}", inline(&self.section)));
        }
        match self.clauses.as_slice() {
            [] => {}
            [clause] => {
                page.field("確認する条項", &inline(clause));
            }
            clauses => {
                page.list("確認する条項", &named(clauses, "・"));
            }
        }
        match &self.last_verified {
            Some(last) => {
                let by = last
                    .by
                    .as_deref()
                    .map_or_else(String::new, |by| format!("（確認者：{}）", inline(by)));
                page.field("前回の確認日", &format!("{}{by}", wareki(last.on)));
            }
            None if self.obligation == ObligationKind::Reverification => {
                page.field("前回の確認日", "なし（初めての確認）");
            }
            None => {}
        }
        page.field("期限の種類", self.detail.as_deref().unwrap_or(self.obligation.ja()));
        page.field(
            "期限",
            &format!("{}　{}", wareki_with_weekday(self.due_on), self.state(as_of).words()),
        );
        if !self.evidence.is_empty() {
            page.field("必要な証跡", &named(&self.evidence, "").join("、"));
        }
        if let Some(risk) = &self.risk {
            let reason = risk
                .reason
                .as_deref()
                .map_or_else(String::new, |why| format!("（理由：{}）", inline(why)));
            page.field("現在のリスク", &format!("{}{reason}", risk.level.ja()));
        }
        if let Some(reason) = self.addressed_as.reason() {
            page.field("送付の理由", &reason);
        }
        if let Some(next) = self.next_escalation.as_ref().filter(|next| !next.to.is_empty()) {
            let to: Vec<_> = next.to.iter().map(|role| role.ja()).collect();
            let sentence = format!(
                "※このまま回答がないと、{}に{}にも通知されます。",
                wareki_with_weekday(next.on),
                to.join("と")
            );
            page.indented("　", &sentence);
        }
        page.blank();
    }
}

impl Takeover {
    /// In one line, without personal data: it stands in subjects too.
    pub(super) fn title(&self) -> String {
        let what = if self.vacant {
            "管理対象"
        } else {
            "引き継ぐもの"
        };
        match &self.post {
            Some(post) => format!("{}の{what}（{}件）", inline(post), self.count),
            None => format!("{what}（{}件）", self.count),
        }
    }

    fn describe(&self, page: &mut Page) {
        if let Some(post) = &self.post {
            page.field("職", &inline(post));
        }
        let day = if self.vacant {
            "任期・在職の末日"
        } else {
            "異動日"
        };
        page.field(day, &wareki_with_weekday(self.on));
        page.field("件数", &format!("{}件", self.count));
        let lines: Vec<String> = self
            .first
            .iter()
            .map(|(number, name, due_on)| {
                let due = due_on.map_or_else(String::new, |on| format!("（最初の期限：{}）", wareki(on)));
                format!("・{}　{}{due}", inline(number), inline(name))
            })
            .collect();
        if lines.is_empty() {
            return;
        }
        let more = self.count.saturating_sub(lines.len());
        let more = (more > 0).then(|| format!("他{more}件"));
        page.list("対象", &lines.into_iter().chain(more).collect::<Vec<_>>());
    }
}

impl State {
    /// In the subject of a single item.
    pub(super) fn tag(self) -> String {
        match self {
            Self::Overdue(days) => format!("【期限超過{days}日】"),
            Self::Handover(_) => "【引継ぎ】".to_owned(),
            Self::Exception(_) => "【例外期限】".to_owned(),
            Self::Urgent(days) => format!("【至急・残り{days}日】"),
            Self::Remaining(days) => format!("【要対応・残り{days}日】"),
        }
    }

    /// In the text.
    pub(super) fn words(self) -> String {
        match self {
            Self::Overdue(days) => format!("期限超過{days}日"),
            Self::Handover(0) | Self::Exception(0) | Self::Urgent(0) | Self::Remaining(0) => "本日".to_owned(),
            Self::Handover(days) | Self::Exception(days) | Self::Urgent(days) | Self::Remaining(days) => {
                format!("残り{days}日")
            }
        }
    }
}

impl AddressedAs {
    fn reason(self) -> Option<String> {
        match self {
            Self::Owner => None,
            Self::Deputy => Some("責任者の代理者としてお送りしています".to_owned()),
            Self::Delegate => Some("責任者の不在代理としてお送りしています（本人にもお送りしています）".to_owned()),
            Self::Verifier(role) => Some(format!("確認を担当する{}としてお送りしています", role.ja())),
            Self::Informed(role) => Some(format!("インシデントに対応する{}としてお送りしています", role.ja())),
            Self::DepartmentMailbox => Some("所管課の代表アドレスとしてお送りしています".to_owned()),
            Self::Superior(role) => Some(format!(
                "期限を過ぎても回答がないため、{}としてお送りしています（責任者への通知も続けています）",
                role.ja()
            )),
        }
    }
}

/// The first ten, each behind a mark, then how many more.
fn named(all: &[String], mark: &str) -> Vec<String> {
    let mut named: Vec<_> = all
        .iter()
        .take(MOST_NAMED)
        .map(|text| format!("{mark}{}", inline(text)))
        .collect();
    if all.len() > MOST_NAMED {
        named.push(format!("他{}件", all.len() - MOST_NAMED));
    }
    named
}
