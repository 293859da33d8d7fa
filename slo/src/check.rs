//! What can be known of an objective before it runs: alerts that cannot fire, or fire on chance.

use crate::finding::{At, Code, Findings};
use crate::model::{Indicator, Match, MatchOp, Period};
use crate::number::text;
use crate::plan::{Counting, Options, Plan, Profile};
use crate::promql::{self, Countable, Shape, Term, matches};

/// Puts down whatever is doubtful about an objective.
pub fn check(plan: &Plan, options: &Options, found: &mut Findings) {
    check_period(plan, options, found);
    let objective = &plan.objective;
    let (file, at) = (objective.origin.file.as_str(), objective.target.at);
    for tier in &plan.tiers {
        if !tier.is_reachable() {
            let limit = text(((100.0 - 100.0 / tier.factor).max(0.0) * 100.0).ceil() / 100.0);
            let message = format!(
                "`{}` can never fire: {} times the budget of {} is {}, and an error ratio ends at 1",
                tier.name,
                text(tier.factor),
                text(objective.budget()),
                text(tier.threshold)
            );
            let hint = format!("the factor needs a target above {limit} %");
            found.warn(Code::UnreachableBurn, file, at, message, hint);
        }
    }
    check_traffic(plan, found);
    check_windows(plan, found);
    check_indicator(plan, found);
}

/// Sloth's rules know rolling periods only.
fn check_period(plan: &Plan, options: &Options, found: &mut Findings) {
    let objective = &plan.objective;
    if options.profile == Profile::Sloth && matches!(objective.period, Period::Calendar(_)) {
        let (file, at) = (objective.origin.file.as_str(), objective.origin.at);
        let message = "a calendar window is not supported in the profile `sloth`";
        found.error_with(Code::Unsupported, file, at, message, "use --profile exact");
    }
}

fn check_traffic(plan: &Plan, found: &mut Findings) {
    let objective = &plan.objective;
    let Some(per_hour) = objective.traffic.per_hour else { return };
    let (file, at) = (objective.origin.file.as_str(), objective.target.at);
    for tier in plan.tiers.iter().filter(|t| t.is_reachable()) {
        let events = per_hour * tier.long.seconds() / 3_600.0;
        if events < tier.single_failure_limit() {
            let message = format!(
                "one failure alone passes `{}`: {} holds about {} events, and {} are needed",
                tier.name,
                tier.long,
                text(events),
                text(tier.single_failure_limit().ceil())
            );
            let floor = objective.traffic.floor;
            let hint =
                format!("the exact profile waits for {floor} failures; the sloth profile does not");
            found.warn(Code::SingleFailure, file, at, message, hint);
        }
    }
}

fn check_windows(plan: &Plan, found: &mut Findings) {
    let objective = &plan.objective;
    let scrape = objective.traffic.scrape;
    for window in plan.windows.iter().filter(|w| w.0 < 4 * scrape.0) {
        let message = format!("the window {window} holds fewer than four scrapes of {scrape}");
        let (file, at) = (&objective.origin.file, objective.origin.at);
        let hint = "use longer windows, or scrape more often and say so (scrapeInterval)";
        found.warn(Code::ShortWindow, file, at, message, hint);
    }
}

fn check_indicator(plan: &Plan, found: &mut Findings) {
    let file = plan.objective.origin.file.as_str();
    match &plan.objective.indicator {
        Indicator::Bad { bad: events, total } | Indicator::Good { good: events, total } => {
            for query in [events, total] {
                if let Shape::RulesOnly(why) = promql::classify(&query.value) {
                    let message = format!("for the rules only: {why}");
                    found.note(Code::RulesOnly, file, query.at, message);
                }
            }
            match &plan.counting {
                Counting::Events(e) => {
                    check_within(file, events.at, &e.events_of, &e.total_of, found)
                }
                _ => ratio_only(file, events.at, found),
            }
        }
        Indicator::Ratio { bad } => {
            match promql::classify(&bad.value) {
                Shape::RulesOnly(why) => {
                    found.note(Code::RulesOnly, file, bad.at, format!("for the rules only: {why}"));
                }
                Shape::Countable(_) | Shape::Ratio(..) => {}
            }
            if !matches!(plan.counting, Counting::Events(_)) {
                ratio_only(file, bad.at, found);
            }
        }
        Indicator::Spans(_) => {}
    }
}

fn ratio_only(file: &str, at: At, found: &mut Findings) {
    let message =
        "events are not counted: neither weighting, nor a least number of failures, nor confidence";
    found.note(Code::RatioOnly, file, at, message);
}

/// Whether every event counted is one of the total by its labels alone.
fn check_within(file: &str, at: At, events: &Countable, total: &Countable, found: &mut Findings) {
    // With differences on either side labels prove nothing.
    if events.terms.iter().chain(&total.terms).any(|t| t.negative) {
        return;
    }
    for term in &events.terms {
        let same: Vec<&Term> = total.terms.iter().filter(|t| is_family(term, t)).collect();
        if same.is_empty() {
            let message = format!(
                "`{}` is another metric than the total's: nothing says it stays below",
                term.metric
            );
            found.note(Code::GoodAboveTotal, file, at, message);
        } else if !same.iter().any(|t| t.matchers.iter().all(|m| has(term, m))) {
            let message = format!("`{}` may count events that the total leaves out", term.metric);
            let hint = "give both the same matchers, and the total no others";
            found.warn(Code::GoodAboveTotal, file, at, message, hint);
        }
    }
}

/// Whether a term's matchers say all that `m` says: the same, or values that `m` lets through.
fn has(term: &Term, m: &Match) -> bool {
    let own = term.matchers.iter().filter(|own| own.name == m.name);
    { own }.any(|own| own == m || values(own).is_some_and(|v| v.iter().all(|v| matches(m, v))))
}

/// The values a matcher allows, where it lists them.
fn values(m: &Match) -> Option<Vec<&str>> {
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == '|';
    match m.op {
        MatchOp::Equal => Some(vec![&m.value]),
        MatchOp::Regex if m.value.chars().all(plain) => Some(m.value.split('|').collect()),
        _ => None,
    }
}

/// The same metric, or a bucket and the count of one histogram.
fn is_family(term: &Term, total: &Term) -> bool {
    let bucket = term.metric.strip_suffix("_bucket");
    term.metric == total.metric
        || (bucket.is_some() && bucket == total.metric.strip_suffix("_count"))
}
