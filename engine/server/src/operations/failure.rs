//! The bad end of an operation, told in the same way whatever it did: span, log line, row, event.

use nestr_events::{NewEvent, Tx};
use serde_json::{Value, json};
use tracing::Span;

use super::ending::commit_end;
use super::{Cancel, OperationId, OperationKind, Reporter, rows};
use crate::app::App;
use crate::problem::{Code, Problem};

/// An operation that was recorded as running.
pub(crate) struct Underway {
    pub(crate) id: OperationId,
    pub(crate) kind: OperationKind,
    /// What it does, as in "packing".
    pub(crate) word: &'static str,
    /// What it is done to.
    pub(crate) source: String,
    pub(crate) actor: String,
    pub(crate) trace_id: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) reporter: Reporter,
    /// Ends it early.
    pub(crate) cancel: Cancel,
    pub(crate) span: Span,
}

/// A request that was not acceptable.
pub(crate) struct Refused<'a> {
    pub(crate) kind: OperationKind,
    /// What its event is about.
    pub(crate) subject: &'a str,
    /// What its event says beside the problem.
    pub(crate) data: Value,
}

impl Underway {
    /// That it ended early, because somebody asked for that or because the process ends.
    pub(crate) fn cut_short(&self) -> Problem {
        let (word, source) = (self.word, &self.source);
        match self.cancel.by() {
            Some(by) => {
                Problem::new(Code::Cancelled, format!("{word} {source} was cancelled by {by}"))
            }
            None => {
                Problem::new(Code::Interrupted, format!("the Engine stopped while {word} {source}"))
            }
        }
    }

    /// The problem of work that failed; work that was asked to end says who asked.
    pub(crate) fn explained(&self, problem: Problem) -> Problem {
        if problem.code == Code::Cancelled { self.cut_short() } else { problem }
    }
}

/// Ends an operation with `problem`: row and event in one transaction. `data` is what its event says beside
/// operation and problem.
pub(crate) async fn record_failure(app: &App, ended: &Underway, problem: Problem, mut data: Value) {
    let mut problem = problem.in_trace(Some(ended.trace_id.clone()));
    problem.instance = Some(ended.id.location().into());
    nestr_telemetry::fail(&ended.span, problem.code.slug(), &problem.detail);
    let (word, code) = (ended.word, problem.code.slug());
    match problem.code {
        Code::Cancelled => {
            tracing::info!(operation = %ended.id, by = ended.cancel.by(), "{word} was cancelled");
        }
        _ => tracing::error!(operation = %ended.id, code, "{word} failed: {}", problem.detail),
    }
    let (id, last) = (ended.id.clone(), ended.reporter.last());
    data["operation_id"] = json!(id);
    data["problem"] = json!(problem);
    if problem.code == Code::Cancelled {
        data["cancelled_by"] = json!(ended.cancel.by());
    }
    let (event_type, name) = ended.kind.failed();
    let event = NewEvent::new(event_type, id.subject(), &ended.actor, data)
        .in_trace(ended.traceparent.clone());
    let committed = commit_end(app, || {
        let (id, problem, event) = (id.clone(), problem.clone(), event.clone());
        move |tx: &mut Tx<'_>| {
            rows::fail(tx, &id, Some(last), &problem)?;
            tx.publish(event)
        }
    });
    match committed.await {
        Ok(_) => app.instruments.event_published(name),
        // The row stays `running`, which the next start corrects.
        Err(error) => tracing::error!(%error, "the failure could not be recorded"),
    }
}

/// Makes it visible that an operation was never begun; the caller counts it.
pub(super) async fn record_refusal(
    app: &App,
    actor: &str,
    refused: Refused<'_>,
    span: &Span,
    problem: &Problem,
) {
    let Refused { kind, subject, mut data } = refused;
    nestr_telemetry::fail(span, problem.code.slug(), &problem.detail);
    tracing::warn!(code = problem.code.slug(), subject, "refused: {}", problem.detail);
    data["problem"] = json!(problem);
    let (event_type, name) = kind.failed();
    let event = NewEvent::new(event_type, subject.to_owned(), actor, data)
        .in_trace(nestr_telemetry::traceparent_of(span));
    match app.log.commit(move |tx| tx.publish(event)).await {
        Ok(_) => app.instruments.event_published(name),
        Err(error) => tracing::error!(%error, "the refusal could not be recorded"),
    }
}
