//! The report over HTTP, and the ranges by which a sender finds what is missing.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::counter::Counter;
use crate::api::problem;

/// Ranges in one reply; the next ones are asked for from its `next`.
pub(in crate::bench) const MAX_RANGES: usize = 10_000;

/// What the sink has of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bench) struct RunReport {
    /// Different items taken.
    pub(in crate::bench) unique: u64,
    /// Items taken again.
    pub(in crate::bench) duplicated: u64,
    /// Items of any run for whose numbers there was no room: above 0, losses cannot be told.
    pub(in crate::bench) untracked: u64,
    /// Numbers taken at or after the one asked for: first, and one past the last.
    pub(in crate::bench) ranges: Vec<(u64, u64)>,
    /// Where to go on.
    pub(in crate::bench) next: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    from: u64,
    /// Ranges wanted; 0 gives the counts alone.
    #[serde(default)]
    max: usize,
}

/// Routes over the counter.
pub(super) fn router(counter: Arc<Counter>) -> Router {
    Router::new()
        .route("/api/bench/report", get(whole))
        .route("/api/bench/runs/{run}", get(one))
        .with_state(counter)
}

async fn whole(State(counter): State<Arc<Counter>>) -> Response {
    Json(counter.report().json()).into_response()
}

async fn one(
    State(counter): State<Arc<Counter>>,
    Path(run): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Response {
    let Ok(run) = u64::from_str_radix(&run, 16) else {
        return problem(StatusCode::BAD_REQUEST, "a run is written as 16 hex digits");
    };
    let Ok(Query(Page { from, max })) = page else {
        return problem(StatusCode::BAD_REQUEST, "`from` and `max` must be whole numbers");
    };
    Json(report(&counter, run, from, max.min(MAX_RANGES))).into_response()
}

fn report(counter: &Counter, run: u64, from: u64, max: usize) -> RunReport {
    let runs = counter.runs();
    let untracked = runs.n_untracked;
    let Some(seen) = runs.get(run) else {
        return RunReport { unique: 0, duplicated: 0, untracked, ranges: Vec::new(), next: None };
    };
    let ranges = if max == 0 { Vec::new() } else { seen.ranges(from, max) };
    let next = ranges.last().filter(|_| ranges.len() == max).map(|last| last.1);
    RunReport { unique: seen.n_unique(), duplicated: seen.n_again(), untracked, ranges, next }
}
