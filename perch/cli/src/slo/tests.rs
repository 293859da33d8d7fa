//! The whole output of `perch slo`, as people and programs read it.

use slo::compile::{Compiled, compile};
use slo::plan::{Options, Profile};
use slo::spec::Source;

use super::validate;

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
