//! `serve` and `work`: the API and the worker, in one process or apart.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::{HttpServer, web};
use clap::Args;

use super::{Options, Stop, start};
use crate::app::App;
use crate::clock::Clock;
use crate::db::{Db, Url, migrate};
use crate::http;
use crate::work::Worker;

/// `kakunin serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port to listen on
    #[arg(long, env = "KAKUNIN_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Leave planning and delivery to `kakunin work` (`PostgreSQL`)
    #[arg(long, env = "KAKUNIN_NO_WORKER")]
    no_worker: bool,
}

impl Serve {
    pub(super) fn run(&self, options: &Options) -> Result<(), Stop> {
        let (url, config) = options.database()?;
        if self.no_worker && matches!(url, Url::Sqlite(_)) {
            return Err(Stop(
                "--no-worker needs PostgreSQL: an SQLite file has one process".to_owned(),
            ));
        }
        let _owner = Options::own(&url)?;
        let db = Db::open(&url, config.connections)?;
        migrate::run(&db)?;
        let app = start(db, Clock::system(), config)?;
        let listener = listen(self.listen)?;
        block_on(serve(app, listener, !self.no_worker))
    }
}

/// `kakunin work`.
pub(super) fn work(options: &Options) -> Result<(), Stop> {
    let (url, config) = options.database()?;
    if matches!(url, Url::Sqlite(_)) {
        return Err(Stop(
            "`work` needs PostgreSQL: with SQLite `serve` runs the worker itself".to_owned(),
        ));
    }
    let db = Db::open(&url, config.connections)?;
    let app = start(db, Clock::system(), config)?;
    block_on(async move {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let worker = tokio::spawn(Worker::new(app)?.run(stopped));
        tokio::signal::ctrl_c().await?;
        let _ = stop.send(true);
        let _ = worker.await;
        Ok(())
    })
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
    let document = web::Data::new(http::document()?);
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
        .shutdown_timeout(25)
        .listen(listener)?
        .run();
    tracing::info!(%address, "listening");
    server.await?;
    let _ = stop.send(true);
    if let Some(worker) = worker {
        let _ = tokio::time::timeout(Duration::from_secs(25), worker).await;
    }
    Ok(())
}
