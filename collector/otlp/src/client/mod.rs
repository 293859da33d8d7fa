//! OTLP clients: gRPC and HTTP, one outcome for both.

mod options;
mod outcome;

pub use options::ClientOptions;
pub use outcome::{ErrorKind, ExportError, Outcome};
