//! The exporters' HTTP client, which notices when the collector goes away and comes back.
//!
//! The SDK tells every failed export; this tells the first of a row, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// Three exporters share one link to the collector.
#[derive(Debug, Clone)]
pub(crate) struct WatchedClient {
    http: reqwest::blocking::Client,
    link: Arc<Link>,
}

/// What is known of the collector.
#[derive(Debug)]
struct Link {
    endpoint: String,
    down: AtomicBool,
    refused: AtomicBool,
}

impl WatchedClient {
    /// A client for `endpoint` that gives up an attempt after `timeout`.
    pub(crate) fn new(endpoint: &str, timeout: Duration) -> Result<Self, String> {
        // The blocking client may not be made on a thread of an async runtime.
        let made = std::thread::spawn(move || {
            reqwest::blocking::Client::builder()
                .timeout(timeout)
                .redirect(reqwest::redirect::Policy::none())
                .build()
        });
        let http = made
            .join()
            .map_err(|_| "the client's thread panicked".to_owned())?
            .map_err(|e| e.to_string())?;
        let link = Link {
            endpoint: endpoint.to_owned(),
            down: AtomicBool::new(false),
            refused: AtomicBool::new(false),
        };
        Ok(Self { http, link: Arc::new(link) })
    }
}

#[async_trait::async_trait]
impl HttpClient for WatchedClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let outcome = self.http.send_bytes(request).await;
        match &outcome {
            Err(error) => self.link.lost(&root_cause(error.as_ref())),
            Ok(reply) if reply.status().is_success() => self.link.works(),
            Ok(reply) if is_busy(reply.status()) => self.link.lost(reply.status().as_str()),
            Ok(reply) => self.link.refused(reply.status().as_str()),
        }
        outcome
    }
}

impl Link {
    fn lost(&self, error: &str) {
        if !self.down.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                endpoint = self.endpoint,
                error,
                "telemetry cannot be delivered, the engine works on without it"
            );
        }
    }

    fn works(&self) {
        self.refused.store(false, Ordering::Relaxed);
        if self.down.swap(false, Ordering::Relaxed) {
            tracing::info!(endpoint = self.endpoint, "telemetry is delivered again");
        }
    }

    fn refused(&self, status: &str) {
        if !self.refused.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                endpoint = self.endpoint,
                status,
                "the collector refuses telemetry, what it refused is lost"
            );
        }
    }
}

/// Replies that say "later", not "never".
fn is_busy(status: http::StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// The innermost error, "connection refused", says more than "error sending request".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
