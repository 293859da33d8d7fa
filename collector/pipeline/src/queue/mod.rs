//! The bounded queue in front of each exporter, and the lanes that empty it.
//!
//! # Invariants
//! 1. A batch stays in its queue's account, bytes and items, until it is delivered or dropped; what
//!    is under way still takes up room.
//! 2. With one lane, batches leave in the order they came, retries included.
//! 3. A lane that is stopped or panics puts its batch back in front; nothing is lost by it.
//!
//! # Not here
//! Anything that outlives the process.
//!
//! # Failure
//! A backend that is away is tried with back-off; its queue fills and then refuses, and as a batch
//! is taken by all exporters or none, a pipeline goes as far as its fullest queue. Until then no
//! exporter feels another. Whatever is dropped is counted by reason and sampled into the log.

mod backoff;
mod bounded;
mod lanes;
mod said;
#[cfg(test)]
mod tests;

pub use backoff::{Backoff, Jitter};
pub use bounded::{InHand, Item, Queue, Reservation};
pub(crate) use lanes::panic_message;
pub use lanes::{ExporterPanicked, LaneOptions, Lanes, Meters};
