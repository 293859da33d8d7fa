//! kill -9 at every point of a packing: never a half Pellet under its final name, and the next start cleans up and says so.
//!
//! The test executable starts itself again as the server to be killed; that child packs with a hook that prints a line at
//! the wanted point and then never returns. A second child, without the hook, is the next start.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "this is a test")]

use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use durable_fs::{DiskFs, FaultyFs, Fs, OpKind, SystemClock, Verdict};
use nestr_pellets::Milestone;
use nestr_server::{Checkpoint, Options, Service};
use nestr_telemetry::TelemetryOptions;
use serde_json::{Value, json};

const FOLDER: &str = "NESTR_KILL_TEST_FOLDER";
const POINT: &str = "NESTR_KILL_TEST_POINT";
const PATIENCE: Duration = Duration::from_secs(60);
/// Five frames of 16 MiB.
const TREE_BYTES: usize = 72 * 1024 * 1024;

/// The points, and whether the packing counts as done there.
const POINTS: [(&str, bool); 9] = [
    ("walk", false),
    ("first-frame", false),
    ("half-the-frames", false),
    ("last-frame", false),
    ("fsync", false),
    ("rename", false),
    ("sidecar", false),
    ("event", true),
    ("nothing", true),
];

/// Whether a checkpoint is the point to stop at.
fn is_at(point: &str, at: Checkpoint) -> bool {
    match (point, at) {
        ("first-frame", Checkpoint::Packing(Milestone::FrameWritten { index, .. })) => index == 0,
        ("half-the-frames", Checkpoint::Packing(Milestone::FrameWritten { index, n_planned })) => {
            index == n_planned / 2
        }
        ("last-frame", Checkpoint::Packing(Milestone::FrameWritten { index, n_planned })) => {
            index + 1 == n_planned
        }
        ("walk", Checkpoint::Packing(Milestone::Walked))
        | ("fsync", Checkpoint::Packing(Milestone::ArchiveSynced))
        | ("rename", Checkpoint::Packing(Milestone::ArchiveRenamed))
        | ("sidecar", Checkpoint::Packing(Milestone::SidecarRenamed))
        | ("event", Checkpoint::Recorded { .. }) => true,
        _ => false,
    }
}

/// Not a test: what the children run.
#[test]
fn child() {
    let (Ok(folder), Ok(point)) = (std::env::var(FOLDER), std::env::var(POINT)) else { return };
    let folder = PathBuf::from(folder);
    let telemetry = Arc::new(nestr_telemetry::init(&TelemetryOptions::default()).unwrap());
    let any = "127.0.0.1:0".parse().unwrap();
    let options = Options {
        listen: any,
        metrics_listen: any,
        allowed_hosts: Vec::new(),
        roots: vec![folder.join("root")],
        state_dir: folder.join("state"),
        store_dir: folder.join("store"),
        pack_threads: NonZeroUsize::new(2).unwrap(),
        quota: None,
        sign_key: None,
        trusted_keys: Vec::new(),
        verify_build: false,
        mtime: 0,
        otlp_endpoint: "http://127.0.0.1:1".into(),
        perch_url: "http://127.0.0.1:1".into(),
        telemetry,
        fs: if point == "restore" { before_the_name() } else { Arc::new(DiskFs) },
        clock: Arc::new(SystemClock::new()),
        hook: Some(Arc::new(move |at| {
            if is_at(&point, at) {
                stay(&point);
            }
        })),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let service = Service::start(options).await.unwrap();
        let token = service.tokens().create("ada", PATIENCE).unwrap().0;
        println!("serving {} {token}", service.listen());
        std::future::pending::<()>().await;
    });
}

/// Says that the point is reached, and never returns.
fn stay(point: &str) -> ! {
    println!("reached {point}");
    loop {
        std::thread::park();
    }
}

/// The disk, but a restored tree never gets its name.
fn before_the_name() -> Arc<dyn Fs> {
    Arc::new(FaultyFs::new(Arc::new(DiskFs), |op| {
        if op.kind == OpKind::Rename && op.path.ends_with("root/back") {
            stay("restore");
        }
        Verdict::Pass
    }))
}

/// A child and what it says.
struct Engine {
    process: Child,
    lines: Receiver<String>,
    log: PathBuf,
    url: String,
    token: String,
}

impl Engine {
    fn start(folder: &Path, point: &str) -> Self {
        let log = folder.join(format!("{point}.log"));
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads", "1"])
            .env(FOLDER, folder)
            .env(POINT, point)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let (tell, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .take_while(|line| tell.send(line.clone()).is_ok())
                .count()
        });
        let mut engine = Self { process, lines, log, url: String::new(), token: String::new() };
        let words = engine.line_with("serving ");
        let (address, token) = words.split_once(' ').unwrap();
        (engine.url, engine.token) = (format!("http://{address}"), token.to_owned());
        engine
    }

    /// What follows `start` in the first line that has it.
    fn line_with(&self, start: &str) -> String {
        let started = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(started.elapsed());
            let line =
                self.lines.recv_timeout(left).unwrap_or_else(|e| panic!("{e}: {}", self.log()));
            // The harness of the child prints on the same line.
            if let Some(at) = line.find(start) {
                return line[at + start.len()..].to_owned();
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("{}{path}", self.url));
        request.bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }

    async fn pack(&self, tree: &Path) -> String {
        self.begin("/api/pellets/compress", &json!({"path": tree})).await
    }

    async fn begin(&self, path: &str, body: &Value) -> String {
        let request = reqwest::Client::new().post(format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token).json(body);
        let operation: Value = request.send().await.unwrap().json().await.unwrap();
        operation["id"].as_str().unwrap_or_else(|| panic!("{operation}")).to_owned()
    }

    async fn ended(&self, id: &str) -> Value {
        let started = Instant::now();
        loop {
            let operation = self.get(&format!("/api/operations/{id}")).await;
            if operation["state"] != "running" {
                return operation;
            }
            assert!(started.elapsed() < PATIENCE, "{operation}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Engine {
    // SIGKILL, to this child alone.
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Every file in the store.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.to_string_lossy().ends_with("lock") => {}
            false => found.push(path),
        }
    }
    found
}

/// A final name is `<digest>/NAME.pellet`; whoever reads it must find what the digest says.
fn no_half_pellet(store: &Path) {
    for path in files(store) {
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        if folder.len() == 64 && path.extension().is_some_and(|ending| ending == "pellet") {
            assert_eq!(blake3::hash(&std::fs::read(&path).unwrap()).to_string(), folder);
        }
    }
}

async fn killed_at(point: &'static str, done: bool) {
    let dir = tempfile::tempdir().unwrap();
    let (tree, store) = (dir.path().join("root/tree"), dir.path().join("store"));
    std::fs::create_dir_all(&tree).unwrap();
    let text = "what is packed here can be packed well\n".repeat(TREE_BYTES / 4 / 39);
    (0..4)
        .for_each(|n| std::fs::write(tree.join(format!("{n}.txt")), format!("{n}{text}")).unwrap());

    let engine = Engine::start(dir.path(), point);
    let id = engine.pack(&tree).await;
    if point == "nothing" {
        let started = Instant::now();
        while engine.get(&format!("/api/operations/{id}")).await["state"] == "running" {
            assert!(started.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    } else {
        engine.line_with("reached ");
    }
    let before = files(&store);
    drop(engine);
    assert_eq!(before.is_empty(), point == "walk", "{point}: {before:?}");
    no_half_pellet(&store);

    let next = Engine::start(dir.path(), "next start");
    let operation = next.get(&format!("/api/operations/{id}")).await;
    let pellets = next.get("/api/pellets").await["items"].as_array().unwrap().clone();
    let events = next.get("/api/events").await["items"].as_array().unwrap().clone();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    if done {
        assert_eq!(operation["state"], "succeeded", "{point}");
        assert_eq!((pellets.len(), kinds), (1, vec!["pellet:compressed"]), "{point}");
        assert_eq!(files(&store).len(), 2, "{point}");
        assert!(!next.log().contains("interrupted"), "{point}: {}", next.log());
        return;
    }
    assert_eq!(operation["error"]["code"], "interrupted", "{point}: {operation}");
    assert_eq!(operation["error"]["trace_id"], operation["trace_id"], "{point}");
    assert_eq!((pellets.len(), kinds), (0, vec!["pellet:failed"]), "{point}");
    assert_eq!(files(&store), Vec::<PathBuf>::new(), "{point}: had {before:?}");
    let log = next.log();
    assert!(log.contains("packing was interrupted by the end of the engine"), "{point}: {log}");
    let removed = events[0]["data"]["removed"].as_array().unwrap();
    assert_eq!(removed.is_empty(), before.is_empty(), "{point}: {before:?} {removed:?}");
    for remains in removed {
        let path = remains["path"].as_str().unwrap();
        assert!(log.contains(path), "{point}: {log}");
    }
    // What was cut short can be done again.
    let again = next.pack(&tree).await;
    let started = Instant::now();
    while next.get(&format!("/api/operations/{again}")).await["state"] != "succeeded" {
        assert!(started.elapsed() < PATIENCE, "{point}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn no_kill_leaves_a_half_pellet_or_goes_unsaid() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    for (point, done) in POINTS {
        killed_at(point, done).await;
    }
}

#[tokio::test]
async fn what_a_killed_restore_left_is_gone_after_the_next_start() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    std::fs::create_dir_all(root.join("tree")).unwrap();
    std::fs::write(root.join("tree/file"), "content").unwrap();
    let engine = Engine::start(dir.path(), "restore");
    let packed = engine.pack(&root.join("tree")).await;
    let digest = engine.ended(&packed).await["result"]["digest"].clone();
    let path = format!("/api/pellets/{}/restore", digest.as_str().unwrap());
    let id = engine.begin(&path, &json!({"target": root.join("back")})).await;
    engine.line_with("reached ");
    drop(engine);
    let left = files(&root).into_iter().find(|path| path.to_string_lossy().contains(".partial"));
    assert!(left.is_some(), "the tree was built beside its target");

    let next = Engine::start(dir.path(), "next start");
    assert_eq!(files(&root), [root.join("tree/file")]);
    let operation = next.get(&format!("/api/operations/{id}")).await;
    assert_eq!(operation["error"]["code"], "interrupted", "{operation}");
    let events = next.get("/api/events").await["items"].as_array().unwrap().clone();
    let removed = events.last().unwrap()["data"]["removed"][0]["path"].clone();
    assert!(left.unwrap().starts_with(removed.as_str().unwrap()), "{removed}");
    assert!(next.log().contains(removed.as_str().unwrap()));
}
