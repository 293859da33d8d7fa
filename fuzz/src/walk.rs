//! Reads everything a view can show.

use std::hint::black_box;

use collector_otlp::Signal;
use collector_otlp::view::{
    AnyValueView, ExemplarView, KeyValueView, LogsView, Messages, MetricData, MetricView,
    MetricsView, SpanView, TracesView,
};

/// Walks all of `bytes` as a request of `signal`; gives the number of spans, data points or log records.
pub fn walk(signal: Signal, bytes: &[u8]) -> u32 {
    match signal {
        Signal::Traces => traces(TracesView::over(bytes)),
        Signal::Metrics => metrics(MetricsView::over(bytes)),
        Signal::Logs => logs(LogsView::over(bytes)),
    }
}

fn value(view: AnyValueView<'_>) {
    black_box((view.to_json(), view.to_string(), view.as_str(), view.as_int()));
}

fn pairs(list: Messages<'_, KeyValueView<'_>>) {
    black_box(list.get("service.name").map(|value| value.to_string()));
    for pair in list {
        black_box(pair.key.len());
        value(pair.value);
    }
}

fn traces(view: TracesView<'_>) -> u32 {
    let mut n = 0;
    for part in view.resource_spans() {
        black_box((part.schema_url, part.resource.service_name()));
        pairs(part.resource.attributes());
        for scope in part.scope_spans() {
            black_box((scope.schema_url, scope.scope.name, scope.scope.version));
            pairs(scope.scope.attributes());
            for one in scope.spans() {
                n += 1;
                span(one);
            }
        }
    }
    n
}

fn span(span: SpanView<'_>) {
    black_box((span, span.duration_nanos()));
    pairs(span.attributes());
    span.events().for_each(|event| pairs(event.attributes()));
    span.links().for_each(|link| pairs(link.attributes()));
}

fn logs(view: LogsView<'_>) -> u32 {
    let mut n = 0;
    for part in view.resource_logs() {
        pairs(part.resource.attributes());
        for scope in part.scope_logs() {
            pairs(scope.scope.attributes());
            for record in scope.log_records() {
                n += 1;
                black_box((record.severity_name(), record.best_time_unix_nano()));
                value(record.body);
                pairs(record.attributes());
            }
        }
    }
    n
}

fn metrics(view: MetricsView<'_>) -> u32 {
    let mut n = 0;
    for part in view.resource_metrics() {
        pairs(part.resource.attributes());
        for scope in part.scope_metrics() {
            pairs(scope.scope.attributes());
            n += scope.metrics().map(metric).sum::<u32>();
        }
    }
    n
}

fn exemplars(list: Messages<'_, ExemplarView<'_>>) {
    list.for_each(|exemplar| pairs(exemplar.filtered_attributes()));
}

fn metric(metric: MetricView<'_>) -> u32 {
    pairs(metric.metadata());
    let mut n = 0;
    match metric.data {
        MetricData::Empty => {}
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            for point in points {
                n += 1;
                black_box((point.value, point.no_recorded_value()));
                pairs(point.attributes());
                exemplars(point.exemplars());
            }
        }
        MetricData::Histogram { points, .. } => {
            for point in points {
                n += 1;
                black_box((point.bucket_counts().count(), point.explicit_bounds().count()));
                pairs(point.attributes());
                exemplars(point.exemplars());
            }
        }
        MetricData::ExponentialHistogram { points, .. } => {
            for point in points {
                n += 1;
                black_box((point.positive.counts().count(), point.negative.counts().count()));
                pairs(point.attributes());
                exemplars(point.exemplars());
            }
        }
        MetricData::Summary(points) => {
            for point in points {
                n += 1;
                black_box(point.quantiles().count());
                pairs(point.attributes());
            }
        }
    }
    n
}
