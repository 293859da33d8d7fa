use std::collections::BTreeSet;

use collector_otlp::view::{LogsView, TracesView};
use collector_otlp::{Encoding, Limits, Request, Signal, inflate};

use super::{Plan, Template};
use crate::bench::marks::{self, Mark};

const NOW: u64 = 1_767_225_600_000_000_000;

fn plan(signal: Signal, item_bytes: usize, batch: usize) -> Plan {
    Plan { signal, item_bytes, batch, seed: 1, run: 0xfeed_0000_1234_5678 }
}

#[test]
fn every_request_is_proven_and_bears_its_numbers() {
    for signal in Signal::ALL {
        for (item_bytes, batch) in [(300, 100), (1024, 7), (300, 1), (1, 3)] {
            let plan = plan(signal, item_bytes, batch);
            let template = Template::new(&plan, NOW);
            for nth in [0, 1, 70_000] {
                let bytes = template.request(nth, NOW);
                assert_eq!(bytes.len(), template.n_bytes());
                let mut marks = Vec::new();
                marks::each(signal, &bytes, |mark| marks.push(mark));
                let first = nth * batch as u64;
                let run = plan.run;
                let expected = (0..batch as u64).map(|i| Some(Mark { run, index: first + i }));
                assert!(marks.into_iter().eq(expected), "{signal} {item_bytes} × {batch}");
                let request = Request::prove(signal, bytes.into(), &Limits::default()).unwrap();
                assert_eq!(request.n_items as usize, batch);
            }
        }
    }
}

#[test]
fn items_have_the_size_asked_for_and_compress_like_telemetry() {
    for signal in Signal::ALL {
        for item_bytes in [300, 1024] {
            let bytes = Template::new(&plan(signal, item_bytes, 1000), NOW).request(3, NOW);
            let each = bytes.len() as f64 / 1000.0;
            assert!((each / item_bytes as f64 - 1.0).abs() < 0.2, "{signal}: {each}");
            let small = inflate::compress(Encoding::Gzip, &bytes).unwrap().len();
            let ratio = bytes.len() as f64 / small as f64;
            assert!((2.0..12.0).contains(&ratio), "{signal} {item_bytes}: {ratio}");
        }
    }
}

#[test]
fn spans_of_a_trace_hang_together_and_no_id_comes_twice() {
    let template = Template::new(&plan(Signal::Traces, 300, 20), NOW);
    let (mut spans, mut traces) = (BTreeSet::new(), BTreeSet::new());
    for nth in 0..3 {
        let bytes = template.request(nth, NOW);
        let view = TracesView::over(&bytes);
        let resource = view.resource_spans().next().unwrap();
        assert_eq!(resource.resource.service_name(), Some("perch-bench"));
        let scope = resource.scope_spans().next().unwrap();
        let mut roots = BTreeSet::new();
        for span in scope.spans() {
            assert!(spans.insert(span.span_id.0.to_vec()), "a span id came twice");
            assert!(span.start_time_unix_nano < span.end_time_unix_nano);
            assert!(span.end_time_unix_nano <= NOW);
            if span.parent_span_id.0.iter().all(|b| *b == 0) {
                roots.insert(span.span_id.0.to_vec());
                assert!(traces.insert(span.trace_id.0.to_vec()), "a trace id came twice");
            } else {
                assert!(roots.contains(&span.parent_span_id.0[..]));
            }
        }
        assert_eq!(roots.len(), 3);
    }
}

#[test]
fn the_seed_decides_the_content() {
    let make = |seed, run| {
        let plan = Plan { seed, run, ..plan(Signal::Logs, 300, 50) };
        Template::new(&plan, NOW).request(0, NOW)
    };
    assert_eq!(make(7, 1), make(7, 1));
    let bodies = |bytes: &[u8]| -> Vec<String> {
        let view = LogsView::over(bytes);
        let scopes = view.resource_logs().flat_map(|r| r.scope_logs());
        scopes.flat_map(|s| s.log_records()).map(|r| r.body.to_string()).collect()
    };
    assert_eq!(bodies(&make(7, 1)), bodies(&make(7, 2)));
    assert_ne!(bodies(&make(7, 1)), bodies(&make(8, 1)));
}
