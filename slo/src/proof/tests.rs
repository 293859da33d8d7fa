//! Series are made up so that the queries count what they should.

use crate::compile::compile;
use crate::plan::{Counting, Options, Profile};
use crate::spec::Source;

use super::synthesise;

fn synthesised(sli: &str) -> Vec<(String, f64, f64)> {
    let text = format!(
        "version: prometheus/v1\nservice: shop\nslos:\n- name: requests\n  objective: 99\n  sli: {{events: {sli}}}\n  alerting: {{name: Shop}}\n"
    );
    let options = Options::new(Profile::Exact, "events_total");
    let compiled = compile(&[Source { name: "f", text: &text }], &options);
    let Counting::Events(events) = &compiled.plans[0].counting else {
        panic!("{:?}", compiled.plans[0].counting)
    };
    let series = synthesise(events).unwrap();
    series
        .into_iter()
        .map(|s| {
            let labels: Vec<String> = s.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            (format!("{}{{{}}}", s.metric, labels.join(",")), s.per_good, s.per_bad)
        })
        .collect()
}

#[test]
fn one_metric_told_apart_by_a_label() {
    let series = synthesised(
        "{error_query: 'sum by (job) (rate(r{code=~\"5..|429\"}[{{.window}}]))', total_query: 'sum by (job) (rate(r[{{.window}}]))'}",
    );
    assert_eq!(
        series,
        [("r{job=a}".to_owned(), 1.0, 0.0), ("r{code=500,job=a}".to_owned(), 0.0, 1.0)]
    );
}

#[test]
fn a_histogram_where_good_is_a_bucket() {
    let series = synthesised(
        "{error_query: 'sum(rate(d_count[{{.window}}])) - sum(rate(d_bucket{le=\"0.5\"}[{{.window}}]))', total_query: 'sum(rate(d_count[{{.window}}]))'}",
    );
    assert_eq!(
        series,
        [("d_bucket{le=0.5}".to_owned(), 1.0, 0.0), ("d_count{}".to_owned(), 1.0, 1.0)]
    );
}

#[test]
fn two_metrics_that_are_added() {
    let series = synthesised(
        "{error_query: 'sum(rate(failed[{{.window}}]))', total_query: 'sum(rate(sent[{{.window}}])) + sum(rate(failed[{{.window}}]))'}",
    );
    assert_eq!(series, [("failed{}".to_owned(), 0.0, 1.0), ("sent{}".to_owned(), 1.0, 0.0)]);
}
