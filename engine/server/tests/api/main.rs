//! The server as its clients see it: over HTTP and WebSocket on loopback, with the real parts behind it.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod auth;
mod cancel;
mod compress;
mod failures;
mod keeping;
mod limits;
mod proxy;
mod readback;
mod relay;
mod sink;
mod watch;
mod world;
