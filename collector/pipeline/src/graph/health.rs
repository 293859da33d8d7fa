//! Which nodes are ready.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durable_fs::Clock;
use serde::Serialize;

use crate::node::Bound;

/// An attempt or a write that takes longer than this is taken for stuck; exporters' own time-outs are
/// far shorter.
const STUCK_AFTER: Duration = Duration::from_secs(120);

/// The state of all nodes; clones are one.
#[derive(Debug, Clone)]
pub struct Health(Arc<Known>);

struct Known {
    clock: Arc<dyn Clock>,
    nodes: Mutex<Vec<NodeHealth>>,
    probes: Mutex<Vec<(String, Box<Probe>)>>,
    pipelines: Mutex<Vec<(String, Box<Look>)>>,
}

/// Says what is wrong, if anything is.
type Probe = dyn Fn() -> Option<Trouble> + Send + Sync;

/// Looks how a pipeline is.
type Look = dyn Fn() -> PipelineHealth + Send + Sync;

/// What is wrong with a node: a stable code, and words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// One of a closed list: `node_failed`, `node_panicked`, `log_thread_gone`, `log_stuck`, `delivery_stuck`.
    pub code: &'static str,
    /// What happened.
    pub message: String,
}

/// The log of a pipeline and what waits there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PipelineHealth {
    /// The pipeline.
    pub pipeline: String,
    /// When it replies: `memory`, `durable` or `delivered`.
    pub ack: String,
    /// `disk` or `memory`.
    pub storage: &'static str,
    /// Segments of its log.
    pub n_segments: usize,
    /// Bytes of its log.
    pub n_bytes: u64,
    /// What waits for each exporter.
    pub queues: Vec<QueueHealth>,
}

/// What waits in one pipeline for one exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueHealth {
    /// The exporter.
    pub exporter: String,
    /// Items neither delivered nor dropped.
    pub n_items: u64,
    /// Their uncompressed bytes.
    pub n_bytes: u64,
    /// When the oldest of them was received, in nanoseconds since the Unix epoch.
    pub oldest: Option<u64>,
}

/// One node's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeHealth {
    /// `receiver/otlp`, `exporter/loki`.
    pub node: String,
    /// Whether it works.
    pub state: NodeState,
    /// Since when, in nanoseconds since the Unix epoch.
    pub since: u64,
    /// Why it does not; nothing where it does.
    pub trouble: Option<Trouble>,
    /// What went wrong last, and when, in nanoseconds since the Unix epoch; stays when it works again.
    pub last_error: Option<(u64, Trouble)>,
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
    name: String,
}

impl Health {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (nodes, probes, pipelines) = Default::default();
        Self(Arc::new(Known { clock, nodes, probes, pipelines }))
    }

    pub(super) fn entry(&self, node: String) -> Entry {
        let mut nodes = self.lock();
        nodes.retain(|n| n.node != node);
        let name = node.clone();
        nodes.push(NodeHealth {
            node,
            state: NodeState::Starting,
            since: self.0.clock.unix_nanos(),
            trouble: None,
            last_error: None,
            n_restarts: 0,
            bound: Vec::new(),
        });
        Entry { health: self.clone(), name }
    }

    /// Asks `probe` whenever somebody asks for the state of `node`; asked for again, another one.
    pub(super) fn probe(
        &self,
        node: String,
        probe: impl Fn() -> Option<Trouble> + Send + Sync + 'static,
    ) {
        let mut probes = self.probes();
        probes.retain(|(known, _)| *known != node);
        probes.push((node, Box::new(probe)));
    }

    /// Asks `look` whenever somebody asks for the state of `pipeline`; asked for again, another one.
    pub(super) fn follow(
        &self,
        pipeline: String,
        look: impl Fn() -> PipelineHealth + Send + Sync + 'static,
    ) {
        let mut pipelines = self.looks();
        pipelines.retain(|(known, _)| *known != pipeline);
        pipelines.push((pipeline, Box::new(look)));
    }

    /// `pipeline` is there no more.
    pub(super) fn leave(&self, pipeline: &str) {
        self.looks().retain(|(known, _)| known != pipeline);
    }

    /// `node` is there no more.
    pub(super) fn forget(&self, node: &str) {
        self.lock().retain(|n| n.node != node);
        self.probes().retain(|(known, _)| known != node);
    }

    /// All nodes, and whatever else is wrong.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeHealth> {
        let mut nodes = self.lock().clone();
        let now = self.0.clock.unix_nanos();
        for (node, probe) in self.probes().iter() {
            let Some(trouble) = probe() else { continue };
            let (node, state) = (node.clone(), NodeState::Stuck);
            let last_error = Some((now, trouble.clone()));
            let (trouble, bound) = (Some(trouble), Vec::new());
            nodes.push(NodeHealth {
                node,
                state,
                since: now,
                trouble,
                last_error,
                n_restarts: 0,
                bound,
            });
        }
        nodes
    }

    /// All pipelines, in the order in which they were opened.
    #[must_use]
    pub fn pipelines(&self) -> Vec<PipelineHealth> {
        self.looks().iter().map(|(_, look)| look()).collect()
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

    fn looks(&self) -> MutexGuard<'_, Vec<(String, Box<Look>)>> {
        self.0.pipelines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn probes(&self) -> MutexGuard<'_, Vec<(String, Box<Probe>)>> {
        self.0.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    /// What there is to say of something that has been at the same piece of work for so long.
    pub(super) fn stuck(code: &'static str, busy: Duration) -> Option<Self> {
        let stuck = || Self { code, message: format!("at the same for {} s", busy.as_secs()) };
        (busy > STUCK_AFTER).then(stuck)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Entry {
    pub(super) fn ready(&self) {
        self.turn(NodeState::Ready, |n| n.trouble = None);
    }

    pub(super) fn bound(&self, bound: Vec<Bound>) {
        self.change(|n| n.bound = bound);
    }

    pub(super) fn failed(&self, trouble: Trouble) {
        let now = self.health.0.clock.unix_nanos();
        self.turn(NodeState::Restarting, |n| {
            n.last_error = Some((now, trouble.clone()));
            n.trouble = Some(trouble);
            n.n_restarts += 1;
        });
    }

    pub(super) fn stopped(&self) {
        self.turn(NodeState::Stopped, |_| {});
    }

    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// It is there no more.
    pub(super) fn leave(&self) {
        self.health.forget(&self.name);
    }

    fn turn(&self, state: NodeState, change: impl FnOnce(&mut NodeHealth)) {
        let now = self.health.0.clock.unix_nanos();
        self.change(|n| {
            if n.state != state {
                (n.state, n.since) = (state, now);
            }
            change(n);
        });
    }

    fn change(&self, change: impl FnOnce(&mut NodeHealth)) {
        if let Some(node) = self.health.lock().iter_mut().find(|n| n.node == self.name) {
            change(node);
        }
    }
}
