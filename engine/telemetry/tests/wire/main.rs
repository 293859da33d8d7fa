//! Telemetry over the wire, against a small collector on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and speak to their parent"
)]

mod delivery;
mod silence;
mod sink;
