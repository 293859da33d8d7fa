//! From a configuration to nodes that are ready to start.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use collector_otlp::admission::Budget;
use collector_telemetry::names::metric;
use collector_telemetry::{Counter, MetricError, Metrics};
use durable_fs::{Clock, Fs};

use super::intake::{Branch, Export, Intake, Keep, Trunk, Waiting};
use super::meters::{observe, observe_budget};
use super::running::PipelineLog;
use crate::Signal;
use crate::config::{
    Ack, Component, ComponentId, Config, ConfigError, Finding, MemoryLimit, PipelineConfig,
    PipelineId,
};
use crate::ledger::{Edge, EdgeId, Ledger};
use crate::log::{Committer, Log, LogError, LogOptions, LogReader, StorageLock, Sync};
use crate::node::{Exporter, ExporterKind, NodeContext, Receiver, ReceiverKind, Registry};
use crate::queue::{Jitter, LaneOptions, Lanes, Meters, Queue};

/// Bytes of a trace or log pipeline's ring in memory: minutes of a quiet machine.
const MEMORY_LOG_BYTES: u64 = 32 << 20;

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
    pub(super) host: Host,
    pub(super) ledger: Ledger,
    pub(super) lock: Option<StorageLock>,
    pub(super) receivers: Vec<(ComponentId, Arc<dyn Receiver>, Intake)>,
    pub(super) lanes: Vec<(ComponentId, Arc<Queue>, Lanes)>,
    pub(super) logs: Vec<PipelineLog>,
    pub(super) committers: Vec<Arc<Committer>>,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) restarts: Counter,
}

/// Nodes built from their settings.
struct Nodes {
    receivers: BTreeMap<ComponentId, Arc<dyn Receiver>>,
    exporters: BTreeMap<ComponentId, Arc<dyn Exporter>>,
}

/// Finds whatever is wrong with `config` short of starting it: unknown kinds, settings its nodes
/// refuse, signals they cannot carry.
pub fn check(config: &Config, registry: &Registry, host: &Host) -> Result<(), ConfigError> {
    build_nodes(config, registry, host, &MemoryLimit::budget(config.memory.as_ref())).map(|_| ())
}

impl Graph {
    /// Builds nodes, queues and logs.
    pub fn build(config: &Config, registry: &Registry, host: Host) -> Result<Self, GraphError> {
        let budget = MemoryLimit::budget(config.memory.as_ref());
        let nodes = build_nodes(config, registry, &host, &budget)?;
        let ledger = Ledger::new();
        let meters = Meters::register(&host.metrics)?;
        let restarts = host.metrics.counter(&metric::NODE_RESTARTS)?;

        let mut queues = BTreeMap::new();
        let mut lanes = Vec::new();
        for component in &config.exporters {
            let Some(exporter) = nodes.exporters.get(&component.id) else { continue };
            let queue = Queue::new(component.queue.max_bytes, Arc::clone(&host.clock));
            let options = LaneOptions {
                n_in_flight: component.queue.n_in_flight,
                retry: component.retry.clone(),
                jitter: host.jitter.clone(),
                clock: Arc::clone(&host.clock),
                meters: meters.clone(),
            };
            let (name, exporter) = (component.id.to_string(), Arc::clone(exporter));
            let lane = Lanes::new(name, Arc::clone(&queue), exporter, options);
            lanes.push((component.id.clone(), Arc::clone(&queue), lane));
            queues.insert(component.id.clone(), queue);
        }

        let storage = config.storage.as_ref().map(|s| &s.directory);
        let lock = storage.map(|dir| StorageLock::take(host.fs.as_ref(), dir)).transpose()?;
        let duplicates = host.metrics.counter(&metric::LOG_DUPLICATE_ITEMS)?;
        let (mut logs, mut committers, mut readers) = (Vec::new(), Vec::new(), Vec::new());
        let mut trunks = Vec::new();
        for pipeline in &config.pipelines {
            let keep = open_log(config, pipeline, &host)?;
            if let Keep::Disk(committer) = &keep {
                committers.push(Arc::clone(committer));
            }
            readers.extend(keep.reader());
            if let Some(reader) = keep.reader().filter(|_| pipeline.id.signal != Signal::Metrics) {
                logs.push(PipelineLog { pipeline: pipeline.id.clone(), reader });
            }
            let exports = pipeline.exporters.iter().filter_map(|id| {
                queues.get(id).map(|queue| export_edge(&ledger, &pipeline.id, id, queue))
            });
            let (exports, duplicates) = (exports.collect(), duplicates.clone());
            let (name, ack) = (pipeline.id.to_string(), pipeline.ack);
            let trunk = Trunk { pipeline: name, keep, ack, exports, duplicates };
            trunks.push((pipeline, Arc::new(trunk)));
        }

        let draining = Arc::new(AtomicBool::new(false));
        let mut receivers = Vec::new();
        for (id, receiver) in nodes.receivers {
            let fed = trunks.iter().filter(|(p, _)| p.receivers.contains(&id));
            let branches = fed.map(|(p, trunk)| branch(&ledger, &p.id, &id, trunk)).collect();
            let intake = Intake::of(branches, Arc::clone(&draining));
            receivers.push((id, receiver, intake));
        }
        let named = lanes.iter().map(|(id, queue, _)| (id.to_string(), Arc::clone(queue)));
        observe(&host.metrics, &ledger, named.collect(), readers)?;
        observe_budget(&host.metrics, budget)?;
        Ok(Self { host, ledger, lock, receivers, lanes, logs, committers, draining, restarts })
    }
}

fn branch(ledger: &Ledger, p: &PipelineId, from: &ComponentId, trunk: &Arc<Trunk>) -> Branch {
    let waiting = Arc::new(Waiting::default());
    let counted = Arc::clone(&waiting);
    let id = edge_id(p, &from.to_string(), "log");
    let edge = ledger.open(id, p.signal, Some(Box::new(move || counted.read())));
    Branch { signal: p.signal, trunk: Arc::clone(trunk), edge, waiting }
}

fn export_edge(ledger: &Ledger, p: &PipelineId, to: &ComponentId, queue: &Arc<Queue>) -> Export {
    let account = queue.open_account();
    let counted = Arc::clone(queue);
    let queued = Box::new(move || counted.account(account));
    let id = edge_id(p, "log", &to.to_string());
    let edge: Edge = ledger.open(id, p.signal, Some(queued));
    Export { queue: Arc::clone(queue), edge, account }
}

fn edge_id(pipeline: &PipelineId, from: &str, to: &str) -> EdgeId {
    EdgeId { pipeline: pipeline.to_string(), from: from.to_owned(), to: to.to_owned() }
}

impl Keep {
    fn reader(&self) -> Option<LogReader> {
        match self {
            Self::Nothing => None,
            Self::Ring(log) => Some(log.reader()),
            Self::Disk(committer) => Some(committer.reader()),
        }
    }
}

/// The log of a pipeline that keeps one; the disk's bound is shared equally.
fn open_log(config: &Config, p: &PipelineConfig, host: &Host) -> Result<Keep, LogError> {
    let keeps_log = |p: &&PipelineConfig| p.id.signal != Signal::Metrics || p.ack == Ack::Durable;
    if !config.keeps_log || !keeps_log(&p) {
        return Ok(Keep::Nothing);
    }
    let clock = Arc::clone(&host.clock);
    let Some(storage) = &config.storage else {
        return Ok(Keep::Ring(Log::memory(clock, LogOptions::with_max_bytes(MEMORY_LOG_BYTES))));
    };
    let n_logs = config.pipelines.iter().filter(keeps_log).count().max(1) as u64;
    let mut options = LogOptions::with_max_bytes(storage.max_bytes / n_logs);
    options.max_age = storage.max_age;
    let log = Log::open(Arc::clone(&host.fs), clock, &log_dir(config, &p.id), options)?;
    let sync = match p.ack {
        Ack::Memory => Sync::OnSeal,
        Ack::Durable => Sync::Each,
    };
    Ok(Keep::Disk(Arc::new(Committer::start(log, sync)?)))
}

/// The folder of a pipeline's log. Names hold no `+`, so two pipelines never share one.
fn log_dir(config: &Config, id: &PipelineId) -> PathBuf {
    let base = config.storage.as_ref().map(|s| s.directory.clone()).unwrap_or_default();
    base.join("log").join(id.to_string().replace('/', "+"))
}

fn build_nodes(
    config: &Config,
    registry: &Registry,
    host: &Host,
    budget: &Budget,
) -> Result<Nodes, ConfigError> {
    let mut findings = Vec::new();
    let mut nodes = Nodes { receivers: BTreeMap::new(), exporters: BTreeMap::new() };
    let mut kinds: BTreeMap<(&str, &ComponentId), &'static [Signal]> = BTreeMap::new();
    for component in &config.receivers {
        let built = registry
            .receiver(&component.id.kind)
            .map_err(|missing| unknown("receiver", component, missing.0))
            .and_then(|kind: &ReceiverKind| {
                kinds.insert(("receiver", &component.id), kind.signals);
                (kind.build)(&component.settings, &context(component, host, budget))
                    .map_err(|f| placed("receivers", component, f))
            });
        match built {
            Ok(node) => drop(nodes.receivers.insert(component.id.clone(), node)),
            Err(finding) => findings.push(finding),
        }
    }
    for component in &config.exporters {
        let built = registry
            .exporter(&component.id.kind)
            .map_err(|missing| unknown("exporter", component, missing.0))
            .and_then(|kind: &ExporterKind| {
                kinds.insert(("exporter", &component.id), kind.signals);
                (kind.build)(&component.settings, &context(component, host, budget))
                    .map_err(|f| placed("exporters", component, f))
            });
        match built {
            Ok(node) => drop(nodes.exporters.insert(component.id.clone(), node)),
            Err(finding) => findings.push(finding),
        }
    }
    for p in &config.pipelines {
        for id in &p.exporters {
            let carries = nodes.exporters.get(id).map(|e| e.carries(p.id.signal));
            if let Some(Err(hint)) = carries {
                let said = format!("exporter `{id}` has nowhere to send {}", p.id.signal);
                findings.push(Finding::new(p.at, said).within(&p.id.to_string()).hint(hint));
            }
        }
        let members = p.receivers.iter().map(|id| ("receiver", id));
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
