//! Explicit-bucket histograms: `_bucket`, `_sum` and `_count`.

use collector_otlp::view::HistogramPointView;

use super::labels::{named, with};
use super::series::SeriesTable;
use super::{STALE_NAN, refusal::Refusal};
use crate::remote_write::{Exemplar, Label};

/// Counts per bucket, not cumulated; one more than there are bounds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Classic {
    pub(super) bounds: Vec<f64>,
    pub(super) counts: Vec<u64>,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
}

impl Classic {
    pub(super) fn read(point: &HistogramPointView<'_>) -> Result<Self, Refusal> {
        let bounds: Vec<f64> = point.explicit_bounds().collect();
        let mut counts: Vec<u64> = point.bucket_counts().collect();
        if counts.is_empty() && bounds.is_empty() {
            counts.push(point.count);
        }
        if counts.is_empty() && point.no_recorded_value() {
            counts.resize(bounds.len() + 1, 0);
        }
        let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        let finite = bounds.iter().all(|bound| bound.is_finite());
        if !ascending || !finite || counts.len() != bounds.len() + 1 {
            return Err(Refusal::Buckets);
        }
        Ok(Self { bounds, counts, count: point.count, sum: point.sum })
    }

    /// Other bounds begin anew, which gives `false`.
    pub(super) fn add(&mut self, delta: Self) -> bool {
        if self.bounds != delta.bounds {
            *self = delta;
            return false;
        }
        for (total, n) in self.counts.iter_mut().zip(&delta.counts) {
            *total = total.saturating_add(*n);
        }
        self.count = self.count.saturating_add(delta.count);
        self.sum = self.sum.zip(delta.sum).map(|(a, b)| a + b);
        true
    }

    /// Writes the series of one point; `stale` writes the same series with the mark of their end.
    pub(super) fn write(
        &self,
        table: &mut SeriesTable,
        family: &str,
        labels: &[Label],
        timestamp: i64,
        stale: bool,
        exemplars: Vec<Exemplar>,
    ) {
        #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
        let value = |n: u64| if stale { f64::from_bits(STALE_NAN) } else { n as f64 };
        let bucket = named(labels, family, "_bucket");
        let mut exemplars = by_bucket(&self.bounds, exemplars).into_iter();
        let mut so_far = 0_u64;
        for (bound, n) in self.bounds.iter().zip(&self.counts) {
            so_far = so_far.saturating_add(*n);
            table
                .row(with(&bucket, "le", &bound.to_string()))
                .sample(value(so_far), timestamp, 0)
                .exemplars(exemplars.next().unwrap_or_default());
        }
        table
            .row(with(&bucket, "le", "+Inf"))
            .sample(value(self.count), timestamp, 0)
            .exemplars(exemplars.next().unwrap_or_default());
        // A point that ends a series says no sum, whether there was one or not.
        let sum = if stale { Some(f64::from_bits(STALE_NAN)) } else { self.sum };
        if let Some(sum) = sum {
            table.row(named(labels, family, "_sum")).sample(sum, timestamp, 0);
        }
        table.row(named(labels, family, "_count")).sample(value(self.count), timestamp, 1);
    }
}

/// Exemplars for each bucket, the one without a bound last: the first whose bound is not below the value.
fn by_bucket(bounds: &[f64], exemplars: Vec<Exemplar>) -> Vec<Vec<Exemplar>> {
    let mut buckets = vec![Vec::new(); bounds.len() + 1];
    for exemplar in exemplars {
        buckets[bounds.partition_point(|bound| *bound < exemplar.value)].push(exemplar);
    }
    buckets
}
