//! From OTLP counters to events, under the names and labels that Prometheus would have them by.
//!
//! An increase counts at the instant its record was received, as a whole, and is not extrapolated.
//!
//! # Invariants
//! 1. A counter's value is rounded to whole events before a difference is taken, so that rounding never adds up.
//! 2. A point that was seen before, or is older than one that was, counts for nothing.
//! 3. What one request says of the two sides of an indicator counts together.
//!
//! # Not here
//! Gauges, sums that may fall and exponential histograms: Prometheus has no counter under those names either.

mod matcher;
mod point;
mod state;
mod walk;

pub(crate) use matcher::CounterMatcher;
pub(crate) use state::CounterStates;
pub(crate) use walk::{Increase, Spender};
