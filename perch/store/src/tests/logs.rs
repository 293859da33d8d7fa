use collector_otlp::{Signal, TraceId};
use proptest::prelude::*;

use super::support::{Bench, NOW, line, logs_of, small_segments};
use crate::{LogQuery, TimeRange};

fn bodies(bench: &Bench, query: &LogQuery) -> Vec<String> {
    let found = bench.store.logs(query);
    assert!(found.complete);
    found.lines.into_iter().map(|line| line.body).collect()
}

fn everything() -> LogQuery {
    LogQuery { trace: None, range: TimeRange::ALL, limit: 10_000 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// By trace, by time and by limit, the answer is what filtering the input gives.
    #[test]
    fn lines_are_found_by_trace_and_time(
        requests in prop::collection::vec(
            prop::collection::vec((0u8..5, 0u64..500), 1..20), 1..30,
        ),
        (from, to) in (0u64..500, 0u64..500),
        limit in 1usize..50,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench::on_disk(Signal::Logs, dir.path(), small_segments(1 << 20));
        let mut input = Vec::new();
        for (n, lines) in requests.iter().enumerate() {
            let body = |i: usize| format!("line {n}/{i}");
            let made = lines.iter().enumerate().map(|(i, (t, at))| line(*t, *at, &body(i))).collect();
            bench.append(&logs_of("nestr", made));
            input.extend(lines.iter().enumerate().map(|(i, (t, at))| (*at, *t, body(i))));
        }
        bench.settle();
        let range = TimeRange { from: NOW + from.min(to) * 1_000, to: NOW + from.max(to) * 1_000 };
        for trace in 0u8..5 {
            let want: std::collections::BTreeSet<String> = input
                .iter()
                .filter(|(at, t, _)| (trace == 0 || *t == trace) && range.contains(NOW + at * 1_000))
                .map(|(_, _, body)| body.clone())
                .collect();
            let trace = (trace != 0).then_some(TraceId([trace; 16]));
            let query = LogQuery { trace, range, ..everything() };
            let got = bodies(&bench, &query);
            prop_assert_eq!(got.len(), want.len());
            prop_assert_eq!(&got.into_iter().collect::<std::collections::BTreeSet<_>>(), &want);
        }
        let times = |query: &LogQuery| -> Vec<u64> {
            bench.store.logs(query).lines.iter().map(|l| (l.time_unix_nano - NOW) / 1_000).collect()
        };
        let mut latest: Vec<u64> = input.iter().map(|(at, ..)| *at).collect();
        latest.sort_unstable();
        latest.drain(..latest.len().saturating_sub(limit));
        prop_assert_eq!(times(&LogQuery { limit, ..everything() }), latest);
        bench.stop();
    }
}

#[test]
fn a_line_keeps_its_words_and_names_its_place() {
    let bench = Bench::in_memory(Signal::Logs, small_segments(1 << 20));
    let mut record = line(7, 1, "pellet recorded");
    record.span_id = vec![3; 8];
    record.attributes = vec![super::support::pair(
        "entries",
        opentelemetry_proto::tonic::common::v1::any_value::Value::IntValue(300),
    )];
    bench.append(&logs_of("nestr", vec![record, line(0, 2, "outside any trace")]));
    bench.settle();
    let found = bench.store.logs(&everything()).lines;
    let json = serde_json::to_value(&found).unwrap();
    let want = serde_json::json!([
        {
            "time_unix_nano": (NOW + 1_000).to_string(), "severity_text": "INFO",
            "severity_number": 9, "body": "pellet recorded",
            "trace_id": "07".repeat(16), "span_id": "03".repeat(8), "service": "nestr",
            "attributes": {"entries": 300},
        },
        {
            "time_unix_nano": (NOW + 2_000).to_string(), "severity_text": "INFO",
            "severity_number": 9, "body": "outside any trace",
            "trace_id": "", "span_id": "", "service": "nestr", "attributes": {},
        },
    ]);
    assert_eq!(json, want);
    bench.stop();
}
