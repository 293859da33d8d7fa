//! Exporters that are asked instead of sending: their listeners, beside their lanes.

use std::sync::Arc;

use collector_telemetry::Counter;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::error::GraphError;
use super::health::{Entry, Health};
use super::supervise::supervise;
use crate::config::ComponentId;
use crate::node::{Exporter, Started};
use crate::queue::Jitter;

/// An exporter whose listener is open.
pub(super) struct Listening {
    exporter: Arc<dyn Exporter>,
    entry: Entry,
    first: Started,
}

impl Listening {
    /// Opens the listener of `exporter`, if it has one; `shown` is where its address is shown.
    pub(super) async fn open(
        name: &ComponentId,
        exporter: Arc<dyn Exporter>,
        shown: &Entry,
        health: &Health,
        stop: &CancellationToken,
    ) -> Result<Option<Self>, GraphError> {
        let first = match exporter.start(stop.clone()) {
            Some(first) => first.await,
            None => return Ok(None),
        };
        let name = name.clone();
        let first =
            first.map_err(|source| GraphError::Exporter { exporter: name.clone(), source })?;
        shown.bound(first.bound.clone());
        let entry = health.entry(format!("listener/{name}"));
        Ok(Some(Self { exporter, entry, first }))
    }

    /// Serves until told to stop; opened again after a panic.
    pub(super) fn serve(
        self,
        restarts: Counter,
        jitter: Jitter,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        let Self { exporter, entry, first, .. } = self;
        let (mut first, told) = (Some(first), stop.clone());
        let work = move || {
            let (exporter, first, stop) = (Arc::clone(&exporter), first.take(), told.clone());
            async move {
                let started = match first {
                    Some(started) => started,
                    None if stop.is_cancelled() => return Ok(()),
                    None => match exporter.start(stop) {
                        Some(again) => again.await.map_err(|e| e.to_string())?,
                        None => return Ok(()),
                    },
                };
                started.work.await.map_err(|e| e.to_string())
            }
        };
        tokio::spawn(supervise(entry, restarts, jitter, stop, work))
    }
}
