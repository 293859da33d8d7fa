//! A first-in first-out queue bounded by bytes.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durable_fs::Clock;
use tokio::sync::Notify;

use crate::Batch;
use crate::ledger::Edge;

/// A batch that waits for an exporter.
#[derive(Debug, Clone)]
pub struct Item {
    /// The batch.
    pub batch: Batch,
    /// The edge it travels on.
    pub edge: Edge,
    /// How often the exporter panicked over it.
    pub n_panics: u32,
    /// Where its edge is accounted for in the queue.
    account: usize,
    /// Monotonic time at which it came.
    queued_at: Duration,
}

/// The queue of one exporter, fed by all pipelines that name it.
pub struct Queue {
    max_bytes: u64,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    /// Times at which the items under way came.
    in_hand: Vec<Duration>,
    /// Bytes reserved, waiting or under way.
    n_bytes: u64,
    /// Items and bytes waiting or under way, by edge.
    accounts: Vec<(u64, u64)>,
    closed: bool,
}

/// Room for one batch; given back when dropped unused.
pub struct Reservation {
    queue: Arc<Queue>,
    n_bytes: u64,
    used: bool,
}

/// An item under way; goes back to the front of its queue unless settled.
pub struct InHand {
    queue: Arc<Queue>,
    item: Option<Item>,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(max_bytes: u64, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { max_bytes, clock, state: Mutex::default(), wake: Notify::new() })
    }

    /// Opens an account for an edge that ends here.
    pub fn open_account(&self) -> usize {
        let mut state = self.lock();
        state.accounts.push((0, 0));
        state.accounts.len() - 1
    }

    /// Items and bytes of an edge that wait or are under way.
    #[must_use]
    pub fn account(&self, account: usize) -> (u64, u64) {
        self.lock().accounts.get(account).copied().unwrap_or_default()
    }

    /// Takes room for a batch of `n_bytes`; nothing when there is none or the queue is closed.
    /// A batch larger than the whole queue passes when it is alone.
    #[must_use]
    pub fn reserve(self: &Arc<Self>, n_bytes: u64) -> Option<Reservation> {
        let mut state = self.lock();
        let fits = state.n_bytes + n_bytes <= self.max_bytes || state.n_bytes == 0;
        if !fits || state.closed {
            return None;
        }
        state.n_bytes += n_bytes;
        Some(Reservation { queue: Arc::clone(self), n_bytes, used: false })
    }

    /// The next item, once there is one; nothing once the queue is closed and empty.
    pub async fn pop(self: &Arc<Self>) -> Option<InHand> {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before the look, so that no push in between is missed.
            woken.as_mut().enable();
            {
                let mut state = self.lock();
                if let Some(item) = state.items.pop_front() {
                    state.in_hand.push(item.queued_at);
                    return Some(InHand { queue: Arc::clone(self), item: Some(item) });
                }
                if state.closed && state.in_hand.is_empty() {
                    return None;
                }
            }
            woken.await;
        }
    }

    /// Refuses everything from now on; what is inside stays.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_waiters();
    }

    /// Takes everything out that is not under way.
    pub fn take_all(&self) -> Vec<Item> {
        let mut state = self.lock();
        let items: Vec<Item> = state.items.drain(..).collect();
        for item in &items {
            state.leave(item);
        }
        items
    }

    /// Bytes reserved, waiting or under way.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.lock().n_bytes
    }

    /// How long the oldest item has been here.
    #[must_use]
    pub fn oldest(&self) -> Duration {
        let state = self.lock();
        let waiting = state.items.front().map(|i| i.queued_at);
        let oldest = state.in_hand.iter().copied().chain(waiting).min();
        oldest.map_or(Duration::ZERO, |at| self.clock.monotonic().saturating_sub(at))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Strikes an item off the accounts.
    fn leave(&mut self, item: &Item) {
        let n_bytes = item.n_bytes();
        self.n_bytes -= n_bytes;
        let account = &mut self.accounts[item.account];
        account.0 -= item.n_items();
        account.1 -= n_bytes;
    }

    fn let_go(&mut self, queued_at: Duration) {
        if let Some(at) = self.in_hand.iter().position(|t| *t == queued_at) {
            self.in_hand.swap_remove(at);
        }
    }
}

impl Item {
    /// Spans, data points or log records.
    #[must_use]
    pub fn n_items(&self) -> u64 {
        u64::from(self.batch.n_items)
    }

    /// Uncompressed bytes.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.batch.payload.len() as u64
    }
}

impl Reservation {
    /// Puts `batch` into the room taken for it; `account` is its edge's.
    pub fn push(mut self, batch: Batch, edge: Edge, account: usize) {
        self.used = true;
        let queued_at = self.queue.clock.monotonic();
        let item = Item { batch, edge, n_panics: 0, account, queued_at };
        let mut state = self.queue.lock();
        // The room may have been taken for another size; from here on the item's own counts.
        state.n_bytes = state.n_bytes - self.n_bytes + item.n_bytes();
        let account = &mut state.accounts[account];
        account.0 += item.n_items();
        account.1 += item.n_bytes();
        state.items.push_back(item);
        drop(state);
        self.queue.wake.notify_one();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.used {
            self.queue.lock().n_bytes -= self.n_bytes;
        }
    }
}

impl InHand {
    /// The exporter is done with it: delivered or dropped, and accounted for as such.
    pub fn settle(mut self) {
        if let Some(item) = self.item.take() {
            let mut state = self.queue.lock();
            state.let_go(item.queued_at);
            state.leave(&item);
            let done = state.closed && state.items.is_empty() && state.in_hand.is_empty();
            drop(state);
            if done {
                self.queue.wake.notify_waiters();
            }
        }
    }

    /// Notes that the exporter panicked over it, and how often that has happened.
    pub fn note_panic(&mut self) -> u32 {
        self.item.as_mut().map_or(0, |item| {
            item.n_panics += 1;
            item.n_panics
        })
    }
}

impl Deref for InHand {
    type Target = Item;

    #[expect(
        clippy::expect_used,
        reason = "only `settle` and `drop` take the item, and both end it"
    )]
    fn deref(&self) -> &Item {
        self.item.as_ref().expect("an item in hand is there until it is settled")
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            let mut state = self.queue.lock();
            state.let_go(item.queued_at);
            state.items.push_front(item);
            drop(state);
            self.queue.wake.notify_one();
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("n_bytes", &self.n_bytes()).finish_non_exhaustive()
    }
}
