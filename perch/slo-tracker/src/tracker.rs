//! The processor: an observer of the pipelines that name it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use collector_pipeline::Signal;
use collector_pipeline::config::{PipelineId, Tree};
use collector_pipeline::consumer::Notices;
use collector_pipeline::ledger::Amount;
use collector_pipeline::log::Record;
use collector_pipeline::node::{
    Built, NodeContext, NodeError, Observation, Observer, ProcessorKind, ProcessorShape,
};
use collector_telemetry::Histogram;
use collector_telemetry::names::metric;

use crate::config::Raw;
use crate::objectives::Objectives;
use crate::tracked::Tracked;
use crate::view::View;

/// The `slo_tracker` processor.
pub const KIND: ProcessorKind = ProcessorKind {
    name: "slo_tracker",
    signals: &[Signal::Traces, Signal::Metrics],
    shape: ProcessorShape::Observer(build),
};

/// Settings where nobody says otherwise.
pub const DEFAULTS: &str = "{resolution: 10s, max_groups: 100, max_traces: 10, max_series: 10000, \
     policy: {caution: 25, frozen: 10, exhausted: 0, hysteresis: 5}}";

/// The processor.
#[derive(Debug)]
pub struct Tracker {
    objectives: Arc<Objectives>,
    view: View,
    lateness: Histogram,
    /// When this process began, in nanoseconds since the epoch.
    began: u64,
}

/// One pipeline's share.
#[derive(Debug)]
struct Tracking {
    pipeline: String,
    tracked: Arc<Mutex<Tracked>>,
    view: View,
    lateness: Histogram,
    began: u64,
    /// Whether what comes now is news, not what was read again.
    is_live: bool,
}

fn build(settings: &Tree, context: &NodeContext, _: &Notices) -> Built<dyn Observer> {
    let resolved = settings.read::<Raw>()?.resolve(settings)?;
    for (objective, origin) in &resolved.rules_only {
        let hint = "only Prometheus can evaluate it";
        tracing::info!(processor = %context.id, objective, origin, hint, "objective is not tracked");
    }
    let objectives = Arc::new(resolved.objectives);
    let (clock, began) = (Arc::clone(&context.clock), context.clock.unix_nanos());
    let view = View::new(Arc::clone(&objectives), resolved.policy, clock);
    let lateness = context.metrics.histogram(&metric::SLO_LATENESS).map_err(|error| {
        collector_pipeline::config::Finding::new(settings.at, error.to_string())
    })?;
    Ok(Arc::new(Tracker { objectives, view, lateness, began }))
}

impl Tracker {
    /// What it knows.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }
}

impl Observer for Tracker {
    fn resume(
        &self,
        pipeline: &PipelineId,
        state: &[u8],
    ) -> Result<Box<dyn Observation>, NodeError> {
        let pipeline = pipeline.to_string();
        let objectives = Arc::clone(&self.objectives);
        let tracked = Tracked::decode(Arc::clone(&objectives), state).unwrap_or_else(|error| {
            // Counting anew is better than not counting: what the log still holds is counted from here on.
            tracing::error!(pipeline, %error, "objectives are counted anew");
            Tracked::new(objectives)
        });
        let tracked = Arc::new(Mutex::new(tracked));
        self.view.join(&pipeline, Arc::clone(&tracked));
        let (view, lateness, began) = (self.view.clone(), self.lateness.clone(), self.began);
        Ok(Box::new(Tracking { pipeline, tracked, view, lateness, began, is_live: false }))
    }
}

impl Tracking {
    fn go_live(&mut self) {
        if !self.is_live {
            self.is_live = true;
            self.view.goes_live(&self.pipeline);
        }
    }
}

impl Observation for Tracking {
    fn observe(&mut self, record: &Record) {
        if record.received_at >= self.began {
            self.go_live();
        }
        let lateness = {
            let mut tracked = lock(&self.tracked);
            tracked.observe(record);
            tracked.lateness.take()
        };
        if let Some(nanos) = lateness.filter(|_| self.is_live) {
            #[expect(clippy::cast_precision_loss, reason = "seconds need no nanoseconds")]
            self.lateness.record(&[], nanos as f64 / 1e9);
        }
    }

    fn missed(&mut self, amount: Amount) {
        lock(&self.tracked).n_missed += amount.n_items;
    }

    fn caught_up(&mut self) {
        self.go_live();
    }

    fn state(&self) -> Bytes {
        let states = self.view.states();
        let mut tracked = lock(&self.tracked);
        for (account, state) in tracked.accounts.iter_mut().zip(states) {
            account.policy = state;
        }
        tracked.encode().into()
    }
}

fn lock(tracked: &Mutex<Tracked>) -> MutexGuard<'_, Tracked> {
    tracked.lock().unwrap_or_else(PoisonError::into_inner)
}
