//! Walks a request and writes each point's series.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use collector_otlp::view::{
    ExemplarView, ExponentialHistogramPointView, HistogramPointView, KeyValueView, MetricData,
    MetricView, MetricsView, NumberPointView, ResourceView, SummaryPointView, Temporality,
};
use durable_fs::Clock;

use super::classic::Classic;
use super::delta::{DeltaLimits, Span, Total, Totals};
use super::labels::{describing, identity, merge, named};
use super::name::{self, Kind};
use super::native::Native;
use super::refusal::Refusal;
use super::series::{SeriesTable, Weighed, millis};
use super::{STALE_NAN, exemplar, summary};
use crate::remote_write::{Exemplar, Label, MetricMetadata, MetricType};

/// The series that describes a resource.
const TARGET_INFO: &str = "target_info";

/// How to translate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Labels of every series that does not have them already.
    pub external_labels: Vec<Label>,
    /// Whether resources are described by `target_info`.
    pub target_info: bool,
    /// Whether families are described.
    pub metadata: bool,
    /// Bounds on running totals.
    pub delta: DeltaLimits,
}

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translated {
    /// The series, in the order they first appeared.
    pub series: Vec<Weighed>,
    /// Descriptions of the families, if asked for.
    pub metadata: Vec<MetricMetadata>,
    /// Data points that have no form in Prometheus, by reason.
    pub refused: BTreeMap<Refusal, u64>,
}

/// How far a request is translated; the default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Data points before.
    n_points: u64,
    /// The latest time among those of the resource it stands in.
    latest: u64,
}

/// Turns requests into series; keeps the running totals of deltas.
///
/// Translating a request twice adds its deltas twice: whoever sends again sends what the first time gave.
#[derive(Debug)]
pub struct Translator {
    options: Options,
    /// What is known about `target_info`.
    about_targets: Arc<MetricMetadata>,
    clock: Arc<dyn Clock>,
    totals: Totals,
}

impl Default for Options {
    fn default() -> Self {
        let (external_labels, delta) = (Vec::new(), DeltaLimits::default());
        Self { external_labels, target_info: true, metadata: false, delta }
    }
}

impl Translator {
    /// A translator without totals.
    #[must_use]
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Self {
        let totals = Totals::new(options.delta);
        let about_targets = Arc::new(MetricMetadata {
            r#type: MetricType::Info.into(),
            metric_family_name: TARGET_INFO.to_owned(),
            help: "Target metadata".to_owned(),
            unit: String::new(),
        });
        Self { options, about_targets, clock, totals }
    }

    /// Translates one request.
    pub fn translate(&mut self, request: MetricsView<'_>) -> Translated {
        self.translate_part(request, Cursor::default(), usize::MAX).0
    }

    /// Translates the points of a request behind `from`, until what they gave takes up `max_bytes` of memory
    /// or more; says where the rest begins, if any is left. Each part orders its own samples alone.
    pub fn translate_part(
        &mut self,
        request: MetricsView<'_>,
        from: Cursor,
        max_bytes: usize,
    ) -> (Translated, Option<Cursor>) {
        let now = self.clock.monotonic();
        self.totals.sweep_now_and_then(now);
        let mut walk = Walk {
            options: &self.options,
            about_targets: &self.about_targets,
            totals: &mut self.totals,
            now,
            table: SeriesTable::default(),
            metadata: BTreeMap::new(),
            refused: BTreeMap::new(),
            from,
            max_bytes,
            n_seen: 0,
            rest: None,
        };
        for resource in request.resource_metrics() {
            let identity = identity(&resource.resource);
            let mut of_resource = OfResource { walk: &mut walk, identity: &identity, latest: 0 };
            for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
                of_resource.metric(&metric);
                if of_resource.walk.rest.is_some() {
                    return walk.finish();
                }
            }
            let latest = of_resource.latest;
            walk.target_info(&identity, &resource.resource, latest);
        }
        walk.finish()
    }
}

struct Walk<'t> {
    options: &'t Options,
    about_targets: &'t Arc<MetricMetadata>,
    totals: &'t mut Totals,
    now: Duration,
    table: SeriesTable,
    metadata: BTreeMap<String, MetricMetadata>,
    refused: BTreeMap<Refusal, u64>,
    from: Cursor,
    max_bytes: usize,
    n_seen: u64,
    rest: Option<Cursor>,
}

struct OfResource<'w, 't> {
    walk: &'w mut Walk<'t>,
    identity: &'w [Label],
    latest: u64,
}

/// What the points of one metric share.
struct Family {
    name: String,
    temporality: Temporality,
}

impl Walk<'_> {
    fn refuse(&mut self, why: Refusal, n: u64) {
        if n > 0 {
            *self.refused.entry(why).or_default() += n;
        }
    }

    /// Describes a resource that has both a name to join by and something to say. Not newer than what was
    /// said before it stays out: Prometheus would refuse the whole request over it.
    fn target_info(&mut self, identity: &[Label], resource: &ResourceView<'_>, latest: u64) {
        let says_more = describing(resource).next().is_some();
        if !self.options.target_info || identity.is_empty() || !says_more || latest == 0 {
            return;
        }
        let labels = merge(identity, describing(resource), &self.options.external_labels);
        let labels = named(&labels, TARGET_INFO, "");
        let span = Span { start_unix_nano: 0, time_unix_nano: latest };
        let said = self.totals.add(&labels, span, self.now, Total::Number(0.0));
        if !matches!(said, Err(Refusal::LateDelta)) {
            self.table.family(Some(Arc::clone(self.about_targets)));
            self.table.row(labels).sample(1.0, millis(latest), 0);
        }
    }

    fn describe(&mut self, family: &Family, metric: &MetricView<'_>, kind: MetricType) {
        let described = MetricMetadata {
            r#type: kind.into(),
            metric_family_name: family.name.clone(),
            help: metric.description.to_owned(),
            unit: metric.unit.to_owned(),
        };
        if self.options.metadata && !self.metadata.contains_key(&family.name) {
            self.metadata.insert(family.name.clone(), described.clone());
        }
        self.table.family(Some(Arc::new(described)));
    }

    fn finish(mut self) -> (Translated, Option<Cursor>) {
        let (series, n_duplicates) = std::mem::take(&mut self.table).finish();
        self.refuse(Refusal::Duplicate, n_duplicates);
        let (metadata, refused) = (self.metadata.into_values().collect(), self.refused);
        (Translated { series, metadata, refused }, self.rest)
    }
}

impl OfResource<'_, '_> {
    fn metric(&mut self, metric: &MetricView<'_>) {
        let family = |kind, temporality| {
            let name = name::metric(metric.name, metric.unit, kind);
            Family { name, temporality }
        };
        match metric.data {
            MetricData::Empty => {}
            MetricData::Gauge(points) => {
                let family = family(Kind::Gauge, Temporality::Cumulative);
                self.family(&family, metric, MetricType::Gauge, points, Self::number);
            }
            MetricData::Sum { points, temporality, monotonic: true } => {
                let family = family(Kind::Counter, temporality);
                self.family(&family, metric, MetricType::Counter, points, Self::counter);
            }
            MetricData::Sum { points, temporality, monotonic: false } => {
                let family = family(Kind::Other, temporality);
                self.family(&family, metric, MetricType::Gauge, points, Self::number);
            }
            MetricData::Histogram { points, temporality } => {
                let family = family(Kind::Other, temporality);
                self.family(&family, metric, MetricType::Histogram, points, Self::classic);
            }
            MetricData::ExponentialHistogram { points, temporality } => {
                let family = family(Kind::Other, temporality);
                self.family(&family, metric, MetricType::Histogram, points, Self::native);
            }
            MetricData::Summary(points) => {
                let family = family(Kind::Other, Temporality::Cumulative);
                self.family(&family, metric, MetricType::Summary, points, Self::summary);
            }
        }
    }

    fn family<P>(
        &mut self,
        family: &Family,
        metric: &MetricView<'_>,
        kind: MetricType,
        points: impl Iterator<Item = P>,
        write: fn(&mut Self, &Family, &P) -> Result<(), Refusal>,
    ) {
        let wrong = if !metric.name.contains(|c: char| c.is_ascii_alphanumeric()) {
            Some(Refusal::Unnamed)
        } else if family.temporality == Temporality::Unspecified {
            Some(Refusal::NoTemporality)
        } else {
            None
        };
        let mut is_described = wrong.is_some();
        for point in points {
            self.walk.n_seen += 1;
            let n_before = self.walk.n_seen - 1;
            if n_before < self.walk.from.n_points {
                continue;
            }
            if n_before == self.walk.from.n_points {
                self.latest = self.walk.from.latest;
            }
            if self.walk.table.n_bytes() >= self.walk.max_bytes {
                self.walk.rest = Some(Cursor { n_points: n_before, latest: self.latest });
                return;
            }
            if !std::mem::replace(&mut is_described, true) {
                self.walk.describe(family, metric, kind);
            }
            let written = wrong.map_or_else(|| write(self, family, &point), Err);
            written.unwrap_or_else(|why| self.walk.refuse(why, 1));
        }
    }

    /// Gauges, and sums that may fall: no exemplars, and no time at which they began.
    fn number(&mut self, family: &Family, point: &NumberPointView<'_>) -> Result<(), Refusal> {
        let mut point = *point;
        point.start_time_unix_nano = 0;
        self.put_number(family, &point, Vec::new())
    }

    fn counter(&mut self, family: &Family, point: &NumberPointView<'_>) -> Result<(), Refusal> {
        let exemplars = exemplars(point.exemplars(), point.time_unix_nano);
        self.put_number(family, point, exemplars)
    }

    fn put_number(
        &mut self,
        family: &Family,
        point: &NumberPointView<'_>,
        exemplars: Vec<Exemplar>,
    ) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        let labels = named(&labels, &family.name, "");
        let is_delta = family.temporality == Temporality::Delta;
        let mut start = point.start_time_unix_nano;
        let value = match point.value.map(|v| v.as_f64()) {
            _ if point.no_recorded_value() => {
                self.walk.totals.end(&labels);
                f64::from_bits(STALE_NAN)
            }
            Some(delta) if is_delta && delta.is_finite() => {
                let (total, since) = self.add(
                    &labels,
                    Span {
                        start_unix_nano: point.start_time_unix_nano,
                        time_unix_nano: point.time_unix_nano,
                    },
                    Total::Number(delta),
                )?;
                start = since;
                match total {
                    Total::Number(total) => *total,
                    Total::Classic(_) | Total::Native(_) => return Err(Refusal::NoValue),
                }
            }
            Some(value) if !is_delta => value,
            _ => return Err(Refusal::NoValue),
        };
        self.walk.table.since(millis(start));
        self.walk.table.row(labels).sample(value, timestamp, 1).exemplars(exemplars);
        Ok(())
    }

    fn classic(&mut self, family: &Family, point: &HistogramPointView<'_>) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        let stale = point.no_recorded_value();
        let exemplars = exemplars(point.exemplars(), point.time_unix_nano);
        let read = Classic::read(point)?;
        let table = &mut self.walk.table;
        if family.temporality != Temporality::Delta || stale {
            self.walk.totals.end(&named(&labels, &family.name, ""));
            table.since(millis(point.start_time_unix_nano));
            read.write(table, &family.name, &labels, timestamp, stale, exemplars);
            return Ok(());
        }
        let key = named(&labels, &family.name, "");
        let total = Total::Classic(read);
        let (total, since) = self.walk.totals.add(
            &key,
            Span {
                start_unix_nano: point.start_time_unix_nano,
                time_unix_nano: point.time_unix_nano,
            },
            self.walk.now,
            total,
        )?;
        table.since(millis(since));
        match total {
            Total::Classic(total) => {
                total.write(table, &family.name, &labels, timestamp, false, exemplars);
                Ok(())
            }
            Total::Number(_) | Total::Native(_) => Err(Refusal::Buckets),
        }
    }

    fn native(
        &mut self,
        family: &Family,
        point: &ExponentialHistogramPointView<'_>,
    ) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        let labels = named(&labels, &family.name, "");
        let stale = point.no_recorded_value();
        let read = Native::read(point)?;
        let (histogram, start) = if family.temporality != Temporality::Delta || stale {
            self.walk.totals.end(&labels);
            (read.pack(timestamp, stale), point.start_time_unix_nano)
        } else {
            match self.add(
                &labels,
                Span {
                    start_unix_nano: point.start_time_unix_nano,
                    time_unix_nano: point.time_unix_nano,
                },
                Total::Native(read),
            )? {
                (Total::Native(total), since) => (total.pack(timestamp, false), since),
                (Total::Number(_) | Total::Classic(_), _) => return Err(Refusal::Buckets),
            }
        };
        let exemplars = exemplars(point.exemplars(), point.time_unix_nano);
        self.walk.table.since(millis(start));
        self.walk.table.row(labels).histogram(histogram).exemplars(exemplars);
        Ok(())
    }

    fn summary(&mut self, family: &Family, point: &SummaryPointView<'_>) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        self.walk.table.since(millis(point.start_time_unix_nano));
        summary::write(&mut self.walk.table, &family.name, &labels, timestamp, point);
        Ok(())
    }

    fn add(
        &mut self,
        labels: &[Label],
        span: Span,
        delta: Total,
    ) -> Result<(&Total, u64), Refusal> {
        self.walk.totals.add(labels, span, self.walk.now, delta)
    }

    fn labels<'a>(&self, attributes: impl Iterator<Item = KeyValueView<'a>>) -> Vec<Label> {
        merge(self.identity, attributes, &self.walk.options.external_labels)
    }

    fn time(&mut self, nanos: u64) -> Result<i64, Refusal> {
        if nanos == 0 {
            return Err(Refusal::NoTime);
        }
        self.latest = self.latest.max(nanos);
        Ok(millis(nanos))
    }
}

fn exemplars<'a>(views: impl Iterator<Item = ExemplarView<'a>>, point_time: u64) -> Vec<Exemplar> {
    views.filter_map(|view| exemplar::read(&view, millis(point_time))).collect()
}
