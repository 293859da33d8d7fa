//! The collector's own spans, at another collector and at itself.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use support::{Perch, call, free_address, get, perch, wait_for};

/// The span that a caller says it is.
const CALLER: &str = "00f067aa0ba902b7";

/// A collector in `dir`; `telemetry` stands under `service`.
fn collect(dir: &Path, http: &str, telemetry: &str) -> Perch {
    let yaml = format!(
        "receivers:\n  otlp:\n    protocols:\n      grpc: {{ endpoint: '127.0.0.1:0' }}\n      \
         http: {{ endpoint: '{http}' }}\nexporters: {{ debug: {{ max_lines: 1 }} }}\n\
         service:\n  {telemetry}\n  pipelines:\n    \
         traces: {{ receivers: [otlp], exporters: [debug] }}\n"
    );
    let file = dir.join("perch.yaml");
    std::fs::write(&file, yaml).unwrap();
    let mut command = perch();
    command.arg("collect").arg("--config").arg(file).args(["--api-listen", "127.0.0.1:0"]);
    Perch::start(&mut command).unwrap_or_else(|(status, said)| panic!("{status}: {said}"))
}

/// Own spans go to `endpoint`.
fn traces(protocol: &str, endpoint: &str) -> String {
    format!(
        "telemetry: {{ traces: {{ processors: [{{ batch: {{ schedule_delay: 20, exporter: {{ otlp: \
         {{ protocol: {protocol}, endpoint: '{endpoint}' }} }} }} }}] }} }}"
    )
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(16)
}

/// Sends a span of the trace `payload` in a call that belongs to the trace `caller`.
fn send(perch: &Perch, payload: u8, caller: Option<(u8, &str)>) {
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"b7ad6b7169203331",
        "name":"a","startTimeUnixNano":"1","endTimeUnixNano":"2"}}]}}]}}]}}"#,
        hex(payload)
    );
    let parent = caller.map(|(trace, flags)| format!("00-{}-{CALLER}-{flags}", hex(trace)));
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(parent.as_deref().map(|parent| ("traceparent", parent)));
    let url = format!("{}/v1/traces", perch.text("/otlp/http"));
    assert_eq!(call("POST", &url, &headers, body.as_bytes()).unwrap().status, 200);
}

/// The spans of a trace, once it has as many.
fn whole(perch: &Perch, trace: u8, n: usize) -> Vec<Value> {
    let url = format!("{}/api/traces/{}", perch.text("/api"), hex(trace));
    wait_for("the trace is whole", || {
        let reply = get(&url).filter(|reply| reply.status == 200)?;
        let spans = reply.json()["data"][0]["spans"].as_array()?.clone();
        (spans.len() == n).then_some(spans)
    })
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|s| s["operationName"] == name).unwrap()
}

fn tag(span: &Value, key: &str) -> Value {
    let tags = span["tags"].as_array().unwrap();
    tags.iter().find(|t| t["key"] == key).map(|t| t["value"].clone()).unwrap_or_default()
}

/// Own spans that were taken where they go.
fn n_told(perch: &Perch) -> u64 {
    let metrics = get(&format!("{}/metrics", perch.text("/api"))).unwrap().body;
    let row = "perch_own_spans_total{outcome=\"delivered\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(row)).map_or(0, |n| n.parse().unwrap())
}

#[test]
fn a_callers_trace_goes_on_through_reception_and_delivery() {
    for (protocol, at) in [("http/protobuf", "/otlp/http"), ("grpc", "/otlp/grpc")] {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut backend = collect(there.path(), "127.0.0.1:0", "telemetry: {}");
        let telemetry = traces(protocol, &backend.text(at));
        let mut perch = collect(here.path(), "127.0.0.1:0", &telemetry);
        send(&perch, 1, Some((0xa1, "00")));
        send(&perch, 2, Some((0xa2, "01")));
        let spans = whole(&backend, 0xa2, 2);
        let (received, delivered) =
            (named(&spans, "perch.receive"), named(&spans, "perch.deliver"));
        assert_eq!(received["references"][0]["spanID"], CALLER, "{protocol}");
        assert_eq!(delivered["references"][0]["spanID"], received["spanID"], "{protocol}");
        assert_eq!(tag(received, "perch.receiver"), "otlp");
        assert_eq!(tag(received, "perch.code"), "ok");
        assert_eq!(tag(delivered, "perch.exporter"), "debug");
        assert_eq!(tag(delivered, "perch.items"), 1);
        let unwanted = get(&format!("{}/api/traces/{}", backend.text("/api"), hex(0xa1))).unwrap();
        assert_eq!(unwanted.status, 404, "a caller that is not recorded makes no spans");
        assert!(perch.end_by(Signal::TERM).success());
        assert!(backend.end_by(Signal::TERM).success());
    }
}

#[test]
fn spans_that_come_back_make_no_others() {
    let at = free_address();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("http://{at}");
    let mut perch = collect(dir.path(), &at.to_string(), &traces("http/protobuf", &url));
    // One of the start, and of each request its reception and its delivery.
    for n in 1..=5 {
        send(&perch, n, None);
        let all = 1 + 2 * u64::from(n);
        wait_for("its spans came back", || (n_told(&perch) >= all).then_some(()));
        assert_eq!(n_told(&perch), all, "after {n} requests");
    }
    let services = get(&format!("{}/api/operations?service=perch", perch.text("/api"))).unwrap();
    for name in ["perch.collect.start", "perch.receive", "perch.deliver"] {
        assert!(services.body.contains(name), "{}", services.body);
    }
    assert!(perch.end_by(Signal::TERM).success());
}

#[test]
fn a_reload_is_told_and_leads_spans_elsewhere() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut backend = collect(there.path(), "127.0.0.1:0", "telemetry: {}");
    let mut perch = collect(here.path(), "127.0.0.1:0", "telemetry: {}");
    let file = here.path().join("perch.yaml");
    let before = std::fs::read_to_string(&file).unwrap();
    let telemetry = traces("http/protobuf", &backend.text("/otlp/http"));
    std::fs::write(&file, before.replace("telemetry: {}", &telemetry)).unwrap();
    let url =
        format!("{}/api/traces?service=perch&operation=perch.config.reload", backend.text("/api"));
    let span = wait_for("the reload is told", || {
        let found = get(&url)?.json();
        found["data"][0]["spans"].get(0).cloned()
    });
    assert_eq!(tag(&span, "outcome"), "applied");
    assert_eq!(tag(&span, "perch.changed"), "~service.telemetry.traces");
    // What receives was not touched by it.
    send(&perch, 3, Some((0xa3, "01")));
    whole(&backend, 0xa3, 2);
    assert!(perch.end_by(Signal::TERM).success());
    assert!(backend.end_by(Signal::TERM).success());
}
