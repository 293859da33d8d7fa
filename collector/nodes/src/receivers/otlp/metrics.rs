//! Requests answered.

use collector_telemetry::names::metric;
use collector_telemetry::{Counter, MetricError, Metrics};

/// Counts answers by receiver, transport and code.
#[derive(Debug, Clone)]
pub(super) struct Requests(Counter);

impl Requests {
    pub(super) fn register(metrics: &Metrics) -> Result<Self, MetricError> {
        metrics.counter(&metric::RECEIVER_REQUESTS).map(Self)
    }

    pub(super) fn count(&self, receiver: &str, transport: &str, code: &str) {
        self.0.add(&[receiver, transport, code], 1);
    }
}
