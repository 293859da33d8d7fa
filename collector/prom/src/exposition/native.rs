//! A native histogram shown with classic buckets.
//!
//! The bounds are powers of two, or of four, sixteen and so on where those would be too many: bounds that depend on
//! nothing but the width never move, so the series of one bucket goes on from scrape to scrape.

use std::collections::BTreeMap;

use super::point::{Bound, Slot};
use crate::remote_write::{BucketSpan, Histogram};

/// Buckets of one histogram that are shown; more are made wider.
const MAX_BUCKETS: usize = 64;

/// The samples of one histogram, buckets cumulated.
pub(super) fn samples(histogram: &Histogram) -> Vec<(Slot, f64)> {
    let positive = buckets(&histogram.positive_spans, &histogram.positive_deltas);
    let negative = buckets(&histogram.negative_spans, &histogram.negative_deltas);
    let mut schema = histogram.schema.min(0);
    let by_bound = loop {
        let shift = histogram.schema.abs_diff(schema);
        let bounds =
            bounds(histogram, schema, &coarse(&positive, shift), &coarse(&negative, shift));
        if bounds.len() <= MAX_BUCKETS || schema <= -8 {
            break bounds;
        }
        schema -= 1;
    };
    let mut so_far = 0_u64;
    let mut samples = Vec::with_capacity(by_bound.len() + 3);
    for (bound, n) in by_bound {
        so_far = so_far.saturating_add(n);
        samples.push((Slot::Bucket(bound), as_f64(so_far)));
    }
    samples.push((Slot::Bucket(Bound(f64::INFINITY)), as_f64(histogram.count_int)));
    samples.push((Slot::Sum, histogram.sum));
    samples.push((Slot::Count, as_f64(histogram.count_int)));
    samples
}

/// Counts by upper bound.
fn bounds(
    histogram: &Histogram,
    schema: i32,
    positive: &BTreeMap<i64, u64>,
    negative: &BTreeMap<i64, u64>,
) -> BTreeMap<Bound, u64> {
    let width = f64::from(schema.unsigned_abs()).exp2();
    #[expect(clippy::cast_precision_loss, reason = "indices are 32 bits wide")]
    let power = |index: i64| (index as f64 * width).exp2();
    let mut bounds = BTreeMap::new();
    let mut add = |bound: f64, n: u64| {
        if bound.is_finite() {
            let total: &mut u64 = bounds.entry(Bound(bound)).or_default();
            *total = total.saturating_add(n);
        }
    };
    // A negative bucket reaches up to the lesser power, away from zero it is the greater one.
    negative.iter().for_each(|(index, n)| add(-power(index - 1), *n));
    if histogram.zero_count_int > 0 {
        add(histogram.zero_threshold, histogram.zero_count_int);
    }
    positive.iter().for_each(|(index, n)| add(power(*index), *n));
    bounds
}

/// Buckets by index.
fn buckets(spans: &[BucketSpan], deltas: &[i64]) -> BTreeMap<i64, u64> {
    let mut buckets = BTreeMap::new();
    let mut deltas = deltas.iter();
    let (mut index, mut n) = (0_i64, 0_i64);
    for span in spans {
        index += i64::from(span.offset);
        for _ in 0..span.length {
            let Some(delta) = deltas.next() else { return buckets };
            n = n.saturating_add(*delta);
            if n > 0 {
                buckets.insert(index, n.unsigned_abs());
            }
            index += 1;
        }
    }
    buckets
}

/// The same buckets, each 2^`shift` times as wide.
fn coarse(buckets: &BTreeMap<i64, u64>, shift: u32) -> BTreeMap<i64, u64> {
    let mut coarse = BTreeMap::new();
    for (index, n) in buckets {
        let total: &mut u64 = coarse.entry(((index - 1) >> shift.min(62)) + 1).or_default();
        *total = total.saturating_add(*n);
    }
    coarse
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
fn as_f64(n: u64) -> f64 {
    n as f64
}
