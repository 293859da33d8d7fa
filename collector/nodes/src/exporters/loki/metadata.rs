//! Stream labels, and everything else as structured metadata.

use std::fmt::Write as _;

use collector_otlp::view::{KeyValueView, LogRecordView, ResourceView, ScopeView};
use collector_telemetry::names::attr;

use super::config::Limits;
use super::messages::Pair;

/// What streams are told apart by: few values each, or Loki drowns in streams.
const LABELS: [(&str, &str); 3] = [
    ("deployment.environment.name", "deployment_environment_name"),
    ("service.name", "service_name"),
    ("service.namespace", "service_namespace"),
];

/// Loki refuses a stream without labels; OpenTelemetry has this word for the case.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// Labels of the stream that a resource's records go to, as Loki reads them.
pub(super) fn labels(resource: &ResourceView<'_>) -> String {
    let mut out = String::from("{");
    for (key, label) in LABELS {
        let value = resource.attributes().get(key).map(|v| v.to_string()).unwrap_or_default();
        let value = match value.as_str() {
            "" if label == "service_name" => UNKNOWN_SERVICE,
            "" => continue,
            value => value,
        };
        let separator = if out.len() > 1 { ", " } else { "" };
        let _ = write!(out, "{separator}{label}={}", quoted(value));
    }
    out.push('}');
    out
}

/// A string as Go reads it, which is how Loki reads labels.
fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Structured metadata of one record, in the order it is added; names are unique.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    pairs: Vec<Pair>,
    n_bytes: usize,
    n_left_out: u32,
}

impl Metadata {
    /// What a record says about itself, then what its scope and its resource say.
    pub(super) fn of(
        record: &LogRecordView<'_>,
        scope: &ScopeView<'_>,
        resource: &ResourceView<'_>,
        limits: &Limits,
    ) -> Vec<Pair> {
        let mut metadata = Self::default();
        metadata.own(record, limits);
        metadata.attributes(record.attributes(), limits);
        for (name, value) in [("scope_name", scope.name), ("scope_version", scope.version)] {
            metadata.add(name.to_owned(), value.to_owned(), limits);
        }
        metadata.attributes(scope.attributes(), limits);
        let rest = resource.attributes().filter(|a| LABELS.iter().all(|(key, _)| *key != a.key));
        metadata.attributes(rest, limits);
        metadata.finish()
    }

    fn own(&mut self, record: &LogRecordView<'_>, limits: &Limits) {
        if !record.trace_id.is_zero() {
            self.add("trace_id".to_owned(), record.trace_id.to_string(), limits);
        }
        if !record.span_id.is_zero() {
            self.add("span_id".to_owned(), record.span_id.to_string(), limits);
        }
        let severity = match record.severity_text {
            "" => record.severity_name(),
            text => text,
        };
        self.add("severity_text".to_owned(), severity.to_owned(), limits);
        if record.severity_number != 0 {
            self.add("severity_number".to_owned(), record.severity_number.to_string(), limits);
        }
        self.add("event_name".to_owned(), record.event_name.to_owned(), limits);
    }

    fn attributes<'a>(
        &mut self,
        attributes: impl Iterator<Item = KeyValueView<'a>>,
        limits: &Limits,
    ) {
        for attribute in attributes {
            self.add(name(attribute.key), attribute.value.to_string(), limits);
        }
    }

    /// Adds a pair. What has the name of another is joined to it, except to what the record says about itself:
    /// a trace id must stay one.
    fn add(&mut self, name: String, value: String, limits: &Limits) {
        if name.is_empty() || value.is_empty() {
            return;
        }
        if let Some(known) = self.pairs.iter().position(|p| p.name == name) {
            if self.pairs[known].value == value {
                return;
            }
            if OWN.contains(&name.as_str()) {
                return self.add(format!("attribute_{name}"), value, limits);
            }
            if self.has_room(1 + value.len(), 0, limits) {
                self.n_bytes += 1 + value.len();
                self.pairs[known].value.push(';');
                self.pairs[known].value.push_str(&value);
            }
            return;
        }
        if self.has_room(name.len() + value.len(), 1, limits) {
            self.n_bytes += name.len() + value.len();
            self.pairs.push(Pair { name, value });
        }
    }

    fn has_room(&mut self, n_bytes: usize, n_pairs: usize, limits: &Limits) -> bool {
        let fits = self.n_bytes + n_bytes <= limits.max_metadata_bytes
            && self.pairs.len() + n_pairs <= limits.max_metadata_pairs;
        self.n_left_out += u32::from(!fits);
        fits
    }

    fn finish(mut self) -> Vec<Pair> {
        if self.n_left_out > 0 {
            let (name, value) =
                (attr::PERCH_LEFT_OUT.replace('.', "_"), self.n_left_out.to_string());
            self.pairs.push(Pair { name, value });
        }
        self.pairs
    }
}

/// Names of what a record says about itself.
const OWN: [&str; 5] = ["trace_id", "span_id", "severity_text", "severity_number", "event_name"];

/// Dots and whatever else Loki's query language does not take in a name become underscores.
fn name(key: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = key.chars().map(legal).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}
