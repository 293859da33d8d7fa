//! What both clients share: endpoints, connections, compression, and the reply as far as HTTP goes.

use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request as HttpRequest, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::Connector;
use super::options::ClientOptions;
use super::outcome::{ErrorKind, ExportError};
use crate::{BearerTokens, Encoding, Request, inflate};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("collector-otlp/", env!("CARGO_PKG_VERSION")));

/// An endpoint that cannot be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("endpoint {endpoint:?} {what}")]
pub struct EndpointError {
    /// The endpoint as given.
    pub endpoint: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Where requests go: `http://host:port`, `https://host:port`, or `host:port` for the first, with a path in front where there is one.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    base: String,
}

impl Endpoint {
    /// `has_tls`: whether there is TLS to speak.
    pub(super) fn parse(endpoint: &str, has_tls: bool) -> Result<Self, EndpointError> {
        let wrong = |what| EndpointError { endpoint: endpoint.to_owned(), what };
        let spelled = match endpoint.split_once("://") {
            None => format!("http://{endpoint}"),
            Some(("http", _)) => endpoint.to_owned(),
            Some(("https", _)) if has_tls => endpoint.to_owned(),
            Some(("https", _)) => return Err(wrong("asks for TLS, which is not set up")),
            Some(_) => return Err(wrong("has an unknown scheme; use http or https")),
        };
        let uri: Uri = spelled.parse().map_err(|_| wrong("is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?.clone();
        if authority.as_str().contains('@') {
            return Err(wrong("holds credentials; put them into headers"));
        }
        if uri.query().is_some() {
            return Err(wrong("has a query, which is not sent"));
        }
        let scheme = uri.scheme().cloned().unwrap_or(Scheme::HTTP);
        Ok(Self { scheme, authority, base: uri.path().trim_end_matches('/').to_owned() })
    }

    /// The endpoint with nothing added to it.
    pub(super) fn whole(&self) -> Option<Uri> {
        let path = if self.base.is_empty() { "/" } else { &self.base };
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        uri.path_and_query(path).build().ok()
    }

    pub(super) fn uri(&self, path: &'static str) -> Result<Uri, ExportError> {
        let path = match self.base.as_str() {
            "" => PathAndQuery::from_static(path),
            base => format!("{base}{path}").try_into().map_err(|_| unsendable("bad path"))?,
        };
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .map_err(|_| unsendable("bad endpoint"))
    }
}

/// A pooled connection and what is sent with every request.
pub(super) struct Transport<B: Buf> {
    client: Client<Connector, Full<B>>,
    pub(super) options: ClientOptions,
}

/// By hand, because a derived one would ask for `B: Clone`.
impl<B: Buf> Clone for Transport<B> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), options: self.options.clone() }
    }
}

/// A reply read to its end.
pub(super) struct RawReply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) trailers: HeaderMap,
    pub(super) body: Bytes,
}

impl RawReply {
    /// Seconds only: the form with a date would need the other side's clock to agree with ours.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

impl<B: Buf + Send + 'static> Transport<B> {
    pub(super) fn new(options: ClientOptions, http2: bool) -> Self {
        let connector = Connector::new(options.connect_timeout, options.tls.clone(), http2);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
        if http2 {
            builder
                .http2_only(true)
                .http2_keep_alive_interval(Duration::from_secs(30))
                .http2_keep_alive_timeout(Duration::from_secs(10));
        }
        Self { client: builder.build(connector), options }
    }

    /// Sends and reads the whole reply, all within the time-out.
    pub(super) async fn send(
        &self,
        mut request: HttpRequest<Full<B>>,
    ) -> Result<RawReply, ExportError> {
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        if let Some(value) = self.options.token.as_ref().and_then(BearerTokens::to_header) {
            headers.insert(AUTHORIZATION, value);
        }
        for (name, value) in &self.options.headers {
            headers.insert(name.clone(), value.clone());
        }
        let whole = tokio::time::timeout(self.options.timeout, self.exchange(request));
        whole.await.unwrap_or_else(|_| {
            let seconds = self.options.timeout.as_secs_f64();
            Err(retryable("TIMEOUT", format!("no reply within {seconds} s")))
        })
    }

    async fn exchange(&self, request: HttpRequest<Full<B>>) -> Result<RawReply, ExportError> {
        let response = self.client.request(request).await.map_err(|error| {
            let code = if error.is_connect() { "CONNECT" } else { "TRANSPORT" };
            retryable(code, chain(&error))
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, self.options.max_reply_bytes)
            .collect()
            .await
            .map_err(|error| retryable("REPLY", chain(error.as_ref())))?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        let body = body.to_bytes();
        Ok(RawReply { status: head.status, headers: head.headers, trailers, body })
    }
}

/// The bytes to send and their encoding: as they came where that is what is wanted.
pub(super) fn encode(
    request: &Request,
    encoding: Option<Encoding>,
) -> Result<(Bytes, Option<Encoding>), ExportError> {
    let Some(encoding) = encoding else { return Ok(((*request.payload).clone(), None)) };
    if let Some(carried) = request.payload.carried().filter(|c| c.encoding == encoding) {
        return Ok((carried.bytes.clone(), Some(encoding)));
    }
    let bytes = inflate::compress(encoding, &request.payload)
        .map_err(|error| unsendable(&format!("could not compress: {error}")))?;
    Ok((bytes.into(), Some(encoding)))
}

/// An error's text with those of its causes, which say what really happened.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Shows a client without its headers, which may be secret.
pub(super) fn debug(
    f: &mut std::fmt::Formatter<'_>,
    name: &str,
    endpoint: &Endpoint,
) -> std::fmt::Result {
    f.debug_struct(name).field("endpoint", endpoint).finish_non_exhaustive()
}

pub(super) fn retryable(code: &str, message: String) -> ExportError {
    ExportError { kind: ErrorKind::Retryable { after: None }, code: code.to_owned(), message }
}

pub(super) fn unsendable(message: &str) -> ExportError {
    ExportError {
        kind: ErrorKind::Permanent,
        code: "REQUEST".to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_with_and_without_scheme_and_path() {
        for (endpoint, uri) in [
            ("127.0.0.1:4317", "http://127.0.0.1:4317/v1/traces"),
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://h:1/otlp/", "http://h:1/otlp/v1/traces"),
            ("[::1]:4317", "http://[::1]:4317/v1/traces"),
            ("https://h:1", "https://h:1/v1/traces"),
        ] {
            let uri_of = Endpoint::parse(endpoint, true).unwrap().uri("/v1/traces").unwrap();
            assert_eq!(uri_of.to_string(), uri, "{endpoint}");
        }
    }

    #[test]
    fn endpoints_that_cannot_work_say_why() {
        for (endpoint, what) in [
            ("https://h:4317", "TLS"),
            ("ftp://h", "scheme"),
            ("", "not a URL"),
            ("http://user:secret@h:1", "credentials"),
            ("http://h:1/?x=1", "query"),
        ] {
            let error = Endpoint::parse(endpoint, false).unwrap_err();
            assert!(error.what.contains(what), "{endpoint}: {error}");
        }
    }
}
