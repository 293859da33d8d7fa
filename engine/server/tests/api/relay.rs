use reqwest::Method;
use serde_json::{Value, json};

use crate::sink::Sink;
use crate::world::{World, problem};

const TRACES: &str = "/api/telemetry/v1/traces";

fn spans(service: &str) -> Value {
    let attribute = json!({"key": "service.name", "value": {"stringValue": service}});
    json!({"resourceSpans": [{
        "resource": {"attributes": [attribute]},
        "scopeSpans": [{"spans": [{"name": "ui.compress"}]}],
    }]})
}

async fn with_collector() -> (World, Sink) {
    let sink = Sink::start().await;
    let url = format!("{}/", sink.url);
    (World::with(|options| options.otlp_endpoint = url).await, sink)
}

#[tokio::test]
async fn the_page_can_speak_for_itself_only() {
    let (world, sink) = with_collector().await;
    let sent = world.post(TRACES, &spans("nestr")).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(sent.text().await.unwrap(), "{}");
    let logs = json!({"resourceLogs": [{"scopeLogs": []}]});
    let sent = world.post("/api/telemetry/v1/logs", &logs).send().await.unwrap();
    assert_eq!(sent.status(), 200);

    let kept = sink.kept();
    let targets: Vec<_> = kept.iter().map(|k| k.target.as_str()).collect();
    assert_eq!(targets, ["/v1/traces", "/v1/logs"]);
    for request in &kept {
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(body.contains(r#""stringValue":"nestr-web""#), "{body}");
        assert_eq!(request.headers["content-type"], "application/json");
        assert!(!request.headers.contains_key("authorization"), "the token stays here");
    }
    let body: Value = serde_json::from_slice(&kept[0].body).unwrap();
    assert_eq!(body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"], "ui.compress");
}

#[tokio::test]
async fn what_is_not_telemetry_goes_nowhere() {
    let (world, sink) = with_collector().await;
    let post = |kind: &str, body: Vec<u8>| {
        let request = world.bare(Method::POST, TRACES).bearer_auth(&world.token);
        let request = request.header("content-type", kind).body(body);
        async { request.send().await.unwrap() }
    };
    problem(post("application/x-protobuf", vec![]).await, 415, "unsupported-media-type").await;
    problem(post("application/json", b"{}".to_vec()).await, 400, "bad-request").await;
    problem(post("application/json", vec![b' '; 1024 * 1024 + 1]).await, 413, "too-large").await;
    let fits = [spans("x").to_string().into_bytes(), vec![b' '; 900 * 1024]].concat();
    assert_eq!(post("application/json", fits).await.status(), 200);
    assert_eq!(sink.kept().len(), 1);
}

#[tokio::test]
async fn a_flood_is_slowed_and_an_absent_collector_is_said() {
    let (world, sink) = with_collector().await;
    let mut refused = 0;
    for _ in 0..80 {
        let sent = world.post(TRACES, &spans("x")).send().await.unwrap();
        if sent.status() == 429 {
            assert!(sent.headers().contains_key("retry-after"));
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert_eq!(sink.kept().len(), 80 - refused);

    let alone = World::start().await;
    let sent = alone.post(TRACES, &spans("x")).send().await.unwrap();
    problem(sent, 503, "perch-absent").await;
}
