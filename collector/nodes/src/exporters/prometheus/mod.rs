//! Shows metrics to whoever scrapes them, in text format 0.0.4 or OpenMetrics 1.0.
//!
//! *Ack*: once the series are shown. *Refusal*: points without a form in Prometheus, of a family known as another type,
//! or of more series than there is room for, are dropped as `unsupported`; the rest is shown. *Drain*: nothing waits
//! here; what is shown is gone with the process.
//!
//! *Not here*
//! The conformance suite's retries: there is no backend to wait for. Native histograms: the text formats have none.

mod config;
mod exporter;
mod listener;
mod metrics;
mod page;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use collector_pipeline::Signal;
use collector_pipeline::config::{Finding, Tree};
use collector_pipeline::node::{Built, Exporter, ExporterKind, NodeContext};

use config::Raw;
use exporter::Prometheus;
use metrics::Meters;
use shown::Shown;

/// The `prometheus` exporter.
pub const KIND: ExporterKind =
    ExporterKind { name: "prometheus", older_names: &[], signals: &[Signal::Metrics], build };

/// Settings where nobody says otherwise.
pub const DEFAULTS: &str = "{metric_expiration: 300s, max_series: 100000, send_timestamps: false, \
    enable_open_metrics: true, target_info: {enabled: true}, max_connections: 64}";

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Exporter> {
    let config = settings.read::<Raw>()?.resolve(settings)?;
    let name = context.id.to_string();
    let meters = Meters::register(&context.metrics, &name)
        .map_err(|e| Finding::new(settings.at, e.to_string()))?;
    let shown = Shown::new(&config, meters, Arc::clone(&context.clock));
    Ok(Arc::new(Prometheus::new(name, config.listener, shown)))
}

/// The settings as used, for comparison.
#[cfg(test)]
pub(crate) fn resolved(settings: &Tree) -> String {
    format!("{:?}", settings.read::<Raw>().unwrap().resolve(settings).unwrap())
}
