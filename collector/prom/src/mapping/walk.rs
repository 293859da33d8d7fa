//! Walks a request, metric by metric, and gives each point to the one who writes its kind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use collector_otlp::view::{MetricData, MetricView, MetricsView, ResourceView, Temporality};

use super::delta::{Span, Total, Totals};
use super::labels::{describing, identity, merge, named};
use super::name::{self, Kind};
use super::options::Options;
use super::refusal::Refusal;
use super::series::{SeriesTable, millis};
use super::translated::{Cursor, Translated};
use crate::remote_write::{Label, MetricMetadata, MetricType};

/// The series that describes a resource.
pub(super) const TARGET_INFO: &str = "target_info";

/// One request, or a part of it, on its way into series.
pub(super) struct Walk<'t> {
    pub(super) options: &'t Options,
    about_targets: &'t Arc<MetricMetadata>,
    pub(super) totals: &'t mut Totals,
    pub(super) now: Duration,
    pub(super) table: SeriesTable,
    metadata: BTreeMap<String, MetricMetadata>,
    refused: BTreeMap<Refusal, u64>,
    from: Cursor,
    max_bytes: usize,
    n_seen: u64,
    rest: Option<Cursor>,
}

/// What the points of one resource share.
pub(super) struct OfResource<'w, 't> {
    pub(super) walk: &'w mut Walk<'t>,
    pub(super) identity: &'w [Label],
    pub(super) latest: u64,
}

/// What the points of one metric share.
pub(super) struct Family {
    pub(super) name: String,
    pub(super) temporality: Temporality,
}

impl<'t> Walk<'t> {
    /// A walk over what lies behind `from`, until it has written `max_bytes`.
    pub(super) fn new(
        options: &'t Options,
        about_targets: &'t Arc<MetricMetadata>,
        totals: &'t mut Totals,
        now: Duration,
        from: Cursor,
        max_bytes: usize,
    ) -> Self {
        Self {
            options,
            about_targets,
            totals,
            now,
            table: SeriesTable::default(),
            metadata: BTreeMap::new(),
            refused: BTreeMap::new(),
            from,
            max_bytes,
            n_seen: 0,
            rest: None,
        }
    }

    /// Goes through `request`; says where the rest begins, if any is left.
    pub(super) fn request(mut self, request: MetricsView<'_>) -> (Translated, Option<Cursor>) {
        for resource in request.resource_metrics() {
            let identity = identity(&resource.resource);
            let mut of_resource = OfResource { walk: &mut self, identity: &identity, latest: 0 };
            for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
                of_resource.metric(&metric);
                if of_resource.walk.rest.is_some() {
                    return self.finish();
                }
            }
            let latest = of_resource.latest;
            self.target_info(&identity, &resource.resource, latest);
        }
        self.finish()
    }

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
        let span = Span::between(0, latest);
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
}
