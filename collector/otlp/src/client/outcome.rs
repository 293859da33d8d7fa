//! What became of a request that was sent.

use std::time::Duration;

/// The other side answered with success.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Items it did not take; they must not be sent again.
    pub n_rejected: u64,
    /// Why, or a warning.
    pub message: String,
}

/// Whether a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It may.
    Retryable {
        /// Not before that long, when the other side said so.
        after: Option<Duration>,
    },
    /// It must not; the answer would be the same.
    Permanent,
}

/// The request was not taken, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ExportError {
    /// Whether to try again.
    pub kind: ErrorKind,
    /// A gRPC status name, an HTTP status, or `CONNECT`, `TIMEOUT`, `REPLY` where there was none.
    pub code: String,
    /// What the other side, or the transport, said.
    pub message: String,
}

impl ExportError {
    /// Whether the request may be sent again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Retryable { .. })
    }
}
