//! An exporter's cursor in one pipeline's log.
//!
//! # Invariants
//! 1. What a lane is given it settles or gives back; a lane that ends gives back what it holds.
//! 2. Accounts change in the same breath as the window, so that the edge balances whoever looks.
//! 3. Of a log on disk a consumer holds [`LogReader::ahead_bytes`] in memory at most, half of them under
//!    way and half read ahead; where a record alone is larger, that one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Notify, watch};

use super::checkpoint::{Checkpoint, Key};
use super::checkpointer::Checkpointed;
use super::window::{Passed, Returned, Window};
use crate::ledger::{Amount, Edge, EdgeId, Ledger, Reason, Totals};
use crate::log::{Claim, ClaimOptions, LogReader, Mark, Position, Record, Role, Shed};

/// Records one consumer may have taken beyond its cursor: what a crash makes it send again at most.
pub(super) const MAX_AHEAD: usize = 256;

/// Told when a record was delivered or dropped.
type Waiter = Box<dyn FnOnce() + Send>;

/// Reads one log for one exporter.
pub struct Consumer {
    pub(super) key: Key,
    pub(super) reader: LogReader,
    claim: Claim,
    edge: Edge,
    inner: Arc<Mutex<Inner>>,
    pub(super) wake: Arc<Notify>,
    /// Where the cursor is, for whoever wants to be told.
    passed: watch::Sender<Position>,
}

/// What a consumer starts from.
pub struct Start {
    /// Whose it is.
    pub key: Key,
    /// What happens when its share is full.
    pub role: Role,
    /// Bytes of records that may wait for it.
    pub share: u64,
    /// How far it was.
    pub passed: Passed,
    /// The exporter's alarm.
    pub wake: Arc<Notify>,
}

/// Where a consumer is, and what it holds.
pub(super) struct Inner {
    pub(super) window: Window,
    /// Read from disk and not taken yet.
    pub(super) fetched: VecDeque<Record>,
    pub(super) fetching: bool,
    /// Bytes of records under way.
    pub(super) n_in_hand: u64,
    /// A lane was sent away because they are many.
    pub(super) short: bool,
    waiters: BTreeMap<Position, Vec<Waiter>>,
    /// The position last checkpointed, and the totals there.
    kept: Option<Passed>,
    /// When retention last took something, and nothing else was said since.
    losing: bool,
}

impl Consumer {
    /// A consumer of `reader`'s log at `start`, with its edge in `ledger`.
    #[must_use]
    pub fn start(reader: &LogReader, start: Start, ledger: &Ledger, edge: EdgeId) -> Arc<Self> {
        let Start { key, role, share, passed, wake } = start;
        let inner = Arc::new(Mutex::new(Inner {
            window: Window::new(passed),
            fetched: VecDeque::new(),
            fetching: false,
            n_in_hand: 0,
            short: false,
            waiters: BTreeMap::new(),
            kept: None,
            losing: false,
        }));
        let (counted, log) = (Arc::clone(&inner), reader.clone());
        let signal = crate::config::PipelineId::parse(&key.pipeline);
        let signal = signal.map_or(crate::Signal::Traces, |p| p.signal);
        let edge = ledger.open(
            edge,
            signal,
            Some(Box::new(move || {
                let queued = lock(&counted).window.queued(log.taken());
                (queued.n_items, queued.n_bytes)
            })),
        );
        let taken = reader.taken();
        edge.resume(passed.totals.sum() + (taken - passed.taken), &passed.totals);
        let (sender, _) = watch::channel(passed.position);
        Arc::new_cyclic(|this: &Weak<Self>| {
            let shed: Weak<dyn Shed> = this.clone();
            let options = ClaimOptions {
                role,
                share,
                from: passed.position,
                edge: Some(edge.clone()),
                wake: Arc::clone(&wake),
                shed: Some(shed),
            };
            let claim = reader.claim(options);
            Self { key, reader: reader.clone(), claim, edge, inner, wake, passed: sender }
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Tells when the cursor moves, and where to: everything before was delivered or dropped.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.passed.subscribe()
    }

    /// Calls `waiter` once the record at `position` is delivered or dropped; at once if it is.
    pub fn when_done(&self, position: Position, waiter: impl FnOnce() + Send + 'static) {
        let mut inner = self.lock();
        if inner.window.is_done(position) {
            drop(inner);
            waiter();
        } else {
            inner.waiters.entry(position).or_default().push(Box::new(waiter));
        }
    }

    /// What is neither delivered nor dropped.
    #[must_use]
    pub fn queued(&self) -> Amount {
        let inner = self.lock();
        inner.window.queued(self.reader.taken())
    }

    /// From now on so many bytes of records may wait for it.
    pub fn resize(&self, share: u64) {
        self.claim.resize(share);
    }

    /// Bytes of records between the cursor and the head.
    #[must_use]
    pub fn n_waiting_bytes(&self) -> u64 {
        self.claim.n_waiting_bytes()
    }

    /// When the oldest record that waits was received, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        let cursor = self.lock().window.passed().position;
        match self.reader.next(cursor) {
            Ok(crate::log::Next::Record(record)) => Some(record.received_at),
            _ => None,
        }
    }

    /// Drops everything that waits and is not under way; says how much.
    pub fn drop_rest(&self, reason: Reason) -> Amount {
        let mut inner = self.lock();
        let head = self.reader.head();
        let mut totals = Totals::default();
        while let Some(Returned { record, .. }) = inner.window.take_back() {
            let dropped = Totals::dropped(reason, record.amount());
            inner.window.settle(record.position, dropped);
            totals.add(&dropped);
        }
        totals.add(&inner.window.skip(head, self.reader.taken(), reason));
        self.edge.settle(&totals);
        self.moved(inner);
        totals.sum()
    }

    /// Passes over what lies before `to`.
    pub(super) fn skip(&self, mut inner: MutexGuard<'_, Inner>, to: Mark, reason: Reason) {
        let totals = inner.window.skip(to.position, to.taken, reason);
        self.edge.settle(&totals);
        let n_items = totals.sum().n_items;
        if n_items > 0 && !std::mem::replace(&mut inner.losing, true) {
            let Key { pipeline, consumer } = &self.key;
            let reason = reason.as_str();
            tracing::error!(pipeline, exporter = consumer, n_items, reason, "items dropped unread");
        }
        self.moved(inner);
    }

    /// Tells everybody whom it concerns how far the consumer is.
    fn moved(&self, mut inner: MutexGuard<'_, Inner>) {
        let position = inner.window.passed().position;
        let mut told = Vec::new();
        if !inner.waiters.is_empty() {
            let done: Vec<Position> =
                inner.waiters.keys().copied().filter(|at| inner.window.is_done(*at)).collect();
            told.extend(done.iter().filter_map(|at| inner.waiters.remove(at)).flatten());
        }
        if *self.passed.borrow() != position {
            self.claim.move_to(position);
            self.passed.send_replace(position);
        }
        drop(inner);
        told.into_iter().for_each(|waiter| waiter());
    }

    pub(super) fn settle(&self, record: &Record, totals: Totals) {
        let mut inner = self.lock();
        let was_short = inner.let_go(record);
        let was_full = inner.window.n_records() >= MAX_AHEAD || was_short;
        let is_settled = inner.window.settle(record.position, totals);
        let wakes = was_full || is_settled && !inner.window.is_busy();
        if is_settled {
            inner.losing = false;
            self.edge.settle(&totals);
            self.moved(inner);
        }
        if wakes {
            self.wake.notify_waiters();
            self.wake.notify_one();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Shed for Consumer {
    fn shed(&self, to: Mark) {
        let mut inner = self.lock();
        let totals = inner.window.abandon(to.position);
        self.edge.settle(&totals);
        self.skip(inner, to, Reason::Retention);
    }
}

impl Checkpointed for Consumer {
    fn key(&self) -> &Key {
        &self.key
    }

    fn changed(&self) -> Option<Checkpoint> {
        let inner = self.lock();
        let passed = inner.window.passed();
        (inner.kept != Some(passed)).then(|| Checkpoint { passed, ..Checkpoint::default() })
    }

    fn kept(&self, checkpoint: &Checkpoint) {
        self.lock().kept = Some(checkpoint.passed);
        self.claim.keep(checkpoint.passed.position);
    }
}

impl Inner {
    /// A record is under way no more; whether a lane waits for that.
    pub(super) fn let_go(&mut self, record: &Record) -> bool {
        self.n_in_hand -= record.n_bytes();
        std::mem::take(&mut self.short)
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("key", &self.key).finish_non_exhaustive()
    }
}
