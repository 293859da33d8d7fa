//! Pages over real connections, who gets them, and what is counted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::{Limits, json};
use collector_pipeline::Batch;
use collector_pipeline::config::ComponentId;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Begun, Delivered};
use collector_telemetry::Metrics;
use durable_fs::ManualClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::*;

/// An exporter that serves.
struct Served {
    exporter: Arc<dyn Exporter>,
    clock: Arc<ManualClock>,
    metrics: Metrics,
    addr: std::net::SocketAddr,
    stop: CancellationToken,
    work: tokio::task::JoinHandle<()>,
}

fn built(settings: &str, clock: Arc<ManualClock>, metrics: &Metrics) -> Built<dyn Exporter> {
    let context = NodeContext {
        id: ComponentId::parse("prometheus").unwrap(),
        clock,
        metrics: metrics.clone(),
        budget: collector_otlp::admission::Budget::default(),
        part_bytes: 1 << 20,
    };
    build(&Tree::parse(settings).unwrap(), &context)
}

async fn served(more: &str) -> Served {
    let (clock, metrics) = (Arc::new(ManualClock::at(Duration::from_secs(42))), Metrics::new());
    let settings = format!("endpoint: 127.0.0.1:0\n{more}");
    let exporter = built(&settings, Arc::clone(&clock), &metrics).unwrap();
    let stop = CancellationToken::new();
    let started = exporter.start(stop.clone()).unwrap().await.unwrap();
    let addr = started.bound[0].addr;
    let work = tokio::spawn(async move { started.work.await.unwrap() });
    Served { exporter, clock, metrics, addr, stop, work }
}

impl Served {
    async fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let whole = format!("{request}Connection: close\r\n\r\n");
        stream.write_all(whole.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    }

    async fn scrape(&self, accept: &str) -> String {
        self.ask(&format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nAccept: {accept}\r\n", self.addr))
            .await
    }
}

/// `n` series of one gauge.
fn gauge(n: u32) -> Batch {
    let point = |i| {
        format!(
            r#"{{"timeUnixNano":"1700000000000000000","asInt":"{i}","attributes":[{{"key":"i","value":{{"intValue":"{i}"}}}}]}}"#
        )
    };
    let points: Vec<String> = (0..n).map(point).collect();
    let text = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"g","gauge":{{"dataPoints":[{}]}}}}]}}]}}]}}"#,
        points.join(",")
    );
    let limits = Limits::default();
    let payload = json::to_protobuf(Signal::Metrics, text.as_bytes(), &limits).unwrap();
    Batch::prove(Signal::Metrics, Bytes::from(payload), &limits).unwrap()
}

#[tokio::test]
async fn what_was_exported_is_scraped_until_it_expires() {
    let served = served("metric_expiration: 10s\nconst_labels: {cluster: eu1}").await;
    assert_eq!(served.exporter.export(&gauge(2), &Begun::default()).await, Ok(Delivered::whole()));
    let reply = served.scrape("text/plain").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(
        reply.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"),
        "{reply}"
    );
    assert!(reply.contains("\ng{cluster=\"eu1\",i=\"1\"} 1\n"), "{reply}");
    let reply = served.scrape("application/openmetrics-text;version=1.0.0,text/plain;q=0.5").await;
    assert!(reply.contains("content-type: application/openmetrics-text; version=1.0.0"), "{reply}");
    assert!(reply.ends_with("# EOF\n"), "{reply}");
    served.clock.advance(Duration::from_secs(10));
    assert!(!served.scrape("text/plain").await.contains("g{"));
    let said = served.metrics.render();
    assert!(said.contains("perch_exposition_series{exporter=\"prometheus\"} 0\n"), "{said}");
    let scrapes = "perch_exposition_scrapes_total{code=\"200\",exporter=\"prometheus\"} 3\n";
    assert!(said.contains(scrapes), "{said}");
}

#[tokio::test]
async fn strangers_and_other_requests_are_refused() {
    let served = served("auth: {token: s3cret}").await;
    let host = served.addr;
    for (request, status) in [
        ("GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n".to_owned(), 421),
        (format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n"), 401),
        (format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer s3cret\r\n"), 200),
        (
            format!("HEAD /metrics HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer s3cret\r\n"),
            200,
        ),
        (
            format!("POST /metrics HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer s3cret\r\n"),
            405,
        ),
        (format!("GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer s3cret\r\n"), 404),
    ] {
        let reply = served.ask(&request).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {reply}");
    }
}

#[tokio::test]
async fn what_finds_no_room_is_said_and_counted() {
    let served = served("max_series: 3").await;
    let delivered = served.exporter.export(&gauge(5), &Begun::default()).await.unwrap();
    assert_eq!(delivered.dropped, [(Reason::Unsupported, 2)]);
    assert_eq!(delivered.message, "more series than max_series");
    let said = served.metrics.render();
    let counted = "perch_exposition_overflow_points_total{exporter=\"prometheus\"} 2\n";
    assert!(said.contains(counted), "{said}");
}

#[tokio::test]
async fn it_ends_when_told_to_and_frees_its_port() {
    let served = served("").await;
    served.stop.cancel();
    served.work.await.unwrap();
    tokio::net::TcpListener::bind(served.addr).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let first = served("").await;
    let settings = format!("endpoint: {}", first.addr);
    let second = built(&settings, Arc::clone(&first.clock), &Metrics::new()).unwrap();
    let error = second.start(CancellationToken::new()).unwrap().await.err().unwrap();
    assert!(error.to_string().contains(&first.addr.to_string()), "{error}");
}

#[test]
fn settings_that_cannot_work_say_why_and_where() {
    let refused = |settings: &str| {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        built(settings, clock, &Metrics::new()).err().map(|f| f.to_string()).unwrap_or_default()
    };
    for (settings, want) in [
        ("{}", "1:1: `endpoint` is missing (for example endpoint: 127.0.0.1:9464)"),
        ("{endpoint: here}", "1:12: endpoint: `here` is not an address to listen on"),
        ("{endpoint: 'localhost:1', max_series: 0}", "max_series: nothing would be shown"),
        ("{endpoint: 'localhost:1', add_metric_suffixes: false}", "names carry unit and `_total`"),
        ("{endpoint: 'localhost:1', metric_expiry: 5m}", "did you mean `metric_expiration`?"),
        ("{endpoint: 'localhost:1', const_labels: {'a b': c}}", "`a b` is not a label"),
    ] {
        assert!(refused(settings).contains(want), "{settings}: {}", refused(settings));
    }
    assert_eq!(
        refused("{endpoint: '[::1]:1', resource_to_telemetry_conversion: {enabled: false}}"),
        ""
    );
}
