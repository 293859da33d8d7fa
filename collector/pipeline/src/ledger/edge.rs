//! The counters of each edge.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::amount::Amount;
use super::reason::Reason;
use super::snapshot::{EdgeAccount, Snapshot};
use super::totals::Totals;
use crate::Signal;

/// The name of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EdgeId {
    /// The pipeline as configured, `traces` or `traces/name`.
    pub pipeline: String,
    /// Where items come from: a receiver or `log`.
    pub from: String,
    /// Where they go: `log` or an exporter.
    pub to: String,
}

/// One edge's counters; cheap to clone, all clones count together.
#[derive(Clone)]
pub struct Edge(Arc<Counters>);

/// Reads how many items and bytes wait on an edge, from where they wait.
pub type Queued = dyn Fn() -> (u64, u64) + Send + Sync;

struct Counters {
    id: EdgeId,
    signal: Signal,
    entered: Pair,
    delivered: Pair,
    dropped: [Pair; Reason::ALL.len()],
    queued: Option<Box<Queued>>,
}

#[derive(Default)]
struct Pair {
    items: AtomicU64,
    bytes: AtomicU64,
}

/// All edges of a process.
#[derive(Clone, Default)]
pub struct Ledger {
    edges: Arc<Mutex<Vec<Edge>>>,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens an edge; `queued` reads what waits on it, absent where nothing ever does.
    pub fn open(&self, id: EdgeId, signal: Signal, queued: Option<Box<Queued>>) -> Edge {
        let edge = Edge(Arc::new(Counters {
            id,
            signal,
            entered: Pair::default(),
            delivered: Pair::default(),
            dropped: Default::default(),
            queued,
        }));
        self.edges.lock().unwrap_or_else(PoisonError::into_inner).push(edge.clone());
        edge
    }

    /// The accounts of `pipeline` are closed; gives them as they stand.
    #[must_use]
    pub fn close(&self, pipeline: &str) -> Snapshot {
        let mut edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        let (gone, kept) =
            std::mem::take(&mut *edges).into_iter().partition(|e| e.id().pipeline == pipeline);
        *edges = kept;
        let gone: Vec<Edge> = gone;
        Snapshot { edges: gone.iter().map(Edge::account).collect() }
    }

    /// All accounts as they stand.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Snapshot { edges: edges.iter().map(Edge::account).collect() }
    }
}

impl Edge {
    /// The name.
    #[must_use]
    pub fn id(&self) -> &EdgeId {
        &self.0.id
    }

    /// Items entered.
    pub fn enter(&self, n_items: u64, n_bytes: u64) {
        self.0.entered.add(n_items, n_bytes);
    }

    /// Items arrived at the far end.
    pub fn deliver(&self, n_items: u64, n_bytes: u64) {
        self.0.delivered.add(n_items, n_bytes);
    }

    /// Items were given up.
    pub fn drop_items(&self, reason: Reason, n_items: u64, n_bytes: u64) {
        self.0.dropped[reason as usize].add(n_items, n_bytes);
    }

    /// Counts what left in `totals`.
    pub(crate) fn settle(&self, totals: &Totals) {
        self.deliver(totals.delivered.n_items, totals.delivered.n_bytes);
        for reason in Reason::ALL {
            let dropped = totals.dropped_for(reason);
            if !dropped.is_none() {
                self.drop_items(reason, dropped.n_items, dropped.n_bytes);
            }
        }
    }

    /// What was given up for `reason`.
    pub(crate) fn dropped(&self, reason: Reason) -> Amount {
        let (n_items, n_bytes) = self.0.dropped[reason as usize].read();
        Amount::new(n_items, n_bytes)
    }

    /// Goes on from what an earlier process, or an earlier run of the node, had counted.
    pub(crate) fn resume(&self, entered: Amount, totals: &Totals) {
        self.0.entered.set(entered);
        self.go_back(totals);
    }

    /// Counts anew from `totals` what left; what entered stays.
    pub(crate) fn go_back(&self, totals: &Totals) {
        self.0.delivered.set(totals.delivered);
        for reason in Reason::ALL {
            self.0.dropped[reason as usize].set(totals.dropped_for(reason));
        }
    }

    fn account(&self) -> EdgeAccount {
        let c = &self.0;
        // Left side last: whatever moves in between shows as more entered, not as items from nowhere.
        let (delivered, delivered_bytes) = c.delivered.read();
        let mut dropped = Vec::new();
        let mut dropped_bytes = Vec::new();
        for reason in Reason::ALL {
            let (items, bytes) = c.dropped[reason as usize].read();
            if items > 0 || bytes > 0 {
                dropped.push((reason, items));
                dropped_bytes.push((reason, bytes));
            }
        }
        let (queued, queued_bytes) = c.queued.as_ref().map_or((0, 0), |read| read());
        let (entered, entered_bytes) = c.entered.read();
        EdgeAccount {
            pipeline: c.id.pipeline.clone(),
            from: c.id.from.clone(),
            to: c.id.to.clone(),
            signal: c.signal.name(),
            entered,
            delivered,
            dropped: dropped.into_iter().collect(),
            queued,
            entered_bytes,
            delivered_bytes,
            dropped_bytes: dropped_bytes.into_iter().collect(),
            queued_bytes,
        }
    }
}

impl Pair {
    fn add(&self, items: u64, bytes: u64) {
        self.items.fetch_add(items, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    fn set(&self, amount: Amount) {
        self.items.store(amount.n_items, Relaxed);
        self.bytes.store(amount.n_bytes, Relaxed);
    }

    fn read(&self) -> (u64, u64) {
        (self.items.load(Relaxed), self.bytes.load(Relaxed))
    }
}

impl fmt::Display for EdgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.pipeline, self.from, self.to)
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edge({})", self.0.id)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}
