//! What exporters share that post a translated batch as one or several bodies.
//!
//! *Invariants*
//! 1. A batch is translated once: what an attempt leaves unsent is what the next attempt sends, so that running
//!    totals count once and bodies that were taken are not sent again.
//! 2. Bodies of a batch leave in order, one at a time.
//!
//! *Failure*: no connection, a time-out, 429 and 5xx may pass; any other answer is final for the body it was
//! given to, and the next body is sent.

mod begun;
mod client;
mod config;

pub use begun::{Piece, Prepared};
pub use client::Push;
pub use config::{RawTarget, Target};
