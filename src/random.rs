//! The only source of randomness: from the system in production, from a seed in tests. Ids and secrets come from here.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::{OsRng, StdRng};
use rand::{RngCore, SeedableRng, TryRngCore};

use crate::clock::Instant;

/// Random bytes, injected.
#[derive(Clone)]
pub struct Random {
    seeded: Option<Arc<Mutex<StdRng>>>,
    /// The millisecond of the last id, and its number within it.
    last: Arc<Mutex<(u64, u32)>>,
}

/// How many numbers of ids a millisecond has: the 26 bits after version and variant.
const NUMBERS: u32 = 1 << 26;

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    /// The system's generator.
    pub fn system() -> Self {
        Self {
            seeded: None,
            last: Arc::default(),
        }
    }

    /// A repeatable sequence: tests and the demo's ledger, never secrets of a real installation.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seeded: Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))),
            last: Arc::default(),
        }
    }

    /// `N` random bytes. A system without randomness cannot go on: the process stops.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        match &self.seeded {
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

    /// A `UUIDv7` for this instant. Those of one millisecond are numbered (RFC 9562 §6.2, method 1), so that records
    /// made together sort in the order in which they were made.
    pub fn id(&self, at: Instant) -> String {
        let millis = u64::try_from(at.0.div_euclid(1000)).unwrap_or(0);
        let mut bytes = self.bytes::<10>();
        let number = {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *last = if last.0 == millis {
                (millis, (last.1 + 1) % NUMBERS)
            } else {
                // A random start below the middle: replicas do not meet, and there is room to count.
                let [_, a, b, c, ..] = bytes;
                (millis, u32::from_be_bytes([0, a, b, c]))
            };
            last.1
        };
        // Twelve bits beside the version, fourteen beside the variant.
        let spread = ((number >> 14) << 16) | (number & 0x3fff);
        for (byte, numbered) in bytes.iter_mut().zip(spread.to_be_bytes()) {
            *byte = numbered;
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes)
            .into_uuid()
            .to_string()
    }

    /// 256 random bits as 43 characters that need no escaping.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_instant_are_distinct_and_sort_as_they_were_made() {
        let random = Random::seeded(7);
        let ids: Vec<String> = (0..100_000).map(|i| random.id(Instant(i / 50_000 * 1000))).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        for id in ids.iter().step_by(999) {
            let id = uuid::Uuid::parse_str(id).unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        }
    }
}
