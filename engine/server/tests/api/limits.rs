use reqwest::Method;
use serde_json::json;

use crate::world::{World, problem};

#[tokio::test]
async fn requests_for_another_host_are_refused_on_both_listeners() {
    let world = World::with(|options| options.allowed_hosts = vec!["nestr.example".into()]).await;
    let with = |url: String, host: &str| {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url);
        let request = request.header("host", host);
        async { request.send().await.unwrap() }
    };
    let metrics = format!("http://{}/metrics", world.service.metrics_listen());
    for host in ["evil.example", "localhost.evil.example", "evil.example:8080"] {
        problem(with(world.url("/healthz"), host).await, 421, "misdirected-host").await;
        problem(with(metrics.clone(), host).await, 421, "misdirected-host").await;
    }
    for host in
        ["localhost", "localhost:1", "127.0.0.1", "[::1]:80", "nestr.example", "NESTR.example:443"]
    {
        assert_eq!(with(world.url("/healthz"), host).await.status(), 200, "{host}");
        assert_eq!(with(metrics.clone(), host).await.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn bodies_must_have_the_right_type_size_and_shape() {
    let world = World::start().await;
    let post = |kind: &str, body: String| {
        let request = world.bare(Method::POST, "/api/pellets/compress").bearer_auth(&world.token);
        let request = request.header("content-type", kind).body(body);
        async { request.send().await.unwrap() }
    };
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        problem(post(kind, "{}".into()).await, 415, "unsupported-media-type").await;
    }
    let json = "application/json; charset=utf-8";
    let long = json!({"path": "/".repeat(70_000)}).to_string();
    problem(post(json, long).await, 413, "too-large").await;
    let bad = [
        "",
        "{",
        "[]",
        "{}",
        r#"{"path":7}"#,
        r#"{"path":"/x","nmae":"y"}"#,
        r#"{"path":"/x","profile":"best"}"#,
    ];
    for body in bad {
        problem(post(json, body.into()).await, 400, "bad-request").await;
    }
    for name in ["", ".hidden", "a/b", "..", "a b"] {
        let body = json!({"path": world.tree("app"), "name": name}).to_string();
        problem(post(json, body).await, 400, "bad-request").await;
    }
    problem(post(json, json!({"path": "relative"}).to_string()).await, 400, "bad-request").await;
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_and_the_page_is_served_strictly() {
    let world = World::start().await;
    problem(world.get("/api/nonsense").await, 404, "not-found").await;
    let deleted = world.bare(Method::DELETE, "/api/pellets").bearer_auth(&world.token);
    problem(deleted.send().await.unwrap(), 405, "method-not-allowed").await;
    problem(world.get("/assets/missing.js").await, 404, "not-found").await;
    for path in ["/", "/pellets", "/traces/0af7"] {
        let page = world.bare(Method::GET, path).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        let headers = page.headers();
        assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn both_listeners_show_metrics_under_bounded_labels() {
    let world = World::start().await;
    for n in 0..3 {
        world.get(&format!("/api/operations/{n}")).await;
        world.get(&format!("/nowhere/{n}")).await;
    }
    let metrics = format!("http://{}/metrics", world.service.metrics_listen());
    let here = world.bare(Method::GET, "/metrics").send().await.unwrap();
    assert!(
        here.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4")
    );
    let here = here.text().await.unwrap();
    let there = reqwest::get(metrics).await.unwrap().text().await.unwrap();
    for text in [here, there] {
        assert!(text.contains("nestr_pellet_compress_total{outcome=\"success\"} 0"), "{text}");
        let line = r#"nestr_http_requests_total{method="GET",route="/api/operations/{id}",status="404"} 3"#;
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("nowhere"), "{text}");
    }
}
