//! A graph at work.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::build::{Graph, GraphError};
use super::health::Health;
use super::listening::Listening;
use super::supervise::supervise;
use crate::config::{ComponentId, PipelineId};
use crate::consumer::{Checkpointer, Feed, Observing};
use crate::ledger::{Ledger, Reason, Snapshot};
use crate::log::{Committer, LogError, LogReader};
use crate::node::{Bound, Observer};
use crate::queue::Lanes;

/// How often cursors are checkpointed while they move: what a crash sends again is a second's worth.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// An attempt or a write that takes longer than this is taken for stuck; exporters' own time-outs are
/// far shorter.
const STUCK_AFTER: Duration = Duration::from_secs(120);

/// The log of one pipeline, for those who follow it.
#[derive(Debug, Clone)]
pub struct PipelineLog {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// Its records.
    pub reader: LogReader,
}

/// A graph at work. Dropping it stops everything at once; [`Running::shutdown`] drains.
pub struct Running {
    health: Health,
    ledger: Ledger,
    logs: Vec<PipelineLog>,
    committers: Vec<(String, Arc<Committer>)>,
    checkpointer: Arc<Checkpointer>,
    checkpoints: JoinHandle<()>,
    graph_stop: CancellationToken,
    draining: Arc<std::sync::atomic::AtomicBool>,
    receivers: Vec<Task>,
    observers: Vec<(Task, Arc<Observing>)>,
    exporters: Vec<(Task, Arc<Feed>)>,
    /// Listeners of exporters that are asked instead of sending.
    _listening: Vec<Task>,
}

/// What a shutdown leaves behind.
#[derive(Debug, Clone, Serialize)]
pub struct DrainReport {
    /// Items that were still waiting at the deadline in memory, now dropped as `shutdown`.
    pub n_dropped: u64,
    /// The same by exporter; exporters that were empty are left out.
    pub dropped: Vec<(String, u64)>,
    /// Items that wait on disk for the next start, by exporter; those that were empty are left out.
    pub kept: Vec<(String, u64)>,
    /// All accounts at the end.
    pub ledger: Snapshot,
}

/// A task that ends with its handle.
struct Task {
    name: ComponentId,
    handle: JoinHandle<()>,
}

impl Graph {
    /// Opens all listeners and starts all nodes; if a listener cannot be opened, nothing is left running.
    pub async fn start(self) -> Result<Running, GraphError> {
        let Self {
            host,
            ledger,
            receivers,
            observers,
            lanes,
            logs,
            committers,
            checkpointer,
            sealed,
            draining,
            restarts,
        } = self;
        let health = Health::default();
        probe(&health, &committers, &lanes);
        let stop = CancellationToken::new();
        let _unless_running = stop.clone().drop_guard();

        let mut started = Vec::new();
        for (id, receiver, intake) in receivers {
            let first = receiver.start(intake.clone(), stop.clone()).await;
            let first =
                first.map_err(|source| GraphError::Receiver { receiver: id.clone(), source })?;
            let entry = health.entry(format!("receiver/{id}"));
            entry.bound(first.bound.clone());
            started.push((id, receiver, intake, entry, first));
        }
        let mut observing = Vec::new();
        for (name, observer) in observers {
            let pipeline = &observer.key().pipeline;
            let entry = health.entry(format!("processor/{name} in {pipeline}"));
            let (restarts, jitter, stop) = (restarts.clone(), host.jitter.clone(), stop.clone());
            let own = Arc::clone(&observer);
            let work = move || {
                let observer = Arc::clone(&own);
                async move { observer.run().await }
            };
            let handle = tokio::spawn(supervise(entry, restarts, jitter, stop, work));
            observing.push((Task { name, handle }, observer));
        }
        let mut exporters = Vec::new();
        let mut listening = Vec::new();
        for (name, feed, lanes) in lanes {
            let entry = health.entry(format!("exporter/{name}"));
            listening
                .extend(Listening::open(&name, lanes.exporter(), &entry, &health, &stop).await?);
            let (restarts, jitter, stop) = (restarts.clone(), host.jitter.clone(), stop.clone());
            let work = move || {
                let lanes = Arc::clone(&lanes);
                async move { lanes.run().await.map_err(|e| e.to_string()) }
            };
            let handle = tokio::spawn(supervise(entry, restarts, jitter, stop, work));
            exporters.push((Task { name, handle }, feed));
        }
        let listening = listening.into_iter().map(|listening| {
            let name = listening.name.clone();
            let handle = listening.serve(restarts.clone(), host.jitter.clone(), stop.clone());
            Task { name, handle }
        });
        let listening = listening.collect();
        let mut receivers = Vec::new();
        for (name, receiver, intake, entry, first) in started {
            let (restarts, jitter, told) = (restarts.clone(), host.jitter.clone(), stop.clone());
            let (mut first, known) = (Some(first), entry.clone());
            let work = move || {
                let (receiver, intake) = (Arc::clone(&receiver), intake.clone());
                let (first, entry, stop) = (first.take(), known.clone(), told.clone());
                async move {
                    let started = match first {
                        Some(started) => started,
                        None if stop.is_cancelled() => return Ok(()),
                        None => receiver.start(intake, stop).await.map_err(|e| e.to_string())?,
                    };
                    entry.bound(started.bound);
                    started.work.await.map_err(|e| e.to_string())
                }
            };
            let handle = tokio::spawn(supervise(entry, restarts, jitter, stop.clone(), work));
            receivers.push(Task { name, handle });
        }
        let graph_stop = _unless_running.disarm();
        let checkpoints = tokio::spawn(checkpoint(Arc::clone(&checkpointer), sealed));
        Ok(Running {
            health,
            ledger,
            logs,
            committers,
            checkpointer,
            checkpoints,
            graph_stop,
            draining,
            receivers,
            observers: observing,
            exporters,
            _listening: listening,
        })
    }
}

impl Running {
    /// The state of all nodes.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The accounts.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The logs of trace and log pipelines.
    #[must_use]
    pub fn logs(&self) -> &[PipelineLog] {
        &self.logs
    }

    /// The observers at work; one that several pipelines name is there for each.
    pub fn observers(&self) -> impl Iterator<Item = &Arc<dyn Observer>> {
        self.observers.iter().map(|(_, observing)| observing.node())
    }

    /// The listeners of all receivers, by `receiver/NAME`.
    #[must_use]
    pub fn bound(&self) -> Vec<(String, Bound)> {
        let nodes = self.health.nodes();
        nodes
            .into_iter()
            .flat_map(|n| n.bound.into_iter().map(move |b| (n.node.clone(), b)))
            .collect()
    }

    /// Writes the checkpoints of everything that moved; blocks until they are on disk.
    pub fn checkpoint(&self) -> Result<(), LogError> {
        self.checkpointer.write()
    }

    /// Refuses new batches, finishes the requests under way, seals the logs, then delivers what waits.
    /// What still waits when `deadline` has passed stays on disk; in memory it is dropped and counted
    /// as `shutdown`.
    pub async fn shutdown(mut self, deadline: Duration) -> DrainReport {
        let deadline = Instant::now() + deadline;
        self.draining.store(true, Relaxed);
        self.graph_stop.cancel();
        for mut task in self.receivers.drain(..) {
            if timeout_at(deadline, &mut task.handle).await.is_err() {
                tracing::warn!(receiver = %task.name, "requests under way were cut off");
            }
        }
        // Logs first: what one still writes goes to the exporters afterwards.
        let committers = std::mem::take(&mut self.committers);
        let on_disk = !committers.is_empty();
        let closing =
            tokio::task::spawn_blocking(move || committers.iter().for_each(|(_, c)| c.close()));
        if timeout_at(deadline, closing).await.is_err() {
            tracing::error!("a log could not be written to its end in time");
        }
        self.exporters.iter().for_each(|(_, feed)| feed.close());
        self.observers.iter().for_each(|(_, observer)| observer.close());
        let (mut dropped, mut kept) = (Vec::new(), Vec::new());
        for (mut task, feed) in self.exporters.drain(..) {
            if timeout_at(deadline, &mut task.handle).await.is_err() {
                task.handle.abort();
                // Awaited, so that what was under way waits again before it is counted.
                let _ = (&mut task.handle).await;
            }
            let consumers = feed.consumers().iter();
            let (into, left): (_, u64) = match on_disk {
                true => (&mut kept, consumers.map(|c| c.queued().n_items).sum()),
                false => {
                    (&mut dropped, consumers.map(|c| c.drop_rest(Reason::Shutdown).n_items).sum())
                }
            };
            if left > 0 {
                into.push((task.name.to_string(), left));
            }
        }
        for (mut task, _) in self.observers.drain(..) {
            if timeout_at(deadline, &mut task.handle).await.is_err() {
                tracing::warn!(processor = %task.name, "not everything was observed in time");
                task.handle.abort();
                let _ = (&mut task.handle).await;
            }
        }
        self.checkpoints.abort();
        let checkpointer = Arc::clone(&self.checkpointer);
        // Failed, it is logged and counted, and the next start sends a little again.
        let _ = tokio::task::spawn_blocking(move || checkpointer.write()).await;
        let n_dropped = dropped.iter().map(|(_, n)| n).sum();
        DrainReport { n_dropped, dropped, kept, ledger: self.ledger.snapshot() }
    }
}

/// Writes checkpoints while anything moves, and whenever a segment is sealed.
async fn checkpoint(checkpointer: Arc<Checkpointer>, sealed: Arc<Notify>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CHECKPOINT_EVERY) => {}
            () = sealed.notified() => {}
        }
        let round = Arc::clone(&checkpointer);
        // Failed, it is logged and counted, and tried again with the next round.
        let _ = tokio::task::spawn_blocking(move || round.write()).await;
    }
}

/// Has health look at what no supervisor sees: logs whose thread is gone, and whatever is stuck.
fn probe(
    health: &Health,
    committers: &[(String, Arc<Committer>)],
    lanes: &[(ComponentId, Arc<Feed>, Arc<Lanes>)],
) {
    let stuck = |busy: Duration| {
        (busy > STUCK_AFTER).then(|| format!("at the same for {} s", busy.as_secs()))
    };
    for (pipeline, committer) in committers {
        let committer = Arc::downgrade(committer);
        health.probe(format!("log/{pipeline}"), move || {
            let committer = committer.upgrade()?;
            let gone = (!committer.is_alive()).then(|| "its thread is gone".to_owned());
            gone.or_else(|| stuck(committer.busy_for()))
        });
    }
    for (exporter, _, lanes) in lanes {
        let lanes = Arc::downgrade(lanes);
        health.probe(format!("delivery/{exporter}"), move || stuck(lanes.upgrade()?.busy_for()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.graph_stop.cancel();
        self.checkpoints.abort();
        self.committers.iter().for_each(|(_, committer)| committer.end());
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for e in &self.ledger.edges {
            let (name, n_dropped) = (format!("{}/{}/{}", e.pipeline, e.from, e.to), e.n_dropped());
            write!(f, "{name}: in {}, delivered {}, dropped {n_dropped}", e.entered, e.delivered)?;
            match e.queued {
                0 => writeln!(f)?,
                n => writeln!(f, ", kept for the next start {n}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("health", &self.health).finish_non_exhaustive()
    }
}
