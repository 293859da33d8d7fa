//! Each failure is seen everywhere: as a problem, a failed span, an event, a counter, and with nothing left behind.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use durable_fs::{DiskFs, FaultyFs, OpKind, Verdict};
use nestr_pellets::Milestone;
use nestr_server::{Checkpoint, Options};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Value, json};

use crate::sink::attribute;
use crate::world::{World, flushed, problem};

/// What every failure has in common; `problem` is what the client was told.
async fn seen_everywhere(world: &World, problem: &Value, outcome: &str) {
    let (code, trace_id) =
        (problem["code"].as_str().unwrap(), problem["trace_id"].as_str().unwrap());
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    let events = world.events().await;
    let event = events.last().unwrap();
    assert_eq!(event["type"], "pellet:failed");
    assert_eq!(event["data"]["problem"]["code"], code);
    assert_eq!(event["data"]["problem"]["trace_id"], trace_id);
    assert!(event["traceparent"].as_str().unwrap().contains(trace_id));
    let series = format!("nestr_pellet_compress_total{{outcome=\"{outcome}\"}}");
    world.sample_becomes(&series, 1.0).await;
    world.sample_becomes("nestr_pellet_compress_total{outcome=\"success\"}", 0.0).await;
    assert_eq!(world.store_files(), Vec::<PathBuf>::new());
    let spans = flushed().await.spans(trace_id);
    let operation = spans.iter().find(|s| s.name == "pellet.compress").unwrap();
    assert_eq!(operation.status.as_ref().unwrap().code(), StatusCode::Error);
    assert_eq!(attribute(operation, "error.type").as_deref(), Some(code));
}

async fn refused(world: &World, path: &Path, status: u16, code: &str) {
    let problem = problem(world.ask_to_pack(path).await, status, code).await;
    assert_eq!(problem["instance"], "/api/pellets/compress");
    seen_everywhere(world, &problem, "refused").await;
}

async fn failed(world: &World, tree: &Path, code: &str) {
    let operation = world.pack(tree).await;
    assert_eq!(operation["state"], "failed", "{operation}");
    let problem = &operation["error"];
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["trace_id"], operation["trace_id"]);
    assert_eq!(
        problem["instance"],
        format!("/api/operations/{}", operation["id"].as_str().unwrap())
    );
    seen_everywhere(world, problem, "failed").await;
}

/// A hook that does something to a path once the tree is walked; the path is set later.
fn once_walked(
    options: &mut Options,
    act: impl Fn(&Path) + Send + Sync + 'static,
) -> Arc<Mutex<PathBuf>> {
    let target = Arc::new(Mutex::new(PathBuf::new()));
    let path = Arc::clone(&target);
    options.hook = Some(Arc::new(move |at| {
        if at == Checkpoint::Packing(Milestone::Walked) {
            act(&path.lock().unwrap());
        }
    }));
    target
}

#[tokio::test]
async fn a_path_outside_the_roots() {
    let world = World::start().await;
    let outside = world.dir.path().join("state");
    refused(&world, &outside, 403, "path-outside-roots").await;
}

#[tokio::test]
async fn a_link_that_leads_outside_the_roots() {
    let world = World::start().await;
    let link = world.dir.path().join("root/link");
    std::os::unix::fs::symlink(world.dir.path().join("state"), &link).unwrap();
    refused(&world, &link, 403, "path-outside-roots").await;
}

#[tokio::test]
async fn a_missing_path() {
    let world = World::start().await;
    refused(&world, &world.dir.path().join("root/missing"), 404, "path-not-found").await;
}

#[tokio::test]
async fn a_file_that_vanishes_while_packed() {
    let mut target = None;
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let world = World::with(|options| target = Some(once_walked(options, remove))).await;
    let tree = world.tree("app");
    *target.unwrap().lock().unwrap() = tree.join("sub/7.txt");
    failed(&world, &tree, "path-vanished").await;
}

#[tokio::test]
async fn a_file_that_grows_while_packed() {
    let mut target = None;
    let grow = |path: &Path| {
        let more = [std::fs::read(path).unwrap(), b"more".to_vec()].concat();
        std::fs::write(path, more).unwrap();
    };
    let world = World::with(|options| target = Some(once_walked(options, grow))).await;
    let tree = world.tree("app");
    *target.unwrap().lock().unwrap() = tree.join("sub/7.txt");
    failed(&world, &tree, "path-changed").await;
}

#[tokio::test]
async fn a_store_that_may_not_be_written() {
    // The superuser passes every mode, so the refusal comes from the file system's stand-in.
    let world = World::with(|options| {
        options.fs = faulty(OpKind::Create, io::ErrorKind::PermissionDenied);
    });
    let world = world.await;
    failed(&world, &world.tree("app"), "permission-denied").await;
}

#[tokio::test]
async fn a_tree_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::start().await;
    let tree = world.tree("app");
    let file = tree.join("sub/7.txt");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&file).is_ok() {
        // This user may read anything; the same code path is seen by other users only.
        return;
    }
    failed(&world, &tree, "permission-denied").await;
}

#[tokio::test]
async fn a_full_disk() {
    for kind in [OpKind::Write, OpKind::Sync, OpKind::Rename] {
        let world =
            World::with(|options| options.fs = faulty(kind, io::ErrorKind::StorageFull)).await;
        failed(&world, &world.tree("app"), "no-space").await;
    }
}

#[tokio::test]
async fn a_server_that_stops_while_packing() {
    let (reached, mut parked) = tokio::sync::mpsc::unbounded_channel();
    let (resume, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let world = World::with(|options| {
        options.hook = Some(Arc::new(move |at| {
            if at == Checkpoint::Packing(Milestone::Walked) {
                reached.send(()).unwrap();
                // An error says that the test is over, which ends the wait as well.
                let _ = wait.lock().unwrap().recv();
            }
        }));
    });
    let world = world.await;
    let tree = world.tree("app");
    let operation: Value = world.ask_to_pack(&tree).await.json().await.unwrap();
    parked.recv().await.unwrap();
    let (dir, id) = (world.dir, operation["id"].as_str().unwrap().to_owned());
    let stopping = tokio::spawn(world.service.stop());
    tokio::task::yield_now().await;
    resume.send(()).unwrap();
    stopping.await.unwrap();

    let again = World::with(|options| {
        options.state_dir = dir.path().join("state");
        options.store_dir = dir.path().join("store");
    });
    let again = again.await;
    let ended = again.ended(&id).await;
    assert_eq!(
        (&ended["state"], &ended["error"]["code"]),
        (&json!("failed"), &json!("interrupted"))
    );
    let events = again.events().await;
    assert_eq!(events.len(), 1, "the stop told it, so the start does not");
    assert_eq!(events[0]["data"]["problem"]["code"], "interrupted");
}

/// The disk, but every operation of this kind in the store fails.
fn faulty(kind: OpKind, error: io::ErrorKind) -> Arc<FaultyFs> {
    Arc::new(FaultyFs::new(Arc::new(DiskFs), move |op| {
        match op.kind == kind && op.path.components().any(|part| part.as_os_str() == "store") {
            true => Verdict::Fail(error.into()),
            false => Verdict::Pass,
        }
    }))
}
