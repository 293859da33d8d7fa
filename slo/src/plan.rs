//! An objective resolved against windows and profile: what its rules, tests and pages are made of.

use std::collections::BTreeMap;

use crate::burn::{Tier, quantile};
use crate::finding::{Code, Findings};
use crate::length::Length;
use crate::model::{Indicator, MatchOp, Objective, Severity, Spans};
use crate::number::tidy;
use crate::promql::{self, Countable, Shape, Unit};
use crate::windows::{Table, Tables};

/// Whose rules are generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Sloth's names, labels and shape, with its arithmetic.
    Sloth,
    /// Bad and all events recorded apart; right on idle hours, single failures and bursts.
    Exact,
}

/// What holds for all objectives of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose rules.
    pub profile: Profile,
    /// The period of formats that have none of their own.
    pub period: Length,
    /// Labels of every rule.
    pub extra_labels: BTreeMap<String, String>,
    /// Whether alerts are generated.
    pub alerts: bool,
    /// Whether recording rules are generated.
    pub recordings: bool,
    /// The counter of judged spans, with the labels `slo` and `verdict`.
    pub events_metric: String,
    /// Whether files are judged alone: a name they do not define is then only a warning.
    pub alone: bool,
    /// Where runbooks are served.
    pub runbooks: String,
    /// A dashboard's address, with `{service}`, `{slo}`, `{id}`, and `{from}` and `{to}` in milliseconds.
    pub dashboard: Option<String>,
    /// An address of the traces that spent the budget, with the same, `{start}` and `{end}` in
    /// microseconds, and `{filter}` for what makes a span bad in a search of Jaeger's form.
    pub traces: Option<String>,
}

/// An objective ready to be written.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The objective.
    pub objective: Objective,
    /// Its alert conditions, from fast to slow.
    pub tiers: Vec<Tier>,
    /// Windows that are recorded, from short to long, without the period.
    pub windows: Vec<Length>,
    /// How its events are counted.
    pub counting: Counting,
}

/// How events are counted.
#[derive(Debug, Clone, PartialEq)]
pub enum Counting {
    /// Bad (or good) and all events by queries we understand.
    Events(Events),
    /// Two queries whose unit is not known.
    Opaque {
        /// Bad events, or good ones.
        events: String,
        /// Whether they are the good ones.
        good: bool,
        /// All events.
        total: String,
    },
    /// A ready ratio of bad to all.
    Ratio(String),
}

/// Bad (or good) and all events.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// The query of bad events, or of good ones.
    pub events: String,
    /// What it consists of.
    pub events_of: Countable,
    /// Whether they are the good ones.
    pub good: bool,
    /// The query of all events.
    pub total: String,
    /// What it consists of.
    pub total_of: Countable,
}

impl Options {
    /// The options of the profile, with a counter of judged spans.
    #[must_use]
    pub fn new(profile: Profile, events_metric: &str) -> Self {
        Self {
            profile,
            period: Length(30 * 86_400),
            extra_labels: BTreeMap::new(),
            alerts: true,
            recordings: true,
            alone: false,
            events_metric: events_metric.to_owned(),
            runbooks: "runbooks".to_owned(),
            dashboard: None,
            traces: None,
        }
    }
}

impl Plan {
    /// Resolves an objective; without windows for its period there is none.
    pub fn of(
        objective: &Objective,
        tables: &Tables,
        options: &Options,
        found: &mut Findings,
    ) -> Option<Self> {
        let table = table(objective, tables, found)?;
        let counting = counting(objective, options);
        let mut windows: Vec<Length> = table.rows.iter().flat_map(|r| [r.short, r.long]).collect();
        let policies = objective.alerting.policies.as_deref().unwrap_or_default();
        windows.extend(policies.iter().map(|p| p.window));
        windows.sort();
        windows.dedup();
        let counted = matches!(counting, Counting::Events(_));
        let tiers = tiers(objective, &table, options.profile, counted);
        Some(Self { objective: objective.clone(), tiers, windows, counting })
    }

    /// The shortest window, of which the period's sums are made.
    #[must_use]
    pub fn base(&self) -> Length {
        self.windows.first().copied().unwrap_or(Length(300))
    }

    /// How often the exact rules are evaluated: five times in the shortest window, and once a minute at least.
    #[must_use]
    pub fn interval(&self) -> Length {
        let chosen = Length((self.base().0 / 5).clamp(1, 60));
        self.objective.intervals.indicator.unwrap_or(chosen)
    }

    /// The name of the alert on absence, lack of traffic or spent budget.
    #[must_use]
    pub fn alert_name(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.objective.alerting.name)
    }

    /// Whether any alert is wanted.
    #[must_use]
    pub fn has_alerts(&self) -> bool {
        let a = &self.objective.alerting;
        !(a.page.disabled && a.ticket.disabled)
    }

    /// Whether a rule of this severity is wanted.
    #[must_use]
    pub fn wants(&self, severity: Severity) -> bool {
        match severity {
            Severity::Page => !self.objective.alerting.page.disabled,
            Severity::Ticket => !self.objective.alerting.ticket.disabled,
            Severity::Info => self.has_alerts(),
        }
    }

    /// The labels by which the objective is kept apart.
    #[must_use]
    pub fn group_by(&self) -> &[String] {
        match &self.counting {
            Counting::Events(events) => &events.total_of.by,
            Counting::Opaque { .. } | Counting::Ratio(_) => &[],
        }
    }
}

impl Events {
    /// How many bad (or good) events a window holds, as an expression.
    #[must_use]
    pub fn events_in(&self, window: Length) -> String {
        counted(&self.events, &self.events_of, window)
    }

    /// How many events a window holds, as an expression.
    #[must_use]
    pub fn total_in(&self, window: Length) -> String {
        counted(&self.total, &self.total_of, window)
    }
}

/// A query over a window, in events. Of several counters, one that does not exist counts as 0 as long
/// as any other does; a single one is used as it is written.
fn counted(query: &str, of: &Countable, window: Length) -> String {
    let text = match &of.terms[..] {
        [_] => format!("({})", promql::fill(query.trim(), window)),
        _ => promql::lenient(of, window),
    };
    match of.unit {
        Unit::Increase => text,
        Unit::Rate => format!("{text} * {}", window.0),
    }
}

fn table(objective: &Objective, tables: &Tables, found: &mut Findings) -> Option<Table> {
    let period = objective.period.nominal();
    let origin = &objective.origin;
    if let Some(table) = tables.exact(period) {
        return Some(table.clone());
    }
    // Where a format names any period, windows follow; where one table is meant, it must be given.
    if matches!(origin.spec, "openslo/v1" | "pyrra.dev/v1alpha1") {
        let message = format!("no windows are made for {period}: those of 30d are scaled to it");
        found.note(Code::Default, &origin.file, origin.at, message);
        return tables.scaled(period);
    }
    let message = format!("no windows are known for a period of {period}");
    let hint = "give an alertWindows/v1 document with that sloPeriod";
    found.error_with(Code::NoWindows, &origin.file, origin.at, message, hint);
    None
}

fn tiers(objective: &Objective, table: &Table, profile: Profile, counted: bool) -> Vec<Tier> {
    let budget = objective.budget();
    let traffic = &objective.traffic;
    let careful = profile == Profile::Exact && counted;
    let floor = if careful { traffic.floor } else { 0 };
    let z = if careful { quantile(traffic.confidence) } else { 0.0 };
    if let Some(policies) = &objective.alerting.policies {
        let tier = |p: &crate::model::Policy| Tier {
            name: p.name.clone(),
            severity: p.severity,
            severity_text: Some(p.severity_text.clone()),
            factor: p.factor,
            short: None,
            long: p.window,
            hold: p.hold,
            threshold: tidy(p.factor * budget),
            floor,
            z,
        };
        return policies.iter().map(tier).collect();
    }
    let wanted = |severity: Severity| match severity {
        Severity::Page => !objective.alerting.page.disabled,
        _ => !objective.alerting.ticket.disabled,
    };
    let rows = table.rows.iter().filter(|row| wanted(row.severity));
    rows.map(|row| {
        let factor = row.factor(table.period);
        Tier {
            name: row.tier.to_owned(),
            severity: row.severity,
            severity_text: None,
            factor,
            short: Some(row.short),
            long: row.long,
            hold: None,
            threshold: tidy(factor * budget),
            floor,
            z,
        }
    })
    .collect()
}

fn counting(objective: &Objective, options: &Options) -> Counting {
    match &objective.indicator {
        Indicator::Bad { bad, total } => pair(&bad.value, false, &total.value),
        Indicator::Good { good, total } => pair(&good.value, true, &total.value),
        Indicator::Ratio { bad: query } => match promql::split_ratio(&query.value) {
            // Sloth's rules use the ratio as it is written.
            Some((bad, total)) if options.profile == Profile::Exact => {
                match pair(&bad, false, &total) {
                    Counting::Events(events) => Counting::Events(events),
                    _ => Counting::Ratio(query.value.clone()),
                }
            }
            _ => Counting::Ratio(query.value.clone()),
        },
        Indicator::Spans(spans) => {
            let (bad, total) = span_queries(&objective.id(), spans, &options.events_metric);
            pair(&bad, false, &total)
        }
    }
}

fn pair(events: &str, good: bool, total: &str) -> Counting {
    let (events, total) = (events.trim().to_owned(), total.trim().to_owned());
    match (promql::classify(&events), promql::classify(&total)) {
        (Shape::Countable(events_of), Shape::Countable(total_of))
            if events_of.by == total_of.by =>
        {
            Counting::Events(Events { events, events_of, good, total, total_of })
        }
        _ => Counting::Opaque { events, good, total },
    }
}

/// The counter's queries for an indicator of spans: bad and all.
fn span_queries(id: &str, spans: &Spans, metric: &str) -> (String, String) {
    // A label cannot bear the dots of an attribute's name.
    let by: Vec<String> = spans.group_by.iter().map(|a| a.replace(['.', '-', '/'], "_")).collect();
    let sum = if by.is_empty() { "sum".into() } else { format!("sum by ({})", by.join(", ")) };
    let op = MatchOp::Equal.as_str();
    let rate =
        |more: &str| format!("{sum}(rate({metric}{{slo{op}\"{id}\"{more}}}[{{{{.window}}}}]))");
    (rate(",verdict=\"bad\""), rate(""))
}
