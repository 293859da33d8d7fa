//! Writes what passes to the log, for people who wire a pipeline up.
//!
//! *Ack*: once the lines are handed to the log. *Refusal*: never. *Drain*: nothing waits here.

mod config;
mod exporter;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use collector_pipeline::Signal;
use collector_pipeline::config::Tree;
use collector_pipeline::node::{Built, Exporter, ExporterKind, NodeContext};

use config::Raw;
use exporter::Debug;

/// The `debug` exporter.
pub const KIND: ExporterKind =
    ExporterKind { name: "debug", older_names: &[], signals: &Signal::ALL, build };

/// Settings where nobody says otherwise.
pub const DEFAULTS: &str = "{verbosity: basic, max_lines: 50}";

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Exporter> {
    let config = settings.read::<Raw>()?.resolve();
    Ok(Arc::new(Debug::new(context.id.to_string(), config)))
}

/// The settings as used, for comparison.
#[cfg(test)]
pub(crate) fn resolved(settings: &Tree) -> String {
    format!("{:?}", settings.read::<Raw>().unwrap().resolve())
}
