//! OTLP/JSON as the generated types write it, read by us; and as we write it, read back.
//!
//! The generated types cannot judge what we write: they want every field present, where the specification lets absent
//! ones be left out. A real Loki reads it in the journeys.

use collector_otlp::{Limits, Signal, json};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;
use serde::Serialize;

use crate::arbitrary;

/// Writes `request` with serde, transcodes, decodes.
fn through_json<M: Message + Serialize + Default>(signal: Signal, request: &M) -> M {
    let text = serde_json::to_vec(request).unwrap();
    let bytes = json::to_protobuf(signal, &text, &Limits::default())
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)));
    collector_otlp::shape::check(signal, &bytes, &Limits::default()).unwrap();
    M::decode(&bytes[..]).unwrap()
}

/// Writes `request` as JSON ourselves and reads it back; as text, so that one not-a-number equals another.
fn through_ours<M: Message + Default + std::fmt::Debug>(
    signal: Signal,
    request: &M,
) -> (String, String) {
    let text = json::from_protobuf(signal, &request.encode_to_vec());
    let bytes = json::to_protobuf(signal, text.as_bytes(), &Limits::default())
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    (format!("{:?}", M::decode(&bytes[..]).unwrap()), format!("{request:?}"))
}

/// JSON has no infinity; serde writes null for it, and an absent value for an empty one.
fn is_plain(text: &str) -> bool {
    !text.contains("inf") && !text.contains("value: None")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans(request in arbitrary::traces()) {
        prop_assume!(is_plain(&format!("{request:?}")));
        let read: ExportTraceServiceRequest = through_json(Signal::Traces, &request);
        prop_assert_eq!(read, request);
    }

    #[test]
    fn log_records(request in arbitrary::logs()) {
        prop_assume!(is_plain(&format!("{request:?}")));
        let read: ExportLogsServiceRequest = through_json(Signal::Logs, &request);
        prop_assert_eq!(read, request);
    }

    #[test]
    fn data_points(request in arbitrary::metrics()) {
        prop_assume!(is_plain(&format!("{request:?}")));
        let read: ExportMetricsServiceRequest = through_json(Signal::Metrics, &request);
        prop_assert_eq!(read, request);
    }

    #[test]
    fn spans_come_back_from_json(request in arbitrary::traces()) {
        let (read, sent) = through_ours(Signal::Traces, &request);
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn log_records_come_back_from_json(request in arbitrary::logs()) {
        let (read, sent) = through_ours(Signal::Logs, &request);
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn data_points_come_back_from_json(request in arbitrary::metrics()) {
        let (read, sent) = through_ours(Signal::Metrics, &request);
        prop_assert_eq!(read, sent);
    }
}
