//! The profile `exact`: bad and all events are recorded apart, and every figure is made of the two.
//!
//! # Invariants
//! 1. No rule yields NaN: a ratio is divided only where there are events and is 0 where there are
//!    none; alerts compare counts and do not divide at all.
//! 2. The period's ratio weighs every event alike: it is the sum of bad over the sum of all.
//! 3. A tier fires only with `floor` failures in its long window, and only if the failures exceed
//!    what chance would give at the threshold (score test, `bad > θ·n + z·sqrt(θ(1−θ)·n)`).
//! 4. All rules of an objective stand in one group, so that an alert sees this evaluation's sums.

use std::collections::BTreeMap;

use crate::burn::Tier;
use crate::length::Length;
use crate::model::{Calendar, Missing, Period, Severity};
use crate::number::text;
use crate::plan::{Counting, Events, Options, Plan};
use crate::promql::fill;

use super::annotations::{alert_labels, annotations, burn_annotations, label_set, selector};
use super::{Group, Rule, sloth};

const BAD: &str = "slo:sli:events_bad:increase";
const TOTAL: &str = "slo:sli:events_total:increase";
const RATIO: &str = "slo:sli_error:ratio_rate";
const START: &str = "slo:period_start:seconds";
/// Absence that is shorter is a restart or a slow scrape.
const MISSING_FOR: Length = Length(600);

/// The group of one objective.
pub(super) fn groups(plan: &Plan, options: &Options) -> Vec<Group> {
    let o = &plan.objective;
    let mut rules = Vec::new();
    match &plan.counting {
        Counting::Events(events) => {
            let labels = label_set(plan, options);
            for window in &plan.windows {
                rules.extend(counts(plan, events, *window, &labels));
            }
            rules.extend(period_counts(plan, &labels));
            let period = o.period.suffix();
            let windows = plan.windows.iter().map(Length::to_string).chain([period]);
            rules.extend(windows.map(|w| ratio_of_counts(plan, options, &w)));
        }
        Counting::Opaque { .. } | Counting::Ratio(_) => rules.extend(ratios(plan, options)),
    }
    rules.extend(sloth::metadata(plan, options, &o.period.suffix()));
    rules.extend(burn_alerts(plan, options));
    rules.extend(other_alerts(plan, options));
    vec![Group { name: format!("slo-{}", o.id()), interval: Some(plan.interval()), rules }]
}

/// All and bad events of a window.
fn counts(
    plan: &Plan,
    events: &Events,
    window: Length,
    labels: &BTreeMap<String, String>,
) -> [Rule; 2] {
    let sel = selector(plan);
    let by = plan.group_by().join(", ");
    // Where a series of bad or good events has never existed there is nothing to add up: that is 0.
    let or_none = format!("or on({by}) {TOTAL}{window}{sel} * 0");
    let counted = events.events_in(window);
    let bad = if events.good {
        let total = events.total_in(window);
        format!("clamp_min({total} - on({by}) ({counted} {or_none}), 0)")
    } else {
        format!("clamp_min({counted}, 0)\n{or_none}")
    };
    [
        Rule::record(format!("{TOTAL}{window}"), events.total_in(window), labels.clone()),
        Rule::record(format!("{BAD}{window}"), bad, labels.clone()),
    ]
}

/// All and bad events of the period: sums over the shortest window. Recorded more often than it is
/// long, it holds every event several times, always as often; the scale takes that back.
fn period_counts(plan: &Plan, labels: &BTreeMap<String, String>) -> Vec<Rule> {
    let (o, sel, base) = (&plan.objective, selector(plan), plan.base());
    let (suffix, length) = (o.period.suffix(), o.period.length());
    let share = text(plan.interval().seconds() / base.seconds());
    let scale = if share == "1" { String::new() } else { format!(" * {share}") };
    let mut rules = Vec::new();
    if let Period::Calendar(calendar) = o.period {
        rules.push(Rule::record(START.into(), start_of(calendar), labels.clone()));
    }
    for name in [TOTAL, BAD] {
        let series = format!("{name}{base}{sel}");
        let expr = match o.period {
            Period::Rolling(_) => format!("sum_over_time({series}[{length}]){scale}"),
            // `@ end()` is the time of evaluation, seen from inside the subquery.
            Period::Calendar(_) => format!(
                "sum_over_time(({series} and on() (vector(time()) > on() {START}{sel} @ end()))[{length}:{base}])\nor\n{series} * 0"
            ),
        };
        rules.push(Rule::record(format!("{name}{suffix}"), expr, labels.clone()));
    }
    rules
}

/// When the current stretch of the calendar began, in UTC, as seconds since 1970.
fn start_of(calendar: Calendar) -> String {
    let midnight = "vector(time() - time() % 86400)";
    match calendar {
        Calendar::Day => midnight.into(),
        // Weeks begin on Monday; PromQL counts days from Sunday.
        Calendar::Week => format!("{midnight} - ((day_of_week() + 6) % 7) * 86400"),
        Calendar::Month => format!("{midnight} - (day_of_month() - 1) * 86400"),
        // The first month of the quarter is at most two months away; 28 to 31 days each are known by
        // the day of the year that a month begins on.
        Calendar::Quarter => format!(
            "{midnight} - (day_of_year() - 1) * 86400\n+ ((month() >= bool 4) * 90 + (month() >= bool 7) * 91 + (month() >= bool 10) * 92) * 86400\n+ (month() >= bool 4) * ((year() % 4 == bool 0) - (year() % 100 == bool 0) + (year() % 400 == bool 0)) * 86400"
        ),
    }
}

fn windowed(plan: &Plan, options: &Options, window: &str) -> BTreeMap<String, String> {
    let mut labels = label_set(plan, options);
    labels.insert("sloth_window".into(), window.trim_start_matches('_').to_owned());
    labels
}

fn ratio_of_counts(plan: &Plan, options: &Options, window: &str) -> Rule {
    let sel = selector(plan);
    let expr =
        format!("{BAD}{window}{sel} / ({TOTAL}{window}{sel} > 0)\nor\n{TOTAL}{window}{sel} * 0");
    Rule::record(format!("{RATIO}{window}"), expr, windowed(plan, options, window))
}

/// Ratios where events cannot be counted. NaN compares false, so `>= 0` leaves idle windows out.
fn ratios(plan: &Plan, options: &Options) -> Vec<Rule> {
    let sel = selector(plan);
    let ratio = |window: Length| match &plan.counting {
        Counting::Opaque { events, good, total } => {
            let (events, total) = (fill(events, window), fill(total, window));
            let bad =
                if *good { format!("(({total}) - ({events}))") } else { format!("({events})") };
            format!("{bad}\n/\n(({total}) > 0)")
        }
        Counting::Ratio(query) => format!("({}) >= 0", fill(query.trim(), window)),
        Counting::Events(_) => String::new(),
    };
    let mut rules: Vec<Rule> = plan
        .windows
        .iter()
        .map(|w| {
            let labels = windowed(plan, options, &w.to_string());
            Rule::record(format!("{RATIO}{w}"), ratio(*w), labels)
        })
        .collect();
    let (o, base) = (&plan.objective, plan.base());
    let (suffix, length) = (o.period.suffix(), o.period.length());
    let series = format!("{RATIO}{base}{sel}");
    let expr = match o.period {
        Period::Rolling(_) => format!("avg_over_time({series}[{length}])"),
        Period::Calendar(calendar) => {
            let labels = label_set(plan, options);
            rules.push(Rule::record(START.into(), start_of(calendar), labels));
            format!(
                "avg_over_time(({series} and on() (vector(time()) > on() {START}{sel} @ end()))[{length}:{base}])\nor\n{series} * 0"
            )
        }
    };
    rules.push(Rule::record(format!("{RATIO}{suffix}"), expr, windowed(plan, options, &suffix)));
    rules
}

fn burn_alerts(plan: &Plan, options: &Options) -> Vec<Rule> {
    let reachable = plan.tiers.iter().filter(|t| t.is_reachable());
    reachable
        .map(|tier| Rule {
            name: plan.objective.alerting.name.clone(),
            is_alert: true,
            expr: condition(plan, tier),
            hold: tier.hold,
            labels: alert_labels(plan, tier.severity, Some(tier)),
            annotations: burn_annotations(plan, options, tier),
        })
        .collect()
}

fn condition(plan: &Plan, tier: &Tier) -> String {
    let sel = selector(plan);
    let threshold = text(tier.threshold);
    if !matches!(plan.counting, Counting::Events(_)) {
        let over =
            |w: Length| format!("max without (sloth_window) ({RATIO}{w}{sel} > {threshold})");
        let short = tier.short.map(|s| format!("\nand\n{}", over(s))).unwrap_or_default();
        return format!("{}{short}", over(tier.long));
    }
    let long = tier.long;
    let mut expr = format!("{BAD}{long}{sel} > {threshold} * {TOTAL}{long}{sel}");
    if tier.margin() > 0.0 {
        expr = format!("{expr} + {} * sqrt({TOTAL}{long}{sel})", text(tier.margin()));
    }
    if tier.floor > 0 {
        // An increase is extrapolated to the window's edges: five failures may show as 4.99.
        expr = format!("{expr}\nand\n{BAD}{long}{sel} >= {}", text(f64::from(tier.floor) - 0.01));
    }
    if let Some(short) = tier.short {
        expr = format!("{expr}\nand\n{BAD}{short}{sel} > {threshold} * {TOTAL}{short}{sel}");
    }
    expr
}

/// The window in which silence is told: as long as twenty events are expected in, at most the longest.
fn silence(plan: &Plan) -> Length {
    let per_hour = plan.objective.traffic.per_hour.unwrap_or_default();
    let enough = |w: &&Length| per_hour * w.seconds() / 3_600.0 >= 20.0;
    let six_hours = plan.windows.iter().find(|w| w.0 >= 21_600);
    plan.windows
        .iter()
        .find(enough)
        .or(six_hours)
        .or(plan.windows.last())
        .copied()
        .unwrap_or(plan.base())
}

fn other_alerts(plan: &Plan, options: &Options) -> Vec<Rule> {
    let (id, sel, base) = (plan.objective.id(), selector(plan), plan.base());
    let counted = matches!(plan.counting, Counting::Events(_));
    let measure = if counted { TOTAL } else { RATIO };
    let mut rules = Vec::new();
    let mut add = |suffix: &str,
                   severity,
                   window,
                   (expr, hold): (String, _),
                   summary: String,
                   description: &str| {
        let name = plan.alert_name(suffix);
        let words = [summary.as_str(), description];
        let annotations = annotations(plan, options, &name, severity, window, words);
        let labels = alert_labels(plan, severity, None);
        rules.push(Rule { name, is_alert: true, expr, hold, labels, annotations });
    };
    let severity = match plan.objective.alerting.missing {
        Missing::Ticket => Some(Severity::Ticket),
        Missing::Info => Some(Severity::Info),
        Missing::Off => None,
    };
    if let Some(severity) = severity {
        let expr = format!("absent({measure}{base}{sel})");
        let description =
            "The metrics of its indicator do not exist: nothing can be said about it, good or bad.";
        let (summary, held) = (format!("{id} cannot be measured"), (expr, Some(MISSING_FOR)));
        add("Missing", severity, Length(base.0 + MISSING_FOR.0), held, summary, description);
        if counted {
            let window = silence(plan);
            let expr = format!("{TOTAL}{window}{sel} == 0");
            let summary = format!("{id} had no events for {window}");
            let description =
                "The metrics exist and do not move: either nobody asks, or requests do not arrive.";
            add("NoTraffic", Severity::Info, window, (expr, None), summary, description);
        }
    }
    if plan.wants(Severity::Ticket) && plan.has_alerts() {
        let expr = format!(
            "max without (sloth_window) (slo:period_error_budget_remaining:ratio{sel}) <= 0"
        );
        let summary = format!("{id} has spent its error budget");
        let description = "More events failed in the period than the objective allows.";
        let period = plan.objective.period.nominal();
        add("BudgetSpent", Severity::Ticket, period, (expr, None), summary, description);
    }
    rules
}
