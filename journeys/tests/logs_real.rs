//! Log records by two ways into a real Loki, its push API and its OTLP endpoint: the same lines, labels and metadata, as
//! far as Loki's own mapping goes; what differs is named here.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use journeys::{Client, Collector, Server, escaped, needs, wait_for};
use serde_json::{Value, json};

type Pairs = BTreeMap<String, String>;

/// A line as Loki shows it: labels, metadata, text.
type Line = (Pairs, Pairs, String);

#[test]
fn both_ways_show_the_same() {
    if !needs("logs_real", &["loki"]) {
        return;
    }
    let loki = Server::loki();
    let collector = Collector::start(&config(loki.url()));
    let now = now();
    for way in ["push", "otlp", "json"] {
        let otlp = Client::new(&collector.listener(&format!("receiver/otlp/{way}")));
        otlp.post("/v1/logs", &[], &records(way, now)).unwrap().ok().unwrap();
    }
    let client = loki.client();
    let [pushed, by_otlp, by_json] = ["push", "otlp", "json"]
        .map(|way| wait_for(&format!("the lines by {way}"), 60, || lines(&client, way, now)));
    assert_eq!(by_otlp, by_json, "the form of the request changes nothing");
    let texts = |lines: &[Line]| lines.iter().map(|l| l.2.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&pushed), ["plain", "{\"a\":[1,\"two\"]}", "late"]);
    assert_eq!(texts(&by_otlp), texts(&pushed));
    for (pushed, by_otlp) in pushed.iter().zip(&by_otlp) {
        let (mut labels, mut metadata) = (by_otlp.0.clone(), by_otlp.1.clone());
        // Loki's OTLP makes a label of service.instance.id; pushed, it is metadata, since it has no bound.
        metadata.extend(labels.remove_entry("service_instance_id"));
        assert_eq!(pushed.0, labels);
        // Loki's OTLP keeps the time of observation of a record; pushed, it is left out.
        metadata.remove("observed_timestamp");
        assert_eq!(pushed.1, metadata);
    }
    let metadata = &pushed[0].1;
    for (name, value) in [
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("span_id", "b7ad6b7169203331"),
        ("severity_text", "INFO"),
        ("http_route", "/cart"),
        ("host_name", "h1"),
        ("scope_name", "lib"),
    ] {
        assert_eq!(metadata.get(name).map(String::as_str), Some(value), "{name} in {metadata:?}");
    }
}

fn config(loki: &str) -> String {
    let receiver =
        |way: &str| format!("  otlp/{way}: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}\n");
    format!(
        "receivers:\n{}{}{}exporters:\n  loki: {{endpoint: '{loki}/loki/api/v1/push', shards: 2}}\n  \
         otlp_http/proto: {{endpoint: '{loki}/otlp', compression: gzip}}\n  \
         otlp_http/json: {{logs_endpoint: '{loki}/otlp/v1/logs', encoding: json}}\nservice:\n  pipelines:\n    \
         logs/push: {{receivers: [otlp/push], exporters: [loki]}}\n    \
         logs/otlp: {{receivers: [otlp/otlp], exporters: [otlp_http/proto]}}\n    \
         logs/json: {{receivers: [otlp/json], exporters: [otlp_http/json]}}\n",
        receiver("push"),
        receiver("otlp"),
        receiver("json"),
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

/// Three records of one resource, which is told apart by its name alone.
fn records(way: &str, now: u64) -> Value {
    let record = |after: u64, body: Value| {
        json!({"timeUnixNano": (now + after).to_string(), "severityNumber": 9, "severityText": "INFO",
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "body": body,
            "attributes": [text("http.route", "/cart"), {"key": "n", "value": {"intValue": "7"}}]})
    };
    let nested = json!({"kvlistValue": {"values": [{"key": "a", "value": {"arrayValue": {"values": [
        {"intValue": "1"}, {"stringValue": "two"}]}}}]}});
    json!({"resourceLogs": [{"resource": {"attributes": [
        text("service.name", &format!("cart-{way}")), text("service.namespace", "shop"),
        text("deployment.environment.name", "test"), text("service.instance.id", "a1"), text("host.name", "h1")]},
        "scopeLogs": [{"scope": {"name": "lib", "version": "2"}, "logRecords": [
            record(0, json!({"stringValue": "plain"})),
            record(1, nested),
            record(2, json!({"stringValue": "late"}))]}]}]})
}

/// The three lines of one way, oldest first, without what tells the ways apart.
fn lines(loki: &Client, way: &str, now: u64) -> Result<Vec<Line>, String> {
    let (start, end) = (now - 60_000_000_000, now + 60_000_000_000);
    let query = escaped(&format!("{{service_name=\"cart-{way}\"}}"));
    let path = format!(
        "/loki/api/v1/query_range?limit=100&direction=forward&start={start}&end={end}&query={query}"
    );
    let apart = [("x-loki-response-encoding-flags", "categorize-labels")];
    let reply = loki.get_with(&path, &apart)?.ok()?;
    let streams = reply["data"]["result"].as_array().ok_or_else(|| reply.to_string())?;
    let mut lines: Vec<(String, Line)> = Vec::new();
    for stream in streams {
        let mut labels = pairs(&stream["stream"]);
        labels.remove("service_name");
        for value in stream["values"].as_array().into_iter().flatten() {
            let mut metadata = pairs(&value[2]["structuredMetadata"]);
            // Loki's own guess, made from severity_text.
            metadata.remove("detected_level");
            let text = value[1].as_str().unwrap_or_default().to_owned();
            let time = value[0].as_str().unwrap_or_default().to_owned();
            lines.push((time, (labels.clone(), metadata, text)));
        }
    }
    lines.sort();
    if lines.len() == 3 {
        return Ok(lines.into_iter().map(|(_, line)| line).collect());
    }
    Err(reply.to_string())
}

fn pairs(object: &Value) -> Pairs {
    let entries = object.as_object().into_iter().flatten();
    entries.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect()
}
