//! Takes OTLP in over gRPC and HTTP.
//!
//! *Ack*: a success is answered once every pipeline has the batch. *Refusal*: a full queue is
//! `RESOURCE_EXHAUSTED` or 429, and so is a request that finds no memory, before its body is read; a log that cannot be written and a process that ends are
//! `UNAVAILABLE` or 503, all with the time to wait. *Drain*: requests under way are finished.

mod config;
mod metrics;
mod receiver;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use collector_pipeline::Signal;
use collector_pipeline::config::{Finding, Tree};
use collector_pipeline::node::{Built, NodeContext, Receiver, ReceiverKind};

use config::Raw;
use metrics::Requests;
use receiver::Otlp;

/// The `otlp` receiver.
pub const KIND: ReceiverKind = ReceiverKind { name: "otlp", signals: &Signal::ALL, build };

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Receiver> {
    let config = settings.read::<Raw>()?.resolve(settings, &context.budget)?;
    let requests = Requests::register(&context.metrics)
        .map_err(|e| Finding::new(settings.at, e.to_string()))?;
    Ok(Arc::new(Otlp::new(context.id.to_string(), config, requests)))
}
