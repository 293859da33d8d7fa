//! One export request as it travels through the collector: bytes whose shape is proven.

use bytes::Bytes;

use crate::payload::Payload;
use crate::signal::Signal;
use crate::{Limits, Malformed, shape};

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
