//! What exporter and listener share: the newest of each series, and the page made of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use collector_otlp::view::MetricsView;
use collector_prom::exposition::{Applied, Exposition, Format};
use collector_prom::mapping::{Refusal, Translated, Translator};
use durable_fs::Clock;

use super::config::Config;
use super::metrics::Meters;

/// The series that are shown.
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

/// Points that are not shown, and why.
pub(super) struct Left {
    pub(super) n: u64,
    pub(super) reasons: Vec<&'static str>,
}

impl Shown {
    pub(super) fn new(config: &Config, meters: Meters, clock: Arc<dyn Clock>) -> Self {
        let translator = Translator::new(config.options.clone(), Arc::clone(&clock));
        let state = State { translator, exposition: Exposition::new(config.bounds) };
        Self {
            state: Mutex::new(state),
            clock,
            meters,
            send_timestamps: config.send_timestamps,
            open_metrics: config.open_metrics,
        }
    }

    /// Shows the points instead of what their series said before.
    pub(super) fn apply(&self, points: MetricsView<'_>) -> Left {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let Translated { series, refused, .. } = state.translator.translate(points);
        let Applied { n_overflowed, n_contradictory } = state.exposition.apply(&series, now);
        let n_series = state.exposition.n_series();
        drop(state);
        self.meters.shown(n_series);
        self.meters.overflowed(n_overflowed);
        let mut reasons: Vec<&str> = refused.keys().copied().map(Refusal::as_str).collect();
        if n_overflowed > 0 {
            reasons.push("more series than max_series");
        }
        if n_contradictory > 0 {
            reasons.push("a family of two types");
        }
        Left { n: refused.values().sum::<u64>() + n_overflowed + n_contradictory, reasons }
    }

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
