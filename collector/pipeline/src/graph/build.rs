//! From a configuration to nodes that are ready to start.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use collector_otlp::admission::Budget;
use collector_telemetry::names::metric;
use collector_telemetry::{Counter, MetricError, Metrics};
use durable_fs::{Clock, Fs};
use tokio::sync::Notify;

use super::intake::{Branch, Intake, Keep, Trunk, Waiting};
use super::meters::{observe, observe_budget};
use super::running::PipelineLog;
use super::trunk::{Opened, Storage, edge_id};
use crate::Signal;
use crate::config::{
    Component, ComponentId, Config, ConfigError, Finding, MemoryLimit, PipelineConfig, PipelineId,
};
use crate::consumer::{Checkpointer, Consumer, Feed, Notices, Observing, Shelf};
use crate::ledger::{Edge, Ledger};
use crate::log::{Committer, LogError, Origin, StorageLock};
use crate::node::{
    Exporter, ExporterKind, NodeContext, Observer, ProcessorKind, ProcessorShape, Receiver,
    ReceiverKind, Registry,
};
use crate::queue::{Jitter, LaneOptions, Lanes, Meters};

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
}

/// A built graph; nothing listens or sends yet.
pub struct Graph {
    pub(super) host: Host,
    pub(super) ledger: Ledger,
    pub(super) receivers: Vec<(ComponentId, Arc<dyn Receiver>, Intake)>,
    pub(super) observers: Vec<(ComponentId, Arc<Observing>)>,
    pub(super) lanes: Vec<(ComponentId, Arc<Feed>, Arc<Lanes>)>,
    pub(super) logs: Vec<PipelineLog>,
    pub(super) committers: Vec<(String, Arc<Committer>)>,
    pub(super) checkpointer: Arc<Checkpointer>,
    /// Told when a segment is sealed.
    pub(super) sealed: Arc<Notify>,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) restarts: Counter,
}

/// The exporters' cursors as they are opened, and what wakes each exporter.
struct Cursors {
    wakes: BTreeMap<ComponentId, Arc<Notify>>,
    by_exporter: BTreeMap<ComponentId, Vec<Arc<Consumer>>>,
}

/// Nodes built from their settings.
struct Nodes {
    receivers: BTreeMap<ComponentId, Arc<dyn Receiver>>,
    observers: BTreeMap<ComponentId, Arc<dyn Observer>>,
    exporters: BTreeMap<ComponentId, Arc<dyn Exporter>>,
    notices: Notices,
}

/// Finds whatever is wrong with `config` short of starting it: unknown kinds, settings its nodes
/// refuse, signals they cannot carry.
pub fn check(config: &Config, registry: &Registry, host: &Host) -> Result<(), ConfigError> {
    build_nodes(config, registry, host, &MemoryLimit::budget(config.memory.as_ref())).map(|_| ())
}

impl Graph {
    /// Builds nodes, opens logs, and puts every cursor where it was.
    pub fn build(config: &Config, registry: &Registry, host: Host) -> Result<Self, GraphError> {
        let budget = MemoryLimit::budget(config.memory.as_ref());
        let nodes = build_nodes(config, registry, &host, &budget)?;
        let ledger = Ledger::new();
        let meters = Meters::register(&host.metrics)?;
        let restarts = host.metrics.counter(&metric::NODE_RESTARTS)?;

        let shelf = match &config.storage {
            Some(storage) => Some(Shelf::open(Arc::clone(&host.fs), &storage.directory)?),
            None => None,
        };
        let storage = config.storage.as_ref().map(|s| &s.directory);
        let lock = storage.map(|dir| StorageLock::take(host.fs.as_ref(), dir)).transpose()?;
        let failures = host.metrics.counter(&metric::CHECKPOINT_FAILURES)?;
        let checkpointer = Arc::new(Checkpointer::new(shelf, failures));
        let lock = lock.map(Arc::new);
        let storage = Storage { config, host: &host, lock, checkpointer: &checkpointer };

        let ids = config.exporters.iter().map(|c| c.id.clone());
        let wakes = ids.map(|id| (id, Arc::new(Notify::new()))).collect();
        let mut cursors = Cursors { wakes, by_exporter: BTreeMap::new() };
        let duplicates = host.metrics.counter(&metric::LOG_DUPLICATE_ITEMS)?;
        let sealed = Arc::new(Notify::new());
        let (mut logs, mut committers, mut readers) = (Vec::new(), Vec::new(), Vec::new());
        let (mut observers, mut anybody_new) = (Vec::new(), false);
        let mut branches: BTreeMap<ComponentId, Vec<Branch>> = BTreeMap::new();
        for p in &config.pipelines {
            let mut opened = Opened::open(&storage, p)?;
            let primary = cursors.open(&mut opened, config, p, &ledger, &checkpointer)?;
            for id in &p.processors {
                let Some(node) = nodes.observers.get(id) else { continue };
                let observing = opened.observer(p, id, Arc::clone(node), &ledger)?;
                checkpointer.add(Arc::clone(&observing) as _);
                observers.push((id.clone(), observing));
            }
            for consumer in cursors.of(&p.id) {
                nodes.notices.add(consumer.key().clone(), consumer.watch());
            }
            let reader = opened.reader.clone();
            reader.tell_sealed(Arc::clone(&sealed));
            let weak = Arc::downgrade(&checkpointer);
            reader.before_delete(move || weak.upgrade().is_none_or(|c| c.write().is_ok()));
            readers.push(reader.clone());
            if config.keeps_log && p.id.signal != Signal::Metrics {
                logs.push(PipelineLog { pipeline: p.id.clone(), reader });
            }
            if let Keep::Disk(committer) = &opened.keep {
                committers.push((p.id.to_string(), Arc::clone(committer)));
            }
            let (pipeline, ack, ack_timeout) = (p.id.to_string(), p.ack, p.ack_timeout);
            let (keep, duplicates) = (opened.keep.clone(), duplicates.clone());
            let trunk = Trunk { pipeline, keep, ack, primary, ack_timeout, duplicates };
            let (opened, is_new) =
                open_branches(&ledger, p, &Arc::new(trunk), opened, &checkpointer);
            anybody_new |= is_new;
            for (id, branch) in opened {
                branches.entry(id).or_default().push(branch);
            }
        }
        // Before anything is taken in: whoever is new must not be forgotten by a crash. A disk that
        // takes nothing keeps nobody else from starting.
        if let Err(error) = checkpointer.write()
            && anybody_new
        {
            return Err(error.into());
        }

        let draining = Arc::new(AtomicBool::new(false));
        let mut receivers = Vec::new();
        for (id, receiver) in nodes.receivers {
            let intake = Intake::of(branches.remove(&id).unwrap_or_default(), &draining);
            receivers.push((id, receiver, intake));
        }
        let lanes = cursors.lanes(config, &nodes.exporters, &host, &meters);
        let feeds = lanes.iter().map(|(id, feed, _)| (id.to_string(), Arc::clone(feed)));
        observe(&host, &ledger, feeds.collect(), readers, &checkpointer)?;
        observe_budget(&host.metrics, budget)?;
        Ok(Self {
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
        })
    }
}

impl Cursors {
    /// The cursors in one pipeline's log.
    fn of(&self, pipeline: &PipelineId) -> impl Iterator<Item = &Arc<Consumer>> {
        let pipeline = pipeline.to_string();
        let all = self.by_exporter.values().flatten();
        all.filter(move |consumer| consumer.key().pipeline == pipeline)
    }

    /// Opens the cursors of all exporters of `p`; gives those of its primary ones.
    fn open(
        &mut self,
        opened: &mut Opened,
        config: &Config,
        p: &PipelineConfig,
        ledger: &Ledger,
        checkpointer: &Checkpointer,
    ) -> Result<Vec<Arc<Consumer>>, LogError> {
        let mut primary = Vec::new();
        for id in &p.exporters {
            let Some(wake) = self.wakes.get(id) else { continue };
            let component = config.exporters.iter().find(|c| c.id == *id);
            let queue_bytes = component.and_then(|c| c.queue.max_bytes);
            let consumer = opened.consumer(p, id, queue_bytes, wake, ledger)?;
            checkpointer.add(Arc::clone(&consumer) as _);
            if p.primary.contains(id) {
                primary.push(Arc::clone(&consumer));
            }
            self.by_exporter.entry(id.clone()).or_default().push(consumer);
        }
        Ok(primary)
    }

    /// What sends to each exporter.
    fn lanes(
        mut self,
        config: &Config,
        exporters: &BTreeMap<ComponentId, Arc<dyn Exporter>>,
        host: &Host,
        meters: &Meters,
    ) -> Vec<(ComponentId, Arc<Feed>, Arc<Lanes>)> {
        let mut lanes = Vec::new();
        for component in &config.exporters {
            let id = component.id.clone();
            let (Some(exporter), Some(wake)) = (exporters.get(&id), self.wakes.remove(&id)) else {
                continue;
            };
            let options = LaneOptions {
                n_in_flight: component.queue.n_in_flight,
                retry: component.retry.clone(),
                jitter: host.jitter.clone(),
                clock: Arc::clone(&host.clock),
                meters: meters.clone(),
            };
            let feed = Feed::new(self.by_exporter.remove(&id).unwrap_or_default(), wake);
            let (name, own) = (id.to_string(), Arc::clone(&feed));
            let lane = Lanes::new(name, own, Arc::clone(exporter), options);
            lanes.push((id, feed, Arc::new(lane)));
        }
        lanes
    }
}

/// The ways into a pipeline, by receiver; and whether anybody in it is new.
fn open_branches(
    ledger: &Ledger,
    p: &PipelineConfig,
    trunk: &Arc<Trunk>,
    opened: Opened,
    checkpointer: &Checkpointer,
) -> (Vec<(ComponentId, Branch)>, bool) {
    let waiting: BTreeMap<&ComponentId, Arc<Waiting>> =
        p.receivers.iter().map(|id| (id, Arc::default())).collect();
    let edge = |id: &ComponentId| -> Edge {
        let counted = waiting.get(id).cloned().unwrap_or_default();
        let queued = Box::new(move || counted.read());
        ledger.open(edge_id(&p.id, &id.to_string(), "log"), p.id.signal, Some(queued))
    };
    let (receivers, is_new) = opened.receivers(p, edge, checkpointer);
    let branch = |(id, (origin, edge)): (ComponentId, (Origin, Edge))| {
        let waiting = waiting.get(&id).cloned().unwrap_or_default();
        let (signal, trunk) = (p.id.signal, Arc::clone(trunk));
        (id, Branch { signal, trunk, origin, edge, waiting })
    };
    (receivers.into_iter().map(branch).collect(), is_new)
}

fn build_nodes(
    config: &Config,
    registry: &Registry,
    host: &Host,
    budget: &Budget,
) -> Result<Nodes, ConfigError> {
    let mut findings = Vec::new();
    let notices = Notices::default();
    let (receivers, observers, exporters) = Default::default();
    let mut nodes = Nodes { receivers, observers, exporters, notices };
    let mut kinds: BTreeMap<(&str, &ComponentId), &'static [Signal]> = BTreeMap::new();
    for component in &config.receivers {
        let context = context(component, host, budget);
        let built = registry
            .receiver(&component.id.kind)
            .map_err(|missing| unknown("receiver", component, missing.0))
            .and_then(|kind: &ReceiverKind| {
                kinds.insert(("receiver", &component.id), kind.signals);
                (kind.build)(&component.settings, &context)
                    .map_err(|f| placed("receivers", component, f))
            });
        match built {
            Ok(node) => drop(nodes.receivers.insert(component.id.clone(), node)),
            Err(finding) => findings.push(finding),
        }
    }
    for component in &config.processors {
        let context = context(component, host, budget);
        let built = registry
            .processor(&component.id.kind)
            .map_err(|missing| unknown("processor", component, missing.0))
            .and_then(|kind: &ProcessorKind| {
                kinds.insert(("processor", &component.id), kind.signals);
                let ProcessorShape::Observer(build) = kind.shape;
                build(&component.settings, &context, &nodes.notices)
                    .map_err(|f| placed("processors", component, f))
            });
        match built {
            Ok(node) => drop(nodes.observers.insert(component.id.clone(), node)),
            Err(finding) => findings.push(finding),
        }
    }
    for component in &config.exporters {
        let context = context(component, host, budget);
        let built = registry
            .exporter(&component.id.kind)
            .map_err(|missing| unknown("exporter", component, missing.0))
            .and_then(|kind: &ExporterKind| {
                kinds.insert(("exporter", &component.id), kind.signals);
                (kind.build)(&component.settings, &context)
                    .map_err(|f| placed("exporters", component, f))
            });
        match built {
            Ok(node) => drop(nodes.exporters.insert(component.id.clone(), node)),
            Err(finding) => findings.push(finding),
        }
    }
    for p in &config.pipelines {
        let members = p.receivers.iter().map(|id| ("receiver", id));
        let members = members.chain(p.processors.iter().map(|id| ("processor", id)));
        for member in members.chain(p.exporters.iter().map(|id| ("exporter", id))) {
            if kinds.get(&member).is_some_and(|signals| !signals.contains(&p.id.signal)) {
                let (what, id) = member;
                let said = format!("{what} `{id}` does not carry {}", p.id.signal);
                findings.push(Finding::new(p.at, said).within(&p.id.to_string()));
            }
        }
    }
    if findings.is_empty() {
        return Ok(nodes);
    }
    findings.sort_by_key(|f| f.at);
    Err(ConfigError { file: config.file.clone(), findings })
}

fn context(component: &Component, host: &Host, budget: &Budget) -> NodeContext {
    NodeContext {
        id: component.id.clone(),
        clock: Arc::clone(&host.clock),
        metrics: host.metrics.clone(),
        budget: budget.clone(),
    }
}

fn unknown(what: &str, component: &Component, hint: String) -> Finding {
    let said = format!("there is no {what} `{}`", component.id.kind);
    Finding::new(component.at, said).hint(hint)
}

fn placed(section: &str, component: &Component, finding: Finding) -> Finding {
    finding.or_at(component.at).within(&component.id.to_string()).within(section)
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}
