//! A pipeline's log with everything that reads it, opened where an earlier process left it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::branch::Keep;
use super::site::Site;
use crate::Signal;
use crate::config::{Ack, ComponentId, Config, MemoryLimit, PipelineConfig, PipelineId};
use crate::consumer::{
    Checkpoint, Checkpointed, Checkpointer, Consumer, Found, Key, Observing, Register, Resumed,
    Start, resume,
};
use crate::ledger::{Amount, Edge, EdgeId, Ledger, Reason, Totals};
use crate::log::{Committer, Log, LogError, LogOptions, LogReader, Origin, Role, Sync};
use crate::node::Observer;

/// A log on disk has at least so many segments in an exporter's share, so that little more than what
/// must go does.
const SEGMENTS_PER_SHARE: u64 = 8;
/// Largest segment of a log in memory: what is kept longer than anybody wants it.
const MEMORY_SEGMENT_BYTES: u64 = 1 << 20;
/// History of a trace or log pipeline in memory, for the local store: minutes of a quiet machine.
const MEMORY_HISTORY_BYTES: u64 = 32 << 20;
/// What a reader of a log on disk may hold however little memory there is: one request in usual sizes.
const MIN_AHEAD_BYTES: u64 = 128 << 10;
/// Smallest segment that is kept for the local store for want of memory.
const MIN_INDEXED_BYTES: u64 = 2 << 20;

/// A pipeline's log, opened, and what is known of who reads it.
pub(super) struct Opened {
    pub(super) keep: Keep,
    pub(super) reader: LogReader,
    register: Register,
    /// Somebody is here who has no sound checkpoint.
    anybody_new: bool,
    /// What was found of each consumer that the pipeline has now.
    found: BTreeMap<String, Found>,
    options: LogOptions,
    n_shares: u64,
}

/// The register of a pipeline at work.
pub(super) struct LiveRegister {
    key: Key,
    reader: LogReader,
    register: Mutex<Register>,
    edges: Vec<(String, Edge)>,
    kept: Mutex<Option<Checkpoint>>,
}

impl Opened {
    /// Opens the log of `p`; what its checkpoints say is read first.
    pub(super) fn open(
        site: &Site,
        config: &Config,
        p: &PipelineConfig,
        ring: Option<Log>,
    ) -> Result<Self, LogError> {
        let Site { host, lock, checkpointer, .. } = site;
        let options = options(config, p);
        let n_shares = p.exporters.len().max(1) as u64;
        let name = p.id.to_string();
        let register = Register::read(&checkpointer.read(&Key::register(&name))?);
        let mut found = BTreeMap::new();
        for consumer in p.exporters.iter().chain(&p.processors).map(ToString::to_string) {
            let there = checkpointer.read(&Key::new(&name, &consumer))?;
            found.insert(consumer, there);
        }
        let (keep, reader) = if config.storage.is_some() {
            let places = found.values().filter_map(|found| match found {
                Found::Sound(checkpoint) => Some(checkpoint.passed.position),
                Found::Absent | Found::Damaged => None,
            });
            let past = register.past(places);
            let (fs, clock) = (Arc::clone(&host.fs), Arc::clone(&host.clock));
            let log = Log::open_after(fs, clock, &log_dir(config, &p.id), options.clone(), &past)?;
            let sync = match p.ack {
                Ack::Memory => Sync::OnSeal,
                Ack::Durable | Ack::Delivered => Sync::Each,
            };
            let reader = log.reader();
            (Keep::Disk(Arc::new(Committer::start(log, sync, lock.clone())?)), reader)
        } else {
            let fresh = || Log::memory(Arc::clone(&host.clock), options.clone());
            let log = ring.unwrap_or_else(fresh);
            let reader = log.reader();
            reader.resize(options.clone());
            (Keep::Ring(log), reader)
        };
        for left in register.consumers.iter().filter(|name| !found.contains_key(*name)) {
            let pipeline = &name;
            tracing::warn!(
                pipeline,
                consumer = left,
                "left the configuration, nothing is kept for it"
            );
        }
        let anybody_new = config.storage.is_some() && !register.known;
        Ok(Self { keep, reader, register, anybody_new, found, options, n_shares })
    }

    /// Where the consumer of `key` goes on.
    pub(super) fn resume(&mut self, key: &Key) -> Result<Resumed, LogError> {
        let found = self.found.remove(&key.consumer).unwrap_or(Found::Absent);
        // A log whose register is lost may have had anybody for a reader.
        let known = !self.register.known || self.register.consumers.contains(&key.consumer);
        self.anybody_new |= !matches!(found, Found::Sound(_));
        let resumed = resume(key, found, known, &self.reader)?;
        self.register.consumers.insert(key.consumer.clone());
        Ok(resumed)
    }

    /// The cursor of an exporter, with its edge.
    pub(super) fn consumer(
        &mut self,
        p: &PipelineConfig,
        exporter: &ComponentId,
        queue_bytes: Option<u64>,
        wake: &Arc<Notify>,
        ledger: &Ledger,
    ) -> Result<Arc<Consumer>, LogError> {
        let key = Key::new(&p.id.to_string(), &exporter.to_string());
        let Resumed { passed, .. } = self.resume(&key)?;
        let primary = p.primary.contains(exporter);
        let role = if primary { Role::Primary } else { Role::Secondary };
        let share = share(&self.options, self.n_shares, queue_bytes);
        let id = edge_id(&p.id, "log", &exporter.to_string());
        let start = Start { key, role, share, passed, wake: Arc::clone(wake) };
        Ok(Consumer::start(&self.reader, start, ledger, id))
    }

    /// The cursor of an observer, with its edge.
    pub(super) fn observer(
        &mut self,
        p: &PipelineConfig,
        processor: &ComponentId,
        node: Arc<dyn Observer>,
        ledger: &Ledger,
    ) -> Result<Arc<Observing>, LogError> {
        let name = processor.to_string();
        let resumed = self.resume(&Key::new(&p.id.to_string(), &name))?;
        Ok(Observing::start(&p.id, &name, node, &self.reader, resumed, ledger))
    }

    /// The receivers' numbers and edges, and whether anybody here is new; the register lives on and is
    /// checkpointed.
    pub(super) fn receivers(
        self,
        p: &PipelineConfig,
        edges: impl Fn(&ComponentId) -> Edge,
        checkpointer: &Checkpointer,
    ) -> (BTreeMap<ComponentId, (Origin, Edge)>, bool) {
        let Self { reader, mut register, mut anybody_new, .. } = self;
        let n_known = reader.taken_by_origin().1.len();
        let mut all = BTreeMap::new();
        for receiver in &p.receivers {
            let name = receiver.to_string();
            anybody_new |= !register.receivers.contains_key(&name);
            let origin = register.origin(&name, n_known);
            let (_, by_origin) = reader.taken_by_origin();
            let taken = by_origin.get(usize::from(origin.0)).copied().unwrap_or_default();
            let unwritten = register.receivers.get(&name).map_or(Amount::NONE, |e| e.unwritten);
            let mut totals = Totals::delivered(taken);
            totals.drop_for(Reason::Unwritten, unwritten);
            let edge = edges(receiver);
            edge.resume(totals.sum(), &totals);
            all.insert(receiver.clone(), (origin, edge));
        }
        let edges = all.iter().map(|(id, (_, edge))| (id.to_string(), edge.clone())).collect();
        let key = Key::register(&p.id.to_string());
        let (register, kept) = (Mutex::new(register), Mutex::new(None));
        checkpointer.add(Arc::new(LiveRegister { key, reader, register, edges, kept }));
        (all, anybody_new)
    }
}

impl Checkpointed for LiveRegister {
    fn key(&self) -> &Key {
        &self.key
    }

    fn changed(&self) -> Option<Checkpoint> {
        let mut register = self.register.lock().unwrap_or_else(PoisonError::into_inner);
        let (head, by_origin) = self.reader.taken_by_origin();
        register.position = head.position;
        register.taken = head.taken;
        for entry in register.receivers.values_mut() {
            entry.taken = by_origin.get(usize::from(entry.origin.0)).copied().unwrap_or_default();
        }
        for (name, edge) in &self.edges {
            if let Some(entry) = register.receivers.get_mut(name) {
                entry.unwritten = edge.dropped(Reason::Unwritten);
            }
        }
        let checkpoint = register.checkpoint();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.as_ref() != Some(&checkpoint)).then_some(checkpoint)
    }

    fn kept(&self, checkpoint: &Checkpoint) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(checkpoint.clone());
    }
}

/// The name of an edge.
pub(super) fn edge_id(pipeline: &PipelineId, from: &str, to: &str) -> EdgeId {
    EdgeId { pipeline: pipeline.to_string(), from: from.to_owned(), to: to.to_owned() }
}

/// Bytes that may wait for one exporter.
fn share(options: &LogOptions, n_shares: u64, queue_bytes: Option<u64>) -> u64 {
    // Beside what waits there is room for the segment that is just being passed.
    let all = options.max_bytes.saturating_sub(options.segment_bytes).max(1);
    queue_bytes.map_or(all / n_shares, |n| n.min(all))
}

/// Bounds the log of `p`, which goes on as it is, and its exporters' shares by another configuration.
pub(super) fn resize(
    config: &Config,
    p: &PipelineConfig,
    reader: &LogReader,
    consumers: &[(ComponentId, Arc<Consumer>)],
) {
    let options = options(config, p);
    let n_shares = p.exporters.len().max(1) as u64;
    for (id, consumer) in consumers {
        consumer.resize(share(&options, n_shares, queue_bytes(config, id)));
    }
    reader.resize(options);
}

/// What the configuration gives an exporter of each log.
pub(super) fn queue_bytes(config: &Config, exporter: &ComponentId) -> Option<u64> {
    config.exporters.iter().find(|c| c.id == *exporter)?.queue.max_bytes
}

/// The bounds of a pipeline's log: an equal part of the disk's or the memory's.
fn options(config: &Config, p: &PipelineConfig) -> LogOptions {
    let n_logs = config.pipelines.len().max(1) as u64;
    let memory = MemoryLimit::process_bytes(config.memory.as_ref());
    let n_shares = SEGMENTS_PER_SHARE * p.exporters.len().max(1) as u64;
    let Some(storage) = &config.storage else {
        // An eighth of the memory: as much again may be under way, and exporters make copies.
        let max_bytes = (memory / 8).clamp(16 << 20, 512 << 20) / n_logs;
        let segment_bytes = (max_bytes / n_shares).min(MEMORY_SEGMENT_BYTES);
        let has_history = config.keeps_log && p.id.signal != Signal::Metrics;
        let history_bytes = if has_history { MEMORY_HISTORY_BYTES.min(max_bytes / 2) } else { 0 };
        return LogOptions {
            segment_bytes,
            history_bytes,
            ..LogOptions::with_max_bytes(max_bytes)
        };
    };
    let mut options = LogOptions::with_max_bytes(storage.max_bytes / n_logs);
    options.segment_bytes = options.segment_bytes.min(options.max_bytes / n_shares);
    options.max_age = storage.max_age;
    // Who lags further than this reads from disk, which costs time and no memory.
    options.tail_bytes = (memory / 64).clamp(1 << 20, 64 << 20) / n_logs;
    options.waiting_bytes = (memory / 8).clamp(4 << 20, 128 << 20) / n_logs;
    let readers = config.pipelines.iter().map(|p| p.exporters.len() + p.processors.len());
    let n_readers = readers.sum::<usize>().max(1) as u64;
    options.ahead_bytes = (memory / 16 / n_readers).max(MIN_AHEAD_BYTES);
    if config.keeps_log && p.id.signal != Signal::Metrics {
        // The local store has an index of the open segment in memory, of half its size at worst.
        options.segment_bytes = options.segment_bytes.min((memory / 16).max(MIN_INDEXED_BYTES));
    }
    options
}

/// The folder of a pipeline's log. Names hold no `+`, so two pipelines never share one.
fn log_dir(config: &Config, id: &PipelineId) -> PathBuf {
    let base = config.storage.as_ref().map(|s| s.directory.clone()).unwrap_or_default();
    base.join("log").join(id.to_string().replace('/', "+"))
}
