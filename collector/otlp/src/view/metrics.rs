//! Metrics; their points stand next door.

use super::common::envelopes;
use super::messages::{Messages, View, text};
use super::points::{
    ExponentialHistogramPointView, HistogramPointView, NumberPointView, SummaryPointView,
};
use super::value::KeyValueView;
use crate::wire::{Fields, Value};

envelopes!(MetricsView {
    resource_metrics: ResourceMetricsView {
        scope_metrics: ScopeMetricsView { metrics: MetricView }
    }
});

/// What the values of a metric count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Temporality {
    /// Not said, or a number OTLP does not know yet.
    #[default]
    Unspecified,
    /// From the point before.
    Delta,
    /// From a fixed start.
    Cumulative,
}

/// One metric: a name and its data points.
#[derive(Debug, Clone, Copy, Default)]
pub struct MetricView<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says.
    pub description: &'a str,
    /// Its UCUM unit.
    pub unit: &'a str,
    /// Its points.
    pub data: MetricData<'a>,
    body: &'a [u8],
}

/// The points of a metric, by kind.
#[derive(Debug, Clone, Copy, Default)]
pub enum MetricData<'a> {
    /// None, or of a kind OTLP does not know yet.
    #[default]
    Empty,
    /// Sampled values.
    Gauge(Messages<'a, NumberPointView<'a>>),
    /// Sums.
    Sum {
        /// The points.
        points: Messages<'a, NumberPointView<'a>>,
        /// What they count from.
        temporality: Temporality,
        /// Whether they never fall.
        monotonic: bool,
    },
    /// Histograms with explicit bounds.
    Histogram {
        /// The points.
        points: Messages<'a, HistogramPointView<'a>>,
        /// What they count from.
        temporality: Temporality,
    },
    /// Histograms with exponential bounds.
    ExponentialHistogram {
        /// The points.
        points: Messages<'a, ExponentialHistogramPointView<'a>>,
        /// What they count from.
        temporality: Temporality,
    },
    /// Quantiles computed by the sender.
    Summary(Messages<'a, SummaryPointView<'a>>),
}

impl<'a> View<'a> for MetricView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { body, ..Self::default() };
        for field in Fields::over(body) {
            let (number, Value::Len(bytes)) = field else { continue };
            match number {
                1 => view.name = text(bytes),
                2 => view.description = text(bytes),
                3 => view.unit = text(bytes),
                _ => view.data = MetricData::read(number, bytes).unwrap_or(view.data),
            }
        }
        view
    }
}

impl<'a> MetricView<'a> {
    /// Attributes of the metric itself, for translators.
    pub fn metadata(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.body, 12)
    }
}

impl<'a> MetricData<'a> {
    fn read(number: u32, bytes: &'a [u8]) -> Option<Self> {
        let (mut temporality, mut monotonic) = (Temporality::Unspecified, false);
        for field in Fields::over(bytes) {
            match field {
                (2, Value::Varint(1)) => temporality = Temporality::Delta,
                (2, Value::Varint(2)) => temporality = Temporality::Cumulative,
                (3, Value::Varint(bits)) => monotonic = bits != 0,
                _ => {}
            }
        }
        Some(match number {
            5 => Self::Gauge(Messages::of(bytes, 1)),
            7 => Self::Sum { points: Messages::of(bytes, 1), temporality, monotonic },
            9 => Self::Histogram { points: Messages::of(bytes, 1), temporality },
            10 => Self::ExponentialHistogram { points: Messages::of(bytes, 1), temporality },
            11 => Self::Summary(Messages::of(bytes, 1)),
            _ => return None,
        })
    }
}
