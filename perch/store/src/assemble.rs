//! Puts traces together from the records that hold their spans.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use collector_otlp::view::{SpanKind, TracesView};
use collector_otlp::{Signal, SpanId, TraceId};
use collector_pipeline::log::{Position, Record};

use crate::index::service_of;
use crate::jaeger::{Process, Span, Trace, process_of, span_of};
use crate::pipeline::Pipeline;
use crate::scope::Deadline;
use crate::store::Store;

/// A trace past this is cut: no page shows more, and one sender must not fill our memory.
const MAX_SPANS: usize = 50_000;

/// Traces by id, while records are read.
#[derive(Debug, Default)]
struct Assembly {
    traces: HashMap<TraceId, Partial>,
}

#[derive(Debug, Default)]
struct Partial {
    spans: Vec<Span>,
    /// A sender that repeats a request repeats its spans; kinds tell apart the two halves of a call
    /// that share one id.
    seen: HashSet<(SpanId, u8)>,
    processes: Vec<(Vec<u8>, Process)>,
    cut: bool,
    incomplete: bool,
}

impl Store {
    /// A trace; nothing if no span of it is kept.
    #[must_use]
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        self.assemble(&[id], None).0.remove(&id)
    }

    /// The traces asked for, as far as they are kept, and whether all was read before the deadline.
    pub(crate) fn assemble(
        &self,
        ids: &[TraceId],
        deadline: Option<&Deadline>,
    ) -> (HashMap<TraceId, Trace>, bool) {
        // Each record is read once, however many of the traces it holds.
        let mut places: BTreeMap<(usize, Position), (Arc<Pipeline>, Vec<TraceId>)> =
            BTreeMap::new();
        for id in ids {
            for (pipeline, position) in self.places_of(Signal::Traces, *id) {
                let key = (Arc::as_ptr(&pipeline).addr(), position);
                places.entry(key).or_insert_with(|| (pipeline, Vec::new())).1.push(*id);
            }
        }
        let mut assembly = Assembly::default();
        let mut in_time = true;
        for ((_, position), (pipeline, wanted)) in places {
            if deadline.is_some_and(Deadline::passed) {
                in_time = false;
                break;
            }
            match pipeline.record(position) {
                Some(record) => assembly.add(&record, &wanted),
                None => assembly.note_loss(&wanted),
            }
        }
        (assembly.finish(), in_time)
    }
}

impl Assembly {
    fn add(&mut self, record: &Record, wanted: &[TraceId]) {
        for resource in TracesView::over(&record.batch.payload).resource_spans() {
            for scope in resource.scope_spans() {
                for span in scope.spans().filter(|span| wanted.contains(&span.trace_id)) {
                    let partial = self.traces.entry(span.trace_id).or_default();
                    if !partial.seen.insert((span.span_id, kind_number(span.kind))) {
                        continue;
                    }
                    if partial.spans.len() >= MAX_SPANS {
                        partial.cut = true;
                        continue;
                    }
                    let raw = resource.resource.bytes();
                    let process = partial.process(raw, || {
                        process_of(service_of(&resource.resource), &resource.resource)
                    });
                    partial.spans.push(span_of(&span, &scope.scope, process));
                }
            }
        }
    }

    fn note_loss(&mut self, wanted: &[TraceId]) {
        for id in wanted {
            self.traces.entry(*id).or_default().incomplete = true;
        }
    }

    fn finish(self) -> HashMap<TraceId, Trace> {
        let whole = self.traces.into_iter().filter(|(_, partial)| !partial.spans.is_empty());
        whole.map(|(id, partial)| (id, partial.finish(id))).collect()
    }
}

impl Partial {
    /// The id of the process with these bytes, `p1`, `p2`, …
    fn process(&mut self, raw: &[u8], make: impl FnOnce() -> Process) -> String {
        let known = self.processes.iter().position(|(bytes, _)| bytes == raw);
        let at = known.unwrap_or_else(|| {
            self.processes.push((raw.to_owned(), make()));
            self.processes.len() - 1
        });
        format!("p{}", at + 1)
    }

    fn finish(mut self, id: TraceId) -> Trace {
        self.spans.sort_by_key(|span| (span.start_time, span.span_id.clone()));
        let mut warnings = Vec::new();
        if self.cut {
            warnings.push(format!("only the first {MAX_SPANS} spans are shown"));
        }
        if self.incomplete {
            warnings.push("spans of this trace are no longer kept".to_owned());
        }
        let processes = self.processes.into_iter().map(|(_, process)| process);
        let processes = (1..).zip(processes).map(|(n, p)| (format!("p{n}"), p)).collect();
        Trace::new(id, self.spans, processes, warnings)
    }
}

fn kind_number(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}
