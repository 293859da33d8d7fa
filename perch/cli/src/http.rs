//! The few HTTP calls that the commands make, over one small client.
//!
//! # Not here
//! TLS: these calls go to servers on this machine.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Greatest reply that is read: enough for every answer of ours, too small to hurt.
const MAX_REPLY: usize = 4 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client for plain HTTP on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    inner: Pooled<HttpConnector, Full<Bytes>>,
}

/// A reply, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: StatusCode,
    /// The body.
    pub(crate) body: Bytes,
}

impl Client {
    /// A client without connections.
    pub(crate) fn new() -> Self {
        Self { inner: Pooled::builder(TokioExecutor::new()).build_http() }
    }

    /// Gets `url`, with a bearer token if one is given.
    pub(crate) async fn get(&self, url: &str, token: Option<&str>) -> anyhow::Result<Reply> {
        self.call(Method::GET, url, token, None).await
    }

    /// Posts JSON to `url`.
    pub(crate) async fn post(&self, url: &str, token: &str, body: &Value) -> anyhow::Result<Reply> {
        self.call(Method::POST, url, Some(token), Some(body)).await
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(json.to_string())
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body))?;
        let exchange = async {
            let reply = self.inner.request(request).await?;
            let status = reply.status();
            match Limited::new(reply.into_body(), MAX_REPLY).collect().await {
                Ok(body) => Ok(Reply { status, body: body.to_bytes() }),
                Err(error) => bail!("could not read the reply: {error}"),
            }
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(reply) => reply.with_context(|| format!("could not call {url}")),
            Err(_) => bail!("{url} did not answer within {} s", TIMEOUT.as_secs()),
        }
    }
}
