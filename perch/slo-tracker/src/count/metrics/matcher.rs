//! Which objectives a counter belongs to.

use std::collections::{BTreeMap, HashMap};

use collector_otlp::view::{
    ExemplarView, HistogramPointView, MetricData, MetricView, MetricsView, Number, NumberPointView,
    ResourceView, Temporality,
};
use collector_prom::mapping::name::{self, Kind};
use collector_prom::mapping::{PointLabels, point_labels};
use slo::plan::Events;
use slo::promql::Countable;

use super::state::{CounterStates, Point};
use crate::count::condition::Test;
use crate::counts::Sum;
use crate::fingerprint::Fingerprint;
use crate::groups::put_value;
use crate::time::Moment;

/// All objectives that count counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct CounterMatcher {
    terms: Vec<Term>,
    /// By the name of the series.
    by_metric: HashMap<String, Vec<usize>>,
    /// By objective: whether good events are counted, and the labels it is kept apart by.
    how: BTreeMap<usize, (bool, Vec<String>)>,
}

/// One counter of an objective's sums.
#[derive(Debug, Clone)]
struct Term {
    objective: usize,
    side: Side,
    negative: bool,
    matchers: Vec<(String, Test)>,
    /// Whether bad events can be told from single points, and are named by them.
    tells: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Bad events, or good ones.
    Events,
    Total,
}

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

impl CounterMatcher {
    fn is_good(&self, objective: usize) -> bool {
        self.how.get(&objective).is_some_and(|(good, _)| *good)
    }
}

struct Walk<'w> {
    matcher: &'w CounterMatcher,
    states: &'w mut CounterStates,
    at: Moment,
    /// When each objective began to be followed.
    since: &'w [u64],
    max_series: usize,
    changes: BTreeMap<(usize, Vec<u8>), Change>,
}

/// Changes of the sides of an objective.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    events: i64,
    total: i64,
}

/// What one point did to one objective.
#[derive(Debug, Default)]
struct AtPoint {
    objective: usize,
    change: Change,
    tells: bool,
    error: String,
    /// Bad are values above this.
    above: Option<f64>,
}

/// What all series of a point share.
struct Shared<'p> {
    labels: &'p PointLabels,
    start: u64,
    time: u64,
    temporality: Temporality,
}

impl Change {
    fn add(&mut self, side: Side, n: i64) {
        match side {
            Side::Events => self.events += n,
            Side::Total => self.total += n,
        }
    }

    fn sum(self, is_good: bool) -> Sum {
        let bad = if is_good { self.total - self.events } else { self.events };
        Sum { bad, total: self.total }
    }
}

impl Walk<'_> {
    fn metric(
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

    /// Counts the series of one point: name, upper bound and value of each.
    fn point(
        &mut self,
        shared: &Shared<'_>,
        series: &[(&str, Option<f64>, Number)],
        exemplars: &mut dyn Iterator<Item = ExemplarView<'_>>,
        spender: &mut dyn FnMut(Spender<'_>),
    ) {
        let mut here: Vec<AtPoint> = Vec::new();
        for &(name, bound, value) in series {
            let le = bound.map(le);
            let matcher = self.matcher;
            let terms = matcher.by_metric.get(name).into_iter().flatten();
            let of = |label: &str| match &le {
                Some(le) if label == "le" => le.as_str(),
                _ => shared.labels.get(label),
            };
            let holds = |t: &&Term| t.matchers.iter().all(|(label, test)| test.holds(of(label)));
            let terms: Vec<&Term> =
                terms.filter_map(|n| matcher.terms.get(*n)).filter(holds).collect();
            if terms.is_empty() {
                continue;
            }
            let mut key = Fingerprint::new();
            key.add(name.as_bytes());
            key.add(le.as_deref().unwrap_or_default().as_bytes());
            for (label, value) in shared.labels.iter() {
                key.add(label.as_bytes());
                key.add(value.as_bytes());
            }
            let Shared { start, time, temporality, .. } = *shared;
            let point = Point { value, start, time, temporality };
            let since = terms.iter().filter_map(|t| self.since.get(t.objective)).min();
            let when = (self.at, since.copied().unwrap_or(u64::MAX));
            let n = self.states.advance(key.finish(), &point, when, self.max_series);
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            for term in terms {
                let known = here.iter().position(|h| h.objective == term.objective);
                let at = known.unwrap_or_else(|| {
                    let (objective, tells) = (term.objective, term.tells);
                    here.push(AtPoint { objective, tells, ..AtPoint::default() });
                    here.len() - 1
                });
                here[at].change.add(term.side, if term.negative { -n } else { n });
                here[at].note(term, matcher.is_good(term.objective), bound, &of);
            }
        }
        for found in &here {
            let mut group = Vec::new();
            let by = self.matcher.how.get(&found.objective).map(|(_, by)| by);
            for label in by.into_iter().flatten() {
                put_value(&mut group, shared.labels.get(label));
            }
            let change = self.changes.entry((found.objective, group)).or_default();
            change.events += found.change.events;
            change.total += found.change.total;
        }
        let bad = |f: &AtPoint| f.change.sum(self.matcher.is_good(f.objective)).bad;
        let spent: Vec<&AtPoint> = here.iter().filter(|f| f.tells && bad(f) > 0).collect();
        if spent.is_empty() {
            return;
        }
        let exemplars: Vec<(f64, [u8; 16])> = exemplars
            .filter(|e| !e.trace_id.is_zero())
            .map(|e| (e.value.map_or(f64::INFINITY, Number::as_f64), e.trace_id.0))
            .take(MAX_EXEMPLARS)
            .collect();
        let metric = series.first().map_or("", |(name, ..)| name);
        for found in spent {
            let above = found.above.unwrap_or(f64::NEG_INFINITY);
            let traces = exemplars.iter().filter(|(value, _)| *value > above);
            let traces: Vec<[u8; 16]> = traces.map(|(_, trace)| *trace).collect();
            let n = u64::try_from(bad(found)).unwrap_or_default();
            spender(Spender {
                objective: found.objective,
                service: "",
                metric,
                error: &found.error,
                n,
                traces: &traces,
            });
        }
    }
}

/// Exemplars of one point that are looked at.
const MAX_EXEMPLARS: usize = 32;

impl AtPoint {
    /// Notes what made the point bad: the values its labels were chosen by, or the bound of good events.
    fn note<'v>(
        &mut self,
        term: &Term,
        is_good: bool,
        bound: Option<f64>,
        of: &dyn Fn(&str) -> &'v str,
    ) {
        if term.side == Side::Total {
            return;
        }
        if let Some(bound) = bound.filter(|_| term.negative != is_good) {
            self.above = Some(self.above.map_or(bound, |above| above.max(bound)));
            self.error = format!("above {}", le(bound));
        } else if !is_good && !term.negative && self.error.is_empty() {
            let chosen = term.matchers.iter().filter(|(label, _)| label != "le");
            let pairs: Vec<String> =
                chosen.map(|(label, _)| format!("{label}={}", of(label))).collect();
            self.error = pairs.join(", ");
        }
    }
}

/// A bound as Prometheus' label says it.
fn le(bound: f64) -> String {
    if bound == f64::INFINITY { "+Inf".to_owned() } else { bound.to_string() }
}

fn count(n: u64) -> Number {
    Number::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
