//! OTLP/HTTP with protobuf or JSON, client side.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode, Uri};
use http_body_util::Full;

use super::options::ClientOptions;
use super::outcome::{ErrorKind, ExportError, Outcome};
use super::transport::{Endpoint, EndpointError, RawReply, Transport, encode};
use super::{reply, transport};
use crate::status::Status;
use crate::{Encoding, Request, Signal, inflate, json};

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The form of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Protobuf, as it came.
    #[default]
    Protobuf,
    /// JSON, written anew.
    Json,
}

/// Sends requests over OTLP/HTTP.
#[derive(Clone)]
pub struct HttpClient {
    endpoint: Endpoint,
    /// Whole URLs, for signals that have one of their own.
    urls: Arc<[Option<Uri>; 3]>,
    form: Form,
    transport: Transport<Bytes>,
}

impl HttpClient {
    /// Prepares a client for `http://host:port`, to which `/v1/traces` and so on are added; connects when it first sends.
    pub fn new(endpoint: &str, options: ClientOptions) -> Result<Self, EndpointError> {
        let endpoint = Endpoint::parse(endpoint, options.tls.is_some())?;
        let transport = Transport::new(options, false);
        Ok(Self { endpoint, urls: Arc::default(), form: Form::Protobuf, transport })
    }

    /// The same, with bodies in that form.
    #[must_use]
    pub fn speaking(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// The same, with one signal sent to a URL of its own, to which nothing is added.
    pub fn sending(mut self, signal: Signal, url: &str) -> Result<Self, EndpointError> {
        let what = "is not a URL";
        let uri = Endpoint::parse(url, self.transport.options.tls.is_some())?.whole();
        let uri = uri.ok_or_else(|| EndpointError { endpoint: url.to_owned(), what })?;
        Arc::make_mut(&mut self.urls)[place(signal)] = Some(uri);
        Ok(self)
    }

    /// Sends `request` and waits for the reply.
    pub async fn export(&self, request: &Request) -> Result<Outcome, ExportError> {
        let (bytes, encoding) = match self.form {
            Form::Protobuf => encode(request, self.transport.options.encoding)?,
            Form::Json => encode_json(request, self.transport.options.encoding)?,
        };
        let mut http = http::Request::new(Full::new(bytes));
        *http.method_mut() = Method::POST;
        *http.uri_mut() = match &self.urls[place(request.signal)] {
            Some(url) => url.clone(),
            None => self.endpoint.uri(request.signal.http_path())?,
        };
        let headers = http.headers_mut();
        let form = if self.form == Form::Json { JSON } else { PROTOBUF };
        headers.insert(CONTENT_TYPE, form);
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.token()));
        }
        judge(&self.transport.send(http).await?)
    }
}

fn place(signal: Signal) -> usize {
    match signal {
        Signal::Traces => 0,
        Signal::Metrics => 1,
        Signal::Logs => 2,
    }
}

fn encode_json(
    request: &Request,
    encoding: Option<Encoding>,
) -> Result<(Bytes, Option<Encoding>), ExportError> {
    let text = json::from_protobuf(request.signal, &request.payload);
    let Some(encoding) = encoding else { return Ok((text.into(), None)) };
    let bytes = inflate::compress(encoding, text.as_bytes())
        .map_err(|error| transport::unsendable(&format!("could not compress: {error}")))?;
    Ok((bytes.into(), Some(encoding)))
}

fn judge(reply: &RawReply) -> Result<Outcome, ExportError> {
    let kind = reply.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let (speaks_protobuf, speaks_json) =
        (kind == PROTOBUF.as_bytes(), kind.starts_with(JSON.as_bytes()));
    if reply.status.is_success() {
        return Ok(if speaks_protobuf {
            reply::from_protobuf(&reply.body)
        } else if speaks_json {
            reply::from_json(&reply.body)
        } else {
            Outcome::default()
        });
    }
    let said = if speaks_protobuf {
        Status::from_protobuf(&reply.body).message
    } else if speaks_json {
        reply::message_in_json(&reply.body)
    } else {
        String::new()
    };
    let message = match said {
        said if !said.is_empty() => said,
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
