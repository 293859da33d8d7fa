//! What the exporters send is what the real servers show: every kind of metric in Prometheus, records with
//! their metadata in Loki, and exemplars that lead from one to the other.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::time::{SystemTime, UNIX_EPOCH};

use journeys::{Client, Stack, StackOptions, escaped, needs, wait_for};
use serde_json::{Value, json};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";

#[test]
fn prometheus_and_loki_show_what_was_sent() {
    if !needs("nodes_real", &["prometheus", "alertmanager", "jaeger", "loki"]) {
        return;
    }
    let mut stack = Stack::start(&StackOptions { with_backends: true, ..StackOptions::default() });
    let now = now();
    for (seconds_ago, round) in [(2, 1), (1, 2), (0, 3)] {
        let time = now - seconds_ago * 1_000_000_000;
        let body = json!({"resourceMetrics": [{"resource": resource(), "scopeMetrics": [
            {"metrics": metrics(time, round)}]}]});
        stack.otlp().post("/v1/metrics", &[], &body).unwrap().ok().unwrap();
    }
    let body = json!({"resourceLogs": [{"resource": resource(), "scopeLogs": [
        {"scope": {"name": "lib"}, "logRecords": records(now)}]}]});
    stack.otlp().post("/v1/logs", &[], &body).unwrap().ok().unwrap();

    let prometheus = stack.backend("prometheus");
    for (query, want) in [
        ("orders_total{job='shop/cart',instance='a1'}", "15"),
        ("moved_bytes_total", "300"),
        ("wait_seconds_bucket{le='0.1'}", "3"),
        ("wait_seconds_bucket{le='1'}", "9"),
        ("wait_seconds_bucket{le='+Inf'}", "18"),
        ("wait_seconds_sum", "9"),
        ("histogram_count(size_bytes)", "12"),
        ("histogram_sum(size_bytes)", "90"),
        // Indices 10 to 16 of scale 3: all of it lies between 2^(10/8) and 2^(17/8).
        ("histogram_fraction(2.378, 4.363, size_bytes) > bool 0.99", "1"),
        ("load_ratio", "0.5"),
        ("rpc{quantile='0.5'}", "2"),
        (
            "orders_total * on (job, instance) group_left (host_name) target_info{host_name='h1'}",
            "15",
        ),
    ] {
        wait_for(query, 30, || {
            let value = promql(&prometheus, query)?;
            if value == want { Ok(()) } else { Err(value) }
        });
    }
    for series in ["orders_total", "wait_seconds_bucket"] {
        wait_for("an exemplar", 30, || exemplar_leads_to_the_trace(&prometheus, series, now));
    }
    wait_for("the lines in Loki", 60, || lines_in_order(&stack.backend("loki"), now));
    wait_for("nothing dropped", 30, || nothing_dropped(&stack.perch()));
    assert_eq!(stack.stop(), 0);
}

fn now() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "real servers look at the real clock")]
    let now = SystemTime::now();
    u64::try_from(now.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn resource() -> Value {
    json!({"attributes": [
        text("service.namespace", "shop"),
        text("service.name", "cart"),
        text("service.instance.id", "a1"),
        text("host.name", "h1"),
    ]})
}

/// One metric of every kind; `round` counts up what is cumulative.
fn metrics(time: u64, round: u64) -> Value {
    let time = time.to_string();
    let exemplars =
        json!([{"timeUnixNano": time, "asDouble": 0.3, "traceId": TRACE_ID, "spanId": SPAN_ID}]);
    json!([
        {"name": "orders", "unit": "{order}", "sum": {"aggregationTemporality": 2, "isMonotonic": true,
            "dataPoints": [{"timeUnixNano": time, "asInt": 5 * round, "exemplars": exemplars}]}},
        {"name": "moved", "unit": "By", "sum": {"aggregationTemporality": 1, "isMonotonic": true,
            "dataPoints": [{"timeUnixNano": time, "asInt": 100}]}},
        {"name": "wait", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": time, "count": 6 * round, "sum": 3 * round, "explicitBounds": [0.1, 1],
             "bucketCounts": [round, 2 * round, 3 * round], "exemplars": exemplars}]}},
        {"name": "size", "unit": "By", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": time, "count": 4 * round, "sum": 30 * round, "scale": 3,
             "positive": {"offset": 10, "bucketCounts": [round, 0, 0, 0, 0, round, 2 * round]}}]}},
        {"name": "load", "unit": "1", "gauge": {"dataPoints": [{"timeUnixNano": time, "asDouble": 0.5}]}},
        {"name": "rpc", "summary": {"dataPoints": [{"timeUnixNano": time, "count": 2, "sum": 4,
            "quantileValues": [{"quantile": 0.5, "value": 2}]}]}},
    ])
}

/// Twenty lines of one trace, then one that is longer than Loki takes and one that says more than it takes.
fn records(now: u64) -> Value {
    let mut records: Vec<Value> = (0..20)
        .map(|i| {
            json!({"timeUnixNano": (now + i).to_string(), "severityNumber": 9, "traceId": TRACE_ID, "spanId": SPAN_ID,
                "body": {"stringValue": format!("line {i:02}")}, "attributes": [text("http.route", "/cart")]})
        })
        .collect();
    let attributes: Vec<Value> = (0..300).map(|i| text(&format!("k{i}"), "v")).collect();
    records.push(json!({"timeUnixNano": (now + 50).to_string(), "body": {"stringValue": "x".repeat(400_000)}}));
    records.push(json!({"timeUnixNano": (now + 51).to_string(), "body": {"stringValue": "many"},
        "attributes": attributes}));
    Value::Array(records)
}

fn promql(prometheus: &Client, query: &str) -> Result<String, String> {
    let reply = prometheus.get(&format!("/api/v1/query?query={}", escaped(query)))?.ok()?;
    let value = &reply["data"]["result"][0]["value"][1];
    value.as_str().map(str::to_owned).ok_or_else(|| reply.to_string())
}

fn exemplar_leads_to_the_trace(prometheus: &Client, series: &str, now: u64) -> Result<(), String> {
    let (start, end) = (now / 1_000_000_000 - 60, now / 1_000_000_000 + 60);
    let path = format!("/api/v1/query_exemplars?query={series}&start={start}&end={end}");
    let reply = prometheus.get(&path)?.ok()?;
    let labels = &reply["data"][0]["exemplars"][0]["labels"];
    if labels["trace_id"] == TRACE_ID && labels["span_id"] == SPAN_ID {
        return Ok(());
    }
    Err(reply.to_string())
}

fn lines_in_order(loki: &Client, now: u64) -> Result<(), String> {
    let of_trace = format!(
        r#"{{service_name="cart",service_namespace="shop"}} | trace_id="{TRACE_ID}" | severity_text="INFO" | http_route="/cart" | host_name="h1" | scope_name="lib""#
    );
    let want: Vec<String> = (0..20).map(|i| format!("line {i:02}")).collect();
    let found = loki_lines(loki, &of_trace, now)?;
    if found != want {
        return Err(format!("{found:?}"));
    }
    let cut = loki_lines(loki, r#"{service_name="cart"} |= "bytes cut]""#, now)?;
    let many = loki_lines(loki, r#"{service_name="cart"} | perch_left_out!="""#, now)?;
    if cut.len() == 1 && many == ["many"] {
        Ok(())
    } else {
        Err(format!("{} cut, {many:?}", cut.len()))
    }
}

/// Lines that a query finds, oldest first.
fn loki_lines(loki: &Client, query: &str, now: u64) -> Result<Vec<String>, String> {
    let (start, end) = (now - 60_000_000_000, now + 60_000_000_000);
    let query = escaped(query);
    let path = format!(
        "/loki/api/v1/query_range?limit=1000&direction=forward&start={start}&end={end}&query={query}"
    );
    let reply = loki.get(&path)?.ok()?;
    let streams = reply["data"]["result"].as_array().ok_or_else(|| reply.to_string())?;
    let mut lines: Vec<(String, String)> = streams
        .iter()
        .flat_map(|s| s["values"].as_array().into_iter().flatten())
        .filter_map(|v| Some((v[0].as_str()?.to_owned(), v[1].as_str()?.to_owned())))
        .collect();
    lines.sort();
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn nothing_dropped(perch: &Client) -> Result<(), String> {
    let ledger = perch.get("/api/ledger")?.ok()?;
    let edges = ledger["edges"].as_array().ok_or_else(|| ledger.to_string())?;
    let dropped = |edge: &&Value| edge["dropped"].as_object().is_some_and(|d| !d.is_empty());
    match edges.iter().find(dropped) {
        Some(edge) => Err(edge.to_string()),
        None => Ok(()),
    }
}
