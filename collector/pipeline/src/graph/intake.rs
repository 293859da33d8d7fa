//! Where receivers hand their batches over.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::ledger::Edge;
use crate::log::Log;
use crate::queue::{Queue, Reservation};
use crate::{Batch, Signal};

/// What senders are told to wait when there is no room: long enough for a queue to move.
const RETRY_FULL: Duration = Duration::from_secs(1);
/// What senders are told to wait when a disk fails or the process ends.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);

/// Takes batches from one receiver into all pipelines it feeds; clones are one.
#[derive(Clone)]
pub struct Intake(Arc<dyn Fn(Batch) -> Admission + Send + Sync>);

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

/// One pipeline behind its receivers.
pub(super) struct Trunk {
    pub(super) log: Option<Log>,
    pub(super) exports: Vec<Export>,
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
}

impl Intake {
    /// An intake that calls `take`; how tests and other hosts stand in for a graph.
    pub fn new(take: impl Fn(Batch) -> Admission + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    pub(super) fn of(branches: Vec<Branch>, draining: Arc<AtomicBool>) -> Self {
        Self::new(move |batch| {
            if draining.load(Relaxed) {
                let message = "shutting down";
                return Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message };
            }
            admit(&branches, &batch)
        })
    }

    /// Offers a batch: all pipelines take it or none.
    #[must_use]
    pub fn offer(&self, batch: Batch) -> Admission {
        (self.0)(batch)
    }
}

fn admit(branches: &[Branch], batch: &Batch) -> Admission {
    let fed = || branches.iter().filter(|b| b.signal == batch.signal);
    if fed().next().is_none() {
        return Admission::Unwanted;
    }
    let n_bytes = batch.payload.len() as u64;
    let exports = || fed().flat_map(|b| b.trunk.exports.iter());
    let reserved: Option<Vec<Reservation>> = exports().map(|e| e.queue.reserve(n_bytes)).collect();
    let Some(reserved) = reserved else {
        return Admission::Full { retry_after: RETRY_FULL };
    };
    for log in fed().filter_map(|b| b.trunk.log.as_ref()) {
        // With several pipelines an earlier one may keep a record of a batch that a later one
        // fails on; the sender's repetition is then a duplicate in that log, never a loss.
        if let Err(error) = log.append(batch) {
            tracing::error!(%error, "the log did not take a batch");
            let message = "the log cannot be written";
            return Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message };
        }
    }
    let n_items = u64::from(batch.n_items);
    for branch in fed() {
        branch.edge.enter(n_items, n_bytes);
        branch.edge.deliver(n_items, n_bytes);
    }
    for (export, room) in exports().zip(reserved) {
        export.edge.enter(n_items, n_bytes);
        room.push(batch.clone(), export.edge.clone(), export.account);
    }
    Admission::Accepted
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}
