//! One who claims a place, as the log knows it.

use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::mark::Mark;
use super::record::Position;
use crate::ledger::{Amount, Edge};

/// What happens when a claim's share is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// New batches are refused.
    Primary,
    /// It loses its oldest records.
    Secondary,
    /// It has no share: what it has not read may go at any time.
    Observer,
}

/// Gives up what a claim has not passed.
pub trait Shed: Send + Sync {
    /// Moves the claim past everything before `to`.
    fn shed(&self, to: Mark);
}

/// Whose place in the log is held, and how much may wait there.
pub(super) struct Claimant {
    pub(super) id: u64,
    pub(super) role: Role,
    pub(super) share: u64,
    pub(super) cursor: Position,
    /// Bytes of records before the cursor, as [`super::mark::Tally::n_stored`] counts them.
    pub(super) n_stored: u64,
    /// The cursor of the last checkpoint; where there are none, the cursor itself.
    pub(super) kept: Position,
    pub(super) edge: Option<Edge>,
    pub(super) wake: Arc<Notify>,
    pub(super) shed: Option<Weak<dyn Shed>>,
}

impl Claimant {
    /// Records of `sum` became visible.
    pub(super) fn came(&self, sum: Amount) {
        self.edge.iter().for_each(|edge| edge.enter(sum.n_items, sum.n_bytes));
        self.wake.notify_one();
    }
}
