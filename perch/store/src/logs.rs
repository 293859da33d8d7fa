//! Finds log lines by trace and time.

use std::cmp::Reverse;
use std::sync::Arc;

use collector_otlp::view::LogsView;
use collector_otlp::{Signal, TraceId};
use collector_pipeline::log::{Position, Record};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::index::service_of;
use crate::pipeline::{Pipeline, read};
use crate::scope::{Deadline, TimeRange};
use crate::store::Store;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// The trace the line belongs to; any without.
    pub trace: Option<TraceId>,
    /// When it was written.
    pub range: TimeRange,
    /// How many lines at most.
    pub limit: usize,
}

/// What was found.
#[derive(Debug)]
pub struct LogsFound {
    /// Lines by time, earliest first. Of more than the limit, the latest.
    pub lines: Vec<LogLine>,
    /// Whether everything was looked at before the deadline.
    pub complete: bool,
}

/// One log record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// When, in nanoseconds since the Unix epoch; text, for it does not fit JavaScript's numbers.
    #[serde(serialize_with = "as_text")]
    pub time_unix_nano: u64,
    /// The sender's word for the severity, else OpenTelemetry's.
    pub severity_text: String,
    /// 1 to 24, 0 where unknown.
    pub severity_number: i32,
    /// What it says: text as it is, everything else as JSON.
    pub body: String,
    /// The trace in hex, empty without.
    pub trace_id: String,
    /// The span in hex, empty without.
    pub span_id: String,
    /// The service that wrote it.
    pub service: String,
    /// Its attributes.
    pub attributes: Map<String, Value>,
}

impl Store {
    /// Looks for log lines.
    #[must_use]
    pub fn logs(&self, query: &LogQuery) -> LogsFound {
        let deadline = self.deadline();
        let mut found = LogsFound { lines: Vec::new(), complete: true };
        match query.trace {
            Some(trace) => {
                let places = self.places_of(Signal::Logs, trace);
                found.read(query, &deadline, places);
            }
            None => self.logs_by_time(query, &deadline, &mut found),
        }
        found.keep_latest(query.limit);
        found
    }

    fn logs_by_time(&self, query: &LogQuery, deadline: &Deadline, found: &mut LogsFound) {
        let mut places: Vec<(Arc<Pipeline>, Position, u64)> = Vec::new();
        for (pipeline, segment, index) in self.indexes(Signal::Logs) {
            let index = read(&index);
            if !index.range().overlaps(&query.range) {
                continue;
            }
            match index.records_within(&query.range) {
                Ok(records) => places.extend(records.into_iter().map(|record| {
                    let position = Position { segment, offset: record.offset };
                    (Arc::clone(&pipeline), position, record.range.to)
                })),
                Err(error) => pipeline.miss(segment, &error),
            }
        }
        places.sort_by_key(|(_, _, latest)| Reverse(*latest));
        let mut chunk = Vec::new();
        for (pipeline, position, latest) in places {
            // Once full, a record whose latest line is older than all that is kept adds nothing.
            if found.lines.len() >= query.limit {
                found.keep_latest(query.limit);
                if found.lines.first().is_some_and(|line| line.time_unix_nano > latest) {
                    break;
                }
            }
            chunk.push((pipeline, position));
            found.read(query, deadline, chunk.drain(..));
            if !found.complete {
                break;
            }
        }
    }
}

impl LogsFound {
    fn read(
        &mut self,
        query: &LogQuery,
        deadline: &Deadline,
        places: impl IntoIterator<Item = (Arc<Pipeline>, Position)>,
    ) {
        for (pipeline, position) in places {
            if deadline.passed() {
                self.complete = false;
                return;
            }
            match pipeline.record(position) {
                Some(record) => self.add(query, &record),
                None => self.complete = false,
            }
            // A trace that logs without end must not fill our memory.
            if self.lines.len() >= 2 * query.limit {
                self.keep_latest(query.limit);
            }
        }
    }

    fn add(&mut self, query: &LogQuery, record: &Record) {
        for resource in LogsView::over(&record.batch.payload).resource_logs() {
            for scope in resource.scope_logs() {
                for line in scope.log_records() {
                    let fits = query.trace.is_none_or(|trace| trace == line.trace_id)
                        && query.range.contains(line.best_time_unix_nano());
                    if !fits {
                        continue;
                    }
                    let severity = if line.severity_text.is_empty() {
                        line.severity_name()
                    } else {
                        line.severity_text
                    };
                    self.lines.push(LogLine {
                        time_unix_nano: line.best_time_unix_nano(),
                        severity_text: severity.to_owned(),
                        severity_number: line.severity_number,
                        body: line.body.to_string(),
                        trace_id: hex_or_empty(line.trace_id.is_zero(), &line.trace_id),
                        span_id: hex_or_empty(line.span_id.is_zero(), &line.span_id),
                        service: service_of(&resource.resource).to_owned(),
                        attributes: line
                            .attributes()
                            .map(|pair| (pair.key.to_owned(), pair.value.to_json()))
                            .collect(),
                    });
                }
            }
        }
    }

    /// Sorts by time and drops the earliest past the limit.
    fn keep_latest(&mut self, limit: usize) {
        self.lines.sort_by_key(|line| line.time_unix_nano);
        let n_too_many = self.lines.len().saturating_sub(limit);
        self.lines.drain(..n_too_many);
    }
}

fn hex_or_empty(zero: bool, id: &impl ToString) -> String {
    if zero { String::new() } else { id.to_string() }
}

fn as_text<S: serde::Serializer>(nanos: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(nanos)
}
