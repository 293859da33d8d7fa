//! Labels and annotations of rules and alerts.

use std::collections::BTreeMap;

use crate::burn::Tier;
use crate::length::Length;
use crate::model::{Channel, Severity};
use crate::number::text;
use crate::plan::{Options, Plan};

use super::links::address;

type Map = BTreeMap<String, String>;

/// The labels of every rule of an objective.
#[must_use]
pub fn label_set(plan: &Plan, options: &Options) -> Map {
    let objective = &plan.objective;
    let mut labels = options.extra_labels.clone();
    labels.extend(objective.labels.clone());
    labels.insert("sloth_id".into(), objective.id());
    labels.insert("sloth_service".into(), objective.service.clone());
    labels.insert("sloth_slo".into(), objective.name.clone());
    labels
}

/// The matchers that select an objective's series.
pub(super) fn selector(plan: &Plan) -> String {
    let o = &plan.objective;
    let (id, service, name) = (o.id(), &o.service, &o.name);
    format!("{{sloth_id=\"{id}\", sloth_service=\"{service}\", sloth_slo=\"{name}\"}}")
}

/// The labels an alert sets, beside those its series bring.
pub(super) fn alert_labels(plan: &Plan, severity: Severity, tier: Option<&Tier>) -> Map {
    let mut labels = plan.objective.alerting.labels.clone();
    labels.extend(channel(plan, severity).labels);
    labels.insert("sloth_severity".into(), severity.as_str().into());
    if let Some(tier) = tier {
        labels.insert("slo_tier".into(), tier.name.clone());
    }
    let words = match severity {
        Severity::Page => "critical",
        Severity::Ticket => "warning",
        Severity::Info => "info",
    };
    let own = tier.and_then(|t| t.severity_text.clone());
    labels.entry("severity".into()).or_insert(own.unwrap_or_else(|| words.into()));
    labels
}

pub(super) fn channel(plan: &Plan, severity: Severity) -> Channel {
    match severity {
        Severity::Page => plan.objective.alerting.page.clone(),
        Severity::Ticket => plan.objective.alerting.ticket.clone(),
        Severity::Info => Channel::default(),
    }
}

/// Where the page of an alert stands.
#[must_use]
pub fn runbook_url(options: &Options, alert: &str) -> String {
    format!("{}/{alert}.md", options.runbooks.trim_end_matches('/'))
}

/// The annotations of a tier's alert.
#[must_use]
pub fn burn_annotations(plan: &Plan, options: &Options, tier: &Tier) -> Map {
    let o = &plan.objective;
    let summary = format!("{} burns its error budget {} times too fast", o.id(), text(tier.factor));
    let windows = match tier.short {
        Some(short) => format!("over {} and over {short}", tier.long),
        None => format!("over {}", tier.long),
    };
    let spent = if tier.factor >= 1.0 {
        let lasts = o.period.nominal().seconds() / tier.factor;
        format!(" At this rate the whole budget lasts {}.", hours(lasts))
    } else {
        String::new()
    };
    let description =
        format!("More than {} % of events failed {windows}.{spent}", text(tier.threshold * 100.0));
    let alert = &plan.objective.alerting.name;
    annotations(plan, options, alert, tier.severity, tier.long, [&summary, &description])
}

/// A time in hours, in minutes where it is short.
fn hours(seconds: f64) -> String {
    if seconds >= 7_200.0 {
        return format!("{}h", (seconds / 3_600.0).round());
    }
    format!("{}m", (seconds / 60.0).round())
}

/// The annotations of an alert that looks back over `window`, with its own words (summary, description);
/// those of the objective go before.
#[must_use]
pub fn annotations(
    plan: &Plan,
    options: &Options,
    alert: &str,
    severity: Severity,
    window: Length,
    [summary, description]: [&str; 2],
) -> Map {
    let mut map = Map::new();
    map.insert("summary".into(), summary.into());
    map.insert("description".into(), description.into());
    map.insert("runbook_url".into(), runbook_url(options, alert));
    for (key, template) in [("dashboard_url", &options.dashboard), ("traces_url", &options.traces)]
    {
        if let Some(template) = template {
            map.insert(key.into(), address(template, plan, window));
        }
    }
    map.extend(plan.objective.alerting.annotations.clone());
    map.extend(channel(plan, severity).annotations);
    map
}
