//! The runs a sink has seen.

use std::collections::BTreeMap;

use collector_otlp::Request;

use crate::bench::marks;
use crate::bench::seen::{CHUNK_BITS, Seen};

/// Chunks of numbers over all runs: 128 MiB, which is a thousand million items sent in order.
const MAX_CHUNKS: u64 = (128 << 20) * 8 / CHUNK_BITS;
/// Runs that are told apart; each that begins later counts as not known.
const MAX_RUNS: usize = 256;

/// All runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: BTreeMap<u64, Seen>,
    n_chunks: u64,
    /// Items without marks.
    pub(super) n_unmarked: u64,
    /// Items with marks for which there was no room.
    pub(super) n_untracked: u64,
}

/// Neighbouring numbers of one run.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    run: u64,
    first: u64,
    n: u64,
}

impl Runs {
    /// Counts every item of a request.
    pub(super) fn take(&mut self, request: &Request) {
        let mut stretch: Option<Stretch> = None;
        marks::each(request.signal, &request.payload, |mark| {
            let Some(mark) = mark else {
                self.n_unmarked += 1;
                return;
            };
            match &mut stretch {
                Some(s) if s.run == mark.run && s.first + s.n == mark.index => s.n += 1,
                _ => {
                    let new = Stretch { run: mark.run, first: mark.index, n: 1 };
                    if let Some(ended) = stretch.replace(new) {
                        self.insert(ended);
                    }
                }
            }
        });
        if let Some(last) = stretch {
            self.insert(last);
        }
    }

    fn insert(&mut self, Stretch { run, first, n }: Stretch) {
        if self.runs.len() >= MAX_RUNS && !self.runs.contains_key(&run) {
            self.n_untracked += n;
            return;
        }
        let n_chunks = &mut self.n_chunks;
        let may_grow = || {
            *n_chunks += 1;
            *n_chunks <= MAX_CHUNKS
        };
        self.n_untracked += self.runs.entry(run).or_default().insert(first, n, may_grow);
        self.n_chunks = self.n_chunks.min(MAX_CHUNKS);
    }

    /// The numbers of one run.
    pub(super) fn get(&self, run: u64) -> Option<&Seen> {
        self.runs.get(&run)
    }

    /// All runs, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Seen)> {
        self.runs.iter().map(|(run, seen)| (*run, seen))
    }
}
