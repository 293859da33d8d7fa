//! A series on its way into a body.

use std::sync::Arc;

use super::v1::{MetricMetadata, TimeSeries};

/// A series with the number of data points that count as sent when it is, and what remote-write 1.0 has no place for.
///
/// A histogram or summary is several series; its points count with `_count`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weighed {
    /// The series.
    pub series: TimeSeries,
    /// When each sample, then each histogram, began to count; milliseconds since the epoch, 0 where nobody said.
    pub starts: Vec<i64>,
    /// What is known about its family.
    pub family: Option<Arc<MetricMetadata>>,
    /// Data points.
    pub n_points: u64,
}
