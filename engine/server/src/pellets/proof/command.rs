//! Runs one command with a deadline, reading what it prints.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nestr_pellets::SelfTest;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::operations::Cancel;

/// What is kept of an output.
const KEPT: usize = 4 << 10;
/// The longest line that is looked at as a whole.
const MAX_LINE: u64 = 1 << 20;
/// Time between two looks at whether the command has ended.
const POLL: Duration = Duration::from_millis(10);

/// Variables that would lead a test to another environment than the one it tries.
const MISLEADING: [&str; 6] = [
    "VIRTUAL_ENV",
    "PYTHONHOME",
    "PYTHONPATH",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET",
    "NODE_PATH",
];

/// What keeps the tools off the network, and from writing beside what they test.
const QUIET: [(&str, &str); 6] = [
    ("CARGO_NET_OFFLINE", "true"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("PIP_NO_INDEX", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("npm_config_offline", "true"),
    ("npm_config_update_notifier", "false"),
];

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Well,
    Badly(String),
    /// Killed at its deadline.
    Late,
    /// Killed because of a line.
    Stopped(String),
    /// Killed because somebody asked for the end.
    Cancelled,
}

/// A command that has ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) ended: Ended,
    /// The first bytes of its output.
    pub(super) output: String,
    /// The last bytes of what it complained.
    pub(super) complaint: String,
}

/// Runs `test` until it ends, until `deadline` is over, until somebody asks for the end, or until `stops` finds a
/// reason in a line.
pub(super) fn run(
    test: &SelfTest,
    deadline: Duration,
    cancel: &Cancel,
    stops: fn(&[u8]) -> Option<String>,
) -> io::Result<Ran> {
    let (program, arguments) = test.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&test.dir).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in MISLEADING {
        command.env_remove(name);
    }
    command.envs(QUIET).envs(test.env.iter().map(|(name, value)| (name, value)));
    let mut child = command.spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (found, reasons) = channel();
    thread::scope(|scope| {
        let output = scope.spawn(move || {
            out.map_or(Ok(String::new()), |out| {
                lines(out, |line| {
                    if let Some(reason) = stops(line) {
                        // Without a receiver the command has been killed already.
                        let _ = found.send(reason);
                    }
                })
            })
        });
        let complaint = scope.spawn(move || err.map_or(Ok(String::new()), tail));
        let ended = wait(&mut child, deadline, cancel, &reasons);
        // What the command left running would keep the pipes open.
        kill(&child);
        let text = |read: thread::ScopedJoinHandle<'_, io::Result<String>>| {
            read.join().ok().and_then(Result::ok).unwrap_or_default()
        };
        let (output, complaint) = (text(output), text(complaint));
        // A command may end before the line was read that speaks against it.
        let ended = reasons.try_recv().map_or(ended?, Ended::Stopped);
        Ok(Ran { ended, output, complaint })
    })
}

fn wait(
    child: &mut Child,
    deadline: Duration,
    cancel: &Cancel,
    reasons: &Receiver<String>,
) -> io::Result<Ended> {
    let started = Instant::now();
    let mut silent = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(match (status.code(), status.signal()) {
                (Some(0), _) => Ended::Well,
                (Some(code), _) => Ended::Badly(format!("exit code {code}")),
                (None, signal) => Ended::Badly(format!("signal {}", signal.unwrap_or_default())),
            });
        }
        let reason = match silent {
            true => {
                thread::sleep(POLL);
                None
            }
            false => match reasons.recv_timeout(POLL) {
                Ok(reason) => Some(Ended::Stopped(reason)),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    silent = true;
                    None
                }
            },
        };
        let late = (started.elapsed() >= deadline).then_some(Ended::Late);
        let cancelled = cancel.is_asked().then_some(Ended::Cancelled);
        if let Some(ended) = reason.or(late).or(cancelled) {
            kill(child);
            child.wait()?;
            return Ok(ended);
        }
    }
}

/// Ends the command and everything it started in its group.
fn kill(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // One that is gone needs no end.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Hands over every line, cut where it is too long, and keeps the beginning of all.
fn lines(output: impl Read, mut each: impl FnMut(&[u8])) -> io::Result<String> {
    let (mut output, mut kept, mut line) = (BufReader::new(output), Vec::new(), Vec::new());
    loop {
        line.clear();
        if (&mut output).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        each(&line);
        let room = KEPT.saturating_sub(kept.len()).min(line.len());
        kept.extend_from_slice(&line[..room]);
    }
}

/// Keeps the end.
fn tail(mut output: impl Read) -> io::Result<String> {
    let (mut kept, mut chunk) = (Vec::new(), [0; KEPT]);
    loop {
        let n = output.read(&mut chunk)?;
        if n == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        kept.extend_from_slice(&chunk[..n]);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }
}
