//! `perch up` as a child process, on free ports and a state folder of its own.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::Client;

/// How long a start may take, real servers included.
const START: Duration = Duration::from_secs(90);
/// How long a stop may take before the process is killed.
const STOP: Duration = Duration::from_secs(30);

/// What to start.
#[derive(Debug, Default)]
pub struct StackOptions {
    /// Folders the Engine may pack beneath.
    pub roots: Vec<PathBuf>,
    /// Whether the real servers are started too.
    pub with_backends: bool,
    /// More flags of `perch up`.
    pub flags: Vec<String>,
}

/// A running Engine and collector, with or without the real servers.
#[derive(Debug)]
pub struct Stack {
    child: Child,
    ready: Value,
    state: TempDir,
}

impl Stack {
    /// Starts `perch up --json` and waits for the line that says all is ready.
    ///
    /// # Panics
    /// When it ends or stays silent; its standard error stands in the test's output.
    #[must_use]
    pub fn start(options: &StackOptions) -> Self {
        let state = TempDir::new().unwrap();
        let mut command = Command::new(binary("perch"));
        command.args(["up", "--json"]);
        if !options.flags.iter().any(|flag| flag == "--state-dir") {
            command.arg("--state-dir").arg(state.path().join("state"));
        }
        for flag in LISTENERS {
            command.args([flag, "127.0.0.1:0"]);
        }
        for root in &options.roots {
            command.arg("--root").arg(root);
        }
        if !options.with_backends {
            command.arg("--no-backends");
        }
        command.args(&options.flags).current_dir(state.path()).env("NESTR_BIN", binary("nestr"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let ready = first_line(&mut child);
        Self { child, ready, state }
    }

    /// The process id of `perch up`.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder that holds the state of both programs.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.state.path().join("state")
    }

    /// The whole line that `perch up --json` printed.
    #[must_use]
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// The Engine, signed in.
    #[must_use]
    pub fn engine(&self) -> Client {
        Client::new(self.url("/engine/url")).with_token(self.text("/token"))
    }

    /// The Perch API.
    #[must_use]
    pub fn perch(&self) -> Client {
        Client::new(self.url("/perch/url"))
    }

    /// The collector's OTLP over HTTP.
    #[must_use]
    pub fn otlp(&self) -> Client {
        Client::new(self.url("/otlp/http"))
    }

    /// A real server by name.
    #[must_use]
    pub fn backend(&self, name: &str) -> Client {
        Client::new(self.url(&format!("/backends/{name}")))
    }

    fn url(&self, pointer: &str) -> &str {
        self.text(pointer)
    }

    fn text(&self, pointer: &str) -> &str {
        let value = self.ready.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no {pointer} in {}", self.ready))
    }

    /// Stops everything as ctrl-C does and returns the exit code.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn stop(&mut self) -> i32 {
        send(self.child.id(), Signal::INT);
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(started.elapsed() < STOP, "perch up did not stop within {STOP:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        send(self.child.id(), Signal::INT);
        let started = Instant::now();
        while started.elapsed() < STOP {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every listener of `perch up`, so that tests never meet a port in use.
const LISTENERS: [&str; 12] = [
    "--engine-listen",
    "--engine-metrics-listen",
    "--otlp-grpc",
    "--otlp-http",
    "--api-listen",
    "--prometheus-listen",
    "--alertmanager-listen",
    "--loki-listen",
    "--jaeger-listen",
    "--jaeger-otlp-grpc",
    "--jaeger-otlp-http",
    "--grafana-listen",
];

pub(crate) fn first_line(child: &mut Child) -> Value {
    let stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let _ = sender.send(lines.next());
        // Keep reading, or a full pipe would block the child.
        lines.for_each(drop);
    });
    let line = receiver.recv_timeout(START).ok().flatten();
    let line = line.unwrap_or_else(|| panic!("perch up did not become ready within {START:?}"));
    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line}"))
}

pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let _ = kill_process(pid.unwrap(), signal);
}

/// A binary of ours: named by `NESTR_BIN` or `PERCH_BIN`, else beside the test's own build.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let variable = format!("{}_BIN", name.to_uppercase());
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    let own = env::current_exe().unwrap();
    let profile = own.ancestors().find(|dir| dir.ends_with("debug") || dir.ends_with("release"));
    let path = profile.unwrap_or(Path::new(".")).join(name);
    assert!(path.is_file(), "{} is not built; `cargo build --workspace` does", path.display());
    path
}
