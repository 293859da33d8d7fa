//! Why telemetry could not be started or read.

/// A failure of start-up or of reading the metrics.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The endpoint or the client could not be used.
    #[error("cannot send telemetry to {endpoint}: {cause}; correct `telemetry.otlp_endpoint`")]
    Exporter {
        /// The endpoint as configured.
        endpoint: String,
        /// The SDK's word.
        cause: String,
    },
    /// The operating system gave no randomness for the instance id.
    #[error("no randomness for the instance id: {0}")]
    Randomness(getrandom::Error),
    /// The process has a `tracing` subscriber already.
    #[error("telemetry was started twice in one process")]
    Twice,
    /// The registry could not be read as text.
    #[error("metrics cannot be written as text: {0}")]
    Metrics(String),
}
