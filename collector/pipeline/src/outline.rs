//! The outline of a batch for the log: what kinds of things are in it, never a value of theirs.
//!
//! *Invariants*
//! 1. Names of attributes and counts are shown, values and texts never; an outline has at most [`MAX_CHARS`]
//!    characters.

use std::collections::BTreeSet;

use collector_otlp::view::{
    KeyValueView, LogsView, Messages, MetricData, MetricView, MetricsView, TracesView,
};

use crate::{Batch, Signal};

/// A line of a log that is still a line.
const MAX_CHARS: usize = 400;
/// Names of attributes that are shown of each part.
const MAX_KEYS: usize = 12;
/// Characters of one name.
const MAX_KEY_CHARS: usize = 40;

/// The outline of the first resource, scope and item, and how many there are.
#[must_use]
pub fn outline(batch: &Batch) -> String {
    let body = &batch.payload[..];
    let (n_resources, first) = match batch.signal {
        Signal::Traces => traces(TracesView::over(body)),
        Signal::Metrics => metrics(MetricsView::over(body)),
        Signal::Logs => logs(LogsView::over(body)),
    };
    let whole = format!("{} items of {n_resources} resources; first: {first}", batch.n_items);
    if whole.chars().count() <= MAX_CHARS {
        return whole;
    }
    let mut cut: String = whole.chars().take(MAX_CHARS - 1).collect();
    cut.push('…');
    cut
}

fn traces(view: TracesView<'_>) -> (usize, String) {
    let mut resources = view.resource_spans();
    let Some(first) = resources.next() else { return (0, "nothing".to_owned()) };
    let span = first.scope_spans().find_map(|scope| scope.spans().next());
    let item = span.map(|span| format!("span{}", keys(span.attributes()))).unwrap_or_default();
    (1 + resources.count(), format!("resource{} {item}", keys(first.resource.attributes())))
}

fn metrics(view: MetricsView<'_>) -> (usize, String) {
    let mut resources = view.resource_metrics();
    let Some(first) = resources.next() else { return (0, "nothing".to_owned()) };
    let metric = first.scope_metrics().find_map(|scope| scope.metrics().next());
    let item = metric.as_ref().map(kind).unwrap_or_default();
    (1 + resources.count(), format!("resource{} {item}", keys(first.resource.attributes())))
}

fn kind(metric: &MetricView<'_>) -> String {
    let (kind, point) = match metric.data {
        MetricData::Empty => ("metric without data", None),
        MetricData::Gauge(mut points) => ("gauge", points.next().map(|p| keys(p.attributes()))),
        MetricData::Sum { mut points, monotonic, .. } => {
            let kind = if monotonic { "monotonic sum" } else { "sum" };
            (kind, points.next().map(|p| keys(p.attributes())))
        }
        MetricData::Histogram { mut points, .. } => {
            ("histogram", points.next().map(|p| keys(p.attributes())))
        }
        MetricData::ExponentialHistogram { mut points, .. } => {
            ("exponential histogram", points.next().map(|p| keys(p.attributes())))
        }
        MetricData::Summary(mut points) => ("summary", points.next().map(|p| keys(p.attributes()))),
    };
    format!("{kind}{}", point.unwrap_or_default())
}

fn logs(view: LogsView<'_>) -> (usize, String) {
    let mut resources = view.resource_logs();
    let Some(first) = resources.next() else { return (0, "nothing".to_owned()) };
    let record = first.scope_logs().find_map(|scope| scope.log_records().next());
    let item = record.map(|r| format!("log record{}", keys(r.attributes()))).unwrap_or_default();
    (1 + resources.count(), format!("resource{} {item}", keys(first.resource.attributes())))
}

/// `[a, b, …]`, sorted.
fn keys(attributes: Messages<'_, KeyValueView<'_>>) -> String {
    let keys: BTreeSet<&str> = attributes.map(|a| a.key).collect();
    let mut shown: Vec<String> =
        keys.iter().take(MAX_KEYS).map(|k| k.chars().take(MAX_KEY_CHARS).collect()).collect();
    if keys.len() > MAX_KEYS {
        shown.push("…".to_owned());
    }
    format!("[{}]", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use collector_otlp::{Limits, json};

    use super::*;

    fn of(signal: Signal, text: &str) -> String {
        let limits = Limits::default();
        let payload = json::to_protobuf(signal, text.as_bytes(), &limits).unwrap();
        outline(&Batch::prove(signal, Bytes::from(payload), &limits).unwrap())
    }

    const RESOURCE: &str =
        r#""resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s3cret"}}]}"#;

    #[test]
    fn names_are_shown_and_values_are_not() {
        let span = r#"{"name":"s3cret","attributes":[{"key":"b","value":{"stringValue":"s3cret"}},{"key":"a","value":{"intValue":"7"}}]}"#;
        let traces = format!(
            r#"{{"resourceSpans":[{{{RESOURCE},"scopeSpans":[{{"spans":[{span},{span}]}}]}},{{}}]}}"#
        );
        let said = of(Signal::Traces, &traces);
        assert_eq!(said, "2 items of 2 resources; first: resource[service.name] span[a, b]");
        let metrics = format!(
            r#"{{"resourceMetrics":[{{{RESOURCE},"scopeMetrics":[{{"metrics":[{{"name":"s3cret","sum":{{"isMonotonic":true,"dataPoints":[{{"asInt":"1"}}]}}}}]}}]}}]}}"#
        );
        let said = of(Signal::Metrics, &metrics);
        assert_eq!(said, "1 items of 1 resources; first: resource[service.name] monotonic sum[]");
        let logs = format!(
            r#"{{"resourceLogs":[{{{RESOURCE},"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"s3cret"}}}}]}}]}}]}}"#
        );
        let said = of(Signal::Logs, &logs);
        assert_eq!(said, "1 items of 1 resources; first: resource[service.name] log record[]");
        assert_eq!(of(Signal::Logs, "{}"), "0 items of 0 resources; first: nothing");
    }

    #[test]
    fn an_outline_stays_a_line() {
        let attributes: Vec<String> = (0..50)
            .map(|i| {
                format!(r#"{{"key":"{}{i:02}","value":{{"boolValue":true}}}}"#, "é".repeat(60))
            })
            .collect();
        let text = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"attributes":[{}]}}]}}]}}]}}"#,
            attributes.join(",")
        );
        let said = of(Signal::Traces, &text);
        assert!(said.chars().count() <= MAX_CHARS && said.ends_with('…'), "{said}");
    }
}
