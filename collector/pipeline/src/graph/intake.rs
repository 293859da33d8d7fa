//! Where receivers hand their batches over.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use collector_telemetry::Counter;
use tokio::sync::oneshot;

use super::admit::admit;
use crate::config::Ack;
use crate::ledger::Edge;
use crate::log::{Committer, Log};
use crate::queue::Queue;
use crate::{Batch, Signal};

/// What senders are told to wait when there is no room: long enough for a queue to move.
pub(super) const RETRY_FULL: Duration = Duration::from_secs(1);
/// What senders are told to wait when a disk fails or the process ends.
pub(super) const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);
const ENDING: &str = "shutting down";

/// Takes batches from one receiver into all pipelines it feeds; clones are one.
#[derive(Clone)]
pub struct Intake(Arc<dyn Fn(Batch) -> Offered + Send + Sync>);

/// What became of an offered batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is in every pipeline.
    Accepted,
    /// There is no room; nothing was taken.
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// It cannot be taken now; nothing was taken.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// Why, for the sender.
        message: &'static str,
    },
    /// No pipeline takes this signal from this receiver.
    Unwanted,
}

/// The answer to an offer: at once, or when the logs have the batch.
#[derive(Debug)]
pub enum Offered {
    /// It is known.
    Known(Option<Admission>),
    /// It comes from the threads of the logs.
    Waiting(oneshot::Receiver<Admission>),
}

/// One pipeline behind its receivers.
pub(super) struct Trunk {
    pub(super) pipeline: String,
    pub(super) keep: Keep,
    pub(super) ack: Ack,
    pub(super) exports: Vec<Export>,
    /// Items kept although their sender was refused.
    pub(super) duplicates: Counter,
}

/// Where a pipeline keeps what it takes.
pub(super) enum Keep {
    /// Nowhere but in its exporters' queues.
    Nothing,
    /// In memory.
    Ring(Log),
    /// On disk.
    Disk(Arc<Committer>),
}

/// The way from a pipeline to one exporter.
pub(super) struct Export {
    pub(super) queue: Arc<Queue>,
    pub(super) edge: Edge,
    pub(super) account: usize,
}

/// The way from a receiver into one pipeline.
pub(super) struct Branch {
    pub(super) signal: Signal,
    pub(super) trunk: Arc<Trunk>,
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

impl Intake {
    /// An intake that calls `take`; how tests and other hosts stand in for a graph.
    pub fn new(take: impl Fn(Batch) -> Admission + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |batch| take(batch).into()))
    }

    pub(super) fn of(branches: Vec<Branch>, draining: Arc<AtomicBool>) -> Self {
        let branches: Arc<[Branch]> = branches.into();
        Self(Arc::new(move |batch| {
            if draining.load(Relaxed) {
                return Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message: ENDING }
                    .into();
            }
            admit(&branches, batch)
        }))
    }

    /// Offers a batch: all pipelines take it or none. The answer comes when the strictest of them
    /// has it; it is taken or refused whether or not anyone waits for the answer.
    pub fn offer(&self, batch: Batch) -> Offered {
        (self.0)(batch)
    }
}

impl From<Admission> for Offered {
    fn from(admission: Admission) -> Self {
        Self::Known(Some(admission))
    }
}

impl Future for Offered {
    type Output = Admission;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Admission> {
        // No answer is left only where the thread of a log died over the batch.
        let lost = Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message: ENDING };
        match self.get_mut() {
            Self::Known(admission) => Poll::Ready(admission.take().unwrap_or(lost)),
            Self::Waiting(answer) => Pin::new(answer).poll(cx).map(|said| said.unwrap_or(lost)),
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}
