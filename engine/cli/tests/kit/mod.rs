//! The program in a folder of its own, and an endpoint that takes its telemetry.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) exit: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// What it printed; it must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.exit, Some(0), "{}", self.err);
        self.out
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn file(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A file that does not compress.
    pub(crate) fn noise(&self, path: &str, len: usize) {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut content = Vec::with_capacity(len + 8);
        while content.len() < len {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend_from_slice(&state.to_le_bytes());
        }
        self.file(path, &content);
    }

    fn command(&self, args: &[&str]) -> Command {
        self.command_of(Command::new(env!("CARGO_BIN_EXE_nestr")), args)
    }

    /// Runs `nestr` as a shell with this umask does.
    pub(crate) fn with_umask(&self, umask: &str, args: &[&str]) -> Ended {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("umask {umask} && exec \"$0\" \"$@\"")]);
        shell.arg(env!("CARGO_BIN_EXE_nestr"));
        ended(self.command_of(shell, args).output().unwrap())
    }

    fn command_of(&self, mut command: Command, args: &[&str]) -> Command {
        command.args(args).current_dir(self.dir.path());
        command.env("HOME", self.dir.path()).env_remove("XDG_STATE_HOME").env("USER", "ada");
        if !args.contains(&"--otlp-endpoint") {
            command.env("NESTR__TELEMETRY__ENABLED", "false");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `nestr pellet`.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.nestr(&[&["pellet"], args].concat())
    }

    pub(crate) fn nestr(&self, args: &[&str]) -> Ended {
        ended(self.command(args).output().unwrap())
    }

    /// A text without the place of this folder.
    pub(crate) fn anonymous(&self, text: &str) -> String {
        let real = self.dir.path().canonicalize().unwrap();
        let text = text.replace(real.to_str().unwrap(), "DIR");
        text.replace(self.dir.path().to_str().unwrap(), "DIR")
    }

    /// Runs `nestr pellet` as the arguments of a script.
    pub(crate) fn run_in(&self, script: &str, args: &[&str]) -> Ended {
        let command = self.command(&[&["pellet"], args].concat());
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
        shell.current_dir(self.dir.path()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        ended(shell.output().unwrap())
    }

    /// Runs a command, and sends it a signal once it has begun to write.
    pub(crate) fn signalled(&self, signal: &str, args: &[&str]) -> Ended {
        let child = self.command(&[&["pellet"], args].concat()).spawn().unwrap();
        let begun = Instant::now();
        while self.remains().is_empty() {
            assert!(begun.elapsed() < PATIENCE, "it never began to write");
            std::thread::sleep(Duration::from_millis(1));
        }
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        ended(child.wait_with_output().unwrap())
    }

    /// Temporary folders that lie about.
    pub(crate) fn remains(&self) -> Vec<String> {
        let items = fs::read_dir(self.dir.path()).unwrap();
        let names = items.map(|item| item.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".partial")).collect()
    }
}

fn ended(output: std::process::Output) -> Ended {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    Ended { exit: output.status.code(), out, err }
}

/// Takes OTLP over HTTP and keeps what was sent as traces.
pub(crate) struct Collector {
    pub(crate) url: String,
    traces: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let traces = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&traces);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                // A connection that ends early is the probe of whether somebody listens.
                std::thread::spawn(move || serve(&stream.ok()?, &kept));
            }
        });
        Self { url, traces }
    }

    /// Bodies of requests with traces so far; a command that has ended has sent its own.
    pub(crate) fn traces(&self) -> Vec<Vec<u8>> {
        self.traces.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, traces: &Mutex<Vec<Vec<u8>>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut first, mut len) = (String::new(), 0);
        reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                len = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; len];
        reader.read_exact(&mut body).ok()?;
        if first.contains("/v1/traces") {
            traces.lock().unwrap().push(body);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}
