//! Prometheus over the wire: remote-write and the OTLP to Prometheus mapping.
