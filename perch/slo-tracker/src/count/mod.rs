//! From telemetry to good and bad events.
//!
//! # Invariants
//! 1. A span is looked at once, however many objectives there are, and without allocating unless it is bad.

mod attributes;
mod condition;
pub(crate) mod metrics;
pub(crate) mod spans;
