//! Batches of which every byte follows from a seed, a stream and a number.
//!
//! Whoever receives one can make it again and compare the two: no digest stands between.

use std::fmt;

use collector_otlp::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::rng::Rng;

/// 2026-01-01 in nanoseconds.
const THEN: u64 = 1_767_225_600_000_000_000;
const STREAM: &str = "crash.stream";
const NUMBER: &str = "crash.batch";

/// One batch: a stream is what one sender sends, one batch after the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BatchId {
    pub(crate) stream: u16,
    /// Counts from zero.
    pub(crate) number: u64,
}

/// How batches look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payloads {
    pub(crate) seed: u64,
    /// Items of the largest batch.
    pub(crate) max_items: u64,
    /// Bytes of the largest text in an item.
    pub(crate) max_text: u64,
}

impl BatchId {
    /// What flows in the stream.
    pub(crate) fn signal(self) -> Signal {
        signal_of(self.stream)
    }
}

/// Streams take the signals in turn.
pub(crate) fn signal_of(stream: u16) -> Signal {
    Signal::ALL[usize::from(stream) % Signal::ALL.len()]
}

impl Payloads {
    fn rng(&self, id: BatchId) -> Rng {
        let mut rng = Rng::new(self.seed ^ (u64::from(id.stream) << 48) ^ id.number);
        rng.next();
        rng
    }

    /// Spans, log records or data points in it.
    pub(crate) fn n_items(&self, id: BatchId) -> u64 {
        1 + self.rng(id).below(self.max_items)
    }

    /// The body of the request that carries it.
    pub(crate) fn request(&self, id: BatchId) -> Vec<u8> {
        match id.signal() {
            Signal::Traces => {
                ExportTraceServiceRequest { resource_spans: vec![self.spans(id)] }.encode_to_vec()
            }
            Signal::Metrics => {
                ExportMetricsServiceRequest { resource_metrics: vec![self.points(id)] }
                    .encode_to_vec()
            }
            Signal::Logs => {
                ExportLogsServiceRequest { resource_logs: vec![self.lines(id)] }.encode_to_vec()
            }
        }
    }

    /// The batches of a body, each whole and as it was made; or what is wrong with it.
    pub(crate) fn read(&self, signal: Signal, body: &[u8]) -> Result<Vec<BatchId>, String> {
        let bad = |error: prost::DecodeError| format!("not OTLP {signal}: {error}");
        match signal {
            Signal::Traces => {
                let found = ExportTraceServiceRequest::decode(body).map_err(bad)?.resource_spans;
                compare(&found, |r| r.resource.as_ref(), |id| self.spans(id))
            }
            Signal::Metrics => {
                let found = ExportMetricsServiceRequest::decode(body).map_err(bad)?;
                compare(&found.resource_metrics, |r| r.resource.as_ref(), |id| self.points(id))
            }
            Signal::Logs => {
                let found = ExportLogsServiceRequest::decode(body).map_err(bad)?.resource_logs;
                compare(&found, |r| r.resource.as_ref(), |id| self.lines(id))
            }
        }
    }

    /// Texts of the items; long, and quickly made.
    fn texts(&self, id: BatchId) -> impl Iterator<Item = (u64, String)> {
        let mut rng = self.rng(id);
        let n_items = 1 + rng.below(self.max_items);
        let max_text = self.max_text;
        (0..n_items).map(move |i| {
            let word = format!("{:016x}{:016x}", rng.next(), rng.next());
            let n = rng.below(max_text) as usize;
            let mut text = word.repeat(n / word.len() + 1);
            text.truncate(n.max(8));
            (i, text)
        })
    }

    fn spans(&self, id: BatchId) -> ResourceSpans {
        let spans = self.texts(id).map(|(i, text)| Span {
            trace_id: [item(id, i), id.number + 1].map(u64::to_be_bytes).concat(),
            span_id: item(id, i).to_be_bytes().to_vec(),
            name: "crash".into(),
            attributes: vec![pair("text", Any::StringValue(text))],
            start_time_unix_nano: THEN,
            end_time_unix_nano: THEN + i,
            ..Default::default()
        });
        let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..Default::default() }];
        ResourceSpans { resource: resource(id), scope_spans, ..Default::default() }
    }

    fn lines(&self, id: BatchId) -> ResourceLogs {
        let log_records = self.texts(id).map(|(i, text)| LogRecord {
            time_unix_nano: THEN + i,
            body: Some(AnyValue { value: Some(Any::StringValue(text)) }),
            span_id: item(id, i).to_be_bytes().to_vec(),
            ..Default::default()
        });
        let scope_logs =
            vec![ScopeLogs { log_records: log_records.collect(), ..Default::default() }];
        ResourceLogs { resource: resource(id), scope_logs, ..Default::default() }
    }

    fn points(&self, id: BatchId) -> ResourceMetrics {
        let data_points = self.texts(id).map(|(i, text)| NumberDataPoint {
            attributes: vec![pair("text", Any::StringValue(text))],
            time_unix_nano: THEN + i,
            value: Some(number_data_point::Value::AsInt(item(id, i) as i64)),
            ..Default::default()
        });
        let data = Some(metric::Data::Gauge(Gauge { data_points: data_points.collect() }));
        let metrics = vec![Metric { name: "crash".into(), data, ..Default::default() }];
        let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
        ResourceMetrics { resource: resource(id), scope_metrics, ..Default::default() }
    }
}

/// A number for the item that nothing else bears, never zero.
fn item(id: BatchId, i: u64) -> u64 {
    (u64::from(id.stream) + 1) << 48 | id.number << 16 | i
}

fn pair(key: &str, value: Any) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.into(), value, ..Default::default() }
}

fn resource(id: BatchId) -> Option<Resource> {
    let attributes = vec![
        pair("service.name", Any::StringValue("crash".into())),
        pair(STREAM, Any::IntValue(i64::from(id.stream))),
        pair(NUMBER, Any::IntValue(id.number as i64)),
    ];
    Some(Resource { attributes, ..Default::default() })
}

fn id_of(resource: &Resource) -> Option<BatchId> {
    let int = |key: &str| {
        let pair = resource.attributes.iter().find(|pair| pair.key == key)?;
        match pair.value.as_ref()?.value.as_ref()? {
            Any::IntValue(n) => Some(*n),
            _ => None,
        }
    };
    let stream = int(STREAM)?.try_into().ok()?;
    Some(BatchId { stream, number: int(NUMBER)?.try_into().ok()? })
}

fn compare<R: PartialEq>(
    found: &[R],
    resource: impl Fn(&R) -> Option<&Resource>,
    make: impl Fn(BatchId) -> R,
) -> Result<Vec<BatchId>, String> {
    let ids = found.iter().map(|part| {
        let id = resource(part).and_then(id_of).ok_or("a batch without its name")?;
        if *part == make(id) { Ok(id) } else { Err(format!("{id} is not as it was sent")) }
    });
    ids.collect()
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} batch {}/{}", self.signal(), self.stream, self.number)
    }
}

impl fmt::Debug for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[test]
fn what_was_altered_on_the_way_is_seen() {
    let payloads = Payloads { seed: 1, max_items: 9, max_text: 99 };
    for stream in 0..3 {
        let id = BatchId { stream, number: 7 };
        let body = payloads.request(id);
        assert_eq!(payloads.read(id.signal(), &body), Ok(vec![id]));
        let twice = [body.clone(), payloads.request(BatchId { number: 8, ..id })].concat();
        assert_eq!(payloads.read(id.signal(), &twice).map(|ids| ids.len()), Ok(2));
        for at in 0..body.len() {
            let mut altered = body.clone();
            altered[at] ^= 1;
            assert_ne!(payloads.read(id.signal(), &altered), Ok(vec![id]), "byte {at}");
        }
    }
}
