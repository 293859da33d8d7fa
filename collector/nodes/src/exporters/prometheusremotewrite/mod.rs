//! Sends metrics to whatever takes Prometheus remote-write 1.0.
//!
//! *Ack*: the backend answered 2xx. *Refusal*: 429 and 5xx are tried again after the wait they name, any other
//! answer drops the points (`permanent`); points without a form in Prometheus are dropped as `unsupported`.
//! *Drain*: nothing waits here; running totals of deltas live as long as the process.

mod config;
mod exporter;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use collector_pipeline::Signal;
use collector_pipeline::config::Tree;
use collector_pipeline::node::{Built, Exporter, ExporterKind, NodeContext};

use config::Raw;
use exporter::RemoteWrite;

/// The `prometheusremotewrite` exporter.
pub const KIND: ExporterKind = ExporterKind {
    name: "prometheusremotewrite",
    older_names: &[],
    signals: &[Signal::Metrics],
    build,
};

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Exporter> {
    let config = settings.read::<Raw>()?.resolve(settings)?;
    Ok(Arc::new(RemoteWrite::new(config, Arc::clone(&context.clock))?))
}
