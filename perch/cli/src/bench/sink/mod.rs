//! `perch bench sink`: a backend that takes OTLP, counts it, and answers as told.
//!
//! What it took is counted when it answers; a request whose sender went away before that was not
//! taken. Its report stands at `/api/bench/report` of the report listener, loopback only.

mod api;
mod args;
mod behaviour;
mod counter;
mod report;
mod runs;

pub(super) use api::{MAX_RANGES, RunReport};
pub(super) use args::{SinkArgs, run};
