use super::*;
use crate::shape;
use crate::view::{AnyValueView, LogsView, MetricData, MetricsView, Number, SpanKind, TracesView};

/// Transcodes, proves, and returns the bytes.
fn check(signal: Signal, json: &str) -> Vec<u8> {
    let bytes = to_protobuf(signal, json.as_bytes(), &Limits::default()).unwrap();
    shape::check(signal, &bytes, &Limits::default()).unwrap();
    bytes
}

fn refuse(signal: Signal, json: &str) -> String {
    let limits = Limits::default();
    match to_protobuf(signal, json.as_bytes(), &limits) {
        Err(error) => error.to_string(),
        Ok(bytes) => shape::check(signal, &bytes, &limits).unwrap_err().to_string(),
    }
}

fn span(fields: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#)
}

fn attribute(value: &str) -> String {
    span(&format!(r#""attributes":[{{"key":"k","value":{value}}}]"#))
}

fn read_attribute(value: &str) -> String {
    let bytes = check(Signal::Traces, &attribute(value));
    first_span(&bytes).attributes().get("k").unwrap().to_json().to_string()
}

fn first_span(bytes: &[u8]) -> crate::view::SpanView<'_> {
    let resource = TracesView::over(bytes).resource_spans().next().unwrap();
    resource.scope_spans().next().unwrap().spans().next().unwrap()
}

#[test]
fn a_span_reads_as_written() {
    let bytes = check(
        Signal::Traces,
        &span(
            r#""traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","parentSpanId":"",
            "name":"größer","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
            "status":{"code":"STATUS_CODE_ERROR","message":"no"},"flags":257,"droppedEventsCount":3,
            "futureField":{"deep":[1,{"x":null}]},"traceState":null,"links":null"#,
        ),
    );
    let span = first_span(&bytes);
    assert_eq!(span.trace_id.to_string(), "5b8efff798038103d269b633813fc60c");
    assert_eq!(span.span_id.to_string(), "eee19b7ec3c1b174");
    assert!(span.parent_span_id.is_zero());
    assert_eq!((span.name, span.kind), ("größer", SpanKind::Server));
    assert_eq!(span.duration_nanos(), 1_000_000_000);
    assert_eq!((span.status, span.status_message), (crate::view::StatusCode::Error, "no"));
    assert_eq!((span.flags, span.n_dropped_events), (257, 3));
}

#[test]
fn attribute_values_of_every_kind() {
    for (value, expected) in [
        (r#"{"stringValue":"a\u00e9\ud83d\ude00"}"#, r#""aé😀""#),
        (r#"{"boolValue":false}"#, "false"),
        (r#"{"intValue":"-9223372036854775808"}"#, "-9223372036854775808"),
        (r#"{"intValue":7}"#, "7"),
        (r#"{"intValue":1e3}"#, "1000"),
        (r#"{"doubleValue":0.1}"#, "0.1"),
        (r#"{"doubleValue":"NaN"}"#, r#""NaN""#),
        (r#"{"doubleValue":"-Infinity"}"#, r#""-Infinity""#),
        (r#"{"doubleValue":"2.5"}"#, "2.5"),
        (r#"{"bytesValue":"-_8"}"#, r#""+/8=""#),
        (r#"{"bytesValue":"AAE="}"#, r#""AAE=""#),
        (r#"{"arrayValue":{"values":[{"intValue":1},null,{"stringValue":""}]}}"#, r#"[1,null,""]"#),
        (r#"{"kvlistValue":{"values":[{"key":"a","value":{"intValue":1}}]}}"#, r#"{"a":1}"#),
        (r#"{"arrayValue":{}}"#, "[]"),
        ("{}", "null"),
        ("null", "null"),
    ] {
        assert_eq!(read_attribute(value), expected, "{value}");
    }
}

#[test]
fn names_of_the_proto_files_are_understood() {
    let json = r#"{"resource_spans":[{"scope_spans":[{"spans":[{"name":"a","parent_span_id":"eee19b7ec3c1b174"}]}]}]}"#;
    let bytes = check(Signal::Traces, json);
    assert_eq!(first_span(&bytes).parent_span_id.to_string(), "eee19b7ec3c1b174");
}

#[test]
fn points_and_packed_arrays() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"s","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{"asInt":"0"},{"asDouble":1}]}},
        {"name":"h","histogram":{"dataPoints":[{"count":3,"bucketCounts":["1","2"],"explicitBounds":[0.5]}]}},
        {"name":"e","exponentialHistogram":{"dataPoints":[{"scale":-3,"positive":{"offset":-1,"bucketCounts":[300,"1"]}}]}}
    ]}]}]}"#;
    let bytes = check(Signal::Metrics, json);
    let scope = MetricsView::over(&bytes).resource_metrics().next().unwrap();
    let scope = scope.scope_metrics().next().unwrap();
    let metrics: Vec<_> = scope.metrics().map(|metric| metric.data).collect();
    let MetricData::Sum { points, monotonic: true, .. } = metrics[0] else { panic!("{metrics:?}") };
    let values: Vec<_> = points.map(|point| point.value.unwrap()).collect();
    assert_eq!(values, [Number::Int(0), Number::Double(1.0)]);
    let MetricData::Histogram { mut points, .. } = metrics[1] else { panic!("{metrics:?}") };
    let point = points.next().unwrap();
    assert_eq!(point.bucket_counts().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(point.explicit_bounds().collect::<Vec<_>>(), [0.5]);
    let MetricData::ExponentialHistogram { mut points, .. } = metrics[2] else { panic!() };
    let point = points.next().unwrap();
    assert_eq!((point.scale, point.positive.offset), (-3, -1));
    assert_eq!(point.positive.counts().collect::<Vec<_>>(), [300, 1]);
}

#[test]
fn a_log_record_reads_as_written() {
    let json = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"n"}}]},
        "scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_WARN2","body":{"stringValue":"b"}}]}]}]}"#;
    let bytes = check(Signal::Logs, json);
    let resource = LogsView::over(&bytes).resource_logs().next().unwrap();
    assert_eq!(resource.resource.service_name(), Some("n"));
    let record = resource.scope_logs().next().unwrap().log_records().next().unwrap();
    assert_eq!(record.severity_name(), "WARN");
    assert!(matches!(record.body, AnyValueView::Str("b")));
}

#[test]
fn what_is_wrong_is_named_without_quoting_it() {
    for (json, expected) in [
        ("", "json: EOF while parsing a value at byte 0"),
        ("[]", "json: expected an object (ExportTraceServiceRequest) at byte 0"),
        ("null", "json: expected an object (ExportTraceServiceRequest) at byte 4"),
        ("{} x", "json: trailing characters at byte 4"),
        (r#"{"resourceSpans":"secret"}"#, "json: expected an array (resourceSpans) at byte 25"),
        (r#"{"resourceSpans":[7]}"#, "json: resourceSpans: expected an object at byte 19"),
    ] {
        assert_eq!(refuse(Signal::Traces, json), expected, "{json}");
    }
    for (fields, expected) in [
        (r#""traceId":"abc""#, "expected an id in hex"),
        (r#""spanId":"zzzzzzzzzzzzzzzz""#, "expected hex digits"),
        (r#""kind":"SPAN_KIND_SECRET""#, "expected the number of an enumeration value"),
        (r#""startTimeUnixNano":"-1""#, "integer out of range"),
        (r#""startTimeUnixNano":1.5"#, "expected an integer"),
        (r#""droppedLinksCount":4294967296"#, "integer out of range"),
        (r#""name":5"#, "expected a string"),
        (r#""name":["secret"]"#, "expected a single value (name)"),
        (r#""name":"\ud800""#, "hex escape"),
        (r#""name":"a","name":"b""#, "Span.name stands twice"),
        (r#""attributes":[{"key":"k","value":{"boolValue":"true"}}]"#, "expected true or false"),
        (r#""attributes":[{"key":"k","value":{"intValue":1,"stringValue":"x"}}]"#, "stands twice"),
        (r#""attributes":[{"key":"k","value":{"bytesValue":"%%"}}]"#, "expected base64"),
    ] {
        let error = refuse(Signal::Traces, &span(fields));
        assert!(error.contains(expected), "{fields}: {error}");
        assert!(!error.to_lowercase().contains("secret"), "{error}");
    }
}

#[test]
fn depth_is_bounded_in_known_and_unknown_fields() {
    let nest = |n: usize| {
        let value = (0..n).fold(r#"{"intValue":1}"#.to_owned(), |inner, _| {
            format!(r#"{{"kvlistValue":{{"values":[{{"key":"k","value":{inner}}}]}}}}"#)
        });
        attribute(&value)
    };
    check(Signal::Traces, &nest(30));
    assert!(refuse(Signal::Traces, &nest(32)).contains("nested too deeply"));
    let unknown = format!(r#"{{"x":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(check(Signal::Traces, &unknown).is_empty());
}

#[test]
fn output_is_bounded() {
    let limits = Limits { max_decoded_bytes: 1000, ..Limits::default() };
    let json = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[{{"bucketCounts":[{}0]}}]}}}}]}}]}}]}}"#,
        "0,".repeat(400)
    );
    let error = to_protobuf(Signal::Metrics, json.as_bytes(), &limits).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}
