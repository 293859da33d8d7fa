//! Drives the two binaries and the real servers as a user does; depends on no crate of ours.
//!
//! # Invariants
//! 1. Nothing is awaited by the clock: [`wait_for`] polls a condition until a deadline and says what
//!    it saw last.
//! 2. Every process is ended by its id, also when a test panics.
//!
//! # Not here
//! The browser: `web/e2e` walks journey J1 on the page itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "all of it is test code"
)]

mod absent;
mod client;
mod prometheus;
mod servers;
mod stack;
mod tree;
mod wait;
mod webhook;

pub use absent::{backend, needs};
pub use client::{Client, Reply, escaped};
pub use prometheus::Prometheus;
pub use servers::{Collector, Server};
pub use stack::{Stack, StackOptions, binary};
pub use tree::sample_tree;
pub use wait::wait_for;
pub use webhook::Webhook;
