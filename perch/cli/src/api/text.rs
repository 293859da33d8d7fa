//! What people read: the ledger as a table, refusals.

use std::fmt::Write;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use collector_pipeline::ledger::Snapshot;

/// A refusal in Jaeger's shape, which all clients of this API read.
pub(crate) fn problem(status: StatusCode, message: &str) -> Response {
    json(&perch_store::jaeger::refusal(status.as_u16(), message))
}

/// An answer of the store.
pub(super) fn json(answer: &perch_store::jaeger::Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, answer.body.to_string()).into_response()
}

/// One line per edge: in = delivered + dropped + queued.
pub(super) fn ledger(snapshot: &Snapshot) -> String {
    let mut text = String::from("edge: in = delivered + dropped + queued (items)\n");
    for edge in &snapshot.edges {
        let _ = write!(
            text,
            "{}/{} → {}: {} = {} + {} + {}",
            edge.pipeline,
            edge.from,
            edge.to,
            edge.entered,
            edge.delivered,
            edge.n_dropped(),
            edge.queued
        );
        for (reason, n) in &edge.dropped {
            let _ = write!(text, ", {}: {n}", reason.as_str());
        }
        text.push('\n');
    }
    for wrong in snapshot.imbalances() {
        let _ = writeln!(text, "does not add up: {wrong}");
    }
    text
}
