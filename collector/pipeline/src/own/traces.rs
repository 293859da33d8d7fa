//! Which spans there are, and where they go.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use collector_otlp::view::TracesView;
use collector_otlp::{Caller, Signal, SpanId};
use collector_telemetry::names::{attr, metric, span};
use collector_telemetry::{Counter, MetricError, Metrics};
use durable_fs::Clock;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::SCOPE;
use super::places::Places;
use super::sender::{Client, run};
use super::span::{Begun, Context, Kind, Span};
use crate::config::{Finding, OwnTracesConfig};
use crate::log::Position;
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

/// Spans of the present second.
struct Allowance {
    max: u32,
    second: Mutex<(u64, u32)>,
}

/// A request that is being received, and traced.
pub struct Reception {
    traced: Arc<Traced>,
    parent: Option<SpanId>,
    started: u64,
    attributes: Vec<(&'static str, Value)>,
}

/// What becomes known of a traced batch on its way: where it lies.
pub(crate) struct Traced {
    own: OwnTraces,
    context: Context,
}

/// An attempt to deliver that has ended.
pub struct Attempt<'a> {
    /// Whose.
    pub exporter: &'a str,
    /// Where the record lies.
    pub place: (&'a str, Position),
    /// What was sent.
    pub batch: &'a Batch,
    /// How often it was tried, this time included.
    pub n_attempts: u64,
    /// When it began, in nanoseconds since the Unix epoch.
    pub started: u64,
    /// What came of it; a failure with its code and message.
    pub outcome: Result<(), (&'a str, String)>,
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
        self.0.is_on.load(Relaxed).then(|| self.0.clock.unix_nanos())
    }

    /// Begins a span of the process itself.
    pub fn begin(&self, name: &'static str) -> Begun {
        Begun::new(self.clone(), name, self.0.clock.unix_nanos())
    }

    /// The same, for one that began at `started`.
    pub fn began_at(&self, name: &'static str, started: u64) -> Begun {
        Begun::new(self.clone(), name, started)
    }

    /// A span of the process itself that began at `started` and ends now.
    pub(super) fn root(
        &self,
        name: &'static str,
        started: u64,
        attributes: Vec<(&'static str, Value)>,
        error: Option<String>,
    ) {
        let Some(ended) = self.instant() else { return };
        if self.admits(|_| true) {
            let (kind, context, parent) = (Kind::Internal, Context::random(), None);
            self.put(Span { name, kind, context, parent, started, ended, attributes, error });
        }
    }

    /// The reception of `batch`, `so_far` after it began; nothing where it is not to be traced.
    #[must_use]
    pub fn receive(
        &self,
        receiver: &str,
        transport: &str,
        batch: &Batch,
        caller: Option<&Caller>,
        so_far: Duration,
    ) -> Option<Reception> {
        let now = self.instant()?;
        let is_wanted = match caller {
            Some(caller) if !caller.sampled => false,
            Some(_) => self.admits(|_| true),
            None => self.admits(kept),
        };
        if !is_wanted || is_own(batch) {
            return None;
        }
        let context = caller.map_or_else(Context::random, Context::under);
        let mut attributes: Vec<(&'static str, Value)> = vec![
            (attr::PERCH_RECEIVER, receiver.into()),
            (attr::PERCH_TRANSPORT, transport.into()),
        ];
        attributes.extend(of_batch(batch));
        let started = now.saturating_sub(u64::try_from(so_far.as_nanos()).unwrap_or(0));
        let traced = Arc::new(Traced { own: self.clone(), context });
        Some(Reception { traced, parent: caller.map(|c| c.parent), started, attributes })
    }

    /// Tells of an attempt to deliver.
    pub fn delivered(&self, attempt: Attempt<'_>) {
        let Some(ended) = self.instant() else { return };
        let (pipeline, position) = attempt.place;
        let places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        let received = places.of(pipeline, position);
        drop(places);
        let is_wanted = match received {
            Some(_) => self.admits(|_| true),
            None => self.admits(kept),
        };
        if !is_wanted || is_own(attempt.batch) {
            return;
        }
        let (context, parent) = match received.map(Context::child) {
            Some((context, parent)) => (context, Some(parent)),
            None => (Context::random(), None),
        };
        let code = attempt.outcome.as_ref().map_or_else(|(code, _)| *code, |()| "ok");
        let mut attributes: Vec<(&'static str, Value)> = vec![
            (attr::PERCH_EXPORTER, attempt.exporter.into()),
            (attr::PERCH_PIPELINE, pipeline.into()),
            (attr::PERCH_ATTEMPT, attempt.n_attempts.into()),
            (attr::PERCH_CODE, code.into()),
        ];
        attributes.extend(of_batch(attempt.batch));
        self.put(Span {
            name: span::DELIVER,
            kind: Kind::Client,
            context,
            parent,
            started: attempt.started,
            ended,
            attributes,
            error: attempt.outcome.err().map(|(_, message)| message),
        });
    }

    /// Whether there may be another span, by `sampled` of the ratio and by the bound per second.
    fn admits(&self, sampled: impl FnOnce(f64) -> bool) -> bool {
        let active = self.0.active.read().unwrap_or_else(PoisonError::into_inner);
        let Some(active) = &*active else { return false };
        sampled(active.ratio) && active.allowance.take(self.0.clock.monotonic().as_secs())
    }

    fn put(&self, span: Span) {
        let active = self.0.active.read().unwrap_or_else(PoisonError::into_inner);
        let Some(active) = &*active else { return };
        if active.spans.try_send(span).is_err() {
            self.0.told.add(&["dropped"], 1);
        }
    }
}

impl Reception {
    /// To be told where the batch lies.
    pub(crate) fn traced(&self) -> Arc<Traced> {
        Arc::clone(&self.traced)
    }

    /// It was answered so; a refusal is an error, whoever's fault it is.
    pub fn end(self, code: &'static str) {
        let Self { traced, parent, started, mut attributes } = self;
        attributes.push((attr::PERCH_CODE, code.into()));
        let Some(ended) = traced.own.instant() else { return };
        traced.own.put(Span {
            name: span::RECEIVE,
            kind: Kind::Server,
            context: traced.context,
            parent,
            started,
            ended,
            attributes,
            error: (code != "ok").then(|| code.to_owned()),
        });
    }
}

impl Traced {
    /// The batch lies at `position` of a log.
    pub(crate) fn lies_at(&self, pipeline: &str, position: Position) {
        let mut places = self.own.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.put(pipeline, position, self.context);
    }
}

impl Allowance {
    fn of(max: u32) -> Self {
        Self { max, second: Mutex::default() }
    }

    /// Takes one of those of the second `now`.
    fn take(&self, now: u64) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0 != now {
            *second = (now, 0);
        }
        let is_left = second.1 < self.max;
        second.1 += u32::from(is_left);
        is_left
    }
}

/// Whether chance keeps a trace that begins here.
fn kept(ratio: f64) -> bool {
    ratio >= 1.0 || rand::random::<f64>() < ratio
}

/// Whether it holds spans of ours, or of another collector's own.
fn is_own(batch: &Batch) -> bool {
    if batch.signal != Signal::Traces {
        return false;
    }
    let first = TracesView::over(&batch.payload[..]).resource_spans().next();
    let scope = first.and_then(|resource| resource.scope_spans().next());
    scope.is_some_and(|scope| scope.scope.name == SCOPE)
}

fn of_batch(batch: &Batch) -> [(&'static str, Value); 2] {
    let n_items = Amount::of(batch).n_items;
    [(attr::PERCH_SIGNAL, batch.signal.name().into()), (attr::PERCH_ITEMS, n_items.into())]
}

impl fmt::Debug for OwnTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnTraces").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_bound_and_the_next_begins_anew() {
        let allowance = Allowance::of(3);
        let taken = |second| (0..5).filter(|_| allowance.take(second)).count();
        assert_eq!((taken(7), taken(7), taken(8)), (3, 0, 3));
        assert!(!Allowance::of(0).take(1));
    }

    #[test]
    fn chance_keeps_the_ratio() {
        assert!((0..100).all(|_| kept(1.0)) && (0..100).all(|_| !kept(0.0)));
        let n = (0..10_000).filter(|_| kept(0.1)).count();
        assert!((500..2_000).contains(&n), "{n}");
    }
}
