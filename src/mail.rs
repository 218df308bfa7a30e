//! Mail out of the house: what is said ([`templates`]), its bytes ([`compose`]) and who carries them ([`smtp`],
//! [`mod@file`]).
//!
//! Delivery has two steps, so that the dispatcher can commit its intent between them (design §6):
//! [`Transport::open`] goes as far as a relay lets us without taking anything (connect … RCPT, DATA, 354);
//! [`Session::finish`] sends body and final dot. A failing relay therefore uses up no intent, and only what happens
//! after the intent can be in doubt. Nothing here retries, stores or knows a clock: queue, backoff, breaker and dead
//! letters are the dispatcher's (`work/`).

pub mod bounce;
pub mod compose;
pub mod file;
pub mod smtp;
pub mod templates;

use crate::domain::vocabulary::code_words;
use std::fmt;

code_words! {
    /// How far a delivery came. An attempt is recorded with the phase in which it ended.
    DeliveryPhase {
        Connect = "connect", "接続";
        Greeting = "greeting", "応答開始";
        Ehlo = "ehlo", "挨拶（EHLO）";
        Tls = "tls", "暗号化（TLS）";
        Auth = "auth", "認証";
        MailFrom = "mail_from", "差出人（MAIL）";
        RcptTo = "rcpt_to", "宛先（RCPT）";
        Data = "data", "本文の受入れ（DATA）";
        Body = "body", "本文の送信";
        Dot = "dot", "受領の確認";
    }
}

impl DeliveryPhase {
    /// A failure here says something about the relay or our settings, not about this message: MAIL belongs to it,
    /// because the sender is the same for every message.
    pub const fn is_relay_wide(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::Greeting | Self::Ehlo | Self::Tls | Self::Auth | Self::MailFrom
        )
    }
}

/// An address that can stand between `<` and `>` on the wire: ASCII, one `@`, at most 254 characters.
///
/// Laxer than `domain/identifier.rs` on purpose: legacy carrier addresses with dots in odd places pass.
/// What it keeps out is whatever could end the command or start a header.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

/// The text cannot be a mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address that can be handed to a mail relay")]
pub struct BadAddress;

impl Address {
    /// Takes an address apart and refuses what is unsafe on the wire.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(BadAddress)?;
        let safe =
            |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '@');
        let domain_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let good = !local.is_empty()
            && !domain.is_empty()
            && text.len() <= 254
            && local.chars().all(safe)
            && domain.chars().all(domain_safe);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadAddress)
        }
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One message goes to one recipient, so that one refused address never holds up another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where bounces go (MAIL FROM).
    pub from: Address,
    /// Who receives it (RCPT TO).
    pub to: Address,
}

/// The message was not accepted, and that is certain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{phase}: {text}")]
pub struct Refusal {
    /// Where it ended.
    pub phase: DeliveryPhase,
    /// The relay's reply code, if it gave one.
    pub code: Option<u16>,
    /// The relay's words or the fault, without control characters. May name the recipient: not for logs.
    pub text: String,
    /// This message will never be accepted for this recipient (5xx that is not [`Self::relay_wide`]).
    pub permanent: bool,
    /// Every message would fail alike: trips the breaker and uses up no attempt.
    pub relay_wide: bool,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Handed over: the relay answered 250 to the final dot, or the file is on disk.
    Accepted {
        /// The relay's words (usually its queue id), or the file's name.
        remote_ref: String,
    },
    /// Certainly not handed over.
    NotAccepted(Refusal),
    /// The body may or may not have been taken.
    InDoubt {
        /// Where it ended.
        phase: DeliveryPhase,
        /// What happened, without control characters.
        text: String,
    },
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::NotAccepted(refusal)
    }
}

/// Who carries the mail. Data of a demonstration is only ever given to [`Self::File`].
#[derive(Debug, Clone)]
pub enum Transport {
    /// A relay.
    Smtp(smtp::Relay),
    /// A folder of `.eml` files.
    File(file::FileTransport),
}

impl Transport {
    /// Goes as far as possible without handing anything over. Dropping the session drops the connection.
    pub async fn open(&self, envelope: &Envelope) -> Result<Session, Refusal> {
        match self {
            Self::Smtp(relay) => relay
                .open(envelope)
                .await
                .map(|session| Session::Smtp(Box::new(session))),
            Self::File(folder) => Ok(Session::File(folder.clone())),
        }
    }
}

/// A transport that waits for the bytes.
#[derive(Debug)]
#[must_use = "finish or abort"]
pub enum Session {
    /// A relay that answered 354.
    Smtp(Box<smtp::Session>),
    /// A folder.
    File(file::FileTransport),
}

impl Session {
    /// Hands the bytes over, once. A caller that drops this future must treat the message as in doubt.
    pub async fn finish(self, bytes: &[u8]) -> Outcome {
        match self {
            Self::Smtp(session) => session.finish(bytes).await,
            Self::File(folder) => folder.write(bytes).await,
        }
    }

    /// Gives up before anything was handed over: the connection is closed without a dot, so nothing can be taken.
    pub fn abort(self) {
        drop(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_can_stand_between_angle_brackets() {
        for good in [
            "kakunin@example.lg.jp",
            "docomo.user..x.@docomo.ne.jp",
            "a+b/c@example.co.jp",
            "x@relay",
        ] {
            assert_eq!(Address::parse(good).unwrap().to_string(), good);
        }
        let long = format!("{}@example.jp", "a".repeat(250));
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a",
            "a b@c",
            "a@b c",
            "a@b>\r\nRCPT TO:<c@d",
            "a@[127.0.0.1]",
            "a@例え.jp",
            "山@b",
            "a@b@c",
            &long,
        ] {
            assert_eq!(Address::parse(bad), Err(BadAddress), "{bad}");
        }
    }
}
