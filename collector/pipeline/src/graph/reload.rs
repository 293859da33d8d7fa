//! From one configuration to another while data flows: only what differs is touched.
//!
//! | what differs | what is stopped and started |
//! |---|---|
//! | a receiver's settings | its listeners; pipelines notice nothing |
//! | an exporter's settings | its lanes; the logs and cursors it sends from stay |
//! | a pipeline, or a processor it names | it is put down and opened again over the same log, at the same cursors |
//! | bounds of logs and shares | nothing |
//!
//! # Invariants
//! 1. What is equal in both configurations keeps its sockets, connections, logs, cursors and what waits there.
//! 2. Every step leaves a graph that knows what runs, so that the way back is the same walk towards the
//!    configuration before.
//! 3. Pipelines and exporters that leave are emptied before they are given up, as long as the caller allows;
//!    what they leave behind is in the report.
//!
//! # Not here
//! Another storage folder: what waits would stay behind in the old one, so it is refused and takes a restart.
//!
//! # Failure
//! A listener that cannot be opened or a log that cannot be read brings the configuration before back. If that fails
//! too, the graph is torn and the process should end.

use std::sync::Arc;
use std::time::Duration;

use collector_telemetry::Metrics;
use tokio::time::Instant;

use super::drain::{DrainReport, Left};
use super::error::GraphError;
use super::gate::Gate;
use super::host::Host;
use super::nodes::{Nodes, Part, build_nodes, check};
use super::pipeline::{Means, Pipeline};
use super::plan::{Plan, is_same_component, is_same_pipeline, refusal};
use super::receiving::Receiving;
use super::running::Running;
use super::sending::Sending;
use super::site::Site;
use crate::config::{Component, ComponentId, Config, MemoryLimit, PipelineId};

/// How long batches get to leave the ways to a pipeline that is put down, and its observers to reach its head.
const QUIET_WITHIN: Duration = Duration::from_secs(2);
/// How long sockets and files of what failed to start may stay taken.
const LET_GO_WITHIN: Duration = Duration::from_secs(10);

/// A configuration that could not be put in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The one before is in force again, or was never touched.
    #[error(transparent)]
    RolledBack(#[from] GraphError),
    /// Parts of both are at work.
    #[error(
        "neither the new configuration nor the one before can be put in force: {new}; {before}"
    )]
    Torn {
        /// Why not the new one.
        new: GraphError,
        /// Why not the one before.
        before: GraphError,
    },
}

impl Running {
    /// Puts `config` in force; one with another storage folder is refused. What leaves may take until `within` to be
    /// emptied; the report tells of it and of nothing else.
    pub async fn reload(
        &mut self,
        config: Config,
        within: Duration,
    ) -> Result<DrainReport, ReloadError> {
        // Judged as a whole, and away from the metrics of what runs.
        let aside = Host { metrics: Metrics::new(), ..self.site.host.clone() };
        check(&config, &self.registry, &aside).map_err(GraphError::from)?;
        refusal(&self.config, &config).map_or(Ok(()), |fault| Err(GraphError::from(fault)))?;
        let deadline = Instant::now() + within;
        let mut left = Left::default();
        self.empty_leaving(&config, deadline).await;
        let before = self.config.clone();
        if let Err(new) = self.walk(&config, &mut left).await {
            tracing::warn!(error = %new, "going back to the configuration before");
            if let Err(before) = self.walk_back(&before).await {
                return Err(ReloadError::Torn { new, before });
            }
            // What was opened on the way there is gone again, and never was in force.
            self.end_removed(Instant::now(), &mut Left::default()).await;
            self.show()?;
            return Err(new.into());
        }
        self.end_removed(deadline, &mut left).await;
        self.show()?;
        Ok(left.into_report())
    }

    /// Waits for exporters that leave a pipeline which stays, while both are still at work.
    async fn empty_leaving(&self, config: &Config, deadline: Instant) {
        for pipeline in &self.pipelines {
            let after = config.pipelines.iter().find(|p| p.id == *pipeline.id());
            let Some(after) = after else { continue };
            pipeline.delivered(|id| !after.exporters.contains(id), deadline).await;
        }
    }

    /// Back to `before`. What failed to start may still be letting go of its sockets.
    async fn walk_back(&mut self, before: &Config) -> Result<(), GraphError> {
        let give_up = Instant::now() + LET_GO_WITHIN;
        loop {
            match self.walk(before, &mut Left::default()).await {
                Err(error) if Instant::now() < give_up => {
                    tracing::debug!(%error, "the configuration before is not in force yet");
                    tokio::time::sleep(LET_GO_WITHIN / 100).await;
                }
                walked => return walked,
            }
        }
    }

    /// Makes the graph what `config` says; pipelines that left are still there afterwards, without a way in.
    async fn walk(&mut self, config: &Config, left: &mut Left) -> Result<(), GraphError> {
        let plan = Plan::between(&self.config, config);
        // What is at work counts, not what was in force: a walk before this one may have ended half-way.
        let memory_differs = self.memory != config.memory;
        if memory_differs {
            self.memory.clone_from(&config.memory);
            self.budget = MemoryLimit::budget(config.memory.as_ref());
        }
        let is_new = |part: Part, id: &ComponentId| match part {
            Part::Receiver => {
                let running = self.receivers.get(id).map(|r| &r.component);
                memory_differs || !keeps(running, &config.receivers)
            }
            Part::Processor => !keeps(self.processors.get(id), &config.processors),
            Part::Exporter => {
                !keeps(self.exporters.get(id).map(|e| &e.component), &config.exporters)
            }
        };
        let Site { host, notices, .. } = &self.site;
        let nodes = build_nodes(config, &self.registry, host, &self.budget, notices, &is_new)?;
        self.exchange_listeners(config, &nodes).await?;
        for component in &config.processors {
            let Some(node) = nodes.observers.get(&component.id) else { continue };
            self.observers.insert(component.id.clone(), Arc::clone(node));
            self.processors.insert(component.id.clone(), component.clone());
        }
        self.exchange_pipelines(config, left).await?;
        let stays = |id: &ComponentId| config.processors.iter().any(|c| c.id == *id);
        self.observers.retain(|id, _| stays(id));
        self.processors.retain(|id, _| stays(id));
        let leads = plan.own_traces;
        self.config = config.clone();
        if leads {
            self.lead_own()?;
        }
        self.set_to_work().await;
        Ok(())
    }

    /// Stops receivers and exporters that `nodes` take the place of, and receivers that left; then starts `nodes`.
    async fn exchange_listeners(
        &mut self,
        config: &Config,
        nodes: &Nodes,
    ) -> Result<(), GraphError> {
        let stays = |id: &ComponentId| {
            !nodes.receivers.contains_key(id) && config.receivers.iter().any(|c| c.id == *id)
        };
        let leaving: Vec<_> = self.receivers.keys().filter(|id| !stays(id)).cloned().collect();
        for id in leaving {
            let Some(mut receiving) = self.receivers.remove(&id) else { continue };
            receiving.end(None).await;
            receiving.leave();
        }
        for id in nodes.exporters.keys() {
            let Some(mut sending) = self.exporters.remove(id) else { continue };
            sending.end().await;
            sending.leave(&self.health);
        }
        for component in &config.receivers {
            let Some(node) = nodes.receivers.get(&component.id) else { continue };
            let (node, gate) = (Arc::clone(node), Gate::closed(&self.draining));
            let stop = self.stop.child_token();
            let opened =
                Receiving::open(component.clone(), node, gate, (&self.site, &self.health), stop)
                    .await?;
            self.receivers.insert(component.id.clone(), opened);
        }
        for component in &config.exporters {
            let Some(node) = nodes.exporters.get(&component.id) else { continue };
            let (node, stop) = (Arc::clone(node), self.stop.child_token());
            let opened = Sending::open(component.clone(), node, &self.health, stop).await?;
            self.exporters.insert(component.id.clone(), opened);
        }
        Ok(())
    }

    /// Opens pipelines that are new, and those anew that are not what `config` says.
    async fn exchange_pipelines(
        &mut self,
        config: &Config,
        left: &mut Left,
    ) -> Result<(), GraphError> {
        for p in &config.pipelines {
            let known = self.pipelines.iter().position(|known| known.id() == &p.id);
            if let Some(i) = known {
                let is_same = is_same_pipeline(&self.pipelines[i].config, p);
                if is_same && self.pipelines[i].is_watched_by(&self.observers) {
                    self.pipelines[i].resize(config);
                    continue;
                }
                self.put_down(i, &p.exporters, left).await?;
            }
            let ring = self.rings.get(&p.id);
            let (site, observers) = (&self.site, &self.observers);
            let mut means = Means { site, observers, wakes: &mut self.wakes };
            let (pipeline, _) = Pipeline::open(&mut means, config, p, ring)?;
            self.rings.remove(&p.id);
            self.pipelines.push(pipeline);
        }
        let checkpointer = Arc::clone(&self.site.checkpointer);
        // Before anything is taken in: whoever is new must not be forgotten by a crash.
        let written = tokio::task::spawn_blocking(move || checkpointer.write()).await;
        written.unwrap_or(Ok(()))?;
        Ok(())
    }

    /// Puts the pipeline at `i` down for another with `exporters`; what waits for those that are not among them is
    /// given up once the other is in force.
    async fn put_down(
        &mut self,
        i: usize,
        exporters: &[ComponentId],
        left: &mut Left,
    ) -> Result<(), GraphError> {
        let deadline = Instant::now() + QUIET_WITHIN;
        let (id, signal) = (self.pipelines[i].id().clone(), self.pipelines[i].id().signal);
        let gates = self.pipelines[i].branches.keys().filter_map(|r| self.receivers.get(r));
        let ways: Vec<_> = gates.map(|receiving| receiving.gate.pause(signal)).collect();
        for ways in ways {
            if !ways.empty(deadline).await {
                tracing::warn!(pipeline = %id, "batches were still on their way into the log");
            }
        }
        if !self.pipelines[i].end_writing(None).await {
            return Err(GraphError::Busy { pipeline: id });
        }
        let mut pipeline = self.pipelines.remove(i);
        for (exporter, _) in &pipeline.consumers {
            if let Some(sending) = self.exporters.get_mut(exporter) {
                sending.retire().await;
            }
        }
        pipeline.end_observing(deadline).await;
        let leaving = pipeline.consumers.iter().map(|(exporter, _)| exporter.clone());
        let leaving: Vec<_> = leaving.filter(|exporter| !exporters.contains(exporter)).collect();
        let accounts = self.site.ledger.close(&id.to_string()).edges;
        leaving.iter().for_each(|exporter| left.given_up(exporter, accounts.clone()));
        let ring = pipeline.put_down(&self.site, &self.health).await;
        self.rings.extend(ring.map(|ring| (id, ring)));
        Ok(())
    }

    /// Empties and gives up what the configuration in force does not name any more.
    async fn end_removed(&mut self, deadline: Instant, left: &mut Left) {
        let config = &self.config;
        let stays = |id: &PipelineId| config.pipelines.iter().any(|p| p.id == *id);
        let mut removed: Vec<Pipeline> =
            self.pipelines.extract_if(.., |p| !stays(p.id())).collect();
        for pipeline in &removed {
            pipeline.end_writing(None).await;
            pipeline.delivered(|_| true, deadline).await;
        }
        // From now on nobody sends from them.
        self.set_to_work().await;
        for pipeline in &mut removed {
            left.take_stock(pipeline);
            pipeline.end_observing(Instant::now() + QUIET_WITHIN).await;
        }
        for pipeline in removed {
            let name = pipeline.id().to_string();
            drop(pipeline.put_down(&self.site, &self.health).await);
            self.site.checkpointer.forget(&name);
            left.closed(self.site.ledger.close(&name).edges);
        }
        let names = |id: &ComponentId| self.config.exporters.iter().any(|c| c.id == *id);
        let leaving: Vec<_> = self.exporters.keys().filter(|id| !names(id)).cloned().collect();
        for id in leaving {
            let Some(mut sending) = self.exporters.remove(&id) else { continue };
            sending.end().await;
            sending.leave(&self.health);
            self.wakes.remove(&id);
        }
    }
}

/// Whether what runs as `running` is what `wanted` says of it.
fn keeps(running: Option<&Component>, wanted: &[Component]) -> bool {
    let Some(running) = running else { return false };
    wanted.iter().any(|c| c.id == running.id && is_same_component(c, running))
}
