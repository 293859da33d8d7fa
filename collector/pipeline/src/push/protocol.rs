//! How one piece is posted and what its answer means.

use bytes::Bytes;
use collector_otlp::client::{self, PostClient, PostReply};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::ledger::Reason;
use crate::node::ExportError;

/// Characters of an answer that are kept.
const MAX_MESSAGE_CHARS: usize = 200;

/// What is spoken with a backend.
pub trait Protocol: Send + Sync + 'static {
    /// What is sent at once.
    type Piece: Send + Sync + 'static;

    /// How far a batch is translated; the default is its beginning.
    type Cursor: Default + Send + 'static;

    /// Items in a piece.
    fn n_items(&self, piece: &Self::Piece) -> u64;

    /// Tries once to send a piece; may take several exchanges to find the words.
    fn post<'a>(
        &'a self,
        poster: &'a Poster,
        piece: &'a Self::Piece,
    ) -> impl Future<Output = Result<Taken, ExportError>> + Send + 'a;
}

/// The backend took the piece, perhaps without some of its items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Items it did not take; they are counted as `partial`.
    pub n_missing: u64,
    /// What is to be said about them.
    pub message: String,
}

/// A connection to the backend.
pub struct Poster {
    pub(super) client: PostClient,
}

/// A protocol whose bodies are ready when they are prepared, with the same headers on each.
pub struct Plain {
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One body of [`Plain`], and the items it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// What is posted.
    pub bytes: Bytes,
    /// Items in it.
    pub n_items: u64,
}

impl Poster {
    /// Posts `body` once; an error means that no whole answer came.
    pub async fn post(
        &self,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<PostReply, ExportError> {
        self.client.post(headers, body).await.map_err(lost)
    }
}

impl Plain {
    /// A protocol with these headers.
    #[must_use]
    pub fn new(headers: &[(&'static str, &'static str)]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Self { headers: headers.collect() }
    }
}

impl Protocol for Plain {
    type Piece = Body;
    /// Items before.
    type Cursor = u64;

    fn n_items(&self, piece: &Body) -> u64 {
        piece.n_items
    }

    async fn post(&self, poster: &Poster, piece: &Body) -> Result<Taken, ExportError> {
        judge(&poster.post(&self.headers, piece.bytes.clone()).await?)?;
        Ok(Taken::default())
    }
}

/// 429 and 5xx may pass; a redirection or another 4xx would be answered the same again.
pub fn judge(reply: &PostReply) -> Result<(), ExportError> {
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

/// No whole reply came.
fn lost(error: client::ExportError) -> ExportError {
    let client::ExportError { kind, code, message } = error;
    match kind {
        client::ErrorKind::Retryable { after } => ExportError::Retryable { code, message, after },
        client::ErrorKind::Permanent => ExportError::permanent(code, message),
    }
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.lines().next().unwrap_or_default().chars().take(MAX_MESSAGE_CHARS).collect()
}
