//! What a server is built from.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use durable_fs::{Clock, DiskFs, Fs, SystemClock};
use nestr_config::Config;
use nestr_pellets::Milestone;
use nestr_telemetry::Telemetry;

/// Everything a [`Service`](crate::Service) needs; all paths absolute.
#[derive(Clone)]
pub struct Options {
    /// REST, WebSocket and the page; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Metrics alone; port 0 picks a free one.
    pub metrics_listen: SocketAddr,
    /// Host names beside the loopback's.
    pub allowed_hosts: Vec<String>,
    /// Directories beneath which trees may be packed.
    pub roots: Vec<PathBuf>,
    /// Database and signing secret.
    pub state_dir: PathBuf,
    /// Where Pellets lie.
    pub store_dir: PathBuf,
    /// Threads that compress one Pellet.
    pub pack_threads: NonZeroUsize,
    /// Bytes that the archives of the store may take together.
    pub quota: Option<u64>,
    /// The private key that signs new Pellets.
    pub sign_key: Option<PathBuf>,
    /// Public keys of which one must have signed what is brought back; any Pellet is where there are none.
    pub trusted_keys: Vec<PathBuf>,
    /// Whether a restore may run the tools that a tree belongs to.
    pub verify_build: bool,
    /// The mtime of every entry of an archive, seconds since the Unix epoch: `SOURCE_DATE_EPOCH` or 0.
    pub mtime: u64,
    /// Base of the collector's OTLP paths, where the browser's telemetry goes.
    pub otlp_endpoint: String,
    /// Base of Perch's API.
    pub perch_url: String,
    /// Instruments and `/metrics`.
    pub telemetry: Arc<Telemetry>,
    /// File system of the secret and the store.
    pub fs: Arc<dyn Fs>,
    /// Source of all times.
    pub clock: Arc<dyn Clock>,
    /// Called at each checkpoint of a packing, on its thread; tests stop time or the process there.
    pub hook: Option<CheckpointHook>,
}

/// What [`Options::hook`] is.
pub type CheckpointHook = Arc<dyn Fn(Checkpoint) + Send + Sync>;

/// A point in a packing at which the state on disk is one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoint {
    /// Within the packing.
    Packing(Milestone),
    /// Row, operation and event are committed.
    Recorded {
        /// The event's revision.
        rev: u64,
    },
}

impl Options {
    /// Options as configured, on the real disk and clock.
    #[must_use]
    pub fn from_config(config: &Config, telemetry: Arc<Telemetry>) -> Self {
        Self {
            listen: config.server.listen,
            metrics_listen: config.server.metrics_listen,
            allowed_hosts: config.server.allowed_hosts.clone(),
            roots: config.roots.clone(),
            state_dir: config.state_dir.clone(),
            store_dir: config.pellets.store_dir.clone(),
            pack_threads: config.pellets.threads,
            quota: config.pellets.quota,
            sign_key: config.pellets.sign_key.clone(),
            trusted_keys: config.pellets.trusted_keys.clone(),
            verify_build: config.pellets.verify_build,
            mtime: 0,
            otlp_endpoint: config.telemetry.otlp_endpoint.to_string(),
            perch_url: config.perch.url.to_string(),
            telemetry,
            fs: Arc::new(DiskFs),
            clock: Arc::new(SystemClock::new()),
            hook: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("metrics_listen", &self.metrics_listen)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}
