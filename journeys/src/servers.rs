//! Single real servers, and a collector with a configuration of its own, each on free ports.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::stack::{binary, first_line, send};
use crate::{Client, backend};

/// How long a server may take until it is ready.
const READY: Duration = Duration::from_secs(90);
/// How long a process may take to end when told to.
const END: Duration = Duration::from_secs(20);

/// A process that ends with its handle.
#[derive(Debug)]
struct Owned(Child);

/// A real server at work.
#[derive(Debug)]
pub struct Server {
    _process: Owned,
    _dir: TempDir,
    url: String,
}

/// `perch collect` at work.
#[derive(Debug)]
pub struct Collector {
    process: Owned,
    dir: TempDir,
    ready: Value,
}

impl Server {
    /// A Prometheus that takes remote-write, with `config` as its configuration and more flags.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn prometheus(config: &str, flags: &[&str]) -> Self {
        Self::start("prometheus", "/-/ready", |dir, port| {
            let file = dir.join("prometheus.yml");
            fs::write(&file, config).unwrap();
            let mut command = Command::new(backend("prometheus").unwrap());
            command
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--web.enable-remote-write-receiver")
                .arg("--log.level=warn")
                .args(flags);
            command
        })
    }

    /// An Alertmanager with `config` as its configuration.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn alertmanager(config: &str) -> Self {
        Self::start("alertmanager", "/-/ready", |dir, port| {
            let file = dir.join("alertmanager.yml");
            fs::write(&file, config).unwrap();
            let mut command = Command::new(backend("alertmanager").unwrap());
            command
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", dir.join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(["--cluster.listen-address=", "--log.level=warn"]);
            command
        })
    }

    /// A Loki in one process.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn loki() -> Self {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/backends/loki/loki.yaml");
        Self::start("loki", "/ready", |dir, port| {
            let mut command = Command::new(backend("loki").unwrap());
            command
                .arg(format!("-config.file={}", config.display()))
                .arg("-config.expand-env=true")
                .env("LOKI_PORT", port.to_string())
                .env("LOKI_DIR", dir);
            command
        })
    }

    fn start(name: &str, ready: &str, command: impl Fn(&Path, u16) -> Command) -> Self {
        // Somebody else may take the port between its choice and the server's start: then it is tried again.
        for _ in 0..3 {
            let dir = TempDir::new().unwrap();
            let port = free_port();
            let mut process = Owned(
                command(dir.path(), port)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .spawn()
                    .unwrap(),
            );
            let url = format!("http://127.0.0.1:{port}");
            let client = Client::new(&url);
            let give_up = Instant::now() + READY;
            while process.0.try_wait().unwrap().is_none() {
                if client.get(ready).is_ok_and(|reply| reply.status == 200) {
                    return Self { _process: process, _dir: dir, url };
                }
                assert!(Instant::now() < give_up, "{name} was not ready within {READY:?}");
                thread::sleep(Duration::from_millis(100));
            }
        }
        panic!("{name} ended three times before it was ready");
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its API.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }
}

impl Collector {
    /// Starts `perch collect` with a configuration.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn start(config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("perch.yaml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(binary("perch"));
        command.arg("collect").arg("--config").arg(&file);
        command.args(["--api-listen", "127.0.0.1:0", "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Owned(command.spawn().unwrap());
        let ready = first_line(&mut process.0);
        Self { process, dir, ready }
    }

    /// The configuration file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("perch.yaml")
    }

    /// The API.
    #[must_use]
    pub fn api(&self) -> Client {
        Client::new(self.ready["api"].as_str().unwrap())
    }

    /// The listener of one node, `receiver/otlp` for example, as `http://ADDR`.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn listener(&self, node: &str) -> String {
        let listeners = self.ready["listeners"].as_array().unwrap();
        let found = listeners.iter().find(|l| l["node"] == node);
        let found = found.unwrap_or_else(|| panic!("no {node} in {}", self.ready));
        format!("http://{}", found["addr"].as_str().unwrap())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.process.0.id(), signal);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        send(self.0.id(), Signal::TERM);
        let started = Instant::now();
        while started.elapsed() < END {
            if self.0.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
