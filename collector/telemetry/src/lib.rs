//! Names generated from the catalogue; the collector's own metrics and log output.
//!
//! # Invariants
//! 1. A metric exists only by its definition in [`names::metric`]; there is no way to make up a
//!    name, a label or a bucket here.
//! 2. Label values come from configuration or closed lists, never from telemetry that passes.
//!
//! # Not here
//! Spans of our own.

#[rustfmt::skip]
pub mod names;

mod logs;
mod metrics;
mod observed;

pub use logs::{LogFormat, start_logs};
pub use metrics::{Counter, Gauge, Histogram, MetricError, Metrics};
