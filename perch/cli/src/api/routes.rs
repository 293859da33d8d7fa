//! The routes; each parses, asks a view and writes the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use perch_store::jaeger::{Answer, Question, answer};

use super::current::Current;
use super::guard::guarded;
use super::shared::{Here, Pairs, Shared};
use super::{readiness, slo, text};

/// All routes over the views.
pub(super) fn router(current: Current, draining: Arc<AtomicBool>) -> Router {
    let shared = Shared::new(current, draining);
    let services = |here: Here, pairs: Pairs| ask(here, Question::Services, pairs);
    let operations = |here: Here, pairs: Pairs| ask(here, Question::Operations, pairs);
    let traces = |here: Here, pairs: Pairs| ask(here, Question::Traces, pairs);
    let logs = |here: Here, pairs: Pairs| ask(here, Question::Logs, pairs);
    let operations_of = |here: Here, Path(name): Path<String>, pairs: Pairs| {
        ask(here, Question::OperationsOf(name), pairs)
    };
    let trace =
        |here: Here, Path(id): Path<String>, pairs: Pairs| ask(here, Question::Trace(id), pairs);
    let routes = Router::new()
        .route("/api/services", get(services))
        .route("/api/services/{service}/operations", get(operations_of))
        .route("/api/operations", get(operations))
        .route("/api/traces", get(traces))
        .route("/api/traces/{id}", get(trace))
        .route("/api/logs", get(logs))
        .route("/api/ledger", get(ledger))
        .route("/api/slo", get(slo::list))
        .route("/api/slo/{id}", get(slo::one))
        .route("/api/slo/{id}/traces", get(slo::traces))
        .route("/api/slo/{id}/history", get(slo::history))
        .route("/debug/ledger", get(ledger_as_text))
        .route("/runbooks/{page}", get(runbook))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics));
    guarded(routes).with_state(Arc::new(shared))
}

async fn ask(State(shared): Here, question: Question, pairs: Pairs) -> Response {
    let Ok(Query(pairs)) = pairs else {
        return text::problem(StatusCode::BAD_REQUEST, "the query string cannot be read");
    };
    let Ok(_permit) = shared.queries.acquire().await else {
        return text::problem(StatusCode::SERVICE_UNAVAILABLE, "stopping");
    };
    let views = shared.current.views();
    let asked = tokio::task::spawn_blocking(move || {
        answer(&views.store, &question, &pairs, views.clock.unix_nanos())
    });
    match asked.await {
        Ok(found) => text::json(&found),
        Err(_) => text::problem(StatusCode::INTERNAL_SERVER_ERROR, "the query failed"),
    }
}

async fn ledger(State(shared): Here) -> Response {
    match serde_json::to_value(shared.current.views().ledger.snapshot()) {
        Ok(body) => text::json(&Answer { status: 200, body }),
        Err(_) => text::problem(StatusCode::INTERNAL_SERVER_ERROR, "the ledger cannot be written"),
    }
}

async fn ledger_as_text(State(shared): Here) -> String {
    text::ledger(&shared.current.views().ledger.snapshot())
}

/// The page of an alert, as it is written: whoever is woken reads it without a renderer, too.
async fn runbook(State(shared): Here, Path(page): Path<String>) -> Response {
    let Some(text) = shared.runbooks.get(&page) else {
        return text::problem(
            StatusCode::NOT_FOUND,
            "no alert that comes with Perch has this page",
        );
    };
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.clone()).into_response()
}

async fn readyz(State(shared): Here, headers: HeaderMap, pairs: Pairs) -> Response {
    let views = shared.current.views();
    let draining = shared.draining.load(Relaxed);
    let ready = views.health.is_ready() && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let pairs = pairs.map(|Query(pairs)| pairs).unwrap_or_default();
    let verbose = pairs.iter().any(|(key, _)| key == "verbose");
    let json = wants_json(&headers, &pairs);
    if !(verbose || json) && ready {
        return (status, "ok\n").into_response();
    }
    let state = readiness::State {
        nodes: &views.health.nodes(),
        pipelines: &views.health.pipelines(),
        draining,
        n_lag_bytes: views.store.n_lag_bytes(),
        reloaded: views.reloaded.as_ref(),
        now: views.clock.unix_nanos(),
    };
    match json {
        true => text::json(&Answer { status: status.as_u16(), body: state.json() }),
        false => (status, state.text()).into_response(),
    }
}

/// Whether a program asks: by `?format=json`, or by naming it first among what it accepts.
fn wants_json(headers: &HeaderMap, pairs: &[(String, String)]) -> bool {
    let format = pairs.iter().find(|(key, _)| key == "format").map(|(_, value)| value.as_str());
    match format {
        Some(format) => format == "json",
        None => {
            let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
            let first = accepted.and_then(|all| all.split([',', ';']).next());
            first.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        }
    }
}

async fn metrics(State(shared): Here) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, shared.current.views().metrics.render()).into_response()
}
