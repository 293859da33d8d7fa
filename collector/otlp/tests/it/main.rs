//! The crate as others use it, judged by generated protobuf types and a generated gRPC stack.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "tests fail loudly"
)]

mod admission;
mod arbitrary;
mod client;
mod differential;
mod grpc_replies;
mod http_replies;
mod lifecycle;
mod patching;
mod readback;
mod support;
mod tls;
mod wire;
