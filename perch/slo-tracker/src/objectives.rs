//! All objectives of a tracker, compiled for counting.

use crate::count::metrics::CounterMatcher;
use crate::count::spans::SpanMatcher;
use crate::objective::{Counted, Objective};

/// All objectives of a tracker, compiled for counting.
#[derive(Debug, Clone, Default)]
pub struct Objectives {
    pub(crate) all: Vec<Objective>,
    pub(crate) spans: SpanMatcher,
    pub(crate) metrics: CounterMatcher,
    pub(crate) limits: Limits,
}

/// Bounds of what one pipeline keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Groups of an objective. Default 100; what comes beyond is in the rest.
    pub max_groups: usize,
    /// Traces of a cause. Default 10.
    pub max_traces: usize,
    /// Series of counters. Default 10 000; what comes beyond is not counted.
    pub max_series: usize,
    /// Bytes of all counts. Default half of what a checkpoint may hold; beyond it the largest groups go.
    pub max_bytes: usize,
}

/// A condition that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("{objective}: {fault}")]
pub struct BadCondition {
    /// The objective's id.
    pub objective: String,
    /// What is wrong.
    pub fault: String,
}

impl Default for Limits {
    fn default() -> Self {
        let max_bytes = collector_pipeline::consumer::MAX_STATE / 2;
        Self { max_groups: 100, max_traces: 10, max_series: 10_000, max_bytes }
    }
}

impl Objectives {
    /// Compiles objectives.
    pub fn new(all: Vec<Objective>, limits: Limits) -> Result<Self, BadCondition> {
        let (mut spans, mut metrics) = (SpanMatcher::default(), CounterMatcher::default());
        for (at, objective) in all.iter().enumerate() {
            let added = match &objective.counts {
                Counted::Spans(what) => spans.add(at, what),
                Counted::Metrics(events) => metrics.add(at, events, &objective.group_by),
            };
            added.map_err(|fault| BadCondition { objective: objective.id.clone(), fault })?;
        }
        Ok(Self { all, spans, metrics, limits })
    }

    /// The objectives, in the order of their files.
    #[must_use]
    pub fn all(&self) -> &[Objective] {
        &self.all
    }

    /// Whether any counts spans, and whether any counts metrics.
    #[must_use]
    pub fn reads(&self) -> (bool, bool) {
        (!self.spans.is_empty(), !self.metrics.is_empty())
    }
}
