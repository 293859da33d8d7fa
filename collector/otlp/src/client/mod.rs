//! OTLP clients: gRPC and HTTP, one outcome for both; and a plain one for other bodies.
//!
//! A client is a handle: cheap to clone, reconnects by itself, sends as many requests at a time as it is asked to.
//!
//! *Not here*: retries, which belong to whoever owns the queue.

mod connect;
mod grpc;
mod http;
mod options;
mod outcome;
mod post;
mod reply;
mod transport;

pub use grpc::GrpcClient;
pub use http::{Form, HttpClient};
pub use options::ClientOptions;
pub use outcome::{ErrorKind, ExportError, Outcome};
pub use post::{PostClient, PostReply};
pub use transport::EndpointError;
