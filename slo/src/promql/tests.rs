//! Templates, classes and examples.

use crate::length::Length;
use crate::model::{Match, MatchOp};

use super::*;

#[test]
fn only_the_window_is_a_template() {
    let query = "sum(rate(a{b=\"{{x}}\"}[{{ .window }}])) / sum(rate(a[{{.window}}]))";
    assert_eq!(fill(query, Length(300)), "sum(rate(a{b=\"{{x}}\"}[5m])) / sum(rate(a[5m]))");
    assert!(mentions_window(query) && !mentions_window("sum(rate(a{b=\"{{x}}\"}[5m]))"));
}

#[test]
fn sums_and_differences_of_counters_are_countable() {
    let Shape::Countable(c) = classify(
        "sum by (b, a) (rate(x_total{k=~\"5..\"}[{{.window}}])) - (sum by (a,b) (rate(y_total[{{.window}}])))",
    ) else {
        panic!("not countable")
    };
    assert_eq!((c.unit, c.by), (Unit::Rate, vec!["a".to_owned(), "b".to_owned()]));
    let shown: Vec<_> =
        c.terms.iter().map(|t| (t.negative, t.metric.as_str(), t.matchers.len())).collect();
    assert_eq!(shown, [(false, "x_total", 1), (true, "y_total", 0)]);
}

#[test]
fn a_ratio_of_two_sums_is_seen_through_its_parentheses() {
    for query in [
        "sum(increase(a[{{.window}}])) / sum(increase(b[{{.window}}]))",
        "((sum(increase(a[{{.window}}]))) / (sum(increase(b[{{.window}}]))))",
    ] {
        assert!(matches!(classify(query), Shape::Ratio(..)), "{query}");
        let (bad, total) = split_ratio(query).unwrap();
        for (side, metric) in [(bad, "a"), (total, "b")] {
            let Shape::Countable(c) = classify(&side) else { panic!("{side}") };
            assert_eq!((c.terms[0].metric.as_str(), c.unit), (metric, Unit::Increase));
        }
    }
}

#[test]
fn everything_else_is_for_the_rules_only_and_says_why() {
    for (query, why) in [
        ("avg(rate(a[{{.window}}]))", "the aggregation `avg`"),
        ("sum(rate(a[5m]))", "a range other than"),
        ("sum(irate(a[{{.window}}]))", "the function `irate`"),
        ("sum(rate(a[{{.window}}] offset 5m))", "an offset"),
        ("sum without (x) (rate(a[{{.window}}]))", "`sum without`"),
        ("rate(a[{{.window}}])", "outside a sum"),
        ("sum(rate(a[{{.window}}])) * 2", "the operator `*`"),
        ("sum(rate(a[{{.window}}])) + sum(increase(a[{{.window}}]))", "a rate and an increase"),
    ] {
        let Shape::RulesOnly(said) = classify(query) else { panic!("{query} is countable") };
        assert!(said.contains(why), "{query}: {said}");
    }
}

#[test]
fn metric_names_are_found_wherever_they_stand() {
    let names = metric_names(
        "sum(rate(a_total[5m])) / on(x) group_left max_over_time(b{c=\"d\"}[1h:5m]) or absent({__name__=\"e\"})",
    );
    assert_eq!(names, ["a_total", "b", "e"]);
}

fn m(op: MatchOp, value: &str) -> Match {
    Match { name: "l".into(), op, value: value.into() }
}

#[test]
fn examples_satisfy_what_is_wanted_and_nothing_unwanted() {
    for (wanted, unwanted) in [
        (vec![m(MatchOp::Regex, "5..|429")], vec![]),
        (vec![], vec![m(MatchOp::Regex, "(5..|429)")]),
        (vec![m(MatchOp::NotRegex, "5..")], vec![]),
        (vec![], vec![m(MatchOp::NotRegex, "2..")]),
        (vec![m(MatchOp::Regex, "api[.].+")], vec![m(MatchOp::Equal, "api.x")]),
        (vec![m(MatchOp::Regex, "10(\\.0)?")], vec![]),
        (vec![m(MatchOp::NotEqual, "")], vec![]),
    ] {
        let value =
            example(&wanted.iter().collect::<Vec<_>>(), &unwanted.iter().collect::<Vec<_>>());
        let value = value.unwrap_or_else(|| panic!("no example for {wanted:?} {unwanted:?}"));
        assert!(wanted.iter().all(|m| matches(m, &value)), "{value}");
        assert!(!unwanted.iter().any(|m| matches(m, &value)), "{value}");
    }
    assert_eq!(example(&[&m(MatchOp::Equal, "a"), &m(MatchOp::Equal, "b")], &[]), None);
}
