//! A provider of OpenID Connect that answers on a real socket, in the clear on this machine or by TLS, and misbehaves on
//! order. A browser is not sent through it: [`IdentityProvider::authorize`] is what its sign-in page would do.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kakunin::config::OpenIdConfig;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::tokyo;

/// Who we are at this provider; both need escaping in a header.
pub const CLIENT: &str = "kakunin: test";
const SECRET: &str = "an invented secret: 100%+/&=";
/// Whom it signs in.
pub const SUB: &str = "4711";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    Es256,
    Rs256,
    /// By the client secret.
    Hs256,
    /// Not at all.
    None,
    /// By a key that is not shown, under the name of one that is.
    Foreign,
}

/// How it behaves. Values are laid over what is usual; `null` takes a member away.
#[derive(Debug, Clone)]
pub struct Manners {
    pub now: i64,
    pub discovery: Value,
    pub id_token: Value,
    /// What UserInfo tells; without it there is no such endpoint.
    pub user_info: Option<Value>,
    pub signature: Signature,
    pub kid: Option<&'static str>,
    /// What the token endpoint answers instead: a status and a body.
    pub token: Option<(u16, String)>,
    /// What discovery answers instead.
    pub found: Option<(u16, String)>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            now: tokyo("2027-04-01T09:00").unix_seconds(),
            discovery: json!({}),
            id_token: json!({}),
            user_info: None,
            signature: Signature::Es256,
            kid: Some("es"),
            token: None,
            found: None,
        }
    }
}

struct Keys {
    es: EncodingKey,
    foreign: EncodingKey,
    rs: EncodingKey,
}

#[derive(Default)]
struct State {
    manners: Manners,
    /// What the last browser came with.
    asked: BTreeMap<String, String>,
    /// Paths that were asked for, with how the client said who it is.
    seen: Vec<(String, &'static str)>,
}

/// A provider on a port of this machine, until the process ends.
#[derive(Clone)]
pub struct IdentityProvider {
    /// Its issuer.
    pub issuer: String,
    /// Its certificate (PEM), with TLS.
    pub certificate: Option<String>,
    state: Arc<Mutex<State>>,
    keys: Arc<Keys>,
}

fn es256() -> EncodingKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
}

/// One for all tests: making one takes a while.
fn rs256() -> EncodingKey {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    let der = KEY.get_or_init(|| {
        let pkcs8 = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        // PKCS #8 is 26 bytes around the key.
        pkcs8.as_ref()[26..].to_vec()
    });
    EncodingKey::from_rsa_der(der)
}

fn laid_over(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

/// The pairs of a query or a form.
pub fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescaped(name), unescaped(value)))
        .collect()
}

fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (vec![], text.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, tail) = tail.split_at(2);
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
                rest = tail;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl IdentityProvider {
    /// In the clear.
    pub fn start() -> Self {
        Self::listen(None)
    }

    /// By TLS, with a certificate that only its own authority knows.
    pub fn with_tls() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self::listen(Some((Arc::new(config), made.cert.pem())))
    }

    fn listen(tls: Option<(Arc<ServerConfig>, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let provider = Self {
            issuer: if tls.is_some() {
                format!("https://localhost:{port}/realms/city")
            } else {
                format!("http://127.0.0.1:{port}/realms/city")
            },
            certificate: tls.as_ref().map(|(_, pem)| pem.clone()),
            state: Arc::default(),
            keys: Arc::new(Keys {
                es: es256(),
                foreign: es256(),
                rs: rs256(),
            }),
        };
        let own = provider.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                match &tls {
                    None => drop(own.serve(stream)),
                    Some((config, _)) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        drop(own.serve(StreamOwned::new(connection, stream)));
                    }
                }
            }
        });
        provider
    }

    /// The settings that lead here.
    pub fn setting(&self) -> OpenIdConfig {
        OpenIdConfig {
            issuer: self.issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.into(),
            name: "庁内認証".to_owned(),
            claim: "email".to_owned(),
            extra_authorities_pem: self.certificate.clone(),
        }
    }

    /// Lets it behave so from now on.
    pub fn behaves(&self, manners: Manners) {
        self.state().manners = manners;
    }

    /// What the last browser came with.
    pub fn asked(&self) -> BTreeMap<String, String> {
        self.state().asked.clone()
    }

    /// The paths that it was asked for, with how the client said who it is; forgets them.
    pub fn seen(&self) -> Vec<(String, &'static str)> {
        std::mem::take(&mut self.state().seen)
    }

    /// A browser comes with this address and its person signs in: the path and query that it is sent back with.
    pub fn authorize(&self, url: &str) -> String {
        let (endpoint, query) = url.split_once('?').unwrap();
        assert_eq!(endpoint, format!("{}/authorize", self.issuer));
        let asked = pairs(query);
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        for name in ["state", "nonce", "code_challenge"] {
            assert_eq!(asked[name].len(), 43, "{name}");
        }
        let (_, back) = asked["redirect_uri"].split_once("://").unwrap();
        let (_, path) = back.split_once('/').unwrap();
        let back = format!("/{path}?code=c%2B1&state={}&iss={}", asked["state"], self.issuer);
        self.state().asked = asked;
        back
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn serve(&self, stream: impl Read + Write) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let (mut first, mut headers) = (String::new(), BTreeMap::new());
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap();
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let form = pairs(&String::from_utf8(body).unwrap());
        let (status, text) = self.answer(&path, &form, headers.get("authorization"));
        let stream = reader.get_mut();
        // A redirect leads to what it would have answered.
        write!(
            stream,
            "HTTP/1.1 {status} So\r\nContent-Type: application/json\r\nLocation: {}/elsewhere\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{text}",
            self.issuer,
            text.len()
        )?;
        stream.flush()
    }

    fn answer(&self, path: &str, form: &BTreeMap<String, String>, authorization: Option<&String>) -> (u16, String) {
        let mut state = self.state();
        let proof = match authorization {
            Some(header) if header.starts_with("Basic ") => "basic",
            Some(_) => "bearer",
            None if form.contains_key("client_secret") => "post",
            None => "none",
        };
        let path = path.strip_prefix("/realms/city").unwrap().to_owned();
        state.seen.push((path.clone(), proof));
        let manners = state.manners.clone();
        match path.as_str() {
            "/.well-known/openid-configuration" => manners
                .found
                .clone()
                .unwrap_or_else(|| (200, self.discovery(&manners).to_string())),
            "/keys" => (200, self.shown().to_string()),
            "/token" => {
                assert!(is_client(form, authorization), "{form:?} {authorization:?}");
                let asked = &state.asked;
                assert_eq!(form["grant_type"], "authorization_code");
                assert_eq!(form["code"], "c+1");
                assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
                assert_eq!(challenge, asked["code_challenge"]);
                let tokens = json!({"id_token": self.id_token(&manners, &asked["nonce"]), "access_token": "at-1",
                    "token_type": "Bearer", "expires_in": 60});
                manners.token.unwrap_or_else(|| (200, tokens.to_string()))
            }
            "/userinfo" => {
                assert_eq!(authorization.unwrap(), "Bearer at-1");
                (
                    200,
                    laid_over(json!({"sub": SUB}), &manners.user_info.unwrap()).to_string(),
                )
            }
            other => (404, json!({"error": other}).to_string()),
        }
    }

    fn discovery(&self, manners: &Manners) -> Value {
        let mut usual = json!({
            "issuer": self.issuer,
            "authorization_endpoint": format!("{}/authorize", self.issuer),
            "token_endpoint": format!("{}/token", self.issuer),
            "jwks_uri": format!("{}/keys", self.issuer),
            "response_types_supported": ["code"],
            "authorization_response_iss_parameter_supported": true,
        });
        if manners.user_info.is_some() {
            usual["userinfo_endpoint"] = json!(format!("{}/userinfo", self.issuer));
        }
        laid_over(usual, &manners.discovery)
    }

    fn shown(&self) -> Value {
        let shown = |key: &EncodingKey, algorithm, kid: &str| {
            let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
            jwk.common.key_id = Some(kid.to_owned());
            serde_json::to_value(jwk).unwrap()
        };
        json!({"keys": [shown(&self.keys.es, Algorithm::ES256, "es"), shown(&self.keys.rs, Algorithm::RS256, "rs")]})
    }

    fn id_token(&self, manners: &Manners, nonce: &str) -> String {
        let usual = json!({"iss": self.issuer, "sub": SUB, "aud": CLIENT, "exp": manners.now + 300,
            "iat": manners.now, "nonce": nonce, "email": "hanako@city.example.lg.jp", "email_verified": true});
        let claims = laid_over(usual, &manners.id_token);
        let secret = EncodingKey::from_secret(SECRET.as_bytes());
        let (algorithm, key) = match manners.signature {
            Signature::Es256 => (Algorithm::ES256, &self.keys.es),
            Signature::Foreign => (Algorithm::ES256, &self.keys.foreign),
            Signature::Rs256 => (Algorithm::RS256, &self.keys.rs),
            Signature::Hs256 => (Algorithm::HS256, &secret),
            Signature::None => {
                let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                return format!(
                    "{}.{}.",
                    part(&json!({"alg": "none", "kid": manners.kid})),
                    part(&claims)
                );
            }
        };
        let header = Header {
            kid: manners.kid.map(str::to_owned),
            ..Header::new(algorithm)
        };
        jsonwebtoken::encode(&header, &claims, key).unwrap()
    }
}

/// Whether a client says who it is as RFC 6749, 2.3.1 wants it said.
fn is_client(form: &BTreeMap<String, String>, authorization: Option<&String>) -> bool {
    if let Some(header) = authorization {
        let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        let pair = String::from_utf8(pair).unwrap();
        let (id, secret) = pair.split_once(':').unwrap();
        return unescaped(id) == CLIENT && unescaped(secret) == SECRET && !form.contains_key("client_secret");
    }
    form.get("client_id").map(String::as_str) == Some(CLIENT)
        && form.get("client_secret").map(String::as_str) == Some(SECRET)
}
