//! Answers Jaeger's query API by path and parameters.

use serde::Serialize;
use serde_json::{Value, json};

use super::query::{Parameters, QueryError, TracesWanted, trace_id};
use crate::store::Store;

/// What is sent back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// What is asked, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// `/api/services`
    Services,
    /// `/api/services/{service}/operations`
    OperationsOf(String),
    /// `/api/operations`
    Operations,
    /// `/api/traces`
    Traces,
    /// `/api/traces/{id}`
    Trace(String),
    /// `/api/logs`, ours
    Logs,
}

/// Answers a question with its decoded query parameters; `now` is wall time in nanoseconds. Reads
/// files: call it where blocking is allowed.
#[must_use]
pub fn answer(store: &Store, question: &Question, pairs: &[(String, String)], now: u64) -> Answer {
    let parameters = Parameters(pairs);
    let reply = match question {
        Question::Services => Ok(list(&store.services())),
        Question::OperationsOf(service) => {
            let operations = store.operations(service, None);
            let mut names: Vec<String> = operations.into_iter().map(|o| o.name).collect();
            names.dedup();
            Ok(list(&names))
        }
        Question::Operations => operations(store, parameters),
        Question::Traces => traces(store, parameters, now),
        Question::Trace(id) => trace(store, id),
        Question::Logs => logs(store, parameters, now),
    };
    reply.unwrap_or_else(|error| refusal(400, &error.to_string()))
}

fn operations(store: &Store, parameters: Parameters<'_>) -> Result<Answer, QueryError> {
    let service = parameters.get("service").ok_or(QueryError::Missing("service"))?;
    Ok(list(&store.operations(service, parameters.get("spanKind"))))
}

fn traces(store: &Store, parameters: Parameters<'_>, now: u64) -> Result<Answer, QueryError> {
    Ok(match parameters.traces(now)? {
        TracesWanted::Named(ids) => {
            let found: Vec<_> = ids.iter().filter_map(|id| store.trace(*id)).collect();
            list(&found)
        }
        TracesWanted::Matching(query) => {
            let found = store.search(&query);
            with_completeness(list(&found.traces), found.complete)
        }
    })
}

fn trace(store: &Store, id: &str) -> Result<Answer, QueryError> {
    let found = store.trace(trace_id(id)?);
    Ok(found.map_or_else(|| refusal(404, "trace not found"), |trace| list(&[trace])))
}

fn logs(store: &Store, parameters: Parameters<'_>, now: u64) -> Result<Answer, QueryError> {
    let found = store.logs(&parameters.logs(now)?);
    Ok(with_completeness(list(&found.lines), found.complete))
}

fn list<T: Serialize>(items: &[T]) -> Answer {
    let body = json!({
        "data": items,
        "total": items.len(),
        "limit": 0,
        "offset": 0,
        "errors": null,
    });
    Answer { status: 200, body }
}

/// Says when not everything could be looked at; Jaeger's clients pass over the extra member.
fn with_completeness(mut answer: Answer, complete: bool) -> Answer {
    if !complete {
        let why = "not everything could be looked at: time was up, or a part is no longer kept";
        answer.body["warnings"] = json!([why]);
    }
    answer
}

/// An error in Jaeger's shape.
#[must_use]
pub fn refusal(status: u16, message: &str) -> Answer {
    let body = json!({
        "data": null,
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": [{"code": status, "msg": message}],
    });
    Answer { status, body }
}
