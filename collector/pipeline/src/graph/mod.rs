//! Builds and runs what a configuration describes.
//!
//! ```text
//! receiver ─ Intake ─┬ pipeline: log ─┬ cursor ─ lanes ─ exporter
//!                    │                └ cursor ─ lanes ─ exporter
//!                    └ pipeline: log ─ …
//! ```
//!
//! # Invariants
//! 1. A batch is taken by every pipeline its receiver feeds, or by none: room is reserved in all logs
//!    before anything is written.
//! 2. An exporter named by several pipelines is one node with a cursor in each of their logs.
//! 3. The reply waits for what the strictest pipeline's `ack` asks: `memory` nothing, `durable` the
//!    fsync of its log, `delivered` the word of its primary exporters. No call waits for a disk on an
//!    async thread.
//! 4. Every pipeline has a log, on disk where `storage.directory` is set and else in memory; exporters
//!    read from there and from nowhere else. No exporter feels another until its share of the log is
//!    full.
//! 5. A reload leaves alone what is equal in both configurations ([`Running::reload`]).
//!
//! # Failure
//! A node that panics is restarted with back-off and is not ready meanwhile. A log that cannot be
//! written refuses batches until it can, or loses and counts them where the reply does not wait.

mod admission;
mod admit;
mod branch;
mod build;
mod drain;
mod error;
mod gate;
mod health;
mod host;
mod intake;
mod listening;
mod meters;
mod nodes;
mod pipeline;
mod plan;
mod receiving;
mod reload;
mod running;
mod sending;
mod site;
mod supervise;
#[cfg(test)]
mod tests;
mod trunk;

pub use admission::{Admission, Offered};
pub use build::Graph;
pub use drain::DrainReport;
pub use error::GraphError;
pub use health::{Health, NodeHealth, NodeState, PipelineHealth, QueueHealth, Trouble};
pub use host::Host;
pub use intake::Intake;
pub use nodes::check;
pub use pipeline::PipelineLog;
pub use plan::{Parts, Plan};
pub use reload::ReloadError;
pub use running::Running;
