//! The index of a segment in memory, growing with it.

use std::collections::{BTreeMap, HashMap};

use collector_otlp::view::{LogsView, TracesView};
use collector_otlp::{Signal, TraceId};
use collector_pipeline::log::Record;

use super::names::{Names, service_of};
use super::{Entry, RecordRange};
use crate::scope::TimeRange;

/// Everything known of a segment so far.
#[derive(Debug)]
pub(crate) struct Building {
    /// The times of everything.
    pub(crate) range: TimeRange,
    /// Services and operations.
    pub(crate) names: Names,
    entries: Vec<Entry>,
    by_trace: HashMap<TraceId, Vec<u32>>,
    records: Vec<RecordRange>,
}

/// What one record adds: times by trace and service.
#[derive(Debug, Default)]
struct Found(BTreeMap<(TraceId, u32), TimeRange>);

impl Default for Building {
    fn default() -> Self {
        Self {
            range: TimeRange::NONE,
            names: Names::default(),
            entries: Vec::new(),
            by_trace: HashMap::new(),
            records: Vec::new(),
        }
    }
}

impl Building {
    /// Adds a record; records come in the order of the log.
    pub(crate) fn add(&mut self, record: &Record) {
        let payload = &record.batch.payload;
        let mut found = Found::default();
        let mut range = TimeRange::NONE;
        match record.batch.signal {
            Signal::Traces => self.add_spans(TracesView::over(payload), &mut found, &mut range),
            Signal::Logs => self.add_lines(LogsView::over(payload), &mut found, &mut range),
            Signal::Metrics => return,
        }
        let offset = record.position.offset;
        for ((trace, service), range) in found.0 {
            // More than four thousand million entries do not fit a segment.
            let Ok(number) = u32::try_from(self.entries.len()) else { return };
            self.entries.push(Entry { trace, offset, range, service });
            self.by_trace.entry(trace).or_default().push(number);
        }
        if range != TimeRange::NONE {
            self.records.push(RecordRange { offset, range });
            self.range.cover(&range);
        }
    }

    fn add_spans(&mut self, traces: TracesView<'_>, found: &mut Found, range: &mut TimeRange) {
        for resource in traces.resource_spans() {
            let service = self.names.add_service(service_of(&resource.resource));
            for span in resource.scope_spans().flat_map(|scope| scope.spans()) {
                self.names.add_operation(service, span.name, span.kind.name());
                range.include(span.start_time_unix_nano);
                found.note(span.trace_id, service, span.start_time_unix_nano);
            }
        }
    }

    fn add_lines(&mut self, logs: LogsView<'_>, found: &mut Found, range: &mut TimeRange) {
        for resource in logs.resource_logs() {
            let service = self.names.add_service(service_of(&resource.resource));
            for line in resource.scope_logs().flat_map(|scope| scope.log_records()) {
                let time = line.best_time_unix_nano();
                range.include(time);
                found.note(line.trace_id, service, time);
            }
        }
    }

    /// Entries in the order of the log.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Entries by trace, then place.
    pub(crate) fn sorted_entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.clone();
        entries.sort_unstable_by_key(|e| (e.trace, e.offset, e.service));
        entries
    }

    /// Entries of one trace.
    pub(crate) fn of_trace(&self, trace: TraceId) -> impl Iterator<Item = &Entry> {
        let numbers = self.by_trace.get(&trace).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|n| self.entries.get(usize::try_from(*n).ok()?))
    }

    /// The records in the order of the log.
    pub(crate) fn records(&self) -> &[RecordRange] {
        &self.records
    }
}

impl Found {
    fn note(&mut self, trace: TraceId, service: u32, nanos: u64) {
        if !trace.is_zero() {
            self.0.entry((trace, service)).or_insert(TimeRange::NONE).include(nanos);
        }
    }
}
