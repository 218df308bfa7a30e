//! The provider's side of a sign-in, asked by HTTPS: discovery, the exchange of a code, keys, UserInfo.
//!
//! Each sign-in asks anew, so a provider's new keys and addresses hold at once. No redirect, no proxy, five seconds and
//! 1 MiB for each answer. What goes wrong is said in one sentence without anybody's data; a page never shows it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::JwkSet;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::signed;
use crate::authorities;
use crate::config::OpenIdConfig;
use crate::domain::openid::may_ask;
use crate::domain::text::escaped;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may be, in bytes.
const READ_LIMIT: u64 = 1024 * 1024;

/// Where a provider is asked what (OpenID Connect Discovery 1.0, section 3).
#[derive(Debug, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    pub authorization_endpoint: String,
    token_endpoint: String,
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    /// Its answers carry `iss` (RFC 9207).
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub names_itself: bool,
}

/// What a code is exchanged for.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub id_token: String,
    pub access_token: Option<String>,
}

/// A provider that is asked.
pub(super) struct Provider<'s> {
    setting: &'s OpenIdConfig,
    agent: Agent,
}

impl<'s> Provider<'s> {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub(super) fn new(setting: &'s OpenIdConfig) -> Result<Self, String> {
        let tls = authorities::tls(setting.extra_authorities_pem.as_deref())
            .map_err(|error| format!("--openid-ca-file holds no certificates: {error}"))?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("kakunin/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
            .into();
        Ok(Self { setting, agent })
    }

    /// Where it is asked what, if it is the one that was set and can do what is needed.
    pub(super) fn discover(&self) -> Result<Discovery, String> {
        let issuer = &self.setting.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let found: Discovery = read(&url, self.agent.get(&url).call())?;
        if found.issuer != *issuer {
            return Err(format!(
                "{url} is of another issuer; if it is yours, set --openid-issuer to what its \"issuer\" says, letter by \
                 letter"
            ));
        }
        let asked = [
            Some(&found.authorization_endpoint),
            Some(&found.token_endpoint),
            Some(&found.jwks_uri),
            found.userinfo_endpoint.as_ref(),
        ];
        if let Some(wrong) = asked.into_iter().flatten().find(|endpoint| !may_ask(endpoint)) {
            return Err(format!("{url} names {wrong:?}, which is not by https://"));
        }
        let offers = |offered: &Option<Vec<String>>, wanted: &[&str]| {
            offered
                .as_ref()
                .is_none_or(|offered| offered.iter().any(|one| wanted.contains(&one.as_str())))
        };
        if !offers(&found.code_challenge_methods_supported, &["S256"]) {
            return Err(format!("{url} does not offer PKCE with S256"));
        }
        if !offers(&found.id_token_signing_alg_values_supported, signed::NAMES) {
            return Err(format!(
                "{url} signs ID tokens in no way that is taken here ({})",
                signed::NAMES.join(", ")
            ));
        }
        if !offers(
            &found.token_endpoint_auth_methods_supported,
            &["client_secret_basic", "client_secret_post"],
        ) {
            return Err(format!("{url} takes no client secret (client_secret_basic or _post)"));
        }
        Ok(found)
    }

    /// Exchanges a code.
    pub(super) fn exchange(
        &self,
        found: &Discovery,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Tokens, String> {
        let (id, secret) = (&self.setting.client_id, self.setting.client_secret.expose_secret());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let mut request = self
            .agent
            .post(&found.token_endpoint)
            .header("accept", "application/json");
        // Without a word a provider takes Basic (Discovery, section 3).
        let methods = found.token_endpoint_auth_methods_supported.as_ref();
        if methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic")) {
            let pair = STANDARD.encode(format!("{}:{}", escaped(id), escaped(secret)));
            request = request.header("authorization", format!("Basic {pair}"));
        } else {
            form.extend([("client_id", id.as_str()), ("client_secret", secret)]);
        }
        read(&found.token_endpoint, request.send_form(form))
    }

    /// Its keys of today.
    pub(super) fn keys(&self, found: &Discovery) -> Result<JwkSet, String> {
        read(&found.jwks_uri, self.agent.get(&found.jwks_uri).call())
    }

    /// What it says about whoever an access token was made for.
    pub(super) fn user_info(&self, endpoint: &str, access_token: &str) -> Result<Value, String> {
        let request = self
            .agent
            .get(endpoint)
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {access_token}"));
        read(endpoint, request.call())
    }
}

/// The JSON of an answer that went well; otherwise its status and, where it has one, its `error`.
fn read<T: DeserializeOwned>(url: &str, answered: Result<Response<Body>, ureq::Error>) -> Result<T, String> {
    let mut answer = answered.map_err(|error| format!("{url} does not answer: {error}"))?;
    let status = answer.status().as_u16();
    let bytes = answer
        .body_mut()
        .with_config()
        .limit(READ_LIMIT)
        .read_to_vec()
        .map_err(|error| format!("{url} does not answer to the end: {error}"))?;
    if status != 200 {
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let error = problem.get("error").and_then(Value::as_str).map(code_word);
        return Err(format!("{url} answers {status} {}", error.unwrap_or_default()));
    }
    // What stands at the place of a mistake may be a secret: only the kind of mistake is said.
    serde_json::from_slice(&bytes).map_err(|error| format!("{url} answers something else ({:?})", error.classify()))
}

/// The code of an error as far as it is one, for the log: whoever sends it must not write there.
pub(super) fn code_word(error: &str) -> String {
    let of_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    error.chars().filter(of_word).take(60).collect()
}
