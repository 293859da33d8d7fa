//! What counts, and why it is bad.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use collector_otlp::Signal;
use durable_fs::ManualClock;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::build::{SECOND, THEN, attribute, objectives, of_spans, request, span, text};
use crate::{Limits, Policy, Status, Tracked, View};

fn status_of(text: &str, limits: Limits, payloads: &[Vec<u8>]) -> Status {
    let objectives = objectives(text, 10, limits);
    let mut tracked = Tracked::new(Arc::clone(&objectives));
    for (n, payload) in payloads.iter().enumerate() {
        let received_at = (THEN + n as u64) * SECOND;
        tracked.observe_payload(Signal::Traces, payload, received_at);
    }
    let clock = Arc::new(ManualClock::at(Duration::from_secs(THEN + 60)));
    let view = View::new(objectives, Policy::default(), clock);
    view.join("traces", Arc::new(Mutex::new(tracked)));
    view.all().remove(0)
}

fn counts(indicator: &str, payloads: &[Vec<u8>]) -> (u64, u64) {
    let status = status_of(&of_spans(indicator), Limits::default(), payloads);
    let period = status.windows.last().unwrap();
    (period.bad, period.total)
}

#[test]
fn spans_count_by_service_name_kind_and_attributes() {
    let get = |status: i64| {
        let method = attribute("http.request.method", text("GET"));
        vec![method, attribute("http.response.status_code", Value::IntValue(status))]
    };
    let requests = [
        request("shop", vec![span("pay", 5, false, get(200)), span("list", 5, true, get(500))]),
        request("other", vec![span("pay", 5, true, get(503))]),
        request("shop", vec![span("pay", 300, false, get(503)), span("pay", 5, true, Vec::new())]),
    ];
    for (indicator, want) in [
        ("service: shop", (2, 4)),
        ("service: shop, name: pay", (1, 3)),
        ("name: pay", (2, 4)),
        ("service: shop, kind: client", (0, 0)),
        ("service: shop, kind: server", (2, 4)),
        ("service: shop, threshold: 250ms", (3, 4)),
        ("service: shop, attributes: 'http.request.method=\"GET\"'", (1, 3)),
        ("service: shop, attributes: 'http.request.method=\"\"'", (1, 1)),
        ("service: shop, goodWhen: 'http.response.status_code!~\"5..\"'", (3, 4)),
        // What the span does not say, its resource may.
        ("attributes: 'service.name=~\"o.*\"'", (1, 1)),
    ] {
        assert_eq!(counts(indicator, &requests), want, "{indicator}");
    }
}

#[test]
fn groups_are_capped_and_what_has_none_is_in_the_rest() {
    let of =
        |region: &str, is_error| span("pay", 5, is_error, vec![attribute("region", text(region))]);
    let requests: Vec<_> = (0..6)
        .map(|n| request("shop", vec![of(&format!("r{n}"), n % 2 == 0), of("r0", false)]))
        .collect();
    let limits = Limits { max_groups: 3, ..Limits::default() };
    let status = status_of(&of_spans("service: shop, groupBy: region"), limits, &requests);
    let groups: Vec<_> =
        status.groups.iter().map(|g| (g.values.join(","), g.bad, g.total)).collect();
    let want = [("r0", 1, 7), ("r2", 1, 1), ("r1", 0, 1), ("", 1, 3)];
    assert_eq!(groups, want.map(|(name, bad, total)| (name.to_owned(), bad, total)));
    assert_eq!((status.windows[0].bad, status.windows[0].total), (3, 12));
}

#[test]
fn what_spent_the_budget_is_told_with_its_traces() {
    let kind = || vec![attribute("error.type", text("timeout"))];
    let requests = [
        request("shop", vec![span("pay", 5, true, kind()), span("pay", 400, false, Vec::new())]),
        request("shop", vec![span("pay", 5, true, kind()), span("list", 5, true, Vec::new())]),
    ];
    let status =
        status_of(&of_spans("service: shop, threshold: 250ms"), Limits::default(), &requests);
    let causes: Vec<_> = status
        .spending
        .iter()
        .map(|c| (c.operation.as_str(), c.error.as_str(), c.bad, c.traces[0].duration_ms))
        .collect();
    let want = [
        ("shop: pay", "timeout", 2, 5),
        ("shop: list", "gone wrong", 1, 5),
        ("shop: pay", "too slow", 1, 400),
    ];
    assert_eq!(causes, want);
    assert_eq!(status.spending[0].traces[0].trace_id, "07".repeat(16));
}

#[test]
fn memory_is_bounded_by_letting_groups_go_and_loses_no_event() {
    let of =
        |n: usize| span("pay", 5, n.is_multiple_of(3), vec![attribute("id", text(&n.to_string()))]);
    let requests: Vec<_> = (0..1_024).map(|n| request("shop", vec![of(n % 60)])).collect();
    let text = of_spans("service: shop, groupBy: id");
    let free = status_of(&text, Limits::default(), &requests);
    let bound = Limits { max_bytes: 40_000, ..Limits::default() };
    let tight = status_of(&text, bound, &requests);
    assert_eq!(free.windows, tight.windows);
    let sum = |s: &Status| s.groups.iter().fold((0, 0), |t, g| (t.0 + g.bad, t.1 + g.total));
    assert_eq!((free.groups.len(), sum(&free)), (60, (342, 1_024)));
    assert_eq!(sum(&tight), sum(&free));
    assert!(tight.groups.len() < 60, "{}", tight.groups.len());
}

#[test]
fn a_damaged_state_is_refused_and_an_objective_that_changed_begins_anew() {
    let limits = Limits::default();
    let before = objectives(&of_spans("service: shop"), 10, limits);
    let mut tracked = Tracked::new(Arc::clone(&before));
    let payload = request("shop", vec![span("pay", 5, true, Vec::new())]);
    tracked.observe_payload(Signal::Traces, &payload, THEN * SECOND);
    let state = tracked.encode();
    for n in 0..state.len() {
        assert!(Tracked::decode(Arc::clone(&before), &state[..n]).is_err() || n == 0, "{n}");
    }
    let total = |text: &str, resolution| {
        let now = objectives(text, resolution, limits);
        let tracked = Tracked::decode(Arc::clone(&now), &state).unwrap();
        let clock = Arc::new(ManualClock::at(Duration::from_secs(THEN)));
        let view = View::new(now, Policy::default(), clock);
        view.join("traces", Arc::new(Mutex::new(tracked)));
        let status = view.all().remove(0);
        (status.windows[0].total, status.windows.last().unwrap().total)
    };
    let same = of_spans("service: shop");
    assert_eq!(total(&same, 10), (1, 1));
    assert_eq!(total(&same.replace("objective: 99", "objective: 95"), 10), (1, 1));
    // Other buckets: what is in the coarse ones stays.
    assert_eq!(total(&same, 5), (0, 1));
    assert_eq!(total(&of_spans("service: shop, name: pay"), 10), (0, 0));
}
