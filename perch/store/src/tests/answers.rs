use collector_otlp::Signal;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use serde_json::json;

use super::support::{Bench, NOW, pair, small_segments, span, traces_of};
use crate::jaeger::{Answer, Question, answer};

fn ask(bench: &Bench, question: Question, pairs: &[(&str, &str)]) -> Answer {
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    answer(&bench.store, &question, &pairs, NOW + 1_000_000_000)
}

fn trace(id: &str) -> Question {
    Question::Trace(id.into())
}

/// A trace with one of everything: a root that failed and a child with an event and a link.
fn rich() -> Bench {
    let bench = Bench::in_memory(Signal::Traces, small_segments(1 << 20));
    let mut root = span(0xab, 1, 0);
    root.trace_id[..8].fill(0);
    root.kind = 2;
    root.flags = 0x101;
    root.status = Some(Status { code: 2, message: "no space".into() });
    root.attributes = vec![
        pair("text", Value::StringValue("t".into())),
        pair("truth", Value::BoolValue(false)),
        pair("count", Value::IntValue(7)),
        pair("huge", Value::IntValue(i64::MAX)),
        pair("ratio", Value::DoubleValue(0.5)),
        pair("bytes", Value::BytesValue(vec![1, 2, 3])),
        pair("error", Value::StringValue("the sender's own".into())),
    ];
    let mut child = span(0xab, 2, 10);
    child.trace_id[..8].fill(0);
    child.kind = 0;
    child.parent_span_id = vec![1; 8];
    child.status = Some(Status { code: 1, message: String::new() });
    child.events = vec![Event {
        time_unix_nano: NOW + 20_000,
        name: "frame".into(),
        attributes: vec![pair("n", Value::IntValue(1))],
        ..Default::default()
    }];
    child.links = vec![Link { trace_id: vec![9; 16], span_id: vec![8; 8], ..Default::default() }];
    bench.append(&traces_of("nestr", vec![root, child]));
    bench.settle();
    bench
}

#[test]
fn a_trace_is_what_jaeger_would_answer() {
    let bench = rich();
    let got = ask(&bench, trace("abababababababab"), &[]);
    let (hex, us) = ("ab".repeat(8), NOW / 1_000);
    let scope = json!({"key": "otel.scope.name", "type": "string", "value": "tests"});
    let want = json!({
        "data": [{
            "traceID": hex,
            "spans": [
                {
                    "traceID": hex, "spanID": "0101010101010101", "flags": 1,
                    "operationName": "operation-1", "references": [],
                    "startTime": us, "duration": 5_000,
                    "tags": [
                        {"key": "text", "type": "string", "value": "t"},
                        {"key": "truth", "type": "bool", "value": false},
                        {"key": "count", "type": "int64", "value": 7},
                        {"key": "huge", "type": "int64", "value": "9223372036854775807"},
                        {"key": "ratio", "type": "float64", "value": 0.5},
                        {"key": "bytes", "type": "binary", "value": "AQID"},
                        scope,
                        {"key": "span.kind", "type": "string", "value": "server"},
                        {"key": "otel.status_code", "type": "string", "value": "ERROR"},
                        {"key": "otel.status_description", "type": "string", "value": "no space"},
                        {"key": "error", "type": "bool", "value": true},
                    ],
                    "logs": [], "processID": "p1", "warnings": null,
                },
                {
                    "traceID": hex, "spanID": "0202020202020202", "flags": 0,
                    "operationName": "operation-2",
                    "references": [
                        {"refType": "CHILD_OF", "traceID": hex, "spanID": "0101010101010101"},
                        {"refType": "FOLLOWS_FROM", "traceID": "09".repeat(16), "spanID": "0808080808080808"},
                    ],
                    "startTime": us + 10, "duration": 5_000,
                    "tags": [scope, {"key": "otel.status_code", "type": "string", "value": "OK"}],
                    "logs": [{"timestamp": us + 20, "fields": [
                        {"key": "event", "type": "string", "value": "frame"},
                        {"key": "n", "type": "int64", "value": 1},
                    ]}],
                    "processID": "p1", "warnings": null,
                },
            ],
            "processes": {"p1": {"serviceName": "nestr", "tags": []}},
            "warnings": null,
        }],
        "total": 1, "limit": 0, "offset": 0, "errors": null,
    });
    assert_eq!(got, Answer { status: 200, body: want });
    bench.stop();
}

#[test]
fn ids_are_padded_and_found_by_search_too() {
    let bench = rich();
    let padded = "0".repeat(16) + &"ab".repeat(8);
    let by_id = ask(&bench, trace("abababababababab"), &[]);
    assert_eq!(ask(&bench, trace(&padded), &[]), by_id);
    assert_eq!(ask(&bench, Question::Traces, &[("traceID", &padded)]), by_id);
    let tags = r#"{"error":"true","event":"frame"}"#;
    assert_eq!(
        ask(&bench, Question::Traces, &[("service", "nestr"), ("tags", tags)]).body["total"],
        0
    );
    let tags = r#"{"event":"frame"}"#;
    assert_eq!(ask(&bench, Question::Traces, &[("service", "nestr"), ("tags", tags)]), by_id);
    bench.stop();
}

#[test]
fn lists_are_in_jaegers_shape() {
    let bench = rich();
    assert_eq!(ask(&bench, Question::Services, &[]).body["data"], json!(["nestr"]));
    let names = ask(&bench, Question::OperationsOf("nestr".into()), &[]).body;
    assert_eq!(names["data"], json!(["operation-1", "operation-2"]));
    let operations =
        ask(&bench, Question::Operations, &[("service", "nestr"), ("spanKind", "server")]);
    assert_eq!(operations.body["data"], json!([{"name": "operation-1", "spanKind": "server"}]));
    bench.stop();
}

#[test]
fn refusals_are_in_jaegers_shape() {
    let bench = rich();
    let refused = |question, pairs: &[(&str, &str)], status, message: &str| {
        let answer = ask(&bench, question, pairs);
        let want = json!({
            "data": null, "total": 0, "limit": 0, "offset": 0,
            "errors": [{"code": status, "msg": message}],
        });
        assert_eq!(answer, Answer { status, body: want });
    };
    refused(trace("1234"), &[], 404, "trace not found");
    refused(trace("xyz"), &[], 400, "parameter 'traceID' is not up to 32 hex digits: xyz");
    refused(Question::Traces, &[], 400, "parameter 'service' is required");
    refused(Question::Operations, &[], 400, "parameter 'service' is required");
    refused(
        Question::Logs,
        &[("limit", "many")],
        400,
        "parameter 'limit' is not a whole number: many",
    );
    bench.stop();
}
