//! The conformance suite, then what is special to Loki. Bodies are read by Grafana's own push types, structured
//! metadata, which those do not know, by ours.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::view::LogsView;
use collector_otlp::{Limits as OtlpLimits, json};
use collector_pipeline::Batch;
use collector_pipeline::config::ComponentId;
use collector_pipeline::node::{Begun, Delivered};
use collector_telemetry::Metrics;
use durable_fs::ManualClock;
use loki_api::logproto;
use loki_api::prost::Message as _;
use prost::Message as _;

use super::config::Limits;
use super::messages::PushRequest;
use super::streams::{Part, pushes};
use super::*;
use crate::conformance::{Answer, Backend, Rig, conforms};
use crate::sink::{Got, HttpSink};

fn inflate(got: &Got) -> Vec<u8> {
    snap::raw::Decoder::new().decompress_vec(&got.body).unwrap()
}

fn theirs(got: &Got) -> logproto::PushRequest {
    logproto::PushRequest::decode(inflate(got).as_slice()).unwrap()
}

fn n_entries(got: &Got) -> u64 {
    theirs(got).streams.iter().map(|s| s.entries.len() as u64).sum()
}

fn logs(text: &str) -> Batch {
    let limits = OtlpLimits::default();
    let payload = json::to_protobuf(Signal::Logs, text.as_bytes(), &limits).unwrap();
    Batch::prove(Signal::Logs, Bytes::from(payload), &limits).unwrap()
}

/// Records, given as the inside of `"logRecords": [...]`, of one service.
fn records(inside: &str) -> Batch {
    logs(&format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"cart"}}}}]}},
        "scopeLogs":[{{"logRecords":[{inside}]}}]}}]}}"#
    ))
}

fn lines(n: u32) -> Batch {
    let record =
        |i| format!(r#"{{"timeUnixNano":"1700000000{i:09}","body":{{"stringValue":"line {i}"}}}}"#);
    records(&(0..n).map(record).collect::<Vec<_>>().join(","))
}

fn built(settings: &str) -> Built<dyn Exporter> {
    let context = NodeContext {
        id: ComponentId::parse("loki").unwrap(),
        clock: Arc::new(ManualClock::at(Duration::from_secs(42))),
        metrics: Metrics::new(),
        budget: collector_otlp::admission::Budget::default(),
        part_bytes: 1 << 20,
    };
    build(&Tree::parse(settings).unwrap(), &context)
}

fn towards(sink: &HttpSink, more: &str) -> Arc<dyn Exporter> {
    built(&format!("endpoint: {}/loki/api/v1/push\n{more}", sink.url())).unwrap()
}

/// Streams as text: labels, then time, line and metadata of each record.
fn text(batch: &Batch, limits: &Limits) -> String {
    let mut out = String::new();
    let part = Part { from: 0, max_bytes: usize::MAX, now: 42_000_000_007 };
    let (shards, _) = pushes(LogsView::over(&batch.payload), part, limits, 1);
    for push in shards.into_iter().flatten() {
        for stream in push.request.streams {
            out.push_str(&format!("{}\n", stream.labels));
            for entry in stream.entries {
                let time = entry.timestamp.unwrap();
                let pairs: Vec<String> =
                    entry.metadata.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
                let (seconds, nanos) = (time.seconds, time.nanos);
                out.push_str(&format!(
                    "  {seconds}.{nanos:09} {:?} {}\n",
                    entry.line,
                    pairs.join(" ")
                ));
            }
        }
    }
    out
}

fn check(text_of: &str, expect: &str) {
    assert_eq!(text(&logs(text_of), &Limits::default()), expect.trim_start());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_to_the_suite() {
    conforms(&Rig {
        kind: &KIND,
        settings: &|url| format!("endpoint: {url}/loki/api/v1/push"),
        backend: &|| Arc::new(HttpSink::start(n_entries)),
        batch: &lines,
    })
    .await;
}

#[tokio::test]
async fn a_push_reads_back_with_grafanas_types() {
    let sink = HttpSink::start(n_entries);
    let exporter = towards(&sink, "headers: {x-scope-orgid: shop}");
    assert_eq!(exporter.export(&lines(3), &Begun::default()).await, Ok(Delivered::whole()));
    let got = &sink.got()[0];
    assert_eq!(got.line, "POST /loki/api/v1/push HTTP/1.1");
    assert_eq!(got.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(got.header("x-scope-orgid"), Some("shop"));
    let push = theirs(got);
    assert_eq!(push.streams.len(), 1);
    assert_eq!(push.streams[0].labels, r#"{service_name="cart"}"#);
    let read: Vec<(i64, i32, &str)> = push.streams[0]
        .entries
        .iter()
        .map(|e| {
            let time = e.timestamp.as_ref().unwrap();
            (time.seconds, time.nanos, e.line.as_str())
        })
        .collect();
    let at = 1_700_000_000;
    assert_eq!(read, [(at, 0, "line 0"), (at, 1, "line 1"), (at, 2, "line 2")]);
}

#[test]
fn parts_say_what_the_whole_says() {
    let (batch, limits) = (lines(50), Limits::default());
    let streams = |max_bytes| {
        let (mut from, mut n_parts, mut streams) = (Some(0), 0, Vec::new());
        while let Some(at) = from {
            let part = Part { from: at, max_bytes, now: 1 };
            let (shards, rest) = pushes(LogsView::over(&batch.payload), part, &limits, 2);
            let entries: Vec<_> = shards
                .into_iter()
                .flatten()
                .flat_map(|push| push.request.streams)
                .flat_map(|s| s.entries.into_iter().map(move |e| (s.labels.clone(), e)))
                .collect();
            let held: usize = entries.iter().map(|(_, e)| e.held_bytes()).sum();
            let longest = entries.iter().map(|(_, e)| e.held_bytes()).max().unwrap();
            assert!(held < max_bytes.saturating_add(longest), "{held} bytes of {max_bytes}");
            streams.extend(entries);
            (from, n_parts) = (rest, n_parts + 1);
        }
        (streams, n_parts)
    };
    let ((whole, one), (parts, n_parts)) = (streams(usize::MAX), streams(1500));
    assert_eq!((whole.len(), one), (50, 1));
    assert!(n_parts > 5, "{n_parts} parts");
    assert_eq!(parts, whole, "in order");
}

#[tokio::test]
async fn a_large_batch_is_cut_and_goes_on_where_it_stopped() {
    let sink = HttpSink::start(n_entries);
    let exporter = towards(&sink, "max_request_bytes: 400");
    let batch = lines(50);
    sink.answer(Answer::Later(None));
    let begun = Begun::default();
    exporter.export(&batch, &begun).await.unwrap_err();
    sink.answer(Answer::Take);
    assert_eq!(exporter.export(&batch, &begun).await, Ok(Delivered::whole()));
    let taken: Vec<Got> = sink.got().into_iter().filter(|got| got.taken).collect();
    assert!(taken.len() > 5 && taken.iter().all(|got| inflate(got).len() <= 400));
    let lines: Vec<String> = taken
        .iter()
        .flat_map(|got| PushRequest::decode(inflate(got).as_slice()).unwrap().streams)
        .flat_map(|stream| stream.entries)
        .map(|entry| entry.line)
        .collect();
    let want: Vec<String> = (0..50).map(|i| format!("line {i}")).collect();
    assert_eq!(lines, want, "each once and in order");
}

#[test]
fn labels_are_few_and_the_rest_is_metadata() {
    check(
        r#"{"resourceLogs":[{"resource":{"attributes":[
            {"key":"service.name","value":{"stringValue":"cart"}},
            {"key":"service.namespace","value":{"stringValue":"shop"}},
            {"key":"deployment.environment.name","value":{"stringValue":"prod \"eu\"\n"}},
            {"key":"service.instance.id","value":{"stringValue":"a1"}},
            {"key":"host.name","value":{"stringValue":"h"}}]},
          "scopeLogs":[{"scope":{"name":"lib","version":"2"},"logRecords":[
            {"timeUnixNano":"1000000005","observedTimeUnixNano":"9","severityNumber":17,"severityText":"fatal-ish",
             "body":{"stringValue":"it \"broke\""},"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
             "attributes":[{"key":"http.route","value":{"stringValue":"/"}},{"key":"n","value":{"intValue":"7"}}]}]}]}]}"#,
        r#"
{deployment_environment_name="prod \"eu\"\n", service_name="cart", service_namespace="shop"}
  1.000000005 "it \"broke\"" trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331 severity_text=fatal-ish severity_number=17 http_route=/ n=7 scope_name=lib scope_version=2 service_instance_id=a1 host_name=h
"#,
    );
}

#[test]
fn bodies_of_every_kind_and_times_of_every_kind() {
    check(
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
            {"timeUnixNano":"1","body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{"boolValue":true}]}}}]}}},
            {"observedTimeUnixNano":"2","body":{"intValue":"7"},"severityNumber":9},
            {"body":{"bytesValue":"aGk="}},
            {"timeUnixNano":"3","eventName":"cart.emptied"}]}]}]}"#,
        r#"
{service_name="unknown_service"}
  0.000000001 "{\"a\":[1,true]}" 
  0.000000002 "7" severity_text=INFO severity_number=9
  42.000000007 "aGk=" 
  0.000000003 "cart.emptied" event_name=cart.emptied
"#,
    );
}

#[test]
fn names_that_collide_are_joined_but_a_trace_id_stays_one() {
    check(
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"a_b","value":{"stringValue":"resource"}},{"key":"same","value":{"stringValue":"x"}}]},
          "scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"m"},"traceId":"0af7651916cd43dd8448eb211c80319c",
            "attributes":[{"key":"a.b","value":{"stringValue":"record"}},{"key":"same","value":{"stringValue":"x"}},
                {"key":"trace_id","value":{"stringValue":"mine"}},{"key":"1st","value":{"stringValue":"y"}}]}]}]}]}"#,
        r#"
{service_name="unknown_service"}
  0.000000001 "m" trace_id=0af7651916cd43dd8448eb211c80319c a_b=record;resource same=x attribute_trace_id=mine _1st=y
"#,
    );
}

#[test]
fn streams_of_several_resources_keep_their_order() {
    let of = |service: &str, times: [u64; 2]| {
        let record = |t| format!(r#"{{"timeUnixNano":"{t}","body":{{"intValue":"{t}"}}}}"#);
        format!(
            r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},
            "scopeLogs":[{{"logRecords":[{}]}}]}}"#,
            times.map(record).join(",")
        )
    };
    let parts = [of("a", [5, 3]), of("b", [1, 2]), of("a", [4, 9])].join(",");
    check(
        &format!(r#"{{"resourceLogs":[{parts}]}}"#),
        r#"
{service_name="a"}
  0.000000005 "5" 
  0.000000003 "3" 
  0.000000004 "4" 
  0.000000009 "9" 
{service_name="b"}
  0.000000001 "1" 
  0.000000002 "2" 
"#,
    );
}

#[test]
fn metadata_beyond_lokis_bounds_is_left_out_and_counted() {
    let attribute = |i| format!(r#"{{"key":"k{i}","value":{{"stringValue":"v"}}}}"#);
    let attributes = (0..5).map(attribute).collect::<Vec<_>>().join(",");
    let batch = records(&format!(
        r#"{{"timeUnixNano":"1","body":{{"stringValue":"m"}},"attributes":[{attributes}]}}"#
    ));
    let pairs = Limits { max_metadata_pairs: 2, ..Limits::default() };
    assert!(text(&batch, &pairs).ends_with("\"m\" k0=v k1=v perch_left_out=3\n"));
    let bytes = Limits { max_metadata_bytes: 8, ..Limits::default() };
    assert!(text(&batch, &bytes).ends_with("\"m\" k0=v k1=v perch_left_out=3\n"));
}

#[test]
fn settings_that_cannot_work_say_why_and_where() {
    for (settings, want) in [
        (
            "endpoint: http://h:3100",
            "1:11: endpoint: the endpoint has no path (did you mean http://h:3100/loki/api/v1/push?)",
        ),
        (
            "endpoint: http://h/p\nmax_line_bytes: 10",
            "2:17: max_line_bytes: a line has room for 256 bytes at least",
        ),
        (
            "endpoint: http://h/p\ntls: {ca_file: x}",
            "2:6: tls: files for TLS, and an endpoint that is sent to in the clear (write https://h/p)",
        ),
        ("endpoint: http://h/p\ntimeout: 0s", "2:10: timeout: no time is too little"),
    ] {
        let fault = built(settings).err().map(|f| f.to_string());
        assert_eq!(fault.as_deref(), Some(want));
    }
}
