use std::collections::BTreeMap;

use serde_json::json;

use crate::sink::attribute;
use crate::world::{World, flushed, problem};

const SUCCESS: &str = "nestr_pellet_compress_total{outcome=\"success\"}";

#[tokio::test]
async fn a_packing_is_one_trace_from_the_caller_to_the_record() {
    let world = World::start().await;
    let tree = world.tree("app");
    let (trace_id, caller) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let request = world
        .post("/api/pellets/compress", &json!({"path": tree, "name": "deps", "profile": "dense"}))
        .header("traceparent", format!("00-{trace_id}-{caller}-01"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let begun: serde_json::Value = response.json().await.unwrap();
    assert_eq!(location, format!("/api/operations/{}", begun["id"].as_str().unwrap()));
    assert_eq!(begun["trace_id"], trace_id);
    let ended = world.ended(begun["id"].as_str().unwrap()).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!(ended["progress"]["entries_done"], 21);
    let digest = ended["result"]["digest"].as_str().unwrap();

    let pellet = world.get_json(&format!("/api/pellets/{digest}")).await;
    assert_eq!((&pellet["name"], &pellet["profile"]), (&json!("deps"), &json!("dense")));
    assert_eq!((&pellet["trace_id"], &pellet["entries"]), (&json!(trace_id), &json!(21)));
    assert_eq!(world.get_json("/api/pellets").await["items"], json!([pellet]));
    let archive = world.dir.path().join("store").join(digest).join("deps.pellet");
    assert_eq!(blake3::hash(&std::fs::read(archive).unwrap()).to_string(), digest);

    let events = world.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "pellet:compressed");
    assert_eq!(events[0]["subject"], format!("pellets/{digest}"));
    assert_eq!(events[0]["actor"], "ada");
    assert!(events[0]["traceparent"].as_str().unwrap().contains(trace_id));
    world.sample_becomes(SUCCESS, 1.0).await;
    world.sample_becomes("nestr_events_published_total{type=\"pellet:compressed\"}", 1.0).await;
    world.sample_becomes("nestr_pellet_store_count", 1.0).await;

    let sink = flushed().await;
    let spans = sink.spans(trace_id);
    let ids: BTreeMap<_, _> = spans.iter().map(|s| (s.span_id.clone(), s.name.as_str())).collect();
    let parent = |name: &str| {
        let span =
            spans.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("{name}: {ids:?}"));
        ids.get(&span.parent_span_id)
            .map_or_else(|| hex::encode(&span.parent_span_id), |n| (*n).to_owned())
    };
    let rest = "POST /api/pellets/compress";
    assert_eq!(parent(rest), caller);
    assert_eq!(parent("pellet.compress"), rest);
    for phase in ["pellet.walk", "pellet.pack", "pellet.seal", "pellet.record"] {
        assert_eq!(parent(phase), "pellet.compress");
    }
    assert_eq!(spans.len(), 6);
    let operation = spans.iter().find(|s| s.name == "pellet.compress").unwrap();
    assert_eq!(attribute(operation, "nestr.pellet.digest").as_deref(), Some(digest));
    let walk = spans.iter().find(|s| s.name == "pellet.walk").unwrap();
    assert_eq!(attribute(walk, "nestr.pellet.entries").as_deref(), Some("21"));
    let records = sink.records(trace_id);
    assert!(records.len() >= 5, "{records:?}");
    assert!(records.iter().all(|r| ids.contains_key(&r.span_id)), "{records:?}");
}

#[tokio::test]
async fn a_key_makes_a_request_count_once() {
    let world = World::start().await;
    let (one, two) = (world.tree("one"), world.tree("two"));
    let ask = |tree: &std::path::Path, key: &str| {
        let request = world.post("/api/pellets/compress", &json!({"path": tree}));
        let request = request.header("idempotency-key", key);
        async { request.send().await.unwrap() }
    };
    let first: serde_json::Value = ask(&one, "k").await.json().await.unwrap();
    let again: serde_json::Value = ask(&one, "k").await.json().await.unwrap();
    assert_eq!(first["id"], again["id"]);
    problem(ask(&two, "k").await, 409, "conflict").await;
    let other: serde_json::Value = ask(&one, "l").await.json().await.unwrap();
    assert_ne!(first["id"], other["id"]);
    for key in ["", &"k".repeat(256)] {
        problem(ask(&one, key).await, 400, "bad-request").await;
    }
    world.ended(first["id"].as_str().unwrap()).await;
    world.ended(other["id"].as_str().unwrap()).await;
    world.sample_becomes(SUCCESS, 2.0).await;
}

#[tokio::test]
async fn pellets_are_listed_newest_first_by_pages_and_by_tree() {
    let world = World::start().await;
    let mut digests = Vec::new();
    for name in ["a", "b", "c"] {
        let ended = world.pack(&world.tree(name)).await;
        digests.insert(0, ended["result"]["digest"].as_str().unwrap().to_owned());
    }
    let listed = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|p| p["digest"].as_str().unwrap().to_owned()).collect()
    };
    let first = world.get_json("/api/pellets?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.get_json(&format!("/api/pellets?limit=2&cursor={cursor}")).await;
    assert!(second.get("next_cursor").is_none());
    assert_eq!([listed(&first), listed(&second)].concat(), digests);

    let tree = world.get_json(&format!("/api/pellets/{}", digests[1])).await["tree"].clone();
    let tree = tree.as_str().unwrap();
    assert_eq!(listed(&world.get_json(&format!("/api/pellets?tree={tree}")).await), digests[1..2]);

    problem(world.get("/api/pellets?cursor=nonsense").await, 400, "bad-request").await;
    problem(world.get("/api/pellets?limit=-1").await, 400, "bad-request").await;
    problem(world.get("/api/pellets?tree=x").await, 400, "bad-request").await;
    problem(world.get("/api/pellets/x").await, 400, "bad-request").await;
    problem(world.get(&format!("/api/pellets/{}", "0".repeat(64))).await, 404, "not-found").await;
    problem(world.get("/api/operations/x").await, 404, "not-found").await;
}
