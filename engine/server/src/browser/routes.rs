//! `POST /api/telemetry/v1/{traces,logs}`.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::otlp::{self, Signal};
use crate::app::Shared;
use crate::auth::Caller;
use crate::http::body::JsonBytes;
use crate::outbound::{self, Outbound};
use crate::problem::{Code, Problem};

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// Where the browser's telemetry goes.
pub(crate) struct Relay {
    outbound: Outbound,
}

impl Relay {
    /// A relay to the collector at `endpoint`, the base of the OTLP paths.
    pub(crate) fn new(client: reqwest::Client, endpoint: &str) -> Self {
        Self { outbound: Outbound::new(client, endpoint, TIMEOUT, MAX_REPLY_BYTES) }
    }
}

/// Takes the page's spans as OTLP/JSON.
#[utoipa::path(post, path = "/api/telemetry/v1/traces", tag = "telemetry", operation_id = "relayTraces",
    request_body(content = serde_json::Value, description = "An OTLP ExportTraceServiceRequest as JSON, up to 1 MiB"),
    responses((status = 200, description = "The collector's ExportTraceServiceResponse", body = serde_json::Value)))]
pub(crate) async fn relay_traces(
    State(app): State<Shared>,
    caller: Caller,
    body: JsonBytes,
) -> Result<Response, Problem> {
    relay(&app, Signal::Traces, caller, body).await
}

/// Takes the page's log records as OTLP/JSON.
#[utoipa::path(post, path = "/api/telemetry/v1/logs", tag = "telemetry", operation_id = "relayLogs",
    request_body(content = serde_json::Value, description = "An OTLP ExportLogsServiceRequest as JSON, up to 1 MiB"),
    responses((status = 200, description = "The collector's ExportLogsServiceResponse", body = serde_json::Value)))]
pub(crate) async fn relay_logs(
    State(app): State<Shared>,
    caller: Caller,
    body: JsonBytes,
) -> Result<Response, Problem> {
    relay(&app, Signal::Logs, caller, body).await
}

async fn relay(
    app: &Shared,
    signal: Signal,
    Caller(subject): Caller,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    if !app.buckets.take(&subject) {
        return Err(Problem::new(Code::RateLimited, "this page sends too much telemetry"));
    }
    let body = otlp::rewrite(signal, &body)
        .map_err(|e| Problem::new(Code::BadRequest, format!("not an OTLP request: {e}")))?;
    let outbound = &app.relay.outbound;
    let request =
        outbound.post(signal.path()).header(header::CONTENT_TYPE, "application/json").body(body);
    let reply = outbound.send(request).await.map_err(|e| absent(&e))?;
    // The page can act on a refusal, but not on the collector's own troubles.
    if reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS {
        let detail = format!("the collector answered {}", reply.status);
        return Err(Problem::new(Code::PerchAbsent, detail));
    }
    if !reply.status.is_success() {
        let detail = format!("the collector refused the request with {}", reply.status);
        return Err(Problem::new(Code::BadRequest, detail));
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], reply.body).into_response())
}

fn absent(error: &outbound::Failure) -> Problem {
    Problem::new(Code::PerchAbsent, format!("the collector cannot be reached: {error}"))
        .hint("start it with `perch up`, or set `telemetry.otlp_endpoint`")
}
