//! Names generated from the catalogue and the start-up of the OpenTelemetry SDK.
//!
//! `tracing` spans are the OpenTelemetry spans, `tracing` events the log records; one set of instruments feeds two
//! readers, OTLP push and the `prometheus` registry behind `/metrics`.
//!
//! # Invariants
//! 1. Without a collector the Engine works unchanged: queues are bounded, nothing waits for an export but
//!    [`Telemetry::shutdown`], and that has a deadline.
//! 2. An unreachable collector is told once, and its return once.
//! 3. Trace ids exist whether or not anything is exported.
//! 4. No metric carries a label but those of [`names`].
//!
//! # Not here
//! TLS: a collector on the same machine sends on. Spans per file of a tree: they would cost more than the work.
//!
//! # Failure
//! What cannot be delivered within the exporter's few retries is lost, oldest batches first; metrics are
//! cumulative and catch up.

mod client;
mod context;
mod error;
mod export;
mod instruments;
#[rustfmt::skip]
pub mod names;
mod resource;
mod scrape;
mod stamp;
mod start;
mod subscriber;

pub use context::{
    adopt, fail, inject, remote_parent, trace_id, trace_id_of, traceparent, traceparent_of,
};
pub use error::TelemetryError;
pub use export::Export;
pub use instruments::{Instruments, Watching};
pub use scrape::Scrape;
pub use start::{Telemetry, TelemetryOptions, init};
pub use subscriber::{LogForm, LogOptions};
