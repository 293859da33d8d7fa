//! What sends telemetry on.

pub mod debug;
pub mod otlp;
