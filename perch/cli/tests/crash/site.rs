//! Where a collector under test lives: its folder, its configuration, its lives.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use collector_otlp::Signal;

use crate::sink::{EPOCH, Sink};
use crate::support::{Perch, Starting};

/// How the collector is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// `ack` of all pipelines.
    pub(crate) ack: &'static str,
    /// `storage.max_bytes`.
    pub(crate) max_bytes: &'static str,
    /// `memory_limiter`'s `limit_mib`.
    pub(crate) memory_mib: u64,
}

/// A collector's place; it may live there several times, one life after the other.
pub(crate) struct Site<'a> {
    pub(crate) setup: Setup,
    pub(crate) sinks: &'a [Sink],
    dir: tempfile::TempDir,
    storage: Option<PathBuf>,
    /// Words before the command.
    within: Vec<OsString>,
    /// Lives so far.
    pub(crate) epoch: u32,
}

impl<'a> Site<'a> {
    pub(crate) fn new(setup: Setup, sinks: &'a [Sink]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { setup, sinks, dir, storage: None, within: Vec::new(), epoch: 0 }
    }

    /// Puts the storage elsewhere, and the process into another command's care.
    pub(crate) fn within(mut self, command: Vec<OsString>, storage: &Path) -> Self {
        self.within = command;
        self.storage = Some(storage.to_owned());
        self
    }

    /// Where the collector keeps what it keeps.
    pub(crate) fn storage(&self) -> PathBuf {
        self.storage.clone().unwrap_or_else(|| self.dir.path().join("storage"))
    }

    /// Begins the next life.
    pub(crate) fn spawn(&mut self) -> Starting {
        self.epoch += 1;
        let file = self.dir.path().join("perch.yaml");
        std::fs::write(&file, self.yaml()).unwrap();
        let mut words = self.within.iter().cloned().chain([env!("CARGO_BIN_EXE_perch").into()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg("collect").arg("--config").arg(file);
        command.args(["--api-listen", "127.0.0.1:0"]).env_remove("PERCH_LOG");
        Perch::spawn(&mut command)
    }

    /// Begins the next life and waits until it is ready.
    pub(crate) fn start(&mut self) -> Perch {
        let failed = |(status, said): (ExitStatus, String)| panic!("{status}: {said}");
        self.spawn().ready().unwrap_or_else(failed)
    }

    fn yaml(&self) -> String {
        let Setup { ack, max_bytes, memory_mib } = self.setup;
        let storage = self.storage();
        let storage = storage.display();
        let mut exporters = String::new();
        for Sink { name, addr, .. } in self.sinks {
            // One request at a time: only then is the order at the sink the order of the log. The time-out is beyond
            // what any test waits, so that a sink's answer is never both given and missed.
            exporters.push_str(&format!(
                "  otlp_http/{name}:\n    endpoint: \"http://{addr}\"\n    timeout: 120s\n    \
                 headers: {{ {EPOCH}: \"{}\" }}\n    sending_queue: {{ num_consumers: 1 }}\n    \
                 retry_on_failure: {{ initial_interval: 5ms, max_interval: 20ms }}\n",
                self.epoch
            ));
        }
        let names: Vec<String> =
            self.sinks.iter().map(|s| format!("otlp_http/{}", s.name)).collect();
        let names = names.join(", ");
        let mut pipelines = String::new();
        for signal in Signal::ALL {
            pipelines.push_str(&format!(
                "    {signal}:\n      receivers: [otlp]\n      processors: [memory_limiter]\n      \
                 exporters: [{names}]\n      ack: {ack}\n"
            ));
        }
        format!(
            "receivers:\n  otlp:\n    protocols:\n      grpc: {{ endpoint: \"127.0.0.1:0\" }}\n      \
             http: {{ endpoint: \"127.0.0.1:0\" }}\n\
             processors:\n  memory_limiter: {{ limit_mib: {memory_mib} }}\n\
             exporters:\n{exporters}\
             storage: {{ directory: \"{storage}\", max_bytes: {max_bytes} }}\n\
             service:\n  telemetry: {{ logs: {{ level: warn }} }}\n  pipelines:\n{pipelines}"
        )
    }
}

/// The most memory a process had in use, in mebibytes, rounded up.
pub(crate) fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib.div_ceil(1024)
}
