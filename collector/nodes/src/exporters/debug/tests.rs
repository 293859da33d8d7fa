//! What the lines say.

use bytes::Bytes;
use collector_otlp::{Limits, json};
use collector_pipeline::{Batch, Signal};

use super::exporter::lines;

fn batch(signal: Signal, text: &str) -> Batch {
    let limits = Limits::default();
    let payload = json::to_protobuf(signal, text.as_bytes(), &limits).unwrap();
    Batch::prove(signal, Bytes::from(payload), &limits).unwrap()
}

#[test]
fn writes_a_line_per_item() {
    let spans = batch(
        Signal::Traces,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
            "traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
            "name":"pack","startTimeUnixNano":"0","endTimeUnixNano":"5000000",
            "attributes":[{"key":"k","value":{"intValue":"7"}}]}]}]}]}"#,
    );
    let said: Vec<String> = lines(&spans, false).collect();
    assert_eq!(said, ["span 0af7651916cd43dd8448eb211c80319c pack 5 ms"]);
    let said: Vec<String> = lines(&spans, true).collect();
    assert_eq!(said, ["span 0af7651916cd43dd8448eb211c80319c pack 5 ms k=7"]);
    let logs = batch(
        Signal::Logs,
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":9,"body":{"stringValue":"hello"}}]}]}]}"#,
    );
    assert_eq!(lines(&logs, false).collect::<Vec<_>>(), ["log INFO hello"]);
}
