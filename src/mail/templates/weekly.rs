//! The weekly summary to the CISO's office and to whoever runs the service. It comes also when there is nothing to tell:
//! one that does not come says that something has stopped. Figures only; what and who is on the pages and in the API.

use chrono::{Days, NaiveDate};

use super::notices::Finding;
use super::{Recipient, Rendered, layout::Page, layout::inline};
use crate::domain::calendar::wareki_with_weekday;
use crate::domain::vocabulary::Role;

/// One organization's week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    /// Name of the organization.
    pub organization: String,
    /// What is past its due date.
    pub overdue: i64,
    /// What is due in this week.
    pub due: i64,
    /// What was confirmed in the last week.
    pub confirmed: i64,
}

/// What became of the last week's mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mails {
    /// The relay took them.
    pub accepted: i64,
    /// They wait.
    pub waiting: i64,
    /// Nobody knows.
    pub in_doubt: i64,
    /// They were given up.
    pub given_up: i64,
    /// They came back.
    pub bounced: i64,
}

/// The summary of a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeeklySummary {
    /// Name of the local government.
    pub local_government: String,
    /// Whom it addresses.
    pub recipient: Recipient,
    /// The week's Monday.
    pub week_on: NaiveDate,
    /// One per organization.
    pub weeks: Vec<Week>,
    /// The mails.
    pub mails: Mails,
    /// What keeps reminders from arriving.
    pub findings: Vec<Finding>,
    /// Where questions go.
    pub contact: String,
    /// Invented data of a demonstration; the mail says so.
    pub demo: bool,
}

impl WeeklySummary {
    /// Sample data.
    pub fn sample() -> Self {
        let week = |organization: &str, overdue, due, confirmed| Week {
            organization: organization.to_owned(),
            overdue,
            due,
            confirmed,
        };
        Self {
            local_government: "本巣市".to_owned(),
            recipient: Recipient {
                department: Some("情報政策課".to_owned()),
                name: Some("見本 花子".to_owned()),
            },
            week_on: NaiveDate::from_ymd_opt(2027, 4, 5).unwrap_or_default(),
            weeks: vec![week("本巣市長部局", 3, 5, 12), week("本巣市議会", 0, 1, 2)],
            mails: Mails {
                accepted: 41,
                waiting: 2,
                in_doubt: 1,
                given_up: 1,
                bounced: 1,
            },
            findings: vec![Finding::UnfilledRole {
                organization: "教育委員会".to_owned(),
                role: Role::DivisionSecurityOfficer,
                passed_to: Role::DivisionSecurityOfficer.next_up(),
            }],
            contact: "情報政策課　内線0000".to_owned(),
            demo: false,
        }
    }

    /// Sample data of a week in which nothing was.
    pub fn sample_empty() -> Self {
        let sample = Self::sample();
        Self {
            weeks: sample
                .weeks
                .into_iter()
                .map(|week| Week {
                    overdue: 0,
                    due: 0,
                    confirmed: 0,
                    ..week
                })
                .collect(),
            mails: Mails::default(),
            findings: vec![],
            recipient: Recipient {
                department: None,
                name: None,
            },
            ..sample
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let sum = |of: fn(&Week) -> i64| self.weeks.iter().map(of).sum::<i64>();
        let (overdue, due) = (sum(|week| week.overdue), sum(|week| week.due));
        let last_day = self.week_on.checked_add_days(Days::new(6)).unwrap_or(self.week_on);
        let mut page = Page::default();
        page.salutation(&self.recipient)
            .paragraph(&format!(
                "{}の確認台帳の、{}から{}までの週の状況です。",
                inline(&self.local_government),
                wareki_with_weekday(self.week_on),
                wareki_with_weekday(last_day)
            ))
            .blank();
        if self.demo {
            page.paragraph("※これはデモの架空のデータです。").blank();
        }
        for week in &self.weeks {
            page.line(&format!("■{}", inline(&week.organization)))
                .field("期限超過", &format!("{}件", week.overdue))
                .field("今週が期限", &format!("{}件", week.due))
                .field("先週の確認", &format!("{}件", week.confirmed))
                .blank();
        }
        page.line("■先週の通知メール")
            .field("送信済み", &format!("{}通", self.mails.accepted))
            .field("送信待ち", &format!("{}通", self.mails.waiting))
            .field("受領不明", &format!("{}通", self.mails.in_doubt))
            .field("送信不能", &format!("{}通", self.mails.given_up))
            .field("返送", &format!("{}通", self.mails.bounced))
            .blank();
        if self.findings.is_empty() {
            page.paragraph("役割の登録に不足はありません。").blank();
        }
        for finding in &self.findings {
            page.paragraph(&format!("・{}", finding.ja())).blank();
        }
        page.paragraph(
            "このメールは、お知らせすることがない週にも届きます。週の最初の開庁日に届かないときは、通知の送信が止まっているおそれがあります。サーバーで「kakunin doctor」を実行して確かめてください。",
        )
        .blank();
        Rendered {
            subject: format!(
                "【週次報告】期限超過{overdue}件・今週が期限{due}件／{}",
                inline(&self.local_government)
            ),
            body: page.farewell(&self.contact),
        }
    }
}
