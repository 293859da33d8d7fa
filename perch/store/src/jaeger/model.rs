//! Jaeger's JSON model. Times and durations are microseconds.

use std::collections::BTreeMap;

use collector_otlp::TraceId;
use serde::Serialize;
use serde_json::Value;

/// A trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Its id: 16 hex digits where the upper half is zero, else 32.
    #[serde(rename = "traceID")]
    pub trace_id: String,
    /// Its spans by start.
    pub spans: Vec<Span>,
    /// Processes by the ids that spans refer to.
    pub processes: BTreeMap<String, Process>,
    /// What is wrong with it; null if nothing.
    pub warnings: Option<Vec<String>>,
}

/// A span.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The trace's id.
    #[serde(rename = "traceID")]
    pub trace_id: String,
    /// Its id, 16 hex digits.
    #[serde(rename = "spanID")]
    pub span_id: String,
    /// W3C trace flags.
    pub flags: u32,
    /// Its name.
    pub operation_name: String,
    /// Its parent and its links.
    pub references: Vec<Reference>,
    /// When it started.
    pub start_time: u64,
    /// How long it took.
    pub duration: u64,
    /// Attributes, and what OTLP keeps in fields of their own.
    pub tags: Vec<KeyValue>,
    /// Its events.
    pub logs: Vec<Log>,
    /// Which process it ran in.
    #[serde(rename = "processID")]
    pub process_id: String,
    /// What is wrong with it; null if nothing.
    pub warnings: Option<Vec<String>>,
}

/// A span this one points at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// `CHILD_OF` for the parent, `FOLLOWS_FROM` for links.
    #[serde(rename = "refType")]
    pub ref_type: &'static str,
    /// Its trace.
    #[serde(rename = "traceID")]
    pub trace_id: String,
    /// The span.
    #[serde(rename = "spanID")]
    pub span_id: String,
}

/// An event of a span.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Log {
    /// When.
    pub timestamp: u64,
    /// Its name under `event`, and its attributes.
    pub fields: Vec<KeyValue>,
}

/// A typed tag.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyValue {
    /// Its key.
    pub key: String,
    /// `string`, `bool`, `int64`, `float64` or `binary`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its value; integers beyond JavaScript's are text.
    pub value: Value,
}

/// What ran the spans.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// `service.name`.
    pub service_name: String,
    /// The resource's other attributes.
    pub tags: Vec<KeyValue>,
}

impl Trace {
    /// A trace of these parts; no warnings become null.
    #[must_use]
    pub fn new(
        id: TraceId,
        spans: Vec<Span>,
        processes: BTreeMap<String, Process>,
        warnings: Vec<String>,
    ) -> Self {
        let warnings = (!warnings.is_empty()).then_some(warnings);
        Self { trace_id: trace_text(id), spans, processes, warnings }
    }
}

impl KeyValue {
    /// The value as text, the form in which searches compare.
    #[must_use]
    pub fn text(&self) -> String {
        self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned)
    }
}

/// A trace id as Jaeger writes it: the upper half is left out where it is zero.
pub(crate) fn trace_text(id: TraceId) -> String {
    let hex = id.to_string();
    if id.0[..8] == [0; 8] { hex[16..].to_owned() } else { hex }
}

/// Reads a trace id of up to 32 hex digits, shorter ones padded on the left.
pub(crate) fn read_trace_id(text: &str) -> Option<TraceId> {
    let sound = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    sound.then(|| format!("{text:0>32}").parse().ok()).flatten()
}
