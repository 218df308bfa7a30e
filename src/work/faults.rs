//! Where the worker can be stopped dead, for tests that prove what a crash cannot do.
//!
//! In production the hook is absent and costs nothing. A test lets the worker die at one of
//! the points: it then returns at once, as if the process had ended there. A point before a commit rolls it back.

use std::fmt;
use std::sync::Arc;

use crate::http::error::ApiError;

/// Asks at every point whether the process dies there; in production nobody asks.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<Hook>>);

type Hook = dyn Fn(&'static str) -> bool + Send + Sync;

/// The worker died here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("killed at {0:?}")]
struct Killed(&'static str);

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}

impl Faults {
    /// With the test's answer for each point, by its name.
    pub fn new(dies: impl Fn(&'static str) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(dies)))
    }

    pub(super) fn at(&self, point: &'static str) -> Result<(), ApiError> {
        match &self.0 {
            Some(dies) if dies(point) => Err(ApiError::internal(Killed(point))),
            _ => Ok(()),
        }
    }
}

/// Whether this failure is the end of the worker, and not of one message or tenant.
pub(super) fn is_kill(error: &ApiError) -> bool {
    matches!(error, ApiError::Internal(cause) if cause.is::<Killed>())
}
