//! What all pipelines and nodes of a graph share, for as long as it is at work.

use std::sync::Arc;

use collector_telemetry::Counter;
use collector_telemetry::names::metric;
use tokio::sync::Notify;

use super::error::GraphError;
use super::host::Host;
use crate::config::Config;
use crate::consumer::{Checkpointer, Notices, Shelf};
use crate::ledger::Ledger;
use crate::log::StorageLock;
use crate::own::OwnTraces;
use crate::queue::Meters;

/// What all parts of a graph share.
pub(super) struct Site {
    pub(super) host: Host,
    pub(super) ledger: Ledger,
    /// The storage folder, where there is one.
    pub(super) lock: Option<Arc<StorageLock>>,
    pub(super) checkpointer: Arc<Checkpointer>,
    pub(super) notices: Notices,
    /// Told when a segment is sealed.
    pub(super) sealed: Arc<Notify>,
    /// Items kept although their sender was refused.
    pub(super) duplicates: Counter,
    /// Restarts of nodes.
    pub(super) restarts: Counter,
    pub(super) meters: Meters,
    /// Where spans of the process's own go.
    pub(super) own: OwnTraces,
}

impl Site {
    /// Takes the storage folder of `config`, if it names one.
    pub(super) fn open(config: &Config, host: Host, notices: Notices) -> Result<Self, GraphError> {
        let meters = Meters::register(&host.metrics)?;
        let restarts = host.metrics.counter(&metric::NODE_RESTARTS)?;
        let duplicates = host.metrics.counter(&metric::LOG_DUPLICATE_ITEMS)?;
        let failures = host.metrics.counter(&metric::CHECKPOINT_FAILURES)?;
        let own = OwnTraces::new(Arc::clone(&host.clock), &host.metrics)?;
        let folder = config.storage.as_ref().map(|s| &s.directory);
        let shelf = folder.map(|dir| Shelf::open(Arc::clone(&host.fs), dir)).transpose()?;
        let lock = folder.map(|dir| StorageLock::take(host.fs.as_ref(), dir)).transpose()?;
        Ok(Self {
            host,
            ledger: Ledger::new(),
            lock: lock.map(Arc::new),
            checkpointer: Arc::new(Checkpointer::new(shelf, failures)),
            notices,
            sealed: Arc::new(Notify::new()),
            duplicates,
            restarts,
            meters,
            own,
        })
    }
}
