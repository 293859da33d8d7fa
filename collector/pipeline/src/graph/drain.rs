//! What is left when something ends.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::pipeline::Pipeline;
use crate::config::ComponentId;
use crate::ledger::{EdgeAccount, Reason, Snapshot};

/// What an end leaves behind: a shutdown's, or that of pipelines that left the configuration.
#[derive(Debug, Clone, Serialize)]
pub struct DrainReport {
    /// Items that were still waiting at the deadline in memory, now dropped as `shutdown`.
    pub n_dropped: u64,
    /// The same by exporter; exporters that were empty are left out.
    pub dropped: Vec<(String, u64)>,
    /// Items that wait on disk for the next start, by exporter; those that were empty are left out.
    pub kept: Vec<(String, u64)>,
    /// All accounts at the end.
    pub ledger: Snapshot,
}

/// What ended so far.
#[derive(Default)]
pub(super) struct Left {
    dropped: BTreeMap<ComponentId, u64>,
    kept: BTreeMap<ComponentId, u64>,
    edges: Vec<EdgeAccount>,
}

impl Left {
    /// `edges` are closed for good; what waited on them at `exporter` is given up.
    pub(super) fn given_up(&mut self, exporter: &ComponentId, edges: Vec<EdgeAccount>) {
        for mut edge in edges.into_iter().filter(|e| e.to == exporter.to_string()) {
            let n_items = std::mem::take(&mut edge.queued);
            let n_bytes = std::mem::take(&mut edge.queued_bytes);
            if n_items > 0 {
                *edge.dropped.entry(Reason::Shutdown).or_default() += n_items;
                *edge.dropped_bytes.entry(Reason::Shutdown).or_default() += n_bytes;
                self.dropped(exporter, n_items);
            }
            self.edges.push(edge);
        }
    }

    /// `edges` are closed for good.
    pub(super) fn closed(&mut self, edges: Vec<EdgeAccount>) {
        self.edges.extend(edges);
    }

    fn dropped(&mut self, exporter: &ComponentId, n_items: u64) {
        *self.dropped.entry(exporter.clone()).or_default() += n_items;
    }

    /// Nothing is sent from `pipeline` any more: what waits stays on disk, and is dropped in memory.
    pub(super) fn take_stock(&mut self, pipeline: &Pipeline) {
        for (exporter, n_items) in pipeline.waiting() {
            if pipeline.is_on_disk() {
                *self.kept.entry(exporter.clone()).or_default() += n_items;
            } else {
                self.dropped(exporter, pipeline.drop_rest(exporter));
            }
        }
    }

    /// The whole of it, with the accounts that were closed.
    pub(super) fn into_report(mut self) -> DrainReport {
        let edges = std::mem::take(&mut self.edges);
        self.report(Snapshot { edges })
    }

    /// The whole of it, with these accounts.
    pub(super) fn report(self, ledger: Snapshot) -> DrainReport {
        let named = |all: BTreeMap<ComponentId, u64>| -> Vec<(String, u64)> {
            let some = all.into_iter().filter(|(_, n_items)| *n_items > 0);
            some.map(|(exporter, n_items)| (exporter.to_string(), n_items)).collect()
        };
        let (dropped, kept) = (named(self.dropped), named(self.kept));
        let n_dropped = dropped.iter().map(|(_, n)| n).sum();
        DrainReport { n_dropped, dropped, kept, ledger }
    }
}

impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for e in &self.ledger.edges {
            let (name, n_dropped) = (format!("{}/{}/{}", e.pipeline, e.from, e.to), e.n_dropped());
            write!(f, "{name}: in {}, delivered {}, dropped {n_dropped}", e.entered, e.delivered)?;
            match e.queued {
                0 => writeln!(f)?,
                n => writeln!(f, ", kept for the next start {n}")?,
            }
        }
        Ok(())
    }
}
