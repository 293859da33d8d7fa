//! A metric point: the samples that share a family and a label set.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::remote_write::{Exemplar, Label, MetricType};

/// Where a sample stands within its point; the order is that of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// The only one.
    Plain,
    /// `_bucket` up to this bound.
    Bucket(Bound),
    /// A quantile.
    Quantile(Bound),
    /// `_sum`.
    Sum,
    /// `_count`.
    Count,
}

/// A number that sorts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound(pub(super) f64);

/// A sample as shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) value: f64,
    /// Milliseconds since the epoch.
    pub(super) timestamp: i64,
    pub(super) exemplar: Option<Exemplar>,
}

/// All samples of one label set.
#[derive(Debug, Default)]
pub(super) struct Point {
    pub(super) samples: BTreeMap<Slot, Shown>,
    /// The newest sample's time.
    pub(super) timestamp: i64,
    /// Which application wrote it last.
    pub(super) generation: u64,
    /// Monotonic time at which it was written last.
    pub(super) touched: Duration,
}

impl PartialEq for Bound {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The slot of a series of `family`, and its labels without name and slot; nothing where the name does not fit.
pub(super) fn place(
    kind: MetricType,
    family: &str,
    labels: &[Label],
) -> Option<(Slot, Vec<Label>)> {
    let name = value(labels, "__name__")?;
    let suffix = name.strip_prefix(family)?;
    let bound = |label| value(labels, label).and_then(|v| v.parse().ok()).map(Bound);
    let (slot, own) = match (kind, suffix) {
        (MetricType::Histogram, "_bucket") => (Slot::Bucket(bound("le")?), "le"),
        (MetricType::Histogram, "_sum") => (Slot::Sum, "le"),
        (MetricType::Histogram, "_count") => (Slot::Count, "le"),
        (MetricType::Histogram, "") => (Slot::Plain, "le"),
        (MetricType::Summary, "") => (Slot::Quantile(bound("quantile")?), "quantile"),
        (MetricType::Summary, "_sum") => (Slot::Sum, "quantile"),
        (MetricType::Summary, "_count") => (Slot::Count, "quantile"),
        (_, "") => (Slot::Plain, "__name__"),
        _ => return None,
    };
    let rest = labels.iter().filter(|l| l.name != "__name__" && l.name != own);
    Some((slot, rest.cloned().collect()))
}

fn value<'a>(labels: &'a [Label], name: &str) -> Option<&'a str> {
    labels.iter().find(|l| l.name == name).map(|l| l.value.as_str())
}
