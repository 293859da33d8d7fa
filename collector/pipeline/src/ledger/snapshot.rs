//! The accounts at one moment.

use std::collections::BTreeMap;

use serde::Serialize;

use super::reason::Reason;

/// The accounts of all edges; the answer of `/api/ledger`.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    /// In the order the edges were opened.
    pub edges: Vec<EdgeAccount>,
}

/// One edge's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeAccount {
    /// The pipeline.
    pub pipeline: String,
    /// Where items come from.
    pub from: String,
    /// Where they go.
    pub to: String,
    /// `traces`, `metrics` or `logs`.
    pub signal: &'static str,
    /// Items that entered.
    #[serde(rename = "in")]
    pub entered: u64,
    /// Items that arrived.
    pub delivered: u64,
    /// Items given up, by reason; reasons without items are left out.
    pub dropped: BTreeMap<Reason, u64>,
    /// Items that wait.
    pub queued: u64,
    /// Uncompressed bytes that entered.
    #[serde(rename = "in_bytes")]
    pub entered_bytes: u64,
    /// Uncompressed bytes that arrived.
    pub delivered_bytes: u64,
    /// Uncompressed bytes given up, by reason.
    pub dropped_bytes: BTreeMap<Reason, u64>,
    /// Uncompressed bytes that wait.
    pub queued_bytes: u64,
}

/// An edge whose account does not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{edge}: in {entered} ≠ delivered {delivered} + dropped {dropped} + queued {queued}")]
pub struct Imbalance {
    /// The edge's name.
    pub edge: String,
    /// Items that entered.
    pub entered: u64,
    /// Items that arrived.
    pub delivered: u64,
    /// Items given up.
    pub dropped: u64,
    /// Items that wait.
    pub queued: u64,
}

impl Snapshot {
    /// The edges whose accounts do not add up; empty when the graph is at rest and sound.
    #[must_use]
    pub fn imbalances(&self) -> Vec<Imbalance> {
        self.edges.iter().filter_map(EdgeAccount::imbalance).collect()
    }

    /// The account of one edge.
    #[must_use]
    pub fn edge(&self, pipeline: &str, from: &str, to: &str) -> Option<&EdgeAccount> {
        self.edges.iter().find(|e| e.pipeline == pipeline && e.from == from && e.to == to)
    }

    /// Panics with all accounts that do not add up; for tests.
    pub fn assert_balanced(&self) {
        let wrong: Vec<String> = self.imbalances().iter().map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "the ledger does not balance:\n{}", wrong.join("\n"));
    }
}

impl EdgeAccount {
    /// Items given up for any reason.
    #[must_use]
    pub fn n_dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    fn imbalance(&self) -> Option<Imbalance> {
        let dropped = self.n_dropped();
        (self.entered != self.delivered + dropped + self.queued).then(|| Imbalance {
            edge: format!("{}/{}/{}", self.pipeline, self.from, self.to),
            entered: self.entered,
            delivered: self.delivered,
            dropped,
            queued: self.queued,
        })
    }
}
