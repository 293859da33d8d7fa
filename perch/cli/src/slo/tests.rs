//! The whole output of `perch slo`, as people and programs read it.

use slo::compile::{Compiled, compile};
use slo::plan::{Options, Profile};
use slo::spec::Source;

use perch_slo_tracker::{
    CauseStatus, GroupStatus, History, PolicyState, Status, TierStatus, TraceStatus, WindowStatus,
};

use super::{diff, gate, status, validate};

const SPEC: &str = r#"version: prometheus/v1
service: shop
slo_plugins: {chain: [{id: perch.dev/traffic/v1, config: {eventsPerHour: 5}}]}
slos:
  - name: errors
    objective: 99.9
    description: Requests are answered.
    sli:
      events:
        error_query: sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_requests_total[{{.window}}]))
    alerting: {name: ShopErrors}
  - name: freshness
    objective: 90
    sli: {raw: {error_ratio_query: 'avg_over_time((age_seconds > bool 60)[{{.window}}:1m])'}}
    alerting: {name: ShopStale, ticket_alert: {disable: true}}
"#;

fn compiled(text: &str, profile: Profile) -> (Compiled, Options) {
    let options = Options { alone: true, ..Options::new(profile, "events_total") };
    (compile(&[Source { name: "shop.yaml", text }], &options), options)
}

#[test]
fn validate_says_what_is_doubtful_and_who_evaluates() {
    let (compiled, _) = compiled(SPEC, Profile::Exact);
    insta::assert_snapshot!("validate", validate::report(&compiled, false));
    insta::assert_snapshot!("validate_json", validate::report(&compiled, true));
}

#[test]
fn validate_names_faults_with_their_places() {
    let text = SPEC.replace("objective: 99.9", "objective: 999").replace("sli: {raw", "sli: {rawe");
    let (compiled, _) = compiled(&text, Profile::Exact);
    assert!(!compiled.sound);
    insta::assert_snapshot!("faults", validate::report(&compiled, false));
}

#[test]
fn rules_of_both_profiles() {
    for (profile, name) in [(Profile::Exact, "rules_exact"), (Profile::Sloth, "rules_sloth")] {
        let (compiled, options) = compiled(SPEC, profile);
        insta::assert_snapshot!(name, compiled.rules(&options));
    }
}

#[test]
fn tests_routes_and_runbooks() {
    let (compiled, options) = compiled(SPEC, Profile::Exact);
    let artifacts = compiled.artifacts(&options);
    let names: Vec<&str> = artifacts.keys().map(String::as_str).collect();
    insta::assert_snapshot!("artifacts", names.join("\n"));
    for (name, file) in [
        ("tests_fast", "tests/shop-errors.fast.yaml"),
        ("tests_hours", "tests/shop-errors.hours.yaml"),
        ("runbook", "runbooks/ShopErrors.md"),
        ("alertmanager", "alertmanager/slo.yaml"),
    ] {
        insta::assert_snapshot!(name, artifacts[file]);
    }
}

/// An objective that is tracked, with tiers as the compiler makes them.
fn tracked(name: &str, state: PolicyState, budget_remaining: f64) -> Status {
    let (compiled, _) = compiled(SPEC, Profile::Exact);
    let tiers = &compiled.plans[0].tiers;
    let window = |window: &str, bad, total, burn_rate| {
        let window = window.to_owned();
        WindowStatus { window, bad, total, burn_rate }
    };
    let trace = TraceStatus {
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        at: 1_767_225_600,
        duration_ms: 31,
    };
    let group = |values: &[&str], bad, total, budget_remaining| GroupStatus {
        values: values.iter().map(|v| (*v).to_owned()).collect(),
        bad,
        total,
        budget_remaining,
        firing: if bad > 10 { vec!["page-quick".into()] } else { Vec::new() },
    };
    Status {
        id: format!("shop-{name}"),
        service: "shop".into(),
        name: name.into(),
        description: "Requests are answered.".into(),
        target: 99.9,
        period: "30d".into(),
        counts: "spans".into(),
        state,
        budget_remaining,
        exhausted_in_seconds: (budget_remaining < 0.5).then_some(95_000.0),
        known_seconds: 90_000,
        period_seconds: 2_592_000,
        windows: vec![
            window("5m", 0, 0, 0.0),
            window("1h", 20, 1_000, 20.0),
            window("30d", 21, 90_000, 0.233),
        ],
        tiers: tiers.iter().enumerate().map(|(n, tier)| TierStatus::new(tier, n == 0)).collect(),
        group_by: vec!["region".into()],
        groups: vec![group(&["north"], 20, 500, -39.0), group(&[], 1, 89_500, 0.98)],
        spending: vec![CauseStatus {
            operation: "shop: POST /pay".into(),
            error: "timeout".into(),
            bad: 20,
            over: 0,
            first: 1_767_225_000,
            last: 1_767_225_600,
            traces: vec![trace],
        }],
    }
}

#[test]
fn status_shows_all_objectives_or_all_about_one() {
    let mut calm = tracked("search", PolicyState::Ok, 1.0);
    calm.windows.iter_mut().for_each(|w| (w.total, w.bad) = (0, 0));
    calm.tiers.iter_mut().for_each(|t| t.firing = false);
    calm.known_seconds = calm.period_seconds;
    let all = [tracked("errors", PolicyState::Frozen, 0.08), calm];
    insta::assert_snapshot!("status", status::table(&all));
    insta::assert_snapshot!("status_one", status::page(&all[0]));
    insta::assert_snapshot!("status_none", status::table(&[]));
}

#[test]
fn the_gate_says_which_budgets_are_spent() {
    let all =
        [tracked("errors", PolicyState::Frozen, 0.08), tracked("search", PolicyState::Ok, 1.0)];
    let chosen = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        gate::chosen(&all, &ids)
    };
    insta::assert_snapshot!("gate_closed", gate::report(&chosen(&[]).unwrap(), false));
    insta::assert_snapshot!("gate_open", gate::report(&chosen(&["shop-search"]).unwrap(), false));
    insta::assert_snapshot!("gate_json", gate::report(&chosen(&[]).unwrap(), true));
    insta::assert_snapshot!("gate_unknown", chosen(&["shop-nothing"]).unwrap_err());
    assert!(gate::chosen(&[], &[]).is_err());
}

#[test]
fn diff_shows_the_alerts_of_both() {
    let (compiled, _) = compiled(&SPEC.replace("objective: 99.9", "objective: 99"), Profile::Exact);
    // A day of ten events a minute; one in forty is bad for two hours, half of them for five minutes.
    let begin = 1_767_225_600;
    let bucket = |minute: u64| {
        let bad = match minute {
            600..720 => u64::from(minute.is_multiple_of(4)),
            1_000..1_005 => 5,
            _ => 0,
        };
        (begin + minute * 60, bad, 10)
    };
    let history = || History {
        id: "shop-errors".into(),
        now: begin + 1_440 * 60,
        step: 60,
        buckets: (0..1_440).map(bucket).collect(),
    };
    let before = tracked("errors", PolicyState::Ok, 0.5);
    let all = [
        diff::compare(&compiled.plans[0], Some((&before, history()))),
        diff::compare(&compiled.plans[1], None),
    ];
    insta::assert_snapshot!("diff", diff::report(&all, false));
    insta::assert_snapshot!("diff_json", diff::report(&all, true));
}
