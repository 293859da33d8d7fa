use crate::sink::Sink;
use crate::world::{World, problem};

#[tokio::test]
async fn only_listed_paths_reach_perch_and_no_credentials_do() {
    let sink = Sink::start().await;
    let url = sink.url.clone();
    let world = World::with(|options| options.perch_url = url).await;
    let id = "0af7651916cd43dd8448eb211c80319c";
    let open = [
        ("services", "/api/services"),
        ("traces?service=nestr&limit=5", "/api/traces?service=nestr&limit=5"),
        (&format!("traces/{id}"), &format!("/api/traces/{id}")),
        ("services/nestr%2Fweb/operations", ""),
        ("slo", "/api/slo"),
        ("slo/nestr-rest%20availability", "/api/slo/nestr-rest%20availability"),
        (&format!("logs?trace_id={id}"), &format!("/api/logs?trace_id={id}")),
    ];
    for (asked, want) in open.iter().filter(|(_, want)| !want.is_empty()) {
        let reply = world.get(&format!("/api/perch/{asked}")).await;
        assert_eq!(reply.status(), 200, "{asked}");
        assert_eq!(reply.headers()["content-type"], "application/json");
        assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
        assert_eq!(sink.kept().last().unwrap().target, *want);
    }
    let n_asked = sink.kept().len();
    let closed = [
        "metrics",
        "debug/ledger",
        "traces/..%2f..%2fmetrics",
        "traces/x",
        "%2e%2e/metrics",
        "livez",
    ];
    for asked in closed {
        problem(world.get(&format!("/api/perch/{asked}")).await, 404, "not-found").await;
    }
    let posted = world.post("/api/perch/traces", &serde_json::json!({})).send().await.unwrap();
    problem(posted, 405, "method-not-allowed").await;
    assert_eq!(sink.kept().len(), n_asked);
    for request in sink.kept() {
        assert!(!request.headers.contains_key("authorization"));
        assert!(request.headers.contains_key("traceparent"));
    }
}

#[tokio::test]
async fn an_absent_perch_is_said() {
    let world = World::start().await;
    let problem = problem(world.get("/api/perch/services").await, 503, "perch-absent").await;
    assert!(problem["hint"].as_str().unwrap().contains("perch up"));
}
