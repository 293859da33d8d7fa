//! The ways from a receiver into the pipelines it feeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use collector_telemetry::Counter;
use tokio::time::Instant;

use crate::Signal;
use crate::config::Ack;
use crate::consumer::Consumer;
use crate::ledger::Edge;
use crate::log::{Committer, Log, Origin};

/// How often it is looked whether the branches are empty; a batch is on them for less than an fsync.
const LOOK: Duration = Duration::from_millis(1);

/// One pipeline behind its receivers.
pub(super) struct Trunk {
    pub(super) pipeline: String,
    pub(super) keep: Keep,
    pub(super) ack: Ack,
    /// The exporters that `ack: delivered` waits for.
    pub(super) primary: Vec<Arc<Consumer>>,
    pub(super) ack_timeout: Duration,
    /// Items kept although their sender was refused.
    pub(super) duplicates: Counter,
}

/// Where a pipeline keeps what it takes.
#[derive(Clone)]
pub(super) enum Keep {
    /// In memory.
    Ring(Log),
    /// On disk.
    Disk(Arc<Committer>),
}

/// The way from a receiver into one pipeline.
pub(super) struct Branch {
    pub(super) signal: Signal,
    pub(super) trunk: Arc<Trunk>,
    /// The receiver's number in the log.
    pub(super) origin: Origin,
    pub(super) edge: Edge,
    /// What was accepted and is not written yet.
    pub(super) waiting: Arc<Waiting>,
}

/// Items and bytes between a reply and the log.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    n_items: AtomicU64,
    n_bytes: AtomicU64,
}

impl Waiting {
    pub(super) fn add(&self, n_items: u64, n_bytes: u64) {
        self.n_items.fetch_add(n_items, Relaxed);
        self.n_bytes.fetch_add(n_bytes, Relaxed);
    }

    pub(super) fn sub(&self, n_items: u64, n_bytes: u64) {
        self.n_items.fetch_sub(n_items, Relaxed);
        self.n_bytes.fetch_sub(n_bytes, Relaxed);
    }

    pub(super) fn read(&self) -> (u64, u64) {
        (self.n_items.load(Relaxed), self.n_bytes.load(Relaxed))
    }
}

/// The branches at one time.
pub(super) struct Ways {
    pub(super) branches: Arc<[Arc<Branch>]>,
    /// What is refused for the moment.
    pub(super) paused: Vec<Signal>,
}

impl Ways {
    /// Waits until no batch is under way over them; false if that was not so by `deadline`.
    pub(super) async fn empty(self: Arc<Self>, deadline: Instant) -> bool {
        while Arc::strong_count(&self) > 1 {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }
}
