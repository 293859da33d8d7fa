//! Deltas over REST, what collecting leaves alone, and removals that race a packing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nestr_pellets::Milestone;
use nestr_server::Checkpoint;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, problem};

async fn pack(world: &World, body: Value) -> Value {
    let response = world.post("/api/pellets/compress", &body).send().await.unwrap();
    assert_eq!(response.status(), 202, "{body}");
    let operation: Value = response.json().await.unwrap();
    world.ended(operation["id"].as_str().unwrap()).await
}

fn digest(operation: &Value) -> String {
    assert_eq!(operation["state"], "succeeded", "{operation}");
    operation["result"]["digest"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_delta_needs_stays() {
    let world = World::start().await;
    let tree = world.tree("tree");
    let first = digest(&pack(&world, json!({"path": tree})).await);
    std::fs::write(tree.join("sub/3.txt"), "changed").unwrap();
    let delta = digest(&pack(&world, json!({"path": tree, "delta_of": first})).await);
    let event = world.events().await.pop().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["layers"]),
        (&json!("pellet:compressed"), &json!([first]))
    );
    let gc = world.post("/api/pellets/gc", &json!({"max_count": 1})).send().await.unwrap();
    let gc: Value = gc.json().await.unwrap();
    assert_eq!(
        (&gc["removed"], &gc["n_kept"], &gc["n_needed"]),
        (&json!([]), &json!(2), &json!(1))
    );
    let delete = |digest: &str| {
        let path = format!("/api/pellets/{digest}");
        world.bare(Method::DELETE, &path).bearer_auth(&world.token).send()
    };
    problem(delete(&first).await.unwrap(), 409, "conflict").await;
    let target = world.dir.path().join("root/back");
    let restore = format!("/api/pellets/{delta}/restore");
    let response = world.post(&restore, &json!({"target": target})).send().await.unwrap();
    let operation: Value = response.json().await.unwrap();
    let operation = world.ended(operation["id"].as_str().unwrap()).await;
    assert_eq!(operation["state"], "succeeded", "{operation}");
    assert_eq!(std::fs::read(target.join("sub/3.txt")).unwrap(), b"changed");
    assert_eq!(
        std::fs::read(target.join("sub/4.txt")).unwrap(),
        std::fs::read(tree.join("sub/4.txt")).unwrap()
    );
    assert_eq!(delete(&delta).await.unwrap().status(), 204);
    assert_eq!(delete(&first).await.unwrap().status(), 204);
    assert!(world.store_files().is_empty());
    let unknown = json!({"path": tree, "delta_of": "0".repeat(64)});
    let refused = world.post("/api/pellets/compress", &unknown).send().await.unwrap();
    problem(refused, 404, "not-found").await;
    let odd = json!({"path": tree, "delta_of": "x"});
    let refused = world.post("/api/pellets/compress", &odd).send().await.unwrap();
    problem(refused, 400, "bad-request").await;
}

#[tokio::test]
async fn a_quota_removes_the_oldest_after_a_packing() {
    let world = World::with(|options| options.quota = Some(1)).await;
    let first = digest(&world.pack(&world.tree("one")).await);
    // Larger than the quota by itself, it stays until a newer one comes.
    assert_eq!(world.store_files().len(), 2);
    let second = digest(&world.pack(&world.tree("two")).await);
    assert_ne!(first, second);
    // The collection follows the packing.
    world.event_comes("pellet:deleted").await;
    world.store_files_become(2).await;
    assert_eq!(world.get(&format!("/api/pellets/{first}")).await.status(), 404);
    assert_eq!(world.get(&format!("/api/pellets/{second}")).await.status(), 200);
    world.sample_becomes("nestr_pellet_store_count", 1.0).await;
    let deleted = world.events().await.pop().unwrap();
    assert_eq!((&deleted["type"], &deleted["actor"]), (&json!("pellet:deleted"), &json!("nestr")));
}

#[tokio::test]
async fn a_removal_waits_for_a_packing_that_is_about_to_be_recorded() {
    let (reached, at_seal) = mpsc::channel();
    let (go, held) = mpsc::channel::<()>();
    let (held, armed) = (Mutex::new(held), Arc::new(AtomicBool::new(false)));
    let arm = Arc::clone(&armed);
    let world = World::with(|options| {
        options.hook = Some(Arc::new(move |at| {
            if at == Checkpoint::Packing(Milestone::ArchiveSynced) && arm.load(Ordering::SeqCst) {
                reached.send(()).unwrap();
                // Ends when the test goes on, or is over.
                let _ = held.lock().unwrap().recv();
            }
        }));
    })
    .await;
    let tree = world.tree("tree");
    let first = digest(&world.pack(&tree).await);
    armed.store(true, Ordering::SeqCst);
    let response = world.ask_to_pack(&tree).await;
    let operation: Value = response.json().await.unwrap();
    tokio::task::spawn_blocking(move || at_seal.recv().unwrap()).await.unwrap();
    let path = format!("/api/pellets/{first}");
    let delete = tokio::spawn(world.bare(Method::DELETE, &path).bearer_auth(&world.token).send());
    tokio::pin!(delete);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut delete).await;
    assert!(early.is_err(), "the pellet went while a packing relied on it");
    go.send(()).unwrap();
    let again = world.ended(operation["id"].as_str().unwrap()).await;
    assert_eq!(digest(&again), first);
    assert_eq!(delete.await.unwrap().unwrap().status(), 204);
    // First recorded, then removed: no row without files, no files without a row.
    let types: Vec<_> = world.events().await.into_iter().map(|e| e["type"].clone()).collect();
    assert_eq!(types, ["pellet:compressed", "pellet:compressed", "pellet:deleted"]);
    assert_eq!(world.get(&path).await.status(), 404);
    assert!(world.store_files().is_empty());
}

#[tokio::test]
async fn a_pellet_that_cannot_be_recorded_goes_at_once() {
    let (reached, walked) = mpsc::channel();
    let (go, held) = mpsc::channel::<()>();
    let (held, armed) = (Mutex::new(held), Arc::new(AtomicBool::new(false)));
    let arm = Arc::clone(&armed);
    let world = World::with(|options| {
        options.hook = Some(Arc::new(move |at| {
            if at == Checkpoint::Packing(Milestone::Walked) && arm.load(Ordering::SeqCst) {
                reached.send(()).unwrap();
                // Ends when the test goes on, or is over.
                let _ = held.lock().unwrap().recv();
            }
        }));
    })
    .await;
    let tree = world.tree("tree");
    let first = digest(&world.pack(&tree).await);
    std::fs::write(tree.join("sub/3.txt"), "changed").unwrap();
    armed.store(true, Ordering::SeqCst);
    let body = json!({"path": tree, "delta_of": first});
    let response = world.post("/api/pellets/compress", &body).send().await.unwrap();
    let operation: Value = response.json().await.unwrap();
    tokio::task::spawn_blocking(move || walked.recv().unwrap()).await.unwrap();
    // Nothing recorded needs it yet.
    let path = format!("/api/pellets/{first}");
    let gone = world.bare(Method::DELETE, &path).bearer_auth(&world.token).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    go.send(()).unwrap();
    let ended = world.ended(operation["id"].as_str().unwrap()).await;
    assert_eq!(ended["error"]["code"], "conflict", "{ended}");
    assert!(ended["error"]["detail"].as_str().unwrap().contains(&first), "{ended}");
    world.store_files_become(0).await;
}
