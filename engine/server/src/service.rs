//! Puts the parts together, runs them, and ends them in order.
//!
//! # Failure
//! The start fails as a whole, with what to do about it. A stop refuses new work, interrupts running packings, which
//! records them as failed, lets replies leave, and closes the database last.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use durable_fs::Clock;
use nestr_events::{Closer, EventError, EventLog};
use nestr_pellets::{KeyError, SigningKey, Store, VerifyingKey};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Shared};
use crate::auth::{Secret, SecretError, Tickets, Tokens};
use crate::browser::{Buckets, Relay};
use crate::http::hosts::Hosts;
use crate::http::serve::serve;
use crate::operations::{self, ProgressHub};
use crate::options::Options;
use crate::pellets::{self, Gate, Jobs, Roots, Sidecars};
use crate::perch::Perch;
use crate::{outbound, router};

const DATABASE: &str = "nestr.db";
/// Time that interrupted packings are given to clean up and record their end.
const JOBS_GRACE: Duration = Duration::from_secs(10);

/// A running server. Dropping it stops it without waiting; [`Service::stop`] waits.
pub struct Service {
    listen: SocketAddr,
    metrics_listen: SocketAddr,
    app: Shared,
    closer: Option<Closer>,
    tasks: Vec<JoinHandle<()>>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address} for {what}: {source}; choose another with {flag} (port 0 picks a free one)"
    )]
    Listen {
        /// What would listen.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The flag that moves it.
        flag: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A folder cannot be made or read.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// There is no signing secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A key of the configuration cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The event log cannot be opened or brought in order.
    #[error(transparent)]
    Events(#[from] EventError),
    /// The client for the collector and Perch cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl Service {
    /// Starts a server: recovers what an earlier process left, then listens.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (app, closer) = open(&options).await?;
        let main = listen(options.listen, "REST", "--listen").await?;
        let metrics = listen(options.metrics_listen, "metrics", "--metrics-listen").await?;
        let (listen, metrics_listen) =
            (local(&main, options.listen)?, local(&metrics, options.metrics_listen)?);
        let tasks = vec![
            tokio::spawn(serve(main, router::main(&app), app.stop.clone())),
            tokio::spawn(serve(metrics, router::metrics(&app), app.stop.clone())),
        ];
        tracing::info!(%listen, %metrics_listen, roots = options.roots.len(), "engine is ready");
        if options.roots.is_empty() {
            tracing::warn!(
                "no root is configured, so nothing can be packed; add one with --root DIR"
            );
        }
        Ok(Self { listen, metrics_listen, app, closer: Some(closer), tasks })
    }

    /// Where REST, WebSocket and the page are served.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where metrics are served.
    #[must_use]
    pub fn metrics_listen(&self) -> SocketAddr {
        self.metrics_listen
    }

    /// The tokens of this server.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.app.tokens
    }

    /// Stops in order and waits for the end.
    pub async fn stop(mut self) {
        tracing::info!("engine stops");
        self.app.stop.cancel();
        self.app.jobs.tasks.close();
        if tokio::time::timeout(JOBS_GRACE, self.app.jobs.tasks.wait()).await.is_err() {
            tracing::warn!("a packing did not stop in time; the next start cleans up after it");
        }
        for task in std::mem::take(&mut self.tasks) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a listener ended with an error");
            }
        }
        if let Some(closer) = self.closer.take() {
            closer.close().await;
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("listen", &self.listen)
            .field("metrics_listen", &self.metrics_listen)
            .finish_non_exhaustive()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}

async fn open(options: &Options) -> Result<(Shared, Closer), StartError> {
    let fs = Arc::clone(&options.fs);
    let state = &options.state_dir;
    let folder = |path: &PathBuf| {
        let path = path.clone();
        move |source| StartError::Folder { path, source }
    };
    fs.create_dir_all(state).map_err(folder(state))?;
    let secret = Secret::load_or_create(fs.as_ref(), state)?;
    let sign_key = options.sign_key.as_deref().map(SigningKey::read).transpose()?.map(Arc::new);
    let trusted_keys = options
        .trusted_keys
        .iter()
        .map(|path| VerifyingKey::read(path))
        .collect::<Result<_, _>>()?;
    let (log, closer) = open_log(state, Arc::clone(&options.clock))?;
    let store =
        Store::open(Arc::clone(&fs), &options.store_dir).map_err(folder(&options.store_dir))?;
    let store = Arc::new(store);
    let instruments = options.telemetry.instruments().clone();
    pellets::recover(&log, &fs, &store, &instruments).await?;
    let client = outbound::client()?;
    let clock = &options.clock;
    let app = Arc::new(App {
        tokens: Tokens::new(&secret, Arc::clone(clock)),
        tickets: Tickets::new(Arc::clone(clock)),
        buckets: Buckets::new(Arc::clone(clock)),
        progress: ProgressHub::new(Arc::clone(clock)),
        clock: Arc::clone(clock),
        fs,
        log,
        store,
        pack_threads: options.pack_threads,
        roots: Roots::new(&options.roots, &options.state_dir, &options.store_dir),
        jobs: Jobs::new(),
        gate: Gate::default(),
        sidecars: Sidecars::default(),
        quota: options.quota,
        sign_key,
        trusted_keys,
        verify_build: options.verify_build,
        mtime: options.mtime,
        hosts: Hosts::new(&options.allowed_hosts),
        relay: Relay::new(client.clone(), &options.otlp_endpoint),
        perch: Perch::new(client, &options.perch_url),
        telemetry: Arc::clone(&options.telemetry),
        instruments,
        open_metrics: options.listen.ip().is_loopback(),
        hook: options.hook.clone(),
        stop: CancellationToken::new(),
    });
    app.refresh_store_totals().await;
    Ok((app, closer))
}

/// The database of the Engine, which one process has at a time.
pub(crate) fn open_log(
    state: &Path,
    clock: Arc<dyn Clock>,
) -> Result<(EventLog, Closer), EventError> {
    let migrations = [operations::rows::MIGRATIONS, pellets::rows::MIGRATIONS].concat();
    let path = state.join(DATABASE);
    EventLog::open(&path, clock, &migrations).map_err(|error| match error {
        // Of a file that cannot be read at all, which one has to be said.
        EventError::Storage(cause) => {
            EventError::Open { path, cause: Arc::new(std::io::Error::other(cause.to_string())) }
        }
        other => other,
    })
}

async fn listen(
    address: SocketAddr,
    what: &'static str,
    flag: &'static str,
) -> Result<TcpListener, StartError> {
    let refused = |source| StartError::Listen { what, address, flag, source };
    TcpListener::bind(address).await.map_err(refused)
}

fn local(listener: &TcpListener, path: SocketAddr) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|source| StartError::Listen {
        what: "a listener",
        address: path,
        flag: "--listen",
        source,
    })
}
