//! The way from one receiver into the pipelines it feeds, exchanged while it is used.
//!
//! # Invariants
//! 1. A batch goes all its way over the branches it was offered to; whoever exchanges them can wait
//!    until nobody is on them any more.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::admission::{Admission, Offered, RETRY_FULL, RETRY_UNAVAILABLE};
use super::admit::admit;
use super::branch::{Branch, Ways};
use crate::own::Traced;
use crate::{Batch, Signal};

const ENDING: &str = "shutting down";
const CHANGING: &str = "the configuration changes";

/// What stands between a receiver and its pipelines.
pub(super) struct Gate {
    ways: RwLock<Arc<Ways>>,
    draining: Arc<AtomicBool>,
}

impl Gate {
    /// A gate that refuses everything, until it leads somewhere.
    pub(super) fn closed(draining: &Arc<AtomicBool>) -> Arc<Self> {
        let ways = Arc::new(Ways { branches: Arc::new([]), paused: Signal::ALL.to_vec() });
        Arc::new(Self { ways: RwLock::new(ways), draining: Arc::clone(draining) })
    }

    /// From now on batches go over `branches`.
    pub(super) fn lead(&self, branches: Vec<Arc<Branch>>) {
        let _ = self.exchange(Ways { branches: branches.into(), paused: Vec::new() });
    }

    /// Refuses `signal` until it leads somewhere again; gives the ways that were used until now.
    pub(super) fn pause(&self, signal: Signal) -> Arc<Ways> {
        let now = self.ways();
        let mut paused = now.paused.clone();
        paused.push(signal);
        self.exchange(Ways { branches: Arc::clone(&now.branches), paused })
    }

    /// Offers a batch to all branches of its signal.
    pub(super) fn offer(&self, batch: Batch, traced: Option<Arc<Traced>>) -> Offered {
        let refuse = |retry_after, message| Admission::Unavailable { retry_after, message }.into();
        if self.draining.load(Relaxed) {
            return refuse(RETRY_UNAVAILABLE, ENDING);
        }
        let ways = self.ways();
        if ways.paused.contains(&batch.signal) {
            return refuse(RETRY_FULL, CHANGING);
        }
        admit(&ways, batch, traced)
    }

    fn ways(&self) -> Arc<Ways> {
        Arc::clone(&self.ways.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn exchange(&self, ways: Ways) -> Arc<Ways> {
        let mut now = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *now, Arc::new(ways))
    }
}
