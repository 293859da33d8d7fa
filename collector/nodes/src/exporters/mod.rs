//! What sends telemetry on.

pub mod debug;
pub mod loki;
pub mod otlp;
pub mod prometheus;
pub mod prometheusremotewrite;
