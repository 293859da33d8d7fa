//! The SLO tracker inside `perch collect`: what is sent counts once, is shown, and outlives a kill.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;
use std::process::Output;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use rustix::process::Signal;
use serde_json::Value;
use support::{Perch, call, get, perch, wait_for};

const OBJECTIVES: &str = r#"version: prometheus/v1
service: shop
slos:
  - name: pay
    objective: 90
    sli:
      plugin: {id: perch.dev/spans/v1, options: {service: shop, kind: server, groupBy: region}}
    alerting: {name: ShopPay}
  - name: orders
    objective: 99
    sli:
      events:
        error_query: sum(rate(shop_orders_total{outcome="failed"}[{{.window}}]))
        total_query: sum(rate(shop_orders_total[{{.window}}]))
    alerting: {name: ShopOrders}
  - name: freshness
    objective: 99
    sli: {raw: {error_ratio_query: 'avg_over_time((age_seconds > bool 60)[{{.window}}:1m])'}}
    alerting: {name: ShopStale}
"#;

fn start(dir: &Path) -> Perch {
    std::fs::write(dir.join("objectives.yaml"), OBJECTIVES).unwrap();
    let yaml = format!(
        "receivers: {{ otlp: {{ protocols: {{ http: {{ endpoint: \"127.0.0.1:0\" }} }} }} }}\n\
         processors: {{ slo_tracker: {{ objectives: [\"{0}/obj*.yaml\"] }} }}\n\
         storage: {{ directory: \"{0}/storage\" }}\nservice:\n  pipelines:\n    \
         traces: {{ receivers: [otlp], processors: [slo_tracker] }}\n    \
         metrics: {{ receivers: [otlp], processors: [slo_tracker] }}\n",
        dir.display()
    );
    let file = dir.join("perch.yaml");
    std::fs::write(&file, yaml).unwrap();
    let mut command = perch();
    command.arg("collect").arg("--config").arg(file).args(["--api-listen", "127.0.0.1:0"]);
    Perch::start(&mut command).unwrap_or_else(|(status, said)| panic!("{status}: {said}"))
}

fn pair(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Any::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..Default::default() }
}

fn resource() -> Option<Resource> {
    Some(Resource { attributes: vec![pair("service.name", "shop")], ..Default::default() })
}

fn spans(n_good: usize, n_bad: usize) -> Vec<u8> {
    let one = |n: usize| Span {
        trace_id: vec![9; 16],
        span_id: vec![9; 8],
        name: "pay".into(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 7_000_001,
        status: (n < n_bad).then(|| Status { code: 2, message: "declined".into() }),
        attributes: vec![pair("region", if n < n_bad { "north" } else { "south" })],
        ..Default::default()
    };
    let spans = (0..n_good + n_bad).map(one).collect();
    let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: resource(), scope_spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn orders(time: u64, ok: i64, failed: i64) -> Vec<u8> {
    let point = |outcome: &str, n: i64| NumberDataPoint {
        attributes: vec![pair("outcome", outcome)],
        time_unix_nano: time,
        value: Some(Number::AsInt(n)),
        ..Default::default()
    };
    let data_points = vec![point("ok", ok), point("failed", failed)];
    let sum = Sum {
        data_points,
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
        is_monotonic: true,
    };
    let metric =
        Metric { name: "shop.orders".into(), data: Some(Data::Sum(sum)), ..Default::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..Default::default() }];
    let resource_metrics =
        vec![ResourceMetrics { resource: resource(), scope_metrics, ..Default::default() }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

fn send(perch: &Perch, signal: &str, body: &[u8]) {
    let url = format!("{}/v1/{signal}", perch.text("/otlp/http"));
    let reply = call("POST", &url, &[("Content-Type", "application/x-protobuf")], body).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn asked(perch: &Perch, path: &str) -> Value {
    get(&format!("{}{path}", perch.text("/api"))).unwrap().json()["data"].take()
}

/// The period's events of an objective, once there are as many.
fn counted(perch: &Perch, id: &str, bad: u64, total: u64) -> Value {
    wait_for("all is counted", || {
        let status = asked(perch, &format!("/api/slo/{id}"));
        let period = status["windows"].as_array()?.last()?.clone();
        assert!(period["total"].as_u64()? <= total, "{status}");
        (period["bad"] == bad && period["total"] == total).then_some(status)
    })
}

fn slo(perch: &Perch, args: &[&str]) -> Output {
    let mut command = support::perch();
    command.arg("slo").args(args).args(["--endpoint", &perch.text("/api")]);
    command.output().unwrap()
}

#[test]
fn what_is_sent_counts_once_is_shown_and_outlives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = start(dir.path());
    send(&first, "traces", &spans(8, 2));
    send(&first, "metrics", &orders(1_000, 100, 5));
    send(&first, "metrics", &orders(2_000, 140, 15));
    let status = counted(&first, "shop-pay", 2, 10);
    assert_eq!((&status["state"], &status["counts"]), (&"exhausted".into(), &"spans".into()));
    assert_eq!(status["groups"][0]["values"][0], "north");
    assert_eq!(status["spending"][0]["traces"][0]["trace_id"], "09".repeat(16));
    // What had been counted before it was first seen is nobody's.
    counted(&first, "shop-orders", 10, 50);

    first.end_by(Signal::KILL);
    let second = start(dir.path());
    counted(&second, "shop-pay", 2, 10);
    counted(&second, "shop-orders", 10, 50);
    send(&second, "traces", &spans(5, 0));
    send(&second, "metrics", &orders(2_000, 140, 15));
    send(&second, "metrics", &orders(3_000, 150, 15));
    counted(&second, "shop-pay", 2, 15);
    counted(&second, "shop-orders", 10, 60);

    let metrics = wait_for("metrics tell the news", || {
        let body = get(&format!("{}/metrics", second.text("/api")))?.body;
        body.contains("perch_slo_events_total{slo=\"shop-pay\",verdict=\"good\"} 5\n")
            .then_some(body)
    });
    for line in [
        "perch_slo_events_total{slo=\"shop-pay\",verdict=\"bad\"} 0\n",
        "perch_slo_policy{slo=\"shop-pay\",state=\"exhausted\"} 1\n",
        "perch_slo_overflow_events_total{slo=\"shop-pay\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    for family in ["budget_remaining_ratio", "burn_rate", "state_bytes", "lateness_seconds_count"] {
        assert!(metrics.contains(&format!("\nperch_slo_{family}")), "{family} in {metrics}");
    }
    let list = asked(&second, "/api/slo");
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    let history = asked(&second, "/api/slo/shop-pay/history");
    let total = |b: &Value| b[2].as_u64().unwrap();
    assert_eq!(history["buckets"].as_array().unwrap().iter().map(total).sum::<u64>(), 15);
    assert_eq!(asked(&second, "/api/slo/shop-pay/traces")[0]["error"], "declined");
    let missing = get(&format!("{}/api/slo/shop-nothing", second.text("/api"))).unwrap();
    assert_eq!(missing.status, 404);
}

#[test]
fn the_gate_is_shut_where_a_budget_is_spent_and_where_nobody_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let perch = start(dir.path());
    send(&perch, "traces", &spans(98, 2));
    counted(&perch, "shop-pay", 2, 100);
    let gate = |args: &[&str]| slo(&perch, &[&["gate"], args].concat());
    assert_eq!(gate(&[]).status.code(), Some(0));
    send(&perch, "traces", &spans(0, 50));
    counted(&perch, "shop-pay", 52, 150);
    assert_eq!(gate(&[]).status.code(), Some(3));
    assert_eq!(gate(&["shop-pay"]).status.code(), Some(3));
    assert_eq!(gate(&["shop-orders"]).status.code(), Some(0));
    assert_eq!(gate(&["shop-nothing"]).status.code(), Some(4));
    let nobody = support::perch()
        .args(["slo", "gate", "--endpoint", "http://127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("--endpoint"), "{nobody:?}");

    let status = slo(&perch, &["status", "shop-pay"]);
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.contains("page-quick") && text.contains("firing"), "{text}");
    let file = dir.path().join("objectives.yaml");
    let diff = slo(&perch, &["diff", file.to_str().unwrap(), "--json"]);
    let diff: Value =
        serde_json::from_slice(&diff.stdout).unwrap_or_else(|e| panic!("{e}: {diff:?}"));
    assert_eq!(diff["objectives"][0]["tracked"], true, "{diff}");
    assert_eq!(diff["objectives"][2]["tracked"], false, "{diff}");
}

#[test]
fn check_names_the_place_of_a_faulty_objective() {
    let dir = tempfile::tempdir().unwrap();
    drop(start(dir.path()));
    let file = dir.path().join("objectives.yaml");
    std::fs::write(&file, OBJECTIVES.replace("objective: 90", "objective: 900")).unwrap();
    let output = perch().arg("check").arg(dir.path().join("perch.yaml")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("objectives.yaml:5:") && said.contains("slo_tracker"), "{said}");
    std::fs::remove_file(&file).unwrap();
    let output = perch().arg("check").arg(dir.path().join("perch.yaml")).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("no file is called"), "{output:?}");
}
