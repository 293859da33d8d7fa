//! `GET /api/perch/{path}`.

use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::allowed;
use crate::app::Shared;
use crate::outbound::{Failure, Outbound};
use crate::problem::{Code, Problem};

const TIMEOUT: Duration = Duration::from_secs(10);
/// A trace of 10 000 spans has some 10 MB.
const MAX_REPLY_BYTES: usize = 32 * 1024 * 1024;
const MAX_QUERY_BYTES: usize = 4 * 1024;

/// The Perch that is asked.
pub(crate) struct Perch {
    outbound: Outbound,
}

impl Perch {
    /// The Perch at `base`.
    pub(crate) fn new(client: reqwest::Client, base: &str) -> Self {
        Self { outbound: Outbound::new(client, base, TIMEOUT, MAX_REPLY_BYTES) }
    }
}

/// Asks Perch for what the page shows.
///
/// `traces`, `traces/{id}`, `services`, `services/{service}/operations`, `operations`, `logs`, `slo`, `slo/{id}` and
/// `ledger` are open; query, status and body are Perch's own.
#[utoipa::path(get, path = "/api/perch/{path}", tag = "perch", operation_id = "askPerch",
    params(("path" = String, Path, description = "Path below Perch's /api/")),
    responses((status = 200, description = "Perch's answer", body = serde_json::Value)))]
pub(crate) async fn ask_perch(
    State(app): State<Shared>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let refused = || Problem::new(Code::NotFound, "this path of Perch is not open to the page");
    let mut target = format!("api/{}", allowed::resolve(&path).ok_or_else(refused)?);
    if let Some(query) = query {
        if query.len() > MAX_QUERY_BYTES {
            return Err(Problem::new(Code::BadRequest, "the query is too long"));
        }
        target = format!("{target}?{query}");
    }
    let outbound = &app.perch.outbound;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    nestr_telemetry::inject(&mut headers);
    let request = outbound.get(&target).headers(headers);
    let reply = outbound.send(request).await.map_err(|e| unanswered(&e))?;
    let json = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::new();
    // Whatever Perch says it is, a browser takes it for data only.
    headers.insert(header::CONTENT_TYPE, json);
    if let Some(wait) = reply.headers.get(header::RETRY_AFTER) {
        headers.insert(header::RETRY_AFTER, wait.clone());
    }
    Ok((reply.status, headers, reply.body).into_response())
}

fn unanswered(failure: &Failure) -> Problem {
    match failure {
        Failure::TooLarge(_) => Problem::new(Code::TooLarge, format!("Perch's answer: {failure}"))
            .hint("ask for less, for example with `limit`"),
        _ => Problem::new(Code::PerchAbsent, format!("Perch cannot be reached: {failure}")),
    }
}
