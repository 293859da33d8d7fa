//! How a client sends.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::tls::ClientTls;
use crate::{BearerTokens, Encoding};

/// Options of an OTLP client.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Compression on the wire; a request that came in this encoding leaves as it came.
    pub encoding: Option<Encoding>,
    /// Time for one request from sending to the end of its reply.
    pub timeout: Duration,
    /// Time for a connection to stand.
    pub connect_timeout: Duration,
    /// Headers of every request; mark secrets as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The token that every request bears, read again when its file changes.
    pub token: Option<BearerTokens>,
    /// TLS for an endpoint that begins with `https`; one that does is refused without.
    pub tls: Option<ClientTls>,
    /// Bytes of a reply that are read.
    pub max_reply_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            encoding: None,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            headers: Vec::new(),
            token: None,
            tls: None,
            max_reply_bytes: 64 * 1024,
        }
    }
}
