//! Accounts for every item on every edge of the graph.
//!
//! An item is a span, a data point or a log record; an edge is (pipeline, from, to).
//!
//! # Invariants
//! 1. On every edge, once it is at rest: in = delivered + dropped + queued. `queued` is read from
//!    the cursors themselves, so the equation can fail.
//! 2. An item counts once per edge, however often it is sent; what is sent again has a counter of
//!    its own.
//! 3. What a receiver refused never entered.
//! 4. Where a pipeline's log is on disk, counts go on after a restart from where they were: totals
//!    are kept with the cursor they belong to, and what lies behind it is counted anew.

mod amount;
mod edge;
mod reason;
mod snapshot;
mod totals;

pub use amount::Amount;
pub use edge::{Edge, EdgeId, Ledger, Queued};
pub use reason::Reason;
pub use snapshot::{EdgeAccount, Imbalance, Snapshot};
pub use totals::Totals;
