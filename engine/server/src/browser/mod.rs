//! The browser's telemetry: OTLP/JSON of the page, relayed to the collector under the page's own service name.
//!
//! # Invariants
//! 1. What the browser sends can only be told as `service.name = nestr-web`.
//! 2. A subject sends at most [`bucket::RATE`] requests a second on average; a body has at most 1 MiB.

mod bucket;
mod otlp;
mod routes;

pub(crate) use bucket::Buckets;
pub(crate) use routes::{__path_relay_logs, __path_relay_traces, Relay, relay_logs, relay_traces};
