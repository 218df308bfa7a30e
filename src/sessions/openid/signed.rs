//! Whether a key of the provider signed an ID token. What the token says is [`crate::domain::openid`]'s.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

/// The signatures that are taken: by keys that the provider shows, so neither `none` nor a shared secret.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// The same, as a provider lists what it can.
pub(super) const NAMES: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

/// The claims of a token that one of these keys signed.
///
/// # Errors
/// Why they do not count.
pub(super) fn claims(token: &str, keys: &JwkSet) -> Result<Value, &'static str> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| "its header names no signature that is known")?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err("its signature is not by a key that the provider shows");
    }
    if header.crit.is_some() {
        return Err("its header asks for what is not understood (crit)");
    }
    let mut fitting = keys.keys.iter().filter(|key| {
        let is_named = header.kid.is_none() || header.kid == key.common.key_id;
        is_named && fits(key, header.alg)
    });
    let (Some(key), None) = (fitting.next(), fitting.next()) else {
        return Err("not one key of the provider is the one that it names");
    };
    let key = DecodingKey::from_jwk(key).map_err(|_| "its key cannot be read")?;
    let mut validation = Validation::new(header.alg);
    // Claims are held against the injected clock and the settings elsewhere.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let opened = jsonwebtoken::decode(token, &key, &validation).map_err(|_| "its signature is wrong")?;
    Ok(opened.claims)
}

/// Whether any signature that is taken can be checked with this key.
pub(super) fn is_usable(key: &Jwk) -> bool {
    ALGORITHMS.iter().any(|algorithm| fits(key, *algorithm))
}

/// Whether a key is made for this signature: by its kind, and by what it says of itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let is_of_kind = match (algorithm, &key.algorithm) {
        (RS256 | RS384 | RS512 | PS256 | PS384 | PS512, AlgorithmParameters::RSA(_)) => true,
        (ES256, AlgorithmParameters::EllipticCurve(of)) => of.curve == EllipticCurve::P256,
        (ES384, AlgorithmParameters::EllipticCurve(of)) => of.curve == EllipticCurve::P384,
        (EdDSA, AlgorithmParameters::OctetKeyPair(of)) => of.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let signs = key
        .common
        .public_key_use
        .as_ref()
        .is_none_or(|used| *used == PublicKeyUse::Signature);
    let named = key.common.key_algorithm;
    is_of_kind && signs && named.is_none_or(|named| named == KeyAlgorithm::from(algorithm))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair,
    };
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> EncodingKey {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
    }

    fn shown(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        jwk
    }

    fn token(key: &EncodingKey, algorithm: Algorithm, kid: Option<&str>) -> String {
        let header = Header {
            kid: kid.map(str::to_owned),
            ..Header::new(algorithm)
        };
        jsonwebtoken::encode(&header, &json!({"sub": "4711"}), key).unwrap()
    }

    #[test]
    fn every_signature_that_is_taken_is_checked_with_the_key_that_fits_it() {
        let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
        // PKCS #8 is 26 bytes around the key.
        let rsa = EncodingKey::from_rsa_der(&rsa.as_der().unwrap().as_ref()[26..]);
        let (p256, p384) = (
            ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        );
        let ed = EncodingKey::from_ed_der(Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref());
        for (algorithm, name) in ALGORITHMS.into_iter().zip(NAMES) {
            assert_eq!(format!("{algorithm:?}"), *name);
            let (right, wrong) = match algorithm {
                Algorithm::ES256 => (&p256, &rsa),
                Algorithm::ES384 => (&p384, &rsa),
                Algorithm::EdDSA => (&ed, &rsa),
                _ => (&rsa, &p256),
            };
            let wrong_algorithm = if matches!(algorithm, Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA) {
                Algorithm::RS256
            } else {
                Algorithm::ES256
            };
            let jwk = shown(right, algorithm, "a");
            assert!(is_usable(&jwk));
            let other = shown(wrong, wrong_algorithm, "a");
            let keys = JwkSet {
                keys: vec![other.clone(), jwk.clone()],
            };
            // By its name among others, and without one as the only one that fits.
            for kid in [Some("a"), None] {
                let signed = token(right, algorithm, kid);
                assert_eq!(claims(&signed, &keys).unwrap()["sub"], "4711", "{algorithm:?}");
                let (body, _) = signed.rsplit_once('.').unwrap();
                let (_, foreign) = token(wrong, wrong_algorithm, kid)
                    .rsplit_once('.')
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .unwrap();
                assert!(claims(&format!("{body}.{foreign}"), &keys).is_err());
                assert!(claims(&format!("{body}."), &keys).is_err());
            }
            assert!(claims(&token(right, algorithm, Some("b")), &keys).is_err());
            assert!(claims(&token(right, algorithm, Some("a")), &JwkSet { keys: vec![other] }).is_err());
            // A key that is for something else, and two of which nobody knows which.
            let mut unfit = jwk.clone();
            unfit.common.public_key_use = Some(PublicKeyUse::Encryption);
            assert!(!is_usable(&unfit));
            let twice = JwkSet {
                keys: vec![jwk.clone(), jwk],
            };
            assert!(claims(&token(right, algorithm, None), &twice).is_err());
        }
    }

    #[test]
    fn no_shared_secret_and_no_missing_signature_counts() {
        let key = ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let jwk = shown(&key, Algorithm::ES256, "a");
        let keys = JwkSet {
            keys: vec![
                jwk.clone(),
                serde_json::from_value(json!({"kty": "oct", "kid": "o", "k": "c2VjcmV0"})).unwrap(),
                serde_json::from_value(json!({"kty": "AKP", "kid": "new", "alg": "ML-DSA-44", "pub": "x"})).unwrap(),
            ],
        };
        assert!(!keys.keys.iter().skip(1).any(is_usable));
        let signed = token(&key, Algorithm::ES256, Some("a"));
        let (_, rest) = signed.split_once('.').unwrap();
        let (body, _) = rest.split_once('.').unwrap();
        let encoded = |header: Value| {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.to_string())
        };
        let public = serde_json::to_vec(&jwk).unwrap();
        for secret in [b"secret".as_slice(), &public] {
            for kid in [Some("o"), Some("a"), None] {
                let shared = token(&EncodingKey::from_secret(secret), Algorithm::HS256, kid);
                assert!(claims(&shared, &keys).is_err());
            }
        }
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "None", "kid": "a"}),
            json!({"alg": "ML-DSA-44", "kid": "new"}),
        ] {
            assert!(claims(&format!("{}.{body}.", encoded(header)), &keys).is_err());
        }
        let critical = encoded(json!({"alg": "ES256", "kid": "a", "crit": ["b64"]}));
        assert_eq!(
            claims(&format!("{critical}.{rest}"), &keys).unwrap_err(),
            "its header asks for what is not understood (crit)"
        );
        for nonsense in ["", "a", "a.b", "a.b.c", "a.b.c.d"] {
            assert!(claims(nonsense, &keys).is_err(), "{nonsense}");
        }
    }
}
