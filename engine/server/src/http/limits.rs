//! Limits on what comes from outside.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{Code, Problem};

/// Largest body of an ordinary route: a request is a path and a few words.
pub(crate) const BODY_BYTES: usize = 64 * 1024;
/// Largest body of the browser's telemetry.
pub(crate) const TELEMETRY_BODY_BYTES: usize = 1024 * 1024;
/// Open connections of one listener; more wait in the operating system's queue.
pub(crate) const N_CONNECTIONS: usize = 512;
/// Time to send a request's head.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Time from a request's head to the head of its reply.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Middleware that gives up on a request after [`REQUEST_TIMEOUT`].
pub(crate) async fn time_out(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no reply within {} s", REQUEST_TIMEOUT.as_secs());
            Problem::new(Code::TimedOut, detail).into_response()
        }
    }
}
