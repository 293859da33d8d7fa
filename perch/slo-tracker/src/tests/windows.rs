//! Windows against the oracle.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use collector_otlp::Signal;
use durable_fs::ManualClock;
use proptest::prelude::*;

use super::build::{SECOND, THEN, objectives, of_spans, request, span};
use super::oracle::Oracle;
use crate::{Limits, Objectives, Policy, Sum, Tracked, View};

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    /// A request with so many bad and good events arrives so many milliseconds later.
    Events {
        after: u64,
        bad: u8,
        good: u8,
    },
    /// Nothing for so many seconds.
    Idle(u64),
    /// The clock is set back by so many seconds.
    SetBack(u64),
    /// The process is killed: what came since the last checkpoint is read again.
    Kill,
    Checkpoint,
    /// Somebody asks.
    Look(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..20_000_u64, 0..4_u8, 0..9_u8).prop_map(|(after, bad, good)| Step::Events { after, bad, good }),
        3 => (0..30_u64, 0..200_u8, 0..200_u8).prop_map(|(after, bad, good)| Step::Events { after, bad, good }),
        2 => prop_oneof![1..400_u64, 3_000..30_000_u64, 80_000..900_000_u64, 2_500_000..2_700_000_u64].prop_map(Step::Idle),
        1 => (1..4_000_u64).prop_map(Step::SetBack),
        1 => Just(Step::Kill),
        2 => Just(Step::Checkpoint),
        4 => (0..4_000_u64).prop_map(Step::Look),
    ]
}

struct Site {
    objectives: Arc<Objectives>,
    tracked: Tracked,
    oracle: Oracle,
    /// Since the last checkpoint.
    log: Vec<(u64, Vec<u8>)>,
    state: Vec<u8>,
    /// Milliseconds that the clock shows.
    now: u64,
}

impl Site {
    fn new(objectives: Arc<Objectives>) -> Self {
        let (tracked, oracle) = (Tracked::new(Arc::clone(&objectives)), Oracle::default());
        Self { objectives, tracked, oracle, log: Vec::new(), state: Vec::new(), now: THEN * 1_000 }
    }

    fn events(&mut self, bad: u8, good: u8) {
        let spans = (0..bad).map(|_| true).chain((0..good).map(|_| false));
        let spans = spans.map(|is_error| span("pay", 5, is_error, Vec::new())).collect();
        let payload = request("shop", spans);
        let received_at = self.now * 1_000_000;
        self.tracked.observe_payload(Signal::Traces, &payload, received_at);
        let total = i64::from(bad) + i64::from(good);
        self.oracle.add(received_at, Sum { bad: bad.into(), total });
        self.log.push((received_at, payload));
    }

    fn kill(&mut self) {
        self.tracked = Tracked::decode(Arc::clone(&self.objectives), &self.state).unwrap();
        for (received_at, payload) in &self.log {
            self.tracked.observe_payload(Signal::Traces, payload, *received_at);
        }
    }

    fn look(&self, later: u64) {
        let wall = self.now * 1_000_000 + later * SECOND;
        let clock = Arc::new(ManualClock::at(Duration::from_nanos(wall)));
        let view = View::new(Arc::clone(&self.objectives), Policy::default(), clock);
        view.join("traces", Arc::new(Mutex::new(self.tracked.clone())));
        let objective = &self.objectives.all()[0];
        let status = view.one(&objective.id).unwrap();
        for (n, window) in status.windows.iter().enumerate() {
            let want = self.oracle.window(&objective.resolution, n, wall);
            assert_eq!((window.bad, window.total), (want.bad, want.total), "{}", window.window);
        }
    }

    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Events { after, bad, good } => {
                    self.now += after;
                    self.events(*bad, *good);
                }
                Step::Idle(seconds) => self.now += seconds * 1_000,
                Step::SetBack(seconds) => self.now -= seconds * 1_000,
                Step::Kill => self.kill(),
                Step::Checkpoint => {
                    self.state = self.tracked.encode();
                    self.log.clear();
                }
                Step::Look(later) => self.look(*later),
            }
        }
        self.look(0);
        let before = self.tracked.encode();
        self.kill();
        assert_eq!(self.tracked.encode(), before, "a replay leads to the same state");
        self.look(1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_window_is_exact_whatever_happens(
        steps in prop::collection::vec(step(), 1..120),
        resolution in prop::sample::select(vec![1_u64, 10, 60]),
        calendar in any::<bool>(),
    ) {
        let text = if calendar { CALENDAR.to_owned() } else { of_spans("service: shop") };
        Site::new(objectives(&text, resolution, Limits::default())).run(&steps);
    }
}

const CALENDAR: &str = r"
apiVersion: openslo/v1
kind: SLO
metadata: {name: pay}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: '2026-01-01 00:00:00', timeZone: UTC}}]
  indicator:
    metadata: {name: pay}
    spec:
      thresholdMetric: {metricSource: {type: perch-spans, spec: {service: shop}}}
  objectives: [{target: 0.99}]
";

#[test]
fn a_month_of_traffic_every_minute_stays_within_its_bound_and_costs_little() {
    let objectives = objectives(&of_spans("service: shop"), 10, Limits::default());
    let mut site = Site::new(objectives);
    let payload = request("shop", vec![span("pay", 5, false, Vec::new())]);
    for minute in 0..50_000 {
        let received_at = (THEN + minute * 60) * SECOND;
        site.tracked.observe_payload(Signal::Traces, &payload, received_at);
    }
    let state = site.tracked.encode();
    assert!(state.len() < 50_000, "{} bytes for a month", state.len());
    let bound = crate::max_bytes(10, 30 * 86_400);
    assert!(site.tracked.n_bytes() as u64 <= bound, "{} of {bound}", site.tracked.n_bytes());
    let back = Tracked::decode(Arc::clone(&site.objectives), &state).unwrap();
    assert_eq!(back.encode(), state);
    // A week without anything: not a byte more.
    let received_at = (THEN + 50_000 * 60 + 7 * 86_400) * SECOND;
    site.tracked.observe_payload(Signal::Traces, &payload, received_at);
    assert!(site.tracked.encode().len() < state.len());
}
