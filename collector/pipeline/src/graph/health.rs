//! Which nodes are ready.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::node::Bound;

/// The state of all nodes; clones are one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Known>);

#[derive(Default)]
struct Known {
    nodes: Mutex<Vec<NodeHealth>>,
    probes: Mutex<Vec<(String, Box<Probe>)>>,
}

/// Says what is wrong, if anything is.
type Probe = dyn Fn() -> Option<String> + Send + Sync;

/// One node's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeHealth {
    /// `receiver/otlp`, `exporter/loki`.
    pub node: String,
    /// Whether it works.
    pub state: NodeState,
    /// Why it does not, in its own words; empty otherwise.
    pub detail: String,
    /// Restarts so far.
    pub n_restarts: u64,
    /// What it listens on.
    #[serde(skip)]
    pub bound: Vec<Bound>,
}

/// Whether a node works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// It has not begun.
    Starting,
    /// It works.
    Ready,
    /// It failed and waits to be started again.
    Restarting,
    /// It was told to stop and did.
    Stopped,
    /// It is at the same piece of work for far too long, or will never do any again.
    Stuck,
}

/// One node's entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    health: Health,
    index: usize,
}

impl Health {
    pub(super) fn entry(&self, node: String) -> Entry {
        let mut nodes = self.lock();
        nodes.push(NodeHealth {
            node,
            state: NodeState::Starting,
            detail: String::new(),
            n_restarts: 0,
            bound: Vec::new(),
        });
        Entry { health: self.clone(), index: nodes.len() - 1 }
    }

    /// Asks `probe` whenever somebody asks for the state of `node`.
    pub(super) fn probe(
        &self,
        node: String,
        probe: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) {
        self.probes().push((node, Box::new(probe)));
    }

    /// All nodes, and whatever else is wrong.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeHealth> {
        let mut nodes = self.lock().clone();
        for (node, probe) in self.probes().iter() {
            let Some(detail) = probe() else { continue };
            let (node, state) = (node.clone(), NodeState::Stuck);
            nodes.push(NodeHealth { node, state, detail, n_restarts: 0, bound: Vec::new() });
        }
        nodes
    }

    /// Whether every node works and nothing else is wrong.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().iter().all(|n| n.state == NodeState::Ready)
            && self.probes().iter().all(|(_, probe)| probe().is_none())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<NodeHealth>> {
        self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn probes(&self) -> MutexGuard<'_, Vec<(String, Box<Probe>)>> {
        self.0.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Entry {
    pub(super) fn ready(&self) {
        self.change(|n| (n.state, n.detail) = (NodeState::Ready, String::new()));
    }

    pub(super) fn bound(&self, bound: Vec<Bound>) {
        self.change(|n| n.bound = bound);
    }

    pub(super) fn failed(&self, detail: String) {
        self.change(|n| {
            (n.state, n.detail) = (NodeState::Restarting, detail);
            n.n_restarts += 1;
        });
    }

    pub(super) fn stopped(&self) {
        self.change(|n| n.state = NodeState::Stopped);
    }

    pub(super) fn name(&self) -> String {
        self.health.lock().get(self.index).map(|n| n.node.clone()).unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut NodeHealth)) {
        if let Some(node) = self.health.lock().get_mut(self.index) {
            change(node);
        }
    }
}
