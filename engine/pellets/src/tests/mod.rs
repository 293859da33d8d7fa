//! Whole packings, compared with the system's own tools and under failing I/O.

mod conformance;
mod contents;
mod determinism;
mod faults;
pub(crate) mod kit;
mod refusals;
pub(crate) mod roundtrip;
mod sidecar;
mod store;
