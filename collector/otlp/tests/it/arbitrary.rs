//! Strategies for whole export requests of generated types.

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
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z.]{1,12}", "\\PC{0,8}", Just("x".repeat(200))]
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        // Negative zero is left out by the generated encoder, which takes it for the default.
        any::<f64>().prop_filter("equality", |value| !value.is_nan() && *value != 0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

fn id(n: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => Just(Vec::new()), 4 => vec(1..=u8::MAX, n)]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        text().prop_map(|value| Some(Value::StringValue(value))),
        any::<bool>().prop_map(|value| Some(Value::BoolValue(value))),
        any::<i64>().prop_map(|value| Some(Value::IntValue(value))),
        double().prop_map(|value| Some(Value::DoubleValue(value))),
        vec(any::<u8>(), 0..5).prop_map(|value| Some(Value::BytesValue(value))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 12, 3, |inner| {
        let pairs = vec((text(), option::of(inner.clone())), 0..3);
        prop_oneof![
            vec(inner, 0..3).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            pairs.prop_map(|pairs| {
                let values = pairs.into_iter().map(|(key, value)| pair(key, value)).collect();
                Value::KvlistValue(KeyValueList { values })
            }),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn pair(key: String, value: Option<AnyValue>) -> KeyValue {
    KeyValue { key, value, ..Default::default() }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((text(), option::of(any_value())).prop_map(|(key, value)| pair(key, value)), 0..4)
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    option::of((attributes(), any::<u32>()).prop_map(|(attributes, dropped_attributes_count)| {
        Resource { attributes, dropped_attributes_count, ..Default::default() }
    }))
}

fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    let parts = (text(), text(), attributes(), any::<u32>());
    option::of(parts.prop_map(|(name, version, attributes, dropped_attributes_count)| {
        InstrumentationScope { name, version, attributes, dropped_attributes_count }
    }))
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    (id(16), id(8), text(), attributes(), any::<u32>(), any::<u32>()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), id(8), text(), text(), 0..6_i32);
    let times = (any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>());
    let status =
        option::of((text(), 0..3_i32).prop_map(|(message, code)| Status { message, code }));
    let parts = (attributes(), vec(event(), 0..3), vec(link(), 0..3), status, any::<u32>());
    (ids, times, parts).prop_map(|(ids, times, parts)| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: ids.3,
        name: ids.4,
        kind: ids.5,
        start_time_unix_nano: times.0,
        end_time_unix_nano: times.1,
        dropped_attributes_count: times.2,
        dropped_events_count: times.3,
        dropped_links_count: times.4,
        attributes: parts.0,
        events: parts.1,
        links: parts.2,
        status: parts.3,
        flags: parts.4,
    })
}

/// Requests of spans.
pub fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scopes = (scope(), vec(span(), 0..4), text())
        .prop_map(|(scope, spans, schema_url)| ScopeSpans { scope, spans, schema_url });
    let resources =
        (resource(), vec(scopes, 0..3), text()).prop_map(|(resource, scope_spans, schema_url)| {
            ResourceSpans { resource, scope_spans, schema_url }
        });
    vec(resources, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn log_record() -> impl Strategy<Value = LogRecord> {
    let times = (any::<u64>(), any::<u64>(), 0..25_i32, text(), text());
    let parts = (option::of(any_value()), attributes(), id(16), id(8), any::<u32>(), any::<u32>());
    (times, parts).prop_map(|(times, parts)| LogRecord {
        time_unix_nano: times.0,
        observed_time_unix_nano: times.1,
        severity_number: times.2,
        severity_text: times.3,
        event_name: times.4,
        body: parts.0,
        attributes: parts.1,
        trace_id: parts.2,
        span_id: parts.3,
        flags: parts.4,
        dropped_attributes_count: parts.5,
    })
}

/// Requests of log records.
pub fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scopes = (scope(), vec(log_record(), 0..4), text())
        .prop_map(|(scope, log_records, schema_url)| ScopeLogs { scope, log_records, schema_url });
    let resources =
        (resource(), vec(scopes, 0..3), text()).prop_map(|(resource, scope_logs, schema_url)| {
            ResourceLogs { resource, scope_logs, schema_url }
        });
    vec(resources, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    let value = prop_oneof![
        double().prop_map(exemplar::Value::AsDouble),
        any::<i64>().prop_map(exemplar::Value::AsInt)
    ];
    (attributes(), any::<u64>(), id(8), id(16), option::of(value)).prop_map(
        |(filtered_attributes, time_unix_nano, span_id, trace_id, value)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    )
}

fn number_point() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        double().prop_map(number_data_point::Value::AsDouble),
        any::<i64>().prop_map(number_data_point::Value::AsInt)
    ];
    let times = (any::<u64>(), any::<u64>(), any::<u32>());
    (attributes(), times, vec(exemplar(), 0..2), option::of(value)).prop_map(
        |(attributes, times, exemplars, value)| NumberDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            flags: times.2,
            exemplars,
            value,
        },
    )
}

fn histogram_point() -> impl Strategy<Value = HistogramDataPoint> {
    let times = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u32>());
    let sums = (option::of(double()), option::of(double()), option::of(double()));
    let buckets = (vec(any::<u64>(), 0..5), vec(double(), 0..5));
    (attributes(), times, sums, buckets, vec(exemplar(), 0..2)).prop_map(
        |(attributes, times, sums, buckets, exemplars)| HistogramDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum: sums.0,
            min: sums.1,
            max: sums.2,
            bucket_counts: buckets.0,
            explicit_bounds: buckets.1,
            exemplars,
        },
    )
}

fn buckets() -> impl Strategy<Value = Option<Buckets>> {
    option::of(
        (any::<i32>(), vec(any::<u64>(), 0..5))
            .prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }),
    )
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let times = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u32>());
    let sums = (option::of(double()), option::of(double()), option::of(double()));
    let zero = (any::<i32>(), any::<u64>(), double());
    (attributes(), times, sums, zero, (buckets(), buckets()), vec(exemplar(), 0..2)).prop_map(
        |(attributes, times, sums, zero, buckets, exemplars)| ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum: sums.0,
            min: sums.1,
            max: sums.2,
            scale: zero.0,
            zero_count: zero.1,
            zero_threshold: zero.2,
            positive: buckets.0,
            negative: buckets.1,
            exemplars,
        },
    )
}

fn summary_point() -> impl Strategy<Value = SummaryDataPoint> {
    let quantile =
        (double(), double()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let times = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u32>());
    (attributes(), times, double(), vec(quantile, 0..3)).prop_map(
        |(attributes, times, sum, quantile_values)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum,
            quantile_values,
        },
    )
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        vec(number_point(), 0..3).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (vec(number_point(), 0..3), 0..3_i32, any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| {
                Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
            }
        ),
        (vec(histogram_point(), 0..3), 0..3_i32).prop_map(
            |(data_points, aggregation_temporality)| {
                Data::Histogram(Histogram { data_points, aggregation_temporality })
            }
        ),
        (vec(exponential_point(), 0..3), 0..3_i32).prop_map(
            |(data_points, aggregation_temporality)| {
                let histogram = ExponentialHistogram { data_points, aggregation_temporality };
                Data::ExponentialHistogram(histogram)
            }
        ),
        vec(summary_point(), 0..3).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ]
}

/// Requests of data points.
pub fn metrics() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let metric = (text(), text(), text(), attributes(), option::of(data())).prop_map(
        |(name, description, unit, metadata, data)| Metric {
            name,
            description,
            unit,
            metadata,
            data,
        },
    );
    let scopes = (scope(), vec(metric, 0..3), text())
        .prop_map(|(scope, metrics, schema_url)| ScopeMetrics { scope, metrics, schema_url });
    let resources = (resource(), vec(scopes, 0..3), text()).prop_map(
        |(resource, scope_metrics, schema_url)| ResourceMetrics {
            resource,
            scope_metrics,
            schema_url,
        },
    );
    vec(resources, 0..3)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}
