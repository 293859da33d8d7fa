//! Requests in OTLP/JSON, series as text: one line per sample, in the order they are sent.

mod arithmetic;
mod deltas;
mod golden;
mod parts;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use collector_otlp::view::MetricsView;
use collector_otlp::{Limits, Signal, json, shape};
use durable_fs::ManualClock;

use super::*;
use crate::remote_write::{Histogram, Label, TimeSeries};

/// Attributes of the resource that the tests send from, unless they say another.
const RESOURCE: &str = r#"
    {"key":"service.namespace","value":{"stringValue":"shop"}},
    {"key":"service.name","value":{"stringValue":"cart"}},
    {"key":"service.instance.id","value":{"stringValue":"a1"}}"#;

/// A translator and its clock.
pub(crate) struct Bench {
    pub(super) clock: Arc<ManualClock>,
    pub(super) translator: Translator,
}

impl Bench {
    pub(crate) fn new(options: Options) -> Self {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
        let translator = Translator::new(options, clock.clone());
        Self { clock, translator }
    }

    /// Translates metrics given as the inside of `"metrics": [...]`.
    pub(crate) fn send(&mut self, metrics: &str) -> Translated {
        self.send_from(RESOURCE, metrics)
    }

    /// The same from a resource with these attributes.
    pub(crate) fn send_from(&mut self, attributes: &str, metrics: &str) -> Translated {
        let json = format!(
            r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{attributes}]}},"scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#
        );
        let bytes =
            json::to_protobuf(Signal::Metrics, json.as_bytes(), &Limits::default()).unwrap();
        let n_items = shape::check(Signal::Metrics, &bytes, &Limits::default()).unwrap().n_items;
        let translated = self.translator.translate(MetricsView::over(&bytes));
        let n_sent: u64 = translated.series.iter().map(|w| w.n_points).sum();
        let n_refused: u64 = translated.refused.values().sum();
        assert_eq!(n_sent + n_refused, u64::from(n_items), "every point is accounted for");
        for weighed in &translated.series {
            assert_sound(&weighed.series);
        }
        translated
    }
}

/// What every series must hold to, whatever was sent.
fn assert_sound(series: &TimeSeries) {
    let names: Vec<&str> = series.labels.iter().map(|l| l.name.as_str()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "sorted, none twice: {names:?}");
    assert!(series.labels.iter().all(|l| !l.value.is_empty()), "no empty values");
    assert!(series.samples.is_sorted_by(|a, b| a.timestamp < b.timestamp), "in time order");
    assert!(series.histograms.is_sorted_by(|a, b| a.timestamp < b.timestamp), "in time order");
    assert!(series.samples.is_empty() || series.histograms.is_empty());
}

/// Translates `metrics` and compares the series, written as text, with `expect`.
pub(super) fn check(metrics: &str, expect: &str) {
    let translated = Bench::new(Options::default()).send(metrics);
    assert_eq!(text(&translated), expect.trim_start());
}

/// `name{labels} value @ms`, exemplars and refusals each on a line.
pub(super) fn text(translated: &Translated) -> String {
    let mut out = String::new();
    for Weighed { series, .. } in &translated.series {
        let name = labels(&series.labels);
        for sample in &series.samples {
            let value = match sample.value.to_bits() {
                STALE_NAN => "stale".to_owned(),
                _ => sample.value.to_string(),
            };
            writeln!(out, "{name} {value} @{}", sample.timestamp).unwrap();
        }
        for histogram in &series.histograms {
            writeln!(out, "{name} {} @{}", native(histogram), histogram.timestamp).unwrap();
        }
        for e in &series.exemplars {
            writeln!(out, "  # {} {} @{}", labels(&e.labels), e.value, e.timestamp).unwrap();
        }
    }
    for (why, n) in &translated.refused {
        writeln!(out, "refused {n}: {why}").unwrap();
    }
    out
}

fn labels(labels: &[Label]) -> String {
    let (name, rest): (Vec<_>, Vec<_>) = labels.iter().partition(|l| l.name == "__name__");
    let rest: Vec<String> = rest.iter().map(|l| format!("{}={:?}", l.name, l.value)).collect();
    format!("{}{{{}}}", name.first().map_or("", |l| &l.value), rest.join(","))
}

fn native(h: &Histogram) -> String {
    if h.sum.to_bits() == STALE_NAN {
        return format!("stale count={:#x}", h.count_int);
    }
    let side = |spans: &[crate::remote_write::BucketSpan], deltas: &[i64]| {
        let spans: Vec<String> =
            spans.iter().map(|s| format!("{}:{}", s.offset, s.length)).collect();
        format!("[{}] {deltas:?}", spans.join(" "))
    };
    format!(
        "schema={} count={} sum={} zero={}<{:e} positive={} negative={}",
        h.schema,
        h.count_int,
        h.sum,
        h.zero_count_int,
        h.zero_threshold,
        side(&h.positive_spans, &h.positive_deltas),
        side(&h.negative_spans, &h.negative_deltas),
    )
}
