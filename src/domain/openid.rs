//! What an ID token must say before anybody is signed in by it, and which of its claims names them (OpenID Connect Core
//! 1.0, 3.1.3.7), as rules over claims whose signature was checked.
//!
//! Asking the provider, and the signature, are [`crate::sessions::openid`]'s; whose address it is says
//! [`crate::sessions`].

use core::net::IpAddr;

use serde_json::Value;

/// Seconds by which two clocks may differ.
const LEEWAY: i64 = 60;
/// The claim that counts only when the provider says that it was verified.
pub const EMAIL: &str = "email";

/// What a token is held against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider, letter by letter as it was set.
    pub issuer: &'a str,
    /// Who we are there.
    pub client_id: &'a str,
    /// What was asked with, once.
    pub nonce: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// Why nobody is signed in by these claims; for the log, so it names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another provider's.
    #[error("iss is not the issuer that was set")]
    Issuer,
    /// About nobody.
    #[error("sub is missing")]
    Subject,
    /// For somebody else.
    #[error("aud does not hold our client id")]
    Audience,
    /// For several, and made out to somebody else.
    #[error("azp is not our client id")]
    Party,
    /// Over, or without an end.
    #[error("exp is past or missing")]
    Expired,
    /// From the future.
    #[error("iat or nbf is to come, or iat is missing")]
    Early,
    /// Not the answer to what was asked.
    #[error("nonce is not the one that was sent")]
    Nonce,
    /// No address in it.
    #[error("the claim that names the person is missing or no mail address")]
    NoAddress,
    /// An address that anybody could have typed.
    #[error("email is not verified (email_verified is not true)")]
    Unverified,
}

/// Holds the claims of an ID token against what was asked.
///
/// # Errors
/// The first thing that does not fit.
pub fn check(claims: &Value, expected: &Expected<'_>) -> Result<(), Refusal> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let hold = |holds: bool, refusal: Refusal| if holds { Ok(()) } else { Err(refusal) };

    hold(text("iss") == Some(expected.issuer), Refusal::Issuer)?;
    hold(text("sub").is_some_and(|sub| !sub.is_empty()), Refusal::Subject)?;
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    hold(audiences.contains(&expected.client_id), Refusal::Audience)?;
    let party = match claims.get("azp") {
        None => audiences.len() == 1,
        Some(party) => party.as_str() == Some(expected.client_id),
    };
    hold(party, Refusal::Party)?;
    let ends = seconds("exp").is_some_and(|exp| exp.saturating_add(LEEWAY) > expected.now);
    hold(ends, Refusal::Expired)?;
    let begun = |at: i64| at <= expected.now.saturating_add(LEEWAY);
    let not_before = claims.get("nbf").is_none_or(|nbf| nbf.as_i64().is_some_and(begun));
    hold(seconds("iat").is_some_and(begun) && not_before, Refusal::Early)?;
    hold(text("nonce") == Some(expected.nonce), Refusal::Nonce)
}

/// The address that a claim names. The operator who names another claim than `email` vouches for it.
///
/// # Errors
/// There is none, or nobody has verified it.
pub fn address<'c>(claims: &'c Value, claim: &str) -> Result<&'c str, Refusal> {
    let named = claims.get(claim).and_then(Value::as_str).ok_or(Refusal::NoAddress)?;
    if claim == EMAIL && claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(Refusal::Unverified);
    }
    Ok(named)
}

/// Whether an address of the provider may be asked: by HTTPS, or on this machine.
pub fn may_ask(url: &str) -> bool {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('#') {
        return false;
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.is_empty() || authority.contains('@') {
        return false;
    }
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    scheme == "https" || (scheme == "http" && is_here)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://login.example.lg.jp",
            client_id: "kakunin",
            nonce: "n-1",
            now: NOW,
        }
    }

    fn claims() -> Value {
        json!({"iss": "https://login.example.lg.jp", "sub": "4711", "aud": "kakunin", "exp": NOW + 300, "iat": NOW,
            "nonce": "n-1"})
    }

    #[test]
    fn an_id_token_says_all_that_it_must() {
        use Refusal::{Audience, Early, Expired, Issuer, Nonce, Party, Subject};
        let cases: &[(&str, Value, Option<Refusal>)] = &[
            ("iss", json!("https://login.example.lg.jp"), None),
            ("iss", json!("https://login.example.lg.jp/"), Some(Issuer)),
            ("iss", Value::Null, Some(Issuer)),
            ("sub", json!(""), Some(Subject)),
            ("sub", json!(4711), Some(Subject)),
            ("aud", json!(["kakunin"]), None),
            ("aud", json!("other"), Some(Audience)),
            ("aud", json!([]), Some(Audience)),
            ("aud", Value::Null, Some(Audience)),
            ("aud", json!(["kakunin", "other"]), Some(Party)),
            ("azp", json!("kakunin"), None),
            ("azp", json!("other"), Some(Party)),
            ("azp", Value::Null, Some(Party)),
            ("exp", json!(NOW - 59), None),
            ("exp", json!(NOW - 60), Some(Expired)),
            ("exp", json!("1900000000"), Some(Expired)),
            ("exp", Value::Null, Some(Expired)),
            ("iat", json!(NOW + 60), None),
            ("iat", json!(NOW + 61), Some(Early)),
            ("iat", Value::Null, Some(Early)),
            ("nbf", json!(NOW + 60), None),
            ("nbf", json!(NOW + 61), Some(Early)),
            ("nbf", json!("soon"), Some(Early)),
            ("nonce", json!("n-2"), Some(Nonce)),
            ("nonce", Value::Null, Some(Nonce)),
        ];
        for (claim, value, refusal) in cases {
            let mut claims = claims();
            claims[claim] = value.clone();
            let expect = refusal.map_or(Ok(()), Err);
            assert_eq!(check(&claims, &expected()), expect, "{claim}: {value}");
        }
        for claim in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert!(check(&claims, &expected()).is_err(), "without {claim}");
        }
        let mut several = claims();
        several["aud"] = json!(["other", "kakunin"]);
        several["azp"] = json!("kakunin");
        assert_eq!(check(&several, &expected()), Ok(()));
        assert_eq!(check(&json!("no object"), &expected()), Err(Issuer));
    }

    #[test]
    fn an_address_counts_when_the_provider_has_verified_it_or_the_operator_vouches() {
        use Refusal::{NoAddress, Unverified};
        let a = "hanako@city.example.lg.jp";
        let cases = [
            (json!({"email": a, "email_verified": true}), "email", Ok(a)),
            (json!({"email": a, "email_verified": false}), "email", Err(Unverified)),
            (json!({"email": a, "email_verified": "true"}), "email", Err(Unverified)),
            (json!({"email": a}), "email", Err(Unverified)),
            (json!({"email_verified": true}), "email", Err(NoAddress)),
            (json!({"email": [a], "email_verified": true}), "email", Err(NoAddress)),
            (json!({"upn": a}), "upn", Ok(a)),
            (json!({"email": a, "email_verified": true}), "upn", Err(NoAddress)),
        ];
        for (claims, claim, expect) in cases {
            assert_eq!(address(&claims, claim), expect, "{claims}");
        }
    }

    #[test]
    fn a_provider_is_asked_by_https_or_on_this_machine() {
        for url in [
            "https://login.example.lg.jp",
            "https://login.example.lg.jp:8443/realms/city",
            "https://[2001:db8::1]/auth?p=1",
            "http://127.0.0.1:3000",
            "http://localhost/realms/city",
            "http://[::1]:3000/",
        ] {
            assert!(may_ask(url), "{url}");
        }
        for url in [
            "http://login.example.lg.jp",
            "http://127.0.0.1.example.com/",
            "http://localhost@login.example.com/",
            "http://localhost.example.com/",
            "https://",
            "https:///path",
            "ftp://127.0.0.1/",
            "javascript:alert(1)",
            "login.example.lg.jp",
            "https://login.example.lg.jp/#part",
            "https://login.example.lg.jp/a b",
            "https://login.example.lg.jp/\r\nx",
            "",
        ] {
            assert!(!may_ask(url), "{url:?}");
        }
    }
}
