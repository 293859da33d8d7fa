//! Why there is no graph.

use collector_telemetry::MetricError;

use crate::config::{ComponentId, ConfigError, PipelineId};
use crate::log::LogError;

/// Why a graph could not be built or started.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A log could not be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A metric could not be registered.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A receiver could not start.
    #[error("receiver {receiver} cannot start: {source}")]
    Receiver {
        /// Its name.
        receiver: ComponentId,
        /// Why.
        source: crate::node::NodeError,
    },
    /// A log did not end its writing, so that it cannot be opened again.
    #[error("the log of {pipeline} is still being written and cannot be opened again")]
    Busy {
        /// Whose.
        pipeline: PipelineId,
    },
    /// An exporter that listens could not start.
    #[error("exporter {exporter} cannot start: {source}")]
    Exporter {
        /// Its name.
        exporter: ComponentId,
        /// Why.
        source: crate::node::NodeError,
    },
}
