//! One compress on the real thing: Prometheus, Jaeger, Loki and the local store agree about it.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeSet;

use journeys::{Client, Stack, StackOptions, needs, sample_tree, wait_for};
use serde_json::{Value, json};

/// The trace that the test starts, as a browser would.
const TRACE_ID: &str = "7b1d3f5a9c0e42468ace13579bdf0246";
const PARENT_ID: &str = "00f067aa0ba902b7";

/// Names that one compress must leave in its trace.
const SPANS: [&str; 6] = [
    "POST /api/pellets/compress",
    "pellet.compress",
    "pellet.walk",
    "pellet.pack",
    "pellet.seal",
    "pellet.record",
];

#[test]
fn prometheus_jaeger_loki_and_the_local_store_agree() {
    if !needs("one_operation", &["prometheus", "alertmanager", "jaeger", "loki"]) {
        return;
    }
    let tree = tempfile::tempdir().unwrap();
    sample_tree(tree.path(), 40);
    let mut stack = Stack::start(&StackOptions {
        roots: vec![tree.path().to_owned()],
        with_backends: true,
        ..StackOptions::default()
    });
    compress(&stack.engine(), tree.path());

    let local = wait_for("the whole trace in the local store", 30, || whole_trace(&stack.perch()));
    let remote = wait_for("the same trace in Jaeger", 30, || {
        let spans = whole_trace(&stack.backend("jaeger"))?;
        if spans == local { Ok(spans) } else { Err(format!("{spans:?} is not {local:?}")) }
    });
    assert_eq!(remote, local);

    let lines = wait_for("log lines in the local store", 30, || local_lines(&stack.perch()));
    wait_for("the same log lines in Loki", 60, || {
        let found = loki_lines(&stack.backend("loki"))?;
        if found == lines { Ok(()) } else { Err(format!("{found:?} is not {lines:?}")) }
    });

    wait_for("the counter in Prometheus", 60, || {
        let value = promql(
            &stack.backend("prometheus"),
            "sum(nestr_pellet_compress_total{outcome=\"success\"})",
        )?;
        if value == "1" { Ok(()) } else { Err(value) }
    });
    assert!(
        metrics_of_the_engine(&stack)
            .contains("nestr_pellet_compress_total{outcome=\"success\"} 1")
    );
    alerts_are_watched(&stack);
    wait_for("a balanced ledger", 30, || balanced(&stack.perch()));
    assert_eq!(stack.stop(), 0);
}

fn compress(engine: &Client, tree: &std::path::Path) {
    let traceparent = format!("00-{TRACE_ID}-{PARENT_ID}-01");
    let body = json!({"path": tree, "name": "sample"});
    let accepted =
        engine.post("/api/pellets/compress", &[("traceparent", &traceparent)], &body).unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    assert_eq!(accepted.body["trace_id"], TRACE_ID);
    let id = accepted.body["id"].as_str().unwrap().to_owned();
    let done = wait_for("the operation to end", 60, || {
        let operation = engine.get(&format!("/api/operations/{id}"))?.ok()?;
        if operation["state"] == "running" { Err(operation.to_string()) } else { Ok(operation) }
    });
    assert_eq!(done["state"], "succeeded", "{done}");
}

/// The span ids and names of the trace, once every expected span is there. Both sides speak Jaeger.
fn whole_trace(jaeger: &Client) -> Result<BTreeSet<(String, String)>, String> {
    let reply = jaeger.get(&format!("/api/traces/{TRACE_ID}"))?.ok()?;
    let spans = reply["data"][0]["spans"].as_array().ok_or_else(|| reply.to_string())?;
    let found: BTreeSet<(String, String)> = spans
        .iter()
        .map(|s| {
            (
                s["spanID"].as_str().unwrap().to_owned(),
                s["operationName"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let names: BTreeSet<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
    match SPANS.iter().find(|name| !names.contains(**name)) {
        None => Ok(found),
        Some(absent) => Err(format!("no span `{absent}` in {names:?}")),
    }
}

fn local_lines(perch: &Client) -> Result<BTreeSet<String>, String> {
    let reply = perch.get(&format!("/api/logs?trace_id={TRACE_ID}"))?.ok()?;
    let records = reply["data"].as_array().ok_or_else(|| reply.to_string())?;
    let lines: BTreeSet<String> =
        records.iter().filter_map(|r| Some(r["body"].as_str()?.to_owned())).collect();
    let complete = lines.iter().any(|l| l.contains("pellet recorded") || l.contains("compressed"));
    if complete { Ok(lines) } else { Err(reply.to_string()) }
}

fn loki_lines(loki: &Client) -> Result<BTreeSet<String>, String> {
    let query = format!(
        "/loki/api/v1/query_range?limit=1000&query=%7Bservice_name%3D%22nestr%22%7D%20%7C%20trace_id%3D%22{TRACE_ID}%22"
    );
    let reply = loki.get(&query)?.ok()?;
    let streams = reply["data"]["result"].as_array().ok_or_else(|| reply.to_string())?;
    Ok(streams
        .iter()
        .flat_map(|s| s["values"].as_array().into_iter().flatten())
        .filter_map(|value| Some(value[1].as_str()?.to_owned()))
        .collect())
}

fn promql(prometheus: &Client, query: &str) -> Result<String, String> {
    let escaped: String = query
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }
        })
        .collect();
    let reply = prometheus.get(&format!("/api/v1/query?query={escaped}"))?.ok()?;
    let value = &reply["data"]["result"][0]["value"][1];
    value.as_str().map(str::to_owned).ok_or_else(|| reply.to_string())
}

/// The shipped rules are evaluated, and every alert's runbook is served with the alert's name in it.
fn alerts_are_watched(stack: &Stack) {
    let rules = stack.backend("prometheus").get("/api/v1/rules?type=alert").unwrap().ok().unwrap();
    let groups = rules["data"]["groups"].as_array().unwrap();
    let alerts: Vec<&Value> =
        groups.iter().flat_map(|g| g["rules"].as_array().into_iter().flatten()).collect();
    assert!(alerts.len() > 30, "{rules}");
    let perch = stack.ready()["perch"]["url"].as_str().unwrap();
    for alert in alerts {
        let link = alert["annotations"]["runbook_url"].as_str().unwrap();
        let page = stack.perch().get(link.strip_prefix(perch).unwrap()).unwrap();
        let name = alert["name"].as_str().unwrap();
        assert!(page.status == 200 && page.text.contains(name), "{link}: {}", page.text);
    }
    let status = stack.backend("alertmanager").get("/api/v2/status").unwrap().ok().unwrap();
    let config = status["config"]["original"].as_str().unwrap();
    assert!(config.contains("receiver: page") && config.contains("inhibit_rules"), "{config}");
}

fn metrics_of_the_engine(stack: &Stack) -> String {
    let metrics = stack.ready().pointer("/engine_metrics/url").and_then(Value::as_str).unwrap();
    Client::new(metrics.trim_end_matches("/metrics")).get("/metrics").unwrap().text
}

/// On every edge: in = delivered + dropped + queued, and nothing was dropped.
fn balanced(perch: &Client) -> Result<(), String> {
    let ledger = perch.get("/api/ledger")?.ok()?;
    let edges = ledger["edges"].as_array().ok_or_else(|| ledger.to_string())?;
    if edges.is_empty() {
        return Err("no edge".to_owned());
    }
    for edge in edges {
        let dropped: u64 =
            edge["dropped"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
        let sum = edge["delivered"].as_u64().unwrap_or(0)
            + dropped
            + edge["queued"].as_u64().unwrap_or(0);
        if edge["in"].as_u64() != Some(sum) || dropped > 0 {
            return Err(edge.to_string());
        }
    }
    Ok(())
}
