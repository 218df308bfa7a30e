//! The mails around an answer: the receipt, the question for more time and what was said to it, the request to prepare an
//! answer and the word that it is prepared. They name the thing and what is asked; what was answered stands on the page.

use super::{
    Link, Recipient, Rendered,
    layout::{Page, cut, inline},
};
use crate::domain::calendar::{wareki, wareki_with_weekday};
use chrono::NaiveDate;

/// The thing that a mail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Its control number, if it has one.
    pub control_number: Option<String>,
    /// What it is called.
    pub name: String,
    /// What is due: 再確認 …
    pub due: String,
    /// When.
    pub due_on: NaiveDate,
}

impl Matter {
    fn sample() -> Self {
        Self {
            control_number: Some("EN-2026-0012".to_owned()),
            name: "基幹システム運用保守".to_owned(),
            due: "再確認".to_owned(),
            due_on: NaiveDate::from_ymd_opt(2027, 3, 31).unwrap_or_default(),
        }
    }

    fn title(&self) -> String {
        let number = self.control_number.as_deref();
        let number = number.map_or_else(String::new, |number| format!("（管理番号 {}）", inline(number)));
        format!("{}{number}", cut(&inline(&self.name), 120))
    }

    fn describe(&self, page: &mut Page) {
        if let Some(number) = &self.control_number {
            page.field("管理番号", &inline(number));
        }
        page.field("名称", &inline(&self.name))
            .field("内容", &inline(&self.due))
            .field("期限", &wareki_with_weekday(self.due_on));
    }
}

/// What was answered, without the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptLine {
    /// The thing.
    pub matter: Matter,
    /// What was done: 条項3件に回答 …
    pub done: String,
}

/// The receipt of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who answered.
    pub recipient: Recipient,
    /// Its number.
    pub number: String,
    /// When, in words.
    pub answered_at: String,
    /// What was answered.
    pub lines: Vec<ReceiptLine>,
    /// Where it is shown.
    pub url: String,
    /// Where questions go.
    pub contact: String,
}

/// Lines that a receipt names before it only counts them.
const MOST_NAMED: usize = 30;

impl Receipt {
    /// Sample data.
    pub fn sample() -> Self {
        Self {
            recipient: sample_recipient(),
            number: "R9-000012".to_owned(),
            answered_at: "令和9年3月17日（水）10時24分".to_owned(),
            lines: vec![ReceiptLine {
                matter: Matter::sample(),
                done: "条項3件に回答".to_owned(),
            }],
            url: format!("{}/receipts/R9-000012", Link::sample().url),
            contact: sample_contact(),
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let mut page = Page::default();
        page.salutation(&self.recipient)
            .paragraph("次のとおり回答を受け付けました。この受付の控えとして保存してください。")
            .blank()
            .field("受付番号", &inline(&self.number))
            .field("受付日時", &inline(&self.answered_at));
        let mut lines: Vec<String> = self
            .lines
            .iter()
            .take(MOST_NAMED)
            .map(|line| format!("・{}　{}", line.matter.title(), inline(&line.done)))
            .collect();
        if self.lines.len() > MOST_NAMED {
            lines.push(format!("他{}件", self.lines.len() - MOST_NAMED));
        }
        page.list("受け付けた回答", &lines).blank();
        page.line("回答の内容は、次の画面で確認できます。")
            .line(&inline(&self.url))
            .blank();
        page.paragraph("心当たりがないときは、すぐに次の問合せ先へお知らせください。")
            .blank();
        Rendered {
            subject: format!("【受付】回答を受け付けました（受付番号 {}）", inline(&self.number)),
            body: page.farewell(&self.contact),
        }
    }
}

/// Somebody needs more time, and the reader decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraceAsked {
    /// The superior.
    pub recipient: Recipient,
    /// About what.
    pub matter: Matter,
    /// Who asks.
    pub by: String,
    /// Until when.
    pub until_on: NaiveDate,
    /// Where to decide.
    pub link: Link,
    /// Where questions go.
    pub contact: String,
}

impl GraceAsked {
    /// Sample data.
    pub fn sample() -> Self {
        Self {
            recipient: sample_recipient(),
            matter: Matter::sample(),
            by: "見本 次郎".to_owned(),
            until_on: NaiveDate::from_ymd_opt(2027, 4, 20).unwrap_or_default(),
            link: Link::sample(),
            contact: sample_contact(),
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let mut page = Page::default();
        page.salutation(&self.recipient)
            .paragraph("次の項目について、回答の猶予の申出がありました。認めるかどうかを回答してください。")
            .blank();
        self.matter.describe(&mut page);
        page.field("申し出た人", &inline(&self.by))
            .field("猶予の希望", &format!("{}まで", wareki_with_weekday(self.until_on)))
            .blank()
            .link("理由の確認と回答は、次の画面で行えます。", &self.link)
            .paragraph("期限は変わりません。認めると、その日まで督促のメールが止まります。")
            .blank();
        Rendered {
            subject: format!("【判断のお願い】回答の猶予の申出／{}", self.matter.title()),
            body: page.farewell(&self.contact),
        }
    }
}

/// What was said to the question for more time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraceDecided {
    /// Who asked.
    pub recipient: Recipient,
    /// About what.
    pub matter: Matter,
    /// Until when it was granted; `None`: it was not.
    pub until_on: Option<NaiveDate>,
    /// Who decided.
    pub by: String,
    /// Where questions go.
    pub contact: String,
}

impl GraceDecided {
    /// Sample data.
    pub fn sample() -> Self {
        Self {
            recipient: sample_recipient(),
            matter: Matter::sample(),
            until_on: NaiveDate::from_ymd_opt(2027, 4, 20),
            by: "見本 課長".to_owned(),
            contact: sample_contact(),
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let (tag, words) = match self.until_on {
            Some(on) => (
                "【猶予】回答の猶予が認められました",
                format!(
                    "次の項目の回答の猶予が{}まで認められました。期限は変わりません。",
                    wareki(on)
                ),
            ),
            None => (
                "【猶予】回答の猶予は認められませんでした",
                "次の項目の回答の猶予は認められませんでした。期限までに回答してください。".to_owned(),
            ),
        };
        let mut page = Page::default();
        page.salutation(&self.recipient).paragraph(&words).blank();
        self.matter.describe(&mut page);
        page.field("判断した人", &inline(&self.by)).blank();
        page.paragraph("回答は、先にお送りしたメールのリンクから行えます。")
            .blank();
        Rendered {
            subject: format!("{tag}／{}", self.matter.title()),
            body: page.farewell(&self.contact),
        }
    }
}

/// Somebody is asked to fill in answers, or has done so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preparation {
    /// The reader.
    pub recipient: Recipient,
    /// About what.
    pub matter: Matter,
    /// Who asks, or who filled in.
    pub by: String,
    /// It is filled in and waits for the reader.
    pub done: bool,
    /// What was said to it.
    pub note: Option<String>,
    /// Where to fill in or to confirm.
    pub link: Link,
    /// Where questions go.
    pub contact: String,
}

impl Preparation {
    /// Sample data.
    pub fn sample() -> Self {
        Self {
            recipient: sample_recipient(),
            matter: Matter::sample(),
            by: "見本 次郎".to_owned(),
            done: false,
            note: Some("接続記録は文書管理のフォルダーにあります。".to_owned()),
            link: Link::sample(),
            contact: sample_contact(),
        }
    }

    /// Sample data of the second half.
    pub fn sample_done() -> Self {
        Self {
            done: true,
            note: None,
            ..Self::sample()
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let (tag, opening, invitation, by) = if self.done {
            (
                "【確認のお願い】回答の下書きができました",
                "次の項目の回答の下書きができました。内容を確かめて、確定してください。",
                "確認と確定は、次の画面で行えます。",
                "下書きした人",
            )
        } else {
            (
                "【下書きのお願い】回答の下書きをお願いします",
                "次の項目について、回答の下書きを頼まれました。答えと証跡を入れてください。",
                "下書きは、次の画面で行えます。",
                "頼んだ人",
            )
        };
        let mut page = Page::default();
        page.salutation(&self.recipient).paragraph(opening).blank();
        self.matter.describe(&mut page);
        page.field(by, &inline(&self.by));
        if let Some(note) = &self.note {
            page.field("伝言", &inline(note));
        }
        page.blank().link(invitation, &self.link);
        if !self.done {
            page.paragraph("下書きは、責任者が確かめて確定するまで回答になりません。")
                .blank();
        }
        Rendered {
            subject: format!("{tag}／{}", self.matter.title()),
            body: page.farewell(&self.contact),
        }
    }
}

fn sample_recipient() -> Recipient {
    Recipient {
        department: Some("総務課".to_owned()),
        name: Some("見本 花子".to_owned()),
    }
}

fn sample_contact() -> String {
    "情報政策課　内線0000".to_owned()
}
