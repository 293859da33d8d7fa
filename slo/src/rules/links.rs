//! Addresses in alerts: where the dashboard and the traces of an objective stand, at the time it was judged.
//!
//! A template's `{service}`, `{slo}` and `{id}` are the objective's; `{from}` and `{to}` are the beginning of
//! the alert's window and the end of its evaluation in milliseconds (as Grafana wants them), `{start}` and `{end}` the
//! same in microseconds (as Jaeger does); `{filter}` is what tells bad spans from good ones in a search of
//! Jaeger's form.
//!
//! # Invariants
//! 1. A link names an absolute range: it shows the same whenever it is opened.

use crate::length::Length;
use crate::model::{Indicator, MatchOp, Spans};
use crate::number::text;
use crate::plan::{Counting, Events, Plan};
use crate::promql::{Term, example};

/// The time of evaluation, in a template of Prometheus.
const NOW: &str = "time()";
/// The whole second after it, or what this evaluation recorded would lie behind the range.
const END: &str = "time() + 1";

/// The address for an alert that looks back over `window`.
pub(super) fn address(template: &str, plan: &Plan, window: Length) -> String {
    let (o, back) = (&plan.objective, format!("{NOW} - {}", window.0));
    let id = encoded(&o.id());
    let time = |expr: &str, zeros: &str| {
        format!("{{{{ printf \"%.0f{zeros}\" (query \"{expr}\" | first | value) }}}}")
    };
    let values = [
        ("{service}", encoded(&o.service)),
        ("{slo}", encoded(&o.name)),
        ("{id}", id),
        ("{filter}", filter(plan)),
        ("{from}", time(&back, "000")),
        ("{to}", time(END, "000")),
        ("{start}", time(&back, "000000")),
        ("{end}", time(END, "000000")),
    ];
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// What Prometheus makes of an annotation `at` seconds after the epoch.
#[must_use]
pub fn expanded(annotation: &str, at: u64) -> String {
    let mut out = String::new();
    let mut rest = annotation;
    while let Some((before, tail)) = rest.split_once("{{ printf \"%.0f") {
        let Some((call, after)) = tail.split_once(" }}") else { break };
        let zeros: String = call.chars().take_while(|c| *c == '0').collect();
        let offset = |sign: &str| {
            let (_, digits) = call.split_once(&format!("{NOW} {sign} "))?;
            let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<i128>().ok()
        };
        let second = i128::from(at) + offset("+").unwrap_or(0) - offset("-").unwrap_or(0);
        out.push_str(before);
        out.push_str(&format!("{second}{zeros}"));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Bad spans in a search of Jaeger's form: those that took longer where a histogram's bucket is what is good,
/// else those with an error.
fn filter(plan: &Plan) -> String {
    let errors = format!("tags={}", encoded("{\"error\":\"true\"}"));
    match (&plan.objective.indicator, &plan.counting) {
        (Indicator::Spans(spans), _) => of_spans(spans, errors),
        (_, Counting::Events(events)) => longest_good(events).map_or(errors, longer_than),
        _ => errors,
    }
}

fn of_spans(spans: &Spans, errors: String) -> String {
    let name = spans.name.as_ref().map(|name| format!("operation={}&", encoded(name)));
    let slow = spans.threshold_ms.map(|ms| format!("minDuration={ms}ms"));
    format!("{}{}", name.unwrap_or_default(), slow.unwrap_or(errors))
}

fn longer_than(seconds: f64) -> String {
    format!("minDuration={}us", text((seconds * 1e6).round()))
}

/// The bound of the bucket that counts as good, in seconds.
fn longest_good(events: &Events) -> Option<f64> {
    let terms = events.events_of.terms.iter();
    let bucket = |t: &&Term| t.metric.ends_with("_seconds_bucket") && t.negative != events.good;
    let le = terms.filter(bucket).find_map(|t| t.matchers.iter().find(|m| m.name == "le"))?;
    match le.op {
        MatchOp::Equal | MatchOp::Regex => example(&[le], &[])?.parse().ok(),
        MatchOp::NotEqual | MatchOp::NotRegex => None,
    }
}

/// Percent-encoded for the query of a URL.
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::plan::{Options, Profile};
    use crate::spec::Source;

    fn of(sli: &str, template: &str) -> String {
        let spec = format!(
            "version: prometheus/v1\nservice: shop\nslos:\n- {{name: orders, objective: 99, sli: {sli}, alerting: {{name: A}}}}\n"
        );
        let options = Options::new(Profile::Exact, "events_total");
        let compiled = compile(&[Source { name: "f", text: &spec }], &options);
        address(template, &compiled.plans[0], Length(3_600))
    }

    const ERRORS: &str = "{events: {error_query: 'sum(rate(a{b=\"c\"}[{{.window}}]))', total_query: 'sum(rate(a[{{.window}}]))'}}";

    #[test]
    fn times_are_those_of_the_evaluation() {
        let template = of(ERRORS, "/d/x?var-slo={slo}&from={from}&to={to}#{start}-{end}-{id}");
        assert_eq!(
            expanded(&template, 1_700_000_000),
            "/d/x?var-slo=orders&from=1699996400000&to=1700000001000#1699996400000000-1700000001000000-shop-orders"
        );
        assert_eq!(expanded("no template, {{ $labels.x }}", 7), "no template, {{ $labels.x }}");
    }

    #[test]
    fn bad_spans_are_those_with_errors_or_those_that_took_longer() {
        let errors = "tags=%7B%22error%22%3A%22true%22%7D";
        assert_eq!(of(ERRORS, "{filter}"), errors);
        let slow = "{events: {error_query: 'sum(rate(d_seconds_count[{{.window}}])) - sum(rate(d_seconds_bucket{le=~\"0[.]25\"}[{{.window}}]))', total_query: 'sum(rate(d_seconds_count[{{.window}}]))'}}";
        assert_eq!(of(slow, "{filter}"), "minDuration=250000us");
        let spans = "{plugin: {id: perch.dev/spans/v1, options: {service: shop, name: 'GET /x', threshold: 250ms}}}";
        assert_eq!(of(spans, "{filter}"), "operation=GET%20%2Fx&minDuration=250ms");
    }
}
