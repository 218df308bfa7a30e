//! How many requests are answered (`governor`): of one client, from one address without a token, of batches, and how
//! often the links of mails may be guessed.
//!
//! Each process counts for itself, by the injected clock. Headers are those of draft-ietf-httpapi-ratelimit-headers:
//! `RateLimit-Policy` and `RateLimit`, with `Retry-After` on 429. A request that is refused has changed nothing.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::Clock as _;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use ipnet::IpNet;

use super::error::ApiError;
use crate::clock::Clock;
use crate::config::LimitConfig;

/// Attempts to sign in from one address in a minute: a person needs two, somebody who guesses many.
const SIGN_INS: u32 = 20;
/// Keys beyond which those that are at rest are forgotten.
const MANY: usize = 10_000;

/// Wrong links from one address.
const WRONG_LINKS_PER_MINUTE: u32 = 20;
/// Codes from one address: a hall of people behind one address, typing slowly.
const CODES_PER_MINUTE: u32 = 10;
/// Codes from everywhere: with a hundred thousand links alive, guessing one takes years.
const ALL_CODES_PER_MINUTE: u32 = 120;

/// The injected clock as the limiter reads it.
#[derive(Debug, Clone)]
struct Ticks(Clock);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.now().0).unwrap_or_default())
    }
}

type Limiter = RateLimiter<String, DefaultKeyedStateStore<String>, Ticks, StateInformationMiddleware>;

/// One limit, with its name in the headers.
#[derive(Debug)]
struct Limit {
    name: &'static str,
    per_minute: NonZeroU32,
    limiter: Limiter,
    ticks: Ticks,
}

/// What is left of a limit; goes into the headers of the answer.
#[derive(Debug, Clone)]
pub(super) struct Left {
    policy: String,
    state: String,
}

impl Limit {
    fn new(name: &'static str, per_minute: u32, clock: &Clock) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let ticks = Ticks(clock.clone());
        let quota = Quota::per_minute(per_minute);
        let limiter: RateLimiter<String, DefaultKeyedStateStore<String>, Ticks, NoOpMiddleware<Duration>> =
            RateLimiter::new(quota, DefaultKeyedStateStore::default(), ticks.clone());
        Self {
            name,
            per_minute,
            limiter: limiter.with_middleware(),
            ticks,
        }
    }

    fn check(&self, key: &str) -> Result<Left, ApiError> {
        if self.limiter.len() > MANY {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(&key.to_owned()) {
            Ok(left) => Ok(self.left(&left)),
            Err(until) => Err(self.refusal(&until)),
        }
    }

    fn left(&self, left: &StateSnapshot) -> Left {
        let remaining = left.remaining_burst_capacity();
        let used = self.per_minute.get().saturating_sub(remaining);
        // So long until the whole quota is there again.
        let seconds = (u64::from(used) * 60).div_ceil(u64::from(self.per_minute.get()));
        Left {
            policy: self.policy(),
            state: format!("\"{}\";r={remaining};t={seconds}", self.name),
        }
    }

    fn refusal(&self, until: &NotUntil<Duration>) -> ApiError {
        let wait = until.wait_time_from(self.ticks.now());
        ApiError::RateLimited {
            policy: self.policy(),
            name: self.name,
            retry_after: wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
        }
    }

    fn policy(&self) -> String {
        format!("\"{}\";q={};w=60", self.name, self.per_minute)
    }
}

/// The limits of this process.
#[derive(Debug)]
pub struct Limits {
    clients: Limit,
    addresses: Limit,
    batches: Limit,
    sign_ins: Limit,
    /// Links that nobody was sent, from one address.
    wrong_links: Limit,
    /// Codes that were typed, from one address and from all together: a code is short enough to be guessed.
    codes: Limit,
    all_codes: Limit,
    trusted_proxies: Vec<IpNet>,
}

impl Limits {
    /// Limits as the settings say.
    pub fn new(config: &LimitConfig, clock: &Clock) -> Self {
        Self {
            clients: Limit::new("client", config.per_client, clock),
            addresses: Limit::new("address", config.per_address, clock),
            batches: Limit::new("batch", config.batches_per_client, clock),
            sign_ins: Limit::new("sign_in", SIGN_INS, clock),
            wrong_links: Limit::new("wrong_links", WRONG_LINKS_PER_MINUTE, clock),
            codes: Limit::new("codes", CODES_PER_MINUTE, clock),
            all_codes: Limit::new("all_codes", ALL_CODES_PER_MINUTE, clock),
            trusted_proxies: config.trusted_proxies.clone(),
        }
    }

    /// Counts a link that nobody was sent. Its token cannot be guessed; who tries is slowed down all the same.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn wrong_link(&self, request: &HttpRequest) -> Result<(), ApiError> {
        self.wrong_links.check(&self.origin_key(request)).map(drop)
    }

    /// Counts a code that was typed, right or wrong: before it is looked up, so that nothing is learnt above the limit.
    /// A code names no local government, so what one installation is asked is counted as one.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn code(&self, request: &HttpRequest) -> Result<(), ApiError> {
        self.codes.check(&self.origin_key(request))?;
        self.all_codes.check("all").map(drop)
    }

    fn origin_key(&self, request: &HttpRequest) -> String {
        let origin = self.origin(request);
        origin.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
    }

    /// Counts a request of a client.
    ///
    /// # Errors
    /// 429.
    pub(super) fn client(&self, client_id: &str) -> Result<Left, ApiError> {
        self.clients.check(client_id)
    }

    /// Counts a batch, import or export of a client.
    ///
    /// # Errors
    /// 429.
    pub(super) fn batch(&self, client_id: &str) -> Result<(), ApiError> {
        self.batches.check(client_id).map(drop)
    }

    /// Counts a request that no client is known of, by where it comes from.
    ///
    /// # Errors
    /// 429.
    pub(super) fn address(&self, request: &HttpRequest) -> Result<Option<Left>, ApiError> {
        match self.origin(request) {
            Some(address) => self.addresses.check(&address.to_string()).map(Some),
            None => Ok(None),
        }
    }

    /// Counts an attempt to sign in, by where it comes from.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn sign_in(&self, request: &HttpRequest) -> Result<(), ApiError> {
        match self.origin(request) {
            Some(address) => self.sign_ins.check(&address.to_string()).map(drop),
            None => Ok(()),
        }
    }

    /// Where a request comes from: what a trusted proxy says, and the peer otherwise.
    fn origin(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        let is_trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|network| network.contains(address));
        if !is_trusted(&peer) {
            return Some(peer);
        }
        let forwarded = request.headers().get("x-forwarded-for")?.to_str().ok()?;
        let hops = forwarded.rsplit(',').map(|hop| hop.trim().parse::<IpAddr>());
        let hops = hops.map_while(Result::ok).map(|hop| hop.to_canonical());
        // The last one that no proxy of ours has written down.
        Some(hops.into_iter().find(|hop| !is_trusted(hop)).unwrap_or(peer))
    }
}

impl Left {
    /// Puts it into the headers of an answer.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [("ratelimit-policy", &self.policy), ("ratelimit", &self.state)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}
