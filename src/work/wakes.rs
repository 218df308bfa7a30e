//! What wakes the worker of this process before its half minute is over: a person who has sent a file, or asked for a
//! mail, waits for it. Nothing depends on it: what is to be done is in rows, and a worker of another process finds them.

use std::sync::Arc;

use tokio::sync::Notify;

/// One for each of the worker's loops.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    /// Reminders and every other mail.
    pub mails: Arc<Notify>,
    /// Imports and exports.
    pub files: Arc<Notify>,
    /// Webhooks.
    pub events: Arc<Notify>,
}

impl Wakes {
    /// Wakes all of them.
    pub(crate) fn all(&self) {
        for sleeper in [&self.mails, &self.files, &self.events] {
            sleeper.notify_one();
        }
    }
}
