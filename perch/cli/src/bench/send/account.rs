//! What became of the requests of a run.

use std::collections::BTreeMap;

use super::latency::Latencies;

/// Requests and the items in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) n_requests: u64,
    pub(super) n_items: u64,
}

/// The account of a run; each place in flight keeps its own, they are added up at the end.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Sent, each counted once.
    pub(super) sent: Tally,
    /// Answered with success.
    pub(super) acknowledged: Tally,
    /// Items that a success said were not taken.
    pub(super) n_rejected: u64,
    /// Never answered with success.
    pub(super) given_up: Tally,
    /// Sent once more.
    pub(super) n_resent: u64,
    /// Answers other than success, by code.
    pub(super) refused: BTreeMap<String, u64>,
    /// From when a request was due to its success.
    pub(super) latencies: Latencies,
}

impl Tally {
    /// Counts one request.
    pub(super) fn add(&mut self, n_items: u64) {
        self.n_requests += 1;
        self.n_items += n_items;
    }

    fn merge(&mut self, other: Self) {
        self.n_requests += other.n_requests;
        self.n_items += other.n_items;
    }
}

impl Account {
    /// Counts a success.
    pub(super) fn acknowledge(&mut self, n_items: u64, n_rejected: u64) {
        self.acknowledged.add(n_items);
        self.n_rejected += n_rejected.min(n_items);
    }

    /// Adds another account.
    pub(super) fn merge(&mut self, other: Self) {
        self.sent.merge(other.sent);
        self.acknowledged.merge(other.acknowledged);
        self.n_rejected += other.n_rejected;
        self.given_up.merge(other.given_up);
        self.n_resent += other.n_resent;
        for (code, n) in other.refused {
            *self.refused.entry(code).or_default() += n;
        }
        self.latencies.merge(&other.latencies);
    }
}
