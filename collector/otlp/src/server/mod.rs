//! OTLP servers: gRPC and HTTP, one [`Sink`] behind both.

mod options;
mod sink;

pub use options::ServerOptions;
pub use sink::{Refusal, Reply, Sink};
