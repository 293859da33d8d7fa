//! Perch's HTTP API: reading only, loopback only.
//!
//! # Invariants
//! 1. It listens on loopback or not at all: it asks nobody who they are.
//! 2. A request whose `Host` is not a name of this machine is refused with 421, so that a page
//!    elsewhere cannot read telemetry through a name it points here.
//! 3. Only GET and HEAD exist; nothing is changed through it.
//! 4. Queries that read files run beside the event loop, [`shared::MAX_QUERIES`] at once.

mod current;
mod guard;
mod readiness;
mod routes;
mod serve;
mod shared;
mod slo;
mod text;

pub(crate) use current::{Current, Reloaded, Views};
pub(crate) use serve::Api;
pub(crate) use text::problem;
