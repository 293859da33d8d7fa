//! Health, version, metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth;
use crate::problem::Problem;

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
    checks: Checks,
}

/// Each condition of readiness.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checks {
    /// The database answers.
    database: bool,
    /// The server is not stopping.
    running: bool,
}

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    name: &'static str,
    version: &'static str,
}

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "system", operation_id = "health",
    responses((status = 200, description = "The process answers", body = String, content_type = "text/plain")))]
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Says whether requests can be served.
#[utoipa::path(get, path = "/readyz", tag = "system", operation_id = "readiness",
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready", body = Readiness)))]
pub(crate) async fn readiness(State(app): State<Shared>) -> (StatusCode, Json<Readiness>) {
    let database = app.log.read(|conn| Ok(conn.query_row("SELECT 1", [], |_| Ok(()))?)).await;
    let checks = Checks { database: database.is_ok(), running: !app.stop.is_cancelled() };
    let ready = checks.database && checks.running;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks }))
}

/// Names the program and its version.
#[utoipa::path(get, path = "/version", tag = "system", operation_id = "version",
    responses((status = 200, description = "Name and version", body = Version)))]
pub(crate) async fn version() -> Json<Version> {
    Json(Version { name: "nestr", version: env!("CARGO_PKG_VERSION") })
}

/// All metrics in Prometheus' text format; without a token while the listener is on loopback.
#[utoipa::path(get, path = "/metrics", tag = "system", operation_id = "metrics",
    responses((status = 200, description = "Text format 0.0.4", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !app.open_metrics {
        auth::identify(&app, &headers)?;
    }
    exposition(State(app)).await
}

/// All metrics, for the listener that serves nothing else.
pub(crate) async fn exposition(State(app): State<Shared>) -> Result<Response, Problem> {
    let text = app.telemetry.metrics_text();
    let text = text.map_err(|e| Problem::internal("writing the metrics", &e))?;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
