//! Which relay, how it is protected and how long it may take; what could not work is found at the start.

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::SecretString;
use std::{fmt, sync::Arc, time::Duration};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain greeting, then STARTTLS; a relay that does not offer it gets no mail (usually port 587).
    StartTlsRequired,
    /// TLS from the first byte (usually port 465).
    ImplicitTls,
    /// No encryption and no credentials: only for a relay inside the same protected network.
    PlainWithoutAuth,
}

/// How to sign in at the relay.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub username: String,
    /// Its password; never printed.
    pub password: SecretString,
}

/// How long each phase may take. A short limit on the dot would manufacture doubt (RFC 5321 §4.5.3.2: 10 minutes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connecting, each command with its reply, the TLS handshake, and writing the body.
    pub step: Duration,
    /// The reply to the final dot.
    pub dot: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: Duration::from_mins(1),
            dot: Duration::from_mins(10),
        }
    }
}

/// Which relay, and how.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Name or address; with TLS its certificate must name it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Account at the relay, if it wants one.
    pub credentials: Option<Credentials>,
    /// What we call ourselves in EHLO.
    pub hello_name: String,
    /// PEM certificates that are trusted beside the system's, for a relay with an internal authority.
    pub extra_authorities_pem: Option<String>,
    /// Time limits.
    pub limits: Limits,
}

/// Settings with which no mail could leave, found at the start.
#[derive(Debug, thiserror::Error)]
pub enum RelayConfigError {
    /// Credentials would travel in clear text.
    #[error("the plain relay must have no user name and password: choose starttls or tls, or remove the credentials")]
    CredentialsInClear,
    /// The host is neither a name nor an address.
    #[error("the mail relay's host {0:?} is neither a name nor an address: check its spelling")]
    Host(String),
    /// The EHLO name has other characters than letters, digits, `-` and `.`.
    #[error("the name for EHLO {0:?} must be a host name such as kakunin.example.lg.jp")]
    HelloName(String),
    /// Nothing to check certificates against.
    #[error(
        "no certificate authority is known: install the package ca-certificates or name a PEM file with the relay's authority"
    )]
    NoAuthorities,
    /// The PEM text holds no certificate.
    #[error("the PEM file with the relay's authority holds no readable certificate: {0}")]
    Authorities(String),
    /// The TLS library refused the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The system's authorities and those of the settings.
pub(super) fn tls_config(extra_pem: Option<&str>) -> Result<ClientConfig, RelayConfigError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = extra_pem {
        let bad = |why: &dyn fmt::Display| RelayConfigError::Authorities(why.to_string());
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots
                .add(certificate.map_err(|error| bad(&error))?)
                .map_err(|error| bad(&error))?;
        }
        if roots.len() == before {
            return Err(bad(&"no BEGIN CERTIFICATE line"));
        }
    }
    if roots.is_empty() {
        return Err(RelayConfigError::NoAuthorities);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(builder
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::{super::Relay, *};

    fn config(security: Security) -> SmtpConfig {
        SmtpConfig {
            host: "relay.example.lg.jp".to_owned(),
            port: 25,
            security,
            credentials: None,
            hello_name: "kakunin.example.lg.jp".to_owned(),
            extra_authorities_pem: None,
            limits: Limits::default(),
        }
    }

    #[test]
    fn credentials_never_go_over_a_plain_connection() {
        let credentials = Some(Credentials {
            username: "u".to_owned(),
            password: "secret-p".into(),
        });
        let config = SmtpConfig {
            credentials,
            ..config(Security::PlainWithoutAuth)
        };
        assert!(!format!("{config:?}").contains("secret-p"));
        assert!(matches!(Relay::new(config), Err(RelayConfigError::CredentialsInClear)));
    }

    #[test]
    fn settings_that_cannot_work_stop_the_start() {
        let plain = || config(Security::PlainWithoutAuth);
        assert!(Relay::new(plain()).is_ok());
        let bad_host = SmtpConfig {
            host: "relay example".to_owned(),
            ..plain()
        };
        assert!(matches!(Relay::new(bad_host), Err(RelayConfigError::Host(_))));
        for name in ["", "a b", "a\r\nMAIL", "確認.jp"] {
            let bad_hello = SmtpConfig {
                hello_name: name.to_owned(),
                ..plain()
            };
            assert!(
                matches!(Relay::new(bad_hello), Err(RelayConfigError::HelloName(_))),
                "{name}"
            );
        }
        let bad_pem = SmtpConfig {
            extra_authorities_pem: Some("no".to_owned()),
            ..config(Security::ImplicitTls)
        };
        assert!(matches!(Relay::new(bad_pem), Err(RelayConfigError::Authorities(_))));
    }
}
