//! Events as clients see them.

use nestr_events::Event;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::operations::Frame;
use crate::stamp::Stamp;

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// In order of their revisions.
    #[schema(value_type = Vec<EventShape>)]
    pub(crate) items: Vec<Event>,
    /// Where to go on: the `since` of the next request.
    pub(crate) rev: u64,
}

/// A recorded fact, as in `GET /api/events` and in the text frames of `/ws`.
#[derive(Debug, ToSchema)]
#[schema(as = Event)]
#[allow(dead_code, reason = "describes `nestr_events::Event`, which knows nothing of OpenAPI")]
pub(crate) struct EventShape {
    /// Short name, such as pellet:compressed; progress is not stored and never replayed.
    r#type: String,
    /// Place in the log, gap-free from 1; a `progress` frame carries the last one.
    rev: u64,
    id: String,
    #[schema(format = DateTime)]
    time: String,
    /// What it happened to, such as `pellets/DIGEST` or `operations/ID`.
    subject: String,
    /// W3C trace context of the operation that caused it.
    traceparent: Option<String>,
    /// Who caused it.
    actor: String,
    /// The rest, shaped by the type.
    #[schema(value_type = Object)]
    data: Value,
}

/// A progress report in the form of an event.
pub(crate) fn progress(frame: &Frame, last_rev: u64) -> Value {
    let mut event = json!({
        "type": "progress",
        "rev": last_rev,
        "id": format!("{}-{}", frame.operation, frame.unix_nanos),
        "time": Stamp::at(frame.unix_nanos),
        "subject": frame.operation.subject(),
        "actor": frame.actor,
        "data": {
            "operation_id": frame.operation,
            "phase": frame.step,
            "progress": frame.progress,
        },
    });
    if let Some(traceparent) = &frame.traceparent {
        event["traceparent"] = json!(traceparent);
    }
    event
}
