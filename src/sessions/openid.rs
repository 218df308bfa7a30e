//! Signing in at a provider of OpenID Connect: the authorization code flow with PKCE, `state` and `nonce`.
//!
//! What a browser keeps while its person is away is an [`Errand`]; the pages hold it in a cookie. The provider is asked
//! by [`provider`], signatures are checked by [`signed`], claims by [`crate::domain::openid`]. A provider says who
//! somebody is, never what they may do: they are found by their address as by mail, and the session is as any other.

mod provider;
mod signed;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Started, actor, begin, holders, local_path};
use crate::app::{App, Tenant};
use crate::config::OpenIdConfig;
use crate::domain::identifier::EmailAddress;
use crate::domain::openid::{self, EMAIL, Expected, Refusal};
use crate::domain::text::escaped;
use crate::http::error::ApiError;
use crate::people;
use provider::Provider;

/// How long somebody may take at the provider, in seconds.
pub(crate) const ERRAND_SECONDS: i64 = 600;
/// Where the provider sends people back to, below the public address.
const BACK: &str = "/sign-in/openid/back";

/// What a browser keeps while its person is at the provider.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    state: String,
    nonce: String,
    verifier: String,
    then: String,
    /// Until when, in seconds since 1970.
    until: i64,
}

/// What the provider sends a browser back with.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Why nobody is signed in. The words are for the log and name nobody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Not begun in this browser, or too long ago.
    #[error("the answer belongs to no sign-in that this browser has begun within ten minutes")]
    Stale,
    /// The provider did not sign the person in.
    #[error("the provider answered {0}")]
    Refused(String),
    /// The provider, or its settings here or there, do not work.
    #[error("{0}")]
    Provider(String),
    /// The provider signed somebody in whom we do not know as one person.
    #[error("{0}")]
    Nobody(&'static str),
    /// Ours.
    #[error("{0}")]
    Failure(#[from] ApiError),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoAddress => Self::Nobody("the claim that names the person is missing or no mail address"),
            Refusal::Unverified => Self::Nobody("email is not verified (email_verified is not true)"),
            other => Self::Provider(format!("the ID token is refused: {other}")),
        }
    }
}

impl Errand {
    /// As the value of a cookie.
    pub(crate) fn encoded(&self) -> Result<String, ApiError> {
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?))
    }

    /// From the value of a cookie.
    pub(crate) fn decoded(value: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()
    }

    /// The page that was asked for.
    pub(crate) fn leads_to(&self) -> &str {
        local_path(&self.then)
    }

    /// Whether the answer is to this.
    fn is_answered_by(&self, answer: &Answer) -> bool {
        let given = answer.state.as_deref().unwrap_or_default();
        verify_slices_are_equal(self.state.as_bytes(), given.as_bytes()).is_ok()
    }
}

/// Where the provider sends people back to: what is registered there.
pub(crate) fn redirect_uri(public_url: &str) -> String {
    format!("{public_url}{BACK}")
}

/// Begins: what the browser is to keep, and where it goes.
///
/// # Errors
/// A provider that does not answer as it should; 404 where there is none.
pub(crate) fn set_out(app: &App, then: &str) -> Result<(Errand, String), Trouble> {
    let setting = setting(app)?;
    let found = Provider::new(setting)?.discover()?;
    let errand = Errand {
        state: app.random.secret(),
        nonce: app.random.secret(),
        verifier: app.random.secret(),
        then: local_path(then).to_owned(),
        until: app.clock.now().unix_seconds() + ERRAND_SECONDS,
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(errand.verifier.as_bytes()));
    // Another claim than the standard one may come with the profile (Microsoft's do).
    let scope = if setting.claim == EMAIL {
        "openid email"
    } else {
        "openid email profile"
    };
    let asked = [
        ("response_type", "code"),
        ("client_id", &setting.client_id),
        ("redirect_uri", &redirect_uri(&app.config.public_url)),
        ("scope", scope),
        ("state", &errand.state),
        ("nonce", &errand.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let pairs = asked.map(|(name, value)| format!("{name}={}", escaped(value)));
    let endpoint = &found.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    Ok((errand, format!("{endpoint}{joint}{}", pairs.join("&"))))
}

/// Ends: exchanges the code, holds what comes against what was asked, and begins the session.
///
/// # Errors
/// Why nobody is signed in.
pub(crate) fn come_back(app: &App, errand: Option<&Errand>, answer: &Answer) -> Result<Started, Trouble> {
    let setting = setting(app)?;
    let now = app.clock.now().unix_seconds();
    let errand = errand
        .filter(|errand| errand.is_answered_by(answer) && now < errand.until)
        .ok_or(Trouble::Stale)?;
    // An answer of another provider (RFC 9207) is not taken to this one.
    if answer.iss.as_ref().is_some_and(|iss| *iss != setting.issuer) {
        return Err(Trouble::Provider("the answer's iss is another issuer".to_owned()));
    }
    if let Some(error) = &answer.error {
        return Err(Trouble::Refused(provider::code_word(error)));
    }
    let code = answer
        .code
        .as_deref()
        .ok_or_else(|| Trouble::Provider("the answer has neither code nor error".to_owned()))?;
    let claims = claims(app, setting, errand, code, answer.iss.is_some())?;
    let address = openid::address(&claims, &setting.claim)?;
    EmailAddress::parse(address).map_err(|_| Refusal::NoAddress)?;

    let found = holders(app, address)?;
    let [(tenant, person)] = found.as_slice() else {
        return Err(Trouble::Nobody(
            "the address is no active person's alone, or one's in several local governments",
        ));
    };
    let started = app.write_as(&Tenant::new(tenant), actor(person), |scope| {
        // Left since they were looked up.
        if !people::is_there(scope, person)? {
            return Ok(None);
        }
        let secret = begin(scope, person, json!({"person_id": person, "by": "openid"}))?;
        Ok(Some(Started {
            secret,
            leads_to: errand.leads_to().to_owned(),
        }))
    })?;
    started.ok_or(Trouble::Nobody("the person has just left"))
}

/// Asks the provider how it stands and answers one sentence.
///
/// # Errors
/// One sentence about what is wrong and what to do.
pub(crate) fn examine(setting: &OpenIdConfig) -> Result<String, String> {
    let provider = Provider::new(setting)?;
    let found = provider.discover()?;
    let keys = provider.keys(&found)?;
    if !keys.keys.iter().any(signed::is_usable) {
        return Err(format!("{} has no key whose signature is taken here", found.jwks_uri));
    }
    Ok(format!(
        "{} answers; people come from it by `{}`",
        setting.issuer, setting.claim
    ))
}

fn setting(app: &App) -> Result<&OpenIdConfig, ApiError> {
    app.config.openid.as_ref().ok_or(ApiError::NotFound)
}

/// The claims about whoever the code was given to: those of the ID token, and those of UserInfo when the one that names
/// the person is only there (with this flow a provider may keep them out of the token; Core 5.4).
fn claims(
    app: &App,
    setting: &OpenIdConfig,
    errand: &Errand,
    code: &str,
    named_itself: bool,
) -> Result<serde_json::Value, Trouble> {
    let provider = Provider::new(setting)?;
    let found = provider.discover()?;
    if found.names_itself && !named_itself {
        return Err(Trouble::Provider(
            "the answer lacks the iss that the provider promises".to_owned(),
        ));
    }
    let redirect_uri = redirect_uri(&app.config.public_url);
    let tokens = provider.exchange(&found, code, &redirect_uri, &errand.verifier)?;
    let claims = signed::claims(&tokens.id_token, &provider.keys(&found)?)
        .map_err(|why| Trouble::Provider(format!("the ID token is refused: {why}")))?;
    let expected = Expected {
        issuer: &setting.issuer,
        client_id: &setting.client_id,
        nonce: &errand.nonce,
        now: app.clock.now().unix_seconds(),
    };
    openid::check(&claims, &expected)?;
    if claims.get(&setting.claim).is_some() {
        return Ok(claims);
    }
    let (Some(endpoint), Some(token)) = (&found.userinfo_endpoint, &tokens.access_token) else {
        return Ok(claims);
    };
    let told = provider.user_info(endpoint, token)?;
    // What is said about somebody else does not count.
    if told.get("sub") != claims.get("sub") {
        return Err(Trouble::Provider(
            "UserInfo is about another sub than the ID token".to_owned(),
        ));
    }
    Ok(told)
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Provider(why)
    }
}
