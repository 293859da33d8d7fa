//! What is shown, what found no room, and who asked.

use collector_telemetry::names::metric;
use collector_telemetry::{Counter, Gauge, MetricError, Metrics};

/// The metrics of one exporter.
#[derive(Debug, Clone)]
pub(super) struct Meters {
    name: String,
    series: Gauge,
    overflow: Counter,
    scrapes: Counter,
}

impl Meters {
    pub(super) fn register(metrics: &Metrics, name: &str) -> Result<Self, MetricError> {
        Ok(Self {
            name: name.to_owned(),
            series: metrics.gauge(&metric::EXPOSITION_SERIES)?,
            overflow: metrics.counter(&metric::EXPOSITION_OVERFLOW_POINTS)?,
            scrapes: metrics.counter(&metric::EXPOSITION_SCRAPES)?,
        })
    }

    /// So many series are shown.
    pub(super) fn shown(&self, n_series: usize) {
        // Bounded by configuration, far below what a double holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "a count of series")]
        self.series.set(&[&self.name], n_series as f64);
    }

    pub(super) fn overflowed(&self, n_points: u64) {
        if n_points > 0 {
            self.overflow.add(&[&self.name], n_points);
        }
    }

    /// A request was answered.
    pub(super) fn scraped(&self, code: &str) {
        self.scrapes.add(&[&self.name, code], 1);
    }
}
