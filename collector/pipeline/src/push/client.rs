//! Posts what was prepared, body by body.

use crate::Batch;
use crate::config::Finding;
use crate::ledger::Reason;
use crate::node::{Delivered, ExportError};
use collector_otlp::client::{self, ClientOptions, PostClient, PostReply};
use http::{HeaderName, HeaderValue, StatusCode};

use super::begun::{Begun, Prepared};
use super::config::Target;

/// Bytes of an answer that are read. An answer cut short would look like a lost connection and be tried
/// again for ever, so there is room for a page of a proxy's.
const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// Characters of an answer that are kept.
const MAX_MESSAGE_CHARS: usize = 200;

/// Posts to one backend.
pub struct Push {
    client: PostClient,
    headers: Vec<(HeaderName, HeaderValue)>,
    begun: Begun,
}

impl Push {
    /// A client that connects when it first sends; `headers` are the protocol's own.
    pub fn new(target: Target, headers: &[(&'static str, &'static str)]) -> Result<Self, Finding> {
        let Target { endpoint, tls, token, timeout, headers: extra, at } = target;
        let options = ClientOptions {
            timeout,
            connect_timeout: timeout,
            headers: extra,
            token,
            tls,
            max_reply_bytes: MAX_REPLY_BYTES,
            ..ClientOptions::default()
        };
        let client = PostClient::new(&endpoint, options)
            .map_err(|e| Finding::new(at, e.to_string()).within("endpoint"))?;
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Ok(Self { client, headers: headers.collect(), begun: Begun::default() })
    }

    /// One attempt at what is left of `batch`, which `prepare` translates if it was not begun before.
    pub async fn send(
        &self,
        batch: &Batch,
        prepare: impl FnOnce(&Batch) -> Prepared,
    ) -> Result<Delivered, ExportError> {
        let mut held = self.begun.take(batch, prepare);
        let mut refusal = None;
        while let Some(piece) = held.get().pieces.front().cloned() {
            match self.post(piece.body).await {
                Ok(()) => held.get().n_delivered += piece.n_items,
                Err(error @ ExportError::Retryable { .. }) => return Err(error),
                Err(error @ ExportError::Permanent { reason, .. }) => {
                    held.get().drop_items(reason, piece.n_items, &error.to_string());
                    refusal = Some(error);
                }
            }
            held.get().pieces.pop_front();
        }
        let Prepared { dropped, message, n_delivered, .. } = held.finish();
        match refusal {
            // Nothing but refusals: the batch was not taken.
            Some(error) if n_delivered == 0 && dropped.len() == 1 => Err(error),
            _ => Ok(Delivered { dropped, message }),
        }
    }

    async fn post(&self, body: bytes::Bytes) -> Result<(), ExportError> {
        judge(&self.client.post(&self.headers, body).await.map_err(lost)?)
    }
}

/// No whole reply came.
fn lost(error: client::ExportError) -> ExportError {
    let client::ExportError { kind, code, message } = error;
    match kind {
        client::ErrorKind::Retryable { after } => ExportError::Retryable { code, message, after },
        client::ErrorKind::Permanent => ExportError::permanent(code, message),
    }
}

/// 429 and 5xx may pass; a redirection or another 4xx would be answered the same again.
fn judge(reply: &PostReply) -> Result<(), ExportError> {
    let status = reply.status;
    if status.is_success() {
        return Ok(());
    }
    let code = format!("HTTP {}", status.as_u16());
    let message = first_line(&reply.body);
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Err(ExportError::Retryable { code, message, after: reply.retry_after });
    }
    Err(ExportError::Permanent { code, message, reason: Reason::Permanent })
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.lines().next().unwrap_or_default().chars().take(MAX_MESSAGE_CHARS).collect()
}
