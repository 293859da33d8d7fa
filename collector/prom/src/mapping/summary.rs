//! Summaries: quantiles that the sender computed, `_sum` and `_count`.

use collector_otlp::view::SummaryPointView;

use super::STALE_NAN;
use super::labels::{named, with};
use super::series::SeriesTable;
use crate::remote_write::Label;

pub(super) fn write(
    table: &mut SeriesTable,
    family: &str,
    labels: &[Label],
    timestamp: i64,
    point: &SummaryPointView<'_>,
) {
    let stale = point.no_recorded_value();
    let value = |v: f64| if stale { f64::from_bits(STALE_NAN) } else { v };
    let quantiles = named(labels, family, "");
    for at in point.quantiles() {
        table.row(with(&quantiles, "quantile", &at.quantile.to_string())).sample(
            value(at.value),
            timestamp,
            0,
        );
    }
    table.row(named(labels, family, "_sum")).sample(value(point.sum), timestamp, 0);
    #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
    let count = point.count as f64;
    table.row(named(labels, family, "_count")).sample(value(count), timestamp, 1);
}
