//! Whoever reads a pipeline's log: a name, a cursor, and what is kept of both.
//!
//! ```text
//! log ─┬ Consumer ─┐
//!      │           ├ Feed ─ lanes ─ exporter
//! log ─┴ Consumer ─┘
//! log ── Observing ─ observer
//! ```
//!
//! # Invariants
//! 1. A cursor moves over a record only when it was delivered or dropped and counted.
//! 2. A checkpoint holds the cursor and the totals of exactly the records before it; after a restart
//!    the consumer goes on there, so that each record counts once however often it was sent.
//! 3. Without a checkpoint that can be read, a consumer that ever had one starts at the oldest record
//!    there is: duplicates, and no loss.
//!
//! 4. An observer's state is part of its checkpoint, so that it knows each record once.
//!
//! # Failure
//! See [`Consumer`] and [`Observing`] for records that cannot be read, [`Shelf`] for checkpoints that cannot, and
//! [`Checkpointer`] for those that cannot be written.

mod checkpoint;
mod checkpointer;
mod exporting;
mod feed;
mod fields;
mod in_hand;
mod notices;
mod observing;
mod register;
mod resume;
mod shelf;
mod step;
#[cfg(test)]
mod tests;
mod window;

pub use checkpoint::{Checkpoint, Key, MAX_STATE};
pub use checkpointer::{Checkpointed, Checkpointer};
pub use exporting::{Consumer, Start};
pub use feed::Feed;
pub use in_hand::InHand;
pub use notices::Notices;
pub use observing::Observing;
pub use register::{Entry, Register};
pub use resume::{Resumed, resume};
pub use shelf::{Found, Shelf};
pub use window::{Passed, Returned, Window};
