//! What the API shows at the moment: another configuration may put other things in its place.

use std::sync::{Arc, PoisonError, RwLock};

use collector_pipeline::graph::{Health, Running};
use collector_pipeline::ledger::Ledger;
use collector_telemetry::Metrics;
use durable_fs::Clock;
use perch_slo_tracker::View;
use perch_store::Store;

/// What the API shows.
#[derive(Debug, Clone)]
pub(crate) struct Views {
    /// Which nodes are ready.
    pub(crate) health: Health,
    /// The accounts.
    pub(crate) ledger: Ledger,
    /// Traces and logs.
    pub(crate) store: Store,
    /// What the SLO trackers know.
    pub(crate) slo: Vec<View>,
    /// Metrics of this process.
    pub(crate) metrics: Metrics,
    /// Time, for "until now".
    pub(crate) clock: Arc<dyn Clock>,
    /// What became of the configuration when it was last read again.
    pub(crate) reloaded: Option<Reloaded>,
}

/// What became of a configuration that was read again.
#[derive(Debug, Clone)]
pub(crate) struct Reloaded {
    /// A word of the catalogue's `outcome`.
    pub(crate) outcome: &'static str,
    /// What changed, or what is wrong with it.
    pub(crate) detail: String,
}

/// The views at the moment; clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Current(Arc<RwLock<Views>>);

impl Current {
    /// Shows `views` until told otherwise.
    pub(crate) fn new(views: Views) -> Self {
        Self(Arc::new(RwLock::new(views)))
    }

    /// The views.
    pub(crate) fn views(&self) -> Views {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on shows another graph and its store.
    pub(crate) fn show(&self, running: &Running, store: &Store, slo: &[View]) {
        let mut views = self.0.write().unwrap_or_else(PoisonError::into_inner);
        views.health = running.health().clone();
        views.ledger = running.ledger().clone();
        views.store = store.clone();
        views.slo = slo.to_vec();
    }

    /// From now on says so of the configuration.
    pub(crate) fn reloaded(&self, reloaded: Reloaded) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).reloaded = Some(reloaded);
    }
}
