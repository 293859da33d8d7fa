//! The profile `sloth`: the names, labels and shape of Sloth's rules, with its arithmetic.
//!
//! Known flaws of that arithmetic, kept on purpose: an hour without events makes the period's ratio
//! NaN, one failure among few events pages, and the period is a plain mean that a burst hardly moves.

use std::collections::BTreeMap;

use crate::burn::Tier;
use crate::length::Length;
use crate::model::Severity;
use crate::number::{text, tidy};
use crate::plan::{Counting, Options, Plan};
use crate::promql::fill;

use super::annotations::{channel, label_set, selector};
use super::{Group, Rule};

const RATIO: &str = "slo:sli_error:ratio_rate";

/// The groups of one objective.
pub(super) fn groups(plan: &Plan, options: &Options) -> Vec<Group> {
    let id = plan.objective.id();
    let o = &plan.objective;
    let group = |kind: &str, interval, rules| Group {
        name: format!("sloth-slo-{kind}-{id}"),
        interval,
        rules,
    };
    vec![
        group("sli-recordings", o.intervals.indicator, indicator(plan, options)),
        group("meta-recordings", o.intervals.metadata, metadata(plan, options, "")),
        group("alerts", o.intervals.alert, alerts(plan)),
    ]
}

fn indicator(plan: &Plan, options: &Options) -> Vec<Rule> {
    let period = plan.objective.period.length();
    let with = |window: Length| {
        let mut labels = label_set(plan, options);
        labels.insert("sloth_window".into(), window.to_string());
        labels
    };
    let mut rules: Vec<Rule> = plan
        .windows
        .iter()
        .map(|w| Rule::record(format!("{RATIO}{w}"), ratio(plan, *w), with(*w)))
        .collect();
    let (base, sel) = (plan.base(), selector(plan));
    let expr = format!(
        "sum_over_time({RATIO}{base}{sel}[{period}])\n/ ignoring (sloth_window)\ncount_over_time({RATIO}{base}{sel}[{period}])"
    );
    rules.push(Rule::record(format!("{RATIO}{period}"), expr, with(period)));
    rules
}

fn ratio(plan: &Plan, window: Length) -> String {
    let pair = |events: &str, good: bool, total: &str| {
        let (events, total) = (fill(events, window), fill(total, window));
        if good {
            format!("1 - (\n  ({events})\n  /\n  ({total})\n)")
        } else {
            format!("({events})\n/\n({total})")
        }
    };
    match &plan.counting {
        Counting::Events(e) => pair(&e.events, e.good, &e.total),
        Counting::Opaque { events, good, total } => pair(events, *good, total),
        Counting::Ratio(query) => format!("({})", fill(query.trim(), window)),
    }
}

/// The rules derived from the ratio; `suffix` is the period's, empty for its length.
pub(super) fn metadata(plan: &Plan, options: &Options, suffix: &str) -> Vec<Rule> {
    let o = &plan.objective;
    let labels = label_set(plan, options);
    let sel = selector(plan);
    let target = text(tidy(o.target.value / 100.0));
    let period = if suffix.is_empty() { o.period.length().to_string() } else { suffix.to_owned() };
    let days = text(o.period.nominal().seconds() / 86_400.0);
    let join =
        format!("/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio{sel}");
    let mut rules = Vec::new();
    for (name, expr) in [
        ("slo:objective:ratio", format!("vector({target})")),
        ("slo:error_budget:ratio", format!("vector(1-{target})")),
        ("slo:time_period:days", format!("vector({days})")),
        ("slo:current_burn_rate:ratio", format!("{RATIO}{}{sel}\n{join}", plan.base())),
        ("slo:period_burn_rate:ratio", format!("{RATIO}{period}{sel}\n{join}")),
        ("slo:period_error_budget_remaining:ratio", format!("1 - slo:period_burn_rate:ratio{sel}")),
    ] {
        rules.push(Rule::record(name.to_owned(), expr, labels.clone()));
    }
    let mut info = labels;
    info.extend(o.info_labels.clone());
    for (key, value) in [
        ("sloth_mode", o.origin.mode.to_owned()),
        ("sloth_objective", text(o.target.value)),
        ("sloth_spec", o.origin.spec.to_owned()),
        ("sloth_version", concat!("perch-", env!("CARGO_PKG_VERSION")).to_owned()),
    ] {
        info.insert(key.into(), value);
    }
    rules.push(Rule::record("sloth_slo_info".into(), "vector(1)".into(), info));
    rules
}

fn alerts(plan: &Plan) -> Vec<Rule> {
    let severities = [Severity::Page, Severity::Ticket, Severity::Info];
    severities.into_iter().filter_map(|severity| alert(plan, severity)).collect()
}

fn alert(plan: &Plan, severity: Severity) -> Option<Rule> {
    let o = &plan.objective;
    let tiers: Vec<&Tier> = plan.tiers.iter().filter(|t| t.severity == severity).collect();
    if tiers.is_empty() {
        return None;
    }
    let (sel, budget) = (selector(plan), text(o.budget()));
    let condition = |tier: &Tier| {
        let over = |w: Length| {
            let factor = text(tier.factor);
            format!("    max({RATIO}{w}{sel} > ({factor} * {budget})) without (sloth_window)")
        };
        let short = tier.short.map(|s| format!("{}\n    and\n", over(s))).unwrap_or_default();
        format!("(\n{short}{}\n)", over(tier.long))
    };
    let expr: Vec<String> = tiers.iter().map(|t| condition(t)).collect();
    let mut labels = o.alerting.labels.clone();
    labels.extend(channel(plan, severity).labels);
    labels.insert("sloth_severity".into(), severity.as_str().into());
    let mut annotations = BTreeMap::new();
    let who = "{{$labels.sloth_service}} {{$labels.sloth_slo}}";
    annotations.insert(
        "summary".to_owned(),
        format!("{who} SLO error budget burn rate is over expected."),
    );
    annotations.insert(
        "title".to_owned(),
        format!("({}) {who} SLO error budget burn rate is too fast.", severity.as_str()),
    );
    annotations.extend(o.alerting.annotations.clone());
    annotations.extend(channel(plan, severity).annotations);
    Some(Rule {
        name: o.alerting.name.clone(),
        is_alert: true,
        expr: expr.join("\nor\n"),
        hold: tiers.iter().find_map(|t| t.hold),
        labels,
        annotations,
    })
}
