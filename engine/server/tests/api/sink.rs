//! A server that keeps what it is sent: a collector, or Perch, as small as can be.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// One kept request.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The sink; it serves as long as its runtime lives.
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    pub(crate) url: String,
    kept: Arc<Mutex<Vec<Kept>>>,
}

impl Sink {
    /// A sink that answers everything with `{}`.
    pub(crate) async fn start() -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let router = Router::new().fallback(keep).with_state(Arc::clone(&kept));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, kept }
    }

    pub(crate) fn kept(&self) -> Vec<Kept> {
        self.kept.lock().unwrap().clone()
    }

    /// Spans of a trace that came as protobuf.
    pub(crate) fn spans(&self, trace_id: &str) -> Vec<Span> {
        let requests = self.decoded::<ExportTraceServiceRequest>("/v1/traces");
        let spans = requests.into_iter().flat_map(|r| r.resource_spans);
        let spans = spans.flat_map(|r| r.scope_spans).flat_map(|s| s.spans);
        spans.filter(|span| hex::encode(&span.trace_id) == trace_id).collect()
    }

    /// Log records of a trace.
    pub(crate) fn records(&self, trace_id: &str) -> Vec<LogRecord> {
        let requests = self.decoded::<ExportLogsServiceRequest>("/v1/logs");
        let records = requests.into_iter().flat_map(|r| r.resource_logs);
        let records = records.flat_map(|r| r.scope_logs).flat_map(|s| s.log_records);
        records.filter(|record| hex::encode(&record.trace_id) == trace_id).collect()
    }

    fn decoded<M: Message + Default>(&self, path: &str) -> Vec<M> {
        let kept = self.kept();
        let bodies = kept.iter().filter(|k| k.target == path).map(|k| k.body.clone());
        bodies.map(|body| M::decode(body).unwrap()).collect()
    }
}

/// Text of a span's attribute.
pub(crate) fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = &span.attributes.iter().find(|kv| kv.key == key)?.value;
    match value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(n) => Some(n.to_string()),
        other => Some(format!("{other:?}")),
    }
}

async fn keep(State(kept): State<Arc<Mutex<Vec<Kept>>>>, request: Request) -> &'static str {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.uri.to_string();
    kept.lock().unwrap().push(Kept { target, headers: parts.headers, body });
    "{}"
}
