//! The lanes between an exporter's cursors and the exporter: requests under way, retries, back-off.
//!
//! # Invariants
//! 1. A record stays in its edge's account until it is delivered or dropped.
//! 2. With one lane, records of a pipeline leave in the order they came, retries included.
//! 3. A lane that is stopped or panics gives its record back; nothing is lost by it.
//!
//! # Not here
//! Where records wait: that is the log, and [`crate::consumer`] holds the place in it.
//!
//! # Failure
//! A backend that is away is tried with back-off while its records stay in the log, as far as its share
//! goes. Whatever is dropped is counted by reason and sampled into the log of the process.

mod backoff;
mod lanes;
mod said;
#[cfg(test)]
mod tests;

pub use backoff::{Backoff, Jitter};
pub use lanes::{ExporterPanicked, LaneOptions, Lanes, Meters};
