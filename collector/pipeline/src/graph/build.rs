//! From a configuration to a graph that is ready to start.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use collector_otlp::admission::Budget;
use tokio::sync::Notify;

use super::error::GraphError;
use super::host::Host;
use super::nodes::{Nodes, build_nodes};
use super::pipeline::{Means, Pipeline};
use super::site::Site;
use crate::config::{ComponentId, Config, MemoryLimit};
use crate::consumer::Notices;
use crate::node::Registry;

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
