//! What all handlers share.

use std::num::NonZeroUsize;
use std::sync::Arc;

use durable_fs::{Clock, Fs};
use nestr_events::EventLog;
use nestr_pellets::{SigningKey, Store, VerifyingKey};
use nestr_telemetry::{Instruments, Telemetry};
use tokio_util::sync::CancellationToken;

use crate::auth::{Tickets, Tokens};
use crate::browser::{Buckets, Relay};
use crate::http::hosts::Hosts;
use crate::operations::ProgressHub;
use crate::options::CheckpointHook;
use crate::pellets::{Gate, Jobs, Roots, Sidecars, rows};
use crate::perch::Perch;

/// The application as handlers hold it.
pub(crate) type Shared = Arc<App>;

/// All parts of a running server.
pub(crate) struct App {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) log: EventLog,
    pub(crate) store: Arc<Store>,
    pub(crate) pack_threads: NonZeroUsize,
    pub(crate) roots: Roots,
    pub(crate) jobs: Jobs,
    pub(crate) gate: Gate,
    pub(crate) sidecars: Sidecars,
    /// Bytes that the archives of the store may take together.
    pub(crate) quota: Option<u64>,
    /// Signs new Pellets.
    pub(crate) sign_key: Option<Arc<SigningKey>>,
    /// One of them must have signed what is brought back, where there are any.
    pub(crate) trusted_keys: Vec<VerifyingKey>,
    /// Whether a restore may run the tools that a tree belongs to.
    pub(crate) verify_build: bool,
    /// Of every archive entry, seconds since the Unix epoch.
    pub(crate) mtime: u64,
    pub(crate) progress: Arc<ProgressHub>,
    pub(crate) tokens: Tokens,
    pub(crate) tickets: Tickets,
    pub(crate) hosts: Hosts,
    pub(crate) buckets: Buckets,
    pub(crate) relay: Relay,
    pub(crate) perch: Perch,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) instruments: Instruments,
    /// Whether `/metrics` on the main listener needs no token: it listens on loopback only.
    pub(crate) open_metrics: bool,
    pub(crate) hook: Option<CheckpointHook>,
    /// Cancelled when the server begins to stop.
    pub(crate) stop: CancellationToken,
}

impl App {
    /// Reads what the store holds into its gauges.
    pub(crate) async fn refresh_store_totals(&self) {
        match self.log.read(rows::totals).await {
            Ok(totals) => self.instruments.pellet_store(totals.bytes, totals.n_pellets),
            Err(error) => tracing::warn!(%error, "cannot count the pellets of the store"),
        }
    }
}
