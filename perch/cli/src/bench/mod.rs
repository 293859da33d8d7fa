//! `perch bench`: a load generator and a counting sink for any OTLP endpoint.
//!
//! Every item that `send` makes bears the run it belongs to and its number in it, as attributes.
//! `sink` keeps one bit per number, so the two can say between them what a collector lost and what
//! it delivered twice, whatever it does to batches on the way.
//!
//! # Invariants
//! 1. An item counts as lost only if its request was acknowledged and the sink never took it.
//! 2. What one run makes is decided by its seed and its flags; only ids of the run and times differ.
//! 3. The sink's memory for numbers is bounded (`MAX_CHUNKS`), whatever is sent to it.
//!
//! # Not here
//! Comparing collectors with one another: `tools/bench/collector-peers` does, by means of these two.

mod args;
mod command;
mod marks;
mod payload;
mod process;
mod seen;
mod send;
mod sink;

pub(crate) use command::{BenchArgs, run};
