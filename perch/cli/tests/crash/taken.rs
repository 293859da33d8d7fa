//! What one sink took, and what was wrong with it.

use std::collections::{BTreeMap, HashMap};

use collector_otlp::Signal;

use crate::batch::BatchId;

/// Faults beyond these say nothing new.
const MAX_FAULTS: usize = 10;

/// What one sink took. An epoch is one life of the collector's process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    streams: BTreeMap<u16, Vec<Times>>,
    epochs: BTreeMap<u32, Epoch>,
    by_signal: HashMap<&'static str, u64>,
    /// What came again in a later life.
    pub(crate) replays: Vec<Replay>,
    pub(crate) n_batches: u64,
    /// Payloads that nobody sent, order that was not kept.
    pub(crate) faults: Vec<String>,
}

/// How often one batch came, and when it came last.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    n: u32,
    epoch: u32,
    /// Its place among all that came with its signal.
    place: u64,
}

/// A batch that came in another life before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replay {
    pub(crate) id: BatchId,
    /// The later life.
    pub(crate) epoch: u32,
    /// Its place in the earlier one.
    pub(crate) place: u64,
}

/// What came in one life of the collector.
#[derive(Debug, Clone, Default)]
struct Epoch {
    /// The last batch of each stream.
    last: HashMap<u16, u64>,
    /// How often each batch came.
    n_times: HashMap<BatchId, u32>,
    /// Times it was taken and no reply was given.
    n_unanswered: HashMap<BatchId, u32>,
}

impl Taken {
    /// Takes batches in the order of the request.
    pub(crate) fn take(&mut self, epoch: u32, ids: &[BatchId], answered: bool) {
        for id in ids {
            self.keep_order(epoch, *id);
            let life = self.epochs.entry(epoch).or_default();
            *life.n_times.entry(*id).or_default() += 1;
            if !answered {
                *life.n_unanswered.entry(*id).or_default() += 1;
            }
            self.n_batches += 1;
            let place = self.by_signal.entry(id.signal().name()).or_default();
            let now = *place;
            *place += 1;
            let times = &mut self.streams.entry(id.stream).or_default()[id.number as usize];
            let before = std::mem::replace(times, Times { n: times.n + 1, epoch, place: now });
            if before.n > 0 && before.epoch != epoch {
                self.replays.push(Replay { id: *id, epoch, place: before.place });
            }
        }
    }

    /// Within a life no stream goes back, and over all lives none leaves a gap that is filled later.
    fn keep_order(&mut self, epoch: u32, id: BatchId) {
        let life = self.epochs.entry(epoch).or_default();
        let before = life.last.insert(id.stream, id.number);
        let stream = self.streams.entry(id.stream).or_default();
        let n_passed = stream.len() as u64;
        if id.number >= n_passed {
            stream.resize(id.number as usize + 1, Times::default());
        }
        let is_new = stream[id.number as usize].n == 0;
        if let Some(before) = before.filter(|before| *before > id.number) {
            self.fault(format!("epoch {epoch}: {id} came after {before} of its stream"));
        } else if is_new && id.number < n_passed {
            self.fault(format!("epoch {epoch}: {id} came for the first time after later ones"));
        }
    }

    /// Notes what must not be.
    pub(crate) fn fault(&mut self, fault: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    /// How often a batch came.
    pub(crate) fn n_times(&self, id: BatchId) -> u32 {
        let stream = self.streams.get(&id.stream);
        stream.and_then(|s| s.get(id.number as usize)).map_or(0, |times| times.n)
    }

    /// Batches of one signal that came, duplicates included.
    pub(crate) fn n_of(&self, signal: Signal) -> u64 {
        self.by_signal.get(signal.name()).copied().unwrap_or_default()
    }

    /// All batches that came, and how often.
    pub(crate) fn all(&self) -> impl Iterator<Item = (BatchId, u32)> {
        let streams = self.streams.iter().flat_map(|(stream, all)| {
            let stream = *stream;
            let numbered = (0..).zip(all);
            numbered.map(move |(number, times)| (BatchId { stream, number }, times.n))
        });
        streams.filter(|(_, n)| *n > 0)
    }

    /// Batches that came more often in one life than the log may hold them: `n_attempts` times, and once more for
    /// every reply that was not given.
    pub(crate) fn repeated(&self, n_attempts: impl Fn(BatchId) -> u32) -> Vec<String> {
        let lives = self.epochs.iter().flat_map(|(epoch, life)| {
            life.n_times.iter().map(move |(id, n)| (epoch, life, *id, *n))
        });
        let too_often = lives.filter_map(|(epoch, life, id, n)| {
            let allowed = n_attempts(id) + life.n_unanswered.get(&id).copied().unwrap_or_default();
            (n > allowed).then(|| format!("epoch {epoch}: {id} came {n} times, {allowed} allowed"))
        });
        too_often.take(MAX_FAULTS).collect()
    }
}
