//! OTLP metrics become Prometheus series.

pub mod name;
