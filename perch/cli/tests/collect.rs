//! `perch collect` end to end: OTLP in over both transports, traces and logs read back with no
//! backend at all, also after it was killed.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rustix::process::Signal;
use serde_json::Value;
use support::{Perch, call, get, perch, wait_for};

/// 2026-01-01 in nanoseconds.
const THEN: u64 = 1_767_225_600_000_000_000;
const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

fn collect(dir: &Path, storage: bool) -> Perch {
    let storage = if storage {
        format!("storage: {{ directory: \"{}/storage\" }}\n", dir.display())
    } else {
        String::new()
    };
    let yaml = format!(
        "receivers:\n  otlp:\n    protocols:\n      grpc: {{ endpoint: \"127.0.0.1:0\" }}\n      \
         http: {{ endpoint: \"127.0.0.1:0\" }}\n{storage}service:\n  pipelines:\n    \
         traces: {{ receivers: [otlp] }}\n    logs: {{ receivers: [otlp] }}\n"
    );
    let file = dir.join("perch.yaml");
    std::fs::write(&file, yaml).unwrap();
    let mut command = perch();
    command.arg("collect").arg("--config").arg(file).args(["--api-listen", "127.0.0.1:0"]);
    Perch::start(&mut command).unwrap_or_else(|(status, said)| panic!("{status}: {said}"))
}

fn resource() -> Option<Resource> {
    let name = AnyValue { value: Some(Any::StringValue("nestr".into())) };
    let pair = KeyValue { key: "service.name".into(), value: Some(name), ..Default::default() };
    Some(Resource { attributes: vec![pair], ..Default::default() })
}

fn spans(trace: u8, ids: &[u8]) -> ExportTraceServiceRequest {
    let span = |id: &u8| Span {
        trace_id: vec![trace; 16],
        span_id: vec![*id; 8],
        name: format!("operation-{id}"),
        start_time_unix_nano: THEN,
        end_time_unix_nano: THEN + 1_000_000,
        ..Default::default()
    };
    let scope_spans =
        vec![ScopeSpans { spans: ids.iter().map(span).collect(), ..Default::default() }];
    let resource_spans = ResourceSpans { resource: resource(), scope_spans, ..Default::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

fn lines(trace: u8) -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: THEN,
        body: Some(AnyValue { value: Some(Any::StringValue("pellet recorded".into())) }),
        trace_id: vec![trace; 16],
        ..Default::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..Default::default() }];
    let resource_logs = ResourceLogs { resource: resource(), scope_logs, ..Default::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }
}

/// The sorted span ids of a trace, once it has as many.
fn whole(perch: &Perch, trace: u8, n: usize) -> Vec<String> {
    let url = format!("{}/api/traces/{}", perch.text("/api"), hex(trace));
    wait_for("the trace is whole", || {
        let reply = get(&url)?;
        if reply.status != 200 {
            return None;
        }
        let mut ids = texts(&reply.json()["data"][0]["spans"], "spanID");
        ids.sort();
        (ids.len() == n).then_some(ids)
    })
}

fn texts(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| Some(item[key].as_str()?.to_owned())).collect()
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(16)
}

async fn send_over_grpc(perch: &Perch, request: ExportTraceServiceRequest) {
    let mut client = TraceServiceClient::connect(perch.text("/otlp/grpc")).await.unwrap();
    client.export(request).await.unwrap();
}

#[test]
fn both_transports_are_read_back_and_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut first = collect(dir.path(), true);
    assert_eq!(first.text("/storage"), "disk");
    runtime.block_on(send_over_grpc(&first, spans(7, &[1, 2])));
    let http = first.text("/otlp/http");
    for (path, body) in
        [("v1/traces", spans(7, &[3]).encode_to_vec()), ("v1/logs", lines(7).encode_to_vec())]
    {
        let reply = call("POST", &format!("{http}/{path}"), &[PROTOBUF], &body).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let ids = whole(&first, 7, 3);
    first.end_by(Signal::KILL);

    let second = collect(dir.path(), true);
    assert_eq!(whole(&second, 7, 3), ids);
    let http = second.text("/otlp/http");
    let body = spans(7, &[4]).encode_to_vec();
    call("POST", &format!("{http}/v1/traces"), &[PROTOBUF], &body).unwrap();
    assert_eq!(whole(&second, 7, 4)[..3], ids);

    let api = second.text("/api");
    let end = THEN / 1_000 + 1;
    let found = get(&format!("{api}/api/traces?service=nestr&operation=operation-4&end={end}"));
    assert_eq!(texts(&found.unwrap().json()["data"], "traceID"), [hex(7)]);
    let url = format!("{api}/api/logs?trace_id={}", hex(7));
    let bodies = wait_for("the log line is found", || {
        let bodies = texts(&get(&url)?.json()["data"], "body");
        (!bodies.is_empty()).then_some(bodies)
    });
    assert_eq!(bodies, ["pellet recorded"]);
}

#[test]
fn without_storage_it_serves_the_ring_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut perch = collect(dir.path(), false);
    assert_eq!(perch.text("/storage"), "memory");
    let url = format!("{}/v1/traces", perch.text("/otlp/http"));
    call("POST", &url, &[PROTOBUF], &spans(9, &[1]).encode_to_vec()).unwrap();
    whole(&perch, 9, 1);
    let ledger = get(&format!("{}/api/ledger", perch.text("/api"))).unwrap().json();
    assert_eq!(ledger["edges"][0]["in"], 1, "{ledger}");
    let metrics = get(&format!("{}/metrics", perch.text("/api"))).unwrap().body;
    assert!(metrics.contains("perch_store_lag_bytes 0\n"), "{metrics}");
    assert!(perch.end_by(Signal::TERM).success());
    assert!(perch.said().contains("traces/otlp/log: in 1, delivered 1, dropped 0"));
}

#[test]
fn the_api_refuses_what_it_must() {
    let dir = tempfile::tempdir().unwrap();
    let perch = collect(dir.path(), false);
    let api = perch.text("/api");
    let status = |method: &str, path: &str, headers: &[(&str, &str)]| {
        call(method, &format!("{api}{path}"), headers, b"").unwrap().status
    };
    assert_eq!(status("GET", "/api/services", &[("Host", "rebound.example.org")]), 421);
    assert_eq!(status("GET", "/api/services", &[("Host", "localhost:1")]), 200);
    assert_eq!(status("POST", "/api/services", &[]), 405);
    assert_eq!(status("GET", "/api/traces", &[]), 400);
    assert_eq!(status("GET", "/api/traces/12", &[]), 404);
    assert_eq!(status("GET", "/api/secrets", &[]), 404);
    assert_eq!(status("GET", "/livez", &[]), 200);
    assert_eq!(status("GET", "/readyz?verbose", &[]), 200);
}

#[test]
fn off_loopback_it_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    drop(collect(dir.path(), false));
    let mut command = support::perch();
    command.arg("collect").arg("--config").arg(dir.path().join("perch.yaml"));
    command.args(["--api-listen", "0.0.0.0:0"]);
    let Err((status, said)) = Perch::start(&mut command) else { panic!("it started") };
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("beyond this machine"), "{said}");
}

#[test]
fn a_storage_folder_serves_one_collector() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = collect(dir.path(), true);
    let second = || {
        let mut command = support::perch();
        command.arg("collect").arg("--config").arg(dir.path().join("perch.yaml"));
        command.args(["--api-listen", "127.0.0.1:0"]);
        Perch::start(&mut command)
    };
    let Err((status, said)) = second() else { panic!("it started") };
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("storage.directory"), "{said}");
    first.end_by(Signal::KILL);
    second().map(drop).unwrap_or_else(|(status, said)| panic!("{status}: {said}"));
}

#[test]
fn check_finds_all_faults_with_their_places() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("perch.yaml");
    let yaml = "receivers:\n  otlp:\nservice:\n  pipelines:\n    traces: { receivers: [oltp] }\n    \
                logs: { receivers: [otlp], exporters: [lokki] }\n";
    std::fs::write(&file, yaml).unwrap();
    let output = perch().arg("check").arg("perch.yaml").current_dir(&dir).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    for place in ["perch.yaml:5:27: ", "perch.yaml:6:44: "] {
        assert!(text.contains(place), "{place} is missing in: {text}");
    }
}
