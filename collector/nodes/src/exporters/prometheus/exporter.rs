//! Keeps the newest of each series.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use collector_otlp::view::MetricsView;
use collector_pipeline::Batch;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Delivered, ExportError, Exporter, NodeError, Started};
use collector_prom::exposition::{Applied, Exposition, Format};
use collector_prom::mapping::{Refusal, Translated, Translator};
use durable_fs::Clock;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::listener::open;
use super::metrics::Meters;

/// Shows metrics.
pub(super) struct Prometheus {
    config: Config,
    name: String,
    shown: Arc<Shown>,
}

/// What exporter and listener share.
pub(super) struct Shown {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    pub(super) meters: Meters,
    send_timestamps: bool,
    open_metrics: bool,
}

struct State {
    translator: Translator,
    exposition: Exposition,
}

impl Prometheus {
    pub(super) fn new(name: String, config: Config, meters: Meters, clock: Arc<dyn Clock>) -> Self {
        let translator = Translator::new(config.options.clone(), Arc::clone(&clock));
        let state = State { translator, exposition: Exposition::new(config.bounds) };
        let shown = Arc::new(Shown {
            state: Mutex::new(state),
            clock,
            meters,
            send_timestamps: config.send_timestamps,
            open_metrics: config.open_metrics,
        });
        Self { config, name, shown }
    }

    fn show(&self, batch: &Batch) -> Delivered {
        let now = self.shown.clock.monotonic();
        let mut state = self.shown.lock();
        let Translated { series, refused, .. } =
            state.translator.translate(MetricsView::over(&batch.payload));
        let Applied { n_overflowed, n_contradictory } = state.exposition.apply(&series, now);
        let n_series = state.exposition.n_series();
        drop(state);
        self.shown.meters.shown(n_series);
        self.shown.meters.overflowed(n_overflowed);
        let mut said: Vec<&str> = refused.keys().copied().map(Refusal::as_str).collect();
        if n_overflowed > 0 {
            said.push("more series than max_series");
        }
        if n_contradictory > 0 {
            said.push("a family of two types");
        }
        let n = refused.values().sum::<u64>() + n_overflowed + n_contradictory;
        let dropped = if n == 0 { Vec::new() } else { vec![(Reason::Unsupported, n)] };
        Delivered { dropped, message: said.join(", ") }
    }
}

impl Shown {
    /// The page for a scraper that accepts `accept`, and its media type.
    pub(super) fn page(&self, accept: &str) -> (&'static str, String) {
        let format = if self.open_metrics { Format::negotiate(accept) } else { Format::Text };
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let page = state.exposition.render(format, self.send_timestamps, now);
        self.meters.shown(state.exposition.n_series());
        (format.content_type(), page)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exporter for Prometheus {
    fn start(&self, stop: CancellationToken) -> Option<BoxFuture<'_, Result<Started, NodeError>>> {
        let (config, shown) = (self.config.listener.clone(), Arc::clone(&self.shown));
        Some(open(&self.name, config, shown, stop).boxed())
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        ready(Ok(self.show(batch))).boxed()
    }
}
