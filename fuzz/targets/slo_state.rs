//! Any bytes as the state of an SLO tracker: it is refused, or it is read, goes on counting and writes itself again.
//!
//! The input is put behind the mark and the version, for random bytes would never get past those.
#![no_main]

use std::sync::{Arc, LazyLock};

use collector_otlp::Signal;
use libfuzzer_sys::fuzz_target;
use perch_slo_tracker::{Limits, Objective, Objectives, Tracked};
use slo::compile::compile;
use slo::plan::{Options, Profile};
use slo::spec::Source;

const TEXT: &str = r#"version: prometheus/v1
service: shop
slos:
  - name: pay
    objective: 99
    sli: {plugin: {id: perch.dev/spans/v1, options: {service: shop, groupBy: region}}}
    alerting: {name: ShopPay}
  - name: orders
    objective: 99
    sli:
      events:
        error_query: sum(rate(orders_total{outcome="failed"}[{{.window}}]))
        total_query: sum(rate(orders_total[{{.window}}]))
    alerting: {name: ShopOrders}
"#;

static OBJECTIVES: LazyLock<Arc<Objectives>> = LazyLock::new(|| {
    let options = Options::new(Profile::Exact, "events_total");
    let compiled = compile(&[Source { name: "fuzz.yaml", text: TEXT }], &options);
    let all = compiled.plans.iter().filter_map(|plan| Objective::of(plan, 10)).collect();
    Arc::new(Objectives::new(all, Limits::default()).expect("sound objectives"))
});

fuzz_target!(|input: &[u8]| {
    let state = [b"SLOTRACK\x01", input].concat();
    let Ok(mut tracked) = Tracked::decode(Arc::clone(&OBJECTIVES), &state) else { return };
    tracked.observe_payload(Signal::Traces, &[], 1_767_225_600_000_000_000);
    let written = tracked.encode();
    let again = Tracked::decode(Arc::clone(&OBJECTIVES), &written).expect("what is written is read");
    assert_eq!(again.encode(), written);
});
