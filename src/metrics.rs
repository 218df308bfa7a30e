//! Figures for a monitoring system (Prometheus): what this process has counted since its start, and what the database
//! holds at the moment of asking. Names and alarms: `docs/operations/monitoring.md`.
//!
//! No label names a local government, a person, a client or a path: a route is its template, `/entries/{entry_id}`. They
//! are served on a listener of their own ([`crate::cli`], `--metrics-listen`), because they need no token. Whether the
//! service can work at all is [`crate::health`]'s; how the queue stands is read by [`crate::work`].

use actix_web::http::Method;
use actix_web::{HttpResponse, get, web};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::health;
use crate::http::error::ApiError;
use crate::mail::{DeliveryPhase, Outcome};
use crate::work::{self, quarantine, standing};

/// As Prometheus asks for it; others read it as text.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the classes of a request's time, in seconds; the last is the time limit.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MailLabels {
    phase: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TickLabels {
    part: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    kind: String,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VersionLabels {
    version: &'static str,
}

/// What this process counts. Cheap to count in: nothing is locked but the table of labels.
#[derive(Debug)]
pub struct Metrics {
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    mail_attempts: Family<MailLabels, Counter>,
    ticks: Family<TickLabels, Counter>,
    clock_jumps: Counter,
    panics: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            mail_attempts: Family::default(),
            ticks: Family::default(),
            clock_jumps: Counter::default(),
            panics: Counter::default(),
        }
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub(crate) fn request(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        let labels = RequestLabels {
            method: method_name(method),
            route: route.to_owned(),
            status: status_class(status),
        };
        self.requests.get_or_create(&labels).observe(seconds);
    }

    /// Counts an attempt to hand a mail over, by the phase and the relay's code with which it ended.
    pub(crate) fn mail_attempt(&self, outcome: &Outcome) {
        let (phase, code) = match outcome {
            Outcome::Accepted { .. } => (DeliveryPhase::Dot, Some(250)),
            Outcome::InDoubt { phase, .. } => (*phase, None),
            Outcome::NotAccepted(refusal) => (refusal.phase, refusal.code),
        };
        let labels = MailLabels {
            phase: crate::domain::vocabulary::CodeWord::code(phase),
            code: code.map_or_else(|| "none".to_owned(), |code| code.to_string()),
        };
        self.mail_attempts.get_or_create(&labels).inc();
    }

    /// Counts a tick of a part of the worker.
    pub(crate) fn tick(&self, part: &'static str, ended_well: bool) {
        let result = if ended_well { "ok" } else { "failed" };
        self.ticks.get_or_create(&TickLabels { part, result }).inc();
    }

    /// Counts a jump of the machine's clock against the time that really passed.
    pub(crate) fn clock_jump(&self) {
        self.clock_jumps.inc();
    }

    /// Counts a handler that broke off.
    pub(crate) fn panic(&self) {
        self.panics.inc();
    }

    /// What was counted, for a registry that is made for one answer.
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_request_duration_seconds",
            "Requests by method, route template and status class",
            self.requests.clone(),
        );
        registry.register(
            "mail_attempts",
            "Attempts to hand a mail over, by the phase and reply code that ended them",
            self.mail_attempts.clone(),
        );
        registry.register("worker_ticks", "Ticks of the worker by part", self.ticks.clone());
        registry.register(
            "clock_jump",
            "Times that the machine's clock went another way than time",
            self.clock_jumps.clone(),
        );
        registry.register(
            "panics",
            "Requests that broke off inside the program",
            self.panics.clone(),
        );
    }
}

/// A method as a label: whatever a client invents is one of ten.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "other",
    }
}

const fn status_class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// Everything as text.
#[get("/metrics")]
pub(crate) async fn get_metrics(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let app = app.get_ref().clone();
    let text = web::block(move || render(&app)).await.map_err(ApiError::internal)??;
    Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).body(text))
}

/// The text. A database that does not answer is a figure among others, not a failure.
///
/// # Errors
/// Text that cannot be written.
pub fn render(app: &App) -> Result<String, ApiError> {
    let mut registry = Registry::default();
    app.metrics.register(&mut registry);
    let build = Family::<VersionLabels, Gauge>::default();
    build
        .get_or_create(&VersionLabels {
            version: env!("CARGO_PKG_VERSION"),
        })
        .set(1);
    registry.register("build_info", "The version of the program", build);
    if let Some(free) = health::free_bytes(&app.config.data_dir) {
        let free = i64::try_from(free).unwrap_or(i64::MAX);
        gauge(
            &mut registry,
            "data_dir_free_bytes",
            "Room for the data directory",
            free,
        );
    }
    let rows = rows(&mut registry, app);
    if let Err(error) = &rows {
        tracing::error!(%error, "the figures of the database cannot be read");
    }
    gauge(
        &mut registry,
        "database_up",
        "Whether the database answered",
        i64::from(rows.is_ok()),
    );
    let mut text = String::new();
    encode(&mut text, &registry).map_err(ApiError::internal)?;
    Ok(text)
}

/// What the database holds.
fn rows(registry: &mut Registry, app: &App) -> Result<(), ApiError> {
    let found = standing::of_all(app)?;
    let high_water = work::high_water(&app.db)?;
    let quarantined = app.db.read(quarantine::quarantine)?.is_some();
    let now = app.clock.now().unix_seconds();
    let behind = high_water.map_or(0, |seen| (seen.unix_seconds() - now).max(0));
    for (name, help, value) in [
        (
            "planner_lag_seconds",
            "How long the oldest due step has waited for the planner",
            found.planner_lag,
        ),
        (
            "outbox_oldest_ready_seconds",
            "How long the oldest mail that may leave has waited",
            found.oldest_ready,
        ),
        (
            "outbox_in_doubt",
            "Mails of which nobody knows whether the relay has them",
            found.messages_in("in_doubt"),
        ),
        (
            "outbox_dead",
            "Mails that were given up in the last 30 days",
            found.messages_in("dead"),
        ),
        (
            "outbox_held",
            "Mails of a demonstration that are not let out",
            found.messages_in("held"),
        ),
        (
            "quarantined",
            "Whether mails are held back after a restore",
            i64::from(quarantined),
        ),
        (
            "clock_behind_seconds",
            "How far the clock is behind what this database has seen; mails are held back from 300",
            behind,
        ),
    ] {
        gauge(registry, name, help, value);
    }
    let messages = Family::<MessageLabels, Gauge>::default();
    for ((kind, state), count) in found.messages {
        messages.get_or_create(&MessageLabels { kind, state }).set(count);
    }
    registry.register("outbox_messages", "Mails on their way by kind and state", messages);
    let (open, overdue) = (
        Family::<KindLabels, Gauge>::default(),
        Family::<KindLabels, Gauge>::default(),
    );
    for (kind, (all, late)) in found.open {
        open.get_or_create(&KindLabels { kind: kind.clone() }).set(all);
        overdue.get_or_create(&KindLabels { kind }).set(late);
    }
    registry.register("obligations_open", "What is due some day, by kind", open);
    registry.register("obligations_overdue", "What is past its due date, by kind", overdue);
    Ok(())
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}
