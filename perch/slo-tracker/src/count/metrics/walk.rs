//! Walks a request, metric by metric, and tells what it changes.

use std::collections::BTreeMap;

use collector_otlp::view::{
    HistogramPointView, MetricData, MetricView, MetricsView, Number, NumberPointView, ResourceView,
    Temporality,
};
use collector_prom::mapping::name::{self, Kind};
use collector_prom::mapping::{PointLabels, point_labels};

use super::matcher::{CounterMatcher, Side};
use super::state::CounterStates;
use crate::counts::Sum;
use crate::time::Moment;

/// Events of an objective and group in one request.
#[derive(Debug)]
pub(crate) struct Increase {
    /// The objective's place.
    pub(crate) objective: usize,
    /// What it is kept apart by: values with their lengths.
    pub(crate) group: Vec<u8>,
    pub(crate) sum: Sum,
}

/// Bad events of one point.
#[derive(Debug)]
pub(crate) struct Spender<'s> {
    pub(crate) objective: usize,
    pub(crate) service: &'s str,
    pub(crate) metric: &'s str,
    /// The labels that made it count, or the bound it is above.
    pub(crate) error: &'s str,
    pub(crate) n: u64,
    /// Traces of the point's exemplars.
    pub(crate) traces: &'s [[u8; 16]],
}

/// One request on its way through the matcher.
pub(super) struct Walk<'w> {
    pub(super) matcher: &'w CounterMatcher,
    pub(super) states: &'w mut CounterStates,
    pub(super) at: Moment,
    /// When each objective began to be followed.
    pub(super) since: &'w [u64],
    pub(super) max_series: usize,
    pub(super) changes: BTreeMap<(usize, Vec<u8>), Change>,
}

/// Changes of the sides of an objective.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) events: i64,
    pub(super) total: i64,
}

/// What all series of a point share.
pub(super) struct Shared<'p> {
    pub(super) labels: &'p PointLabels,
    pub(super) start: u64,
    pub(super) time: u64,
    pub(super) temporality: Temporality,
}

impl CounterMatcher {
    /// Counts a request: every change of an objective or group, and every point with bad events.
    pub(crate) fn walk(
        &self,
        payload: &[u8],
        at: Moment,
        (states, max_series): (&mut CounterStates, usize),
        since: &[u64],
        mut spender: impl FnMut(&Spender<'_>),
    ) -> Vec<Increase> {
        let changes = BTreeMap::new();
        let mut walk = Walk { matcher: self, states, at, since, max_series, changes };
        for resource in MetricsView::over(payload).resource_metrics() {
            let service = resource.resource.service_name().unwrap_or_default();
            for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
                walk.metric(&resource.resource, &metric, &mut |found: Spender<'_>| {
                    spender(&Spender { service, ..found });
                });
            }
        }
        let whole = |((objective, group), change): ((usize, Vec<u8>), Change)| {
            let sum = change.sum(self.is_good(objective));
            (!sum.is_none()).then_some(Increase { objective, group, sum })
        };
        walk.changes.into_iter().filter_map(whole).collect()
    }
}

impl Change {
    pub(super) fn add(&mut self, side: Side, n: i64) {
        match side {
            Side::Events => self.events = self.events.saturating_add(n),
            Side::Total => self.total = self.total.saturating_add(n),
        }
    }

    pub(super) fn sum(self, is_good: bool) -> Sum {
        let bad = if is_good { self.total.saturating_sub(self.events) } else { self.events };
        Sum { bad, total: self.total }
    }
}

impl Walk<'_> {
    /// Counts the points of a metric, if any objective asks for it.
    pub(super) fn metric(
        &mut self,
        resource: &ResourceView<'_>,
        metric: &MetricView<'_>,
        spender: &mut dyn FnMut(Spender<'_>),
    ) {
        let known = |name: &String| self.matcher.by_metric.contains_key(name);
        match metric.data {
            MetricData::Sum { points, temporality, monotonic: true } => {
                let name = name::metric(metric.name, metric.unit, Kind::Counter);
                if !known(&name) || temporality == Temporality::Unspecified {
                    return;
                }
                for point in points.filter(|p| !p.no_recorded_value()) {
                    self.counter(resource, &name, &point, temporality, spender);
                }
            }
            MetricData::Histogram { points, temporality } => {
                let family = name::metric(metric.name, metric.unit, Kind::Other);
                let names = [format!("{family}_bucket"), format!("{family}_count")];
                if !names.iter().any(known) || temporality == Temporality::Unspecified {
                    return;
                }
                for point in points.filter(|p| !p.no_recorded_value()) {
                    self.histogram(resource, &names, &point, temporality, spender);
                }
            }
            MetricData::Summary(points) => {
                let name = format!("{}_count", name::metric(metric.name, metric.unit, Kind::Other));
                if !known(&name) {
                    return;
                }
                for point in points.filter(|p| !p.no_recorded_value()) {
                    let labels = &point_labels(resource, point.attributes());
                    let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
                    let shared =
                        Shared { labels, start, time, temporality: Temporality::Cumulative };
                    let count = count(point.count);
                    self.point(&shared, &[(&name, None, count)], &mut std::iter::empty(), spender);
                }
            }
            _ => {}
        }
    }

    fn counter(
        &mut self,
        resource: &ResourceView<'_>,
        name: &str,
        point: &NumberPointView<'_>,
        temporality: Temporality,
        spender: &mut dyn FnMut(Spender<'_>),
    ) {
        let Some(value) = point.value else { return };
        let labels = &point_labels(resource, point.attributes());
        let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
        let shared = Shared { labels, start, time, temporality };
        self.point(&shared, &[(name, None, value)], &mut point.exemplars(), spender);
    }

    fn histogram(
        &mut self,
        resource: &ResourceView<'_>,
        [bucket, total]: &[String; 2],
        point: &HistogramPointView<'_>,
        temporality: Temporality,
        spender: &mut dyn FnMut(Spender<'_>),
    ) {
        let labels = &point_labels(resource, point.attributes());
        let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
        let shared = Shared { labels, start, time, temporality };
        let mut series = vec![(total.as_str(), None, count(point.count))];
        if self.matcher.by_metric.contains_key(bucket) {
            let mut so_far = 0_u64;
            let bounds = point.explicit_bounds();
            for (bound, n) in bounds.zip(point.bucket_counts()) {
                so_far = so_far.saturating_add(n);
                series.push((bucket, Some(bound), count(so_far)));
            }
            series.push((bucket, Some(f64::INFINITY), count(point.count)));
        }
        self.point(&shared, &series, &mut point.exemplars(), spender);
    }
}

fn count(n: u64) -> Number {
    Number::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
