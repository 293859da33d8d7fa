//! Which nodes are ready.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::node::Bound;

/// The state of all nodes; clones are one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Vec<NodeHealth>>>);

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

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeHealth> {
        self.lock().clone()
    }

    /// Whether every node works.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().iter().all(|n| n.state == NodeState::Ready)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<NodeHealth>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
