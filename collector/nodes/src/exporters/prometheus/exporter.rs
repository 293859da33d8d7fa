//! The exporter: every batch is applied to what is shown.

use std::sync::Arc;

use collector_otlp::view::MetricsView;
use collector_pipeline::Batch;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Begun, Delivered, ExportError, Exporter, NodeError, Started};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio_util::sync::CancellationToken;

use super::config::ListenerConfig;
use super::listener::open;
use super::shown::{Left, Shown};

/// Shows metrics.
pub(super) struct Prometheus {
    name: String,
    listener: ListenerConfig,
    shown: Arc<Shown>,
}

impl Prometheus {
    pub(super) fn new(name: String, listener: ListenerConfig, shown: Shown) -> Self {
        Self { name, listener, shown: Arc::new(shown) }
    }

    fn show(&self, batch: &Batch) -> Delivered {
        let Left { n, reasons } = self.shown.apply(MetricsView::over(&batch.payload));
        let dropped = if n == 0 { Vec::new() } else { vec![(Reason::Unsupported, n)] };
        Delivered { dropped, message: reasons.join(", ") }
    }
}

impl Exporter for Prometheus {
    fn start(&self, stop: CancellationToken) -> Option<BoxFuture<'_, Result<Started, NodeError>>> {
        let (config, shown) = (self.listener.clone(), Arc::clone(&self.shown));
        Some(open(&self.name, config, shown, stop).boxed())
    }

    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        _: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        ready(Ok(self.show(batch))).boxed()
    }
}
