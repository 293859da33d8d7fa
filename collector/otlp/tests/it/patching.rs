//! Editing bytes, judged by the same edit made to generated types.

use std::collections::BTreeMap;

use collector_otlp::splice::{
    Added, Change, Edit, Editor, Holder, NewValue, Op, Patch, Place, Target, patch, rewrite,
};
use collector_otlp::view::{
    AnyValueView, KeyValueView, LogsView, MetricsView, SpanView, TracesView, View,
};
use collector_otlp::{Encoded, Encoding, Limits, Payload, Request, Signal, shape};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use crate::wire::{canonical, prove};
use crate::{arbitrary, readback};

fn any_value(value: &NewValue) -> AnyValue {
    let value = match value.clone() {
        NewValue::Str(text) => Value::StringValue(text),
        NewValue::Bool(value) => Value::BoolValue(value),
        NewValue::Int(value) => Value::IntValue(value),
        NewValue::Double(value) => Value::DoubleValue(value),
        NewValue::Bytes(bytes) => Value::BytesValue(bytes),
    };
    AnyValue { value: Some(value) }
}

/// The edits to one list, each key once, in the order in which new ones are added.
fn edit_list(list: &mut Vec<KeyValue>, patch: &Patch, target: Target) {
    let mut last = BTreeMap::new();
    for (n, edit) in patch.edits.iter().enumerate().filter(|(_, e)| e.target == target) {
        last.insert(edit.key.clone(), (n, &edit.op));
    }
    let mut by_order: Vec<_> = last.into_iter().collect();
    by_order.sort_by_key(|(_, (n, _))| *n);
    for (key, (_, op)) in by_order {
        let mut found = list.iter_mut().filter(|pair| pair.key == key).peekable();
        let absent = found.peek().is_none();
        match op {
            Op::Set(value) | Op::Replace(value) => {
                found.for_each(|pair| pair.value = Some(any_value(value)));
                if absent && matches!(op, Op::Set(_)) {
                    let value = Some(any_value(value));
                    list.push(KeyValue { key, value, ..Default::default() });
                }
            }
            Op::Delete => list.retain(|pair| pair.key != key),
        }
    }
}

/// A resource that is absent comes into being when something is set in it.
fn edit_resource(resource: &mut Option<Resource>, patch: &Patch) {
    let mut edited = resource.clone().unwrap_or_default();
    edit_list(&mut edited.attributes, patch, Target::Resource);
    if resource.is_some() || !edited.attributes.is_empty() {
        *resource = Some(edited);
    }
}

fn edit_items<'a>(lists: impl Iterator<Item = &'a mut Vec<KeyValue>>, patch: &Patch) {
    lists.enumerate().for_each(|(n, list)| edit_list(list, patch, Target::Item(n)));
}

fn edit_traces(request: &mut ExportTraceServiceRequest, patch: &Patch) {
    let Some(part) = request.resource_spans.get_mut(patch.resource) else { return };
    edit_resource(&mut part.resource, patch);
    let spans = part.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans);
    edit_items(spans.map(|span| &mut span.attributes), patch);
}

fn edit_logs(request: &mut ExportLogsServiceRequest, patch: &Patch) {
    let Some(part) = request.resource_logs.get_mut(patch.resource) else { return };
    edit_resource(&mut part.resource, patch);
    let records = part.scope_logs.iter_mut().flat_map(|scope| &mut scope.log_records);
    edit_items(records.map(|record| &mut record.attributes), patch);
}

fn points(data: &mut Data) -> Vec<&mut Vec<KeyValue>> {
    match data {
        Data::Gauge(of) => of.data_points.iter_mut().map(|p| &mut p.attributes).collect(),
        Data::Sum(of) => of.data_points.iter_mut().map(|p| &mut p.attributes).collect(),
        Data::Histogram(of) => of.data_points.iter_mut().map(|p| &mut p.attributes).collect(),
        Data::ExponentialHistogram(of) => {
            of.data_points.iter_mut().map(|p| &mut p.attributes).collect()
        }
        Data::Summary(of) => of.data_points.iter_mut().map(|p| &mut p.attributes).collect(),
    }
}

fn edit_metrics(request: &mut ExportMetricsServiceRequest, patch: &Patch) {
    let Some(part) = request.resource_metrics.get_mut(patch.resource) else { return };
    edit_resource(&mut part.resource, patch);
    let metrics = part.scope_metrics.iter_mut().flat_map(|scope| &mut scope.metrics);
    edit_items(metrics.filter_map(|metric| metric.data.as_mut()).flat_map(points), patch);
}

fn new_value() -> impl Strategy<Value = NewValue> {
    prop_oneof![
        "[a-z]{0,6}".prop_map(NewValue::Str),
        any::<bool>().prop_map(NewValue::Bool),
        any::<i64>().prop_map(NewValue::Int),
        any::<i32>().prop_map(|value| NewValue::Double(f64::from(value) / 8.0)),
        vec(any::<u8>(), 0..4).prop_map(NewValue::Bytes),
    ]
}

/// Keys that requests are likely to have stand in for `%0` to `%9`; see `aim`.
fn patches() -> impl Strategy<Value = Patch> {
    let target = prop_oneof![Just(Target::Resource), (0..4_usize).prop_map(Target::Item)];
    let key = prop_oneof![3 => "%[0-9]", 1 => "[a-z.]{1,6}", 1 => Just(String::new())];
    let op = prop_oneof![
        new_value().prop_map(Op::Set),
        new_value().prop_map(Op::Replace),
        Just(Op::Delete),
    ];
    let edit = (target, key, op).prop_map(|(target, key, op)| Edit { target, key, op });
    (0..3_usize, vec(edit, 0..6)).prop_map(|(resource, edits)| Patch { resource, edits })
}

/// Points placeholders at keys the request has: an edit that finds nothing proves little.
fn aim(mut patch: Patch, request: &Request) -> Patch {
    struct Keys(Vec<String>);
    impl Editor for Keys {
        fn attribute(&mut self, _: Place, attribute: KeyValueView<'_>) -> Change<NewValue> {
            self.0.push(attribute.key.to_owned());
            Change::Keep
        }
    }
    let mut keys = Keys(Vec::new());
    assert!(rewrite(request, &mut keys).is_none(), "looking changes nothing");
    for edit in &mut patch.edits {
        if let Some(n) = edit.key.strip_prefix('%').and_then(|n| n.parse::<usize>().ok())
            && !keys.0.is_empty()
        {
            edit.key = keys.0[n % keys.0.len()].clone();
        }
    }
    patch
}

/// The parts of a request, one per resource, as they lie.
fn parts(request: &Request) -> Vec<&[u8]> {
    let payload = &request.payload;
    match request.signal {
        Signal::Traces => TracesView::over(payload).resource_spans().raw().collect(),
        Signal::Metrics => MetricsView::over(payload).resource_metrics().raw().collect(),
        Signal::Logs => LogsView::over(payload).resource_logs().raw().collect(),
    }
}

fn prove_patched(before: &Request, after: &Request, patched: usize) {
    let shape = shape::check(after.signal, &after.payload, &Limits::default()).unwrap();
    assert_eq!((shape.n_items, after.n_items), (before.n_items, before.n_items));
    let (old, new) = (parts(before), parts(after));
    assert_eq!(old.len(), new.len());
    for n in (0..old.len()).filter(|n| *n != patched) {
        assert!(old[n] == new[n], "part {n} is not patched and stays as it lies");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_are_patched_as_their_types_are(mut request in arbitrary::traces(), wanted in patches()) {
        let before = prove(Signal::Traces, request.encode_to_vec());
        let wanted = aim(wanted, &before);
        let after = patch(&before, &wanted);
        edit_traces(&mut request, &wanted);
        prop_assert_eq!(&ExportTraceServiceRequest::decode(&after.payload[..]).unwrap(), &request);
        prop_assert_eq!(canonical(readback::traces(&after.payload)), canonical(&request));
        prop_assert_eq!(canonical(readback::traces(&request.encode_to_vec())), canonical(readback::traces(&after.payload)));
        prove_patched(&before, &after, wanted.resource);
    }

    #[test]
    fn log_records_are_patched_as_their_types_are(mut request in arbitrary::logs(), wanted in patches()) {
        let before = prove(Signal::Logs, request.encode_to_vec());
        let wanted = aim(wanted, &before);
        let after = patch(&before, &wanted);
        edit_logs(&mut request, &wanted);
        prop_assert_eq!(&ExportLogsServiceRequest::decode(&after.payload[..]).unwrap(), &request);
        prop_assert_eq!(canonical(readback::logs(&after.payload)), canonical(&request));
        prove_patched(&before, &after, wanted.resource);
    }

    #[test]
    fn data_points_are_patched_as_their_types_are(mut request in arbitrary::metrics(), wanted in patches()) {
        let before = prove(Signal::Metrics, request.encode_to_vec());
        let wanted = aim(wanted, &before);
        let after = patch(&before, &wanted);
        edit_metrics(&mut request, &wanted);
        prop_assert_eq!(&ExportMetricsServiceRequest::decode(&after.payload[..]).unwrap(), &request);
        prop_assert_eq!(canonical(readback::metrics(&after.payload)), canonical(&request));
        prove_patched(&before, &after, wanted.resource);
    }

    #[test]
    fn items_are_taken_out(mut request in arbitrary::traces(), keep in vec(any::<bool>(), 40)) {
        struct Chosen<'k>(&'k [bool], usize);
        impl Editor for Chosen<'_> {
            fn item(&mut self, at: Place, bytes: &[u8]) -> bool {
                assert!(at.holder == Holder::Item && at.item.is_some());
                let _ = SpanView::over(bytes).name;
                self.1 += 1;
                self.0[(self.1 - 1) % self.0.len()]
            }
        }
        let before = prove(Signal::Traces, request.encode_to_vec());
        let after = rewrite(&before, &mut Chosen(&keep, 0)).unwrap_or_else(|| before.clone());
        let mut n = 0;
        let scopes = request.resource_spans.iter_mut().flat_map(|part| &mut part.scope_spans);
        for scope in scopes {
            scope.spans.retain(|_| {
                n += 1;
                keep[(n - 1) % keep.len()]
            });
        }
        prop_assert_eq!(ExportTraceServiceRequest::decode(&after.payload[..]).unwrap(), request);
        let shape = shape::check(Signal::Traces, &after.payload, &Limits::default()).unwrap();
        prop_assert_eq!(shape.n_items, after.n_items);
    }

    #[test]
    fn bytes_that_were_never_proven_harm_nobody(bytes in vec(any::<u8>(), 0..300), wanted in patches()) {
        for signal in Signal::ALL {
            let request = Request { signal, payload: bytes.clone().into(), n_items: 1 };
            let _ = patch(&request, &wanted);
        }
    }
}

fn one_of_everything(signal: Signal) -> Request {
    let attributes = r#""attributes":[{"key":"secret","value":{"stringValue":"s"}}]"#;
    let json = match signal {
        Signal::Traces => format!(
            r#"{{"resourceSpans":[{{"resource":{{{attributes}}},"scopeSpans":[{{"scope":{{"name":"secret","version":"1",{attributes}}},"spans":[{{"name":"secret","traceState":"t","status":{{"message":"secret"}},{attributes},"events":[{{"name":"secret",{attributes}}}],"links":[{{"traceState":"secret",{attributes}}}]}}]}}]}}]}}"#
        ),
        Signal::Metrics => format!(
            r#"{{"resourceMetrics":[{{"resource":{{{attributes}}},"scopeMetrics":[{{"scope":{{{attributes}}},"metrics":[{{"name":"secret","metadata":[{{"key":"secret","value":{{"intValue":1}}}}],"sum":{{"dataPoints":[{{{attributes},"exemplars":[{{"filteredAttributes":[{{"key":"secret","value":{{"boolValue":true}}}}]}}]}}]}}}}]}}]}}]}}"#
        ),
        Signal::Logs => format!(
            r#"{{"resourceLogs":[{{"resource":{{{attributes}}},"scopeLogs":[{{"scope":{{{attributes}}},"logRecords":[{{"severityText":"secret","body":{{"stringValue":"secret"}},{attributes}}}]}}]}}]}}"#
        ),
    };
    let bytes =
        collector_otlp::json::to_protobuf(signal, json.as_bytes(), &Limits::default()).unwrap();
    prove(signal, bytes)
}

/// Takes every secret out and leaves a mark in every list.
#[derive(Default)]
struct Redact {
    lists: Vec<Holder>,
    texts: Vec<&'static str>,
}

impl Editor for Redact {
    fn attribute(&mut self, _: Place, attribute: KeyValueView<'_>) -> Change<NewValue> {
        if attribute.key == "secret" { Change::Delete } else { Change::Keep }
    }

    fn add(&mut self, at: Place, list: &mut Added<'_>) {
        self.lists.push(at.holder);
        list.push("mark", &NewValue::Int(at.item.map_or(-1, |n| n as i64)));
    }

    fn text(&mut self, _: Place, field: &'static str, text: &str) -> Change<String> {
        self.texts.push(field);
        if text == "secret" { Change::Replace("***".to_owned()) } else { Change::Keep }
    }

    fn body(&mut self, _: Place, body: AnyValueView<'_>) -> Change<NewValue> {
        if body.as_str() == Some("secret") { Change::Replace("***".into()) } else { Change::Keep }
    }
}

#[test]
fn an_editor_reaches_every_list_text_and_body() {
    use Holder::*;
    for (signal, lists, texts) in [
        (
            Signal::Traces,
            vec![Resource, Scope, Event, Link, Item],
            vec!["name", "version", "traceState", "name", "message", "name", "traceState"],
        ),
        (Signal::Metrics, vec![Resource, Scope, Exemplar, Item, Metric], vec!["name"]),
        (Signal::Logs, vec![Resource, Scope, Item], vec!["severityText"]),
    ] {
        let before = one_of_everything(signal);
        let mut redact = Redact::default();
        let after = rewrite(&before, &mut redact).unwrap();
        let shape = shape::check(signal, &after.payload, &Limits::default()).unwrap();
        assert_eq!((shape.n_items, after.n_items), (1, 1));
        redact.lists.sort_by_key(|holder| lists.iter().position(|wanted| wanted == holder));
        assert_eq!(redact.lists, lists, "{signal}");
        let mut sorted = (redact.texts.clone(), texts.clone());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1, "{signal}");
        assert!(!String::from_utf8_lossy(&after.payload).contains("secret"), "{signal}");
    }
}

#[test]
fn what_nothing_matches_keeps_its_bytes_also_the_compressed_ones() {
    let plain = one_of_everything(Signal::Logs);
    let carried = Encoded { encoding: Encoding::Gzip, bytes: "as it came".into() };
    let payload = Payload::proven(carried, (*plain.payload).clone());
    let request = Request { payload, ..plain };
    let edit = |target, key: &str, op| Edit { target, key: key.to_owned(), op };
    let nothing = Patch {
        resource: 0,
        edits: vec![
            edit(Target::Resource, "absent", Op::Delete),
            edit(Target::Item(0), "absent", Op::Replace("x".into())),
            edit(Target::Item(7), "secret", Op::Set("x".into())),
        ],
    };
    assert_eq!(patch(&request, &nothing), request);
    let elsewhere =
        Patch { resource: 1, edits: vec![edit(Target::Resource, "secret", Op::Delete)] };
    assert_eq!(patch(&request, &elsewhere), request);
    let here = Patch { resource: 0, ..elsewhere };
    let patched = patch(&request, &here);
    assert!(patched.payload.carried().is_none() && patched.payload.len() < request.payload.len());
}
