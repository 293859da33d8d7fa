//! From views back to generated types, so that equality can be asked for.

use collector_otlp::view::*;
use collector_otlp::{SpanId, TraceId};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

fn trace_id(id: TraceId) -> Vec<u8> {
    if id.is_zero() { Vec::new() } else { id.0.to_vec() }
}

fn span_id(id: SpanId) -> Vec<u8> {
    if id.is_zero() { Vec::new() } else { id.0.to_vec() }
}

fn any_value(view: AnyValueView<'_>) -> AnyValue {
    let value = match view {
        AnyValueView::Empty => None,
        AnyValueView::Str(text) => Some(Value::StringValue(text.to_owned())),
        AnyValueView::Bool(value) => Some(Value::BoolValue(value)),
        AnyValueView::Int(value) => Some(Value::IntValue(value)),
        AnyValueView::Double(value) => Some(Value::DoubleValue(value)),
        AnyValueView::Bytes(bytes) => Some(Value::BytesValue(bytes.to_vec())),
        AnyValueView::Array(values) => {
            Some(Value::ArrayValue(ArrayValue { values: values.map(any_value).collect() }))
        }
        AnyValueView::KvList(pairs) => {
            Some(Value::KvlistValue(KeyValueList { values: attributes(pairs) }))
        }
    };
    AnyValue { value }
}

/// An absent value and an empty one read the same, so both become "some, empty".
fn attributes<'a>(pairs: Messages<'a, KeyValueView<'a>>) -> Vec<KeyValue> {
    pairs
        .map(|pair| KeyValue {
            key: pair.key.to_owned(),
            value: Some(any_value(pair.value)),
            ..Default::default()
        })
        .collect()
}

fn resource(view: ResourceView<'_>) -> Option<Resource> {
    Some(Resource {
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.n_dropped_attributes,
        ..Default::default()
    })
}

fn scope(view: ScopeView<'_>) -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: view.name.to_owned(),
        version: view.version.to_owned(),
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.n_dropped_attributes,
    })
}

fn span(view: SpanView<'_>) -> Span {
    Span {
        trace_id: trace_id(view.trace_id),
        span_id: span_id(view.span_id),
        parent_span_id: span_id(view.parent_span_id),
        trace_state: view.trace_state.to_owned(),
        name: view.name.to_owned(),
        kind: view.kind as i32,
        start_time_unix_nano: view.start_time_unix_nano,
        end_time_unix_nano: view.end_time_unix_nano,
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.n_dropped_attributes,
        events: view
            .events()
            .map(|event| Event {
                time_unix_nano: event.time_unix_nano,
                name: event.name.to_owned(),
                attributes: attributes(event.attributes()),
                dropped_attributes_count: event.n_dropped_attributes,
            })
            .collect(),
        dropped_events_count: view.n_dropped_events,
        links: view
            .links()
            .map(|link| Link {
                trace_id: trace_id(link.trace_id),
                span_id: span_id(link.span_id),
                trace_state: link.trace_state.to_owned(),
                attributes: attributes(link.attributes()),
                dropped_attributes_count: link.n_dropped_attributes,
                flags: link.flags,
            })
            .collect(),
        dropped_links_count: view.n_dropped_links,
        status: Some(Status { message: view.status_message.to_owned(), code: view.status as i32 }),
        flags: view.flags,
    }
}

/// A whole request of spans as the views show it.
pub fn traces(bytes: &[u8]) -> ExportTraceServiceRequest {
    let resource_spans = TracesView::over(bytes).resource_spans().map(|view| ResourceSpans {
        resource: resource(view.resource),
        scope_spans: view
            .scope_spans()
            .map(|view| ScopeSpans {
                scope: scope(view.scope),
                spans: view.spans().map(span).collect(),
                schema_url: view.schema_url.to_owned(),
            })
            .collect(),
        schema_url: view.schema_url.to_owned(),
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
}

fn log_record(view: LogRecordView<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: view.time_unix_nano,
        observed_time_unix_nano: view.observed_time_unix_nano,
        severity_number: view.severity_number,
        severity_text: view.severity_text.to_owned(),
        body: Some(any_value(view.body)),
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.n_dropped_attributes,
        flags: view.flags,
        trace_id: trace_id(view.trace_id),
        span_id: span_id(view.span_id),
        event_name: view.event_name.to_owned(),
    }
}

/// A whole request of log records as the views show it.
pub fn logs(bytes: &[u8]) -> ExportLogsServiceRequest {
    let resource_logs = LogsView::over(bytes).resource_logs().map(|view| ResourceLogs {
        resource: resource(view.resource),
        scope_logs: view
            .scope_logs()
            .map(|view| ScopeLogs {
                scope: scope(view.scope),
                log_records: view.log_records().map(log_record).collect(),
                schema_url: view.schema_url.to_owned(),
            })
            .collect(),
        schema_url: view.schema_url.to_owned(),
    });
    ExportLogsServiceRequest { resource_logs: resource_logs.collect() }
}

fn exemplars<'a>(views: Messages<'a, ExemplarView<'a>>) -> Vec<Exemplar> {
    views
        .map(|view| Exemplar {
            filtered_attributes: attributes(view.filtered_attributes()),
            time_unix_nano: view.time_unix_nano,
            span_id: span_id(view.span_id),
            trace_id: trace_id(view.trace_id),
            value: view.value.map(|value| match value {
                Number::Int(value) => exemplar::Value::AsInt(value),
                Number::Double(value) => exemplar::Value::AsDouble(value),
            }),
        })
        .collect()
}

fn number_point(view: NumberPointView<'_>) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(view.attributes()),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        exemplars: exemplars(view.exemplars()),
        flags: view.flags,
        value: view.value.map(|value| match value {
            Number::Int(value) => number_data_point::Value::AsInt(value),
            Number::Double(value) => number_data_point::Value::AsDouble(value),
        }),
    }
}

fn histogram_point(view: HistogramPointView<'_>) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(view.attributes()),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        count: view.count,
        sum: view.sum,
        bucket_counts: view.bucket_counts().collect(),
        explicit_bounds: view.explicit_bounds().collect(),
        exemplars: exemplars(view.exemplars()),
        flags: view.flags,
        min: view.min,
        max: view.max,
    }
}

fn buckets(view: BucketsView<'_>) -> Option<Buckets> {
    Some(Buckets { offset: view.offset, bucket_counts: view.counts().collect() })
}

fn exponential_point(view: ExponentialHistogramPointView<'_>) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(view.attributes()),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        count: view.count,
        sum: view.sum,
        scale: view.scale,
        zero_count: view.zero_count,
        positive: buckets(view.positive),
        negative: buckets(view.negative),
        flags: view.flags,
        exemplars: exemplars(view.exemplars()),
        min: view.min,
        max: view.max,
        zero_threshold: view.zero_threshold,
    }
}

fn summary_point(view: SummaryPointView<'_>) -> SummaryDataPoint {
    let quantile =
        |view: QuantileView| ValueAtQuantile { quantile: view.quantile, value: view.value };
    SummaryDataPoint {
        attributes: attributes(view.attributes()),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        count: view.count,
        sum: view.sum,
        quantile_values: view.quantiles().map(quantile).collect(),
        flags: view.flags,
    }
}

fn data(view: MetricData<'_>) -> Option<Data> {
    Some(match view {
        MetricData::Empty => return None,
        MetricData::Gauge(points) => {
            Data::Gauge(Gauge { data_points: points.map(number_point).collect() })
        }
        MetricData::Sum { points, temporality, monotonic } => Data::Sum(Sum {
            data_points: points.map(number_point).collect(),
            aggregation_temporality: temporality as i32,
            is_monotonic: monotonic,
        }),
        MetricData::Histogram { points, temporality } => Data::Histogram(Histogram {
            data_points: points.map(histogram_point).collect(),
            aggregation_temporality: temporality as i32,
        }),
        MetricData::ExponentialHistogram { points, temporality } => {
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: points.map(exponential_point).collect(),
                aggregation_temporality: temporality as i32,
            })
        }
        MetricData::Summary(points) => {
            Data::Summary(Summary { data_points: points.map(summary_point).collect() })
        }
    })
}

/// A whole request of data points as the views show it.
pub fn metrics(bytes: &[u8]) -> ExportMetricsServiceRequest {
    let metric = |view: MetricView<'_>| Metric {
        name: view.name.to_owned(),
        description: view.description.to_owned(),
        unit: view.unit.to_owned(),
        metadata: attributes(view.metadata()),
        data: data(view.data),
    };
    let resource_metrics =
        MetricsView::over(bytes).resource_metrics().map(|view| ResourceMetrics {
            resource: resource(view.resource),
            scope_metrics: view
                .scope_metrics()
                .map(|view| ScopeMetrics {
                    scope: scope(view.scope),
                    metrics: view.metrics().map(metric).collect(),
                    schema_url: view.schema_url.to_owned(),
                })
                .collect(),
            schema_url: view.schema_url.to_owned(),
        });
    ExportMetricsServiceRequest { resource_metrics: resource_metrics.collect() }
}
