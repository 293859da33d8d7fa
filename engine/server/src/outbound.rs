//! Calls to the collector and to Perch: a fixed base, a time limit, a size limit, no redirects.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};

/// A server that is called under one base URL.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    client: reqwest::Client,
    base: String,
    timeout: Duration,
    max_bytes: usize,
}

/// A complete reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no complete reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no connection")]
    Unreachable,
    #[error("no reply within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("the reply has more than {0} bytes")]
    TooLarge(usize),
    #[error("the exchange broke off")]
    Broken,
}

/// A client that follows no redirects and uses no proxy: what it calls is configured.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .build()
}

impl Outbound {
    pub(crate) fn new(
        client: reqwest::Client,
        base: &str,
        timeout: Duration,
        max_bytes: usize,
    ) -> Self {
        Self { client, base: base.trim_end_matches('/').to_owned(), timeout, max_bytes }
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}/{path}", self.base))
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("{}/{path}", self.base))
    }

    /// Sends within the limits and reads the whole reply.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Reply, Failure> {
        let exchange = tokio::time::timeout(self.timeout, self.exchange(request));
        exchange.await.map_err(|_| Failure::TimedOut(self.timeout))?
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Reply, Failure> {
        let mut response = request.send().await.map_err(|e| match e.is_connect() {
            true => Failure::Unreachable,
            false => Failure::Broken,
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Broken)? {
            if body.len() + chunk.len() > self.max_bytes {
                return Err(Failure::TooLarge(self.max_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.freeze() })
    }
}
