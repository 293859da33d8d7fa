//! Objectives and requests for the tests.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use slo::compile::compile;
use slo::plan::{Options, Profile};
use slo::spec::Source;

use crate::{Limits, Objective, Objectives};

pub(super) const SECOND: u64 = 1_000_000_000;
/// 2026-01-01T00:00:00Z, a Thursday, in seconds.
pub(super) const THEN: u64 = 1_767_225_600;

/// The objectives of a text, tracked in buckets of so many seconds.
pub(super) fn objectives(text: &str, resolution: u64, limits: Limits) -> Arc<Objectives> {
    let options = Options::new(Profile::Exact, "perch_slo_events_total");
    let compiled = compile(&[Source { name: "test.yaml", text }], &options);
    assert!(compiled.sound, "{:?}", compiled.findings);
    let all = compiled.plans.iter().filter_map(|plan| Objective::of(plan, resolution));
    Arc::new(Objectives::new(all.collect(), limits).unwrap())
}

/// Sloth's form around one indicator of spans.
pub(super) fn of_spans(indicator: &str) -> String {
    format!(
        "version: prometheus/v1\nservice: shop\nslos:\n  - name: pay\n    objective: 99\n    sli:\n      \
         plugin: {{id: perch.dev/spans/v1, options: {{{indicator}}}}}\n    alerting: {{name: ShopPay}}\n"
    )
}

/// Sloth's form around two queries.
pub(super) fn of_queries(kind: &str, events: &str, total: &str) -> String {
    format!(
        "version: prometheus/v1\nservice: shop\nslos:\n  - name: pay\n    objective: 99\n    sli:\n      \
         events:\n        {kind}_query: '{events}'\n        total_query: '{total}'\n    alerting: {{name: ShopPay}}\n"
    )
}

pub(super) fn attribute(key: &str, value: impl Into<Value>) -> KeyValue {
    let value = Some(AnyValue { value: Some(value.into()) });
    KeyValue { key: key.into(), value, ..Default::default() }
}

pub(super) fn text(value: &str) -> Value {
    Value::StringValue(value.into())
}

/// A resource of a service.
pub(super) fn service(name: &str) -> Option<Resource> {
    Some(Resource { attributes: vec![attribute("service.name", text(name))], ..Default::default() })
}

/// A span that took so many milliseconds.
pub(super) fn span(name: &str, millis: u64, is_error: bool, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![7; 8],
        name: name.into(),
        kind: 2,
        start_time_unix_nano: THEN * SECOND,
        end_time_unix_nano: THEN * SECOND + millis * 1_000_000,
        status: is_error.then(|| Status { code: 2, message: "gone wrong".into() }),
        attributes,
        ..Default::default()
    }
}

/// A request of one service.
pub(super) fn request(name: &str, spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: service(name), scope_spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
