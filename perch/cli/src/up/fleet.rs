//! All supervised components, in the order they were started.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::process::{Stop, last_lines};
use super::supervisor::{Component, State, Supervised};
use crate::http::Client;

/// Everything that runs; stopping goes in reverse of the order of starting.
#[derive(Debug)]
pub(super) struct Fleet {
    client: Client,
    members: Vec<Supervised>,
}

/// A component as the report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// Its name.
    pub(super) name: &'static str,
    /// Where it is reached.
    pub(super) address: String,
    /// What it is doing.
    pub(super) state: State,
    /// Its log file.
    pub(super) log: String,
}

impl Fleet {
    /// Nothing running yet.
    pub(super) fn new(client: Client) -> Self {
        Self { client, members: Vec::new() }
    }

    /// Writes a component's files and starts it, without waiting.
    pub(super) fn launch(&mut self, component: Component) -> std::io::Result<()> {
        for (path, text) in &component.files {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, text)?;
        }
        self.members.push(Supervised::start(component, self.client.clone()));
        Ok(())
    }

    /// Waits until the named component is ready; its failure is an error with its last log lines.
    pub(super) async fn ready(&self, name: &str) -> anyhow::Result<()> {
        let Some(member) = self.members.iter().find(|m| m.component.name == name) else {
            bail!("{name} was not started");
        };
        let State::Failed(why) = member.settled().await else { return Ok(()) };
        let log = &member.component.program.log;
        let mut text = format!("{name} did not start: {why}\n  log: {}", log.display());
        for line in last_lines(log) {
            text.push_str("\n  | ");
            text.push_str(&line);
        }
        bail!(text)
    }

    /// Waits until every component is ready or failed, and says how each stands.
    pub(super) async fn standings(&self) -> Vec<Standing> {
        let mut standings = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let state = member.settled().await;
            let Component { name, address, program, .. } = &member.component;
            let log = program.log.display().to_string();
            standings.push(Standing { name, address: address.clone(), state, log });
        }
        standings
    }

    /// Stops what was required last started first, then all the rest at once.
    ///
    /// The Engine goes before the collector, which takes its last spans, and the collector before the
    /// servers it delivers to.
    pub(super) async fn stop(&mut self) {
        let (required, rest): (Vec<_>, Vec<_>) =
            self.members.drain(..).partition(|m| m.component.required);
        for member in required.into_iter().rev() {
            stop_one(member).await;
        }
        let rest: Vec<_> = rest.into_iter().map(|m| tokio::spawn(stop_one(m))).collect();
        for task in rest {
            // A panic while stopping drops the process, which kills it.
            let _ = task.await;
        }
    }
}

async fn stop_one(member: Supervised) {
    let begun = Instant::now();
    let (component, state) = member.stop().await;
    let name = component.name;
    let took_ms = millis(begun.elapsed());
    match state {
        State::Stopped(Stop::Graceful) => tracing::info!(component = name, took_ms, "stopped"),
        State::Stopped(Stop::Killed) => {
            tracing::warn!(component = name, took_ms, "did not stop in time and was killed");
        }
        _ => tracing::debug!(component = name, "had ended already"),
    }
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
