//! The bytes of a message (RFC 5322), a pure function of [`Mail`]: the same mail is the same bytes, so that a resend is
//! byte-identical and a receiver can drop the repetition by its Message-ID.
//!
//! lettre encodes headers (RFC 2047) and the body; nothing is left to its defaults, which read the clock, the host name
//! and chance. Text that could end a header or break a mail client is made harmless here, whatever it is: lettre panics
//! on a display name with a line break. What the mail says is [`super::templates`]' business.

use super::Address;
use crate::domain::text::cp932_safe;
use aws_lc_rs::hmac;
use chrono::{DateTime, FixedOffset, NaiveDate};
use lettre::message::{
    Body, Mailbox, Mailboxes,
    header::{ContentTransferEncoding, From, HeaderName, HeaderValue, Headers, Subject, To},
};
use std::fmt;

/// Longest subject in characters: with RFC 2047 words every header line stays far below 998 bytes.
const MAX_SUBJECT: usize = 200;
/// Longest display name in characters.
const MAX_NAME: usize = 100;

/// Everything that a message is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Sender.
    pub from: Party,
    /// Recipient.
    pub to: Party,
    /// Any text; line breaks and control characters become spaces, 200 characters at most.
    pub subject: String,
    /// Identity of the message.
    pub message_id: MessageId,
    /// The message ids of the thread, oldest first: one per object, so that mail clients group its reminders.
    pub references: Vec<MessageId>,
    /// When the mail was planned, in the local government's time zone; not when it is sent.
    pub date: DateTime<FixedOffset>,
    /// Plain text with `\n` line ends.
    pub body: String,
}

/// Address and display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Address.
    pub address: Address,
    /// Name to show; any text.
    pub name: Option<String>,
}

/// A Message-ID that can be recomputed: the same key and subject matter give the same id on every node, for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// `<r1.` + 130 bits of HMAC-SHA256(key, `dedupe_key`) in base32 + `@` + domain of the sender + `>`.
    pub fn derive(key: &[u8], dedupe_key: &str, sender: &Address) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), dedupe_key.as_bytes());
        let code: String = base32(tag.as_ref()).chars().take(26).collect();
        Self(format!("<r1.{code}@{}>", sender.domain()))
    }

    /// The id of the message with this place among a day's: local government, address, local day, sequence.
    pub fn of_day(key: &[u8], place: (&str, &str, NaiveDate, i32), sender: &Address) -> Self {
        let (local_government_id, address, local_day, sequence) = place;
        let key_of_place = format!("m1|{local_government_id}|{address}|{local_day}|{sequence}");
        Self::derive(key, &key_of_place, sender)
    }

    /// Its secret part, by which a bounce names it.
    pub fn code(text: &str) -> Option<&str> {
        text.strip_prefix("<r1.")?.split_once('@').map(|(code, _)| code)
    }

    /// An id as it was stored, with its angle brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('<')?.strip_suffix('>')?;
        Address::parse(inner).ok().map(|_| Self(text.to_owned()))
    }

    /// With its angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 4648 base32 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
        'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let bit = |at: usize| {
        bytes
            .get(at / 8)
            .map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1))
    };
    (0..bytes.len() * 8)
        .step_by(5)
        .filter_map(|start| ALPHABET.get((start..start + 5).fold(0, |value, at| value << 1 | bit(at))))
        .collect()
}

/// The bytes to hand over.
///
/// `Precedence: bulk` is left out, because filters treat it as advertising and RFC 3834 has `Auto-Submitted` for it.
/// Exchange is asked to suppress everything but non-delivery reports, which we want ("All" would include them).
pub fn compose(mail: &Mail) -> Vec<u8> {
    let mut headers = Headers::new();
    headers.set(From::from(mailboxes(&mail.from)));
    headers.set(To::from(mailboxes(&mail.to)));
    headers.set(Subject::from(one_line(&mail.subject, MAX_SUBJECT)));
    let mut ascii = |name: &'static str, value: String| {
        headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(
            HeaderName::new_from_ascii_str(name),
            value.clone(),
            value,
        ));
    };
    ascii("Date", mail.date.format("%a, %d %b %Y %H:%M:%S %z").to_string());
    ascii("Message-ID", mail.message_id.to_string());
    if let Some(parent) = mail.references.last() {
        ascii("In-Reply-To", parent.to_string());
        let references: Vec<_> = mail.references.iter().map(MessageId::as_str).collect();
        ascii("References", references.join("\r\n "));
    }
    ascii("Auto-Submitted", "auto-generated".to_owned());
    ascii("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply".to_owned());
    ascii("MIME-Version", "1.0".to_owned());
    ascii("Content-Type", "text/plain; charset=utf-8".to_owned());
    ascii("Content-Transfer-Encoding", "base64".to_owned());

    // Base64 always: it passes relays without 8BITMIME, and the choice cannot depend on the text.
    let text = body_text(&mail.body);
    let body = Body::new_with_encoding(text.into_bytes(), ContentTransferEncoding::Base64)
        .map_or_else(|bytes| bytes, Body::into_vec);
    let mut bytes = format!("{headers}\r\n").into_bytes();
    bytes.extend_from_slice(&body);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn mailboxes(party: &Party) -> Mailboxes {
    let address = lettre::Address::new_dangerous(party.address.local_part(), party.address.domain());
    let name = party
        .name
        .as_deref()
        .map(|name| one_line(name, MAX_NAME))
        .filter(|name| !name.is_empty());
    Mailboxes::new().with(Mailbox::new(name, address))
}

/// One line without control or invisible formatting characters, single-spaced, cut with an ellipsis.
fn one_line(text: &str, max: usize) -> String {
    let safe = cp932_safe(text);
    let spaced: String = safe.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
    let words: Vec<_> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= max {
        line
    } else {
        line.chars().take(max - 1).chain(['…']).collect()
    }
}

/// Lines end in CRLF; control characters other than tab go.
fn body_text(text: &str) -> String {
    let mut body = String::with_capacity(text.len());
    for line in cp932_safe(text).lines() {
        body.extend(line.chars().filter(|c| *c == '\t' || !is_unsafe(*c)));
        body.push_str("\r\n");
    }
    body
}

/// Control characters, line and paragraph separators, and marks that turn the writing direction.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    fn mail() -> Mail {
        let party = |address: &str, name: &str| Party {
            address: Address::parse(address).unwrap(),
            name: Some(name.to_owned()),
        };
        let from = party("kakunin@example.lg.jp", "本巣市 情報政策課");
        let id = |key: &str| MessageId::derive(b"key", key, &from.address);
        Mail {
            to: party("soumu@example.lg.jp", "総務課"),
            subject: "【要対応・残り14日】再確認のお願い／委託先：基幹システム運用保守（管理番号 EN-2026-0012）"
                .to_owned(),
            message_id: id("m1|1"),
            references: vec![id("t1|EN-2026-0012")],
            date: DateTime::parse_from_rfc3339("2027-03-17T08:30:00+09:00").unwrap(),
            body: "総務課 御中\n\n.\n確認をお願いします。\n".to_owned(),
            from,
        }
    }

    /// Unfolded headers and the decoded body, read by other code than wrote them.
    fn taken_apart(bytes: &[u8]) -> (Vec<(String, String)>, String) {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.is_ascii());
        assert!(
            text.split("\r\n")
                .all(|line| line.len() <= 998 && !line.contains(['\r', '\n']))
        );
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = head.split("\r\n").map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), words(value))).collect();
        (
            headers,
            String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap(),
        )
    }

    /// Decodes `=?utf-8?b?…?=` words; white space between two of them is not text (RFC 2047 §6.2).
    fn words(value: &str) -> String {
        let mut out = String::new();
        let mut after_encoded = false;
        for word in value.split(' ') {
            let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
            let continues = after_encoded && encoded.is_some();
            if !out.is_empty() && !continues {
                out.push(' ');
            }
            after_encoded = encoded.is_some();
            match encoded {
                Some(encoded) => out.push_str(std::str::from_utf8(&STANDARD.decode(encoded).unwrap()).unwrap()),
                None => out.push_str(word),
            }
        }
        out
    }

    #[test]
    fn a_reminder_in_bytes() {
        insta::assert_snapshot!(String::from_utf8(compose(&mail())).unwrap().replace("\r\n", "\n"));
    }

    #[test]
    fn another_reader_finds_what_was_written() {
        let (headers, body) = taken_apart(&compose(&mail()));
        let header = |name: &str| headers.iter().find(|(found, _)| found == name).unwrap().1.as_str();
        assert_eq!(header("Subject"), mail().subject);
        assert_eq!(header("From"), "本巣市 情報政策課 <kakunin@example.lg.jp>");
        assert_eq!(header("Date"), "Wed, 17 Mar 2027 08:30:00 +0900");
        assert_eq!(header("Message-ID"), mail().message_id.as_str());
        assert_eq!(header("References"), header("In-Reply-To"));
        assert_eq!(body, mail().body.replace('\n', "\r\n"));
    }

    #[test]
    fn a_message_id_is_a_function_of_key_and_matter() {
        let sender = mail().from.address;
        let id = MessageId::derive(&[0x0b; 20], "Hi There", &sender);
        // RFC 4231 test case 1: b0344c61 d8db3853 5ca8afce af0bf12b 88
        assert_eq!(id.as_str(), "<r1.wa2eyyoy3m4fgxfiv7hk6c7rfo@example.lg.jp>");
        assert_eq!(MessageId::parse(id.as_str()), Some(id));
        assert_ne!(
            MessageId::derive(b"k", "1", &sender),
            MessageId::derive(b"k", "2", &sender)
        );
        for bad in ["", "<>", "a@b", "<a@b>\r\nBcc: c@d", "<a b@c>"] {
            assert_eq!(MessageId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_makes_a_mail_with_exactly_our_headers(
            subject in ".{0,300}", name in any::<String>(), body in any::<String>(), seconds in any::<i32>(),
        ) {
            let mail = Mail {
                subject: subject.clone() + &name,
                from: Party { name: Some(name.clone()), ..mail().from },
                to: Party { name: Some(subject), ..mail().to },
                date: DateTime::from_timestamp(i64::from(seconds), 0).unwrap().fixed_offset(),
                body,
                ..mail()
            };
            let bytes = compose(&mail);
            prop_assert_eq!(&bytes, &compose(&mail.clone()));
            let (headers, _) = taken_apart(&bytes);
            let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(names, [
                "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
                "X-Auto-Response-Suppress", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
            ]);
            for (name, value) in &headers {
                prop_assert!(!value.chars().any(char::is_control), "{}: {:?}", name, value);
            }
        }
    }
}
