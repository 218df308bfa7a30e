//! Handing one message to a relay, phase by phase, each with its own time limit.
//!
//! Only 250 to the final dot is acceptance. 4xx and 5xx to the dot are a refusal; silence, a closed connection, bytes
//! that are no reply, or any other code are doubt, and so is a fault while the body is being written. A connection
//! carries one message and is then closed: nothing is pooled, nothing is reused after a fault. Encryption is required,
//! except on a relay that was named as plain and then gets no credentials. The bytes on the wire are those of `wire.rs`.

mod config;
mod wire;

pub use config::{Credentials, Limits, RelayConfigError, Security, SmtpConfig};

use super::{DeliveryPhase, Envelope, Outcome, Refusal};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use wire::{Fault, Reply, Wire, dot_stuffed};

/// A relay with checked settings.
#[derive(Clone)]
pub struct Relay {
    config: Arc<SmtpConfig>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Relay").field(&self.config).finish()
    }
}

/// What a relay says of itself, for `kakunin doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Its first words.
    pub banner: String,
    /// The TLS version in use.
    pub tls: Option<String>,
    /// The extensions it offers, as it writes them.
    pub capabilities: Vec<String>,
    /// Our credentials were taken.
    pub signed_in: bool,
}

/// Any stream that mail can go over.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

type AnyWire = Wire<Box<dyn Duplex>>;

impl Relay {
    /// Checks the settings; connects nowhere.
    pub fn new(config: SmtpConfig) -> Result<Self, RelayConfigError> {
        let name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '[' | ']' | ':');
        if config.hello_name.is_empty() || !config.hello_name.chars().all(name_char) {
            return Err(RelayConfigError::HelloName(config.hello_name));
        }
        let server =
            ServerName::try_from(config.host.clone()).map_err(|_| RelayConfigError::Host(config.host.clone()))?;
        let tls = match config.security {
            Security::PlainWithoutAuth if config.credentials.is_some() => {
                return Err(RelayConfigError::CredentialsInClear);
            }
            Security::PlainWithoutAuth => None,
            Security::StartTlsRequired | Security::ImplicitTls => Some((
                TlsConnector::from(Arc::new(config::tls_config(config.extra_authorities_pem.as_deref())?)),
                server,
            )),
        };
        Ok(Self {
            config: Arc::new(config),
            tls,
        })
    }

    /// Connects, signs in if there are credentials, and takes leave.
    pub async fn greeting(&self) -> Result<Greeting, Refusal> {
        let (mut wire, greeting) = self.greet().await?;
        let _ = wire.command("QUIT", self.config.limits.step).await;
        Ok(greeting)
    }

    /// From connecting to 354. The relay has nothing to deliver yet.
    pub async fn open(&self, envelope: &Envelope) -> Result<Session, Refusal> {
        let limits = self.config.limits;
        let (mut wire, _) = self.greet().await?;
        let steps = [
            (
                DeliveryPhase::MailFrom,
                format!("MAIL FROM:<{}>", envelope.from),
                [250, 250],
            ),
            // 251: not local, the relay forwards it.
            (DeliveryPhase::RcptTo, format!("RCPT TO:<{}>", envelope.to), [250, 251]),
            (DeliveryPhase::Data, "DATA".to_owned(), [354, 354]),
        ];
        for (phase, command, codes) in steps {
            expect(phase, &codes, wire.command(&command, limits.step).await)?;
        }
        Ok(Session { wire, limits })
    }

    /// From connecting to the last EHLO or AUTH.
    async fn greet(&self) -> Result<(AnyWire, Greeting), Refusal> {
        let (host, limit) = (self.config.host.as_str(), self.config.limits.step);
        let stream = timeout(limit, TcpStream::connect((host, self.config.port))).await;
        let stream = stream.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|error| refusal(DeliveryPhase::Connect, Fault::Io(error)))?;
        // Without it every message waits some 40 ms for a delayed ACK.
        let _ = stream.set_nodelay(true);

        let (mut wire, banner, mut capabilities, tls) = match (self.config.security, &self.tls) {
            (Security::ImplicitTls, Some(tls)) => {
                let (mut wire, version) = encrypt(stream, tls, limit).await?;
                let banner = expect(DeliveryPhase::Greeting, &[220], wire.reply(limit).await)?;
                (wire, banner, Vec::new(), version)
            }
            (_, tls) => {
                let mut wire = Wire::new(stream);
                let banner = expect(DeliveryPhase::Greeting, &[220], wire.reply(limit).await)?;
                let capabilities = self.ehlo(&mut wire).await?;
                if let Some(tls) = tls {
                    let (wire, version) = start_tls(wire, &capabilities, tls, limit).await?;
                    (wire, banner, Vec::new(), version)
                } else {
                    let stream = wire
                        .into_stream(limit)
                        .await
                        .map_err(|fault| refusal(DeliveryPhase::Ehlo, fault))?;
                    let stream: Box<dyn Duplex> = Box::new(stream);
                    (Wire::new(stream), banner, capabilities, None)
                }
            }
        };
        if tls.is_some() {
            capabilities = self.ehlo(&mut wire).await?;
        }
        if let Some(credentials) = &self.config.credentials {
            sign_in(&mut wire, &capabilities, credentials, limit).await?;
        }
        let signed_in = self.config.credentials.is_some();
        Ok((
            wire,
            Greeting {
                banner: clean(&banner.text()),
                tls,
                capabilities,
                signed_in,
            },
        ))
    }

    async fn ehlo<S: Duplex>(&self, wire: &mut Wire<S>) -> Result<Vec<String>, Refusal> {
        let command = format!("EHLO {}", self.config.hello_name);
        let reply = expect(
            DeliveryPhase::Ehlo,
            &[250],
            wire.command(&command, self.config.limits.step).await,
        )?;
        Ok(reply.lines.iter().skip(1).map(|line| clean(line)).collect())
    }
}

async fn start_tls(
    mut wire: Wire<TcpStream>,
    capabilities: &[String],
    tls: &(TlsConnector, ServerName<'static>),
    limit: Duration,
) -> Result<(AnyWire, Option<String>), Refusal> {
    const PHASE: DeliveryPhase = DeliveryPhase::Tls;
    if !capabilities.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
        return Err(Refusal::of_relay(PHASE, "the relay does not offer STARTTLS"));
    }
    expect(PHASE, &[220], wire.command("STARTTLS", limit).await)?;
    let stream = wire.into_stream(limit).await.map_err(|fault| refusal(PHASE, fault))?;
    encrypt(stream, tls, limit).await
}

async fn encrypt(
    stream: TcpStream,
    (connector, server): &(TlsConnector, ServerName<'static>),
    limit: Duration,
) -> Result<(AnyWire, Option<String>), Refusal> {
    let handshake = timeout(limit, connector.connect(server.clone(), stream)).await;
    let stream = match handshake {
        Err(_) => Err(Fault::Timeout),
        Ok(result) => result.map_err(Fault::Io),
    };
    let stream = stream.map_err(|fault| refusal(DeliveryPhase::Tls, fault))?;
    let version = stream
        .get_ref()
        .1
        .protocol_version()
        .map_or_else(|| "TLS".to_owned(), |version| format!("{version:?}"));
    Ok((Wire::new(Box::new(stream)), Some(version)))
}

/// AUTH PLAIN where offered, else AUTH LOGIN (older Exchange).
async fn sign_in(
    wire: &mut AnyWire,
    capabilities: &[String],
    credentials: &Credentials,
    limit: Duration,
) -> Result<(), Refusal> {
    const PHASE: DeliveryPhase = DeliveryPhase::Auth;
    let offers = |mechanism: &str| {
        capabilities.iter().any(|line| {
            let mut words = line.split([' ', '=']);
            words.next().is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
                && words.any(|word| word.eq_ignore_ascii_case(mechanism))
        })
    };
    let (username, password) = (&credentials.username, credentials.password.expose_secret());
    if offers("PLAIN") {
        let secret = BASE64.encode(format!("\0{username}\0{password}"));
        expect(
            PHASE,
            &[235],
            wire.command(&format!("AUTH PLAIN {secret}"), limit).await,
        )?;
    } else if offers("LOGIN") {
        expect(PHASE, &[334], wire.command("AUTH LOGIN", limit).await)?;
        expect(PHASE, &[334], wire.command(&BASE64.encode(username), limit).await)?;
        expect(PHASE, &[235], wire.command(&BASE64.encode(password), limit).await)?;
    } else {
        return Err(Refusal::of_relay(
            PHASE,
            "the relay offers neither AUTH PLAIN nor AUTH LOGIN",
        ));
    }
    Ok(())
}

/// A relay that answered 354 and waits for the message.
pub struct Session {
    wire: AnyWire,
    limits: Limits,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Sends body and final dot and reads the verdict. Takes at most `step + dot`, 11 minutes by default; the queue's
    /// lease of an intent is 12 (design §9).
    pub async fn finish(mut self, bytes: &[u8]) -> Outcome {
        // Nothing is sent if the relay hung up or spoke while the intent was committed: that is no doubt yet.
        if let Err(fault) = self.wire.expect_silence(self.limits.step).await {
            return refusal(DeliveryPhase::Body, fault).into();
        }
        if let Err(fault) = self.wire.send(&dot_stuffed(bytes), self.limits.step).await {
            return Outcome::InDoubt {
                phase: DeliveryPhase::Body,
                text: describe(&fault),
            };
        }
        match self.wire.reply(self.limits.dot).await {
            Ok(reply) if reply.code == 250 => {
                // Politeness only: the message is handed over whatever becomes of it.
                let _ = self.wire.send(b"QUIT\r\n", Duration::from_secs(1)).await;
                Outcome::Accepted {
                    remote_ref: clean(&reply.text()),
                }
            }
            Ok(reply) if reply.code >= 400 => refused(DeliveryPhase::Dot, &reply).into(),
            Ok(reply) => Outcome::InDoubt {
                phase: DeliveryPhase::Dot,
                text: unexpected(&reply),
            },
            Err(fault) => Outcome::InDoubt {
                phase: DeliveryPhase::Dot,
                text: describe(&fault),
            },
        }
    }
}

impl Refusal {
    fn of_relay(phase: DeliveryPhase, text: &str) -> Self {
        Self {
            phase,
            code: None,
            text: text.to_owned(),
            permanent: false,
            relay_wide: true,
        }
    }
}

/// The reply, if its code is one of these.
fn expect(phase: DeliveryPhase, codes: &[u16], result: Result<Reply, Fault>) -> Result<Reply, Refusal> {
    match result {
        Ok(reply) if codes.contains(&reply.code) => Ok(reply),
        Ok(reply) => Err(refused(phase, &reply)),
        Err(fault) => Err(refusal(phase, fault)),
    }
}

/// 421 is the relay closing down, whatever it was asked (RFC 5321 §3.8).
fn refused(phase: DeliveryPhase, reply: &Reply) -> Refusal {
    let relay_wide = phase.is_relay_wide() || reply.code == 421;
    let text = if reply.code >= 400 {
        clean(&reply.text())
    } else {
        unexpected(reply)
    };
    Refusal {
        phase,
        code: Some(reply.code),
        text,
        permanent: reply.code >= 500 && !relay_wide,
        relay_wide,
    }
}

fn refusal(phase: DeliveryPhase, fault: Fault) -> Refusal {
    match fault {
        Fault::Unasked(reply) if reply.code >= 400 => refused(phase, &reply),
        fault => Refusal {
            phase,
            code: None,
            text: describe(&fault),
            permanent: false,
            relay_wide: phase.is_relay_wide(),
        },
    }
}

fn unexpected(reply: &Reply) -> String {
    clean(&format!("unexpected reply {} {}", reply.code, reply.text()))
}

fn describe(fault: &Fault) -> String {
    match fault {
        Fault::Timeout => "no reply within the time limit".to_owned(),
        Fault::Closed => "the relay closed the connection".to_owned(),
        Fault::Io(error) => clean(&error.to_string()),
        Fault::Garbage(line) => clean(&format!("not an SMTP reply: {line}")),
        Fault::Unasked(reply) => clean(&format!(
            "a reply that was not asked for: {} {}",
            reply.code,
            reply.text()
        )),
    }
}

/// Words of others, fit for a column and a log line: no control characters, at most 300 characters.
fn clean(text: &str) -> String {
    let printable: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    printable.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_whom_it_concerns() {
        use DeliveryPhase::{Auth, Data, Dot, MailFrom, RcptTo};
        // (phase, code, permanent for this message, concerns every message)
        let cases = [
            (Auth, 535, false, true),
            (MailFrom, 550, false, true),
            (RcptTo, 550, true, false),
            (RcptTo, 451, false, false),
            (RcptTo, 421, false, true),
            (Data, 554, true, false),
            (Dot, 554, true, false),
            (Dot, 452, false, false),
            (Dot, 421, false, true),
            (Data, 250, false, false),
        ];
        for (phase, code, permanent, relay_wide) in cases {
            let refusal = refused(
                phase,
                &Reply {
                    code,
                    lines: vec!["no\u{7}".to_owned()],
                },
            );
            assert_eq!(
                (refusal.permanent, refusal.relay_wide),
                (permanent, relay_wide),
                "{phase} {code}"
            );
            assert!(!refusal.text.contains('\u{7}'));
        }
    }
}
