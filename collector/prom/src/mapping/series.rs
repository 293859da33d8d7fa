//! Collects samples by series and puts them in order.

use std::collections::HashMap;

use crate::remote_write::{Exemplar, Histogram, Label, Sample, TimeSeries};

/// A series with the number of data points that count as sent when it is.
///
/// A histogram or summary is several series; its points count with `_count`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weighed {
    /// The series.
    pub series: TimeSeries,
    /// Data points.
    pub n_points: u64,
}

/// Series by label set, in the order they first appeared.
#[derive(Debug, Default)]
pub(super) struct SeriesTable {
    index: HashMap<Vec<Label>, usize>,
    rows: Vec<Row>,
}

#[derive(Debug, Default)]
pub(super) struct Row {
    labels: Vec<Label>,
    samples: Vec<(Sample, u64)>,
    histograms: Vec<(Histogram, u64)>,
    exemplars: Vec<Exemplar>,
}

impl SeriesTable {
    pub(super) fn row(&mut self, labels: Vec<Label>) -> &mut Row {
        let next = self.rows.len();
        let at = *self.index.entry(labels).or_insert_with_key(|labels| {
            self.rows.push(Row { labels: labels.clone(), ..Row::default() });
            next
        });
        &mut self.rows[at]
    }

    /// The series, and the points whose place was taken.
    pub(super) fn finish(self) -> (Vec<Weighed>, u64) {
        let mut n_duplicates = 0;
        let series = self.rows.into_iter().map(|row| row.finish(&mut n_duplicates)).collect();
        (series, n_duplicates)
    }
}

impl Row {
    /// Adds a sample that stands for `n_points` data points.
    pub(super) fn sample(&mut self, value: f64, timestamp: i64, n_points: u64) -> &mut Self {
        self.samples.push((Sample { value, timestamp }, n_points));
        self
    }

    /// Adds a native histogram that stands for one data point.
    pub(super) fn histogram(&mut self, histogram: Histogram) -> &mut Self {
        self.histograms.push((histogram, 1));
        self
    }

    pub(super) fn exemplars(&mut self, exemplars: impl IntoIterator<Item = Exemplar>) {
        self.exemplars.extend(exemplars);
    }

    fn finish(mut self, n_duplicates: &mut u64) -> Weighed {
        let (samples, n_samples) = in_order(
            self.samples,
            |s| s.timestamp,
            |a, b| a.value.to_bits() == b.value.to_bits(),
            n_duplicates,
        );
        let (histograms, n_histograms) =
            in_order(self.histograms, |h| h.timestamp, |a, b| a == b, n_duplicates);
        self.exemplars.sort_by_key(|e| e.timestamp);
        self.exemplars.dedup();
        let (labels, exemplars) = (self.labels, self.exemplars);
        let series = TimeSeries { labels, samples, exemplars, histograms };
        Weighed { series, n_points: n_samples + n_histograms }
    }
}

/// Sorts by time and keeps the first of each millisecond. A repetition of the same value is as good as
/// sent; a different one is a duplicate.
fn in_order<T>(
    mut weighed: Vec<(T, u64)>,
    time: impl Fn(&T) -> i64,
    same: impl Fn(&T, &T) -> bool,
    n_duplicates: &mut u64,
) -> (Vec<T>, u64) {
    weighed.sort_by_key(|(item, _)| time(item));
    let mut n_points = 0;
    let mut kept: Vec<T> = Vec::with_capacity(weighed.len());
    for (item, n) in weighed {
        match kept.last().filter(|last| time(last) == time(&item)) {
            Some(last) if same(last, &item) => n_points += n,
            Some(_) => *n_duplicates += n,
            None => {
                n_points += n;
                kept.push(item);
            }
        }
    }
    (kept, n_points)
}

/// Milliseconds from nanoseconds, both since the epoch.
pub(super) fn millis(nanos: u64) -> i64 {
    (nanos / 1_000_000).cast_signed()
}
