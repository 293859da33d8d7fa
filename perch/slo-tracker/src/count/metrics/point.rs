//! Counts the series of one point, and says what made it bad.

use collector_otlp::view::{ExemplarView, Number};
use collector_prom::mapping::PointLabels;

use super::matcher::{Side, Term};
use super::state::Point;
use super::walk::{Change, Shared, Spender, Walk};
use crate::fingerprint::Fingerprint;
use crate::groups::put_value;

/// Exemplars of one point that are looked at.
const MAX_EXEMPLARS: usize = 32;

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

impl Walk<'_> {
    /// Counts the series of one point: name, upper bound and value of each.
    pub(super) fn point(
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
        self.add_up(&here, shared.labels);
        let metric = series.first().map_or("", |(name, ..)| name);
        self.blame(&here, metric, exemplars, spender);
    }

    /// Adds what a point did to the changes of its groups.
    fn add_up(&mut self, here: &[AtPoint], labels: &PointLabels) {
        for found in here {
            let mut group = Vec::new();
            let by = self.matcher.how.get(&found.objective).map(|(_, by)| by);
            for label in by.into_iter().flatten() {
                put_value(&mut group, labels.get(label));
            }
            let change = self.changes.entry((found.objective, group)).or_default();
            change.add(Side::Events, found.change.events);
            change.add(Side::Total, found.change.total);
        }
    }

    /// Tells of bad events, with the traces that a point's exemplars name.
    fn blame(
        &self,
        here: &[AtPoint],
        metric: &str,
        exemplars: &mut dyn Iterator<Item = ExemplarView<'_>>,
        spender: &mut dyn FnMut(Spender<'_>),
    ) {
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
