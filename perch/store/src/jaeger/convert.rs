//! OTLP to Jaeger's model.

use collector_otlp::view::{
    AnyValueView, EventView, KeyValueView, ResourceView, ScopeView, SpanKind, SpanView, StatusCode,
};
use serde_json::{Number, Value};

use super::model::{KeyValue, Log, Process, Reference, Span, trace_text};

/// JavaScript's `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// The process of a resource.
pub(crate) fn process_of(service: &str, resource: &ResourceView<'_>) -> Process {
    let others = resource.attributes().filter(|pair| pair.key != "service.name");
    Process { service_name: service.to_owned(), tags: others.map(|pair| tag(&pair)).collect() }
}

/// One span.
pub(crate) fn span_of(span: &SpanView<'_>, scope: &ScopeView<'_>, process_id: String) -> Span {
    let mut warnings = Vec::new();
    if span.end_time_unix_nano < span.start_time_unix_nano {
        warnings.push("the span ends before it starts; its duration is shown as zero".to_owned());
    }
    Span {
        trace_id: trace_text(span.trace_id),
        span_id: span.span_id.to_string(),
        flags: span.flags & 0xff,
        operation_name: span.name.to_owned(),
        references: references(span),
        start_time: span.start_time_unix_nano / 1_000,
        duration: span.duration_nanos() / 1_000,
        tags: tags(span, scope),
        logs: span.events().map(|event| log(&event)).collect(),
        process_id,
        warnings: (!warnings.is_empty()).then_some(warnings),
    }
}

fn references(span: &SpanView<'_>) -> Vec<Reference> {
    let parent = (!span.parent_span_id.is_zero()).then(|| Reference {
        ref_type: "CHILD_OF",
        trace_id: trace_text(span.trace_id),
        span_id: span.parent_span_id.to_string(),
    });
    let links = span.links().map(|link| Reference {
        ref_type: "FOLLOWS_FROM",
        trace_id: trace_text(link.trace_id),
        span_id: link.span_id.to_string(),
    });
    parent.into_iter().chain(links).collect()
}

fn tags(span: &SpanView<'_>, scope: &ScopeView<'_>) -> Vec<KeyValue> {
    let mut tags: Vec<KeyValue> = span.attributes().map(|pair| tag(&pair)).collect();
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            tags.push(text(key, value));
        }
    };
    add("otel.scope.name", scope.name);
    add("otel.scope.version", scope.version);
    if span.kind != SpanKind::Unspecified {
        add("span.kind", span.kind.name());
    }
    match span.status {
        StatusCode::Unset => {}
        StatusCode::Ok => add("otel.status_code", "OK"),
        StatusCode::Error => add("otel.status_code", "ERROR"),
    }
    add("otel.status_description", span.status_message);
    add("w3c.tracestate", span.trace_state);
    // A sender's own `error` attribute goes: Jaeger's page reads the first.
    if span.status == StatusCode::Error {
        tags.retain(|tag| tag.key != "error");
        tags.push(KeyValue { key: "error".into(), kind: "bool", value: true.into() });
    }
    tags
}

fn log(event: &EventView<'_>) -> Log {
    let name = (!event.name.is_empty()).then(|| text("event", event.name));
    let attributes = event.attributes().map(|pair| tag(&pair));
    Log {
        timestamp: event.time_unix_nano / 1_000,
        fields: name.into_iter().chain(attributes).collect(),
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.into(), kind: "string", value: value.into() }
}

fn tag(pair: &KeyValueView<'_>) -> KeyValue {
    let (kind, value): (_, Value) = match pair.value {
        AnyValueView::Bool(value) => ("bool", value.into()),
        AnyValueView::Int(value) if (-MAX_SAFE..=MAX_SAFE).contains(&value) => {
            ("int64", value.into())
        }
        AnyValueView::Int(value) => ("int64", value.to_string().into()),
        AnyValueView::Double(value) => match Number::from_f64(value) {
            Some(number) => ("float64", number.into()),
            None => ("float64", pair.value.to_string().into()),
        },
        AnyValueView::Bytes(_) => ("binary", pair.value.to_string().into()),
        AnyValueView::Empty
        | AnyValueView::Str(_)
        | AnyValueView::Array(_)
        | AnyValueView::KvList(_) => ("string", pair.value.to_string().into()),
    };
    KeyValue { key: pair.key.to_owned(), kind, value }
}
