//! One export request as it travels through the collector: bytes whose shape is proven.

use bytes::Bytes;

use crate::{Limits, Malformed, Payload, shape};

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// All signals, in the order the OTLP specification names them.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// The word used in configuration, paths and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// The path of OTLP/HTTP.
    pub const fn http_path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }

    /// The path of OTLP/gRPC.
    pub const fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A compression we read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, one frame or several.
    Zstd,
}

impl Encoding {
    /// The token of `Content-Encoding` and `grpc-encoding`.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// One export request: protobuf of `Export{Trace,Metrics,Logs}ServiceRequest`, shape proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What it carries.
    pub signal: Signal,
    /// The protobuf bytes, compressed ones as they came.
    pub payload: Payload,
    /// Spans, data points or log records inside.
    pub n_items: u32,
}

impl Request {
    /// Proves the shape of `payload` and wraps it.
    pub fn prove(signal: Signal, payload: Bytes, limits: &Limits) -> Result<Self, Malformed> {
        let shape = shape::check(signal, &payload, limits)?;
        Ok(Self { signal, payload: payload.into(), n_items: shape.n_items })
    }

    /// Bytes it keeps in memory.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.payload.held_bytes()
    }
}
