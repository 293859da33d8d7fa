//! Places in a log, and how much it took in up to them.

use super::record::Position;
use crate::ledger::Amount;

/// A place in a log and what lies before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The place.
    pub position: Position,
    /// Everything the log took in before it, since it began.
    pub taken: Amount,
}

/// How much a log took in up to some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Items and bytes since the log began, as far as anybody remembers.
    pub(super) amount: Amount,
    /// Bytes of records since the log was opened; those found then count as well.
    pub(super) n_stored: u64,
}
