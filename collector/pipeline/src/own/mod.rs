//! Spans of the collector about itself: requests received, attempts to deliver, reloads, starts.
//!
//! They go over OTLP to the endpoint that `service.telemetry.traces` names, and nowhere without it. The trace of a
//! caller that brings a `traceparent` goes on here: the reception is its child, and each attempt to deliver what was
//! received is the reception's. A record of a log is one request and is sent as it is, so an attempt serves one
//! reception and stands in its trace; links are for what serves many.
//!
//! *Invariants*
//! 1. Nothing that happens over own spans makes another, here or at the next collector: they are known by their
//!    scope ([`SCOPE`]), and their requests bear a `traceparent` that asks not to be recorded.
//! 2. There are never more of them in a second than configured, whatever happens; a caller that is not recorded
//!    makes none, one that begins here makes them by the configured ratio.
//! 3. Data never waits for them: a queue that is full loses the span.
//!
//! *Failure*
//! What the endpoint does not take is given up and counted; nothing is sent again.

mod allowance;
mod delivery;
mod places;
mod process;
mod reception;
mod sender;
mod span;
mod traces;

pub use delivery::Attempt;
pub use process::Begun;
pub use reception::Reception;
pub(crate) use reception::Traced;
pub use sender::check;
pub use traces::OwnTraces;

/// The scope of own spans.
pub const SCOPE: &str = "perch.collect";
