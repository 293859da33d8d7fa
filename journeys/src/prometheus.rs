//! A real Prometheus by itself, with a past that a test writes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Client, backend, wait_for};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running Prometheus on a free port of loopback.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    client: Client,
    _dir: TempDir,
}

impl Prometheus {
    /// Starts one whose store holds the samples of `openmetrics`: text with times, ending in `# EOF`.
    ///
    /// # Panics
    /// When promtool refuses the samples, or the server does not become ready.
    #[must_use]
    pub fn with_past(openmetrics: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let (data, past) = (dir.path().join("data"), dir.path().join("past.txt"));
        fs::write(&past, openmetrics).unwrap();
        let server = backend("prometheus").unwrap();
        let filled = Command::new(server.with_file_name("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
            .args([&past, &data])
            .output()
            .unwrap();
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        let (child, address) = start(&server, dir.path(), &data);
        let client = Client::new(&format!("http://{address}"));
        let started = Self { child, client, _dir: dir };
        wait_for("Prometheus to be ready", START.as_secs(), || {
            let reply = started.client.get("/-/ready")?;
            if reply.status == 200 { Ok(()) } else { Err(reply.text) }
        });
        started
    }

    /// Its HTTP API.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server and the address that its log says it listens on.
fn start(server: &Path, dir: &Path, data: &Path) -> (Child, String) {
    let config = dir.join("prometheus.yml");
    fs::write(&config, "global: {}\n").unwrap();
    let mut child = Command::new(server)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        // Longer than any past of a test, or it would be deleted.
        .arg("--storage.tsdb.retention.time=1y")
        .arg("--web.listen-address=127.0.0.1:0")
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = log.lines().map_while(Result::ok);
        let listening = lines.find(|line| line.contains("msg=\"Listening on\""));
        let _ = sender.send(listening);
        // Keep reading, or a full pipe would block the child.
        lines.for_each(drop);
    });
    let line = receiver.recv_timeout(START).ok().flatten().unwrap_or_else(|| {
        let _ = child.kill();
        panic!("Prometheus did not listen within {START:?}")
    });
    let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
    (child, address.unwrap_or_else(|| panic!("no address in {line}")).to_owned())
}
