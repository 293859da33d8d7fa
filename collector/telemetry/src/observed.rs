//! Metrics whose values are read when asked for, so that they are kept in one place only.

use std::sync::{Arc, PoisonError, RwLock};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, LabelPair, MetricFamily, MetricType};
use prometheus::{Opts, core::Describer};

use crate::names::Metric;

pub(crate) type Read = dyn Fn() -> Vec<(Vec<String>, f64)> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Observed {
    metric: &'static Metric,
    desc: Desc,
    /// Replaced when the values are kept elsewhere from then on.
    read: Arc<RwLock<Box<Read>>>,
}

impl Observed {
    pub(crate) fn new(
        metric: &'static Metric,
        opts: Opts,
        read: Box<Read>,
    ) -> prometheus::Result<Self> {
        let labels = metric.labels.iter().map(ToString::to_string).collect();
        let desc = opts.variable_labels(labels).describe()?;
        Ok(Self { metric, desc, read: Arc::new(RwLock::new(read)) })
    }

    /// From now on the values come from `read`.
    pub(crate) fn replace(&self, read: Box<Read>) {
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = read;
    }

    fn is_counter(&self) -> bool {
        self.metric.prometheus.ends_with("_total")
    }

    fn child(&self, labels: Vec<String>, value: f64) -> proto::Metric {
        let pairs = self.metric.labels.iter().zip(labels).map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value(value);
            pair
        });
        let mut pairs: Vec<LabelPair> = pairs.collect();
        // Sorted by name, as the registry does with the metrics it keeps itself.
        pairs.sort_by(|a, b| a.name().cmp(b.name()));
        let mut child = proto::Metric::from_label(pairs);
        if self.is_counter() {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            child.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            child.set_gauge(gauge);
        }
        child
    }
}

impl Collector for Observed {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let rows = (self.read.read().unwrap_or_else(PoisonError::into_inner))();
        let children = rows.into_iter().map(|(labels, v)| self.child(labels, v));
        let mut family = MetricFamily::default();
        family.set_name(self.metric.prometheus.to_owned());
        family.set_help(self.metric.help.to_owned());
        let kind = if self.is_counter() { MetricType::COUNTER } else { MetricType::GAUGE };
        family.set_field_type(kind);
        family.set_metric(children.collect());
        vec![family]
    }
}
