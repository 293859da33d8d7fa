//! Sorts records into streams, streams into shards, and cuts each shard into pushes of bounded size.
//!
//! *Invariants*
//! 1. A stream is in one shard, the same always; its records leave in the order they came.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use collector_otlp::view::LogsView;
use prost::Message as _;

use super::config::Limits;
use super::entry::line;
use super::messages::{Entry, PushRequest, Stream, Timestamp};
use super::metadata::{Metadata, labels};

/// One push and how many records it holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Push {
    pub(super) request: PushRequest,
    pub(super) n_records: u64,
}

/// Which records of a request are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Records before the first.
    pub(super) from: u64,
    /// Bytes of memory that their entries may take up; one entry more at most.
    pub(super) max_bytes: usize,
    /// What records without any time count as of, in nanoseconds since the epoch.
    pub(super) now: u64,
}

/// A push that is being filled.
#[derive(Debug, Default)]
struct Filling {
    push: Push,
    places: HashMap<String, usize>,
    n_bytes: usize,
    full: Vec<Push>,
}

/// Tag and length in front of a stream or an entry.
const FRAME: usize = 6;

/// The pushes for a part of a request, by shard, and where the rest begins, if any is left.
pub(super) fn pushes(
    request: LogsView<'_>,
    part: Part,
    limits: &Limits,
    n_shards: usize,
) -> (Vec<Vec<Push>>, Option<u64>) {
    let (mut n_before, mut n_bytes) = (0, 0);
    let mut shards: Vec<Filling> = Vec::new();
    shards.resize_with(n_shards.max(1), Filling::default);
    for of_resource in request.resource_logs() {
        let labels = labels(&of_resource.resource);
        let shard = shard_of(&labels, shards.len());
        for of_scope in of_resource.scope_logs() {
            for record in of_scope.log_records() {
                n_before += 1;
                if n_before <= part.from {
                    continue;
                }
                if n_bytes >= part.max_bytes {
                    let rest = Some(n_before - 1);
                    return (shards.into_iter().map(Filling::finish).collect(), rest);
                }
                let time = match record.best_time_unix_nano() {
                    0 => part.now,
                    time => time,
                };
                let entry = Entry {
                    timestamp: Some(Timestamp::from_nanos(time)),
                    line: line(&record, limits),
                    metadata: Metadata::of(&record, &of_scope.scope, &of_resource.resource, limits),
                };
                n_bytes += entry.held_bytes();
                shards[shard].add(&labels, entry, limits);
            }
        }
    }
    (shards.into_iter().map(Filling::finish).collect(), None)
}

fn shard_of(labels: &str, n: usize) -> usize {
    // The standard hasher has fixed keys when it is made this way, so that a stream stays where it is.
    let mut hasher = DefaultHasher::new();
    labels.hash(&mut hasher);
    usize::try_from(hasher.finish() % n as u64).unwrap_or(0)
}

impl Filling {
    fn finish(mut self) -> Vec<Push> {
        if self.push.n_records > 0 {
            self.full.push(self.push);
        }
        self.full
    }

    fn add(&mut self, labels: &str, entry: Entry, limits: &Limits) {
        let len = entry.encoded_len() + FRAME + labels.len() + FRAME;
        if self.push.n_records > 0 && self.n_bytes + len > limits.max_request_bytes {
            self.full.push(std::mem::take(&mut self.push));
            (self.places, self.n_bytes) = (HashMap::new(), 0);
        }
        let streams = &mut self.push.request.streams;
        let at = match self.places.get(labels) {
            Some(at) => *at,
            None => {
                streams.push(Stream { labels: labels.to_owned(), entries: Vec::new() });
                self.places.insert(labels.to_owned(), streams.len() - 1);
                streams.len() - 1
            }
        };
        streams[at].entries.push(entry);
        self.push.n_records += 1;
        self.n_bytes += len;
    }
}
