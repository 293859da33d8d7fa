//! Every query of every panel, with variables as Grafana fills them in, answers on a real Prometheus, and the
//! numbers of the dashboard of objectives are right.

#![allow(clippy::unwrap_used, reason = "test code")]

mod board;
mod past;

use journeys::{Client, Prometheus, escaped, needs};
use serde_json::Value;

use board::{Board, Choice, Query, Range};

/// A round hour of history, so that a minute's step hits the samples.
const HOUR: u64 = 3_600;

#[test]
fn every_query_of_every_panel_answers() {
    if !needs("dashboards", &["prometheus"]) {
        return;
    }
    let now = past::now();
    let prometheus = Prometheus::with_past(&past::openmetrics(now));
    let client = prometheus.client();
    let mut n_queries = 0;
    for board in Board::all() {
        let all = board.choose_all(client);
        let each = board.choose_each(client);
        for query in board.queries() {
            let range = Range::of(&query, now, HOUR);
            let answer = execute(client, &query, &all.fill(&query.expr, &range), &range);
            let place = format!("{}: {}", query.place, query.expr);
            let series = answer["data"]["result"].as_array().unwrap();
            assert!(!series.is_empty(), "no answer to {place}");
            for label in query.legend_labels() {
                let named = |s: &Value| s["metric"][label].is_string();
                assert!(series.iter().any(named), "no series has the label {label} of {place}");
            }
            // Choosing every value by hand shows the same as "All".
            let by_hand = execute(client, &query, &each.fill(&query.expr, &range), &range);
            assert_eq!(answer["data"], by_hand["data"], "{place}");
            n_queries += 1;
        }
    }
    assert!(n_queries > 20, "only {n_queries} queries were found");
    numbers(client, now);
}

/// What the dashboard of objectives shows for the past that was written.
fn numbers(client: &Client, now: u64) {
    let board = Board::load("slo");
    let all = board.choose_all(client);
    let shown_for = |chosen: &Choice, panel: &str, ref_id: &str| {
        let query = board.query(panel, ref_id);
        let range = Range::of(&query, now, HOUR);
        last_values(&execute(client, &query, &chosen.fill(&query.expr, &range), &range))
    };
    let shown = |panel: &str, ref_id: &str| shown_for(&all, panel, ref_id);
    let of = |values: &[(String, f64)], name: &str| {
        let found = values.iter().find(|(labels, _)| labels.contains(name));
        found.map(|(_, value)| *value)
    };
    let close = |value: Option<f64>, want: f64| {
        assert!(value.is_some_and(|v| (v - want).abs() < 1e-6), "{value:?} instead of {want}");
    };

    // Burning at 3 of a budget of 0.1 %.
    close(of(&shown("Good events now", "A"), "rest"), 0.997);
    close(of(&shown("Budget left", "A"), "rest"), 0.5);
    // Half of 30 days at three times the pace.
    close(of(&shown("Time to exhaustion", "A"), "rest"), 0.5 * 30.0 * 86_400.0 / 3.0);
    // Below the pace that lasts, there is nothing to say.
    assert_eq!(of(&shown("Time to exhaustion", "A"), "checkout"), None);

    let states = shown("State", "A");
    close(of(&states, "rest"), 0.0);
    close(of(&states, "checkout"), 1.0);
    close(of(&states, "packing"), 2.0);
    close(of(&states, "search"), 3.0);
    assert_eq!(of(&states, "idle"), None, "a budget that is not known is not ok");

    let burn = shown("Burn rate by window", "A");
    let windows = burn.iter().filter(|(labels, _)| labels.contains("rest")).count();
    assert_eq!(windows, past::WINDOWS.len());
    // The longest period's table holds where several are chosen.
    let four_weeks = board.choose_all(client).with("slo", "checkout");
    for (ref_id, of_month, of_four_weeks) in
        [("B", 14.4, 13.44), ("C", 6.0, 5.6), ("D", 3.0, 2.8), ("E", 1.0, 28.0 / 30.0)]
    {
        let first = |values: Vec<(String, f64)>| values.first().map(|(_, v)| *v);
        close(first(shown("Burn rate by window", ref_id)), of_month);
        close(first(shown_for(&four_weeks, "Burn rate by window", ref_id)), of_four_weeks);
    }
    let bad = shown("Bad and all events in 5 minutes", "D");
    assert!(of(&bad, "shop-checkout").is_some_and(|v| v > 0.0), "{bad:?}");
    // Links to traces and logs need the service's name, without the namespace of the job.
    let failed = shown("Requests that fail", "A");
    assert!(failed.iter().all(|(labels, _)| labels.contains(r#""service":"nestr""#)), "{failed:?}");
    let firing = shown("Alerts", "A");
    assert_eq!(firing.len(), 2, "{firing:?}");
}

/// Labels as JSON with the last value, for each series.
fn last_values(answer: &Value) -> Vec<(String, f64)> {
    let series = answer["data"]["result"].as_array().unwrap();
    series
        .iter()
        .map(|s| {
            let pair = s["values"].as_array().and_then(|all| all.last()).unwrap_or(&s["value"]);
            (s["metric"].to_string(), pair[1].as_str().unwrap().parse().unwrap())
        })
        .collect()
}

/// Runs a query as Grafana does and insists on an answer without warnings and hints.
fn execute(client: &Client, query: &Query, expr: &str, range: &Range) -> Value {
    // `$1` is a group of a regular expression.
    let left = expr.split('$').skip(1).any(|rest| !rest.starts_with('1'));
    assert!(!left, "a variable is left in {}: {expr}", query.place);
    let path = if query.instant {
        format!("/api/v1/query?time={}&query={}", range.end, escaped(expr))
    } else {
        let Range { start, end, step } = range;
        let query = escaped(expr);
        format!("/api/v1/query_range?start={start}&end={end}&step={step}&query={query}")
    };
    let reply = client.get(&path).and_then(journeys::Reply::ok);
    let answer = reply.unwrap_or_else(|e| panic!("{}: {expr}: {e}", query.place));
    for kind in ["warnings", "infos"] {
        assert!(answer.get(kind).is_none(), "{}: {expr}: {}", query.place, answer[kind]);
    }
    answer
}
