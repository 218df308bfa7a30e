//! The only source of randomness: from the system in production, from a seed in tests. Ids and secrets come from here.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::{OsRng, StdRng};
use rand::{RngCore, SeedableRng, TryRngCore};

use crate::clock::Instant;

/// Random bytes, injected.
#[derive(Clone)]
pub struct Random(Option<Arc<Mutex<StdRng>>>);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    /// The system's generator.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A repeatable sequence: tests and the demo's ledger, never secrets of a real installation.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// `N` random bytes. A system without randomness cannot go on: the process stops.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        match &self.0 {
            Some(rng) => rng
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .fill_bytes(&mut out),
            None => {
                if let Err(error) = OsRng.try_fill_bytes(&mut out) {
                    tracing::error!(%error, "the system gives no randomness");
                    std::process::abort();
                }
            }
        }
        out
    }

    /// A `UUIDv7` (RFC 9562) for this instant.
    pub fn id(&self, at: Instant) -> String {
        let millis = u64::try_from(at.0.div_euclid(1000)).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>())
            .into_uuid()
            .to_string()
    }

    /// 256 random bits as 43 characters that need no escaping.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }
}
