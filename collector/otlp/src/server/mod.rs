//! OTLP servers: gRPC and HTTP, one [`Sink`] behind both.
//!
//! gRPC's unary calls are framed here, straight on hyper: a generated server inflates before it hands over, so
//! compressed bytes could not be carried; it answers a message that is too large in its own words instead of
//! those the table of replies promises; and it reads a body before anyone may refuse it.
//!
//! *Invariants*
//! 1. A success is sent only after [`Sink::accept`] ended with one.
//! 2. No request, however malformed, ends more than its own connection.
//! 3. A body is read within `body_timeout` and never beyond `max_wire_bytes`.
//! 4. From its headers to its reply a request holds a ticket of the budget for every byte kept of it.
//! 5. Where tokens are asked for, nothing is read of a request that bears none of them.

mod body;
mod buffers;
mod connection;
mod decode;
mod grpc;
mod host;
mod http;
mod http1;
mod listen;
mod options;
mod refused;
mod shared;
mod sink;

pub use host::names_us;
pub use http1::serve_http1;
pub use listen::{Bound, bind};
pub use options::ServerOptions;
pub use sink::{Call, Refusal, Reply, Sink};
