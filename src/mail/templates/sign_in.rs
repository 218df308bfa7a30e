//! The mail with a one-time link to sign in. Its subject says nothing of the person; its link works once, for ten
//! minutes. Who gets one is [`crate::sessions`]'.

use super::layout::{Page, inline};
use super::{Link, Recipient, Rendered};

/// A link to sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Name of the local government.
    pub local_government: String,
    /// Who signs in.
    pub recipient: Recipient,
    /// Until when the link works, as `9:10`.
    pub until: String,
    /// The link; it fits 60 columns.
    pub url: String,
    /// Where questions go.
    pub contact: String,
}

impl SignIn {
    /// Sample data.
    pub fn sample() -> Self {
        Self {
            local_government: "本巣市".to_owned(),
            recipient: Recipient {
                department: None,
                name: Some("見本 花子".to_owned()),
            },
            until: "9:10".to_owned(),
            url: "https://kakunin.example.lg.jp/s/k5xw2q7mz3na6tbe4ypcvh2ufd".to_owned(),
            contact: "情報政策課　内線0000".to_owned(),
        }
    }

    /// Subject and body.
    pub fn render(&self) -> Rendered {
        let government = inline(&self.local_government);
        let until = inline(&self.until);
        let link = Link {
            url: self.url.clone(),
            by_hand: None,
        };
        let mut page = Page::default();
        page.salutation(&self.recipient)
            .link(
                &format!("次の画面で「サインインする」を押してください（{until}まで、1回限り）。"),
                &link,
            )
            .paragraph("このリンクを他の人に転送しないでください。開いた人があなたとしてサインインできます。")
            .blank()
            .paragraph("心当たりがない場合は、何もする必要はありません。リンクは使われないまま無効になります。")
            .blank();
        Rendered {
            subject: format!("【サインイン・{until}まで】Kakunin のサインイン用リンク／{government}"),
            body: page.farewell(&self.contact),
        }
    }
}
