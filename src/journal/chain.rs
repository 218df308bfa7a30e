//! What holds in a chain of journal entries, decided from the entries, their checkpoints and public keys alone.
//!
//! An auditor needs nothing else: no database, no network. An entry holds when it follows the one before, when its hash
//! is that of its text, and when its payload is the one whose hash the text names. A payload may be gone, but only if a
//! later entry says that it was erased. A checkpoint holds when its signature does and when the chain had that hash at
//! that number; whoever rewrites the chain with all its hashes cannot sign it.

use std::collections::{BTreeMap, BTreeSet};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sha256_hex;

/// The action of the entry that names what was erased.
pub const ERASED: &str = "journal.payloads_erased";

/// What an entry is hashed over, as text in this order; every column of the row but the hash itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hashed {
    pub v: u8,
    pub local_government_id: String,
    pub seq: i64,
    pub at: String,
    pub via: String,
    pub client_id: Option<String>,
    pub person_id: Option<String>,
    pub action: String,
    pub subject_type: String,
    pub subject_id: String,
    pub organization_id: Option<String>,
    pub entry_id: Option<String>,
    pub payload_hash: String,
    pub previous_hash: String,
}

/// An entry with its payload, as it is stored and exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The bytes that were hashed.
    pub hashed_text: String,
    /// Their SHA-256.
    pub hash: String,
    /// Stands before the payload in its hash; empty once the payload is erased.
    pub salt: String,
    /// What was written; `None` once it is erased.
    pub body: Option<String>,
}

/// Why a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The entry does not follow the one before, or is not what was hashed.
    #[error("entry {0} is not the one that was written")]
    Entry(i64),
    /// The payload is not the one that the entry names.
    #[error("the payload of entry {0} is not the one that was written")]
    Payload(i64),
    /// A payload is gone and no entry says that it was erased.
    #[error("the payload of entry {0} is gone, and no entry says that it was erased")]
    Erased(i64),
    /// The signature does not hold, or is not by a key that the verifier trusts.
    #[error("the checkpoint behind entry {0} is not signed by a key that you trust")]
    Signature(i64),
    /// The chain did not have this head at this number.
    #[error("the checkpoint behind entry {0} is of another chain")]
    Checkpoint(i64),
    /// A line of the file is not what an export holds.
    #[error("line {0} is not what an export holds")]
    Line(usize),
    /// The file ends without the checkpoint that every export ends with.
    #[error("the file ends at entry {0} without its last checkpoint: something was cut off")]
    End(i64),
}

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// `daily`, or `export` for the last line of an export.
    pub purpose: String,
    /// The tenant.
    pub local_government_id: String,
    /// The number of the last entry.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// The day that it closes.
    pub day: String,
    /// When it was signed.
    pub at: String,
    /// SHA-256 of everything that stands before it in an export.
    pub before_sha256: Option<String>,
}

/// Public keys by their id.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(BTreeMap<String, (String, String)>);

impl PublicKeys {
    /// Reads a JSON Web Key Set of P-256 keys.
    ///
    /// # Errors
    /// One sentence about what it is instead.
    pub fn of_jwks(jwks: &Value) -> Result<Self, String> {
        let keys = jwks
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("the file is no JSON Web Key Set: it has no \"keys\"")?;
        let mut found = BTreeMap::new();
        for key in keys {
            let part = |name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
            match (part("kid"), part("x"), part("y")) {
                (Some(kid), Some(x), Some(y)) => found.insert(kid, (x, y)),
                _ => return Err("a key of the set has no kid, x or y".to_owned()),
            };
        }
        if found.is_empty() {
            return Err("the key set is empty".to_owned());
        }
        Ok(Self(found))
    }

    /// What a statement says, if a key of the set signed it.
    pub(crate) fn open<T: DeserializeOwned>(&self, jws: &str) -> Option<T> {
        let kid = jsonwebtoken::decode_header(jws).ok()?.kid?;
        let (x, y) = self.0.get(&kid)?;
        let key = DecodingKey::from_ec_components(x, y).ok()?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Some(jsonwebtoken::decode::<T>(jws, &key, &validation).ok()?.claims)
    }
}

/// A chain that is gone through, entry by entry.
#[derive(Debug, Default)]
pub struct Chain {
    local_government_id: String,
    seq: i64,
    hash: String,
    gone: BTreeSet<i64>,
    declared: BTreeSet<i64>,
}

impl Chain {
    /// The chain of a tenant, before its first entry.
    pub fn of(local_government_id: &str) -> Self {
        Self {
            local_government_id: local_government_id.to_owned(),
            ..Self::default()
        }
    }

    /// The number of the last entry that held.
    pub const fn seq(&self) -> i64 {
        self.seq
    }

    /// Its hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// What does not hold; the chain stays where it was.
    pub(crate) fn entry(&mut self, link: &Link) -> Result<Hashed, Fault> {
        let number = self.seq + 1;
        let hashed: Hashed = serde_json::from_str(&link.hashed_text).map_err(|_| Fault::Entry(number))?;
        let holds = hashed.seq == number
            && hashed.previous_hash == self.hash
            && hashed.local_government_id == self.local_government_id
            && sha256_hex(link.hashed_text.as_bytes()) == link.hash;
        if !holds {
            return Err(Fault::Entry(number));
        }
        match &link.body {
            Some(body) if payload_hash(&link.salt, body) == hashed.payload_hash => {
                if hashed.action == ERASED {
                    self.declared.extend(erased(body));
                }
            }
            None if link.salt.is_empty() => {
                self.gone.insert(number);
            }
            _ => return Err(Fault::Payload(number)),
        }
        (self.seq, self.hash) = (number, link.hash.clone());
        Ok(hashed)
    }

    /// Takes a checkpoint behind the last entry.
    ///
    /// # Errors
    /// A signature or head that does not hold.
    pub fn checkpoint(&self, jws: &str, keys: &PublicKeys) -> Result<Checkpoint, Fault> {
        let checkpoint: Checkpoint = keys.open(jws).ok_or(Fault::Signature(self.seq))?;
        let holds = checkpoint.seq == self.seq
            && checkpoint.hash == self.hash
            && checkpoint.local_government_id == self.local_government_id;
        if holds {
            Ok(checkpoint)
        } else {
            Err(Fault::Checkpoint(self.seq))
        }
    }

    /// Ends the chain: every payload that is gone was erased on record. Answers how many were.
    ///
    /// # Errors
    /// The first that was not.
    pub fn end(&self) -> Result<usize, Fault> {
        match self.gone.difference(&self.declared).next() {
            Some(seq) => Err(Fault::Erased(*seq)),
            None => Ok(self.gone.len()),
        }
    }
}

/// The hash that an entry names its payload by.
pub(crate) fn payload_hash(salt: &str, body: &str) -> String {
    sha256_hex(format!("{salt}|{body}").as_bytes())
}

/// The numbers that an entry says were erased.
fn erased(body: &str) -> Vec<i64> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let list = body.get("erased").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_i64).collect()
}
