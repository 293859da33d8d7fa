//! `perch collect` reads its configuration again: on SIGHUP, and when the file says something else.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use rustix::process::Signal;
use support::{Perch, call, free_address, get, perch, send, wait_for};

/// A configuration with its receiver at `at`, and more under `service.pipelines`.
fn config(dir: &Path, at: SocketAddr, more: &str) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '{at}'}}}}}}}}\n\
         exporters: {{debug: {{max_lines: 1}}}}\nstorage: {{directory: '{}/storage'}}\n\
         service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}{more}}}}}\n",
        dir.display()
    )
}

fn start(dir: &Path, config: &str) -> Perch {
    std::fs::write(dir.join("perch.yaml"), config).unwrap();
    let mut command = perch();
    command.arg("collect").arg("--config").arg(dir.join("perch.yaml"));
    command.args(["--api-listen", "127.0.0.1:0"]);
    Perch::start(&mut command).unwrap_or_else(|(status, said)| panic!("{status}: {said}"))
}

const SPAN: &[u8] =
    br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c",
    "spanId":"b7ad6b7169203331","name":"a","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;

/// The status of a span sent to `at`; none where nobody listens.
fn post(at: SocketAddr, path: &str, body: &[u8]) -> Option<u16> {
    let url = format!("http://{at}{path}");
    call("POST", &url, &[("Content-Type", "application/json")], body).map(|reply| reply.status)
}

/// How many reloads had this outcome.
fn n_reloads(perch: &Perch, outcome: &str) -> u64 {
    let metrics = get(&format!("{}/metrics", perch.text("/api"))).unwrap().body;
    let row = format!("perch_config_reload_total{{outcome=\"{outcome}\"}} ");
    let found = metrics.lines().find_map(|line| line.strip_prefix(&row));
    found.map_or(0, |n| n.parse().unwrap())
}

fn until_reloaded(perch: &Perch, outcome: &str, n: u64) {
    wait_for(&format!("{n} reloads were {outcome}"), || {
        (n_reloads(perch, outcome) >= n).then_some(())
    });
}

#[test]
fn what_changed_is_in_force_and_what_is_broken_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("perch.yaml");
    let (first, second) = (free_address(), free_address());
    let mut collector = start(dir.path(), &config(dir.path(), first, ""));
    assert_eq!(post(first, "/v1/traces", SPAN), Some(200));

    std::fs::write(&file, config(dir.path(), second, "").replace("max_lines", "max_linse"))
        .unwrap();
    until_reloaded(&collector, "refused", 1);
    assert_eq!(post(first, "/v1/traces", SPAN), Some(200), "the one before stays in force");
    let ready = get(&format!("{}/readyz?verbose", collector.text("/api"))).unwrap();
    assert_eq!(ready.status, 200);
    assert!(ready.body.contains("[-]configuration read again, refused: "), "{}", ready.body);
    assert!(ready.body.contains("did you mean `max_lines`?"), "{}", ready.body);

    let logs = ", logs: {receivers: [otlp], exporters: [debug]}";
    std::fs::write(&file, config(dir.path(), second, logs)).unwrap();
    send(collector.pid(), Signal::HUP);
    until_reloaded(&collector, "applied", 1);
    assert_eq!(post(first, "/v1/traces", SPAN), None, "nobody listens there any more");
    assert_eq!(post(second, "/v1/traces", SPAN), Some(200));
    assert_eq!(post(second, "/v1/logs", br#"{"resourceLogs":[]}"#), Some(200), "a new pipeline");
    let ready = get(&format!("{}/readyz?verbose", collector.text("/api"))).unwrap().body;
    assert!(
        ready.contains("[+]configuration read again, applied: +pipelines.logs, ~receivers.otlp"),
        "{ready}"
    );
    assert!(collector.end_by(Signal::TERM).success());
}

#[test]
fn a_port_that_is_taken_brings_the_one_before_back() {
    let dir = tempfile::tempdir().unwrap();
    let first = free_address();
    let mut collector = start(dir.path(), &config(dir.path(), first, ""));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let second = taken.local_addr().unwrap();
    std::fs::write(dir.path().join("perch.yaml"), config(dir.path(), second, "")).unwrap();
    until_reloaded(&collector, "failed", 1);
    assert_eq!(post(first, "/v1/traces", SPAN), Some(200));
    assert!(collector.end_by(Signal::TERM).success());
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "others exchange the file; nothing of ours is kept by it"
)]
fn a_link_that_leads_elsewhere_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (first, second) = (free_address(), free_address());
    std::fs::write(at("one"), config(dir.path(), first, "")).unwrap();
    std::fs::write(at("two"), config(dir.path(), second, "")).unwrap();
    symlink("one", at("..data")).unwrap();
    symlink("..data", at("linked.yaml")).unwrap();
    let mut command = perch();
    command.arg("collect").arg("--config").arg(at("linked.yaml"));
    command.args(["--api-listen", "127.0.0.1:0"]);
    let started = Perch::start(&mut command);
    let mut collector = started.unwrap_or_else(|(status, said)| panic!("{status}: {said}"));
    symlink("two", at("..next")).unwrap();
    std::fs::rename(at("..next"), at("..data")).unwrap();
    until_reloaded(&collector, "applied", 1);
    assert_eq!(post(second, "/v1/traces", SPAN), Some(200));
    assert!(collector.end_by(Signal::TERM).success());
}

/// A collector that sends to `sink`, an exporter's setting more or less.
fn forwarding(dir: &Path, at: SocketAddr, sink: SocketAddr, timeout: u32) -> String {
    config(dir, at, "")
        .replace("debug: {max_lines: 1}", &format!(
            "otlp_http: {{endpoint: 'http://{sink}', timeout: {timeout}s, retry_on_failure: {{initial_interval: 10ms, max_interval: 50ms}}}}"
        ))
        .replace("[debug]", "[otlp_http]")
}

/// A collector that counts what comes.
fn sink(dir: &Path, at: SocketAddr) -> Perch {
    start(dir, &config(dir, at, ""))
}

/// Items that came into a pipeline's log.
fn n_taken(perch: &Perch) -> u64 {
    let ledger = get(&format!("{}/api/ledger", perch.text("/api"))).unwrap().json();
    let edges = ledger["edges"].as_array().unwrap();
    let into = edges.iter().find(|e| e["from"] == "otlp" && e["to"] == "log").unwrap();
    into["in"].as_u64().unwrap()
}

#[test]
fn another_endpoint_takes_over_where_the_one_before_stood() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (at, nobody, sink_at) = (free_address(), free_address(), free_address());
    let mut collector = start(dir.path(), &forwarding(dir.path(), at, nobody, 5));
    for _ in 0..30 {
        assert_eq!(post(at, "/v1/traces", SPAN), Some(200));
    }
    let mut sink = sink(other.path(), sink_at);
    std::fs::write(dir.path().join("perch.yaml"), forwarding(dir.path(), at, sink_at, 5)).unwrap();
    until_reloaded(&collector, "applied", 1);
    wait_for("all spans are there", || (n_taken(&sink) == 30).then_some(()));
    let ledger = get(&format!("{}/api/ledger", collector.text("/api"))).unwrap().json();
    let edge = ledger["edges"].as_array().unwrap().iter().find(|e| e["to"] == "otlp_http").unwrap();
    assert_eq!((edge["in"].as_u64(), edge["delivered"].as_u64()), (Some(30), Some(30)), "{ledger}");
    assert!(collector.end_by(Signal::TERM).success());
    assert!(sink.end_by(Signal::TERM).success());
    assert_eq!(post(at, "/v1/traces", SPAN), None);
}

#[test]
fn many_reloads_under_load_lose_nothing() {
    const N_RELOADS: u64 = 20;
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (at, sink_at) = (free_address(), free_address());
    let mut sink = sink(other.path(), sink_at);
    let mut collector = start(dir.path(), &forwarding(dir.path(), at, sink_at, 5));
    let stop = AtomicBool::new(false);
    let acked = AtomicU64::new(0);
    let n_acked = || acked.load(Relaxed);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                let taken = u64::from(post(at, "/v1/traces", SPAN) == Some(200));
                acked.fetch_add(taken, Relaxed);
            }
        });
        for n in 1..=N_RELOADS {
            let timeout = 5 + u32::try_from(n % 2).unwrap();
            let text = forwarding(dir.path(), at, sink_at, timeout);
            std::fs::write(dir.path().join("perch.yaml"), text).unwrap();
            send(collector.pid(), Signal::HUP);
            until_reloaded(&collector, "applied", n);
            let before = n_acked();
            wait_for("spans come through", || (n_acked() > before + 5).then_some(()));
        }
        stop.store(true, Relaxed);
    });
    let n_acked = n_acked();
    wait_for("every acknowledged span is there", || (n_taken(&sink) >= n_acked).then_some(()));
    let ledger = get(&format!("{}/api/ledger", collector.text("/api"))).unwrap().json();
    for edge in ledger["edges"].as_array().unwrap() {
        let n = |key: &str| edge[key].as_u64().unwrap();
        let n_dropped: u64 = edge["dropped"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(serde_json::Value::as_u64)
            .sum();
        assert_eq!(n("in"), n("delivered") + n_dropped + n("queued"), "{edge}");
        assert_eq!(n_dropped, 0, "{edge}");
    }
    // What was under way when an exporter was closed is sent again, and a reply that was cut off was no acknowledgement.
    let n_more = n_taken(&sink) - n_acked;
    assert!(n_more <= 4 * N_RELOADS, "{n_more} more than were acknowledged");
    assert!(collector.end_by(Signal::TERM).success());
    assert!(sink.end_by(Signal::TERM).success());
}

#[test]
fn another_storage_folder_is_refused_and_what_runs_goes_on() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = free_address();
    let mut collector = start(dir.path(), &config(dir.path(), at, ""));
    assert_eq!(post(at, "/v1/traces", SPAN), Some(200));
    std::fs::write(dir.path().join("perch.yaml"), config(other.path(), at, "")).unwrap();
    until_reloaded(&collector, "refused", 1);
    assert_eq!(post(at, "/v1/traces", SPAN), Some(200));
    assert_eq!(n_taken(&collector), 2, "the log of before goes on");
    assert!(!other.path().join("storage").exists(), "nothing is begun there");
    let ready = get(&format!("{}/readyz?format=json", collector.text("/api"))).unwrap().json();
    let error = &ready["configuration"]["error"];
    assert_eq!((&ready["ready"], &error["code"]), (&true.into(), &"config_refused".into()));
    let said = error["message"].as_str().unwrap();
    assert!(said.contains(":3:22: storage.directory: the logs in use lie in "), "{said}");
    assert!(said.contains("restart to begin there"), "{said}");
    assert!(collector.end_by(Signal::TERM).success());
}

/// Passes connections on to `far` and counts them.
fn counted(far: SocketAddr, n_connections: &'static AtomicU64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().map(Result::unwrap) {
            n_connections.fetch_add(1, Relaxed);
            let far = TcpStream::connect(far).unwrap();
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far.try_clone().unwrap(), near.try_clone().unwrap()),
            ] {
                std::thread::spawn(move || {
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    at
}

fn one_span() -> ExportTraceServiceRequest {
    let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..Default::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..Default::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans }
}

#[test]
fn a_connection_survives_the_reload_of_another_pipeline() {
    const N_RELOADS: u64 = 10;
    static N_CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    let dir = tempfile::tempdir().unwrap();
    let (grpc, http) = (free_address(), free_address());
    let text = |n: u64| {
        format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{grpc}'}}}}}},\n  \
             otlp/logs: {{protocols: {{http: {{endpoint: '{http}'}}}}}}}}\n\
             exporters: {{debug: {{max_lines: 1}}, debug/logs: {{max_lines: {}}}}}\n\
             service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}},\n  \
             logs: {{receivers: [otlp/logs], exporters: [debug/logs], ack_timeout: {}s}}}}}}\n",
            1 + n % 2,
            5 + n % 3
        )
    };
    let mut collector = start(dir.path(), &text(0));
    let (stop, n_sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let endpoint = format!("http://{}", counted(grpc, &N_CONNECTIONS));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let mut client = TraceServiceClient::connect(endpoint).await.unwrap();
                while !stop.load(Relaxed) {
                    client.export(one_span()).await.unwrap();
                    n_sent.fetch_add(1, Relaxed);
                }
            });
        });
        for n in 1..=N_RELOADS {
            std::fs::write(dir.path().join("perch.yaml"), text(n)).unwrap();
            send(collector.pid(), Signal::HUP);
            until_reloaded(&collector, "applied", n);
            assert_eq!(post(http, "/v1/logs", br#"{"resourceLogs":[]}"#), Some(200));
            let before = n_sent.load(Relaxed);
            wait_for("spans come through", || (n_sent.load(Relaxed) > before).then_some(()));
        }
        stop.store(true, Relaxed);
    });
    assert_eq!(N_CONNECTIONS.load(Relaxed), 1, "it is the connection of the beginning");
    assert_eq!(n_taken(&collector), n_sent.load(Relaxed), "no span was refused or sent again");
    assert!(collector.end_by(Signal::TERM).success());
}
