//! The cases: what happens to the counters, and what must be seen of it.

use std::collections::BTreeMap;

use crate::burn::{Fault, Tier};
use crate::length::Length;
use crate::model::Missing;
use crate::number::text;
use crate::plan::{Options, Plan, Profile};
use crate::rules::{self, Rule, label_set};

use super::synth::Series;
use super::timeline::{Stretch, samples};
use super::{AlertTest, Case, ValueTest};

/// Events per step: many, so that neither floor nor confidence holds an alert back for long, and that
/// the bad among them are a whole number: a counter that loses a rounding error looks reset.
const EVENTS: f64 = 1_000_000.0;

/// What all cases of a file share.
pub(super) struct Bench<'a> {
    pub(super) plan: &'a Plan,
    pub(super) options: &'a Options,
    pub(super) series: &'a [Series],
    pub(super) step: Length,
    pub(super) evaluation: Length,
}

impl Bench<'_> {
    /// Steady traffic without an error. Series that only failures move do not exist: that is 0, too.
    pub(super) fn healthy(&self) -> Option<Case> {
        let hours = 2 * 3_600;
        let exact = self.options.profile == Profile::Exact;
        let shown: Vec<&Series> =
            self.series.iter().filter(|s| !exact || s.per_good > 0.0).collect();
        let stretches = [Stretch::of(self.steps(hours), EVENTS, 0.0)];
        let mut case =
            self.case("healthy: no errors, no alerts, the whole budget left", &shown, &stretches);
        case.values.push(self.never_fired(hours));
        case.values.push(value(hours, format!("max({})", self.ratio(self.plan.base())), 0.0));
        case.values.push(self.budget_left(hours, 1.0));
        case.alerts.push(AlertTest { at: hours, name: self.alert(), firing: Vec::new() });
        Some(case)
    }

    /// Nobody asks for longer than the window of silence; before and after everything is good.
    pub(super) fn idle(&self) -> Option<Case> {
        let silence = self.rule("NoTraffic").map(|(_, window)| window);
        let idle = silence.unwrap_or(Length(6 * 3_600)).0 + 2 * self.evaluation.0;
        let (from, to) = (3_600, 3_600 + self.up(idle));
        let stretches = [
            Stretch::of(self.steps(from), EVENTS, 0.0),
            Stretch::of(self.steps(to - from), 0.0, 0.0),
            Stretch::of(self.steps(3_600), EVENTS, 0.0),
        ];
        let all: Vec<&Series> = self.series.iter().collect();
        let mut case =
            self.case("idle: no events spend no budget and nothing is NaN", &all, &stretches);
        let end = to + 3_600;
        case.values.push(self.never_fired(end));
        case.values.push(value(to, format!("max({})", self.ratio(self.plan.base())), 0.0));
        for at in [to, end] {
            case.values.push(self.budget_left(at, 1.0));
        }
        if let Some((rule, _)) = self.rule("NoTraffic") {
            let name = rule.name.clone();
            case.alerts.push(AlertTest { at: from, name: name.clone(), firing: Vec::new() });
            case.alerts.push(AlertTest { at: to, name, firing: vec![self.whole(&rule, to)] });
        }
        Some(case)
    }

    /// Five events in four hours, the last of them bad.
    pub(super) fn single_failure(&self) -> Option<Case> {
        if self.plan.tiers.iter().any(|t| t.floor < 2) {
            return None;
        }
        let apart = self.steps(48 * 60);
        let mut stretches = Vec::new();
        for n in 0..5 {
            stretches.push(Stretch::of(apart - 1, 0.0, 0.0));
            stretches.push(Stretch::of(1, 1.0, if n == 4 { 1.0 } else { 0.0 }));
        }
        let after = 2 * 3_600;
        stretches.push(Stretch::of(self.steps(after), 0.0, 0.0));
        let all: Vec<&Series> = self.series.iter().collect();
        let mut case =
            self.case("a single failure among five events wakes nobody", &all, &stretches);
        let failed = 5 * 48 * 60;
        case.values.push(self.never_fired(failed + after));
        // It is seen all the same: one bad event of five.
        let long = self.plan.windows.iter().find(|w| w.0 >= 21_600);
        if let Some(long) = long {
            let bad = format!("max(slo:sli:events_bad:increase{long}{})", self.selector());
            let seen = format!("({bad} > bool 0.9) * ({bad} < bool 1.5)");
            case.values.push(value(failed + 600, seen, 1.0));
        }
        case.alerts.push(AlertTest { at: failed + 60, name: self.alert(), firing: Vec::new() });
        Some(case)
    }

    /// All counters begin at 0 again in the midst of traffic that spends half the budget.
    pub(super) fn counter_reset(&self) -> Option<Case> {
        let share = whole_share(self.plan.objective.budget() / 2.0);
        let half = 4_500;
        let again = Stretch { reset: true, ..Stretch::of(self.steps(half), EVENTS, share) };
        let stretches = [Stretch::of(self.steps(half), EVENTS, share), again];
        let all: Vec<&Series> = self.series.iter().collect();
        let mut case = self.case("a counter reset is no burst", &all, &stretches);
        case.values.push(self.never_fired(2 * half));
        let window = self.plan.tiers.first().map_or(self.plan.base(), |t| t.long);
        let ratio = format!("max({})", self.ratio(window));
        let near = format!("abs({ratio} / {} - 1) < bool 0.05", text(share));
        case.values.push(value(half + self.up(600), near.clone(), 1.0));
        case.values.push(value(2 * half, near, 1.0));
        Some(case)
    }

    /// More fails than the objective allows, from the start.
    pub(super) fn spent(&self) -> Option<Case> {
        let (rule, _) = self.rule("BudgetSpent")?;
        let share = whole_share((self.plan.objective.budget() * 3.0).min(0.9));
        let hour = 3_600;
        let stretches = [Stretch::of(self.steps(hour), EVENTS, share)];
        let all: Vec<&Series> = self.series.iter().collect();
        let mut case = self.case("three times the budget is spent: said so", &all, &stretches);
        let left = text(1.0 - share / self.plan.objective.budget());
        let remaining = format!("max(slo:period_error_budget_remaining:ratio{})", self.selector());
        case.values.push(value(hour, format!("abs({remaining} - {left}) < bool 0.001"), 1.0));
        let whole = self.whole(&rule, hour);
        case.alerts.push(AlertTest { at: hour, name: rule.name, firing: vec![whole] });
        Some(case)
    }

    /// The indicator's metrics do not exist.
    pub(super) fn missing(&self) -> Option<Case> {
        if self.plan.objective.alerting.missing == Missing::Off {
            return None;
        }
        let (rule, _) = self.rule("Missing")?;
        let hold = rule.hold.map_or(0, |l| l.0);
        let mut case = self.case("no metrics: said so, and nothing else", &[], &[]);
        let before = hold - self.evaluation.0;
        let after = self.up(hold + 2 * self.evaluation.0);
        let (name, whole) = (rule.name.clone(), self.whole(&rule, after));
        case.alerts.push(AlertTest { at: before, name: name.clone(), firing: Vec::new() });
        case.alerts.push(AlertTest { at: after, name, firing: vec![whole] });
        case.values.push(self.never_fired(after));
        Some(case)
    }

    /// A fault that the tier sees and no faster one does.
    pub(super) fn tier(&self, tier: &Tier) -> Option<Case> {
        if !tier.is_reachable() {
            return None;
        }
        let fault = self.fault(tier);
        let detection = tier.detection(fault)?;
        let hold = if tier.hold.is_some() { self.evaluation.0 } else { 0 };
        let slack = self.evaluation.0 + 2 * self.step.0 + hold;
        // Sloth's rule stands for all tiers of a severity: all their windows must be full.
        let same = self.plan.tiers.iter().filter(|t| t.severity == tier.severity);
        let full = match self.options.profile {
            Profile::Exact => tier.long.0,
            Profile::Sloth => same.map(|t| t.long.0).max()?,
        };
        let start = self.up(full + 2 * self.evaluation.0);
        let fires = whole_seconds(detection);
        let seen = self.up(start + fires + slack);
        let end = self.up(seen + self.evaluation.0);
        let lasted = end - start;
        let clears = self.clears(tier, fault, lasted, slack)?;
        let after = self.up(end + whole_seconds(clears) + slack);
        let stretches = [
            Stretch::of(self.steps(start), EVENTS, 0.0),
            Stretch::of(self.steps(lasted), EVENTS, fault.share),
            Stretch::of(self.steps(after - end + self.evaluation.0), EVENTS, 0.0),
        ];
        let name = format!(
            "{}: {} % of events fail from {} on; fires after {}, clears {} after the end",
            tier.name,
            text(fault.share * 100.0),
            Length(start),
            Length(fires),
            Length(whole_seconds(clears)),
        );
        let all: Vec<&Series> = self.series.iter().collect();
        let mut case = self.case(&name, &all, &stretches);
        let first = whole_seconds(self.first(tier, fault).unwrap_or(detection));
        let quiet = (start + first.saturating_sub(slack)).max(start) / self.evaluation.0
            * self.evaluation.0;
        case.values.push(self.firing(quiet, tier, 0.0));
        case.values.push(self.firing(seen, tier, 1.0));
        case.values.push(self.firing(end, tier, 1.0));
        let still = (end + whole_seconds(clears).saturating_sub(slack)) / self.evaluation.0
            * self.evaluation.0;
        if still > end {
            case.values.push(self.firing(still, tier, 1.0));
        }
        case.values.push(self.firing(after, tier, 0.0));
        if self.options.profile == Profile::Exact {
            let faster = self.plan.tiers.iter().take_while(|t| t.name != tier.name);
            case.values
                .extend(faster.filter(|t| t.is_reachable()).map(|t| self.firing(seen, t, 0.0)));
            case.alerts.extend(self.whole_at(fault, start, seen));
        }
        Some(case)
    }

    /// All tiers that fire at a time, whole; none where one of them is near its edge.
    fn whole_at(&self, fault: Fault, start: u64, at: u64) -> Option<AlertTest> {
        let rules = rules::groups(self.plan, self.options).into_iter().flat_map(|g| g.rules);
        let rules: Vec<Rule> = rules.filter(|r| r.labels.contains_key("slo_tier")).collect();
        let mut firing = Vec::new();
        for rule in &rules {
            let name = rule.labels.get("slo_tier")?;
            let tier = self.plan.tiers.iter().find(|t| t.name == *name)?;
            if holds(tier, fault, start, at)? {
                firing.push(self.whole(rule, at));
            }
        }
        Some(AlertTest { at, name: self.alert(), firing })
    }

    /// An error ratio between the tier's threshold and that of the next faster one.
    fn fault(&self, tier: &Tier) -> Fault {
        let faster = self.plan.tiers.iter().filter(|t| t.threshold > tier.threshold);
        let next = faster.map(|t| t.threshold).fold(1.0, f64::min);
        let between = (tier.threshold * next).sqrt();
        // Three digits, so that the name of the case can be read.
        let share = (tier.threshold * 2.0).min(between);
        let digits = 10f64.powf(2.0 - share.log10().floor());
        let share = whole_share((share * digits).round() / digits);
        Fault { rate: EVENTS / self.step.seconds(), share }
    }

    /// Seconds until the rule fires; in the profile `sloth` one rule stands for all tiers of a severity.
    fn first(&self, tier: &Tier, fault: Fault) -> Option<f64> {
        let exact = self.options.profile == Profile::Exact;
        let same =
            |t: &&Tier| if exact { t.name == tier.name } else { t.severity == tier.severity };
        let all = self.plan.tiers.iter().filter(same).filter_map(|t| t.detection(fault));
        all.min_by(f64::total_cmp)
    }

    /// Seconds until the rule is quiet; in the profile `sloth` one rule stands for all tiers of a severity.
    fn clears(&self, tier: &Tier, fault: Fault, lasted: u64, slack: u64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a test takes days")]
        let (lasted, slack) = (lasted as f64, slack as f64);
        let own = tier.reset(fault, lasted);
        if self.options.profile == Profile::Exact {
            return Some(own);
        }
        let mut latest = own;
        for other in
            self.plan.tiers.iter().filter(|t| t.severity == tier.severity && t.name != tier.name)
        {
            match other.detection(fault) {
                Some(d) if d < lasted - slack => latest = latest.max(other.reset(fault, lasted)),
                Some(d) if d < lasted + slack => return None,
                _ => {}
            }
        }
        Some(latest)
    }

    fn case(&self, name: &str, shown: &[&Series], stretches: &[Stretch]) -> Case {
        let series = shown
            .iter()
            .map(|s| (format!("{}{}", s.metric, braces(&s.labels)), samples(s, stretches)))
            .collect();
        let name = format!("{}: {name}", self.plan.objective.id());
        Case { name, interval: self.step, series, alerts: Vec::new(), values: Vec::new() }
    }

    fn firing(&self, at: u64, tier: &Tier, count: f64) -> ValueTest {
        let which = match self.options.profile {
            Profile::Exact => format!("slo_tier=\"{}\"", tier.name),
            Profile::Sloth => format!("sloth_severity=\"{}\"", tier.severity.as_str()),
        };
        let (name, id) = (self.alert(), self.plan.objective.id());
        let expr = format!(
            "count(ALERTS{{alertname=\"{name}\", alertstate=\"firing\", sloth_id=\"{id}\", {which}}}) or vector(0)"
        );
        value(at, expr, count)
    }

    /// No tier has fired since the start.
    fn never_fired(&self, at: u64) -> ValueTest {
        let (name, id) = (self.alert(), self.plan.objective.id());
        let expr = format!(
            "count(count_over_time(ALERTS{{alertname=\"{name}\", alertstate=\"firing\", sloth_id=\"{id}\"}}[{}])) or vector(0)",
            Length(at + 60)
        );
        value(at, expr, 0.0)
    }

    fn budget_left(&self, at: u64, share: f64) -> ValueTest {
        let expr = format!("min(slo:period_error_budget_remaining:ratio{})", self.selector());
        value(at, expr, share)
    }

    fn ratio(&self, window: Length) -> String {
        format!("slo:sli_error:ratio_rate{window}{}", self.selector())
    }

    fn selector(&self) -> String {
        format!("{{sloth_id=\"{}\"}}", self.plan.objective.id())
    }

    fn alert(&self) -> String {
        self.plan.objective.alerting.name.clone()
    }

    /// The rule of an alert that is no tier, and the window its expression names.
    fn rule(&self, suffix: &str) -> Option<(Rule, Length)> {
        let name = self.plan.alert_name(suffix);
        let rules = rules::groups(self.plan, self.options).into_iter().flat_map(|g| g.rules);
        let rule = { rules }.find(|r| r.is_alert && r.name == name)?;
        let window = rule.expr.split("increase").nth(1).and_then(|t| t.split('{').next());
        let window = window.and_then(Length::parse).unwrap_or(self.plan.base());
        Some((rule, window))
    }

    /// Labels and annotations of a rule's alert at a time. An absent series brings no labels but its matchers.
    fn whole(&self, rule: &Rule, at: u64) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let mut labels = if rule.expr.starts_with("absent(") {
            let all = label_set(self.plan, self.options);
            all.into_iter().filter(|(k, _)| k.starts_with("sloth_")).collect()
        } else {
            let mut labels = label_set(self.plan, self.options);
            let one = self.series.first();
            for label in self.plan.group_by() {
                if let Some(value) = one.and_then(|s| s.labels.get(label)) {
                    labels.entry(label.clone()).or_insert(value.clone());
                }
            }
            labels
        };
        labels.extend(rule.labels.clone());
        let words = rule.annotations.iter();
        (labels, words.map(|(key, text)| (key.clone(), rules::expanded(text, at))).collect())
    }

    fn steps(&self, seconds: u64) -> u64 {
        Length(seconds).steps(self.step)
    }

    /// The next time of evaluation.
    fn up(&self, seconds: u64) -> u64 {
        Length(seconds).steps(self.evaluation) * self.evaluation.0
    }
}

/// A share that is a whole number of a step's events.
fn whole_share(share: f64) -> f64 {
    (share * EVENTS).round().max(1.0) / EVENTS
}

/// Whether a tier's condition holds at a time, where traffic began at 0 and the fault at `start`; none
/// where it is within a tenth of its edge. Windows longer than the time since 0 hold what there is.
#[expect(clippy::cast_precision_loss, reason = "a test takes days")]
fn holds(tier: &Tier, fault: Fault, start: u64, at: u64) -> Option<bool> {
    let over = |window: Length, margin: f64| {
        let total = fault.rate * window.0.min(at) as f64;
        let bad = fault.rate * fault.share * window.0.min(at - start) as f64;
        let needed = (tier.threshold * total + margin * total.sqrt()) / bad.max(1e-9);
        (!(0.9..1.1).contains(&needed)).then_some(needed < 1.0)
    };
    let long = over(tier.long, tier.margin());
    let short = tier.short.map_or(Some(true), |s| over(s, 0.0));
    match (long, short) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) if tier.hold.is_none() => Some(true),
        _ => None,
    }
}

fn value(at: u64, expr: String, value: f64) -> ValueTest {
    ValueTest { at, expr, value }
}

fn braces(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn whole_seconds(seconds: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, days"
    )]
    let whole = seconds.max(0.0).round() as u64;
    whole
}
