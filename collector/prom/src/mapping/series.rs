//! Collects samples by series and puts them in order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::remote_write::{Exemplar, Histogram, Label, MetricMetadata, Sample, TimeSeries};

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

/// Series by label set, in the order they first appeared.
#[derive(Debug, Default)]
pub(super) struct SeriesTable {
    index: HashMap<Vec<Label>, usize>,
    rows: Vec<Row>,
    /// What is written now, and since when it counts.
    family: Option<Arc<MetricMetadata>>,
    start: i64,
}

#[derive(Debug, Default)]
pub(super) struct Row {
    labels: Vec<Label>,
    family: Option<Arc<MetricMetadata>>,
    start: i64,
    samples: Vec<(Sample, i64, u64)>,
    histograms: Vec<(Histogram, i64, u64)>,
    exemplars: Vec<Exemplar>,
}

impl SeriesTable {
    /// What follows belongs to `family`.
    pub(super) fn family(&mut self, family: Option<Arc<MetricMetadata>>) {
        (self.family, self.start) = (family, 0);
    }

    /// What follows counts since `start`, in milliseconds; 0 where nobody said.
    pub(super) fn since(&mut self, start: i64) {
        self.start = start;
    }

    pub(super) fn row(&mut self, labels: Vec<Label>) -> &mut Row {
        let next = self.rows.len();
        let at = *self.index.entry(labels).or_insert_with_key(|labels| {
            self.rows.push(Row { labels: labels.clone(), ..Row::default() });
            next
        });
        let row = &mut self.rows[at];
        row.start = self.start;
        if row.family.is_none() {
            row.family.clone_from(&self.family);
        }
        row
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
        self.samples.push((Sample { value, timestamp }, self.start, n_points));
        self
    }

    /// Adds a native histogram that stands for one data point.
    pub(super) fn histogram(&mut self, histogram: Histogram) -> &mut Self {
        self.histograms.push((histogram, self.start, 1));
        self
    }

    pub(super) fn exemplars(&mut self, exemplars: impl IntoIterator<Item = Exemplar>) {
        self.exemplars.extend(exemplars);
    }

    fn finish(mut self, n_duplicates: &mut u64) -> Weighed {
        let mut starts = Vec::with_capacity(self.samples.len() + self.histograms.len());
        let (samples, n_samples) = in_order(
            self.samples,
            |s| s.timestamp,
            |a, b| a.value.to_bits() == b.value.to_bits(),
            &mut starts,
            n_duplicates,
        );
        let (histograms, n_histograms) =
            in_order(self.histograms, |h| h.timestamp, |a, b| a == b, &mut starts, n_duplicates);
        self.exemplars.sort_by_key(|e| e.timestamp);
        self.exemplars.dedup();
        let (labels, exemplars) = (self.labels, self.exemplars);
        let series = TimeSeries { labels, samples, exemplars, histograms };
        Weighed { series, starts, family: self.family, n_points: n_samples + n_histograms }
    }
}

/// Sorts by time and keeps the first of each millisecond. A repetition of the same value is as good as
/// sent; a different one is a duplicate.
fn in_order<T>(
    mut weighed: Vec<(T, i64, u64)>,
    time: impl Fn(&T) -> i64,
    same: impl Fn(&T, &T) -> bool,
    starts: &mut Vec<i64>,
    n_duplicates: &mut u64,
) -> (Vec<T>, u64) {
    weighed.sort_by_key(|(item, _, _)| time(item));
    let mut n_points = 0;
    let mut kept: Vec<T> = Vec::with_capacity(weighed.len());
    for (item, start, n) in weighed {
        match kept.last().filter(|last| time(last) == time(&item)) {
            Some(last) if same(last, &item) => n_points += n,
            Some(_) => *n_duplicates += n,
            None => {
                n_points += n;
                // A start that is not before its sample says nothing.
                starts.push(if start < time(&item) { start } else { 0 });
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
