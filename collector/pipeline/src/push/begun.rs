//! Batches between their translation and their last body.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Batch;
use crate::ledger::Reason;
use bytes::Bytes;

/// Begun batches that are remembered; only batches that were given up stay so long.
const MAX_BEGUN: usize = 64;

/// One body, and the items it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What is posted.
    pub body: Bytes,
    /// Items in it.
    pub n_items: u64,
}

/// A translated batch.
#[derive(Debug, Default)]
pub struct Prepared {
    /// What is still to be sent.
    pub pieces: VecDeque<Piece>,
    /// Items that will not arrive, by reason.
    pub dropped: Vec<(Reason, u64)>,
    /// What is to be said about them.
    pub message: String,
    /// Items that arrived.
    pub n_delivered: u64,
}

/// Batches that were begun and are not finished, by their payload's place in memory: holding it keeps the
/// place theirs.
#[derive(Debug, Default)]
pub(super) struct Begun(Mutex<VecDeque<(Bytes, Prepared)>>);

/// A batch in hand. It goes back among the begun unless it is finished, however the attempt ends.
pub(super) struct Held<'a> {
    begun: &'a Begun,
    payload: Bytes,
    prepared: Option<Prepared>,
}

impl Prepared {
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
}

impl Begun {
    /// Takes up `batch` where it was left, or begins it.
    pub(super) fn take<'a>(
        &'a self,
        batch: &Batch,
        prepare: impl FnOnce(&Batch) -> Prepared,
    ) -> Held<'a> {
        let payload = batch.payload.clone();
        let left = {
            let mut begun = self.lock();
            let at = begun.iter().position(|(known, _)| is_same(known, &payload));
            at.and_then(|at| begun.remove(at))
        };
        let prepared = Some(left.map_or_else(|| prepare(batch), |(_, prepared)| prepared));
        Held { begun: self, payload, prepared }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Bytes, Prepared)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held<'_> {
    pub(super) fn get(&mut self) -> &mut Prepared {
        self.prepared.get_or_insert_default()
    }

    pub(super) fn finish(mut self) -> Prepared {
        self.prepared.take().unwrap_or_default()
    }
}

impl Drop for Held<'_> {
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
