//! Keys and what they protect: the master key, the ring of signing keys, sealed secrets (design §4.14 and §9 "Keys").
//!
//! Everything secret in the database is sealed with AES-256-GCM under the master key, which never is in the database:
//! a stolen backup signs nothing. Replicas share the ring and reload it each minute and on an unknown `kid`. Tokens are
//! made from these keys in [`crate::tokens`].

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clock::{Clock, Instant};
use crate::config::{Config, MasterKeySource};
use crate::db::schema::{api_clients, secret_keys, signing_keys};
use crate::db::{Conn, Db, on_each_backend};
use crate::http::error::ApiError;
use crate::journal::sha256_hex;
use crate::random::Random;

/// How long a token lives.
pub const TOKEN_SECONDS: i64 = 600;
/// A next key is shown this long before it signs.
pub const ANNOUNCED_SECONDS: i64 = 24 * 3600;
/// A key signs this long.
pub const ROTATION_SECONDS: i64 = 90 * 24 * 3600;
/// A previous key is shown a token's life and an hour longer.
const LINGER_SECONDS: i64 = TOKEN_SECONDS + 3600;
const RELOAD_SECONDS: i64 = 60;
/// The key of Message-IDs.
const MAIL: &str = "mail";
/// The key of the links in mails.
const LINKS: &str = "links";

/// The key that seals the secrets in the database.
#[derive(Clone)]
pub struct MasterKey {
    bytes: [u8; 32],
    id: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    fn load(config: &Config, random: &Random) -> Result<Self, ApiError> {
        let (path, may_make) = match &config.master_key {
            MasterKeySource::File(path) => (path.clone(), false),
            MasterKeySource::DataDir => (config.data_dir.join("master.key"), true),
        };
        if may_make && !path.exists() {
            write_private(&path, &format!("{}\n", hex(&random.bytes::<32>())))?;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| {
            ApiError::internal(format!("the master key {} cannot be read: {error}", path.display()))
        })?;
        let bytes = unhex(text.trim()).ok_or_else(|| {
            ApiError::internal(format!(
                "the master key {} is not 64 hexadecimal digits",
                path.display()
            ))
        })?;
        let id = sha256_hex(&bytes).chars().take(16).collect();
        Ok(Self { bytes, id })
    }

    /// The id that every sealed value carries.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn cipher(&self) -> Result<LessSafeKey, ApiError> {
        let key = UnboundKey::new(&AES_256_GCM, &self.bytes).map_err(|_| ApiError::internal("master key"))?;
        Ok(LessSafeKey::new(key))
    }

    /// Seals a secret; `purpose` must be the same when it is opened.
    ///
    /// # Errors
    /// Never in practice.
    pub fn seal(&self, random: &Random, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, ApiError> {
        let nonce = random.bytes::<12>();
        let mut sealed = secret.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| ApiError::internal("sealing failed"))?;
        Ok([nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// A value of another key or purpose, or one that was changed.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, ApiError> {
        let wrong = || ApiError::internal(format!("the master key {} does not open {purpose}", self.id));
        let (nonce, rest) = sealed.split_at_checked(12).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut rest = rest.to_vec();
        let opened = self
            .cipher()?
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut rest)
            .map_err(|_| wrong())?;
        Ok(opened.to_vec())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// Writes a file that only its owner can read: whole or not at all, so that no crash leaves half a key, and each of
/// several writers at a time to a temporary file of its own.
///
/// # Errors
/// When the directory does not let us.
pub fn write_private(path: &Path, text: &str) -> Result<(), ApiError> {
    use std::io::Write;
    let directory = path.parent().unwrap_or(Path::new("."));
    // Mode 0600 from the start.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(ApiError::internal)?;
    file.write_all(text.as_bytes()).map_err(ApiError::internal)?;
    file.as_file().sync_all().map_err(ApiError::internal)?;
    file.persist(path).map_err(ApiError::internal)?;
    Ok(())
}

/// One key of the ring.
#[derive(Clone)]
pub struct SigningKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The public half, as it stands in the key set.
    pub public_jwk: Value,
    pub(crate) private_der: Vec<u8>,
    pub(crate) x: String,
    pub(crate) y: String,
    /// When it was made and first shown.
    pub created_at: Instant,
    /// From when it signs.
    pub active_at: Instant,
}

/// The keys of one moment.
pub struct Ring {
    /// Every key that is not retired, oldest first.
    pub keys: Vec<SigningKey>,
    revoked_clients: HashSet<String>,
    loaded_at: Instant,
}

impl Ring {
    /// The key that signs now.
    pub fn current(&self, now: Instant) -> Option<&SigningKey> {
        self.keys
            .iter()
            .filter(|key| key.active_at <= now)
            .max_by_key(|key| key.active_at)
    }

    /// The keys that verify now: current, next and, for a while, the previous one.
    pub fn shown(&self, now: Instant) -> impl Iterator<Item = &SigningKey> {
        let successor = move |key: &SigningKey| {
            self.keys
                .iter()
                .map(|other| other.active_at)
                .filter(|at| *at > key.active_at && *at <= now)
                .min()
        };
        self.keys
            .iter()
            .filter(move |key| successor(key).is_none_or(|at| now < at.plus_seconds(LINGER_SECONDS)))
    }
}

/// Master key and ring.
pub struct Keys {
    /// Seals what is secret in the database.
    pub master: MasterKey,
    ring: RwLock<Arc<Ring>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Opens the ring, making the first keys of a new database.
    ///
    /// # Errors
    /// A master key that is missing or does not open what the database holds.
    pub fn load(db: &Db, config: &Config, clock: &Clock, random: &Random) -> Result<Self, ApiError> {
        let master = MasterKey::load(config, random)?;
        let now = clock.now();
        let ring = db.write(|conn| {
            maintain(conn, &master, random, now)?;
            read_ring(conn, &master, now)
        })?;
        Ok(Self {
            master,
            ring: RwLock::new(Arc::new(ring)),
        })
    }

    /// The ring, read again when it is older than a minute or, asked for a `kid`, does not know it.
    pub fn ring(&self, db: &Db, now: Instant, wanted_kid: Option<&str>) -> Arc<Ring> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner).clone();
        let age = now.unix_seconds() - ring.loaded_at.unix_seconds();
        let unknown = wanted_kid.is_some_and(|kid| !ring.keys.iter().any(|key| key.kid == kid));
        if (0..RELOAD_SECONDS).contains(&age) && !(unknown && age >= 2) {
            return ring;
        }
        match db.read(|conn| read_ring(conn, &self.master, now)) {
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                *self.ring.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
                fresh
            }
            Err(error) => {
                tracing::warn!(%error, "the key ring could not be reloaded");
                ring
            }
        }
    }

    /// Forgets the cached ring, so that the next use reads it: after a revocation or rotation here.
    pub fn forget(&self) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let stale = Ring {
            keys: ring.keys.clone(),
            revoked_clients: ring.revoked_clients.clone(),
            loaded_at: Instant(i64::MIN / 4),
        };
        *ring = Arc::new(stale);
    }
}

impl Ring {
    /// Whether the tokens of this client are refused.
    pub fn is_revoked(&self, client_id: &str) -> bool {
        self.revoked_clients.contains(client_id)
    }
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The next key signs now.
    Done,
    /// The next key has not been shown for 24 hours yet; only an emergency may use it.
    TooEarly,
}

/// Lets the next key sign at once, and makes a new next one.
///
/// # Errors
/// A database failure.
pub fn rotate(
    conn: &mut Conn,
    master: &MasterKey,
    random: &Random,
    now: Instant,
    emergency: bool,
) -> Result<Rotation, ApiError> {
    let next: Option<(String, Instant)> = signing_keys::table
        .filter(signing_keys::active_at.gt(now))
        .order(signing_keys::active_at)
        .select((signing_keys::kid, signing_keys::created_at))
        .first(conn)
        .optional()?;
    if let Some((kid, created_at)) = next {
        if !emergency && created_at.plus_seconds(ANNOUNCED_SECONDS) > now {
            return Ok(Rotation::TooEarly);
        }
        diesel::update(signing_keys::table.find(&kid))
            .set(signing_keys::active_at.eq(now))
            .execute(conn)?;
    }
    if emergency {
        diesel::update(signing_keys::table.filter(signing_keys::active_at.lt(now)))
            .set(signing_keys::retired_at.eq(Some(now)))
            .execute(conn)?;
    }
    maintain(conn, master, random, now)?;
    Ok(Rotation::Done)
}

/// Makes what is missing: a key that signs, the next one, the mail key; retires keys nobody verifies with any more.
///
/// # Errors
/// A database failure.
pub fn maintain(conn: &mut Conn, master: &MasterKey, random: &Random, now: Instant) -> Result<(), ApiError> {
    let active: Vec<Instant> = signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .order(signing_keys::active_at)
        .select(signing_keys::active_at)
        .load(conn)?;
    if !active.iter().any(|at| *at <= now) {
        make_signing_key(conn, master, random, now, now)?;
    }
    if !active.iter().any(|at| *at > now) {
        make_signing_key(conn, master, random, now, now.plus_seconds(ROTATION_SECONDS))?;
    }
    if let Some(current) = active.iter().filter(|at| **at <= now).max()
        && current.plus_seconds(LINGER_SECONDS) <= now
    {
        diesel::update(signing_keys::table.filter(signing_keys::active_at.lt(*current)))
            .filter(signing_keys::retired_at.is_null())
            .set(signing_keys::retired_at.eq(Some(now)))
            .execute(conn)?;
    }
    for name in [MAIL, LINKS] {
        make_secret_key(conn, master, random, now, name)?;
    }
    Ok(())
}

/// Makes a key that the database keeps sealed, unless there is one of this name.
fn make_secret_key(
    conn: &mut Conn,
    master: &MasterKey,
    random: &Random,
    now: Instant,
    name: &str,
) -> Result<(), ApiError> {
    let sealed = master.seal(random, name, &random.bytes::<32>())?;
    let row = (
        secret_keys::name.eq(name),
        secret_keys::sealed.eq(sealed),
        secret_keys::master_key_id.eq(master.id()),
        secret_keys::created_at.eq(now),
    );
    on_each_backend!(conn, |c| diesel::insert_into(secret_keys::table)
        .values(row)
        .on_conflict(secret_keys::name)
        .do_nothing()
        .execute(c))?;
    Ok(())
}

fn make_signing_key(
    conn: &mut Conn,
    master: &MasterKey,
    random: &Random,
    now: Instant,
    active_at: Instant,
) -> Result<(), ApiError> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| ApiError::internal("no signing key could be made"))?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())
        .map_err(|_| ApiError::internal("no signing key could be made"))?;
    // An uncompressed point: 0x04, 32 bytes of x, 32 bytes of y.
    let point = pair.public_key().as_ref();
    let (x, y) = match (point.get(1..33), point.get(33..65)) {
        (Some(x), Some(y)) => (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)),
        _ => return Err(ApiError::internal("a public key of another form")),
    };
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    let kid = URL_SAFE_NO_PAD.encode(thumbprint);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256"});
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&kid),
            signing_keys::algorithm.eq("ES256"),
            signing_keys::public_jwk.eq(jwk.to_string()),
            signing_keys::private_sealed.eq(master.seal(random, &kid, pkcs8.as_ref())?),
            signing_keys::master_key_id.eq(master.id()),
            signing_keys::created_at.eq(now),
            signing_keys::active_at.eq(active_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// The key that Message-IDs are derived from, read within a transaction: one that asked the ring would need a second
/// connection, and a full pool has none.
///
/// # Errors
/// A database failure, or a master key that does not open it.
pub(crate) fn mail_key(conn: &mut Conn, master: &MasterKey) -> Result<Vec<u8>, ApiError> {
    secret_key(conn, master, MAIL)
}

/// The key that the links in mails are derived from, read like [`mail_key`].
///
/// # Errors
/// A database failure, or a master key that does not open it.
pub(crate) fn link_key(conn: &mut Conn, master: &MasterKey) -> Result<Vec<u8>, ApiError> {
    secret_key(conn, master, LINKS)
}

fn secret_key(conn: &mut Conn, master: &MasterKey, name: &str) -> Result<Vec<u8>, ApiError> {
    let sealed: Vec<u8> = secret_keys::table.find(name).select(secret_keys::sealed).first(conn)?;
    master.open(name, &sealed)
}

/// The key that signs now, read within a transaction.
///
/// # Errors
/// A database failure, or a master key that does not open it.
pub(crate) fn signing_key(conn: &mut Conn, master: &MasterKey, now: Instant) -> Result<SigningKey, ApiError> {
    let ring = read_ring(conn, master, now)?;
    ring.current(now)
        .cloned()
        .ok_or_else(|| ApiError::internal("there is no signing key"))
}

fn read_ring(conn: &mut Conn, master: &MasterKey, now: Instant) -> Result<Ring, ApiError> {
    let rows: Vec<(String, String, Vec<u8>, Instant, Instant)> = signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .order(signing_keys::active_at)
        .select((
            signing_keys::kid,
            signing_keys::public_jwk,
            signing_keys::private_sealed,
            signing_keys::created_at,
            signing_keys::active_at,
        ))
        .load(conn)?;
    let mut keys = vec![];
    for (kid, jwk, sealed, created_at, active_at) in rows {
        let public_jwk: Value = serde_json::from_str(&jwk)?;
        let part = |name: &str| {
            public_jwk
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (x, y) = (part("x"), part("y"));
        keys.push(SigningKey {
            private_der: master.open(&kid, &sealed)?,
            kid,
            public_jwk,
            x,
            y,
            created_at,
            active_at,
        });
    }
    // A token lives ten minutes: only clients revoked a little longer ago still matter.
    let since = now.plus_seconds(-2 * TOKEN_SECONDS);
    let revoked_clients: Vec<String> = api_clients::table
        .filter(api_clients::revoked_at.ge(Some(since)))
        .select(api_clients::id)
        .load(conn)?;
    Ok(Ring {
        keys,
        revoked_clients: revoked_clients.into_iter().collect(),
        loaded_at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::write_private;

    #[test]
    fn several_writers_at_a_time_leave_one_whole_private_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marker");
        std::thread::scope(|scope| {
            for writer in ["a", "b", "c", "d"] {
                let (path, text) = (&path, writer.repeat(100));
                scope.spawn(move || {
                    for _ in 0..50 {
                        write_private(path, &text).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(["a", "b", "c", "d"].iter().any(|writer| text == writer.repeat(100)));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
