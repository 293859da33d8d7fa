//! Sorts records into streams and cuts them into pushes of bounded size.
//!
//! *Invariants*
//! 1. Records of a stream leave in the order they came.

use std::collections::HashMap;

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

/// A push that is being filled.
#[derive(Debug, Default)]
struct Filling {
    push: Push,
    places: HashMap<String, usize>,
    n_bytes: usize,
}

/// Tag and length in front of a stream or an entry.
const FRAME: usize = 6;

/// The pushes for one request. Records without any time count as of `now`, in nanoseconds since the epoch.
pub(super) fn pushes(request: LogsView<'_>, now: u64, limits: &Limits) -> Vec<Push> {
    let mut filling = Filling::default();
    let mut full = Vec::new();
    for of_resource in request.resource_logs() {
        let labels = labels(&of_resource.resource);
        for of_scope in of_resource.scope_logs() {
            for record in of_scope.log_records() {
                let time = match record.best_time_unix_nano() {
                    0 => now,
                    time => time,
                };
                let entry = Entry {
                    timestamp: Some(Timestamp::from_nanos(time)),
                    line: line(&record, limits),
                    metadata: Metadata::of(&record, &of_scope.scope, &of_resource.resource, limits),
                };
                filling.add(&labels, entry, limits, &mut full);
            }
        }
    }
    if filling.push.n_records > 0 {
        full.push(filling.push);
    }
    full
}

impl Filling {
    fn add(&mut self, labels: &str, entry: Entry, limits: &Limits, full: &mut Vec<Push>) {
        let len = entry.encoded_len() + FRAME + labels.len() + FRAME;
        if self.push.n_records > 0 && self.n_bytes + len > limits.max_request_bytes {
            full.push(std::mem::take(self).push);
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
