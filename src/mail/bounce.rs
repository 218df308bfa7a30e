//! A mail that came back, read: whose it was and whether for good (RFC 3464, RFC 3463). Pure.
//!
//! Whose it was says the mark in its return address, `bounces+MARK@…`, or else the Message-ID in what was returned. A
//! mail that says neither for good nor for now is no report: an answer of somebody's holiday arrives here too. What
//! follows from it is [`crate::work`]'s.

use super::Address;

/// Letters of a mark: 130 bits in base32, the secret part of a Message-ID.
const MARK: usize = 26;

/// What a mail that came back says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// The mark of the mail that it is about.
    pub mark: Option<String>,
    /// Whether it will never arrive.
    pub verdict: Verdict,
}

/// How a delivery ended elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It never arrives; the status says why (`5.1.1`).
    Permanent(String),
    /// It is still tried, or has arrived.
    Passing,
    /// This is no report of a delivery.
    NoReport,
}

impl Verdict {
    /// Whether the address itself is at fault, and not the message, its size or a full mailbox.
    pub fn address_is_gone(&self) -> bool {
        let Self::Permanent(status) = self else { return false };
        ["5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"].contains(&status.as_str())
    }
}

/// The address that a mail with this mark is sent from: `bounces@d` becomes `bounces+MARK@d`.
pub fn return_address(mailbox: &Address, mark: &str) -> String {
    format!("{}+{mark}@{}", mailbox.local_part(), mailbox.domain())
}

/// Reads a mail. `recipient` is where it arrived, if whoever hands it over says so; `mailbox` the one for bounces.
pub fn read(mail: &str, recipient: Option<&str>, mailbox: Option<&Address>) -> Bounce {
    // Mail systems may write the part before the @ in other letters.
    let mail = mail.to_ascii_lowercase();
    let recipient = recipient.map(str::to_ascii_lowercase);
    let before = mailbox.map(|mailbox| format!("{}+", mailbox.local_part().to_ascii_lowercase()));
    let in_address = before.as_deref().and_then(|before| {
        recipient
            .as_deref()
            .and_then(|text| mark_behind(text, before))
            .or_else(|| mark_behind(&mail, before))
    });
    Bounce {
        mark: in_address.or_else(|| mark_behind(&mail, "<r1.")),
        verdict: verdict(&mail),
    }
}

/// The first whole mark that stands behind this and before an @.
fn mark_behind(text: &str, before: &str) -> Option<String> {
    text.match_indices(before).find_map(|(at, _)| {
        let rest = text.get(at + before.len()..)?;
        let (mark, rest) = (rest.get(..MARK)?, rest.get(MARK..)?);
        let whole = mark
            .bytes()
            .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        (whole && rest.starts_with('@')).then(|| mark.to_owned())
    })
}

/// From the part that machines read: one group of lines for each recipient, of which ours is the only one.
fn verdict(mail: &str) -> Verdict {
    let Some((_, report)) = mail.split_once("content-type: message/delivery-status") else {
        return Verdict::NoReport;
    };
    let value = |name: &str| {
        let mut lines = report.lines();
        lines.find_map(|line| line.strip_prefix(name)).map(str::trim)
    };
    match (value("action:"), value("status:")) {
        (Some("failed"), Some(status)) => {
            let status = status.split_whitespace().next().unwrap_or_default();
            if status.starts_with("5.") {
                Verdict::Permanent(status.chars().take(20).collect())
            } else {
                // Given up after days of trying: for this mail that is for good, too.
                Verdict::Permanent("5.0.0".to_owned())
            }
        }
        (Some(_), _) => Verdict::Passing,
        (None, _) => Verdict::NoReport,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "k5xw2q7mz3na6tbe4ypcvh2ufd";

    fn mailbox() -> Address {
        Address::parse("bounces@kakunin.example.lg.jp").unwrap()
    }

    fn report(action: &str, status: &str) -> String {
        format!(
            "From: MAILER-DAEMON@relay.example.lg.jp\r\nTo: Bounces+{}@kakunin.example.lg.jp\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nStatus: 5.9.9 is not said here\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example.lg.jp\r\n\r\n\
             Final-Recipient: rfc822; gone@city.example.lg.jp\r\nAction: {action}\r\nStatus: {status}\r\n\
             Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n--b--\r\n",
            CODE.to_uppercase()
        )
    }

    #[test]
    fn a_report_says_whose_mail_it_was_and_whether_for_good() {
        for (action, status, verdict, gone) in [
            ("failed", "5.1.1", Verdict::Permanent("5.1.1".to_owned()), true),
            (
                "failed",
                "5.2.1 (disabled)",
                Verdict::Permanent("5.2.1".to_owned()),
                true,
            ),
            ("failed", "5.2.2", Verdict::Permanent("5.2.2".to_owned()), false),
            ("failed", "5.7.1", Verdict::Permanent("5.7.1".to_owned()), false),
            ("failed", "4.4.7", Verdict::Permanent("5.0.0".to_owned()), false),
            ("delayed", "4.4.1", Verdict::Passing, false),
            ("delivered", "2.0.0", Verdict::Passing, false),
        ] {
            let found = read(&report(action, status), None, Some(&mailbox()));
            assert_eq!(found.mark.as_deref(), Some(CODE), "{action} {status}");
            assert_eq!(found.verdict.address_is_gone(), gone, "{action} {status}");
            assert_eq!(found.verdict, verdict, "{action} {status}");
        }
    }

    #[test]
    fn an_answer_of_somebodys_holiday_is_no_report() {
        let mail = format!("To: bounces+{CODE}@kakunin.example.lg.jp\nAuto-Submitted: auto-replied\n\nStatus: away\n");
        assert_eq!(read(&mail, None, Some(&mailbox())).verdict, Verdict::NoReport);
    }

    #[test]
    fn the_mark_is_found_where_the_mail_arrived_in_its_head_or_in_what_was_returned() {
        let returned = format!("To: postmaster\n\nMessage-ID: <r1.{CODE}@example.lg.jp>\n");
        let arrived = format!("bounces+{CODE}@kakunin.example.lg.jp");
        for (mail, recipient, found) in [
            ("", Some(arrived.as_str()), Some(CODE)),
            (&format!("Delivered-To: {arrived}\n"), None, Some(CODE)),
            (&returned, None, Some(CODE)),
            ("To: bounces+short@kakunin.example.lg.jp", None, None),
            (&format!("To: bounces+{CODE}x@kakunin.example.lg.jp"), None, None),
            ("", None, None),
        ] {
            assert_eq!(read(mail, recipient, Some(&mailbox())).mark.as_deref(), found, "{mail}");
        }
        assert_eq!(return_address(&mailbox(), CODE), arrived);
    }
}
