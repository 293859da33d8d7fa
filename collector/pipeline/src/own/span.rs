//! One span, from its beginning to its end.

use bytes::Bytes;
use collector_otlp::{Limits, Signal, json};
use serde_json::{Value, json};

use super::traces::OwnTraces;
use crate::Batch;

/// A span that has begun.
#[derive(Debug)]
#[must_use]
pub struct Begun {
    own: OwnTraces,
    name: &'static str,
    started_unix_nano: u64,
    attributes: Vec<Value>,
    error: Option<String>,
}

impl Begun {
    pub(super) fn new(own: OwnTraces, name: &'static str, started_unix_nano: u64) -> Self {
        Self { own, name, started_unix_nano, attributes: Vec::new(), error: None }
    }

    /// Adds an attribute of the catalogue.
    pub fn with(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push(json!({"key": key, "value": {"stringValue": value}}));
        self
    }

    /// It ends badly.
    pub fn failed(mut self, message: &str) -> Self {
        self.error = Some(message.to_owned());
        self
    }

    /// Ends it now.
    pub fn end(self) {
        let own = self.own.clone();
        own.finish(self);
    }

    /// The request that carries it.
    pub(super) fn request(self, ended_unix_nano: u64) -> Option<Batch> {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let (trace_id, span_id): ([u8; 16], [u8; 8]) = (rand::random(), rand::random());
        let status = self.error.map_or_else(|| json!({}), |m| json!({"code": 2, "message": m}));
        let service = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let request = json!({"resourceSpans": [{
            "resource": {"attributes": [
                service("service.name", "perch"),
                service("service.version", env!("CARGO_PKG_VERSION")),
            ]},
            "scopeSpans": [{"scope": {"name": "perch.collect"}, "spans": [{
                "traceId": hex(&trace_id),
                "spanId": hex(&span_id),
                "name": self.name,
                "kind": 1,
                "startTimeUnixNano": self.started_unix_nano.to_string(),
                "endTimeUnixNano": ended_unix_nano.to_string(),
                "attributes": self.attributes,
                "status": status,
            }]}],
        }]});
        let limits = Limits::default();
        let body =
            json::to_protobuf(Signal::Traces, request.to_string().as_bytes(), &limits).ok()?;
        Batch::prove(Signal::Traces, Bytes::from(body), &limits).ok()
    }
}
