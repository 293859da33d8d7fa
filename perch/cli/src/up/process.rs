//! One child process: started in a group of its own, tied to our life, its output in a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

/// How much of a log's end is looked at for its last lines.
const TAIL_BYTES: u64 = 8 << 10;
/// How many last lines are shown when a process dies.
const TAIL_LINES: usize = 8;

/// What to start.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// The binary.
    pub(super) path: PathBuf,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Variables beside the inherited ones.
    pub(super) env: Vec<(&'static str, String)>,
    /// Where its output goes.
    pub(super) log: PathBuf,
}

/// A running child.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: Pid,
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It ended on its own after being asked.
    Graceful,
    /// It had to be killed.
    Killed,
}

impl Program {
    /// Starts it through [`crate::guard`].
    ///
    /// Must be called on a thread that lives as long as this process: the parent-death signal follows
    /// the thread. `perch up` runs on its main thread alone.
    pub(super) fn start(&self) -> io::Result<Process> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = Command::new(std::env::current_exe()?)
            .arg("guard")
            .args(["--parent", &std::process::id().to_string(), "--"])
            .arg(&self.path)
            .args(&self.args)
            .envs(self.env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        match pid {
            Some(pid) => Ok(Process { child, pid }),
            None => Err(io::Error::other("the process ended before it had an id")),
        }
    }
}

impl Process {
    /// Its process id, which is also its group's.
    pub(super) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits for its end, then ends what it left in its group. Safe to drop and call again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        // Grandchildren that outlive their parent; none is the usual case.
        let _ = kill_process_group(self.pid, Signal::KILL);
        Ok(status)
    }

    /// Asks it to end, and kills its group when `within` has passed.
    pub(super) async fn stop(&mut self, within: Duration) -> io::Result<Stop> {
        // Fails only if it has ended already, which the wait then tells.
        let _ = kill_process(self.pid, Signal::TERM);
        if let Ok(ended) = tokio::time::timeout(within, self.wait()).await {
            return ended.map(|_| Stop::Graceful);
        }
        let _ = kill_process_group(self.pid, Signal::KILL);
        self.wait().await.map(|_| Stop::Killed)
    }
}

/// The last lines of a log file, for showing why a process died.
pub(super) fn last_lines(log: &Path) -> Vec<String> {
    read_tail(log).map_or_else(|_| Vec::new(), |text| tail_of(&text))
}

fn read_tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn tail_of(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|l| (*l).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_only_the_end_of_a_log() {
        let text: String = (0..20).map(|i| format!("line {i}\n\n")).collect();
        let lines = tail_of(&text);
        assert_eq!(lines.len(), TAIL_LINES);
        assert_eq!(lines.last().map(String::as_str), Some("line 19"));
        assert!(tail_of("").is_empty());
    }
}
