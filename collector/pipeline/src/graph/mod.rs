//! Builds and runs what a configuration describes.
//!
//! ```text
//! receiver ─ Intake ─┬ pipeline: log ─┬ queue ─ lanes ─ exporter
//!                    │                └ queue ─ lanes ─ exporter
//!                    └ pipeline: log ─ …
//! ```
//!
//! # Invariants
//! 1. A batch is taken by every pipeline and exporter its receiver feeds, or by none: room is
//!    reserved in all queues before anything is written.
//! 2. An exporter named by several pipelines is one node with one queue.
//! 3. The reply waits for what the strictest pipeline's `ack` asks: `memory` nothing, `durable` the
//!    fsync of its log. No call waits for a disk on an async thread.
//! 4. Trace and log pipelines keep a log for the local store; it lags behind and never holds up a
//!    reply. Metric pipelines keep one only where `ack: durable` asks for it: no store reads it.
//!
//! # Not here
//! Configuration reload.
//!
//! # Failure
//! A node that panics is restarted with back-off and is not ready meanwhile. A log that cannot be
//! written refuses batches until it can, or misses and counts them where the reply does not wait.

mod admit;
mod build;
mod health;
mod intake;
mod meters;
mod plan;
mod running;
mod supervise;
#[cfg(test)]
mod tests;

pub use build::{Graph, GraphError, Host, check};
pub use health::{Health, NodeHealth, NodeState};
pub use intake::{Admission, Intake, Offered};
pub use plan::{Parts, Plan};
pub use running::{DrainReport, PipelineLog, Running};
