//! One recorded fact, in the Engine's short form and as a CloudEvent.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{EventType, event_type};

/// The identity of an event: the log's own id, a dash, the revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

/// What a closure wants recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub event_type: EventType,
    /// What it happened to: `pellets/<digest>`, `operations/<id>`.
    pub subject: String,
    /// Who caused it: the subject of the token, `cli`, or `nestr` for the Engine itself.
    pub actor: String,
    /// W3C trace context of the operation that caused it.
    pub traceparent: Option<String>,
    /// The rest, shaped by the type.
    pub data: Value,
}

/// A recorded fact. Serialises to the short form that `/ws` and `GET /api/events` carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the log, gap-free from 1.
    pub rev: u64,
    /// Unique over all logs.
    pub id: EventId,
    /// What happened, as its short name.
    #[serde(rename = "type", with = "event_type")]
    pub event_type: EventType,
    /// When the closure recorded it, wall time in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// What it happened to.
    pub subject: String,
    /// Who caused it.
    pub actor: String,
    /// W3C trace context of the operation that caused it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
    /// The rest, shaped by the type.
    pub data: Value,
}

impl NewEvent {
    /// An event without trace context.
    pub fn new(
        event_type: EventType,
        subject: impl Into<String>,
        actor: impl Into<String>,
        data: Value,
    ) -> Self {
        let (subject, actor) = (subject.into(), actor.into());
        Self { event_type, subject, actor, traceparent: None, data }
    }

    /// The same event caused within the trace of `traceparent`.
    #[must_use]
    pub fn in_trace(mut self, traceparent: Option<String>) -> Self {
        self.traceparent = traceparent;
        self
    }
}

impl EventId {
    pub(crate) fn new(log_id: &str, rev: u64) -> Self {
        Self(format!("{log_id}-{rev}"))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn log_id(&self) -> &str {
        self.0.rsplit_once('-').map_or(self.0.as_str(), |(log, _)| log)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Event {
    /// The event as a CloudEvents 1.0 JSON object.
    ///
    /// `rev` is a string there: a CloudEvents integer has 32 bits.
    #[must_use]
    pub fn to_cloud_event(&self) -> Value {
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": format!("/nestr/logs/{}", self.id.log_id()),
            "type": self.event_type.full(),
            "subject": self.subject,
            "time": self.time.format(&Rfc3339).unwrap_or_default(),
            "datacontenttype": "application/json",
            "rev": self.rev.to_string(),
            "actor": self.actor,
            "data": self.data,
        });
        if let Some(traceparent) = &self.traceparent {
            event["traceparent"] = json!(traceparent);
        }
        event
    }
}
