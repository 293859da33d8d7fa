//! What exporters share that post a translated batch as one or several bodies.
//!
//! *Invariants*
//! 1. A batch is translated once: what an attempt leaves unsent is what the next attempt sends, so that running
//!    totals count once and bodies that were taken are not sent again.
//! 2. Of a batch one part at a time is translated, with the bound that [`crate::node::NodeContext::part_bytes`]
//!    sets: however large a batch is and however long its backend is away, no more than that is held of it beside
//!    the batch itself. It ends with the batch, delivered or not.
//! 3. Pieces of a shard leave in order, one at a time; shards leave beside each other. A part is through
//!    when every shard is, and an attempt ends when all shards of its part have.
//!
//! *Failure*: no connection, a time-out, 429 and 5xx may pass; any other answer is final for the piece it was
//! given to, and the next one is sent. A shard that must wait does not keep the others from going on.

mod begun;
mod client;
mod config;
mod protocol;
#[cfg(test)]
mod tests;

pub use begun::{Outcome, Prepared};
pub use client::Push;
pub use config::{RawTarget, Target, shards};
pub use protocol::{Body, Plain, Poster, Protocol, Taken, judge};
