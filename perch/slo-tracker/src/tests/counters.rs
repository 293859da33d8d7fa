//! Counters, by the names and labels they have in Prometheus.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use collector_otlp::Signal;
use durable_fs::ManualClock;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use proptest::prelude::*;
use prost::Message;

use super::build::{SECOND, THEN, attribute, objectives, of_queries, service, text};
use crate::{Limits, Policy, Status, Tracked, View};

const CUMULATIVE: AggregationTemporality = AggregationTemporality::Cumulative;
const DELTA: AggregationTemporality = AggregationTemporality::Delta;

fn request(metrics: Vec<Metric>) -> Vec<u8> {
    let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
    let resource_metrics =
        vec![ResourceMetrics { resource: service("shop"), scope_metrics, ..Default::default() }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

/// A sum with a point per value of the label `code`.
fn sum(name: &str, at: u64, temporality: AggregationTemporality, points: &[(&str, i64)]) -> Metric {
    let point = |(code, n): &(&str, i64)| NumberDataPoint {
        attributes: vec![attribute("http.status", text(code))],
        start_time_unix_nano: THEN * SECOND,
        time_unix_nano: (THEN + at) * SECOND,
        value: Some(Value::AsInt(*n)),
        ..Default::default()
    };
    let sum = Sum {
        data_points: points.iter().map(point).collect(),
        aggregation_temporality: temporality.into(),
        is_monotonic: true,
    };
    Metric { name: name.into(), data: Some(Data::Sum(sum)), ..Default::default() }
}

fn histogram(at: u64, counts: &[u64], exemplars: &[(f64, u8)]) -> Metric {
    let exemplar = |(value, trace): &(f64, u8)| Exemplar {
        trace_id: vec![*trace; 16],
        value: Some(opentelemetry_proto::tonic::metrics::v1::exemplar::Value::AsDouble(*value)),
        ..Default::default()
    };
    let point = HistogramDataPoint {
        start_time_unix_nano: THEN * SECOND,
        time_unix_nano: (THEN + at) * SECOND,
        count: counts.iter().sum(),
        bucket_counts: counts.to_vec(),
        explicit_bounds: vec![0.1, 0.25, 10.0],
        exemplars: exemplars.iter().map(exemplar).collect(),
        ..Default::default()
    };
    let data_points = vec![point];
    let histogram = Histogram { data_points, aggregation_temporality: CUMULATIVE.into() };
    let data = Some(Data::Histogram(histogram));
    Metric { name: "request.duration".into(), unit: "s".into(), data, ..Default::default() }
}

fn status_of(text: &str, requests: &[Vec<Metric>]) -> Status {
    let objectives = objectives(text, 10, Limits::default());
    let mut tracked = Tracked::new(Arc::clone(&objectives));
    // Whoever listened before a counter began has all of it.
    tracked.observe_payload(Signal::Metrics, &request(Vec::new()), (THEN - 1) * SECOND);
    for (n, metrics) in requests.iter().enumerate() {
        let received_at = (THEN + n as u64) * SECOND;
        tracked.observe_payload(Signal::Metrics, &request(metrics.clone()), received_at);
    }
    let clock = Arc::new(ManualClock::at(Duration::from_secs(THEN + 60)));
    let view = View::new(objectives, Policy::default(), clock);
    view.join("metrics", Arc::new(Mutex::new(tracked)));
    view.all().remove(0)
}

fn counted(status: &Status) -> (u64, u64) {
    let period = status.windows.last().unwrap();
    (period.bad, period.total)
}

#[test]
fn sums_count_under_the_names_that_prometheus_has_them_by() {
    let bad = r#"sum(rate(shop_requests_total{http_status=~"5..",job="shop"}[{{.window}}]))"#;
    let good = r#"sum(rate(shop_requests_total{http_status!~"5.."}[{{.window}}]))"#;
    let all = "sum(increase(shop_requests_total[{{.window}}]))".replace("increase", "rate");
    let requests = [
        vec![
            sum("shop.requests", 1, CUMULATIVE, &[("200", 10), ("503", 1)]),
            sum("other", 1, CUMULATIVE, &[("503", 9)]),
        ],
        vec![sum("shop.requests", 2, CUMULATIVE, &[("200", 25), ("503", 4)])],
        // It began anew.
        vec![sum("shop.requests", 3, CUMULATIVE, &[("200", 2), ("503", 4)])],
    ];
    let by_bad = status_of(&of_queries("error", bad, &all), &requests);
    assert_eq!(counted(&by_bad), (4, 31));
    let causes: Vec<_> =
        by_bad.spending.iter().map(|c| (&*c.operation, &*c.error, c.bad)).collect();
    assert_eq!(causes, [("shop: shop_requests_total", "http_status=503, job=shop", 4)]);
    let deltas = [
        vec![sum("shop.requests", 1, DELTA, &[("200", 10), ("503", 1)])],
        vec![sum("shop.requests", 1, DELTA, &[("200", 10), ("503", 1)])],
        vec![sum("shop.requests", 2, DELTA, &[("200", 15), ("503", 3)])],
    ];
    assert_eq!(counted(&status_of(&of_queries("error", bad, &all), &deltas)), (4, 29));
    let indicator = good;
    let openslo = format!(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: pay}}\nspec:\n  service: shop\n  budgetingMethod: Occurrences\n  \
         timeWindow: [{{duration: 30d, isRolling: true}}]\n  indicator:\n    metadata: {{name: pay}}\n    spec:\n      ratioMetric:\n        \
         counter: true\n        good: {{metricSource: {{type: Prometheus, spec: {{query: '{indicator}'}}}}}}\n        \
         total: {{metricSource: {{type: Prometheus, spec: {{query: '{all}'}}}}}}\n  objectives: [{{target: 0.99}}]\n"
    );
    assert_eq!(counted(&status_of(&openslo, &requests)), (4, 31));
}

#[test]
fn buckets_and_counts_of_a_histogram_are_one_indicator() {
    let count = "sum(rate(request_duration_seconds_count[{{.window}}]))";
    let slow = format!(
        "{count} - sum(rate(request_duration_seconds_bucket{{le=~\"0.25|0.250\"}}[{{{{.window}}}}]))"
    );
    let requests = [
        vec![histogram(1, &[4, 3, 2, 1], &[])],
        vec![histogram(2, &[5, 3, 4, 2], &[(0.05, 1), (0.2, 2), (3.0, 3), (60.0, 4)])],
    ];
    let status = status_of(&of_queries("error", &slow, count), &requests);
    assert_eq!(counted(&status), (6, 14));
    let cause = &status.spending[0];
    assert_eq!(
        (&*cause.operation, &*cause.error, cause.bad),
        ("shop: request_duration_seconds_count", "above 0.25", 6)
    );
    let traces: Vec<&str> = cause.traces.iter().map(|t| &t.trace_id[..2]).collect();
    assert_eq!(traces, ["04", "03"]);
}

#[test]
fn two_sides_that_arrive_apart_come_together() {
    let bad = "sum(rate(sent_total[{{.window}}])) - sum(rate(arrived_total[{{.window}}]))";
    let text = of_queries("error", bad, "sum(rate(sent_total[{{.window}}]))");
    let (sent, arrived) = (
        |at, n| sum("sent", at, CUMULATIVE, &[("", n)]),
        |at, n| sum("arrived", at, CUMULATIVE, &[("", n)]),
    );
    let requests = [vec![sent(1, 10)], vec![arrived(1, 8)], vec![sent(2, 20)]];
    assert_eq!(counted(&status_of(&text, &requests)), (12, 20));
    let requests = [requests.as_slice(), &[vec![arrived(2, 19)]]].concat();
    assert_eq!(counted(&status_of(&text, &requests)), (1, 20));
}

#[test]
fn groups_follow_the_labels_of_the_query() {
    let by = |metric: &str| format!("sum by (http_status) (rate({metric}[{{{{.window}}}}]))");
    let text = of_queries("error", &by("failed_total"), &by("asked_total"));
    let requests = [vec![
        sum("asked", 1, CUMULATIVE, &[("a", 10), ("b", 20)]),
        sum("failed", 1, CUMULATIVE, &[("b", 3)]),
    ]];
    let status = status_of(&text, &requests);
    let groups: Vec<_> =
        status.groups.iter().map(|g| (g.values.join(","), g.bad, g.total)).collect();
    assert_eq!(groups, [("b".to_owned(), 3, 20), ("a".to_owned(), 0, 10)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Events of counters that grow, begin anew, are sent twice or late, through restarts of the tracker: the sum of what
    /// was counted is what happened.
    #[test]
    fn counters_count_every_event_once(
        steps in prop::collection::vec((0..20_i64, 0..5_i64, 0..10_u8), 1..60),
        temporality in prop::sample::select(vec![CUMULATIVE, DELTA]),
    ) {
        let bad = r#"sum(rate(shop_requests_total{http_status="bad"}[{{.window}}]))"#;
        let all = "sum(rate(shop_requests_total[{{.window}}]))";
        let objectives = objectives(&of_queries("error", bad, all), 10, Limits::default());
        let mut tracked = Tracked::new(Arc::clone(&objectives));
        tracked.observe_payload(Signal::Metrics, &request(Vec::new()), (THEN - 1) * SECOND);
        let (mut now, mut happened) = ((0, 0), (0, 0));
        let mut last: Option<Vec<u8>> = None;
        for (n, (good, failed, event)) in steps.into_iter().enumerate() {
            let at = n as u64 + 1;
            if event == 0 {
                now = (0, 0);
            }
            // A reset shows only by a value that is lower than the last.
            let (good, failed) = if event == 0 { (0, 0) } else { (good, failed) };
            happened = (happened.0 + good, happened.1 + failed);
            now = (now.0 + good, now.1 + failed);
            let shown = if temporality == DELTA { (good, failed) } else { now };
            let metric = sum("shop.requests", at, temporality, &[("good", shown.0), ("bad", shown.1)]);
            let payload = request(vec![metric]);
            tracked.observe_payload(Signal::Metrics, &payload, (THEN + at) * SECOND);
            if event == 1 {
                tracked = Tracked::decode(Arc::clone(&objectives), &tracked.encode()).unwrap();
            }
            if let Some(last) = last.filter(|_| event == 2) {
                tracked.observe_payload(Signal::Metrics, &last, (THEN + at) * SECOND);
                tracked.observe_payload(Signal::Metrics, &payload, (THEN + at) * SECOND);
            }
            last = Some(payload);
        }
        let clock = Arc::new(ManualClock::at(Duration::from_secs(THEN + 60)));
        let view = View::new(objectives, Policy::default(), clock);
        view.join("metrics", Arc::new(Mutex::new(tracked)));
        let (bad, total) = counted(&view.all()[0]);
        prop_assert_eq!((bad.cast_signed(), total.cast_signed()), (happened.1, happened.0 + happened.1));
    }
}
