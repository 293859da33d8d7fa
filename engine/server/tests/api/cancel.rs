//! Cancelling over REST: what runs stops at its next step, leaves nothing behind, and says who asked.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use durable_fs::{DiskFs, FaultyFs, OpKind, Verdict};
use nestr_pellets::Milestone;
use nestr_server::{Checkpoint, Options};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::sink::attribute;
use crate::world::{World, flushed, problem};

const PATIENCE: Duration = Duration::from_secs(30);

/// Something that stops at a door until it is told to go on.
struct Door {
    reached: mpsc::Receiver<()>,
    go: mpsc::Sender<()>,
}

impl Door {
    /// The door, and what passes it.
    fn new() -> (Self, impl Fn() + Send + Sync + 'static) {
        let ((tell, reached), (go, wait)) = (mpsc::channel(), mpsc::channel::<()>());
        let (tell, wait) = (Mutex::new(tell), Mutex::new(wait));
        let pass = move || {
            if tell.lock().unwrap().send(()).is_ok() {
                // Ends when the test goes on, or is over.
                let _ = wait.lock().unwrap().recv();
            }
        };
        (Self { reached, go }, pass)
    }

    fn reached(&self) {
        self.reached.recv_timeout(PATIENCE).unwrap();
    }
}

/// The disk, but a door stands in front of each operation that `stops` knows.
fn doored(stops: impl Fn(OpKind, &Path) -> bool + Send + Sync + 'static) -> (Door, Arc<FaultyFs>) {
    let (door, pass) = Door::new();
    let fs = FaultyFs::new(Arc::new(DiskFs), move |op| {
        if stops(op.kind, &op.path) {
            pass();
        }
        Verdict::Pass
    });
    (door, Arc::new(fs))
}

async fn cancel(world: &World, id: &str) -> Response {
    let path = format!("/api/operations/{id}/cancel");
    world.bare(Method::POST, &path).bearer_auth(&world.token).send().await.unwrap()
}

async fn begun(world: &World, path: &str, body: &Value) -> String {
    let response = world.post(path, body).header("prefer", "respond-async").send().await.unwrap();
    assert_eq!(response.status(), 202, "{path}");
    let operation: Value = response.json().await.unwrap();
    operation["id"].as_str().unwrap().to_owned()
}

/// Asks for the end of what waits at the door, opens it, and returns what the operation ended as.
async fn cancelled(world: &World, id: &str, door: &Door) -> Value {
    door.reached();
    for _ in 0..2 {
        // Asking again is as good as asking once.
        let response = cancel(world, id).await;
        assert_eq!(response.status(), 202);
        assert_eq!(response.headers()["location"], format!("/api/operations/{id}"));
        let operation: Value = response.json().await.unwrap();
        let seen = (&operation["state"], &operation["cancelling"]);
        assert_eq!(seen, (&json!("running"), &json!(true)));
    }
    let shown = world.get_json(&format!("/api/operations/{id}")).await;
    assert_eq!(shown["cancelling"], true, "{shown}");
    door.go.send(()).unwrap();
    let ended = world.ended(id).await;
    assert_eq!((&ended["state"], &ended["error"]["code"]), (&json!("failed"), &json!("cancelled")));
    assert!(ended["cancelling"].is_null(), "{ended}");
    let detail = ended["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("was cancelled by ada"), "{detail}");
    ended
}

/// What every cancelled operation has in common.
async fn seen_everywhere(world: &World, ended: &Value, metric: &str, span: &str) {
    let events = world.events().await;
    let event = events.iter().rfind(|event| event["type"] == "pellet:failed").unwrap();
    assert_eq!(event["data"]["operation_id"], ended["id"]);
    assert_eq!(event["data"]["problem"]["code"], "cancelled");
    assert_eq!(event["data"]["cancelled_by"], "ada");
    world.sample_becomes(&format!("{metric}_total{{outcome=\"cancelled\"}}"), 1.0).await;
    for outcome in ["failed", "interrupted"] {
        let series = format!("{metric}_total{{outcome=\"{outcome}\"}}");
        assert!(world.sample(&series).abs() < f64::EPSILON, "{series}");
    }
    let spans = flushed().await.spans(ended["trace_id"].as_str().unwrap());
    for span in spans.iter().filter(|s| s.name.starts_with("pellet.")) {
        let status = span.status.as_ref().map_or(StatusCode::Unset, |status| status.code());
        assert_eq!(status, StatusCode::Unset, "{} of what was asked for is no error", span.name);
    }
    let operation = spans.iter().find(|s| s.name == span).unwrap();
    assert_eq!(attribute(operation, "outcome").as_deref(), Some("cancelled"));
    // What has ended so stays so, and asking again changes nothing.
    let again = cancel(world, ended["id"].as_str().unwrap()).await;
    assert_eq!(again.status(), 200);
    assert_eq!(&again.json::<Value>().await.unwrap(), ended);
}

/// A door at one point of every packing.
fn packing_stops(options: &mut Options, at: Milestone) -> Door {
    let (door, pass) = Door::new();
    options.hook = Some(Arc::new(move |point| {
        if point == Checkpoint::Packing(at) {
            pass();
        }
    }));
    door
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packing_stops_until_its_files_get_their_names() {
    for at in [Milestone::Walked, Milestone::ArchiveSynced] {
        let mut door = None;
        let world = World::with(|options| door = Some(packing_stops(options, at))).await;
        let tree = world.tree("tree");
        let id = begun(&world, "/api/pellets/compress", &json!({"path": tree})).await;
        let ended = cancelled(&world, &id, &door.unwrap()).await;
        assert!(world.store_files().is_empty(), "{at:?}: {:?}", world.store_files());
        seen_everywhere(&world, &ended, "nestr_pellet_compress", "pellet.compress").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packing_that_is_past_its_last_step_ends_well() {
    let mut door = None;
    let world =
        World::with(|options| door = Some(packing_stops(options, Milestone::SidecarRenamed))).await;
    let door = door.unwrap();
    let tree = world.tree("tree");
    let id = begun(&world, "/api/pellets/compress", &json!({"path": tree})).await;
    door.reached();
    assert_eq!(cancel(&world, &id).await.status(), 202);
    door.go.send(()).unwrap();
    assert_eq!(world.ended(&id).await["state"], "succeeded");
    assert_eq!(world.store_files().len(), 2);
    let late = problem(cancel(&world, &id).await, 409, "conflict").await;
    assert!(late["detail"].as_str().unwrap().contains(&id), "{late}");
    let none = "0".repeat(32);
    problem(cancel(&world, &none).await, 404, "not-found").await;
    let path = format!("/api/operations/{id}/cancel");
    problem(world.bare(Method::POST, &path).send().await.unwrap(), 401, "unauthenticated").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_waits_for_its_turn_never_begins() {
    let mut door = None;
    let world = World::with(|options| door = Some(packing_stops(options, Milestone::Walked))).await;
    let door = door.unwrap();
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        let tree = world.tree(name);
        ids.push(begun(&world, "/api/pellets/compress", &json!({"path": tree})).await);
    }
    for _ in 0..2 {
        door.reached();
    }
    let mut waiting = Vec::new();
    for id in &ids {
        if world.get_json(&format!("/api/operations/{id}")).await["phase"] == "queued" {
            waiting.push(id);
        }
    }
    let [waiting] = waiting[..] else { panic!("two run and one waits: {waiting:?}") };
    assert_eq!(cancel(&world, waiting).await.status(), 202);
    assert_eq!(world.ended(waiting).await["error"]["code"], "cancelled");
    for _ in 0..2 {
        door.go.send(()).unwrap();
    }
    for id in ids.iter().filter(|id| *id != waiting) {
        assert_eq!(world.ended(id).await["state"], "succeeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_and_a_verification_stop_and_leave_the_target_as_it_was() {
    let armed = Arc::new(AtomicBool::new(false));
    let arm = Arc::clone(&armed);
    let (door, fs) = doored(move |kind, path| {
        let archive = path.extension().is_some_and(|ending| ending == "pellet");
        kind == OpKind::Read && archive && arm.swap(false, Ordering::SeqCst)
    });
    let world = World::with(|options| options.fs = fs).await;
    let digest = world.pack(&world.tree("tree")).await["result"]["digest"].clone();
    let pellet = format!("/api/pellets/{}", digest.as_str().unwrap());
    let target = world.dir.path().join("root/back");
    let body = json!({"target": target});
    for (name, body) in [("restore", &body), ("verify", &json!({}))] {
        armed.store(true, Ordering::SeqCst);
        let id = begun(&world, &format!("{pellet}/{name}"), body).await;
        let ended = cancelled(&world, &id, &door).await;
        let names: Vec<_> = std::fs::read_dir(world.dir.path().join("root"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["tree"], "{name} left something");
        let (metric, span) = (format!("nestr_pellet_{name}"), format!("pellet.{name}"));
        seen_everywhere(&world, &ended, &metric, &span).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_stops_between_two_pellets() {
    let (door, fs) = doored(|kind, path| kind == OpKind::Rename && path.ends_with("removed"));
    let world = World::with(|options| options.fs = fs).await;
    for name in ["one", "two", "three"] {
        world.pack(&world.tree(name)).await;
    }
    let id = begun(&world, "/api/pellets/gc", &json!({"max_count": 0})).await;
    let ended = cancelled(&world, &id, &door).await;
    let detail = ended["error"]["detail"].as_str().unwrap();
    assert!(detail.ends_with("1 of 3 pellets were removed"), "{detail}");
    // Rows and files agree about what went.
    assert_eq!(world.get_json("/api/pellets").await["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.store_files().len(), 4);
    seen_everywhere(&world, &ended, "nestr_pellet_gc", "pellet.gc").await;
    for _ in 0..2 {
        door.go.send(()).unwrap();
    }
    let id = begun(&world, "/api/pellets/gc", &json!({"max_count": 0})).await;
    let ended = world.ended(&id).await;
    assert_eq!((&ended["kind"], &ended["state"]), (&json!("pellet.gc"), &json!("succeeded")));
    assert_eq!(ended["result"]["n_removed"], 2, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_does_not_cut_a_collection_in_two() {
    let (door, fs) = doored(|kind, path| kind == OpKind::Rename && path.ends_with("removed"));
    let world = World::with(|options| options.fs = fs).await;
    world.pack(&world.tree("one")).await;
    let gone = tokio::spawn(world.post("/api/pellets/gc", &json!({"max_count": 0})).send());
    tokio::task::block_in_place(|| door.reached());
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    door.go.send(()).unwrap();
    world.store_files_become(0).await;
    world.sample_becomes("nestr_pellet_gc_total{outcome=\"success\"}", 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_sidecars_are_held_at_once() {
    let (go, wait) = mpsc::channel::<()>();
    let (wait, opened) = (Mutex::new(wait), Arc::new(AtomicUsize::new(0)));
    let n_opened = Arc::clone(&opened);
    let fs = FaultyFs::new(Arc::new(DiskFs), move |op| {
        let sidecar = op.path.to_string_lossy().ends_with(".meta.json");
        match op.kind {
            OpKind::Open if sidecar => drop(opened.fetch_add(1, Ordering::SeqCst)),
            OpKind::Read if sidecar => drop(wait.lock().unwrap().recv()),
            _ => {}
        }
        Verdict::Pass
    });
    let world = World::with(|options| options.fs = Arc::new(fs)).await;
    let digest = world.pack(&world.tree("tree")).await["result"]["digest"].clone();
    let pellet = format!("/api/pellets/{}", digest.as_str().unwrap());
    let entries = format!("{pellet}/entries");
    let ask = || tokio::spawn(world.bare(Method::GET, &entries).bearer_auth(&world.token).send());
    let held: Vec<_> = (0..8).map(|_| ask()).collect();
    // Each opens it twice: for its size, and with room for it.
    let begun = Instant::now();
    while n_opened.load(Ordering::SeqCst) < 16 {
        assert!(begun.elapsed() < PATIENCE, "{n_opened:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = world.get(&format!("{pellet}/diff/{}", digest.as_str().unwrap())).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    problem(refused, 429, "rate-limited").await;
    drop(go);
    for asked in held {
        assert_eq!(asked.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(world.get(&entries).await.status(), 200);
}
