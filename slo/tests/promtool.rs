//! Everything generated is checked and run by the real promtool, routes by the real amtool.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use slo::compile::compile;
use slo::length::Length;
use slo::plan::{Options, Profile};
use slo::proof;
use slo::rules::{RuleFile, groups, rule_file};
use slo::spec::Source;

/// The promtool that `PROMTOOL` names, else the pinned one; without it the test's name goes to the list of
/// those not run.
fn promtool(test: &str) -> Option<PathBuf> {
    std::env::var_os("PROMTOOL").map(PathBuf::from).or_else(|| tool("promtool", test))
}

fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = Command::new(root.join("tools/backends/path")).arg(name).output().unwrap();
    if found.status.success() {
        return Some(PathBuf::from(String::from_utf8(found.stdout).unwrap().trim()));
    }
    eprintln!("NOT RUN: {test}: {name} is absent (make backends)");
    if let Some(list) = std::env::var_os("NESTR_NOT_RUN") {
        let mut list = fs::OpenOptions::new().append(true).open(list).unwrap();
        writeln!(list, "slo::{test}: {name} is absent").unwrap();
    }
    None
}

fn run(promtool: &Path, args: &[&str], folder: &Path, what: &str) {
    let out = Command::new(promtool).args(args).current_dir(folder).output().unwrap();
    let said =
        String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{what}: promtool {args:?}\n{said}");
}

/// Writes rules and generated tests of all objectives and has promtool judge them.
fn prove(promtool: &Path, text: &str, options: &Options) -> BTreeMap<String, usize> {
    let compiled = compile(&[Source { name: "spec.yaml", text }], options);
    assert!(compiled.sound, "{:#?}", compiled.findings);
    let folder = tempfile::tempdir().unwrap();
    let mut counts = BTreeMap::new();
    let (mut rule_files, mut test_files) = (Vec::new(), Vec::new());
    for plan in &compiled.plans {
        let id = plan.objective.id();
        let rules = RuleFile { object: None, groups: groups(plan, options) };
        let name = format!("{id}.rules.yaml");
        fs::write(folder.path().join(&name), rule_file(&rules)).unwrap();
        let tests = proof::tests(plan, options);
        counts.insert(id.clone(), tests.iter().map(|t| t.cases.len()).sum());
        for test in tests {
            let file = format!("{id}.{}.yaml", test.suffix);
            fs::write(folder.path().join(&file), proof::test_file(&test, &name)).unwrap();
            test_files.push(file);
        }
        rule_files.push(name);
    }
    let what = format!("{:?}", options.profile);
    let with = |args: &[&str], files: &[String]| {
        let args: Vec<&str> =
            args.iter().copied().chain(files.iter().map(String::as_str)).collect();
        run(promtool, &args, folder.path(), &what);
    };
    with(&["check", "rules", "--lint=all", "--lint-fatal"], &rule_files);
    with(&["test", "rules"], &test_files);
    counts
}

fn objective(name: &str, target: &str, bad: &str, total: &str) -> String {
    format!(
        "- name: {name}\n  objective: {target}\n  description: d\n  sli: {{events: {{error_query: '{bad}', total_query: '{total}'}}}}\n  alerting: {{name: Alert{name}}}\n"
    )
}

/// An objective on errors, which the four known cases are about.
fn errors() -> String {
    let rate = |selector: &str| format!("sum(rate({selector}[{{{{.window}}}}]))");
    HEAD.to_owned()
        + &objective(
            "errors",
            "99.9",
            &rate("r_total{code=~\"(5..|429)\",job=\"shop\"}"),
            &rate("r_total{job=\"shop\"}"),
        )
}

const HEAD: &str = "version: prometheus/v1\nservice: shop\nlabels: {owner: shop}\nslos:\n";

/// A histogram with groups, a sum of two metrics of which one never existed, and a ratio whose target the
/// fastest tier cannot reach; over windows that promtool walks through in seconds.
fn several() -> String {
    let rate = |selector: &str| format!("sum(rate({selector}[{{{{.window}}}}]))");
    let mut text = HEAD.to_owned();
    text += &objective(
        "delivery",
        "99.9",
        &rate("dropped_total"),
        &(rate("sent_total") + " + " + &rate("dropped_total")),
    );
    text += &objective(
        "latency",
        "95",
        "sum by (route) (increase(d_seconds_count[{{ .window }}])) - sum by (route) (increase(d_seconds_bucket{le=~\"0[.]25\"}[{{ .window }}]))",
        "sum by (route) (increase(d_seconds_count[{{ .window }}]))",
    );
    // At 85 % the fastest tier cannot be reached.
    let (bad, total) = (rate("l_total{ok!=\"true\"}"), rate("l_total"));
    text += &format!(
        "- name: loose\n  objective: 85\n  sli: {{raw: {{error_ratio_query: '({bad} / {total})'}}}}\n  alerting: {{name: AlertLoose}}\n"
    );
    text + WINDOWS
}

/// A day's windows, in the form of the data files.
const WINDOWS: &str = "---
version: alertWindows/v1
sloPeriod: 1d
page:
  quick: {errorBudgetPercent: 20, shortWindow: 5m, longWindow: 30m}
  slow: {errorBudgetPercent: 50, shortWindow: 20m, longWindow: 2h}
ticket:
  quick: {errorBudgetPercent: 60, shortWindow: 30m, longWindow: 4h}
  slow: {errorBudgetPercent: 40, shortWindow: 2h, longWindow: 9h36m}
";

/// The profile's options over a day.
fn over_a_day(profile: Profile) -> Options {
    Options { period: Length(86_400), ..Options::new(profile, "events_total") }
}

#[test]
fn promtool_proves_what_is_generated_in_the_exact_profile() {
    let Some(tool) = promtool("promtool_proves_what_is_generated_in_the_exact_profile") else {
        return;
    };
    let counts = prove(&tool, &several(), &over_a_day(Profile::Exact));
    // Six cases and four tiers; the loose one lacks a tier.
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [10, 10, 9], "{counts:?}");
}

#[test]
fn promtool_proves_what_is_generated_in_the_sloth_profile() {
    let Some(tool) = promtool("promtool_proves_what_is_generated_in_the_sloth_profile") else {
        return;
    };
    let counts = prove(&tool, &(errors() + WINDOWS), &over_a_day(Profile::Sloth));
    assert_eq!(counts["shop-errors"], 6);
}

/// The four cases in which Sloth's arithmetic is known to err: what each profile says.
///
/// Evaluated as often as the shortest window is long, so that each event is in one evaluation.
/// Idle: two hours without events, then twenty-two perfect ones. Single: about five requests in four
/// hours, one of them failing. Burst: 100 000 failures in ten minutes, else one good event a minute.
/// Unborn: no series of failures has ever existed.
fn four_cases(rules: &str, group_order: &str, expected: [&str; 4]) -> String {
    let [idle, single, burst, unborn] = expected;
    let sel = "{sloth_id=\"shop-errors\"}";
    let good = "r_total{job=\"shop\"}";
    let bad = "r_total{code=\"500\",job=\"shop\"}";
    let value = |expr: &str, at: &str, samples: &str| {
        format!("  - {{expr: '{expr}', eval_time: {at}, exp_samples: {samples}}}\n")
    };
    let left = format!("slo:period_error_budget_remaining:ratio{sel} > bool 0.999999");
    let any = "count(count_over_time(ALERTS{alertname=\"Alerterrors\",alertstate=\"firing\",sloth_severity=~\"page|ticket\"}[10h])) or vector(0)";
    let near = format!("abs(max(slo:sli_error:ratio_rate30d{sel}) - 0.9858) < bool 0.002");
    let samples = |v: &str| match v {
        "none" => "[]".to_owned(),
        v => format!("[{{labels: \"{{}}\", value: {v}}}]"),
    };
    let mut out = format!(
        "rule_files: [{rules}]\nevaluation_interval: 5m\ngroup_eval_order: {group_order}\ntests:\n"
    );
    out += &format!(
        "- name: idle\n  interval: 1m\n  input_series:\n  - {{series: '{good}', values: '0x120 10+10x1320'}}\n  - {{series: '{bad}', values: '0x1440'}}\n  promql_expr_test:\n"
    );
    out += &value(&format!("max({left})"), "24h", &samples(idle));
    out += &format!(
        "- name: single\n  interval: 1m\n  input_series:\n  - {{series: '{good}', values: '0x47 1x47 2x47 3x47 4x600'}}\n  - {{series: '{bad}', values: '0x239 1x600'}}\n  promql_expr_test:\n"
    );
    out += &value(any, "10h", &samples(single));
    out += &format!(
        "- name: burst\n  interval: 1m\n  input_series:\n  - {{series: '{good}', values: '0+1x1440'}}\n  - {{series: '{bad}', values: '0x600 10000+10000x9 100000x830'}}\n  promql_expr_test:\n"
    );
    out += &value(&near, "24h", &samples(burst));
    out += &format!(
        "- name: unborn\n  interval: 1m\n  input_series:\n  - {{series: '{good}', values: '0+10x240'}}\n  promql_expr_test:\n"
    );
    out += &value(&format!("max(slo:sli_error:ratio_rate1h{sel})"), "4h", &samples(unborn));
    out
}

#[test]
fn the_four_known_flaws_show_in_the_sloth_profile_and_not_in_the_exact_one() {
    let name = "the_four_known_flaws_show_in_the_sloth_profile_and_not_in_the_exact_one";
    let Some(tool) = promtool(name) else { return };
    // NaN compares false: 0. One page and one ticket. 30 days' ratio far from the truth. No sample.
    let flawed = (Profile::Sloth, ["0", "2", "0", "none"]);
    let right = (Profile::Exact, ["1", "0", "1", "0"]);
    for (profile, expected) in [flawed, right] {
        let text = errors();
        let options = Options::new(profile, "events_total");
        let compiled = compile(&[Source { name: "spec.yaml", text: &text }], &options);
        let groups = groups(&compiled.plans[0], &options);
        let order: Vec<String> = groups.iter().map(|g| g.name.clone()).collect();
        let folder = tempfile::tempdir().unwrap();
        let rules = rule_file(&RuleFile { object: None, groups });
        fs::write(folder.path().join("rules.yaml"), rules).unwrap();
        let tests = four_cases("rules.yaml", &format!("[{}]", order.join(", ")), expected);
        fs::write(folder.path().join("tests.yaml"), tests).unwrap();
        run(&tool, &["test", "rules", "tests.yaml"], folder.path(), &format!("{profile:?}"));
    }
}

/// The objectives, rules and hand-written alerts of this repository, as committed.
#[test]
fn promtool_proves_the_committed_alerts() {
    let Some(tool) = promtool("promtool_proves_the_committed_alerts") else { return };
    let alerts = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("alerts");
    for (folder, args) in
        [("rules", &["check", "rules", "--lint=all"][..]), ("tests", &["test", "rules"])]
    {
        let mut files: Vec<String> = fs::read_dir(alerts.join(folder))
            .unwrap()
            .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
            .collect();
        files.sort();
        assert!(files.len() >= 4, "{folder}: {files:?}");
        let mut args = args.to_vec();
        args.extend(files.iter().map(String::as_str));
        run(&tool, &args, &alerts, folder);
    }
}

#[test]
fn amtool_takes_the_routes_and_sends_each_severity_to_its_receiver() {
    let name = "amtool_takes_the_routes_and_sends_each_severity_to_its_receiver";
    let Some(tool) = tool("amtool", name) else { return };
    let committed =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("alerts/alertmanager");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(committed.join("slo.yaml"), folder.path().join("exact.yaml")).unwrap();
    let options = Options::new(Profile::Sloth, "events_total");
    let compiled = compile(&[Source { name: "spec.yaml", text: &errors() }], &options);
    let routes = slo::routes::alertmanager(&compiled.plans, &options);
    fs::write(folder.path().join("sloth.yaml"), routes).unwrap();
    for file in ["exact.yaml", "sloth.yaml"] {
        run(&tool, &["check-config", file], folder.path(), file);
        for severity in ["page", "ticket", "info"] {
            let label = format!("sloth_severity={severity}");
            let config = format!("--config.file={file}");
            let wanted = format!("--verify.receivers={severity}");
            let args = ["config", "routes", "test", &config, &wanted, &label];
            run(&tool, &args, folder.path(), severity);
        }
    }
}

/// A faster tier silences the slower ones of its objective, and nothing else.
#[test]
fn the_tiers_of_an_objective_are_silenced_from_fast_to_slow() {
    let options = Options::new(Profile::Exact, "events_total");
    let text = errors() + &several()[HEAD.len()..];
    let compiled = compile(&[Source { name: "spec.yaml", text: &text }], &options);
    let routes = slo::routes::alertmanager(&compiled.plans, &options);
    let tail = &routes[routes.find("inhibit_rules").unwrap()..];
    let first = "- source_matchers: [\"slo_tier=\\\"page-quick\\\"\"]\n  target_matchers: [\"slo_tier=~\\\"page-slow|ticket-quick|ticket-slow\\\"\"]\n  equal: [route, sloth_id]\n";
    assert!(tail.contains(first), "{tail}");
    assert_eq!(tail.matches("source_matchers").count(), 4, "{tail}");
}
