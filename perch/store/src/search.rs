//! Finds traces by service, operation, tags, time and duration.
//!
//! A trace is found when one of its spans fits everything asked; it is answered whole.

use std::cmp::Reverse;
use std::collections::HashMap;

use collector_otlp::{Signal, TraceId};

use crate::jaeger::{Span, Trace};
use crate::pipeline::read;
use crate::store::Store;
use crate::trace_query::TraceQuery;

/// Traces put together at once: enough to read shared records once, little enough to stop soon.
const CHUNK: usize = 64;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Traces, the one that started last first.
    pub traces: Vec<Trace>,
    /// Whether everything was looked at before the deadline.
    pub complete: bool,
}

impl Store {
    /// Looks for traces, the latest first, until there are enough or time is up.
    #[must_use]
    pub fn search(&self, query: &TraceQuery) -> Found {
        let deadline = self.deadline();
        let mut latest: HashMap<TraceId, u64> = HashMap::new();
        for (pipeline, segment, index) in self.indexes(Signal::Traces) {
            if deadline.passed() {
                return Found { traces: Vec::new(), complete: false };
            }
            let index = read(&index);
            if !index.range().overlaps(&query.range) {
                continue;
            }
            let service = query.service.as_deref();
            if let Err(error) = index.candidates(service, &query.range, &mut latest) {
                pipeline.miss(segment, &error);
            }
        }
        let mut candidates: Vec<(TraceId, u64)> = latest.into_iter().collect();
        candidates.sort_unstable_by_key(|(id, time)| (Reverse(*time), *id));
        let mut traces = Vec::new();
        for chunk in candidates.chunks(CHUNK) {
            let ids: Vec<TraceId> = chunk.iter().map(|(id, _)| *id).collect();
            let (mut assembled, in_time) = self.assemble(&ids, Some(&deadline));
            if !in_time {
                return Found { traces, complete: false };
            }
            let fitting =
                ids.iter().filter_map(|id| assembled.remove(id)).filter(|t| query.fits(t));
            traces.extend(fitting.take(query.limit - traces.len()));
            if traces.len() >= query.limit {
                break;
            }
        }
        Found { traces, complete: true }
    }
}

impl TraceQuery {
    /// Whether one span of the trace fits everything asked.
    fn fits(&self, trace: &Trace) -> bool {
        trace.spans.iter().any(|span| self.fits_span(trace, span))
    }

    fn fits_span(&self, trace: &Trace, span: &Span) -> bool {
        let process = trace.processes.get(&span.process_id);
        let service = process.map(|p| p.service_name.as_str());
        let start = self.range.from / 1_000..=self.range.to / 1_000;
        self.service.as_deref().is_none_or(|wanted| service == Some(wanted))
            && self.operation.as_ref().is_none_or(|wanted| *wanted == span.operation_name)
            && start.contains(&span.start_time)
            && self.min_duration.is_none_or(|least| span.duration >= least)
            && self.max_duration.is_none_or(|most| span.duration <= most)
            && self.tags.iter().all(|(key, value)| {
                let of_process = process.into_iter().flat_map(|p| &p.tags);
                let of_logs = span.logs.iter().flat_map(|log| &log.fields);
                let mut all = span.tags.iter().chain(of_process).chain(of_logs);
                all.any(|tag| tag.key == *key && tag.text() == *value)
            })
    }
}
