//! The beginning of an operation, told in the same way whatever it does: row, reporter, reply.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nestr_telemetry::names::attr;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::cancel::Cancel;
use super::failure::{Refused, Underway, record_refusal};
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
        source: source.clone(),
        trace_id: trace_id.clone(),
        traceparent: traceparent.clone(),
        key,
    };
    // Known before the row is: what is seen to run can be asked to end.
    let cancel = Cancel::beneath(&app.stop);
    let reporter =
        app.progress.begin(id.clone(), actor.to_owned(), traceparent.clone(), cancel.clone());
    let operation = match app.log.commit(move |tx| rows::begin(tx, &new)).await {
        Ok(Begun::New(operation)) => operation,
        Ok(Begun::Known(operation)) => return Ok((operation, None)),
        Err(e) => {
            let refused = e.refusal().cloned();
            return Err(refused.unwrap_or_else(|| Problem::in_log("beginning the operation", &e)));
        }
    };
    span.set_attribute(attr::NESTR_OPERATION_ID, id.as_str().to_owned());
    let (actor, span) = (actor.to_owned(), span.clone());
    let underway =
        Underway { id, kind, word, source, actor, trace_id, traceparent, reporter, cancel, span };
    Ok((operation, Some(underway)))
}

/// Replies where the operation can be asked for. One that was refused is recorded as `refused` says, and
/// `count` counts it.
pub(crate) async fn reply(
    app: &App,
    actor: &str,
    span: &Span,
    begun: Result<Operation, Problem>,
    count: impl FnOnce(),
    refused: Refused<'_>,
) -> Result<Response, Problem> {
    match begun {
        Ok(operation) => accepted(operation),
        Err(problem) => {
            let problem = problem.in_trace(nestr_telemetry::trace_id_of(span));
            count();
            record_refusal(app, actor, refused, span, &problem).instrument(span.clone()).await;
            Err(problem)
        }
    }
}

/// 202, and where the operation can be asked for.
pub(crate) fn accepted(operation: Operation) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(&operation.id.location())
        .map_err(|e| Problem::internal("naming the operation", &e))?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(operation)).into_response())
}
