//! A graph at work.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use collector_otlp::admission::Budget;
use collector_telemetry::names::span;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::build::Graph;
use super::drain::{DrainReport, Left};
use super::error::GraphError;
use super::gate::Gate;
use super::health::Health;
use super::meters::observe;
use super::pipeline::{Pipeline, PipelineLog, Ring};
use super::receiving::Receiving;
use super::sending::Sending;
use super::site::Site;
use crate::config::{Component, ComponentId, Config, ConfigError, MemoryLimit, PipelineId};
use crate::consumer::{Checkpointer, Consumer};
use crate::ledger::Ledger;
use crate::log::LogError;
use crate::node::{Bound, Observer, Registry};
use crate::own::OwnTraces;

/// How often cursors are checkpointed while they move: what a crash sends again is a second's worth.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How long the last own spans may take; the process does not wait for a dead endpoint.
const OWN_WITHIN: Duration = Duration::from_secs(1);

/// A graph at work. Dropping it stops everything at once; [`Running::shutdown`] drains.
pub struct Running {
    pub(super) config: Config,
    pub(super) registry: Registry,
    pub(super) site: Site,
    pub(super) budget: Budget,
    /// What the budget was made of.
    pub(super) memory: Option<MemoryLimit>,
    pub(super) health: Health,
    pub(super) stop: CancellationToken,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) receivers: BTreeMap<ComponentId, Receiving>,
    pub(super) observers: BTreeMap<ComponentId, Arc<dyn Observer>>,
    /// What the observers were made of.
    pub(super) processors: BTreeMap<ComponentId, Component>,
    /// In the order in which they were opened.
    pub(super) pipelines: Vec<Pipeline>,
    /// Logs in memory of pipelines that are about to be opened again.
    pub(super) rings: BTreeMap<PipelineId, Ring>,
    pub(super) exporters: BTreeMap<ComponentId, Sending>,
    pub(super) wakes: BTreeMap<ComponentId, Arc<Notify>>,
    checkpoints: JoinHandle<()>,
}

impl Graph {
    /// Opens all listeners and starts all nodes; if a listener cannot be opened, nothing is left running.
    pub async fn start(self) -> Result<Running, GraphError> {
        let Self { config, registry, site, budget, nodes, pipelines, wakes, started } = self;
        let health = Health::new(Arc::clone(&site.host.clock));
        let stop = CancellationToken::new();
        let unless_running = stop.clone().drop_guard();
        let draining = Arc::new(AtomicBool::new(false));

        let mut receivers = BTreeMap::new();
        for (component, node) in config.receivers.iter().filter_map(|c| {
            let node = nodes.receivers.get(&c.id)?;
            Some((c.clone(), Arc::clone(node)))
        }) {
            let (id, gate) = (component.id.clone(), Gate::closed(&draining));
            let stop = stop.child_token();
            let opened = Receiving::open(component, node, gate, (&site, &health), stop).await?;
            receivers.insert(id, opened);
        }
        let mut exporters = BTreeMap::new();
        for (component, node) in config.exporters.iter().filter_map(|c| {
            let node = nodes.exporters.get(&c.id)?;
            Some((c.clone(), Arc::clone(node)))
        }) {
            let (id, stop) = (component.id.clone(), stop.child_token());
            exporters.insert(id, Sending::open(component, node, &health, stop).await?);
        }
        let checkpointer = Arc::clone(&site.checkpointer);
        let checkpoints = tokio::spawn(checkpoint(checkpointer, Arc::clone(&site.sealed)));
        let of = |c: &Component| (c.id.clone(), c.clone());
        let mut running = Running {
            memory: config.memory,
            processors: config.processors.iter().map(of).collect(),
            config,
            registry,
            site,
            budget,
            health,
            stop: unless_running.disarm(),
            draining,
            receivers,
            observers: nodes.observers,
            pipelines,
            rings: BTreeMap::new(),
            exporters,
            wakes,
            checkpoints,
        };
        running.lead_own()?;
        running.set_to_work().await;
        running.show()?;
        running.site.own.began_at(span::COLLECT_START, started).end();
        Ok(running)
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
        &self.site.ledger
    }

    /// The observers at work, each once.
    pub fn observers(&self) -> impl Iterator<Item = &Arc<dyn Observer>> {
        self.observers.values()
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The logs of trace and log pipelines.
    #[must_use]
    pub fn logs(&self) -> Vec<PipelineLog> {
        let followed = self.pipelines.iter().filter(|p| p.is_followed(&self.config));
        followed.map(Pipeline::log).collect()
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
        self.site.checkpointer.write()
    }

    /// Sets everything to work that is not: observers, exporters on what they are to send, then receivers, which lead
    /// to the pipelines of the configuration and to no others.
    pub(super) async fn set_to_work(&mut self) {
        for pipeline in &mut self.pipelines {
            pipeline.start(&self.site, &self.health, &self.stop);
        }
        for sending in self.exporters.values_mut() {
            let consumers = consumers_of(&self.pipelines, sending.id());
            let wake = self.wakes.entry(sending.id().clone()).or_default();
            sending.send(consumers, wake, &self.site, &self.health).await;
        }
        for (id, receiving) in &mut self.receivers {
            let named = |p: &&Pipeline| self.config.pipelines.iter().any(|c| c.id == *p.id());
            let ways = self.pipelines.iter().filter(named).filter_map(|p| p.branches.get(id));
            receiving.gate.lead(ways.map(Arc::clone).collect());
            receiving.serve(&self.site);
        }
    }

    /// Has spans of the process's own go where the configuration says.
    pub(super) fn lead_own(&self) -> Result<(), GraphError> {
        let own = self.config.own_traces.as_ref();
        self.site.own.lead(own).map_err(|finding| {
            let (file, findings) = (self.config.file.clone(), vec![finding]);
            ConfigError { file, findings }.into()
        })
    }

    /// Spans of the process's own.
    #[must_use]
    pub fn own_traces(&self) -> &OwnTraces {
        &self.site.own
    }

    /// Shows ledger, cursors and logs as metrics.
    pub(super) fn show(&self) -> Result<(), GraphError> {
        let feeds = self
            .exporters
            .values()
            .filter_map(|sending| Some((sending.id().to_string(), Arc::clone(sending.feed()?))));
        let readers = self.pipelines.iter().map(|p| p.reader.clone());
        let (site, ledger) = (&self.site, &self.site.ledger);
        observe(&site.host, ledger, feeds.collect(), readers.collect(), &site.checkpointer)?;
        super::meters::observe_budget(&site.host.metrics, self.budget.clone())?;
        Ok(())
    }

    /// Refuses new batches, finishes the requests under way, seals the logs, then delivers what waits.
    /// What still waits when `deadline` has passed stays on disk; in memory it is dropped and counted
    /// as `shutdown`.
    pub async fn shutdown(mut self, deadline: Duration) -> DrainReport {
        let deadline = Instant::now() + deadline;
        self.draining.store(true, Relaxed);
        self.stop.cancel();
        for receiving in self.receivers.values_mut() {
            receiving.end(Some(deadline)).await;
        }
        // Logs first: what one still writes goes to the exporters afterwards.
        for pipeline in &self.pipelines {
            pipeline.end_writing(Some(deadline)).await;
        }
        self.exporters.values().filter_map(Sending::feed).for_each(|feed| feed.close());
        for sending in self.exporters.values_mut() {
            sending.drain(deadline).await;
        }
        let mut left = Left::default();
        for pipeline in &mut self.pipelines {
            left.take_stock(pipeline);
            pipeline.end_observing(deadline).await;
        }
        self.checkpoints.abort();
        let checkpointer = Arc::clone(&self.site.checkpointer);
        // Failed, it is logged and counted, and the next start sends a little again.
        let _ = tokio::task::spawn_blocking(move || checkpointer.write()).await;
        self.site.own.end(OWN_WITHIN).await;
        left.report(self.site.ledger.snapshot())
    }
}

/// The consumers in all pipelines of one exporter.
fn consumers_of(pipelines: &[Pipeline], exporter: &ComponentId) -> Vec<Arc<Consumer>> {
    let all = pipelines.iter().flat_map(|p| &p.consumers);
    all.filter(|(id, _)| id == exporter).map(|(_, consumer)| Arc::clone(consumer)).collect()
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

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.checkpoints.abort();
        self.pipelines.iter().for_each(Pipeline::let_go);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("health", &self.health).finish_non_exhaustive()
    }
}
