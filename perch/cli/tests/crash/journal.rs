//! What senders did and what they were told, as they saw it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::batch::BatchId;

/// Faults beyond these say nothing new.
const MAX_FAULTS: usize = 10;

/// The account of all senders; clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Entries>>);

/// What is written in a journal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entries {
    streams: BTreeMap<u16, Vec<Sent>>,
    /// Attempts that were refused by a reply, by status.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Attempts without a reply.
    pub(crate) n_unanswered: u64,
    /// Replies that must not be.
    pub(crate) faults: Vec<String>,
}

/// What became of one batch at its sender.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    /// How often it was put on the wire, at least in part.
    pub(crate) n_attempts: u32,
    /// Whether a reply of success came.
    pub(crate) acked: bool,
}

impl Journal {
    pub(crate) fn read(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }

    /// A batch is about to be put on the wire.
    pub(crate) fn attempt(&self, id: BatchId) {
        self.read().sent_mut(id).n_attempts += 1;
    }

    /// It was not put on the wire after all: nobody was there.
    pub(crate) fn not_sent(&self, id: BatchId) {
        self.read().sent_mut(id).n_attempts -= 1;
    }

    /// A reply of success came.
    pub(crate) fn acked(&self, id: BatchId) {
        self.read().sent_mut(id).acked = true;
    }

    /// A reply of refusal came.
    pub(crate) fn refused(&self, status: String) {
        *self.read().refused.entry(status).or_default() += 1;
    }

    /// No reply came.
    pub(crate) fn unanswered(&self) {
        self.read().n_unanswered += 1;
    }

    /// A reply came that must not be.
    pub(crate) fn fault(&self, fault: String) {
        let faults = &mut self.read().faults;
        if faults.len() < MAX_FAULTS {
            faults.push(fault);
        }
    }
}

impl Entries {
    fn sent_mut(&mut self, id: BatchId) -> &mut Sent {
        let stream = self.streams.entry(id.stream).or_default();
        let at = id.number as usize;
        if stream.len() <= at {
            stream.resize(at + 1, Sent::default());
        }
        &mut stream[at]
    }

    /// What became of one batch.
    pub(crate) fn sent(&self, id: BatchId) -> Sent {
        let stream = self.streams.get(&id.stream);
        stream.and_then(|s| s.get(id.number as usize)).copied().unwrap_or_default()
    }

    /// All batches that were put on the wire.
    pub(crate) fn all(&self) -> impl Iterator<Item = (BatchId, Sent)> {
        self.streams.iter().flat_map(|(stream, all)| {
            let stream = *stream;
            let numbered = (0..).zip(all);
            let numbered = numbered.map(move |(number, sent)| (BatchId { stream, number }, *sent));
            numbered.filter(|(_, sent)| sent.n_attempts > 0)
        })
    }

    /// Batches with a reply of success.
    pub(crate) fn acked(&self) -> impl Iterator<Item = BatchId> {
        self.all().filter(|(_, sent)| sent.acked).map(|(id, _)| id)
    }

    /// Attempts that were refused by a reply.
    pub(crate) fn n_refused(&self) -> u64 {
        self.refused.values().sum()
    }
}
