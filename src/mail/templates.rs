//! What the mails say: one typed context per mail, each with a sample, each rendered to subject and body.
//!
//! Plain Japanese text for a public body's mail system (メール無害化 in LGWAN drops HTML and attachments): no HTML, no
//! attachment, at most 80 columns, only characters of CP932, no personal data in the subject, and in the body none but
//! the names of owner, deputy and verifier. Rendering is a pure function of context and [`VERSION`]; labels that differ
//! between policies (業務委託 or 外部委託) come with the context. Headers and bytes: [`super::compose`].

pub mod answers;
pub mod digest;
mod layout;
pub mod notices;
pub mod sign_in;
pub mod weekly;

/// Version of all wording; stored with each message. Raise it when a snapshot changes.
pub const VERSION: u32 = 2;

/// A mail as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Lines that end in `\n`.
    pub body: String,
}

/// Whom a mail addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Name of the department.
    pub department: Option<String>,
    /// Name of the person; absent for a department's mailbox or an empty post.
    pub name: Option<String>,
}

/// Where the recipient answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The page with the recipient's items; fits 60 columns.
    pub url: String,
    /// For whoever cannot open the link: page and code to type there.
    pub by_hand: Option<CodeByHand>,
}

/// A short code, typed instead of opening a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeByHand {
    /// The page that asks for the code.
    pub url: String,
    /// The code.
    pub code: String,
}

impl Link {
    /// Sample for tests and `kakunin mail preview`.
    pub fn sample() -> Self {
        Self {
            url: "https://kakunin.example.lg.jp/r/k5xw2q7mz3na6tbe4ypcvh2ufd".to_owned(),
            by_hand: Some(CodeByHand {
                url: "https://kakunin.example.lg.jp/r".to_owned(),
                code: "3F7-K92-QMX".to_owned(),
            }),
        }
    }
}

/// Every mail with sample data, under the name of its template.
pub fn samples() -> Vec<(&'static str, Rendered)> {
    vec![
        ("reminder", digest::Digest::sample().render()),
        ("reminder_overdue", digest::Digest::sample_overdue().render()),
        ("reminder_handover", digest::Digest::sample_handover().render()),
        ("reminder_takeover", digest::Digest::sample_takeover().render()),
        ("reminder_term_end", digest::Digest::sample_term_end().render()),
        ("reminder_exception", digest::Digest::sample_exception().render()),
        ("reminder_digest", digest::Digest::sample_several().render()),
        ("sign_in", sign_in::SignIn::sample().render()),
        ("weekly_summary", weekly::WeeklySummary::sample().render()),
        ("weekly_summary_empty", weekly::WeeklySummary::sample_empty().render()),
        ("receipt", answers::Receipt::sample().render()),
        ("grace_request", answers::GraceAsked::sample().render()),
        ("grace_decision", answers::GraceDecided::sample().render()),
        ("prepare_request", answers::Preparation::sample().render()),
        ("prepared", answers::Preparation::sample_done().render()),
        ("test_mail", notices::TestMail::sample().render()),
        ("undelivered", notices::Undelivered::sample().render()),
        ("operator_warning", notices::OperatorWarning::sample().render()),
    ]
}

#[cfg(test)]
mod tests {
    use super::{layout::columns, *};
    use crate::domain::text::cp932_safe;

    #[test]
    fn every_template_reads_as_it_did() {
        for (name, mail) in samples() {
            insta::assert_snapshot!(name, format!("件名: {}\n\n{}", mail.subject, mail.body));
        }
    }

    #[test]
    fn every_mail_is_plain_narrow_and_in_cp932() {
        for (name, mail) in samples() {
            let text = format!("{}\n{}", mail.subject, mail.body);
            assert_eq!(cp932_safe(&text), text, "{name}");
            assert!(!mail.subject.chars().any(char::is_control), "{name}");
            assert!(mail.body.ends_with("※このメールは自動で送信しています。\n"), "{name}");
            for line in mail.body.lines() {
                assert!(columns(line) <= 80, "{name}: {} columns: {line}", columns(line));
                assert!(!line.contains(['<', '>']), "{name}: {line}");
                assert_eq!(line, line.trim_end(), "{name}");
                if line.contains("https://") {
                    // A receipt's is to be looked at, not to be acted on in a minute: it may be longer.
                    let most = if line.contains("/receipts/") { 78 } else { 60 };
                    assert!(columns(line) <= most && line.starts_with("https://"), "{name}: {line}");
                }
            }
        }
    }
}
