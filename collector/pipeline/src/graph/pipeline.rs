//! A pipeline: its log, everything that reads it, and the ways into it.
//!
//! # Invariants
//! 1. A pipeline is opened again only after everything of it was put down: nobody writes its log, nobody
//!    sends from it, and cursors are checkpointed.
//! 2. Between the two a log in memory is held by a claim of its own, so that nothing of it goes.
//!
//! # Failure
//! A log that does not end its writing in time is not opened again; the pipeline stays, refuses, and is
//! not ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use collector_telemetry::names::{attr, span};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::branch::{Branch, Keep, Trunk, Waiting};
use super::health::{Health, PipelineHealth, QueueHealth, Trouble};
use super::site::Site;
use super::supervise::supervise;
use super::trunk::{Opened, edge_id, queue_bytes, resize};
use crate::Signal;
use crate::config::{ComponentId, Config, PipelineConfig, PipelineId};
use crate::consumer::{Consumer, Observing};
use crate::ledger::{Edge, Reason};
use crate::log::{Claim, ClaimOptions, Log, LogError, LogReader, Origin, Role};
use crate::node::Observer;

/// A log whose thread writes for longer than this although nothing new comes is given up.
const CLOSED_WITHIN: Duration = Duration::from_secs(30);

/// The log of one pipeline, for those who follow it.
#[derive(Debug, Clone)]
pub struct PipelineLog {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// Its records.
    pub reader: LogReader,
}

/// A pipeline with its log open.
pub(super) struct Pipeline {
    pub(super) config: PipelineConfig,
    pub(super) reader: LogReader,
    keep: Keep,
    /// In the order of the configuration.
    pub(super) consumers: Vec<(ComponentId, Arc<Consumer>)>,
    observers: Vec<Watching>,
    /// By receiver.
    pub(super) branches: BTreeMap<ComponentId, Arc<Branch>>,
    /// When it began to be opened, until that was told.
    opening: Option<u64>,
}

/// An observer of one pipeline.
struct Watching {
    id: ComponentId,
    node: Arc<dyn Observer>,
    observing: Arc<Observing>,
    /// Absent before it is started.
    task: Option<JoinHandle<()>>,
}

/// A log in memory between two pipelines.
pub(super) struct Ring {
    log: Log,
    _pin: Claim,
}

/// What a pipeline is opened with besides its configuration.
pub(super) struct Means<'a> {
    pub(super) site: &'a Site,
    pub(super) observers: &'a BTreeMap<ComponentId, Arc<dyn Observer>>,
    /// The exporters' alarms.
    pub(super) wakes: &'a mut BTreeMap<ComponentId, Arc<Notify>>,
}

impl Pipeline {
    /// Opens the log of `p`, or goes on with `ring`, and puts every cursor where it was; and says whether
    /// anybody there is new.
    pub(super) fn open(
        means: &mut Means<'_>,
        config: &Config,
        p: &PipelineConfig,
        ring: Option<&Ring>,
    ) -> Result<(Self, bool), LogError> {
        let site = means.site;
        let started = site.host.clock.unix_nanos();
        let mut opened = Opened::open(site, config, p, ring.map(|ring| ring.log.clone()))?;
        let mut consumers = Vec::new();
        for id in &p.exporters {
            let wake = means.wakes.entry(id.clone()).or_default();
            let consumer = opened.consumer(p, id, queue_bytes(config, id), wake, &site.ledger)?;
            site.checkpointer.add(Arc::clone(&consumer) as _);
            site.notices.add(consumer.key().clone(), consumer.watch());
            consumers.push((id.clone(), consumer));
        }
        let mut observers = Vec::new();
        for id in &p.processors {
            let Some(node) = means.observers.get(id) else { continue };
            let observing = opened.observer(p, id, Arc::clone(node), &site.ledger)?;
            site.checkpointer.add(Arc::clone(&observing) as _);
            let (id, node) = (id.clone(), Arc::clone(node));
            observers.push(Watching { id, node, observing, task: None });
        }
        let reader = opened.reader.clone();
        // What lies in memory is gone with the process: its cursors need no keeping ahead of time.
        if matches!(opened.keep, Keep::Disk(_)) {
            reader.tell_sealed(Arc::clone(&site.sealed));
        }
        let weak = Arc::downgrade(&site.checkpointer);
        reader.before_delete(move || weak.upgrade().is_none_or(|c| c.write().is_ok()));
        let keep = opened.keep.clone();
        let primary = consumers.iter().filter(|(id, _)| p.primary.contains(id));
        let trunk = Arc::new(Trunk {
            pipeline: p.id.to_string(),
            keep: keep.clone(),
            ack: p.ack,
            primary: primary.map(|(_, consumer)| Arc::clone(consumer)).collect(),
            ack_timeout: p.ack_timeout,
            duplicates: site.duplicates.clone(),
        });
        let (branches, anybody_new) = open_branches(site, p, &trunk, opened);
        let config = p.clone();
        let opening = Some(started);
        Ok((Self { config, reader, keep, consumers, observers, branches, opening }, anybody_new))
    }

    /// Its name.
    pub(super) fn id(&self) -> &PipelineId {
        &self.config.id
    }

    /// Its log, for those who follow it.
    pub(super) fn log(&self) -> PipelineLog {
        PipelineLog { pipeline: self.id().clone(), reader: self.reader.clone() }
    }

    /// Whether its observers are the present ones.
    pub(super) fn is_watched_by(&self, now: &BTreeMap<ComponentId, Arc<dyn Observer>>) -> bool {
        let is_same = |w: &Watching| now.get(&w.id).is_some_and(|node| Arc::ptr_eq(node, &w.node));
        self.observers.iter().all(is_same)
    }

    /// Whether its log is on disk.
    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self.keep, Keep::Disk(_))
    }

    /// Starts its observers, and has health look at its log.
    pub(super) fn start(&mut self, site: &Site, health: &Health, stop: &CancellationToken) {
        let pipeline = self.id().to_string();
        if let Some(started) = self.opening.take().filter(|_| self.is_on_disk()) {
            let span = site.own.began_at(span::LOG_OPEN, started);
            span.with(attr::PERCH_PIPELINE, &pipeline).end();
        }
        if let Keep::Disk(committer) = &self.keep {
            let committer = Arc::downgrade(committer);
            health.probe(format!("log/{pipeline}"), move || {
                let committer = committer.upgrade()?;
                let (code, message) = ("log_thread_gone", "its thread is gone");
                let gone =
                    (!committer.is_alive()).then(|| Trouble { code, message: message.to_owned() });
                gone.or_else(|| Trouble::stuck("log_stuck", committer.busy_for()))
            });
        }
        health.follow(pipeline.clone(), self.look());
        for watching in self.observers.iter_mut().filter(|w| w.task.is_none()) {
            let entry = health.entry(format!("processor/{} in {pipeline}", watching.id));
            let own = Arc::clone(&watching.observing);
            let work = move || {
                let observer = Arc::clone(&own);
                async move { observer.run().await }
            };
            let (restarts, jitter) = (site.restarts.clone(), site.host.jitter.clone());
            let task = supervise(entry, restarts, jitter, stop.clone(), work);
            watching.task = Some(tokio::spawn(task));
        }
    }

    /// Looks how it is, whenever asked.
    fn look(&self) -> impl Fn() -> PipelineHealth + Send + Sync + 'static {
        let (pipeline, ack) = (self.id().to_string(), self.config.ack.to_string());
        let storage = if self.is_on_disk() { "disk" } else { "memory" };
        let (reader, consumers) = (self.reader.clone(), self.consumers.clone());
        move || {
            let queue = |(id, consumer): &(ComponentId, Arc<Consumer>)| {
                let queued = consumer.queued();
                let oldest = consumer.oldest().filter(|_| queued.n_items > 0);
                let (exporter, n_items) = (id.to_string(), queued.n_items);
                QueueHealth { exporter, n_items, n_bytes: queued.n_bytes, oldest }
            };
            PipelineHealth {
                pipeline: pipeline.clone(),
                ack: ack.clone(),
                storage,
                n_segments: reader.segments().len(),
                n_bytes: reader.n_bytes(),
                queues: consumers.iter().map(queue).collect(),
            }
        }
    }

    /// Bounds its log and shares by another configuration that leaves it as it is.
    pub(super) fn resize(&self, config: &Config) {
        resize(config, &self.config, &self.reader, &self.consumers);
    }

    /// Ends the writing of its log: what was handed over is written, what comes later is refused. False if that
    /// took too long.
    pub(super) async fn end_writing(&self, deadline: Option<Instant>) -> bool {
        let Keep::Disk(committer) = &self.keep else { return true };
        let (committer, pipeline) = (Arc::clone(committer), self.id());
        let deadline = deadline.unwrap_or_else(|| Instant::now() + CLOSED_WITHIN);
        let closing = tokio::task::spawn_blocking(move || committer.close());
        let ended = timeout_at(deadline, closing).await.is_ok();
        if !ended {
            tracing::error!(%pipeline, "a log could not be written to its end in time");
        }
        ended
    }

    /// Lets its observers read to the head, and stops them at `deadline`.
    pub(super) async fn end_observing(&mut self, deadline: Instant) {
        self.observers.iter().for_each(|watching| watching.observing.close());
        for Watching { id, task, .. } in &mut self.observers {
            let Some(mut task) = task.take() else { continue };
            if timeout_at(deadline, &mut task).await.is_err() {
                tracing::warn!(processor = %id, "not everything was observed in time");
                task.abort();
                let _ = task.await;
            }
        }
    }

    /// Waits until all of its `consumers` have passed what is there now, or until `deadline`.
    pub(super) async fn delivered(&self, of: impl Fn(&ComponentId) -> bool, deadline: Instant) {
        let head = self.reader.head();
        for (_, consumer) in self.consumers.iter().filter(|(id, _)| of(id)) {
            let mut cursor = consumer.watch();
            loop {
                // A cursor at the end of an earlier segment stands before the head, with nothing in between.
                let at = *cursor.borrow_and_update();
                if at >= head || consumer.queued().n_items == 0 {
                    break;
                }
                if !matches!(timeout_at(deadline, cursor.changed()).await, Ok(Ok(()))) {
                    break;
                }
            }
        }
    }

    /// Drops what waits for one of its exporters; says how much.
    pub(super) fn drop_rest(&self, exporter: &ComponentId) -> u64 {
        let of = self.consumers.iter().filter(|(id, _)| id == exporter);
        of.map(|(_, consumer)| consumer.drop_rest(Reason::Shutdown).n_items).sum()
    }

    /// What waits for each exporter.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&ComponentId, u64)> {
        self.consumers.iter().map(|(id, consumer)| (id, consumer.queued().n_items))
    }

    /// Puts it down, nothing of it being at work any more: its cursors are checkpointed and its accounts
    /// closed; a log in memory is given back.
    pub(super) async fn put_down(self, site: &Site, health: &Health) -> Option<Ring> {
        let checkpointer = Arc::clone(&site.checkpointer);
        // Failed, it is logged and counted, and the next start sends a little again.
        let _ = tokio::task::spawn_blocking(move || checkpointer.write()).await;
        let name = self.id().to_string();
        site.checkpointer.leave(&name);
        health.forget(&format!("log/{name}"));
        health.leave(&name);
        for watching in &self.observers {
            health.forget(&format!("processor/{} in {name}", watching.id));
        }
        match &self.keep {
            Keep::Disk(_) => None,
            Keep::Ring(log) => {
                let pin = self.reader.claim(ClaimOptions {
                    role: Role::Secondary,
                    share: u64::MAX,
                    from: self.reader.start(),
                    edge: None,
                    wake: Arc::default(),
                    shed: None,
                });
                Some(Ring { log: log.clone(), _pin: pin })
            }
        }
    }

    /// Ends its log's thread without waiting for it.
    pub(super) fn let_go(&self) {
        if let Keep::Disk(committer) = &self.keep {
            committer.end();
        }
    }

    /// Whether the local store follows it.
    pub(super) fn is_followed(&self, config: &Config) -> bool {
        config.keeps_log && self.id().signal != Signal::Metrics
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

/// The ways into a pipeline, by receiver; and whether anybody in it is new.
fn open_branches(
    site: &Site,
    p: &PipelineConfig,
    trunk: &Arc<Trunk>,
    opened: Opened,
) -> (BTreeMap<ComponentId, Arc<Branch>>, bool) {
    let waiting: BTreeMap<&ComponentId, Arc<Waiting>> =
        p.receivers.iter().map(|id| (id, Arc::default())).collect();
    let edge = |id: &ComponentId| -> Edge {
        let counted = waiting.get(id).cloned().unwrap_or_default();
        let queued = Box::new(move || counted.read());
        site.ledger.open(edge_id(&p.id, &id.to_string(), "log"), p.id.signal, Some(queued))
    };
    let (receivers, is_new) = opened.receivers(p, edge, &site.checkpointer);
    let branch = |(id, (origin, edge)): (ComponentId, (Origin, Edge))| {
        let waiting = waiting.get(&id).cloned().unwrap_or_default();
        let (signal, trunk) = (p.id.signal, Arc::clone(trunk));
        (id, Arc::new(Branch { signal, trunk, origin, edge, waiting }))
    };
    (receivers.into_iter().map(branch).collect(), is_new)
}
