//! Readers: what is read, and what is refused where and how.

use crate::compile::compile;
use crate::plan::{Options, Profile};

use super::Source;

fn findings(text: &str) -> String {
    let options = Options::new(Profile::Exact, "events_total");
    let compiled = compile(&[Source { name: "f.yaml", text }], &options);
    let lines: Vec<String> = compiled.findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn check(text: &str, expected: &[&str]) {
    let found = findings(text);
    for part in expected {
        assert!(found.contains(part), "wanted {part}\nfound:\n{found}");
    }
    if expected.is_empty() {
        assert_eq!(found, "");
    }
}

const PLAIN: &str = r#"version: prometheus/v1
service: shop
slos:
  - name: requests
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_requests_total[{{.window}}]))
    alerting:
      name: ShopErrors
"#;

#[test]
fn a_plain_objective_is_read_without_a_word() {
    check(PLAIN, &[]);
    check(&PLAIN.replace('\n', "\r\n"), &[]);
}

#[test]
fn every_fault_of_sloths_format_has_its_place() {
    for (from, to, expected) in [
        ("objective: 99.9", "objective: 101", "f.yaml:5:16: error[bad-value]: a target of 101 %"),
        ("objective: 99.9", "objective: 100", "f.yaml:5:16: error[unsupported]"),
        ("name: requests", "name: r", "f.yaml:4:11: error[bad-value]: `r` is no name"),
        (
            "alerting:",
            "alerts:",
            "f.yaml:10:5: error[unknown-key]: an objective has no key `alerts`",
        ),
        ("name: ShopErrors", "names: x", "did you mean `name`?"),
        ("name: ShopErrors", "name: \"\"", "f.yaml:11:13: error[missing-key]: alerts need a name"),
        (
            "events:",
            "plugin: {id: acme/x}\n      xevents:",
            "error[unsupported]: the indicator plugin `acme/x`",
        ),
        (
            "[{{.window}}]))\n    alerting",
            "[5m]))\n    alerting",
            "f.yaml:9:22: error[bad-promql]: the query never mentions",
        ),
        (
            "sum(rate(http_requests_total[",
            "sum(rate((http_requests_total[",
            "f.yaml:9:22: error[bad-promql]",
        ),
        (
            "service: shop",
            "service: shop\nslo_plugins: {chain: [{id: sloth.dev/contrib/remove_labels/v1}]}",
            "error[unsupported]: the plugin",
        ),
        ("service: shop", "service: shop\nservice: shop", "error[syntax]"),
        ("prometheus/v1", "prometheus/v2", "f.yaml:1:10: error[unknown-document]"),
    ] {
        let text = PLAIN.replacen(from, to, 1);
        assert_ne!(text, PLAIN, "{from}");
        check(&text, &[expected]);
    }
}

#[test]
fn two_objectives_of_one_name_are_refused() {
    check(&format!("{PLAIN}---\n{PLAIN}"), &["f.yaml:16:5: error[duplicate]: `shop-requests`"]);
}

const OPEN: &str = r#"apiVersion: openslo/v1
kind: SLO
metadata: {name: requests, annotations: {perch.dev/events-per-hour: "30"}}
spec:
  service: shop
  indicatorRef: good-requests
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
  alertPolicies: [{alertPolicyRef: fast}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: good-requests}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {metricSourceRef: prom, spec: {query: 'http_requests_total{code!~"5.."}'}}}
    total: {metricSource: {type: Prometheus, spec: {query: http_requests_total}}}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: prometheus, connectionDetails: {url: "http://127.0.0.1:9090"}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  conditions: [{conditionRef: burns}]
  notificationTargets: [{targetRef: oncall}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns}
spec:
  severity: page
  condition: {kind: burnrate, op: lte, threshold: 14, lookbackWindow: 1h, alertAfter: 5m}
"#;

#[test]
fn openslo_is_joined_by_name_and_its_policies_become_tiers() {
    let options = Options::new(Profile::Exact, "events_total");
    let compiled = compile(&[Source { name: "f.yaml", text: OPEN }], &options);
    assert!(compiled.sound, "{:#?}", compiled.findings);
    let [plan] = &compiled.plans[..] else { panic!("{} plans", compiled.plans.len()) };
    let tier = &plan.tiers[0];
    assert_eq!((tier.name.as_str(), tier.factor, tier.short), ("burns", 14.0, None));
    assert_eq!(tier.hold.map(|l| l.0), Some(300));
    assert!((plan.objective.budget() - 0.001).abs() < 1e-12);
    check(OPEN, &["warning[inverted-operator]", "warning[single-failure]"]);
}

#[test]
fn faults_of_openslo_are_found_and_what_is_only_not_supported_says_so() {
    for (from, to, expected) in [
        (
            "indicatorRef: good-requests",
            "indicatorRef: nowhere",
            "error[unresolved]: no SLI `nowhere`",
        ),
        ("{target: 0.999}", "{target: 99.9}", "error[bad-value]: `target: 99.9` is a share"),
        ("{target: 0.999}", "{target: 0.999, targetPercent: 99.9}", "exactly one of `target`"),
        (
            "{target: 0.999}",
            "{target: 0.999, compositeWeight: 2}",
            "error[unsupported]: a composite SLO",
        ),
        (
            "28d, isRolling: true",
            "1M, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Paris}",
            "error[unsupported]: the time zone",
        ),
        (
            "28d, isRolling: true",
            "1M, isRolling: false, calendar: {startTime: 2026-01-02 00:00:00, timeZone: UTC}",
            "error[unsupported]: a window that begins at",
        ),
        ("type: Prometheus", "type: Datadog", "error[unsupported]: the source `Datadog`"),
        ("[{conditionRef: burns}]", "[{foo: bar}]", "error[missing-key]"),
        ("kind: burnrate", "kind: other", "error[unsupported]: the condition `other`"),
        ("Occurrences", "Timeslices", "error[missing-key]: `Timeslices` needs `timeSliceWindow`"),
    ] {
        let text = OPEN.replacen(from, to, 1);
        assert_ne!(text, OPEN, "{from}");
        check(&text, &[expected]);
    }
}

#[test]
fn a_calendar_month_and_time_slices_are_read() {
    let month = "1M, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}";
    let text = OPEN.replace("28d, isRolling: true", month);
    assert!(!findings(&text).contains("error"), "{}", findings(&text));
    let text = OPEN
        .replace("Occurrences", "Timeslices")
        .replace("{target: 0.999}", "{target: 0.999, timeSliceTarget: 0.95, timeSliceWindow: 5}");
    let options = Options::new(Profile::Exact, "events_total");
    let compiled = compile(&[Source { name: "f.yaml", text: &text }], &options);
    assert!(compiled.sound, "{:#?}", compiled.findings);
    assert!(format!("{:?}", compiled.plans[0].counting).contains(">= bool 0.95"));
}

#[test]
fn spans_are_an_indicator_in_both_formats() {
    let events = &PLAIN[PLAIN.find("      events:").unwrap()..PLAIN.find("    alerting:").unwrap()];
    let plugin = "      plugin: {id: perch.dev/spans/v1, options: {service: nestr, name: pellet.compress, attributes: 'a.b=\"c\", d!~\"e|f\"', threshold: 10s}}\n";
    check(&PLAIN.replace(events, plugin), &[]);
    let bad = plugin.replace("threshold: 10s", "threshold: soon");
    check(&PLAIN.replace(events, &bad), &["error[bad-value]: `threshold` is a time"]);
    let start = OPEN.find("  ratioMetric:").unwrap();
    let end = OPEN[start..].find("---").unwrap() + start;
    let spans = "  thresholdMetric: {metricSource: {type: perch-spans, spec: {service: shop, kind: server, goodWhen: {http.route: /buy}, groupBy: [http.route]}}}\n";
    let text = OPEN.replace(&OPEN[start..end], spans);
    assert!(!findings(&text).contains("error"), "{}", findings(&text));
}

#[test]
fn pyrra_is_imported() {
    let text = r#"apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: shop-errors, namespace: monitoring, labels: {prometheus: k8s, pyrra.dev/team: shop}}
spec:
  target: "99"
  window: 2w
  indicator:
    ratio:
      errors: {metric: 'http_requests_total{code=~"5.."}'}
      total: {metric: http_requests_total}
      grouping: [handler]
"#;
    let options = Options::new(Profile::Exact, "events_total");
    let compiled = compile(&[Source { name: "f.yaml", text }], &options);
    assert!(compiled.sound, "{:#?}", compiled.findings);
    assert_eq!(compiled.plans[0].group_by(), ["handler"]);
    check(text, &["f.yaml:1:1: note[default]: no windows are made for 2w"]);
    let latency = text.replace("ratio:", "latency:").replace("errors:", "success:");
    assert!(!findings(&latency).contains("error"), "{}", findings(&latency));
    check(
        &text.replace("metric: http_requests_total}", "metric: 'rate(a[5m])'}"),
        &["error[bad-promql]"],
    );
}

#[test]
fn what_cannot_work_is_said_before_it_runs() {
    check(
        &PLAIN.replace("99.9", "80"),
        &["warning[unreachable-burn]: `page-quick` can never fire"],
    );
    let quiet = "service: shop\nslo_plugins: {chain: [{id: perch.dev/traffic/v1, config: {eventsPerHour: 5, scrapeInterval: 2m}}]}";
    check(
        &PLAIN.replace("service: shop", quiet),
        &[
            "warning[single-failure]: one failure alone passes `page-quick`",
            "warning[short-window]: the window 5m",
        ],
    );
    check(
        &PLAIN.replace(
            "total_query: sum(rate(http_requests_total[",
            "total_query: sum(rate(http_requests_total{method=\"GET\"}[",
        ),
        &["warning[good-above-total]"],
    );
}
