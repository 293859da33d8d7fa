//! Whole packings, compared with the system's own tools and under failing I/O.

mod contents;
mod determinism;
mod faults;
mod kit;
mod refusals;
mod roundtrip;
mod sidecar;
mod store;
