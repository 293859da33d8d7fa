//! The conformance suite, then what is special to remote-write.

use std::sync::Arc;

use bytes::Bytes;
use collector_otlp::{Limits, json};
use collector_pipeline::Batch;
use collector_pipeline::config::ComponentId;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Begun, Delivered, ExportError};
use collector_prom::remote_write::{WriteRequest, decode, decode_v2};
use collector_telemetry::Metrics;
use durable_fs::SystemClock;

use super::*;
use crate::conformance::{Answer, Backend, Rig, conforms};
use crate::sink::{Got, HttpSink, Success};

mod versions;

fn read(got: &Got) -> WriteRequest {
    decode(&got.body, 64 << 20).unwrap()
}

fn n_samples(got: &Got) -> u64 {
    read(got).timeseries.iter().map(|s| s.samples.len() as u64).sum()
}

fn metrics(inside: &str) -> Batch {
    let text = format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{inside}]}}]}}]}}"#);
    let limits = Limits::default();
    let payload = json::to_protobuf(Signal::Metrics, text.as_bytes(), &limits).unwrap();
    Batch::prove(Signal::Metrics, Bytes::from(payload), &limits).unwrap()
}

/// `n` series of one sample each.
fn gauge(n: u32) -> Batch {
    let point = |i| {
        format!(
            r#"{{"timeUnixNano":"1700000000000000000","asInt":"1","attributes":[{{"key":"i","value":{{"intValue":"{i}"}}}}]}}"#
        )
    };
    let points: Vec<String> = (0..n).map(point).collect();
    metrics(&format!(r#"{{"name":"g","gauge":{{"dataPoints":[{}]}}}}"#, points.join(",")))
}

fn delta(time: u64) -> Batch {
    metrics(&format!(
        r#"{{"name":"c","sum":{{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{{"timeUnixNano":"{time}000000","asInt":"5"}}]}}}}"#
    ))
}

fn built(settings: &str) -> Built<dyn Exporter> {
    built_with(settings, 1 << 20)
}

fn built_with(settings: &str, part_bytes: usize) -> Built<dyn Exporter> {
    let context = NodeContext {
        id: ComponentId::parse("prometheusremotewrite").unwrap(),
        clock: Arc::new(SystemClock::new()),
        metrics: Metrics::new(),
        budget: collector_otlp::admission::Budget::default(),
        part_bytes,
    };
    build(&Tree::parse(settings).unwrap(), &context)
}

/// Towards a receiver of 1.0, which is told so.
fn towards(sink: &HttpSink, more: &str) -> Arc<dyn Exporter> {
    built(&format!("endpoint: {}/api/v1/write\nversion: '1.0'\n{more}", sink.url())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_to_the_suite() {
    conforms(&Rig {
        kind: &KIND,
        settings: &|url| format!("endpoint: {url}/api/v1/write\nversion: '1.0'"),
        backend: &|| Arc::new(HttpSink::start(n_samples)),
        batch: &gauge,
    })
    .await;
}

#[tokio::test]
async fn a_request_is_what_remote_write_wants() {
    let sink = HttpSink::start(n_samples);
    let exporter = towards(&sink, "headers: {x-scope-orgid: shop}");
    assert_eq!(exporter.export(&gauge(1), &Begun::default()).await, Ok(Delivered::whole()));
    let got = &sink.got()[0];
    assert_eq!(got.line, "POST /api/v1/write HTTP/1.1");
    for (name, value) in [
        ("content-encoding", "snappy"),
        ("content-type", "application/x-protobuf"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        ("x-scope-orgid", "shop"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    assert!(got.header("user-agent").is_some());
}

#[tokio::test]
async fn a_batch_sent_again_adds_its_deltas_once() {
    let sink = HttpSink::start(n_samples);
    let exporter = towards(&sink, "");
    let (first, second) = (delta(1), delta(2));
    let begun = Begun::default();
    sink.answer(Answer::Later(None));
    for _ in 0..3 {
        exporter.export(&first, &begun).await.unwrap_err();
    }
    sink.answer(Answer::Take);
    exporter.export(&first, &begun).await.unwrap();
    exporter.export(&second, &Begun::default()).await.unwrap();
    let values: Vec<f64> =
        sink.got().iter().map(|got| read(got).timeseries[0].samples[0].value).collect();
    assert_eq!(values, [5.0, 5.0, 5.0, 5.0, 10.0]);
}

#[tokio::test]
async fn deltas_of_a_refused_batch_arrive_with_the_next() {
    let sink = HttpSink::start(n_samples);
    let exporter = towards(&sink, "");
    sink.answer(Answer::Refuse);
    let error = exporter.export(&delta(1), &Begun::default()).await.unwrap_err();
    assert!(matches!(error, ExportError::Permanent { reason: Reason::Permanent, .. }), "{error}");
    sink.answer(Answer::Take);
    exporter.export(&delta(2), &Begun::default()).await.unwrap();
    assert_eq!(read(&sink.got()[1]).timeseries[0].samples[0].value, 10.0);
}

#[tokio::test]
async fn a_large_batch_is_cut_and_goes_on_where_it_stopped() {
    let sink = HttpSink::start(n_samples);
    let exporter = towards(&sink, "max_batch_size_bytes: 400");
    let batch = gauge(100);
    sink.answer(Answer::Later(None));
    let begun = Begun::default();
    exporter.export(&batch, &begun).await.unwrap_err();
    sink.answer(Answer::Take);
    assert_eq!(exporter.export(&batch, &begun).await, Ok(Delivered::whole()));
    let taken: Vec<Got> = sink.got().into_iter().filter(|got| got.taken).collect();
    assert!(taken.len() > 5);
    assert_eq!(sink.n_items(), 100, "each once");
    assert_eq!(sink.n_requests(), taken.len() + 1);
}

#[tokio::test]
async fn what_is_held_of_a_batch_is_bounded_and_each_point_arrives_once() {
    let sink = HttpSink::start(n_samples);
    let settings = format!("endpoint: {}/api/v1/write\nversion: '1.0'", sink.url());
    let exporter = built_with(&settings, 4 << 10).unwrap();
    let (batch, begun) = (gauge(100), Begun::default());
    sink.answer(Answer::Later(None));
    for _ in 0..3 {
        exporter.export(&batch, &begun).await.unwrap_err();
    }
    let first: Vec<usize> = sink.got().iter().map(|got| read(got).timeseries.len()).collect();
    assert_eq!(first, [first[0]; 3], "the same part");
    assert!(first[0] < 20, "{} series", first[0]);
    sink.answer(Answer::Take);
    assert_eq!(exporter.export(&batch, &begun).await, Ok(Delivered::whole()));
    assert_eq!(sink.n_items(), 100, "each once");
}

#[tokio::test]
async fn points_without_a_form_are_counted_and_the_rest_arrives() {
    let sink = HttpSink::start(n_samples);
    let batch = metrics(
        r#"{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1","asInt":"1"},{"asInt":"1"}]}}"#,
    );
    let delivered = towards(&sink, "").export(&batch, &Begun::default()).await.unwrap();
    assert_eq!(delivered.dropped, [(Reason::Unsupported, 1)]);
    assert_eq!(delivered.message, "point without a time");
    assert_eq!(sink.n_items(), 1);
}

#[test]
fn settings_that_cannot_work_say_why_and_where() {
    for (settings, want) in [
        (
            "timeout: 1s",
            "1:1: `endpoint` is missing (for example endpoint: http://127.0.0.1:9090/api/v1/write)",
        ),
        (
            "endpoint: http://h:9090",
            "1:11: endpoint: the endpoint has no path (did you mean http://h:9090/api/v1/write?)",
        ),
        (
            "endpoint: http://h:9090/",
            "1:11: endpoint: the endpoint has no path (did you mean http://h:9090/api/v1/write?)",
        ),
        (
            "endpoint: https://h/api/v1/write\ntls: {insecure: true}",
            "2:6: tls: `insecure` asks for plain text, the endpoint for TLS (write http://h/api/v1/write, or leave `insecure` out)",
        ),
        (
            "endpoint: http://h/w\nheaders: {Content-Encoding: gzip}",
            "2:10: headers: header `content-encoding` is the protocol's own (leave it out)",
        ),
        (
            "endpoint: http://h/w\nexternal_labels: {__x: y}",
            "2:18: external_labels: `__x` is not a label with a value (letters, digits and underscores, a letter first; the value not empty)",
        ),
        (
            "endpoint: http://h/w\ndelta: {max_series: 0}",
            "2:8: delta: no deltas could be added up with that (max_series and expiry lie above zero)",
        ),
        (
            "endpoint: http://h/w\nremote_write_queue: {}",
            "2:1: unknown key `remote_write_queue` (known here: endpoint, timeout, headers, tls, auth, external_labels, target_info, send_metadata, max_batch_size_bytes, delta, version, protobuf_message, shards, add_metric_suffixes, resource_to_telemetry_conversion)",
        ),
    ] {
        let fault = built(settings).err().map(|f| f.to_string());
        assert_eq!(fault.as_deref(), Some(want));
    }
    assert!(built("endpoint: h:9090/api/v1/write\ntls: {insecure: true}").is_ok());
}
