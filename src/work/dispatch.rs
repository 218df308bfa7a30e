//! The dispatcher: claims one message after another and hands each over, phase by phase.
//!
//! Order of one delivery: claim (commit) → open the relay up to 354 → intent (commit) → body and final dot → finish
//! (commit). A process may die between any two of these; what then is true is decided by rows ([`super::outbox`],
//! [`super::intent`], [`super::finish`]). In memory are only two courtesies that a restart may forget: how many mails
//! left in the last minute, and that the relay did not work a moment ago.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use super::faults::is_kill;
use super::finish::{Attempt, Finished, finish};
use super::intent::{Intent, intend};
use super::outbox::{Claim, Claimant, Claimed, claim};
use super::{Ticked, Worker, blocking};
use crate::app::Tenant;
use crate::clock::Instant;
use crate::http::error::ApiError;
use crate::mail::{Address, DeliveryPhase, Envelope, Outcome, Refusal, Transport};

/// A process that slept longer than this between intent and body does not send any more: the lease may be over.
const FRESH: Duration = Duration::from_secs(20);
/// Minutes without attempts after so many failures of the relay in a row.
const REST_MINUTES: [i64; 5] = [1, 2, 4, 8, 15];

/// What a worker remembers about sending, per tenant.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<BTreeMap<String, Memory>>);

#[derive(Debug, Default)]
struct Memory {
    sent_at: VecDeque<Instant>,
    rests_until: Option<Instant>,
    failures: usize,
}

impl Pace {
    fn with<T>(&self, tenant: &Tenant, f: impl FnOnce(&mut Memory) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f(all.entry(tenant.id().to_owned()).or_default())
    }

    /// Whether another mail may leave now.
    fn admits(&self, tenant: &Tenant, now: Instant, per_minute: usize) -> bool {
        self.with(tenant, |memory| {
            while memory
                .sent_at
                .front()
                .is_some_and(|at| at.plus_seconds(60) <= now || *at > now)
            {
                memory.sent_at.pop_front();
            }
            memory.rests_until.is_none_or(|until| until <= now) && memory.sent_at.len() < per_minute
        })
    }

    fn note_sent(&self, tenant: &Tenant, now: Instant) {
        self.with(tenant, |memory| memory.sent_at.push_back(now));
    }

    /// A relay that fails for every message is left alone for a while.
    fn note_outcome(&self, tenant: &Tenant, now: Instant, relay_wide: bool) {
        self.with(tenant, |memory| {
            if relay_wide {
                let minutes = REST_MINUTES
                    .get(memory.failures)
                    .or(REST_MINUTES.last())
                    .copied()
                    .unwrap_or(15);
                memory.rests_until = Some(now.plus_seconds(minutes * 60));
                memory.failures += 1;
            } else {
                memory.rests_until = None;
                memory.failures = 0;
            }
        });
    }
}

impl Worker {
    /// Delivers in several lanes until nothing is due in this tenant, or the rate is used up.
    pub(super) async fn dispatch(&self, tenant: &Tenant, per_minute: usize) -> Result<Ticked, ApiError> {
        let Some(transport) = &self.transport else {
            return Ok(Ticked::default());
        };
        let lanes = (0..self.lanes).map(|_| self.lane(transport, tenant, per_minute));
        let mut total = Ticked::default();
        for lane in futures_util::future::join_all(lanes).await {
            total.add(lane?);
        }
        Ok(total)
    }

    async fn lane(&self, transport: &Transport, tenant: &Tenant, per_minute: usize) -> Result<Ticked, ApiError> {
        let mut ticked = Ticked::default();
        while !self.is_stopping() && self.pace.admits(tenant, self.app.clock.now(), per_minute) {
            let claim = {
                let (app, tenant, node, faults) =
                    (self.app.clone(), tenant.clone(), self.node.clone(), self.faults.clone());
                let real = matches!(transport, Transport::Smtp(_));
                blocking(move || {
                    let by = Claimant {
                        node: &node,
                        real,
                        faults: &faults,
                    };
                    claim(&app, &tenant, by)
                })
                .await?
            };
            match claim {
                Claim::Nothing => break,
                Claim::Again => {}
                Claim::Message(claimed) => {
                    self.pace.note_sent(tenant, self.app.clock.now());
                    match self.deliver(transport, tenant, &claimed).await {
                        Ok(finished) => ticked.count(finished),
                        Err(error) if is_kill(&error) => return Err(error),
                        // Its lease runs out, and the others do not wait for it.
                        Err(error) => tracing::error!(%error, message_id = claimed.id, "a delivery broke off"),
                    }
                }
            }
        }
        Ok(ticked)
    }

    async fn deliver(
        &self,
        transport: &Transport,
        tenant: &Tenant,
        claimed: &Claimed,
    ) -> Result<Option<Finished>, ApiError> {
        let started_at = self.app.clock.now();
        let envelope = match (Address::parse(&claimed.from), Address::parse(&claimed.to)) {
            (Ok(from), Ok(to)) => Envelope { from, to },
            (from, _) => {
                let refusal = unusable(from.is_err());
                return self.finish(tenant, claimed, started_at, false, refusal.into()).await;
            }
        };
        self.faults.at("deliver: before opening")?;
        let session = match transport.open(&envelope).await {
            Ok(session) => session,
            Err(refusal) => return self.finish(tenant, claimed, started_at, false, refusal.into()).await,
        };
        self.faults.at("deliver: opened")?;
        let intended = Monotonic::now();
        let intent = {
            let (app, tenant, claimed, faults) =
                (self.app.clone(), tenant.clone(), claimed.clone(), self.faults.clone());
            blocking(move || intend(&app, &tenant, &claimed, &faults)).await
        };
        let bytes = match intent {
            Ok(Intent::Send(bytes)) => bytes,
            Ok(Intent::Cancelled | Intent::Lost) => {
                session.abort();
                return Ok(None);
            }
            Err(error) if is_kill(&error) => return Err(error),
            Err(error) => {
                // Nothing was committed, so nothing was sent: it waits like any refused message, and counts.
                tracing::error!(%error, message_id = claimed.id, "a message could not be written");
                session.abort();
                return self
                    .finish(tenant, claimed, started_at, false, unwritten().into())
                    .await;
            }
        };
        let outcome = if intended.elapsed() > FRESH {
            session.abort();
            stale().into()
        } else {
            session.finish(&bytes).await
        };
        self.faults.at("deliver: handed over")?;
        self.finish(tenant, claimed, started_at, true, outcome).await
    }

    async fn finish(
        &self,
        tenant: &Tenant,
        claimed: &Claimed,
        started_at: Instant,
        intended: bool,
        outcome: Outcome,
    ) -> Result<Option<Finished>, ApiError> {
        let relay_wide = matches!(&outcome, Outcome::NotAccepted(refusal) if refusal.relay_wide);
        self.pace.note_outcome(tenant, self.app.clock.now(), relay_wide);
        self.app.metrics.mail_attempt(&outcome);
        let (app, tenant, claimed, node, faults) = (
            self.app.clone(),
            tenant.clone(),
            claimed.clone(),
            self.node.clone(),
            self.faults.clone(),
        );
        let finished = blocking(move || {
            let attempt = Attempt {
                node: &node,
                started_at,
                intended,
                outcome,
            };
            finish(&app, &tenant, &claimed, &attempt, &faults)
        })
        .await?;
        Ok(Some(finished))
    }
}

/// An address that no relay can be asked about: the recipient's for good, the sender's until it is corrected.
fn unusable(sender: bool) -> Refusal {
    Refusal {
        phase: if sender {
            DeliveryPhase::MailFrom
        } else {
            DeliveryPhase::RcptTo
        },
        code: None,
        text: "the address cannot be handed to a mail relay".to_owned(),
        permanent: !sender,
        relay_wide: sender,
    }
}

fn unwritten() -> Refusal {
    Refusal {
        phase: DeliveryPhase::Data,
        code: None,
        text: "the message could not be written; the log says why".to_owned(),
        permanent: false,
        relay_wide: false,
    }
}

fn stale() -> Refusal {
    Refusal {
        phase: DeliveryPhase::Data,
        code: None,
        text: "the process stood still too long after the intent".to_owned(),
        permanent: false,
        relay_wide: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_leave_in_a_minute_than_may() {
        let (pace, tenant, start) = (Pace::default(), Tenant::new("a"), Instant(0));
        for second in 0..3 {
            assert!(pace.admits(&tenant, start.plus_seconds(second), 3));
            pace.note_sent(&tenant, start.plus_seconds(second));
        }
        assert!(!pace.admits(&tenant, start.plus_seconds(59), 3));
        assert!(pace.admits(&Tenant::new("b"), start.plus_seconds(59), 3));
        assert!(pace.admits(&tenant, start.plus_seconds(60), 3));
        assert!(
            pace.admits(&tenant, start.plus_seconds(-3600), 3),
            "a clock set back does not stop the mail"
        );
    }

    #[test]
    fn a_relay_that_fails_rests_longer_each_time_until_it_works() {
        let (pace, tenant) = (Pace::default(), Tenant::new("a"));
        let mut now = Instant(0);
        for minutes in [1, 2, 4, 8, 15, 15] {
            pace.note_outcome(&tenant, now, true);
            assert!(!pace.admits(&tenant, now.plus_seconds(minutes * 60 - 1), 9));
            now = now.plus_seconds(minutes * 60);
            assert!(pace.admits(&tenant, now, 9));
        }
        pace.note_outcome(&tenant, now, false);
        pace.note_outcome(&tenant, now, true);
        assert!(pace.admits(&tenant, now.plus_seconds(60), 9));
    }
}
