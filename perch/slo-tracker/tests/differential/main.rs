//! Random traffic, counted three times: by a walk over all events, by the tracker, and by a real Prometheus that
//! evaluates the generated rules. They agree on every window: the tracker exactly, Prometheus within the resolution of
//! its scrapes.
//!
//! # The bound on Prometheus
//! Of a counter's samples in a window the increase is `raw`, from the first sample to the last. What arrived with
//! the first sample, `first`, is not in it: it belongs to the time since the sample before. Prometheus then extrapolates
//! to the window's edges where they are nearer than 1.1 mean distances of samples, else by half a distance, and less where
//! the counter would have been below 0; what it adds is at most `beyond·raw`, with `beyond` both stretches by the time
//! between first and last sample. The truth is `raw + first`, so the two differ by at most `max(first, beyond·raw)`:
//! with `k` regular scrapes by one scrape's events or a `k`th of all. Counters that are added add their bounds.
//!
//! The period is made of the shortest window's sums, one at each evaluation and each taken for its share: so are its
//! bounds, and the events of the last such window are not wholly in yet.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly")]

mod prometheus;
mod traffic;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use collector_otlp::Signal;
use durable_fs::ManualClock;
use perch_slo_tracker::{Limits, Objective, Objectives, Policy, Tracked, View};
use slo::compile::{Compiled, compile};
use slo::length::Length;
use slo::plan::{Options, Plan, Profile};
use slo::spec::Source;

use traffic::{Traffic, Window};

const SPEC: &str = r#"
version: prometheus/v1
service: shop
slos:
- name: requests
  objective: 99
  sli:
    events:
      error_query: sum(rate(shop_requests_total{code="500"}[{{.window}}]))
      total_query: sum(rate(shop_requests_total[{{.window}}]))
  alerting: {name: ShopRequests}
---
version: alertWindows/v1
sloPeriod: 1d
page:
  quick: {errorBudgetPercent: 20, shortWindow: 5m, longWindow: 30m}
  slow: {errorBudgetPercent: 50, shortWindow: 20m, longWindow: 2h}
ticket:
  quick: {errorBudgetPercent: 60, shortWindow: 30m, longWindow: 4h}
  slow: {errorBudgetPercent: 40, shortWindow: 2h, longWindow: 8h}
"#;
/// 2026-01-01T00:00:00Z: a multiple of every resolution, as 0 is for promtool.
const THEN: u64 = 1_767_225_600;
const SECOND: u64 = 1_000_000_000;
const SEEDS: [u64; 4] = [1, 7, 1_234, 987_654_321];

fn compiled() -> (Compiled, Options) {
    let options =
        Options { period: Length::DAY, ..Options::new(Profile::Exact, "perch_slo_events_total") };
    let compiled = compile(&[Source { name: "spec.yaml", text: SPEC }], &options);
    assert!(compiled.sound, "{:?}", compiled.findings);
    (compiled, options)
}

/// Looks at every window at random times; nothing may differ by an event.
fn judge_tracker(plan: &Plan, seed: u64, traffic: &Traffic) {
    let objective = Objective::of(plan, traffic::RESOLUTION).unwrap();
    let objectives = Arc::new(Objectives::new(vec![objective], Limits::default()).unwrap());
    let mut tracked = Tracked::new(Arc::clone(&objectives));
    // Whoever listened before a counter began has all of it.
    tracked.observe_payload(Signal::Metrics, &[], (THEN - 1) * SECOND);
    let mut restarts = traffic.restarts.iter().peekable();
    let mut n_compared = 0;
    for at in traffic.times() {
        if let Some(request) = traffic.request(at, THEN) {
            tracked.observe_payload(Signal::Metrics, &request, (THEN + at) * SECOND);
        }
        while restarts.next_if(|restart| **restart <= at).is_some() {
            tracked = Tracked::decode(Arc::clone(&objectives), &tracked.encode()).unwrap();
        }
        if !traffic.looks.contains(&at) {
            continue;
        }
        let clock = Arc::new(ManualClock::at(Duration::from_secs(THEN + at)));
        let view = View::new(Arc::clone(&objectives), Policy::default(), clock);
        view.join("metrics", Arc::new(Mutex::new(tracked.clone())));
        for window in &view.one("shop-requests").unwrap().windows {
            let length = Length::parse(&window.window).unwrap();
            let want = traffic.exact(at, length.0);
            assert_eq!(
                (window.bad, window.total),
                want,
                "seed {seed}, {} at {at} s",
                window.window
            );
            n_compared += 1;
        }
    }
    assert!(n_compared >= 6 * traffic.looks.len(), "{n_compared}");
}

#[test]
fn the_tracker_counts_every_event_of_random_traffic() {
    let (compiled, _) = compiled();
    for seed in SEEDS {
        judge_tracker(&compiled.plans[0], seed, &Traffic::random(seed));
    }
}

#[test]
fn prometheus_agrees_within_the_resolution_of_its_scrapes() {
    let name = "prometheus_agrees_within_the_resolution_of_its_scrapes";
    let Some(promtool) = prometheus::promtool(name) else { return };
    let (compiled, options) = compiled();
    let plan = &compiled.plans[0];
    let mut cases = Vec::new();
    for seed in SEEDS {
        let traffic = Traffic::random(seed);
        let mut case = prometheus::Case::new(seed, &traffic);
        for at in &traffic.looks {
            for length in &plan.windows {
                // Without two samples Prometheus makes no statement.
                let Some(window) = traffic.scraped(*at, length.0) else { continue };
                case.expect(*at, &length.to_string(), window);
            }
            let (base, interval) = (plan.base().0, plan.interval().0);
            case.expect(*at, "1d", period(&traffic, *at, base, interval));
        }
        assert!(case.n_expected() > 100, "{}", case.n_expected());
        cases.push(case);
    }
    prometheus::judge(&promtool, &compiled.rules(&options), &cases);
}

/// The whole past by sums over the shortest window.
fn period(traffic: &Traffic, at: u64, base: u64, interval: u64) -> Window {
    let (bad, total) = traffic.exact(at, 86_400);
    let (late_bad, late_total) = traffic.exact(at, base + traffic::SCRAPE);
    let mut bounds = (late_bad as f64, late_total as f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a day")]
    let share = interval as f64 / base as f64;
    for evaluation in (0..=at / interval).map(|n| n * interval) {
        // Where Prometheus makes no statement, whatever happened is missed.
        let bound = traffic.scraped(evaluation, base).map_or_else(
            || {
                let (bad, total) = traffic.exact(evaluation, base);
                (bad as f64, total as f64)
            },
            |window| window.bounds,
        );
        bounds.0 += share * bound.0;
        bounds.1 += share * bound.1;
    }
    Window { bad, total, bounds }
}
