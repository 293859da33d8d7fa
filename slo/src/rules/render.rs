//! Rules as YAML, byte for byte the same for the same rules.

use std::fmt::Write as _;

use super::{Rule, RuleFile};

/// The text of a rule file.
#[must_use]
pub fn rule_file(file: &RuleFile) -> String {
    let mut out = String::new();
    let indent = match &file.object {
        Some(object) => {
            out.push_str("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n");
            let mut labels = object.labels.clone();
            labels.insert("app.kubernetes.io/component".into(), "SLO".into());
            labels.insert("app.kubernetes.io/managed-by".into(), "perch".into());
            out.push_str("  labels:\n");
            for (key, value) in &labels {
                let _ = writeln!(out, "    {}: {}", scalar(key), scalar(value));
            }
            let _ = writeln!(out, "  name: {}", scalar(&object.name));
            if let Some(namespace) = &object.namespace {
                let _ = writeln!(out, "  namespace: {}", scalar(namespace));
            }
            out.push_str("spec:\n");
            "  "
        }
        None => "",
    };
    let _ = writeln!(out, "{indent}groups:");
    for group in &file.groups {
        let _ = writeln!(out, "{indent}- name: {}", scalar(&group.name));
        if let Some(interval) = group.interval {
            let _ = writeln!(out, "{indent}  interval: {interval}");
        }
        let _ = writeln!(out, "{indent}  rules:");
        group.rules.iter().for_each(|r| rule(&mut out, r, indent));
    }
    out
}

fn rule(out: &mut String, rule: &Rule, indent: &str) {
    let kind = if rule.is_alert { "alert" } else { "record" };
    let _ = writeln!(out, "{indent}  - {kind}: {}", scalar(&rule.name));
    if rule.expr.contains('\n') {
        let _ = writeln!(out, "{indent}    expr: |-");
        for line in rule.expr.trim_end().lines() {
            let _ = writeln!(out, "{}", format!("{indent}      {line}").trim_end());
        }
    } else {
        let _ = writeln!(out, "{indent}    expr: {}", scalar(&rule.expr));
    }
    if let Some(hold) = rule.hold {
        let _ = writeln!(out, "{indent}    for: {hold}");
    }
    for (name, map) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
        if !map.is_empty() {
            let _ = writeln!(out, "{indent}    {name}:");
            for (key, value) in map {
                let _ = writeln!(out, "{indent}      {}: {}", scalar(key), scalar(value));
            }
        }
    }
}

/// A YAML scalar: bare where it cannot be taken for anything but text, in double quotes otherwise.
#[must_use]
pub fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-/.:".contains(c);
    let starts = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let word = !["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"]
        .contains(&text.to_lowercase().as_str());
    if starts && word && !text.ends_with(':') && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
