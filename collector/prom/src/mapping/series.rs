//! Collects samples by series and puts them in order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::remote_write::{
    Exemplar, Histogram, Label, MetricMetadata, Sample, TimeSeries, Weighed,
};

/// Series by label set, in the order they first appeared.
#[derive(Debug, Default)]
pub(super) struct SeriesTable {
    index: HashMap<Vec<Label>, usize>,
    rows: Vec<Row>,
    /// What is written now, and since when it counts.
    family: Option<Arc<MetricMetadata>>,
    start: i64,
    n_bytes: usize,
}

/// A row that is written to.
pub(super) struct Writing<'t> {
    row: &'t mut Row,
    n_bytes: &'t mut usize,
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
        self.n_bytes += family.as_deref().map_or(0, |family| {
            let n_said = family.metric_family_name.len() + family.help.len() + family.unit.len();
            size_of::<MetricMetadata>() + n_said
        });
        (self.family, self.start) = (family, 0);
    }

    /// What follows counts since `start`, in milliseconds; 0 where nobody said.
    pub(super) fn since(&mut self, start: i64) {
        self.start = start;
    }

    /// Bytes it takes up in memory, about.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    pub(super) fn row(&mut self, labels: Vec<Label>) -> Writing<'_> {
        let next = self.rows.len();
        let of_labels = bytes_of(&labels);
        let at = *self.index.entry(labels).or_insert_with_key(|labels| {
            self.rows.push(Row { labels: labels.clone(), ..Row::default() });
            // In the row and in the index.
            self.n_bytes += 2 * of_labels + size_of::<Row>() + size_of::<(Vec<Label>, usize)>();
            next
        });
        let row = &mut self.rows[at];
        row.start = self.start;
        if row.family.is_none() {
            row.family.clone_from(&self.family);
        }
        Writing { row, n_bytes: &mut self.n_bytes }
    }

    /// The series, and the points whose place was taken.
    pub(super) fn finish(self) -> (Vec<Weighed>, u64) {
        let mut n_duplicates = 0;
        let series = self.rows.into_iter().map(|row| row.finish(&mut n_duplicates)).collect();
        (series, n_duplicates)
    }
}

impl Writing<'_> {
    /// Adds a sample that stands for `n_points` data points.
    pub(super) fn sample(self, value: f64, timestamp: i64, n_points: u64) -> Self {
        self.row.samples.push((Sample { value, timestamp }, self.row.start, n_points));
        *self.n_bytes += size_of::<(Sample, i64, u64)>();
        self
    }

    /// Adds a native histogram that stands for one data point.
    pub(super) fn histogram(self, histogram: Histogram) -> Self {
        let Histogram { positive_spans, negative_spans, .. } = &histogram;
        let n_buckets = histogram.positive_deltas.len() + histogram.negative_deltas.len();
        let spans = size_of_val(positive_spans.as_slice()) + size_of_val(negative_spans.as_slice());
        *self.n_bytes += size_of::<(Histogram, i64, u64)>() + spans + n_buckets * size_of::<i64>();
        self.row.histograms.push((histogram, self.row.start, 1));
        self
    }

    pub(super) fn exemplars(self, exemplars: impl IntoIterator<Item = Exemplar>) {
        for exemplar in exemplars {
            *self.n_bytes += size_of::<Exemplar>() + bytes_of(&exemplar.labels);
            self.row.exemplars.push(exemplar);
        }
    }
}

impl Row {
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

/// Bytes that labels take up, with what an allocator rounds two short strings up by.
fn bytes_of(labels: &[Label]) -> usize {
    labels.iter().map(|l| size_of::<Label>() + 16 + l.name.len() + l.value.len()).sum()
}

/// Milliseconds from nanoseconds, both since the epoch.
pub(super) fn millis(nanos: u64) -> i64 {
    (nanos / 1_000_000).cast_signed()
}
