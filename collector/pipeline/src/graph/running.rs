//! A graph at work.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::build::{Graph, GraphError};
use super::health::Health;
use super::supervise::supervise;
use crate::config::{ComponentId, PipelineId};
use crate::ledger::{Ledger, Reason, Snapshot};
use crate::log::{Committer, LogReader, StorageLock};
use crate::node::Bound;
use crate::queue::Queue;

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
    committers: Vec<Arc<Committer>>,
    graph_stop: CancellationToken,
    draining: Arc<std::sync::atomic::AtomicBool>,
    receivers: Vec<Task>,
    exporters: Vec<(Task, Arc<Queue>)>,
    /// Listeners of exporters that are asked instead of sending.
    _serving: Vec<Task>,
    _lock: Option<StorageLock>,
}

/// What a shutdown leaves behind.
#[derive(Debug, Clone, Serialize)]
pub struct DrainReport {
    /// Items that were still waiting at the deadline, now dropped as `shutdown`.
    pub n_dropped: u64,
    /// The same by exporter; exporters that were empty are left out.
    pub dropped: Vec<(String, u64)>,
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
        let Self { host, ledger, lock, receivers, lanes, logs, committers, draining, restarts } =
            self;
        let health = Health::default();
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
        let mut exporters = Vec::new();
        let mut listeners = Vec::new();
        for (name, queue, lanes) in lanes {
            let entry = health.entry(format!("exporter/{name}"));
            let exporter = lanes.exporter();
            if let Some(first) = exporter.start(stop.clone()) {
                let first = first.await;
                let first = first
                    .map_err(|source| GraphError::Exporter { exporter: name.clone(), source })?;
                entry.bound(first.bound.clone());
                let entry = health.entry(format!("listener/{name}"));
                listeners.push((name.clone(), Arc::clone(&exporter), entry, first));
            }
            let (restarts, jitter, stop) = (restarts.clone(), host.jitter.clone(), stop.clone());
            let lanes = Arc::new(lanes);
            let work = move || {
                let lanes = Arc::clone(&lanes);
                async move { lanes.run().await.map_err(|e| e.to_string()) }
            };
            let handle = tokio::spawn(supervise(entry, restarts, jitter, stop, work));
            exporters.push((Task { name, handle }, queue));
        }
        let mut serving = Vec::new();
        for (name, exporter, entry, first) in listeners {
            let (restarts, jitter, told) = (restarts.clone(), host.jitter.clone(), stop.clone());
            let mut first = Some(first);
            let work = move || {
                let (exporter, first, stop) = (Arc::clone(&exporter), first.take(), told.clone());
                async move {
                    let started = match first {
                        Some(started) => started,
                        None if stop.is_cancelled() => return Ok(()),
                        None => match exporter.start(stop) {
                            Some(again) => again.await.map_err(|e| e.to_string())?,
                            None => return Ok(()),
                        },
                    };
                    started.work.await.map_err(|e| e.to_string())
                }
            };
            let handle = tokio::spawn(supervise(entry, restarts, jitter, stop.clone(), work));
            serving.push(Task { name, handle });
        }
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
        Ok(Running {
            health,
            ledger,
            logs,
            committers,
            graph_stop,
            draining,
            receivers,
            exporters,
            _serving: serving,
            _lock: lock,
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

    /// The listeners of all receivers, by `receiver/NAME`.
    #[must_use]
    pub fn bound(&self) -> Vec<(String, Bound)> {
        let nodes = self.health.nodes();
        nodes
            .into_iter()
            .flat_map(|n| n.bound.into_iter().map(move |b| (n.node.clone(), b)))
            .collect()
    }

    /// Refuses new batches, finishes the requests under way, seals the logs, then empties the queues. What still
    /// waits when `deadline` has passed is dropped and counted as `shutdown`.
    pub async fn shutdown(mut self, deadline: Duration) -> DrainReport {
        let deadline = Instant::now() + deadline;
        self.draining.store(true, Relaxed);
        self.graph_stop.cancel();
        for mut task in self.receivers.drain(..) {
            if timeout_at(deadline, &mut task.handle).await.is_err() {
                tracing::warn!(receiver = %task.name, "requests under way were cut off");
            }
        }
        // Logs first: a batch that one still writes goes to the exporters' queues afterwards.
        let committers = std::mem::take(&mut self.committers);
        let closing =
            tokio::task::spawn_blocking(move || committers.iter().for_each(|c| c.close()));
        if timeout_at(deadline, closing).await.is_err() {
            tracing::error!("a log could not be written to its end in time");
        }
        for (_, queue) in &self.exporters {
            queue.close();
        }
        let mut dropped = Vec::new();
        for (mut task, queue) in self.exporters.drain(..) {
            if timeout_at(deadline, &mut task.handle).await.is_err() {
                task.handle.abort();
                // Awaited, so that what was under way is back in the queue before it is counted.
                let _ = (&mut task.handle).await;
            }
            let left: u64 = queue
                .take_all()
                .iter()
                .map(|item| {
                    item.edge.drop_items(Reason::Shutdown, item.n_items(), item.n_bytes());
                    item.n_items()
                })
                .sum();
            if left > 0 {
                dropped.push((task.name.to_string(), left));
            }
        }
        let n_dropped = dropped.iter().map(|(_, n)| n).sum();
        DrainReport { n_dropped, dropped, ledger: self.ledger.snapshot() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.graph_stop.cancel();
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
            writeln!(
                f,
                "{name}: in {}, delivered {}, dropped {n_dropped}",
                e.entered, e.delivered
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("health", &self.health).finish_non_exhaustive()
    }
}
