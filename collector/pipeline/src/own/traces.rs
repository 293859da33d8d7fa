//! Whether there may be spans, and where they go.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use collector_otlp::Signal;
use collector_otlp::view::TracesView;
use collector_telemetry::names::{attr, metric};
use collector_telemetry::{Counter, MetricError, Metrics};
use durable_fs::Clock;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::SCOPE;
use super::allowance::Allowance;
use super::places::Places;
use super::sender::{Client, run};
use super::span::Span;
use crate::config::{Finding, OwnTracesConfig};
use crate::{Batch, ledger::Amount};

/// Spans that may wait to be sent; what comes on top is gone.
const MAX_WAITING: usize = 2048;

/// Takes spans of our own; clones are one. Until it is told where they go there are none.
#[derive(Clone)]
pub struct OwnTraces(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    is_on: AtomicBool,
    active: RwLock<Option<Active>>,
    places: Mutex<Places>,
    told: Counter,
}

/// While there is somewhere to go.
struct Active {
    ratio: f64,
    allowance: Allowance,
    spans: mpsc::Sender<Span>,
    task: JoinHandle<()>,
}

impl OwnTraces {
    /// Spans go nowhere yet.
    pub fn new(clock: Arc<dyn Clock>, metrics: &Metrics) -> Result<Self, MetricError> {
        let told = metrics.counter(&metric::OWN_SPANS)?;
        let (is_on, active, places) = Default::default();
        Ok(Self(Arc::new(Inner { clock, is_on, active, places, told })))
    }

    /// From now on spans go where `config` says; what waits still goes where it was to. Called within a runtime.
    pub fn lead(&self, config: Option<&OwnTracesConfig>) -> Result<(), Finding> {
        let active = match config {
            None => None,
            Some(config) => {
                let client = Client::of(config)?;
                let (spans, taken) = mpsc::channel(MAX_WAITING);
                let allowance = Allowance::of(config.max_per_second);
                let task = run(client, config.delay, taken, self.0.told.clone());
                Some(Active { ratio: config.ratio, allowance, spans, task: tokio::spawn(task) })
            }
        };
        self.0.is_on.store(active.is_some(), Relaxed);
        *self.0.active.write().unwrap_or_else(PoisonError::into_inner) = active;
        Ok(())
    }

    /// No spans from now on; waits for those that are on their way, at most so long.
    pub async fn end(&self, within: Duration) {
        self.0.is_on.store(false, Relaxed);
        let active = self.0.active.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Active { spans, mut task, .. }) = active else { return };
        drop(spans);
        if tokio::time::timeout(within, &mut task).await.is_err() {
            task.abort();
        }
    }

    /// The present instant, where there are spans at all.
    #[must_use]
    pub fn instant(&self) -> Option<u64> {
        self.0.is_on.load(Relaxed).then(|| self.now())
    }

    /// The same, whether or not there are spans.
    pub(super) fn now(&self) -> u64 {
        self.0.clock.unix_nanos()
    }

    /// Where records lie whose reception is traced.
    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there may be another span, by `sampled` of the ratio and by the bound per second.
    pub(super) fn admits(&self, sampled: impl FnOnce(f64) -> bool) -> bool {
        let active = self.0.active.read().unwrap_or_else(PoisonError::into_inner);
        let Some(active) = &*active else { return false };
        sampled(active.ratio) && active.allowance.take(self.0.clock.monotonic().as_secs())
    }

    pub(super) fn put(&self, span: Span) {
        let active = self.0.active.read().unwrap_or_else(PoisonError::into_inner);
        let Some(active) = &*active else { return };
        if active.spans.try_send(span).is_err() {
            self.0.told.add(&["dropped"], 1);
        }
    }
}

/// Whether it holds spans of ours, or of another collector's own.
pub(super) fn is_own(batch: &Batch) -> bool {
    if batch.signal != Signal::Traces {
        return false;
    }
    let first = TracesView::over(&batch.payload[..]).resource_spans().next();
    let scope = first.and_then(|resource| resource.scope_spans().next());
    scope.is_some_and(|scope| scope.scope.name == SCOPE)
}

/// What a span tells of its batch.
pub(super) fn of_batch(batch: &Batch) -> [(&'static str, Value); 2] {
    let n_items = Amount::of(batch).n_items;
    [(attr::PERCH_SIGNAL, batch.signal.name().into()), (attr::PERCH_ITEMS, n_items.into())]
}

impl fmt::Debug for OwnTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnTraces").finish_non_exhaustive()
    }
}
