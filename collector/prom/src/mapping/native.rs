//! Exponential histograms become native histograms.
//!
//! OTLP's bucket `i` is `(base^i, base^(i+1)]`, Prometheus' is `(base^(i-1), base^i]`: the index moves by one.

use std::collections::BTreeMap;

use collector_otlp::view::{BucketsView, ExponentialHistogramPointView};

use super::{STALE_NAN, refusal::Refusal};
use crate::remote_write::{BucketSpan, Histogram, ResetHint};

/// Prometheus' narrowest and widest buckets.
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;

/// Populated buckets per side; more are halved in resolution, as OpenTelemetry's SDKs do it.
const MAX_BUCKETS: usize = 160;

/// Buckets per side, empty ones included, that are read at all.
const MAX_READ: i64 = 100_000;

/// What Prometheus' own histograms take for zero where the sender says nothing.
const ZERO_THRESHOLD: f64 = 1e-128;

/// A gap of so many empty buckets is cheaper as zeros than as a new span.
const MAX_GAP: i64 = 2;

/// Populated buckets by Prometheus' index.
pub(super) type Buckets = BTreeMap<i64, u64>;

/// A native histogram before it is packed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Native {
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: u64,
    pub(super) positive: Buckets,
    pub(super) negative: Buckets,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
}

impl Native {
    pub(super) fn read(point: &ExponentialHistogramPointView<'_>) -> Result<Self, Refusal> {
        if point.no_recorded_value() {
            return Ok(Self::default());
        }
        if point.scale < *SCHEMAS.start() {
            return Err(Refusal::Scale);
        }
        let schema = point.scale.min(*SCHEMAS.end());
        let by = point.scale.abs_diff(schema);
        let mut native = Self {
            schema,
            zero_threshold: if point.zero_threshold > 0.0 {
                point.zero_threshold
            } else {
                ZERO_THRESHOLD
            },
            zero_count: point.zero_count,
            positive: read_buckets(point.positive, by)?,
            negative: read_buckets(point.negative, by)?,
            count: point.count,
            sum: point.sum,
        };
        // Prometheus refuses a whole request over one histogram that does not add up.
        if native.n_observed() != Some(native.count) {
            return Err(Refusal::Buckets);
        }
        native.shrink();
        Ok(native)
    }

    pub(super) fn add(&mut self, mut delta: Self) {
        let schema = self.schema.min(delta.schema);
        self.coarsen_to(schema);
        delta.coarsen_to(schema);
        for (own, other) in
            [(&mut self.positive, delta.positive), (&mut self.negative, delta.negative)]
        {
            for (index, n) in other {
                let total = own.entry(index).or_default();
                *total = total.saturating_add(n);
            }
        }
        self.zero_threshold = self.zero_threshold.max(delta.zero_threshold);
        self.zero_count = self.zero_count.saturating_add(delta.zero_count);
        self.count = self.count.saturating_add(delta.count);
        self.sum = self.sum.zip(delta.sum).map(|(a, b)| a + b);
        self.shrink();
    }

    /// The message, or the mark of the series' end.
    pub(super) fn pack(&self, timestamp: i64, stale: bool) -> Histogram {
        if stale {
            let sum = f64::from_bits(STALE_NAN);
            return Histogram { count_int: STALE_NAN, sum, timestamp, ..Histogram::default() };
        }
        let (positive_spans, positive_deltas) = spans(&self.positive);
        let (negative_spans, negative_deltas) = spans(&self.negative);
        Histogram {
            count_int: self.count,
            sum: self.sum.unwrap_or_default(),
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count_int: self.zero_count,
            negative_spans,
            negative_deltas,
            positive_spans,
            positive_deltas,
            reset_hint: ResetHint::Unknown.into(),
            timestamp,
        }
    }

    fn n_observed(&self) -> Option<u64> {
        let buckets = self.positive.values().chain(self.negative.values());
        buckets.copied().try_fold(self.zero_count, u64::checked_add)
    }

    fn shrink(&mut self) {
        while self.positive.len().max(self.negative.len()) > MAX_BUCKETS
            && self.schema > *SCHEMAS.start()
        {
            self.coarsen_to(self.schema - 1);
        }
    }

    /// Merges buckets until `schema` is reached; a finer one than it has changes nothing.
    pub(super) fn coarsen_to(&mut self, schema: i32) {
        if schema >= self.schema {
            return;
        }
        let by = self.schema.abs_diff(schema);
        for side in [&mut self.positive, &mut self.negative] {
            let mut coarse = Buckets::new();
            for (index, n) in std::mem::take(side) {
                let total = coarse.entry(((index - 1) >> by) + 1).or_default();
                *total = u64::saturating_add(*total, n);
            }
            *side = coarse;
        }
        self.schema = schema;
    }
}

fn read_buckets(view: BucketsView<'_>, by: u32) -> Result<Buckets, Refusal> {
    let mut buckets = Buckets::new();
    for (index, n) in (i64::from(view.offset)..).zip(view.counts()) {
        if index - i64::from(view.offset) >= MAX_READ {
            return Err(Refusal::Buckets);
        }
        if n > 0 {
            let sum = buckets.entry((index >> by.min(63)) + 1).or_default();
            *sum = u64::checked_add(*sum, n).ok_or(Refusal::Buckets)?;
        }
    }
    // Prometheus' indices are 32 bits wide.
    let fits = |index: &i64| i32::try_from(*index).is_ok();
    if buckets.keys().all(fits) { Ok(buckets) } else { Err(Refusal::Buckets) }
}

/// Runs of buckets, and their counts as differences.
pub(super) fn spans(buckets: &Buckets) -> (Vec<BucketSpan>, Vec<i64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut deltas = Vec::with_capacity(buckets.len());
    let (mut next, mut before) = (0_i64, 0_i64);
    for (&index, &n) in buckets {
        let gap = index - next;
        match spans.last_mut() {
            Some(run) if gap <= MAX_GAP => {
                for _ in 0..gap {
                    deltas.push(-before);
                    before = 0;
                    run.length += 1;
                }
                run.length += 1;
            }
            _ => {
                // Indices are 32 bits wide, and so is the gap between two that Prometheus can tell apart.
                let offset = i32::try_from(gap).unwrap_or(i32::MAX);
                spans.push(BucketSpan { offset, length: 1 });
            }
        }
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        deltas.push(n - before);
        (before, next) = (n, index + 1);
    }
    (spans, deltas)
}
