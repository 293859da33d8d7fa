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

/// Settings where nobody says otherwise.
pub const DEFAULTS: &str = "protocols:
  grpc?: {endpoint: 127.0.0.1:4317, max_recv_msg_size_mib: 20, max_concurrent_streams: 128, max_connections: 1024}
  http?: {endpoint: 127.0.0.1:4318, max_request_body_size: 20971520, max_connections: 1024, \
read_header_timeout: 10s, read_timeout: 30s, idle_timeout: 300s}
";

fn build(settings: &Tree, context: &NodeContext) -> Built<dyn Receiver> {
    let config = settings.read::<Raw>()?.resolve(settings, &context.budget)?;
    let requests = Requests::register(&context.metrics)
        .map_err(|e| Finding::new(settings.at, e.to_string()))?;
    Ok(Arc::new(Otlp::new(context.id.to_string(), config, requests)))
}

/// The settings as used, for comparison.
#[cfg(test)]
pub(crate) fn resolved(settings: &Tree) -> String {
    let budget = collector_otlp::admission::Budget::default();
    format!("{:?}", settings.read::<Raw>().unwrap().resolve(settings, &budget).unwrap())
}
