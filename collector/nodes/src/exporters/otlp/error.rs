//! Which failures may pass.

use collector_otlp::client;
use collector_pipeline::node::ExportError;

/// The client has read the status and the wait that came with it; here both get their consequence.
pub(super) fn judge(error: client::ExportError) -> ExportError {
    let client::ExportError { kind, code, message } = error;
    match kind {
        client::ErrorKind::Retryable { after } => ExportError::Retryable { code, message, after },
        client::ErrorKind::Permanent => ExportError::permanent(code, message),
    }
}
