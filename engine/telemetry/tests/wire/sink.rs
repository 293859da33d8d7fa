//! A collector as small as can be: takes OTLP over HTTP on loopback and keeps what came, or hangs up.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

#[derive(Debug, Default)]
struct Kept {
    requests: Mutex<Vec<(String, Vec<u8>)>>,
    up: AtomicBool,
}

/// The sink; it serves as long as the process lives.
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    port: u16,
    kept: Arc<Kept>,
}

impl Sink {
    /// A sink on a free port that hangs up on every request until [`Sink::up`].
    pub(crate) fn down() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept = Arc::new(Kept::default());
        let shared = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&shared);
                std::thread::spawn(move || while serve(&stream, &kept).is_some() {});
            }
        });
        Self { port, kept }
    }

    /// A sink that takes everything.
    pub(crate) fn up() -> Self {
        let sink = Self::down();
        sink.rise();
        sink
    }

    pub(crate) fn rise(&self) {
        self.kept.up.store(true, Ordering::SeqCst);
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All spans with the attributes of their resource.
    pub(crate) fn spans(&self) -> Vec<(Vec<KeyValue>, Span)> {
        let requests = self.decoded::<ExportTraceServiceRequest>("/v1/traces");
        let resources = requests.into_iter().flat_map(|r| r.resource_spans);
        resources
            .flat_map(|r| {
                let about = r.resource.unwrap_or_default().attributes;
                let spans = r.scope_spans.into_iter().flat_map(|s| s.spans);
                spans.map(move |span| (about.clone(), span)).collect::<Vec<_>>()
            })
            .collect()
    }

    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let requests = self.decoded::<ExportMetricsServiceRequest>("/v1/metrics");
        let resources = requests.into_iter().flat_map(|r| r.resource_metrics);
        resources.flat_map(|r| r.scope_metrics).flat_map(|s| s.metrics).collect()
    }

    pub(crate) fn records(&self) -> Vec<LogRecord> {
        let requests = self.decoded::<ExportLogsServiceRequest>("/v1/logs");
        let resources = requests.into_iter().flat_map(|r| r.resource_logs);
        resources.flat_map(|r| r.scope_logs).flat_map(|s| s.log_records).collect()
    }

    fn decoded<M: Message + Default>(&self, path: &str) -> Vec<M> {
        let requests = self.kept.requests.lock().unwrap();
        let bodies = requests.iter().filter(|(p, _)| p == path).map(|(_, body)| body);
        bodies.map(|body| M::decode(body.as_slice()).unwrap()).collect()
    }
}

/// Text of an attribute; numbers as text.
pub(crate) fn attribute(all: &[KeyValue], key: &str) -> Option<String> {
    let value = &all.iter().find(|kv| kv.key == key)?.value;
    match value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(n) => Some(n.to_string()),
        other => Some(format!("{other:?}")),
    }
}

/// Serves one request; `None` when the connection is over.
fn serve(stream: &TcpStream, kept: &Kept) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if !kept.up.load(Ordering::SeqCst) {
        return None;
    }
    let path = head[0].split(' ').nth(1)?.to_owned();
    kept.requests.lock().unwrap().push((path, body));
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}
