//! Tests as promtool reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::length::Length;
use crate::number::text;
use crate::rules::scalar;

use super::{Case, TestFile};

/// The text of a test file; `rules` is where the rules lie, seen from the test.
#[must_use]
pub fn test_file(file: &TestFile, rules: &str) -> String {
    let mut out = format!("rule_files:\n- {}\n", scalar(rules));
    let _ = writeln!(out, "evaluation_interval: {}", file.evaluation);
    out.push_str("group_eval_order:\n");
    for group in &file.groups {
        let _ = writeln!(out, "- {}", scalar(group));
    }
    out.push_str("tests:\n");
    file.cases.iter().for_each(|c| case(&mut out, c));
    out
}

fn case(out: &mut String, case: &Case) {
    let _ = writeln!(out, "- name: {}", scalar(&case.name));
    let _ = writeln!(out, "  interval: {}", case.interval);
    if case.series.is_empty() {
        out.push_str("  input_series: []\n");
    } else {
        out.push_str("  input_series:\n");
    }
    for (series, values) in &case.series {
        let _ = writeln!(out, "  - series: {}", scalar(series));
        let _ = writeln!(out, "    values: {}", scalar(values));
    }
    if !case.alerts.is_empty() {
        out.push_str("  alert_rule_test:\n");
    }
    for alert in &case.alerts {
        let _ = writeln!(out, "  - eval_time: {}", Length(alert.at));
        let _ = writeln!(out, "    alertname: {}", scalar(&alert.name));
        let none = if alert.firing.is_empty() { " []" } else { "" };
        let _ = writeln!(out, "    exp_alerts:{none}");
        for (labels, annotations) in &alert.firing {
            map(out, "    - exp_labels:", labels);
            map(out, "      exp_annotations:", annotations);
        }
    }
    if !case.values.is_empty() {
        out.push_str("  promql_expr_test:\n");
    }
    for value in &case.values {
        let _ = writeln!(out, "  - expr: {}", scalar(&value.expr));
        let _ = writeln!(out, "    eval_time: {}", Length(value.at));
        let _ = writeln!(
            out,
            "    exp_samples:\n    - labels: \"{{}}\"\n      value: {}",
            text(value.value)
        );
    }
}

fn map(out: &mut String, head: &str, map: &BTreeMap<String, String>) {
    let _ = writeln!(out, "{head}");
    for (key, value) in map {
        let _ = writeln!(out, "        {}: {}", scalar(key), scalar(value));
    }
}
