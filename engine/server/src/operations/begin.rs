//! The beginning of an operation, told in the same way whatever it does: row, reporter, reply.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nestr_telemetry::names::attr;
use serde_json::Value;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::failure::{Underway, record_refusal};
use super::model::{Operation, OperationId, OperationKind};
use super::rows::{self, Begun, IdempotencyKey, NewOperation};
use crate::app::App;
use crate::problem::Problem;

/// What is to be begun, and for whom.
pub(crate) struct Asked<'a> {
    pub(crate) kind: OperationKind,
    /// What it does, as in "packing".
    pub(crate) word: &'static str,
    pub(crate) actor: &'a str,
    /// What it is done to.
    pub(crate) source: String,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) span: &'a Span,
}

/// Records an operation as running. Nothing is under way where an earlier request with the same key began it.
pub(crate) async fn begin(
    app: &App,
    asked: Asked<'_>,
) -> Result<(Operation, Option<Underway>), Problem> {
    let Asked { kind, word, actor, source, key, span } = asked;
    let id = OperationId::draw().map_err(|e| Problem::internal("drawing an id", &e))?;
    let trace_id = nestr_telemetry::trace_id_of(span).unwrap_or_else(|| id.as_str().to_owned());
    let traceparent = nestr_telemetry::traceparent_of(span);
    let new = NewOperation {
        id: id.clone(),
        kind,
        actor: actor.to_owned(),
        source,
        trace_id: trace_id.clone(),
        traceparent: traceparent.clone(),
        key,
    };
    let operation = match app.log.commit(move |tx| rows::begin(tx, &new)).await {
        Ok(Begun::New(operation)) => operation,
        Ok(Begun::Known(operation)) => return Ok((operation, None)),
        Err(e) => {
            let refused = e.refusal().cloned();
            return Err(refused.unwrap_or_else(|| Problem::in_log("beginning the operation", &e)));
        }
    };
    span.set_attribute(attr::NESTR_OPERATION_ID, id.as_str().to_owned());
    let reporter = app.progress.begin(id.clone(), actor.to_owned(), traceparent.clone());
    let (actor, span) = (actor.to_owned(), span.clone());
    let underway = Underway { id, word, actor, trace_id, traceparent, reporter, span };
    Ok((operation, Some(underway)))
}

/// Replies where the operation can be asked for. One that was refused is recorded with `data` of the request,
/// and `count` counts it.
pub(crate) async fn reply(
    app: &App,
    actor: &str,
    span: &Span,
    begun: Result<Operation, Problem>,
    count: impl FnOnce(),
    data: Value,
) -> Result<Response, Problem> {
    let operation = match begun {
        Ok(operation) => operation,
        Err(problem) => {
            let problem = problem.in_trace(nestr_telemetry::trace_id_of(span));
            count();
            record_refusal(app, actor, "pellets".to_owned(), span, &problem, data)
                .instrument(span.clone())
                .await;
            return Err(problem);
        }
    };
    let location = HeaderValue::from_str(&operation.id.location())
        .map_err(|e| Problem::internal("naming the operation", &e))?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(operation)).into_response())
}
