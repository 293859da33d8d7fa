//! What the tracker costs per span, with 1, 10 and 100 objectives: medians of processor time of one thread (Linux).

#![allow(clippy::print_stdout, reason = "figures are what it is for")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot begin has nothing to say")]

use std::sync::Arc;

use collector_otlp::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use perch_slo_tracker::{Limits, Objective, Objectives, Tracked};
use prost::Message;
use slo::compile::compile;
use slo::plan::{Options, Profile};
use slo::spec::Source;

const SPANS: usize = 1_000;
/// So many that a run is long beside the four milliseconds by which some kernels count processor time.
const REQUESTS: u64 = 500;
const RUNS: usize = 7;
const SECOND: u64 = 1_000_000_000;
const THEN: u64 = 1_767_225_600;

fn main() {
    println!(
        "ns per span, median of {RUNS} runs of {REQUESTS} requests with {SPANS} spans of 10 attributes, 2 % bad"
    );
    println!("objectives  each of one operation  each of every operation  the same by group");
    for n in [1, 10, 100] {
        let named =
            cost(n, |at| format!("service: shop, name: op-{at}, kind: server, threshold: 250ms"));
        let every = cost(n, |_| {
            "service: shop, kind: server, threshold: 250ms, goodWhen: 'http.response.status_code!~\"5..\"'".into()
        });
        let grouped = cost(n, |_| {
            "service: shop, kind: server, threshold: 250ms, groupBy: http.route".into()
        });
        println!("{n:>10}  {named:>21.0}  {every:>23.0}  {grouped:>17.0}");
    }
}

fn cost(n: usize, indicator: impl Fn(usize) -> String) -> f64 {
    let one = |at: usize| {
        format!(
            "  - name: slo-{at}\n    objective: 99.9\n    sli: {{plugin: {{id: perch.dev/spans/v1, options: {{{}}}}}}}\n    \
             alerting: {{name: Slo}}\n",
            indicator(at)
        )
    };
    let text = (0..n).map(one).collect::<String>();
    let text = format!("version: prometheus/v1\nservice: shop\nslos:\n{text}");
    let options = Options::new(Profile::Exact, "perch_slo_events_total");
    let compiled = compile(&[Source { name: "cost.yaml", text: &text }], &options);
    assert!(compiled.sound, "{:?}", compiled.findings);
    let all = compiled.plans.iter().filter_map(|plan| Objective::of(plan, 10)).collect();
    let objectives = Arc::new(Objectives::new(all, Limits::default()).unwrap());
    let payload = payload();
    let mut tracked = Tracked::new(objectives);
    let mut now = THEN * SECOND;
    let mut runs: Vec<f64> = (0..RUNS)
        .map(|_| {
            let begun = on_cpu();
            for _ in 0..REQUESTS {
                now += SECOND;
                tracked.observe_payload(Signal::Traces, &payload, now);
            }
            #[expect(clippy::cast_precision_loss, reason = "a number of spans")]
            let n_spans = REQUESTS as f64 * SPANS as f64;
            (on_cpu() - begun) / n_spans
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    runs[RUNS / 2]
}

/// Nanoseconds that this thread has been on a processor: what others do meanwhile does not count.
fn on_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn text(value: impl Into<String>) -> Value {
    Value::StringValue(value.into())
}

fn payload() -> Vec<u8> {
    let span = |n: usize| Span {
        trace_id: n.to_le_bytes().repeat(2),
        span_id: n.to_le_bytes().to_vec(),
        parent_span_id: vec![1; 8],
        name: format!("op-{}", n % 20),
        kind: 2,
        start_time_unix_nano: THEN * SECOND,
        end_time_unix_nano: THEN * SECOND + 20_000_000,
        status: n.is_multiple_of(50).then(|| Status { code: 2, message: "timeout".into() }),
        attributes: vec![
            pair("http.request.method", text("GET")),
            pair("url.scheme", text("https")),
            pair("url.path", text(format!("/orders/{n}"))),
            pair("http.route", text(format!("/orders/{{id}}/{}", n % 7))),
            pair("http.response.status_code", Value::IntValue(200)),
            pair("server.address", text("shop.example.org")),
            pair("server.port", Value::IntValue(443)),
            pair("network.protocol.version", text("1.1")),
            pair("user_agent.original", text("curl/8.5")),
            pair("thread.id", Value::IntValue(17)),
        ],
        ..Default::default()
    };
    let attributes = vec![
        pair("service.name", text("shop")),
        pair("service.instance.id", text("0f3a")),
        pair("telemetry.sdk.language", text("rust")),
    ];
    let resource = Some(Resource { attributes, ..Default::default() });
    let scope_spans =
        vec![ScopeSpans { spans: (0..SPANS).map(span).collect(), ..Default::default() }];
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
