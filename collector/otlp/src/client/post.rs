//! Posts bodies that are not OTLP over the same connections, time-outs and bounds.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::Full;

use super::options::ClientOptions;
use super::outcome::ExportError;
use super::transport::{self, Endpoint, EndpointError, Transport};

/// Posts to one URL. The options' encoding is not looked at: a body leaves as it is given.
#[derive(Clone)]
pub struct PostClient {
    endpoint: Endpoint,
    uri: Uri,
    transport: Transport<Bytes>,
}

/// What was answered, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostReply {
    /// The status.
    pub status: StatusCode,
    /// `Retry-After`, where it is in seconds.
    pub retry_after: Option<Duration>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl PostClient {
    /// Prepares a client for `http://host:port/path`; connects when it first sends.
    pub fn new(url: &str, options: ClientOptions) -> Result<Self, EndpointError> {
        let endpoint = Endpoint::parse(url, options.tls.is_some())?;
        let what = "is not a URL";
        let uri = endpoint.whole().ok_or(EndpointError { endpoint: url.to_owned(), what })?;
        Ok(Self { endpoint, uri, transport: Transport::new(options, false) })
    }

    /// The path that is posted to.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Posts `body`; the options' headers win over `headers`. An error means that no whole reply came.
    pub async fn post(
        &self,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<PostReply, ExportError> {
        let mut http = http::Request::new(Full::new(body));
        *http.method_mut() = Method::POST;
        *http.uri_mut() = self.uri.clone();
        http.headers_mut().extend(headers.iter().cloned());
        let reply = self.transport.send(http).await?;
        let retry_after = reply.retry_after();
        let (status, headers) = (reply.status, reply.headers);
        Ok(PostReply { status, retry_after, headers, body: reply.body })
    }
}

impl std::fmt::Debug for PostClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        transport::debug(f, "PostClient", &self.endpoint)
    }
}
