//! REST, WebSocket and metrics of the Engine: parse, call, convert.
//!
//! A request passes [`http`] (connection, host name, span, limits), then [`auth`], then the handler of its part. A part
//! keeps its rows in the event log's database; a handler's rows and events are one transaction.
//!
//! # Invariants
//! 1. Every route but health, version, description, page and loopback metrics needs a token.
//! 2. Every error is a [`Problem`] with a stable code and the trace id.
//! 3. Everything from outside is bounded: heads, bodies, times, connections, queues.
//!
//! # Not here
//! The format of Pellets (`nestr-pellets`), the log (`nestr-events`), the start of telemetry (`nestr-telemetry`).

mod app;
mod auth;
mod browser;
mod events;
mod http;
mod openapi;
mod operations;
mod options;
mod outbound;
mod pellets;
mod perch;
mod problem;
mod router;
mod service;
mod stamp;
mod system;
mod web;

pub use auth::{Secret, SecretError, TokenError, Tokens};
pub use nestr_events::EventError;
pub use operations::{Cancel, outcome_of};
pub use options::{Checkpoint, CheckpointHook, Options};
pub use pellets::{
    CollectError, Cost, Proof, ProofOutcome, Tested, TracedPacking, TracedRestore, Verdict,
    collect_offline, prove, traced_proof,
};
pub use problem::{Code, Problem};
pub use router::openapi_json;
pub use service::{Service, StartError};
