//! The exporter's side of the pipeline.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::begun::Begun;
use super::receiver::{NodeError, Started};
use crate::ledger::Reason;
use crate::{Batch, Signal};

/// Sends batches to one backend.
///
/// # Invariants
/// 1. One call is one attempt: order, retries, back-off, accounts and drain belong to the queue.
/// 2. A call may be dropped at any await; the batch then counts as not sent.
pub trait Exporter: Send + Sync + 'static {
    /// Tries once to deliver `batch`; what is to be known at the next attempt is put into `begun`.
    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        begun: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>>;

    /// Whether its settings let it send `signal`, one of its kind's; if not, what to write.
    fn carries(&self, _signal: Signal) -> Result<(), String> {
        Ok(())
    }

    /// For an exporter that is asked instead of sending: opens what it listens on and returns the work that serves
    /// it. Called before anything is exported, and again after a panic of that work.
    fn start(&self, _stop: CancellationToken) -> Option<BoxFuture<'_, Result<Started, NodeError>>> {
        None
    }

    /// How many calls may be under way at once; with one, batches arrive in log order.
    fn n_in_flight(&self) -> usize {
        1
    }
}

/// The backend took the batch, perhaps without some of its items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Items that did not arrive, with the reason they are counted under; the rest did.
    pub dropped: Vec<(Reason, u64)>,
    /// What the backend said about them; empty if nothing.
    pub message: String,
}

/// The backend did not take the batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Trying again may help.
    #[error("{code}: {message}")]
    Retryable {
        /// Status or cause, short and from a bounded set (`503`, `UNAVAILABLE`, `connect`).
        code: String,
        /// What was said, at most a line.
        message: String,
        /// The wait the backend asked for.
        after: Option<Duration>,
    },
    /// Trying again cannot help; the items are dropped.
    #[error("{code}: {message}")]
    Permanent {
        /// Status or cause, short and from a bounded set.
        code: String,
        /// What was said, at most a line.
        message: String,
        /// What the items are counted under.
        reason: Reason,
    },
}

impl Delivered {
    /// All items arrived.
    #[must_use]
    pub fn whole() -> Self {
        Self::default()
    }

    /// All but `n` items arrived.
    #[must_use]
    pub fn partial(n: u64, message: impl Into<String>) -> Self {
        let dropped = if n == 0 { Vec::new() } else { vec![(Reason::Partial, n)] };
        Self { dropped, message: message.into() }
    }
}

impl ExportError {
    /// A fault that may pass.
    pub fn retryable(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Retryable { code: code.into(), message: message.into(), after: None }
    }

    /// Status or cause.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Retryable { code, .. } | Self::Permanent { code, .. } => code,
        }
    }

    /// A refusal for good.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        let reason = Reason::Permanent;
        Self::Permanent { code: code.into(), message: message.into(), reason }
    }
}
