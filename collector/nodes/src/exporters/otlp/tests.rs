//! The conformance suite over both transports, then what is special to OTLP.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::server::{Reply, ServerOptions, Sink, bind};
use collector_otlp::{Encoding, Limits, Request, inflate, json};
use collector_pipeline::Batch;
use collector_pipeline::config::Tree;

use collector_pipeline::node::{Begun, Delivered};

use super::*;
use crate::conformance::{Answer, Backend, Rig, conforms};
use crate::sink::{HttpSink, Success};

/// Our own OTLP server with scripted replies.
struct Otlp {
    url: String,
    shared: Arc<Script>,
}

struct Script {
    answer: Mutex<Answer>,
    n_requests: AtomicUsize,
    n_items: AtomicU64,
    last: Mutex<Option<Request>>,
}

impl Sink for Script {
    fn accept(&self, request: Request) -> impl Future<Output = Reply> + Send {
        self.n_requests.fetch_add(1, SeqCst);
        let reply = match *self.answer.lock().unwrap() {
            Answer::Take => {
                self.n_items.fetch_add(u64::from(request.n_items), SeqCst);
                Reply::Accepted
            }
            Answer::Later(seconds) => Reply::Unavailable {
                retry_after: seconds
                    .map_or(Duration::from_millis(1), |s| Duration::from_secs(s.into())),
                message: Cow::Borrowed("not now"),
            },
            Answer::Refuse => Reply::Invalid { message: "no".to_owned() },
        };
        *self.last.lock().unwrap() = Some(request);
        std::future::ready(reply)
    }
}

impl Otlp {
    async fn start(protocol: Protocol) -> Self {
        let any = Some("127.0.0.1:0".parse().unwrap());
        let options = match protocol {
            Protocol::Grpc => ServerOptions { grpc: any, ..Default::default() },
            Protocol::Http => ServerOptions { http: any, ..Default::default() },
        };
        let bound = bind(options).await.unwrap();
        let addr = bound.grpc_addr().or(bound.http_addr()).unwrap();
        let shared = Arc::new(Script {
            answer: Mutex::new(Answer::Take),
            n_requests: AtomicUsize::new(0),
            n_items: AtomicU64::new(0),
            last: Mutex::default(),
        });
        tokio::spawn(bound.serve(Arc::clone(&shared), std::future::pending()));
        Self { url: format!("http://{addr}"), shared }
    }
}

impl Backend for Otlp {
    fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    fn n_requests(&self) -> usize {
        self.shared.n_requests.load(SeqCst)
    }

    fn n_items(&self) -> u64 {
        self.shared.n_items.load(SeqCst)
    }

    fn url(&self) -> String {
        self.url.clone()
    }
}

fn spans(n: u32) -> Batch {
    let span =
        r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"a"}"#;
    let spans = vec![span; n as usize].join(",");
    let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
    let limits = Limits::default();
    let payload = json::to_protobuf(Signal::Traces, text.as_bytes(), &limits).unwrap();
    Batch::prove(Signal::Traces, Bytes::from(payload), &limits).unwrap()
}

async fn suite(protocol: Protocol, kind: &ExporterKind) {
    let settings = |url: &str| format!("endpoint: {url}\ntimeout: 5s");
    let handle = tokio::runtime::Handle::current();
    let backend = || -> Arc<dyn Backend> {
        Arc::new(tokio::task::block_in_place(|| handle.block_on(Otlp::start(protocol))))
    };
    conforms(&Rig { kind, settings: &settings, backend: &backend, batch: &spans }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_conforms() {
    suite(Protocol::Grpc, &GRPC).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_conforms() {
    suite(Protocol::Http, &HTTP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_bytes_leave_as_they_came() {
    for (protocol, kind) in [(Protocol::Grpc, &GRPC), (Protocol::Http, &HTTP)] {
        let backend = Otlp::start(protocol).await;
        let settings = format!("endpoint: {}\ncompression: gzip", backend.url);
        let exporter = build(protocol, &Tree::parse(&settings).unwrap()).unwrap();
        let mut batch = spans(50);
        let bytes = Bytes::from(inflate::compress(Encoding::Gzip, &batch.payload).unwrap());
        let carried = collector_otlp::Encoded { encoding: Encoding::Gzip, bytes };
        batch.payload = collector_otlp::Payload::restored(carried, batch.payload.len());
        exporter.export(&batch, &Begun::default()).await.unwrap();
        let got = backend.shared.last.lock().unwrap().clone().unwrap();
        assert_eq!(got, batch, "{}", kind.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_go_where_they_are_told_in_the_form_they_are_told() {
    let sink = HttpSink::answering(|_| 1, |_| Success { status: "200 OK", headers: String::new() });
    let url = sink.url();
    let settings = format!(
        "logs_endpoint: {url}/otlp/v1/logs\ntraces_endpoint: {url}/else\nencoding: json\ncompression: gzip"
    );
    let exporter = build(Protocol::Http, &Tree::parse(&settings).unwrap()).unwrap();
    exporter.export(&spans(3), &Begun::default()).await.unwrap();
    let got = &sink.got()[0];
    assert_eq!(got.line, "POST /else HTTP/1.1");
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.header("content-encoding"), Some("gzip"));
    let limits = Limits::default();
    let text = inflate::inflate(Encoding::Gzip, &got.body, &limits).unwrap();
    let protobuf = json::to_protobuf(Signal::Traces, &text, &limits).unwrap();
    assert_eq!(protobuf, spans(3).payload[..]);
    assert_eq!(exporter.carries(Signal::Logs), Ok(()));
    let nowhere = exporter.carries(Signal::Metrics).unwrap_err();
    assert_eq!(nowhere, "write `endpoint` or `metrics_endpoint`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_understood_by_our_own_receiver() {
    let backend = Otlp::start(Protocol::Http).await;
    let settings = format!("endpoint: {}\nencoding: json", backend.url);
    let exporter = build(Protocol::Http, &Tree::parse(&settings).unwrap()).unwrap();
    assert_eq!(exporter.export(&spans(7), &Begun::default()).await, Ok(Delivered::whole()));
    let got = backend.shared.last.lock().unwrap().clone().unwrap();
    assert_eq!((got.n_items, got.payload), (7, spans(7).payload));
    backend.answer(Answer::Refuse);
    let error = exporter.export(&spans(1), &Begun::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "HTTP 400: no");
}

#[test]
fn nothing_is_sent_in_the_clear_by_mistake() {
    let refused = |text: &str| {
        let tree = Tree::parse(text).unwrap();
        build(Protocol::Grpc, &tree).err().map(|f| f.to_string()).unwrap_or_default()
    };
    let https = "{endpoint: 'https://tempo:4317', tls: {insecure: true}}";
    assert!(
        refused(https).starts_with("1:39: tls: `insecure` asks for plain text"),
        "{}",
        refused(https)
    );
    let plain = "{endpoint: 'http://tempo:4317', tls: {ca_file: x}}";
    assert!(refused(plain).contains("in the clear (write https://tempo:4317)"));
    let verify = "{endpoint: 'tempo:4317', tls: {insecure_skip_verify: true}}";
    assert!(refused(verify).contains("always verified"));
    assert!(refused("endpoint: ftp://tempo:4317").contains("the scheme `ftp` is not spoken here"));
    assert!(refused("tls: {insecure: true}").contains("`endpoint` is missing"));
    assert!(
        refused("{endpoint: 'tempo:4317', tls: {ca_file: /no/x}}").contains("cannot read /no/x")
    );
    assert_eq!(refused("{endpoint: 'tempo:4317', tls: {insecure: true}}"), "");
    let secret = refused("{endpoint: 'http://a:1', headers: {authorization: \"s3cret\\n\"}}");
    assert!(secret.contains("authorization") && !secret.contains("s3cret"), "{secret}");
}
