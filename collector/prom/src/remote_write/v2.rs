//! The protobuf messages of remote-write 2.0 (`io.prometheus.write.v2.Request`, 2.0-rc.4 and later).
//!
//! Strings stand once in a table, whose first is the empty one; everything else refers to it by place.

use super::v1::{BucketSpan, MetricMetadata, ResetHint};

/// One push.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    /// All strings; the first is empty.
    #[prost(string, repeated, tag = "4")]
    pub symbols: Vec<String>,
    /// The series.
    #[prost(message, repeated, tag = "5")]
    pub timeseries: Vec<TimeSeries>,
}

/// One series with samples or with native histograms, never both.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// Names and values in turn, sorted by name.
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    /// Float samples, oldest first.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// Native histograms, oldest first.
    #[prost(message, repeated, tag = "3")]
    pub histograms: Vec<Histogram>,
    /// Exemplars, oldest first.
    #[prost(message, repeated, tag = "4")]
    pub exemplars: Vec<Exemplar>,
    /// What is known about its family.
    #[prost(message, optional, tag = "5")]
    pub metadata: Option<Metadata>,
}

/// A float sample.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since the epoch.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
    /// When it began to count, in the same unit; 0 where nobody said.
    #[prost(int64, tag = "3")]
    pub start_timestamp: i64,
}

/// A sample that stands for others.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Exemplar {
    /// Names and values in turn.
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    /// The value.
    #[prost(double, tag = "2")]
    pub value: f64,
    /// Milliseconds since the epoch.
    #[prost(int64, tag = "3")]
    pub timestamp: i64,
}

/// What is known about a series' family.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Metadata {
    /// Its kind; the numbers are those of 1.0.
    #[prost(enumeration = "super::v1::MetricType", tag = "1")]
    pub r#type: i32,
    /// What it says.
    #[prost(uint32, tag = "3")]
    pub help_ref: u32,
    /// Its unit.
    #[prost(uint32, tag = "4")]
    pub unit_ref: u32,
}

/// A native histogram with integer counts: that of 1.0 and the time it began to count.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Histogram {
    /// How many observations.
    #[prost(uint64, tag = "1")]
    pub count_int: u64,
    /// Their sum.
    #[prost(double, tag = "3")]
    pub sum: f64,
    /// The schema: buckets grow by 2^(2^-schema).
    #[prost(sint32, tag = "4")]
    pub schema: i32,
    /// Observations nearer to zero than this are in the zero bucket.
    #[prost(double, tag = "5")]
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    #[prost(uint64, tag = "6")]
    pub zero_count_int: u64,
    /// Runs of populated negative buckets.
    #[prost(message, repeated, tag = "8")]
    pub negative_spans: Vec<BucketSpan>,
    /// Counts of negative buckets, each as the difference from the one before.
    #[prost(sint64, repeated, tag = "9")]
    pub negative_deltas: Vec<i64>,
    /// Runs of populated positive buckets.
    #[prost(message, repeated, tag = "11")]
    pub positive_spans: Vec<BucketSpan>,
    /// Counts of positive buckets, each as the difference from the one before.
    #[prost(sint64, repeated, tag = "12")]
    pub positive_deltas: Vec<i64>,
    /// Whether the counts may have fallen since the sample before.
    #[prost(enumeration = "ResetHint", tag = "14")]
    pub reset_hint: i32,
    /// Milliseconds since the epoch.
    #[prost(int64, tag = "15")]
    pub timestamp: i64,
    /// When it began to count, in the same unit; 0 where nobody said.
    #[prost(int64, tag = "17")]
    pub start_timestamp: i64,
}

impl Histogram {
    /// A histogram of 1.0 that began to count at `start_timestamp`.
    #[must_use]
    pub fn since(histogram: &super::v1::Histogram, start_timestamp: i64) -> Self {
        let h = histogram.clone();
        Self {
            count_int: h.count_int,
            sum: h.sum,
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            zero_count_int: h.zero_count_int,
            negative_spans: h.negative_spans,
            negative_deltas: h.negative_deltas,
            positive_spans: h.positive_spans,
            positive_deltas: h.positive_deltas,
            reset_hint: h.reset_hint,
            timestamp: h.timestamp,
            start_timestamp,
        }
    }
}

impl Metadata {
    /// The metadata of a family whose help and unit stand at these places.
    #[must_use]
    pub fn of(family: &MetricMetadata, help_ref: u32, unit_ref: u32) -> Self {
        Self { r#type: family.r#type, help_ref, unit_ref }
    }
}
