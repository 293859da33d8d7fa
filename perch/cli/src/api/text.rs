//! What people read: the verbose readiness, the ledger as a table, refusals.

use std::fmt::Write;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use collector_pipeline::graph::{NodeHealth, NodeState};
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

/// One line per node, `[+]` or `[-]`, then the verdict.
pub(super) fn readiness(nodes: &[NodeHealth], draining: bool, n_lag_bytes: u64) -> String {
    let mut text = String::new();
    for NodeHealth { node, state, detail, n_restarts, .. } in nodes {
        let sign = if *state == NodeState::Ready { '+' } else { '-' };
        let word = match state {
            NodeState::Starting => "starting",
            NodeState::Ready => "ready",
            NodeState::Restarting => "restarting",
            NodeState::Stopped => "stopped",
            NodeState::Stuck => "stuck",
        };
        let _ = write!(text, "[{sign}]{node} {word}");
        if *n_restarts > 0 {
            let _ = write!(text, ", {n_restarts} restarts");
        }
        let _ = writeln!(text, "{}{detail}", if detail.is_empty() { "" } else { ": " });
    }
    let _ = writeln!(text, "[+]local store, {n_lag_bytes} bytes behind");
    let ready = !draining && nodes.iter().all(|n| n.state == NodeState::Ready);
    text.push_str(if ready {
        "readyz check passed\n"
    } else if draining {
        "readyz check failed: stopping\n"
    } else {
        "readyz check failed\n"
    });
    text
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
