//! Accounts for every item on every edge of the graph.
//!
//! An item is a span, a data point or a log record; an edge is (pipeline, from, to).
//!
//! # Invariants
//! 1. On every edge, once it is at rest: in = delivered + dropped + queued. `queued` is read from
//!    the queues themselves, so the equation can fail.
//! 2. An item counts once per edge, however often it is sent; what is sent again has a counter of
//!    its own.
//! 3. What a receiver refused never entered.
//!
//! # Not here
//! Totals that outlive the process.

mod edge;
mod reason;
mod snapshot;

pub use edge::{Edge, EdgeId, Ledger, Queued};
pub use reason::Reason;
pub use snapshot::{EdgeAccount, Imbalance, Snapshot};
