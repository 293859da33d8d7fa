//! One span, from its beginning to its end, and many of them as a request.

use bytes::Bytes;
use collector_otlp::{Caller, Limits, Signal, SpanId, TraceId, json};
use serde_json::{Value, json};

use super::SCOPE;
use crate::Batch;

/// Who a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    trace: TraceId,
    span: SpanId,
}

/// A span that has ended.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) context: Context,
    pub(super) parent: Option<SpanId>,
    pub(super) started: u64,
    pub(super) ended: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) error: Option<String>,
}

/// OTLP's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

impl Context {
    /// The root of a trace.
    pub(super) fn random() -> Self {
        Self { trace: TraceId(rand::random()), span: SpanId(rand::random()) }
    }

    /// A span under one elsewhere.
    pub(super) fn under(caller: &Caller) -> Self {
        Self { trace: caller.trace, span: SpanId(rand::random()) }
    }

    /// A span under this one, and what is above it.
    pub(super) fn child(self) -> (Self, SpanId) {
        (Self { span: SpanId(rand::random()), ..self }, self.span)
    }
}

/// The request that carries `spans`.
pub(super) fn request(spans: &[Span]) -> Option<Batch> {
    let attribute = |key: &str, value: &Value| match value {
        Value::Number(n) => json!({"key": key, "value": {"intValue": n.to_string()}}),
        other => json!({"key": key, "value": {"stringValue": other.as_str().unwrap_or_default()}}),
    };
    let spans: Vec<Value> = spans
        .iter()
        .map(|span| {
            let attributes = span.attributes.iter().map(|(key, value)| attribute(key, value));
            let parent = span.parent.map(|id| id.to_string()).unwrap_or_default();
            let status = match &span.error {
                Some(message) => json!({"code": 2, "message": message}),
                None => json!({}),
            };
            json!({
                "traceId": span.context.trace.to_string(),
                "spanId": span.context.span.to_string(),
                "parentSpanId": parent,
                "name": span.name,
                "kind": span.kind as u8,
                "startTimeUnixNano": span.started.to_string(),
                "endTimeUnixNano": span.ended.to_string(),
                "attributes": attributes.collect::<Vec<_>>(),
                "status": status,
            })
        })
        .collect();
    let of_us = [("service.name", "perch"), ("service.version", env!("CARGO_PKG_VERSION"))];
    let of_us = of_us.map(|(key, value)| attribute(key, &value.into()));
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": of_us},
        "scopeSpans": [{"scope": {"name": SCOPE}, "spans": spans}],
    }]});
    let limits = Limits::default();
    let body = json::to_protobuf(Signal::Traces, request.to_string().as_bytes(), &limits).ok()?;
    Batch::prove(Signal::Traces, Bytes::from(body), &limits).ok()
}
