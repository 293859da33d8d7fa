//! Restoring, verifying, listing and removing over REST.

use std::os::unix::ffi::OsStrExt;

use durable_fs::DiskFs;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, problem};

async fn packed(world: &World) -> String {
    let tree = world.tree("tree");
    world.pack(&tree).await["result"]["digest"].as_str().unwrap().to_owned()
}

async fn ended(world: &World, path: &str, body: &Value) -> Value {
    let response = world.post(path, body).send().await.unwrap();
    assert_eq!(response.status(), 202, "{path}");
    let operation: Value = response.json().await.unwrap();
    world.ended(operation["id"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_restore_brings_the_tree_back_and_says_so() {
    let world = World::start().await;
    let digest = packed(&world).await;
    let target = world.dir.path().join("root/back");
    let path = format!("/api/pellets/{digest}/restore");
    let operation = ended(&world, &path, &json!({"target": target})).await;
    assert_eq!(operation["state"], "succeeded", "{operation}");
    assert_eq!(operation["kind"], "pellet.restore");
    let read = |root: &str| std::fs::read(world.dir.path().join(root).join("sub/7.txt")).unwrap();
    assert_eq!(read("root/back"), read("root/tree"));
    let events = world.events().await;
    let event = events.last().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["way"]),
        (&json!("pellet:restored"), &json!("extract"))
    );
    assert_eq!(event["data"]["trace_id"], operation["trace_id"]);
    world.sample_becomes("nestr_pellet_restore_total{outcome=\"success\"}", 1.0).await;

    // What stands there stays, unless it may be replaced.
    let again = ended(&world, &path, &json!({"target": target})).await;
    assert_eq!((&again["state"], &again["error"]["code"]), (&json!("failed"), &json!("conflict")));
    let replaced = ended(&world, &path, &json!({"target": target, "replace": true})).await;
    assert_eq!(replaced["state"], "succeeded", "{replaced}");
    let one = json!({"target": world.dir.path().join("root/one"), "only": "sub/3.txt"});
    assert_eq!(ended(&world, &path, &one).await["state"], "succeeded");
    assert_eq!(std::fs::read_dir(world.dir.path().join("root/one/sub")).unwrap().count(), 1);
}

#[tokio::test]
async fn what_the_engine_keeps_is_not_replaced() {
    // The root holds state and store, as a home folder does.
    let world = World::with(|options| {
        let root = options.roots[0].clone();
        (options.state_dir, options.store_dir) = (root.join("own/state"), root.join("own/store"));
    })
    .await;
    let digest = packed(&world).await;
    let path = format!("/api/pellets/{digest}/restore");
    let store = format!("root/own/store/{digest}");
    for target in ["root/own", "root/own/state", "root/own/store", "root/own/state/new", &store] {
        let body = json!({"target": world.dir.path().join(target), "replace": true});
        let response = world.post(&path, &body).send().await.unwrap();
        problem(response, 403, "path-outside-roots").await;
    }
    for source in ["root/own/state", &store] {
        let body = json!({"path": world.dir.path().join(source)});
        let response = world.post("/api/pellets/compress", &body).send().await.unwrap();
        problem(response, 403, "path-outside-roots").await;
    }
    let body = json!({"target": world.dir.path().join("root/beside"), "replace": true});
    assert_eq!(ended(&world, &path, &body).await["state"], "succeeded");
}

#[tokio::test]
async fn targets_outside_the_roots_and_unknown_pellets_are_refused() {
    let world = World::start().await;
    let digest = packed(&world).await;
    let path = format!("/api/pellets/{digest}/restore");
    std::fs::create_dir(world.dir.path().join("outside")).unwrap();
    std::os::unix::fs::symlink("../outside", world.dir.path().join("root/link")).unwrap();
    for target in ["outside/x", "root/../outside/x", "root/link/x", "x"] {
        let body = json!({"target": world.dir.path().join(target)});
        let response = world.post(&path, &body).send().await.unwrap();
        problem(response, 403, "path-outside-roots").await;
    }
    let unknown = format!("/api/pellets/{}/restore", "0".repeat(64));
    let body = json!({"target": world.dir.path().join("root/x")});
    problem(world.post(&unknown, &body).send().await.unwrap(), 404, "not-found").await;
    assert_eq!(std::fs::read_dir(world.dir.path().join("outside")).unwrap().count(), 0);
    // Each refusal is told and counted.
    let verify = format!("/api/pellets/{}/verify", "0".repeat(64));
    problem(world.post(&verify, &json!({})).send().await.unwrap(), 404, "not-found").await;
    let events = world.events().await;
    let failed: Vec<_> = events.iter().filter(|e| e["type"] == "pellet:failed").collect();
    assert_eq!(failed.len(), 6);
    assert_eq!(failed[0]["data"]["problem"]["code"], "path-outside-roots");
    assert_eq!(failed[5]["data"]["digest"], json!("0".repeat(64)));
    assert!(failed[5]["data"]["problem"]["trace_id"].is_string());
    world.sample_becomes("nestr_pellet_restore_total{outcome=\"refused\"}", 5.0).await;
    world.sample_becomes("nestr_pellet_verify_total{outcome=\"refused\"}", 1.0).await;
}

#[tokio::test]
async fn a_verification_finds_damage() {
    let world = World::start().await;
    let digest = packed(&world).await;
    let path = format!("/api/pellets/{digest}/verify");
    assert_eq!(ended(&world, &path, &json!({})).await["state"], "succeeded");
    let archive = world.dir.path().join("store").join(&digest).join("tree.pellet");
    let mut bytes = std::fs::read(&archive).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    let operation = ended(&world, &path, &json!({})).await;
    assert_eq!(operation["error"]["code"], "verification-failed", "{operation}");
    assert_eq!(world.events().await.last().unwrap()["type"], "pellet:failed");
    world.sample_becomes("nestr_pellet_verify_total{outcome=\"failed\"}", 1.0).await;
    let target = world.dir.path().join("root/back");
    let restore = format!("/api/pellets/{digest}/restore");
    let operation = ended(&world, &restore, &json!({"target": target})).await;
    assert_eq!(operation["error"]["code"], "verification-failed");
    assert!(!target.exists());
}

#[tokio::test]
async fn entries_are_listed_by_pages() {
    let world = World::start().await;
    let digest = packed(&world).await;
    let mut cursor = String::new();
    let mut paths = Vec::new();
    loop {
        let page = world.get_json(&format!("/api/pellets/{digest}/entries?limit=8{cursor}")).await;
        paths.extend(page["items"].as_array().unwrap().iter().map(|e| e["path"].to_string()));
        match page["next_cursor"].as_u64() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paths.len(), 21);
    let below = world.get_json(&format!("/api/pellets/{digest}/entries?below=sub")).await;
    assert_eq!(below["items"].as_array().unwrap().len(), 20);
    assert_eq!(below["items"][0]["mode"], "0644");
}

#[tokio::test]
async fn two_pellets_differ_as_the_library_says_within_a_limit() {
    let world = World::start().await;
    let tree = world.tree("tree");
    let before = world.pack(&tree).await["result"]["digest"].as_str().unwrap().to_owned();
    let odd = std::ffi::OsStr::from_bytes(b"not-\xff-utf8");
    std::fs::write(tree.join(odd), "new").unwrap();
    std::fs::create_dir(tree.join("more")).unwrap();
    std::fs::remove_file(tree.join("sub/3.txt")).unwrap();
    for n in 4..8 {
        std::fs::write(tree.join(format!("sub/{n}.txt")), "changed").unwrap();
    }
    let after = world.pack(&tree).await["result"]["digest"].as_str().unwrap().to_owned();
    let path = |before: &str, after: &str| format!("/api/pellets/{before}/diff/{after}");
    let sidecar = |digest: &str| {
        let file = world.dir.path().join("store").join(digest).join("tree.meta.json");
        nestr_pellets::Sidecar::read(&DiskFs, &file).unwrap()
    };

    // What the command prints, and the counts.
    let mut whole = world.get_json(&path(&before, &after)).await;
    let said = nestr_pellets::diff(&sidecar(&before), &sidecar(&after)).unwrap();
    let mut expected = serde_json::to_value(said).unwrap();
    let counts = json!({"n_added": 2, "n_removed": 1, "n_changed": 4, "truncated": false});
    expected.as_object_mut().unwrap().extend(counts.as_object().unwrap().clone());
    assert_eq!(whole, expected);
    assert_eq!(whole["n_unchanged"], 16, "{whole}");
    assert!(whole["added"].as_array().unwrap().iter().any(|e| e["path"]["hex"].is_string()));

    // A limit holds for each list, and no list is shortened in silence.
    let part = world.get_json(&format!("{}?limit=3", path(&before, &after))).await;
    whole["changed"].as_array_mut().unwrap().truncate(3);
    whole["truncated"] = json!(true);
    assert_eq!(part, whole);
    let full = world.get_json(&format!("{}?limit=4", path(&before, &after))).await;
    assert_eq!(full["truncated"], false);

    let same = world.get_json(&path(&after, &after)).await;
    assert_eq!((&same["equal"], &same["n_unchanged"]), (&json!(true), &json!(22)));
    let series = "nestr_http_requests_total{method=\"GET\",route=\"/api/pellets/{digest}/diff/{other}\",status=\"200\"}";
    world.sample_becomes(series, 4.0).await;
}

#[tokio::test]
async fn a_difference_needs_two_whole_pellets() {
    let world = World::start().await;
    let digest = packed(&world).await;
    let none = "0".repeat(64);
    let diff = |before: &str, after: &str| {
        let path = format!("/api/pellets/{before}/diff/{after}");
        world.bare(Method::GET, &path).bearer_auth(&world.token).send()
    };
    for (before, after) in [(&digest, &none), (&none, &digest)] {
        let missing = problem(diff(before, after).await.unwrap(), 404, "not-found").await;
        assert!(missing["detail"].as_str().unwrap().contains(&none), "{missing}");
    }
    problem(diff(&digest, "x").await.unwrap(), 400, "bad-request").await;
    let odd = world.get(&format!("/api/pellets/{digest}/diff/{digest}?limit=-1")).await;
    problem(odd, 400, "bad-request").await;
    let path = format!("/api/pellets/{digest}/diff/{digest}");
    problem(world.bare(Method::GET, &path).send().await.unwrap(), 401, "unauthenticated").await;
    let sidecar = world.dir.path().join("store").join(&digest).join("tree.meta.json");
    std::fs::write(sidecar, "{").unwrap();
    let damaged = problem(diff(&digest, &digest).await.unwrap(), 422, "verification-failed").await;
    assert!(damaged["detail"].as_str().unwrap().contains(&digest), "{damaged}");
}

/// What each route that reads a sidecar answers; an operation's problem is that of its end.
async fn told_by_all(world: &World, digest: &str) -> Vec<(&'static str, Value)> {
    let get = async |path: &str| problem(world.get(path).await, 422, "verification-failed").await;
    let pellet = format!("/api/pellets/{digest}");
    let mut told = vec![
        ("entries", get(&format!("{pellet}/entries")).await),
        ("diff", get(&format!("{pellet}/diff/{digest}")).await),
    ];
    let target = json!({"target": world.dir.path().join("root/back")});
    for (name, body) in [("verify", json!({})), ("restore", target)] {
        let response = world.post(&format!("{pellet}/{name}"), &body).send().await.unwrap();
        let problem = match response.status().as_u16() {
            202 => {
                let operation: Value = response.json().await.unwrap();
                world.ended(operation["id"].as_str().unwrap()).await["error"].clone()
            }
            _ => problem(response, 422, "verification-failed").await,
        };
        assert_eq!(problem["code"], "verification-failed", "{problem}");
        told.push((name, problem));
    }
    assert!(!world.dir.path().join("root/back").exists());
    // The record is whole, and says what there is.
    assert_eq!(world.get_json(&pellet).await["digest"], digest);
    assert_eq!(world.get_json("/api/pellets").await["items"].as_array().unwrap().len(), 1);
    told
}

#[tokio::test]
async fn a_sidecar_that_cannot_be_used_is_told_in_one_way() {
    let world = World::start().await;
    let digest = packed(&world).await;
    let folder = world.dir.path().join("store").join(&digest);
    let sidecar = folder.join("tree.meta.json");
    let whole = std::fs::read_to_string(&sidecar).unwrap();
    let newer = whole.replace("\"schema_version\":1", "\"schema_version\":9");
    assert_ne!(newer, whole);
    for (content, reason) in [("{", "sidecar-damaged"), (&newer, "sidecar-version")] {
        std::fs::write(&sidecar, content).unwrap();
        for (route, problem) in told_by_all(&world, &digest).await {
            assert_eq!(problem["reason"], reason, "{route}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(sidecar.to_str().unwrap()), "{route}: {detail}");
            assert!(problem["hint"].as_str().unwrap().contains("pack the tree again"), "{problem}");
            assert!(problem["trace_id"].is_string(), "{route}: {problem}");
        }
    }
    std::fs::write(&sidecar, whole.replace(&digest, &"0".repeat(64))).unwrap();
    for route in ["entries", &format!("diff/{digest}")] {
        let response = world.get(&format!("/api/pellets/{digest}/{route}")).await;
        let foreign = problem(response, 422, "verification-failed").await;
        assert_eq!(foreign["reason"], "digest-mismatch", "{foreign}");
    }
    std::fs::remove_file(&sidecar).unwrap();
    for (route, problem) in told_by_all(&world, &digest).await {
        assert_eq!(problem["reason"], "pellet-not-found", "{route}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(folder.to_str().unwrap()), "{route}: {detail}");
    }
}

#[tokio::test]
async fn pellets_go_when_asked_for_and_by_policy() {
    let world = World::start().await;
    let first = packed(&world).await;
    let second = world.pack(&world.tree("other")).await["result"]["digest"].clone();
    let gc = |body: Value| world.post("/api/pellets/gc", &body).send();
    problem(gc(json!({})).await.unwrap(), 400, "bad-request").await;
    let dry: Value =
        gc(json!({"max_count": 1, "dry_run": true})).await.unwrap().json().await.unwrap();
    assert_eq!((&dry["removed"][0]["digest"], &dry["n_kept"]), (&json!(first), &json!(1)));
    assert_eq!(world.store_files().len(), 4);
    let done: Value = gc(json!({"max_count": 1})).await.unwrap().json().await.unwrap();
    assert_eq!(done["removed"][0]["why"], "count");
    assert_eq!(world.store_files().len(), 2);
    assert_eq!(world.get(&format!("/api/pellets/{first}")).await.status(), 404);

    let path = format!("/api/pellets/{}", second.as_str().unwrap());
    let delete = || world.bare(Method::DELETE, &path).bearer_auth(&world.token).send();
    assert_eq!(delete().await.unwrap().status(), 204);
    problem(delete().await.unwrap(), 404, "not-found").await;
    assert_eq!(world.store_files().len(), 0);
    let deleted =
        world.events().await.into_iter().filter(|e| e["type"] == "pellet:deleted").count();
    assert_eq!(deleted, 2);
    world.sample_becomes("nestr_pellet_gc_total{outcome=\"success\"}", 2.0).await;
    world.sample_becomes("nestr_pellet_store_count", 0.0).await;
}

/// A key as OpenSSL writes it, made of the numbers 0 to 31 and told apart by its last byte.
fn key_file(world: &std::path::Path, last: u8) -> std::path::PathBuf {
    use base64::Engine as _;
    use std::os::unix::fs::PermissionsExt;
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
    der.extend([0x04, 0x22, 0x04, 0x20]);
    der.extend(0..31);
    der.push(last);
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let path = world.join(format!("key-{last}.pem"));
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    std::fs::write(&path, pem).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[tokio::test]
async fn what_the_engine_packs_is_signed_and_only_asked_for_keys_are_trusted() {
    let keys = tempfile::tempdir().unwrap();
    let path = key_file(keys.path(), 1);
    let ours = nestr_pellets::SigningKey::read(&path).unwrap().verifying().to_string();
    let other = nestr_pellets::SigningKey::read(&key_file(keys.path(), 2)).unwrap();
    let world = World::with(|options| options.sign_key = Some(path)).await;
    let digest = packed(&world).await;
    let path = format!("/api/pellets/{digest}/restore");
    let root = world.dir.path().join("root");
    let by = |name: &str, keys: Value| json!({"target": root.join(name), "strict": true, "trusted_keys": keys});
    let trusted = ended(&world, &path, &by("trusted", json!([ours]))).await;
    assert_eq!(trusted["state"], "succeeded", "{trusted}");
    let foreign = by("foreign", json!([other.verifying().to_string()]));
    let refused = ended(&world, &path, &foreign).await;
    assert_eq!(refused["error"]["code"], "verification-failed", "{refused}");
    assert!(!root.join("foreign").exists());
    let odd = world.post(&path, &by("odd", json!(["ours"]))).send().await.unwrap();
    problem(odd, 400, "bad-request").await;
}

/// CVE-2025-36852 (CREEP): who may write to a store puts a tree of their own into the builds of others.
#[tokio::test]
async fn an_engine_that_trusts_certain_keys_brings_nothing_else_back() {
    let keys = tempfile::tempdir().unwrap();
    let trusted = keys.path().join("trusted.pem");
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
        -----END PUBLIC KEY-----\n";
    std::fs::write(&trusted, public).unwrap();
    let world = World::with(|options| options.trusted_keys = vec![trusted]).await;
    let digest = packed(&world).await;
    let path = format!("/api/pellets/{digest}/restore");
    let target = world.dir.path().join("root/back");
    let refused = ended(&world, &path, &json!({"target": target})).await;
    assert_eq!(refused["error"]["code"], "verification-failed", "{refused}");
    // No request widens what the Engine trusts.
    let body = json!({"target": target, "trusted_keys": ["0".repeat(64)]});
    let response = world.post(&path, &body).send().await.unwrap();
    problem(response, 422, "verification-failed").await;
    assert!(!target.exists());
}

#[tokio::test]
async fn the_tools_of_a_tree_run_only_where_the_configuration_allows_it() {
    for allowed in [false, true] {
        let world = World::with(|options| options.verify_build = allowed).await;
        let digest = packed(&world).await;
        let path = format!("/api/pellets/{digest}/restore");
        let target = world.dir.path().join("root/back");
        let body = json!({"target": target, "verify_build": true});
        if allowed {
            // A tree of no known tool has nothing that could prove it.
            let unproven = ended(&world, &path, &body).await;
            assert_eq!(unproven["error"]["code"], "verification-failed", "{unproven}");
        } else {
            problem(world.post(&path, &body).send().await.unwrap(), 400, "bad-request").await;
        }
        assert_eq!(target.exists(), allowed);
    }
}
