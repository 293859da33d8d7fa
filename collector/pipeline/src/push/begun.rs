//! Batches between their translation and their last piece.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Batch;
use crate::ledger::Reason;
use bytes::Bytes;

/// Begun batches that are remembered; only batches that were given up stay so long.
const MAX_BEGUN: usize = 64;

/// What became of items so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Items that will not arrive, by reason.
    pub dropped: Vec<(Reason, u64)>,
    /// What is to be said about them.
    pub message: String,
    /// Items that arrived.
    pub n_delivered: u64,
}

/// A translated batch.
#[derive(Debug)]
pub struct Prepared<P> {
    /// Request streams.
    pub(super) shards: Vec<Shard<P>>,
    /// What became of items that have no form at the backend.
    pub outcome: Outcome,
}

/// One request stream.
#[derive(Debug)]
pub(super) struct Shard<P> {
    /// What is still to be sent, in order.
    pub(super) pieces: VecDeque<P>,
    pub(super) outcome: Outcome,
}

/// Batches that were begun and are not finished, by their payload's place in memory: holding it keeps the
/// place theirs.
#[derive(Debug)]
pub(super) struct Begun<P>(Mutex<VecDeque<(Bytes, Prepared<P>)>>);

/// A batch in hand. It goes back among the begun unless it is finished, however the attempt ends.
pub(super) struct Held<'a, P> {
    begun: &'a Begun<P>,
    payload: Bytes,
    prepared: Option<Prepared<P>>,
}

impl Outcome {
    /// Counts `n` items that will not arrive, and keeps the first message.
    pub fn drop_items(&mut self, reason: Reason, n: u64, message: &str) {
        if n == 0 {
            return;
        }
        match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, total)) => *total += n,
            None => self.dropped.push((reason, n)),
        }
        if self.message.is_empty() {
            message.clone_into(&mut self.message);
        }
    }

    /// Adds what became of others.
    pub(super) fn add(&mut self, other: &Self) {
        for (reason, n) in &other.dropped {
            self.drop_items(*reason, *n, &other.message);
        }
        self.n_delivered += other.n_delivered;
    }
}

impl<P> Prepared<P> {
    /// Adds a request stream with these pieces, in order.
    pub fn shard(&mut self, pieces: impl IntoIterator<Item = P>) {
        let pieces: VecDeque<P> = pieces.into_iter().collect();
        if !pieces.is_empty() {
            self.shards.push(Shard { pieces, outcome: Outcome::default() });
        }
    }

    /// What became of all items.
    pub(super) fn whole(mut self) -> Outcome {
        for shard in &self.shards {
            self.outcome.add(&shard.outcome);
        }
        self.outcome
    }
}

impl<P> Default for Prepared<P> {
    fn default() -> Self {
        Self { shards: Vec::new(), outcome: Outcome::default() }
    }
}

impl<P> Default for Begun<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P> Begun<P> {
    /// Takes up `batch` where it was left, or begins it.
    pub(super) fn take<'a>(
        &'a self,
        batch: &Batch,
        prepare: impl FnOnce(&Batch) -> Prepared<P>,
    ) -> Held<'a, P> {
        let payload = batch.payload.kept().clone();
        let left = {
            let mut begun = self.lock();
            // Whose payload nobody else holds was given up.
            begun.retain(|(known, _)| known.as_ptr() == payload.as_ptr() || !known.is_unique());
            let at = begun.iter().position(|(known, _)| is_same(known, &payload));
            at.and_then(|at| begun.remove(at))
        };
        let prepared = Some(left.map_or_else(|| prepare(batch), |(_, prepared)| prepared));
        Held { begun: self, payload, prepared }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Bytes, Prepared<P>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Held<'_, P> {
    pub(super) fn get(&mut self) -> &mut Prepared<P> {
        self.prepared.get_or_insert_default()
    }

    pub(super) fn finish(mut self) -> Outcome {
        self.prepared.take().unwrap_or_default().whole()
    }
}

impl<P> Drop for Held<'_, P> {
    fn drop(&mut self) {
        if let Some(prepared) = self.prepared.take() {
            let mut begun = self.begun.lock();
            if begun.len() >= MAX_BEGUN {
                begun.pop_front();
            }
            begun.push_back((std::mem::take(&mut self.payload), prepared));
        }
    }
}

fn is_same(a: &Bytes, b: &Bytes) -> bool {
    a.as_ptr() == b.as_ptr() && a.len() == b.len()
}
