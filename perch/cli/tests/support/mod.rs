//! `perch` as a child process, and a plain HTTP client to talk to it.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, reason = "test code")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether something is so; a test that spins takes the processor from what it waits for.
const LOOK: Duration = Duration::from_millis(2);

/// A `perch` command of which nothing is known yet.
pub struct Starting(Process);

/// A child whose standard error is read as it comes, so that it never waits for its reader.
struct Process {
    child: Child,
    stderr: Option<JoinHandle<String>>,
}

/// A `perch` command that runs until it is stopped.
pub struct Perch {
    process: Process,
    /// The line it printed when ready.
    pub ready: Value,
}

impl Starting {
    /// Waits for the line it prints when ready; on a failure, what it said.
    pub fn ready(mut self) -> Result<Perch, (ExitStatus, String)> {
        let mut line = String::new();
        let stdout = self.0.child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        if line.is_empty() {
            let status = self.0.child.wait().unwrap();
            return Err((status, self.0.said()));
        }
        Ok(Perch { process: self.0, ready: serde_json::from_str(&line).unwrap() })
    }

    /// Kills it, however far it is, and tells what it said.
    pub fn kill(mut self) -> String {
        self.0.child.kill().unwrap();
        self.0.child.wait().unwrap();
        self.0.said()
    }
}

impl Process {
    fn said(&mut self) -> String {
        self.stderr.take().unwrap().join().unwrap()
    }
}

impl Perch {
    /// Starts `perch` with `--json` at the end.
    pub fn spawn(command: &mut Command) -> Starting {
        let mut child = command
            .arg("--json")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut said = Vec::new();
            stderr.read_to_end(&mut said).unwrap();
            String::from_utf8_lossy(&said).into_owned()
        });
        Starting(Process { child, stderr: Some(stderr) })
    }

    /// Starts `perch` and waits for its line; on a failure, what it said.
    pub fn start(command: &mut Command) -> Result<Self, (ExitStatus, String)> {
        Self::spawn(command).ready()
    }

    /// A text in the line.
    pub fn text(&self, pointer: &str) -> String {
        let text = self.ready.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {pointer} in {}", self.ready)).to_owned()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Sends a signal and waits for the end.
    pub fn end_by(&mut self, signal: Signal) -> ExitStatus {
        send(self.pid(), signal);
        self.ended()
    }

    /// Waits for the end.
    pub fn ended(&mut self) -> ExitStatus {
        let child = &mut self.process.child;
        wait_for("perch ends", || child.try_wait().unwrap())
    }

    /// What it wrote to standard error, once it has ended.
    pub fn said(&mut self) -> String {
        self.process.said()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test.
pub fn perch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perch"));
    command.env_remove("PERCH_LOG");
    command
}

/// Sends a signal to a process.
pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A loopback address of its own, with a port. Whoever asks for any free port gets one of 127.0.0.1: nobody else
/// listens here before or after the one it is meant for.
pub fn free_address() -> SocketAddr {
    static N_TAKEN: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    let n = 1 + N_TAKEN.fetch_add(1, Relaxed) % 250;
    TcpListener::bind((Ipv4Addr::new(127, n, high, low), 0)).unwrap().local_addr().unwrap()
}

/// Asks until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(LOOK);
    }
}

/// A reply.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e} in {}", self.body))
    }
}

/// Gets `http://HOST:PORT/…`; nothing if nobody answers.
pub fn get(url: &str) -> Option<Reply> {
    call("GET", url, &[], &[])
}

/// One request on a connection of its own.
pub fn call(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Reply> {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut request = format!("{method} /{path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request.push_str(&format!("Host: {host}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(request.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).ok()?;
    let text = String::from_utf8_lossy(&reply);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, body: body.to_owned() })
}
