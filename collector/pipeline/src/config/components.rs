//! The sections that define components, and what is the pipeline's in a component's settings.

use serde::Deserialize;

use super::at::At;
use super::error::Finding;
use super::findings::Findings;
use super::nearest::nearest;
use super::tree::{Tree, Value};
use super::types::{Component, ComponentId, QueueConfig, RetryConfig};
use super::units::{ByteSize, Interval};

/// Processors whose work is the pipeline's own: batching and admission.
pub(crate) const OWN_PROCESSORS: [&str; 2] = ["batch", "memory_limiter"];

/// Components of one section by name.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) entries: Vec<(ComponentId, At, Tree)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sizer {
    Requests,
    Items,
    Bytes,
}

/// `sending_queue` as the OpenTelemetry Collector knows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQueue {
    enabled: Option<bool>,
    num_consumers: Option<usize>,
    queue_size: Option<ByteSize>,
    sizer: Option<Sizer>,
    storage: Option<String>,
    wait_for_result: Option<bool>,
    block_on_overflow: Option<bool>,
    batch: Option<serde::de::IgnoredAny>,
}

/// `retry_on_failure` as the OpenTelemetry Collector knows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRetry {
    enabled: Option<bool>,
    initial_interval: Option<Interval>,
    max_interval: Option<Interval>,
    max_elapsed_time: Option<Interval>,
    multiplier: Option<f64>,
    randomization_factor: Option<f64>,
}

impl Section {
    pub(super) fn read(tree: &Tree, name: &'static str, found: &mut Findings) -> Self {
        let section = tree.get(name).map(Tree::entries).unwrap_or(Ok(&[]));
        let mut entries = Vec::new();
        for (key, settings) in found.keep(section.map_err(|e| e.within(name))).unwrap_or_default() {
            match ComponentId::parse(&key.text) {
                Some(id) => entries.push((id, key.at, settings.clone())),
                None => found.faults.push(
                    Finding::new(key.at, format!("`{}` is not a component's name", key.text))
                        .within(name)
                        .hint("write `type` or `type/name`"),
                ),
            }
        }
        Self { name, entries }
    }

    pub(super) fn get(&self, id: &ComponentId) -> Option<&(ComponentId, At, Tree)> {
        self.entries.iter().find(|(known, _, _)| known == id)
    }

    /// The component that a pipeline names in `text`, or the fault of naming it.
    pub(super) fn resolve(&self, text: &str, at: At) -> Result<ComponentId, Finding> {
        let known = ComponentId::parse(text).filter(|id| self.get(id).is_some());
        known.ok_or_else(|| {
            let names: Vec<String> = self.entries.iter().map(|(id, _, _)| id.to_string()).collect();
            let fault = Finding::new(at, format!("`{text}` is not defined under `{}`", self.name));
            match nearest(text, names.iter().map(String::as_str)) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None if names.is_empty() => fault.hint("nothing is defined there"),
                None => fault.hint(format!("defined there: {}", names.join(", "))),
            }
        })
    }

    pub(super) fn note_unused(&self, used: &[ComponentId], found: &mut Findings) {
        let own = |id: &ComponentId| {
            self.name == "processors" && OWN_PROCESSORS.contains(&id.kind.as_str())
        };
        let unused = self.entries.iter().filter(|(id, _, _)| !used.contains(id) && !own(id));
        for (id, at, _) in unused {
            found.note(*at, format!("`{id}` is not started: no pipeline names it"));
        }
    }

    /// Says what processors mean that are the pipeline's own.
    pub(super) fn note_own_processors(&self, found: &mut Findings) {
        for (_, at, _) in self.entries.iter().filter(|(id, _, _)| id.kind == "batch") {
            found.note(
                *at,
                "`batch` has no effect: batches travel as they came and are sent without waiting",
            );
        }
    }
}

/// A receiver or a processor.
pub(super) fn resolve_plain(section: &Section, id: &ComponentId) -> Option<Component> {
    let (id, at, mut settings) = section.get(id)?.clone();
    if settings.value == Value::Null {
        settings = Tree::empty(at);
    }
    let (queue, retry) = (QueueConfig::default(), RetryConfig::default());
    Some(Component { id, at, settings, queue, retry })
}

pub(super) fn resolve_exporter(
    section: &Section,
    id: &ComponentId,
    found: &mut Findings,
) -> Option<Component> {
    let (id, at, mut settings) = section.get(id)?.clone();
    let mut path = |read: Result<(), Finding>| {
        found.keep(read.map_err(|e| e.within(&id.to_string()).within("exporters")));
    };
    let mut notes = Vec::new();
    let mut queue = QueueConfig::default();
    if let Some((_, tree)) = settings.take("sending_queue") {
        path(
            read_queue(&tree, &mut notes).map(|q| queue = q).map_err(|e| e.within("sending_queue")),
        );
    }
    let mut retry = RetryConfig::default();
    if let Some((_, tree)) = settings.take("retry_on_failure") {
        path(
            read_retry(&tree, &mut notes)
                .map(|r| retry = r)
                .map_err(|e| e.within("retry_on_failure")),
        );
    }
    if settings.value == Value::Null {
        settings = Tree::empty(at);
    }
    let mut understood = Vec::new();
    path(super::understood::apply(&id.kind, &mut settings, &mut understood));
    for (at, message) in understood {
        found.note(at, message);
    }
    for (at, message) in notes {
        found.note(at, message);
    }
    Some(Component { id, at, settings, queue, retry })
}

type Notes = Vec<(At, &'static str)>;

fn read_queue(tree: &Tree, notes: &mut Notes) -> Result<QueueConfig, Finding> {
    let raw: RawQueue = tree.read()?;
    let mut queue = QueueConfig::default();
    let at = |key: &str| tree.get(key).map_or(tree.at, |t| t.at);
    if raw.enabled == Some(false) {
        notes.push((
            at("enabled"),
            "the queue stays on: it is the log, where batches wait while they are sent",
        ));
    }
    match (raw.queue_size, raw.sizer) {
        (Some(ByteSize(0)), _) => {
            return Err(Finding::new(at("queue_size"), "a queue of no size takes nothing"));
        }
        (Some(ByteSize(n)), Some(Sizer::Bytes)) => queue.max_bytes = Some(n),
        (Some(_), _) => notes.push((
            at("queue_size"),
            "queue_size has no effect without `sizer: bytes`: what waits is bounded in bytes here, by an equal share of the log by default",
        )),
        (None, _) => {}
    }
    match raw.num_consumers {
        Some(0) => {
            return Err(Finding::new(at("num_consumers"), "at least one consumer is needed"));
        }
        n => queue.n_in_flight = n,
    }
    if raw.storage.is_some() {
        notes.push((
            at("storage"),
            "sending_queue.storage has no effect: what waits is in the pipeline's log, on disk where storage.directory is set",
        ));
    }
    if raw.wait_for_result == Some(true) {
        notes.push((
            at("wait_for_result"),
            "wait_for_result has no effect: write `ack: delivered` in the pipeline",
        ));
    }
    if raw.batch.is_some() {
        notes.push((
            at("batch"),
            "sending_queue.batch has no effect: batches travel as they came and are sent without waiting",
        ));
    }
    if raw.block_on_overflow.is_some() {
        notes.push((
            at("block_on_overflow"),
            "block_on_overflow has no effect: a full queue refuses at once and says when to retry",
        ));
    }
    Ok(queue)
}

fn read_retry(tree: &Tree, notes: &mut Notes) -> Result<RetryConfig, Finding> {
    let raw: RawRetry = tree.read()?;
    let default = RetryConfig::default();
    let initial = raw.initial_interval.map_or(default.initial, |i| i.0);
    let max = raw.max_interval.map_or(default.max, |i| i.0);
    let at = |key: &str| tree.get(key).map_or(tree.at, |t| t.at);
    if initial.is_zero() || initial > max {
        let fault = Finding::new(
            tree.at,
            "initial_interval must lie above zero and not above max_interval",
        );
        return Err(fault);
    }
    if raw.multiplier.is_some() {
        notes.push((at("multiplier"), "multiplier has no effect: waits double"));
    }
    if raw.randomization_factor.is_some() {
        notes.push((
            at("randomization_factor"),
            "randomization_factor has no effect: waits are drawn from zero to their ceiling",
        ));
    }
    let give_up_after = raw.max_elapsed_time.map(|i| i.0).filter(|d| !d.is_zero());
    Ok(RetryConfig { enabled: raw.enabled.unwrap_or(true), initial, max, give_up_after })
}
