//! One POST to a receiver: the connection that is allowed to be made, the signature, and what came of it.
//!
//! Every address is looked at after its name was resolved and just before it is connected to
//! ([`crate::domain::address`]), so a name that leads elsewhere the second time leads nowhere. No proxy, no redirect, no
//! connection kept for another receiver; of an answer 4 KiB are read and nothing is made of them.

use std::time::Duration;

use ipnet::IpNet;
use standardwebhooks::Webhook;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::queue::Claimed;
use crate::authorities;
use crate::config::WebhookConfig;
use crate::domain::address::may_connect;
use crate::http::error::ApiError;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an attempt may take in all (Standard Webhooks: 15 to 30 s).
const WHOLE: Duration = Duration::from_secs(20);
/// What is read of an answer, in bytes.
const READ_LIMIT: u64 = 4 * 1024;
/// What is kept of it, in characters.
const KEPT: usize = 1000;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The receiver answered.
    Answered {
        /// The status.
        status: u16,
        /// Seconds that it asks to be left alone for.
        retry_after: Option<i64>,
        /// How the answer began.
        text: String,
    },
    /// There was no answer.
    Failed(String),
}

/// Sends to receivers.
#[derive(Debug, Clone)]
pub(crate) struct Poster {
    agent: Agent,
}

impl Poster {
    /// One that connects to what the settings allow.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub(crate) fn new(config: &WebhookConfig) -> Result<Self, ApiError> {
        let tls = authorities::tls(config.extra_authorities_pem.as_deref())
            .map_err(|error| ApiError::internal(format!("the authorities of webhooks: {error}")))?;
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(!config.allow_http)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .user_agent(concat!("kakunin/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let guard = Guard {
            inner: DefaultResolver::default(),
            allowed: config.allowed_networks.clone(),
        };
        Ok(Self {
            agent: Agent::with_parts(settings, DefaultConnector::default(), guard),
        })
    }

    /// Sends an event; blocks until it is answered or given up.
    ///
    /// # Errors
    /// A secret that is none.
    pub(crate) fn post(&self, claimed: &Claimed) -> Result<Sent, ApiError> {
        let timestamp = claimed.timestamp();
        let signature = sign(&claimed.secrets, &claimed.event_id, timestamp, &claimed.body)?;
        let sent = self
            .agent
            .post(&claimed.url)
            .header("content-type", "application/json")
            .header(standardwebhooks::HEADER_WEBHOOK_ID, &claimed.event_id)
            .header(standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, timestamp.to_string())
            .header(standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signature)
            .send(claimed.body.as_str());
        Ok(match sent {
            Ok(mut response) => {
                let retry_after = response
                    .headers()
                    .get("retry-after")
                    .and_then(|value| value.to_str().ok()?.trim().parse().ok());
                let read = response.body_mut().with_config().limit(READ_LIMIT).lossy_utf8(true);
                // An answer that does not end is an answer all the same; what counts is its status.
                let text = read.read_to_string().unwrap_or_default();
                Sent::Answered {
                    status: response.status().as_u16(),
                    retry_after,
                    text: text.chars().filter(|c| *c != '\0').take(KEPT).collect(),
                }
            }
            Err(error) => Sent::Failed(error.to_string()),
        })
    }
}

/// The signatures of a message, one for each secret (Standard Webhooks).
///
/// # Errors
/// A secret that is none.
fn sign(secrets: &[Vec<u8>], event_id: &str, timestamp: i64, body: &str) -> Result<String, ApiError> {
    let mut signatures = vec![];
    for secret in secrets {
        let webhook = Webhook::from_bytes(secret.clone()).map_err(ApiError::internal)?;
        signatures.push(
            webhook
                .sign(event_id, timestamp, body.as_bytes())
                .map_err(ApiError::internal)?,
        );
    }
    Ok(signatures.join(" "))
}

/// Leaves out every address that must not be connected to.
#[derive(Debug)]
struct Guard {
    inner: DefaultResolver,
    allowed: Vec<IpNet>,
}

/// No address of a receiver may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the receiver's address is not one that webhooks may be sent to; the operator can allow its network")]
struct Forbidden;

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut may = self.empty();
        for address in &found {
            if may_connect(address.ip(), address.port(), &self.allowed) {
                may.push(*address);
            }
        }
        if may.is_empty() {
            return Err(ureq::Error::Other(Box::new(Forbidden)));
        }
        Ok(may)
    }
}
