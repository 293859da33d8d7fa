//! OTLP/HTTP with protobuf, client side.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::Full;

use super::options::ClientOptions;
use super::outcome::{ErrorKind, ExportError, Outcome};
use super::transport::{Endpoint, EndpointError, RawReply, Transport, encode};
use super::{reply, transport};
use crate::Request;
use crate::status::Status;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// Sends requests over OTLP/HTTP.
#[derive(Clone)]
pub struct HttpClient {
    endpoint: Endpoint,
    transport: Transport<Bytes>,
}

impl HttpClient {
    /// Prepares a client for `http://host:port`, to which `/v1/traces` and so on are added; connects when it first sends.
    pub fn new(endpoint: &str, options: ClientOptions) -> Result<Self, EndpointError> {
        let endpoint = Endpoint::parse(endpoint, options.tls.is_some())?;
        Ok(Self { endpoint, transport: Transport::new(options, false) })
    }

    /// Sends `request` and waits for the reply.
    pub async fn export(&self, request: &Request) -> Result<Outcome, ExportError> {
        let (bytes, encoding) = encode(request, self.transport.options.encoding)?;
        let mut http = http::Request::new(Full::new(bytes));
        *http.method_mut() = Method::POST;
        *http.uri_mut() = self.endpoint.uri(request.signal.http_path())?;
        let headers = http.headers_mut();
        headers.insert(CONTENT_TYPE, PROTOBUF);
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.token()));
        }
        judge(&self.transport.send(http).await?)
    }
}

fn judge(reply: &RawReply) -> Result<Outcome, ExportError> {
    let speaks_protobuf = reply.headers.get(CONTENT_TYPE) == Some(&PROTOBUF);
    if reply.status.is_success() {
        return Ok(if speaks_protobuf {
            reply::from_protobuf(&reply.body)
        } else {
            Outcome::default()
        });
    }
    let status = speaks_protobuf.then(|| Status::from_protobuf(&reply.body));
    let message = match status {
        Some(status) if !status.message.is_empty() => status.message,
        // Not our peer's words, perhaps a page of a proxy: its beginning is enough to know it again.
        _ => String::from_utf8_lossy(&reply.body).chars().take(200).collect(),
    };
    let kind = match reply.status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => ErrorKind::Retryable { after: reply.retry_after() },
        _ => ErrorKind::Permanent,
    };
    Err(ExportError { kind, code: format!("HTTP {}", reply.status.as_u16()), message })
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        transport::debug(f, "HttpClient", &self.endpoint)
    }
}
