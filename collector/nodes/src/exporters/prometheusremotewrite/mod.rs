//! Sends metrics to whatever takes Prometheus remote-write 2.0 or 1.0.
//!
//! *Ack*: the backend answered 2xx, and in 2.0 said that it wrote what it was sent; what it did not write is counted
//! as `partial`. *Refusal*: 429 and 5xx are tried again after the wait they name, any other answer drops the points
//! (`permanent`); points without a form in Prometheus are dropped as `unsupported`.
//! *Drain*: nothing waits here; running totals of deltas live as long as the process.

mod config;
mod exporter;
mod negotiated;
mod protocol;
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

/// Settings where nobody says otherwise.
pub const DEFAULTS: &str = "{version: auto, timeout: 5s, shards: 1, max_batch_size_bytes: 3000000, \
    send_metadata: false, target_info: {enabled: true}, delta: {max_series: 100000, expiry: 3600s}}";

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Exporter> {
    let config = settings.read::<Raw>()?.resolve(settings)?;
    let (name, clock) = (context.id.to_string(), Arc::clone(&context.clock));
    Ok(Arc::new(RemoteWrite::new(name, config, clock, context.part_bytes)?))
}

/// The settings as used, for comparison.
#[cfg(test)]
pub(crate) fn resolved(settings: &Tree) -> String {
    format!("{:?}", settings.read::<Raw>().unwrap().resolve(settings).unwrap())
}
