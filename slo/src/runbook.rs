//! Runbooks: a page per alert, made of the same figures as its rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::burn::{Fault, Tier};
use crate::length::Length;
use crate::model::Period;
use crate::number::text;
use crate::plan::{Counting, Options, Plan};
use crate::rules::{self, Rule};

/// Pages by file name.
#[must_use]
pub fn runbooks(plans: &[Plan], options: &Options) -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    for plan in plans {
        let mut seen = Vec::new();
        for rule in rules::groups(plan, options).into_iter().flat_map(|g| g.rules) {
            if !rule.is_alert || seen.contains(&rule.name) {
                continue;
            }
            seen.push(rule.name.clone());
            // Objectives may share an alert's name; then they share its page.
            let page = pages.entry(format!("{}.md", rule.name)).or_insert_with(|| head(&rule));
            page.push_str(&section(plan, &rule));
        }
    }
    pages
}

fn head(rule: &Rule) -> String {
    format!(
        "<!-- Generated from the objectives by `perch slo generate`; edit there. -->\n# {}\n",
        rule.name
    )
}

fn section(plan: &Plan, rule: &Rule) -> String {
    let o = &plan.objective;
    let mut out = format!("\n## {}\n\n", o.id());
    if !o.description.is_empty() {
        let _ = writeln!(out, "{}\n", o.description.trim());
    }
    let _ = writeln!(
        out,
        "Objective: {} % of events are good {}.\n",
        text(o.target.value),
        period(o.period)
    );
    let special = ["Missing", "NoTraffic", "BudgetSpent"];
    match special.into_iter().find(|s| rule.name == plan.alert_name(s)) {
        Some("Missing") => missing(&mut out, rule),
        Some("NoTraffic") => no_traffic(&mut out, rule),
        Some(_) => spent(&mut out, plan),
        None => burn(&mut out, plan),
    }
    indicator(&mut out, plan);
    out
}

fn period(period: Period) -> String {
    match period {
        Period::Rolling(length) => format!("over the last {length}"),
        Period::Calendar(calendar) => format!("in the current {calendar:?} (UTC)").to_lowercase(),
    }
}

fn burn(out: &mut String, plan: &Plan) {
    out.push_str("The error budget burns too fast. Each tier needs its error ratio in both windows; the short one makes it clear soon after the end.\n\n");
    out.push_str("| tier | reaches | error ratio | windows | budget spent when it fires | a total outage fires after |\n|---|---|---|---|---|---|\n");
    for tier in &plan.tiers {
        let windows =
            tier.short.map_or(tier.long.to_string(), |s| format!("{} and {s}", tier.long));
        let spent =
            tier.factor * tier.long.seconds() / plan.objective.period.nominal().seconds() * 100.0;
        let _ = writeln!(
            out,
            "| {} | {} | above {} % | {windows} | {} % | {} |",
            tier.name,
            tier.severity.as_str(),
            text(tier.threshold * 100.0),
            text((spent * 100.0).round() / 100.0),
            outage(tier),
        );
    }
    if plan.tiers.iter().any(|t| t.floor > 0) {
        let traffic = &plan.objective.traffic;
        let _ = writeln!(
            out,
            "\nWith little traffic a tier waits for {} failures in its long window, and for {} % confidence that the true ratio is above the threshold.",
            traffic.floor,
            text(traffic.confidence * 100.0)
        );
    }
    let sel = format!("{{sloth_id=\"{}\"}}", plan.objective.id());
    let base = plan.base();
    let _ = writeln!(
        out,
        "\n1. How bad is it now: `slo:sli_error:ratio_rate{base}{sel}`; how much is left: `slo:period_error_budget_remaining:ratio{sel}`.\n2. What fails: the queries below, split by the labels of the service.\n3. What changed: deployments, configuration and dependencies at the time the ratio rose.\n4. Stop the spending first (roll back, shed load, fail over), then look for the cause.\n5. The alert clears by itself once the short window is below the threshold."
    );
}

/// When nothing but errors is seen, with enough traffic.
fn outage(tier: &Tier) -> String {
    let detection = tier.detection(Fault { rate: 1e6, share: 1.0 });
    detection.map_or("never".to_owned(), |s| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most days")]
        let seconds = s.ceil() as u64;
        Length(seconds).to_string()
    })
}

fn missing(out: &mut String, rule: &Rule) {
    let hold = rule.hold.map(|l| l.to_string()).unwrap_or_default();
    let _ = writeln!(
        out,
        "For {hold} there have been no series to compute the indicator from. No statement about the objective is possible: neither a burn alert nor its absence means anything.\n\n1. Does the service run, and does it expose or push its metrics?\n2. Is it scraped: `up == 0`; does the collector deliver?\n3. Was the metric or a label renamed? Compare the queries below with what exists."
    );
}

fn no_traffic(out: &mut String, rule: &Rule) {
    let _ = writeln!(
        out,
        "The metrics exist and count nothing (`{}`). An idle service spends no budget; a service that nobody can reach looks the same.\n\n1. Is silence expected at this hour?\n2. Do requests reach the service: load balancer, DNS, queue, callers?",
        rule.expr
    );
}

fn spent(out: &mut String, plan: &Plan) {
    let sel = format!("{{sloth_id=\"{}\"}}", plan.objective.id());
    let _ = writeln!(
        out,
        "More events failed than the objective allows.\n\n1. When was it spent: plot `slo:period_error_budget_remaining:ratio{sel}`.\n2. Hold changes that are not needed until there is budget again.\n3. Write down the cause that took the greatest share, and what will be done about it."
    );
}

fn indicator(out: &mut String, plan: &Plan) {
    out.push_str("\nThe indicator:\n\n```promql\n");
    let show = |q: &str| crate::promql::fill(q.trim(), plan.base());
    match &plan.counting {
        Counting::Events(e) => {
            let what = if e.good { "good" } else { "bad" };
            let _ = writeln!(out, "# {what}\n{}\n# all\n{}", show(&e.events), show(&e.total));
        }
        Counting::Opaque { events, good, total } => {
            let what = if *good { "good" } else { "bad" };
            let _ = writeln!(out, "# {what}\n{}\n# all\n{}", show(events), show(total));
        }
        Counting::Ratio(query) => {
            let _ = writeln!(out, "# bad of all\n{}", show(query));
        }
    }
    out.push_str("```\n");
}
