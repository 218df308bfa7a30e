//! `serve` and `work`: the API and the worker, in one process or apart; and the listener on which either tells those who
//! run it how it is.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::{App as ActixApp, HttpServer, web};
use clap::Args;
use clap::builder::BoolishValueParser;
use tokio::task::JoinHandle;

use super::{Options, Stop, connect, migrated, start};
use crate::app::App;
use crate::clock::Clock;
use crate::db::{Url, migrate};
use crate::work::Worker;
use crate::{health, http, metrics};

/// How long requests and the worker may take to end; service managers kill after thirty seconds or more.
const GRACE: Duration = Duration::from_secs(25);
/// How long a connection may rest between two requests: longer than the clients and proxies in use keep one, so that it is
/// they who close it, and no request meets a connection that we are closing.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// `kakunin serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port to listen on
    #[arg(long, env = "KAKUNIN_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Leave planning and delivery to `kakunin work` (`PostgreSQL`)
    #[arg(long, env = "KAKUNIN_NO_WORKER", value_parser = BoolishValueParser::new())]
    no_worker: bool,
    #[command(flatten)]
    operations: Operations,
}

/// Where monitoring asks, beside the API: a process has no such port unless it is given one, because two on a machine
/// would want the same.
#[derive(Debug, Args)]
pub(super) struct Operations {
    /// Address and port for `/metrics`, `/health/live` and `/health/ready` without a token; keep it inside the house
    #[arg(long, env = "KAKUNIN_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
}

impl Operations {
    /// Where it listens.
    pub(super) const fn address(&self) -> Option<SocketAddr> {
        self.metrics_listen
    }

    /// Serves on a thread of its own until the process ends, so that a busy API does not keep monitoring waiting.
    fn start(&self, app: &App) -> Result<(), Stop> {
        let Some(address) = self.metrics_listen else {
            return Ok(());
        };
        let listener = TcpListener::bind(address).map_err(|e| {
            Stop(format!(
                "{address} cannot be listened on: {e}; choose another --metrics-listen"
            ))
        })?;
        let address = listener.local_addr()?;
        let data = web::Data::new(app.clone());
        let server = HttpServer::new(move || {
            ActixApp::new()
                .app_data(data.clone())
                .service(metrics::get_metrics)
                .service(health::get_liveness)
                .service(health::get_readiness)
        })
        .workers(1)
        .client_request_timeout(Duration::from_secs(5))
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
        tracing::info!(metrics = %address, "telling figures");
        actix_web::rt::spawn(server);
        Ok(())
    }
}

impl Serve {
    pub(super) fn run(&self, options: &Options) -> Result<(), Stop> {
        let (url, mut config) = options.database()?;
        config.plans = !self.no_worker;
        if self.no_worker && matches!(url, Url::Sqlite(_)) {
            return Err(Stop(
                "--no-worker needs PostgreSQL: an SQLite file has one process".to_owned(),
            ));
        }
        let _owner = Options::own(&url)?;
        let db = connect(&url, &config)?;
        migrate::run(&db)?;
        let app = start(db, Clock::system(), config)?;
        let listener = listen(self.listen)?;
        block_on(async move {
            self.operations.start(&app)?;
            serve(app, listener, !self.no_worker).await
        })
    }
}

/// `kakunin work`.
#[derive(Debug, Args)]
pub(super) struct Work {
    #[command(flatten)]
    operations: Operations,
}

impl Work {
    pub(super) fn run(&self, options: &Options) -> Result<(), Stop> {
        work(options, &self.operations)
    }
}

fn work(options: &Options, operations: &Operations) -> Result<(), Stop> {
    let (url, config) = options.database()?;
    if matches!(url, Url::Sqlite(_)) {
        return Err(Stop(
            "`work` needs PostgreSQL: with SQLite `serve` runs the worker itself".to_owned(),
        ));
    }
    let db = connect(&url, &config)?;
    migrated(&db)?;
    let app = start(db, Clock::system(), config)?;
    block_on(async move {
        let asked = asked_to_stop()?;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        operations.start(&app)?;
        let worker = tokio::spawn(Worker::new(app)?.run(stopped));
        tracing::info!("working");
        asked.await;
        let _ = stop.send(true);
        finished(worker).await;
        Ok(())
    })
}

/// Waits for Ctrl+C or, as service managers ask, for SIGTERM; listens from the call on, not from the first poll.
#[cfg(unix)]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Lets the worker finish its current step; what it leaves is in rows, and the next start goes on.
async fn finished(worker: JoinHandle<()>) {
    if tokio::time::timeout(GRACE, worker).await.is_err() {
        tracing::warn!("the worker did not finish in time");
    }
}

/// Binds the port, so that a port that is taken ends the start with one sentence.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, Stop> {
    TcpListener::bind(address)
        .map_err(|e| Stop(format!("{address} cannot be listened on: {e}; choose another --listen")))
}

/// Runs on the server's runtime.
pub(crate) fn block_on(future: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
    actix_web::rt::System::new().block_on(future)
}

/// Serves until told to stop: requests and the worker's current step are finished first.
pub(crate) async fn serve(app: App, listener: TcpListener, with_worker: bool) -> Result<(), Stop> {
    let asked = asked_to_stop()?;
    let document = web::Data::new(http::document()?.at(&app.config.public_url)?);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let worker = if with_worker {
        Some(tokio::spawn(Worker::new(app.clone())?.run(stopped)))
    } else {
        None
    };
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || http::application(app.clone(), document.clone()))
        .workers(2)
        .client_request_timeout(Duration::from_secs(5))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(GRACE.as_secs())
        // Its own handlers begin later, and drop requests on Ctrl+C.
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        asked.await;
        handle.stop(true).await;
    });
    tracing::info!(%address, "listening");
    server.await?;
    let _ = stop.send(true);
    if let Some(worker) = worker {
        finished(worker).await;
    }
    Ok(())
}
