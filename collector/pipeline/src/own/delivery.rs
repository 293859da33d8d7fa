//! Attempts to deliver what was received.

use collector_telemetry::names::{attr, span};
use serde_json::Value;

use super::allowance::kept;
use super::span::{Context, Kind, Span};
use super::traces::{OwnTraces, is_own, of_batch};
use crate::Batch;
use crate::log::Position;

/// An attempt to deliver that has ended.
pub struct Attempt<'a> {
    /// Whose.
    pub exporter: &'a str,
    /// Where the record lies.
    pub place: (&'a str, Position),
    /// What was sent.
    pub batch: &'a Batch,
    /// How often it was tried, this time included.
    pub n_attempts: u64,
    /// When it began, in nanoseconds since the Unix epoch.
    pub started: u64,
    /// What came of it; a failure with its code and message.
    pub outcome: Result<(), (&'a str, String)>,
}

impl OwnTraces {
    /// Tells of an attempt to deliver.
    pub fn delivered(&self, attempt: Attempt<'_>) {
        let Some(ended) = self.instant() else { return };
        let (pipeline, position) = attempt.place;
        let received = self.places().of(pipeline, position);
        let is_wanted = match received {
            Some(_) => self.admits(|_| true),
            None => self.admits(kept),
        };
        if !is_wanted || is_own(attempt.batch) {
            return;
        }
        let (context, parent) = match received.map(Context::child) {
            Some((context, parent)) => (context, Some(parent)),
            None => (Context::random(), None),
        };
        let code = attempt.outcome.as_ref().map_or_else(|(code, _)| *code, |()| "ok");
        let mut attributes: Vec<(&'static str, Value)> = vec![
            (attr::PERCH_EXPORTER, attempt.exporter.into()),
            (attr::PERCH_PIPELINE, pipeline.into()),
            (attr::PERCH_ATTEMPT, attempt.n_attempts.into()),
            (attr::PERCH_CODE, code.into()),
        ];
        attributes.extend(of_batch(attempt.batch));
        self.put(Span {
            name: span::DELIVER,
            kind: Kind::Client,
            context,
            parent,
            started: attempt.started,
            ended,
            attributes,
            error: attempt.outcome.err().map(|(_, message)| message),
        });
    }
}
