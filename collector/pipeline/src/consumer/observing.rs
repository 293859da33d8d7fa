//! An observer's cursor in one pipeline's log, with its state.
//!
//! # Invariants
//! 1. State and cursor are checkpointed together, so that after a restart every record is in the state
//!    once: neither lost nor doubled.
//! 2. It never holds the log up: what goes before it was read is counted as dropped, and told to it.
//!
//! # Failure
//! An observer that panics goes on from its last checkpoint. A record over which it panics
//! [`MAX_PANICS`] times is left out and counted.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::checkpoint::{Checkpoint, Key, MAX_STATE};
use super::checkpointer::Checkpointed;
use super::resume::Resumed;
use super::step::{RETRY, run_bytes};
use super::window::Passed;
use crate::config::PipelineId;
use crate::ledger::{Amount, Edge, EdgeId, Ledger, Reason, Totals};
use crate::log::{Claim, ClaimOptions, LogReader, Look, Mark, Position, Record, Role};
use crate::node::{NodeError, Observation, Observer, panic_message};

/// After so many panics over one record the record is taken for the cause and left out.
const MAX_PANICS: u32 = 3;

/// Reads one log for one observer.
pub struct Observing {
    key: Key,
    pipeline: PipelineId,
    node: Arc<dyn Observer>,
    reader: LogReader,
    claim: Claim,
    edge: Edge,
    inner: Arc<Mutex<Inner>>,
    wake: Arc<Notify>,
    closed: AtomicBool,
}

struct Inner {
    passed: Passed,
    /// None before it began and after it panicked.
    observation: Option<Box<dyn Observation>>,
    /// Where it begins again.
    kept: Checkpoint,
    /// What went before it could be read, and was not told yet.
    missed: Amount,
    /// The record over which it panicked, and how often.
    panicked: Option<(Position, u32)>,
}

/// What there is to do next.
enum Step {
    Observe(Box<Record>),
    Read(Position),
    Wait,
}

impl Observing {
    /// A cursor of `reader`'s log for `node`, from where it was, with its edge in `ledger`.
    #[must_use]
    pub fn start(
        pipeline: &PipelineId,
        consumer: &str,
        node: Arc<dyn Observer>,
        reader: &LogReader,
        resumed: Resumed,
        ledger: &Ledger,
    ) -> Arc<Self> {
        let Resumed { passed, state, lost } = resumed;
        let (observation, panicked) = (None, None);
        let kept = Checkpoint { passed, state };
        let inner = Inner { passed, observation, kept, missed: lost, panicked };
        let inner = Arc::new(Mutex::new(inner));
        let (counted, log) = (Arc::clone(&inner), reader.clone());
        let queued = move || {
            let passed = lock(&counted).passed;
            let left = log.taken() - passed.taken;
            (left.n_items, left.n_bytes)
        };
        let name = pipeline.to_string();
        let [from, to] = ["log", consumer].map(ToOwned::to_owned);
        let id = EdgeId { pipeline: name.clone(), from, to };
        let edge = ledger.open(id, pipeline.signal, Some(Box::new(queued)));
        edge.resume(passed.totals.sum() + (reader.taken() - passed.taken), &passed.totals);
        let wake = Arc::new(Notify::new());
        let claim = reader.claim(ClaimOptions {
            role: Role::Observer,
            share: u64::MAX,
            from: passed.position,
            edge: Some(edge.clone()),
            wake: Arc::clone(&wake),
            shed: None,
        });
        let (pipeline, key) = (pipeline.clone(), Key::new(&name, consumer));
        let (reader, closed) = (reader.clone(), AtomicBool::new(false));
        Arc::new(Self { key, pipeline, node, reader, claim, edge, inner, wake, closed })
    }

    /// Whose it is.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The observer.
    #[must_use]
    pub fn node(&self) -> &Arc<dyn Observer> {
        &self.node
    }

    /// Ends at the head, once that is reached.
    pub fn close(&self) {
        self.closed.store(true, SeqCst);
        self.wake.notify_one();
    }

    /// Reads until closed. After an error, to be run again: it goes on from the last checkpoint.
    pub async fn run(&self) -> Result<(), String> {
        self.begin()?;
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before the look, so that no record in between is missed.
            woken.as_mut().enable();
            match self.step() {
                Step::Observe(record) => {
                    self.observe(&record)?;
                    // Whoever has much to catch up with lets the others live.
                    tokio::task::coop::consume_budget().await;
                }
                Step::Read(at) => self.read(at).await?,
                Step::Wait if self.closed.load(SeqCst) => return Ok(()),
                Step::Wait => woken.await,
            }
        }
    }

    /// Makes the observation anew from the last checkpoint, unless it is whole.
    fn begin(&self) -> Result<(), String> {
        let mut inner = self.lock();
        if inner.observation.is_some() {
            return Ok(());
        }
        let resumed = self.node.resume(&self.pipeline, &inner.kept.state);
        inner.observation = Some(resumed.map_err(|e: NodeError| e.to_string())?);
        inner.passed = inner.kept.passed;
        self.edge.go_back(&inner.passed.totals);
        let missed = std::mem::take(&mut inner.missed);
        if !missed.is_none()
            && let Some(observation) = &mut inner.observation
        {
            observation.missed(missed);
        }
        Ok(())
    }

    fn step(&self) -> Step {
        let mut inner = self.lock();
        match self.reader.look(inner.passed.position) {
            Look::Record { record, .. } => Step::Observe(Box::new(record)),
            Look::OnDisk(at) => Step::Read(at),
            Look::Gone => {
                let oldest = self.reader.oldest();
                self.miss(&mut inner, oldest, Reason::Retention);
                // Another look, without waiting.
                self.wake.notify_one();
                Step::Wait
            }
            Look::AtHead => {
                if let Some(observation) = &mut inner.observation {
                    observation.caught_up();
                }
                Step::Wait
            }
        }
    }

    async fn read(&self, at: Position) -> Result<(), String> {
        let (reader, max_bytes) = (self.reader.clone(), run_bytes(&self.reader));
        let read = tokio::task::spawn_blocking(move || reader.run(at, max_bytes)).await;
        let run = match read.map_err(|e| e.to_string())? {
            Ok(run) => run,
            Err(error) => {
                let Key { pipeline, consumer } = &self.key;
                tracing::error!(pipeline, consumer, %error, "the log cannot be read");
                tokio::time::sleep(RETRY).await;
                return Ok(());
            }
        };
        for record in &run.records {
            self.observe(record)?;
            tokio::task::coop::consume_budget().await;
        }
        if let Some(behind) = run.damaged_until {
            self.miss(&mut self.lock(), behind, Reason::Damaged);
        }
        Ok(())
    }

    fn observe(&self, record: &Record) -> Result<(), String> {
        let mut inner = self.lock();
        let amount = record.amount();
        let poison = Some((record.position, MAX_PANICS));
        let totals = if inner.panicked == poison {
            Totals::dropped(Reason::Panic, amount)
        } else {
            let Some(observation) = &mut inner.observation else { return Ok(()) };
            let observed = AssertUnwindSafe(|| observation.observe(record));
            if let Err(panic) = std::panic::catch_unwind(observed) {
                inner.observation = None;
                let before = inner.panicked.filter(|(at, _)| *at == record.position);
                inner.panicked = Some((record.position, before.map_or(0, |(_, n)| n) + 1));
                return Err(format!("panicked: {}", panic_message(panic.as_ref())));
            }
            Totals::delivered(amount)
        };
        inner.passed.position = record.end();
        inner.passed.taken += amount;
        inner.passed.totals.add(&totals);
        self.edge.settle(&totals);
        Ok(())
    }

    /// Passes over what cannot be read any more.
    fn miss(&self, inner: &mut Inner, to: Mark, reason: Reason) {
        if to.position <= inner.passed.position {
            return;
        }
        let amount = to.taken - inner.passed.taken;
        let totals = Totals::dropped(reason, amount);
        inner.passed.position = to.position;
        inner.passed.taken = to.taken;
        inner.passed.totals.add(&totals);
        self.edge.settle(&totals);
        let Key { pipeline, consumer } = &self.key;
        let (n_items, reason) = (amount.n_items, reason.as_str());
        tracing::warn!(pipeline, consumer, n_items, reason, "items went before they were read");
        if let Some(observation) = &mut inner.observation {
            observation.missed(amount);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Checkpointed for Observing {
    fn key(&self) -> &Key {
        &self.key
    }

    fn changed(&self) -> Option<Checkpoint> {
        let inner = self.lock();
        let observation = inner.observation.as_ref()?;
        if inner.passed == inner.kept.passed {
            return None;
        }
        // A panic here would take the lock and the round of checkpoints with it.
        let state = std::panic::catch_unwind(AssertUnwindSafe(|| observation.state()));
        let state: Bytes = state.ok().filter(|state| state.len() <= MAX_STATE).or_else(|| {
            let Key { pipeline, consumer } = &self.key;
            tracing::error!(pipeline, consumer, max = MAX_STATE, "no state to be checkpointed");
            None
        })?;
        Some(Checkpoint { passed: inner.passed, state })
    }

    fn kept(&self, checkpoint: &Checkpoint) {
        self.lock().kept = checkpoint.clone();
        // Until then a panic may have it read again.
        self.claim.move_to(checkpoint.passed.position);
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Observing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observing").field("key", &self.key).finish_non_exhaustive()
    }
}
