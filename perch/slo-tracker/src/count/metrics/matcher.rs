//! Which objectives a counter belongs to.

use std::collections::{BTreeMap, HashMap};

use slo::plan::Events;
use slo::promql::Countable;

use crate::count::condition::Test;

/// All objectives that count counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct CounterMatcher {
    pub(super) terms: Vec<Term>,
    /// By the name of the series.
    pub(super) by_metric: HashMap<String, Vec<usize>>,
    /// By objective: whether good events are counted, and the labels it is kept apart by.
    pub(super) how: BTreeMap<usize, (bool, Vec<String>)>,
}

/// One counter of an objective's sums.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) objective: usize,
    pub(super) side: Side,
    pub(super) negative: bool,
    pub(super) matchers: Vec<(String, Test)>,
    /// Whether bad events can be told from single points, and are named by them.
    pub(super) tells: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Bad events, or good ones.
    Events,
    Total,
}

impl CounterMatcher {
    /// Takes an objective in; the fault where one of its matchers cannot be compiled.
    pub(crate) fn add(
        &mut self,
        objective: usize,
        events: &Events,
        by: &[String],
    ) -> Result<(), String> {
        let family = |metric: &str| {
            let plain = ["_bucket", "_count"].iter().find_map(|s| metric.strip_suffix(s));
            plain.map(str::to_owned)
        };
        let families: Vec<_> = events
            .events_of
            .terms
            .iter()
            .chain(&events.total_of.terms)
            .map(|t| family(&t.metric))
            .collect();
        let one_histogram = families
            .first()
            .is_some_and(|first| first.is_some() && families.iter().all(|f| f == first));
        let plain = !events.good && events.events_of.terms.iter().all(|t| !t.negative);
        let tells = one_histogram || plain;
        self.add_side(objective, Side::Events, tells, &events.events_of)?;
        self.add_side(objective, Side::Total, tells, &events.total_of)?;
        self.how.insert(objective, (events.good, by.to_vec()));
        Ok(())
    }

    fn add_side(
        &mut self,
        objective: usize,
        side: Side,
        tells: bool,
        of: &Countable,
    ) -> Result<(), String> {
        for term in &of.terms {
            let matchers = term.matchers.iter().map(|m| Ok((m.name.clone(), Test::of(m)?)));
            let matchers = matchers.collect::<Result<_, String>>()?;
            self.by_metric.entry(term.metric.clone()).or_default().push(self.terms.len());
            let negative = term.negative;
            self.terms.push(Term { objective, side, negative, matchers, tells });
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether an objective counts good events rather than bad ones.
    pub(super) fn is_good(&self, objective: usize) -> bool {
        self.how.get(&objective).is_some_and(|(good, _)| *good)
    }
}
