//! Metrics by three ways into real Prometheus servers: remote-write 2.0, 1.0 where a server takes no other, and scraping.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::time::{SystemTime, UNIX_EPOCH};

use journeys::{Client, Collector, Server, escaped, needs, wait_for};
use serde_json::{Value, json};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const FEATURES: &str = "--enable-feature=exemplar-storage,native-histograms,type-and-unit-labels,created-timestamp-zero-ingestion";

#[test]
fn three_ways_lead_to_the_same_series() {
    if !needs("metrics_real", &["prometheus"]) {
        return;
    }
    let second = Server::prometheus("global: {}\n", &[FEATURES]);
    let only_first =
        "--web.remote-write-receiver.accepted-protobuf-messages=prometheus.WriteRequest";
    let first = Server::prometheus("global: {}\n", &[FEATURES, only_first]);
    let collector = Collector::start(&config(&second, &first));
    let shown = collector.listener("exporter/prometheus");
    let target = shown.trim_start_matches("http://");
    let scraping = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: perch, honor_labels: true, static_configs: [{{targets: [\"{target}\"]}}]}}]\n"
    );
    let scraper = Server::prometheus(&scraping, &["--enable-feature=exemplar-storage"]);

    let (now, otlp) = (now(), Client::new(&collector.listener("receiver/otlp")));
    for (seconds_ago, round) in [(2, 1), (1, 2), (0, 3)] {
        let body = json!({"resourceMetrics": [{"resource": {"attributes": [
            text("service.name", "cart"), text("service.instance.id", "a1")]},
            "scopeMetrics": [{"metrics": metrics(now, now - seconds_ago * 1_000_000_000, round)}]}]});
        otlp.post("/v1/metrics", &[], &body).unwrap().ok().unwrap();
    }
    for server in [&second, &first] {
        let client = server.client();
        holds(&client, "orders_total{job='cart',instance='a1'}", "15");
        holds(&client, "histogram_count(size_bytes)", "12");
        holds(&client, "histogram_sum(size_bytes)", "90");
        holds(&client, "wait_seconds_bucket{le='1'}", "9");
        wait_for("an exemplar", 30, || exemplar(&client, "orders_total", now));
    }
    // What only 2.0 has: what a family is, and since when it counts (shown as a sample of nought at that time).
    let client = second.client();
    holds(&client, "orders_total{__type__='counter'}", "15");
    holds(&client, "histogram_count(size_bytes{__type__='histogram',__unit__='By'})", "12");
    let before_the_first = now / 1_000_000_000 - 6;
    holds(&client, &format!("orders_total @ {before_the_first}"), "0");
    let client = scraper.client();
    holds(&client, "up{job='perch'}", "1");
    holds(&client, "orders_total{job='cart',instance='a1'}", "15");
    holds(&client, "wait_seconds_bucket{le='1.0'}", "9");
    holds(&client, "size_bytes_count", "12");
    wait_for("an exemplar by scraping", 30, || exemplar(&client, "orders_total", now));
    let metadata = client.get("/api/v1/metadata?metric=wait_seconds").unwrap().ok().unwrap();
    let about = &metadata["data"]["wait_seconds"][0];
    assert_eq!(
        (&about["type"], &about["unit"]),
        (&json!("histogram"), &json!("seconds")),
        "{metadata}"
    );
    nothing_lost(&collector.api());
}

fn config(second: &Server, first: &Server) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}\n\
         exporters:\n  \
           prometheusremotewrite/second: {{endpoint: '{}/api/v1/write', version: '2.0', shards: 2}}\n  \
           prometheusremotewrite/first: {{endpoint: '{}/api/v1/write'}}\n  \
           prometheus: {{endpoint: '127.0.0.1:0'}}\n\
         service:\n  pipelines:\n    \
           metrics: {{receivers: [otlp], exporters: [prometheusremotewrite/second, prometheusremotewrite/first, prometheus]}}\n",
        second.url(),
        first.url(),
    )
}

fn now() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "real servers look at the real clock")]
    let now = SystemTime::now();
    u64::try_from(now.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A counter, a classic and a native histogram; `round` counts them up.
fn metrics(now: u64, time: u64, round: u64) -> Value {
    let (time, start) = (time.to_string(), (now - 10_000_000_000).to_string());
    let exemplars = json!([{"timeUnixNano": time, "asDouble": 0.3, "traceId": TRACE_ID, "spanId": "b7ad6b7169203331"}]);
    json!([
        {"name": "orders", "unit": "{order}", "description": "Orders placed.", "sum": {
            "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [
            {"startTimeUnixNano": start, "timeUnixNano": time, "asInt": 5 * round, "exemplars": exemplars}]}},
        {"name": "wait", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {"startTimeUnixNano": start, "timeUnixNano": time, "count": 6 * round, "sum": 3 * round,
             "explicitBounds": [0.1, 1], "bucketCounts": [round, 2 * round, 3 * round]}]}},
        {"name": "size", "unit": "By", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
            {"startTimeUnixNano": start, "timeUnixNano": time, "count": 4 * round, "sum": 30 * round, "scale": 3,
             "positive": {"offset": 10, "bucketCounts": [round, 0, 0, 0, 0, round, 2 * round]}}]}},
    ])
}

fn holds(prometheus: &Client, query: &str, want: &str) {
    wait_for(query, 30, || {
        let reply = prometheus.get(&format!("/api/v1/query?query={}", escaped(query)))?.ok()?;
        let value = reply["data"]["result"][0]["value"][1].as_str();
        if value == Some(want) { Ok(()) } else { Err(reply.to_string()) }
    });
}

fn exemplar(prometheus: &Client, series: &str, now: u64) -> Result<(), String> {
    let (start, end) = (now / 1_000_000_000 - 60, now / 1_000_000_000 + 60);
    let path = format!("/api/v1/query_exemplars?query={series}&start={start}&end={end}");
    let reply = prometheus.get(&path)?.ok()?;
    if reply["data"][0]["exemplars"][0]["labels"]["trace_id"] == TRACE_ID {
        return Ok(());
    }
    Err(reply.to_string())
}

/// Every edge balances, and nothing was dropped on the way.
fn nothing_lost(perch: &Client) {
    wait_for("a ledger at rest", 30, || {
        let ledger = perch.get("/api/ledger")?.ok()?;
        let edges = ledger["edges"].as_array().ok_or_else(|| ledger.to_string())?;
        let sound = edges.iter().all(|e| e["in"] == e["delivered"] && e["in"] == 9);
        if sound && edges.len() == 4 { Ok(()) } else { Err(ledger.to_string()) }
    });
}
