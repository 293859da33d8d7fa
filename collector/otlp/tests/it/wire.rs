//! Shape check, views and splice against generated types.

use collector_otlp::{Limits, Request, Signal, shape, splice};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;

use crate::{arbitrary, readback};

/// What a view cannot tell apart: an absent message and an empty one. Every test compares after this.
pub fn canonical(debug: impl std::fmt::Debug) -> String {
    let mut text = format!("{debug:?}");
    for empty in [
        "Some(AnyValue { value: None })",
        "Some(Status { message: \"\", code: Unset })",
        "Some(InstrumentationScope { name: \"\", version: \"\", attributes: [], dropped_attributes_count: 0 })",
        "Some(Resource { attributes: [], dropped_attributes_count: 0, entity_refs: [] })",
        "Some(Buckets { offset: 0, bucket_counts: [] })",
    ] {
        text = text.replace(empty, "None");
    }
    text
}

fn n_points(request: &ExportMetricsServiceRequest) -> usize {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics);
    metrics
        .flat_map(|s| &s.metrics)
        .map(|metric| match &metric.data {
            None => 0,
            Some(Data::Gauge(data)) => data.data_points.len(),
            Some(Data::Sum(data)) => data.data_points.len(),
            Some(Data::Histogram(data)) => data.data_points.len(),
            Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
            Some(Data::Summary(data)) => data.data_points.len(),
        })
        .sum()
}

pub fn prove(signal: Signal, bytes: Vec<u8>) -> Request {
    Request::prove(signal, bytes.into(), &Limits::default()).unwrap()
}

fn decodes(signal: Signal, bytes: &[u8]) -> bool {
    match signal {
        Signal::Traces => ExportTraceServiceRequest::decode(bytes).is_ok(),
        Signal::Metrics => ExportMetricsServiceRequest::decode(bytes).is_ok(),
        Signal::Logs => ExportLogsServiceRequest::decode(bytes).is_ok(),
    }
}

/// Walks everything; a panic is all it can tell.
fn walk(signal: Signal, bytes: &[u8]) {
    match signal {
        Signal::Traces => drop(readback::traces(bytes)),
        Signal::Metrics => drop(readback::metrics(bytes)),
        Signal::Logs => drop(readback::logs(bytes)),
    }
}

fn encoded() -> impl Strategy<Value = (Signal, Vec<u8>)> {
    prop_oneof![
        arbitrary::traces().prop_map(|request| (Signal::Traces, request.encode_to_vec())),
        arbitrary::metrics().prop_map(|request| (Signal::Metrics, request.encode_to_vec())),
        arbitrary::logs().prop_map(|request| (Signal::Logs, request.encode_to_vec())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_read_back(request in arbitrary::traces()) {
        let proven = prove(Signal::Traces, request.encode_to_vec());
        let spans = request.resource_spans.iter().flat_map(|r| &r.scope_spans);
        prop_assert_eq!(proven.n_items as usize, spans.map(|s| s.spans.len()).sum::<usize>());
        prop_assert_eq!(canonical(readback::traces(&proven.payload)), canonical(&request));
    }

    #[test]
    fn log_records_read_back(request in arbitrary::logs()) {
        let proven = prove(Signal::Logs, request.encode_to_vec());
        let records = request.resource_logs.iter().flat_map(|r| &r.scope_logs);
        prop_assert_eq!(proven.n_items as usize, records.map(|s| s.log_records.len()).sum::<usize>());
        prop_assert_eq!(canonical(readback::logs(&proven.payload)), canonical(&request));
    }

    #[test]
    fn data_points_read_back(request in arbitrary::metrics()) {
        let proven = prove(Signal::Metrics, request.encode_to_vec());
        prop_assert_eq!(proven.n_items as usize, n_points(&request));
        prop_assert_eq!(canonical(readback::metrics(&proven.payload)), canonical(&request));
    }

    #[test]
    fn every_cut_is_judged_as_a_decoder_judges_it((signal, bytes) in encoded()) {
        for n in 0..bytes.len().min(2000) {
            let cut = &bytes[..n];
            let ok = shape::check(signal, cut, &Limits::default()).is_ok();
            prop_assert_eq!(ok, decodes(signal, cut), "{} of {} bytes", n, bytes.len());
        }
    }

    #[test]
    fn what_passes_after_damage_decodes(
        (signal, mut bytes) in encoded(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        if !bytes.is_empty() {
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if shape::check(signal, &bytes, &Limits::default()).is_ok() {
            prop_assert!(decodes(signal, &bytes));
        }
        walk(signal, &bytes);
    }

    #[test]
    fn arbitrary_bytes_harm_nobody(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for signal in Signal::ALL {
            let passed = shape::check(signal, &bytes, &Limits::default()).is_ok();
            prop_assert!(!passed || decodes(signal, &bytes));
            walk(signal, &bytes);
            let _ = collector_otlp::json::to_protobuf(signal, &bytes, &Limits::default());
        }
    }

    #[test]
    fn merging_is_concatenation(a in arbitrary::traces(), b in arbitrary::traces()) {
        let merged = splice::merge(&[a.encode_to_vec().into(), b.encode_to_vec().into()]);
        let mut both = a;
        both.resource_spans.extend(b.resource_spans);
        let proven = prove(Signal::Traces, merged.to_vec());
        prop_assert_eq!(canonical(readback::traces(&proven.payload)), canonical(&both));
    }

    #[test]
    fn cutting_keeps_every_span_under_its_own(request in arbitrary::traces(), max in 50_usize..2000) {
        let whole = prove(Signal::Traces, request.encode_to_vec());
        let pieces = splice::split(&whole, max);
        prop_assert_eq!(pieces.iter().map(|piece| piece.n_items).sum::<u32>(), whole.n_items);
        let flat = |bytes: &[u8]| -> Vec<String> {
            let resources = readback::traces(bytes).resource_spans.into_iter();
            resources
                .flat_map(|resource| {
                    let outer = (resource.resource, resource.schema_url);
                    resource.scope_spans.into_iter().map(move |scope| (outer.clone(), scope))
                })
                .flat_map(|(outer, scope)| {
                    let around = (outer, scope.scope, scope.schema_url);
                    scope.spans.into_iter().map(move |span| format!("{around:?} {span:?}"))
                })
                .collect()
        };
        let cut: Vec<_> = pieces.iter().flat_map(|piece| flat(&piece.payload)).collect();
        prop_assert_eq!(cut, flat(&whole.payload));
        for piece in &pieces {
            prop_assert!(shape::check(Signal::Traces, &piece.payload, &Limits::default()).is_ok());
            prop_assert!(piece.payload.len() <= max || piece.n_items <= 1, "{}", piece.payload.len());
        }
    }
}

/// Builds `bytes` inside length-delimited fields, innermost first.
fn within(numbers: &[u32], bytes: &[u8]) -> Vec<u8> {
    numbers.iter().fold(bytes.to_vec(), |inner, number| {
        let mut out = Vec::new();
        collector_otlp::wire::write_len(&mut out, *number, &inner);
        out
    })
}

const SPAN: [u32; 3] = [2, 2, 1];

fn refusal(span: &[u8]) -> String {
    let bytes = within(&SPAN, span);
    shape::check(Signal::Traces, &bytes, &Limits::default()).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_with_a_span_is_named_with_its_place() {
    for (span, expected) in [
        (&[0x0a, 3, 1, 2, 3][..], "broken Span.traceId at byte 6"),
        (&[0x12, 7, 1, 2, 3, 4, 5, 6, 7], "broken Span.spanId at byte 6"),
        (&[0x2a, 2, 0xff, 0xfe], "broken Span.name at byte 6"),
        (&[0x28, 1], "broken Span.name at byte 6"),
        (&[0x32, 1, 1], "broken Span.kind at byte 6"),
        (&[0x39, 1, 2], "broken Span.startTimeUnixNano at byte 6"),
        (&[0x2a, 0x7f], "broken Span.name at byte 6"),
        (&[0x2a, 1, b'a', 0x2a, 1, b'b'], "Span.name stands twice at byte 9"),
        (&[0xa7, 0x06], "broken unknown field at byte 6"),
        (&[0x00, 0x00], "broken tag at byte 6"),
        (&[0xff; 10], "broken tag at byte 6"),
        (&[0x30, 0xff, 0xff], "broken Span.kind at byte 6"),
        (&[0xa3, 0x06, 0xac, 0x06], "broken unknown field at byte 6"),
    ] {
        assert_eq!(refusal(span), expected, "{span:?}");
    }
}

#[test]
fn unknown_fields_pass_groups_included() {
    let group = [0xa3, 0x06, 0xab, 0x06, 0x08, 1, 0xac, 0x06, 0xa4, 0x06];
    let unknown = [&group[..], &[0xa0, 0x06, 5], &[0xa2, 0x06, 1, 9], &[0x2a, 1, b'n']].concat();
    let proven = prove(Signal::Traces, within(&SPAN, &unknown));
    assert_eq!(proven.n_items, 1);
    assert_eq!(
        readback::traces(&proven.payload).resource_spans[0].scope_spans[0].spans[0].name,
        "n"
    );
}

#[test]
fn values_nest_so_deep_and_no_deeper() {
    let nested = |n: usize| {
        let value = (1..n).fold(vec![0x18, 1], |inner, _| within(&[1, 5], &inner));
        within(&SPAN, &within(&[2, 9], &value))
    };
    assert!(shape::check(Signal::Traces, &nested(32), &Limits::default()).is_ok());
    let error = shape::check(Signal::Traces, &nested(33), &Limits::default()).unwrap_err();
    assert!(error.to_string().starts_with("attribute values nested too deeply"), "{error}");
    let error = shape::check(Signal::Traces, &nested(5000), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("too deeply"), "{error}");
}

#[test]
fn items_and_attributes_are_counted_and_bounded() {
    let limits = Limits { max_items: 3, max_attributes: 2, ..Limits::default() };
    let spans = |n: usize| within(&[2, 1], &within(&[2], &[]).repeat(n));
    assert_eq!(shape::check(Signal::Traces, &spans(3), &limits).unwrap().n_items, 3);
    assert!(shape::check(Signal::Traces, &spans(4), &limits).is_err());
    // One is taken by the walk, the other, plain, in a row with its like.
    for pair in [&b""[..], b"\x0a\x01k\x12\x02\x18\x01"] {
        let attributes = |n: usize| within(&SPAN, &within(&[9], pair).repeat(n));
        assert!(shape::check(Signal::Traces, &attributes(2), &limits).is_ok());
        let error = shape::check(Signal::Traces, &attributes(3), &limits).unwrap_err();
        assert!(error.to_string().starts_with("too many Span.attributes"), "{error}");
    }
}
