//! A server of its own for each test, in a folder of its own.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use durable_fs::{DiskFs, SystemClock};
use nestr_server::{Options, Service};
use nestr_telemetry::{Export, Telemetry, TelemetryOptions};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::sink::Sink;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) service: Service,
    pub(crate) token: String,
    telemetry: Arc<Telemetry>,
    http: Client,
}

/// Spans and records of all tests of this process, told apart by their trace ids.
struct Exported {
    telemetry: Telemetry,
    sink: Sink,
}

fn exported() -> &'static Exported {
    static ONCE: OnceLock<Exported> = OnceLock::new();
    ONCE.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        // A runtime that outlives each test's own.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                tell.send(Sink::start().await).unwrap();
                std::future::pending::<()>().await;
            });
        });
        let sink = told.recv().unwrap();
        let export = Some(Export::to(sink.url.clone()));
        let options = TelemetryOptions { export, ..TelemetryOptions::default() };
        Exported { telemetry: nestr_telemetry::init(&options).unwrap(), sink }
    })
}

/// What was exported, complete for all that has ended.
pub(crate) async fn flushed() -> &'static Sink {
    let flush = || exported().telemetry.flush(PATIENCE);
    assert!(tokio::task::spawn_blocking(flush).await.unwrap());
    &exported().sink
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with changed options; its root is `root` in its folder.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        tokio::task::spawn_blocking(|| exported().sink.url.len()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("root")).unwrap();
        // Metrics of this server alone.
        let (telemetry, _) = Telemetry::build(&TelemetryOptions::default()).unwrap();
        let telemetry = Arc::new(telemetry);
        let any = "127.0.0.1:0".parse().unwrap();
        let mut options = Options {
            listen: any,
            metrics_listen: any,
            allowed_hosts: Vec::new(),
            roots: vec![dir.path().join("root")],
            state_dir: dir.path().join("state"),
            store_dir: dir.path().join("store"),
            pack_threads: NonZeroUsize::new(2).unwrap(),
            quota: None,
            sign_key: None,
            trusted_keys: Vec::new(),
            verify_build: false,
            mtime: 0,
            otlp_endpoint: "http://127.0.0.1:1".into(),
            perch_url: "http://127.0.0.1:1".into(),
            telemetry: Arc::clone(&telemetry),
            fs: Arc::new(DiskFs),
            clock: Arc::new(SystemClock::new()),
            hook: None,
        };
        change(&mut options);
        let service = Service::start(options).await.unwrap();
        let token = service.tokens().create("ada", Duration::from_secs(3_600)).unwrap().0;
        let http = Client::builder().no_proxy().build().unwrap();
        Self { dir, service, token, telemetry, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.listen())
    }

    /// A request without a token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.bare(Method::GET, path).bearer_auth(&self.token).send().await.unwrap()
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.bare(Method::POST, path).bearer_auth(&self.token).json(body)
    }

    /// A tree beneath the root with a few files.
    pub(crate) fn tree(&self, name: &str) -> PathBuf {
        let tree = self.dir.path().join("root").join(name);
        std::fs::create_dir_all(tree.join("sub")).unwrap();
        for n in 0..20 {
            let mut text = String::new();
            (0..200).for_each(|line| writeln!(text, "{name} {n} {line}").unwrap());
            std::fs::write(tree.join(format!("sub/{n}.txt")), text).unwrap();
        }
        tree
    }

    pub(crate) async fn ask_to_pack(&self, tree: &Path) -> Response {
        self.post("/api/pellets/compress", &json!({"path": tree})).send().await.unwrap()
    }

    /// Packs a tree and returns the ended operation.
    pub(crate) async fn pack(&self, tree: &Path) -> Value {
        let response = self.ask_to_pack(tree).await;
        assert_eq!(response.status(), 202);
        let operation: Value = response.json().await.unwrap();
        self.ended(operation["id"].as_str().unwrap()).await
    }

    /// The operation once it runs no more.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        let started = Instant::now();
        loop {
            let operation = self.get_json(&format!("/api/operations/{id}")).await;
            if operation["state"] != "running" {
                return operation;
            }
            assert!(started.elapsed() < PATIENCE, "{operation}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn events(&self) -> Vec<Value> {
        self.get_json("/api/events").await["items"].as_array().unwrap().clone()
    }

    /// Waits for an event of that type.
    pub(crate) async fn event_comes(&self, kind: &str) {
        let started = Instant::now();
        while !self.events().await.iter().any(|event| event["type"] == kind) {
            assert!(started.elapsed() < PATIENCE, "no {kind}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Value of a sample in the server's own metrics; 0 where it is not there.
    pub(crate) fn sample(&self, series: &str) -> f64 {
        let text = self.telemetry.metrics_text().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// Waits until a sample has a value, which is set soon after what can be seen over REST.
    pub(crate) async fn sample_becomes(&self, series: &str, value: f64) {
        let started = Instant::now();
        while (self.sample(series) - value).abs() > f64::EPSILON {
            assert!(started.elapsed() < PATIENCE, "{series} is {}", self.sample(series));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the store holds so many files: those of a Pellet go after its row and its event.
    pub(crate) async fn store_files_become(&self, n: usize) {
        let started = Instant::now();
        while self.store_files().len() != n {
            assert!(started.elapsed() < PATIENCE, "the store holds {:?}", self.store_files());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Files in the Pellet store, but for lock files.
    pub(crate) fn store_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.path().join("store")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.to_string_lossy().ends_with("lock") {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// Asserts that a response is a problem of this code and returns it.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> Value {
    let (got, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    assert_eq!(headers["content-type"], "application/problem+json", "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{text}");
    assert_eq!(problem["status"], status, "{text}");
    assert_eq!(problem["type"], format!("https://nestr.dev/problems/{code}"));
    problem
}
