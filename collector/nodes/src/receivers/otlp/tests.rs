//! The receiver on loopback, with a scripted intake behind it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::admission::{Budget, Marks};
use collector_otlp::client::{ClientOptions, ErrorKind, GrpcClient, HttpClient};
use collector_otlp::{Limits, Request};
use collector_pipeline::config::ComponentId;
use collector_pipeline::graph::{Admission, Intake};
use collector_pipeline::node::Started;
use collector_telemetry::Metrics;
use durable_fs::SystemClock;
use tokio_util::sync::CancellationToken;

use super::*;

const ANY: &str = "protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: 'localhost:0'}}";

fn context(metrics: &Metrics) -> NodeContext {
    let id = ComponentId::parse("otlp").unwrap();
    let (clock, metrics) = (Arc::new(SystemClock::new()), metrics.clone());
    NodeContext { id, clock, metrics, budget: Budget::default(), part_bytes: 1 << 20 }
}

fn one_log() -> Request {
    // resource_logs { scope_logs { log_records {} } }
    let bytes = Bytes::from_static(&[0x0a, 0x04, 0x12, 0x02, 0x12, 0x00]);
    Request::prove(Signal::Logs, bytes, &Limits::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_what_the_intake_says_over_both_transports() {
    let metrics = Metrics::new();
    let receiver = build(&Tree::parse(ANY).unwrap(), &context(&metrics)).unwrap();
    let says = Arc::new(Mutex::new(Admission::Accepted));
    let said = Arc::clone(&says);
    let intake = Intake::new(move |batch| {
        assert_eq!(batch.n_items, 1);
        said.lock().unwrap().clone()
    });
    let stop = CancellationToken::new();
    let Started { bound, work } = receiver.start(intake, stop.clone()).await.unwrap();
    let served = tokio::spawn(work);
    let url = |transport| {
        let at = bound.iter().find(|b| b.transport == transport).unwrap();
        format!("http://{}", at.addr)
    };
    let grpc = GrpcClient::new(&url("grpc"), ClientOptions::default()).unwrap();
    let http = HttpClient::new(&url("http"), ClientOptions::default()).unwrap();

    grpc.export(&one_log()).await.unwrap();
    http.export(&one_log()).await.unwrap();

    let retry_after = Duration::from_secs(3);
    *says.lock().unwrap() = Admission::Full { retry_after };
    let want = ErrorKind::Retryable { after: Some(retry_after) };
    let refused = grpc.export(&one_log()).await.unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (want, "RESOURCE_EXHAUSTED"));
    let refused = http.export(&one_log()).await.unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (want, "HTTP 429"));

    *says.lock().unwrap() = Admission::Unavailable { retry_after, message: "the log is ill" };
    assert_eq!(grpc.export(&one_log()).await.unwrap_err().code, "UNAVAILABLE");
    assert_eq!(http.export(&one_log()).await.unwrap_err().code, "HTTP 503");

    *says.lock().unwrap() = Admission::Unwanted;
    assert_eq!(grpc.export(&one_log()).await.unwrap_err().kind, ErrorKind::Permanent);
    assert_eq!(http.export(&one_log()).await.unwrap_err().code, "HTTP 400");

    let text = metrics.render();
    for code in ["ok", "full", "unavailable", "unwanted"] {
        for transport in ["grpc", "http"] {
            let row = format!("code=\"{code}\",receiver=\"otlp\",transport=\"{transport}\"}} 1");
            assert!(text.contains(&row), "{row} in\n{text}");
        }
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn both_transports_take_their_tickets_from_the_budget_of_the_process() {
    let metrics = Metrics::new();
    let budget = Budget::new(Marks::under(1 << 20));
    let all = budget.begin(1 << 20).unwrap();
    let context = NodeContext { budget: budget.clone(), ..context(&metrics) };
    let receiver = build(&Tree::parse(ANY).unwrap(), &context).unwrap();
    let stop = CancellationToken::new();
    let intake = Intake::new(|_| Admission::Accepted);
    let Started { bound, work } = receiver.start(intake, stop.clone()).await.unwrap();
    let served = tokio::spawn(work);
    let url = |transport| {
        let at = bound.iter().find(|b| b.transport == transport).unwrap();
        format!("http://{}", at.addr)
    };
    let grpc = GrpcClient::new(&url("grpc"), ClientOptions::default()).unwrap();
    let http = HttpClient::new(&url("http"), ClientOptions::default()).unwrap();
    assert_eq!(grpc.export(&one_log()).await.unwrap_err().code, "RESOURCE_EXHAUSTED");
    assert_eq!(http.export(&one_log()).await.unwrap_err().code, "HTTP 429");
    drop(all);
    grpc.export(&one_log()).await.unwrap();
    http.export(&one_log()).await.unwrap();
    let text = metrics.render();
    for transport in ["grpc", "http"] {
        let row = format!("code=\"no_memory\",receiver=\"otlp\",transport=\"{transport}\"}} 1");
        assert!(text.contains(&row), "{row} in\n{text}");
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let settings = Tree::parse(&format!("protocols: {{grpc: {{endpoint: '{addr}'}}}}")).unwrap();
    let receiver = build(&settings, &context(&Metrics::new())).unwrap();
    let intake = Intake::new(|_| Admission::Accepted);
    let failed = receiver.start(intake, CancellationToken::new()).await.err().unwrap();
    assert!(failed.to_string().contains(&addr.to_string()), "{failed}");
}

#[test]
fn settings_are_judged_at_their_place() {
    let said = |text: &str| {
        let tree = Tree::parse(text).unwrap();
        let read =
            tree.read::<Raw>().and_then(|raw| raw.resolve(&tree, &Budget::default()).map(|_| ()));
        read.err().map(|f| f.to_string()).unwrap_or_default()
    };
    assert!(said("protocols: {}").contains("no protocol is named"));
    assert!(said("{}").contains("no protocol is named"));
    assert!(
        said("protocols: {grpc: {endpoint: 'example.org:4317'}}").starts_with("1:30: endpoint: ")
    );
    assert!(said("protocols: {htpp: }").contains("did you mean `http`?"));
    assert_eq!(said("protocols: {grpc: , http: }"), "");
    let tls = |files: &str| said(&format!("protocols: {{grpc: {{tls: {{{files}}}}}}}"));
    assert_eq!(tls("cert_file: /no/c"), "1:25: tls: `cert_file` without its `key_file`");
    assert_eq!(tls(""), "1:25: tls: a listener needs `cert_file` and `key_file`");
    assert!(tls("cert_file: /no/c, key_file: /no/k").starts_with("1:25: tls: cannot read /no/c"));
    let auth = |auth: &str| said(&format!("protocols: {{http: {{auth: {{{auth}}}}}}}"));
    assert!(auth("").contains("there is no token"));
    assert!(auth("token: s3cret, scheme: Basic").contains("`Bearer`"));
    assert!(auth("filename: /no/tokens").contains("cannot read /no/tokens"));
    assert_eq!(auth("tokens: [s3cret, other]"), "");
}
