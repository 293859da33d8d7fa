//! What a graph is given by the process it runs in.

use std::sync::Arc;

use collector_telemetry::Metrics;
use durable_fs::{Clock, Fs};

use crate::queue::Jitter;

/// What the graph stands on.
#[derive(Clone)]
pub struct Host {
    /// Files.
    pub fs: Arc<dyn Fs>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Metrics.
    pub metrics: Metrics,
    /// Chance.
    pub jitter: Jitter,
}
