//! `metrics.proto` and `metrics_service.proto`.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::table::{EnumNames, message};

const TEMPORALITY: EnumNames = &[
    ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
    ("AGGREGATION_TEMPORALITY_DELTA", 1),
    ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
];

message!(pub(super) REQUEST = "ExportMetricsServiceRequest" {
    1 "resourceMetrics" Many Message(&RESOURCE_METRICS);
});

message!(RESOURCE_METRICS = "ResourceMetrics" {
    1 "resource" One Message(&RESOURCE);
    2 "scopeMetrics" Many Message(&SCOPE_METRICS);
    3 "schemaUrl" One Str;
});

message!(SCOPE_METRICS = "ScopeMetrics" {
    1 "scope" One Message(&SCOPE);
    2 "metrics" Many Message(&METRIC);
    3 "schemaUrl" One Str;
});

message!(METRIC = "Metric" {
    1 "name" One Str;
    2 "description" One Str;
    3 "unit" One Str;
    5 "gauge" OneOf Message(&GAUGE);
    7 "sum" OneOf Message(&SUM);
    9 "histogram" OneOf Message(&HISTOGRAM);
    10 "exponentialHistogram" OneOf Message(&EXPONENTIAL_HISTOGRAM);
    11 "summary" OneOf Message(&SUMMARY);
    12 "metadata" Attributes Message(&KEY_VALUE);
});

message!(GAUGE = "Gauge" {
    1 "dataPoints" Many Message(&NUMBER_POINT);
});

message!(SUM = "Sum" {
    1 "dataPoints" Many Message(&NUMBER_POINT);
    2 "aggregationTemporality" One Enum(TEMPORALITY);
    3 "isMonotonic" One Bool;
});

message!(HISTOGRAM = "Histogram" {
    1 "dataPoints" Many Message(&HISTOGRAM_POINT);
    2 "aggregationTemporality" One Enum(TEMPORALITY);
});

message!(EXPONENTIAL_HISTOGRAM = "ExponentialHistogram" {
    1 "dataPoints" Many Message(&EXPONENTIAL_HISTOGRAM_POINT);
    2 "aggregationTemporality" One Enum(TEMPORALITY);
});

message!(SUMMARY = "Summary" {
    1 "dataPoints" Many Message(&SUMMARY_POINT);
});

message!(NUMBER_POINT = "NumberDataPoint".item() {
    2 "startTimeUnixNano" One Fixed64;
    3 "timeUnixNano" One Fixed64;
    4 "asDouble" OneOf Double;
    5 "exemplars" Many Message(&EXEMPLAR);
    6 "asInt" OneOf Sfixed64;
    7 "attributes" Attributes Message(&KEY_VALUE);
    8 "flags" One Uint32;
});

message!(HISTOGRAM_POINT = "HistogramDataPoint".item() {
    2 "startTimeUnixNano" One Fixed64;
    3 "timeUnixNano" One Fixed64;
    4 "count" One Fixed64;
    5 "sum" One Double;
    6 "bucketCounts" Many Fixed64;
    7 "explicitBounds" Many Double;
    8 "exemplars" Many Message(&EXEMPLAR);
    9 "attributes" Attributes Message(&KEY_VALUE);
    10 "flags" One Uint32;
    11 "min" One Double;
    12 "max" One Double;
});

message!(EXPONENTIAL_HISTOGRAM_POINT = "ExponentialHistogramDataPoint".item() {
    1 "attributes" Attributes Message(&KEY_VALUE);
    2 "startTimeUnixNano" One Fixed64;
    3 "timeUnixNano" One Fixed64;
    4 "count" One Fixed64;
    5 "sum" One Double;
    6 "scale" One Sint32;
    7 "zeroCount" One Fixed64;
    8 "positive" One Message(&BUCKETS);
    9 "negative" One Message(&BUCKETS);
    10 "flags" One Uint32;
    11 "exemplars" Many Message(&EXEMPLAR);
    12 "min" One Double;
    13 "max" One Double;
    14 "zeroThreshold" One Double;
});

message!(BUCKETS = "ExponentialHistogramDataPoint.Buckets" {
    1 "offset" One Sint32;
    2 "bucketCounts" Many Uint64;
});

message!(SUMMARY_POINT = "SummaryDataPoint".item() {
    2 "startTimeUnixNano" One Fixed64;
    3 "timeUnixNano" One Fixed64;
    4 "count" One Fixed64;
    5 "sum" One Double;
    6 "quantileValues" Many Message(&VALUE_AT_QUANTILE);
    7 "attributes" Attributes Message(&KEY_VALUE);
    8 "flags" One Uint32;
});

message!(VALUE_AT_QUANTILE = "SummaryDataPoint.ValueAtQuantile" {
    1 "quantile" One Double;
    2 "value" One Double;
});

message!(EXEMPLAR = "Exemplar" {
    2 "timeUnixNano" One Fixed64;
    3 "asDouble" OneOf Double;
    4 "spanId" One Id(8);
    5 "traceId" One Id(16);
    6 "asInt" OneOf Sfixed64;
    7 "filteredAttributes" Attributes Message(&KEY_VALUE);
});
