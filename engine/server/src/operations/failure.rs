//! The bad end of an operation, told in the same way whatever it did: failed span, log line, row, event.

use nestr_events::{EventType, NewEvent};
use nestr_telemetry::names;
use serde_json::{Value, json};
use tracing::Span;

use super::{OperationId, Reporter, rows};
use crate::app::App;
use crate::problem::Problem;

/// An operation that was recorded as running.
pub(crate) struct Underway {
    pub(crate) id: OperationId,
    /// What it does, as in "packing".
    pub(crate) word: &'static str,
    pub(crate) actor: String,
    pub(crate) trace_id: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) reporter: Reporter,
    pub(crate) span: Span,
}

/// Ends an operation with `problem`: row and `pellet:failed` in one transaction. `data` is what its event
/// says beside operation and problem.
pub(crate) async fn record_failure(app: &App, ended: &Underway, problem: Problem, mut data: Value) {
    let mut problem = problem.in_trace(Some(ended.trace_id.clone()));
    problem.instance = Some(ended.id.location().into());
    nestr_telemetry::fail(&ended.span, problem.code.slug(), &problem.detail);
    let (word, code) = (ended.word, problem.code.slug());
    tracing::error!(operation = %ended.id, code, "{word} failed: {}", problem.detail);
    let (id, last) = (ended.id.clone(), ended.reporter.last());
    data["operation_id"] = json!(id);
    data["problem"] = json!(problem);
    let event = NewEvent::new(EventType::PelletFailed, id.subject(), &ended.actor, data)
        .in_trace(ended.traceparent.clone());
    let committed = app.log.commit(move |tx| {
        rows::fail(tx, &id, Some(last), &problem)?;
        tx.publish(event)
    });
    match committed.await {
        Ok(_) => app.instruments.event_published(names::EventType::PelletFailed),
        // The row stays `running`, which the next start corrects.
        Err(error) => tracing::error!(%error, "the failure could not be recorded"),
    }
}

/// Makes it visible that an operation was never begun; the caller counts it. `data` is what the event
/// says beside the problem, `subject` what it is about.
pub(super) async fn record_refusal(
    app: &App,
    actor: &str,
    subject: String,
    span: &Span,
    problem: &Problem,
    mut data: Value,
) {
    nestr_telemetry::fail(span, problem.code.slug(), &problem.detail);
    tracing::warn!(code = problem.code.slug(), subject, "refused: {}", problem.detail);
    data["problem"] = json!(problem);
    let event = NewEvent::new(EventType::PelletFailed, subject, actor, data)
        .in_trace(nestr_telemetry::traceparent_of(span));
    match app.log.commit(move |tx| tx.publish(event)).await {
        Ok(_) => app.instruments.event_published(names::EventType::PelletFailed),
        Err(error) => tracing::error!(%error, "the refusal could not be recorded"),
    }
}
