//! Listening, connections and their bounds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use collector_otlp::server::serve_http1;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::current::Current;
use super::guard::guarded;
use super::routes::router;

/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 256;
/// From a connection's first byte to the end of the headers; idle connections end with it too.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long replies under way may take at the end.
const FINISH_WITHIN: Duration = Duration::from_secs(2);
/// The wait after a failed accept: the usual cause, too many open files, does not pass at once.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// An open listener that answers nothing yet.
#[derive(Debug)]
pub(crate) struct Api {
    listener: TcpListener,
    addr: SocketAddr,
}

/// The API at work.
#[derive(Debug)]
pub(crate) struct Serving {
    addr: SocketAddr,
    draining: Arc<AtomicBool>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Api {
    /// Opens the listener; only on loopback.
    pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<Self> {
        if !listen.ip().is_loopback() {
            bail!(
                "the API would listen on {listen}, beyond this machine, where everyone could read all \
                 telemetry: it knows no sign-in yet\n  hint: use 127.0.0.1, and a proxy that asks who calls"
            );
        }
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("the API cannot listen on {listen} (--api-listen ADDR moves it)")
        })?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    /// Begins to answer.
    pub(crate) fn serve(self, current: Current) -> Serving {
        let draining = Arc::new(AtomicBool::new(false));
        let router = router(current, Arc::clone(&draining));
        self.start(router, draining)
    }

    /// Begins to answer with other routes, under the same guard and bounds.
    pub(crate) fn answer(self, routes: Router) -> Serving {
        self.start(guarded(routes), Arc::default())
    }

    fn start(self, router: Router, draining: Arc<AtomicBool>) -> Serving {
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(self.listener, router, stop.clone()));
        Serving { addr: self.addr, draining, stop, task }
    }
}

impl Serving {
    /// The address as bound.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Is not ready from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    /// Lets replies under way finish, for a moment.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(FINISH_WITHIN, self.task).await.is_err() {
            tracing::debug!("replies under way were cut off");
        }
    }
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let Ok(place) = Arc::clone(&connections).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, stop) = (router.clone(), stop.clone());
                tasks.spawn(async move {
                    serve_one(stream, router, stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn serve_one(stream: TcpStream, router: Router, stop: CancellationToken) {
    let service = TowerToHyperService::new(router);
    let ended = serve_http1(stream, service, HEADERS_WITHIN, stop.cancelled()).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "an API connection broke off");
    }
}
