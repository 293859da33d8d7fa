//! What an operation on a Pellet took, on its span: the cost monitor counts from there.

use std::time::Duration;

use nestr_pellets::{Packed, Restored, Verified};
use nestr_telemetry::names::attr;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What an operation took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    bytes_read: u64,
    bytes_written: u64,
    cpu: Duration,
}

impl Cost {
    /// Says it on the span of the operation.
    pub fn tell(&self, span: &Span) {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        span.set_attribute(attr::NESTR_COST_BYTES_READ, number(self.bytes_read));
        span.set_attribute(attr::NESTR_COST_BYTES_WRITTEN, number(self.bytes_written));
        span.set_attribute(attr::NESTR_COST_CPU_SECONDS, self.cpu.as_secs_f64());
    }
}

impl From<&Packed> for Cost {
    fn from(packed: &Packed) -> Self {
        let (bytes_read, bytes_written) = (packed.bytes_in, packed.bytes_out);
        Self { bytes_read, bytes_written, cpu: packed.cpu }
    }
}

impl From<&Restored> for Cost {
    fn from(restored: &Restored) -> Self {
        let (bytes_read, bytes_written) = (restored.bytes_read, restored.bytes);
        Self { bytes_read, bytes_written, cpu: restored.cpu }
    }
}

impl From<&Verified> for Cost {
    fn from(verified: &Verified) -> Self {
        Self { bytes_read: verified.bytes, bytes_written: 0, cpu: verified.cpu }
    }
}
