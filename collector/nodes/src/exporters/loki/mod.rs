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

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Exporter> {
    let config = settings.read::<Raw>()?.resolve(settings)?;
    Ok(Arc::new(Loki::new(config, Arc::clone(&context.clock))?))
}
