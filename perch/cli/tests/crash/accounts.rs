//! The ledger as the API shows it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::support::{Perch, get, wait_for};

/// What the ledger says of the whole process.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Accounts {
    pub(crate) edges: Vec<Account>,
}

/// What it says of one edge.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Account {
    pub(crate) pipeline: String,
    pub(crate) from: String,
    pub(crate) to: String,
    #[serde(rename = "in")]
    pub(crate) entered: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
    pub(crate) queued: u64,
    pub(crate) queued_bytes: u64,
}

impl Accounts {
    /// As they stand.
    pub(crate) fn of(perch: &Perch) -> Self {
        let url = format!("{}/api/ledger", perch.text("/api"));
        let reply = wait_for("the ledger answers", || get(&url));
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).unwrap_or_else(|e| panic!("{e} in {}", reply.body))
    }

    /// Once all of them balance; they need not while items move.
    pub(crate) fn balanced(perch: &Perch) -> Self {
        let mut last = Vec::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("the ledger balances", || {
                let accounts = Self::of(perch);
                last = accounts.imbalances();
                last.is_empty().then_some(accounts)
            })
        }));
        found.unwrap_or_else(|_| panic!("the ledger does not balance:\n{}", last.join("\n")))
    }

    /// Once nothing waits on any edge.
    pub(crate) fn drained(perch: &Perch) -> Self {
        wait_for("nothing waits any more", || {
            let accounts = Self::of(perch);
            let is_empty = accounts.edges.iter().all(|edge| edge.queued == 0);
            (is_empty && accounts.imbalances().is_empty()).then_some(accounts)
        })
    }

    fn imbalances(&self) -> Vec<String> {
        let wrong = self.edges.iter().filter(|edge| !edge.balances());
        wrong.map(|edge| format!("{edge:?}")).collect()
    }

    /// The edge from a pipeline's log to an exporter.
    pub(crate) fn exporter(&self, pipeline: &str, name: &str) -> &Account {
        let to = format!("otlp_http/{name}");
        let found = self.edges.iter().find(|edge| edge.pipeline == pipeline && edge.to == to);
        found.unwrap_or_else(|| panic!("no edge to {to} in {pipeline}: {self:?}"))
    }

    /// The edge from the receiver to a pipeline's log.
    pub(crate) fn receiver(&self, pipeline: &str) -> &Account {
        let found = self.edges.iter().find(|edge| edge.pipeline == pipeline && edge.from == "otlp");
        found.unwrap_or_else(|| panic!("no edge from otlp in {pipeline}: {self:?}"))
    }
}

impl Account {
    fn balances(&self) -> bool {
        self.entered == self.delivered + self.n_dropped() + self.queued
    }

    /// Items given up.
    pub(crate) fn n_dropped(&self) -> u64 {
        self.dropped.values().sum()
    }
}
