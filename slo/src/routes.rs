//! Alertmanager: whom a severity reaches, and which alert silences which.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::length::Length;
use crate::plan::{Options, Plan, Profile};
use crate::rules::scalar;

/// A whole configuration: routes by severity, receivers by name alone, inhibition by tier.
///
/// Receivers have no integrations: those are the site's, under the same names.
#[must_use]
pub fn alertmanager(plans: &[Plan], options: &Options) -> String {
    // What is news about a page is told as often as its rules are evaluated.
    let told = plans.iter().map(Plan::interval).min().unwrap_or(Length::MINUTE).min(Length::MINUTE);
    let mut out = ROUTES.replace("{told}", &told.to_string());
    let mut labels: BTreeSet<&str> = BTreeSet::from(["sloth_id"]);
    labels.extend(plans.iter().flat_map(|p| p.group_by()).map(String::as_str));
    let equal: Vec<String> = labels.into_iter().map(scalar).collect();
    let equal = equal.join(", ");
    let mut rules: BTreeSet<(usize, String, String)> = BTreeSet::new();
    if options.profile == Profile::Sloth {
        let severity = |s: &str| format!("sloth_severity=\"{s}\"");
        rules.insert((0, severity("page"), severity("ticket")));
    } else {
        for plan in plans {
            rules.extend(tiers(plan));
        }
        rules.insert((
            usize::MAX,
            "alertname=~\".+Missing\"".into(),
            "alertname=~\".+NoTraffic\"".into(),
        ));
    }
    if rules.is_empty() {
        return out;
    }
    out.push_str("\n# The faster a budget burns, the more it says: a tier silences the slower ones of its objective.\ninhibit_rules:\n");
    for (_, source, target) in rules {
        let list = |matchers: &str| {
            let each: Vec<String> = matchers.split(", ").map(scalar).collect();
            each.join(", ")
        };
        let _ = writeln!(out, "- source_matchers: [{}]", list(&source));
        let _ = writeln!(out, "  target_matchers: [{}]", list(&target));
        let _ = writeln!(out, "  equal: [{equal}]");
    }
    out
}

/// Each tier silences those of smaller factor; tiers of the tables do so for all objectives at once.
fn tiers(plan: &Plan) -> Vec<(usize, String, String)> {
    let own = plan.objective.alerting.policies.is_some();
    let only = if own { format!("sloth_id=\"{}\", ", plan.objective.id()) } else { String::new() };
    let mut sorted: Vec<_> = plan.tiers.iter().collect();
    sorted.sort_by(|a, b| b.factor.total_cmp(&a.factor));
    let mut rules = Vec::new();
    for (n, tier) in sorted.iter().enumerate() {
        let slower: Vec<&str> = sorted[n + 1..]
            .iter()
            .filter(|t| t.factor < tier.factor)
            .map(|t| t.name.as_str())
            .collect();
        if !slower.is_empty() {
            let source = format!("{only}slo_tier=\"{}\"", tier.name);
            let target = format!("{only}slo_tier=~\"{}\"", slower.join("|"));
            rules.push((n, source, target));
        }
    }
    rules
}

const ROUTES: &str = "\
route:
  receiver: info
  group_by: [alertname, sloth_id]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1d
  routes:
  # A page is to arrive when the arithmetic says, so it waits for nothing.
  - receiver: page
    matchers: [\"sloth_severity=\\\"page\\\"\"]
    group_wait: 0s
    group_interval: {told}
    repeat_interval: 4h
  - receiver: ticket
    matchers: [\"sloth_severity=\\\"ticket\\\"\"]
receivers:
- name: page
- name: ticket
- name: info
";
