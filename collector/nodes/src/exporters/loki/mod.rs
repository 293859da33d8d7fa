//! Pushes log records to Loki, with structured metadata.
//!
//! *Ack*: Loki answered 2xx. *Refusal*: 429 and 5xx are tried again after the wait they name, any other answer
//! drops the records (`permanent`). *Drain*: nothing waits here.

mod config;
mod entry;
mod exporter;
mod messages;
mod metadata;
mod streams;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use collector_pipeline::Signal;
use collector_pipeline::config::Tree;
use collector_pipeline::node::{Built, Exporter, ExporterKind, NodeContext};

use config::Raw;
use exporter::Loki;

/// The `loki` exporter.
pub const KIND: ExporterKind =
    ExporterKind { name: "loki", older_names: &[], signals: &[Signal::Logs], build };

/// Settings where nobody says otherwise.
pub const DEFAULTS: &str =
    "{timeout: 5s, max_request_bytes: 1048576, max_line_bytes: 262144, shards: 1}";

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Exporter> {
    let config = settings.read::<Raw>()?.resolve(settings)?;
    Ok(Arc::new(Loki::new(config, Arc::clone(&context.clock), context.part_bytes)?))
}

/// The settings as used, for comparison.
#[cfg(test)]
pub(crate) fn resolved(settings: &Tree) -> String {
    format!("{:?}", settings.read::<Raw>().unwrap().resolve(settings).unwrap())
}
