//! The three mails that are not reminders: the test mail of `kakunin init`, the notice that a reminder could not be
//! delivered, and the warning to operators.

use super::{
    Link, Recipient, Rendered,
    layout::{Page, inline},
};
use crate::{
    domain::{
        calendar::wareki,
        vocabulary::{CodeWord, Role},
    },
    mail::DeliveryPhase,
};
use chrono::NaiveDate;

/// How many entries a notice names before it only counts them.
const MOST_NAMED: usize = 10;

/// Proof at the set-up that mail arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestMail {
    /// Name of the local government.
    pub local_government: String,
    /// Who set it up.
    pub recipient: Recipient,
    /// Where the owners' questions go.
    pub contact: String,
}

impl TestMail {
    /// Sample data.
    pub fn sample() -> Self {
        Self {
            local_government: "本巣市".to_owned(),
            recipient: Recipient {
                department: Some("情報政策課".to_owned()),
                name: Some("見本 花子".to_owned()),
            },
            contact: "情報政策課　内線0000".to_owned(),
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let government = inline(&self.local_government);
        let mut page = Page::default();
        page.salutation(&self.recipient)
            .paragraph(&format!("{government}の Kakunin（委託・クラウド・ソーシャルメディアの確認台帳）の初期設定で送信した、テストメールです。"))
            .blank()
            .paragraph("このメールが文字化けせずに読めれば、確認のお願いや期限のお知らせも同じように届きます。返信や操作は必要ありません。")
            .blank();
        Rendered {
            subject: format!("【テスト】Kakunin からの送信確認／{government}"),
            body: page.farewell(&self.contact),
        }
    }
}

/// Why a mail was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyUndelivered {
    /// The relay refused the address for good.
    AddressRefused,
    /// The relay refused the message for good.
    MessageRefused,
    /// Five days of trying.
    GaveUp,
}

impl WhyUndelivered {
    const fn ja(self) -> &'static str {
        match self {
            Self::AddressRefused => "宛先のメールアドレスが受け付けられませんでした",
            Self::MessageRefused => "メールサーバーに受信を拒否されました",
            Self::GaveUp => "再送を続けましたが、期限までに届けられませんでした",
        }
    }
}

/// One entry of an undelivered mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndeliveredItem {
    /// Control number of the entry.
    pub control_number: String,
    /// Name of the entry.
    pub name: String,
    /// What was due when.
    pub due_on: NaiveDate,
}

/// A reminder went to nobody; the next contact hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The next contact.
    pub recipient: Recipient,
    /// Name of the person or department that was not reached; never the address.
    pub intended_for: String,
    /// Why.
    pub why: WhyUndelivered,
    /// What the mail was about, most urgent first.
    pub items: Vec<UndeliveredItem>,
    /// Where to see the items.
    pub link: Option<Link>,
    /// Where questions go.
    pub contact: String,
}

impl Undelivered {
    /// Sample data.
    pub fn sample() -> Self {
        let item = |control_number: &str, name: &str, due_on: (i32, u32, u32)| UndeliveredItem {
            control_number: control_number.to_owned(),
            name: name.to_owned(),
            due_on: NaiveDate::from_ymd_opt(due_on.0, due_on.1, due_on.2).unwrap_or_default(),
        };
        Self {
            recipient: Recipient {
                department: Some("総務課".to_owned()),
                name: Some("代理 次郎".to_owned()),
            },
            intended_for: "総務課 見本 花子".to_owned(),
            why: WhyUndelivered::AddressRefused,
            items: vec![
                item("EN-2026-0012", "基幹システム運用保守", (2027, 3, 31)),
                item("CL-2026-0003", "電子申請サービス", (2027, 4, 15)),
            ],
            link: Some(Link::sample()),
            contact: "情報政策課　内線0000".to_owned(),
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let first = self
            .items
            .first()
            .map_or(String::new(), |item| inline(&item.control_number));
        let others = match self.items.len() {
            0 | 1 => String::new(),
            n => format!(" ほか{}件", n - 1),
        };
        let mut page = Page::default();
        page.salutation(&self.recipient)
            .paragraph("次の通知メールを本来の宛先に届けられなかったため、次の連絡先であるあなたにお知らせします。期限は変わりません。")
            .blank()
            .field("本来の宛先", &inline(&self.intended_for))
            .field("理由", self.why.ja());
        let mut lines: Vec<_> = self
            .items
            .iter()
            .take(MOST_NAMED)
            .map(|item| {
                format!(
                    "{}　{}（期限 {}）",
                    inline(&item.control_number),
                    inline(&item.name),
                    wareki(item.due_on)
                )
            })
            .collect();
        if self.items.len() > MOST_NAMED {
            lines.push(format!("他{}件", self.items.len() - MOST_NAMED));
        }
        page.list("対象", &lines).blank();
        if let Some(link) = &self.link {
            page.link("対象の確認と回答は、次の画面で行えます。", link);
        }
        page.paragraph("宛先の誤りや異動の場合は、登録されている責任者又はメールアドレスを直してください。直した後の通知から、新しい宛先に届きます。")
            .blank();
        Rendered {
            subject: format!("【配信不能】通知メールを届けられませんでした（管理番号 {first}{others}）"),
            body: page.farewell(&self.contact),
        }
    }
}

/// Something that keeps reminders from arriving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A role that receives escalations has no holder.
    UnfilledRole {
        /// The organization.
        organization: String,
        /// The empty role.
        role: Role,
        /// The role that receives its mail instead; none above the CISO.
        passed_to: Option<Role>,
    },
    /// The relay refuses or does not answer; mail waits.
    RelayBroken {
        /// Since this local day.
        since: NaiveDate,
        /// Where a delivery ends.
        phase: DeliveryPhase,
        /// Mails that wait.
        waiting: u64,
    },
    /// Mails whose acceptance is unknown.
    InDoubt {
        /// How many.
        count: u64,
    },
    /// Mails given up.
    Undeliverable {
        /// How many.
        count: u64,
    },
}

impl Finding {
    pub(super) fn ja(&self) -> String {
        match self {
            Self::UnfilledRole {
                organization,
                role,
                passed_to,
            } => {
                let instead = match passed_to {
                    Some(next) => format!("その間の通知は{}に届きます。", next.ja()),
                    None => "これより上の役割がないため、通知はどこにも届きません。".to_owned(),
                };
                format!("{}の{}が登録されていません。{instead}", inline(organization), role.ja())
            }
            Self::RelayBroken { since, phase, waiting } => format!(
                "{}からメールサーバーが通知を受け付けていません（段階：{}）。{waiting}件が送信を待っています。",
                wareki(*since),
                phase.ja()
            ),
            Self::InDoubt { count } => {
                format!(
                    "届いたかどうか分からない通知が{count}件あります。自動で再送するため、同じメールが2通届くことがあります。"
                )
            }
            Self::Undeliverable { count } => {
                format!("届けられなかった通知が{count}件あります。宛先を確かめてください。")
            }
        }
    }
}

/// The state of the service, to those who run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorWarning {
    /// Name of the local government.
    pub local_government: String,
    /// The operator or the CISO's office.
    pub recipient: Recipient,
    /// What is wrong, most urgent first.
    pub findings: Vec<Finding>,
    /// Where questions go.
    pub contact: String,
}

impl OperatorWarning {
    /// Sample data.
    pub fn sample() -> Self {
        Self {
            local_government: "本巣市".to_owned(),
            recipient: Recipient {
                department: Some("情報政策課".to_owned()),
                name: None,
            },
            findings: vec![
                Finding::RelayBroken {
                    since: NaiveDate::from_ymd_opt(2027, 3, 16).unwrap_or_default(),
                    phase: DeliveryPhase::Auth,
                    waiting: 12,
                },
                Finding::UnfilledRole {
                    organization: "教育委員会".to_owned(),
                    role: Role::DivisionSecurityOfficer,
                    passed_to: Role::DivisionSecurityOfficer.next_up(),
                },
                Finding::UnfilledRole {
                    organization: "市長部局".to_owned(),
                    role: Role::Ciso,
                    passed_to: None,
                },
                Finding::InDoubt { count: 2 },
                Finding::Undeliverable { count: 1 },
            ],
            contact: "情報政策課　内線0000".to_owned(),
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let mut page = Page::default();
        page.salutation(&self.recipient)
            .paragraph("通知の送信に、次の支障があります。")
            .blank();
        for finding in &self.findings {
            page.paragraph(&format!("・{}", finding.ja())).blank();
        }
        page.paragraph("サーバーで「kakunin doctor」を実行すると、詳しい状態と直し方を確認できます。")
            .blank();
        Rendered {
            subject: format!(
                "【運用警告 {}件】通知の送信に支障があります／{}",
                self.findings.len(),
                inline(&self.local_government)
            ),
            body: page.farewell(&self.contact),
        }
    }
}
