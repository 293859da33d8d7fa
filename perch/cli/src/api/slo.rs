//! `/api/slo`: objectives, what spent their budgets, and what is known of their past.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use perch_slo_tracker::{Status, View};
use serde::Serialize;
use serde_json::json;

use super::shared::Here;
use super::text;

/// All objectives, without their groups and what spent their budgets.
pub(super) async fn list(State(shared): Here) -> Response {
    let mut all: Vec<Status> = shared.current.views().slo.iter().flat_map(View::all).collect();
    for status in &mut all {
        status.groups.clear();
        status.spending.clear();
    }
    answer(&json!({ "data": all }))
}

/// One objective, with everything.
pub(super) async fn one(here: Here, Path(id): Path<String>) -> Response {
    found(&here, &id, View::one)
}

/// The causes that spent an objective's budget, each with its latest traces.
pub(super) async fn traces(here: Here, Path(id): Path<String>) -> Response {
    found(&here, &id, |view, id| view.one(id).map(|status| status.spending))
}

/// An objective's past, minute by minute.
pub(super) async fn history(here: Here, Path(id): Path<String>) -> Response {
    found(&here, &id, View::history)
}

fn found<T: Serialize>(here: &Here, id: &str, ask: fn(&View, &str) -> Option<T>) -> Response {
    let views = here.0.current.views();
    match views.slo.iter().find_map(|view| ask(view, id)) {
        Some(found) => answer(&json!({ "data": found })),
        None => text::problem(StatusCode::NOT_FOUND, "no objective of this name is tracked"),
    }
}

fn answer(body: &serde_json::Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, body.to_string()).into_response()
}
