//! A small typed face of the `prometheus` registry.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder,
};

use crate::names::Metric;
use crate::observed::{Observed, Read};

/// The metrics of a process; clones are one.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    families: Arc<Mutex<BTreeMap<&'static str, Family>>>,
}

/// A metric that several nodes of a kind share.
#[derive(Clone)]
enum Family {
    Counter(IntCounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
    Observed(Observed),
}

/// Counts up; one child per label set.
#[derive(Debug, Clone)]
pub struct Counter(IntCounterVec);

/// Is set; one child per label set.
#[derive(Debug, Clone)]
pub struct Gauge(GaugeVec);

/// Sorts into buckets; one child per label set.
#[derive(Debug, Clone)]
pub struct Histogram(HistogramVec);

/// A definition that the registry refuses: a name that is taken, or one it cannot bear.
#[derive(Debug, thiserror::Error)]
#[error("metric {name} cannot be registered: {source}")]
pub struct MetricError {
    name: &'static str,
    source: prometheus::Error,
}

impl Metrics {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self { registry: Arc::new(Registry::new()), families: Arc::default() }
    }

    /// A counter by its definition; asked for again, the same one.
    pub fn counter(&self, metric: &'static Metric) -> Result<Counter, MetricError> {
        let make = || self.keep(metric, IntCounterVec::new(opts(metric), metric.labels));
        match self.family(metric, || make().map(Family::Counter))? {
            Family::Counter(family) => Ok(Counter(family)),
            _ => Err(taken(metric)),
        }
    }

    /// A gauge by its definition; asked for again, the same one.
    pub fn gauge(&self, metric: &'static Metric) -> Result<Gauge, MetricError> {
        let make = || self.keep(metric, GaugeVec::new(opts(metric), metric.labels));
        match self.family(metric, || make().map(Family::Gauge))? {
            Family::Gauge(family) => Ok(Gauge(family)),
            _ => Err(taken(metric)),
        }
    }

    /// A histogram by its definition; asked for again, the same one.
    pub fn histogram(&self, metric: &'static Metric) -> Result<Histogram, MetricError> {
        let opts = || HistogramOpts::from(opts(metric)).buckets(metric.buckets.to_vec());
        let make = || self.keep(metric, HistogramVec::new(opts(), metric.labels));
        match self.family(metric, || make().map(Family::Histogram))? {
            Family::Histogram(family) => Ok(Histogram(family)),
            _ => Err(taken(metric)),
        }
    }

    /// A counter or gauge whose values `read` gives at each scrape: label values, then the value.
    /// A definition whose name ends in `_total` is a counter. Asked for again, the values come from `read` from then
    /// on.
    pub fn observe(
        &self,
        metric: &'static Metric,
        read: impl Fn() -> Vec<(Vec<String>, f64)> + Send + Sync + 'static,
    ) -> Result<(), MetricError> {
        let mut read = Some(Box::new(read) as Box<Read>);
        let family = self.family(metric, || {
            let read = read.take().unwrap_or_else(|| Box::new(Vec::new));
            self.keep(metric, Observed::new(metric, opts(metric), read)).map(Family::Observed)
        })?;
        match (family, read) {
            (Family::Observed(known), Some(read)) => known.replace(read),
            (Family::Observed(_), None) => {}
            _ => return Err(taken(metric)),
        }
        Ok(())
    }

    /// All metrics in Prometheus' text format 0.0.4.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let families = self.registry.gather();
        if let Err(error) = TextEncoder::new().encode_utf8(&families, &mut text) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }

    fn family(
        &self,
        metric: &'static Metric,
        make: impl FnOnce() -> Result<Family, MetricError>,
    ) -> Result<Family, MetricError> {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(family) = families.get(metric.prometheus) {
            return Ok(family.clone());
        }
        let family = make()?;
        families.insert(metric.prometheus, family.clone());
        Ok(family)
    }

    fn keep<C: Collector + Clone + 'static>(
        &self,
        metric: &'static Metric,
        made: prometheus::Result<C>,
    ) -> Result<C, MetricError> {
        made.and_then(|c| self.registry.register(Box::new(c.clone())).map(|()| c))
            .map_err(|source| MetricError { name: metric.prometheus, source })
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Counter {
    /// Adds `n` under `labels`, given in the definition's order.
    pub fn add(&self, labels: &[&str], n: u64) {
        if let Ok(child) = self.0.get_metric_with_label_values(labels) {
            child.inc_by(n);
        }
    }
}

impl Gauge {
    /// Sets the value under `labels`, given in the definition's order.
    pub fn set(&self, labels: &[&str], value: f64) {
        if let Ok(child) = self.0.get_metric_with_label_values(labels) {
            child.set(value);
        }
    }
}

impl Histogram {
    /// Records a value under `labels`, given in the definition's order.
    pub fn record(&self, labels: &[&str], value: f64) {
        if let Ok(child) = self.0.get_metric_with_label_values(labels) {
            child.observe(value);
        }
    }
}

fn taken(metric: &Metric) -> MetricError {
    MetricError { name: metric.prometheus, source: prometheus::Error::AlreadyReg }
}

fn opts(metric: &Metric) -> Opts {
    Opts::new(metric.prometheus, metric.help)
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::metric;

    #[test]
    fn renders_what_was_counted_and_what_is_read() {
        let metrics = Metrics::new();
        let resent = metrics.counter(&metric::RESENT_ITEMS).unwrap();
        resent.add(&["loki"], 2);
        resent.add(&["loki"], 3);
        metrics.observe(&metric::QUEUE_BYTES, || vec![(vec!["loki".to_owned()], 7.0)]).unwrap();
        let text = metrics.render();
        assert!(text.contains("perch_resent_items_total{exporter=\"loki\"} 5\n"), "{text}");
        assert!(text.contains("# TYPE perch_queue_bytes gauge\n"), "{text}");
        assert!(text.contains("perch_queue_bytes{exporter=\"loki\"} 7\n"), "{text}");
    }

    #[test]
    fn what_is_read_may_be_kept_elsewhere() {
        let metrics = Metrics::new();
        for value in [7.0, 8.0] {
            let read = move || vec![(vec!["loki".to_owned()], value)];
            metrics.observe(&metric::QUEUE_BYTES, read).unwrap();
        }
        assert!(metrics.render().contains("perch_queue_bytes{exporter=\"loki\"} 8\n"));
    }

    #[test]
    fn a_name_is_one_metric_of_one_type() {
        let metrics = Metrics::new();
        metrics.counter(&metric::RESENT_ITEMS).unwrap().add(&["a"], 1);
        metrics.counter(&metric::RESENT_ITEMS).unwrap().add(&["a"], 1);
        assert!(metrics.render().contains("perch_resent_items_total{exporter=\"a\"} 2\n"));
        assert!(metrics.gauge(&metric::RESENT_ITEMS).is_err());
        assert!(metrics.observe(&metric::RESENT_ITEMS, Vec::new).is_err());
    }
}
