//! Where receivers hand their batches over.

use std::sync::Arc;
use std::time::Duration;

use crate::Batch;

/// Takes batches from one receiver into all pipelines it feeds; clones are one.
#[derive(Clone)]
pub struct Intake {
    take: Arc<dyn Fn(Batch) -> Admission + Send + Sync>,
}

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
        message: String,
    },
    /// No pipeline takes this signal from this receiver.
    Unwanted,
}

impl Intake {
    /// An intake that calls `take`; how tests and other hosts stand in for a graph.
    pub fn new(take: impl Fn(Batch) -> Admission + Send + Sync + 'static) -> Self {
        Self { take: Arc::new(take) }
    }

    /// Offers a batch: all pipelines take it or none.
    #[must_use]
    pub fn offer(&self, batch: Batch) -> Admission {
        (self.take)(batch)
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}
