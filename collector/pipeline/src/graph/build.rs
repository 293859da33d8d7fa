//! From a configuration to a graph that is ready to start.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use collector_otlp::admission::Budget;
use collector_telemetry::{MetricError, Metrics};
use durable_fs::{Clock, Fs};
use tokio::sync::Notify;

use super::nodes::{Nodes, build_nodes};
use super::pipeline::{Means, Pipeline};
use super::site::Site;
use crate::config::{ComponentId, Config, ConfigError, MemoryLimit, PipelineId};
use crate::consumer::Notices;
use crate::log::LogError;
use crate::node::Registry;
use crate::queue::Jitter;

/// What the graph stands on.
#[derive(Clone)]
pub struct Host {
    /// Files.
    pub fs: Arc<dyn Fs>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Metrics.
    pub metrics: Metrics,
    /// Chance.
    pub jitter: Jitter,
}

/// Why a graph could not be built or started.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A log could not be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A metric could not be registered.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A receiver could not start.
    #[error("receiver {receiver} cannot start: {source}")]
    Receiver {
        /// Its name.
        receiver: ComponentId,
        /// Why.
        source: crate::node::NodeError,
    },
    /// A log did not end its writing, so that it cannot be opened again.
    #[error("the log of {pipeline} is still being written and cannot be opened again")]
    Busy {
        /// Whose.
        pipeline: PipelineId,
    },
    /// An exporter that listens could not start.
    #[error("exporter {exporter} cannot start: {source}")]
    Exporter {
        /// Its name.
        exporter: ComponentId,
        /// Why.
        source: crate::node::NodeError,
    },
}

/// A built graph; nothing listens or sends yet.
pub struct Graph {
    pub(super) config: Config,
    pub(super) registry: Registry,
    pub(super) site: Site,
    pub(super) budget: Budget,
    pub(super) nodes: Nodes,
    pub(super) pipelines: Vec<Pipeline>,
    /// The exporters' alarms.
    pub(super) wakes: BTreeMap<ComponentId, Arc<Notify>>,
    /// When its building began, in nanoseconds since the Unix epoch.
    pub(super) started: u64,
}

impl Graph {
    /// Builds nodes, opens logs, and puts every cursor where it was.
    pub fn build(config: &Config, registry: &Registry, host: Host) -> Result<Self, GraphError> {
        let started = host.clock.unix_nanos();
        let budget = MemoryLimit::budget(config.memory.as_ref());
        let notices = Notices::default();
        let nodes = build_nodes(config, registry, &host, &budget, &notices, &|_, _| true)?;
        let site = Site::open(config, host, notices)?;
        let (mut wakes, mut pipelines) = (BTreeMap::new(), Vec::new());
        let mut anybody_new = false;
        for p in &config.pipelines {
            let observers = &nodes.observers;
            let mut means = Means { site: &site, observers, wakes: &mut wakes };
            let (pipeline, is_new) = Pipeline::open(&mut means, config, p, None)?;
            anybody_new |= is_new;
            pipelines.push(pipeline);
        }
        // Before anything is taken in: whoever is new must not be forgotten by a crash. A disk that
        // takes nothing keeps nobody else from starting.
        if let Err(error) = site.checkpointer.write()
            && anybody_new
        {
            return Err(error.into());
        }
        let (config, registry) = (config.clone(), *registry);
        Ok(Self { config, registry, site, budget, nodes, pipelines, wakes, started })
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}
