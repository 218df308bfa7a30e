//! The SMTP driver against every fault in every phase: never "accepted" without a 250 to the dot, never "not accepted"
//! when the relay may have taken the message.

use crate::smtp_server::{At, Behaviour, Encryption, FakeSmtp, Fault, closed_port};
use kakunin::mail::{
    Address, DeliveryPhase, Envelope, Outcome, Refusal, Transport,
    smtp::{Credentials, Limits, Relay, Security, SmtpConfig},
};
use std::time::Duration;

const MAIL: &[u8] = b"Subject: =?utf-8?b?56K66KqN?=\r\n\r\n.\r\n..dots\r\nlast line\r\n";

/// Longer than any stall of a busy machine: no faultless step runs into it.
const PATIENT: Duration = Duration::from_secs(20);
/// For servers that stay silent.
const IMPATIENT: Duration = Duration::from_millis(100);

fn config(port: u16) -> SmtpConfig {
    SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::PlainWithoutAuth,
        credentials: None,
        hello_name: "kakunin.example.lg.jp".to_owned(),
        extra_authorities_pem: None,
        limits: Limits {
            step: PATIENT,
            dot: PATIENT,
        },
    }
}

fn envelope() -> Envelope {
    let address = |text| Address::parse(text).unwrap();
    Envelope {
        from: address("kakunin@example.lg.jp"),
        to: address("soumu@example.lg.jp"),
    }
}

async fn deliver(config: SmtpConfig) -> Outcome {
    let transport = Transport::Smtp(Relay::new(config).unwrap());
    match transport.open(&envelope()).await {
        Ok(session) => session.finish(MAIL).await,
        Err(refusal) => refusal.into(),
    }
}

/// What a caller tells apart.
fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::NotAccepted(Refusal { relay_wide: true, .. }) => "relay broken",
        Outcome::NotAccepted(Refusal { permanent: true, .. }) => "refused for good",
        Outcome::NotAccepted(_) => "refused for now",
        Outcome::InDoubt { .. } => "in doubt",
    }
}

fn reply(text: &str) -> Fault {
    Fault::Reply(text.as_bytes().to_vec())
}

#[tokio::test]
async fn a_250_to_the_dot_is_acceptance_and_the_message_arrives_as_it_was_written() {
    let server = FakeSmtp::start(Behaviour::ok());
    let outcome = deliver(config(server.port())).await;
    assert_eq!(
        outcome,
        Outcome::Accepted {
            remote_ref: "2.0.0 queued as FAKE1".to_owned()
        }
    );
    let accepted = server.accepted();
    assert_eq!(accepted.len(), 1);
    assert_eq!(
        (accepted[0].from.as_str(), accepted[0].to.as_slice()),
        ("kakunin@example.lg.jp", &["soumu@example.lg.jp".to_owned()][..])
    );
    assert_eq!(accepted[0].data, MAIL);
}

#[tokio::test]
async fn before_the_dot_every_fault_is_a_refusal_and_names_its_phase() {
    use DeliveryPhase::{Data, Ehlo, Greeting, MailFrom, RcptTo};
    let server = FakeSmtp::start(Behaviour::ok());
    let places = [
        (At::Greeting, Greeting),
        (At::Ehlo, Ehlo),
        (At::Mail, MailFrom),
        (At::Rcpt, RcptTo),
        (At::Data, Data),
    ];
    for (at, phase) in places {
        let early = phase.is_relay_wide();
        let faults = [
            (
                Fault::Refuse(451),
                if early { "relay broken" } else { "refused for now" },
            ),
            (
                Fault::Refuse(554),
                if early { "relay broken" } else { "refused for good" },
            ),
            (Fault::Refuse(421), "relay broken"),
            (
                Fault::Refuse(299),
                if early { "relay broken" } else { "refused for now" },
            ),
            (Fault::Close, if early { "relay broken" } else { "refused for now" }),
            (Fault::Garbage, if early { "relay broken" } else { "refused for now" }),
        ];
        for (fault, expected) in faults {
            server.set(Behaviour::at(at, fault.clone()));
            let outcome = deliver(config(server.port())).await;
            assert_eq!(class(&outcome), expected, "{at:?} {fault:?}: {outcome:?}");
            let Outcome::NotAccepted(refusal) = outcome else {
                unreachable!()
            };
            assert_eq!(refusal.phase, phase, "{at:?} {fault:?}");
        }
        // A busy machine may run out of patience in an earlier phase; what counts is that nothing is in doubt.
        server.set(Behaviour::at(at, Fault::Silent));
        let limits = Limits {
            step: IMPATIENT,
            dot: PATIENT,
        };
        let outcome = deliver(SmtpConfig {
            limits,
            ..config(server.port())
        })
        .await;
        assert!(
            matches!(outcome, Outcome::NotAccepted(Refusal { code: None, .. })),
            "{at:?} silent: {outcome:?}"
        );
    }
    assert_eq!(server.accepted(), []);
}

#[tokio::test]
async fn after_the_body_only_a_refusal_is_certain() {
    let server = FakeSmtp::start(Behaviour::ok());
    for at in [At::Body, At::Dot, At::AfterDot] {
        let faults = [
            (Fault::Refuse(452), "refused for now"),
            (Fault::Refuse(554), "refused for good"),
            (Fault::Refuse(421), "relay broken"),
            (Fault::Refuse(354), "in doubt"),
            (Fault::Refuse(251), "in doubt"),
            (Fault::Refuse(200), "in doubt"),
            (reply("250"), "in doubt"),
            (reply("250-half\r\n"), "in doubt"),
            (reply("250-one\r\n554 two\r\n"), "in doubt"),
            (reply("2500 ok\r\n"), "in doubt"),
            (Fault::Garbage, "in doubt"),
            (Fault::Close, "in doubt"),
            (Fault::Silent, "in doubt"),
        ];
        for (fault, expected) in faults {
            let before = server.accepted().len();
            server.set(Behaviour::at(at, fault.clone()));
            // The server keeps the connection open after half a reply.
            let waits = matches!(&fault, Fault::Silent | Fault::Reply(_));
            let limits = Limits {
                step: PATIENT,
                dot: if waits { IMPATIENT } else { PATIENT },
            };
            let outcome = deliver(SmtpConfig {
                limits,
                ..config(server.port())
            })
            .await;
            assert_eq!(class(&outcome), expected, "{at:?} {fault:?}: {outcome:?}");
            if at != At::AfterDot {
                assert_eq!(server.accepted().len(), before, "{at:?} {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_a_delivered_message_in_doubt() {
    let server = FakeSmtp::start(Behaviour::at(At::AfterDot, Fault::Close));
    assert_eq!(class(&deliver(config(server.port())).await), "in doubt");
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_while_the_body_is_written_leaves_doubt() {
    let server = FakeSmtp::start(Behaviour::at(At::Body, Fault::Close));
    let transport = Transport::Smtp(Relay::new(config(server.port())).unwrap());
    let session = transport.open(&envelope()).await.unwrap();
    // More than any socket buffer holds, so that the fault meets the writer.
    let outcome = session.finish(&b"0123456789abcdef\r\n".repeat(1 << 20)).await;
    assert!(
        matches!(
            outcome,
            Outcome::InDoubt {
                phase: DeliveryPhase::Body,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(server.accepted(), []);
}

#[tokio::test]
async fn a_late_reply_within_the_limit_is_a_reply() {
    let server = FakeSmtp::start(Behaviour::ok());
    for at in [
        At::Greeting,
        At::Ehlo,
        At::Mail,
        At::Rcpt,
        At::Data,
        At::Body,
        At::Dot,
        At::AfterDot,
    ] {
        server.set(Behaviour::at(at, Fault::Delay(Duration::from_millis(5))));
        assert_eq!(class(&deliver(config(server.port())).await), "accepted", "{at:?}");
    }
    assert_eq!(server.accepted().len(), 8);
}

#[tokio::test]
async fn a_reply_nobody_asked_for_never_answers_the_next_command() {
    let server = FakeSmtp::start(Behaviour::ok());
    let ahead = "250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n";
    for at in [At::Greeting, At::Ehlo, At::Mail, At::Rcpt, At::Data] {
        let first = match at {
            At::Greeting => "220 hello\r\n",
            At::Data => "354 go\r\n",
            _ => "250 ok\r\n",
        };
        server.set(Behaviour::at(at, reply(&format!("{first}{ahead}"))).and(At::Dot, Fault::Refuse(554)));
        let outcome = deliver(config(server.port())).await;
        assert!(matches!(outcome, Outcome::NotAccepted(_)), "{at:?}: {outcome:?}");
    }
    assert_eq!(server.accepted(), []);
}

#[tokio::test]
async fn a_reply_in_shift_jis_is_understood() {
    let server = FakeSmtp::start(Behaviour::at(
        At::AfterDot,
        Fault::Reply(b"250 \x8e\xf3\x95\x74\r\n".to_vec()),
    ));
    assert_eq!(class(&deliver(config(server.port())).await), "accepted");
}

#[tokio::test]
async fn an_aborted_session_delivers_nothing_and_the_next_one_is_a_new_connection() {
    let server = FakeSmtp::start(Behaviour::ok());
    let transport = Transport::Smtp(Relay::new(config(server.port())).unwrap());
    transport.open(&envelope()).await.unwrap().abort();
    let second = transport.open(&envelope()).await.unwrap();
    assert_eq!(class(&second.finish(MAIL).await), "accepted");
    assert_eq!((server.connections(), server.accepted()[0].connection), (2, 2));
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn a_script_says_how_each_connection_goes() {
    let server = FakeSmtp::start(Behaviour::ok());
    server.script([
        Behaviour::at(At::Rcpt, Fault::Refuse(450)),
        Behaviour::at(At::Dot, Fault::Close),
    ]);
    let mut classes = Vec::new();
    for _ in 0..3 {
        classes.push(class(&deliver(config(server.port())).await));
    }
    assert_eq!(classes, ["refused for now", "in doubt", "accepted"]);
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_a_broken_relay() {
    let outcome = deliver(config(closed_port())).await;
    assert_eq!(class(&outcome), "relay broken");
    assert!(matches!(
        outcome,
        Outcome::NotAccepted(Refusal {
            phase: DeliveryPhase::Connect,
            ..
        })
    ));
}

fn with_tls(server: &FakeSmtp, security: Security) -> SmtpConfig {
    let credentials = Some(Credentials {
        username: "kakunin".to_owned(),
        password: "secret".into(),
    });
    SmtpConfig {
        security,
        credentials,
        extra_authorities_pem: server.certificate_pem(),
        ..config(server.port())
    }
}

#[tokio::test]
async fn with_starttls_the_credentials_are_sent_encrypted_only() {
    let server = FakeSmtp::start_with(Behaviour::ok(), Encryption::StartTls);
    assert_eq!(
        class(&deliver(with_tls(&server, Security::StartTlsRequired)).await),
        "accepted"
    );
    let commands = server.commands();
    let verbs: Vec<_> = commands
        .iter()
        .take(6)
        .map(|line| line.split([' ', ':']).next().unwrap())
        .collect();
    assert_eq!(verbs, ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT"]);
    assert_eq!(commands[3], "AUTH PLAIN AGtha3VuaW4Ac2VjcmV0");
    assert_eq!(server.accepted()[0].data, MAIL);
}

#[tokio::test]
async fn implicit_tls_can_sign_in_the_old_way() {
    let hello = reply("250-fake\r\n250 AUTH=LOGIN\r\n");
    let server = FakeSmtp::start_with(Behaviour::at(At::Ehlo, hello), Encryption::Implicit);
    assert_eq!(
        class(&deliver(with_tls(&server, Security::ImplicitTls)).await),
        "accepted"
    );
    assert_eq!(server.commands()[1..4], ["AUTH LOGIN", "a2FrdW5pbg==", "c2VjcmV0"]);
}

#[tokio::test]
async fn a_relay_that_fails_to_encrypt_gets_no_command_beyond_starttls() {
    let starttls = |fault| (Behaviour::at(At::StartTls, fault), Encryption::StartTls);
    let cases = [
        (Behaviour::ok(), Encryption::None),
        starttls(Fault::Refuse(454)),
        starttls(Fault::Refuse(250)),
        starttls(Fault::Close),
        starttls(Fault::Garbage),
        // Plain text behind the consent would be read as the first encrypted replies.
        starttls(reply(
            "220 go\r\n250-fake\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n",
        )),
        starttls(Fault::Silent),
    ];
    for (behaviour, tls) in cases {
        let server = FakeSmtp::start_with(behaviour.clone(), tls);
        let trusted = server
            .certificate_pem()
            .or_else(|| FakeSmtp::start_with(Behaviour::ok(), Encryption::Implicit).certificate_pem());
        let limits = Limits {
            step: Duration::from_millis(500),
            dot: PATIENT,
        };
        let config = SmtpConfig {
            extra_authorities_pem: trusted,
            limits,
            ..with_tls(&server, Security::StartTlsRequired)
        };
        let outcome = deliver(config).await;
        assert_eq!(class(&outcome), "relay broken", "{behaviour:?}: {outcome:?}");
        let told = server.commands();
        assert!(
            !told.iter().any(|line| line.contains("AUTH") || line.contains("MAIL")),
            "{behaviour:?}: {told:?}"
        );
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_refused() {
    let other = FakeSmtp::start_with(Behaviour::ok(), Encryption::Implicit);
    for (tls, security) in [
        (Encryption::Implicit, Security::ImplicitTls),
        (Encryption::StartTls, Security::StartTlsRequired),
    ] {
        let server = FakeSmtp::start_with(Behaviour::ok(), tls);
        let stranger = SmtpConfig {
            extra_authorities_pem: other.certificate_pem(),
            ..with_tls(&server, security)
        };
        let wrong_name = SmtpConfig {
            host: "localhost".to_owned(),
            ..with_tls(&server, security)
        };
        for config in [stranger, wrong_name] {
            let outcome = deliver(config).await;
            let Outcome::NotAccepted(refusal) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(
                (refusal.phase, refusal.relay_wide),
                (DeliveryPhase::Tls, true),
                "{refusal:?}"
            );
        }
        assert_eq!(server.accepted(), []);
    }
}

#[tokio::test]
async fn wrong_credentials_are_a_fault_of_the_relay_kind() {
    for fault in [Fault::Refuse(535), Fault::Refuse(454), Fault::Close, Fault::Garbage] {
        let server = FakeSmtp::start_with(Behaviour::at(At::Auth, fault.clone()), Encryption::Implicit);
        let outcome = deliver(with_tls(&server, Security::ImplicitTls)).await;
        let Outcome::NotAccepted(refusal) = outcome else {
            panic!("{fault:?}: {outcome:?}")
        };
        assert_eq!((refusal.phase, refusal.relay_wide), (DeliveryPhase::Auth, true));
        assert!(!refusal.text.contains("c2VjcmV0"));
    }
}

#[tokio::test]
async fn the_doctor_hears_the_greeting_and_sends_nothing() {
    let server = FakeSmtp::start_with(Behaviour::ok(), Encryption::StartTls);
    let greeting = Relay::new(with_tls(&server, Security::StartTlsRequired))
        .unwrap()
        .greeting()
        .await
        .unwrap();
    assert_eq!(greeting.banner, "fake ESMTP");
    assert_eq!(greeting.tls.as_deref(), Some("TLSv1_3"));
    assert_eq!(greeting.capabilities, ["8BITMIME", "AUTH LOGIN PLAIN"]);
    assert!(greeting.signed_in);
    assert_eq!(server.commands().last().unwrap(), "QUIT");

    let plain = FakeSmtp::start(Behaviour::ok());
    let greeting = Relay::new(config(plain.port())).unwrap().greeting().await.unwrap();
    assert_eq!((greeting.tls, greeting.signed_in), (None, false));
}
