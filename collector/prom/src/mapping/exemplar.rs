//! Exemplars: a value, and the trace it came from.

use collector_otlp::view::ExemplarView;

use super::labels::{label, merge};
use super::series::millis;
use crate::remote_write::{Exemplar, Label};

/// Prometheus and OpenMetrics allow so many characters in all names and values together.
const MAX_CHARS: usize = 128;

/// The exemplar, if it has a value; what it says beyond its trace goes first where room is short.
pub(super) fn read(view: &ExemplarView<'_>, point_millis: i64) -> Option<Exemplar> {
    let value = view.value?.as_f64();
    let mut ids = Vec::with_capacity(2);
    if !view.span_id.is_zero() {
        ids.push(label("span_id", view.span_id.to_string()));
    }
    if !view.trace_id.is_zero() {
        ids.push(label("trace_id", view.trace_id.to_string()));
    }
    let whole = merge(&ids, view.filtered_attributes(), &[]);
    let labels = if n_chars(&whole) > MAX_CHARS { ids } else { whole };
    let timestamp =
        if view.time_unix_nano == 0 { point_millis } else { millis(view.time_unix_nano) };
    Some(Exemplar { labels, value, timestamp })
}

fn n_chars(labels: &[Label]) -> usize {
    labels.iter().map(|l| l.name.chars().count() + l.value.chars().count()).sum()
}
